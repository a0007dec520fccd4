// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From the command line to the four IDE drives and the six of the SATA adapter: -drive, -cdrom,
 * -hda and -device ide-hd/ide-cd put together, images opened.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "block/medium.h"
#include "hw/ide/geometry.h"

struct clock;
struct err;
struct loop;
struct options;
struct opts;

enum {
	IDE_POSITIONS = 4, /* two channels with two units each */
	SATA_POSITIONS = 6,
	DRIVES = IDE_POSITIONS + SATA_POSITIONS,
};

/** One drive as it is to be built. Strings belong to the options. */
struct drive_plan {
	bool present, is_cdrom, is_floppy, is_usb;
	const char *id;       /* of the device, by which control calls it; may be NULL */
	const char *drive_id; /* of the -drive; may be NULL */
	const char *serial, *version, *model;
	uint64_t wwn;
	uint64_t cylinders, heads, sectors; /* 0: derived from the size */
	enum ide_translation translation;   /* if it is to have one */
	bool has_translation;
	int64_t boot_index; /* -1: none */
	struct opts *drive; /* the words of -drive; NULL: an empty CD-ROM drive */
};

/** Fills 'plans' by index (channel * 2 + unit, then the ports of the SATA adapter). 0, or -EINVAL
 * and a sentence. */
int drives_plan(struct options *options, struct drive_plan *plans, struct err *err);

/** A -device option that makes the SATA adapter. */
bool drives_is_sata_adapter(struct opts *device);
/** The -drive of that id. NULL: there is none. */
struct opts *drives_find(struct options *options, const char *id);
/** Marks the words of a -drive as understood. -EINVAL and a sentence if there are others. */
int drives_check(struct opts *drive, struct err *err);

/** Opens what the plan's drive names, with its limits, an empty medium if nothing. NULL and a
 * sentence. */
struct block *drives_open(const struct drive_plan *plan, struct loop *loop, struct clock *clock,
			  struct err *err);
