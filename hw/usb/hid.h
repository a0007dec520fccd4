// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a person holds, on USB: a tablet (an absolute pointer, so that the guest's pointer is where
 * the viewer's is), a mouse, a keyboard. HID 1.11, with the boot protocol of mouse and keyboard.
 *
 * Reports wait in a short queue; a movement replaces one that has not been taken yet, a button or
 * key does not. Once the guest has configured the device, input goes to it (base/input.h).
 */
#pragma once

#include "base/input.h"
#include "bus/device.h"
#include "hw/usb/usb.h"

enum hid_kind {
	HID_TABLET,
	HID_MOUSE,
	HID_KEYBOARD,
};

enum {
	HID_QUEUE = 16, /* reports */
	HID_REPORT_BYTES = 8,
	HID_KEYS = 6, /* that a report has room for */
};

struct hid_state {
	struct usb_state usb;
	uint8_t queue[HID_QUEUE * HID_REPORT_BYTES]; /* reports, oldest first */
	uint8_t queue_count;
	uint8_t last[HID_REPORT_BYTES]; /* taken, and what follows from it */
	uint8_t pressed[INPUT_KEY_COUNT / 8];
	uint8_t idle, protocol, leds;
	uint8_t reserved[2]; /* zero */
};

struct hid {
	struct device device;
	struct hid_state state;
	struct usb_device usb;
	struct input_sink sink;
	struct input *input;
	enum hid_kind kind;
};

/** A device that is not plugged in yet. 'input' is borrowed. */
void hid_init(struct hid *hid, enum hid_kind kind, struct input *input);
/** "usb-tablet" … */
const char *hid_name(enum hid_kind kind);
