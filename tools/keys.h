// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The keys of guest configuration files, xl's and xm's, in one table: what becomes of each on a
 * KVM host.
 */
#pragma once

enum key_fate {
	KEY_USED,    /* tools/guest.c reads it */
	KEY_IGNORED, /* of Xen's own world: nothing to do with it here */
	KEY_LATER,   /* a device that this release does not have: the guest starts without */
	KEY_REFUSED, /* a guest that would start without it is not the one that was asked for */
};

struct key_row {
	const char *name;
	enum key_fate fate;
	const char *text; /* KEY_LATER, KEY_REFUSED: why, for a sentence */
};

/** The row of 'name', or NULL. */
const struct key_row *key_find(const char *name);
/** The known key that looks most like 'name', one that means something here before others; or
 * NULL. */
const char *key_nearest(const char *name);
/** Row by row, for the manual's test: NULL behind the last. */
const struct key_row *key_at(unsigned index);
