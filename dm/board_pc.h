// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The PC: an i440FX board with PIIX3 and PIIX4, the same on every hypervisor core; what a core
 * brings itself is left out.
 */
#pragma once

#include <stdbool.h>

struct block;
struct board;
struct chr;
struct err;
struct glyph_set;
struct machine;
struct medium_slot;

/** Builds the board that the machine's options describe, in power-on state. NULL and a sentence. */
struct board *board_create(struct machine *machine, struct err *err);
void board_destroy(struct board *board);

/** Around a reset of all devices: the boot order that holds once is used up, firmware's items are
 * there anew. */
void board_before_reset(struct board *board);
void board_after_reset(struct board *board);

void board_press_power_button(struct board *board);
/** The guest has gone to sleep (S3): leaves what the BIOS looks for when it is woken. */
void board_prepare_wake(struct board *board);
void board_set_woken(struct board *board);

/** A processor was plugged in or is to go: the guest is told. */
void board_announce_cpu(struct board *board, unsigned cpu, bool online);

/** Requests held by werror=stop are tried again. */
void board_retry_disks(struct board *board);

/* For saving. */

/** Everything that the guest wrote is on stable storage afterwards. 0, or -errno and a sentence:
 * also if a disk keeps nothing (snapshot). */
int board_flush_disks(struct board *board, struct err *err);
/** Gives the images up for another process, or claims them again. 0, or -errno and a sentence. */
int board_claim_disks(struct board *board, bool claimed, struct err *err);

/* For control. */

/** A drive as control shows it. Names are the board's, valid as long as it is. */
struct board_drive {
	const char *name;     /* "ide1-cd0" */
	const char *id;       /* of -device, or NULL */
	const char *drive_id; /* of -drive, or NULL */
	bool is_cdrom;
	struct block *block;
	struct medium_slot *slot; /* of a removable medium, else NULL */
};

/** The removable drive that is called 'id': by a device's or drive's id or by its name. NULL if
 * there is none. */
struct medium_slot *board_find_medium(struct board *board, const char *id);
void board_for_each_drive(struct board *board,
			  void (*visit)(const struct board_drive *drive, void *opaque),
			  void *opaque);
/** What serial port 'index' is connected to. NULL: there is no such port. */
struct chr *board_serial_chr(struct board *board, unsigned index);
/** Adds the fonts by which text in pictures is read. */
void board_add_fonts(const struct board *board, struct glyph_set *set);
