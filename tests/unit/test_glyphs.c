// SPDX-License-Identifier: GPL-2.0-or-later
/* Text drawn into pictures with glyphs of random dots, and read back; fonts found in images that
 * are made here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/utf8.h"
#include "vga/fonts.h"
#include "vga/glyphs.h"

enum {
	WIDTH = 400,
	HEIGHT = 200,
	HEIGHT_16 = 16,
	GREY = 0xaaaaaa,
	BLUE = 0x0000aa,
	BLACK = 0,
};

struct bench {
	uint32_t pixels[HEIGHT * WIDTH];
	uint8_t font[FONT_CODES][GLYPH_MAX_HEIGHT];
	struct display_surface surface;
	struct glyph_set set;
	struct display_text text;
	struct glyph_grid grid;
	unsigned height, scale, pitch; /* of what is drawn */
};

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 16;
}

/* A blank column at the right and a blank row below, as fonts have; half of the dots otherwise. */
static void make_font(struct bench *b, unsigned height)
{
	uint32_t seed = height;

	b->height = height;
	for (unsigned code = 0; code < FONT_CODES; code++)
		for (unsigned y = 0; y < height; y++)
			b->font[code][y] = code == ' ' || y >= height - 1
						   ? 0
						   : (uint8_t)(next_random(&seed) & 0xfe);
	for (unsigned code = 'A'; code <= 'z'; code++)
		glyph_set_add(&b->set, b->font[code], height, code);
}

static void fill(struct bench *b, uint32_t colour)
{
	for (unsigned i = 0; i < WIDTH * HEIGHT; i++)
		b->pixels[i] = colour;
}

static void draw(struct bench *b, unsigned left, unsigned top, const char *text, uint32_t ink,
		 uint32_t paper)
{
	for (unsigned i = 0; text[i]; i++) {
		const uint8_t *rows = b->font[(uint8_t)text[i]];

		for (unsigned y = 0; y < b->height * b->scale; y++) {
			for (unsigned x = 0; x < b->pitch * b->scale; x++) {
				unsigned column = x / b->scale;
				bool on =
					column < GLYPH_WIDTH && rows[y / b->scale] & 0x80 >> column;
				unsigned at_x = left + i * b->pitch * b->scale + x;

				b->pixels[(top + y) * WIDTH + at_x] = on ? ink : paper;
			}
		}
	}
}

static bool read_text(struct bench *b)
{
	return glyphs_read(&b->set, &b->surface, &b->text, &b->grid);
}

static void assert_line(const struct bench *b, unsigned row, unsigned column, const char *text)
{
	for (; *text; column++) {
		uint32_t character = utf8_next(&text);

		assert_int_equal(b->text.cells[row][column].character, character);
	}
}

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	if (!b)
		return -1;
	b->surface = (struct display_surface){ b->pixels, WIDTH, HEIGHT, WIDTH };
	b->scale = 1;
	b->pitch = GLYPH_WIDTH;
	fill(b, BLUE);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void test_set(void **state)
{
	struct bench *b = *state;
	static const uint8_t blank[GLYPH_MAX_HEIGHT];
	unsigned count;

	make_font(b, HEIGHT_16);
	count = b->set.count;
	assert_int_equal(glyph_set_find(&b->set, b->font['Q'], HEIGHT_16)->character, 'Q');
	assert_null(glyph_set_find(&b->set, b->font['Q'], 14));
	assert_null(glyph_set_find(&b->set, b->font[1], HEIGHT_16));
	glyph_set_add(&b->set, b->font['Q'], HEIGHT_16, 'Z');
	glyph_set_add(&b->set, blank, HEIGHT_16, 'Z');
	assert_int_equal(b->set.count, count);
	assert_int_equal(glyph_set_find(&b->set, b->font['Q'], HEIGHT_16)->character, 'Q');
	for (uint32_t i = 1; i < 2 * GLYPH_SET_MAX; i++) {
		uint8_t rows[GLYPH_MAX_HEIGHT] = { (uint8_t)i, (uint8_t)(i >> 8) };

		glyph_set_add(&b->set, rows, GLYPH_MAX_HEIGHT, 0x2000 + i);
	}
	assert_int_equal(b->set.count, GLYPH_SET_MAX);
	assert_null(glyph_set_find(&b->set, b->font[1], HEIGHT_16));
}

static void test_text_at_odd_places(void **state)
{
	struct bench *b = *state;

	make_font(b, HEIGHT_16);
	draw(b, 3 + 8, 5 + 16, "Hello", GREY, BLUE);
	draw(b, 3 + 16, 5 + 48, "reverse", BLUE, GREY);
	draw(b, 3, 5 + 80, "others", BLACK, 0xffff55);
	assert_true(read_text(b));
	assert_int_equal(b->grid.x, 3);
	assert_int_equal(b->grid.y, 5);
	assert_int_equal(b->grid.cell_width, 8);
	assert_int_equal(b->grid.cell_height, 16);
	assert_int_equal(b->grid.unknown, 0);
	assert_int_equal(b->grid.marked, 18);
	assert_int_equal(b->text.columns, (WIDTH - 3) / 8);
	assert_int_equal(b->text.rows, (HEIGHT - 5) / 16);
	assert_line(b, 1, 0, " Hello ");
	assert_line(b, 3, 0, "  reverse ");
	assert_line(b, 5, 0, "others  ");
	assert_false(b->text.cursor_visible);
}

static void test_all_sizes(void **state)
{
	static const struct {
		unsigned height, pitch, scale;
	} sizes[] = { { 16, 8, 1 }, { 16, 9, 1 }, { 14, 8, 1 },
		      { 14, 9, 1 }, { 8, 8, 1 },  { 16, 8, 2 } };
	struct bench *b = *state;

	make_font(b, 16);
	make_font(b, 14);
	make_font(b, 8);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		make_font(b, sizes[i].height);
		b->pitch = sizes[i].pitch;
		b->scale = sizes[i].scale;
		fill(b, BLACK);
		draw(b, 1, 2, "Sized", GREY, BLACK);
		draw(b, 1, 2 + b->height * b->scale, "textABC", BLACK, GREY);
		assert_true(read_text(b));
		assert_int_equal(b->grid.cell_width, b->pitch * b->scale);
		assert_int_equal(b->grid.cell_height, b->height * b->scale);
		assert_int_equal(b->grid.x, 1);
		assert_int_equal(b->grid.y, 2);
		assert_line(b, 0, 0, "Sized ");
		assert_line(b, 1, 0, "textABC ");
	}
}

static void test_unknown_cells(void **state)
{
	struct bench *b = *state;

	make_font(b, HEIGHT_16);
	draw(b, 0, 0, "some\1text\2", GREY, BLUE);
	assert_true(read_text(b));
	assert_line(b, 0, 0, "some\xef\xbf\xbdtext\xef\xbf\xbd ");
	assert_int_equal(b->grid.unknown, 2);
	assert_int_equal(b->grid.marked, 10);
	draw(b, 0, 16, "\3\4\5\6\1\2\3\4\5", GREY, BLUE); /* more than half */
	assert_false(read_text(b));
}

static void test_too_little_is_no_text(void **state)
{
	struct bench *b = *state;

	make_font(b, HEIGHT_16);
	assert_false(read_text(b));
	draw(b, 0, 0, "abc", GREY, BLUE);
	assert_false(read_text(b));
	draw(b, 0, 0, "abcd", GREY, BLUE);
	assert_true(read_text(b));
}

static void test_smoothed_edges(void **state)
{
	struct bench *b = *state;

	make_font(b, HEIGHT_16);
	draw(b, 8, 16, "Smooth", 0xffffff, BLACK);
	for (unsigned i = 0; i < WIDTH * HEIGHT; i++) /* up to a third towards the other colour */
		b->pixels[i] = b->pixels[i] ? b->pixels[i] - i % 80 * 0x010101 : i % 70 * 0x010101;
	for (unsigned i = 0; i < WIDTH * HEIGHT; i++) /* paper elsewhere */
		if (i / WIDTH < 16 || i / WIDTH >= 32 || i % WIDTH < 8 || i % WIDTH >= 56)
			b->pixels[i] = BLACK;
	assert_true(read_text(b));
	assert_line(b, 16 / 16, 1, "Smooth ");
}

static void test_cursor(void **state)
{
	struct bench *b = *state;

	make_font(b, HEIGHT_16);
	draw(b, 0, 0, "login", GREY, BLUE);
	for (unsigned y = 14; y < 16; y++)
		for (unsigned x = 0; x < 8; x++)
			b->pixels[y * WIDTH + 48 + x] = GREY;
	assert_true(read_text(b));
	assert_line(b, 0, 0, "login  ");
	assert_true(b->text.cursor_visible);
	assert_int_equal(b->text.cursor_x, 6);
	assert_int_equal(b->text.cursor_y, 0);
	assert_int_equal(b->grid.unknown, 0);
	fill(b, BLUE);
	draw(b, 0, 0, "login", GREY, BLUE);
	for (unsigned y = 14; y < 16; y++) /* over a letter */
		for (unsigned x = 8; x < 16; x++)
			b->pixels[y * WIDTH + x] ^= GREY ^ BLUE;
	assert_true(read_text(b));
	assert_line(b, 0, 0, "login ");
	assert_int_equal(b->text.cursor_x, 1);
}

static void test_noise_and_small_pictures(void **state)
{
	struct bench *b = *state;
	uint32_t seed = 1;

	make_font(b, HEIGHT_16);
	for (unsigned i = 0; i < WIDTH * HEIGHT; i++)
		b->pixels[i] = next_random(&seed) << 8 ^ next_random(&seed);
	assert_false(read_text(b));
	for (unsigned i = 1; i < 40; i++) {
		b->surface = (struct display_surface){ b->pixels, i, 40 - i, WIDTH };
		assert_false(read_text(b));
	}
}

/* A BIOS image with its font at an odd place. */
static void test_font_of_rom(void **state)
{
	enum {
		AT = 1001
	};
	struct bench *b = *state;
	uint8_t *rom = calloc(1, 0x4000), *font = rom + AT;

	assert_non_null(rom);
	make_font(b, HEIGHT_16);
	memset(&b->set, 0, sizeof(b->set));
	memcpy(font, b->font, FONT_CODES * HEIGHT_16);
	memset(font, 0, HEIGHT_16);
	assert_null(font_find_in_rom(rom, 0x4000, HEIGHT_16));
	memset(font + 0xdb * HEIGHT_16, 0xff, HEIGHT_16);
	memset(font + 0xdd * HEIGHT_16, 0xf0, HEIGHT_16);
	memset(font + 0xde * HEIGHT_16, 0x0f, HEIGHT_16);
	memset(font + 0xff * HEIGHT_16, 0, HEIGHT_16);
	assert_ptr_equal(font_find_in_rom(rom, 0x4000, HEIGHT_16), font);
	assert_ptr_equal(font_find_in_rom(rom, AT + FONT_CODES * HEIGHT_16, HEIGHT_16), font);
	assert_null(font_find_in_rom(rom, AT + FONT_CODES * HEIGHT_16 - 1, HEIGHT_16));
	assert_null(font_find_in_rom(NULL, 0, HEIGHT_16));
	font_add_rom(&b->set, rom, 0x4000);
	assert_int_equal(glyph_set_find(&b->set, b->font['x'], HEIGHT_16)->character, 'x');
	assert_int_equal(glyph_set_find(&b->set, b->font[0xc9], HEIGHT_16)->character, 0x2554);
	free(rom);
}

/* 'n' as three dots by two, one from the left, on the base line. */
static size_t make_pff2(uint8_t *file)
{
	static const uint8_t start[] =
		"FILE\0\0\0\4PFF2ASCE\0\0\0\2\0\16DESC\0\0\0\2\0\2CHIX\0\0\0\11"
		"\0\0\0n\0\0\0\0\76"
		"DATA\377\377\377\377"
		"\0\3\0\2\0\1\0\0\0\10\xf4";

	memcpy(file, start, sizeof(start) - 1);
	store_be32(file + 45, 57);
	return sizeof(start) - 1;
}

static void test_font_file(void **state)
{
	struct bench *b = *state;
	static const uint8_t n[HEIGHT_16] = { [12] = 0x70, [13] = 0x50 };
	uint8_t file[128];
	size_t length = make_pff2(file);

	font_add_pff2(&b->set, file, length);
	assert_int_equal(b->set.count, 1);
	assert_int_equal(glyph_set_find(&b->set, n, HEIGHT_16)->character, 'n');
	memset(&b->set, 0, sizeof(b->set));
	for (size_t cut = 0; cut < length; cut++) {
		uint8_t *copy = malloc(cut + 1);

		assert_non_null(copy);
		memcpy(copy, file, cut);
		font_add_pff2(&b->set, copy, cut);
		free(copy);
	}
	for (size_t at = 12; at < length; at++) { /* any byte may lie */
		uint8_t *copy = malloc(length);

		assert_non_null(copy);
		memcpy(copy, file, length);
		copy[at] ^= 0xff;
		font_add_pff2(&b->set, copy, length);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_set, setup, teardown),
		cmocka_unit_test_setup_teardown(test_text_at_odd_places, setup, teardown),
		cmocka_unit_test_setup_teardown(test_all_sizes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unknown_cells, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_little_is_no_text, setup, teardown),
		cmocka_unit_test_setup_teardown(test_smoothed_edges, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cursor, setup, teardown),
		cmocka_unit_test_setup_teardown(test_noise_and_small_pictures, setup, teardown),
		cmocka_unit_test_setup_teardown(test_font_of_rom, setup, teardown),
		cmocka_unit_test_setup_teardown(test_font_file, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
