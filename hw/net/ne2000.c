// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/net/ne2000.h"

#include <errno.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/trace.h"
#include "hw/net/nic.h"

enum {
	BAR_IO = 0,
	LONGEST = 1518, /* without FCS, with a VLAN tag */
};

static const struct pci_identity identity = {
	.name = "NE2000 (RTL8029AS)",
	.vendor = NE2000_VENDOR,
	.device = NE2000_DEVICE,
	.class = PCI_CLASS_NETWORK,
	.interrupt_pin = 1,
};

static const struct state_field fields[] = {
	STATE_INT(struct ne2000_state, remote_address),
	STATE_INT(struct ne2000_state, remote_count),
	STATE_INT(struct ne2000_state, transmit_count),
	STATE_INT(struct ne2000_state, cr),
	STATE_INT(struct ne2000_state, isr),
	STATE_INT(struct ne2000_state, imr),
	STATE_INT(struct ne2000_state, rcr),
	STATE_INT(struct ne2000_state, tcr),
	STATE_INT(struct ne2000_state, dcr),
	STATE_INT(struct ne2000_state, tsr),
	STATE_INT(struct ne2000_state, rsr),
	STATE_INT(struct ne2000_state, pstart),
	STATE_INT(struct ne2000_state, pstop),
	STATE_INT(struct ne2000_state, bnry),
	STATE_INT(struct ne2000_state, curr),
	STATE_INT(struct ne2000_state, tpsr),
	STATE_INT(struct ne2000_state, missed),
	STATE_ARRAY(struct ne2000_state, par),
	STATE_ARRAY(struct ne2000_state, mar),
	STATE_ARRAY(struct ne2000_state, ram),
	STATE_STRUCT(struct ne2000_state, pci, &pci_state_table),
	STATE_INT(struct ne2000_state, reserved),
};
STATE_TABLE(ne2000_state_table, ne2000_state, fields);

/* Interrupts */

static void update_interrupt(struct ne2000 *card)
{
	bool level = card->state.isr & card->state.imr & ~NE2000_RST;

	if (level != card->state.pci.intx_level)
		pci_set_intx(&card->function, level);
}

static void raise(struct ne2000 *card, uint8_t interrupts)
{
	card->state.isr |= interrupts;
	update_interrupt(card);
}

/* The card's memory: PROM below, RAM above, nothing in between and behind */

static uint8_t memory_read(const struct ne2000 *card, uint16_t address)
{
	if (address < NE2000_PROM_BYTES)
		return card->prom[address];
	if (address >= NE2000_RAM_BASE && address < NE2000_RAM_END)
		return card->state.ram[address - NE2000_RAM_BASE];
	return UINT8_MAX;
}

static void memory_write(struct ne2000 *card, uint16_t address, uint8_t value)
{
	if (address >= NE2000_RAM_BASE && address < NE2000_RAM_END)
		card->state.ram[address - NE2000_RAM_BASE] = value;
}

/* Remote DMA through the data port; chapter 8 */

/** How many bytes an access moves. In word mode a byte access moves a word too. */
static unsigned remote_step(const struct ne2000 *card, unsigned size)
{
	return size == 1 && card->state.dcr & NE2000_DCR_WTS ? 2 : size;
}

static void advance_remote(struct ne2000 *card, unsigned bytes)
{
	struct ne2000_state *s = &card->state;

	s->remote_address = (uint16_t)(s->remote_address + bytes);
	/* A frame that wraps in the ring is read as one. */
	if (s->remote_address == s->pstop * NE2000_PAGE_BYTES)
		s->remote_address = (uint16_t)(s->pstart * NE2000_PAGE_BYTES);
	s->remote_count = (uint16_t)(s->remote_count > bytes ? s->remote_count - bytes : 0);
	if (!s->remote_count)
		raise(card, NE2000_RDC);
}

static uint64_t data_read(struct ne2000 *card, unsigned size)
{
	uint64_t value = 0;

	if (!card->state.remote_count)
		return ones(size);
	for (unsigned i = 0; i < size; i++)
		value |= (uint64_t)memory_read(card, (uint16_t)(card->state.remote_address + i))
			 << (8 * i);
	advance_remote(card, remote_step(card, size));
	return value;
}

static void data_write(struct ne2000 *card, uint64_t value, unsigned size)
{
	if (!card->state.remote_count)
		return;
	for (unsigned i = 0; i < size; i++)
		memory_write(card, (uint16_t)(card->state.remote_address + i),
			     (uint8_t)(value >> (8 * i)));
	advance_remote(card, remote_step(card, size));
}

/** STA only wakes the chip: Linux' 8390 driver writes CR without it and expects frames meanwhile.
 */
static bool is_running(const struct ne2000_state *s)
{
	return !(s->cr & NE2000_CR_STP);
}

/* Transmission: one frame from the card's memory */

static bool send_frame(struct ne2000 *card)
{
	const struct ne2000_state *s = &card->state;
	size_t start = (size_t)s->tpsr * NE2000_PAGE_BYTES - NE2000_RAM_BASE;
	uint8_t short_frame[NET_FRAME_MIN_BYTES] = { 0 };
	struct iovec iov = { (uint8_t *)(uintptr_t)s->ram + start, s->transmit_count };

	if (s->transmit_count < NET_FRAME_MIN_BYTES) {
		memcpy(short_frame, s->ram + start, s->transmit_count);
		iov = (struct iovec){ short_frame, sizeof(short_frame) };
	}
	return net_send(&card->port, &iov, 1);
}

/** Looped frames end in the FIFO, 5.0: they go nowhere. */
static void transmit(void *opaque)
{
	struct ne2000 *card = opaque;
	struct ne2000_state *s = &card->state;
	uint64_t start = (uint64_t)s->tpsr * NE2000_PAGE_BYTES;
	bool fits = start >= NE2000_RAM_BASE &&
		    range_fits(start - NE2000_RAM_BASE, s->transmit_count, NE2000_RAM_BYTES) &&
		    s->transmit_count >= NET_HEADER_BYTES && s->transmit_count <= LONGEST;
	bool is_looped = s->tcr & NE2000_TCR_LOOPBACK;

	if (!(s->cr & NE2000_CR_TXP) || !is_running(s) || card->is_transmitting)
		return;
	card->is_transmitting = true;
	if (!fits || is_looped || send_frame(card)) {
		TRACE(ne2000, transmit, "%u bytes", s->transmit_count);
		s->tsr = fits ? NE2000_TSR_PTX : NE2000_TSR_ABT;
		s->cr &= (uint8_t)~NE2000_CR_TXP;
		raise(card, fits ? NE2000_PTX : NE2000_TXE);
	}
	card->is_transmitting = false;
}

/* Reception into the ring of pages, chapter 7 */

/** Pages of the ring; 0 if the registers do not make one that lies in the card's memory. */
static unsigned ring_pages(const struct ne2000_state *s)
{
	if (s->pstart < NE2000_FIRST_PAGE || s->pstop > NE2000_END_PAGE || s->pstart >= s->pstop)
		return 0;
	if (s->curr < s->pstart || s->curr >= s->pstop)
		return 0;
	return (unsigned)(s->pstop - s->pstart);
}

/**
 * From the page of the next frame to the one where the driver reads; equal means that all is free.
 * BNRY outside of the ring stands for its last page: Linux' 8390 driver writes the page before the
 * one it reads next, which may be the one before PSTART.
 */
static unsigned free_pages(const struct ne2000_state *s, unsigned pages)
{
	bool is_inside = s->bnry >= s->pstart && s->bnry < s->pstop;
	unsigned bnry = is_inside ? s->bnry : s->pstop - 1u,
		 free = (bnry + pages - s->curr) % pages;

	return free ? free : pages;
}

/** Copies to a place in the ring, round its end. */
static void store(struct ne2000 *card, unsigned page, size_t offset, const struct iovec *iov,
		  unsigned count, size_t length)
{
	struct ne2000_state *s = &card->state;
	size_t ring_bytes = (size_t)(s->pstop - s->pstart) * NE2000_PAGE_BYTES;
	size_t at = ((size_t)(page - s->pstart) * NE2000_PAGE_BYTES + offset) % ring_bytes;
	size_t first = min_size(length, ring_bytes - at);
	uint8_t *ring = s->ram + (size_t)(s->pstart - NE2000_FIRST_PAGE) * NE2000_PAGE_BYTES;

	net_iov_copy(iov, count, 0, ring + at, first);
	net_iov_copy(iov, count, first, ring, length - first);
}

static void store_frame(struct ne2000 *card, const struct iovec *iov, unsigned count, size_t length,
			unsigned next)
{
	struct ne2000_state *s = &card->state;
	uint8_t header[NE2000_HEADER_BYTES] = { s->rsr, (uint8_t)next };
	struct iovec head = { header, sizeof(header) }, pieces[NIC_STORED_PIECES];
	unsigned stored = nic_stored_pieces(iov, count, false, length, pieces, NIC_STORED_PIECES);

	store_le16(header + NE2000_HEADER_LENGTH, (uint16_t)length);
	store(card, s->curr, 0, &head, 1, sizeof(header));
	store(card, s->curr, sizeof(header), pieces, stored, length);
}

/** False if there is no room now. */
static bool take_frame(struct ne2000 *card, const struct iovec *iov, unsigned count, bool is_group)
{
	struct ne2000_state *s = &card->state;
	size_t length = max_u64(net_iov_bytes(iov, count), NET_FRAME_MIN_BYTES) + NIC_FCS_BYTES;
	unsigned pages = ring_pages(s), next;
	unsigned needed = (unsigned)((NE2000_HEADER_BYTES + length + NE2000_PAGE_BYTES - 1) /
				     NE2000_PAGE_BYTES);

	if (needed >= pages) {
		if (s->missed < UINT8_MAX)
			s->missed++;
		return true;
	}
	if (needed >= free_pages(s, pages))
		return false;
	next = s->pstart + (s->curr - s->pstart + needed) % pages;
	s->rsr = (uint8_t)(NE2000_RSR_PRX | (is_group ? NE2000_RSR_PHY : 0));
	store_frame(card, iov, count, length, next);
	s->curr = (uint8_t)next;
	raise(card, NE2000_PRX);
	return true;
}

static bool is_wanted(const struct ne2000_state *s, const uint8_t *mac)
{
	unsigned bit;

	if (s->rcr & NE2000_RCR_PRO)
		return true;
	if (nic_is_broadcast(mac))
		return s->rcr & NE2000_RCR_AB;
	if (!nic_is_multicast(mac))
		return memcmp(mac, s->par, NET_MAC_BYTES) == 0;
	bit = nic_multicast_bit(mac);
	return s->rcr & NE2000_RCR_AM && s->mar[bit / 8] & BIT(bit % 8);
}

static bool receive(void *opaque, const struct iovec *iov, unsigned count)
{
	struct ne2000 *card = opaque;
	const struct ne2000_state *s = &card->state;
	size_t bytes = net_iov_bytes(iov, count);
	uint8_t mac[NET_MAC_BYTES] = { 0 };

	if (!is_running(s) || s->rcr & NE2000_RCR_MON || s->tcr & NE2000_TCR_LOOPBACK)
		return true;
	net_iov_copy(iov, count, 0, mac, sizeof(mac));
	if (bytes < NET_HEADER_BYTES || bytes > LONGEST || !is_wanted(s, mac))
		return true;
	TRACE(ne2000, receive, "%zu bytes", bytes);
	return take_frame(card, iov, count, nic_is_multicast(mac));
}

static void receive_changed(struct ne2000 *card)
{
	if (card->port.refused)
		net_ready(&card->port);
}

/* Registers, 10.2 */

/** The command register takes effect at once; a remote DMA of nothing is over at once. */
static void write_cr(struct ne2000 *card, uint8_t value)
{
	struct ne2000_state *s = &card->state;
	uint8_t pending = s->cr & NE2000_CR_TXP;

	s->cr = value | pending; /* a transmission that waits cannot be taken back but by a stop */
	if (value & NE2000_CR_STP) {
		s->cr &= (uint8_t)~NE2000_CR_TXP;
		s->isr |= NE2000_RST;
	} else {
		s->isr &= (uint8_t)~NE2000_RST;
	}
	if ((value & NE2000_CR_SEND) == NE2000_CR_SEND) {
		s->remote_address = (uint16_t)(s->bnry * NE2000_PAGE_BYTES);
		s->remote_count =
			(uint16_t)(memory_read(card, (uint16_t)(s->remote_address + 2)) |
				   memory_read(card, (uint16_t)(s->remote_address + 3)) << 8);
	}
	if (value & NE2000_CR_SEND && !(value & NE2000_CR_ABORT) && !s->remote_count)
		raise(card, NE2000_RDC);
	update_interrupt(card);
	transmit(card);
	receive_changed(card);
}

static void set_low(uint16_t *value, uint8_t byte)
{
	*value = (uint16_t)((*value & 0xff00) | byte);
}

static void set_high(uint16_t *value, uint8_t byte)
{
	*value = (uint16_t)((*value & 0xff) | byte << 8);
}

static void write_page_0(struct ne2000 *card, unsigned reg, uint8_t value)
{
	struct ne2000_state *s = &card->state;

	switch (reg) {
	case NE2000_PSTART:
		s->pstart = value;
		break;
	case NE2000_PSTOP:
		s->pstop = value;
		break;
	case NE2000_BNRY:
		s->bnry = value;
		receive_changed(card);
		break;
	case NE2000_TPSR:
		s->tpsr = value;
		break;
	case NE2000_TBCR0:
		set_low(&s->transmit_count, value);
		break;
	case NE2000_TBCR1:
		set_high(&s->transmit_count, value);
		break;
	case NE2000_ISR:
		s->isr &= (uint8_t) ~(value & ~NE2000_RST);
		update_interrupt(card);
		break;
	case NE2000_RSAR0:
		set_low(&s->remote_address, value);
		break;
	case NE2000_RSAR1:
		set_high(&s->remote_address, value);
		break;
	case NE2000_RBCR0:
		set_low(&s->remote_count, value);
		break;
	case NE2000_RBCR1:
		set_high(&s->remote_count, value);
		break;
	case NE2000_RCR:
		s->rcr = value & 0x3f;
		receive_changed(card);
		break;
	case NE2000_TCR:
		s->tcr = value & 0x1f;
		receive_changed(card);
		break;
	case NE2000_DCR:
		s->dcr = value & 0x7f;
		break;
	case NE2000_IMR:
		s->imr = value & 0x7f;
		update_interrupt(card);
		break;
	default:
		break;
	}
}

static void write_page_1(struct ne2000 *card, unsigned reg, uint8_t value)
{
	struct ne2000_state *s = &card->state;

	if (reg == NE2000_CURR) {
		s->curr = value;
		receive_changed(card);
	} else if (reg >= NE2000_MAR0) {
		s->mar[reg - NE2000_MAR0] = value;
	} else {
		s->par[reg - NE2000_PAR0] = value;
	}
}

/** The upper pages have nothing that can be written. */
static void write_register(struct ne2000 *card, unsigned offset, uint8_t value)
{
	unsigned page = card->state.cr >> NE2000_CR_PAGE_SHIFT;

	TRACE(ne2000, write, "page %u %02x %02x", page, offset, value);
	if (offset == NE2000_CR)
		write_cr(card, value);
	else if (page == 0)
		write_page_0(card, offset, value);
	else if (page == 1)
		write_page_1(card, offset | 0x10, value);
}

static uint8_t read_page_0(const struct ne2000 *card, unsigned reg)
{
	const struct ne2000_state *s = &card->state;

	switch (reg) {
	case NE2000_CLDA1:
		return s->curr;
	case NE2000_BNRY:
		return s->bnry;
	case NE2000_TSR:
		return s->tsr;
	case NE2000_ISR:
		return s->isr;
	case NE2000_CRDA0:
		return (uint8_t)s->remote_address;
	case NE2000_CRDA1:
		return (uint8_t)(s->remote_address >> 8);
	case NE2000_8029ID0:
		return NE2000_8029ID0_VALUE;
	case NE2000_8029ID1:
		return NE2000_8029ID1_VALUE;
	case NE2000_RSR:
		return s->rsr;
	case NE2000_CNTR2:
		return s->missed;
	default:
		return 0;
	}
}

static uint8_t read_upper_page(const struct ne2000 *card, unsigned reg)
{
	const struct ne2000_state *s = &card->state;

	switch (reg) {
	case NE2000_READ_PSTART:
		return s->pstart;
	case NE2000_READ_PSTOP:
		return s->pstop;
	case NE2000_READ_TPSR:
		return s->tpsr;
	case NE2000_READ_RCR:
		return s->rcr;
	case NE2000_READ_TCR:
		return s->tcr;
	case NE2000_READ_DCR:
		return s->dcr;
	case NE2000_READ_IMR:
		return s->imr;
	case NE2000_CONFIG3:
		return NE2000_CONFIG3_VALUE;
	case NE2000_8029ASID0:
		return NE2000_8029ASID0_VALUE;
	case NE2000_8029ASID1:
		return NE2000_8029ASID1_VALUE;
	default:
		return 0;
	}
}

static uint8_t peek_register(const struct ne2000 *card, unsigned offset)
{
	const struct ne2000_state *s = &card->state;
	unsigned page = s->cr >> NE2000_CR_PAGE_SHIFT, reg = page << 4 | offset;

	if (offset == NE2000_CR)
		return s->cr;
	if (page == 0)
		return read_page_0(card, offset);
	if (page > 1)
		return read_upper_page(card, reg);
	if (reg == NE2000_CURR)
		return s->curr;
	return reg >= NE2000_MAR0 ? s->mar[reg - NE2000_MAR0] : s->par[reg - NE2000_PAR0];
}

/** Counters are cleared by reading. */
static uint8_t read_register(struct ne2000 *card, unsigned offset)
{
	uint8_t value = peek_register(card, offset);

	if (offset == NE2000_CNTR2 && card->state.cr >> NE2000_CR_PAGE_SHIFT == 0)
		card->state.missed = 0;
	return value;
}

static void soft_reset(struct ne2000 *card)
{
	struct ne2000_state *s = &card->state;

	s->cr = NE2000_CR_STP | NE2000_CR_ABORT;
	s->isr = NE2000_RST;
	s->imr = 0;
	s->remote_count = 0;
	update_interrupt(card);
	receive_changed(card);
}

/* The window: sixteen byte registers, the data port, the reset port */

static uint64_t io_port_read(void *opaque, uint64_t offset, unsigned size)
{
	struct ne2000 *card = opaque;
	uint64_t value = 0;

	if (offset >= NE2000_RESET_PORT) {
		soft_reset(card);
		return 0;
	}
	if (offset >= NE2000_DATA_PORT)
		return data_read(card, size);
	for (unsigned i = 0; i < size; i++)
		value |= (uint64_t)read_register(card, (unsigned)(offset + i) & 15) << (8 * i);
	return value;
}

/** Writing to the reset port ends the pulse that reading began. */
static void io_port_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
	struct ne2000 *card = opaque;

	if (offset >= NE2000_RESET_PORT)
		return;
	if (offset >= NE2000_DATA_PORT) {
		data_write(card, value, size);
		return;
	}
	for (unsigned i = 0; i < size; i++)
		write_register(card, (unsigned)(offset + i) & 15, (uint8_t)(value >> (8 * i)));
}

static uint64_t io_port_peek(void *opaque, uint64_t offset, unsigned size)
{
	uint64_t value = 0;

	if (offset >= NE2000_DATA_PORT)
		return ones(size);
	for (unsigned i = 0; i < size; i++)
		value |= (uint64_t)peek_register(opaque, (unsigned)(offset + i) & 15) << (8 * i);
	return value;
}

static const struct io_ops io_port_ops = {
	.read = io_port_read,
	.write = io_port_write,
	.peek = io_port_peek,
};

/* Life */

static void ne2000_reset(void *self)
{
	struct ne2000 *card = self;
	struct ne2000_state *s = &card->state;

	memset(s->ram, 0, sizeof(s->ram));
	memset(s->par, 0, sizeof(s->par));
	memset(s->mar, 0, sizeof(s->mar));
	s->remote_address = s->transmit_count = 0;
	s->rcr = s->tcr = s->dcr = s->tsr = s->rsr = 0;
	s->pstart = s->pstop = s->bnry = s->curr = s->tpsr = 0;
	s->missed = 0;
	soft_reset(card);
	pci_function_reset(&card->function);
}

static int ne2000_after_load(void *self, struct err *err)
{
	struct ne2000 *card = self;
	const struct ne2000_state *s = &card->state;

	if (s->imr & ~0x7f || s->rcr & ~0x3f || s->tcr & ~0x1f || s->dcr & ~0x7f ||
	    (s->cr & NE2000_CR_TXP && s->cr & NE2000_CR_STP))
		return err_set(err, -EINVAL, "the NE2000 has values that no register can hold");
	pci_function_update(&card->function);
	transmit(card);
	return 0;
}

static void ne2000_finish(void *self)
{
	struct ne2000 *card = self;

	net_disconnect(&card->port);
	pci_bus_unplug(&card->function);
}

static const struct device_class ne2000_class = {
	.name = "ne2000",
	.reset = ne2000_reset,
	.table = &ne2000_state_table,
	.state_offset = offsetof(struct ne2000, state),
	.version = 1,
	.after_load = ne2000_after_load,
	.finish = ne2000_finish,
};

static const struct net_port_ops port_ops = {
	.receive = receive,
	.resume = transmit,
};

/** The address, each byte twice, and the mark of a 16-bit card. */
static void fill_prom(struct ne2000 *card)
{
	for (unsigned i = 0; i < NET_MAC_BYTES; i++)
		card->prom[2 * i] = card->prom[2 * i + 1] = card->wires.mac[i];
	for (unsigned i = NE2000_PROM_MARK_AT; i < NE2000_PROM_BYTES; i++)
		card->prom[i] = NE2000_PROM_MARK;
}

int ne2000_init(struct ne2000 *card, const struct ne2000_wires *wires, struct err *err)
{
	int result;

	*card = (struct ne2000){ .wires = *wires };
	device_init(&card->device, &ne2000_class, card);
	net_port_init(&card->port, wires->name, &port_ops, card);
	io_window_init(&card->io, "ne2000", &io_port_ops, card, NE2000_IO_BYTES);
	pci_function_init(&card->function, &card->state.pci, &identity, NULL, 0, card);
	pci_function_set_bar(&card->function, BAR_IO, &card->io, PCI_BAR_IO);
	if (wires->rom)
		pci_function_set_bar(&card->function, PCI_ROM_BAR, wires->rom, 0);
	result = pci_bus_plug(wires->bus, &card->function, wires->slot, 0, err);
	if (result < 0)
		return result;
	fill_prom(card);
	ne2000_reset(card);
	return 0;
}
