// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A 93C46 Microwire EEPROM of 64 words, as network cards carry it: bits are clocked in and out by
 * the driver through a register of the card. Modelled: READ (sequential too), WRITE, ERASE, WRAL,
 * ERAL, EWEN, EWDS; programming takes no time. What the guest writes lives as long as the guest.
 *
 * Microchip 93C46B/93LC46B data sheet, chapter 2 (x16 organisation).
 */
#pragma once

#include "bus/state.h"

struct err;

enum {
	EEPROM93_WORDS = 64,
	EEPROM93_ADDRESS_BITS = 6,
};

/** What the pins have brought about so far. */
enum eeprom93_phase {
	EEPROM93_STANDBY, /* not selected, or the command is over */
	EEPROM93_COMMAND, /* waiting for the start bit, then opcode and address */
	EEPROM93_READING, /* words are shifted out */
	EEPROM93_WRITING, /* a word is shifted in */
	EEPROM93_PROGRAM, /* begins when the chip is deselected */
};

struct eeprom93_state {
	uint16_t words[EEPROM93_WORDS];
	uint16_t shift;  /* bits on their way in or out */
	uint8_t phase;   /* eeprom93_phase */
	uint8_t bits;    /* so far shifted */
	uint8_t command; /* opcode and address */
	bool select, clock;
	bool out;         /* the DO pin */
	bool is_writable; /* EWEN was given */
	uint8_t reserved; /* zero */
};
extern const struct state_table eeprom93_state_table;

/** Drives the input pins; the data pin is taken over at the rising edge of 'clock'. */
void eeprom93_drive(struct eeprom93_state *eeprom, bool select, bool clock, bool data);
/** The output pin. */
bool eeprom93_out(const struct eeprom93_state *eeprom);
/** Deselected; the words stay. */
void eeprom93_reset(struct eeprom93_state *eeprom);
/** True if it is a state that pins could have led to. */
bool eeprom93_is_valid(const struct eeprom93_state *eeprom);
