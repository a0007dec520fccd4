// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A directory, kept in memory, leads to grain tables of 2 KiB, these to grains. A task keeps the
 * table and the unpacked grain that it used last: whoever reads in order reads each once.
 */
#include "block/vmdk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/err.h"
#include "block/aio_backend.h"
#include "block/vmdk_format.h"

enum {
	TASKS = 4,
	TABLE_BYTES = VMDK_TABLE_ENTRIES_KNOWN * VMDK_ENTRY_BYTES,
	SPARE_BYTES = 4096, /* by which noise grows when it is compressed, marker included */
};

enum task_stage {
	TASK_DATA, /* of a grain as it is, or nothing */
	TASK_TABLE,
	TASK_PACKED,
};

struct vmdk_task {
	struct block_request part;
	struct iovec iov;
	struct block_request *request; /* NULL: free */
	enum task_stage stage;
	size_t bytes;
	uint64_t table_index, grain_index; /* plus one, of what is here; 0: nothing */
	uint8_t table[TABLE_BYTES];
	uint8_t *packed, *grain; /* one behind the other */
	size_t grain_bytes;
	struct aio_op call;
};

struct vmdk {
	struct block *block, *file;
	uint64_t grain_bytes;
	uint32_t flags;
	uint32_t *directory; /* as on disk */
	size_t directory_bytes;
	uint64_t entries;
	struct vmdk_task tasks[TASKS];
	struct list_node waiting; /* requests, by io.node */
};

static void step(struct vmdk *vmdk, struct vmdk_task *task);

/* Tasks */

static struct vmdk_task *find_free_task(struct vmdk *vmdk)
{
	for (size_t i = 0; i < TASKS; i++)
		if (!vmdk->tasks[i].request)
			return &vmdk->tasks[i];
	return NULL;
}

static void begin(struct vmdk *vmdk, struct block_request *request)
{
	struct vmdk_task *task = find_free_task(vmdk);

	if (!task) {
		list_init(&request->io.node);
		list_append(&vmdk->waiting, &request->io.node);
		return;
	}
	task->request = request;
	step(vmdk, task);
}

static void finish(struct vmdk *vmdk, struct vmdk_task *task, int result)
{
	struct block_request *request = task->request;

	task->request = NULL;
	if (!list_is_empty(&vmdk->waiting)) {
		struct block_request *next =
			container_of(vmdk->waiting.next, struct block_request, io.node);

		list_remove(&next->io.node);
		begin(vmdk, next);
	}
	block_request_done(request, result);
}

static void part_done(struct block_request *part, int result);

static void start_read(struct vmdk *vmdk, struct vmdk_task *task, enum task_stage stage,
		       uint64_t offset, const struct iovec *iov, unsigned count, size_t skip,
		       size_t bytes)
{
	task->stage = stage;
	task->part = (struct block_request){
		.op = BLOCK_READ,
		.offset = offset,
		.iov = iov,
		.iov_count = count,
		.skip = skip,
		.bytes = bytes,
		.complete = part_done,
	};
	block_start_part(vmdk->file, &task->part);
}

static void start_own(struct vmdk *vmdk, struct vmdk_task *task, enum task_stage stage,
		      uint64_t offset, void *data, size_t bytes)
{
	task->iov = (struct iovec){ data, bytes };
	start_read(vmdk, task, stage, offset, &task->iov, 1, 0, bytes);
}

/** Later, since nobody is called from within a start. */
static void go_on_later(struct vmdk *vmdk, struct vmdk_task *task)
{
	start_read(vmdk, task, TASK_DATA, 0, NULL, 0, 0, 0);
}

/* Compressed grains */

static size_t packed_bytes(const struct vmdk_task *task)
{
	return task->grain_bytes + SPARE_BYTES;
}

/** On a thread: touches the task's memory only. */
static int unpack(struct aio_op *op)
{
	struct vmdk_task *task = container_of(op, struct vmdk_task, call);
	uint32_t stored = load_le32(task->packed + VMDK_MARKER_SIZE);
	z_stream stream = {
		.next_in = task->packed + VMDK_MARKER_BYTES,
		.avail_in = stored,
		.next_out = task->grain,
		.avail_out = (uInt)task->grain_bytes,
	};
	int result;

	if (stored > packed_bytes(task) - VMDK_MARKER_BYTES)
		return -EIO;
	if (inflateInit(&stream) != Z_OK)
		return -ENOMEM;
	result = inflate(&stream, Z_FINISH);
	inflateEnd(&stream);
	if (result != Z_STREAM_END)
		return -EIO;
	/* The last grain may end with the disk. */
	memset(task->grain + task->grain_bytes - stream.avail_out, 0, stream.avail_out);
	return 0;
}

static void unpacked(struct aio_op *op, int result)
{
	struct vmdk_task *task = container_of(op, struct vmdk_task, call);
	struct vmdk *vmdk = task->request->block->image;

	if (result < 0) {
		task->grain_index = 0;
		finish(vmdk, task, result);
	} else {
		step(vmdk, task);
	}
}

static void start_unpacking(struct vmdk *vmdk, struct vmdk_task *task)
{
	task->call = (struct aio_op){
		.kind = AIO_CALL,
		.owner = vmdk->block->owner,
		.call = unpack,
		.complete = unpacked,
	};
	aio_submit(vmdk->block->aio, &task->call);
}

/* Steps */

static void step_grain(struct vmdk *vmdk, struct vmdk_task *task, uint64_t grain, uint64_t within)
{
	struct block_request *request = task->request;
	uint32_t entry =
		load_le32(task->table + grain % VMDK_TABLE_ENTRIES_KNOWN * VMDK_ENTRY_BYTES);
	uint64_t place = (uint64_t)entry * BLOCK_SECTOR_BYTES;

	if (entry == VMDK_ABSENT || (entry == VMDK_ZEROS && vmdk->flags & VMDK_HAS_ZERO_GRAINS)) {
		block_zero_iov(request, request->done, task->bytes);
		go_on_later(vmdk, task);
	} else if (!(vmdk->flags & VMDK_IS_COMPRESSED)) {
		start_read(vmdk, task, TASK_DATA, place + within, request->iov, request->iov_count,
			   request->skip + request->done, task->bytes);
	} else if (task->grain_index == grain + 1) {
		block_fill_iov(request, request->done, task->grain + within, task->bytes);
		go_on_later(vmdk, task);
	} else {
		task->grain_index = grain + 1;
		start_own(vmdk, task, TASK_PACKED, place, task->packed, packed_bytes(task));
	}
}

static void step(struct vmdk *vmdk, struct vmdk_task *task)
{
	struct block_request *request = task->request;
	uint64_t offset = request->offset + request->done;
	uint64_t grain = offset / vmdk->grain_bytes, within = offset % vmdk->grain_bytes;
	uint64_t table = grain / VMDK_TABLE_ENTRIES_KNOWN;
	size_t left = request->bytes - request->done;
	uint32_t place;

	if (request->op != BLOCK_READ || left == 0) {
		finish(vmdk, task, request->op == BLOCK_READ || left == 0 ? 0 : -EROFS);
		return;
	}
	task->bytes = (size_t)min_u64(left, vmdk->grain_bytes - within);
	place = table < vmdk->entries ? load_le32((const uint8_t *)&vmdk->directory[table]) : 0;
	if (place == VMDK_ABSENT) {
		block_zero_iov(request, request->done, task->bytes);
		go_on_later(vmdk, task);
	} else if (task->table_index != table + 1) {
		task->table_index = table + 1;
		start_own(vmdk, task, TASK_TABLE, (uint64_t)place * BLOCK_SECTOR_BYTES, task->table,
			  TABLE_BYTES);
	} else {
		step_grain(vmdk, task, grain, within);
	}
}

static void part_done(struct block_request *part, int result)
{
	struct vmdk_task *task = container_of(part, struct vmdk_task, part);
	struct vmdk *vmdk = task->request->block->image;

	if (result < 0) {
		task->table_index = task->grain_index = 0;
		finish(vmdk, task, result);
		return;
	}
	if (task->stage == TASK_PACKED) {
		start_unpacking(vmdk, task);
		return;
	}
	if (task->stage == TASK_DATA)
		task->request->done += task->bytes;
	step(vmdk, task);
}

static void vmdk_start(struct block *block, struct block_request *request)
{
	struct vmdk *vmdk = block->image;

	/* Of a request without bytes, which nobody may be told of from here. */
	if (request->op == BLOCK_FLUSH) {
		request->io.owner = block->owner;
		block_prepare_io(request, NULL, AIO_SYNC, 0, 0);
		aio_complete_later(block->aio, &request->io, 0);
		return;
	}
	begin(vmdk, request);
}

static void destroy(struct vmdk *vmdk)
{
	for (size_t i = 0; i < TASKS; i++)
		free(vmdk->tasks[i].packed);
	if (vmdk->directory)
		munmap(vmdk->directory, vmdk->directory_bytes);
	block_close(vmdk->file);
	free(vmdk);
}

static void vmdk_close(struct block *block)
{
	destroy(block->image);
}

static int vmdk_claim(struct block *block, bool claimed, struct err *err)
{
	return block_claim(((struct vmdk *)block->image)->file, claimed, err);
}

static const struct block_driver vmdk_driver = {
	.start = vmdk_start,
	.close = vmdk_close,
	.claim = vmdk_claim,
};

/* Opening */

/** The value of a line of a descriptor, 'createType="monolithicSparse"', without quotes. */
static bool find_word(const char *text, const char *key, char *value, size_t size)
{
	const char *line = text;

	while (line && *line) {
		size_t length = strlen(key);

		line += strspn(line, "\r\n \t");
		if (strncmp(line, key, length) == 0) {
			line += length;
			line += strspn(line, " \t=\"");
			length = min_size(strcspn(line, "\"\r\n"), size - 1);
			memcpy(value, line, length);
			value[length] = '\0';
			return true;
		}
		line = strchr(line, '\n');
	}
	return false;
}

static int refuse_extent(struct err *err)
{
	return err_set(err, -ENOTSUP,
		       "it is an extent of a VMDK of several files, which is not supported; "
		       "convert that with 'qemu-img convert -O qcow2'");
}

static int check_descriptor(const char *text, bool is_embedded, struct err *err)
{
	char type[40] = "(of no type)", parent[16] = "ffffffff";

	if (!find_word(text, "createType", type, sizeof(type)) && is_embedded)
		return refuse_extent(err);
	for (size_t i = 0; type[i]; i++)
		if (type[i] < ' ' || type[i] > '~')
			type[i] = '?';
	if (!is_embedded ||
	    (strcmp(type, "monolithicSparse") != 0 && strcmp(type, "streamOptimized") != 0))
		return err_set(err, -ENOTSUP,
			       "it is a VMDK of type %s, which is not supported: only "
			       "monolithicSparse and streamOptimized are, in one file; convert it "
			       "with 'qemu-img convert -O qcow2'",
			       type);
	find_word(text, "parentCID", parent, sizeof(parent));
	if (strcmp(parent, "ffffffff") != 0)
		return err_set(err, -ENOTSUP,
			       "it holds the differences to a parent, which is not supported; "
			       "merge it with its parent");
	return 0;
}

static int read_descriptor(struct vmdk *vmdk, const uint8_t *header, struct err *err)
{
	uint64_t offset = load_le64(header + VMDK_DESCRIPTOR_OFFSET);
	uint64_t sectors = load_le64(header + VMDK_DESCRIPTOR_SECTORS);
	char *text;
	int result;

	if (offset == 0 || sectors == 0)
		return refuse_extent(err);
	if (sectors > VMDK_DESCRIPTOR_BYTES_MAX / BLOCK_SECTOR_BYTES || offset > UINT32_MAX)
		return err_set(err, -EINVAL, "its descriptor makes no sense");
	text = calloc(1, (size_t)sectors * BLOCK_SECTOR_BYTES + 1);
	result = text ? block_read_now(vmdk->file, offset * BLOCK_SECTOR_BYTES, text,
				       (size_t)sectors * BLOCK_SECTOR_BYTES)
		      : -ENOMEM;
	if (result < 0)
		err_set_errno(err, result, "its descriptor cannot be read");
	else
		result = check_descriptor(text, true, err);
	free(text);
	return result;
}

static int read_directory(struct vmdk *vmdk, uint64_t offset, struct err *err)
{
	int result;

	vmdk->directory_bytes = align_up((size_t)vmdk->entries * VMDK_ENTRY_BYTES, 4096);
	vmdk->directory = mmap(NULL, vmdk->directory_bytes, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (vmdk->directory == MAP_FAILED) {
		vmdk->directory = NULL;
		return err_set(err, -ENOMEM, "no memory left for its directory");
	}
	for (size_t i = 0; i < TASKS; i++) {
		struct vmdk_task *task = &vmdk->tasks[i];

		task->grain_bytes = (size_t)vmdk->grain_bytes;
		if (!(vmdk->flags & VMDK_IS_COMPRESSED))
			continue;
		task->packed = malloc(2 * task->grain_bytes + SPARE_BYTES);
		if (!task->packed)
			return err_set(err, -ENOMEM, "no memory left for its grains");
		task->grain = task->packed + packed_bytes(task);
	}
	result = block_read_now(vmdk->file, offset * BLOCK_SECTOR_BYTES, vmdk->directory,
				(size_t)vmdk->entries * VMDK_ENTRY_BYTES);
	return result < 0 ? err_set_errno(err, result, "its directory cannot be read") : 0;
}

/** Sizes and places, checked; *size of the disk. */
static int read_header(struct vmdk *vmdk, const uint8_t *header, uint64_t file_bytes,
		       uint64_t *size, struct err *err)
{
	uint64_t capacity = load_le64(header + VMDK_CAPACITY);
	uint64_t grain = load_le64(header + VMDK_GRAIN_SECTORS), span;
	uint64_t directory = load_le64(header + VMDK_DIRECTORY_OFFSET);

	vmdk->flags = load_le32(header + VMDK_FLAGS);
	if (load_le32(header + VMDK_VERSION) - 1 > 2)
		return err_set(err, -ENOTSUP, "its version %u is not known",
			       load_le32(header + VMDK_VERSION));
	if (vmdk->flags & VMDK_IS_COMPRESSED &&
	    (!(vmdk->flags & VMDK_HAS_MARKERS) ||
	     load_le16(header + VMDK_COMPRESSION) != VMDK_DEFLATE))
		return err_set(err, -ENOTSUP, "its kind of compression is not known");
	if (!is_power_of_two(grain) || grain < VMDK_GRAIN_BYTES_MIN / BLOCK_SECTOR_BYTES ||
	    grain > VMDK_GRAIN_BYTES_MAX / BLOCK_SECTOR_BYTES ||
	    load_le32(header + VMDK_TABLE_ENTRIES) != VMDK_TABLE_ENTRIES_KNOWN)
		return err_set(err, -EINVAL, "its grains of %llu sectors make no sense",
			       (unsigned long long)grain);
	vmdk->grain_bytes = grain * BLOCK_SECTOR_BYTES;
	span = grain * VMDK_TABLE_ENTRIES_KNOWN;
	if (capacity == 0 || capacity > span * VMDK_DIRECTORY_ENTRIES_MAX)
		return err_set(err, -EINVAL, "its size of %llu sectors makes no sense",
			       (unsigned long long)capacity);
	vmdk->entries = (capacity + span - 1) / span;
	*size = capacity * BLOCK_SECTOR_BYTES;
	if (directory == 0 || directory > file_bytes / BLOCK_SECTOR_BYTES)
		return err_set(err, -EINVAL, "its directory lies where none can be");
	return read_directory(vmdk, directory, err);
}

static int read_image(struct vmdk *vmdk, uint64_t *size, struct err *err)
{
	uint8_t header[VMDK_HEADER_BYTES + 1] = { 0 };
	bool is_file;
	uint64_t file_bytes = raw_data_bytes(vmdk->file, &is_file);
	int result = block_read_now(vmdk->file, 0, header, VMDK_HEADER_BYTES);

	if (result < 0)
		return err_set_errno(err, result, "its header cannot be read");
	if (memcmp(header, "# Disk DescriptorFile", 21) == 0)
		return check_descriptor((const char *)header, false, err);
	if (memcmp(header, "COWD", 4) == 0)
		return err_set(err, -ENOTSUP,
			       "it is a VMDK of type vmfsSparse, which is not supported");
	if (memcmp(header, "KDMV", 4) != 0)
		return err_set(err, -EINVAL, "it is not a VMDK image");
	result = read_descriptor(vmdk, header, err);
	if (result == 0 && load_le64(header + VMDK_DIRECTORY_OFFSET) == VMDK_DIRECTORY_AT_END) {
		/* Written in one go: only the footer knows where the directory is. */
		if (file_bytes < VMDK_FOOTER_FROM_END + VMDK_HEADER_BYTES ||
		    block_read_now(vmdk->file,
				   align_down(file_bytes, BLOCK_SECTOR_BYTES) -
					   VMDK_FOOTER_FROM_END,
				   header, VMDK_HEADER_BYTES) < 0 ||
		    memcmp(header, "KDMV", 4) != 0)
			return err_set(err, -EINVAL, "its footer is missing: it is not complete");
	}
	return result < 0 ? result : read_header(vmdk, header, file_bytes, size, err);
}

int vmdk_open(struct block *block, const struct block_options *options,
	      const struct block_role *role, struct err *err)
{
	struct block_options file_options = *options;
	struct block_role file_role = { .owner = block->owner, .is_growable = true };
	bool writing = !options->read_only && !options->is_cdrom;
	struct vmdk *vmdk = writing ? NULL : calloc(1, sizeof(*vmdk));
	int result = -EINVAL;

	(void)role;
	if (!vmdk) {
		if (options->fd >= 0)
			close(options->fd);
		if (writing)
			return err_set(err, -EROFS,
				       "'%s': VMDK images can only be read: use snapshot=on, or "
				       "convert it with 'hvm disk convert'",
				       block->filename);
		return err_set(err, -ENOMEM, "no memory left to open '%s'", block->filename);
	}
	list_init(&vmdk->waiting);
	file_options.format = NULL;
	file_options.is_cdrom = false;
	file_options.read_only = true;
	file_options.write_error = file_options.read_error = BLOCK_ERROR_REPORT;
	vmdk->block = block;
	vmdk->file = block_open_as(&file_options, &file_role, aio_loop(block->aio), err);
	if (vmdk->file) {
		result = read_image(vmdk, &block->size_bytes, err);
		if (result < 0)
			err_prefix(err, "'%s'", block->filename);
	}
	if (result < 0) {
		destroy(vmdk);
		return result;
	}
	block->image = vmdk;
	block->driver = &vmdk_driver;
	block->read_only = true;
	return 0;
}
