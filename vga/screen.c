// SPDX-License-Identifier: GPL-2.0-or-later
#include "vga/screen.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "vga/draw.h"
#include "vga/text.h"
#include "vga/vga.h"

static void flush_damage(struct vga *vga)
{
	struct display_rect *rect = &vga->screen->damage;

	if (rect->width && rect->height)
		display_damage(vga->display, rect->x, rect->y, rect->width, rect->height);
	*rect = (struct display_rect){ 0 };
}

void vga_screen_damage(struct vga *vga, struct display_rect rect)
{
	struct display_rect *sum = &vga->screen->damage;
	unsigned right;

	if (sum->height && (rect.y < sum->y || rect.y > sum->y + sum->height))
		flush_damage(vga);
	if (!sum->height) {
		*sum = rect;
		return;
	}
	right = (unsigned)max_u64(sum->x + sum->width, rect.x + rect.width);
	sum->x = (unsigned)min_u64(sum->x, rect.x);
	sum->width = right - sum->x;
	sum->height = (unsigned)max_u64(sum->height, rect.y + rect.height - sum->y);
}

void vga_screen_put_line(struct vga *vga, unsigned y, const uint32_t *dots)
{
	const struct display_surface *surface = &vga->display->surface;
	uint32_t *line = surface->pixels + (size_t)y * surface->stride;
	unsigned first = 0, last = surface->width;

	if (memcmp(line, dots, surface->width * sizeof(*dots)) == 0)
		return;
	while (line[first] == dots[first])
		first++;
	while (line[last - 1] == dots[last - 1])
		last--;
	memcpy(line + first, dots + first, (last - first) * sizeof(*dots));
	vga_screen_damage(vga, (struct display_rect){ first, y, last - first, 1 });
}

static uint32_t widen(const struct vga_state *s, uint8_t component)
{
	if (s->vbe[VBE_ENABLE] & VBE_8_BIT_DAC)
		return component;
	return ((uint32_t)component << 2 | component >> 4) & 0xff;
}

static uint32_t dac_colour(const struct vga_state *s, uint8_t index)
{
	const uint8_t *rgb = &s->dac[(index & s->pel_mask) * 3];

	return widen(s, rgb[0]) << 16 | widen(s, rgb[1]) << 8 | widen(s, rgb[2]);
}

/* IBM VGA, attribute controller: a dot passes plane enable, palette and colour select on its way to
 * the DAC. */
static uint8_t attribute_index(const struct vga_state *s, unsigned dot)
{
	uint8_t select = s->attr[VGA_ATTR_COLOUR_SELECT];
	uint8_t index = s->attr[VGA_ATTR_PALETTE + (dot & s->attr[VGA_ATTR_PLANE_ENABLE] & 15)];

	if (s->attr[VGA_ATTR_MODE] & VGA_ATTR_MODE_P54_SELECT)
		index = (uint8_t)((index & 0x0f) | (select & 3) << 4);
	return (uint8_t)(index | (select & 0x0c) << 4);
}

/* True if any colour is another than before. */
static bool update_colours(struct vga *vga)
{
	const struct vga_state *s = vga->state;
	struct vga_screen *screen = vga->screen;
	uint32_t colours[256], palette[16];

	for (unsigned i = 0; i < 256; i++)
		colours[i] = dac_colour(s, (uint8_t)i);
	for (unsigned i = 0; i < 16; i++)
		palette[i] = dac_colour(s, attribute_index(s, i));
	if (memcmp(colours, screen->colours, sizeof(colours)) == 0 &&
	    memcmp(palette, screen->palette, sizeof(palette)) == 0)
		return false;
	memcpy(screen->colours, colours, sizeof(colours));
	memcpy(screen->palette, palette, sizeof(palette));
	return true;
}

/* True if the picture has another shape or source than before. A blank screen keeps its size. */
static bool update_geometry(struct vga *vga)
{
	struct vga_screen *screen = vga->screen;
	struct vga_geometry geometry;

	vga_derive_geometry(vga, &geometry);
	if (geometry.kind == VGA_KIND_BLANK) {
		geometry = screen->geometry;
		geometry.kind = VGA_KIND_BLANK;
	} else {
		display_resize(vga->display, geometry.width, geometry.height);
	}
	if (memcmp(&geometry, &screen->geometry, sizeof(geometry)) == 0)
		return false;
	screen->geometry = geometry;
	return true;
}

/* Asks the card for its cursor. True if it looks or stands different from before. */
static bool update_cursor(struct vga *vga)
{
	struct vga_screen *screen = vga->screen;

	screen->last_cursor = screen->cursor;
	memset(&screen->cursor, 0, sizeof(screen->cursor));
	if (vga->ext.cursor)
		vga->ext.cursor(vga->ext.opaque, &screen->cursor);
	screen->cursor_moved =
		memcmp(&screen->cursor, &screen->last_cursor, sizeof(screen->cursor)) != 0;
	return screen->cursor_moved;
}

static void draw_blank(struct vga *vga)
{
	const struct display_surface *surface = &vga->display->surface;

	memset(surface->pixels, 0, (size_t)surface->height * surface->stride * sizeof(uint32_t));
}

static void draw(struct vga *vga, bool full, bool written)
{
	switch (vga->screen->geometry.kind) {
	case VGA_KIND_BLANK:
		if (full)
			draw_blank(vga);
		break;
	case VGA_KIND_TEXT:
		vga_text_draw(vga, full, written);
		break;
	default:
		if (written)
			vga_draw_graphics(vga, full);
		break;
	}
}

void vga_screen_refresh(void *opaque, bool full)
{
	struct vga *vga = opaque;
	struct vga_screen *screen = vga->screen;
	const struct display_surface *surface = &vga->display->surface;
	bool reshaped, recoloured, written;

	if (!screen)
		return;
	reshaped = update_geometry(vga);
	recoloured = update_colours(vga);
	if (!surface->pixels) { /* no memory for it; the next size may fit */
		screen->valid = false;
		return;
	}
	full = full || reshaped || recoloured || !screen->valid;
	if (full)
		vga_dirty_mark_all(&vga->dirty);
	written = vga_dirty_collect(&vga->dirty, &vga->vram);
	written |= update_cursor(vga);
	draw(vga, full, written);
	if (full)
		screen->damage = (struct display_rect){ 0, 0, surface->width, surface->height };
	flush_damage(vga);
	screen->valid = true;
}

static void start_watching(struct vga *vga)
{
	vga->screen = calloc(1, sizeof(*vga->screen));
	if (vga->screen && vga_dirty_start(&vga->dirty, &vga->vram) == 0)
		return;
	free(vga->screen);
	vga->screen = NULL;
	log_guest("no memory to draw the screen");
}

void vga_screen_watch(void *opaque, bool watched)
{
	struct vga *vga = opaque;

	if (watched == (vga->screen != NULL))
		return;
	if (watched) {
		start_watching(vga);
		return;
	}
	vga_dirty_stop(&vga->dirty, &vga->vram);
	free(vga->screen->cells);
	free(vga->screen);
	vga->screen = NULL;
}
