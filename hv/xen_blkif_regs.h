// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ring shared with a paravirtual disk driver: Xen 4.17, public/io/blkif.h and ring.h. Spelled
 * out here, so that the ring builds and is tested without Xen's headers, and since one program
 * serves both layouts of x86: 64-bit drivers align members of 8 bytes, 32-bit ones do not.
 * xen_qdisk.c asserts that the 64-bit layout agrees.
 */
#pragma once

#include <stdint.h>

enum xen_blkif_op {
	XEN_BLKIF_READ = 0,
	XEN_BLKIF_WRITE = 1,
	XEN_BLKIF_WRITE_BARRIER = 2,
	XEN_BLKIF_FLUSH = 3,
	XEN_BLKIF_DISCARD = 5,
	XEN_BLKIF_INDIRECT = 6, /* a read or write whose segments lie in pages of their own */
};

enum xen_blkif_status {
	XEN_BLKIF_OKAY = 0,
	XEN_BLKIF_ERROR = -1,
	XEN_BLKIF_NOT_SUPPORTED = -2,
};

enum {
	XEN_BLKIF_DISCARD_SECURE = 1, /* a flag: nothing of the data may be left */
	XEN_BLKIF_SECTOR_BYTES = 512,
	XEN_BLKIF_PAGE_BYTES = 4096,
	XEN_BLKIF_PAGE_SECTORS = 8,
	XEN_BLKIF_DIRECT_SEGMENTS = 11, /* in a request itself */
	XEN_BLKIF_INDIRECT_PAGES = 8,   /* named in an indirect one */
	XEN_BLKIF_SEGMENTS_PER_PAGE = 512,
	XEN_BLKIF_MAX_ENTRY_BYTES = 112,
};

/** The head of the ring. Counters run through all 32 bits. */
struct xen_blkif_head {
	uint32_t request_producer, request_event;
	uint32_t response_producer, response_event;
	uint8_t reserved[48];
};

/** Sectors in a page of the guest; the same in both layouts. */
struct xen_blkif_segment {
	uint32_t grant;
	uint8_t first_sector, last_sector; /* inclusive */
	uint16_t reserved;
};

/** Where things are in every entry of the ring, in bytes. */
enum xen_blkif_place {
	XEN_BLKIF_OPERATION = 0,
	XEN_BLKIF_SEGMENT_COUNT = 1, /* 8 bits */
	XEN_BLKIF_DISCARD_FLAG = 1,
	XEN_BLKIF_INDIRECT_OPERATION = 1,
	XEN_BLKIF_INDIRECT_COUNT = 2, /* of segments, 16 bits */
	XEN_BLKIF_RESPONSE_ID = 0,
	XEN_BLKIF_RESPONSE_OPERATION = 8,
	XEN_BLKIF_RESPONSE_STATUS = 10,
};

/** And where the layouts differ. */
struct xen_blkif_layout {
	const char *name; /* the frontend's 'protocol' */
	uint8_t entry_bytes, response_bytes;
	uint8_t id, sector;
	uint8_t segments, discard_sectors; /* the same place */
	uint8_t indirect_grants;
};
