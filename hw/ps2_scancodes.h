// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Scan codes of key positions in the sets 1, 2 and 3, and the controller's translation of set 2
 * into set 1. Set 1 is what translation makes of set 2, so that one table tells the truth about
 * both.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SCAN_SEQUENCE_MAX = 8, /* Pause, the longest */
};

/** Keys that change what Print Screen and Pause send. */
struct scan_modifiers {
	bool shift, ctrl, alt;
};

/**
 * The bytes in 'set' (1 to 3) for Linux key position 'key' pressed, pressed again ('repeat') or
 * released. Returns how many; 0 for positions that the keyboard does not have, and for what a key
 * does not send.
 */
size_t scan_encode(unsigned set, unsigned key, bool down, bool repeat,
		   struct scan_modifiers modifiers, uint8_t bytes[SCAN_SEQUENCE_MAX]);

/** A key's code in set 3, 0 if it has none. */
uint8_t scan_set3_code(unsigned key);

/**
 * One byte through the controller's translation. False if it was a break prefix, which goes into
 * the next byte:
 * '*released' keeps it in between.
 */
bool scan_translate(bool *released, uint8_t byte, uint8_t *translated);
