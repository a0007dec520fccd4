// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The transmit side of the RTL8139C+: four buffers in C mode, two rings in C+ mode. A packet of
 * several descriptors is looked at as a whole: they are read once, and only when the last is there
 * is it sent and are they given back. So what is pending lies in the guest's ring alone.
 */
#include "base/bytes.h"
#include "base/trace.h"
#include "hw/net/nic.h"
#include "hw/net/rtl8139_internal.h"

enum {
	TX_LONGEST = 1792,        /* of C mode, 6.3 */
	TX_LONGEST_CPLUS = 65535, /* of a packet to be segmented too */
	TX_BUDGET = 256,          /* packets and segments in one go, then others have their turn */
	TX_HEADER = 192,          /* Ethernet, VLAN tag, IP and TCP headers at their longest: 138 */
	IPV4_BYTES = 20,
	IPV4_TOTAL = 2,
	IPV4_ID = 4,
	IPV4_PROTOCOL = 9,
	IPV4_CHECKSUM = 10,
	TCP_BYTES = 20,
	TCP_SEQUENCE = 4,
	TCP_OFFSET = 12,
	TCP_FLAGS = 13,
	TCP_FLAGS_OF_LAST = 0x09, /* FIN and PSH */
	TCP_CHECKSUM = 16,
	UDP_BYTES = 8,
	UDP_CHECKSUM = 6,
};

enum outcome {
	TX_DONE,    /* go on behind it */
	TX_WAITS,   /* its end is not in the ring yet */
	TX_REFUSED, /* the wire has no room */
	TX_PAUSED,  /* the budget is used up */
};

static const uint8_t ring_registers[2] = { RTL8139_TNPDS, RTL8139_THPDS };
static const uint8_t ring_polls[2] = { RTL8139_TPPOLL_NPQ, RTL8139_TPPOLL_HPQ };

/** A packet of C+ mode, as its descriptors describe it. */
struct packet {
	struct nic_gather data;
	uint32_t commands[RTL8139_D_COUNT];
	unsigned descriptors;
	unsigned next; /* index behind it */
	uint32_t vlan; /* of its first descriptor */
	bool is_too_long;
	/* Where the headers are, by lengths that were checked; 0: no such header. */
	unsigned ip, ip_bytes, tu, tu_bytes;
	uint8_t protocol;
};

/** A frame ready for the wire: a header of our own, and what follows from guest memory. */
struct outgoing {
	uint8_t header[TX_HEADER + NIC_VLAN_BYTES];
	size_t header_bytes;
	struct iovec iov[NIC_PIECES + 1];
	unsigned count;
};

/* Frames */

/** A copy first: a looped frame may go to the very place it comes from. */
static void loop_back(struct rtl8139 *card, const struct iovec *iov, unsigned count)
{
	uint8_t frame[RTL8139_RXD_SIZE];
	struct iovec copy = { frame, net_iov_copy(iov, count, 0, frame, sizeof(frame)) };

	rtl8139_take(card, &copy, 1);
}

static bool send_pieces(struct rtl8139 *card, const struct iovec *iov, unsigned count)
{
	if (rtl8139_is_looped(card))
		loop_back(card, iov, count);
	else if (!net_send(&card->port, iov, count))
		return false;
	TRACE(rtl8139, transmit, "%zu bytes", net_iov_bytes(iov, count));
	card->state.tally.sent++;
	return true;
}

/** Pads with zeros of our own: nothing of an earlier frame goes out. */
static bool send_padded(struct rtl8139 *card, const struct iovec *iov, unsigned count)
{
	uint8_t frame[NET_FRAME_MIN_BYTES] = { 0 };
	struct iovec padded = { frame, sizeof(frame) };

	if (net_iov_bytes(iov, count) >= NET_FRAME_MIN_BYTES)
		return send_pieces(card, iov, count);
	net_iov_copy(iov, count, 0, frame, sizeof(frame));
	return send_pieces(card, &padded, 1);
}

/* C mode: four buffers in turn */

/** False if the wire has no room. */
static bool send_buffer(struct rtl8139 *card, unsigned buffer)
{
	uint32_t tsd = rtl8139_get(card, RTL8139_TSD + 4 * buffer, 4);
	size_t length = tsd & RTL8139_TSD_SIZE;
	struct nic_gather data;
	bool is_sent = true, is_good = length <= TX_LONGEST;

	nic_gather_init(&data, card->wires.ram);
	if (is_good)
		is_good = nic_gather_add(&data, rtl8139_get(card, RTL8139_TSAD + 4 * buffer, 4),
					 length);
	if (is_good && length >= NET_HEADER_BYTES)
		is_sent = send_padded(card, data.iov, data.count);
	nic_gather_release(&data);
	if (!is_sent)
		return false;
	rtl8139_set(card, RTL8139_TSD + 4 * buffer, 4,
		    tsd | RTL8139_TSD_OWN | (is_good ? RTL8139_TSD_TOK : RTL8139_TSD_TABT));
	rtl8139_raise(card, is_good ? RTL8139_TOK : RTL8139_TER);
	return true;
}

static void transmit_buffers(struct rtl8139 *card)
{
	struct rtl8139_state *s = &card->state;

	for (unsigned i = 0; i < RTL8139_TSD_BUFFERS; i++) {
		unsigned buffer = s->tx_buffer;

		if (rtl8139_get(card, RTL8139_TSD + 4 * buffer, 4) & RTL8139_TSD_OWN)
			return;
		if (!send_buffer(card, buffer))
			return;
		s->tx_buffer = (uint8_t)((buffer + 1) % RTL8139_TSD_BUFFERS);
	}
}

/* C+ mode: collecting a packet */

static uint64_t descriptor_gpa(const struct rtl8139 *card, unsigned ring, unsigned index)
{
	return rtl8139_address(card, ring_registers[ring]) + (uint64_t)index * RTL8139_D_BYTES;
}

/** From the ring's place to the descriptor with LS; a ring full of others is given back unsent. */
static enum outcome collect(struct rtl8139 *card, unsigned ring, struct packet *p)
{
	p->next = card->state.tx_index[ring];
	while (p->descriptors < RTL8139_D_COUNT) {
		uint8_t bytes[RTL8139_D_BYTES];
		uint32_t command;

		ram_read(card->wires.ram, descriptor_gpa(card, ring, p->next), bytes,
			 sizeof(bytes));
		command = load_le32(bytes + RTL8139_D_COMMAND);
		if (!(command & RTL8139_D_OWN))
			return TX_WAITS;
		if (p->descriptors == 0)
			p->vlan = load_le32(bytes + RTL8139_D_VLAN);
		p->commands[p->descriptors++] = command;
		p->next = command & RTL8139_D_EOR ? 0 : (p->next + 1) % RTL8139_D_COUNT;
		if (!nic_gather_add(&p->data, load_le64(bytes + RTL8139_D_ADDRESS),
				    command & RTL8139_TXD_SIZE) ||
		    p->data.bytes > TX_LONGEST_CPLUS)
			p->is_too_long = true;
		if (command & RTL8139_D_LS)
			return TX_DONE;
	}
	p->is_too_long = true;
	return TX_DONE;
}

/**
 * Finds the headers that offloads work on. Every length the guest wrote into them is checked
 * against what the packet has; if one does not fit, the packet has no such header and goes out as
 * it is.
 */
static void find_headers(struct packet *p, const uint8_t *header, size_t bytes)
{
	unsigned ip = NET_HEADER_BYTES, ip_bytes, total, tu_bytes;

	if (bytes < NET_HEADER_BYTES + IPV4_BYTES)
		return;
	if (load_be16(header + NIC_ETHERTYPE) == NIC_TYPE_VLAN)
		ip += NIC_VLAN_BYTES;
	if (load_be16(header + ip - 2) != NIC_TYPE_IPV4 || bytes < ip + IPV4_BYTES)
		return;
	ip_bytes = 4u * (header[ip] & 15);
	total = load_be16(header + ip + IPV4_TOTAL);
	if (header[ip] >> 4 != 4 || ip_bytes < IPV4_BYTES || ip + ip_bytes > bytes)
		return;
	p->ip = ip;
	p->ip_bytes = ip_bytes;
	if (total < ip_bytes || ip + total > p->data.bytes)
		return;
	tu_bytes = header[ip + IPV4_PROTOCOL] == NIC_PROTOCOL_TCP ? TCP_BYTES : UDP_BYTES;
	if (total - ip_bytes < tu_bytes || ip + ip_bytes + tu_bytes > bytes)
		return;
	p->protocol = header[ip + IPV4_PROTOCOL];
	p->tu = ip + ip_bytes;
	p->tu_bytes = total - ip_bytes;
}

/* C+ mode: offloads */

static void insert_ip_checksum(struct outgoing *out, const struct packet *p)
{
	uint8_t *field = out->header + p->ip + IPV4_CHECKSUM;

	store_be16(field, 0);
	store_be16(field, net_checksum_fold(net_checksum_add(0, out->header + p->ip, p->ip_bytes)));
}

/** Over the pseudo header and 'bytes' bytes from the transport header on. */
static void insert_checksum(struct outgoing *out, const struct packet *p, unsigned field_offset,
			    size_t bytes)
{
	uint8_t *field = out->header + p->tu + field_offset;
	uint32_t sum;
	uint16_t folded;

	store_be16(field, 0);
	sum = nic_sum(out->iov, out->count, p->tu, bytes) +
	      nic_pseudo_sum(out->header + p->ip, p->protocol, bytes);
	folded = net_checksum_fold(sum);
	store_be16(field, folded ? folded : UINT16_MAX);
}

static void compose(struct outgoing *out, const struct packet *p, size_t header, size_t offset,
		    size_t payload)
{
	const struct nic_gather *data = &p->data;

	out->header_bytes = net_iov_copy(data->iov, data->count, 0, out->header, header);
	out->iov[0] = (struct iovec){ out->header, out->header_bytes };
	out->count = 1 + nic_slice(data->iov, data->count, header + offset, payload, out->iov + 1,
				   NIC_PIECES);
}

/** Inserts the tag, which the descriptor has in the order of the wire, and sends. */
static bool finish_frame(struct rtl8139 *card, const struct packet *p, struct outgoing *out)
{
	uint8_t *at = out->header + NIC_ETHERTYPE;

	if (p->vlan & RTL8139_TXD_TAGC) {
		memmove(at + NIC_VLAN_BYTES, at, out->header_bytes - NIC_ETHERTYPE);
		store_be16(at, NIC_TYPE_VLAN);
		store_le16(at + 2, (uint16_t)p->vlan);
		out->header_bytes += NIC_VLAN_BYTES;
	}
	out->iov[0] = (struct iovec){ out->header, out->header_bytes };
	return send_padded(card, out->iov, out->count);
}

static enum outcome send_plain(struct rtl8139 *card, struct packet *p)
{
	uint32_t command = p->commands[0];
	size_t header = min_size(p->data.bytes, TX_HEADER);
	struct outgoing out;

	if (p->data.bytes > RTL8139_RXD_SIZE)
		return TX_DONE;
	compose(&out, p, header, 0, p->data.bytes - header);
	if (command & RTL8139_TXD_IPCS && p->ip)
		insert_ip_checksum(&out, p);
	if (command & RTL8139_TXD_TCPCS && p->tu && p->protocol == NIC_PROTOCOL_TCP)
		insert_checksum(&out, p, TCP_CHECKSUM, p->tu_bytes);
	else if (command & RTL8139_TXD_UDPCS && p->tu && p->protocol == NIC_PROTOCOL_UDP)
		insert_checksum(&out, p, UDP_CHECKSUM, p->tu_bytes);
	return finish_frame(card, p, &out) ? TX_DONE : TX_REFUSED;
}

static bool send_segment(struct rtl8139 *card, const struct packet *p, size_t header,
			 uint32_t offset, size_t payload, bool is_last)
{
	unsigned mss = p->commands[0] >> RTL8139_TXD_MSS_SHIFT & RTL8139_TXD_MSS;
	struct outgoing out;
	uint8_t *ip, *tcp;

	compose(&out, p, header, offset, payload);
	ip = out.header + p->ip;
	tcp = out.header + p->tu;
	store_be16(ip + IPV4_TOTAL, (uint16_t)(header - p->ip + payload));
	store_be16(ip + IPV4_ID, (uint16_t)(load_be16(ip + IPV4_ID) + offset / mss));
	store_be32(tcp + TCP_SEQUENCE, load_be32(tcp + TCP_SEQUENCE) + offset);
	if (!is_last)
		tcp[TCP_FLAGS] = (uint8_t)(tcp[TCP_FLAGS] & ~TCP_FLAGS_OF_LAST);
	insert_ip_checksum(&out, p);
	insert_checksum(&out, p, TCP_CHECKSUM, header - p->tu + payload);
	return finish_frame(card, p, &out);
}

/** Segments that have gone out are remembered by the payload they took. */
static enum outcome send_segments(struct rtl8139 *card, unsigned ring, struct packet *p,
				  size_t header, unsigned *budget)
{
	unsigned mss = p->commands[0] >> RTL8139_TXD_MSS_SHIFT & RTL8139_TXD_MSS;
	uint32_t *sent = &card->state.sent_bytes[ring];
	size_t payload = p->tu + p->tu_bytes - header;

	while (*sent < payload) {
		size_t length = min_size(mss, payload - *sent);

		if (*budget == 0)
			return TX_PAUSED;
		--*budget;
		if (!send_segment(card, p, header, *sent, length, *sent + length == payload))
			return TX_REFUSED;
		*sent += (uint32_t)length;
	}
	return TX_DONE;
}

static enum outcome send_packet(struct rtl8139 *card, unsigned ring, struct packet *p,
				unsigned *budget)
{
	uint32_t mss = p->commands[0] >> RTL8139_TXD_MSS_SHIFT & RTL8139_TXD_MSS;
	uint8_t header[TX_HEADER];
	size_t bytes, tcp_end;

	if (p->is_too_long || p->data.bytes < NET_HEADER_BYTES)
		return TX_DONE;
	bytes = net_iov_copy(p->data.iov, p->data.count, 0, header, sizeof(header));
	find_headers(p, header, bytes);
	if (!(p->commands[0] & RTL8139_TXD_LGSEN) || !p->tu || p->protocol != NIC_PROTOCOL_TCP)
		return send_plain(card, p);
	tcp_end = p->tu + 4u * (header[p->tu + TCP_OFFSET] >> 4);
	if (!mss || tcp_end < p->tu + TCP_BYTES || tcp_end > bytes ||
	    tcp_end >= (size_t)p->tu + p->tu_bytes)
		return send_plain(card, p);
	return send_segments(card, ring, p, tcp_end, budget);
}

/* C+ mode: the rings */

static void give_back(struct rtl8139 *card, unsigned ring, const struct packet *p)
{
	unsigned index = card->state.tx_index[ring];

	for (unsigned i = 0; i < p->descriptors; i++) {
		uint8_t bytes[4];

		store_le32(bytes, p->commands[i] & ~(uint32_t)RTL8139_D_OWN);
		ram_write(card->wires.ram, descriptor_gpa(card, ring, index), bytes, sizeof(bytes));
		index = p->commands[i] & RTL8139_D_EOR ? 0 : (index + 1) % RTL8139_D_COUNT;
	}
	card->state.tx_index[ring] = (uint8_t)p->next;
	card->state.sent_bytes[ring] = 0;
	rtl8139_raise(card, RTL8139_TOK);
}

static enum outcome transmit_one(struct rtl8139 *card, unsigned ring, unsigned *budget)
{
	struct packet p;
	enum outcome outcome;

	p.descriptors = 0;
	p.is_too_long = false;
	p.ip = p.tu = 0;
	p.protocol = 0;
	nic_gather_init(&p.data, card->wires.ram);
	outcome = collect(card, ring, &p);
	if (outcome == TX_DONE)
		outcome = send_packet(card, ring, &p, budget);
	nic_gather_release(&p.data);
	if (outcome == TX_DONE)
		give_back(card, ring, &p);
	*budget -= *budget > 0;
	return outcome;
}

static void transmit_ring(struct rtl8139 *card, unsigned ring)
{
	uint32_t polls = rtl8139_get(card, RTL8139_TPPOLL, 1);
	unsigned budget = TX_BUDGET;
	enum outcome outcome = TX_DONE;

	if (!(polls & ring_polls[ring]))
		return;
	while (outcome == TX_DONE && budget)
		outcome = transmit_one(card, ring, &budget);
	if (outcome == TX_WAITS) {
		rtl8139_set(card, RTL8139_TPPOLL, 1, polls & ~(uint32_t)ring_polls[ring]);
		rtl8139_raise(card, RTL8139_TDU);
	} else if (outcome != TX_REFUSED) {
		clock_timer_set(&card->transmit, clock_now_ns(card->wires.clock));
	}
}

static void transmit_all(struct rtl8139 *card)
{
	if (!(rtl8139_get(card, RTL8139_CR, 1) & RTL8139_CR_TE) ||
	    !pci_is_bus_master(&card->function))
		return;
	if (rtl8139_is_cplus(card, RTL8139_CPCR_TX)) {
		transmit_ring(card, 1);
		transmit_ring(card, 0);
	} else if (!rtl8139_is_cplus(card, RTL8139_CPCR_RX)) {
		transmit_buffers(card);
	}
}

void rtl8139_transmit(void *opaque)
{
	struct rtl8139 *card = opaque;

	if (card->is_transmitting)
		return;
	card->is_transmitting = true;
	transmit_all(card);
	card->is_transmitting = false;
}
