// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Raw images: regular files, block devices, and the host's CD drives. Sector n of the guest is at
 * byte 512 n of the file.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/log.h"
#include "base/trace.h"
#include "block/driver.h"

/** How many of 'bytes' at 'offset' the file holds. */
static size_t held_bytes(const struct raw_image *raw, uint64_t offset, size_t bytes)
{
	if (offset >= raw->data_bytes)
		return 0;
	return (size_t)min_u64(bytes, raw->data_bytes - offset);
}

uint64_t raw_data_bytes(const struct block *block, bool *is_file)
{
	const struct raw_image *raw = block->image;
	struct stat status;

	*is_file = fstat(raw->file.fd, &status) == 0 && S_ISREG(status.st_mode);
	return raw->data_bytes;
}

/*
 * A page of the page cache that becomes dirty while O_DIRECT writes to another part of it would
 * later overwrite what was written there. So a write by the page cache (odd memory or offsets) and
 * one past it are never under way together.
 */
static bool may_write(const struct raw_image *raw, const struct aio_op *op)
{
	if (raw->file.direct_fd < 0)
		return true;
	return !raw->is_exclusive && (!op->avoid_direct || raw->writes_under_way == 0);
}

static void submit_write(struct block *block, struct aio_op *op)
{
	struct raw_image *raw = block->image;

	if (!list_is_empty(&raw->parked) || !may_write(raw, op)) {
		list_append(&raw->parked, &op->node);
		return;
	}
	raw->writes_under_way++;
	raw->is_exclusive = op->avoid_direct;
	aio_submit(block->aio, op);
}

static void submit_parked(struct block *block)
{
	struct raw_image *raw = block->image;
	struct list_node parked;

	if (list_is_empty(&raw->parked))
		return;
	parked = raw->parked;
	parked.next->prev = parked.prev->next = &parked;
	list_init(&raw->parked);
	while (!list_is_empty(&parked)) {
		struct aio_op *op = container_of(parked.next, struct aio_op, node);

		list_remove(&op->node);
		submit_write(block, op);
	}
}

static void end_write(struct block *block)
{
	struct raw_image *raw = block->image;

	raw->writes_under_way--;
	raw->is_exclusive = false;
	submit_parked(block);
}

static void write_done(struct aio_op *op, int result)
{
	struct block_request *request = container_of(op, struct block_request, io);
	struct block *block = request->block;
	struct raw_image *raw = block->image;

	if (result == -EINVAL && !op->avoid_direct && raw->file.direct_fd >= 0) {
		/* The file system refuses O_DIRECT in spite of the alignment. */
		raw->direct_refused = op->avoid_direct = true;
		end_write(block);
		submit_write(block, op);
		return;
	}
	/* The last sector of an image of odd length becomes whole, and a file of ours grows. */
	if (result == 0)
		raw->data_bytes = max_u64(raw->data_bytes, request->offset + request->bytes);
	end_write(block);
	block_request_done(request, result);
}

static void raw_read(struct block *block, struct block_request *request)
{
	struct raw_image *raw = block->image;
	size_t held = held_bytes(raw, request->offset, request->bytes);

	if (held < request->bytes)
		block_zero_iov(request, held, request->bytes - held);
	block_prepare_io(request, &raw->file, AIO_READ, 0, held);
	aio_submit(block->aio, &request->io);
}

static void raw_write(struct block *block, struct block_request *request)
{
	struct raw_image *raw = block->image;
	bool through =
		block->cache == BLOCK_CACHE_WRITETHROUGH || block->cache == BLOCK_CACHE_DIRECTSYNC;

	block_prepare_io(request, &raw->file, through ? AIO_WRITE_THROUGH : AIO_WRITE, 0,
			 request->bytes);
	request->io.complete = write_done;
	request->io.avoid_direct = raw->direct_refused || !aio_op_suits_direct(&request->io);
	submit_write(block, &request->io);
}

static void raw_flush(struct block *block, struct block_request *request)
{
	struct raw_image *raw = block->image;

	block_prepare_io(request, &raw->file, AIO_SYNC, 0, 0);
	if (block->read_only || block->cache == BLOCK_CACHE_UNSAFE)
		aio_complete_later(block->aio, &request->io, 0);
	else
		aio_submit(block->aio, &request->io);
}

/* A range without data: to be given back, or to read as zeros. */

static void zeros_written(struct aio_op *op, int result);

/** The file system has no short way: zeros are written, from request->done on. */
static void write_zeros(struct block *block, struct block_request *request)
{
	struct raw_image *raw = block->image;
	size_t bytes = min_size(request->bytes - request->done, BLOCK_ZEROS_BYTES);

	block_prepare_io(request, &raw->file, AIO_WRITE, 0, bytes);
	request->io.offset = request->offset + request->done;
	request->io.iov = block_zeros;
	request->io.iov_count = BLOCK_ZEROS_PIECES;
	request->io.complete = zeros_written;
	request->io.avoid_direct = true;
	request->done += bytes;
	submit_write(block, &request->io);
}

static void zeros_written(struct aio_op *op, int result)
{
	struct block_request *request = container_of(op, struct block_request, io);

	if (result < 0 || request->done == request->bytes) {
		write_done(op, result);
		return;
	}
	end_write(request->block);
	write_zeros(request->block, request);
}

/* A device that cannot make zeros of what it gives up: a system call that io_uring does not have.
 */

static int call_discard(struct aio_op *op)
{
	uint64_t range[2] = { op->offset, op->bytes };

	return ioctl(op->file->fd, BLKDISCARD, range) < 0 ? -errno : 0;
}

static void device_discarded(struct aio_op *op, int result)
{
	struct block_request *request = container_of(op, struct block_request, io);

	end_write(request->block);
	block_request_done(request, result == -EOPNOTSUPP ? 0 : result);
}

static void discard_on_device(struct block_request *request)
{
	struct raw_image *raw = request->block->image;

	block_prepare_io(request, &raw->file, AIO_CALL, 0, request->bytes);
	request->io.avoid_direct = true;
	request->io.call = call_discard;
	request->io.complete = device_discarded;
	submit_write(request->block, &request->io);
}

static void range_done(struct aio_op *op, int result)
{
	struct block_request *request = container_of(op, struct block_request, io);
	struct raw_image *raw = request->block->image;
	bool refused = result == -EOPNOTSUPP || result == -ENODEV || result == -ENOSYS;

	end_write(request->block);
	if (request->op == BLOCK_DISCARD && refused && raw->is_device) {
		discard_on_device(request);
		return;
	}
	if (request->op == BLOCK_DISCARD && refused)
		result = 0;
	/* ZERO_RANGE does not lengthen the file, so that what lies behind its end stays unheld. */
	if (request->op == BLOCK_WRITE_ZEROES &&
	    (refused || (result == 0 && request->offset + request->bytes > raw->data_bytes)))
		write_zeros(request->block, request);
	else
		block_request_done(request, result);
}

static void raw_range(struct block *block, struct block_request *request)
{
	struct raw_image *raw = block->image;

	block_prepare_io(request, &raw->file, request->op == BLOCK_DISCARD ? AIO_PUNCH : AIO_ZERO,
			 0, request->bytes);
	request->io.avoid_direct = true;
	request->io.complete = range_done;
	submit_write(block, &request->io);
}

static void raw_start(struct block *block, struct block_request *request)
{
	switch (request->op) {
	case BLOCK_READ:
		raw_read(block, request);
		break;
	case BLOCK_WRITE:
		raw_write(block, request);
		break;
	case BLOCK_FLUSH:
		raw_flush(block, request);
		break;
	case BLOCK_DISCARD:
	case BLOCK_WRITE_ZEROES:
		raw_range(block, request);
		break;
	}
}

static void raw_close(struct block *block)
{
	struct raw_image *raw = block->image;

	if (raw->file.direct_fd >= 0)
		close(raw->file.direct_fd);
	close(raw->file.fd);
	free(raw);
}

static bool host_cdrom_present(struct block *block)
{
	struct raw_image *raw = block->image;
	bool present = host_cdrom_is_present(raw->file.fd, &raw->data_bytes);

	block->size_bytes = present ? align_down(raw->data_bytes, BLOCK_CD_SECTOR_BYTES) : 0;
	return present;
}

static int raw_claim(struct block *block, bool claimed, struct err *err)
{
	const struct raw_image *raw = block->image;

	if (!raw->is_locked)
		return 0;
	if (claimed)
		return image_lock(raw->file.fd, block->filename, !block->read_only, true, err);
	image_unlock(raw->file.fd);
	return 0;
}

static const struct block_driver raw_driver = {
	.start = raw_start,
	.close = raw_close,
	.claim = raw_claim,
};

static const struct block_driver host_cdrom_driver = {
	.start = raw_start,
	.close = raw_close,
	.is_present = host_cdrom_present,
};

/* Opening */

static int open_error(const char *filename, bool writing, int code, struct err *err)
{
	if (writing && (code == -EACCES || code == -EPERM || code == -EROFS))
		return err_set_errno(err, code,
				     "cannot open '%s' for writing (make it writable, or give the "
				     "guest a read-only drive)",
				     filename);
	if (code == -ENOMEDIUM)
		return err_set_errno(err, code, "cannot open '%s' (insert a medium)", filename);
	return err_set_errno(err, code, "cannot open '%s'", filename);
}

static int open_file(const struct block_options *options, bool writing, struct err *err)
{
	int flags = (writing ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK;
	int fd = options->fd;

	if (fd < 0 && options->filename)
		fd = open(options->filename, flags);
	if (fd < 0)
		return open_error(options->filename ? options->filename : "", writing,
				  options->filename ? -errno : -ENOENT, err);
	/* O_NONBLOCK is for opening an empty CD drive and for not waiting on a pipe; later it would
	 * fail transfers. */
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	return fd;
}

/* Fills sizes and kind from what 'fd' is. */
static int raw_inspect(struct raw_image *raw, const char *filename, bool is_cdrom, struct err *err)
{
	struct stat status;
	uint64_t bytes = 0;

	if (fstat(raw->file.fd, &status) < 0)
		return err_set_errno(err, -errno, "cannot examine '%s'", filename);
	if (S_ISDIR(status.st_mode))
		return err_set(err, -EISDIR, "'%s' is a directory, not an image", filename);
	if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode))
		return err_set(err, -EINVAL, "'%s' is neither a file nor a block device", filename);
	if (S_ISBLK(status.st_mode) && is_cdrom) {
		raw->is_host_cdrom = true;
		host_cdrom_is_present(raw->file.fd, &raw->data_bytes);
		return 0;
	}
	raw->is_device = S_ISBLK(status.st_mode);
	if (S_ISREG(status.st_mode))
		bytes = (uint64_t)status.st_size;
	else if (ioctl(raw->file.fd, BLKGETSIZE64, &bytes) < 0)
		return err_set_errno(err, -errno, "cannot tell the size of '%s'", filename);
	if (bytes == 0)
		return err_set(err, -EINVAL,
			       "'%s' is empty (a new disk gets its size by 'truncate -s 10G FILE')",
			       filename);
	raw->data_bytes = bytes;
	return 0;
}

/* A second descriptor with O_DIRECT, if the file system takes it; without one the page cache
 * serves. */
static void open_direct(struct raw_image *raw, bool writing)
{
	struct aio_file *file = &raw->file;
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", file->fd);
	file->direct_fd = open(path, (writing ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_DIRECT);
	file->memory_align = file->position_align = 4096;
#ifdef STATX_DIOALIGN
	struct statx status;

	if (file->direct_fd >= 0 &&
	    statx(file->direct_fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &status) == 0 &&
	    (status.stx_mask & STATX_DIOALIGN) && status.stx_dio_offset_align > 0) {
		file->memory_align = status.stx_dio_mem_align;
		file->position_align = status.stx_dio_offset_align;
	}
#endif
	TRACE(block, direct, "O_DIRECT descriptor %d, alignment %u and %u", file->direct_fd,
	      file->memory_align, file->position_align);
}

static bool is_writable(int fd)
{
	int mode = fcntl(fd, F_GETFL) & O_ACCMODE;

	return mode == O_RDWR;
}

/** Xen's toolstack does so to a confined device model: the guest would learn of it by a failing
 * write.
 */
static void warn_of_limit(const struct raw_image *raw, const char *filename)
{
	struct rlimit limit;
	struct stat status;

	if (fstat(raw->file.fd, &status) == 0 && S_ISREG(status.st_mode) &&
	    getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < raw->data_bytes)
		log_warning("'%s' can be written up to its first %llu KiB only, which is this "
			    "process' limit for files (dm_restrict); a block device has none",
			    filename, (unsigned long long)limit.rlim_cur >> 10);
}

static int raw_set_up(struct block *block, struct raw_image *raw,
		      const struct block_options *options, bool writing, struct err *err)
{
	bool passed = options->fd >= 0;
	int result;

	if (writing && !is_writable(raw->file.fd))
		return err_set(err, -EACCES,
			       "the descriptor passed for '%s' is not open for reading and writing",
			       block->filename);
	result = raw_inspect(raw, block->filename, options->is_cdrom, err);
	if (result < 0)
		return result;
	if (writing)
		warn_of_limit(raw, block->filename);
	if (!passed && !options->no_lock && !raw->is_host_cdrom) {
		result =
			image_lock(raw->file.fd, block->filename, writing, !options->is_cdrom, err);
		if (result < 0)
			return result;
		raw->is_locked = true;
	}
	if ((block->cache == BLOCK_CACHE_NONE || block->cache == BLOCK_CACHE_DIRECTSYNC) &&
	    !raw->is_host_cdrom)
		open_direct(raw, writing);
	return 0;
}

int raw_open(struct block *block, const struct block_options *options, struct err *err)
{
	bool writing = !options->read_only && !options->snapshot && !options->is_cdrom;
	struct raw_image *raw = calloc(1, sizeof(*raw));
	int result;

	if (!raw) {
		if (options->fd >= 0)
			close(options->fd);
		return err_set(err, -ENOMEM, "no memory left to open '%s'", block->filename);
	}
	raw->file.direct_fd = -1;
	list_init(&raw->parked);
	result = raw->file.fd = open_file(options, writing, err);
	if (result >= 0)
		result = raw_set_up(block, raw, options, writing, err);
	if (result < 0) {
		if (raw->file.fd >= 0)
			close(raw->file.fd);
		else if (options->fd >= 0)
			close(options->fd);
		free(raw);
		return result;
	}
	block->image = raw;
	block->driver = raw->is_host_cdrom ? &host_cdrom_driver : &raw_driver;
	block->read_only = !writing;
	block->discard_is_vague = raw->is_device && block->discard;
	block->size_bytes = align_up(raw->data_bytes, options->is_cdrom ? BLOCK_CD_SECTOR_BYTES
									: BLOCK_SECTOR_BYTES);
	return 0;
}
