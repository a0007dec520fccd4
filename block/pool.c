// SPDX-License-Identifier: GPL-2.0-or-later
#include "block/pool.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"

enum {
	CHUNK_BYTES = 64 << 10,
	ALIGNMENT = 16,
};

struct pool_chunk {
	struct pool_chunk *next;
	size_t used, size;
	uint8_t bytes[] __attribute__((aligned(ALIGNMENT)));
};

void pool_init(struct pool *pool, size_t limit_bytes)
{
	*pool = (struct pool){ .left_bytes = limit_bytes };
}

void pool_finish(struct pool *pool)
{
	while (pool->chunks) {
		struct pool_chunk *chunk = pool->chunks;

		pool->chunks = chunk->next;
		free(chunk);
	}
}

static struct pool_chunk *add_chunk(struct pool *pool, size_t bytes)
{
	size_t size = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
	struct pool_chunk *chunk = calloc(1, sizeof(*chunk) + size);

	if (!chunk)
		return NULL;
	chunk->size = size;
	chunk->next = pool->chunks;
	pool->chunks = chunk;
	return chunk;
}

void *pool_take(struct pool *pool, size_t bytes)
{
	struct pool_chunk *chunk = pool->chunks;
	void *piece;

	if (bytes > pool->left_bytes)
		return NULL;
	bytes = (size_t)align_up(bytes ? bytes : 1, ALIGNMENT);
	if (!chunk || chunk->size - chunk->used < bytes)
		chunk = add_chunk(pool, bytes);
	if (!chunk)
		return NULL;
	piece = chunk->bytes + chunk->used;
	chunk->used += bytes;
	pool->left_bytes -= min_size(bytes, pool->left_bytes);
	return piece;
}

char *pool_copy(struct pool *pool, const char *text, size_t length)
{
	char *copy = pool_take(pool, length + 1);

	if (copy)
		memcpy(copy, text, length);
	return copy;
}
