// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * snapshot=on: an overlay that takes all writes and vanishes with the process. It is an unlinked
 * sparse file with every sector at its own place, and one bit a sector that says where the sector
 * is. With bits as fine as the guest's writes nothing is ever copied up. The bits lie in memory
 * that costs nothing until it is set: 4 KiB for each 16 MiB of the disk that is written to.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/err.h"
#include "block/driver.h"

enum {
	READS = 32, /* at a time, of the base; more wait */
};

/** A read of the base on behalf of a request. */
struct base_read {
	struct block_request part;
	struct block_request *request; /* NULL: free */
};

struct cow {
	struct block *base;
	struct aio_file overlay;
	uint8_t *bits; /* one a sector; mapped, not allocated */
	size_t bits_bytes;
	struct base_read reads[READS];
	struct list_node waiting; /* requests, by io.node */
};

static bool is_in_overlay(const struct cow *cow, uint64_t sector)
{
	return cow->bits[sector / 8] >> (sector % 8) & 1;
}

static void mark_in_overlay(struct cow *cow, uint64_t sector, uint64_t count)
{
	for (uint64_t end = sector + count; sector < end; sector++)
		cow->bits[sector / 8] |= (uint8_t)(1u << (sector % 8));
}

/* The bytes from 'offset' on, at most 'limit', that lie in the same file. */
static size_t run_bytes(const struct cow *cow, uint64_t offset, size_t limit)
{
	uint64_t sector = offset / BLOCK_SECTOR_BYTES;
	bool in_overlay = is_in_overlay(cow, sector);
	size_t bytes = BLOCK_SECTOR_BYTES;

	while (bytes < limit && is_in_overlay(cow, ++sector) == in_overlay)
		bytes += BLOCK_SECTOR_BYTES;
	return bytes;
}

static void read_run(struct block *block, struct block_request *request);

static void run_was_read(struct block_request *request, int result)
{
	if (result == 0 && request->done < request->bytes)
		read_run(request->block, request);
	else
		block_request_done(request, result);
}

static void overlay_was_read(struct aio_op *op, int result)
{
	run_was_read(container_of(op, struct block_request, io), result);
}

static void base_was_read(struct block_request *part, int result)
{
	struct base_read *read = container_of(part, struct base_read, part);
	struct block_request *request = read->request;
	struct cow *cow = request->block->image;

	read->request = NULL;
	if (!list_is_empty(&cow->waiting)) {
		struct block_request *next =
			container_of(cow->waiting.next, struct block_request, io.node);

		list_remove(&next->io.node);
		read_run(next->block, next);
	}
	run_was_read(request, result);
}

static struct base_read *find_free_read(struct cow *cow)
{
	for (size_t i = 0; i < READS; i++)
		if (!cow->reads[i].request)
			return &cow->reads[i];
	return NULL;
}

static void read_base(struct cow *cow, struct block_request *request, size_t bytes)
{
	struct base_read *read = find_free_read(cow);

	if (!read) {
		list_append(&cow->waiting, &request->io.node);
		return;
	}
	read->request = request;
	read->part = (struct block_request){
		.op = BLOCK_READ,
		.offset = request->offset + request->done,
		.iov = request->iov,
		.iov_count = request->iov_count,
		.skip = request->skip + request->done,
		.bytes = bytes,
		.complete = base_was_read,
	};
	request->done += bytes;
	block_start_part(cow->base, &read->part);
}

/* Reads the next run, from request->done on. */
static void read_run(struct block *block, struct block_request *request)
{
	struct cow *cow = block->image;
	uint64_t offset = request->offset + request->done;
	size_t bytes = run_bytes(cow, offset, request->bytes - request->done);

	if (!is_in_overlay(cow, offset / BLOCK_SECTOR_BYTES)) {
		read_base(cow, request, bytes);
		return;
	}
	block_prepare_io(request, &cow->overlay, AIO_READ, request->done, bytes);
	request->io.complete = overlay_was_read;
	request->done += bytes;
	aio_submit(block->aio, &request->io);
}

static void written(struct aio_op *op, int result)
{
	struct block_request *request = container_of(op, struct block_request, io);

	if (result == 0)
		mark_in_overlay(request->block->image, request->offset / BLOCK_SECTOR_BYTES,
				request->bytes / BLOCK_SECTOR_BYTES);
	block_request_done(request, result);
}

static void zeros_written(struct aio_op *op, int result);

/** From request->done on. */
static void write_zeros(struct block *block, struct block_request *request)
{
	const struct cow *cow = block->image;
	size_t bytes = min_size(request->bytes - request->done, BLOCK_ZEROS_BYTES);

	block_prepare_io(request, &cow->overlay, AIO_WRITE, 0, bytes);
	request->io.offset = request->offset + request->done;
	request->io.iov = block_zeros;
	request->io.iov_count = BLOCK_ZEROS_PIECES;
	request->io.complete = zeros_written;
	request->done += bytes;
	aio_submit(block->aio, &request->io);
}

static void zeros_written(struct aio_op *op, int result)
{
	struct block_request *request = container_of(op, struct block_request, io);

	if (result == 0 && request->done < request->bytes)
		write_zeros(request->block, request);
	else
		written(op, result);
}

static void cow_start(struct block *block, struct block_request *request)
{
	const struct cow *cow = block->image;

	switch (request->op) {
	case BLOCK_READ:
		read_run(block, request);
		break;
	case BLOCK_WRITE:
		block_prepare_io(request, &cow->overlay, AIO_WRITE, 0, request->bytes);
		request->io.complete = written;
		aio_submit(block->aio, &request->io);
		break;
	case BLOCK_WRITE_ZEROES:
		write_zeros(block, request);
		break;
	case BLOCK_DISCARD: /* what the base holds cannot be given back */
	case BLOCK_FLUSH:   /* nothing of it outlives the process */
		block_prepare_io(request, &cow->overlay, AIO_SYNC, 0, 0);
		aio_complete_later(block->aio, &request->io, 0);
		break;
	}
}

static void cow_close(struct block *block)
{
	struct cow *cow = block->image;

	munmap(cow->bits, cow->bits_bytes);
	close(cow->overlay.fd);
	block_close(cow->base);
	free(cow);
}

static bool cow_advance(struct block *block)
{
	struct block *base = ((struct cow *)block->image)->base;

	return base->driver->advance && base->driver->advance(base);
}

static int cow_claim(struct block *block, bool claimed, struct err *err)
{
	return block_claim(((struct cow *)block->image)->base, claimed, err);
}

static const struct block_driver cow_driver = {
	.start = cow_start,
	.claim = cow_claim,
	.advance = cow_advance,
	.close = cow_close,
};

static int open_overlay(const char *directory)
{
	char path[256];
	int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	if (snprintf(path, sizeof(path), "%s/hvmdm-XXXXXX", directory) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	unlink(path);
	return fd;
}

int cow_open(struct block *block, struct block *base, struct err *err)
{
	const char *directory = getenv("TMPDIR") ? getenv("TMPDIR") : "/var/tmp";
	struct cow *cow = calloc(1, sizeof(*cow));

	if (!cow)
		return err_set(err, -ENOMEM, "no memory left for the snapshot of '%s'",
			       block->filename);
	cow->base = base;
	list_init(&cow->waiting);
	cow->overlay.direct_fd = -1;
	cow->overlay.fd = open_overlay(directory);
	if (cow->overlay.fd < 0) {
		err_set_errno(err, cow->overlay.fd, "cannot make the snapshot of '%s' in %s",
			      block->filename, directory);
		goto no_file;
	}
	cow->bits_bytes = align_up(base->size_bytes / BLOCK_SECTOR_BYTES, 8) / 8;
	cow->bits = mmap(NULL, cow->bits_bytes, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (cow->bits == MAP_FAILED) {
		err_set_errno(err, -errno, "no memory left for the snapshot of '%s'",
			      block->filename);
		goto no_bits;
	}
	block->image = cow;
	block->driver = &cow_driver;
	block->is_temporary = true;
	block->size_bytes = base->size_bytes;
	block->read_only = false;
	return 0;

no_bits:
	close(cow->overlay.fd);
no_file:
	free(cow);
	return -ENOMEM;
}
