// SPDX-License-Identifier: GPL-2.0-or-later
/* Names of the VHD format, after Microsoft's "Virtual Hard Disk Image Format Specification" 1.0.
 * All numbers are big-endian. */
#pragma once

#include <stdint.h>

/** "Hard Disk Footer Format" */
enum vpc_footer {
	VPC_COOKIE = 0, /* "conectix" */
	VPC_FEATURES = 8,
	VPC_VERSION = 12,
	VPC_DATA_OFFSET = 16, /* of the dynamic header */
	VPC_TIME = 24,        /* seconds since 2000 */
	VPC_CREATOR = 28,
	VPC_CREATOR_HOST = 36,
	VPC_ORIGINAL_SIZE = 40,
	VPC_CURRENT_SIZE = 48,
	VPC_CYLINDERS = 56,
	VPC_HEADS = 58,
	VPC_SECTORS = 59,
	VPC_TYPE = 60,
	VPC_CHECKSUM = 64,
	VPC_UUID = 68,
	VPC_UUID_BYTES = 16,
	VPC_FOOTER_BYTES = 512,
	VPC_FEATURES_RESERVED = 2, /* always set */
	VPC_VERSION_1 = 0x10000,
	VPC_EPOCH = 946684800, /* 2000-01-01, in seconds since 1970 */
};

enum vpc_type {
	VPC_FIXED = 2,
	VPC_DYNAMIC = 3,
	VPC_DIFFERENCING = 4,
};

/** "Dynamic Disk Header Format" */
enum vpc_dynamic {
	VPC_DYN_COOKIE = 0, /* "cxsparse" */
	VPC_DYN_DATA_OFFSET = 8,
	VPC_DYN_TABLE_OFFSET = 16,
	VPC_DYN_VERSION = 24,
	VPC_DYN_ENTRIES = 28,
	VPC_DYN_BLOCK_BYTES = 32,
	VPC_DYN_CHECKSUM = 36,
	VPC_DYN_BYTES = 1024,
};

/** "Block Allocation Table": entries count in sectors, and lead to a bitmap of the block's sectors,
 * padded to whole ones, with the data behind it. */
enum vpc_table {
	VPC_ENTRY_BYTES = 4,
	VPC_BLOCK_BYTES = 2 << 20, /* of images that are made */
	VPC_BLOCK_BYTES_MIN = 4096,
	VPC_BLOCK_BYTES_MAX = 256 << 20,
	VPC_ENTRIES_MAX = 4 << 20,
};
static const uint32_t VPC_UNUSED = 0xffffffff;
