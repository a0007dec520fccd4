// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/lib/fake_aio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "block/aio_backend.h"

enum {
	SECTOR = 512,
};

struct aio {
	struct loop *loop;
	unsigned references;
};

/** A write or flush of the record. */
struct record {
	bool is_flush, is_hole;
	uint64_t offset;
	size_t bytes;
	uint8_t *data;
	size_t submitted, ended; /* moments; SIZE_MAX: not yet */
};

static struct aio the_aio;
static struct list_node submitted = { &submitted, &submitted };
static uint64_t random_state, count;
static unsigned fail_one_in;
static int fail_error;
static bool recording;
static struct record *records;
static size_t record_count, record_room, moments;

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

void fake_aio_reset(uint64_t seed)
{
	random_state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	list_init(&submitted);
	fail_one_in = 0;
	recording = false;
	count = 0;
	for (size_t i = 0; i < record_count; i++)
		free(records[i].data);
	free(records);
	records = NULL;
	record_count = record_room = moments = 0;
}

void fake_aio_fail_writes(unsigned one_in, int error)
{
	fail_one_in = one_in;
	fail_error = error;
}

uint64_t fake_aio_count(void)
{
	return count;
}

/* Transfers */

static int64_t move(struct aio_op *op, const struct aio_step *step)
{
	off_t offset = (off_t)step->offset;
	int fd = op->file->fd;
	ssize_t moved;

	if (op->kind == AIO_READ)
		moved = preadv(fd, step->iov, step->iov_count, offset);
	else
		moved = pwritev(fd, step->iov, step->iov_count, offset);
	return moved < 0 ? -errno : moved;
}

static size_t first_skip(const struct aio_op *op, unsigned *index)
{
	size_t skip = op->skip;

	for (*index = 0; *index < op->iov_count && skip >= op->iov[*index].iov_len; ++*index)
		skip -= op->iov[*index].iov_len;
	return skip;
}

/** Piece by piece: simple rather than fast. */
static int transfer(struct aio_op *op)
{
	unsigned index;
	size_t skip = first_skip(op, &index), done = 0;

	while (done < op->bytes) {
		struct iovec piece;
		struct aio_step step = { .iov = &piece, .iov_count = 1 };
		int64_t moved;

		if (index == op->iov_count)
			return -EINVAL;
		piece.iov_base = (char *)op->iov[index].iov_base + skip;
		piece.iov_len = min_size(op->iov[index].iov_len - skip, op->bytes - done);
		step.offset = op->offset + done;
		if (piece.iov_len > 0) {
			moved = move(op, &step);
			if (moved <= 0)
				return moved < 0 ? (int)moved : -EIO;
			done += (size_t)moved;
			skip += (size_t)moved;
		}
		if (skip == op->iov[index].iov_len) {
			skip = 0;
			index++;
		}
	}
	return 0;
}

static bool is_write(const struct aio_op *op)
{
	return op->kind == AIO_WRITE || op->kind == AIO_WRITE_THROUGH || op->kind == AIO_PUNCH ||
	       op->kind == AIO_ZERO;
}

static int run(struct aio_op *op)
{
	if (is_write(op) && fail_one_in && next_random(&random_state) % fail_one_in == 0)
		return fail_error;
	switch (op->kind) {
	case AIO_READ:
	case AIO_WRITE:
	case AIO_WRITE_THROUGH:
		return transfer(op);
	case AIO_PUNCH:
	case AIO_ZERO:
		return fallocate(op->file->fd,
				 FALLOC_FL_KEEP_SIZE |
					 (op->kind == AIO_PUNCH ? FALLOC_FL_PUNCH_HOLE
								: FALLOC_FL_ZERO_RANGE),
				 (off_t)op->offset, (off_t)op->bytes) < 0
			       ? -errno
			       : 0;
	case AIO_CALL:
		return op->call(op);
	case AIO_SYNC:
		break;
	}
	return 0;
}

/* The record */

void fake_aio_record(bool on)
{
	recording = on;
}

size_t fake_aio_moments(void)
{
	return moments;
}

static struct record *add_record(void)
{
	if (record_count == record_room) {
		record_room = record_room ? 2 * record_room : 1024;
		records = realloc(records, record_room * sizeof(*records));
		if (!records)
			abort();
	}
	records[record_count] = (struct record){ .submitted = moments++, .ended = SIZE_MAX };
	return &records[record_count++];
}

static void copy_memory(const struct aio_op *op, uint8_t *data)
{
	unsigned index;
	size_t skip = first_skip(op, &index), left = op->bytes;

	for (; left > 0 && index < op->iov_count; index++) {
		size_t bytes = min_size(op->iov[index].iov_len - skip, left);

		memcpy(data, (const char *)op->iov[index].iov_base + skip, bytes);
		data += bytes;
		left -= bytes;
		skip = 0;
	}
}

/** op->done and op->at are unused by this fake: 'at' keeps the record's number, plus one. */
static void record_submitted(struct aio_op *op)
{
	struct record *record;

	op->at = 0;
	if (!recording || (!is_write(op) && op->kind != AIO_SYNC))
		return;
	record = add_record();
	op->at = record_count;
	record->is_flush = op->kind == AIO_SYNC;
	if (record->is_flush)
		return;
	record->is_hole = op->kind == AIO_PUNCH || op->kind == AIO_ZERO;
	record->offset = op->offset;
	record->bytes = op->bytes;
	record->data = calloc(1, op->bytes);
	if (!record->data)
		abort();
	if (!record->is_hole)
		copy_memory(op, record->data);
}

static void record_ended(const struct aio_op *op)
{
	if (op->at > 0)
		records[op->at - 1].ended = moments++;
}

/** Whether a flush that ended before 'moment' was begun after the write's end. */
static bool is_sure(const struct record *write, size_t moment)
{
	for (size_t i = 0; i < record_count; i++)
		if (records[i].is_flush && records[i].ended < moment &&
		    records[i].submitted > write->ended)
			return true;
	return false;
}

void fake_aio_replay(int fd, size_t moment, uint64_t seed)
{
	uint64_t state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;

	for (size_t i = 0; i < record_count; i++) {
		const struct record *record = &records[i];
		bool sure;

		if (record->is_flush || record->submitted >= moment)
			continue;
		sure = is_sure(record, moment);
		for (size_t at = 0; at < record->bytes; at += SECTOR) {
			size_t bytes = min_size(SECTOR, record->bytes - at);

			if (!sure && (seed == 0 || (seed > 1 && next_random(&state) & 32)))
				continue;
			if (pwrite(fd, record->data + at, bytes, (off_t)(record->offset + at)) !=
			    (ssize_t)bytes)
				abort();
		}
	}
}

/* The interface of block/aio.h */

struct aio *aio_acquire(struct loop *loop)
{
	the_aio.loop = loop;
	the_aio.references++;
	return &the_aio;
}

void aio_release(struct aio *aio)
{
	aio->references--;
}

int aio_prepare(struct aio *aio)
{
	(void)aio;
	return 0;
}

struct loop *aio_loop(const struct aio *aio)
{
	return aio->loop;
}

bool aio_op_suits_direct(const struct aio_op *op)
{
	(void)op;
	return false;
}

void aio_submit(struct aio *aio, struct aio_op *op)
{
	(void)aio;
	count++;
	op->result = 1;
	record_submitted(op);
	list_init(&op->node);
	list_append(&submitted, &op->node);
}

void aio_complete_later(struct aio *aio, struct aio_op *op, int result)
{
	(void)aio;
	op->at = 0;
	op->result = result;
	list_init(&op->node);
	list_append(&submitted, &op->node);
}

static void run_op(struct aio_op *op)
{
	list_remove(&op->node);
	if (op->result > 0)
		op->result = run(op);
	record_ended(op);
	op->complete(op, op->result);
}

static struct aio_op *choose(const void *owner)
{
	struct aio_op *op, *chosen = NULL;
	unsigned candidates = 0;

	list_for_each(op, &submitted, struct aio_op, node)
	{
		if (owner && op->owner != owner)
			continue;
		candidates++;
		if (next_random(&random_state) % candidates == 0)
			chosen = op;
	}
	return chosen;
}

bool fake_aio_run_one(void)
{
	struct aio_op *op = choose(NULL);

	if (op)
		run_op(op);
	return op;
}

void aio_wait(struct aio *aio, const void *owner)
{
	struct aio_op *op = choose(owner);

	(void)aio;
	if (!op)
		abort(); /* nobody will ever end this wait */
	run_op(op);
}

void aio_force_threads(bool force)
{
	(void)force;
}
