// SPDX-License-Identifier: GPL-2.0-or-later
#include "block/aio.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/loop.h"
#include "base/trace.h"
#include "block/aio_backend.h"

struct aio {
	struct list_node node; /* in 'instances' */
	unsigned references;
	struct loop *loop;
	const struct aio_backend *backend; /* NULL until aio_prepare */
	void *state;
	int event_fd;
	struct loop_watch *watch;
	void *call_state;      /* threads for AIO_CALL beside another back end; NULL until needed */
	pthread_mutex_t mutex; /* guards what follows */
	struct list_node ended;
	unsigned calls; /* submitted and not ended, where call_state runs them */
};

static struct list_node instances = { &instances, &instances };
static bool threads_forced;

struct loop *aio_loop(const struct aio *aio)
{
	return aio->loop;
}

int aio_event_fd(const struct aio *aio)
{
	return aio->event_fd;
}

const char *aio_backend_name(const struct aio *aio)
{
	return aio->backend ? aio->backend->name : "none";
}

void aio_force_threads(bool force)
{
	threads_forced = force;
}

/* Operations and their steps */

static void op_begin(struct aio_op *op)
{
	size_t skip = op->skip;

	op->done = 0;
	for (op->index = 0; op->index < op->iov_count; op->index++) {
		if (skip < op->iov[op->index].iov_len)
			break;
		skip -= op->iov[op->index].iov_len;
	}
	op->at = skip;
}

static void op_advance(struct aio_op *op, size_t bytes)
{
	op->done += bytes;
	while (bytes > 0) {
		size_t left = op->iov[op->index].iov_len - op->at;

		if (bytes < left) {
			op->at += bytes;
			return;
		}
		bytes -= left;
		op->index++;
		op->at = 0;
	}
}

static bool are_aligned(const struct aio_file *file, uint64_t offset, const struct iovec *iov,
			unsigned count)
{
	if (offset % file->position_align)
		return false;
	for (unsigned i = 0; i < count; i++) {
		if ((uintptr_t)iov[i].iov_base % file->memory_align ||
		    iov[i].iov_len % file->position_align)
			return false;
	}
	return true;
}

bool aio_op_suits_direct(const struct aio_op *op)
{
	return op->file->direct_fd >= 0 && op->skip == 0 &&
	       op->bytes % op->file->position_align == 0 &&
	       are_aligned(op->file, op->offset, op->iov, op->iov_count);
}

bool aio_op_next_step(struct aio_op *op, struct aio_step *step)
{
	size_t left = op->bytes - op->done;
	const struct iovec *first;

	while (op->index < op->iov_count && op->iov[op->index].iov_len == op->at) {
		op->index++;
		op->at = 0;
	}
	if (op->index == op->iov_count)
		return false;
	first = &op->iov[op->index];
	step->offset = op->offset + op->done;
	step->bytes = 0;
	step->iov_count = 0;
	step->iov = first;
	if (op->at > 0 || first->iov_len > left) {
		op->piece.iov_base = (char *)first->iov_base + op->at;
		op->piece.iov_len = min_size(first->iov_len - op->at, left);
		step->iov = &op->piece;
		step->iov_count = 1;
		step->bytes = op->piece.iov_len;
	} else {
		for (unsigned i = op->index; i < op->iov_count && step->iov_count < IOV_MAX; i++) {
			if (op->iov[i].iov_len > left - step->bytes)
				break;
			step->bytes += op->iov[i].iov_len;
			step->iov_count++;
		}
	}
	step->direct = op->file->direct_fd >= 0 && !op->avoid_direct &&
		       are_aligned(op->file, step->offset, step->iov, (unsigned)step->iov_count);
	step->fd = step->direct ? op->file->direct_fd : op->file->fd;
	return true;
}

int aio_op_fallocate_mode(const struct aio_op *op)
{
	return FALLOC_FL_KEEP_SIZE |
	       (op->kind == AIO_PUNCH ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE);
}

bool aio_op_step_done(struct aio_op *op, const struct aio_step *step, int64_t returned)
{
	if (returned == -EINTR || returned == -EAGAIN)
		return false;
	/* A file system may refuse O_DIRECT in spite of the alignment. (Writes must be kept apart:
	 * raw.c.) */
	if (returned == -EINVAL && step->direct && op->kind == AIO_READ) {
		op->avoid_direct = true;
		return false;
	}
	op->result = 0;
	if (returned < 0)
		op->result = (int)returned;
	else if (!aio_op_is_transfer(op))
		return true;
	else if (returned == 0)
		op->result = -EIO; /* the file ends where it did not when it was opened */
	else
		op_advance(op, (size_t)returned);
	return op->result != 0 || op->done == op->bytes;
}

/* Completions */

static void wake_loop(struct aio *aio)
{
	uint64_t one = 1;
	ssize_t written;

	do
		written = write(aio->event_fd, &one, sizeof(one));
	while (written < 0 && errno == EINTR);
}

void aio_op_ended(struct aio *aio, struct aio_op *op, bool wake)
{
	pthread_mutex_lock(&aio->mutex);
	list_append(&aio->ended, &op->node);
	if (op->kind == AIO_CALL && aio->call_state)
		aio->calls--;
	pthread_mutex_unlock(&aio->mutex);
	if (wake)
		wake_loop(aio);
}

/* Takes the oldest ended operation of 'owner' (NULL: anyone's). 'calls': how many calls are yet to
 * end. */
static struct aio_op *take_ended(struct aio *aio, const void *owner, unsigned *calls)
{
	struct aio_op *op, *found = NULL;

	pthread_mutex_lock(&aio->mutex);
	*calls = aio->calls;
	list_for_each(op, &aio->ended, struct aio_op, node)
	{
		if (owner && op->owner != owner)
			continue;
		found = op;
		list_remove(&op->node);
		break;
	}
	pthread_mutex_unlock(&aio->mutex);
	return found;
}

enum {
	DELIVER_BUDGET = 256, /* completions in one turn of the loop; a completion may start the
				 next request */
};

static void on_event(void *opaque, unsigned events)
{
	struct aio *aio = opaque;
	struct aio_op *op;
	uint64_t count;
	unsigned calls;

	(void)events;
	if (read(aio->event_fd, &count, sizeof(count)) < 0)
		TRACE(block, aio_spurious, "woken for nothing");
	aio->references++; /* a completion may close the last image */
	if (aio->backend)
		aio->backend->reap(aio->state, false);
	for (unsigned i = 0; (op = take_ended(aio, NULL, &calls)); i++) {
		op->complete(op, op->result);
		if (i == DELIVER_BUDGET) {
			wake_loop(aio);
			break;
		}
	}
	aio_release(aio);
}

void aio_wait(struct aio *aio, const void *owner)
{
	unsigned calls;
	struct aio_op *op = take_ended(aio, owner, &calls);

	while (!op) {
		/* A call ends by itself, and so does its wait; what else has ended is then there,
		 * too. */
		if (calls > 0)
			aio_threads.reap(aio->call_state, true);
		aio->backend->reap(aio->state, calls == 0);
		op = take_ended(aio, owner, &calls);
	}
	for (; op; op = take_ended(aio, owner, &calls))
		op->complete(op, op->result);
}

void aio_complete_later(struct aio *aio, struct aio_op *op, int result)
{
	op->kind = AIO_SYNC; /* whatever it was, it is not counted as a call */
	op->result = result;
	aio_op_ended(aio, op, true);
}

static void submit_call(struct aio *aio, struct aio_op *op)
{
	if (aio->backend == &aio_threads) {
		aio_threads.submit(aio->state, op);
		return;
	}
	if (!aio->call_state)
		aio->call_state = aio_threads.create(aio);
	if (!aio->call_state) {
		aio_complete_later(aio, op, -ENOMEM);
		return;
	}
	pthread_mutex_lock(&aio->mutex);
	aio->calls++;
	pthread_mutex_unlock(&aio->mutex);
	aio_threads.submit(aio->call_state, op);
}

void aio_submit(struct aio *aio, struct aio_op *op)
{
	assert(aio->backend);
	list_init(&op->node);
	op_begin(op);
	if (op->kind == AIO_CALL)
		submit_call(aio, op);
	else if (op->kind != AIO_SYNC && op->bytes == 0)
		aio_complete_later(aio, op, 0);
	else
		aio->backend->submit(aio->state, op);
}

/* Lifetime */

static struct aio *aio_create(struct loop *loop)
{
	struct aio *aio = calloc(1, sizeof(*aio));

	if (!aio)
		return NULL;
	aio->loop = loop;
	aio->references = 1;
	list_init(&aio->ended);
	aio->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (aio->event_fd < 0)
		goto no_event;
	aio->watch = loop_watch_fd(loop, aio->event_fd, LOOP_READABLE, on_event, aio);
	if (!aio->watch)
		goto no_watch;
	pthread_mutex_init(&aio->mutex, NULL);
	list_append(&instances, &aio->node);
	return aio;

no_watch:
	close(aio->event_fd);
no_event:
	free(aio);
	return NULL;
}

struct aio *aio_acquire(struct loop *loop)
{
	struct aio *aio;

	list_for_each(aio, &instances, struct aio, node)
	{
		if (aio->loop == loop) {
			aio->references++;
			return aio;
		}
	}
	return aio_create(loop);
}

void aio_release(struct aio *aio)
{
	if (--aio->references > 0)
		return;
	assert(list_is_empty(&aio->ended));
	list_remove(&aio->node);
	loop_unwatch(aio->watch);
	if (aio->backend)
		aio->backend->destroy(aio->state);
	if (aio->call_state)
		aio_threads.destroy(aio->call_state);
	close(aio->event_fd);
	pthread_mutex_destroy(&aio->mutex);
	free(aio);
}

static bool want_threads(void)
{
	const char *wish = getenv("HVMDM_AIO");

	return threads_forced || (wish && strcmp(wish, "threads") == 0);
}

int aio_prepare(struct aio *aio)
{
	if (aio->backend)
		return 0;
#ifdef HAVE_IO_URING
	aio->state = want_threads() ? NULL : aio_uring.create(aio);
	if (aio->state) {
		aio->backend = &aio_uring;
		return 0;
	}
#endif
	aio->state = aio_threads.create(aio);
	if (!aio->state)
		return -ENOMEM;
	aio->backend = &aio_threads;
	TRACE(block, aio_threads, "disk I/O by threads (wanted: %d)", want_threads());
	return 0;
}
