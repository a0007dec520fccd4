// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Intel 82441FX host bridge: PCI function 00:00.0, configuration mechanism 1 at ports 0xcf8 to
 * 0xcfc, and the attribute maps (PAM) that lay RAM over the ROM area below 1 MiB.
 *
 * Not modelled: DRAM timing, error reporting, the SMRAM window (its register keeps its lock
 * semantics), the DRAM hole.
 */
#pragma once

#include "bus/device.h"
#include "bus/pci_bus.h"
#include "bus/power.h"

struct err;

enum {
	I440FX_PAM_SEGMENTS = 13, /* 0: 64 KiB at 0xf0000; 1 to 12: 16 KiB each from 0xc0000 on */
};

/** A byte register of another chip inside the configuration ports: the ISA bridge's reset control
 * at 0xcf9. */
struct i440fx_byte_port {
	void *opaque;
	uint8_t (*read)(void *opaque); /* free of side effects */
	void (*write)(void *opaque, uint8_t value);
};

/** What the chip is wired to; all is borrowed, the struct itself is copied. */
struct i440fx_wires {
	struct pci_bus *bus; /* the chip plugs itself in as 00:00.0 */
	struct io_space *ports;
	struct power *power;
	struct i440fx_byte_port reset_control; /* hooks may be NULL: nothing is there */
	uint64_t ram_bytes;                    /* shown in the row boundaries */
	/**
	 * Where 'bytes' bytes at 'base' are read from and written to, RAM or ROM, has changed. Not
	 * called for the power-on state, in which everything goes to ROM. May be NULL.
	 */
	void (*pam_changed)(void *opaque, unsigned segment, uint64_t base, uint64_t bytes,
			    bool read_ram, bool write_ram);
	void *pam_opaque;
};

struct i440fx_state {
	struct pci_state pci;
	uint8_t reserved[3]; /* zero */
	uint32_t config_address;
};
extern const struct state_table i440fx_state_table;

struct i440fx {
	struct device device;
	struct i440fx_state state;
	struct pci_function function;
	struct io_window window;
	struct i440fx_wires wires;
	uint8_t pam_told[I440FX_PAM_SEGMENTS]; /* what the board knows */
};

/** Power-on state, plugged and mapped. 0, or -errno and a sentence. */
int i440fx_init(struct i440fx *bridge, const struct i440fx_wires *wires, struct err *err);
