// SPDX-License-Identifier: GPL-2.0-or-later
#include "hv/xen_qdisk_queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/trace.h"
#include "hv/xen_backend.h"

_Static_assert((int)XEN_BLKIF_MAX_SEGMENTS <= (int)XEN_GRANTS_AT_ONCE, "one call maps a request");
_Static_assert((int)XEN_BLKIF_MAX_SEGMENTS <=
		       (int)XEN_BLKIF_INDIRECT_PAGES * (int)XEN_BLKIF_SEGMENTS_PER_PAGE,
	       "a request names that many");

/* Answers */

/** What has been answered since the last turn is shown, and there may be room for more. */
static void take_turn(void *opaque)
{
	struct xen_qdisk_queue *queue = opaque;

	queue->is_posted = false;
	if (xen_blkif_ring_publish(&queue->ring))
		xen_backend_notify(queue->backend);
	xen_qdisk_queue_run(queue);
}

static void post_turn(struct xen_qdisk_queue *queue)
{
	if (queue->is_posted)
		return;
	queue->is_posted = loop_post(queue->loop, take_turn, queue) == 0;
	if (!queue->is_posted && xen_blkif_ring_publish(&queue->ring))
		xen_backend_notify(queue->backend);
}

/** Linux takes a disk out of use whose answers name another operation. Of an indirect request it
 * expects the inner one. */
static uint8_t answered_operation(const struct xen_blkif_request *request)
{
	return request->operation == XEN_BLKIF_INDIRECT ? request->inner_operation
							: request->operation;
}

static void answer(struct xen_qdisk_queue *queue, const struct xen_blkif_request *request,
		   enum xen_blkif_status status)
{
	queue->refused += status != XEN_BLKIF_OKAY;
	xen_blkif_ring_respond(&queue->ring, request->id, answered_operation(request), status);
	post_turn(queue);
}

static void finish(struct xen_qdisk_slot *slot, int result)
{
	struct xen_qdisk_queue *queue = slot->queue;

	xen_grants_unmap(&queue->grants, &slot->use);
	slot->busy = false;
	queue->busy--;
	xen_blkif_ring_respond(&queue->ring, slot->id, slot->operation,
			       result == 0 ? XEN_BLKIF_OKAY : XEN_BLKIF_ERROR);
	post_turn(queue);
}

/* Requests under way */

static void start(struct xen_qdisk_slot *slot)
{
	slot->queue->host->start(slot->queue->disk, &slot->request);
}

static void start_discard(struct xen_qdisk_slot *slot)
{
	slot->request.length =
		min_u64(slot->discard_end - slot->request.offset, XEN_QDISK_DISCARD_BYTES);
	start(slot);
}

static void complete(struct pv_disk_request *request, int result)
{
	struct xen_qdisk_slot *slot = container_of(request, struct xen_qdisk_slot, request);

	TRACE(xen_qdisk, done, "op %d offset %llu: %d", request->op,
	      (unsigned long long)request->offset, result);
	if (result == 0 && slot->writes_next) {
		slot->writes_next = false;
		request->op = PV_DISK_WRITE;
		start(slot);
		return;
	}
	if (result == 0 && request->op == PV_DISK_DISCARD) {
		request->offset += request->length;
		/* It is advice: what is left of it is not waited for when the guest stands still.
		 */
		if (request->offset < slot->discard_end && !slot->queue->held) {
			start_discard(slot);
			return;
		}
	}
	finish(slot, result);
}

/** There is one: no request is taken without. */
static struct xen_qdisk_slot *take_slot(struct xen_qdisk_queue *queue,
					const struct xen_blkif_request *request, enum pv_disk_op op)
{
	struct xen_qdisk_slot *slot = queue->slots;

	while (slot->busy)
		slot++;
	slot->busy = true;
	slot->writes_next = false;
	slot->id = request->id;
	slot->operation = answered_operation(request);
	slot->use = (struct xen_grants_use){ 0 };
	slot->request = (struct pv_disk_request){
		.op = op,
		.number = (unsigned)(slot - queue->slots),
		.offset = request->sector * XEN_BLKIF_SECTOR_BYTES,
		.iov = slot->iov,
		.complete = complete,
	};
	queue->busy++;
	return slot;
}

/** Whether the disk has these sectors, and how many it has. */
static bool is_on_disk(struct xen_qdisk_queue *queue, uint64_t sector, uint64_t sectors,
		       bool writes)
{
	struct pv_disk_info info = { 0 };

	queue->host->get_info(queue->disk, &info);
	return range_fits(sector, sectors, info.bytes / XEN_BLKIF_SECTOR_BYTES) &&
	       !(writes && info.read_only);
}

/** Pages that follow one another make one piece. */
static void describe_memory(struct xen_qdisk_slot *slot, const struct xen_blkif_segment *segments,
			    unsigned count, uint8_t *const *pages)
{
	unsigned pieces = 0;

	for (unsigned i = 0; i < count; i++) {
		uint8_t first = segments[i].first_sector, last = segments[i].last_sector;
		uint8_t *base = pages[i] + (size_t)first * XEN_BLKIF_SECTOR_BYTES;
		size_t bytes = (size_t)(last - first + 1) * XEN_BLKIF_SECTOR_BYTES;
		struct iovec *before = pieces ? &slot->iov[pieces - 1] : NULL;

		if (before && (uint8_t *)before->iov_base + before->iov_len == base)
			before->iov_len += bytes;
		else
			slot->iov[pieces++] = (struct iovec){ base, bytes };
	}
	slot->request.iov_count = pieces;
}

/** 'segments' are ours: what they say has been checked, and stays. */
static void start_transfer(struct xen_qdisk_queue *queue, const struct xen_blkif_request *request,
			   uint8_t operation, const struct xen_blkif_segment *segments,
			   unsigned count)
{
	bool reads = operation == XEN_BLKIF_READ;
	uint64_t sectors = xen_blkif_count_sectors(segments, count);
	uint32_t references[XEN_BLKIF_MAX_SEGMENTS];
	uint8_t *pages[XEN_BLKIF_MAX_SEGMENTS];
	struct xen_grants_use use;
	struct xen_qdisk_slot *slot;

	if (sectors == 0 || !is_on_disk(queue, request->sector, sectors, !reads)) {
		answer(queue, request, XEN_BLKIF_ERROR);
		return;
	}
	for (unsigned i = 0; i < count; i++)
		references[i] = segments[i].grant;
	if (xen_grants_map(&queue->grants, references, count, reads, pages, &use) < 0) {
		answer(queue, request, XEN_BLKIF_ERROR);
		return;
	}
	slot = take_slot(queue, request, reads ? PV_DISK_READ : PV_DISK_WRITE);
	slot->use = use;
	describe_memory(slot, segments, count, pages);
	if (operation == XEN_BLKIF_FLUSH) {
		slot->writes_next = true;
		slot->request.op = PV_DISK_FLUSH;
	}
	start(slot);
}

static void start_direct(struct xen_qdisk_queue *queue, const struct xen_blkif_request *request)
{
	if (request->segment_count > XEN_BLKIF_DIRECT_SEGMENTS)
		answer(queue, request, XEN_BLKIF_ERROR);
	else
		start_transfer(queue, request, request->operation, request->segments,
			       request->segment_count);
}

static void start_flush(struct xen_qdisk_queue *queue, const struct xen_blkif_request *request)
{
	if (request->segment_count)
		start_direct(queue, request);
	else
		start(take_slot(queue, request, PV_DISK_FLUSH));
}

/** Copies the segments out of the guest's pages, once. */
static int read_segments(struct xen_qdisk_queue *queue, const struct xen_blkif_request *request,
			 struct xen_blkif_segment *segments)
{
	unsigned left = request->segment_count;
	unsigned count = (left + XEN_BLKIF_SEGMENTS_PER_PAGE - 1) / XEN_BLKIF_SEGMENTS_PER_PAGE;
	uint8_t *pages[XEN_BLKIF_INDIRECT_PAGES];
	struct xen_grants_use use;
	int result =
		xen_grants_map(&queue->grants, request->indirect_grants, count, false, pages, &use);

	for (unsigned i = 0; i < count && result == 0; i++) {
		unsigned here = (unsigned)min_u64(left, XEN_BLKIF_SEGMENTS_PER_PAGE);

		memcpy(segments + (size_t)i * XEN_BLKIF_SEGMENTS_PER_PAGE, pages[i],
		       here * sizeof(*segments));
		left -= here;
	}
	__asm__ volatile("" ::: "memory");
	xen_grants_unmap(&queue->grants, &use);
	return result;
}

static void start_indirect(struct xen_qdisk_queue *queue, const struct xen_blkif_request *request)
{
	struct xen_blkif_segment segments[XEN_BLKIF_MAX_SEGMENTS];

	if ((request->inner_operation != XEN_BLKIF_READ &&
	     request->inner_operation != XEN_BLKIF_WRITE) ||
	    request->segment_count == 0 || request->segment_count > XEN_BLKIF_MAX_SEGMENTS ||
	    read_segments(queue, request, segments) < 0)
		answer(queue, request, XEN_BLKIF_ERROR);
	else
		start_transfer(queue, request, request->inner_operation, segments,
			       request->segment_count);
}

static void begin_discard(struct xen_qdisk_queue *queue, const struct xen_blkif_request *request)
{
	struct xen_qdisk_slot *slot;

	if (request->discard_flag & XEN_BLKIF_DISCARD_SECURE) {
		answer(queue, request, XEN_BLKIF_NOT_SUPPORTED);
		return;
	}
	if (!is_on_disk(queue, request->sector, request->discard_sectors, true)) {
		answer(queue, request, XEN_BLKIF_ERROR);
		return;
	}
	if (request->discard_sectors == 0) {
		answer(queue, request, XEN_BLKIF_OKAY);
		return;
	}
	slot = take_slot(queue, request, PV_DISK_DISCARD);
	slot->discard_end =
		slot->request.offset + request->discard_sectors * XEN_BLKIF_SECTOR_BYTES;
	start_discard(slot);
}

static void begin_request(struct xen_qdisk_queue *queue, const struct xen_blkif_request *request)
{
	TRACE(xen_qdisk, request, "op %u sector %llu segments %u", request->operation,
	      (unsigned long long)request->sector, request->segment_count);
	switch (request->operation) {
	case XEN_BLKIF_READ:
	case XEN_BLKIF_WRITE:
		start_direct(queue, request);
		break;
	case XEN_BLKIF_FLUSH:
		start_flush(queue, request);
		break;
	case XEN_BLKIF_DISCARD:
		begin_discard(queue, request);
		break;
	case XEN_BLKIF_INDIRECT:
		start_indirect(queue, request);
		break;
	default:
		answer(queue, request, XEN_BLKIF_NOT_SUPPORTED);
		break;
	}
}

void xen_qdisk_queue_run(struct xen_qdisk_queue *queue)
{
	struct xen_blkif_request request;
	unsigned taken = 0;

	if (!queue->slots || queue->held)
		return;
	while (taken < XEN_QDISK_PER_TURN && queue->busy < queue->slot_count &&
	       xen_blkif_ring_take(&queue->ring, &request)) {
		taken++;
		begin_request(queue, &request);
	}
	if (queue->ring.is_broken && !queue->told_broken) {
		queue->told_broken = true;
		log_guest("%s: the guest's ring makes no sense and is left alone",
			  queue->backend->path);
	}
	/* With all slots taken, the next one that is free looks again. */
	if (queue->busy < queue->slot_count && !xen_blkif_ring_wait(&queue->ring))
		post_turn(queue);
}

/* Life */

int xen_qdisk_queue_begin(struct xen_qdisk_queue *queue, void *ring, unsigned bytes,
			  const struct xen_blkif_layout *layout, bool keeps_grants)
{
	struct xen_bus *bus = queue->backend->bus;
	uint32_t entries = xen_blkif_count_entries(layout, bytes);
	int result;

	queue->loop = bus->loop;
	queue->held = bus->held;
	queue->slot_count = (unsigned)min_u64(entries, XEN_QDISK_SLOTS);
	queue->busy = 0;
	queue->is_posted = queue->told_broken = false;
	queue->slots = calloc(queue->slot_count, sizeof(*queue->slots));
	result = queue->slots
			 ? xen_grants_init(&queue->grants, bus->grants, bus->domid, keeps_grants)
			 : -ENOMEM;
	if (result == 0)
		result = queue->host->attach(queue->disk, queue->slot_count);
	if (result < 0) {
		xen_grants_finish(&queue->grants);
		free(queue->slots);
		queue->slots = NULL;
		return result;
	}
	for (unsigned i = 0; i < queue->slot_count; i++)
		queue->slots[i].queue = queue;
	xen_blkif_ring_attach(&queue->ring, ring, bytes, layout);
	return 0;
}

void xen_qdisk_queue_end(struct xen_qdisk_queue *queue, bool answers)
{
	if (!queue->slots)
		return;
	queue->held = true;
	if (!answers)
		xen_blkif_ring_detach(&queue->ring);
	queue->host->detach(queue->disk);
	loop_unpost(queue->loop, take_turn, queue);
	if (xen_blkif_ring_publish(&queue->ring))
		xen_backend_notify(queue->backend);
	xen_blkif_ring_detach(&queue->ring);
	xen_grants_finish(&queue->grants);
	free(queue->slots);
	queue->slots = NULL;
}

void xen_qdisk_queue_hold(struct xen_qdisk_queue *queue)
{
	queue->held = true;
	if (!queue->slots)
		return;
	queue->host->drain(queue->disk);
	if (xen_blkif_ring_publish(&queue->ring))
		xen_backend_notify(queue->backend);
}

void xen_qdisk_queue_release(struct xen_qdisk_queue *queue)
{
	queue->held = false;
	xen_qdisk_queue_run(queue);
}
