// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where the beam of the monitor is: input status register 1, from guest time and the CRTC's timing
 * registers. Nothing runs for it; the position is computed when it is read.
 *
 * Not modelled: the exact dots of horizontal retrace and border; the diagnostic bits 4 and 5 read
 * as 0.
 */
#pragma once

#include <stdint.h>

struct vga;

/** Display enable and vertical retrace now, as in input status 1. */
uint8_t vga_beam_status(struct vga *vga);
