// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Keyboard controller (8042) at ports 0x60 and 0x64, IRQ 1 and 12, with its keyboard and its mouse.
 *
 * Modelled: the commands of an AT and PS/2 controller, translation, one output buffer for both,
 * reset by pulse. Not modelled: A20 (the bit is kept), passwords, the time that a byte takes on the
 * wire. Only scan codes are held back for a moment after a read by a guest that does not ask for
 * the status before it reads, because programs that hook the keyboard interrupt read a code twice.
 */
#pragma once

#include "base/clock.h"
#include "base/input.h"
#include "bus/device.h"
#include "bus/io.h"
#include "bus/irq.h"
#include "bus/power.h"
#include "hw/ps2_keyboard.h"
#include "hw/ps2_mouse.h"

/** What a guest can observe. */
struct ps2_state {
	struct ps2_mouse_state mouse;
	struct ps2_keyboard_state keyboard;
	uint8_t ram[PS2_RAM_BYTES]; /* byte 0 is the command byte: enum ps2_mode */
	uint8_t output;             /* the output buffer */
	uint8_t output_port;
	uint8_t command; /* that waits for its data byte, or 0 */
	uint8_t answer;  /* of the controller, until the output buffer is free */
	bool output_full, output_is_aux;
	bool answer_waits, answer_is_aux;
	bool system, wrote_command;
	bool released; /* translation has seen the break prefix */
};

struct ps2 {
	struct ps2_state state;
	struct device device;
	struct io_window data,
		command; /* one port each, 0x60 and 0x64; to be mapped by the board */
	struct ps2_keyboard keyboard;
	struct ps2_mouse mouse;
	struct input_sink sink;
	struct clock_timer timer; /* until the next scan code */
	struct irq_line *keyboard_irq, *aux_irq;
	struct power *power;
	struct input *input;
	bool refilling, refill_again;
	bool was_asked; /* the guest has asked for the status since the output buffer was filled */
};

/**
 * Puts controller, keyboard and mouse into their power-on state, and offers keyboard and mouse to
 * 'input' (may be NULL). All are borrowed. A pulse of the reset line is power_request(POWER_RESET,
 * "i8042").
 */
void ps2_init(struct ps2 *ps2, struct clock *clock, struct irq_line *keyboard_irq,
	      struct irq_line *aux_irq, struct power *power, struct input *input);
