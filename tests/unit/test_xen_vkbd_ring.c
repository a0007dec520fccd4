// SPDX-License-Identifier: GPL-2.0-or-later
/* Events in the ring of a paravirtual keyboard, with guests that take them late, wrongly or never.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <linux/input-event-codes.h>

#include "base/bits.h"
#include "hv/xen_vkbd_regs.h"
#include "hv/xen_vkbd_ring.h"

struct fixture {
	struct xen_vkbd_ring ring;
	/* Not larger than it is: what goes beyond is seen. */
	_Alignas(8) uint8_t page[XEN_VKBD_IN_OFFSET + XEN_VKBD_IN_EVENTS * 40];
	struct xen_vkbd_event event; /* the last that the guest took */
};

static struct xen_vkbd_page *head(struct fixture *f)
{
	return (void *)f->page;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	xen_vkbd_ring_attach(&f->ring, f->page);
	return 0;
}

static int tear_down(void **state)
{
	free(*state);
	return 0;
}

static bool take(struct fixture *f)
{
	struct xen_vkbd_page *page = head(f);

	if (page->in_consumer == page->in_producer)
		return false;
	memcpy(&f->event,
	       f->page + XEN_VKBD_IN_OFFSET +
		       page->in_consumer % XEN_VKBD_IN_EVENTS * sizeof(f->event),
	       sizeof(f->event));
	page->in_consumer++;
	return true;
}

static void expect(struct fixture *f, unsigned type, int x, int y, int z)
{
	assert_true(take(f));
	assert_int_equal(f->event.type, type);
	assert_int_equal(f->event.x, x);
	assert_int_equal(f->event.y, y);
	assert_int_equal(f->event.z, z);
}

static void expect_key(struct fixture *f, int code, bool down)
{
	expect(f, XEN_VKBD_KEY, code, 0, 0);
	assert_int_equal(f->event.pressed, down);
}

static void fill(struct fixture *f)
{
	for (unsigned i = 0; i < XEN_VKBD_IN_EVENTS; i++)
		assert_true(xen_vkbd_ring_move_to(&f->ring, 1, 1, 0, 0));
	assert_false(xen_vkbd_ring_move_to(&f->ring, 2, 2, 0, 0));
	assert_int_equal(head(f)->in_producer - head(f)->in_consumer, XEN_VKBD_IN_EVENTS);
}

static void keys_come_with_their_codes(void **state)
{
	struct fixture *f = *state;

	assert_true(xen_vkbd_ring_is_empty(&f->ring));
	assert_true(xen_vkbd_ring_key(&f->ring, KEY_A, true));
	assert_false(xen_vkbd_ring_is_empty(&f->ring));
	assert_true(xen_vkbd_ring_key(&f->ring, KEY_A, true));
	assert_true(xen_vkbd_ring_key(&f->ring, KEY_A, false));
	assert_false(xen_vkbd_ring_key(&f->ring, KEY_A, false));
	assert_false(xen_vkbd_ring_key(&f->ring, INPUT_KEY_COUNT, true));
	expect_key(f, KEY_A, true);
	expect_key(f, KEY_A, true); /* repeats */
	expect_key(f, KEY_A, false);
	assert_false(take(f));
	assert_true(xen_vkbd_ring_is_empty(&f->ring));
}

static void the_pointer_comes_before_its_buttons(void **state)
{
	struct fixture *f = *state;

	assert_true(xen_vkbd_ring_move_to(&f->ring, 100, 200, 1, INPUT_BUTTON_LEFT));
	expect(f, XEN_VKBD_POSITION, 100, 200, -1);
	expect_key(f, BTN_LEFT, true);
	assert_true(xen_vkbd_ring_move(&f->ring, -3, 4, -2,
				       INPUT_BUTTON_MIDDLE | INPUT_BUTTON_RIGHT |
					       INPUT_BUTTON_SIDE | INPUT_BUTTON_EXTRA));
	expect(f, XEN_VKBD_MOTION, -3, 4, 2);
	expect_key(f, BTN_LEFT, false);
	expect_key(f, BTN_MIDDLE, true);
	expect_key(f, BTN_RIGHT, true);
	expect_key(f, BTN_SIDE, true);
	expect_key(f, BTN_EXTRA, true);
	assert_false(take(f));
}

static void nothing_moves_nothing_is_told(void **state)
{
	struct fixture *f = *state;

	assert_false(xen_vkbd_ring_move(&f->ring, 0, 0, 0, 0));
	assert_false(xen_vkbd_ring_flush(&f->ring));
	assert_false(take(f));
}

static void what_finds_no_room_is_told_as_it_ended(void **state)
{
	struct fixture *f = *state;

	assert_true(xen_vkbd_ring_key(&f->ring, KEY_LEFTSHIFT, true));
	expect_key(f, KEY_LEFTSHIFT, true);
	fill(f);
	assert_false(xen_vkbd_ring_key(&f->ring, KEY_LEFTSHIFT, false));
	assert_false(xen_vkbd_ring_key(&f->ring, KEY_B, true)); /* came and went */
	assert_false(xen_vkbd_ring_key(&f->ring, KEY_B, false));
	assert_false(xen_vkbd_ring_key(&f->ring, KEY_C, true));
	assert_false(xen_vkbd_ring_move_to(&f->ring, 7, 8, 1, INPUT_BUTTON_LEFT));
	assert_false(xen_vkbd_ring_move_to(&f->ring, 9, 10, 1, INPUT_BUTTON_RIGHT));
	for (unsigned i = 0; i < XEN_VKBD_IN_EVENTS; i++)
		expect(f, XEN_VKBD_POSITION, 1, 1, 0);
	assert_false(take(f));
	assert_true(xen_vkbd_ring_flush(&f->ring));
	expect(f, XEN_VKBD_POSITION, 9, 10, -2);
	expect_key(f, BTN_RIGHT, true);
	expect_key(f, KEY_LEFTSHIFT, false);
	expect_key(f, KEY_C, true);
	assert_false(take(f));
}

static void movement_adds_up_to_a_limit(void **state)
{
	struct fixture *f = *state;

	fill(f);
	for (unsigned i = 0; i < 3; i++)
		assert_false(xen_vkbd_ring_move(&f->ring, INT32_MAX, INT32_MIN, 0, 0));
	while (take(f))
		;
	/* The position that found no room comes first, and takes the movement along. */
	assert_true(xen_vkbd_ring_flush(&f->ring));
	expect(f, XEN_VKBD_POSITION, 2, 2, 0);
	assert_true(xen_vkbd_ring_move(&f->ring, INT32_MAX, INT32_MIN, 0, 0));
	expect(f, XEN_VKBD_MOTION, 1 << 20, -(1 << 20), 0);
}

static void counters_of_a_guest_that_lies_keep_us_in_the_ring(void **state)
{
	static const uint32_t lies[] = {
		1, 52, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff, 4096
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		head(f)->in_consumer = lies[i];
		head(f)->in_producer = ~lies[i];
		for (unsigned j = 0; j < 200; j++)
			xen_vkbd_ring_key(&f->ring, KEY_A, j % 2 == 0);
	}
	/* Honest again: what is told is what we have produced, wherever the page says it ends. */
	head(f)->in_consumer = head(f)->in_producer = f->ring.producer;
	assert_true(xen_vkbd_ring_key(&f->ring, KEY_Z, true));
	while (take(f))
		;
	assert_int_equal(f->event.x, KEY_Z);
}

static void counters_run_over(void **state)
{
	struct fixture *f = *state;

	head(f)->in_consumer = head(f)->in_producer = 0xfffffffd;
	xen_vkbd_ring_attach(&f->ring, f->page);
	for (unsigned i = 0; i < 10; i++) {
		assert_true(xen_vkbd_ring_key(&f->ring, KEY_A + i, true));
		expect_key(f, (int)(KEY_A + i), true);
	}
	assert_int_equal(head(f)->in_producer, 7);
}

static void a_held_ring_is_not_touched(void **state)
{
	uint8_t before[sizeof(((struct fixture *)0)->page)];
	struct fixture *f = *state;

	memcpy(before, f->page, sizeof(before));
	f->ring.held = true;
	assert_false(xen_vkbd_ring_key(&f->ring, KEY_A, true));
	assert_false(xen_vkbd_ring_move(&f->ring, 1, 1, 0, 0));
	head(f)->out_producer = 5;
	memcpy(before, f->page, sizeof(before));
	xen_vkbd_ring_discard_output(&f->ring);
	assert_memory_equal(before, f->page, sizeof(before));
	f->ring.held = false;
	xen_vkbd_ring_discard_output(&f->ring);
	assert_int_equal(head(f)->out_consumer, 5);
	assert_true(xen_vkbd_ring_flush(&f->ring));
	expect(f, XEN_VKBD_MOTION, 1, 1, 0);
	expect_key(f, KEY_A, true);
}

static void without_a_page_nothing_happens(void **state)
{
	struct fixture *f = *state;

	xen_vkbd_ring_key(&f->ring, KEY_A, true);
	xen_vkbd_ring_detach(&f->ring);
	assert_false(xen_vkbd_ring_key(&f->ring, KEY_A, false));
	assert_false(xen_vkbd_ring_move(&f->ring, 1, 1, 1, 1));
	assert_false(xen_vkbd_ring_move_to(&f->ring, 1, 1, 1, 1));
	assert_false(xen_vkbd_ring_flush(&f->ring));
	xen_vkbd_ring_discard_output(&f->ring);
	assert_true(xen_vkbd_ring_is_empty(&f->ring));
	/* The next driver starts from nothing pressed. */
	memset(f->page, 0, sizeof(f->page));
	xen_vkbd_ring_attach(&f->ring, f->page);
	assert_false(xen_vkbd_ring_flush(&f->ring));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(keys_come_with_their_codes),
		TEST(the_pointer_comes_before_its_buttons),
		TEST(nothing_moves_nothing_is_told),
		TEST(what_finds_no_room_is_told_as_it_ended),
		TEST(movement_adds_up_to_a_limit),
		TEST(counters_of_a_guest_that_lies_keep_us_in_the_ring),
		TEST(counters_run_over),
		TEST(a_held_ring_is_not_touched),
		TEST(without_a_page_nothing_happens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
