// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * EHCI host controller: six ports, high speed, alone (8086:24cd) or as the ICH9's (8086:293a) with
 * three UHCI companions that get what is not of high speed.
 *
 * Modelled: both schedules with queue heads and transfer descriptors, short packets and alternate
 * links, NAK, stall, babble; doorbell, frame list rollover; ports with reset, suspend, resume, and
 * their routing to companions. Not modelled: isochronous descriptors and split transactions, which
 * no device has a use for (they are passed over), bandwidth (a look has a budget instead), 64-bit
 * addresses, frame lists of other lengths, legacy hand-over from a BIOS.
 *
 * Who queues a transfer rings no bell here either. So lists are looked at as long as they are
 * enabled: every microframe while something moves, then less and less often, down to one in
 * EHCI_IDLE_MICROFRAMES. With both lists disabled, which is how drivers leave an idle controller,
 * or with no port enabled, there is no timer.
 */
#pragma once

#include "base/clock.h"
#include "bus/device.h"
#include "bus/pci_bus.h"
#include "bus/ram.h"
#include "hw/usb/ehci_regs.h"
#include "hw/usb/uhci.h"
#include "hw/usb/usb.h"

struct err;

enum {
	EHCI_PORTS = 6,
	EHCI_COMPANIONS = EHCI_PORTS / UHCI_PORTS,
	EHCI_LINK_BUDGET = 256,   /* queue heads and descriptors in one look */
	EHCI_PACKET_BUDGET = 512, /* packets in one look */
	EHCI_MISSED_FRAMES = 8,   /* of the periodic list, made up for in one look */
	EHCI_IDLE_MICROFRAMES = 128,
};

enum ehci_model {
	EHCI_PLAIN,
	EHCI_ICH9,
	EHCI_MODELS,
};

struct ehci_state {
	struct pci_state pci;
	uint8_t reserved[3]; /* zero */
	uint32_t command, status, interrupts;
	uint32_t microframe; /* FRINDEX */
	uint32_t periodic_list, async_list;
	uint32_t config_flag;
	uint32_t ports[EHCI_PORTS];
};

struct ehci {
	struct device device;
	struct ehci_state state;
	struct pci_function function;
	struct io_window window;
	struct usb_port plugs[EHCI_PORTS];
	struct uhci *companions[EHCI_COMPANIONS]; /* NULL: none for these two ports */
	struct clock_timer timer;
	struct clock *clock;
	struct ram *ram;
	int64_t microframe_start_ns; /* of 'state.microframe' */
	int64_t looked_ns;           /* when the lists were looked at last */
	uint32_t periodic_frame;     /* the last one that was looked at */
	unsigned pace;               /* microframes from one look to the next */
	unsigned quiet;              /* looks without a transfer */
	bool asleep;                 /* nothing to look for */
};

/** Plugs the controller in as 'slot', 'number'. 'clock' and 'ram' are borrowed. 0, or -errno and a
 * sentence. */
int ehci_init(struct ehci *ehci, enum ehci_model model, struct pci_bus *bus, struct clock *clock,
	      struct ram *ram, int slot, unsigned number, struct err *err);
/** "usb-ehci" … */
const char *ehci_name(enum ehci_model model);
/** Ports 'first' (even) and the next one are shared with 'uhci', which stays the caller's. 0, or
 * -errno and a sentence. Before devices are plugged in. */
int ehci_add_companion(struct ehci *ehci, struct uhci *uhci, unsigned first, struct err *err);

/* ehci_schedule.c */

/** What one look at the lists finds. */
struct ehci_look {
	unsigned links, packets; /* budgets */
	bool moved;              /* a transfer went on */
	uint32_t causes;         /* of an interrupt */
	bool failed;             /* memory could not be read */
};

void ehci_run_async(struct ehci *ehci, struct ehci_look *look);
/** 'frame' is an index of the frame list. */
void ehci_run_frame(struct ehci *ehci, uint32_t frame, struct ehci_look *look);
/** The enabled device of that address, or NULL. */
struct usb_device *ehci_find_device(struct ehci *ehci, unsigned address);
