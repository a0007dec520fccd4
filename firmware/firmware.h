// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The firmware's part of the board: from a description of the board to all items that SeaBIOS (or
 *OVMF) takes from the configuration port. What hvmloader does on Xen. Pure functions: same board,
 *same bytes; no host state.
 *
 *	struct firmware_board board = { … };           the board fills it
 *	struct firmware_items items;
 *	firmware_build(&board, &arena, &items, &err);  items lie in the arena
 *	fw_cfg_set_key and fw_cfg_set_file for each of items.keys and items.files
 *	cmos_build(&board, values);                    the clock chip's CMOS
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "firmware/arena.h"
#include "firmware/board.h"

struct err;

enum {
	FIRMWARE_ARENA_BYTES = 256 << 10, /* enough for every board that firmware_build accepts */
	FIRMWARE_MAX_KEYS = 16,
	FIRMWARE_MAX_FILES = 64,
	FIRMWARE_MAX_ROMS = 32,
};

/** An item with a number, older than files. */
struct firmware_key {
	uint16_t key;
	uint32_t length;
	const void *data;
};

struct firmware_file {
	const char *name;
	uint32_t length;
	const void *data;
};

struct firmware_items {
	unsigned key_count, file_count;
	struct firmware_key keys[FIRMWARE_MAX_KEYS];
	struct firmware_file files[FIRMWARE_MAX_FILES];
};

/**
 * Builds all items for 'board' in 'arena'. 0; -EINVAL and a sentence if the board cannot exist (no
 * memory, more processors than ids); -ENOSPC if the arena is too small. May be called again for a
 * reset, with another boot order, into another arena: the files of the same name are then replaced
 * by fw_cfg_set_file.
 */
int firmware_build(const struct firmware_board *board, struct arena *arena,
		   struct firmware_items *items, struct err *err);

/** The file 'name', or NULL. */
const struct firmware_file *firmware_find_file(const struct firmware_items *items,
					       const char *name);
