// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The memory map as the file etc/e820: SeaBIOS merges it with what it reserves itself.
 */
#pragma once

#include "firmware/arena.h"

struct firmware_board;

enum e820_type {
	E820_RAM = 1,
	E820_RESERVED = 2,
};

/** An entry, packed, little-endian. */
enum e820_entry {
	E820_BASE = 0,   /* 64 bits */
	E820_LENGTH = 8, /* 64 bits */
	E820_TYPE = 16,  /* 32 bits */
	E820_ENTRY_SIZE = 20,
};

/** Appends the map: what the hypervisor core keeps, RAM below the hole, RAM from 4 GiB on. */
void e820_build(const struct firmware_board *board, struct blob *out);
