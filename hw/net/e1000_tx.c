// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The transmit side of the 8254x, chapter 3.3 to 3.6. A packet is looked at as a whole: its
 * descriptors are read once, from the head to the one with EOP; only when all of it is there is it
 * sent and are its descriptors written back. So what is pending lies in the guest's ring alone:
 * when the wire refuses a frame, or the guest has not finished a packet, the walk begins again at
 * the head.
 */
#include "base/bytes.h"
#include "base/trace.h"
#include "hw/net/e1000_internal.h"
#include "hw/net/nic.h"

enum {
	TX_DESCRIPTORS = 256, /* of one packet */
	TX_BATCH = 16,        /* descriptors read at a time */
	TX_BUDGET = 512,      /* descriptors and frames in one go, then others have their turn */
	TX_LONGEST = 16288,   /* of a frame, 13.4.33 */
	TX_LONGEST_TSO = 256 << 10,
	TX_SHORTEST = NET_FRAME_MIN_BYTES,
	TX_HEADER = 258, /* as far as offsets of one byte reach, and the checksum there */
	IPV4_TOTAL = 2,
	IPV4_ID = 4,
	IPV6_PAYLOAD = 4,
	IPV6_BYTES = 40,
	UDP_LENGTH = 4,
	TCP_SEQUENCE = 4,
	TCP_FLAGS = 13,
	TCP_FLAGS_OF_LAST = 0x09, /* FIN and PSH */
};

enum outcome {
	TX_DONE,    /* go on behind it */
	TX_WAITS,   /* its end is not in the ring yet */
	TX_REFUSED, /* the wire has no room */
	TX_PAUSED,  /* the budget is used up */
};

/** What is asked for at one place of a frame. */
struct insertion {
	bool wanted;
	unsigned start, offset, end; /* the bytes that are summed, and where the sum goes */
};

/** A packet, as its descriptors describe it. */
struct packet {
	struct nic_gather data;
	const struct e1000_context *context;
	bool is_started, is_complete; /* its first, its last descriptor was read */
	bool segments, has_tag;
	uint16_t tag;
	struct insertion ip, tu;
	/* For the write-back: what was asked for by each descriptor. */
	uint32_t commands[TX_DESCRIPTORS];
	unsigned descriptors;
	unsigned next; /* behind it in the ring */
	unsigned budget;
};

struct descriptor {
	uint64_t address;
	uint32_t lower, upper;
};

/** A frame ready for the wire: a header of our own, and what follows from guest memory. */
struct outgoing {
	uint8_t header[TX_HEADER + NIC_VLAN_BYTES];
	size_t header_bytes;
	struct iovec iov[NIC_PIECES + 1];
	unsigned count; /* the header's place included */
};

/* Descriptors */

static void parse_context(struct e1000 *card, const struct descriptor *d)
{
	bool segments = d->lower & E1000_TXD_TUCMD_TSE;
	struct e1000_context *context = segments ? &card->state.segmentation : &card->state.plain;

	*context = (struct e1000_context){
		.ip_start = (uint8_t)d->address,
		.ip_offset = (uint8_t)(d->address >> 8),
		.ip_end = (uint16_t)(d->address >> 16),
		.tu_start = (uint8_t)(d->address >> 32),
		.tu_offset = (uint8_t)(d->address >> 40),
		.tu_end = (uint16_t)(d->address >> 48),
		.is_tcp = d->lower & E1000_TXD_TUCMD_TCP,
		.is_ipv4 = d->lower & E1000_TXD_TUCMD_IP,
		.header_bytes = (uint8_t)(d->upper >> E1000_TXD_HDRLEN_SHIFT),
		.mss = (uint16_t)(d->upper >> 16),
	};
}

/** The first data descriptor says what is to be done with the whole packet. */
static void start_packet(struct e1000 *card, struct packet *p, const struct descriptor *d)
{
	const struct e1000_context *c;

	p->is_started = true;
	p->segments = d->lower & E1000_TXD_TSE;
	c = p->context = p->segments ? &card->state.segmentation : &card->state.plain;
	p->ip = (struct insertion){ d->upper & E1000_TXD_POPTS_IXSM, c->ip_start, c->ip_offset,
				    c->ip_end };
	p->tu = (struct insertion){ d->upper & E1000_TXD_POPTS_TXSM, c->tu_start, c->tu_offset,
				    c->tu_end };
}

static void start_legacy_packet(struct packet *p, const struct descriptor *d)
{
	p->is_started = true;
	p->tu = (struct insertion){
		.wanted = d->lower & E1000_TXD_LEGACY_IC,
		.start = d->upper >> E1000_TXD_LEGACY_CSS_SHIFT & UINT8_MAX,
		.offset = d->lower >> E1000_TXD_LEGACY_CSO_SHIFT & UINT8_MAX,
	};
}

/** Adds a descriptor's data; false if the packet has become too long. */
static bool add_data(struct e1000 *card, struct packet *p, const struct descriptor *d)
{
	bool is_legacy = !(d->lower & E1000_TXD_DEXT);
	uint32_t mask = is_legacy ? E1000_TXD_LEGACY_LENGTH : E1000_TXD_LENGTH;

	if (!p->is_started && is_legacy)
		start_legacy_packet(p, d);
	else if (!p->is_started)
		start_packet(card, p, d);
	if (d->lower & E1000_TXD_EOP && d->lower & E1000_TXD_VLE &&
	    card->state.ctrl & E1000_CTRL_VME) {
		p->has_tag = true;
		p->tag = (uint16_t)(d->upper >> E1000_TXD_SPECIAL_SHIFT);
	}
	return nic_gather_add(&p->data, d->address, d->lower & mask);
}

static bool is_context(const struct descriptor *d)
{
	return d->lower & E1000_TXD_DEXT &&
	       (d->lower >> E1000_TXD_TYPE_SHIFT & 15) == E1000_TXD_TYPE_CONTEXT;
}

/** Descriptors from 'index' on, up to the end of the ring or of what the guest has added. */
static unsigned fetch(struct e1000 *card, unsigned index, unsigned count, struct descriptor *out)
{
	const struct e1000_ring *ring = &card->state.tx;
	unsigned end = ring->tail > index ? ring->tail : count;
	unsigned batch = (unsigned)min_u64(end - index, TX_BATCH);
	uint8_t bytes[TX_BATCH * E1000_DESCRIPTOR_BYTES];

	ram_read(card->wires.ram, e1000_ring_gpa(ring, index), bytes,
		 (size_t)batch * E1000_DESCRIPTOR_BYTES);
	for (unsigned i = 0; i < batch; i++) {
		const uint8_t *at = bytes + (size_t)i * E1000_DESCRIPTOR_BYTES;

		out[i] = (struct descriptor){ load_le64(at + E1000_TXD_ADDRESS),
					      load_le32(at + E1000_TXD_LOWER),
					      load_le32(at + E1000_TXD_UPPER) };
	}
	return batch;
}

/**
 * Reads from the head to the end of a packet, or one context descriptor. A packet of too many
 * pieces is skipped up to its end, however far that is.
 */
static enum outcome collect(struct e1000 *card, unsigned count, struct packet *p)
{
	struct e1000_state *s = &card->state;
	struct descriptor batch[TX_BATCH];
	unsigned have = 0, used = 0;

	p->next = s->tx.head;
	while (p->next != s->tx.tail) {
		const struct descriptor *d;

		if (p->descriptors == TX_DESCRIPTORS) {
			s->is_skipping = true;
			return TX_DONE;
		}
		if (used == have) {
			have = fetch(card, p->next, count, batch);
			used = 0;
		}
		d = &batch[used++];
		p->next = (p->next + 1) % count;
		p->commands[p->descriptors++] = d->lower;
		if (is_context(d)) {
			parse_context(card, d);
			if (!p->is_started)
				return TX_DONE;
			continue;
		}
		if (!s->is_skipping && !add_data(card, p, d))
			s->is_skipping = true;
		p->is_complete = d->lower & E1000_TXD_EOP;
		if (p->is_complete)
			return TX_DONE;
	}
	return s->is_skipping ? TX_DONE : TX_WAITS;
}

/* Frames */

static void count_frame(struct e1000 *card, const uint8_t *mac, size_t bytes)
{
	bytes = max_u64(bytes, TX_SHORTEST) + NIC_FCS_BYTES;
	e1000_count(card, E1000_TPT);
	e1000_count(card, E1000_GPTC);
	if (nic_is_broadcast(mac))
		e1000_count(card, E1000_BPTC);
	else if (nic_is_multicast(mac))
		e1000_count(card, E1000_MPTC);
	e1000_count_bytes(card, E1000_TOTL, bytes);
	e1000_count_bytes(card, E1000_GOTCL, bytes);
	e1000_count_size(card, E1000_PTC64, bytes);
}

/**
 * Loop-back: the frame is copied out of guest memory first, since it may go to the very place it
 * comes from. What the receiver has no room for is lost, as on a wire.
 */
static void loop_back(struct e1000 *card, const struct iovec *iov, unsigned count)
{
	uint8_t frame[TX_LONGEST + NIC_VLAN_BYTES];
	struct iovec copy = { frame, net_iov_copy(iov, count, 0, frame, sizeof(frame)) };

	e1000_take(card, &copy, 1);
}

static bool send_pieces(struct e1000 *card, const struct iovec *iov, unsigned count)
{
	uint8_t mac[NET_MAC_BYTES] = { 0 };

	net_iov_copy(iov, count, 0, mac, sizeof(mac));
	if (e1000_is_looped(card))
		loop_back(card, iov, count);
	else if (!net_send(&card->port, iov, count))
		return false;
	TRACE(e1000, transmit, "%zu bytes", net_iov_bytes(iov, count));
	count_frame(card, mac, net_iov_bytes(iov, count));
	return true;
}

/** Makes room for the tag behind the addresses. */
static void insert_tag(const struct e1000 *card, const struct packet *p, struct outgoing *out)
{
	uint8_t *at = out->header + NIC_ETHERTYPE;

	memmove(at + NIC_VLAN_BYTES, at, out->header_bytes - NIC_ETHERTYPE);
	store_be16(at, (uint16_t)(card->state.vet ? card->state.vet : NIC_TYPE_VLAN));
	store_be16(at + 2, p->tag);
	out->header_bytes += NIC_VLAN_BYTES;
}

/** Pads with zeros of our own: nothing of an earlier frame goes out. */
static void pad(const struct e1000 *card, struct outgoing *out)
{
	size_t bytes = out->header_bytes + net_iov_bytes(out->iov + 1, out->count - 1);

	if (bytes >= TX_SHORTEST || !(card->state.tctl & E1000_TCTL_PSP))
		return;
	/* So short a frame lies in the header as a whole. */
	memset(out->header + out->header_bytes, 0, TX_SHORTEST - bytes);
	out->header_bytes += TX_SHORTEST - bytes;
}

/** Sums [start, end] of the frame and puts the result into the header; an end of 0 is the frame's.
 */
static void insert_checksum(struct outgoing *out, const struct insertion *in)
{
	size_t bytes, end;
	uint16_t sum;

	out->iov[0] = (struct iovec){ out->header, out->header_bytes };
	bytes = net_iov_bytes(out->iov, out->count);
	end = in->end && in->end + 1u < bytes ? in->end + 1u : bytes;
	if (!in->wanted || in->start >= end || in->offset + 2u > out->header_bytes)
		return;
	sum = net_checksum_fold(nic_sum(out->iov, out->count, in->start, end - in->start));
	store_be16(out->header + in->offset, sum ? sum : UINT16_MAX);
}

/** Header of our own, payload from guest memory. */
static void compose(struct outgoing *out, const struct packet *p, size_t header, size_t offset,
		    size_t payload)
{
	const struct nic_gather *data = &p->data;

	out->header_bytes = net_iov_copy(data->iov, data->count, 0, out->header, header);
	out->count = 1 + nic_slice(data->iov, data->count, header + offset, payload, out->iov + 1,
				   NIC_PIECES);
}

static bool finish_frame(struct e1000 *card, const struct packet *p, struct outgoing *out)
{
	insert_checksum(out, &p->ip);
	insert_checksum(out, &p->tu);
	if (p->has_tag)
		insert_tag(card, p, out);
	pad(card, out);
	out->iov[0] = (struct iovec){ out->header, out->header_bytes };
	return send_pieces(card, out->iov, out->count);
}

static enum outcome send_plain(struct e1000 *card, struct packet *p)
{
	bool is_plain = !p->ip.wanted && !p->tu.wanted && !p->has_tag;
	struct outgoing out;
	size_t header = min_size(p->data.bytes, TX_HEADER);
	bool sent;

	if (p->data.bytes < NET_HEADER_BYTES || p->data.bytes > TX_LONGEST)
		return TX_DONE;
	if (is_plain && p->data.bytes >= TX_SHORTEST) {
		sent = send_pieces(card, p->data.iov, p->data.count);
	} else {
		compose(&out, p, header, 0, p->data.bytes - header);
		sent = finish_frame(card, p, &out);
	}
	return sent ? TX_DONE : TX_REFUSED;
}

/* TCP segmentation, 3.5: the header is repeated, with lengths, numbers and flags of its own. */

static bool has_room(const struct outgoing *out, size_t start, size_t bytes)
{
	return start + bytes <= out->header_bytes;
}

static void patch_ip(struct outgoing *out, const struct e1000_context *c, size_t frame,
		     unsigned segment)
{
	uint8_t *ip = out->header + c->ip_start;

	if (!has_room(out, c->ip_start, IPV4_ID + 2))
		return;
	if (c->is_ipv4) {
		store_be16(ip + IPV4_TOTAL, (uint16_t)(frame - c->ip_start));
		store_be16(ip + IPV4_ID, (uint16_t)(load_be16(ip + IPV4_ID) + segment));
	} else if (frame >= (size_t)c->ip_start + IPV6_BYTES) {
		store_be16(ip + IPV6_PAYLOAD, (uint16_t)(frame - c->ip_start - IPV6_BYTES));
	}
}

/** The driver leaves the length out of the pseudo header's sum, 3.6. */
static void add_length_to_sum(struct outgoing *out, const struct e1000_context *c, size_t length)
{
	uint8_t *field = out->header + c->tu_offset;
	uint32_t sum;

	if (!has_room(out, c->tu_offset, 2))
		return;
	sum = load_be16(field) + (uint32_t)length;
	store_be16(field, (uint16_t)((sum & UINT16_MAX) + (sum >> 16)));
}

static void patch_transport(struct outgoing *out, const struct e1000_context *c, size_t frame,
			    uint32_t offset, bool is_last)
{
	uint8_t *tu = out->header + c->tu_start;

	if (frame < c->tu_start)
		return;
	if (!c->is_tcp) {
		if (has_room(out, c->tu_start, UDP_LENGTH + 2))
			store_be16(tu + UDP_LENGTH, (uint16_t)(frame - c->tu_start));
	} else if (has_room(out, c->tu_start, TCP_FLAGS + 1)) {
		store_be32(tu + TCP_SEQUENCE, load_be32(tu + TCP_SEQUENCE) + offset);
		if (!is_last)
			tu[TCP_FLAGS] = (uint8_t)(tu[TCP_FLAGS] & ~TCP_FLAGS_OF_LAST);
	}
	add_length_to_sum(out, c, frame - c->tu_start);
}

static bool send_segment(struct e1000 *card, struct packet *p, uint32_t offset, size_t payload,
			 bool is_last)
{
	const struct e1000_context *c = p->context;
	size_t frame = c->header_bytes + payload;
	struct outgoing out;

	compose(&out, p, c->header_bytes, offset, payload);
	patch_ip(&out, c, frame, offset / c->mss);
	patch_transport(&out, c, frame, offset, is_last);
	return finish_frame(card, p, &out);
}

/** Segments that have gone out are remembered by the payload they took: after a pause the packet is
 * read again from the ring. */
static enum outcome send_segments(struct e1000 *card, struct packet *p)
{
	const struct e1000_context *c = p->context;
	uint32_t *sent = &card->state.sent_bytes;
	size_t payload;

	if (c->mss == 0 || c->header_bytes < NET_HEADER_BYTES || p->data.bytes <= c->header_bytes ||
	    c->mss + c->header_bytes > TX_LONGEST || p->data.bytes > TX_LONGEST_TSO)
		return TX_DONE;
	payload = p->data.bytes - c->header_bytes;
	if (*sent == 0)
		e1000_count(card, E1000_TSCTC);
	while (*sent < payload) {
		size_t length = min_size(c->mss, payload - *sent);

		if (p->budget == 0)
			return TX_PAUSED;
		p->budget--;
		if (!send_segment(card, p, *sent, length, *sent + length == payload))
			return TX_REFUSED;
		*sent += (uint32_t)length;
	}
	return TX_DONE;
}

static enum outcome send_packet(struct e1000 *card, struct packet *p)
{
	if (!p->is_started || card->state.is_skipping)
		return TX_DONE;
	return p->segments ? send_segments(card, p) : send_plain(card, p);
}

/* The ring */

static void write_back(struct e1000 *card, unsigned count, const struct packet *p)
{
	const struct e1000_ring *ring = &card->state.tx;
	const uint8_t done = E1000_TXD_DD;
	uint32_t now = 0, later = 0;

	for (unsigned i = 0; i < p->descriptors; i++) {
		unsigned index = (ring->head + i) % count;

		if (!(p->commands[i] & (E1000_TXD_RS | E1000_TXD_RPS)))
			continue;
		ram_write(card->wires.ram, e1000_ring_gpa(ring, index) + E1000_TXD_UPPER, &done, 1);
		if (p->commands[i] & E1000_TXD_IDE && ring->delay)
			later = E1000_CAUSE_TXDW;
		else
			now = E1000_CAUSE_TXDW;
	}
	if (now)
		e1000_raise(card, now);
	else if (later)
		e1000_raise_later(card, later, ring);
}

/** Sends one packet, or takes one context; its descriptors are the guest's again afterwards. */
static enum outcome transmit_one(struct e1000 *card, unsigned count, unsigned *budget)
{
	struct packet p;
	struct e1000_state *s = &card->state;
	enum outcome outcome;

	p.is_started = p.is_complete = p.segments = p.has_tag = false;
	p.ip.wanted = p.tu.wanted = false;
	p.descriptors = 0;
	p.budget = *budget;
	nic_gather_init(&p.data, card->wires.ram);
	outcome = collect(card, count, &p);
	if (outcome == TX_DONE)
		outcome = send_packet(card, &p);
	nic_gather_release(&p.data);
	*budget = p.budget > p.descriptors ? p.budget - p.descriptors : 0;
	if (outcome != TX_DONE)
		return outcome;
	if (p.is_complete)
		s->is_skipping = false;
	write_back(card, count, &p);
	s->tx.head = p.next;
	s->sent_bytes = 0;
	return TX_DONE;
}

static bool can_transmit(const struct e1000 *card)
{
	return card->state.tctl & E1000_TCTL_EN && pci_is_bus_master(&card->function);
}

static void transmit_ring(struct e1000 *card)
{
	const struct e1000_ring *ring = &card->state.tx;
	unsigned count = e1000_ring_count(ring), budget = TX_BUDGET;
	enum outcome outcome = TX_DONE;

	if (!count || !can_transmit(card) || ring->head == ring->tail)
		return;
	while (outcome == TX_DONE && ring->head != ring->tail && budget)
		outcome = transmit_one(card, count, &budget);
	if (ring->head == ring->tail)
		e1000_raise(card, E1000_CAUSE_TXQE);
	else if (outcome == TX_DONE || outcome == TX_PAUSED)
		clock_timer_set(&card->transmit, clock_now_ns(card->wires.clock));
}

void e1000_transmit(void *opaque)
{
	struct e1000 *card = opaque;

	if (card->is_transmitting)
		return;
	card->is_transmitting = true;
	transmit_ring(card);
	card->is_transmitting = false;
}
