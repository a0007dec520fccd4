// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Text read back from a picture: cells of a character grid compared with known glyphs, dot by dot.
 *
 * Glyphs are eight dots wide and 8, 14 or 16 high; grids have cells of 8x16, 9x16, 8x14, 9x14, 8x8
 * or doubled 16x32 dots and begin anywhere. A cell has two colours, whichever they are; dots
 * between them, as of anti-aliasing, count as the nearer one. Not modelled: proportional text,
 * glyphs of double width, other scales, text over a picture.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/display.h"

enum {
	GLYPH_WIDTH = 8,
	GLYPH_MAX_HEIGHT = 16,
	GLYPH_SET_MAX = 8192,
	GLYPH_SET_BUCKETS = 2 * GLYPH_SET_MAX,
};

struct glyph {
	uint32_t character;
	uint8_t height;
	bool is_telling; /* a letter or digit whose shape does not turn up by chance */
	uint8_t rows[GLYPH_MAX_HEIGHT]; /* the left dot is the highest bit */
};

/** Known glyphs by their dots. All zeros is an empty set. */
struct glyph_set {
	unsigned count;
	uint16_t buckets[GLYPH_SET_BUCKETS]; /* an index + 1, 0: free */
	struct glyph glyphs[GLYPH_SET_MAX];
};

/** Adds a glyph of 'height' rows (1 to 16). Nothing happens if the same dots are known, if there
 * are none, or if the set is full: what is added first is what a bitmap means. */
void glyph_set_add(struct glyph_set *set, const uint8_t *rows, unsigned height, uint32_t character);

/** NULL if these dots are unknown. */
const struct glyph *glyph_set_find(const struct glyph_set *set, const uint8_t *rows,
				   unsigned height);

/** Where the text stands in the picture, and how sure that is. */
struct glyph_grid {
	unsigned x, y;                    /* of the first cell, in dots */
	unsigned cell_width, cell_height; /* in dots of the picture */
	unsigned marked;                  /* cells that are not of one colour */
	unsigned unknown;                 /* of these, whose glyph is not known */
};

/**
 * Reads the text in 'surface' (pixels must be there) into 'text', with UTF8_REPLACEMENT for unknown
 * cells; attributes are 0. A cell whose two lowest rows are inverted has the cursor, and so has the
 * only U+2581. False, with 'text' undefined, if no grid is found in which four letters or digits
 * stand and half of the cells that are not blank are known. The work is bounded by the size of the
 * surface.
 */
bool glyphs_read(const struct glyph_set *set, const struct display_surface *surface,
		 struct display_text *text, struct glyph_grid *grid);
