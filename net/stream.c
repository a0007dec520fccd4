// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A network over a stream socket: one peer at a time, frames behind their lengths. While nobody is
 * connected, the wire is out. What a peer sends wrong ends its connection.
 */
#include "net/stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "net/framer.h"
#include "net/kinds.h"

enum {
	BACKLOG = 1,
	MAX_PIECES = 32, /* of a frame that is sent as it lies; one in more is put together */
	ADDRESS_BYTES = 128,
};

struct stream {
	struct net_backend backend;
	struct net_stream_plan plan;
	int listen_fd, fd; /* -1: none */
	struct loop_watch *listen_watch, *watch;
	struct loop_timer *retry;
	bool is_connecting;
	bool card_waits; /* a frame was refused for want of room */
	bool peer_waits; /* the card refused the frame that is next in 'in' */
	struct net_framer in;
	size_t out_start, out_end; /* what the socket did not take of the latest frame */
	uint8_t out[FRAMER_BYTES];
};

static void watch_what_matters(struct stream *stream)
{
	bool wants_room = stream->is_connecting || stream->out_start < stream->out_end;

	if (stream->watch)
		loop_watch_set_events(stream->watch, (stream->peer_waits ? 0u : LOOP_READABLE) |
							     (wants_room ? LOOP_WRITABLE : 0u));
}

/* The life of a connection */

static void try_later(struct stream *stream)
{
	if (stream->plan.reconnect_ms)
		loop_timer_set(stream->retry,
			       clock_host_ns() + stream->plan.reconnect_ms * NS_PER_MS);
}

static void drop_peer(struct stream *stream)
{
	char address[ADDRESS_BYTES];

	if (stream->fd < 0)
		return;
	loop_unwatch(stream->watch);
	stream->watch = NULL;
	close(stream->fd);
	stream->fd = -1;
	net_framer_reset(&stream->in);
	stream->out_start = stream->out_end = 0;
	stream->is_connecting = stream->peer_waits = stream->card_waits = false;
	net_address_describe(&stream->plan.address, address, sizeof(address));
	net_backend_set_info(&stream->backend,
			     stream->plan.server ? "%s, nobody connected" : "%s, not connected",
			     address);
	/* A card that waits goes on, as the link is down. */
	net_backend_set_carrier(&stream->backend, false, "");
	if (stream->listen_watch)
		loop_watch_set_events(stream->listen_watch, LOOP_READABLE);
	try_later(stream);
}

/** The connection is of no more use. Which thread found out does not matter: the loop drops it. */
static void give_up_peer(struct stream *stream)
{
	shutdown(stream->fd, SHUT_RDWR);
	net_framer_reset(&stream->in);
	stream->out_start = stream->out_end = 0;
	stream->peer_waits = false;
	watch_what_matters(stream);
}

static void greet_peer(struct stream *stream)
{
	struct net_address peer = { .length = sizeof(peer.storage) };
	char address[ADDRESS_BYTES];
	int one = 1;

	if (getpeername(stream->fd, &peer.any, &peer.length) < 0)
		peer.length = 0;
	if (peer.any.sa_family == AF_UNIX && !stream->plan.server)
		peer = stream->plan.address;
	net_address_describe(&peer, address, sizeof(address));
	setsockopt(stream->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	net_backend_set_info(&stream->backend, "connected to %s", address);
	net_backend_set_carrier(&stream->backend, true, address);
}

/* From the peer to the card */

/** False if the card refused. */
static bool send_frame(struct stream *stream, const uint8_t *frame, size_t length)
{
	uint8_t padded[NET_FRAME_MIN_BYTES];
	struct iovec iov = { (void *)(uintptr_t)frame, length };

	if (length < NET_HEADER_BYTES)
		return true; /* addressed to nobody */
	if (length < NET_FRAME_MIN_BYTES) {
		memcpy(padded, frame, length);
		iov = (struct iovec){ padded, net_pad_frame(padded, length) };
	}
	return net_send(&stream->backend.port, &iov, 1);
}

static void deliver(struct stream *stream)
{
	const uint8_t *frame;
	size_t length;
	int found;

	while ((found = net_framer_next(&stream->in, &frame, &length)) == 1) {
		if (!send_frame(stream, frame, length)) {
			stream->peer_waits = true;
			return;
		}
		net_framer_take(&stream->in);
	}
	if (found < 0) {
		log_guest("netdev '%s': its peer sends frames of %zu bytes: disconnected",
			  stream->backend.id, length);
		give_up_peer(stream);
	}
}

/** False if the peer has gone. */
static bool receive(struct stream *stream)
{
	size_t room;
	uint8_t *bytes = net_framer_room(&stream->in, &room);
	ssize_t count = recv(stream->fd, bytes, room, MSG_DONTWAIT);

	if (count < 0)
		return errno == EAGAIN || errno == EINTR;
	net_framer_add(&stream->in, (size_t)count);
	deliver(stream);
	return count > 0;
}

static void stream_resume(void *opaque)
{
	struct stream *stream = opaque;

	if (!stream->peer_waits)
		return;
	stream->peer_waits = false;
	deliver(stream);
	watch_what_matters(stream);
}

/* From the card to the peer */

/** False if the peer has gone. */
static bool send_rest(struct stream *stream)
{
	ssize_t sent = send(stream->fd, stream->out + stream->out_start,
			    stream->out_end - stream->out_start, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (sent < 0)
		return errno == EAGAIN || errno == EINTR;
	stream->out_start += (size_t)sent;
	if (stream->out_start < stream->out_end || !stream->card_waits)
		return true;
	stream->card_waits = false;
	net_ready(&stream->backend.port);
	return true;
}

/** A frame in too many pieces is put together first. */
static void send_gathered(struct stream *stream, const struct iovec *iov, unsigned count,
			  size_t length)
{
	store_be32(stream->out, (uint32_t)length);
	net_iov_copy(iov, count, 0, stream->out + FRAMER_HEADER_BYTES, length);
	stream->out_start = 0;
	stream->out_end = FRAMER_HEADER_BYTES + length;
	send_rest(stream);
	watch_what_matters(stream);
}

/** As it lies; what the socket does not take is kept. */
static void send_pieces(struct stream *stream, const struct iovec *iov, unsigned count,
			size_t length)
{
	uint8_t header[FRAMER_HEADER_BYTES];
	struct iovec pieces[MAX_PIECES + 1] = { { header, sizeof(header) } };
	const struct msghdr message = { .msg_iov = pieces, .msg_iovlen = count + 1 };
	ssize_t sent;

	store_be32(header, (uint32_t)length);
	memcpy(pieces + 1, iov, count * sizeof(*iov));
	sent = sendmsg(stream->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent < 0 && errno != EAGAIN && errno != EINTR)
		return; /* the loop learns that the peer has gone */
	sent = sent < 0 ? 0 : sent;
	if ((size_t)sent == length + sizeof(header))
		return;
	stream->out_start = 0;
	stream->out_end =
		net_iov_copy(pieces, count + 1, (size_t)sent, stream->out, sizeof(stream->out));
	watch_what_matters(stream);
}

static bool stream_receive(void *opaque, const struct iovec *iov, unsigned count)
{
	struct stream *stream = opaque;
	size_t length = net_iov_bytes(iov, count);

	if (stream->fd < 0 || length > NET_FRAME_MAX_BYTES)
		return true;
	if (stream->out_start < stream->out_end) {
		stream->card_waits = true;
		return false;
	}
	if (count > MAX_PIECES)
		send_gathered(stream, iov, count, length);
	else
		send_pieces(stream, iov, count, length);
	return true;
}

/* The loop */

static bool finish_connecting(struct stream *stream)
{
	int error = 0;
	socklen_t length = sizeof(error);

	getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &error, &length);
	if (error)
		return false;
	stream->is_connecting = false;
	greet_peer(stream);
	return true;
}

static void stream_is_ready(void *opaque, unsigned events)
{
	struct stream *stream = opaque;
	bool alive = true;

	if (stream->is_connecting)
		alive = finish_connecting(stream);
	if (alive && (events & LOOP_WRITABLE) && stream->out_start < stream->out_end)
		alive = send_rest(stream);
	if (alive && (events & (LOOP_READABLE | LOOP_HANGUP)) && !stream->peer_waits)
		alive = receive(stream);
	if (!alive)
		drop_peer(stream);
	else
		watch_what_matters(stream);
}

/** Makes 'fd' the connection; it is closed on failure. */
static int take_peer(struct stream *stream, int fd)
{
	stream->watch = loop_watch_fd(stream->backend.host->loop, fd, 0, stream_is_ready, stream);
	if (!stream->watch) {
		close(fd);
		return -ENOMEM;
	}
	stream->fd = fd;
	if (stream->listen_watch)
		loop_watch_set_events(stream->listen_watch, 0);
	if (!stream->is_connecting)
		greet_peer(stream);
	watch_what_matters(stream);
	return 0;
}

static void somebody_connects(void *opaque, unsigned events)
{
	struct stream *stream = opaque;
	int fd = accept4(stream->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd >= 0 && take_peer(stream, fd) < 0)
		log_guest("netdev '%s': cannot take a connection", stream->backend.id);
}

/** Once more; whether it succeeds shows later, at the latest when the next try is due. */
static void try_again(void *opaque)
{
	struct stream *stream = opaque;
	const struct net_address *address = &stream->plan.address;
	int fd = net_socket_open(address, SOCK_STREAM, NULL);

	if (fd < 0) {
		try_later(stream);
		return;
	}
	stream->is_connecting = connect(fd, &address->any, address->length) < 0;
	if (stream->is_connecting && errno != EINPROGRESS) {
		stream->is_connecting = false;
		close(fd);
		try_later(stream);
	} else if (take_peer(stream, fd) < 0) {
		stream->is_connecting = false;
		try_later(stream);
	}
}

/* Opening */

static int start_listening(struct stream *stream, struct err *err)
{
	const struct net_address *address = &stream->plan.address;
	int fd = stream->listen_fd, result = 0;

	if (fd < 0) {
		fd = stream->listen_fd = net_socket_open(address, SOCK_STREAM, err);
		result = fd < 0 ? fd : net_socket_bind(fd, address, SOCK_STREAM, err);
		if (result == 0 && listen(fd, BACKLOG) < 0)
			result = err_set_errno(err, -errno, "cannot listen");
	}
	if (result < 0)
		return result;
	stream->listen_watch = loop_watch_fd(stream->backend.host->loop, fd, LOOP_READABLE,
					     somebody_connects, stream);
	return stream->listen_watch ? 0 : err_set_errno(err, -ENOMEM, "cannot listen");
}

static int start_connecting(struct stream *stream, int fd, struct err *err)
{
	const struct net_address *address = &stream->plan.address;
	int result = 0;

	if (stream->plan.reconnect_ms) {
		stream->retry = loop_timer_create(stream->backend.host->loop, try_again, stream);
		if (!stream->retry)
			return err_set_errno(err, -ENOMEM, "cannot set up a timer");
		try_again(stream);
		return 0;
	}
	if (fd < 0) {
		fd = net_socket_open(address, SOCK_STREAM, err);
		result = fd < 0 ? fd : net_socket_connect(fd, address, err);
		if (result < 0 && fd >= 0)
			close(fd);
	}
	if (result == 0 && take_peer(stream, fd) < 0)
		result = err_set_errno(err, -ENOMEM, "cannot watch the connection");
	return result;
}

void net_stream_destroy(struct net_backend *backend)
{
	struct stream *stream = container_of(backend, struct stream, backend);

	loop_unwatch(stream->watch);
	loop_unwatch(stream->listen_watch);
	loop_timer_destroy(stream->retry);
	if (stream->fd >= 0)
		close(stream->fd);
	if (stream->listen_fd >= 0) {
		close(stream->listen_fd);
		if (stream->plan.fd < 0 && stream->plan.address.any.sa_family == AF_UNIX)
			unlink(stream->plan.address.local.sun_path);
	}
	free(stream);
}

struct net_backend *net_stream_make(struct net_host *host, const struct net_stream_plan *plan,
				    struct err *err)
{
	struct stream *stream = calloc(1, sizeof(*stream));
	char address[ADDRESS_BYTES];
	int result;

	if (!stream) {
		if (plan->fd >= 0)
			close(plan->fd);
		err_set_errno(err, -ENOMEM, "cannot make a network");
		return NULL;
	}
	stream->plan = *plan;
	stream->backend.class = &net_stream_class;
	stream->backend.host = host;
	stream->fd = -1;
	stream->listen_fd = plan->server ? plan->fd : -1;
	net_address_describe(&plan->address, address, sizeof(address));
	net_backend_set_info(&stream->backend, "%s, not connected", address);
	result = plan->server ? start_listening(stream, err)
			      : start_connecting(stream, plan->fd, err);
	if (result == 0)
		return &stream->backend;
	net_stream_destroy(&stream->backend);
	return NULL;
}

const struct net_port_ops net_stream_ops = { .receive = stream_receive, .resume = stream_resume };
