// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * NE2000 on PCI: National Semiconductor's DP8390D data sheet, chapter 10 (registers), 7 and 8
 * (packet reception and remote DMA); Realtek's RTL8029AS data sheet for the PCI side and page 3;
 * Novell's layout of address PROM, memory, data port and reset port.
 */
#pragma once

#include "base/bits.h"

enum ne2000_id {
	NE2000_VENDOR = 0x10ec,
	NE2000_DEVICE = 0x8029,
	NE2000_IO_BYTES = 32,
	NE2000_DATA_PORT = 0x10,
	NE2000_RESET_PORT = 0x18,
};

/** What the remote DMA sees, by address. */
enum ne2000_memory {
	NE2000_PROM_BYTES = 32, /* each byte twice */
	NE2000_RAM_BASE = 0x4000,
	NE2000_RAM_BYTES = 0x4000,
	NE2000_RAM_END = NE2000_RAM_BASE + NE2000_RAM_BYTES,
	NE2000_PAGE_BYTES = 256,
	NE2000_FIRST_PAGE = NE2000_RAM_BASE / NE2000_PAGE_BYTES,
	NE2000_END_PAGE = NE2000_RAM_END / NE2000_PAGE_BYTES,
	NE2000_PROM_MARK = 0x57, /* words 14 and 15: a 16-bit card */
	NE2000_PROM_MARK_AT = 28,
};

/** Registers as page << 4 | offset; where reading differs from writing they have two names. */
enum ne2000_register {
	NE2000_CR = 0x00,
	NE2000_CLDA0 = 0x01,
	NE2000_CLDA1 = 0x02,
	NE2000_BNRY = 0x03,
	NE2000_TSR = 0x04,
	NE2000_NCR = 0x05,
	NE2000_ISR = 0x07,
	NE2000_CRDA0 = 0x08,
	NE2000_CRDA1 = 0x09,
	NE2000_8029ID0 = 0x0a,
	NE2000_8029ID1 = 0x0b,
	NE2000_RSR = 0x0c,
	NE2000_CNTR0 = 0x0d,
	NE2000_CNTR2 = 0x0f, /* frames missed */
	NE2000_PSTART = 0x01,
	NE2000_PSTOP = 0x02,
	NE2000_TPSR = 0x04,
	NE2000_TBCR0 = 0x05,
	NE2000_TBCR1 = 0x06,
	NE2000_RSAR0 = 0x08,
	NE2000_RSAR1 = 0x09,
	NE2000_RBCR0 = 0x0a,
	NE2000_RBCR1 = 0x0b,
	NE2000_RCR = 0x0c,
	NE2000_TCR = 0x0d,
	NE2000_DCR = 0x0e,
	NE2000_IMR = 0x0f,
	NE2000_PAR0 = 0x11,
	NE2000_CURR = 0x17,
	NE2000_MAR0 = 0x18,
	NE2000_READ_PSTART = 0x21,
	NE2000_READ_PSTOP = 0x22,
	NE2000_READ_TPSR = 0x24,
	NE2000_READ_RCR = 0x2c,
	NE2000_READ_TCR = 0x2d,
	NE2000_READ_DCR = 0x2e,
	NE2000_READ_IMR = 0x2f,
	NE2000_CONFIG3 = 0x36,
	NE2000_8029ASID0 = 0x3e,
	NE2000_8029ASID1 = 0x3f,
};

enum ne2000_value {
	NE2000_8029ID0_VALUE = 0x50,
	NE2000_8029ID1_VALUE = 0x43,
	NE2000_CONFIG3_VALUE = 0x40, /* full duplex */
	NE2000_8029ASID0_VALUE = 0x29,
	NE2000_8029ASID1_VALUE = 0x80,
};

enum ne2000_cr_bits {
	NE2000_CR_STP = BIT(0),
	NE2000_CR_STA = BIT(1),
	NE2000_CR_TXP = BIT(2),
	NE2000_CR_READ = BIT(3),
	NE2000_CR_WRITE = BIT(4),
	NE2000_CR_SEND = BIT(3) | BIT(4), /* reads the frame at BNRY */
	NE2000_CR_ABORT = BIT(5),
	NE2000_CR_PAGE_SHIFT = 6,
};

/** ISR and IMR. */
enum ne2000_interrupt {
	NE2000_PRX = BIT(0),
	NE2000_PTX = BIT(1),
	NE2000_TXE = BIT(3),
	NE2000_RDC = BIT(6), /* the remote DMA is over */
	NE2000_RST = BIT(7), /* stopped; no interrupt */
};

enum ne2000_rcr_bits {
	NE2000_RCR_AB = BIT(2),
	NE2000_RCR_AM = BIT(3),
	NE2000_RCR_PRO = BIT(4),
	NE2000_RCR_MON = BIT(5), /* frames are looked at, not stored */
};

enum ne2000_tcr_bits {
	NE2000_TCR_LOOPBACK = BIT(1) | BIT(2),
};

enum ne2000_dcr_bits {
	NE2000_DCR_WTS = BIT(0), /* the data port moves words */
};

enum ne2000_tsr_bits {
	NE2000_TSR_PTX = BIT(0),
	NE2000_TSR_ABT = BIT(3),
};

enum ne2000_rsr_bits {
	NE2000_RSR_PRX = BIT(0),
	NE2000_RSR_PHY = BIT(5), /* a group's address */
};

/** In front of a frame in the ring. */
enum ne2000_header {
	NE2000_HEADER_STATUS = 0,
	NE2000_HEADER_NEXT = 1,
	NE2000_HEADER_LENGTH = 2,
	NE2000_HEADER_BYTES = 4,
};
