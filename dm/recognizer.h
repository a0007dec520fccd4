// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The text in a guest's picture, recognized once for each picture: whoever waits for a text looks
 * ten times a second, and most of what he sees is what he has seen before. The glyphs that the
 * guest may use are collected once, until it is told that they may have changed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct display_text;
struct glyph_grid;
struct glyph_set;
struct json_object;
struct machine;

struct recognizer {
	struct glyph_set *set; /* NULL: not yet collected */
	bool knows;            /* the picture that 'sum' and the size are of */
	uint32_t sum;
	unsigned width, height;
	struct json_object *text; /* as 'describe' made it; NULL: there is none in the picture */
	unsigned recognitions;    /* so far; for tests */
};

/** Looks at the picture: its checksum and the text in it, in the form that 'describe' gives it,
 * which stays the recognizer's. NULL if none is found, or 'describe' is NULL. 0 or -errno. */
int recognizer_look(struct recognizer *recognizer, struct machine *machine,
		    struct json_object *(*describe)(const struct display_text *text,
						    const struct glyph_grid *grid),
		    uint32_t *sum, struct json_object **text);
/** The guest may have got other fonts. */
void recognizer_forget(struct recognizer *recognizer);
void recognizer_finish(struct recognizer *recognizer);
