// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where to click: places of a text on the screen, and where the pointer is by what it changes in
 * the picture.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json.h>

struct err;

enum {
	AIM_PLACES_MAX = 64,
	AIM_MAX_SIDE = 4096, /* dots of a picture */
};

/** Where a text stands, in cells. */
struct aim_place {
	unsigned line, column, columns;
};

/** Finds 'text' in an answer of query-screen-text, line by line. How many places there are, of
 * which the first AIM_PLACES_MAX are told. */
unsigned aim_find_text(struct json_object *screen, const char *text,
		       struct aim_place places[AIM_PLACES_MAX]);

/** A picture, three bytes a dot. */
struct aim_picture {
	unsigned width, height;
	uint8_t *dots; /* owned */
};

/** Reads a binary portable pixmap of 255 levels. 0, or -EINVAL and a sentence. */
int aim_read_ppm(struct aim_picture *picture, const uint8_t *bytes, size_t count, struct err *err);
void aim_picture_finish(struct aim_picture *picture);

struct aim_box {
	unsigned x, y, width, height;
};

/** The dots in which 'a' and 'b' differ and 'c' does not differ from 'a': what changes by itself is
 * left out by taking 'a' and 'c' one after the other. What lies in 'but' is left out, too. False if
 * there are none, or the pictures differ in size. */
bool aim_find_change(const struct aim_picture *a, const struct aim_picture *b,
		     const struct aim_picture *c, const struct aim_box *but, struct aim_box *box);
