// SPDX-License-Identifier: GPL-2.0-or-later
/* The receive side of the 8254x: filters, offloads, the descriptor ring. Chapter 3.2. */
#include "base/bytes.h"
#include "base/trace.h"
#include "hw/net/e1000_internal.h"
#include "hw/net/nic.h"

enum {
	/* Of the wire, with FCS: what is longer needs LPE, what is longer still is not taken. */
	LONGEST = 1522,
	LONGEST_JUMBO = 16384,
	SHORTEST = 64,
	HEAD_BYTES = NET_HEADER_BYTES + NIC_VLAN_BYTES,
	VLAN_ID = 0xfff,
};

/** A frame on its way into the ring: what is stripped, padded and appended, without a copy. */
struct incoming {
	const struct iovec *iov;
	unsigned count;
	size_t bytes;             /* as it came */
	size_t length;            /* as it is stored */
	uint8_t head[HEAD_BYTES]; /* zeros behind the end of a short frame */
	bool has_tag, strips_tag;
	bool by_hash; /* passed an imperfect filter only */
};

/* Filters, 3.2.2 and 10 */

static bool matches_exactly(const struct e1000 *card, const uint8_t *mac)
{
	const uint32_t *ra = card->state.ra;

	for (unsigned i = 0; i < 2 * E1000_RA_PAIRS; i += 2)
		if (ra[i + 1] & E1000_RAH_VALID && !(ra[i + 1] >> E1000_RAH_SELECT_SHIFT & 3) &&
		    ra[i] == load_le32(mac) && (ra[i + 1] & UINT16_MAX) == load_le16(mac + 4))
			return true;
	return false;
}

/** Twelve of the upper sixteen bits of the address choose a bit of the table, 13.5.1. */
static bool matches_hash(const struct e1000 *card, const uint8_t *mac)
{
	static const uint8_t shifts[] = { 4, 3, 2, 0 };
	unsigned shift = shifts[card->state.rctl >> E1000_RCTL_MO_SHIFT & 3];
	unsigned hash = load_le16(mac + 4) >> shift & 0xfff;

	return card->state.mta[hash / 32] & BIT(hash % 32);
}

static bool passes_address(const struct e1000 *card, struct incoming *in)
{
	uint32_t rctl = card->state.rctl;
	const uint8_t *mac = in->head;

	if (nic_is_broadcast(mac) && rctl & E1000_RCTL_BAM)
		return true;
	if (matches_exactly(card, mac))
		return true;
	if (rctl & (nic_is_multicast(mac) ? E1000_RCTL_MPE : E1000_RCTL_UPE))
		return true;
	in->by_hash = nic_is_multicast(mac) && matches_hash(card, mac);
	return in->by_hash;
}

static bool passes_vlan(const struct e1000 *card, const struct incoming *in)
{
	unsigned id = load_be16(in->head + NET_HEADER_BYTES) & VLAN_ID;

	if (!in->has_tag || !(card->state.rctl & E1000_RCTL_VFE))
		return true;
	return card->state.vfta[id / 32] & BIT(id % 32);
}

static bool passes_length(struct e1000 *card, const struct incoming *in)
{
	size_t limit = card->state.rctl & E1000_RCTL_LPE ? LONGEST_JUMBO : LONGEST;

	if (in->bytes < NET_HEADER_BYTES) {
		e1000_count(card, E1000_RUC);
		return false;
	}
	if (in->bytes + NIC_FCS_BYTES <= limit)
		return true;
	e1000_count(card, E1000_ROC);
	return false;
}

/* From the frame to the descriptors */

static void describe(const struct e1000 *card, struct incoming *in, const struct iovec *iov,
		     unsigned count)
{
	const struct e1000_state *s = &card->state;

	*in = (struct incoming){ .iov = iov, .count = count, .bytes = net_iov_bytes(iov, count) };
	net_iov_copy(iov, count, 0, in->head, HEAD_BYTES);
	in->has_tag = in->bytes >= HEAD_BYTES &&
		      load_be16(in->head + NIC_ETHERTYPE) == (s->vet ? s->vet : NIC_TYPE_VLAN);
	in->strips_tag = in->has_tag && s->ctrl & E1000_CTRL_VME;
	in->length = max_u64(in->bytes, SHORTEST - NIC_FCS_BYTES);
	if (in->strips_tag)
		in->length -= NIC_VLAN_BYTES;
	if (!(s->rctl & E1000_RCTL_SECRC))
		in->length += NIC_FCS_BYTES;
}

static uint32_t buffer_bytes(uint32_t rctl)
{
	unsigned code = rctl >> E1000_RCTL_BSIZE_SHIFT & 3;

	if (rctl & E1000_RCTL_BSEX && code)
		return UINT32_C(32768) >> code;
	return UINT32_C(2048) >> code;
}

/** The checksum bits of status and errors, 3.2.9. */
static uint32_t checksum_bits(const struct e1000 *card, const struct incoming *in)
{
	uint32_t offloads = card->state.rxcsum, status = 0, errors = 0;
	struct nic_headers found;

	if (!(offloads & (E1000_RXCSUM_IPOFL | E1000_RXCSUM_TUOFL)))
		return E1000_RXD_IXSM;
	found = nic_parse(in->iov, in->count);
	if (found.l3_bytes && offloads & E1000_RXCSUM_IPOFL) {
		status |= E1000_RXD_IPCS;
		errors |= found.l3_is_good ? 0 : E1000_RXD_IPE;
	}
	if (found.protocol && offloads & E1000_RXCSUM_TUOFL) {
		status |= E1000_RXD_TCPCS;
		errors |= found.l4_is_good ? 0 : E1000_RXD_TCPE;
	}
	return status | errors << 8;
}

static void count_frame(struct e1000 *card, const struct incoming *in)
{
	size_t bytes = max_u64(in->bytes + NIC_FCS_BYTES, SHORTEST);

	e1000_count(card, E1000_TPR);
	e1000_count(card, E1000_GPRC);
	if (nic_is_broadcast(in->head))
		e1000_count(card, E1000_BPRC);
	else if (nic_is_multicast(in->head))
		e1000_count(card, E1000_MPRC);
	e1000_count_bytes(card, E1000_TORL, bytes);
	e1000_count_bytes(card, E1000_GORCL, bytes);
	e1000_count_size(card, E1000_PRC64, bytes);
}

/** Fills the descriptor at the head. Its status comes last, in the store that hands it over. */
static void fill_descriptor(struct e1000 *card, const struct iovec *pieces, unsigned count,
			    size_t offset, size_t length, uint64_t write_back)
{
	struct e1000_ring *ring = &card->state.rx;
	uint64_t gpa = e1000_ring_gpa(ring, ring->head), buffer;
	uint8_t bytes[8];

	ram_read(card->wires.ram, gpa + E1000_RXD_ADDRESS, bytes, sizeof(bytes));
	buffer = load_le64(bytes);
	if (buffer) /* an empty one is used up without data */
		nic_scatter(card->wires.ram, buffer, pieces, count, offset, length);
	store_le64(bytes, write_back | length);
	ram_write(card->wires.ram, gpa + E1000_RXD_LENGTH, bytes, sizeof(bytes));
	ring->head = (ring->head + 1) % e1000_ring_count(ring);
}

static void store_frame(struct e1000 *card, const struct incoming *in, size_t buffer)
{
	uint64_t done = (uint64_t)E1000_RXD_DD << E1000_RXD_STATUS_SHIFT, last = E1000_RXD_EOP;
	struct iovec pieces[NIC_STORED_PIECES];
	unsigned count = nic_stored_pieces(in->iov, in->count, in->strips_tag, in->length, pieces,
					   NIC_STORED_PIECES);

	last |= checksum_bits(card, in) | (in->by_hash ? E1000_RXD_PIF : 0u) |
		(in->strips_tag ? E1000_RXD_VP : 0u);
	last <<= E1000_RXD_STATUS_SHIFT;
	if (in->strips_tag)
		last |= (uint64_t)load_be16(in->head + NET_HEADER_BYTES) << E1000_RXD_SPECIAL_SHIFT;
	for (size_t offset = 0; offset < in->length; offset += buffer) {
		size_t length = min_size(buffer, in->length - offset);

		fill_descriptor(card, pieces, count, offset, length,
				offset + length == in->length ? done | last : done);
	}
}

/** RXDMT0 when the free descriptors fall below a half, quarter or eighth of the ring, 13.4.22. */
static uint32_t threshold_cause(const struct e1000 *card, unsigned free_before, unsigned count)
{
	unsigned shift = (card->state.rctl >> E1000_RCTL_RDMTS_SHIFT & 3) + 1;
	const struct e1000_ring *ring = &card->state.rx;
	unsigned free_now = (ring->tail + count - ring->head) % count, threshold = count >> shift;

	return free_now <= threshold && free_before > threshold ? E1000_CAUSE_RXDMT0 : 0;
}

static void report(struct e1000 *card, const struct incoming *in, uint32_t causes)
{
	const struct e1000_state *s = &card->state;

	if (in->length <= s->rsrpd)
		causes |= E1000_CAUSE_SRPD;
	if (s->rx.delay) {
		e1000_raise_later(card, E1000_CAUSE_RXT0, &s->rx);
		if (causes)
			e1000_raise(card, causes);
	} else {
		e1000_raise(card, causes | E1000_CAUSE_RXT0);
	}
}

/** False if there are too few descriptors now, though the ring has enough. */
static bool take_frame(struct e1000 *card, const struct incoming *in)
{
	struct e1000_ring *ring = &card->state.rx;
	unsigned count = e1000_ring_count(ring), free_count;
	size_t buffer = buffer_bytes(card->state.rctl);
	size_t needed = (in->length + buffer - 1) / buffer;

	if (needed >= count) {
		e1000_count(card, E1000_MPC);
		return true;
	}
	free_count = (ring->tail + count - ring->head) % count;
	if (needed > free_count) {
		e1000_count(card, E1000_RNBC);
		return false;
	}
	store_frame(card, in, buffer);
	count_frame(card, in);
	report(card, in, threshold_cause(card, free_count, count));
	return true;
}

static bool is_receiving(const struct e1000 *card)
{
	bool has_link = card->state.status & E1000_STATUS_LU || e1000_is_looped(card);

	return card->state.rctl & E1000_RCTL_EN && has_link && pci_is_bus_master(&card->function);
}

bool e1000_take(struct e1000 *card, const struct iovec *iov, unsigned count)
{
	struct incoming in;

	if (!is_receiving(card))
		return true;
	describe(card, &in, iov, count);
	if (!passes_length(card, &in) || !passes_address(card, &in) || !passes_vlan(card, &in))
		return true;
	TRACE(e1000, receive, "%zu bytes, type %04x", in.bytes, load_be16(in.head + NIC_ETHERTYPE));
	return take_frame(card, &in);
}

bool e1000_receive(void *opaque, const struct iovec *iov, unsigned count)
{
	struct e1000 *card = opaque;

	return e1000_is_looped(card) || e1000_take(card, iov, count);
}

void e1000_receive_changed(struct e1000 *card)
{
	net_ready(&card->port);
}
