// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The screen in a window on the host's own desktop (-display sdl). SDL 2 is loaded when a window is
 * asked for, and not otherwise. A click gives the guest the pointer if it has only a mouse;
 * Ctrl+Alt+G takes it back.
 */
#pragma once

struct display;
struct err;
struct input;
struct loop;
struct sdl_window;

struct sdl_options {
	const char *title;
	/** The person closes the window: the guest is to be switched off. May be NULL. */
	void (*closed)(void *opaque);
	void *opaque;
};

/** NULL with a sentence: no library, no desktop. To be called on the loop's thread, under the
 * machine lock. */
struct sdl_window *sdl_window_create(const struct sdl_options *options, struct loop *loop,
				     struct display *display, struct input *input, struct err *err);
/** NULL is ignored. */
void sdl_window_destroy(struct sdl_window *window);
