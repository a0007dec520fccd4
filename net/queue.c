// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"

enum {
	HEADER_BYTES = 4,
};

int net_queue_init(struct net_queue *queue, size_t capacity)
{
	*queue = (struct net_queue){ .bytes = malloc(capacity), .capacity = capacity };
	return queue->bytes ? 0 : -ENOMEM;
}

void net_queue_finish(struct net_queue *queue)
{
	free(queue->bytes);
	*queue = (struct net_queue){ 0 };
}

/** Where the byte 'offset' bytes behind the start lies. */
static size_t at(const struct net_queue *queue, size_t offset)
{
	size_t position = queue->start + offset;

	return position < queue->capacity ? position : position - queue->capacity;
}

static void copy_in(struct net_queue *queue, const void *data, size_t length)
{
	size_t position = at(queue, queue->used);
	size_t first = min_size(length, queue->capacity - position);

	memcpy(queue->bytes + position, data, first);
	memcpy(queue->bytes, (const uint8_t *)data + first, length - first);
	queue->used += length;
}

static uint32_t front_length(const struct net_queue *queue)
{
	uint8_t header[HEADER_BYTES];

	for (size_t i = 0; i < sizeof(header); i++)
		header[i] = queue->bytes[at(queue, i)];
	return load_le32(header);
}

bool net_queue_put(struct net_queue *queue, const void *frame, size_t length)
{
	static const uint8_t zeros[NET_FRAME_MIN_BYTES];
	size_t padding = length < NET_FRAME_MIN_BYTES ? NET_FRAME_MIN_BYTES - length : 0;
	uint8_t header[HEADER_BYTES];

	if (length > NET_FRAME_MAX_BYTES ||
	    HEADER_BYTES + length + padding > queue->capacity - queue->used)
		return false;
	store_le32(header, (uint32_t)(length + padding));
	copy_in(queue, header, sizeof(header));
	copy_in(queue, frame, length);
	copy_in(queue, zeros, padding);
	return true;
}

unsigned net_queue_peek(const struct net_queue *queue, struct iovec iov[2])
{
	size_t length, position, first;

	if (net_queue_is_empty(queue))
		return 0;
	length = front_length(queue);
	position = at(queue, HEADER_BYTES);
	first = min_size(length, queue->capacity - position);
	iov[0] = (struct iovec){ queue->bytes + position, first };
	iov[1] = (struct iovec){ queue->bytes, length - first };
	return first < length ? 2 : 1;
}

void net_queue_drop(struct net_queue *queue)
{
	size_t record = HEADER_BYTES + front_length(queue);

	queue->start = at(queue, record);
	queue->used -= record;
	if (queue->used == 0)
		queue->start = 0; /* whole pieces, and warm memory */
}
