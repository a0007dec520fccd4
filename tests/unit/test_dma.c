// SPDX-License-Identifier: GPL-2.0-or-later
/* The DMA controllers against the 8237A data sheet and the AT's page registers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "hw/dma.h"
#include "tests/lib/chip_bench.h"

struct fixture {
	struct chip_bench *bench;
	struct dma dma;
	struct isa_dma port;
	uint8_t data[0x20000];
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err err;

	f->bench = bench_create(NULL);
	assert_int_equal(dma_init(&f->dma, &f->bench->ports, &f->bench->ram, &err), 0);
	f->port = dma_isa_port(&f->dma);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	f->dma.device.class->finish(&f->dma);
	assert_int_equal(f->bench->ports.count, 0);
	bench_destroy(f->bench);
	free(f);
	return 0;
}

static void put16(struct fixture *f, uint16_t port, uint16_t value)
{
	bench_out8(f->bench, port, (uint8_t)value);
	bench_out8(f->bench, port, (uint8_t)(value >> 8));
}

static uint16_t get16(struct fixture *f, uint16_t port)
{
	uint8_t low = bench_in8(f->bench, port);

	return (uint16_t)(low | bench_in8(f->bench, port) << 8);
}

/* Channel 2 as a floppy driver programs it. */
static void program_2(struct fixture *f, uint8_t mode, uint8_t page, uint16_t address,
		      uint16_t count)
{
	bench_out8(f->bench, 0x0a, 0x06);
	bench_out8(f->bench, 0x0c, 0);
	bench_out8(f->bench, 0x0b, (uint8_t)(mode | 2));
	put16(f, 0x04, address);
	put16(f, 0x05, count);
	bench_out8(f->bench, 0x81, page);
	bench_out8(f->bench, 0x0a, 0x02);
}

static size_t transfer(struct fixture *f, unsigned channel, size_t length, bool to_memory)
{
	return f->port.transfer(f->port.opaque, channel, f->data, length, to_memory);
}

static void test_address_and_count(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 8; i++) {
		put16(f, (uint16_t)i, (uint16_t)(0x1234 + i));
		put16(f, (uint16_t)(0xc0 + 2 * i), (uint16_t)(0x5678 + i));
	}
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(get16(f, (uint16_t)i), 0x1234 + i);
		assert_int_equal(get16(f, (uint16_t)(0xc0 + 2 * i)), 0x5678 + i);
	}
}

static void test_flip_flop(void **state)
{
	struct fixture *f = *state;

	put16(f, 0x00, 0xbeef);
	assert_int_equal(bench_in8(f->bench, 0x00), 0xef);
	bench_out8(f->bench, 0x0c, 0);
	assert_int_equal(bench_in8(f->bench, 0x00), 0xef);
	assert_int_equal(bench_in8(f->bench, 0x00), 0xbe);
	bench_out8(f->bench, 0x02, 0x11); /* one flip-flop for all channels */
	bench_out8(f->bench, 0x04, 0x22);
	assert_int_equal(get16(f, 0x04), 0x2200);
	assert_int_equal(io_peek(&f->bench->ports, 0x00, 1), 0xef);
	assert_int_equal(bench_in8(f->bench, 0x00), 0xef);
}

static void test_masks(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(bench_in8(f->bench, 0x0f), 0x0f);
	bench_out8(f->bench, 0x0e, 0);
	assert_int_equal(bench_in8(f->bench, 0x0f), 0x00);
	bench_out8(f->bench, 0x0a, 0x06);
	assert_int_equal(bench_in8(f->bench, 0x0f), 0x04);
	bench_out8(f->bench, 0x0a, 0x02);
	bench_out8(f->bench, 0x0f, 0xf9);
	assert_int_equal(bench_in8(f->bench, 0x0f), 0x09);
	bench_out8(f->bench, 0xd4, 0x01); /* the second controller has its own */
	assert_int_equal(bench_in8(f->bench, 0xde), 0x0d);
	bench_out8(f->bench, 0x0d, 0);
	assert_int_equal(bench_in8(f->bench, 0x0f), 0x0f);
	assert_int_equal(bench_in8(f->bench, 0xde), 0x0d);
}

static void test_page_registers_are_storage(void **state)
{
	struct fixture *f = *state;

	for (uint16_t i = 0; i < 16; i++)
		bench_out8(f->bench, (uint16_t)(0x80 + i), (uint8_t)(0xa0 + i));
	for (uint16_t i = 0; i < 16; i++)
		assert_int_equal(bench_in8(f->bench, (uint16_t)(0x80 + i)), 0xa0 + i);
	assert_int_equal(bench_in16(f->bench, 0x80), 0xa1a0);
}

static void test_status_shows_requests_and_terminal_count(void **state)
{
	struct fixture *f = *state;

	f->port.set_request(f->port.opaque, 2, true);
	f->port.set_request(f->port.opaque, 7, true);
	assert_int_equal(bench_in8(f->bench, 0x08), 0x40);
	assert_int_equal(bench_in8(f->bench, 0xd0), 0x80);
	f->port.set_request(f->port.opaque, 2, false);
	program_2(f, 0x44, 0, 0x1000, 3);
	assert_int_equal(transfer(f, 2, 4, true), 4);
	assert_int_equal(bench_in8(f->bench, 0x08), 0x04);
	assert_int_equal(bench_in8(f->bench, 0x08), 0x00); /* reading clears */
	assert_true(f->port.is_done(f->port.opaque, 2));
	program_2(f, 0x44, 0, 0x1000, 3);
	assert_false(f->port.is_done(f->port.opaque, 2));
}

static void test_write_to_memory(void **state)
{
	struct fixture *f = *state;

	memcpy(f->data, "0123456789", 10);
	program_2(f, 0x44, 0x03, 0x8000, 9);
	assert_int_equal(transfer(f, 2, 6, true), 6);
	assert_int_equal(get16(f, 0x04), 0x8006);
	assert_int_equal(get16(f, 0x05), 3);
	assert_false(f->port.is_done(f->port.opaque, 2));
	assert_int_equal(f->port.transfer(f->port.opaque, 2, f->data + 6, 100, true), 4);
	assert_memory_equal(f->bench->bytes + 0x38000, "0123456789", 10);
	assert_true(f->port.is_done(f->port.opaque, 2));
	assert_int_equal(get16(f, 0x05), 0xffff);
	assert_int_equal(bench_in8(f->bench, 0x0f), 0x0f); /* masked at the end */
	assert_int_equal(transfer(f, 2, 1, true), 0);
}

static void test_read_from_memory(void **state)
{
	struct fixture *f = *state;

	memcpy(f->bench->bytes + 0x20010, "abcd", 4);
	program_2(f, 0x48, 0x02, 0x0010, 3);
	assert_int_equal(transfer(f, 2, 4, true), 0); /* the wrong way */
	assert_int_equal(transfer(f, 2, 4, false), 4);
	assert_memory_equal(f->data, "abcd", 4);
}

static void test_verify_counts_only(void **state)
{
	struct fixture *f = *state;

	memset(f->data, 0x55, 4);
	program_2(f, 0x40, 0, 0x1000, 3);
	assert_int_equal(transfer(f, 2, 4, true), 4);
	assert_int_equal(f->bench->bytes[0x1000], 0);
	assert_true(f->port.is_done(f->port.opaque, 2));
}

static void test_auto_initialise(void **state)
{
	struct fixture *f = *state;

	program_2(f, 0x54, 0, 0x1000, 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(transfer(f, 2, 10, true), 4);
		assert_int_equal(get16(f, 0x04), 0x1000);
		assert_int_equal(get16(f, 0x05), 3);
		assert_int_equal(bench_in8(f->bench, 0x08), 0x04);
	}
	assert_int_equal(bench_in8(f->bench, 0x0f), 0x0b);
}

static void test_decrement(void **state)
{
	struct fixture *f = *state;

	memcpy(f->data, "abcd", 4);
	program_2(f, 0x64, 0, 0x0001, 3);
	assert_int_equal(transfer(f, 2, 4, true), 4);
	assert_memory_equal(f->bench->bytes, "ba", 2);
	assert_memory_equal(f->bench->bytes + 0xfffe, "dc", 2);
}

static void test_address_wraps_inside_its_page(void **state)
{
	struct fixture *f = *state;

	memcpy(f->data, "abcd", 4);
	program_2(f, 0x44, 0x05, 0xfffe, 3);
	assert_int_equal(transfer(f, 2, 4, true), 4);
	assert_memory_equal(f->bench->bytes + 0x5fffe, "ab", 2);
	assert_memory_equal(f->bench->bytes + 0x50000, "cd", 2);
	assert_int_equal(f->bench->bytes[0x60000], 0);
	program_2(f, 0x44, 0x01, 0x8000, 0xffff);
	assert_int_equal(transfer(f, 2, sizeof(f->data), true), 0x10000);
	assert_true(f->port.is_done(f->port.opaque, 2));
}

/* Channel 5: 16-bit units, page bit 0 unused. */
static void test_word_channel(void **state)
{
	struct fixture *f = *state;

	memcpy(f->data, "abcdef", 6);
	bench_out8(f->bench, 0xd6, 0x45);
	put16(f, 0xc4, 0x8000);
	put16(f, 0xc6, 1);
	bench_out8(f->bench, 0x8b, 0x03);
	bench_out8(f->bench, 0xd4, 0x01);
	assert_int_equal(transfer(f, 5, 1, true), 0);
	assert_int_equal(transfer(f, 5, 6, true), 4);
	assert_memory_equal(f->bench->bytes + 0x30000, "abcd\0", 5);
	assert_true(f->port.is_done(f->port.opaque, 5));
	assert_int_equal(bench_in8(f->bench, 0xd0), 0x02);
}

static void test_each_channel_has_its_page(void **state)
{
	static const struct {
		unsigned channel;
		uint16_t page_port;
	} rows[] = {
		{ 0, 0x87 }, { 1, 0x83 }, { 2, 0x81 }, { 3, 0x82 },
		{ 5, 0x8b }, { 6, 0x89 }, { 7, 0x8a },
	};
	struct fixture *f = *state;

	memset(f->data, 0x77, 2);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned channel = rows[i].channel;
		uint32_t gpa = (uint32_t)(i + 1) << 17;

		bench_out8(f->bench, rows[i].page_port, (uint8_t)(gpa >> 16));
		bench_out8(f->bench, channel < 4 ? 0x0b : 0xd6, (uint8_t)(0x44 | channel % 4));
		bench_out8(f->bench, channel < 4 ? 0x0a : 0xd4, (uint8_t)(channel % 4));
		assert_int_equal(transfer(f, channel, 2, true), channel < 4 ? 1 : 2);
		if (gpa < BENCH_RAM_BYTES)
			assert_int_equal(f->bench->bytes[gpa], 0x77);
	}
}

static void test_what_stops_a_channel(void **state)
{
	struct fixture *f = *state;

	program_2(f, 0x44, 0, 0x1000, 3);
	bench_out8(f->bench, 0x0a, 0x06);
	assert_int_equal(transfer(f, 2, 4, true), 0);
	bench_out8(f->bench, 0x0a, 0x02);
	bench_out8(f->bench, 0x08, 0x04); /* controller off */
	assert_int_equal(transfer(f, 2, 4, true), 0);
	bench_out8(f->bench, 0x08, 0x00);
	bench_out8(f->bench, 0x0b, 0xc6); /* cascade */
	assert_int_equal(transfer(f, 2, 4, true), 0);
	bench_out8(f->bench, 0x0b, 0x4e); /* no such type */
	assert_int_equal(transfer(f, 2, 4, true), 0);
	assert_int_equal(transfer(f, 2, 4, false), 0);
	bench_out8(f->bench, 0x0b, 0x46);
	assert_int_equal(transfer(f, 2, 4, true), 4);
}

static void test_save_and_load(void **state)
{
	struct fixture *f = *state;

	program_2(f, 0x54, 7, 0x1234, 0x5678);
	assert_true(bench_round_trip(&f->dma.device));
	assert_int_equal(get16(f, 0x04), 0x1234);
	f->dma.state.chips[1].mask = 0x10;
	assert_true(bench_refuses_state(&f->dma.device));
	f->dma.device.class->reset(&f->dma);
	assert_int_equal(get16(f, 0x04), 0);
	assert_int_equal(bench_in8(f->bench, 0xde), 0x0f);
	assert_int_equal(bench_in8(f->bench, 0x81), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_address_and_count),
		TEST(test_flip_flop),
		TEST(test_masks),
		TEST(test_page_registers_are_storage),
		TEST(test_status_shows_requests_and_terminal_count),
		TEST(test_write_to_memory),
		TEST(test_read_from_memory),
		TEST(test_verify_counts_only),
		TEST(test_auto_initialise),
		TEST(test_decrement),
		TEST(test_address_wraps_inside_its_page),
		TEST(test_word_channel),
		TEST(test_each_channel_has_its_page),
		TEST(test_what_stops_a_channel),
		TEST(test_save_and_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
