// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The display port: a video card renders into a surface, viewers (VNC, SDL, screenshots) show it. A
 * card draws only when a viewer asks (display_refresh), so that nobody watching costs nothing.
 * Under the machine lock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

/** 32 bits a pixel, 0x00RRGGBB in host byte order. */
struct display_surface {
	uint32_t *pixels; /* NULL until somebody watches */
	unsigned width, height;
	unsigned stride; /* pixels from line to line */
};

struct display_rect {
	unsigned x, y, width, height;
};

enum {
	DISPLAY_MAX_WIDTH = 2560,
	DISPLAY_MAX_HEIGHT = 1600,
	DISPLAY_CURSOR_MAX = 64,
};

/** A hardware cursor: 0xAARRGGBB pixels. */
struct display_cursor {
	unsigned width, height;
	int hot_x, hot_y;
	uint32_t pixels[DISPLAY_CURSOR_MAX * DISPLAY_CURSOR_MAX];
};

enum {
	DISPLAY_TEXT_MAX_COLUMNS = DISPLAY_MAX_WIDTH / 8,
	DISPLAY_TEXT_MAX_ROWS = DISPLAY_MAX_HEIGHT / 8,
};

/** A character on the screen. */
struct display_cell {
	uint32_t character; /* Unicode; UTF8_REPLACEMENT where it cannot be told */
	uint8_t attribute;  /* as the VGA has them: background << 4 | foreground */
};

/** The screen as text. */
struct display_text {
	unsigned columns, rows;
	bool cursor_visible;
	unsigned cursor_x, cursor_y;
	struct display_cell cells[DISPLAY_TEXT_MAX_ROWS][DISPLAY_TEXT_MAX_COLUMNS];
};

struct display;

/** What a card offers. */
struct display_source {
	void *opaque;
	/** Renders what has changed since the last call ('full': everything) by display_resize and
	 * display_damage. */
	void (*refresh)(void *opaque, bool full);
	/** Somebody began to watch, or the last one ceased: start or stop dirty logging. May be
	 * NULL. */
	void (*watch)(void *opaque, bool watched);
	/** What stands on the screen, whether somebody watches or not. False if no text mode is on.
	 * May be NULL. */
	bool (*read_text)(void *opaque, struct display_text *text);
};

/** What a viewer is told. Any hook may be NULL. */
struct display_listener {
	struct list_node node;
	void *opaque;
	bool watching;
	void (*resized)(void *opaque);
	void (*damaged)(void *opaque, struct display_rect rect);
	void (*cursor_changed)(void *opaque);
};

struct display {
	struct display_surface surface;
	struct display_cursor *cursor; /* NULL: the guest shows none; owned by the source */
	int cursor_x, cursor_y;
	struct display_source source;
	struct list_node listeners;
	unsigned watchers;
	uint64_t changes; /* counts damage, for "did anything move?" */
};

/** A 640 x 480 black surface without source or listeners. */
void display_init(struct display *display);
void display_finish(struct display *display);
void display_set_source(struct display *display, const struct display_source *source);

void display_add_listener(struct display *display, struct display_listener *listener);
void display_remove_listener(struct display *display, struct display_listener *listener);
/** A listener that watches keeps the surface allocated. 0 or -ENOMEM. */
int display_set_watching(struct display *display, struct display_listener *listener, bool watching);

/** Has the source render. Nothing happens if nobody watches, unless 'full' is asked by a watcher.
 */
void display_refresh(struct display *display, bool full);

/** The screen as text. False if the card shows a picture. */
bool display_read_text(struct display *display, struct display_text *text);

/** Renders everything and hands the picture to 'look', whether somebody watches or not. 0 or
 * -ENOMEM. */
int display_look(struct display *display,
		 void (*look)(void *opaque, const struct display_surface *surface), void *opaque);

/** Equal pictures of a size have equal sums. */
uint32_t display_sum(const struct display_surface *surface);

/** Renders everything and sums the picture up: equal pictures have equal sums. 0 or -ENOMEM. */
int display_checksum(struct display *display, uint32_t *sum);

/* For sources. */
/** Sets the size (clamped to the maximum); content is undefined until drawn. True if it changed or
 * is new. */
bool display_resize(struct display *display, unsigned width, unsigned height);
void display_damage(struct display *display, unsigned x, unsigned y, unsigned width,
		    unsigned height);
void display_set_cursor(struct display *display, struct display_cursor *cursor, int x, int y);

/** Renders everything and writes a PNG (libpng) to 'fd', which stays the caller's. 0 or -errno. */
int display_write_png(struct display *display, int fd);
