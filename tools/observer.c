// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/observer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "tools/health.h"
#include "tools/words.h"

enum {
	SPINNING_PERCENT = 90, /* of one processor */
	HALTED_PPM = 200,      /* what a stopped processor's thread may use nevertheless */
	POLLING_EXITS = 100,   /* a second: fewer reach no device worth the name */
	WROTE_SOMETHING = 1 << 20,
};

static const struct {
	const char *name, *pattern; /* of what is shown or said from then on */
} phases[OBSERVER_PHASES] = {
	[OBSERVER_UNKNOWN] = { "unknown", NULL },
	[OBSERVER_FIRMWARE] = { "firmware",
				"SeaBIOS \\(version|^iPXE [0-9]|UEFI Interactive Shell" },
	[OBSERVER_BOOT_LOADER] = { "boot-loader",
				   "GNU GRUB|Welcome to GRUB|GRUB loading|(ISO|SYS|EXT|PXE)LINUX "
				   "[0-9]|Windows Boot Manager|Press any key to boot from|^boot: "
				   "|Booting from (Hard Disk|DVD|CD|Floppy)" },
	[OBSERVER_KERNEL] = { "kernel",
			      "Linux version [0-9]|Decompressing Linux|Booting the kernel|"
			      "^\\[ *[0-9]+\\.[0-9]{6}\\] |Loading (Linux|/?[^ "
			      "]*vmlinuz)|Windows is loading files|Starting Windows" },
	[OBSERVER_INSTALLER] = { "installer",
				 "Setup is (loading|copying|inspecting|starting)|Windows Setup|"
				 "Install(ing)? Windows|Select a language|Choose the language|"
				 "Installing the base system|debian-installer" },
	[OBSERVER_SYSTEM] = { "system", "login: *$|Press C(TRL|trl) ?\\+ ?A(LT|lt) ?\\+ ?D|"
					"^[AC]:\\\\[^ ]*>" },
};

static const char *const troubles[] = {
	[HEALTH_PANIC] = "panic",
	[HEALTH_BLUE_SCREEN] = "blue-screen",
	[HEALTH_NO_MEDIUM] = "no-medium",
};

/* --- Telling --- */

static struct json_object *new_event(int64_t ms, const char *name)
{
	struct json_object *event = json_object_new_object();

	json_object_object_add(event, "ms", json_object_new_int64(ms));
	json_object_object_add(event, "event", json_object_new_string(name));
	return event;
}

static void add_text(struct json_object *event, const char *key, const char *text)
{
	json_object_object_add(event, key, json_object_new_string(text));
}

static void add_number(struct json_object *event, const char *key, int64_t number)
{
	json_object_object_add(event, key, json_object_new_int64(number));
}

static void tell(struct observer *observer, struct json_object *event)
{
	observer->tell(observer->opaque, event);
	json_object_put(event);
}

/** 'count' of 'ms' in a second, rounded to tenths. */
static struct json_object *new_rate(int64_t count, int64_t ms)
{
	int64_t tenths = ms > 0 ? count * 10000 / ms : 0;
	char *text = text_format("%lld.%lld", (long long)(tenths / 10), (long long)(tenths % 10));
	struct json_object *rate = json_object_new_double_s((double)tenths / 10, text);

	free(text);
	return rate;
}

/** Of one processor, with what the host was too busy to give. */
static int64_t wanted_percent(const struct observer_look *from, const struct observer_look *to)
{
	int64_t wanted_ns = to->cpu_ns - from->cpu_ns + to->waited_ns - from->waited_ns;

	return to->ms > from->ms ? wanted_ns / 10000 / (to->ms - from->ms) : 0;
}

/** Of one processor. */
static int64_t cpu_percent(const struct observer_look *from, const struct observer_look *to)
{
	return to->ms > from->ms ? (to->cpu_ns - from->cpu_ns) / 10000 / (to->ms - from->ms) : 0;
}

/* --- Texts --- */

/** The line around a match; the caller frees it. */
static char *line_around(const char *text, const regmatch_t *match)
{
	const char *start = text + match->rm_so;

	while (start > text && start[-1] != '\n')
		start--;
	return text_format("%.*s", (int)strcspn(start, "\n"), start);
}

static void tell_phase(struct observer *observer, int64_t ms, enum observer_phase phase,
		       const char *evidence)
{
	struct json_object *event = new_event(ms, "phase");

	observer->phase = phase;
	add_text(event, "phase", phases[phase].name);
	if (evidence)
		add_text(event, "evidence", evidence);
	tell(observer, event);
}

/** The furthest phase that the text shows, if it is further than what is known. */
static void find_phase(struct observer *observer, int64_t ms, const char *text)
{
	for (unsigned phase = OBSERVER_SYSTEM; phase > observer->phase; phase--) {
		regmatch_t match;
		char *line;

		if (regexec(&observer->phases[phase], text, 1, &match, 0) != 0)
			continue;
		line = line_around(text, &match);
		tell_phase(observer, ms, phase, line);
		free(line);
		return;
	}
}

static void add_stop_code(const struct observer *observer, struct json_object *event,
			  const char *text)
{
	regmatch_t match[3];

	for (unsigned i = 1; regexec(&observer->stop_code, text, 3, match, 0) == 0 && i < 3; i++) {
		if (match[i].rm_so < 0)
			continue;
		json_object_object_add(
			event, "stop",
			json_object_new_string_len(text + match[i].rm_so,
						   (int)(match[i].rm_eo - match[i].rm_so)));
	}
}

static bool told_already(const struct observer *observer, enum health_trouble trouble)
{
	for (unsigned i = 0; i < health_sign_count(); i++)
		if (observer->told[i] && health_sign(i)->trouble == trouble)
			return true;
	return false;
}

/** Trouble of each kind is told once until the guest restarts. */
static void find_signs(struct observer *observer, int64_t ms, const char *text, bool serial)
{
	for (unsigned i = 0; i < health_sign_count(); i++) {
		const struct health_sign *sign = health_sign(i);
		struct json_object *event;
		regmatch_t match;
		char *line;

		if (sign->serial != serial || told_already(observer, sign->trouble) ||
		    regexec(&observer->signs[i], text, 1, &match, 0) != 0)
			continue;
		observer->told[i] = true;
		event = new_event(ms, troubles[sign->trouble]);
		add_text(event, "reason", sign->reason);
		line = line_around(text, &match);
		add_text(event, "text", line);
		free(line);
		if (sign->trouble == HEALTH_BLUE_SCREEN)
			add_stop_code(observer, event, text);
		tell(observer, event);
	}
}

/** Adds what has been said to the unfinished line, searches it, and keeps what is unfinished. */
static void hear(struct observer *observer, int64_t ms, const char *said)
{
	size_t length = strlen(observer->said), added = 0;
	char *text = malloc(length + strlen(said) + 1);
	const char *rest;

	if (!text)
		abort();
	memcpy(text, observer->said, length);
	for (const char *at = said; *at; at++)
		if (*at != '\r')
			text[length + added++] = *at;
	text[length + added] = '\0';
	find_phase(observer, ms, text);
	find_signs(observer, ms, text, true);
	rest = strrchr(text, '\n');
	rest = rest ? rest + 1 : text;
	length = strlen(rest);
	if (length > OBSERVER_SAID_MAX)
		rest += length - OBSERVER_SAID_MAX;
	memcpy(observer->said, rest, strlen(rest) + 1);
	free(text);
}

/* --- Progress --- */

static bool has_moved(const struct observer_look *a, const struct observer_look *b)
{
	return a->cd_read != b->cd_read || a->disk_read != b->disk_read ||
	       a->disk_written != b->disk_written;
}

/** Two pictures that take turns are one with a blinking cursor. */
static bool has_new_picture(struct observer *observer, int64_t picture)
{
	if (picture == observer->pictures[0] || picture == observer->pictures[1])
		return false;
	observer->pictures[1] = observer->pictures[0];
	observer->pictures[0] = picture;
	return true;
}

static void tell_progress(struct observer *observer, const struct observer_look *now)
{
	const struct observer_look *from = &observer->reported;
	int64_t ms = now->ms - from->ms;
	struct json_object *event;

	if (ms < observer->interval_ms)
		return;
	if (has_moved(now, from) || observer->changes) {
		event = new_event(now->ms, "progress");
		add_number(event, "cd-read", now->cd_read);
		add_number(event, "disk-read", now->disk_read);
		add_number(event, "disk-written", now->disk_written);
		json_object_object_add(event, "screen-changes-per-second",
				       new_rate(observer->changes, ms));
		if (now->cpu_ns)
			add_number(event, "cpu-percent", cpu_percent(from, now));
		tell(observer, event);
	}
	observer->reported = *now;
	observer->changes = 0;
}

/* --- Standing still --- */

/** How the guest stands still, by what its processors have done meanwhile. */
static const char *how_it_stands(const struct observer_look *from, const struct observer_look *to)
{
	int64_t ms = to->ms - from->ms, used_ns = to->cpu_ns - from->cpu_ns;

	if (to->cpu_ns == 0)
		return "unknown";
	if (used_ns < ms * HALTED_PPM)
		return "halted";
	if (wanted_percent(from, to) < SPINNING_PERCENT)
		return "idle";
	return (to->exits - from->exits) * 1000 / ms < POLLING_EXITS ? "spinning" : "polling";
}

static void tell_stalled(struct observer *observer, const struct observer_look *now)
{
	static const struct {
		const char *how, *reason;
	} rows[] = {
		{ "spinning", "a processor runs without end and reaches no device" },
		{ "polling", "a processor runs without end and asks devices that bring nothing" },
		{ "halted", "the processors are halted and nothing wakes them" },
		{ "idle", "only timers wake the processors: it waits, for a key for instance" },
		{ "unknown", "nothing moves" },
	};
	const struct observer_look *from = &observer->still;
	const char *how = how_it_stands(from, now);
	struct json_object *event = new_event(now->ms, "stalled");
	int64_t ms = now->ms - from->ms;

	add_text(event, "how", how);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(rows[i].how, how) == 0)
			add_text(event, "reason", rows[i].reason);
	add_text(event, "phase", phases[observer->phase].name);
	add_number(event, "still-ms", ms);
	if (now->cpu_ns)
		add_number(event, "cpu-percent", cpu_percent(from, now));
	if (now->waited_ns)
		add_number(event, "wanted-percent", wanted_percent(from, now));
	json_object_object_add(event, "exits-per-second", new_rate(now->exits - from->exits, ms));
	observer->is_stalled = true;
	tell(observer, event);
}

static void watch_stillness(struct observer *observer, const struct observer_look *now, bool moves)
{
	if (moves || observer->is_paused) {
		observer->still = *now;
		if (observer->is_stalled)
			tell(observer, new_event(now->ms, "moves-again"));
		observer->is_stalled = false;
	} else if (!observer->is_stalled && now->ms - observer->still.ms >= OBSERVER_STALL_MS) {
		tell_stalled(observer, now);
	}
}

void observer_look(struct observer *observer, const struct observer_look *look)
{
	bool is_first = !observer->looked;
	bool says = look->said && *look->said;
	bool changes = has_new_picture(observer, look->picture);

	observer->looked = true;
	if (is_first)
		observer->reported = observer->still = observer->last = *look;
	observer->changes += changes && !is_first;
	if (look->screen && changes) {
		find_phase(observer, look->ms, look->screen);
		find_signs(observer, look->ms, look->screen, false);
	}
	if (says)
		hear(observer, look->ms, look->said);
	watch_stillness(observer, look, changes || says || has_moved(look, &observer->last));
	tell_progress(observer, look);
	observer->last = *look;
	observer->last.screen = observer->last.said = NULL;
}

/* --- Events of the device model --- */

/** One before which the guest has come to something ends the row. */
static void count_restart(struct observer *observer, int64_t ms)
{
	bool in_vain = observer->phase < OBSERVER_INSTALLER &&
		       observer->last.disk_written - observer->written_at_restart < WROTE_SOMETHING;
	struct json_object *event;

	observer->written_at_restart = observer->last.disk_written;
	observer->vain_restarts = in_vain ? observer->vain_restarts + 1 : 0;
	if (observer->vain_restarts != OBSERVER_VAIN_RESTARTS)
		return;
	event = new_event(ms, "reboot-loop");
	add_number(event, "restarts", observer->vain_restarts);
	add_text(event, "phase", phases[observer->phase].name);
	add_text(event, "reason", "the guest restarts again and again and comes to nothing");
	tell(observer, event);
}

static void restarted(struct observer *observer, int64_t ms, struct json_object *data)
{
	struct json_object *event = new_event(ms, "reboot");

	add_text(event, "reason", json_text_or(data, "reason", "unknown"));
	if (*json_text_or(data, "cause", ""))
		add_text(event, "cause", json_text_or(data, "cause", ""));
	add_text(event, "phase", phases[observer->phase].name);
	tell(observer, event);
	count_restart(observer, ms);
	memset(observer->told, 0, sizeof(observer->told));
	observer->said[0] = '\0';
	/* What stood on the screen is not to be taken for what is new. */
	observer->pictures[0] = observer->last.picture;
	tell_phase(observer, ms, OBSERVER_FIRMWARE, NULL);
}

/** "paused" and "continued": what stands still meanwhile does so by order. */
static void paused(struct observer *observer, int64_t ms, bool is_paused)
{
	observer->is_paused = is_paused;
	tell(observer, new_event(ms, is_paused ? "paused" : "continued"));
}

/** Words of the data that are handed on. */
static void forward(struct observer *observer, int64_t ms, const char *name,
		    struct json_object *data)
{
	static const char *const words[] = { "reason", "device", "operation" };
	struct json_object *event = new_event(ms, name);

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (*json_text_or(data, words[i], ""))
			add_text(event, words[i], json_text_or(data, words[i], ""));
	tell(observer, event);
}

void observer_event(struct observer *observer, int64_t ms, struct json_object *message)
{
	const char *name = json_text_or(message, "event", "");
	struct json_object *data = NULL;

	json_object_object_get_ex(message, "data", &data);
	if (strcmp(name, "RESET") == 0)
		restarted(observer, ms, data);
	else if (strcmp(name, "STOP") == 0 || strcmp(name, "RESUME") == 0)
		paused(observer, ms, name[0] == 'S');
	else if (strcmp(name, "SHUTDOWN") == 0)
		forward(observer, ms, "powered-off", data);
	else if (strcmp(name, "BLOCK_IO_ERROR") == 0)
		forward(observer, ms, "disk-error", data);
	else if (strcmp(name, "GUEST_PANICKED") == 0)
		forward(observer, ms, "panic", data);
}

/* --- From beginning to end --- */

static int compile(regex_t *regex, const char *pattern, struct err *err)
{
	int code = regcomp(regex, pattern, REG_EXTENDED | REG_NEWLINE);
	char reason[128];

	if (code == 0)
		return 0;
	regerror(code, regex, reason, sizeof(reason));
	return err_set(err, -EINVAL, "'%s' is no regular expression: %s", pattern, reason);
}

/* The patterns are this program's own: that one does not compile is a mistake in it, or memory has
 * run out; what has been compiled until then goes with the process. */
int observer_init(struct observer *observer, int64_t interval_ms,
		  void (*tell_event)(void *opaque, struct json_object *event), void *opaque,
		  struct err *err)
{
	int result = 0;

	*observer = (struct observer){
		.tell = tell_event,
		.opaque = opaque,
		.interval_ms = interval_ms,
		.pictures = { -1, -1 },
	};
	for (unsigned i = OBSERVER_FIRMWARE; i < OBSERVER_PHASES && result == 0; i++)
		result = compile(&observer->phases[i], phases[i].pattern, err);
	for (unsigned i = 0; i < health_sign_count() && result == 0; i++)
		result = compile(&observer->signs[i], health_sign(i)->pattern, err);
	return result < 0
		       ? result
		       : compile(&observer->stop_code,
				 "STOP: (0x[0-9A-Fa-f]{8})|[Ss]top code:? *([A-Z_0-9]{4,})", err);
}

void observer_finish(struct observer *observer)
{
	for (unsigned i = OBSERVER_FIRMWARE; i < OBSERVER_PHASES; i++)
		regfree(&observer->phases[i]);
	for (unsigned i = 0; i < health_sign_count(); i++)
		regfree(&observer->signs[i]);
	regfree(&observer->stop_code);
}
