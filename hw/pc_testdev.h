// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A test device that the programs of kvm-unit-tests expect:
 *   - port 0xe0, 4 bytes: a register that reads back what was written, in any size; 0xe8: the same
 * one, byte by byte;
 *   - port 0xe4: write a guest-physical address to have the mapping of its page dropped and made
 * again;
 *   - ports 0x2000 to 0x2017: writing sets the level of the interrupt of that number;
 *   - memory at 0xff000000, 64 KiB: bytes that read back through the device instead of RAM.
 */
#pragma once

#include "bus/device.h"
#include "bus/io.h"
#include "bus/irq.h"

struct err;

enum {
	PC_TESTDEV_IRQS = 24,
	PC_TESTDEV_MEMORY_BYTES = 0x10000,
};

/** What the device is wired to; all is borrowed, the struct itself is copied. */
struct pc_testdev_wires {
	struct io_space *ports, *memory;
	struct irq_line *irqs[PC_TESTDEV_IRQS]; /* the device's own ends; NULL: not connected */
	void (*flush_page)(void *opaque, uint64_t gpa); /* may be NULL */
	void *flush_opaque;
};

struct pc_testdev_state {
	uint8_t port[4];
	uint32_t irq_levels;
	uint8_t memory[PC_TESTDEV_MEMORY_BYTES];
};
extern const struct state_table pc_testdev_state_table;

struct pc_testdev {
	struct device device;
	struct pc_testdev_state state;
	struct io_window port, byte_port, flush, irqs, memory;
	struct pc_testdev_wires wires;
};

/** Power-on state, mapped. 0, or -errno and a sentence. */
int pc_testdev_init(struct pc_testdev *testdev, const struct pc_testdev_wires *wires,
		    struct err *err);
