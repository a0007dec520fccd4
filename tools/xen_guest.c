// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/xen_guest.h"

#include <errno.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "tools/words.h"

#define DEFAULT_RUN_DIR "/run/xen"

extern char **environ;

enum {
	MAX_DIGITS = 10,
};

static bool is_number(const char *text)
{
	size_t length = strspn(text, "0123456789");

	return length > 0 && length <= MAX_DIGITS && text[length] == '\0';
}

/** What "xl domid NAME" says, without its newline. False: it has said on stderr why not. */
static bool ask_xl(const char *name, char *answer, size_t size)
{
	char *words[] = { "xl", "domid", (char *)name, NULL };
	posix_spawn_file_actions_t actions;
	int fds[2], status = -1;
	ssize_t got = 0;
	pid_t pid;

	if (pipe2(fds, 0) < 0)
		return false;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
	posix_spawn_file_actions_addclose(&actions, fds[0]);
	if (posix_spawnp(&pid, words[0], &actions, NULL, words, environ) == 0) {
		close(fds[1]);
		got = read(fds[0], answer, size - 1);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	} else {
		close(fds[1]);
	}
	close(fds[0]);
	posix_spawn_file_actions_destroy(&actions);
	answer[got > 0 ? got : 0] = '\0';
	answer[strcspn(answer, "\n")] = '\0';
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

char *xen_guest_socket(const char *name_or_number, struct err *err)
{
	const char *directory = getenv("HVM_XEN_RUN_DIR");
	char answer[MAX_DIGITS + 2], *path;

	if (is_number(name_or_number)) {
		strcpy(answer, name_or_number);
	} else if (*name_or_number == '-' || !ask_xl(name_or_number, answer, sizeof(answer)) ||
		   !is_number(answer)) {
		err_set(err, -ESRCH, "xl knows no guest '%s' ('xl list' shows them)",
			name_or_number);
		return NULL;
	}
	path = text_format("%s/qmp-libxenstat-%s",
			   directory && *directory ? directory : DEFAULT_RUN_DIR, answer);
	if (access(path, F_OK) < 0) {
		err_set(err, -ESRCH, "the guest '%s' has no device model that answers at '%s'",
			name_or_number, path);
		free(path);
		return NULL;
	}
	return path;
}
