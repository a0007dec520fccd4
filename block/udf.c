// SPDX-License-Identifier: GPL-2.0-or-later
/* Finding a UDF file system, and changing the descriptors of its volume. */
#include "block/udf.h"

#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/err.h"

enum {
	POOL_BYTES = 96 << 20,

	CRC_POLYNOMIAL = 0x1021,
};

/* Tags */

/** 3/7.2.6: x^16 + x^12 + x^5 + 1, from zero. */
static uint16_t find_crc(const uint8_t *bytes, size_t count)
{
	uint32_t crc = 0;

	for (size_t i = 0; i < count; i++) {
		crc ^= (uint32_t)bytes[i] << 8;
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc & BIT(15) ? crc << 1 ^ CRC_POLYNOMIAL : crc << 1;
	}
	return (uint16_t)crc;
}

static uint8_t find_checksum(const uint8_t *tag)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < UDF_TAG_BYTES; i++)
		sum += i == UDF_TAG_CHECKSUM ? 0 : tag[i];
	return (uint8_t)sum;
}

void udf_renew_tag(uint8_t *descriptor)
{
	size_t length = load_le16(descriptor + UDF_TAG_CRC_LENGTH);

	store_le16(descriptor + UDF_TAG_CRC, find_crc(descriptor + UDF_TAG_BYTES, length));
	descriptor[UDF_TAG_CHECKSUM] = find_checksum(descriptor);
}

void udf_set_tag(const struct udf_volume *volume, uint8_t *descriptor, unsigned id, size_t bytes,
		 uint32_t block)
{
	store_le16(descriptor + UDF_TAG_ID, (uint16_t)id);
	store_le16(descriptor + UDF_TAG_VERSION, volume->version);
	store_le16(descriptor + UDF_TAG_SERIAL, volume->serial);
	store_le16(descriptor + UDF_TAG_CRC_LENGTH, (uint16_t)(bytes - UDF_TAG_BYTES));
	store_le32(descriptor + UDF_TAG_LOCATION, block);
	udf_renew_tag(descriptor);
}

/** In a sector: what its CRC covers lies within it, too. */
static bool is_descriptor(const uint8_t *sector, unsigned id)
{
	return load_le16(sector + UDF_TAG_ID) == id &&
	       sector[UDF_TAG_CHECKSUM] == find_checksum(sector) &&
	       load_le16(sector + UDF_TAG_CRC_LENGTH) <= UDF_SECTOR_BYTES - UDF_TAG_BYTES;
}

int udf_fail(const struct udf_volume *volume, const char *what, struct err *err)
{
	return err_set(err, -EINVAL, "'%s' has a UDF file system %s", volume->base->filename, what);
}

static int read_sector(const struct udf_volume *volume, uint64_t sector, uint8_t *data,
		       struct err *err)
{
	return media_base_read(volume->base, sector * UDF_SECTOR_BYTES, data, UDF_SECTOR_BYTES,
			       err);
}

int udf_read_block(const struct udf_volume *volume, uint32_t block, unsigned id, unsigned other,
		   uint8_t *sector, struct err *err)
{
	int result = read_sector(volume, (uint64_t)volume->start + block, sector, err);

	if (result == 0 && !is_descriptor(sector, id) && !is_descriptor(sector, other))
		result = udf_fail(volume, "that is damaged", err);
	return result;
}

/* Finding it */

static int read_logical_volume(struct udf_volume *volume, const uint8_t *lvd, uint32_t *file_set,
			       struct err *err)
{
	const uint8_t *map = lvd + UDF_LVD_MAP;

	if (load_le32(lvd + UDF_LVD_BLOCK_BYTES) != UDF_SECTOR_BYTES ||
	    load_le32(lvd + UDF_LVD_MAPS) != 1 || map[UDF_MAP_TYPE] != UDF_MAP_TYPE_1)
		return udf_fail(volume,
				"of a kind over which nothing can be laid (another block size, or "
				"a metadata partition)",
				err);
	volume->partition = load_le16(map + UDF_MAP_PARTITION);
	volume->integrity[0] = load_le32(lvd + UDF_LVD_INTEGRITY);
	volume->integrity[1] = load_le32(lvd + UDF_LVD_INTEGRITY + 4);
	*file_set = load_le32(lvd + UDF_LVD_FILE_SET + UDF_AD_BLOCK);
	return 1;
}

/** Sectors of a sequence, at most as many as we look at. */
static uint32_t count_sectors(const uint32_t extent[2], uint32_t most)
{
	return (uint32_t)min_u64(extent[0] / UDF_SECTOR_BYTES, most);
}

/** Calls 'visit' for each descriptor of a sequence until it returns other than 0. */
static int visit_sequence(struct udf_volume *volume, const uint32_t extent[2],
			  int (*visit)(struct udf_volume *volume, uint8_t *sector, uint64_t number,
				       void *opaque, struct err *err),
			  void *opaque, struct err *err)
{
	uint8_t sector[UDF_SECTOR_BYTES];
	int result = 0;

	for (uint32_t i = 0; i < count_sectors(extent, UDF_MAX_SEQUENCE) && result == 0; i++) {
		uint64_t number = (uint64_t)extent[1] + i;

		result = read_sector(volume, number, sector, err);
		if (result == 0 && is_descriptor(sector, UDF_ID_TERMINATOR))
			break;
		if (result == 0)
			result = visit(volume, sector, number, opaque, err);
	}
	return result;
}

static int visit_logical_volume(struct udf_volume *volume, uint8_t *sector, uint64_t number,
				void *file_set, struct err *err)
{
	(void)number;
	if (!is_descriptor(sector, UDF_ID_LOGICAL_VOLUME))
		return 0;
	return read_logical_volume(volume, sector, file_set, err);
}

static bool is_our_partition(const struct udf_volume *volume, const uint8_t *sector)
{
	return is_descriptor(sector, UDF_ID_PARTITION) &&
	       load_le16(sector + UDF_PD_NUMBER) == volume->partition;
}

static int visit_partition(struct udf_volume *volume, uint8_t *sector, uint64_t number,
			   void *opaque, struct err *err)
{
	(void)number;
	(void)opaque;
	(void)err;
	if (!is_our_partition(volume, sector))
		return 0;
	volume->start = load_le32(sector + UDF_PD_START);
	volume->length = load_le32(sector + UDF_PD_LENGTH);
	return 1;
}

static int visit_unique_id(struct udf_volume *volume, uint8_t *sector, uint64_t number,
			   void *opaque, struct err *err)
{
	(void)number;
	(void)opaque;
	(void)err;
	if (is_descriptor(sector, UDF_ID_INTEGRITY))
		volume->unique_id = load_le64(sector + UDF_LVID_UNIQUE_ID);
	return 0;
}

static int read_volume(struct udf_volume *volume, struct err *err)
{
	uint8_t sector[UDF_SECTOR_BYTES];
	uint32_t file_set = 0;
	int result;

	result = visit_sequence(volume, volume->sequences[0], visit_logical_volume, &file_set, err);
	if (result == 1)
		result = visit_sequence(volume, volume->sequences[0], visit_partition, NULL, err);
	if (result < 0)
		return result;
	if (result == 0)
		return udf_fail(volume, "without a volume or partition", err);
	result = visit_sequence(volume, volume->integrity, visit_unique_id, NULL, err);
	if (result == 0)
		result = udf_read_block(volume, file_set, UDF_ID_FILE_SET, UDF_ID_FILE_SET, sector,
					err);
	if (result < 0)
		return result;
	volume->version = load_le16(sector + UDF_TAG_VERSION);
	volume->serial = load_le16(sector + UDF_TAG_SERIAL);
	volume->root = load_le32(sector + UDF_FSD_ROOT + UDF_AD_BLOCK);
	return 1;
}

int udf_find(struct udf_volume *volume, const struct media_base *base, struct err *err)
{
	uint8_t sector[UDF_SECTOR_BYTES];
	int result;

	*volume = (struct udf_volume){ .base = base, .unique_id = UDF_FIRST_UNIQUE_ID };
	pool_init(&volume->pool, POOL_BYTES);
	if (base->bytes < (uint64_t)(UDF_ANCHOR_SECTOR + 1) * UDF_SECTOR_BYTES)
		return 0;
	result = read_sector(volume, UDF_ANCHOR_SECTOR, sector, err);
	if (result < 0 || !is_descriptor(sector, UDF_ID_ANCHOR))
		return result;
	for (unsigned i = 0; i < 2; i++) {
		const uint8_t *extent = sector + (i ? UDF_AVDP_RESERVE : UDF_AVDP_MAIN);

		volume->sequences[i][0] = load_le32(extent);
		volume->sequences[i][1] = load_le32(extent + 4);
	}
	return read_volume(volume, err);
}

void udf_finish(struct udf_volume *volume)
{
	pool_finish(&volume->pool);
}

/* Changing the volume */

struct change {
	struct composed *composed;
	uint32_t sectors; /* of the partition */
};

static int put_sector(struct composed *composed, uint64_t number, uint8_t *sector, struct err *err)
{
	udf_renew_tag(sector);
	return composed_add_memory(composed, number * UDF_SECTOR_BYTES, sector, UDF_SECTOR_BYTES,
				   err);
}

static int change_partition(struct udf_volume *volume, uint8_t *sector, uint64_t number,
			    void *opaque, struct err *err)
{
	const struct change *change = opaque;

	if (!is_our_partition(volume, sector))
		return 0;
	store_le32(sector + UDF_PD_LENGTH, change->sectors);
	return put_sector(change->composed, number, sector, err);
}

/** Files, directories and size, as far as the descriptor has room for them where they belong. */
static int change_integrity(struct udf_volume *volume, uint8_t *sector, uint64_t number,
			    void *opaque, struct err *err)
{
	const struct change *change = opaque;
	uint8_t *tables = sector + UDF_LVID_TABLES, *use = tables + 8;

	if (!is_descriptor(sector, UDF_ID_INTEGRITY) ||
	    load_le32(sector + UDF_LVID_PARTITIONS) != 1)
		return 0;
	store_le64(sector + UDF_LVID_UNIQUE_ID, volume->unique_id);
	store_le32(tables + 4, change->sectors);
	if (load_le32(sector + UDF_LVID_USE_BYTES) >= UDF_LVID_USE_MIN) {
		store_le32(use + UDF_LVID_USE_FILES,
			   load_le32(use + UDF_LVID_USE_FILES) + volume->files);
		store_le32(use + UDF_LVID_USE_DIRECTORIES,
			   load_le32(use + UDF_LVID_USE_DIRECTORIES) + volume->directories);
	}
	return put_sector(change->composed, number, sector, err);
}

int udf_write_descriptors(struct udf_volume *volume, struct composed *composed, uint64_t *lba,
			  struct err *err)
{
	struct change change = { composed, (uint32_t)(*lba - volume->start) };
	uint8_t sector[UDF_SECTOR_BYTES];
	int result;

	if (volume->start > *lba)
		return udf_fail(volume, "that lies behind its image", err);
	result = visit_sequence(volume, volume->sequences[0], change_partition, &change, err);
	if (result == 0 && volume->sequences[1][1] != volume->sequences[0][1])
		result = visit_sequence(volume, volume->sequences[1], change_partition, &change,
					err);
	if (result == 0)
		result = visit_sequence(volume, volume->integrity, change_integrity, &change, err);
	if (result == 0)
		result = read_sector(volume, UDF_ANCHOR_SECTOR, sector, err);
	if (result < 0)
		return result;
	/* 3/8.4.2.1: one of the other places of an anchor is the last sector. */
	store_le32(sector + UDF_TAG_LOCATION, (uint32_t)*lba);
	return put_sector(composed, (*lba)++, sector, err);
}
