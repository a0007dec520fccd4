// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The I/O request engine: takes one synchronous request of Xen from its shared slot, executes it
 * through the core's client, and answers. Pure: no Xen library, no lock of its own, no allocation.
 *
 *   NONE --Xen--> READY --xen_ioreq_take--> IN_PROCESS --xen_ioreq_answer--> RESPONSE_READY
 * --Xen-->
 *
 * A request is copied once and only the copy is looked at (XSA-197); what it says is checked before
 * it is used (XSA-199). Nothing in a request can make the engine fail: what makes no sense reads as
 * all ones and writes nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hv/xen_ioreq_regs.h"

struct hv_client;

enum {
	/* Xen cuts repetitions at 4096 items, and at a page if they access memory. */
	XEN_IOREQ_MAX_COUNT = 4096,
};

/** What executes requests: the client's hooks, which are called without the machine lock, and guest
 * memory for repeated accesses. */
struct xen_ioreq_engine {
	const struct hv_client *client;
	void *opaque;
	/** Copies guest-physical memory of any length; what is not RAM reads as all ones and
	 * swallows what is written. */
	void (*read_ram)(void *opaque, uint64_t gpa, void *data, size_t length);
	void (*write_ram)(void *opaque, uint64_t gpa, const void *data, size_t length);
	/** Pages have moved: no mapping made before may be used again. */
	void (*invalidate)(void *opaque);
	uint64_t pio, mmio, config; /* requests */
	uint8_t buffer[XEN_PAGE_BYTES];
};

/** Moves 'shared' from READY to IN_PROCESS and copies it. False if there is nothing to do. */
bool xen_ioreq_take(struct xen_ioreq *shared, struct xen_ioreq *request);

/** Executes the private copy, into request->data if it is a read. */
void xen_ioreq_execute(struct xen_ioreq_engine *engine, struct xen_ioreq *request);

/** Answers a request as if nothing were at its address: the guest has ended. */
void xen_ioreq_void(struct xen_ioreq *request);

/** Publishes the data and moves 'shared' to RESPONSE_READY. The caller notifies Xen. */
void xen_ioreq_answer(struct xen_ioreq *shared, const struct xen_ioreq *request);
