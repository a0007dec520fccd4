// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How media are named: "FILE", "dir:DIRECTORY", which becomes a CD, or a floppy disk in a drive for
 * those, "floppy:DIRECTORY", which becomes one anywhere, and "overlay:DIRECTORY,FILE", a CD image
 * with a directory laid over it.
 */
#pragma once

#include <stdbool.h>

struct err;

struct medium {
	char *path;    /* of the image; of the directory, if it is one; owned */
	char *overlay; /* owned; NULL: none */
	bool is_directory, is_floppy;
};

/** 0, or -EINVAL and a sentence; 'medium' then needs no finish. */
int medium_parse(struct medium *medium, const char *text, struct err *err);
void medium_finish(struct medium *medium);
/** Its format as hvmdm names it: "directory", "overlay", or 'otherwise'. */
const char *medium_format(const struct medium *medium, const char *otherwise);

/** 'path', absolute by the present directory: what reads it may run in another. The caller frees
 * it. */
char *medium_absolute(const char *path);
