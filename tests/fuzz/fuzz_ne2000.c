// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/net/ne2000.h"
#include "tests/fuzz/nic_fuzz.h"

enum {
	SLOT = 3,
	IO_BAR = 0xc000,
};

/* All of them, and the data port more often. */
static const uint32_t registers[] = {
	0,
	1,
	2,
	3,
	4,
	5,
	6,
	7,
	8,
	9,
	10,
	11,
	12,
	13,
	14,
	15,
	NE2000_DATA_PORT,
	NE2000_DATA_PORT,
	NE2000_DATA_PORT,
	NE2000_RESET_PORT,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct chip_ports ports[] = { { IO_BAR, NE2000_IO_BYTES } };
	struct chip_bench *bench = bench_create(NULL);
	struct ne2000 *card = calloc(1, sizeof(*card));
	const struct ne2000_wires wires = { .bus = &bench->bus,
					    .name = "nic0",
					    .slot = SLOT,
					    .mac = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 } };
	struct nic_fuzz nic = { .bench = bench,
				.registers = registers,
				.register_count = ARRAY_SIZE(registers),
				.window = IO_BAR,
				.window_bytes = NE2000_IO_BYTES };
	struct chip_fuzz fuzz = { .bench = bench,
				  .ports = ports,
				  .port_ranges = ARRAY_SIZE(ports),
				  .devfn = SLOT << 3,
				  .other = nic_fuzz_other,
				  .opaque = &nic };

	if (!card || ne2000_init(card, &wires, NULL) < 0)
		abort();
	fuzz.device = &card->device;
	nic.card = &card->port;
	nic.peer = nic_peer_create(&card->port);
	bench_config_write(bench, SLOT, 0, PCI_BASE_ADDRESS_0, IO_BAR, 4);
	bench_config_write(bench, SLOT, 0, PCI_COMMAND, PCI_COMMAND_IO, 2);
	chip_run(&fuzz, data, size);
	nic_peer_destroy(nic.peer);
	card->device.class->finish(card);
	bench_destroy(bench);
	free(card);
	return 0;
}
