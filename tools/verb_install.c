// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Installs an operating system without a screen: makes the disk, starts the guest from the CD once,
 * carries out a recipe, and keeps a log with pictures. Steps that are verbs are run as such.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/bits.h"
#include "tools/health.h"
#include "tools/recipe.h"
#include "tools/resume.h"
#include "tools/verb.h"
#include "tools/waiting.h"
#include "tools/words.h"

enum {
	DEFAULT_EXPECT_S = 300,
	DEFAULT_MEMORY_MIB = 1024,
	PROGRESS_MS = 1000,
	BUSY_HOST_MS = 120000, /* a host that is slow to answer ends no installation */
	MAX_RESTARTS = 8,      /* while one thing is expected */
	INSTALL_TIMED_OUT = 3,
	INSTALL_GUEST_ENDED = 4,
};

struct install {
	struct recipe recipe;
	bool fired[RECIPE_MAX_RULES];
	const char *name;
	char *directory; /* of the log; owned */
	FILE *log;
	struct qmp qmp;
	struct listener listener;
	int timeout_s;
	unsigned pictures;
	int64_t start_ms, progress_ms;
	bool shows_progress, ended;
	struct resume kept; /* where milestones are kept */
	bool keeps_milestones;
};

/* --- The log --- */

static double seconds_since_start(const struct install *install)
{
	return (double)(waiting_now_ms() - install->start_ms) / 1000;
}

/** One line of JSON: what happened, and where the recipe is. */
static void log_event(struct install *install, const char *event, unsigned line, const char *text)
{
	struct json_object *entry = json_object_new_object();

	json_object_object_add(entry, "ms",
			       json_object_new_int64(waiting_now_ms() - install->start_ms));
	json_object_object_add(entry, "event", json_object_new_string(event));
	if (line)
		json_object_object_add(entry, "line", json_object_new_int((int)line));
	if (text)
		json_object_object_add(entry, "text", json_object_new_string(text));
	fprintf(install->log, "%s\n",
		json_object_to_json_string_ext(entry, JSON_C_TO_STRING_PLAIN));
	fflush(install->log);
	json_object_put(entry);
}

static void clear_progress(const struct install *install)
{
	if (install->shows_progress)
		fprintf(stderr, "\r\033[K");
}

static void say(struct install *install, const char *text)
{
	clear_progress(install);
	printf("%7.1f s  ", seconds_since_start(install));
	text_print(text);
	fflush(stdout);
}

/* --- Verbs --- */

/** Runs "VERB GUEST rest…", the rest being the step's words from 'first' on. */
static int run_on_guest(struct install *install, const char *verb, const struct recipe_step *step,
			size_t first)
{
	struct words words = { 0 };
	int status;

	words_add(&words, "%s", verb);
	words_add(&words, "%s", install->name);
	for (size_t i = first; i < step->words.count; i++)
		words_add(&words, "%s", step->words.items[i]);
	status = verb_run(&words);
	words_finish(&words);
	return status;
}

static int take_screenshot(struct install *install, const char *name)
{
	struct words words = { 0 };
	int status;

	words_add(&words, "screenshot");
	words_add(&words, "%s", install->name);
	words_add(&words, "%s/%02u-%s.png", install->directory, ++install->pictures, name);
	status = verb_run(&words);
	log_event(install, "screenshot", 0, words.items[2]);
	words_finish(&words);
	return status;
}

/* --- Failure --- */

static int fail(struct install *install, unsigned line, int status, const char *reason)
{
	char *text = line ? text_format("%s, line %u: %s", install->recipe.name, line, reason)
			  : text_copy(reason);

	log_event(install, "failed", line, reason);
	clear_progress(install);
	fprintf(stderr, "hvm: %s\n", text);
	free(text);
	if (!install->ended)
		take_screenshot(install, "failed");
	return status;
}

static int guest_has_ended(struct install *install, unsigned line, const struct err *err)
{
	install->ended = true;
	return fail(install, line, INSTALL_GUEST_ENDED,
		    *err->text ? err->text : "the guest has ended");
}

/* --- Waiting --- */

/** Once a second, for people. */
static void show_progress(struct install *install, const char *what)
{
	struct json_object *activity = NULL;

	if (!install->shows_progress || waiting_now_ms() < install->progress_ms)
		return;
	install->progress_ms = waiting_now_ms() + PROGRESS_MS;
	if (qmp_run(&install->qmp, "query-activity", NULL, -1, &activity, NULL) < 0)
		return;
	fprintf(stderr, "\r\033[K%7.1f s  CD %.0f MiB read, disk %.0f MiB written; %.40s",
		seconds_since_start(install),
		(double)health_bytes_moved(activity, true, "read-bytes") / (1 << 20),
		(double)health_bytes_moved(activity, false, "written-bytes") / (1 << 20), what);
	json_object_put(activity);
}

/** What may be seen while 'step' waits: its own text first, then the rules that have not been
 * carried out, then signs of trouble. */
static int collect_patterns(struct install *install, struct patterns *patterns,
			    const struct recipe_step *step, struct err *err)
{
	bool serial = strcmp(step->words.items[0], "expect-serial") == 0;
	int result = patterns_add(patterns, step->words.items[1], serial, err);

	for (unsigned i = 0; i < install->recipe.rule_count && result == 0; i++)
		if (!install->fired[i])
			result = patterns_add(patterns, install->recipe.rules[i].pattern,
					      install->recipe.rules[i].serial, err);
	return result < 0 ? result : health_add_signs(patterns, err);
}

static int run_step(struct install *install, const struct recipe_step *step);

/** Something else than the step's own text came: pattern 'number', from 1 on. */
static int handle_other(struct install *install, unsigned line, int number, const char *seen)
{
	for (unsigned i = 0; i < install->recipe.rule_count; i++) {
		struct recipe_rule *rule = &install->recipe.rules[i];

		if (install->fired[i] || --number > 0)
			continue;
		install->fired[i] = true;
		log_event(install, "rule", rule->line, seen);
		if (rule->is_failure)
			return fail(install, rule->line, VERB_FAILED, rule->step.words.items[0]);
		say(install, seen);
		return run_step(install, &rule->step);
	}
	return fail(install, line, VERB_FAILED, health_sign((unsigned)number - 1)->reason);
}

/** Looks once. VERB_DONE: the text is there; -EAGAIN: not yet, and 'carried_out' says whether a
 * rule was; else the installation has failed. */
static int look(struct install *install, const struct recipe_step *step,
		const struct patterns *patterns, bool *carried_out)
{
	struct err err = { 0 };
	char *line = NULL;
	int found = listener_look(&install->listener, patterns, &line, &err), status;

	*carried_out = found > 0;
	if (found == -EAGAIN)
		return -EAGAIN;
	if (found < 0)
		return guest_has_ended(install, step->line, &err);
	if (found > 0) {
		status = handle_other(install, step->line, found, line);
		free(line);
		return status == VERB_DONE ? -EAGAIN : status;
	}
	log_event(install, "found", step->line, line);
	say(install, line);
	free(line);
	return VERB_DONE;
}

static int fail_late(struct install *install, const struct recipe_step *step)
{
	char *reason = text_format("'%s' has not come within %d s", step->words.items[1],
				   install->timeout_s);
	int status = fail(install, step->line, INSTALL_TIMED_OUT, reason);

	free(reason);
	return status;
}

/** Looks until the text is there, a rule has been carried out (-EAGAIN), or it has failed. */
static int look_until(struct install *install, const struct recipe_step *step, int64_t end_ms,
		      unsigned restarts)
{
	struct patterns patterns = { .count = 0 };
	struct err err = { 0 };
	int status = collect_patterns(install, &patterns, step, &err);
	bool carried_out = false;

	if (status < 0)
		status = fail(install, step->line, VERB_MISUSED, err.text);
	else
		status = look(install, step, &patterns, &carried_out);
	while (status == -EAGAIN && !carried_out) {
		if (install->qmp.resets - restarts > MAX_RESTARTS) {
			status = fail(install, step->line, VERB_FAILED,
				      "the guest restarts again and again");
		} else if (waiting_now_ms() >= end_ms) {
			status = fail_late(install, step);
		} else {
			show_progress(install, step->words.items[1]);
			waiting_pause();
			status = look(install, step, &patterns, &carried_out);
		}
	}
	patterns_finish(&patterns);
	return status;
}

/** The patterns are compiled anew only when a rule has been carried out, which leaves them. */
static int run_expect(struct install *install, const struct recipe_step *step)
{
	int64_t end_ms = waiting_now_ms() + install->timeout_s * INT64_C(1000);
	unsigned restarts = install->qmp.resets;
	int status;

	do {
		status = look_until(install, step, end_ms, restarts);
	} while (status == -EAGAIN);
	return status;
}

/* --- Steps --- */

/** Until the guest has powered off. Its device model stays, so that its last words can be read. */
static int wait_for_shutdown(struct install *install)
{
	int64_t end_ms = waiting_now_ms() + install->timeout_s * INT64_C(1000);

	for (; waiting_now_ms() < end_ms; waiting_pause()) {
		struct json_object *answer = NULL;
		int result = qmp_run(&install->qmp, "query-status", NULL, -1, &answer, NULL);
		bool is_off = strcmp(json_text_or(answer, "status", ""), "shutdown") == 0;

		json_object_put(answer);
		install->ended = result < 0;
		if (is_off || result < 0)
			return VERB_DONE;
	}
	return INSTALL_TIMED_OUT;
}

static int run_wait(struct install *install, const struct recipe_step *step)
{
	struct words words = { 0 };
	int status;

	if (strcmp(step->words.items[1], "shutdown") == 0)
		return wait_for_shutdown(install);
	words_add(&words, "wait");
	words_add(&words, "--timeout");
	words_add(&words, "%d", install->timeout_s);
	words_add(&words, "%s", install->name);
	words_add(&words, "%s", step->words.items[1]);
	status = verb_run(&words);
	words_finish(&words);
	return status;
}

static int run_timeout(struct install *install, const struct recipe_step *step)
{
	install->timeout_s = atoi(step->words.items[1]);
	return install->timeout_s > 0 ? VERB_DONE
				      : fail(install, step->line, VERB_MISUSED,
					     "timeout wants a number of seconds");
}

/** A guest that is off needs no milestone: what is on its disk is all there is. */
static bool guest_runs(struct install *install)
{
	struct json_object *answer = NULL;
	bool runs;

	if (install->ended || qmp_run(&install->qmp, "query-status", NULL, -1, &answer, NULL) < 0)
		return false;
	runs = strcmp(json_text_or(answer, "status", ""), "running") == 0;
	json_object_put(answer);
	return runs;
}

static int run_milestone(struct install *install, const struct recipe_step *step)
{
	struct resume_point point = { .line = step->line, .text = step->words.items[1] };
	struct err err = { 0 };
	int status;

	log_event(install, "milestone", step->line, point.text);
	say(install, point.text);
	status = install->ended ? VERB_DONE : take_screenshot(install, "milestone");
	if (status != VERB_DONE || !install->keeps_milestones || !guest_runs(install))
		return status;
	if (resume_keep(&install->kept, &point, &err) < 0)
		return fail(install, step->line, VERB_FAILED, err.text);
	log_event(install, "kept", step->line, point.text);
	return VERB_DONE;
}

static int run_screenshot(struct install *install, const struct recipe_step *step)
{
	return take_screenshot(install, step->words.items[1]);
}

static int run_type(struct install *install, const struct recipe_step *step)
{
	struct words words = { 0 };
	int status;

	words_add(&words, "type");
	words_add(&words, "--quiet");
	words_add(&words, "%s", install->name);
	words_add(&words, "%s", step->words.items[1]);
	status = verb_run(&words);
	words_finish(&words);
	return status;
}

static int run_type_serial(struct install *install, const struct recipe_step *step)
{
	return console_type(install->name, 0, step->words.items[1]);
}

static int run_key(struct install *install, const struct recipe_step *step)
{
	return run_on_guest(install, "key", step, 1);
}

static int run_reset(struct install *install, const struct recipe_step *step)
{
	return run_on_guest(install, "reboot", step, 1);
}

/** "cd hdc FILE" or "cd hdc eject"; the same of floppies. */
static int run_medium(struct install *install, const struct recipe_step *step)
{
	struct words words = { 0 };
	bool ejects = strcmp(step->words.items[2], "eject") == 0;
	int status;

	words_add(&words, "%s-%s", step->words.items[0], ejects ? "eject" : "insert");
	words_add(&words, "%s", install->name);
	words_add(&words, "%s", step->words.items[1]);
	if (!ejects)
		words_add(&words, "%s", step->words.items[2]);
	status = verb_run(&words);
	words_finish(&words);
	return status;
}

static int run_step(struct install *install, const struct recipe_step *step)
{
	static const struct {
		const char *name;
		int (*run)(struct install *install, const struct recipe_step *step);
		bool tells; /* what failed, itself */
	} rows[] = {
		{ "expect", run_expect, true },
		{ "expect-serial", run_expect, true },
		{ "wait", run_wait, false },
		{ "type", run_type, false },
		{ "type-serial", run_type_serial, false },
		{ "key", run_key, false },
		{ "cd", run_medium, false },
		{ "floppy", run_medium, false },
		{ "screenshot", run_screenshot, false },
		{ "milestone", run_milestone, false },
		{ "timeout", run_timeout, true },
		{ "reset", run_reset, false },
	};
	int status = VERB_FAILED;

	log_event(install, "step", step->line, step->words.items[0]);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (strcmp(rows[i].name, step->words.items[0]) != 0)
			continue;
		status = rows[i].run(install, step);
		if (status != VERB_DONE && !rows[i].tells)
			status = fail(install, step->line, status, "the step has failed");
	}
	return status;
}

/* --- From beginning to end --- */

/** The steps behind line 'after' of the recipe. */
static int run_recipe(struct install *install, unsigned after)
{
	for (unsigned i = 0; i < install->recipe.step_count; i++) {
		const struct recipe_step *step = &install->recipe.steps[i];
		int status = step->line > after ? run_step(install, step) : VERB_DONE;

		if (status != VERB_DONE)
			return status;
	}
	log_event(install, "installed", 0, NULL);
	say(install, "installed");
	return VERB_DONE;
}

/** The name's ending says the format. */
static bool create_image(const char *file, const char *size)
{
	struct words words = { 0 };
	bool good;

	words_add(&words, "disk");
	words_add(&words, "create");
	words_add(&words, "%s", file);
	words_add(&words, "%s", size);
	good = verb_run(&words) == VERB_DONE;
	words_finish(&words);
	return good;
}

/** The file of FILE or FILE,SIZE; the caller frees it. */
static char *disk_file(const char *spec)
{
	const char *comma = strrchr(spec, ',');

	return comma ? text_format("%.*s", (int)(comma - spec), spec) : text_copy(spec);
}

static bool is_qcow2(const char *file)
{
	size_t length = strlen(file);

	return length > 6 && strcmp(file + length - 6, ".qcow2") == 0;
}

/** FILE or FILE,SIZE: a file that is not there is made. */
static bool make_disk(const char *spec, struct words *config)
{
	const char *comma = strrchr(spec, ',');
	char *file = disk_file(spec);
	bool good = true;

	if (access(file, F_OK) < 0 && !comma) {
		fprintf(stderr, "hvm: '%s' is not there; to make it, give its size: %s,20G\n", file,
			file);
		good = false;
	} else if (access(file, F_OK) < 0) {
		good = create_image(file, comma + 1);
	}
	words_add(config, "%s,%s,hda,w", file, is_qcow2(file) ? "qcow2" : "raw");
	free(file);
	return good;
}

struct install_options {
	const char *name, *cd, *answers, *disk, *recipe, *directory;
	int memory_mib;
	bool keep, snapshots, resume;
	struct words values, assignments;
};

/** "'CD,raw,hdc,ro,cdrom'", with the answers laid over it. */
static char *describe_cd(const struct install_options *options)
{
	const char *answers = options->answers;

	return text_format("'%s%s%s%s,raw,hdc,ro,cdrom'", answers ? "overlay:" : "",
			   answers ? answers : "", answers ? "," : "", options->cd);
}

/** Starts the guest: from the CD now, from the disk after its first restart. */
static int create_guest(const struct install_options *options)
{
	struct words words = { 0 }, disks = { 0 };
	int status = VERB_FAILED;
	char *cd;

	if (options->disk && !make_disk(options->disk, &disks)) {
		words_finish(&disks);
		return VERB_FAILED;
	}
	words_add(&words, "create");
	words_add(&words, "--quiet");
	words_add(&words, "/dev/null");
	words_add(&words, "name=%s", options->name);
	words_add(&words, "type=hvm");
	words_add(&words, "memory=%d", options->memory_mib);
	words_add(&words, "vnc=1");
	words_add(&words, "serial=pty");
	words_add(&words, "boot=c");
	words_add(&words, "on_poweroff=preserve");
	if (options->cd)
		words_add(&words, "boot_once=d");
	cd = options->cd ? describe_cd(options) : text_copy("");
	if (options->disk)
		words_add(&words, "disk=[ '%s'%s%s ]", disks.items[0], options->cd ? ", " : "", cd);
	else
		words_add(&words, "disk=[ %s ]", cd);
	free(cd);
	for (size_t i = 0; i < options->assignments.count; i++)
		words_add(&words, "%s", options->assignments.items[i]);
	status = verb_run(&words);
	words_finish(&words);
	words_finish(&disks);
	return status;
}

/** Pictures of the run that is gone on with keep their numbers. */
static unsigned count_pictures(const char *directory)
{
	char *pattern = text_format("%s/*.png", directory);
	glob_t found = { 0 };
	unsigned count = glob(pattern, 0, NULL, &found) == 0 ? (unsigned)found.gl_pathc : 0;

	globfree(&found);
	free(pattern);
	return count;
}

/** Makes the log's folder; one that is gone on with is added to. */
static bool open_log(struct install *install, const char *directory, bool resume)
{
	char *path;

	install->directory =
		directory ? text_copy(directory) : text_format("%s.install", install->name);
	if (mkdir(install->directory, 0777) < 0 && errno != EEXIST) {
		fprintf(stderr, "hvm: cannot make '%s': %s\n", install->directory, strerror(errno));
		return false;
	}
	path = text_format("%s/install.log", install->directory);
	install->log = fopen(path, resume ? "ae" : "we");
	install->pictures = resume ? count_pictures(install->directory) : 0;
	if (!install->log)
		fprintf(stderr, "hvm: cannot write '%s': %s\n", path, strerror(errno));
	free(path);
	return install->log != NULL;
}

/** Gives the guest's name as xl does, by its disk or CD, if it is not told. */
static char *derive_name(const char *path)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;

	return text_format("%.*s", (int)strcspn(base, ".,"), base);
}

/** Says whether the recipe still has that milestone where it stood. */
static bool recipe_has(const struct recipe *recipe, const struct resume_point *point)
{
	for (unsigned i = 0; i < recipe->step_count; i++) {
		const struct recipe_step *step = &recipe->steps[i];

		if (step->line == point->line && strcmp(step->words.items[0], "milestone") == 0)
			return strcmp(step->words.items[1], point->text) == 0;
	}
	return false;
}

/** Goes back to the milestone that is kept; its line in *after. */
static int resume_guest(struct install *install, unsigned *after)
{
	struct resume_point point = { 0 };
	struct err err = { 0 };
	int result = resume_find(&install->kept, &point, &err);

	if (result == 0 && !recipe_has(&install->recipe, &point))
		result = err_set(&err, -EINVAL,
				 "the milestone '%s' is no longer at line %u of the recipe",
				 point.text, point.line);
	if (result == 0)
		result = resume_start(&install->kept, &point, &err);
	if (result == 0) {
		log_event(install, "resumed", point.line, point.text);
		say(install, point.text);
	}
	*after = point.line;
	free(point.text);
	return result < 0 ? verb_fail(&err) : VERB_DONE;
}

static int run_guest(struct install *install, const struct install_options *options)
{
	struct words words = { 0 };
	unsigned after = 0;
	int status = options->resume ? resume_guest(install, &after) : create_guest(options);

	if (status != VERB_DONE)
		return status;
	if (!verb_connect(&install->qmp, install->name))
		return VERB_FAILED;
	install->qmp.timeout_ms = BUSY_HOST_MS;
	install->listener.qmp = &install->qmp;
	if (!options->resume)
		log_event(install, "started", 0, install->name);
	status = run_recipe(install, after);
	listener_finish(&install->listener);
	qmp_close(&install->qmp);
	if (!options->keep && !install->ended) {
		words_add(&words, "destroy");
		words_add(&words, "%s", install->name);
		verb_run(&words);
		words_finish(&words);
	}
	/* Until it has ended, a guest that is left running has the image. */
	if (status == VERB_DONE && install->keeps_milestones && !options->keep)
		resume_drop(&install->kept);
	return status;
}

static int install_by(const struct install_options *options)
{
	struct install install = {
		.name = options->name,
		.timeout_s = DEFAULT_EXPECT_S,
		.start_ms = waiting_now_ms(),
		.shows_progress = isatty(STDERR_FILENO) == 1,
	};
	struct err err = { 0 };
	int status = VERB_FAILED;

	if (recipe_read(&install.recipe, options->recipe ? options->recipe : "watch",
			&options->values, &err) < 0)
		return verb_fail(&err);
	install.keeps_milestones = options->snapshots || options->resume;
	if (open_log(&install, options->directory, options->resume)) {
		char *disk = disk_file(options->disk ? options->disk : "");

		install.kept = (struct resume){ .directory = install.directory,
						.disk = disk,
						.guest = install.name };
		status = run_guest(&install, options);
		free(disk);
		fclose(install.log);
		clear_progress(&install);
		printf("log and pictures: %s\n", install.directory);
	}
	free(install.directory);
	recipe_finish(&install.recipe);
	return status;
}

static bool keeps_snapshots(const char *spec)
{
	char *file = disk_file(spec ? spec : "");
	bool good = is_qcow2(file);

	free(file);
	if (!good)
		fprintf(stderr, "hvm: --snapshots and --resume need a qcow2 disk: --disk "
				"NAME.qcow2,20G\n");
	return good;
}

static int run_install(const struct verb *verb, int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "name", required_argument, NULL, 'n' },
		{ "cd", required_argument, NULL, 'c' },
		{ "answers", required_argument, NULL, 'a' },
		{ "disk", required_argument, NULL, 'd' },
		{ "memory", required_argument, NULL, 'm' },
		{ "recipe", required_argument, NULL, 'r' },
		{ "set", required_argument, NULL, 's' },
		{ "log", required_argument, NULL, 'l' },
		{ "keep", no_argument, NULL, 'k' },
		{ "snapshots", no_argument, NULL, 'S' },
		{ "resume", no_argument, NULL, 'R' },
		{ 0 },
	};
	struct install_options options = { .memory_mib = DEFAULT_MEMORY_MIB };
	char *name = NULL;
	int letter, status;

	while ((letter = getopt_long(argc, argv, "n:c:a:d:m:r:s:l:kSR", long_options, NULL)) !=
	       -1) {
		switch (letter) {
		case 'n':
			options.name = optarg;
			break;
		case 'c':
			options.cd = optarg;
			break;
		case 'a':
			options.answers = optarg;
			break;
		case 'd':
			options.disk = optarg;
			break;
		case 'm':
			options.memory_mib = atoi(optarg);
			break;
		case 'r':
			options.recipe = optarg;
			break;
		case 's':
			words_add(&options.values, "%s", optarg);
			break;
		case 'l':
			options.directory = optarg;
			break;
		case 'k':
			options.keep = true;
			break;
		case 'S':
			options.snapshots = true;
			break;
		case 'R':
			options.resume = true;
			break;
		default:
			return verb_misuse(verb);
		}
	}
	for (int i = optind; i < argc; i++)
		words_add(&options.assignments, "%s", argv[i]);
	if ((!options.cd && !options.disk) || (options.answers && !options.cd))
		return verb_misuse(verb);
	if (options.answers && strchr(options.answers, ',')) {
		fprintf(stderr, "hvm: '%s': a directory with a comma cannot be laid over a CD\n",
			options.answers);
		return VERB_MISUSED;
	}
	if ((options.snapshots || options.resume) && !keeps_snapshots(options.disk))
		return VERB_MISUSED;
	if (!options.name)
		options.name = name = derive_name(options.disk ? options.disk : options.cd);
	status = install_by(&options);
	free(name);
	words_finish(&options.values);
	words_finish(&options.assignments);
	return status;
}

/* clang-format off */
const struct verb verbs_install[] = {
	{ "install", "[OPTION...] [KEY=VALUE...]", "install an operating system without a screen",
	  "  -c, --cd FILE          the installation CD; started from once\n"
	  "  -a, --answers DIR      files laid over the CD: autounattend.xml, preseed.cfg, drivers\n"
	  "  -d, --disk FILE[,SIZE] the disk; made with SIZE (20G) if it is not there; .qcow2 by its name\n"
	  "  -r, --recipe NAME      what to do: a file, or one of those that come with hvm (watch)\n"
	  "  -s, --set NAME=TEXT    what $NAME stands for in the recipe\n"
	  "  -n, --name NAME        of the guest (by the disk's file)\n"
	  "  -m, --memory MIB       (1024)\n"
	  "  -l, --log DIRECTORY    for install.log and pictures (NAME.install)\n"
	  "  -k, --keep             leave the guest running\n"
	  "  -S, --snapshots        keep the last milestone, memory and disk\n"
	  "  -R, --resume           go on from there; with the other options as before\n\n"
	  "KEY=VALUE are those of hvm.cfg(5). hvm-recipe(5) tells how recipes are written.\n"
	  "Exit status: 0 installed, 1 failed, 3 something did not come in time, 4 the guest ended.\n",
	  run_install },
	{ 0 },
};
/* clang-format on */
