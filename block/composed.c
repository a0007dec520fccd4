// SPDX-License-Identifier: GPL-2.0-or-later
#include "block/composed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/err.h"

int composed_init(struct composed *composed)
{
	*composed = (struct composed){ .file_count = 2 };
	composed->files = calloc(COMPOSED_MAX_FILES, sizeof(*composed->files));
	if (!composed->files)
		return -ENOMEM;
	for (size_t i = 0; i < COMPOSED_MAX_FILES; i++)
		composed->files[i].fd = -1;
	return 0;
}

void composed_finish(struct composed *composed)
{
	for (uint32_t i = 0; composed->files && i < composed->file_count; i++)
		if (composed->files[i].fd >= 0)
			close(composed->files[i].fd);
	free(composed->files);
	free(composed->extents);
	free(composed->memory);
	*composed = (struct composed){ 0 };
}

void composed_set_below(struct composed *composed, int fd, uint64_t bytes)
{
	struct composed_file *file = &composed->files[COMPOSED_BELOW];

	composed->below_bytes = bytes;
	*file = (struct composed_file){ .fd = fd, .bytes = bytes, .name = "the image below" };
}

static int add_extent(struct composed *composed, const struct composed_extent *extent,
		      struct err *err)
{
	uint32_t count = composed->extent_count;
	struct composed_extent *last = count ? &composed->extents[count - 1] : NULL;

	if (extent->bytes == 0)
		return 0;
	if (last && last->file == extent->file && last->start + last->bytes == extent->start &&
	    last->offset + last->bytes == extent->offset) {
		last->bytes += extent->bytes;
		return 0;
	}
	if (count == COMPOSED_MAX_EXTENTS)
		return err_set(err, -E2BIG, "the medium consists of too many pieces");
	if (count == 0 || (count >= 64 && is_power_of_two(count))) {
		size_t room = count ? 2 * (size_t)count : 64;
		struct composed_extent *extents =
			realloc(composed->extents, room * sizeof(*extents));

		if (!extents)
			return err_set(err, -ENOMEM, "no memory left for the medium");
		composed->extents = extents;
	}
	composed->extents[composed->extent_count++] = *extent;
	return 0;
}

/** Room for 'bytes' more, in steps that double. */
static int grow_memory(struct composed *composed, size_t bytes, struct err *err)
{
	size_t old = (size_t)align_up(composed->memory_bytes, 1 << 16);
	size_t room = (size_t)align_up(composed->memory_bytes + bytes, 1 << 16);
	uint8_t *memory;

	if (bytes > COMPOSED_MAX_MEMORY_BYTES - composed->memory_bytes)
		return err_set(err, -E2BIG,
			       "the medium's directories and small files take more "
			       "than %d MiB",
			       COMPOSED_MAX_MEMORY_BYTES >> 20);
	if (room == old && composed->memory)
		return 0;
	memory = realloc(composed->memory, room);
	if (!memory)
		return err_set(err, -ENOMEM, "no memory left for the medium");
	composed->memory = memory;
	return 0;
}

int composed_add_memory(struct composed *composed, uint64_t start, const void *data, size_t bytes,
			struct err *err)
{
	const struct composed_extent extent = { start, bytes, composed->memory_bytes,
						COMPOSED_MEMORY };
	int result = grow_memory(composed, bytes, err);

	if (result == 0)
		result = add_extent(composed, &extent, err);
	if (result < 0 || bytes == 0)
		return result;
	memcpy(composed->memory + composed->memory_bytes, data, bytes);
	composed->memory_bytes += bytes;
	return 0;
}

int composed_add_file(struct composed *composed, uint64_t start, const struct composed_file *file,
		      struct err *err)
{
	const struct composed_extent extent = { start, file->bytes, 0, composed->file_count };
	int result;

	if (composed->file_count == COMPOSED_MAX_FILES)
		return err_set(err, -EMFILE, "the medium consists of too many files");
	result = add_extent(composed, &extent, err);
	if (result == 0)
		composed->files[composed->file_count++] = *file;
	return result;
}

static int compare_extents(const void *a, const void *b)
{
	const struct composed_extent *left = a, *right = b;

	return left->start < right->start ? -1 : left->start > right->start;
}

static int write_memory(struct composed *composed, struct err *err)
{
	size_t done = 0;
	int fd = memfd_create("hvmdm-medium", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return err_set_errno(err, -errno, "no memory left for the medium");
	composed->files[COMPOSED_MEMORY] = (struct composed_file){ .fd = fd,
								   .bytes = composed->memory_bytes,
								   .name = "memory" };
	while (done < composed->memory_bytes) {
		ssize_t put = write(fd, composed->memory + done, composed->memory_bytes - done);

		if (put <= 0)
			return err_set_errno(err, put < 0 ? -errno : -EIO,
					     "no memory left for the medium");
		done += (size_t)put;
	}
	fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	free(composed->memory);
	composed->memory = NULL;
	return 0;
}

int composed_seal(struct composed *composed, uint64_t size_bytes, struct err *err)
{
	if (composed->extent_count)
		qsort(composed->extents, composed->extent_count, sizeof(*composed->extents),
		      compare_extents);
	for (uint32_t i = 0; i < composed->extent_count; i++) {
		const struct composed_extent *extent = &composed->extents[i];
		uint64_t end = i + 1 < composed->extent_count ? extent[1].start : size_bytes;

		if (!range_fits(extent->start, extent->bytes, end))
			return err_set(err, -EINVAL, "pieces of the medium overlap");
	}
	composed->size_bytes = size_bytes;
	return write_memory(composed, err);
}
