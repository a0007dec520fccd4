// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Registers of the Intel 82441FX PCI and Memory Controller (PMC). Intel 440FX PCIset data sheet
 * (290549), chapter 3.
 */
#pragma once

/* I/O ports, section 3.1. */
enum i440fx_port {
	I440FX_PORT_BASE = 0xcf8,
	I440FX_CONFIG_ADDRESS = 0, /* CONFADD, a double word only */
	I440FX_RESET_CONTROL = 1,  /* one byte, of the ISA bridge */
	I440FX_CONFIG_DATA = 4,    /* CONFDATA, 4 bytes */
	I440FX_PORT_COUNT = 8,
};

/* CONFADD, section 3.1.1. Bit 31 is no value of an enum. */
#define CONFADD_ENABLE      (1u << 31)
#define CONFADD_IMPLEMENTED (CONFADD_ENABLE | 0x00fffffcu)
/* Bits 1 and 0 do not exist, but are remembered: see i440fx_selected_offset. */
#define CONFADD_KEPT        (CONFADD_IMPLEMENTED | CONFADD_BYTE)
enum i440fx_config_address {
	CONFADD_BUS_SHIFT = 16,
	CONFADD_BUS_MASK = 0xff,
	CONFADD_DEVFN_SHIFT = 8,
	CONFADD_DEVFN_MASK = 0xff,
	CONFADD_REGISTER = 0xfc,
	CONFADD_BYTE = 0x3,
};

/* Configuration space, section 3.2. */
enum i440fx_register {
	I440FX_PMCCFG = 0x50,  /* PMC configuration */
	I440FX_DETURBO = 0x52, /* deturbo counter */
	I440FX_DBC = 0x53,     /* DBX buffer control */
	I440FX_AXC = 0x54,     /* auxiliary control */
	I440FX_DRT = 0x55,     /* DRAM row type */
	I440FX_DRAMC = 0x57,   /* DRAM control */
	I440FX_DRAMT = 0x58,   /* DRAM timing */
	I440FX_PAM0 = 0x59,    /* programmable attribute maps 0 to 6 */
	I440FX_PAM1 = 0x5a,
	I440FX_PAM_END = 0x60,
	I440FX_DRB0 = 0x60,   /* DRAM row boundaries 0 to 7, cumulative */
	I440FX_FDHC = 0x68,   /* fixed DRAM hole */
	I440FX_MTT = 0x70,    /* multi-transaction timer */
	I440FX_CLT = 0x71,    /* processor latency timer */
	I440FX_SMRAM = 0x72,  /* system management RAM */
	I440FX_ERRCMD = 0x90, /* error command */
	I440FX_ERRSTS = 0x91, /* error status */
	I440FX_TRC = 0x93,    /* turbo and reset control */
};

enum {
	I440FX_DRB_COUNT = 8,
	I440FX_DRB_UNIT_BYTES = 8 << 20,
	I440FX_DRB_ROW_BYTES = 128 << 20, /* the largest row the chip knows */
};

/* One half of a PAM register, section 3.2.18. */
enum i440fx_pam {
	PAM_READ_ENABLE = 0x1,  /* reads go to DRAM, otherwise to PCI */
	PAM_WRITE_ENABLE = 0x2, /* writes go to DRAM, otherwise to PCI */
	PAM_FIELD = 0xf,
	PAM_FIELD_BITS = 4,
	PAM_WRITABLE = 0x33,
};

/* SMRAM, section 3.2.23. */
enum i440fx_smram {
	SMRAM_C_BASE_SEG = 0x02, /* always 010: 0xa0000 */
	SMRAM_G_ENABLE = 0x08,
	SMRAM_D_LOCK = 0x10, /* until reset only D_CLOSED can be written */
	SMRAM_D_CLOSED = 0x20,
	SMRAM_D_OPEN = 0x40,
	SMRAM_WRITABLE = SMRAM_G_ENABLE | SMRAM_D_LOCK | SMRAM_D_CLOSED | SMRAM_D_OPEN,
};

/* TRC, section 3.2.26. */
enum i440fx_trc {
	TRC_RESET_CPU = 0x04, /* 0 to 1: reset */
};
