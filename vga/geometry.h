// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is scanned out. vga_derive_geometry is the only place that turns registers into addresses
 * and sizes: register writes (by way of VBE), restore and drawing all use it, and its result is
 * safe to draw from whatever the registers hold.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct vga;

enum vga_kind {
	VGA_KIND_BLANK,
	VGA_KIND_TEXT,
	VGA_KIND_PLANAR, /* 4 bits a pixel, one from each plane */
	VGA_KIND_CGA,    /* 2 bits a pixel from planes 0 and 1, two more from 2 and 3 */
	VGA_KIND_256,    /* a byte a pixel, planes in turn: chain-4 and mode X */
	VGA_KIND_LINEAR, /* VBE, 8 to 32 bits a pixel */
};

/**
 * Everything that changes the whole picture; two geometries draw alike if they are equal byte by
 * byte (no padding). The legacy kinds count addresses in planes (four bytes of video RAM each), the
 * linear kind in bytes.
 */
struct vga_geometry {
	uint32_t kind;             /* enum vga_kind */
	uint32_t width, height;    /* of the surface */
	uint32_t columns;          /* characters, or groups of eight dots */
	uint32_t cell_width;       /* dots of a character: 8 or 9 */
	uint32_t cell_height;      /* scan lines of a row, 1 to 32 */
	uint32_t dot_shift;        /* 1: each dot is two wide */
	uint32_t scan_shift;       /* 1: each scan line is drawn twice */
	uint32_t start;            /* address of the first row */
	uint32_t stride;           /* from row to row */
	uint32_t address_mask;     /* where addresses wrap */
	uint32_t scan_to_address;  /* row scan bits (1, 2) that replace address bits */
	uint32_t scan_address_bit; /* the address bit that row scan bit 0 replaces */
	uint32_t preset_row;       /* row scan of the first line */
	uint32_t line_compare;     /* the last line before address 0 */
	uint32_t pan;              /* dots to the left */
	uint32_t pan_ends_at_split;
	uint32_t depth; /* linear: 8, 15, 16, 24, 32 */
	uint32_t big_endian;
	/* Text. */
	uint32_t font_address[2]; /* plane address of the font by attribute bit 3 */
	uint32_t line_graphics, blink,
		underline_scan; /* the latter beyond any scan if there is none */
};

/** Where a line of the surface comes from. */
struct vga_row {
	uint32_t index;   /* distinct for each row of characters, and below the split */
	uint32_t address; /* of its first column */
	uint32_t scan;    /* within the row */
	uint32_t pan;
};

enum {
	VGA_NO_UNDERLINE = 0xff,
	VGA_MAX_CELL_HEIGHT = 32,
};

void vga_derive_geometry(const struct vga *vga, struct vga_geometry *geometry);

/** The source of surface line 'y'. */
struct vga_row vga_geometry_row(const struct vga_geometry *geometry, uint32_t y);

/** The plane address of column 'column', with the row scan folded in. */
static inline uint32_t vga_geometry_address(const struct vga_geometry *geometry,
					    const struct vga_row *row, uint32_t column)
{
	uint32_t address = row->address + column;
	uint32_t bits = geometry->scan_to_address;

	address = (address & ~(bits << geometry->scan_address_bit)) |
		  (row->scan & bits) << geometry->scan_address_bit;
	return address & geometry->address_mask;
}
