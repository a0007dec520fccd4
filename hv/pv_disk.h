// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What lends images to a core's paravirtual disks. The core knows the guest's protocol, who lends
 * knows images: the core sees neither files nor formats. Under the machine lock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

struct err;

enum pv_disk_op {
	PV_DISK_READ,
	PV_DISK_WRITE,
	PV_DISK_FLUSH, /* what completed before is on stable storage afterwards */
	PV_DISK_DISCARD,
};

/** Whoever starts it leaves it alone until 'complete'. */
struct pv_disk_request {
	enum pv_disk_op op;
	unsigned number; /* below what 'attach' was told; of one that is not under way */
	uint64_t offset; /* bytes, whole sectors of 512, within the disk */
	const struct iovec *iov;
	unsigned iov_count;
	uint64_t length; /* of a range to discard */
	/** 0 or -errno; never called from within 'start'. */
	void (*complete)(struct pv_disk_request *request, int result);
};

/** A disk as the toolstack describes it. */
struct pv_disk_config {
	unsigned number;           /* of the virtual device: 768 is hda, 51712 xvda */
	const char *format, *path; /* an empty path: a drive without a medium */
	bool read_only, is_cdrom;
	bool discards; /* the guest may give space back */
};

struct pv_disk_info {
	uint64_t bytes; /* 0: no medium */
	bool read_only;
};

struct pv_disk_host {
	void *opaque;
	/** NULL and a sentence. Files are opened here, while that is still allowed. */
	void *(*open)(void *opaque, const struct pv_disk_config *config, struct err *err);
	void (*close)(void *disk);
	/** The guest will not be served, so an emulated disk over the same image is to stay; before
	 * 'close'. */
	void (*give_up)(void *disk);
	void (*get_info)(void *disk, struct pv_disk_info *info);
	/** A driver of the guest begins, with so many requests at a time. 0 or -errno. */
	int (*attach)(void *disk, unsigned requests);
	/** It has gone: everything under way completes before this returns, and is flushed. */
	void (*detach)(void *disk);
	void (*start)(void *disk, struct pv_disk_request *request);
	/** Waits for what is under way, which completes before this returns; what is held until the
	 * host has room (werror) stays so. */
	void (*drain)(void *disk);
};
