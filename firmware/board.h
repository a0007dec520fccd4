// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The board as the firmware's tables describe it. Filled by whoever assembles the board; all
 * pointers are borrowed. Zeros are sensible for everything but memory, processors and
 * pirq_rotation.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	BOARD_MAX_CPUS = 255, /* 8-bit local APIC ids, 255 is broadcast */
	BOARD_MAX_RESERVED = 4,
	BOARD_IDE_DRIVES = 4,
	BOARD_FLOPPIES = 2,
	BOARD_SERIAL_PORTS = 4,
};

/* Fixed addresses of the platform. */
enum board_port {
	BOARD_PM_BASE = 0x600, /* where SeaBIOS puts the PIIX4's power management block */
	BOARD_PM1_EVENT = BOARD_PM_BASE + 0x0,
	BOARD_PM1_CONTROL = BOARD_PM_BASE + 0x4,
	BOARD_PM_TIMER = BOARD_PM_BASE + 0x8,
	BOARD_GPE0 = 0xafe0,
	BOARD_PCI_HOTPLUG = 0xae00,
	BOARD_CPU_HOTPLUG = 0xaf00, /* bitmap of the processors that are there */
	BOARD_SMI_COMMAND = 0xb2,
	BOARD_ACPI_ENABLE = 0xf1, /* commands to it */
	BOARD_ACPI_DISABLE = 0xf0,
	BOARD_RESET_PORT = 0xcf9,
	BOARD_RESET_VALUE = 0x06,
};

#define BOARD_IOAPIC_BASE UINT32_C(0xfec00000)
#define BOARD_LAPIC_BASE  UINT32_C(0xfee00000)
#define BOARD_HPET_BASE   UINT32_C(0xfed00000)
#define BOARD_HIGH_RAM    UINT64_C(0x100000000)

enum board_irq {
	BOARD_SCI = 9,
	BOARD_IOAPIC_PINS = 24,
	BOARD_FIRST_PCI_GSI = 16,
};

struct board_range {
	uint64_t base, length;
};

/** CMOS codes of floppy drives. */
enum board_floppy {
	BOARD_FLOPPY_NONE = 0,
	BOARD_FLOPPY_360K = 1,
	BOARD_FLOPPY_1200K = 2,
	BOARD_FLOPPY_720K = 3,
	BOARD_FLOPPY_1440K = 4,
	BOARD_FLOPPY_2880K = 5,
};

/** How the BIOS maps a disk's geometry for INT 13h: the CMOS codes. */
enum board_translation {
	BOARD_TRANSLATION_NONE = 0,
	BOARD_TRANSLATION_LBA = 1,
	BOARD_TRANSLATION_LARGE = 2,
	BOARD_TRANSLATION_RECHS = 3,
};

struct board_disk {
	bool present; /* a hard disk; CD-ROMs do not count */
	uint16_t cylinders;
	uint8_t heads, sectors;
	enum board_translation translation;
};

/** An option ROM handed over as a file: "genroms/x.rom" is run late, "vgaroms/x.rom" before the
 * screen comes up. */
struct board_rom {
	const char *name;
	const void *data;
	uint32_t length;
};

/** SMBIOS strings; NULL takes the default. */
struct board_smbios {
	const char *manufacturer, *product, *version, *serial, *sku, *family;
	const char *bios_vendor, *bios_version, *bios_date; /* date as MM/DD/YYYY */
	const char *asset_tag;
};

struct firmware_board {
	uint64_t low_bytes, high_bytes; /* RAM below the PCI hole and from 4 GiB on */
	/** Ranges below 4 GiB that the hypervisor core keeps for itself (its TSS pages on Intel's
	 * VT-x); empty ones are left out. */
	struct board_range reserved[BOARD_MAX_RESERVED];
	uint32_t pci_hole_base;           /* of the 32-bit window; 0: the end of low RAM */
	uint64_t pci64_base, pci64_bytes; /* 64-bit window; 0 bytes: none */

	unsigned cpus, max_cpus; /* present, and as many as can be plugged; APIC ids from 0 on */
	uint32_t cpuid_1_eax, cpuid_1_edx; /* signature and features, for SMBIOS and the MP table */

	uint8_t uuid[16]; /* in the order of its text form; all zero: none */
	struct board_smbios smbios;

	bool acpi;
	bool no_s3, no_s4;
	bool hpet;
	bool floppy_controller;
	enum board_floppy floppies[BOARD_FLOPPIES];
	bool serial[BOARD_SERIAL_PORTS]; /* 0x3f8, 0x2f8, 0x3e8, 0x2e8 */
	bool parallel;                   /* 0x378 */
	/**
	 * INTx pin p (INTA is 0) of slot s is PIRQ link (s + p + pirq_rotation) & 3, and I/O APIC
	 * pin 16 + ((s + p) & 7). Under SeaBIOS it must be 3: its $PIR, MP table and interrupt line
	 * registers take link (s + p - 1) & 3 for granted.
	 */
	uint8_t pirq_rotation;

	struct board_disk disks[BOARD_IDE_DRIVES]; /* ide0 master, slave, ide1 master, slave */

	/** Letters: a floppy, c disk, d CD-ROM, n network; three count. NULL or "": "cad". */
	const char *boot_order;
	/** Devices in boot order, as SeaBIOS names them (docs/firmware.md); they come before what
	 * the letters say. */
	const char *const *boot_paths;
	size_t boot_path_count;
	bool boot_strict; /* nothing but boot_paths is tried */
	bool boot_menu;
	uint16_t boot_menu_wait_ms; /* of the menu, if there is one; 0: SeaBIOS' 2.5 s */
	int32_t boot_retry_ms; /* until a failed boot is tried again by a reset; 0 or less: never */
	bool check_floppy_signature; /* boot only from floppies whose boot sector ends in 55 aa */

	bool nographic;
	uint16_t serial_console_port; /* SeaBIOS shows its text screen there too; 0: it does not */
	const struct board_rom *roms;
	size_t rom_count;
};
