// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Frames in a stream of bytes: each behind its length, four bytes, big-endian. The wire format of
 * QEMU's stream sockets, of passt and others. What comes in is looked at where it lies.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "net/net.h"

enum {
	FRAMER_HEADER_BYTES = 4,
	FRAMER_BYTES = FRAMER_HEADER_BYTES + NET_FRAME_MAX_BYTES,
};

struct net_framer {
	size_t start, end; /* of what has come and was not taken */
	uint8_t bytes[FRAMER_BYTES];
};

void net_framer_reset(struct net_framer *framer);
/** Where the next bytes go, and how many: never none after net_framer_next found no frame. */
uint8_t *net_framer_room(struct net_framer *framer, size_t *bytes);
/** So many have been put there. */
void net_framer_add(struct net_framer *framer, size_t bytes);
/**
 * The next frame, if it is complete; it lies there until net_framer_take or net_framer_room. 1, 0
 * if there is none yet, or -EPROTO if no frame can have the length that is there.
 */
int net_framer_next(const struct net_framer *framer, const uint8_t **frame, size_t *length);
/** The frame of the latest net_framer_next is done with. */
void net_framer_take(struct net_framer *framer);
