// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * VHD images (QEMU calls the format "vpc"): fixed and dynamic. Differencing ones are refused.
 *
 * A dynamic image has a table of blocks, which is kept in memory (256 KiB for 127 GiB), each with a
 * bitmap of the sectors that were ever written. Blocks that are made here have all bits set, and
 * zeros where nothing was written, so that bitmaps never change; images of others are made so when
 * they are opened for writing. A new block goes where the footer was, and a new footer behind it:
 * first these two, and the data; the table is written at a flush, after another flush. So at a
 * power cut the table never leads to a block that is not there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/err.h"
#include "block/aio_backend.h"
#include "block/driver.h"
#include "block/vpc_format.h"
#include "block/vpc_offline.h"

enum {
	TASKS = 16,
	ALL_ONES = 0xff,
};

enum task_stage {
	TASK_MOVES,     /* data of one block, or of a fixed image */
	TASK_BITMAP,    /* of a new block */
	TASK_FOOTER,    /* behind it */
	TASK_NEW_DATA,  /* and what is written to it */
	TASK_SYNC_DATA, /* a flush: data and blocks */
	TASK_TABLE,     /* then the table */
	TASK_SYNC_TABLE,
};

struct vpc_task {
	struct block_request part;
	struct iovec iov;
	struct block_request *request; /* NULL: free */
	enum task_stage stage;
	size_t bytes;
};

struct vpc {
	struct block *block, *file;
	uint8_t footer[VPC_FOOTER_BYTES];
	bool is_dynamic;
	uint64_t block_bytes, bitmap_bytes, table_offset;
	uint32_t entries;
	uint8_t *table; /* as on disk; whole sectors */
	size_t table_bytes;
	size_t dirty_begin, dirty_end; /* bytes of the table that the file does not have */
	uint64_t end;                  /* where the footer is, and the next block will be */
	bool is_changing; /* a block is being made, or the table written: one at a time */
	uint8_t *ones;    /* a bitmap */
	struct vpc_task tasks[TASKS];
	struct list_node waiting; /* requests, by io.node */
};

static void step(struct vpc *vpc, struct vpc_task *task);

/* Tasks */

static struct vpc_task *find_free_task(struct vpc *vpc)
{
	for (size_t i = 0; i < TASKS; i++)
		if (!vpc->tasks[i].request)
			return &vpc->tasks[i];
	return NULL;
}

static void begin(struct vpc *vpc, struct block_request *request)
{
	struct vpc_task *task = find_free_task(vpc);

	if (!task) {
		list_init(&request->io.node);
		list_append(&vpc->waiting, &request->io.node);
		return;
	}
	*task = (struct vpc_task){ .request = request };
	step(vpc, task);
}

/** Gives up the task; those that wait for one, or for changes, try again. */
static void give_up(struct vpc *vpc, struct vpc_task *task)
{
	struct list_node waiting = vpc->waiting;

	task->request = NULL;
	if (list_is_empty(&vpc->waiting))
		return;
	waiting.next->prev = waiting.prev->next = &waiting;
	list_init(&vpc->waiting);
	while (!list_is_empty(&waiting)) {
		struct block_request *next =
			container_of(waiting.next, struct block_request, io.node);

		list_remove(&next->io.node);
		begin(vpc, next);
	}
}

static void finish(struct vpc *vpc, struct vpc_task *task, int result)
{
	struct block_request *request = task->request;

	give_up(vpc, task);
	block_request_done(request, result);
}

/** To go on, from what is done, when changes have ended. */
static void wait_for_changes(struct vpc *vpc, struct vpc_task *task)
{
	list_init(&task->request->io.node);
	list_append(&vpc->waiting, &task->request->io.node);
	task->request = NULL;
}

static void part_done(struct block_request *part, int result);

static void start_part(struct vpc *vpc, struct vpc_task *task, enum block_op op, uint64_t offset,
		       const struct iovec *iov, unsigned count, size_t skip, size_t bytes)
{
	task->part = (struct block_request){
		.op = op,
		.offset = offset,
		.iov = iov,
		.iov_count = count,
		.skip = skip,
		.bytes = bytes,
		.complete = part_done,
	};
	block_start_part(vpc->file, &task->part);
}

static void start_own(struct vpc *vpc, struct vpc_task *task, uint64_t offset, void *data,
		      size_t bytes)
{
	task->iov = (struct iovec){ data, bytes };
	start_part(vpc, task, BLOCK_WRITE, offset, &task->iov, 1, 0, bytes);
}

/** The request's data from what is done on. */
static void start_data(struct vpc *vpc, struct vpc_task *task, uint64_t offset)
{
	const struct block_request *request = task->request;

	if (request->op == BLOCK_WRITE_ZEROES) {
		task->bytes = min_size(task->bytes, BLOCK_ZEROS_BYTES);
		start_part(vpc, task, BLOCK_WRITE, offset, block_zeros, BLOCK_ZEROS_PIECES, 0,
			   task->bytes);
	} else {
		start_part(vpc, task, request->op, offset, request->iov, request->iov_count,
			   request->skip + request->done, task->bytes);
	}
}

/* The table */

static uint64_t index_of(const struct vpc *vpc, const struct vpc_task *task)
{
	return (task->request->offset + task->request->done) / vpc->block_bytes;
}

/** Where a block's data lie in the file, 0 if it is not there. */
static uint64_t block_place(const struct vpc *vpc, uint64_t index)
{
	uint32_t sector = load_be32(vpc->table + index * VPC_ENTRY_BYTES);

	return sector == VPC_UNUSED ? 0 : (uint64_t)sector * BLOCK_SECTOR_BYTES + vpc->bitmap_bytes;
}

static void set_block(struct vpc *vpc, uint64_t index, uint64_t place)
{
	size_t at = (size_t)index * VPC_ENTRY_BYTES, sector = align_down(at, BLOCK_SECTOR_BYTES);

	store_be32(vpc->table + at, (uint32_t)(place / BLOCK_SECTOR_BYTES));
	if (vpc->dirty_begin == vpc->dirty_end) {
		vpc->dirty_begin = sector;
		vpc->dirty_end = sector;
	}
	vpc->dirty_begin = min_size(vpc->dirty_begin, sector);
	vpc->dirty_end = (size_t)max_u64(vpc->dirty_end, sector + BLOCK_SECTOR_BYTES);
}

static void end_change(struct vpc *vpc, struct vpc_task *task, int result)
{
	vpc->is_changing = false;
	finish(vpc, task, result);
}

static void make_block(struct vpc *vpc, struct vpc_task *task)
{
	if (vpc->is_changing) {
		wait_for_changes(vpc, task);
		return;
	}
	vpc->is_changing = true;
	task->stage = TASK_BITMAP;
	start_own(vpc, task, vpc->end, vpc->ones, vpc->bitmap_bytes);
}

static void start_flush(struct vpc *vpc, struct vpc_task *task)
{
	if (vpc->is_changing) {
		wait_for_changes(vpc, task);
		return;
	}
	vpc->is_changing = true;
	task->stage = TASK_SYNC_DATA;
	start_part(vpc, task, BLOCK_FLUSH, 0, NULL, 0, 0, 0);
}

/* Steps */

static bool writes_through(const struct block *block)
{
	return block->cache == BLOCK_CACHE_WRITETHROUGH || block->cache == BLOCK_CACHE_DIRECTSYNC;
}

static void step_block(struct vpc *vpc, struct vpc_task *task)
{
	struct block_request *request = task->request;
	uint64_t within = (request->offset + request->done) % vpc->block_bytes;
	uint64_t place = block_place(vpc, index_of(vpc, task));

	task->bytes = (size_t)min_u64(task->bytes, vpc->block_bytes - within);
	task->stage = TASK_MOVES;
	if (place != 0) {
		start_data(vpc, task, place + within);
	} else if (request->op == BLOCK_WRITE) {
		make_block(vpc, task);
	} else {
		/* Zeros are there already. Later, since nobody is called from within a start. */
		if (request->op == BLOCK_READ)
			block_zero_iov(request, request->done, task->bytes);
		start_part(vpc, task, BLOCK_READ, 0, NULL, 0, 0, 0);
	}
}

static void step(struct vpc *vpc, struct vpc_task *task)
{
	struct block_request *request = task->request;

	task->bytes = request->bytes - request->done;
	if (request->op == BLOCK_FLUSH)
		start_flush(vpc, task);
	else if (task->bytes == 0 && writes_through(vpc->block) &&
		 vpc->dirty_end > vpc->dirty_begin)
		start_flush(vpc, task);
	else if (task->bytes == 0)
		finish(vpc, task, 0);
	else if (request->op == BLOCK_DISCARD)
		start_part(vpc, task, BLOCK_READ, 0, NULL, 0, 0, 0); /* nothing to give back */
	else if (vpc->is_dynamic)
		step_block(vpc, task);
	else
		start_data(vpc, task, request->offset + request->done);
}

/** The next stage of making a block: bitmap, footer, data, table. */
static void block_goes_on(struct vpc *vpc, struct vpc_task *task)
{
	uint64_t within = (task->request->offset + task->request->done) % vpc->block_bytes;
	uint64_t data = vpc->end + vpc->bitmap_bytes;

	switch (task->stage) {
	case TASK_BITMAP:
		task->stage = TASK_FOOTER;
		start_own(vpc, task, data + vpc->block_bytes, vpc->footer, VPC_FOOTER_BYTES);
		break;
	case TASK_FOOTER:
		task->stage = TASK_NEW_DATA;
		start_data(vpc, task, data + within);
		break;
	default:
		set_block(vpc, index_of(vpc, task), vpc->end);
		vpc->end = data + vpc->block_bytes;
		vpc->is_changing = false;
		task->request->done += task->bytes;
		step(vpc, task);
		break;
	}
}

static void flush_goes_on(struct vpc *vpc, struct vpc_task *task)
{
	if (task->stage == TASK_SYNC_DATA && vpc->dirty_end > vpc->dirty_begin) {
		task->stage = TASK_TABLE;
		start_own(vpc, task, vpc->table_offset + vpc->dirty_begin,
			  vpc->table + vpc->dirty_begin, vpc->dirty_end - vpc->dirty_begin);
	} else if (task->stage == TASK_TABLE) {
		vpc->dirty_begin = vpc->dirty_end = 0;
		task->stage = TASK_SYNC_TABLE;
		start_part(vpc, task, BLOCK_FLUSH, 0, NULL, 0, 0, 0);
	} else {
		end_change(vpc, task, 0);
	}
}

static void part_done(struct block_request *part, int result)
{
	struct vpc_task *task = container_of(part, struct vpc_task, part);
	struct vpc *vpc = task->request->block->image;

	if (result < 0 && task->stage != TASK_MOVES) {
		end_change(vpc, task, result);
	} else if (result < 0) {
		finish(vpc, task, result);
	} else if (task->stage == TASK_MOVES) {
		task->request->done += task->bytes;
		step(vpc, task);
	} else if (task->stage < TASK_SYNC_DATA) {
		block_goes_on(vpc, task);
	} else {
		flush_goes_on(vpc, task);
	}
}

static void vpc_start(struct block *block, struct block_request *request)
{
	begin(block->image, request);
}

static void destroy(struct vpc *vpc)
{
	if (vpc->table)
		munmap(vpc->table, vpc->table_bytes);
	free(vpc->ones);
	block_close(vpc->file);
	free(vpc);
}

static void vpc_close(struct block *block)
{
	destroy(block->image);
}

static int vpc_claim(struct block *block, bool claimed, struct err *err)
{
	int result = claimed || block->read_only ? 0 : block_flush_now(block);

	if (result < 0)
		return err_set_errno(err, result, "'%s' cannot be written", block->filename);
	return block_claim(((struct vpc *)block->image)->file, claimed, err);
}

static const struct block_driver vpc_driver = {
	.start = vpc_start,
	.close = vpc_close,
	.claim = vpc_claim,
};

/* Opening */

static bool is_footer(const uint8_t *data)
{
	return memcmp(data, "conectix", 8) == 0 &&
	       load_be32(data + VPC_CHECKSUM) == vpc_checksum(data, VPC_FOOTER_BYTES, VPC_CHECKSUM);
}

/** Programs that let the geometry decide: Virtual PC, and QEMU unless it was told otherwise. */
static uint64_t find_size(const uint8_t *footer)
{
	uint64_t size = load_be64(footer + VPC_CURRENT_SIZE);
	uint64_t chs = (uint64_t)load_be16(footer + VPC_CYLINDERS) * footer[VPC_HEADS] *
		       footer[VPC_SECTORS] * BLOCK_SECTOR_BYTES;
	bool by_geometry = memcmp(footer + VPC_CREATOR, "vpc ", 4) == 0 ||
			   memcmp(footer + VPC_CREATOR, "vs  ", 4) == 0 ||
			   memcmp(footer + VPC_CREATOR, "qemu", 4) == 0;
	uint64_t most = UINT64_C(65535) * 16 * 255 * BLOCK_SECTOR_BYTES;

	return by_geometry && chs > 0 && chs < most && chs <= size ? chs : size;
}

static int read_table(struct vpc *vpc, uint64_t size, uint64_t file_bytes, struct err *err)
{
	uint8_t header[VPC_DYN_BYTES];
	uint64_t offset = load_be64(vpc->footer + VPC_DATA_OFFSET);
	int result = offset % BLOCK_SECTOR_BYTES || offset > file_bytes
			     ? -EINVAL
			     : block_read_now(vpc->file, offset, header, sizeof(header));

	if (result < 0 || memcmp(header, "cxsparse", 8) != 0 ||
	    load_be32(header + VPC_DYN_CHECKSUM) !=
		    vpc_checksum(header, VPC_DYN_BYTES, VPC_DYN_CHECKSUM))
		return err_set(err, -EINVAL, "its dynamic header makes no sense");
	vpc->table_offset = load_be64(header + VPC_DYN_TABLE_OFFSET);
	vpc->entries = load_be32(header + VPC_DYN_ENTRIES);
	vpc->block_bytes = load_be32(header + VPC_DYN_BLOCK_BYTES);
	if (!is_power_of_two(vpc->block_bytes) || vpc->block_bytes < VPC_BLOCK_BYTES_MIN ||
	    vpc->block_bytes > VPC_BLOCK_BYTES_MAX || vpc->entries > VPC_ENTRIES_MAX ||
	    vpc->entries < (size + vpc->block_bytes - 1) / vpc->block_bytes ||
	    vpc->table_offset % BLOCK_SECTOR_BYTES || vpc->table_offset > file_bytes)
		return err_set(err, -EINVAL, "its table of %u blocks of %llu bytes makes no sense",
			       vpc->entries, (unsigned long long)vpc->block_bytes);
	vpc->bitmap_bytes = align_up(vpc->block_bytes / BLOCK_SECTOR_BYTES / 8, BLOCK_SECTOR_BYTES);
	vpc->table_bytes = align_up((size_t)vpc->entries * VPC_ENTRY_BYTES, BLOCK_SECTOR_BYTES);
	vpc->table = mmap(NULL, vpc->table_bytes, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	vpc->ones = malloc(vpc->bitmap_bytes);
	if (vpc->table == MAP_FAILED || !vpc->ones) {
		vpc->table = NULL;
		return err_set(err, -ENOMEM, "no memory left for its table");
	}
	memset(vpc->ones, ALL_ONES, vpc->bitmap_bytes);
	result = block_read_now(vpc->file, vpc->table_offset, vpc->table, vpc->table_bytes);
	return result < 0 ? err_set_errno(err, result, "its table cannot be read") : 0;
}

/** Blocks must lie behind the table; the next comes behind all, in place of the footer. */
static int check_blocks(struct vpc *vpc, uint64_t file_bytes, struct err *err)
{
	uint8_t footer[VPC_FOOTER_BYTES];
	uint64_t last = align_down(file_bytes - 1, BLOCK_SECTOR_BYTES);

	vpc->end = align_up(file_bytes, BLOCK_SECTOR_BYTES);
	if (block_read_now(vpc->file, last, footer, sizeof(footer)) == 0 && is_footer(footer))
		vpc->end = last;
	for (uint32_t i = 0; i < vpc->entries; i++) {
		uint64_t place = block_place(vpc, i);

		if (place == 0)
			continue;
		if (place - vpc->bitmap_bytes < vpc->table_offset + vpc->table_bytes ||
		    place > align_up(file_bytes, BLOCK_SECTOR_BYTES))
			return err_set(err, -EINVAL, "its block %u lies where none can be", i);
		vpc->end = max_u64(vpc->end, place + vpc->block_bytes);
	}
	return 0;
}

/** Sectors that were never written become zeros, and count as written from then on. */
static int complete_block(struct vpc *vpc, uint64_t place, uint8_t *bitmap)
{
	static const uint8_t zeros[BLOCK_SECTOR_BYTES];
	uint64_t at = place - vpc->bitmap_bytes;
	int result = block_read_now(vpc->file, at, bitmap, vpc->bitmap_bytes);
	uint64_t sectors = vpc->block_bytes / BLOCK_SECTOR_BYTES;
	bool was_complete = true;

	for (uint64_t i = 0; result == 0 && i < sectors; i++) {
		if (bitmap[i / 8] << i % 8 & 0x80)
			continue;
		was_complete = false;
		result = block_write_now(vpc->file, place + i * BLOCK_SECTOR_BYTES, zeros,
					 BLOCK_SECTOR_BYTES);
	}
	if (result == 0 && !was_complete)
		result = block_flush_now(vpc->file);
	if (result == 0 && !was_complete)
		result = block_write_now(vpc->file, at, vpc->ones, vpc->bitmap_bytes);
	return result;
}

static int complete_blocks(struct vpc *vpc, struct err *err)
{
	uint8_t *bitmap = malloc(vpc->bitmap_bytes);
	int result = bitmap ? 0 : -ENOMEM;

	for (uint32_t i = 0; result == 0 && i < vpc->entries; i++)
		if (block_place(vpc, i) != 0)
			result = complete_block(vpc, block_place(vpc, i), bitmap);
	free(bitmap);
	return result < 0 ? err_set_errno(err, result, "its bitmaps cannot be read or written") : 0;
}

static int read_image(struct vpc *vpc, bool writing, uint64_t *size, struct err *err)
{
	bool is_file;
	uint64_t file_bytes = raw_data_bytes(vpc->file, &is_file);
	uint32_t type;
	int result = block_read_now(vpc->file, align_down(file_bytes - 1, BLOCK_SECTOR_BYTES),
				    vpc->footer, VPC_FOOTER_BYTES);

	/* A dynamic image has a copy at the beginning. In a fixed one the guest's first sector is
	 * there, which must not be believed. */
	if (result == 0 && !is_footer(vpc->footer)) {
		result = block_read_now(vpc->file, 0, vpc->footer, VPC_FOOTER_BYTES);
		if (load_be32(vpc->footer + VPC_TYPE) == VPC_FIXED)
			result = -EINVAL;
	}
	if (result < 0 || !is_footer(vpc->footer))
		return err_set(err, -EINVAL, "it is not a VHD image");
	type = load_be32(vpc->footer + VPC_TYPE);
	*size = align_down(find_size(vpc->footer), BLOCK_SECTOR_BYTES);
	if (type == VPC_DIFFERENCING)
		return err_set(err, -ENOTSUP,
			       "it is a differencing VHD, which is not supported; merge it with "
			       "its parent");
	if (type == VPC_FIXED) {
		if (*size == 0 || *size > file_bytes - VPC_FOOTER_BYTES)
			return err_set(err, -EINVAL, "it is shorter than its size");
		return 0;
	}
	if (type != VPC_DYNAMIC || *size == 0)
		return err_set(err, -EINVAL, "its type %u is not known", type);
	if (writing && !is_file)
		return err_set(err, -ENOTSUP,
			       "a dynamic VHD on a block device is not supported; use a file");
	vpc->is_dynamic = true;
	result = read_table(vpc, *size, file_bytes, err);
	if (result == 0)
		result = check_blocks(vpc, file_bytes, err);
	return result == 0 && writing ? complete_blocks(vpc, err) : result;
}

int vpc_open(struct block *block, const struct block_options *options,
	     const struct block_role *role, struct err *err)
{
	bool writing = !options->read_only && !options->is_cdrom;
	struct block_options file_options = *options;
	struct block_role file_role = { .owner = block->owner, .is_growable = true };
	struct vpc *vpc = calloc(1, sizeof(*vpc));
	int result = -EINVAL;

	(void)role;
	if (!vpc) {
		if (options->fd >= 0)
			close(options->fd);
		return err_set(err, -ENOMEM, "no memory left to open '%s'", block->filename);
	}
	list_init(&vpc->waiting);
	file_options.format = NULL;
	file_options.is_cdrom = false;
	file_options.read_only = !writing;
	file_options.write_error = file_options.read_error = BLOCK_ERROR_REPORT;
	vpc->block = block;
	vpc->file = block_open_as(&file_options, &file_role, aio_loop(block->aio), err);
	if (vpc->file) {
		result = read_image(vpc, writing, &block->size_bytes, err);
		if (result < 0)
			err_prefix(err, "'%s'", block->filename);
	}
	if (result < 0) {
		destroy(vpc);
		return result;
	}
	block->image = vpc;
	block->driver = &vpc_driver;
	block->read_only = !writing;
	return 0;
}
