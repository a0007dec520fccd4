// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/xen_platform.h"
#include "tests/fuzz/chip_fuzz.h"

static void take_unplug(void *opaque, unsigned what)
{
	(void)opaque;
	if (!what || what & ~(unsigned)XEN_UNPLUG_ALL)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct chip_ports ports[] = { { XEN_PLATFORM_PORT, XEN_PLATFORM_PORTS },
						   { 0xc000, XEN_PLATFORM_IO_BYTES } };
	struct chip_bench *bench = bench_create(NULL);
	struct xen_platform platform;
	const struct xen_platform_wires wires = { .bus = &bench->bus,
						  .ports = &bench->ports,
						  .unplug = take_unplug };
	struct chip_fuzz fuzz = { .bench = bench,
				  .device = &platform.device,
				  .ports = ports,
				  .port_ranges = ARRAY_SIZE(ports),
				  .devfn = XEN_PLATFORM_SLOT << 3 };

	if (xen_platform_init(&platform, &wires, NULL) < 0)
		abort();
	bench_config_write(bench, XEN_PLATFORM_SLOT, 0, PCI_BASE_ADDRESS_0, 0xc000, 4);
	bench_config_write(bench, XEN_PLATFORM_SLOT, 0, PCI_COMMAND, PCI_COMMAND_IO, 2);
	chip_run(&fuzz, data, size);
	platform.device.class->finish(&platform);
	bench_destroy(bench);
	return 0;
}
