// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A tree of directories as one volume descriptor of an ISO 9660 image has it: read from an image,
 * or empty; a directory of the host laid over it; written anew. What is found is kept record for
 * record, in the order it is found in, with names, attributes and extents as they are; only
 * directories that grow, and what leads to them, change. Directories that were moved for their
 * depth (Rock Ridge's CL) stay where they are.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "block/composed.h"
#include "block/host_tree.h"
#include "block/iso_format.h"

struct err;

/** An image that is read to be changed, not trusted. */
struct media_base {
	int fd;
	uint64_t bytes;
	const char *filename;
};

enum {
	ISO_MAX_DIRECTORIES = 65535, /* a path table numbers them in 16 bits */
	ISO_MAX_DIRECTORY_BYTES = 16 << 20,
	ISO_MAX_DEPTH = 64,
	ISO_TREE_BYTES = 160 << 20, /* of memory, while it is read and written */
	ISO_MAX_ID_BYTES = 221,     /* what a record has room for */
	ISO_PRIMARY_ID_BYTES = 31,  /* of names that we make: with ";1" two more */
	ISO_JOLIET_ID_UNITS = 64,   /* without ";1" */
};

enum iso_kind {
	ISO_PRIMARY,
	ISO_JOLIET,
};

struct iso_node {
	struct iso_node *parent, *next;  /* the next in its directory */
	struct iso_node *first, *last;   /* of a directory */
	struct iso_node *next_directory; /* of all, each before those in it */
	const uint8_t *records;          /* as found, one behind the other; NULL: new */
	size_t records_bytes;
	const uint8_t *self, *above;  /* a directory's records of itself and its parent */
	const struct host_node *host; /* new, or laid over what was found */
	const char *name;             /* UTF-8, as people see it */
	uint8_t id[ISO_MAX_ID_BYTES + 1];
	uint8_t id_bytes;
	bool is_directory, is_special; /* special: associated files, moved directories */
	uint16_t number, depth;
	uint32_t found_lba, found_bytes;
	const uint8_t *found; /* a directory's content */
	uint32_t lba, bytes;  /* where a directory is written: where it was, unless it has grown */
	uint32_t continuation_bytes; /* right behind it */
	bool moves;
};

struct iso_tree {
	enum iso_kind kind;
	bool has_rock_ridge;
	unsigned skip, px_bytes;       /* before the first system use entry; of PX */
	const struct media_base *base; /* NULL: a new tree */
	uint32_t root_lba, root_bytes;
	struct pool pool;
	struct iso_node *root, *last_directory;
	uint32_t directory_count;
	uint32_t table_lba[2], table_bytes; /* little and big-endian */
	uint32_t next_serial;
	uint32_t largest_bytes; /* of a directory, or its continuation */
};

/** An empty tree. 0 or -ENOMEM. */
int iso_tree_init(struct iso_tree *tree, enum iso_kind kind);
void iso_tree_finish(struct iso_tree *tree);
/** Reads all directories from root_lba on. 0, or -errno and a sentence. */
int iso_tree_read(struct iso_tree *tree, const struct media_base *base, struct err *err);
/** Lays 'host' over the tree. 0, or -errno and a sentence. */
int iso_tree_merge(struct iso_tree *tree, const struct host_tree *host, struct err *err);
/** Gives directories and path tables their places from sector '*lba' on, which is moved behind
 * them. The host's files come later: readers that seek only forwards want names before content. 0,
 * or -errno and a sentence. */
int iso_tree_place(struct iso_tree *tree, uint64_t *lba, struct err *err);
/** Puts them there, when the host's files have their places, too. 0, or -errno and a sentence. */
int iso_tree_write(struct iso_tree *tree, struct composed *composed, struct err *err);

/** Reads from the image; what lies behind its end is an error. 0, or -errno and a sentence. */
int media_base_read(const struct media_base *base, uint64_t offset, void *data, size_t bytes,
		    struct err *err);

/** The system use area of a record: what is behind its identifier. Returns its length. */
size_t iso_find_system_use(const struct iso_tree *tree, const uint8_t *record,
			   const uint8_t **area);
/** The entry 'letters' of at least 'length' bytes in a system use area; NULL: there is none. */
const uint8_t *iso_find_entry(const uint8_t *area, size_t bytes, const char *letters,
			      size_t length);

/* Names (iso_names.c) */

/** Sets node->name and node->id from the identifier in a record; 'name' (Rock Ridge's) may be NULL.
 * -ENOMEM. */
int iso_set_found_name(struct iso_tree *tree, struct iso_node *node, const uint8_t *record,
		       const char *name);
/** Makes an identifier for a new node->name that no other in 'directory' has. -EEXIST if none is
 * found. */
int iso_make_id(const struct iso_tree *tree, const struct iso_node *directory,
		struct iso_node *node);
/** Their order in a directory (9.3). */
int iso_compare_ids(const struct iso_tree *tree, const struct iso_node *a,
		    const struct iso_node *b);
/** Whether two names are the same but for the case of ASCII letters. */
bool iso_names_match(const char *a, const char *b);
/** "A b" as 'units' characters of UCS-2, big-endian, padded with spaces. */
void iso_put_ucs2(uint8_t *out, size_t units, const char *text);

/** One character of big-endian UTF-16, of which 'bytes' are there, two from '*at' on at least;
 * '*at' is moved behind it. */
uint32_t iso_next_utf16(const uint8_t *id, size_t bytes, size_t *at);
/** Writes 'character' as one or two units, and returns how many. */
size_t iso_put_utf16(uint8_t *out, uint32_t character);

/** Both byte orders, one behind the other (7.2.3, 7.3.3). */
void iso_put_both16(uint8_t *out, uint16_t value);
void iso_put_both32(uint8_t *out, uint32_t value);
/** The 7 bytes of a record's time, in UTC (9.1.5). */
void iso_put_time(uint8_t *out, time_t seconds);
