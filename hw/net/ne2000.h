// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * NE2000 on PCI, as Realtek's RTL8029AS made it: a DP8390 with 16 KiB of its own memory, into which
 * the processor copies frames through a port. Modelled: the ring of receive pages, transmission,
 * the remote DMA in bytes, words and doublewords, address filters, the address PROM, the counters.
 *
 * Not modelled: loop-back into the FIFO (looped frames go nowhere), the FIFO, collisions, the
 * EEPROM of page 3, the FCS of received frames (zeros). docs/devices/ne2000.md.
 *
 * The card never touches guest memory. A frame that the wire refuses stays in the card, TXP set;
 * frames are refused while the ring has no room, and dropped while the card is stopped.
 */
#pragma once

#include "bus/device.h"
#include "bus/pci_bus.h"
#include "hw/net/ne2000_regs.h"
#include "net/net.h"

struct err;

/** What the card is wired to, and who it is; the struct is copied, what it names is borrowed. */
struct ne2000_wires {
	struct pci_bus *bus;
	const char *name; /* of the port */
	int slot;         /* -1: the next free one */
	uint8_t mac[NET_MAC_BYTES];
	struct io_window *rom; /* NULL: none */
};

struct ne2000_state {
	uint16_t remote_address, remote_count; /* RSAR, RBCR */
	uint16_t transmit_count;               /* TBCR */
	uint8_t cr, isr, imr, rcr, tcr, dcr, tsr, rsr;
	uint8_t pstart, pstop, bnry, curr, tpsr;
	uint8_t missed; /* CNTR2 */
	uint8_t par[NET_MAC_BYTES], mar[8];
	uint8_t ram[NE2000_RAM_BYTES];
	struct pci_state pci;
	uint8_t reserved; /* zero */
};
extern const struct state_table ne2000_state_table;

struct ne2000 {
	struct device device;
	struct ne2000_state state;
	struct pci_function function;
	struct io_window io;
	struct net_port port;
	struct ne2000_wires wires;
	uint8_t prom[NE2000_PROM_BYTES];
	bool is_transmitting;
};

/** Power-on state, plugged. The port is not connected yet. 0, or -errno and a sentence. */
int ne2000_init(struct ne2000 *card, const struct ne2000_wires *wires, struct err *err);
