// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/net.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

/* IEEE 802.3, 3.2.9, bit-reversed. */
#define CRC32_POLYNOMIAL UINT32_C(0xedb88320)

void net_port_init(struct net_port *port, const char *name, const struct net_port_ops *ops,
		   void *opaque)
{
	*port = (struct net_port){ .name = name, .ops = ops, .opaque = opaque, .link = true };
	list_init(&port->observers);
}

bool net_link_is_up(const struct net_port *port)
{
	return port->peer && port->link && port->peer->link;
}

static void tell_link(struct net_port *port, bool up)
{
	if (port->ops->link_changed)
		port->ops->link_changed(port->opaque, up);
}

/** Whoever was refused a frame may go on. */
static void resume(struct net_port *port)
{
	if (port->ops->resume)
		port->ops->resume(port->opaque);
}

static void link_may_have_changed(struct net_port *port, struct net_port *peer, bool before)
{
	bool now = net_link_is_up(port);

	if (now == before)
		return;
	tell_link(port, now);
	tell_link(peer, now);
	/* What was held back for want of room is dropped with the link down, and tried again with
	 * it up. */
	net_ready(port);
	net_ready(peer);
}

void net_connect(struct net_port *a, struct net_port *b)
{
	assert(!a->peer && !b->peer && a != b);
	a->peer = b;
	b->peer = a;
	link_may_have_changed(a, b, false);
}

void net_disconnect(struct net_port *port)
{
	struct net_port *peer = port->peer;
	bool was_up = net_link_is_up(port), port_waits, peer_waits;

	if (!peer)
		return;
	port_waits = peer->refused;
	peer_waits = port->refused;
	port->peer = peer->peer = NULL;
	port->refused = peer->refused = false;
	if (was_up) {
		tell_link(port, false);
		tell_link(peer, false);
	}
	if (port_waits)
		resume(port);
	if (peer_waits)
		resume(peer);
}

void net_set_link(struct net_port *port, bool up)
{
	bool before = net_link_is_up(port);

	port->link = up;
	if (port->peer)
		link_may_have_changed(port, port->peer, before);
}

static void show(const struct net_port *port, const struct iovec *iov, unsigned count)
{
	struct net_observer *observer;

	list_for_each(observer, &port->observers, struct net_observer, node)
		observer->frame(observer->opaque, iov, count);
}

static bool is_held(const struct net_port *port)
{
	return port->held || (port->peer && port->peer->held);
}

bool net_send(struct net_port *port, const struct iovec *iov, unsigned count)
{
	struct net_port *peer = port->peer;
	size_t bytes = net_iov_bytes(iov, count);

	if (!net_link_is_up(port)) {
		port->stats.dropped_frames++;
		return true;
	}
	if (is_held(port) || !peer->ops->receive(peer->opaque, iov, count)) {
		peer->refused = true;
		return false;
	}
	port->stats.sent_frames++;
	port->stats.sent_bytes += bytes;
	peer->stats.received_frames++;
	peer->stats.received_bytes += bytes;
	show(port, iov, count);
	show(peer, iov, count);
	return true;
}

void net_ready(struct net_port *port)
{
	if (!port->refused || is_held(port))
		return;
	port->refused = false;
	if (port->peer)
		resume(port->peer);
}

void net_hold(struct net_port *port, bool held)
{
	port->held = held;
	net_ready(port);
	if (port->peer)
		net_ready(port->peer);
}

size_t net_iov_bytes(const struct iovec *iov, unsigned count)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < count; i++)
		bytes += iov[i].iov_len;
	return bytes;
}

size_t net_iov_copy(const struct iovec *iov, unsigned count, size_t offset, void *data,
		    size_t length)
{
	size_t done = 0;

	for (unsigned i = 0; i < count && done < length; i++) {
		size_t piece = iov[i].iov_len;

		if (offset >= piece) {
			offset -= piece;
			continue;
		}
		piece -= offset;
		if (piece > length - done)
			piece = length - done;
		memcpy((uint8_t *)data + done, (const uint8_t *)iov[i].iov_base + offset, piece);
		done += piece;
		offset = 0;
	}
	return done;
}

uint32_t net_crc32(const void *data, size_t length)
{
	const uint8_t *bytes = data;
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < length; i++) {
		crc ^= bytes[i];
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? CRC32_POLYNOMIAL : 0);
	}
	return ~crc;
}

uint32_t net_checksum_add(uint32_t sum, const void *data, size_t length)
{
	const uint8_t *bytes = data;
	uint64_t wide = sum;

	for (; length >= 2; bytes += 2, length -= 2)
		wide += load_be16(bytes);
	if (length)
		wide += (uint32_t)bytes[0] << 8;
	while (wide >> 32)
		wide = (wide & UINT32_MAX) + (wide >> 32);
	return (uint32_t)wide;
}

uint16_t net_checksum_fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & UINT16_MAX) + (sum >> 16);
	return (uint16_t)~sum;
}

int net_parse_mac(const char *text, uint8_t mac[NET_MAC_BYTES])
{
	uint8_t bytes[NET_MAC_BYTES];
	int end = 0;

	if (sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &bytes[0], &bytes[1], &bytes[2],
		   &bytes[3], &bytes[4], &bytes[5], &end) != NET_MAC_BYTES ||
	    text[end] != '\0' || strspn(text, "0123456789abcdefABCDEF:") != (size_t)end)
		return -EINVAL;
	memcpy(mac, bytes, sizeof(bytes));
	return 0;
}

void net_format_mac(const uint8_t mac[NET_MAC_BYTES], char text[18])
{
	snprintf(text, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
		 mac[5]);
}
