// SPDX-License-Identifier: GPL-2.0-or-later
#include "block/pool.h"

#include <string.h>
#include <sys/mman.h>

#include "base/bits.h"

enum {
	CHUNK_BYTES = 64 << 10,
	PAGE_BYTES = 4096,
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
		munmap(chunk, sizeof(*chunk) + chunk->size);
	}
}

/** Mapped, not allocated: a process that made a medium and lives on has all of it back. */
static struct pool_chunk *add_chunk(struct pool *pool, size_t bytes)
{
	size_t wanted = sizeof(struct pool_chunk) + (bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES);
	size_t size = (size_t)align_up(wanted, PAGE_BYTES);
	struct pool_chunk *chunk =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (chunk == MAP_FAILED)
		return NULL;
	chunk->size = size - sizeof(*chunk);
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
