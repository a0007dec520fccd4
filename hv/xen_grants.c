// SPDX-License-Identifier: GPL-2.0-or-later
#include "hv/xen_grants.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/trace.h"

enum {
	PAGE_BYTES = 4096,
};

int xen_grants_init(struct xen_grants *grants, xengnttab_handle *handle, uint32_t domid, bool keeps)
{
	*grants = (struct xen_grants){ .handle = handle, .domid = domid };
	if (!keeps)
		return 0;
	grants->kept = calloc(XEN_GRANTS_HASH, sizeof(*grants->kept));
	return grants->kept ? 0 : -ENOMEM;
}

void xen_grants_finish(struct xen_grants *grants)
{
	for (unsigned i = 0; grants->kept && i < XEN_GRANTS_HASH; i++)
		if (grants->kept[i].pages)
			xengnttab_unmap(grants->handle, grants->kept[i].page,
					grants->kept[i].pages);
	free(grants->kept);
	grants->kept = NULL;
	grants->kept_count = 0;
}

static uint8_t *map(struct xen_grants *grants, const uint32_t *references, unsigned count,
		    bool write)
{
	uint32_t copy[XEN_GRANTS_AT_ONCE];

	/* The library takes what it could change. */
	for (unsigned i = 0; i < count; i++)
		copy[i] = references[i];
	grants->maps++;
	return xengnttab_map_domain_grant_refs(grants->handle, count, grants->domid, copy,
					       PROT_READ | (write ? PROT_WRITE : 0));
}

/** The entry of 'reference', or the free one where it belongs. The hash is never full. */
static struct xen_grant *find(struct xen_grants *grants, uint32_t reference)
{
	uint32_t at = reference * UINT32_C(2654435761) >> 16;

	for (;; at++) {
		struct xen_grant *grant = &grants->kept[at % XEN_GRANTS_HASH];

		if (!grant->page || grant->reference == reference)
			return grant;
	}
}

/** Collects what is not kept yet, each once. */
static unsigned find_missing(struct xen_grants *grants, const uint32_t *references, unsigned count,
			     uint32_t *missing)
{
	unsigned found = 0;

	for (unsigned i = 0; i < count; i++) {
		unsigned j = 0;

		if (find(grants, references[i])->page)
			continue;
		while (j < found && missing[j] != references[i])
			j++;
		if (j == found)
			missing[found++] = references[i];
	}
	return found;
}

/** Such pages may be written whatever the request: a later one may read into them. */
static bool keep(struct xen_grants *grants, const uint32_t *missing, unsigned count)
{
	uint8_t *pages;

	if (count == 0)
		return true;
	if (grants->kept_count + count > XEN_GRANTS_KEPT)
		return false;
	pages = map(grants, missing, count, true);
	if (!pages)
		return false;
	for (unsigned i = 0; i < count; i++)
		*find(grants, missing[i]) = (struct xen_grant){
			.page = pages + (size_t)i * PAGE_BYTES,
			.reference = missing[i],
			.pages = i == 0 ? count : 0,
		};
	grants->kept_count += count;
	TRACE(xen_grants, keep, "%u more, %u", count, grants->kept_count);
	return true;
}

/** True if all are among those that are kept. */
static bool map_kept(struct xen_grants *grants, const uint32_t *references, unsigned count,
		     uint8_t **pages)
{
	uint32_t missing[XEN_GRANTS_AT_ONCE];

	if (!grants->kept ||
	    !keep(grants, missing, find_missing(grants, references, count, missing)))
		return false;
	for (unsigned i = 0; i < count; i++)
		pages[i] = find(grants, references[i])->page;
	return true;
}

int xen_grants_map(struct xen_grants *grants, const uint32_t *references, unsigned count,
		   bool write, uint8_t **pages, struct xen_grants_use *use)
{
	uint8_t *bytes;

	*use = (struct xen_grants_use){ 0 };
	if (!grants->handle || count == 0 || count > XEN_GRANTS_AT_ONCE)
		return -EINVAL;
	if (map_kept(grants, references, count, pages))
		return 0;
	bytes = map(grants, references, count, write);
	if (!bytes)
		return -EFAULT;
	for (unsigned i = 0; i < count; i++)
		pages[i] = bytes + (size_t)i * PAGE_BYTES;
	*use = (struct xen_grants_use){ bytes, count };
	return 0;
}

void xen_grants_unmap(struct xen_grants *grants, struct xen_grants_use *use)
{
	if (use->pages)
		xengnttab_unmap(grants->handle, use->pages, use->count);
	*use = (struct xen_grants_use){ 0 };
}
