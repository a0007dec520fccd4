// SPDX-License-Identifier: GPL-2.0-or-later
/* Internal snapshots of an image that nobody uses. A new snapshot table is always written anew. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/err.h"
#include "block/qcow2_census.h"
#include "block/qcow2_offline.h"

/** The snapshot table as it is on disk. */
struct table {
	uint8_t *data;
	size_t bytes, room;
};

/** An entry in it. */
struct entry {
	size_t at, bytes;
	uint64_t l1_offset, disk_bytes;
	uint32_t l1_entries;
	struct image_snapshot snapshot;
};

static void copy_text(char *text, size_t size, const uint8_t *from, size_t bytes)
{
	bytes = min_size(bytes, size - 1);
	memcpy(text, from, bytes);
	text[bytes] = '\0';
}

/** The entry at 'at'; false if it does not fit into the table. */
static bool parse_entry(const struct table *table, const struct qcow2_header *header, size_t at,
			struct entry *entry)
{
	const uint8_t *data = table->data + at;
	struct image_snapshot *snapshot = &entry->snapshot;
	size_t extra, id, name;

	if (at + QCOW2_SNAP_FIXED_BYTES > table->bytes)
		return false;
	extra = load_be32(data + QCOW2_SNAP_EXTRA_BYTES);
	id = load_be16(data + QCOW2_SNAP_ID_BYTES);
	name = load_be16(data + QCOW2_SNAP_NAME_BYTES);
	if (extra > QCOW2_SNAPSHOT_TABLE_MAX ||
	    at + QCOW2_SNAP_FIXED_BYTES + extra + id + name > table->bytes)
		return false;
	*entry = (struct entry){
		.at = at,
		.bytes = align_up(QCOW2_SNAP_FIXED_BYTES + extra + id + name, 8),
		.l1_offset = load_be64(data + QCOW2_SNAP_L1_OFFSET),
		.l1_entries = load_be32(data + QCOW2_SNAP_L1_ENTRIES),
		.disk_bytes = header->size_bytes,
	};
	*snapshot = (struct image_snapshot){
		.seconds = load_be32(data + QCOW2_SNAP_SECONDS),
		.nanoseconds = load_be32(data + QCOW2_SNAP_NANOSECONDS),
		.guest_ns = load_be64(data + QCOW2_SNAP_GUEST_NS),
		.state_bytes = load_be32(data + QCOW2_SNAP_STATE_BYTES),
	};
	if (extra >= QCOW2_SNAP_EXTRA_KNOWN) {
		snapshot->state_bytes = load_be64(data + QCOW2_SNAP_STATE_BYTES_64);
		entry->disk_bytes = load_be64(data + QCOW2_SNAP_DISK_BYTES);
	}
	snapshot->disk_bytes = entry->disk_bytes;
	copy_text(snapshot->id, sizeof(snapshot->id), data + QCOW2_SNAP_FIXED_BYTES + extra, id);
	copy_text(snapshot->name, sizeof(snapshot->name),
		  data + QCOW2_SNAP_FIXED_BYTES + extra + id, name);
	return true;
}

/** Reads as much as the entries take: their lengths are known only from them. */
static int read_snapshots(struct block *file, const struct qcow2_header *header,
			  struct table *table, struct err *err)
{
	struct entry entry;
	bool is_file;
	uint64_t file_bytes = raw_data_bytes(file, &is_file);
	size_t at = 0;

	*table = (struct table){ 0 };
	if (header->snapshots == 0)
		return 0;
	if (header->snapshots_offset < file_bytes)
		table->bytes = (size_t)min_u64(file_bytes - header->snapshots_offset,
					       QCOW2_SNAPSHOT_TABLE_MAX);
	table->data = qcow2_read_table(file, header->snapshots_offset, table->bytes);
	for (uint32_t i = 0; table->data && i < header->snapshots; i++) {
		if (!parse_entry(table, header, at, &entry))
			return err_set(err, -EINVAL, "the snapshot table of '%s' makes no sense",
				       file->filename);
		at += entry.bytes;
	}
	table->bytes = min_size(at, table->bytes);
	return table->data ? 0
			   : err_set(err, -EIO, "the snapshot table of '%s' cannot be read",
				     file->filename);
}

int qcow2_list_snapshots(struct block *file, struct image_snapshot **snapshots, struct err *err)
{
	struct qcow2_header header;
	struct table table = { 0 };
	struct entry entry;
	size_t at = 0;
	int result = qcow2_read_header(file, &header, err);

	*snapshots = NULL;
	if (result == 0)
		result = read_snapshots(file, &header, &table, err);
	if (result == 0)
		*snapshots = calloc(header.snapshots + 1u, sizeof(**snapshots));
	for (uint32_t i = 0; *snapshots && i < header.snapshots; i++) {
		if (parse_entry(&table, &header, at, &entry))
			(*snapshots)[i] = entry.snapshot;
		at += entry.bytes;
	}
	free(table.data);
	if (result == 0 && !*snapshots)
		return -ENOMEM;
	return result < 0 ? result : (int)header.snapshots;
}

/** By id first, then by name. */
static bool find_entry(const struct table *table, const struct qcow2_header *header,
		       const char *name, struct entry *found)
{
	for (int by_name = 0; by_name < 2; by_name++) {
		struct entry entry;
		size_t at = 0;

		for (uint32_t i = 0; i < header->snapshots; i++) {
			if (!parse_entry(table, header, at, &entry))
				return false;
			if (strcmp(by_name ? entry.snapshot.name : entry.snapshot.id, name) == 0) {
				*found = entry;
				return true;
			}
			at += entry.bytes;
		}
	}
	return false;
}

static unsigned next_id(const struct table *table, const struct qcow2_header *header)
{
	unsigned highest = 0;
	struct entry entry;
	size_t at = 0;

	for (uint32_t i = 0; i < header->snapshots && parse_entry(table, header, at, &entry); i++) {
		unsigned long id = strtoul(entry.snapshot.id, NULL, 10);

		if (id < INT32_MAX && id > highest)
			highest = (unsigned)id;
		at += entry.bytes;
	}
	return highest + 1;
}

/** Puts the table behind the end of the file. */
static int write_snapshots(struct block *file, struct qcow2_census *census,
			   struct qcow2_header *header, const struct table *table)
{
	size_t bytes = align_up(table->bytes, census->cluster_bytes);
	uint8_t *data;
	int result;

	header->snapshots_offset = 0;
	if (header->snapshots == 0)
		return 0;
	data = calloc(1, bytes);
	if (!data)
		return -ENOMEM;
	memcpy(data, table->data, table->bytes);
	header->snapshots_offset = qcow2_census_append(census, bytes / census->cluster_bytes);
	result = header->snapshots_offset
			 ? block_write_now(file, header->snapshots_offset, data, bytes)
			 : -ENOSPC;
	free(data);
	return result;
}

/** A copy of an L1 table behind the end of the file, of at least 'entries'. */
static int copy_l1(struct block *file, struct qcow2_census *census, uint64_t from,
		   uint32_t from_entries, uint32_t entries, uint64_t *to)
{
	size_t bytes = align_up((size_t)entries * QCOW2_ENTRY_BYTES, census->cluster_bytes);
	size_t from_bytes = (size_t)min_u64(from_entries, entries) * QCOW2_ENTRY_BYTES;
	uint8_t *old = qcow2_read_table(file, from, from_bytes);
	uint8_t *table = old ? calloc(1, bytes ? bytes : 1) : NULL;
	int result = -EIO;

	if (table) {
		memcpy(table, old, from_bytes);
		*to = qcow2_census_append(census, bytes / census->cluster_bytes);
		result = *to ? block_write_now(file, *to, table, bytes) : -ENOSPC;
	}
	free(table);
	free(old);
	return result;
}

static int append_entry(struct table *table, const struct qcow2_header *header, uint64_t l1,
			const char *name)
{
	char id[16];
	size_t id_bytes = (size_t)snprintf(id, sizeof(id), "%u", next_id(table, header));
	size_t name_bytes = strlen(name), at = QCOW2_SNAP_FIXED_BYTES + QCOW2_SNAP_EXTRA_KNOWN;
	size_t bytes = align_up(at + id_bytes + name_bytes, 8);
	uint8_t *data = realloc(table->data, table->bytes + bytes);
	struct timespec now;

	if (!data)
		return -ENOMEM;
	table->data = data;
	data += table->bytes;
	table->bytes += bytes;
	memset(data, 0, bytes);
	clock_gettime(CLOCK_REALTIME, &now);
	store_be64(data + QCOW2_SNAP_L1_OFFSET, l1);
	store_be32(data + QCOW2_SNAP_L1_ENTRIES, header->l1_entries);
	store_be16(data + QCOW2_SNAP_ID_BYTES, (uint16_t)id_bytes);
	store_be16(data + QCOW2_SNAP_NAME_BYTES, (uint16_t)name_bytes);
	store_be32(data + QCOW2_SNAP_SECONDS, (uint32_t)now.tv_sec);
	store_be32(data + QCOW2_SNAP_NANOSECONDS, (uint32_t)now.tv_nsec);
	store_be32(data + QCOW2_SNAP_EXTRA_BYTES, QCOW2_SNAP_EXTRA_KNOWN);
	store_be64(data + QCOW2_SNAP_DISK_BYTES, header->size_bytes);
	memcpy(data + at, id, id_bytes);
	memcpy(data + at + id_bytes, name, name_bytes);
	return 0;
}

static int create(struct block *file, struct qcow2_census *census, struct qcow2_header *header,
		  struct table *table, const char *name)
{
	uint64_t l1 = 0;
	int result = copy_l1(file, census, header->l1_offset, header->l1_entries,
			     header->l1_entries, &l1);

	if (result == 0)
		result = append_entry(table, header, l1, name);
	header->snapshots++;
	return result < 0 ? result : write_snapshots(file, census, header, table);
}

static int delete (struct block *file, struct qcow2_census *census, struct qcow2_header *header,
		   struct table *table, const struct entry *entry)
{
	size_t end = entry->at + entry->bytes;

	memmove(table->data + entry->at, table->data + min_size(end, table->bytes),
		table->bytes - min_size(end, table->bytes));
	table->bytes -= min_size(entry->bytes, table->bytes);
	header->snapshots--;
	return write_snapshots(file, census, header, table);
}

static int apply(struct block *file, struct qcow2_census *census, struct qcow2_header *header,
		 const struct entry *entry)
{
	unsigned shift = 2 * header->cluster_bits - QCOW2_ENTRY_BITS;
	uint64_t needed = (entry->disk_bytes + BIT64(shift) - 1) >> shift;
	uint32_t entries = (uint32_t)max_u64(needed, entry->l1_entries);
	uint64_t l1 = 0;
	int result;

	if (entry->disk_bytes >= BIT64(62) ||
	    max_u64(needed, entry->l1_entries) > QCOW2_L1_BYTES_MAX / QCOW2_ENTRY_BYTES ||
	    entry->l1_offset % census->cluster_bytes)
		return -EINVAL;
	result = copy_l1(file, census, entry->l1_offset, entry->l1_entries, entries, &l1);
	header->l1_offset = l1;
	header->l1_entries = entries;
	header->size_bytes = entry->disk_bytes;
	return result;
}

static int change(struct block *file, const struct qcow2_header *old, struct table *table,
		  enum image_snapshot_verb verb, const char *name, const struct entry *entry)
{
	struct qcow2_header header = *old;
	struct qcow2_census census;
	int result = qcow2_census_init(&census, file, old);

	header.autoclear = 0;
	if (result == 0 && verb == IMAGE_SNAPSHOT_CREATE)
		result = create(file, &census, &header, table, name);
	else if (result == 0 && verb == IMAGE_SNAPSHOT_DELETE)
		result = delete (file, &census, &header, table, entry);
	else if (result == 0)
		result = apply(file, &census, &header, entry);
	if (result == 0)
		result = qcow2_switch(file, old, &header, &census);
	qcow2_census_finish(&census);
	return result;
}

int qcow2_snapshot(struct block *file, enum image_snapshot_verb verb, const char *name,
		   struct err *err)
{
	struct qcow2_header header;
	struct table table = { 0 };
	struct entry entry = { 0 };
	bool found;
	int result = qcow2_read_header(file, &header, err);

	if (result == 0 && header.incompatible & (QCOW2_DIRTY | QCOW2_CORRUPT))
		result = err_set(err, -EROFS,
				 "'%s' must be repaired first: 'hvm disk check --repair'",
				 file->filename);
	if (result == 0)
		result = read_snapshots(file, &header, &table, err);
	if (result < 0)
		goto out;
	found = find_entry(&table, &header, name, &entry);
	if (found && verb == IMAGE_SNAPSHOT_CREATE)
		result = err_set(err, -EEXIST, "'%s' already has a snapshot '%s'", file->filename,
				 name);
	else if (!found && verb != IMAGE_SNAPSHOT_CREATE)
		result = err_set(err, -ENOENT, "'%s' has no snapshot '%s'", file->filename, name);
	else if (strlen(name) == 0 || strlen(name) >= sizeof(entry.snapshot.name))
		result = err_set(err, -EINVAL, "'%.32s' is no name for a snapshot", name);
	if (result < 0)
		goto out;
	result = change(file, &header, &table, verb, name, &entry);
	if (result == -EOVERFLOW)
		err_set(err, result,
			"'%s' counts with %u bits, which is too few for another snapshot",
			file->filename, 1u << header.refcount_order);
	else if (result < 0)
		err_set_errno(err, result, "the tables of '%s' cannot be read or written",
			      file->filename);
out:
	free(table.data);
	return result;
}
