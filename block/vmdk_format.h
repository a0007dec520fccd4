// SPDX-License-Identifier: GPL-2.0-or-later
/* Names of the VMDK format, after VMware's "Virtual Disk Format 5.0". All numbers are
 * little-endian; offsets in tables count sectors. */
#pragma once

#include <stdint.h>

/** "Hosted Sparse Extents": the header. */
enum vmdk_header {
	VMDK_MAGIC = 0, /* "KDMV" */
	VMDK_VERSION = 4,
	VMDK_FLAGS = 8,
	VMDK_CAPACITY = 12,
	VMDK_GRAIN_SECTORS = 20,
	VMDK_DESCRIPTOR_OFFSET = 28,
	VMDK_DESCRIPTOR_SECTORS = 36,
	VMDK_TABLE_ENTRIES = 44, /* of a grain table: always 512 */
	VMDK_DIRECTORY_OFFSET = 56,
	VMDK_COMPRESSION = 77,
	VMDK_HEADER_BYTES = 512,
};

enum vmdk_flags {
	VMDK_HAS_ZERO_GRAINS = 1 << 2, /* an entry of 1 is a grain of zeros */
	VMDK_IS_COMPRESSED = 1 << 16,
	VMDK_HAS_MARKERS = 1 << 17,
};

enum vmdk_entry {
	VMDK_ENTRY_BYTES = 4,
	VMDK_ABSENT = 0,
	VMDK_ZEROS = 1,
};

/** "Stream-Optimized Compressed Sparse Extents": before a compressed grain stand its sector and the
 * length of its stream; a footer, with a marker of a sector before and behind it, ends the file. */
enum vmdk_stream {
	VMDK_DEFLATE = 1,
	VMDK_MARKER_SIZE = 8,
	VMDK_MARKER_BYTES = 12,
	VMDK_FOOTER_FROM_END = 1024,
};
static const uint64_t VMDK_DIRECTORY_AT_END = UINT64_MAX;

/** Limits: what is known to be used, and keeps a hostile header from asking for much. */
enum vmdk_limit {
	VMDK_TABLE_ENTRIES_KNOWN = 512,
	VMDK_GRAIN_BYTES_MIN = 4096,
	VMDK_GRAIN_BYTES_MAX = 1 << 20,
	VMDK_DIRECTORY_ENTRIES_MAX = 1 << 20,
	VMDK_DESCRIPTOR_BYTES_MAX = 64 << 10,
};
