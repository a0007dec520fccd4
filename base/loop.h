// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The event loop: one thread waits here for descriptors, timers, signals and results of workers.
 * Every callback runs with the machine lock held, if one was given with loop_set_lock. Only loop.c
 * knows libuv.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct loop;
struct lock;
struct loop_watch;
struct loop_timer;

enum loop_event {
	LOOP_READABLE = 1,
	LOOP_WRITABLE = 2,
	LOOP_HANGUP = 4, /* reported only */
};

/** NULL if the host has no descriptors or memory left. */
struct loop *loop_create(void);
void loop_destroy(struct loop *loop);

/** The lock taken around each callback and given back while the loop waits. */
void loop_set_lock(struct loop *loop, struct lock *lock);

/** Runs until loop_stop. The caller holds no lock. */
void loop_run(struct loop *loop);

/** One turn; waits at most 'timeout_ms' (-1: for ever, 0: not at all). For tests. */
void loop_turn(struct loop *loop, int timeout_ms);
/** From any thread. */
void loop_stop(struct loop *loop);

/**
 * Watches 'fd', which stays the caller's and must be unwatched before it is closed. 'events' is a
 * set of loop_event; 0 keeps the watch but asks for nothing. NULL when out of memory or the
 * descriptor cannot be polled.
 */
struct loop_watch *loop_watch_fd(struct loop *loop, int fd, unsigned events,
				 void (*ready)(void *opaque, unsigned events), void *opaque);
/** From any thread, under the machine lock, as is loop_unwatch. */
void loop_watch_set_events(struct loop_watch *watch, unsigned events);
/** May be called from within its own callback. NULL is ignored. */
void loop_unwatch(struct loop_watch *watch);

/** A host-time timer with nanosecond resolution (timerfd), idle until set. */
struct loop_timer *loop_timer_create(struct loop *loop, void (*fire)(void *opaque), void *opaque);
/** Fires once at 'host_ns' (CLOCK_MONOTONIC); INT64_MAX cancels. */
void loop_timer_set(struct loop_timer *timer, int64_t host_ns);
void loop_timer_destroy(struct loop_timer *timer);

/** Runs 'call' on the loop's thread, soon. From any thread; in the order of posting. 0 or -ENOMEM.
 */
int loop_post(struct loop *loop, void (*call)(void *opaque), void *opaque);
/** Takes back what was posted with these two and has not run. Whoever frees 'opaque' says so, with
 * the machine lock. */
void loop_unpost(struct loop *loop, void (*call)(void *opaque), const void *opaque);

/** Calls 'received' on the loop when the signal arrives. 0 or -errno. */
int loop_on_signal(struct loop *loop, int signum, void (*received)(void *opaque, int signum),
		   void *opaque);
