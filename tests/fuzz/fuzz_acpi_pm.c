// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/acpi_pm.h"
#include "tests/fuzz/chip_fuzz.h"

/* The PM ports where a BIOS puts them, the SMBus host, the APM ports. */
static const struct chip_ports ports[] = { { 0x600, 64 }, { 0x700, 16 }, { 0xb2, 2 } };

static void signal_event(void *opaque, struct chip_input *input, uint8_t op)
{
	struct acpi_pm *pm = opaque;

	(void)input;
	if (op & 4)
		irq_set(acpi_pm_gpe_input(pm), (op & 8) != 0);
	else
		acpi_pm_signal(pm, (enum acpi_pm_event)(op & 3));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct chip_bench *bench = bench_create(NULL);
	struct acpi_pm pm;
	const struct acpi_pm_wires wires = {
		.bus = &bench->bus,
		.ports = &bench->ports,
		.clock = &bench->clock,
		.power = &bench->power,
		.sci = &bench->gsis[9],
		.has_events = size > 0 && (data[0] & 0x80) == 0,
	};
	struct chip_fuzz fuzz = { bench,      &pm.device,   ports, ARRAY_SIZE(ports),
				  1 << 3 | 3, signal_event, &pm };

	if (acpi_pm_init(&pm, &wires, NULL) < 0)
		abort();
	pci_bus_config_write(&bench->bus, fuzz.devfn, 0x40, 0x601, 4);
	pci_bus_config_write(&bench->bus, fuzz.devfn, 0x80, 1, 1);
	pci_bus_config_write(&bench->bus, fuzz.devfn, 0x90, 0x701, 4);
	pci_bus_config_write(&bench->bus, fuzz.devfn, 0xd2, 9, 1);
	chip_run(&fuzz, data, size);
	pm.device.class->finish(&pm);
	bench_destroy(bench);
	return 0;
}
