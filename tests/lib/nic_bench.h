// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The other end of a network card's wire, for unit tests and fuzz targets: keeps what the card
 * sends, hands frames to it, and refuses when it is told to.
 */
#pragma once

#include "net/net.h"
#include "tests/lib/chip_bench.h"

enum {
	NIC_BENCH_FRAMES = 64,
	NIC_BENCH_BYTES = 17000,
};

struct nic_peer {
	struct net_port port;
	unsigned sent;    /* by the card, all of them */
	unsigned kept;    /* of those, in 'frames' */
	unsigned resumed; /* how often the card had room again */
	unsigned room;    /* frames taken until the next refusal */
	struct {
		size_t length;
		uint8_t bytes[NIC_BENCH_BYTES];
	} frames[NIC_BENCH_FRAMES];
};

static inline bool nic_peer_take(void *opaque, const struct iovec *iov, unsigned count)
{
	struct nic_peer *peer = opaque;
	size_t length;

	if (peer->room == 0)
		return false;
	peer->room--;
	peer->sent++;
	if (peer->kept == NIC_BENCH_FRAMES)
		return true;
	length = net_iov_bytes(iov, count);
	if (length > NIC_BENCH_BYTES)
		abort();
	peer->frames[peer->kept].length = length;
	net_iov_copy(iov, count, 0, peer->frames[peer->kept].bytes, length);
	peer->kept++;
	return true;
}

static inline void nic_peer_resume(void *opaque)
{
	((struct nic_peer *)opaque)->resumed++;
}

static inline struct nic_peer *nic_peer_create(struct net_port *card)
{
	static const struct net_port_ops ops = { .receive = nic_peer_take,
						 .resume = nic_peer_resume };
	struct nic_peer *peer = calloc(1, sizeof(*peer));

	if (!peer)
		abort();
	net_port_init(&peer->port, "peer", &ops, peer);
	peer->room = UINT32_MAX;
	net_connect(&peer->port, card);
	return peer;
}

static inline void nic_peer_destroy(struct nic_peer *peer)
{
	net_disconnect(&peer->port);
	free(peer);
}

/** False if the card has no room. */
static inline bool nic_peer_send(struct nic_peer *peer, const void *frame, size_t length)
{
	/* Two pieces, so that pieces are seen to work. */
	size_t first = length / 3;
	struct iovec iov[2] = { { (void *)(uintptr_t)frame, first },
				{ (uint8_t *)(uintptr_t)frame + first, length - first } };

	return net_send(&peer->port, iov, 2);
}

static inline void nic_peer_set_room(struct nic_peer *peer, unsigned frames)
{
	peer->room = frames;
	net_ready(&peer->port);
}
