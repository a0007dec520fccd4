// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/ide/geometry.h"

#include "base/bits.h"
#include "base/bytes.h"
#include "block/block.h"
#include "hw/ide/ata_regs.h"

enum {
	MBR_PARTITIONS = 0x1be,
	MBR_PARTITION_BYTES = 16,
	MBR_PARTITION_COUNT = 4,
	MBR_END_HEAD = 5, /* in an entry */
	MBR_END_SECTOR = 6,
	MBR_SECTORS = 12,
	MBR_SIGNATURE = 0x1fe,
	LARGE_MAX = 131072, /* cylinders times heads that "large" translation can fold into 1024 *
			       128 */
};

bool ide_geometry_is_valid(const struct ide_geometry *geometry)
{
	return geometry->cylinders >= 1 && geometry->heads >= 1 &&
	       geometry->heads <= ATA_MAX_HEADS && geometry->sectors >= 1 &&
	       geometry->sectors <= 255;
}

enum ide_translation ide_geometry_translation(const struct ide_geometry *geometry)
{
	if (geometry->cylinders <= 1024)
		return IDE_TRANSLATION_NONE;
	return geometry->cylinders * geometry->heads <= LARGE_MAX ? IDE_TRANSLATION_LARGE
								  : IDE_TRANSLATION_LBA;
}

static struct ide_geometry geometry_by_size(uint64_t total_sectors)
{
	uint64_t cylinders = total_sectors / (ATA_MAX_HEADS * ATA_MAX_SECTORS_PER_TRACK);
	struct ide_geometry geometry = {
		.cylinders = (uint16_t)clamp_u64(cylinders, 2, ATA_MAX_CYLINDERS),
		.heads = ATA_MAX_HEADS,
		.sectors = ATA_MAX_SECTORS_PER_TRACK,
	};

	geometry.translation = ide_geometry_translation(&geometry);
	return geometry;
}

/** The heads and sectors by which the partitions were laid out; false if nothing tells. */
static bool find_partition_geometry(struct block *block, uint64_t total_sectors,
				    struct ide_geometry *geometry)
{
	uint8_t mbr[ATA_SECTOR_BYTES];

	if (total_sectors == 0 || block_read_now(block, 0, mbr, sizeof(mbr)) < 0 ||
	    load_le16(mbr + MBR_SIGNATURE) != 0xaa55)
		return false;
	for (unsigned i = 0; i < MBR_PARTITION_COUNT; i++) {
		const uint8_t *entry = mbr + MBR_PARTITIONS + i * MBR_PARTITION_BYTES;
		unsigned heads = entry[MBR_END_HEAD] + 1u, sectors = entry[MBR_END_SECTOR] & 63u;
		uint64_t cylinders;

		if (load_le32(entry + MBR_SECTORS) == 0 || heads == 1 || sectors == 0)
			continue;
		cylinders = total_sectors / (heads * sectors);
		if (cylinders < 1 || cylinders > ATA_MAX_CYLINDERS)
			continue;
		*geometry = (struct ide_geometry){ (uint16_t)cylinders, (uint16_t)heads,
						   (uint16_t)sectors, IDE_TRANSLATION_NONE };
		return true;
	}
	return false;
}

struct ide_geometry ide_geometry_guess(struct block *block)
{
	uint64_t total_sectors = block_size_bytes(block) / ATA_SECTOR_BYTES;
	struct ide_geometry by_size = geometry_by_size(total_sectors), by_table;

	if (!find_partition_geometry(block, total_sectors, &by_table))
		return by_size;
	if (by_table.heads <= ATA_MAX_HEADS)
		return by_table;
	/* More heads than a drive can have: the table was written through a translating BIOS. */
	by_size.translation = by_size.cylinders * by_size.heads <= LARGE_MAX ? IDE_TRANSLATION_LARGE
									     : IDE_TRANSLATION_LBA;
	return by_size;
}
