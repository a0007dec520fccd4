// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Writing a tree anew: its directories one behind the other, each followed by what Rock Ridge did
 * not find room for in records (its continuation: libarchive finds it nowhere else), then the path
 * tables. A directory whose records still fit stays where it was. Every record is made twice: once
 * to learn how much room directories take, and once with the places that follow from it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/err.h"
#include "block/iso_tree.h"

enum {
	SYSTEM_USE_MAX = 512, /* skipped bytes, PX, TF, a name of 255 bytes in two pieces */
	/* A section of a file: the largest multiple of a sector that 32 bits count. */
	MAX_SECTION_BYTES = -ISO_SECTOR_BYTES,
	FILE_MODE = 0444,
	EXECUTABLE_MODE = 0555,
	MAX_CONTINUATIONS = 8,     /* of one record */
	FIRST_SERIAL = 0x40000000, /* behind those that an image is likely to have */
};

static const char rock_ridge_id[] = "RRIP_1991A";

struct writing {
	struct iso_tree *tree;
	uint8_t *directory; /* NULL: only its size is wanted */
	size_t at;
	uint8_t *continuation; /* NULL as well */
	size_t continuation_at;
	uint32_t continuation_lba;
	bool moves; /* the directory: its continuations go with it */
};

/* System use */

struct system_use {
	uint8_t bytes[SYSTEM_USE_MAX];
	size_t length;
	size_t first_name; /* where NM begins */
};

static uint8_t *add_entry(struct system_use *use, const char *letters, size_t length)
{
	uint8_t *entry = use->bytes + use->length;

	memset(entry, 0, length);
	memcpy(entry, letters, 2);
	entry[SUSP_LENGTH] = (uint8_t)length;
	entry[SUSP_VERSION] = 1;
	use->length += length;
	return entry;
}

static uint32_t count_links(const struct iso_node *node)
{
	uint32_t links = 2;

	if (!node->is_directory)
		return 1;
	for (const struct iso_node *child = node->first; child; child = child->next)
		links += child->is_directory;
	return links;
}

/** A record's time: the host's, or the one that was found. */
static void put_time(uint8_t *out, const struct iso_node *node)
{
	const uint8_t *found = node->self ? node->self : node->records;

	if (node->host)
		iso_put_time(out, node->host->modified.tv_sec);
	else if (found)
		memcpy(out, found + ISO_DR_TIME, ISO_DR_TIME_BYTES);
	else
		iso_put_time(out, 0);
}

/** Owned by root, readable by all, as on a disc that was mastered for others. */
static void add_attributes(struct iso_tree *tree, struct system_use *use,
			   const struct iso_node *node)
{
	uint8_t *entry = add_entry(use, "PX", tree->px_bytes);
	bool runs = node->is_directory || node->host->is_executable;

	iso_put_both32(entry + RR_PX_MODE, (node->is_directory ? RR_MODE_DIRECTORY : RR_MODE_FILE) |
						   (runs ? EXECUTABLE_MODE : FILE_MODE));
	iso_put_both32(entry + RR_PX_LINKS, count_links(node));
	if (tree->px_bytes >= RR_PX_LONG_BYTES)
		iso_put_both32(entry + RR_PX_SERIAL, tree->next_serial++);
	entry = add_entry(use, "TF", RR_TF_STAMPS + 3 * ISO_DR_TIME_BYTES);
	entry[RR_TF_FLAGS] = RR_TF_MODIFY | RR_TF_ACCESS | RR_TF_ATTRIBUTES;
	for (size_t i = 0; i < 3; i++)
		put_time(entry + RR_TF_STAMPS + i * ISO_DR_TIME_BYTES, node);
}

static void add_name(struct system_use *use, const char *name)
{
	size_t left = strlen(name);

	use->first_name = use->length;
	do {
		size_t bytes = min_size(left, RR_NM_MAX_NAME);
		uint8_t *entry = add_entry(use, "NM", RR_NM_NAME + bytes);

		memcpy(entry + RR_NM_NAME, name, bytes);
		name += bytes;
		left -= bytes;
		entry[RR_NM_FLAGS] = left ? RR_NM_CONTINUE : 0;
	} while (left);
}

/** Puts 'bytes' into a continuation, which does not cross sectors, and lets 'entry' (CE) lead
 * there. */
static void put_continuation(struct writing *writing, uint8_t *entry, const uint8_t *data,
			     size_t bytes)
{
	size_t at = writing->continuation_at;

	if (at % ISO_SECTOR_BYTES + bytes > ISO_SECTOR_BYTES)
		at = (size_t)align_up(at, ISO_SECTOR_BYTES);
	if (writing->continuation)
		memcpy(writing->continuation + at, data, bytes);
	iso_put_both32(entry + SUSP_CE_BLOCK,
		       writing->continuation_lba + (uint32_t)(at / ISO_SECTOR_BYTES));
	iso_put_both32(entry + SUSP_CE_OFFSET, (uint32_t)(at % ISO_SECTOR_BYTES));
	iso_put_both32(entry + SUSP_CE_LENGTH, (uint32_t)bytes);
	writing->continuation_at = at + bytes;
}

/** Moves what stands from 'first' on behind a pointer to it. */
static void continue_elsewhere(struct writing *writing, struct system_use *use, size_t first)
{
	size_t bytes = use->length - first;
	uint8_t data[SYSTEM_USE_MAX];

	memcpy(data, use->bytes + first, bytes);
	use->length = first;
	put_continuation(writing, add_entry(use, "CE", SUSP_CE_BYTES), data, bytes);
}

/**
 * What a found record continues with comes along when its directory moves: there are readers
 * (libarchive) that do not go back for it. What cannot be read stays.
 */
static void bring_continuation(struct writing *writing, uint8_t *area, size_t bytes, unsigned depth)
{
	uint8_t *entry = (uint8_t *)iso_find_entry(area, bytes, "CE", SUSP_CE_BYTES);
	uint8_t data[ISO_SECTOR_BYTES];
	uint64_t offset;

	if (!entry || depth == MAX_CONTINUATIONS)
		return;
	bytes = load_le32(entry + SUSP_CE_LENGTH);
	offset = (uint64_t)load_le32(entry + SUSP_CE_BLOCK) * ISO_SECTOR_BYTES +
		 load_le32(entry + SUSP_CE_OFFSET);
	if (bytes == 0 || bytes > sizeof(data) ||
	    media_base_read(writing->tree->base, offset, data, bytes, NULL) < 0)
		return;
	bring_continuation(writing, data, bytes, depth + 1);
	put_continuation(writing, entry, data, bytes);
}

/* Records */

static void put_record(struct writing *writing, const uint8_t *record)
{
	size_t length = record[ISO_DR_LENGTH];

	if (writing->at % ISO_SECTOR_BYTES + length > ISO_SECTOR_BYTES)
		writing->at = (size_t)align_up(writing->at, ISO_SECTOR_BYTES);
	if (writing->directory)
		memcpy(writing->directory + writing->at, record, length);
	writing->at += length;
}

static void set_extent(uint8_t *record, uint32_t lba, uint32_t bytes)
{
	iso_put_both32(record + ISO_DR_LBA, lba);
	iso_put_both32(record + ISO_DR_BYTES, bytes);
}

/** Everything but extent and system use; the length so far, which is even. */
static size_t start_record(uint8_t *record, const struct iso_node *node, const uint8_t *id,
			   size_t id_bytes)
{
	size_t length = ISO_DR_ID + id_bytes;

	memset(record, 0, ISO_DR_MAX_BYTES + 2);
	put_time(record + ISO_DR_TIME, node);
	record[ISO_DR_FLAGS] = node->is_directory ? ISO_FLAG_DIRECTORY : 0;
	iso_put_both16(record + ISO_DR_SEQUENCE, 1);
	record[ISO_DR_ID_LENGTH] = (uint8_t)id_bytes;
	memcpy(record + ISO_DR_ID, id, id_bytes);
	return length + (length & 1);
}

static void end_record(uint8_t *record, size_t length, const struct system_use *use)
{
	memcpy(record + length, use->bytes, use->length);
	length += use->length;
	record[ISO_DR_LENGTH] = (uint8_t)(length + (length & 1));
}

/** How a found record stands now: the same, but for where a directory lies. */
static void put_found(struct writing *writing, const uint8_t *found,
		      const struct iso_node *directory)
{
	uint8_t record[256];
	const uint8_t *area;
	size_t bytes;

	memcpy(record, found, found[ISO_DR_LENGTH]);
	bytes = iso_find_system_use(writing->tree, record, &area);
	if (writing->moves && writing->tree->has_rock_ridge)
		bring_continuation(writing, (uint8_t *)area, bytes, 0);
	if (directory) {
		set_extent(record, directory->lba, directory->bytes);
		record[ISO_DR_ATTRIBUTES] = 0;
	}
	put_record(writing, record);
}

static void put_found_file(struct writing *writing, const struct iso_node *node)
{
	for (size_t at = 0; at < node->records_bytes; at += node->records[at + ISO_DR_LENGTH])
		put_found(writing, node->records + at, NULL);
}

static void use_for_name(struct writing *writing, struct system_use *use,
			 const struct iso_node *node, size_t before)
{
	struct iso_tree *tree = writing->tree;
	size_t room = ISO_DR_MAX_BYTES - before;

	*use = (struct system_use){ .length = tree->skip };
	if (!tree->has_rock_ridge || tree->skip + SUSP_CE_BYTES > room) {
		use->length = 0;
		return;
	}
	add_attributes(tree, use, node);
	add_name(use, node->name);
	if (use->length > room)
		continue_elsewhere(writing, use,
				   use->first_name + SUSP_CE_BYTES > room ? tree->skip
									  : use->first_name);
}

/** A new file, or one whose content is new. */
static void put_file(struct writing *writing, const struct iso_node *node)
{
	uint64_t left = node->host->bytes;
	uint32_t lba = node->host->lba;
	struct system_use use;
	uint8_t record[ISO_DR_MAX_BYTES + 2];
	size_t start = start_record(record, node, node->id, node->id_bytes);

	use_for_name(writing, &use, node, start);
	do {
		uint32_t bytes = (uint32_t)min_u64(left, (uint32_t)MAX_SECTION_BYTES);

		left -= bytes;
		record[ISO_DR_FLAGS] = left ? ISO_FLAG_MORE : 0;
		set_extent(record, lba, bytes);
		end_record(record, start, &use);
		put_record(writing, record);
		lba += bytes / ISO_SECTOR_BYTES;
	} while (left);
}

static void put_directory(struct writing *writing, const struct iso_node *node)
{
	struct system_use use;
	uint8_t record[ISO_DR_MAX_BYTES + 2];
	size_t start;

	if (node->records) {
		put_found(writing, node->records, node);
		return;
	}
	start = start_record(record, node, node->id, node->id_bytes);
	use_for_name(writing, &use, node, start);
	set_extent(record, node->lba, node->bytes);
	end_record(record, start, &use);
	put_record(writing, record);
}

static void add_root_entries(struct system_use *use)
{
	size_t id_length = strlen(rock_ridge_id);
	uint8_t *entry = add_entry(use, "ER", SUSP_ER_ID + id_length);

	entry[SUSP_DATA] = (uint8_t)id_length;
	entry[SUSP_ER_ID - 1] = 1; /* version of the extension */
	memcpy(entry + SUSP_ER_ID, rock_ridge_id, id_length);
}

/** The record of a directory in itself ('which' 0) or in one within it (1). */
static void put_self(struct writing *writing, const struct iso_node *node, const uint8_t *found,
		     uint8_t which)
{
	struct iso_tree *tree = writing->tree;
	struct system_use use = { .length = tree->skip };
	uint8_t record[ISO_DR_MAX_BYTES + 2], *entry;
	bool is_new_root = node == tree->root && which == 0;
	size_t start;

	if (found) {
		put_found(writing, found, node);
		return;
	}
	start = start_record(record, node, &which, 1);
	if (tree->has_rock_ridge) {
		if (is_new_root) {
			use.length = 0;
			entry = add_entry(&use, "SP", SUSP_SP_BYTES);
			store_be16(entry + SUSP_SP_CHECK, 0xbeef);
			entry[SUSP_SP_SKIP] = (uint8_t)tree->skip;
		}
		add_attributes(tree, &use, node);
		if (is_new_root)
			add_root_entries(&use);
	}
	set_extent(record, node->lba, node->bytes);
	end_record(record, start, &use);
	put_record(writing, record);
}

static void put_all_records(struct writing *writing, const struct iso_node *directory)
{
	const struct iso_node *above = directory->parent ? directory->parent : directory;

	writing->at = writing->continuation_at = 0;
	writing->continuation_lba = directory->lba + directory->bytes / ISO_SECTOR_BYTES;
	put_self(writing, directory, directory->self, 0);
	put_self(writing, above, directory->above, 1);
	for (const struct iso_node *node = directory->first; node; node = node->next) {
		if (node->is_directory)
			put_directory(writing, node);
		else if (node->host)
			put_file(writing, node);
		else
			put_found_file(writing, node);
	}
}

/* Places */

/** Directories in the order of the path table: by level, parent, and identifier (6.9.1). */
static void number_directories(struct iso_tree *tree)
{
	struct iso_node *last = tree->root, *directory, *child;
	uint16_t number = 0;

	tree->table_bytes = 0;
	last->next_directory = NULL;
	for (directory = tree->root; directory; directory = directory->next_directory) {
		directory->number = ++number;
		tree->table_bytes += (uint32_t)align_up(ISO_PT_ID + directory->id_bytes, 2);
		for (child = directory->first; child; child = child->next) {
			if (!child->is_directory)
				continue;
			last->next_directory = child;
			child->next_directory = NULL;
			last = child;
		}
	}
	tree->last_directory = last;
}

static uint32_t take_sectors(uint64_t *lba, uint64_t bytes)
{
	uint32_t first = (uint32_t)*lba;

	*lba += align_up(bytes, ISO_SECTOR_BYTES) / ISO_SECTOR_BYTES;
	return first;
}

/** Whether 'bytes' do not fit where the directory is, and how large it is then. */
static bool outgrows(struct iso_node *node, size_t bytes)
{
	uint64_t room = align_up(node->found_bytes, ISO_SECTOR_BYTES);
	bool moves = !node->found || bytes > room;

	node->bytes = (uint32_t)(moves ? align_up(bytes, ISO_SECTOR_BYTES) : room);
	return moves;
}

static void place_directory(struct writing *writing, struct iso_node *node, uint64_t *lba)
{
	writing->moves = false;
	put_all_records(writing, node);
	node->moves = outgrows(node, writing->at) || writing->continuation_at;
	if (!node->moves) {
		node->lba = node->found_lba;
		return;
	}
	writing->moves = true;
	put_all_records(writing, node);
	node->continuation_bytes = (uint32_t)writing->continuation_at;
	node->lba = take_sectors(lba, node->bytes);
	take_sectors(lba, node->continuation_bytes);
}

int iso_tree_place(struct iso_tree *tree, uint64_t *lba, struct err *err)
{
	struct writing writing = { .tree = tree };

	number_directories(tree);
	for (struct iso_node *node = tree->root; node; node = node->next_directory) {
		place_directory(&writing, node, lba);
		if (writing.at > ISO_MAX_DIRECTORY_BYTES ||
		    writing.continuation_at > ISO_MAX_DIRECTORY_BYTES)
			return err_set(err, -E2BIG, "a directory becomes too large for a CD");
		tree->largest_bytes = (uint32_t)max_u64(
			tree->largest_bytes, max_u64(node->bytes, node->continuation_bytes));
	}
	tree->table_lba[0] = take_sectors(lba, tree->table_bytes);
	tree->table_lba[1] = take_sectors(lba, tree->table_bytes);
	if (*lba > UINT32_MAX)
		return err_set(err, -E2BIG, "the CD becomes too large for ISO 9660");
	return 0;
}

/* Writing */

/** Nothing is to be written where all is as it was. */
static bool is_unchanged(const struct iso_node *node, const uint8_t *data)
{
	return !node->moves && memcmp(node->found, data, node->found_bytes) == 0;
}

static int write_directories(struct iso_tree *tree, struct composed *composed, struct err *err)
{
	struct writing writing = { .tree = tree };
	int result = 0;

	writing.directory = calloc(1, tree->largest_bytes);
	writing.continuation = calloc(1, tree->largest_bytes);
	if (!writing.directory || !writing.continuation)
		result = err_set(err, -ENOMEM, "no memory left for the medium");
	tree->next_serial = FIRST_SERIAL;
	for (struct iso_node *node = tree->root; node && result == 0; node = node->next_directory) {
		uint64_t place;

		memset(writing.directory, 0, node->bytes);
		memset(writing.continuation, 0, node->continuation_bytes);
		writing.moves = node->moves;
		put_all_records(&writing, node);
		if (is_unchanged(node, writing.directory))
			continue;
		place = (uint64_t)node->lba * ISO_SECTOR_BYTES;
		result = composed_add_memory(composed, place, writing.directory, node->bytes, err);
		if (result == 0)
			result = composed_add_memory(composed, place + node->bytes,
						     writing.continuation, node->continuation_bytes,
						     err);
	}
	free(writing.directory);
	free(writing.continuation);
	return result;
}

static int write_table(const struct iso_tree *tree, bool big, struct composed *composed,
		       struct err *err)
{
	uint8_t *table = calloc(1, tree->table_bytes), *entry = table;
	int result;

	if (!table)
		return err_set(err, -ENOMEM, "no memory left for the medium");
	for (const struct iso_node *node = tree->root; node; node = node->next_directory) {
		uint16_t parent = node->parent ? node->parent->number : node->number;

		entry[ISO_PT_ID_LENGTH] = node->id_bytes;
		if (big) {
			store_be32(entry + ISO_PT_LBA, node->lba);
			store_be16(entry + ISO_PT_PARENT, parent);
		} else {
			store_le32(entry + ISO_PT_LBA, node->lba);
			store_le16(entry + ISO_PT_PARENT, parent);
		}
		memcpy(entry + ISO_PT_ID, node->id, node->id_bytes);
		entry += align_up(ISO_PT_ID + node->id_bytes, 2);
	}
	result = composed_add_memory(composed, (uint64_t)tree->table_lba[big] * ISO_SECTOR_BYTES,
				     table, tree->table_bytes, err);
	free(table);
	return result;
}

int iso_tree_write(struct iso_tree *tree, struct composed *composed, struct err *err)
{
	int result = write_directories(tree, composed, err);

	if (result == 0)
		result = write_table(tree, false, composed, err);
	return result == 0 ? write_table(tree, true, composed, err) : result;
}
