// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A mass storage device: disk or CD-ROM, bulk-only transport, SCSI transparent command set, at full
 * and high speed. It is built as such things are: a bridge chip with an ATA or ATAPI drive behind
 * it, which is hw/ide's, so that the packet commands, the image's errors, holds and restarts are
 * the same as there. Nothing of it is on a port.
 *
 *     COMMAND -CBW-> DATA_IN or DATA_OUT, if the host means to move any -> STATUS -CSW-> COMMAND
 *
 * A host that means to move more than the device gets zeros, or is listened to until it has done,
 * and reads the difference in the CSW. One that means less gets a phase error. A wrapper that is
 * none stalls both endpoints until the host resets the transport (5.3, 6.6.1).
 *
 * Not modelled: several logical units, UAS.
 */
#pragma once

#include "bus/device.h"
#include "hw/ide/channel.h"
#include "hw/usb/storage_regs.h"
#include "hw/usb/usb.h"

enum storage_phase {
	STORAGE_COMMAND,
	STORAGE_DATA_IN,
	STORAGE_DATA_OUT,
	STORAGE_STATUS,
	STORAGE_PHASES,
};

struct usb_storage_state {
	struct ide_channel_state channel;
	uint64_t image_bytes; /* of a disk, to be found again */
	uint32_t tag;
	uint32_t left;    /* bytes that the host still means to move */
	uint32_t residue; /* bytes that it meant to, and the device had no use or data for */
	uint16_t staged;  /* bytes of the next packet that are there already */
	struct usb_state usb;
	uint8_t phase;
	bool phase_error;
	bool broken; /* by a wrapper that is none */
	bool is_cdrom;
	uint8_t packet[STORAGE_HIGH_PACKET];
	uint8_t reserved[8]; /* zero */
};

/** What is behind the bridge, and how it shows itself. NULL means the default. */
struct usb_storage_config {
	struct block *block;      /* of a disk; borrowed */
	struct medium_slot *slot; /* of a CD-ROM, instead; borrowed */
	const char *serial, *model, *version;
	bool removable; /* a disk says that it can be taken out */
};

struct usb_storage {
	struct usb_storage_state state;
	struct device device;
	struct usb_device usb;
	struct usb_class class; /* with the serial number among its strings */
	const char *strings[4];
	struct ide_channel channel;
	struct irq_line signal; /* the drive's, which wakes the port */
	bool removable;
};

/** A device that is not plugged in yet. 0, or -EINVAL and a sentence for a text that is too long.
 */
int usb_storage_init(struct usb_storage *storage, const struct usb_storage_config *config,
		     struct err *err);
