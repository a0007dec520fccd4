// SPDX-License-Identifier: GPL-2.0-or-later
#include "block/block.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/trace.h"
#include "block/aio_backend.h"
#include "block/driver.h"
#include "block/media.h"
#include "block/throttle.h"
#include "block/vmdk.h"

/* Requests */

static void now_complete(struct block_request *request, int result);

/** The gate that a request passes, if any. */
static const struct block_gate *gate_of(const struct block_request *request)
{
	return request->complete == now_complete ? NULL : request->block->gate;
}

/** To the drive, or to the gate before it. */
static void complete(struct block_request *request, int result)
{
	const struct block_gate *gate = gate_of(request);

	if (gate)
		gate->finished(gate->opaque, request, result);
	else
		request->complete(request, result);
}

void block_deliver(struct block_request *request, int result)
{
	request->complete(request, result);
}

void block_set_gate(struct block *block, const struct block_gate *gate)
{
	block->gate = gate;
}

static bool is_counted_as_write(const struct block_request *request)
{
	return request->op != BLOCK_READ;
}

static enum block_error_action error_action(const struct block_request *request, int result)
{
	const struct block *block = request->block;
	enum block_error_action action =
		is_counted_as_write(request) ? block->write_error : block->read_error;

	if (action == BLOCK_ERROR_ENOSPC)
		return result == -ENOSPC ? BLOCK_ERROR_STOP : BLOCK_ERROR_REPORT;
	return action;
}

static void count_success(struct block_stats *stats, const struct block_request *request)
{
	switch (request->op) {
	case BLOCK_READ:
		stats->reads++;
		stats->read_bytes += request->bytes;
		break;
	case BLOCK_WRITE:
		stats->writes++;
		stats->write_bytes += request->bytes;
		break;
	case BLOCK_FLUSH:
		stats->flushes++;
		break;
	case BLOCK_DISCARD:
	case BLOCK_WRITE_ZEROES:
		break;
	}
}

static void hold(struct block_request *request, int result)
{
	struct block *block = request->block;

	list_append(&block->held, &request->node);
	if (gate_of(request))
		block->gate->held(block->gate->opaque, request);
	if (block->stopped)
		block->stopped(block->stopped_opaque, block, is_counted_as_write(request), result);
}

/* Only what the host failed is a matter of policy; what the guest asked for in error is the
 * guest's. */
static bool is_host_failure(int result)
{
	return result != -EINVAL && result != -ENOMEDIUM && result != -EROFS &&
	       result != -ECANCELED;
}

void block_request_done(struct block_request *request, int result)
{
	struct block *block = request->block;

	list_remove(&request->node);
	TRACE(block, done, "op %d offset %llu bytes %zu: %d", request->op,
	      (unsigned long long)request->offset, request->bytes, result);
	if (result == 0)
		count_success(&block->stats, request);
	else
		block->stats.errors++;
	if (result != 0 && is_host_failure(result)) {
		enum block_error_action action = error_action(request, result);

		if (action == BLOCK_ERROR_STOP) {
			hold(request, result);
			return;
		}
		if (action == BLOCK_ERROR_IGNORE)
			result = 0;
	}
	complete(request, result);
}

static void io_done(struct aio_op *op, int result)
{
	block_request_done(container_of(op, struct block_request, io), result);
}

static bool has_memory(const struct block_request *request)
{
	return request->op == BLOCK_READ || request->op == BLOCK_WRITE;
}

static int check_request(struct block *block, struct block_request *request)
{
	request->bytes = has_memory(request) || request->op == BLOCK_FLUSH ? 0 : request->length;
	if (block_is_empty(block))
		return -ENOMEDIUM;
	if (request->op == BLOCK_FLUSH)
		return 0;
	for (unsigned i = 0; has_memory(request) && i < request->iov_count; i++) {
		if (__builtin_add_overflow(request->bytes, request->iov[i].iov_len,
					   &request->bytes))
			return -EINVAL;
	}
	/* A file of ours: who asks knows what he does. */
	if (block->is_growable)
		return 0;
	if (request->offset % BLOCK_SECTOR_BYTES || request->bytes % BLOCK_SECTOR_BYTES ||
	    !range_fits(request->offset, request->bytes, block->size_bytes))
		return -EINVAL;
	return request->op != BLOCK_READ && block->read_only ? -EROFS : 0;
}

static void begin_request(struct block *block, struct block_request *request)
{
	request->block = block;
	request->done = 0;
	list_init(&request->node);
	list_append(&block->in_flight, &request->node);
}

static void end_request_later(struct block_request *request, int result)
{
	request->io.owner = request->block->owner;
	request->io.complete = io_done;
	aio_complete_later(request->block->aio, &request->io, result);
}

void block_start(struct block *block, struct block_request *request)
{
	int result;

	request->skip = 0;
	begin_request(block, request);
	result = check_request(block, request);
	if (result < 0 || (request->op != BLOCK_FLUSH && request->bytes == 0) ||
	    (request->op == BLOCK_DISCARD && !block->discard))
		end_request_later(request, result);
	else if (!block->throttle || !throttle_hold(block, request))
		block->driver->start(block, request);
	if (gate_of(request))
		block->gate->started(block->gate->opaque, request);
}

void block_start_admitted(struct block *block, struct block_request *request)
{
	list_remove(&request->node);
	list_append(&block->in_flight, &request->node);
	block->driver->start(block, request);
}

void block_start_part(struct block *part, struct block_request *request)
{
	begin_request(part, request);
	if (request->op != BLOCK_FLUSH && request->bytes == 0)
		end_request_later(request, 0);
	else
		part->driver->start(part, request);
}

static const uint8_t zero_page[4096] __attribute__((aligned(4096)));

#define ZEROS_1                                      \
	{                                            \
		(void *)zero_page, sizeof(zero_page) \
	}
#define ZEROS_8  ZEROS_1, ZEROS_1, ZEROS_1, ZEROS_1, ZEROS_1, ZEROS_1, ZEROS_1, ZEROS_1
#define ZEROS_64 ZEROS_8, ZEROS_8, ZEROS_8, ZEROS_8, ZEROS_8, ZEROS_8, ZEROS_8, ZEROS_8

const struct iovec block_zeros[BLOCK_ZEROS_PIECES] = { ZEROS_64, ZEROS_64, ZEROS_64, ZEROS_64,
						       ZEROS_64, ZEROS_64, ZEROS_64, ZEROS_64 };

void block_prepare_io(struct block_request *request, const struct aio_file *file,
		      enum aio_kind kind, size_t skip, size_t bytes)
{
	request->io.kind = kind;
	request->io.file = file;
	request->io.offset = request->offset + skip;
	request->io.iov = request->iov;
	request->io.iov_count = request->iov_count;
	request->io.skip = request->skip + skip;
	request->io.bytes = bytes;
	request->io.avoid_direct = false;
	request->io.owner = request->block->owner;
	request->io.complete = io_done;
}

void block_fill_iov(const struct block_request *request, size_t skip, const uint8_t *data,
		    size_t bytes)
{
	skip += request->skip;
	for (unsigned i = 0; i < request->iov_count && bytes > 0; i++) {
		size_t length = request->iov[i].iov_len;
		char *to = (char *)request->iov[i].iov_base + skip;

		if (skip >= length) {
			skip -= length;
			continue;
		}
		length = min_size(length - skip, bytes);
		if (data) {
			memcpy(to, data, length);
			data += length;
		} else {
			memset(to, 0, length);
		}
		bytes -= length;
		skip = 0;
	}
}

void block_zero_iov(const struct block_request *request, size_t skip, size_t bytes)
{
	block_fill_iov(request, skip, NULL, bytes);
}

static void wait_for_some(struct block *block)
{
	if (block->throttle && throttle_release(block))
		return;
	if (!block->driver || !block->driver->advance || !block->driver->advance(block))
		aio_wait(block->aio, block->owner);
}

void block_await(struct block *block)
{
	while ((block->throttle && throttle_release(block)) || !list_is_empty(&block->in_flight))
		wait_for_some(block);
}

void block_drain(struct block *block)
{
	do
		block_await(block);
	while (block->gate && block->gate->settle(block->gate->opaque));
}

void block_retry(struct block *block)
{
	/* None is held anew within this loop: completions come later. */
	while (!list_is_empty(&block->held)) {
		struct block_request *request =
			container_of(block->held.next, struct block_request, node);

		list_remove(&request->node);
		block_start(block, request);
	}
}

void block_cancel_held(struct block *block)
{
	while (!list_is_empty(&block->held)) {
		struct block_request *request =
			container_of(block->held.next, struct block_request, node);

		list_remove(&request->node);
		complete(request, -ECANCELED);
	}
	if (block->throttle)
		throttle_cancel(block);
}

/* Synchronous requests */

struct request_now {
	struct block_request request;
	bool is_complete;
	int result;
};

static void now_complete(struct block_request *request, int result)
{
	struct request_now *now = container_of(request, struct request_now, request);

	now->is_complete = true;
	now->result = result;
}

static int run_now(struct block *block, struct request_now *now)
{
	enum block_error_action write_error = block->write_error, read_error = block->read_error;

	/* Nobody could let a held one go on. */
	block->write_error = block->read_error = BLOCK_ERROR_REPORT;
	now->request.complete = now_complete;
	block_start(block, &now->request);
	while (!now->is_complete)
		wait_for_some(block);
	block->write_error = write_error;
	block->read_error = read_error;
	return now->result;
}

int block_read_now(struct block *block, uint64_t offset, void *data, size_t length)
{
	struct iovec iov = { data, length };
	struct request_now now = {
		.request = { .op = BLOCK_READ, .offset = offset, .iov = &iov, .iov_count = 1 },
	};

	block_drain(block);
	return run_now(block, &now);
}

int block_write_now(struct block *block, uint64_t offset, const void *data, size_t length)
{
	struct iovec iov = { (void *)data, length };
	struct request_now now = {
		.request = { .op = BLOCK_WRITE, .offset = offset, .iov = &iov, .iov_count = 1 },
	};

	block_drain(block);
	return run_now(block, &now);
}

int block_flush_now(struct block *block)
{
	struct request_now now = { .request = { .op = BLOCK_FLUSH } };

	if (block_is_empty(block) || block->read_only)
		return 0;
	block_drain(block);
	return run_now(block, &now);
}

/* Properties */

bool block_is_empty(const struct block *block)
{
	struct block *looked_at = (struct block *)block;

	if (!block->driver)
		return true;
	return block->driver->is_present && !block->driver->is_present(looked_at);
}

uint64_t block_size_bytes(const struct block *block)
{
	return block->size_bytes;
}

bool block_is_read_only(const struct block *block)
{
	return block->read_only;
}

bool block_discard_is_deterministic(const struct block *block)
{
	return !block->discard_is_vague;
}

void block_allow_discard(struct block *block)
{
	block->discard = true;
}

bool block_is_temporary(const struct block *block)
{
	return block->is_temporary;
}

int block_claim(struct block *block, bool claimed, struct err *err)
{
	if (!block->driver || !block->driver->claim)
		return 0;
	return block->driver->claim(block, claimed, err);
}

const char *block_filename(const struct block *block)
{
	return block->filename;
}

const char *block_format(const struct block *block)
{
	return block->format;
}

void block_get_stats(const struct block *block, struct block_stats *stats)
{
	*stats = block->stats;
}

void block_set_error_hook(struct block *block,
			  void (*stopped)(void *opaque, struct block *block, bool is_write,
					  int error),
			  void *opaque)
{
	block->stopped = stopped;
	block->stopped_opaque = opaque;
}

/* Opening and closing */

static void block_free(struct block *block)
{
	throttle_finish(block);
	if (block->aio)
		aio_release(block->aio);
	free(block->filename);
	free(block);
}

static struct block *block_create(struct loop *loop, const char *filename)
{
	struct block *block = calloc(1, sizeof(*block));

	if (!block)
		return NULL;
	list_init(&block->in_flight);
	list_init(&block->held);
	block->format = "raw";
	block->read_only = true;
	block->owner = block;
	block->filename = strdup(filename);
	block->aio = aio_acquire(loop);
	if (block->filename && block->aio)
		return block;
	block_free(block);
	return NULL;
}

struct block *block_create_empty(struct loop *loop)
{
	return block_create(loop, "");
}

struct block *block_create_memory(struct loop *loop, const char *name, uint64_t bytes,
				  bool read_only, struct err *err)
{
	struct block *block = block_create(loop, name);

	if (!block) {
		err_set_errno(err, -ENOMEM, "'%s'", name);
		return NULL;
	}
	block->read_only = read_only;
	block->is_temporary = true;
	if (memory_open(block, bytes, err) == 0)
		return block;
	block_free(block);
	return NULL;
}

/* Formats */

static int open_raw(struct block *block, const struct block_options *options,
		    const struct block_role *role, struct err *err)
{
	(void)role;
	return raw_open(block, options, err);
}

struct format {
	const char *name, *alias;
	int (*open)(struct block *block, const struct block_options *options,
		    const struct block_role *role, struct err *err);
};

static const struct format formats[] = {
	{ "raw", NULL, open_raw },
	{ "qcow2", NULL, qcow2_open },
	{ "vpc", "vhd", vpc_open },
	{ "vmdk", NULL, vmdk_open },
	{ "directory", NULL, media_open_directory },
	{ "overlay", NULL, media_open_overlay },
	{ "composed", NULL, media_open_composed },
};

static const char *const foreign_formats[] = { "qcow", "qed", "vdi", "vhdx", "parallels", NULL };

static int refuse_format(const char *format, const char *filename, struct err *err)
{
	const char *names[ARRAY_SIZE(formats) + 1] = { NULL }, *nearest;

	for (size_t i = 0; foreign_formats[i]; i++) {
		if (strcmp(format, foreign_formats[i]) == 0)
			return err_set(err, -ENOTSUP,
				       "format '%s' of '%s' is not supported; convert the image "
				       "with 'qemu-img convert -O qcow2'",
				       format, filename);
	}
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		names[i] = formats[i].name;
	nearest = err_nearest_word(format, names);
	return err_set(err, -EINVAL, "unknown image format '%s' of '%s'%s%s%s", format, filename,
		       nearest ? ", did you mean '"
			       : "; known are raw, qcow2, vpc, directory and overlay",
		       nearest ? nearest : "", nearest ? "'" : "");
}

/** NULL and a sentence if there is none of that name. */
static const struct format *find_format(const char *name, const char *filename, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (!name || strcmp(name, formats[i].name) == 0 ||
		    (formats[i].alias && strcmp(name, formats[i].alias) == 0))
			return &formats[i];
	refuse_format(name, filename, err);
	return NULL;
}

static int open_overlay(struct block *block, const struct block_options *options,
			const struct block_role *role, struct err *err)
{
	struct block_options base_options = *options;
	struct block_role base_role = { .owner = block->owner, .depth = role->depth };
	struct block *base;

	base_options.snapshot = false;
	base_options.read_only = true;
	base_options.write_error = base_options.read_error = BLOCK_ERROR_REPORT;
	base = block_open_as(&base_options, &base_role, aio_loop(block->aio), err);
	if (!base)
		return -EINVAL;
	if (cow_open(block, base, err) < 0) {
		block_close(base);
		return -EINVAL;
	}
	block->format = base->format;
	return 0;
}

struct block *block_open_as(const struct block_options *options, const struct block_role *role,
			    struct loop *loop, struct err *err)
{
	const char *filename = options->filename ? options->filename : "(passed descriptor)";
	const char *name = options->format || !options->overlay ? options->format : "overlay";
	const struct format *format = find_format(name, filename, err);
	struct block *block = NULL;
	int result;

	if (!format)
		goto failed;
	if (options->overlay && format->open != media_open_overlay) {
		err_set(err, -EINVAL, "a directory can lie over a CD image as it is, not '%s'",
			format->name);
		goto failed;
	}
	block = block_create(loop, filename);
	if (!block || aio_prepare(block->aio) < 0) {
		err_set(err, -ENOMEM, "no memory or descriptors left to open '%s'", filename);
		goto failed;
	}
	block->format = format->name;
	block->owner = role->owner ? role->owner : block;
	block->is_growable = role->is_growable;
	block->is_cdrom = options->is_cdrom;
	block->discard = options->discard;
	block->cache = options->cache;
	block->write_error = options->write_error;
	block->read_error = options->read_error;
	if (options->snapshot && !options->is_cdrom)
		result = open_overlay(block, options, role, err);
	else
		result = format->open(block, options, role, err);
	if (result == 0)
		return block;
	block_free(block);
	return NULL; /* who opens files closes a passed descriptor, too */

failed:
	if (options->fd >= 0)
		close(options->fd);
	if (block)
		block_free(block);
	return NULL;
}

struct block *block_open(const struct block_options *options, struct loop *loop, struct err *err)
{
	return block_open_as(options, &(struct block_role){ 0 }, loop, err);
}

void block_close(struct block *block)
{
	if (!block)
		return;
	block_drain(block);
	block_cancel_held(block);
	block_flush_now(block);
	if (block->driver)
		block->driver->close(block);
	block_free(block);
}
