// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A VMDK image made by somebody hostile, and a reader of it: the first byte says how many requests
 * there are, four bytes each, and the rest is the image.
 */
#include <assert.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bytes.h"
#include "block/driver.h"
#include "tests/lib/fake_aio.h"

enum {
	REQUESTS = 24,
	REQUEST_BYTES = 4,
	MEMORY_BYTES = 64 << 10,
};

struct work {
	struct block_request request;
	struct iovec iov;
	bool is_complete;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t memory[MEMORY_BYTES];

static void completed(struct block_request *request, int result)
{
	(void)result;
	container_of(request, struct work, request)->is_complete = true;
}

static void start(struct block *block, struct work *work, const uint8_t *code)
{
	uint64_t sectors = block_size_bytes(block) / BLOCK_SECTOR_BYTES;
	uint64_t count = code[3] % (MEMORY_BYTES / BLOCK_SECTOR_BYTES) + 1u;
	uint64_t first = (load_le16(code + 1) | (uint64_t)(code[0] >> 3) << 16) * 3;

	work->iov = (struct iovec){ memory, (size_t)count * BLOCK_SECTOR_BYTES };
	work->request = (struct block_request){
		.op = (enum block_op)((code[0] & 7) % (BLOCK_WRITE_ZEROES + 1)),
		.offset = first % sectors * BLOCK_SECTOR_BYTES,
		.iov = &work->iov,
		.iov_count = 1,
		.length = count * BLOCK_SECTOR_BYTES,
		.complete = completed,
	};
	block_start(block, &work->request);
}

static void use(int fd, const uint8_t *codes, size_t count)
{
	const struct block_options options = {
		.filename = "image", .fd = fd, .format = "vmdk", .read_only = true
	};
	struct work works[REQUESTS] = { 0 };
	struct block *block = block_open(&options, NULL, NULL);

	if (!block)
		return;
	for (size_t i = 0; i < count; i++)
		start(block, &works[i], codes + i * REQUEST_BYTES);
	block_drain(block);
	for (size_t i = 0; i < count; i++)
		assert(works[i].is_complete);
	block_close(block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t count = size ? data[0] % REQUESTS : 0, begin = 1 + count * REQUEST_BYTES;
	int fd;

	if (size <= begin)
		return 0;
	fake_aio_reset(1);
	fd = memfd_create("image", MFD_CLOEXEC);
	assert(fd >= 0 && write(fd, data + begin, size - begin) == (ssize_t)(size - begin));
	use(fd, data + 1, count);
	return 0;
}
