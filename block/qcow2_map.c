// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <inttypes.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/log.h"
#include "block/qcow2.h"

int qcow2_found_corrupt(struct qcow2 *image, const char *what, uint64_t offset)
{
	log_guest("'%s' is corrupt: %s at %#" PRIx64 "; end the guest and repair it with 'hvm disk "
		  "check'",
		  image->block->filename, what, offset);
	image->is_corrupt = true;
	return -EIO;
}

int qcow2_entry_get(struct qcow2 *image, enum qcow2_table table, uint64_t offset, uint64_t *entry)
{
	struct qcow2_page *page;
	int result = qcow2_page_get(image, table, offset, &page);

	if (result == 0)
		*entry = load_be64(page->data + offset % image->cache.page_bytes);
	return result;
}

static int entry_set(struct qcow2 *image, enum qcow2_table table, uint64_t offset, uint64_t entry)
{
	struct qcow2_page *page;
	int result = qcow2_page_get(image, table, offset, &page);

	if (result == 0) {
		store_be64(page->data + offset % image->cache.page_bytes, entry);
		qcow2_page_changed(image, page);
	}
	return result;
}

static uint64_t l1_place(const struct qcow2 *image, uint64_t offset)
{
	unsigned shift = 2 * image->header.cluster_bits - QCOW2_ENTRY_BITS;

	return image->header.l1_offset + (offset >> shift) * QCOW2_ENTRY_BYTES;
}

static uint64_t l2_place(const struct qcow2 *image, uint64_t table, uint64_t offset)
{
	uint64_t entries = image->cluster_bytes / QCOW2_ENTRY_BYTES;

	return table + (offset >> image->header.cluster_bits) % entries * QCOW2_ENTRY_BYTES;
}

static bool is_cluster(const struct qcow2 *image, uint64_t offset)
{
	return offset % image->cluster_bytes == 0;
}

/** The L1 entry for 'offset' of the disk, checked. */
static int get_l1(struct qcow2 *image, uint64_t offset, uint64_t *entry)
{
	int result = qcow2_entry_get(image, QCOW2_L1, l1_place(image, offset), entry);

	if (result == 0 &&
	    (*entry & QCOW2_L1_RESERVED || !is_cluster(image, *entry & QCOW2_OFFSET_MASK)))
		return qcow2_found_corrupt(image, "an L1 entry", l1_place(image, offset));
	return result;
}

uint64_t qcow2_map_page_clusters(const struct qcow2 *image, uint64_t offset)
{
	uint64_t entries = image->cache.page_bytes / QCOW2_ENTRY_BYTES;

	return entries - (offset >> image->header.cluster_bits) % entries;
}

/* Extents */

/** Descriptor of a compressed cluster: x bits of offset, then sectors beyond the first. */
static void describe_compressed(const struct qcow2 *image, uint64_t entry,
				struct qcow2_extent *extent)
{
	unsigned x = 62 - (image->header.cluster_bits - 8);
	uint64_t sectors = (entry & (QCOW2_COMPRESSED - 1)) >> x;

	extent->kind = QCOW2_EXTENT_COMPRESSED;
	extent->host = entry & (BIT64(x) - 1);
	extent->stored = (sectors + 1) * BLOCK_SECTOR_BYTES - extent->host % BLOCK_SECTOR_BYTES;
}

/** What 'entry' says of its cluster; host is the cluster's. */
static int describe(struct qcow2 *image, uint64_t entry, struct qcow2_extent *extent)
{
	uint64_t host = entry & QCOW2_OFFSET_MASK;

	*extent = (struct qcow2_extent){ .host = host };
	if (entry & QCOW2_COMPRESSED) {
		describe_compressed(image, entry, extent);
		return 0;
	}
	if (entry & QCOW2_L2_RESERVED || !is_cluster(image, host) ||
	    (entry & QCOW2_ZERO && image->header.version < 3))
		return qcow2_found_corrupt(image, "an L2 entry pointing", host);
	extent->may_write = entry & QCOW2_COPIED;
	if (entry & QCOW2_ZERO)
		extent->kind = QCOW2_EXTENT_ZERO;
	else
		extent->kind = host ? QCOW2_EXTENT_DATA : QCOW2_EXTENT_HOLE;
	return 0;
}

/** Whether the cluster with 'entry', 'distance' behind the first of 'extent', goes on with it. */
static bool continues(struct qcow2 *image, const struct qcow2_extent *extent, uint64_t entry,
		      uint64_t distance)
{
	struct qcow2_extent next;

	if (extent->kind == QCOW2_EXTENT_COMPRESSED || describe(image, entry, &next) < 0 ||
	    next.kind != extent->kind)
		return false;
	return extent->kind != QCOW2_EXTENT_DATA ||
	       (next.host == extent->host + distance && next.may_write == extent->may_write);
}

int qcow2_map(struct qcow2 *image, uint64_t offset, uint64_t bytes, struct qcow2_extent *extent)
{
	uint64_t entry, within = offset % image->cluster_bytes, run = image->cluster_bytes, limit;
	struct qcow2_page *page;
	const uint8_t *entries;
	int result = get_l1(image, offset, &entry);

	if (result != 0)
		return result;
	limit = qcow2_map_page_clusters(image, offset) * image->cluster_bytes;
	if ((entry & QCOW2_OFFSET_MASK) == 0) {
		*extent = (struct qcow2_extent){ .bytes = min_u64(bytes, limit - within) };
		return 0;
	}
	entry = l2_place(image, entry & QCOW2_OFFSET_MASK, offset);
	result = qcow2_page_get(image, QCOW2_L2, entry, &page);
	if (result != 0)
		return result;
	entries = page->data + entry % image->cache.page_bytes;
	result = describe(image, load_be64(entries), extent);
	if (result < 0)
		return result;
	while (run < limit && run - within < bytes &&
	       continues(
		       image, extent,
		       load_be64(entries + (run >> image->header.cluster_bits) * QCOW2_ENTRY_BYTES),
		       run))
		run += image->cluster_bytes;
	extent->bytes = min_u64(bytes, run - within);
	if (extent->kind == QCOW2_EXTENT_DATA)
		extent->host += within;
	return 0;
}

/* Changes */

int qcow2_map_find_entry(struct qcow2 *image, uint64_t offset, uint64_t *entry_offset,
			 uint64_t *old)
{
	uint64_t entry;
	int result = get_l1(image, offset, &entry);

	if (result != 0)
		return result;
	*old = entry & QCOW2_OFFSET_MASK;
	*entry_offset = entry & QCOW2_COPIED && *old != 0 ? l2_place(image, *old, offset) : 0;
	return 0;
}

int qcow2_map_set_table(struct qcow2 *image, uint64_t offset, uint64_t table)
{
	return entry_set(image, QCOW2_L1, l1_place(image, offset), table | QCOW2_COPIED);
}

/** Nothing points at what 'entry' says any more. */
static void release(struct qcow2 *image, uint64_t entry)
{
	struct qcow2_extent old;

	if (describe(image, entry, &old) < 0 || old.host == 0)
		return;
	if (old.kind == QCOW2_EXTENT_COMPRESSED) {
		uint64_t first = align_down(old.host, image->cluster_bytes);
		uint64_t end = align_up(old.host + old.stored, image->cluster_bytes);

		qcow2_give_back(image, first, (end - first) >> image->header.cluster_bits, true);
	} else {
		qcow2_give_back(image, old.host, 1, true);
	}
}

int qcow2_map_set(struct qcow2 *image, uint64_t offset, unsigned clusters, uint64_t host)
{
	uint64_t place, old;
	struct qcow2_page *page;
	int result = qcow2_map_find_entry(image, offset, &place, &old);

	if (result == 0)
		result = qcow2_page_get(image, QCOW2_L2, place, &page);
	if (result != 0)
		return result;
	for (unsigned i = 0; i < clusters; i++) {
		uint8_t *entry =
			page->data + place % image->cache.page_bytes + i * QCOW2_ENTRY_BYTES;
		uint64_t value = host;

		if (host > QCOW2_ZERO)
			value = (host + i * image->cluster_bytes) | QCOW2_COPIED;
		release(image, load_be64(entry));
		store_be64(entry, value);
	}
	qcow2_page_changed(image, page);
	return 0;
}
