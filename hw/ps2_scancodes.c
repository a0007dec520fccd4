// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/ps2_scancodes.h"

#include <linux/input-event-codes.h>
#include <string.h>

#include "base/bits.h"
#include "hw/ps2_regs.h"

/* The controller's table: set 2 in, set 1 out; what lies behind it stays as it is. */
static const uint8_t translation[] = {
	0xff, 0x43, 0x41, 0x3f, 0x3d, 0x3b, 0x3c, 0x58, 0x64, 0x44, 0x42, 0x40, 0x3e, 0x0f, 0x29,
	0x59, 0x65, 0x38, 0x2a, 0x70, 0x1d, 0x10, 0x02, 0x5a, 0x66, 0x71, 0x2c, 0x1f, 0x1e, 0x11,
	0x03, 0x5b, 0x67, 0x2e, 0x2d, 0x20, 0x12, 0x05, 0x04, 0x5c, 0x68, 0x39, 0x2f, 0x21, 0x14,
	0x13, 0x06, 0x5d, 0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5e, 0x6a, 0x72, 0x32, 0x24,
	0x16, 0x08, 0x09, 0x5f, 0x6b, 0x33, 0x25, 0x17, 0x18, 0x0b, 0x0a, 0x60, 0x6c, 0x34, 0x35,
	0x26, 0x27, 0x19, 0x0c, 0x61, 0x6d, 0x73, 0x28, 0x74, 0x1a, 0x0d, 0x62, 0x6e, 0x3a, 0x36,
	0x1c, 0x1b, 0x75, 0x2b, 0x63, 0x76, 0x55, 0x56, 0x77, 0x78, 0x79, 0x7a, 0x0e, 0x7b, 0x7c,
	0x4f, 0x7d, 0x4b, 0x47, 0x7e, 0x7f, 0x6f, 0x52, 0x53, 0x50, 0x4c, 0x4d, 0x48, 0x01, 0x45,
	0x57, 0x4e, 0x51, 0x4a, 0x37, 0x49, 0x46, 0x54, 0x80, 0x81, 0x82, 0x41, 0x54,
};

enum {
	EXTENDED = 0x100, /* behind SCAN_EXTENDED */
	SET1_ALT_PRINT = 0x54,
	SET1_PRINT = 0x37 | EXTENDED,
	SET1_BREAK_KEY = 0x46 | EXTENDED, /* Ctrl and Pause */
	SET1_FAKE_SHIFT = 0x2a | EXTENDED,
	PLAIN_KEYS = KEY_KPDOT, /* up to here, a position's number is its code in set 1 */
};

/* Set 1 codes of the positions whose number is not the code. */
static const uint16_t set1_codes[] = {
	[KEY_102ND] = 0x56,
	[KEY_F11] = 0x57,
	[KEY_F12] = 0x58,
	[KEY_RO] = 0x73,
	[KEY_KATAKANAHIRAGANA] = 0x70,
	[KEY_HENKAN] = 0x79,
	[KEY_MUHENKAN] = 0x7b,
	[KEY_YEN] = 0x7d,
	[KEY_KPCOMMA] = 0x7e,
	[KEY_KPEQUAL] = 0x59,
	[KEY_HANGEUL] = 0x72,
	[KEY_HANJA] = 0x71,
	[KEY_F13] = 0x64,
	[KEY_F14] = 0x65,
	[KEY_F15] = 0x66,
	[KEY_F16] = 0x67,
	[KEY_F17] = 0x68,
	[KEY_F18] = 0x69,
	[KEY_F19] = 0x6a,
	[KEY_F20] = 0x6b,
	[KEY_F21] = 0x6c,
	[KEY_F22] = 0x6d,
	[KEY_F23] = 0x6e,
	[KEY_F24] = 0x76,
	[KEY_PREVIOUSSONG] = 0x10 | EXTENDED,
	[KEY_NEXTSONG] = 0x19 | EXTENDED,
	[KEY_KPENTER] = 0x1c | EXTENDED,
	[KEY_RIGHTCTRL] = 0x1d | EXTENDED,
	[KEY_MENU] = 0x1e | EXTENDED,
	[KEY_MUTE] = 0x20 | EXTENDED,
	[KEY_CALC] = 0x21 | EXTENDED,
	[KEY_PLAYPAUSE] = 0x22 | EXTENDED,
	[KEY_STOPCD] = 0x24 | EXTENDED,
	[KEY_VOLUMEDOWN] = 0x2e | EXTENDED,
	[KEY_VOLUMEUP] = 0x30 | EXTENDED,
	[KEY_HOMEPAGE] = 0x32 | EXTENDED,
	[KEY_KPSLASH] = 0x35 | EXTENDED,
	[KEY_RIGHTALT] = 0x38 | EXTENDED,
	[KEY_HOME] = 0x47 | EXTENDED,
	[KEY_UP] = 0x48 | EXTENDED,
	[KEY_PAGEUP] = 0x49 | EXTENDED,
	[KEY_LEFT] = 0x4b | EXTENDED,
	[KEY_RIGHT] = 0x4d | EXTENDED,
	[KEY_END] = 0x4f | EXTENDED,
	[KEY_DOWN] = 0x50 | EXTENDED,
	[KEY_PAGEDOWN] = 0x51 | EXTENDED,
	[KEY_INSERT] = 0x52 | EXTENDED,
	[KEY_DELETE] = 0x53 | EXTENDED,
	[KEY_LEFTMETA] = 0x5b | EXTENDED,
	[KEY_RIGHTMETA] = 0x5c | EXTENDED,
	[KEY_COMPOSE] = 0x5d | EXTENDED,
	[KEY_POWER] = 0x5e | EXTENDED,
	[KEY_SLEEP] = 0x5f | EXTENDED,
	[KEY_WAKEUP] = 0x63 | EXTENDED,
	[KEY_SEARCH] = 0x65 | EXTENDED,
	[KEY_BOOKMARKS] = 0x66 | EXTENDED,
	[KEY_REFRESH] = 0x67 | EXTENDED,
	[KEY_STOP] = 0x68 | EXTENDED,
	[KEY_FORWARD] = 0x69 | EXTENDED,
	[KEY_BACK] = 0x6a | EXTENDED,
	[KEY_COMPUTER] = 0x6b | EXTENDED,
	[KEY_MAIL] = 0x6c | EXTENDED,
	[KEY_MEDIA] = 0x6d | EXTENDED,
};

/* Set 3 codes where they differ from set 2 without its prefix. */
static const uint8_t set3_codes[] = {
	[KEY_ESC] = 0x08,      [KEY_F1] = 0x07,        [KEY_F2] = 0x0f,
	[KEY_F3] = 0x17,       [KEY_F4] = 0x1f,        [KEY_F5] = 0x27,
	[KEY_F6] = 0x2f,       [KEY_F7] = 0x37,        [KEY_F8] = 0x3f,
	[KEY_F9] = 0x47,       [KEY_F10] = 0x4f,       [KEY_F11] = 0x56,
	[KEY_F12] = 0x5e,      [KEY_SYSRQ] = 0x57,     [KEY_SCROLLLOCK] = 0x5f,
	[KEY_PAUSE] = 0x62,    [KEY_BACKSLASH] = 0x5c, [KEY_102ND] = 0x13,
	[KEY_CAPSLOCK] = 0x14, [KEY_LEFTCTRL] = 0x11,  [KEY_RIGHTCTRL] = 0x58,
	[KEY_LEFTALT] = 0x19,  [KEY_RIGHTALT] = 0x39,  [KEY_INSERT] = 0x67,
	[KEY_HOME] = 0x6e,     [KEY_PAGEUP] = 0x6f,    [KEY_DELETE] = 0x64,
	[KEY_END] = 0x65,      [KEY_PAGEDOWN] = 0x6d,  [KEY_UP] = 0x63,
	[KEY_LEFT] = 0x61,     [KEY_DOWN] = 0x60,      [KEY_RIGHT] = 0x6a,
	[KEY_NUMLOCK] = 0x76,  [KEY_KPSLASH] = 0x77,   [KEY_KPASTERISK] = 0x7e,
	[KEY_KPMINUS] = 0x84,  [KEY_KPPLUS] = 0x7c,    [KEY_KPENTER] = 0x79,
	[KEY_LEFTMETA] = 0x8b, [KEY_RIGHTMETA] = 0x8c, [KEY_COMPOSE] = 0x8d,
};

bool scan_translate(bool *released, uint8_t byte, uint8_t *translated)
{
	if (byte == SCAN_BREAK) {
		*released = true;
		return false;
	}
	*translated = byte < sizeof(translation) ? translation[byte] : byte;
	if (*released)
		*translated |= SCAN_SET1_BREAK;
	*released = false;
	return true;
}

/* Backwards through the translation; of two codes the greater is the one that keyboards send (F7,
 * Alt and Print Screen). */
static uint8_t set2_from_set1(uint8_t code)
{
	size_t i = sizeof(translation);

	while (i-- > 1)
		if (translation[i] == code)
			return (uint8_t)i;
	return 0;
}

static uint16_t set1_code(unsigned key)
{
	if (key > 0 && key <= PLAIN_KEYS)
		return (uint16_t)key;
	return key < ARRAY_SIZE(set1_codes) ? set1_codes[key] : 0;
}

uint8_t scan_set3_code(unsigned key)
{
	if (key < sizeof(set3_codes) && set3_codes[key])
		return set3_codes[key];
	return set1_code(key) ? set2_from_set1((uint8_t)set1_code(key)) : 0;
}

/* One code of set 2 with its prefixes; 'set1' names it. */
static size_t put_set2(uint8_t *bytes, unsigned set1, bool down)
{
	size_t count = 0;

	if (set1 & EXTENDED)
		bytes[count++] = SCAN_EXTENDED;
	if (!down)
		bytes[count++] = SCAN_BREAK;
	bytes[count++] = set2_from_set1((uint8_t)set1);
	return count;
}

/* Print Screen stands behind a shift, which it makes up unless one is held; with Alt it is another
 * key. */
static size_t put_print(uint8_t *bytes, bool down, bool repeat, struct scan_modifiers modifiers)
{
	size_t count = 0;

	if (modifiers.alt)
		return put_set2(bytes, SET1_ALT_PRINT, down);
	if (modifiers.shift || modifiers.ctrl || repeat)
		return put_set2(bytes, SET1_PRINT, down);
	count += put_set2(bytes, down ? SET1_FAKE_SHIFT : SET1_PRINT, down);
	count += put_set2(bytes + count, down ? SET1_PRINT : SET1_FAKE_SHIFT, down);
	return count;
}

/* Pause sends press and release together, when it is pressed, and does not repeat. */
static size_t put_pause(uint8_t *bytes, bool down, bool repeat, struct scan_modifiers modifiers)
{
	static const uint8_t pause[SCAN_SEQUENCE_MAX] = { SCAN_PAUSE, 0x14, 0x77,       SCAN_PAUSE,
							  SCAN_BREAK, 0x14, SCAN_BREAK, 0x77 };
	size_t count;

	if (!down || repeat)
		return 0;
	if (modifiers.ctrl) {
		count = put_set2(bytes, SET1_BREAK_KEY, true);
		return count + put_set2(bytes + count, SET1_BREAK_KEY, false);
	}
	memcpy(bytes, pause, sizeof(pause));
	return sizeof(pause);
}

static size_t encode_set2(uint8_t *bytes, unsigned key, bool down, bool repeat,
			  struct scan_modifiers modifiers)
{
	if (key == KEY_SYSRQ)
		return put_print(bytes, down, repeat, modifiers);
	if (key == KEY_PAUSE)
		return put_pause(bytes, down, repeat, modifiers);
	return set1_code(key) ? put_set2(bytes, set1_code(key), down) : 0;
}

size_t scan_encode(unsigned set, unsigned key, bool down, bool repeat,
		   struct scan_modifiers modifiers, uint8_t bytes[SCAN_SEQUENCE_MAX])
{
	bool released = false;
	size_t count = 0, kept = 0;

	if (set == 3) {
		if (scan_set3_code(key) == 0)
			return 0;
		if (!down)
			bytes[count++] = SCAN_BREAK;
		bytes[count++] = scan_set3_code(key);
		return count;
	}
	count = encode_set2(bytes, key, down, repeat, modifiers);
	if (set == 2)
		return count;
	for (size_t i = 0; i < count; i++)
		kept += scan_translate(&released, bytes[i], &bytes[kept]);
	return kept;
}
