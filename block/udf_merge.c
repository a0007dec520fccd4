// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A directory of the host laid over UDF. Only directories with something in them that is new or
 * replaced are read. Such a directory gets a new list of its entries behind the image's end, and
 * its file entry, which stays where it is, leads there.
 */
#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/utf8.h"
#include "block/udf.h"

enum {
	MAX_DIRECTORY_BYTES = 16 << 20,
	/* An entry of a directory with the longest name, in whole words. */
	MAX_IDENTIFIER_BYTES = 296,
	MAX_NAME_TEXT = 4 * UDF_MAX_NAME_BYTES + 1,
	PATH_TEXT_BYTES = 160,
	LATIN_1_END = 0x100,
};

struct merging {
	struct udf_volume *volume;
	const struct host_tree *host;
	struct composed *composed;
	uint64_t *lba;
	struct err *err;
};

/** What a file entry says of where its content is, of both kinds of entries. */
struct entry {
	uint32_t block;
	bool is_extended;
	uint8_t sector[UDF_SECTOR_BYTES];
	size_t area, ad_bytes; /* allocation descriptors in 'sector' */
};

/** The entries of a directory as they are recorded. */
struct listing {
	uint8_t *bytes;
	size_t length, capacity;
	uint32_t new_directories;
	bool is_changed;
};

static int fail(const struct merging *merging, const struct host_node *node, int code,
		const char *what)
{
	char path[PATH_TEXT_BYTES];

	return err_set(merging->err, code, "'%s' of '%s' %s",
		       host_node_path(node, path, sizeof(path)), merging->host->path, what);
}

static int fail_image(const struct merging *merging, const char *what)
{
	return udf_fail(merging->volume, what, merging->err);
}

static uint32_t take_block(const struct merging *merging, uint64_t bytes)
{
	uint32_t block = (uint32_t)(*merging->lba - merging->volume->start);

	*merging->lba += align_up(bytes, UDF_SECTOR_BYTES) / UDF_SECTOR_BYTES;
	return block;
}

static int put_blocks(const struct merging *merging, uint32_t block, const void *data, size_t bytes)
{
	uint64_t place = ((uint64_t)merging->volume->start + block) * UDF_SECTOR_BYTES;

	return composed_add_memory(merging->composed, place, data, bytes, merging->err);
}

/* Reading a directory */

static int read_entry(const struct merging *merging, uint32_t block, struct entry *entry)
{
	int result = udf_read_block(merging->volume, block, UDF_ID_FILE_ENTRY,
				    UDF_ID_EXTENDED_ENTRY, entry->sector, merging->err);
	uint64_t start, length;

	if (result < 0)
		return result;
	entry->block = block;
	entry->is_extended = load_le16(entry->sector + UDF_TAG_ID) == UDF_ID_EXTENDED_ENTRY;
	start = load_le32(entry->sector +
			  (entry->is_extended ? UDF_EFE_EA_BYTES : UDF_FE_EA_BYTES));
	start += entry->is_extended ? UDF_EFE_AREA : UDF_FE_AREA;
	length = load_le32(entry->sector +
			   (entry->is_extended ? UDF_EFE_AD_BYTES : UDF_FE_AD_BYTES));
	if (!range_fits(start, max_u64(length, UDF_SHORT_AD_BYTES), UDF_SECTOR_BYTES) ||
	    load_le16(entry->sector + UDF_FE_STRATEGY) != UDF_STRATEGY_4 ||
	    entry->sector[UDF_FE_TYPE] != UDF_TYPE_DIRECTORY)
		return fail_image(merging, "with a directory that is damaged");
	entry->area = (size_t)start;
	entry->ad_bytes = (size_t)length;
	return 0;
}

static int reserve(const struct merging *merging, struct listing *listing, size_t bytes)
{
	size_t capacity = 2 * listing->capacity + UDF_SECTOR_BYTES;
	uint8_t *grown;

	if (listing->length + bytes <= listing->capacity)
		return 0;
	if (listing->length + bytes > MAX_DIRECTORY_BYTES)
		return fail_image(merging, "with a directory that is too large");
	if (capacity < listing->length + bytes)
		capacity = listing->length + bytes;
	grown = pool_take(&merging->volume->pool, capacity);
	if (!grown)
		return fail_image(merging, "with more in its directories than can be handled");
	if (listing->length)
		memcpy(grown, listing->bytes, listing->length);
	listing->bytes = grown;
	listing->capacity = capacity;
	return 0;
}

/** Appends the extent that 'ad' leads to, as far as 'left' bytes are wanted. */
static int read_extent(const struct merging *merging, struct listing *listing, const uint8_t *ad,
		       uint64_t *left)
{
	size_t bytes = load_le32(ad + UDF_AD_LENGTH) & UDF_EXTENT_LENGTH_MASK;
	uint64_t block = load_le32(ad + UDF_AD_BLOCK);
	int result;

	bytes = (size_t)min_u64(bytes, *left);
	if (bytes == 0)
		return 0;
	result = reserve(merging, listing, bytes);
	if (result == 0)
		result = media_base_read(merging->volume->base,
					 (merging->volume->start + block) * UDF_SECTOR_BYTES,
					 listing->bytes + listing->length, bytes, merging->err);
	if (result == 0)
		listing->length += bytes;
	*left -= bytes;
	return result;
}

static int read_listing(const struct merging *merging, const struct entry *entry,
			struct listing *listing)
{
	unsigned kind = load_le16(entry->sector + UDF_FE_FLAGS) & UDF_FLAGS_ALLOCATION;
	size_t step = kind == UDF_ALLOCATION_LONG ? UDF_LONG_AD_BYTES : UDF_SHORT_AD_BYTES;
	uint64_t left = load_le64(entry->sector + UDF_FE_BYTES);
	const uint8_t *ad = entry->sector + entry->area;
	int result = 0;

	if (kind == UDF_ALLOCATION_EMBEDDED) {
		size_t bytes = (size_t)min_u64(left, entry->ad_bytes);

		result = reserve(merging, listing, bytes);
		if (result == 0 && bytes) {
			memcpy(listing->bytes, ad, bytes);
			listing->length = bytes;
		}
		return result;
	}
	if (kind != UDF_ALLOCATION_SHORT && kind != UDF_ALLOCATION_LONG)
		return fail_image(merging, "with a directory that is damaged");
	for (size_t at = 0; at + step <= entry->ad_bytes && left && result == 0; at += step)
		result = read_extent(merging, listing, ad + at, &left);
	return result == 0 && left ? fail_image(merging, "with a directory that is not whole")
				   : result;
}

/** The length of the identifier at 'at'; 0: it is malformed. */
static size_t identifier_bytes(const struct listing *listing, size_t at)
{
	const uint8_t *fid = listing->bytes + at;
	size_t left = listing->length - at, bytes = UDF_FID_AREA;

	if (left < UDF_FID_AREA || load_le16(fid + UDF_TAG_ID) != UDF_ID_FILE)
		return 0;
	bytes += fid[UDF_FID_NAME_BYTES];
	bytes += load_le16(fid + UDF_FID_USE_BYTES);
	bytes = (size_t)align_up(bytes, 4);
	return bytes <= left ? bytes : 0;
}

static int check_listing(const struct merging *merging, const struct listing *listing)
{
	size_t at = 0, bytes = 1;

	while (at < listing->length && bytes) {
		bytes = identifier_bytes(listing, at);
		at += bytes;
	}
	return bytes ? 0 : fail_image(merging, "with a directory that is damaged");
}

/* Names */

static void decode_name(const uint8_t *fid, char *text)
{
	const uint8_t *name = fid + UDF_FID_AREA + load_le16(fid + UDF_FID_USE_BYTES);
	size_t bytes = fid[UDF_FID_NAME_BYTES], length = 0;

	if (bytes > 1 && name[0] == UDF_NAME_8_BITS)
		for (size_t i = 1; i < bytes; i++)
			length += utf8_put(name[i], text + length);
	else if (bytes > 1 && name[0] == UDF_NAME_16_BITS)
		for (size_t at = 0; at + 2 <= bytes - 1;)
			length += utf8_put(iso_next_utf16(name + 1, bytes - 1, &at), text + length);
	text[length] = '\0';
}

/** Bytes of the name as UDF records it; 0: it is too long. */
static size_t encode_name(uint8_t *out, const char *name)
{
	bool is_wide = false;
	size_t bytes = 1;

	for (const char *c = name; *c;)
		is_wide = utf8_next(&c) >= LATIN_1_END || is_wide;
	out[0] = is_wide ? UDF_NAME_16_BITS : UDF_NAME_8_BITS;
	while (*name) {
		uint32_t character = utf8_next(&name);

		if (bytes + (is_wide ? 4 : 1) > UDF_MAX_NAME_BYTES)
			return 0;
		if (is_wide)
			bytes += 2 * iso_put_utf16(out + bytes, character);
		else
			out[bytes++] = (uint8_t)character;
	}
	return bytes;
}

static uint8_t *find_identifier(const struct listing *listing, const char *name, bool exactly)
{
	for (size_t at = 0; at < listing->length; at += identifier_bytes(listing, at)) {
		uint8_t *fid = listing->bytes + at;
		char text[MAX_NAME_TEXT];

		if (fid[UDF_FID_CHARACTERISTICS] & (UDF_IS_DELETED | UDF_IS_PARENT))
			continue;
		decode_name(fid, text);
		if (exactly ? strcmp(text, name) == 0 : iso_names_match(text, name))
			return fid;
	}
	return NULL;
}

/* Writing */

static void lead_to(uint8_t *fid, uint32_t block, uint64_t unique_id)
{
	uint8_t *icb = fid + UDF_FID_ICB;

	memset(icb, 0, UDF_LONG_AD_BYTES);
	store_le32(icb + UDF_AD_LENGTH, UDF_SECTOR_BYTES);
	store_le32(icb + UDF_AD_BLOCK, block);
	store_le32(icb + UDF_LONG_AD_UNIQUE_ID, (uint32_t)unique_id);
}

static int add_identifier(const struct merging *merging, struct listing *listing,
			  const struct host_node *node, uint8_t characteristics, uint32_t block,
			  uint64_t unique_id)
{
	uint8_t fid[MAX_IDENTIFIER_BYTES] = { 0 };
	size_t bytes = 0;
	int result;

	if (node) {
		bytes = encode_name(fid + UDF_FID_AREA, node->name);
		if (bytes == 0)
			return fail(merging, node, -ENAMETOOLONG, "has a name too long for UDF");
	}
	store_le16(fid + UDF_TAG_ID, UDF_ID_FILE);
	store_le16(fid + UDF_FID_VERSION, 1);
	fid[UDF_FID_CHARACTERISTICS] = characteristics;
	fid[UDF_FID_NAME_BYTES] = (uint8_t)bytes;
	lead_to(fid, block, unique_id);
	bytes = (size_t)align_up(UDF_FID_AREA + bytes, 4);
	result = reserve(merging, listing, bytes);
	if (result == 0) {
		memcpy(listing->bytes + listing->length, fid, bytes);
		listing->length += bytes;
	}
	return result;
}

/** Puts the list behind the image. Each identifier says in which block it begins. */
static int put_listing(const struct merging *merging, const struct listing *listing,
		       uint32_t *block)
{
	*block = take_block(merging, listing->length);
	for (size_t at = 0, bytes; at < listing->length; at += bytes) {
		bytes = identifier_bytes(listing, at);
		udf_set_tag(merging->volume, listing->bytes + at, UDF_ID_FILE, bytes,
			    *block + (uint32_t)(at / UDF_SECTOR_BYTES));
	}
	return put_blocks(merging, *block, listing->bytes, listing->length);
}

/** 1/7.3: UTC. */
static void put_time(uint8_t *out, time_t seconds)
{
	struct tm time = { .tm_year = 70, .tm_mday = 1 };

	gmtime_r(&seconds, &time);
	store_le16(out, 1 << 12);
	store_le16(out + 2, (uint16_t)(time.tm_year + 1900));
	out[4] = (uint8_t)(time.tm_mon + 1);
	out[5] = (uint8_t)time.tm_mday;
	out[6] = (uint8_t)time.tm_hour;
	out[7] = (uint8_t)time.tm_min;
	out[8] = (uint8_t)(time.tm_sec > 59 ? 59 : time.tm_sec);
}

/** Short allocation descriptors of 'bytes' from 'block' on, after 'area'; how long they are, 0 if
 * there is no room. */
static size_t put_extents(uint8_t *sector, size_t area, uint32_t block, uint64_t bytes)
{
	size_t at = area;

	for (; bytes; at += UDF_SHORT_AD_BYTES) {
		uint32_t length = (uint32_t)min_u64(bytes, UDF_EXTENT_MAX);

		if (at + UDF_SHORT_AD_BYTES > UDF_SECTOR_BYTES)
			return 0;
		store_le32(sector + at + UDF_AD_LENGTH, length);
		store_le32(sector + at + UDF_AD_BLOCK, block);
		bytes -= length;
		block += length / UDF_SECTOR_BYTES;
	}
	return at - area;
}

/** The entry of something new, at 'block', with content of 'bytes' from 'content' on. */
static int put_entry(const struct merging *merging, const struct host_node *node, uint32_t block,
		     uint32_t content, uint64_t bytes, uint64_t unique_id, uint32_t links)
{
	uint8_t entry[UDF_SECTOR_BYTES] = { 0 };
	bool runs = node->is_directory || node->is_executable;
	size_t extents = put_extents(entry, UDF_FE_AREA, content, bytes);

	if (bytes && !extents)
		return fail(merging, node, -EFBIG, "is too large for UDF");
	store_le16(entry + UDF_FE_STRATEGY, UDF_STRATEGY_4);
	store_le16(entry + UDF_FE_MAX_ENTRIES, 1);
	entry[UDF_FE_TYPE] = node->is_directory ? UDF_TYPE_DIRECTORY : UDF_TYPE_FILE;
	store_le16(entry + UDF_FE_FLAGS, UDF_ALLOCATION_SHORT);
	store_le32(entry + UDF_FE_UID, (uint32_t)UDF_NOBODY_ID);
	store_le32(entry + UDF_FE_GID, (uint32_t)UDF_NOBODY_ID);
	store_le32(entry + UDF_FE_PERMISSIONS, UDF_MAY_READ | (runs ? UDF_MAY_EXECUTE : 0));
	store_le16(entry + UDF_FE_LINKS, (uint16_t)min_u64(links, UINT16_MAX));
	store_le64(entry + UDF_FE_BYTES, bytes);
	store_le64(entry + UDF_FE_BLOCKS, align_up(bytes, UDF_SECTOR_BYTES) / UDF_SECTOR_BYTES);
	put_time(entry + UDF_FE_ACCESSED, node->modified.tv_sec);
	put_time(entry + UDF_FE_MODIFIED, node->modified.tv_sec);
	put_time(entry + UDF_FE_CHANGED, node->modified.tv_sec);
	store_le32(entry + UDF_FE_CHECKPOINT, 1);
	memcpy(entry + UDF_FE_IMPLEMENTATION + 1, "*hvmdm", 6);
	store_le64(entry + UDF_FE_UNIQUE_ID, unique_id);
	store_le32(entry + UDF_FE_AD_BYTES, (uint32_t)extents);
	udf_set_tag(merging->volume, entry, UDF_ID_FILE_ENTRY, UDF_FE_AREA + extents, block);
	return put_blocks(merging, block, entry, sizeof(entry));
}

static int add_file(const struct merging *merging, const struct host_node *node, uint32_t block,
		    uint64_t unique_id)
{
	return put_entry(merging, node, block, node->lba - merging->volume->start, node->bytes,
			 unique_id, 1);
}

static int merge_children(const struct merging *merging, uint32_t block,
			  const struct host_node *from, struct listing *listing);

/** A new directory, whose entry goes to 'block'; its parent's is at 'above'. */
static int add_directory(const struct merging *merging, const struct host_node *node,
			 uint32_t block, uint32_t above, uint64_t unique_id)
{
	struct listing listing = { 0 };
	uint32_t content = 0;
	int result =
		add_identifier(merging, &listing, NULL, UDF_IS_DIRECTORY | UDF_IS_PARENT, above, 0);

	merging->volume->directories++;
	if (result == 0)
		result = merge_children(merging, block, node, &listing);
	if (result == 0)
		result = put_listing(merging, &listing, &content);
	return result == 0 ? put_entry(merging, node, block, content, listing.length, unique_id,
				       1 + listing.new_directories)
			   : result;
}

static int add_child(const struct merging *merging, uint32_t above, const struct host_node *child,
		     struct listing *listing)
{
	uint32_t block = take_block(merging, UDF_SECTOR_BYTES);
	uint64_t unique_id = merging->volume->unique_id++;
	int result = add_identifier(merging, listing, child,
				    child->is_directory ? UDF_IS_DIRECTORY : 0, block, unique_id);

	listing->is_changed = true;
	listing->new_directories += child->is_directory;
	if (result < 0)
		return result;
	if (child->is_directory)
		return add_directory(merging, child, block, above, unique_id);
	merging->volume->files++;
	return add_file(merging, child, block, unique_id);
}

static int replace_file(const struct merging *merging, const struct host_node *child, uint8_t *fid,
			struct listing *listing)
{
	uint32_t block = take_block(merging, UDF_SECTOR_BYTES);
	uint64_t unique_id = merging->volume->unique_id++;

	listing->is_changed = true;
	lead_to(fid, block, unique_id);
	return add_file(merging, child, block, unique_id);
}

static int merge_directory(const struct merging *merging, uint32_t block,
			   const struct host_node *from);

static int merge_child(const struct merging *merging, uint32_t block, const struct host_node *child,
		       struct listing *listing)
{
	uint8_t *fid = find_identifier(listing, child->name, true);
	bool is_directory;

	if (!fid)
		fid = find_identifier(listing, child->name, false);
	if (!fid)
		return add_child(merging, block, child, listing);
	is_directory = fid[UDF_FID_CHARACTERISTICS] & UDF_IS_DIRECTORY;
	if (is_directory != child->is_directory)
		return fail(merging, child, -EEXIST,
			    is_directory ? "is a file, but a directory on the CD"
					 : "is a directory, but a file on the CD");
	if (is_directory)
		return merge_directory(merging, load_le32(fid + UDF_FID_ICB + UDF_AD_BLOCK), child);
	return replace_file(merging, child, fid, listing);
}

static int merge_children(const struct merging *merging, uint32_t block,
			  const struct host_node *from, struct listing *listing)
{
	int result = 0;

	for (size_t i = 0; i < from->child_count && result == 0; i++)
		result = merge_child(merging, block, from->children[i], listing);
	return result;
}

/** The entry of a directory that was there leads to its new list. */
static int change_entry(const struct merging *merging, struct entry *entry,
			const struct listing *listing, uint32_t content)
{
	uint8_t *sector = entry->sector;
	uint64_t bytes = listing->length;
	uint64_t blocks = align_up(bytes, UDF_SECTOR_BYTES) / UDF_SECTOR_BYTES;
	uint32_t links = load_le16(sector + UDF_FE_LINKS) + listing->new_directories;
	uint16_t flags = load_le16(sector + UDF_FE_FLAGS);
	size_t extents, place = entry->is_extended ? UDF_EFE_AD_BYTES : UDF_FE_AD_BYTES;

	memset(sector + entry->area, 0, entry->ad_bytes);
	extents = put_extents(sector, entry->area, content, bytes);
	store_le16(sector + UDF_FE_FLAGS,
		   (uint16_t)((flags & ~UDF_FLAGS_ALLOCATION) | UDF_ALLOCATION_SHORT));
	store_le16(sector + UDF_FE_LINKS, (uint16_t)min_u64(links, UINT16_MAX));
	store_le64(sector + UDF_FE_BYTES, bytes);
	if (entry->is_extended)
		store_le64(sector + UDF_EFE_OBJECT_BYTES, bytes);
	store_le64(sector + (entry->is_extended ? UDF_EFE_BLOCKS : UDF_FE_BLOCKS), blocks);
	store_le32(sector + place, (uint32_t)extents);
	store_le16(sector + UDF_TAG_CRC_LENGTH, (uint16_t)(entry->area + extents - UDF_TAG_BYTES));
	udf_renew_tag(sector);
	return put_blocks(merging, entry->block, sector, UDF_SECTOR_BYTES);
}

static int merge_directory(const struct merging *merging, uint32_t block,
			   const struct host_node *from)
{
	struct entry *entry = pool_take(&merging->volume->pool, sizeof(*entry));
	struct listing listing = { 0 };
	uint32_t content = 0;
	int result;

	if (!entry)
		return fail_image(merging, "with more in its directories than can be handled");
	result = read_entry(merging, block, entry);
	if (result == 0)
		result = read_listing(merging, entry, &listing);
	if (result == 0)
		result = check_listing(merging, &listing);
	if (result == 0)
		result = merge_children(merging, block, from, &listing);
	if (result < 0 || !listing.is_changed)
		return result;
	result = put_listing(merging, &listing, &content);
	return result == 0 ? change_entry(merging, entry, &listing, content) : result;
}

int udf_merge(struct udf_volume *volume, const struct host_tree *host, struct composed *composed,
	      uint64_t *lba, struct err *err)
{
	const struct merging merging = { volume, host, composed, lba, err };
	int result;

	if (volume->start > *lba)
		return udf_fail(volume, "that lies behind its image", err);
	result = merge_directory(&merging, volume->root, host->root);
	if (result == 0 && *lba >= UINT32_MAX)
		result = err_set(err, -E2BIG, "the CD becomes too large for UDF");
	return result;
}
