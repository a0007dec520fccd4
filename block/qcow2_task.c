// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "block/qcow2_task.h"

/* Tasks */

void qcow2_moved_on(struct qcow2 *image)
{
	image->has_moved = true;
}

static void set_list(struct qcow2_task *task, struct list_node *list)
{
	list_remove(&task->node);
	list_append(list, &task->node);
}

void qcow2_task_ready(struct qcow2_task *task)
{
	set_list(task, &task->image->ready);
}

void qcow2_task_block(struct qcow2_task *task)
{
	set_list(task, &task->image->blocked);
}

/** Gives up what the step held. */
void qcow2_task_release(struct qcow2_task *task)
{
	struct qcow2 *image = task->image;

	if (task->workspace)
		task->workspace->taken = false;
	task->workspace = NULL;
	task->lock = QCOW2_UNLOCKED;
	image->freed_reserved -= task->freed_reserved;
	task->freed_reserved = 0;
	if (task->is_growing)
		image->is_growing = task->is_growing = false;
}

void qcow2_task_finish(struct qcow2_task *task, int result)
{
	qcow2_task_release(task);
	task->result = result;
	set_list(task, &task->image->finished);
	qcow2_moved_on(task->image);
}

/** The step cannot be done now, or not at all: 'result' is QCOW2_WAIT or -errno. */
void qcow2_task_give_up(struct qcow2_task *task, int result)
{
	qcow2_task_release(task);
	if (result == QCOW2_WAIT)
		qcow2_task_block(task);
	else
		qcow2_task_finish(task, result);
}

uint64_t qcow2_task_position(const struct qcow2_task *task)
{
	return task->request->offset + task->request->done;
}

/** The next step goes on behind what is done. */
void qcow2_task_go_on(struct qcow2_task *task, void (*step)(struct qcow2_task *task))
{
	task->request->done += task->bytes;
	if (task->bytes > 0)
		task->added = 0;
	task->bytes = 0;
	task->step = step;
	qcow2_task_release(task);
	qcow2_task_ready(task);
	qcow2_moved_on(task->image);
}

/* What a step holds */

/** Nobody moves data where the mapping changes, and nobody else changes it there. */
bool qcow2_task_lock(struct qcow2_task *task, enum qcow2_lock lock, uint64_t offset, uint64_t bytes)
{
	struct qcow2 *image = task->image;
	uint64_t first = offset >> image->header.cluster_bits;
	uint64_t last = (offset + bytes - 1) >> image->header.cluster_bits;

	for (size_t i = 0; i < QCOW2_TASKS; i++) {
		const struct qcow2_task *other = &image->tasks[i];

		if (other != task && other->lock != QCOW2_UNLOCKED && first <= other->last &&
		    other->first <= last &&
		    (lock == QCOW2_EXCLUSIVE || other->lock == QCOW2_EXCLUSIVE))
			return false;
	}
	task->lock = lock;
	task->first = first;
	task->last = last;
	return true;
}

bool qcow2_task_take_workspace(struct qcow2_task *task)
{
	for (size_t i = 0; i < QCOW2_WORKSPACES && !task->workspace; i++) {
		struct qcow2_workspace *workspace = &task->image->workspaces[i];

		if (workspace->taken)
			continue;
		workspace->taken = true;
		task->workspace = workspace;
	}
	return task->workspace;
}

/* Transfers */

void qcow2_task_arrived(struct qcow2_task *task, int result)
{
	struct qcow2 *image = task->image;

	if (result < 0 && task->result == 0)
		task->result = result;
	if (--task->pending == 0)
		task->arrived(task);
	qcow2_run(image);
}

static void body_arrived(struct block_request *part, int result)
{
	qcow2_task_arrived(container_of(part, struct qcow2_task, part), result);
}

void qcow2_task_head_arrived(struct block_request *part, int result)
{
	qcow2_task_arrived(container_of(part, struct qcow2_task, head.part), result);
}

void qcow2_task_tail_arrived(struct block_request *part, int result)
{
	qcow2_task_arrived(container_of(part, struct qcow2_task, tail.part), result);
}

/** The request's own memory from what is done on, against 'offset' of 'from'. */
void qcow2_task_move(struct qcow2_task *task, struct block *from, enum block_op op, uint64_t offset,
		     size_t bytes)
{
	const struct block_request *request = task->request;
	bool zeros = request->op == BLOCK_WRITE_ZEROES;

	task->pending++;
	task->part = (struct block_request){
		.op = op,
		.offset = offset,
		.iov = zeros ? block_zeros : request->iov,
		.iov_count = zeros ? BLOCK_ZEROS_PIECES : request->iov_count,
		.skip = zeros ? 0 : request->skip + request->done,
		.bytes = bytes,
		.complete = body_arrived,
	};
	block_start_part(from, &task->part);
}

/** Memory of ours. */
void qcow2_task_move_own(struct qcow2_task *task, struct block *from, enum block_op op,
			 uint64_t offset, uint8_t *memory, size_t bytes)
{
	task->pending++;
	task->head.iov = (struct iovec){ memory, bytes };
	task->head.part = (struct block_request){
		.op = op,
		.offset = offset,
		.iov = &task->head.iov,
		.iov_count = 1,
		.bytes = bytes,
		.complete = qcow2_task_head_arrived,
	};
	block_start_part(from, &task->head.part);
}

/* Running */

static void begin_task(struct qcow2 *image, struct block_request *request)
{
	struct qcow2_task *task = container_of(image->free.next, struct qcow2_task, node);

	task->request = request;
	task->bytes = 0;
	task->added = 0;
	switch (request->op) {
	case BLOCK_READ:
		task->step = qcow2_step_read;
		break;
	case BLOCK_FLUSH:
		task->step = qcow2_step_flush;
		break;
	case BLOCK_WRITE:
	case BLOCK_DISCARD:
	case BLOCK_WRITE_ZEROES:
		task->step = qcow2_step_write;
		break;
	}
	qcow2_task_ready(task);
}

static bool run_ready(struct qcow2 *image)
{
	bool ran = false;

	while (!list_is_empty(&image->ready)) {
		struct qcow2_task *task = container_of(image->ready.next, struct qcow2_task, node);

		list_remove(&task->node);
		task->step(task);
		ran = true;
	}
	return ran;
}

static bool wake_blocked(struct qcow2 *image)
{
	if (!image->has_moved)
		return false;
	image->has_moved = false;
	if (qcow2_count_freed(image))
		image->has_moved = true;
	while (!list_is_empty(&image->blocked))
		qcow2_task_ready(container_of(image->blocked.next, struct qcow2_task, node));
	return true;
}

static bool complete_finished(struct qcow2 *image)
{
	struct qcow2_task *task;
	struct block_request *request;

	if (list_is_empty(&image->finished))
		return false;
	task = container_of(image->finished.next, struct qcow2_task, node);
	request = task->request;
	set_list(task, &image->free);
	if (!list_is_empty(&image->waiting)) {
		struct block_request *next =
			container_of(image->waiting.next, struct block_request, io.node);

		list_remove(&next->io.node);
		begin_task(image, next);
	}
	block_request_done(request, task->result);
	return true;
}

bool qcow2_advance(struct block *block)
{
	struct qcow2 *image = block->image;
	struct block *backing = image->backing;

	if (run_ready(image) || wake_blocked(image) || complete_finished(image))
		return true;
	return backing && backing->driver->advance && backing->driver->advance(backing);
}

void qcow2_run(struct qcow2 *image)
{
	while (run_ready(image) || wake_blocked(image) || complete_finished(image))
		;
}

static void kicked(struct aio_op *op, int result)
{
	struct qcow2 *image = container_of(op, struct qcow2, kick);

	(void)result;
	image->is_kicked = false;
	qcow2_run(image);
}

void qcow2_start(struct block *block, struct block_request *request)
{
	struct qcow2 *image = block->image;

	if (list_is_empty(&image->free)) {
		list_init(&request->io.node);
		list_append(&image->waiting, &request->io.node);
		return;
	}
	begin_task(image, request);
	while (run_ready(image) || wake_blocked(image))
		;
	if (list_is_empty(&image->finished) || image->is_kicked)
		return;
	/* Nothing had to be transferred, and nobody is called back from here. */
	image->is_kicked = true;
	image->kick = (struct aio_op){ .owner = block->owner, .complete = kicked };
	aio_complete_later(block->aio, &image->kick, 0);
}
