// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/e820.h"

#include "firmware/board.h"

static void put_entry(struct blob *out, uint64_t base, uint64_t length, enum e820_type type)
{
	if (!length)
		return;
	blob_put_le64(out, base);
	blob_put_le64(out, length);
	blob_put_le32(out, type);
}

void e820_build(const struct firmware_board *board, struct blob *out)
{
	for (unsigned i = 0; i < BOARD_MAX_RESERVED; i++)
		put_entry(out, board->reserved[i].base, board->reserved[i].length, E820_RESERVED);
	put_entry(out, 0, board->low_bytes, E820_RAM);
	put_entry(out, BOARD_HIGH_RAM, board->high_bytes, E820_RAM);
}
