// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The Xen platform device, PCI 5853:0001: by it guests know that they run on Xen, and drivers for
 * Xen's own disks and network cards ask for the emulated ones to be taken out before they touch the
 * same media. Its memory BAR has nothing behind it: guests lay Xen's shared pages there. The
 * interrupt that guests may choose for events is driven by Xen, not by this chip.
 *
 * Not modelled: the list of drivers that are refused (nobody is).
 */
#pragma once

#include "bus/device.h"
#include "bus/pci_bus.h"
#include "hw/xen_platform_regs.h"

struct err;

enum {
	XEN_PLATFORM_LOG_BYTES = 160, /* of a line; what is longer is cut into several */
};

/** What the chip is wired to; all is borrowed, the struct itself is copied. */
struct xen_platform_wires {
	struct pci_bus *bus;
	struct io_space *ports;
	void *opaque;
	/**
	 * Takes out what 'what' (xen_unplug) names. When it returns, nothing of it is under way and
	 * all that was written is on stable storage. May come again for what is already out.
	 */
	void (*unplug)(void *opaque, unsigned what);
	/** Write-protects the memory from 0xc0000 to 0xfffff, or lets it go. May be NULL. */
	void (*lock_rom)(void *opaque, bool locked);
};

struct xen_platform_state {
	uint32_t build;
	uint16_t product;
	uint8_t flags;
	uint8_t unplugged; /* xen_unplug; for good */
	struct pci_state pci;
	uint8_t reserved[7]; /* zero */
};
extern const struct state_table xen_platform_state_table;

struct xen_platform {
	struct device device;
	struct xen_platform_state state;
	struct pci_function function;
	struct io_window fixed, io, memory;
	struct xen_platform_wires wires;
	char line[XEN_PLATFORM_LOG_BYTES]; /* being logged by the guest */
	unsigned line_length;
};

/** Power-on state, plugged and mapped. 0, or -errno and a sentence. */
int xen_platform_init(struct xen_platform *platform, const struct xen_platform_wires *wires,
		      struct err *err);
