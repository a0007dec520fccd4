// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ring of requests and responses of a paravirtual disk, host's end. The guest may change any of
 * its bytes at any time: an entry is copied once, checked, and only the copy is used; counters of
 * ours are kept here and never read back (XSA-155). Pure: no host, no Xen.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "hv/xen_blkif_regs.h"

enum {
	/* Segments of an indirect request that are taken: 256 KiB. */
	XEN_BLKIF_MAX_SEGMENTS = 64,
	XEN_BLKIF_MAX_RING_ORDER = 2,
};

struct xen_blkif_ring {
	uint8_t *pages; /* NULL: not attached */
	const struct xen_blkif_layout *layout;
	uint32_t entries;  /* a power of two */
	uint32_t consumer; /* the next request */
	uint32_t producer; /* the next response; published up to the next */
	uint32_t published;
	bool is_broken; /* the guest claims more requests than there are entries */
};

/** A request as it was found, in one layout. Nothing of it is checked but what 'take' says. */
struct xen_blkif_request {
	uint8_t operation;
	uint64_t id; /* the guest's own */
	uint64_t sector;
	/* Of an indirect one it is the inner operation, with its number of segments. */
	uint8_t inner_operation;
	uint16_t segment_count;
	uint64_t discard_sectors;
	uint8_t discard_flag;
	struct xen_blkif_segment segments[XEN_BLKIF_DIRECT_SEGMENTS];
	uint32_t indirect_grants[XEN_BLKIF_INDIRECT_PAGES];
};

/** The layout that a driver names; NULL if there is none of that name. */
const struct xen_blkif_layout *xen_blkif_find_layout(const char *name);
/** Entries of a ring of so many bytes. */
uint32_t xen_blkif_count_entries(const struct xen_blkif_layout *layout, unsigned bytes);

/** Begins where the last answered request ends, which in a new ring is at its beginning. */
void xen_blkif_ring_attach(struct xen_blkif_ring *ring, void *pages, unsigned bytes,
			   const struct xen_blkif_layout *layout);
void xen_blkif_ring_detach(struct xen_blkif_ring *ring);
/** Copies the next request; false: there is none. */
bool xen_blkif_ring_take(struct xen_blkif_ring *ring, struct xen_blkif_request *request);
/** Asks for a wake-up by the next request. False if one has come meanwhile. */
bool xen_blkif_ring_wait(struct xen_blkif_ring *ring);
/** Puts an answer into the ring; the guest sees it when it is published. */
void xen_blkif_ring_respond(struct xen_blkif_ring *ring, uint64_t id, uint8_t operation,
			    enum xen_blkif_status status);
/** Shows the guest what was put. True if it wants to be woken for that. */
bool xen_blkif_ring_publish(struct xen_blkif_ring *ring);

/** The sectors of 'count' segments together; 0 if one lies not within its page or there are none.
 */
uint64_t xen_blkif_count_sectors(const struct xen_blkif_segment *segments, unsigned count);
