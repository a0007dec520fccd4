// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A disk of a configuration file: xl's positional and key=value forms
 * (xl-disk-configuration(5)), and xm's of old, 'file:PATH,ioemu:hda,w'. Two more of ours name CDs
 * made on the fly: 'dir:DIRECTORY,hdc,cdrom', and 'overlay:DIRECTORY,IMAGE,hdc,cdrom', a directory
 * laid over an image.
 *
 * libxlutil's own parser fills libxl's structure and must be initialised and disposed of by a
 * toolstack context that a host without Xen cannot have; it also does not know "ioemu:".
 */
#pragma once

#include <stdbool.h>

struct err;

enum {
	DISK_IDE_DRIVES = 4,
	DISK_DRIVES = 6, /* with hdtype = "ahci" */
};

struct disk {
	char *target;  /* owned; NULL: a drive without a medium */
	char *overlay; /* a directory that lies over 'target'; NULL: none */
	char *vdev;    /* as written: "hda" */
	char *format;  /* "raw" … as hvmdm names it */
	bool cdrom, readonly;
	bool discard;   /* what the guest discards the host gets back */
	char *limits;   /* owned; words of -drive, each behind a comma; NULL: none */
	unsigned index; /* 0…3: primary master to secondary slave; 4 and 5 with AHCI alone */
	unsigned devid; /* Xen's number of the virtual device: hdc is 5632 */
};

/** Parses one specification. 0, or -EINVAL and a sentence; 'disk' then needs no finish. */
int disk_parse(struct disk *disk, const char *spec, struct err *err);
/** Takes what disk_limits says of this disk: "iops-total=200,bps-write=10M". 0, or -EINVAL and a
 * sentence. */
int disk_set_limits(struct disk *disk, const char *limits, struct err *err);
void disk_finish(struct disk *disk);

/** The place and number of a virtual device by its name ("hda", "xvdb", "d2p0"). 0 or -EINVAL. */
int disk_parse_vdev(const char *vdev, unsigned *index, unsigned *devid, struct err *err);
