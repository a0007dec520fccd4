// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The keyboard behind the controller: 102 keys and what multimedia keyboards added, scan sets 1 to
 * 3, all commands.
 *
 * Modelled: replies before keys, overrun, key types of set 3, resend. Not modelled: typematic
 * repetition of its own. Who types holds keys down and so repeats them: a key pressed while it is
 * down is sent again.
 */
#pragma once

#include "bus/state.h"
#include "hw/ps2_regs.h"

struct input;

enum {
	KEYBOARD_QUEUE_BYTES = 16,   /* for keys pressed, as in the real one */
	KEYBOARD_RELEASE_BYTES = 64, /* for keys released, so that none stays down for the guest */
	KEYBOARD_REPLY_BYTES = 16,
	KEYBOARD_KEYS = 256,
};

/** What keys of set 3 send; index is the set 3 code. */
enum keyboard_key_type {
	KEY_TYPE_REPEATS = 1,
	KEY_TYPE_BREAKS = 2,
};

/** What a guest can observe. */
struct ps2_keyboard_state {
	uint8_t keys[KEYBOARD_RELEASE_BYTES]; /* scan codes on their way, oldest first */
	uint8_t replies[KEYBOARD_REPLY_BYTES];
	uint8_t key_types[KEYBOARD_KEYS]; /* of set 3 */
	uint8_t down[KEYBOARD_KEYS /
		     8]; /* key positions that the guest has been told are pressed */
	uint8_t key_count, reply_count;
	uint8_t command; /* that waits for its parameter, or 0 */
	uint8_t scan_set, leds, typematic;
	uint8_t last; /* sent, for resend */
	bool scanning;
	bool busy; /* a key has been queued since the guest last took all */
};
extern const struct state_table ps2_keyboard_state_table;

struct ps2_keyboard {
	struct ps2_keyboard_state *state;
	struct input *input; /* for the LEDs */
	/** A byte waits: the controller may take it. */
	void (*pending)(void *opaque);
	void *opaque;
	/** The guest has taken all keys: whoever types at the guest's pace gives the next. May be
	 * NULL. */
	void (*drained)(void *opaque);
	void *drained_opaque;
};

void ps2_keyboard_init(struct ps2_keyboard *keyboard, struct ps2_keyboard_state *state,
		       struct input *input, void (*pending)(void *opaque), void *opaque);
void ps2_keyboard_reset(struct ps2_keyboard *keyboard);
/** 0, or -1 if the state is none that the keyboard can have. */
int ps2_keyboard_check(const struct ps2_keyboard *keyboard);

/** A key position pressed, repeated or released. */
void ps2_keyboard_key(struct ps2_keyboard *keyboard, unsigned key, bool down);
/** A byte from the controller. */
void ps2_keyboard_write(struct ps2_keyboard *keyboard, uint8_t byte);
/** True if a reply, which is never kept waiting, comes next. */
bool ps2_keyboard_has_reply(const struct ps2_keyboard *keyboard);
/** The next byte; false if there is none. */
bool ps2_keyboard_take(struct ps2_keyboard *keyboard, uint8_t *byte);

/** All keys so far have been taken by the guest: another will neither be lost nor wait. */
bool ps2_keyboard_has_room(const struct ps2_keyboard *keyboard);
/** Sets the hook that is called when the guest has taken all. */
void ps2_keyboard_set_drained(struct ps2_keyboard *keyboard, void (*drained)(void *opaque),
			      void *opaque);
