// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * 16550A UART. National Semiconductor PC16550D data sheet, section 8.
 */
#pragma once

enum serial_register {
	SERIAL_RBR = 0, /* read: receive buffer */
	SERIAL_THR = 0, /* write: transmit holding */
	SERIAL_DLL = 0, /* with LCR_DLAB: divisor, low byte */
	SERIAL_IER = 1,
	SERIAL_DLM = 1, /* with LCR_DLAB: divisor, high byte */
	SERIAL_IIR = 2, /* read */
	SERIAL_FCR = 2, /* write */
	SERIAL_LCR = 3,
	SERIAL_MCR = 4,
	SERIAL_LSR = 5,
	SERIAL_MSR = 6,
	SERIAL_SCR = 7,
	SERIAL_PORT_COUNT = 8,
};

enum serial_ier {
	SERIAL_IER_RDI = 0x01,  /* received data */
	SERIAL_IER_THRI = 0x02, /* transmitter holding register empty */
	SERIAL_IER_RLSI = 0x04, /* line status */
	SERIAL_IER_MSI = 0x08,  /* modem status */
	SERIAL_IER_MASK = 0x0f,
};

enum serial_iir {
	SERIAL_IIR_MSI = 0x00,
	SERIAL_IIR_NONE = 0x01,
	SERIAL_IIR_THRI = 0x02,
	SERIAL_IIR_RDI = 0x04,
	SERIAL_IIR_RLSI = 0x06,
	SERIAL_IIR_CTI = 0x0c, /* character time-out */
	SERIAL_IIR_FIFO = 0xc0,
};

enum serial_fcr {
	SERIAL_FCR_ENABLE = 0x01,
	SERIAL_FCR_CLEAR_RX = 0x02, /* self-clearing */
	SERIAL_FCR_CLEAR_TX = 0x04, /* self-clearing */
	SERIAL_FCR_DMA = 0x08,
	SERIAL_FCR_TRIGGER = 0xc0,
	SERIAL_FCR_TRIGGER_SHIFT = 6,
	SERIAL_FCR_KEPT = SERIAL_FCR_ENABLE | SERIAL_FCR_DMA | SERIAL_FCR_TRIGGER,
};

enum serial_lcr {
	SERIAL_LCR_BITS = 0x03, /* word length minus 5 */
	SERIAL_LCR_STOP = 0x04,
	SERIAL_LCR_PARITY = 0x08,
	SERIAL_LCR_BREAK = 0x40,
	SERIAL_LCR_DLAB = 0x80,
};

enum serial_mcr {
	SERIAL_MCR_DTR = 0x01,
	SERIAL_MCR_RTS = 0x02,
	SERIAL_MCR_OUT1 = 0x04,
	SERIAL_MCR_OUT2 = 0x08,
	SERIAL_MCR_LOOP = 0x10,
	SERIAL_MCR_MASK = 0x1f,
};

enum serial_lsr {
	SERIAL_LSR_DR = 0x01,
	SERIAL_LSR_OE = 0x02, /* overrun */
	SERIAL_LSR_BI = 0x10, /* break */
	SERIAL_LSR_THRE = 0x20,
	SERIAL_LSR_TEMT = 0x40,
	SERIAL_LSR_ERRORS = SERIAL_LSR_OE | SERIAL_LSR_BI,
};

enum serial_msr {
	SERIAL_MSR_DCTS = 0x01,
	SERIAL_MSR_DDSR = 0x02,
	SERIAL_MSR_TERI = 0x04, /* RI has fallen */
	SERIAL_MSR_DDCD = 0x08,
	SERIAL_MSR_DELTAS = 0x0f,
	SERIAL_MSR_CTS = 0x10,
	SERIAL_MSR_DSR = 0x20,
	SERIAL_MSR_RI = 0x40,
	SERIAL_MSR_DCD = 0x80,
	SERIAL_MSR_LINES = 0xf0,
};

enum {
	SERIAL_FIFO_BYTES = 16,
	SERIAL_CLOCK_HZ = 1843200, /* 16 times 115200 */
};
