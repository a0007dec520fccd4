// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Firmware images on the host: BIOS, video BIOS, option ROMs. An image is mapped read-only from its
 * file, so guests that run the same one share its pages.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct err;

struct firmware_payload {
	const uint8_t
		*data; /* page-aligned; stays unchanged even if the file is replaced by a new one */
	size_t length;
};

/**
 * Maps image 'name': a path if it has a slash, else a file in the first of the firmware directories
 * that has it. 0 or -errno and a sentence; -EINVAL for an empty file or one of more than 16 MiB.
 */
int firmware_payload_open(struct firmware_payload *payload, const char *name, struct err *err);

/**
 * As firmware_payload_open, for what stands at the top of the address space: its length must also
 * be a multiple of 64 KiB. The board maps all of it below 4 GiB and its last 128 KiB (or all, if
 * smaller) below 1 MiB.
 */
int firmware_payload_open_bios(struct firmware_payload *payload, const char *name, struct err *err);

/** Nothing happens if it is not open. */
void firmware_payload_close(struct firmware_payload *payload);
