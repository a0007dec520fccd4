// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * USB Mass Storage Class, Bulk-Only Transport 1.0: command and status wrappers in section 5, both
 * little-endian. The commands of a disk are SPC-3's and SBC-2's; those that a CD-ROM drive shares
 * with it are named in hw/ide/atapi_regs.h.
 */
#pragma once

#include <stdint.h>

#define STORAGE_CBW_SIGNATURE UINT32_C(0x43425355)
#define STORAGE_CSW_SIGNATURE UINT32_C(0x53425355)

/** Command block wrapper. */
enum storage_cbw {
	CBW_SIGNATURE = 0,
	CBW_TAG = 4,
	CBW_LENGTH = 8, /* of the data stage */
	CBW_FLAGS = 12,
	CBW_LUN = 13,
	CBW_COMMAND_LENGTH = 14,
	CBW_COMMAND = 15,
	CBW_BYTES = 31,
	CBW_COMMAND_MAX = 16,
	CBW_FLAG_IN = 0x80, /* data flow to the host */
	CBW_FLAGS_RESERVED = 0x3f,
};

/** Command status wrapper. */
enum storage_csw {
	CSW_SIGNATURE = 0,
	CSW_TAG = 4,
	CSW_RESIDUE = 8,
	CSW_STATUS = 12,
	CSW_BYTES = 13,
};

enum storage_status {
	STORAGE_PASSED = 0,
	STORAGE_FAILED = 1,
	STORAGE_PHASE_ERROR = 2,
};

enum storage_endpoint {
	STORAGE_IN = 1,
	STORAGE_OUT = 2,
	STORAGE_IN_ADDRESS = 0x80 | STORAGE_IN,
	STORAGE_FULL_PACKET = 64,
	STORAGE_HIGH_PACKET = 512,
};

/** Of a disk alone. */
enum scsi_command {
	SCSI_READ_6 = 0x08,
	SCSI_WRITE_6 = 0x0a,
	SCSI_SEND_DIAGNOSTIC = 0x1d,
	SCSI_WRITE_10 = 0x2a,
	SCSI_WRITE_VERIFY_10 = 0x2e,
	SCSI_READ_16 = 0x88,
	SCSI_WRITE_16 = 0x8a,
	SCSI_VERIFY_16 = 0x8f,
	SCSI_SYNCHRONIZE_CACHE_16 = 0x91,
	SCSI_SERVICE_ACTION_IN_16 = 0x9e,
	SCSI_REPORT_LUNS = 0xa0,
	SCSI_WRITE_12 = 0xaa,
	SCSI_VERIFY_12 = 0xaf,
};

enum scsi_fields {
	SCSI_READ_CAPACITY_16 = 0x10, /* service action */
	SCSI_SERVICE_ACTION = 0x1f,
	SCSI_FUA = 0x08,    /* byte 1 of a write */
	SCSI_BYTCHK = 0x06, /* byte 1 of VERIFY: data are compared */
	SCSI_DBD = 0x08,    /* byte 1 of MODE SENSE: no block descriptor */
	SCSI_PAGE_CACHING = 0x08,
	SCSI_VPD_BLOCK_LIMITS = 0xb0,
	SCSI_MODE_WRITE_PROTECTED = 0x80,
	SCSI_MODE_FUA = 0x10,
};

/** Sense codes that a CD-ROM drive has no use for. */
enum scsi_sense {
	SENSE_DATA_PROTECT = 0x7,
	ASC_WRITE_ERROR = 0x0c00,
	ASC_WRITE_PROTECTED = 0x2700,
	ASC_NO_MEDIUM = 0x3a00,
};
