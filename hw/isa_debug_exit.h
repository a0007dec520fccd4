// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A test device: a guest program ends the device model by writing to a port; the exit status is
 * value * 2 + 1, so that it is never 0. Reads as zero.
 */
#pragma once

#include "bus/device.h"
#include "bus/io.h"
#include "bus/power.h"

struct err;

enum {
	ISA_DEBUG_EXIT_BASE = 0x501, /* the default of iobase= and iosize= */
	ISA_DEBUG_EXIT_SIZE = 2,
};

struct isa_debug_exit {
	struct device device;
	struct io_window window;
	struct power *power;
};

/** Maps 'size' ports (1 to 8) at 'base'. 'power' is borrowed; its argument is the exit status. 0,
 * or -errno and a sentence. */
int isa_debug_exit_init(struct isa_debug_exit *exit_port, struct io_space *ports,
			struct power *power, uint16_t base, unsigned size, struct err *err);
