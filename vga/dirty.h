// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which pages of video RAM were written since the screen was last drawn: the hypervisor's dirty log
 * of the direct window, and marks for writes that come by way of registers (a0000, screen clear).
 * Kept only while somebody watches. A span that the processor reaches without a log counts as
 * written whenever it is asked about.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct video_ram;

enum {
	VGA_PAGE_SHIFT = 12,
	VGA_LONG_BITS = 8 * sizeof(unsigned long),
	VGA_OPEN_SPANS = 2,
};

/** Bytes of video RAM. */
struct vga_span {
	uint32_t offset, length;
};

struct vga_dirty {
	unsigned long *marks; /* writes seen here; NULL while nobody watches */
	unsigned long *pages; /* the result of vga_dirty_collect */
	size_t page_count;
	bool all;                             /* everything counts as written */
	struct vga_span open[VGA_OPEN_SPANS]; /* reached without a log; kept while nobody watches */
};

/** Starts keeping track, with everything written. 0 or -ENOMEM. */
int vga_dirty_start(struct vga_dirty *dirty, const struct video_ram *vram);
/** Nothing happens if it was not started. */
void vga_dirty_stop(struct vga_dirty *dirty, const struct video_ram *vram);

/** Makes 'pages' what was written since the last call. True if anything was. */
bool vga_dirty_collect(struct vga_dirty *dirty, const struct video_ram *vram);

/** Whether collected pages meet bytes [offset, offset + length), which lie inside of video RAM. */
bool vga_dirty_touches(const struct vga_dirty *dirty, size_t offset, size_t length);

static inline void vga_dirty_mark(struct vga_dirty *dirty, size_t offset)
{
	size_t page = offset >> VGA_PAGE_SHIFT;

	if (dirty->marks)
		dirty->marks[page / VGA_LONG_BITS] |= 1ul << page % VGA_LONG_BITS;
}

/** 'length' is at least 1; the range lies inside of video RAM. */
static inline void vga_dirty_mark_range(struct vga_dirty *dirty, size_t offset, size_t length)
{
	for (size_t page = offset >> VGA_PAGE_SHIFT;
	     page <= (offset + length - 1) >> VGA_PAGE_SHIFT; page++)
		vga_dirty_mark(dirty, page << VGA_PAGE_SHIFT);
}

static inline void vga_dirty_mark_all(struct vga_dirty *dirty)
{
	dirty->all = true;
}

/** From now on the processor writes to 'span', which lies inside of video RAM, without a log. */
static inline void vga_dirty_open(struct vga_dirty *dirty, unsigned number, struct vga_span span)
{
	dirty->open[number] = span;
}

/** No longer. What was written until now is marked. */
void vga_dirty_close(struct vga_dirty *dirty, unsigned number);
