// SPDX-License-Identifier: GPL-2.0-or-later
#include "bus/pci_bus.h"

#include <errno.h>

#include "base/bits.h"
#include "base/err.h"

enum {
	FIRST_FREE_SLOT = 3, /* 0 host bridge, 1 ISA bridge, 2 Xen platform device */
};

void pci_bus_init(struct pci_bus *bus, struct io_space *ports, struct io_space *memory,
		  const struct pci_intx_sink *intx)
{
	*bus = (struct pci_bus){ .ports = ports, .memory = memory, .intx = *intx };
}

static int find_free_slot(const struct pci_bus *bus)
{
	for (int slot = FIRST_FREE_SLOT; slot < PCI_SLOT_COUNT; slot++) {
		bool used = false;

		for (unsigned n = 0; n < PCI_FUNCTION_COUNT; n++)
			used |= bus->functions[slot][n] != NULL;
		if (!used)
			return slot;
	}
	return -ENOSPC;
}

int pci_bus_plug(struct pci_bus *bus, struct pci_function *function, int slot, unsigned number,
		 struct err *err)
{
	if (slot < 0)
		slot = find_free_slot(bus);
	if (slot < 0)
		return err_set(err, -ENOSPC, "no free PCI slot for %s", function->identity.name);
	if (slot >= PCI_SLOT_COUNT || number >= PCI_FUNCTION_COUNT)
		return err_set(err, -EINVAL, "there is no PCI address %02x.%u", (unsigned)slot,
			       number);
	if (bus->functions[slot][number])
		return err_set(err, -EEXIST, "PCI address %02x.%u of %s is taken by %s",
			       (unsigned)slot, number, function->identity.name,
			       bus->functions[slot][number]->identity.name);
	bus->functions[slot][number] = function;
	function->bus = bus;
	function->slot = (uint8_t)slot;
	function->function = (uint8_t)number;
	pci_function_reset(function);
	if (bus->changed)
		bus->changed(bus->changed_opaque, function, true);
	return 0;
}

void pci_bus_unplug(struct pci_function *function)
{
	struct pci_bus *bus = function->bus;

	if (!bus)
		return;
	pci_function_reset(function);
	if (bus->changed)
		bus->changed(bus->changed_opaque, function, false);
	bus->functions[function->slot][function->function] = NULL;
	function->bus = NULL;
}

static struct pci_function *find_function(const struct pci_bus *bus, unsigned devfn)
{
	return bus->functions[devfn / PCI_FUNCTION_COUNT % PCI_SLOT_COUNT]
			     [devfn % PCI_FUNCTION_COUNT];
}

uint32_t pci_bus_config_read(struct pci_bus *bus, unsigned devfn, unsigned offset, unsigned size)
{
	struct pci_function *function = find_function(bus, devfn);

	return function ? pci_config_read(function, offset, size) : (uint32_t)ones(size);
}

void pci_bus_config_write(struct pci_bus *bus, unsigned devfn, unsigned offset, uint32_t value,
			  unsigned size)
{
	struct pci_function *function = find_function(bus, devfn);

	if (function)
		pci_config_write(function, offset, value, size);
}

void pci_bus_for_each(const struct pci_bus *bus,
		      void (*visit)(struct pci_function *function, void *opaque), void *opaque)
{
	for (unsigned slot = 0; slot < PCI_SLOT_COUNT; slot++)
		for (unsigned number = 0; number < PCI_FUNCTION_COUNT; number++)
			if (bus->functions[slot][number])
				visit(bus->functions[slot][number], opaque);
}

static void settle_function(struct pci_function *function, void *opaque)
{
	(void)opaque;
	for (unsigned i = 0; i <= PCI_BAR_COUNT; i++)
		if (function->bars[i].waiting)
			pci_function_update(function);
}

void pci_bus_settle(struct pci_bus *bus)
{
	if (bus->settling)
		return;
	bus->settling = true;
	pci_bus_for_each(bus, settle_function, NULL);
	bus->settling = false;
}
