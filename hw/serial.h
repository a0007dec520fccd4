// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * 16550A serial port (COM1 to COM4) on a character port of the host.
 *
 * Modelled: both FIFOs and the mode without them, trigger levels, interrupt priorities, character
 * time-out, transmitter interrupt rules, loopback with modem lines, break in loopback, overrun,
 * divisor latch. Not modelled: the line's speed (bytes leave at once; only the time-out counts
 * character times), parity and framing errors, DMA modes. A peer is always there: CTS, DSR and DCD
 * are on. OUT2 does not gate the interrupt.
 */
#pragma once

#include "base/chr.h"
#include "base/clock.h"
#include "bus/device.h"
#include "bus/io.h"
#include "bus/irq.h"
#include "hw/serial_regs.h"

/** What a guest can observe. */
struct serial_state {
	uint16_t divisor;
	uint8_t ier, fcr, lcr, mcr;
	uint8_t lsr; /* errors only; the rest follows from the FIFOs */
	uint8_t msr, scr;
	bool thre_pending;    /* the transmitter interrupt has not been taken */
	bool timeout_pending; /* bytes below the trigger level have waited for four character times
			       */
	uint8_t receive_count, transmit_count;
	uint8_t receive[SERIAL_FIFO_BYTES];  /* oldest first */
	uint8_t transmit[SERIAL_FIFO_BYTES]; /* what the host had no room for */
	uint8_t reserved;                    /* zero */
};

struct serial {
	struct serial_state state;
	struct device device;
	struct io_window window; /* SERIAL_PORT_COUNT ports; to be mapped by the board */
	struct clock_timer timer;
	struct irq_line *irq;
	struct chr *chr;
};

/** Puts the port into its power-on state and attaches it to 'chr'. All are borrowed; 'chr' must
 * outlive the port. */
void serial_init(struct serial *serial, struct clock *clock, struct irq_line *irq, struct chr *chr);
