// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The VGA as a source of the display port: what is kept while somebody watches, and drawing what
 * has changed. A change of geometry or colours draws everything; otherwise text cells are compared
 * with those last drawn, and lines of graphics modes are drawn if their pages were written, and
 * damaged where their dots differ.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/display.h"
#include "vga/cursor.h"
#include "vga/geometry.h"

struct vga;

enum {
	VGA_FONT_BYTES = 0x2000, /* 256 characters of 32 scan lines */
};

struct vga_screen {
	bool valid;                   /* the surface shows 'geometry' in these colours */
	struct vga_geometry geometry; /* as last drawn */
	uint32_t colours[256];        /* by value in the DAC's index */
	uint32_t palette[16];         /* by attribute or planar dot */
	uint32_t *cells;              /* text: as last drawn; see text.c */
	size_t cell_count;
	uint8_t font[2][VGA_FONT_BYTES]; /* text: by attribute bit 3 */
	struct vga_cursor cursor;        /* as last drawn over graphics */
	struct vga_cursor last_cursor;   /* the one before; both are to be drawn over if it moved */
	bool cursor_moved;
	struct display_rect damage; /* not yet told to the display */
};

/* Hooks of struct display_source; opaque is the struct vga. */
void vga_screen_refresh(void *opaque, bool full);
void vga_screen_watch(void *opaque, bool watched);

/* For text.c and draw.c. */

/** The rectangle was drawn over; neighbours below one another are told as one. */
void vga_screen_damage(struct vga *vga, struct display_rect rect);

/** Puts a line of dots on the surface and damages what differs. */
void vga_screen_put_line(struct vga *vga, unsigned y, const uint32_t *dots);
