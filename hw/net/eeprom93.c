// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/net/eeprom93.h"

#include "base/bits.h"

enum {
	ADDRESS_MASK = EEPROM93_WORDS - 1,
	COMMAND_BITS = 2 + EEPROM93_ADDRESS_BITS,
	WORD_BITS = 16,
};

/** The two bits behind the start bit. */
enum opcode {
	OP_EXTENDED, /* by the upper two bits of the address */
	OP_WRITE,
	OP_READ,
	OP_ERASE,
};

enum extended {
	EXTENDED_EWDS,
	EXTENDED_WRAL,
	EXTENDED_ERAL,
	EXTENDED_EWEN,
};

static const struct state_field fields[] = {
	STATE_ARRAY(struct eeprom93_state, words),     STATE_INT(struct eeprom93_state, shift),
	STATE_INT(struct eeprom93_state, phase),       STATE_INT(struct eeprom93_state, bits),
	STATE_INT(struct eeprom93_state, command),     STATE_INT(struct eeprom93_state, select),
	STATE_INT(struct eeprom93_state, clock),       STATE_INT(struct eeprom93_state, out),
	STATE_INT(struct eeprom93_state, is_writable), STATE_INT(struct eeprom93_state, reserved),
};
STATE_TABLE(eeprom93_state_table, eeprom93_state, fields);

static enum opcode opcode_of(const struct eeprom93_state *eeprom)
{
	return (enum opcode)(eeprom->command >> EEPROM93_ADDRESS_BITS);
}

static enum extended extended_of(const struct eeprom93_state *eeprom)
{
	return (enum extended)(eeprom->command >> (EEPROM93_ADDRESS_BITS - 2) & 3);
}

static void enter(struct eeprom93_state *eeprom, enum eeprom93_phase phase)
{
	eeprom->phase = (uint8_t)phase;
	eeprom->bits = 0;
}

static void start_read(struct eeprom93_state *eeprom)
{
	eeprom->shift = eeprom->words[eeprom->command & ADDRESS_MASK];
	eeprom->out = false; /* a dummy zero comes first */
	enter(eeprom, EEPROM93_READING);
}

static void start_extended(struct eeprom93_state *eeprom)
{
	switch (extended_of(eeprom)) {
	case EXTENDED_EWDS:
		eeprom->is_writable = false;
		enter(eeprom, EEPROM93_STANDBY);
		break;
	case EXTENDED_EWEN:
		eeprom->is_writable = true;
		enter(eeprom, EEPROM93_STANDBY);
		break;
	case EXTENDED_WRAL:
		enter(eeprom, EEPROM93_WRITING);
		break;
	case EXTENDED_ERAL:
		enter(eeprom, EEPROM93_PROGRAM);
		break;
	}
}

static void start_command(struct eeprom93_state *eeprom)
{
	switch (opcode_of(eeprom)) {
	case OP_READ:
		start_read(eeprom);
		break;
	case OP_WRITE:
		enter(eeprom, EEPROM93_WRITING);
		break;
	case OP_ERASE:
		enter(eeprom, EEPROM93_PROGRAM);
		break;
	case OP_EXTENDED:
		start_extended(eeprom);
		break;
	}
}

/** The start bit is the first one; 'bits' counts it too. */
static void clock_command(struct eeprom93_state *eeprom, bool data)
{
	if (eeprom->bits == 0 && !data)
		return;
	eeprom->command = (uint8_t)(eeprom->bits == 0 ? 0 : eeprom->command << 1 | data);
	if (++eeprom->bits == COMMAND_BITS + 1)
		start_command(eeprom);
}

static void clock_read(struct eeprom93_state *eeprom)
{
	if (eeprom->bits == WORD_BITS) {
		eeprom->command =
			(uint8_t)replace_bits(eeprom->command, ADDRESS_MASK, eeprom->command + 1u);
		eeprom->shift = eeprom->words[eeprom->command & ADDRESS_MASK];
		eeprom->bits = 0;
	}
	eeprom->out = eeprom->shift >> (WORD_BITS - 1);
	eeprom->shift = (uint16_t)(eeprom->shift << 1);
	eeprom->bits++;
}

static void clock_write(struct eeprom93_state *eeprom, bool data)
{
	eeprom->shift = (uint16_t)(eeprom->shift << 1 | data);
	if (++eeprom->bits == WORD_BITS)
		enter(eeprom, EEPROM93_PROGRAM);
}

static void clock_bit(struct eeprom93_state *eeprom, bool data)
{
	switch (eeprom->phase) {
	case EEPROM93_COMMAND:
		clock_command(eeprom, data);
		break;
	case EEPROM93_READING:
		clock_read(eeprom);
		break;
	case EEPROM93_WRITING:
		clock_write(eeprom, data);
		break;
	default:
		break;
	}
}

static void program(struct eeprom93_state *eeprom)
{
	bool is_all = opcode_of(eeprom) == OP_EXTENDED;
	bool is_erase =
		is_all ? extended_of(eeprom) == EXTENDED_ERAL : opcode_of(eeprom) == OP_ERASE;
	uint16_t value = is_erase ? UINT16_MAX : eeprom->shift;

	if (!eeprom->is_writable)
		return;
	if (is_all)
		for (unsigned i = 0; i < EEPROM93_WORDS; i++)
			eeprom->words[i] = value;
	else
		eeprom->words[eeprom->command & ADDRESS_MASK] = value;
}

static void set_select(struct eeprom93_state *eeprom, bool select)
{
	if (!select && eeprom->phase == EEPROM93_PROGRAM)
		program(eeprom);
	eeprom->select = select;
	eeprom->out = true; /* pulled up while not driven; ready while selected */
	enter(eeprom, select ? EEPROM93_COMMAND : EEPROM93_STANDBY);
}

void eeprom93_drive(struct eeprom93_state *eeprom, bool select, bool clock, bool data)
{
	bool rises = clock && !eeprom->clock;

	eeprom->clock = clock;
	if (select != eeprom->select)
		set_select(eeprom, select);
	if (rises && select)
		clock_bit(eeprom, data);
}

bool eeprom93_out(const struct eeprom93_state *eeprom)
{
	return eeprom->out;
}

void eeprom93_reset(struct eeprom93_state *eeprom)
{
	eeprom->clock = false;
	eeprom->is_writable = false;
	eeprom->shift = 0;
	eeprom->command = 0;
	eeprom->select = false;
	eeprom->out = true;
	enter(eeprom, EEPROM93_STANDBY);
}

bool eeprom93_is_valid(const struct eeprom93_state *eeprom)
{
	return eeprom->phase <= EEPROM93_PROGRAM && eeprom->bits <= WORD_BITS &&
	       (eeprom->phase != EEPROM93_COMMAND || eeprom->bits <= COMMAND_BITS) &&
	       (eeprom->phase != EEPROM93_WRITING || eeprom->bits < WORD_BITS);
}
