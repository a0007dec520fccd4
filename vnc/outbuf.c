// SPDX-License-Identifier: GPL-2.0-or-later
#include "vnc/outbuf.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

enum {
	MIN_CAPACITY = 256,
};

uint8_t *outbuf_room(struct outbuf *buf, size_t count)
{
	size_t capacity = buf->capacity ? buf->capacity : MIN_CAPACITY;
	uint8_t *bytes;

	if (buf->failed)
		return NULL;
	if (buf->bytes && count <= buf->capacity - buf->end)
		return buf->bytes + buf->end;
	while (capacity < buf->end + count)
		capacity += capacity / 2;
	bytes = realloc(buf->bytes, capacity);
	if (!bytes) {
		buf->failed = true;
		return NULL;
	}
	buf->bytes = bytes;
	buf->capacity = capacity;
	return bytes + buf->end;
}

void outbuf_put(struct outbuf *buf, const void *bytes, size_t count)
{
	uint8_t *room = outbuf_room(buf, count);

	if (!room)
		return;
	memcpy(room, bytes, count);
	buf->end += count;
}

void outbuf_put_u8(struct outbuf *buf, unsigned value)
{
	uint8_t byte = (uint8_t)value;

	outbuf_put(buf, &byte, 1);
}

void outbuf_put_be16(struct outbuf *buf, unsigned value)
{
	uint8_t bytes[2];

	store_be16(bytes, (uint16_t)value);
	outbuf_put(buf, bytes, sizeof(bytes));
}

void outbuf_put_be32(struct outbuf *buf, uint32_t value)
{
	uint8_t bytes[4];

	store_be32(bytes, value);
	outbuf_put(buf, bytes, sizeof(bytes));
}

void outbuf_free(struct outbuf *buf)
{
	free(buf->bytes);
	*buf = (struct outbuf){ 0 };
}

void outbuf_drop(struct outbuf *buf, size_t count)
{
	bool failed = buf->failed;

	buf->start += count;
	if (buf->start < buf->end)
		return;
	outbuf_free(buf);
	buf->failed = failed;
}
