// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Writing, zeros and discards. Taking clusters:
 *
 *   qcow2_step_write -> (step_add_table, step_add_refblock) -> take_clusters -> read_edges ->
 *   edges_read -> write_all -> all_written -> step_link -> qcow2_step_write
 */
#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "block/qcow2_task.h"

/* Adding tables. One task at a time does, and nobody takes clusters meanwhile. */

static void begin_growing(struct qcow2_task *task, uint64_t host)
{
	struct qcow2 *image = task->image;

	image->is_growing = task->is_growing = true;
	image->fresh_from = max_u64(image->fresh_from, host + image->cluster_bytes);
	task->host = host;
	task->bytes = 0;
	task->result = 0;
}

static void end_growing(struct qcow2_task *task, int result)
{
	if (result == QCOW2_WAIT)
		qcow2_task_block(task); /* and stays the one that grows */
	else if (result < 0)
		qcow2_task_finish(task, result);
	else
		qcow2_task_go_on(task, qcow2_step_write);
}

static void step_put_refblock(struct qcow2_task *task)
{
	int result = QCOW2_WAIT;

	if (qcow2_may_change(task->image))
		result = qcow2_refblock_add(task->image, task->host);
	end_growing(task, result);
}

static void refblock_written(struct qcow2_task *task)
{
	task->step = step_put_refblock;
	if (task->result < 0)
		qcow2_task_finish(task, task->result);
	else
		qcow2_task_ready(task);
}

static void step_add_refblock(struct qcow2_task *task)
{
	struct qcow2 *image = task->image;

	if (!qcow2_task_take_workspace(task)) {
		qcow2_task_give_up(task, QCOW2_WAIT);
		return;
	}
	begin_growing(task, qcow2_refblock_prepare(image, task->workspace->memory));
	task->arrived = refblock_written;
	qcow2_task_move_own(task, image->file, BLOCK_WRITE, task->host, task->workspace->memory,
			    image->cluster_bytes);
}

/** Takes clusters; if a refcount block is missing the task goes to make it, and the step is over:
 * QCOW2_WAIT. Otherwise it has been given up. */
static int take(struct qcow2_task *task, unsigned wanted)
{
	bool needs_block;
	int result = qcow2_take(task->image, wanted, &task->host, &task->clusters, &needs_block);

	if (needs_block && ++task->added > QCOW2_ADDED_MAX) {
		result = qcow2_found_corrupt(task->image, "refcount blocks that vanish", 0);
		qcow2_task_finish(task, result);
	} else if (needs_block) {
		qcow2_task_release(task);
		step_add_refblock(task);
	} else if (result != 0) {
		qcow2_task_give_up(task, result);
	}
	return result;
}

static void step_put_table(struct qcow2_task *task)
{
	struct qcow2 *image = task->image;
	int result = QCOW2_WAIT;

	if (qcow2_may_change(image)) {
		qcow2_cache_forget(image, task->host, image->cluster_bytes);
		result = qcow2_map_set_table(image, qcow2_task_position(task), task->host);
	}
	if (result == 0 && task->extent.host != 0)
		qcow2_give_back(image, task->extent.host, 1, true);
	end_growing(task, result);
}

static void table_written(struct qcow2_task *task)
{
	task->step = step_put_table;
	if (task->result < 0) {
		qcow2_give_back(task->image, task->host, 1, false);
		qcow2_task_finish(task, task->result);
	} else {
		qcow2_task_ready(task);
	}
}

static void old_table_read(struct qcow2_task *task)
{
	struct qcow2 *image = task->image;

	task->arrived = table_written;
	if (task->result < 0)
		table_written(task);
	else
		qcow2_task_move_own(task, image->file, BLOCK_WRITE, task->host,
				    task->workspace->memory, image->cluster_bytes);
}

/** An L2 table, empty or as 'old', which a snapshot shares. */
static void step_add_table(struct qcow2_task *task, uint64_t old)
{
	struct qcow2 *image = task->image;
	int result = qcow2_reserve_freed(task, 2);

	if (result == 0 && !qcow2_task_take_workspace(task))
		result = QCOW2_WAIT;
	if (result != 0) {
		qcow2_task_give_up(task, result);
		return;
	}
	if (take(task, 1) != 0)
		return;
	begin_growing(task, task->host);
	task->extent.host = old;
	if (old != 0) {
		task->arrived = old_table_read;
		qcow2_task_move_own(task, image->file, BLOCK_READ, old, task->workspace->memory,
				    image->cluster_bytes);
		return;
	}
	memset(task->workspace->memory, 0, image->cluster_bytes);
	old_table_read(task);
}

/* Writing */

/** Whether the task may change the entries for 'clusters' of the disk now; if not it has been given
 * up or is adding what is missing. */
static bool prepare_change(struct qcow2_task *task, uint64_t offset, unsigned clusters)
{
	struct qcow2 *image = task->image;
	uint64_t place, old;
	int result = QCOW2_WAIT;

	if (image->is_corrupt)
		result = -EIO;
	else if (qcow2_may_change(image) && !image->is_growing)
		result = qcow2_map_find_entry(image, offset, &place, &old);
	if (result == 0 && place == 0 && ++task->added > QCOW2_ADDED_MAX)
		result = qcow2_found_corrupt(image, "L2 tables that vanish", old);
	if (result == 0 && place == 0) {
		step_add_table(task, old);
		return false;
	}
	if (result == 0)
		result = qcow2_reserve_freed(task, clusters + 1);
	if (result == 0 &&
	    !qcow2_task_lock(task, QCOW2_EXCLUSIVE, offset, clusters * image->cluster_bytes))
		result = QCOW2_WAIT;
	if (result != 0)
		qcow2_task_give_up(task, result);
	return result == 0;
}

static void all_written(struct qcow2_task *task);

static void step_link(struct qcow2_task *task)
{
	struct qcow2 *image = task->image;
	uint64_t first = align_down(qcow2_task_position(task), image->cluster_bytes);
	int result = QCOW2_WAIT;

	if (qcow2_may_change(image))
		result = qcow2_map_set(image, first, task->clusters, task->host);
	if (result == QCOW2_WAIT) {
		qcow2_task_block(task);
	} else if (result < 0) {
		task->result = result;
		all_written(task);
	} else {
		qcow2_task_go_on(task, qcow2_step_write);
	}
}

static void all_written(struct qcow2_task *task)
{
	task->step = step_link;
	if (task->result < 0) {
		qcow2_give_back(task->image, task->host, task->clusters, false);
		qcow2_task_finish(task, task->result);
	} else {
		qcow2_task_ready(task);
	}
}

static bool is_zeros(const struct qcow2 *image, const struct qcow2_edge *edge)
{
	return edge->source.kind == QCOW2_EXTENT_ZERO ||
	       (edge->source.kind == QCOW2_EXTENT_HOLE &&
		qcow2_backed_bytes(image, edge->offset, edge->bytes) == 0);
}

/** An edge with its content; what the file never held are zeros without being written. */
static void write_edge(struct qcow2_task *task, struct qcow2_edge *edge, uint64_t host,
		       bool is_fresh)
{
	struct qcow2 *image = task->image;
	bool zeros = is_zeros(image, edge);

	if (edge->bytes == 0 || (zeros && is_fresh))
		return;
	task->pending++;
	edge->iov = (struct iovec){ edge->memory, edge->bytes };
	edge->part = (struct block_request){
		.op = BLOCK_WRITE,
		.offset = host,
		.iov = zeros ? block_zeros : &edge->iov,
		.iov_count = zeros ? BLOCK_ZEROS_PIECES : 1,
		.bytes = edge->bytes,
		.complete = edge == &task->head ? qcow2_task_head_arrived : qcow2_task_tail_arrived,
	};
	block_start_part(image->file, &edge->part);
}

static void write_all(struct qcow2_task *task)
{
	struct qcow2 *image = task->image;
	uint64_t end = task->host + task->clusters * image->cluster_bytes;
	bool is_fresh = task->host >= image->fresh_from;

	image->fresh_from = max_u64(image->fresh_from, end);
	task->result = 0;
	task->arrived = all_written;
	write_edge(task, &task->head, task->host, is_fresh);
	write_edge(task, &task->tail, end - task->tail.bytes, is_fresh);
	qcow2_task_move(task, image->file, BLOCK_WRITE, task->host + task->head.bytes, task->bytes);
}

static void edges_read(struct qcow2_task *task)
{
	if (task->result < 0)
		all_written(task);
	else
		write_all(task);
}

static void read_edge(struct qcow2_task *task, struct qcow2_edge *edge)
{
	struct qcow2 *image = task->image;
	struct block *from = image->file;
	uint64_t offset = edge->source.host;
	size_t bytes = edge->bytes;

	if (bytes == 0 || is_zeros(image, edge) || edge->source.kind == QCOW2_EXTENT_COMPRESSED)
		return;
	if (edge->source.kind == QCOW2_EXTENT_HOLE) {
		from = image->backing;
		offset = edge->offset;
		bytes = qcow2_backed_bytes(image, offset, bytes);
		memset(edge->memory + bytes, 0, edge->bytes - bytes);
	}
	task->pending++;
	edge->iov = (struct iovec){ edge->memory, bytes };
	edge->part = (struct block_request){
		.op = BLOCK_READ,
		.offset = offset,
		.iov = &edge->iov,
		.iov_count = 1,
		.bytes = bytes,
		.complete = edge == &task->head ? qcow2_task_head_arrived : qcow2_task_tail_arrived,
	};
	block_start_part(from, &edge->part);
}

static bool is_compressed(const struct qcow2_edge *edge)
{
	return edge->bytes > 0 && edge->source.kind == QCOW2_EXTENT_COMPRESSED;
}

static void read_edges(struct qcow2_task *task)
{
	task->result = 0;
	if (is_compressed(&task->head) || is_compressed(&task->tail)) {
		task->extent = is_compressed(&task->head) ? task->head.source : task->tail.source;
		qcow2_decompress_extent(task, edges_read);
		return;
	}
	task->arrived = edges_read;
	read_edge(task, &task->head);
	read_edge(task, &task->tail);
	if (task->pending == 0)
		write_all(task);
}

/** What the clusters hold beside [offset, offset + bytes). As qcow2_page_get. */
static int find_edges(struct qcow2_task *task, uint64_t offset, size_t bytes)
{
	struct qcow2 *image = task->image;
	uint64_t end = offset + bytes;
	int result = 0;

	task->head = (struct qcow2_edge){ .offset = align_down(offset, image->cluster_bytes) };
	task->head.bytes = (size_t)(offset - task->head.offset);
	task->tail = (struct qcow2_edge){ .offset = end };
	task->tail.bytes = (size_t)(align_up(end, image->cluster_bytes) - end);
	if (task->head.bytes > 0)
		result = qcow2_map(image, task->head.offset, task->head.bytes, &task->head.source);
	if (result == 0 && task->tail.bytes > 0)
		result = qcow2_map(image, end, task->tail.bytes, &task->tail.source);
	return result;
}

/** Where in the workspace: the head in the first cluster, the tail there, too, if it is of the same
 * one, else in the second. */
static bool place_edges(struct qcow2_task *task)
{
	const struct qcow2 *image = task->image;
	bool head = task->head.bytes > 0 && !is_zeros(image, &task->head);
	bool tail = task->tail.bytes > 0 && !is_zeros(image, &task->tail);

	if (!head && !tail)
		return true;
	if (!qcow2_task_take_workspace(task))
		return false;
	task->head.memory = task->workspace->memory;
	task->tail.memory = task->workspace->memory + image->cluster_bytes - task->tail.bytes;
	if (task->clusters > 1)
		task->tail.memory += image->cluster_bytes;
	return true;
}

/** The length from 'offset' on of what must be taken anew, at most 'left': the clusters of one L2
 * page, and not those that can be written in place. */
static int find_run(struct qcow2_task *task, uint64_t offset, size_t left, size_t *bytes)
{
	struct qcow2 *image = task->image;
	uint64_t first = align_down(offset, image->cluster_bytes), run = 0;
	uint64_t limit = min_u64(QCOW2_RUN_CLUSTERS, qcow2_map_page_clusters(image, offset));

	limit = min_u64(left, first + limit * image->cluster_bytes - offset);
	while (run < limit) {
		struct qcow2_extent extent;
		int result = qcow2_map(image, offset + run, limit - run, &extent);

		if (result != 0)
			return result;
		if (extent.kind == QCOW2_EXTENT_DATA && extent.may_write)
			break;
		run += extent.bytes;
	}
	*bytes = (size_t)run;
	return run > 0 ? 0 : qcow2_found_corrupt(image, "tables over one another", offset);
}

/** Shortens the run until at most one cluster with an edge is compressed, and that alone. */
static int fit_compressed(struct qcow2_task *task, size_t *bytes)
{
	struct qcow2 *image = task->image;
	uint64_t offset = qcow2_task_position(task),
		 first = align_down(offset, image->cluster_bytes);
	int result = find_edges(task, offset, *bytes);

	if (result == 0 && offset + *bytes > first + image->cluster_bytes) {
		if (is_compressed(&task->head))
			*bytes = (size_t)(first + image->cluster_bytes - offset);
		else if (is_compressed(&task->tail))
			*bytes = (size_t)(align_down(offset + *bytes, image->cluster_bytes) -
					  offset);
		result = find_edges(task, offset, *bytes);
	}
	return result;
}

/** Writes to clusters that are not there, or not ours alone: takes new ones. */
static void take_clusters(struct qcow2_task *task, size_t left)
{
	struct qcow2 *image = task->image;
	uint64_t offset = qcow2_task_position(task),
		 first = align_down(offset, image->cluster_bytes);
	size_t bytes = 0;
	unsigned wanted;
	int result = find_run(task, offset, left, &bytes);

	if (result == 0)
		result = fit_compressed(task, &bytes);
	if (result != 0) {
		qcow2_task_give_up(task, result);
		return;
	}
	wanted = (unsigned)((offset + bytes - first + image->cluster_bytes - 1) >>
			    image->header.cluster_bits);
	if (!prepare_change(task, first, wanted))
		return;
	task->clusters = wanted;
	if (!place_edges(task)) {
		qcow2_task_give_up(task, QCOW2_WAIT);
		return;
	}
	if (take(task, wanted) != 0)
		return;
	if (task->clusters < wanted) {
		bytes = (size_t)(first + task->clusters * image->cluster_bytes - offset);
		task->tail.bytes = 0;
	}
	task->bytes = bytes;
	read_edges(task);
}

static void write_done(struct qcow2_task *task)
{
	if (task->result < 0)
		qcow2_task_finish(task, task->result);
	else
		qcow2_task_go_on(task, qcow2_step_write);
}

static void write_in_place(struct qcow2_task *task)
{
	task->bytes = (size_t)task->extent.bytes;
	if (!qcow2_task_lock(task, QCOW2_SHARED, qcow2_task_position(task), task->bytes)) {
		qcow2_task_give_up(task, QCOW2_WAIT);
		return;
	}
	task->result = 0;
	task->arrived = write_done;
	qcow2_task_move(task, task->image->file, BLOCK_WRITE, task->extent.host, task->bytes);
}

static void write_some(struct qcow2_task *task, size_t left)
{
	int result = qcow2_map(task->image, qcow2_task_position(task), left, &task->extent);

	if (result != 0)
		qcow2_task_give_up(task, result);
	else if (task->image->is_corrupt)
		qcow2_task_finish(task, -EIO);
	else if (task->extent.kind == QCOW2_EXTENT_DATA && task->extent.may_write)
		write_in_place(task);
	else
		take_clusters(task, left);
}

/** Whole clusters become zeros, or holes where nothing shows through. */
static void clear_clusters(struct qcow2_task *task, size_t left)
{
	struct qcow2 *image = task->image;
	uint64_t clusters;
	int result = qcow2_map(image, qcow2_task_position(task), left, &task->extent);

	if (result != 0) {
		qcow2_task_give_up(task, result);
		return;
	}
	clusters = (task->extent.bytes + image->cluster_bytes - 1) >> image->header.cluster_bits;
	if (task->extent.kind == QCOW2_EXTENT_HOLE || task->extent.host == 0) {
		if (!image->backing || task->extent.kind == QCOW2_EXTENT_ZERO) {
			task->bytes = (size_t)task->extent.bytes;
			qcow2_task_go_on(task, qcow2_step_write);
			return;
		}
	}
	clusters = min_u64(clusters, QCOW2_RUN_CLUSTERS);
	if (!prepare_change(task, qcow2_task_position(task), (unsigned)clusters))
		return;
	result = qcow2_map_set(image, qcow2_task_position(task), (unsigned)clusters,
			       image->backing ? QCOW2_ZERO : 0);
	if (result != 0) {
		qcow2_task_give_up(task, result);
		return;
	}
	task->bytes = (size_t)min_u64(clusters * image->cluster_bytes, left);
	qcow2_task_go_on(task, qcow2_step_write);
}

/** Of a discard or of zeros: whole clusters by their entries, the rest by writing or not at all. */
static void clear_some(struct qcow2_task *task, size_t left)
{
	struct qcow2 *image = task->image;
	uint64_t offset = qcow2_task_position(task);
	size_t within = offset % image->cluster_bytes;
	bool is_last = offset + left == image->block->size_bytes;

	if (within == 0 && (left >= image->cluster_bytes || is_last) &&
	    (!image->backing || image->header.version >= 3)) {
		if (!is_last)
			left = (size_t)align_down(left, image->cluster_bytes);
		clear_clusters(task, left);
		return;
	}
	left = min_size(left, image->cluster_bytes - within);
	if (task->request->op == BLOCK_WRITE_ZEROES) {
		write_some(task, left);
		return;
	}
	task->bytes = left;
	qcow2_task_go_on(task, qcow2_step_write);
}

static bool is_write_through(const struct block *block)
{
	return block->cache == BLOCK_CACHE_WRITETHROUGH || block->cache == BLOCK_CACHE_DIRECTSYNC;
}

static void step_written_through(struct qcow2_task *task)
{
	qcow2_task_finish(task, task->result);
}

void qcow2_step_write(struct qcow2_task *task)
{
	size_t left = task->request->bytes - task->request->done;

	if (left > 0) {
		if (task->request->op == BLOCK_WRITE)
			write_some(task, left);
		else
			clear_some(task, left);
	} else if (is_write_through(task->image->block)) {
		task->step = step_written_through;
		list_remove(&task->node);
		qcow2_commit_wait(task);
	} else {
		qcow2_task_finish(task, 0);
	}
}

void qcow2_step_flush(struct qcow2_task *task)
{
	task->step = step_written_through;
	list_remove(&task->node);
	qcow2_commit_wait(task);
}
