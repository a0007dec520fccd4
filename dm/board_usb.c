// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * USB controllers on the board: -usb, -usbdevice, -device piix3-usb-uhci, usb-ehci, ich9-usb-ehci1
 * with its companions; what is plugged into them is made by board_usb_devices.c. Whoever asks for a
 * device alone gets the PIIX3's controller too.
 */
#include "dm/board_usb.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/opts.h"
#include "dm/board_internal.h"
#include "dm/machine.h"
#include "dm/options.h"

enum {
	PIIX3_SLOT = 1,
	PIIX3_FUNCTION = 2,
	ICH9_SLOT = 0x1d,
	ICH9_FUNCTION = 7,
};

static const char *const host_properties[] = { "driver",        "id",        "addr",      "bus",
					       "multifunction", "masterbus", "firstport", NULL };

/** Where a controller goes. */
struct place {
	int slot; /* -1: the first free one */
	unsigned function;
};

struct host_kind {
	const char *name;
	int (*init)(struct usb_host *host, struct board *board, const struct host_kind *kind,
		    const struct place *place, struct err *err);
	int model;
	struct place place; /* unless addr= says another, and as long as it is free */
	bool is_companion;
};

static int init_uhci(struct usb_host *host, struct board *board, const struct host_kind *kind,
		     const struct place *place, struct err *err)
{
	struct machine *machine = board->machine;
	struct uhci *uhci = &host->chip.uhci;
	int result = uhci_init(uhci, (enum uhci_model)kind->model, &machine->pci, &machine->clock,
			       &machine->ram, place->slot, place->function, err);

	host->function = &uhci->function;
	if (!kind->is_companion) {
		host->ports = uhci->plugs;
		host->port_count = UHCI_PORTS;
	}
	device_add(&machine->devices, &uhci->device);
	return result;
}

static int init_ehci(struct usb_host *host, struct board *board, const struct host_kind *kind,
		     const struct place *place, struct err *err)
{
	struct machine *machine = board->machine;
	struct ehci *ehci = &host->chip.ehci;
	int result = ehci_init(ehci, (enum ehci_model)kind->model, &machine->pci, &machine->clock,
			       &machine->ram, place->slot, place->function, err);

	host->function = &ehci->function;
	host->ports = ehci->plugs;
	host->port_count = EHCI_PORTS;
	host->is_fast = true;
	device_add(&machine->devices, &ehci->device);
	return result;
}

static const struct host_kind host_kinds[] = {
	{ "piix3-usb-uhci", init_uhci, UHCI_PIIX3, { PIIX3_SLOT, PIIX3_FUNCTION }, false },
	{ "usb-ehci", init_ehci, EHCI_PLAIN, { -1, 0 }, false },
	{ "ich9-usb-ehci1", init_ehci, EHCI_ICH9, { ICH9_SLOT, ICH9_FUNCTION }, false },
	{ "ich9-usb-uhci1", init_uhci, UHCI_ICH9_1, { ICH9_SLOT, 0 }, true },
	{ "ich9-usb-uhci2", init_uhci, UHCI_ICH9_2, { ICH9_SLOT, 1 }, true },
	{ "ich9-usb-uhci3", init_uhci, UHCI_ICH9_3, { ICH9_SLOT, 2 }, true },
};

static const struct host_kind *find_kind(struct opts *device)
{
	const char *driver = opts_get_or(device, "driver", "");

	for (size_t i = 0; i < ARRAY_SIZE(host_kinds); i++)
		if (strcmp(driver, host_kinds[i].name) == 0)
			return &host_kinds[i];
	return NULL;
}

/** addr=1d.7, as addr=1d means its function 0. */
static int parse_place(const char *text, struct place *place, struct err *err)
{
	const char *dot = strchr(text, '.');
	uint64_t function = 0;
	int result = board_parse_slot(text, &place->slot, err);

	if (result == 0 && dot && (opts_parse_number(dot + 1, &function) < 0 || function > 7))
		return err_set(err, -EINVAL, "addr=%s: there is no such PCI function", text);
	place->function = (unsigned)function;
	return result;
}

static int name_bus(struct board *board, struct usb_host *host, const char *id, struct err *err)
{
	struct usb_host *other;
	unsigned count = 0;
	int length;

	list_for_each(other, &board->usb.hosts, struct usb_host, node) count +=
		other->ports != NULL;
	length = id ? snprintf(host->bus, sizeof(host->bus), "%s.0", id)
		    : snprintf(host->bus, sizeof(host->bus), "usb-bus.%u", count);
	if (length >= BOARD_USB_NAME)
		return err_set(err, -EINVAL, "the id of a USB controller has %d characters at most",
			       BOARD_USB_NAME - 3);
	list_for_each(other, &board->usb.hosts, struct usb_host, node)
	{
		if (strcmp(other->bus, host->bus) == 0)
			return err_set(err, -EEXIST, "there is already a USB bus '%s'", host->bus);
	}
	return 0;
}

static struct usb_host *add_host(struct board *board, const struct host_kind *kind, const char *id,
				 const struct place *place, struct err *err)
{
	struct usb_host *host = calloc(1, sizeof(*host));

	if (!host) {
		err_set_errno(err, -ENOMEM, "cannot make a USB controller");
		return NULL;
	}
	if (!kind->is_companion && name_bus(board, host, id, err) < 0) {
		free(host);
		return NULL;
	}
	list_append(&board->usb.hosts, &host->node);
	return kind->init(host, board, kind, place, err) < 0 ? NULL : host;
}

/** masterbus= and firstport=: the controller that leaves its slower devices to this one. */
static int join_master(struct board *board, struct usb_host *companion, struct opts *words,
		       struct err *err)
{
	const char *bus = opts_get(words, "masterbus");
	struct usb_host *master;
	uint64_t first = 0;

	if (!bus)
		return err_set(err, -EINVAL, "it needs masterbus= of an ich9-usb-ehci1");
	if (opts_get_number(words, "firstport", &first, 0, EHCI_PORTS - 1, err) < 0)
		return -EINVAL;
	list_for_each(master, &board->usb.hosts, struct usb_host, node)
	{
		if (master->is_fast && strcmp(master->bus, bus) == 0)
			return ehci_add_companion(&master->chip.ehci, &companion->chip.uhci,
						  (unsigned)first, err);
	}
	return err_set(err, -ENODEV, "masterbus=%s: there is no such EHCI controller before it",
		       bus);
}

/** Where it goes if nobody says: the kind's own place, or a free slot. */
static struct place default_place(const struct board *board, const struct host_kind *kind)
{
	const struct place *own = &kind->place;

	if (own->slot >= 0 && !board->machine->pci.functions[own->slot][own->function])
		return *own;
	return (struct place){ -1, 0 };
}

static int add_host_by_words(struct board *board, struct opts *words, struct err *err)
{
	const struct host_kind *kind = find_kind(words);
	const char *addr = opts_get(words, "addr");
	struct place place = default_place(board, kind);
	struct usb_host *host = NULL;
	bool ignored;
	int result = opts_get_bool(words, "multifunction", &ignored, err);

	for (size_t i = 0; host_properties[i]; i++)
		opts_get(words, host_properties[i]);
	if (result == 0)
		result = opts_check_unused(words, host_properties, err);
	if (result == 0 && !kind->is_companion && opts_get(words, "masterbus"))
		result = err_set(err, -EINVAL, "masterbus= is for companions: ich9-usb-uhci1 to 3");
	if (result == 0 && addr)
		result = parse_place(addr, &place, err);
	if (result == 0)
		host = add_host(board, kind, opts_get(words, "id"), &place, err);
	if (result == 0 && !host)
		result = -EINVAL;
	if (result == 0 && kind->is_companion)
		result = join_master(board, host, words, err);
	if (result < 0)
		err_prefix(err, "-device %s", kind->name);
	return result;
}

static bool wants_devices(struct options *options)
{
	for (size_t i = 0; i < options->devices.count; i++)
		if (board_usb_is_device(opts_get_or(&options->devices.items[i], "driver", "")))
			return true;
	return options->usb_devices.count > 0;
}

static int add_hosts(struct board *board, struct err *err)
{
	struct options *options = board->machine->options;
	const struct host_kind *piix3 = &host_kinds[0];
	int result = 0;

	if (options->usb && !add_host(board, piix3, NULL, &piix3->place, err))
		return -EINVAL;
	for (size_t i = 0; i < options->devices.count && result == 0; i++)
		if (find_kind(&options->devices.items[i]))
			result = add_host_by_words(board, &options->devices.items[i], err);
	if (result == 0 && list_is_empty(&board->usb.hosts) && wants_devices(options) &&
	    !add_host(board, piix3, NULL, &piix3->place, err))
		return -EINVAL;
	return result;
}

/** -usbdevice has names of its own. */
static int plug_by_name(struct board *board, const char *name, struct err *err)
{
	static const struct {
		const char *name, *words;
	} rows[] = {
		{ "tablet", "usb-tablet" },
		{ "mouse", "usb-mouse" },
		{ "keyboard", "usb-kbd" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct opts words;
		int result;

		if (strcmp(name, rows[i].name) != 0)
			continue;
		result = opts_parse(&words, rows[i].words, "driver", err);
		if (result == 0)
			result = board_usb_plug(board, &words, false, err);
		opts_finish(&words);
		return result;
	}
	return err_set(err, -EINVAL, "-usbdevice %s: give tablet, mouse or keyboard", name);
}

int board_usb_init(struct board *board, struct err *err)
{
	struct options *options = board->machine->options;
	int result = add_hosts(board, err);

	for (size_t i = 0; i < options->usb_devices.count && result == 0; i++)
		result = plug_by_name(board, options->usb_devices.items[i], err);
	for (size_t i = 0; i < options->devices.count && result == 0; i++) {
		struct opts *words = &options->devices.items[i];
		const char *driver = opts_get_or(words, "driver", "");

		if (!board_usb_is_device(driver))
			continue;
		result = board_usb_plug(board, words, false, err);
		if (result < 0)
			err_prefix(err, "-device %s", driver);
	}
	return result;
}

/* --- Images for devices to come --- */

static struct usb_node *find_image(struct board *board, const char *name)
{
	struct usb_node *image;

	list_for_each(image, &board->usb.images, struct usb_node, node)
	{
		if (strcmp(image->name, name) == 0)
			return image;
	}
	return NULL;
}

static void free_image(struct usb_node *image)
{
	list_remove(&image->node);
	block_close(image->block);
	free(image);
}

int board_usb_add_image(struct board *board, const char *name, struct block *block, struct err *err)
{
	struct usb_node *image;

	if (!*name || strlen(name) >= sizeof(image->name))
		return err_set(err, -EINVAL, "node-name: 1 to %d characters", BOARD_USB_NAME - 1);
	if (find_image(board, name) || drives_find(board->machine->options, name))
		return err_set(err, -EEXIST, "Duplicate nodes with node-name='%s'", name);
	image = calloc(1, sizeof(*image));
	if (!image)
		return err_set_errno(err, -ENOMEM, "cannot keep '%s'", name);
	snprintf(image->name, sizeof(image->name), "%s", name);
	image->block = block;
	list_append(&board->usb.images, &image->node);
	return 0;
}

int board_usb_remove_image(struct board *board, const char *name, struct err *err)
{
	struct usb_node *image = find_image(board, name);

	if (!image)
		return err_set(err, -ENOENT, "Failed to find node with node-name='%s'", name);
	if (image->is_used)
		return err_set(err, -EBUSY, "Node '%s' is busy: a device has it", name);
	free_image(image);
	return 0;
}

struct usb_node *board_usb_take_image(struct board *board, const char *name, struct err *err)
{
	struct usb_node *image = find_image(board, name);

	if (image && image->is_used) {
		err_set(err, -EBUSY, "Node '%s' is busy: a device has it", name);
		return NULL;
	}
	if (image)
		image->is_used = true;
	return image;
}

int board_usb_check_saving(struct board *board, struct err *err)
{
	struct usb_item *item;

	list_for_each(item, &board->usb.items, struct usb_item, node)
	{
		if (item->is_hot)
			return err_set(err, -EBUSY,
				       "the USB device '%s' was plugged in while the guest ran: "
				       "take it out before the guest is saved",
				       item->id);
	}
	return 0;
}

void board_usb_finish(struct board *board)
{
	struct usb_node *image;
	struct usb_item *item;
	struct usb_host *host;

	list_for_each(item, &board->usb.items, struct usb_item, node)
	{
		list_remove(&item->node);
		board_usb_free_item(item);
	}
	list_for_each(image, &board->usb.images, struct usb_node, node) free_image(image);
	list_for_each(host, &board->usb.hosts, struct usb_host, node)
	{
		list_remove(&host->node);
		free(host);
	}
}

/* --- Booting --- */

/** "/hub@2" for each hub before the device, as SeaBIOS names them; then the port. */
static void format_boot_path(const struct usb_item *item, char *text, size_t bytes)
{
	const struct pci_function *function = item->host->function;
	const char *part = item->path;
	size_t length = (size_t)snprintf(text, bytes, "/pci@i0cf8/usb@%x", function->slot);

	if (function->function)
		length +=
			(size_t)snprintf(text + length, bytes - length, ",%x", function->function);
	for (; strchr(part, '.'); part = strchr(part, '.') + 1)
		length += (size_t)snprintf(text + length, bytes - length, "/hub@%x",
					   (unsigned)strtoul(part, NULL, 10));
	snprintf(text + length, bytes - length, "/storage@%x/channel@0/disk@0,0",
		 (unsigned)strtoul(part, NULL, 10));
}

void board_usb_add_boot_paths(struct board *board)
{
	struct usb_item *item;
	char path[sizeof(board->boot_paths[0].path)];

	list_for_each(item, &board->usb.items, struct usb_item, node)
	{
		if (item->boot_index < 0)
			continue;
		format_boot_path(item, path, sizeof(path));
		board_add_boot_path(board, item->boot_index, "%s", path);
	}
}

/* --- Drives --- */

static bool has_drive(const struct usb_item *item)
{
	return item->disk || item->slot.block;
}

struct medium_slot *board_usb_find_medium(struct board *board, const char *id)
{
	struct usb_item *item;

	list_for_each(item, &board->usb.items, struct usb_item, node)
	{
		if (item->slot.block &&
		    (strcmp(item->slot.id, id) == 0 || strcmp(item->name, id) == 0 ||
		     strcmp(item->drive_id, id) == 0))
			return &item->slot;
	}
	return NULL;
}

void board_usb_for_each_drive(struct board *board,
			      void (*visit)(const struct board_drive *drive, void *opaque),
			      void *opaque)
{
	struct usb_item *item;

	list_for_each(item, &board->usb.items, struct usb_item, node)
	{
		const struct board_drive drive = {
			.name = item->name,
			.id = *item->id ? item->id : NULL,
			.drive_id = *item->drive_id ? item->drive_id : NULL,
			.is_cdrom = item->slot.block != NULL,
			.block = item->slot.block ? item->slot.block : item->disk,
			.slot = item->slot.block ? &item->slot : NULL,
		};

		if (has_drive(item))
			visit(&drive, opaque);
	}
}
