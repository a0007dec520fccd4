// SPDX-License-Identifier: GPL-2.0-or-later
/* An image in memory, as long as somebody fills it: what a replay has of an image. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/err.h"
#include "block/aio_backend.h"
#include "block/driver.h"

static void copy_out(struct block *block, struct block_request *request)
{
	uint8_t *at = (uint8_t *)block->image + request->offset;

	for (unsigned i = 0; i < request->iov_count; i++) {
		memcpy(at, request->iov[i].iov_base, request->iov[i].iov_len);
		at += request->iov[i].iov_len;
	}
}

static void io_done(struct aio_op *op, int result)
{
	block_request_done(container_of(op, struct block_request, io), result);
}

/** What is written is taken at once; what is read is filled in by block_memory_fill. */
static void memory_start(struct block *block, struct block_request *request)
{
	if (request->op == BLOCK_WRITE)
		copy_out(block, request);
	else if (request->op == BLOCK_WRITE_ZEROES)
		memset((uint8_t *)block->image + request->offset, 0, request->bytes);
	request->io.owner = block->owner;
	request->io.complete = io_done;
	aio_complete_later(block->aio, &request->io, 0);
}

static void memory_close(struct block *block)
{
	munmap(block->image, block->size_bytes);
}

static const struct block_driver memory_driver = { .start = memory_start, .close = memory_close };

uint8_t *block_memory(struct block *block)
{
	return block->driver == &memory_driver ? block->image : NULL;
}

void block_memory_fill(struct block_request *request)
{
	block_fill_iov(request, 0, (uint8_t *)request->block->image + request->offset,
		       request->bytes);
}

int memory_open(struct block *block, uint64_t bytes, struct err *err)
{
	void *pages = MAP_FAILED;

	if (bytes > 0 && bytes <= (uint64_t)1 << 44 && bytes % BLOCK_SECTOR_BYTES == 0)
		pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (pages == MAP_FAILED)
		return err_set(err, -ENOMEM, "there is no memory for an image of %llu bytes",
			       (unsigned long long)bytes);
	block->driver = &memory_driver;
	block->image = pages;
	block->size_bytes = bytes;
	return 0;
}
