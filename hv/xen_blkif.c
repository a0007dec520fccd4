// SPDX-License-Identifier: GPL-2.0-or-later
#include "hv/xen_blkif.h"

#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"

static const struct xen_blkif_layout layouts[] = {
	{ "x86_64-abi", 112, 16, 8, 16, 24, 24, 28 },
	{ "x86_32-abi", 108, 12, 4, 12, 20, 20, 24 },
};

const struct xen_blkif_layout *xen_blkif_find_layout(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(layouts); i++)
		if (strcmp(layouts[i].name, name) == 0)
			return &layouts[i];
	return NULL;
}

uint32_t xen_blkif_count_entries(const struct xen_blkif_layout *layout, unsigned bytes)
{
	uint32_t fit = (bytes - (uint32_t)sizeof(struct xen_blkif_head)) / layout->entry_bytes;
	uint32_t entries = 1;

	while (entries * 2 <= fit)
		entries *= 2;
	return entries;
}

static struct xen_blkif_head *head(const struct xen_blkif_ring *ring)
{
	return (void *)ring->pages;
}

static uint8_t *entry(const struct xen_blkif_ring *ring, uint32_t number)
{
	return ring->pages + sizeof(struct xen_blkif_head) +
	       (size_t)(number % ring->entries) * ring->layout->entry_bytes;
}

void xen_blkif_ring_attach(struct xen_blkif_ring *ring, void *pages, unsigned bytes,
			   const struct xen_blkif_layout *layout)
{
	uint32_t start;

	*ring = (struct xen_blkif_ring){
		.pages = pages,
		.layout = layout,
		.entries = xen_blkif_count_entries(layout, bytes),
	};
	start = __atomic_load_n(&head(ring)->response_producer, __ATOMIC_ACQUIRE);
	ring->consumer = ring->producer = ring->published = start;
}

void xen_blkif_ring_detach(struct xen_blkif_ring *ring)
{
	ring->pages = NULL;
}

/** Requests that wait. More than there are entries without an answer is no ring any more. */
static uint32_t count_waiting(struct xen_blkif_ring *ring)
{
	uint32_t end;

	if (!ring->pages || ring->is_broken)
		return 0;
	end = __atomic_load_n(&head(ring)->request_producer, __ATOMIC_ACQUIRE);
	ring->is_broken =
		end - ring->producer > ring->entries || end - ring->consumer > ring->entries;
	return ring->is_broken ? 0 : end - ring->consumer;
}

static void read_direct(struct xen_blkif_request *request, const uint8_t *copy,
			const struct xen_blkif_layout *layout)
{
	request->segment_count = copy[XEN_BLKIF_SEGMENT_COUNT];
	memcpy(request->segments, copy + layout->segments, sizeof(request->segments));
}

static void read_discard(struct xen_blkif_request *request, const uint8_t *copy,
			 const struct xen_blkif_layout *layout)
{
	request->discard_flag = copy[XEN_BLKIF_DISCARD_FLAG];
	request->discard_sectors = load_le64(copy + layout->discard_sectors);
}

static void read_indirect(struct xen_blkif_request *request, const uint8_t *copy,
			  const struct xen_blkif_layout *layout)
{
	request->inner_operation = copy[XEN_BLKIF_INDIRECT_OPERATION];
	request->segment_count = load_le16(copy + XEN_BLKIF_INDIRECT_COUNT);
	memcpy(request->indirect_grants, copy + layout->indirect_grants,
	       sizeof(request->indirect_grants));
}

bool xen_blkif_ring_take(struct xen_blkif_ring *ring, struct xen_blkif_request *request)
{
	const struct xen_blkif_layout *layout = ring->layout;
	uint8_t copy[XEN_BLKIF_MAX_ENTRY_BYTES];

	if (count_waiting(ring) == 0)
		return false;
	memcpy(copy, entry(ring, ring->consumer++), layout->entry_bytes);
	/* The compiler may not go back to the page for what it has copied. */
	__asm__ volatile("" ::: "memory");
	*request = (struct xen_blkif_request){
		.operation = copy[XEN_BLKIF_OPERATION],
		.id = load_le64(copy + layout->id),
		.sector = load_le64(copy + layout->sector),
	};
	switch (request->operation) {
	case XEN_BLKIF_DISCARD:
		read_discard(request, copy, layout);
		break;
	case XEN_BLKIF_INDIRECT:
		read_indirect(request, copy, layout);
		break;
	default:
		read_direct(request, copy, layout);
		break;
	}
	return true;
}

bool xen_blkif_ring_wait(struct xen_blkif_ring *ring)
{
	if (!ring->pages || ring->is_broken)
		return true;
	__atomic_store_n(&head(ring)->request_event, ring->consumer + 1, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return count_waiting(ring) == 0;
}

void xen_blkif_ring_respond(struct xen_blkif_ring *ring, uint64_t id, uint8_t operation,
			    enum xen_blkif_status status)
{
	uint8_t *at;

	if (!ring->pages)
		return;
	at = entry(ring, ring->producer++);
	store_le64(at + XEN_BLKIF_RESPONSE_ID, id);
	at[XEN_BLKIF_RESPONSE_OPERATION] = operation;
	store_le16(at + XEN_BLKIF_RESPONSE_STATUS, (uint16_t)status);
}

bool xen_blkif_ring_publish(struct xen_blkif_ring *ring)
{
	uint32_t before = ring->published, event;

	if (!ring->pages || before == ring->producer)
		return false;
	ring->published = ring->producer;
	__atomic_store_n(&head(ring)->response_producer, ring->producer, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	event = __atomic_load_n(&head(ring)->response_event, __ATOMIC_RELAXED);
	return ring->producer - event < ring->producer - before;
}

uint64_t xen_blkif_count_sectors(const struct xen_blkif_segment *segments, unsigned count)
{
	uint64_t sectors = 0;

	for (unsigned i = 0; i < count; i++) {
		if (segments[i].first_sector > segments[i].last_sector ||
		    segments[i].last_sector >= XEN_BLKIF_PAGE_SECTORS)
			return 0;
		sectors += (uint64_t)(segments[i].last_sector - segments[i].first_sector) + 1;
	}
	return sectors;
}
