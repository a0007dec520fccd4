// SPDX-License-Identifier: GPL-2.0-or-later
/* The local window, on SDL's own driver without a screen. Events are put into SDL's queue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <SDL.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/display.h"
#include "base/err.h"
#include "base/input.h"
#include "base/loop.h"
#include "vnc/sdl.h"

struct bench {
	struct loop *loop;
	struct display display;
	struct input input;
	struct input_sink sink;
	char typed[128];
	int dx, dy, dz;
	unsigned buttons, refreshes, closed;
};

static void on_key(void *opaque, unsigned key, bool down)
{
	struct bench *bench = opaque;
	size_t length = strlen(bench->typed);

	snprintf(bench->typed + length, sizeof(bench->typed) - length, "%c%u ", down ? '+' : '-',
		 key);
}

static void on_move(void *opaque, int dx, int dy, int dz, unsigned buttons)
{
	struct bench *bench = opaque;

	bench->dx += dx;
	bench->dy += dy;
	bench->dz += dz;
	bench->buttons = buttons;
}

static void on_refresh(void *opaque, bool full)
{
	struct bench *bench = opaque;

	bench->refreshes++;
	if (full)
		display_damage(&bench->display, 0, 0, 640, 480);
}

static void on_closed(void *opaque)
{
	((struct bench *)opaque)->closed++;
}

static void turn(struct bench *bench)
{
	unsigned before = bench->refreshes;

	for (unsigned i = 0; i < 1000 && bench->refreshes < before + 2; i++)
		loop_turn(bench->loop, 50);
}

static void window_shows_and_types(void **state)
{
	struct bench bench = { 0 };
	struct display_source source = { .opaque = &bench, .refresh = on_refresh };
	struct sdl_options options = { .title = "test", .closed = on_closed, .opaque = &bench };
	void *library = dlopen("libSDL2-2.0.so.0", RTLD_NOW);
	int (*push)(SDL_Event * event);
	struct sdl_window *window;
	struct err err;
	SDL_Event event;

	(void)state;
	if (!library)
		skip();
	*(void **)&push = dlsym(library, "SDL_PushEvent");
	bench.loop = loop_create();
	display_init(&bench.display);
	display_set_source(&bench.display, &source);
	input_init(&bench.input);
	bench.sink = (struct input_sink){ .opaque = &bench, .key = on_key, .move = on_move };
	input_add_sink(&bench.input, &bench.sink);

	setenv("SDL_VIDEODRIVER", "nonsense", 1);
	assert_null(sdl_window_create(&options, bench.loop, &bench.display, &bench.input, &err));
	assert_non_null(strstr(err.text, "no window can be opened"));
	setenv("SDL_VIDEODRIVER", "dummy", 1);
	window = sdl_window_create(&options, bench.loop, &bench.display, &bench.input, &err);
	if (!window)
		fail_msg("%s", err.text);
	turn(&bench);
	display_resize(&bench.display, 800, 600);
	turn(&bench);

	event = (SDL_Event){ .key = { .type = SDL_KEYDOWN,
				      .keysym = { .scancode = SDL_SCANCODE_A } } };
	push(&event);
	event.key.keysym.scancode = SDL_SCANCODE_RCTRL;
	push(&event);
	event.key.keysym.scancode = SDL_SCANCODE_KP_PERIOD;
	push(&event);
	event.key.type = SDL_KEYUP;
	push(&event);
	event = (SDL_Event){ .window = { .type = SDL_WINDOWEVENT,
					 .event = SDL_WINDOWEVENT_FOCUS_LOST } };
	push(&event);
	/* The first click takes the mouse, the second is the guest's. */
	event = (SDL_Event){ .button = { .type = SDL_MOUSEBUTTONDOWN, .button = SDL_BUTTON_LEFT } };
	push(&event);
	push(&event);
	turn(&bench); /* SDL drops movements that wait when the mouse is taken */
	event = (SDL_Event){ .motion = { .type = SDL_MOUSEMOTION, .xrel = 5, .yrel = -2 } };
	push(&event);
	event = (SDL_Event){ .wheel = { .type = SDL_MOUSEWHEEL, .y = -1 } };
	push(&event);
	event = (SDL_Event){ .type = SDL_QUIT };
	push(&event);
	turn(&bench);
	turn(&bench);
	assert_string_equal(bench.typed, "+30 +97 +83 -83 -30 -97 ");
	assert_int_equal(bench.dx, 5);
	assert_int_equal(bench.dy, -2);
	assert_int_equal(bench.dz, -1);
	assert_int_equal(bench.closed, 1);

	sdl_window_destroy(window);
	sdl_window_destroy(NULL);
	assert_int_equal(bench.display.watchers, 0);
	display_finish(&bench.display);
	loop_destroy(bench.loop);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(window_shows_and_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
