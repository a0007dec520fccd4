// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/serial.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/trace.h"

static const struct state_field serial_fields[] = {
	STATE_INT(struct serial_state, divisor),
	STATE_INT(struct serial_state, ier),
	STATE_INT(struct serial_state, fcr),
	STATE_INT(struct serial_state, lcr),
	STATE_INT(struct serial_state, mcr),
	STATE_INT(struct serial_state, lsr),
	STATE_INT(struct serial_state, msr),
	STATE_INT(struct serial_state, scr),
	STATE_INT(struct serial_state, thre_pending),
	STATE_INT(struct serial_state, timeout_pending),
	STATE_INT(struct serial_state, receive_count),
	STATE_INT(struct serial_state, transmit_count),
	STATE_ARRAY(struct serial_state, receive),
	STATE_ARRAY(struct serial_state, transmit),
	STATE_INT(struct serial_state, reserved),
};
static STATE_TABLE(serial_table, serial_state, serial_fields);

enum {
	SERIAL_PEER_LINES = SERIAL_MSR_CTS | SERIAL_MSR_DSR | SERIAL_MSR_DCD,
	SERIAL_TIMEOUT_CHARACTERS = 4,
};

static bool serial_has_fifo(const struct serial *serial)
{
	return (serial->state.fcr & SERIAL_FCR_ENABLE) != 0;
}

static bool serial_is_looped(const struct serial *serial)
{
	return (serial->state.mcr & SERIAL_MCR_LOOP) != 0;
}

static size_t serial_fifo_size(const struct serial *serial)
{
	return serial_has_fifo(serial) ? SERIAL_FIFO_BYTES : 1;
}

/* --- Interrupts. --- */

/* Bytes at which received data interrupts. */
static unsigned serial_trigger(const struct serial *serial)
{
	static const uint8_t levels[4] = { 1, 4, 8, 14 };

	if (!serial_has_fifo(serial))
		return 1;
	return levels[(serial->state.fcr & SERIAL_FCR_TRIGGER) >> SERIAL_FCR_TRIGGER_SHIFT];
}

/* The reason of highest priority: data sheet, table IV. */
static enum serial_iir serial_reason(const struct serial *serial)
{
	const struct serial_state *state = &serial->state;

	if (state->ier & SERIAL_IER_RLSI && state->lsr & SERIAL_LSR_ERRORS)
		return SERIAL_IIR_RLSI;
	if (state->ier & SERIAL_IER_RDI && state->receive_count >= serial_trigger(serial))
		return SERIAL_IIR_RDI;
	if (state->ier & SERIAL_IER_RDI && state->timeout_pending)
		return SERIAL_IIR_CTI;
	if (state->ier & SERIAL_IER_THRI && state->thre_pending)
		return SERIAL_IIR_THRI;
	if (state->ier & SERIAL_IER_MSI && state->msr & SERIAL_MSR_DELTAS)
		return SERIAL_IIR_MSI;
	return SERIAL_IIR_NONE;
}

static void serial_update_irq(struct serial *serial)
{
	irq_set(serial->irq, serial_reason(serial) != SERIAL_IIR_NONE);
}

static int64_t serial_character_ns(const struct serial *serial)
{
	uint8_t lcr = serial->state.lcr;
	unsigned bits = 1u + 5u + (lcr & SERIAL_LCR_BITS) + (lcr & SERIAL_LCR_PARITY ? 1 : 0) +
			(lcr & SERIAL_LCR_STOP ? 2 : 1);
	int64_t divisor = serial->state.divisor ? serial->state.divisor : 1;

	return bits * divisor * 16 * NS_PER_SECOND / SERIAL_CLOCK_HZ;
}

/* The time-out runs anew from each byte that comes or is read, while it can interrupt: data
 * sheet, 8.5. */
static void serial_restart_timeout(struct serial *serial)
{
	const struct serial_state *state = &serial->state;

	serial->state.timeout_pending = false;
	if (serial_has_fifo(serial) && state->ier & SERIAL_IER_RDI && state->receive_count > 0 &&
	    state->receive_count < serial_trigger(serial))
		clock_timer_set(&serial->timer,
				clock_now_ns(serial->timer.clock) +
					SERIAL_TIMEOUT_CHARACTERS * serial_character_ns(serial));
	else
		clock_timer_cancel(&serial->timer);
}

static void serial_time_out(void *opaque)
{
	struct serial *serial = opaque;

	serial->state.timeout_pending = true;
	serial_update_irq(serial);
}

/* --- Receiver. --- */

static void serial_put_received(struct serial *serial, uint8_t byte)
{
	struct serial_state *state = &serial->state;

	if (state->receive_count < serial_fifo_size(serial))
		state->receive[state->receive_count++] = byte;
	else
		state->lsr |=
			SERIAL_LSR_OE; /* a full FIFO keeps what it has: data sheet, LSR bit 1 */
	if (!serial_has_fifo(serial))
		state->receive[0] = byte; /* the holding register is overwritten */
}

static size_t serial_can_receive(void *opaque)
{
	struct serial *serial = opaque;

	if (serial_is_looped(serial))
		return 0;
	return serial_fifo_size(serial) -
	       min_size(serial->state.receive_count, serial_fifo_size(serial));
}

static void serial_receive(void *opaque, const uint8_t *bytes, size_t count)
{
	struct serial *serial = opaque;

	for (size_t i = 0; i < count; i++)
		serial_put_received(serial, bytes[i]);
	serial_restart_timeout(serial);
	serial_update_irq(serial);
}

/* An empty receiver gives the byte that was in it last. */
static uint8_t serial_read_rbr(struct serial *serial)
{
	struct serial_state *state = &serial->state;
	uint8_t byte = state->receive[0];

	if (state->receive_count == 0)
		return byte;
	if (--state->receive_count > 0)
		memmove(state->receive, state->receive + 1, state->receive_count);
	serial_restart_timeout(serial);
	chr_accept(serial->chr);
	serial_update_irq(serial);
	return byte;
}

/* --- Transmitter. --- */

/* Gives waiting bytes to the host; when none is left, the transmitter is empty anew. */
static void serial_drain(struct serial *serial)
{
	struct serial_state *state = &serial->state;
	size_t taken;

	if (state->transmit_count == 0)
		return;
	taken = min_size(chr_write(serial->chr, state->transmit, state->transmit_count),
			 state->transmit_count);
	state->transmit_count = (uint8_t)(state->transmit_count - taken);
	if (state->transmit_count == 0)
		state->thre_pending = true;
	else
		memmove(state->transmit, state->transmit + taken, state->transmit_count);
	serial_update_irq(serial);
}

static void serial_writable(void *opaque)
{
	serial_drain(opaque);
}

static void serial_write_thr(struct serial *serial, uint8_t byte)
{
	struct serial_state *state = &serial->state;

	state->thre_pending = false;
	serial_update_irq(serial); /* so that the transmitter's next interrupt is an edge */
	if (serial_is_looped(serial)) {
		serial_receive(serial, &byte, 1);
		state->thre_pending = true;
		serial_update_irq(serial);
		return;
	}
	if (state->transmit_count < serial_fifo_size(serial))
		state->transmit[state->transmit_count++] = byte;
	serial_drain(serial);
}

/* --- Registers. --- */

static uint8_t serial_value_lsr(const struct serial *serial)
{
	const struct serial_state *state = &serial->state;

	return (uint8_t)(state->lsr | (state->receive_count ? SERIAL_LSR_DR : 0) |
			 (state->transmit_count ? 0 : SERIAL_LSR_THRE | SERIAL_LSR_TEMT));
}

static uint8_t serial_value_iir(const struct serial *serial)
{
	return (uint8_t)(serial_reason(serial) | (serial_has_fifo(serial) ? SERIAL_IIR_FIFO : 0));
}

static bool serial_has_dlab(const struct serial *serial)
{
	return (serial->state.lcr & SERIAL_LCR_DLAB) != 0;
}

/* Without side effects. */
static uint8_t serial_value(const struct serial *serial, unsigned reg)
{
	const struct serial_state *state = &serial->state;

	switch (reg) {
	case SERIAL_RBR:
		return serial_has_dlab(serial) ? (uint8_t)state->divisor : state->receive[0];
	case SERIAL_IER:
		return serial_has_dlab(serial) ? (uint8_t)(state->divisor >> 8) : state->ier;
	case SERIAL_IIR:
		return serial_value_iir(serial);
	case SERIAL_LCR:
		return state->lcr;
	case SERIAL_MCR:
		return state->mcr;
	case SERIAL_LSR:
		return serial_value_lsr(serial);
	case SERIAL_MSR:
		return state->msr;
	default:
		return state->scr;
	}
}

static uint64_t serial_peek(void *opaque, uint64_t offset, unsigned size)
{
	(void)size;
	return serial_value(opaque, (unsigned)offset);
}

static uint64_t serial_read(void *opaque, uint64_t offset, unsigned size)
{
	struct serial *serial = opaque;
	uint8_t value = serial_value(serial, (unsigned)offset);

	(void)size;
	switch (offset) {
	case SERIAL_RBR:
		return serial_has_dlab(serial) ? value : serial_read_rbr(serial);
	case SERIAL_IIR: /* takes the transmitter's interrupt, if it is the one shown */
		if (serial_reason(serial) == SERIAL_IIR_THRI)
			serial->state.thre_pending = false;
		break;
	case SERIAL_LSR:
		serial->state.lsr = 0;
		break;
	case SERIAL_MSR:
		serial->state.msr &= SERIAL_MSR_LINES;
		break;
	default:
		return value;
	}
	serial_update_irq(serial);
	return value;
}

/* Enabling the transmitter's interrupt raises it if the transmitter is empty: data sheet, 8.7. */
static void serial_write_ier(struct serial *serial, uint8_t value)
{
	struct serial_state *state = &serial->state;
	uint8_t risen = value & (uint8_t)~state->ier & SERIAL_IER_MASK;

	state->ier = value & SERIAL_IER_MASK;
	if (risen & SERIAL_IER_THRI && state->transmit_count == 0)
		state->thre_pending = true;
	if (risen & SERIAL_IER_RDI)
		serial_restart_timeout(serial);
	serial_update_irq(serial);
}

/* Changing the mode empties both FIFOs; without ENABLE the other bits are not programmed: data
 * sheet, 8.4. */
static void serial_write_fcr(struct serial *serial, uint8_t value)
{
	struct serial_state *state = &serial->state;

	if ((value ^ state->fcr) & SERIAL_FCR_ENABLE)
		value |= SERIAL_FCR_CLEAR_RX | SERIAL_FCR_CLEAR_TX;
	if (value & SERIAL_FCR_CLEAR_RX)
		state->receive_count = 0;
	if (value & SERIAL_FCR_CLEAR_TX) {
		state->thre_pending |= state->transmit_count > 0;
		state->transmit_count = 0;
	}
	state->fcr = value & SERIAL_FCR_ENABLE ? value & SERIAL_FCR_KEPT : 0;
	serial_restart_timeout(serial);
	chr_accept(serial->chr);
	serial_update_irq(serial);
}

/* A looped transmitter in break shows its receiver a zero with the break flag. */
static void serial_write_lcr(struct serial *serial, uint8_t value)
{
	struct serial_state *state = &serial->state;
	bool breaks = (value & (uint8_t)~state->lcr & SERIAL_LCR_BREAK) != 0;

	state->lcr = value;
	if (breaks && serial_is_looped(serial)) {
		state->lsr |= SERIAL_LSR_BI;
		serial_receive(serial, (const uint8_t[]){ 0 }, 1);
	}
}

/* The modem lines that the port sees: its own outputs in loopback (data sheet, 8.6), else those of
 * the peer. */
static uint8_t serial_lines(const struct serial *serial)
{
	uint8_t mcr = serial->state.mcr;

	if (!serial_is_looped(serial))
		return SERIAL_PEER_LINES;
	return (uint8_t)((mcr & SERIAL_MCR_RTS ? SERIAL_MSR_CTS : 0) |
			 (mcr & SERIAL_MCR_DTR ? SERIAL_MSR_DSR : 0) |
			 (mcr & SERIAL_MCR_OUT1 ? SERIAL_MSR_RI : 0) |
			 (mcr & SERIAL_MCR_OUT2 ? SERIAL_MSR_DCD : 0));
}

/* Each line's delta bit lies four places below it; RI counts only its fall. */
static void serial_update_lines(struct serial *serial)
{
	uint8_t lines = serial_lines(serial);
	uint8_t changed = (uint8_t)((serial->state.msr ^ lines) & SERIAL_MSR_LINES);

	if (lines & SERIAL_MSR_RI)
		changed &= (uint8_t)~SERIAL_MSR_RI;
	serial->state.msr =
		(uint8_t)((serial->state.msr & SERIAL_MSR_DELTAS) | lines | changed >> 4);
}

static void serial_write_mcr(struct serial *serial, uint8_t value)
{
	bool was_looped = serial_is_looped(serial);

	serial->state.mcr = value & SERIAL_MCR_MASK;
	serial_update_lines(serial);
	serial_update_irq(serial);
	if (was_looped && !serial_is_looped(serial))
		chr_accept(serial->chr);
}

static void serial_write(void *opaque, uint64_t offset, uint64_t data, unsigned size)
{
	struct serial *serial = opaque;
	struct serial_state *state = &serial->state;
	uint8_t value = (uint8_t)data;

	(void)size;
	TRACE(serial, write, "%u: %02x", (unsigned)offset, value);
	switch (offset) {
	case SERIAL_THR:
		if (serial_has_dlab(serial))
			state->divisor = (uint16_t)((state->divisor & 0xff00) | value);
		else
			serial_write_thr(serial, value);
		break;
	case SERIAL_IER:
		if (serial_has_dlab(serial))
			state->divisor = (uint16_t)((state->divisor & 0x00ff) | value << 8);
		else
			serial_write_ier(serial, value);
		break;
	case SERIAL_FCR:
		serial_write_fcr(serial, value);
		break;
	case SERIAL_LCR:
		serial_write_lcr(serial, value);
		break;
	case SERIAL_MCR:
		serial_write_mcr(serial, value);
		break;
	case SERIAL_SCR:
		state->scr = value;
		break;
	default: /* LSR and MSR are read-only */
		break;
	}
}

static bool serial_takes_blocks(const struct serial *serial, uint64_t offset, unsigned size)
{
	return offset == SERIAL_THR && size == 1 && !serial_has_dlab(serial) &&
	       !serial_is_looped(serial);
}

static size_t serial_read_block(void *opaque, uint64_t offset, void *data, unsigned size,
				size_t count)
{
	struct serial *serial = opaque;
	uint8_t *bytes = data;
	size_t done = 0;

	if (!serial_takes_blocks(serial, offset, size))
		return 0;
	while (done < count && serial->state.receive_count > 0)
		bytes[done++] = serial_read_rbr(serial);
	return done;
}

/* Consoles that write whole lines by string output: straight to the host, as far as it has room. */
static size_t serial_write_block(void *opaque, uint64_t offset, const void *data, unsigned size,
				 size_t count)
{
	struct serial *serial = opaque;
	size_t done;

	if (!serial_takes_blocks(serial, offset, size) || serial->state.transmit_count > 0)
		return 0;
	done = min_size(chr_write(serial->chr, data, count), count);
	if (done > 0) {
		serial->state.thre_pending = false;
		serial_update_irq(serial);
		serial->state.thre_pending = true;
		serial_update_irq(serial);
	}
	return done;
}

static const struct io_ops serial_ops = {
	.read = serial_read,
	.write = serial_write,
	.peek = serial_peek,
	.read_block = serial_read_block,
	.write_block = serial_write_block,
	.max_size = 1,
};

/* --- Life. --- */

static void serial_reset(void *self)
{
	struct serial *serial = self;

	serial->state = (struct serial_state){ .divisor = 12, .msr = SERIAL_PEER_LINES };
	clock_timer_cancel(&serial->timer);
	irq_set(serial->irq, false);
}

static int serial_after_load(void *self, struct err *err)
{
	struct serial *serial = self;
	struct serial_state *state = &serial->state;

	if (state->ier & ~SERIAL_IER_MASK || state->fcr & ~SERIAL_FCR_KEPT ||
	    state->mcr & ~SERIAL_MCR_MASK || state->lsr & ~SERIAL_LSR_ERRORS ||
	    state->receive_count > serial_fifo_size(serial) ||
	    state->transmit_count > serial_fifo_size(serial))
		return err_set(err, -EINVAL,
			       "the saved serial port holds values that it cannot have");
	state->reserved = 0;
	if (!state->timeout_pending)
		serial_restart_timeout(serial);
	serial_drain(serial);
	serial_update_irq(serial);
	return 0;
}

static void serial_finish(void *self)
{
	struct serial *serial = self;

	clock_timer_cancel(&serial->timer);
	chr_set_client(serial->chr, NULL);
	io_unmap(&serial->window);
}

static const struct device_class serial_class = {
	.name = "serial",
	.reset = serial_reset,
	.table = &serial_table,
	.state_offset = offsetof(struct serial, state),
	.version = 1,
	.after_load = serial_after_load,
	.finish = serial_finish,
};

void serial_init(struct serial *serial, struct clock *clock, struct irq_line *irq, struct chr *chr)
{
	*serial = (struct serial){ .irq = irq, .chr = chr };
	clock_timer_init(&serial->timer, clock, serial_time_out, serial);
	device_init(&serial->device, &serial_class, serial);
	io_window_init(&serial->window, "serial", &serial_ops, serial, SERIAL_PORT_COUNT);
	serial_reset(serial);
	chr_set_client(chr, &(const struct chr_client){
				    .opaque = serial,
				    .can_receive = serial_can_receive,
				    .receive = serial_receive,
				    .writable = serial_writable,
			    });
}
