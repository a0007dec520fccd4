// SPDX-License-Identifier: GPL-2.0-or-later
/* The Bochs display interface and the PCI card around the VGA. */
#include "vga_bench.h"

#include "vga/vbe.h"

static void set_mode(struct bench *b, uint16_t x, uint16_t y, uint16_t bpp, uint16_t flags)
{
	out_vbe(b, VBE_ENABLE, 0);
	out_vbe(b, VBE_XRES, x);
	out_vbe(b, VBE_YRES, y);
	out_vbe(b, VBE_BPP, bpp);
	out_vbe(b, VBE_ENABLE, VBE_ENABLED | VBE_LINEAR | flags);
}

static void start(struct bench *b, uint16_t x, uint16_t y, uint16_t bpp)
{
	for (unsigned i = 0; i < BENCH_VRAM; i++)
		b->vram[i] = (uint8_t)rand();
	bench_set_mode(b, &mode_13);
	set_mode(b, x, y, bpp, VBE_NO_CLEAR);
	bench_watch(b);
	bench_refresh(b);
	assert_int_equal(b->display.surface.width, x);
	assert_int_equal(b->display.surface.height, y);
}

/* A field of 'bits' bits in the middle of 'value', as eight bits. */
static uint32_t field(uint32_t value, unsigned shift, unsigned bits)
{
	uint32_t f = value >> shift & ((1u << bits) - 1);

	return (f << (8 - bits) | f >> (2 * bits - 8)) & 0xff;
}

static uint32_t expected_pixel(const uint8_t *p, unsigned bpp)
{
	uint32_t v = (uint32_t)load_le(p, (bpp + 7) / 8);

	switch (bpp) {
	case 8:
		return bench_colour(p[0]);
	case 15:
		return field(v, 10, 5) << 16 | field(v, 5, 5) << 8 | field(v, 0, 5);
	case 16:
		return field(v, 11, 5) << 16 | field(v, 5, 6) << 8 | field(v, 0, 5);
	default:
		return v & 0xffffff;
	}
}

static void assert_picture(struct bench *b, unsigned bpp, size_t start_offset, size_t stride)
{
	const struct display_surface *s = &b->display.surface;

	for (unsigned y = 0; y < s->height; y++)
		for (unsigned x = 0; x < s->width; x++)
			assert_int_equal(bench_pixel(b, x, y),
					 expected_pixel(b->vram + start_offset + y * stride +
								x * ((bpp + 7) / 8),
							bpp));
}

static void test_depths(void **state)
{
	struct bench *b = *state;
	static const uint8_t depths[] = { 8, 15, 16, 24, 32 };

	for (unsigned i = 0; i < sizeof(depths); i++) {
		start(b, 320, 200, depths[i]);
		assert_picture(b, depths[i], 0, 320u * ((depths[i] + 7u) / 8));
		assert_int_equal(in_vbe(b, VBE_VIRT_WIDTH), 320);
		assert_int_equal(in_vbe(b, VBE_VIRT_HEIGHT),
				 BENCH_VRAM / (320 * ((depths[i] + 7) / 8)));
	}
}

static void test_depth_of_4_is_planar(void **state)
{
	struct bench *b = *state;

	start(b, 800, 600, 4);
	out_vbe(b, VBE_X_OFFSET, 3); /* there is no room to move in */
	assert_int_equal(in_vbe(b, VBE_X_OFFSET), 0);
	out_vbe(b, VBE_VIRT_WIDTH, 1024);
	out_vbe(b, VBE_X_OFFSET, 11);
	out_vbe(b, VBE_Y_OFFSET, 2);
	bench_refresh(b);
	for (unsigned x = 0; x < 800; x++) {
		const uint8_t *planes = b->vram + ((2 + 599) * 128 + (x + 11) / 8) * 4;
		unsigned shift = 7 - (x + 11) % 8, colour = 0;

		for (unsigned p = 0; p < 4; p++)
			colour |= ((unsigned)planes[p] >> shift & 1) << p;
		assert_int_equal(bench_pixel(b, x, 599), bench_colour((uint8_t)colour));
	}
}

static void test_odd_sizes(void **state)
{
	struct bench *b = *state;

	start(b, 301, 203, 24);
	assert_picture(b, 24, 0, 903);
	start(b, 1, 1, 32);
	assert_picture(b, 32, 0, 4);
}

static void test_scrolling_stops_at_the_end_of_memory(void **state)
{
	struct bench *b = *state;

	start(b, 320, 200, 32);
	out_vbe(b, VBE_VIRT_WIDTH, 400);
	assert_int_equal(in_vbe(b, VBE_VIRT_HEIGHT), BENCH_VRAM / 1600);
	out_vbe(b, VBE_X_OFFSET, 0xffff);
	assert_int_equal(in_vbe(b, VBE_X_OFFSET), 80);
	out_vbe(b, VBE_Y_OFFSET, 0xffff);
	assert_int_equal(in_vbe(b, VBE_Y_OFFSET), BENCH_VRAM / 1600 - 200);
	bench_refresh(b);
	assert_picture(b, 32, (BENCH_VRAM / 1600 - 200) * 1600 + 320, 1600);
}

static void test_mode_too_large_for_memory(void **state)
{
	struct bench *b = *state;

	set_mode(b, 2560, 1600, 32, 0);
	assert_int_equal(in_vbe(b, VBE_XRES), 2560);
	assert_int_equal(in_vbe(b, VBE_YRES), BENCH_VRAM / (2560 * 4));
	out_vbe(b, VBE_XRES, 2561);
	assert_int_equal(in_vbe(b, VBE_XRES), 2560);
}

static void test_enabling_clears(void **state)
{
	struct bench *b = *state;

	memset(b->vram, 0x55, BENCH_VRAM);
	set_mode(b, 64, 64, 8, VBE_NO_CLEAR);
	assert_int_equal(b->vram[0], 0x55);
	set_mode(b, 64, 64, 8, 0);
	assert_int_equal(b->vram[0], 0);
	assert_int_equal(b->vram[64 * 64 - 1], 0);
	assert_int_equal(b->vram[64 * 64], 0x55);
}

static void test_capabilities_and_memory(void **state)
{
	struct bench *b = *state;

	set_mode(b, 640, 480, 16, VBE_GET_CAPS);
	assert_int_equal(in_vbe(b, VBE_XRES), 2560);
	assert_int_equal(in_vbe(b, VBE_YRES), 1600);
	assert_int_equal(in_vbe(b, VBE_BPP), 32);
	out_vbe(b, VBE_ENABLE, VBE_ENABLED);
	assert_int_equal(in_vbe(b, VBE_XRES), 640);
	assert_int_equal(in_vbe(b, VBE_VIDEO_MEMORY_64K), BENCH_VRAM / 65536);
	assert_int_equal(in_vbe(b, 0x77), 0);
	out_vbe(b, VBE_ID, 0xb0c0);
	assert_int_equal(in_vbe(b, VBE_ID), 0xb0c0);
	out_vbe(b, VBE_ID, 0x1234);
	assert_int_equal(in_vbe(b, VBE_ID), 0xb0c0);
}

static void test_even_data_port(void **state)
{
	struct bench *b = *state;

	io_write(&b->ports, VBE_PORT_INDEX, VBE_XRES, 2);
	io_write(&b->ports, VBE_PORT_DATA_EVEN, 0x123, 2);
	assert_int_equal(io_read(&b->ports, VBE_PORT_DATA_EVEN, 2), 0x123);
	assert_int_equal(io_read(&b->ports, VBE_PORT_DATA, 2), 0x123);
	assert_int_equal(io_read(&b->ports, VBE_PORT_INDEX, 2), VBE_XRES);
}

static void test_only_dirty_lines_are_drawn(void **state)
{
	struct bench *b = *state;

	start(b, 512, 256, 32); /* two lines a page */
	b->vram[100 * 2048 + 40] ^= 1;
	b->vram[101 * 2048 + 80] ^= 1;
	b->vram[102 * 2048 + 120] ^= 1; /* not in the log */
	b->dirty[50 / 64] |= 1ul << 50;
	bench_refresh(b);
	assert_int_equal(b->damages, 1);
	assert_damage(b, 10, 100, 11, 2);
}

static void test_big_endian_pixels(void **state)
{
	struct bench *b = *state;

	start(b, 64, 64, 32);
	bench_map_bars(b);
	assert_int_equal(io_read(&b->memory, BENCH_MMIO + 0x600, 4), 8);
	assert_int_equal(io_read(&b->memory, BENCH_MMIO + 0x604, 4), 0x1e1e1e1e);
	io_write(&b->memory, BENCH_MMIO + 0x604, 0xbebebebe, 4);
	assert_int_equal(io_read(&b->memory, BENCH_MMIO + 0x604, 4), 0xbebebebe);
	bench_refresh(b);
	assert_int_equal(bench_pixel(b, 1, 0), load_be32(b->vram + 4) & 0xffffff);
}

static void test_pci_identity_and_bars(void **state)
{
	struct bench *b = *state;

	assert_int_equal(pci_bus_config_read(&b->bus, BENCH_DEVFN, PCI_VENDOR_ID, 4), 0x11111234);
	assert_int_equal(pci_bus_config_read(&b->bus, BENCH_DEVFN, PCI_REVISION_ID, 4), 0x03000002);
	pci_bus_config_write(&b->bus, BENCH_DEVFN, PCI_BASE_ADDRESS_0, 0xffffffff, 4);
	assert_int_equal(pci_bus_config_read(&b->bus, BENCH_DEVFN, PCI_BASE_ADDRESS_0, 4),
			 (uint32_t)-BENCH_VRAM | PCI_BAR_PREFETCH);
	bench_map_bars(b);
	b->vram[77] = 0x99;
	assert_int_equal(peek8(b, BENCH_LFB + 77), 0x99);
}

static void test_registers_in_memory_bar(void **state)
{
	struct bench *b = *state;

	bench_map_bars(b);
	poke8(b, BENCH_MMIO + 0x400 + 2, 0x67);
	assert_int_equal(in8(b, VGA_MISC_READ), 0x67);
	io_write(&b->memory, BENCH_MMIO + 0x400 + 4, 0x0f02, 2);
	assert_int_equal(in_indexed(b, VGA_SEQUENCER_INDEX, 2), 0x0f);
	io_write(&b->memory, BENCH_MMIO + 0x500 + 2 * VBE_XRES, 0x320, 2);
	assert_int_equal(in_vbe(b, VBE_XRES), 0x320);
	assert_int_equal(io_read(&b->memory, BENCH_MMIO + 0x500, 4), 0x0320b0c5);
	assert_int_equal(io_read(&b->memory, BENCH_MMIO + 0x700, 4), 0);
}

static void test_edid(void **state)
{
	struct bench *b = *state;
	uint8_t edid[EDID_BYTES], sum = 0;
	static const uint8_t header[8] = { 0, 255, 255, 255, 255, 255, 255, 0 };

	bench_map_bars(b);
	for (unsigned i = 0; i < sizeof(edid); i++) {
		edid[i] = peek8(b, BENCH_MMIO + i);
		sum = (uint8_t)(sum + edid[i]);
	}
	assert_int_equal(sum, 0);
	assert_memory_equal(edid, header, 8);
	assert_int_equal(edid[18] << 8 | edid[19], 0x0104);
	assert_int_equal(edid[54 + 2] | (edid[54 + 4] & 0xf0) << 4, 1280);
	assert_int_equal(edid[54 + 5] | (edid[54 + 7] & 0xf0) << 4, 800);
	assert_memory_equal(edid + 90, "\0\0\0\xfc\0hvmdm\n       ", 18);
	/* The refresh rate that the detailed timing comes to. */
	assert_in_range(load_le16(edid + 54) * 10000 /
				((1280 + edid[54 + 3]) * (800 + edid[54 + 6])),
			59, 60);
}

static void test_rom_gets_the_cards_ids(void **state)
{
	uint8_t rom[4096] = { 0x55, 0xaa, 4, [0x18] = 0x20 };
	uint8_t sum = 0;

	(void)state;
	memcpy(rom + 0x20, "PCIR\x13\x10\xb8\x00", 8);
	assert_int_equal(stdvga_prepare_rom(rom, sizeof(rom), NULL), 0);
	assert_int_equal(load_le32(rom + 0x24), 0x11111234);
	for (unsigned i = 0; i < 2048; i++)
		sum = (uint8_t)(sum + rom[i]);
	assert_int_equal(sum, 0);
	rom[0x19] = 0x08; /* beyond the image */
	assert_int_not_equal(stdvga_prepare_rom(rom, sizeof(rom), NULL), 0);
	rom[0x19] = 0;
	rom[2] = 9; /* longer than the file */
	assert_int_not_equal(stdvga_prepare_rom(rom, sizeof(rom), NULL), 0);
	assert_int_equal(stdvga_rom_bytes(39936), 65536);
	assert_int_equal(stdvga_rom_bytes(1), 4096);
}

static void test_taken_ports_are_refused(void **state)
{
	struct bench *b = *state;
	struct stdvga *other = calloc(1, sizeof(*other));
	struct display display;
	struct video_ram vram = b->card.vga.vram;
	struct stdvga_config config = { .slot = -1 };

	assert_non_null(other);
	display_init(&display);
	assert_int_not_equal(stdvga_init(other, &b->bus, &b->clock, &display, &vram, &config, NULL),
			     0);
	vram.bytes = 3 << 20;
	assert_int_not_equal(stdvga_init(other, &b->bus, &b->clock, &display, &vram, &config, NULL),
			     0);
	display_finish(&display);
	free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(test_depths),
		BENCH_TEST(test_depth_of_4_is_planar),
		BENCH_TEST(test_odd_sizes),
		BENCH_TEST(test_scrolling_stops_at_the_end_of_memory),
		BENCH_TEST(test_mode_too_large_for_memory),
		BENCH_TEST(test_enabling_clears),
		BENCH_TEST(test_capabilities_and_memory),
		BENCH_TEST(test_even_data_port),
		BENCH_TEST(test_only_dirty_lines_are_drawn),
		BENCH_TEST(test_big_endian_pixels),
		BENCH_TEST(test_pci_identity_and_bars),
		BENCH_TEST(test_registers_in_memory_bar),
		BENCH_TEST(test_edid),
		cmocka_unit_test(test_rom_gets_the_cards_ids),
		BENCH_TEST(test_taken_ports_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
