// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guest RAM is mapped a bucket of one megabyte at a time. A bucket has holes where the guest has
 * given pages back or has not touched them yet; a hole is tried again whenever it is asked for,
 * since Xen does not tell when pages appear.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/bits.h"
#include "hv/xen.h"

#define FOUR_GIB (UINT64_C(1) << 32)

enum {
	BUCKET_BYTES = XEN_BUCKET_PAGES * XEN_PAGE_BYTES,
	VGA_HOLE_BEGIN = 0xa0000,
	VGA_HOLE_END = 0xc0000,
};

void xen_map_init(struct xen_map *map, xenforeignmemory_handle *memory, domid_t domid,
		  uint64_t low_bytes, uint64_t high_bytes)
{
	*map = (struct xen_map){
		.memory = memory,
		.domid = domid,
		.low_bytes = low_bytes,
		.high_bytes = high_bytes,
	};
}

/** How much RAM there is from 'gpa' on, by the layout; 0 if none. */
static uint64_t ram_from(const struct xen_map *map, uint64_t gpa)
{
	if (gpa >= FOUR_GIB)
		return gpa - FOUR_GIB < map->high_bytes ? map->high_bytes - (gpa - FOUR_GIB) : 0;
	if (gpa < VGA_HOLE_BEGIN)
		return min_u64(map->low_bytes, VGA_HOLE_BEGIN) - min_u64(gpa, map->low_bytes);
	if (gpa < VGA_HOLE_END || gpa >= map->low_bytes)
		return 0;
	return map->low_bytes - gpa;
}

static bool has_page(const struct xen_bucket *bucket, uint64_t page)
{
	return (bucket->present[page / 64] >> (page % 64)) & 1;
}

/* Buckets come and go */

static void free_bucket(struct xen_map *map, struct xen_bucket *bucket)
{
	xenforeignmemory_unmap(map->memory, bucket->host, XEN_BUCKET_PAGES);
	map->count--;
	free(bucket);
}

/** Takes the bucket that *link points to out of the hash; it goes at once or with its last user. */
static void drop_bucket(struct xen_map *map, struct xen_bucket **link)
{
	struct xen_bucket *bucket = *link;

	*link = bucket->next;
	if (!bucket->users) {
		free_bucket(map, bucket);
		return;
	}
	bucket->stale = true;
	bucket->next = map->stale;
	map->stale = bucket;
}

/** Makes room for one more; false if too many are in use. */
static bool make_room(struct xen_map *map)
{
	struct xen_bucket **oldest = NULL;

	if (map->count < XEN_MAP_KEPT)
		return true;
	for (unsigned i = 0; i < XEN_MAP_HASH; i++)
		for (struct xen_bucket **link = &map->hash[i]; *link; link = &(*link)->next)
			if (!(*link)->users &&
			    (!oldest || (*link)->last_used < (*oldest)->last_used))
				oldest = link;
	if (oldest)
		drop_bucket(map, oldest);
	return map->count < XEN_MAP_LIMIT;
}

static bool map_pages(struct xen_map *map, struct xen_bucket *bucket)
{
	xen_pfn_t gfns[XEN_BUCKET_PAGES];
	int errors[XEN_BUCKET_PAGES];

	for (unsigned i = 0; i < XEN_BUCKET_PAGES; i++) {
		gfns[i] = bucket->number * XEN_BUCKET_PAGES + i;
		errors[i] = 0;
	}
	map->mapped++;
	bucket->host = xenforeignmemory_map(map->memory, map->domid, PROT_READ | PROT_WRITE,
					    XEN_BUCKET_PAGES, gfns, errors);
	if (!bucket->host)
		return false;
	for (unsigned i = 0; i < XEN_BUCKET_PAGES; i++)
		if (!errors[i])
			bucket->present[i / 64] |= BIT64(i % 64);
	return true;
}

static struct xen_bucket *create_bucket(struct xen_map *map, uint64_t number)
{
	struct xen_bucket **head = &map->hash[number % XEN_MAP_HASH];
	struct xen_bucket *bucket;

	if (!make_room(map))
		return NULL;
	bucket = calloc(1, sizeof(*bucket));
	if (!bucket)
		return NULL;
	bucket->number = number;
	if (!map_pages(map, bucket)) {
		free(bucket);
		return NULL;
	}
	map->count++;
	bucket->next = *head;
	*head = bucket;
	return bucket;
}

static struct xen_bucket **find_bucket(struct xen_map *map, uint64_t number)
{
	struct xen_bucket **link = &map->hash[number % XEN_MAP_HASH];

	while (*link && (*link)->number != number)
		link = &(*link)->next;
	return link;
}

/** The bucket with 'page' mapped, or NULL. */
static struct xen_bucket *get_bucket(struct xen_map *map, uint64_t number, uint64_t page)
{
	struct xen_bucket **link = find_bucket(map, number);
	struct xen_bucket *bucket;

	if (*link && has_page(*link, page))
		return *link;
	if (*link)
		drop_bucket(map, link);
	bucket = create_bucket(map, number);
	return bucket && has_page(bucket, page) ? bucket : NULL;
}

/* Users */

void *xen_map_get(struct xen_map *map, uint64_t gpa, size_t *length)
{
	uint64_t number = gpa / BUCKET_BYTES, offset = gpa % BUCKET_BYTES;
	uint64_t end = min_u64(offset + min_u64(*length, ram_from(map, gpa)), BUCKET_BYTES);
	uint64_t page = offset / XEN_PAGE_BYTES;
	struct xen_bucket *bucket;

	if (end <= offset)
		return NULL;
	bucket = get_bucket(map, number, page);
	if (!bucket)
		return NULL;
	while (page * XEN_PAGE_BYTES < end && has_page(bucket, page))
		page++;
	*length = (size_t)(min_u64(end, page * XEN_PAGE_BYTES) - offset);
	bucket->users++;
	bucket->last_used = ++map->ticks;
	return bucket->host + offset;
}

static bool holds(const struct xen_bucket *bucket, const void *host)
{
	uintptr_t address = (uintptr_t)host, begin = (uintptr_t)bucket->host;

	return address >= begin && address - begin < BUCKET_BYTES;
}

static bool put_bucket(struct xen_bucket *bucket, const void *host, uint64_t *gpa)
{
	*gpa = bucket->number * BUCKET_BYTES + (uintptr_t)host - (uintptr_t)bucket->host;
	bucket->users--;
	return true;
}

bool xen_map_put(struct xen_map *map, const void *host, uint64_t *gpa)
{
	for (unsigned i = 0; i < XEN_MAP_HASH; i++)
		for (struct xen_bucket *bucket = map->hash[i]; bucket; bucket = bucket->next)
			if (holds(bucket, host))
				return put_bucket(bucket, host, gpa);
	for (struct xen_bucket **link = &map->stale; *link; link = &(*link)->next) {
		struct xen_bucket *bucket = *link;

		if (!holds(bucket, host))
			continue;
		put_bucket(bucket, host, gpa);
		if (!bucket->users) {
			*link = bucket->next;
			free_bucket(map, bucket);
		}
		return true;
	}
	return false;
}

void xen_map_invalidate(struct xen_map *map)
{
	map->invalidations++;
	for (unsigned i = 0; i < XEN_MAP_HASH; i++)
		while (map->hash[i])
			drop_bucket(map, &map->hash[i]);
}

void xen_map_finish(struct xen_map *map)
{
	xen_map_invalidate(map);
	while (map->stale) {
		struct xen_bucket *bucket = map->stale;

		map->stale = bucket->next;
		free_bucket(map, bucket);
	}
}
