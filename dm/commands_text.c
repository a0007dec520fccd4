// SPDX-License-Identifier: GPL-2.0-or-later
/* The guest without a screen: what it shows and says as text, what it does, and text typed into it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "block/block.h"
#include "dm/board_pc.h"
#include "dm/control_internal.h"
#include "vga/glyphs.h"
#include "vnc/keymap.h"
#include "vnc/vnc.h"

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

/** Of characters and colours, so that a blinking cursor is no change. */
static uint32_t sum_text(const struct display_text *text)
{
	uint32_t sum = text->columns;

	for (unsigned y = 0; y < text->rows; y++)
		for (unsigned x = 0; x < text->columns; x++)
			sum = sum * 31 +
			      (text->cells[y][x].character << 8 | text->cells[y][x].attribute);
	return sum;
}

static struct json_object *describe_grid(const struct glyph_grid *grid)
{
	struct json_object *object = json_object_new_object();

	json_add_int(object, "x", grid->x);
	json_add_int(object, "y", grid->y);
	json_add_int(object, "cell-width", grid->cell_width);
	json_add_int(object, "cell-height", grid->cell_height);
	return object;
}

static struct json_object *describe_picture_text(const struct display_text *text,
						 const struct glyph_grid *grid)
{
	struct json_object *object = json_object_new_object();

	describe_text(object, text, false);
	json_add_int(object, "unknown", grid->unknown);
	return json_add(object, "grid", describe_grid(grid));
}

/** The text that a graphics mode shows, if any. 0 or -errno. */
static int describe_picture(struct control_call *call, uint32_t *sum)
{
	struct recognizer *recognizer = &call->control->recognizer;
	bool recognizes = control_bool(call, "recognize", true);
	struct json_object *text = NULL;
	int result = recognizer_look(recognizer, call->machine,
				     recognizes ? describe_picture_text : NULL, sum, &text);

	json_add_string(call->result, "mode", "graphics");
	json_add_int(call->result, "width", recognizer->width);
	json_add_int(call->result, "height", recognizer->height);
	if (text) {
		json_object_object_foreach(text, key, value)
		{
			json_add(call->result, key, json_object_get(value));
		}
	}
	return result;
}

static int execute_query_screen_text(struct control_call *call)
{
	struct display *display = &call->machine->display;
	struct display_text *text = calloc(1, sizeof(*text));
	uint32_t sum = 0;
	int result = 0;

	if (!text)
		return err_set_errno(&call->err, -ENOMEM, "cannot read the screen");
	call->result = json_object_new_object();
	if (display_read_text(display, text)) {
		json_add_string(call->result, "mode", "text");
		describe_text(call->result, text, control_bool(call, "attributes", false));
		sum = sum_text(text);
		/* What is read in text modes adds to the fonts. */
		recognizer_forget(&call->control->recognizer);
	} else {
		result = describe_picture(call, &sum);
	}
	json_add_int(call->result, "checksum", sum);
	free(text);
	return result < 0 ? err_set_errno(&call->err, result, "cannot read the screen") : 0;
}

/** As text for JSON: what is no UTF-8 is replaced. 'bytes' end with a NUL, and may hold others. */
static struct json_object *serial_text(const char *bytes, size_t count)
{
	struct json_object *object = NULL;
	char *text = malloc(count * UTF8_MAX_BYTES + 1);
	size_t length = 0;

	for (const char *at = bytes; text && at < bytes + count;) {
		if (*at == '\0')
			at++;
		else
			length += utf8_put(utf8_next(&at), text + length);
	}
	if (text)
		object = json_object_new_string_len(text, (int)length);
	free(text);
	return object;
}

static int execute_query_serial_text(struct control_call *call)
{
	int64_t port = control_int(call, "port", 0), since = control_int(call, "since", 0);
	uint64_t from = since > 0 ? (uint64_t)since : 0;
	struct chr *chr = NULL;
	char *bytes;
	size_t count;

	if (call->machine->board && port >= 0)
		chr = board_serial_chr(call->machine->board, (unsigned)port);
	if (!chr)
		return err_set(&call->err, -ENODEV, "there is no serial port %lld",
			       (long long)port);
	bytes = malloc(CHR_HISTORY_BYTES + 1);
	if (!bytes)
		return err_set_errno(&call->err, -ENOMEM, "cannot read the serial port");
	count = chr_read_history(chr, &from, bytes, CHR_HISTORY_BYTES);
	bytes[count] = '\0';
	call->result = json_add(json_object_new_object(), "text", serial_text(bytes, count));
	json_add_int(call->result, "since", (int64_t)from);
	json_add_int(call->result, "next", (int64_t)(from + count));
	free(bytes);
	return 0;
}

/* Activity */

static void add_drive_activity(const struct board_drive *drive, void *opaque)
{
	struct json_object *entry = json_object_new_object();
	struct block_stats stats;

	block_get_stats(drive->block, &stats);
	json_add_string(entry, "device", control_drive_name(drive));
	json_add_bool(entry, "removable", drive->slot != NULL);
	json_add_int(entry, "read-bytes", (int64_t)stats.read_bytes);
	json_add_int(entry, "written-bytes", (int64_t)stats.write_bytes);
	json_add_int(entry, "errors", (int64_t)stats.errors);
	json_object_array_add(opaque, entry);
}

/** What counts up while the guest does something. */
static int execute_query_activity(struct control_call *call)
{
	struct machine *machine = call->machine;
	struct json_object *drives = json_object_new_array();
	struct hv_stats stats = { 0 };
	struct chr *serial = machine->board ? board_serial_chr(machine->board, 0) : NULL;

	hv_get_stats(machine->hv, &stats);
	call->result = json_object_new_object();
	json_add_int(call->result, "guest-ns", clock_now_ns(&machine->clock));
	json_add_int(call->result, "cpu-ns", (int64_t)stats.cpu_ns);
	json_add_int(call->result, "exits", (int64_t)stats.exits);
	json_add_int(call->result, "serial-bytes", serial ? (int64_t)serial->written : 0);
	if (machine->board)
		board_for_each_drive(machine->board, add_drive_activity, drives);
	json_add(call->result, "drives", drives);
	return 0;
}

/* Typing */

static int parse_unicode(const char *name, enum typist_unicode *unicode, struct err *err)
{
	static const struct {
		const char *name;
		enum typist_unicode unicode;
	} rows[] = {
		{ "none", TYPIST_UNICODE_NONE },
		{ "alt-numpad", TYPIST_UNICODE_ALT_NUMPAD },
		{ "alt", TYPIST_UNICODE_ALT_NUMPAD },
		{ "ctrl-shift-u", TYPIST_UNICODE_CTRL_SHIFT_U },
		{ "gtk", TYPIST_UNICODE_CTRL_SHIFT_U },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (strcmp(name, rows[i].name) == 0) {
			*unicode = rows[i].unicode;
			return 0;
		}
	}
	return err_set(err, -EINVAL,
		       "unicode '%.32s': give none, alt-numpad (alt) or ctrl-shift-u (gtk)", name);
}

static int parse_keymap(const char *name, const struct keymap **keymap, struct err *err)
{
	const char *nearest = err_nearest_word(name, vnc_keymap_names());

	*keymap = keymap_find(name);
	if (*keymap)
		return 0;
	return err_set(err, -EINVAL, "there is no keymap '%.32s'%s%s%s", name,
		       nearest ? ", did you mean '" : "", nearest ? nearest : "",
		       nearest ? "'?" : "");
}

static struct json_object *describe_progress(const struct typist_progress *progress)
{
	struct json_object *object = json_object_new_object();

	json_add_int(object, "id", progress->id);
	json_add_int(object, "typed", (int64_t)progress->typed);
	json_add_int(object, "characters", (int64_t)progress->characters);
	return object;
}

static int type_text(struct control_call *call, const char *text)
{
	const char *unicode = control_string(call, "unicode");
	const char *keymap = control_string(call, "keymap");
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
	if (result == 0 && keymap)
		result = parse_keymap(keymap, &options.keymap, &call->err);
	if (result == 0)
		result = typist_type(&call->control->typist, text, &options, &progress, &call->err);
	if (result == 0)
		call->result = describe_progress(&progress);
	return result;
}

static int execute_type_text(struct control_call *call)
{
	return type_text(call, control_string(call, "text"));
}

/** What a viewer has copied. */
static int execute_type_clipboard(struct control_call *call)
{
	const struct vnc_server *vnc = call->machine->vnc;
	const char *text = vnc ? vnc_server_clipboard(vnc) : NULL;

	if (!text)
		return err_set(&call->err, -ENOENT,
			       "no viewer has copied a text, or more than %d bytes of it",
			       CLIPBOARD_BYTES_MAX);
	return type_text(call, text);
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
	{ "query-screen-text", "attributes?b recognize?b", execute_query_screen_text },
	{ "query-serial-text", "port?i since?i", execute_query_serial_text },
	{ "query-activity", "", execute_query_activity },
	{ "type-text", "text:s unicode?s rate?i keymap?s", execute_type_text },
	{ "type-clipboard", "unicode?s rate?i keymap?s", execute_type_clipboard },
	{ "query-typing", "", execute_query_typing },
	{ "cancel-typing", "id?i", execute_cancel_typing },
	{ NULL, "", NULL },
};
