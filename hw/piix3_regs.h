// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Registers of the PCI-to-ISA bridge in the Intel 82371SB (PIIX3). 82371FB/82371SB data sheet
 * (290550), sections 2.2 and 2.5.
 */
#pragma once

/* Configuration space of function 0, section 2.2. */
enum piix3_register {
	PIIX3_IORT = 0x4c,   /* ISA I/O recovery timer */
	PIIX3_XBCS = 0x4e,   /* X-bus chip selects */
	PIIX3_PIRQRC = 0x60, /* routes of PIRQA to PIRQD, 4 bytes */
	PIIX3_TOM = 0x69,    /* top of memory for ISA masters */
	PIIX3_MSTAT = 0x6a,  /* miscellaneous status */
	PIIX3_MBIRQ0 = 0x70, /* route of the motherboard interrupt */
	PIIX3_MBDMA0 = 0x76, /* routes of motherboard DMA */
	PIIX3_MBDMA1 = 0x77,
	PIIX3_PCSC = 0x78,     /* programmable chip select */
	PIIX3_APICBASE = 0x80, /* I/O APIC base */
	PIIX3_DLC = 0x82,      /* deterministic latency */
	PIIX3_SMICNTL = 0xa0,  /* SMI control */
	PIIX3_SMIEN = 0xa2,    /* SMI enable */
	PIIX3_SEE = 0xa4,      /* system event enable */
	PIIX3_FTMR = 0xa8,     /* fast-off timer */
	PIIX3_SMIREQ = 0xaa,   /* SMI requests */
	PIIX3_CTLTMRL = 0xac,  /* clock throttle */
	PIIX3_CTLTMRH = 0xae,
};

/* PIRQRC, section 2.2.11. */
enum piix3_pirqrc {
	PIRQRC_DISABLED = 0x80,
	PIRQRC_IRQ = 0x0f,
	/* The other numbers are reserved: timer, keyboard, cascade, clock, coprocessor. */
	PIRQRC_ROUTABLE_IRQS = 0xdef8,
	PIRQRC_COUNT = 4,
};

/* I/O ports, section 2.5. */
enum piix3_port {
	PIIX3_ELCR_PORT = 0x4d0, /* edge or level, IRQ 0 to 7 and 8 to 15 */
	PIIX3_ELCR_COUNT = 2,
	ELCR1_WRITABLE = 0xf8, /* IRQ 0, 1, 2 are edges */
	ELCR2_WRITABLE = 0xde, /* IRQ 8 and 13 are edges */
};

/* RC, port 0xcf9, section 2.5.4.3. */
enum piix3_reset_control {
	RC_HARD_RESET = 0x02, /* which kind; here they are the same */
	RC_RESET_CPU = 0x04,  /* 0 to 1: reset */
	RC_WRITABLE = RC_HARD_RESET | RC_RESET_CPU,
};
