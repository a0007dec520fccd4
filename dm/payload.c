// SPDX-License-Identifier: GPL-2.0-or-later
#include "dm/payload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/err.h"
#include "dm/options.h"

enum {
	PAYLOAD_MAX = 16 << 20,
	PAGE_BYTES = 4096,
};

static const char *const usual_dirs[] = {
	"/usr/share/hvmdm",   "/usr/share/seabios", "/usr/share/qemu",
	"/usr/lib/ipxe/qemu", "/usr/lib/ipxe",
};

static int open_in(const char *dir, const char *name)
{
	char path[4096];

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return -1;
	return open(path, O_RDONLY | O_CLOEXEC);
}

static int open_payload(const struct options *options, const char *name)
{
	int fd = -1;

	for (size_t i = 0; fd < 0 && i < options->firmware_dirs.count; i++)
		fd = open_in(options->firmware_dirs.items[i], name);
	if (fd < 0 && strchr(name, '/'))
		return open(name, O_RDONLY | O_CLOEXEC);
	for (size_t i = 0; fd < 0 && i < ARRAY_SIZE(usual_dirs); i++)
		fd = open_in(usual_dirs[i], name);
	/* Last: a file of the working directory must not take the place of one that is installed.
	 */
	return fd < 0 ? open(name, O_RDONLY | O_CLOEXEC) : fd;
}

/** Maps the file over the start of zeros of the rounded size. */
static int map_file(struct payload *payload, int fd, const char *name, struct err *err)
{
	struct stat stat;
	void *zeros, *bytes;

	if (fstat(fd, &stat) < 0)
		return err_set_errno(err, -errno, "firmware file '%s'", name);
	if (stat.st_size < 1 || stat.st_size > PAYLOAD_MAX)
		return err_set(err, -EINVAL, "firmware file '%s' is empty or larger than 16 MiB",
			       name);
	payload->length = (size_t)stat.st_size;
	payload->mapped = PAGE_BYTES;
	while (payload->mapped < payload->length)
		payload->mapped *= 2;
	zeros = mmap(NULL, payload->mapped, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		     -1, 0);
	if (zeros == MAP_FAILED)
		return err_set_errno(err, -errno, "firmware file '%s'", name);
	bytes = mmap(zeros, payload->length, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0);
	if (bytes == MAP_FAILED) {
		munmap(zeros, payload->mapped);
		return err_set_errno(err, -errno, "firmware file '%s'", name);
	}
	payload->bytes = bytes;
	return 0;
}

int payload_map(struct payload *payload, const struct options *options, const char *name,
		struct err *err)
{
	int fd = open_payload(options, name), result;

	*payload = (struct payload){ 0 };
	if (fd < 0)
		return err_set(err, -ENOENT,
			       "firmware file '%s' is not there: install SeaBIOS (Debian: apt "
			       "install seabios) or give its folder with -L",
			       name);
	result = map_file(payload, fd, name, err);
	close(fd);
	return result;
}

void payload_unmap(struct payload *payload)
{
	if (payload->bytes)
		munmap((void *)(uintptr_t)payload->bytes, payload->mapped);
	*payload = (struct payload){ 0 };
}
