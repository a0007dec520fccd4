// SPDX-License-Identifier: GPL-2.0-or-later
/* The display port: who is told what, when the surface exists, pictures as PNG. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <png.h>

#include "base/display.h"

/* A card that paints a pattern on its second size. */
struct card {
	struct display *display;
	unsigned refreshes, full, watches, unwatches;
};

static void card_refresh(void *opaque, bool full)
{
	struct card *card = opaque;
	struct display_surface *s = &card->display->surface;

	card->refreshes++;
	card->full += full;
	display_resize(card->display, 20, 10);
	for (unsigned y = 0; y < s->height; y++)
		for (unsigned x = 0; x < s->width; x++)
			s->pixels[y * s->stride + x] = x << 16 | y << 8 | 0xab;
	display_damage(card->display, 0, 0, 20, 10);
}

static void card_watch(void *opaque, bool watched)
{
	struct card *card = opaque;

	if (watched)
		card->watches++;
	else
		card->unwatches++;
}

static struct card plug(struct display *display)
{
	return (struct card){ .display = display };
}

static void set_source(struct card *card)
{
	struct display_source source = { .opaque = card,
					 .refresh = card_refresh,
					 .watch = card_watch };

	display_set_source(card->display, &source);
}

struct viewer {
	struct display_listener listener;
	unsigned resizes, damages, cursors;
	struct display_rect last;
};

static void viewer_resized(void *opaque)
{
	((struct viewer *)opaque)->resizes++;
}

static void viewer_damaged(void *opaque, struct display_rect rect)
{
	((struct viewer *)opaque)->damages++;
	((struct viewer *)opaque)->last = rect;
}

static void viewer_cursor(void *opaque)
{
	((struct viewer *)opaque)->cursors++;
}

static void add_viewer(struct display *display, struct viewer *viewer)
{
	*viewer = (struct viewer){ .listener = { .opaque = viewer,
						 .resized = viewer_resized,
						 .damaged = viewer_damaged,
						 .cursor_changed = viewer_cursor } };
	display_add_listener(display, &viewer->listener);
}

static void test_surface_lives_while_watched(void **state)
{
	struct display display;
	struct card card = plug(&display);
	struct viewer a, b;

	(void)state;
	display_init(&display);
	set_source(&card);
	add_viewer(&display, &a);
	add_viewer(&display, &b);
	display_refresh(&display, true);
	assert_int_equal(card.refreshes, 0);
	assert_null(display.surface.pixels);
	assert_int_equal(display_set_watching(&display, &a.listener, true), 0);
	assert_int_equal(display_set_watching(&display, &a.listener, true), 0);
	assert_int_equal(display_set_watching(&display, &b.listener, true), 0);
	assert_int_equal(card.watches, 1);
	assert_non_null(display.surface.pixels);
	assert_int_equal(display.surface.pixels[640 * 480 - 1], 0);
	display_set_watching(&display, &a.listener, false);
	assert_non_null(display.surface.pixels);
	display_remove_listener(&display, &b.listener);
	assert_null(display.surface.pixels);
	assert_int_equal(card.unwatches, 1);
	display_remove_listener(&display, &a.listener);
	display_finish(&display);
}

static void test_damage_is_clipped_and_told_to_watchers(void **state)
{
	struct display display;
	struct viewer a, b;

	(void)state;
	display_init(&display);
	add_viewer(&display, &a);
	add_viewer(&display, &b);
	display_set_watching(&display, &a.listener, true);
	display_damage(&display, 630, 470, 100, UINT32_MAX);
	assert_int_equal(a.last.width, 10);
	assert_int_equal(a.last.height, 10);
	display_damage(&display, 640, 0, 1, 1);
	display_damage(&display, 0, 0, 0, 1);
	assert_int_equal(a.damages, 1);
	assert_int_equal(b.damages, 0);
	assert_int_equal(display.changes, 1);
	display_remove_listener(&display, &a.listener);
	display_remove_listener(&display, &b.listener);
	display_finish(&display);
}

static void test_resize_is_clamped_and_told_once(void **state)
{
	struct display display;
	struct viewer a;

	(void)state;
	display_init(&display);
	add_viewer(&display, &a);
	assert_false(display_resize(&display, 640, 480));
	display_set_watching(&display, &a.listener, true);
	assert_false(display_resize(&display, 640, 480));
	assert_true(display_resize(&display, 100000, 0));
	assert_int_equal(display.surface.width, DISPLAY_MAX_WIDTH);
	assert_int_equal(display.surface.height, 1);
	assert_false(display_resize(&display, 100000, 0));
	assert_int_equal(a.resizes, 1);
	display_remove_listener(&display, &a.listener);
	display_finish(&display);
}

static void test_cursor_and_change_of_source(void **state)
{
	static struct display_cursor cursor = { .width = 1, .height = 1 };
	struct display display;
	struct card first = plug(&display), second = plug(&display);
	struct viewer a;

	(void)state;
	display_init(&display);
	set_source(&first);
	add_viewer(&display, &a);
	display_set_watching(&display, &a.listener, true);
	display_set_cursor(&display, &cursor, 3, 4);
	assert_int_equal(a.cursors, 1);
	assert_int_equal(display.cursor_y, 4);
	set_source(&second);
	assert_int_equal(first.unwatches, 1);
	assert_int_equal(second.watches, 1);
	assert_null(display.cursor);
	display_remove_listener(&display, &a.listener);
	display_finish(&display);
}

static void read_png(int fd, unsigned *width, unsigned *height, uint8_t *rgb, size_t bytes)
{
	png_image image = { .version = PNG_IMAGE_VERSION };
	FILE *file = fdopen(fd, "r");

	assert_non_null(file);
	rewind(file);
	assert_true(png_image_begin_read_from_stdio(&image, file));
	image.format = PNG_FORMAT_RGB;
	*width = image.width;
	*height = image.height;
	assert_true(PNG_IMAGE_SIZE(image) <= bytes);
	assert_true(png_image_finish_read(&image, NULL, rgb, 0, NULL));
	fclose(file);
}

static void test_png_needs_no_viewer(void **state)
{
	struct display display;
	struct card card = plug(&display);
	char path[] = "/tmp/hvmdm-test-XXXXXX";
	int fd = mkstemp(path);
	unsigned width, height;
	uint8_t rgb[20 * 10 * 3];

	(void)state;
	assert_true(fd >= 0);
	unlink(path);
	display_init(&display);
	set_source(&card);
	assert_int_equal(display_write_png(&display, fd), 0);
	assert_int_equal(card.full, 1);
	assert_int_equal(card.unwatches, 1);
	assert_null(display.surface.pixels);
	read_png(fd, &width, &height, rgb, sizeof(rgb));
	assert_int_equal(width, 20);
	assert_int_equal(height, 10);
	for (unsigned i = 0; i < 200; i++) {
		assert_int_equal(rgb[3 * i], i % 20);
		assert_int_equal(rgb[3 * i + 1], i / 20);
		assert_int_equal(rgb[3 * i + 2], 0xab);
	}
	display_finish(&display);
}

static void test_png_reports_what_write_says(void **state)
{
	struct display display;
	int full = open("/dev/full", O_WRONLY);

	(void)state;
	display_init(&display);
	assert_int_equal(display_write_png(&display, -1), -EBADF);
	if (full >= 0) {
		assert_int_equal(display_write_png(&display, full), -ENOSPC);
		close(full);
	}
	assert_int_equal(display.watchers, 0);
	display_finish(&display);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_surface_lives_while_watched),
		cmocka_unit_test(test_damage_is_clipped_and_told_to_watchers),
		cmocka_unit_test(test_resize_is_clamped_and_told_once),
		cmocka_unit_test(test_cursor_and_change_of_source),
		cmocka_unit_test(test_png_needs_no_viewer),
		cmocka_unit_test(test_png_reports_what_write_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
