// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One thread serves the requests of all processors: it sleeps until an event channel fires, serves
 * what is in that processor's slot, and sleeps again. It takes the machine lock as little as a
 * processor's thread of another core does: the client's hooks take it.
 *
 * Buffered requests fire a channel of their own, for each of them: that channel is left masked
 * while the guest is busy, and a timer looks at the ring instead.
 *
 * The gate: a processor whose request is not answered stands still. To hold the guest, requests are
 * neither begun nor answered; the server stays enabled, since Xen answers what reaches a disabled
 * one with all ones. Once the guest has been shut down, whatever is still asked is let go with
 * nothing: Xen completes a shutdown only when no request is under way.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "base/bits.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/loop.h"
#include "hv/xen.h"

enum {
	RING_POLL_NS = 20 * 1000 * 1000,
	STOP_RETRY_NS = 5 * 1000 * 1000,
};

/* The gate */

void xen_gate_init(struct xen_gate *gate)
{
	*gate = (struct xen_gate){ .closed = true };
	pthread_mutex_init(&gate->mutex, NULL);
	pthread_cond_init(&gate->changed, NULL);
}

void xen_gate_finish(struct xen_gate *gate)
{
	pthread_cond_destroy(&gate->changed);
	pthread_mutex_destroy(&gate->mutex);
}

static void set_flag(struct xen_gate *gate, bool *flag, bool value)
{
	pthread_mutex_lock(&gate->mutex);
	*flag = value;
	pthread_cond_broadcast(&gate->changed);
	pthread_mutex_unlock(&gate->mutex);
}

void xen_gate_close(struct xen_gate *gate)
{
	set_flag(gate, &gate->closed, true);
}

void xen_gate_open(struct xen_gate *gate)
{
	set_flag(gate, &gate->closed, false);
}

void xen_gate_end(struct xen_gate *gate)
{
	set_flag(gate, &gate->ended, true);
}

bool xen_gate_is_ended(struct xen_gate *gate)
{
	bool ended;

	pthread_mutex_lock(&gate->mutex);
	ended = gate->ended;
	pthread_mutex_unlock(&gate->mutex);
	return ended;
}

void xen_gate_wait_at_rest(struct xen_gate *gate)
{
	pthread_mutex_lock(&gate->mutex);
	while (gate->inside)
		pthread_cond_wait(&gate->changed, &gate->mutex);
	pthread_mutex_unlock(&gate->mutex);
}

enum passage {
	PASS_SERVE,
	PASS_VOID, /* the guest has ended: the client must not be called any more */
	PASS_QUIT,
};

/** Goes inside, or stays there, when that is allowed. */
static enum passage pass(struct xen_gate *gate)
{
	enum passage passage = PASS_SERVE;

	pthread_mutex_lock(&gate->mutex);
	if (gate->closed && !gate->ended) {
		gate->inside = false;
		pthread_cond_broadcast(&gate->changed);
	}
	while (gate->closed && !gate->ended && !gate->quit)
		pthread_cond_wait(&gate->changed, &gate->mutex);
	if (gate->quit)
		passage = PASS_QUIT;
	else if (gate->ended)
		passage = PASS_VOID;
	gate->inside = passage != PASS_QUIT;
	pthread_mutex_unlock(&gate->mutex);
	return passage;
}

static void leave(struct xen_gate *gate)
{
	set_flag(gate, &gate->inside, false);
}

/* Guest memory for repeated accesses */

static void acquire_machine(struct xen_core *core)
{
	if (core->hv.config.lock)
		lock_acquire(core->hv.config.lock);
}

static void release_machine(struct xen_core *core)
{
	if (core->hv.config.lock)
		lock_release(core->hv.config.lock);
}

/** The bytes up to the end of the page, at most 'length'. */
static size_t rest_of_page(uint64_t gpa, size_t length)
{
	size_t rest = XEN_PAGE_BYTES - (size_t)(gpa % XEN_PAGE_BYTES);

	return rest < length ? rest : length;
}

static void read_ram(void *opaque, uint64_t gpa, void *data, size_t length)
{
	struct xen_core *core = opaque;
	uint8_t *out = data;

	acquire_machine(core);
	for (size_t piece; length; out += piece, gpa += piece, length -= piece) {
		const void *host;

		piece = rest_of_page(gpa, length);
		host = hv_ram_map(&core->hv, gpa, &piece, false);
		if (host)
			memcpy(out, host, piece);
		else
			memset(out, 0xff, piece);
		if (host)
			hv_ram_unmap(&core->hv, (void *)(uintptr_t)host, piece, 0);
	}
	release_machine(core);
}

static void write_ram(void *opaque, uint64_t gpa, const void *data, size_t length)
{
	struct xen_core *core = opaque;
	const uint8_t *in = data;

	acquire_machine(core);
	for (size_t piece; length; in += piece, gpa += piece, length -= piece) {
		void *host;

		piece = rest_of_page(gpa, length);
		host = hv_ram_map(&core->hv, gpa, &piece, true);
		if (!host)
			continue;
		memcpy(host, in, piece);
		hv_ram_unmap(&core->hv, host, piece, piece);
	}
	release_machine(core);
}

static void invalidate(void *opaque)
{
	struct xen_core *core = opaque;

	acquire_machine(core);
	xen_map_invalidate(&core->map);
	release_machine(core);
	if (core->hv.client.invalidate)
		core->hv.client.invalidate(core->hv.client.opaque);
}

/* Serving */

static unsigned drain_ring(struct xen_core *core)
{
	unsigned taken;

	/* Mostly there is nothing; the lock is not worth taking then. */
	if (!xen_ring_has_requests(core->ring))
		return 0;
	acquire_machine(core);
	taken = xen_ring_drain(core->ring, &core->hv.client);
	core->buffered += taken;
	release_machine(core);
	return taken;
}

static void serve_request(struct xen_core *core, unsigned cpu)
{
	struct xen_ioreq *shared = &core->requests[cpu];
	struct xen_ioreq request;
	enum passage passage = pass(&core->gate);

	if (passage == PASS_QUIT)
		return;
	/* What the guest wrote before this request comes before it. */
	if (passage == PASS_SERVE)
		drain_ring(core);
	if (xen_ioreq_take(shared, &request)) {
		if (passage == PASS_SERVE)
			xen_ioreq_execute(&core->engine, &request);
		else
			xen_ioreq_void(&request);
		if (pass(&core->gate) == PASS_QUIT)
			return;
		xen_ioreq_answer(shared, &request);
		xenevtchn_notify(core->events, core->ports[cpu]);
	}
	leave(&core->gate);
}

static void serve_ring(struct xen_core *core)
{
	if (pass(&core->gate) == PASS_SERVE) {
		drain_ring(core);
		loop_timer_set(core->ring_timer, clock_host_ns() + RING_POLL_NS);
	}
	leave(&core->gate);
}

void xen_thread_poll_ring(void *opaque)
{
	struct xen_core *core = opaque;
	bool closed;

	pthread_mutex_lock(&core->gate.mutex);
	closed = core->gate.closed || core->gate.ended;
	pthread_mutex_unlock(&core->gate.mutex);
	if (!closed && xen_ring_drain(core->ring, &core->hv.client))
		loop_timer_set(core->ring_timer, clock_host_ns() + RING_POLL_NS);
	else
		xenevtchn_unmask(core->events, core->ring_port);
}

void xen_thread_serve(struct xen_core *core, evtchn_port_t port)
{
	if (port == core->ring_port) {
		serve_ring(core);
		return;
	}
	xenevtchn_unmask(core->events, port);
	for (unsigned cpu = 0; cpu < XEN_MAX_CPUS; cpu++)
		if (core->ports[cpu] == port) {
			serve_request(core, cpu);
			return;
		}
}

void xen_thread_init_engine(struct xen_core *core)
{
	core->engine.client = &core->hv.client;
	core->engine.opaque = core;
	core->engine.read_ram = read_ram;
	core->engine.write_ram = write_ram;
	core->engine.invalidate = invalidate;
}

/* The thread */

static bool is_quitting(struct xen_gate *gate)
{
	bool quit;

	pthread_mutex_lock(&gate->mutex);
	quit = gate->quit;
	pthread_mutex_unlock(&gate->mutex);
	return quit;
}

static void *serve_events(void *opaque)
{
	struct xen_core *core = opaque;
	const struct hv_client *client = &core->hv.client;

	while (!is_quitting(&core->gate)) {
		xenevtchn_port_or_error_t port = xenevtchn_pending(core->events);

		if (port >= 0) {
			xen_thread_serve(core, (evtchn_port_t)port);
		} else if (errno != EINTR && errno != EAGAIN) {
			client->event(client->opaque, HV_FAILED,
				      "Xen's event channels have failed");
			break;
		}
	}
	return NULL;
}

static void wake_up(int signum)
{
	(void)signum; /* it has interrupted the wait, which is all */
}

int xen_thread_start(struct xen_core *core, struct err *err)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };
	const struct sigaction action = { .sa_handler = wake_up };
	sigset_t all, before;
	int result;

	if (core->has_thread)
		return 0;
	sigaction(SIGUSR2, &action, NULL);
	sigfillset(&all);
	sigdelset(&all, SIGUSR2);
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
		sigdelset(&all, faults[i]);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	result = pthread_create(&core->thread, NULL, serve_events, core);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (result)
		return err_set_errno(err, -result,
				     "cannot start a thread for the guest's requests");
	core->has_thread = true;
	return 0;
}

/** Until 'ns' from now, by the clock that pthread_timedjoin_np counts with. */
static struct timespec deadline(long ns)
{
	struct timespec time;

	clock_gettime(CLOCK_REALTIME, &time);
	time.tv_nsec += ns;
	if (time.tv_nsec >= 1000000000) {
		time.tv_nsec -= 1000000000;
		time.tv_sec++;
	}
	return time;
}

void xen_thread_stop(struct xen_core *core)
{
	struct timespec until;

	if (!core->has_thread)
		return;
	set_flag(&core->gate, &core->gate.quit, true);
	/* A signal that comes just before the thread goes to sleep is lost; so it is repeated. */
	do {
		pthread_kill(core->thread, SIGUSR2);
		until = deadline(STOP_RETRY_NS);
	} while (pthread_timedjoin_np(core->thread, NULL, &until) == ETIMEDOUT);
	core->has_thread = false;
}
