// SPDX-License-Identifier: GPL-2.0-or-later
#include "block/iso_volume.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/err.h"

enum {
	NEW_DESCRIPTORS = 3, /* primary, Joliet's, the end */
	LABEL_CHARACTERS = 32,
	JOLIET_LABEL_CHARACTERS = 16,
};

static const char magic[] = "CD001";
static const char application[] = "HVMDM";

static const uint8_t *descriptor(const struct iso_volume *volume, unsigned index)
{
	return volume->descriptors + (size_t)index * ISO_SECTOR_BYTES;
}

/** UCS-2 of one of three levels (Joliet 1.1). */
static bool is_joliet(const uint8_t *vd)
{
	const uint8_t *escape = vd + ISO_VD_ESCAPES;

	return vd[ISO_VD_TYPE] == ISO_VD_SUPPLEMENTARY && escape[0] == '%' && escape[1] == '/' &&
	       escape[2] && strchr("@CE", escape[2]);
}

static uint32_t root_lba(const uint8_t *vd)
{
	return load_le32(vd + ISO_VD_ROOT + ISO_DR_LBA);
}

/* Found ones */

static int find_descriptors(struct iso_volume *volume, const struct media_base *base,
			    struct err *err)
{
	int result = 0;

	volume->descriptors = calloc(ISO_MAX_DESCRIPTORS, ISO_SECTOR_BYTES);
	if (!volume->descriptors)
		return err_set(err, -ENOMEM, "no memory left for the medium");
	while (volume->descriptor_count < ISO_MAX_DESCRIPTORS && result == 0) {
		unsigned index = volume->descriptor_count;
		uint64_t sector = ISO_FIRST_DESCRIPTOR + index;
		uint8_t *vd = volume->descriptors + (size_t)index * ISO_SECTOR_BYTES;

		if ((sector + 1) * ISO_SECTOR_BYTES > base->bytes)
			break;
		result =
			media_base_read(base, sector * ISO_SECTOR_BYTES, vd, ISO_SECTOR_BYTES, err);
		if (memcmp(vd + ISO_VD_MAGIC, magic, strlen(magic)) != 0 ||
		    vd[ISO_VD_TYPE] == ISO_VD_TERMINATOR)
			break;
		volume->descriptor_count++;
	}
	return result;
}

static int read_tree(struct iso_volume *volume, enum iso_kind kind, const uint8_t *vd,
		     const struct media_base *base, struct err *err)
{
	struct iso_tree *tree = &volume->trees[kind];

	if (volume->has_tree[kind])
		return 0;
	if (load_le16(vd + ISO_VD_BLOCK_BYTES) != ISO_SECTOR_BYTES)
		return err_set(err, -ENOTSUP, "'%s' has blocks of %u bytes, only %u can be handled",
			       base->filename, load_le16(vd + ISO_VD_BLOCK_BYTES),
			       ISO_SECTOR_BYTES);
	volume->has_tree[kind] = true;
	if (iso_tree_init(tree, kind) < 0)
		return err_set(err, -ENOMEM, "no memory left for the medium");
	tree->root_lba = root_lba(vd) + vd[ISO_VD_ROOT + ISO_DR_ATTRIBUTES];
	tree->root_bytes = load_le32(vd + ISO_VD_ROOT + ISO_DR_BYTES);
	return iso_tree_read(tree, base, err);
}

int iso_volume_read(struct iso_volume *volume, const struct media_base *base, struct err *err)
{
	int result;

	*volume = (struct iso_volume){ 0 };
	result = find_descriptors(volume, base, err);
	for (unsigned i = 0; i < volume->descriptor_count && result == 0; i++) {
		const uint8_t *vd = descriptor(volume, i);
		uint32_t sectors = load_le32(vd + ISO_VD_BLOCKS);

		if (vd[ISO_VD_TYPE] == ISO_VD_PRIMARY)
			result = read_tree(volume, ISO_PRIMARY, vd, base, err);
		else if (is_joliet(vd))
			result = read_tree(volume, ISO_JOLIET, vd, base, err);
		else
			continue;
		if (sectors > volume->sectors)
			volume->sectors = sectors;
	}
	return result;
}

int iso_volume_create(struct iso_volume *volume, struct err *err)
{
	*volume = (struct iso_volume){ .descriptor_count = NEW_DESCRIPTORS };
	for (int kind = ISO_PRIMARY; kind <= ISO_JOLIET; kind++) {
		if (iso_tree_init(&volume->trees[kind], (enum iso_kind)kind) < 0)
			return err_set(err, -ENOMEM, "no memory left for the medium");
		volume->has_tree[kind] = true;
	}
	volume->trees[ISO_PRIMARY].has_rock_ridge = true;
	volume->trees[ISO_PRIMARY].px_bytes = RR_PX_BYTES;
	volume->sectors = ISO_FIRST_DESCRIPTOR + NEW_DESCRIPTORS;
	return 0;
}

void iso_volume_finish(struct iso_volume *volume)
{
	for (int kind = ISO_PRIMARY; kind <= ISO_JOLIET; kind++)
		if (volume->has_tree[kind])
			iso_tree_finish(&volume->trees[kind]);
	free(volume->descriptors);
	*volume = (struct iso_volume){ 0 };
}

int iso_volume_merge(struct iso_volume *volume, const struct host_tree *host, struct err *err)
{
	int result = 0;

	for (int kind = ISO_PRIMARY; kind <= ISO_JOLIET && result == 0; kind++)
		if (volume->has_tree[kind])
			result = iso_tree_merge(&volume->trees[kind], host, err);
	return result;
}

int iso_volume_place_trees(struct iso_volume *volume, uint64_t *lba, struct err *err)
{
	int result = 0;

	for (int kind = ISO_PRIMARY; kind <= ISO_JOLIET && result == 0; kind++)
		if (volume->has_tree[kind])
			result = iso_tree_place(&volume->trees[kind], lba, err);
	return result;
}

int iso_volume_write_trees(struct iso_volume *volume, struct composed *composed, struct err *err)
{
	int result = 0;

	for (int kind = ISO_PRIMARY; kind <= ISO_JOLIET && result == 0; kind++)
		if (volume->has_tree[kind])
			result = iso_tree_write(&volume->trees[kind], composed, err);
	return result;
}

/* Writing */

/** The tree that 'vd' leads to; NULL: none that changes. */
static const struct iso_tree *find_tree(const struct iso_volume *volume, const uint8_t *vd)
{
	const struct iso_tree *primary = &volume->trees[ISO_PRIMARY];

	if (vd[ISO_VD_TYPE] != ISO_VD_PRIMARY && vd[ISO_VD_TYPE] != ISO_VD_SUPPLEMENTARY)
		return NULL;
	if (is_joliet(vd))
		return &volume->trees[ISO_JOLIET];
	if (vd[ISO_VD_TYPE] == ISO_VD_PRIMARY || root_lba(vd) == primary->root_lba)
		return primary;
	return NULL;
}

static void lead_to(uint8_t *vd, const struct iso_tree *tree)
{
	uint8_t *root = vd + ISO_VD_ROOT;

	iso_put_both32(vd + ISO_VD_TABLE_BYTES, tree->table_bytes);
	store_le32(vd + ISO_VD_L_TABLE, tree->table_lba[0]);
	store_le32(vd + ISO_VD_L_OPTIONAL, 0);
	store_be32(vd + ISO_VD_M_TABLE, tree->table_lba[1]);
	store_be32(vd + ISO_VD_M_OPTIONAL, 0);
	iso_put_both32(root + ISO_DR_LBA, tree->root->lba);
	iso_put_both32(root + ISO_DR_BYTES, tree->root->bytes);
	root[ISO_DR_ATTRIBUTES] = 0;
}

static void put_text(uint8_t *vd, unsigned place, size_t bytes, bool joliet, const char *text)
{
	size_t length = strlen(text);

	if (joliet) {
		iso_put_ucs2(vd + place, bytes / 2, text);
		return;
	}
	for (size_t i = 0; i < bytes; i++) {
		int character = i < length ? toupper((unsigned char)text[i]) : ' ';

		vd[place + i] = (uint8_t)(i >= length || isalnum(character) ? character : '_');
	}
}

/** Digits of a time, or zeros for none (8.4.26.1). */
static void put_long_time(uint8_t *out, const time_t *seconds)
{
	char text[ISO_VD_TIME_BYTES + 1] = "0000000000000000";
	struct tm time;

	if (seconds && gmtime_r(seconds, &time))
		strftime(text, sizeof(text), "%Y%m%d%H%M%S00", &time);
	memcpy(out, text, ISO_VD_TIME_BYTES);
}

/** The last part of the directory's path, by which people know it. */
static void find_label(char *label, size_t size, const char *path)
{
	size_t length = strlen(path), start;

	while (length > 0 && path[length - 1] == '/')
		length--;
	for (start = length; start > 0 && path[start - 1] != '/'; start--)
		;
	if (length == start || path[start] == '.')
		snprintf(label, size, "CDROM");
	else
		snprintf(label, size, "%.*s", (int)(length - start), path + start);
}

static void make_descriptor(uint8_t *vd, bool joliet, const struct host_tree *host)
{
	static const struct {
		unsigned place, bytes;
	} names[] = { { ISO_VD_SET, 128 },       { ISO_VD_PUBLISHER, 128 },
		      { ISO_VD_PREPARER, 128 },  { ISO_VD_APPLICATION, 128 },
		      { ISO_VD_COPYRIGHT, 111 }, { ISO_VD_SYSTEM, 32 } };
	char label[LABEL_CHARACTERS + 1];

	vd[ISO_VD_TYPE] = joliet ? ISO_VD_SUPPLEMENTARY : ISO_VD_PRIMARY;
	memcpy(vd + ISO_VD_MAGIC, magic, strlen(magic));
	vd[ISO_VD_VERSION] = vd[ISO_VD_STRUCTURE] = 1;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		put_text(vd, names[i].place, names[i].bytes, joliet,
			 names[i].place == ISO_VD_APPLICATION ? application : "");
	find_label(label, joliet ? JOLIET_LABEL_CHARACTERS + 1 : sizeof(label), host->path);
	put_text(vd, ISO_VD_VOLUME, LABEL_CHARACTERS, joliet, label);
	if (joliet)
		memcpy(vd + ISO_VD_ESCAPES, "%/E", 3);
	iso_put_both16(vd + ISO_VD_SET_SIZE, 1);
	iso_put_both16(vd + ISO_VD_SEQUENCE, 1);
	iso_put_both16(vd + ISO_VD_BLOCK_BYTES, ISO_SECTOR_BYTES);
	put_long_time(vd + ISO_VD_CREATED, &host->root->modified.tv_sec);
	put_long_time(vd + ISO_VD_MODIFIED, &host->root->modified.tv_sec);
	put_long_time(vd + ISO_VD_EXPIRES, NULL);
	put_long_time(vd + ISO_VD_EFFECTIVE, NULL);
	/* The root's record: 34 bytes, as of any directory. */
	vd += ISO_VD_ROOT;
	vd[ISO_DR_LENGTH] = ISO_DR_MIN_BYTES;
	iso_put_time(vd + ISO_DR_TIME, host->root->modified.tv_sec);
	vd[ISO_DR_FLAGS] = ISO_FLAG_DIRECTORY;
	iso_put_both16(vd + ISO_DR_SEQUENCE, 1);
	vd[ISO_DR_ID_LENGTH] = 1;
}

static void make_terminator(uint8_t *vd)
{
	vd[ISO_VD_TYPE] = ISO_VD_TERMINATOR;
	memcpy(vd + ISO_VD_MAGIC, magic, strlen(magic));
	vd[ISO_VD_VERSION] = 1;
}

int iso_volume_write_descriptors(struct iso_volume *volume, struct composed *composed,
				 uint64_t sectors, const struct host_tree *host, struct err *err)
{
	int result = 0;

	for (unsigned i = 0; i < volume->descriptor_count && result == 0; i++) {
		uint64_t place = (uint64_t)(ISO_FIRST_DESCRIPTOR + i) * ISO_SECTOR_BYTES;
		uint8_t vd[ISO_SECTOR_BYTES] = { 0 };
		const struct iso_tree *tree;

		if (volume->descriptors)
			memcpy(vd, descriptor(volume, i), sizeof(vd));
		else if (i < NEW_DESCRIPTORS - 1)
			make_descriptor(vd, i == ISO_JOLIET, host);
		else
			make_terminator(vd);
		tree = find_tree(volume, vd);
		if (tree)
			lead_to(vd, tree);
		else if (volume->descriptors)
			continue;
		if (tree)
			iso_put_both32(vd + ISO_VD_BLOCKS, (uint32_t)sectors);
		result = composed_add_memory(composed, place, vd, sizeof(vd), err);
	}
	return result;
}
