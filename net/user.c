// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Between libslirp and the wire. libslirp answers a frame of the card while the card is still
 * sending it; such answers wait in a queue, and so does what the card has no room for. While much
 * waits, libslirp is not served, and the host's connections wait in turn.
 */
#include "net/user.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/opts.h"
#include "net/kinds.h"
#include "net/user_internal.h"

enum {
	QUEUE_BYTES = 256 * 1024,
	QUEUE_CHOKED_BYTES = QUEUE_BYTES / 2,
};

struct user_timer {
	struct clock_timer timer;
	struct user *user;
	SlirpTimerId id;
	void *opaque;
};

static void kick(struct user *user)
{
	if (user->is_kicked)
		return;
	user->is_kicked = true;
	user_poll_kick(&user->poll);
}

/* To the card */

static void watch_what_matters(struct user *user)
{
	bool choked = user->queue.used > QUEUE_CHOKED_BYTES;

	if (choked != user->is_choked)
		loop_watch_set_events(user->watch, choked ? 0u : LOOP_READABLE);
	user->is_choked = choked;
}

static void flush(struct user *user)
{
	struct iovec iov[2];
	unsigned count;

	while ((count = net_queue_peek(&user->queue, iov)) > 0) {
		if (!net_send(&user->backend.port, iov, count))
			break;
		net_queue_drop(&user->queue);
	}
	watch_what_matters(user);
}

static bool send_now(struct user *user, const void *frame, size_t length)
{
	uint8_t padded[NET_FRAME_MIN_BYTES];
	struct iovec iov = { (void *)(uintptr_t)frame, length };

	if (user->in_receive || !net_queue_is_empty(&user->queue))
		return false;
	if (length < NET_FRAME_MIN_BYTES) {
		memcpy(padded, frame, length);
		iov = (struct iovec){ padded, net_pad_frame(padded, length) };
	}
	return net_send(&user->backend.port, &iov, 1);
}

static ssize_t send_packet(const void *frame, size_t length, void *opaque)
{
	struct user *user = opaque;

	/* What is lost here is sent again by those who talk through it. */
	if (!send_now(user, frame, length) && !net_queue_put(&user->queue, frame, length))
		user->dropped++;
	return (ssize_t)length;
}

static void user_resume(void *opaque)
{
	flush(opaque);
}

/* From the card */

static bool user_receive(void *opaque, const struct iovec *iov, unsigned count)
{
	struct user *user = opaque;
	/* The pieces may be guest memory that another processor writes: looked at in a copy. */
	size_t length = net_iov_copy(iov, count, 0, user->frame, sizeof(user->frame));

	user->in_receive = true;
	slirp_input(user->slirp, user->frame, (int)length);
	user->in_receive = false;
	/* For the answers, new sockets, and room in those there are. */
	kick(user);
	return true;
}

/* The loop */

static void refill(struct user *user)
{
	uint32_t timeout_ms = user_poll_fill(&user->poll, user->slirp);

	if (timeout_ms == UINT32_MAX)
		clock_timer_cancel(&user->timer);
	else
		clock_timer_set(&user->timer,
				clock_now_ns(user->backend.host->clock) + timeout_ms * NS_PER_MS);
}

static void serve(struct user *user)
{
	user->is_kicked = false;
	flush(user);
	user_poll_dispatch(&user->poll, user->slirp);
	user_feed_forwards(user);
	refill(user);
	watch_what_matters(user);
}

static void user_is_ready(void *opaque, unsigned events)
{
	(void)events;
	serve(opaque);
}

/** Perhaps on a thread that dispatches a guest's access. */
static void user_is_due(void *opaque)
{
	kick(opaque);
}

/* What libslirp asks for */

static void guest_error(const char *message, void *opaque)
{
	struct user *user = opaque;

	log_guest("netdev '%s': %s", user->backend.id, message);
}

static int64_t get_ns(void *opaque)
{
	const struct user *user = opaque;

	return clock_now_ns(user->backend.host->clock);
}

static void timer_is_due(void *opaque)
{
	struct user_timer *timer = opaque;
	struct user *user = timer->user;
	bool outer = user->in_receive;

	/* The card's turn may be under way: its access moved the time. */
	user->in_receive = true;
	slirp_handle_timer(user->slirp, timer->id, timer->opaque);
	user->in_receive = outer;
	kick(user);
}

static void *timer_new(SlirpTimerId id, void *timer_opaque, void *opaque)
{
	struct user *user = opaque;
	struct user_timer *timer = calloc(1, sizeof(*timer));

	if (!timer)
		return NULL;
	timer->user = user;
	timer->id = id;
	timer->opaque = timer_opaque;
	clock_timer_init(&timer->timer, user->backend.host->clock, timer_is_due, timer);
	timer->timer.is_host = true;
	return timer;
}

static void timer_free(void *opaque_timer, void *opaque)
{
	struct user_timer *timer = opaque_timer;

	(void)opaque;
	if (!timer)
		return;
	clock_timer_cancel(&timer->timer);
	free(timer);
}

static void timer_mod(void *opaque_timer, int64_t expire_ms, void *opaque)
{
	struct user_timer *timer = opaque_timer;

	(void)opaque;
	if (timer)
		clock_timer_set(&timer->timer, expire_ms * NS_PER_MS);
}

static void register_fd(int fd, void *opaque)
{
	(void)fd;
	(void)opaque;
}

static void unregister_fd(int fd, void *opaque)
{
	struct user *user = opaque;

	user_poll_forget(&user->poll, fd);
}

static void notify(void *opaque)
{
	kick(opaque);
}

static const SlirpCb callbacks = {
	.send_packet = send_packet,
	.guest_error = guest_error,
	.clock_get_ns = get_ns,
	.timer_new_opaque = timer_new,
	.timer_free = timer_free,
	.timer_mod = timer_mod,
	.register_poll_fd = register_fd,
	.unregister_poll_fd = unregister_fd,
	.notify = notify,
};

/* Opening */

static void user_destroy(struct net_backend *backend)
{
	struct user *user = container_of(backend, struct user, backend);

	loop_unwatch(user->watch);
	if (user->slirp) {
		clock_timer_cancel(&user->timer);
		user_close_forwards(user);
		slirp_cleanup(user->slirp);
	}
	user_poll_finish(&user->poll);
	net_queue_finish(&user->queue);
	free(user);
}

static int open_user(struct user *user, struct net_host *host, struct opts *opts, struct err *err)
{
	struct user_words words = { 0 };
	char network[INET_ADDRSTRLEN], mask[INET_ADDRSTRLEN];
	int result = user_read_words(opts, &words, err);

	if (result == 0)
		result = user_poll_init(&user->poll, err);
	if (result == 0 && net_queue_init(&user->queue, QUEUE_BYTES) < 0)
		result = err_set_errno(err, -ENOMEM, "cannot set up the user-mode network");
	if (result < 0)
		return result;
	user->backend.host = host;
	user->backend.has_carrier = true;
	user->network = words.config.vnetwork;
	user->mask = words.config.vnetmask;
	user->first_guest = words.config.vdhcp_start;
	clock_timer_init(&user->timer, host->clock, user_is_due, user);
	user->timer.is_host = true;
	user->slirp = slirp_new(&words.config, &callbacks, user);
	if (!user->slirp)
		return err_set(err, -EINVAL, "libslirp refuses these words");
	inet_ntop(AF_INET, &user->network, network, sizeof(network));
	inet_ntop(AF_INET, &user->mask, mask, sizeof(mask));
	net_backend_set_info(&user->backend, "net=%s,mask=%s,restrict=%s", network, mask,
			     words.config.restricted ? "on" : "off");
	return user_open_forwards(user, opts, err);
}

static struct net_backend *user_create(struct net_host *host, struct opts *opts, struct err *err)
{
	struct user *user = calloc(1, sizeof(*user));

	if (!user) {
		err_set_errno(err, -ENOMEM, "cannot set up the user-mode network");
		return NULL;
	}
	user->poll.epoll_fd = user->poll.kick_fd = -1;
	if (open_user(user, host, opts, err) == 0) {
		user->watch = loop_watch_fd(host->loop, user->poll.epoll_fd, LOOP_READABLE,
					    user_is_ready, user);
		if (user->watch)
			return &user->backend;
		err_set_errno(err, -ENOMEM, "cannot set up the user-mode network");
	}
	user_destroy(&user->backend);
	return NULL;
}

static void user_start(struct net_backend *backend)
{
	refill(container_of(backend, struct user, backend));
}

static const struct net_port_ops user_ops = { .receive = user_receive, .resume = user_resume };

const struct net_backend_class net_user_class = {
	.type = "user",
	.summary = "a network behind this process, with DHCP and names: hostfwd=, tftp=",
	.properties = user_properties,
	.create = user_create,
	.destroy = user_destroy,
	.ops = &user_ops,
	.start = user_start,
};

bool net_is_user(const struct net_backend *backend)
{
	return backend->class == &net_user_class;
}

char *net_user_describe(struct net_backend *backend)
{
	return slirp_connection_info(container_of(backend, struct user, backend)->slirp);
}
