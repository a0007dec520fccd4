// SPDX-License-Identifier: GPL-2.0-or-later
/* The sockets on which the server waits for viewers. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "base/loop.h"
#include "vnc/server.h"

enum {
	FIRST_PORT = 5900,
	DISPLAY_MAX = 65535 - FIRST_PORT,
	BACKLOG = 16,
};

union any_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un local;
	struct sockaddr_storage storage;
};

static void describe(const union any_address *from, struct vnc_address *address)
{
	*address = (struct vnc_address){ .family = "unix" };
	if (from->any.sa_family == AF_INET) {
		address->family = "ipv4";
		inet_ntop(AF_INET, &from->v4.sin_addr, address->host, sizeof(address->host));
		snprintf(address->service, sizeof(address->service), "%u",
			 ntohs(from->v4.sin_port));
	} else if (from->any.sa_family == AF_INET6) {
		address->family = "ipv6";
		inet_ntop(AF_INET6, &from->v6.sin6_addr, address->host, sizeof(address->host));
		snprintf(address->service, sizeof(address->service), "%u",
			 ntohs(from->v6.sin6_port));
	} else {
		snprintf(address->service, sizeof(address->service), "%.107s",
			 from->local.sun_path);
	}
}

void vnc_peer_address(int fd, struct vnc_address *address)
{
	union any_address peer = { 0 };
	socklen_t length = sizeof(peer);

	if (getpeername(fd, &peer.any, &length) < 0)
		peer.any.sa_family = AF_UNIX;
	describe(&peer, address);
}

static int add_listening(struct vnc_server *server, int fd)
{
	union any_address own = { 0 };
	socklen_t length = sizeof(own);

	if (server->listening_count == 0 && getsockname(fd, &own.any, &length) == 0)
		describe(&own, &server->address);
	server->listening[server->listening_count++].fd = fd;
	return 0;
}

void vnc_stop_listening(struct vnc_server *server)
{
	for (unsigned i = 0; i < server->listening_count; i++) {
		loop_unwatch(server->listening[i].watch);
		close(server->listening[i].fd);
	}
	server->listening_count = 0;
	if (server->unix_path)
		unlink(server->unix_path);
	free(server->unix_path);
	server->unix_path = NULL;
}

/* A socket that nobody listens on any more was left by one that died. */
static bool is_stale(const union any_address *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool stale;

	stale = fd >= 0 && connect(fd, &address->any, sizeof(address->local)) < 0 &&
		errno == ECONNREFUSED;
	if (fd >= 0)
		close(fd);
	return stale;
}

static int listen_unix(struct vnc_server *server, const char *path, struct err *err)
{
	union any_address address = { .local = { .sun_family = AF_UNIX } };
	int fd, result;

	if (!*path || strlen(path) >= sizeof(address.local.sun_path))
		return err_set(err, -EINVAL, "VNC: '%s' is empty or too long for a UNIX socket",
			       path);
	strcpy(address.local.sun_path, path);
	if (is_stale(&address))
		unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set_errno(err, -errno, "VNC: no socket");
	if (bind(fd, &address.any, sizeof(address.local)) < 0 || listen(fd, BACKLOG) < 0) {
		result = err_set_errno(err, -errno, "VNC: cannot listen on '%s'", path);
		close(fd);
		return result;
	}
	server->unix_path = strdup(path);
	return add_listening(server, fd);
}

static int listen_at(const struct addrinfo *where, unsigned port, bool dual)
{
	union any_address address = { 0 };
	int on = 1, off = !dual, result;
	int fd = socket(where->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	memcpy(&address, where->ai_addr, where->ai_addrlen);
	if (where->ai_family == AF_INET6) {
		address.v6.sin6_port = htons((uint16_t)port);
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	} else {
		address.v4.sin_port = htons((uint16_t)port);
	}
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, &address.any, where->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	result = -errno;
	close(fd);
	return result;
}

/* Every address of the list on one port; what the host has not (IPv6, say) is passed over if
 * another one works. */
static int listen_on_port(struct vnc_server *server, const struct addrinfo *list, unsigned port,
			  bool any)
{
	int result = -EADDRNOTAVAIL;

	for (const struct addrinfo *at = list; at; at = at->ai_next) {
		int fd;

		if (server->listening_count == VNC_LISTENERS_MAX)
			break;
		fd = listen_at(at, port, any && at->ai_family == AF_INET6);
		if (fd >= 0) {
			add_listening(server, fd);
		} else if (fd == -EADDRINUSE && !(any && server->listening_count > 0)) {
			vnc_stop_listening(server);
			return fd;
		} else {
			result = fd;
		}
	}
	return server->listening_count > 0 ? 0 : result;
}

/* "HOST:DISPLAY" into its parts; HOST may be an IPv6 address with or without brackets. */
static int parse_address(const char *text, char *host, size_t host_size, unsigned *display)
{
	const char *colon = strrchr(text, ':');
	size_t length = colon ? (size_t)(colon - text) : 0;
	unsigned long number;
	char *end;

	if (!colon || colon[1] < '0' || colon[1] > '9')
		return -EINVAL;
	number = strtoul(colon + 1, &end, 10);
	if (*end || number > DISPLAY_MAX)
		return -EINVAL;
	if (length >= 2 && text[0] == '[' && text[length - 1] == ']') {
		text++;
		length -= 2;
	}
	if (length >= host_size)
		return -EINVAL;
	memcpy(host, text, length);
	host[length] = '\0';
	*display = (unsigned)number;
	return 0;
}

static int listen_tcp(struct vnc_server *server, const struct vnc_options *options, struct err *err)
{
	struct addrinfo hints = { .ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM };
	struct addrinfo *list;
	unsigned display, last;
	char host[256];
	int result;

	if (parse_address(options->address, host, sizeof(host), &display) < 0)
		return err_set(err, -EINVAL,
			       "VNC address '%s' is not HOST:DISPLAY (\"127.0.0.1:0\" is port %d), "
			       "unix:PATH or none",
			       options->address, FIRST_PORT);
	result = getaddrinfo(*host ? host : NULL, "0", &hints, &list);
	if (result != 0)
		return err_set(err, -EADDRNOTAVAIL, "VNC: '%s' is not an address of this host: %s",
			       host, gai_strerror(result));
	last = options->port_tries > (int)display ? (unsigned)options->port_tries : display;
	if (last > DISPLAY_MAX)
		last = DISPLAY_MAX;
	result = -EADDRINUSE;
	for (unsigned at = display; at <= last && result == -EADDRINUSE; at++)
		result = listen_on_port(server, list, FIRST_PORT + at, !*host);
	freeaddrinfo(list);
	if (result == -EADDRINUSE && last == display)
		return err_set(
			err, result,
			"VNC: port %u is in use (choose another display, or let to=99 search one)",
			FIRST_PORT + display);
	if (result < 0)
		return err_set_errno(err, result, "VNC: cannot listen on '%s'", options->address);
	return 0;
}

int vnc_listen(struct vnc_server *server, const struct vnc_options *options, struct err *err)
{
	if (options->listen_fd >= 0) {
		fcntl(options->listen_fd, F_SETFL, fcntl(options->listen_fd, F_GETFL) | O_NONBLOCK);
		return add_listening(server, options->listen_fd);
	}
	if (strncmp(options->address, "unix:", 5) == 0)
		return listen_unix(server, options->address + 5, err);
	return listen_tcp(server, options, err);
}
