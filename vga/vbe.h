// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The Bochs VBE display interface (DISPI) of the VGA core: an index and a data register that set
 * linear modes of 8, 15, 16, 24 and 32 bits and planar ones of 4 bits a pixel, up to 2560 x 1600,
 * with a virtual screen to scroll in. The linear frame buffer is the whole of video RAM; the a0000
 * window shows a bank of 64 KiB of it.
 *
 * Registers hold what is written as far as each by itself can be valid. While a mode is on they are
 * brought in line with one another after every write, so that a guest reads what it got.
 *
 * Not modelled: separate read and write banks, the monitor's DDC wires.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct err;
struct io_ops;
struct vga;

/** What the registers come to; everything shown lies inside of video RAM. */
struct vbe_layout {
	uint32_t width, height, depth;
	uint32_t virtual_width, virtual_height;
	uint32_t x_offset, y_offset;
	uint32_t stride; /* bytes from line to line; a planar line's four planes count */
	uint32_t start;  /* byte offset of the first pixel (planar: of the group of eight) */
};

/** Derives the layout of registers 'vbe', whatever they hold, in 'vram_bytes' of memory. */
void vbe_derive(const uint16_t *vbe, size_t vram_bytes, struct vbe_layout *layout);

void vbe_reset(struct vga *vga);
/** Register 'index' by number; unknown ones read as 0. */
uint16_t vbe_read(const struct vga *vga, unsigned index);
void vbe_write(struct vga *vga, unsigned index, uint16_t value);

/** Refuses registers that no write could have left. 0 or -EINVAL. */
int vbe_check(const struct vga *vga, struct err *err);

/** Ports 1CEh to 1D1h; opaque is the struct vga. */
extern const struct io_ops vbe_port_ops;
