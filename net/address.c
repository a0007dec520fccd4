// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/address.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"

enum {
	CONNECT_TIMEOUT_MS = 3000,
};

int net_address_inet(struct net_address *address, const char *host, const char *port, int type,
		     bool listens, struct err *err)
{
	const struct addrinfo hints = { .ai_socktype = type, .ai_flags = listens ? AI_PASSIVE : 0 };
	struct addrinfo *list = NULL;
	char *end;
	unsigned long number = strtoul(port, &end, 10);
	int result;

	/* The library takes the lower 16 bits of a number. */
	if (*port && !*end && number > UINT16_MAX)
		return err_set(err, -EINVAL, "there is no port %s", port);
	result = getaddrinfo(host && *host ? host : NULL, port, &hints, &list);
	if (result != 0)
		return err_set(err, -EINVAL, "address '%s:%s': %s", host ? host : "", port,
			       gai_strerror(result));
	*address = (struct net_address){ .length = list->ai_addrlen };
	memcpy(&address->storage, list->ai_addr, list->ai_addrlen);
	freeaddrinfo(list);
	return 0;
}

int net_address_parse(struct net_address *address, const char *text, int type, bool listens,
		      struct err *err)
{
	const char *colon = strrchr(text, ':');
	size_t length = colon ? (size_t)(colon - text) : 0;
	char host[256];

	if (!colon || length >= sizeof(host))
		return err_set(err, -EINVAL, "'%s': write HOST:PORT", text);
	if (length >= 2 && text[0] == '[' && text[length - 1] == ']') {
		text++;
		length -= 2;
	}
	memcpy(host, text, length);
	host[length] = '\0';
	return net_address_inet(address, host, colon + 1, type, listens, err);
}

int net_address_unix(struct net_address *address, const char *path, struct err *err)
{
	if (strlen(path) >= sizeof(address->local.sun_path))
		return err_set(err, -EINVAL, "socket path '%s' is too long", path);
	*address = (struct net_address){ .length = sizeof(address->local) };
	address->local.sun_family = AF_UNIX;
	strcpy(address->local.sun_path, path);
	return 0;
}

bool net_address_is_multicast(const struct net_address *address)
{
	const struct sockaddr_in *inet = (const struct sockaddr_in *)&address->any;

	return address->length && address->any.sa_family == AF_INET &&
	       IN_MULTICAST(ntohl(inet->sin_addr.s_addr));
}

void net_address_describe(const struct net_address *address, char *text, size_t bytes)
{
	char host[NI_MAXHOST] = "?", port[NI_MAXSERV] = "?";

	if (!address->length || address->any.sa_family == AF_UNSPEC) {
		snprintf(text, bytes, "nobody");
		return;
	}
	if (address->any.sa_family == AF_UNIX) {
		bool has_name = address->length > offsetof(struct sockaddr_un, sun_path);

		snprintf(text, bytes, "unix:%s", has_name ? address->local.sun_path : "");
		return;
	}
	getnameinfo(&address->any, address->length, host, sizeof(host), port, sizeof(port),
		    NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(text, bytes, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

int net_socket_open(const struct net_address *address, int type, struct err *err)
{
	int fd = socket(address->any.sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd >= 0 ? fd : err_set_errno(err, -errno, "cannot open a socket");
}

/** Whether a socket was left behind by a process that has gone. */
static bool is_stale(const struct net_address *address, int type)
{
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool stale =
		fd >= 0 && connect(fd, &address->any, address->length) < 0 && errno == ECONNREFUSED;

	if (fd >= 0)
		close(fd);
	return stale;
}

int net_socket_bind(int fd, const struct net_address *address, int type, struct err *err)
{
	const char *path = address->local.sun_path;
	bool is_local = address->any.sa_family == AF_UNIX;
	struct stat status;
	char text[160];
	int one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	/* Anything but what an earlier process left behind is not ours to remove. */
	if (is_local && lstat(path, &status) == 0 && S_ISSOCK(status.st_mode) &&
	    is_stale(address, type))
		unlink(path);
	if (bind(fd, &address->any, address->length) == 0 && (!is_local || chmod(path, 0600) == 0))
		return 0;
	net_address_describe(address, text, sizeof(text));
	return err_set_errno(err, -errno, "cannot listen on %s", text);
}

int net_socket_connect(int fd, const struct net_address *address, struct err *err)
{
	struct pollfd ready = { .fd = fd, .events = POLLOUT };
	int error = 0;
	socklen_t length = sizeof(error);
	char text[160];

	if (connect(fd, &address->any, address->length) < 0)
		error = errno;
	if (error == EINPROGRESS) {
		error = ETIMEDOUT;
		if (poll(&ready, 1, CONNECT_TIMEOUT_MS) > 0)
			getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
	}
	if (!error)
		return 0;
	net_address_describe(address, text, sizeof(text));
	return err_set_errno(err, -error, "cannot connect to %s", text);
}

int net_socket_take(int fd, int type, struct err *err)
{
	int found = 0;
	socklen_t length = sizeof(found);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &found, &length) < 0)
		return err_set_errno(err, -errno, "fd=%d is not a socket", fd);
	if (type && found != type)
		return err_set(err, -EINVAL, "fd=%d is not a %s socket", fd,
			       type == SOCK_STREAM ? "stream" : "datagram");
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ||
	    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
		return err_set_errno(err, -errno, "fd=%d", fd);
	return 0;
}
