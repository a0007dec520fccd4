// SPDX-License-Identifier: GPL-2.0-or-later
#include "dm/host_files.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/err.h"

static bool files_forbidden;

void host_forbid_files(bool forbidden)
{
	files_forbidden = forbidden;
}

bool host_files_are_forbidden(void)
{
	return files_forbidden;
}

int host_open(const char *path, int flags, mode_t mode, struct err *err)
{
	int fd;

	if (files_forbidden)
		return err_set(err, -EPERM,
			       "cannot open '%s': the sandbox is on; pass a descriptor with add-fd "
			       "and name it /dev/fdset/N, or start with -sandbox off",
			       path);
	fd = open(path, flags | O_CLOEXEC, mode);
	return fd >= 0 ? fd : err_set_errno(err, -errno, "cannot open '%s'", path);
}

int host_write_all(int fd, const void *bytes, size_t length)
{
	const char *at = bytes;

	while (length) {
		ssize_t written = write(fd, at, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return written ? -errno : -EIO;
		at += written;
		length -= (size_t)written;
	}
	return 0;
}
