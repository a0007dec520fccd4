// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A device on the Universal Serial Bus as a host controller sees it: full speed, packet by packet.
 * The control endpoint with its standard requests is here; what a class adds is its table of hooks.
 *
 *     SETUP -> data stage (IN or OUT, if any) -> status stage (a packet the other way)
 *
 * Not modelled: data toggles (the controller's own), power, speeds other than full.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/state.h"
#include "hw/usb/usb_regs.h"

struct usb_device;

enum {
	USB_CONTROL_BYTES = 512,
	USB_ENDPOINTS = 16,
};

/** What becomes of a packet, if it is not so many bytes. */
enum usb_result {
	USB_NAK = -1,    /* try again later */
	USB_STALL = -2,  /* the endpoint is halted, or the request unknown */
	USB_BABBLE = -3, /* the device sends more than the host has room for */
};

struct usb_class {
	const uint8_t *device; /* device descriptor */
	const uint8_t
		*configuration;     /* with all that belongs to it; bytes 2 and 3 are its length */
	const char *const *strings; /* from string 1 on, ended by NULL */
	/**
	 * A request of the class. 'data' has 'length' bytes from the host, or room for as many to
	 * it. Bytes for the host, or USB_STALL.
	 */
	int (*request)(struct usb_device *device, uint16_t request, uint16_t value, uint16_t index,
		       uint8_t *data, uint16_t length);
	/** A packet from an interrupt or bulk endpoint: bytes or enum usb_result. May be NULL. */
	int (*in)(struct usb_device *device, unsigned endpoint, uint8_t *data, unsigned room);
	int (*out)(struct usb_device *device, unsigned endpoint, const uint8_t *data,
		   unsigned length);
	/** Bus reset, or another configuration. May be NULL. */
	void (*reset)(struct usb_device *device);
};

enum usb_stage {
	USB_STAGE_IDLE,
	USB_STAGE_DATA_IN,
	USB_STAGE_DATA_OUT,
	USB_STAGE_STATUS_IN,
	USB_STAGE_STATUS_OUT,
	USB_STAGE_STALLED, /* until the next SETUP */
	USB_STAGES,
};

/** What a guest can observe of any device. */
struct usb_state {
	uint16_t length, at;            /* of the data stage */
	uint16_t halted_in, halted_out; /* a bit an endpoint */
	uint8_t address, new_address;
	uint8_t configuration;
	uint8_t stage;
	bool remote_wakeup;
	uint8_t setup[USB_SETUP_BYTES];
	uint8_t data[USB_CONTROL_BYTES];
	uint8_t reserved[1]; /* zero */
};
extern const struct state_table usb_state_table;

struct usb_device {
	const struct usb_class *class;
	struct usb_state *state; /* in the device's own state struct */
	/** The port it is plugged into: it has something to say. May be NULL. */
	void (*wakeup)(void *opaque);
	void *opaque;
};

/** A device as it is when it gets power. 'class' and 'state' are kept by reference. */
void usb_device_init(struct usb_device *device, const struct usb_class *class,
		     struct usb_state *state);
/** The host resets the bus: address 0, not configured. */
void usb_device_reset(struct usb_device *device);
/** One packet for the device's own address. Bytes moved, or enum usb_result. */
int usb_device_packet(struct usb_device *device, enum usb_pid pid, unsigned endpoint, uint8_t *data,
		      unsigned length);
/** The device has data for a host that has heard NAK. */
void usb_device_wakeup(struct usb_device *device);
/** 0, or -EINVAL if the state is none that a device can have. */
int usb_device_check(const struct usb_device *device);
