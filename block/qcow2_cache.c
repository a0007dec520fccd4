// SPDX-License-Identifier: GPL-2.0-or-later
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/bits.h"
#include "base/trace.h"
#include "block/qcow2.h"

int qcow2_cache_init(struct qcow2 *image, size_t bytes)
{
	struct qcow2_cache *cache = &image->cache;
	size_t count = QCOW2_CACHE_PAGES_MIN;

	for (unsigned i = 0; i < QCOW2_TRANSFERS; i++)
		cache->transfers[i].image = image;
	list_init(&image->commit.tasks);
	list_init(&image->commit.next);
	cache->page_bytes = min_size(QCOW2_PAGE_BYTES_MAX, image->cluster_bytes);
	while (count < bytes / cache->page_bytes)
		count *= 2;
	cache->count = count;
	list_init(&cache->ages);
	for (unsigned i = 0; i < QCOW2_TABLES; i++)
		list_init(&cache->dirty[i]);
	cache->memory = mmap(NULL, count * cache->page_bytes, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	cache->pages = calloc(count, sizeof(*cache->pages));
	cache->buckets = calloc(count, sizeof(*cache->buckets));
	if (cache->memory == MAP_FAILED || !cache->pages || !cache->buckets)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		struct qcow2_page *page = &cache->pages[i];

		list_init(&cache->buckets[i]);
		list_init(&page->hash);
		list_init(&page->dirty);
		list_append(&cache->ages, &page->age);
		page->data = cache->memory + i * cache->page_bytes;
	}
	return 0;
}

void qcow2_cache_finish(struct qcow2 *image)
{
	struct qcow2_cache *cache = &image->cache;

	if (cache->memory && cache->memory != MAP_FAILED)
		munmap(cache->memory, cache->count * cache->page_bytes);
	free(cache->pages);
	free(cache->buckets);
}

static void commit_go_on(struct qcow2 *image);

/* Pages */

static struct list_node *bucket_of(struct qcow2_cache *cache, uint64_t offset)
{
	uint64_t number = offset / cache->page_bytes;

	return &cache->buckets[(number ^ number >> 16) & (cache->count - 1)];
}

static struct qcow2_page *find_page(struct qcow2_cache *cache, uint64_t offset)
{
	struct qcow2_page *page;

	list_for_each(page, bucket_of(cache, offset), struct qcow2_page, hash)
	{
		if (page->offset == offset)
			return page;
	}
	return NULL;
}

static void forget_page(struct qcow2_cache *cache, struct qcow2_page *page)
{
	page->state = QCOW2_PAGE_EMPTY;
	list_remove(&page->hash);
	list_remove(&page->age);
	list_insert_before(cache->ages.next, &page->age);
}

/** The page that was not used for the longest time and is as the file has it. */
static struct qcow2_page *find_victim(struct qcow2_cache *cache)
{
	struct qcow2_page *page;

	list_for_each(page, &cache->ages, struct qcow2_page, age)
	{
		if (page->state != QCOW2_PAGE_LOADING && !page->is_dirty)
			return page;
	}
	return NULL;
}

static struct qcow2_transfer *start_transfer(struct qcow2 *image, struct qcow2_page *page,
					     enum block_op op,
					     void (*complete)(struct block_request *, int))
{
	for (unsigned i = 0; i < QCOW2_TRANSFERS; i++) {
		struct qcow2_transfer *transfer = &image->cache.transfers[i];

		if (transfer->page)
			continue;
		transfer->page = page;
		transfer->iov = (struct iovec){ page->data, image->cache.page_bytes };
		transfer->part = (struct block_request){
			.op = op,
			.offset = page->offset,
			.iov = &transfer->iov,
			.iov_count = 1,
			.bytes = image->cache.page_bytes,
			.complete = complete,
		};
		block_start_part(image->file, &transfer->part);
		return transfer;
	}
	return NULL;
}

static void page_loaded(struct block_request *part, int result)
{
	struct qcow2_transfer *transfer = container_of(part, struct qcow2_transfer, part);
	struct qcow2_page *page = transfer->page;

	transfer->page = NULL;
	page->state = result < 0 ? QCOW2_PAGE_FAILED : QCOW2_PAGE_READY;
	page->error = result;
	if (transfer->image->commit.is_stalled) {
		transfer->image->commit.is_stalled = false;
		commit_go_on(transfer->image);
	}
	qcow2_moved_on(transfer->image);
	qcow2_run(transfer->image);
}

int qcow2_make_room(struct qcow2 *image)
{
	int error = image->commit.room_error;

	image->commit.room_error = 0; /* once told, the next may try again */
	if (error < 0)
		return error;
	image->commit.is_for_room = true;
	qcow2_commit_start(image);
	return QCOW2_WAIT;
}

static int load_page(struct qcow2 *image, enum qcow2_table table, uint64_t offset)
{
	struct qcow2_cache *cache = &image->cache;
	struct qcow2_page *page = find_victim(cache);

	if (!page) /* all may be on their way, too */
		return qcow2_is_clean(image) ? QCOW2_WAIT : qcow2_make_room(image);
	forget_page(cache, page);
	page->offset = offset;
	page->table = table;
	if (!start_transfer(image, page, BLOCK_READ, page_loaded))
		return QCOW2_WAIT; /* for one of those under way */
	page->state = QCOW2_PAGE_LOADING;
	list_append(bucket_of(cache, offset), &page->hash);
	list_remove(&page->age);
	list_append(&cache->ages, &page->age);
	return QCOW2_WAIT;
}

int qcow2_page_get(struct qcow2 *image, enum qcow2_table table, uint64_t offset,
		   struct qcow2_page **found)
{
	struct qcow2_cache *cache = &image->cache;
	struct qcow2_page *page;

	offset = align_down(offset, cache->page_bytes);
	page = find_page(cache, offset);
	if (!page)
		return load_page(image, table, offset);
	if (page->state == QCOW2_PAGE_LOADING)
		return QCOW2_WAIT;
	if (page->state == QCOW2_PAGE_FAILED) {
		forget_page(cache, page);
		return page->error;
	}
	/* One place cannot be two kinds of table. */
	if (page->table != table) {
		if (page->is_dirty)
			return qcow2_found_corrupt(image, "two tables in one place", offset);
		page->table = table;
	}
	list_remove(&page->age);
	list_append(&cache->ages, &page->age);
	*found = page;
	return 0;
}

void qcow2_page_changed(struct qcow2 *image, struct qcow2_page *page)
{
	assert(qcow2_may_change(image));
	if (page->is_dirty)
		return;
	page->is_dirty = true;
	list_append(&image->cache.dirty[page->table], &page->dirty);
}

void qcow2_cache_forget(struct qcow2 *image, uint64_t offset, uint64_t bytes)
{
	struct qcow2_cache *cache = &image->cache;

	for (uint64_t at = offset; at < offset + bytes; at += cache->page_bytes) {
		struct qcow2_page *page = find_page(cache, at);

		if (page && !page->is_dirty && page->state != QCOW2_PAGE_LOADING)
			forget_page(cache, page);
	}
}

bool qcow2_is_clean(const struct qcow2 *image)
{
	for (unsigned i = 0; i < QCOW2_TABLES; i++)
		if (!list_is_empty(&image->cache.dirty[i]))
			return false;
	return image->commit.stage == QCOW2_COMMIT_IDLE;
}

bool qcow2_may_change(const struct qcow2 *image)
{
	return image->commit.stage == QCOW2_COMMIT_IDLE;
}

/* Commits: see qcow2.h for what they guarantee. Nothing changes the tables during one. */

static void part_of_commit_done(struct qcow2 *image, int result)
{
	struct qcow2_commit *commit = &image->commit;

	if (result < 0 && commit->error == 0)
		commit->error = result;
	if (--commit->pending == 0)
		commit_go_on(image);
	qcow2_run(image);
}

static void page_written(struct block_request *part, int result)
{
	struct qcow2_transfer *transfer = container_of(part, struct qcow2_transfer, part);
	struct qcow2 *image = transfer->image;
	struct qcow2_page *page = transfer->page;

	transfer->page = NULL;
	page->is_dirty = result < 0;
	if (result < 0)
		list_append(&image->cache.dirty[page->table], &page->dirty);
	part_of_commit_done(image, result);
}

static void write_pages(struct qcow2 *image, enum qcow2_table table)
{
	struct list_node *dirty = &image->cache.dirty[table];

	while (!list_is_empty(dirty)) {
		struct qcow2_page *page = container_of(dirty->next, struct qcow2_page, dirty);

		if (!start_transfer(image, page, BLOCK_WRITE, page_written))
			return;
		list_remove(&page->dirty);
		image->commit.pending++;
	}
}

static void synced(struct block_request *part, int result)
{
	part_of_commit_done(container_of(part, struct qcow2, commit.sync), result);
}

static void sync_file(struct qcow2 *image)
{
	image->commit.pending++;
	image->commit.sync = (struct block_request){ .op = BLOCK_FLUSH, .complete = synced };
	block_start_part(image->file, &image->commit.sync);
}

static bool has_dirty(const struct qcow2 *image, enum qcow2_table table)
{
	return !list_is_empty(&image->cache.dirty[table]);
}

static void wake_tasks(struct list_node *tasks, int result)
{
	while (!list_is_empty(tasks)) {
		struct qcow2_task *task = container_of(tasks->next, struct qcow2_task, node);

		task->result = result;
		qcow2_task_ready(task);
	}
}

static void commit_end(struct qcow2 *image)
{
	struct qcow2_commit *commit = &image->commit;

	TRACE(block, qcow2_committed, "%s: %d", image->block->filename, commit->error);
	if (commit->error == 0 && commit->wants_sync)
		image->freed_safe = commit->freed;
	if (commit->is_for_room)
		commit->room_error = commit->error;
	commit->is_for_room = false;
	commit->stage = QCOW2_COMMIT_IDLE;
	wake_tasks(&commit->tasks, commit->error);
	if (!list_is_empty(&commit->next))
		qcow2_commit_start(image);
	qcow2_moved_on(image);
}

/** Starts what the present stage has to do, if anything. */
static void run_stage(struct qcow2 *image)
{
	switch (image->commit.stage) {
	case QCOW2_COMMIT_SYNC_BLOCKS:
		if (has_dirty(image, QCOW2_REFTABLE))
			sync_file(image);
		break;
	case QCOW2_COMMIT_WRITE_REFCOUNTS:
		write_pages(image, QCOW2_REFBLOCK);
		write_pages(image, QCOW2_REFTABLE);
		break;
	case QCOW2_COMMIT_SYNC_DATA:
		if (has_dirty(image, QCOW2_L1) || has_dirty(image, QCOW2_L2))
			sync_file(image);
		break;
	case QCOW2_COMMIT_WRITE_MAP:
		write_pages(image, QCOW2_L2);
		write_pages(image, QCOW2_L1);
		break;
	case QCOW2_COMMIT_SYNC_MAP:
		if (image->commit.wants_sync)
			sync_file(image);
		break;
	case QCOW2_COMMIT_IDLE:
		break;
	}
}

/** The stage has more pages than could be started at once. */
static bool has_more(const struct qcow2 *image)
{
	switch (image->commit.stage) {
	case QCOW2_COMMIT_WRITE_REFCOUNTS:
		return has_dirty(image, QCOW2_REFBLOCK) || has_dirty(image, QCOW2_REFTABLE);
	case QCOW2_COMMIT_WRITE_MAP:
		return has_dirty(image, QCOW2_L1) || has_dirty(image, QCOW2_L2);
	default:
		return false;
	}
}

static void commit_go_on(struct qcow2 *image)
{
	struct qcow2_commit *commit = &image->commit;

	while (commit->pending == 0) {
		if (commit->error < 0 || commit->stage == QCOW2_COMMIT_SYNC_MAP) {
			commit_end(image);
			return;
		}
		if (!has_more(image))
			commit->stage++;
		run_stage(image);
		/* All transfers carry loads: one of them will come back first. */
		if (commit->pending == 0 && has_more(image)) {
			commit->is_stalled = true;
			return;
		}
	}
}

void qcow2_commit_start(struct qcow2 *image)
{
	struct qcow2_commit *commit = &image->commit;

	if (commit->stage != QCOW2_COMMIT_IDLE)
		return;
	while (!list_is_empty(&commit->next)) {
		struct list_node *node = commit->next.next;

		list_remove(node);
		list_append(&commit->tasks, node);
	}
	commit->error = 0;
	commit->freed = image->freed_count;
	commit->wants_sync = !list_is_empty(&commit->tasks) || commit->freed > image->freed_safe;
	commit->stage = QCOW2_COMMIT_SYNC_BLOCKS;
	run_stage(image);
	commit_go_on(image);
}

void qcow2_commit_wait(struct qcow2_task *task)
{
	list_append(&task->image->commit.next, &task->node);
	qcow2_commit_start(task->image);
}
