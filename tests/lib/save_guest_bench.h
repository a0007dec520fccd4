// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A machine whose core holds memory and processors as KVM's does, and has none: for tests of guests
 * that are saved whole.
 */
#pragma once

#include <errno.h>
#include <sys/mman.h>

#include "tests/lib/save_bench.h"

static const uint8_t save_guest_core[] = "processors";
static unsigned save_guest_loads;

static inline int save_guest_save_core(struct hv *hv, uint8_t **bytes, size_t *length,
				       struct err *err)
{
	(void)hv, (void)err;
	*length = sizeof(save_guest_core);
	*bytes = malloc(*length);
	if (!*bytes)
		abort();
	memcpy(*bytes, save_guest_core, *length);
	return 0;
}

static inline int save_guest_load_core(struct hv *hv, const uint8_t *bytes, size_t length,
				       struct err *err)
{
	(void)hv;
	if (length != sizeof(save_guest_core) || memcmp(bytes, save_guest_core, length) != 0)
		return err_set(err, -EINVAL, "other processors");
	save_guest_loads++;
	return 0;
}

/** Gives the machine's core the two hooks. */
static inline void save_guest_adopt(struct save_bench *bench)
{
	static struct hv_ops ops;

	ops = *bench->machine->hv->ops;
	ops.save = save_guest_save_core;
	ops.load = save_guest_load_core;
	bench->machine->hv->ops = &ops;
}

static inline int save_guest_file(const uint8_t *bytes, size_t length)
{
	int fd = memfd_create("guest", MFD_CLOEXEC);

	if (fd < 0 || write(fd, bytes, length) != (ssize_t)length || lseek(fd, 0, SEEK_SET) < 0)
		abort();
	return fd;
}
