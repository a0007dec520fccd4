// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * USB: the PIIX3's controller and what is plugged into its two ports, if the command line asks for
 * either: -usb, -usbdevice, -device piix3-usb-uhci, usb-tablet, usb-mouse, usb-kbd.
 */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/opts.h"
#include "dm/board_internal.h"
#include "dm/machine.h"
#include "dm/options.h"

enum {
	USB_SLOT = 1,
	USB_FUNCTION = 2,
};

static const char *const controller_properties[] = { "driver", "id", "addr", "bus", NULL };
static const char *const device_properties[] = { "driver", "id", "bus", "port", NULL };

/* -usbdevice has names of its own. */
static const struct {
	const char *device, *usbdevice;
	enum hid_kind kind;
} kinds[] = {
	{ "usb-tablet", "tablet", HID_TABLET },
	{ "usb-mouse", "mouse", HID_MOUSE },
	{ "usb-kbd", "keyboard", HID_KEYBOARD },
};

static int plug(struct board *board, enum hid_kind kind, struct err *err)
{
	struct machine *machine = board->machine;
	struct hid *hid = &board->usb_devices[board->usb_device_count];

	if (board->usb_device_count == UHCI_PORTS)
		return err_set(err, -ENOSPC, "the USB controller has %d ports, and both are taken",
			       UHCI_PORTS);
	hid_init(hid, kind, &machine->input);
	board->usb_device_count++;
	device_add(&machine->devices, &hid->device);
	return uhci_attach(&board->uhci, &hid->usb, err);
}

static int plug_by_name(struct board *board, const char *name, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(name, kinds[i].usbdevice) == 0)
			return plug(board, kinds[i].kind, err);
	return err_set(err, -EINVAL, "-usbdevice %s: give tablet, mouse or keyboard", name);
}

static bool is_controller(struct opts *device)
{
	return strcmp(opts_get_or(device, "driver", ""), "piix3-usb-uhci") == 0;
}

/** The kind that -device asks for, or -1. */
static int find_kind(struct opts *device)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(opts_get_or(device, "driver", ""), kinds[i].device) == 0)
			return (int)i;
	return -1;
}

static int check_words(struct opts *device, const char *const *properties, struct err *err)
{
	for (size_t i = 0; properties[i]; i++)
		opts_get(device, properties[i]);
	return opts_check_unused(device, properties, err);
}

/** Counts what is asked for, and marks its words as understood. */
static int check_all(struct options *options, bool *wanted, struct err *err)
{
	*wanted = options->usb || options->usb_devices.count;
	for (size_t i = 0; i < options->devices.count; i++) {
		struct opts *device = &options->devices.items[i];
		int result = 0;

		if (is_controller(device))
			result = check_words(device, controller_properties, err);
		else if (find_kind(device) >= 0)
			result = check_words(device, device_properties, err);
		else
			continue;
		if (result < 0) {
			err_prefix(err, "-device %s", opts_get(device, "driver"));
			return result;
		}
		*wanted = true;
	}
	return 0;
}

int board_usb_init(struct board *board, struct err *err)
{
	struct machine *machine = board->machine;
	struct options *options = machine->options;
	bool wanted = false;
	int result = check_all(options, &wanted, err);

	if (result < 0 || !wanted)
		return result;
	result = uhci_init(&board->uhci, &machine->pci, &machine->clock, &machine->ram, USB_SLOT,
			   USB_FUNCTION, err);
	if (result < 0)
		return result;
	device_add(&machine->devices, &board->uhci.device);
	for (size_t i = 0; i < options->usb_devices.count && result == 0; i++)
		result = plug_by_name(board, options->usb_devices.items[i], err);
	for (size_t i = 0; i < options->devices.count && result == 0; i++) {
		int kind = find_kind(&options->devices.items[i]);

		if (kind >= 0)
			result = plug(board, kinds[kind].kind, err);
	}
	return result;
}
