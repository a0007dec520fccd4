// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The mouse behind the controller: standard, with a wheel (IntelliMouse) or with wheel and five
 * buttons, as the guest asks by its magic sample rates.
 *
 * Modelled: stream, remote and wrap mode, scaling, status, resend. The guest's pace is the sample
 * rate: one packet is on its way, what happens meanwhile is added up, and changes of buttons are
 * kept in order. Not modelled: resolution (it is kept) and sampling by time.
 */
#pragma once

#include "bus/state.h"
#include "hw/ps2_regs.h"

enum {
	MOUSE_EVENTS = 16,
	MOUSE_PACKET_BYTES = 4,
	MOUSE_REPLY_BYTES = 16,
	MOUSE_TRAVEL_MAX = 32767, /* what an event adds up to at most */
};

/** Movement under one set of buttons. */
struct ps2_mouse_event {
	int16_t dx, dy, dz; /* right, down, wheel up */
	uint16_t buttons;   /* enum input_button */
};

/** What a guest can observe. */
struct ps2_mouse_state {
	struct ps2_mouse_event events[MOUSE_EVENTS]; /* not yet in a packet, oldest first */
	uint8_t packet[MOUSE_PACKET_BYTES];          /* on its way */
	uint8_t packet_length, packet_sent;
	uint8_t replies[MOUSE_REPLY_BYTES];
	uint8_t reply_count;
	uint8_t event_count;
	uint8_t command; /* that waits for its parameter, or 0 */
	uint8_t id;
	uint8_t rates[3]; /* the last sample rates, newest first: rates[0] is in force */
	uint8_t resolution;
	uint8_t buttons; /* as last told or moved */
	uint8_t last;    /* sent, for resend */
	bool enabled, remote, wrapped, scaled;
};
extern const struct state_table ps2_mouse_state_table;

struct ps2_mouse {
	struct ps2_mouse_state *state;
	void (*pending)(void *opaque);
	void *opaque;
};

void ps2_mouse_init(struct ps2_mouse *mouse, struct ps2_mouse_state *state,
		    void (*pending)(void *opaque), void *opaque);
void ps2_mouse_reset(struct ps2_mouse *mouse);
/** 0, or -1 if the state is none that the mouse can have. */
int ps2_mouse_check(const struct ps2_mouse *mouse);

/** As input_sink.move. */
void ps2_mouse_move(struct ps2_mouse *mouse, int dx, int dy, int dz, unsigned buttons);
/** A byte from the controller. */
void ps2_mouse_write(struct ps2_mouse *mouse, uint8_t byte);
/** The next byte; false if there is none. */
bool ps2_mouse_take(struct ps2_mouse *mouse, uint8_t *byte);
