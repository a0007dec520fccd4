// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/medium.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "tools/words.h"

/** What stands behind 'prefix'; NULL if 'text' does not begin so. */
static const char *behind(const char *text, const char *prefix)
{
	size_t length = strlen(prefix);

	return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

int medium_parse(struct medium *medium, const char *text, struct err *err)
{
	const char *floppy = behind(text, "floppy:");
	const char *directory = floppy ? floppy : behind(text, "dir:");
	const char *overlay = behind(text, "overlay:"), *file = behind(text, "file:");
	const char *comma = overlay ? strchr(overlay, ',') : NULL;

	*medium = (struct medium){ .is_directory = directory != NULL, .is_floppy = floppy != NULL };
	if ((directory && !*directory) || (overlay && (!comma || comma == overlay || !comma[1])))
		return err_set(err, -EINVAL,
			       "'%s': write dir:DIRECTORY, or overlay:DIRECTORY,IMAGE", text);
	if (overlay) {
		medium->overlay = text_format("%.*s", (int)(comma - overlay), overlay);
		medium->path = text_copy(comma + 1);
		return 0;
	}
	medium->path = text_copy(directory ? directory : file ? file : text);
	return 0;
}

void medium_finish(struct medium *medium)
{
	free(medium->path);
	free(medium->overlay);
	*medium = (struct medium){ 0 };
}

const char *medium_format(const struct medium *medium, const char *otherwise)
{
	if (medium->is_directory)
		return "directory";
	return medium->overlay ? "overlay" : otherwise;
}

char *medium_absolute(const char *path)
{
	char *cwd, *absolute;

	if (*path == '/')
		return text_copy(path);
	cwd = getcwd(NULL, 0);
	absolute = text_format("%s/%s", cwd ? cwd : "", path);
	free(cwd);
	return absolute;
}
