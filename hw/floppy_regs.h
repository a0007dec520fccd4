// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Intel 82077AA CHMOS single-chip floppy disk controller, data sheet 290166: registers in section
 * 2.1, status registers 0 to 3 in section 5.1, commands in section 5.2.
 */
#pragma once

enum floppy_register {
	FLOPPY_DOR = 2,  /* digital output */
	FLOPPY_TDR = 3,  /* tape drive */
	FLOPPY_MSR = 4,  /* read: main status */
	FLOPPY_DSR = 4,  /* write: data rate select */
	FLOPPY_FIFO = 5, /* data */
	FLOPPY_PORT_COUNT = 6,
	FLOPPY_DIR = 7, /* read: digital input */
	FLOPPY_CCR = 7, /* write: configuration control */
};

enum floppy_dor {
	FLOPPY_DOR_DRIVE = 0x03,
	FLOPPY_DOR_NOT_RESET = 0x04,
	FLOPPY_DOR_DMA_GATE = 0x08, /* interrupt and DMA request reach the bus */
	FLOPPY_DOR_MOTOR_0 = 0x10,
};

enum floppy_msr {
	FLOPPY_MSR_BUSY_0 = 0x01, /* drive 0 seeks; the others behind it */
	FLOPPY_MSR_BUSY = 0x10,   /* a command is under way */
	FLOPPY_MSR_NON_DMA = 0x20,
	FLOPPY_MSR_TO_HOST = 0x40, /* DIO */
	FLOPPY_MSR_REQUEST = 0x80, /* RQM */
};

enum floppy_dsr {
	FLOPPY_RATE_MASK = 0x03,
	FLOPPY_DSR_POWER_DOWN = 0x40,
	FLOPPY_DSR_RESET = 0x80,
};

/* CCR and the low bits of DSR */
enum floppy_rate {
	FLOPPY_RATE_500K = 0,
	FLOPPY_RATE_300K = 1,
	FLOPPY_RATE_250K = 2,
	FLOPPY_RATE_1M = 3,
};

enum floppy_dir {
	FLOPPY_DIR_CHANGED = 0x80, /* the drive's disk change line */
};

enum floppy_st0 {
	FLOPPY_ST0_HEAD = 0x04,
	FLOPPY_ST0_EQUIPMENT = 0x10,
	FLOPPY_ST0_SEEK_END = 0x20,
	FLOPPY_ST0_ABNORMAL = 0x40,
	FLOPPY_ST0_INVALID = 0x80,
	FLOPPY_ST0_POLLING = 0xc0, /* after a reset: the drive's ready line has changed */
};

enum floppy_st1 {
	FLOPPY_ST1_MISSING_MARK = 0x01, /* MA */
	FLOPPY_ST1_NOT_WRITABLE = 0x02, /* NW */
	FLOPPY_ST1_NO_DATA = 0x04,      /* ND */
	FLOPPY_ST1_OVERRUN = 0x10,      /* OR */
	FLOPPY_ST1_DATA_ERROR = 0x20,   /* DE */
	FLOPPY_ST1_END = 0x80,          /* EN: behind the last sector, without terminal count */
};

enum floppy_st2 {
	FLOPPY_ST2_SCAN_FAILED = 0x04, /* SN */
	FLOPPY_ST2_SCAN_EQUAL = 0x08,  /* SH */
	FLOPPY_ST2_WRONG_CYLINDER = 0x10,
	FLOPPY_ST2_DATA_ERROR = 0x20,
};

enum floppy_st3 {
	FLOPPY_ST3_HEAD = 0x04,
	FLOPPY_ST3_FIXED = 0x28, /* two sides, ready: always set */
	FLOPPY_ST3_TRACK_0 = 0x10,
	FLOPPY_ST3_PROTECTED = 0x40,
};

/* Bits of the first byte of data commands. */
enum floppy_command_bit {
	FLOPPY_COMMAND_SK = 0x20,
	FLOPPY_COMMAND_MFM = 0x40,
	FLOPPY_COMMAND_MT = 0x80,
};

enum floppy_command {
	FLOPPY_READ_TRACK = 0x02,
	FLOPPY_SPECIFY = 0x03,
	FLOPPY_SENSE_DRIVE = 0x04,
	FLOPPY_WRITE = 0x05,
	FLOPPY_READ = 0x06,
	FLOPPY_RECALIBRATE = 0x07,
	FLOPPY_SENSE_INTERRUPT = 0x08,
	FLOPPY_WRITE_DELETED = 0x09,
	FLOPPY_READ_ID = 0x0a,
	FLOPPY_READ_DELETED = 0x0c,
	FLOPPY_FORMAT_TRACK = 0x0d,
	FLOPPY_DUMP_REGISTERS = 0x0e,
	FLOPPY_SEEK = 0x0f,
	FLOPPY_VERSION = 0x10,
	FLOPPY_SCAN_EQUAL = 0x11,
	FLOPPY_PERPENDICULAR = 0x12,
	FLOPPY_CONFIGURE = 0x13,
	FLOPPY_LOCK = 0x14,
	FLOPPY_VERIFY = 0x16,
	FLOPPY_SCAN_LOW = 0x19,
	FLOPPY_SCAN_HIGH = 0x1d,
	FLOPPY_RELATIVE_SEEK = 0x8f,
};

enum floppy_parameter {
	FLOPPY_VERSION_ENHANCED = 0x90,
	FLOPPY_NON_DMA = 0x01,           /* SPECIFY, third byte */
	FLOPPY_CONFIGURE_NO_POLL = 0x10, /* CONFIGURE, third byte */
	FLOPPY_CONFIGURE_SEEK = 0x40,    /* the same: data commands seek by themselves */
	FLOPPY_CONFIGURE_DEFAULT = 0x20, /* the same: EFIFO */
	FLOPPY_PERPENDICULAR_OW = 0x80,  /* PERPENDICULAR: the drive bits are meant */
	FLOPPY_RELATIVE_SEEK_IN = 0x40,  /* to higher tracks */
	FLOPPY_VERIFY_COUNT = 0x80,      /* EC: the last parameter counts sectors */
	FLOPPY_SECTOR_512 = 2,           /* N */
	FLOPPY_SCAN_WILDCARD = 0xff,
};
