// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Realtek RTL8139C+, a 100 Mbit/s Ethernet card. Modelled: the RTL8139's four transmit buffers and
 * its receive buffer (C mode), descriptor rings of both priorities (C+ mode) with checksum and TCP
 * segmentation offloads and VLAN tags, address filters, tally counters, the interrupt timer, the
 * EEPROM, the PHY's registers, loop-back.
 *
 * Not modelled: early receive and transmit, wake-up and power management, the FCS of received
 * frames (zeros), Flash. docs/devices/rtl8139.md.
 *
 * A frame goes from guest memory to the wire without a copy but for headers that offloads change.
 * What the wire refuses stays pending; frames are refused while there is no room for them, and
 * dropped while the receiver is off.
 */
#pragma once

#include "base/clock.h"
#include "bus/device.h"
#include "bus/pci_bus.h"
#include "hw/net/eeprom93.h"
#include "hw/net/rtl8139_regs.h"
#include "net/net.h"

struct err;

/** What the card is wired to, and who it is; the struct is copied, what it names is borrowed. */
struct rtl8139_wires {
	struct pci_bus *bus;
	struct clock *clock;
	struct ram *ram;
	const char *name; /* of the port */
	int slot;         /* -1: the next free one */
	uint8_t mac[NET_MAC_BYTES];
	struct io_window *rom; /* NULL: none */
};

/** Counted for DTCCR, 6.6. */
struct rtl8139_tally {
	uint64_t sent, received, received_physical, received_broadcast;
	uint32_t received_multicast;
	uint16_t missed;
	uint16_t reserved; /* zero */
};

struct rtl8139_state {
	int64_t timer_base_ns; /* when TCTR was 0 */
	int64_t timer_ns;      /* when it reaches TIMERINT */
	struct rtl8139_tally tally;
	uint32_t rx_at;         /* C mode: where the next frame goes */
	uint32_t sent_bytes[2]; /* of the payload of a segmented packet, by ring */
	uint8_t tx_index[2];    /* C+: the next descriptor, of normal and high priority */
	uint8_t rx_index;
	uint8_t tx_buffer; /* C mode: the next one */
	bool timer_runs;
	bool is_stalled; /* C+: the driver gave no descriptor for long: frames are dropped */
	uint8_t regs[RTL8139_BYTES];
	struct eeprom93_state eeprom;
	struct pci_state pci;
	uint8_t reserved[3]; /* zero */
};
extern const struct state_table rtl8139_state_table;

struct rtl8139 {
	struct device device;
	struct rtl8139_state state;
	struct reg_file file;
	uint8_t writable[RTL8139_BYTES], clear_on_one[RTL8139_BYTES];
	struct pci_function function;
	struct io_window io, memory;
	struct clock_timer timer;    /* TIMERINT */
	struct clock_timer transmit; /* goes on with a ring that took too long */
	struct clock_timer refill;   /* C+: looks whether there are receive descriptors again */
	unsigned refill_tries;
	struct net_port port;
	struct rtl8139_wires wires;
	bool is_transmitting;
};

/** Power-on state, plugged. The port is not connected yet. 0, or -errno and a sentence. */
int rtl8139_init(struct rtl8139 *card, const struct rtl8139_wires *wires, struct err *err);
