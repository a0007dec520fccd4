// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/input.h"

#include <linux/input-event-codes.h>
#include <string.h>

/* Every key position that has a name: the names are those that QMP's send-key takes. */
#define INPUT_KEYS(K)                               \
	K("esc", KEY_ESC)                           \
	K("1", KEY_1)                               \
	K("2", KEY_2)                               \
	K("3", KEY_3)                               \
	K("4", KEY_4)                               \
	K("5", KEY_5)                               \
	K("6", KEY_6)                               \
	K("7", KEY_7)                               \
	K("8", KEY_8)                               \
	K("9", KEY_9)                               \
	K("0", KEY_0)                               \
	K("minus", KEY_MINUS)                       \
	K("equal", KEY_EQUAL)                       \
	K("backspace", KEY_BACKSPACE)               \
	K("tab", KEY_TAB)                           \
	K("q", KEY_Q)                               \
	K("w", KEY_W)                               \
	K("e", KEY_E)                               \
	K("r", KEY_R)                               \
	K("t", KEY_T)                               \
	K("y", KEY_Y)                               \
	K("u", KEY_U)                               \
	K("i", KEY_I)                               \
	K("o", KEY_O)                               \
	K("p", KEY_P)                               \
	K("bracket_left", KEY_LEFTBRACE)            \
	K("bracket_right", KEY_RIGHTBRACE)          \
	K("ret", KEY_ENTER)                         \
	K("ctrl", KEY_LEFTCTRL)                     \
	K("a", KEY_A)                               \
	K("s", KEY_S)                               \
	K("d", KEY_D)                               \
	K("f", KEY_F)                               \
	K("g", KEY_G)                               \
	K("h", KEY_H)                               \
	K("j", KEY_J)                               \
	K("k", KEY_K)                               \
	K("l", KEY_L)                               \
	K("semicolon", KEY_SEMICOLON)               \
	K("apostrophe", KEY_APOSTROPHE)             \
	K("grave_accent", KEY_GRAVE)                \
	K("shift", KEY_LEFTSHIFT)                   \
	K("backslash", KEY_BACKSLASH)               \
	K("z", KEY_Z)                               \
	K("x", KEY_X)                               \
	K("c", KEY_C)                               \
	K("v", KEY_V)                               \
	K("b", KEY_B)                               \
	K("n", KEY_N)                               \
	K("m", KEY_M)                               \
	K("comma", KEY_COMMA)                       \
	K("dot", KEY_DOT)                           \
	K("slash", KEY_SLASH)                       \
	K("shift_r", KEY_RIGHTSHIFT)                \
	K("kp_multiply", KEY_KPASTERISK)            \
	K("asterisk", KEY_KPASTERISK)               \
	K("alt", KEY_LEFTALT)                       \
	K("spc", KEY_SPACE)                         \
	K("caps_lock", KEY_CAPSLOCK)                \
	K("f1", KEY_F1)                             \
	K("f2", KEY_F2)                             \
	K("f3", KEY_F3)                             \
	K("f4", KEY_F4)                             \
	K("f5", KEY_F5)                             \
	K("f6", KEY_F6)                             \
	K("f7", KEY_F7)                             \
	K("f8", KEY_F8)                             \
	K("f9", KEY_F9)                             \
	K("f10", KEY_F10)                           \
	K("num_lock", KEY_NUMLOCK)                  \
	K("scroll_lock", KEY_SCROLLLOCK)            \
	K("kp_7", KEY_KP7)                          \
	K("kp_8", KEY_KP8)                          \
	K("kp_9", KEY_KP9)                          \
	K("kp_subtract", KEY_KPMINUS)               \
	K("kp_4", KEY_KP4)                          \
	K("kp_5", KEY_KP5)                          \
	K("kp_6", KEY_KP6)                          \
	K("kp_add", KEY_KPPLUS)                     \
	K("kp_1", KEY_KP1)                          \
	K("kp_2", KEY_KP2)                          \
	K("kp_3", KEY_KP3)                          \
	K("kp_0", KEY_KP0)                          \
	K("kp_decimal", KEY_KPDOT)                  \
	K("less", KEY_102ND)                        \
	K("f11", KEY_F11)                           \
	K("f12", KEY_F12)                           \
	K("ro", KEY_RO)                             \
	K("katakanahiragana", KEY_KATAKANAHIRAGANA) \
	K("hiragana", KEY_HIRAGANA)                 \
	K("henkan", KEY_HENKAN)                     \
	K("muhenkan", KEY_MUHENKAN)                 \
	K("kp_enter", KEY_KPENTER)                  \
	K("ctrl_r", KEY_RIGHTCTRL)                  \
	K("kp_divide", KEY_KPSLASH)                 \
	K("sysrq", KEY_SYSRQ)                       \
	K("print", KEY_SYSRQ)                       \
	K("alt_r", KEY_RIGHTALT)                    \
	K("lf", KEY_LINEFEED)                       \
	K("home", KEY_HOME)                         \
	K("up", KEY_UP)                             \
	K("pgup", KEY_PAGEUP)                       \
	K("left", KEY_LEFT)                         \
	K("right", KEY_RIGHT)                       \
	K("end", KEY_END)                           \
	K("down", KEY_DOWN)                         \
	K("pgdn", KEY_PAGEDOWN)                     \
	K("insert", KEY_INSERT)                     \
	K("delete", KEY_DELETE)                     \
	K("audiomute", KEY_MUTE)                    \
	K("volumedown", KEY_VOLUMEDOWN)             \
	K("volumeup", KEY_VOLUMEUP)                 \
	K("power", KEY_POWER)                       \
	K("kp_equals", KEY_KPEQUAL)                 \
	K("pause", KEY_PAUSE)                       \
	K("kp_comma", KEY_KPCOMMA)                  \
	K("lang1", KEY_HANGEUL)                     \
	K("lang2", KEY_HANJA)                       \
	K("yen", KEY_YEN)                           \
	K("meta_l", KEY_LEFTMETA)                   \
	K("meta_r", KEY_RIGHTMETA)                  \
	K("compose", KEY_COMPOSE)                   \
	K("stop", KEY_STOP)                         \
	K("again", KEY_AGAIN)                       \
	K("props", KEY_PROPS)                       \
	K("undo", KEY_UNDO)                         \
	K("front", KEY_FRONT)                       \
	K("copy", KEY_COPY)                         \
	K("open", KEY_OPEN)                         \
	K("paste", KEY_PASTE)                       \
	K("find", KEY_FIND)                         \
	K("cut", KEY_CUT)                           \
	K("help", KEY_HELP)                         \
	K("menu", KEY_MENU)                         \
	K("calculator", KEY_CALC)                   \
	K("sleep", KEY_SLEEP)                       \
	K("wake", KEY_WAKEUP)                       \
	K("mail", KEY_MAIL)                         \
	K("ac_bookmarks", KEY_BOOKMARKS)            \
	K("computer", KEY_COMPUTER)                 \
	K("ac_back", KEY_BACK)                      \
	K("ac_forward", KEY_FORWARD)                \
	K("audionext", KEY_NEXTSONG)                \
	K("audioplay", KEY_PLAYPAUSE)               \
	K("audioprev", KEY_PREVIOUSSONG)            \
	K("audiostop", KEY_STOPCD)                  \
	K("ac_home", KEY_HOMEPAGE)                  \
	K("ac_refresh", KEY_REFRESH)                \
	K("f13", KEY_F13)                           \
	K("f14", KEY_F14)                           \
	K("f15", KEY_F15)                           \
	K("f16", KEY_F16)                           \
	K("f17", KEY_F17)                           \
	K("f18", KEY_F18)                           \
	K("f19", KEY_F19)                           \
	K("f20", KEY_F20)                           \
	K("f21", KEY_F21)                           \
	K("f22", KEY_F22)                           \
	K("f23", KEY_F23)                           \
	K("f24", KEY_F24)                           \
	K("mediaselect", KEY_MEDIA)

#define INPUT_NAME(name, key)     name,
#define INPUT_POSITION(name, key) key,
static const char *const input_names[] = { INPUT_KEYS(INPUT_NAME) NULL };
static const uint8_t input_positions[] = { INPUT_KEYS(INPUT_POSITION) };

int input_key_from_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(input_positions); i++)
		if (strcmp(input_names[i], name) == 0)
			return input_positions[i];
	return -1;
}

const char *input_key_name(unsigned key)
{
	for (size_t i = 0; i < ARRAY_SIZE(input_positions); i++)
		if (input_positions[i] == key)
			return input_names[i];
	return NULL;
}

const char *const *input_key_names(void)
{
	return input_names;
}

void input_init(struct input *input)
{
	*input = (struct input){ 0 };
	list_init(&input->sinks);
}

void input_add_sink(struct input *input, struct input_sink *sink)
{
	list_insert_before(input->sinks.next, &sink->node);
}

void input_remove_sink(struct input *input, struct input_sink *sink)
{
	(void)input;
	list_remove(&sink->node);
}

static bool sink_is_ready(const struct input_sink *sink)
{
	return !sink->is_ready || sink->is_ready(sink->opaque);
}

enum input_hook {
	INPUT_HOOK_KEY,
	INPUT_HOOK_MOVE,
	INPUT_HOOK_MOVE_TO,
};

static bool sink_has(const struct input_sink *sink, enum input_hook hook)
{
	switch (hook) {
	case INPUT_HOOK_KEY:
		return sink->key != NULL;
	case INPUT_HOOK_MOVE:
		return sink->move != NULL;
	default:
		return sink->move_to != NULL;
	}
}

/* The newest ready sink with the hook, or NULL. */
static struct input_sink *find_sink(const struct input *input, enum input_hook hook)
{
	struct input_sink *sink;

	list_for_each(sink, &input->sinks, struct input_sink,
		      node) if (sink_has(sink, hook) && sink_is_ready(sink)) return sink;
	return NULL;
}

bool input_key_is_down(const struct input *input, unsigned key)
{
	return key < INPUT_KEY_COUNT && (input->pressed[key / 8] & BIT(key % 8)) != 0;
}

static void tap_ends(struct input *input)
{
	if (input->tap)
		input->tap->ends(input->tap->opaque);
}

/* A key that is down already repeats; one that is up is not released again. */
void input_key(struct input *input, unsigned key, bool down)
{
	struct input_sink *sink = find_sink(input, INPUT_HOOK_KEY);
	uint8_t mask = (uint8_t)BIT(key % 8);

	if (key == 0 || key >= INPUT_KEY_COUNT || (!down && !input_key_is_down(input, key)))
		return;
	if (input->tap)
		input->tap->key_begins(input->tap->opaque, key, down);
	if (down)
		input->pressed[key / 8] |= mask;
	else
		input->pressed[key / 8] &= (uint8_t)~mask;
	if (sink)
		sink->key(sink->opaque, key, down);
	tap_ends(input);
}

void input_release_all(struct input *input)
{
	for (unsigned key = 0; key < INPUT_KEY_COUNT; key++)
		if (input_key_is_down(input, key))
			input_key(input, key, false);
	if (input->buttons)
		input_move(input, 0, 0, 0, 0);
}

bool input_has_room(const struct input *input)
{
	struct input_sink *sink = find_sink(input, INPUT_HOOK_KEY);

	return !sink || !sink->has_room || sink->has_room(sink->opaque);
}

void input_tell_keys_taken(struct input *input)
{
	if (input->tap)
		input->tap->keys_taken(input->tap->opaque);
	if (input->keys_taken)
		input->keys_taken(input->keys_taken_opaque);
}

/* A pointer with absolute axes only leaves movement to another, but buttons and wheel are its
 * alone, where it is: else what it has pressed would be let go elsewhere. */
void input_move(struct input *input, int dx, int dy, int dz, unsigned buttons)
{
	struct input_sink *absolute = find_sink(input, INPUT_HOOK_MOVE_TO);
	struct input_sink *moved = find_sink(input, INPUT_HOOK_MOVE);
	bool has_changed = dz || buttons != input->buttons;

	if (input->tap)
		input->tap->move_begins(input->tap->opaque, dx, dy, dz, buttons);
	input->buttons = buttons;
	if (moved && (!absolute || absolute == moved))
		moved->move(moved->opaque, dx, dy, dz, buttons);
	else if (moved && (dx || dy))
		moved->move(moved->opaque, dx, dy, 0, 0);
	if (absolute && absolute != moved && has_changed)
		absolute->move_to(absolute->opaque, input->abs_x, input->abs_y, dz, buttons);
	tap_ends(input);
}

static int pixel_from_abs(unsigned position, unsigned pixels)
{
	return pixels ? (int)((uint64_t)position * (pixels - 1) / INPUT_ABS_MAX) : 0;
}

/* The first absolute position after a while without one is where the pointer is taken to be: no
 * movement. */
void input_move_to(struct input *input, unsigned x, unsigned y, unsigned width, unsigned height,
		   int dz, unsigned buttons)
{
	struct input_sink *sink = find_sink(input, INPUT_HOOK_MOVE_TO);
	int dx = 0, dy = 0;

	if (input->tap)
		input->tap->move_to_begins(input->tap->opaque, x, y, width, height, dz, buttons);
	x = x > INPUT_ABS_MAX ? INPUT_ABS_MAX : x;
	y = y > INPUT_ABS_MAX ? INPUT_ABS_MAX : y;
	if (input->abs_known) {
		dx = pixel_from_abs(x, width) - pixel_from_abs(input->abs_x, width);
		dy = pixel_from_abs(y, height) - pixel_from_abs(input->abs_y, height);
	}
	input->abs_x = x;
	input->abs_y = y;
	input->abs_known = true;
	input->buttons = buttons;
	if (!sink) {
		sink = find_sink(input, INPUT_HOOK_MOVE);
		if (sink)
			sink->move(sink->opaque, dx, dy, dz, buttons);
	} else {
		sink->move_to(sink->opaque, x, y, dz, buttons);
	}
	tap_ends(input);
}

bool input_has_absolute(const struct input *input)
{
	return find_sink(input, INPUT_HOOK_MOVE_TO) != NULL;
}

void input_set_leds(struct input *input, unsigned leds)
{
	if (input->leds == leds)
		return;
	input->leds = leds;
	if (input->leds_changed)
		input->leds_changed(input->leds_opaque, leds);
}
