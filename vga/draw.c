// SPDX-License-Identifier: GPL-2.0-or-later
#include "vga/draw.h"

#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/display.h"
#include "vga/geometry.h"
#include "vga/screen.h"
#include "vga/vga.h"

enum {
	GROUP_DOTS = 8,
	/* Panning draws one group more than the screen shows. */
	LINE_DOTS = DISPLAY_MAX_WIDTH + 2 * GROUP_DOTS,
};

/* Byte i of the result is bit 7 - i of 'bits'. */
static uint64_t spread_bits(uint8_t bits)
{
	uint64_t spread = (bits * UINT64_C(0x0101010101010101)) & UINT64_C(0x0102040810204080);

	return (spread + UINT64_C(0x7f7f7f7f7f7f7f7f)) >> 7 & UINT64_C(0x0101010101010101);
}

static void draw_planar_group(const struct vga_screen *screen, const uint8_t *planes,
			      uint32_t *dots)
{
	uint64_t group = spread_bits(planes[0]) | spread_bits(planes[1]) << 1 |
			 spread_bits(planes[2]) << 2 | spread_bits(planes[3]) << 3;

	for (unsigned i = 0; i < GROUP_DOTS; i++)
		dots[i] = screen->palette[group >> (8 * i) & 15];
}

/* IBM VGA, graphics mode register, shift bit 5: two bits from an even plane are a dot, the odd
 * planes follow. */
static void draw_cga_group(const struct vga_screen *screen, const uint8_t *planes, uint32_t *dots)
{
	for (unsigned i = 0; i < GROUP_DOTS; i++) {
		unsigned plane = i / 4, shift = 6 - i % 4 * 2;

		dots[i] = screen->palette[(planes[plane] >> shift & 3) |
					  (planes[plane + 2] >> shift & 3) << 2];
	}
}

/* A pixel takes two dots. */
static void draw_256_group(const struct vga_screen *screen, const uint8_t *planes, uint32_t *dots)
{
	for (unsigned i = 0; i < 4; i++)
		dots[2 * i] = dots[2 * i + 1] = screen->colours[planes[i]];
}

/* Makes each of 'count' dots two wide, in place. */
static void double_dots(uint32_t *dots, unsigned count)
{
	while (count-- > 0)
		dots[2 * count] = dots[2 * count + 1] = dots[count];
}

/* Draws a line of a legacy mode; returns where it begins within 'line'. */
static const uint32_t *draw_planes_line(const struct vga *vga, const struct vga_row *row,
					uint32_t *line)
{
	const struct vga_screen *screen = vga->screen;
	const struct vga_geometry *g = &screen->geometry;
	unsigned groups = g->columns + (row->pan != 0);

	for (unsigned i = 0; i < groups; i++) {
		uint32_t offset = (vga_geometry_address(g, row, i) * 4) & vga->vram_mask;
		const uint8_t *planes = vga->vram.host + offset;
		uint32_t *dots = line + (size_t)i * GROUP_DOTS;

		if (g->kind == VGA_KIND_PLANAR)
			draw_planar_group(screen, planes, dots);
		else if (g->kind == VGA_KIND_CGA)
			draw_cga_group(screen, planes, dots);
		else
			draw_256_group(screen, planes, dots);
	}
	if (g->dot_shift)
		double_dots(line, groups * GROUP_DOTS);
	return line + (row->pan << g->dot_shift);
}

static uint32_t expand_555(uint32_t v)
{
	uint32_t r = v >> 10 & 31, g = v >> 5 & 31, b = v & 31;

	return (r << 3 | r >> 2) << 16 | (g << 3 | g >> 2) << 8 | (b << 3 | b >> 2);
}

static uint32_t expand_565(uint32_t v)
{
	uint32_t r = v >> 11 & 31, g = v >> 5 & 63, b = v & 31;

	return (r << 3 | r >> 2) << 16 | (g << 2 | g >> 4) << 8 | (b << 3 | b >> 2);
}

static void draw_16_bits(const struct vga_geometry *g, const uint8_t *from, uint32_t *line)
{
	for (unsigned x = 0; x < g->width; x++) {
		uint32_t v = g->big_endian ? load_be16(from + 2 * x) : load_le16(from + 2 * x);

		line[x] = g->depth == 15 ? expand_555(v) : expand_565(v);
	}
}

static void draw_24_bits(const struct vga_geometry *g, const uint8_t *from, uint32_t *line)
{
	unsigned red = g->big_endian ? 0 : 2;

	for (unsigned x = 0; x < g->width; x++, from += 3)
		line[x] = (uint32_t)from[red] << 16 | (uint32_t)from[1] << 8 | from[2 - red];
}

static void draw_32_bits(const struct vga_geometry *g, const uint8_t *from, uint32_t *line)
{
	if (g->big_endian) {
		for (unsigned x = 0; x < g->width; x++)
			line[x] = load_be32(from + 4 * x) & 0xffffff;
		return;
	}
	for (unsigned x = 0; x < g->width; x++)
		line[x] = load_le32(from + 4 * x) & 0xffffff;
}

static uint32_t linear_line_bytes(const struct vga_geometry *g)
{
	return g->width * ((g->depth + 7) / 8);
}

static void draw_linear_line(const struct vga *vga, uint32_t offset, uint32_t *line)
{
	const struct vga_geometry *g = &vga->screen->geometry;
	const uint8_t *from = vga->vram.host + offset;

	if (!range_fits(offset, linear_line_bytes(g), vga->vram.bytes)) {
		memset(line, 0, g->width * sizeof(*line)); /* an extension's geometry wraps */
		return;
	}
	switch (g->depth) {
	case 15:
	case 16:
		draw_16_bits(g, from, line);
		break;
	case 24:
		draw_24_bits(g, from, line);
		break;
	case 32:
		draw_32_bits(g, from, line);
		break;
	default:
		for (unsigned x = 0; x < g->width; x++)
			line[x] = vga->screen->colours[from[x]];
		break;
	}
}

/* Whether the memory that 'row' shows was written. */
static bool row_is_dirty(const struct vga *vga, const struct vga_row *row)
{
	const struct vga_geometry *g = &vga->screen->geometry;
	uint32_t first, last;

	if (g->kind == VGA_KIND_LINEAR)
		return vga_dirty_touches(&vga->dirty, row->address, linear_line_bytes(g));
	first = vga_geometry_address(g, row, 0);
	last = vga_geometry_address(g, row, g->columns);
	if (last < first || last - first > g->columns) /* it wraps, or the row scan cuts it up */
		return true;
	return vga_dirty_touches(&vga->dirty, (size_t)first * 4, (last - first + 1) * 4);
}

static bool shows_same_dots(const struct vga_geometry *g, const struct vga_row *a,
			    const struct vga_row *b)
{
	return a->address == b->address && a->pan == b->pan &&
	       ((a->scan ^ b->scan) & g->scan_to_address) == 0;
}

/* Whether the cursor's place in line 'y' looks different from what is on the surface. */
static bool cursor_changes(const struct vga_screen *screen, unsigned y)
{
	return screen->cursor_moved && (vga_cursor_covers(&screen->cursor, y) ||
					vga_cursor_covers(&screen->last_cursor, y));
}

static void put_line(struct vga *vga, unsigned y, const uint32_t *drawn)
{
	const struct vga_screen *screen = vga->screen;
	uint32_t covered[DISPLAY_MAX_WIDTH];

	if (vga_cursor_covers(&screen->cursor, y)) {
		memcpy(covered, drawn, screen->geometry.width * sizeof(*drawn));
		vga_cursor_draw(&screen->cursor, y, covered, screen->geometry.width);
		drawn = covered;
	}
	vga_screen_put_line(vga, y, drawn);
}

void vga_draw_graphics(struct vga *vga, bool full)
{
	const struct vga_geometry *g = &vga->screen->geometry;
	const uint32_t *drawn = NULL;
	struct vga_row last = { 0 };
	uint32_t line[LINE_DOTS];

	for (unsigned y = 0; y < g->height; y++) {
		struct vga_row row = vga_geometry_row(g, y);

		if (!full && !row_is_dirty(vga, &row) && !cursor_changes(vga->screen, y))
			continue;
		if (!drawn || !shows_same_dots(g, &row, &last)) {
			drawn = line;
			if (g->kind == VGA_KIND_LINEAR)
				draw_linear_line(vga, row.address, line);
			else
				drawn = draw_planes_line(vga, &row, line);
			last = row;
		}
		put_line(vga, y, drawn);
	}
}
