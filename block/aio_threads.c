// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Threads, for kernels that refuse io_uring. A few slots, each a job of the worker pool, take
 * operations from a queue until it is empty. Whoever waits for the end of one (a drain) lends a
 * hand instead of sleeping while any is queued.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/worker.h"
#include "block/aio_backend.h"

enum {
	SLOT_COUNT = 4,
};

struct slot {
	struct worker_job job;
	struct threads *threads;
	bool busy; /* from worker_submit until the job's completion; under the machine lock */
};

struct threads {
	struct aio *aio;
	struct worker_pool *pool;
	struct slot slots[SLOT_COUNT];
	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t ended;
	struct list_node queue;
	uint64_t ended_count, seen_count;
};

static int64_t run_step(const struct aio_op *op, struct aio_step *step)
{
	int flags = op->kind == AIO_WRITE_THROUGH ? RWF_DSYNC : 0;
	off_t offset = (off_t)step->offset;
	ssize_t moved;

	if (op->kind == AIO_READ)
		moved = preadv(step->fd, step->iov, step->iov_count, offset);
	else if (flags)
		moved = pwritev2(step->fd, step->iov, step->iov_count, offset, flags);
	else
		moved = pwritev(step->fd, step->iov, step->iov_count, offset);
	return moved < 0 ? -errno : moved;
}

static void run_op(struct aio_op *op)
{
	struct aio_step step = { 0 };
	int64_t returned;

	do {
		if (op->kind == AIO_CALL) {
			op->result = op->call(op);
			return;
		}
		if (op->kind == AIO_SYNC) {
			returned = fdatasync(op->file->fd) < 0 ? -errno : 0;
		} else if (!aio_op_is_transfer(op)) {
			returned = fallocate(op->file->fd, aio_op_fallocate_mode(op),
					     (off_t)op->offset, (off_t)op->bytes) < 0
					   ? -errno
					   : 0;
		} else if (aio_op_next_step(op, &step)) {
			returned = run_step(op, &step);
		} else {
			op->result = -EINVAL;
			return;
		}
	} while (!aio_op_step_done(op, &step, returned));
}

/* Runs the oldest queued operation; false if there is none. The mutex is held, and given up
 * meanwhile. */
static bool run_queued(struct threads *threads)
{
	struct aio_op *op;

	if (list_is_empty(&threads->queue))
		return false;
	op = container_of(threads->queue.next, struct aio_op, node);
	list_remove(&op->node);
	pthread_mutex_unlock(&threads->mutex);
	run_op(op);
	aio_op_ended(threads->aio, op, true);
	pthread_mutex_lock(&threads->mutex);
	threads->ended_count++;
	pthread_cond_broadcast(&threads->ended);
	return true;
}

static void slot_run(struct worker_job *job)
{
	struct threads *threads = container_of(job, struct slot, job)->threads;

	pthread_mutex_lock(&threads->mutex);
	while (run_queued(threads))
		;
	pthread_mutex_unlock(&threads->mutex);
}

static void start_slot(struct threads *threads)
{
	for (unsigned i = 0; i < SLOT_COUNT; i++) {
		struct slot *slot = &threads->slots[i];

		if (slot->busy)
			continue;
		slot->busy = true;
		worker_submit(threads->pool, &slot->job);
		return;
	}
}

static void slot_complete(struct worker_job *job)
{
	struct slot *slot = container_of(job, struct slot, job);
	struct threads *threads = slot->threads;
	bool more;

	slot->busy = false;
	pthread_mutex_lock(&threads->mutex);
	more = !list_is_empty(&threads->queue);
	pthread_mutex_unlock(&threads->mutex);
	if (more)
		start_slot(threads);
}

static void *threads_create(struct aio *aio)
{
	struct threads *threads = calloc(1, sizeof(*threads));

	if (!threads)
		return NULL;
	threads->aio = aio;
	threads->pool = worker_pool_create(aio_loop(aio), SLOT_COUNT);
	if (!threads->pool) {
		free(threads);
		return NULL;
	}
	list_init(&threads->queue);
	pthread_mutex_init(&threads->mutex, NULL);
	pthread_cond_init(&threads->ended, NULL);
	for (unsigned i = 0; i < SLOT_COUNT; i++) {
		threads->slots[i].threads = threads;
		threads->slots[i].job.run = slot_run;
		threads->slots[i].job.complete = slot_complete;
	}
	return threads;
}

static void threads_destroy(void *state)
{
	struct threads *threads = state;

	worker_pool_destroy(threads->pool);
	pthread_cond_destroy(&threads->ended);
	pthread_mutex_destroy(&threads->mutex);
	free(threads);
}

static void threads_submit(void *state, struct aio_op *op)
{
	struct threads *threads = state;

	pthread_mutex_lock(&threads->mutex);
	list_append(&threads->queue, &op->node);
	pthread_mutex_unlock(&threads->mutex);
	start_slot(threads);
}

static void threads_reap(void *state, bool wait)
{
	struct threads *threads = state;
	if (!wait)
		return;
	pthread_mutex_lock(&threads->mutex);
	/* One that ended since the last look counts: its signal came before this wait. */
	while (threads->ended_count == threads->seen_count && !run_queued(threads))
		pthread_cond_wait(&threads->ended, &threads->mutex);
	threads->seen_count = threads->ended_count;
	pthread_mutex_unlock(&threads->mutex);
}

const struct aio_backend aio_threads = {
	.name = "threads",
	.create = threads_create,
	.destroy = threads_destroy,
	.submit = threads_submit,
	.reap = threads_reap,
};
