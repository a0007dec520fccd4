// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Events for a paravirtual keyboard and pointer, in a ring of 51 that the guest may spoil at any
 * time. There is no queue behind it: what finds no room is kept as the state that the guest should
 * know of (keys, buttons, position, movement added up), and given as soon as there is room, so that
 * a guest that sleeps never finds a key stuck. Pure: no host, no Xen.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/input.h"

enum {
	XEN_VKBD_KEY_BYTES = INPUT_KEY_COUNT / 8,
};

struct xen_vkbd_ring {
	uint8_t *page;     /* shared with the guest; NULL: not attached */
	uint32_t producer; /* ours: that of the page is never read again */
	bool held;         /* nothing is written for now */
	/* What the guest should know, and what it has been told. */
	uint8_t keys[XEN_VKBD_KEY_BYTES], told_keys[XEN_VKBD_KEY_BYTES];
	unsigned buttons, told_buttons;
	bool has_position; /* not told yet */
	int32_t x, y;
	int32_t dx, dy, dz; /* not told yet */
};

/** Begins anew on a page of the guest, 4096 bytes. */
void xen_vkbd_ring_attach(struct xen_vkbd_ring *ring, void *page);
void xen_vkbd_ring_detach(struct xen_vkbd_ring *ring);

/** Each of these says whether the guest has something new to look at. A key that is down already
 * repeats. */
bool xen_vkbd_ring_key(struct xen_vkbd_ring *ring, unsigned key, bool down);
/** 'dz' > 0 is away from the user; 'buttons' as in base/input.h. */
bool xen_vkbd_ring_move(struct xen_vkbd_ring *ring, int dx, int dy, int dz, unsigned buttons);
bool xen_vkbd_ring_move_to(struct xen_vkbd_ring *ring, int32_t x, int32_t y, int dz,
			   unsigned buttons);
/** There may be room again: gives what waits. */
bool xen_vkbd_ring_flush(struct xen_vkbd_ring *ring);
/** The guest has taken everything. */
bool xen_vkbd_ring_is_empty(const struct xen_vkbd_ring *ring);
/** What the guest sends has no meaning and is taken as read. */
void xen_vkbd_ring_discard_output(struct xen_vkbd_ring *ring);
