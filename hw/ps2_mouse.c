// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/ps2_mouse.h"

#include <string.h>

#include "base/bits.h"
#include "base/input.h"
#include "base/trace.h"

static const struct state_field ps2_mouse_event_fields[] = {
	STATE_INT(struct ps2_mouse_event, dx),
	STATE_INT(struct ps2_mouse_event, dy),
	STATE_INT(struct ps2_mouse_event, dz),
	STATE_INT(struct ps2_mouse_event, buttons),
};
static STATE_TABLE(ps2_mouse_event_table, ps2_mouse_event, ps2_mouse_event_fields);

static const struct state_field ps2_mouse_fields[] = {
	STATE_STRUCTS(struct ps2_mouse_state, events, &ps2_mouse_event_table),
	STATE_ARRAY(struct ps2_mouse_state, packet),
	STATE_INT(struct ps2_mouse_state, packet_length),
	STATE_INT(struct ps2_mouse_state, packet_sent),
	STATE_ARRAY(struct ps2_mouse_state, replies),
	STATE_INT(struct ps2_mouse_state, reply_count),
	STATE_INT(struct ps2_mouse_state, event_count),
	STATE_INT(struct ps2_mouse_state, command),
	STATE_INT(struct ps2_mouse_state, id),
	STATE_ARRAY(struct ps2_mouse_state, rates),
	STATE_INT(struct ps2_mouse_state, resolution),
	STATE_INT(struct ps2_mouse_state, buttons),
	STATE_INT(struct ps2_mouse_state, last),
	STATE_INT(struct ps2_mouse_state, enabled),
	STATE_INT(struct ps2_mouse_state, remote),
	STATE_INT(struct ps2_mouse_state, wrapped),
	STATE_INT(struct ps2_mouse_state, scaled),
};
STATE_TABLE(ps2_mouse_state_table, ps2_mouse_state, ps2_mouse_fields);

enum {
	MOUSE_BUTTONS = INPUT_BUTTON_LEFT | INPUT_BUTTON_MIDDLE | INPUT_BUTTON_RIGHT |
			INPUT_BUTTON_SIDE | INPUT_BUTTON_EXTRA,
	MOUSE_PACKET_TRAVEL = 255,        /* each way; more goes into the next packet */
	MOUSE_PACKET_TRAVEL_SCALED = 127, /* doubled by 2:1 scaling */
	MOUSE_PACKET_WHEEL = 7,
};

static int clamp(int value, int limit)
{
	return value < -limit ? -limit : value > limit ? limit : value;
}

/* --- Movement. --- */

static bool event_is_empty(const struct ps2_mouse_event *event)
{
	return event->dx == 0 && event->dy == 0 && event->dz == 0;
}

/* Adds to the newest event if the buttons are the same, or if there is no room for one more. */
static void add_event(struct ps2_mouse_state *state, int dx, int dy, int dz, unsigned buttons)
{
	struct ps2_mouse_event *event =
		&state->events[state->event_count ? state->event_count - 1 : 0];

	if (state->event_count == 0 ||
	    (event->buttons != buttons && state->event_count < MOUSE_EVENTS)) {
		event = &state->events[state->event_count++];
		*event = (struct ps2_mouse_event){ 0 };
	}
	event->dx = (int16_t)clamp(event->dx + clamp(dx, MOUSE_TRAVEL_MAX), MOUSE_TRAVEL_MAX);
	event->dy = (int16_t)clamp(event->dy + clamp(dy, MOUSE_TRAVEL_MAX), MOUSE_TRAVEL_MAX);
	event->dz = (int16_t)clamp(event->dz + clamp(dz, MOUSE_TRAVEL_MAX), MOUSE_TRAVEL_MAX);
	event->buttons = (uint16_t)buttons;
}

void ps2_mouse_move(struct ps2_mouse *mouse, int dx, int dy, int dz, unsigned buttons)
{
	struct ps2_mouse_state *state = mouse->state;
	bool changed = state->buttons != (buttons & MOUSE_BUTTONS);

	buttons &= MOUSE_BUTTONS;
	state->buttons = (uint8_t)buttons;
	if (!state->enabled && !state->remote)
		return;
	if (state->id == MOUSE_STANDARD)
		dz = 0;
	if (!changed && dx == 0 && dy == 0 && dz == 0)
		return;
	add_event(state, dx, dy, dz, buttons);
	mouse->pending(mouse->opaque);
}

/* Counts of 2:1 scaling: IBM, "Mouse", scaling table. */
static int scale(int value)
{
	static const uint8_t low[] = { 0, 1, 1, 3, 6, 9 };
	int travel = value < 0 ? -value : value;
	int scaled = travel < (int)sizeof(low) ? low[travel] : 2 * travel;

	return value < 0 ? -scaled : scaled;
}

/* Takes as much of '*travel' as goes into one packet. */
static int take_travel(int16_t *travel, int limit)
{
	int taken = clamp(*travel, limit);

	*travel = (int16_t)(*travel - taken);
	return taken;
}

/* 'dy' and 'dz' are the mouse's: up, and toward the user. */
static void put_packet(struct ps2_mouse_state *state, int dx, int dy, int dz, unsigned buttons)
{
	uint8_t *packet = state->packet;

	packet[0] =
		(uint8_t)(MOUSE_PACKET_ONE | (buttons & INPUT_BUTTON_LEFT ? MOUSE_PACKET_LEFT : 0) |
			  (buttons & INPUT_BUTTON_RIGHT ? MOUSE_PACKET_RIGHT : 0) |
			  (buttons & INPUT_BUTTON_MIDDLE ? MOUSE_PACKET_MIDDLE : 0) |
			  (dx < 0 ? MOUSE_PACKET_X_SIGN : 0) | (dy < 0 ? MOUSE_PACKET_Y_SIGN : 0));
	packet[1] = (uint8_t)dx;
	packet[2] = (uint8_t)dy;
	packet[3] = (uint8_t)dz;
	if (state->id == MOUSE_FIVE_KEY)
		packet[3] = (uint8_t)((dz & 0x0f) |
				      (buttons & INPUT_BUTTON_SIDE ? MOUSE_PACKET_SIDE : 0) |
				      (buttons & INPUT_BUTTON_EXTRA ? MOUSE_PACKET_EXTRA : 0));
	state->packet_length = state->id == MOUSE_STANDARD ? 3 : 4;
	state->packet_sent = 0;
}

/* A packet of the oldest event, or of the buttons alone. What does not fit stays for the next. */
static void make_packet(struct ps2_mouse_state *state)
{
	bool scaled = state->scaled && !state->remote;
	int limit = scaled ? MOUSE_PACKET_TRAVEL_SCALED : MOUSE_PACKET_TRAVEL;
	struct ps2_mouse_event *event = &state->events[0];
	int dx, dy, dz;

	if (state->event_count == 0) {
		put_packet(state, 0, 0, 0, state->buttons);
		return;
	}
	dx = take_travel(&event->dx, limit);
	dy = -take_travel(&event->dy, limit);
	dz = -take_travel(&event->dz, MOUSE_PACKET_WHEEL);
	put_packet(state, scaled ? scale(dx) : dx, scaled ? scale(dy) : dy, dz, event->buttons);
	if (event_is_empty(event))
		memmove(event, event + 1, --state->event_count * sizeof(*event));
}

/* --- What the controller takes. --- */

static bool packet_is_under_way(const struct ps2_mouse_state *state)
{
	return state->packet_sent < state->packet_length;
}

bool ps2_mouse_take(struct ps2_mouse *mouse, uint8_t *byte)
{
	struct ps2_mouse_state *state = mouse->state;
	bool streams = state->enabled && !state->remote && !state->wrapped;

	if (state->reply_count > 0) {
		*byte = state->replies[0];
		memmove(state->replies, state->replies + 1, --state->reply_count);
	} else {
		if (!packet_is_under_way(state) && streams && state->event_count > 0)
			make_packet(state);
		if (!packet_is_under_way(state))
			return false;
		*byte = state->packet[state->packet_sent++];
	}
	if (*byte != PS2_RESEND)
		state->last = *byte;
	return true;
}

/* --- Commands. --- */

static void reply(struct ps2_mouse *mouse, uint8_t byte)
{
	struct ps2_mouse_state *state = mouse->state;

	if (state->reply_count < MOUSE_REPLY_BYTES)
		state->replies[state->reply_count++] = byte;
}

static void forget_movement(struct ps2_mouse_state *state)
{
	state->event_count = 0;
	state->packet_length = state->packet_sent = 0;
}

static void set_defaults(struct ps2_mouse_state *state)
{
	state->rates[0] = 100;
	state->resolution = 2;
	state->scaled = state->remote = state->wrapped = state->enabled = false;
	forget_movement(state);
}

static void send_status(struct ps2_mouse *mouse)
{
	const struct ps2_mouse_state *state = mouse->state;

	reply(mouse, (uint8_t)((state->buttons & INPUT_BUTTON_RIGHT ? MOUSE_STATUS_RIGHT : 0) |
			       (state->buttons & INPUT_BUTTON_MIDDLE ? MOUSE_STATUS_MIDDLE : 0) |
			       (state->buttons & INPUT_BUTTON_LEFT ? MOUSE_STATUS_LEFT : 0) |
			       (state->scaled ? MOUSE_STATUS_2_1 : 0) |
			       (state->enabled ? MOUSE_STATUS_ENABLED : 0) |
			       (state->remote ? MOUSE_STATUS_REMOTE : 0)));
	reply(mouse, state->resolution);
	reply(mouse, state->rates[0]);
}

/* Three sample rates in a row are the knock at the door of the better mice. */
static void set_rate(struct ps2_mouse_state *state, uint8_t rate)
{
	state->rates[2] = state->rates[1];
	state->rates[1] = state->rates[0];
	state->rates[0] = rate;
	if (state->rates[2] != 200 || rate != 80)
		return;
	if (state->rates[1] == 100)
		state->id = MOUSE_WHEEL;
	else if (state->rates[1] == 200)
		state->id = MOUSE_FIVE_KEY;
}

static void reset_by_command(struct ps2_mouse *mouse)
{
	struct ps2_mouse_state *state = mouse->state;

	set_defaults(state);
	state->id = MOUSE_STANDARD;
	state->reply_count = 0;
	reply(mouse, PS2_ACK);
	reply(mouse, PS2_BAT_PASSED);
	reply(mouse, state->id);
}

static void write_parameter(struct ps2_mouse *mouse, uint8_t byte)
{
	struct ps2_mouse_state *state = mouse->state;

	if (state->command == MOUSE_SET_RATE)
		set_rate(state, byte);
	else
		state->resolution = byte & 3;
	state->command = 0;
	reply(mouse, PS2_ACK);
}

static void write_command(struct ps2_mouse *mouse, uint8_t byte)
{
	struct ps2_mouse_state *state = mouse->state;

	if (byte == MOUSE_RESEND) {
		reply(mouse, state->last);
		return;
	}
	if (byte == MOUSE_RESET) {
		reset_by_command(mouse);
		return;
	}
	/* A command ends the packet that is under way: IBM, "Mouse", stream mode. */
	state->packet_length = state->packet_sent = 0;
	reply(mouse, PS2_ACK);
	switch (byte) {
	case MOUSE_SCALING_1_1:
		state->scaled = false;
		break;
	case MOUSE_SCALING_2_1:
		state->scaled = true;
		break;
	case MOUSE_SET_RESOLUTION:
	case MOUSE_SET_RATE:
		state->command = byte;
		break;
	case MOUSE_STATUS:
		send_status(mouse);
		break;
	case MOUSE_STREAM:
		state->remote = false;
		forget_movement(state);
		break;
	case MOUSE_READ:
		make_packet(state);
		break;
	case MOUSE_END_WRAP:
		break;
	case MOUSE_WRAP:
		state->wrapped = true;
		forget_movement(state);
		break;
	case MOUSE_REMOTE:
		state->remote = true;
		forget_movement(state);
		break;
	case MOUSE_IDENTIFY:
		reply(mouse, state->id);
		break;
	case MOUSE_ENABLE:
		state->enabled = true;
		forget_movement(state);
		break;
	case MOUSE_DISABLE:
		state->enabled = false;
		forget_movement(state);
		break;
	case MOUSE_DEFAULTS:
		set_defaults(state);
		break;
	default:
		state->replies[state->reply_count - 1] = PS2_RESEND;
		break;
	}
}

/* In wrap mode everything comes back but the two commands that end it. */
void ps2_mouse_write(struct ps2_mouse *mouse, uint8_t byte)
{
	struct ps2_mouse_state *state = mouse->state;

	TRACE(ps2, mouse_write, "%02x", byte);
	if (state->wrapped && byte != MOUSE_END_WRAP && byte != MOUSE_RESET) {
		reply(mouse, byte);
	} else if (state->command && byte != MOUSE_RESET) {
		write_parameter(mouse, byte);
	} else {
		state->wrapped = false;
		state->command = 0;
		write_command(mouse, byte);
	}
	mouse->pending(mouse->opaque);
}

/* --- Life. --- */

static bool events_are_possible(const struct ps2_mouse_state *state)
{
	for (size_t i = 0; i < state->event_count; i++)
		if (state->events[i].buttons & ~MOUSE_BUTTONS || state->events[i].dx == INT16_MIN ||
		    state->events[i].dy == INT16_MIN || state->events[i].dz == INT16_MIN)
			return false;
	return true;
}

int ps2_mouse_check(const struct ps2_mouse *mouse)
{
	const struct ps2_mouse_state *state = mouse->state;

	if (state->event_count > MOUSE_EVENTS || state->reply_count > MOUSE_REPLY_BYTES ||
	    state->packet_length > MOUSE_PACKET_BYTES ||
	    state->packet_sent > state->packet_length || state->resolution > 3 ||
	    (state->command && state->command != MOUSE_SET_RATE &&
	     state->command != MOUSE_SET_RESOLUTION) ||
	    (state->id != MOUSE_STANDARD && state->id != MOUSE_WHEEL &&
	     state->id != MOUSE_FIVE_KEY) ||
	    state->buttons & ~MOUSE_BUTTONS || !events_are_possible(state))
		return -1;
	return 0;
}

void ps2_mouse_reset(struct ps2_mouse *mouse)
{
	*mouse->state = (struct ps2_mouse_state){ 0 };
	set_defaults(mouse->state);
}

void ps2_mouse_init(struct ps2_mouse *mouse, struct ps2_mouse_state *state,
		    void (*pending)(void *opaque), void *opaque)
{
	*mouse = (struct ps2_mouse){ .state = state, .pending = pending, .opaque = opaque };
	ps2_mouse_reset(mouse);
}
