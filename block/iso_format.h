// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Names of ISO 9660 (ECMA-119, 4th edition), of Joliet, and of the System Use Sharing and Rock
 * Ridge protocols (IEEE P1281 and P1282): places in structures, and their values. Sections are
 * those of ECMA-119 unless said. Numbers that are recorded twice stand little-endian first.
 */
#pragma once

enum {
	ISO_SECTOR_BYTES = 2048,
	ISO_FIRST_DESCRIPTOR = 16, /* 6.2.1: behind the system area */
	ISO_MAX_DESCRIPTORS = 64,  /* ours */
};

/* 8: volume descriptors. */
enum iso_descriptor {
	ISO_VD_TYPE = 0,
	ISO_VD_MAGIC = 1, /* "CD001" */
	ISO_VD_VERSION = 6,
	ISO_VD_SYSTEM = 8,   /* 32 bytes */
	ISO_VD_VOLUME = 40,  /* 32 bytes */
	ISO_VD_BLOCKS = 80,  /* 8.4.8: volume space size */
	ISO_VD_ESCAPES = 88, /* 8.5.6: of a supplementary one */
	ISO_VD_SET_SIZE = 120,
	ISO_VD_SEQUENCE = 124,
	ISO_VD_BLOCK_BYTES = 128,
	ISO_VD_TABLE_BYTES = 132,
	ISO_VD_L_TABLE = 140, /* little-endian only */
	ISO_VD_L_OPTIONAL = 144,
	ISO_VD_M_TABLE = 148, /* big-endian only */
	ISO_VD_M_OPTIONAL = 152,
	ISO_VD_ROOT = 156, /* a directory record */
	ISO_VD_SET = 190,
	ISO_VD_PUBLISHER = 318,
	ISO_VD_PREPARER = 446,
	ISO_VD_APPLICATION = 574,
	ISO_VD_COPYRIGHT = 702,
	ISO_VD_CREATED = 813, /* 8.4.26.1: 17 bytes, digits */
	ISO_VD_MODIFIED = 830,
	ISO_VD_EXPIRES = 847,
	ISO_VD_EFFECTIVE = 864,
	ISO_VD_STRUCTURE = 881,
	ISO_VD_TIME_BYTES = 17,
};

enum iso_descriptor_type {
	ISO_VD_PRIMARY = 1,
	ISO_VD_SUPPLEMENTARY = 2,
	ISO_VD_TERMINATOR = 255,
};

/* 9.1: directory records. */
enum iso_record {
	ISO_DR_LENGTH = 0,
	ISO_DR_ATTRIBUTES = 1, /* sectors of the extended attribute record */
	ISO_DR_LBA = 2,
	ISO_DR_BYTES = 10,
	ISO_DR_TIME = 18, /* 7 bytes */
	ISO_DR_FLAGS = 25,
	ISO_DR_SEQUENCE = 28,
	ISO_DR_ID_LENGTH = 32,
	ISO_DR_ID = 33,
	ISO_DR_MIN_BYTES = 34,
	ISO_DR_MAX_BYTES = 254, /* it is even */
	ISO_DR_TIME_BYTES = 7,
};

enum iso_record_flag {
	ISO_FLAG_DIRECTORY = 0x02,
	ISO_FLAG_ASSOCIATED = 0x04,
	ISO_FLAG_MORE = 0x80, /* the file goes on in the next record */
};

/* 9.4: path table entries. */
enum iso_path_entry {
	ISO_PT_ID_LENGTH = 0,
	ISO_PT_LBA = 2,
	ISO_PT_PARENT = 6,
	ISO_PT_ID = 8,
};

/* P1281 4: entries in the system use area: two letters, length, version. */
enum susp_entry {
	SUSP_LENGTH = 2,
	SUSP_VERSION = 3,
	SUSP_DATA = 4,
	SUSP_CE_BLOCK = 4, /* a continuation */
	SUSP_CE_OFFSET = 12,
	SUSP_CE_LENGTH = 20,
	SUSP_CE_BYTES = 28,
	SUSP_SP_CHECK = 4, /* BEh EFh */
	SUSP_SP_SKIP = 6,
	SUSP_SP_BYTES = 7,
	SUSP_ER_ID = 8,
};

/* P1282 4: Rock Ridge. */
enum rock_ridge {
	RR_PX_MODE = 4,
	RR_PX_LINKS = 12,
	RR_PX_SERIAL = 36,
	RR_PX_BYTES = 36, /* of version 1.09; 1.12 has a serial number */
	RR_PX_LONG_BYTES = 44,
	RR_NM_FLAGS = 4,
	RR_NM_NAME = 5,
	RR_NM_MAX_NAME = 250,
	RR_TF_FLAGS = 4,
	RR_TF_STAMPS = 5,
	RR_CL_BLOCK = 4,
};

enum rock_ridge_flag {
	RR_NM_CONTINUE = 0x01,
	RR_NM_CURRENT = 0x02,
	RR_NM_PARENT = 0x04,
	RR_TF_MODIFY = 0x02,
	RR_TF_ACCESS = 0x04,
	RR_TF_ATTRIBUTES = 0x08,
	RR_MODE_DIRECTORY = 0040000,
	RR_MODE_FILE = 0100000,
};
