// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <uv.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/lock.h"

struct posted_call {
	struct list_node node;
	void (*call)(void *opaque);
	void *opaque;
};

struct loop_signal {
	struct list_node node; /* in struct loop.signals */
	uv_signal_t handle;
	struct loop *loop;
	void (*received)(void *opaque, int signum);
	void *opaque;
};

struct loop {
	uv_loop_t uv;
	uv_async_t wake;
	uv_timer_t turn_limit;
	struct lock *lock;
	pthread_mutex_t posted_mutex;
	struct list_node posted;  /* guarded by posted_mutex, and so is 'due' */
	struct list_node due;     /* those that this turn runs */
	struct list_node changed; /* watches; guarded by posted_mutex */
	struct list_node signals;
	pthread_t thread; /* that waits */
	bool stopping;
};

/* libuv is of one thread, even under the machine lock: it works on while it gives the lock back.
 * What other threads change is noted and carried out by the loop's. */
struct loop_watch {
	uv_poll_t handle;
	struct list_node changed; /* in struct loop.changed, or in none */
	unsigned wanted;          /* events */
	bool closed;
	struct loop *loop;
	void (*ready)(void *opaque, unsigned events);
	void *opaque;
};

struct loop_timer {
	int fd;
	struct loop_watch *watch;
	void (*fire)(void *opaque);
	void *opaque;
};

static void loop_enter(struct loop *loop)
{
	if (loop->lock)
		lock_acquire(loop->lock);
}

static void loop_leave(struct loop *loop)
{
	if (loop->lock)
		lock_release(loop->lock);
}

static bool is_on_loop(const struct loop *loop)
{
	return pthread_equal(__atomic_load_n(&loop->thread, __ATOMIC_RELAXED), pthread_self());
}

static void take_thread(struct loop *loop)
{
	__atomic_store_n(&loop->thread, pthread_self(), __ATOMIC_RELAXED);
}

static void watch_is_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void watch_is_ready(uv_poll_t *handle, int status, int uv_events)
{
	struct loop_watch *watch = handle->data;
	struct loop *loop = watch->loop;
	unsigned events = 0;

	if (uv_events & UV_READABLE)
		events |= LOOP_READABLE;
	if (uv_events & UV_WRITABLE)
		events |= LOOP_WRITABLE;
	if (status < 0 || (uv_events & UV_DISCONNECT))
		events |= LOOP_HANGUP;
	loop_enter(loop);
	if (!watch->closed)
		watch->ready(watch->opaque, events);
	loop_leave(loop);
}

/** Tells libuv; on the loop's thread. */
static void apply_change(struct loop_watch *watch)
{
	int uv_events = 0;

	if (watch->wanted & LOOP_READABLE)
		uv_events |= UV_READABLE;
	if (watch->wanted & LOOP_WRITABLE)
		uv_events |= UV_WRITABLE;
	if (watch->closed)
		uv_close((uv_handle_t *)&watch->handle, watch_is_closed);
	else if (uv_events)
		uv_poll_start(&watch->handle, uv_events | UV_DISCONNECT, watch_is_ready);
	else
		uv_poll_stop(&watch->handle);
}

static void apply_changes(struct loop *loop)
{
	struct loop_watch *watch;

	pthread_mutex_lock(&loop->posted_mutex);
	list_for_each(watch, &loop->changed, struct loop_watch, changed)
	{
		list_remove(&watch->changed);
		apply_change(watch);
	}
	pthread_mutex_unlock(&loop->posted_mutex);
}

static void change(struct loop_watch *watch)
{
	struct loop *loop = watch->loop;
	bool now = is_on_loop(loop);

	pthread_mutex_lock(&loop->posted_mutex);
	list_remove(&watch->changed);
	if (!now)
		list_append(&loop->changed, &watch->changed);
	pthread_mutex_unlock(&loop->posted_mutex);
	if (now)
		apply_change(watch);
	else
		uv_async_send(&loop->wake);
}

static struct posted_call *take_due(struct loop *loop)
{
	struct posted_call *posted = NULL;

	pthread_mutex_lock(&loop->posted_mutex);
	if (!list_is_empty(&loop->due)) {
		posted = container_of(loop->due.next, struct posted_call, node);
		list_remove(&posted->node);
	}
	pthread_mutex_unlock(&loop->posted_mutex);
	return posted;
}

/** Runs what had been posted when it began; what is posted meanwhile waits for the next turn. */
static void run_posted(uv_async_t *handle)
{
	struct loop *loop = handle->data;
	struct posted_call *posted;

	pthread_mutex_lock(&loop->posted_mutex);
	while (!list_is_empty(&loop->posted)) {
		struct list_node *node = loop->posted.next;

		list_remove(node);
		list_append(&loop->due, node);
	}
	pthread_mutex_unlock(&loop->posted_mutex);

	if (__atomic_load_n(&loop->stopping, __ATOMIC_ACQUIRE))
		uv_stop(&loop->uv);
	/* Under the machine lock, under which calls are taken back. */
	loop_enter(loop);
	apply_changes(loop);
	while ((posted = take_due(loop))) {
		posted->call(posted->opaque);
		free(posted);
		loop_leave(loop);
		loop_enter(loop);
	}
	loop_leave(loop);
}

struct loop *loop_create(void)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return NULL;
	if (uv_loop_init(&loop->uv) != 0) {
		free(loop);
		return NULL;
	}
	if (uv_async_init(&loop->uv, &loop->wake, run_posted) != 0) {
		uv_loop_close(&loop->uv);
		free(loop);
		return NULL;
	}
	loop->wake.data = loop;
	uv_timer_init(&loop->uv, &loop->turn_limit);
	pthread_mutex_init(&loop->posted_mutex, NULL);
	list_init(&loop->posted);
	list_init(&loop->due);
	list_init(&loop->changed);
	list_init(&loop->signals);
	take_thread(loop);
	return loop;
}

void loop_destroy(struct loop *loop)
{
	struct loop_signal *entry;

	if (!loop)
		return;
	take_thread(loop);
	apply_changes(loop);
	list_for_each(entry, &loop->signals, struct loop_signal, node)
		uv_close((uv_handle_t *)&entry->handle, NULL);
	uv_close((uv_handle_t *)&loop->wake, NULL);
	uv_close((uv_handle_t *)&loop->turn_limit, NULL);
	loop->lock = NULL;
	uv_run(&loop->uv, UV_RUN_NOWAIT);
	run_posted(&loop->wake);
	uv_loop_close(&loop->uv);
	list_for_each(entry, &loop->signals, struct loop_signal, node)
	{
		list_remove(&entry->node);
		free(entry);
	}
	pthread_mutex_destroy(&loop->posted_mutex);
	free(loop);
}

void loop_set_lock(struct loop *loop, struct lock *lock)
{
	loop->lock = lock;
}

void loop_run(struct loop *loop)
{
	take_thread(loop);
	while (!__atomic_load_n(&loop->stopping, __ATOMIC_ACQUIRE))
		uv_run(&loop->uv, UV_RUN_DEFAULT);
	__atomic_store_n(&loop->stopping, false, __ATOMIC_RELEASE);
}

static void turn_is_over(uv_timer_t *timer)
{
	(void)timer; /* its only task is to end the wait */
}

void loop_turn(struct loop *loop, int timeout_ms)
{
	take_thread(loop);
	if (timeout_ms > 0)
		uv_timer_start(&loop->turn_limit, turn_is_over, (uint64_t)timeout_ms, 0);
	uv_run(&loop->uv, timeout_ms == 0 ? UV_RUN_NOWAIT : UV_RUN_ONCE);
	uv_timer_stop(&loop->turn_limit);
}

void loop_stop(struct loop *loop)
{
	__atomic_store_n(&loop->stopping, true, __ATOMIC_RELEASE);
	uv_async_send(&loop->wake);
}

struct loop_watch *loop_watch_fd(struct loop *loop, int fd, unsigned events,
				 void (*ready)(void *opaque, unsigned events), void *opaque)
{
	struct loop_watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return NULL;
	/* A descriptor of this number may have been closed by another thread a moment ago. */
	if (is_on_loop(loop))
		apply_changes(loop);
	if (uv_poll_init(&loop->uv, &watch->handle, fd) != 0) {
		free(watch);
		return NULL;
	}
	watch->handle.data = watch;
	list_init(&watch->changed);
	watch->loop = loop;
	watch->ready = ready;
	watch->opaque = opaque;
	loop_watch_set_events(watch, events);
	return watch;
}

void loop_watch_set_events(struct loop_watch *watch, unsigned events)
{
	watch->wanted = events;
	change(watch);
}

void loop_unwatch(struct loop_watch *watch)
{
	if (!watch)
		return;
	watch->closed = true;
	change(watch);
}

static void timer_is_due(void *opaque, unsigned events)
{
	struct loop_timer *timer = opaque;
	uint64_t expirations;

	(void)events;
	if (read(timer->fd, &expirations, sizeof(expirations)) == sizeof(expirations))
		timer->fire(timer->opaque);
}

struct loop_timer *loop_timer_create(struct loop *loop, void (*fire)(void *opaque), void *opaque)
{
	struct loop_timer *timer = calloc(1, sizeof(*timer));

	if (!timer)
		return NULL;
	timer->fire = fire;
	timer->opaque = opaque;
	timer->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (timer->fd < 0) {
		free(timer);
		return NULL;
	}
	timer->watch = loop_watch_fd(loop, timer->fd, LOOP_READABLE, timer_is_due, timer);
	if (!timer->watch) {
		close(timer->fd);
		free(timer);
		return NULL;
	}
	return timer;
}

void loop_timer_set(struct loop_timer *timer, int64_t host_ns)
{
	struct itimerspec when = { 0 };

	if (host_ns != INT64_MAX) {
		/* Zero would disarm; the past fires at once. */
		host_ns = host_ns < 1 ? 1 : host_ns;
		when.it_value.tv_sec = host_ns / NS_PER_SECOND;
		when.it_value.tv_nsec = host_ns % NS_PER_SECOND;
	}
	timerfd_settime(timer->fd, TFD_TIMER_ABSTIME, &when, NULL);
}

void loop_timer_destroy(struct loop_timer *timer)
{
	if (!timer)
		return;
	loop_unwatch(timer->watch);
	close(timer->fd);
	free(timer);
}

int loop_post(struct loop *loop, void (*call)(void *opaque), void *opaque)
{
	struct posted_call *posted = malloc(sizeof(*posted));

	if (!posted)
		return -ENOMEM;
	list_init(&posted->node);
	posted->call = call;
	posted->opaque = opaque;
	pthread_mutex_lock(&loop->posted_mutex);
	list_append(&loop->posted, &posted->node);
	pthread_mutex_unlock(&loop->posted_mutex);
	uv_async_send(&loop->wake);
	return 0;
}

static void unpost_from(struct list_node *calls, void (*call)(void *opaque), const void *opaque)
{
	struct posted_call *posted;

	list_for_each(posted, calls, struct posted_call, node)
	{
		if (posted->call != call || posted->opaque != opaque)
			continue;
		list_remove(&posted->node);
		free(posted);
	}
}

void loop_unpost(struct loop *loop, void (*call)(void *opaque), const void *opaque)
{
	pthread_mutex_lock(&loop->posted_mutex);
	unpost_from(&loop->posted, call, opaque);
	unpost_from(&loop->due, call, opaque);
	pthread_mutex_unlock(&loop->posted_mutex);
}

static void signal_is_received(uv_signal_t *handle, int signum)
{
	struct loop_signal *entry = handle->data;

	loop_enter(entry->loop);
	entry->received(entry->opaque, signum);
	loop_leave(entry->loop);
}

int loop_on_signal(struct loop *loop, int signum, void (*received)(void *opaque, int signum),
		   void *opaque)
{
	struct loop_signal *entry = calloc(1, sizeof(*entry));
	int result;

	if (!entry)
		return -ENOMEM;
	result = uv_signal_init(&loop->uv, &entry->handle);
	if (result < 0) {
		free(entry);
		return result;
	}
	entry->handle.data = entry;
	entry->loop = loop;
	entry->received = received;
	entry->opaque = opaque;
	list_append(&loop->signals, &entry->node);
	return uv_signal_start(&entry->handle, signal_is_received, signum);
}
