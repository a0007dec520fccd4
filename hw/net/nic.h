// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the network cards share: frames gathered from guest memory without a copy, frames copied
 * into guest memory in one go, checksums over pieces. Memory that is not RAM reads as all ones and
 * swallows writes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/ram.h"
#include "net/net.h"

enum {
	NIC_PIECES = 160, /* of one frame in guest memory; a TSO packet is 64 KiB in pieces */
	NIC_STORED_PIECES = NIC_PIECES + 8, /* what a card sends, a cut and the padding */
	NIC_ETHERTYPE = 12,
	NIC_VLAN_BYTES = 4, /* of an 802.1Q tag: type and tag */
	NIC_FCS_BYTES = 4,
	NIC_TYPE_IPV4 = 0x0800,
	NIC_TYPE_IPV6 = 0x86dd,
	NIC_TYPE_VLAN = 0x8100,
	NIC_PROTOCOL_TCP = 6,
	NIC_PROTOCOL_UDP = 17,
};

/** A frame in guest memory, mapped. */
struct nic_gather {
	struct ram *ram;
	struct iovec iov[NIC_PIECES];
	unsigned count;
	size_t bytes;
};

void nic_gather_init(struct nic_gather *gather, struct ram *ram);
/** Appends 'length' bytes at 'gpa'; false if there are too many pieces, and nothing is appended. */
bool nic_gather_add(struct nic_gather *gather, uint64_t gpa, size_t length);
/** Ends the mappings. */
void nic_gather_release(struct nic_gather *gather);

/** The pieces of [offset, offset + length) of 'iov' into 'out', at most 'limit'; returns how many.
 */
unsigned nic_slice(const struct iovec *iov, unsigned count, size_t offset, size_t length,
		   struct iovec *out, unsigned limit);

/** Copies [offset, offset + length) of the pieces to 'gpa'. */
void nic_scatter(struct ram *ram, uint64_t gpa, const struct iovec *iov, unsigned count,
		 size_t offset, size_t length);

/** The sum of RFC 1071 over [offset, offset + length) of the pieces, for net_checksum_fold; pieces
 * may have odd lengths. */
uint32_t nic_sum(const struct iovec *iov, unsigned count, size_t offset, size_t length);

static inline bool nic_is_multicast(const uint8_t *mac)
{
	return mac[0] & 1;
}

bool nic_is_broadcast(const uint8_t *mac);
/** The bit, 0 to 63, that stands for a group in a filter by the upper bits of its CRC. */
unsigned nic_multicast_bit(const uint8_t *mac);
/** A frame less its VLAN tag, padded to 'length' bytes and with room for an FCS, both zeros: what
 * is stored of 'iov' when 'strips_tag'. Returns the number of pieces. */
unsigned nic_stored_pieces(const struct iovec *iov, unsigned count, bool strips_tag, size_t length,
			   struct iovec *out, unsigned limit);

/** What receive offloads find in a frame. Offsets are from its start; 0 bytes: not there. */
struct nic_headers {
	size_t l3, l3_bytes; /* the IP header */
	size_t l4, l4_bytes; /* from the transport header to the end of the IP datagram */
	uint16_t type;       /* of the frame, behind a VLAN tag */
	uint8_t protocol;    /* TCP or UDP, in an unfragmented datagram that is all there; else 0 */
	bool l3_is_good, l4_is_good; /* checksums, where there are headers */
};

/** Parses 'iov' as a frame of IPv4; every length is checked against what is there. */
struct nic_headers nic_parse(const struct iovec *iov, unsigned count);

/** The sum over the pseudo header of the IPv4 header at 'ip' for 'length' bytes of 'protocol'. */
uint32_t nic_pseudo_sum(const uint8_t *ip, uint8_t protocol, size_t length);
