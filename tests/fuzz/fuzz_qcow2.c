// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A qcow2 image made by somebody hostile, and a guest that uses it: the first byte says how many
 * requests there are, four bytes each, and the rest is the image. Afterwards it is checked and
 * repaired, and its snapshots are listed, applied and deleted. Backing files are named in headers,
 * but not opened: they would be files of this host.
 */
#include <assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/err.h"
#include "block/image.h"
#include "block/qcow2.h"
#include "tests/lib/fake_aio.h"

enum {
	REQUESTS = 24,
	REQUEST_BYTES = 4,
	MEMORY_BYTES = 64 << 10,
	FILE_BYTES_MAX = 16 << 20,
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

/** Three bits of operation, the rest of the first byte and the others where and how much. */
static void start(struct block *block, struct work *work, const uint8_t *code)
{
	static const enum block_op ops[] = { BLOCK_READ,  BLOCK_WRITE,   BLOCK_WRITE,
					     BLOCK_FLUSH, BLOCK_DISCARD, BLOCK_WRITE_ZEROES,
					     BLOCK_READ,  BLOCK_WRITE };
	uint64_t sectors = block_size_bytes(block) / BLOCK_SECTOR_BYTES;
	uint64_t count = code[3] % (MEMORY_BYTES / BLOCK_SECTOR_BYTES) + 1u;
	uint64_t first = (load_le16(code + 1) | (uint64_t)(code[0] >> 3) << 16) * 3;

	work->iov = (struct iovec){ memory, (size_t)count * BLOCK_SECTOR_BYTES };
	work->request = (struct block_request){
		.op = ops[code[0] & 7],
		.offset = (sectors ? first % sectors : first) * BLOCK_SECTOR_BYTES,
		.iov = &work->iov,
		.iov_count = 1,
		.length = count * BLOCK_SECTOR_BYTES,
		.complete = completed,
	};
	block_start(block, &work->request);
}

static void use(int fd, const uint8_t *codes, size_t count)
{
	const struct block_options options = { .filename = "image",
					       .fd = dup(fd),
					       .format = "qcow2",
					       .discard = true,
					       .metadata_bytes = 1 };
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

static void look(int fd, unsigned choice)
{
	struct image_snapshot *snapshots;
	struct image_check check;
	struct image_info info;
	char path[32];
	int count;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	image_get_info(path, "qcow2", &info, NULL, NULL);
	image_check(path, "qcow2", choice % 3, &check, NULL, NULL);
	count = image_list_snapshots(path, "qcow2", &snapshots, NULL, NULL);
	if (count > 0)
		image_snapshot(path, "qcow2", choice % 3, snapshots[0].name, NULL, NULL);
	if (choice & 4)
		image_snapshot(path, "qcow2", IMAGE_SNAPSHOT_CREATE, "new", NULL, NULL);
	if (choice & 8)
		image_resize(path, "qcow2", info.size_bytes + (1 << 20), false, NULL, NULL);
	free(snapshots);
	/* What has been repaired is whole. */
	if (image_check(path, "qcow2", IMAGE_REPAIR_ALL, &check, NULL, NULL) == 0 &&
	    check.errors == 0) {
		assert(image_check(path, "qcow2", IMAGE_REPAIR_NOTHING, &check, NULL, NULL) == 0);
		assert(check.errors + check.leaks == 0);
	}
}

static void limit_files(void)
{
	struct rlimit limit = { FILE_BYTES_MAX, FILE_BYTES_MAX };

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t count = size ? data[0] % REQUESTS : 0, begin = 1 + count * REQUEST_BYTES;
	uint8_t no_backing[12] = { 0 };
	struct qcow2_header header;
	int fd;

	if (size < begin + QCOW2_HEADER_MAX_BYTES)
		return 0;
	limit_files();
	fake_aio_reset(1);
	qcow2_header_parse(&header, data + begin, size - begin, NULL);
	fd = memfd_create("image", MFD_CLOEXEC);
	assert(fd >= 0 && write(fd, data + begin, size - begin) == (ssize_t)(size - begin));
	assert(pwrite(fd, no_backing, sizeof(no_backing), QCOW2_BACKING_OFFSET) ==
	       sizeof(no_backing));
	use(fd, data + 1, count);
	look(fd, data[0] >> 4);
	close(fd);
	return 0;
}
