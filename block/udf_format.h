// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Names of UDF: places in the structures of ECMA-167 (3rd edition; sections by part/section) as the
 * OSTA Universal Disk Format uses them on read-only discs. All numbers are little-endian.
 */
#pragma once

enum {
	UDF_SECTOR_BYTES = 2048,
	UDF_ANCHOR_SECTOR = 256,     /* 3/8.4.2.1 */
	UDF_MAX_SEQUENCE = 64,       /* ours: sectors of a volume descriptor sequence */
	UDF_EXTENT_MAX = 0x3ffff800, /* 4/14.14.1: 30 bits, whole sectors */
	UDF_EXTENT_LENGTH_MASK = 0x3fffffff,
	UDF_FIRST_UNIQUE_ID = 1 << 24, /* ours, where no integrity descriptor says one */
};

/* 3/7.2: descriptor tags. */
enum udf_tag {
	UDF_TAG_ID = 0,
	UDF_TAG_VERSION = 2,
	UDF_TAG_CHECKSUM = 4,
	UDF_TAG_SERIAL = 6,
	UDF_TAG_CRC = 8,
	UDF_TAG_CRC_LENGTH = 10,
	UDF_TAG_LOCATION = 12,
	UDF_TAG_BYTES = 16,
};

enum udf_tag_id {
	UDF_ID_ANCHOR = 2,
	UDF_ID_PARTITION = 5,
	UDF_ID_LOGICAL_VOLUME = 6,
	UDF_ID_TERMINATOR = 8,
	UDF_ID_INTEGRITY = 9,
	UDF_ID_FILE_SET = 256,
	UDF_ID_FILE = 257, /* a file identifier: an entry of a directory */
	UDF_ID_FILE_ENTRY = 261,
	UDF_ID_EXTENDED_ENTRY = 266,
};

/* 3/10.2: anchor; extents are length and location. */
enum udf_anchor {
	UDF_AVDP_MAIN = 16,
	UDF_AVDP_RESERVE = 24,
};

/* 3/10.5: partition. */
enum udf_partition {
	UDF_PD_NUMBER = 22,
	UDF_PD_START = 188,
	UDF_PD_LENGTH = 192,
};

/* 3/10.6: logical volume. */
enum udf_logical_volume {
	UDF_LVD_BLOCK_BYTES = 212,
	UDF_LVD_FILE_SET = 248, /* a long allocation descriptor */
	UDF_LVD_MAPS = 268,
	UDF_LVD_INTEGRITY = 432,
	UDF_LVD_MAP = 440, /* the first partition map */
	UDF_MAP_TYPE = 0,
	UDF_MAP_TYPE_1 = 1,
	UDF_MAP_PARTITION = 4,
};

/* 3/10.10: integrity. */
enum udf_integrity {
	UDF_LVID_UNIQUE_ID = 40,
	UDF_LVID_PARTITIONS = 72,
	UDF_LVID_USE_BYTES = 76,
	UDF_LVID_TABLES = 80, /* free space and size, a word each for a partition */
	UDF_LVID_USE_FILES = 32,
	UDF_LVID_USE_DIRECTORIES = 36,
	UDF_LVID_USE_MIN = 40,
};

/* 4/14.1: file set. */
enum udf_file_set {
	UDF_FSD_ROOT = 400,
};

/* 4/14.14: allocation descriptors. */
enum udf_allocation {
	UDF_AD_LENGTH = 0,
	UDF_AD_BLOCK = 4,
	UDF_SHORT_AD_BYTES = 8,
	UDF_LONG_AD_PARTITION = 8,
	UDF_LONG_AD_UNIQUE_ID = 12, /* UDF 2.3.4.3, in an entry of a directory */
	UDF_LONG_AD_BYTES = 16,
};

/* 4/14.9 and, where they differ, 4/14.17: file entries. */
enum udf_file_entry {
	UDF_FE_STRATEGY = 20,
	UDF_FE_MAX_ENTRIES = 24,
	UDF_FE_TYPE = 27,
	UDF_FE_FLAGS = 34, /* the lowest bits: kind of allocation */
	UDF_FE_UID = 36,
	UDF_FE_GID = 40,
	UDF_FE_PERMISSIONS = 44,
	UDF_FE_LINKS = 48,
	UDF_FE_BYTES = 56,
	UDF_FE_BLOCKS = 64,
	UDF_FE_ACCESSED = 72,
	UDF_FE_MODIFIED = 84,
	UDF_FE_CHANGED = 96,
	UDF_FE_CHECKPOINT = 108,
	UDF_FE_IMPLEMENTATION = 128,
	UDF_FE_UNIQUE_ID = 160,
	UDF_FE_EA_BYTES = 168,
	UDF_FE_AD_BYTES = 172,
	UDF_FE_AREA = 176,
	UDF_EFE_OBJECT_BYTES = 64,
	UDF_EFE_BLOCKS = 72,
	UDF_EFE_EA_BYTES = 208,
	UDF_EFE_AD_BYTES = 212,
	UDF_EFE_AREA = 216,
};

enum udf_entry_value {
	UDF_STRATEGY_4 = 4,
	UDF_TYPE_DIRECTORY = 4,
	UDF_TYPE_FILE = 5,
	UDF_FLAGS_ALLOCATION = 7,
	UDF_ALLOCATION_SHORT = 0,
	UDF_ALLOCATION_LONG = 1,
	UDF_ALLOCATION_EMBEDDED = 3,
	/* Read, or run, by owner, group and others. */
	UDF_MAY_READ = 0x1084,
	UDF_MAY_EXECUTE = 0x0421,
	UDF_NOBODY_ID = -1,
};

/* 4/14.4: file identifiers. */
enum udf_file_identifier {
	UDF_FID_VERSION = 16,
	UDF_FID_CHARACTERISTICS = 18,
	UDF_FID_NAME_BYTES = 19,
	UDF_FID_ICB = 20, /* a long allocation descriptor */
	UDF_FID_USE_BYTES = 36,
	UDF_FID_AREA = 38, /* implementation use, then the name */
};

enum udf_characteristic {
	UDF_IS_DIRECTORY = 0x02,
	UDF_IS_DELETED = 0x04,
	UDF_IS_PARENT = 0x08,
};

/* OSTA CS0 (UDF 2.1.1): the first byte of a name. */
enum udf_compression {
	UDF_NAME_8_BITS = 8,
	UDF_NAME_16_BITS = 16,
	UDF_MAX_NAME_BYTES = 255,
};
