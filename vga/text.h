// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Text modes: characters and attributes from planes 0 and 1, fonts from plane 2, cursor, blinking,
 * split screen and smooth scrolling. Cursor and characters blink at half the speed of a VGA
 * (about 1.9 and 0.9 times a second), which halves what viewers are sent; the phase is taken when
 * the screen is drawn.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct display_text;
struct vga;

enum {
	VGA_TEXT_MAX_COLUMNS = 160,
	VGA_TEXT_MAX_ROWS = 100,
};

/** What a text mode shows. */
struct vga_text_screen {
	unsigned columns, rows;
	uint16_t cells[VGA_TEXT_MAX_ROWS][VGA_TEXT_MAX_COLUMNS]; /* attribute << 8 | character */
	bool cursor_visible;
	unsigned cursor_x, cursor_y;
};

/** Copies the text on the screen. False if no text mode is on; whether somebody watches does not
 * matter. */
bool vga_text_snapshot(struct vga *vga, struct vga_text_screen *out);

/** The same as characters, for struct display_source; opaque is the struct vga. */
bool vga_text_read(void *opaque, struct display_text *text);

/** Draws the cells that have changed, 'full' all. 'written': video memory may have changed. Only
 * while watched. */
void vga_text_draw(struct vga *vga, bool full, bool written);
