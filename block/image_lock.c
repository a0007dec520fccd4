// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Claims on images, as QEMU's: advisory locks (open file description locks, so that they end with
 * the descriptor, however the process ends) on single bytes of the file, all shared. Byte 100 + n
 * says "I do n", byte 200 + n "I bear nobody else doing n", where n is 0 for reading and 1 for
 * writing. One who has taken his bytes looks whether another holds the opposite ones. Content is
 * not touched, and a descriptor opened for reading suffices.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/trace.h"
#include "block/driver.h"

enum {
	CLAIM_DOES_READ = 100,
	CLAIM_DOES_WRITE = 101,
	CLAIM_FORBIDS_READ = 200,
	CLAIM_FORBIDS_WRITE = 201,

	TRIES = 20, /* a guest that is just going gives its disk to its successor */
	TRIES_UNSEEN = 5,
	TRY_PAUSE_MS = 100,
};

static int lock_byte(int fd, short type, int byte)
{
	struct flock claim = { .l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };

	return fcntl(fd, F_OFD_SETLK, &claim) < 0 ? -errno : 0;
}

/* Whether another description holds 'byte', shared as it may be. */
static bool is_held_by_other(int fd, int byte)
{
	struct flock claim = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1
	};

	return fcntl(fd, F_OFD_GETLK, &claim) == 0 && claim.l_type != F_UNLCK;
}

void image_unlock(int fd)
{
	lock_byte(fd, F_UNLCK, CLAIM_DOES_READ);
	lock_byte(fd, F_UNLCK, CLAIM_DOES_WRITE);
	lock_byte(fd, F_UNLCK, CLAIM_FORBIDS_WRITE);
}

static int try_lock(int fd, bool writing)
{
	int result = lock_byte(fd, F_RDLCK, CLAIM_DOES_READ);

	if (result == 0 && writing)
		result = lock_byte(fd, F_RDLCK, CLAIM_DOES_WRITE);
	if (result == 0)
		result = lock_byte(fd, F_RDLCK, CLAIM_FORBIDS_WRITE);
	if (result < 0)
		return result;
	if (!is_held_by_other(fd, CLAIM_FORBIDS_READ) && !is_held_by_other(fd, CLAIM_DOES_WRITE) &&
	    (!writing || !is_held_by_other(fd, CLAIM_FORBIDS_WRITE)))
		return 0;
	image_unlock(fd);
	return -EBUSY;
}

static bool process_has_open(const char *pid, const struct stat *image)
{
	char path[300];
	struct dirent *entry;
	struct stat status;
	bool found = false;
	DIR *fds;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	fds = opendir(path);
	while (fds && !found && (entry = readdir(fds)))
		found = fstatat(dirfd(fds), entry->d_name, &status, 0) == 0 &&
			status.st_dev == image->st_dev && status.st_ino == image->st_ino;
	if (fds)
		closedir(fds);
	return found;
}

/* Such locks do not tell their owner; who else has the file open is the best guess. Empty if nobody
 * is seen. */
static void find_user(int fd, char *name, size_t size)
{
	struct stat image;
	struct dirent *entry;
	DIR *processes = fstat(fd, &image) == 0 ? opendir("/proc") : NULL;

	name[0] = '\0';
	while (processes && !name[0] && (entry = readdir(processes))) {
		if (atoi(entry->d_name) > 0 && atoi(entry->d_name) != getpid() &&
		    process_has_open(entry->d_name, &image))
			snprintf(name, size, "process %d", atoi(entry->d_name));
	}
	if (processes)
		closedir(processes);
}

int image_lock(int fd, const char *filename, bool writing, bool patient, struct err *err)
{
	struct timespec pause = { .tv_nsec = TRY_PAUSE_MS * 1000000L };
	int result = try_lock(fd, writing);
	char user[32] = "";

	if (result == -EBUSY)
		find_user(fd, user, sizeof(user));
	/* A drive of our own would not go while we wait; but a process that has been killed is seen
	 * no more while the kernel still takes down its ring. */
	for (int i = 1; result == -EBUSY && patient && i < (user[0] ? TRIES : TRIES_UNSEEN); i++) {
		nanosleep(&pause, NULL);
		result = try_lock(fd, writing);
	}
	if (result == 0)
		return 0;
	if (result != -EBUSY && result != -EAGAIN) {
		TRACE(block, no_lock, "%s cannot be locked: error %d", filename, -result);
		return 0; /* a file system without locks */
	}
	return err_set(err, -EBUSY,
		       "'%s' is in use by %s; a disk can be %s, end the other user first", filename,
		       user[0] ? user : "another drive or process",
		       writing ? "written by one guest only"
			       : "read by several guests only while none writes it");
}
