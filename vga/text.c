// SPDX-License-Identifier: GPL-2.0-or-later
#include "vga/text.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/display.h"
#include "base/utf8.h"
#include "vga/characters.h"
#include "vga/fonts.h"
#include "vga/geometry.h"
#include "vga/glyphs.h"
#include "vga/screen.h"
#include "vga/vga.h"

/* A cell as it was drawn: all that decides its dots beside geometry, colours and fonts. */
enum cell_bits {
	CELL_CHARACTER = 0x000000ff,
	CELL_ATTRIBUTE_SHIFT = 8,
	CELL_HIDDEN = 0x00010000, /* it blinks and is off now */
	CELL_CURSOR = 0x00020000,
	CELL_CURSOR_START_SHIFT = 18, /* scan lines of the cursor, five bits each */
	CELL_CURSOR_END_SHIFT = 23,
};
#define CELL_UNKNOWN UINT32_MAX

enum attribute_bits {
	ATTRIBUTE_FOREGROUND = 0x0f,
	ATTRIBUTE_FONT = 0x08,
	ATTRIBUTE_BLINK = 0x80,
	ATTRIBUTE_UNDERLINE_MASK = 0x07,
	ATTRIBUTE_UNDERLINE = 0x01,
};

#define CURSOR_PHASE_NS (INT64_C(16) * NS_PER_SECOND / 60)
#define BLINK_PHASE_NS  (INT64_C(32) * NS_PER_SECOND / 60)

enum {
	MAX_BAND_LINES = VGA_MAX_CELL_HEIGHT * 2,
	PIECES_OF_SPLIT = 4, /* rows cut by the preset row, the split and the lower end */
};

/* Lines of the surface that show one row of characters. */
struct band {
	unsigned y, lines;
	struct vga_row row;
	uint8_t scans[MAX_BAND_LINES]; /* the row scan of each line */
};

struct cursor {
	bool on;
	uint32_t address;
	uint32_t bits; /* of its cell */
};

static void find_band(const struct vga_geometry *g, unsigned y, unsigned height, struct band *band)
{
	struct vga_row row = vga_geometry_row(g, y);

	band->y = y;
	band->row = row;
	band->lines = 0;
	do {
		band->scans[band->lines++] = (uint8_t)row.scan;
		if (y + band->lines >= height || band->lines == MAX_BAND_LINES)
			return;
		row = vga_geometry_row(g, y + band->lines);
	} while (row.index == band->row.index);
}

static const uint8_t *cell_bytes(const struct vga *vga, uint32_t address)
{
	return vga->vram.host + ((address * 4) & vga->vram_mask);
}

static struct cursor find_cursor(const struct vga *vga)
{
	const uint8_t *crtc = vga->state->crtc;
	uint8_t start = crtc[VGA_CRTC_CURSOR_START], end = crtc[VGA_CRTC_CURSOR_END];
	uint32_t address = (uint32_t)(crtc[VGA_CRTC_CURSOR_HIGH] << 8 | crtc[VGA_CRTC_CURSOR_LOW]);
	struct cursor cursor = { .on = !(start & VGA_CURSOR_OFF) };

	start &= VGA_CURSOR_SCAN_MASK;
	cursor.address = (address + (end >> 5 & 3u)) & 0xffff;
	end &= VGA_CURSOR_SCAN_MASK;
	if (start > end)
		cursor.on = false;
	cursor.bits = CELL_CURSOR | (uint32_t)start << CELL_CURSOR_START_SHIFT |
		      (uint32_t)end << CELL_CURSOR_END_SHIFT;
	return cursor;
}

/* Copies the fonts out of plane 2. True if one has changed. */
static bool update_fonts(struct vga *vga)
{
	struct vga_screen *screen = vga->screen;
	bool changed = false;

	for (unsigned f = 0; f < 2; f++) {
		uint32_t base = screen->geometry.font_address[f];

		for (uint32_t i = 0; i < VGA_FONT_BYTES; i++) {
			uint8_t byte = cell_bytes(vga, base + i)[2];

			changed |= byte != screen->font[f][i];
			screen->font[f][i] = byte;
		}
	}
	return changed;
}

/* The nine dots of a scan line of a character, the left one highest. */
static unsigned glyph_dots(const struct vga_screen *screen, uint32_t cell, unsigned scan)
{
	const struct vga_geometry *g = &screen->geometry;
	uint8_t character = cell & CELL_CHARACTER;
	uint8_t attribute = (uint8_t)(cell >> CELL_ATTRIBUTE_SHIFT);
	unsigned dots = screen->font[(attribute & ATTRIBUTE_FONT) != 0][character * 32u + scan];

	dots <<= 1;
	if (g->line_graphics && (character & 0xe0) == 0xc0)
		dots |= (dots >> 1) & 1;
	if ((attribute & ATTRIBUTE_UNDERLINE_MASK) == ATTRIBUTE_UNDERLINE &&
	    scan == g->underline_scan)
		dots = 0x1ff;
	if (cell & CELL_HIDDEN)
		dots = 0;
	if ((cell & CELL_CURSOR) && scan >= (cell >> CELL_CURSOR_START_SHIFT & 31) &&
	    scan <= (cell >> CELL_CURSOR_END_SHIFT & 31))
		dots = 0x1ff;
	return dots;
}

/* Draws a cell with its left edge at 'x', which may lie left of the surface. */
static void draw_cell(struct vga *vga, const struct band *band, int x, uint32_t cell)
{
	const struct vga_screen *screen = vga->screen;
	const struct vga_geometry *g = &screen->geometry;
	const struct display_surface *surface = &vga->display->surface;
	uint8_t attribute = (uint8_t)(cell >> CELL_ATTRIBUTE_SHIFT);
	uint32_t foreground = screen->palette[attribute & ATTRIBUTE_FOREGROUND];
	uint32_t background = screen->palette[attribute >> 4 & (g->blink ? 7 : 15)];
	int first = x < 0 ? -x : 0;
	int end = (int)(g->cell_width << g->dot_shift);

	if (x + end > (int)surface->width)
		end = (int)surface->width - x;
	for (unsigned i = 0; i < band->lines; i++) {
		unsigned dots = glyph_dots(screen, cell, band->scans[i]);
		uint32_t *line = surface->pixels + (size_t)(band->y + i) * surface->stride;

		for (int dot = first; dot < end; dot++)
			line[x + dot] =
				(dots >> (8 - (dot >> g->dot_shift)) & 1) ? foreground : background;
	}
	if (first < end)
		vga_screen_damage(vga,
				  (struct display_rect){ (unsigned)(x + first), band->y,
							 (unsigned)(end - first), band->lines });
}

static uint32_t describe_cell(const struct vga *vga, uint32_t address, const struct cursor *cursor,
			      bool hide_blinking)
{
	const uint8_t *bytes = cell_bytes(vga, address);
	uint8_t attribute = bytes[1];
	uint32_t cell = bytes[0] | (uint32_t)attribute << CELL_ATTRIBUTE_SHIFT;

	if (hide_blinking && (attribute & ATTRIBUTE_BLINK))
		cell |= CELL_HIDDEN;
	if (cursor->on && address == cursor->address)
		cell |= cursor->bits;
	return cell;
}

/* 'drawn' are the band's cells as last drawn; NULL: unknown. */
static void draw_band(struct vga *vga, const struct band *band, const struct cursor *cursor,
		      bool hide_blinking, uint32_t *drawn)
{
	const struct vga_geometry *g = &vga->screen->geometry;
	int width = (int)(g->cell_width << g->dot_shift);
	int x = -(int)(band->row.pan << g->dot_shift);

	for (unsigned column = 0; column <= g->columns; column++, x += width) {
		uint32_t address = vga_geometry_address(g, &band->row, column);
		uint32_t cell = describe_cell(vga, address, cursor, hide_blinking);

		if (x >= (int)g->width) /* the column that panning brings in, with no panning */
			break;
		if (drawn && drawn[column] == cell)
			continue;
		if (drawn)
			drawn[column] = cell;
		draw_cell(vga, band, x, cell);
	}
}

/* Makes room for the cells of the present geometry, all unknown. */
static void forget_cells(struct vga_screen *screen)
{
	const struct vga_geometry *g = &screen->geometry;
	size_t rows = g->height / (g->cell_height << g->scan_shift) + PIECES_OF_SPLIT;
	size_t count = rows * (g->columns + 1);

	if (count != screen->cell_count) {
		free(screen->cells);
		screen->cells = malloc(count * sizeof(*screen->cells));
		screen->cell_count = screen->cells ? count : 0;
	}
	for (size_t i = 0; i < screen->cell_count; i++)
		screen->cells[i] = CELL_UNKNOWN;
}

void vga_text_draw(struct vga *vga, bool full, bool written)
{
	struct vga_screen *screen = vga->screen;
	const struct vga_geometry *g = &screen->geometry;
	int64_t now = clock_now_ns(vga->clock);
	struct cursor cursor = find_cursor(vga);
	bool hide_blinking = g->blink && (now / BLINK_PHASE_NS & 1);
	size_t next = 0;
	struct band band;

	if (now / CURSOR_PHASE_NS & 1)
		cursor.on = false;
	if ((written && update_fonts(vga)) || full)
		forget_cells(screen);
	for (unsigned y = 0; y < g->height; y += band.lines) {
		bool known = next + g->columns + 1 <= screen->cell_count;

		find_band(g, y, g->height, &band);
		draw_band(vga, &band, &cursor, hide_blinking, known ? screen->cells + next : NULL);
		next += g->columns + 1;
	}
}

bool vga_text_snapshot(struct vga *vga, struct vga_text_screen *out)
{
	struct vga_geometry g;
	struct cursor cursor = find_cursor(vga);
	struct band band;

	vga_derive_geometry(vga, &g);
	if (g.kind != VGA_KIND_TEXT)
		return false;
	memset(out, 0, sizeof(*out));
	out->columns = (unsigned)min_u64(g.columns, VGA_TEXT_MAX_COLUMNS);
	for (unsigned y = 0; y < g.height && out->rows < VGA_TEXT_MAX_ROWS; y += band.lines) {
		uint16_t *cells = out->cells[out->rows];

		find_band(&g, y, g.height, &band);
		for (unsigned column = 0; column < out->columns; column++) {
			uint32_t address = vga_geometry_address(&g, &band.row, column);
			const uint8_t *bytes = cell_bytes(vga, address);

			cells[column] = (uint16_t)(bytes[0] | bytes[1] << 8);
			if (cursor.on && address == cursor.address) {
				out->cursor_visible = true;
				out->cursor_x = column;
				out->cursor_y = out->rows;
			}
		}
		out->rows++;
	}
	return true;
}

/* What the codes of a font mean. */
struct meanings {
	uint32_t characters[2][FONT_CODES]; /* by attribute bit 3 */
};

static void copy_glyph(const struct vga *vga, uint32_t font_address, unsigned code, unsigned height,
		       uint8_t *rows)
{
	for (unsigned i = 0; i < height; i++)
		rows[i] = cell_bytes(vga, font_address + code * VGA_MAX_CELL_HEIGHT + i)[2];
}

/* A glyph that is not the BIOS's of this code. */
static uint32_t read_own_glyph(const uint8_t *bios, const uint8_t *rows, unsigned height,
			       unsigned code)
{
	bool blank = true;

	for (unsigned i = 0; i < height; i++)
		blank &= rows[i] == 0;
	if (blank)
		return ' ';
	for (unsigned other = 0; other < FONT_CODES; other++)
		if (memcmp(bios + other * height, rows, height) == 0)
			return vga_character((uint8_t)other);
	return code >= VGA_SEEN_FIRST && code < VGA_SEEN_FIRST + VGA_SEEN_CODES ? code
										: UTF8_REPLACEMENT;
}

/* The font is remembered if letters differ from the BIOS's: a console's that will come back in a
 * graphics mode. */
static void remember_font(struct vga *vga, uint32_t font_address, unsigned height,
			  const uint8_t *bios)
{
	struct vga_seen_font *seen = &vga->seen_font;
	uint8_t rows[VGA_SEEN_HEIGHT];
	unsigned own = 0;

	for (unsigned code = 'A'; code <= 'z'; code++) {
		copy_glyph(vga, font_address, code, height, rows);
		own += memcmp(bios + code * height, rows, height) != 0;
	}
	if (own < VGA_SEEN_CODES / 3)
		return;
	seen->height = (uint8_t)height;
	for (unsigned i = 0; i < VGA_SEEN_CODES; i++)
		copy_glyph(vga, font_address, VGA_SEEN_FIRST + i, height, seen->rows[i]);
}

static void find_meanings(struct vga *vga, struct meanings *meanings)
{
	const uint8_t *bios = NULL;
	struct vga_geometry g;
	unsigned height;

	vga_derive_geometry(vga, &g);
	height = g.cell_height;
	if (height == 8 || height == 14 || height == 16)
		bios = font_find_in_rom(vga->rom, vga->rom_bytes, height);
	for (unsigned f = 0; f < 2; f++) {
		for (unsigned code = 0; code < FONT_CODES; code++) {
			uint32_t *character = &meanings->characters[f][code];
			uint8_t rows[VGA_SEEN_HEIGHT];

			*character = vga_character((uint8_t)code);
			if (!bios)
				continue;
			copy_glyph(vga, g.font_address[f], code, height, rows);
			if (memcmp(bios + code * height, rows, height) != 0)
				*character = read_own_glyph(bios, rows, height, code);
		}
	}
	if (bios)
		remember_font(vga, g.font_address[0], height, bios);
}

void vga_add_fonts(const struct vga *vga, struct glyph_set *set)
{
	const struct vga_seen_font *seen = &vga->seen_font;

	font_add_rom(set, vga->rom, vga->rom_bytes);
	for (unsigned i = 0; seen->height && i < VGA_SEEN_CODES; i++)
		glyph_set_add(set, seen->rows[i], seen->height, VGA_SEEN_FIRST + i);
}

bool vga_text_read(void *opaque, struct display_text *text)
{
	struct vga_text_screen screen;
	struct meanings meanings;

	if (!vga_text_snapshot(opaque, &screen))
		return false;
	find_meanings(opaque, &meanings);
	text->columns = screen.columns;
	text->rows = screen.rows;
	text->cursor_visible = screen.cursor_visible;
	text->cursor_x = screen.cursor_x;
	text->cursor_y = screen.cursor_y;
	for (unsigned y = 0; y < screen.rows; y++)
		for (unsigned x = 0; x < screen.columns; x++) {
			uint8_t attribute = (uint8_t)(screen.cells[y][x] >> 8);
			bool second = (attribute & ATTRIBUTE_FONT) != 0;

			text->cells[y][x] = (struct display_cell){
				meanings.characters[second][(uint8_t)screen.cells[y][x]],
				attribute,
			};
		}
	return true;
}
