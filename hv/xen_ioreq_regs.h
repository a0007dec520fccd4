// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The pages through which Xen hands over I/O requests: Xen 4.17, public/hvm/ioreq.h. Spelled out
 * here, so that the engine builds and is tested without Xen's headers; xen_server.c asserts that
 * both agree.
 */
#pragma once

#include <stdint.h>

/** One synchronous request; the page holds one for each virtual processor. */
struct xen_ioreq {
	uint64_t address; /* port, guest-physical address, or function << 32 | register */
	uint64_t data;    /* the value, or guest-physical address of the values */
	uint32_t count;
	uint32_t size;
	uint32_t port; /* event channel; Xen serves no further request once it was changed */
	uint16_t reserved;
	uint8_t flags; /* xen_ioreq_flag */
	uint8_t type;  /* xen_ioreq_type */
};

enum xen_ioreq_flag {
	XEN_IOREQ_STATE = 0x0f, /* xen_ioreq_state */
	XEN_IOREQ_POINTER = 0x10,
	XEN_IOREQ_READ = 0x20,
	XEN_IOREQ_DOWN = 0x40, /* addresses step down: the direction flag */
};

/* Any other order of states makes Xen crash the guest (wait_for_io). */
enum xen_ioreq_state {
	XEN_IOREQ_NONE,
	XEN_IOREQ_READY,
	XEN_IOREQ_IN_PROCESS,
	XEN_IOREQ_RESPONSE_READY,
};

enum xen_ioreq_type {
	XEN_IOREQ_PIO = 0,
	XEN_IOREQ_COPY = 1, /* memory access */
	XEN_IOREQ_PCI_CONFIG = 2,
	XEN_IOREQ_TIME_OFFSET = 7, /* the guest has set its clock */
	XEN_IOREQ_INVALIDATE = 8,  /* pages of the guest have moved */
};

enum {
	XEN_RING_SLOTS = 511,
	XEN_IOREQ_SLOTS = 128,
	XEN_PAGE_BYTES = 4096,
};

/** Requests without an answer. The pointers count up; Xen takes multiples of XEN_RING_SLOTS off
 * both at once. */
struct xen_ring_page {
	uint32_t read_pointer;
	uint32_t write_pointer;
	uint64_t slots[XEN_RING_SLOTS];
};

/* Fields of a slot: first bit and width. A value of 8 bytes continues in the next slot's data. */
enum xen_ring_field {
	XEN_RING_TYPE_SHIFT = 0,
	XEN_RING_TYPE_MASK = 0xff,
	XEN_RING_READ_SHIFT = 9,
	XEN_RING_SIZE_SHIFT = 10, /* power of two */
	XEN_RING_SIZE_MASK = 3,
	XEN_RING_ADDRESS_SHIFT = 12,
	XEN_RING_ADDRESS_MASK = 0xfffff,
	XEN_RING_DATA_SHIFT = 32,
};
