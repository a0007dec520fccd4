// SPDX-License-Identifier: GPL-2.0-or-later
/* The host bridge against chapter 3 of the 82441FX data sheet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "hw/i440fx.h"
#include "hw/i440fx_regs.h"
#include "tests/lib/chip_bench.h"

enum {
	CONFADD = 0xcf8,
	CONFDATA = 0xcfc,
	RESET_PORT = 0xcf9,
};

struct pam_note {
	unsigned calls, segment;
	uint64_t base, bytes;
	bool read_ram, write_ram;
};

struct fixture {
	struct chip_bench *bench;
	struct i440fx bridge;
	struct pam_note pam;
	uint8_t reset_control;
};

static void note_pam(void *opaque, unsigned segment, uint64_t base, uint64_t bytes, bool read_ram,
		     bool write_ram)
{
	struct fixture *f = opaque;

	f->pam = (struct pam_note){ f->pam.calls + 1, segment, base, bytes, read_ram, write_ram };
}

static uint8_t read_reset_control(void *opaque)
{
	return ((struct fixture *)opaque)->reset_control;
}

static void write_reset_control(void *opaque, uint8_t value)
{
	((struct fixture *)opaque)->reset_control = value;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct i440fx_wires wires;
	struct err err;

	f->bench = bench_create(NULL);
	wires = (struct i440fx_wires){
		.bus = &f->bench->bus,
		.ports = &f->bench->ports,
		.power = &f->bench->power,
		.reset_control = { f, read_reset_control, write_reset_control },
		.ram_bytes = UINT64_C(320) << 20,
		.pam_changed = note_pam,
		.pam_opaque = f,
	};
	assert_int_equal(i440fx_init(&f->bridge, &wires, &err), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	f->bridge.device.class->finish(&f->bridge);
	assert_int_equal(f->bench->ports.count, 0);
	bench_destroy(f->bench);
	free(f);
	return 0;
}

static void select_register(struct fixture *f, unsigned devfn, unsigned offset)
{
	bench_out32(f->bench, CONFADD, 0x80000000u | devfn << 8 | (offset & 0xfc));
}

static uint32_t get(struct fixture *f, unsigned offset, unsigned size)
{
	select_register(f, 0, offset);
	return (uint32_t)io_read(&f->bench->ports, CONFDATA + (offset & 3), size);
}

static void set(struct fixture *f, unsigned offset, uint32_t value, unsigned size)
{
	select_register(f, 0, offset);
	io_write(&f->bench->ports, CONFDATA + (offset & 3), value, size);
}

static void test_defaults(void **state)
{
	static const struct {
		unsigned offset, size;
		uint32_t value;
	} rows[] = {
		{ 0x00, 2, 0x8086 }, { 0x02, 2, 0x1237 },     { 0x04, 2, 0x0006 },
		{ 0x06, 2, 0x0280 }, { 0x08, 1, 0x02 },       { 0x09, 1, 0x00 },
		{ 0x0a, 2, 0x0600 }, { 0x0d, 1, 0x00 },       { 0x0e, 1, 0x00 },
		{ 0x0f, 1, 0x00 },   { 0x2c, 4, 0x11001af4 }, { 0x50, 2, 0 },
		{ 0x52, 1, 0x00 },   { 0x53, 1, 0x80 },       { 0x54, 1, 0x00 },
		{ 0x55, 2, 0x0000 }, { 0x57, 1, 0x01 },       { 0x58, 1, 0x10 },
		{ 0x59, 1, 0x00 },   { 0x5a, 2, 0x0000 },     { 0x5c, 4, 0 },
		{ 0x68, 1, 0x00 },   { 0x70, 1, 0x00 },       { 0x71, 1, 0x10 },
		{ 0x72, 1, 0x02 },   { 0x90, 1, 0x00 },       { 0x91, 1, 0x00 },
		{ 0x93, 1, 0x00 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(get(*state, rows[i].offset, rows[i].size), rows[i].value);
}

static void test_writable_bits(void **state)
{
	static const struct {
		unsigned offset, size;
		uint32_t zeros, ones;
	} rows[] = {
		{ 0x00, 4, 0x12378086, 0x12378086 },
		{ 0x04, 2, 0x0004, 0x0146 },
		{ 0x0d, 1, 0x00, 0xf8 },
		{ 0x50, 2, 0x0000, 0xc374 },
		{ 0x53, 1, 0x80, 0x80 },
		{ 0x54, 1, 0x00, 0x82 },
		{ 0x59, 1, 0x00, 0x30 },
		{ 0x5a, 1, 0x00, 0x33 },
		{ 0x5f, 1, 0x00, 0x33 },
		{ 0x68, 1, 0x00, 0xc0 },
		{ 0x71, 1, 0x00, 0x1f },
		{ 0x90, 1, 0x00, 0x1b },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		set(*state, rows[i].offset, 0, rows[i].size);
		assert_int_equal(get(*state, rows[i].offset, rows[i].size), rows[i].zeros);
		set(*state, rows[i].offset, UINT32_MAX, rows[i].size);
		assert_int_equal(get(*state, rows[i].offset, rows[i].size), rows[i].ones);
	}
}

/* Rows of 128 MiB, in units of 8 MiB; 320 MiB are 2.5 rows. */
static void test_row_boundaries_show_ram(void **state)
{
	assert_int_equal(get(*state, 0x60, 4), 0x28282010);
	assert_int_equal(get(*state, 0x64, 4), 0x28282828);
}

static void test_address_latch_takes_double_words_only(void **state)
{
	struct chip_bench *bench = ((struct fixture *)*state)->bench;

	bench_out32(bench, CONFADD, 0x80000000);
	assert_int_equal(bench_in32(bench, CONFADD), 0x80000000);
	bench_out16(bench, CONFADD, 0x1234);
	bench_out8(bench, CONFADD, 0x56);
	bench_out8(bench, CONFADD + 3, 0x01);
	assert_int_equal(bench_in32(bench, CONFADD), 0x80000000);
	assert_int_equal(bench_in8(bench, CONFADD), 0xff);
	assert_int_equal(bench_in16(bench, CONFADD + 2), 0xffff);
	bench_out32(bench, CONFADD, UINT32_MAX);
	assert_int_equal(bench_in32(bench, CONFADD), 0x80fffffc);
}

static void test_data_port_needs_enable_and_bus_0(void **state)
{
	struct chip_bench *bench = ((struct fixture *)*state)->bench;

	bench_out32(bench, CONFADD, 0x80000000);
	assert_int_equal(bench_in32(bench, CONFDATA), 0x12378086);
	assert_int_equal(bench_in16(bench, CONFDATA + 2), 0x1237);
	assert_int_equal(bench_in8(bench, CONFDATA + 1), 0x80);
	bench_out32(bench, CONFADD, 0x00000000);
	assert_int_equal(bench_in32(bench, CONFDATA), 0xffffffff);
	bench_out32(bench, CONFADD, 0x80010000);
	assert_int_equal(bench_in32(bench, CONFDATA), 0xffffffff);
	bench_out32(bench, CONFADD, 0x8000f800);
	assert_int_equal(bench_in32(bench, CONFDATA), 0xffffffff);
	bench_out32(bench, CONFADD, 0x0000000c);
	bench_out8(bench, CONFDATA + 1, 0xff);
	assert_int_equal(get(*state, 0x0d, 1), 0);
}

/* As test programs of other device models access it: the whole offset in the latch. */
static void test_latch_may_name_the_byte(void **state)
{
	struct chip_bench *bench = ((struct fixture *)*state)->bench;

	bench_out32(bench, CONFADD, 0x80000002);
	assert_int_equal(bench_in32(bench, CONFADD), 0x80000000);
	assert_int_equal(bench_in16(bench, CONFDATA), 0x1237);
	assert_int_equal(bench_in8(bench, CONFDATA), 0x37);
	assert_int_equal(bench_in8(bench, CONFDATA + 3), 0x12);
	assert_int_equal(bench_in32(bench, CONFDATA), 0x12378086);
	bench_out32(bench, CONFADD, 0x80000003);
	assert_int_equal(bench_in8(bench, CONFDATA), 0x12);
	assert_int_equal(bench_in16(bench, CONFDATA), 0x1237);
	bench_out32(bench, CONFADD, 0x8000000d);
	bench_out8(bench, CONFDATA, 0xf8);
	assert_int_equal(get(*state, 0x0d, 1), 0xf8);
	bench_out32(bench, CONFADD, 0x800000ff);
	bench_in16(bench, CONFDATA + 1);
	bench_in16(bench, CONFDATA + 3);
}

static void test_reset_control_lies_in_the_latch(void **state)
{
	struct fixture *f = *state;

	bench_out32(f->bench, CONFADD, 0x80000000);
	bench_out8(f->bench, RESET_PORT, 0x02);
	assert_int_equal(f->reset_control, 0x02);
	assert_int_equal(bench_in8(f->bench, RESET_PORT), 0x02);
	assert_int_equal(bench_in32(f->bench, CONFADD), 0x80000000);
	bench_out32(f->bench, CONFADD, 0x80000600);
	assert_int_equal(f->reset_control, 0x02);
}

static void test_pam_segments(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < I440FX_PAM_SEGMENTS; i++) {
		unsigned offset = 0x59 + (i + 1) / 2, shift = (i + 1) % 2 * 4, calls = f->pam.calls;

		for (uint32_t field = 1; field < 5; field++) {
			set(f, offset, (field & 3) << shift, 1);
			assert_int_equal(f->pam.calls, calls + field);
			assert_int_equal(f->pam.segment, i);
			assert_int_equal(f->pam.base, i == 0 ? 0xf0000 : 0xbc000 + 0x4000 * i);
			assert_int_equal(f->pam.bytes, i == 0 ? 0x10000 : 0x4000);
			assert_int_equal(f->pam.read_ram, (field & 1) != 0);
			assert_int_equal(f->pam.write_ram, (field & 2) != 0);
		}
	}
}

static void test_pam_tells_changes_only(void **state)
{
	struct fixture *f = *state;

	set(f, 0x59, 0x30, 1);
	assert_int_equal(f->pam.calls, 1);
	set(f, 0x59, 0x30, 1);
	set(f, 0x59, 0x3f, 1);
	assert_int_equal(f->pam.calls, 1);
	set(f, 0x5c, 0x33333333, 4);
	assert_int_equal(f->pam.calls, 9);
	f->bridge.device.class->reset(&f->bridge);
	assert_int_equal(f->pam.calls, 18);
	assert_false(f->pam.read_ram);
	assert_int_equal(get(f, 0x59, 1), 0);
}

static void test_smram_lock(void **state)
{
	struct fixture *f = *state;

	set(f, 0x72, 0xff, 1);
	assert_int_equal(get(f, 0x72, 1), 0x3a); /* locked: D_OPEN falls */
	set(f, 0x72, 0x40, 1);
	assert_int_equal(get(f, 0x72, 1), 0x1a); /* only D_CLS follows */
	f->bridge.device.class->reset(&f->bridge);
	set(f, 0x72, 0x48, 1);
	assert_int_equal(get(f, 0x72, 1), 0x4a);
}

static void test_turbo_reset(void **state)
{
	struct fixture *f = *state;

	set(f, 0x93, 0x02, 1);
	assert_int_equal(f->bench->requests, 0);
	set(f, 0x93, 0x06, 1);
	assert_int_equal(f->bench->requests, 1);
	assert_int_equal(f->bench->request, POWER_RESET);
	assert_int_equal(get(f, 0x93, 1), 0x02);
}

static void test_save_and_load(void **state)
{
	struct fixture *f = *state;
	unsigned calls;

	set(f, 0x59, 0x10, 1);
	set(f, 0x72, 0x18, 1);
	calls = f->pam.calls;
	assert_true(bench_round_trip(&f->bridge.device));
	assert_int_equal(f->pam.calls, calls);
	set(f, 0x72, 0x48, 1);
	assert_int_equal(get(f, 0x72, 1), 0x1a);
	f->bridge.state.config_address = 0x01000000;
	assert_true(bench_refuses_state(&f->bridge.device));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_defaults),
		TEST(test_writable_bits),
		TEST(test_row_boundaries_show_ram),
		TEST(test_address_latch_takes_double_words_only),
		TEST(test_data_port_needs_enable_and_bus_0),
		TEST(test_latch_may_name_the_byte),
		TEST(test_reset_control_lies_in_the_latch),
		TEST(test_pam_segments),
		TEST(test_pam_tells_changes_only),
		TEST(test_smram_lock),
		TEST(test_turbo_reset),
		TEST(test_save_and_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
