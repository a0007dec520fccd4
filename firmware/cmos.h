// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the board's maker leaves in the clock chip's CMOS memory: memory sizes, processors, drives,
 * boot order. SeaBIOS takes the size of low RAM, the number of processors to wait for, and the boot
 * order from nowhere else.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct firmware_board;

enum cmos_index {
	CMOS_FLOPPY_TYPES = 0x10, /* drive A in the upper half */
	CMOS_DISK_TYPES = 0x12,   /* drive C in the upper half */
	CMOS_EQUIPMENT = 0x14,
	CMOS_BASE_KIB = 0x15,     /* 16 bits */
	CMOS_EXTENDED_KIB = 0x17, /* above 1 MiB, 16 bits */
	CMOS_DISK_C_TYPE = 0x19,
	CMOS_DISK_D_TYPE = 0x1a,
	CMOS_DISK_C = 0x1b, /* cmos_disk_field */
	CMOS_DISK_D = 0x24,
	CMOS_CHECKSUM = 0x2e,          /* of 0x10 to 0x2d, high byte first */
	CMOS_EXTENDED_KIB_COPY = 0x30, /* 16 bits */
	CMOS_ABOVE_16M = 0x34,         /* in units of 64 KiB, 16 bits */
	CMOS_BOOT_3 = 0x38, /* third boot device in the upper half; CMOS_BOOT_NO_FLOPPY_CHECK */
	CMOS_DISK_TRANSLATION = 0x39, /* two bits a drive */
	CMOS_BOOT_2_1 = 0x3d,         /* second boot device in the upper half, first in the lower */
	CMOS_HIGH_RAM = 0x5b,         /* above 4 GiB in units of 64 KiB, 24 bits */
	CMOS_LAST_CPU = 0x5f,         /* processors minus one */
};

enum cmos_equipment {
	CMOS_EQUIPMENT_FLOPPY = 0x01,
	CMOS_EQUIPMENT_FPU = 0x02,
	CMOS_EQUIPMENT_MOUSE = 0x04,
	CMOS_EQUIPMENT_TWO_FLOPPIES = 0x40,
};

enum cmos_boot {
	CMOS_BOOT_NO_FLOPPY_CHECK = 0x01, /* flag in CMOS_BOOT_3 */
	CMOS_BOOT_FLOPPY = 1,             /* device codes */
	CMOS_BOOT_DISK = 2,
	CMOS_BOOT_CDROM = 3,
	CMOS_BOOT_NETWORK = 4,
};

/** The nine bytes of a user-defined disk type. */
enum cmos_disk_field {
	CMOS_DISK_CYLINDERS = 0, /* 16 bits */
	CMOS_DISK_HEADS = 2,
	CMOS_DISK_PRECOMPENSATION = 3, /* 16 bits */
	CMOS_DISK_CONTROL = 5,
	CMOS_DISK_LANDING_ZONE = 6, /* 16 bits */
	CMOS_DISK_SECTORS = 8,
};

enum cmos_disk_values {
	CMOS_DISK_TYPE_EXTENDED = 0xf, /* in CMOS_DISK_TYPES: the type is in CMOS_DISK_C_TYPE */
	CMOS_DISK_TYPE_USER = 47,
	CMOS_DISK_CONTROL_RETRY = 0xc0,
	CMOS_DISK_CONTROL_HEADS = 0x08, /* more than eight heads */
};

struct cmos_value {
	uint8_t index, value;
};

enum {
	CMOS_MAX_VALUES = 64,
};

/** Writes what the board needs into 'values' (CMOS_MAX_VALUES of them) in the order of their index;
 * returns the number. */
size_t cmos_build(const struct firmware_board *board, struct cmos_value *values);
