// SPDX-License-Identifier: GPL-2.0-or-later
/* The driver of images put together from pieces. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/log.h"
#include "block/composed.h"
#include "block/driver.h"

struct composed_image {
	struct composed composed;
	struct aio_file *files;
	bool *has_changed; /* by file; each is told of once */
};

/** A stretch of the image in one file, or in none. */
struct run {
	size_t bytes;
	uint32_t file;
	uint64_t offset;
	bool is_zero;
};

/** The first extent that ends behind 'offset'; their number if none does. */
static uint32_t find_extent(const struct composed *composed, uint64_t offset)
{
	uint32_t low = 0, high = composed->extent_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct composed_extent *extent = &composed->extents[middle];

		if (extent->start + extent->bytes <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct run find_run(const struct composed *composed, uint64_t offset, size_t limit)
{
	uint32_t index = find_extent(composed, offset);
	const struct composed_extent *extent = &composed->extents[index];
	bool is_last = index == composed->extent_count;
	uint64_t end = is_last ? UINT64_MAX : extent->start;

	if (!is_last && extent->start <= offset)
		return (struct run){
			.bytes = (size_t)min_u64(limit, extent->start + extent->bytes - offset),
			.file = extent->file,
			.offset = extent->offset + (offset - extent->start),
		};
	if (offset < composed->below_bytes)
		return (struct run){
			.bytes = (size_t)min_u64(limit,
						 min_u64(end, composed->below_bytes) - offset),
			.file = COMPOSED_BELOW,
			.offset = offset,
		};
	return (struct run){ .bytes = (size_t)min_u64(limit, end - offset), .is_zero = true };
}

/* Whether a file is still what it was. Reading goes by its descriptor: a new file of the same name
 * does no harm, the old one lives on as long as it is open. */
static int check_file(struct composed_image *image, uint32_t index)
{
	const struct composed_file *file = &image->composed.files[index];
	struct stat status;

	if (!file->is_checked)
		return 0;
	if (fstat(file->fd, &status) == 0 && (uint64_t)status.st_size == file->bytes &&
	    status.st_mtim.tv_sec == file->modified.tv_sec &&
	    status.st_mtim.tv_nsec == file->modified.tv_nsec)
		return 0;
	if (!image->has_changed[index])
		log_warning("'%s' has changed since the medium was made from it: the guest gets "
			    "read errors (insert it anew)",
			    file->name);
	image->has_changed[index] = true;
	return -EIO;
}

static void read_on(struct block *block, struct block_request *request);

static void run_was_read(struct aio_op *op, int result)
{
	struct block_request *request = container_of(op, struct block_request, io);
	struct composed_image *image = request->block->image;
	size_t index = (size_t)(op->file - image->files);

	if (result == 0)
		result = check_file(image, (uint32_t)index);
	if (result == 0 && request->done < request->bytes)
		read_on(request->block, request);
	else
		block_request_done(request, result);
}

/** From request->done on. */
static void read_on(struct block *block, struct block_request *request)
{
	struct composed_image *image = block->image;
	struct run run = { 0 };

	do {
		run = find_run(&image->composed, request->offset + request->done,
			       request->bytes - request->done);
		if (run.is_zero)
			block_zero_iov(request, request->done, run.bytes);
		else
			block_prepare_io(request, &image->files[run.file], AIO_READ, request->done,
					 run.bytes);
		request->done += run.bytes;
	} while (run.is_zero && request->done < request->bytes);
	if (run.is_zero) {
		/* The rest was zeros: an operation on nothing ends the request, later. */
		block_prepare_io(request, &image->files[COMPOSED_MEMORY], AIO_READ, request->done,
				 0);
		request->io.complete = run_was_read;
		aio_complete_later(block->aio, &request->io, 0);
		return;
	}
	request->io.offset = run.offset;
	request->io.complete = run_was_read;
	aio_submit(block->aio, &request->io);
}

static void start(struct block *block, struct block_request *request)
{
	if (request->op == BLOCK_READ) {
		read_on(block, request);
		return;
	}
	block_prepare_io(request, &((struct composed_image *)block->image)->files[0], AIO_READ, 0,
			 0);
	request->io.complete = run_was_read;
	aio_complete_later(block->aio, &request->io, request->op == BLOCK_FLUSH ? 0 : -EROFS);
}

static void image_free(struct composed_image *image)
{
	composed_finish(&image->composed);
	free(image->files);
	free(image->has_changed);
	free(image);
}

static void close_image(struct block *block)
{
	image_free(block->image);
}

static const struct block_driver composed_driver = {
	.start = start,
	.close = close_image,
};

int composed_open(struct block *block, struct composed *composed, struct err *err)
{
	struct composed_image *image = calloc(1, sizeof(*image));

	assert(composed->size_bytes > 0);
	if (image) {
		image->files = calloc(composed->file_count, sizeof(*image->files));
		image->has_changed = calloc(composed->file_count, sizeof(*image->has_changed));
	}
	if (!image || !image->files || !image->has_changed) {
		if (image)
			image_free(image);
		composed_finish(composed);
		return err_set(err, -ENOMEM, "no memory left to open '%s'", block->filename);
	}
	image->composed = *composed;
	*composed = (struct composed){ 0 };
	for (uint32_t i = 0; i < image->composed.file_count; i++)
		image->files[i] =
			(struct aio_file){ .fd = image->composed.files[i].fd, .direct_fd = -1 };
	block->image = image;
	block->driver = &composed_driver;
	block->size_bytes = image->composed.size_bytes;
	block->read_only = true;
	return 0;
}
