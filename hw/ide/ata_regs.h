// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Registers, bits and commands of an ATA or ATAPI device. ATA/ATAPI-7 volume 1, clause 6 (commands)
 * and volume 2, clause 5 (registers); names of withdrawn commands are those of ATA-2.
 */
#pragma once

/** Offsets from the command block's base (1F0h, 170h). */
enum ata_register {
	ATA_DATA = 0,
	ATA_ERROR = 1,    /* read */
	ATA_FEATURES = 1, /* write */
	ATA_SECTOR_COUNT = 2,
	ATA_LBA_LOW = 3,
	ATA_LBA_MID = 4,
	ATA_LBA_HIGH = 5,
	ATA_DEVICE = 6,
	ATA_STATUS = 7,  /* read; ends the interrupt */
	ATA_COMMAND = 7, /* write */
	ATA_REGISTER_COUNT = 8,
};

/** With PACKET: other names for the same registers (clause 6.24). */
enum atapi_register {
	ATAPI_REASON = ATA_SECTOR_COUNT,
	ATAPI_BYTE_COUNT_LOW = ATA_LBA_MID,
	ATAPI_BYTE_COUNT_HIGH = ATA_LBA_HIGH,
};

enum ata_status_bits {
	ATA_ERR = 0x01,
	ATA_CHK = 0x01, /* of a packet device */
	ATA_DRQ = 0x08,
	ATA_DSC = 0x10, /* seek complete; service for a packet device */
	ATA_DF = 0x20,
	ATA_DRDY = 0x40,
	ATA_BSY = 0x80,
};

enum ata_error_bits {
	ATA_ABRT = 0x04,
	ATA_IDNF = 0x10,
	ATA_UNC = 0x40,
	ATA_WP = 0x40,
	ATA_DIAGNOSTIC_PASSED = 0x01,
};

enum ata_device_bits {
	ATA_DEVICE_HEAD = 0x0f,
	ATA_DEVICE_DEV = 0x10,
	ATA_DEVICE_LBA = 0x40,
	ATA_DEVICE_OBSOLETE = 0xa0, /* read as ones by old drivers */
};

/** The control block's register (3F6h, 376h): device control on write, alternate status on read. */
enum ata_control_bits {
	ATA_NIEN = 0x02,
	ATA_SRST = 0x04,
	ATA_HOB = 0x80,
};

enum atapi_reason_bits {
	ATAPI_COD = 0x01, /* command, not data */
	ATAPI_IO = 0x02,  /* to the host */
};

enum ata_features_bits {
	ATAPI_FEATURE_DMA = 0x01, /* PACKET */
	ATA_DSM_TRIM = 0x01,      /* DATA SET MANAGEMENT */
};

enum ata_command {
	ATA_CMD_NOP = 0x00,
	ATA_CMD_DATA_SET_MANAGEMENT = 0x06, /* ACS-2 */
	ATA_CMD_DEVICE_RESET = 0x08,
	ATA_CMD_RECALIBRATE = 0x10, /* to 1Fh */
	ATA_CMD_READ_SECTORS = 0x20,
	ATA_CMD_READ_SECTORS_ONCE = 0x21, /* "without retries" */
	ATA_CMD_READ_SECTORS_EXT = 0x24,
	ATA_CMD_READ_DMA_EXT = 0x25,
	ATA_CMD_READ_NATIVE_MAX_EXT = 0x27,
	ATA_CMD_READ_MULTIPLE_EXT = 0x29,
	ATA_CMD_WRITE_SECTORS = 0x30,
	ATA_CMD_WRITE_SECTORS_ONCE = 0x31,
	ATA_CMD_WRITE_SECTORS_EXT = 0x34,
	ATA_CMD_WRITE_DMA_EXT = 0x35,
	ATA_CMD_WRITE_MULTIPLE_EXT = 0x39,
	ATA_CMD_WRITE_VERIFY = 0x3c,
	ATA_CMD_WRITE_DMA_FUA_EXT = 0x3d,
	ATA_CMD_READ_LOG_EXT = 0x2f, /* ATA-8 ACS */
	ATA_CMD_VERIFY = 0x40,
	ATA_CMD_VERIFY_ONCE = 0x41,
	ATA_CMD_VERIFY_EXT = 0x42,
	ATA_CMD_READ_FPDMA_QUEUED = 0x60, /* SATA 2.6, 13.6 */
	ATA_CMD_WRITE_FPDMA_QUEUED = 0x61,
	ATA_CMD_SEEK = 0x70, /* to 7Fh */
	ATA_CMD_EXECUTE_DIAGNOSTIC = 0x90,
	ATA_CMD_INITIALIZE_PARAMETERS = 0x91,
	ATA_CMD_OLD_STANDBY_IMMEDIATE = 0x94,
	ATA_CMD_OLD_IDLE_IMMEDIATE = 0x95,
	ATA_CMD_OLD_STANDBY = 0x96,
	ATA_CMD_OLD_IDLE = 0x97,
	ATA_CMD_OLD_CHECK_POWER_MODE = 0x98,
	ATA_CMD_OLD_SLEEP = 0x99,
	ATA_CMD_PACKET = 0xa0,
	ATA_CMD_IDENTIFY_PACKET = 0xa1,
	ATA_CMD_SMART = 0xb0,
	ATA_CMD_READ_MULTIPLE = 0xc4,
	ATA_CMD_WRITE_MULTIPLE = 0xc5,
	ATA_CMD_SET_MULTIPLE = 0xc6,
	ATA_CMD_READ_DMA = 0xc8,
	ATA_CMD_READ_DMA_ONCE = 0xc9,
	ATA_CMD_WRITE_DMA = 0xca,
	ATA_CMD_WRITE_DMA_ONCE = 0xcb,
	ATA_CMD_WRITE_MULTIPLE_FUA_EXT = 0xce,
	ATA_CMD_STANDBY_IMMEDIATE = 0xe0,
	ATA_CMD_IDLE_IMMEDIATE = 0xe1,
	ATA_CMD_STANDBY = 0xe2,
	ATA_CMD_IDLE = 0xe3,
	ATA_CMD_READ_BUFFER = 0xe4,
	ATA_CMD_CHECK_POWER_MODE = 0xe5,
	ATA_CMD_SLEEP = 0xe6,
	ATA_CMD_FLUSH_CACHE = 0xe7,
	ATA_CMD_WRITE_BUFFER = 0xe8,
	ATA_CMD_FLUSH_CACHE_EXT = 0xea,
	ATA_CMD_IDENTIFY = 0xec,
	ATA_CMD_SET_FEATURES = 0xef,
	ATA_CMD_READ_NATIVE_MAX = 0xf8,
};

/** Subcommands of SET FEATURES, in the Features register. */
enum ata_feature {
	ATA_FEATURE_WRITE_CACHE_ON = 0x02,
	ATA_FEATURE_TRANSFER_MODE = 0x03, /* the mode is in Sector Count */
	ATA_FEATURE_APM_ON = 0x05,
	ATA_FEATURE_AAM_ON = 0x42,
	ATA_FEATURE_LOOK_AHEAD_OFF = 0x55,
	ATA_FEATURE_KEEP_ON_RESET = 0x66,
	ATA_FEATURE_ECC_4_BYTES = 0xbb,
	ATA_FEATURE_LOOK_AHEAD_ON = 0xaa,
	ATA_FEATURE_WRITE_CACHE_OFF = 0x82,
	ATA_FEATURE_APM_OFF = 0x85,
	ATA_FEATURE_AAM_OFF = 0xc2,
	ATA_FEATURE_DEFAULTS_ON_RESET = 0xcc,
};

/** The transfer mode's upper five bits say the kind, the lower three the number. */
enum ata_transfer_mode {
	ATA_MODE_KIND = 0xf8,
	ATA_MODE_NUMBER = 0x07,
	ATA_MODE_PIO_DEFAULT = 0x00,
	ATA_MODE_PIO_FLOW = 0x08,
	ATA_MODE_SINGLE_DMA = 0x10,
	ATA_MODE_MULTI_DMA = 0x20,
	ATA_MODE_ULTRA_DMA = 0x40,
};

/** CHECK POWER MODE's answer, and the drive's power mode. */
enum ata_power {
	ATA_POWER_STANDBY = 0x00,
	ATA_POWER_IDLE = 0x80,
	ATA_POWER_ACTIVE = 0xff,
};

/** SMART: subcommands in the Features register, keys in LBA Mid and High. */
enum ata_smart {
	SMART_READ_DATA = 0xd0,
	SMART_READ_THRESHOLDS = 0xd1,
	SMART_AUTOSAVE = 0xd2,
	SMART_SAVE_VALUES = 0xd3,
	SMART_EXECUTE_OFFLINE = 0xd4,
	SMART_READ_LOG = 0xd5,
	SMART_ENABLE = 0xd8,
	SMART_DISABLE = 0xd9,
	SMART_RETURN_STATUS = 0xda,
	SMART_KEY_MID = 0x4f,
	SMART_KEY_HIGH = 0xc2,
	SMART_LOG_DIRECTORY = 0x00,
	SMART_LOG_ERRORS = 0x01,
	SMART_LOG_SELF_TESTS = 0x06,
};

/** READ LOG EXT: addresses of logs, and the first bytes of the page about a failed NCQ command
 * (SATA 2.6, 13.7). */
enum ata_log {
	ATA_LOG_DIRECTORY = 0x00,
	ATA_LOG_QUEUE_ERROR = 0x10,
	ATA_QUEUE_LOG_TAG = 0,
	ATA_QUEUE_LOG_STATUS = 2,
	ATA_QUEUE_LOG_ERROR = 3,
	ATA_QUEUE_LOG_LBA_LOW = 4, /* then mid, high */
	ATA_QUEUE_LOG_DEVICE = 7,
	ATA_QUEUE_LOG_LBA_LOW_EXT = 8,
	ATA_QUEUE_LOG_COUNT = 12,
	ATA_QUEUE_LOG_BYTES = 14,
	ATA_LOG_CHECKSUM = 511,
};

/** What a device shows in LBA Mid and High after reset: who it is. */
enum ata_signature {
	ATA_SIGNATURE_PACKET_MID = 0x14,
	ATA_SIGNATURE_PACKET_HIGH = 0xeb,
};

/** Numbers fixed by the standard. */
enum ata_limits {
	ATA_SECTOR_BYTES = 512,
	ATA_QUEUE_DEPTH = 32,
	ATA_MAX_MULTIPLE = 16, /* sectors in a data block of READ and WRITE MULTIPLE */
	ATA_MAX_CYLINDERS = 16383,
	ATA_MAX_HEADS = 16,
	ATA_MAX_SECTORS_PER_TRACK = 63,
	ATA_MAX_LBA28_SECTORS = 0x0fffffff,
	ATA_MAX_SECTORS_28 = 256,
	ATA_MAX_SECTORS_48 = 65536,
	ATA_MAX_TRIM_BLOCKS = 8, /* ours: of ranges, in one DATA SET MANAGEMENT */
};
