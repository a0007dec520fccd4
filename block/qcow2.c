// SPDX-License-Identifier: GPL-2.0-or-later
#include "block/qcow2.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/log.h"
#include "block/aio_backend.h"
#include "block/qcow2_offline.h"

enum {
	HEADER_BYTES = 64 << 10, /* in which header, extensions and the backing file's name lie */
	BACKING_CACHE_BYTES = 256 << 10,
	CLOSE_TRIES = 100000,
};

/* Closing */

static void free_workspaces(struct qcow2 *image)
{
	for (size_t i = 0; i < QCOW2_WORKSPACES; i++)
		if (image->workspaces[i].memory)
			munmap(image->workspaces[i].memory, 3 * image->cluster_bytes);
}

static void destroy(struct qcow2 *image)
{
	qcow2_cache_finish(image);
	free_workspaces(image);
	free(image->freed);
	block_close(image->backing);
	block_close(image->file);
	free(image);
}

/** Tables are written, and clusters that are free are counted as free. */
static int settle(struct block *block)
{
	struct qcow2 *image = block->image;
	int result = 0;

	for (unsigned i = 0; i < CLOSE_TRIES && result == 0; i++) {
		qcow2_moved_on(image);
		while (qcow2_advance(block))
			;
		if (qcow2_is_clean(image) && (image->freed_count == 0 || image->is_corrupt))
			return 0;
		result = block_flush_now(block);
	}
	return result;
}

static void qcow2_close(struct block *block)
{
	struct qcow2 *image = block->image;
	int result = block->read_only ? 0 : settle(block);

	if (result < 0)
		log_error("'%s' was closed with tables that could not be written: %s",
			  block->filename, strerror(-result));
	while (image->is_kicked || image->punch_clusters > 0)
		aio_wait(block->aio, block->owner);
	if (image->is_corrupt && !image->is_given_away && !block->read_only &&
	    image->header.version >= 3) {
		image->header.incompatible |= QCOW2_CORRUPT;
		qcow2_header_update(image->file, &image->header);
	}
	destroy(image);
}

/** Another process may have had the image: nothing that is remembered of it need be true. */
static void forget_all(struct qcow2 *image)
{
	for (size_t i = 0; i < image->cache.count; i++)
		if (image->cache.pages[i].state == QCOW2_PAGE_READY)
			qcow2_cache_forget(image, image->cache.pages[i].offset,
					   image->cache.page_bytes);
	image->next_cluster = 0;
	image->fresh_from = UINT64_MAX;
}

static int qcow2_claim(struct block *block, bool claimed, struct err *err)
{
	struct qcow2 *image = block->image;
	int result = 0;

	if (!claimed && !block->read_only)
		result = settle(block);
	if (result < 0)
		return err_set_errno(err, result, "the tables of '%s' cannot be written",
				     block->filename);
	if (claimed)
		forget_all(image);
	result = block_claim(image->file, claimed, err);
	if (result == 0 && image->backing)
		result = block_claim(image->backing, claimed, err);
	image->is_given_away = !claimed;
	return result;
}

static const struct block_driver qcow2_driver = {
	.start = qcow2_start,
	.claim = qcow2_claim,
	.close = qcow2_close,
	.advance = qcow2_advance,
};

/* Opening */

static int no_memory(const struct block *block, struct err *err)
{
	return err_set(err, -ENOMEM, "no memory left to open '%s'", block->filename);
}

static int make_memory(struct qcow2 *image, size_t cache_bytes)
{
	list_init(&image->free);
	list_init(&image->blocked);
	list_init(&image->ready);
	list_init(&image->finished);
	list_init(&image->waiting);
	for (size_t i = 0; i < QCOW2_WORKSPACES; i++) {
		uint8_t *memory = mmap(NULL, 3 * image->cluster_bytes, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (memory == MAP_FAILED)
			return -ENOMEM;
		image->workspaces[i].memory = memory;
	}
	image->freed = calloc(QCOW2_FREED_MAX, sizeof(*image->freed));
	if (!image->freed)
		return -ENOMEM;
	if (qcow2_cache_init(image, cache_bytes) < 0)
		return -ENOMEM;
	/* No more tasks than have all their pages in the cache: one would push out what another has
	 * just loaded, for ever. */
	for (size_t i = 0; i < min_size(QCOW2_TASKS, image->cache.count / QCOW2_STEP_PAGES); i++) {
		image->tasks[i].image = image;
		list_append(&image->free, &image->tasks[i].node);
	}
	return 0;
}

static int read_header(struct qcow2 *image, struct err *err)
{
	uint8_t *data = calloc(1, HEADER_BYTES);
	int result = data ? block_read_now(image->file, 0, data, HEADER_BYTES) : -ENOMEM;

	if (result < 0)
		err_set_errno(err, result, "its header cannot be read");
	else
		result = qcow2_header_parse(&image->header, data, HEADER_BYTES, err);
	free(data);
	return result;
}

/** What must be done or not be there before an image is written to. */
static int prepare_writing(struct qcow2 *image, struct err *err)
{
	struct qcow2_header *header = &image->header;
	struct image_check check = { 0 };
	int result = 0;

	if (header->incompatible & QCOW2_CORRUPT)
		return err_set(err, -EROFS,
			       "it is marked corrupt; repair it with 'hvm disk check --repair'");
	/* Its last user was lazy about refcounts, and did not come to write them. */
	if (header->incompatible & QCOW2_DIRTY)
		result = qcow2_check(image->file, IMAGE_REPAIR_ALL, &check, err);
	if (result < 0)
		return result;
	if (check.errors > 0)
		return err_set(err, -EROFS,
			       "it was not closed by its last user, and cannot be repaired");
	if (header->incompatible & QCOW2_DIRTY)
		result = read_header(image, err);
	if (result < 0)
		return result;
	if (header->autoclear != 0) {
		/* What these features describe will not be true any more. */
		header->autoclear = 0;
		result = qcow2_header_update(image->file, header);
	}
	if (result == 0)
		result = qcow2_widen_reftable(image->file, header);
	return result < 0 ? err_set_errno(err, result, "its header cannot be written") : 0;
}

/** The name of the backing file as it is to be opened: relative to the image. Owned by the caller.
 */
static char *backing_path(const struct block *block, const char *name)
{
	const char *slash = strrchr(block->filename, '/');
	size_t prefix = slash && name[0] != '/' ? (size_t)(slash - block->filename) + 1 : 0;
	char *path = malloc(prefix + strlen(name) + 1);

	if (!path)
		return NULL;
	memcpy(path, block->filename, prefix);
	strcpy(path + prefix, name);
	return path;
}

static int open_backing(struct block *block, struct qcow2 *image, const struct block_role *role,
			struct err *err)
{
	const char *name = image->header.backing_file, *format = image->header.backing_format;
	struct block_options options = {
		.fd = -1,
		.format = *format ? format : NULL,
		.read_only = true,
		.cache = block->cache,
		.metadata_bytes = BACKING_CACHE_BYTES,
	};
	struct block_role backing = { .owner = block->owner, .depth = role->depth + 1 };
	char *path;

	if (strncmp(name, "file:", 5) == 0)
		name += 5;
	if (strchr(name, ':') && strcspn(name, ":") < strcspn(name, "/"))
		return err_set(err, -ENOTSUP, "its backing file '%.64s' is not a file of this host",
			       name);
	if (backing.depth > QCOW2_CHAIN_MAX)
		return err_set(err, -ELOOP,
			       "the chain of backing files at '%s' has more than %d, or goes in a "
			       "circle",
			       block->filename, QCOW2_CHAIN_MAX);
	if (!*format)
		log_warning("'%s' does not name the format of its backing file '%s': it is read as "
			    "raw",
			    block->filename, name);
	path = backing_path(block, name);
	if (!path)
		return no_memory(block, err);
	options.filename = path;
	image->backing = block_open_as(&options, &backing, aio_loop(block->aio), err);
	free(path);
	/* Once is enough: the name of the one in the chain that fails is there. */
	if (!image->backing && role->depth == 0)
		err_prefix(err, "'%s'", block->filename);
	return image->backing ? 0 : -EINVAL;
}

static int open_file(struct block *block, struct qcow2 *image, const struct block_options *options,
		     bool writing, struct err *err)
{
	struct block_options file_options = *options;
	struct block_role role = { .owner = block->owner, .is_growable = true };

	file_options.format = NULL;
	file_options.is_cdrom = file_options.snapshot = false;
	file_options.read_only = !writing;
	file_options.discard = true;
	file_options.write_error = file_options.read_error = BLOCK_ERROR_REPORT;
	image->file = block_open_as(&file_options, &role, aio_loop(block->aio), err);
	return image->file ? 0 : -EINVAL;
}

static int set_up(struct block *block, struct qcow2 *image, const struct block_options *options,
		  const struct block_role *role, bool writing, struct err *err)
{
	uint64_t file_bytes;
	bool is_file;
	int result = read_header(image, err);

	if (result == 0 && writing)
		result = prepare_writing(image, err);
	if (result < 0) {
		err_prefix(err, "'%s'", block->filename);
		return result;
	}
	image->cluster_bytes = BIT64(image->header.cluster_bits);
	if (make_memory(image, options->metadata_bytes ? options->metadata_bytes
						       : (size_t)QCOW2_CACHE_BYTES) < 0)
		return no_memory(block, err);
	file_bytes = raw_data_bytes(image->file, &is_file);
	image->fresh_from = is_file ? align_up(file_bytes, image->cluster_bytes) : UINT64_MAX;
	return *image->header.backing_file ? open_backing(block, image, role, err) : 0;
}

int qcow2_open(struct block *block, const struct block_options *options,
	       const struct block_role *role, struct err *err)
{
	bool writing = !options->read_only && !options->is_cdrom;
	struct qcow2 *image = calloc(1, sizeof(*image));
	int result;

	if (!image) {
		if (options->fd >= 0)
			close(options->fd);
		return no_memory(block, err);
	}
	image->block = block;
	result = open_file(block, image, options, writing, err);
	if (result == 0)
		result = set_up(block, image, options, role, writing, err);
	if (result < 0) {
		destroy(image);
		return result;
	}
	block->image = image;
	block->driver = &qcow2_driver;
	block->read_only = !writing;
	block->size_bytes = options->is_cdrom
				    ? align_down(image->header.size_bytes, BLOCK_CD_SECTOR_BYTES)
				    : align_up(image->header.size_bytes, BLOCK_SECTOR_BYTES);
	return 0;
}
