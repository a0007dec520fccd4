// SPDX-License-Identifier: GPL-2.0-or-later
#include "dm/recognizer.h"

#include <errno.h>
#include <stdlib.h>

#include "dm/board_pc.h"
#include "dm/control_json.h"
#include "dm/machine.h"
#include "vga/glyphs.h"

struct look {
	struct recognizer *recognizer;
	struct json_object *(*describe)(
		const struct display_text *text,
		const struct glyph_grid *grid); /* NULL: the sum is all that is wanted */
	int result;
};

static void forget_picture(struct recognizer *recognizer)
{
	json_object_put(recognizer->text);
	recognizer->text = NULL;
	recognizer->knows = false;
}

static int read_text(struct recognizer *recognizer, const struct display_surface *surface,
		     struct json_object *(*describe)(const struct display_text *text,
						     const struct glyph_grid *grid))
{
	struct display_text *text = calloc(1, sizeof(*text));
	struct glyph_grid grid;

	if (!text)
		return -ENOMEM;
	recognizer->recognitions++;
	if (recognizer->set->count && glyphs_read(recognizer->set, surface, text, &grid))
		recognizer->text = describe(text, &grid);
	free(text);
	return 0;
}

static void look_at(void *opaque, const struct display_surface *surface)
{
	struct look *look = opaque;
	struct recognizer *recognizer = look->recognizer;
	uint32_t sum = display_sum(surface);

	if (recognizer->sum != sum || recognizer->width != surface->width ||
	    recognizer->height != surface->height)
		forget_picture(recognizer);
	recognizer->sum = sum;
	recognizer->width = surface->width;
	recognizer->height = surface->height;
	if (!look->describe || recognizer->knows)
		return;
	look->result = read_text(recognizer, surface, look->describe);
	recognizer->knows = look->result == 0;
}

static int collect_glyphs(struct recognizer *recognizer, const struct machine *machine)
{
	if (recognizer->set)
		return 0;
	recognizer->set = calloc(1, sizeof(*recognizer->set));
	if (!recognizer->set)
		return -ENOMEM;
	if (machine->board)
		board_add_fonts(machine->board, recognizer->set);
	return 0;
}

int recognizer_look(struct recognizer *recognizer, struct machine *machine,
		    struct json_object *(*describe)(const struct display_text *text,
						    const struct glyph_grid *grid),
		    uint32_t *sum, struct json_object **text)
{
	struct look look = { .recognizer = recognizer, .describe = describe };
	int result = describe ? collect_glyphs(recognizer, machine) : 0;

	if (result == 0)
		result = display_look(&machine->display, look_at, &look);
	if (result == 0)
		result = look.result;
	*sum = recognizer->sum;
	*text = describe ? recognizer->text : NULL;
	return result;
}

void recognizer_forget(struct recognizer *recognizer)
{
	forget_picture(recognizer);
	free(recognizer->set);
	recognizer->set = NULL;
}

void recognizer_finish(struct recognizer *recognizer)
{
	recognizer_forget(recognizer);
}
