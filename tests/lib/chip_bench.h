// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A bench for one chip: two empty address spaces, a PCI bus, a clock moved by hand, 24 interrupt
 * wires, a megabyte of RAM, and a power port that only takes notes. For unit tests and fuzz
 * targets.
 */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "bus/device.h"
#include "bus/io.h"
#include "bus/pci_bus.h"
#include "bus/power.h"
#include "bus/ram.h"

enum {
	BENCH_GSIS = 24,
	BENCH_RAM_BYTES = 1 << 20,
};

struct chip_bench {
	struct io_space ports, memory;
	struct pci_bus bus;
	struct clock clock;
	struct power power;
	struct ram ram;
	struct irq_line gsis[BENCH_GSIS];
	uint32_t gsi_levels; /* as the far ends saw them */
	/* What was asked of the power port. */
	unsigned requests;
	enum power_request request;
	const char *cause;
	uint32_t argument;
	uint8_t bytes[BENCH_RAM_BYTES];
};

static inline void bench_take_request(void *opaque, enum power_request request, const char *cause,
				      uint32_t argument)
{
	struct chip_bench *bench = opaque;

	bench->requests++;
	bench->request = request;
	bench->cause = cause;
	bench->argument = argument;
}

static inline void bench_take_gsi(void *opaque, unsigned number, bool level)
{
	struct chip_bench *bench = opaque;

	bench->gsi_levels = replace_bits(bench->gsi_levels, BIT(number), level ? BIT(number) : 0);
}

static inline void *bench_map(void *opaque, uint64_t gpa, size_t *length, bool write)
{
	struct chip_bench *bench = opaque;

	(void)write;
	if (gpa >= BENCH_RAM_BYTES)
		return NULL;
	*length = min_size(*length, (size_t)(BENCH_RAM_BYTES - gpa));
	return bench->bytes + gpa;
}

static inline void bench_unmap(void *opaque, void *host, size_t length, size_t written)
{
	(void)opaque;
	(void)host;
	(void)length;
	(void)written;
}

/** A bench on the heap; 'intx' is where the PCI bus drives its interrupts to. */
static inline struct chip_bench *bench_create(const struct pci_intx_sink *intx)
{
	static const struct ram_ops ram_ops = { .map = bench_map, .unmap = bench_unmap };
	static const struct pci_intx_sink nowhere;
	struct chip_bench *bench = calloc(1, sizeof(*bench));

	if (!bench)
		abort();
	io_space_init(&bench->ports, "ports", 0x10000);
	io_space_init(&bench->memory, "memory", UINT64_C(1) << 40);
	pci_bus_init(&bench->bus, &bench->ports, &bench->memory, intx ? intx : &nowhere);
	clock_init(&bench->clock, NULL, NULL);
	clock_set_manual(&bench->clock);
	bench->power = (struct power){ .opaque = bench, .request = bench_take_request };
	bench->ram = (struct ram){ .ops = &ram_ops, .opaque = bench, .low_bytes = BENCH_RAM_BYTES };
	for (unsigned i = 0; i < BENCH_GSIS; i++)
		irq_init(&bench->gsis[i], bench_take_gsi, bench, i);
	return bench;
}

/** The chips must have been finished. */
static inline void bench_destroy(struct chip_bench *bench)
{
	io_space_finish(&bench->ports);
	io_space_finish(&bench->memory);
	free(bench);
}

static inline uint8_t bench_in8(struct chip_bench *bench, uint16_t port)
{
	return (uint8_t)io_read(&bench->ports, port, 1);
}

static inline uint16_t bench_in16(struct chip_bench *bench, uint16_t port)
{
	return (uint16_t)io_read(&bench->ports, port, 2);
}

static inline uint32_t bench_in32(struct chip_bench *bench, uint16_t port)
{
	return (uint32_t)io_read(&bench->ports, port, 4);
}

static inline void bench_out8(struct chip_bench *bench, uint16_t port, uint8_t value)
{
	io_write(&bench->ports, port, value, 1);
}

static inline void bench_out16(struct chip_bench *bench, uint16_t port, uint16_t value)
{
	io_write(&bench->ports, port, value, 2);
}

static inline void bench_out32(struct chip_bench *bench, uint16_t port, uint32_t value)
{
	io_write(&bench->ports, port, value, 4);
}

/** Configuration cycles to slot and function by the bus itself. */
static inline uint32_t bench_config_read(struct chip_bench *bench, unsigned slot, unsigned function,
					 unsigned offset, unsigned size)
{
	return pci_bus_config_read(&bench->bus, slot << 3 | function, offset, size);
}

static inline void bench_config_write(struct chip_bench *bench, unsigned slot, unsigned function,
				      unsigned offset, uint32_t value, unsigned size)
{
	pci_bus_config_write(&bench->bus, slot << 3 | function, offset, value, size);
}

/**
 * Saves the device, scribbles over its state, loads it. True if every byte is back, and the table
 * names every byte.
 */
static inline bool bench_round_trip(struct device *device)
{
	const struct state_table *table = device->class->table;
	uint8_t *state = (uint8_t *)device->self + device->class->state_offset;
	uint8_t *before = malloc(table->struct_size);
	struct state_writer writer;
	struct device_list list;
	bool same;

	if (!before)
		abort();
	device_list_init(&list);
	device_add(&list, device);
	state_writer_init(&writer);
	device_save_all(&list, &writer);
	memcpy(before, state, table->struct_size);
	memset(state, 1, table->struct_size);
	same = device_load_all(&list, writer.bytes, writer.length, NULL) == 0 &&
	       memcmp(before, state, table->struct_size) == 0 && state_find_gap(table) < 0;
	state_writer_finish(&writer);
	device_remove(device);
	free(before);
	return same;
}

/** True if the device refuses its present state as loaded, as it must if no register write can
 * produce it. */
static inline bool bench_refuses_state(struct device *device)
{
	struct err err = { .text = "" };

	return device->class->after_load(device->self, &err) < 0 && err.text[0] != '\0';
}
