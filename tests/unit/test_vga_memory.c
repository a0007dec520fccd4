// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The window at a0000 against a reference that follows the text of the IBM manual bit by bit, plane
 * by plane, without any of the card's shortcuts.
 */
#include "vga_bench.h"

static uint8_t reference[BENCH_VRAM];
static uint8_t latches[4];

/* The registers as the test last wrote them. */
static struct {
	uint8_t seq[VGA_SEQ_COUNT], gfx[VGA_GFX_COUNT];
	uint32_t bank;
	bool linear;
} regs;

static bool map_address(uint32_t offset, uint32_t *address)
{
	static const uint32_t first[4] = { 0, 0, 0x10000, 0x18000 };
	static const uint32_t last[4] = { 0x1ffff, 0xffff, 0x17fff, 0x1ffff };
	unsigned map = regs.linear ? 1u : regs.gfx[VGA_GFX_MISC] >> 2 & 3;

	*address = offset - first[map] + regs.bank;
	return offset >= first[map] && offset <= last[map];
}

static unsigned alu(unsigned data, unsigned latch)
{
	switch (regs.gfx[VGA_GFX_ROTATE] >> 3 & 3) {
	case 1:
		return data & latch;
	case 2:
		return data | latch;
	case 3:
		return data ^ latch;
	default:
		return data;
	}
}

/* One bit of one plane, as the data path makes it. */
static unsigned path_bit(uint8_t value, unsigned plane, unsigned bit)
{
	unsigned rotation = regs.gfx[VGA_GFX_ROTATE] & 7;
	unsigned rotated = value >> ((bit + rotation) % 8) & 1;
	unsigned set = regs.gfx[VGA_GFX_SET_RESET] >> plane & 1;
	unsigned enable = regs.gfx[VGA_GFX_ENABLE_SET_RESET] >> plane & 1;
	unsigned mask = regs.gfx[VGA_GFX_BIT_MASK] >> bit & 1;
	unsigned latch = latches[plane] >> bit & 1;

	switch (regs.gfx[VGA_GFX_MODE] & 3) {
	case 0:
		return mask ? alu(enable ? set : rotated, latch) : latch;
	case 1:
		return latch;
	case 2:
		return mask ? alu(value >> plane & 1, latch) : latch;
	default:
		return mask & rotated ? alu(set, latch) : latch;
	}
}

static void reference_write_planes(uint32_t address, uint8_t value, unsigned planes)
{
	for (unsigned plane = 0; plane < 4; plane++) {
		uint8_t *byte = &reference[(address * 4 + plane) % BENCH_VRAM];
		unsigned result = 0;

		for (unsigned bit = 0; bit < 8; bit++)
			result |= path_bit(value, plane, bit) << bit;
		if (planes & regs.seq[VGA_SEQ_MAP_MASK] & 1u << plane)
			*byte = (uint8_t)result;
	}
}

static void reference_write(uint32_t offset, uint8_t value)
{
	uint32_t address;

	if (!map_address(offset, &address))
		return;
	if (regs.linear)
		reference[address % BENCH_VRAM] = value;
	else if (regs.seq[VGA_SEQ_MEMORY_MODE] & VGA_MEMORY_CHAIN_4)
		reference_write_planes(address / 4, value, 1u << address % 4);
	else if (!(regs.seq[VGA_SEQ_MEMORY_MODE] & VGA_MEMORY_SEQUENTIAL))
		reference_write_planes(address / 2, value, address % 2 ? 0xau : 0x5u);
	else
		reference_write_planes(address, value, 0xf);
}

static uint8_t reference_read(uint32_t offset)
{
	uint32_t address;
	unsigned plane = regs.gfx[VGA_GFX_READ_MAP], result = 0;

	if (!map_address(offset, &address))
		return 0xff;
	if (regs.linear)
		return reference[address % BENCH_VRAM];
	if (regs.seq[VGA_SEQ_MEMORY_MODE] & VGA_MEMORY_CHAIN_4) {
		plane = address % 4;
		address /= 4;
	} else if (regs.gfx[VGA_GFX_MODE] & VGA_MODE_ODD_EVEN) {
		plane = (plane & 2u) + address % 2;
		address /= 2;
	}
	for (unsigned i = 0; i < 4; i++)
		latches[i] = reference[(address * 4 + i) % BENCH_VRAM];
	if (!(regs.gfx[VGA_GFX_MODE] & VGA_MODE_READ_COMPARE))
		return latches[plane];
	for (unsigned bit = 0; bit < 8; bit++) {
		unsigned colour = 0;

		for (unsigned i = 0; i < 4; i++)
			colour |= ((unsigned)latches[i] >> bit & 1) << i;
		if (((colour ^ regs.gfx[VGA_GFX_COLOUR_COMPARE]) &
		     regs.gfx[VGA_GFX_COLOUR_DONT_CARE]) == 0)
			result |= 1u << bit;
	}
	return (uint8_t)result;
}

static void set_seq(struct bench *b, uint8_t index, uint8_t value)
{
	regs.seq[index] = value;
	out_indexed(b, VGA_SEQUENCER_INDEX, index, value);
}

static void set_gfx(struct bench *b, uint8_t index, uint8_t value)
{
	regs.gfx[index] = value;
	out_indexed(b, VGA_GRAPHICS_INDEX, index, value);
}

static unsigned pick(unsigned count)
{
	return (unsigned)rand() % count;
}

static void random_registers(struct bench *b)
{
	static const uint8_t memory_modes[] = { 0x00, 0x02, 0x04, 0x06, 0x08, 0x0e };

	set_seq(b, VGA_SEQ_MAP_MASK, pick(3) ? 0x0f : (uint8_t)pick(16));
	set_seq(b, VGA_SEQ_MEMORY_MODE, memory_modes[pick(6)]);
	set_gfx(b, VGA_GFX_SET_RESET, (uint8_t)pick(16));
	set_gfx(b, VGA_GFX_ENABLE_SET_RESET, pick(2) ? 0 : (uint8_t)pick(16));
	set_gfx(b, VGA_GFX_COLOUR_COMPARE, (uint8_t)pick(16));
	set_gfx(b, VGA_GFX_ROTATE, pick(2) ? 0 : (uint8_t)pick(32));
	set_gfx(b, VGA_GFX_READ_MAP, (uint8_t)pick(4));
	set_gfx(b, VGA_GFX_MODE, (uint8_t)((pick(2) ? 0u : pick(4)) | pick(4) << 3));
	set_gfx(b, VGA_GFX_MISC, (uint8_t)(pick(4) << 2));
	set_gfx(b, VGA_GFX_COLOUR_DONT_CARE, (uint8_t)pick(16));
	set_gfx(b, VGA_GFX_BIT_MASK, pick(2) ? 0xff : (uint8_t)rand());
}

/* Accesses crowd around the edges of the maps. */
static uint32_t random_offset(void)
{
	static const uint32_t edges[] = { 0, 0xfff8, 0x10000, 0x17ff8, 0x18000, 0x1fff0 };

	return edges[pick(6)] + pick(9);
}

static void random_access(struct bench *b)
{
	uint32_t offset = random_offset();
	unsigned size = 1u << pick(4);
	uint64_t value = (uint64_t)rand() << 40 ^ (uint64_t)rand() << 20 ^ (uint64_t)rand();

	if (offset + size > VGA_WINDOW_BYTES)
		return;
	if (pick(2)) {
		io_write(&b->memory, VGA_WINDOW_BASE + offset, value, size);
		for (unsigned i = 0; i < size; i++)
			reference_write(offset + i, (uint8_t)(value >> (8 * i)));
	} else {
		uint64_t read = io_read(&b->memory, VGA_WINDOW_BASE + offset, size);

		for (unsigned i = 0; i < size; i++)
			assert_int_equal(reference_read(offset + i), read >> (8 * i) & 0xff);
	}
}

static void compare_with_reference(struct bench *b, unsigned rounds)
{
	for (unsigned round = 0; round < rounds; round++) {
		random_registers(b);
		for (unsigned i = 0; i < 40; i++)
			random_access(b);
		assert_memory_equal(latches, b->card.state.vga.latches, 4);
	}
	assert_memory_equal(reference, b->vram, BENCH_VRAM);
}

static void start(struct bench *b)
{
	memset(&regs, 0, sizeof(regs));
	memset(latches, 0, sizeof(latches));
	for (unsigned i = 0; i < BENCH_VRAM; i++)
		reference[i] = b->vram[i] = (uint8_t)rand();
	out8(b, VGA_MISC_WRITE, VGA_MISC_COLOUR | VGA_MISC_RAM_ENABLE);
}

static void test_data_path_as_the_reference(void **state)
{
	start(*state);
	compare_with_reference(*state, 3000);
}

static void set_bank(struct bench *b, uint16_t bank)
{
	out_vbe(b, VBE_BANK, bank);
	regs.bank = bank * 0x10000u;
}

static void enable_vbe(struct bench *b, uint16_t bpp)
{
	out_vbe(b, VBE_XRES, 640);
	out_vbe(b, VBE_YRES, 480);
	out_vbe(b, VBE_BPP, bpp);
	out_vbe(b, VBE_ENABLE, VBE_ENABLED | VBE_NO_CLEAR);
}

static void test_linear_banks_as_the_reference(void **state)
{
	start(*state);
	enable_vbe(*state, 8);
	regs.linear = true;
	for (uint16_t bank = 0; bank < 16; bank++) {
		set_bank(*state, bank);
		compare_with_reference(*state, 20);
	}
}

static void test_planar_banks_wrap_in_memory(void **state)
{
	start(*state);
	enable_vbe(*state, 4);
	for (uint16_t bank = 0; bank < 16; bank += 3) {
		set_bank(*state, bank);
		compare_with_reference(*state, 50);
	}
}

static void test_memory_can_be_switched_off(void **state)
{
	struct bench *b = *state;

	start(b);
	set_gfx(b, VGA_GFX_MISC, 0x04);
	set_seq(b, VGA_SEQ_MAP_MASK, 0x0f);
	out8(b, VGA_MISC_WRITE, VGA_MISC_COLOUR);
	poke8(b, 0xa0000, (uint8_t)~b->vram[0]);
	assert_int_equal(peek8(b, 0xa0000), 0xff);
	assert_memory_equal(reference, b->vram, BENCH_VRAM);
}

static void test_peek_leaves_latches(void **state)
{
	struct bench *b = *state;

	start(b);
	set_seq(b, VGA_SEQ_MEMORY_MODE, 0x06);
	peek8(b, 0xa0010);
	memcpy(latches, b->card.state.vga.latches, 4);
	assert_int_equal(io_peek(&b->memory, 0xa0020, 1), b->vram[0x80]);
	assert_memory_equal(latches, b->card.state.vga.latches, 4);
	assert_memory_equal(latches, b->vram + 0x40, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(test_data_path_as_the_reference),
		BENCH_TEST(test_linear_banks_as_the_reference),
		BENCH_TEST(test_planar_banks_wrap_in_memory),
		BENCH_TEST(test_memory_can_be_switched_off),
		BENCH_TEST(test_peek_leaves_latches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
