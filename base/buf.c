// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/buf.h"

#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"

void buf_init(struct buf *buf, void *bytes, size_t capacity)
{
	*buf = (struct buf){ .bytes = bytes, .capacity = capacity };
}

size_t buf_put(struct buf *buf, const void *bytes, size_t count)
{
	size_t put = min_size(count, buf_room(buf));

	if (put)
		memcpy(buf->bytes + buf->end, bytes, put);
	buf->end += put;
	return put;
}

size_t buf_fill(struct buf *buf, uint8_t byte, size_t count)
{
	size_t put = min_size(count, buf_room(buf));

	if (put)
		memset(buf->bytes + buf->end, byte, put);
	buf->end += put;
	return put;
}

size_t buf_take(struct buf *buf, void *bytes, size_t count)
{
	size_t taken = min_size(count, buf_remaining(buf));

	if (taken)
		memcpy(bytes, buf->bytes + buf->start, taken);
	if (count > taken)
		memset((uint8_t *)bytes + taken, 0xff, count - taken);
	buf->start += taken;
	return taken;
}

void buf_put_u8(struct buf *buf, uint8_t value)
{
	buf_put(buf, &value, 1);
}

void buf_put_be16(struct buf *buf, uint16_t value)
{
	uint8_t bytes[2];

	store_be16(bytes, value);
	buf_put(buf, bytes, sizeof(bytes));
}

void buf_put_be32(struct buf *buf, uint32_t value)
{
	uint8_t bytes[4];

	store_be32(bytes, value);
	buf_put(buf, bytes, sizeof(bytes));
}

void buf_put_le16(struct buf *buf, uint16_t value)
{
	uint8_t bytes[2];

	store_le16(bytes, value);
	buf_put(buf, bytes, sizeof(bytes));
}

void buf_put_le32(struct buf *buf, uint32_t value)
{
	uint8_t bytes[4];

	store_le32(bytes, value);
	buf_put(buf, bytes, sizeof(bytes));
}

uint64_t buf_take_le(struct buf *buf, unsigned size)
{
	uint8_t bytes[8];

	buf_take(buf, bytes, size);
	return load_le(bytes, size);
}
