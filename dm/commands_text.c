// SPDX-License-Identifier: GPL-2.0-or-later
/* The guest's screen read as text, and text typed into the guest. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "dm/control_internal.h"

/* Reading */

static bool is_blank(const struct display_cell *cell)
{
	return cell->character == ' ';
}

/** A line without the blanks at its end. */
static struct json_object *line_text(const struct display_cell *cells, unsigned columns)
{
	char bytes[DISPLAY_TEXT_MAX_COLUMNS * UTF8_MAX_BYTES];
	size_t length = 0;

	while (columns && is_blank(&cells[columns - 1]))
		columns--;
	for (unsigned x = 0; x < columns; x++)
		length += utf8_put(cells[x].character, bytes + length);
	return json_object_new_string_len(bytes, (int)length);
}

/** Two hexadecimal digits a cell. */
static struct json_object *line_attributes(const struct display_cell *cells, unsigned columns)
{
	static const char digits[] = "0123456789abcdef";
	char text[DISPLAY_TEXT_MAX_COLUMNS * 2];

	for (unsigned x = 0; x < columns; x++) {
		text[2 * x] = digits[cells[x].attribute >> 4];
		text[2 * x + 1] = digits[cells[x].attribute & 15];
	}
	return json_object_new_string_len(text, (int)(2 * columns));
}

static void describe_text(struct json_object *result, const struct display_text *text,
			  bool attributes)
{
	struct json_object *lines = json_object_new_array();
	struct json_object *cursor = json_object_new_object();

	json_add_int(result, "columns", text->columns);
	json_add_int(result, "rows", text->rows);
	json_add_bool(cursor, "visible", text->cursor_visible);
	json_add_int(cursor, "x", text->cursor_x);
	json_add_int(cursor, "y", text->cursor_y);
	json_add(result, "cursor", cursor);
	for (unsigned y = 0; y < text->rows; y++)
		json_object_array_add(lines, line_text(text->cells[y], text->columns));
	json_add(result, "lines", lines);
	if (!attributes)
		return;
	lines = json_object_new_array();
	for (unsigned y = 0; y < text->rows; y++)
		json_object_array_add(lines, line_attributes(text->cells[y], text->columns));
	json_add(result, "attributes", lines);
}

static int execute_query_screen_text(struct control_call *call)
{
	struct display_text *text = calloc(1, sizeof(*text));

	if (!text)
		return err_set_errno(&call->err, -ENOMEM, "cannot read the screen");
	call->result = json_object_new_object();
	if (display_read_text(&call->machine->display, text)) {
		json_add_string(call->result, "mode", "text");
		describe_text(call->result, text, control_bool(call, "attributes", false));
	} else {
		json_add_string(call->result, "mode", "graphics");
	}
	free(text);
	return 0;
}

/* Typing */

static int parse_unicode(const char *name, enum typist_unicode *unicode, struct err *err)
{
	static const char *const names[] = {
		[TYPIST_UNICODE_NONE] = "none",
		[TYPIST_UNICODE_ALT_NUMPAD] = "alt-numpad",
		[TYPIST_UNICODE_CTRL_SHIFT_U] = "ctrl-shift-u",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(name, names[i]) == 0) {
			*unicode = (enum typist_unicode)i;
			return 0;
		}
	}
	return err_set(err, -EINVAL, "unicode '%.32s': give none, alt-numpad or ctrl-shift-u",
		       name);
}

static struct json_object *describe_progress(const struct typist_progress *progress)
{
	struct json_object *object = json_object_new_object();

	json_add_int(object, "id", progress->id);
	json_add_int(object, "typed", (int64_t)progress->typed);
	json_add_int(object, "characters", (int64_t)progress->characters);
	return object;
}

static int execute_type_text(struct control_call *call)
{
	const char *unicode = control_string(call, "unicode");
	int64_t rate = control_int(call, "rate", 0);
	struct typist_options options = { .rate = (unsigned)rate };
	struct typist_progress progress;
	int result = 0;

	if (rate < 0 || rate > TYPIST_MAX_RATE)
		return err_set(&call->err, -EINVAL,
			       "rate: give characters a second, at most %d, or 0 for the guest's "
			       "own pace",
			       TYPIST_MAX_RATE);
	if (unicode)
		result = parse_unicode(unicode, &options.unicode, &call->err);
	if (result == 0)
		result = typist_type(&call->control->typist, control_string(call, "text"), &options,
				     &progress, &call->err);
	if (result == 0)
		call->result = describe_progress(&progress);
	return result;
}

static int execute_query_typing(struct control_call *call)
{
	struct typist_progress progress;

	call->result = typist_progress(&call->control->typist, &progress)
			       ? describe_progress(&progress)
			       : json_object_new_object();
	return 0;
}

static int execute_cancel_typing(struct control_call *call)
{
	int64_t id = control_int(call, "id", 0);

	if (!typist_cancel(&call->control->typist, (unsigned)id) && id)
		return err_set(&call->err, -ENOENT, "text %lld is not being typed", (long long)id);
	return 0;
}

void control_report_typing(void *opaque, const struct typist_progress *progress)
{
	struct json_object *data = describe_progress(progress);

	json_add_bool(data, "cancelled", progress->cancelled);
	control_emit(opaque, "TYPING_ENDED", data);
}

const struct control_command control_text_commands[] = {
	{ "query-screen-text", "attributes?b", execute_query_screen_text },
	{ "type-text", "text:s unicode?s rate?i", execute_type_text },
	{ "query-typing", "", execute_query_typing },
	{ "cancel-typing", "id?i", execute_cancel_typing },
	{ NULL, "", NULL },
};
