// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Waiting for a guest: for a text on its screen or serial port, for its end or a restart, for it to
 * come to rest.
 */
#include <errno.h>
#include <getopt.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bits.h"
#include "tools/verb.h"
#include "tools/words.h"

enum {
	DEFAULT_TIMEOUT_S = 300,
	POLL_MS = 100,
	MAX_PATTERNS = 32,
	SERIAL_KEPT = 64 << 10,
	STILL_MS = 5000, /* without a change */
	IDLE_MS = 3000,
	IDLE_PERCENT = 5, /* of a processor */
	/* Exit statuses of their own */
	WAIT_TIMED_OUT = 3,
	WAIT_GUEST_ENDED = 4,
	WAIT_SECOND_PATTERN = 10,
};

struct wait {
	struct qmp qmp;
	int64_t end_ms;
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void pause_a_moment(void)
{
	const struct timespec moment = { .tv_nsec = POLL_MS * 1000000L };

	nanosleep(&moment, NULL);
}

static int time_out(const char *what)
{
	fprintf(stderr, "hvm: %s: the time is over\n", what);
	return WAIT_TIMED_OUT;
}

static int guest_has_ended(const struct err *err)
{
	fprintf(stderr, "hvm: the guest has ended: %s\n", err->text);
	return WAIT_GUEST_ENDED;
}

/* --- expect --- */

struct expectation {
	regex_t patterns[MAX_PATTERNS];
	unsigned count;
	bool serial;
	char *said; /* by the serial port so far; owned */
	size_t length;
	int64_t next; /* byte of the serial port */
};

/** The lines of a screen in one text; the caller frees it. */
static char *join_lines(struct json_object *screen)
{
	struct json_object *lines = NULL;
	size_t length = 0, capacity = 1;
	char *text;

	json_object_object_get_ex(screen, "lines", &lines);
	for (size_t y = 0; lines && y < json_object_array_length(lines); y++)
		capacity +=
			(size_t)json_object_get_string_len(json_object_array_get_idx(lines, y)) + 1;
	text = malloc(capacity);
	if (!text)
		abort();
	for (size_t y = 0; lines && y < json_object_array_length(lines); y++) {
		struct json_object *line = json_object_array_get_idx(lines, y);

		memcpy(text + length, json_object_get_string(line),
		       (size_t)json_object_get_string_len(line));
		length += (size_t)json_object_get_string_len(line);
		text[length++] = '\n';
	}
	text[length] = '\0';
	return text;
}

/** Appends what is new, without carriage returns, and drops what is old. */
static void take_serial(struct expectation *expected, const char *text)
{
	size_t length = strlen(text);

	expected->said = realloc(expected->said, expected->length + length + 1);
	if (!expected->said)
		abort();
	for (; *text; text++)
		if (*text != '\r')
			expected->said[expected->length++] = *text;
	if (expected->length > SERIAL_KEPT) {
		memmove(expected->said, expected->said + expected->length - SERIAL_KEPT,
			SERIAL_KEPT);
		expected->length = SERIAL_KEPT;
	}
	expected->said[expected->length] = '\0';
}

/** What is to be searched now, for the caller to free. 0, or -errno and a sentence. */
static int look(struct wait *wait, struct expectation *expected, char **text, struct err *err)
{
	const char *command = expected->serial ? "query-serial-text" : "query-screen-text";
	struct json_object *arguments = json_object_new_object(), *answer = NULL;
	struct json_object *next = NULL;
	int result;

	if (expected->serial)
		json_object_object_add(arguments, "since", json_object_new_int64(expected->next));
	result = qmp_run(&wait->qmp, command, arguments, -1, &answer, err);
	if (result < 0)
		return result;
	if (expected->serial) {
		take_serial(expected, json_text_or(answer, "text", ""));
		if (json_object_object_get_ex(answer, "next", &next))
			expected->next = json_object_get_int64(next);
		*text = text_copy(expected->said);
	} else {
		*text = join_lines(answer);
	}
	json_object_put(answer);
	return 0;
}

/** Prints the line that has the match. */
static void print_line(const char *text, regoff_t at)
{
	const char *start = text + at, *end = text + at + strcspn(text + at, "\n");

	while (start > text && start[-1] != '\n')
		start--;
	printf("%.*s\n", (int)(end - start), start);
}

/** The first pattern that 'text' has, or -1. */
static int find_pattern(const struct expectation *expected, const char *text)
{
	for (unsigned i = 0; i < expected->count; i++) {
		regmatch_t match;

		if (regexec(&expected->patterns[i], text, 1, &match, 0) != 0)
			continue;
		print_line(text, match.rm_so);
		return (int)i;
	}
	return -1;
}

static int expect(struct wait *wait, struct expectation *expected)
{
	for (;;) {
		struct err err = { 0 };
		char *text = NULL;
		int result = look(wait, expected, &text, &err), found;

		if (result < 0)
			return result == -EREMOTEIO ? verb_fail(&err) : guest_has_ended(&err);
		found = find_pattern(expected, text);
		free(text);
		if (found >= 0)
			return found == 0 ? VERB_DONE : WAIT_SECOND_PATTERN + found - 1;
		if (now_ms() >= wait->end_ms)
			return time_out("expect");
		pause_a_moment();
	}
}

static bool add_pattern(struct expectation *expected, const char *pattern)
{
	char reason[128];
	int code;

	if (expected->count == MAX_PATTERNS) {
		fprintf(stderr, "hvm: at most %d patterns\n", MAX_PATTERNS);
		return false;
	}
	code = regcomp(&expected->patterns[expected->count], pattern, REG_EXTENDED | REG_NEWLINE);
	if (code == 0) {
		expected->count++;
		return true;
	}
	regerror(code, &expected->patterns[expected->count], reason, sizeof(reason));
	fprintf(stderr, "hvm: '%s' is no regular expression: %s\n", pattern, reason);
	return false;
}

static void finish_expectation(struct expectation *expected)
{
	for (unsigned i = 0; i < expected->count; i++)
		regfree(&expected->patterns[i]);
	free(expected->said);
}

static bool parse_seconds(const char *text, struct wait *wait)
{
	char *end;
	double seconds = strtod(text, &end);

	if (*end || seconds < 0 || seconds > 1e6) {
		fprintf(stderr, "hvm: '%s' is no number of seconds\n", text);
		return false;
	}
	wait->end_ms = now_ms() + (int64_t)(seconds * 1000);
	return true;
}

static int run_expect(const struct verb *verb, int argc, char **argv)
{
	static const struct option options[] = { { "timeout", required_argument, NULL, 't' },
						 { "serial", no_argument, NULL, 's' },
						 { 0 } };
	struct wait wait = { .end_ms = now_ms() + DEFAULT_TIMEOUT_S * INT64_C(1000) };
	struct expectation expected = { 0 };
	int option, status = VERB_MISUSED;
	bool good = true;

	while ((option = getopt_long(argc, argv, "t:s", options, NULL)) != -1) {
		expected.serial |= option == 's';
		if (option == '?')
			return verb_misuse(verb);
		if (option == 't' && !parse_seconds(optarg, &wait))
			return VERB_MISUSED;
	}
	if (argc - optind < 2)
		return verb_misuse(verb);
	for (int i = optind + 1; i < argc && good; i++)
		good = add_pattern(&expected, argv[i]);
	if (good) {
		status = VERB_FAILED;
		if (verb_connect(&wait.qmp, argv[optind])) {
			status = expect(&wait, &expected);
			qmp_close(&wait.qmp);
		}
	}
	finish_expectation(&expected);
	return status;
}

/* --- wait --- */

/** Until an event of that name. Without one, until the device model ends. */
static int wait_for_event(struct wait *wait, const char *name)
{
	for (;;) {
		struct json_object *message = NULL;
		struct err err = { 0 };
		int64_t left_ms = wait->end_ms - now_ms();
		int result =
			qmp_receive(&wait->qmp, left_ms > 0 ? (int)left_ms : 0, &message, &err);
		bool is_it = result == 0 && name &&
			     strcmp(json_text_or(message, "event", ""), name) == 0;

		json_object_put(message);
		if (is_it)
			return VERB_DONE;
		if (result == -ETIMEDOUT)
			return time_out("wait");
		if (result < 0)
			return name ? guest_has_ended(&err) : VERB_DONE;
	}
}

static int wait_for_shutdown(struct wait *wait)
{
	return wait_for_event(wait, NULL);
}

static int wait_for_reboot(struct wait *wait)
{
	return wait_for_event(wait, "RESET");
}

static int64_t number_of(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;

	json_object_object_get_ex(object, key, &value);
	return json_object_get_int64(value);
}

/** Bytes that the drives have moved. */
static int64_t drive_bytes(struct json_object *activity)
{
	struct json_object *drives = NULL;
	int64_t bytes = 0;

	json_object_object_get_ex(activity, "drives", &drives);
	for (size_t i = 0; drives && i < json_object_array_length(drives); i++) {
		struct json_object *drive = json_object_array_get_idx(drives, i);

		bytes += number_of(drive, "read-bytes") + number_of(drive, "written-bytes");
	}
	return bytes;
}

/** Drives at rest and processors mostly halted, for a while. */
static int wait_for_idle(struct wait *wait)
{
	int64_t since_ms = 0, cpu_ns = 0, bytes = -1;

	for (;; pause_a_moment()) {
		struct json_object *activity = NULL;
		struct err err = { 0 };
		int64_t now = now_ms();
		bool busy;

		if (qmp_run(&wait->qmp, "query-activity", NULL, -1, &activity, &err) < 0)
			return guest_has_ended(&err);
		busy = drive_bytes(activity) != bytes ||
		       number_of(activity, "cpu-ns") - cpu_ns >
			       (now - since_ms + POLL_MS) * (1000000 / 100 * IDLE_PERCENT);
		if (busy) {
			since_ms = now;
			cpu_ns = number_of(activity, "cpu-ns");
			bytes = drive_bytes(activity);
		}
		json_object_put(activity);
		if (now - since_ms >= IDLE_MS)
			return VERB_DONE;
		if (now >= wait->end_ms)
			return time_out("wait idle");
	}
}

/** The screen stands. Two pictures that take turns are one with a blinking cursor. */
static int wait_for_still(struct wait *wait)
{
	int64_t pictures[2] = { -1, -1 }, since_ms = now_ms();

	for (;; pause_a_moment()) {
		struct json_object *screen = NULL;
		struct err err = { 0 };
		int64_t picture;

		if (qmp_run(&wait->qmp, "query-screen-text", NULL, -1, &screen, &err) < 0)
			return guest_has_ended(&err);
		picture = number_of(screen, "checksum");
		json_object_put(screen);
		if (picture != pictures[0] && picture != pictures[1]) {
			pictures[1] = pictures[0];
			pictures[0] = picture;
			since_ms = now_ms();
		}
		if (now_ms() - since_ms >= STILL_MS)
			return VERB_DONE;
		if (now_ms() >= wait->end_ms)
			return time_out("wait still");
	}
}

static int run_wait(const struct verb *verb, int argc, char **argv)
{
	static const struct option options[] = { { "timeout", required_argument, NULL, 't' },
						 { 0 } };
	static const struct {
		const char *name;
		int (*wait)(struct wait *wait);
	} rows[] = {
		{ "shutdown", wait_for_shutdown },
		{ "reboot", wait_for_reboot },
		{ "idle", wait_for_idle },
		{ "still", wait_for_still },
	};
	struct wait wait = { .end_ms = now_ms() + DEFAULT_TIMEOUT_S * INT64_C(1000) };
	int option;

	while ((option = getopt_long(argc, argv, "t:", options, NULL)) != -1)
		if (option == '?' || !parse_seconds(optarg, &wait))
			return verb_misuse(verb);
	if (argc - optind != 2)
		return verb_misuse(verb);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int status;

		if (strcmp(argv[optind + 1], rows[i].name) != 0)
			continue;
		if (!verb_connect(&wait.qmp, argv[optind]))
			return VERB_FAILED;
		status = rows[i].wait(&wait);
		qmp_close(&wait.qmp);
		return status;
	}
	return verb_misuse(verb);
}

/* clang-format off */
const struct verb verbs_wait[] = {
	{ "expect", "[--timeout S] [--serial] GUEST REGEX...", "wait for a text on the screen or serial port",
	  "Regular expressions are extended ones (regex(7)), ^ and $ match at lines. The screen is read\n"
	  "as 'hvm screen' prints it; --serial looks at what the first serial port has said, the last\n"
	  "64 KiB included. Prints the line that was found.\n"
	  "Exit status: 0 for the first REGEX, 10 for the second, 11 for the third…; 3 when the time is\n"
	  "over (300 s), 4 if the guest ends.\n", run_expect },
	{ "wait", "[--timeout S] GUEST shutdown|reboot|idle|still", "wait for what the guest does",
	  "idle: for 3 s no drive has moved a byte and the processors were halted for 95 %;\n"
	  "still: the screen has not changed for 5 s, but for a blinking cursor.\n"
	  "Exit status: 3 when the time is over (300 s), 4 if the guest ends.\n", run_wait },
	{ 0 },
};
/* clang-format on */
