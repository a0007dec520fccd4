// SPDX-License-Identifier: GPL-2.0-or-later
/* Where to click: a text's places, and what has changed between pictures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "tools/aim.h"

enum {
	WIDTH = 20,
	HEIGHT = 10,
};

static const char header[] = "P6\n20 10\n255\n";

struct file {
	uint8_t bytes[sizeof(header) - 1 + WIDTH * HEIGHT * 3];
};

static void start(struct file *file)
{
	*file = (struct file){ 0 };
	memcpy(file->bytes, header, sizeof(header) - 1);
}

static void put(struct file *file, unsigned x, unsigned y, uint8_t value)
{
	file->bytes[sizeof(header) - 1 + (y * WIDTH + x) * 3 + 1] = value;
}

static void read_file(struct aim_picture *picture, const struct file *file)
{
	assert_int_equal(aim_read_ppm(picture, file->bytes, sizeof(file->bytes), NULL), 0);
	assert_int_equal(picture->width, WIDTH);
	assert_int_equal(picture->height, HEIGHT);
}

static void texts_are_found_by_characters(void **state)
{
	struct json_object *screen = json_tokener_parse(
		"{\"lines\": [\"\xe2\x94\x82 \xc3\x84ndern  OK \xe2\x94\x82\", \"\", "
		"\"OKOK\"]}");
	struct aim_place places[AIM_PLACES_MAX];

	(void)state;
	assert_int_equal(aim_find_text(screen, "OK", places), 3);
	assert_int_equal(places[0].line, 0);
	assert_int_equal(places[0].column, 10);
	assert_int_equal(places[0].columns, 2);
	assert_int_equal(places[2].line, 2);
	assert_int_equal(places[2].column, 2);
	assert_int_equal(aim_find_text(screen, "\xc3\x84ndern", places), 1);
	assert_int_equal(places[0].column, 2);
	assert_int_equal(places[0].columns, 6);
	assert_int_equal(aim_find_text(screen, "Cancel", places), 0);
	assert_int_equal(aim_find_text(screen, "", places), 0);
	json_object_put(screen);
	screen = json_tokener_parse("{\"mode\": \"graphics\"}");
	assert_int_equal(aim_find_text(screen, "OK", places), 0);
	json_object_put(screen);
}

static void more_places_than_are_told(void **state)
{
	char text[3 * AIM_PLACES_MAX + 64], *at = text;
	struct aim_place places[AIM_PLACES_MAX];
	struct json_object *screen;

	(void)state;
	at += sprintf(at, "{\"lines\": [\"");
	for (unsigned i = 0; i < AIM_PLACES_MAX + 3; i++)
		at += sprintf(at, "ab");
	sprintf(at, "\"]}");
	screen = json_tokener_parse(text);
	assert_int_equal(aim_find_text(screen, "ab", places), AIM_PLACES_MAX + 3);
	json_object_put(screen);
}

static void changes_have_a_box(void **state)
{
	static const struct aim_box corner = { 0, 0, 4, 4 };
	struct aim_picture a, b, c;
	struct file file;
	struct aim_box box;

	(void)state;
	start(&file);
	put(&file, 1, 1, 9); /* the pointer in the corner */
	read_file(&a, &file);
	put(&file, 19, 9, 9); /* something that blinks */
	read_file(&c, &file);
	put(&file, 1, 1, 0);
	put(&file, 19, 9, 5);
	read_file(&b, &file);
	assert_false(aim_find_change(&a, &b, &c, &corner, &box));
	aim_picture_finish(&b);
	put(&file, 7, 5, 9);
	put(&file, 9, 8, 9);
	read_file(&b, &file);
	assert_true(aim_find_change(&a, &b, &c, &corner, &box));
	assert_int_equal(box.x, 7);
	assert_int_equal(box.y, 5);
	assert_int_equal(box.width, 3);
	assert_int_equal(box.height, 4);
	b.width--;
	assert_false(aim_find_change(&a, &b, &c, &corner, &box));
	aim_picture_finish(&a);
	aim_picture_finish(&b);
	aim_picture_finish(&c);
}

static void pictures_that_are_none(void **state)
{
	static const char *const texts[] = { "",
					     "P",
					     "P6",
					     "P5\n1 1\n255\nxxx",
					     "P6\n1 1\n65535\nxxx",
					     "P6\n1 1\n255\nxx",
					     "P6\n1 1\n255\nxxxx",
					     "P6\n0 1\n255\n",
					     "P6\n99999999999999999999 1\n255\nxxx",
					     "P6\n4097 1\n255\nxxx" };
	struct aim_picture picture;
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		assert_true(aim_read_ppm(&picture, (const uint8_t *)texts[i], strlen(texts[i]),
					 &err) < 0);
		assert_null(picture.dots);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_found_by_characters),
		cmocka_unit_test(more_places_than_are_told),
		cmocka_unit_test(changes_have_a_box),
		cmocka_unit_test(pictures_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
