// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Names of the qcow2 format, versions 2 and 3, after its published specification (docs/interop of
 * the QEMU project). All numbers are big-endian. Offsets are in bytes.
 */
#pragma once

#include <stdint.h>

/** "Header": where its fields lie. */
enum qcow2_header_field {
	QCOW2_MAGIC = 0,
	QCOW2_VERSION = 4,
	QCOW2_BACKING_OFFSET = 8,
	QCOW2_BACKING_BYTES = 16,
	QCOW2_CLUSTER_BITS = 20,
	QCOW2_SIZE = 24,
	QCOW2_CRYPT_METHOD = 32,
	QCOW2_L1_ENTRIES = 36,
	QCOW2_L1_OFFSET = 40,
	QCOW2_REFTABLE_OFFSET = 48,
	QCOW2_REFTABLE_CLUSTERS = 56,
	QCOW2_SNAPSHOTS = 60,
	QCOW2_SNAPSHOTS_OFFSET = 64,
	QCOW2_HEADER_2_BYTES = 72,
	/* from version 3 on */
	QCOW2_INCOMPATIBLE = 72,
	QCOW2_COMPATIBLE = 80,
	QCOW2_AUTOCLEAR = 88,
	QCOW2_REFCOUNT_ORDER = 96,
	QCOW2_HEADER_BYTES = 100,
	QCOW2_COMPRESSION = 104,
	QCOW2_HEADER_3_BYTES = 104,
	QCOW2_HEADER_MAX_BYTES = 112, /* of what we know and write */
};

enum qcow2_incompatible {
	QCOW2_DIRTY = 1 << 0,         /* refcounts may be wrong */
	QCOW2_CORRUPT = 1 << 1,       /* anything may be wrong: not to be written to */
	QCOW2_EXTERNAL_DATA = 1 << 2, /* data lie in another file */
	QCOW2_COMPRESSION_TYPE = 1 << 3,
	QCOW2_EXTENDED_L2 = 1 << 4, /* L2 entries of 128 bits, with subclusters */
};

enum qcow2_compatible {
	QCOW2_LAZY_REFCOUNTS = 1 << 0,
};

enum qcow2_compression {
	QCOW2_ZLIB = 0,
	QCOW2_ZSTD = 1,
};

/** "Header extensions": type and length, then data, padded to 8 bytes. */
enum qcow2_extension {
	QCOW2_EXTENSION_BYTES = 8,
	QCOW2_EXT_END = 0,
};
static const uint32_t QCOW2_EXT_BACKING_FORMAT = 0xe2792aca;
static const uint32_t QCOW2_EXT_FEATURE_NAMES = 0x6803f857;
static const uint32_t QCOW2_MAGIC_WORD = 0x514649fb; /* "QFI\xfb" */

/** "Cluster mapping" */
enum qcow2_entry {
	QCOW2_ENTRY_BITS = 3, /* an entry has 8 bytes */
	QCOW2_ENTRY_BYTES = 8,
};
static const uint64_t QCOW2_COPIED = UINT64_C(1) << 63;     /* refcount is one: may be written */
static const uint64_t QCOW2_COMPRESSED = UINT64_C(1) << 62; /* L2 */
static const uint64_t QCOW2_ZERO = 1;                       /* L2, version 3 */
static const uint64_t QCOW2_OFFSET_MASK = UINT64_C(0x00fffffffffffe00);
static const uint64_t QCOW2_L2_RESERVED = UINT64_C(0x3f000000000001fe);
static const uint64_t QCOW2_L1_RESERVED = UINT64_C(0x7f000000000001ff);
static const uint64_t QCOW2_REFTABLE_MASK = UINT64_C(0xfffffffffffffe00);

/** "Snapshots": an entry of the snapshot table. */
enum qcow2_snapshot_field {
	QCOW2_SNAP_L1_OFFSET = 0,
	QCOW2_SNAP_L1_ENTRIES = 8,
	QCOW2_SNAP_ID_BYTES = 12,
	QCOW2_SNAP_NAME_BYTES = 14,
	QCOW2_SNAP_SECONDS = 16,
	QCOW2_SNAP_NANOSECONDS = 20,
	QCOW2_SNAP_GUEST_NS = 24,
	QCOW2_SNAP_STATE_BYTES = 32,
	QCOW2_SNAP_EXTRA_BYTES = 36,
	QCOW2_SNAP_FIXED_BYTES = 40,
	QCOW2_SNAP_STATE_BYTES_64 = 40, /* extra data: */
	QCOW2_SNAP_DISK_BYTES = 48,
	QCOW2_SNAP_EXTRA_KNOWN = 16,
};

/** Limits: of the specification, and those that keep a hostile header from asking for much. */
enum qcow2_limit {
	QCOW2_CLUSTER_BITS_MIN = 9,
	QCOW2_CLUSTER_BITS_MAX = 21,
	QCOW2_REFCOUNT_ORDER_MAX = 6,
	QCOW2_BACKING_BYTES_MAX = 1023,
	QCOW2_L1_BYTES_MAX = 32 << 20,
	QCOW2_REFTABLE_BYTES_MAX = 8 << 20,
	QCOW2_SNAPSHOTS_MAX = 65536,
	QCOW2_SNAPSHOT_TABLE_MAX = 16 << 20,
	QCOW2_CHAIN_MAX = 64, /* backing files one behind the other */
	QCOW2_FORMAT_BYTES_MAX = 15,
};
