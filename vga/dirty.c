// SPDX-License-Identifier: GPL-2.0-or-later
#include "vga/dirty.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bus/ram.h"

static size_t long_count(const struct vga_dirty *dirty)
{
	return (dirty->page_count + VGA_LONG_BITS - 1) / VGA_LONG_BITS;
}

/* All but what is kept while nobody watches. */
static void forget(struct vga_dirty *dirty)
{
	free(dirty->marks);
	free(dirty->pages);
	dirty->marks = dirty->pages = NULL;
	dirty->page_count = 0;
	dirty->all = false;
}

static void mark_open(struct vga_dirty *dirty, unsigned number)
{
	const struct vga_span *span = &dirty->open[number];

	if (span->length)
		vga_dirty_mark_range(dirty, span->offset, span->length);
}

void vga_dirty_close(struct vga_dirty *dirty, unsigned number)
{
	mark_open(dirty, number);
	dirty->open[number] = (struct vga_span){ 0 };
}

int vga_dirty_start(struct vga_dirty *dirty, const struct video_ram *vram)
{
	dirty->page_count = vram->bytes >> VGA_PAGE_SHIFT;
	dirty->all = true;
	dirty->marks = calloc(long_count(dirty), sizeof(unsigned long));
	dirty->pages = calloc(long_count(dirty), sizeof(unsigned long));
	if (!dirty->marks || !dirty->pages) {
		forget(dirty);
		return -ENOMEM;
	}
	if (vram->set_logging)
		vram->set_logging(vram->opaque, true);
	return 0;
}

void vga_dirty_stop(struct vga_dirty *dirty, const struct video_ram *vram)
{
	if (!dirty->marks)
		return;
	if (vram->set_logging)
		vram->set_logging(vram->opaque, false);
	forget(dirty);
}

bool vga_dirty_collect(struct vga_dirty *dirty, const struct video_ram *vram)
{
	size_t count = long_count(dirty);
	unsigned long any = 0;
	bool all = dirty->all;

	for (unsigned i = 0; i < VGA_OPEN_SPANS; i++)
		mark_open(dirty, i);
	memset(dirty->pages, 0, count * sizeof(unsigned long));
	if (!vram->fetch_dirty || !vram->fetch_dirty(vram->opaque, dirty->pages))
		all = true;
	if (all)
		memset(dirty->pages, 0xff, count * sizeof(unsigned long));
	for (size_t i = 0; i < count; i++) {
		dirty->pages[i] |= dirty->marks[i];
		any |= dirty->pages[i];
	}
	memset(dirty->marks, 0, count * sizeof(unsigned long));
	dirty->all = false;
	return any != 0;
}

bool vga_dirty_touches(const struct vga_dirty *dirty, size_t offset, size_t length)
{
	size_t last = (offset + length - 1) >> VGA_PAGE_SHIFT;

	for (size_t page = offset >> VGA_PAGE_SHIFT; page <= last && page < dirty->page_count;
	     page++) {
		if (dirty->pages[page / VGA_LONG_BITS] & 1ul << page % VGA_LONG_BITS)
			return true;
	}
	return false;
}
