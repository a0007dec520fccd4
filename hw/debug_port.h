// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The debug port 0x402: the firmware's messages, one byte a write, to a character port. It reads as
 * 0xe9, by which SeaBIOS finds it; without it SeaBIOS prints nothing, which is faster. No state;
 * bytes that the host end has no room for are lost.
 */
#pragma once

#include "base/chr.h"
#include "bus/device.h"
#include "bus/io.h"

enum {
	DEBUG_PORT = 0x402,
	DEBUG_PORT_PRESENT = 0xe9, /* what reading it gives */
};

struct debug_port {
	struct device device;
	struct io_window window;
	struct chr *chr;
};

/** Maps the port at 'base', usually DEBUG_PORT. 'chr' is borrowed. 0 or io_map's error. */
int debug_port_init(struct debug_port *port, struct io_space *ports, uint16_t base,
		    struct chr *chr);
