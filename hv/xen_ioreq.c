// SPDX-License-Identifier: GPL-2.0-or-later
#include "hv/xen_ioreq.h"

#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/log.h"
#include "base/trace.h"
#include "hv/hv.h"

enum {
	MAX_ITEM_BYTES = 8,
	PORT_COUNT = 0x10000,
	CONFIG_BYTES = 256,
	FUNCTION_COUNT = 256, /* of bus 0, the only one */
};

/* The shared slot: single loads and stores, so that nothing is read twice. */

bool xen_ioreq_take(struct xen_ioreq *shared, struct xen_ioreq *request)
{
	uint8_t flags = __atomic_load_n(&shared->flags, __ATOMIC_ACQUIRE);

	if ((flags & XEN_IOREQ_STATE) != XEN_IOREQ_READY)
		return false;
	flags = (uint8_t)((flags & ~XEN_IOREQ_STATE) | XEN_IOREQ_IN_PROCESS);
	__atomic_store_n(&shared->flags, flags, __ATOMIC_RELAXED);
	*request = (struct xen_ioreq){
		.address = __atomic_load_n(&shared->address, __ATOMIC_RELAXED),
		.data = __atomic_load_n(&shared->data, __ATOMIC_RELAXED),
		.count = __atomic_load_n(&shared->count, __ATOMIC_RELAXED),
		.size = __atomic_load_n(&shared->size, __ATOMIC_RELAXED),
		.type = __atomic_load_n(&shared->type, __ATOMIC_RELAXED),
		.flags = flags,
	};
	return true;
}

void xen_ioreq_answer(struct xen_ioreq *shared, const struct xen_ioreq *request)
{
	uint8_t flags = (uint8_t)((request->flags & ~XEN_IOREQ_STATE) | XEN_IOREQ_RESPONSE_READY);

	if ((request->flags & XEN_IOREQ_READ) && !(request->flags & XEN_IOREQ_POINTER))
		__atomic_store_n(&shared->data, request->data, __ATOMIC_RELAXED);
	__atomic_store_n(&shared->flags, flags, __ATOMIC_RELEASE);
}

/* What a request says */

static bool is_read(const struct xen_ioreq *request)
{
	return (request->flags & XEN_IOREQ_READ) != 0;
}

static bool is_down(const struct xen_ioreq *request)
{
	return (request->flags & XEN_IOREQ_DOWN) != 0;
}

static bool has_pointer(const struct xen_ioreq *request)
{
	return (request->flags & XEN_IOREQ_POINTER) != 0;
}

/** The address of item 'index' of a run that starts at 'base'. */
static uint64_t item_address(const struct xen_ioreq *request, uint64_t base, uint32_t index)
{
	uint64_t distance = (uint64_t)index * request->size;

	return is_down(request) ? base - distance : base + distance;
}

/** A port, and a whole item behind it, or a register of a function of bus 0. */
static bool has_target(const struct xen_ioreq *request)
{
	switch (request->type) {
	case XEN_IOREQ_PIO:
		return range_fits(request->address, request->size, PORT_COUNT);
	case XEN_IOREQ_PCI_CONFIG:
		return request->address >> 32 < FUNCTION_COUNT &&
		       range_fits((uint32_t)request->address, request->size, CONFIG_BYTES);
	default:
		return true;
	}
}

static bool is_sane(const struct xen_ioreq *request)
{
	unsigned limit = request->type == XEN_IOREQ_COPY ? MAX_ITEM_BYTES : 4;

	return is_power_of_two(request->size) && request->size <= limit &&
	       request->count <= XEN_IOREQ_MAX_COUNT && has_target(request);
}

/* Items: one access after the other, in the guest's order */

static uint32_t smaller(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/** Upwards through memory, as many at once as the client takes. */
static void access_run(struct xen_ioreq_engine *engine, const struct xen_ioreq *request,
		       uint32_t first, uint8_t *items, uint32_t count)
{
	const struct hv_client *client = engine->client;
	uint32_t piece;

	for (uint32_t done = 0; done < count; done += piece) {
		piece = smaller(count - done, HV_RUN_ITEMS);
		client->mmio_run(client->opaque,
				 item_address(request, request->address, first + done),
				 is_read(request), request->size,
				 items + (size_t)done * request->size, piece);
	}
}

/** Item 'first' and the 'count' after it, from or into 'items', which holds them in order. */
static void access_items(struct xen_ioreq_engine *engine, const struct xen_ioreq *request,
			 uint32_t first, uint8_t *items, uint32_t count)
{
	const struct hv_client *client = engine->client;
	uint64_t address = request->address;

	if (request->type == XEN_IOREQ_PIO) {
		client->pio(client->opaque, (uint16_t)address, is_read(request), request->size,
			    items, count);
		return;
	}
	if (request->type == XEN_IOREQ_COPY && count > 1 && !is_down(request)) {
		access_run(engine, request, first, items, count);
		return;
	}
	for (uint32_t i = 0; i < count; i++, items += request->size) {
		if (request->type == XEN_IOREQ_PCI_CONFIG)
			client->pci_config(client->opaque, (uint32_t)(address >> 32),
					   (uint32_t)address, is_read(request), request->size,
					   items);
		else
			client->mmio(client->opaque, item_address(request, address, first + i),
				     is_read(request), request->size, items);
	}
}

static void reverse_items(uint8_t *items, unsigned size, uint32_t count)
{
	for (uint32_t low = 0, high = count; low + 1 < high; low++, high--) {
		uint8_t *a = items + (size_t)low * size, *b = items + (size_t)(high - 1) * size;
		uint8_t item[MAX_ITEM_BYTES];

		memcpy(item, a, size);
		memcpy(a, b, size);
		memcpy(b, item, size);
	}
}

/** One buffer full of a repeated access whose values are in guest memory. */
static void execute_chunk(struct xen_ioreq_engine *engine, const struct xen_ioreq *request,
			  uint32_t first, uint32_t count)
{
	uint32_t lowest = is_down(request) ? first + count - 1 : first;
	uint64_t gpa = item_address(request, request->data, lowest);
	size_t length = (size_t)count * request->size;

	if (!is_read(request)) {
		engine->read_ram(engine->opaque, gpa, engine->buffer, length);
		if (is_down(request))
			reverse_items(engine->buffer, request->size, count);
	}
	access_items(engine, request, first, engine->buffer, count);
	if (is_read(request)) {
		if (is_down(request))
			reverse_items(engine->buffer, request->size, count);
		engine->write_ram(engine->opaque, gpa, engine->buffer, length);
	}
}

static uint32_t items_at_once(const struct xen_ioreq_engine *engine,
			      const struct xen_ioreq *request, uint32_t done)
{
	return smaller(request->count - done, (uint32_t)sizeof(engine->buffer) / request->size);
}

static void execute_pointer(struct xen_ioreq_engine *engine, const struct xen_ioreq *request)
{
	uint32_t count;

	for (uint32_t done = 0; done < request->count; done += count) {
		count = items_at_once(engine, request, done);
		execute_chunk(engine, request, done, count);
	}
}

/** The value is in the request, and there is one access. */
static void execute_single(struct xen_ioreq_engine *engine, struct xen_ioreq *request)
{
	uint8_t item[MAX_ITEM_BYTES] = { 0 };

	if (!is_read(request))
		store_le(item, request->size, request->data);
	access_items(engine, request, 0, item, 1);
	if (is_read(request))
		request->data = load_le(item, request->size);
}

/** Memory is filled with the value in the request (REP STOS); of repeated reads the last counts. */
static void execute_fill(struct xen_ioreq_engine *engine, struct xen_ioreq *request)
{
	uint8_t *items = engine->buffer;
	uint32_t count = 0;

	for (uint32_t done = 0; done < request->count; done += count) {
		count = items_at_once(engine, request, done);
		for (uint32_t i = 0; i < count && !is_read(request); i++)
			store_le(items + (size_t)i * request->size, request->size, request->data);
		access_items(engine, request, done, items, count);
	}
	if (is_read(request) && count)
		request->data = load_le(items + (size_t)(count - 1) * request->size, request->size);
}

static void execute_access(struct xen_ioreq_engine *engine, struct xen_ioreq *request)
{
	if (!is_sane(request)) {
		log_guest("request of type %u, size %u, count %u at %llx is not served",
			  request->type, request->size, request->count,
			  (unsigned long long)request->address);
		xen_ioreq_void(request);
	} else if (has_pointer(request)) {
		execute_pointer(engine, request);
	} else if (request->type == XEN_IOREQ_COPY && request->count != 1) {
		execute_fill(engine, request);
	} else {
		execute_single(engine, request);
	}
}

void xen_ioreq_execute(struct xen_ioreq_engine *engine, struct xen_ioreq *request)
{
	switch (request->type) {
	case XEN_IOREQ_PIO:
		engine->pio++;
		break;
	case XEN_IOREQ_COPY:
		engine->mmio++;
		break;
	case XEN_IOREQ_PCI_CONFIG:
		engine->config++;
		break;
	case XEN_IOREQ_INVALIDATE:
		engine->invalidate(engine->opaque);
		return;
	case XEN_IOREQ_TIME_OFFSET: /* the clock is Xen's */
		return;
	default:
		log_guest("request of unknown type %u is not served", request->type);
		xen_ioreq_void(request);
		return;
	}
	execute_access(engine, request);
	TRACE(xen, ioreq, "type %u %s %llx size %u count %u data %llx", request->type,
	      is_read(request) ? "read" : "write", (unsigned long long)request->address,
	      request->size, request->count, (unsigned long long)request->data);
}

void xen_ioreq_void(struct xen_ioreq *request)
{
	if (is_read(request))
		request->data = request->size < 8 ? ones(request->size) : UINT64_MAX;
}
