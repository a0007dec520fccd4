// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i440fx.h"
#include "tests/fuzz/chip_fuzz.h"

static const struct chip_ports ports[] = { { 0xcf8, 8 } };

static void check_pam(void *opaque, unsigned segment, uint64_t base, uint64_t bytes, bool read_ram,
		      bool write_ram)
{
	(void)opaque;
	(void)read_ram;
	(void)write_ram;
	if (segment >= I440FX_PAM_SEGMENTS || base < 0xc0000 || base + bytes > 0x100000)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct chip_bench *bench = bench_create(NULL);
	struct i440fx bridge;
	const struct i440fx_wires wires = {
		.bus = &bench->bus,
		.ports = &bench->ports,
		.power = &bench->power,
		.ram_bytes = UINT64_C(1) << 30,
		.pam_changed = check_pam,
	};
	struct chip_fuzz fuzz = { bench, &bridge.device, ports, ARRAY_SIZE(ports), 0, NULL, NULL };

	if (i440fx_init(&bridge, &wires, NULL) < 0)
		abort();
	chip_run(&fuzz, data, size);
	bridge.device.class->finish(&bridge);
	bench_destroy(bench);
	return 0;
}
