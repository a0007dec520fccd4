// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

struct firing {
	struct clock clock;
	struct clock_timer timer;
	int64_t at[8];
	unsigned count;
	int64_t period_ns;
};

static void fire(void *opaque)
{
	struct firing *f = opaque;

	f->at[f->count++ % 8] = clock_now_ns(&f->clock);
	if (f->period_ns)
		clock_timer_set(&f->timer, clock_now_ns(&f->clock) + f->period_ns);
}

static void start(struct firing *f, int64_t period_ns)
{
	*f = (struct firing){ .period_ns = period_ns };
	clock_init(&f->clock, NULL, NULL);
	clock_set_manual(&f->clock);
	clock_start(&f->clock);
	clock_timer_init(&f->timer, &f->clock, fire, f);
}

static void a_timer_fires_once_at_its_deadline(void **state)
{
	struct firing f;

	(void)state;
	start(&f, 0);
	clock_timer_set(&f.timer, 1000);
	clock_step_to(&f.clock, 999);
	assert_int_equal(f.count, 0);
	clock_step_to(&f.clock, 5000);
	assert_int_equal(f.count, 1);
	assert_int_equal(f.at[0], 1000);
	assert_int_equal(clock_now_ns(&f.clock), 5000);
	assert_false(clock_timer_is_pending(&f.timer));
}

static void a_periodic_timer_sees_every_deadline(void **state)
{
	struct firing f;

	(void)state;
	start(&f, 100);
	clock_timer_set(&f.timer, 100);
	clock_step_to(&f.clock, 450);
	assert_int_equal(f.count, 4);
	assert_int_equal(f.at[3], 400);
	assert_int_equal(clock_next_deadline_ns(&f.clock), 500);
}

static void a_cancelled_timer_stays_silent(void **state)
{
	struct firing f;

	(void)state;
	start(&f, 0);
	clock_timer_set(&f.timer, 10);
	clock_timer_cancel(&f.timer);
	clock_timer_cancel(&f.timer);
	clock_step_to(&f.clock, 100);
	assert_int_equal(f.count, 0);
	assert_int_equal(clock_next_deadline_ns(&f.clock), INT64_MAX);
}

static void a_stopped_clock_stands_still(void **state)
{
	struct clock clock;
	int64_t stopped_ns;

	(void)state;
	clock_init(&clock, NULL, NULL);
	assert_int_equal(clock_now_ns(&clock), 0);
	clock_start(&clock);
	while (clock_now_ns(&clock) == 0)
		;
	clock_stop(&clock);
	stopped_ns = clock_now_ns(&clock);
	for (int64_t until = clock_host_ns() + 2 * NS_PER_MS; clock_host_ns() < until;)
		;
	assert_int_equal(clock_now_ns(&clock), stopped_ns);
	clock_start(&clock);
	assert_true(clock_now_ns(&clock) < stopped_ns + NS_PER_SECOND * 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_timer_fires_once_at_its_deadline),
		cmocka_unit_test(a_periodic_timer_sees_every_deadline),
		cmocka_unit_test(a_cancelled_timer_stays_silent),
		cmocka_unit_test(a_stopped_clock_stands_still),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
