// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A bounded byte buffer with a read and a write position, in memory of its owner: the data register
 * of a chip, a FIFO's content, a reply being built. Nothing is ever read or written outside of it;
 * a read of what is not there yields all ones.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct buf {
	uint8_t *bytes;
	size_t capacity;
	size_t start; /* of the bytes not yet taken */
	size_t end;   /* behind the last byte put */
};

/** Empties 'buf' and gives it 'capacity' bytes of memory at 'bytes', which stays the owner's. */
void buf_init(struct buf *buf, void *bytes, size_t capacity);

static inline void buf_clear(struct buf *buf)
{
	buf->start = buf->end = 0;
}

/** Bytes that can still be taken. */
static inline size_t buf_remaining(const struct buf *buf)
{
	return buf->end - buf->start;
}

/** Bytes that can still be put. */
static inline size_t buf_room(const struct buf *buf)
{
	return buf->capacity - buf->end;
}

/** Appends up to 'count' bytes, returns how many there was room for. */
size_t buf_put(struct buf *buf, const void *bytes, size_t count);

/** Appends 'count' times 'byte', as far as there is room. */
size_t buf_fill(struct buf *buf, uint8_t byte, size_t count);

/** Takes up to 'count' bytes, returns how many there were; the rest of 'bytes' is set to all ones.
 */
size_t buf_take(struct buf *buf, void *bytes, size_t count);

/* Appending and taking integers; big-endian ones for packet commands. Taking past the end gives all
 * ones. */
void buf_put_u8(struct buf *buf, uint8_t value);
void buf_put_be16(struct buf *buf, uint16_t value);
void buf_put_be32(struct buf *buf, uint32_t value);
void buf_put_le16(struct buf *buf, uint16_t value);
void buf_put_le32(struct buf *buf, uint32_t value);
uint64_t buf_take_le(struct buf *buf, unsigned size);
