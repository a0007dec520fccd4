// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/arena.h"

#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"

void arena_init(struct arena *arena, void *bytes, size_t capacity)
{
	arena->bytes = bytes;
	arena->capacity = capacity;
	arena->used = 0;
	arena->full = false;
}

void *arena_take(struct arena *arena, size_t count, size_t alignment)
{
	size_t start = align_up(arena->used, alignment);
	void *bytes;

	if (arena->full || !range_fits(start, count, arena->capacity)) {
		arena->full = true;
		return NULL;
	}
	bytes = arena->bytes + start;
	memset(bytes, 0, count);
	arena->used = start + count;
	return bytes;
}

void blob_open(struct blob *blob, struct arena *arena)
{
	blob->arena = arena;
	blob->data = arena_take(arena, 0, 64);
	blob->length = 0;
}

size_t blob_put(struct blob *blob, const void *bytes, size_t count)
{
	size_t offset = blob->length;
	uint8_t *at = arena_take(blob->arena, count, 1);

	if (!at)
		return offset;
	if (bytes && count)
		memcpy(at, bytes, count);
	blob->length += count;
	return offset;
}

void blob_align(struct blob *blob, size_t alignment)
{
	blob_put(blob, NULL, align_up(blob->length, alignment) - blob->length);
}

void blob_put_u8(struct blob *blob, uint8_t value)
{
	blob_put(blob, &value, 1);
}

void blob_put_le16(struct blob *blob, uint16_t value)
{
	blob_patch(blob, blob_put(blob, NULL, 2), 2, value);
}

void blob_put_le32(struct blob *blob, uint32_t value)
{
	blob_patch(blob, blob_put(blob, NULL, 4), 4, value);
}

void blob_put_le64(struct blob *blob, uint64_t value)
{
	blob_patch(blob, blob_put(blob, NULL, 8), 8, value);
}

void blob_patch(struct blob *blob, size_t offset, unsigned size, uint64_t value)
{
	if (range_fits(offset, size, blob->length))
		store_le(blob->data + offset, size, value);
}

uint8_t bytes_sum(const void *bytes, size_t count)
{
	const uint8_t *byte = bytes;
	uint8_t sum = 0;

	while (count--)
		sum = (uint8_t)(sum + *byte++);
	return sum;
}
