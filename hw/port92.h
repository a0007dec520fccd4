// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * System control port A (0x92) of the PS/2: fast reset, and the A20 gate. PS/2 Hardware Interface
 * Technical Reference, "System Control Port A".
 *
 * Not modelled: A20 itself, which is always open; its bit keeps what is written. The watchdog and
 * drive lights.
 */
#pragma once

#include "bus/device.h"
#include "bus/io.h"
#include "bus/power.h"

struct err;

enum {
	PORT92_PORT = 0x92,
	PORT92_RESET = 0x01, /* 0 to 1: reset */
	PORT92_A20 = 0x02,
};

struct port92_state {
	uint8_t value;
};
extern const struct state_table port92_state_table;

struct port92 {
	struct device device;
	struct port92_state state;
	struct io_window window;
	struct power *power;
};

/** Power-on state, mapped. 'power' is borrowed. 0, or -errno and a sentence. */
int port92_init(struct port92 *port, struct io_space *ports, struct power *power, struct err *err);
