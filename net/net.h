// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The wire between a network card and what stands behind it. Each end is a port, embedded in its
 * owner; two ports are connected, and either passes whole Ethernet frames (no preamble, no FCS) to
 * the other. Nothing is queued in between: an end without room refuses the frame, the sender keeps
 * it and is told when to go on. So a slow peer stops the card's ring, and a full ring stops the
 * peer. All calls with the machine lock.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/list.h"

enum net_sizes {
	NET_MAC_BYTES = 6,
	NET_HEADER_BYTES = 14,
	NET_FRAME_MIN_BYTES = 60,    /* without FCS; shorter ones are padded by the wire */
	NET_FRAME_MAX_BYTES = 65550, /* nobody has to take longer ones */
};

struct net_port;

struct net_port_ops {
	/**
	 * A frame comes in, in pieces that are the sender's and valid during the call only. False:
	 * there is no room now, and net_ready will be called when there is; a frame that is merely
	 * not wanted is taken and dropped. Must not send on the same port.
	 */
	bool (*receive)(void *opaque, const struct iovec *iov, unsigned count);
	/**
	 * The other end has room again after it refused a frame. A back end starts reading its
	 * source again; a card goes on with its ring. Never called from within net_send. May be
	 * NULL.
	 */
	void (*resume)(void *opaque);
	/** The link came up or went down, at either end. May be NULL. */
	void (*link_changed)(void *opaque, bool up);
};

struct net_stats {
	uint64_t sent_frames, sent_bytes; /* taken by the other end */
	uint64_t received_frames, received_bytes;
	uint64_t dropped_frames; /* sent while the link was down or nobody was there */
};

/** Sees each frame that passes a port, in either direction, after it was taken: a capture. */
struct net_observer {
	struct list_node node; /* in struct net_port.observers */
	void *opaque;
	void (*frame)(void *opaque, const struct iovec *iov, unsigned count);
};

/** One end. The fields are private to net.c, but for 'name' and 'stats'. */
struct net_port {
	const char *name; /* "net0", "nic0"; for messages and query-* */
	const struct net_port_ops *ops;
	void *opaque;
	struct net_port *peer; /* NULL: not connected */
	bool link;             /* as set for this end; the link is up if both ends' are */
	bool refused;          /* this end refused a frame, and the peer waits */
	bool held;             /* the guest behind this end stands still */
	struct net_stats stats;
	struct list_node observers; /* list_append and list_remove are for anyone */
};

/** An end with nothing connected, its link set up. 'name' and 'ops' are kept by reference. */
void net_port_init(struct net_port *port, const char *name, const struct net_port_ops *ops,
		   void *opaque);
/** Connects two ends that are free. */
void net_connect(struct net_port *a, struct net_port *b);
/** Takes the wire off; both ends learn that the link went down. Harmless if there is none. */
void net_disconnect(struct net_port *port);

/** True if the link is up: connected, and both ends' link set. */
bool net_link_is_up(const struct net_port *port);
/** Sets this end's link (set_link, a card's own loss of link); tells both ends of a change. */
void net_set_link(struct net_port *port, bool up);

/**
 * Hands a frame to the other end. True: it is done with, delivered or, with the link down,
 * dropped. False: the other end has no room; 'resume' will be called. The pieces are the caller's
 * again afterwards.
 */
bool net_send(struct net_port *port, const struct iovec *iov, unsigned count);

/** This end has room again: if it refused a frame, the other end resumes. */
void net_ready(struct net_port *port);

/** Bytes of all pieces. */
size_t net_iov_bytes(const struct iovec *iov, unsigned count);
/**
 * The guest behind this end stands still, or no longer: until then no frame passes either way, as
 * if there were no room, and this end is not told to go on. So no card touches the guest's memory.
 */
void net_hold(struct net_port *port, bool held);

/** Copies [offset, offset + length) of the pieces to 'data'; returns how many bytes there were. */
size_t net_iov_copy(const struct iovec *iov, unsigned count, size_t offset, void *data,
		    size_t length);

/** The CRC-32 of IEEE 802.3, 3.2.9, as multicast filters and FCS use it, of 'length' bytes. */
uint32_t net_crc32(const void *data, size_t length);
/** The Internet checksum of RFC 1071: adds 'length' bytes as big-endian words to 'sum'. Only the
 * last call may have an odd length. */
uint32_t net_checksum_add(uint32_t sum, const void *data, size_t length);
/** The checksum, in host order, as it stands in a header. */
uint16_t net_checksum_fold(uint32_t sum);

/** Parses "52:54:00:12:34:56". 0 or -EINVAL. */
int net_parse_mac(const char *text, uint8_t mac[NET_MAC_BYTES]);
/** Writes it with a final NUL. */
void net_format_mac(const uint8_t mac[NET_MAC_BYTES], char text[18]);
