// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Waiting for a guest: for a text on its screen or serial port, for its end or a restart, for it to
 * come to rest.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "tools/verb.h"
#include "tools/waiting.h"
#include "tools/words.h"

enum {
	DEFAULT_TIMEOUT_S = 300,
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

static int expect(struct wait *wait, const struct patterns *patterns)
{
	struct listener listener = { .qmp = &wait->qmp };
	struct err err = { 0 };
	char *line = NULL;
	int found;

	while ((found = listener_look(&listener, patterns, &line, &err)) == -EAGAIN &&
	       waiting_now_ms() < wait->end_ms)
		waiting_pause();
	listener_finish(&listener);
	if (found == -EAGAIN)
		return time_out("expect");
	if (found == -EREMOTEIO)
		return verb_fail(&err);
	if (found < 0)
		return guest_has_ended(&err);
	text_print(line);
	free(line);
	return found == 0 ? VERB_DONE : WAIT_SECOND_PATTERN + found - 1;
}

static bool parse_seconds(const char *text, struct wait *wait)
{
	char *end;
	double seconds = strtod(text, &end);

	if (*end || seconds < 0 || seconds > 1e6) {
		fprintf(stderr, "hvm: '%s' is no number of seconds\n", text);
		return false;
	}
	wait->end_ms = waiting_now_ms() + (int64_t)(seconds * 1000);
	return true;
}

static int run_expect(const struct verb *verb, int argc, char **argv)
{
	static const struct option options[] = { { "timeout", required_argument, NULL, 't' },
						 { "serial", no_argument, NULL, 's' },
						 { 0 } };
	struct wait wait = { .end_ms = waiting_now_ms() + DEFAULT_TIMEOUT_S * INT64_C(1000) };
	struct patterns patterns = { .count = 0 };
	int option, result = 0, status = VERB_MISUSED;
	struct err err = { 0 };
	bool serial = false;

	while ((option = getopt_long(argc, argv, "t:s", options, NULL)) != -1) {
		serial |= option == 's';
		if (option == '?')
			return verb_misuse(verb);
		if (option == 't' && !parse_seconds(optarg, &wait))
			return VERB_MISUSED;
	}
	if (argc - optind < 2)
		return verb_misuse(verb);
	for (int i = optind + 1; i < argc && result == 0; i++)
		result = patterns_add(&patterns, argv[i], serial, &err);
	if (result < 0) {
		verb_fail(&err);
	} else {
		status = VERB_FAILED;
		if (verb_connect(&wait.qmp, argv[optind])) {
			status = expect(&wait, &patterns);
			qmp_close(&wait.qmp);
		}
	}
	patterns_finish(&patterns);
	return status;
}

/* --- wait --- */

/** Until an event of that name. Without one, until the device model ends. */
static int wait_for_event(struct wait *wait, const char *name)
{
	for (;;) {
		struct json_object *message = NULL;
		struct err err = { 0 };
		int64_t left_ms = wait->end_ms - waiting_now_ms();
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

/** Bytes that the drives have moved. */
static int64_t drive_bytes(struct json_object *activity)
{
	struct json_object *drives = NULL;
	int64_t bytes = 0;

	json_object_object_get_ex(activity, "drives", &drives);
	for (size_t i = 0; drives && i < json_object_array_length(drives); i++) {
		struct json_object *drive = json_object_array_get_idx(drives, i);

		bytes += waiting_number(drive, "read-bytes") +
			 waiting_number(drive, "written-bytes");
	}
	return bytes;
}

/** Drives at rest and processors mostly halted, for a while. */
static int wait_for_idle(struct wait *wait)
{
	int64_t since_ms = 0, cpu_ns = 0, bytes = -1;

	for (;; waiting_pause()) {
		struct json_object *activity = NULL;
		struct err err = { 0 };
		int64_t now = waiting_now_ms();
		bool busy;

		if (qmp_run(&wait->qmp, "query-activity", NULL, -1, &activity, &err) < 0)
			return guest_has_ended(&err);
		busy = drive_bytes(activity) != bytes ||
		       waiting_number(activity, "cpu-ns") - cpu_ns >
			       (now - since_ms + WAITING_POLL_MS) * (1000000 / 100 * IDLE_PERCENT);
		if (busy) {
			since_ms = now;
			cpu_ns = waiting_number(activity, "cpu-ns");
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
	int64_t pictures[2] = { -1, -1 }, since_ms = waiting_now_ms();

	for (;; waiting_pause()) {
		struct json_object *screen = NULL, *arguments = json_object_new_object();
		struct err err = { 0 };
		int64_t picture;

		json_object_object_add(arguments, "recognize", json_object_new_boolean(false));
		if (qmp_run(&wait->qmp, "query-screen-text", arguments, -1, &screen, &err) < 0)
			return guest_has_ended(&err);
		picture = waiting_number(screen, "checksum");
		json_object_put(screen);
		if (picture != pictures[0] && picture != pictures[1]) {
			pictures[1] = pictures[0];
			pictures[0] = picture;
			since_ms = waiting_now_ms();
		}
		if (waiting_now_ms() - since_ms >= STILL_MS)
			return VERB_DONE;
		if (waiting_now_ms() >= wait->end_ms)
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
	struct wait wait = { .end_ms = waiting_now_ms() + DEFAULT_TIMEOUT_S * INT64_C(1000) };
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
