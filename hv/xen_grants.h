// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pages of the guest that its driver has granted, as this process sees them. A driver that promises
 * to use the same pages again and again (feature-persistent) has them mapped once, up to a limit,
 * and until it goes; all others are mapped for a request.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <xengnttab.h>

enum {
	/* What Linux' driver uses at most: 32 requests of 32 pages and one of segments. */
	XEN_GRANTS_KEPT = 1056,
	XEN_GRANTS_HASH = 2048,
	XEN_GRANTS_AT_ONCE = 64, /* pages of one xen_grants_map */
};

struct xen_grant {
	uint8_t *page; /* NULL: free */
	uint32_t reference;
	uint32_t pages; /* mapped by the call that begins with this one */
};

struct xen_grants {
	xengnttab_handle *handle; /* borrowed; NULL: the host has none */
	uint32_t domid;
	struct xen_grant *kept; /* a hash by reference; NULL: nothing is kept */
	unsigned kept_count;
	uint64_t maps; /* calls, for tests */
};

/** What was mapped for one request. */
struct xen_grants_use {
	void *pages; /* NULL: nothing */
	unsigned count;
};

/** 0 or -ENOMEM. */
int xen_grants_init(struct xen_grants *grants, xengnttab_handle *handle, uint32_t domid,
		    bool keeps);
/** Nothing is in use any more. */
void xen_grants_finish(struct xen_grants *grants);
/**
 * Where the 'count' granted pages lie, up to XEN_GRANTS_AT_ONCE; to be written if 'write'. 0, or
 * -errno if one of them cannot be had. Each success is to be given back.
 */
int xen_grants_map(struct xen_grants *grants, const uint32_t *references, unsigned count,
		   bool write, uint8_t **pages, struct xen_grants_use *use);
void xen_grants_unmap(struct xen_grants *grants, struct xen_grants_use *use);
