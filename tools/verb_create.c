// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/arguments.h"
#include "tools/config.h"
#include "tools/guest.h"
#include "tools/start.h"
#include "tools/verb.h"
#include "tools/words.h"

#define DEFAULT_USER "hvmdm"

struct create_options {
	bool dry_run, paused, console, viewer, wait, quiet;
	int incoming; /* descriptor of a saved guest, or -1 */
};

/** The device model that belongs to this tool: chosen by HVMDM, beside it in a build tree, or
 * where it is installed. The caller frees it. */
static char *find_device_model(const struct guest *guest)
{
	const char *chosen = guest->device_model ? guest->device_model : getenv("HVMDM");
	char self[4096], *slash, *path, *sibling;
	ssize_t length;

	if (chosen && *chosen)
		return text_copy(chosen);
	length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (length > 0) {
		self[length] = '\0';
		slash = strrchr(self, '/');
		path = text_format("%.*s/../dm/hvmdm", (int)(slash - self), self);
		sibling = realpath(path, NULL);
		free(path);
		if (sibling && access(sibling, X_OK) == 0)
			return sibling;
		free(sibling);
	}
	return text_copy(HVMDM_PATH);
}

/** Whom the device model becomes: the configuration's choice, or hvmdm if there is such a user. */
static const char *find_user(const struct guest *guest, struct words *notes)
{
	if (guest->user)
		return guest->user;
	if (geteuid() != 0)
		return NULL;
	if (getpwnam(DEFAULT_USER))
		return DEFAULT_USER;
	words_add(notes, "note: there is no user '" DEFAULT_USER "' for device models; they share "
			 "nobody (adduser --system --group --no-create-home " DEFAULT_USER ")");
	return NULL;
}

static void print_notes(const struct words *notes, bool quiet)
{
	for (size_t i = 0; i < notes->count; i++)
		if (!quiet || strncmp(notes->items[i], "note:", 5) != 0)
			fprintf(stderr, "hvm: %s\n", notes->items[i]);
}

static int set_vnc_password(struct qmp *qmp, const char *password, struct err *err)
{
	struct json_object *arguments = json_object_new_object();

	json_object_object_add(arguments, "password", json_object_new_string(password));
	return qmp_run(qmp, "change-vnc-password", arguments, -1, NULL, err);
}

/** What is left to do once the device model answers; and tells the user where the guest is. */
static int finish_start(const struct guest *guest, bool quiet, struct err *err)
{
	struct instance instance;
	char *path, *screen = NULL;
	struct qmp qmp;
	int result = registry_find(&instance, guest->name, err);

	if (result < 0)
		return result;
	path = instance_path(&instance, "qmp");
	result = qmp_open(&qmp, path, QMP_TIMEOUT_MS, err);
	if (result == 0) {
		if (guest->vnc.password && *guest->vnc.password)
			result = set_vnc_password(&qmp, guest->vnc.password, err);
		if (guest->vnc.on && result == 0)
			screen = screen_find(&qmp, NULL);
		qmp_close(&qmp);
	}
	if (result < 0)
		instance_kill(&instance);
	else if (!quiet)
		printf("%s: started, PID %ld%s%s\n", guest->name, (long)instance.pid,
		       screen ? ", screen at " : "", screen ? screen : "");
	free(screen);
	free(path);
	instance_finish(&instance);
	return result;
}

/** Where it was created: images without a path are there. */
static int write_folder(const struct instance *instance, struct err *err)
{
	char *folder = getcwd(NULL, 0), *line;
	int result;

	if (!folder)
		return err_set_errno(err, -errno, "cannot tell the current folder");
	line = text_format("%s\n", folder);
	result = registry_write(instance->directory, "folder", line, err);
	free(line);
	free(folder);
	return result;
}

static int write_papers(const struct instance *instance, const struct config *config,
			const struct words *arguments, struct err *err)
{
	char *line = words_quote(arguments);
	char *text = text_format("%s\n", line), pid[32];
	int result = registry_write(instance->directory, "cmdline", text, err);

	/* Until the keeper is there, the guest is this process's to make. */
	snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	if (result == 0)
		result = registry_write(instance->directory, "keeper", pid, err);
	if (result == 0)
		result = registry_write(instance->directory, "config", config_text(config), err);
	if (result == 0)
		result = write_folder(instance, err);
	free(line);
	free(text);
	return result;
}

static int make_place(struct instance *instance, const char *name, struct err *err)
{
	struct instance found;
	int result = registry_make(instance, name, err);

	if (result != -EEXIST || registry_find(&found, name, NULL) < 0)
		return result;
	if (found.state == STATE_CRASHED)
		err_set(err, result,
			"the guest '%s' has crashed: see 'hvm log %s', then 'hvm destroy %s'", name,
			name, name);
	else
		err_set(err, result, "the guest '%s' is running already (PID %ld)", name,
			(long)found.pid);
	instance_finish(&found);
	return result;
}

static int start(const struct guest *guest, const struct config *config,
		 const struct arguments_place *wanted, int incoming, struct err *err)
{
	struct arguments_place place = *wanted;
	struct words arguments = { 0 };
	struct instance instance;
	int result = make_place(&instance, guest->name, err);

	if (result < 0)
		return result;
	place.directory = instance.directory;
	arguments_make(&arguments, guest, &place);
	result = write_papers(&instance, config, &arguments, err);
	if (result < 0)
		registry_remove(instance.directory);
	else
		result = start_guest(&instance, &arguments, guest, incoming, err);
	words_finish(&arguments);
	instance_finish(&instance);
	return result;
}

static int print_arguments(const struct guest *guest, const struct arguments_place *wanted,
			   struct err *err)
{
	struct arguments_place place = *wanted;
	struct words arguments = { 0 };
	char *root = registry_root(err), *directory, *line;

	if (!root)
		return -ENOENT;
	directory = text_format("%s/%s", root, guest->name);
	place.directory = directory;
	arguments_make(&arguments, guest, &place);
	line = words_quote(&arguments);
	puts(line);
	free(line);
	free(directory);
	free(root);
	words_finish(&arguments);
	return 0;
}

/** Stays until the guest's device model has ended. */
static void wait_for_end(const char *name)
{
	struct instance instance;

	if (registry_find(&instance, name, NULL) < 0)
		return;
	instance_wait(&instance, -1);
	instance_finish(&instance);
}

static int create(const struct guest *guest, const struct config *config,
		  const struct create_options *options, struct words *notes)
{
	struct arguments_place place = { .paused = options->paused };
	char *program = find_device_model(guest);
	struct err err = { 0 };
	int result, status = VERB_DONE;

	place.program = program;
	place.user = find_user(guest, notes);
	print_notes(notes, options->quiet);
	if (options->dry_run)
		result = print_arguments(guest, &place, &err);
	else
		result = start(guest, config, &place, options->incoming, &err);
	if (result == 0 && !options->dry_run)
		result = finish_start(guest, options->quiet, &err);
	free(program);
	if (result < 0)
		return verb_fail(&err);
	if (options->dry_run)
		return VERB_DONE;
	if (guest->vnc.on && (options->viewer || guest->vncviewer))
		status = viewer_start(guest->name, true);
	if (options->console)
		status = console_attach(guest->name, 0);
	if (options->wait)
		wait_for_end(guest->name);
	return status;
}

/** The assignments behind the file's name, and the file's name itself. */
static const char *take_words(int argc, char **argv, struct words *extra)
{
	const char *path = NULL;

	for (int i = optind; i < argc; i++) {
		if (!path && !(strchr(argv[i], '=') && access(argv[i], F_OK) < 0))
			path = argv[i];
		else
			words_add(extra, "%s", argv[i]);
	}
	return path;
}

static int create_from(const char *path, const struct words *extra,
		       const struct create_options *options)
{
	struct err err = { 0 };
	struct words notes = { 0 };
	struct guest guest;
	struct config *config = config_read(path, extra, &err);
	int status;

	if (!config)
		return verb_fail(&err);
	if (guest_read(&guest, config, &notes, &err) < 0) {
		err_prefix(&err, "%s", strcmp(path, "-") == 0 ? "standard input" : path);
		status = verb_fail(&err);
	} else {
		status = create(&guest, config, options, &notes);
		guest_finish(&guest);
	}
	words_finish(&notes);
	config_free(config);
	return status;
}

int guest_restore(const char *config, const struct words *extra, int fd, bool paused)
{
	struct create_options options = { .paused = paused, .incoming = fd };

	return create_from(config, extra, &options);
}

static int run_create(const struct verb *verb, int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "dry-run", no_argument, NULL, 'n' },
		{ "dryrun", no_argument, NULL, 'n' },
		{ "paused", no_argument, NULL, 'p' },
		{ "console", no_argument, NULL, 'c' },
		{ "vncviewer", no_argument, NULL, 'V' },
		{ "wait", no_argument, NULL, 'w' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "defconfig", required_argument, NULL, 'f' },
		{ NULL, 0, NULL, 0 },
	};
	struct create_options options = { .incoming = -1 };
	struct words extra = { 0 };
	const char *path = NULL;
	int letter, status;

	while ((letter = getopt_long(argc, argv, "npcVwqFef:", long_options, NULL)) != -1) {
		switch (letter) {
		case 'n':
			options.dry_run = true;
			break;
		case 'p':
			options.paused = true;
			break;
		case 'c':
			options.console = true;
			break;
		case 'V':
			options.viewer = true;
			break;
		case 'w':
		case 'F':
			options.wait = true;
			break;
		case 'q':
			options.quiet = true;
			break;
		case 'f':
			path = optarg;
			break;
		case 'e': /* xl: leave no process behind; here that is not the tool's choice */
			break;
		default:
			return verb_misuse(verb);
		}
	}
	if (path) {
		for (int i = optind; i < argc; i++)
			words_add(&extra, "%s", argv[i]);
	} else {
		path = take_words(argc, argv, &extra);
	}
	status = path ? create_from(path, &extra, &options) : verb_misuse(verb);
	words_finish(&extra);
	return status;
}

const struct verb verbs_create[] = {
	{ "create", "[OPTION...] FILE [KEY=VALUE...]", "start a guest from a configuration file",
	  "  -n, --dry-run    print the device model's arguments and start nothing\n"
	  "  -p, --paused     leave its processors stopped until 'hvm unpause'\n"
	  "  -c, --console    attach to its serial console\n"
	  "  -V, --vncviewer  start a viewer of its screen\n"
	  "  -w, --wait       return when the guest has ended\n"
	  "  -q, --quiet      no notes, only warnings\n\n"
	  "Assignments behind FILE win over those in it. FILE '-' is standard input.\n"
	  "The guest's run directory is $HVM_RUN_DIR/NAME, /run/hvmdm/NAME for root, or\n"
	  "$XDG_RUNTIME_DIR/hvmdm/NAME. HVMDM names another device model.\n",
	  run_create },
	{ 0 },
};
