// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tells what becomes of a guest, a line of JSON an event, until it ends.
 */
#include <errno.h>
#include <getopt.h>
#include <glob.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/health.h"
#include "tools/observer.h"
#include "tools/verb.h"
#include "tools/words.h"

enum {
	LOOK_MS = 500,
	DEFAULT_INTERVAL_S = 5,
	MAX_INTERVAL_S = 86400,
	TIMED_OUT = 3,
};

struct watch {
	struct qmp qmp;
	pid_t pid; /* of the device model */
	struct observer observer;
	int64_t start_ms;
	int64_t end_ms;    /* 0: never */
	int64_t next;      /* byte of the serial port */
	const char *until; /* the event that ends it; may be NULL */
	bool is_over;
};

static int64_t elapsed_ms(const struct watch *watch)
{
	return waiting_now_ms() - watch->start_ms;
}

static void print_event(void *opaque, struct json_object *event)
{
	struct watch *watch = opaque;

	puts(json_object_to_json_string_ext(event, JSON_C_TO_STRING_PLAIN));
	fflush(stdout);
	if (watch->until && strcmp(json_text_or(event, "event", ""), watch->until) == 0)
		watch->is_over = true;
}

static void pass_event(void *opaque, struct json_object *message)
{
	struct watch *watch = opaque;

	observer_event(&watch->observer, elapsed_ms(watch), message);
}

static int ask(struct watch *watch, const char *command, struct json_object *arguments,
	       struct json_object **answer, struct err *err)
{
	return qmp_run(&watch->qmp, command, arguments, -1, answer, err);
}

/** A guest without a serial port says nothing. */
static int ask_serial(struct watch *watch, struct json_object **answer, struct err *err)
{
	struct json_object *arguments = json_object_new_object();
	int result;

	json_object_object_add(arguments, "since", json_object_new_int64(watch->next));
	result = ask(watch, "query-serial-text", arguments, answer, err);
	if (result == 0)
		watch->next = waiting_number(*answer, "next");
	return result == -EREMOTEIO ? 0 : result;
}

/** How long the device model's threads have waited for a processor (proc(5): schedstat). The guest
 * is one of them or more; on a busy host it may want one and not get it. */
static int64_t waited_ns(const struct watch *watch)
{
	char *pattern = text_format("/proc/%d/task/*/schedstat", (int)watch->pid);
	int64_t sum = 0;
	glob_t paths;

	if (glob(pattern, 0, NULL, &paths) == 0) {
		for (size_t i = 0; i < paths.gl_pathc; i++) {
			FILE *in = fopen(paths.gl_pathv[i], "re");
			long long ran, waited;

			if (in && fscanf(in, "%lld %lld", &ran, &waited) == 2)
				sum += waited;
			if (in)
				fclose(in);
		}
		globfree(&paths);
	}
	free(pattern);
	return sum;
}

static void observe(struct watch *watch, struct json_object *screen, struct json_object *serial,
		    struct json_object *activity)
{
	bool has_text = json_object_object_get_ex(screen, "lines", NULL);
	char *lines = has_text ? waiting_join_lines(screen) : NULL;
	const struct observer_look look = {
		.ms = elapsed_ms(watch),
		.screen = lines,
		.said = json_text_or(serial, "text", NULL),
		.picture = waiting_number(screen, "checksum"),
		.cpu_ns = waiting_number(activity, "cpu-ns"),
		.waited_ns = waited_ns(watch),
		.exits = waiting_number(activity, "exits"),
		.cd_read = health_bytes_moved(activity, true, "read-bytes"),
		.disk_read = health_bytes_moved(activity, false, "read-bytes"),
		.disk_written = health_bytes_moved(activity, false, "written-bytes"),
	};

	observer_look(&watch->observer, &look);
	free(lines);
}

static int look(struct watch *watch, struct err *err)
{
	struct json_object *screen = NULL, *serial = NULL, *activity = NULL;
	int result = ask(watch, "query-screen-text", NULL, &screen, err);

	if (result == 0)
		result = ask_serial(watch, &serial, err);
	if (result == 0)
		result = ask(watch, "query-activity", NULL, &activity, err);
	if (result == 0)
		observe(watch, screen, serial, activity);
	json_object_put(screen);
	json_object_put(serial);
	json_object_put(activity);
	return result;
}

/** Events come meanwhile. 0, or -errno if the device model has ended. */
static int pause_for(struct watch *watch, int64_t ms, struct err *err)
{
	int64_t end_ms = waiting_now_ms() + ms, left_ms;
	int result = 0;

	while (result == 0 && (left_ms = end_ms - waiting_now_ms()) > 0) {
		struct json_object *message = NULL;

		result = qmp_receive(&watch->qmp, (int)left_ms, &message, err);
		json_object_put(message);
	}
	return result == -ETIMEDOUT ? 0 : result;
}

static void tell_end(struct watch *watch)
{
	struct json_object *event = json_object_new_object();

	json_object_object_add(event, "ms", json_object_new_int64(elapsed_ms(watch)));
	json_object_object_add(event, "event", json_object_new_string("ended"));
	print_event(watch, event);
	json_object_put(event);
}

static int watch_guest(struct watch *watch)
{
	struct err err = { 0 };
	int result = 0;

	watch->start_ms = waiting_now_ms();
	if (watch->end_ms)
		watch->end_ms += watch->start_ms;
	while (result == 0 && !watch->is_over) {
		if (watch->end_ms && waiting_now_ms() >= watch->end_ms)
			return TIMED_OUT;
		result = look(watch, &err);
		if (result == 0 && !watch->is_over)
			result = pause_for(watch, LOOK_MS, &err);
	}
	if (result == -EREMOTEIO)
		return verb_fail(&err);
	if (result < 0)
		tell_end(watch);
	return VERB_DONE;
}

static bool parse_seconds(const char *text, int64_t *ms)
{
	char *end;
	long seconds = strtol(text, &end, 10);

	*ms = seconds * 1000;
	return *text && !*end && seconds > 0 && seconds <= MAX_INTERVAL_S;
}

static int run_events(const struct verb *verb, int argc, char **argv)
{
	static const struct option options[] = { { "interval", required_argument, NULL, 'i' },
						 { "timeout", required_argument, NULL, 't' },
						 { "until", required_argument, NULL, 'u' },
						 { 0 } };
	struct watch watch = { 0 };
	struct instance instance;
	int64_t interval_ms = DEFAULT_INTERVAL_S * 1000;
	struct err err = { 0 };
	int option, status = VERB_FAILED;
	bool good = true;

	while ((option = getopt_long(argc, argv, "i:t:u:", options, NULL)) != -1) {
		if (option == 'i')
			good = good && parse_seconds(optarg, &interval_ms);
		else if (option == 't')
			good = good && parse_seconds(optarg, &watch.end_ms);
		else if (option == 'u')
			watch.until = optarg;
		else
			return verb_misuse(verb);
	}
	if (!good || argc - optind != 1)
		return verb_misuse(verb);
	if (observer_init(&watch.observer, interval_ms, print_event, &watch, &err) < 0)
		return verb_fail(&err);
	if (verb_find(&instance, argv[optind])) {
		watch.pid = instance.pid;
		instance_finish(&instance);
	}
	if (watch.pid && verb_connect(&watch.qmp, argv[optind])) {
		watch.qmp.event = pass_event;
		watch.qmp.event_opaque = &watch;
		status = watch_guest(&watch);
		qmp_close(&watch.qmp);
	}
	observer_finish(&watch.observer);
	return status;
}

/* clang-format off */
const struct verb verbs_events[] = {
	{ "events", "[--interval S] [--timeout S] [--until EVENT] GUEST",
	  "tell what becomes of a guest, a line of JSON an event",
	  "Each line has \"ms\" since the command's start and \"event\":\n"
	  "  phase         firmware, boot-loader, kernel, installer, system (asks who logs in)\n"
	  "  progress      bytes read and written, changes of the screen; at most every S seconds (5)\n"
	  "  reboot        with its reason; reboot-loop: the third in a row that came to nothing\n"
	  "  panic, blue-screen, no-medium   with the line that says so, and the stop code\n"
	  "  stalled       for 30 s neither drive nor screen nor serial port has moved; how: spinning,\n"
	  "                polling, halted, idle; then moves-again\n"
	  "  disk-error, paused, continued, powered-off, ended\n"
	  "Ends with the guest, after --timeout seconds (exit status 3), or at the first EVENT.\n",
	  run_events },
	{ 0 },
};
/* clang-format on */
