// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bus master IDE registers of one channel. Intel 82371SB (PIIX3) data sheet, section 2.3.6 and 3.5;
 * "Programming Interface for Bus Master IDE Controller", revision 1.0.
 */
#pragma once

enum bmdma_register {
	BMDMA_COMMAND = 0, /* BMICX */
	BMDMA_STATUS = 2,  /* BMISX */
	BMDMA_PRDT = 4,    /* BMIDTPX, four bytes */
	BMDMA_REGISTER_COUNT = 8,
};

enum bmdma_command_bits {
	BMDMA_START = 0x01,
	BMDMA_TO_MEMORY = 0x08,
};

enum bmdma_status_bits {
	BMDMA_ACTIVE = 0x01,
	BMDMA_ERROR = 0x02,          /* write 1 to clear */
	BMDMA_INTERRUPT = 0x04,      /* write 1 to clear */
	BMDMA_DRIVES_CAPABLE = 0x60, /* two bits for software's use */
};

/** A physical region descriptor: address, then byte count; 0 counts 64 KiB. */
enum bmdma_prd {
	BMDMA_PRD_BYTES = 8,
	BMDMA_PRD_COUNT_MASK = 0xfffe,
	BMDMA_PRD_MAX_BYTES = 0x10000,
	BMDMA_MAX_PRDS = 8192, /* a table must not cross a 64 KiB boundary */
};
#define BMDMA_PRD_LAST 0x80000000u

/** A descriptor of an AHCI command table (AHCI 1.3.1, 4.2.3.3): 64 bits of address, then in the
 * last word a count less one and the wish for an interrupt. */
enum ahci_prd {
	AHCI_PRD_BYTES = 16,
	AHCI_PRD_CONTROL = 12, /* offset of the last word */
	AHCI_PRD_COUNT_MASK = 0x3fffff,
	AHCI_PRD_MAX_BYTES = 0x400000,
};
#define AHCI_PRD_INTERRUPT 0x80000000u
