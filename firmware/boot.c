// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/boot.h"

#include <string.h>

#include "firmware/board.h"

static void put_line(struct blob *out, const char *line)
{
	if (out->length)
		blob_put_u8(out, '\n');
	blob_put(out, line, strlen(line));
}

void boot_order_build(const struct firmware_board *board, struct blob *out)
{
	for (size_t i = 0; i < board->boot_path_count; i++)
		put_line(out, board->boot_paths[i]);
	if (board->boot_strict)
		put_line(out, "HALT");
	if (out->length)
		blob_put_u8(out, 0);
}

int32_t boot_fail_wait(const struct firmware_board *board)
{
	return board->boot_retry_ms > 0 ? board->boot_retry_ms : -1;
}
