// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading, and compressed clusters for whoever needs one. */
#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "block/qcow2_task.h"

/* Compressed clusters: what is stored goes to the second and third cluster of the workspace, and
 * becomes the first, on a thread. */

static int decompress(struct aio_op *op)
{
	struct qcow2_task *task = container_of(op, struct qcow2_task, call);
	const struct qcow2 *image = task->image;
	uint8_t *memory = task->workspace->memory;
	int result = qcow2_decompress(image->header.compression, memory + image->cluster_bytes,
				      (size_t)task->extent.stored, memory, image->cluster_bytes);

	if (result == 0 && task->request->op == BLOCK_READ)
		block_fill_iov(task->request, task->request->done,
			       memory + qcow2_task_position(task) % image->cluster_bytes,
			       task->bytes);
	return result;
}

static void was_decompressed(struct aio_op *op, int result)
{
	qcow2_task_arrived(container_of(op, struct qcow2_task, call), result);
}

static void stored_arrived(struct qcow2_task *task)
{
	task->arrived = task->then;
	if (task->result < 0) {
		task->arrived(task);
		return;
	}
	task->call = (struct aio_op){
		.kind = AIO_CALL,
		.owner = task->image->block->owner,
		.call = decompress,
		.complete = was_decompressed,
	};
	task->pending++;
	aio_submit(task->image->block->aio, &task->call);
}

/** Makes task->extent the first cluster of the workspace. */
void qcow2_decompress_extent(struct qcow2_task *task, void (*then)(struct qcow2_task *task))
{
	struct qcow2 *image = task->image;

	task->then = then;
	task->arrived = stored_arrived;
	qcow2_task_move_own(task, image->file, BLOCK_READ, task->extent.host,
			    task->workspace->memory + image->cluster_bytes,
			    (size_t)task->extent.stored);
}

/* Reading */

static void read_done(struct qcow2_task *task)
{
	if (task->result < 0)
		qcow2_task_finish(task, task->result);
	else
		qcow2_task_go_on(task, qcow2_step_read);
}

/** How much of what is not in the image its backing file has. */
size_t qcow2_backed_bytes(const struct qcow2 *image, uint64_t offset, size_t bytes)
{
	if (!image->backing || offset >= image->backing->size_bytes)
		return 0;
	return (size_t)min_u64(bytes, image->backing->size_bytes - offset);
}

static void read_extent(struct qcow2_task *task)
{
	struct qcow2 *image = task->image;
	struct qcow2_extent *extent = &task->extent;
	size_t backed = qcow2_backed_bytes(image, qcow2_task_position(task), task->bytes);

	task->result = 0;
	task->arrived = read_done;
	if (extent->kind == QCOW2_EXTENT_DATA) {
		qcow2_task_move(task, image->file, BLOCK_READ, extent->host, task->bytes);
	} else if (extent->kind == QCOW2_EXTENT_COMPRESSED) {
		if (qcow2_task_take_workspace(task))
			qcow2_decompress_extent(task, read_done);
		else
			qcow2_task_give_up(task, QCOW2_WAIT);
	} else if (extent->kind == QCOW2_EXTENT_HOLE && backed > 0) {
		task->bytes = backed;
		qcow2_task_move(task, image->backing, BLOCK_READ, qcow2_task_position(task),
				backed);
	} else {
		block_zero_iov(task->request, task->request->done, task->bytes);
		qcow2_task_go_on(task, qcow2_step_read);
	}
}

void qcow2_step_read(struct qcow2_task *task)
{
	size_t left = task->request->bytes - task->request->done;
	int result;

	if (left == 0) {
		qcow2_task_finish(task, 0);
		return;
	}
	result = qcow2_map(task->image, qcow2_task_position(task), left, &task->extent);
	if (result != 0) {
		qcow2_task_give_up(task, result);
		return;
	}
	task->bytes = (size_t)task->extent.bytes;
	if (qcow2_task_lock(task, QCOW2_SHARED, qcow2_task_position(task), task->bytes))
		read_extent(task);
	else
		qcow2_task_block(task);
}
