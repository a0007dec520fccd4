// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/waiting.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "tools/words.h"

enum {
	SERIAL_KEPT = 64 << 10,
};

int64_t waiting_now_ms(void)
{
	return clock_host_ns() / NS_PER_MS;
}

void waiting_pause(void)
{
	const struct timespec moment = { .tv_nsec = WAITING_POLL_MS * 1000000L };

	nanosleep(&moment, NULL);
}

int64_t waiting_number(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;

	json_object_object_get_ex(object, key, &value);
	return json_object_get_int64(value);
}

/* --- Patterns --- */

int patterns_add(struct patterns *patterns, const char *regex, bool serial, struct err *err)
{
	regex_t *item = &patterns->items[patterns->count].regex;
	char reason[128];
	int code;

	if (patterns->count == PATTERNS_MAX)
		return err_set(err, -ENOSPC, "at most %d patterns", PATTERNS_MAX);
	code = regcomp(item, regex, REG_EXTENDED | REG_NEWLINE);
	if (code == 0) {
		patterns->items[patterns->count++].serial = serial;
		return 0;
	}
	regerror(code, item, reason, sizeof(reason));
	return err_set(err, -EINVAL, "'%s' is no regular expression: %s", regex, reason);
}

void patterns_finish(struct patterns *patterns)
{
	for (unsigned i = 0; i < patterns->count; i++)
		regfree(&patterns->items[i].regex);
	patterns->count = 0;
}

static bool has_kind(const struct patterns *patterns, bool serial)
{
	for (unsigned i = 0; i < patterns->count; i++)
		if (patterns->items[i].serial == serial)
			return true;
	return false;
}

/* --- The screen --- */

char *waiting_join_lines(struct json_object *screen)
{
	struct json_object *lines = NULL;
	size_t length = 0, capacity = 1, count;
	char *text;

	json_object_object_get_ex(screen, "lines", &lines);
	count = lines ? json_object_array_length(lines) : 0;
	for (size_t y = 0; y < count; y++)
		capacity += strlen(json_object_get_string(json_object_array_get_idx(lines, y))) + 1;
	text = malloc(capacity);
	if (!text)
		abort();
	for (size_t y = 0; y < count; y++) {
		const char *line = json_object_get_string(json_object_array_get_idx(lines, y));

		memcpy(text + length, line, strlen(line));
		length += strlen(line);
		text[length++] = '\n';
	}
	text[length] = '\0';
	return text;
}

static int read_screen(struct listener *listener, char **text, struct err *err)
{
	struct json_object *answer = NULL;
	int result = qmp_run(listener->qmp, "query-screen-text", NULL, -1, &answer, err);

	if (result == 0)
		*text = waiting_join_lines(answer);
	json_object_put(answer);
	return result;
}

/* --- The serial port --- */

/** Appends what is new, without carriage returns, and drops what is old. */
static void append_serial(struct listener *listener, const char *text)
{
	listener->said = realloc(listener->said, listener->length + strlen(text) + 1);
	if (!listener->said)
		abort();
	for (; *text; text++)
		if (*text != '\r')
			listener->said[listener->length++] = *text;
	if (listener->length > SERIAL_KEPT) {
		memmove(listener->said, listener->said + listener->length - SERIAL_KEPT,
			SERIAL_KEPT);
		listener->length = SERIAL_KEPT;
	}
	listener->said[listener->length] = '\0';
}

static int read_serial(struct listener *listener, struct err *err)
{
	struct json_object *arguments = json_object_new_object(), *answer = NULL;
	int result;

	json_object_object_add(arguments, "since", json_object_new_int64(listener->next));
	result = qmp_run(listener->qmp, "query-serial-text", arguments, -1, &answer, err);
	if (result == 0) {
		append_serial(listener, json_text_or(answer, "text", ""));
		listener->next = waiting_number(answer, "next");
	}
	json_object_put(answer);
	return result;
}

static void pass(struct listener *listener, regoff_t end)
{
	listener->length -= (size_t)end;
	memmove(listener->said, listener->said + end, listener->length + 1);
}

/* --- Looking --- */

/** The line around 'at'; the caller frees it. */
static char *line_of(const char *text, regoff_t at)
{
	const char *start = text + at, *end = text + at + strcspn(text + at, "\n");

	while (start > text && start[-1] != '\n')
		start--;
	return text_format("%.*s", (int)(end - start), start);
}

static int find(struct listener *listener, const struct patterns *patterns, const char *screen,
		char **line)
{
	for (unsigned i = 0; i < patterns->count; i++) {
		bool serial = patterns->items[i].serial;
		const char *text = serial ? listener->said : screen;
		regmatch_t match;

		if (!text || regexec(&patterns->items[i].regex, text, 1, &match, 0) != 0)
			continue;
		*line = line_of(text, match.rm_so);
		if (serial)
			pass(listener, match.rm_eo);
		return (int)i;
	}
	return -EAGAIN;
}

int listener_look(struct listener *listener, const struct patterns *patterns, char **line,
		  struct err *err)
{
	char *screen = NULL;
	int result = 0;

	if (has_kind(patterns, false))
		result = read_screen(listener, &screen, err);
	if (result == 0 && has_kind(patterns, true))
		result = read_serial(listener, err);
	if (result == 0)
		result = find(listener, patterns, screen, line);
	free(screen);
	return result;
}

void listener_finish(struct listener *listener)
{
	free(listener->said);
	listener->said = NULL;
}
