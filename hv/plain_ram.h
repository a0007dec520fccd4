// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guest RAM as anonymous memory of this process: one mapping holds the RAM below the PCI hole and
 * that from 4 GiB on. Pages take no host memory before they are touched. Shared by every core that
 * owns its guest's RAM.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

#define PLAIN_RAM_HIGH_GPA (UINT64_C(1) << 32)

struct plain_ram {
	uint8_t *host; /* of the low RAM, aligned to a huge page; NULL if there is no RAM */
	uint64_t low_bytes, high_bytes;
	uint64_t high_offset; /* of the high RAM from 'host' */
	void *mapping;
	size_t mapping_bytes;
};

/**
 * Makes zeroed RAM of these sizes, multiples of 4096; the low part ends below 4 GiB. Either may be
 * 0. 0, -EINVAL or -ENOMEM with a sentence.
 */
int plain_ram_init(struct plain_ram *ram, uint64_t low_bytes, uint64_t high_bytes, struct err *err);
void plain_ram_finish(struct plain_ram *ram);

/** The host address of 'gpa', *length shortened to what is contiguous; NULL if no RAM is there or
 * *length is 0. */
void *plain_ram_map(const struct plain_ram *ram, uint64_t gpa, size_t *length);

/** Zeroed, page-aligned memory beside the RAM: video RAM. NULL and a sentence. */
void *plain_pages_alloc(size_t bytes, struct err *err);
void plain_pages_free(void *pages, size_t bytes);
