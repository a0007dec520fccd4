// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The Xen platform device on the board: what it takes out when the guest has drivers for Xen's own
 * disks and network cards.
 */
#include "base/log.h"
#include "dm/board_internal.h"
#include "dm/machine.h"

enum {
	ROM_BASE = 0xc0000,
	ROM_BYTES = 0x40000,
	PCI_BASE_CLASS_NETWORK = 0x02,
};

static void unplug_network_card(struct pci_function *function, void *opaque)
{
	(void)opaque;
	if (function->identity.class >> 8 == PCI_BASE_CLASS_NETWORK)
		pci_bus_unplug(function);
}

static void unplug(void *opaque, unsigned what)
{
	struct board *board = opaque;

	if (what & XEN_UNPLUG_DISKS)
		board_ide_unplug_disks(board, false);
	else if (what & XEN_UNPLUG_SECONDARY_DISKS)
		board_ide_unplug_disks(board, true);
	if (what & XEN_UNPLUG_NICS) {
		netdevs_unplug(board->machine);
		pci_bus_for_each(&board->machine->pci, unplug_network_card, NULL);
	}
	log_guest("the guest takes over%s%s",
		  what & (XEN_UNPLUG_DISKS | XEN_UNPLUG_SECONDARY_DISKS) ? " disks" : "",
		  what & XEN_UNPLUG_NICS ? " network cards" : "");
}

static void lock_rom(void *opaque, bool locked)
{
	struct board *board = opaque;

	hv_protect_ram(board->machine->hv, ROM_BASE, ROM_BYTES, locked);
}

int board_xen_init(struct board *board, struct err *err)
{
	struct machine *machine = board->machine;
	const struct xen_platform_wires wires = {
		.bus = &machine->pci,
		.ports = &machine->ports,
		.opaque = board,
		.unplug = unplug,
		.lock_rom = lock_rom,
	};
	int result = xen_platform_init(&board->xen_platform, &wires, err);

	if (result == 0)
		device_add(&machine->devices, &board->xen_platform.device);
	return result;
}
