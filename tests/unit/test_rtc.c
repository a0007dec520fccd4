// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The real-time clock. The wall time is fixed: 2026-02-03 04:05:06 UTC, a Tuesday.
 */
#include "tests/lib/isa_bench_save.h"

#include "hw/rtc.h"

static const int64_t wall_s = 1770091506;

struct rtc_bench {
	struct bench bench;
	struct rtc rtc;
	unsigned alarms;
};

static void count_alarm(void *opaque)
{
	struct rtc_bench *b = opaque;

	b->alarms++;
}

static uint8_t reg(struct rtc_bench *b, uint8_t index)
{
	bench_out(&b->bench, 0x70, index);
	return bench_in(&b->bench, 0x71);
}

static void set(struct rtc_bench *b, uint8_t index, uint8_t value)
{
	bench_out(&b->bench, 0x70, index);
	bench_out(&b->bench, 0x71, value);
}

static bool line(struct rtc_bench *b)
{
	return b->bench.wires[8].level;
}

static void start(struct rtc_bench *b, struct rtc_config config)
{
	memset(b, 0, sizeof(*b));
	bench_init(&b->bench);
	config.base_ns = wall_s * NS_PER_SECOND;
	rtc_init(&b->rtc, &b->bench.clock, &b->bench.wires[8], &config);
	device_add(&b->bench.devices, &b->rtc.device);
	assert_int_equal(io_map(&b->bench.ports, &b->rtc.window, 0x70), 0);
}

static void assert_time(struct rtc_bench *b, uint8_t h, uint8_t m, uint8_t s)
{
	assert_int_equal(reg(b, RTC_HOURS), h);
	assert_int_equal(reg(b, RTC_MINUTES), m);
	assert_int_equal(reg(b, RTC_SECONDS), s);
}

/* By divider reset, as the registers' own test programs do: the first update comes half a second
 * later. */
static void set_time(struct rtc_bench *b, uint8_t mode, uint8_t h, uint8_t m, uint8_t s)
{
	set(b, RTC_B, mode);
	set(b, RTC_A, 0x76);
	set(b, RTC_HOURS, h);
	set(b, RTC_MINUTES, m);
	set(b, RTC_SECONDS, s);
	set(b, RTC_A, 0x26);
}

static void set_date(struct rtc_bench *b, uint8_t century, uint8_t year, uint8_t month, uint8_t day)
{
	set(b, RTC_A, 0x76);
	set(b, RTC_CENTURY, century);
	set(b, RTC_YEAR, year);
	set(b, RTC_MONTH, month);
	set(b, RTC_DAY, day);
	set(b, RTC_A, 0x26);
}

static void shows_wall_time(void **state)
{
	struct rtc_bench b;

	(void)state;
	start(&b, (struct rtc_config){ 0 });
	assert_time(&b, 0x04, 0x05, 0x06);
	assert_int_equal(reg(&b, RTC_DAY), 0x03);
	assert_int_equal(reg(&b, RTC_MONTH), 0x02);
	assert_int_equal(reg(&b, RTC_YEAR), 0x26);
	assert_int_equal(reg(&b, RTC_CENTURY), 0x20);
	assert_int_equal(reg(&b, RTC_WEEKDAY), 3);
	assert_int_equal(reg(&b, RTC_D), RTC_D_VRT);
	assert_int_equal(bench_in(&b.bench, 0x70), 0xff);
	set(&b, RTC_B, RTC_B_24H | RTC_B_DM);
	bench_step(&b.bench, 20 * NS_PER_SECOND);
	assert_time(&b, 4, 5, 26);
	assert_int_equal(reg(&b, RTC_YEAR), 26);
	bench_finish(&b.bench);
}

static void adds_an_offset(void **state)
{
	struct rtc_bench b;

	(void)state;
	start(&b, (struct rtc_config){ .offset_s = -5 * 3600 });
	assert_time(&b, 0x23, 0x05, 0x06);
	assert_int_equal(reg(&b, RTC_DAY), 0x02);
	assert_int_equal(rtc_now_s(&b.rtc), wall_s - 5 * 3600);
	bench_finish(&b.bench);
}

static void counts_hours_in_every_format(void **state)
{
	static const struct {
		uint8_t mode, before, after;
	} rows[] = {
		{ 0, 0x12, 0x01 },
		{ 0, 0x92, 0x81 },
		{ 0, 0x11, 0x92 },
		{ 0, 0x91, 0x12 },
		{ 0, 0x09, 0x10 },
		{ RTC_B_DM, 0x8c, 0x81 },
		{ RTC_B_DM, 0x0c, 0x01 },
		{ RTC_B_DM, 0x0b, 0x8c },
		{ RTC_B_DM, 0x8b, 0x0c },
		{ RTC_B_24H, 0x09, 0x10 },
		{ RTC_B_24H, 0x23, 0x00 },
		{ RTC_B_24H | RTC_B_DM, 9, 10 },
		{ RTC_B_24H | RTC_B_DM, 23, 0 },
	};
	struct rtc_bench b;

	(void)state;
	start(&b, (struct rtc_config){ 0 });
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t last = rows[i].mode & RTC_B_DM ? 59 : 0x59;

		set_time(&b, rows[i].mode, rows[i].before, last, last);
		bench_step(&b.bench, NS_PER_SECOND);
		assert_time(&b, rows[i].after, 0, 0);
	}
	bench_finish(&b.bench);
}

static void keeps_any_century(void **state)
{
	static const uint8_t centuries[] = { 0x00, 0x19, 0x20, 0x21, 0x99 };
	struct rtc_bench b;

	(void)state;
	start(&b, (struct rtc_config){ 0 });
	for (size_t i = 0; i < ARRAY_SIZE(centuries); i++) {
		set_date(&b, centuries[i], 0x80, 0x02, 0x29);
		assert_int_equal(reg(&b, RTC_CENTURY), centuries[i]);
		assert_int_equal(reg(&b, RTC_YEAR), 0x80);
		assert_int_equal(reg(&b, RTC_MONTH), 0x02);
		assert_int_equal(reg(&b, RTC_DAY),
				 0x29); /* the years ending in 80 are leap years */
	}
	set_date(&b, 0x21, 0x00, 0x02, 0x28);
	set_time(&b, RTC_B_24H, 0x23, 0x59, 0x59);
	bench_step(&b.bench, NS_PER_SECOND);
	assert_int_equal(reg(&b, RTC_MONTH), 0x03); /* 2100 is none */
	assert_int_equal(reg(&b, RTC_DAY), 0x01);
	bench_finish(&b.bench);
}

static void survives_dates_that_do_not_exist(void **state)
{
	struct rtc_bench b;

	(void)state;
	start(&b, (struct rtc_config){ 0 });
	for (unsigned value = 0; value < 0x100; value++)
		for (uint8_t index = 0; index < RTC_RAM; index++) {
			set(&b, index, (uint8_t)value);
			reg(&b, index);
			bench_step(&b.bench, NS_PER_SECOND / 3);
		}
	set_time(&b, RTC_B_24H, 0, 0, 0);
	set_date(&b, 0x20, 0x26, 0x02, 0x31);
	assert_int_equal(reg(&b, RTC_MONTH), 0x03);
	assert_int_equal(reg(&b, RTC_DAY), 0x03);
	bench_finish(&b.bench);
}

static void stands_still_with_set(void **state)
{
	struct rtc_bench b;

	(void)state;
	start(&b, (struct rtc_config){ 0 });
	set(&b, RTC_B, RTC_B_24H | RTC_B_UIE);
	set(&b, RTC_B, RTC_B_24H | RTC_B_UIE | RTC_B_SET);
	assert_int_equal(reg(&b, RTC_B), RTC_B_24H | RTC_B_SET);
	set(&b, RTC_SECONDS, 0x30);
	bench_step(&b.bench, 5 * NS_PER_SECOND);
	assert_time(&b, 0x04, 0x05, 0x30);
	assert_int_equal(reg(&b, RTC_C), RTC_C_PF); /* the divider runs on */
	set(&b, RTC_B, RTC_B_24H);
	assert_time(&b, 0x04, 0x05, 0x30);
	bench_step(&b.bench, NS_PER_SECOND);
	assert_time(&b, 0x04, 0x05, 0x31);
	assert_int_equal(reg(&b, RTC_C), RTC_C_UF | RTC_C_PF);
	bench_finish(&b.bench);
}

static void raises_uip_before_the_update(void **state)
{
	struct rtc_bench b;

	(void)state;
	start(&b, (struct rtc_config){ 0 });
	set_time(&b, RTC_B_24H, 0x02, 0x04, 0x58);
	bench_step(&b.bench, RTC_FIRST_UPDATE_NS - RTC_UIP_NS - 1);
	assert_int_equal(reg(&b, RTC_A), 0x26);
	bench_step(&b.bench, 1);
	assert_int_equal(reg(&b, RTC_A), 0xa6);
	assert_int_equal(reg(&b, RTC_SECONDS), 0x58);
	bench_step(&b.bench, RTC_UIP_NS);
	assert_int_equal(reg(&b, RTC_A), 0x26);
	assert_int_equal(reg(&b, RTC_SECONDS), 0x59);
	bench_finish(&b.bench);
}

static void raises_the_alarm(void **state)
{
	struct rtc_bench b;

	(void)state;
	start(&b, (struct rtc_config){ .alarm = count_alarm, .alarm_opaque = &b });
	set(&b, RTC_HOURS_ALARM, 0xff);
	set(&b, RTC_MINUTES_ALARM, 0xc0);
	set(&b, RTC_SECONDS_ALARM, 0x08);
	set(&b, RTC_B, RTC_B_24H | RTC_B_AIE);
	bench_step(&b.bench, 2 * NS_PER_SECOND - 1);
	assert_false(line(&b));
	bench_step(&b.bench, 1);
	assert_true(line(&b));
	assert_int_equal(b.alarms, 1);
	assert_int_equal(reg(&b, RTC_C), RTC_C_IRQF | RTC_C_AF | RTC_C_UF | RTC_C_PF);
	assert_false(line(&b));
	assert_int_equal(reg(&b, RTC_C), 0);
	bench_step(&b.bench, 60 * NS_PER_SECOND);
	assert_true(line(&b));
	assert_int_equal(b.alarms, 2);
	bench_finish(&b.bench);
}

/* 02 pm and 02 am differ by one bit only. */
static void tells_am_from_pm_in_the_alarm(void **state)
{
	struct rtc_bench b;

	(void)state;
	start(&b, (struct rtc_config){ 0 });
	set(&b, RTC_MINUTES_ALARM, 0xc0);
	set(&b, RTC_SECONDS_ALARM, 0xc0);
	set(&b, RTC_HOURS_ALARM, 0x82);
	set_time(&b, RTC_B_DM, 3, 0, 0);
	reg(&b, RTC_C);
	bench_step(&b.bench, 11 * 3600 * NS_PER_SECOND);
	assert_int_equal(reg(&b, RTC_HOURS), 0x82);
	assert_true(reg(&b, RTC_C) & RTC_C_AF);
	set(&b, RTC_HOURS_ALARM, 2);
	set_time(&b, RTC_B_DM, 3, 0, 0);
	reg(&b, RTC_C);
	bench_step(&b.bench, 11 * 3600 * NS_PER_SECOND);
	assert_int_equal(reg(&b, RTC_HOURS), 0x82);
	assert_false(reg(&b, RTC_C) & RTC_C_AF);
	bench_finish(&b.bench);
}

static void ticks_at_every_rate(void **state)
{
	struct rtc_bench b;

	(void)state;
	start(&b, (struct rtc_config){ 0 });
	set(&b, RTC_B, RTC_B_24H | RTC_B_PIE);
	for (uint8_t rate = 1; rate < 16; rate++) {
		unsigned hz = RTC_CRYSTAL_HZ >> (rate < 3 ? rate + 6 : rate - 1);
		unsigned ticks = 0;

		set(&b, RTC_A, 0x20); /* the next rate's first period begins now */
		reg(&b, RTC_C);
		set(&b, RTC_A, 0x20 | rate);
		bench_edges(&b.bench, 8);
		for (int64_t end = clock_now_ns(&b.bench.clock) + NS_PER_SECOND;
		     clock_next_deadline_ns(&b.bench.clock) <= end; ticks++) {
			clock_step_to(&b.bench.clock, clock_next_deadline_ns(&b.bench.clock));
			assert_int_equal(reg(&b, RTC_C) & (RTC_C_PF | RTC_C_IRQF),
					 RTC_C_PF | RTC_C_IRQF);
		}
		assert_in_range(ticks, hz - 1, hz);
		assert_int_equal(bench_edges(&b.bench, 8), ticks);
	}
	bench_finish(&b.bench);
}

/* Alternating between 8 Hz and 2 Hz with each tick loses no time. */
static void counts_a_period_from_the_last_tick(void **state)
{
	struct rtc_bench b;

	(void)state;
	start(&b, (struct rtc_config){ 0 });
	set(&b, RTC_A, 13);
	set(&b, RTC_B, RTC_B_24H | RTC_B_PIE);
	for (unsigned i = 0; i < 40; i++) {
		set(&b, RTC_A, i % 2 ? 15 : 13);
		while (!line(&b))
			clock_step_to(&b.bench.clock, clock_next_deadline_ns(&b.bench.clock));
		reg(&b, RTC_C);
	}
	assert_in_range(clock_now_ns(&b.bench.clock), 20 * 625 * NS_PER_MS,
			20 * 625 * NS_PER_MS + NS_PER_MS);
	bench_finish(&b.bench);
}

static void sleeps_while_nothing_can_happen(void **state)
{
	struct rtc_bench b;

	(void)state;
	start(&b, (struct rtc_config){ 0 });
	assert_false(clock_timer_is_pending(&b.rtc.timer));
	set(&b, RTC_B, RTC_B_24H | RTC_B_PIE);
	assert_true(clock_timer_is_pending(&b.rtc.timer));
	bench_step(&b.bench, NS_PER_SECOND);
	assert_true(line(&b)); /* not acknowledged: nothing more can happen */
	assert_false(clock_timer_is_pending(&b.rtc.timer));
	assert_int_equal(bench_edges(&b.bench, 8), 1);
	set(&b, RTC_B, RTC_B_24H);
	assert_false(line(&b));
	assert_false(clock_timer_is_pending(&b.rtc.timer));
	set(&b, RTC_B, RTC_B_24H | RTC_B_PIE); /* the flag still stands */
	assert_true(line(&b));
	bench_finish(&b.bench);
}

static void keeps_memory_and_time_over_reset(void **state)
{
	struct rtc_bench b;

	(void)state;
	start(&b, (struct rtc_config){ 0 });
	rtc_set_cmos(&b.rtc, 0x15, 0x80);
	set(&b, 0x8f, 0x05); /* shutdown status; bit 7 of the index masks NMI */
	set_time(&b, RTC_B_24H | RTC_B_PIE | RTC_B_AIE, 0x11, 0x22, 0x33);
	bench_step(&b.bench, NS_PER_SECOND);
	assert_true(line(&b));
	device_reset_all(&b.bench.devices);
	assert_false(line(&b));
	assert_int_equal(reg(&b, RTC_B), RTC_B_24H);
	assert_time(&b, 0x11, 0x22, 0x34);
	assert_int_equal(reg(&b, 0x15), 0x80);
	assert_int_equal(reg(&b, 0x0f), 0x05);
	bench_finish(&b.bench);
}

static void leaves_the_clock_to_the_core(void **state)
{
	struct rtc_bench b;

	(void)state;
	start(&b, (struct rtc_config){ .core_has_clock = true });
	assert_int_equal(reg(&b, RTC_SECONDS), 0xff);
	assert_int_equal(reg(&b, RTC_CENTURY), 0x20);
	set(&b, RTC_B, RTC_B_PIE);
	bench_step(&b.bench, NS_PER_SECOND);
	assert_false(line(&b));
	rtc_set_cmos(&b.rtc, 0x3d, 0x23);
	assert_int_equal(reg(&b, 0x3d), 0x23);
	bench_finish(&b.bench);
}

static void is_saved_whole(void **state)
{
	struct rtc_bench b;

	(void)state;
	start(&b, (struct rtc_config){ 0 });
	set_date(&b, 0x19, 0x99, 0x12, 0x31);
	set_time(&b, RTC_B_PIE | RTC_B_UIE, 0x91, 0x59, 0x58);
	rtc_set_cmos(&b.rtc, 0x7f, 0x5a);
	bench_step(&b.bench, NS_PER_SECOND);
	bench_save_and_load(&b.bench, 0xa5);
	assert_true(line(&b));
	assert_time(&b, 0x91, 0x59, 0x59);
	assert_int_equal(reg(&b, 0x7f), 0x5a);
	assert_int_equal(reg(&b, RTC_CENTURY), 0x19);
	reg(&b, RTC_C);
	bench_step(&b.bench, NS_PER_SECOND);
	assert_true(line(&b));
	assert_int_equal(reg(&b, RTC_CENTURY), 0x20);
	b.rtc.state.phase_ns = NS_PER_SECOND;
	assert_true(b.rtc.device.class->after_load(&b.rtc, NULL) < 0);
	bench_finish(&b.bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shows_wall_time),
		cmocka_unit_test(adds_an_offset),
		cmocka_unit_test(counts_hours_in_every_format),
		cmocka_unit_test(keeps_any_century),
		cmocka_unit_test(survives_dates_that_do_not_exist),
		cmocka_unit_test(stands_still_with_set),
		cmocka_unit_test(raises_uip_before_the_update),
		cmocka_unit_test(raises_the_alarm),
		cmocka_unit_test(tells_am_from_pm_in_the_alarm),
		cmocka_unit_test(ticks_at_every_rate),
		cmocka_unit_test(counts_a_period_from_the_last_tick),
		cmocka_unit_test(sleeps_while_nothing_can_happen),
		cmocka_unit_test(keeps_memory_and_time_over_reset),
		cmocka_unit_test(leaves_the_clock_to_the_core),
		cmocka_unit_test(is_saved_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
