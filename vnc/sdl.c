// SPDX-License-Identifier: GPL-2.0-or-later
#include "vnc/sdl.h"

#include <errno.h>
#include <stdlib.h>

#include "base/err.h"

#ifdef HAVE_SDL
#include <SDL.h>
#include <dlfcn.h>
#include <linux/input-event-codes.h>

#include "base/bits.h"
#include "base/clock.h"
#include "base/display.h"
#include "base/input.h"
#include "base/loop.h"

enum {
	FRAME_MS = 20, /* SDL has no descriptor to wait for: its events are asked for, while there
			  is a window */
	EVENTS_MAX = 256,
};

/* What is taken from the library. */
#define SDL_FUNCTIONS(F)            \
	F(SDL_InitSubSystem)        \
	F(SDL_QuitSubSystem)        \
	F(SDL_GetError)             \
	F(SDL_CreateWindow)         \
	F(SDL_DestroyWindow)        \
	F(SDL_SetWindowSize)        \
	F(SDL_GetWindowSurface)     \
	F(SDL_UpdateWindowSurface)  \
	F(SDL_CreateRGBSurfaceFrom) \
	F(SDL_FreeSurface)          \
	F(SDL_UpperBlit)            \
	F(SDL_PollEvent)            \
	F(SDL_SetRelativeMouseMode) \
	F(SDL_SetHint)

#define SDL_MEMBER(name) __typeof__(&name) name;
struct sdl_library {
	void *handle;
	SDL_FUNCTIONS(SDL_MEMBER)
};

struct sdl_window {
	struct sdl_library sdl;
	struct loop *loop;
	struct loop_timer *timer;
	struct display *display;
	struct display_listener listener;
	struct input *input;
	SDL_Window *window;
	void (*closed)(void *opaque);
	void *opaque;
	bool is_initialized, is_damaged, is_resized, is_grabbed;
	uint8_t pressed[INPUT_KEY_COUNT / 8];
};

/* SDL's scan codes are the usages of USB's keyboard page (HID Usage Tables, section 10). */
/* clang-format off */
static const uint8_t keys_by_usage[256] = {
	[4] = KEY_A, KEY_B, KEY_C, KEY_D, KEY_E, KEY_F, KEY_G, KEY_H, KEY_I, KEY_J, KEY_K, KEY_L,
	KEY_M, KEY_N, KEY_O, KEY_P, KEY_Q, KEY_R, KEY_S, KEY_T, KEY_U, KEY_V, KEY_W, KEY_X, KEY_Y,
	KEY_Z, KEY_1, KEY_2, KEY_3, KEY_4, KEY_5, KEY_6, KEY_7, KEY_8, KEY_9, KEY_0, KEY_ENTER,
	KEY_ESC, KEY_BACKSPACE, KEY_TAB, KEY_SPACE, KEY_MINUS, KEY_EQUAL, KEY_LEFTBRACE,
	KEY_RIGHTBRACE, KEY_BACKSLASH, KEY_BACKSLASH, KEY_SEMICOLON, KEY_APOSTROPHE, KEY_GRAVE,
	KEY_COMMA, KEY_DOT, KEY_SLASH, KEY_CAPSLOCK, KEY_F1, KEY_F2, KEY_F3, KEY_F4, KEY_F5, KEY_F6,
	KEY_F7, KEY_F8, KEY_F9, KEY_F10, KEY_F11, KEY_F12, KEY_SYSRQ, KEY_SCROLLLOCK, KEY_PAUSE,
	KEY_INSERT, KEY_HOME, KEY_PAGEUP, KEY_DELETE, KEY_END, KEY_PAGEDOWN, KEY_RIGHT, KEY_LEFT,
	KEY_DOWN, KEY_UP, KEY_NUMLOCK, KEY_KPSLASH, KEY_KPASTERISK, KEY_KPMINUS, KEY_KPPLUS,
	KEY_KPENTER, KEY_KP1, KEY_KP2, KEY_KP3, KEY_KP4, KEY_KP5, KEY_KP6, KEY_KP7, KEY_KP8,
	KEY_KP9, KEY_KP0, KEY_KPDOT, KEY_102ND, KEY_COMPOSE, KEY_POWER, KEY_KPEQUAL,
	[0x87] = KEY_RO, KEY_KATAKANAHIRAGANA, KEY_YEN, KEY_HENKAN, KEY_MUHENKAN,
	[0xe0] = KEY_LEFTCTRL, KEY_LEFTSHIFT, KEY_LEFTALT, KEY_LEFTMETA, KEY_RIGHTCTRL,
	KEY_RIGHTSHIFT, KEY_RIGHTALT, KEY_RIGHTMETA,
};
/* clang-format on */

/* The picture */

static void on_resized(void *opaque)
{
	struct sdl_window *window = opaque;

	window->is_resized = window->is_damaged = true;
}

static void on_damaged(void *opaque, struct display_rect rect)
{
	struct sdl_window *window = opaque;

	(void)rect;
	window->is_damaged = true;
}

static void draw(struct sdl_window *window)
{
	struct display_surface *from = &window->display->surface;
	SDL_Surface *picture, *target;

	if (window->is_resized)
		window->sdl.SDL_SetWindowSize(window->window, (int)from->width, (int)from->height);
	window->is_resized = window->is_damaged = false;
	if (!from->pixels)
		return;
	target = window->sdl.SDL_GetWindowSurface(window->window);
	picture = window->sdl.SDL_CreateRGBSurfaceFrom(from->pixels, (int)from->width,
						       (int)from->height, 32, (int)from->stride * 4,
						       0xff0000, 0xff00, 0xff, 0);
	if (target && picture) {
		window->sdl.SDL_UpperBlit(picture, NULL, target, NULL);
		window->sdl.SDL_UpdateWindowSurface(window->window);
	}
	if (picture)
		window->sdl.SDL_FreeSurface(picture);
}

/* Input */

static void grab(struct sdl_window *window, bool on)
{
	window->is_grabbed = on;
	window->sdl.SDL_SetRelativeMouseMode(on ? SDL_TRUE : SDL_FALSE);
}

static void set_key(struct sdl_window *window, unsigned key, bool down)
{
	if (key == 0)
		return;
	if (down)
		window->pressed[key / 8] |= (uint8_t)(1u << (key % 8));
	else
		window->pressed[key / 8] &= (uint8_t) ~(1u << (key % 8));
	input_key(window->input, key, down);
}

static void release_keys(struct sdl_window *window)
{
	for (unsigned key = 1; key < INPUT_KEY_COUNT; key++) {
		if (window->pressed[key / 8] >> (key % 8) & 1)
			set_key(window, key, false);
	}
}

static void on_key(struct sdl_window *window, const SDL_KeyboardEvent *event)
{
	bool down = event->type == SDL_KEYDOWN;
	unsigned usage = (unsigned)event->keysym.scancode;

	if (down && event->keysym.scancode == SDL_SCANCODE_G && (event->keysym.mod & KMOD_CTRL) &&
	    (event->keysym.mod & KMOD_ALT)) {
		grab(window, !window->is_grabbed);
		release_keys(window);
		return;
	}
	set_key(window, usage < ARRAY_SIZE(keys_by_usage) ? keys_by_usage[usage] : 0, down);
}

static unsigned buttons_of(uint32_t state)
{
	return (state & SDL_BUTTON_LMASK ? INPUT_BUTTON_LEFT : 0u) |
	       (state & SDL_BUTTON_MMASK ? INPUT_BUTTON_MIDDLE : 0u) |
	       (state & SDL_BUTTON_RMASK ? INPUT_BUTTON_RIGHT : 0u);
}

static unsigned absolute(int position, unsigned size)
{
	if (position <= 0 || size < 2)
		return 0;
	return (unsigned)min_u64(((uint64_t)position * INPUT_ABS_MAX + size - 2) / (size - 1),
				 INPUT_ABS_MAX);
}

static void on_motion(struct sdl_window *window, const SDL_MouseMotionEvent *event)
{
	const struct display_surface *surface = &window->display->surface;
	unsigned buttons = buttons_of(event->state);

	if (input_has_absolute(window->input))
		input_move_to(window->input, absolute(event->x, surface->width),
			      absolute(event->y, surface->height), surface->width, surface->height,
			      0, buttons);
	else if (window->is_grabbed)
		input_move(window->input, event->xrel, event->yrel, 0, buttons);
}

static void on_button(struct sdl_window *window, const SDL_MouseButtonEvent *event)
{
	bool down = event->type == SDL_MOUSEBUTTONDOWN;
	unsigned button = buttons_of(SDL_BUTTON(event->button));
	unsigned buttons = window->input->buttons;

	if (!input_has_absolute(window->input) && !window->is_grabbed) {
		if (down)
			grab(window, true);
		return;
	}
	input_move(window->input, 0, 0, 0, down ? buttons | button : buttons & ~button);
}

static void on_event(struct sdl_window *window, const SDL_Event *event)
{
	switch (event->type) {
	case SDL_KEYDOWN:
	case SDL_KEYUP:
		on_key(window, &event->key);
		break;
	case SDL_MOUSEMOTION:
		on_motion(window, &event->motion);
		break;
	case SDL_MOUSEBUTTONDOWN:
	case SDL_MOUSEBUTTONUP:
		on_button(window, &event->button);
		break;
	case SDL_MOUSEWHEEL:
		input_move(window->input, 0, 0, event->wheel.y, window->input->buttons);
		break;
	case SDL_WINDOWEVENT:
		window->is_damaged |= event->window.event == SDL_WINDOWEVENT_EXPOSED;
		if (event->window.event == SDL_WINDOWEVENT_FOCUS_LOST)
			release_keys(window);
		break;
	case SDL_QUIT:
		if (window->closed)
			window->closed(window->opaque);
		break;
	default:
		break;
	}
}

static void on_timer(void *opaque)
{
	struct sdl_window *window = opaque;
	SDL_Event event;

	loop_timer_set(window->timer, clock_host_ns() + FRAME_MS * NS_PER_MS);
	display_refresh(window->display, false);
	if (window->is_damaged)
		draw(window);
	/* Last: a person who closes the window may end all this. */
	for (unsigned i = 0; i < EVENTS_MAX && window->sdl.SDL_PollEvent(&event); i++)
		on_event(window, &event);
}

/* Opening and closing */

static int load(struct sdl_library *sdl, struct err *err)
{
	sdl->handle = dlopen("libSDL2-2.0.so.0", RTLD_NOW | RTLD_LOCAL);
	if (!sdl->handle)
		return err_set(
			err, -ENOENT,
			"a window needs SDL 2, which cannot be loaded (install libsdl2-2.0-0, "
			"or use -vnc): %s",
			dlerror());
#define SDL_LOAD(name)                                    \
	*(void **)&sdl->name = dlsym(sdl->handle, #name); \
	if (!sdl->name)                                   \
		return err_set(err, -ENOENT, "this host's SDL 2 is too old: it has no %s", #name);
	SDL_FUNCTIONS(SDL_LOAD)
	return 0;
}

static int open_window(struct sdl_window *window, const char *title, struct err *err)
{
	const struct display_surface *surface = &window->display->surface;

	window->sdl.SDL_SetHint("SDL_NO_SIGNAL_HANDLERS", "1");
	window->sdl.SDL_SetHint("SDL_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR", "0");
	if (window->sdl.SDL_InitSubSystem(SDL_INIT_VIDEO) < 0)
		return err_set(err, -ENODEV, "no window can be opened (is DISPLAY set?): %s",
			       window->sdl.SDL_GetError());
	window->is_initialized = true;
	window->window = window->sdl.SDL_CreateWindow(
		title ? title : "hvmdm", (int)SDL_WINDOWPOS_UNDEFINED, (int)SDL_WINDOWPOS_UNDEFINED,
		(int)surface->width, (int)surface->height, 0);
	if (!window->window)
		return err_set(err, -ENODEV, "no window can be opened: %s",
			       window->sdl.SDL_GetError());
	window->timer = loop_timer_create(window->loop, on_timer, window);
	if (!window->timer || display_set_watching(window->display, &window->listener, true) < 0)
		return err_set(err, -ENOMEM, "no memory left for a window");
	return 0;
}

struct sdl_window *sdl_window_create(const struct sdl_options *options, struct loop *loop,
				     struct display *display, struct input *input, struct err *err)
{
	struct sdl_window *window = calloc(1, sizeof(*window));

	if (!window) {
		err_set(err, -ENOMEM, "no memory left for a window");
		return NULL;
	}
	window->loop = loop;
	window->display = display;
	window->input = input;
	window->closed = options->closed;
	window->opaque = options->opaque;
	window->listener = (struct display_listener){
		.opaque = window,
		.resized = on_resized,
		.damaged = on_damaged,
	};
	list_init(&window->listener.node);
	display_add_listener(display, &window->listener);
	if (load(&window->sdl, err) < 0 || open_window(window, options->title, err) < 0) {
		sdl_window_destroy(window);
		return NULL;
	}
	display_refresh(display, true);
	loop_timer_set(window->timer, 0);
	return window;
}

void sdl_window_destroy(struct sdl_window *window)
{
	if (!window)
		return;
	release_keys(window);
	if (window->timer)
		loop_timer_destroy(window->timer);
	display_set_watching(window->display, &window->listener, false);
	display_remove_listener(window->display, &window->listener);
	if (window->window)
		window->sdl.SDL_DestroyWindow(window->window);
	if (window->is_initialized)
		window->sdl.SDL_QuitSubSystem(SDL_INIT_VIDEO);
	/* The library stays: its own threads and at-exit handlers would not survive its going. */
	free(window);
}

#else

struct sdl_window *sdl_window_create(const struct sdl_options *options, struct loop *loop,
				     struct display *display, struct input *input, struct err *err)
{
	(void)options;
	(void)loop;
	(void)display;
	(void)input;
	err_set(err, -ENOTSUP, "this hvmdm was built without windows (-display sdl); use -vnc");
	return NULL;
}

void sdl_window_destroy(struct sdl_window *window)
{
	(void)window;
}

#endif
