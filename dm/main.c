// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/trace.h"
#include "dm/machine.h"
#include "dm/options.h"
#include "dm/replay.h"
#include "dm/sandbox.h"
#include "dm/save.h"

enum {
	EXIT_BAD_USAGE = 1, /* as QEMU: what starts us knows no other */
};

/** What a daemon's parent waits for: its child tells by one byte that the guest is up. */
static int ready_fd = -1;
/** A daemon's new standard input and output: when they change, nothing can be opened any more. */
static int null_fd = -1;
static int pidfile_fd = -1;

static int open_log(const struct options *options, struct err *err)
{
	int fd;

	if (!options->log_file)
		return 0;
	fd = open(options->log_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	if (fd < 0)
		return err_set_errno(err, -errno, "cannot write the log '%s'", options->log_file);
	dup2(fd, STDERR_FILENO);
	close(fd);
	return 0;
}

static int open_traces(const struct options *options, struct err *err)
{
	FILE *file;

	for (size_t i = 0; i < options->trace_patterns.count; i++)
		if (!trace_enable(options->trace_patterns.items[i], true))
			return err_set(err, -EINVAL, "no trace point matches '%s' (-trace help)",
				       options->trace_patterns.items[i]);
	if (!options->trace_file)
		return 0;
	file = fopen(options->trace_file, "we");
	if (!file)
		return err_set_errno(err, -errno, "cannot write traces to '%s'",
				     options->trace_file);
	setvbuf(file, NULL, _IOLBF, 0);
	trace_set_output(file);
	return 0;
}

/** Locked as long as we live: the same command line, started twice by mistake, leaves the file
 * alone.
 */
static int write_pidfile(const char *path, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	int result = 0;

	if (fd < 0)
		return err_set_errno(err, -errno, "cannot write '%s'", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		result = err_set(err, -EBUSY, "'%s' belongs to a process that runs", path);
	else if (ftruncate(fd, 0) < 0 || dprintf(fd, "%ld\n", (long)getpid()) < 0)
		result = err_set_errno(err, -errno, "cannot write '%s'", path);
	if (result == 0)
		pidfile_fd = fd;
	else
		close(fd);
	return result;
}

static void remove_pidfile(const char *path)
{
	if (pidfile_fd < 0)
		return;
	unlink(path);
	close(pidfile_fd);
}

/** The parent stays until the child is ready or has failed, and passes its exit status on. */
static void wait_for_child(int fd)
{
	char status = EXIT_BAD_USAGE;

	while (read(fd, &status, 1) < 0 && errno == EINTR)
		;
	exit(status);
}

static int start_daemon(struct err *err)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_set_errno(err, -errno, "cannot go into the background");
	pid = fork();
	if (pid < 0)
		return err_set_errno(err, -errno, "cannot go into the background");
	if (pid > 0) {
		close(fds[1]);
		wait_for_child(fds[0]);
	}
	close(fds[0]);
	ready_fd = fds[1];
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	setsid();
	return 0;
}

static void finish_daemon(void)
{
	char status = 0;

	if (null_fd >= 0) {
		dup2(null_fd, STDIN_FILENO);
		dup2(null_fd, STDOUT_FILENO);
		close(null_fd);
	}
	if (write(ready_fd, &status, 1) != 1)
		log_warning("the program that started us has gone");
	close(ready_fd);
}

/** libxl lets a restricted process write little to any file, so that it cannot fill the host's disk
 * with its log. Images in plain files are files, too. */
static void warn_of_file_limit(struct options *options)
{
	struct rlimit limit;

	if (!options->xen_domid_restrict || getrlimit(RLIMIT_FSIZE, &limit) < 0 ||
	    limit.rlim_cur == RLIM_INFINITY)
		return;
	for (size_t i = 0; i < options->drives.count; i++) {
		const char *path = opts_get_or(&options->drives.items[i], "file", "");
		const char *read_only = opts_get_or(&options->drives.items[i], "readonly", "off");
		struct stat status;

		if (stat(path, &status) == 0 && S_ISREG(status.st_mode) &&
		    strcmp(read_only, "on") != 0 && (uint64_t)status.st_size > limit.rlim_cur)
			log_warning("'%s' can be written only up to %llu bytes: with dm_restrict=1 "
				    "use a block device",
				    path, (unsigned long long)limit.rlim_cur);
	}
}

static int confine_guard(void *opaque, struct err *err)
{
	return sandbox_enter_helper(opaque, err);
}

/** Without it the guest is served as well. */
static void start_guard(const struct options *options, struct sandbox *sandbox)
{
	const struct hv_guard guard = { options->xen_domid, confine_guard, sandbox };
	struct err err = { 0 };

	if (access("/dev/xen", F_OK) < 0)
		return; /* no Xen: the core says so in a moment, once */
	if (hv_xen_guard_start(&guard, &err) < 0)
		log_warning("nobody will notice if this process is killed: %s", err.text);
}

static int prepare(struct options *options, struct sandbox *sandbox, struct err *err)
{
	int result;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	result = open_log(options, err);
	if (result == 0)
		result = open_traces(options, err);
	if (result == 0 && options->daemonize)
		result = start_daemon(err);
	warn_of_file_limit(options);
	/* From here on there is something to take away at the end. */
	machine_hold_signals(true);
	if (result == 0 && options->pidfile)
		result = write_pidfile(options->pidfile, err);
	if (result == 0)
		result = sandbox_prepare(sandbox, options, err);
	if (result == 0 && options->accel == ACCEL_XEN)
		start_guard(options, sandbox);
	if (result == 0 && options->accel == ACCEL_KVM && options->board != BOARD_NONE)
		hv_kvm_prepare();
	return result;
}

/** Everything is open: gives up what the guest could abuse. */
static int confine(const struct options *options, struct machine *machine,
		   const struct sandbox *sandbox, struct err *err)
{
	int result = options->xen_domid_restrict ? hv_restrict_handles(machine->hv, err) : 0;

	return result < 0 ? result : sandbox_enter(sandbox, err);
}

int main(int argc, char **argv)
{
	struct options options;
	struct sandbox sandbox;
	struct machine *machine = NULL;
	struct err err = { 0 };
	int status = EXIT_BAD_USAGE;

	switch (options_parse(&options, argc, argv, &err)) {
	case OPTIONS_DONE:
		options_finish(&options);
		return 0;
	case OPTIONS_BAD:
		break;
	case OPTIONS_RUN:
		if (options.replay) {
			status = replay_main(&options);
			options_finish(&options);
			return status;
		}
		if (prepare(&options, &sandbox, &err) == 0)
			machine = machine_create(&options, &err);
		break;
	}
	if (machine && (confine(&options, machine, &sandbox, &err) < 0 ||
			save_load_incoming(machine, &err) < 0)) {
		machine_destroy(machine);
		machine = NULL;
	}
	if (machine) {
		if (options.daemonize)
			finish_daemon();
		status = machine_run(machine);
		machine_destroy(machine);
	} else {
		log_error("%s", err.text);
	}
	hv_xen_guard_dismiss();
	remove_pidfile(options.pidfile);
	options_finish(&options);
	return status;
}
