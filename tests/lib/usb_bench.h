// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A UHCI controller with a tablet and a keyboard, and the part of a driver that builds its schedule
 * in the bench's memory: one queue, linked from every frame.
 */
#pragma once

#include "base/bytes.h"
#include "hw/usb/hid.h"
#include "hw/usb/uhci.h"
#include "tests/lib/chip_bench.h"

enum {
	USB_BENCH_IO = 0xc000,
	USB_BENCH_FRAMES = 0x1000, /* where things lie in memory */
	USB_BENCH_QH = 0x2000,
	USB_BENCH_TDS = 0x3000,
	USB_BENCH_DATA = 0x8000,
	USB_BENCH_SLOT = 1,
	USB_BENCH_FUNCTION = 2,
};

struct usb_bench {
	struct chip_bench *bench;
	struct uhci uhci;
	struct hid tablet, keyboard;
	struct input input;
	struct device_list devices;
	bool intx;
	unsigned tds;
};

static inline void usb_bench_intx(void *opaque, unsigned slot, unsigned pin, bool level)
{
	(void)slot;
	(void)pin;
	((struct usb_bench *)opaque)->intx = level;
}

static inline void usb_bench_init(struct usb_bench *b)
{
	const struct pci_intx_sink intx = { b, usb_bench_intx };

	memset(b, 0, sizeof(*b));
	b->bench = bench_create(&intx);
	clock_start(&b->bench->clock);
	input_init(&b->input);
	device_list_init(&b->devices);
	hid_init(&b->tablet, HID_TABLET, &b->input);
	hid_init(&b->keyboard, HID_KEYBOARD, &b->input);
	if (uhci_init(&b->uhci, UHCI_PIIX3, &b->bench->bus, &b->bench->clock, &b->bench->ram,
		      USB_BENCH_SLOT, USB_BENCH_FUNCTION, NULL) < 0 ||
	    usb_port_attach(&b->uhci.plugs[0], &b->tablet.usb, NULL) < 0 ||
	    usb_port_attach(&b->uhci.plugs[1], &b->keyboard.usb, NULL) < 0)
		abort();
	device_add(&b->devices, &b->uhci.device);
	device_add(&b->devices, &b->tablet.device);
	device_add(&b->devices, &b->keyboard.device);
	bench_config_write(b->bench, USB_BENCH_SLOT, USB_BENCH_FUNCTION, 0x20, USB_BENCH_IO, 4);
	bench_config_write(b->bench, USB_BENCH_SLOT, USB_BENCH_FUNCTION, 0x04, 0x05, 2);
}

static inline void usb_bench_finish(struct usb_bench *b)
{
	device_finish_all(&b->devices);
	bench_destroy(b->bench);
}

static inline void usb_bench_out(struct usb_bench *b, unsigned reg, uint16_t value)
{
	bench_out16(b->bench, (uint16_t)(USB_BENCH_IO + reg), value);
}

static inline uint16_t usb_bench_in(struct usb_bench *b, unsigned reg)
{
	return bench_in16(b->bench, (uint16_t)(USB_BENCH_IO + reg));
}

static inline uint32_t usb_bench_word(struct usb_bench *b, uint32_t gpa)
{
	return load_le32(b->bench->bytes + gpa);
}

static inline void usb_bench_set_word(struct usb_bench *b, uint32_t gpa, uint32_t word)
{
	store_le32(b->bench->bytes + gpa, word);
}

static inline void usb_bench_frames(struct usb_bench *b, unsigned count)
{
	clock_step_to(&b->bench->clock,
		      clock_now_ns(&b->bench->clock) + (int64_t)count * NS_PER_MS);
}

/** An empty schedule, running. */
static inline void usb_bench_start(struct usb_bench *b)
{
	usb_bench_set_word(b, USB_BENCH_QH, UHCI_LINK_TERMINATE);
	usb_bench_set_word(b, USB_BENCH_QH + 4, UHCI_LINK_TERMINATE);
	for (uint32_t i = 0; i < UHCI_FRAMES; i++)
		usb_bench_set_word(b, USB_BENCH_FRAMES + i * 4, USB_BENCH_QH | UHCI_LINK_QUEUE);
	usb_bench_out(b, UHCI_FLBASEADD, USB_BENCH_FRAMES);
	usb_bench_out(b, UHCI_FLBASEADD + 2, 0);
	usb_bench_out(b, UHCI_USBINTR, UHCI_INTR_MASK);
	usb_bench_out(b, UHCI_USBCMD, UHCI_CMD_RUN);
}

/** Resets port 0 or 1 and enables it. */
static inline void usb_bench_enable(struct usb_bench *b, unsigned port)
{
	unsigned reg = UHCI_PORTSC1 + 2 * port;

	usb_bench_out(b, reg, UHCI_PORT_RESET);
	usb_bench_out(b, reg, 0);
	usb_bench_out(b, reg, UHCI_PORT_ENABLED | UHCI_PORT_CONNECT_CHANGE);
}

/** Appends a descriptor to the queue; returns where it lies. */
static inline uint32_t usb_bench_td(struct usb_bench *b, unsigned pid, unsigned address,
				    unsigned endpoint, uint32_t data, unsigned length,
				    uint32_t status)
{
	uint32_t gpa = USB_BENCH_TDS + b->tds * 16;

	usb_bench_set_word(b, gpa, UHCI_LINK_TERMINATE);
	usb_bench_set_word(b, gpa + 4, UHCI_TD_ACTIVE | status);
	usb_bench_set_word(b, gpa + 8,
			   pid | address << UHCI_TOKEN_ADDRESS_SHIFT |
				   endpoint << UHCI_TOKEN_ENDPOINT_SHIFT |
				   ((length - 1) & UHCI_NO_BYTES) << UHCI_TOKEN_LENGTH_SHIFT);
	usb_bench_set_word(b, gpa + 12, data);
	if (b->tds)
		usb_bench_set_word(b, gpa - 16, gpa | UHCI_LINK_DEPTH);
	b->tds++;
	return gpa;
}

/** Gives the descriptors to the controller. */
static inline void usb_bench_go(struct usb_bench *b)
{
	usb_bench_set_word(b, USB_BENCH_QH + 4, USB_BENCH_TDS);
	b->tds = 0;
}

/** Bytes that a descriptor has moved. */
static inline unsigned usb_bench_moved(struct usb_bench *b, uint32_t td)
{
	return (usb_bench_word(b, td + 4) + 1) & UHCI_TD_LENGTH;
}

/** A whole control transfer to the device; 'request' as enum usb_request has it. Bytes moved, or -1
 * if it stalls. Data lies at USB_BENCH_DATA. */
static inline int usb_bench_control(struct usb_bench *b, unsigned address, uint16_t request,
				    uint16_t value, uint16_t index, uint16_t length)
{
	bool in = request & 0x8000;
	uint32_t td = 0, status;
	uint8_t *setup = b->bench->bytes + USB_BENCH_DATA - 16;

	setup[0] = (uint8_t)(request >> 8);
	setup[1] = (uint8_t)request;
	store_le16(setup + 2, value);
	store_le16(setup + 4, index);
	store_le16(setup + 6, length);
	usb_bench_td(b, USB_SETUP, address, 0, USB_BENCH_DATA - 16, 8, 0);
	if (length)
		td = usb_bench_td(b, in ? USB_IN : USB_OUT, address, 0, USB_BENCH_DATA, length, 0);
	status = usb_bench_td(b, in ? USB_OUT : USB_IN, address, 0, 0, 0, UHCI_TD_INTERRUPT);
	usb_bench_go(b);
	usb_bench_frames(b, 64);
	if (usb_bench_word(b, status + 4) & (UHCI_TD_ACTIVE | UHCI_TD_STALLED))
		return -1;
	return td ? (int)usb_bench_moved(b, td) : 0;
}

/** Port 'port' as address 'address', configured. */
static inline void usb_bench_configure(struct usb_bench *b, unsigned port, uint16_t address)
{
	usb_bench_enable(b, port);
	usb_bench_control(b, 0, USB_SET_ADDRESS, address, 0, 0);
	usb_bench_control(b, address, USB_SET_CONFIGURATION, 1, 0, 0);
	usb_bench_out(b, UHCI_USBSTS, UHCI_STS_MASK);
}
