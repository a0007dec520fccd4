// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fonts made by somebody hostile: the lowest bit of the first byte says whether the rest is a PFF2
 * font or a VGA BIOS. If the next bit is set, what has been read of it is looked for in a picture
 * that shows it, which takes a hundred times as long.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "vga/fonts.h"
#include "vga/glyphs.h"

enum {
	COLUMNS = 4,
	ROWS = 2,
	WIDTH = COLUMNS * GLYPH_WIDTH,
	HEIGHT = ROWS * GLYPH_MAX_HEIGHT,
	INK = 0xffffff,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct glyph_set set;
static struct display_text text;
static uint32_t pixels[HEIGHT * WIDTH];

static void draw(const struct glyph *glyph, unsigned column, unsigned row)
{
	for (unsigned y = 0; y < glyph->height; y++)
		for (unsigned x = 0; x < GLYPH_WIDTH; x++)
			if (glyph->rows[y] & 0x80 >> x)
				pixels[(row * GLYPH_MAX_HEIGHT + y) * WIDTH + column * GLYPH_WIDTH +
				       x] = INK;
}

static void check_set(void)
{
	assert(set.count <= GLYPH_SET_MAX);
	for (unsigned i = 0; i < set.count; i++) {
		const struct glyph *glyph = &set.glyphs[i];

		assert(glyph->height >= 1 && glyph->height <= GLYPH_MAX_HEIGHT);
		assert(glyph_set_find(&set, glyph->rows, glyph->height) == glyph);
	}
}

static void read_back(void)
{
	const struct display_surface surface = { pixels, WIDTH, HEIGHT, WIDTH };
	struct glyph_grid grid;

	memset(pixels, 0, sizeof(pixels));
	for (unsigned i = 0; i < COLUMNS * ROWS && i < set.count; i++)
		draw(&set.glyphs[i], i % COLUMNS, i / COLUMNS);
	if (!glyphs_read(&set, &surface, &text, &grid))
		return;
	assert(text.columns <= DISPLAY_TEXT_MAX_COLUMNS && text.rows <= DISPLAY_TEXT_MAX_ROWS);
	assert(grid.unknown <= grid.marked && 2 * grid.unknown <= grid.marked);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *file;

	if (size < 1)
		return 0;
	/* A copy of its own: what is read behind the end is seen. */
	file = malloc(size);
	assert(file);
	memcpy(file, data + 1, size - 1);
	memset(&set, 0, sizeof(set));
	file = realloc(file, size > 1 ? size - 1 : 1);
	assert(file);
	if (data[0] & 1)
		font_add_rom(&set, file, size - 1);
	else
		font_add_pff2(&set, file, size - 1);
	free(file);
	check_set();
	if (data[0] & 2)
		read_back();
	return 0;
}
