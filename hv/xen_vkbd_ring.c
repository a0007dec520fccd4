// SPDX-License-Identifier: GPL-2.0-or-later
#include "hv/xen_vkbd_ring.h"

#include <linux/input-event-codes.h>
#include <string.h>

#include "base/bits.h"
#include "hv/xen_vkbd_regs.h"

enum {
	/* Movement that the guest has not taken is added up to this. */
	MOVE_MAX = 1 << 20,
};

static struct xen_vkbd_page *head(const struct xen_vkbd_ring *ring)
{
	return (void *)ring->page;
}

void xen_vkbd_ring_attach(struct xen_vkbd_ring *ring, void *page)
{
	bool held = ring->held;

	*ring = (struct xen_vkbd_ring){ .page = page, .held = held };
	ring->producer = __atomic_load_n(&head(ring)->in_producer, __ATOMIC_RELAXED);
}

void xen_vkbd_ring_detach(struct xen_vkbd_ring *ring)
{
	*ring = (struct xen_vkbd_ring){ .held = ring->held };
}

/** Events that the guest has not taken; more than there are slots if its counter makes no sense. */
static uint32_t count_waiting(const struct xen_vkbd_ring *ring)
{
	return ring->producer - __atomic_load_n(&head(ring)->in_consumer, __ATOMIC_ACQUIRE);
}

bool xen_vkbd_ring_is_empty(const struct xen_vkbd_ring *ring)
{
	return !ring->page || count_waiting(ring) == 0;
}

static bool put(struct xen_vkbd_ring *ring, const struct xen_vkbd_event *event)
{
	uint8_t *slots;

	if (!ring->page || ring->held || count_waiting(ring) >= XEN_VKBD_IN_EVENTS)
		return false;
	slots = ring->page + XEN_VKBD_IN_OFFSET;
	memcpy(slots + ring->producer % XEN_VKBD_IN_EVENTS * sizeof(*event), event, sizeof(*event));
	ring->producer++;
	__atomic_store_n(&head(ring)->in_producer, ring->producer, __ATOMIC_RELEASE);
	return true;
}

static bool put_key(struct xen_vkbd_ring *ring, unsigned code, bool down)
{
	return put(ring, &(struct xen_vkbd_event){
				 .type = XEN_VKBD_KEY, .pressed = down, .x = (int32_t)code });
}

static bool has_key(const uint8_t *keys, unsigned key)
{
	return (keys[key / 8] & BIT(key % 8)) != 0;
}

static void set_key(uint8_t *keys, unsigned key, bool down)
{
	uint8_t mask = (uint8_t)BIT(key % 8);

	keys[key / 8] = (uint8_t)(down ? keys[key / 8] | mask : keys[key / 8] & ~mask);
}

static bool flush_pointer(struct xen_vkbd_ring *ring)
{
	struct xen_vkbd_event event = { .type = XEN_VKBD_MOTION, .x = ring->dx, .y = ring->dy };

	if (ring->has_position) {
		event.type = XEN_VKBD_POSITION;
		event.x = ring->x;
		event.y = ring->y;
	} else if (!ring->dx && !ring->dy && !ring->dz) {
		return false;
	}
	event.z = -ring->dz;
	if (!put(ring, &event))
		return false;
	ring->has_position = false;
	ring->dx = ring->dy = ring->dz = 0;
	return true;
}

static bool flush_buttons(struct xen_vkbd_ring *ring)
{
	static const struct {
		unsigned button, code;
	} codes[] = {
		{ INPUT_BUTTON_LEFT, BTN_LEFT },   { INPUT_BUTTON_MIDDLE, BTN_MIDDLE },
		{ INPUT_BUTTON_RIGHT, BTN_RIGHT }, { INPUT_BUTTON_SIDE, BTN_SIDE },
		{ INPUT_BUTTON_EXTRA, BTN_EXTRA },
	};
	bool any = false;

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		unsigned now = ring->buttons & codes[i].button;

		if (now == (ring->told_buttons & codes[i].button) ||
		    !put_key(ring, codes[i].code, now != 0))
			continue;
		ring->told_buttons = (ring->told_buttons & ~codes[i].button) | now;
		any = true;
	}
	return any;
}

static bool flush_keys(struct xen_vkbd_ring *ring)
{
	bool any = false;

	if (memcmp(ring->keys, ring->told_keys, sizeof(ring->keys)) == 0)
		return false;
	for (unsigned key = 0; key < INPUT_KEY_COUNT; key++) {
		bool down = has_key(ring->keys, key);

		if (down == has_key(ring->told_keys, key) || !put_key(ring, key, down))
			continue;
		set_key(ring->told_keys, key, down);
		any = true;
	}
	return any;
}

bool xen_vkbd_ring_flush(struct xen_vkbd_ring *ring)
{
	bool any = flush_pointer(ring);

	any |= flush_buttons(ring);
	any |= flush_keys(ring);
	return any;
}

bool xen_vkbd_ring_key(struct xen_vkbd_ring *ring, unsigned key, bool down)
{
	if (!ring->page || key >= INPUT_KEY_COUNT)
		return false;
	if (down && has_key(ring->told_keys, key) && has_key(ring->keys, key))
		return put_key(ring, key, true);
	set_key(ring->keys, key, down);
	return xen_vkbd_ring_flush(ring);
}

static int32_t add_limited(int32_t sum, int part)
{
	int64_t wide = (int64_t)sum + part;

	if (wide > MOVE_MAX)
		return MOVE_MAX;
	return wide < -MOVE_MAX ? -MOVE_MAX : (int32_t)wide;
}

bool xen_vkbd_ring_move(struct xen_vkbd_ring *ring, int dx, int dy, int dz, unsigned buttons)
{
	if (!ring->page)
		return false;
	ring->dx = add_limited(ring->dx, dx);
	ring->dy = add_limited(ring->dy, dy);
	ring->dz = add_limited(ring->dz, dz);
	ring->buttons = buttons;
	return xen_vkbd_ring_flush(ring);
}

bool xen_vkbd_ring_move_to(struct xen_vkbd_ring *ring, int32_t x, int32_t y, int dz,
			   unsigned buttons)
{
	if (!ring->page)
		return false;
	ring->has_position = true;
	ring->x = x;
	ring->y = y;
	ring->dz = add_limited(ring->dz, dz);
	ring->buttons = buttons;
	return xen_vkbd_ring_flush(ring);
}

void xen_vkbd_ring_discard_output(struct xen_vkbd_ring *ring)
{
	if (ring->page && !ring->held)
		__atomic_store_n(&head(ring)->out_consumer,
				 __atomic_load_n(&head(ring)->out_producer, __ATOMIC_RELAXED),
				 __ATOMIC_RELEASE);
}
