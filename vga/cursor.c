// SPDX-License-Identifier: GPL-2.0-or-later
#include "vga/cursor.h"

#include "base/bits.h"

enum {
	RGB_MASK = 0xffffff,
};

static bool dot_of(const uint8_t *line, unsigned x)
{
	return (line[x / 8] & 0x80u >> x % 8) != 0;
}

void vga_cursor_draw(const struct vga_cursor *cursor, unsigned y, uint32_t *dots, unsigned width)
{
	const uint8_t *select = cursor->planes[0][y - cursor->y];
	const uint8_t *opaque = cursor->planes[1][y - cursor->y];
	unsigned count = 0;

	if (cursor->x < width)
		count = (unsigned)min_u64(cursor->size, width - cursor->x);
	for (unsigned x = 0; x < count; x++) {
		uint32_t *dot = &dots[cursor->x + x];

		if (dot_of(opaque, x))
			*dot = cursor->colours[dot_of(select, x)];
		else if (dot_of(select, x))
			*dot ^= RGB_MASK;
	}
}
