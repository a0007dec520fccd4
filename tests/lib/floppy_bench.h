// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The floppy controller on a bench: two drives with disks in memory, and a DMA channel that is
 * plain memory with a count.
 */
#pragma once

#include <stdlib.h>

#include "hw/floppy.h"
#include "tests/lib/fake_block.h"
#include "tests/lib/isa_bench.h"

enum {
	FLOPPY_BENCH_BYTES = 80 * 2 * 18 * 512,
	FLOPPY_BENCH_MEMORY = 64 << 10,
};

struct floppy_bench {
	struct bench bench;
	struct floppy floppy;
	struct medium_slot slots[FLOPPY_DRIVES];
	uint8_t memory[FLOPPY_BENCH_MEMORY];
	size_t at, count; /* of the channel; count 0: masked */
	bool done;
};

static inline size_t floppy_bench_transfer(void *opaque, unsigned channel, void *data,
					   size_t length, bool to_memory)
{
	struct floppy_bench *b = opaque;
	size_t moved = min_size(length, b->count);

	(void)channel;
	if (moved == 0)
		return 0;
	if (to_memory)
		memcpy(b->memory + b->at, data, moved);
	else
		memcpy(data, b->memory + b->at, moved);
	b->at += moved;
	b->count -= moved;
	b->done = b->count == 0;
	return moved;
}

static inline bool floppy_bench_is_done(void *opaque, unsigned channel)
{
	(void)channel;
	return ((struct floppy_bench *)opaque)->done;
}

static inline void floppy_bench_request(void *opaque, unsigned channel, bool level)
{
	(void)opaque;
	(void)channel;
	(void)level;
}

/** Programs the channel. */
static inline void floppy_bench_dma(struct floppy_bench *b, size_t count)
{
	b->at = 0;
	b->count = min_size(count, FLOPPY_BENCH_MEMORY);
	b->done = false;
}

static inline void floppy_bench_init(struct floppy_bench *b)
{
	struct floppy_wires wires = {
		.ports = &b->bench.ports,
		.clock = &b->bench.clock,
		.irq = &b->bench.wires[FLOPPY_IRQ],
		.dma = { b, floppy_bench_transfer, floppy_bench_is_done, floppy_bench_request },
	};

	memset(b, 0, sizeof(*b));
	bench_init(&b->bench);
	if (floppy_init(&b->floppy, &wires, NULL) < 0)
		abort();
	device_add(&b->bench.devices, &b->floppy.device);
	for (unsigned i = 0; i < FLOPPY_DRIVES; i++) {
		b->slots[i].block = fake_block_create(FLOPPY_BENCH_BYTES);
		floppy_attach(&b->floppy, i, FLOPPY_1440K, &b->slots[i]);
	}
}

static inline void floppy_bench_finish(struct floppy_bench *b)
{
	bench_finish(&b->bench);
	for (unsigned i = 0; i < FLOPPY_DRIVES; i++)
		block_close(b->slots[i].block);
}
