// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An image for paravirtual disks, in memory: the test says when requests complete, and how. It
 * fails where a core asks for what lies beyond it, or leaves something under way.
 */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "hv/pv_disk.h"

enum {
	FAKE_PV_DISK_BYTES = 1 << 20,
	FAKE_PV_DISK_REQUESTS = 128,
};

struct fake_pv_disk {
	struct pv_disk_host host;
	uint8_t bytes[FAKE_PV_DISK_BYTES];
	uint64_t size; /* 0: no medium */
	bool refuses, read_only;
	int error; /* of what completes from now on */
	struct pv_disk_request *waiting[FAKE_PV_DISK_REQUESTS];
	unsigned waiting_count, started, most_waiting;
	unsigned reads, writes, flushes, discards, drains, flushed_at_end;
	uint64_t discarded;
	unsigned opened, attached, given_up, limit;
	unsigned pieces; /* of memory, of the last one */
	/* As it was described. */
	char format[16], path[64];
	unsigned number;
	bool is_cdrom, wants_read_only, discard;
};

static inline void fake_pv_disk_move(struct fake_pv_disk *disk, struct pv_disk_request *request)
{
	uint64_t at = request->offset;

	for (unsigned i = 0; i < request->iov_count; i++) {
		const struct iovec *iov = &request->iov[i];

		if (!range_fits(at, iov->iov_len, disk->size))
			abort();
		if (request->op == PV_DISK_READ)
			memcpy(iov->iov_base, disk->bytes + at, iov->iov_len);
		else
			memcpy(disk->bytes + at, iov->iov_base, iov->iov_len);
		at += iov->iov_len;
	}
}

static inline void fake_pv_disk_do(struct fake_pv_disk *disk, struct pv_disk_request *request)
{
	switch (request->op) {
	case PV_DISK_READ:
		disk->reads++;
		fake_pv_disk_move(disk, request);
		break;
	case PV_DISK_WRITE:
		disk->writes++;
		fake_pv_disk_move(disk, request);
		break;
	case PV_DISK_FLUSH:
		disk->flushes++;
		break;
	case PV_DISK_DISCARD:
		if (!range_fits(request->offset, request->length, disk->size))
			abort();
		disk->discards++;
		disk->discarded += request->length;
		break;
	}
}

/** Completes one of those that wait; false if there is none. */
static inline bool fake_pv_disk_complete(struct fake_pv_disk *disk, unsigned index)
{
	struct pv_disk_request *request;

	if (index >= disk->waiting_count)
		return false;
	request = disk->waiting[index];
	disk->waiting_count--;
	memmove(&disk->waiting[index], &disk->waiting[index + 1],
		(disk->waiting_count - index) * sizeof(disk->waiting[0]));
	if (!disk->error)
		fake_pv_disk_do(disk, request);
	request->complete(request, disk->error);
	return true;
}

static inline void fake_pv_disk_drain(void *opaque)
{
	struct fake_pv_disk *disk = opaque;

	disk->drains++;
	while (fake_pv_disk_complete(disk, 0))
		;
}

static inline void *fake_pv_disk_open(void *opaque, const struct pv_disk_config *config,
				      struct err *err)
{
	struct fake_pv_disk *disk = opaque;

	if (disk->refuses) {
		err_set(err, -2, "there is no such image");
		return NULL;
	}
	disk->opened++;
	strncpy(disk->format, config->format, sizeof(disk->format) - 1);
	strncpy(disk->path, config->path, sizeof(disk->path) - 1);
	disk->number = config->number;
	disk->is_cdrom = config->is_cdrom;
	disk->wants_read_only = config->read_only;
	disk->discard = config->discards;
	return disk;
}

static inline void fake_pv_disk_close(void *opaque)
{
	struct fake_pv_disk *disk = opaque;

	if (disk->waiting_count || disk->attached || !disk->opened)
		abort();
	disk->opened--;
}

static inline void fake_pv_disk_give_up(void *opaque)
{
	((struct fake_pv_disk *)opaque)->given_up++;
}

static inline void fake_pv_disk_get_info(void *opaque, struct pv_disk_info *info)
{
	const struct fake_pv_disk *disk = opaque;

	*info = (struct pv_disk_info){ disk->size, disk->read_only || disk->wants_read_only };
}

static inline int fake_pv_disk_attach(void *opaque, unsigned requests)
{
	struct fake_pv_disk *disk = opaque;

	if (disk->attached || requests > FAKE_PV_DISK_REQUESTS)
		abort();
	disk->attached = 1;
	disk->limit = requests;
	return 0;
}

static inline void fake_pv_disk_detach(void *opaque)
{
	struct fake_pv_disk *disk = opaque;

	fake_pv_disk_drain(disk);
	if (!disk->attached)
		abort();
	disk->attached = 0;
	disk->flushed_at_end++;
}

static inline void fake_pv_disk_start(void *opaque, struct pv_disk_request *request)
{
	struct fake_pv_disk *disk = opaque;

	for (unsigned i = 0; i < disk->waiting_count; i++)
		if (disk->waiting[i]->number == request->number)
			abort();
	if (!disk->attached || request->number >= disk->limit ||
	    disk->waiting_count == FAKE_PV_DISK_REQUESTS)
		abort();
	disk->started++;
	disk->pieces = request->iov_count;
	disk->waiting[disk->waiting_count++] = request;
	if (disk->waiting_count > disk->most_waiting)
		disk->most_waiting = disk->waiting_count;
}

static inline struct fake_pv_disk *fake_pv_disk_create(void)
{
	struct fake_pv_disk *disk = calloc(1, sizeof(*disk));

	if (!disk)
		abort();
	disk->size = FAKE_PV_DISK_BYTES;
	disk->host = (struct pv_disk_host){
		.opaque = disk,
		.open = fake_pv_disk_open,
		.close = fake_pv_disk_close,
		.give_up = fake_pv_disk_give_up,
		.get_info = fake_pv_disk_get_info,
		.attach = fake_pv_disk_attach,
		.detach = fake_pv_disk_detach,
		.start = fake_pv_disk_start,
		.drain = fake_pv_disk_drain,
	};
	return disk;
}
