// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Saved state of a whole machine (docs/save-format.md): what its devices hold, the board's own,
 * guest time. The guest's memory, video RAM and processors are not part of it: on Xen they are the
 * toolstack's, who asks for this beside them; on KVM they follow in a second part, save_guest.c.
 * What is loaded may come from anywhere: nothing changes unless all of it fits.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct machine;
struct state_writer;

enum {
	SAVE_DRIVES = 10, /* IDE's four, then those of the SATA adapter */
	SAVE_PCI_FUNCTIONS = 256,
	SAVE_MAX_BYTES = 16 << 20,
	SAVE_HEADER_BYTES = 48,
	/* The toolstack gives a device model in its own cage no larger files. */
	SAVE_USUAL_BYTES = 256 << 10,
};

enum save_drive {
	SAVE_NO_DRIVE,
	SAVE_DISK,
	SAVE_CDROM,
};

/** What the guest was built with, and must find again: as the machine is before anything was
 * unplugged. */
struct save_description {
	uint64_t low_ram_bytes, high_ram_bytes;
	uint64_t video_ram_bytes;
	uint64_t disk_bytes[SAVE_DRIVES];
	uint32_t pci_ids[SAVE_PCI_FUNCTIONS]; /* by slot and function: vendor, device; 0: nothing */
	uint32_t max_cpus;
	uint8_t drives[SAVE_DRIVES]; /* enum save_drive */
};

/** What belongs to no device. */
struct save_state {
	uint64_t clock_ns;
	uint64_t video_ram_gpa; /* 0: the guest's memory does not hold it */
	bool asleep;
	uint8_t reserved[7];
};

/** Before any other device is added: the machine itself is the first. */
void save_init(struct machine *machine);
/** Once, when the machine has been built. */
void save_describe(struct machine *machine);

/** The whole stream into 'out', which is empty. The machine stands still. 0, or -errno and a
 * sentence. */
int save_machine(struct machine *machine, struct state_writer *out, struct err *err);

/**
 * Loads a stream into a machine that was built and has not run. All or nothing: 0, or -errno and a
 * sentence. Afterwards it is paused, or sleeps as the saved one did.
 */
int save_load(struct machine *machine, const uint8_t *stream, size_t length, struct err *err);

/** The length of the whole stream, by its header of SAVE_HEADER_BYTES; 0: it is none of ours. */
size_t save_length(const uint8_t *header);

/* save_guest.c: memory and processors, where the core holds them */

/** Writes the second part at the position of 'fd'. The machine stands still. 0, or -errno and a
 * sentence. */
int save_guest_write(struct machine *machine, int fd, struct err *err);
/** What of the second part belongs behind the devices: kept until they have been loaded. */
struct save_core {
	uint8_t *bytes; /* owned */
	size_t length;
};
/** Reads the second part into a machine that has not run: its memory, at once. 0, or -errno and a
 * sentence; then the guest must not run. */
int save_guest_read(struct machine *machine, int fd, struct save_core *core, struct err *err);

/* save_file.c */

/**
 * Saves to 'fd', at its position; what was behind is cut off. Disks are flushed before. A machine
 * that runs is stopped meanwhile. With 'gives_up' one that does not run lets another process have
 * its images, until machine_cont. 0, or -errno and a sentence.
 */
int save_to_fd(struct machine *machine, int fd, bool gives_up, struct err *err);
/** machine_cont's part: images that were given up are claimed again. */
int save_take_back(struct machine *machine, struct err *err);

/** Opens what -incoming names, for save_load_incoming. 0, or -errno and a sentence. */
int save_open(struct machine *machine, struct err *err);
/** Reads and loads it; nothing if there was none. To be called when the process has given up its
 * rights, without the machine lock. */
int save_load_incoming(struct machine *machine, struct err *err);
void save_close(struct machine *machine);
