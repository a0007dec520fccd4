// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/fuzz/isa_fuzz.h"

#include "hw/hpet.h"

static const uint16_t registers[] = {
	0x000, 0x010, 0x020, 0x0f0, 0x100, 0x108, 0x110, 0x120,
	0x128, 0x130, 0x140, 0x148, 0x150, 0x160, 0x0f4, 0x10c,
};

static uint64_t take_value(struct fuzz_input *input)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < 8; i++)
		value = value << 8 | fuzz_take(input);
	return value;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint64_t base = 0xfed00000;
	struct fuzz_input input = { data, size };
	struct hpet_wires wires = { 0 };
	struct bench bench;
	struct hpet hpet;
	unsigned steps = 0;

	bench_init(&bench);
	wires.irq0 = &bench.wires[0];
	wires.irq8 = &bench.wires[8];
	for (unsigned gsi = 16; gsi < HPET_GSI_COUNT; gsi++)
		wires.gsi[gsi] = &bench.wires[gsi];
	hpet_init(&hpet, &bench.clock, &wires);
	device_add(&bench.devices, &hpet.device);
	io_map(&bench.memory, &hpet.window, base);
	while (input.count > 0) {
		uint8_t op = fuzz_take(&input);
		uint64_t address = base + registers[op >> 2 & 15];

		switch (op & 3) {
		case 0:
			io_write(&bench.memory, address, take_value(&input), op & 0x40 ? 4 : 8);
			break;
		case 1:
			io_write(&bench.memory, address, fuzz_take(&input), 1u << (op >> 6));
			break;
		case 2:
			io_read(&bench.memory, address + (op & 0x80 ? 3 : 0), 1u << (op >> 6));
			break;
		default:
			if (op & 0x80)
				device_reset_all(&bench.devices);
			else if (op & 0x40)
				irq_set(&hpet.rtc, (op & 4) != 0);
			else if (++steps < 16) /* long ones cost a lot of interrupts */
				bench_step(&bench, (int64_t)(fuzz_take(&input) + 1)
							   << (op >> 2 & 15) << 6);
			break;
		}
	}
	fuzz_check_saving(&bench);
	bench_finish(&bench);
	return 0;
}
