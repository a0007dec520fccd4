// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/payload.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/err.h"

enum {
	MAX_PAYLOAD = 16 << 20,
	BIOS_GRANULE = 64 << 10,
};

/** Where distributions put firmware images. */
static const char *const directories[] = {
	"/usr/share/seabios",
	"/usr/share/qemu",
	"/usr/lib/ipxe/qemu",
	"/usr/share/vgabios",
};

/** A descriptor of the file, its path in 'path'; or -errno of the last try. */
static int open_file(const char *name, char *path)
{
	int fd, error = ENOENT;

	if (strchr(name, '/')) {
		snprintf(path, PATH_MAX, "%s", name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		return fd < 0 ? -errno : fd;
	}
	for (size_t i = 0; i < ARRAY_SIZE(directories); i++) {
		snprintf(path, PATH_MAX, "%s/%s", directories[i], name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0)
			return fd;
		if (errno != ENOENT)
			error = errno;
	}
	return -error;
}

static int map_file(struct firmware_payload *payload, int fd, const char *path, struct err *err)
{
	struct stat status;
	void *data;

	if (fstat(fd, &status) < 0)
		return err_set_errno(err, -errno, "cannot examine firmware image '%s'", path);
	if (!S_ISREG(status.st_mode) || status.st_size <= 0 || status.st_size > MAX_PAYLOAD)
		return err_set(err, -EINVAL,
			       "firmware image '%s' is not a file of 1 byte to %d MiB", path,
			       MAX_PAYLOAD >> 20);
	data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return err_set_errno(err, -errno, "cannot map firmware image '%s'", path);
	payload->data = data;
	payload->length = (size_t)status.st_size;
	return 0;
}

int firmware_payload_open(struct firmware_payload *payload, const char *name, struct err *err)
{
	char path[PATH_MAX];
	int fd, status;

	fd = open_file(name, path);
	if (fd < 0 && !strchr(name, '/'))
		return err_set_errno(err, fd,
				     "cannot open firmware image '%s' in %s and the like; is the "
				     "package 'seabios' installed?",
				     name, directories[0]);
	if (fd < 0)
		return err_set_errno(err, fd, "cannot open firmware image '%s'", name);
	status = map_file(payload, fd, path, err);
	close(fd);
	return status;
}

int firmware_payload_open_bios(struct firmware_payload *payload, const char *name, struct err *err)
{
	struct firmware_payload bios;
	int status = firmware_payload_open(&bios, name, err);

	if (status < 0)
		return status;
	if (bios.length % BIOS_GRANULE) {
		firmware_payload_close(&bios);
		return err_set(err, -EINVAL,
			       "BIOS image '%s' has %zu bytes, which is not a multiple of %d KiB",
			       name, bios.length, BIOS_GRANULE >> 10);
	}
	*payload = bios;
	return 0;
}

void firmware_payload_close(struct firmware_payload *payload)
{
	if (payload->data)
		munmap((void *)(uintptr_t)payload->data, payload->length);
	payload->data = NULL;
	payload->length = 0;
}
