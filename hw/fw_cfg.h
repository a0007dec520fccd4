// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The firmware configuration port: numbered items and named files that the firmware (SeaBIOS, OVMF)
 * and guests read, byte by byte, as a string or by DMA. Modelled: selector, data port with string
 * input, file directory, DMA read, skip and select. Not modelled: writable items (a DMA write
 * reports an error).
 */
#pragma once

#include "bus/device.h"
#include "bus/io.h"
#include "bus/ram.h"
#include "hw/fw_cfg_regs.h"

struct err;

enum {
	FW_CFG_MAX_FILES = 96,
	FW_CFG_MAX_KEYS = 24,
	FW_CFG_MAX_FILL = 16 << 20, /* zeros that one DMA read may ask for behind an item's end */
};

/** All of it a guest can observe, beside the items, which are configuration. */
struct fw_cfg_state {
	uint64_t dma_address;
	uint32_t offset; /* of the next byte of the selected item */
	uint16_t key;
	uint16_t reserved;
};

struct fw_cfg_item {
	uint16_t key;
	uint32_t length;
	const uint8_t *data; /* borrowed */
};

struct fw_cfg {
	struct fw_cfg_state state;
	struct device device;
	struct io_window window;
	struct ram *ram;
	const struct fw_cfg_item *selected; /* NULL: reads as zeros */
	unsigned key_count, file_count;
	struct fw_cfg_item keys[FW_CFG_MAX_KEYS];
	struct fw_cfg_item files[FW_CFG_MAX_FILES];
	struct fw_cfg_item directory_item;
	uint8_t directory[FW_CFG_DIR_COUNT_SIZE + FW_CFG_MAX_FILES * FW_CFG_DIR_ENTRY_SIZE];
};

/** Puts the port into its power-on state with signature, id and an empty directory, and maps it. 0
 * or io_map's error. */
int fw_cfg_init(struct fw_cfg *fw, struct io_space *ports, struct ram *ram);

/**
 * Item 'key', for instance FW_CFG_UUID. 'data' is borrowed until the port ends. A key that is there
 * gets the new data. 0 or -ENOSPC.
 */
int fw_cfg_set_key(struct fw_cfg *fw, uint16_t key, const void *data, uint32_t length);

/**
 * File 'name' (at most 55 characters). 'data' is borrowed until the port ends. A file that is there
 * gets the new data and keeps its key, so that the boot order can change at a reset. 0, -ENOSPC, or
 * -ENAMETOOLONG, with a sentence.
 */
int fw_cfg_set_file(struct fw_cfg *fw, const char *name, const void *data, uint32_t length,
		    struct err *err);
