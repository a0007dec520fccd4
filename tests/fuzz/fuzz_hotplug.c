// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/hotplug.h"
#include "tests/fuzz/chip_fuzz.h"

static const struct chip_ports ports[] = { { 0xafe0, 4 }, { 0xaf00, 32 }, { 0xae00, 16 } };

static void set_cpu(void *opaque, struct chip_input *input, uint8_t op)
{
	hotplug_set_cpu(opaque, chip_take(input), (op & 1) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct chip_bench *bench = bench_create(NULL);
	struct hotplug hotplug;
	const struct hotplug_wires wires = {
		.ports = &bench->ports,
		.gpe = &bench->gsis[9],
		.cpus = 1,
		.max_cpus = 100,
	};
	struct chip_fuzz fuzz = { bench, &hotplug.device, ports,   ARRAY_SIZE(ports),
				  0,     set_cpu,         &hotplug };

	if (hotplug_init(&hotplug, &wires, NULL) < 0)
		abort();
	chip_run(&fuzz, data, size);
	if (((bench->gsi_levels & BIT(9)) != 0) !=
	    ((hotplug.state.status & hotplug.state.enable) != 0))
		abort();
	hotplug.device.class->finish(&hotplug);
	bench_destroy(bench);
	return 0;
}
