// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Paravirtual devices: the guest writes anything into its part of xenstore and into the shared page
 * and rings, the toolstack adds, closes and removes, viewers type, the machine pauses. Input: a
 * byte says what, and what follows with what.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/input.h"
#include "base/log.h"
#include "base/loop.h"
#include "hv/xen_backend.h"
#include "hv/xen_vkbd.h"
#include "hv/xen_vkbd_regs.h"
#include "tests/lib/fake_xen.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	RAM_BYTES = 1 << 20,
	PAGE_GFN = 20,
	GRANT = 9,
	TURNS = 8,
	MAX_VALUE_BYTES = 32,
	GUARD = 0xa5, /* in the page, where nothing of ours belongs */
};

#define FRONT "/local/domain/7/device/vkbd/0/"
#define BACK  "backend/vkbd/7/0/"

struct bytes {
	const uint8_t *at;
	size_t left;
};

static uint8_t next(struct bytes *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->at++;
}

struct world {
	struct loop *loop;
	struct xen_bus bus;
	struct input input;
	struct input_sink ps2;
	unsigned ps2_events;
};

static void ps2_key(void *opaque, unsigned key, bool down)
{
	(void)key;
	(void)down;
	((struct world *)opaque)->ps2_events++;
}

static void ps2_move(void *opaque, int dx, int dy, int dz, unsigned buttons)
{
	(void)dx;
	(void)dy;
	(void)dz;
	(void)buttons;
	((struct world *)opaque)->ps2_events++;
}

static void write_node(struct bytes *in)
{
	static const char *const nodes[] = {
		FRONT "state",
		FRONT "page-ref",
		FRONT "page-gref",
		FRONT "event-channel",
		FRONT "request-abs-pointer",
		FRONT "request-raw-pointer",
		BACK "state",
		BACK "online",
		BACK "frontend",
		BACK "width",
		BACK "height",
		BACK "feature-disable-pointer",
		BACK "feature-disable-keyboard",
		"backend/vkbd/7/1/frontend",
		"backend/vkbd/7/1/state",
		"backend/vkbd/7/bad/state",
	};
	const char *node = nodes[next(in) % ARRAY_SIZE(nodes)];
	size_t length = min_size(next(in) % MAX_VALUE_BYTES, in->left);

	fake_xen_store_write_bytes(node, in->at, (unsigned)length);
	in->at += length;
	in->left -= length;
}

static void remove_node(struct bytes *in)
{
	static const char *const nodes[] = {
		"backend/vkbd/7/0", "backend/vkbd/7", "/local/domain/7",
		FRONT "state",      BACK "state",
	};

	fake_xen_store_remove(nodes[next(in) % ARRAY_SIZE(nodes)]);
}

static void set_counter(struct bytes *in)
{
	uint32_t *counters = (void *)fake_xen_page(PAGE_GFN);
	unsigned which = next(in) % 4;

	counters[which] = (uint32_t)next(in) << 24 | (uint32_t)next(in);
	if (next(in) % 2)
		counters[0] = counters[1]; /* everything is taken */
}

static void give_input(struct world *world, struct bytes *in)
{
	uint8_t what = next(in);

	switch (what % 4) {
	case 0:
		input_key(&world->input, next(in), what & 4);
		break;
	case 1:
		input_move(&world->input, (int8_t)next(in), (int8_t)next(in), (int8_t)next(in),
			   what >> 3);
		break;
	case 2:
		input_move_to(&world->input, (unsigned)next(in) << 8, (unsigned)next(in) << 8, 640,
			      480, (int8_t)next(in), what >> 3);
		break;
	default:
		input_release_all(&world->input);
		break;
	}
}

static void turn(struct world *world)
{
	for (unsigned i = 0; i < TURNS; i++)
		loop_turn(world->loop, 0);
}

static void step(struct world *world, struct bytes *in)
{
	switch (next(in) % 8) {
	case 0:
	case 1:
		write_node(in);
		break;
	case 2:
		remove_node(in);
		break;
	case 3:
		set_counter(in);
		break;
	case 4:
		give_input(world, in);
		break;
	case 5:
		fake_xen_ring_device(next(in) % FAKE_XEN_DEVICE_PORTS);
		break;
	case 6:
		xen_bus_set_held(&world->bus, next(in) % 2);
		break;
	default:
		fake_xen->transactions_to_fail = next(in) % 4;
		turn(world);
		break;
	}
}

/** What the device writes stays in the counters and the ring. */
static void check_page(void)
{
	const uint8_t *page = fake_xen_page(PAGE_GFN);
	size_t end = XEN_VKBD_IN_OFFSET + XEN_VKBD_IN_EVENTS * sizeof(struct xen_vkbd_event);

	for (size_t i = sizeof(struct xen_vkbd_page); i < XEN_VKBD_PAGE_BYTES; i++)
		if ((i < XEN_VKBD_IN_OFFSET || i >= end) && page[i] != GUARD)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct xen_backend_class *const classes[] = { &xen_vkbd_class, NULL };
	struct bytes in = { data, size };
	struct world *world = calloc(1, sizeof(*world));

	fake_xen_begin(RAM_BYTES);
	fake_xen_grant(GRANT, PAGE_GFN);
	memset(fake_xen_page(PAGE_GFN) + sizeof(struct xen_vkbd_page), GUARD,
	       XEN_VKBD_PAGE_BYTES - sizeof(struct xen_vkbd_page));
	fake_xen_store_write(BACK "frontend", "/local/domain/7/device/vkbd/0");
	fake_xen_store_write(BACK "state", "1");
	fake_xen_store_write(FRONT "state", "1");
	world->loop = loop_create();
	input_init(&world->input);
	world->ps2 = (struct input_sink){ .opaque = world, .key = ps2_key, .move = ps2_move };
	input_add_sink(&world->input, &world->ps2);
	xen_bus_init(&world->bus, world->loop, FAKE_XEN_DOMID, xs_open(0),
		     xenforeignmemory_open(NULL, 0), classes,
		     &(struct xen_bus_host){ .input = &world->input });
	xen_bus_offer(&world->bus);
	xen_bus_watch(&world->bus);
	xen_bus_set_held(&world->bus, false);
	while (in.left)
		step(world, &in);
	turn(world);
	check_page();
	if (fake_xen->bound > XEN_BACKEND_MAX || fake_xen->granted > XEN_BACKEND_MAX)
		abort();
	xen_bus_finish(&world->bus);
	if (fake_xen->bound || fake_xen->granted)
		abort();
	xenforeignmemory_close(NULL);
	xs_close(NULL);
	loop_destroy(world->loop);
	fake_xen_end();
	free(world);
	return 0;
}
