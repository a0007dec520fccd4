// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From what a key writes (an X keysym, as viewers send it) to where it is. A keymap is the layout
 * that the guest has set: the guest turns the position back into what was meant.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/input.h"

struct keymap;

enum keymap_level {
	KEYMAP_PLAIN,
	KEYMAP_SHIFT,
	KEYMAP_ALTGR,
	KEYMAP_LEVELS,
	KEYMAP_ANY_LEVEL, /* a key that means the same with any modifier */
};

struct keymap_choice {
	unsigned key; /* KEY_ code */
	enum keymap_level level;
};

enum {
	KEYMAP_CHOICES_MAX = 4,
	KEYMAP_STROKES_MAX = 2,
	KEYMAP_LAST_CHARACTER = 0xfdff, /* beyond it keysyms of keys that write nothing begin */
};

/** NULL if there is none of that name. */
const struct keymap *keymap_find(const char *name);
/** The ways of writing 'keysym', at most KEYMAP_CHOICES_MAX; returns how many there are. */
unsigned keymap_look_up(const struct keymap *map, uint32_t keysym,
			struct keymap_choice choices[KEYMAP_CHOICES_MAX]);
bool keymap_is_letter(uint32_t keysym);
/**
 * The keystrokes that write the Unicode character, for the keys that the guest's layout has: one,
 * or an accent that waits for a letter (or a blank, for the accent itself) and that letter. Returns
 * how many; 0 if the layout cannot write it.
 */
unsigned keymap_spell(const struct keymap *map, uint32_t character,
		      struct keymap_choice strokes[KEYMAP_STROKES_MAX]);

/** The position of a key by the number that QEMU's extended key event has: scan code set 1, bit 7
 * for those behind E0h; 0 if unknown. */
unsigned key_from_scancode(uint32_t scancode);

/* What one viewer holds down. */

enum {
	KEYS_DOWN_MAX = 32,
};

struct keys {
	struct input *input;
	const struct keymap *map;
	uint8_t pressed[INPUT_KEY_COUNT / 8];
	struct {
		uint32_t keysym; /* 0: free */
		uint8_t key;
		bool is_adapted; /* Shift or AltGr was other than the viewer's while it went down */
	} down[KEYS_DOWN_MAX];
};

void keys_init(struct keys *keys, struct input *input, const struct keymap *map);
/** By what it writes. */
void keys_symbol(struct keys *keys, uint32_t keysym, bool down);
/** By position. */
void keys_position(struct keys *keys, unsigned key, bool down);
/** Releases what this viewer holds. */
void keys_release(struct keys *keys);
