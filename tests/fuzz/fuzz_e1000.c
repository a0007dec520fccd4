// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/net/e1000.h"
#include "tests/fuzz/nic_fuzz.h"

#define BAR UINT32_C(0xfe000000)

enum {
	SLOT = 3,
	IO_BAR = 0xc000,
};

/* The registers behind which there is most. */
static const uint32_t registers[] = {
	E1000_CTRL,  E1000_EECD,   E1000_EERD,   E1000_MDIC, E1000_VET,  E1000_ITR,
	E1000_ICS,   E1000_IMS,    E1000_IMC,    E1000_RCTL, E1000_TCTL, E1000_RDBAL,
	E1000_RDLEN, E1000_RDH,    E1000_RDT,    E1000_RDTR, E1000_RADV, E1000_TDBAL,
	E1000_TDLEN, E1000_TDH,    E1000_TDT,    E1000_TIDV, E1000_TADV, E1000_RSRPD,
	E1000_RA,    E1000_RXCSUM, E1000_RA + 4, E1000_MTA,  E1000_VFTA, E1000_TDBAH,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct chip_ports ports[] = { { IO_BAR, E1000_IO_BYTES } };
	struct chip_bench *bench = bench_create(NULL);
	struct e1000 *card = calloc(1, sizeof(*card));
	const struct e1000_wires wires = { .bus = &bench->bus,
					   .clock = &bench->clock,
					   .ram = &bench->ram,
					   .name = "nic0",
					   .model = (enum e1000_model)(size % 3),
					   .slot = SLOT,
					   .mac = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 } };
	struct nic_fuzz nic = { .bench = bench,
				.registers = registers,
				.register_count = ARRAY_SIZE(registers),
				.window = BAR,
				.window_bytes = E1000_MEMORY_BYTES,
				.is_memory = true };
	struct chip_fuzz fuzz = { .bench = bench,
				  .ports = ports,
				  .port_ranges = ARRAY_SIZE(ports),
				  .devfn = SLOT << 3,
				  .other = nic_fuzz_other,
				  .opaque = &nic };

	if (!card || e1000_init(card, &wires, NULL) < 0)
		abort();
	fuzz.device = &card->device;
	nic.card = &card->port;
	nic.peer = nic_peer_create(&card->port);
	bench_config_write(bench, SLOT, 0, PCI_BASE_ADDRESS_0, BAR, 4);
	bench_config_write(bench, SLOT, 0, PCI_BASE_ADDRESS_0 + 4, IO_BAR, 4);
	bench_config_write(bench, SLOT, 0, PCI_COMMAND,
			   PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
	chip_run(&fuzz, data, size);
	nic_peer_destroy(nic.peer);
	card->device.class->finish(card);
	bench_destroy(bench);
	free(card);
	return 0;
}
