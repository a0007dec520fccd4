// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a drive is made of: an image or a slot for media, and how it shows itself. The same behind a
 * channel of IDE and a port of AHCI.
 */
#pragma once

#include "hw/ide/channel.h"

/** How a drive shows itself; NULL and 0 mean the default. */
struct ide_drive_config {
	const char *serial;  /* default HD00001 or CD00001, counting by position */
	const char *version; /* firmware revision */
	const char *model;
	uint64_t wwn;
	/** Of a disk: all three, or none to have it guessed. */
	struct ide_geometry geometry;
	bool has_translation; /* geometry.translation is wanted; otherwise it follows from the size
			       */
};

/**
 * Makes an absent drive a disk; the channel is to be reset afterwards. 'config' may be NULL,
 * 'position' counts from 0. 0, or -EINVAL and a sentence for a geometry that no disk can have or
 * text that is too long; the drive then stays absent.
 */
int ide_drive_make_disk(struct ide_drive *drive, struct block *block,
			const struct ide_drive_config *config, unsigned position, struct err *err);
/** As above, a CD-ROM drive; takes the drive's side of the slot. */
int ide_drive_make_cdrom(struct ide_drive *drive, struct medium_slot *slot,
			 const struct ide_drive_config *config, unsigned position, struct err *err);
/** The drive is absent; nothing of it may be under way. */
void ide_drive_remove(struct ide_drive *drive);
