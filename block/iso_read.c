// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading the directories of an image that anybody may have made. Each directory is read once and
 * whole; directories, depth and memory are limited, so that one which contains itself ends, too.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/err.h"
#include "block/iso_tree.h"

enum {
	MAX_NAME_BYTES = 1024,
	MAX_CONTINUATIONS = 8,
	XA_BYTES = 14,
	MAX_SKIP = 32,
};

int media_base_read(const struct media_base *base, uint64_t offset, void *data, size_t bytes,
		    struct err *err)
{
	size_t done = 0;

	if (!range_fits(offset, bytes, base->bytes))
		return err_set(err, -EINVAL,
			       "'%s' points behind its end: it is damaged, or not whole",
			       base->filename);
	while (done < bytes) {
		ssize_t got = pread(base->fd, (uint8_t *)data + done, bytes - done,
				    (off_t)(offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return err_set_errno(err, got < 0 ? -errno : -EIO, "cannot read '%s'",
					     base->filename);
		done += (size_t)got;
	}
	return 0;
}

int iso_tree_init(struct iso_tree *tree, enum iso_kind kind)
{
	*tree = (struct iso_tree){ .kind = kind };
	pool_init(&tree->pool, ISO_TREE_BYTES);
	tree->root = tree->last_directory = pool_take(&tree->pool, sizeof(*tree->root));
	if (!tree->root)
		return -ENOMEM;
	tree->root->is_directory = true;
	tree->root->name = "";
	tree->root->id_bytes = 1;
	tree->directory_count = 1;
	return 0;
}

void iso_tree_finish(struct iso_tree *tree)
{
	pool_finish(&tree->pool);
	*tree = (struct iso_tree){ 0 };
}

static int fail(const struct media_base *base, const char *what, struct err *err)
{
	return err_set(err, -EINVAL, "'%s' %s", base->filename, what);
}

/* System use entries */

/** Calls 'visit' for each entry of an area until it returns other than 0. */
static int visit_area(const uint8_t *area, size_t bytes,
		      int (*visit)(void *opaque, const uint8_t *entry, size_t length), void *opaque)
{
	while (bytes >= SUSP_DATA) {
		size_t length = area[SUSP_LENGTH];
		int result;

		if (length < SUSP_DATA || length > bytes || (area[0] == 'S' && area[1] == 'T'))
			return 0;
		result = visit(opaque, area, length);
		if (result != 0)
			return result;
		area += length;
		bytes -= length;
	}
	return 0;
}

struct rock_ridge_name {
	char text[MAX_NAME_BYTES];
	size_t length;
	bool is_there, is_moved;       /* moved: it stands for a directory elsewhere */
	uint32_t block, offset, bytes; /* the continuation, if bytes is not 0 */
};

static int visit_entry(void *opaque, const uint8_t *entry, size_t length)
{
	struct rock_ridge_name *name = opaque;

	if (entry[0] == 'C' && entry[1] == 'E' && length >= SUSP_CE_BYTES) {
		name->block = load_le32(entry + SUSP_CE_BLOCK);
		name->offset = load_le32(entry + SUSP_CE_OFFSET);
		name->bytes = load_le32(entry + SUSP_CE_LENGTH);
	} else if (entry[0] == 'C' && entry[1] == 'L') {
		name->is_moved = true;
	} else if (entry[0] == 'N' && entry[1] == 'M' && length > RR_NM_NAME) {
		size_t more = min_size(length - RR_NM_NAME, MAX_NAME_BYTES - 1 - name->length);

		if (entry[RR_NM_FLAGS] & (RR_NM_CURRENT | RR_NM_PARENT))
			return 0;
		memcpy(name->text + name->length, entry + RR_NM_NAME, more);
		name->length += more;
		name->is_there = true;
	}
	return 0;
}

size_t iso_find_system_use(const struct iso_tree *tree, const uint8_t *record, const uint8_t **area)
{
	size_t start = ISO_DR_ID + record[ISO_DR_ID_LENGTH];

	start += start & 1;
	start += tree->skip;
	*area = record + start;
	return start < record[ISO_DR_LENGTH] ? record[ISO_DR_LENGTH] - start : 0;
}

struct entry_wanted {
	const char *letters;
	size_t length;
	const uint8_t *found;
};

static int visit_wanted(void *opaque, const uint8_t *entry, size_t length)
{
	struct entry_wanted *wanted = opaque;

	if (memcmp(entry, wanted->letters, 2) != 0 || length < wanted->length)
		return 0;
	wanted->found = entry;
	return 1;
}

const uint8_t *iso_find_entry(const uint8_t *area, size_t bytes, const char *letters, size_t length)
{
	struct entry_wanted wanted = { .letters = letters, .length = length };

	visit_area(area, bytes, visit_wanted, &wanted);
	return wanted.found;
}

static int read_name(const struct iso_tree *tree, const struct media_base *base,
		     const uint8_t *record, struct rock_ridge_name *name, struct err *err)
{
	uint8_t continuation[ISO_SECTOR_BYTES];
	const uint8_t *area;
	size_t bytes = iso_find_system_use(tree, record, &area);
	int result = 0;

	visit_area(area, bytes, visit_entry, name);
	for (unsigned i = 0; name->bytes && i < MAX_CONTINUATIONS && result == 0; i++) {
		uint64_t offset = (uint64_t)name->block * ISO_SECTOR_BYTES + name->offset;

		bytes = min_size(name->bytes, sizeof(continuation));
		name->bytes = 0;
		result = media_base_read(base, offset, continuation, bytes, err);
		if (result == 0)
			visit_area(continuation, bytes, visit_entry, name);
	}
	name->text[name->length] = '\0';
	name->is_there = name->is_there && strlen(name->text) == name->length && name->length;
	return result;
}

static int visit_root_entry(void *opaque, const uint8_t *entry, size_t length)
{
	struct iso_tree *tree = opaque;

	if (entry[0] == 'P' && entry[1] == 'X' && length >= RR_PX_BYTES) {
		tree->has_rock_ridge = true;
		tree->px_bytes = length >= RR_PX_LONG_BYTES ? RR_PX_LONG_BYTES : RR_PX_BYTES;
	}
	return 0;
}

/** The root's record of itself says whether there is Rock Ridge (P1281 5.3). */
static void find_rock_ridge(struct iso_tree *tree, const uint8_t *self)
{
	const uint8_t *area;
	size_t bytes = iso_find_system_use(tree, self, &area);

	if (tree->kind != ISO_PRIMARY)
		return;
	/* On CD-ROM XA, other bytes stand before it. */
	for (size_t before = 0; before <= XA_BYTES && before + SUSP_SP_BYTES <= bytes;
	     before += XA_BYTES) {
		const uint8_t *entry = area + before;

		if (memcmp(entry, "SP\007\001\276\357", SUSP_SP_SKIP) != 0 ||
		    entry[SUSP_SP_SKIP] > MAX_SKIP)
			continue;
		visit_area(entry, bytes - before, visit_root_entry, tree);
		/* The skipped bytes are not in this very record. */
		tree->skip = entry[SUSP_SP_SKIP];
		return;
	}
}

/* Records */

static void append(struct iso_node *directory, struct iso_node *node)
{
	node->parent = directory;
	if (directory->last)
		directory->last->next = node;
	else
		directory->first = node;
	directory->last = node;
}

static int add_directory(struct iso_tree *tree, const struct media_base *base,
			 struct iso_node *node, struct err *err)
{
	node->depth = (uint16_t)(node->parent->depth + 1);
	if (tree->directory_count == ISO_MAX_DIRECTORIES)
		return fail(base, "has more directories than can be", err);
	if (node->depth > ISO_MAX_DEPTH)
		return fail(base, "has directories that lie too deep: it is damaged", err);
	tree->directory_count++;
	tree->last_directory->next_directory = node;
	tree->last_directory = node;
	return 0;
}

static int add_node(struct iso_tree *tree, const struct media_base *base,
		    struct iso_node *directory, const uint8_t *record, struct iso_node **added,
		    struct err *err)
{
	struct iso_node *node = pool_take(&tree->pool, sizeof(*node));
	struct rock_ridge_name name = { .length = 0 };
	int result = node ? 0 : -ENOMEM;

	if (result == 0 && tree->has_rock_ridge)
		result = read_name(tree, base, record, &name, err);
	if (result == 0) {
		node->is_directory = record[ISO_DR_FLAGS] & ISO_FLAG_DIRECTORY;
		node->is_special = (record[ISO_DR_FLAGS] & ISO_FLAG_ASSOCIATED) || name.is_moved;
		node->found_lba = load_le32(record + ISO_DR_LBA) + record[ISO_DR_ATTRIBUTES];
		node->found_bytes = load_le32(record + ISO_DR_BYTES);
		result = iso_set_found_name(tree, node, record, name.is_there ? name.text : NULL);
	}
	if (result == -ENOMEM)
		fail(base, "has more in its directories than can be handled", err);
	if (result < 0)
		return result;
	append(directory, node);
	*added = node;
	return node->is_directory ? add_directory(tree, base, node, err) : 0;
}

/** A file in several sections has a record for each; they are kept together. */
static int add_record(struct iso_tree *tree, struct iso_node *node, const uint8_t *record)
{
	size_t length = record[ISO_DR_LENGTH];
	uint8_t *records;

	if (!node->records) {
		node->records = record;
		node->records_bytes = length;
		return 0;
	}
	records = pool_take(&tree->pool, node->records_bytes + length);
	if (!records)
		return -ENOMEM;
	memcpy(records, node->records, node->records_bytes);
	memcpy(records + node->records_bytes, record, length);
	node->records = records;
	node->records_bytes += length;
	return 0;
}

struct reading {
	struct iso_node *directory, *unfinished; /* a file whose next section follows */
	const struct media_base *base;
};

static int read_record(struct iso_tree *tree, struct reading *reading, const uint8_t *record,
		       struct err *err)
{
	size_t length = record[ISO_DR_LENGTH], id_bytes = record[ISO_DR_ID_LENGTH];
	struct iso_node *directory = reading->directory, *node = reading->unfinished;
	int result = 0;

	if (length < ISO_DR_MIN_BYTES || id_bytes == 0 || ISO_DR_ID + id_bytes > length ||
	    id_bytes > ISO_MAX_ID_BYTES)
		return fail(reading->base, "has a malformed directory: it is damaged", err);
	if (id_bytes == 1 && record[ISO_DR_ID] == 0) {
		directory->self = record;
		return 0;
	}
	if (id_bytes == 1 && record[ISO_DR_ID] == 1) {
		directory->above = record;
		return 0;
	}
	if (!node)
		result = add_node(tree, reading->base, directory, record, &node, err);
	if (result == 0 && add_record(tree, node, record) < 0)
		result =
			fail(reading->base, "has more in its directories than can be handled", err);
	reading->unfinished = record[ISO_DR_FLAGS] & ISO_FLAG_MORE ? node : NULL;
	if (result == 0 && reading->unfinished && node->is_directory)
		return fail(reading->base, "has a directory in sections, which cannot be", err);
	return result;
}

static int read_directory(struct iso_tree *tree, const struct media_base *base,
			  struct iso_node *directory, struct err *err)
{
	struct reading reading = { .directory = directory, .base = base };
	size_t bytes = directory->found_bytes;
	uint8_t *data;
	int result;

	if (bytes > ISO_MAX_DIRECTORY_BYTES)
		return fail(base, "has a directory that is too large", err);
	data = pool_take(&tree->pool, bytes);
	if (!data)
		return fail(base, "has more in its directories than can be handled", err);
	result = media_base_read(base, (uint64_t)directory->found_lba * ISO_SECTOR_BYTES, data,
				 bytes, err);
	directory->found = data;
	for (size_t at = 0; at < bytes && result == 0;) {
		size_t left = min_size(bytes, (size_t)align_down(at, ISO_SECTOR_BYTES) +
						      ISO_SECTOR_BYTES) -
			      at;

		/* 6.8.1.1: a record does not cross sectors; the rest of one is zeros. */
		if (data[at] == 0 || left < ISO_DR_MIN_BYTES) {
			at += left;
			continue;
		}
		if (data[at] > left)
			return fail(base, "has a malformed directory: it is damaged", err);
		if (at == 0 && directory == tree->root && data[ISO_DR_ID_LENGTH] == 1)
			find_rock_ridge(tree, data);
		result = read_record(tree, &reading, data + at, err);
		at += data[at];
	}
	return result;
}

int iso_tree_read(struct iso_tree *tree, const struct media_base *base, struct err *err)
{
	struct iso_node *directory = tree->root;
	int result = 0;

	tree->base = base;
	directory->found_lba = tree->root_lba;
	directory->found_bytes = tree->root_bytes;
	for (; directory && result == 0; directory = directory->next_directory)
		result = read_directory(tree, base, directory, err);
	return result;
}
