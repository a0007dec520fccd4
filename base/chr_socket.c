// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Host ends on sockets, UNIX and TCP, that listen or connect. A listening end serves one peer at a
 * time, the others wait in the backlog; or it hands each connection over as an end of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/chr_internal.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/opts.h"

enum {
	BACKLOG = 16,
	MAX_FDS = 8, /* passed and not taken; more are closed */
	CHUNK_BYTES = 4096,
};

struct chr_socket {
	struct chr chr;
	struct loop *loop;
	int listen_fd, fd; /* -1: none */
	struct loop_watch *listen_watch, *watch;
	bool want_room, nodelay;
	int fds[MAX_FDS];
	unsigned fd_count;
	char *unlink_path; /* of the listening socket */
	char address[256]; /* "unix:/run/x,server=on" */
	void (*accepted)(void *opaque, struct chr *peer);
	void *accepted_opaque;
};

static void socket_set_filename(struct chr_socket *end)
{
	char filename[320];
	char *copy;

	snprintf(filename, sizeof(filename), "%s%s", end->fd < 0 ? "disconnected:" : "",
		 end->address);
	copy = strdup(filename);
	if (!copy)
		return;
	free(end->chr.filename);
	end->chr.filename = copy;
}

static void socket_update_watch(struct chr_socket *end)
{
	unsigned events = end->want_room ? LOOP_WRITABLE : 0u;

	if (!end->watch)
		return;
	if (chr_can_receive(&end->chr) > 0)
		events |= LOOP_READABLE;
	loop_watch_set_events(end->watch, events);
}

static void socket_drop_peer(struct chr_socket *end)
{
	if (end->fd < 0)
		return;
	loop_unwatch(end->watch);
	end->watch = NULL;
	close(end->fd);
	end->fd = -1;
	end->want_room = false;
	while (end->fd_count)
		close(end->fds[--end->fd_count]);
	socket_set_filename(end);
	chr_set_open(&end->chr, false);
	if (end->listen_watch)
		loop_watch_set_events(end->listen_watch, LOOP_READABLE);
}

static void keep_fds(struct chr_socket *end, struct msghdr *message)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (end->fd_count < MAX_FDS)
				end->fds[end->fd_count++] = fd;
			else
				close(fd);
		}
	}
}

static ssize_t socket_receive(struct chr_socket *end, void *bytes, size_t count)
{
	char control[CMSG_SPACE(MAX_FDS * sizeof(int))];
	struct iovec iov = { bytes, count };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	ssize_t received = recvmsg(end->fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

	if (received >= 0)
		keep_fds(end, &message);
	return received;
}

static void socket_is_ready(void *opaque, unsigned events)
{
	struct chr_socket *end = opaque;
	uint8_t bytes[CHUNK_BYTES];
	size_t room = chr_can_receive(&end->chr);
	ssize_t count;

	if ((events & LOOP_WRITABLE) && end->want_room) {
		end->want_room = false;
		if (end->chr.client.writable)
			end->chr.client.writable(end->chr.client.opaque);
		if (end->fd < 0)
			return;
	}
	if (room && (events & (LOOP_READABLE | LOOP_HANGUP))) {
		count = socket_receive(end, bytes, min_size(room, sizeof(bytes)));
		if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) {
			socket_drop_peer(end);
			return;
		}
		if (count > 0)
			chr_deliver(&end->chr, bytes, (size_t)count);
	} else if (events & LOOP_HANGUP) {
		socket_drop_peer(end);
		return;
	}
	socket_update_watch(end);
}

static size_t socket_write(struct chr *chr, const void *bytes, size_t count)
{
	struct chr_socket *end = container_of(chr, struct chr_socket, chr);
	ssize_t sent;

	if (end->fd < 0)
		return count;
	sent = send(end->fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (sent < 0 && errno != EAGAIN && errno != EINTR)
		return count; /* the hang-up is noticed by the loop */
	sent = sent < 0 ? 0 : sent;
	if ((size_t)sent < count) {
		end->want_room = true;
		socket_update_watch(end);
	}
	return (size_t)sent;
}

static void socket_accept_input(struct chr *chr)
{
	socket_update_watch(container_of(chr, struct chr_socket, chr));
}

static int socket_take_fd(struct chr *chr)
{
	struct chr_socket *end = container_of(chr, struct chr_socket, chr);
	int fd;

	if (!end->fd_count)
		return -1;
	fd = end->fds[0];
	end->fd_count--;
	memmove(end->fds, end->fds + 1, end->fd_count * sizeof(int));
	return fd;
}

static void socket_destroy(struct chr *chr)
{
	struct chr_socket *end = container_of(chr, struct chr_socket, chr);

	chr->client = (struct chr_client){ 0 };
	socket_drop_peer(end);
	loop_unwatch(end->listen_watch);
	if (end->listen_fd >= 0)
		close(end->listen_fd);
	if (end->unlink_path)
		unlink(end->unlink_path);
	free(end->unlink_path);
	chr_finish(chr);
	free(end);
}

static const struct chr_ops socket_ops = {
	.write = socket_write,
	.accept = socket_accept_input,
	.take_fd = socket_take_fd,
	.destroy = socket_destroy,
};

static struct chr_socket *socket_create(struct loop *loop, const char *label, const char *address)
{
	struct chr_socket *end = calloc(1, sizeof(*end));

	if (!end || chr_init(&end->chr, &socket_ops, label, address) < 0) {
		free(end);
		return NULL;
	}
	end->loop = loop;
	end->fd = end->listen_fd = -1;
	snprintf(end->address, sizeof(end->address), "%s", address);
	return end;
}

/** Makes 'fd' the end's peer. The descriptor is closed on failure. */
static int socket_set_peer(struct chr_socket *end, int fd)
{
	int one = 1;

	if (end->nodelay)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	end->watch = loop_watch_fd(end->loop, fd, 0, socket_is_ready, end);
	if (!end->watch) {
		close(fd);
		return -ENOMEM;
	}
	end->fd = fd;
	socket_set_filename(end);
	if (end->listen_watch)
		loop_watch_set_events(end->listen_watch, 0);
	chr_set_open(&end->chr, true);
	socket_update_watch(end);
	return 0;
}

static void hand_over(struct chr_socket *end, int fd)
{
	struct chr_socket *peer = socket_create(end->loop, end->chr.label, end->address);

	if (!peer) {
		close(fd);
		return;
	}
	if (socket_set_peer(peer, fd) < 0) {
		socket_destroy(&peer->chr);
		return;
	}
	end->accepted(end->accepted_opaque, &peer->chr);
}

static void somebody_connects(void *opaque, unsigned events)
{
	struct chr_socket *end = opaque;
	int fd = accept4(end->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd < 0)
		return;
	if (end->accepted)
		hand_over(end, fd);
	else if (socket_set_peer(end, fd) < 0)
		log_guest("chardev '%s': cannot take a connection", end->chr.label);
}

bool chr_set_acceptor(struct chr *chr, void (*accepted)(void *opaque, struct chr *peer),
		      void *opaque)
{
	struct chr_socket *end = container_of(chr, struct chr_socket, chr);

	if (chr->ops != &socket_ops || end->listen_fd < 0)
		return false;
	end->accepted = accepted;
	end->accepted_opaque = opaque;
	return true;
}

/* Opening */

/** Whether a socket was left behind by a process that has gone: nobody listens on it any more. */
static bool is_stale(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool stale = fd >= 0 &&
		     connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 &&
		     errno == ECONNREFUSED;

	if (fd >= 0)
		close(fd);
	return stale;
}

static int open_unix(const char *path, bool server, struct err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), result = 0;
	struct stat stat_buf;

	if (fd < 0)
		return err_set_errno(err, -errno, "cannot open a socket");
	if (strlen(path) >= sizeof(address.sun_path)) {
		close(fd);
		return err_set(err, -EINVAL, "socket path '%s' is too long", path);
	}
	strcpy(address.sun_path, path);
	if (server) {
		/* Anything but what an earlier process left behind is not ours to remove. */
		if (lstat(path, &stat_buf) == 0 && S_ISSOCK(stat_buf.st_mode) && is_stale(&address))
			unlink(path);
		if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		    chmod(path, 0600) < 0 || listen(fd, BACKLOG) < 0)
			result = err_set_errno(err, -errno, "cannot listen on '%s'", path);
	} else if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		result = err_set_errno(err, -errno, "cannot connect to '%s'", path);
	}
	if (result < 0)
		close(fd);
	return result < 0 ? result : fd;
}

static int try_address(const struct addrinfo *info, bool server)
{
	int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1, error;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (server ? bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0
		   : connect(fd, info->ai_addr, info->ai_addrlen) == 0)
		return fd;
	error = errno;
	close(fd);
	return -error;
}

static int open_tcp(const char *host, const char *port, bool server, struct err *err)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
					.ai_flags = server ? AI_PASSIVE : 0 };
	struct addrinfo *list = NULL;
	uint64_t number;
	int result;

	/* The library takes the lower 16 bits of a number. */
	if (opts_parse_number(port, &number) == 0 && number > UINT16_MAX)
		return err_set(err, -EINVAL, "address '%s:%s': there is no such port", host, port);
	result = getaddrinfo(*host ? host : NULL, port, &hints, &list);
	if (result != 0)
		return err_set(err, -EINVAL, "address '%s:%s': %s", host, port,
			       gai_strerror(result));
	result = -ECONNREFUSED;
	for (struct addrinfo *info = list; info && result < 0; info = info->ai_next)
		result = try_address(info, server);
	freeaddrinfo(list);
	if (result < 0)
		return err_set_errno(err, result, "cannot %s '%s:%s'",
				     server ? "listen on" : "connect to", host, port);
	return result;
}

struct socket_words {
	const char *path, *host, *port;
	uint64_t fd;
	bool server, wait, nodelay;
};

static int read_words(struct opts *opts, struct socket_words *words, struct err *err)
{
	bool telnet = false;
	int result;

	words->path = opts_get(opts, "path");
	words->host = opts_get(opts, "host");
	words->port = opts_get(opts, "port");
	words->fd = UINT64_MAX;
	words->wait = true;
	result = opts_get_number(opts, "fd", &words->fd, 0, 65535, err);
	if (result == 0)
		result = opts_get_bool(opts, "server", &words->server, err);
	if (result == 0)
		result = opts_get_bool(opts, "wait", &words->wait, err);
	if (result == 0)
		result = opts_get_bool(opts, "telnet", &telnet, err);
	if (result == 0)
		result = opts_get_bool(opts, "delay", &words->nodelay, err);
	if (result == 0)
		result = opts_get_bool(opts, "nodelay", &words->nodelay, err);
	opts_get(opts, "ipv4");
	opts_get(opts, "ipv6");
	opts_get(opts, "to");
	if (result == 0 && telnet)
		result = err_set(err, -ENOTSUP, "telnet is not spoken here: use a plain socket");
	if (result == 0 && !words->path && !(words->host && words->port) && words->fd == UINT64_MAX)
		result = err_set(err, -EINVAL, "a socket needs path=, host= and port=, or fd=");
	return result;
}

static int open_by_words(const struct socket_words *words, struct err *err)
{
	if (words->fd != UINT64_MAX)
		return (int)words->fd;
	if (words->path)
		return open_unix(words->path, words->server, err);
	return open_tcp(words->host, words->port, words->server, err);
}

static void describe(const struct socket_words *words, char *address, size_t bytes)
{
	const char *role = words->server ? ",server=on" : "";

	if (words->path)
		snprintf(address, bytes, "unix:%s%s", words->path, role);
	else if (words->fd != UINT64_MAX)
		snprintf(address, bytes, "fd:%u%s", (unsigned)words->fd, role);
	else
		snprintf(address, bytes, "tcp:%s:%s%s", words->host, words->port, role);
}

/** Readable while a signal that the program holds back for its loop is pending. */
static int open_pending_signals(void)
{
	sigset_t set;

	pthread_sigmask(SIG_BLOCK, NULL, &set);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/**
 * A server with wait=on: nothing starts before somebody has connected, or a signal that is to end
 * it all waits for the loop.
 */
static void wait_for_peer(struct chr_socket *end)
{
	struct pollfd fds[] = {
		{ .fd = end->listen_fd, .events = POLLIN },
		{ .fd = open_pending_signals(), .events = POLLIN },
	};

	log_info("chardev '%s' waits for a connection on %s", end->chr.label, end->address);
	while (end->fd < 0 && poll(fds, ARRAY_SIZE(fds), -1) >= 0 && !fds[1].revents)
		somebody_connects(end, LOOP_READABLE);
	if (fds[1].fd >= 0)
		close(fds[1].fd);
}

static int socket_start(struct chr_socket *end, int fd, const struct socket_words *words)
{
	end->nodelay = words->nodelay && !words->path;
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	if (!words->server)
		return socket_set_peer(end, fd);
	end->listen_fd = fd;
	if (words->path)
		end->unlink_path = strdup(words->path);
	end->listen_watch = loop_watch_fd(end->loop, fd, LOOP_READABLE, somebody_connects, end);
	if (!end->listen_watch)
		return -ENOMEM;
	socket_set_filename(end);
	if (words->wait)
		wait_for_peer(end);
	return 0;
}

struct chr *chr_open_socket(struct loop *loop, struct opts *opts, const char *label,
			    struct err *err)
{
	struct socket_words words = { 0 };
	struct chr_socket *end = NULL;
	char address[256];
	int fd;

	if (read_words(opts, &words, err) < 0 || (fd = open_by_words(&words, err)) < 0) {
		err_prefix(err, "chardev '%s'", label);
		return NULL;
	}
	describe(&words, address, sizeof(address));
	end = socket_create(loop, label, address);
	if (!end) {
		close(fd);
		err_set_errno(err, -ENOMEM, "chardev '%s'", label);
		return NULL;
	}
	if (socket_start(end, fd, &words) < 0) {
		socket_destroy(&end->chr);
		err_set_errno(err, -ENOMEM, "chardev '%s'", label);
		return NULL;
	}
	return &end->chr;
}
