// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Names of FAT12 on a floppy disk of 1.44 MB, and of long names in it (Microsoft's "FAT: General
 * Overview of On-Disk Format"). All numbers are little-endian.
 */
#pragma once

/* The disk. */
enum {
	FAT_SECTOR_BYTES = 512,
	FAT_DISK_SECTORS = 2880,
	FAT_DISK_BYTES = FAT_DISK_SECTORS * FAT_SECTOR_BYTES,
	FAT_TRACK_SECTORS = 18,
	FAT_HEADS = 2,
	FAT_TABLE_SECTOR = 1,
	FAT_TABLE_SECTORS = 9,
	FAT_TABLES = 2,
	FAT_ROOT_SECTOR = FAT_TABLE_SECTOR + FAT_TABLES * FAT_TABLE_SECTORS,
	FAT_ROOT_ENTRIES = 224,
	FAT_ENTRY_BYTES = 32,
	FAT_DATA_SECTOR = FAT_ROOT_SECTOR + FAT_ROOT_ENTRIES * FAT_ENTRY_BYTES / FAT_SECTOR_BYTES,
	FAT_FIRST_CLUSTER = 2, /* a sector each */
	FAT_END_CLUSTER = FAT_FIRST_CLUSTER + FAT_DISK_SECTORS - FAT_DATA_SECTOR,
	FAT_LAST_OF_CHAIN = 0xfff,
	FAT_MEDIA = 0xf0,
};

/* The boot sector. */
enum fat_boot {
	FAT_BS_JUMP = 0,
	FAT_BS_OEM = 3,
	FAT_BS_SECTOR_BYTES = 11,
	FAT_BS_CLUSTER_SECTORS = 13,
	FAT_BS_RESERVED = 14,
	FAT_BS_TABLES = 16,
	FAT_BS_ROOT_ENTRIES = 17,
	FAT_BS_SECTORS = 19,
	FAT_BS_MEDIA = 21,
	FAT_BS_TABLE_SECTORS = 22,
	FAT_BS_TRACK_SECTORS = 24,
	FAT_BS_HEADS = 26,
	FAT_BS_EXTENDED = 38, /* 29h: three more follow */
	FAT_BS_SERIAL = 39,
	FAT_BS_LABEL = 43,
	FAT_BS_TYPE = 54,
	FAT_BS_CODE = 62,
	FAT_BS_MAGIC = 510,
	FAT_HAS_EXTENDED = 0x29,
	FAT_MAGIC = 0xaa55,
};

/* An entry of a directory. */
enum fat_entry {
	FAT_DE_NAME = 0, /* 8 and 3 characters */
	FAT_DE_ATTRIBUTES = 11,
	FAT_DE_CREATED = 14, /* time, then date */
	FAT_DE_ACCESSED = 18,
	FAT_DE_MODIFIED = 22,
	FAT_DE_CLUSTER = 26,
	FAT_DE_BYTES = 28,
	FAT_NAME_BYTES = 11,
	FAT_BASE_BYTES = 8,
};

enum fat_attribute {
	FAT_IS_LABEL = 0x08,
	FAT_IS_DIRECTORY = 0x10,
	FAT_IS_ARCHIVED = 0x20, /* not yet: changed since the last backup */
	FAT_IS_LONG_NAME = 0x0f,
};

/* A part of a long name: 13 units of UTF-16 in three places. */
enum fat_long_name {
	FAT_LN_ORDER = 0,
	FAT_LN_CHECKSUM = 13,
	FAT_LN_UNITS = 13,
	FAT_LN_LAST = 0x40,
	FAT_LN_MAX_UNITS = 255,
};
