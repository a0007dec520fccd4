// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A paravirtual disk: the guest puts requests of every kind into its ring, good and bad ones, in
 * both layouts, writes anything over ring and segments, rings, closes and comes again; the image
 * completes in any order and fails; the machine pauses; the toolstack takes the disk out. Input: a
 * byte says what, and what follows with what.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/log.h"
#include "base/loop.h"
#include "hv/xen_backend.h"
#include "hv/xen_blkif.h"
#include "hv/xen_qdisk.h"
#include "hv/xen_qdisk_queue.h"
#include "tests/lib/fake_pv_disk.h"
#include "tests/lib/fake_xen.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	RAM_BYTES = 1 << 20,
	RING_GFN = 16,
	RING_GRANT = 8,
	DATA_GFN = 32,
	DATA_GRANT = 32,
	DATA_PAGES = 64,
	GUARD_GFN = 100, /* no grant reaches it */
	GUARD = 0xa5,
	TURNS = 4,
	PAGE = XEN_BLKIF_PAGE_BYTES,
};

#define FRONT "/local/domain/7/device/vbd/768/"
#define BACK  "backend/qdisk/7/768/"

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

/** Small as a rule, now and then anything. */
static uint64_t next_number(struct bytes *in)
{
	uint8_t first = next(in);
	uint64_t value = 0;

	if (first < 0xf0)
		return first;
	for (unsigned i = 0; i < (first & 8u ? 8 : 2u); i++)
		value = value << 8 | next(in);
	return value;
}

struct world {
	struct loop *loop;
	struct xen_bus bus;
	struct fake_pv_disk *disk;
	const struct xen_blkif_layout *layout;
	unsigned order;
};

static struct xen_blkif_head *head(void)
{
	return (void *)fake_xen_page(RING_GFN);
}

static void turn(struct world *world)
{
	for (unsigned i = 0; i < TURNS; i++)
		loop_turn(world->loop, 0);
}

static void connect(struct world *world, struct bytes *in)
{
	char value[2] = { 0 };

	world->layout = xen_blkif_find_layout(next(in) % 2 ? "x86_32-abi" : "x86_64-abi");
	world->order = next(in) % 3;
	memset(fake_xen_page(RING_GFN), 0, PAGE);
	fake_xen_store_write(FRONT "state", "1");
	turn(world);
	fake_xen_store_write(FRONT "protocol", world->layout->name);
	value[0] = (char)('0' + world->order);
	fake_xen_store_write(FRONT "ring-page-order", value);
	value[0] = (char)('0' + next(in) % 2);
	fake_xen_store_write(FRONT "feature-persistent", value);
	fake_xen_store_write(FRONT "state", "3");
	turn(world);
}

static void write_node(struct bytes *in)
{
	static const char *const nodes[] = {
		FRONT "state",
		FRONT "ring-ref",
		FRONT "ring-ref1",
		FRONT "event-channel",
		FRONT "ring-page-order",
		FRONT "protocol",
		FRONT "feature-persistent",
		BACK "state",
		BACK "online",
		BACK "mode",
		"backend/qdisk/7/1/frontend",
	};
	const char *node = nodes[next(in) % ARRAY_SIZE(nodes)];
	size_t length = min_size(next(in) % 12, in->left);

	fake_xen_store_write_bytes(node, in->at, (unsigned)length);
	in->at += length;
	in->left -= length;
}

static void put_segments(uint8_t *at, unsigned count, struct bytes *in)
{
	uint32_t grant = DATA_GRANT + next(in) % DATA_PAGES;

	for (unsigned i = 0; i < count; i++) {
		uint8_t sectors = next(in);

		store_le32(at + (size_t)i * 8, sectors == 0x80 ? (uint32_t)next_number(in) : grant);
		at[i * 8 + 4] = sectors & 7;
		at[i * 8 + 5] = sectors >> 4;
		grant = DATA_GRANT + (grant - DATA_GRANT + 1) % DATA_PAGES;
	}
}

static void put_request(struct world *world, struct bytes *in)
{
	uint32_t entries = xen_blkif_count_entries(world->layout, (unsigned)PAGE << world->order);
	uint32_t producer = head()->request_producer;
	uint8_t *at = fake_xen_page(RING_GFN) + sizeof(struct xen_blkif_head) +
		      (size_t)(producer % entries) * world->layout->entry_bytes;
	uint8_t operation = next(in), count = next(in);
	unsigned table = next(in) % DATA_PAGES;

	memset(at, 0, world->layout->entry_bytes);
	at[0] = operation % 8;
	store_le64(at + world->layout->sector, next_number(in));
	if (at[0] == XEN_BLKIF_INDIRECT) {
		at[1] = operation >> 4;
		store_le16(at + 2, count);
		store_le32(at + world->layout->indirect_grants, DATA_GRANT + table);
		put_segments(fake_xen_page(DATA_GFN + table), count % 72, in);
	} else if (at[0] == XEN_BLKIF_DISCARD) {
		at[1] = count & 1;
		store_le64(at + world->layout->discard_sectors, next_number(in));
	} else {
		at[1] = count % 16;
		put_segments(at + world->layout->segments,
			     (unsigned)min_u64(at[1], XEN_BLKIF_DIRECT_SEGMENTS), in);
	}
	head()->request_producer = producer + 1;
}

static void scribble(struct bytes *in)
{
	static const uint16_t first[] = { RING_GFN, RING_GFN, DATA_GFN };
	uint8_t *page = fake_xen_page(first[next(in) % ARRAY_SIZE(first)] + next(in) % 4u);
	size_t at = (size_t)next(in) * 16 + next(in) % 16;

	page[at] = next(in);
}

static void step(struct world *world, struct bytes *in)
{
	switch (next(in) % 12) {
	case 0:
	case 1:
	case 2:
	case 3:
		put_request(world, in);
		break;
	case 4:
		scribble(in);
		break;
	case 5:
		fake_xen_ring_device(0);
		break;
	case 6:
		world->disk->error = next(in) % 4 ? 0 : -5;
		fake_pv_disk_complete(world->disk, next(in) % 16);
		break;
	case 7:
		xen_bus_set_held(&world->bus, next(in) % 2);
		break;
	case 8:
		connect(world, in);
		break;
	case 9:
		write_node(in);
		break;
	case 10:
		if (next(in) % 16 == 0)
			fake_xen_store_remove("backend/qdisk/7");
		/* A medium is changed when nothing uses it. */
		if (!world->disk->waiting_count)
			world->disk->size =
				next(in) % 4 ? FAKE_PV_DISK_BYTES : (uint64_t)next(in) * 512;
		break;
	default:
		turn(world);
		break;
	}
}

static void set_up(struct world *world)
{
	static const struct xen_backend_class *const classes[] = { &xen_qdisk_class, NULL };

	for (unsigned i = 0; i < 4; i++)
		fake_xen_grant(RING_GRANT + i, RING_GFN + i);
	for (unsigned i = 0; i < DATA_PAGES; i++)
		fake_xen_grant(DATA_GRANT + i, DATA_GFN + i);
	memset(fake_xen_page(GUARD_GFN), GUARD, PAGE);
	fake_xen_store_write(BACK "frontend", "/local/domain/7/device/vbd/768");
	fake_xen_store_write(BACK "params", "qcow2:/x");
	fake_xen_store_write(BACK "mode", "w");
	fake_xen_store_write(BACK "state", "1");
	fake_xen_store_write(FRONT "state", "1");
	fake_xen_store_write(FRONT "ring-ref", "8");
	fake_xen_store_write(FRONT "ring-ref0", "8");
	fake_xen_store_write(FRONT "ring-ref1", "9");
	fake_xen_store_write(FRONT "ring-ref2", "10");
	fake_xen_store_write(FRONT "ring-ref3", "11");
	fake_xen_store_write(FRONT "event-channel", "500");
	world->loop = loop_create();
	world->disk = fake_pv_disk_create();
	world->layout = xen_blkif_find_layout("x86_64-abi");
	xen_bus_init(&world->bus, world->loop, FAKE_XEN_DOMID, xs_open(0),
		     xenforeignmemory_open(NULL, 0), classes,
		     &(struct xen_bus_host){ .disks = &world->disk->host });
	xen_bus_offer(&world->bus);
	xen_bus_watch(&world->bus);
	xen_bus_set_held(&world->bus, false);
}

static void check(const struct world *world)
{
	const uint8_t *guard = fake_xen_page(GUARD_GFN);

	for (unsigned i = 0; i < PAGE; i++)
		if (guard[i] != GUARD)
			abort();
	if (fake_xen->bound || fake_xen->granted || world->disk->opened ||
	    world->disk->most_waiting > XEN_QDISK_SLOTS)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = { data, size };
	struct world *world = calloc(1, sizeof(*world));

	fake_xen_begin(RAM_BYTES);
	set_up(world);
	connect(world, &in);
	while (in.left)
		step(world, &in);
	turn(world);
	xen_bus_finish(&world->bus);
	check(world);
	xenforeignmemory_close(NULL);
	xs_close(NULL);
	loop_destroy(world->loop);
	fake_xen_end();
	free(world->disk);
	free(world);
	return 0;
}
