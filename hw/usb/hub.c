// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/usb/hub.h"

#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/err.h"
#include "hw/usb/hub_regs.h"

enum {
	REPORT_BYTES = (HUB_PORTS + 1 + 7) / 8, /* a bit each: the hub, then its ports */
	CHANGE_SHIFT = HUB_PORT_C_CONNECTION,   /* features from here on are bits of wPortChange */
};

static const uint8_t device_descriptor[] = {
	18, USB_DESCRIPTOR_DEVICE, 0x10, 0x01, 9, 0, 0, 64, 0x27, 0x06, 0x03, 0x00, 0, 1, 1, 2, 0,
	1,
};

static const uint8_t configuration[] = {
	9,
	USB_DESCRIPTOR_CONFIGURATION,
	25,
	0,
	1,
	1,
	0,
	0xe0,
	0, /* own power, remote wake-up */
	9,
	USB_DESCRIPTOR_INTERFACE,
	0,
	0,
	1,
	9,
	0,
	0,
	0,
	7,
	USB_DESCRIPTOR_ENDPOINT,
	0x80 | HUB_ENDPOINT,
	3,
	REPORT_BYTES,
	0,
	HUB_INTERVAL_MS,
};

static const char *const strings[] = { "hvmdm", "hvmdm USB hub", NULL };

static struct usb_hub *hub_of(struct usb_device *device)
{
	return container_of(device, struct usb_hub, usb);
}

/* --- Ports --- */

static void note_change(struct usb_hub *hub, unsigned port, uint16_t change)
{
	hub->state.change[port] |= change;
	usb_device_wakeup(&hub->usb);
}

/** A device came or went. Without power nobody notices. */
static void port_changed(struct usb_port *plug)
{
	struct usb_hub *hub = plug->owner;
	unsigned port = plug->number - 1;
	uint16_t *status = &hub->state.status[port];
	bool was_enabled = (*status & HUB_STATUS_ENABLE) != 0;

	if (!(*status & HUB_STATUS_POWER))
		return;
	*status &= HUB_STATUS_POWER;
	if (plug->device)
		*status |= HUB_STATUS_CONNECTION;
	note_change(hub, port,
		    (uint16_t)(HUB_CHANGE_CONNECTION | (was_enabled ? HUB_CHANGE_ENABLE : 0)));
}

/** What is behind a hub speaks through it; a suspended port is resumed if the guest allows it. */
static void port_wakes(struct usb_port *plug)
{
	struct usb_hub *hub = plug->owner;
	unsigned port = plug->number - 1;

	if ((hub->state.status[port] & HUB_STATUS_SUSPEND) && plug->device &&
	    plug->device->state->remote_wakeup) {
		hub->state.status[port] &= (uint16_t)~HUB_STATUS_SUSPEND;
		hub->state.change[port] |= HUB_CHANGE_SUSPEND;
	}
	usb_device_wakeup(&hub->usb);
}

static const struct usb_port_ops port_ops = { .changed = port_changed, .wakeup = port_wakes };

static void set_power(struct usb_hub *hub, unsigned port, bool on)
{
	if (!on) {
		hub->state.status[port] = hub->state.change[port] = 0;
	} else if (!(hub->state.status[port] & HUB_STATUS_POWER)) {
		hub->state.status[port] = HUB_STATUS_POWER;
		if (hub->ports[port].device)
			port_changed(&hub->ports[port]);
	}
}

/** Takes no time. */
static void reset_port(struct usb_hub *hub, unsigned port)
{
	struct usb_device *device = hub->ports[port].device;

	if (!device || !(hub->state.status[port] & HUB_STATUS_CONNECTION))
		return;
	usb_device_reset(device, USB_FULL);
	hub->state.status[port] &= (uint16_t)~HUB_STATUS_SUSPEND;
	hub->state.status[port] |= HUB_STATUS_ENABLE;
	note_change(hub, port, HUB_CHANGE_RESET);
}

static struct usb_device *hub_find(struct usb_device *device, unsigned address)
{
	struct usb_hub *hub = hub_of(device);

	for (unsigned i = 0; i < HUB_PORTS; i++) {
		uint16_t status = hub->state.status[i];
		struct usb_device *found;

		if (!hub->ports[i].device || !(status & HUB_STATUS_ENABLE) ||
		    (status & HUB_STATUS_SUSPEND))
			continue;
		found = usb_device_find(hub->ports[i].device, address);
		if (found)
			return found;
	}
	return NULL;
}

/* --- Requests --- */

static int get_descriptor(uint8_t *data)
{
	enum {
		BYTES = 7 + 2 * REPORT_BYTES
	};

	memset(data, 0, BYTES);
	data[0] = BYTES;
	data[1] = HUB_DESCRIPTOR;
	data[2] = HUB_PORTS;
	store_le16(data + 3, HUB_INDIVIDUAL_POWER | HUB_NO_OVER_CURRENT);
	data[5] = 1; /* power is good after 2 ms */
	memset(data + 7 + REPORT_BYTES, 0xff, REPORT_BYTES);
	return BYTES;
}

static int set_port_feature(struct usb_hub *hub, unsigned port, uint16_t feature)
{
	switch (feature) {
	case HUB_PORT_RESET:
		reset_port(hub, port);
		return 0;
	case HUB_PORT_POWER:
		set_power(hub, port, true);
		return 0;
	case HUB_PORT_SUSPEND:
		if (hub->state.status[port] & HUB_STATUS_ENABLE)
			hub->state.status[port] |= HUB_STATUS_SUSPEND;
		return 0;
	default:
		return USB_STALL;
	}
}

static int clear_port_feature(struct usb_hub *hub, unsigned port, uint16_t feature)
{
	uint16_t *status = &hub->state.status[port];

	switch (feature) {
	case HUB_PORT_ENABLE:
		*status &= (uint16_t) ~(HUB_STATUS_ENABLE | HUB_STATUS_SUSPEND);
		return 0;
	case HUB_PORT_SUSPEND:
		if (*status & HUB_STATUS_SUSPEND)
			note_change(hub, port, HUB_CHANGE_SUSPEND);
		*status &= (uint16_t)~HUB_STATUS_SUSPEND;
		return 0;
	case HUB_PORT_POWER:
		set_power(hub, port, false);
		return 0;
	case HUB_PORT_C_CONNECTION:
	case HUB_PORT_C_ENABLE:
	case HUB_PORT_C_SUSPEND:
	case HUB_PORT_C_OVER_CURRENT:
	case HUB_PORT_C_RESET:
		hub->state.change[port] &= (uint16_t)~BIT(feature - CHANGE_SHIFT);
		return 0;
	default:
		return USB_STALL;
	}
}

/** 'index' counts ports from 1; its high byte is a selector that only high speed knows. */
static int port_request(struct usb_hub *hub, uint16_t request, uint16_t value, uint16_t index,
			uint8_t *data)
{
	unsigned port = (index & 0xffu) - 1;

	if (port >= HUB_PORTS)
		return USB_STALL;
	switch (request) {
	case HUB_PORT_SET_FEATURE:
		return set_port_feature(hub, port, value);
	case HUB_PORT_CLEAR_FEATURE:
		return clear_port_feature(hub, port, value);
	default:
		store_le16(data, hub->state.status[port]);
		store_le16(data + 2, hub->state.change[port]);
		return 4;
	}
}

static int hub_request(struct usb_device *device, uint16_t request, uint16_t value, uint16_t index,
		       uint8_t *data, uint16_t length)
{
	(void)length;
	switch (request) {
	case HUB_GET_DESCRIPTOR:
		return get_descriptor(data);
	case HUB_GET_STATUS:
		memset(data, 0, 4);
		return 4;
	case HUB_SET_FEATURE:
	case HUB_CLEAR_FEATURE:
		return value == HUB_C_LOCAL_POWER || value == HUB_C_OVER_CURRENT ? 0 : USB_STALL;
	case HUB_PORT_GET_STATUS:
	case HUB_PORT_SET_FEATURE:
	case HUB_PORT_CLEAR_FEATURE:
		return port_request(hub_of(device), request, value, index, data);
	default:
		return USB_STALL;
	}
}

/** The change bitmap, NAK while there is none. */
static int hub_in(struct usb_device *device, unsigned endpoint, uint8_t *data, unsigned room)
{
	const struct usb_hub *hub = hub_of(device);
	uint32_t report = 0;

	if (endpoint != HUB_ENDPOINT)
		return USB_STALL;
	for (unsigned i = 0; i < HUB_PORTS; i++)
		if (hub->state.change[i])
			report |= BIT(i + 1);
	if (!report)
		return USB_NAK;
	for (unsigned i = 0; i < REPORT_BYTES && i < room; i++)
		data[i] = (uint8_t)(report >> 8 * i);
	return (int)min_u64(REPORT_BYTES, room);
}

/** What is plugged in is seen anew. */
static void hub_forget(struct usb_device *device)
{
	struct usb_hub *hub = hub_of(device);

	for (unsigned i = 0; i < HUB_PORTS; i++) {
		hub->state.status[i] = HUB_STATUS_POWER;
		hub->state.change[i] = 0;
		if (hub->ports[i].device) {
			hub->state.status[i] |= HUB_STATUS_CONNECTION;
			hub->state.change[i] = HUB_CHANGE_CONNECTION;
		}
	}
}

static const struct usb_class hub_class = {
	.device = device_descriptor,
	.configuration = { configuration, NULL },
	.strings = strings,
	.request = hub_request,
	.in = hub_in,
	.reset = hub_forget,
	.find = hub_find,
};

/* --- Life --- */

static void hub_reset(void *self)
{
	usb_device_reset(&((struct usb_hub *)self)->usb, USB_FULL);
}

static int hub_after_load(void *self, struct err *err)
{
	struct usb_hub *hub = self;

	if (usb_device_check(&hub->usb) < 0)
		return err_set(err, -EINVAL, "the saved usb-hub holds values that it cannot have");
	for (unsigned i = 0; i < HUB_PORTS; i++) {
		uint16_t status = hub->state.status[i];

		if (status & ~HUB_STATUS_KNOWN || hub->state.change[i] & ~HUB_CHANGE_KNOWN ||
		    ((status & ~HUB_STATUS_POWER) && !(status & HUB_STATUS_POWER)) ||
		    ((status & HUB_STATUS_ENABLE) && !(status & HUB_STATUS_CONNECTION)))
			return err_set(err, -EINVAL,
				       "the saved usb-hub holds values that it cannot have");
		if ((status & HUB_STATUS_CONNECTION) && !hub->ports[i].device)
			return err_set(err, -EINVAL,
				       "the saved guest has a device at port %u of a USB hub, this "
				       "machine has none: start it with the same devices",
				       i + 1);
		if (!(status & HUB_STATUS_CONNECTION) && hub->ports[i].device)
			port_changed(&hub->ports[i]);
	}
	return 0;
}

static const struct state_field hub_fields[] = {
	STATE_STRUCT(struct usb_hub_state, usb, &usb_state_table),
	STATE_ARRAY(struct usb_hub_state, status),
	STATE_ARRAY(struct usb_hub_state, change),
	STATE_ARRAY(struct usb_hub_state, reserved),
};
static STATE_TABLE(hub_table, usb_hub_state, hub_fields);

static const struct device_class hub_device_class = {
	.name = "usb-hub",
	.reset = hub_reset,
	.table = &hub_table,
	.state_offset = offsetof(struct usb_hub, state),
	.version = 1,
	.after_load = hub_after_load,
};

void usb_hub_init(struct usb_hub *hub)
{
	memset(hub, 0, sizeof(*hub));
	for (unsigned i = 0; i < HUB_PORTS; i++)
		usb_port_init(&hub->ports[i], &port_ops, hub, &hub->usb, i + 1);
	device_init(&hub->device, &hub_device_class, hub);
	usb_device_init(&hub->usb, &hub_class, &hub->state.usb);
}
