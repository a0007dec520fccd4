// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory for what is built in one go and given up at once: pieces are taken, none is given back. A
 * limit bounds what a malformed image can make us take.
 */
#pragma once

#include <stddef.h>

struct pool_chunk;

struct pool {
	struct pool_chunk *chunks;
	size_t left_bytes; /* of the limit */
};

void pool_init(struct pool *pool, size_t limit_bytes);
/** Gives all pieces back. */
void pool_finish(struct pool *pool);

/** Zeroed, aligned for everything; belongs to the pool. NULL: no memory, or the limit is reached.
 */
void *pool_take(struct pool *pool, size_t bytes);
/** A copy of 'length' bytes of 'text' with a zero behind them. NULL as above. */
char *pool_copy(struct pool *pool, const char *text, size_t length);
