// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a paravirtual disk does with a driver's ring: takes requests, checks them, maps their pages,
 * hands them to the image, answers. So many are under way at a time, and so many are taken in a
 * turn of the loop; the rest wait in the ring. Answers of a turn are shown to the guest together.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "hv/pv_disk.h"
#include "hv/xen_blkif.h"
#include "hv/xen_grants.h"

struct loop;
struct xen_backend;

enum {
	XEN_QDISK_SLOTS = 64, /* requests under way */
	XEN_QDISK_PER_TURN = 64,
	/* A discard is carried out in pieces, so that none of any size keeps us. */
	XEN_QDISK_DISCARD_BYTES = 1 << 30,
};

/** A request under way. */
struct xen_qdisk_slot {
	struct pv_disk_request request;
	struct xen_qdisk_queue *queue;
	bool busy;
	bool writes_next; /* a flush with data: it is written afterwards */
	uint64_t id;
	uint8_t operation;
	uint64_t discard_end; /* bytes */
	struct xen_grants_use use;
	struct iovec iov[XEN_BLKIF_MAX_SEGMENTS];
};

struct xen_qdisk_queue {
	const struct xen_backend *backend; /* whose channel wakes the guest */
	struct loop *loop;
	const struct pv_disk_host *host;
	void *disk;
	struct xen_blkif_ring ring;
	struct xen_grants grants;
	struct xen_qdisk_slot *slots; /* NULL: not begun */
	unsigned slot_count, busy;
	bool held, is_posted, told_broken;
	uint64_t refused; /* requests that made no sense, for tests */
};

/** Begins with a ring of so many bytes. 0, or -errno. */
int xen_qdisk_queue_begin(struct xen_qdisk_queue *queue, void *ring, unsigned bytes,
			  const struct xen_blkif_layout *layout, bool keeps_grants);
/** Everything under way is brought to its end. With 'answers' the guest still looks at the ring. */
void xen_qdisk_queue_end(struct xen_qdisk_queue *queue, bool answers);
/** The guest has rung. */
void xen_qdisk_queue_run(struct xen_qdisk_queue *queue);
/** Nothing is taken, under way or written to the guest's pages until it is let go. */
void xen_qdisk_queue_hold(struct xen_qdisk_queue *queue);
void xen_qdisk_queue_release(struct xen_qdisk_queue *queue);
