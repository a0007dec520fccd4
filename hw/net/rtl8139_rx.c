// SPDX-License-Identifier: GPL-2.0-or-later
/* The receive side of the RTL8139C+: filters, the buffer of C mode, the descriptors of C+ mode. */
#include "base/bytes.h"
#include "base/trace.h"
#include "hw/net/nic.h"
#include "hw/net/rtl8139_internal.h"

enum {
	/* Without FCS. In C mode a frame may run on behind the buffer, where drivers have 1.5 KiB.
	 */
	LONGEST = 1518,
	LONGEST_CPLUS = RTL8139_RXD_SIZE - NIC_FCS_BYTES,
	HEAD_BYTES = NET_HEADER_BYTES + NIC_VLAN_BYTES,
	BUFFER_BYTES = 8192, /* the smallest; doubles with each step */
	READ_AHEAD = 16,     /* CAPR stands so far behind */
	REFILL_NS = 1000 * 1000,
	REFILL_TRIES = 1000,
};

enum kind {
	KIND_PHYSICAL,
	KIND_MULTICAST,
	KIND_BROADCAST,
};

/** A frame on its way into guest memory. */
struct incoming {
	const struct iovec *iov;
	unsigned count;
	size_t bytes;             /* as it came */
	size_t length;            /* as it is stored, with FCS */
	uint8_t head[HEAD_BYTES]; /* zeros behind the end of a short frame */
	enum kind kind;
	bool strips_tag;
};

/* The buffer of C mode */

uint32_t rtl8139_rx_buffer_bytes(const struct rtl8139 *card)
{
	uint32_t rcr = rtl8139_get(card, RTL8139_RCR, 4);

	return (uint32_t)BUFFER_BYTES << (rcr >> RTL8139_RCR_LENGTH_SHIFT & 3);
}

uint32_t rtl8139_rx_read_at(const struct rtl8139 *card)
{
	uint32_t at = rtl8139_get(card, RTL8139_CAPR, 2) + READ_AHEAD;

	return at & (rtl8139_rx_buffer_bytes(card) - 1);
}

static uint32_t header_of(const struct incoming *in)
{
	static const uint32_t kinds[] = {
		[KIND_PHYSICAL] = RTL8139_RX_PHYSICAL,
		[KIND_MULTICAST] = RTL8139_RX_MULTICAST,
		[KIND_BROADCAST] = RTL8139_RX_BROADCAST,
	};

	return RTL8139_RX_OK | kinds[in->kind] | (uint32_t)in->length << 16;
}

/** The frame behind its header; at the end of the buffer it runs on or wraps. */
static void store_in_buffer(struct rtl8139 *card, const struct incoming *in, uint32_t at)
{
	uint32_t size = rtl8139_rx_buffer_bytes(card), rcr = rtl8139_get(card, RTL8139_RCR, 4);
	uint32_t base = rtl8139_get(card, RTL8139_RBSTART, 4);
	bool runs_on = rcr & RTL8139_RCR_WRAP && size < BUFFER_BYTES << 3;
	struct iovec pieces[NIC_STORED_PIECES];
	unsigned count =
		nic_stored_pieces(in->iov, in->count, false, in->length, pieces, NIC_STORED_PIECES);
	size_t first = runs_on ? in->length : min_size(in->length, size - at);

	nic_scatter(card->wires.ram, base + (uint64_t)at, pieces, count, 0, first);
	nic_scatter(card->wires.ram, base, pieces, count, first, in->length - first);
}

/** False if there is no room now. */
static bool take_into_buffer(struct rtl8139 *card, const struct incoming *in)
{
	struct rtl8139_state *s = &card->state;
	uint32_t size = rtl8139_rx_buffer_bytes(card);
	uint32_t used = (s->rx_at - rtl8139_rx_read_at(card)) & (size - 1);
	uint32_t needed = (uint32_t)align_up(RTL8139_RX_HEADER_BYTES + in->length, 4);
	uint8_t header[RTL8139_RX_HEADER_BYTES];

	if (needed >= size - used)
		return false;
	store_in_buffer(card, in, s->rx_at + RTL8139_RX_HEADER_BYTES);
	store_le32(header, header_of(in));
	ram_write(card->wires.ram, (uint64_t)rtl8139_get(card, RTL8139_RBSTART, 4) + s->rx_at,
		  header, sizeof(header));
	s->rx_at = (s->rx_at + needed) & (size - 1);
	return true;
}

/* The descriptors of C+ mode */

static uint64_t descriptor_gpa(const struct rtl8139 *card, unsigned index)
{
	return rtl8139_address(card, RTL8139_RDSAR) + (uint64_t)index * RTL8139_D_BYTES;
}

static unsigned index_after(unsigned index, uint32_t command)
{
	return command & RTL8139_D_EOR ? 0 : (index + 1) % RTL8139_D_COUNT;
}

static uint32_t command_at(struct rtl8139 *card, unsigned index)
{
	uint8_t bytes[4];

	ram_read(card->wires.ram, descriptor_gpa(card, index), bytes, sizeof(bytes));
	return load_le32(bytes);
}

/** What the checksums' verification says, 9.2.2. */
static uint32_t checksum_status(const struct rtl8139 *card, const struct incoming *in)
{
	struct nic_headers found;
	uint32_t status = 0;

	if (!(rtl8139_get(card, RTL8139_CPCR, 2) & RTL8139_CPCR_CHECKSUM))
		return 0;
	found = nic_parse(in->iov, in->count);
	if (found.l3_bytes && !found.l3_is_good)
		status |= RTL8139_RXD_IP_BAD;
	if (found.protocol == NIC_PROTOCOL_TCP)
		return status | RTL8139_RXD_IS_TCP | (found.l4_is_good ? 0 : RTL8139_RXD_TCP_BAD);
	if (found.protocol == NIC_PROTOCOL_UDP)
		return status | RTL8139_RXD_IS_UDP | (found.l4_is_good ? 0 : RTL8139_RXD_UDP_BAD);
	return status | (found.l3_bytes ? RTL8139_RXD_IS_IP : 0u);
}

static uint32_t last_status(const struct rtl8139 *card, const struct incoming *in)
{
	static const uint32_t kinds[] = {
		[KIND_PHYSICAL] = RTL8139_RXD_PHYSICAL,
		[KIND_MULTICAST] = RTL8139_RXD_MULTICAST,
		[KIND_BROADCAST] = RTL8139_RXD_BROADCAST,
	};

	return RTL8139_D_LS | kinds[in->kind] | checksum_status(card, in) | (uint32_t)in->length;
}

/** Of the descriptors a frame goes into. */
struct chain {
	uint32_t commands[RTL8139_D_COUNT];
	unsigned count;
};

/** Finds descriptors with room for the frame; each is looked at once. */
static bool find_room(struct rtl8139 *card, size_t length, struct chain *chain)
{
	unsigned index = card->state.rx_index;
	size_t room = 0;

	chain->count = 0;
	while (room < length && chain->count < RTL8139_D_COUNT) {
		uint32_t command = command_at(card, index);

		if (!(command & RTL8139_D_OWN))
			return false;
		chain->commands[chain->count++] = command;
		room += command & RTL8139_RXD_SIZE;
		index = index_after(index, command);
	}
	return room >= length;
}

static void fill_descriptor(struct rtl8139 *card, uint32_t command, uint32_t status, uint32_t vlan,
			    const struct iovec *pieces, unsigned count, size_t offset,
			    size_t length)
{
	uint64_t gpa = descriptor_gpa(card, card->state.rx_index);
	uint8_t bytes[8];

	ram_read(card->wires.ram, gpa + RTL8139_D_ADDRESS, bytes, sizeof(bytes));
	nic_scatter(card->wires.ram, load_le64(bytes), pieces, count, offset, length);
	store_le32(bytes + RTL8139_D_COMMAND, status | (command & RTL8139_D_EOR));
	store_le32(bytes + RTL8139_D_VLAN, vlan);
	ram_write(card->wires.ram, gpa, bytes, sizeof(bytes));
	card->state.rx_index = (uint8_t)index_after(card->state.rx_index, command);
}

static void store_in_chain(struct rtl8139 *card, const struct incoming *in,
			   const struct chain *chain)
{
	uint32_t last = last_status(card, in), vlan = 0;
	struct iovec pieces[NIC_STORED_PIECES];
	unsigned count = nic_stored_pieces(in->iov, in->count, in->strips_tag, in->length, pieces,
					   NIC_STORED_PIECES);
	size_t offset = 0;

	if (in->strips_tag) /* in the order of the wire */
		vlan = RTL8139_RXD_TAVA | load_le16(in->head + NET_HEADER_BYTES);
	for (unsigned i = 0; i < chain->count; i++) {
		size_t room = chain->commands[i] & RTL8139_RXD_SIZE;
		size_t length = min_size(room, in->length - offset);
		bool is_last = i + 1 == chain->count;

		fill_descriptor(card, chain->commands[i],
				(i == 0 ? RTL8139_D_FS : 0u) | (is_last ? last : 0u), vlan, pieces,
				count, offset, length);
		offset += length;
	}
}

static void wait_for_room(struct rtl8139 *card)
{
	rtl8139_raise(card, RTL8139_RXOVW);
	if (!clock_timer_is_pending(&card->refill))
		clock_timer_set(&card->refill, clock_now_ns(card->wires.clock) + REFILL_NS);
}

static bool take_into_ring(struct rtl8139 *card, const struct incoming *in)
{
	struct chain chain;

	if (find_room(card, in->length, &chain)) {
		card->state.is_stalled = false;
		card->refill_tries = 0;
		store_in_chain(card, in, &chain);
		return true;
	}
	/* A ring whose descriptors are all given and too small will not do later either. */
	if (card->state.is_stalled || chain.count == RTL8139_D_COUNT)
		return false;
	wait_for_room(card);
	return false;
}

/* Filters, 6.10 */

static bool is_wanted(const struct rtl8139 *card, struct incoming *in)
{
	uint32_t rcr = rtl8139_get(card, RTL8139_RCR, 4);
	const uint8_t *mac = in->head;
	unsigned bit;

	if (nic_is_broadcast(mac)) {
		in->kind = KIND_BROADCAST;
		return rcr & RTL8139_RCR_AB;
	}
	if (nic_is_multicast(mac)) {
		in->kind = KIND_MULTICAST;
		bit = nic_multicast_bit(mac);
		return rcr & RTL8139_RCR_AM &&
		       rtl8139_get(card, RTL8139_MAR + bit / 8, 1) & BIT(bit % 8);
	}
	in->kind = KIND_PHYSICAL;
	if (rcr & RTL8139_RCR_AAP)
		return true;
	return rcr & RTL8139_RCR_APM &&
	       memcmp(mac, card->state.regs + RTL8139_IDR, NET_MAC_BYTES) == 0;
}

static void describe(const struct rtl8139 *card, bool is_cplus, struct incoming *in,
		     const struct iovec *iov, unsigned count)
{
	bool strips = is_cplus && rtl8139_get(card, RTL8139_CPCR, 2) & RTL8139_CPCR_VLAN;

	*in = (struct incoming){ .iov = iov, .count = count, .bytes = net_iov_bytes(iov, count) };
	net_iov_copy(iov, count, 0, in->head, HEAD_BYTES);
	in->strips_tag = strips && in->bytes >= HEAD_BYTES &&
			 load_be16(in->head + NIC_ETHERTYPE) == NIC_TYPE_VLAN;
	in->length = max_u64(in->bytes, NET_FRAME_MIN_BYTES) + NIC_FCS_BYTES -
		     (in->strips_tag ? NIC_VLAN_BYTES : 0);
}

static void count_missed(struct rtl8139 *card)
{
	uint32_t missed = rtl8139_get(card, RTL8139_MPC, 3);

	if (missed < 0xffffff)
		rtl8139_set(card, RTL8139_MPC, 3, missed + 1);
	if (card->state.tally.missed != UINT16_MAX)
		card->state.tally.missed++;
}

static void count_frame(struct rtl8139 *card, const struct incoming *in)
{
	struct rtl8139_tally *tally = &card->state.tally;

	tally->received++;
	tally->received_physical += in->kind == KIND_PHYSICAL;
	tally->received_multicast += in->kind == KIND_MULTICAST;
	tally->received_broadcast += in->kind == KIND_BROADCAST;
}

bool rtl8139_take(struct rtl8139 *card, const struct iovec *iov, unsigned count)
{
	bool is_cplus = rtl8139_is_cplus(card, RTL8139_CPCR_RX);
	struct incoming in;

	if (!(rtl8139_get(card, RTL8139_CR, 1) & RTL8139_CR_RE) ||
	    !pci_is_bus_master(&card->function))
		return true;
	describe(card, is_cplus, &in, iov, count);
	if (in.bytes < NET_HEADER_BYTES || in.bytes > (is_cplus ? LONGEST_CPLUS : LONGEST) ||
	    !is_wanted(card, &in))
		return true;
	TRACE(rtl8139, receive, "%zu bytes", in.bytes);
	if (is_cplus ? take_into_ring(card, &in) : take_into_buffer(card, &in)) {
		count_frame(card, &in);
		rtl8139_raise(card, RTL8139_ROK);
		return true;
	}
	if (!is_cplus || clock_timer_is_pending(&card->refill))
		return false;
	count_missed(card);
	return true;
}

bool rtl8139_receive(void *opaque, const struct iovec *iov, unsigned count)
{
	struct rtl8139 *card = opaque;

	return rtl8139_is_looped(card) || rtl8139_take(card, iov, count);
}

/* When there is room again */

void rtl8139_receive_changed(struct rtl8139 *card)
{
	card->state.is_stalled = false;
	card->refill_tries = 0;
	if (card->port.refused)
		net_ready(&card->port);
}

/**
 * In C+ mode drivers hand descriptors over in memory, and the chip does not hear of it but by the
 * registers that they happen to write about that time. So while somebody waits, the next descriptor
 * is looked at each millisecond; after a second the driver counts as gone and frames are dropped.
 */
void rtl8139_look_for_room(void *opaque)
{
	struct rtl8139 *card = opaque;
	bool has_room = !rtl8139_is_cplus(card, RTL8139_CPCR_RX) ||
			command_at(card, card->state.rx_index) & RTL8139_D_OWN;

	if (!card->port.refused)
		return;
	card->state.is_stalled = ++card->refill_tries >= REFILL_TRIES;
	if (has_room || card->state.is_stalled)
		net_ready(&card->port);
	else
		clock_timer_set(&card->refill, clock_now_ns(card->wires.clock) + REFILL_NS);
}
