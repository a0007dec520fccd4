// SPDX-License-Identifier: GPL-2.0-or-later
/* Registers, interrupts and life of the 8254x. */
#include <errno.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/trace.h"
#include "hw/net/e1000_internal.h"

enum {
	BAR_MEMORY = 0,
	BAR_IO = 1,
	STATUS_RESET = E1000_STATUS_FD | E1000_STATUS_SPEED_1000 | E1000_STATUS_ASDV_1000,
	LEDCTL_RESET = 0x07068302, /* 13.4.24: link up, activity, and the speeds */
	PBA_RESET = 0x00100030,    /* KiB of the packet buffer: 48 to receive, 16 to transmit */
	CTRL_RESET = E1000_CTRL_FD | E1000_CTRL_ASDE | E1000_CTRL_SPEED_1000 | E1000_CTRL_SLU,
};

static const struct {
	const char *name;
	uint16_t device_id;
	uint8_t revision;
} models[] = {
	[E1000_MODEL_82540EM] = { "Intel 82540EM", E1000_82540EM, 2 },
	[E1000_MODEL_82544GC] = { "Intel 82544GC", E1000_82544GC_COPPER, 2 },
	[E1000_MODEL_82545EM] = { "Intel 82545EM", E1000_82545EM_COPPER, 1 },
};

/* Saved fields */

static const struct state_field ring_fields[] = {
	STATE_INT(struct e1000_ring, base_low), STATE_INT(struct e1000_ring, base_high),
	STATE_INT(struct e1000_ring, length),   STATE_INT(struct e1000_ring, head),
	STATE_INT(struct e1000_ring, tail),     STATE_INT(struct e1000_ring, delay),
	STATE_INT(struct e1000_ring, control),  STATE_INT(struct e1000_ring, absolute_delay),
};
static STATE_TABLE(ring_table, e1000_ring, ring_fields);

static const struct state_field context_fields[] = {
	STATE_INT(struct e1000_context, ip_start),  STATE_INT(struct e1000_context, ip_offset),
	STATE_INT(struct e1000_context, ip_end),    STATE_INT(struct e1000_context, tu_start),
	STATE_INT(struct e1000_context, tu_offset), STATE_INT(struct e1000_context, tu_end),
	STATE_INT(struct e1000_context, mss),       STATE_INT(struct e1000_context, header_bytes),
	STATE_INT(struct e1000_context, is_tcp),    STATE_INT(struct e1000_context, is_ipv4),
	STATE_INT(struct e1000_context, reserved),
};
static STATE_TABLE(context_table, e1000_context, context_fields);

static const struct state_field e1000_fields[] = {
	STATE_INT(struct e1000_state, ctrl),
	STATE_INT(struct e1000_state, status),
	STATE_INT(struct e1000_state, eerd),
	STATE_INT(struct e1000_state, ctrl_ext),
	STATE_INT(struct e1000_state, mdic),
	STATE_INT(struct e1000_state, fcal),
	STATE_INT(struct e1000_state, fcah),
	STATE_INT(struct e1000_state, fct),
	STATE_INT(struct e1000_state, vet),
	STATE_INT(struct e1000_state, icr),
	STATE_INT(struct e1000_state, itr),
	STATE_INT(struct e1000_state, ims),
	STATE_INT(struct e1000_state, delayed),
	STATE_INT(struct e1000_state, rctl),
	STATE_INT(struct e1000_state, fcttv),
	STATE_INT(struct e1000_state, txcw),
	STATE_INT(struct e1000_state, rxcw),
	STATE_INT(struct e1000_state, tctl),
	STATE_INT(struct e1000_state, tipg),
	STATE_INT(struct e1000_state, ait),
	STATE_INT(struct e1000_state, ledctl),
	STATE_INT(struct e1000_state, pba),
	STATE_INT(struct e1000_state, fcrtl),
	STATE_INT(struct e1000_state, fcrth),
	STATE_INT(struct e1000_state, rsrpd),
	STATE_INT(struct e1000_state, txdmac),
	STATE_INT(struct e1000_state, tspmt),
	STATE_INT(struct e1000_state, rxcsum),
	STATE_INT(struct e1000_state, wuc),
	STATE_INT(struct e1000_state, wufc),
	STATE_INT(struct e1000_state, wus),
	STATE_INT(struct e1000_state, manc),
	STATE_INT(struct e1000_state, eecd),
	STATE_INT(struct e1000_state, ioaddr),
	STATE_STRUCT(struct e1000_state, rx, &ring_table),
	STATE_STRUCT(struct e1000_state, tx, &ring_table),
	STATE_ARRAY(struct e1000_state, mta),
	STATE_ARRAY(struct e1000_state, ra),
	STATE_ARRAY(struct e1000_state, vfta),
	STATE_ARRAY(struct e1000_state, statistics),
	STATE_ARRAY(struct e1000_state, phy),
	STATE_STRUCT(struct e1000_state, plain, &context_table),
	STATE_STRUCT(struct e1000_state, segmentation, &context_table),
	STATE_INT(struct e1000_state, sent_bytes),
	STATE_INT(struct e1000_state, is_skipping),
	STATE_INT(struct e1000_state, is_throttled),
	STATE_INT(struct e1000_state, is_negotiating),
	STATE_ARRAY(struct e1000_state, reserved),
	STATE_INT(struct e1000_state, throttle_ns),
	STATE_INT(struct e1000_state, delay_ns),
	STATE_INT(struct e1000_state, negotiate_ns),
	STATE_STRUCT(struct e1000_state, eeprom, &eeprom93_state_table),
	STATE_STRUCT(struct e1000_state, pci, &pci_state_table),
};
STATE_TABLE(e1000_state_table, e1000_state, e1000_fields);

/* Rings */

unsigned e1000_ring_count(const struct e1000_ring *ring)
{
	unsigned count = ring->length / E1000_DESCRIPTOR_BYTES;

	return ring->head < count && ring->tail < count ? count : 0;
}

uint64_t e1000_ring_gpa(const struct e1000_ring *ring, unsigned index)
{
	uint64_t base = (uint64_t)ring->base_high << 32 | ring->base_low;

	return base + (uint64_t)index * E1000_DESCRIPTOR_BYTES;
}

/* Statistics, 13.7: they stick at their highest value. */

void e1000_count(struct e1000 *card, enum e1000_statistic statistic)
{
	uint32_t *counter = &card->state.statistics[statistic];

	if (*counter != UINT32_MAX)
		++*counter;
}

void e1000_count_bytes(struct e1000 *card, enum e1000_statistic low, size_t bytes)
{
	uint32_t *words = &card->state.statistics[low];
	uint64_t sum = (uint64_t)words[1] << 32 | words[0];

	sum = sum + bytes < sum ? UINT64_MAX : sum + bytes;
	words[0] = (uint32_t)sum;
	words[1] = (uint32_t)(sum >> 32);
}

void e1000_count_size(struct e1000 *card, enum e1000_statistic first, size_t bytes)
{
	static const uint16_t limits[] = { 64, 127, 255, 511, 1023 };
	unsigned class = 0;

	while (class < ARRAY_SIZE(limits) && bytes > limits[class])
		class ++;
	e1000_count(card, first + class);
}

/* Interrupts */

static void fold_delayed(struct e1000 *card)
{
	card->state.icr |= card->state.delayed;
	card->state.delayed = 0;
	clock_timer_cancel(&card->delay);
}

/** From one rising edge to the next there are at least ITR units of 256 ns, 13.4.18. */
static void start_throttle(struct e1000 *card)
{
	struct e1000_state *s = &card->state;

	if (!s->itr)
		return;
	s->is_throttled = true;
	s->throttle_ns = clock_now_ns(card->wires.clock) + (int64_t)s->itr * E1000_ITR_TICK_NS;
	clock_timer_set(&card->throttle, s->throttle_ns);
}

static void update_interrupt(struct e1000 *card)
{
	struct e1000_state *s = &card->state;
	bool wanted = s->icr & s->ims;

	if (wanted == s->pci.intx_level || (wanted && s->is_throttled))
		return;
	if (wanted) {
		fold_delayed(card); /* the driver comes anyway */
		start_throttle(card);
	}
	pci_set_intx(&card->function, wanted);
}

static void throttle_is_over(void *opaque)
{
	struct e1000 *card = opaque;

	card->state.is_throttled = false;
	update_interrupt(card);
}

static void delay_is_over(void *opaque)
{
	struct e1000 *card = opaque;

	fold_delayed(card);
	update_interrupt(card);
}

void e1000_raise(struct e1000 *card, uint32_t causes)
{
	card->state.icr |= causes & E1000_CAUSES;
	update_interrupt(card);
}

/**
 * Of the two delays, the longer is taken: a packet timer that each packet winds up again, and the
 * absolute one that limits it, end between them. One timer serves both rings, the sooner counts.
 */
void e1000_raise_later(struct e1000 *card, uint32_t causes, const struct e1000_ring *ring)
{
	struct e1000_state *s = &card->state;
	uint32_t ticks = (uint32_t)max_u64(ring->delay & UINT16_MAX, ring->absolute_delay);
	int64_t end = clock_now_ns(card->wires.clock) + (int64_t)ticks * E1000_TICK_NS;

	if (s->icr & s->ims) {
		e1000_raise(card, causes);
		return;
	}
	if (!s->delayed || end < s->delay_ns) {
		s->delay_ns = end;
		clock_timer_set(&card->delay, end);
	}
	s->delayed |= causes;
}

static uint32_t read_icr(struct e1000 *card, uint32_t value)
{
	(void)value;
	fold_delayed(card);
	value = card->state.icr;
	card->state.icr = 0;
	update_interrupt(card);
	TRACE(e1000, icr, "%x", value);
	return value;
}

static void write_icr(struct e1000 *card, uint32_t value)
{
	card->state.icr &= ~value;
	update_interrupt(card);
}

static void write_ics(struct e1000 *card, uint32_t value)
{
	e1000_raise(card, value);
}

static void write_ims(struct e1000 *card, uint32_t value)
{
	card->state.ims |= value & E1000_CAUSES;
	update_interrupt(card);
}

static void write_imc(struct e1000 *card, uint32_t value)
{
	card->state.ims &= ~value;
	update_interrupt(card);
}

/* Registers with effects */

static void put_reset_values(struct e1000 *card);

/** A reset by software leaves the PHY and its link alone, 13.4.1. */
static void write_ctrl(struct e1000 *card, uint32_t value)
{
	struct e1000_state *s = &card->state;

	if (value & E1000_CTRL_RST) {
		put_reset_values(card);
		return;
	}
	s->ctrl = value & ~(uint32_t)(E1000_CTRL_RST | E1000_CTRL_PHY_RST);
	if (value & E1000_CTRL_PHY_RST)
		e1000_phy_reset(card);
}

static uint32_t read_eecd(struct e1000 *card, uint32_t value)
{
	(void)value;
	return e1000_eecd_read(card);
}

static void write_rctl(struct e1000 *card, uint32_t value)
{
	card->state.rctl = value;
	e1000_receive_changed(card);
}

static void write_rx_ring(struct e1000 *card, uint32_t value)
{
	(void)value;
	e1000_receive_changed(card);
}

/** FPD: what is delayed is reported at once, 13.4.30. */
static void write_rdtr(struct e1000 *card, uint32_t value)
{
	card->state.rx.delay = value & UINT16_MAX;
	if (value & E1000_RDTR_FLUSH && card->state.delayed)
		delay_is_over(card);
}

static void write_tx_ring(struct e1000 *card, uint32_t value)
{
	(void)value;
	e1000_transmit(card);
}

/** Head moved or ring moved: no packet is half sent. */
static void write_tx_place(struct e1000 *card, uint32_t value)
{
	(void)value;
	card->state.sent_bytes = 0;
	card->state.is_skipping = false;
}

/* Registers: a row says where a register is kept, which bits keep what is written, and what else
 * happens: 'write' comes after the store, or instead of it if nothing is writable. */
struct row {
	const char *name;
	uint32_t address;
	uint32_t member; /* in struct e1000_state */
	uint32_t writable;
	uint32_t words; /* of an array; 1 */
	bool clears;    /* reading clears it */
	uint32_t (*read)(struct e1000 *card, uint32_t value);
	void (*write)(struct e1000 *card, uint32_t value);
};

#define AT(member) ((uint32_t)offsetof(struct e1000_state, member))
#define ALL        UINT32_MAX
#define RING_BASE  0xfffffff0u
#define RING_BYTES 0x000fff80u
#define PLACE      0x0000ffffu

/* By address. A write-only register reads as zero: its row keeps what stays zero. */
static const struct row rows[] = {
	{ "CTRL", E1000_CTRL, AT(ctrl), 0, 1, false, NULL, write_ctrl },
	{ "STATUS", E1000_STATUS, AT(status), 0, 1, false, NULL, NULL },
	{ "EECD", E1000_EECD, AT(eecd), 0, 1, false, read_eecd, e1000_eecd_write },
	{ "EERD", E1000_EERD, AT(eerd), 0, 1, false, NULL, e1000_eerd_write },
	{ "CTRL_EXT", E1000_CTRL_EXT, AT(ctrl_ext), 0xfffdffff, 1, false, NULL, NULL },
	{ "MDIC", E1000_MDIC, AT(mdic), 0, 1, false, NULL, e1000_mdic_write },
	{ "FCAL", E1000_FCAL, AT(fcal), ALL, 1, false, NULL, NULL },
	{ "FCAH", E1000_FCAH, AT(fcah), 0xffff, 1, false, NULL, NULL },
	{ "FCT", E1000_FCT, AT(fct), 0xffff, 1, false, NULL, NULL },
	{ "VET", E1000_VET, AT(vet), 0xffff, 1, false, NULL, NULL },
	{ "ICR", E1000_ICR, AT(icr), 0, 1, false, read_icr, write_icr },
	{ "ITR", E1000_ITR, AT(itr), 0xffff, 1, false, NULL, NULL },
	{ "ICS", E1000_ICS, AT(icr), 0, 1, false, NULL, write_ics },
	{ "IMS", E1000_IMS, AT(ims), 0, 1, false, NULL, write_ims },
	{ "IMC", E1000_IMC, AT(ims), 0, 1, false, NULL, write_imc },
	{ "RCTL", E1000_RCTL, AT(rctl), 0, 1, false, NULL, write_rctl },
	{ "FCTTV", E1000_FCTTV, AT(fcttv), 0xffff, 1, false, NULL, NULL },
	{ "TXCW", E1000_TXCW, AT(txcw), ALL, 1, false, NULL, NULL },
	{ "RXCW", E1000_RXCW, AT(rxcw), 0, 1, false, NULL, NULL },
	{ "TCTL", E1000_TCTL, AT(tctl), ALL, 1, false, NULL, write_tx_ring },
	{ "TIPG", E1000_TIPG, AT(tipg), 0x3fffffff, 1, false, NULL, NULL },
	{ "AIT", E1000_AIT, AT(ait), 0xffff, 1, false, NULL, NULL },
	{ "LEDCTL", E1000_LEDCTL, AT(ledctl), ALL, 1, false, NULL, NULL },
	{ "PBA", E1000_PBA, AT(pba), 0xffff, 1, false, NULL, NULL },
	{ "FCRTL", E1000_FCRTL, AT(fcrtl), 0x8000fff8, 1, false, NULL, NULL },
	{ "FCRTH", E1000_FCRTH, AT(fcrth), 0xfff8, 1, false, NULL, NULL },
	{ "RDBAL", E1000_RDBAL, AT(rx.base_low), RING_BASE, 1, false, NULL, NULL },
	{ "RDBAH", E1000_RDBAH, AT(rx.base_high), ALL, 1, false, NULL, NULL },
	{ "RDLEN", E1000_RDLEN, AT(rx.length), RING_BYTES, 1, false, NULL, write_rx_ring },
	{ "RDH", E1000_RDH, AT(rx.head), PLACE, 1, false, NULL, write_rx_ring },
	{ "RDT", E1000_RDT, AT(rx.tail), PLACE, 1, false, NULL, write_rx_ring },
	{ "RDTR", E1000_RDTR, AT(rx.delay), 0, 1, false, NULL, write_rdtr },
	{ "RXDCTL", E1000_RXDCTL, AT(rx.control), ALL, 1, false, NULL, NULL },
	{ "RADV", E1000_RADV, AT(rx.absolute_delay), 0xffff, 1, false, NULL, NULL },
	{ "RSRPD", E1000_RSRPD, AT(rsrpd), 0xfff, 1, false, NULL, NULL },
	{ "TXDMAC", E1000_TXDMAC, AT(txdmac), 1, 1, false, NULL, NULL },
	{ "TDBAL", E1000_TDBAL, AT(tx.base_low), RING_BASE, 1, false, NULL, write_tx_place },
	{ "TDBAH", E1000_TDBAH, AT(tx.base_high), ALL, 1, false, NULL, write_tx_place },
	{ "TDLEN", E1000_TDLEN, AT(tx.length), RING_BYTES, 1, false, NULL, write_tx_place },
	{ "TDH", E1000_TDH, AT(tx.head), PLACE, 1, false, NULL, write_tx_place },
	{ "TDT", E1000_TDT, AT(tx.tail), PLACE, 1, false, NULL, write_tx_ring },
	{ "TIDV", E1000_TIDV, AT(tx.delay), 0xffff, 1, false, NULL, NULL },
	{ "TXDCTL", E1000_TXDCTL, AT(tx.control), ALL, 1, false, NULL, NULL },
	{ "TADV", E1000_TADV, AT(tx.absolute_delay), 0xffff, 1, false, NULL, NULL },
	{ "TSPMT", E1000_TSPMT, AT(tspmt), ALL, 1, false, NULL, NULL },
	{ "statistics", E1000_STATISTICS, AT(statistics), 0, E1000_STATISTICS_WORDS, true, NULL,
	  NULL },
	{ "RXCSUM", E1000_RXCSUM, AT(rxcsum), 0x7ff, 1, false, NULL, NULL },
	{ "MTA", E1000_MTA, AT(mta), ALL, E1000_MTA_WORDS, false, NULL, NULL },
	{ "RA", E1000_RA, AT(ra), ALL, 2 * E1000_RA_PAIRS, false, NULL, NULL },
	{ "VFTA", E1000_VFTA, AT(vfta), ALL, E1000_VFTA_WORDS, false, NULL, NULL },
	{ "WUC", E1000_WUC, AT(wuc), 0xf, 1, false, NULL, NULL },
	{ "WUFC", E1000_WUFC, AT(wufc), 0xfffff, 1, false, NULL, NULL },
	{ "WUS", E1000_WUS, AT(wus), 0, 1, false, NULL, NULL },
	{ "MANC", E1000_MANC, AT(manc), ALL, 1, false, NULL, NULL },
};

/** The row that 'address' lies in, or NULL. */
static const struct row *find_row(uint32_t address)
{
	size_t low = 0, high = ARRAY_SIZE(rows);

	while (high - low > 1) {
		size_t middle = (low + high) / 2;

		if (rows[middle].address <= address)
			low = middle;
		else
			high = middle;
	}
	return address - rows[low].address < 4 * rows[low].words ? &rows[low] : NULL;
}

static uint32_t *register_of(struct e1000 *card, const struct row *row, uint32_t address)
{
	return (uint32_t *)((uint8_t *)&card->state + row->member) + (address - row->address) / 4;
}

/** The upper half of a receive address has reserved bits; the rest of the arrays is plain. */
static uint32_t writable_of(const struct row *row, uint32_t address)
{
	return row->address == E1000_RA && address & 4 ? 0x8003ffff : row->writable;
}

static uint32_t read_register(struct e1000 *card, uint32_t address)
{
	const struct row *row = find_row(address);
	uint32_t *place, value;

	if (!row)
		return 0;
	place = register_of(card, row, address);
	value = row->read ? row->read(card, *place) : *place;
	if (row->clears)
		*place = 0;
	return value;
}

static void write_register(struct e1000 *card, uint32_t address, uint32_t value)
{
	const struct row *row = find_row(address);
	uint32_t *place;

	if (!row)
		return;
	place = register_of(card, row, address);
	TRACE(e1000, write, "%s %x", row->name, value);
	*place = replace_bits(*place, writable_of(row, address), value);
	if (row->write)
		row->write(card, value);
}

/* The windows. Registers are 32 bits wide and are written as such only; parts can be read. */

static uint64_t memory_read(void *opaque, uint64_t offset, unsigned size)
{
	uint32_t value = read_register(opaque, (uint32_t)offset & ~3u);

	return value >> (8 * (offset & 3)) & ones(size);
}

static void memory_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
	if (size == 4 && !(offset & 3))
		write_register(opaque, (uint32_t)offset, (uint32_t)value);
}

static uint64_t memory_peek(void *opaque, uint64_t offset, unsigned size)
{
	const struct row *row = find_row((uint32_t)offset & ~3u);

	if (!row)
		return 0;
	return *register_of(opaque, row, (uint32_t)offset & ~3u) >> (8 * (offset & 3)) & ones(size);
}

static const struct io_ops memory_ops = {
	.read = memory_read,
	.write = memory_write,
	.peek = memory_peek,
};

static uint64_t io_bar_read(void *opaque, uint64_t offset, unsigned size)
{
	struct e1000 *card = opaque;

	if (offset == E1000_IOADDR && size == 4)
		return card->state.ioaddr;
	if (offset == E1000_IODATA && size == 4)
		return read_register(card, card->state.ioaddr);
	return ones(size);
}

static void io_bar_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
	struct e1000 *card = opaque;

	if (size != 4)
		return;
	if (offset == E1000_IOADDR)
		card->state.ioaddr = (uint32_t)value & (E1000_MEMORY_BYTES - 4);
	else if (offset == E1000_IODATA)
		write_register(card, card->state.ioaddr, (uint32_t)value);
}

static const struct io_ops io_bar_ops = { .read = io_bar_read, .write = io_bar_write };

/* Life */

static void cancel_timers(struct e1000 *card)
{
	clock_timer_cancel(&card->throttle);
	clock_timer_cancel(&card->delay);
	clock_timer_cancel(&card->transmit);
	card->state.is_throttled = false;
	card->state.delayed = 0;
}

/** The first receive address is loaded from the EEPROM. */
static void load_address(struct e1000 *card)
{
	const uint16_t *words = &card->state.eeprom.words[E1000_EEPROM_MAC];

	card->state.ra[0] = words[0] | (uint32_t)words[1] << 16;
	card->state.ra[1] = words[2] | E1000_RAH_VALID;
}

/** As CTRL.RST does it: the tables of filters but the first address, the EEPROM and the PHY stay.
 */
static void put_reset_values(struct e1000 *card)
{
	struct e1000_state *s = &card->state;
	uint32_t link = s->status & E1000_STATUS_LU;

	cancel_timers(card);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].words == 1)
			*register_of(card, &rows[i], rows[i].address) = 0;
	for (unsigned i = 0; i < E1000_STATISTICS_WORDS; i++)
		s->statistics[i] = 0;
	s->ctrl = CTRL_RESET;
	s->status = STATUS_RESET | link;
	s->ledctl = LEDCTL_RESET;
	s->pba = PBA_RESET;
	s->plain = s->segmentation = (struct e1000_context){ 0 };
	s->sent_bytes = 0;
	s->is_skipping = false;
	s->delayed = 0;
	eeprom93_reset(&s->eeprom);
	load_address(card);
	update_interrupt(card);
	e1000_receive_changed(card);
}

static void e1000_reset(void *self)
{
	struct e1000 *card = self;
	struct e1000_state *s = &card->state;

	for (unsigned i = 0; i < E1000_MTA_WORDS; i++)
		s->mta[i] = 0;
	for (unsigned i = 0; i < E1000_VFTA_WORDS; i++)
		s->vfta[i] = 0;
	for (unsigned i = 0; i < 2 * E1000_RA_PAIRS; i++)
		s->ra[i] = 0;
	s->ioaddr = 0;
	put_reset_values(card);
	e1000_phy_reset(card);
	s->icr = 0;
	pci_function_reset(&card->function);
}

static void rearm(struct clock_timer *timer, bool is_pending, int64_t deadline_ns)
{
	if (is_pending)
		clock_timer_set(timer, deadline_ns);
	else
		clock_timer_cancel(timer);
}

static bool masks_hold(struct e1000 *card)
{
	const struct e1000_state *s = &card->state;

	return !(s->icr & ~(uint32_t)E1000_CAUSES) && !(s->ims & ~(uint32_t)E1000_CAUSES) &&
	       !(s->delayed & ~(uint32_t)E1000_CAUSES) && s->itr <= UINT16_MAX &&
	       s->rx.delay <= UINT16_MAX && s->tx.delay <= UINT16_MAX &&
	       s->rx.absolute_delay <= UINT16_MAX && s->tx.absolute_delay <= UINT16_MAX &&
	       !(s->rx.length & ~RING_BYTES) && !(s->tx.length & ~RING_BYTES) &&
	       !(s->rx.base_low & ~RING_BASE) && !(s->tx.base_low & ~RING_BASE) &&
	       s->rx.head <= PLACE && s->rx.tail <= PLACE && s->tx.head <= PLACE &&
	       s->tx.tail <= PLACE && s->ioaddr < E1000_MEMORY_BYTES && !(s->ioaddr & 3);
}

static int e1000_after_load(void *self, struct err *err)
{
	struct e1000 *card = self;
	struct e1000_state *s = &card->state;

	if (!masks_hold(card) || !eeprom93_is_valid(&s->eeprom) || s->throttle_ns < 0 ||
	    s->delay_ns < 0 || s->negotiate_ns < 0)
		return err_set(err, -EINVAL, "the e1000 has values that no register can hold");
	rearm(&card->throttle, s->is_throttled, s->throttle_ns);
	rearm(&card->delay, s->delayed != 0, s->delay_ns);
	rearm(&card->negotiate, s->is_negotiating, s->negotiate_ns);
	rearm(&card->transmit, e1000_ring_count(&s->tx) && s->tx.head != s->tx.tail,
	      clock_now_ns(card->wires.clock));
	pci_function_update(&card->function);
	e1000_phy_update_link(card);
	return 0;
}

static void e1000_finish(void *self)
{
	struct e1000 *card = self;

	cancel_timers(card);
	clock_timer_cancel(&card->negotiate);
	net_disconnect(&card->port);
	pci_bus_unplug(&card->function);
}

static const struct device_class e1000_class = {
	.name = "e1000",
	.reset = e1000_reset,
	.table = &e1000_state_table,
	.state_offset = offsetof(struct e1000, state),
	.version = 1,
	.after_load = e1000_after_load,
	.finish = e1000_finish,
};

static void link_changed(void *opaque, bool up)
{
	(void)up;
	e1000_phy_update_link(opaque);
}

static const struct net_port_ops port_ops = {
	.receive = e1000_receive,
	.resume = e1000_transmit,
	.link_changed = link_changed,
};

static void init_timers(struct e1000 *card)
{
	struct clock *clock = card->wires.clock;

	clock_timer_init(&card->throttle, clock, throttle_is_over, card);
	clock_timer_init(&card->delay, clock, delay_is_over, card);
	clock_timer_init(&card->negotiate, clock, e1000_phy_negotiated, card);
	clock_timer_init(&card->transmit, clock, e1000_transmit, card);
}

static void init_function(struct e1000 *card)
{
	const struct pci_identity identity = {
		.name = models[card->wires.model].name,
		.vendor = E1000_VENDOR,
		.device = models[card->wires.model].device_id,
		.class = PCI_CLASS_NETWORK,
		.revision = models[card->wires.model].revision,
		.interrupt_pin = 1,
	};

	io_window_init(&card->memory, "e1000-registers", &memory_ops, card, E1000_MEMORY_BYTES);
	io_window_init(&card->io, "e1000-io", &io_bar_ops, card, E1000_IO_BYTES);
	pci_function_init(&card->function, &card->state.pci, &identity, NULL, 0, card);
	pci_function_set_bar(&card->function, BAR_MEMORY, &card->memory, 0);
	pci_function_set_bar(&card->function, BAR_IO, &card->io, PCI_BAR_IO);
	if (card->wires.rom)
		pci_function_set_bar(&card->function, PCI_ROM_BAR, card->wires.rom, 0);
}

int e1000_init(struct e1000 *card, const struct e1000_wires *wires, struct err *err)
{
	int result;

	*card = (struct e1000){ .wires = *wires };
	device_init(&card->device, &e1000_class, card);
	init_timers(card);
	net_port_init(&card->port, wires->name, &port_ops, card);
	init_function(card);
	result = pci_bus_plug(wires->bus, &card->function, wires->slot, 0, err);
	if (result < 0)
		return result;
	e1000_eeprom_init(card, models[wires->model].device_id);
	e1000_reset(card);
	return 0;
}
