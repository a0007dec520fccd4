// SPDX-License-Identifier: GPL-2.0-or-later
#include "block/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/err.h"
#include "block/qcow2_offline.h"
#include "block/vpc_offline.h"

/** The image's file, as raw. */
static struct block *open_file(const char *filename, bool writing, bool locked, struct loop *loop,
			       struct err *err)
{
	const struct block_options options = {
		.filename = filename, .fd = -1, .read_only = !writing, .no_lock = !locked
	};
	const struct block_role role = { .is_growable = true };

	return block_open_as(&options, &role, loop, err);
}

static bool is_qcow2(const char *format)
{
	return strcmp(format, "qcow2") == 0;
}

static bool is_vpc(const char *format)
{
	return strcmp(format, "vpc") == 0;
}

static int refuse(const char *format, const char *what, struct err *err)
{
	return err_set(err, -ENOTSUP, "images of format '%s' cannot be %s", format, what);
}

/* Making */

/** A new file, or an empty one. The descriptor or -errno. */
static int make_file(const char *filename, struct err *err)
{
	struct stat status;
	int fd = open(filename, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		return err_set_errno(err, -errno, "cannot make '%s'", filename);
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size == 0)
		return fd;
	close(fd);
	return err_set(err, -EEXIST, "'%s' exists already; remove it first", filename);
}

static int create_raw(const char *filename, int fd, uint64_t bytes, struct err *err)
{
	if (bytes == 0)
		return err_set(err, -EINVAL, "a disk needs a size");
	if (ftruncate(fd, (off_t)bytes) < 0)
		return err_set_errno(err, -errno, "cannot give '%s' its size", filename);
	return 0;
}

static int create_in_file(const char *filename, int fd, const struct image_create *options,
			  struct loop *loop, struct err *err)
{
	struct block *file;
	int result;

	/* An empty file is no image yet; its first bytes make it one. */
	if (ftruncate(fd, BLOCK_SECTOR_BYTES) < 0)
		return err_set_errno(err, -errno, "cannot write '%s'", filename);
	file = open_file(filename, true, true, loop, err);
	if (!file)
		return -EINVAL;
	result = is_qcow2(options->format) ? qcow2_create(file, options, err)
					   : vpc_create(file, options, err);
	block_close(file);
	return result;
}

int image_create(const char *filename, const struct image_create *options, struct loop *loop,
		 struct err *err)
{
	bool raw = strcmp(options->format, "raw") == 0;
	int fd, result;

	if (!raw && !is_qcow2(options->format) && !is_vpc(options->format))
		return refuse(options->format, "made", err);
	if (!is_qcow2(options->format) && options->backing_file)
		return err_set(err, -EINVAL, "an image of format '%s' cannot have a backing file",
			       options->format);
	if (options->fixed && !is_vpc(options->format))
		return err_set(err, -EINVAL, "only a VHD image (vpc) can be fixed");
	fd = make_file(filename, err);
	if (fd < 0)
		return fd;
	result = raw ? create_raw(filename, fd, options->size_bytes, err)
		     : create_in_file(filename, fd, options, loop, err);
	close(fd);
	if (result < 0)
		unlink(filename);
	return result;
}

int image_pack(const char *filename, const struct image_create *options, struct block *source,
	       void (*progress)(uint64_t done, uint64_t total), struct loop *loop, struct err *err)
{
	struct block *file;
	int result;

	if (!is_qcow2(options->format))
		return refuse(options->format, "compressed", err);
	result = image_create(filename, options, loop, err);
	if (result < 0)
		return result;
	file = open_file(filename, true, true, loop, err);
	result = file ? qcow2_pack(file, source, progress, err) : -EBUSY;
	block_close(file);
	if (result < 0)
		unlink(filename);
	return result;
}

/* Describing */

const char *image_guess_format(const char *filename, struct err *err)
{
	uint8_t data[BLOCK_SECTOR_BYTES] = { 0 };
	int fd = open(filename, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || pread(fd, data, sizeof(data), 0) < 0) {
		err_set_errno(err, -errno, "cannot read '%s'", filename);
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	close(fd);
	if (memcmp(data, "conectix", 8) == 0)
		return "vpc";
	if (memcmp(data, "KDMV", 4) == 0)
		return "vmdk";
	return load_be32(data) == QCOW2_MAGIC_WORD ? "qcow2" : "raw";
}

static int describe_qcow2(const char *filename, struct image_info *info, struct loop *loop,
			  struct err *err)
{
	struct qcow2_header header;
	struct block *file = open_file(filename, false, false, loop, err);
	int result = file ? qcow2_read_header(file, &header, err) : -EINVAL;

	block_close(file);
	if (result < 0)
		return result;
	info->size_bytes = align_up(header.size_bytes, BLOCK_SECTOR_BYTES);
	info->cluster_bytes = BIT64(header.cluster_bits);
	strcpy(info->backing_file, header.backing_file);
	strcpy(info->backing_format, header.backing_format);
	info->version = header.version;
	info->compression = header.compression == QCOW2_ZSTD ? "zstd" : "zlib";
	info->dirty = header.incompatible & QCOW2_DIRTY;
	info->corrupt = header.incompatible & QCOW2_CORRUPT;
	info->lazy_refcounts = header.compatible & QCOW2_LAZY_REFCOUNTS;
	info->refcount_bits = 1u << header.refcount_order;
	info->snapshots = header.snapshots;
	return 0;
}

int image_get_info(const char *filename, const char *format, struct image_info *info,
		   struct loop *loop, struct err *err)
{
	struct stat status;
	struct block *block;

	*info = (struct image_info){ 0 };
	snprintf(info->format, sizeof(info->format), "%s", format);
	if (stat(filename, &status) < 0)
		return err_set_errno(err, -errno, "cannot examine '%s'", filename);
	info->file_bytes = (uint64_t)status.st_size;
	info->allocated_bytes = (uint64_t)status.st_blocks * 512;
	if (is_qcow2(format))
		return describe_qcow2(filename, info, loop, err);
	block = block_open(&(struct block_options){ .filename = filename,
						    .fd = -1,
						    .format = format,
						    .read_only = true,
						    .no_lock = true },
			   loop, err);
	if (!block)
		return -EINVAL;
	info->size_bytes = block_size_bytes(block);
	block_close(block);
	return 0;
}

/* Checking and changing */

int image_check(const char *filename, const char *format, enum image_repair repair,
		struct image_check *check, struct loop *loop, struct err *err)
{
	struct block *file;
	int result;

	if (!is_qcow2(format))
		return refuse(format, "checked: there is nothing to check", err);
	file = open_file(filename, repair != IMAGE_REPAIR_NOTHING, true, loop, err);
	if (!file)
		return -EBUSY;
	result = qcow2_check(file, repair, check, err);
	block_close(file);
	return result;
}

int image_list_snapshots(const char *filename, const char *format,
			 struct image_snapshot **snapshots, struct loop *loop, struct err *err)
{
	struct block *file;
	int result;

	*snapshots = NULL;
	if (!is_qcow2(format))
		return 0;
	file = open_file(filename, false, false, loop, err);
	if (!file)
		return -EINVAL;
	result = qcow2_list_snapshots(file, snapshots, err);
	block_close(file);
	return result;
}

int image_snapshot(const char *filename, const char *format, enum image_snapshot_verb verb,
		   const char *name, struct loop *loop, struct err *err)
{
	struct block *file;
	int result;

	if (!is_qcow2(format))
		return refuse(format, "given snapshots", err);
	file = open_file(filename, true, true, loop, err);
	if (!file)
		return -EBUSY;
	result = qcow2_snapshot(file, verb, name, err);
	block_close(file);
	return result;
}

static int resize_raw(struct block *file, uint64_t bytes, bool shrink, struct err *err)
{
	if (bytes < file->size_bytes && !shrink)
		return err_set(err, -EINVAL,
			       "'%s' would lose what lies behind its new end: say --shrink if that "
			       "is meant",
			       file->filename);
	if (truncate(file->filename, (off_t)bytes) < 0)
		return err_set_errno(err, -errno, "cannot give '%s' its size", file->filename);
	return 0;
}

int image_resize(const char *filename, const char *format, uint64_t size_bytes, bool shrink,
		 struct loop *loop, struct err *err)
{
	bool raw = strcmp(format, "raw") == 0;
	struct block *file;
	int result;

	if (!raw && !is_qcow2(format))
		return refuse(format, "resized", err);
	if (size_bytes == 0 || size_bytes % BLOCK_SECTOR_BYTES)
		return err_set(err, -EINVAL, "a size is a whole number of sectors of 512 bytes");
	file = open_file(filename, true, true, loop, err);
	if (!file)
		return -EBUSY;
	result = raw ? resize_raw(file, size_bytes, shrink, err)
		     : qcow2_resize(file, size_bytes, err);
	block_close(file);
	return result;
}
