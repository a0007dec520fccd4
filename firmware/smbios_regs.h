// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Layout of SMBIOS structures. DSP0134, System Management BIOS Reference Specification 2.8.0.
 */
#pragma once

/** 5.2.1 Entry point. */
enum smbios_anchor {
	ANCHOR_CHECKSUM = 4, /* of everything */
	ANCHOR_LENGTH = 5,
	ANCHOR_MAJOR = 6,
	ANCHOR_MINOR = 7,
	ANCHOR_MAX_STRUCTURE = 8,    /* 16 bits */
	ANCHOR_DMI = 16,             /* "_DMI_" */
	ANCHOR_DMI_CHECKSUM = 21,    /* from ANCHOR_DMI on */
	ANCHOR_TABLE_LENGTH = 22,    /* 16 bits */
	ANCHOR_STRUCTURE_COUNT = 28, /* 16 bits */
	ANCHOR_BCD_REVISION = 30,
	ANCHOR_SIZE = 31,
};

/** 6.1.2 Header: type, length without strings, handle. */
enum smbios_header {
	SMBIOS_TYPE = 0,
	SMBIOS_LENGTH = 1,
	SMBIOS_HANDLE = 2, /* 16 bits */
};

/** 7.1 BIOS. */
enum smbios_bios {
	BIOS_VENDOR = 4,
	BIOS_VERSION = 5,
	BIOS_SEGMENT = 6, /* 16 bits */
	BIOS_DATE = 8,
	BIOS_ROM_SIZE = 9,         /* in 64 KiB, less one */
	BIOS_CHARACTERISTICS = 10, /* 64 bits */
	BIOS_EXTENSIONS = 18,      /* 2 bytes */
	BIOS_MAJOR = 20,
	BIOS_MINOR = 21,
	BIOS_EC_MAJOR = 22,
	BIOS_EC_MINOR = 23,
	BIOS_SIZE = 24,
	BIOS_HAS_PCI = 1 << 7, /* characteristics */
	BIOS_BOOTS_CD = 1 << 15,
	BIOS_SELECTS_BOOT = 1 << 16,
	BIOS_EXT1_ACPI = 1 << 0,     /* extension byte 1 */
	BIOS_EXT2_TARGETED = 1 << 2, /* extension byte 2: content can be targeted at this system */
	BIOS_EXT2_VIRTUAL = 1 << 4,
	BIOS_NO_EC = 0xff,
};

/** 7.2 System. */
enum smbios_system {
	SYSTEM_MANUFACTURER = 4,
	SYSTEM_PRODUCT = 5,
	SYSTEM_VERSION = 6,
	SYSTEM_SERIAL = 7,
	SYSTEM_UUID = 8, /* 16 bytes; 7.2.1: the first three fields are little-endian */
	SYSTEM_WAKE_UP = 24,
	SYSTEM_SKU = 25,
	SYSTEM_FAMILY = 26,
	SYSTEM_SIZE = 27,
	SYSTEM_WAKE_POWER_SWITCH = 6,
};

/** 7.4 Chassis. */
enum smbios_chassis {
	CHASSIS_MANUFACTURER = 4,
	CHASSIS_TYPE = 5,
	CHASSIS_VERSION = 6,
	CHASSIS_SERIAL = 7,
	CHASSIS_ASSET_TAG = 8,
	CHASSIS_BOOT_STATE = 9,
	CHASSIS_POWER_STATE = 10,
	CHASSIS_THERMAL_STATE = 11,
	CHASSIS_SECURITY = 12,
	CHASSIS_SIZE = 22,
	CHASSIS_TYPE_OTHER = 1,
	CHASSIS_SAFE = 3,
	CHASSIS_SECURITY_UNKNOWN = 2,
};

/** 7.5 Processor. */
enum smbios_processor {
	PROCESSOR_SOCKET = 4,
	PROCESSOR_TYPE = 5,
	PROCESSOR_FAMILY = 6,
	PROCESSOR_MANUFACTURER = 7,
	PROCESSOR_ID = 8,         /* CPUID 1: EAX, EDX */
	PROCESSOR_MAX_SPEED = 20, /* 16 bits, MHz */
	PROCESSOR_CURRENT_SPEED = 22,
	PROCESSOR_STATUS = 24,
	PROCESSOR_UPGRADE = 25,
	PROCESSOR_L1 = 26, /* handles of cache structures, 16 bits */
	PROCESSOR_L2 = 28,
	PROCESSOR_L3 = 30,
	PROCESSOR_CORES = 35,
	PROCESSOR_CORES_ENABLED = 36,
	PROCESSOR_THREADS = 37,
	PROCESSOR_CHARACTERISTICS = 38, /* 16 bits */
	PROCESSOR_FAMILY_2 = 40,        /* 16 bits */
	PROCESSOR_SIZE = 42,
	PROCESSOR_TYPE_CENTRAL = 3,
	PROCESSOR_OTHER = 1, /* family, upgrade */
	PROCESSOR_POPULATED_ENABLED = 0x41,
	PROCESSOR_NO_CACHE = 0xffff,
	PROCESSOR_UNKNOWN_FEATURES = 2,
};

/** 7.17 Memory array. */
enum smbios_array {
	ARRAY_LOCATION = 4,
	ARRAY_USE = 5,
	ARRAY_ERROR_CORRECTION = 6,
	ARRAY_CAPACITY = 7, /* 32 bits, KiB */
	ARRAY_ERROR_HANDLE = 11,
	ARRAY_DEVICES = 13,           /* 16 bits */
	ARRAY_EXTENDED_CAPACITY = 15, /* 64 bits, bytes */
	ARRAY_STRUCTURE_SIZE = 23,
	ARRAY_LOCATION_OTHER = 1,
	ARRAY_USE_SYSTEM = 3,
	ARRAY_MULTI_BIT_ECC = 6, /* Windows' hardware tests ask for it */
	ARRAY_NO_ERROR = 0xfffe,
};

/** 7.18 Memory device. */
enum smbios_memory {
	MEMORY_ARRAY = 4, /* handle */
	MEMORY_ERROR_HANDLE = 6,
	MEMORY_TOTAL_WIDTH = 8, /* 16 bits each */
	MEMORY_DATA_WIDTH = 10,
	MEMORY_DEVICE_SIZE = 12, /* 16 bits, MiB */
	MEMORY_FORM_FACTOR = 14,
	MEMORY_LOCATOR = 16,
	MEMORY_TYPE = 18,
	MEMORY_DETAIL = 19, /* 16 bits */
	MEMORY_SIZE = 40,
	MEMORY_DIMM = 9,
	MEMORY_TYPE_RAM = 7,
	MEMORY_DETAIL_OTHER = 2,
};

/** 7.20 Memory array mapped address. */
enum smbios_mapped {
	MAPPED_START = 4, /* 32 bits, KiB */
	MAPPED_END = 8,   /* its last KiB */
	MAPPED_ARRAY = 12,
	MAPPED_WIDTH = 14,
	MAPPED_SIZE = 31,
};

/** 7.33 System boot information. */
enum smbios_boot {
	BOOT_SIZE = 11,
};

enum smbios_type {
	SMBIOS_BIOS = 0,
	SMBIOS_SYSTEM = 1,
	SMBIOS_CHASSIS = 3,
	SMBIOS_PROCESSOR = 4,
	SMBIOS_MEMORY_ARRAY = 16,
	SMBIOS_MEMORY_DEVICE = 17,
	SMBIOS_MEMORY_MAPPED = 19,
	SMBIOS_BOOT = 32,
	SMBIOS_END = 127,
	SMBIOS_END_SIZE = 4,
};
