// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The last milestone of an installation, kept so that it can be gone back to: the guest with its
 * memory in the log's folder, its disk as a snapshot in the image. The file "resume" names both and
 * changes last, so that at any moment one milestone is whole.
 */
#pragma once

#include <stdbool.h>

struct err;

/** Where it is kept. */
struct resume {
	const char *directory; /* of the log */
	const char *disk;      /* a qcow2 image */
	const char *guest;     /* its name */
};

/** A milestone: its line in the recipe, and what it is called there. */
struct resume_point {
	unsigned line;
	char *text; /* owned by whoever has it */
};

/** Keeps the guest, which is running, as it is now, in place of the milestone before. 0, or -errno
 * and a sentence; the guest runs on in any case. */
int resume_keep(const struct resume *resume, const struct resume_point *point, struct err *err);
/** The milestone that is kept. 0, -ENOENT or another -errno, and a sentence. */
int resume_find(const struct resume *resume, struct resume_point *point, struct err *err);
/** Puts the disk back and starts the guest where it stood. 0, or -errno and a sentence. */
int resume_start(const struct resume *resume, const struct resume_point *point, struct err *err);
/** Removes what is kept, if anything is. */
void resume_drop(const struct resume *resume);
