// SPDX-License-Identifier: GPL-2.0-or-later
/* The EEPROM and the PHY of the 8254x. */
#include "base/bytes.h"
#include "base/trace.h"
#include "hw/net/e1000_internal.h"

enum {
	/* How long the PHY negotiates. Drivers expect the link to come up after they have enabled
	 * its interrupt, not at once. */
	NEGOTIATION_NS = 100 * 1000 * 1000,

	EEPROM_SIGNATURE = 0x4000, /* of control word 1: the words are valid */
	EEPROM_LOADS_IDS = 0x0003, /* ids come from the EEPROM */
	EEPROM_SYMMETRIC_PAUSE = 0x3000,
	PHY_MARVELL = 0x0141,
	PHY_88E1011 = 0x0c20,
	PHY_88E1000 = 0x0c30,   /* on the 82544 */
	PHY_ABILITIES = 0x7949, /* 10 and 100 Mbit/s, extended status, preamble, negotiates */
	PHY_ADVERTISES = 0x01e1,
	PHY_PARTNER_ABILITIES = 0x01e1,
	PHY_PARTNER_1000 = 0x7c00, /* receivers good, gigabit, both duplexes */
	PHY_GIGABIT = 0x0e00,
	PHY_1000BASE_T = 0x3000,
	PHY_CONTROL_RESET_VALUE = 0x1140,    /* negotiates; full duplex, 1000 Mbit/s */
	PHY_SPECIFIC_CONTROL_VALUE = 0x0068, /* crossover and polarity by themselves */
	PHY_EXTENDED_CONTROL_VALUE = 0x0d60,
};

/* EEPROM, 5.6 */

static void set_checksum(uint16_t *words)
{
	uint16_t sum = 0;

	for (unsigned i = 0; i < E1000_EEPROM_CHECKSUM; i++)
		sum = (uint16_t)(sum + words[i]);
	words[E1000_EEPROM_CHECKSUM] = (uint16_t)(E1000_EEPROM_SUM - sum);
}

void e1000_eeprom_init(struct e1000 *card, uint16_t device_id)
{
	uint16_t *words = card->state.eeprom.words;
	const struct pci_identity *identity = &card->function.identity;

	for (unsigned i = 0; i < NET_MAC_BYTES / 2; i++)
		words[E1000_EEPROM_MAC + i] = load_le16(card->wires.mac + 2 * i);
	words[E1000_EEPROM_PBA] = words[E1000_EEPROM_PBA + 1] = UINT16_MAX;
	words[E1000_EEPROM_CONTROL_1] = EEPROM_SIGNATURE | EEPROM_LOADS_IDS;
	words[E1000_EEPROM_SUBSYSTEM] = identity->subsystem;
	words[E1000_EEPROM_SUBSYSTEM_VENDOR] = identity->subsystem_vendor;
	words[E1000_EEPROM_DEVICE] = device_id;
	words[E1000_EEPROM_VENDOR] = E1000_VENDOR;
	words[E1000_EEPROM_CONTROL_2] = EEPROM_SYMMETRIC_PAUSE;
	set_checksum(words);
	eeprom93_reset(&card->state.eeprom);
}

void e1000_eecd_write(struct e1000 *card, uint32_t value)
{
	card->state.eecd = value & (E1000_EECD_PINS | E1000_EECD_REQ);
	eeprom93_drive(&card->state.eeprom, value & E1000_EECD_CS, value & E1000_EECD_SK,
		       value & E1000_EECD_DI);
}

/** Nobody else wants the EEPROM: a request is granted at once. */
uint32_t e1000_eecd_read(struct e1000 *card)
{
	uint32_t value = card->state.eecd | E1000_EECD_PRES | E1000_EECD_FWE_DISABLED;

	if (value & E1000_EECD_REQ)
		value |= E1000_EECD_GNT;
	if (eeprom93_out(&card->state.eeprom))
		value |= E1000_EECD_DO;
	return value;
}

void e1000_eerd_write(struct e1000 *card, uint32_t value)
{
	unsigned address = value >> E1000_EERD_ADDRESS_SHIFT & UINT8_MAX;
	uint32_t word = address < EEPROM93_WORDS ? card->state.eeprom.words[address] : UINT16_MAX;

	card->state.eerd = address << E1000_EERD_ADDRESS_SHIFT;
	if (value & E1000_EERD_START)
		card->state.eerd |= E1000_EERD_DONE | word << E1000_EERD_DATA_SHIFT;
}

/* PHY */

/** What a driver can change. */
static const uint16_t phy_writable[E1000_PHY_WORDS] = {
	[E1000_PHY_CONTROL] = 0x7dff,          [E1000_PHY_ADVERTISE] = 0xffff,
	[E1000_PHY_NEXT_PAGE] = 0xffff,        [E1000_PHY_1000_CONTROL] = 0xff00,
	[E1000_PHY_SPECIFIC_CONTROL] = 0xffff, [E1000_PHY_INTERRUPT_ENABLE] = 0xffff,
	[E1000_PHY_EXTENDED_CONTROL] = 0xffff, [E1000_PHY_PAGE] = 0xffff,
	[E1000_PHY_PAGE_DATA] = 0xffff,
};

static void set_link(struct e1000 *card, bool up)
{
	struct e1000_state *s = &card->state;
	const uint16_t link = E1000_PHY_STATUS_LINK | E1000_PHY_STATUS_NEGOTIATED;
	bool was_up = s->status & E1000_STATUS_LU;

	s->phy[E1000_PHY_STATUS] = PHY_ABILITIES | (up ? link : 0);
	s->phy[E1000_PHY_PARTNER] = up ? PHY_PARTNER_ABILITIES | E1000_PHY_PARTNER_ACKNOWLEDGE : 0;
	s->phy[E1000_PHY_EXPANSION] = up ? 1 : 0;
	s->phy[E1000_PHY_1000_STATUS] = up ? PHY_PARTNER_1000 : 0;
	s->phy[E1000_PHY_SPECIFIC_STATUS] =
		up ? E1000_PHY_SPECIFIC_1000 | E1000_PHY_SPECIFIC_DUPLEX |
				E1000_PHY_SPECIFIC_RESOLVED | E1000_PHY_SPECIFIC_LINK
		   : 0;
	s->status = replace_bits(s->status, E1000_STATUS_LU, up ? E1000_STATUS_LU : 0);
	if (up != was_up) {
		TRACE(e1000, link, "%s", up ? "up" : "down");
		e1000_raise(card, E1000_CAUSE_LSC);
	}
}

void e1000_phy_update_link(struct e1000 *card)
{
	const struct e1000_state *s = &card->state;
	bool is_off = s->phy[E1000_PHY_CONTROL] & E1000_PHY_CONTROL_POWER_DOWN;
	bool loops = s->phy[E1000_PHY_CONTROL] & E1000_PHY_CONTROL_LOOPBACK;
	bool up = loops || (net_link_is_up(&card->port) && !s->is_negotiating);

	set_link(card, up && !is_off);
}

void e1000_phy_negotiated(void *opaque)
{
	struct e1000 *card = opaque;

	card->state.is_negotiating = false;
	e1000_phy_update_link(card);
}

static void negotiate(struct e1000 *card)
{
	struct e1000_state *s = &card->state;

	s->is_negotiating = true;
	s->negotiate_ns = clock_now_ns(card->wires.clock) + NEGOTIATION_NS;
	clock_timer_set(&card->negotiate, s->negotiate_ns);
}

static void put_reset_values(struct e1000 *card)
{
	uint16_t *phy = card->state.phy;

	for (unsigned i = 0; i < E1000_PHY_WORDS; i++)
		phy[i] = 0;
	phy[E1000_PHY_CONTROL] = PHY_CONTROL_RESET_VALUE;
	phy[E1000_PHY_STATUS] = PHY_ABILITIES;
	phy[E1000_PHY_ID1] = PHY_MARVELL;
	phy[E1000_PHY_ID2] = card->wires.model == E1000_MODEL_82544GC ? PHY_88E1000 : PHY_88E1011;
	phy[E1000_PHY_ADVERTISE] = PHY_ADVERTISES;
	phy[E1000_PHY_1000_CONTROL] = PHY_GIGABIT;
	phy[E1000_PHY_EXTENDED_STATUS] = PHY_1000BASE_T;
	phy[E1000_PHY_SPECIFIC_CONTROL] = PHY_SPECIFIC_CONTROL_VALUE;
	phy[E1000_PHY_EXTENDED_CONTROL] = PHY_EXTENDED_CONTROL_VALUE;
}

void e1000_phy_reset(struct e1000 *card)
{
	put_reset_values(card);
	card->state.is_negotiating = false;
	clock_timer_cancel(&card->negotiate);
	e1000_phy_update_link(card);
}

static void write_control(struct e1000 *card, uint16_t value)
{
	const uint16_t restart = E1000_PHY_CONTROL_RESTART | E1000_PHY_CONTROL_NEGOTIATE;

	if (value & E1000_PHY_CONTROL_RESET) {
		put_reset_values(card);
		negotiate(card);
	} else if ((value & restart) == restart) {
		negotiate(card);
	}
	e1000_phy_update_link(card);
}

static void write_phy(struct e1000 *card, unsigned index, uint16_t value)
{
	uint16_t *word = &card->state.phy[index];

	*word = (uint16_t)replace_bits(*word, phy_writable[index], value);
	if (index == E1000_PHY_CONTROL)
		write_control(card, value);
}

void e1000_mdic_write(struct e1000 *card, uint32_t value)
{
	struct e1000_state *s = &card->state;
	unsigned index = value >> E1000_MDIC_REGISTER_SHIFT & E1000_MDIC_FIELD;
	unsigned phy = value >> E1000_MDIC_PHY_SHIFT & E1000_MDIC_FIELD;

	s->mdic = (value & ~(uint32_t)E1000_MDIC_ERROR) | E1000_MDIC_READY;
	if (phy != E1000_PHY_ADDRESS)
		s->mdic |= E1000_MDIC_ERROR;
	else if (value & E1000_MDIC_READ)
		s->mdic = replace_bits(s->mdic, E1000_MDIC_DATA, s->phy[index]);
	else if (value & E1000_MDIC_WRITE)
		write_phy(card, index, value & E1000_MDIC_DATA);
	if (value & E1000_MDIC_INTERRUPT)
		e1000_raise(card, E1000_CAUSE_MDAC);
}

bool e1000_is_looped(const struct e1000 *card)
{
	const struct e1000_state *s = &card->state;

	return s->rctl & E1000_RCTL_LBM || s->phy[E1000_PHY_CONTROL] & E1000_PHY_CONTROL_LOOPBACK;
}
