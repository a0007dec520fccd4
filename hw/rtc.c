// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/rtc.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/trace.h"

enum {
	SECONDS_PER_DAY = 86400,
	/* 1 s / 32768 = 1953125 / 64 ns: crystal periods and ns convert without rounding error
	 * adding up. */
	CRYSTAL_NS_NUMERATOR = 1953125,
	CRYSTAL_NS_DENOMINATOR = 64,
};

/* Years 0 to 25755 can be written (century and year 255 each); loaded offsets lie within. */
static const int64_t offset_limit_s = INT64_C(1000000000000);
static const int64_t clock_limit = INT64_C(1) << 60;
static const int64_t source_limit_ns = INT64_C(1) << 62;

static const struct state_field rtc_fields[] = {
	STATE_INT(struct rtc_state, offset_s),  STATE_INT(struct rtc_state, phase_ns),
	STATE_INT(struct rtc_state, checked_s), STATE_INT(struct rtc_state, periodic_clock),
	STATE_INT(struct rtc_state, source_ns), STATE_ARRAY(struct rtc_state, cmos),
	STATE_INT(struct rtc_state, index),     STATE_ARRAY(struct rtc_state, reserved),
};
static STATE_TABLE(rtc_table, rtc_state, rtc_fields);

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* --- Calendar: days since 1970 and the proleptic Gregorian date. --- */

struct date {
	int64_t year;
	unsigned month, day; /* from 1 */
};

/* Counts from 1 March of year 0, so that the leap day is a year's last. */
static int64_t days_from_date(int64_t year, int64_t month, int64_t day)
{
	int64_t y = year + floor_div(month - 3, 12);
	int64_t m = (month + 9) % 12; /* March is 0; month is 0 or more */

	return 365 * y + floor_div(y, 4) - floor_div(y, 100) + floor_div(y, 400) +
	       (153 * m + 2) / 5 + day - 1 - 719468;
}

static struct date date_from_days(int64_t days)
{
	int64_t z = days + 719468;
	int64_t era = floor_div(z, 146097);
	int64_t in_era = z - era * 146097;
	int64_t y = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	int64_t in_year = in_era - (365 * y + y / 4 - y / 100);
	int64_t m = (5 * in_year + 2) / 153;

	return (struct date){
		.year = era * 400 + y + (m >= 10),
		.month = (unsigned)(m < 10 ? m + 3 : m - 9),
		.day = (unsigned)(in_year - (153 * m + 2) / 5 + 1),
	};
}

/* --- The time source. --- */

static bool rtc_follows_guest(const struct rtc *rtc)
{
	return rtc->config.follows_guest || rtc->clock->manual;
}

static int64_t rtc_source_ns(const struct rtc *rtc)
{
	if (rtc_follows_guest(rtc))
		return rtc->config.base_ns + clock_now_ns(rtc->clock);
	return clock_wall_ns();
}

static int64_t rtc_ticks_ns(const struct rtc *rtc)
{
	return rtc_source_ns(rtc) + rtc->state.phase_ns;
}

/* Nanoseconds until the next second begins, 1 to 1000000000. */
static int64_t rtc_until_update_ns(const struct rtc *rtc)
{
	int64_t ticks = rtc_ticks_ns(rtc);

	return (floor_div(ticks, NS_PER_SECOND) + 1) * NS_PER_SECOND - ticks;
}

static int64_t rtc_running_s(const struct rtc *rtc)
{
	return floor_div(rtc_ticks_ns(rtc), NS_PER_SECOND) + rtc->state.offset_s;
}

static bool rtc_divider_is_reset(const struct rtc *rtc)
{
	return (rtc->state.cmos[RTC_A] & RTC_A_DIVIDER_RESET) == RTC_A_DIVIDER_RESET;
}

/* The time registers stand still and hold what was written. */
static bool rtc_is_held(const struct rtc *rtc)
{
	return rtc_divider_is_reset(rtc) || (rtc->state.cmos[RTC_B] & RTC_B_SET) != 0;
}

/* --- Time registers. --- */

static uint8_t rtc_encode(const struct rtc *rtc, unsigned value)
{
	return rtc->state.cmos[RTC_B] & RTC_B_DM ? (uint8_t)value : bcd_from_binary(value);
}

static unsigned rtc_decode(const struct rtc *rtc, uint8_t byte)
{
	return rtc->state.cmos[RTC_B] & RTC_B_DM ? byte : binary_from_bcd(byte);
}

static uint8_t rtc_encode_hour(const struct rtc *rtc, unsigned hour)
{
	if (rtc->state.cmos[RTC_B] & RTC_B_24H)
		return rtc_encode(rtc, hour);
	return (uint8_t)(rtc_encode(rtc, hour % 12 ? hour % 12 : 12) |
			 (hour >= 12 ? RTC_HOUR_PM : 0));
}

static unsigned rtc_decode_hour(const struct rtc *rtc, uint8_t byte)
{
	if (rtc->state.cmos[RTC_B] & RTC_B_24H)
		return rtc_decode(rtc, byte);
	return rtc_decode(rtc, byte & (uint8_t)~RTC_HOUR_PM) % 12 + (byte & RTC_HOUR_PM ? 12 : 0);
}

static void rtc_encode_time(const struct rtc *rtc, int64_t now_s, uint8_t *cmos)
{
	int64_t days = floor_div(now_s, SECONDS_PER_DAY);
	unsigned second = (unsigned)(now_s - days * SECONDS_PER_DAY);
	struct date date = date_from_days(days);
	int64_t century = floor_div(date.year, 100);

	cmos[RTC_SECONDS] = rtc_encode(rtc, second % 60);
	cmos[RTC_MINUTES] = rtc_encode(rtc, second / 60 % 60);
	cmos[RTC_HOURS] = rtc_encode_hour(rtc, second / 3600);
	cmos[RTC_WEEKDAY] = rtc_encode(rtc, (unsigned)(days + 4 - floor_div(days + 4, 7) * 7) + 1);
	cmos[RTC_DAY] = rtc_encode(rtc, date.day);
	cmos[RTC_MONTH] = rtc_encode(rtc, date.month);
	cmos[RTC_YEAR] = rtc_encode(rtc, (unsigned)(date.year - century * 100));
	cmos[RTC_CENTURY] = rtc_encode(rtc, (unsigned)(century & 0xff));
}

/* A date that does not exist runs over into the next month, as mktime does. */
static int64_t rtc_decode_time(const struct rtc *rtc, const uint8_t *cmos)
{
	int64_t year = rtc_decode(rtc, cmos[RTC_CENTURY]) * 100 + rtc_decode(rtc, cmos[RTC_YEAR]);
	int64_t days = days_from_date(year, rtc_decode(rtc, cmos[RTC_MONTH]),
				      rtc_decode(rtc, cmos[RTC_DAY]));

	return days * SECONDS_PER_DAY + rtc_decode_hour(rtc, cmos[RTC_HOURS]) * INT64_C(3600) +
	       rtc_decode(rtc, cmos[RTC_MINUTES]) * INT64_C(60) +
	       rtc_decode(rtc, cmos[RTC_SECONDS]);
}

/* The registers begin to stand still. */
static void rtc_hold(struct rtc *rtc)
{
	rtc_encode_time(rtc, rtc_running_s(rtc), rtc->state.cmos);
}

/* Time goes on from what the registers say. */
static void rtc_release(struct rtc *rtc)
{
	int64_t now_s = rtc_decode_time(rtc, rtc->state.cmos);

	rtc->state.offset_s += now_s - rtc_running_s(rtc);
	rtc->state.checked_s = now_s;
	TRACE(rtc, time_set, "%lld", (long long)now_s);
}

int64_t rtc_now_s(const struct rtc *rtc)
{
	return rtc_is_held(rtc) ? rtc_decode_time(rtc, rtc->state.cmos) : rtc_running_s(rtc);
}

/* --- Alarm. --- */

/* One byte of the alarm: -1 matches anything. */
static int alarm_decode(const struct rtc *rtc, enum rtc_register reg)
{
	uint8_t byte = rtc->state.cmos[reg];

	if ((byte & RTC_ALARM_ANY) == RTC_ALARM_ANY)
		return -1;
	return (int)(reg == RTC_HOURS_ALARM ? rtc_decode_hour(rtc, byte) : rtc_decode(rtc, byte));
}

static bool alarm_matches(int alarm, unsigned value)
{
	return alarm < 0 || alarm == (int)value;
}

/* The first second of the day, from 'from' on, at which the alarm comes; -1 if there is none. */
static int alarm_in_day(const int alarm[3], unsigned from)
{
	for (unsigned t = from; t < SECONDS_PER_DAY;) {
		if (!alarm_matches(alarm[0], t / 3600))
			t = (t / 3600 + 1) * 3600;
		else if (!alarm_matches(alarm[1], t / 60 % 60))
			t = (t / 60 + 1) * 60;
		else if (!alarm_matches(alarm[2], t % 60))
			t++;
		else
			return (int)t;
	}
	return -1;
}

/* The first second after 'after_s' at which the alarm comes, INT64_MAX if it never does (bytes that
 * are no time). */
static int64_t alarm_after(const struct rtc *rtc, int64_t after_s)
{
	const int alarm[3] = { alarm_decode(rtc, RTC_HOURS_ALARM),
			       alarm_decode(rtc, RTC_MINUTES_ALARM),
			       alarm_decode(rtc, RTC_SECONDS_ALARM) };
	int64_t day_s = floor_div(after_s + 1, SECONDS_PER_DAY) * SECONDS_PER_DAY;
	int t;

	if (alarm[0] >= 24 || alarm[1] >= 60 || alarm[2] >= 60)
		return INT64_MAX;
	t = alarm_in_day(alarm, (unsigned)(after_s + 1 - day_s));
	if (t < 0) {
		day_s += SECONDS_PER_DAY;
		t = alarm_in_day(alarm, 0);
	}
	return day_s + t;
}

/* --- Interrupts. --- */

static int64_t crystal_from_ns(int64_t ns)
{
	return ns / CRYSTAL_NS_NUMERATOR * CRYSTAL_NS_DENOMINATOR +
	       ns % CRYSTAL_NS_NUMERATOR * CRYSTAL_NS_DENOMINATOR / CRYSTAL_NS_NUMERATOR;
}

static int64_t ns_from_crystal(int64_t periods)
{
	return periods / CRYSTAL_NS_DENOMINATOR * CRYSTAL_NS_NUMERATOR +
	       (periods % CRYSTAL_NS_DENOMINATOR * CRYSTAL_NS_NUMERATOR + CRYSTAL_NS_DENOMINATOR -
		1) / CRYSTAL_NS_DENOMINATOR;
}

/* Periods of the crystal between periodic ticks, 0 for none: data sheet, table 5. Rates 1 and 2 are
 * those of 8 and 9. */
static int64_t rtc_period(const struct rtc *rtc)
{
	unsigned rate = rtc->state.cmos[RTC_A] & RTC_A_RATE;

	if (rate == 0 || rtc_divider_is_reset(rtc))
		return 0;
	return INT64_C(1) << (rate < 3 ? rate + 6 : rate - 1);
}

static void rtc_sync_periodic(struct rtc *rtc)
{
	int64_t period = rtc_period(rtc);
	int64_t now = crystal_from_ns(clock_now_ns(rtc->clock));
	int64_t passed = now - rtc->state.periodic_clock;

	if (period == 0 || passed < 0) {
		rtc->state.periodic_clock = now;
	} else if (passed >= period) {
		rtc->state.periodic_clock += passed / period * period;
		rtc->state.cmos[RTC_C] |= RTC_C_PF;
	}
}

static void rtc_sync_update(struct rtc *rtc)
{
	struct rtc_state *state = &rtc->state;
	int64_t now_s = rtc_running_s(rtc);

	if (rtc_is_held(rtc))
		return;
	if (now_s > state->checked_s) {
		state->cmos[RTC_C] |= RTC_C_UF;
		if (alarm_after(rtc, state->checked_s) <= now_s) {
			state->cmos[RTC_C] |= RTC_C_AF;
			if (state->cmos[RTC_B] & RTC_B_AIE && rtc->config.alarm)
				rtc->config.alarm(rtc->config.alarm_opaque);
		}
	}
	state->checked_s = now_s; /* the host's clock may also have been set back */
}

static uint8_t rtc_enabled_flags(const struct rtc *rtc)
{
	return rtc->state.cmos[RTC_C] & rtc->state.cmos[RTC_B] & RTC_C_FLAGS;
}

/* Works out the flags up to now. */
static void rtc_sync(struct rtc *rtc)
{
	if (rtc->config.core_has_clock)
		return;
	rtc_sync_periodic(rtc);
	rtc_sync_update(rtc);
}

/* The guest time at which the RTC's second 'second' begins; it may have passed already. */
static int64_t rtc_guest_ns(const struct rtc *rtc, int64_t second)
{
	return clock_now_ns(rtc->clock) + (second - rtc->state.offset_s) * NS_PER_SECOND -
	       rtc_ticks_ns(rtc);
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* The guest time at which an enabled interrupt comes next, INT64_MAX for never. While the line is
 * high only an alarm matters. */
static int64_t rtc_next_event_ns(const struct rtc *rtc)
{
	uint8_t enabled = rtc->state.cmos[RTC_B] & (uint8_t)~rtc->state.cmos[RTC_C];
	int64_t next_ns = INT64_MAX;
	int64_t alarm_s;

	if (rtc_enabled_flags(rtc))
		enabled &= rtc->config.alarm ? RTC_B_AIE : 0;
	if (enabled & RTC_B_PIE && rtc_period(rtc))
		next_ns = ns_from_crystal(rtc->state.periodic_clock + rtc_period(rtc));
	if (rtc_is_held(rtc))
		return next_ns;
	if (enabled & RTC_B_UIE)
		next_ns = earlier(next_ns, rtc_guest_ns(rtc, rtc->state.checked_s + 1));
	if (enabled & RTC_B_AIE) {
		alarm_s = alarm_after(rtc, rtc->state.checked_s);
		if (alarm_s != INT64_MAX)
			next_ns = earlier(next_ns, rtc_guest_ns(rtc, alarm_s));
	}
	return next_ns;
}

/* Drives the line and sets the timer by the flags and the enable bits. */
static void rtc_settle(struct rtc *rtc)
{
	int64_t next_ns;

	if (rtc->config.core_has_clock)
		return;
	irq_set(rtc->irq, rtc_enabled_flags(rtc) != 0);
	next_ns = rtc_next_event_ns(rtc);
	if (next_ns == INT64_MAX)
		clock_timer_cancel(&rtc->timer);
	else
		clock_timer_set(&rtc->timer, next_ns);
}

static void rtc_fire(void *opaque)
{
	struct rtc *rtc = opaque;

	rtc_sync(rtc);
	rtc_settle(rtc);
}

/* --- Registers. --- */

static bool rtc_is_time_register(unsigned index)
{
	switch (index) {
	case RTC_SECONDS:
	case RTC_MINUTES:
	case RTC_HOURS:
	case RTC_WEEKDAY:
	case RTC_DAY:
	case RTC_MONTH:
	case RTC_YEAR:
	case RTC_CENTURY:
		return true;
	default:
		return false;
	}
}

static uint8_t rtc_read_time(const struct rtc *rtc, unsigned index)
{
	uint8_t cmos[RTC_CMOS_BYTES];

	if (rtc_is_held(rtc))
		return rtc->state.cmos[index];
	rtc_encode_time(rtc, rtc_running_s(rtc), cmos);
	return cmos[index];
}

static uint8_t rtc_read_a(const struct rtc *rtc)
{
	bool uip = !rtc_is_held(rtc) && rtc_until_update_ns(rtc) <= RTC_UIP_NS;

	return (uint8_t)(rtc->state.cmos[RTC_A] | (uip ? RTC_A_UIP : 0));
}

static uint8_t rtc_value_c(const struct rtc *rtc)
{
	return (uint8_t)(rtc->state.cmos[RTC_C] | (rtc_enabled_flags(rtc) ? RTC_C_IRQF : 0));
}

/* Without side effects; flags that have come since the last access are missing. */
static uint8_t rtc_peek_register(const struct rtc *rtc, unsigned index)
{
	if (rtc_is_time_register(index) && (index >= RTC_RAM || !rtc->config.core_has_clock))
		return rtc_read_time(rtc, index);
	if (index < RTC_RAM && rtc->config.core_has_clock)
		return 0xff;
	switch (index) {
	case RTC_A:
		return rtc_read_a(rtc);
	case RTC_C:
		return rtc_value_c(rtc);
	case RTC_D:
		return RTC_D_VRT;
	default:
		return rtc->state.cmos[index];
	}
}

static uint8_t rtc_read_register(struct rtc *rtc, unsigned index)
{
	uint8_t value;

	if (index != RTC_C || rtc->config.core_has_clock)
		return rtc_peek_register(rtc, index);
	rtc_sync(rtc);
	value = rtc_value_c(rtc);
	rtc->state.cmos[RTC_C] = 0;
	rtc_settle(rtc);
	return value;
}

/* Seconds begin so that the next update comes RTC_FIRST_UPDATE_NS from now, and so does the first
 * periodic tick's count. */
static void rtc_restart_divider(struct rtc *rtc)
{
	int64_t source_ns = rtc_source_ns(rtc);
	int64_t phase_ns = NS_PER_SECOND - RTC_FIRST_UPDATE_NS - source_ns;

	rtc->state.phase_ns = phase_ns - floor_div(phase_ns, NS_PER_SECOND) * NS_PER_SECOND;
	rtc->state.periodic_clock = crystal_from_ns(clock_now_ns(rtc->clock));
}

static void rtc_write_a(struct rtc *rtc, uint8_t value)
{
	bool was_held = rtc_is_held(rtc), was_reset = rtc_divider_is_reset(rtc);

	rtc->state.cmos[RTC_A] = value & (uint8_t)~RTC_A_UIP;
	if (!was_held && rtc_is_held(rtc))
		rtc_hold(rtc);
	if (was_reset && !rtc_divider_is_reset(rtc))
		rtc_restart_divider(rtc);
	if (was_held && !rtc_is_held(rtc))
		rtc_release(rtc);
}

/* SET clears UIE: data sheet, register B. The registers are frozen in the format that they had. */
static void rtc_write_b(struct rtc *rtc, uint8_t value)
{
	bool was_held = rtc_is_held(rtc);

	if (value & RTC_B_SET) {
		value &= (uint8_t)~RTC_B_UIE;
		if (!was_held)
			rtc_hold(rtc);
	}
	rtc->state.cmos[RTC_B] = value;
	if (was_held && !rtc_is_held(rtc))
		rtc_release(rtc);
}

static void rtc_write_time(struct rtc *rtc, unsigned index, uint8_t value)
{
	if (rtc_is_held(rtc)) {
		rtc->state.cmos[index] = value;
		return;
	}
	rtc_hold(rtc);
	rtc->state.cmos[index] = value;
	rtc_release(rtc);
}

static void rtc_write_register(struct rtc *rtc, unsigned index, uint8_t value)
{
	/* With the core's clock the century follows the host: the core has none, and its year is
	 * not ours to read. */
	if (rtc->config.core_has_clock && (index < RTC_RAM || index == RTC_CENTURY))
		return;
	TRACE(rtc, write, "%02x: %02x", index, value);
	if (index >= RTC_RAM && index != RTC_CENTURY) {
		rtc->state.cmos[index] = value;
		return;
	}
	rtc_sync(rtc);
	if (rtc_is_time_register(index))
		rtc_write_time(rtc, index, value);
	else if (index == RTC_A)
		rtc_write_a(rtc, value);
	else if (index == RTC_B)
		rtc_write_b(rtc, value);
	else if (index != RTC_C && index != RTC_D)
		rtc->state.cmos[index] = value; /* alarm */
	rtc_settle(rtc);
}

static uint64_t rtc_read(void *opaque, uint64_t offset, unsigned size)
{
	struct rtc *rtc = opaque;

	return offset == RTC_DATA ? rtc_read_register(rtc, rtc->state.index) : ones(size);
}

static uint64_t rtc_peek(void *opaque, uint64_t offset, unsigned size)
{
	struct rtc *rtc = opaque;

	return offset == RTC_DATA ? rtc_peek_register(rtc, rtc->state.index) : ones(size);
}

static void rtc_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
	struct rtc *rtc = opaque;

	(void)size;
	if (offset == RTC_DATA)
		rtc_write_register(rtc, rtc->state.index, (uint8_t)value);
	else
		rtc->state.index = value & (RTC_CMOS_BYTES - 1);
}

static const struct io_ops rtc_ops = {
	.read = rtc_read,
	.write = rtc_write,
	.peek = rtc_peek,
	.max_size = 1,
};

void rtc_set_cmos(struct rtc *rtc, unsigned index, uint8_t value)
{
	if (index >= RTC_RAM && index < RTC_CMOS_BYTES && index != RTC_CENTURY)
		rtc->state.cmos[index] = value;
}

uint8_t rtc_get_cmos(const struct rtc *rtc, unsigned index)
{
	return index < RTC_CMOS_BYTES ? rtc_peek_register(rtc, index) : 0xff;
}

/* --- Life. --- */

/* The RESET pin: data sheet, "RESET". Time and memory live on the battery. */
static void rtc_reset(void *self)
{
	struct rtc *rtc = self;

	rtc_sync(rtc);
	rtc->state.index = 0;
	rtc->state.cmos[RTC_B] &= (uint8_t) ~(RTC_B_PIE | RTC_B_AIE | RTC_B_UIE | RTC_B_SQWE);
	rtc->state.cmos[RTC_C] = 0;
	rtc_settle(rtc);
}

static void rtc_before_save(void *self)
{
	struct rtc *rtc = self;

	rtc_sync(rtc);
	rtc_settle(rtc);
	rtc->state.source_ns = rtc_source_ns(rtc);
}

static int rtc_after_load(void *self, struct err *err)
{
	struct rtc *rtc = self;
	struct rtc_state *state = &rtc->state;

	if (state->index >= RTC_CMOS_BYTES || state->cmos[RTC_A] & RTC_A_UIP ||
	    state->cmos[RTC_C] & ~RTC_C_FLAGS || state->phase_ns < 0 ||
	    state->phase_ns >= NS_PER_SECOND || state->offset_s < -offset_limit_s ||
	    state->offset_s > offset_limit_s || state->checked_s < -offset_limit_s ||
	    state->checked_s > offset_limit_s || state->source_ns < 0 ||
	    state->source_ns > source_limit_ns || state->periodic_clock < 0 ||
	    state->periodic_clock > clock_limit)
		return err_set(err, -EINVAL, "the saved clock holds values that it cannot have");
	memset(state->reserved, 0, sizeof(state->reserved));
	/* Time that follows the guest's stood still while nobody ran it. */
	if (rtc_follows_guest(rtc) && state->source_ns)
		rtc->config.base_ns = state->source_ns - clock_now_ns(rtc->clock);
	rtc_sync(rtc);
	rtc_settle(rtc);
	return 0;
}

static void rtc_finish(void *self)
{
	struct rtc *rtc = self;

	clock_timer_cancel(&rtc->timer);
	io_unmap(&rtc->window);
}

static const struct device_class rtc_class = {
	.name = "rtc",
	.reset = rtc_reset,
	.table = &rtc_table,
	.state_offset = offsetof(struct rtc, state),
	.version = 1,
	.before_save = rtc_before_save,
	.after_load = rtc_after_load,
	.finish = rtc_finish,
};

int64_t rtc_local_offset_s(void)
{
	time_t now = (time_t)floor_div(clock_wall_ns(), NS_PER_SECOND);
	struct tm tm;

	return localtime_r(&now, &tm) ? tm.tm_gmtoff : 0;
}

void rtc_init(struct rtc *rtc, struct clock *clock, struct irq_line *irq,
	      const struct rtc_config *config)
{
	*rtc = (struct rtc){ .clock = clock, .irq = irq, .config = *config };
	if (rtc->config.base_ns == 0)
		rtc->config.base_ns = clock_wall_ns() - clock_now_ns(clock);
	rtc->state.offset_s = config->offset_s;
	rtc->state.cmos[RTC_A] = RTC_A_DIVIDER_32KHZ | 6; /* 1024 Hz, as firmware leaves it */
	rtc->state.cmos[RTC_B] = RTC_B_24H;
	rtc->state.checked_s = rtc_running_s(rtc);
	clock_timer_init(&rtc->timer, clock, rtc_fire, rtc);
	device_init(&rtc->device, &rtc_class, rtc);
	io_window_init(&rtc->window, "rtc", &rtc_ops, rtc, RTC_PORT_COUNT);
	rtc_reset(rtc);
}
