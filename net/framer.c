// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/framer.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"

void net_framer_reset(struct net_framer *framer)
{
	framer->start = framer->end = 0;
}

uint8_t *net_framer_room(struct net_framer *framer, size_t *bytes)
{
	/* What is left of a frame moves to the front: less than one frame for each buffer full. */
	if (framer->start) {
		framer->end -= framer->start;
		memmove(framer->bytes, framer->bytes + framer->start, framer->end);
		framer->start = 0;
	}
	*bytes = sizeof(framer->bytes) - framer->end;
	return framer->bytes + framer->end;
}

void net_framer_add(struct net_framer *framer, size_t bytes)
{
	framer->end += bytes;
}

int net_framer_next(const struct net_framer *framer, const uint8_t **frame, size_t *length)
{
	const uint8_t *header = framer->bytes + framer->start;
	size_t present = framer->end - framer->start;

	if (present < FRAMER_HEADER_BYTES)
		return 0;
	*length = load_be32(header);
	if (*length > NET_FRAME_MAX_BYTES)
		return -EPROTO;
	if (present - FRAMER_HEADER_BYTES < *length)
		return 0;
	*frame = header + FRAMER_HEADER_BYTES;
	return 1;
}

void net_framer_take(struct net_framer *framer)
{
	framer->start += FRAMER_HEADER_BYTES + load_be32(framer->bytes + framer->start);
}
