// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How fuzz input becomes a guest's doings at a chip on the bench. Each operation is one byte, its
 * operands follow: bits 0 and 1 choose port access, configuration cycle, step of time, or the
 * target's own hook; bit 2 a write; bits 3 and 4 the size. What a guest can bring about must be
 * loadable after it was saved: that is checked at the end.
 */
#pragma once

#include "tests/lib/chip_bench.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct chip_input {
	const uint8_t *bytes;
	size_t count;
};

struct chip_ports {
	uint16_t base, count;
};

/** What is on the bench: ports to hit, the PCI function in slot 'devfn', and what else can happen.
 */
struct chip_fuzz {
	struct chip_bench *bench;
	struct device *device;
	const struct chip_ports *ports;
	size_t port_ranges;
	unsigned devfn;
	void (*other)(void *opaque, struct chip_input *input, uint8_t op);
	void *opaque;
};

static inline uint8_t chip_take(struct chip_input *input)
{
	if (input->count == 0)
		return 0;
	input->count--;
	return *input->bytes++;
}

static inline uint32_t chip_take_value(struct chip_input *input, unsigned size)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < size; i++)
		value |= (uint32_t)chip_take(input) << (8 * i);
	return value;
}

static inline void chip_access_port(const struct chip_fuzz *fuzz, struct chip_input *input,
				    uint8_t op, unsigned size)
{
	uint8_t where = chip_take(input);
	const struct chip_ports *range = &fuzz->ports[(where >> 6) % fuzz->port_ranges];
	uint16_t port = (uint16_t)(range->base + (where & 63) % range->count);

	if (op & 4)
		io_write(&fuzz->bench->ports, port, chip_take_value(input, size), size);
	else
		io_read(&fuzz->bench->ports, port, size);
}

static inline void chip_access_config(const struct chip_fuzz *fuzz, struct chip_input *input,
				      uint8_t op, unsigned size)
{
	unsigned offset = chip_take(input);

	if (op & 4)
		pci_bus_config_write(&fuzz->bench->bus, fuzz->devfn, offset,
				     chip_take_value(input, size), size);
	else
		pci_bus_config_read(&fuzz->bench->bus, fuzz->devfn, offset, size);
}

/* Up to about 18 hours, short steps as likely as long ones. */
static inline void chip_step(const struct chip_fuzz *fuzz, struct chip_input *input)
{
	unsigned shift = chip_take(input) % 39;
	int64_t step_ns = (int64_t)(chip_take(input) + 1) << shift;

	clock_step_to(&fuzz->bench->clock, clock_now_ns(&fuzz->bench->clock) + step_ns);
}

static inline void chip_run(const struct chip_fuzz *fuzz, const uint8_t *data, size_t count)
{
	struct chip_input input = { data, count };

	while (input.count > 0) {
		uint8_t op = chip_take(&input);
		unsigned size = 1u << (op >> 3 & 3) % 3;

		switch (op & 3) {
		case 0:
			chip_access_port(fuzz, &input, op, size);
			break;
		case 1:
			chip_access_config(fuzz, &input, op, size);
			break;
		case 2:
			chip_step(fuzz, &input);
			break;
		default:
			if (op == 0xff)
				fuzz->device->class->reset(fuzz->device->self);
			else if (fuzz->other)
				fuzz->other(fuzz->opaque, &input, op >> 2);
			break;
		}
	}
	if (fuzz->device->class->table && !bench_round_trip(fuzz->device))
		abort();
}
