// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Intel's 8254x gigabit Ethernet cards: 82540EM, and by id 82544GC and 82545EM. Modelled: the
 * receive and transmit rings with legacy, context and data descriptors, checksum and TCP
 * segmentation offloads, VLAN insertion, stripping and filter, address filters, statistics,
 * interrupts with their delays and throttle, the EEPROM (EERD and bit by bit), the PHY, MAC and PHY
 * loop-back, the I/O window.
 *
 * Not modelled: fibre, power management and wake-up, flow control, the packet checksum of receive
 * descriptors, the FCS of received frames (zeros where it is not stripped), the registers' 82542
 * addresses, packet buffer diagnostics. docs/devices/e1000.md.
 *
 * A frame goes from guest memory to the wire without a copy but for its headers. When the wire
 * refuses it, its descriptors stay pending. When no receive descriptor is free, frames are refused
 * until the guest adds some; a receiver that is off drops them.
 */
#pragma once

#include "base/clock.h"
#include "bus/device.h"
#include "bus/pci_bus.h"
#include "hw/net/e1000_regs.h"
#include "hw/net/eeprom93.h"
#include "net/net.h"

struct err;

enum e1000_model {
	E1000_MODEL_82540EM,
	E1000_MODEL_82544GC,
	E1000_MODEL_82545EM,
};

/** What the card is wired to, and who it is; the struct is copied, what it names is borrowed. */
struct e1000_wires {
	struct pci_bus *bus;
	struct clock *clock;
	struct ram *ram;
	const char *name; /* of the port */
	enum e1000_model model;
	int slot; /* -1: the next free one */
	uint8_t mac[NET_MAC_BYTES];
	struct io_window *rom; /* NULL: none */
};

/** One ring and its delays; the registers of 13.4.25 and 13.4.38. */
struct e1000_ring {
	uint32_t base_low, base_high, length, head, tail;
	uint32_t delay, control, absolute_delay;
};

/** What a context descriptor said. */
struct e1000_context {
	uint8_t ip_start, ip_offset; /* IPCSS, IPCSO */
	uint16_t ip_end;
	uint8_t tu_start, tu_offset; /* TUCSS, TUCSO */
	uint16_t tu_end;
	uint16_t mss;
	uint8_t header_bytes;
	bool is_tcp, is_ipv4;
	uint8_t reserved; /* zero */
};

struct e1000_state {
	uint32_t ctrl, status, eerd, ctrl_ext, mdic;
	uint32_t fcal, fcah, fct, vet;
	uint32_t icr, itr, ims, delayed; /* causes whose delay runs */
	uint32_t rctl, fcttv, txcw, rxcw, tctl, tipg, ait, ledctl, pba, fcrtl, fcrth;
	uint32_t rsrpd, txdmac, tspmt, rxcsum, wuc, wufc, wus, manc;
	uint32_t eecd, ioaddr;
	struct e1000_ring rx, tx;
	uint32_t mta[E1000_MTA_WORDS];
	uint32_t ra[2 * E1000_RA_PAIRS];
	uint32_t vfta[E1000_VFTA_WORDS];
	uint32_t statistics[E1000_STATISTICS_WORDS];
	uint16_t phy[E1000_PHY_WORDS];
	struct e1000_context plain, segmentation; /* for packets without and with TSE */
	uint32_t sent_bytes;                      /* of the payload of the TSO packet at the head */
	int64_t throttle_ns, delay_ns, negotiate_ns; /* when these end */
	bool is_skipping;                            /* the rest of a packet that is too long */
	bool is_throttled;                           /* the interval of ITR runs */
	bool is_negotiating;                         /* the PHY is */
	struct pci_state pci;
	struct eeprom93_state eeprom;
	uint8_t reserved[2]; /* zero */
};
extern const struct state_table e1000_state_table;

struct e1000 {
	struct device device;
	struct e1000_state state;
	struct pci_function function;
	struct io_window memory, io;
	struct clock_timer throttle, delay, negotiate;
	struct clock_timer transmit; /* goes on with a ring that took too long */
	struct net_port port;
	struct e1000_wires wires;
	bool is_transmitting;
};

/** Power-on state, plugged. The port is not connected yet. 0, or -errno and a sentence. */
int e1000_init(struct e1000 *card, const struct e1000_wires *wires, struct err *err);
