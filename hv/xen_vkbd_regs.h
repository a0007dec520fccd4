// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The page shared with a paravirtual keyboard: Xen 4.17, public/io/kbdif.h. Spelled out here, so
 * that the ring builds and is tested without Xen's headers; xen_vkbd.c asserts that both agree.
 */
#pragma once

#include <stdint.h>

enum xen_vkbd_event_type {
	XEN_VKBD_MOTION = 1,
	XEN_VKBD_KEY = 3, /* keys and buttons */
	XEN_VKBD_POSITION = 4,
};

/** An event for the guest. */
struct xen_vkbd_event {
	uint8_t type;    /* xen_vkbd_event_type */
	uint8_t pressed; /* of a key */
	uint8_t reserved[2];
	int32_t x; /* movement or position; of a key its Linux code */
	int32_t y;
	int32_t z; /* wheel: positive is towards the user */
	uint8_t padding[24];
};

/** The head of the page. Counters run through all 32 bits. */
struct xen_vkbd_page {
	uint32_t in_consumer, in_producer; /* to the guest: it consumes */
	uint32_t out_consumer, out_producer;
};

enum {
	XEN_VKBD_PAGE_BYTES = 4096,
	XEN_VKBD_IN_OFFSET = 1024,
	XEN_VKBD_IN_EVENTS = 51, /* 2048 bytes of 40 */
	XEN_VKBD_RAW_MAX = 0x7fff,
};
