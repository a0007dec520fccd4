// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * PCI bus 0: which function answers a configuration cycle, and where INTx goes.
 */
#pragma once

#include "bus/pci.h"

/** Where wires of the bus lead: the hypervisor core (Xen) or the router in the ISA bridge (KVM). */
struct pci_intx_sink {
	void *opaque;
	void (*set)(void *opaque, unsigned slot, unsigned pin, bool level); /* pin 0 is INTA */
};

struct pci_bus {
	struct pci_function *functions[PCI_SLOT_COUNT][PCI_FUNCTION_COUNT];
	struct io_space *ports, *memory;
	struct pci_intx_sink intx;
	bool settling; /* waiting BARs are being tried */
	/** A function came or went: the Xen core registers its address. May be NULL. */
	void (*changed)(void *opaque, struct pci_function *function, bool present);
	void *changed_opaque;
};

void pci_bus_init(struct pci_bus *bus, struct io_space *ports, struct io_space *memory,
		  const struct pci_intx_sink *intx);

/** Plugs 'function' in. Slot -1: the first free one from 3 on (2 is the Xen platform device's). 0,
 * -EEXIST or -ENOSPC. */
int pci_bus_plug(struct pci_bus *bus, struct pci_function *function, int slot, unsigned number,
		 struct err *err);
void pci_bus_unplug(struct pci_function *function);

/** A configuration cycle; no function there reads as all ones. 'devfn' is slot << 3 | function. */
uint32_t pci_bus_config_read(struct pci_bus *bus, unsigned devfn, unsigned offset, unsigned size);
void pci_bus_config_write(struct pci_bus *bus, unsigned devfn, unsigned offset, uint32_t value,
			  unsigned size);

void pci_bus_for_each(const struct pci_bus *bus,
		      void (*visit)(struct pci_function *function, void *opaque), void *opaque);

/** Tries BARs that found their address taken; called when a window has gone. */
void pci_bus_settle(struct pci_bus *bus);
