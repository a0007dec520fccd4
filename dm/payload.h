// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Firmware images: files found in the firmware folders and mapped, so that all guests of a host
 * share their pages.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct err;
struct options;

struct payload {
	const uint8_t *bytes; /* page-aligned, read-only */
	size_t length;        /* of the file */
	size_t mapped; /* the whole mapping: a power of two, zeros behind the file; at least a page
			*/
};

/** Finds 'name' (a path, or a file in the folders of -L and the usual ones) and maps it. 0, or
 * -errno and a sentence. */
int payload_map(struct payload *payload, const struct options *options, const char *name,
		struct err *err);
void payload_unmap(struct payload *payload);
