// SPDX-License-Identifier: GPL-2.0-or-later
/* Registers, interrupts, timer and life of the RTL8139C+. */
#include "hw/net/rtl8139.h"

#include <errno.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/trace.h"
#include "bus/ram.h"
#include "hw/net/rtl8139_internal.h"

enum {
	BAR_IO = 0,
	BAR_MEMORY = 1,
	RERID_VALUE = 0x10,
	CONFIG1_RESET = 0x0c, /* both windows are there */
	CONFIG3_RESET = 0x01,
	CSCR_RESET = 0x03c8,
	TCTR_NS_NUMERATOR = 30, /* a PCI clock of 33 MHz */
};

static const int64_t time_limit_ns = INT64_C(1) << 62;

static const struct pci_identity identity = {
	.name = "RTL8139C+",
	.vendor = RTL8139_VENDOR,
	.device = RTL8139_DEVICE,
	.class = PCI_CLASS_NETWORK,
	.revision = RTL8139_REVISION,
	.interrupt_pin = 1,
};

static const struct state_field tally_fields[] = {
	STATE_INT(struct rtl8139_tally, sent),
	STATE_INT(struct rtl8139_tally, received),
	STATE_INT(struct rtl8139_tally, received_physical),
	STATE_INT(struct rtl8139_tally, received_broadcast),
	STATE_INT(struct rtl8139_tally, received_multicast),
	STATE_INT(struct rtl8139_tally, missed),
	STATE_INT(struct rtl8139_tally, reserved),
};
static STATE_TABLE(tally_table, rtl8139_tally, tally_fields);

static const struct state_field fields[] = {
	STATE_INT(struct rtl8139_state, timer_base_ns),
	STATE_INT(struct rtl8139_state, timer_ns),
	STATE_STRUCT(struct rtl8139_state, tally, &tally_table),
	STATE_INT(struct rtl8139_state, rx_at),
	STATE_ARRAY(struct rtl8139_state, sent_bytes),
	STATE_ARRAY(struct rtl8139_state, tx_index),
	STATE_INT(struct rtl8139_state, rx_index),
	STATE_INT(struct rtl8139_state, tx_buffer),
	STATE_INT(struct rtl8139_state, timer_runs),
	STATE_INT(struct rtl8139_state, is_stalled),
	STATE_ARRAY(struct rtl8139_state, regs),
	STATE_STRUCT(struct rtl8139_state, pci, &pci_state_table),
	STATE_STRUCT(struct rtl8139_state, eeprom, &eeprom93_state_table),
	STATE_ARRAY(struct rtl8139_state, reserved),
};
STATE_TABLE(rtl8139_state_table, rtl8139_state, fields);

#define ALL UINT32_MAX

/* Registers that keep something; what is not here reads as zero. */
static const struct reg_row rows[] = {
	{ "IDR0", RTL8139_IDR, 4, 0, ALL, 0 },
	{ "IDR4", RTL8139_IDR + 4, 2, 0, 0xffff, 0 },
	{ "MAR0", RTL8139_MAR, 4, 0, ALL, 0 },
	{ "MAR4", RTL8139_MAR + 4, 4, 0, ALL, 0 },
	{ "TSD0", RTL8139_TSD, 4, RTL8139_TSD_OWN, ALL, 0 },
	{ "TSD1", RTL8139_TSD + 4, 4, RTL8139_TSD_OWN, ALL, 0 },
	{ "TSD2", RTL8139_TSD + 8, 4, RTL8139_TSD_OWN, ALL, 0 },
	{ "TSD3", RTL8139_TSD + 12, 4, RTL8139_TSD_OWN, ALL, 0 },
	{ "TSAD0", RTL8139_TSAD, 4, 0, ALL, 0 },
	{ "TSAD1", RTL8139_TSAD + 4, 4, 0, ALL, 0 },
	{ "TSAD2", RTL8139_TSAD + 8, 4, 0, ALL, 0 },
	{ "TSAD3", RTL8139_TSAD + 12, 4, 0, ALL, 0 },
	{ "RBSTART", RTL8139_RBSTART, 4, 0, ~3u, 0 },
	{ "CR", RTL8139_CR, 1, RTL8139_CR_BUFE, RTL8139_CR_TE | RTL8139_CR_RE | RTL8139_CR_RST, 0 },
	{ "CAPR", RTL8139_CAPR, 2, 0xfff0, 0xffff, 0 },
	{ "IMR", RTL8139_IMR, 2, 0, RTL8139_INTERRUPTS, 0 },
	{ "ISR", RTL8139_ISR, 2, 0, 0, RTL8139_INTERRUPTS },
	{ "TCR", RTL8139_TCR, 4, RTL8139_TCR_VERSION, RTL8139_TCR_WRITABLE, 0 },
	{ "RCR", RTL8139_RCR, 4, 0, RTL8139_RCR_WRITABLE, 0 },
	{ "MPC", RTL8139_MPC, 4, 0, 0, 0 },
	{ "9346CR", RTL8139_9346CR, 1, RTL8139_EEDO, 0xce, 0 },
	{ "CONFIG1", RTL8139_CONFIG1, 1, CONFIG1_RESET, 0, 0 },
	{ "TIMERINT", RTL8139_TIMERINT, 4, 0, ALL, 0 },
	{ "MSR", RTL8139_MSR, 1, 0, 0xc0, 0 },
	{ "CONFIG3", RTL8139_CONFIG3, 1, CONFIG3_RESET, 0, 0 },
	{ "MULINT", RTL8139_MULINT, 2, 0, 0x0fff, 0 },
	{ "RERID", RTL8139_RERID, 1, RERID_VALUE, 0, 0 },
	{ "BMCR", RTL8139_BMCR, 2, RTL8139_BMCR_RESET_VALUE, 0xb300, 0 },
	{ "BMSR", RTL8139_BMSR, 2, RTL8139_BMSR_ABILITIES, 0, 0 },
	{ "ANAR", RTL8139_ANAR, 2, RTL8139_ABILITIES, 0xffff, 0 },
	{ "NWAYTR", RTL8139_NWAYTR, 2, 0, 0xff, 0 },
	{ "CSCR", RTL8139_CSCR, 2, CSCR_RESET, 0, 0 },
	{ "PHY1_PARM", RTL8139_PHY1_PARM, 4, 0, ALL, 0 },
	{ "TW_PARM", RTL8139_TW_PARM, 4, 0, ALL, 0 },
	{ "PHY2_PARM", RTL8139_PHY2_PARM, 1, 0, 0xff, 0 },
	{ "CONFIG5", RTL8139_CONFIG5, 1, 0, 0x7f, 0 },
	{ "TPPOLL", RTL8139_TPPOLL, 1, 0, 0, 0 },
	{ "CPCR", RTL8139_CPCR, 2, 0, RTL8139_CPCR_WRITABLE, 0 },
	{ "RDSAR", RTL8139_RDSAR, 4, 0, ~255u, 0 },
	{ "RDSAR high", RTL8139_RDSAR + 4, 4, 0, ALL, 0 },
	{ "ETTHR", RTL8139_ETTHR, 1, 0, 0x3f, 0 },
};

void rtl8139_set(struct rtl8139 *card, unsigned offset, unsigned size, uint32_t value)
{
	store_le(card->state.regs + offset, size, value);
}

uint64_t rtl8139_address(const struct rtl8139 *card, unsigned offset)
{
	return load_le64(card->state.regs + offset);
}

bool rtl8139_is_looped(const struct rtl8139 *card)
{
	return (rtl8139_get(card, RTL8139_TCR, 4) & RTL8139_TCR_LOOPBACK) == RTL8139_TCR_LOOPBACK;
}

bool rtl8139_is_cplus(const struct rtl8139 *card, unsigned direction)
{
	return rtl8139_get(card, RTL8139_CPCR, 2) & direction;
}

/* Interrupts */

static void update_interrupt(struct rtl8139 *card)
{
	bool level = rtl8139_get(card, RTL8139_ISR, 2) & rtl8139_get(card, RTL8139_IMR, 2);

	if (level != card->state.pci.intx_level)
		pci_set_intx(&card->function, level);
}

void rtl8139_raise(struct rtl8139 *card, uint16_t interrupts)
{
	rtl8139_set(card, RTL8139_ISR, 2, rtl8139_get(card, RTL8139_ISR, 2) | interrupts);
	update_interrupt(card);
}

/* The timer: TCTR counts PCI clocks, TIMERINT is compared with it; 6.16, 6.20 */

static uint32_t timer_count(const struct rtl8139 *card)
{
	int64_t ns = clock_now_ns(card->wires.clock) - card->state.timer_base_ns;

	return (uint32_t)(ns / TCTR_NS_NUMERATOR);
}

static void arm_timer(struct rtl8139 *card)
{
	struct rtl8139_state *s = &card->state;
	uint32_t target = rtl8139_get(card, RTL8139_TIMERINT, 4);
	uint32_t ticks = target - timer_count(card);

	s->timer_runs = target != 0;
	if (!s->timer_runs) {
		clock_timer_cancel(&card->timer);
		return;
	}
	/* A match that is now is the last one. */
	s->timer_ns = clock_now_ns(card->wires.clock) +
		      TCTR_NS_NUMERATOR * (ticks ? (int64_t)ticks : INT64_C(1) << 32);
	clock_timer_set(&card->timer, s->timer_ns);
}

static void timer_matches(void *opaque)
{
	struct rtl8139 *card = opaque;

	rtl8139_raise(card, RTL8139_TIMEOUT);
	arm_timer(card);
}

/* The link */

static void update_link(struct rtl8139 *card)
{
	const uint32_t link = RTL8139_BMSR_LINK | RTL8139_BMSR_NEGOTIATED;
	bool up = net_link_is_up(&card->port);

	rtl8139_set(card, RTL8139_BMSR, 2, RTL8139_BMSR_ABILITIES | (up ? link : 0));
	rtl8139_set(card, RTL8139_ANLPAR, 2,
		    up ? RTL8139_ABILITIES | RTL8139_PARTNER_ACKNOWLEDGE : 0);
	rtl8139_set(card, RTL8139_ANER, 2, up ? 1 : 0);
	rtl8139_set(card, RTL8139_MSR, 1,
		    replace_bits(rtl8139_get(card, RTL8139_MSR, 1), RTL8139_MSR_NO_LINK,
				 up ? 0 : RTL8139_MSR_NO_LINK));
}

static void link_changed(void *opaque, bool up)
{
	struct rtl8139 *card = opaque;

	TRACE(rtl8139, link, "%s", up ? "up" : "down");
	update_link(card);
	rtl8139_raise(card, RTL8139_PUN);
}

/* What writing brings about; the values stand in the register file already */

static void soft_reset(struct rtl8139 *card);

static void start_receiver(struct rtl8139 *card)
{
	card->state.rx_at = 0;
	card->state.rx_index = 0;
	rtl8139_set(card, RTL8139_CAPR, 2, 0xfff0);
}

static void start_transmitter(struct rtl8139 *card)
{
	struct rtl8139_state *s = &card->state;

	s->tx_index[0] = s->tx_index[1] = 0;
	s->sent_bytes[0] = s->sent_bytes[1] = 0;
	s->tx_buffer = 0;
}

static void write_cr(struct rtl8139 *card, uint32_t before)
{
	uint32_t now = rtl8139_get(card, RTL8139_CR, 1);

	if (now & RTL8139_CR_RST) {
		soft_reset(card);
		return;
	}
	if (now & ~before & RTL8139_CR_RE)
		start_receiver(card);
	if (now & ~before & RTL8139_CR_TE)
		start_transmitter(card);
	rtl8139_receive_changed(card);
	rtl8139_transmit(card);
}

/** A buffer is handed over; what was its outcome is forgotten. */
static void write_tsd(struct rtl8139 *card, unsigned buffer)
{
	unsigned offset = RTL8139_TSD + 4 * buffer;

	rtl8139_set(card, offset, 4,
		    rtl8139_get(card, offset, 4) &
			    (RTL8139_TSD_SIZE | RTL8139_TSD_OWN | RTL8139_TSD_THRESHOLD));
	rtl8139_transmit(card);
}

/** 64 bytes, 6.6; collisions and errors never happen. */
static void dump_tally(struct rtl8139 *card)
{
	const struct rtl8139_tally *tally = &card->state.tally;
	uint64_t gpa = rtl8139_address(card, RTL8139_DTCCR) & ~(uint64_t)(RTL8139_TALLY_BYTES - 1);
	uint8_t bytes[RTL8139_TALLY_BYTES] = { 0 };

	store_le64(bytes, tally->sent);
	store_le64(bytes + 8, tally->received);
	store_le16(bytes + 28, tally->missed);
	store_le64(bytes + 40, tally->received_physical);
	store_le64(bytes + 48, tally->received_broadcast);
	store_le32(bytes + 56, tally->received_multicast);
	if (pci_is_bus_master(&card->function))
		ram_write(card->wires.ram, gpa, bytes, sizeof(bytes));
	rtl8139_set(card, RTL8139_DTCCR, 1,
		    rtl8139_get(card, RTL8139_DTCCR, 1) & ~(uint32_t)RTL8139_DTCCR_DUMP);
}

static void write_transmit_status(struct rtl8139 *card, unsigned offset, unsigned size)
{
	if (rtl8139_is_cplus(card, RTL8139_CPCR_TX | RTL8139_CPCR_RX)) {
		if (offset == RTL8139_DTCCR &&
		    rtl8139_get(card, RTL8139_DTCCR, 1) & RTL8139_DTCCR_DUMP)
			dump_tally(card);
		return;
	}
	for (unsigned i = 0; i < RTL8139_TSD_BUFFERS; i++) {
		unsigned owner = RTL8139_TSD + 4 * i + 1; /* the byte with the OWN bit */

		if (offset <= owner && owner < offset + size)
			write_tsd(card, i);
	}
}

static void load_address(struct rtl8139 *card)
{
	for (unsigned i = 0; i < NET_MAC_BYTES / 2; i++)
		rtl8139_set(card, RTL8139_IDR + 2 * i, 2,
			    card->state.eeprom.words[RTL8139_EEPROM_MAC + i]);
}

static void write_9346(struct rtl8139 *card)
{
	uint32_t value = rtl8139_get(card, RTL8139_9346CR, 1), mode = value & RTL8139_EEM;

	if (mode == RTL8139_EEM_PROGRAM)
		eeprom93_drive(&card->state.eeprom, value & RTL8139_EECS, value & RTL8139_EESK,
			       value & RTL8139_EEDI);
	if (mode == RTL8139_EEM_AUTOLOAD) {
		load_address(card);
		rtl8139_set(card, RTL8139_9346CR, 1, 0);
	}
}

/** Negotiation takes no time. */
static void write_bmcr(struct rtl8139 *card)
{
	uint32_t value = rtl8139_get(card, RTL8139_BMCR, 2);

	if (value & RTL8139_BMCR_RESET) {
		value = RTL8139_BMCR_RESET_VALUE;
		rtl8139_set(card, RTL8139_ANAR, 2, RTL8139_ABILITIES);
	}
	rtl8139_set(card, RTL8139_BMCR, 2, value & ~(uint32_t)RTL8139_BMCR_RESTART);
	update_link(card);
}

static void write_tppoll(struct rtl8139 *card, uint8_t value)
{
	const uint32_t rings = RTL8139_TPPOLL_NPQ | RTL8139_TPPOLL_HPQ;

	if (value & RTL8139_TPPOLL_FSWINT)
		rtl8139_raise(card, RTL8139_SWINT);
	rtl8139_set(card, RTL8139_TPPOLL, 1,
		    rtl8139_get(card, RTL8139_TPPOLL, 1) | (value & rings));
	rtl8139_transmit(card);
}

/** A ring that moves begins at its first descriptor. */
static void write_ring(struct rtl8139 *card, unsigned offset)
{
	if (offset >= RTL8139_RDSAR) {
		card->state.rx_index = 0;
	} else if (rtl8139_is_cplus(card, RTL8139_CPCR_TX)) {
		unsigned ring = offset >= RTL8139_THPDS;

		card->state.tx_index[ring] = 0;
		card->state.sent_bytes[ring] = 0;
	}
}

/** CONFIG0 to CONFIG4 can be written while the EEPROM register says so. */
static void write_config(struct rtl8139 *card, unsigned offset, uint64_t value, unsigned size)
{
	static const struct {
		uint8_t offset, writable;
	} configs[] = { { RTL8139_CONFIG0, 0x00 },
			{ RTL8139_CONFIG1, 0xf1 },
			{ RTL8139_CONFIG3, 0x7e },
			{ RTL8139_CONFIG4, 0xff } };

	if ((rtl8139_get(card, RTL8139_9346CR, 1) & RTL8139_EEM) != RTL8139_EEM_CONFIG)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(configs); i++) {
		unsigned at = configs[i].offset;

		if (offset <= at && at < offset + size)
			rtl8139_set(card, at, 1,
				    replace_bits(rtl8139_get(card, at, 1), configs[i].writable,
						 (uint32_t)(value >> (8 * (at - offset)))));
	}
}

/* The windows: both show the same registers */

static bool covers(unsigned offset, unsigned size, unsigned first, unsigned bytes)
{
	return offset < first + bytes && first < offset + size;
}

/** Brings registers up to date that nobody writes. */
static void refresh(struct rtl8139 *card, unsigned offset, unsigned size)
{
	uint32_t cr = rtl8139_get(card, RTL8139_CR, 1) & ~(uint32_t)RTL8139_CR_BUFE;
	uint32_t eeprom = rtl8139_get(card, RTL8139_9346CR, 1) & ~(uint32_t)RTL8139_EEDO;
	uint32_t status = 0;

	if (card->state.rx_at == rtl8139_rx_read_at(card))
		cr |= RTL8139_CR_BUFE;
	rtl8139_set(card, RTL8139_CR, 1, cr);
	rtl8139_set(card, RTL8139_CBR, 2, card->state.rx_at & UINT16_MAX);
	rtl8139_set(card, RTL8139_9346CR, 1,
		    eeprom | (eeprom93_out(&card->state.eeprom) ? RTL8139_EEDO : 0));
	if (covers(offset, size, RTL8139_TCTR, 4))
		rtl8139_set(card, RTL8139_TCTR, 4, timer_count(card));
	for (unsigned i = 0; i < RTL8139_TSD_BUFFERS; i++) {
		uint32_t tsd = rtl8139_get(card, RTL8139_TSD + 4 * i, 4);

		status |= (tsd & RTL8139_TSD_OWN ? 1u : 0u) << i;
		status |= (tsd & RTL8139_TSD_TUN ? 1u : 0u) << (i + 8);
		status |= (tsd & RTL8139_TSD_TOK ? 1u : 0u) << (i + 12);
	}
	rtl8139_set(card, RTL8139_TSAD_ALL, 2, status);
}

static uint64_t registers_read(void *opaque, uint64_t offset, unsigned size)
{
	struct rtl8139 *card = opaque;

	refresh(card, (unsigned)offset, size);
	return regs_read(&card->file, offset, size);
}

static uint64_t registers_peek(void *opaque, uint64_t offset, unsigned size)
{
	return regs_read(&((struct rtl8139 *)opaque)->file, offset, size);
}

/** The rarer ones. */
static void after_setup_write(struct rtl8139 *card, unsigned offset, uint64_t value, unsigned size)
{
	if (covers(offset, size, RTL8139_TCTR, 4))
		card->state.timer_base_ns = clock_now_ns(card->wires.clock);
	if (covers(offset, size, RTL8139_TCTR, 4) || covers(offset, size, RTL8139_TIMERINT, 4))
		arm_timer(card);
	if (covers(offset, size, RTL8139_MPC, 4))
		rtl8139_set(card, RTL8139_MPC, 4, 0);
	if (covers(offset, size, RTL8139_9346CR, 1))
		write_9346(card);
	if (covers(offset, size, RTL8139_CONFIG0, RTL8139_CONFIG4 + 1 - RTL8139_CONFIG0))
		write_config(card, offset, value, size);
	if (covers(offset, size, RTL8139_BMCR, 2))
		write_bmcr(card);
	if (covers(offset, size, RTL8139_TSAD, 16) || covers(offset, size, RTL8139_RDSAR, 8))
		write_ring(card, offset);
	/* A smaller receive buffer: what was in it is gone. */
	if (covers(offset, size, RTL8139_RCR, 4) &&
	    card->state.rx_at >= rtl8139_rx_buffer_bytes(card))
		start_receiver(card);
}

static void registers_write(void *opaque, uint64_t offset64, uint64_t value, unsigned size)
{
	struct rtl8139 *card = opaque;
	unsigned offset = (unsigned)offset64;
	uint32_t cr = rtl8139_get(card, RTL8139_CR, 1);

	TRACE(rtl8139, write, "%02x %llx", offset, (unsigned long long)value);
	regs_write(&card->file, offset, value, size);
	after_setup_write(card, offset, value, size);
	if (covers(offset, size, RTL8139_IMR, 4)) {
		update_interrupt(card);
		rtl8139_receive_changed(card);
	}
	if (covers(offset, size, RTL8139_CR, 1))
		write_cr(card, cr);
	if (covers(offset, size, RTL8139_CAPR, 2) || covers(offset, size, RTL8139_RCR, 4))
		rtl8139_receive_changed(card);
	if (covers(offset, size, RTL8139_TSD, 16))
		write_transmit_status(card, offset, size);
	if (covers(offset, size, RTL8139_TPPOLL, 1))
		write_tppoll(card, (uint8_t)(value >> (8 * (RTL8139_TPPOLL - offset))));
}

static const struct io_ops ops = {
	.read = registers_read,
	.write = registers_write,
	.peek = registers_peek,
};

/* Life */

/** As CR.RST does it: addresses, filters and the EEPROM's and PHY's registers stay; 6.7. */
static void soft_reset(struct rtl8139 *card)
{
	uint8_t kept[RTL8139_MAR + 8];
	uint32_t bmcr = rtl8139_get(card, RTL8139_BMCR, 2);
	uint32_t anar = rtl8139_get(card, RTL8139_ANAR, 2);

	memcpy(kept, card->state.regs, sizeof(kept));
	regs_reset(&card->file, rows, ARRAY_SIZE(rows));
	memcpy(card->state.regs, kept, sizeof(kept));
	rtl8139_set(card, RTL8139_BMCR, 2, bmcr);
	rtl8139_set(card, RTL8139_ANAR, 2, anar);
	card->state.rx_at = 0;
	card->state.rx_index = 0;
	card->state.is_stalled = false;
	start_transmitter(card);
	clock_timer_cancel(&card->transmit);
	clock_timer_cancel(&card->refill);
	card->refill_tries = 0;
	arm_timer(card);
	update_link(card);
	update_interrupt(card);
	rtl8139_receive_changed(card);
}

static void rtl8139_reset(void *self)
{
	struct rtl8139 *card = self;

	memset(card->state.regs, 0, sizeof(card->state.regs));
	card->state.tally = (struct rtl8139_tally){ 0 };
	card->state.timer_base_ns = clock_now_ns(card->wires.clock);
	eeprom93_reset(&card->state.eeprom);
	soft_reset(card);
	rtl8139_set(card, RTL8139_BMCR, 2, RTL8139_BMCR_RESET_VALUE);
	rtl8139_set(card, RTL8139_ANAR, 2, RTL8139_ABILITIES);
	load_address(card);
	pci_function_reset(&card->function);
}

static bool indexes_hold(const struct rtl8139 *card)
{
	const struct rtl8139_state *s = &card->state;

	return s->rx_at < rtl8139_rx_buffer_bytes(card) && !(s->rx_at & 3) &&
	       s->tx_index[0] < RTL8139_D_COUNT && s->tx_index[1] < RTL8139_D_COUNT &&
	       s->rx_index < RTL8139_D_COUNT && s->tx_buffer < RTL8139_TSD_BUFFERS;
}

static bool times_hold(const struct rtl8139 *card)
{
	const struct rtl8139_state *s = &card->state;

	return s->timer_base_ns >= 0 && s->timer_base_ns < time_limit_ns && s->timer_ns >= 0 &&
	       s->timer_ns < time_limit_ns;
}

/** What the chip has of its own in the register file must be what it can have. */
static bool registers_hold(const struct rtl8139 *card)
{
	return !(rtl8139_get(card, RTL8139_ISR, 2) & ~(uint32_t)RTL8139_INTERRUPTS) &&
	       !(rtl8139_get(card, RTL8139_IMR, 2) & ~(uint32_t)RTL8139_INTERRUPTS) &&
	       !(rtl8139_get(card, RTL8139_CR, 1) & RTL8139_CR_RST);
}

static int rtl8139_after_load(void *self, struct err *err)
{
	struct rtl8139 *card = self;
	struct rtl8139_state *s = &card->state;

	if (!indexes_hold(card) || !times_hold(card) || !registers_hold(card) ||
	    !eeprom93_is_valid(&s->eeprom))
		return err_set(err, -EINVAL, "the RTL8139 has values that no register can hold");
	if (s->timer_runs)
		clock_timer_set(&card->timer, s->timer_ns);
	else
		clock_timer_cancel(&card->timer);
	clock_timer_set(&card->transmit, clock_now_ns(card->wires.clock));
	pci_function_update(&card->function);
	update_link(card);
	return 0;
}

static void rtl8139_finish(void *self)
{
	struct rtl8139 *card = self;

	clock_timer_cancel(&card->timer);
	clock_timer_cancel(&card->transmit);
	clock_timer_cancel(&card->refill);
	net_disconnect(&card->port);
	pci_bus_unplug(&card->function);
}

static const struct device_class rtl8139_class = {
	.name = "rtl8139",
	.reset = rtl8139_reset,
	.table = &rtl8139_state_table,
	.state_offset = offsetof(struct rtl8139, state),
	.version = 1,
	.after_load = rtl8139_after_load,
	.finish = rtl8139_finish,
};

static const struct net_port_ops port_ops = {
	.receive = rtl8139_receive,
	.resume = rtl8139_transmit,
	.link_changed = link_changed,
};

static void fill_eeprom(struct rtl8139 *card)
{
	uint16_t *words = card->state.eeprom.words;

	words[RTL8139_EEPROM_ID] = RTL8139_EEPROM_SIGNATURE;
	words[RTL8139_EEPROM_VENDOR] = RTL8139_VENDOR;
	words[RTL8139_EEPROM_DEVICE] = RTL8139_DEVICE;
	words[RTL8139_EEPROM_SUBSYSTEM_VENDOR] = card->function.identity.subsystem_vendor;
	words[RTL8139_EEPROM_SUBSYSTEM] = card->function.identity.subsystem;
	for (unsigned i = 0; i < NET_MAC_BYTES / 2; i++)
		words[RTL8139_EEPROM_MAC + i] = load_le16(card->wires.mac + 2 * i);
}

static void init_function(struct rtl8139 *card)
{
	card->file = (struct reg_file){ card->state.regs, card->writable, card->clear_on_one,
					RTL8139_BYTES };
	regs_define(&card->file, rows, ARRAY_SIZE(rows));
	io_window_init(&card->io, "rtl8139-io", &ops, card, RTL8139_BYTES);
	io_window_init(&card->memory, "rtl8139-registers", &ops, card, RTL8139_BYTES);
	pci_function_init(&card->function, &card->state.pci, &identity, NULL, 0, card);
	pci_function_set_bar(&card->function, BAR_IO, &card->io, PCI_BAR_IO);
	pci_function_set_bar(&card->function, BAR_MEMORY, &card->memory, 0);
	if (card->wires.rom)
		pci_function_set_bar(&card->function, PCI_ROM_BAR, card->wires.rom, 0);
}

int rtl8139_init(struct rtl8139 *card, const struct rtl8139_wires *wires, struct err *err)
{
	int result;

	*card = (struct rtl8139){ .wires = *wires };
	device_init(&card->device, &rtl8139_class, card);
	clock_timer_init(&card->timer, wires->clock, timer_matches, card);
	clock_timer_init(&card->transmit, wires->clock, rtl8139_transmit, card);
	clock_timer_init(&card->refill, wires->clock, rtl8139_look_for_room, card);
	net_port_init(&card->port, wires->name, &port_ops, card);
	init_function(card);
	result = pci_bus_plug(wires->bus, &card->function, wires->slot, 0, err);
	if (result < 0)
		return result;
	fill_eeprom(card);
	rtl8139_reset(card);
	return 0;
}
