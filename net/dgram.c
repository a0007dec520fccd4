// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A network over datagrams, one frame in each: to one peer, or to a group of peers by multicast.
 * Whether anybody is there is not known; the wire is never out.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "net/kinds.h"
#include "net/stream.h"

enum {
	ADDRESS_BYTES = 128,
};

struct dgram {
	struct net_backend backend;
	struct net_address local, remote; /* remote: length 0 if the socket is connected */
	int fd;
	struct loop_watch *watch;
	bool card_waits;
	size_t length; /* of a frame that the card refused; 0: none */
	uint8_t frame[NET_FRAME_MAX_BYTES];
};

static void watch_what_matters(struct dgram *dgram)
{
	loop_watch_set_events(dgram->watch, (dgram->length ? 0u : LOOP_READABLE) |
						    (dgram->card_waits ? LOOP_WRITABLE : 0u));
}

static bool send_frame(struct dgram *dgram)
{
	const struct iovec iov = { dgram->frame, dgram->length };

	if (!net_send(&dgram->backend.port, &iov, 1))
		return false;
	dgram->length = 0;
	return true;
}

static void receive_frames(struct dgram *dgram)
{
	for (unsigned i = 0; i < NET_BATCH_FRAMES && !dgram->length; i++) {
		/* The length is that of the datagram, also if there is no room for all of it. */
		ssize_t count = recv(dgram->fd, dgram->frame, sizeof(dgram->frame),
				     MSG_DONTWAIT | MSG_TRUNC);

		/* An error is that of a datagram sent before, to a peer that was not there. */
		if (count < 0 && errno == EAGAIN)
			return;
		if (count < NET_HEADER_BYTES || (size_t)count > sizeof(dgram->frame))
			continue;
		dgram->length = net_pad_frame(dgram->frame, (size_t)count);
		send_frame(dgram);
	}
}

static void dgram_is_ready(void *opaque, unsigned events)
{
	struct dgram *dgram = opaque;

	if (dgram->card_waits && (events & LOOP_WRITABLE)) {
		dgram->card_waits = false;
		net_ready(&dgram->backend.port);
	}
	if (events & (LOOP_READABLE | LOOP_HANGUP))
		receive_frames(dgram);
	watch_what_matters(dgram);
}

static void dgram_resume(void *opaque)
{
	struct dgram *dgram = opaque;

	if (dgram->length && send_frame(dgram))
		watch_what_matters(dgram);
}

static bool dgram_receive(void *opaque, const struct iovec *iov, unsigned count)
{
	struct dgram *dgram = opaque;
	const struct msghdr message = {
		.msg_name = dgram->remote.length ? &dgram->remote.storage : NULL,
		.msg_namelen = dgram->remote.length,
		.msg_iov = (struct iovec *)(uintptr_t)iov,
		.msg_iovlen = count,
	};

	if (sendmsg(dgram->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 || errno != EAGAIN)
		return true;
	/* A socket that is not connected to its local peer cannot tell when there is room. */
	if (dgram->remote.any.sa_family == AF_UNIX && dgram->remote.length)
		return true;
	dgram->card_waits = true;
	watch_what_matters(dgram);
	return false;
}

/* Opening */

static int join_group(int fd, const struct net_address *local, const struct net_address *group,
		      struct err *err)
{
	const struct sockaddr_in *group_inet = (const struct sockaddr_in *)&group->any;
	const struct sockaddr_in *local_inet = (const struct sockaddr_in *)&local->any;
	struct ip_mreq request = { .imr_multiaddr = group_inet->sin_addr };
	int one = 1;

	if (local->length)
		request.imr_interface = local_inet->sin_addr;
	if (net_socket_bind(fd, group, SOCK_DGRAM, err) < 0)
		return -EINVAL;
	/* Other guests of this host are in the group, too. */
	if (setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof(request)) < 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &one, sizeof(one)) < 0 ||
	    (local->length && setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &local_inet->sin_addr,
					 sizeof(local_inet->sin_addr)) < 0))
		return err_set_errno(err, -errno, "cannot join the multicast group");
	return 0;
}

/** Connected, the kernel drops what others send, and tells of room. */
static void connect_to_peer(struct dgram *dgram)
{
	char address[ADDRESS_BYTES];

	if (connect(dgram->fd, &dgram->remote.any, dgram->remote.length) == 0) {
		dgram->remote.length = 0;
		return;
	}
	net_address_describe(&dgram->remote, address, sizeof(address));
	log_warning("nobody receives datagrams at %s yet (behind the sandbox a path is not found "
		    "later)",
		    address);
}

static int open_socket(struct dgram *dgram, struct err *err)
{
	bool in_group = net_address_is_multicast(&dgram->remote);
	int result;

	dgram->fd = net_socket_open(dgram->remote.length ? &dgram->remote : &dgram->local,
				    SOCK_DGRAM, err);
	if (dgram->fd < 0)
		return dgram->fd;
	if (in_group)
		return join_group(dgram->fd, &dgram->local, &dgram->remote, err);
	result = dgram->local.length ? net_socket_bind(dgram->fd, &dgram->local, SOCK_DGRAM, err)
				     : 0;
	if (result == 0 && dgram->remote.length)
		connect_to_peer(dgram);
	return result;
}

void net_dgram_destroy(struct net_backend *backend)
{
	struct dgram *dgram = container_of(backend, struct dgram, backend);

	loop_unwatch(dgram->watch);
	if (dgram->fd >= 0)
		close(dgram->fd);
	if (dgram->local.length && dgram->local.any.sa_family == AF_UNIX)
		unlink(dgram->local.local.sun_path);
	free(dgram);
}

static void describe(struct dgram *dgram, const struct net_address *remote)
{
	char from[ADDRESS_BYTES], to[ADDRESS_BYTES];

	if (!dgram->local.length && !remote->length) {
		net_backend_set_info(&dgram->backend, "fd=%d", dgram->fd);
		return;
	}
	net_address_describe(&dgram->local, from, sizeof(from));
	net_address_describe(remote, to, sizeof(to));
	if (dgram->local.length)
		net_backend_set_info(&dgram->backend, "%.64s to %.64s", from, to);
	else
		net_backend_set_info(&dgram->backend, "to %s", to);
}

struct net_backend *net_dgram_make(struct net_host *host, const struct net_address *local,
				   const struct net_address *remote, int fd, struct err *err)
{
	struct dgram *dgram = calloc(1, sizeof(*dgram));
	int result = 0;

	if (!dgram) {
		if (fd >= 0)
			close(fd);
		err_set_errno(err, -ENOMEM, "cannot make a network");
		return NULL;
	}
	dgram->backend.class = &net_dgram_class;
	dgram->backend.has_carrier = true;
	dgram->fd = fd;
	dgram->local = *local;
	dgram->remote = *remote;
	if (fd < 0)
		result = open_socket(dgram, err);
	if (result == 0) {
		dgram->watch = loop_watch_fd(host->loop, dgram->fd, 0, dgram_is_ready, dgram);
		if (!dgram->watch)
			result = err_set_errno(err, -ENOMEM, "cannot watch the socket");
	}
	describe(dgram, remote);
	if (result == 0) {
		watch_what_matters(dgram);
		return &dgram->backend;
	}
	net_dgram_destroy(&dgram->backend);
	return NULL;
}

const struct net_port_ops net_dgram_ops = { .receive = dgram_receive, .resume = dgram_resume };
