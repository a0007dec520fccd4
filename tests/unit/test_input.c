// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/input.h"

struct recorder {
	struct input_sink sink;
	bool ready;
	unsigned keys, moves, positions;
	unsigned key;
	bool down;
	int dx, dy, dz;
	unsigned x, y, buttons;
};

static bool is_ready(void *opaque)
{
	return ((struct recorder *)opaque)->ready;
}

static void take_key(void *opaque, unsigned key, bool down)
{
	struct recorder *r = opaque;

	r->keys++;
	r->key = key;
	r->down = down;
}

static void take_move(void *opaque, int dx, int dy, int dz, unsigned buttons)
{
	struct recorder *r = opaque;

	r->moves++;
	r->dx = dx;
	r->dy = dy;
	r->dz = dz;
	r->buttons = buttons;
}

static void take_position(void *opaque, unsigned x, unsigned y, int dz, unsigned buttons)
{
	struct recorder *r = opaque;

	r->positions++;
	r->x = x;
	r->y = y;
	r->dz = dz;
	r->buttons = buttons;
}

static struct recorder make_ps2(void)
{
	return (struct recorder){ .sink = { .key = take_key, .move = take_move } };
}

static struct recorder make_tablet(void)
{
	return (struct recorder){ .sink = { .is_ready = is_ready, .move_to = take_position } };
}

static void add(struct input *input, struct recorder *recorder)
{
	recorder->sink.opaque = recorder;
	input_add_sink(input, &recorder->sink);
}

static void knows_names(void **state)
{
	(void)state;
	assert_int_equal(input_key_from_name("ret"), 28);
	assert_int_equal(input_key_from_name("spc"), 57);
	assert_int_equal(input_key_from_name("ctrl"), 29);
	assert_int_equal(input_key_from_name("shift_r"), 54);
	assert_int_equal(input_key_from_name("meta_l"), 125);
	assert_int_equal(input_key_from_name("kp_0"), 82);
	assert_int_equal(input_key_from_name("f1"), 59);
	assert_int_equal(input_key_from_name("f12"), 88);
	assert_int_equal(input_key_from_name("asterisk"), 55);
	assert_int_equal(input_key_from_name("enter"), -1);
	assert_int_equal(input_key_from_name(""), -1);
	assert_string_equal(input_key_name(55), "kp_multiply");
	assert_null(input_key_name(0));
	for (const char *const *name = input_key_names(); *name; name++)
		assert_in_range(input_key_from_name(*name), 1, INPUT_KEY_COUNT - 1);
}

static void gives_keys_to_the_newest_that_takes_them(void **state)
{
	struct input input;
	struct recorder old = make_ps2(), ps2 = make_ps2(), tablet = make_tablet();

	(void)state;
	input_init(&input);
	input_key(&input, 30, true); /* nobody is there */
	add(&input, &old);
	add(&input, &ps2);
	add(&input, &tablet);
	tablet.ready = true;
	input_key(&input, 31, true);
	assert_int_equal(ps2.key, 31);
	assert_int_equal(old.keys, 0);
	input_remove_sink(&input, &ps2.sink);
	input_key(&input, 31, false);
	assert_int_equal(old.keys, 1);
	assert_false(old.down);
}

static void tracks_keys_that_are_down(void **state)
{
	struct input input;
	struct recorder ps2 = make_ps2();

	(void)state;
	input_init(&input);
	add(&input, &ps2);
	input_key(&input, 30, false); /* is not down */
	input_key(&input, 0, true);
	input_key(&input, INPUT_KEY_COUNT, true);
	assert_int_equal(ps2.keys, 0);
	input_key(&input, 30, true);
	input_key(&input, 30, true); /* repeats */
	input_key(&input, 42, true);
	assert_int_equal(ps2.keys, 3);
	assert_true(input_key_is_down(&input, 30));
	input_move(&input, 0, 0, 0, INPUT_BUTTON_LEFT);
	input_release_all(&input);
	assert_int_equal(ps2.keys, 5);
	assert_int_equal(ps2.buttons, 0);
	assert_false(input_key_is_down(&input, 30));
	input_release_all(&input);
	assert_int_equal(ps2.keys, 5);
}

static void prefers_absolute_positions(void **state)
{
	struct input input;
	struct recorder tablet = make_tablet(), ps2 = make_ps2();

	(void)state;
	input_init(&input);
	add(&input, &tablet);
	add(&input, &ps2);
	assert_false(input_has_absolute(&input));
	tablet.ready = true;
	assert_true(input_has_absolute(&input));
	input_move_to(&input, 100, 40000, 640, 480, 1, INPUT_BUTTON_RIGHT);
	assert_int_equal(ps2.moves, 0);
	assert_int_equal(tablet.x, 100);
	assert_int_equal(tablet.y, INPUT_ABS_MAX);
	assert_int_equal(tablet.dz, 1);
	assert_int_equal(tablet.buttons, INPUT_BUTTON_RIGHT);
	input_move(&input, 5, 6, 0, INPUT_BUTTON_RIGHT);
	assert_int_equal(ps2.dx, 5);
	assert_int_equal(ps2.buttons, 0); /* which are pressed on the other */
	input_release_all(&input);
	assert_int_equal(tablet.buttons, 0);
	assert_int_equal(tablet.x, 100);
	assert_int_equal(ps2.moves, 1);
	input_remove_sink(&input, &ps2.sink);
	input_move(&input, 5, 5, -1, 0); /* wheel and buttons still arrive */
	assert_int_equal(tablet.x, 100);
	assert_int_equal(tablet.dz, -1);
}

static void makes_movements_of_positions(void **state)
{
	struct input input;
	struct recorder ps2 = make_ps2();

	(void)state;
	input_init(&input);
	add(&input, &ps2);
	input_move_to(&input, 0, 0, 801, 601, 0, 0);
	assert_int_equal(ps2.dx, 0);
	input_move_to(&input, INPUT_ABS_MAX, INPUT_ABS_MAX / 2 + 1, 801, 601, 0, 0);
	assert_int_equal(ps2.dx, 800);
	assert_int_equal(ps2.dy, 300);
	input_move_to(&input, 0, INPUT_ABS_MAX, 801, 601, 0, 0);
	assert_int_equal(ps2.dx, -800);
	assert_int_equal(ps2.dy, 300);
	input_move_to(&input, 5, 5, 0, 0, 0, 0); /* a screen without pixels */
}

static unsigned leds_seen;

static void see_leds(void *opaque, unsigned leds)
{
	(void)opaque;
	leds_seen = leds_seen * 8 + leds;
}

static void tells_changes_of_leds(void **state)
{
	struct input input;

	(void)state;
	input_init(&input);
	input_set_leds(&input, 1); /* nobody listens */
	input.leds_changed = see_leds;
	input_set_leds(&input, 1);
	input_set_leds(&input, 4);
	input_set_leds(&input, 4);
	assert_int_equal(leds_seen, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_names),
		cmocka_unit_test(gives_keys_to_the_newest_that_takes_them),
		cmocka_unit_test(tracks_keys_that_are_down),
		cmocka_unit_test(prefers_absolute_positions),
		cmocka_unit_test(makes_movements_of_positions),
		cmocka_unit_test(tells_changes_of_leds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
