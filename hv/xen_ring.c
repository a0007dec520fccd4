// SPDX-License-Identifier: GPL-2.0-or-later
#include "hv/xen_ring.h"

#include "base/bits.h"
#include "base/log.h"
#include "hv/hv.h"

enum {
	WIDE_SIZE = 3, /* 8 bytes: two slots */
};

struct pointers {
	uint32_t read, write;
};

/**
 * Xen may take a multiple of the ring's size off both pointers at any time, at once (it keeps them
 * from wrapping). Both are therefore read at once, too.
 */
static struct pointers load_pointers(const struct xen_ring_page *page)
{
	const uint64_t *both = (const void *)&page->read_pointer;
	uint64_t value = __atomic_load_n(both, __ATOMIC_ACQUIRE);

	return (struct pointers){ (uint32_t)value, (uint32_t)(value >> 32) };
}

static uint64_t load_slot(const struct xen_ring_page *page, uint32_t pointer)
{
	return __atomic_load_n(&page->slots[pointer % XEN_RING_SLOTS], __ATOMIC_RELAXED);
}

static void deliver(const struct hv_client *client, uint64_t slot, uint64_t data)
{
	unsigned type = (slot >> XEN_RING_TYPE_SHIFT) & XEN_RING_TYPE_MASK;
	unsigned size = 1u << ((slot >> XEN_RING_SIZE_SHIFT) & XEN_RING_SIZE_MASK);
	uint64_t address = (slot >> XEN_RING_ADDRESS_SHIFT) & XEN_RING_ADDRESS_MASK;
	bool is_read = (slot >> XEN_RING_READ_SHIFT) & 1;

	if (type == XEN_IOREQ_TIME_OFFSET)
		return;
	if (is_read || (type != XEN_IOREQ_COPY && type != XEN_IOREQ_PIO)) {
		log_guest("buffered request of type %u is not served", type);
		return;
	}
	if (client->collected)
		client->collected(client->opaque, type == XEN_IOREQ_COPY, address, size, &data);
}

bool xen_ring_has_requests(const struct xen_ring_page *page)
{
	struct pointers pointers = load_pointers(page);

	return pointers.read != pointers.write;
}

/** Takes the first of 'available' requests; how many slots it was. */
static unsigned take_request(struct xen_ring_page *page, uint32_t pointer, uint32_t available,
			     const struct hv_client *client)
{
	uint64_t slot = load_slot(page, pointer);
	uint64_t data = slot >> XEN_RING_DATA_SHIFT;

	if (((slot >> XEN_RING_SIZE_SHIFT) & XEN_RING_SIZE_MASK) == WIDE_SIZE) {
		if (available < 2)
			return 1; /* half a request; Xen publishes both halves at once */
		data |= load_slot(page, pointer + 1) >> XEN_RING_DATA_SHIFT << XEN_RING_DATA_SHIFT;
		deliver(client, slot, data);
		return 2;
	}
	deliver(client, slot, data);
	return 1;
}

unsigned xen_ring_drain(struct xen_ring_page *page, const struct hv_client *client)
{
	unsigned taken = 0;

	while (taken < XEN_RING_SLOTS) {
		struct pointers pointers = load_pointers(page);
		uint32_t available = pointers.write - pointers.read;
		unsigned used;

		if (!available)
			break;
		used = take_request(page, pointers.read, available, client);
		/* Relative, since Xen may have moved both pointers since. */
		__atomic_fetch_add(&page->read_pointer, used, __ATOMIC_ACQ_REL);
		taken += used;
	}
	return taken;
}
