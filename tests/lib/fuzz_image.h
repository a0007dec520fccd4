// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a reader of a hostile image does with it: requests, four bytes each, that are all under way
 * at once.
 */
#pragma once

#include <assert.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "block/driver.h"

enum {
	REQUESTS = 24,
	REQUEST_BYTES = 4,
	MEMORY_BYTES = 64 << 10,
};

struct fuzz_request {
	struct block_request request;
	struct iovec iov;
	bool is_complete;
};

static uint8_t fuzz_image_memory[MEMORY_BYTES];

static inline void fuzz_image_completed(struct block_request *request, int result)
{
	(void)result;
	container_of(request, struct fuzz_request, request)->is_complete = true;
}

static inline void fuzz_image_start(struct block *block, struct fuzz_request *work,
				    const uint8_t *code)
{
	uint64_t sectors = block_size_bytes(block) / BLOCK_SECTOR_BYTES;
	uint64_t count = code[3] % (MEMORY_BYTES / BLOCK_SECTOR_BYTES) + 1u;
	uint64_t first = (load_le16(code + 1) | (uint64_t)(code[0] >> 3) << 16) * 3;

	work->iov = (struct iovec){ fuzz_image_memory, (size_t)count * BLOCK_SECTOR_BYTES };
	work->request = (struct block_request){
		.op = (enum block_op)((code[0] & 7) % (BLOCK_WRITE_ZEROES + 1)),
		.offset = first % sectors * BLOCK_SECTOR_BYTES,
		.iov = &work->iov,
		.iov_count = 1,
		.length = count * BLOCK_SECTOR_BYTES,
		.complete = fuzz_image_completed,
	};
	block_start(block, &work->request);
}

/** Opens the image and carries out 'count' requests, of REQUEST_BYTES each. */
static inline void fuzz_image_use(const struct block_options *options, const uint8_t *codes,
				  size_t count)
{
	struct fuzz_request works[REQUESTS] = { 0 };
	struct block *block = block_open(options, NULL, NULL);

	if (!block)
		return;
	for (size_t i = 0; i < count; i++)
		fuzz_image_start(block, &works[i], codes + i * REQUEST_BYTES);
	block_drain(block);
	for (size_t i = 0; i < count; i++)
		assert(works[i].is_complete);
	block_close(block);
}
