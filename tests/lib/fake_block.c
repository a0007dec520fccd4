// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/lib/fake_block.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"

struct block {
	uint8_t *bytes;
	size_t size;
	bool empty, read_only, hold;
	struct list_node waiting, held;
	unsigned started, flushes, last_pieces;
	size_t last_bytes;
	int error;
	unsigned errors_left;
	struct block_stats stats;
};

static struct block *create(size_t bytes, bool empty)
{
	struct block *block = calloc(1, sizeof(*block));

	if (!block)
		abort();
	block->bytes = calloc(1, bytes ? bytes : 1);
	if (!block->bytes)
		abort();
	block->size = bytes;
	block->empty = empty;
	list_init(&block->waiting);
	list_init(&block->held);
	return block;
}

struct block *fake_block_create(size_t bytes)
{
	return create(bytes, false);
}

struct block *fake_block_create_empty(void)
{
	return create(0, true);
}

uint8_t *fake_block_bytes(struct block *block)
{
	return block->bytes;
}

void fake_block_set_read_only(struct block *block, bool read_only)
{
	block->read_only = read_only;
}

static unsigned count_nodes(const struct list_node *head)
{
	unsigned count = 0;

	for (const struct list_node *node = head->next; node != head; node = node->next)
		count++;
	return count;
}

unsigned fake_block_waiting(const struct block *block)
{
	return count_nodes(&block->waiting);
}

unsigned fake_block_started(const struct block *block)
{
	return block->started;
}

unsigned fake_block_flushes(const struct block *block)
{
	return block->flushes;
}

size_t fake_block_last_bytes(const struct block *block)
{
	return block->last_bytes;
}

unsigned fake_block_last_pieces(const struct block *block)
{
	return block->last_pieces;
}

void fake_block_fail(struct block *block, int error, unsigned count)
{
	block->error = error;
	block->errors_left = count;
}

void fake_block_hold(struct block *block, bool hold)
{
	block->hold = hold;
}

static size_t total_bytes(const struct block_request *request)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < request->iov_count; i++)
		bytes += request->iov[i].iov_len;
	return bytes;
}

static int move(struct block *block, const struct block_request *request)
{
	size_t offset = (size_t)request->offset;

	if (request->op == BLOCK_FLUSH) {
		block->flushes++;
		return 0;
	}
	/* The drive must have checked the range: a real image would answer -EIO. */
	if (!range_fits(request->offset, request->bytes, block->size))
		abort();
	if (request->op == BLOCK_DISCARD)
		memset(block->bytes + offset, 0, request->bytes);
	for (unsigned i = 0; i < request->iov_count; i++) {
		const struct iovec *iov = &request->iov[i];

		if (request->op == BLOCK_READ)
			memcpy(iov->iov_base, block->bytes + offset, iov->iov_len);
		else
			memcpy(block->bytes + offset, iov->iov_base, iov->iov_len);
		offset += iov->iov_len;
	}
	return 0;
}

bool fake_block_complete(struct block *block)
{
	struct block_request *request;
	int result;

	if (list_is_empty(&block->waiting))
		return false;
	request = container_of(block->waiting.next, struct block_request, node);
	list_remove(&request->node);
	if (block->empty) {
		result = -ENOMEDIUM;
	} else if (block->errors_left > 0) {
		block->errors_left--;
		result = block->error;
	} else {
		result = move(block, request);
	}
	request->complete(request, result);
	return true;
}

void fake_block_complete_all(struct block *block)
{
	while (fake_block_complete(block))
		;
}

void block_start(struct block *block, struct block_request *request)
{
	request->block = block;
	request->bytes = request->op == BLOCK_DISCARD ? request->length : total_bytes(request);
	block->started++;
	block->last_bytes = request->bytes;
	block->last_pieces = request->iov_count;
	list_init(&request->node);
	list_append(block->hold ? &block->held : &block->waiting, &request->node);
}

void block_drain(struct block *block)
{
	fake_block_complete_all(block);
}

void block_retry(struct block *block)
{
	while (!list_is_empty(&block->held)) {
		struct list_node *node = block->held.next;

		list_remove(node);
		list_append(&block->waiting, node);
	}
}

void block_cancel_held(struct block *block)
{
	while (!list_is_empty(&block->held)) {
		struct block_request *request =
			container_of(block->held.next, struct block_request, node);

		list_remove(&request->node);
		request->complete(request, -ECANCELED);
	}
}

void block_close(struct block *block)
{
	if (!block)
		return;
	block_cancel_held(block);
	block_drain(block);
	free(block->bytes);
	free(block);
}

bool block_is_empty(const struct block *block)
{
	return block->empty;
}

uint64_t block_size_bytes(const struct block *block)
{
	return block->size;
}

bool block_is_read_only(const struct block *block)
{
	return block->read_only;
}

bool block_discard_is_deterministic(const struct block *block)
{
	(void)block;
	return true;
}

void block_get_stats(const struct block *block, struct block_stats *stats)
{
	*stats = block->stats;
}

int block_read_now(struct block *block, uint64_t offset, void *data, size_t length)
{
	if (!range_fits(offset, length, block->size))
		return -EIO;
	memcpy(data, block->bytes + offset, length);
	return 0;
}

int block_flush_now(struct block *block)
{
	block->flushes++;
	return 0;
}
