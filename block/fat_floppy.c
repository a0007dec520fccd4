// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A floppy disk of 1.44 MB from a directory of the host: FAT12 with long names. It is small enough
 * to be copied whole, into memory, where the guest may write to it; what it writes goes with the
 * medium.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/utf8.h"
#include "block/fat_format.h"
#include "block/host_tree.h"
#include "block/iso_tree.h"
#include "block/media.h"

enum {
	PATH_TEXT_BYTES = 160,
	MAX_NUMBER = 9999, /* behind the tilde of a short name */
	MIN_YEAR = 80,     /* of the format, since 1900 */
};

struct floppy {
	uint8_t *image;
	const struct host_tree *host;
	unsigned next_cluster;
	struct err *err;
};

/** A directory while it is filled. */
struct listing {
	uint8_t *entries;
	size_t count, capacity;
};

static int fail(const struct floppy *floppy, const struct host_node *node, int code,
		const char *what)
{
	char path[PATH_TEXT_BYTES];

	return err_set(floppy->err, code, "'%s' of '%s' %s",
		       host_node_path(node, path, sizeof(path)), floppy->host->path, what);
}

/* Clusters */

static uint8_t *cluster_bytes(const struct floppy *floppy, unsigned cluster)
{
	return floppy->image +
	       (size_t)(FAT_DATA_SECTOR + cluster - FAT_FIRST_CLUSTER) * FAT_SECTOR_BYTES;
}

/** 12 bits: two entries share three bytes. */
static void set_link(const struct floppy *floppy, unsigned cluster, unsigned next)
{
	uint8_t *at = floppy->image + FAT_TABLE_SECTOR * FAT_SECTOR_BYTES + cluster * 3 / 2;
	uint16_t word = load_le16(at);

	if (cluster & 1)
		word = (uint16_t)((word & 0xf) | next << 4);
	else
		word = (uint16_t)((word & 0xf000) | next);
	store_le16(at, word);
}

/** A chain of clusters one behind the other for 'bytes': the first, 0 for none, or -ENOSPC. */
static int take_clusters(struct floppy *floppy, uint64_t bytes)
{
	unsigned first = floppy->next_cluster;
	uint64_t count = (bytes + FAT_SECTOR_BYTES - 1) / FAT_SECTOR_BYTES;

	if (count == 0)
		return 0;
	if (count > FAT_END_CLUSTER - first)
		return err_set(
			floppy->err, -ENOSPC,
			"'%s' has more in it than the %d KiB that a floppy disk has room for",
			floppy->host->path,
			(FAT_END_CLUSTER - FAT_FIRST_CLUSTER) * FAT_SECTOR_BYTES / 1024);
	floppy->next_cluster += (unsigned)count;
	for (unsigned cluster = first; cluster + 1 < floppy->next_cluster; cluster++)
		set_link(floppy, cluster, cluster + 1);
	set_link(floppy, floppy->next_cluster - 1, FAT_LAST_OF_CHAIN);
	return (int)first;
}

static int read_file(const struct floppy *floppy, const struct host_node *node, uint8_t *out)
{
	size_t done = 0;

	if (node->fd < 0) {
		if (node->bytes)
			memcpy(out, node->data, (size_t)node->bytes);
		return 0;
	}
	while (done < node->bytes) {
		ssize_t got = pread(node->fd, out + done, (size_t)node->bytes - done, (off_t)done);

		if (got <= 0)
			return fail(floppy, node, -EIO, "cannot be read, or is being changed");
		done += (size_t)got;
	}
	return 0;
}

/* Names */

/** Characters as the table of the format has them; 0: none is allowed. */
static char short_character(uint32_t character)
{
	if (character < 0x7f &&
	    (isalnum((int)character) || strchr("$%'-_@~`!(){}^#&", (int)character)))
		return (char)toupper((int)character);
	return 0;
}

/** As many of 'name' as fit; whether that is all of it, unchanged but for the case of letters. */
static bool shorten(uint8_t *out, size_t room, const char *name, const char *end)
{
	bool is_whole = true;
	size_t length = 0;

	while (name < end) {
		uint32_t character = utf8_next(&name);
		char mapped = short_character(character);

		if (character == ' ' || character == '.') {
			is_whole = false;
			continue;
		}
		if (length == room)
			return false;
		out[length++] = (uint8_t)(mapped ? mapped : '_');
		is_whole = is_whole && mapped;
	}
	return is_whole;
}

static bool has_short_name(const struct listing *listing, const uint8_t *name)
{
	for (size_t i = 0; i < listing->count; i++) {
		const uint8_t *entry = listing->entries + i * FAT_ENTRY_BYTES;

		if (entry[FAT_DE_ATTRIBUTES] != FAT_IS_LONG_NAME &&
		    memcmp(entry, name, FAT_NAME_BYTES) == 0)
			return true;
	}
	return false;
}

/** NAME~1.EXT if NAME.EXT is not all of it, or is taken. */
static int make_short_name(const struct listing *listing, const char *name, uint8_t *out)
{
	const char *dot = strrchr(name, '.'), *end = name + strlen(name);
	char tail[8];
	bool is_whole;

	dot = dot && dot != name ? dot : NULL;
	memset(out, ' ', FAT_NAME_BYTES);
	is_whole = shorten(out, FAT_BASE_BYTES, name, dot ? dot : end);
	if (dot && !shorten(out + FAT_BASE_BYTES, FAT_NAME_BYTES - FAT_BASE_BYTES, dot + 1, end))
		is_whole = false;
	for (unsigned number = 1; !is_whole || has_short_name(listing, out); number++) {
		size_t length, at = 0;

		if (number > MAX_NUMBER)
			return -EEXIST;
		length = (size_t)snprintf(tail, sizeof(tail), "~%u", number);
		while (at < FAT_BASE_BYTES - length && out[at] != ' ' && out[at] != '~')
			at++;
		memset(out + at, ' ', FAT_BASE_BYTES - at);
		memcpy(out + at, tail, length);
		is_whole = true;
	}
	return 0;
}

/** Little-endian units; their number, 0 if it is too long. */
static size_t make_long_name(const char *name, uint8_t *out)
{
	size_t units = 0;

	while (*name) {
		uint32_t character = utf8_next(&name);

		if (units + 2 > FAT_LN_MAX_UNITS)
			return 0;
		if (character < ' ' || (character < 0x7f && strchr("\\/:*?\"<>|", (int)character)))
			character = '_';
		units += iso_put_utf16(out + 2 * units, character);
	}
	for (size_t i = 0; i < units; i++)
		store_le16(out + 2 * i, load_be16(out + 2 * i));
	return units;
}

static uint8_t find_checksum(const uint8_t *short_name)
{
	unsigned sum = 0;

	for (size_t i = 0; i < FAT_NAME_BYTES; i++)
		sum = ((sum & 1 ? 0x80 : 0) + (sum >> 1) + short_name[i]) & 0xff;
	return (uint8_t)sum;
}

/* Entries */

static uint8_t *add_entry(const struct floppy *floppy, struct listing *listing)
{
	if (listing->count == listing->capacity) {
		size_t capacity = 2 * listing->capacity + FAT_ROOT_ENTRIES;
		uint8_t *entries = realloc(listing->entries, capacity * FAT_ENTRY_BYTES);

		if (!entries) {
			err_set(floppy->err, -ENOMEM, "no memory left for the medium");
			return NULL;
		}
		listing->entries = entries;
		listing->capacity = capacity;
	}
	return memset(listing->entries + listing->count++ * FAT_ENTRY_BYTES, 0, FAT_ENTRY_BYTES);
}

/** Of the last part first; a zero ends the name, ones fill its part. */
static int add_long_name(const struct floppy *floppy, struct listing *listing, const uint8_t *units,
			 size_t count, uint8_t checksum)
{
	static const uint8_t places[FAT_LN_UNITS] = {
		1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30
	};
	size_t parts = (count + FAT_LN_UNITS - 1) / FAT_LN_UNITS;

	for (size_t part = parts; part > 0; part--) {
		uint8_t *entry = add_entry(floppy, listing);

		if (!entry)
			return -ENOMEM;
		entry[FAT_LN_ORDER] = (uint8_t)(part | (part == parts ? FAT_LN_LAST : 0));
		entry[FAT_DE_ATTRIBUTES] = FAT_IS_LONG_NAME;
		entry[FAT_LN_CHECKSUM] = checksum;
		for (size_t i = 0; i < FAT_LN_UNITS; i++) {
			size_t at = (part - 1) * FAT_LN_UNITS + i;

			store_le16(entry + places[i], at < count    ? load_le16(units + 2 * at)
						      : at == count ? 0
								    : UINT16_MAX);
		}
	}
	return 0;
}

static void put_times(uint8_t *entry, time_t seconds)
{
	struct tm time = { .tm_year = MIN_YEAR, .tm_mday = 1 };
	uint16_t date, clock;

	if (!gmtime_r(&seconds, &time) || time.tm_year < MIN_YEAR)
		time = (struct tm){ .tm_year = MIN_YEAR, .tm_mday = 1 };
	date = (uint16_t)((time.tm_year - MIN_YEAR) << 9 | (time.tm_mon + 1) << 5 | time.tm_mday);
	clock = (uint16_t)(time.tm_hour << 11 | time.tm_min << 5 | time.tm_sec / 2);
	store_le16(entry + FAT_DE_CREATED, clock);
	store_le16(entry + FAT_DE_CREATED + 2, date);
	store_le16(entry + FAT_DE_ACCESSED, date);
	store_le16(entry + FAT_DE_MODIFIED, clock);
	store_le16(entry + FAT_DE_MODIFIED + 2, date);
}

static int add_named(const struct floppy *floppy, struct listing *listing,
		     const struct host_node *node, unsigned cluster)
{
	uint8_t units[2 * FAT_LN_MAX_UNITS + 4], name[FAT_NAME_BYTES], *entry;
	size_t count = make_long_name(node->name, units);

	if (count == 0)
		return fail(floppy, node, -ENAMETOOLONG, "has a name too long for a floppy disk");
	if (make_short_name(listing, node->name, name) < 0)
		return fail(floppy, node, -EEXIST, "finds no name on the floppy disk");
	if (add_long_name(floppy, listing, units, count, find_checksum(name)) < 0)
		return -ENOMEM;
	entry = add_entry(floppy, listing);
	if (!entry)
		return -ENOMEM;
	memcpy(entry, name, FAT_NAME_BYTES);
	entry[FAT_DE_ATTRIBUTES] = node->is_directory ? FAT_IS_DIRECTORY : FAT_IS_ARCHIVED;
	put_times(entry, node->modified.tv_sec);
	store_le16(entry + FAT_DE_CLUSTER, (uint16_t)cluster);
	store_le32(entry + FAT_DE_BYTES, node->is_directory ? 0 : (uint32_t)node->bytes);
	return 0;
}

/* Directories */

static int add_file(struct floppy *floppy, struct listing *listing, const struct host_node *node)
{
	int cluster = take_clusters(floppy, node->bytes), result = cluster;

	if (cluster > 0)
		result = read_file(floppy, node, cluster_bytes(floppy, (unsigned)cluster));
	return result < 0 ? result : add_named(floppy, listing, node, (unsigned)cluster);
}

/** "." or "..": a directory that has no long name. */
static int add_dots(const struct floppy *floppy, struct listing *listing,
		    const struct host_node *node, const char *dots, unsigned cluster)
{
	uint8_t *entry = add_entry(floppy, listing);

	if (!entry)
		return -ENOMEM;
	memset(entry, ' ', FAT_NAME_BYTES);
	memcpy(entry, dots, strlen(dots));
	entry[FAT_DE_ATTRIBUTES] = FAT_IS_DIRECTORY;
	put_times(entry, node->modified.tv_sec);
	store_le16(entry + FAT_DE_CLUSTER, (uint16_t)cluster);
	return 0;
}

/** How many entries the names of a directory take, those of itself and its parent included. */
static size_t count_entries(const struct host_node *node)
{
	uint8_t units[2 * FAT_LN_MAX_UNITS + 4];
	size_t count = 2;

	for (size_t i = 0; i < node->child_count; i++)
		count += 1 + (make_long_name(node->children[i]->name, units) + FAT_LN_UNITS - 1) /
				     FAT_LN_UNITS;
	return count;
}

static int fill_directory(struct floppy *floppy, struct listing *listing,
			  const struct host_node *node, unsigned cluster);

static int add_directory(struct floppy *floppy, struct listing *listing,
			 const struct host_node *node, unsigned above)
{
	struct listing inner = { 0 };
	int cluster = take_clusters(floppy, count_entries(node) * FAT_ENTRY_BYTES);
	int result = cluster < 0 ? cluster : add_named(floppy, listing, node, (unsigned)cluster);

	if (result == 0)
		result = add_dots(floppy, &inner, node, ".", (unsigned)cluster);
	if (result == 0)
		result = add_dots(floppy, &inner, node, "..", above);
	if (result == 0)
		result = fill_directory(floppy, &inner, node, (unsigned)cluster);
	if (result == 0)
		memcpy(cluster_bytes(floppy, (unsigned)cluster), inner.entries,
		       inner.count * FAT_ENTRY_BYTES);
	free(inner.entries);
	return result;
}

static bool has_twin(const struct host_node *node, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (iso_names_match(node->children[i]->name, node->children[index]->name))
			return true;
	return false;
}

/** 'cluster' is the directory's own, 0 the root's. */
static int fill_directory(struct floppy *floppy, struct listing *listing,
			  const struct host_node *node, unsigned cluster)
{
	int result = 0;

	for (size_t i = 0; i < node->child_count && result == 0; i++) {
		const struct host_node *child = node->children[i];

		if (has_twin(node, i))
			return fail(floppy, child, -EEXIST,
				    "has the name of another file but for the case of letters");
		result = child->is_directory ? add_directory(floppy, listing, child, cluster)
					     : add_file(floppy, listing, child);
	}
	return result;
}

static int fill_root(struct floppy *floppy)
{
	struct listing root = { 0 };
	int result = fill_directory(floppy, &root, floppy->host->root, 0);

	if (result == 0 && root.count > FAT_ROOT_ENTRIES)
		result = err_set(floppy->err, -ENOSPC,
				 "'%s' has more entries than the root of a floppy disk has room "
				 "for: put some into a directory",
				 floppy->host->path);
	if (result == 0 && root.count)
		memcpy(floppy->image + FAT_ROOT_SECTOR * FAT_SECTOR_BYTES, root.entries,
		       root.count * FAT_ENTRY_BYTES);
	free(root.entries);
	return result;
}

/* The disk */

static void make_boot_sector(uint8_t *boot, const struct host_tree *host)
{
	/* Over the parameters; INT 18h, which lets the BIOS try what is next; and stay there. */
	static const uint8_t jump[] = { 0xeb, FAT_BS_CODE - 2, 0x90 };
	static const uint8_t code[] = { 0xcd, 0x18, 0xeb, 0xfe };

	memcpy(boot + FAT_BS_JUMP, jump, sizeof(jump));
	memcpy(boot + FAT_BS_OEM, "HVMDM   ", 8);
	store_le16(boot + FAT_BS_SECTOR_BYTES, FAT_SECTOR_BYTES);
	boot[FAT_BS_CLUSTER_SECTORS] = 1;
	store_le16(boot + FAT_BS_RESERVED, FAT_TABLE_SECTOR);
	boot[FAT_BS_TABLES] = FAT_TABLES;
	store_le16(boot + FAT_BS_ROOT_ENTRIES, FAT_ROOT_ENTRIES);
	store_le16(boot + FAT_BS_SECTORS, FAT_DISK_SECTORS);
	boot[FAT_BS_MEDIA] = FAT_MEDIA;
	store_le16(boot + FAT_BS_TABLE_SECTORS, FAT_TABLE_SECTORS);
	store_le16(boot + FAT_BS_TRACK_SECTORS, FAT_TRACK_SECTORS);
	store_le16(boot + FAT_BS_HEADS, FAT_HEADS);
	boot[FAT_BS_EXTENDED] = FAT_HAS_EXTENDED;
	store_le32(boot + FAT_BS_SERIAL, (uint32_t)host->root->modified.tv_sec);
	memcpy(boot + FAT_BS_LABEL, "NO NAME    ", 11);
	memcpy(boot + FAT_BS_TYPE, "FAT12   ", 8);
	memcpy(boot + FAT_BS_CODE, code, sizeof(code));
	store_le16(boot + FAT_BS_MAGIC, FAT_MAGIC);
}

static int fill_disk(uint8_t *image, const struct host_tree *host, struct err *err)
{
	struct floppy floppy = { image, host, FAT_FIRST_CLUSTER, err };
	uint8_t *table = image + FAT_TABLE_SECTOR * FAT_SECTOR_BYTES;
	int result;

	make_boot_sector(image, host);
	set_link(&floppy, 0, 0xf00 | FAT_MEDIA);
	set_link(&floppy, 1, FAT_LAST_OF_CHAIN);
	result = fill_root(&floppy);
	memcpy(table + FAT_TABLE_SECTORS * FAT_SECTOR_BYTES, table,
	       FAT_TABLE_SECTORS * FAT_SECTOR_BYTES);
	return result;
}

static int put_in_memory(const uint8_t *image, struct err *err)
{
	int fd = memfd_create("hvmdm-floppy", MFD_CLOEXEC);

	if (fd >= 0 && pwrite(fd, image, FAT_DISK_BYTES, 0) == FAT_DISK_BYTES)
		return fd;
	if (fd >= 0)
		close(fd);
	return err_set(err, -ENOMEM, "no memory left for the medium");
}

int media_make_floppy(const char *directory, struct err *err)
{
	struct host_tree host;
	uint8_t *image;
	int result = host_tree_read(&host, directory, err);

	if (result < 0)
		return result;
	image = calloc(1, FAT_DISK_BYTES);
	result = image ? fill_disk(image, &host, err)
		       : err_set(err, -ENOMEM, "no memory left for the medium");
	if (result == 0)
		result = put_in_memory(image, err);
	free(image);
	host_tree_finish(&host);
	return result;
}
