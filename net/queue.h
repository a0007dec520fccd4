// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Frames that wait, in order, in memory of a fixed size: for a back end that is handed frames when
 * the card cannot take them. What finds no room is lost.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/net.h"

struct net_queue {
	uint8_t *bytes; /* a ring of records: a length of four bytes, and the frame */
	size_t capacity, start, used;
};

/** 0 or -ENOMEM. */
int net_queue_init(struct net_queue *queue, size_t capacity);
void net_queue_finish(struct net_queue *queue);
static inline bool net_queue_is_empty(const struct net_queue *queue)
{
	return queue->used == 0;
}
/** Appends a copy, with zeros behind it up to the least length of a frame. False: there is no room.
 */
bool net_queue_put(struct net_queue *queue, const void *frame, size_t length);
/** The oldest frame, in one or two pieces; returns how many, 0 if there is none. */
unsigned net_queue_peek(const struct net_queue *queue, struct iovec iov[2]);
/** The oldest frame is done with. */
void net_queue_drop(struct net_queue *queue);
