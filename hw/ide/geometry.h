// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Cylinders, heads and sectors: what a disk says it has, and how a BIOS translates them. One
 * function derives them, from the user's numbers, else from a partition table that some system
 * wrote on it, else from the size.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct block;

/** As in nibbles of CMOS register 39h. */
enum ide_translation {
	IDE_TRANSLATION_NONE,
	IDE_TRANSLATION_LBA,
	IDE_TRANSLATION_LARGE,
};

struct ide_geometry {
	uint16_t cylinders, heads, sectors;
	enum ide_translation translation;
};

/** True if a disk can have it: 1 to 65535, 1 to 16, 1 to 255. */
bool ide_geometry_is_valid(const struct ide_geometry *geometry);

/** By which a BIOS reaches all of a disk of that geometry. */
enum ide_translation ide_geometry_translation(const struct ide_geometry *geometry);

/** Reads the image's first sector, synchronously: for set-up only. */
struct ide_geometry ide_geometry_guess(struct block *block);
