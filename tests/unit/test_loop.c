// SPDX-License-Identifier: GPL-2.0-or-later
/* The event loop, asked for things by another thread while it waits. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/lock.h"
#include "base/loop.h"

enum {
	LIMIT_MS = 20000, /* for a machine that stands still, not a measure */
};

struct fixture {
	struct lock lock;
	struct loop *loop;
	struct loop_watch *watch;
	int fds[2];
	unsigned calls;
	void (*other)(struct fixture *f);
};

static void is_ready(void *opaque, unsigned events)
{
	struct fixture *f = opaque;
	char byte;

	assert_true(events & LOOP_READABLE);
	assert_int_equal(read(f->fds[0], &byte, 1), 1);
	f->calls++;
	loop_stop(f->loop);
}

static void stop(void *opaque)
{
	loop_stop(opaque);
}

static void too_late(void *opaque)
{
	(void)opaque;
	fail_msg("the loop still waits");
}

static void *run_other(void *opaque)
{
	struct fixture *f = opaque;

	usleep(10000); /* mostly the loop is in its wait by then; it must not matter */
	lock_acquire(&f->lock);
	f->other(f);
	lock_release(&f->lock);
	return NULL;
}

/** Waits while 'other' is done by another thread. */
static void run(struct fixture *f, void (*other)(struct fixture *f))
{
	struct loop_timer *limit = loop_timer_create(f->loop, too_late, NULL);
	struct timespec now;
	pthread_t thread;

	clock_gettime(CLOCK_MONOTONIC, &now);
	loop_timer_set(limit, (now.tv_sec + LIMIT_MS / 1000) * INT64_C(1000000000));
	f->other = other;
	assert_int_equal(pthread_create(&thread, NULL, run_other, f), 0);
	loop_run(f->loop);
	pthread_join(thread, NULL);
	loop_timer_destroy(limit);
}

static void begin(struct fixture *f)
{
	*f = (struct fixture){ 0 };
	lock_init(&f->lock);
	f->loop = loop_create();
	loop_set_lock(f->loop, &f->lock);
	assert_int_equal(pipe(f->fds), 0);
	assert_int_equal(write(f->fds[1], "a", 1), 1);
	f->watch = loop_watch_fd(f->loop, f->fds[0], 0, is_ready, f);
	assert_non_null(f->watch);
}

static void end(struct fixture *f)
{
	loop_destroy(f->loop);
	close(f->fds[0]);
	close(f->fds[1]);
}

static void ask(struct fixture *f)
{
	loop_watch_set_events(f->watch, LOOP_READABLE);
}

static void what_another_thread_asks_for_is_seen_at_once(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	run(&f, ask);
	assert_int_equal(f.calls, 1);
	loop_unwatch(f.watch);
	end(&f);
}

static void ask_and_forget(struct fixture *f)
{
	loop_watch_set_events(f->watch, LOOP_READABLE);
	loop_watch_set_events(f->watch, 0);
	loop_post(f->loop, stop, f->loop);
}

static void the_last_word_counts(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	run(&f, ask_and_forget);
	assert_int_equal(f.calls, 0);
	loop_unwatch(f.watch);
	end(&f);
}

static void forget(struct fixture *f)
{
	loop_unwatch(f->watch);
	close(f->fds[0]);
	f->fds[0] = -1;
	loop_post(f->loop, stop, f->loop);
}

static void another_thread_may_end_a_watch_that_is_ready(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	run(&f, forget);
	assert_int_equal(f.calls, 0);
	/* The number is free, for libuv as well. */
	f.fds[0] = dup(f.fds[1]);
	f.watch = loop_watch_fd(f.loop, f.fds[0], 0, is_ready, &f);
	assert_non_null(f.watch);
	loop_unwatch(f.watch);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_another_thread_asks_for_is_seen_at_once),
		cmocka_unit_test(the_last_word_counts),
		cmocka_unit_test(another_thread_may_end_a_watch_that_is_ready),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
