// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/net/nic.h"

#include "base/bits.h"
#include "base/bytes.h"

enum {
	IPV4_BYTES = 20,
	UDP_BYTES = 8,
	UDP_CHECKSUM = 6,
	TCP_BYTES = 20,
	IPV4_FRAGMENT = 0x3fff, /* more fragments, and the offset */
};

/** What empty addresses read as. */
static const uint8_t all_ones[256] = {
#define ONES_8  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff
#define ONES_64 ONES_8, ONES_8, ONES_8, ONES_8, ONES_8, ONES_8, ONES_8, ONES_8
	ONES_64, ONES_64, ONES_64, ONES_64
};

/** Padding and FCS. */
static const uint8_t zeros[NET_FRAME_MIN_BYTES + NIC_FCS_BYTES];

/* Frames in guest memory */

void nic_gather_init(struct nic_gather *gather, struct ram *ram)
{
	gather->ram = ram;
	gather->count = 0;
	gather->bytes = 0;
}

static void unmap_from(struct nic_gather *gather, unsigned first)
{
	while (gather->count > first) {
		struct iovec *piece = &gather->iov[--gather->count];

		gather->bytes -= piece->iov_len;
		if (piece->iov_base != all_ones)
			ram_unmap(gather->ram, piece->iov_base, piece->iov_len, 0);
	}
}

bool nic_gather_add(struct nic_gather *gather, uint64_t gpa, size_t length)
{
	unsigned first = gather->count;

	while (length) {
		size_t piece = length;
		void *host;

		if (gather->count == NIC_PIECES) {
			unmap_from(gather, first);
			return false;
		}
		host = ram_map(gather->ram, gpa, &piece, false);
		if (!host) {
			host = (void *)(uintptr_t)all_ones;
			piece = min_size(length, sizeof(all_ones) - (gpa & 255));
		}
		gather->iov[gather->count++] = (struct iovec){ host, piece };
		gather->bytes += piece;
		gpa += piece;
		length -= piece;
	}
	return true;
}

void nic_gather_release(struct nic_gather *gather)
{
	unmap_from(gather, 0);
}

unsigned nic_slice(const struct iovec *iov, unsigned count, size_t offset, size_t length,
		   struct iovec *out, unsigned limit)
{
	unsigned pieces = 0;

	for (unsigned i = 0; i < count && length && pieces < limit; i++) {
		size_t piece = iov[i].iov_len;

		if (offset >= piece) {
			offset -= piece;
			continue;
		}
		piece = min_size(piece - offset, length);
		out[pieces++] = (struct iovec){ (uint8_t *)iov[i].iov_base + offset, piece };
		length -= piece;
		offset = 0;
	}
	return pieces;
}

/** As net_iov_copy, for pieces that may lie in the very memory they go to: two cards of one guest
 * can be wired to each other. */
static void move_pieces(uint8_t *to, const struct iovec *iov, unsigned count, size_t offset,
			size_t length)
{
	for (unsigned i = 0; i < count && length; i++) {
		size_t piece = iov[i].iov_len;

		if (offset >= piece) {
			offset -= piece;
			continue;
		}
		piece = min_size(piece - offset, length);
		memmove(to, (const uint8_t *)iov[i].iov_base + offset, piece);
		to += piece;
		length -= piece;
		offset = 0;
	}
}

void nic_scatter(struct ram *ram, uint64_t gpa, const struct iovec *iov, unsigned count,
		 size_t offset, size_t length)
{
	while (length) {
		size_t piece = length;
		void *host = ram_map(ram, gpa, &piece, true);

		if (host) {
			move_pieces(host, iov, count, offset, piece);
			ram_unmap(ram, host, piece, piece);
		} else {
			piece = min_size(length, 4096 - (size_t)(gpa & 4095));
		}
		gpa += piece;
		offset += piece;
		length -= piece;
	}
}

/* Checksums */

static uint64_t fold_64(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & UINT16_MAX) + (sum >> 16);
	return sum;
}

/**
 * The sum of one piece as if it began at an even offset. Ones' complement sums do not care about
 * byte order until the end (RFC 1071, 2B), so four bytes are added at a time.
 */
static uint16_t sum_piece(const uint8_t *bytes, size_t length)
{
	uint64_t sum = 0;

	for (; length >= 4; bytes += 4, length -= 4)
		sum += load_le32(bytes);
	if (length >= 2)
		sum += load_le16(bytes);
	if (length & 1)
		sum += bytes[length & 2 ? 2 : 0];
	return __builtin_bswap16((uint16_t)fold_64(sum));
}

uint32_t nic_sum(const struct iovec *iov, unsigned count, size_t offset, size_t length)
{
	uint64_t sum = 0;
	bool is_odd = false;

	for (unsigned i = 0; i < count && length; i++) {
		size_t piece = iov[i].iov_len;
		uint16_t part;

		if (offset >= piece) {
			offset -= piece;
			continue;
		}
		piece = min_size(piece - offset, length);
		part = sum_piece((const uint8_t *)iov[i].iov_base + offset, piece);
		sum += is_odd ? __builtin_bswap16(part) : part;
		is_odd ^= piece & 1;
		length -= piece;
		offset = 0;
	}
	return (uint32_t)fold_64(sum);
}

uint32_t nic_pseudo_sum(const uint8_t *ip, uint8_t protocol, size_t length)
{
	enum {
		IPV4_ADDRESSES = 12,
	};

	return net_checksum_add(protocol + (uint32_t)length, ip + IPV4_ADDRESSES, 8);
}

/* Headers */

bool nic_is_broadcast(const uint8_t *mac)
{
	return load_be32(mac) == UINT32_MAX && load_be16(mac + 4) == UINT16_MAX;
}

unsigned nic_multicast_bit(const uint8_t *mac)
{
	uint32_t crc = ~net_crc32(mac, NET_MAC_BYTES);
	unsigned bit = 0;

	/* The chips take the first bits on the wire, which are the last of this register. */
	for (unsigned i = 0; i < 6; i++)
		bit = bit << 1 | (crc >> i & 1);
	return bit;
}

unsigned nic_stored_pieces(const struct iovec *iov, unsigned count, bool strips_tag, size_t length,
			   struct iovec *out, unsigned limit)
{
	size_t bytes = net_iov_bytes(iov, count), gap = strips_tag ? NIC_VLAN_BYTES : 0;
	unsigned pieces;

	if (gap) {
		pieces = nic_slice(iov, count, 0, NIC_ETHERTYPE, out, limit);
		pieces += nic_slice(iov, count, NIC_ETHERTYPE + gap, bytes - NIC_ETHERTYPE - gap,
				    out + pieces, limit - pieces);
	} else {
		pieces = nic_slice(iov, count, 0, bytes, out, limit);
	}
	if (length > bytes - gap && pieces < limit)
		out[pieces++] = (struct iovec){ (void *)(uintptr_t)zeros, length - (bytes - gap) };
	return pieces;
}

/** The transport header and its checksum, in a datagram whose IP header is 'ip'. */
static void parse_transport(struct nic_headers *found, const uint8_t *ip, const struct iovec *iov,
			    unsigned count)
{
	uint8_t udp[UDP_BYTES], protocol = ip[9];
	bool is_udp = protocol == NIC_PROTOCOL_UDP;
	uint32_t sum;

	if ((load_be16(ip + 6) & IPV4_FRAGMENT) || (!is_udp && protocol != NIC_PROTOCOL_TCP))
		return;
	if (found->l4_bytes < (is_udp ? UDP_BYTES : TCP_BYTES))
		return;
	found->protocol = protocol;
	if (is_udp && net_iov_copy(iov, count, found->l4, udp, UDP_BYTES) == UDP_BYTES &&
	    load_be16(udp + UDP_CHECKSUM) == 0) {
		found->l4_is_good = true; /* there is none: RFC 768 */
		return;
	}
	sum = nic_sum(iov, count, found->l4, found->l4_bytes);
	sum += nic_pseudo_sum(ip, protocol, found->l4_bytes);
	found->l4_is_good = net_checksum_fold(sum) == 0;
}

static void parse_ipv4(struct nic_headers *found, size_t start, const struct iovec *iov,
		       unsigned count)
{
	size_t bytes = net_iov_bytes(iov, count), header, total;
	uint8_t ip[IPV4_BYTES];

	if (net_iov_copy(iov, count, start, ip, IPV4_BYTES) < IPV4_BYTES || ip[0] >> 4 != 4)
		return;
	header = 4u * (ip[0] & 15);
	total = load_be16(ip + 2);
	if (header < IPV4_BYTES || total < header || start + total > bytes)
		return;
	found->l3 = start;
	found->l3_bytes = header;
	found->l3_is_good = net_checksum_fold(nic_sum(iov, count, start, header)) == 0;
	found->l4 = start + header;
	found->l4_bytes = total - header;
	parse_transport(found, ip, iov, count);
}

struct nic_headers nic_parse(const struct iovec *iov, unsigned count)
{
	struct nic_headers found = { 0 };
	size_t start = NET_HEADER_BYTES;
	uint8_t type[2] = { 0 };

	net_iov_copy(iov, count, NIC_ETHERTYPE, type, 2);
	if (load_be16(type) == NIC_TYPE_VLAN) {
		net_iov_copy(iov, count, NIC_ETHERTYPE + NIC_VLAN_BYTES, type, 2);
		start += NIC_VLAN_BYTES;
	}
	found.type = load_be16(type);
	if (found.type == NIC_TYPE_IPV4)
		parse_ipv4(&found, start, iov, count);
	return found;
}
