// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A hub with eight ports, at full speed (USB 2.0, chapter 11, without a transaction translator).
 * What happens at its ports it tells by its interrupt endpoint.
 *
 * Not modelled: high speed, indicators, over-current. Ports have power from the start, as 11.11
 * allows for hubs that cannot switch it; drivers that switch it see it switched.
 */
#pragma once

#include "bus/device.h"
#include "hw/usb/usb.h"

enum {
	HUB_PORTS = 8,
};

struct usb_hub_state {
	struct usb_state usb;
	uint16_t status[HUB_PORTS], change[HUB_PORTS]; /* wPortStatus, wPortChange */
	uint8_t reserved[2];                           /* zero */
};

struct usb_hub {
	struct usb_hub_state state;
	struct device device;
	struct usb_device usb;
	struct usb_port ports[HUB_PORTS];
};

/** A hub that is not plugged in yet, with empty ports. */
void usb_hub_init(struct usb_hub *hub);
