// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A device on the Universal Serial Bus as a host controller sees it, packet by packet, and the port
 * that it is plugged into: a controller's or a hub's. The control endpoint with its standard
 * requests is here; what a class adds is its table of hooks.
 *
 *     SETUP -> data stage (IN or OUT, if any) -> status stage (a packet the other way)
 *
 * A device is at full speed, or, if it can and the port can, at high speed; which is decided when
 * the port is reset. Not modelled: data toggles (the controller's own), power, low speed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/state.h"
#include "hw/usb/usb_regs.h"

struct err;
struct usb_device;
struct usb_port;

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

enum usb_speed {
	USB_FULL, /* 12 Mbit/s */
	USB_HIGH, /* 480 Mbit/s */
	USB_SPEEDS,
};

struct usb_class {
	const uint8_t *device; /* device descriptor */
	/** By speed, with all that belongs to it; bytes 2 and 3 are its length. NULL: the device
	 * does not have the speed; full speed it always has. */
	const uint8_t *configuration[USB_SPEEDS];
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
	/** Of a hub: the device of that address behind one of its ports, or NULL. */
	struct usb_device *(*find)(struct usb_device *device, unsigned address);
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
	uint8_t speed; /* enum usb_speed */
};
extern const struct state_table usb_state_table;

struct usb_device {
	const struct usb_class *class;
	struct usb_state *state; /* in the device's own state struct */
	struct usb_port *port;   /* NULL: it is not plugged in */
};

struct usb_port_ops {
	/** A device has been plugged in, or was taken out. */
	void (*changed)(struct usb_port *port);
	/** The device has something to say. Nothing of the schedule may be run from within. */
	void (*wakeup)(struct usb_port *port);
};

struct usb_port {
	const struct usb_port_ops *ops;
	void *owner;               /* the controller or hub */
	struct usb_device *device; /* NULL: nothing is plugged in */
	struct usb_device *hub;    /* whose port it is; NULL: a controller's */
	unsigned number;           /* from 1 */
	bool lacks_full_speed;     /* it drives devices of high speed only */
};

/** An empty port. All is borrowed; 'hub' is NULL for a controller's. */
void usb_port_init(struct usb_port *port, const struct usb_port_ops *ops, void *owner,
		   struct usb_device *hub, unsigned number);
/** Plugs 'device', which stays the caller's, in. 0, or -errno and a sentence: the port is taken,
 * has not the device's speed, or lies behind too many hubs. */
int usb_port_attach(struct usb_port *port, struct usb_device *device, struct err *err);
/** Takes what is plugged in out; nothing happens if the port is empty. */
void usb_port_detach(struct usb_port *port);

/** A device as it is when it gets power. 'class' and 'state' are kept by reference. */
void usb_device_init(struct usb_device *device, const struct usb_class *class,
		     struct usb_state *state);
/** The host resets the bus: address 0, not configured, at 'fastest' or slower. */
void usb_device_reset(struct usb_device *device, enum usb_speed fastest);
/** The device of that address: this one, or one behind it if it is a hub. NULL: neither. */
struct usb_device *usb_device_find(struct usb_device *device, unsigned address);
/** One packet for the device's own address. Bytes moved, or enum usb_result. */
int usb_device_packet(struct usb_device *device, enum usb_pid pid, unsigned endpoint, uint8_t *data,
		      unsigned length);
/** The device has data for a host that has heard NAK. */
void usb_device_wakeup(struct usb_device *device);
/** The endpoint, with the direction in bit 7, answers with STALL until the host clears it. */
void usb_device_halt(struct usb_device *device, uint16_t endpoint);
/** 0, or -EINVAL if the state is none that a device can have. */
int usb_device_check(const struct usb_device *device);
