// SPDX-License-Identifier: GPL-2.0-or-later
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/trace.h"
#include "block/qcow2.h"

/* Counts of 1 to 64 bits; those of less than a byte begin at its least significant bit. */

uint64_t qcow2_refcount_load(const uint8_t *block, unsigned order, uint64_t index)
{
	switch (order) {
	case 0:
	case 1:
	case 2: {
		unsigned bits = 1u << order, per_byte = 8 / bits;

		return (uint64_t)block[index / per_byte] >> (index % per_byte * bits) &
		       (BIT64(bits) - 1);
	}
	case 3:
		return block[index];
	case 4:
		return load_be16(block + index * 2);
	case 5:
		return load_be32(block + index * 4);
	default:
		return load_be64(block + index * 8);
	}
}

void qcow2_refcount_store(uint8_t *block, unsigned order, uint64_t index, uint64_t value)
{
	switch (order) {
	case 0:
	case 1:
	case 2: {
		unsigned bits = 1u << order, per_byte = 8 / bits;
		unsigned shift = (unsigned)(index % per_byte) * bits;
		uint8_t mask = (uint8_t)((BIT(bits) - 1) << shift);

		block[index / per_byte] = (uint8_t)replace_bits(block[index / per_byte], mask,
								(uint32_t)value << shift);
		break;
	}
	case 3:
		block[index] = (uint8_t)value;
		break;
	case 4:
		store_be16(block + index * 2, (uint16_t)value);
		break;
	case 5:
		store_be32(block + index * 4, (uint32_t)value);
		break;
	default:
		store_be64(block + index * 8, value);
		break;
	}
}

uint64_t qcow2_refblock_clusters(const struct qcow2_header *header)
{
	return BIT64(header->cluster_bits + 3 - header->refcount_order);
}

/** Clusters whose counts lie in one page. */
static uint64_t page_clusters(const struct qcow2 *image)
{
	return image->cache.page_bytes * 8 >> image->header.refcount_order;
}

static uint64_t table_place(const struct qcow2 *image, uint64_t cluster)
{
	return image->header.reftable_offset +
	       cluster / qcow2_refblock_clusters(&image->header) * QCOW2_ENTRY_BYTES;
}

/** Finds the page with the count of 'cluster', and its index there; *page is NULL if there is no
 * such block. As qcow2_page_get. */
static int find_count(struct qcow2 *image, uint64_t cluster, struct qcow2_page **page,
		      uint64_t *index)
{
	uint64_t per_block = qcow2_refblock_clusters(&image->header);
	uint64_t table_bytes = (uint64_t)image->header.reftable_clusters * image->cluster_bytes;
	uint64_t block, within = cluster % per_block;
	int result;

	*page = NULL;
	if (cluster / per_block >= table_bytes / QCOW2_ENTRY_BYTES)
		return -EFBIG;
	result = qcow2_entry_get(image, QCOW2_REFTABLE, table_place(image, cluster), &block);
	if (result != 0)
		return result;
	if (block & ~QCOW2_REFTABLE_MASK || block % image->cluster_bytes)
		return qcow2_found_corrupt(image, "a refcount table entry",
					   table_place(image, cluster));
	if (block == 0)
		return 0;
	*index = within % page_clusters(image);
	return qcow2_page_get(image, QCOW2_REFBLOCK,
			      block + within / page_clusters(image) * image->cache.page_bytes,
			      page);
}

/* Taking */

/** A count of 0 for a cluster that holds the tables we know of means that counts cannot be
 * trusted. */
static bool is_table(const struct qcow2 *image, uint64_t offset)
{
	const struct qcow2_header *header = &image->header;
	uint64_t l1_bytes = (uint64_t)header->l1_entries * QCOW2_ENTRY_BYTES;
	uint64_t table_bytes = (uint64_t)header->reftable_clusters * image->cluster_bytes;

	return offset == 0 ||
	       (offset >= align_down(header->l1_offset, image->cluster_bytes) &&
		offset < header->l1_offset + l1_bytes) ||
	       (offset >= header->reftable_offset &&
		offset < header->reftable_offset + table_bytes) ||
	       (header->snapshots > 0 && offset == header->snapshots_offset);
}

static int take_run(struct qcow2 *image, struct qcow2_page *page, uint64_t index, unsigned wanted,
		    unsigned *got)
{
	unsigned order = image->header.refcount_order, count = 0;

	while (count < wanted && index + count < page_clusters(image) &&
	       qcow2_refcount_load(page->data, order, index + count) == 0) {
		uint64_t offset = (image->next_cluster + count) * image->cluster_bytes;

		if (is_table(image, offset))
			return qcow2_found_corrupt(image, "the refcount of a table", offset);
		count++;
	}
	for (unsigned i = 0; i < count; i++)
		qcow2_refcount_store(page->data, order, index + i, 1);
	if (count > 0)
		qcow2_page_changed(image, page);
	*got = count;
	return 0;
}

/** The first free cluster from next_cluster on. As find_count. */
static int find_free(struct qcow2 *image, struct qcow2_page **page, uint64_t *index)
{
	for (;;) {
		int result = find_count(image, image->next_cluster, page, index);

		if (result != 0 || !*page)
			return result;
		while (*index < page_clusters(image)) {
			if (qcow2_refcount_load((*page)->data, image->header.refcount_order,
						*index) == 0)
				return 0;
			++*index;
			image->next_cluster++;
		}
	}
}

int qcow2_take(struct qcow2 *image, unsigned wanted, uint64_t *offset, unsigned *got,
	       bool *needs_block)
{
	struct qcow2_page *page;
	uint64_t index;
	int result;

	*needs_block = false;
	if (image->is_corrupt)
		return -EIO;
	if (image->is_growing || !qcow2_may_change(image))
		return QCOW2_WAIT;
	result = find_free(image, &page, &index);
	if (result == -EFBIG)
		return -ENOSPC;
	if (result != 0)
		return result;
	if (!page) {
		*needs_block = true;
		return QCOW2_WAIT;
	}
	result = take_run(image, page, index, wanted, got);
	if (result != 0)
		return result;
	*offset = image->next_cluster * image->cluster_bytes;
	if (*offset >= BIT64(56))
		return -ENOSPC;
	image->next_cluster += *got;
	return 0;
}

/* A refcount block is the first of the clusters that it counts. Nobody can have taken that one: its
 * count is 0 as long as there is no block. */

uint64_t qcow2_refblock_prepare(struct qcow2 *image, uint8_t *cluster)
{
	uint64_t first = align_down(image->next_cluster, qcow2_refblock_clusters(&image->header));

	image->next_cluster = first;
	memset(cluster, 0, image->cluster_bytes);
	qcow2_refcount_store(cluster, image->header.refcount_order, 0, 1);
	return first * image->cluster_bytes;
}

int qcow2_refblock_add(struct qcow2 *image, uint64_t offset)
{
	uint64_t place = table_place(image, offset >> image->header.cluster_bits);
	struct qcow2_page *page;
	int result = qcow2_page_get(image, QCOW2_REFTABLE, place, &page);

	if (result != 0)
		return result;
	qcow2_cache_forget(image, offset, image->cluster_bytes);
	store_be64(page->data + place % image->cache.page_bytes, offset);
	qcow2_page_changed(image, page);
	TRACE(block, qcow2_refblock, "%s: block at %#llx", image->block->filename,
	      (unsigned long long)offset);
	return 0;
}

/* Giving back */

int qcow2_reserve_freed(struct qcow2_task *task, unsigned count)
{
	struct qcow2 *image = task->image;

	if (image->freed_count + image->freed_reserved + count > QCOW2_FREED_MAX)
		return image->freed_safe > 0 ? QCOW2_WAIT : qcow2_make_room(image);
	image->freed_reserved += count;
	task->freed_reserved = count;
	return 0;
}

void qcow2_give_back(struct qcow2 *image, uint64_t offset, uint64_t clusters, bool was_used)
{
	struct qcow2_freed *last;

	/* A neighbour of the last range joins it, unless a commit has already counted that one. */
	if (image->freed_count > image->freed_safe && image->commit.stage == QCOW2_COMMIT_IDLE) {
		last = &image->freed[image->freed_count - 1];
		if (last->offset + last->clusters * image->cluster_bytes == offset &&
		    last->was_used == was_used) {
			last->clusters += clusters;
			return;
		}
	}
	assert(image->freed_count < QCOW2_FREED_MAX);
	image->freed[image->freed_count++] = (struct qcow2_freed){
		.offset = offset,
		.clusters = clusters,
		.was_used = was_used,
	};
}

/** Counts down the first cluster of 'freed'. As qcow2_page_get. */
static int count_down(struct qcow2 *image, struct qcow2_freed *freed)
{
	uint64_t cluster = freed->offset >> image->header.cluster_bits, index, count;
	unsigned order = image->header.refcount_order;
	struct qcow2_page *page;
	int result = find_count(image, cluster, &page, &index);

	if (result == QCOW2_WAIT)
		return result;
	if (result == 0 && page) {
		count = qcow2_refcount_load(page->data, order, index);
		if (count > 0) {
			qcow2_refcount_store(page->data, order, index, count - 1);
			qcow2_page_changed(image, page);
			if (count == 1)
				image->next_cluster = min_u64(image->next_cluster, cluster);
		}
	}
	/* If the count cannot be read the cluster stays taken: space is lost, nothing else. */
	freed->offset += image->cluster_bytes;
	freed->clusters--;
	return 0;
}

static void punched(struct block_request *part, int result)
{
	struct qcow2 *image = container_of(part, struct qcow2, punch);

	/* If the host did not take it, the space is used again, nothing else. */
	TRACE(block, qcow2_punched, "%s: %llu clusters at %#llx: %d", image->block->filename,
	      (unsigned long long)image->punch_clusters, (unsigned long long)part->offset, result);
	image->freed[0].punched = image->punch_clusters;
	image->punch_clusters = 0;
	qcow2_moved_on(image);
	qcow2_run(image);
}

/**
 * With discard=unmap the host gets the space of 'freed', the first of all, before anybody may take
 * its clusters again. Those that a snapshot shares are only counted. As qcow2_page_get.
 */
static int punch(struct qcow2 *image, struct qcow2_freed *freed)
{
	uint64_t cluster = freed->offset >> image->header.cluster_bits, index, run = 0;
	struct qcow2_page *page;
	int result = find_count(image, cluster, &page, &index);

	if (result == QCOW2_WAIT)
		return result;
	while (result == 0 && page && run < freed->clusters && index + run < page_clusters(image) &&
	       qcow2_refcount_load(page->data, image->header.refcount_order, index + run) == 1)
		run++;
	if (run == 0) {
		freed->punched = 1;
		return 0;
	}
	image->punch_clusters = run;
	image->punch = (struct block_request){
		.op = BLOCK_DISCARD,
		.offset = freed->offset,
		.bytes = (size_t)(run * image->cluster_bytes),
		.complete = punched,
	};
	block_start_part(image->file, &image->punch);
	return QCOW2_WAIT;
}

/** Counts down 'freed' as far as that can be done now; false if something is left. */
static bool count_range(struct qcow2 *image, struct qcow2_freed *freed, bool is_first)
{
	bool gives_space = freed->was_used && image->block->discard;

	while (freed->clusters > 0) {
		if (gives_space && freed->punched == 0 &&
		    (!is_first || punch(image, freed) == QCOW2_WAIT))
			return false;
		if (count_down(image, freed) == QCOW2_WAIT)
			return false;
		if (freed->punched > 0)
			freed->punched--;
	}
	return true;
}

bool qcow2_count_freed(struct qcow2 *image)
{
	size_t done = 0;

	if (image->freed_safe == 0 || image->punch_clusters > 0 || !qcow2_may_change(image) ||
	    image->is_corrupt)
		return false;
	while (done < image->freed_safe && count_range(image, &image->freed[done], done == 0))
		done++;
	if (done == 0)
		return false;
	image->freed_count -= done;
	image->freed_safe -= done;
	memmove(image->freed, image->freed + done, image->freed_count * sizeof(*image->freed));
	return true;
}
