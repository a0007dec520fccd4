// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The BitBLT engine, against a model that goes pixel by pixel, and against the blits that broke out
 * of other emulations: the memory is a heap block of exactly the chip's size.
 */
#include "vga_bench.h"

#include "base/bits.h"

enum {
	MASK = CIRRUS_MEMORY_BYTES - 1,
	SCREEN = 0x10000, /* where tests blit */
	COPY_8 = 0x00,
	PIXEL_16 = 0x10,
	PIXEL_24 = 0x20,
	PIXEL_32 = 0x30,
};

struct blit {
	uint32_t width, height, destination, source, destination_pitch, source_pitch;
	uint32_t foreground, background;
	uint16_t key;
	uint8_t mode, rop, extension, skip;
};

static void set(struct bench *b, unsigned offset, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		poke8(b, BENCH_MMIO + CIRRUS_BAR_1_BLT + offset + i, (uint8_t)(value >> (8 * i)));
}

static void load_registers(struct bench *b, const struct blit *blit)
{
	set(b, 0x00, blit->background, 4);
	set(b, 0x04, blit->foreground, 4);
	set(b, 0x08, blit->width - 1, 2);
	set(b, 0x0a, blit->height - 1, 2);
	set(b, 0x0c, blit->destination_pitch, 2);
	set(b, 0x0e, blit->source_pitch, 2);
	set(b, 0x10, blit->destination, 3);
	set(b, 0x14, blit->source, 3);
	set(b, 0x17, blit->skip, 1);
	set(b, 0x18, blit->mode, 1);
	set(b, 0x1a, blit->rop, 1);
	set(b, 0x1b, blit->extension, 1);
	set(b, 0x1c, blit->key, 2);
}

static uint8_t status(struct bench *b)
{
	return peek8(b, BENCH_MMIO + CIRRUS_BAR_1_BLT + CIRRUS_MMIO_CONTROL);
}

static void start(struct bench *b, const struct blit *blit)
{
	load_registers(b, blit);
	set(b, CIRRUS_MMIO_CONTROL, 0, 1);
	set(b, CIRRUS_MMIO_CONTROL, CIRRUS_BLT_START, 1);
}

static void give(struct bench *b, const uint8_t *data, size_t count)
{
	for (size_t i = 0; i < count; i += 4)
		io_write(&b->memory, BENCH_LFB + CIRRUS_BLT_APERTURE, load_le32(data + i), 4);
}

static void randomise(struct bench *b)
{
	for (unsigned i = 0; i < CIRRUS_MEMORY_BYTES; i += 4)
		store_le32(b->vram + i, (uint32_t)rand() * 2654435761u);
}

/* The model */

static uint8_t model_rop(uint8_t rop, uint8_t s, uint8_t d)
{
	uint8_t ns = (uint8_t)~s, nd = (uint8_t)~d;

	switch (rop) {
	case CIRRUS_ROP_ZERO:
		return 0;
	case CIRRUS_ROP_S_AND_D:
		return s & d;
	case CIRRUS_ROP_S_AND_NOT_D:
		return s & nd;
	case CIRRUS_ROP_NOT_D:
		return nd;
	case CIRRUS_ROP_S:
		return s;
	case CIRRUS_ROP_ONE:
		return 0xff;
	case CIRRUS_ROP_NOT_S_AND_D:
		return ns & d;
	case CIRRUS_ROP_S_XOR_D:
		return s ^ d;
	case CIRRUS_ROP_S_OR_D:
		return s | d;
	case CIRRUS_ROP_NEITHER:
		return ns & nd;
	case CIRRUS_ROP_S_EQUALS_D:
		return (uint8_t) ~(s ^ d);
	case CIRRUS_ROP_S_OR_NOT_D:
		return s | nd;
	case CIRRUS_ROP_NOT_S:
		return ns;
	case CIRRUS_ROP_NOT_S_OR_D:
		return ns | d;
	case CIRRUS_ROP_NOT_BOTH:
		return ns | nd;
	default:
		return d;
	}
}

static const uint8_t all_rops[] = { 0x00, 0x05, 0x06, 0x09, 0x0b, 0x0d, 0x0e, 0x50,
				    0x59, 0x6d, 0x90, 0x95, 0xad, 0xd0, 0xd6, 0xda };

static uint32_t pixel_size(const struct blit *blit)
{
	return (uint32_t)(blit->mode >> 4 & 3) + 1;
}

/* The source of byte 'n' of pixel x, y; *written is cleared if the pixel stays. */
static uint8_t model_source(const uint8_t *vram, const uint8_t *system, const struct blit *blit,
			    uint32_t x, uint32_t y, uint32_t n, bool *written)
{
	uint32_t size = pixel_size(blit), pixels = (blit->width + size - 1) / size, at, key = 0;
	bool pattern = blit->mode & CIRRUS_BLT_PATTERN, expand = blit->mode & CIRRUS_BLT_EXPAND;
	bool transparent = blit->mode & CIRRUS_BLT_TRANSPARENT, bit;
	uint32_t line = ((pattern ? blit->source : 0) + y) & 7;
	uint32_t base = system ? 0 : pattern ? blit->source & ~7u : blit->source;
	const uint8_t *memory = system ? system : vram;
	uint32_t mask = system ? UINT32_MAX : MASK;

	if (pattern && expand && (blit->extension & CIRRUS_BLT_SOLID) && !transparent)
		return (uint8_t)(blit->foreground >> (8 * n));
	if (expand) {
		uint32_t pitch = (pixels + 7) / 8;

		if (system && !pattern && (blit->extension & CIRRUS_BLT_DWORDS))
			pitch = (pitch + 3) & ~3u;
		at = pattern ? base + line : base + y * pitch + x / 8;
		bit = memory[at & mask] & 0x80 >> (x & 7);
		if (transparent)
			*written = bit != ((blit->extension & CIRRUS_BLT_INVERT) != 0);
		return (uint8_t)((bit ? blit->foreground : blit->background) >> (8 * n));
	}
	if (pattern)
		at = base + line * (size == 3 ? 32 : size * 8) + (x & 7) * size;
	else
		at = base + y * (system ? (blit->width + 3) & ~3u : blit->source_pitch) + x * size;
	if (!system && !pattern && (blit->mode & CIRRUS_BLT_BACKWARDS))
		at = blit->source - y * blit->source_pitch - (blit->width - 1) + x * size;
	for (uint32_t i = 0; i < size; i++)
		key |= (uint32_t)memory[(at + i) & mask] << (8 * i);
	if (transparent && size <= 2)
		*written = key != (blit->key & (size == 1 ? 0xffu : 0xffffu));
	return memory[(at + n) & mask];
}

static void model(uint8_t *vram, const uint8_t *system, const struct blit *blit)
{
	uint32_t size = pixel_size(blit);
	bool special = blit->mode & (CIRRUS_BLT_PATTERN | CIRRUS_BLT_EXPAND);
	bool back = (blit->mode & CIRRUS_BLT_BACKWARDS) && !special && !system;
	bool solid =
		(blit->extension & CIRRUS_BLT_SOLID) &&
		(blit->mode & (CIRRUS_BLT_PATTERN | CIRRUS_BLT_EXPAND | CIRRUS_BLT_TRANSPARENT)) ==
			(CIRRUS_BLT_PATTERN | CIRRUS_BLT_EXPAND);
	uint32_t skip = size == 3 ? blit->skip & 0x1fu : (blit->skip & 7u) * size;

	for (uint32_t y = 0; y < blit->height; y++) {
		uint32_t base = blit->destination + y * blit->destination_pitch;

		if (back)
			base = blit->destination - y * blit->destination_pitch - (blit->width - 1);
		for (uint32_t i = 0; i < blit->width; i++) {
			uint8_t *d = &vram[(base + i) & MASK];
			bool written = true;
			uint8_t s =
				model_source(vram, system, blit, i / size, y, i % size, &written);

			if (written && (!special || solid || i >= skip))
				*d = model_rop(blit->rop, s, *d);
		}
	}
}

static uint8_t *copy_memory(const struct bench *b)
{
	uint8_t *copy = malloc(CIRRUS_MEMORY_BYTES);

	assert_non_null(copy);
	memcpy(copy, b->vram, CIRRUS_MEMORY_BYTES);
	return copy;
}

static void assert_same(const struct bench *b, const uint8_t *expected)
{
	for (unsigned i = 0; i < CIRRUS_MEMORY_BYTES; i++) {
		if (b->vram[i] != expected[i])
			fail_msg("byte %x is %02x, not %02x", i, b->vram[i], expected[i]);
	}
}

/* Source and destination do not meet: what overlapping lines show is no matter of the model. */
static struct blit random_blit(void)
{
	uint32_t r = (uint32_t)rand();

	return (struct blit){
		.width = r % 97 + 1,
		.height = (r >> 8) % 13 + 1,
		.destination = 0x100000 + (uint32_t)rand() % 0x1000,
		.source = 0x200000 + (uint32_t)rand() % 0x1000,
		.destination_pitch = 97 + (uint32_t)rand() % 100,
		.source_pitch = 97 + (uint32_t)rand() % 100,
		.foreground = (uint32_t)rand() * 3u,
		.background = (uint32_t)rand() * 5u,
		.key = (uint16_t)(rand() % 4),
		.mode = (uint8_t)(rand() & 0xf9),
		.rop = all_rops[(unsigned)rand() % sizeof(all_rops)],
		.extension = (uint8_t)(rand() & 0x07),
		.skip = (uint8_t)rand(),
	};
}

/* A width that is no multiple of the pixel's is cut off, and the model cuts it off alike. */
static void test_random_blits_within_memory(void **state)
{
	struct bench *b = *state;
	uint8_t *expected;

	bench_map_cirrus(b);
	srand(1);
	randomise(b);
	memset(b->vram + 0x200000, 2, 0x100); /* for the key to be met */
	expected = copy_memory(b);
	for (unsigned i = 0; i < 4000; i++) {
		struct blit blit = random_blit();

		model(expected, NULL, &blit);
		start(b, &blit);
		assert_int_equal(status(b) & (CIRRUS_BLT_BUSY | CIRRUS_BLT_START), 0);
		if (memcmp(b->vram + 0xff000, expected + 0xff000, 0x4000) != 0)
			fail_msg("blit %u: mode %02x extension %02x rop %02x width %u skip %02x", i,
				 blit.mode, blit.extension, blit.rop, blit.width, blit.skip);
	}
	assert_same(b, expected);
	free(expected);
}

static void test_random_blits_from_the_processor(void **state)
{
	struct bench *b = *state;
	uint8_t *expected, system[0x2000];

	bench_map_cirrus(b);
	srand(2);
	randomise(b);
	expected = copy_memory(b);
	for (unsigned i = 0; i < 2000; i++) {
		struct blit blit = random_blit();
		size_t given = 0;

		blit.mode |= CIRRUS_BLT_FROM_SYSTEM;
		for (unsigned n = 0; n < sizeof(system); n++)
			system[n] = (uint8_t)(rand() >> 8);
		/* A pattern from the processor begins with the source register's line too. */
		blit.source &= 7;
		model(expected, system, &blit);
		start(b, &blit);
		while (status(b) & CIRRUS_BLT_BUSY) {
			assert_true(given < sizeof(system));
			give(b, system + given, 4);
			given += 4;
		}
		if (memcmp(b->vram + 0xff000, expected + 0xff000, 0x4000) != 0)
			fail_msg("blit %u: mode %02x extension %02x rop %02x width %u height %u", i,
				 blit.mode, blit.extension, blit.rop, blit.width, blit.height);
	}
	assert_same(b, expected);
	free(expected);
}

/* Scrolling: lines overlap, and direction decides. */
static void test_overlapping_copies_go_either_way(void **state)
{
	struct bench *b = *state;
	uint8_t *before;
	struct blit up = { .width = 640,
			   .height = 400,
			   .destination = SCREEN,
			   .source = SCREEN + 16 * 640,
			   .destination_pitch = 640,
			   .source_pitch = 640,
			   .rop = CIRRUS_ROP_S };
	struct blit down = up;

	bench_map_cirrus(b);
	randomise(b);
	before = copy_memory(b);
	start(b, &up);
	assert_memory_equal(b->vram + SCREEN, before + SCREEN + 16 * 640, 400 * 640);
	memcpy(before, b->vram, CIRRUS_MEMORY_BYTES);
	down.mode = CIRRUS_BLT_BACKWARDS;
	down.source = SCREEN + 400 * 640 - 1;
	down.destination = SCREEN + 416 * 640 - 1;
	start(b, &down);
	assert_memory_equal(b->vram + SCREEN + 16 * 640, before + SCREEN, 400 * 640);
	free(before);
}

static void test_solid_fill_of_each_depth(void **state)
{
	struct bench *b = *state;

	bench_map_cirrus(b);
	for (unsigned size = 1; size <= 4; size++) {
		struct blit fill = { .width = 12 * size,
				     .height = 3,
				     .destination = SCREEN + 5,
				     .destination_pitch = 100,
				     .foreground = 0x44332211,
				     .mode = (uint8_t)(CIRRUS_BLT_PATTERN | CIRRUS_BLT_EXPAND |
						       (size - 1) << 4),
				     .rop = CIRRUS_ROP_S,
				     .extension = CIRRUS_BLT_SOLID };

		memset(b->vram, 0, CIRRUS_MEMORY_BYTES);
		start(b, &fill);
		for (unsigned x = 0; x < 12 * size; x++)
			assert_int_equal(b->vram[SCREEN + 5 + 200 + x], (x % size + 1) * 0x11);
		assert_int_equal(b->vram[SCREEN + 4], 0);
		assert_int_equal(b->vram[SCREEN + 5 + 12 * size], 0);
		assert_int_equal(b->vram[SCREEN + 5 + 300], 0);
	}
}

/* The frame buffer itself and the banked window take the data too, in any size. */
static void test_processor_data_comes_by_every_window(void **state)
{
	struct bench *b = *state;
	struct blit image = { .width = 8,
			      .height = 2,
			      .destination = SCREEN,
			      .destination_pitch = 64,
			      .mode = CIRRUS_BLT_FROM_SYSTEM,
			      .rop = CIRRUS_ROP_S };

	bench_map_cirrus(b);
	memset(b->vram, 0, CIRRUS_MEMORY_BYTES);
	start(b, &image);
	assert_int_equal(status(b) & CIRRUS_BLT_BUSY, CIRRUS_BLT_BUSY);
	io_write(&b->memory, BENCH_LFB + 4, 0x0201, 2);
	io_write(&b->memory, 0xa0000, 0x03, 1);
	io_write(&b->memory, BENCH_LFB + CIRRUS_BLT_APERTURE + 0x100, 0x0b0a090807060504, 8);
	io_write(&b->memory, BENCH_LFB + 0x300000, 0x0d0c, 2);
	io_write(&b->memory, BENCH_LFB + 0x300000, 0x0f0e, 2);
	io_write(&b->memory, 0xaffff, 0x10, 1);
	assert_int_equal(status(b) & CIRRUS_BLT_BUSY, 0);
	assert_int_equal(b->vram[SCREEN], 1);
	assert_int_equal(b->vram[SCREEN + 2], 3);
	assert_int_equal(b->vram[SCREEN + 64 + 7], 0x10);
	assert_int_equal(b->vram[4], 0);
	assert_int_equal(b->vram[0x300000], 0);
	/* Afterwards it is memory again, first access by access, then directly. */
	for (unsigned i = 0; i < 2 * CIRRUS_PLAIN_ACCESSES; i++)
		poke8(b, BENCH_LFB + i, (uint8_t)(i + 1));
	for (unsigned i = 0; i < 2 * CIRRUS_PLAIN_ACCESSES; i++)
		assert_int_equal(b->vram[i], (uint8_t)(i + 1));
	assert_non_null(b->cirrus.direct.space);
	assert_null(b->cirrus.trapped.space);
}

static void test_autostart_and_reset(void **state)
{
	struct bench *b = *state;
	struct blit image = { .width = 8,
			      .height = 200,
			      .destination = SCREEN,
			      .destination_pitch = 64,
			      .mode = CIRRUS_BLT_FROM_SYSTEM,
			      .rop = CIRRUS_ROP_S };

	bench_map_cirrus(b);
	set(b, CIRRUS_MMIO_CONTROL, CIRRUS_BLT_AUTOSTART, 1);
	load_registers(b, &image);
	assert_int_equal(status(b), CIRRUS_BLT_AUTOSTART); /* the mode came behind it */
	set(b, 0x10, image.destination, 3);
	assert_int_equal(status(b), CIRRUS_BLT_AUTOSTART | CIRRUS_BLT_BUSY | CIRRUS_BLT_BUFFERED);
	set(b, CIRRUS_MMIO_CONTROL, CIRRUS_BLT_RESET, 1);
	set(b, CIRRUS_MMIO_CONTROL, 0, 1);
	assert_int_equal(status(b), 0);
	/* The same by GR registers, as ports reach them. */
	out_indexed(b, VGA_GRAPHICS_INDEX, CIRRUS_GFX_BLT_CONTROL, CIRRUS_BLT_START);
	assert_int_equal(in_indexed(b, VGA_GRAPHICS_INDEX, CIRRUS_GFX_BLT_CONTROL),
			 CIRRUS_BLT_START | CIRRUS_BLT_BUSY | CIRRUS_BLT_BUFFERED);
}

/* Registers written while the processor gives data are those of the next blit. */
static void test_a_blit_under_way_keeps_its_registers(void **state)
{
	struct bench *b = *state;
	struct blit image = { .width = 4,
			      .height = 3,
			      .destination = SCREEN,
			      .destination_pitch = 64,
			      .mode = CIRRUS_BLT_FROM_SYSTEM,
			      .rop = CIRRUS_ROP_S };
	struct blit other = { .width = 8192,
			      .height = 2048,
			      .destination = 0x3fffff,
			      .destination_pitch = 8191,
			      .mode = CIRRUS_BLT_FROM_SYSTEM | CIRRUS_BLT_EXPAND | PIXEL_32 };
	const uint8_t data[12] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };

	bench_map_cirrus(b);
	memset(b->vram, 0, CIRRUS_MEMORY_BYTES);
	start(b, &image);
	give(b, data, 4);
	load_registers(b, &other);
	give(b, data + 4, 8);
	assert_int_equal(status(b) & CIRRUS_BLT_BUSY, 0);
	assert_memory_equal(b->vram + SCREEN + 128, data + 8, 4);
	assert_int_equal(b->vram[0x3fffff], 0);
}

/* Copies to the processor are not there: the engine stays idle. */
static void test_a_blit_to_the_processor_is_dropped(void **state)
{
	struct bench *b = *state;
	struct blit blit = { .width = 64,
			     .height = 4,
			     .destination_pitch = 64,
			     .source_pitch = 64,
			     .mode = CIRRUS_BLT_TO_SYSTEM,
			     .rop = CIRRUS_ROP_ONE };

	bench_map_cirrus(b);
	memset(b->vram, 0, CIRRUS_MEMORY_BYTES);
	start(b, &blit);
	assert_int_equal(status(b) & (CIRRUS_BLT_BUSY | CIRRUS_BLT_START), 0);
	blit.mode |= CIRRUS_BLT_FROM_SYSTEM;
	start(b, &blit);
	assert_int_equal(status(b) & (CIRRUS_BLT_BUSY | CIRRUS_BLT_START), 0);
	for (unsigned i = 0; i < 512; i++)
		assert_int_equal(b->vram[i], 0);
}

/* What broke other emulations. Each blit is also what the model makes of it: an address that counts
 * on at the other end of memory. */

static void run_beside_model(struct bench *b, const struct blit *blit)
{
	uint8_t *expected;

	bench_map_cirrus(b);
	randomise(b);
	expected = copy_memory(b);
	model(expected, NULL, blit);
	start(b, blit);
	assert_same(b, expected);
	free(expected);
}

/* Heap overflow: the destination leaves memory at its end. */
static void test_cve_2007_1320(void **state)
{
	run_beside_model(*state, &(struct blit){ .width = 1024,
						 .height = 1024,
						 .destination = 0x3ffc00,
						 .source = 0x180000,
						 .destination_pitch = 1024,
						 .source_pitch = 1024,
						 .rop = CIRRUS_ROP_S });
}

/* The fix of the former forgot fills and patterns. */
static void test_cve_2008_4539(void **state)
{
	run_beside_model(*state, &(struct blit){ .width = 4096,
						 .height = 300,
						 .destination = 0x3ff000,
						 .destination_pitch = 4096,
						 .foreground = 0xa5,
						 .mode = CIRRUS_BLT_PATTERN | CIRRUS_BLT_EXPAND,
						 .rop = CIRRUS_ROP_S_XOR_D,
						 .extension = CIRRUS_BLT_SOLID });
}

/* The check counted lines by pitch and forgot the last one's width. */
static void test_cve_2014_8106(void **state)
{
	run_beside_model(*state, &(struct blit){ .width = 8192,
						 .height = 2,
						 .destination = 0x3fffff,
						 .source = 0x200000,
						 .destination_pitch = 1,
						 .source_pitch = 0,
						 .rop = CIRRUS_ROP_S });
}

/* A blit after the console had changed its size drew into the old one. */
static void test_cve_2016_9603(void **state)
{
	struct bench *b = *state;
	struct blit fill = { .width = 8192,
			     .height = 500,
			     .destination_pitch = 8191,
			     .foreground = 0x77,
			     .mode = CIRRUS_BLT_PATTERN | CIRRUS_BLT_EXPAND,
			     .rop = CIRRUS_ROP_S,
			     .extension = CIRRUS_BLT_SOLID };

	bench_map_cirrus(b);
	bench_set_mode(b, &mode_13);
	out_indexed(b, VGA_SEQUENCER_INDEX, CIRRUS_SEQ_MODE, CIRRUS_MODE_PACKED);
	bench_watch(b);
	bench_refresh(b);
	start(b, &fill);
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_V_RETRACE_END, 0);
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_H_DISPLAY_END, 0x02);
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_OVERFLOW, 0);
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_V_DISPLAY_END, 0x02);
	start(b, &fill);
	bench_refresh(b);
	assert_int_equal(b->display.surface.width, 24);
	assert_int_equal(bench_pixel(b, 23, 2), bench_colour(0x77));
}

/* Division by a pitch or a depth of zero. */
static void test_cve_2016_9921_and_9922(void **state)
{
	run_beside_model(*state, &(struct blit){ .width = 100,
						 .height = 100,
						 .destination = SCREEN,
						 .source = 0x200000,
						 .destination_pitch = 0,
						 .source_pitch = 0,
						 .rop = CIRRUS_ROP_S_OR_D });
}

/* Backwards, from below the start of memory. */
static void test_cve_2017_2615(void **state)
{
	run_beside_model(*state, &(struct blit){ .width = 512,
						 .height = 64,
						 .destination = 0x100,
						 .source = 0x200000,
						 .destination_pitch = 1024,
						 .source_pitch = 1024,
						 .mode = CIRRUS_BLT_BACKWARDS,
						 .rop = CIRRUS_ROP_S });
}

/* The path of the processor's data was not checked. */
static void test_cve_2017_2620(void **state)
{
	struct bench *b = *state;
	struct blit image = { .width = 8192,
			      .height = 2,
			      .destination = 0x3fffff,
			      .destination_pitch = 8191,
			      .mode = CIRRUS_BLT_FROM_SYSTEM,
			      .rop = CIRRUS_ROP_S };
	uint8_t data[4] = { 0x11, 0x22, 0x33, 0x44 };

	bench_map_cirrus(b);
	memset(b->vram, 0, CIRRUS_MEMORY_BYTES);
	start(b, &image);
	for (unsigned i = 0; i < 2 * 8192; i += 4)
		give(b, data, 4);
	assert_int_equal(status(b) & CIRRUS_BLT_BUSY, 0);
	assert_int_equal(b->vram[0x3fffff], 0x11);
	assert_int_equal(b->vram[0], 0x22);
	assert_int_equal(b->vram[8190 + 8191], 0x44);
}

/* A pattern read beyond the end of memory. */
static void test_cve_2017_7718(void **state)
{
	run_beside_model(*state, &(struct blit){ .width = 64,
						 .height = 16,
						 .destination = 0x100000,
						 .source = 0x3ffffd,
						 .destination_pitch = 64,
						 .mode = CIRRUS_BLT_PATTERN | PIXEL_32,
						 .rop = CIRRUS_ROP_S });
}

/* Source and destination of expansion and transparent copies, which had checks of their own. */
static void test_cve_2017_7980(void **state)
{
	struct blit blit = { .width = 8190,
			     .height = 30,
			     .destination = 0x3fffff,
			     .source = 0x3fffff,
			     .destination_pitch = 8191,
			     .source_pitch = 8191,
			     .foreground = 0x01020304,
			     .background = 0x50607080,
			     .mode = CIRRUS_BLT_EXPAND | PIXEL_24,
			     .rop = CIRRUS_ROP_S,
			     .skip = 0x1f };

	/* The bits lie before the first pixel that changes them. */
	blit.source = 0x3e0000;
	run_beside_model(*state, &blit);
	blit.mode = CIRRUS_BLT_TRANSPARENT | PIXEL_16;
	blit.source = 0x2fffff;
	run_beside_model(*state, &blit);
}

/* Write mode 4 and 5 at the end of memory; the host's memory behind it was written. */
static void test_cve_2017_15289(void **state)
{
	struct bench *b = *state;

	bench_map_cirrus(b);
	memset(b->vram, 0, CIRRUS_MEMORY_BYTES);
	out_indexed(b, VGA_GRAPHICS_INDEX, CIRRUS_GFX_FOREGROUND, 0xaa);
	out_indexed(b, VGA_GRAPHICS_INDEX, CIRRUS_GFX_FOREGROUND_1, 0xbb);
	out_indexed(b, VGA_GRAPHICS_INDEX, VGA_GFX_MODE, CIRRUS_WRITE_MODE_4);
	out_indexed(b, VGA_GRAPHICS_INDEX, CIRRUS_GFX_EXTENSIONS, CIRRUS_EXTENDED_WRITES);
	poke8(b, BENCH_LFB + MASK, 0xff);
	assert_int_equal(b->vram[MASK], 0xaa);
	assert_int_equal(b->vram[6], 0xaa);
	assert_int_equal(b->vram[7], 0);
	out_indexed(b, VGA_GRAPHICS_INDEX, CIRRUS_GFX_EXTENSIONS,
		    CIRRUS_EXTENDED_WRITES | CIRRUS_ADDRESS_BY_16);
	poke8(b, BENCH_LFB + MASK, 0x01);
	assert_int_equal(b->vram[MASK - 1], 0xaa);
	assert_int_equal(b->vram[MASK], 0xbb);
}

/* What a blit backwards had changed was computed below the start of memory. */
static void test_cve_2017_18030(void **state)
{
	struct bench *b = *state;
	struct blit blit = { .width = 8192,
			     .height = 2048,
			     .destination = 0,
			     .source = 0,
			     .destination_pitch = 8191,
			     .source_pitch = 8191,
			     .mode = CIRRUS_BLT_BACKWARDS,
			     .rop = CIRRUS_ROP_NOT_D };

	bench_map_cirrus(b);
	bench_set_mode(b, &mode_13);
	bench_watch(b);
	bench_refresh(b);
	start(b, &blit); /* the largest there is */
	bench_refresh(b);
	assert_true(b->damages > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CIRRUS_TEST(test_random_blits_within_memory),
		CIRRUS_TEST(test_random_blits_from_the_processor),
		CIRRUS_TEST(test_overlapping_copies_go_either_way),
		CIRRUS_TEST(test_solid_fill_of_each_depth),
		CIRRUS_TEST(test_processor_data_comes_by_every_window),
		CIRRUS_TEST(test_autostart_and_reset),
		CIRRUS_TEST(test_a_blit_under_way_keeps_its_registers),
		CIRRUS_TEST(test_a_blit_to_the_processor_is_dropped),
		CIRRUS_TEST(test_cve_2007_1320),
		CIRRUS_TEST(test_cve_2008_4539),
		CIRRUS_TEST(test_cve_2014_8106),
		CIRRUS_TEST(test_cve_2016_9603),
		CIRRUS_TEST(test_cve_2016_9921_and_9922),
		CIRRUS_TEST(test_cve_2017_2615),
		CIRRUS_TEST(test_cve_2017_2620),
		CIRRUS_TEST(test_cve_2017_7718),
		CIRRUS_TEST(test_cve_2017_7980),
		CIRRUS_TEST(test_cve_2017_15289),
		CIRRUS_TEST(test_cve_2017_18030),
	};

	return cmocka_run_group_tests_name("cirrus_blt", tests, NULL, NULL);
}
