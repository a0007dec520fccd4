// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/start.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "tools/qmp.h"
#include "tools/registry.h"
#include "tools/words.h"

enum {
	EXIT_NOT_STARTED = 127,
	READY_TIMEOUT_S = 60, /* as libxl's */
	PROGRESS_MS = 3000,
	READY_STEP_MS = 5,
	KEEPER_PIPE_FD = 3,
	INCOMING_FD = 4,
	RESTART_MIN_LIFE_S = 10, /* a guest that ends sooner is not started again */
};

/* The keeper. It runs after fork in a process of its own, and never returns. */

/** Descriptors of whoever called hvm are nothing to a guest: only the pipe stays open, and the
 * saved guest (or -1). True: there is one. */
static bool close_inherited(int pipe_fd, int incoming)
{
	/* Out of the way of the places that they are to have. */
	pipe_fd = fcntl(pipe_fd, F_DUPFD_CLOEXEC, INCOMING_FD + 1);
	incoming = fcntl(incoming, F_DUPFD_CLOEXEC, INCOMING_FD + 1);
	dup3(pipe_fd, KEEPER_PIPE_FD, O_CLOEXEC);
	if (incoming >= 0)
		dup2(incoming, INCOMING_FD);
	close_range(incoming < 0 ? INCOMING_FD : INCOMING_FD + 1, ~0u, 0);
	return incoming >= 0;
}

static void become_background(const char *log)
{
	int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	setsid();
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	prctl(PR_SET_NAME, "hvm-keeper");
	if (null_fd >= 0)
		dup2(null_fd, STDIN_FILENO);
	if (log_fd >= 0) {
		dup2(log_fd, STDOUT_FILENO);
		dup2(log_fd, STDERR_FILENO);
	}
	if (chdir("/") < 0)
		dprintf(STDERR_FILENO, "hvm: cannot leave the directory: %s\n", strerror(errno));
}

static pid_t spawn(const struct words *arguments, bool incoming)
{
	pid_t pid = fork();
	struct words all = { 0 };

	if (pid != 0)
		return pid;
	for (size_t i = 0; i < arguments->count; i++)
		words_add(&all, "%s", arguments->items[i]);
	if (incoming) {
		words_add(&all, "-incoming");
		words_add(&all, "fd:%d", INCOMING_FD);
	}
	signal(SIGHUP, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	execv(all.items[0], all.items);
	dprintf(STDERR_FILENO, "hvm: cannot start '%s': %s\n", all.items[0], strerror(errno));
	_exit(EXIT_NOT_STARTED);
}

static void note_pid(const char *directory, const char *file, pid_t pid)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld\n", (long)pid);
	registry_write(directory, file, text, NULL);
}

static void note_end(const char *directory, int status)
{
	char *text = WIFSIGNALED(status)
			     ? text_format("killed by signal %d (%s)\n", WTERMSIG(status),
					   strsignal(WTERMSIG(status)))
			     : text_format("ended with status %d\n", WEXITSTATUS(status));

	registry_write(directory, "exit", text, NULL);
	/* One that ends by itself has said why. */
	if (WIFSIGNALED(status))
		dprintf(STDERR_FILENO, "hvm: the device model was %s", text);
	free(text);
}

static bool ended_well(int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/** 'hvm destroy' asks the keeper to stay out of the way. */
static bool is_destroyed(const char *directory)
{
	char *mark = registry_read(directory, "destroyed");

	free(mark);
	return mark != NULL;
}

/** Another guest of the same name may have taken the directory's place. */
static void leave_papers(const char *directory, int status)
{
	if (!registry_is_kept_by(directory, getpid()))
		return;
	if (ended_well(status))
		registry_remove(directory);
	else
		note_end(directory, status);
}

static void keep(const char *directory, const struct words *arguments, const struct guest *guest,
		 bool incoming)
{
	struct vif_taps taps = { .vifs = guest->vifs,
				 .count = guest->vif_count,
				 .guest = guest->name };
	struct err err = { 0 };

	note_pid(directory, "keeper", getpid());
	for (;;) {
		time_t started = time(NULL);
		int status = 0;
		bool again;
		pid_t pid;

		if (vif_open_taps(&taps, &err) < 0) {
			dprintf(STDERR_FILENO, "hvm: %s\n", err.text);
			_exit(1);
		}
		pid = spawn(arguments, incoming);
		vif_close_taps(&taps);
		if (incoming)
			close(INCOMING_FD);
		incoming = false;
		if (pid < 0)
			_exit(1);
		note_pid(directory, "pid", pid);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		vif_remove_taps(&taps);
		again = (ended_well(status) ? guest->on_poweroff : guest->on_crash) ==
				ACTION_RESTART &&
			time(NULL) - started >= RESTART_MIN_LIFE_S && !is_destroyed(directory);
		if (!again) {
			leave_papers(directory, status);
			_exit(0);
		}
		dprintf(STDERR_FILENO, "hvm: the guest is started again\n");
	}
}

/* The one that waits until it is up */

static void show_log_end(const char *directory)
{
	enum {
		LINES = 8
	};
	char *text = registry_read(directory, "log"), *line;
	unsigned lines = 0;

	if (!text)
		return;
	line = text + strlen(text);
	while (line > text && (line[-1] != '\n' || ++lines < LINES))
		line--;
	if (*line)
		fprintf(stderr, "%s\n", line);
	free(text);
}

/** The keeper holds the other end: it closes when device model and keeper have gone. */
static bool keeper_has_gone(int fd, int timeout_ms)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	return poll(&poll_fd, 1, timeout_ms) > 0;
}

/** One attempt to greet the device model. 0, -EAGAIN: try again, or another -errno. */
static int try_greeting(const char *path, struct err *err)
{
	struct qmp qmp;
	int result;

	if (access(path, F_OK) < 0)
		return -EAGAIN;
	result = qmp_open(&qmp, path, PROGRESS_MS, err);
	if (result == 0)
		qmp_close(&qmp);
	/* Bound and not yet listening, busy, or ended: look again. */
	if (result == -ECONNREFUSED || result == -ECONNRESET || result == -ETIMEDOUT)
		return -EAGAIN;
	return result;
}

static int wait_until_ready(const struct instance *instance, int fd, struct err *err)
{
	char *path = instance_path(instance, "qmp");
	time_t started = time(NULL), told = started;
	int result = -EAGAIN;

	while (result == -EAGAIN && time(NULL) - started < READY_TIMEOUT_S) {
		if (keeper_has_gone(fd, READY_STEP_MS))
			result = -ECHILD;
		else
			result = try_greeting(path, err);
		if (result == -EAGAIN && time(NULL) - told >= PROGRESS_MS / 1000) {
			told = time(NULL);
			fprintf(stderr, "hvm: waiting for the device model of '%s' (%ld s)\n",
				instance->name, (long)(told - started));
		}
	}
	free(path);
	if (result == -ECHILD)
		return err_set(err, result, "the guest '%s' did not start", instance->name);
	if (result == -EAGAIN)
		err_set(err, result, "the device model does not answer");
	if (result < 0)
		err_prefix(err, "the guest '%s' did not start", instance->name);
	return result;
}

static void end_failed(const struct instance *instance)
{
	struct instance found;

	registry_write(instance->directory, "destroyed", "", NULL);
	if (registry_find(&found, instance->name, NULL) == 0) {
		instance_kill(&found);
		instance_finish(&found);
	}
}

int start_guest(const struct instance *instance, const struct words *arguments,
		const struct guest *guest, int incoming, struct err *err)
{
	char *log = instance_path(instance, "log");
	int fds[2], result;
	pid_t keeper;

	if (pipe2(fds, O_CLOEXEC) < 0) {
		free(log);
		return err_set_errno(err, -errno, "cannot start the guest");
	}
	fflush(NULL);
	keeper = fork();
	if (keeper == 0) {
		bool has_state = close_inherited(fds[1], incoming);

		become_background(log);
		keep(instance->directory, arguments, guest, has_state);
	}
	close(fds[1]);
	free(log);
	if (keeper < 0) {
		close(fds[0]);
		return err_set_errno(err, -errno, "cannot start the guest");
	}
	result = wait_until_ready(instance, fds[0], err);
	if (result < 0) {
		end_failed(instance);
		keeper_has_gone(fds[0], 1000);
		show_log_end(instance->directory);
		registry_remove(instance->directory);
	}
	close(fds[0]);
	return result;
}
