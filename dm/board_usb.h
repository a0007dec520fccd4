// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * USB on the board: controllers, and what is plugged into their ports and into hubs, at the start
 * or while the guest runs.
 */
#pragma once

#include "base/list.h"
#include "block/medium.h"
#include "hw/usb/ehci.h"
#include "hw/usb/hid.h"
#include "hw/usb/hub.h"
#include "hw/usb/storage.h"
#include "hw/usb/uhci.h"

struct board;
struct board_drive;
struct err;
struct opts;

enum {
	BOARD_USB_NAME = 64,
	BOARD_USB_PATH = 24, /* "1.2.3" */
};

/** A controller. */
struct usb_host {
	struct list_node node;
	char bus[BOARD_USB_NAME]; /* "usb-bus.0", or its id and ".0" */
	struct pci_function *function;
	struct usb_port *ports; /* NULL: a companion's, which are its master's */
	unsigned port_count;
	bool is_fast; /* it has high speed */
	union {
		struct uhci uhci;
		struct ehci ehci;
	} chip;
};

/** An image that control has opened for a device to be plugged in (blockdev-add). */
struct usb_node {
	struct list_node node;
	char name[BOARD_USB_NAME];
	struct block *block; /* owned */
	bool is_used;
};

struct usb_item_kind;

/** A device. */
struct usb_item {
	struct list_node node;
	const struct usb_item_kind *kind;
	char id[BOARD_USB_NAME]; /* "" if it has none */
	struct usb_host *host;
	struct usb_port *port;
	char path[BOARD_USB_PATH];
	struct usb_device *usb;
	struct device *device;
	struct usb_port *ports; /* of a hub */
	unsigned port_count;
	int64_t boot_index; /* -1: none */
	/* Of a drive: */
	char drive_id[BOARD_USB_NAME]; /* of -drive */
	char name[BOARD_USB_NAME];     /* "usb0-hd": as control calls it */
	struct block *disk;            /* owned, or the image's below; NULL for others */
	struct usb_node *image;        /* NULL: none */
	bool is_hot;                   /* plugged in while the guest runs */
	struct medium_slot slot;       /* of a CD-ROM */
	union {
		struct hid hid;
		struct usb_hub hub;
		struct usb_storage storage;
	} chip;
};

struct board_usb {
	struct list_node hosts, items; /* as they were made */
	struct list_node images;
	unsigned drives; /* ever made: for their names */
};

/** Controllers and devices that the command line asks for. 0, or -errno and a sentence. */
int board_usb_init(struct board *board, struct err *err);
/** Frees all, and closes images; the devices have been finished. */
void board_usb_finish(struct board *board);
void board_usb_add_boot_paths(struct board *board);
/** Is it the name of a device that is plugged into USB? */
bool board_usb_is_device(const char *driver);

/* For those who ask all drives. */
struct medium_slot *board_usb_find_medium(struct board *board, const char *id);
void board_usb_for_each_drive(struct board *board,
			      void (*visit)(const struct board_drive *drive, void *opaque),
			      void *opaque);

/** What was plugged in later is not among the options that another process is started with. 0, or
 * -EBUSY and a sentence. */
int board_usb_check_saving(struct board *board, struct err *err);

/* Images for devices to come. */

/** Keeps 'block', which is taken over, under 'name'. 0, or -EEXIST or -ENOMEM and a sentence, and
 * then it stays the caller's. */
int board_usb_add_image(struct board *board, const char *name, struct block *block,
			struct err *err);
/** Gives it to a device. NULL if there is none of the name, with a sentence if another has it. */
struct usb_node *board_usb_take_image(struct board *board, const char *name, struct err *err);
/** Closes it. 0, -ENOENT, or -EBUSY, and a sentence. */
int board_usb_remove_image(struct board *board, const char *name, struct err *err);

/* board_usb_devices.c */

/** Makes and plugs in what 'words' say; 'is_hot' while the guest runs. 0, or -errno and a sentence.
 */
int board_usb_plug(struct board *board, struct opts *words, bool is_hot, struct err *err);
/** The device of that id, or NULL. */
struct usb_item *board_usb_find(struct board *board, const char *id);
/** Takes it out and frees it: the guest sees it gone. 0, or -EBUSY and a sentence for a hub that is
 * in use. */
int board_usb_unplug(struct usb_item *item, struct err *err);
/** "usb-storage" */
const char *board_usb_driver(const struct usb_item *item);
/** Frees it; its device has been finished. */
void board_usb_free_item(struct usb_item *item);
