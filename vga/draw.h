// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Graphics modes: 16 colours from four planes, CGA's four and two, 256 colours (chain-4 and mode X
 * alike), and the linear modes of 8 to 32 bits a pixel.
 */
#pragma once

#include <stdbool.h>

struct vga;

/** Draws the lines whose memory was written, 'full' all. Only while watched, after
 * vga_dirty_collect. */
void vga_draw_graphics(struct vga *vga, bool full);
