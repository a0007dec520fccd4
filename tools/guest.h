// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest as its configuration file describes it: every value read, checked and defaulted as
 * libxl does, so that what is made of it (tools/arguments.h) cannot fail.
 */
#pragma once

#include <stdbool.h>

#include "tools/disk.h"
#include "tools/vif.h"
#include "tools/words.h"

struct config;
struct err;

enum {
	GUEST_MAX_NAME = 63,
	GUEST_MAX_VCPUS = 32,
	GUEST_MAX_MEMORY_MIB = 64 << 10,
	GUEST_DEFAULT_MEMORY_MIB = 256,
	GUEST_MAX_SERIALS = 4,
	GUEST_FLOPPIES = 2,
};

/** What becomes of a guest when it has powered off or its device model has died. */
enum guest_action {
	ACTION_DESTROY,
	ACTION_PRESERVE,
	ACTION_RESTART,
};

enum guest_vga {
	VGA_STD,
	VGA_CIRRUS,
	VGA_NONE,
};

struct guest_vnc {
	bool on, unused;
	const char *listen;
	unsigned display;
	const char *password; /* NULL or "": none */
};

/** Strings belong to the configuration that was read, which must outlive this. */
struct guest {
	const char *name, *uuid;
	unsigned memory_mib, vcpus, max_vcpus;
	const char *boot, *boot_once; /* boot_once: NULL or the order until the first restart */
	const char *kernel, *ramdisk, *cmdline;
	bool acpi, hpet, localtime, usb;
	struct words usb_devices;
	long usb_version; /* 0: as usb says, 1: UHCI, 2: EHCI with companions */
	enum guest_vga vga;
	unsigned video_mib;
	struct guest_vnc vnc;
	bool vncviewer, sdl, nographic;
	const char *keymap;
	struct words serials;
	bool ahci; /* disks are the SATA adapter's, CD-ROMs are if IDE has no place for them */
	struct disk disks[DISK_DRIVES];
	unsigned disk_count;
	struct vif vifs[VIF_MAX];
	unsigned vif_count;
	const char *floppies[GUEST_FLOPPIES]; /* image, "" an empty drive, NULL none */
	const char *device_model;             /* NULL: the one that comes with this tool */
	struct words extra_args, extra_args_hvm;
	const char *user;
	enum guest_action on_poweroff, on_reboot, on_crash;
};

/**
 * Reads 'config' into 'guest'. What the user should know although the guest can start is appended
 * to 'notes', a sentence each. 0, or -EINVAL and a sentence; 'guest' then needs no finish.
 */
int guest_read(struct guest *guest, const struct config *config, struct words *notes,
	       struct err *err);
void guest_finish(struct guest *guest);

/** Says whether 'name' can name a guest, and so a directory. 0, or -EINVAL and a sentence. */
int guest_check_name(const char *name, struct err *err);
