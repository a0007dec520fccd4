// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/ps2_keyboard.h"

#include <linux/input-event-codes.h>
#include <string.h>

#include "base/input.h"
#include "base/trace.h"
#include "hw/ps2_scancodes.h"

static const struct state_field ps2_keyboard_fields[] = {
	STATE_ARRAY(struct ps2_keyboard_state, keys),
	STATE_ARRAY(struct ps2_keyboard_state, replies),
	STATE_ARRAY(struct ps2_keyboard_state, key_types),
	STATE_ARRAY(struct ps2_keyboard_state, down),
	STATE_INT(struct ps2_keyboard_state, key_count),
	STATE_INT(struct ps2_keyboard_state, reply_count),
	STATE_INT(struct ps2_keyboard_state, command),
	STATE_INT(struct ps2_keyboard_state, scan_set),
	STATE_INT(struct ps2_keyboard_state, leds),
	STATE_INT(struct ps2_keyboard_state, typematic),
	STATE_INT(struct ps2_keyboard_state, last),
	STATE_INT(struct ps2_keyboard_state, scanning),
	STATE_INT(struct ps2_keyboard_state, busy),
};
STATE_TABLE(ps2_keyboard_state_table, ps2_keyboard_state, ps2_keyboard_fields);

/* --- Keys. --- */

static bool key_is_down(const struct ps2_keyboard *keyboard, unsigned key)
{
	return (keyboard->state->down[key / 8] & BIT(key % 8)) != 0;
}

static void set_key_down(struct ps2_keyboard *keyboard, unsigned key, bool down)
{
	uint8_t *byte = &keyboard->state->down[key / 8];

	*byte = (uint8_t)(down ? *byte | BIT(key % 8) : *byte & ~BIT(key % 8));
}

static struct scan_modifiers modifiers(const struct ps2_keyboard *keyboard)
{
	return (struct scan_modifiers){
		.shift = key_is_down(keyboard, KEY_LEFTSHIFT) ||
			 key_is_down(keyboard, KEY_RIGHTSHIFT),
		.ctrl = key_is_down(keyboard, KEY_LEFTCTRL) || key_is_down(keyboard, KEY_RIGHTCTRL),
		.alt = key_is_down(keyboard, KEY_LEFTALT) || key_is_down(keyboard, KEY_RIGHTALT),
	};
}

/* Only set 3 lets the guest choose what a key sends. */
static bool key_sends(const struct ps2_keyboard *keyboard, unsigned key,
		      enum keyboard_key_type type)
{
	return keyboard->state->scan_set != 3 ||
	       (keyboard->state->key_types[scan_set3_code(key)] & type) != 0;
}

/* A sequence that does not fit is lost as a whole; the first press lost leaves the overrun code
 * behind the rest. */
static bool queue_keys(struct ps2_keyboard *keyboard, const uint8_t *bytes, size_t count, bool down,
		       bool repeat)
{
	struct ps2_keyboard_state *state = keyboard->state;
	size_t limit = down ? KEYBOARD_QUEUE_BYTES : KEYBOARD_RELEASE_BYTES;
	uint8_t overrun = state->scan_set == 1 ? 0xff : KEYBOARD_OVERRUN;

	if (state->key_count + count <= limit) {
		memcpy(state->keys + state->key_count, bytes, count);
		state->key_count = (uint8_t)(state->key_count + count);
		return true;
	}
	TRACE(ps2, overrun, "%u bytes wait", state->key_count);
	if (!repeat && state->key_count < KEYBOARD_RELEASE_BYTES && state->key_count > 0 &&
	    state->keys[state->key_count - 1] != overrun)
		state->keys[state->key_count++] = overrun;
	return false;
}

/* A key that the guest has not seen pressed is not released either. */
void ps2_keyboard_key(struct ps2_keyboard *keyboard, unsigned key, bool down)
{
	struct ps2_keyboard_state *state = keyboard->state;
	uint8_t bytes[SCAN_SEQUENCE_MAX];
	bool repeat, sent = true;
	size_t count;

	if (key >= KEYBOARD_KEYS || !state->scanning)
		return;
	repeat = key_is_down(keyboard, key);
	if (!down && !repeat)
		return;
	count = scan_encode(state->scan_set, key, down, down && repeat, modifiers(keyboard), bytes);
	if ((!down && !key_sends(keyboard, key, KEY_TYPE_BREAKS)) ||
	    (down && repeat && !key_sends(keyboard, key, KEY_TYPE_REPEATS)))
		count = 0;
	if (count > 0) {
		state->busy = true;
		sent = queue_keys(keyboard, bytes, count, down, repeat);
	}
	if (!down || sent)
		set_key_down(keyboard, key, down);
	keyboard->pending(keyboard->opaque);
}

bool ps2_keyboard_has_room(const struct ps2_keyboard *keyboard)
{
	return !keyboard->state->busy;
}

void ps2_keyboard_set_drained(struct ps2_keyboard *keyboard, void (*drained)(void *opaque),
			      void *opaque)
{
	keyboard->drained = drained;
	keyboard->drained_opaque = opaque;
}

/* --- What the controller takes. --- */

bool ps2_keyboard_has_reply(const struct ps2_keyboard *keyboard)
{
	return keyboard->state->reply_count > 0;
}

static uint8_t take_first(uint8_t *bytes, uint8_t *count)
{
	uint8_t byte = bytes[0];

	memmove(bytes, bytes + 1, --*count);
	return byte;
}

bool ps2_keyboard_take(struct ps2_keyboard *keyboard, uint8_t *byte)
{
	struct ps2_keyboard_state *state = keyboard->state;

	if (state->reply_count > 0) {
		*byte = take_first(state->replies, &state->reply_count);
	} else if (state->key_count > 0) {
		*byte = take_first(state->keys, &state->key_count);
	} else {
		if (state->busy) {
			state->busy = false;
			if (keyboard->drained)
				keyboard->drained(keyboard->drained_opaque);
		}
		return false;
	}
	if (*byte != PS2_RESEND)
		state->last = *byte;
	return true;
}

/* --- Commands. --- */

static void reply(struct ps2_keyboard *keyboard, uint8_t byte)
{
	struct ps2_keyboard_state *state = keyboard->state;

	if (state->reply_count < KEYBOARD_REPLY_BYTES)
		state->replies[state->reply_count++] = byte;
}

static void set_leds(struct ps2_keyboard *keyboard, uint8_t leds)
{
	keyboard->state->leds = leds & KEYBOARD_LEDS;
	if (keyboard->input)
		input_set_leds(keyboard->input, keyboard->state->leds);
}

/* Modifiers tell their release, the two on the right do not repeat either, all others only repeat:
 * IBM, "Scan code set 3". */
static void default_key_types(struct ps2_keyboard *keyboard)
{
	static const uint8_t breaking[] = { KEY_LEFTCTRL, KEY_LEFTSHIFT, KEY_CAPSLOCK, KEY_LEFTALT,
					    KEY_RIGHTSHIFT };
	uint8_t *types = keyboard->state->key_types;

	memset(types, KEY_TYPE_REPEATS, KEYBOARD_KEYS);
	for (size_t i = 0; i < ARRAY_SIZE(breaking); i++)
		types[scan_set3_code(breaking[i])] = KEY_TYPE_BREAKS;
	types[scan_set3_code(KEY_RIGHTCTRL)] = 0;
	types[scan_set3_code(KEY_RIGHTALT)] = 0;
}

static void set_defaults(struct ps2_keyboard *keyboard)
{
	struct ps2_keyboard_state *state = keyboard->state;

	state->key_count = 0;
	state->scan_set = 2;
	state->typematic = KEYBOARD_TYPEMATIC_DEFAULT;
	default_key_types(keyboard);
}

static void write_scan_set(struct ps2_keyboard *keyboard, uint8_t set)
{
	if (set > 3) {
		reply(keyboard, PS2_RESEND);
		return;
	}
	reply(keyboard, PS2_ACK);
	if (set == 0)
		reply(keyboard, keyboard->state->scan_set);
	else
		keyboard->state->scan_set = set;
}

/* The key types by command, for all keys or for the codes that follow. */
static uint8_t key_type_of(uint8_t command)
{
	switch (command) {
	case KEYBOARD_ALL_TYPEMATIC:
	case KEYBOARD_KEY_TYPEMATIC:
		return KEY_TYPE_REPEATS;
	case KEYBOARD_ALL_MAKE_BREAK:
	case KEYBOARD_KEY_MAKE_BREAK:
		return KEY_TYPE_BREAKS;
	case KEYBOARD_ALL_TYPEMATIC_MAKE_BREAK:
		return KEY_TYPE_REPEATS | KEY_TYPE_BREAKS;
	default:
		return 0;
	}
}

/* The parameter of the command that waits for one. Key codes follow until the next command. */
static void write_parameter(struct ps2_keyboard *keyboard, uint8_t byte)
{
	struct ps2_keyboard_state *state = keyboard->state;
	uint8_t command = state->command;

	state->command = 0;
	switch (command) {
	case KEYBOARD_SET_LEDS:
		set_leds(keyboard, byte);
		reply(keyboard, PS2_ACK);
		break;
	case KEYBOARD_SCAN_SET:
		write_scan_set(keyboard, byte);
		break;
	case KEYBOARD_SET_TYPEMATIC:
		state->typematic = byte & 0x7f;
		reply(keyboard, PS2_ACK);
		break;
	default:
		state->key_types[byte] = key_type_of(command);
		state->command = command;
		reply(keyboard, PS2_ACK);
		break;
	}
}

static void reset_by_command(struct ps2_keyboard *keyboard)
{
	set_defaults(keyboard);
	set_leds(keyboard, 0);
	memset(keyboard->state->down, 0, sizeof(keyboard->state->down));
	keyboard->state->scanning = true;
	keyboard->state->reply_count = 0;
	reply(keyboard, PS2_ACK);
	reply(keyboard, PS2_BAT_PASSED);
}

static void write_command(struct ps2_keyboard *keyboard, uint8_t byte)
{
	struct ps2_keyboard_state *state = keyboard->state;

	state->command = 0;
	switch (byte) {
	case KEYBOARD_ECHO:
		reply(keyboard, KEYBOARD_ECHO);
		return;
	case KEYBOARD_RESEND:
		reply(keyboard, state->last);
		return;
	case KEYBOARD_RESET:
		reset_by_command(keyboard);
		return;
	case KEYBOARD_SET_LEDS:
	case KEYBOARD_SCAN_SET:
	case KEYBOARD_SET_TYPEMATIC:
	case KEYBOARD_KEY_TYPEMATIC:
	case KEYBOARD_KEY_MAKE_BREAK:
	case KEYBOARD_KEY_MAKE:
		state->command = byte;
		break;
	case KEYBOARD_IDENTIFY:
		reply(keyboard, PS2_ACK);
		reply(keyboard, KEYBOARD_ID_0);
		reply(keyboard, KEYBOARD_ID_1);
		return;
	case KEYBOARD_ENABLE:
		state->key_count = 0;
		state->scanning = true;
		break;
	case KEYBOARD_DISABLE:
		set_defaults(keyboard);
		state->scanning = false;
		break;
	case KEYBOARD_DEFAULTS:
		set_defaults(keyboard);
		break;
	case KEYBOARD_ALL_TYPEMATIC:
	case KEYBOARD_ALL_MAKE_BREAK:
	case KEYBOARD_ALL_MAKE:
	case KEYBOARD_ALL_TYPEMATIC_MAKE_BREAK:
		memset(state->key_types, key_type_of(byte), KEYBOARD_KEYS);
		break;
	default:
		reply(keyboard, PS2_RESEND);
		return;
	}
	reply(keyboard, PS2_ACK);
}

/* Parameters lie below all commands; a command in place of a parameter is a command. */
void ps2_keyboard_write(struct ps2_keyboard *keyboard, uint8_t byte)
{
	TRACE(ps2, keyboard_write, "%02x", byte);
	if (keyboard->state->command && byte < KEYBOARD_SET_LEDS)
		write_parameter(keyboard, byte);
	else
		write_command(keyboard, byte);
	keyboard->pending(keyboard->opaque);
}

/* --- Life. --- */

int ps2_keyboard_check(const struct ps2_keyboard *keyboard)
{
	const struct ps2_keyboard_state *state = keyboard->state;

	if (state->key_count > KEYBOARD_RELEASE_BYTES ||
	    state->reply_count > KEYBOARD_REPLY_BYTES || state->scan_set < 1 ||
	    state->scan_set > 3 || state->leds & ~KEYBOARD_LEDS ||
	    (state->command && state->command < KEYBOARD_SET_LEDS))
		return -1;
	return 0;
}

void ps2_keyboard_reset(struct ps2_keyboard *keyboard)
{
	/* Whoever types hears of the end of what was under way at the next take. */
	*keyboard->state =
		(struct ps2_keyboard_state){ .scanning = true, .busy = keyboard->state->busy };
	set_defaults(keyboard);
	set_leds(keyboard, 0);
}

void ps2_keyboard_init(struct ps2_keyboard *keyboard, struct ps2_keyboard_state *state,
		       struct input *input, void (*pending)(void *opaque), void *opaque)
{
	*keyboard = (struct ps2_keyboard){
		.state = state, .input = input, .pending = pending, .opaque = opaque
	};
	ps2_keyboard_reset(keyboard);
}
