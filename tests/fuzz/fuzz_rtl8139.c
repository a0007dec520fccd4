// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/net/rtl8139.h"
#include "tests/fuzz/nic_fuzz.h"

enum {
	SLOT = 3,
	IO_BAR = 0xc000,
};

/* The registers behind which there is most. */
static const uint32_t registers[] = {
	RTL8139_MAR,      RTL8139_MAR + 4, RTL8139_TSD,      RTL8139_TSD + 4,  RTL8139_TSD + 8,
	RTL8139_TSD + 12, RTL8139_TSAD,    RTL8139_TSAD + 4, RTL8139_TSAD + 8, RTL8139_TSAD + 12,
	RTL8139_RBSTART,  RTL8139_CR,      RTL8139_CAPR,     RTL8139_IMR,      RTL8139_TCR,
	RTL8139_RCR,      RTL8139_TCTR,    RTL8139_TIMERINT, RTL8139_9346CR,   RTL8139_BMCR,
	RTL8139_TPPOLL,   RTL8139_CPCR,    RTL8139_RDSAR,    RTL8139_CONFIG1,  RTL8139_RDSAR + 4,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct chip_ports ports[] = { { IO_BAR, 64 },
						   { IO_BAR + 64, 64 },
						   { IO_BAR + 0xc0, 64 } };
	struct chip_bench *bench = bench_create(NULL);
	struct rtl8139 *card = calloc(1, sizeof(*card));
	const struct rtl8139_wires wires = { .bus = &bench->bus,
					     .clock = &bench->clock,
					     .ram = &bench->ram,
					     .name = "nic0",
					     .slot = SLOT,
					     .mac = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 } };
	struct nic_fuzz nic = { .bench = bench,
				.registers = registers,
				.register_count = ARRAY_SIZE(registers),
				.window = IO_BAR,
				.window_bytes = RTL8139_BYTES };
	struct chip_fuzz fuzz = { .bench = bench,
				  .ports = ports,
				  .port_ranges = ARRAY_SIZE(ports),
				  .devfn = SLOT << 3,
				  .other = nic_fuzz_other,
				  .opaque = &nic };

	if (!card || rtl8139_init(card, &wires, NULL) < 0)
		abort();
	fuzz.device = &card->device;
	nic.card = &card->port;
	nic.peer = nic_peer_create(&card->port);
	bench_config_write(bench, SLOT, 0, PCI_BASE_ADDRESS_0, IO_BAR, 4);
	bench_config_write(bench, SLOT, 0, PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MASTER, 2);
	chip_run(&fuzz, data, size);
	nic_peer_destroy(nic.peer);
	card->device.class->finish(card);
	bench_destroy(bench);
	free(card);
	return 0;
}
