// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hvm, the operator's tool on a KVM host: finds the verb and leaves the rest to it.
 */
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bits.h"
#include "tools/verb.h"
#include "tools/words.h"
#include "tools/xen_guest.h"

extern char **environ;

static int run_help(const struct verb *verb, int argc, char **argv);
static int run_version(const struct verb *verb, int argc, char **argv);

static const struct verb verbs_self[] = {
	{ "help", "[VERB]", "this list, or what a verb does", NULL, run_help },
	{ "version", "", "version of hvm and its device model", NULL, run_version },
	{ 0 },
};

static const struct verb *const verb_lists[] = { verbs_create, verbs_list,    verbs_power,
						 verbs_media,  verbs_save,    verbs_screen,
						 verbs_text,   verbs_wait,    verbs_events,
						 verbs_click,  verbs_install, verbs_console,
						 verbs_disk,   verbs_usb,     verbs_self };

/** Verbs that administrators know from xl, and that are not there yet. */
static const char *const verbs_to_come[] = { "migrate", "mem-set", "mem-max", "rename", NULL };

/** What hvm does to guests that xl has started; the rest is xl's. */
static const char *const verbs_for_xen[] = {
	"click", "events", "expect", "key", "qemu-monitor-command", "screen", "screenshot",
	"sysrq", "type",   "wait",   NULL
};

static bool guests_are_xens; /* --xen */

int verb_fail(const struct err *err)
{
	fprintf(stderr, "hvm: %s\n", err->text);
	return VERB_FAILED;
}

int verb_misuse(const struct verb *verb)
{
	fprintf(stderr, "usage: hvm %s %s\n", verb->name, verb->usage);
	return VERB_MISUSED;
}

bool verb_find(struct instance *instance, const char *name_or_number)
{
	struct err err = { 0 };

	if (registry_find(instance, name_or_number, &err) == 0)
		return true;
	verb_fail(&err);
	return false;
}

int verb_run(const struct words *words)
{
	struct words all = { 0 };
	int status = -1;
	pid_t pid;

	words_add(&all, "hvm");
	for (size_t i = 0; i < words->count; i++)
		words_add(&all, "%s", words->items[i]);
	if (posix_spawn(&pid, "/proc/self/exe", NULL, NULL, all.items, environ) == 0)
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	words_finish(&all);
	return status >= 0 && WIFEXITED(status) ? WEXITSTATUS(status) : VERB_FAILED;
}

static bool connect_to_xen(struct qmp *qmp, const char *name_or_number)
{
	struct err err = { 0 };
	char *path = xen_guest_socket(name_or_number, &err);
	bool connected = path && qmp_open(qmp, path, QMP_TIMEOUT_MS, &err) == 0;

	if (!connected)
		verb_fail(&err);
	free(path);
	return connected;
}

bool verb_connect(struct qmp *qmp, const char *name_or_number)
{
	struct instance instance;
	struct err err = { 0 };
	bool connected = false;
	char *path;

	if (guests_are_xens)
		return connect_to_xen(qmp, name_or_number);
	if (!verb_find(&instance, name_or_number))
		return false;
	path = instance_path(&instance, "qmp");
	if (instance.state == STATE_CRASHED)
		fprintf(stderr,
			"hvm: the guest '%s' has crashed: see 'hvm log %s', then 'hvm destroy "
			"%s'\n",
			instance.name, instance.name, instance.name);
	else if (qmp_open(qmp, path, QMP_TIMEOUT_MS, &err) < 0)
		verb_fail(&err);
	else
		connected = true;
	free(path);
	instance_finish(&instance);
	return connected;
}

int verb_command(const char *name_or_number, const char *command, struct json_object *arguments)
{
	struct err err = { 0 };
	struct qmp qmp;
	int result;

	if (!verb_connect(&qmp, name_or_number)) {
		json_object_put(arguments);
		return VERB_FAILED;
	}
	result = qmp_run(&qmp, command, arguments, -1, NULL, &err);
	qmp_close(&qmp);
	return result < 0 ? verb_fail(&err) : VERB_DONE;
}

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(verb_lists); i++)
		for (const struct verb *verb = verb_lists[i]; verb->name; verb++)
			if (strcmp(verb->name, name) == 0)
				return verb;
	return NULL;
}

static void print_verbs(FILE *out)
{
	fprintf(out, "usage: hvm [--xen] VERB [ARGUMENT...]\n\nRuns HVM guests on a host with KVM, "
		     "from the "
		     "configuration files of xl and xm.\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(verb_lists); i++)
		for (const struct verb *verb = verb_lists[i]; verb->name; verb++)
			fprintf(out, "  %-22s %s\n", verb->name, verb->summary);
	fprintf(out, "\nA guest is named by its name or by the PID that 'hvm list' shows; with "
		     "--xen it is one that xl has started.\n"
		     "'hvm help VERB' says more. See also hvm(1), hvm.cfg(5).\n");
}

static void print_verb(const struct verb *verb)
{
	printf("usage: hvm %s %s\n\n%s\n", verb->name, verb->usage, verb->summary);
	if (verb->details)
		printf("\n%s", verb->details);
}

static int refuse_verb(const char *name)
{
	const char *names[64] = { NULL }, *near;
	size_t count = 0;

	for (size_t i = 0; verbs_to_come[i]; i++) {
		if (strcmp(name, verbs_to_come[i]) == 0) {
			fprintf(stderr, "hvm: '%s' is not in this release\n", name);
			return VERB_MISUSED;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(verb_lists); i++)
		for (const struct verb *verb = verb_lists[i]; verb->name && count < 63; verb++)
			names[count++] = verb->name;
	near = err_nearest_word(name, names);
	fprintf(stderr, "hvm: unknown verb '%s'%s%s%s ('hvm help' lists them)\n", name,
		near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
	return VERB_MISUSED;
}

static int run_help(const struct verb *verb, int argc, char **argv)
{
	(void)verb;
	if (argc < 2) {
		print_verbs(stdout);
		return VERB_DONE;
	}
	verb = find_verb(argv[1]);
	if (!verb)
		return refuse_verb(argv[1]);
	print_verb(verb);
	return VERB_DONE;
}

static int run_version(const struct verb *verb, int argc, char **argv)
{
	(void)verb;
	(void)argc;
	(void)argv;
	printf("hvm %s\n", HVMDM_VERSION);
	return VERB_DONE;
}

static bool asks_for_help(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	return false;
}

static bool serves_xen(const char *name)
{
	for (size_t i = 0; verbs_for_xen[i]; i++)
		if (strcmp(verbs_for_xen[i], name) == 0)
			return true;
	return false;
}

int main(int argc, char **argv)
{
	const struct verb *verb;
	const char *name;
	int status;

	if (argc > 1 && strcmp(argv[1], "--xen") == 0) {
		guests_are_xens = true;
		argc--;
		argv++;
	}
	name = argc > 1 ? argv[1] : NULL;

	signal(SIGPIPE, SIG_IGN);
	if (!name) {
		print_verbs(stderr);
		return VERB_MISUSED;
	}
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		name = "help";
	if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
		name = "version";
	verb = find_verb(name);
	if (!verb)
		return refuse_verb(name);
	if (guests_are_xens && !serves_xen(name)) {
		fprintf(stderr, "hvm: under Xen '%s' is xl's to do\n", name);
		return VERB_MISUSED;
	}
	if (asks_for_help(argc - 1, argv + 1)) {
		print_verb(verb);
		return VERB_DONE;
	}
	status = verb->run(verb, argc - 1, argv + 1);
	if (fflush(stdout) != 0 && status == VERB_DONE)
		status = VERB_FAILED;
	return status;
}
