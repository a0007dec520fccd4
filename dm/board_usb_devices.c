// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is plugged into USB ports: a table of kinds, where a device goes, what it needs.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/opts.h"
#include "dm/board_internal.h"
#include "dm/board_usb.h"
#include "dm/machine.h"
#include "dm/options.h"
#include "dm/tape.h"

struct usb_item_kind {
	const char *name;
	/** Makes the device: fills in 'usb' and 'device'. 0, or -errno and a sentence, and then
	 * there is nothing to finish. */
	int (*init)(struct usb_item *item, struct board *board, struct opts *words,
		    struct err *err);
	const char *const *properties;
	bool prefers_speed;
};

static const char *const plain_properties[] = { "driver", "id", "bus", "port", NULL };
static const char *const storage_properties[] = {
	"driver", "id",    "bus",       "port",        "drive",    "removable",
	"serial", "model", "bootindex", "write-cache", "share-rw", NULL,
};

/* --- Input --- */

static int init_hid(struct usb_item *item, struct board *board, enum hid_kind kind)
{
	hid_init(&item->chip.hid, kind, &board->machine->input);
	item->usb = &item->chip.hid.usb;
	item->device = &item->chip.hid.device;
	return 0;
}

static int init_tablet(struct usb_item *item, struct board *board, struct opts *words,
		       struct err *err)
{
	(void)words;
	(void)err;
	return init_hid(item, board, HID_TABLET);
}

static int init_mouse(struct usb_item *item, struct board *board, struct opts *words,
		      struct err *err)
{
	(void)words;
	(void)err;
	return init_hid(item, board, HID_MOUSE);
}

static int init_keyboard(struct usb_item *item, struct board *board, struct opts *words,
			 struct err *err)
{
	(void)words;
	(void)err;
	return init_hid(item, board, HID_KEYBOARD);
}

/* --- Hubs --- */

static int init_hub(struct usb_item *item, struct board *board, struct opts *words, struct err *err)
{
	struct usb_hub *hub = &item->chip.hub;

	(void)board;
	(void)words;
	(void)err;
	usb_hub_init(hub);
	item->usb = &hub->usb;
	item->device = &hub->device;
	item->ports = hub->ports;
	item->port_count = HUB_PORTS;
	return 0;
}

/* --- Storage --- */

/** The -drive of drive=, its words marked as understood. NULL and a sentence. */
static struct opts *find_drive(struct board *board, const char *id, struct err *err)
{
	struct opts *drive = id ? drives_find(board->machine->options, id) : NULL;

	if (!id)
		err_set(err, -EINVAL, "it needs drive=ID of a -drive if=none,id=ID");
	else if (!drive || strcmp(opts_get_or(drive, "if", "ide"), "none") != 0)
		err_set(err, -EINVAL, "there is no -drive if=none,id=%s", id);
	else if (drives_check(drive, err) == 0)
		return drive;
	return NULL;
}

/** Another USB device may have the drive: two that write to one image end in damage. */
static bool drive_is_used(const struct board *board, const char *id)
{
	struct usb_item *item;

	list_for_each(item, &board->usb.items, struct usb_item, node)
	{
		if (strcmp(item->drive_id, id) == 0)
			return true;
	}
	return false;
}

/** Opens what the drive names; 'config' gets the disk or the slot. */
static int open_image(struct usb_item *item, struct board *board, struct opts *drive,
		      struct usb_storage_config *config, struct err *err)
{
	struct drive_plan plan = {
		.present = true,
		.is_cdrom = strcmp(opts_get_or(drive, "media", "disk"), "cdrom") == 0,
		.is_usb = true,
		.drive = drive,
	};
	struct block *block;

	if (!plan.is_cdrom && !opts_get(drive, "file"))
		return err_set(err, -EINVAL, "-drive id=%s has no file=", item->drive_id);
	block = board_open_drive(board->machine, TAPE_USB + board->usb.drives, &plan, err);
	if (!block)
		return -EINVAL;
	board_watch_errors(board, block);
	snprintf(item->name, sizeof(item->name), "usb%u-%s", board->usb.drives++,
		 plan.is_cdrom ? "cd" : "hd");
	if (plan.is_cdrom) {
		item->slot = (struct medium_slot){
			.block = block,
			.id = strdup(*item->id ? item->id : item->name),
		};
		config->slot = &item->slot;
	} else {
		item->disk = block;
		config->block = block;
	}
	return 0;
}

/** The image of drive=: one that control has opened, or a -drive's. */
static int find_image(struct usb_item *item, struct board *board, const char *id,
		      struct usb_storage_config *config, struct err *err)
{
	struct opts *drive;

	snprintf(item->drive_id, sizeof(item->drive_id), "%s", id ? id : "");
	if (id) {
		struct err busy = { 0 };

		item->image = board_usb_take_image(board, id, &busy);
		if (!item->image && busy.text[0])
			return err_set(err, -EBUSY, "%s", busy.text);
	}
	if (item->image) {
		item->disk = config->block = item->image->block;
		board_watch_errors(board, item->disk);
		snprintf(item->name, sizeof(item->name), "usb%u-hd", board->usb.drives++);
		return 0;
	}
	drive = find_drive(board, id, err);
	if (!drive)
		return -EINVAL;
	if (drive_is_used(board, id))
		return err_set(err, -EBUSY, "drive '%s' is used already", id);
	config->serial = opts_get(drive, "serial");
	return open_image(item, board, drive, config, err);
}

static int init_storage(struct usb_item *item, struct board *board, struct opts *words,
			struct err *err)
{
	struct usb_storage_config config = { 0 };
	uint64_t boot_index = UINT64_MAX;
	bool ignored;
	int result = opts_get_bool(words, "removable", &config.removable, err);

	if (result == 0)
		result = opts_get_bool(words, "write-cache", &ignored, err);
	if (result == 0)
		result = opts_get_bool(words, "share-rw", &ignored, err);
	if (result == 0)
		result = opts_get_number(words, "bootindex", &boot_index, 0, INT32_MAX, err);
	if (result == 0)
		result = find_image(item, board, opts_get(words, "drive"), &config, err);
	if (result < 0)
		return result;
	if (opts_get(words, "serial"))
		config.serial = opts_get(words, "serial");
	config.model = opts_get(words, "model");
	if (boot_index != UINT64_MAX)
		item->boot_index = (int64_t)boot_index;
	item->usb = &item->chip.storage.usb;
	item->device = &item->chip.storage.device;
	return usb_storage_init(&item->chip.storage, &config, err);
}

static const struct usb_item_kind kinds[] = {
	{ "usb-tablet", init_tablet, plain_properties, false },
	{ "usb-mouse", init_mouse, plain_properties, false },
	{ "usb-kbd", init_keyboard, plain_properties, false },
	{ "usb-hub", init_hub, plain_properties, false },
	{ "usb-storage", init_storage, storage_properties, true },
};

static const struct usb_item_kind *find_kind(const char *driver)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(driver, kinds[i].name) == 0)
			return &kinds[i];
	return NULL;
}

bool board_usb_is_device(const char *driver)
{
	return find_kind(driver) != NULL;
}

/* --- Ports --- */

static struct usb_item *item_of(struct board *board, const struct usb_device *device)
{
	struct usb_item *item;

	list_for_each(item, &board->usb.items, struct usb_item, node)
	{
		if (item->usb == device)
			return item;
	}
	return NULL;
}

/** "1.2": port 2 of the hub in port 1. NULL: there is no such port. */
static struct usb_port *find_port(struct board *board, struct usb_host *host, const char *path)
{
	struct usb_port *ports = host->ports;
	unsigned count = host->port_count;

	for (;;) {
		char *end;
		unsigned long number = strtoul(path, &end, 10);
		struct usb_item *hub;

		if (end == path || number < 1 || number > count || (*end && *end != '.'))
			return NULL;
		if (!*end)
			return &ports[number - 1];
		hub = ports[number - 1].device ? item_of(board, ports[number - 1].device) : NULL;
		if (!hub || !hub->ports)
			return NULL;
		ports = hub->ports;
		count = hub->port_count;
		path = end + 1;
	}
}

static bool takes(const struct usb_item *item, const struct usb_port *port)
{
	return !port->device &&
	       (!port->lacks_full_speed || item->usb->class->configuration[USB_HIGH]);
}

static struct usb_port *first_free(const struct usb_item *item, struct usb_port *ports,
				   unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (takes(item, &ports[i]))
			return &ports[i];
	return NULL;
}

/** The first port that takes the device: a controller's of the preferred speed, any controller's, a
 * hub's. */
static struct usb_port *choose_port(struct board *board, struct usb_item *item, const char *bus)
{
	struct usb_host *host;
	struct usb_item *hub;

	for (unsigned pass = 0; pass < 2; pass++) {
		list_for_each(host, &board->usb.hosts, struct usb_host, node)
		{
			struct usb_port *port;

			if ((bus && strcmp(bus, host->bus) != 0) ||
			    (pass == 0 && host->is_fast != item->kind->prefers_speed))
				continue;
			port = first_free(item, host->ports, host->port_count);
			item->host = host;
			if (port)
				return port;
		}
	}
	list_for_each(hub, &board->usb.items, struct usb_item, node)
	{
		struct usb_port *port;

		if (bus && strcmp(bus, hub->host->bus) != 0)
			continue;
		port = first_free(item, hub->ports, hub->port_count);
		item->host = hub->host;
		if (port)
			return port;
	}
	return NULL;
}

static struct usb_host *find_host(struct board *board, const char *bus)
{
	struct usb_host *host;

	list_for_each(host, &board->usb.hosts, struct usb_host, node)
	{
		if (host->ports && (!bus || strcmp(host->bus, bus) == 0))
			return host;
	}
	return NULL;
}

static void format_path(struct board *board, const struct usb_port *port, char *text)
{
	const struct usb_item *hub = port->hub ? item_of(board, port->hub) : NULL;

	snprintf(text, BOARD_USB_PATH, "%.18s%s%u", hub ? hub->path : "", hub ? "." : "",
		 port->number);
}

/** Where bus= and port= put it. 0, or -errno and a sentence. */
static int place(struct board *board, struct usb_item *item, const char *bus, const char *path,
		 struct err *err)
{
	item->host = find_host(board, bus);
	if (!item->host && bus)
		return err_set(err, -ENODEV, "there is no USB bus '%s'", bus);
	if (!item->host)
		return err_set(err, -ENODEV,
			       "the guest has no USB controller: start it with usb=1");
	if (path) {
		item->port = find_port(board, item->host, path);
		if (!item->port)
			return err_set(err, -EINVAL, "USB bus '%s' has no port %s", item->host->bus,
				       path);
	} else {
		item->port = choose_port(board, item, bus);
		if (!item->port)
			return err_set(err, -ENOSPC,
				       "all USB ports are taken: plug a usb-hub in before it");
	}
	format_path(board, item->port, item->path);
	return 0;
}

/* --- Plugging in and out --- */

static int take_id(struct board *board, struct usb_item *item, const char *id, struct err *err)
{
	struct usb_item *other;

	if (!id)
		return 0;
	if (strlen(id) >= sizeof(item->id))
		return err_set(err, -EINVAL, "id: %d characters at the most", BOARD_USB_NAME - 1);
	list_for_each(other, &board->usb.items, struct usb_item, node)
	{
		if (strcmp(other->id, id) == 0)
			return err_set(err, -EEXIST, "Duplicate device ID '%s'", id);
	}
	snprintf(item->id, sizeof(item->id), "%s", id);
	return 0;
}

void board_usb_free_item(struct usb_item *item)
{
	if (item->image)
		item->image->is_used = false;
	else
		block_close(item->disk);
	block_close(item->slot.block);
	free(item->slot.id);
	free(item);
}

static void finish_item(struct usb_item *item)
{
	if (item->device->class->finish)
		item->device->class->finish(item->device->self);
}

int board_usb_plug(struct board *board, struct opts *words, bool is_hot, struct err *err)
{
	const struct usb_item_kind *kind = find_kind(opts_get_or(words, "driver", ""));
	const char *bus = opts_get(words, "bus"), *path = opts_get(words, "port");
	struct usb_item *item = calloc(1, sizeof(*item));
	int result;

	if (!item)
		return err_set_errno(err, -ENOMEM, "cannot make a USB device");
	item->kind = kind;
	item->boot_index = -1;
	item->is_hot = is_hot;
	result = take_id(board, item, opts_get(words, "id"), err);
	if (result == 0)
		result = kind->init(item, board, words, err);
	if (result < 0) {
		board_usb_free_item(item);
		return result;
	}
	result = opts_check_unused(words, kind->properties, err);
	if (result == 0)
		result = place(board, item, bus, path, err);
	if (result == 0)
		result = usb_port_attach(item->port, item->usb, err);
	if (result < 0) {
		finish_item(item);
		board_usb_free_item(item);
		return result;
	}
	device_add(&board->machine->devices, item->device);
	list_append(&board->usb.items, &item->node);
	return 0;
}

struct usb_item *board_usb_find(struct board *board, const char *id)
{
	struct usb_item *item;

	list_for_each(item, &board->usb.items, struct usb_item, node)
	{
		if (*id && strcmp(item->id, id) == 0)
			return item;
	}
	return NULL;
}

const char *board_usb_driver(const struct usb_item *item)
{
	return item->kind->name;
}

int board_usb_unplug(struct usb_item *item, struct err *err)
{
	for (unsigned i = 0; i < item->port_count; i++)
		if (item->ports[i].device)
			return err_set(
				err, -EBUSY,
				"port %u of the hub '%s' is taken: unplug what is there first",
				i + 1, item->id);
	usb_port_detach(item->port);
	device_remove(item->device);
	finish_item(item);
	list_remove(&item->node);
	board_usb_free_item(item);
	return 0;
}
