// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Xen does not notice when a device model dies, and a process that is killed (SIGKILL, a host short
 * of memory) can say nothing any more. So a second process waits at a pipe whose other end only the
 * first one holds:
 *
 *   a byte         it ends as it should: whatever is to be said of the guest has been said
 *   end of file    it is dead: the guest ends as crashed
 *
 * The guard is a fork made before anything is opened, so it shares all pages but a few, and holds
 * nothing of the guest but a handle that can end it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <xendevicemodel.h>
#include <xentoolcore.h>

#include "base/err.h"
#include "base/log.h"
#include "hv/hv.h"

enum {
	/* A toolstack that ends a restricted guest kills all processes of its user, this one as
	 * well, but not at the very same moment. What it ends has not crashed. */
	GRACE_NS = 200 * 1000 * 1000,
};

static int word_fd = -1; /* where this process says that it ends; -1: nobody listens */

/** Moves 'fd' behind the standard descriptors and closes all others. */
static int keep_only(int fd)
{
	if (dup2(fd, STDERR_FILENO + 1) < 0)
		return -errno;
	if (syscall(SYS_close_range, STDERR_FILENO + 2, ~0u, 0) < 0)
		for (int other = STDERR_FILENO + 2; other < (int)sysconf(_SC_OPEN_MAX); other++)
			close(other);
	return STDERR_FILENO + 1;
}

/** False: it ended by itself. */
static bool wait_for_death(int fd)
{
	const struct timespec grace = { .tv_nsec = GRACE_NS };
	ssize_t length;
	char word;

	do
		length = read(fd, &word, 1);
	while (length < 0 && errno == EINTR);
	if (length == 0)
		clock_nanosleep(CLOCK_MONOTONIC, 0, &grace, NULL);
	return length == 0;
}

static xendevicemodel_handle *prepare(const struct hv_guard *guard, struct err *err)
{
	xendevicemodel_handle *model;

	/* Signals to the group of the device model are not for us; what it blocks stays blocked. */
	setsid();
	prctl(PR_SET_NAME, "hvmdm-guard");
	model = xendevicemodel_open(NULL, 0);
	if (!model)
		return NULL; /* this is no dom0, which the device model will say itself */
	/* Older kernels know no restriction; where it was asked for, the device model itself fails.
	 */
	xentoolcore_restrict_all((domid_t)guard->domid);
	if (guard->confine && guard->confine(guard->opaque, err) < 0) {
		xendevicemodel_close(model);
		return NULL;
	}
	return model;
}

static int stand_guard(const struct hv_guard *guard, int fd)
{
	struct err err = { 0 };
	xendevicemodel_handle *model = fd >= 0 ? prepare(guard, &err) : NULL;

	if (!model && err.text[0])
		log_warning("nobody will notice if this process is killed: %s", err.text);
	if (!model)
		return 1;
	if (wait_for_death(fd)) {
		log_error("the device model has died: domain %u ends as crashed", guard->domid);
		xendevicemodel_shutdown(model, (domid_t)guard->domid, HV_REASON_CRASH);
	}
	xendevicemodel_close(model);
	return 0;
}

int hv_xen_guard_start(const struct hv_guard *guard, struct err *err)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_set_errno(err, -errno, "cannot start the guest's guard");
	pid = fork();
	if (pid == 0)
		_exit(stand_guard(guard, keep_only(fds[0])));
	close(fds[0]);
	if (pid < 0) {
		close(fds[1]);
		return err_set_errno(err, -errno, "cannot start the guest's guard");
	}
	word_fd = fds[1];
	return 0;
}

void hv_xen_guard_dismiss(void)
{
	static const char word = 'e';

	if (word_fd < 0)
		return;
	/* It may have been killed, too. */
	if (write(word_fd, &word, 1) < 0 && errno != EPIPE)
		log_warning("the guest's guard does not listen");
	close(word_fd);
	word_fd = -1;
}
