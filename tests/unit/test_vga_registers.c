// SPDX-License-Identifier: GPL-2.0-or-later
/* Register files and ports of the VGA; saved state. */
#include "vga_bench.h"

#include "vga/vbe.h"

static void test_reset_values(void **state)
{
	struct bench *b = *state;

	assert_int_equal(in8(b, VGA_PEL_MASK), 0xff);
	assert_int_equal(in8(b, VGA_MISC_READ), 0);
	assert_int_equal(in_vbe(b, VBE_ID), 0xb0c5);
	assert_int_equal(in_vbe(b, VBE_ENABLE), 0);
	assert_int_equal(in8(b, VGA_INPUT_STATUS_0) & VGA_STATUS_0_SENSE, VGA_STATUS_0_SENSE);
}

static void test_misc_output_moves_crtc(void **state)
{
	struct bench *b = *state;

	out8(b, VGA_MISC_WRITE, VGA_MISC_COLOUR);
	assert_int_equal(in8(b, VGA_MISC_READ), VGA_MISC_COLOUR);
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_OFFSET, 0x28);
	out_indexed(b, VGA_CRTC_INDEX_MONO, VGA_CRTC_OFFSET, 0x11);
	assert_int_equal(in_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_OFFSET), 0x28);
	assert_int_equal(in8(b, VGA_CRTC_DATA_MONO), 0xff);
	assert_int_equal(in8(b, VGA_INPUT_STATUS_1_MONO), 0xff);
	out8(b, VGA_MISC_WRITE, 0);
	assert_int_equal(in8(b, VGA_CRTC_DATA), 0xff);
	assert_int_equal(in_indexed(b, VGA_CRTC_INDEX_MONO, VGA_CRTC_OFFSET), 0x28);
	out8(b, VGA_FEATURE_WRITE_MONO, 0x03);
	assert_int_equal(in8(b, VGA_FEATURE_READ), 0x03);
}

static void test_unused_bits_and_indices(void **state)
{
	struct bench *b = *state;
	static const uint8_t seq[] = { 0x03, 0x3d, 0x0f, 0x3f, 0x0e };
	static const uint8_t gfx[] = { 0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff };

	for (uint8_t i = 0; i < sizeof(seq); i++) {
		out_indexed(b, VGA_SEQUENCER_INDEX, i, 0xff);
		assert_int_equal(in_indexed(b, VGA_SEQUENCER_INDEX, i), seq[i]);
	}
	for (uint8_t i = 0; i < sizeof(gfx); i++) {
		out_indexed(b, VGA_GRAPHICS_INDEX, i, 0xff);
		assert_int_equal(in_indexed(b, VGA_GRAPHICS_INDEX, i), gfx[i]);
	}
	out8(b, VGA_MISC_WRITE, VGA_MISC_COLOUR);
	out_indexed(b, VGA_SEQUENCER_INDEX, 7, 0x55);
	assert_int_equal(in8(b, VGA_SEQUENCER_DATA), 0xff);
	out_indexed(b, VGA_CRTC_INDEX, 0x3e, 0x55);
	assert_int_equal(in8(b, VGA_CRTC_DATA), 0xff);
	out_attr(b, 0x1f, 0x55);
	assert_int_equal(in8(b, VGA_ATTRIBUTE_DATA), 0xff);
}

static void test_crtc_protection_spares_line_compare(void **state)
{
	struct bench *b = *state;

	out8(b, VGA_MISC_WRITE, VGA_MISC_COLOUR);
	for (uint8_t i = 0; i < 8; i++)
		out_indexed(b, VGA_CRTC_INDEX, i, 0x00);
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_V_RETRACE_END, VGA_V_RETRACE_PROTECT);
	for (uint8_t i = 0; i < 8; i++) {
		out_indexed(b, VGA_CRTC_INDEX, i, 0xff);
		assert_int_equal(in8(b, VGA_CRTC_DATA), i == VGA_CRTC_OVERFLOW ? 0x10 : 0x00);
	}
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_MAX_SCAN, 0x4f);
	assert_int_equal(in8(b, VGA_CRTC_DATA), 0x4f);
}

static void test_attribute_flip_flop(void **state)
{
	struct bench *b = *state;

	out8(b, VGA_MISC_WRITE, VGA_MISC_COLOUR);
	in8(b, VGA_INPUT_STATUS_1);
	out8(b, VGA_ATTRIBUTE_INDEX, 0x05);
	out8(b, VGA_ATTRIBUTE_INDEX, 0xff);
	out8(b, VGA_ATTRIBUTE_INDEX, 0x06);
	out8(b, VGA_ATTRIBUTE_INDEX, 0x21);
	out8(b, VGA_ATTRIBUTE_INDEX, 0x05);
	assert_int_equal(in8(b, VGA_ATTRIBUTE_INDEX), 0x05);
	assert_int_equal(in8(b, VGA_ATTRIBUTE_DATA), 0x3f);
	in8(b, VGA_INPUT_STATUS_1); /* the index is next again */
	out8(b, VGA_ATTRIBUTE_INDEX, 0x26);
	assert_int_equal(in8(b, VGA_ATTRIBUTE_INDEX), 0x26);
	assert_int_equal(in8(b, VGA_ATTRIBUTE_DATA), 0x21);
}

static void test_peek_leaves_flip_flop_and_dac(void **state)
{
	struct bench *b = *state;

	out8(b, VGA_MISC_WRITE, VGA_MISC_COLOUR);
	in8(b, VGA_INPUT_STATUS_1);
	out8(b, VGA_ATTRIBUTE_INDEX, 0x05);
	io_peek(&b->ports, VGA_INPUT_STATUS_1, 1);
	out8(b, VGA_ATTRIBUTE_INDEX, 0x15); /* still data */
	assert_int_equal(in8(b, VGA_ATTRIBUTE_DATA), 0x15);
	bench_set_dac(b);
	out8(b, VGA_DAC_READ_INDEX, 9);
	assert_int_equal(io_peek(&b->ports, VGA_DAC_DATA, 1), 9);
	assert_int_equal(in8(b, VGA_DAC_DATA), 9);
	assert_int_equal(in8(b, VGA_DAC_DATA), 63);
}

static void test_dac_takes_and_gives_triples(void **state)
{
	struct bench *b = *state;

	out8(b, VGA_DAC_WRITE_INDEX, 0xff);
	assert_int_equal(in8(b, VGA_DAC_STATE), VGA_DAC_WRITING);
	for (unsigned i = 0; i < 6; i++)
		out8(b, VGA_DAC_DATA, (uint8_t)(0xc1 + i));
	assert_int_equal(in8(b, VGA_DAC_WRITE_INDEX), 1); /* wrapped */
	out8(b, VGA_DAC_DATA, 0x3f);                      /* never completed */
	out8(b, VGA_DAC_READ_INDEX, 0xff);
	assert_int_equal(in8(b, VGA_DAC_STATE), VGA_DAC_READING);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(in8(b, VGA_DAC_DATA), 1 + i);
	assert_int_equal(in8(b, VGA_DAC_DATA), 0);
}

static void test_dac_of_8_bits(void **state)
{
	struct bench *b = *state;

	out_vbe(b, VBE_ENABLE, VBE_8_BIT_DAC);
	out8(b, VGA_DAC_WRITE_INDEX, 1);
	for (unsigned i = 0; i < 3; i++)
		out8(b, VGA_DAC_DATA, 0xab);
	out8(b, VGA_DAC_READ_INDEX, 1);
	assert_int_equal(in8(b, VGA_DAC_DATA), 0xab);
}

/* Polls until the masked status is 'wanted'; the time that took. */
static int64_t wait_status(struct bench *b, uint8_t mask, uint8_t wanted, int64_t step_ns)
{
	for (unsigned i = 0; i < 100000; i++) {
		if ((in8(b, VGA_INPUT_STATUS_1) & mask) == wanted)
			return clock_now_ns(&b->clock);
		clock_step_to(&b->clock, clock_now_ns(&b->clock) + step_ns);
	}
	fail_msg("the status never came");
	return 0;
}

static void test_retrace_comes_70_times_a_second(void **state)
{
	struct bench *b = *state;
	int64_t first, second;

	bench_set_mode(b, &mode_3);
	clock_step_to(&b->clock, NS_PER_SECOND);
	wait_status(b, VGA_STATUS_1_RETRACE, 0, 5000);
	first = wait_status(b, VGA_STATUS_1_RETRACE, VGA_STATUS_1_RETRACE, 5000);
	wait_status(b, VGA_STATUS_1_RETRACE, 0, 5000);
	second = wait_status(b, VGA_STATUS_1_RETRACE, VGA_STATUS_1_RETRACE, 5000);
	assert_in_range(second - first, NS_PER_SECOND / 71, NS_PER_SECOND / 69);
}

static void test_display_is_blanked_part_of_each_line(void **state)
{
	struct bench *b = *state;
	unsigned blank = 0;

	bench_set_mode(b, &mode_12);
	clock_step_to(&b->clock, NS_PER_SECOND);
	wait_status(b, VGA_STATUS_1_RETRACE, VGA_STATUS_1_RETRACE, 5000);
	clock_step_to(&b->clock, clock_now_ns(&b->clock) + 3 * NS_PER_MS);
	for (unsigned i = 0; i < 1000; i++) {
		clock_step_to(&b->clock, clock_now_ns(&b->clock) + 1009);
		blank += in8(b, VGA_INPUT_STATUS_1) & VGA_STATUS_1_NO_DISPLAY;
	}
	assert_in_range(blank, 150, 250);
}

static void test_retrace_comes_while_time_stands_still(void **state)
{
	struct bench *b = *state;

	out8(b, VGA_MISC_WRITE, VGA_MISC_COLOUR); /* no timing set */
	for (unsigned round = 0; round < 3; round++) {
		wait_status(b, VGA_STATUS_1_RETRACE, VGA_STATUS_1_RETRACE, 0);
		wait_status(b, VGA_STATUS_1_RETRACE, 0, 0);
	}
}

static void test_state_is_covered_saved_and_loaded(void **state)
{
	struct bench *b = *state, *other = bench_create();
	struct state_writer writer;
	struct device_list list, other_list;

	assert_int_equal(state_find_gap(&vga_state_table), -1);
	device_list_init(&list);
	device_list_init(&other_list);
	device_add(&list, &b->card.device);
	device_add(&other_list, &other->card.device);
	bench_set_mode(b, &mode_12);
	bench_map_bars(b);
	out_vbe(b, VBE_XRES, 800);
	out_vbe(b, VBE_YRES, 600);
	out_vbe(b, VBE_BPP, 8);
	out_vbe(b, VBE_ENABLE, VBE_ENABLED | VBE_LINEAR);
	out8(b, VGA_DAC_READ_INDEX, 5);
	in8(b, VGA_DAC_DATA);
	state_writer_init(&writer);
	device_save_all(&list, &writer);
	assert_false(writer.failed);
	assert_int_equal(device_load_all(&other_list, writer.bytes, writer.length, NULL), 0);
	assert_memory_equal(&b->card.state, &other->card.state, sizeof(b->card.state));
	assert_memory_equal(&b->card.vga.map, &other->card.vga.map, sizeof(b->card.vga.map));
	assert_non_null(io_find(&other->memory, BENCH_LFB));
	state_writer_finish(&writer);
	device_remove(&b->card.device);
	device_remove(&other->card.device);
	bench_destroy(other);
}

static void test_impossible_states_are_refused(void **state)
{
	struct bench *b = *state;
	struct vga *vga = &b->card.vga;
	struct vga_state good;

	bench_set_mode(b, &mode_12);
	out_vbe(b, VBE_XRES, 640);
	out_vbe(b, VBE_YRES, 480);
	out_vbe(b, VBE_BPP, 16);
	out_vbe(b, VBE_ENABLE, VBE_ENABLED);
	good = *vga->state;
	assert_int_equal(vga_after_load(vga, NULL), 0);
#define REFUSED(member, value)                                      \
	do {                                                        \
		*vga->state = good;                                 \
		vga->state->member = (value);                       \
		assert_int_not_equal(vga_after_load(vga, NULL), 0); \
	} while (0)
	REFUSED(gfx[VGA_GFX_SET_RESET], 0x10);
	REFUSED(gfx[VGA_GFX_READ_MAP], 4);
	REFUSED(seq[VGA_SEQ_MAP_MASK], 0x1f);
	REFUSED(attr[0], 0x40);
	REFUSED(attr_index, 0x40);
	REFUSED(dac_component, 3);
	REFUSED(dac_state, 1);
	REFUSED(vbe[VBE_XRES], 2561);
	REFUSED(vbe[VBE_BPP], 7);
	REFUSED(vbe[VBE_Y_OFFSET], 0xffff);
	REFUSED(vbe[VBE_VIRT_WIDTH], 639);
	REFUSED(vbe[VBE_BANK], 16);
	REFUSED(vbe[VBE_ID], 0);
	*vga->state = good;
	assert_int_equal(vga_after_load(vga, NULL), 0);
}

static bool ext_read(void *opaque, enum vga_register_file file, uint8_t index, uint8_t *value)
{
	if (file != VGA_FILE_SEQUENCER || index != 6)
		return false;
	*value = *(uint8_t *)opaque;
	return true;
}

static bool ext_write(void *opaque, enum vga_register_file file, uint8_t index, uint8_t value)
{
	if (file != VGA_FILE_SEQUENCER || index != 6)
		return false;
	*(uint8_t *)opaque = value;
	return true;
}

static void test_extension_registers(void **state)
{
	struct bench *b = *state;
	uint8_t unlock = 0;

	b->card.vga.ext =
		(struct vga_ext){ .opaque = &unlock, .read = ext_read, .write = ext_write };
	out_indexed(b, VGA_SEQUENCER_INDEX, 6, 0x12);
	assert_int_equal(unlock, 0x12);
	assert_int_equal(in_indexed(b, VGA_SEQUENCER_INDEX, 6), 0x12);
	out_indexed(b, VGA_SEQUENCER_INDEX, 2, 0x0f);
	assert_int_equal(in_indexed(b, VGA_SEQUENCER_INDEX, 2), 0x0f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(test_reset_values),
		BENCH_TEST(test_misc_output_moves_crtc),
		BENCH_TEST(test_unused_bits_and_indices),
		BENCH_TEST(test_crtc_protection_spares_line_compare),
		BENCH_TEST(test_attribute_flip_flop),
		BENCH_TEST(test_peek_leaves_flip_flop_and_dac),
		BENCH_TEST(test_dac_takes_and_gives_triples),
		BENCH_TEST(test_dac_of_8_bits),
		BENCH_TEST(test_retrace_comes_70_times_a_second),
		BENCH_TEST(test_display_is_blanked_part_of_each_line),
		BENCH_TEST(test_retrace_comes_while_time_stands_still),
		BENCH_TEST(test_state_is_covered_saved_and_loaded),
		BENCH_TEST(test_impossible_states_are_refused),
		BENCH_TEST(test_extension_registers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
