// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The processor's way to video memory through the window at a0000: the map by the graphics
 * controller, chain-4, odd/even and plane addressing, and the data path with latches, set/reset,
 * rotation, function and bit mask. IBM VGA, "Graphics controller"; write modes 0 to 3, read modes 0
 * and 1.
 */
#pragma once

#include <stdint.h>

struct io_ops;
struct vga;

/** Derives vga->map; to be called after any register that it depends on has changed. */
void vga_update_map(struct vga *vga);

/** The 128 KiB at a0000; opaque is the struct vga. Writes may be collected and come late, in order.
 */
extern const struct io_ops vga_memory_ops;
