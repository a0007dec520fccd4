// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * list and top: what runs on this host, from the run directories, /proc and each guest's own
 * answer.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/config.h"
#include "tools/guest.h"
#include "tools/verb.h"
#include "tools/words.h"

enum {
	STATUS_TIMEOUT_MS = 500, /* a device model that takes longer is shown as not answering */
};

/** A line of the table. */
struct row {
	const struct instance *instance;
	unsigned memory_mib, vcpus;
	char state[24];
	double cpu_seconds;
	unsigned long resident_kib;
};

/** Processor time of a process since it began. */
static double read_cpu_seconds(pid_t pid)
{
	char path[64], text[1024] = "", *fields;
	unsigned long user = 0, system = 0;
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	in = fopen(path, "re");
	if (!in)
		return 0;
	if (!fgets(text, sizeof(text), in))
		text[0] = '\0';
	fclose(in);
	/* The second field is the program's name in parentheses, which may hold anything. */
	fields = strrchr(text, ')');
	if (!fields || sscanf(fields, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
			      &user, &system) != 2)
		return 0;
	return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static unsigned long read_resident_kib(pid_t pid)
{
	char path[64];
	unsigned long resident = 0;
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%ld/statm", (long)pid);
	in = fopen(path, "re");
	if (!in)
		return 0;
	if (fscanf(in, "%*u %lu", &resident) != 1)
		resident = 0;
	fclose(in);
	return resident * (unsigned long)(sysconf(_SC_PAGESIZE) / 1024);
}

static void ask_state(const struct instance *instance, char *state, size_t size)
{
	char *path = instance_path(instance, "qmp-stat");
	struct json_object *answer = NULL;
	struct qmp qmp;

	snprintf(state, size, "no-answer");
	if (qmp_open(&qmp, path, STATUS_TIMEOUT_MS, NULL) == 0) {
		if (qmp_run(&qmp, "query-status", NULL, -1, &answer, NULL) == 0)
			snprintf(state, size, "%s", json_text_or(answer, "status", "running"));
		json_object_put(answer);
		qmp_close(&qmp);
	}
	free(path);
}

/** Memory and processors stand in the configuration that was kept. */
static void read_size(const struct instance *instance, struct row *row)
{
	char *path = instance_path(instance, "config");
	struct config *config = config_read(path, NULL, NULL);
	long memory = GUEST_DEFAULT_MEMORY_MIB, vcpus = 1;

	free(path);
	if (config) {
		config_get_number(config, "memory", 1, GUEST_MAX_MEMORY_MIB, &memory, NULL);
		config_get_number(config, "vcpus", 1, GUEST_MAX_VCPUS, &vcpus, NULL);
		config_free(config);
	}
	row->memory_mib = (unsigned)memory;
	row->vcpus = (unsigned)vcpus;
}

static void fill_row(struct row *row, const struct instance *instance)
{
	*row = (struct row){ .instance = instance };
	read_size(instance, row);
	switch (instance->state) {
	case STATE_RUNNING:
		ask_state(instance, row->state, sizeof(row->state));
		row->cpu_seconds = read_cpu_seconds(instance->pid);
		row->resident_kib = read_resident_kib(instance->pid);
		break;
	case STATE_STARTING:
		snprintf(row->state, sizeof(row->state), "starting");
		break;
	case STATE_ENDING:
		snprintf(row->state, sizeof(row->state), "ending");
		break;
	case STATE_CRASHED:
		snprintf(row->state, sizeof(row->state), "crashed");
		break;
	}
}

static void format_pid(char *text, size_t size, const struct instance *instance)
{
	if (instance->pid > 0)
		snprintf(text, size, "%ld", (long)instance->pid);
	else
		snprintf(text, size, "-");
}

static void print_table(const struct instances *instances)
{
	printf("%-28s %7s %6s %5s  %-10s %9s\n", "Name", "PID", "Mem", "VCPUs", "State", "Time(s)");
	for (size_t i = 0; i < instances->count; i++) {
		struct row row;
		char pid[16];

		fill_row(&row, &instances->items[i]);
		format_pid(pid, sizeof(pid), row.instance);
		printf("%-28s %7s %6u %5u  %-10s %9.1f\n", row.instance->name, pid, row.memory_mib,
		       row.vcpus, row.state, row.cpu_seconds);
	}
}

static struct json_object *describe(const struct instance *instance)
{
	struct json_object *object = json_object_new_object();
	char *text = registry_read(instance->directory, "cmdline");
	struct row row;
	char time[32];

	fill_row(&row, instance);
	snprintf(time, sizeof(time), "%.1f", row.cpu_seconds);
	json_object_object_add(object, "name", json_object_new_string(instance->name));
	json_object_object_add(object, "pid",
			       instance->pid > 0 ? json_object_new_int((int)instance->pid) : NULL);
	json_object_object_add(object, "memory", json_object_new_int((int)row.memory_mib));
	json_object_object_add(object, "vcpus", json_object_new_int((int)row.vcpus));
	json_object_object_add(object, "state", json_object_new_string(row.state));
	json_object_object_add(object, "time", json_object_new_double_s(row.cpu_seconds, time));
	json_object_object_add(object, "resident-kib",
			       json_object_new_int64((int64_t)row.resident_kib));
	json_object_object_add(object, "run-directory",
			       json_object_new_string(instance->directory));
	json_object_object_add(object, "ended",
			       instance->ended ? json_object_new_string(instance->ended) : NULL);
	json_object_object_add(object, "cmdline", json_object_new_string(text ? text : ""));
	free(text);
	return object;
}

static void print_json(const struct instances *instances)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < instances->count; i++)
		json_object_array_add(array, describe(&instances->items[i]));
	puts(json_object_to_json_string_ext(array, JSON_C_TO_STRING_PRETTY |
							   JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(array);
}

/** All guests, or those that are named. False: one is unknown, and the user has been told. */
static bool select_instances(struct instances *instances, int argc, char **argv)
{
	struct err err = { 0 };

	*instances = (struct instances){ 0 };
	if (argc == 0) {
		if (registry_list(instances, &err) == 0)
			return true;
		verb_fail(&err);
		return false;
	}
	instances->items = calloc((size_t)argc, sizeof(*instances->items));
	for (int i = 0; instances->items && i < argc; i++) {
		if (!verb_find(&instances->items[i], argv[i])) {
			registry_list_finish(instances);
			return false;
		}
		instances->count++;
	}
	return true;
}

static int run_list(const struct verb *verb, int argc, char **argv)
{
	static const struct option long_options[] = { { "long", no_argument, NULL, 'l' },
						      { NULL, 0, NULL, 0 } };
	struct instances instances;
	bool json = false;
	int letter;

	while ((letter = getopt_long(argc, argv, "l", long_options, NULL)) != -1) {
		if (letter != 'l')
			return verb_misuse(verb);
		json = true;
	}
	if (!select_instances(&instances, argc - optind, argv + optind))
		return VERB_FAILED;
	if (json)
		print_json(&instances);
	else
		print_table(&instances);
	registry_list_finish(&instances);
	return VERB_DONE;
}

static int run_domid(const struct verb *verb, int argc, char **argv)
{
	struct instance instance;

	if (argc != 2)
		return verb_misuse(verb);
	if (!verb_find(&instance, argv[1]))
		return VERB_FAILED;
	if (instance.pid > 0)
		printf("%ld\n", (long)instance.pid);
	else
		fprintf(stderr, "hvm: the guest '%s' has no process\n", instance.name);
	argc = instance.pid > 0 ? VERB_DONE : VERB_FAILED;
	instance_finish(&instance);
	return argc;
}

/* top */

/** What was seen of a process the last time. */
struct sample {
	pid_t pid;
	double cpu_seconds;
};

struct samples {
	struct sample *items;
	size_t count;
	double at;
};

static double now_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double find_usage(const struct samples *before, const struct row *row, double now)
{
	for (size_t i = 0; i < before->count; i++)
		if (before->items[i].pid == row->instance->pid && now > before->at)
			return 100 * (row->cpu_seconds - before->items[i].cpu_seconds) /
			       (now - before->at);
	return 0;
}

static void print_top(const struct instances *instances, struct samples *samples)
{
	struct samples next = { .at = now_seconds() };

	next.items = calloc(instances->count + 1, sizeof(*next.items));
	printf("%-28s %7s %-10s %6s %7s %9s %9s\n", "Name", "PID", "State", "VCPUs", "CPU(%)",
	       "Mem(MiB)", "RSS(MiB)");
	for (size_t i = 0; i < instances->count && next.items; i++) {
		struct row row;
		char pid[16];

		fill_row(&row, &instances->items[i]);
		format_pid(pid, sizeof(pid), row.instance);
		printf("%-28s %7s %-10s %6u %7.1f %9u %9lu\n", row.instance->name, pid, row.state,
		       row.vcpus, find_usage(samples, &row, next.at), row.memory_mib,
		       row.resident_kib / 1024);
		next.items[next.count++] =
			(struct sample){ .pid = row.instance->pid, .cpu_seconds = row.cpu_seconds };
	}
	free(samples->items);
	*samples = next;
}

/** Waits between two pictures. True: the user has had enough (q and Enter, or end of input). */
static bool wait_for_quit(int delay_ms)
{
	struct pollfd poll_fd = { .fd = STDIN_FILENO, .events = POLLIN };
	char c = '\0';

	if (!isatty(STDIN_FILENO)) {
		poll(NULL, 0, delay_ms);
		return false;
	}
	return poll(&poll_fd, 1, delay_ms) > 0 && (read(STDIN_FILENO, &c, 1) != 1 || c == 'q');
}

static int run_top(const struct verb *verb, int argc, char **argv)
{
	static const struct option long_options[] = { { "delay", required_argument, NULL, 'd' },
						      { "iterations", required_argument, NULL,
							'n' },
						      { "batch", no_argument, NULL, 'b' },
						      { NULL, 0, NULL, 0 } };
	struct samples samples = { 0 };
	bool clear = isatty(STDOUT_FILENO);
	double delay = 2;
	long rounds = -1;
	int letter;

	while ((letter = getopt_long(argc, argv, "d:n:b", long_options, NULL)) != -1) {
		if (letter == 'd')
			delay = strtod(optarg, NULL);
		else if (letter == 'n')
			rounds = strtol(optarg, NULL, 10);
		else if (letter == 'b')
			clear = false;
		else
			return verb_misuse(verb);
	}
	if (optind != argc || !(delay >= 0.1 && delay <= 3600) || rounds == 0)
		return verb_misuse(verb);
	for (;;) {
		struct instances instances;

		if (!select_instances(&instances, 0, NULL))
			break;
		if (clear)
			fputs("\033[H\033[2J", stdout);
		print_top(&instances, &samples);
		registry_list_finish(&instances);
		if (fflush(stdout) != 0 || (rounds > 0 && --rounds == 0) ||
		    wait_for_quit((int)(delay * 1000)))
			break;
	}
	free(samples.items);
	return VERB_DONE;
}

const struct verb verbs_list[] = {
	{ "list", "[-l|--long] [GUEST...]", "show guests and what they do",
	  "  -l, --long  as JSON, with all that is known\n\n"
	  "State is the guest's own answer (running, paused, shutdown ...), 'starting', 'ending',\n"
	  "'no-answer' from a device model that hangs, or 'crashed' for a guest whose device\n"
	  "model has died: 'hvm log' tells more, 'hvm destroy' cleans up.\n",
	  run_list },
	{ "domid", "GUEST", "print a guest's number (its PID)", NULL, run_domid },
	{ "top", "[-b] [-d SECONDS] [-n TIMES]", "show processor and memory use, again and again",
	  "  -b, --batch       do not clear the screen\n"
	  "  -d, --delay       seconds between two pictures (2)\n"
	  "  -n, --iterations  how many pictures; 'q' and Enter end it, too\n",
	  run_top },
	{ 0 },
};
