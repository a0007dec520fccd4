// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The other end of a network card's wire, for unit tests and fuzz targets: keeps what the card
 * sends, hands frames to it, and refuses when it is told to.
 */
#pragma once

#include "base/bytes.h"
#include "hw/net/nic.h"
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

/** A frame to 'mac', its bytes counting up behind the header. */
static inline void nic_frame(uint8_t *frame, const uint8_t *mac, uint16_t type, size_t length)
{
	memcpy(frame, mac, 6);
	memset(frame + 6, 0x02, 6);
	store_be16(frame + 12, type);
	for (size_t i = 14; i < length; i++)
		frame[i] = (uint8_t)i;
}

/** An IPv4 packet of TCP, its checksums left open as a driver does. Returns its length. */
static inline size_t nic_frame_tcp(uint8_t *frame, const uint8_t *mac, size_t payload)
{
	uint8_t *ip = frame + 14, *tcp = ip + 20;

	nic_frame(frame, mac, NIC_TYPE_IPV4, 54 + payload);
	memset(ip, 0, 40);
	ip[0] = 0x45;
	store_be16(ip + 2, (uint16_t)(40 + payload));
	store_be16(ip + 4, 0x1234);
	ip[8] = 64;
	ip[9] = NIC_PROTOCOL_TCP;
	store_be32(ip + 12, 0x0a000001);
	store_be32(ip + 16, 0x0a000002);
	store_be32(tcp + 4, 1000);
	tcp[12] = 0x50;
	tcp[13] = 0x19; /* ACK, PSH, FIN */
	return 54 + payload;
}

static inline bool nic_frame_tcp_is_good(const uint8_t *frame, size_t length)
{
	struct iovec iov = { (void *)(uintptr_t)frame, length };
	struct nic_headers found = nic_parse(&iov, 1);

	return found.l3_is_good && found.protocol == NIC_PROTOCOL_TCP && found.l4_is_good;
}
