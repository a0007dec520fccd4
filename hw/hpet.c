// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/hpet.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/trace.h"

static const struct state_field hpet_timer_fields[] = {
	STATE_INT(struct hpet_timer_state, comparator),
	STATE_INT(struct hpet_timer_state, period),
	STATE_INT(struct hpet_timer_state, match),
	STATE_INT(struct hpet_timer_state, config),
	STATE_INT(struct hpet_timer_state, set_value),
	STATE_ARRAY(struct hpet_timer_state, reserved),
};
static STATE_TABLE(hpet_timer_table, hpet_timer_state, hpet_timer_fields);

static const struct state_field hpet_fields[] = {
	STATE_STRUCTS(struct hpet_state, timers, &hpet_timer_table),
	STATE_INT(struct hpet_state, counter),
	STATE_INT(struct hpet_state, config),
	STATE_INT(struct hpet_state, status),
	STATE_INT(struct hpet_state, rtc_level),
	STATE_ARRAY(struct hpet_state, reserved),
};
static STATE_TABLE(hpet_table, hpet_state, hpet_fields);

enum {
	HPET_FLOOR_NS = 50000, /* between periodic interrupts of one timer */
	/* A comparator that lies this little behind the counter was meant for now: the guest, or
	 * the host, was late. */
	HPET_LATE_TICKS = 100000000,
};

static const uint64_t never = UINT64_MAX;

/* --- The main counter. --- */

static uint64_t hpet_now(const struct hpet *hpet)
{
	return (uint64_t)clock_now_ns(hpet->clock) / HPET_TICK_NS;
}

static bool hpet_is_enabled(const struct hpet *hpet)
{
	return (hpet->state.config & HPET_CONFIG_ENABLE) != 0;
}

static bool hpet_is_legacy(const struct hpet *hpet)
{
	return (hpet->state.config & HPET_CONFIG_LEGACY) != 0;
}

static uint64_t hpet_counter(const struct hpet *hpet)
{
	return hpet->state.counter + (hpet_is_enabled(hpet) ? hpet_now(hpet) : 0);
}

/* --- One timer. --- */

static uint64_t timer_mask(const struct hpet_timer_state *timer)
{
	return timer->config & HPET_TIMER_32BIT ? (uint64_t)UINT32_MAX : UINT64_MAX;
}

static bool timer_repeats(const struct hpet_timer_state *timer)
{
	return timer->config & HPET_TIMER_PERIODIC && timer->period > 0;
}

static struct irq_line *timer_wire(struct hpet *hpet, unsigned index)
{
	unsigned route = (unsigned)hpet->state.timers[index].config >> HPET_TIMER_ROUTE_SHIFT;

	if (hpet_is_legacy(hpet) && index < 2)
		return index == 0 ? hpet->wires.irq0 : hpet->wires.irq8;
	return route < HPET_GSI_COUNT ? hpet->wires.gsi[route] : NULL;
}

/* Works out when the comparator matches next. */
static void timer_aim(struct hpet *hpet, struct hpet_timer_state *timer)
{
	uint64_t mask = timer_mask(timer);
	uint64_t ahead = (timer->comparator - hpet_counter(hpet)) & mask;

	if (mask - ahead < HPET_LATE_TICKS)
		ahead = 0;
	timer->match = ahead > never - hpet_now(hpet) ? never : hpet_now(hpet) + ahead;
}

/* Passes what has matched up to now; the comparator of periodic mode moves on. True if it has
 * matched. */
static bool timer_pass(struct hpet *hpet, struct hpet_timer_state *timer)
{
	uint64_t now = hpet_now(hpet), steps;

	if (!hpet_is_enabled(hpet) || timer->match == never || now < timer->match)
		return false;
	if (!timer_repeats(timer)) {
		timer->match = never;
		return true;
	}
	steps = (now - timer->match) / timer->period + 1;
	timer->match += steps * timer->period;
	timer->comparator = (timer->comparator + steps * timer->period) & timer_mask(timer);
	return true;
}

static void timer_interrupt(struct hpet *hpet, unsigned index)
{
	struct irq_line *wire = timer_wire(hpet, index);

	TRACE(hpet, interrupt, "timer %u", index);
	if (hpet->state.timers[index].config & HPET_TIMER_LEVEL)
		hpet->state.status |= (uint8_t)BIT(index);
	else if (wire && !wire->level)
		irq_pulse(wire);
}

static void timer_arm(struct hpet *hpet, unsigned index)
{
	const struct hpet_timer_state *state = &hpet->state.timers[index];
	struct hpet_timer *timer = &hpet->timers[index];
	int64_t deadline_ns;

	if (!hpet_is_enabled(hpet) || !(state->config & HPET_TIMER_ENABLE) ||
	    state->match > INT64_MAX / HPET_TICK_NS) {
		clock_timer_cancel(&timer->alarm);
		return;
	}
	deadline_ns = (int64_t)state->match * HPET_TICK_NS;
	if (timer_repeats(state) && deadline_ns < timer->fired_ns + HPET_FLOOR_NS)
		deadline_ns = timer->fired_ns + HPET_FLOOR_NS;
	clock_timer_set(&timer->alarm, deadline_ns);
}

/* --- All timers. --- */

/* Brings comparators, flags and edges up to now. */
static void hpet_sync(struct hpet *hpet)
{
	for (unsigned i = 0; i < HPET_TIMER_COUNT; i++) {
		struct hpet_timer_state *timer = &hpet->state.timers[i];

		if (timer_pass(hpet, timer) && timer->config & HPET_TIMER_ENABLE)
			timer_interrupt(hpet, i);
	}
}

static bool hpet_drives(struct hpet *hpet, struct irq_line *wire)
{
	for (unsigned i = 0; i < HPET_TIMER_COUNT; i++)
		if (hpet->state.status & BIT(i) && hpet_is_enabled(hpet) &&
		    hpet->state.timers[i].config & HPET_TIMER_ENABLE && timer_wire(hpet, i) == wire)
			return true;
	return false;
}

static void hpet_update_wire(struct hpet *hpet, struct irq_line *wire, bool other)
{
	if (wire)
		irq_set(wire, other || hpet_drives(hpet, wire));
}

/*
 * By the data sheet legacy replacement takes IRQ 8 from the RTC. Linux without
 * CONFIG_HPET_EMULATE_RTC turns it on for timer 0 alone and goes on to use the RTC's interrupt, so
 * the wire changes hands only when timer 1 may drive it.
 */
static bool rtc_is_replaced(const struct hpet *hpet)
{
	return hpet_is_legacy(hpet) && (hpet->state.timers[1].config & HPET_TIMER_ENABLE);
}

/* Drives level wires and sets host timers by the registers. */
static void hpet_settle(struct hpet *hpet)
{
	for (unsigned gsi = 0; gsi < HPET_GSI_COUNT; gsi++)
		if (HPET_ROUTES & BIT(gsi))
			hpet_update_wire(hpet, hpet->wires.gsi[gsi], false);
	/* IRQ 0 is the PIT's own wire while it is not replaced: we leave it low. */
	hpet_update_wire(hpet, hpet->wires.irq0, false);
	hpet_update_wire(hpet, hpet->wires.irq8, hpet->state.rtc_level && !rtc_is_replaced(hpet));
	for (unsigned i = 0; i < HPET_TIMER_COUNT; i++)
		timer_arm(hpet, i);
}

static void hpet_fire(void *opaque)
{
	struct hpet_timer *timer = opaque;

	timer->fired_ns = clock_now_ns(timer->hpet->clock);
	hpet_sync(timer->hpet);
	hpet_settle(timer->hpet);
}

static void hpet_set_rtc(void *opaque, unsigned number, bool level)
{
	struct hpet *hpet = opaque;

	(void)number;
	hpet->state.rtc_level = level;
	if (!rtc_is_replaced(hpet))
		hpet_update_wire(hpet, hpet->wires.irq8, level);
}

/* --- Registers. --- */

static uint64_t timer_read(const struct hpet_timer_state *timer, unsigned reg)
{
	switch (reg) {
	case HPET_TIMER_CONFIG:
		return (uint64_t)HPET_ROUTES << 32 | timer->config | HPET_TIMER_PERIODIC_CAP |
		       HPET_TIMER_64BIT_CAP;
	case HPET_TIMER_COMPARATOR:
		return timer->comparator;
	default:
		return 0;
	}
}

/* The timer whose block holds the register at 'reg', or -1. */
static int timer_index(unsigned reg)
{
	if (reg < HPET_TIMERS || reg >= HPET_TIMERS + HPET_TIMER_COUNT * HPET_TIMER_STRIDE)
		return -1;
	return (int)((reg - HPET_TIMERS) / HPET_TIMER_STRIDE);
}

static uint64_t hpet_read_register(const struct hpet *hpet, unsigned reg)
{
	int index = timer_index(reg);

	if (index >= 0)
		return timer_read(&hpet->state.timers[index], reg % HPET_TIMER_STRIDE);
	switch (reg) {
	case HPET_CAPABILITIES:
		return HPET_CAPABILITIES_VALUE;
	case HPET_CONFIG:
		return hpet->state.config;
	case HPET_STATUS:
		return hpet->state.status;
	case HPET_COUNTER:
		return hpet_counter(hpet);
	default:
		return 0;
	}
}

/* The counter halts or goes on: what has yet to match is aimed at anew. */
static void hpet_aim_all(struct hpet *hpet)
{
	for (unsigned i = 0; i < HPET_TIMER_COUNT; i++)
		if (hpet->state.timers[i].match != never)
			timer_aim(hpet, &hpet->state.timers[i]);
}

static void hpet_write_config(struct hpet *hpet, uint8_t value)
{
	uint8_t changed = (value ^ hpet->state.config) & HPET_CONFIG_MASK;
	uint64_t counter = hpet_counter(hpet);

	hpet->state.config = value & HPET_CONFIG_MASK;
	if (changed & HPET_CONFIG_ENABLE) {
		hpet->state.counter = counter - (hpet_is_enabled(hpet) ? hpet_now(hpet) : 0);
		hpet_aim_all(hpet);
	}
	if (changed & HPET_CONFIG_LEGACY && hpet->wires.legacy_changed)
		hpet->wires.legacy_changed(hpet->wires.opaque, hpet_is_legacy(hpet));
}

/* A one-shot comparator that has matched may match again; one that was never written does not. */
static void hpet_write_counter(struct hpet *hpet, uint64_t value)
{
	hpet->state.counter = value - (hpet_is_enabled(hpet) ? hpet_now(hpet) : 0);
	for (unsigned i = 0; i < HPET_TIMER_COUNT; i++)
		if (hpet->state.timers[i].comparator != timer_mask(&hpet->state.timers[i]))
			timer_aim(hpet, &hpet->state.timers[i]);
}

/* A route that the timer does not have is not taken: section 2.3.8. Leaving level mode drops the
 * flag. */
static void timer_write_config(struct hpet *hpet, unsigned index, uint64_t value)
{
	struct hpet_timer_state *timer = &hpet->state.timers[index];
	uint16_t before = timer->config;
	uint16_t config = value & HPET_TIMER_KEPT;

	if (!(HPET_ROUTES >> (config >> HPET_TIMER_ROUTE_SHIFT) & 1))
		config = (uint16_t)((config & ~HPET_TIMER_ROUTE) | (before & HPET_TIMER_ROUTE));
	timer->config = config;
	timer->set_value = (value & HPET_TIMER_SET_VALUE) != 0;
	timer->comparator &= timer_mask(timer);
	timer->period &= timer_mask(timer);
	if (!(config & HPET_TIMER_LEVEL))
		hpet->state.status &= (uint8_t)~BIT(index);
	if ((before ^ config) & HPET_TIMER_32BIT && timer->match != never)
		timer_aim(hpet, timer);
}

/* In periodic mode a write is the period; with SET_VALUE, which it uses up, it is the comparator as
 * well: section 2.3.9.2. */
static void timer_write_comparator(struct hpet *hpet, struct hpet_timer_state *timer,
				   uint64_t value)
{
	value &= timer_mask(timer);
	if (timer->config & HPET_TIMER_PERIODIC)
		timer->period = value;
	if (!(timer->config & HPET_TIMER_PERIODIC) || timer->set_value) {
		timer->comparator = value;
		timer_aim(hpet, timer);
	}
	timer->set_value = 0;
}

static void hpet_write_register(struct hpet *hpet, unsigned reg, uint64_t value)
{
	int index = timer_index(reg);

	TRACE(hpet, write, "%03x: %llx", reg, (unsigned long long)value);
	if (index >= 0 && reg % HPET_TIMER_STRIDE == HPET_TIMER_CONFIG)
		timer_write_config(hpet, (unsigned)index, value);
	else if (index >= 0 && reg % HPET_TIMER_STRIDE == HPET_TIMER_COMPARATOR)
		timer_write_comparator(hpet, &hpet->state.timers[index], value);
	else if (reg == HPET_CONFIG)
		hpet_write_config(hpet, (uint8_t)value);
	else if (reg == HPET_STATUS)
		hpet->state.status &= (uint8_t)~value;
	else if (reg == HPET_COUNTER)
		hpet_write_counter(hpet, value);
}

/* Bits of a 64-bit register that an access of 'size' bytes at 'offset' means; what runs over its
 * end is cut off. */
static uint64_t access_mask(uint64_t offset, unsigned size)
{
	return ones(size) << 8 * (offset & 7);
}

static uint64_t hpet_peek(void *opaque, uint64_t offset, unsigned size)
{
	uint64_t value = hpet_read_register(opaque, (unsigned)(offset & ~UINT64_C(7)));

	return (value & access_mask(offset, size)) >> 8 * (offset & 7);
}

static uint64_t hpet_read(void *opaque, uint64_t offset, unsigned size)
{
	struct hpet *hpet = opaque;

	/* Comparators and flags may be behind; the counter, which is read often, never is. */
	if ((offset & ~UINT64_C(7)) != HPET_COUNTER) {
		hpet_sync(hpet);
		hpet_settle(hpet);
	}
	return hpet_peek(hpet, offset, size);
}

/* The upper half of a timer's configuration is read-only, and 32-bit comparators have none: 64-bit
 * writes come in halves. */
static bool is_idle_half(const struct hpet *hpet, unsigned reg, uint64_t mask)
{
	int index = timer_index(reg);

	return index >= 0 && !(mask & UINT32_MAX) &&
	       (reg % HPET_TIMER_STRIDE == HPET_TIMER_CONFIG ||
		hpet->state.timers[index].config & HPET_TIMER_32BIT);
}

static void hpet_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
	struct hpet *hpet = opaque;
	unsigned reg = (unsigned)(offset & ~UINT64_C(7));
	uint64_t mask = access_mask(offset, size), whole = value << 8 * (offset & 7) & mask;

	if (is_idle_half(hpet, reg, mask))
		return;
	hpet_sync(hpet);
	if (reg != HPET_STATUS)
		whole |= hpet_read_register(hpet, reg) & ~mask;
	hpet_write_register(hpet, reg, whole);
	hpet_sync(hpet);
	hpet_settle(hpet);
}

static const struct io_ops hpet_ops = {
	.read = hpet_read,
	.write = hpet_write,
	.peek = hpet_peek,
	.max_size = 8,
};

/* --- Life. --- */

static void hpet_reset(void *self)
{
	struct hpet *hpet = self;
	bool was_legacy = hpet_is_legacy(hpet);

	hpet->state = (struct hpet_state){ .rtc_level = hpet->state.rtc_level };
	for (unsigned i = 0; i < HPET_TIMER_COUNT; i++)
		hpet->state.timers[i] =
			(struct hpet_timer_state){ .comparator = UINT64_MAX, .match = never };
	if (was_legacy && hpet->wires.legacy_changed)
		hpet->wires.legacy_changed(hpet->wires.opaque, false);
	hpet_settle(hpet);
}

static void hpet_before_save(void *self)
{
	hpet_sync(self);
	hpet_settle(self);
}

static bool timer_is_possible(const struct hpet_timer_state *timer)
{
	unsigned route = (unsigned)timer->config >> HPET_TIMER_ROUTE_SHIFT;

	return !(timer->config & ~HPET_TIMER_KEPT) && timer->set_value <= 1 &&
	       (route == 0 || HPET_ROUTES >> route & 1) && timer->comparator <= timer_mask(timer) &&
	       timer->period <= timer_mask(timer);
}

static int hpet_after_load(void *self, struct err *err)
{
	struct hpet *hpet = self;
	bool possible = !(hpet->state.config & ~HPET_CONFIG_MASK) &&
			hpet->state.status < BIT(HPET_TIMER_COUNT);

	for (unsigned i = 0; i < HPET_TIMER_COUNT; i++) {
		possible = possible && timer_is_possible(&hpet->state.timers[i]);
		memset(hpet->state.timers[i].reserved, 0, sizeof(hpet->state.timers[i].reserved));
		hpet->timers[i].fired_ns = 0;
	}
	if (!possible)
		return err_set(err, -EINVAL, "the saved HPET holds values that it cannot have");
	memset(hpet->state.reserved, 0, sizeof(hpet->state.reserved));
	if (hpet->wires.legacy_changed)
		hpet->wires.legacy_changed(hpet->wires.opaque, hpet_is_legacy(hpet));
	hpet_sync(hpet);
	hpet_settle(hpet);
	return 0;
}

static void hpet_finish(void *self)
{
	struct hpet *hpet = self;

	for (unsigned i = 0; i < HPET_TIMER_COUNT; i++)
		clock_timer_cancel(&hpet->timers[i].alarm);
	io_unmap(&hpet->window);
}

static const struct device_class hpet_class = {
	.name = "hpet",
	.reset = hpet_reset,
	.table = &hpet_table,
	.state_offset = offsetof(struct hpet, state),
	.version = 1,
	.before_save = hpet_before_save,
	.after_load = hpet_after_load,
	.finish = hpet_finish,
};

void hpet_init(struct hpet *hpet, struct clock *clock, const struct hpet_wires *wires)
{
	*hpet = (struct hpet){ .clock = clock, .wires = *wires };
	for (unsigned i = 0; i < HPET_TIMER_COUNT; i++) {
		hpet->timers[i].hpet = hpet;
		hpet->timers[i].index = i;
		clock_timer_init(&hpet->timers[i].alarm, clock, hpet_fire, &hpet->timers[i]);
	}
	irq_init(&hpet->rtc, hpet_set_rtc, hpet, 0);
	device_init(&hpet->device, &hpet_class, hpet);
	io_window_init(&hpet->window, "hpet", &hpet_ops, hpet, HPET_WINDOW_BYTES);
	hpet_reset(hpet);
}
