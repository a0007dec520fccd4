// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * High precision event timers. IA-PC HPET Specification 1.0a, section 2.3. All registers are 64
 * bits wide.
 */
#pragma once

#include <stdint.h>

enum hpet_register {
	HPET_CAPABILITIES = 0x000,
	HPET_CONFIG = 0x010,
	HPET_STATUS = 0x020,  /* one bit a timer in level mode; a written one clears it */
	HPET_COUNTER = 0x0f0, /* main counter */
	HPET_TIMERS = 0x100,  /* the first timer's block */
	HPET_TIMER_STRIDE = 0x20,
	HPET_WINDOW_BYTES = 0x400,
};

/** In a timer's block. */
enum hpet_timer_register {
	HPET_TIMER_CONFIG = 0x00,
	HPET_TIMER_COMPARATOR = 0x08,
};

enum hpet_config {
	HPET_CONFIG_ENABLE = 0x1, /* the main counter runs and timers interrupt */
	HPET_CONFIG_LEGACY = 0x2, /* timers 0 and 1 take the places of PIT and RTC */
	HPET_CONFIG_MASK = 0x3,
};

enum hpet_timer_config {
	HPET_TIMER_LEVEL = 0x0002,
	HPET_TIMER_ENABLE = 0x0004, /* interrupts */
	HPET_TIMER_PERIODIC = 0x0008,
	HPET_TIMER_PERIODIC_CAP = 0x0010,
	HPET_TIMER_64BIT_CAP = 0x0020,
	HPET_TIMER_SET_VALUE =
		0x0040, /* the next comparator write sets the comparator too, not only the period */
	HPET_TIMER_32BIT = 0x0100,
	HPET_TIMER_ROUTE = 0x3e00,
	HPET_TIMER_ROUTE_SHIFT = 9,
	HPET_TIMER_KEPT = HPET_TIMER_LEVEL | HPET_TIMER_ENABLE | HPET_TIMER_PERIODIC |
			  HPET_TIMER_32BIT | HPET_TIMER_ROUTE,
};

enum {
	HPET_TIMER_COUNT = 3,
	HPET_TICK_NS = 10,
	HPET_GSI_COUNT = 24,
	HPET_ROUTES = 0x00ff0000, /* GSIs 16 to 23 */
};

/** Revision 1, three timers, 64 bits, legacy replacement, vendor 8086 (what drivers expect), 10 ns
 * in fs. */
#define HPET_CAPABILITIES_VALUE                                                    \
	(UINT64_C(10000000) << 32 | UINT64_C(0x8086) << 16 | 1u << 15 | 1u << 13 | \
	 (HPET_TIMER_COUNT - 1) << 8 | 1u)
