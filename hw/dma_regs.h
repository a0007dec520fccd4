// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Registers of the Intel 8237A DMA controller (data sheet 231466) and of the AT's page registers.
 * On the AT the first controller has a register a port, the second one a register every two ports.
 */
#pragma once

enum dma_port {
	DMA1_PORT = 0x00,
	DMA1_PORTS = 0x10,
	DMA2_PORT = 0xc0,
	DMA2_PORTS = 0x20,
	DMA_PAGE_PORT = 0x80,
	DMA_PAGE_PORTS = 0x10,
};

/* Below 8: current address (even) and count (odd) of the channels, low byte and high byte in turn.
 */
enum dma_register {
	DMA_CHANNEL_REGISTERS = 0x8,
	DMA_STATUS = 0x8,          /* read */
	DMA_COMMAND = 0x8,         /* write */
	DMA_REQUEST = 0x9,         /* write: software request */
	DMA_SINGLE_MASK = 0xa,     /* write */
	DMA_MODE = 0xb,            /* write */
	DMA_CLEAR_FLIP_FLOP = 0xc, /* write */
	DMA_TEMPORARY = 0xd,       /* read */
	DMA_MASTER_CLEAR = 0xd,    /* write */
	DMA_CLEAR_MASK = 0xe,      /* write */
	DMA_ALL_MASK = 0xf,        /* write; the PIIX reads it back */
};

enum dma_bits {
	DMA_COMMAND_DISABLE = 0x04,
	DMA_SELECT = 0x03, /* channel, in REQUEST, SINGLE_MASK, MODE */
	DMA_SELECT_SET = 0x04,
	DMA_MASK_ALL = 0x0f,
	DMA_STATUS_REQUEST_SHIFT = 4,
	DMA_MODE_TYPE = 0x0c,
	DMA_MODE_VERIFY = 0x00, /* counts, moves nothing */
	DMA_MODE_WRITE = 0x04,  /* to memory */
	DMA_MODE_READ = 0x08,   /* from memory */
	DMA_MODE_AUTO = 0x10,   /* reload at terminal count */
	DMA_MODE_DOWN = 0x20,
	DMA_MODE_KIND = 0xc0,
	DMA_MODE_CASCADE = 0xc0,
	DMA_MODE_STORED = 0xfc,
};
