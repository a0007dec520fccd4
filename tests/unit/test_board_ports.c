// SPDX-License-Identifier: GPL-2.0-or-later
/* Port 0x92 and the two test devices. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "hw/isa_debug_exit.h"
#include "hw/pc_testdev.h"
#include "hw/port92.h"
#include "tests/lib/chip_bench.h"

enum {
	EXIT_PORT = 0xf4,
};

struct fixture {
	struct chip_bench *bench;
	struct port92 port92;
	struct isa_debug_exit exit_port;
	struct pc_testdev testdev;
	uint64_t flushed;
};

static void note_flush(void *opaque, uint64_t gpa)
{
	((struct fixture *)opaque)->flushed = gpa;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct pc_testdev_wires wires;
	struct err err;

	f->bench = bench_create(NULL);
	wires = (struct pc_testdev_wires){
		.ports = &f->bench->ports,
		.memory = &f->bench->memory,
		.flush_page = note_flush,
		.flush_opaque = f,
	};
	for (unsigned i = 0; i < PC_TESTDEV_IRQS; i++)
		wires.irqs[i] = i == 2 ? NULL : &f->bench->gsis[i];
	assert_int_equal(port92_init(&f->port92, &f->bench->ports, &f->bench->power, &err), 0);
	assert_int_equal(isa_debug_exit_init(&f->exit_port, &f->bench->ports, &f->bench->power,
					     EXIT_PORT, 4, &err),
			 0);
	assert_int_equal(pc_testdev_init(&f->testdev, &wires, &err), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	f->port92.device.class->finish(&f->port92);
	f->exit_port.device.class->finish(&f->exit_port);
	f->testdev.device.class->finish(&f->testdev);
	assert_int_equal(f->bench->ports.count + f->bench->memory.count, 0);
	bench_destroy(f->bench);
	free(f);
	return 0;
}

static void test_port92(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(bench_in8(f->bench, 0x92), 0x02);
	bench_out8(f->bench, 0x92, 0xfc);
	assert_int_equal(bench_in8(f->bench, 0x92), 0x00);
	assert_int_equal(f->bench->requests, 0);
	bench_out8(f->bench, 0x92, 0x03);
	assert_int_equal(f->bench->requests, 1);
	assert_int_equal(f->bench->request, POWER_RESET);
	assert_string_equal(f->bench->cause, "port-92");
	bench_out8(f->bench, 0x92, 0x03);
	assert_int_equal(f->bench->requests, 1);
	assert_true(bench_round_trip(&f->port92.device));
	f->port92.device.class->reset(&f->port92);
	assert_int_equal(bench_in8(f->bench, 0x92), 0x02);
	f->port92.state.value = 4;
	assert_true(bench_refuses_state(&f->port92.device));
}

static void test_debug_exit(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(bench_in32(f->bench, EXIT_PORT), 0);
	bench_out8(f->bench, EXIT_PORT, 0);
	assert_int_equal(f->bench->request, POWER_EXIT);
	assert_int_equal(f->bench->argument, 1);
	bench_out32(f->bench, EXIT_PORT, 0x10);
	assert_int_equal(f->bench->argument, 0x21);
	assert_int_equal(f->bench->requests, 2);
}

static void test_debug_exit_refuses(void **state)
{
	struct fixture *f = *state;
	struct isa_debug_exit other;
	struct err err;

	assert_int_equal(
		isa_debug_exit_init(&other, &f->bench->ports, &f->bench->power, 0x500, 0, &err),
		-22);
	assert_int_equal(
		isa_debug_exit_init(&other, &f->bench->ports, &f->bench->power, 0x92, 1, &err),
		-17);
	assert_non_null(strstr(err.text, "0x92"));
}

static void test_testdev_register(void **state)
{
	struct chip_bench *bench = ((struct fixture *)*state)->bench;

	bench_out32(bench, 0xe0, 0x12345678);
	assert_int_equal(bench_in8(bench, 0xe0), 0x78);
	assert_int_equal(bench_in16(bench, 0xe2), 0x1234);
	bench_out8(bench, 0xe1, 0xaa);
	assert_int_equal(bench_in32(bench, 0xe0), 0x1234aa78);
	assert_int_equal(bench_in32(bench, 0xe8), 0x1234aa78);
	bench_out16(bench, 0xea, 0xbeef);
	assert_int_equal(bench_in32(bench, 0xe0), 0xbeefaa78);
}

static void test_testdev_interrupts(void **state)
{
	struct chip_bench *bench = ((struct fixture *)*state)->bench;

	bench_out8(bench, 0x2004, 1);
	bench_out8(bench, 0x2017, 0x80);
	bench_out8(bench, 0x2002, 1); /* leads nowhere */
	assert_int_equal(bench->gsi_levels, BIT(4) | BIT(23));
	bench_out8(bench, 0x2004, 0);
	assert_int_equal(bench->gsi_levels, BIT(23));
	assert_int_equal(bench_in8(bench, 0x2004), 0xff);
}

static void test_testdev_flush(void **state)
{
	struct fixture *f = *state;

	bench_out8(f->bench, 0xe4, 0xff);
	assert_int_equal(f->flushed, 0);
	bench_out32(f->bench, 0xe4, 0x12345678);
	assert_int_equal(f->flushed, 0x12345000);
}

static void test_testdev_memory(void **state)
{
	struct fixture *f = *state;
	struct io_space *memory = &f->bench->memory;

	io_write(memory, 0xff000000, UINT64_C(0x1122334455667788), 8);
	assert_int_equal(io_read(memory, 0xff000003, 2), 0x4455);
	io_write(memory, 0xff00ffff, 0x99, 1);
	assert_int_equal(io_read(memory, 0xff00fffe, 2), 0x9900);
	assert_int_equal(io_read(memory, 0xff010000, 1), 0xff);
	assert_true(bench_round_trip(&f->testdev.device));
	f->testdev.device.class->reset(&f->testdev);
	assert_int_equal(io_read(memory, 0xff000000, 8), 0);
	f->testdev.state.irq_levels = BIT(24);
	assert_true(bench_refuses_state(&f->testdev.device));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_port92),
		TEST(test_debug_exit),
		TEST(test_debug_exit_refuses),
		TEST(test_testdev_register),
		TEST(test_testdev_interrupts),
		TEST(test_testdev_flush),
		TEST(test_testdev_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
