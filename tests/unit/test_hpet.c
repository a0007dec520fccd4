// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The high precision event timers. Wires 0 and 8 are the legacy ones, the others GSIs.
 */
#include "tests/lib/isa_bench_save.h"

#include "hw/hpet.h"

static const uint64_t base = 0xfed00000;

struct hpet_bench {
	struct bench bench;
	struct hpet hpet;
	unsigned legacy_changes;
	bool legacy;
};

static void note_legacy(void *opaque, bool legacy)
{
	struct hpet_bench *b = opaque;

	b->legacy_changes++;
	b->legacy = legacy;
}

static void start(struct hpet_bench *b)
{
	struct hpet_wires wires = { .irq0 = &b->bench.wires[0],
				    .irq8 = &b->bench.wires[8],
				    .legacy_changed = note_legacy,
				    .opaque = b };

	memset(b, 0, sizeof(*b));
	bench_init(&b->bench);
	for (unsigned gsi = 16; gsi < HPET_GSI_COUNT; gsi++)
		wires.gsi[gsi] = &b->bench.wires[gsi];
	hpet_init(&b->hpet, &b->bench.clock, &wires);
	device_add(&b->bench.devices, &b->hpet.device);
	assert_int_equal(io_map(&b->bench.memory, &b->hpet.window, base), 0);
}

static uint64_t in(struct hpet_bench *b, unsigned reg)
{
	return io_read(&b->bench.memory, base + reg, 8);
}

static void out(struct hpet_bench *b, unsigned reg, uint64_t value)
{
	io_write(&b->bench.memory, base + reg, value, 8);
}

static unsigned config_of(unsigned timer)
{
	return HPET_TIMERS + timer * HPET_TIMER_STRIDE + HPET_TIMER_CONFIG;
}

static unsigned comparator_of(unsigned timer)
{
	return HPET_TIMERS + timer * HPET_TIMER_STRIDE + HPET_TIMER_COMPARATOR;
}

static uint64_t route(unsigned gsi)
{
	return (uint64_t)gsi << HPET_TIMER_ROUTE_SHIFT;
}

static void tells_what_it_is(void **state)
{
	struct hpet_bench b;

	(void)state;
	start(&b);
	assert_int_equal(in(&b, HPET_CAPABILITIES), 0x009896808086a201);
	assert_int_equal(io_read(&b.bench.memory, base + 4, 4), 10000000);
	assert_int_equal(in(&b, config_of(0)), 0x00ff000000000030);
	assert_int_equal(in(&b, comparator_of(2)), UINT64_MAX);
	assert_int_equal(in(&b, config_of(3)), 0);
	assert_int_equal(in(&b, 0x3f8), 0);
	out(&b, config_of(1), route(5));
	assert_int_equal(in(&b, config_of(1)), 0x00ff000000000030); /* not one of its routes */
	out(&b, config_of(1), route(17) | 0xffffffff0000c1c1);
	assert_int_equal(in(&b, config_of(1)), 0x00ff000000000030 | route(17) | HPET_TIMER_32BIT);
	bench_finish(&b.bench);
}

static void counts_while_enabled(void **state)
{
	struct hpet_bench b;

	(void)state;
	start(&b);
	bench_step(&b.bench, NS_PER_SECOND);
	assert_int_equal(in(&b, HPET_COUNTER), 0);
	out(&b, HPET_COUNTER, 0xfffffff0);
	out(&b, HPET_CONFIG, HPET_CONFIG_ENABLE);
	bench_step(&b.bench, 320);
	assert_int_equal(in(&b, HPET_COUNTER), 0x100000010);
	assert_int_equal(io_read(&b.bench.memory, base + HPET_COUNTER, 4), 0x10);
	assert_int_equal(io_read(&b.bench.memory, base + HPET_COUNTER + 4, 4), 1);
	out(&b, HPET_CONFIG, 0);
	bench_step(&b.bench, NS_PER_SECOND);
	assert_int_equal(in(&b, HPET_COUNTER), 0x100000010);
	io_write(&b.bench.memory, base + HPET_COUNTER + 4, 0xabcd, 4);
	assert_int_equal(in(&b, HPET_COUNTER), 0xabcd00000010);
	bench_finish(&b.bench);
}

static void fires_once(void **state)
{
	struct hpet_bench b;

	(void)state;
	start(&b);
	out(&b, HPET_CONFIG, HPET_CONFIG_ENABLE);
	out(&b, config_of(0), HPET_TIMER_ENABLE | route(16));
	assert_false(clock_timer_is_pending(&b.hpet.timers[0].alarm));
	out(&b, comparator_of(0), 1000);
	bench_step(&b.bench, 9999);
	assert_int_equal(bench_edges(&b.bench, 16), 0);
	bench_step(&b.bench, 1);
	assert_int_equal(bench_edges(&b.bench, 16), 1);
	assert_false(b.bench.wires[16].level);
	bench_step(&b.bench, 100 * NS_PER_SECOND);
	assert_int_equal(bench_edges(&b.bench, 16), 0);
	out(&b, comparator_of(0), in(&b, HPET_COUNTER) - 5); /* just missed: at once */
	bench_step(&b.bench, 0);
	assert_int_equal(bench_edges(&b.bench, 16), 1);
	out(&b, comparator_of(0), UINT64_MAX / 2); /* not in this life */
	assert_false(clock_timer_is_pending(&b.hpet.timers[0].alarm));
	bench_finish(&b.bench);
}

static void wraps_in_32_bit_mode(void **state)
{
	struct hpet_bench b;

	(void)state;
	start(&b);
	out(&b, HPET_COUNTER, 0x1fffffff0);
	out(&b, HPET_CONFIG, HPET_CONFIG_ENABLE);
	out(&b, config_of(1), HPET_TIMER_ENABLE | HPET_TIMER_32BIT | route(20));
	out(&b, comparator_of(1), 0x1234500000010);
	assert_int_equal(in(&b, comparator_of(1)), 0x10);
	bench_step(&b.bench, 319);
	assert_int_equal(bench_edges(&b.bench, 20), 0);
	bench_step(&b.bench, 1);
	assert_int_equal(bench_edges(&b.bench, 20), 1);
	bench_finish(&b.bench);
}

/* As Linux programs it: comparator with SET_VALUE, then the period. */
static void repeats(void **state)
{
	struct hpet_bench b;

	(void)state;
	start(&b);
	out(&b, HPET_CONFIG, HPET_CONFIG_ENABLE | HPET_CONFIG_LEGACY);
	assert_true(b.legacy);
	out(&b, config_of(0),
	    HPET_TIMER_ENABLE | HPET_TIMER_PERIODIC | HPET_TIMER_SET_VALUE | HPET_TIMER_32BIT);
	io_write(&b.bench.memory, base + config_of(0) + 4, 0, 4); /* read-only: SET_VALUE stands */
	out(&b, comparator_of(0), 100000);
	out(&b, comparator_of(0), 100000);
	io_write(&b.bench.memory, base + comparator_of(0) + 4, 7, 4); /* there is no upper half */
	assert_int_equal(in(&b, comparator_of(0)), 100000);
	for (unsigned i = 1; i <= 100; i++) {
		bench_step(&b.bench, NS_PER_MS);
		assert_int_equal(bench_edges(&b.bench, 0), 1);
		assert_int_equal(in(&b, comparator_of(0)), (i + 1) * 100000);
	}
	out(&b, config_of(0), HPET_TIMER_PERIODIC | HPET_TIMER_32BIT);
	assert_false(clock_timer_is_pending(&b.hpet.timers[0].alarm));
	bench_step(&b.bench, NS_PER_MS);
	assert_int_equal(bench_edges(&b.bench, 0), 0);
	assert_int_equal(in(&b, comparator_of(0)),
			 102 * 100000); /* goes on without anybody watching */
	bench_finish(&b.bench);
}

static void does_not_flood_the_host(void **state)
{
	struct hpet_bench b;

	(void)state;
	start(&b);
	out(&b, HPET_CONFIG, HPET_CONFIG_ENABLE);
	out(&b, config_of(2),
	    HPET_TIMER_ENABLE | HPET_TIMER_PERIODIC | HPET_TIMER_SET_VALUE | route(23));
	out(&b, comparator_of(2), 1);
	bench_step(&b.bench, NS_PER_SECOND);
	assert_in_range(bench_edges(&b.bench, 23), 19000, 20001);
	out(&b, comparator_of(2), 0); /* no period: as a one-shot timer */
	bench_step(&b.bench, NS_PER_SECOND);
	assert_in_range(bench_edges(&b.bench, 23), 0, 1);
	bench_finish(&b.bench);
}

static void holds_a_level(void **state)
{
	struct hpet_bench b;

	(void)state;
	start(&b);
	out(&b, HPET_CONFIG, HPET_CONFIG_ENABLE);
	for (unsigned i = 0; i < 2; i++) {
		out(&b, config_of(i), HPET_TIMER_ENABLE | HPET_TIMER_LEVEL | route(18));
		out(&b, comparator_of(i), 100 * (i + 1));
	}
	bench_step(&b.bench, 2000);
	assert_true(b.bench.wires[18].level);
	assert_int_equal(in(&b, HPET_STATUS), 3);
	io_write(&b.bench.memory, base + HPET_STATUS, 1, 4);
	assert_int_equal(in(&b, HPET_STATUS), 2);
	assert_true(b.bench.wires[18].level);
	out(&b, HPET_STATUS, 2);
	assert_false(b.bench.wires[18].level);
	out(&b, comparator_of(0), in(&b, HPET_COUNTER));
	bench_step(&b.bench, 10);
	assert_true(b.bench.wires[18].level);
	out(&b, HPET_CONFIG, 0);
	assert_false(b.bench.wires[18].level);
	bench_finish(&b.bench);
}

static void replaces_the_rtc(void **state)
{
	struct hpet_bench b;

	(void)state;
	start(&b);
	irq_set(&b.hpet.rtc, true);
	assert_true(b.bench.wires[8].level);
	out(&b, HPET_CONFIG, HPET_CONFIG_ENABLE | HPET_CONFIG_LEGACY);
	assert_true(b.bench.wires[8].level); /* nobody else drives it yet */
	out(&b, config_of(1), HPET_TIMER_ENABLE);
	assert_false(b.bench.wires[8].level);
	bench_edges(&b.bench, 8);
	irq_set(&b.hpet.rtc, false);
	irq_set(&b.hpet.rtc, true);
	assert_int_equal(bench_edges(&b.bench, 8), 0);
	out(&b, comparator_of(1), in(&b, HPET_COUNTER) + 10);
	bench_step(&b.bench, 100);
	assert_int_equal(bench_edges(&b.bench, 8), 1);
	device_reset_all(&b.bench.devices);
	assert_false(b.legacy);
	assert_int_equal(b.legacy_changes, 2);
	assert_true(b.bench.wires[8].level); /* the RTC's wire is through again */
	bench_finish(&b.bench);
}

static void is_saved_whole(void **state)
{
	struct hpet_bench b;

	(void)state;
	start(&b);
	out(&b, HPET_COUNTER, 5000);
	out(&b, HPET_CONFIG, HPET_CONFIG_ENABLE | HPET_CONFIG_LEGACY);
	out(&b, config_of(0), HPET_TIMER_ENABLE | HPET_TIMER_PERIODIC | HPET_TIMER_SET_VALUE);
	out(&b, comparator_of(0), 105000);
	out(&b, comparator_of(0), 100000);
	out(&b, config_of(2), HPET_TIMER_ENABLE | HPET_TIMER_LEVEL | route(22));
	out(&b, comparator_of(2), 5001);
	bench_step(&b.bench, NS_PER_MS / 2);
	bench_save_and_load(&b.bench, 0x3c);
	assert_true(b.legacy);
	assert_true(b.bench.wires[22].level);
	assert_int_equal(in(&b, HPET_COUNTER), 55000);
	bench_edges(&b.bench, 0);
	bench_step(&b.bench, NS_PER_MS / 2 + NS_PER_MS);
	assert_int_equal(bench_edges(&b.bench, 0), 2);
	b.hpet.state.timers[1].config = 0xffff;
	assert_true(b.hpet.device.class->after_load(&b.hpet, NULL) < 0);
	bench_finish(&b.bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_what_it_is), cmocka_unit_test(counts_while_enabled),
		cmocka_unit_test(fires_once),       cmocka_unit_test(wraps_in_32_bit_mode),
		cmocka_unit_test(repeats),          cmocka_unit_test(does_not_flood_the_host),
		cmocka_unit_test(holds_a_level),    cmocka_unit_test(replaces_the_rtc),
		cmocka_unit_test(is_saved_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
