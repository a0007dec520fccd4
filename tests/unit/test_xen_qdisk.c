// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Paravirtual disks on a fake of Xen's libraries: the handshake as Linux and the firmware do it,
 * requests of all kinds in both layouts, grants that are kept, hostile guests, pauses and ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/lock.h"
#include "base/loop.h"
#include "hv/hv.h"
#include "hv/xen_blkif.h"
#include "hv/xen_grants.h"
#include "hv/xen_qdisk_queue.h"
#include "tests/lib/fake_pv_disk.h"
#include "tests/lib/fake_xen.h"

enum {
	RAM_BYTES = 16 << 20,
	PAGE = XEN_BLKIF_PAGE_BYTES,
	SECTOR = XEN_BLKIF_SECTOR_BYTES,
	RING_GFN = 16, /* four pages from here on */
	RING_GRANT = 8,
	DATA_GFN = 256, /* the guest's data, and what reaches it */
	DATA_GRANT = 256,
	DATA_PAGES = 1500,
	TURNS = 16,
	DISK_SECTORS = FAKE_PV_DISK_BYTES / SECTOR,
};

#define FRONT "/local/domain/7/device/vbd/51712/"
#define BACK  "backend/qdisk/7/51712/"

struct fixture {
	struct lock lock;
	struct loop *loop;
	struct hv *hv;
	struct fake_pv_disk *disk;
	const struct xen_blkif_layout *layout;
	uint32_t entries, producer, consumer;
	unsigned ring_pages;
	uint64_t id;
	uint8_t operations[256]; /* by the number of their request */
};

/* The toolstack: libxl 4.17, for disk = ['format=qcow2,vdev=xvda,target=/img/a.qcow2'] */

static void add_by_toolstack(void)
{
	fake_xen_store_write(BACK "frontend", "/local/domain/7/device/vbd/51712");
	fake_xen_store_write(BACK "params", "qcow2:/img/a.qcow2");
	fake_xen_store_write(BACK "frontend-id", "7");
	fake_xen_store_write(BACK "online", "1");
	fake_xen_store_write(BACK "removable", "0");
	fake_xen_store_write(BACK "bootable", "1");
	fake_xen_store_write(BACK "state", "1");
	fake_xen_store_write(BACK "dev", "xvda");
	fake_xen_store_write(BACK "type", "qdisk");
	fake_xen_store_write(BACK "mode", "w");
	fake_xen_store_write(BACK "device-type", "disk");
	fake_xen_store_write(BACK "discard-enable", "1");
	fake_xen_store_write(FRONT "backend", "/local/domain/0/backend/qdisk/7/51712");
	fake_xen_store_write(FRONT "state", "1");
}

static void turn(struct fixture *f)
{
	for (unsigned i = 0; i < TURNS; i++)
		loop_turn(f->loop, 0);
}

static void start(struct fixture *f)
{
	struct err err = { 0 };

	lock_acquire(&f->lock);
	if (hv_start(f->hv, &err) < 0)
		fail_msg("%s", err.text);
	lock_release(&f->lock);
	turn(f);
}

static void stop(struct fixture *f)
{
	lock_acquire(&f->lock);
	hv_pause(f->hv);
	lock_release(&f->lock);
}

static void create(struct fixture *f)
{
	const struct hv_config config = { .cpus = 1,
					  .max_cpus = 1,
					  .low_bytes = RAM_BYTES,
					  .lock = &f->lock,
					  .disks = &f->disk->host,
					  .xen_domid = FAKE_XEN_DOMID };
	const struct hv_client client = { .opaque = f };
	struct err err = { 0 };

	f->hv = hv_xen_create(&config, &client, f->loop, &err);
	if (!f->hv || hv_complete(f->hv, &err) < 0)
		fail_msg("%s", err.text);
}

static int set_up_bare(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	fake_xen_begin(RAM_BYTES);
	for (unsigned i = 0; i < 4; i++)
		fake_xen_grant(RING_GRANT + i, RING_GFN + i);
	for (unsigned i = 0; i < DATA_PAGES; i++)
		fake_xen_grant(DATA_GRANT + i, DATA_GFN + i);
	lock_init(&f->lock);
	f->loop = loop_create();
	loop_set_lock(f->loop, &f->lock);
	f->disk = fake_pv_disk_create();
	return 0;
}

static int set_up(void **state)
{
	set_up_bare(state);
	add_by_toolstack();
	create(*state);
	start(*state);
	return 0;
}

static void destroy(struct fixture *f)
{
	if (!f->hv)
		return;
	stop(f);
	hv_destroy(f->hv);
	f->hv = NULL;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	destroy(f);
	assert_int_equal(fake_xen->bound, 0);
	assert_int_equal(fake_xen->granted, 0);
	assert_int_equal(f->disk->opened, 0);
	loop_destroy(f->loop);
	fake_xen_end();
	free(f->disk);
	free(f);
	return 0;
}

static void expect_back(const char *key, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), BACK "%s", key);
	if (!fake_xen_store_read(path))
		fail_msg("no %s", path);
	if (strcmp(fake_xen_store_read(path), value) != 0)
		fail_msg("%s is '%s', not '%s'", path, fake_xen_store_read(path), value);
}

/* The guest's driver */

static struct xen_blkif_head *head(void)
{
	return (void *)fake_xen_page(RING_GFN);
}

/** Pages that follow one another in the fake's machine, as they do in the ring. */
static uint8_t *entry(const struct fixture *f, uint32_t number)
{
	return fake_xen_page(RING_GFN) + sizeof(struct xen_blkif_head) +
	       (size_t)(number % f->entries) * f->layout->entry_bytes;
}

static uint8_t *data(unsigned page)
{
	return fake_xen_page(DATA_GFN + page);
}

static void new_ring(struct fixture *f, const char *protocol, unsigned order)
{
	f->layout = xen_blkif_find_layout(protocol);
	f->ring_pages = 1u << order;
	f->entries = xen_blkif_count_entries(f->layout, f->ring_pages * PAGE);
	f->producer = f->consumer = 0;
	memset(fake_xen_page(RING_GFN), 0, (size_t)f->ring_pages * PAGE);
	head()->request_event = head()->response_event = 1;
	fake_xen_store_write(FRONT "protocol", protocol);
}

/** Linux 6.1, talk_to_blkback: one page is named in a way of its own. */
static void publish(struct fixture *f, const char *protocol, unsigned order, bool persistent)
{
	char key[96], value[16];

	new_ring(f, protocol, order);
	for (unsigned i = 0; i < f->ring_pages; i++) {
		snprintf(key, sizeof(key), order ? FRONT "ring-ref%u" : FRONT "ring-ref", i);
		snprintf(value, sizeof(value), "%u", RING_GRANT + i);
		fake_xen_store_write(key, value);
	}
	if (order) {
		snprintf(value, sizeof(value), "%u", order);
		fake_xen_store_write(FRONT "ring-page-order", value);
	}
	fake_xen_store_write(FRONT "event-channel", "500");
	fake_xen_store_write(FRONT "feature-persistent", persistent ? "1" : "0");
	fake_xen_store_write(FRONT "state", "3");
	turn(f);
}

static void connect_with(struct fixture *f, const char *protocol, unsigned order, bool persistent)
{
	publish(f, protocol, order, persistent);
	expect_back("state", "4");
	fake_xen_store_write(FRONT "state", "4");
	turn(f);
}

static void connect_linux(struct fixture *f)
{
	connect_with(f, "x86_64-abi", 0, true);
}

static void ring_it(struct fixture *f)
{
	fake_xen_ring_device(0);
	turn(f);
}

/** Puts a request; 'push' shows it. */
static uint8_t *put(struct fixture *f, uint8_t operation, uint64_t sector)
{
	uint8_t *at = entry(f, f->producer++);

	memset(at, 0, f->layout->entry_bytes);
	at[0] = operation;
	store_le64(at + f->layout->id, ++f->id);
	f->operations[f->id % ARRAY_SIZE(f->operations)] = operation;
	store_le64(at + f->layout->sector, sector);
	return at;
}

static void put_segment(uint8_t *at, uint32_t grant, uint8_t first, uint8_t last)
{
	store_le32(at, grant);
	at[4] = first;
	at[5] = last;
}

/** A read or write of whole pages from data page 'page' on. */
static uint8_t *put_transfer(struct fixture *f, uint8_t operation, uint64_t sector, unsigned page,
			     unsigned count)
{
	uint8_t *at = put(f, operation, sector);

	at[1] = (uint8_t)count;
	for (unsigned i = 0; i < count && i < XEN_BLKIF_DIRECT_SEGMENTS; i++)
		put_segment(at + f->layout->segments + (size_t)i * 8, DATA_GRANT + page + i, 0, 7);
	return at;
}

static uint8_t *put_indirect(struct fixture *f, uint8_t operation, uint64_t sector, unsigned table,
			     unsigned page, unsigned count)
{
	uint8_t *at = put(f, XEN_BLKIF_INDIRECT, sector);

	at[1] = operation;
	f->operations[f->id % ARRAY_SIZE(f->operations)] = operation;
	store_le16(at + 2, (uint16_t)count);
	store_le32(at + f->layout->indirect_grants, DATA_GRANT + table);
	for (unsigned i = 0; i < count && i < XEN_BLKIF_SEGMENTS_PER_PAGE; i++)
		put_segment(data(table) + (size_t)i * 8, DATA_GRANT + page + i, 0, 7);
	return at;
}

static void push(struct fixture *f)
{
	__atomic_store_n(&head()->request_producer, f->producer, __ATOMIC_RELEASE);
	ring_it(f);
}

struct response {
	uint64_t id;
	uint8_t operation;
	int16_t status;
};

static bool take(struct fixture *f, struct response *response)
{
	const uint8_t *at;

	if (f->consumer == __atomic_load_n(&head()->response_producer, __ATOMIC_ACQUIRE))
		return false;
	at = entry(f, f->consumer++);
	*response = (struct response){ load_le64(at), at[8], (int16_t)load_le16(at + 10) };
	head()->response_event = f->consumer + 1;
	return true;
}

/** Linux 6.1, blkif_interrupt: an answer names the operation, of an indirect request the inner
 * one. */
static uint8_t expected_operation(struct fixture *f, uint64_t id)
{
	return f->operations[id % ARRAY_SIZE(f->operations)];
}

static void expect_response(struct fixture *f, uint64_t id, int status)
{
	struct response response = { 0 };

	if (!take(f, &response))
		fail_msg("no answer to %llu", (unsigned long long)id);
	assert_int_equal(response.id, id);
	assert_int_equal(response.operation, expected_operation(f, id));
	assert_int_equal(response.status, status);
}

static void expect_none(struct fixture *f)
{
	assert_false(take(f, &(struct response){ 0 }));
}

/** Lets the image finish everything. */
static void finish(struct fixture *f)
{
	while (fake_pv_disk_complete(f->disk, 0))
		turn(f);
	turn(f);
}

static void push_and_finish(struct fixture *f)
{
	push(f);
	finish(f);
}

static void fill(uint8_t *bytes, size_t length, uint32_t seed)
{
	for (size_t i = 0; i < length; i++)
		bytes[i] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
}

/* The handshake */

static void offers_what_it_can_before_the_guest_runs(void **state)
{
	struct fixture *f = *state;

	add_by_toolstack();
	create(f);
	expect_back("state", "2");
	expect_back("sectors", "2048");
	expect_back("sector-size", "512");
	expect_back("physical-sector-size", "512");
	expect_back("info", "0");
	expect_back("feature-flush-cache", "1");
	expect_back("feature-persistent", "1");
	expect_back("feature-discard", "1");
	expect_back("discard-granularity", "4096");
	expect_back("discard-alignment", "0");
	expect_back("feature-max-indirect-segments", "64");
	expect_back("max-ring-page-order", "2");
	assert_null(fake_xen_store_read(BACK "feature-barrier"));
	assert_null(fake_xen_store_read(BACK "multi-queue-max-queues"));
	assert_string_equal(f->disk->format, "qcow2");
	assert_string_equal(f->disk->path, "/img/a.qcow2");
	assert_int_equal(f->disk->number, 51712);
	assert_true(f->disk->discard);
	assert_false(f->disk->wants_read_only || f->disk->is_cdrom);
}

static void formats_have_the_toolstacks_names(void **state)
{
	static const struct {
		const char *params, *format, *path;
	} cases[] = {
		{ "aio:/dev/vg/x", "raw", "/dev/vg/x" },
		{ "vhd:/a:b.vhd", "vpc", "/a:b.vhd" },
		{ "qcow2:/x", "qcow2", "/x" },
		{ "qcow:/x", "qcow", "/x" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		add_by_toolstack();
		fake_xen_store_write(BACK "params", cases[i].params);
		memset(f->disk->format, 0, sizeof(f->disk->format));
		memset(f->disk->path, 0, sizeof(f->disk->path));
		create(f);
		assert_string_equal(f->disk->format, cases[i].format);
		assert_string_equal(f->disk->path, cases[i].path);
		destroy(f);
	}
}

static void the_toolstack_says_read_only_and_no_discard(void **state)
{
	struct fixture *f = *state;

	add_by_toolstack();
	fake_xen_store_write(BACK "mode", "r");
	fake_xen_store_write(BACK "discard-enable", "0");
	create(f);
	start(f);
	expect_back("info", "4");
	assert_null(fake_xen_store_read(BACK "feature-discard"));
	connect_linux(f);
	put_transfer(f, XEN_BLKIF_WRITE, 0, 0, 1);
	put(f, XEN_BLKIF_DISCARD, 0);
	store_le64(entry(f, 1) + 24, 8);
	put_transfer(f, XEN_BLKIF_READ, 0, 0, 1);
	push_and_finish(f);
	expect_response(f, 1, XEN_BLKIF_ERROR);
	expect_response(f, 2, XEN_BLKIF_ERROR);
	expect_response(f, 3, XEN_BLKIF_OKAY);
	assert_int_equal(f->disk->writes + f->disk->discards, 0);
}

static void a_cdrom_drive_has_a_medium_or_does_not_connect(void **state)
{
	struct fixture *f = *state;

	add_by_toolstack();
	fake_xen_store_write(BACK "device-type", "cdrom");
	fake_xen_store_write(BACK "params", ":");
	f->disk->size = 0;
	create(f);
	start(f);
	expect_back("state", "2");
	expect_back("info", "7");
	publish(f, "x86_64-abi", 0, false);
	expect_back("state", "6");
	/* A person inserts one, and the driver tries again. */
	f->disk->size = 20480;
	fake_xen_store_write(FRONT "state", "1");
	turn(f);
	connect_linux(f);
	expect_back("sectors", "40");
	assert_true(f->disk->is_cdrom && f->disk->wants_read_only);
	put_transfer(f, XEN_BLKIF_READ, 32, 0, 1);
	push_and_finish(f);
	expect_response(f, 1, XEN_BLKIF_OKAY);
	/* And takes it out. */
	f->disk->size = 0;
	put_transfer(f, XEN_BLKIF_READ, 32, 0, 1);
	push_and_finish(f);
	expect_response(f, 2, XEN_BLKIF_ERROR);
}

static void an_image_that_cannot_be_had_is_closed(void **state)
{
	struct fixture *f = *state;

	f->disk->refuses = true;
	add_by_toolstack();
	create(f);
	start(f);
	expect_back("state", "6");
	fake_xen_store_write(BACK "params", "nonsense");
	f->disk->refuses = false;
	fake_xen_store_write(FRONT "state", "4");
	turn(f);
	expect_back("state", "6");
}

/** OVMF says 4 before we do, and reads what we have published before. */
static void firmware_connects_at_once(void **state)
{
	struct fixture *f = *state;

	new_ring(f, "x86_64-abi", 0);
	fake_xen_store_write(FRONT "ring-ref", "8");
	fake_xen_store_write(FRONT "event-channel", "500");
	fake_xen_store_write(FRONT "state", "4");
	turn(f);
	expect_back("state", "4");
	put_transfer(f, XEN_BLKIF_READ, 0, 0, 1);
	push_and_finish(f);
	expect_response(f, 1, XEN_BLKIF_OKAY);
}

/** A driver that says nothing of a protocol has that of the host. */
static void the_native_protocol_need_not_be_named(void **state)
{
	struct fixture *f = *state;

	publish(f, "x86_64-abi", 0, false);
	fake_xen_store_write(FRONT "state", "6");
	turn(f);
	fake_xen_store_write(FRONT "state", "1");
	fake_xen_store_remove(FRONT "protocol");
	turn(f);
	fake_xen_store_write(FRONT "state", "3");
	turn(f);
	expect_back("state", "4");
}

static void nonsense_does_not_connect(void **state)
{
	static const struct {
		const char *ring, *order, *channel, *protocol;
	} bad[] = {
		{ "8", "", "500", "arm-abi" },      { "8", "", "500", "" },
		{ "", "", "500", "x86_64-abi" },    { "9999999999", "", "500", "x86_64-abi" },
		{ "7", "", "500", "x86_64-abi" },   { "8", "3", "500", "x86_64-abi" },
		{ "8", "32", "500", "x86_64-abi" }, { "8", "1", "500", "x86_64-abi" },
		{ "8", "", "", "x86_64-abi" },      { "8", "", "4", "x86_64-abi" },
		{ "8 ", "", "500", "x86_64-abi" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		fake_xen_store_write(FRONT "ring-ref", bad[i].ring);
		fake_xen_store_write(FRONT "ring-page-order", bad[i].order);
		fake_xen_store_write(FRONT "event-channel", bad[i].channel);
		fake_xen_store_write(FRONT "protocol", bad[i].protocol);
		fake_xen_store_write(FRONT "state", "3");
		turn(f);
		expect_back("state", "6");
		assert_int_equal(fake_xen->bound + fake_xen->granted, 0);
		assert_int_equal(f->disk->attached, 0);
		fake_xen_store_write(FRONT "state", "1");
		turn(f);
		expect_back("state", "2");
	}
	fake_xen_store_write(FRONT "ring-page-order", "0");
	connect_linux(f);
}

static void a_host_without_grants_says_so(void **state)
{
	struct fixture *f = *state;

	fake_xen->no_grants = true;
	add_by_toolstack();
	create(f);
	start(f);
	publish(f, "x86_64-abi", 0, false);
	expect_back("state", "6");
}

/* Requests */

static void serve(struct fixture *f)
{
	uint8_t *expected = malloc(PAGE * 3);
	uint8_t *at;

	fill(data(0), PAGE, 1);
	fill(data(1), PAGE, 2);
	fill(data(2), PAGE, 3);
	for (unsigned i = 0; i < 3; i++)
		memcpy(expected + (size_t)i * PAGE, data(i), PAGE);
	put_transfer(f, XEN_BLKIF_WRITE, 16, 0, 3);
	push_and_finish(f);
	expect_response(f, f->id, XEN_BLKIF_OKAY);
	assert_memory_equal(f->disk->bytes + 16 * SECTOR, expected, 3 * PAGE);
	/* Back into other pages; the second in two parts. */
	at = put(f, XEN_BLKIF_READ, 16);
	at[1] = 4;
	put_segment(at + f->layout->segments, DATA_GRANT + 10, 0, 7);
	put_segment(at + f->layout->segments + 8, DATA_GRANT + 20, 5, 7);
	put_segment(at + f->layout->segments + 16, DATA_GRANT + 20, 0, 4);
	put_segment(at + f->layout->segments + 24, DATA_GRANT + 30, 0, 7);
	push_and_finish(f);
	expect_response(f, f->id, XEN_BLKIF_OKAY);
	assert_memory_equal(data(10), expected, PAGE);
	assert_memory_equal(data(20) + 5 * SECTOR, expected + PAGE, 3 * SECTOR);
	assert_memory_equal(data(20), expected + PAGE + 3 * SECTOR, 5 * SECTOR);
	assert_memory_equal(data(30), expected + 2 * PAGE, PAGE);
	put(f, XEN_BLKIF_FLUSH, 0);
	push_and_finish(f);
	expect_response(f, f->id, XEN_BLKIF_OKAY);
	assert_int_equal(f->disk->flushes, 1);
	free(expected);
}

static void serves_64_bit_drivers(void **state)
{
	connect_with(*state, "x86_64-abi", 0, false);
	serve(*state);
}

static void serves_32_bit_drivers(void **state)
{
	connect_with(*state, "x86_32-abi", 0, false);
	serve(*state);
}

static void serves_drivers_that_keep_their_grants(void **state)
{
	connect_with(*state, "x86_64-abi", 0, true);
	serve(*state);
}

static void serves_a_ring_of_four_pages(void **state)
{
	struct fixture *f = *state;

	connect_with(f, "x86_32-abi", 2, true);
	assert_int_equal(f->entries, 128);
	serve(f);
	/* As many as it holds, some of them while others are under way. */
	for (unsigned i = 0; i < 128; i++)
		put_transfer(f, XEN_BLKIF_READ, i, i % 8, 1);
	push(f);
	assert_int_equal(f->disk->waiting_count, XEN_QDISK_SLOTS);
	finish(f);
	for (unsigned i = 0; i < 128; i++)
		expect_response(f, 4 + i, XEN_BLKIF_OKAY);
	assert_int_equal(f->disk->most_waiting, XEN_QDISK_SLOTS);
}

static void indirect_requests_have_their_segments_elsewhere(void **state)
{
	static const char *const names[] = { "x86_64-abi", "x86_32-abi" };
	struct fixture *f = *state;

	for (unsigned i = 0; i < 4; i++) {
		connect_with(f, names[i / 2], 0, i % 2);
		for (unsigned page = 0; page < 64; page++)
			fill(data(100 + page), PAGE, i * 100 + page);
		put_indirect(f, XEN_BLKIF_WRITE, 8, 50, 100, 64);
		push_and_finish(f);
		expect_response(f, f->id, XEN_BLKIF_OKAY);
		put_indirect(f, XEN_BLKIF_READ, 8, 50, 200, 64);
		push_and_finish(f);
		expect_response(f, f->id, XEN_BLKIF_OKAY);
		for (unsigned page = 0; page < 64; page++)
			assert_memory_equal(data(100 + page), data(200 + page), PAGE);
		fake_xen_store_write(FRONT "state", "6");
		turn(f);
		fake_xen_store_write(FRONT "state", "1");
		turn(f);
	}
}

static void a_flush_with_data_flushes_first(void **state)
{
	struct fixture *f = *state;

	connect_linux(f);
	put_transfer(f, XEN_BLKIF_FLUSH, 0, 0, 2);
	push(f);
	assert_int_equal(f->disk->waiting_count, 1);
	assert_int_equal(f->disk->waiting[0]->op, PV_DISK_FLUSH);
	fake_pv_disk_complete(f->disk, 0);
	assert_int_equal(f->disk->waiting[0]->op, PV_DISK_WRITE);
	expect_none(f);
	finish(f);
	expect_response(f, 1, XEN_BLKIF_OKAY);
}

static uint8_t *put_discard(struct fixture *f, uint64_t sector, uint64_t sectors, uint8_t flag)
{
	uint8_t *at = put(f, XEN_BLKIF_DISCARD, sector);

	at[1] = flag;
	store_le64(at + f->layout->discard_sectors, sectors);
	return at;
}

static void discards_reach_the_image(void **state)
{
	struct fixture *f = *state;

	connect_linux(f);
	put_discard(f, 100, 50, 0);
	put_discard(f, 0, 0, 0);
	put_discard(f, 0, 8, XEN_BLKIF_DISCARD_SECURE);
	put_discard(f, 2040, 9, 0);
	put_discard(f, UINT64_MAX - 7, 8, 0);
	put_discard(f, 8, UINT64_MAX - 7, 0);
	push_and_finish(f);
	expect_response(f, 2, XEN_BLKIF_OKAY);
	expect_response(f, 3, XEN_BLKIF_NOT_SUPPORTED);
	expect_response(f, 4, XEN_BLKIF_ERROR);
	expect_response(f, 5, XEN_BLKIF_ERROR);
	expect_response(f, 6, XEN_BLKIF_ERROR);
	expect_response(f, 1, XEN_BLKIF_OKAY);
	assert_int_equal(f->disk->discards, 1);
	assert_true(f->disk->discarded == 50 * SECTOR);
}

static void a_large_discard_is_done_in_pieces(void **state)
{
	struct fixture *f = *state;

	f->disk->size = (uint64_t)XEN_QDISK_DISCARD_BYTES * 3 + 4096;
	connect_linux(f);
	put_discard(f, 0, f->disk->size / SECTOR, 0);
	push(f);
	for (unsigned i = 0; i < 3; i++) {
		fake_pv_disk_complete(f->disk, 0);
		turn(f);
		expect_none(f);
	}
	finish(f);
	expect_response(f, 1, XEN_BLKIF_OKAY);
	assert_int_equal(f->disk->discards, 4);
	assert_true(f->disk->discarded == f->disk->size);
	/* A pause does not wait for all of it. */
	put_discard(f, 0, f->disk->size / SECTOR, 0);
	push(f);
	stop(f);
	assert_int_equal(f->disk->discards, 5);
	expect_response(f, 2, XEN_BLKIF_OKAY);
}

static void an_error_of_the_image_is_an_error(void **state)
{
	static const uint8_t operations[] = { XEN_BLKIF_READ, XEN_BLKIF_WRITE };
	struct fixture *f = *state;

	connect_linux(f);
	f->disk->error = -5;
	for (unsigned i = 0; i < 2; i++)
		put_transfer(f, operations[i], 0, 0, 1);
	put(f, XEN_BLKIF_FLUSH, 0);
	put_discard(f, 0, 8, 0);
	put_transfer(f, XEN_BLKIF_FLUSH, 0, 0, 1);
	push_and_finish(f);
	for (unsigned i = 1; i <= 5; i++)
		expect_response(f, i, XEN_BLKIF_ERROR);
	f->disk->error = 0;
	put_transfer(f, XEN_BLKIF_READ, 0, 0, 1);
	push_and_finish(f);
	expect_response(f, 6, XEN_BLKIF_OKAY);
}

static void what_is_not_offered_is_not_supported(void **state)
{
	static const uint8_t operations[] = { XEN_BLKIF_WRITE_BARRIER, 4, 7, 255 };
	struct fixture *f = *state;

	connect_linux(f);
	for (size_t i = 0; i < ARRAY_SIZE(operations); i++)
		put_transfer(f, operations[i], 0, 0, 1);
	push_and_finish(f);
	for (size_t i = 0; i < ARRAY_SIZE(operations); i++)
		expect_response(f, i + 1, XEN_BLKIF_NOT_SUPPORTED);
	assert_int_equal(f->disk->started, 0);
}

static void answers_come_in_any_order(void **state)
{
	struct fixture *f = *state;

	connect_linux(f);
	for (unsigned i = 0; i < 4; i++)
		put_transfer(f, XEN_BLKIF_READ, i, i, 1);
	push(f);
	fake_pv_disk_complete(f->disk, 2);
	fake_pv_disk_complete(f->disk, 0);
	turn(f);
	expect_response(f, 3, XEN_BLKIF_OKAY);
	expect_response(f, 1, XEN_BLKIF_OKAY);
	expect_none(f);
	finish(f);
	expect_response(f, 2, XEN_BLKIF_OKAY);
	expect_response(f, 4, XEN_BLKIF_OKAY);
}

/** One wake-up for all that is done in a turn, and none that the guest has not asked for. */
static void the_guest_is_woken_once_a_turn(void **state)
{
	struct fixture *f = *state;
	unsigned before;

	connect_linux(f);
	before = fake_xen->notified;
	for (unsigned i = 0; i < 20; i++)
		put_transfer(f, XEN_BLKIF_READ, i, i, 1);
	push(f);
	while (fake_pv_disk_complete(f->disk, 0))
		;
	turn(f);
	assert_int_equal(fake_xen->notified, before + 1);
	/* It has not looked yet, so it is awake. */
	put_transfer(f, XEN_BLKIF_READ, 0, 0, 1);
	push_and_finish(f);
	assert_int_equal(fake_xen->notified, before + 1);
}

/* Grants */

static void pages_are_mapped_for_a_request_and_given_back(void **state)
{
	struct fixture *f = *state;
	unsigned ring;

	connect_with(f, "x86_64-abi", 0, false);
	ring = fake_xen->granted;
	put_transfer(f, XEN_BLKIF_READ, 0, 0, 11);
	push(f);
	assert_int_equal(fake_xen->granted, ring + 11);
	/* Pages that follow one another are one piece. */
	assert_int_equal(f->disk->pieces, 1);
	finish(f);
	assert_int_equal(fake_xen->granted, ring);
}

static void kept_grants_are_mapped_once(void **state)
{
	struct fixture *f = *state;
	unsigned maps;

	connect_linux(f);
	put_transfer(f, XEN_BLKIF_WRITE, 0, 0, 8);
	push_and_finish(f);
	maps = fake_xen->grant_maps;
	for (unsigned i = 0; i < 50; i++) {
		put_transfer(f, i % 2 ? XEN_BLKIF_READ : XEN_BLKIF_WRITE, i, i % 4, 5);
		push_and_finish(f);
	}
	assert_int_equal(fake_xen->grant_maps, maps);
	assert_int_equal(fake_xen->granted, 1 + 8);
	/* Only what is new; the same one twice in a request is one. */
	put_transfer(f, XEN_BLKIF_READ, 0, 6, 4);
	put_segment(entry(f, f->producer - 1) + f->layout->segments + 24, DATA_GRANT + 8, 0, 7);
	push_and_finish(f);
	assert_int_equal(fake_xen->grant_maps, maps + 1);
	assert_int_equal(fake_xen->granted, 1 + 9);
}

/** A driver that promises to use the same pages, and does not. */
static void no_more_are_kept_than_a_limit(void **state)
{
	struct fixture *f = *state;

	connect_linux(f);
	for (unsigned i = 0; i + 8 <= DATA_PAGES; i += 8) {
		put_transfer(f, XEN_BLKIF_WRITE, 0, i, 8);
		push_and_finish(f);
		assert_true(fake_xen->granted <= 1 + XEN_GRANTS_KEPT);
	}
	assert_int_equal(fake_xen->granted, 1 + XEN_GRANTS_KEPT);
	assert_int_equal(f->disk->writes, DATA_PAGES / 8);
	fake_xen_store_write(FRONT "state", "6");
	turn(f);
	assert_int_equal(fake_xen->granted, 0);
}

/** Old drivers grant what is written to the disk for reading only. */
static void read_only_grants_suffice_for_writing(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 2; i++) {
		fake_xen_grant_read_only(DATA_GRANT, DATA_GFN);
		connect_with(f, "x86_64-abi", 0, i);
		put_transfer(f, XEN_BLKIF_WRITE, 0, 0, 1);
		put_transfer(f, XEN_BLKIF_READ, 0, 0, 1);
		push_and_finish(f);
		expect_response(f, f->id, XEN_BLKIF_ERROR);
		expect_response(f, f->id - 1, XEN_BLKIF_OKAY);
		fake_xen_store_write(FRONT "state", "6");
		turn(f);
		fake_xen_store_write(FRONT "state", "1");
		turn(f);
	}
}

/* Hostile requests */

static void expect_refused(struct fixture *f)
{
	push_and_finish(f);
	expect_response(f, f->id, XEN_BLKIF_ERROR);
	assert_int_equal(f->disk->started, 0);
}

/** The family of XSA-179: sums that run over, and ends that lie beyond. */
static void xsa_179_sectors_beyond_the_disk_are_refused(void **state)
{
	static const uint64_t sectors[] = { DISK_SECTORS,   DISK_SECTORS - 7, UINT64_MAX,
					    UINT64_MAX - 7, UINT64_MAX / 512, UINT64_C(1) << 55 };
	struct fixture *f = *state;

	connect_linux(f);
	for (size_t i = 0; i < ARRAY_SIZE(sectors); i++) {
		put_transfer(f, XEN_BLKIF_READ, sectors[i], 0, 1);
		expect_refused(f);
		put_transfer(f, XEN_BLKIF_FLUSH, sectors[i], 0, 1);
		expect_refused(f);
		put_indirect(f, XEN_BLKIF_WRITE, sectors[i], 50, 0, 1);
		expect_refused(f);
	}
}

static void segment_counts_are_checked(void **state)
{
	static const uint8_t counts[] = { 0, 12, 128, 255 };
	struct fixture *f = *state;

	connect_linux(f);
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		put_transfer(f, XEN_BLKIF_READ, 0, 0, counts[i]);
		expect_refused(f);
		put_transfer(f, XEN_BLKIF_WRITE, 0, 0, counts[i]);
		expect_refused(f);
	}
	put_transfer(f, XEN_BLKIF_FLUSH, 0, 0, 12);
	expect_refused(f);
}

static void indirect_counts_and_operations_are_checked(void **state)
{
	static const uint16_t counts[] = { 0, 65, 512, 4096, 4097, 65535 };
	static const uint8_t operations[] = { 2, 3, 4, 5, 6, 255 };
	struct fixture *f = *state;

	connect_linux(f);
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		put_indirect(f, XEN_BLKIF_READ, 0, 50, 0, counts[i]);
		expect_refused(f);
	}
	for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
		put_indirect(f, operations[i], 0, 50, 0, 4);
		expect_refused(f);
	}
}

static void segments_outside_their_page_are_refused(void **state)
{
	static const uint8_t bad[][2] = { { 0, 8 }, { 7, 6 }, { 8, 8 }, { 255, 0 }, { 0, 255 } };
	struct fixture *f = *state;

	connect_linux(f);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		uint8_t *at = put_transfer(f, XEN_BLKIF_READ, 0, 0, 3);

		put_segment(at + f->layout->segments + 8, DATA_GRANT, bad[i][0], bad[i][1]);
		expect_refused(f);
		put_indirect(f, XEN_BLKIF_READ, 0, 50, 0, 30);
		put_segment(data(50) + 29 * 8, DATA_GRANT, bad[i][0], bad[i][1]);
		expect_refused(f);
	}
}

static void grants_that_are_none_are_refused(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 2; i++) {
		uint8_t *at;
		unsigned before;

		connect_with(f, "x86_64-abi", 0, i);
		before = fake_xen->granted;
		at = put_transfer(f, XEN_BLKIF_READ, 0, 0, 3);
		put_segment(at + f->layout->segments + 8, 0xffffffff, 0, 7);
		expect_refused(f);
		at = put_indirect(f, XEN_BLKIF_READ, 0, 50, 0, 3);
		store_le32(at + f->layout->indirect_grants, 0);
		expect_refused(f);
		assert_int_equal(fake_xen->granted, before);
		fake_xen_store_write(FRONT "state", "6");
		turn(f);
		fake_xen_store_write(FRONT "state", "1");
		turn(f);
	}
}

/** XSA-155: the guest changes everything that it has shown as soon as it was taken. */
static void xsa_155_a_request_under_way_does_not_change(void **state)
{
	struct fixture *f = *state;

	connect_linux(f);
	fill(data(0), PAGE, 7);
	memset(data(40), 0x5a, PAGE);
	put_transfer(f, XEN_BLKIF_WRITE, 8, 0, 1);
	put_indirect(f, XEN_BLKIF_READ, 0, 50, 60, 2);
	push(f);
	memset(entry(f, 0), 0xff, f->layout->entry_bytes);
	memset(entry(f, 1), 0xff, f->layout->entry_bytes);
	memset(data(50), 0xff, PAGE);
	finish(f);
	expect_response(f, 1, XEN_BLKIF_OKAY);
	expect_response(f, 2, XEN_BLKIF_OKAY);
	assert_memory_equal(f->disk->bytes + 8 * SECTOR, data(0), PAGE);
	assert_memory_equal(data(60), f->disk->bytes, PAGE);
	assert_memory_equal(data(61), f->disk->bytes + PAGE, PAGE);
}

static void a_ring_that_lies_is_left_alone(void **state)
{
	struct fixture *f = *state;

	connect_linux(f);
	f->producer = 1000;
	push_and_finish(f);
	assert_int_equal(f->disk->started, 0);
	expect_none(f);
	f->producer = 0;
	put_transfer(f, XEN_BLKIF_READ, 0, 0, 1);
	push_and_finish(f);
	expect_none(f);
	/* Until a driver begins anew. */
	fake_xen_store_write(FRONT "state", "1");
	turn(f);
	connect_linux(f);
	put_transfer(f, XEN_BLKIF_READ, 0, 0, 1);
	push_and_finish(f);
	expect_response(f, f->id, XEN_BLKIF_OKAY);
}

/** A guest may rewrite its counter for ever: other things have their turn, too. */
static void a_turn_takes_so_many(void **state)
{
	struct fixture *f = *state;
	struct response response;
	uint64_t answered = 0;

	connect_with(f, "x86_64-abi", 2, false);
	for (unsigned i = 0; i < 128; i++)
		put_transfer(f, XEN_BLKIF_READ, UINT64_MAX, 0, 1);
	__atomic_store_n(&head()->request_producer, f->producer, __ATOMIC_RELEASE);
	fake_xen_ring_device(0);
	loop_turn(f->loop, 0);
	while (take(f, &response))
		answered++;
	assert_true(answered <= XEN_QDISK_PER_TURN);
	turn(f);
	while (take(f, &response))
		answered++;
	assert_int_equal(answered, 128);
}

/* Coming and going */

/** Linux closes its device, and a new kernel (kexec) or firmware's successor begins. */
static void a_driver_comes_again(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 3; i++) {
		connect_with(f, i % 2 ? "x86_32-abi" : "x86_64-abi", i, i % 2);
		put_transfer(f, XEN_BLKIF_READ, 0, 0, 1);
		push_and_finish(f);
		expect_response(f, f->id, XEN_BLKIF_OKAY);
		fake_xen_store_write(FRONT "state", "5");
		turn(f);
		expect_back("state", "5");
		fake_xen_store_write(FRONT "state", "6");
		turn(f);
		expect_back("state", "6");
		assert_int_equal(fake_xen->bound + fake_xen->granted, 0);
		assert_int_equal(f->disk->flushed_at_end, i + 1);
		fake_xen_store_write(FRONT "state", "1");
		turn(f);
		expect_back("state", "2");
	}
	assert_int_equal(f->disk->opened, 1);
}

/** What is under way ends first. While the driver closes it waits for that; when it has gone, its
 * pages are not touched any more but by what was under way. */
static void closing_ends_what_is_under_way(void **state)
{
	struct fixture *f = *state;

	connect_linux(f);
	put_transfer(f, XEN_BLKIF_WRITE, 0, 0, 1);
	put_transfer(f, XEN_BLKIF_READ, 8, 1, 1);
	push(f);
	assert_int_equal(f->disk->waiting_count, 2);
	fake_xen_store_write(FRONT "state", "5");
	turn(f);
	assert_int_equal(f->disk->writes, 1);
	assert_int_equal(f->disk->flushed_at_end, 1);
	expect_response(f, 1, XEN_BLKIF_OKAY);
	expect_response(f, 2, XEN_BLKIF_OKAY);
	fake_xen_store_write(FRONT "state", "6");
	turn(f);
	fake_xen_store_write(FRONT "state", "1");
	turn(f);
	connect_linux(f);
	put_transfer(f, XEN_BLKIF_WRITE, 0, 0, 1);
	push(f);
	fake_xen_store_write(FRONT "state", "1");
	turn(f);
	assert_int_equal(f->disk->writes, 2);
	expect_none(f);
	expect_back("state", "2");
}

/** xl block-detach: a disk that is in use stays until the guest lets go of it. */
static void a_disk_in_use_is_not_taken_away(void **state)
{
	struct fixture *f = *state;

	connect_linux(f);
	fake_xen_store_write(BACK "online", "0");
	fake_xen_store_write(BACK "state", "5");
	turn(f);
	expect_back("state", "5");
	put_transfer(f, XEN_BLKIF_WRITE, 0, 0, 1);
	push_and_finish(f);
	expect_response(f, 1, XEN_BLKIF_OKAY);
	fake_xen_store_write(FRONT "state", "6");
	turn(f);
	expect_back("state", "6");
	assert_int_equal(fake_xen->bound + fake_xen->granted, 0);
	fake_xen_store_remove("backend/qdisk/7/51712");
	turn(f);
	assert_int_equal(f->disk->opened, 0);
	assert_null(fake_xen_store_read(BACK "state"));
	/* xl block-attach. */
	add_by_toolstack();
	turn(f);
	connect_linux(f);
}

/** xl destroy, or block-detach by force. */
static void what_has_gone_is_let_go(void **state)
{
	struct fixture *f = *state;

	connect_linux(f);
	put_transfer(f, XEN_BLKIF_WRITE, 0, 0, 1);
	push(f);
	fake_xen_store_remove("backend/qdisk/7");
	turn(f);
	assert_int_equal(f->disk->writes, 1);
	assert_int_equal(f->disk->opened, 0);
	assert_int_equal(fake_xen->bound + fake_xen->granted, 0);
}

static void a_pause_ends_what_is_under_way_and_takes_no_more(void **state)
{
	struct fixture *f = *state;
	uint8_t before[PAGE];

	connect_linux(f);
	put_transfer(f, XEN_BLKIF_WRITE, 0, 0, 1);
	put_transfer(f, XEN_BLKIF_READ, 8, 1, 1);
	push(f);
	stop(f);
	assert_int_equal(f->disk->waiting_count, 0);
	expect_response(f, 1, XEN_BLKIF_OKAY);
	expect_response(f, 2, XEN_BLKIF_OKAY);
	put_transfer(f, XEN_BLKIF_READ, 16, 2, 1);
	head()->request_producer = f->producer;
	memcpy(before, head(), PAGE);
	ring_it(f);
	assert_int_equal(f->disk->started, 2);
	assert_memory_equal(before, head(), PAGE);
	start(f);
	finish(f);
	expect_response(f, 3, XEN_BLKIF_OKAY);
}

/** A driver may connect while the machine stands still (a guest that is being restored). */
static void connected_during_a_pause_it_waits(void **state)
{
	struct fixture *f = *state;

	stop(f);
	publish(f, "x86_64-abi", 0, true);
	expect_back("state", "4");
	put_transfer(f, XEN_BLKIF_READ, 0, 0, 1);
	push(f);
	assert_int_equal(f->disk->started, 0);
	start(f);
	finish(f);
	expect_response(f, 1, XEN_BLKIF_OKAY);
}

static void restricted_it_is_closed_and_given_up(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	add_by_toolstack();
	create(f);
	assert_int_equal(hv_restrict_handles(f->hv, &err), 0);
	expect_back("state", "6");
	assert_int_equal(f->disk->given_up, 1);
	assert_int_equal(f->disk->opened, 0);
}

static void an_end_in_the_middle_ends_what_is_under_way(void **state)
{
	struct fixture *f = *state;

	connect_with(f, "x86_64-abi", 1, false);
	for (unsigned i = 0; i < 40; i++)
		put_transfer(f, XEN_BLKIF_WRITE, i * 8, i, 1);
	push(f);
	destroy(f);
	assert_int_equal(f->disk->writes, 40);
}

#define TEST(name)      cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define TEST_BARE(name) cmocka_unit_test_setup_teardown(name, set_up_bare, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_BARE(offers_what_it_can_before_the_guest_runs),
		TEST_BARE(formats_have_the_toolstacks_names),
		TEST_BARE(the_toolstack_says_read_only_and_no_discard),
		TEST_BARE(a_cdrom_drive_has_a_medium_or_does_not_connect),
		TEST_BARE(an_image_that_cannot_be_had_is_closed),
		TEST(firmware_connects_at_once),
		TEST(the_native_protocol_need_not_be_named),
		TEST(nonsense_does_not_connect),
		TEST_BARE(a_host_without_grants_says_so),
		TEST(serves_64_bit_drivers),
		TEST(serves_32_bit_drivers),
		TEST(serves_drivers_that_keep_their_grants),
		TEST(serves_a_ring_of_four_pages),
		TEST(indirect_requests_have_their_segments_elsewhere),
		TEST(a_flush_with_data_flushes_first),
		TEST(discards_reach_the_image),
		TEST(a_large_discard_is_done_in_pieces),
		TEST(an_error_of_the_image_is_an_error),
		TEST(what_is_not_offered_is_not_supported),
		TEST(answers_come_in_any_order),
		TEST(the_guest_is_woken_once_a_turn),
		TEST(pages_are_mapped_for_a_request_and_given_back),
		TEST(kept_grants_are_mapped_once),
		TEST(no_more_are_kept_than_a_limit),
		TEST(read_only_grants_suffice_for_writing),
		TEST(xsa_179_sectors_beyond_the_disk_are_refused),
		TEST(segment_counts_are_checked),
		TEST(indirect_counts_and_operations_are_checked),
		TEST(segments_outside_their_page_are_refused),
		TEST(grants_that_are_none_are_refused),
		TEST(xsa_155_a_request_under_way_does_not_change),
		TEST(a_ring_that_lies_is_left_alone),
		TEST(a_turn_takes_so_many),
		TEST(a_driver_comes_again),
		TEST(closing_ends_what_is_under_way),
		TEST(a_disk_in_use_is_not_taken_away),
		TEST(what_has_gone_is_let_go),
		TEST(a_pause_ends_what_is_under_way_and_takes_no_more),
		TEST(connected_during_a_pause_it_waits),
		TEST_BARE(restricted_it_is_closed_and_given_up),
		TEST(an_end_in_the_middle_ends_what_is_under_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
