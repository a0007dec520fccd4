// SPDX-License-Identifier: GPL-2.0-or-later
/* A Cirrus card but for its blitter: PCI, registers, memory, modes, cursor, the monitor's wires. */
#include <errno.h>

#include "vga_bench.h"

#include "base/err.h"

enum {
	LAST_BLOCK = CIRRUS_MEMORY_BYTES - CIRRUS_MMIO_BLOCK_BYTES,
};

static void out_seq(struct bench *b, uint8_t index, uint8_t value)
{
	out_indexed(b, VGA_SEQUENCER_INDEX, index, value);
}

static void out_gfx(struct bench *b, uint8_t index, uint8_t value)
{
	out_indexed(b, VGA_GRAPHICS_INDEX, index, value);
}

static void out_crtc(struct bench *b, uint8_t index, uint8_t value)
{
	out_indexed(b, VGA_CRTC_INDEX, index, value);
}

static uint8_t in_seq(struct bench *b, uint8_t index)
{
	return in_indexed(b, VGA_SEQUENCER_INDEX, index);
}

static void write_hidden_dac(struct bench *b, uint8_t value)
{
	for (unsigned i = 0; i < CIRRUS_HIDDEN_DAC_READS; i++)
		in8(b, VGA_PEL_MASK);
	out8(b, VGA_PEL_MASK, value);
}

static uint32_t config(struct bench *b, unsigned offset)
{
	return pci_bus_config_read(&b->bus, BENCH_DEVFN, offset, 4);
}

static void test_pci_identity_and_bars(void **state)
{
	struct bench *b = *state;

	assert_int_equal(config(b, PCI_VENDOR_ID), 0x00b81013);
	assert_int_equal(config(b, PCI_REVISION_ID) >> 16, PCI_CLASS_VGA);
	pci_bus_config_write(&b->bus, BENCH_DEVFN, PCI_BASE_ADDRESS_0, UINT32_MAX, 4);
	assert_int_equal(config(b, PCI_BASE_ADDRESS_0), 0xfe000008);
	pci_bus_config_write(&b->bus, BENCH_DEVFN, PCI_BASE_ADDRESS_0 + 4, UINT32_MAX, 4);
	assert_int_equal(config(b, PCI_BASE_ADDRESS_0 + 4), 0xfffff000);
	pci_bus_config_write(&b->bus, BENCH_DEVFN, PCI_BASE_ADDRESS_0 + 8, UINT32_MAX, 4);
	assert_int_equal(config(b, PCI_BASE_ADDRESS_0 + 8), 0);
	bench_map_cirrus(b);
	assert_ptr_equal(io_find(&b->memory, BENCH_LFB), &b->cirrus.direct);
	assert_ptr_equal(io_find(&b->memory, BENCH_LFB + CIRRUS_MEMORY_BYTES), &b->cirrus.upper);
	assert_ptr_equal(io_find(&b->memory, BENCH_LFB + CIRRUS_BAR_0_BYTES - 1), &b->cirrus.upper);
	pci_bus_config_write(&b->bus, BENCH_DEVFN, PCI_COMMAND, 0, 2);
	assert_null(io_find(&b->memory, BENCH_LFB));
	assert_null(io_find(&b->memory, BENCH_LFB + CIRRUS_MEMORY_BYTES));
}

static void test_memory_sizes(void **state)
{
	struct bench *b = *state;
	static const size_t sizes[] = { 1 << 20, 3 << 20, 32 << 20 };
	struct cirrus_config wish = { .slot = 4 };
	struct cirrus *card = calloc(1, sizeof(*card));

	assert_non_null(card);
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct video_ram vram = { .host = b->vram, .bytes = sizes[i] };
		struct err err = { .text = "" };

		assert_int_equal(
			cirrus_init(card, &b->bus, &b->clock, &b->display, &vram, &wish, &err),
			-EINVAL);
		assert_true(err.text[0]);
	}
	free(card);
}

static void test_there_is_no_dispi(void **state)
{
	struct bench *b = *state;

	out_vbe(b, VBE_ID, VBE_ID_LAST);
	assert_int_equal(in_vbe(b, VBE_ID), 0xffff);
}

static void test_key_reads_back(void **state)
{
	struct bench *b = *state;

	assert_int_equal(in_seq(b, CIRRUS_SEQ_KEY), CIRRUS_KEY_CLOSED);
	out_seq(b, CIRRUS_SEQ_KEY, 0x92); /* SeaBIOS looks for the card like this */
	assert_int_equal(in_seq(b, CIRRUS_SEQ_KEY), CIRRUS_KEY_OPEN);
	out_seq(b, CIRRUS_SEQ_KEY, 0x13);
	assert_int_equal(in_seq(b, CIRRUS_SEQ_KEY), CIRRUS_KEY_CLOSED);
}

static void test_power_on_registers(void **state)
{
	struct bench *b = *state;

	assert_int_equal(in_seq(b, CIRRUS_SEQ_DRAM), 0x98);
	assert_int_equal(in_seq(b, CIRRUS_SEQ_SCRATCH_3), 4);
	assert_int_equal(in_seq(b, CIRRUS_SEQ_CONFIGURATION), 0x20);
	out8(b, VGA_MISC_WRITE, VGA_MISC_COLOUR);
	assert_int_equal(in_indexed(b, VGA_CRTC_INDEX, CIRRUS_CRTC_ID), 0xb8);
	assert_int_equal(b->vram[0], 0xff);
	assert_int_equal(b->vram[CIRRUS_MEMORY_BYTES - 1], 0xff);
}

static void test_standard_registers_pass(void **state)
{
	struct bench *b = *state;

	bench_set_mode(b, &mode_12);
	assert_int_equal(in_seq(b, VGA_SEQ_MAP_MASK), 0x0f);
	assert_int_equal(in_indexed(b, VGA_GRAPHICS_INDEX, VGA_GFX_MISC), 0x05);
	assert_int_equal(in_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_V_DISPLAY_END), 0xdf);
	out_gfx(b, VGA_GFX_SET_RESET, 0xa5); /* all bits are the background colour's */
	assert_int_equal(in_indexed(b, VGA_GRAPHICS_INDEX, VGA_GFX_SET_RESET), 0xa5);
	assert_int_equal(b->cirrus.state.vga.gfx[VGA_GFX_SET_RESET], 0x05);
}

static void test_crtc_readbacks(void **state)
{
	struct bench *b = *state;

	bench_set_mode(b, &mode_12);
	in8(b, VGA_INPUT_STATUS_1);
	assert_int_equal(in_indexed(b, VGA_CRTC_INDEX, CIRRUS_CRTC_ATTR_FLIP_FLOP), 0);
	out8(b, VGA_ATTRIBUTE_INDEX, 0x33);
	assert_int_equal(in_indexed(b, VGA_CRTC_INDEX, CIRRUS_CRTC_ATTR_FLIP_FLOP), 0x80);
	assert_int_equal(in_indexed(b, VGA_CRTC_INDEX, CIRRUS_CRTC_ATTR_INDEX), 0x33);
	poke8(b, 0xa0000, 0x5a);
	peek8(b, 0xa0000);
	assert_int_equal(in_indexed(b, VGA_CRTC_INDEX, CIRRUS_CRTC_LATCH), 0x5a);
	out_crtc(b, CIRRUS_CRTC_ID, 0);
	assert_int_equal(in_indexed(b, VGA_CRTC_INDEX, CIRRUS_CRTC_ID), 0xb8);
}

/* The fifth access is the hidden one; any other access of the DAC begins anew. */
static void test_hidden_dac(void **state)
{
	struct bench *b = *state;

	out8(b, VGA_PEL_MASK, 0x3c);
	write_hidden_dac(b, 0xe1);
	assert_int_equal(in8(b, VGA_PEL_MASK), 0x3c);
	in8(b, VGA_DAC_WRITE_INDEX);
	for (unsigned i = 0; i < CIRRUS_HIDDEN_DAC_READS; i++)
		assert_int_equal(in8(b, VGA_PEL_MASK), 0x3c);
	io_peek(&b->ports, VGA_PEL_MASK, 1);
	assert_int_equal(in8(b, VGA_PEL_MASK), 0xe1);
	assert_int_equal(in8(b, VGA_PEL_MASK), 0x3c);
	out8(b, VGA_PEL_MASK, 0xff);
	assert_int_equal(in8(b, VGA_PEL_MASK), 0xff);
}

/* Linux' driver reaches the ports by BAR 1. */
static void test_ports_in_bar_1(void **state)
{
	struct bench *b = *state;

	bench_map_cirrus(b);
	poke8(b, BENCH_MMIO + 4, CIRRUS_SEQ_MODE);
	poke8(b, BENCH_MMIO + 5, 0x11);
	assert_int_equal(in_seq(b, CIRRUS_SEQ_MODE), 0x11);
	assert_int_equal(peek8(b, BENCH_MMIO + 5), 0x11);
	assert_int_equal(peek8(b, BENCH_MMIO + 0x20), 0xff);
	assert_int_equal(peek8(b, BENCH_MMIO + 0xfff), 0xff);
	for (unsigned i = 0; i < CIRRUS_HIDDEN_DAC_READS; i++)
		peek8(b, BENCH_MMIO + 6);
	poke8(b, BENCH_MMIO + 6, 0xc5);
	assert_int_equal(b->cirrus.state.hidden_dac, 0xc5);
	poke8(b, BENCH_MMIO + CIRRUS_BAR_1_BLT + 0x0c, 0x77);
	assert_int_equal(in_indexed(b, VGA_GRAPHICS_INDEX, CIRRUS_GFX_BLT_DESTINATION_PITCH), 0x77);
	poke8(b, BENCH_MMIO + CIRRUS_BAR_1_BLT + 0x0d, 0xff);
	assert_int_equal(peek8(b, BENCH_MMIO + CIRRUS_BAR_1_BLT + 0x0d), 0x1f);
}

/* Memory */

static void packed_mode(struct bench *b, uint8_t depth)
{
	bench_set_mode(b, &mode_13);
	out_seq(b, CIRRUS_SEQ_MODE, (uint8_t)(CIRRUS_MODE_PACKED | depth));
	out_crtc(b, VGA_CRTC_MAX_SCAN, 0x40);
	for (unsigned i = 0; i < CIRRUS_MEMORY_BYTES; i += 2)
		store_le16(b->vram + i, (uint16_t)rand());
}

static void test_banks(void **state)
{
	struct bench *b = *state;

	packed_mode(b, CIRRUS_DEPTH_8);
	out_gfx(b, CIRRUS_GFX_BANK_0, 3);
	poke8(b, 0xa0010, 0x11);
	assert_int_equal(b->vram[0x3010], 0x11);
	poke8(b, 0xaffff, 0x12);
	assert_int_equal(b->vram[0x12fff], 0x12);
	out_gfx(b, CIRRUS_GFX_EXTENSIONS, CIRRUS_TWO_BANKS | CIRRUS_BANK_16_KIB);
	out_gfx(b, CIRRUS_GFX_BANK_1, 0xff);
	poke8(b, 0xa0010, 0x13);
	assert_int_equal(b->vram[3 * 0x4000 + 0x10], 0x13);
	poke8(b, 0xa8020, 0x14);
	assert_int_equal(b->vram[0x3fc020], 0x14);
	assert_int_equal(peek8(b, 0xa8020), 0x14);
	poke8(b, 0xac020, 0x15); /* beyond the end: on at the beginning */
	assert_int_equal(b->vram[0x20], 0x15);
	assert_int_equal(peek8(b, 0xb0000), 0xff);
}

/* As REP STOS does. */
static void fill_bank(struct bench *b, uint32_t address, unsigned count, uint8_t value)
{
	for (unsigned i = 0; i < count; i++)
		poke8(b, address + i, value);
}

static bool bank_is_direct(struct bench *b)
{
	const struct io_window *window = io_find(&b->memory, 0xa0000);

	assert_non_null(window);
	assert_ptr_equal(io_find(&b->memory, 0xbffff), &b->cirrus.banks.high);
	return window == &b->cirrus.banks.direct_windows[0];
}

static void make_bank_direct(struct bench *b)
{
	assert_false(bank_is_direct(b));
	fill_bank(b, 0xa0000, CIRRUS_BANK_ACCESSES, 0x77);
	assert_true(bank_is_direct(b));
}

static void test_a_bank_becomes_direct(void **state)
{
	struct bench *b = *state;
	const struct io_window *window = &b->cirrus.banks.direct_windows[0];

	packed_mode(b, CIRRUS_DEPTH_8);
	out_gfx(b, CIRRUS_GFX_BANK_0, 3);
	fill_bank(b, 0xa0000, CIRRUS_BANK_ACCESSES - 1, 0x11);
	io_peek(&b->memory, 0xa0000, 4);
	assert_false(bank_is_direct(b));
	assert_int_equal(io_read(&b->memory, 0xa0000, 4), 0x11111111);
	assert_true(bank_is_direct(b));
	assert_int_equal(window->size, 0x10000);
	assert_ptr_equal(window->host, b->vram + 0x3000);
	poke8(b, 0xaffff, 0x12);
	assert_int_equal(b->vram[0x12fff], 0x12);
	out_gfx(b, CIRRUS_GFX_BANK_0, 3); /* no change */
	out_gfx(b, CIRRUS_GFX_BANK_1, 9);
	assert_true(bank_is_direct(b));
	out_gfx(b, CIRRUS_GFX_BANK_0, 4);
	assert_false(bank_is_direct(b));
	poke8(b, 0xa0000, 0x13);
	assert_int_equal(b->vram[0x4000], 0x13);
}

static void test_two_banks_become_direct(void **state)
{
	struct bench *b = *state;
	const struct io_window *windows = b->cirrus.banks.direct_windows;

	packed_mode(b, CIRRUS_DEPTH_8);
	out_gfx(b, CIRRUS_GFX_EXTENSIONS, CIRRUS_TWO_BANKS | CIRRUS_BANK_16_KIB);
	out_gfx(b, CIRRUS_GFX_BANK_0, 0xfe);
	out_gfx(b, CIRRUS_GFX_BANK_1, 2);
	make_bank_direct(b);
	assert_ptr_equal(io_find(&b->memory, 0xaffff), &windows[1]);
	assert_ptr_equal(windows[0].host, b->vram + CIRRUS_MEMORY_BYTES - 0x8000);
	assert_ptr_equal(windows[1].host, b->vram + 0x8000);
	assert_int_equal(windows[0].size | windows[1].size, 0x8000);
	io_write(&b->memory, 0xa7ffe, 0x44332211, 4); /* over the edge */
	assert_int_equal(load_le16(b->vram + CIRRUS_MEMORY_BYTES - 2), 0x2211);
	assert_int_equal(load_le16(b->vram + 0x8000), 0x4433);
	out_gfx(b, CIRRUS_GFX_BANK_1, 0xff); /* its second half begins anew at 0 */
	fill_bank(b, 0xa0000, 2 * CIRRUS_BANK_ACCESSES, 0x55);
	assert_false(bank_is_direct(b));
	poke8(b, 0xac000, 0x66);
	assert_int_equal(b->vram[0], 0x66);
}

/* A program that does little in each bank causes no change of the map. */
static void test_banks_that_change_often_stay_trapped(void **state)
{
	struct bench *b = *state;
	uint64_t generation;

	packed_mode(b, CIRRUS_DEPTH_8);
	generation = b->memory.generation;
	for (unsigned i = 0; i < 100; i++) {
		out_gfx(b, CIRRUS_GFX_BANK_0, (uint8_t)i);
		fill_bank(b, 0xa0000, CIRRUS_BANK_ACCESSES - 1, (uint8_t)i);
		assert_int_equal(b->vram[i * 4096 + CIRRUS_BANK_ACCESSES - 2], i);
	}
	assert_int_equal(b->memory.generation, generation);
}

static void test_banks_need_memory_in_pieces(void **state)
{
	struct bench *b = *state;

	packed_mode(b, CIRRUS_DEPTH_8);
	b->cirrus.vga.vram.in_pieces = false; /* as on Xen */
	fill_bank(b, 0xa0000, 4 * CIRRUS_BANK_ACCESSES, 0x21);
	assert_false(bank_is_direct(b));
	assert_int_equal(b->vram[4 * CIRRUS_BANK_ACCESSES - 1], 0x21);
}

static void test_what_ends_a_direct_bank(void **state)
{
	struct bench *b = *state;
	static const struct {
		uint16_t port;
		uint8_t index, value, back;
	} rows[] = {
		{ VGA_GRAPHICS_INDEX, CIRRUS_GFX_EXTENSIONS, CIRRUS_ADDRESS_BY_8, 0 },
		{ VGA_GRAPHICS_INDEX, CIRRUS_GFX_EXTENSIONS, CIRRUS_TWO_BANKS, 0 },
		{ VGA_GRAPHICS_INDEX, CIRRUS_GFX_EXTENSIONS,
		  CIRRUS_EXTENDED_WRITES | CIRRUS_ADDRESS_BY_16, 0 },
		{ VGA_SEQUENCER_INDEX, CIRRUS_SEQ_MODE, 0, CIRRUS_MODE_PACKED },
	};

	packed_mode(b, CIRRUS_DEPTH_8);
	bench_map_cirrus(b);
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		make_bank_direct(b);
		out_indexed(b, rows[i].port, rows[i].index, rows[i].value);
		assert_false(bank_is_direct(b));
		out_indexed(b, rows[i].port, rows[i].index, rows[i].back);
	}
	make_bank_direct(b);
	out8(b, VGA_MISC_WRITE, VGA_MISC_COLOUR);
	assert_int_equal(peek8(b, 0xa0000), 0xff);
	out8(b, VGA_MISC_WRITE, VGA_MISC_COLOUR | VGA_MISC_RAM_ENABLE);
	make_bank_direct(b);
	out_gfx(b, CIRRUS_GFX_BLT_WIDTH, 3);
	out_gfx(b, CIRRUS_GFX_BLT_MODE, CIRRUS_BLT_FROM_SYSTEM);
	out_gfx(b, CIRRUS_GFX_BLT_ROP, CIRRUS_ROP_S);
	out_gfx(b, CIRRUS_GFX_BLT_CONTROL, CIRRUS_BLT_START);
	io_write(&b->memory, 0xa8000, 0x44332211, 4);
	assert_int_equal(load_le32(b->vram), 0x44332211);
	make_bank_direct(b);
	b->device->class->reset(b->device->self);
	assert_false(bank_is_direct(b));
}

/* A direct bank and the frame buffer are one memory; nothing of it is in the saved state. */
static void test_a_direct_bank_is_saved(void **state)
{
	struct bench *b = *state, *other = bench_create_cirrus();
	struct device_list list, other_list;
	struct state_writer writer;

	device_list_init(&list);
	device_list_init(&other_list);
	device_add(&list, b->device);
	device_add(&other_list, other->device);
	packed_mode(b, CIRRUS_DEPTH_8);
	out_gfx(b, CIRRUS_GFX_BANK_0, 5);
	make_bank_direct(b);
	packed_mode(other, CIRRUS_DEPTH_8);
	make_bank_direct(other);
	state_writer_init(&writer);
	device_save_all(&list, &writer);
	assert_int_equal(device_load_all(&list, writer.bytes, writer.length, NULL), 0);
	poke8(b, 0xa0001, 0x31);
	assert_int_equal(b->vram[0x5001], 0x31);
	assert_int_equal(device_load_all(&other_list, writer.bytes, writer.length, NULL), 0);
	assert_false(bank_is_direct(other));
	poke8(other, 0xa0001, 0x32);
	assert_int_equal(other->vram[0x5001], 0x32);
	make_bank_direct(other);
	state_writer_finish(&writer);
	bench_destroy(other);
}

static void test_extended_write_modes(void **state)
{
	struct bench *b = *state;
	static const uint8_t ones_only[8] = { 0xaa, 9, 0xaa, 9, 9, 9, 9, 0xaa };
	static const uint8_t both[8] = { 0xaa, 0x55, 0xaa, 0x55, 0x55, 0x55, 0x55, 0xaa };

	packed_mode(b, CIRRUS_DEPTH_8);
	bench_map_cirrus(b);
	memset(b->vram, 9, 0x1000);
	out_gfx(b, CIRRUS_GFX_FOREGROUND, 0xaa);
	out_gfx(b, CIRRUS_GFX_BACKGROUND, 0x55);
	out_gfx(b, CIRRUS_GFX_FOREGROUND_1, 0xbb);
	out_gfx(b, CIRRUS_GFX_BACKGROUND_1, 0x66);
	out_gfx(b, CIRRUS_GFX_EXTENSIONS, CIRRUS_EXTENDED_WRITES | CIRRUS_ADDRESS_BY_8);
	out_gfx(b, VGA_GFX_MODE, CIRRUS_WRITE_MODE_4);
	poke8(b, 0xa0002, 0xa1);
	assert_memory_equal(b->vram + 16, ones_only, 8);
	out_gfx(b, VGA_GFX_MODE, CIRRUS_WRITE_MODE_5);
	poke8(b, BENCH_LFB + 3, 0xa1);
	assert_memory_equal(b->vram + 24, both, 8);
	out_gfx(b, CIRRUS_GFX_EXTENSIONS, CIRRUS_EXTENDED_WRITES | CIRRUS_ADDRESS_BY_16);
	poke8(b, BENCH_LFB + 4, 0x80);
	assert_int_equal(load_le32(b->vram + 64), 0x6655bbaa);
	out_gfx(b, VGA_GFX_MODE, 0x40);
	out_gfx(b, CIRRUS_GFX_EXTENSIONS, 0);
	poke8(b, BENCH_LFB + 5, 0x81);
	assert_int_equal(b->vram[5], 0x81);
}

static void test_apertures_swap_bytes(void **state)
{
	struct bench *b = *state;

	bench_map_cirrus(b);
	io_write(&b->memory, BENCH_LFB, 0x44332211, 4);
	assert_int_equal(io_read(&b->memory, BENCH_LFB + 0x400000, 4), 0x33441122);
	assert_int_equal(io_read(&b->memory, BENCH_LFB + 0x800000, 4), 0x11223344);
	assert_int_equal(io_read(&b->memory, BENCH_LFB + 0xc00000, 4), 0x44332211);
	io_write(&b->memory, BENCH_LFB + 0x800010, 0x44332211, 4);
	assert_int_equal(load_be32(b->vram + 0x10), 0x44332211);
	assert_int_equal(io_read(&b->memory, BENCH_LFB + CIRRUS_BLT_APERTURE, 4), UINT32_MAX);
	io_write(&b->memory, BENCH_LFB + CIRRUS_BLT_APERTURE, 0, 4);
	assert_int_equal(load_le32(b->vram), 0x44332211);
}

static void test_blitter_registers_in_memory(void **state)
{
	struct bench *b = *state;

	bench_map_cirrus(b);
	out8(b, VGA_MISC_WRITE, VGA_MISC_COLOUR | VGA_MISC_RAM_ENABLE);
	out_seq(b, CIRRUS_SEQ_CONFIGURATION, CIRRUS_BUS_PCI | CIRRUS_MMIO_ON);
	poke8(b, 0xb8008, 0x12);
	assert_int_equal(in_indexed(b, VGA_GRAPHICS_INDEX, CIRRUS_GFX_BLT_WIDTH), 0x12);
	assert_int_equal(peek8(b, 0xb8008), 0x12);
	assert_int_equal(peek8(b, 0xb80ff), 0xff);
	out_seq(b, CIRRUS_SEQ_CONFIGURATION, CIRRUS_BUS_PCI | CIRRUS_MMIO_ON | CIRRUS_MMIO_LINEAR);
	poke8(b, BENCH_LFB + LAST_BLOCK + 8, 0x34);
	assert_int_equal(in_indexed(b, VGA_GRAPHICS_INDEX, CIRRUS_GFX_BLT_WIDTH), 0x34);
	assert_int_equal(peek8(b, BENCH_LFB + LAST_BLOCK + 8), 0x34);
	assert_int_equal(b->vram[LAST_BLOCK + 8], 0xff);
	poke8(b, BENCH_LFB + LAST_BLOCK - 1, 0x35);
	assert_int_equal(b->vram[LAST_BLOCK - 1], 0x35);
}

/* Lent beyond the chip's memory: memory, and no more. */
static void test_more_memory_than_the_chip_has(void **state)
{
	struct cirrus_config wish = { .slot = 3 };
	struct video_ram vram;
	struct bench *b = bench_prepare(&vram, CIRRUS_MEMORY_BYTES);
	struct video_ram lent = { .host = aligned_alloc(4096, 8 << 20), .bytes = 8 << 20 };

	(void)state;
	assert_non_null(lent.host);
	memset(lent.host, 0, lent.bytes);
	assert_int_equal(
		cirrus_init(&b->cirrus, &b->bus, &b->clock, &b->display, &lent, &wish, NULL), 0);
	b->device = &b->cirrus.device;
	bench_map_cirrus(b);
	poke8(b, BENCH_LFB + 0x400001, 0x61);
	out_gfx(b, CIRRUS_GFX_EXTENSIONS, CIRRUS_ADDRESS_BY_8); /* access by access */
	assert_int_equal(peek8(b, BENCH_LFB + 0x400001), 0x61);
	poke8(b, BENCH_LFB + 0x7fffff, 0x62);
	assert_int_equal(lent.host[0x7fffff], 0x62);
	assert_int_equal(io_find(&b->memory, BENCH_LFB + 0x800000)->base, BENCH_LFB + 0x800000);
	bench_destroy(b);
	free(lent.host);
}

/* Modes */

static void assert_line(struct bench *b, unsigned y, size_t offset, unsigned depth)
{
	for (unsigned x = 0; x < b->display.surface.width; x++) {
		const uint8_t *p = b->vram + offset + (size_t)x * ((depth + 7) / 8);
		uint32_t v = (uint32_t)load_le(p, (depth + 7) / 8), expected = v & 0xffffff;
		uint32_t r = depth == 16 ? v >> 11 & 31 : v >> 10 & 31, g = v >> 5 & 31,
			 bl = v & 31;

		if (depth == 8)
			expected = bench_colour(p[0]);
		if (depth == 15 || depth == 16) {
			uint32_t green = g << 3 | g >> 2;

			if (depth == 16)
				green = (v >> 5 & 63) << 2 | (v >> 5 & 63) >> 4;
			expected = (r << 3 | r >> 2) << 16 | green << 8 | (bl << 3 | bl >> 2);
		}
		assert_int_equal(bench_pixel(b, x, y), expected);
	}
}

static void test_depths(void **state)
{
	struct bench *b = *state;
	static const struct {
		uint8_t mode, hidden_dac, depth;
	} rows[] = {
		{ CIRRUS_DEPTH_8, 0x00, 8 },   { CIRRUS_DEPTH_16, 0xf0, 15 },
		{ CIRRUS_DEPTH_16, 0xe1, 16 }, { CIRRUS_DEPTH_16_DOUBLE_CLOCK, 0xc1, 16 },
		{ CIRRUS_DEPTH_24, 0xe5, 24 }, { CIRRUS_DEPTH_32, 0xc5, 32 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		packed_mode(b, rows[i].mode);
		write_hidden_dac(b, rows[i].hidden_dac);
		out_crtc(b, VGA_CRTC_OFFSET, 0x82);
		out_crtc(b, CIRRUS_CRTC_EXTENDED, CIRRUS_EXTENDED_WRAP | CIRRUS_EXTENDED_OFFSET_8);
		memset(b->dirty, 0xff, sizeof(b->dirty));
		bench_watch(b);
		bench_refresh(b);
		assert_int_equal(b->display.surface.width, 640);
		assert_line(b, 0, 0, rows[i].depth);
		assert_line(b, 199, 199 * 0x182 * 8, rows[i].depth);
		assert_line(b, 399, 399 * 0x182 * 8, rows[i].depth);
	}
}

static void test_start_address(void **state)
{
	struct bench *b = *state;

	packed_mode(b, CIRRUS_DEPTH_8);
	out_crtc(b, VGA_CRTC_OFFSET, 80);
	out_crtc(b, VGA_CRTC_START_HIGH, 0x12);
	out_crtc(b, VGA_CRTC_START_LOW, 0x34);
	out_crtc(b, CIRRUS_CRTC_EXTENDED, CIRRUS_EXTENDED_WRAP | CIRRUS_EXTENDED_START_16 | 0x08);
	bench_watch(b);
	bench_refresh(b);
	assert_line(b, 3, 0x51234 * 4 + 3 * 640, 8);
	out_crtc(b, CIRRUS_CRTC_OVERLAY, CIRRUS_OVERLAY_START_19);
	bench_refresh(b);
	assert_line(b, 3, 0xd1234 * 4 + 3 * 640, 8);
}

/* SeaBIOS leaves the screen-off bit set, Linux the sync off; power saving is by GRE. */
static void test_what_blanks_a_packed_mode(void **state)
{
	struct bench *b = *state;

	packed_mode(b, CIRRUS_DEPTH_8);
	out_seq(b, VGA_SEQ_CLOCKING, 0x21);
	out_crtc(b, VGA_CRTC_V_RETRACE_END, 0x20);
	out_crtc(b, VGA_CRTC_MODE, 0x03);
	bench_watch(b);
	bench_refresh(b);
	assert_line(b, 0, 0, 8);
	out_gfx(b, CIRRUS_GFX_POWER, 0x02);
	bench_refresh(b);
	assert_int_equal(bench_pixel(b, 0, 0) | bench_pixel(b, 300, 100), 0);
	out_gfx(b, CIRRUS_GFX_POWER, 0);
	bench_refresh(b);
	assert_line(b, 0, 0, 8);
}

static void test_blits_and_banked_writes_are_drawn(void **state)
{
	struct bench *b = *state;

	packed_mode(b, CIRRUS_DEPTH_8);
	bench_map_cirrus(b);
	out_crtc(b, VGA_CRTC_OFFSET, 80);
	bench_watch(b);
	bench_refresh(b);
	bench_refresh(b);
	assert_int_equal(b->damages, 0);
	poke8(b, 0xa0000 + 640 * 3 + 5, (uint8_t)~b->vram[640 * 3 + 5]);
	bench_refresh(b);
	assert_damage(b, 5, 3, 1, 1);
	memset(b->vram + 640 * 100, 7, 640);
	out_gfx(b, CIRRUS_GFX_FOREGROUND, 8);
	out_gfx(b, CIRRUS_GFX_BLT_WIDTH, 9);
	out_gfx(b, CIRRUS_GFX_BLT_DESTINATION, (640 * 100 + 20) & 0xff);
	out_gfx(b, CIRRUS_GFX_BLT_DESTINATION_1, (640 * 100 + 20) >> 8);
	out_gfx(b, CIRRUS_GFX_BLT_MODE, CIRRUS_BLT_PATTERN | CIRRUS_BLT_EXPAND);
	out_gfx(b, CIRRUS_GFX_BLT_EXTENSION, CIRRUS_BLT_SOLID);
	out_gfx(b, CIRRUS_GFX_BLT_ROP, CIRRUS_ROP_S);
	b->dirty[0] = 1ul << (640 * 100 / 4096);
	bench_refresh(b);
	out_gfx(b, CIRRUS_GFX_BLT_CONTROL, CIRRUS_BLT_START);
	bench_refresh(b);
	assert_damage(b, 20, 100, 10, 1);
	assert_int_equal(bench_pixel(b, 29, 100), bench_colour(8));
}

/* What the processor writes to a direct bank passes no function of ours. */
static void test_writes_to_a_direct_bank_are_drawn(void **state)
{
	struct bench *b = *state;

	packed_mode(b, CIRRUS_DEPTH_8);
	out_crtc(b, VGA_CRTC_OFFSET, 80);
	memset(b->vram, 0x77, CIRRUS_MEMORY_BYTES);
	make_bank_direct(b);
	bench_watch(b);
	bench_refresh(b);
	bench_refresh(b);
	assert_int_equal(b->damages, 0);
	b->vram[640 * 3 + 5] = 1;
	bench_refresh(b);
	assert_damage(b, 5, 3, 1, 1);
	b->vram[640 * 7 + 9] = 1;
	out_gfx(b, CIRRUS_GFX_BANK_0, 0x40);
	bench_refresh(b);
	assert_damage(b, 9, 7, 1, 1);
	b->vram[640 * 8] = 1; /* nobody could have */
	bench_refresh(b);
	assert_int_equal(b->damages, 0);
}

/* Cursor */

static void set_cursor_colour(struct bench *b, uint8_t index, uint8_t r, uint8_t g, uint8_t bl)
{
	out8(b, VGA_DAC_WRITE_INDEX, index);
	out8(b, VGA_DAC_DATA, r);
	out8(b, VGA_DAC_DATA, g);
	out8(b, VGA_DAC_DATA, bl);
}

static void start_cursor(struct bench *b, uint8_t size)
{
	packed_mode(b, CIRRUS_DEPTH_8);
	memset(b->vram, 3, 640 * 400);
	memset(b->vram + CIRRUS_MEMORY_BYTES - CIRRUS_CURSOR_AREA, 0, CIRRUS_CURSOR_AREA);
	out_crtc(b, VGA_CRTC_OFFSET, 80);
	out_seq(b, CIRRUS_SEQ_CURSOR, CIRRUS_CURSOR_COLOURS);
	set_cursor_colour(b, CIRRUS_CURSOR_BACKGROUND, 0x3f, 0, 0);
	set_cursor_colour(b, CIRRUS_CURSOR_FOREGROUND, 0, 0x3f, 0);
	out_seq(b, CIRRUS_SEQ_CURSOR, CIRRUS_CURSOR_ON | size);
}

static void test_cursor_32(void **state)
{
	struct bench *b = *state;
	uint8_t *pattern = b->vram + CIRRUS_MEMORY_BYTES - CIRRUS_CURSOR_AREA + 5 * 256;

	start_cursor(b, 0);
	out_seq(b, CIRRUS_SEQ_CURSOR_PATTERN, 5);
	out_seq(b, CIRRUS_SEQ_CURSOR_X | 3 << 5, 10); /* 83 */
	out_seq(b, CIRRUS_SEQ_CURSOR_Y | 7 << 5, 20); /* 167 */
	pattern[4] = 0xc0;                            /* line 1, plane 0: two dots */
	pattern[128 + 4] = 0xa0;
	bench_watch(b);
	bench_refresh(b);
	assert_int_equal(bench_pixel(b, 83, 168), 0x00ff00);
	assert_int_equal(bench_pixel(b, 84, 168), bench_colour(3) ^ 0xffffff);
	assert_int_equal(bench_pixel(b, 85, 168), 0xff0000);
	assert_int_equal(bench_pixel(b, 86, 168), bench_colour(3));
	assert_int_equal(bench_pixel(b, 83, 167), bench_colour(3));
	out_seq(b, CIRRUS_SEQ_CURSOR_X | 4 << 5, 10);
	bench_refresh(b);
	assert_damage(b, 83, 168, 4, 1);
	assert_int_equal(bench_pixel(b, 83, 168), bench_colour(3));
	assert_int_equal(bench_pixel(b, 84, 168), 0x00ff00);
	out_seq(b, CIRRUS_SEQ_CURSOR, 0);
	bench_refresh(b);
	assert_int_equal(bench_pixel(b, 84, 168), bench_colour(3));
}

static void test_cursor_64_at_the_edges(void **state)
{
	struct bench *b = *state;
	uint8_t *pattern = b->vram + CIRRUS_MEMORY_BYTES - CIRRUS_CURSOR_AREA + 0x3c * 256;

	start_cursor(b, CIRRUS_CURSOR_64);
	out_seq(b, CIRRUS_SEQ_CURSOR_PATTERN, 0xff);
	memset(pattern, 0xff, 1024);
	out_seq(b, CIRRUS_SEQ_CURSOR_X, 608 / 8);
	out_seq(b, CIRRUS_SEQ_CURSOR_Y, 392 / 8);
	bench_watch(b);
	bench_refresh(b);
	assert_int_equal(bench_pixel(b, 607, 399), bench_colour(3));
	assert_int_equal(bench_pixel(b, 608, 392), 0x00ff00);
	assert_int_equal(bench_pixel(b, 639, 399), 0x00ff00);
	out_seq(b, CIRRUS_SEQ_CURSOR_X | 7 << 5, 0xff);
	out_seq(b, CIRRUS_SEQ_CURSOR_Y | 7 << 5, 0xff);
	bench_refresh(b);
	assert_int_equal(bench_pixel(b, 639, 399), bench_colour(3));
}

/* The cursor's colours are apart from the others. */
static void test_cursor_colours(void **state)
{
	struct bench *b = *state;

	set_cursor_colour(b, 15, 1, 2, 3);
	out_seq(b, CIRRUS_SEQ_CURSOR, CIRRUS_CURSOR_COLOURS);
	set_cursor_colour(b, 0xff, 4, 5, 6);
	out8(b, VGA_DAC_READ_INDEX, 15);
	assert_int_equal(in8(b, VGA_DAC_DATA), 4);
	assert_int_equal(in8(b, VGA_DAC_DATA), 5);
	out_seq(b, CIRRUS_SEQ_CURSOR, 0);
	out8(b, VGA_DAC_READ_INDEX, 15);
	assert_int_equal(in8(b, VGA_DAC_DATA), 1);
}

static void test_vertical_retrace_by_the_card_s_clock(void **state)
{
	struct bench *b = *state;
	unsigned retraces = 0;
	bool before = true;

	/* 1024 x 768 as the VGA BIOS sets it: 65 MHz, 1344 dots, 805 lines: 60 Hz. */
	bench_set_mode(b, &mode_12);
	out8(b, VGA_MISC_WRITE, 0xef);
	out_seq(b, CIRRUS_SEQ_VCLK_NUMERATOR + 3, 0x76);
	out_seq(b, CIRRUS_SEQ_VCLK_DENOMINATOR + 3, 0x34);
	out_crtc(b, VGA_CRTC_V_RETRACE_END, 0x29);
	out_crtc(b, VGA_CRTC_H_TOTAL, 0xa3);
	out_crtc(b, VGA_CRTC_H_DISPLAY_END, 0x7f);
	out_crtc(b, VGA_CRTC_V_TOTAL, 0x24);
	out_crtc(b, VGA_CRTC_OVERFLOW, 0xf5);
	out_crtc(b, VGA_CRTC_V_RETRACE_START, 0x03);
	out_crtc(b, VGA_CRTC_V_DISPLAY_END, 0xff);
	for (unsigned i = 0; i < 10000; i++) { /* a second */
		bool now = in8(b, VGA_INPUT_STATUS_1) & VGA_STATUS_1_RETRACE;

		retraces += now && !before;
		before = now;
		clock_step_to(&b->clock, clock_now_ns(&b->clock) + 100 * NS_PER_US);
	}
	assert_in_range(retraces, 59, 61);
}

/* The monitor's wires, as a driver bangs them. */

static void drive(struct bench *b, unsigned clock, unsigned data)
{
	out_seq(b, CIRRUS_SEQ_DDC, (uint8_t)(0xfc | clock | data << 1));
}

static unsigned read_data(struct bench *b)
{
	return (in_seq(b, CIRRUS_SEQ_DDC) & CIRRUS_DDC_DATA_IN) != 0;
}

static unsigned clock_bit(struct bench *b, unsigned data)
{
	unsigned bit;

	drive(b, 0, data);
	drive(b, 1, data);
	assert_int_equal(in_seq(b, CIRRUS_SEQ_DDC) & CIRRUS_DDC_CLOCK_IN, CIRRUS_DDC_CLOCK_IN);
	bit = read_data(b);
	drive(b, 0, data);
	return bit;
}

static void i2c_start(struct bench *b)
{
	drive(b, 0, 1);
	drive(b, 1, 1);
	drive(b, 1, 0);
	drive(b, 0, 0);
}

static void i2c_stop(struct bench *b)
{
	drive(b, 0, 0);
	drive(b, 1, 0);
	drive(b, 1, 1);
}

/* True if it was acknowledged. */
static bool i2c_write(struct bench *b, uint8_t byte)
{
	for (unsigned i = 0; i < 8; i++)
		clock_bit(b, ((unsigned)byte >> (7 - i)) & 1u);
	return clock_bit(b, 1) == 0;
}

static uint8_t i2c_read(struct bench *b, bool last)
{
	uint8_t byte = 0;

	for (unsigned i = 0; i < 8; i++)
		byte = (uint8_t)((unsigned)byte << 1 | clock_bit(b, 1));
	clock_bit(b, last);
	return byte;
}

static void test_edid_over_ddc(void **state)
{
	struct bench *b = *state;
	uint8_t edid[EDID_BYTES];

	i2c_start(b);
	assert_true(i2c_write(b, 0xa0));
	assert_true(i2c_write(b, 0));
	i2c_start(b); /* again, without a stop */
	assert_true(i2c_write(b, 0xa1));
	for (unsigned i = 0; i < EDID_BYTES; i++)
		edid[i] = i2c_read(b, i == EDID_BYTES - 1);
	i2c_stop(b);
	assert_memory_equal(edid, b->cirrus.edid, EDID_BYTES);
	assert_int_equal(edid[1], 0xff);
	i2c_start(b);
	assert_true(i2c_write(b, 0xa0));
	assert_true(i2c_write(b, 0x12));
	i2c_start(b);
	assert_true(i2c_write(b, 0xa1));
	assert_int_equal(i2c_read(b, true), edid[0x12]);
	i2c_stop(b);
	i2c_start(b);
	assert_false(i2c_write(b, 0xa2)); /* nobody */
	i2c_stop(b);
}

/* State */

static void fill_state(struct bench *b)
{
	packed_mode(b, CIRRUS_DEPTH_16);
	bench_map_cirrus(b);
	write_hidden_dac(b, 0xe1);
	in8(b, VGA_PEL_MASK);
	start_cursor(b, 0);
	out_seq(b, CIRRUS_SEQ_CURSOR_X | 3 << 5, 10);
	i2c_start(b);
	i2c_write(b, 0xa0);
	out_gfx(b, CIRRUS_GFX_BLT_WIDTH, 63);
	out_gfx(b, CIRRUS_GFX_BLT_HEIGHT, 3);
	out_gfx(b, CIRRUS_GFX_BLT_MODE, CIRRUS_BLT_FROM_SYSTEM);
	out_gfx(b, CIRRUS_GFX_BLT_ROP, CIRRUS_ROP_S);
	out_gfx(b, CIRRUS_GFX_BLT_CONTROL, CIRRUS_BLT_START);
	io_write(&b->memory, BENCH_LFB, 0x44332211, 4);
}

static void test_state_is_saved_within_a_blit(void **state)
{
	struct bench *b = *state, *other = bench_create_cirrus();
	struct device_list list, other_list;
	struct state_writer writer;

	assert_int_equal(state_find_gap(b->device->class->table), -1);
	device_list_init(&list);
	device_list_init(&other_list);
	device_add(&list, b->device);
	device_add(&other_list, other->device);
	fill_state(b);
	state_writer_init(&writer);
	device_save_all(&list, &writer);
	assert_int_equal(device_load_all(&other_list, writer.bytes, writer.length, NULL), 0);
	assert_memory_equal(&other->cirrus.state, &b->cirrus.state, sizeof(b->cirrus.state));
	assert_non_null(other->cirrus.trapped.space);
	memset(other->vram, 0, CIRRUS_MEMORY_BYTES);
	for (unsigned i = 4; i < 64; i += 4)
		io_write(&other->memory, BENCH_LFB, 0x88776655, 4);
	assert_int_equal(load_le64(other->vram), 0x8877665544332211);
	state_writer_finish(&writer);
	bench_destroy(other);
}

static void assert_refused(struct bench *b)
{
	struct err err = { .text = "" };

	assert_int_equal(b->device->class->after_load(b->device->self, &err), -EINVAL);
	assert_true(err.text[0]);
	b->device->class->reset(b->device->self);
	fill_state(b);
	assert_int_equal(b->device->class->after_load(b->device->self, NULL), 0);
}

static void test_impossible_states_are_refused(void **state)
{
	struct bench *b = *state;
	struct cirrus_state *s = &b->cirrus.state;

	fill_state(b);
	s->job.bytes = CIRRUS_BLT_MAX_BYTES + 1;
	assert_refused(b);
	s->job.bytes = 0;
	assert_refused(b);
	s->job.lines = CIRRUS_BLT_MAX_LINES + 1;
	assert_refused(b);
	s->job.have = s->job.line_bytes;
	assert_refused(b);
	s->job.line_bytes++;
	assert_refused(b);
	s->job.pattern_line = 8;
	assert_refused(b);
	s->job.mode |= CIRRUS_BLT_TO_SYSTEM;
	assert_refused(b);
	s->job.mode = 0;
	assert_refused(b);
	s->gfx[CIRRUS_GFX_BLT_WIDTH_1] = 0x20;
	assert_refused(b);
	s->seq[CIRRUS_SEQ_KEY] = 0;
	assert_refused(b);
	s->cursor_x_low = 8;
	assert_refused(b);
	s->hidden_dac_reads = 5;
	assert_refused(b);
	s->ddc.phase = DDC_PHASES;
	assert_refused(b);
	s->ddc.bits = 10;
	assert_refused(b);
}

static void test_reset_ends_everything(void **state)
{
	struct bench *b = *state;

	fill_state(b);
	b->device->class->reset(b->device->self);
	assert_int_equal(b->cirrus.state.job.lines, 0);
	assert_int_equal(in_seq(b, CIRRUS_SEQ_MODE), 0);
	assert_null(io_find(&b->memory, BENCH_LFB));
	assert_true(b->cirrus.parts[CIRRUS_PART_DIRECT].on);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CIRRUS_TEST(test_pci_identity_and_bars),
		CIRRUS_TEST(test_memory_sizes),
		CIRRUS_TEST(test_there_is_no_dispi),
		CIRRUS_TEST(test_key_reads_back),
		CIRRUS_TEST(test_power_on_registers),
		CIRRUS_TEST(test_standard_registers_pass),
		CIRRUS_TEST(test_crtc_readbacks),
		CIRRUS_TEST(test_hidden_dac),
		CIRRUS_TEST(test_ports_in_bar_1),
		CIRRUS_TEST(test_banks),
		CIRRUS_TEST(test_a_bank_becomes_direct),
		CIRRUS_TEST(test_two_banks_become_direct),
		CIRRUS_TEST(test_banks_that_change_often_stay_trapped),
		CIRRUS_TEST(test_banks_need_memory_in_pieces),
		CIRRUS_TEST(test_what_ends_a_direct_bank),
		CIRRUS_TEST(test_a_direct_bank_is_saved),
		CIRRUS_TEST(test_extended_write_modes),
		CIRRUS_TEST(test_apertures_swap_bytes),
		CIRRUS_TEST(test_blitter_registers_in_memory),
		cmocka_unit_test(test_more_memory_than_the_chip_has),
		CIRRUS_TEST(test_depths),
		CIRRUS_TEST(test_start_address),
		CIRRUS_TEST(test_what_blanks_a_packed_mode),
		CIRRUS_TEST(test_blits_and_banked_writes_are_drawn),
		CIRRUS_TEST(test_writes_to_a_direct_bank_are_drawn),
		CIRRUS_TEST(test_cursor_32),
		CIRRUS_TEST(test_cursor_64_at_the_edges),
		CIRRUS_TEST(test_cursor_colours),
		CIRRUS_TEST(test_vertical_retrace_by_the_card_s_clock),
		CIRRUS_TEST(test_edid_over_ddc),
		CIRRUS_TEST(test_state_is_saved_within_a_blit),
		CIRRUS_TEST(test_impossible_states_are_refused),
		CIRRUS_TEST(test_reset_ends_everything),
	};

	return cmocka_run_group_tests_name("cirrus", tests, NULL, NULL);
}
