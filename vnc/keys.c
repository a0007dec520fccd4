// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A viewer's keys. A viewer that sends symbols has a layout of its own: '/' may be Shift and 7
 * there, and a key without Shift in the guest. So Shift and AltGr are made what the symbol needs
 * while its key goes down, and then what they were.
 */
#include <linux/input-event-codes.h>
#include <string.h>

#include "base/bits.h"
#include "vnc/keymap.h"

enum {
	LED_CAPS = 4,
};

void keys_init(struct keys *keys, struct input *input, const struct keymap *map)
{
	memset(keys, 0, sizeof(*keys));
	keys->input = input;
	keys->map = map;
}

void keys_position(struct keys *keys, unsigned key, bool down)
{
	if (key == 0 || key >= INPUT_KEY_COUNT)
		return;
	if (down)
		keys->pressed[key / 8] |= (uint8_t)(1u << (key % 8));
	else
		keys->pressed[key / 8] &= (uint8_t) ~(1u << (key % 8));
	input_key(keys->input, key, down);
}

void keys_release(struct keys *keys)
{
	for (unsigned key = 1; key < INPUT_KEY_COUNT; key++) {
		if (keys->pressed[key / 8] >> (key % 8) & 1)
			keys_position(keys, key, false);
	}
	memset(keys->down, 0, sizeof(keys->down));
}

static bool is_down(const struct keys *keys, unsigned key)
{
	return input_key_is_down(keys->input, key);
}

static bool is_modifier(unsigned key)
{
	return key == KEY_LEFTSHIFT || key == KEY_RIGHTSHIFT || key == KEY_RIGHTALT;
}

/* Does the guest see 'level', as Shift, AltGr and (for letters) Caps Lock are now? */
static bool is_level(const struct keys *keys, enum keymap_level level, bool letter)
{
	bool shift = is_down(keys, KEY_LEFTSHIFT) || is_down(keys, KEY_RIGHTSHIFT);
	bool altgr = is_down(keys, KEY_RIGHTALT);

	if (letter && (keys->input->leds & LED_CAPS))
		shift = !shift;
	switch (level) {
	case KEYMAP_PLAIN:
		return !shift && !altgr;
	case KEYMAP_SHIFT:
		return shift && !altgr;
	case KEYMAP_ALTGR:
		return altgr && !shift;
	default:
		return true;
	}
}

struct adaptation {
	bool left_shift, right_shift, altgr; /* what is to be inverted */
};

static void invert(struct keys *keys, unsigned key)
{
	input_key(keys->input, key, !is_down(keys, key));
}

static void apply(struct keys *keys, const struct adaptation *adaptation)
{
	if (adaptation->left_shift)
		invert(keys, KEY_LEFTSHIFT);
	if (adaptation->right_shift)
		invert(keys, KEY_RIGHTSHIFT);
	if (adaptation->altgr)
		invert(keys, KEY_RIGHTALT);
}

static struct adaptation adaptation_to(const struct keys *keys, enum keymap_level level,
				       bool letter)
{
	bool left = is_down(keys, KEY_LEFTSHIFT), right = is_down(keys, KEY_RIGHTSHIFT);
	bool want_shift = level == KEYMAP_SHIFT;

	if (letter && (keys->input->leds & LED_CAPS))
		want_shift = !want_shift;
	return (struct adaptation){
		.left_shift = want_shift ? !left && !right : left,
		.right_shift = !want_shift && right,
		.altgr = is_down(keys, KEY_RIGHTALT) != (level == KEYMAP_ALTGR),
	};
}

static void remember(struct keys *keys, uint32_t keysym, unsigned key, bool adapted)
{
	for (unsigned i = 0; i < KEYS_DOWN_MAX; i++) {
		if (keys->down[i].keysym && keys->down[i].keysym != keysym)
			continue;
		keys->down[i].keysym = keysym;
		keys->down[i].key = (uint8_t)key;
		keys->down[i].is_adapted = adapted;
		return;
	}
}

static void symbol_down(struct keys *keys, uint32_t keysym)
{
	bool letter = keymap_is_letter(keysym);
	struct keymap_choice choices[KEYMAP_CHOICES_MAX], chosen;
	unsigned count = keymap_look_up(keys->map, keysym, choices);
	struct adaptation adaptation;

	if (count == 0)
		return;
	chosen = choices[0];
	for (unsigned i = 0; i < count; i++) {
		if (!is_level(keys, choices[i].level, letter))
			continue;
		remember(keys, keysym, choices[i].key, false);
		keys_position(keys, choices[i].key, true);
		return;
	}
	adaptation = adaptation_to(keys, chosen.level, letter);
	remember(keys, keysym, chosen.key, true);
	apply(keys, &adaptation);
	keys_position(keys, chosen.key, true);
	apply(keys, &adaptation);
}

/* A viewer that lets Shift go before the other key sends that key's release under another symbol,
 * which nobody would match. */
static void release_adapted(struct keys *keys)
{
	for (unsigned i = 0; i < KEYS_DOWN_MAX; i++) {
		if (!keys->down[i].keysym || !keys->down[i].is_adapted)
			continue;
		keys->down[i].keysym = 0;
		keys_position(keys, keys->down[i].key, false);
	}
}

static void symbol_up(struct keys *keys, uint32_t keysym)
{
	struct keymap_choice choices[KEYMAP_CHOICES_MAX];

	for (unsigned i = 0; i < KEYS_DOWN_MAX; i++) {
		if (keys->down[i].keysym != keysym)
			continue;
		keys->down[i].keysym = 0;
		if (is_modifier(keys->down[i].key))
			release_adapted(keys);
		keys_position(keys, keys->down[i].key, false);
		return;
	}
	/* 'a' for what went down as 'A' */
	if (keymap_look_up(keys->map, keysym, choices) > 0 && is_down(keys, choices[0].key)) {
		for (unsigned i = 0; i < KEYS_DOWN_MAX; i++) {
			if (keys->down[i].key == choices[0].key)
				keys->down[i].keysym = 0;
		}
		keys_position(keys, choices[0].key, false);
	}
}

void keys_symbol(struct keys *keys, uint32_t keysym, bool down)
{
	if (keysym == 0)
		return;
	if (down)
		symbol_down(keys, keysym);
	else
		symbol_up(keys, keysym);
}
