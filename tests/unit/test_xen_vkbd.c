// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Paravirtual devices on a fake of Xen's libraries: the handshake over xenstore as Linux, older
 * drivers, the toolstack and hostile guests do it, and where input goes meanwhile.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <linux/input-event-codes.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/input.h"
#include "base/lock.h"
#include "base/loop.h"
#include "hv/hv.h"
#include "hv/xen_vkbd_regs.h"
#include "tests/lib/fake_xen.h"

enum {
	RAM_BYTES = 1 << 20,
	PAGE_GFN = 20,
	GRANT = 9,
	TURNS = 64,
};

#define FRONT "/local/domain/7/device/vkbd/0/"
#define BACK  "backend/vkbd/7/0/"

struct fixture {
	struct lock lock;
	struct loop *loop;
	struct hv *hv;
	struct input input;
	struct input_sink ps2;
	unsigned ps2_keys, ps2_moves, ps2_pressed;
	uint32_t consumer;
};

static void ps2_key(void *opaque, unsigned key, bool down)
{
	struct fixture *f = opaque;

	(void)key;
	f->ps2_keys++;
	f->ps2_pressed += down ? 1 : (unsigned)-1;
}

static void ps2_move(void *opaque, int dx, int dy, int dz, unsigned buttons)
{
	(void)dx;
	(void)dy;
	(void)dz;
	(void)buttons;
	((struct fixture *)opaque)->ps2_moves++;
}

/** As libxl does for every guest. */
static void add_by_toolstack(void)
{
	fake_xen_store_write(BACK "frontend", "/local/domain/7/device/vkbd/0");
	fake_xen_store_write(BACK "frontend-id", "7");
	fake_xen_store_write(BACK "online", "1");
	fake_xen_store_write(BACK "state", "1");
	fake_xen_store_write(FRONT "backend", "/local/domain/0/backend/vkbd/7/0");
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

static void create_again(struct fixture *f, bool incoming)
{
	const struct hv_config config = { .cpus = 1,
					  .max_cpus = 1,
					  .low_bytes = RAM_BYTES,
					  .lock = &f->lock,
					  .input = &f->input,
					  .incoming = incoming,
					  .xen_domid = FAKE_XEN_DOMID };
	const struct hv_client client = { .opaque = f };
	struct err err = { 0 };

	f->hv = hv_xen_create(&config, &client, f->loop, &err);
	if (!f->hv || hv_complete(f->hv, &err) < 0)
		fail_msg("%s", err.text);
}

static void create(struct fixture *f)
{
	create_again(f, false);
}

static int set_up_bare(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	fake_xen_begin(RAM_BYTES);
	fake_xen_grant(GRANT, PAGE_GFN);
	lock_init(&f->lock);
	f->loop = loop_create();
	loop_set_lock(f->loop, &f->lock);
	input_init(&f->input);
	f->ps2 = (struct input_sink){ .opaque = f, .key = ps2_key, .move = ps2_move };
	input_add_sink(&f->input, &f->ps2);
	return 0;
}

static int set_up(void **state)
{
	struct fixture *f;

	set_up_bare(state);
	f = *state;
	add_by_toolstack();
	create(f);
	start(f);
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	if (f->hv) {
		lock_acquire(&f->lock);
		hv_pause(f->hv);
		lock_release(&f->lock);
		hv_destroy(f->hv);
	}
	assert_int_equal(fake_xen->bound, 0);
	assert_int_equal(fake_xen->granted, 0);
	loop_destroy(f->loop);
	fake_xen_end();
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

static struct xen_vkbd_page *page(void)
{
	return (void *)fake_xen_page(PAGE_GFN);
}

/** Linux 6.1, drivers/input/misc/xen-kbdfront.c: everything is there when the state is. */
static void publish(struct fixture *f, const char *absolute)
{
	memset(page(), 0, 4096);
	f->consumer = 0;
	if (absolute)
		fake_xen_store_write(FRONT "request-abs-pointer", absolute);
	fake_xen_store_write(FRONT "page-ref", "20");
	fake_xen_store_write(FRONT "page-gref", "9");
	fake_xen_store_write(FRONT "event-channel", "500");
	fake_xen_store_write(FRONT "state", "3");
	turn(f);
}

static void connect_linux(struct fixture *f)
{
	publish(f, "1");
	expect_back("state", "4");
	fake_xen_store_write(FRONT "state", "4");
	turn(f);
}

static bool take(struct fixture *f, struct xen_vkbd_event *event)
{
	if (f->consumer == page()->in_producer)
		return false;
	memcpy(event,
	       fake_xen_page(PAGE_GFN) + XEN_VKBD_IN_OFFSET +
		       f->consumer++ % XEN_VKBD_IN_EVENTS * sizeof(*event),
	       sizeof(*event));
	page()->in_consumer = f->consumer;
	return true;
}

static void expect_event(struct fixture *f, unsigned type, int x, int y)
{
	struct xen_vkbd_event event = { 0 };

	assert_true(take(f, &event));
	assert_int_equal(event.type, type);
	assert_int_equal(event.x, x);
	assert_int_equal(event.y, y);
}

static bool is_connected(struct fixture *f)
{
	unsigned before = f->ps2_keys;

	input_key(&f->input, KEY_SCROLLLOCK, true);
	input_key(&f->input, KEY_SCROLLLOCK, false);
	return f->ps2_keys == before;
}

/* The handshake as it should be */

static void offers_what_it_can_before_the_guest_runs(void **state)
{
	struct fixture *f = *state;

	add_by_toolstack();
	create(f);
	expect_back("feature-abs-pointer", "1");
	expect_back("feature-raw-pointer", "1");
	expect_back("width", "32767");
	expect_back("height", "32767");
	expect_back("state", "2");
	assert_false(is_connected(f));
}

static void serves_linux(void **state)
{
	struct fixture *f = *state;

	connect_linux(f);
	assert_true(input_has_absolute(&f->input));
	assert_int_equal(fake_xen->granted, 1);
	assert_int_equal(fake_xen->bound, 1);
	input_key(&f->input, KEY_Q, true);
	input_key(&f->input, KEY_Q, false);
	input_move_to(&f->input, 1000, INPUT_ABS_MAX, 1024, 768, 0, INPUT_BUTTON_RIGHT);
	expect_event(f, XEN_VKBD_KEY, KEY_Q, 0);
	expect_event(f, XEN_VKBD_KEY, KEY_Q, 0);
	expect_event(f, XEN_VKBD_POSITION, 1000, INPUT_ABS_MAX);
	expect_event(f, XEN_VKBD_KEY, BTN_RIGHT, 0);
	assert_int_equal(fake_xen->notified, 3);
	assert_int_equal(f->ps2_keys + f->ps2_moves, 0);
}

/** Linux before 4.12 asks for positions after it has seen us connected. */
static void an_older_driver_asks_late(void **state)
{
	struct fixture *f = *state;

	publish(f, NULL);
	expect_back("state", "4");
	assert_false(is_connected(f));
	fake_xen_store_write(FRONT "request-abs-pointer", "1");
	fake_xen_store_write(FRONT "state", "4");
	turn(f);
	assert_true(input_has_absolute(&f->input));
}

static void a_driver_may_want_movement_only(void **state)
{
	struct fixture *f = *state;

	publish(f, NULL);
	fake_xen_store_write(FRONT "state", "4");
	turn(f);
	assert_false(input_has_absolute(&f->input));
	input_move(&f->input, 5, -6, 0, 0);
	expect_event(f, XEN_VKBD_MOTION, 5, -6);
	input_move_to(&f->input, 0, 0, 100, 100, 0, 0);
	input_move_to(&f->input, INPUT_ABS_MAX, 0, 100, 100, 0, 0);
	expect_event(f, XEN_VKBD_MOTION, 99, 0);
}

static void a_page_may_come_by_its_number(void **state)
{
	struct fixture *f = *state;

	fake_xen_store_write(FRONT "page-ref", "20");
	fake_xen_store_write(FRONT "event-channel", "501");
	fake_xen_store_write(FRONT "state", "4");
	turn(f);
	expect_back("state", "4");
	assert_int_equal(fake_xen->granted, 0);
	input_key(&f->input, KEY_W, true);
	expect_event(f, XEN_VKBD_KEY, KEY_W, 0);
}

static void a_host_without_grants_maps_by_number(void **state)
{
	struct fixture *f = *state;

	fake_xen->no_grants = true;
	add_by_toolstack();
	create(f);
	start(f);
	connect_linux(f);
	assert_true(is_connected(f));
	assert_int_equal(fake_xen->granted, 0);
}

static void the_toolstacks_axes_and_refusals_count(void **state)
{
	struct fixture *f = *state;

	add_by_toolstack();
	fake_xen_store_write(BACK "width", "1279");
	fake_xen_store_write(BACK "height", "0");
	fake_xen_store_write(BACK "feature-disable-keyboard", "1");
	fake_xen_store_write(BACK "feature-multi-touch", "1");
	create(f);
	start(f);
	expect_back("width", "1279");
	expect_back("height", "32767");
	expect_back("feature-multi-touch", "0");
	connect_linux(f);
	assert_false(is_connected(f)); /* keys are PS/2's */
	input_move_to(&f->input, INPUT_ABS_MAX, INPUT_ABS_MAX, 640, 480, 0, 0);
	expect_event(f, XEN_VKBD_POSITION, 1279, INPUT_ABS_MAX);
}

static void raw_positions_have_no_axes(void **state)
{
	struct fixture *f = *state;

	add_by_toolstack();
	fake_xen_store_write(BACK "width", "1279");
	create(f);
	start(f);
	fake_xen_store_write(FRONT "request-raw-pointer", "1");
	connect_linux(f);
	input_move_to(&f->input, INPUT_ABS_MAX, 7, 640, 480, 0, 0);
	expect_event(f, XEN_VKBD_POSITION, INPUT_ABS_MAX, 7);
}

/* Coming and going */

static void keys_that_are_down_do_not_stick(void **state)
{
	struct fixture *f = *state;

	input_key(&f->input, KEY_ENTER, true);
	assert_int_equal(f->ps2_pressed, 1);
	connect_linux(f);
	assert_int_equal(f->ps2_pressed, 0);
	input_key(&f->input, KEY_ENTER, false);
	assert_false(take(f, &(struct xen_vkbd_event){ 0 }));
	input_key(&f->input, KEY_A, true);
	fake_xen_store_write(FRONT "state", "5");
	turn(f);
	expect_back("state", "5");
	assert_int_equal(f->ps2_pressed, 0);
	assert_false(is_connected(f));
	fake_xen_store_write(FRONT "state", "6");
	turn(f);
	expect_back("state", "6");
	assert_int_equal(fake_xen->bound + fake_xen->granted, 0);
}

static void a_driver_comes_again(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 3; i++) {
		connect_linux(f);
		assert_true(is_connected(f));
		fake_xen_store_write(FRONT "state", "6");
		turn(f);
		expect_back("state", "6");
		fake_xen_store_write(FRONT "state", "1");
		turn(f);
		expect_back("state", "2");
	}
	/* A new kernel, without a word of farewell from the old one. */
	connect_linux(f);
	fake_xen_store_write(FRONT "state", "1");
	turn(f);
	expect_back("state", "2");
	assert_false(is_connected(f));
	connect_linux(f);
	assert_true(is_connected(f));
}

static void the_toolstack_takes_it_away(void **state)
{
	struct fixture *f = *state;

	connect_linux(f);
	fake_xen_store_write(BACK "online", "0");
	fake_xen_store_write(BACK "state", "5");
	turn(f);
	expect_back("state", "6");
	assert_false(is_connected(f));
	fake_xen_store_remove("backend/vkbd/7/0");
	fake_xen_store_remove("/local/domain/7/device/vkbd/0");
	turn(f);
	assert_null(fake_xen_store_read(BACK "state"));
	/* And brings another. */
	add_by_toolstack();
	turn(f);
	connect_linux(f);
	assert_true(is_connected(f));
}

/** A folder that has gone is not made again: nobody would remove it. */
static void a_guest_that_is_destroyed_leaves_nothing(void **state)
{
	struct fixture *f = *state;

	connect_linux(f);
	fake_xen_store_remove("backend/vkbd/7");
	fake_xen_store_remove("/local/domain/7");
	turn(f);
	assert_null(fake_xen_store_read(BACK "state"));
	assert_false(is_connected(f));
	assert_int_equal(fake_xen->bound + fake_xen->granted, 0);
}

static void transactions_are_tried_again(void **state)
{
	struct fixture *f = *state;

	add_by_toolstack();
	fake_xen->transactions_to_fail = 5;
	create(f);
	start(f);
	assert_int_equal(fake_xen->transactions_to_fail, 0);
	expect_back("feature-abs-pointer", "1");
	expect_back("state", "2");
}

static void a_device_may_come_while_the_guest_runs(void **state)
{
	struct fixture *f = *state;

	create(f);
	start(f);
	add_by_toolstack();
	turn(f);
	connect_linux(f);
	assert_true(is_connected(f));
}

static void restricted_it_is_closed_so_that_nobody_waits(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	add_by_toolstack();
	create(f);
	expect_back("state", "2");
	assert_int_equal(hv_restrict_handles(f->hv, &err), 0);
	expect_back("state", "6");
	start(f);
	publish(f, "1");
	fake_xen_store_write(FRONT "state", "6");
	turn(f);
	expect_back("state", "6");
	assert_false(is_connected(f));
}

/** Linux 6.1, xenkbd_resume: a page and a channel, and nothing that it had asked for. */
static void a_restored_guest_does_not_ask_again(void **state)
{
	struct fixture *f = *state;

	add_by_toolstack();
	create_again(f, true);
	start(f);
	publish(f, NULL);
	fake_xen_store_write(FRONT "state", "4");
	turn(f);
	assert_true(input_has_absolute(&f->input));
	input_move_to(&f->input, 3, 4, 640, 480, 0, 0);
	expect_event(f, XEN_VKBD_POSITION, 3, 4);
	/* A driver that is loaded anew does. */
	fake_xen_store_write(FRONT "state", "6");
	turn(f);
	fake_xen_store_write(FRONT "state", "1");
	turn(f);
	publish(f, NULL);
	fake_xen_store_write(FRONT "state", "4");
	turn(f);
	assert_true(is_connected(f));
	assert_false(input_has_absolute(&f->input));
}

static void a_pause_leaves_the_guests_page_alone(void **state)
{
	struct fixture *f = *state;
	uint8_t before[4096];

	connect_linux(f);
	lock_acquire(&f->lock);
	hv_pause(f->hv);
	memcpy(before, page(), sizeof(before));
	input_key(&f->input, KEY_A, true);
	input_key(&f->input, KEY_B, true);
	input_key(&f->input, KEY_B, false);
	input_move_to(&f->input, 1, 2, 640, 480, 0, 0);
	assert_memory_equal(before, page(), sizeof(before));
	lock_release(&f->lock);
	start(f);
	expect_event(f, XEN_VKBD_POSITION, 1, 2);
	expect_event(f, XEN_VKBD_KEY, KEY_A, 0);
	assert_false(take(f, &(struct xen_vkbd_event){ 0 }));
	assert_int_equal(f->ps2_keys, 0);
}

static void count_taken(void *opaque)
{
	++*(unsigned *)opaque;
}

/** Whoever types gives the next key when the guest has taken the last. */
static void who_types_learns_when_the_guest_has_read(void **state)
{
	struct fixture *f = *state;
	unsigned taken = 0;

	connect_linux(f);
	f->input.keys_taken = count_taken;
	f->input.keys_taken_opaque = &taken;
	assert_true(input_has_room(&f->input));
	input_key(&f->input, KEY_A, true);
	assert_false(input_has_room(&f->input));
	fake_xen_ring_device(0);
	turn(f);
	assert_int_equal(taken, 0);
	expect_event(f, XEN_VKBD_KEY, KEY_A, 0);
	fake_xen_ring_device(0);
	turn(f);
	assert_int_equal(taken, 1);
	assert_true(input_has_room(&f->input));
}

static void the_guests_ring_makes_room(void **state)
{
	struct xen_vkbd_event event;
	struct fixture *f = *state;
	unsigned taken = 0;

	connect_linux(f);
	for (unsigned i = 0; i < 100; i++)
		input_key(&f->input, KEY_A, i % 2 == 0);
	input_key(&f->input, KEY_LEFTCTRL, true);
	while (take(f, &event))
		taken++;
	assert_int_equal(taken, XEN_VKBD_IN_EVENTS);
	fake_xen_ring_device(0);
	turn(f);
	/* The ring ended with a press. */
	expect_event(f, XEN_VKBD_KEY, KEY_LEFTCTRL, 0);
	expect_event(f, XEN_VKBD_KEY, KEY_A, 0);
	assert_false(take(f, &event));
}

/* Hostile */

static void nonsense_does_not_connect(void **state)
{
	static const struct {
		const char *page, *grant, *channel;
	} bad[] = {
		{ "20", "9", "" },
		{ "20", "9", "-1" },
		{ "20", "9", "4294967796" },
		{ "20", "9", "99999999999999999999" },
		{ "20", "9", "7" },
		{ "999999999", "15", "500" },
		{ "0x14", " 9", "500" },
		{ "20\n", "4294967305", "500" },
		{ "", "", "" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		fake_xen_store_write(FRONT "page-ref", bad[i].page);
		fake_xen_store_write(FRONT "page-gref", bad[i].grant);
		fake_xen_store_write(FRONT "event-channel", bad[i].channel);
		fake_xen_store_write(FRONT "state", "3");
		turn(f);
		expect_back("state", "6");
		assert_int_equal(fake_xen->bound + fake_xen->granted, 0);
		assert_false(is_connected(f));
		fake_xen_store_write(FRONT "state", "1");
		turn(f);
		expect_back("state", "2");
	}
	connect_linux(f);
	assert_true(is_connected(f));
}

static void states_that_are_none_close(void **state)
{
	static const char *const states[] = { "", "9", "-1", "4 ", "44444444444", "Connected" };
	struct fixture *f = *state;
	char text[300];

	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		connect_linux(f);
		fake_xen_store_write(FRONT "state", states[i]);
		turn(f);
		expect_back("state", "6");
		fake_xen_store_write(FRONT "state", "1");
		turn(f);
	}
	memset(text, '4', sizeof(text));
	fake_xen_store_write_bytes(FRONT "state", text, sizeof(text));
	turn(f);
	assert_false(is_connected(f));
}

/** Only what the toolstack writes is believed, and even that has to lie in the guest's part. */
static void a_frontend_elsewhere_is_not_looked_at(void **state)
{
	struct fixture *f = *state;

	fake_xen_store_write(BACK "frontend", "/local/domain/70/device/vkbd/0");
	fake_xen_store_write(BACK "state", "1");
	fake_xen_store_write("backend/vkbd/7/x/state", "1");
	fake_xen_store_write("backend/vkbd/7/4294967296/state", "1");
	create(f);
	start(f);
	expect_back("state", "1");
}

static void there_are_not_more_than_a_few(void **state)
{
	struct fixture *f = *state;
	char path[64], text[64];

	for (unsigned i = 0; i < 12; i++) {
		snprintf(path, sizeof(path), "backend/vkbd/7/%u/frontend", i);
		snprintf(text, sizeof(text), "/local/domain/7/device/vkbd/%u", i);
		fake_xen_store_write(path, text);
		snprintf(path, sizeof(path), "backend/vkbd/7/%u/state", i);
		fake_xen_store_write(path, "1");
	}
	create(f);
	start(f);
	assert_string_equal(fake_xen_store_read("backend/vkbd/7/7/state"), "2");
	assert_string_equal(fake_xen_store_read("backend/vkbd/7/8/state"), "1");
}

static void a_dead_xenstore_is_left_alone(void **state)
{
	struct fixture *f = *state;

	connect_linux(f);
	fake_xen->store_is_dead = true;
	fake_xen_store_write(FRONT "state", "6");
	turn(f);
	assert_true(is_connected(f));
}

static void a_guest_that_rings_without_end_does_not_keep_us(void **state)
{
	struct fixture *f = *state;

	connect_linux(f);
	for (unsigned i = 0; i < 1000; i++) {
		fake_xen_ring_device(0);
		fake_xen_store_write(FRONT "state", "4");
		loop_turn(f->loop, 0);
	}
	turn(f);
	assert_true(is_connected(f));
}

#define TEST(name)      cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define TEST_BARE(name) cmocka_unit_test_setup_teardown(name, set_up_bare, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_BARE(offers_what_it_can_before_the_guest_runs),
		TEST(serves_linux),
		TEST(an_older_driver_asks_late),
		TEST(a_driver_may_want_movement_only),
		TEST(a_page_may_come_by_its_number),
		TEST_BARE(a_host_without_grants_maps_by_number),
		TEST_BARE(the_toolstacks_axes_and_refusals_count),
		TEST_BARE(raw_positions_have_no_axes),
		TEST(keys_that_are_down_do_not_stick),
		TEST(a_driver_comes_again),
		TEST(the_toolstack_takes_it_away),
		TEST(a_guest_that_is_destroyed_leaves_nothing),
		TEST_BARE(transactions_are_tried_again),
		TEST_BARE(a_device_may_come_while_the_guest_runs),
		TEST_BARE(restricted_it_is_closed_so_that_nobody_waits),
		TEST_BARE(a_restored_guest_does_not_ask_again),
		TEST(a_pause_leaves_the_guests_page_alone),
		TEST(who_types_learns_when_the_guest_has_read),
		TEST(the_guests_ring_makes_room),
		TEST(nonsense_does_not_connect),
		TEST(states_that_are_none_close),
		TEST_BARE(a_frontend_elsewhere_is_not_looked_at),
		TEST_BARE(there_are_not_more_than_a_few),
		TEST(a_dead_xenstore_is_left_alone),
		TEST(a_guest_that_rings_without_end_does_not_keep_us),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
