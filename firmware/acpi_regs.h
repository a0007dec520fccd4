// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Layout of the ACPI tables that the builder writes. Advanced Configuration and Power Interface
 * Specification 2.0c, chapter 5 (FADT revision 3), 3.0 for the MADT; IA-PC HPET
 * Specification 1.0a, 3.2.4; Windows ACPI Emulated Devices Table.
 */
#pragma once

#include <stdint.h>

/** 5.2.5.3 Root System Description Pointer, revision 2. */
enum acpi_rsdp {
	RSDP_SIGNATURE = 0, /* 8 bytes */
	RSDP_CHECKSUM = 8,  /* of the first 20 bytes */
	RSDP_OEM_ID = 9,
	RSDP_REVISION = 15,
	RSDP_RSDT = 16,
	RSDP_LENGTH = 20,
	RSDP_XSDT = 24,
	RSDP_EXTENDED_CHECKSUM = 32, /* of everything */
	RSDP_CHECKSUMMED = 20,
	RSDP_SIZE = 36,
};

/** 5.2.6 System Description Table Header. */
enum acpi_header {
	ACPI_SIGNATURE = 0, /* 4 bytes */
	ACPI_LENGTH = 4,
	ACPI_REVISION = 8,
	ACPI_CHECKSUM = 9,
	ACPI_OEM_ID = 10,       /* 6 bytes */
	ACPI_OEM_TABLE_ID = 16, /* 8 bytes */
	ACPI_OEM_REVISION = 24,
	ACPI_CREATOR_ID = 28,
	ACPI_CREATOR_REVISION = 32,
	ACPI_HEADER_SIZE = 36,
};

/** 5.2.8 Fixed ACPI Description Table. Addresses without X are 32 bits wide, those with X generic
 * address structures. */
enum acpi_fadt {
	FADT_FIRMWARE_CTRL = 36,
	FADT_DSDT = 40,
	FADT_SCI_INT = 46, /* 16 bits */
	FADT_SMI_CMD = 48, /* 32 bits */
	FADT_ACPI_ENABLE = 52,
	FADT_ACPI_DISABLE = 53,
	FADT_PM1A_EVT_BLK = 56,
	FADT_PM1A_CNT_BLK = 64,
	FADT_PM_TMR_BLK = 76,
	FADT_GPE0_BLK = 80,
	FADT_PM1_EVT_LEN = 88,
	FADT_PM1_CNT_LEN = 89,
	FADT_PM_TMR_LEN = 91,
	FADT_GPE0_BLK_LEN = 92,
	FADT_P_LVL2_LAT = 96, /* 16 bits */
	FADT_P_LVL3_LAT = 98, /* 16 bits */
	FADT_CENTURY = 108,
	FADT_IAPC_BOOT_ARCH = 109, /* 16 bits */
	FADT_FLAGS = 112,
	FADT_RESET_REG = 116,
	FADT_RESET_VALUE = 128,
	FADT_X_FIRMWARE_CTRL =
		132,       /* 64 bits; 0, for Linux takes a second address as a second FACS */
	FADT_X_DSDT = 140, /* 64 bits */
	FADT_X_PM1A_EVT_BLK = 148,
	FADT_X_PM1A_CNT_BLK = 172,
	FADT_X_PM_TMR_BLK = 208,
	FADT_X_GPE0_BLK = 220,
	FADT_SIZE = 244,
	FADT_REVISION = 3,
};

enum acpi_fadt_flags {
	FADT_WBINVD = 1 << 0,     /* WBINVD flushes and invalidates */
	FADT_PROC_C1 = 1 << 2,    /* every processor has C1 */
	FADT_SLP_BUTTON = 1 << 5, /* there is no fixed sleep button; the power button is fixed */
	FADT_RTC_S4 = 1 << 7,     /* the clock can wake from S4 */
	FADT_RESET_REG_SUP = 1 << 10,
};

enum acpi_boot_arch {
	BOOT_ARCH_LEGACY_DEVICES = 1 << 0,
	BOOT_ARCH_8042 = 1 << 1,
};

enum acpi_fadt_values {
	FADT_NO_C2 = 0xfff, /* latencies above which there is no such state */
	FADT_NO_C3 = 0xfff,
	FADT_CENTURY_INDEX = 0x32, /* in CMOS */
};

/** 5.2.3.1 Generic Address Structure. */
enum acpi_gas {
	GAS_SPACE = 0,
	GAS_BIT_WIDTH = 1,
	GAS_BIT_OFFSET = 2,
	GAS_ACCESS_SIZE = 3,
	GAS_ADDRESS = 4,
	GAS_SPACE_MEMORY = 0,
	GAS_SPACE_IO = 1,
};

/** 5.2.9 Firmware ACPI Control Structure. */
enum acpi_facs {
	FACS_LENGTH = 4,
	FACS_VERSION = 32,
	FACS_SIZE = 64,
};

/** 5.2.10.4 Multiple APIC Description Table. */
enum acpi_madt {
	MADT_LAPIC_ADDRESS = 36,
	MADT_FLAGS = 40,
	MADT_ENTRIES = 44,
	MADT_PCAT_COMPAT = 1, /* there are 8259s too */
	MADT_LAPIC = 0,       /* entry types */
	MADT_LAPIC_SIZE = 8,
	MADT_LAPIC_ENABLED = 1,
	MADT_IOAPIC = 1,
	MADT_IOAPIC_SIZE = 12,
	MADT_OVERRIDE = 2,
	MADT_OVERRIDE_SIZE = 10,
	MADT_LAPIC_NMI = 4,
	MADT_LAPIC_NMI_SIZE = 6,
	MADT_ALL_PROCESSORS = 0xff,
	MADT_BUS_DEFAULT = 0x0,           /* interrupt flags */
	MADT_HIGH_LEVEL = 0x1 | 0x3 << 2, /* active high, level-triggered */
};

/** HPET 3.2.4. */
enum acpi_hpet {
	HPET_BLOCK_ID = 36,
	HPET_ADDRESS = 40, /* generic address structure */
	HPET_NUMBER = 52,
	HPET_MIN_TICK = 53, /* 16 bits */
	HPET_TABLE_SIZE = 56,
};

/** Bits 31:16 vendor, 15 legacy route, 13 64-bit counter, 12:8 timers less one, 7:0 revision: as
 * the chip's capabilities. */
#define HPET_BLOCK_ID_VALUE UINT32_C(0x8086a201)

enum acpi_waet {
	WAET_FLAGS = 36,
	WAET_SIZE = 40,
	WAET_PM_TIMER_GOOD = 2, /* one read of the PM timer suffices */
};
