// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Registers, bits and structures in memory of a host bus adapter by "Serial ATA Advanced Host
 * Controller Interface (AHCI) 1.3.1"; section numbers are its. Frames (FIS): Serial ATA 2.6, 10.3.
 */
#pragma once

/** In the adapter's window (ABAR), of the whole adapter; section 3.1. */
enum ahci_register {
	AHCI_CAP = 0x00,
	AHCI_GHC = 0x04, /* global control */
	AHCI_IS = 0x08,  /* a bit a port; write 1 to clear */
	AHCI_PI = 0x0c,  /* ports implemented */
	AHCI_VS = 0x10,
	AHCI_PORT_BASE = 0x100, /* the first port's registers */
	AHCI_PORT_BYTES = 0x80,
	AHCI_WINDOW_BYTES = 0x1000,
};

enum ahci_cap_bits {
	AHCI_CAP_NP_SHIFT = 0,  /* ports, less one */
	AHCI_CAP_NCS_SHIFT = 8, /* slots, less one */
	AHCI_CAP_SAM = 1 << 18, /* there is no mode but this */
	AHCI_CAP_ISS_SHIFT = 20,
	AHCI_CAP_SCLO = 1 << 24,
	AHCI_CAP_SNCQ = 1 << 30,
};
#define AHCI_CAP_S64A 0x80000000u

enum ahci_ghc_bits {
	AHCI_GHC_HR = 1 << 0, /* reset; falls when it is done */
	AHCI_GHC_IE = 1 << 1,
};
#define AHCI_GHC_AE 0x80000000u

enum ahci_version {
	AHCI_VERSION_1_3_1 = 0x00010301,
};

/** Of a port; section 3.3. */
enum ahci_port_register {
	AHCI_PXCLB = 0x00, /* command list, 1 KiB aligned */
	AHCI_PXCLBU = 0x04,
	AHCI_PXFB = 0x08, /* received frames, 256 bytes aligned */
	AHCI_PXFBU = 0x0c,
	AHCI_PXIS = 0x10,
	AHCI_PXIE = 0x14,
	AHCI_PXCMD = 0x18,
	AHCI_PXTFD = 0x20, /* the drive's status and error */
	AHCI_PXSIG = 0x24,
	AHCI_PXSSTS = 0x28,
	AHCI_PXSCTL = 0x2c,
	AHCI_PXSERR = 0x30,
	AHCI_PXSACT = 0x34, /* commands in the drive's queue; write 1 to set */
	AHCI_PXCI = 0x38,   /* commands issued; write 1 to set */
	AHCI_PXSNTF = 0x3c,
	AHCI_PXFBS = 0x40,
};

/** PxIS and PxIE. */
enum ahci_interrupt_bits {
	AHCI_IS_DHRS = 1 << 0,  /* a register frame came */
	AHCI_IS_PSS = 1 << 1,   /* data behind a PIO setup frame were moved */
	AHCI_IS_DSS = 1 << 2,   /* a DMA setup frame came */
	AHCI_IS_SDBS = 1 << 3,  /* a set device bits frame came */
	AHCI_IS_DPS = 1 << 5,   /* a descriptor with the I bit was done */
	AHCI_IS_PCS = 1 << 6,   /* shows PxSERR.DIAG.X */
	AHCI_IS_PRCS = 1 << 22, /* shows PxSERR.DIAG.N */
	AHCI_IS_OFS = 1 << 24,  /* the table was shorter than the drive's data */
	AHCI_IS_HBDS = 1 << 28, /* data are not in RAM */
	AHCI_IS_HBFS = 1 << 29, /* a list, table or frame is not in RAM */
	AHCI_IS_TFES = 1 << 30, /* the drive's status has ERR */
};
#define AHCI_IE_MASK 0xfdc000ffu

enum ahci_command_bits {
	AHCI_CMD_ST = 1 << 0, /* commands are fetched */
	AHCI_CMD_SUD = 1 << 1,
	AHCI_CMD_POD = 1 << 2,
	AHCI_CMD_CLO = 1 << 3, /* BSY and DRQ are to be forgotten; falls at once */
	AHCI_CMD_FRE = 1 << 4, /* frames are put into memory */
	AHCI_CMD_CCS_SHIFT = 8,
	AHCI_CMD_FR = 1 << 14,
	AHCI_CMD_CR = 1 << 15,
	AHCI_CMD_ATAPI = 1 << 24,
	AHCI_CMD_DLAE = 1 << 25,
	AHCI_CMD_WRITABLE = AHCI_CMD_ST | AHCI_CMD_FRE | AHCI_CMD_ATAPI | AHCI_CMD_DLAE,
};

/** PxSSTS and PxSCTL. */
enum ahci_link_bits {
	AHCI_DET_MASK = 0xf,
	AHCI_DET_NONE = 0x0,
	AHCI_DET_RESET = 0x1, /* PxSCTL: COMRESET is sent as long as it is set */
	AHCI_DET_UP = 0x3,    /* PxSSTS: a drive, and we talk */
	AHCI_DET_OFF = 0x4,   /* the interface is off */
	AHCI_SPD_MASK = 0xf0,
	AHCI_SPD_1 = 0x10, /* 1.5 Gbit/s */
	AHCI_SPD_2 = 0x20, /* 3 Gbit/s */
	AHCI_IPM_ACTIVE = 0x100,
	AHCI_SCTL_MASK = 0xfff,
};

enum ahci_serr_bits {
	AHCI_SERR_N = 1 << 16, /* the link went up or down */
	AHCI_SERR_X = 1 << 26, /* a drive has come (COMINIT) */
};

enum ahci_signature {
	AHCI_SIG_NONE = -1,
	AHCI_TFD_NO_DRIVE = 0x7f,
};

/** A command header in the command list; section 4.2.2. */
enum ahci_header {
	AHCI_HEADER_BYTES = 32,
	AHCI_HEADER_ATAPI = 1 << 5, /* the packet is in the table */
	AHCI_HEADER_CLEAR_BUSY = 1 << 10,
	AHCI_HEADER_PRDTL_SHIFT = 16,
	AHCI_HEADER_PRDBC = 4, /* offset: bytes moved, by the adapter */
	AHCI_HEADER_CTBA = 8,
	AHCI_CTBA_ALIGNMENT = 128,
};

/** A command table; section 4.2.3. */
enum ahci_table {
	AHCI_TABLE_FIS = 0x00,
	AHCI_TABLE_PACKET = 0x40,
	AHCI_TABLE_PRDT = 0x80,
};

/** Where frames are put; section 4.2.1. */
enum ahci_received {
	AHCI_RECEIVED_DMA_SETUP = 0x00,
	AHCI_RECEIVED_PIO_SETUP = 0x20,
	AHCI_RECEIVED_REGISTERS = 0x40,
	AHCI_RECEIVED_DEVICE_BITS = 0x58,
};

enum fis_type {
	FIS_REGISTERS_TO_DRIVE = 0x27,
	FIS_REGISTERS = 0x34,
	FIS_DMA_SETUP = 0x41,
	FIS_PIO_SETUP = 0x5f,
	FIS_DEVICE_BITS = 0xa1,
};

/** Offsets in register frames, both ways; a PIO setup frame begins like one. */
enum fis_field {
	FIS_TYPE = 0,
	FIS_FLAGS = 1,
	FIS_COMMAND = 2, /* to the drive */
	FIS_STATUS = 2,  /* from it */
	FIS_FEATURES = 3,
	FIS_ERROR = 3,
	FIS_LBA_LOW = 4,
	FIS_LBA_MID = 5,
	FIS_LBA_HIGH = 6,
	FIS_DEVICE = 7,
	FIS_LBA_LOW_EXT = 8,
	FIS_LBA_MID_EXT = 9,
	FIS_LBA_HIGH_EXT = 10,
	FIS_FEATURES_EXT = 11,
	FIS_COUNT = 12,
	FIS_COUNT_EXT = 13,
	FIS_CONTROL = 15,    /* to the drive */
	FIS_END_STATUS = 15, /* PIO setup */
	FIS_PIO_BYTES = 16,  /* PIO setup: of the data that follow */
	FIS_REGISTERS_BYTES = 20,
	FIS_ACTIVE = 4, /* set device bits: commands that are done */
	FIS_DEVICE_BITS_BYTES = 8,
	FIS_DMA_TAG = 4, /* DMA setup */
	FIS_DMA_BYTES = 20,
	FIS_DMA_SETUP_BYTES = 28,
};

enum fis_flags {
	FIS_TO_HOST = 0x20, /* DMA and PIO setup */
	FIS_INTERRUPT = 0x40,
	FIS_IS_COMMAND = 0x80, /* to the drive: the command register was written, not control */
};

enum fis_queued {
	FIS_TAG_SHIFT = 3,             /* in Sector Count */
	FIS_FUA = 0x80,                /* in Device */
	FIS_DEVICE_BITS_STATUS = 0x77, /* what a set device bits frame carries of the status */
};
