// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A hardware cursor as a card describes it: up to 64 x 64 dots of two bits, drawn over the lines of
 * graphics modes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	VGA_CURSOR_MAX = 64,
	VGA_CURSOR_LINE_BYTES = VGA_CURSOR_MAX / 8,
};

/** Two cursors look alike if they are equal byte by byte (no padding). */
struct vga_cursor {
	uint32_t size; /* dots to a side; 0: there is none */
	uint32_t x, y; /* of its first dot on the screen */
	uint32_t colours[2];
	/**
	 * By plane and line, the leftmost dot in the highest bit. A dot whose bit in plane 1 is set
	 * has the colour that plane 0 selects; else a set bit in plane 0 inverts the screen.
	 */
	uint8_t planes[2][VGA_CURSOR_MAX][VGA_CURSOR_LINE_BYTES];
};

static inline bool vga_cursor_covers(const struct vga_cursor *cursor, unsigned y)
{
	return y >= cursor->y && y - cursor->y < cursor->size;
}

/** Draws the cursor's dots of screen line 'y', which it covers, over 'width' dots. */
void vga_cursor_draw(const struct vga_cursor *cursor, unsigned y, uint32_t *dots, unsigned width);
