// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A PCI function: configuration space, base address registers that move windows, the INTx wire. The
 * bus (pci_bus.h) routes configuration cycles; here is what a chip embeds.
 */
#pragma once

#include "bus/io.h"
#include "bus/irq.h"
#include "bus/pci_regs.h"
#include "bus/regs.h"
#include "bus/state.h"

struct pci_bus;

/** Who a function is. Zero subsystem ids read as 1af4:1100. */
struct pci_identity {
	const char *name; /* "VGA"; for monitors */
	uint16_t vendor, device;
	uint16_t class; /* base class and sub-class */
	uint8_t prog_if, revision;
	uint16_t subsystem_vendor, subsystem;
	uint8_t interrupt_pin; /* 0 none, 1 INTA … 4 INTD */
};

struct pci_bar {
	struct io_window *window; /* NULL: not implemented */
	bool is_io;
	bool waiting; /* decoded, but something else is at its address */
};

/** What is saved of a function. */
struct pci_state {
	uint8_t config[PCI_CONFIG_SIZE];
	bool intx_level;
};
extern const struct state_table pci_state_table;

struct pci_function {
	struct pci_state *state; /* in the chip's state struct */
	struct reg_file config;
	uint8_t writable[PCI_CONFIG_SIZE];
	uint8_t clear_on_one[PCI_CONFIG_SIZE];
	struct pci_identity identity;
	struct pci_bar bars[PCI_BAR_COUNT + 1];
	const struct reg_row *rows; /* chip-specific registers */
	size_t row_count;
	struct pci_bus *bus; /* NULL until plugged */
	uint8_t slot, function;
	const char *id; /* the user's id=, for monitors; may be NULL */
	void *opaque;
	/** After a configuration write by the guest, of the bytes [offset, offset + size). May be
	 * NULL. */
	void (*config_written)(void *opaque, unsigned offset, unsigned size);
};

/**
 * Makes 'function' with its header by 'identity' and the chip's registers by 'rows' (may be NULL),
 * all kept by reference. 'state' lies in the chip's state struct.
 */
void pci_function_init(struct pci_function *function, struct pci_state *state,
		       const struct pci_identity *identity, const struct reg_row *rows,
		       size_t row_count, void *opaque);

/** BAR 'index' (or PCI_ROM_BAR) shows 'window', whose size is a power of two (at least 16, ROM
 * 2048). 'flags': pci_bar_bits. */
void pci_function_set_bar(struct pci_function *function, unsigned index, struct io_window *window,
			  unsigned flags);

/** Power-on values; BARs vanish from the map, INTx falls. To be called from the chip's reset. */
void pci_function_reset(struct pci_function *function);

/** Puts BARs where the registers say and drives INTx: after a load. */
void pci_function_update(struct pci_function *function);

uint32_t pci_config_read(struct pci_function *function, unsigned offset, unsigned size);
void pci_config_write(struct pci_function *function, unsigned offset, uint32_t value,
		      unsigned size);

/** A register by the chip itself, not by the guest: no masks, no hook. */
void pci_config_poke(struct pci_function *function, unsigned offset, uint32_t value, unsigned size);
uint32_t pci_config_peek(const struct pci_function *function, unsigned offset, unsigned size);

static inline bool pci_is_bus_master(const struct pci_function *function)
{
	return (pci_config_peek(function, PCI_COMMAND, 2) & PCI_COMMAND_MASTER) != 0;
}

/** Drives the function's INTx pin. Level. */
void pci_set_intx(struct pci_function *function, bool level);
