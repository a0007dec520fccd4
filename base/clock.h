// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guest time: nanoseconds since the guest was powered on. It stands still while the guest is
 * paused, and is moved by the test's hand under qtest. Timers are embedded in their owners; when
 * none is pending, nothing wakes the process. All calls under the machine lock.
 */
#pragma once

#include "base/list.h"

#define NS_PER_SECOND INT64_C(1000000000)
#define NS_PER_MS     INT64_C(1000000)
#define NS_PER_US     INT64_C(1000)

struct clock_timer {
	struct list_node node; /* in struct clock.timers, by deadline */
	struct clock *clock;
	bool is_host; /* serves the host's side: what it does comes to the guest in other ways */
	int64_t deadline_ns;
	void (*fire)(void *opaque);
	void *opaque;
};

/** Who sees each reading of guest time, and fires timers: a recording, or its replay. */
struct clock_tap {
	void *opaque;
	int64_t (*now_ns)(void *opaque);
	void (*fire)(void *opaque, struct clock_timer *timer);
};

struct clock {
	const struct clock_tap *tap; /* NULL: none; borrowed */
	struct list_node timers;
	bool running;
	bool manual;        /* time moves only by clock_step: qtest */
	int64_t stopped_ns; /* the time while not running, or manual */
	int64_t offset_ns;  /* host monotonic time minus guest time while running */
	/** Asks the owner to call clock_run_timers at host time 'host_ns' (CLOCK_MONOTONIC), or
	 * never for INT64_MAX. */
	void (*arm)(void *opaque, int64_t host_ns);
	void *opaque;
	int64_t armed_ns; /* the host time last asked for */
};

/** A stopped clock at 0. 'arm' may be NULL. */
void clock_init(struct clock *clock, void (*arm)(void *opaque, int64_t host_ns), void *opaque);
void clock_set_manual(struct clock *clock);
int64_t clock_now_ns(const struct clock *clock);
/** The same past the tap. */
int64_t clock_own_ns(const struct clock *clock);
void clock_start(struct clock *clock);
void clock_stop(struct clock *clock);
/** Makes it 'now_ns' on a clock that stands still: the time of a saved guest. Timers stay where
 * they are. */
void clock_set(struct clock *clock, int64_t now_ns);

/** Moves a manual clock forward to 'target_ns', firing timers on the way, each at its own deadline.
 */
void clock_step_to(struct clock *clock, int64_t target_ns);

/** The earliest deadline, INT64_MAX if none. */
int64_t clock_next_deadline_ns(const struct clock *clock);

/** Fires what is due and arms for the next. Bounded: a timer that is set again into the past waits
 * for the next call. */
void clock_run_timers(struct clock *clock);

/** A timer that is not pending. */
void clock_timer_init(struct clock_timer *timer, struct clock *clock, void (*fire)(void *opaque),
		      void *opaque);

/** Makes it fire once at 'deadline_ns' of guest time; moves it if it is pending. */
void clock_timer_set(struct clock_timer *timer, int64_t deadline_ns);
void clock_timer_cancel(struct clock_timer *timer);

static inline bool clock_timer_is_pending(const struct clock_timer *timer)
{
	return !list_is_empty(&timer->node);
}

/** Host wall-clock time in ns since 1970, for the RTC and logs only. */
int64_t clock_wall_ns(void);
/** Host CLOCK_MONOTONIC in ns. */
int64_t clock_host_ns(void);
