// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The Xen platform device: Xen's docs/misc/hvm-emulated-unplug.pandoc; what older guests (SUSE's
 * VMDP) use is known from their drivers only.
 */
#pragma once

enum xen_platform_resource {
	XEN_PLATFORM_SLOT = 2,
	XEN_PLATFORM_PORT = 0x10, /* fixed ports, beside the BARs */
	XEN_PLATFORM_PORTS = 16,
	XEN_PLATFORM_IO_BYTES = 256,
	XEN_PLATFORM_MEMORY_BYTES = 16 << 20,
};

/** Offsets from XEN_PLATFORM_PORT. What is there depends on the width. */
enum xen_platform_port {
	XEN_PLATFORM_FLAGS = 0,   /* byte */
	XEN_PLATFORM_MAGIC = 0,   /* word, read */
	XEN_PLATFORM_UNPLUG = 0,  /* word, written: xen_unplug */
	XEN_PLATFORM_BUILD = 0,   /* doubleword, written: build of the guest's drivers */
	XEN_PLATFORM_VERSION = 2, /* byte, read: of the protocol */
	XEN_PLATFORM_LOG = 2,     /* byte, written: a character */
	XEN_PLATFORM_PRODUCT = 2, /* word, written: whose drivers they are */
};

enum xen_platform_value {
	XEN_PLATFORM_MAGIC_VALUE = 0x49d2,
	XEN_PLATFORM_VERSION_VALUE = 1,
	XEN_PLATFORM_ROM_LOCK = 0x01, /* in the flags: 0xc0000 to 0xfffff is read-only */
};

/** Offsets in the I/O BAR. */
enum xen_platform_bar {
	XEN_PLATFORM_BAR_FLAGS = 0,
	XEN_PLATFORM_BAR_UNPLUG_ALL = 4, /* 1: disks and network cards */
	XEN_PLATFORM_BAR_UNPLUG = 8,     /* 1: disks, 2: network cards, else a character to log */
	XEN_PLATFORM_BAR_DISKS = 1,
	XEN_PLATFORM_BAR_NICS = 2,
};

/** What the guest has better drivers for. */
enum xen_unplug {
	XEN_UNPLUG_DISKS = 0x01,           /* IDE and SCSI disks, no CD-ROMs */
	XEN_UNPLUG_NICS = 0x02,            /* all network cards */
	XEN_UNPLUG_SECONDARY_DISKS = 0x04, /* IDE disks but the primary master */
	XEN_UNPLUG_NVME = 0x08,
	XEN_UNPLUG_ALL = 0x0f,
};
