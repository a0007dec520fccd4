// SPDX-License-Identifier: GPL-2.0-or-later
#include "vga/geometry.h"

#include <assert.h>
#include <string.h>

#include "base/bits.h"
#include "base/display.h"
#include "vga/vbe.h"
#include "vga/vga.h"

/* 'bits' of the overflow registers as bits 8 and 9 of a vertical value. */
static uint32_t overflow_bits(uint8_t value, uint8_t bit_8, uint8_t bit_9)
{
	return ((value & bit_8) ? 0x100u : 0) | ((value & bit_9) ? 0x200u : 0);
}

static uint32_t line_compare(const uint8_t *crtc)
{
	uint32_t line = crtc[VGA_CRTC_LINE_COMPARE];

	line |= overflow_bits(crtc[VGA_CRTC_OVERFLOW], VGA_OVERFLOW_LINE_COMPARE_8, 0);
	return line | overflow_bits(crtc[VGA_CRTC_MAX_SCAN], 0, VGA_MAX_SCAN_LINE_COMPARE_9);
}

static uint32_t display_lines(const uint8_t *crtc)
{
	uint32_t end = crtc[VGA_CRTC_V_DISPLAY_END] |
		       overflow_bits(crtc[VGA_CRTC_OVERFLOW], VGA_OVERFLOW_V_DISPLAY_END_8,
				     VGA_OVERFLOW_V_DISPLAY_END_9);

	return end + 1;
}

/*
 * While a linear mode is shown, sync and screen-off do not blank: DISPI does not need the CRTC, the
 * VGA BIOS of a Cirrus card leaves the screen-off bit set, and Linux' driver for it the sync off.
 */
static bool is_blank(const struct vga_state *s, const struct vga_geometry *g)
{
	if (g->kind == VGA_KIND_BLANK || !(s->attr_index & VGA_ATTR_PALETTE_SOURCE))
		return true;
	if (g->kind == VGA_KIND_LINEAR || (s->vbe[VBE_ENABLE] & VBE_ENABLED))
		return false;
	return (s->seq[VGA_SEQ_CLOCKING] & VGA_CLOCKING_SCREEN_OFF) ||
	       !(s->crtc[VGA_CRTC_MODE] & VGA_MODE_SYNC_ENABLE);
}

static uint32_t legacy_kind(const struct vga_state *s)
{
	if (!(s->gfx[VGA_GFX_MISC] & VGA_MISC_GRAPHICS))
		return VGA_KIND_TEXT;
	if (s->gfx[VGA_GFX_MODE] & VGA_MODE_SHIFT_256)
		return VGA_KIND_256;
	return (s->gfx[VGA_GFX_MODE] & VGA_MODE_SHIFT_CGA) ? VGA_KIND_CGA : VGA_KIND_PLANAR;
}

/*
 * Word and double-word mode shift the address counter by one and two bits; packed memory undoes the
 * shift, so that the address bits that the row scan replaces lie that much lower.
 */
static uint32_t scan_address_bit(const uint8_t *crtc)
{
	if (crtc[VGA_CRTC_UNDERLINE] & VGA_UNDERLINE_DWORD)
		return 11;
	return (crtc[VGA_CRTC_MODE] & VGA_MODE_BYTE) ? 13 : 12;
}

static uint32_t pan_dots(const struct vga_geometry *g, uint8_t pan)
{
	if (g->cell_width == 9) /* 8 shows the row unmoved, 0 to 7 move it by 1 to 8 */
		return pan >= 8 ? 0 : pan + 1u;
	if (g->kind == VGA_KIND_256) /* a pixel is two dots */
		return pan & 6u;
	return pan & 7u;
}

static void derive_text(const struct vga_state *s, struct vga_geometry *g)
{
	uint8_t map = s->seq[VGA_SEQ_CHARACTER_MAP];
	uint8_t mode = s->attr[VGA_ATTR_MODE];

	g->font_address[0] = (uint32_t)(map & VGA_CHARACTER_MAP_B) << 14 |
			     ((map & VGA_CHARACTER_MAP_B_HIGH) ? 0x2000u : 0);
	g->font_address[1] = (uint32_t)(map & VGA_CHARACTER_MAP_A) << 12 |
			     ((map & VGA_CHARACTER_MAP_A_HIGH) ? 0x2000u : 0);
	g->line_graphics = (mode & VGA_ATTR_MODE_LINE_GRAPHICS) != 0;
	g->blink = (mode & VGA_ATTR_MODE_BLINK) != 0;
	g->underline_scan = VGA_NO_UNDERLINE;
	if (mode & VGA_ATTR_MODE_MONO)
		g->underline_scan = s->crtc[VGA_CRTC_UNDERLINE] & VGA_UNDERLINE_MASK;
}

static void derive_legacy(const struct vga *vga, struct vga_geometry *g)
{
	const struct vga_state *s = vga->state;
	const uint8_t *crtc = s->crtc;
	bool nine;

	g->kind = legacy_kind(s);
	nine = g->kind == VGA_KIND_TEXT && !(s->seq[VGA_SEQ_CLOCKING] & VGA_CLOCKING_8_DOTS);
	g->cell_width = nine ? 9 : 8;
	g->cell_height = (crtc[VGA_CRTC_MAX_SCAN] & VGA_MAX_SCAN_MASK) + 1u;
	g->dot_shift = (s->seq[VGA_SEQ_CLOCKING] & VGA_CLOCKING_HALF) != 0;
	g->scan_shift = (crtc[VGA_CRTC_MAX_SCAN] & VGA_MAX_SCAN_DOUBLE) != 0;
	g->columns = crtc[VGA_CRTC_H_DISPLAY_END] + 1u;
	g->height = display_lines(crtc) << ((crtc[VGA_CRTC_MODE] & VGA_MODE_V_BY_2) ? 1 : 0);
	g->start = (uint32_t)(crtc[VGA_CRTC_START_HIGH] << 8 | crtc[VGA_CRTC_START_LOW]) +
		   ((crtc[VGA_CRTC_PRESET_ROW] & VGA_PRESET_BYTE_PAN) >> 5);
	g->stride = crtc[VGA_CRTC_OFFSET] * 2u;
	g->address_mask = 0xffff;
	g->scan_to_address = ~crtc[VGA_CRTC_MODE] & (VGA_MODE_KEEP_A13 | VGA_MODE_KEEP_A14);
	g->scan_address_bit = scan_address_bit(crtc);
	g->preset_row = crtc[VGA_CRTC_PRESET_ROW] & VGA_PRESET_ROW_MASK;
	g->line_compare = line_compare(crtc);
	g->pan = pan_dots(g, s->attr[VGA_ATTR_PAN]);
	g->pan_ends_at_split = (s->attr[VGA_ATTR_MODE] & VGA_ATTR_MODE_SPLIT_PAN) != 0;
	if (g->kind == VGA_KIND_TEXT)
		derive_text(s, g);
}

static void derive_vbe(const struct vga *vga, struct vga_geometry *g)
{
	struct vbe_layout layout;

	vbe_derive(vga->state->vbe, vga->vram.bytes, &layout);
	g->kind = layout.depth == 4 ? VGA_KIND_PLANAR : VGA_KIND_LINEAR;
	g->width = layout.width;
	g->height = layout.height;
	g->cell_width = 8;
	g->cell_height = 1;
	g->columns = layout.width / 8;
	g->line_compare = UINT32_MAX;
	g->depth = layout.depth;
	if (g->kind == VGA_KIND_PLANAR) {
		g->start = layout.start / 4;
		g->stride = layout.stride / 4;
		g->pan = layout.x_offset & 7;
		g->address_mask = vga->vram_mask / 4;
	} else {
		g->start = layout.start;
		g->stride = layout.stride;
		g->address_mask = vga->vram_mask;
		g->big_endian = vga->state->big_endian;
	}
}

/* What no register, standard or extended, may exceed. */
static void clamp(const struct vga *vga, struct vga_geometry *g)
{
	uint32_t whole = g->kind == VGA_KIND_LINEAR ? vga->vram_mask : vga->vram_mask / 4;
	uint32_t dots = g->cell_width << g->dot_shift;

	if (g->kind != VGA_KIND_LINEAR) {
		g->columns = (uint32_t)clamp_u64(g->columns, 1, DISPLAY_MAX_WIDTH / dots);
		g->width = g->columns * dots;
	}
	g->width = (uint32_t)clamp_u64(g->width, 1, DISPLAY_MAX_WIDTH);
	g->height = (uint32_t)clamp_u64(g->height, 1, DISPLAY_MAX_HEIGHT);
	g->cell_height = (uint32_t)clamp_u64(g->cell_height, 1, VGA_MAX_CELL_HEIGHT);
	g->address_mask &= whole;
	if (g->pan >= g->cell_width)
		g->pan = 0;
}

void vga_derive_geometry(const struct vga *vga, struct vga_geometry *geometry)
{
	memset(geometry, 0, sizeof(*geometry));
	if (vga_vbe_is_on(vga))
		derive_vbe(vga, geometry);
	else
		derive_legacy(vga, geometry);
	if (vga->ext.derive)
		vga->ext.derive(vga->ext.opaque, geometry);
	clamp(vga, geometry);
	if (is_blank(vga->state, geometry))
		geometry->kind = VGA_KIND_BLANK;
}

struct vga_row vga_geometry_row(const struct vga_geometry *g, uint32_t y)
{
	bool below = y > g->line_compare;
	uint32_t line = (below ? y - g->line_compare - 1 : y) >> g->scan_shift;
	uint32_t count = line + (below ? 0 : g->preset_row);
	uint32_t row = count / g->cell_height;

	return (struct vga_row){
		.index = row << 1 | below,
		.address = ((below ? 0 : g->start) + row * g->stride) & g->address_mask,
		.scan = count % g->cell_height,
		.pan = below && g->pan_ends_at_split ? 0 : g->pan,
	};
}
