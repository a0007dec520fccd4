// SPDX-License-Identifier: GPL-2.0-or-later
#include "vnc/keymap.h"

#include <linux/input-event-codes.h>
#include <string.h>
#include <wchar.h>

#include "base/bits.h"
#include "vnc/vnc.h"

/*
 * The positions that layouts differ in, in the order in which the tables below write them: the
 * number row with the key left of it, the two rows of letters with what is right of them, and the
 * lowest row with the key that only keyboards with 102 keys have. A blank stands for nothing.
 */
enum {
	POSITIONS = 48,
};

static const uint8_t positions[POSITIONS] = {
	KEY_GRAVE,      KEY_1,     KEY_2, KEY_3,     KEY_4,         KEY_5,
	KEY_6,          KEY_7,     KEY_8, KEY_9,     KEY_0,         KEY_MINUS,
	KEY_EQUAL,      KEY_Q,     KEY_W, KEY_E,     KEY_R,         KEY_T,
	KEY_Y,          KEY_U,     KEY_I, KEY_O,     KEY_P,         KEY_LEFTBRACE,
	KEY_RIGHTBRACE, KEY_A,     KEY_S, KEY_D,     KEY_F,         KEY_G,
	KEY_H,          KEY_J,     KEY_K, KEY_L,     KEY_SEMICOLON, KEY_APOSTROPHE,
	KEY_BACKSLASH,  KEY_102ND, KEY_Z, KEY_X,     KEY_C,         KEY_V,
	KEY_B,          KEY_N,     KEY_M, KEY_COMMA, KEY_DOT,       KEY_SLASH,
};

struct keymap {
	const char *name;
	const wchar_t *levels[KEYMAP_LEVELS];
	const wchar_t *dead; /* accents that wait for a letter */
};

/* clang-format off */
static const struct keymap keymaps[] = {
	{ "en-us", {
	  L"`1234567890-=" L"qwertyuiop[]" L"asdfghjkl;'\\" L"<zxcvbnm,./",
	  L"~!@#$%^&*()_+" L"QWERTYUIOP{}" L"ASDFGHJKL:\"|" L">ZXCVBNM<>?",
	  L"                                                " }, L"" },
	{ "en-gb", {
	  L"`1234567890-=" L"qwertyuiop[]" L"asdfghjkl;'#" L"\\zxcvbnm,./",
	  L"¬!\"£$%^&*()_+" L"QWERTYUIOP{}" L"ASDFGHJKL:@~" L"|ZXCVBNM<>?",
	  L"¦   €        " L"  é   úíó   " L"á           " L"           " }, L"" },
	{ "de", {
	  L"^1234567890ß´" L"qwertzuiopü+" L"asdfghjklöä#" L"<yxcvbnm,.-",
	  L"°!\"§$%&/()=?`" L"QWERTZUIOPÜ*" L"ASDFGHJKLÖÄ'" L">YXCVBNM;:_",
	  L"  ²³   {[]}\\ " L"@ €        ~" L"            " L"|      µ   " }, L"^´`" },
	{ "fr", {
	  L"²&é\"'(-è_çà)=" L"azertyuiop^$" L"qsdfghjklmù*" L"<wxcvbn,;:!",
	  L" 1234567890°+" L"AZERTYUIOP¨£" L"QSDFGHJKLM%µ" L">WXCVBN?./§",
	  L"  ~#{[|`\\^@]}" L"  €        ¤" L"            " L"           " }, L"^¨" },
	{ "es", {
	  L"º1234567890'¡" L"qwertyuiop`+" L"asdfghjklñ´ç" L"<zxcvbnm,.-",
	  L"ª!\"·$%&/()=?¿" L"QWERTYUIOP^*" L"ASDFGHJKLÑ¨Ç" L">ZXCVBNM;:_",
	  L"\\|@#~ ¬      " L"  €       []" L"          {}" L"           " }, L"`^´¨" },
	{ "it", {
	  L"\\1234567890'ì" L"qwertyuiopè+" L"asdfghjklòàù" L"<zxcvbnm,.-",
	  L"|!\"£$%&/()=?^" L"QWERTYUIOPé*" L"ASDFGHJKLç°§" L">ZXCVBNM;:_",
	  L"             " L"  €       []" L"         @# " L"           " }, L"" },
};
/* clang-format on */

/* Keys that every layout has at the same place: X11's keysymdef.h to Linux' positions. */
static const struct {
	uint32_t keysym;
	uint8_t key;
} common_keys[] = {
	{ 0xff08, KEY_BACKSPACE },  { 0xff09, KEY_TAB },        { 0xff0d, KEY_ENTER },
	{ 0xff13, KEY_PAUSE },      { 0xff14, KEY_SCROLLLOCK }, { 0xff15, KEY_SYSRQ },
	{ 0xff1b, KEY_ESC },        { 0xff50, KEY_HOME },       { 0xff51, KEY_LEFT },
	{ 0xff52, KEY_UP },         { 0xff53, KEY_RIGHT },      { 0xff54, KEY_DOWN },
	{ 0xff55, KEY_PAGEUP },     { 0xff56, KEY_PAGEDOWN },   { 0xff57, KEY_END },
	{ 0xff61, KEY_SYSRQ },      { 0xff63, KEY_INSERT },     { 0xff67, KEY_COMPOSE },
	{ 0xff6b, KEY_PAUSE },      { 0xff7e, KEY_RIGHTALT },   { 0xff7f, KEY_NUMLOCK },
	{ 0xff8d, KEY_KPENTER },    { 0xff95, KEY_KP7 },        { 0xff96, KEY_KP4 },
	{ 0xff97, KEY_KP8 },        { 0xff98, KEY_KP6 },        { 0xff99, KEY_KP2 },
	{ 0xff9a, KEY_KP9 },        { 0xff9b, KEY_KP3 },        { 0xff9c, KEY_KP1 },
	{ 0xff9d, KEY_KP5 },        { 0xff9e, KEY_KP0 },        { 0xff9f, KEY_KPDOT },
	{ 0xffaa, KEY_KPASTERISK }, { 0xffab, KEY_KPPLUS },     { 0xffac, KEY_KPCOMMA },
	{ 0xffad, KEY_KPMINUS },    { 0xffae, KEY_KPDOT },      { 0xffaf, KEY_KPSLASH },
	{ 0xffb0, KEY_KP0 },        { 0xffb1, KEY_KP1 },        { 0xffb2, KEY_KP2 },
	{ 0xffb3, KEY_KP3 },        { 0xffb4, KEY_KP4 },        { 0xffb5, KEY_KP5 },
	{ 0xffb6, KEY_KP6 },        { 0xffb7, KEY_KP7 },        { 0xffb8, KEY_KP8 },
	{ 0xffb9, KEY_KP9 },        { 0xffbd, KEY_KPEQUAL },    { 0xffbe, KEY_F1 },
	{ 0xffbf, KEY_F2 },         { 0xffc0, KEY_F3 },         { 0xffc1, KEY_F4 },
	{ 0xffc2, KEY_F5 },         { 0xffc3, KEY_F6 },         { 0xffc4, KEY_F7 },
	{ 0xffc5, KEY_F8 },         { 0xffc6, KEY_F9 },         { 0xffc7, KEY_F10 },
	{ 0xffc8, KEY_F11 },        { 0xffc9, KEY_F12 },        { 0xffe1, KEY_LEFTSHIFT },
	{ 0xffe2, KEY_RIGHTSHIFT }, { 0xffe3, KEY_LEFTCTRL },   { 0xffe4, KEY_RIGHTCTRL },
	{ 0xffe5, KEY_CAPSLOCK },   { 0xffe7, KEY_LEFTMETA },   { 0xffe8, KEY_RIGHTMETA },
	{ 0xffe9, KEY_LEFTALT },    { 0xffea, KEY_RIGHTALT },   { 0xffeb, KEY_LEFTMETA },
	{ 0xffec, KEY_RIGHTMETA },  { 0xffff, KEY_DELETE },     { 0xfe03, KEY_RIGHTALT },
	{ 0xfe20, KEY_TAB },        { ' ', KEY_SPACE },
};

/* Keys that wait for a letter come as symbols of their own; the tables have the accent. */
static const struct {
	uint32_t keysym;
	wchar_t accent;
} dead_keys[] = {
	{ 0xfe50, L'`' }, { 0xfe51, L'´' }, { 0xfe52, L'^' }, { 0xfe53, L'~' },
	{ 0xfe57, L'¨' }, { 0xfe58, L'°' }, { 0xfe5b, L'¸' },
};

enum {
	KEYSYM_UNICODE = 0x01000000,
};

const struct keymap *keymap_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(keymaps); i++) {
		if (strcmp(keymaps[i].name, name) == 0)
			return &keymaps[i];
	}
	return NULL;
}

const char *const *vnc_keymap_names(void)
{
	static const char *names[ARRAY_SIZE(keymaps) + 1];

	for (size_t i = 0; i < ARRAY_SIZE(keymaps); i++)
		names[i] = keymaps[i].name;
	return names;
}

static uint32_t character_of(uint32_t keysym)
{
	for (size_t i = 0; i < ARRAY_SIZE(dead_keys); i++) {
		if (dead_keys[i].keysym == keysym)
			return (uint32_t)dead_keys[i].accent;
	}
	return keysym >= KEYSYM_UNICODE ? keysym - KEYSYM_UNICODE : keysym;
}

bool keymap_is_letter(uint32_t keysym)
{
	uint32_t character = character_of(keysym);

	return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
	       (character >= 0xc0 && character <= 0xfe && character != 0xd7 && character != 0xf7);
}

unsigned keymap_look_up(const struct keymap *map, uint32_t keysym,
			struct keymap_choice choices[KEYMAP_CHOICES_MAX])
{
	uint32_t character = character_of(keysym);
	unsigned count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(common_keys); i++) {
		if (common_keys[i].keysym == keysym) {
			choices[0] = (struct keymap_choice){ common_keys[i].key, KEYMAP_ANY_LEVEL };
			return 1;
		}
	}
	for (unsigned level = 0; level < KEYMAP_LEVELS && character != ' '; level++) {
		const wchar_t *row = map->levels[level];

		for (unsigned i = 0; i < POSITIONS && row[i] && count < KEYMAP_CHOICES_MAX; i++) {
			if ((uint32_t)row[i] == character)
				choices[count++] = (struct keymap_choice){ positions[i], level };
		}
	}
	return count;
}

/* Letters that are an accent and a base; 'bases' and 'letters' go together. */
static const struct {
	wchar_t accent;
	const wchar_t *bases, *letters;
} compositions[] = {
	{ L'`', L"aeiouAEIOU", L"àèìòùÀÈÌÒÙ" },
	{ L'´', L"aeiouyAEIOUY", L"áéíóúýÁÉÍÓÚÝ" },
	{ L'^', L"aeiouAEIOU", L"âêîôûÂÊÎÔÛ" },
	{ L'¨', L"aeiouyAEIOU", L"äëïöüÿÄËÏÖÜ" },
};

static bool is_dead(const struct keymap *map, uint32_t character)
{
	return character && wcschr(map->dead, (wchar_t)character) != NULL;
}

/** The first way of writing 'character', whether it waits for a letter or not. */
static bool find_stroke(const struct keymap *map, uint32_t character, struct keymap_choice *stroke)
{
	struct keymap_choice choices[KEYMAP_CHOICES_MAX];

	if (keymap_look_up(map, character, choices) == 0)
		return false;
	*stroke = choices[0];
	return true;
}

/** The accent and the letter that make 'character'. */
static bool decompose(const struct keymap *map, uint32_t character, uint32_t parts[2])
{
	for (size_t i = 0; i < ARRAY_SIZE(compositions); i++) {
		const wchar_t *letter = wcschr(compositions[i].letters, (wchar_t)character);

		if (!letter || !is_dead(map, (uint32_t)compositions[i].accent))
			continue;
		parts[0] = (uint32_t)compositions[i].accent;
		parts[1] = (uint32_t)compositions[i].bases[letter - compositions[i].letters];
		return true;
	}
	return false;
}

unsigned keymap_spell(const struct keymap *map, uint32_t character,
		      struct keymap_choice strokes[KEYMAP_STROKES_MAX])
{
	uint32_t parts[KEYMAP_STROKES_MAX] = { character, ' ' };

	if (!character || character > KEYMAP_LAST_CHARACTER)
		return 0;
	if (find_stroke(map, character, &strokes[0]) && !is_dead(map, character))
		return 1;
	if (!is_dead(map, character) && !decompose(map, character, parts))
		return 0;
	return find_stroke(map, parts[0], &strokes[0]) && find_stroke(map, parts[1], &strokes[1])
		       ? KEYMAP_STROKES_MAX
		       : 0;
}

/* Set 1 and Linux' codes agree up to F10 and a little further; the rest is here, and what comes
 * behind E0h. */
static const struct {
	uint8_t scancode, key;
} other_scancodes[] = {
	{ 0x54, KEY_SYSRQ },     { 0x59, KEY_KPEQUAL },   { 0x70, KEY_KATAKANAHIRAGANA },
	{ 0x73, KEY_RO },        { 0x79, KEY_HENKAN },    { 0x7b, KEY_MUHENKAN },
	{ 0x7d, KEY_YEN },       { 0x7e, KEY_KPCOMMA },   { 0x9c, KEY_KPENTER },
	{ 0x9d, KEY_RIGHTCTRL }, { 0xa0, KEY_MUTE },      { 0xae, KEY_VOLUMEDOWN },
	{ 0xb0, KEY_VOLUMEUP },  { 0xb5, KEY_KPSLASH },   { 0xb7, KEY_SYSRQ },
	{ 0xb8, KEY_RIGHTALT },  { 0xc6, KEY_PAUSE },     { 0xc7, KEY_HOME },
	{ 0xc8, KEY_UP },        { 0xc9, KEY_PAGEUP },    { 0xcb, KEY_LEFT },
	{ 0xcd, KEY_RIGHT },     { 0xcf, KEY_END },       { 0xd0, KEY_DOWN },
	{ 0xd1, KEY_PAGEDOWN },  { 0xd2, KEY_INSERT },    { 0xd3, KEY_DELETE },
	{ 0xdb, KEY_LEFTMETA },  { 0xdc, KEY_RIGHTMETA }, { 0xdd, KEY_COMPOSE },
	{ 0xde, KEY_POWER },     { 0xdf, KEY_SLEEP },     { 0xe3, KEY_WAKEUP },
};

unsigned key_from_scancode(uint32_t scancode)
{
	if ((scancode >= KEY_ESC && scancode <= KEY_KPDOT) ||
	    (scancode >= KEY_102ND && scancode <= KEY_F12))
		return scancode;
	for (size_t i = 0; i < ARRAY_SIZE(other_scancodes); i++) {
		if (other_scancodes[i].scancode == scancode)
			return other_scancodes[i].key;
	}
	return 0;
}
