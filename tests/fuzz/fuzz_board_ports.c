// SPDX-License-Identifier: GPL-2.0-or-later
/* Port 0x92 and the two test devices. */
#include "hw/isa_debug_exit.h"
#include "hw/pc_testdev.h"
#include "hw/port92.h"
#include "tests/fuzz/chip_fuzz.h"

static const struct chip_ports ports[] = { { 0xe0, 12 }, { 0x2000, 24 }, { 0x92, 1 }, { 0xf4, 4 } };

static void access_memory(void *opaque, struct chip_input *input, uint8_t op)
{
	struct chip_bench *bench = opaque;
	uint64_t gpa = 0xff000000 + chip_take_value(input, 2);
	unsigned size = 1u << (op & 3);

	if (op & 4)
		io_write(&bench->memory, gpa, chip_take_value(input, 4), size);
	else
		io_read(&bench->memory, gpa, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pc_testdev testdev;
	struct chip_bench *bench = bench_create(NULL);
	struct pc_testdev_wires wires = { .ports = &bench->ports, .memory = &bench->memory };
	struct isa_debug_exit exit_port;
	struct port92 port92;
	struct chip_fuzz fuzz = { bench, &testdev.device, ports, ARRAY_SIZE(ports),
				  0,     access_memory,   bench };

	for (unsigned i = 0; i < PC_TESTDEV_IRQS; i++)
		wires.irqs[i] = &bench->gsis[i];
	if (port92_init(&port92, &bench->ports, &bench->power, NULL) < 0 ||
	    isa_debug_exit_init(&exit_port, &bench->ports, &bench->power, 0xf4, 4, NULL) < 0 ||
	    pc_testdev_init(&testdev, &wires, NULL) < 0)
		abort();
	chip_run(&fuzz, data, size);
	if (!bench_round_trip(&port92.device) || bench->gsi_levels != testdev.state.irq_levels)
		abort();
	testdev.device.class->finish(&testdev);
	exit_port.device.class->finish(&exit_port);
	port92.device.class->finish(&port92);
	bench_destroy(bench);
	return 0;
}
