// SPDX-License-Identifier: GPL-2.0-or-later
/* Text modes, dot by dot, against a drawing made here from the characters and a font of random
 * dots. */
#include "vga_bench.h"

#include "base/utf8.h"
#include "vga/fonts.h"
#include "vga/glyphs.h"
#include "vga/text.h"

enum {
	COLUMNS = 80,
	ROWS = 25,
	CELL_HEIGHT = 16,
	TEXT = 0xb8000,
};

static uint8_t font[2][256][32];

static void load_font(struct bench *b, unsigned number, uint32_t plane_address)
{
	out_indexed(b, VGA_SEQUENCER_INDEX, VGA_SEQ_MAP_MASK, 4);
	out_indexed(b, VGA_SEQUENCER_INDEX, VGA_SEQ_MEMORY_MODE, 7);
	out_indexed(b, VGA_GRAPHICS_INDEX, VGA_GFX_MODE, 0);
	out_indexed(b, VGA_GRAPHICS_INDEX, VGA_GFX_MISC, 4);
	for (unsigned i = 0; i < 256 * 32; i++) {
		font[number][i / 32][i % 32] = (uint8_t)rand();
		poke8(b, 0xa0000 + plane_address + i, font[number][i / 32][i % 32]);
	}
	out_indexed(b, VGA_SEQUENCER_INDEX, VGA_SEQ_MAP_MASK, 3);
	out_indexed(b, VGA_SEQUENCER_INDEX, VGA_SEQ_MEMORY_MODE, 2);
	out_indexed(b, VGA_GRAPHICS_INDEX, VGA_GFX_MODE, 0x10);
	out_indexed(b, VGA_GRAPHICS_INDEX, VGA_GFX_MISC, 0x0e);
}

static void put(struct bench *b, unsigned cell, uint8_t character, uint8_t attribute)
{
	io_write(&b->memory, TEXT + 2 * cell, (uint64_t)(attribute << 8 | character), 2);
}

static void fill(struct bench *b)
{
	for (unsigned i = 0; i < COLUMNS * ROWS; i++)
		put(b, i, (uint8_t)rand(), (uint8_t)rand() & 0x7f);
}

static void hide_cursor(struct bench *b)
{
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_CURSOR_START, 0x20);
}

static void start(struct bench *b)
{
	bench_set_mode(b, &mode_3);
	load_font(b, 0, 0);
	hide_cursor(b);
	fill(b);
	bench_watch(b);
	bench_refresh(b);
}

/* The dot at (x, y) of a character, 9 wide, with the ninth dot of the line drawing characters. */
static bool glyph(uint8_t character, unsigned set, unsigned x, unsigned y)
{
	uint8_t row = font[set][character][y];

	if (x == 8)
		return character >= 0xc0 && character <= 0xdf && (row & 1);
	return (row & (0x80 >> x)) != 0;
}

static void assert_cell(struct bench *b, unsigned column, unsigned row, uint8_t character,
			uint8_t attribute, unsigned set)
{
	for (unsigned y = 0; y < CELL_HEIGHT; y++) {
		for (unsigned x = 0; x < 9; x++) {
			uint8_t colour =
				glyph(character, set, x, y) ? attribute & 15 : attribute >> 4;

			assert_int_equal(bench_pixel(b, column * 9 + x, row * CELL_HEIGHT + y),
					 bench_colour(colour));
		}
	}
}

static void test_every_cell_is_drawn(void **state)
{
	struct bench *b = *state;

	start(b);
	assert_int_equal(b->display.surface.width, 720);
	assert_int_equal(b->display.surface.height, 400);
	assert_int_equal(b->resizes, 1);
	assert_damage(b, 0, 0, 720, 400);
	for (unsigned i = 0; i < COLUMNS * ROWS; i++)
		assert_cell(b, i % COLUMNS, i / COLUMNS, b->vram[4 * i], b->vram[4 * i + 1], 0);
}

static void test_only_changed_cells_are_drawn(void **state)
{
	struct bench *b = *state;

	start(b);
	bench_refresh(b);
	assert_int_equal(b->damages, 0);
	put(b, 3 * COLUMNS + 5, 'x', 0x07);
	put(b, 3 * COLUMNS + 5, 'y', 0x17);
	bench_refresh(b);
	assert_int_equal(b->damages, 1);
	assert_damage(b, 45, 48, 9, 16);
	assert_cell(b, 5, 3, 'y', 0x17, 0);
	put(b, 3 * COLUMNS + 5, 'y', 0x17);
	bench_refresh(b);
	assert_int_equal(b->damages, 0);
	put(b, 0, 'a', 0x17); /* far apart: the screen between them is not told */
	put(b, 24 * COLUMNS, 'b', 0x17);
	bench_refresh(b);
	assert_int_equal(b->damages, 2);
}

static void test_direct_write_shows_by_dirty_log(void **state)
{
	struct bench *b = *state;

	start(b);
	b->vram[0] = 0x41;
	b->vram[1] = 0x1e;
	b->dirty[0] |= 1;
	bench_refresh(b);
	assert_damage(b, 0, 0, 9, 16);
	assert_cell(b, 0, 0, 0x41, 0x1e, 0);
}

static void test_font_change_redraws(void **state)
{
	struct bench *b = *state;

	start(b);
	load_font(b, 0, 0);
	bench_refresh(b);
	assert_damage(b, 0, 0, 720, 400);
	assert_cell(b, 7, 9, b->vram[4 * (9 * COLUMNS + 7)], b->vram[4 * (9 * COLUMNS + 7) + 1], 0);
}

static void test_attribute_bit_3_selects_font_a(void **state)
{
	struct bench *b = *state;

	start(b);
	load_font(b, 1, 0xa000); /* font map 6 */
	out_indexed(b, VGA_SEQUENCER_INDEX, VGA_SEQ_CHARACTER_MAP, 0x28);
	put(b, 0, 'A', 0x0f);
	put(b, 1, 'A', 0x07);
	bench_refresh(b);
	assert_cell(b, 0, 0, 'A', 0x0f, 1);
	assert_cell(b, 1, 0, 'A', 0x07, 0);
}

static void test_cursor_shape_and_blinking(void **state)
{
	struct bench *b = *state;

	start(b);
	put(b, 2 * COLUMNS + 4, ' ', 0x07);
	memset(font[0][' '], 0, 32);
	for (unsigned i = 0; i < 32; i++)
		b->vram[(' ' * 32 + i) * 4 + 2] = 0;
	b->dirty[0] = b->dirty[1] = ~0ul;
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_CURSOR_HIGH, 0);
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_CURSOR_LOW, 2 * COLUMNS + 4);
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_CURSOR_START, 13);
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_CURSOR_END, 14);
	bench_refresh(b);
	for (unsigned y = 0; y < 16; y++)
		assert_int_equal(bench_pixel(b, 4 * 9 + 8, 32 + y),
				 bench_colour(y == 13 || y == 14 ? 7 : 0));
	clock_step_to(&b->clock, 300 * NS_PER_MS);
	bench_refresh(b);
	assert_damage(b, 36, 32, 9, 16);
	assert_cell(b, 4, 2, ' ', 0x07, 0);
	clock_step_to(&b->clock, 600 * NS_PER_MS);
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_CURSOR_END, 14 | 1 << 5); /* skewed by one */
	bench_refresh(b);
	assert_cell(b, 4, 2, ' ', 0x07, 0);
	assert_int_equal(bench_pixel(b, 5 * 9, 32 + 13),
			 bench_colour(b->vram[4 * (2 * COLUMNS + 5) + 1] & 15));
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_CURSOR_START, 15); /* begins below its end */
	bench_refresh(b);
	assert_cell(b, 5, 2, b->vram[4 * (2 * COLUMNS + 5)], b->vram[4 * (2 * COLUMNS + 5) + 1], 0);
}

static void test_attribute_blinks_or_is_bright(void **state)
{
	struct bench *b = *state;

	start(b);
	put(b, 0, 0xdb, 0xa4);
	out_attr(b, VGA_ATTR_MODE | VGA_ATTR_PALETTE_SOURCE, 0x04); /* no blinking */
	bench_refresh(b);
	assert_cell(b, 0, 0, 0xdb, 0xa4, 0);
	out_attr(b, VGA_ATTR_MODE | VGA_ATTR_PALETTE_SOURCE, 0x0c);
	bench_refresh(b);
	assert_cell(b, 0, 0, 0xdb, 0x24, 0);
	clock_step_to(&b->clock, 600 * NS_PER_MS);
	bench_refresh(b);
	assert_damage(b, 0, 0, 9, 16);
	assert_int_equal(bench_pixel(b, 0, 0), bench_colour(2));
	assert_cell(b, 0, 0, 0xdb, 0x22, 0);
}

static void test_start_address_and_byte_pan(void **state)
{
	struct bench *b = *state;

	start(b);
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_START_LOW, COLUMNS);
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_PRESET_ROW, 2 << 5);
	bench_refresh(b);
	assert_cell(b, 0, 0, b->vram[4 * (COLUMNS + 2)], b->vram[4 * (COLUMNS + 2) + 1], 0);
}

static void test_start_address_wraps_at_64k(void **state)
{
	struct bench *b = *state;

	start(b);
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_START_HIGH, 0xff);
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_START_LOW, 0xff);
	bench_refresh(b);
	assert_cell(b, 0, 0, b->vram[4 * 0xffff], b->vram[4 * 0xffff + 1], 0);
	assert_cell(b, 1, 0, b->vram[0], b->vram[1], 0);
}

static void test_split_screen_begins_at_address_0(void **state)
{
	struct bench *b = *state;

	start(b);
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_START_LOW, 160);
	/* Line 207 is the last of the upper part: 13 rows. */
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_LINE_COMPARE, 207);
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_V_RETRACE_END, 0x0e);
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_OVERFLOW, 0x0f);
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_MAX_SCAN, 0x0f);
	bench_refresh(b);
	assert_cell(b, 3, 12, b->vram[4 * (160 + 12 * COLUMNS + 3)],
		    b->vram[4 * (160 + 12 * COLUMNS + 3) + 1], 0);
	for (unsigned column = 0; column < COLUMNS; column++)
		assert_cell(b, column, 13, b->vram[4 * column], b->vram[4 * column + 1], 0);
}

static void test_preset_row_scrolls_by_lines(void **state)
{
	struct bench *b = *state;
	uint32_t below[720 * 395];

	start(b);
	memcpy(below, b->display.surface.pixels + 720 * 5, sizeof(below));
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_PRESET_ROW, 5);
	bench_refresh(b);
	assert_memory_equal(b->display.surface.pixels, below, sizeof(below));
}

static void test_panning_moves_by_dots(void **state)
{
	struct bench *b = *state;
	uint32_t before[720 * 400];

	start(b);
	memcpy(before, b->display.surface.pixels, sizeof(before));
	out_attr(b, VGA_ATTR_PAN | VGA_ATTR_PALETTE_SOURCE, 2); /* 9 dots: 8 is none, 2 is three */
	bench_refresh(b);
	for (unsigned y = 0; y < 400; y++)
		assert_memory_equal(b->display.surface.pixels + y * 720, before + y * 720 + 3,
				    717 * 4);
}

static void test_forty_columns_are_twice_as_wide(void **state)
{
	struct bench *b = *state;

	start(b);
	out_indexed(b, VGA_SEQUENCER_INDEX, VGA_SEQ_CLOCKING, 0x08);
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_V_RETRACE_END, 0x0e);
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_H_DISPLAY_END, 39);
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_OFFSET, 20);
	bench_refresh(b);
	assert_int_equal(b->display.surface.width, 720);
	for (unsigned x = 0; x < 720; x++) {
		unsigned cell = 40 * 6 + x / 18;
		uint8_t attribute = b->vram[4 * cell + 1];
		bool on = glyph(b->vram[4 * cell], 0, x % 18 / 2, 4);

		assert_int_equal(bench_pixel(b, x, 6 * 16 + 4),
				 bench_colour(on ? attribute & 15 : attribute >> 4));
	}
}

static void test_monochrome_underline(void **state)
{
	struct bench *b = *state;

	start(b);
	put(b, 0, 0, 0x01);
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_UNDERLINE, 13);
	out_attr(b, VGA_ATTR_MODE | VGA_ATTR_PALETTE_SOURCE, 0x0e);
	bench_refresh(b);
	for (unsigned x = 0; x < 9; x++)
		assert_int_equal(bench_pixel(b, x, 13), bench_colour(1));
}

static void test_characters(void **state)
{
	struct bench *b = *state;
	struct display_text *text = calloc(1, sizeof(*text));

	assert_non_null(text);
	bench_set_mode(b, &mode_3);
	put(b, 1, 0xc9, 0x1f); /* corner of a double frame */
	put(b, 2, 0x84, 0x07);
	put(b, 3, 0x00, 0x07);
	assert_true(display_read_text(b->card.vga.display, text));
	assert_int_equal(text->cells[0][1].character, 0x2554);
	assert_int_equal(text->cells[0][1].attribute, 0x1f);
	assert_int_equal(text->cells[0][2].character, 0xe4);
	assert_int_equal(text->cells[0][3].character, ' ');
	bench_set_mode(b, &mode_12);
	assert_false(display_read_text(b->card.vga.display, text));
	free(text);
}

/* A BIOS font of random dots with the shapes by which it is found. */
static void make_bios(uint8_t *rom)
{
	static const struct {
		uint8_t code, dots;
	} shapes[] = { { 0, 0 },       { ' ', 0 },     { 0xff, 0 },
		       { 0xdb, 0xff }, { 0xdd, 0xf0 }, { 0xde, 0x0f } };

	for (unsigned i = 0; i < FONT_CODES * CELL_HEIGHT; i++)
		rom[i] = (uint8_t)rand();
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++)
		memset(rom + shapes[i].code * CELL_HEIGHT, shapes[i].dots, CELL_HEIGHT);
}

static uint32_t character_with_glyph(struct bench *b, uint8_t code, const uint8_t *rows)
{
	struct display_text *text = calloc(1, sizeof(*text));
	uint32_t character;

	assert_non_null(text);
	for (unsigned i = 0; rows && i < CELL_HEIGHT; i++)
		b->vram[4 * (code * 32u + i) + 2] = rows[i];
	put(b, 0, code, 0x07);
	assert_true(display_read_text(b->card.vga.display, text));
	character = text->cells[0][0].character;
	free(text);
	return character;
}

static void test_own_glyphs(void **state)
{
	static const uint8_t strange[CELL_HEIGHT] = { 1, 2, 3 }, blank[CELL_HEIGHT];
	struct bench *b = *state;
	uint8_t rom[FONT_CODES * CELL_HEIGHT];

	bench_set_mode(b, &mode_3);
	make_bios(rom);
	b->card.vga.rom = rom;
	b->card.vga.rom_bytes = sizeof(rom);
	for (unsigned code = 0; code < FONT_CODES; code++)
		character_with_glyph(b, (uint8_t)code, rom + code * CELL_HEIGHT);
	b->card.vga.seen_font.height = 0; /* it was half loaded */
	assert_int_equal(character_with_glyph(b, 0xc9, NULL), 0x2554);
	assert_int_equal(character_with_glyph(b, 0xc9, rom + 'x' * CELL_HEIGHT), 'x');
	assert_int_equal(character_with_glyph(b, 0xc9, strange), UTF8_REPLACEMENT);
	assert_int_equal(character_with_glyph(b, 0xc9, blank), ' ');
	assert_int_equal(character_with_glyph(b, 'y', strange), 'y');
	assert_int_equal(b->card.vga.seen_font.height, 0);
}

static void test_own_font_is_remembered(void **state)
{
	struct bench *b = *state;
	uint8_t rom[FONT_CODES * CELL_HEIGHT];
	struct glyph_set *set = calloc(1, sizeof(*set));

	assert_non_null(set);
	bench_set_mode(b, &mode_3);
	make_bios(rom);
	b->card.vga.rom = rom;
	b->card.vga.rom_bytes = sizeof(rom);
	load_font(b, 0, 0);
	assert_int_equal(character_with_glyph(b, 'q', NULL), 'q');
	bench_set_mode(b, &mode_12);
	vga_add_fonts(&b->card.vga, set);
	assert_int_equal(glyph_set_find(set, font[0]['q'], CELL_HEIGHT)->character, 'q');
	assert_int_equal(glyph_set_find(set, rom + 'q' * CELL_HEIGHT, CELL_HEIGHT)->character, 'q');
	free(set);
}

static void test_snapshot(void **state)
{
	struct bench *b = *state;
	struct vga_text_screen *text = calloc(1, sizeof(*text));

	assert_non_null(text);
	bench_set_mode(b, &mode_3);
	put(b, 24 * COLUMNS + 79, 'Z', 0x2a);
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_CURSOR_LOW, 81);
	assert_true(vga_text_snapshot(&b->card.vga, text));
	assert_int_equal(text->columns, 80);
	assert_int_equal(text->rows, 25);
	assert_int_equal(text->cells[24][79], 0x2a00 | 'Z');
	assert_true(text->cursor_visible);
	assert_int_equal(text->cursor_x, 1);
	assert_int_equal(text->cursor_y, 1);
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_CURSOR_START, 15); /* begins below its end */
	assert_true(vga_text_snapshot(&b->card.vga, text));
	assert_false(text->cursor_visible);
	bench_set_mode(b, &mode_12);
	assert_false(vga_text_snapshot(&b->card.vga, text));
	free(text);
}

static void test_nobody_watching_costs_no_log(void **state)
{
	struct bench *b = *state;

	bench_set_mode(b, &mode_3);
	display_refresh(&b->display, false);
	assert_false(b->logging);
	assert_null(b->display.surface.pixels);
	bench_watch(b);
	assert_true(b->logging);
	bench_refresh(b);
	display_set_watching(&b->display, &b->viewer, false);
	assert_false(b->logging);
	assert_null(b->card.vga.screen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(test_every_cell_is_drawn),
		BENCH_TEST(test_only_changed_cells_are_drawn),
		BENCH_TEST(test_direct_write_shows_by_dirty_log),
		BENCH_TEST(test_font_change_redraws),
		BENCH_TEST(test_attribute_bit_3_selects_font_a),
		BENCH_TEST(test_cursor_shape_and_blinking),
		BENCH_TEST(test_attribute_blinks_or_is_bright),
		BENCH_TEST(test_start_address_and_byte_pan),
		BENCH_TEST(test_start_address_wraps_at_64k),
		BENCH_TEST(test_split_screen_begins_at_address_0),
		BENCH_TEST(test_preset_row_scrolls_by_lines),
		BENCH_TEST(test_panning_moves_by_dots),
		BENCH_TEST(test_forty_columns_are_twice_as_wide),
		BENCH_TEST(test_monochrome_underline),
		BENCH_TEST(test_characters),
		BENCH_TEST(test_own_glyphs),
		BENCH_TEST(test_own_font_is_remembered),
		BENCH_TEST(test_snapshot),
		BENCH_TEST(test_nobody_watching_costs_no_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
