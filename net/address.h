// SPDX-License-Identifier: GPL-2.0-or-later
/* Addresses of sockets, and sockets that never make anyone wait for long. */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

struct err;

struct net_address {
	union {
		struct sockaddr any;
		struct sockaddr_storage storage;
		struct sockaddr_un local;
	};
	socklen_t length; /* 0: there is none */
};

/**
 * Looks up 'host' ("" or NULL: any, for one who listens, or this host) and 'port' for sockets of
 * 'type'. 0, or -EINVAL and a sentence.
 */
int net_address_inet(struct net_address *address, const char *host, const char *port, int type,
		     bool listens, struct err *err);
/** "HOST:PORT" in one word, with brackets around an address of IPv6. */
int net_address_parse(struct net_address *address, const char *text, int type, bool listens,
		      struct err *err);
/** 0, or -EINVAL and a sentence if the path is too long. */
int net_address_unix(struct net_address *address, const char *path, struct err *err);
bool net_address_is_multicast(const struct net_address *address);
/** "127.0.0.1:5000", "[::1]:5000" or "unix:/run/x". */
void net_address_describe(const struct net_address *address, char *text, size_t bytes);

/** A socket for the address, not blocking. A descriptor, or -errno and a sentence. */
int net_socket_open(const struct net_address *address, int type, struct err *err);
/** Binds; a UNIX socket that was left behind makes room. 0, or -errno and a sentence. */
int net_socket_bind(int fd, const struct net_address *address, int type, struct err *err);
/** Connects within a few seconds, or says why not. */
int net_socket_connect(int fd, const struct net_address *address, struct err *err);
/** Makes a descriptor that was handed to us a socket of ours. 0, or -errno and a sentence if it is
 * none of 'type' (0: any). */
int net_socket_take(int fd, int type, struct err *err);
