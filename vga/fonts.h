// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fonts that are found at run time: in the image of a VGA BIOS, and in GRUB's font files (PFF2).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct glyph_set;

enum {
	FONT_CODES = 256, /* in code page 437, 'height' bytes each */
};

/** The font of 'height' rows in a VGA BIOS, by the shapes that every code page 437 has: blanks and
 * blocks. NULL if there is none; it ends within the image. */
const uint8_t *font_find_in_rom(const uint8_t *rom, size_t bytes, unsigned height);

/** Adds the fonts of 16, 14 and 8 rows of a VGA BIOS. */
void font_add_rom(struct glyph_set *set, const uint8_t *rom, size_t bytes);

/** Adds the narrow glyphs up to U+25FF of a PFF2 font whose cells are eight wide and at most 16
 * high. What is no such file adds nothing. */
void font_add_pff2(struct glyph_set *set, const uint8_t *file, size_t bytes);
