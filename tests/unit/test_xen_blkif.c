// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ring of a paravirtual disk: both layouts, counters that run over, answers and wake-ups, and a
 * guest that changes what it has written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "hv/xen_blkif.h"

enum {
	PAGE = XEN_BLKIF_PAGE_BYTES,
	MAX_PAGES = 1 << XEN_BLKIF_MAX_RING_ORDER,
};

static _Alignas(PAGE) uint8_t pages[MAX_PAGES * PAGE];

static struct xen_blkif_head *head(void)
{
	return (void *)pages;
}

/** As a driver does before it names its ring. */
static void clear_ring(uint32_t start)
{
	memset(pages, 0, sizeof(pages));
	head()->request_producer = head()->response_producer = start;
	head()->request_event = head()->response_event = start + 1;
}

static uint8_t *entry(const struct xen_blkif_ring *ring, uint32_t number)
{
	return pages + sizeof(struct xen_blkif_head) +
	       (size_t)(number % ring->entries) * ring->layout->entry_bytes;
}

static struct xen_blkif_ring attach(const char *name, unsigned page_count, uint32_t start)
{
	struct xen_blkif_ring ring;

	clear_ring(start);
	xen_blkif_ring_attach(&ring, pages, page_count * PAGE, xen_blkif_find_layout(name));
	return ring;
}

static void push(const struct xen_blkif_ring *ring, uint64_t id)
{
	uint8_t *at = entry(ring, head()->request_producer);

	memset(at, 0, ring->layout->entry_bytes);
	at[0] = XEN_BLKIF_READ;
	at[1] = 1;
	store_le64(at + ring->layout->id, id);
	__atomic_store_n(&head()->request_producer, head()->request_producer + 1, __ATOMIC_RELEASE);
}

static void layouts_are_those_of_xen(void **state)
{
	const struct xen_blkif_layout *wide = xen_blkif_find_layout("x86_64-abi");
	const struct xen_blkif_layout *narrow = xen_blkif_find_layout("x86_32-abi");

	(void)state;
	assert_int_equal(wide->entry_bytes, 112);
	assert_int_equal(narrow->entry_bytes, 108);
	assert_null(xen_blkif_find_layout("arm-abi"));
	assert_null(xen_blkif_find_layout(""));
	for (unsigned order = 0; order <= XEN_BLKIF_MAX_RING_ORDER; order++) {
		assert_int_equal(xen_blkif_count_entries(wide, (unsigned)PAGE << order),
				 32u << order);
		assert_int_equal(xen_blkif_count_entries(narrow, (unsigned)PAGE << order),
				 32u << order);
	}
}

static void a_request_is_read_where_the_layout_has_it(void **state)
{
	static const char *const names[] = { "x86_64-abi", "x86_32-abi" };
	static const unsigned id[] = { 8, 4 }, sector[] = { 16, 12 }, segment[] = { 24, 20 };
	struct xen_blkif_request request;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct xen_blkif_ring ring = attach(names[i], 1, 0);
		uint8_t *at = entry(&ring, 0);

		at[0] = XEN_BLKIF_WRITE;
		at[1] = 11;
		store_le64(at + id[i], 0x1122334455667788);
		store_le64(at + sector[i], 0x99aabbccddee);
		store_le32(at + segment[i] + 10 * 8, 77);
		at[segment[i] + 10 * 8 + 4] = 2;
		at[segment[i] + 10 * 8 + 5] = 5;
		head()->request_producer = 1;
		assert_true(xen_blkif_ring_take(&ring, &request));
		assert_int_equal(request.operation, XEN_BLKIF_WRITE);
		assert_int_equal(request.segment_count, 11);
		assert_true(request.id == 0x1122334455667788);
		assert_true(request.sector == 0x99aabbccddee);
		assert_int_equal(request.segments[10].grant, 77);
		assert_int_equal(request.segments[10].first_sector, 2);
		assert_int_equal(request.segments[10].last_sector, 5);
		assert_false(xen_blkif_ring_take(&ring, &request));
	}
}

static void discards_and_indirect_ones_too(void **state)
{
	static const char *const names[] = { "x86_64-abi", "x86_32-abi" };
	static const unsigned sectors[] = { 24, 20 }, grants[] = { 28, 24 };
	struct xen_blkif_request request;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct xen_blkif_ring ring = attach(names[i], 1, 0);

		entry(&ring, 0)[0] = XEN_BLKIF_DISCARD;
		entry(&ring, 0)[1] = XEN_BLKIF_DISCARD_SECURE;
		store_le64(entry(&ring, 0) + sectors[i], 0xabcdef);
		entry(&ring, 1)[0] = XEN_BLKIF_INDIRECT;
		entry(&ring, 1)[1] = XEN_BLKIF_WRITE;
		store_le16(entry(&ring, 1) + 2, 300);
		store_le32(entry(&ring, 1) + grants[i] + 7 * 4, 1234);
		head()->request_producer = 2;
		assert_true(xen_blkif_ring_take(&ring, &request));
		assert_true(request.discard_sectors == 0xabcdef);
		assert_int_equal(request.discard_flag, XEN_BLKIF_DISCARD_SECURE);
		assert_true(xen_blkif_ring_take(&ring, &request));
		assert_int_equal(request.inner_operation, XEN_BLKIF_WRITE);
		assert_int_equal(request.segment_count, 300);
		assert_int_equal(request.indirect_grants[7], 1234);
	}
}

static void counters_run_over(void **state)
{
	struct xen_blkif_ring ring = attach("x86_32-abi", 2, UINT32_MAX - 40);
	struct xen_blkif_request request;

	(void)state;
	for (uint64_t i = 0; i < 300; i++) {
		push(&ring, i);
		assert_true(xen_blkif_ring_take(&ring, &request));
		assert_true(request.id == i);
		xen_blkif_ring_respond(&ring, request.id, request.operation, XEN_BLKIF_ERROR);
		assert_true(load_le64(entry(&ring, UINT32_MAX - 40 + (uint32_t)i)) == i);
		assert_int_equal(
			(int16_t)load_le16(entry(&ring, UINT32_MAX - 40 + (uint32_t)i) + 10),
			XEN_BLKIF_ERROR);
		assert_int_equal(head()->response_producer, UINT32_MAX - 40 + (uint32_t)i);
		xen_blkif_ring_publish(&ring);
	}
	assert_false(ring.is_broken);
}

/** A response has fewer bytes than its entry: the rest stays the guest's. */
static void answers_write_nothing_else(void **state)
{
	struct xen_blkif_ring ring = attach("x86_64-abi", 1, 0);
	uint8_t before[PAGE];

	(void)state;
	memset(pages + sizeof(struct xen_blkif_head), 0xa5, PAGE - sizeof(struct xen_blkif_head));
	ring.consumer = 1;
	memcpy(before, pages, PAGE);
	xen_blkif_ring_respond(&ring, 5, XEN_BLKIF_READ, XEN_BLKIF_OKAY);
	assert_memory_equal(pages, before, sizeof(struct xen_blkif_head));
	assert_int_equal(entry(&ring, 0)[8], XEN_BLKIF_READ);
	assert_int_equal(entry(&ring, 0)[9], 0xa5);
	assert_memory_equal(entry(&ring, 0) + 12, before + sizeof(struct xen_blkif_head) + 12,
			    PAGE - sizeof(struct xen_blkif_head) - 12);
}

static void the_guest_is_woken_when_it_asked(void **state)
{
	struct xen_blkif_ring ring = attach("x86_64-abi", 1, 0);

	(void)state;
	assert_false(xen_blkif_ring_publish(&ring)); /* nothing was put */
	xen_blkif_ring_respond(&ring, 0, 0, XEN_BLKIF_OKAY);
	assert_true(xen_blkif_ring_publish(&ring));
	/* It has seen one, and waits for the fourth. */
	head()->response_event = 4;
	xen_blkif_ring_respond(&ring, 0, 0, XEN_BLKIF_OKAY);
	assert_false(xen_blkif_ring_publish(&ring));
	xen_blkif_ring_respond(&ring, 0, 0, XEN_BLKIF_OKAY);
	xen_blkif_ring_respond(&ring, 0, 0, XEN_BLKIF_OKAY);
	assert_true(xen_blkif_ring_publish(&ring));
	assert_int_equal(head()->response_producer, 4);
}

static void we_ask_to_be_woken_by_the_next(void **state)
{
	struct xen_blkif_ring ring = attach("x86_64-abi", 1, 0);
	struct xen_blkif_request request;

	(void)state;
	push(&ring, 1);
	assert_false(xen_blkif_ring_wait(&ring));
	assert_true(xen_blkif_ring_take(&ring, &request));
	assert_true(xen_blkif_ring_wait(&ring));
	assert_int_equal(head()->request_event, 2);
}

/** XSA-155: what has been taken is not looked at again. */
static void xsa_155_a_copy_does_not_change(void **state)
{
	struct xen_blkif_ring ring = attach("x86_64-abi", 1, 0);
	struct xen_blkif_request request;

	(void)state;
	push(&ring, 7);
	assert_true(xen_blkif_ring_take(&ring, &request));
	memset(entry(&ring, 0), 0xff, 112);
	assert_int_equal(request.operation, XEN_BLKIF_READ);
	assert_int_equal(request.segment_count, 1);
	assert_true(request.id == 7);
}

/** Neither do its counters bring ours to walk beyond the ring. */
static void producers_that_make_no_sense_break_the_ring(void **state)
{
	static const uint32_t bad[] = { 33, 1000, 0x80000000, UINT32_MAX };
	struct xen_blkif_request request;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct xen_blkif_ring ring = attach("x86_64-abi", 1, 0);

		head()->request_producer = bad[i];
		assert_false(xen_blkif_ring_take(&ring, &request));
		assert_true(ring.is_broken);
		assert_true(xen_blkif_ring_wait(&ring));
		/* For good: a ring that has lied is not looked at any more. */
		head()->request_producer = 1;
		assert_false(xen_blkif_ring_take(&ring, &request));
	}
}

static void a_producer_that_goes_back_does_too(void **state)
{
	struct xen_blkif_ring ring = attach("x86_64-abi", 1, 100);
	struct xen_blkif_request request;

	(void)state;
	push(&ring, 1);
	push(&ring, 2);
	assert_true(xen_blkif_ring_take(&ring, &request));
	assert_true(xen_blkif_ring_take(&ring, &request));
	head()->request_producer = 101;
	assert_false(xen_blkif_ring_take(&ring, &request));
	assert_true(ring.is_broken);
}

/** More than the ring holds without an answer would overwrite what is under way. */
static void no_more_is_taken_than_can_be_answered(void **state)
{
	struct xen_blkif_ring ring = attach("x86_64-abi", 1, 0);
	struct xen_blkif_request request;

	(void)state;
	for (unsigned i = 0; i < 32; i++)
		push(&ring, i);
	for (unsigned i = 0; i < 32; i++)
		assert_true(xen_blkif_ring_take(&ring, &request));
	push(&ring, 32);
	assert_false(xen_blkif_ring_take(&ring, &request));
	assert_true(ring.is_broken);
}

static void segments_lie_within_their_page(void **state)
{
	struct xen_blkif_segment segments[2] = { { 1, 0, 7, 0 }, { 2, 3, 3, 0 } };

	(void)state;
	assert_true(xen_blkif_count_sectors(segments, 2) == 9);
	assert_true(xen_blkif_count_sectors(segments, 0) == 0);
	segments[1].last_sector = 2;
	assert_true(xen_blkif_count_sectors(segments, 2) == 0);
	segments[1] = (struct xen_blkif_segment){ 2, 0, 8, 0 };
	assert_true(xen_blkif_count_sectors(segments, 2) == 0);
	segments[1] = (struct xen_blkif_segment){ 2, 255, 255, 0 };
	assert_true(xen_blkif_count_sectors(segments, 2) == 0);
	assert_true(xen_blkif_count_sectors(segments, 1) == 8);
}

static void a_ring_that_was_used_goes_on(void **state)
{
	struct xen_blkif_ring ring = attach("x86_64-abi", 1, 5);
	struct xen_blkif_request request;

	(void)state;
	push(&ring, 9);
	assert_true(xen_blkif_ring_take(&ring, &request));
	assert_true(request.id == 9);
	xen_blkif_ring_detach(&ring);
	assert_false(xen_blkif_ring_take(&ring, &request));
	xen_blkif_ring_respond(&ring, 9, 0, XEN_BLKIF_OKAY);
	assert_false(xen_blkif_ring_publish(&ring));
	assert_int_equal(head()->response_producer, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layouts_are_those_of_xen),
		cmocka_unit_test(a_request_is_read_where_the_layout_has_it),
		cmocka_unit_test(discards_and_indirect_ones_too),
		cmocka_unit_test(counters_run_over),
		cmocka_unit_test(answers_write_nothing_else),
		cmocka_unit_test(the_guest_is_woken_when_it_asked),
		cmocka_unit_test(we_ask_to_be_woken_by_the_next),
		cmocka_unit_test(xsa_155_a_copy_does_not_change),
		cmocka_unit_test(producers_that_make_no_sense_break_the_ring),
		cmocka_unit_test(a_producer_that_goes_back_does_too),
		cmocka_unit_test(no_more_is_taken_than_can_be_answered),
		cmocka_unit_test(segments_lie_within_their_page),
		cmocka_unit_test(a_ring_that_was_used_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
