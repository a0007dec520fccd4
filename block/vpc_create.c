// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/err.h"
#include "block/vpc_format.h"
#include "block/vpc_offline.h"

static const uint64_t SIZE_MAX_BYTES = UINT64_C(2040) << 30; /* of the specification */

uint32_t vpc_checksum(const uint8_t *data, size_t bytes, size_t place)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < bytes; i++)
		if (i < place || i >= place + 4)
			sum += data[i];
	return ~sum;
}

/** "Appendix: CHS Calculation". What is shown of a disk that is too large, or not a whole number of
 * cylinders, is less than its size. */
static void store_geometry(uint8_t *footer, uint64_t sectors)
{
	uint64_t tracks;
	uint32_t per_track, heads;

	sectors = min_u64(sectors, UINT64_C(65535) * 16 * 255);
	per_track = sectors >= UINT64_C(65535) * 16 * 63 ? 255 : 17;
	tracks = sectors / per_track;
	heads = per_track == 255 ? 16 : (uint32_t)min_u64(max_u64((tracks + 1023) / 1024, 4), 17);
	if (per_track == 17 && (heads > 16 || tracks >= heads * UINT64_C(1024))) {
		per_track = 31;
		heads = 16;
		tracks = sectors / per_track;
	}
	if (per_track == 31 && tracks >= heads * UINT64_C(1024)) {
		per_track = 63;
		tracks = sectors / per_track;
	}
	store_be16(footer + VPC_CYLINDERS, (uint16_t)(tracks / heads));
	footer[VPC_HEADS] = (uint8_t)heads;
	footer[VPC_SECTORS] = (uint8_t)per_track;
}

void vpc_footer_set_size(uint8_t *footer, uint64_t bytes)
{
	store_be64(footer + VPC_CURRENT_SIZE, bytes);
	store_geometry(footer, bytes / BLOCK_SECTOR_BYTES);
	store_be32(footer + VPC_CHECKSUM, vpc_checksum(footer, VPC_FOOTER_BYTES, VPC_CHECKSUM));
}

static int make_footer(uint8_t *footer, const struct image_create *options)
{
	memset(footer, 0, VPC_FOOTER_BYTES);
	memcpy(footer + VPC_COOKIE, "conectix", 8);
	store_be32(footer + VPC_FEATURES, VPC_FEATURES_RESERVED);
	store_be32(footer + VPC_VERSION, VPC_VERSION_1);
	store_be64(footer + VPC_DATA_OFFSET, options->fixed ? UINT64_MAX : VPC_FOOTER_BYTES);
	store_be32(footer + VPC_TIME, (uint32_t)(time(NULL) - VPC_EPOCH));
	/* The creator by whose name QEMU and others know that the size counts, not the geometry. */
	memcpy(footer + VPC_CREATOR, "qem2", 4);
	memcpy(footer + VPC_CREATOR_HOST, "Wi2k", 4);
	store_be64(footer + VPC_ORIGINAL_SIZE, options->size_bytes);
	store_be32(footer + VPC_TYPE, options->fixed ? VPC_FIXED : VPC_DYNAMIC);
	if (getrandom(footer + VPC_UUID, VPC_UUID_BYTES, 0) != VPC_UUID_BYTES)
		return -EIO;
	vpc_footer_set_size(footer, options->size_bytes);
	return 0;
}

/** Copy of the footer, header, table, footer. */
static int write_dynamic(struct block *file, const uint8_t *footer, uint64_t bytes)
{
	uint64_t entries = (bytes + VPC_BLOCK_BYTES - 1) / VPC_BLOCK_BYTES;
	size_t table_bytes = (size_t)align_up(entries * VPC_ENTRY_BYTES, BLOCK_SECTOR_BYTES);
	size_t table = VPC_FOOTER_BYTES + VPC_DYN_BYTES, all = table + table_bytes;
	uint8_t *data = calloc(1, all + VPC_FOOTER_BYTES), *header;
	int result;

	if (!data)
		return -ENOMEM;
	header = data + VPC_FOOTER_BYTES;
	memcpy(data, footer, VPC_FOOTER_BYTES);
	memcpy(header + VPC_DYN_COOKIE, "cxsparse", 8);
	store_be64(header + VPC_DYN_DATA_OFFSET, UINT64_MAX);
	store_be64(header + VPC_DYN_TABLE_OFFSET, table);
	store_be32(header + VPC_DYN_VERSION, VPC_VERSION_1);
	store_be32(header + VPC_DYN_ENTRIES, (uint32_t)entries);
	store_be32(header + VPC_DYN_BLOCK_BYTES, VPC_BLOCK_BYTES);
	store_be32(header + VPC_DYN_CHECKSUM,
		   vpc_checksum(header, VPC_DYN_BYTES, VPC_DYN_CHECKSUM));
	memset(data + table, 0xff, table_bytes);
	memcpy(data + all, footer, VPC_FOOTER_BYTES);
	result = block_write_now(file, 0, data, all + VPC_FOOTER_BYTES);
	free(data);
	return result;
}

int vpc_create(struct block *file, const struct image_create *options, struct err *err)
{
	uint8_t footer[VPC_FOOTER_BYTES];
	struct image_create rounded = *options;
	int result;

	rounded.size_bytes = align_up(options->size_bytes, BLOCK_SECTOR_BYTES);
	if (rounded.size_bytes == 0 || rounded.size_bytes > SIZE_MAX_BYTES)
		return err_set(err, -EINVAL, "a VHD image has a size of at most 2040 GiB");
	result = make_footer(footer, &rounded);
	if (result == 0 && options->fixed)
		result = block_write_now(file, rounded.size_bytes, footer, VPC_FOOTER_BYTES);
	else if (result == 0)
		result = write_dynamic(file, footer, rounded.size_bytes);
	if (result == 0)
		result = block_flush_now(file);
	return result < 0 ? err_set_errno(err, result, "cannot write '%s'", file->filename) : 0;
}
