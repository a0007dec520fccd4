// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Registers of the power management function of the Intel 82371AB (PIIX4). 82371AB data sheet
 * (290562), chapter 7; the fixed ACPI hardware registers as in ACPI 1.0b, section 4.7.3.
 */
#pragma once

/* Configuration space, section 7.1. */
enum acpi_pm_register {
	PIIX4_PMBA = 0x40, /* base of the power management ports */
	PIIX4_CNTA = 0x44,
	PIIX4_CNTB = 0x48,
	PIIX4_GPICTL = 0x4c,
	PIIX4_DEVRESD = 0x50,
	PIIX4_DEVACTA = 0x54,
	PIIX4_DEVACTB = 0x58,
	PIIX4_DEVRESA = 0x5c,
	PIIX4_DEVRESB = 0x60,
	PIIX4_DEVRESC = 0x64,
	PIIX4_DEVRESE = 0x68,
	PIIX4_DEVRESF = 0x6c,
	PIIX4_DEVRESG = 0x70,
	PIIX4_DEVRESH = 0x74,
	PIIX4_DEVRESI = 0x78,
	PIIX4_DEVRESJ = 0x7c,
	PIIX4_PMREGMISC = 0x80,
	PIIX4_SMBBA = 0x90, /* base of the SMBus host's ports */
	PIIX4_SMBHSTCFG = 0xd2,
	PIIX4_SMBSLVC = 0xd3,
	PIIX4_SMBSHDW1 = 0xd4,
	PIIX4_SMBSHDW2 = 0xd5,
};

enum acpi_pm_config {
	PMBA_BASE = 0xffc0,
	PMREGMISC_IO_ENABLE = 0x01,
	SMBBA_BASE = 0xfff0,
	SMBHSTCFG_ENABLE = 0x01,
	/* APMC_EN: SMIs by port 0xb2 are on. Set from the start, since there are no SMIs for a BIOS
	 * to set up. */
	DEVACTB_APMC_ENABLE = 0x02000000,
};

/* Power management ports, section 7.2, offsets from PMBA. */
enum acpi_pm_port {
	PM1_STS = 0x00, /* word */
	PM1_EN = 0x02,  /* word */
	PM1_CNT = 0x04, /* word */
	PM_TMR = 0x08,  /* double word */
	PM_PORT_COUNT = 0x40,
	PM1_EVENT_BYTES = 4,
	PM1_CONTROL_BYTES = 2,
};

/* PM1_STS, all cleared by writing one, and PM1_EN where it has the bit. */
enum acpi_pm1_event {
	PM1_TIMER = 0x0001, /* TMROF_STS: the timer's top bit changed */
	PM1_BUS_MASTER = 0x0010,
	PM1_GLOBAL = 0x0020,
	PM1_POWER_BUTTON = 0x0100,
	PM1_SLEEP_BUTTON = 0x0200,
	PM1_RTC = 0x0400,
	PM1_WAKE = 0x8000, /* status only */
	PM1_ENABLES = PM1_TIMER | PM1_GLOBAL | PM1_POWER_BUTTON | PM1_SLEEP_BUTTON | PM1_RTC,
	PM1_STATUSES = PM1_ENABLES | PM1_BUS_MASTER | PM1_WAKE,
};

/* PM1_CNT. */
enum acpi_pm1_control {
	PM1_SCI_EN = 0x0001,
	PM1_BM_RLD = 0x0002,
	PM1_GBL_RLS = 0x0004, /* reads as zero */
	PM1_SLP_TYP_SHIFT = 10,
	PM1_SLP_TYP = 0x1c00,
	PM1_SLP_EN = 0x2000, /* reads as zero */
	PM1_CNT_STORED = PM1_SCI_EN | PM1_BM_RLD | PM1_SLP_TYP,
};

/* SLP_TYP as the board's ACPI tables give it out. */
enum acpi_sleep_type {
	SLP_TYP_S5 = 0, /* soft off */
	SLP_TYP_S3 = 1, /* suspend to RAM */
	SLP_TYP_S4 = 2, /* the guest has saved itself to disk: off */
};

enum {
	PM_TIMER_HZ = 3579545,
	PM_TIMER_MASK = 0xffffff,
	PM_TIMER_HALF = 0x800000, /* ticks between changes of the top bit */
};

/* APM ports, section 4.4. */
enum acpi_apm {
	APM_PORT_BASE = 0xb2,
	APM_CONTROL = 0, /* APMC */
	APM_STATUS = 1,  /* APMS */
	APM_PORT_COUNT = 2,
	APM_ACPI_DISABLE = 0xf0,
	APM_ACPI_ENABLE = 0xf1,
};
