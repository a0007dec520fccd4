// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Media made on the fly: a CD (ISO 9660, Joliet, Rock Ridge) or a floppy disk from a directory of
 * the host, and a directory laid over a CD image (docs/media.md). All files are opened when the
 * medium is made.
 */
#pragma once

#include <stdint.h>

#include "block/composed.h"

struct block;
struct block_options;
struct block_role;
struct err;

/** A CD of what is in 'directory'. 0, or -errno and a sentence. */
int media_make_cd(struct composed *composed, const char *directory, struct err *err);
/** 'directory' laid over the image in 'fd', which is taken in any case, and is called 'filename'.
 * 0, or -errno and a sentence. */
int media_make_overlay(struct composed *composed, const char *directory, int fd,
		       const char *filename, struct err *err);
/** A floppy disk of what is in 'directory': a descriptor of its image in memory, to be read and
 * written. -errno and a sentence. */
int media_make_floppy(const char *directory, struct err *err);

/* As formats of block_open. */
int media_open_directory(struct block *block, const struct block_options *options,
			 const struct block_role *role, struct err *err);
int media_open_overlay(struct block *block, const struct block_options *options,
		       const struct block_role *role, struct err *err);
int media_open_composed(struct block *block, const struct block_options *options,
			const struct block_role *role, struct err *err);
