// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A bench for ISA chips: a clock moved by hand, spaces, 32 wires that count their edges, a list of
 * devices, and a round trip through saved state.
 */
#pragma once

#include <string.h>

#include "base/clock.h"
#include "bus/device.h"
#include "bus/io.h"
#include "bus/irq.h"

enum {
	BENCH_WIRES = 32,
};

struct bench {
	struct clock clock;
	struct io_space ports, memory;
	struct device_list devices;
	struct irq_line wires[BENCH_WIRES];
	unsigned edges[BENCH_WIRES]; /* rising */
};

static inline void bench_wire_set(void *opaque, unsigned number, bool level)
{
	struct bench *bench = opaque;

	bench->edges[number] += level;
}

static inline void bench_init(struct bench *bench)
{
	memset(bench, 0, sizeof(*bench));
	clock_init(&bench->clock, NULL, NULL);
	clock_set_manual(&bench->clock);
	clock_start(&bench->clock);
	io_space_init(&bench->ports, "ports", 0x10000);
	io_space_init(&bench->memory, "memory", UINT64_C(1) << 36);
	device_list_init(&bench->devices);
	for (unsigned i = 0; i < BENCH_WIRES; i++)
		irq_init(&bench->wires[i], bench_wire_set, bench, i);
}

/* Finishes the devices that were added, which unmap their windows. */
static inline void bench_finish(struct bench *bench)
{
	device_finish_all(&bench->devices);
	io_space_finish(&bench->ports);
	io_space_finish(&bench->memory);
}

static inline void bench_step(struct bench *bench, int64_t ns)
{
	clock_step_to(&bench->clock, clock_now_ns(&bench->clock) + ns);
}

static inline uint8_t bench_in(struct bench *bench, uint16_t port)
{
	return (uint8_t)io_read(&bench->ports, port, 1);
}

static inline void bench_out(struct bench *bench, uint16_t port, uint8_t value)
{
	io_write(&bench->ports, port, value, 1);
}

/* The edges of a wire since the last call. */
static inline unsigned bench_edges(struct bench *bench, unsigned wire)
{
	unsigned edges = bench->edges[wire];

	bench->edges[wire] = 0;
	return edges;
}
