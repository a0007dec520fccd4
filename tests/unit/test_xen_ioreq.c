// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The engine that executes Xen's requests, with a client that notes every access and guest memory
 * that is a plain array.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "hv/hv.h"
#include "hv/xen_ioreq.h"
#include "hv/xen_ring.h"

enum {
	RAM_BYTES = 0x8000,
	MAX_NOTES = 8192,
	EVENT_PORT = 0x1234,
	SERIAL = 0x3f8,
	WINDOW = 0x70000000,
};

struct note {
	uint8_t type; /* xen_ioreq_type */
	bool is_read;
	unsigned size;
	uint64_t address, value;
};

struct bench {
	struct hv_client client;
	struct xen_ioreq_engine engine;
	struct xen_ioreq shared;
	struct xen_ring_page ring;
	uint8_t ram[RAM_BYTES];
	struct note notes[MAX_NOTES];
	unsigned count, invalidated;
	unsigned runs;       /* calls for several accesses to memory at once */
	uint64_t next_value; /* what a read gives, counting up */
	void (*disturb)(struct bench *bench);
};

static void note(struct bench *bench, uint8_t type, bool is_read, unsigned size, uint64_t address,
		 void *data)
{
	assert_true(bench->count < MAX_NOTES);
	if (is_read)
		store_le(data, size, bench->next_value++);
	bench->notes[bench->count++] =
		(struct note){ type, is_read, size, address, load_le(data, size) };
	if (bench->disturb)
		bench->disturb(bench);
}

static void take_pio(void *opaque, uint16_t port, bool is_read, unsigned size, void *data,
		     uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		note(opaque, XEN_IOREQ_PIO, is_read, size, port, (uint8_t *)data + i * size);
}

static void take_mmio(void *opaque, uint64_t gpa, bool is_read, unsigned size, void *data)
{
	note(opaque, XEN_IOREQ_COPY, is_read, size, gpa, data);
}

static void take_mmio_run(void *opaque, uint64_t gpa, bool is_read, unsigned size, void *data,
			  uint32_t count)
{
	struct bench *bench = opaque;

	assert_in_range(count, 1, HV_RUN_ITEMS);
	bench->runs++;
	for (uint32_t i = 0; i < count; i++)
		note(bench, XEN_IOREQ_COPY, is_read, size, gpa + i * size,
		     (uint8_t *)data + i * size);
}

static void take_config(void *opaque, uint32_t devfn, unsigned offset, bool is_read, unsigned size,
			void *data)
{
	note(opaque, XEN_IOREQ_PCI_CONFIG, is_read, size, (uint64_t)devfn << 32 | offset, data);
}

static void take_collected(void *opaque, bool is_memory, uint64_t address, unsigned size,
			   const void *data)
{
	uint8_t copy[8];

	memcpy(copy, data, sizeof(copy));
	note(opaque, is_memory ? XEN_IOREQ_COPY : XEN_IOREQ_PIO, false, size, address, copy);
}

static void read_ram(void *opaque, uint64_t gpa, void *data, size_t length)
{
	struct bench *bench = opaque;

	memset(data, 0xff, length);
	if (range_fits(gpa, length, RAM_BYTES))
		memcpy(data, bench->ram + gpa, length);
}

static void write_ram(void *opaque, uint64_t gpa, const void *data, size_t length)
{
	struct bench *bench = opaque;

	if (range_fits(gpa, length, RAM_BYTES))
		memcpy(bench->ram + gpa, data, length);
}

static void take_invalidate(void *opaque)
{
	struct bench *bench = opaque;

	bench->invalidated++;
}

static struct bench bench_;

static struct bench *bench_begin(void)
{
	struct bench *bench = &bench_;

	memset(bench, 0, sizeof(*bench));
	bench->client = (struct hv_client){ .opaque = bench,
					    .pio = take_pio,
					    .mmio = take_mmio,
					    .mmio_run = take_mmio_run,
					    .pci_config = take_config,
					    .collected = take_collected };
	bench->engine.client = &bench->client;
	bench->engine.opaque = bench;
	bench->engine.read_ram = read_ram;
	bench->engine.write_ram = write_ram;
	bench->engine.invalidate = take_invalidate;
	bench->next_value = 1;
	return bench;
}

/** Xen's side: puts a request up and lets the engine serve it; the data it answers. */
static uint64_t serve(struct bench *bench, unsigned type, unsigned flags, uint64_t address,
		      unsigned size, uint32_t count, uint64_t data)
{
	struct xen_ioreq request;

	bench->shared = (struct xen_ioreq){
		.address = address,
		.data = data,
		.count = count,
		.size = size,
		.port = EVENT_PORT,
		.flags = (uint8_t)(flags | XEN_IOREQ_READY),
		.type = (uint8_t)type,
	};
	assert_true(xen_ioreq_take(&bench->shared, &request));
	xen_ioreq_execute(&bench->engine, &request);
	xen_ioreq_answer(&bench->shared, &request);
	assert_int_equal(bench->shared.flags & XEN_IOREQ_STATE, XEN_IOREQ_RESPONSE_READY);
	assert_int_equal(bench->shared.port, EVENT_PORT);
	return bench->shared.data;
}

static void check_note(const struct bench *bench, unsigned index, uint64_t address, uint64_t value)
{
	assert_true(index < bench->count);
	assert_int_equal(bench->notes[index].address, address);
	assert_int_equal(bench->notes[index].value, value);
}

static void only_a_ready_request_is_taken(void **state)
{
	static const uint8_t others[] = { XEN_IOREQ_NONE, XEN_IOREQ_IN_PROCESS,
					  XEN_IOREQ_RESPONSE_READY, 4, 15 };
	struct xen_ioreq shared = { .size = 1, .count = 1, .port = EVENT_PORT }, request;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(others); i++) {
		shared.flags = others[i];
		assert_false(xen_ioreq_take(&shared, &request));
		assert_int_equal(shared.flags, others[i]);
	}
	shared.flags = XEN_IOREQ_READY | XEN_IOREQ_READ;
	assert_true(xen_ioreq_take(&shared, &request));
	assert_int_equal(shared.flags, XEN_IOREQ_IN_PROCESS | XEN_IOREQ_READ);
	assert_int_equal(shared.port, EVENT_PORT);
	assert_false(xen_ioreq_take(&shared, &request));
}

static void port_reads_and_writes(void **state)
{
	struct bench *bench = bench_begin();

	(void)state;
	bench->next_value = 0x11223344;
	assert_int_equal(serve(bench, XEN_IOREQ_PIO, XEN_IOREQ_READ, SERIAL, 1, 1, UINT64_MAX),
			 0x44);
	assert_int_equal(serve(bench, XEN_IOREQ_PIO, XEN_IOREQ_READ, SERIAL, 4, 1, UINT64_MAX),
			 0x11223345);
	serve(bench, XEN_IOREQ_PIO, 0, SERIAL, 2, 1, 0xaabbccdd);
	check_note(bench, 2, SERIAL, 0xccdd);
	assert_int_equal(bench->shared.data, 0xaabbccdd);
	assert_int_equal(bench->engine.pio, 3);
}

static void repeated_input_fills_memory_upwards_and_downwards(void **state)
{
	struct bench *bench = bench_begin();

	(void)state;
	serve(bench, XEN_IOREQ_PIO, XEN_IOREQ_READ | XEN_IOREQ_POINTER, SERIAL, 2, 3, 0x100);
	assert_memory_equal(bench->ram + 0x100, "\1\0\2\0\3\0\0\0", 8);
	bench->next_value = 1;
	serve(bench, XEN_IOREQ_PIO, XEN_IOREQ_READ | XEN_IOREQ_POINTER | XEN_IOREQ_DOWN, SERIAL, 2,
	      3, 0x204);
	assert_memory_equal(bench->ram + 0x1fe, "\0\0\3\0\2\0\1\0", 8);
	assert_int_equal(bench->shared.data, 0x204);
}

static void repeated_output_reads_memory_upwards_and_downwards(void **state)
{
	struct bench *bench = bench_begin();

	(void)state;
	memcpy(bench->ram + 0x300, "\1\0\2\0\3\0", 6);
	serve(bench, XEN_IOREQ_PIO, XEN_IOREQ_POINTER, SERIAL, 2, 3, 0x300);
	for (unsigned i = 0; i < 3; i++)
		check_note(bench, i, SERIAL, i + 1);
	serve(bench, XEN_IOREQ_PIO, XEN_IOREQ_POINTER | XEN_IOREQ_DOWN, SERIAL, 2, 3, 0x304);
	for (unsigned i = 0; i < 3; i++)
		check_note(bench, 3 + i, SERIAL, 3 - i);
}

static void long_repetitions_are_done_in_pieces(void **state)
{
	struct bench *bench = bench_begin();

	(void)state;
	serve(bench, XEN_IOREQ_PIO, XEN_IOREQ_READ | XEN_IOREQ_POINTER, SERIAL, 4, 4096, 0x1000);
	for (unsigned i = 0; i < 4096; i++)
		assert_int_equal(load_le(bench->ram + 0x1000 + 4 * i, 4), i + 1);
	bench->count = 0;
	serve(bench, XEN_IOREQ_PIO, XEN_IOREQ_POINTER | XEN_IOREQ_DOWN, SERIAL, 4, 4096,
	      0x1000 + 4 * 4095);
	for (unsigned i = 0; i < 4096; i++)
		check_note(bench, i, SERIAL, 4096 - i);
}

static void memory_is_filled_with_one_value(void **state)
{
	struct bench *bench = bench_begin();

	(void)state;
	serve(bench, XEN_IOREQ_COPY, 0, WINDOW, 8, 2, UINT64_C(0x1122334455667788));
	check_note(bench, 0, WINDOW, UINT64_C(0x1122334455667788));
	check_note(bench, 1, WINDOW + 8, UINT64_C(0x1122334455667788));
	serve(bench, XEN_IOREQ_COPY, XEN_IOREQ_DOWN, WINDOW, 4, 3, 0x12345678);
	for (unsigned i = 0; i < 3; i++)
		check_note(bench, 2 + i, WINDOW - 4 * i, 0x12345678);
	/* Of repeated reads into a register the last counts. */
	assert_int_equal(serve(bench, XEN_IOREQ_COPY, XEN_IOREQ_READ, WINDOW, 4, 3, UINT64_MAX), 3);
}

/** A string instruction to a frame buffer: not one call, and so one taking of the lock, for each
 * item. */
static void runs_through_memory_are_few_calls(void **state)
{
	struct bench *bench = bench_begin();
	const unsigned all = 4096;

	(void)state;
	serve(bench, XEN_IOREQ_COPY, 0, WINDOW, 1, all, 0xa5);
	assert_int_equal(bench->runs, all / HV_RUN_ITEMS);
	for (unsigned i = 0; i < all; i++)
		check_note(bench, i, WINDOW + i, 0xa5);
	/* More than one buffer full. */
	bench->count = bench->runs = 0;
	serve(bench, XEN_IOREQ_COPY, 0, WINDOW, 8, 600, UINT64_C(0x1122334455667788));
	assert_int_equal(bench->runs, 8 + 2);
	for (unsigned i = 0; i < 600; i++)
		check_note(bench, i, WINDOW + 8 * i, UINT64_C(0x1122334455667788));
	bench->count = bench->runs = 0;
	serve(bench, XEN_IOREQ_COPY, XEN_IOREQ_READ | XEN_IOREQ_POINTER, WINDOW, 4, 65, 0x100);
	assert_int_equal(bench->runs, 2);
	assert_int_equal(bench->count, 65);
	/* Downwards, and alone: one after the other. */
	serve(bench, XEN_IOREQ_COPY, XEN_IOREQ_DOWN, WINDOW, 4, 3, 1);
	serve(bench, XEN_IOREQ_COPY, 0, WINDOW, 4, 1, 1);
	assert_int_equal(bench->runs, 2);
	assert_int_equal(bench->count, 69);
}

static void copies_step_on_both_sides(void **state)
{
	struct bench *bench = bench_begin();

	(void)state;
	serve(bench, XEN_IOREQ_COPY, XEN_IOREQ_READ | XEN_IOREQ_POINTER, WINDOW, 4, 2, 0x100);
	check_note(bench, 1, WINDOW + 4, 2);
	assert_memory_equal(bench->ram + 0x100, "\1\0\0\0\2\0\0\0", 8);
	serve(bench, XEN_IOREQ_COPY, XEN_IOREQ_READ | XEN_IOREQ_POINTER | XEN_IOREQ_DOWN, WINDOW, 4,
	      2, 0x104);
	check_note(bench, 3, WINDOW - 4, 4);
	assert_memory_equal(bench->ram + 0x100, "\4\0\0\0\3\0\0\0", 8);
	serve(bench, XEN_IOREQ_COPY, XEN_IOREQ_POINTER | XEN_IOREQ_DOWN, WINDOW, 4, 2, 0x104);
	check_note(bench, 4, WINDOW, 3);
	check_note(bench, 5, WINDOW - 4, 4);
}

static void configuration_cycles(void **state)
{
	struct bench *bench = bench_begin();
	uint64_t ide = UINT64_C(9) << 32;

	(void)state;
	bench->next_value = 0x70108086;
	assert_int_equal(serve(bench, XEN_IOREQ_PCI_CONFIG, XEN_IOREQ_READ, ide, 4, 1, 0),
			 0x70108086);
	serve(bench, XEN_IOREQ_PCI_CONFIG, 0, ide | 0x41, 1, 1, 0x80);
	check_note(bench, 1, ide | 0x41, 0x80);
	/* Another bus, and registers beyond the function's space. */
	assert_int_equal(
		serve(bench, XEN_IOREQ_PCI_CONFIG, XEN_IOREQ_READ, UINT64_C(0x109) << 32, 4, 1, 0),
		UINT32_MAX);
	assert_int_equal(serve(bench, XEN_IOREQ_PCI_CONFIG, XEN_IOREQ_READ, ide | 0x100, 2, 1, 0),
			 UINT16_MAX);
	assert_int_equal(serve(bench, XEN_IOREQ_PCI_CONFIG, XEN_IOREQ_READ, ide | 0xfe, 4, 1, 0),
			 UINT32_MAX);
	serve(bench, XEN_IOREQ_PCI_CONFIG, 0, ide | UINT32_MAX, 4, 1, 0);
	assert_int_equal(bench->count, 2);
}

/** XSA-197: QEMU read size and address of a request again after it had checked them. */
static void change_shared_request(struct bench *bench)
{
	bench->shared.address = UINT64_MAX;
	bench->shared.data = 0x7ffe;
	bench->shared.size = 64;
	bench->shared.count = UINT32_MAX;
	bench->shared.type = XEN_IOREQ_INVALIDATE;
}

static void xsa_197_a_request_is_read_once(void **state)
{
	struct bench *bench = bench_begin();

	(void)state;
	bench->disturb = change_shared_request;
	serve(bench, XEN_IOREQ_COPY, XEN_IOREQ_READ | XEN_IOREQ_POINTER, WINDOW, 2, 3, 0x100);
	assert_int_equal(bench->count, 3);
	check_note(bench, 2, WINDOW + 4, 3);
	assert_memory_equal(bench->ram + 0x100, "\1\0\2\0\3\0\0\0", 8);
	assert_int_equal(bench->ram[0x7ffe], 0);
	assert_int_equal(bench->invalidated, 0);
}

/** XSA-199: port numbers beyond the last one indexed QEMU's table of ports. */
static void xsa_199_ports_beyond_the_last_are_empty(void **state)
{
	static const uint64_t ports[] = { 0x10000, 0xffff, 0xffffffff, UINT64_MAX, 0x100000000 };
	struct bench *bench = bench_begin();

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(ports); i++) {
		assert_int_equal(serve(bench, XEN_IOREQ_PIO, XEN_IOREQ_READ, ports[i], 4, 1, 0),
				 UINT32_MAX);
		serve(bench, XEN_IOREQ_PIO, XEN_IOREQ_POINTER, ports[i], 2, 2, 0);
	}
	assert_int_equal(bench->count, 0);
	serve(bench, XEN_IOREQ_PIO, 0, 0xffff, 1, 1, 0);
	assert_int_equal(bench->count, 1);
}

static void hostile_sizes_and_counts_do_nothing(void **state)
{
	static const uint32_t sizes[] = { 0, 3, 5, 16, 4096, 0x80000000, UINT32_MAX };
	static const unsigned types[] = { XEN_IOREQ_PIO, XEN_IOREQ_COPY, XEN_IOREQ_PCI_CONFIG };
	struct bench *bench = bench_begin();

	(void)state;
	for (unsigned t = 0; t < ARRAY_SIZE(types); t++) {
		for (unsigned s = 0; s < ARRAY_SIZE(sizes); s++)
			for (unsigned flags = 0; flags < 0x80; flags += XEN_IOREQ_POINTER)
				serve(bench, types[t], flags, 0, sizes[s], 1, 0);
		serve(bench, types[t], XEN_IOREQ_POINTER, 0, 1, UINT32_MAX, 0);
		serve(bench, types[t], XEN_IOREQ_POINTER, 0, 1, 0, 0);
	}
	serve(bench, XEN_IOREQ_PIO, XEN_IOREQ_READ, SERIAL, 8, 1, 0);
	assert_int_equal(bench->count, 0);
}

static void pointers_to_nowhere_are_harmless(void **state)
{
	struct bench *bench = bench_begin();

	(void)state;
	serve(bench, XEN_IOREQ_PIO, XEN_IOREQ_POINTER, SERIAL, 1, 2, UINT64_MAX - 1);
	check_note(bench, 0, SERIAL, 0xff);
	serve(bench, XEN_IOREQ_COPY, XEN_IOREQ_READ | XEN_IOREQ_POINTER | XEN_IOREQ_DOWN, 0, 8, 512,
	      0);
	assert_int_equal(bench->count, 2 + 512);
}

static void other_types(void **state)
{
	struct bench *bench = bench_begin();

	(void)state;
	serve(bench, XEN_IOREQ_INVALIDATE, 0, 0, 4, 0, UINT64_MAX);
	assert_int_equal(bench->invalidated, 1);
	serve(bench, XEN_IOREQ_TIME_OFFSET, 0, 0, 8, 1, 3600);
	assert_int_equal(serve(bench, 99, XEN_IOREQ_READ, 0, 4, 1, 0), UINT32_MAX);
	assert_int_equal(bench->count, 0);
}

static void a_void_answer_is_all_ones(void **state)
{
	struct xen_ioreq request = { .size = 2, .flags = XEN_IOREQ_READ };

	(void)state;
	xen_ioreq_void(&request);
	assert_int_equal(request.data, 0xffff);
	request = (struct xen_ioreq){ .size = UINT32_MAX, .flags = XEN_IOREQ_READ };
	xen_ioreq_void(&request);
	assert_int_equal(request.data, UINT64_MAX);
}

/* The ring */

static uint64_t slot(unsigned type, unsigned size_log2, uint32_t address, uint32_t data)
{
	return type | (uint64_t)size_log2 << XEN_RING_SIZE_SHIFT |
	       (uint64_t)address << XEN_RING_ADDRESS_SHIFT | (uint64_t)data << XEN_RING_DATA_SHIFT;
}

static void put(struct bench *bench, uint64_t value)
{
	bench->ring.slots[bench->ring.write_pointer++ % XEN_RING_SLOTS] = value;
}

static void buffered_writes_come_in_order(void **state)
{
	struct bench *bench = bench_begin();

	(void)state;
	assert_false(xen_ring_has_requests(&bench->ring));
	assert_int_equal(xen_ring_drain(&bench->ring, &bench->client), 0);
	put(bench, slot(XEN_IOREQ_COPY, 0, 0xa0000, 0x12345678));
	put(bench, slot(XEN_IOREQ_COPY, 1, 0xbffff, 0x12345678));
	put(bench, slot(XEN_IOREQ_COPY, 2, 0xb8000, 0x12345678));
	put(bench, slot(XEN_IOREQ_PIO, 0, 0x3c4, 2));
	assert_true(xen_ring_has_requests(&bench->ring));
	assert_int_equal(xen_ring_drain(&bench->ring, &bench->client), 4);
	check_note(bench, 0, 0xa0000, 0x78);
	check_note(bench, 1, 0xbffff, 0x5678);
	check_note(bench, 2, 0xb8000, 0x12345678);
	check_note(bench, 3, 0x3c4, 2);
	assert_int_equal(bench->notes[3].type, XEN_IOREQ_PIO);
	assert_false(xen_ring_has_requests(&bench->ring));
}

static void eight_bytes_take_two_slots_even_around_the_end(void **state)
{
	struct bench *bench = bench_begin();

	(void)state;
	bench->ring.read_pointer = bench->ring.write_pointer = XEN_RING_SLOTS - 1;
	put(bench, slot(XEN_IOREQ_COPY, 3, 0xa0008, 0x55667788));
	put(bench, slot(XEN_IOREQ_COPY, 3, 0xa0008, 0x11223344));
	assert_int_equal(xen_ring_drain(&bench->ring, &bench->client), 2);
	assert_int_equal(bench->count, 1);
	check_note(bench, 0, 0xa0008, UINT64_C(0x1122334455667788));
	assert_int_equal(bench->ring.read_pointer, bench->ring.write_pointer);
	/* Half of one is skipped. */
	put(bench, slot(XEN_IOREQ_COPY, 3, 0xa0008, 1));
	assert_int_equal(xen_ring_drain(&bench->ring, &bench->client), 1);
	assert_int_equal(bench->count, 1);
}

/** As Xen does to keep the pointers small, while the request is being delivered. */
static void canonicalise(struct bench *bench)
{
	if (bench->ring.read_pointer < XEN_RING_SLOTS)
		return;
	bench->ring.read_pointer -= XEN_RING_SLOTS;
	bench->ring.write_pointer -= XEN_RING_SLOTS;
}

static void pointers_may_be_made_smaller_at_any_time(void **state)
{
	struct bench *bench = bench_begin();

	(void)state;
	bench->disturb = canonicalise;
	bench->ring.read_pointer = bench->ring.write_pointer = XEN_RING_SLOTS - 2;
	for (unsigned i = 0; i < 6; i++)
		put(bench, slot(XEN_IOREQ_COPY, 0, 0xa0000 + i, i));
	assert_int_equal(xen_ring_drain(&bench->ring, &bench->client), 6);
	for (unsigned i = 0; i < 6; i++)
		check_note(bench, i, 0xa0000 + i, i);
	assert_int_equal(bench->ring.read_pointer, 4);
	assert_int_equal(bench->ring.write_pointer, 4);
}

static void add_another(struct bench *bench)
{
	put(bench, slot(XEN_IOREQ_COPY, 0, 0xa0000, 0));
}

static void a_guest_that_writes_on_does_not_keep_us(void **state)
{
	struct bench *bench = bench_begin();

	(void)state;
	bench->disturb = add_another;
	add_another(bench);
	assert_int_equal(xen_ring_drain(&bench->ring, &bench->client), XEN_RING_SLOTS);
	assert_true(xen_ring_has_requests(&bench->ring));
	/* Pointers that Xen cannot have written. */
	bench->disturb = NULL;
	bench->ring.write_pointer = bench->ring.read_pointer - 1;
	assert_int_equal(xen_ring_drain(&bench->ring, &bench->client), XEN_RING_SLOTS);
}

static void only_writes_are_buffered(void **state)
{
	struct bench *bench = bench_begin();

	(void)state;
	put(bench, slot(XEN_IOREQ_COPY, 0, 0xa0000, 0) | UINT64_C(1) << XEN_RING_READ_SHIFT);
	put(bench, slot(XEN_IOREQ_TIME_OFFSET, 3, 0, 1));
	put(bench, slot(XEN_IOREQ_TIME_OFFSET, 3, 0, 1));
	put(bench, slot(XEN_IOREQ_PCI_CONFIG, 0, 0, 1));
	assert_int_equal(xen_ring_drain(&bench->ring, &bench->client), 4);
	assert_int_equal(bench->count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_a_ready_request_is_taken),
		cmocka_unit_test(port_reads_and_writes),
		cmocka_unit_test(repeated_input_fills_memory_upwards_and_downwards),
		cmocka_unit_test(repeated_output_reads_memory_upwards_and_downwards),
		cmocka_unit_test(long_repetitions_are_done_in_pieces),
		cmocka_unit_test(memory_is_filled_with_one_value),
		cmocka_unit_test(runs_through_memory_are_few_calls),
		cmocka_unit_test(copies_step_on_both_sides),
		cmocka_unit_test(configuration_cycles),
		cmocka_unit_test(xsa_197_a_request_is_read_once),
		cmocka_unit_test(xsa_199_ports_beyond_the_last_are_empty),
		cmocka_unit_test(hostile_sizes_and_counts_do_nothing),
		cmocka_unit_test(pointers_to_nowhere_are_harmless),
		cmocka_unit_test(other_types),
		cmocka_unit_test(a_void_answer_is_all_ones),
		cmocka_unit_test(buffered_writes_come_in_order),
		cmocka_unit_test(eight_bytes_take_two_slots_even_around_the_end),
		cmocka_unit_test(pointers_may_be_made_smaller_at_any_time),
		cmocka_unit_test(a_guest_that_writes_on_does_not_keep_us),
		cmocka_unit_test(only_writes_are_buffered),
	};

	return cmocka_run_group_tests_name("xen_ioreq", tests, NULL, NULL);
}
