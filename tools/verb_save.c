// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest in a file: its configuration, then what its device model writes (docs/save-format.md).
 *
 *   hvmdm guest 1\n
 *   the folder in which it was created\n
 *   bytes of the configuration\n
 *   the configuration, the device model's stream
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bits.h"
#include "tools/config.h"
#include "tools/verb.h"
#include "tools/words.h"

#define FILE_MAGIC "hvmdm guest 1"

enum {
	SAVE_TIMEOUT_MS = 20 * 60 * 1000, /* a slow disk and much memory; an ended peer is seen */
	MAX_LINE = PATH_MAX + 2,
};

/* --- save --- */

struct save_options {
	bool leave_running, leave_paused;
};

static int write_head(int fd, const struct instance *instance, struct err *err)
{
	char *config = registry_read(instance->directory, "config");
	char *folder = registry_read(instance->directory, "folder");
	int result = 0;

	if (!config || !folder)
		result = err_set(err, -ENOENT, "the guest '%s' has lost its configuration",
				 instance->name);
	else if (dprintf(fd, FILE_MAGIC "\n%s\n%zu\n%s", folder, strlen(config), config) < 0)
		result = err_set_errno(err, -errno, "cannot write the saved guest");
	free(folder);
	free(config);
	return result;
}

static int write_state(struct qmp *qmp, int fd, struct err *err)
{
	struct json_object *arguments = json_object_new_object(), *answer = NULL;
	char name[64];
	int result;

	json_object_object_add(arguments, "opaque", json_object_new_string("saved guest"));
	result = qmp_run(qmp, "add-fd", arguments, fd, &answer, err);
	if (result < 0)
		return result;
	snprintf(name, sizeof(name), "/dev/fdset/%d", json_number_or(answer, "fdset-id", -1));
	json_object_put(answer);
	arguments = json_object_new_object();
	json_object_object_add(arguments, "filename", json_object_new_string(name));
	qmp->timeout_ms = SAVE_TIMEOUT_MS;
	result = qmp_run(qmp, "save-guest", arguments, -1, NULL, err);
	qmp->timeout_ms = QMP_TIMEOUT_MS;
	return result;
}

/** A guest that is to run no more stands still before it is saved, so that not one instruction
 * comes after; it runs on if it cannot be saved. */
static int save_to(struct qmp *qmp, const struct instance *instance, int fd,
		   const struct save_options *options, struct err *err)
{
	struct json_object *status = NULL;
	bool stops = !options->leave_running, ran;
	int result = qmp_run(qmp, "query-status", NULL, -1, &status, err);

	ran = strcmp(json_text_or(status, "status", ""), "running") == 0;
	json_object_put(status);
	if (result == 0 && stops && ran)
		result = qmp_run(qmp, "stop", NULL, -1, NULL, err);
	if (result == 0)
		result = write_head(fd, instance, err);
	if (result == 0)
		result = write_state(qmp, fd, err);
	if (result == 0 && fsync(fd) < 0)
		result = err_set_errno(err, -errno, "cannot write the saved guest");
	if (result < 0 && stops && ran)
		qmp_run(qmp, "cont", NULL, -1, NULL, NULL);
	return result;
}

/** Into a file beside it first: what was saved there before is lost only for something whole. */
static int save(struct qmp *qmp, const struct instance *instance, const char *path,
		const struct save_options *options, struct err *err)
{
	char *part = text_format("%s.part", path);
	int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), result;

	if (fd < 0) {
		result = err_set_errno(err, -errno, "cannot write '%s'", part);
		free(part);
		return result;
	}
	result = save_to(qmp, instance, fd, options, err);
	if (close(fd) < 0 && result == 0)
		result = err_set_errno(err, -errno, "cannot write '%s'", part);
	if (result == 0 && rename(part, path) < 0)
		result = err_set_errno(err, -errno, "cannot write '%s'", path);
	if (result < 0)
		unlink(part);
	free(part);
	return result;
}

static int save_guest(const char *guest, const char *path, const struct save_options *options)
{
	struct instance instance;
	struct err err = { 0 };
	struct qmp qmp;
	int result;

	if (!verb_find(&instance, guest))
		return VERB_FAILED;
	if (!verb_connect(&qmp, guest)) {
		instance_finish(&instance);
		return VERB_FAILED;
	}
	result = save(&qmp, &instance, path, options, &err);
	qmp_close(&qmp);
	if (result == 0 && !options->leave_running && !options->leave_paused)
		guest_destroy(instance.name);
	instance_finish(&instance);
	return result < 0 ? verb_fail(&err) : VERB_DONE;
}

static int run_save(const struct verb *verb, int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "checkpoint", no_argument, NULL, 'c' },
		{ "pause", no_argument, NULL, 'p' },
		{ 0 },
	};
	struct save_options options = { 0 };
	int letter;

	while ((letter = getopt_long(argc, argv, "cp", long_options, NULL)) != -1) {
		if (letter == 'c')
			options.leave_running = true;
		else if (letter == 'p')
			options.leave_paused = true;
		else
			return verb_misuse(verb);
	}
	if (argc - optind != 2)
		return verb_misuse(verb);
	return save_guest(argv[optind], argv[optind + 1], &options);
}

/* --- restore --- */

/** A line up to its end, and no byte behind it: the rest is for others. False: there is none. */
static bool read_line(int fd, char *line)
{
	for (size_t i = 0; i < MAX_LINE - 1; i++) {
		if (read(fd, line + i, 1) != 1 || line[i] == '\0')
			return false;
		if (line[i] == '\n') {
			line[i] = '\0';
			return true;
		}
	}
	return false;
}

/** The configuration, as a file of its own that is read like any other. -1 and errno. */
static int take_config(int fd, size_t length)
{
	char *text = malloc(length + 1);
	int copy = memfd_create("config", MFD_CLOEXEC);

	if (text && copy >= 0 &&
	    (read(fd, text, length) != (ssize_t)length || memchr(text, '\0', length) ||
	     write(copy, text, length) != (ssize_t)length)) {
		close(copy);
		copy = -1;
		errno = EINVAL;
	}
	free(text);
	return copy;
}

/** Opens the file up to where the device model's stream begins. */
static int open_saved(const char *path, char *folder, int *config, struct err *err)
{
	char line[MAX_LINE];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	unsigned long length = 0;
	char *end = line;

	if (fd < 0)
		return err_set_errno(err, -errno, "cannot read '%s'", path);
	*config = -1;
	if (read_line(fd, line) && strcmp(line, FILE_MAGIC) == 0 && read_line(fd, folder) &&
	    read_line(fd, line)) {
		length = strtoul(line, &end, 10);
		if (*line && !*end && length > 0 && length <= CONFIG_MAX_BYTES)
			*config = take_config(fd, length);
	}
	if (*config >= 0)
		return fd;
	close(fd);
	return err_set(err, -EINVAL, "'%s' is no guest that 'hvm save' has written", path);
}

static int restore(const char *path, const struct words *extra, bool paused)
{
	char folder[MAX_LINE], *config;
	struct err err = { 0 };
	int config_fd = -1, fd = open_saved(path, folder, &config_fd, &err), status;

	if (fd < 0)
		return verb_fail(&err);
	/* Images are named as they were when the guest was created. */
	if (chdir(folder) < 0)
		fprintf(stderr,
			"hvm: warning: the folder '%s', where the guest was created, is "
			"gone: images without a path are looked for here\n",
			folder);
	config = text_format("/proc/self/fd/%d", config_fd);
	status = guest_restore(config, extra, fd, paused);
	free(config);
	close(config_fd);
	close(fd);
	return status;
}

static int run_restore(const struct verb *verb, int argc, char **argv)
{
	static const struct option long_options[] = { { "paused", no_argument, NULL, 'p' }, { 0 } };
	struct words extra = { 0 };
	bool paused = false;
	int letter, status;

	while ((letter = getopt_long(argc, argv, "p", long_options, NULL)) != -1) {
		if (letter != 'p')
			return verb_misuse(verb);
		paused = true;
	}
	if (argc == optind)
		return verb_misuse(verb);
	for (int i = optind + 1; i < argc; i++)
		words_add(&extra, "%s", argv[i]);
	status = restore(argv[optind], &extra, paused);
	words_finish(&extra);
	return status;
}

/* clang-format off */
const struct verb verbs_save[] = {
	{ "save", "[-c|-p] GUEST FILE", "save a guest, memory and all, and end it",
	  "  -c, --checkpoint  it runs on\n"
	  "  -p, --pause       it stays, paused; its images are free for 'hvm disk'\n\n"
	  "Its disks are not in the file: they must be as they are now when it is restored\n"
	  "('hvm disk snapshot' keeps them).\n",
	  run_save },
	{ "restore", "[-p] FILE [KEY=VALUE...]", "go on with a guest that was saved",
	  "  -p, --paused      leave its processors stopped until 'hvm unpause'\n\n"
	  "KEY=VALUE change its configuration, in what the guest cannot see: name, vnclisten.\n",
	  run_restore },
	{ 0 },
};
/* clang-format on */
