// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A byte's way:
 *
 *	keyboard, mouse --ps2_refill--> output buffer --ps2_read_data--> guest
 *	ps2_answer (controller) ----------^
 *
 * The controller's answers go first, then the keyboard's bytes, then the mouse's. Each fill raises
 *the IRQ of its source, each read takes it back, so that every byte is an edge.
 */
#include "hw/ps2.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/trace.h"
#include "hw/ps2_scancodes.h"

static const struct state_field ps2_fields[] = {
	STATE_STRUCT(struct ps2_state, mouse, &ps2_mouse_state_table),
	STATE_STRUCT(struct ps2_state, keyboard, &ps2_keyboard_state_table),
	STATE_ARRAY(struct ps2_state, ram),
	STATE_INT(struct ps2_state, output),
	STATE_INT(struct ps2_state, output_port),
	STATE_INT(struct ps2_state, command),
	STATE_INT(struct ps2_state, answer),
	STATE_INT(struct ps2_state, output_full),
	STATE_INT(struct ps2_state, output_is_aux),
	STATE_INT(struct ps2_state, answer_waits),
	STATE_INT(struct ps2_state, answer_is_aux),
	STATE_INT(struct ps2_state, system),
	STATE_INT(struct ps2_state, wrote_command),
	STATE_INT(struct ps2_state, released),
};
static STATE_TABLE(ps2_table, ps2_state, ps2_fields);

enum {
	/*
	 * The wire takes about a millisecond a byte. A quarter of it is enough for a program on INT
	 * 9 and the BIOS behind it to read the same scan code (DOS games, Windows 3). Who asks for
	 * the status before each byte takes none for another: to him the next one comes at once,
	 * which makes text that is typed by a program several times faster.
	 */
	PS2_SCAN_CODE_NS = 250000,
};

static uint8_t ps2_mode(const struct ps2 *ps2)
{
	return ps2->state.ram[0];
}

static void ps2_update_irq(struct ps2 *ps2)
{
	const struct ps2_state *state = &ps2->state;
	bool full = state->output_full;

	irq_set(ps2->keyboard_irq,
		full && !state->output_is_aux && ps2_mode(ps2) & PS2_MODE_KEYBOARD_IRQ);
	irq_set(ps2->aux_irq, full && state->output_is_aux && ps2_mode(ps2) & PS2_MODE_AUX_IRQ);
}

/* --- The output buffer. --- */

static void ps2_fill(struct ps2 *ps2, uint8_t byte, bool is_aux)
{
	ps2->state.output = byte;
	ps2->state.output_is_aux = is_aux;
	ps2->state.output_full = true;
	ps2->was_asked = false;
	TRACE(ps2, output, "%s %02x", is_aux ? "aux" : "keyboard", byte);
}

/* The next byte of the keyboard, translated if the guest wants it; prefixes of releases vanish in
 * translation. */
static bool ps2_take_keyboard(struct ps2 *ps2, uint8_t *byte)
{
	if (ps2_mode(ps2) & PS2_MODE_KEYBOARD_OFF)
		return false;
	if (clock_timer_is_pending(&ps2->timer) && !ps2_keyboard_has_reply(&ps2->keyboard))
		return false;
	while (ps2_keyboard_take(&ps2->keyboard, byte)) {
		if (!(ps2_mode(ps2) & PS2_MODE_TRANSLATE))
			return true;
		if (scan_translate(&ps2->state.released, *byte, byte))
			return true;
	}
	return false;
}

static bool ps2_take_aux(struct ps2 *ps2, uint8_t *byte)
{
	return !(ps2_mode(ps2) & PS2_MODE_AUX_OFF) && ps2_mouse_take(&ps2->mouse, byte);
}

static void ps2_refill_once(struct ps2 *ps2)
{
	struct ps2_state *state = &ps2->state;
	uint8_t byte;

	if (state->answer_waits) {
		state->answer_waits = false;
		ps2_fill(ps2, state->answer, state->answer_is_aux);
	} else if (ps2_take_keyboard(ps2, &byte)) {
		ps2_fill(ps2, byte, false);
	} else if (ps2_take_aux(ps2, &byte)) {
		ps2_fill(ps2, byte, true);
	}
}

/*
 * Fills the output buffer if it is empty and somebody has a byte. Who types at the guest's pace is
 * called from in here, and its next key calls here again: that is left to the outer call.
 */
static void ps2_refill(void *opaque)
{
	struct ps2 *ps2 = opaque;

	ps2->refill_again = true;
	if (ps2->refilling)
		return;
	ps2->refilling = true;
	while (ps2->refill_again && !ps2->state.output_full) {
		ps2->refill_again = false;
		ps2_refill_once(ps2);
	}
	ps2->refilling = false;
	ps2_update_irq(ps2);
}

/* A later answer takes the place of one that was not read. */
static void ps2_answer(struct ps2 *ps2, uint8_t byte, bool is_aux)
{
	ps2->state.answer = byte;
	ps2->state.answer_is_aux = is_aux;
	ps2->state.answer_waits = true;
	ps2_refill(ps2);
}

/* An empty buffer shows its last byte again. */
static uint64_t ps2_read_data(void *opaque, uint64_t offset, unsigned size)
{
	struct ps2 *ps2 = opaque;
	uint8_t byte = ps2->state.output;

	(void)offset;
	(void)size;
	if (!ps2->state.output_full)
		return byte;
	ps2->state.output_full = false;
	ps2_update_irq(ps2);
	if (!ps2->state.output_is_aux && !ps2->was_asked)
		clock_timer_set(&ps2->timer, clock_now_ns(ps2->timer.clock) + PS2_SCAN_CODE_NS);
	ps2_refill(ps2);
	return byte;
}

static uint64_t ps2_peek_data(void *opaque, uint64_t offset, unsigned size)
{
	struct ps2 *ps2 = opaque;

	(void)offset;
	(void)size;
	return ps2->state.output;
}

static uint64_t ps2_peek_status(void *opaque, uint64_t offset, unsigned size)
{
	const struct ps2_state *state = &((struct ps2 *)opaque)->state;

	(void)offset;
	(void)size;
	return (uint64_t)(PS2_STATUS_UNLOCKED | (state->output_full ? PS2_STATUS_OBF : 0) |
			  (state->output_full && state->output_is_aux ? PS2_STATUS_AUX : 0) |
			  (state->system ? PS2_STATUS_SYSTEM : 0) |
			  (state->wrote_command ? PS2_STATUS_COMMAND : 0));
}

static uint64_t ps2_read_status(void *opaque, uint64_t offset, unsigned size)
{
	struct ps2 *ps2 = opaque;

	ps2->was_asked = ps2->state.output_full;
	return ps2_peek_status(opaque, offset, size);
}

/* --- Commands. --- */

static uint8_t ps2_read_output_port(const struct ps2 *ps2)
{
	const struct ps2_state *state = &ps2->state;

	return (uint8_t)(state->output_port | PS2_OUTPUT_STABLE |
			 (state->output_full && !state->output_is_aux ? PS2_OUTPUT_KEYBOARD_IRQ
								      : 0) |
			 (state->output_full && state->output_is_aux ? PS2_OUTPUT_AUX_IRQ : 0));
}

static void ps2_write_output_port(struct ps2 *ps2, uint8_t value)
{
	ps2->state.output_port = (value & PS2_OUTPUT_A20) | PS2_OUTPUT_NO_RESET;
	if (!(value & PS2_OUTPUT_NO_RESET))
		power_request(ps2->power, POWER_RESET, "i8042");
}

static void ps2_set_mode(struct ps2 *ps2, uint8_t mode)
{
	ps2->state.ram[0] = mode;
	ps2->state.system = (mode & PS2_MODE_SYSTEM) != 0;
	ps2_refill(ps2);
}

static void ps2_self_test(struct ps2 *ps2)
{
	ps2->state.ram[0] |= PS2_MODE_SYSTEM;
	ps2->state.system = true;
	ps2_answer(ps2, PS2_SELF_TEST_PASSED, false);
}

static void ps2_command_single(struct ps2 *ps2, uint8_t command)
{
	uint8_t mode = ps2_mode(ps2);

	switch (command) {
	case PS2_TEST_PASSWORD:
		ps2_answer(ps2, PS2_NO_PASSWORD, false);
		break;
	case PS2_DISABLE_AUX:
		ps2_set_mode(ps2, mode | PS2_MODE_AUX_OFF);
		break;
	case PS2_ENABLE_AUX:
		ps2_set_mode(ps2, mode & (uint8_t)~PS2_MODE_AUX_OFF);
		break;
	case PS2_SELF_TEST:
		ps2_self_test(ps2);
		break;
	case PS2_TEST_AUX:
	case PS2_TEST_KEYBOARD:
		ps2_answer(ps2, PS2_PORT_TEST_PASSED, false);
		break;
	case PS2_DISABLE_KEYBOARD:
		ps2_set_mode(ps2, mode | PS2_MODE_KEYBOARD_OFF);
		break;
	case PS2_ENABLE_KEYBOARD:
		ps2_set_mode(ps2, mode & (uint8_t)~PS2_MODE_KEYBOARD_OFF);
		break;
	case PS2_READ_INPUT_PORT:
		ps2_answer(ps2, PS2_INPUT_PORT, false);
		break;
	case PS2_READ_OUTPUT_PORT:
		ps2_answer(ps2, ps2_read_output_port(ps2), false);
		break;
	case PS2_WRITE_OUTPUT_PORT:
	case PS2_WRITE_KEYBOARD_BUFFER:
	case PS2_WRITE_AUX_BUFFER:
	case PS2_WRITE_AUX:
		ps2->state.command = command;
		break;
	case PS2_DISABLE_A20:
		ps2->state.output_port &= (uint8_t)~PS2_OUTPUT_A20;
		break;
	case PS2_ENABLE_A20:
		ps2->state.output_port |= PS2_OUTPUT_A20;
		break;
	case PS2_READ_TEST_INPUTS:
		ps2_answer(ps2, 0, false);
		break;
	default: /* the chip ignores what it does not know */
		break;
	}
}

static bool ps2_command_is_in(uint8_t command, uint8_t first, uint8_t count)
{
	return command >= first && command < first + count;
}

static void ps2_write_command(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
	struct ps2 *ps2 = opaque;
	uint8_t command = (uint8_t)value;

	(void)offset;
	(void)size;
	TRACE(ps2, command, "%02x", command);
	ps2->state.wrote_command = true;
	ps2->state.command = 0;
	if (ps2_command_is_in(command, PS2_READ_RAM, PS2_RAM_BYTES))
		ps2_answer(ps2, ps2->state.ram[command - PS2_READ_RAM], false);
	else if (ps2_command_is_in(command, PS2_WRITE_RAM, PS2_RAM_BYTES))
		ps2->state.command = command;
	else if (command < PS2_PULSE)
		ps2_command_single(ps2, command);
	else if (!(command & PS2_PULSE_RESET))
		power_request(ps2->power, POWER_RESET, "i8042");
}

/* A byte to a device switches its clock line on again. */
static void ps2_write_data(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
	struct ps2 *ps2 = opaque;
	uint8_t byte = (uint8_t)value, command = ps2->state.command;

	(void)offset;
	(void)size;
	ps2->state.wrote_command = false;
	ps2->state.command = 0;
	if (ps2_command_is_in(command, PS2_WRITE_RAM, PS2_RAM_BYTES)) {
		if (command == PS2_WRITE_RAM)
			ps2_set_mode(ps2, byte);
		else
			ps2->state.ram[command - PS2_WRITE_RAM] = byte;
		return;
	}
	switch (command) {
	case PS2_WRITE_OUTPUT_PORT:
		ps2_write_output_port(ps2, byte);
		break;
	case PS2_WRITE_KEYBOARD_BUFFER:
		ps2_answer(ps2, byte, false);
		break;
	case PS2_WRITE_AUX_BUFFER:
		ps2_answer(ps2, byte, true);
		break;
	case PS2_WRITE_AUX:
		ps2->state.ram[0] &= (uint8_t)~PS2_MODE_AUX_OFF;
		ps2_mouse_write(&ps2->mouse, byte);
		break;
	default:
		ps2->state.ram[0] &= (uint8_t)~PS2_MODE_KEYBOARD_OFF;
		ps2_keyboard_write(&ps2->keyboard, byte);
		break;
	}
}

static const struct io_ops ps2_data_ops = {
	.read = ps2_read_data,
	.write = ps2_write_data,
	.peek = ps2_peek_data,
	.max_size = 1,
};

static const struct io_ops ps2_command_ops = {
	.read = ps2_read_status,
	.write = ps2_write_command,
	.peek = ps2_peek_status,
	.max_size = 1,
};

/* --- Input. --- */

static void ps2_take_key(void *opaque, unsigned key, bool down)
{
	ps2_keyboard_key(&((struct ps2 *)opaque)->keyboard, key, down);
}

/* A keyboard that has been told not to scan loses keys. */
static bool ps2_has_room(void *opaque)
{
	const struct ps2 *ps2 = opaque;

	return ps2->state.keyboard.scanning && ps2_keyboard_has_room(&ps2->keyboard);
}

static void ps2_tell_keys_taken(void *opaque)
{
	const struct ps2 *ps2 = opaque;

	input_tell_keys_taken(ps2->input);
}

static void ps2_take_move(void *opaque, int dx, int dy, int dz, unsigned buttons)
{
	ps2_mouse_move(&((struct ps2 *)opaque)->mouse, dx, dy, dz, buttons);
}

/* --- Life. --- */

/* The command byte is what firmware sets up: a kernel started without one finds a keyboard that
 * works. */
static void ps2_reset(void *self)
{
	struct ps2 *ps2 = self;
	struct ps2_state *state = &ps2->state;

	ps2_keyboard_reset(&ps2->keyboard);
	ps2_mouse_reset(&ps2->mouse);
	memset(state->ram, 0, sizeof(state->ram));
	state->ram[0] = PS2_MODE_KEYBOARD_IRQ | PS2_MODE_TRANSLATE;
	state->output = state->command = state->answer = 0;
	state->output_port = PS2_OUTPUT_NO_RESET | PS2_OUTPUT_A20;
	state->output_full = state->output_is_aux = false;
	state->answer_waits = state->answer_is_aux = false;
	state->system = state->wrote_command = state->released = false;
	clock_timer_cancel(&ps2->timer);
	ps2_refill(ps2);
}

static int ps2_after_load(void *self, struct err *err)
{
	struct ps2 *ps2 = self;

	if (ps2_keyboard_check(&ps2->keyboard) < 0 || ps2_mouse_check(&ps2->mouse) < 0 ||
	    ps2->state.output_port & ~(PS2_OUTPUT_NO_RESET | PS2_OUTPUT_A20))
		return err_set(err, -EINVAL,
			       "the saved keyboard controller holds values that it cannot have");
	clock_timer_cancel(&ps2->timer);
	if (ps2->input)
		input_set_leds(ps2->input, ps2->state.keyboard.leds);
	ps2_refill(ps2);
	return 0;
}

static void ps2_finish(void *self)
{
	struct ps2 *ps2 = self;

	clock_timer_cancel(&ps2->timer);
	if (ps2->input)
		input_remove_sink(ps2->input, &ps2->sink);
	io_unmap(&ps2->data);
	io_unmap(&ps2->command);
}

static const struct device_class ps2_class = {
	.name = "i8042",
	.reset = ps2_reset,
	.table = &ps2_table,
	.state_offset = offsetof(struct ps2, state),
	.version = 1,
	.after_load = ps2_after_load,
	.finish = ps2_finish,
};

void ps2_init(struct ps2 *ps2, struct clock *clock, struct irq_line *keyboard_irq,
	      struct irq_line *aux_irq, struct power *power, struct input *input)
{
	*ps2 = (struct ps2){
		.keyboard_irq = keyboard_irq, .aux_irq = aux_irq, .power = power, .input = input
	};
	clock_timer_init(&ps2->timer, clock, ps2_refill, ps2);
	device_init(&ps2->device, &ps2_class, ps2);
	io_window_init(&ps2->data, "i8042-data", &ps2_data_ops, ps2, 1);
	io_window_init(&ps2->command, "i8042-command", &ps2_command_ops, ps2, 1);
	ps2_keyboard_init(&ps2->keyboard, &ps2->state.keyboard, input, ps2_refill, ps2);
	ps2_mouse_init(&ps2->mouse, &ps2->state.mouse, ps2_refill, ps2);
	ps2_reset(ps2);
	ps2->sink = (struct input_sink){
		.opaque = ps2,
		.name = "ps2",
		.key = ps2_take_key,
		.has_room = ps2_has_room,
		.move = ps2_take_move,
	};
	list_init(&ps2->sink.node);
	if (input) {
		input_add_sink(input, &ps2->sink);
		ps2_keyboard_set_drained(&ps2->keyboard, ps2_tell_keys_taken, ps2);
	}
}
