// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The place in a removable-media drive into which control puts media and which the drive's chip
 * reads. Tray and lock are the drive's; this is the port between them.
 */
#pragma once

#include "block/block.h"

struct medium_slot {
	struct block *block; /* never NULL; owned by the slot */
	char *id;            /* the device's id, "ide-5632"; owned; may be NULL */
	bool is_writable;    /* the drive writes: media are opened for that */
	void *opaque;
	void *device; /* the drive's, beside 'opaque' */
	/** The drive's side. A person asks for an eject: false if the guest holds the tray locked
	 * (it is told of the request). */
	bool (*eject_requested)(void *opaque, bool force);
	bool (*is_locked)(void *opaque);
	bool (*is_tray_open)(void *opaque);
	/** Does the drive take a medium of that size? NULL: of any. */
	bool (*fits)(void *opaque, uint64_t bytes);
	/** A new medium lies in slot->block (or an empty one); the drive raises unit attention. */
	void (*changed)(void *opaque);
	/** Control's side: the guest moved the tray itself. May be NULL. */
	void (*tray_moved)(void *control, struct medium_slot *slot, bool open);
	void *control;
};
