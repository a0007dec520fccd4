// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guest without a screen: what stands on it as text, and keys and text typed.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/input.h"
#include "base/utf8.h"
#include "tools/verb.h"
#include "tools/waiting.h"
#include "tools/words.h"

enum {
	TEXT_MAX_BYTES = 64 << 20,
	PIECE_BYTES = 32 << 10, /* of a text, at a time */
	DEFAULT_PATIENCE_S = 30,
	MAX_KEYS = 16,
};

/* screen */

/** A line below 'line' that marks the cursor's place. */
static void mark_cursor(struct json_object *cursor, int y)
{
	if (json_number_or(cursor, "y", -1) == y)
		printf("%*s^\n", json_number_or(cursor, "x", 0), "");
}

static void print_lines(struct json_object *screen, bool show_cursor, bool show_attributes)
{
	struct json_object *lines = NULL, *attributes = NULL, *cursor = NULL, *visible = NULL;

	json_object_object_get_ex(screen, "lines", &lines);
	json_object_object_get_ex(screen, "attributes", &attributes);
	json_object_object_get_ex(screen, "cursor", &cursor);
	if (cursor)
		json_object_object_get_ex(cursor, "visible", &visible);
	for (size_t y = 0; lines && y < json_object_array_length(lines); y++) {
		puts(json_object_get_string(json_object_array_get_idx(lines, y)));
		if (show_attributes && attributes)
			puts(json_object_get_string(json_object_array_get_idx(attributes, y)));
		if (show_cursor && json_object_get_boolean(visible))
			mark_cursor(cursor, (int)y);
	}
}

static int query_screen(const char *name, bool attributes, struct json_object **screen)
{
	struct json_object *arguments = json_object_new_object();
	struct err err = { 0 };
	struct qmp qmp;
	int result;

	json_object_object_add(arguments, "attributes", json_object_new_boolean(attributes));
	if (!verb_connect(&qmp, name)) {
		json_object_put(arguments);
		return VERB_FAILED;
	}
	result = qmp_run(&qmp, "query-screen-text", arguments, -1, screen, &err);
	qmp_close(&qmp);
	return result < 0 ? verb_fail(&err) : VERB_DONE;
}

static int run_screen(const struct verb *verb, int argc, char **argv)
{
	static const struct option options[] = { { "cursor", no_argument, NULL, 'c' },
						 { "attributes", no_argument, NULL, 'a' },
						 { "json", no_argument, NULL, 'j' },
						 { 0 } };
	bool cursor = false, attributes = false, json = false;
	struct json_object *screen = NULL;
	int option, status;

	while ((option = getopt_long(argc, argv, "caj", options, NULL)) != -1) {
		cursor |= option == 'c';
		attributes |= option == 'a';
		json |= option == 'j';
		if (option == '?')
			return verb_misuse(verb);
	}
	if (argc - optind != 1)
		return verb_misuse(verb);
	status = query_screen(argv[optind], attributes, &screen);
	if (status != VERB_DONE)
		return status;
	if (json) {
		puts(json_object_to_json_string_ext(screen, JSON_C_TO_STRING_SPACED));
	} else if (json_object_object_get_ex(screen, "lines", NULL)) {
		print_lines(screen, cursor, attributes);
	} else {
		fprintf(stderr,
			"hvm: the guest shows a picture in which no text is found: 'hvm screenshot "
			"%s' saves it\n",
			argv[optind]);
		status = VERB_FAILED;
	}
	json_object_put(screen);
	return status;
}

/* key */

/** As people write keys beside the names of input_key_from_name. */
static const char *key_alias(const char *name)
{
	static const char *const aliases[][2] = {
		{ "enter", "ret" },         { "return", "ret" },    { "escape", "esc" },
		{ "space", "spc" },         { "del", "delete" },    { "ins", "insert" },
		{ "pageup", "pgup" },       { "pagedown", "pgdn" }, { "control", "ctrl" },
		{ "win", "meta_l" },        { "super", "meta_l" },  { "altgr", "alt_r" },
		{ "printscreen", "print" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++)
		if (strcmp(name, aliases[i][0]) == 0)
			return aliases[i][1];
	return name;
}

/** "ctrl-alt-delete" as a list of keys. NULL and a sentence. */
static struct json_object *parse_chord(const char *chord, struct err *err)
{
	struct json_object *keys = json_object_new_array();
	char *copy = text_copy(chord), *rest = copy, *word;

	while (keys && (word = strsep(&rest, "-")) != NULL) {
		const char *name = key_alias(word);
		const char *nearest = err_nearest_word(name, input_key_names());
		struct json_object *key = json_object_new_object();

		json_object_object_add(key, "type", json_object_new_string("qcode"));
		json_object_object_add(key, "data", json_object_new_string(name));
		json_object_array_add(keys, key);
		if (input_key_from_name(name) >= 0 && json_object_array_length(keys) <= MAX_KEYS)
			continue;
		err_set(err, -EINVAL, "'%s' names no key%s%s%s", word,
			nearest ? ", did you mean '" : "", nearest ? nearest : "",
			nearest ? "'?" : "");
		json_object_put(keys);
		keys = NULL;
	}
	free(copy);
	return keys;
}

static int press_chord(struct qmp *qmp, const char *chord, struct err *err)
{
	struct json_object *keys = parse_chord(chord, err), *arguments;

	if (!keys)
		return -EINVAL;
	arguments = json_object_new_object();
	json_object_object_add(arguments, "keys", keys);
	return qmp_run(qmp, "send-key", arguments, -1, NULL, err);
}

static int run_key(const struct verb *verb, int argc, char **argv)
{
	struct err err = { 0 };
	struct qmp qmp;
	int result = 0;

	if (argc < 3)
		return verb_misuse(verb);
	for (int i = 2; i < argc; i++) {
		struct json_object *keys = parse_chord(argv[i], &err);

		if (!keys)
			return verb_fail(&err);
		json_object_put(keys);
	}
	if (!verb_connect(&qmp, argv[1]))
		return VERB_FAILED;
	for (int i = 2; i < argc && result == 0; i++)
		result = press_chord(&qmp, argv[i], &err);
	qmp_close(&qmp);
	return result < 0 ? verb_fail(&err) : VERB_DONE;
}

/* type */

struct typing {
	const char *unicode, *keymap;
	int rate, patience_s;
	bool quiet, clipboard;      /* what a viewer has copied comes first */
	uint64_t typed, characters; /* in all pieces so far */
};

/** Gives the piece up: the guest takes no keys. */
static int give_up(struct qmp *qmp, struct typing *typing, int typed, struct err *err)
{
	uint64_t all = typing->typed + (uint64_t)typed;

	if (qmp_run(qmp, "cancel-typing", NULL, -1, NULL, err) < 0)
		return -EIO;
	return err_set(err, -ETIMEDOUT,
		       "the guest has taken no key for %d s: %llu characters were taken",
		       typing->patience_s, (unsigned long long)all);
}

/** Until text 'id' has been taken by the guest. */
static int wait_typed(struct qmp *qmp, struct typing *typing, int id, struct err *err)
{
	int64_t progress_ms = waiting_now_ms();
	int last = 0;

	for (;;) {
		struct json_object *answer = NULL;
		int now_id, typed;

		if (qmp_run(qmp, "query-typing", NULL, -1, &answer, err) < 0)
			return -EIO;
		now_id = json_number_or(answer, "id", -1);
		typed = json_number_or(answer, "typed", 0);
		json_object_put(answer);
		if (now_id < 0 || now_id > id)
			return 0;
		if (typed != last || now_id < id)
			progress_ms = waiting_now_ms();
		last = typed;
		if (waiting_now_ms() - progress_ms > typing->patience_s * INT64_C(1000))
			return give_up(qmp, typing, typed, err);
		waiting_pause();
	}
}

static int type_by(struct qmp *qmp, struct typing *typing, const char *command,
		   struct json_object *arguments, struct err *err)
{
	struct json_object *answer = NULL;
	int result, id, characters;

	if (typing->unicode)
		json_object_object_add(arguments, "unicode",
				       json_object_new_string(typing->unicode));
	if (typing->keymap)
		json_object_object_add(arguments, "keymap", json_object_new_string(typing->keymap));
	if (typing->rate)
		json_object_object_add(arguments, "rate", json_object_new_int(typing->rate));
	result = qmp_run(qmp, command, arguments, -1, &answer, err);
	if (result < 0)
		return result;
	id = json_number_or(answer, "id", 0);
	characters = json_number_or(answer, "characters", 0);
	json_object_put(answer);
	result = wait_typed(qmp, typing, id, err);
	if (result == 0)
		typing->typed += (uint64_t)characters;
	return result;
}

static int type_piece(struct qmp *qmp, struct typing *typing, const char *text, size_t length,
		      struct err *err)
{
	struct json_object *arguments = json_object_new_object();

	json_object_object_add(arguments, "text", json_object_new_string_len(text, (int)length));
	return type_by(qmp, typing, "type-text", arguments, err);
}

/** How much of 'text' makes a piece that ends with a whole character. */
static size_t piece_length(const char *text)
{
	size_t length = strnlen(text, PIECE_BYTES);

	while (length == PIECE_BYTES && ((unsigned char)text[length] & 0xc0) == 0x80)
		length--;
	return length;
}

static int type_all(struct qmp *qmp, struct typing *typing, const char *text, struct err *err)
{
	int result = 0;

	while (*text && result == 0) {
		size_t length = strlen(text) > PIECE_BYTES ? piece_length(text) : strlen(text);

		result = type_piece(qmp, typing, text, length, err);
		text += length;
	}
	return result;
}

/** The whole of a file, "-" for standard input; the caller frees it. NULL and a sentence. */
static char *read_text(const char *path, struct err *err)
{
	FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	size_t length = 0, capacity = 0, got;
	char *text = NULL;

	if (!in) {
		err_set_errno(err, -errno, "cannot read '%s'", path);
		return NULL;
	}
	do {
		capacity = capacity ? 2 * capacity : PIECE_BYTES;
		text = realloc(text, capacity + 1);
		if (!text)
			abort();
		got = fread(text + length, 1, capacity - length, in);
		length += got;
	} while (got && length < TEXT_MAX_BYTES);
	text[length] = '\0';
	if (ferror(in) || length >= TEXT_MAX_BYTES || strlen(text) != length) {
		err_set(err, -EINVAL, "'%s' cannot be read, is no text, or has more than %d MiB",
			path, TEXT_MAX_BYTES >> 20);
		free(text);
		text = NULL;
	}
	if (in != stdin)
		fclose(in);
	return text;
}

static int type_into(const char *guest, struct typing *typing, const char *text)
{
	struct err err = { 0 };
	struct qmp qmp;
	int result = 0;

	if (!verb_connect(&qmp, guest))
		return VERB_FAILED;
	if (typing->clipboard)
		result = type_by(&qmp, typing, "type-clipboard", json_object_new_object(), &err);
	if (result == 0)
		result = type_all(&qmp, typing, text, &err);
	qmp_close(&qmp);
	if (result < 0)
		return verb_fail(&err);
	if (!typing->quiet)
		printf("%llu characters\n", (unsigned long long)typing->typed);
	return VERB_DONE;
}

static int run_type(const struct verb *verb, int argc, char **argv)
{
	static const struct option options[] = { { "file", required_argument, NULL, 'f' },
						 { "enter", no_argument, NULL, 'e' },
						 { "clipboard", no_argument, NULL, 'c' },
						 { "unicode", required_argument, NULL, 'u' },
						 { "keymap", required_argument, NULL, 'k' },
						 { "rate", required_argument, NULL, 'r' },
						 { "timeout", required_argument, NULL, 't' },
						 { "quiet", no_argument, NULL, 'q' },
						 { 0 } };
	struct typing typing = { .patience_s = DEFAULT_PATIENCE_S };
	const char *file = NULL;
	bool enter = false;
	struct err err = { 0 };
	char *text, *all;
	int option, status;

	while ((option = getopt_long(argc, argv, "f:ecu:k:r:t:q", options, NULL)) != -1) {
		if (option == 'f')
			file = optarg;
		else if (option == 'e')
			enter = true;
		else if (option == 'c')
			typing.clipboard = true;
		else if (option == 'u')
			typing.unicode = optarg;
		else if (option == 'k')
			typing.keymap = optarg;
		else if (option == 'r')
			typing.rate = atoi(optarg);
		else if (option == 'q')
			typing.quiet = true;
		else if (option == 't')
			typing.patience_s = atoi(optarg);
		else
			return verb_misuse(verb);
	}
	if (argc - optind != (file || typing.clipboard ? 1 : 2) || (file && typing.clipboard) ||
	    typing.rate < 0 || typing.patience_s < 1)
		return verb_misuse(verb);
	text = file               ? read_text(file, &err)
	       : typing.clipboard ? text_copy("")
				  : text_copy(argv[optind + 1]);
	if (!text)
		return verb_fail(&err);
	all = text_format("%s%s", text, enter ? "\n" : "");
	status = type_into(argv[optind], &typing, all);
	free(text);
	free(all);
	return status;
}

/* clang-format off */
const struct verb verbs_text[] = {
	{ "screen", "[--cursor] [--attributes] [--json] GUEST", "print the guest's screen as text",
	  "Exact in text modes. In graphics modes text is recognized where it stands in the cells of a\n"
	  "console's grid, in a font of the VGA BIOS, in GNU Unifont (GRUB's unicode.pf2, if the host\n"
	  "has it) or in one that the guest has used in a text mode; other cells are marked U+FFFD.\n"
	  "--cursor marks the cursor below its line, --attributes adds a line of colours (text modes\n"
	  "only), two hexadecimal digits a character, background first.\n", run_screen },
	{ "type", "[--enter] [--file FILE] [OPTION...] GUEST [TEXT]",
	  "type text on the guest's keyboard",
	  "Keys are given at the guest's pace, so that none is lost. Ends when the guest has taken all, and prints how many\n"
	  "characters that were; fails if it takes none for S seconds (30).\n"
	  "  -e, --enter         Enter behind the text\n"
	  "  -f, --file FILE     the text is in FILE (- for standard input)\n"
	  "  -c, --clipboard     the text is what a VNC viewer has copied last (64 KiB at most)\n"
	  "  -u, --unicode HOW   write what no key writes by alt (Windows: Alt and the number\n"
	  "                      pad) or gtk (Ctrl+Shift+u)\n"
	  "  -k, --keymap NAME   the layout that the guest has set (the configuration's keymap)\n"
	  "  -r, --rate N        at most N characters a second\n"
	  "  -q, --quiet         do not print the number\n", run_type },
	{ "key", "GUEST KEYS...", "press keys, as in 'key vm1 ctrl-alt-delete f2 enter'", NULL, run_key },
	{ 0 },
};
/* clang-format on */
