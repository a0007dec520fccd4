// SPDX-License-Identifier: GPL-2.0-or-later
/* Graphics modes of the VGA, dot by dot, from memory that the test fills at random. */
#include "vga_bench.h"

#include "vga/geometry.h"

static void fill(struct bench *b)
{
	for (unsigned i = 0; i < BENCH_VRAM; i++)
		b->vram[i] = (uint8_t)rand();
}

static void start(struct bench *b, const struct bench_mode *mode)
{
	fill(b);
	bench_set_mode(b, mode);
	bench_watch(b);
	bench_refresh(b);
}

static void assert_size(const struct bench *b, unsigned width, unsigned height)
{
	assert_int_equal(b->display.surface.width, width);
	assert_int_equal(b->display.surface.height, height);
}

/* The colour number of a planar dot at plane address 'address', 'dot' 0 to 7 from the left. */
static uint8_t planar(const struct bench *b, unsigned address, unsigned dot)
{
	unsigned colour = 0;

	for (unsigned p = 0; p < 4; p++)
		colour |= ((unsigned)b->vram[4 * address + p] >> (7 - dot) & 1) << p;
	return (uint8_t)colour;
}

static void test_mode_12_planar(void **state)
{
	struct bench *b = *state;

	start(b, &mode_12);
	assert_size(b, 640, 480);
	for (unsigned y = 0; y < 480; y++)
		for (unsigned x = 0; x < 640; x++)
			assert_int_equal(bench_pixel(b, x, y),
					 bench_colour(planar(b, y * 80 + x / 8, x % 8)));
}

static void test_plane_enable_and_colour_select(void **state)
{
	struct bench *b = *state;

	start(b, &mode_12);
	out_attr(b, VGA_ATTR_PLANE_ENABLE | VGA_ATTR_PALETTE_SOURCE, 0x05);
	out_attr(b, VGA_ATTR_COLOUR_SELECT | VGA_ATTR_PALETTE_SOURCE, 0x0e);
	bench_refresh(b);
	for (unsigned x = 0; x < 640; x++)
		assert_int_equal(bench_pixel(b, x, 7),
				 bench_colour(0xc0 | (planar(b, 560 + x / 8, x % 8) & 5)));
	out_attr(b, VGA_ATTR_MODE | VGA_ATTR_PALETTE_SOURCE, 0x81);
	bench_refresh(b);
	for (unsigned x = 0; x < 640; x++)
		assert_int_equal(bench_pixel(b, x, 7),
				 bench_colour(0xe0 | (planar(b, 560 + x / 8, x % 8) & 5)));
	out8(b, VGA_PEL_MASK, 0x0f);
	bench_refresh(b);
	assert_int_equal(bench_pixel(b, 9, 7), bench_colour(planar(b, 561, 1) & 5));
}

static void test_planar_panning_and_start(void **state)
{
	struct bench *b = *state;

	start(b, &mode_12);
	out_attr(b, VGA_ATTR_PAN | VGA_ATTR_PALETTE_SOURCE, 3);
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_START_HIGH, 0x12);
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_START_LOW, 0x34);
	bench_refresh(b);
	for (unsigned x = 0; x < 640; x++)
		assert_int_equal(bench_pixel(b, x, 100),
				 bench_colour(planar(b, 0x1234 + 8000 + (x + 3) / 8, (x + 3) % 8)));
}

static void test_planar_start_wraps_at_64k(void **state)
{
	struct bench *b = *state;

	start(b, &mode_12);
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_START_HIGH, 0xff);
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_START_LOW, 0xfe);
	bench_refresh(b);
	assert_int_equal(bench_pixel(b, 15, 0), bench_colour(planar(b, 0xffff, 7)));
	assert_int_equal(bench_pixel(b, 16, 0), bench_colour(planar(b, 0, 0)));
}

static void test_split_screen_may_stop_panning(void **state)
{
	struct bench *b = *state;

	start(b, &mode_12);
	out_attr(b, VGA_ATTR_PAN | VGA_ATTR_PALETTE_SOURCE, 5);
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_START_LOW, 40);
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_LINE_COMPARE, 99);
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_OVERFLOW, 0x00); /* protected, but for this */
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_MAX_SCAN, 0x00);
	bench_refresh(b);
	assert_int_equal(bench_pixel(b, 0, 99), bench_colour(planar(b, 40 + 99 * 80, 5)));
	assert_int_equal(bench_pixel(b, 0, 100), bench_colour(planar(b, 0, 5)));
	out_attr(b, VGA_ATTR_MODE | VGA_ATTR_PALETTE_SOURCE, 0x21);
	bench_refresh(b);
	assert_int_equal(bench_pixel(b, 0, 99), bench_colour(planar(b, 40 + 99 * 80, 5)));
	assert_int_equal(bench_pixel(b, 0, 100), bench_colour(planar(b, 0, 0)));
}

static void test_mode_13_chain_4(void **state)
{
	struct bench *b = *state;

	start(b, &mode_13);
	assert_size(b, 640, 400);
	for (unsigned i = 0; i < 64000; i++)
		poke8(b, 0xa0000 + i, (uint8_t)(i * 7 + i / 320));
	bench_refresh(b);
	for (unsigned y = 0; y < 400; y++) {
		for (unsigned x = 0; x < 640; x++) {
			unsigned i = y / 2 * 320 + x / 2;

			assert_int_equal(bench_pixel(b, x, y),
					 bench_colour((uint8_t)(i * 7 + i / 320)));
		}
	}
	out_attr(b, VGA_ATTR_PAN | VGA_ATTR_PALETTE_SOURCE, 2); /* a pixel */
	bench_refresh(b);
	assert_int_equal(bench_pixel(b, 0, 0), bench_colour(7));
}

/* Mode X: 320 x 240 unchained, with planes written one at a time and pages to flip. */
static void test_mode_x(void **state)
{
	struct bench *b = *state;
	const unsigned page = 80 * 240;

	start(b, &mode_13);
	out8(b, VGA_MISC_WRITE, 0xe3);
	out_indexed(b, VGA_SEQUENCER_INDEX, VGA_SEQ_MEMORY_MODE, 0x06);
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_V_RETRACE_END, 0x0c);
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_OVERFLOW, 0x3e);
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_V_DISPLAY_END, 0xdf);
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_UNDERLINE, 0x00);
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_MODE, 0xe3);
	for (unsigned plane = 0; plane < 4; plane++) {
		out_indexed(b, VGA_SEQUENCER_INDEX, VGA_SEQ_MAP_MASK, (uint8_t)(1 << plane));
		for (unsigned i = 0; i < page; i++)
			poke8(b, 0xa0000 + page + i, (uint8_t)(i + plane * 64));
	}
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_START_HIGH, (uint8_t)(page >> 8));
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_START_LOW, (uint8_t)page);
	bench_refresh(b);
	assert_size(b, 640, 480);
	for (unsigned y = 0; y < 480; y++)
		for (unsigned x = 0; x < 640; x++)
			assert_int_equal(
				bench_pixel(b, x, y),
				bench_colour((uint8_t)(y / 2 * 80 + x / 8 + x / 2 % 4 * 64)));
}

static void test_mode_4_cga_colours(void **state)
{
	struct bench *b = *state;

	start(b, &mode_4);
	for (unsigned i = 0; i < 0x4000; i++)
		poke8(b, 0xb8000 + i, (uint8_t)(i * 13 + i / 80));
	bench_refresh(b);
	assert_size(b, 640, 400);
	for (unsigned y = 0; y < 400; y++) {
		for (unsigned x = 0; x < 640; x++) {
			unsigned line = y / 2, pixel = x / 2;
			unsigned i = line % 2 * 0x2000 + line / 2 * 80 + pixel / 4;
			uint8_t byte = (uint8_t)(i * 13 + i / 80);

			assert_int_equal(bench_pixel(b, x, y),
					 bench_colour(byte >> (6 - pixel % 4 * 2) & 3));
		}
	}
}

static void test_mode_6_two_colours(void **state)
{
	struct bench *b = *state;

	start(b, &mode_6);
	for (unsigned i = 0; i < 0x4000; i++)
		poke8(b, 0xb8000 + i, (uint8_t)(i * 13 + i / 80));
	bench_refresh(b);
	assert_size(b, 640, 400);
	for (unsigned y = 0; y < 400; y++) {
		for (unsigned x = 0; x < 640; x++) {
			unsigned line = y / 2;
			unsigned i = line % 2 * 0x2000 + line / 2 * 80 + x / 8;
			uint8_t byte = (uint8_t)(i * 13 + i / 80);

			assert_int_equal(bench_pixel(b, x, y),
					 bench_colour(byte >> (7 - x % 8) & 1));
		}
	}
}

static void test_written_lines_are_damaged(void **state)
{
	struct bench *b = *state;

	start(b, &mode_12);
	bench_refresh(b);
	assert_int_equal(b->damages, 0);
	b->vram[(200 * 80 + 10) * 4] ^= 0xff; /* in the log */
	b->dirty[(200 * 320) / 4096 / 64] |= 1ul << (200 * 320) / 4096 % 64;
	bench_refresh(b);
	assert_int_equal(b->damages, 1);
	assert_damage(b, 80, 200, 8, 1);
	poke8(b, 0xa0000 + 10 * 80 + 1, (uint8_t)~b->vram[(10 * 80 + 1) * 4]); /* by the window */
	poke8(b, 0xa0000 + 11 * 80 + 2, (uint8_t)~b->vram[(11 * 80 + 2) * 4]);
	bench_refresh(b);
	assert_int_equal(b->damages, 1);
	assert_damage(b, 8, 10, 16, 2);
}

static void test_dac_write_recolours(void **state)
{
	struct bench *b = *state;

	start(b, &mode_13);
	out8(b, VGA_DAC_WRITE_INDEX, b->vram[0]);
	out8(b, VGA_DAC_DATA, 0x3f);
	out8(b, VGA_DAC_DATA, 0x00);
	out8(b, VGA_DAC_DATA, 0x3f);
	bench_refresh(b);
	assert_damage(b, 0, 0, 640, 400);
	assert_int_equal(bench_pixel(b, 0, 0), 0xff00ff);
}

static void test_blanking(void **state)
{
	struct bench *b = *state;

	start(b, &mode_12);
	in8(b, VGA_INPUT_STATUS_1);
	out8(b, VGA_ATTRIBUTE_INDEX, 0);
	bench_refresh(b);
	assert_size(b, 640, 480);
	assert_damage(b, 0, 0, 640, 480);
	for (unsigned i = 0; i < 640 * 480; i++)
		assert_int_equal(b->display.surface.pixels[i], 0);
	bench_refresh(b);
	assert_int_equal(b->damages, 0);
	in8(b, VGA_INPUT_STATUS_1);
	out8(b, VGA_ATTRIBUTE_INDEX, VGA_ATTR_PALETTE_SOURCE);
	bench_refresh(b);
	assert_int_equal(bench_pixel(b, 9, 0), bench_colour(planar(b, 1, 1)));
	out_indexed(b, VGA_SEQUENCER_INDEX, VGA_SEQ_CLOCKING, 0x21);
	bench_refresh(b);
	assert_int_equal(b->display.surface.pixels[9], 0);
}

/* No register values make a geometry that leaves memory or display. */
static void test_hostile_registers_make_sane_geometries(void **state)
{
	struct bench *b = *state;
	struct vga_geometry g;

	for (unsigned round = 0; round < 20000; round++) {
		struct vga_state *s = b->card.vga.state;

		for (unsigned i = 0; i < VGA_CRTC_COUNT; i++)
			s->crtc[i] = (uint8_t)rand();
		for (unsigned i = 0; i < VGA_SEQ_COUNT; i++)
			s->seq[i] = (uint8_t)rand();
		for (unsigned i = 0; i < VGA_GFX_COUNT; i++)
			s->gfx[i] = (uint8_t)rand();
		for (unsigned i = 0; i < VGA_ATTR_COUNT; i++)
			s->attr[i] = (uint8_t)rand();
		for (unsigned i = 0; i < VBE_REGISTER_COUNT; i++)
			s->vbe[i] = (uint16_t)(rand() % 4 ? rand() : rand() % 3000);
		s->attr_index = VGA_ATTR_PALETTE_SOURCE;
		vga_derive_geometry(&b->card.vga, &g);
		assert_in_range(g.width, 1, DISPLAY_MAX_WIDTH);
		assert_in_range(g.height, 1, DISPLAY_MAX_HEIGHT);
		assert_in_range(g.cell_height, 1, VGA_MAX_CELL_HEIGHT);
		assert_true(g.pan < 9);
		if (g.kind == VGA_KIND_LINEAR) {
			uint64_t bytes = g.depth == 15 ? 2 : g.depth / 8;
			uint64_t end =
				g.start + (uint64_t)(g.height - 1) * g.stride + g.width * bytes;

			assert_true(g.stride >= g.width * bytes);
			assert_true(end <= BENCH_VRAM);
		} else if (g.kind != VGA_KIND_BLANK) {
			assert_true(g.address_mask <= BENCH_VRAM / 4 - 1);
		}
	}
}

/* Random values at the ports, in a loop with drawing: the program behind CVE-2018-5683. */
static void test_random_port_writes_and_drawing(void **state)
{
	struct bench *b = *state;

	start(b, &mode_12);
	for (unsigned round = 0; round < 300; round++) {
		for (unsigned i = 0; i < 60; i++)
			out8(b, (uint16_t)(0x3c0 + rand() % 0x20), (uint8_t)rand());
		if (rand() % 4 == 0)
			out_vbe(b, (uint16_t)(rand() % 12), (uint16_t)rand());
		if (rand() % 4 == 0)
			out_vbe(b, VBE_ENABLE, (uint16_t)(rand() % 2));
		for (unsigned i = 0; i < 20; i++) {
			poke8(b, 0xa0000 + (uint32_t)rand() % 0x20000, (uint8_t)rand());
			peek8(b, 0xa0000 + (uint32_t)rand() % 0x20000);
		}
		in8(b, VGA_INPUT_STATUS_1);
		out8(b, VGA_ATTRIBUTE_INDEX, VGA_ATTR_PALETTE_SOURCE);
		clock_step_to(&b->clock, clock_now_ns(&b->clock) + 100 * NS_PER_MS);
		bench_refresh(b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(test_mode_12_planar),
		BENCH_TEST(test_plane_enable_and_colour_select),
		BENCH_TEST(test_planar_panning_and_start),
		BENCH_TEST(test_planar_start_wraps_at_64k),
		BENCH_TEST(test_split_screen_may_stop_panning),
		BENCH_TEST(test_mode_13_chain_4),
		BENCH_TEST(test_mode_x),
		BENCH_TEST(test_mode_4_cga_colours),
		BENCH_TEST(test_mode_6_two_colours),
		BENCH_TEST(test_written_lines_are_damaged),
		BENCH_TEST(test_dac_write_recolours),
		BENCH_TEST(test_blanking),
		BENCH_TEST(test_hostile_registers_make_sane_geometries),
		BENCH_TEST(test_random_port_writes_and_drawing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
