// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/clock.h"

#include <assert.h>
#include <time.h>

enum {
	TIMERS_PER_RUN = 256, /* a run ends here, whatever the timers do */
};

static int64_t read_clock_ns(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

int64_t clock_host_ns(void)
{
	return read_clock_ns(CLOCK_MONOTONIC);
}

int64_t clock_wall_ns(void)
{
	return read_clock_ns(CLOCK_REALTIME);
}

void clock_init(struct clock *clock, void (*arm)(void *opaque, int64_t host_ns), void *opaque)
{
	*clock = (struct clock){ .arm = arm, .opaque = opaque, .armed_ns = INT64_MAX };
	list_init(&clock->timers);
}

void clock_set_manual(struct clock *clock)
{
	clock->stopped_ns = clock_now_ns(clock);
	clock->manual = true;
}

int64_t clock_now_ns(const struct clock *clock)
{
	return clock->tap ? clock->tap->now_ns(clock->tap->opaque) : clock_own_ns(clock);
}

int64_t clock_own_ns(const struct clock *clock)
{
	if (clock->manual || !clock->running)
		return clock->stopped_ns;
	return clock_host_ns() - clock->offset_ns;
}

int64_t clock_next_deadline_ns(const struct clock *clock)
{
	if (list_is_empty(&clock->timers))
		return INT64_MAX;
	return container_of(clock->timers.next, struct clock_timer, node)->deadline_ns;
}

static void clock_arm(struct clock *clock)
{
	int64_t deadline_ns = clock_next_deadline_ns(clock);

	if (!clock->arm)
		return;
	if (clock->manual || !clock->running || deadline_ns > INT64_MAX - clock->offset_ns)
		deadline_ns = INT64_MAX;
	else
		deadline_ns += clock->offset_ns;
	if (deadline_ns == clock->armed_ns)
		return;
	clock->armed_ns = deadline_ns;
	clock->arm(clock->opaque, deadline_ns);
}

void clock_start(struct clock *clock)
{
	if (clock->running)
		return;
	clock->offset_ns = clock_host_ns() - clock->stopped_ns;
	clock->running = true;
	clock_arm(clock);
}

void clock_stop(struct clock *clock)
{
	if (!clock->running)
		return;
	clock->stopped_ns = clock_now_ns(clock);
	clock->running = false;
	clock_arm(clock);
}

void clock_set(struct clock *clock, int64_t now_ns)
{
	assert(clock->manual || !clock->running);
	clock->stopped_ns = now_ns;
}

/** Fires timers with deadlines up to 'limit_ns'. A manual clock stands at each timer's deadline
 * while it fires. */
static void fire_due(struct clock *clock, int64_t limit_ns, unsigned budget)
{
	while (budget-- > 0 && clock_next_deadline_ns(clock) <= limit_ns) {
		struct clock_timer *timer =
			container_of(clock->timers.next, struct clock_timer, node);

		list_remove(&timer->node);
		if (clock->manual && timer->deadline_ns > clock->stopped_ns)
			clock->stopped_ns = timer->deadline_ns;
		if (clock->tap)
			clock->tap->fire(clock->tap->opaque, timer);
		else
			timer->fire(timer->opaque);
	}
}

void clock_step_to(struct clock *clock, int64_t target_ns)
{
	enum {
		STEP_BUDGET = 1000000,
	};

	fire_due(clock, target_ns, STEP_BUDGET);
	if (target_ns > clock->stopped_ns)
		clock->stopped_ns = target_ns;
}

void clock_run_timers(struct clock *clock)
{
	clock->armed_ns = INT64_MAX;
	if (clock->running || clock->manual)
		fire_due(clock, clock_now_ns(clock), TIMERS_PER_RUN);
	clock_arm(clock);
}

void clock_timer_init(struct clock_timer *timer, struct clock *clock, void (*fire)(void *opaque),
		      void *opaque)
{
	*timer = (struct clock_timer){ .clock = clock, .fire = fire, .opaque = opaque };
	list_init(&timer->node);
}

void clock_timer_set(struct clock_timer *timer, int64_t deadline_ns)
{
	struct list_node *position;

	list_remove(&timer->node);
	timer->deadline_ns = deadline_ns;
	position = timer->clock->timers.prev;
	while (position != &timer->clock->timers &&
	       container_of(position, struct clock_timer, node)->deadline_ns > deadline_ns)
		position = position->prev;
	list_insert_before(position->next, &timer->node);
	clock_arm(timer->clock);
}

void clock_timer_cancel(struct clock_timer *timer)
{
	list_remove(&timer->node);
	clock_arm(timer->clock);
}
