// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * High precision event timers at 0xfed00000: a main counter of 100 MHz and three timers.
 *
 * Modelled: one-shot and periodic mode, 32 and 64 bits, level and edge, routes to GSIs 16 to 23,
 * legacy replacement. Not modelled: FSB (message) interrupts, the second interrupt of a 32-bit
 * one-shot timer when the counter wraps. A host timer exists only for a timer that is enabled and
 * may interrupt. Periodic interrupts come at most 20000 times a second; ticks that the host was too
 * late for fall together.
 */
#pragma once

#include "base/clock.h"
#include "bus/device.h"
#include "bus/io.h"
#include "bus/irq.h"
#include "hw/hpet_regs.h"

/** Where the board's wires go. Wires are borrowed; NULL leads nowhere. */
struct hpet_wires {
	struct irq_line
		*gsi[HPET_GSI_COUNT]; /* those of HPET_ROUTES; level ones, shared with PCI */
	struct irq_line *irq0, *irq8; /* legacy replacement: in the places of PIT and RTC */
	/** Legacy replacement began or ended: the PIT must not drive IRQ 0 meanwhile. May be NULL.
	 */
	void (*legacy_changed)(void *opaque, bool legacy);
	void *opaque;
};

struct hpet_timer_state {
	uint64_t comparator;
	uint64_t period; /* of periodic mode, in ticks */
	uint64_t match; /* guest time in ticks at which the comparator matches, UINT64_MAX for never
			 */
	uint16_t config;     /* HPET_TIMER_KEPT */
	uint8_t set_value;   /* HPET_TIMER_SET_VALUE is on */
	uint8_t reserved[5]; /* zero */
};

/** What a guest can observe. */
struct hpet_state {
	struct hpet_timer_state timers[HPET_TIMER_COUNT];
	uint64_t counter; /* halted: the main counter; running: the counter minus guest time in
			     ticks */
	uint8_t config, status;
	bool rtc_level;      /* of the wire that the RTC drives */
	uint8_t reserved[5]; /* zero */
};

struct hpet;

struct hpet_timer {
	struct hpet *hpet;
	unsigned index;
	struct clock_timer alarm;
	int64_t fired_ns; /* when the alarm went off last, to keep the guest from flooding the host
			   */
};

struct hpet {
	struct hpet_state state;
	struct device device;
	struct io_window window; /* HPET_WINDOW_BYTES; to be mapped by the board */
	struct irq_line rtc;     /* the RTC drives this one: it leads to IRQ 8 unless replaced */
	struct hpet_timer timers[HPET_TIMER_COUNT];
	struct clock *clock;
	struct hpet_wires wires;
};

/** Puts the timers into their power-on state. 'wires' is copied. */
void hpet_init(struct hpet *hpet, struct clock *clock, const struct hpet_wires *wires);
