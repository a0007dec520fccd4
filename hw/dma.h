// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The two 8237A DMA controllers of the AT and the page registers beside them. Devices on the ISA
 * bus move bytes through struct isa_dma; the page registers without a channel are the storage that
 * programs take them for (port 0x80 is where a BIOS shows its progress).
 *
 * Not modelled: bus timing, priorities, memory-to-memory transfers, software requests, the cascade
 * (channel 4 moves nothing and does not gate the first controller).
 */
#pragma once

#include "bus/device.h"
#include "bus/io.h"
#include "bus/isa_dma.h"
#include "bus/ram.h"

struct err;

enum {
	DMA_CHIPS = 2,
	DMA_CHIP_CHANNELS = 4,
	DMA_PAGES = 16,
};

struct dma_channel_state {
	uint16_t base_address, base_count;
	uint16_t address, count; /* current; words on the second controller */
	uint8_t mode;
	uint8_t reserved; /* zero */
};

struct dma_chip_state {
	struct dma_channel_state channels[DMA_CHIP_CHANNELS];
	uint8_t command;
	uint8_t mask;
	uint8_t terminal; /* terminal count reached; reading the status clears it */
	uint8_t done;     /* the same for the devices; programming the channel clears it */
	uint8_t requests; /* DREQ */
	bool flip_flop;   /* the next byte is a high one */
};

struct dma_state {
	struct dma_chip_state chips[DMA_CHIPS];
	uint8_t pages[DMA_PAGES];
};
extern const struct state_table dma_state_table;

struct dma_chip {
	struct dma_chip_state *state;
	struct io_window window;
	unsigned shift; /* ports a register: 1 << shift; also bytes a transfer */
};

struct dma {
	struct device device;
	struct dma_state state;
	struct dma_chip chips[DMA_CHIPS];
	struct io_window pages;
	struct ram *ram;
};

/** Power-on state, mapped. 'ram' is borrowed. 0, or -errno and a sentence. */
int dma_init(struct dma *dma, struct io_space *ports, struct ram *ram, struct err *err);

/** What ISA devices are given. One call moves at most up to terminal count; an auto-initialised
 * channel then starts anew. */
struct isa_dma dma_isa_port(struct dma *dma);
