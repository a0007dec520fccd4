// SPDX-License-Identifier: GPL-2.0-or-later
/* A capture of what passes a port, as a pcap file for tcpdump and Wireshark. */
#pragma once

#include <stddef.h>

#include "net/net.h"

struct err;
struct net_dump;

enum {
	NET_DUMP_DEFAULT_BYTES = 65536, /* kept of each frame */
};

/**
 * Starts a capture into 'fd', which is taken over, also on failure; at most 'max_bytes' of each
 * frame. When the file can take no more, the capture ends with a word in the log. NULL and a
 * sentence.
 */
struct net_dump *net_dump_start(struct net_port *port, int fd, size_t max_bytes, struct err *err);
/** NULL is ignored. */
void net_dump_stop(struct net_dump *dump);
