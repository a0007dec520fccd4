// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Floppy disks by the size of their image, and which drive takes them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/** Drives, by their code in the CMOS. */
enum floppy_kind {
	FLOPPY_NONE = 0,
	FLOPPY_360K = 1,  /* 5.25 inches, 40 tracks */
	FLOPPY_1200K = 2, /* 5.25 inches, 80 tracks */
	FLOPPY_720K = 3,
	FLOPPY_1440K = 4,
	FLOPPY_2880K = 5,
};

struct floppy_format {
	uint8_t tracks, heads, sectors;
	uint8_t rate;     /* enum floppy_rate */
	uint8_t smallest; /* enum floppy_kind: the simplest drive that takes it */
};

/** The format of an image of 'bytes', or NULL. One that was cut short behind its last sector in use
 * is taken for a disk of 1.44 or 2.88 MB, whose other sectors cannot be found. */
const struct floppy_format *floppy_format_find(uint64_t bytes);
/** The drive that an image of 'bytes' is meant for; 1.44 MB for none or an unknown one. */
enum floppy_kind floppy_kind_for(uint64_t bytes);
/** Does a drive of 'kind' take disks of 'format'? */
bool floppy_kind_takes(enum floppy_kind kind, const struct floppy_format *format);
/** "360", "120", "720", "144" or "288" as -device floppy,drive-type= has them. FLOPPY_NONE:
 * neither.
 */
enum floppy_kind floppy_kind_parse(const char *text);
const char *floppy_kind_name(enum floppy_kind kind);
