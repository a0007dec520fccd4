// SPDX-License-Identifier: GPL-2.0-or-later
/* A byte queue that grows: what waits to be sent to a viewer. Once memory runs out it stays
 * 'failed' and takes nothing more. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct outbuf {
	uint8_t *bytes;
	size_t start, end, capacity;
	bool failed;
};

static inline size_t outbuf_length(const struct outbuf *buf)
{
	return buf->end - buf->start;
}

/** Makes room for 'count' bytes behind the end, and returns its place; NULL if there is no memory.
 */
uint8_t *outbuf_room(struct outbuf *buf, size_t count);
void outbuf_put(struct outbuf *buf, const void *bytes, size_t count);
void outbuf_put_u8(struct outbuf *buf, unsigned value);
void outbuf_put_be16(struct outbuf *buf, unsigned value);
void outbuf_put_be32(struct outbuf *buf, uint32_t value);
/** Takes 'count' bytes from the front; an empty buffer gives its memory back. */
void outbuf_drop(struct outbuf *buf, size_t count);
void outbuf_free(struct outbuf *buf);
