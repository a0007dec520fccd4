// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests as tasks. A task is on one of the lists ready, blocked, finished, free or those of the
 * commit, or has transfers under way:
 *
 *            qcow2_start                     all 'pending' parts
 *   request -----------> ready --step--> transfers ------------> arrived --> ready
 *                          ^   |                                     |
 *      something moved on  |   +--> blocked                          +--> more transfers
 *                          +-----------+
 */
#pragma once

#include "block/qcow2.h"

/* What a step ends with, if not with transfers. */

/** To be run again when something has moved on; what it holds stays held. */
void qcow2_task_block(struct qcow2_task *task);
/** Gives up what the step holds. */
void qcow2_task_release(struct qcow2_task *task);
/** The step cannot be done now, or not at all: 'result' is QCOW2_WAIT or -errno. */
void qcow2_task_give_up(struct qcow2_task *task, int result);
/** task->bytes more are done; 'step' is next. */
void qcow2_task_go_on(struct qcow2_task *task, void (*step)(struct qcow2_task *task));
/** The request is done. */
void qcow2_task_finish(struct qcow2_task *task, int result);

/** Where on the disk the task is. */
uint64_t qcow2_task_position(const struct qcow2_task *task);
/** Locks the clusters of a range: nobody moves data where the mapping changes, and nobody else
 * changes it there. False: somebody does. */
bool qcow2_task_lock(struct qcow2_task *task, enum qcow2_lock lock, uint64_t offset,
		     uint64_t bytes);
/** False: none is free. */
bool qcow2_task_take_workspace(struct qcow2_task *task);

/** Moves 'bytes' between the request's own memory, from what is done on, and 'offset' of 'from'. */
void qcow2_task_move(struct qcow2_task *task, struct block *from, enum block_op op, uint64_t offset,
		     size_t bytes);
/** The same with memory of ours; one at a time, and not beside edges. */
void qcow2_task_move_own(struct qcow2_task *task, struct block *from, enum block_op op,
			 uint64_t offset, uint8_t *memory, size_t bytes);
/** One of the 'pending' has come back. */
void qcow2_task_arrived(struct qcow2_task *task, int result);
void qcow2_task_head_arrived(struct block_request *part, int result);
void qcow2_task_tail_arrived(struct block_request *part, int result);

/** How much of what is not in the image its backing file has. */
size_t qcow2_backed_bytes(const struct qcow2 *image, uint64_t offset, size_t bytes);
/** Makes task->extent the first cluster of the workspace, then runs 'then'. */
void qcow2_decompress_extent(struct qcow2_task *task, void (*then)(struct qcow2_task *task));

void qcow2_step_read(struct qcow2_task *task);
void qcow2_step_write(struct qcow2_task *task);
void qcow2_step_flush(struct qcow2_task *task);
