// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The character devices of a machine by label: those of -chardev, and those that -serial, -qmp and
 * the like make.
 */
#pragma once

#include "base/list.h"

struct chr;
struct err;
struct machine;

struct chardev {
	struct list_node node;
	struct chr *chr; /* its label is the chardev's */
	bool taken;      /* a device or monitor uses it */
};

/** Opens all of -chardev. 0, or -errno and a sentence. */
int chardevs_open(struct machine *machine, struct err *err);
void chardevs_close(struct machine *machine);

/**
 * The character port that 'spec' describes in the short form ("pty", "chardev:ID", "null"), taken
 * for one user. It stays the list's. NULL and a sentence.
 */
struct chr *chardevs_take(struct machine *machine, const char *spec, const char *label,
			  struct err *err);

/** The one with this label, or NULL. */
struct chardev *chardevs_find(struct machine *machine, const char *label);
