// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Real-time clock and CMOS RAM. Motorola MC146818A data sheet, "Address map" and "Registers"; the
 * PC puts an index and a data register in front of it.
 */
#pragma once

enum rtc_port {
	RTC_INDEX = 0, /* write-only; bit 7 masks NMI and is no part of the index */
	RTC_DATA = 1,
	RTC_PORT_COUNT = 2,
};

enum rtc_register {
	RTC_SECONDS = 0x00,
	RTC_SECONDS_ALARM = 0x01,
	RTC_MINUTES = 0x02,
	RTC_MINUTES_ALARM = 0x03,
	RTC_HOURS = 0x04,
	RTC_HOURS_ALARM = 0x05,
	RTC_WEEKDAY = 0x06, /* 1 is Sunday */
	RTC_DAY = 0x07,
	RTC_MONTH = 0x08,
	RTC_YEAR = 0x09,
	RTC_A = 0x0a,
	RTC_B = 0x0b,
	RTC_C = 0x0c, /* reading clears it */
	RTC_D = 0x0d,
	RTC_RAM = 0x0e,     /* from here on plain memory */
	RTC_CENTURY = 0x32, /* no register of the chip: the PC's firmware keeps it, ACPI's FADT
			       names it */
	RTC_CMOS_BYTES = 0x80,
};

enum rtc_a {
	RTC_A_RATE = 0x0f,    /* RS3..RS0: the periodic interrupt's rate */
	RTC_A_DIVIDER = 0x70, /* DV2..DV0: the time base */
	RTC_A_DIVIDER_32KHZ = 0x20,
	RTC_A_DIVIDER_RESET = 0x60, /* both of these bits: the divider chain is held in reset */
	RTC_A_UIP = 0x80,           /* an update is about to come; read-only */
};

enum rtc_b {
	RTC_B_DSE = 0x01, /* daylight saving; without effect */
	RTC_B_24H = 0x02,
	RTC_B_DM = 0x04,   /* binary data, else BCD */
	RTC_B_SQWE = 0x08, /* square wave output; not connected in a PC */
	RTC_B_UIE = 0x10,
	RTC_B_AIE = 0x20,
	RTC_B_PIE = 0x40,
	RTC_B_SET = 0x80, /* the time registers stand still, to be written */
};

enum rtc_c {
	RTC_C_UF = 0x10,
	RTC_C_AF = 0x20,
	RTC_C_PF = 0x40,
	RTC_C_IRQF = 0x80,
	RTC_C_FLAGS = RTC_C_UF | RTC_C_AF | RTC_C_PF, /* in the places of their enable bits in B */
};

enum {
	RTC_D_VRT = 0x80,     /* the battery is good */
	RTC_HOUR_PM = 0x80,   /* in 12 h mode */
	RTC_ALARM_ANY = 0xc0, /* both bits: an alarm byte that matches everything */
	RTC_CRYSTAL_HZ = 32768,
	RTC_UIP_NS = 244140, /* UIP rises this long before the update: 8 periods of the crystal */
	RTC_FIRST_UPDATE_NS = 500000000, /* the first update after the divider leaves reset */
};
