// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The firmware configuration port, as QEMU's specification "QEMU Firmware Configuration (fw_cfg)
 * Device" lays it down.
 */
#pragma once

/** Offsets from port 0x510. */
enum fw_cfg_port {
	FW_CFG_SELECTOR = 0x0, /* 16 bits, write only */
	FW_CFG_DATA = 0x1,     /* the next byte of the selected item */
	FW_CFG_DMA_HIGH = 0x4, /* upper half of the address of a DMA command, big-endian */
	FW_CFG_DMA_LOW = 0x8,  /* lower half; writing it starts the command */
	FW_CFG_PORT = 0x510,
	FW_CFG_PORT_COUNT = 12,
};

/** Keys of items that are older than files. */
enum fw_cfg_key {
	FW_CFG_SIGNATURE = 0x00, /* "QEMU" */
	FW_CFG_ID = 0x01,        /* fw_cfg_id_bits, 32 bits */
	FW_CFG_UUID = 0x02,
	FW_CFG_RAM_SIZE = 0x03,    /* bytes, 64 bits */
	FW_CFG_NOGRAPHIC = 0x04,   /* 16 bits */
	FW_CFG_NB_CPUS = 0x05,     /* processors present, 16 bits */
	FW_CFG_BOOT_DEVICE = 0x0c, /* first letter of the boot order, 16 bits */
	FW_CFG_NUMA = 0x0d,
	FW_CFG_BOOT_MENU = 0x0e, /* 16 bits */
	FW_CFG_MAX_CPUS = 0x0f,  /* highest APIC id + 1, 16 bits */
	FW_CFG_FILE_DIR = 0x19,
	FW_CFG_FILE_FIRST = 0x20,
	FW_CFG_ARCH_LOCAL = 0x8000,    /* set in keys that belong to the PC */
	FW_CFG_IRQ0_OVERRIDE = 0x8002, /* 1: ISA IRQ 0 arrives at I/O APIC pin 2; 8 bits */
};

/** Selector bits. */
enum fw_cfg_selector_bits {
	FW_CFG_WRITE_CHANNEL = 0x4000, /* ignored: nothing can be written */
	FW_CFG_KEY_MASK = 0xbfff,      /* key proper, with FW_CFG_ARCH_LOCAL */
};

enum fw_cfg_id_bits {
	FW_CFG_ID_TRADITIONAL = 0x1,
	FW_CFG_ID_DMA = 0x2,
};

/** The DMA command in guest memory, big-endian. */
enum fw_cfg_dma_command {
	FW_CFG_DMA_CONTROL = 0, /* 32 bits; key in the upper half */
	FW_CFG_DMA_LENGTH = 4,  /* 32 bits */
	FW_CFG_DMA_ADDRESS = 8, /* 64 bits */
	FW_CFG_DMA_COMMAND_SIZE = 16,
};

enum fw_cfg_dma_control {
	FW_CFG_DMA_ERROR = 0x01,
	FW_CFG_DMA_READ = 0x02,
	FW_CFG_DMA_SKIP = 0x04,
	FW_CFG_DMA_SELECT = 0x08,
	FW_CFG_DMA_WRITE = 0x10,
};

/** An entry of the file directory: size, key, zeros (all big-endian), name. */
enum fw_cfg_dir_entry {
	FW_CFG_DIR_SIZE = 0,
	FW_CFG_DIR_KEY = 4,
	FW_CFG_DIR_NAME = 8,
	FW_CFG_DIR_NAME_SIZE = 56,
	FW_CFG_DIR_ENTRY_SIZE = 64,
	FW_CFG_DIR_COUNT_SIZE = 4,
};
