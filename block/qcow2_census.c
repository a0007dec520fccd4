// SPDX-License-Identifier: GPL-2.0-or-later
#include "block/qcow2_census.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/bits.h"
#include "base/bytes.h"

enum {
	SLACK_CLUSTERS = 70000, /* new tables: L1 and snapshot tables of the largest images */
};

int qcow2_census_init(struct qcow2_census *census, struct block *file,
		      const struct qcow2_header *header)
{
	bool is_file;
	uint64_t bytes = raw_data_bytes(file, &is_file);

	*census =
		(struct qcow2_census){ .file = file, .cluster_bytes = BIT64(header->cluster_bits) };
	census->end = (bytes + census->cluster_bytes - 1) >> header->cluster_bits;
	/* A refcount block for each so many, and tables. */
	census->clusters =
		census->end + census->end / qcow2_refblock_clusters(header) * 2 + SLACK_CLUSTERS;
	census->counts =
		mmap(NULL, census->clusters * sizeof(*census->counts), PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	census->table = malloc(census->cluster_bytes);
	if (census->counts != MAP_FAILED && census->table)
		return 0;
	qcow2_census_finish(census);
	return -ENOMEM;
}

void qcow2_census_finish(struct qcow2_census *census)
{
	if (census->counts && census->counts != MAP_FAILED)
		munmap(census->counts, census->clusters * sizeof(*census->counts));
	free(census->table);
	*census = (struct qcow2_census){ 0 };
}

void *qcow2_read_table(struct block *file, uint64_t offset, size_t bytes)
{
	/* In whole sectors, as files are read. */
	size_t room = align_up(bytes, BLOCK_SECTOR_BYTES);
	uint8_t *table = malloc(room ? room : 1);

	if (table && room > 0 && block_read_now(file, offset, table, room) < 0) {
		free(table);
		return NULL;
	}
	return table;
}

/* Counting */

static void found_error(struct qcow2_census *census)
{
	if (census->report)
		census->report->errors++;
}

/** Counts the clusters of a range of the file; false if it lies outside. */
static bool count(struct qcow2_census *census, uint64_t offset, uint64_t bytes)
{
	uint64_t first = offset / census->cluster_bytes;
	uint64_t last = bytes ? (offset + bytes - 1) / census->cluster_bytes : first;

	if (bytes == 0)
		return true;
	if (offset + bytes < offset || last >= census->end) {
		found_error(census);
		return false;
	}
	for (uint64_t i = first; i <= last; i++)
		if (census->counts[i] < UINT32_MAX)
			census->counts[i]++;
	return true;
}

static void count_entry(struct qcow2_census *census, const struct qcow2_header *header,
			uint64_t entry, bool is_active)
{
	struct image_check *report = is_active ? census->report : NULL;
	uint64_t host = entry & QCOW2_OFFSET_MASK, bytes = census->cluster_bytes;

	if (entry & QCOW2_COMPRESSED) {
		unsigned x = 62 - (header->cluster_bits - 8);

		host = entry & (BIT64(x) - 1);
		bytes = (((entry & (QCOW2_COMPRESSED - 1)) >> x) + 1) * BLOCK_SECTOR_BYTES -
			host % BLOCK_SECTOR_BYTES;
		if (report)
			report->compressed_clusters++;
		/* The last sector may lie behind the end of a file that ends with the data. */
		bytes = min_u64(bytes,
				max_u64(census->end * census->cluster_bytes, host + 1) - host);
	} else if (entry & QCOW2_L2_RESERVED || host % census->cluster_bytes ||
		   (entry & QCOW2_ZERO && header->version < 3)) {
		found_error(census);
		return;
	}
	if (host == 0)
		return;
	if (report)
		report->allocated_clusters++;
	count(census, host, bytes);
}

static bool is_l1_entry_good(const struct qcow2_census *census, uint64_t entry)
{
	return !(entry & QCOW2_L1_RESERVED) &&
	       (entry & QCOW2_OFFSET_MASK) % census->cluster_bytes == 0;
}

static int count_l1(struct qcow2_census *census, const struct qcow2_header *header, uint64_t offset,
		    uint32_t entries, bool is_active)
{
	size_t bytes = (size_t)entries * QCOW2_ENTRY_BYTES;
	uint8_t *table;
	int result = 0;

	if (!count(census, offset, bytes))
		return 0;
	table = qcow2_read_table(census->file, offset, bytes);
	if (!table)
		return -EIO;
	for (size_t i = 0; i < bytes && result == 0; i += QCOW2_ENTRY_BYTES) {
		uint64_t entry = load_be64(table + i), host = entry & QCOW2_OFFSET_MASK;

		if (!is_l1_entry_good(census, entry)) {
			found_error(census);
			continue;
		}
		if (host == 0 || !count(census, host, census->cluster_bytes))
			continue;
		result = block_read_now(census->file, host, census->table, census->cluster_bytes);
		for (size_t j = 0; result == 0 && j < census->cluster_bytes; j += QCOW2_ENTRY_BYTES)
			count_entry(census, header, load_be64(census->table + j), is_active);
	}
	free(table);
	return result;
}

/** The snapshot table's entries are of variable length: each is counted with its L1 table. */
static int count_snapshots(struct qcow2_census *census, const struct qcow2_header *header)
{
	uint64_t at = header->snapshots_offset;

	for (uint32_t i = 0; i < header->snapshots; i++) {
		/* Entries are aligned to 8 bytes, reads to sectors. */
		uint8_t sectors[2 * BLOCK_SECTOR_BYTES];
		const uint8_t *fixed;
		uint64_t sector = align_down(at, BLOCK_SECTOR_BYTES);
		uint32_t entries;
		uint64_t l1;
		int result;

		if (at - header->snapshots_offset > QCOW2_SNAPSHOT_TABLE_MAX) {
			found_error(census);
			return 0;
		}
		result = block_read_now(census->file, sector, sectors, sizeof(sectors));
		if (result < 0)
			return result;
		fixed = sectors + (at - sector);
		l1 = load_be64(fixed + QCOW2_SNAP_L1_OFFSET);
		entries = load_be32(fixed + QCOW2_SNAP_L1_ENTRIES);
		if (l1 % census->cluster_bytes ||
		    entries > QCOW2_L1_BYTES_MAX / QCOW2_ENTRY_BYTES) {
			found_error(census);
			return 0;
		}
		result = count_l1(census, header, l1, entries, false);
		if (result < 0)
			return result;
		at += align_up(QCOW2_SNAP_FIXED_BYTES +
				       (uint64_t)load_be32(fixed + QCOW2_SNAP_EXTRA_BYTES) +
				       load_be16(fixed + QCOW2_SNAP_ID_BYTES) +
				       load_be16(fixed + QCOW2_SNAP_NAME_BYTES),
			       8);
	}
	count(census, header->snapshots_offset, at - header->snapshots_offset);
	return 0;
}

static size_t reftable_bytes(const struct qcow2_header *header)
{
	return (size_t)header->reftable_clusters << header->cluster_bits;
}

static int count_refcounts(struct qcow2_census *census, const struct qcow2_header *header)
{
	size_t bytes = reftable_bytes(header);
	uint8_t *table;

	if (!count(census, header->reftable_offset, bytes))
		return 0;
	table = qcow2_read_table(census->file, header->reftable_offset, bytes);
	if (!table)
		return -EIO;
	for (size_t i = 0; i < bytes; i += QCOW2_ENTRY_BYTES) {
		uint64_t block = load_be64(table + i);

		if (block % census->cluster_bytes)
			found_error(census);
		else if (block != 0)
			count(census, block, census->cluster_bytes);
	}
	free(table);
	return 0;
}

int qcow2_census_take(struct qcow2_census *census, const struct qcow2_header *header)
{
	int result;

	if (census->report)
		census->report->total_clusters =
			(header->size_bytes + census->cluster_bytes - 1) >> header->cluster_bits;
	count(census, 0, census->cluster_bytes);
	result = count_l1(census, header, header->l1_offset, header->l1_entries, true);
	if (result == 0 && header->snapshots > 0)
		result = count_snapshots(census, header);
	if (result == 0)
		result = count_refcounts(census, header);
	return result;
}

void qcow2_census_join(struct qcow2_census *census, const struct qcow2_census *other)
{
	for (uint64_t i = 0; i < census->clusters && i < other->clusters; i++)
		if (other->counts[i] > census->counts[i])
			census->counts[i] = other->counts[i];
	census->end = max_u64(census->end, other->end);
}

uint64_t qcow2_census_append(struct qcow2_census *census, uint64_t wanted)
{
	uint64_t first = census->end;

	if (wanted > census->clusters - census->end)
		return 0;
	census->end += wanted;
	for (uint64_t i = first; i < census->end; i++)
		census->counts[i] = 1;
	return first * census->cluster_bytes;
}

/* Refcounts on disk */

static int read_block(struct qcow2_census *census, uint64_t block)
{
	memset(census->table, 0, census->cluster_bytes);
	if (block == 0 || block % census->cluster_bytes ||
	    block / census->cluster_bytes >= census->end)
		return 0;
	return block_read_now(census->file, block, census->table, census->cluster_bytes);
}

/** Clusters behind the file's end may be counted, too: taken, and never written. */
static int compare_block(struct qcow2_census *census, const struct qcow2_header *header,
			 uint64_t first, uint64_t block)
{
	uint64_t per_block = qcow2_refblock_clusters(header);
	int result;

	if (block == 0 && first >= census->end)
		return 0;
	result = read_block(census, block);
	if (result < 0)
		return result;
	for (uint64_t i = first; i < first + per_block; i++) {
		uint64_t stored =
			qcow2_refcount_load(census->table, header->refcount_order, i - first);
		uint32_t found = i < census->end ? census->counts[i] : 0;

		if (stored < found)
			census->report->errors++;
		else if (stored > found)
			census->report->leaks++;
		if (stored > 0)
			census->report->end_bytes = (i + 1) * census->cluster_bytes;
	}
	return 0;
}

int qcow2_census_compare(struct qcow2_census *census, const struct qcow2_header *header)
{
	uint64_t per_block = qcow2_refblock_clusters(header);
	size_t bytes = reftable_bytes(header);
	uint8_t *table = qcow2_read_table(census->file, header->reftable_offset, bytes);
	int result = table ? 0 : -EIO;

	for (uint64_t first = 0; result == 0; first += per_block) {
		size_t place = (size_t)(first / per_block) * QCOW2_ENTRY_BYTES;

		if (place >= bytes && first >= census->end)
			break;
		result = compare_block(census, header, first,
				       place < bytes ? load_be64(table + place) : 0);
	}
	free(table);
	return result;
}

/** Whether a block of the old table can be written over with new counts: it is there, and nothing
 * else is. */
static bool serves(const struct qcow2_census *census, uint64_t block)
{
	return block != 0 && block % census->cluster_bytes == 0 &&
	       block / census->cluster_bytes < census->end &&
	       census->counts[block / census->cluster_bytes] == 1;
}

/** Forgets a refcount block that cannot serve as one. False: it can. */
static bool drop_block(struct qcow2_census *census, uint8_t *entry)
{
	uint64_t block = load_be64(entry), cluster = block / census->cluster_bytes;

	if (serves(census, block))
		return false;
	if (block % census->cluster_bytes == 0 && block != 0 && cluster < census->end &&
	    census->counts[cluster] > 0)
		census->counts[cluster]--;
	store_be64(entry, 0);
	return true;
}

/** The old table, longer if it must be, with a block for every cluster up to the end: new blocks
 * add clusters that want counting, too. */
static uint8_t *complete_table(struct qcow2_census *census, struct qcow2_header *header)
{
	uint64_t per_block = qcow2_refblock_clusters(header);
	size_t bytes = reftable_bytes(header), room;
	uint64_t covered = max_u64(census->end, census->coverage);
	uint64_t wanted = (covered + per_block) / per_block + 2;
	uint8_t *old = qcow2_read_table(census->file, header->reftable_offset, bytes), *table;
	bool moves = !serves(census, header->reftable_offset);

	room = align_up(max_u64(bytes, (wanted + wanted / per_block + 2) * QCOW2_ENTRY_BYTES),
			census->cluster_bytes);
	table = old ? calloc(1, room) : NULL;
	if (table)
		memcpy(table, old, bytes);
	free(old);
	if (!table)
		return NULL;
	if (room > bytes || moves) {
		for (size_t i = 0; i < bytes / census->cluster_bytes; i++) {
			uint64_t cluster = header->reftable_offset / census->cluster_bytes + i;

			if (cluster < census->end && census->counts[cluster] > 0)
				census->counts[cluster]--;
		}
		header->reftable_clusters = (uint32_t)(room >> header->cluster_bits);
		header->reftable_offset = qcow2_census_append(census, header->reftable_clusters);
	}
	/* One that counts nothing, and is somebody's else: not needed. */
	for (uint64_t i = (census->end + per_block - 1) / per_block; i < bytes / QCOW2_ENTRY_BYTES;
	     i++)
		drop_block(census, table + i * QCOW2_ENTRY_BYTES);
	for (uint64_t i = 0; i * per_block < census->end; i++)
		if (drop_block(census, table + i * QCOW2_ENTRY_BYTES))
			store_be64(table + i * QCOW2_ENTRY_BYTES, qcow2_census_append(census, 1));
	return table;
}

static int store_block(struct qcow2_census *census, const struct qcow2_header *header,
		       uint64_t first, uint64_t block)
{
	uint64_t per_block = qcow2_refblock_clusters(header);

	memset(census->table, 0, census->cluster_bytes);
	for (uint64_t i = 0; i < per_block && first + i < census->end; i++) {
		if (census->counts[first + i] > qcow2_refcount_max(header->refcount_order))
			return -EOVERFLOW;
		qcow2_refcount_store(census->table, header->refcount_order, i,
				     census->counts[first + i]);
	}
	return block_write_now(census->file, block, census->table, census->cluster_bytes);
}

int qcow2_census_store(struct qcow2_census *census, struct qcow2_header *header)
{
	uint64_t per_block = qcow2_refblock_clusters(header);
	uint8_t *table = complete_table(census, header);
	size_t bytes = reftable_bytes(header);
	int result = table && header->reftable_offset != 0 ? 0 : -ENOMEM;

	if (bytes > QCOW2_REFTABLE_BYTES_MAX)
		result = -EFBIG;
	for (uint64_t first = 0; result == 0 && first < census->end; first += per_block) {
		uint64_t block = load_be64(table + first / per_block * QCOW2_ENTRY_BYTES);

		result = block ? store_block(census, header, first, block) : -ENOSPC;
	}
	/* Blocks behind the end count nothing. */
	for (size_t i = (size_t)((census->end + per_block - 1) / per_block) * QCOW2_ENTRY_BYTES;
	     result == 0 && i < bytes; i += QCOW2_ENTRY_BYTES) {
		uint64_t block = load_be64(table + i);

		if (block != 0 && serves(census, block))
			result = store_block(census, header, i / QCOW2_ENTRY_BYTES * per_block,
					     block);
	}
	if (result == 0)
		result = block_flush_now(census->file);
	if (result == 0)
		result = block_write_now(census->file, header->reftable_offset, table, bytes);
	if (result == 0)
		result = block_flush_now(census->file);
	free(table);
	return result;
}

/* Flags: an entry of an active table says whether its cluster is its own. */

/** True if the entry was changed. */
static bool set_flag(struct qcow2_census *census, uint8_t *place)
{
	uint64_t entry = load_be64(place),
		 cluster = (entry & QCOW2_OFFSET_MASK) / census->cluster_bytes;
	uint64_t right = entry & ~QCOW2_COPIED;

	if (cluster == 0 || cluster >= census->end)
		return false;
	if (census->counts[cluster] == 1)
		right |= QCOW2_COPIED;
	if (right == entry)
		return false;
	store_be64(place, right);
	if (census->report)
		census->report->errors++;
	return true;
}

static int set_l2_flags(struct qcow2_census *census, uint64_t host, bool repair)
{
	bool is_changed = false;
	int result = block_read_now(census->file, host, census->table, census->cluster_bytes);

	if (result < 0)
		return result;
	for (size_t i = 0; i < census->cluster_bytes; i += QCOW2_ENTRY_BYTES)
		if (!(load_be64(census->table + i) & QCOW2_COMPRESSED))
			is_changed |= set_flag(census, census->table + i);
	if (!is_changed || !repair)
		return 0;
	return block_write_now(census->file, host, census->table, census->cluster_bytes);
}

int qcow2_census_flags(struct qcow2_census *census, const struct qcow2_header *header, bool repair)
{
	size_t bytes = (size_t)header->l1_entries * QCOW2_ENTRY_BYTES;
	uint8_t *table = qcow2_read_table(census->file, header->l1_offset, bytes);
	int result = table ? 0 : -EIO;
	bool is_changed = false;

	for (size_t i = 0; result == 0 && i < bytes; i += QCOW2_ENTRY_BYTES) {
		uint64_t entry = load_be64(table + i), host = entry & QCOW2_OFFSET_MASK;

		if (host == 0 || !is_l1_entry_good(census, entry) ||
		    host / census->cluster_bytes >= census->end)
			continue;
		is_changed |= set_flag(census, table + i);
		result = set_l2_flags(census, host, repair);
	}
	if (result == 0 && is_changed && repair)
		result = block_write_now(census->file, header->l1_offset, table,
					 align_up(bytes, BLOCK_SECTOR_BYTES));
	free(table);
	return result;
}

/* Switching */

int qcow2_switch(struct block *file, const struct qcow2_header *old, struct qcow2_header *new,
		 struct qcow2_census *census)
{
	struct qcow2_census before;
	int result = qcow2_census_init(&before, file, old);

	/* Refcounts and flags cannot change at one stroke: in between the check would complain. */
	if (result == 0 && old->version >= 3) {
		struct qcow2_header marked = *old;

		marked.incompatible |= QCOW2_DIRTY;
		new->incompatible |= QCOW2_DIRTY;
		result = qcow2_header_update(file, &marked);
	}

	/* Where new tables lie they will be found again. */
	memset(census->counts, 0, census->end * sizeof(*census->counts));
	if (result == 0)
		result = qcow2_census_take(&before, old);
	if (result == 0)
		result = qcow2_census_take(census, new);
	if (result == 0) {
		qcow2_census_join(census, &before);
		result = qcow2_census_store(census, new);
	}
	if (result == 0)
		result = qcow2_census_flags(census, new, true);
	if (result == 0)
		result = block_flush_now(file);
	if (result == 0)
		result = qcow2_header_update(file, new);
	qcow2_census_finish(&before);
	if (result < 0)
		return result;
	/* Now exactly. */
	qcow2_census_finish(census);
	result = qcow2_census_init(census, file, new);
	if (result == 0)
		result = qcow2_census_take(census, new);
	if (result == 0)
		result = qcow2_census_store(census, new);
	if (result == 0)
		result = qcow2_census_flags(census, new, true);
	if (result == 0)
		result = block_flush_now(file);
	new->incompatible &= ~(uint64_t)QCOW2_DIRTY;
	if (result == 0)
		result = qcow2_header_update(file, new);
	return result;
}
