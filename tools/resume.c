// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/resume.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "tools/registry.h"
#include "tools/verb.h"
#include "tools/words.h"

#define RESUME_FILE "resume"

static char *guest_file(const struct resume *resume, unsigned line)
{
	return text_format("%s/%u.guest", resume->directory, line);
}

/** Runs a verb with what stands behind it. 0, or -EREMOTEIO: it has said why. */
static int run(struct words *words)
{
	int status = verb_run(words);

	words_finish(words);
	return status == VERB_DONE ? 0 : -EREMOTEIO;
}

static int run_on_guest(const char *verb, const char *option, const char *guest, const char *file)
{
	struct words words = { 0 };

	words_add(&words, "%s", verb);
	if (option)
		words_add(&words, "%s", option);
	if (guest)
		words_add(&words, "%s", guest);
	if (file)
		words_add(&words, "%s", file);
	return run(&words);
}

/** "-c", "-a" or "-d": makes, puts back or deletes the disk's snapshot of a milestone. */
static int run_on_disk(const struct resume *resume, const char *action, unsigned line)
{
	struct words words = { 0 };

	words_add(&words, "disk");
	words_add(&words, "snapshot");
	words_add(&words, "%s", action);
	words_add(&words, "install-%u", line);
	words_add(&words, "%s", resume->disk);
	return run(&words);
}

int resume_find(const struct resume *resume, struct resume_point *point, struct err *err)
{
	char *text = registry_read(resume->directory, RESUME_FILE), *end;
	unsigned long line = text ? strtoul(text, &end, 10) : 0;

	if (line == 0 || line > INT32_MAX || *end != ' ') {
		free(text);
		return err_set(err, -ENOENT,
			       "no milestone is kept in '%s': install with --snapshots",
			       resume->directory);
	}
	*point = (struct resume_point){ .line = (unsigned)line, .text = text_copy(end + 1) };
	free(text);
	return 0;
}

static void remove_point(const struct resume *resume, unsigned line)
{
	char *file = guest_file(resume, line);

	run_on_disk(resume, "-d", line);
	unlink(file);
	free(file);
}

/** The disk's snapshot is made while the guest stands still and has given its images up. */
static int keep_guest(const struct resume *resume, unsigned line)
{
	char *file = guest_file(resume, line);
	int result = run_on_guest("save", "-p", resume->guest, file);

	free(file);
	if (result < 0)
		return result;
	result = run_on_disk(resume, "-c", line);
	if (run_on_guest("unpause", NULL, resume->guest, NULL) < 0)
		result = -EREMOTEIO;
	return result;
}

int resume_keep(const struct resume *resume, const struct resume_point *point, struct err *err)
{
	struct resume_point before = { 0 };
	bool has_before = resume_find(resume, &before, NULL) == 0;
	char *text = text_format("%u %s\n", point->line, point->text);
	int result;

	/* A milestone that a rule comes to again. */
	if (has_before && before.line == point->line)
		result = 0;
	else if (keep_guest(resume, point->line) < 0)
		result = err_set(err, -EIO, "the milestone '%s' cannot be kept", point->text);
	else
		result = registry_write(resume->directory, RESUME_FILE, text, err);
	if (result == 0 && has_before && before.line != point->line)
		remove_point(resume, before.line);
	free(before.text);
	free(text);
	return result;
}

int resume_start(const struct resume *resume, const struct resume_point *point, struct err *err)
{
	char *file = guest_file(resume, point->line);
	int result = run_on_disk(resume, "-a", point->line);

	if (result == 0)
		result = run_on_guest("restore", NULL, NULL, file);
	free(file);
	return result < 0 ? err_set(err, -EIO, "the milestone '%s' cannot be gone back to",
				    point->text)
			  : 0;
}

void resume_drop(const struct resume *resume)
{
	struct resume_point point;
	char *path;

	if (resume_find(resume, &point, NULL) < 0)
		return;
	path = text_format("%s/" RESUME_FILE, resume->directory);
	unlink(path);
	remove_point(resume, point.line);
	free(path);
	free(point.text);
}
