// SPDX-License-Identifier: GPL-2.0-or-later
/* Stream sockets as networks, for -netdev stream and -netdev socket. */
#pragma once

#include <stdint.h>

#include "net/address.h"
#include "net/backend.h"

struct net_stream_plan {
	struct net_address address;
	int fd;               /* connected, or listening if it is a server; -1: to be opened */
	bool server;          /* listens; one peer at a time */
	int64_t reconnect_ms; /* 0: never */
};

/** Takes the descriptor, if there is one, also on failure. NULL and a sentence. */
struct net_backend *net_stream_make(struct net_host *host, const struct net_stream_plan *plan,
				    struct err *err);
/** The same for datagrams: sent to 'remote' (length 0: to whom the socket is connected), received
 * at 'local' or, from a group, at 'remote'. */
struct net_backend *net_dgram_make(struct net_host *host, const struct net_address *local,
				   const struct net_address *remote, int fd, struct err *err);

/* For the classes in socket.c. */
extern const struct net_port_ops net_stream_ops, net_dgram_ops;
void net_stream_destroy(struct net_backend *backend);
void net_dgram_destroy(struct net_backend *backend);
