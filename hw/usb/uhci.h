// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * UHCI host controller: two ports, full speed. As function 2 of the PIIX3, or as one of the ICH9's
 * three, which take from an EHCI controller the devices that it leaves to them (ehci.h).
 *
 * Modelled: the schedule of frames, queues and transfer descriptors with its interrupts, short
 * packets, NAK, stall and time-out; port reset, suspend, resume; global suspend. Not modelled: low
 * speed, bandwidth (a frame has a budget instead), legacy keyboard support (the register is kept).
 *
 * The guest rings no bell when it queues a transfer, so frames have to be looked at as long as the
 * controller runs. While nothing but NAKs is found, they are looked at less often, down to one in
 * UHCI_IDLE_FRAMES; what a device has to say starts them at once. With no port enabled they are
 * soon looked at no more: nobody is there to answer. Stopped or suspended, the controller needs no
 * timer.
 */
#pragma once

#include "base/clock.h"
#include "bus/device.h"
#include "bus/pci_bus.h"
#include "bus/ram.h"
#include "hw/usb/uhci_regs.h"
#include "hw/usb/usb.h"

struct err;

enum {
	UHCI_PORTS = 2,
	UHCI_FRAMES = 1024,
	UHCI_FRAME_BUDGET = 256, /* links followed in one frame */
	UHCI_IDLE_FRAMES = 16,
};

enum uhci_model {
	UHCI_PIIX3,
	UHCI_ICH9_1,
	UHCI_ICH9_2,
	UHCI_ICH9_3,
	UHCI_MODELS,
};

struct uhci_state {
	struct pci_state pci;
	uint8_t sof_modify;
	uint8_t causes;      /* of STS_INT: UHCI_INTR_COMPLETE, UHCI_INTR_SHORT */
	uint8_t reserved[1]; /* zero */
	uint32_t frame_list;
	uint16_t command, status, interrupts, frame;
	uint16_t ports[UHCI_PORTS];
};

struct uhci {
	struct device device;
	struct uhci_state state;
	struct pci_function function;
	struct io_window io;
	struct usb_port plugs[UHCI_PORTS];      /* unused by a companion */
	struct usb_device *devices[UHCI_PORTS]; /* as its ports see them; NULL: nothing there */
	bool is_companion;
	struct clock_timer timer;
	struct clock *clock;
	struct ram *ram;
	int64_t frame_start_ns; /* of 'state.frame' */
	unsigned pace;          /* frames from one look to the next */
	unsigned quiet;         /* looks without a transfer */
	bool asleep;            /* nothing to look for */
};

/** Plugs the controller in as 'slot', 'number'. 'clock' and 'ram' are borrowed. 0, or -errno and a
 * sentence. */
int uhci_init(struct uhci *uhci, enum uhci_model model, struct pci_bus *bus, struct clock *clock,
	      struct ram *ram, int slot, unsigned number, struct err *err);
/** "piix3-usb-uhci" … */
const char *uhci_name(enum uhci_model model);

/* For the controller whose companion this one is. */

/** Another controller routes its ports here from now on. */
void uhci_set_companion(struct uhci *uhci);
/** Port 0 or 1 gets, or loses (NULL), a device: the guest sees it. */
void uhci_connect(struct uhci *uhci, unsigned port, struct usb_device *device);
/** As uhci_connect, when the registers are known to say so already: after a load. */
void uhci_assume(struct uhci *uhci, unsigned port, struct usb_device *device);
/** A device at one of the ports has something to say. */
void uhci_wake(struct uhci *uhci);
