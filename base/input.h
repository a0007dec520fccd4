// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The input port: viewers and control give keys by position and pointer movements; the sink that
 * takes them is the newest one that the guest has made ready (USB tablet, else PS/2). Under the
 * machine lock.
 */
#pragma once

#include "base/list.h"

/* Key positions are Linux' KEY_ codes (linux/input-event-codes.h): 1 Esc, 2 "1", 16 Q, 30 A, 28
 * Enter. */
enum {
	INPUT_KEY_COUNT = 256,
	INPUT_ABS_MAX = 0x7fff, /* absolute pointer axes are 0 to this */
};

enum input_button {
	INPUT_BUTTON_LEFT = 1,
	INPUT_BUTTON_MIDDLE = 2,
	INPUT_BUTTON_RIGHT = 4,
	INPUT_BUTTON_SIDE = 8,
	INPUT_BUTTON_EXTRA = 16,
};

/** A device that takes input. Hooks that are NULL make the event go to the next sink. */
struct input_sink {
	struct list_node node;
	void *opaque;
	const char *name;
	bool (*is_ready)(void *opaque); /* the guest has configured the device; NULL: always */
	void (*key)(void *opaque, unsigned key, bool down);
	/** The guest has taken every key so far: another will neither wait nor be lost. NULL: it
	 * always has. */
	bool (*has_room)(void *opaque);
	/** Relative movement: right and down are positive; dz > 0 is wheel up (away from the user).
	 * 'buttons' is the whole set now. */
	void (*move)(void *opaque, int dx, int dy, int dz, unsigned buttons);
	/** Absolute position; taken in preference to 'move' by a ready sink. */
	void (*move_to)(void *opaque, unsigned x, unsigned y, int dz, unsigned buttons);
};

/** Sees what is pressed and moved before the sinks do: a recording, or its replay. */
struct input_tap {
	void *opaque;
	void (*key_begins)(void *opaque, unsigned key, bool down);
	void (*move_begins)(void *opaque, int dx, int dy, int dz, unsigned buttons);
	void (*move_to_begins)(void *opaque, unsigned x, unsigned y, unsigned width,
			       unsigned height, int dz, unsigned buttons);
	void (*ends)(void *opaque); /* of each of these */
	/** The guest has taken all keys; others may be pressed now. */
	void (*keys_taken)(void *opaque);
};

struct input {
	const struct input_tap *tap; /* NULL: none; borrowed */
	struct list_node sinks;
	uint8_t pressed[INPUT_KEY_COUNT / 8];
	unsigned buttons;
	unsigned abs_x, abs_y; /* the last absolute position, to make relative movements of */
	bool abs_known;
	void (*leds_changed)(void *opaque, unsigned leds); /* for viewers; may be NULL */
	void *leds_opaque;
	unsigned leds; /* as the guest set them: 1 scroll, 2 num, 4 caps */
	/** The guest has taken all keys: whoever types at its pace gives the next. May be NULL. */
	void (*keys_taken)(void *opaque);
	void *keys_taken_opaque;
};

void input_init(struct input *input);
/** The newest sink is asked first. */
void input_add_sink(struct input *input, struct input_sink *sink);
void input_remove_sink(struct input *input, struct input_sink *sink);

void input_key(struct input *input, unsigned key, bool down);
/** Releases every key that is down: a viewer went away. */
void input_release_all(struct input *input);
bool input_key_is_down(const struct input *input, unsigned key);
/** False while the keyboard that keys go to holds some that the guest has not taken. */
bool input_has_room(const struct input *input);
/** For sinks: what 'has_room' says became true. */
void input_tell_keys_taken(struct input *input);

void input_move(struct input *input, int dx, int dy, int dz, unsigned buttons);
/** 'x', 'y' in 0..INPUT_ABS_MAX of a screen 'width' x 'height' pixels; a sink without absolute axes
 * gets the difference in pixels. */
void input_move_to(struct input *input, unsigned x, unsigned y, unsigned width, unsigned height,
		   int dz, unsigned buttons);
/** True if a ready sink takes absolute positions. */
bool input_has_absolute(const struct input *input);
void input_set_leds(struct input *input, unsigned leds);

/** A key by QEMU's qcode name ("ret", "ctrl", "a", "spc", "f1"), or -1. */
int input_key_from_name(const char *name);
/** The name of a key position, or NULL. */
const char *input_key_name(unsigned key);
/** The names, ended by NULL, for suggestions. */
const char *const *input_key_names(void);
