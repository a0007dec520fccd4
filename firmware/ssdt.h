// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What of the ACPI name space depends on the board, as the bodies of two SSDTs. dsdt.asl says which
 * names they define.
 */
#pragma once

#include "firmware/arena.h"

struct firmware_board;

/** Bits of \BRDF. */
enum board_flags {
	BOARD_FLAG_HPET = 0x01,
	BOARD_FLAG_FLOPPY = 0x02,
	BOARD_FLAG_PARALLEL = 0x04,
	BOARD_FLAG_SERIAL = 0x10, /* first of four */
};

/** Appends flags, sleep states, the root bridge's windows and its interrupt routing. */
void ssdt_build_board(const struct firmware_board *board, struct blob *out);

/** Appends the processor objects with what their hotplug needs. */
void ssdt_build_cpus(const struct firmware_board *board, struct blob *out);

/** The windows of the root bridge as a resource template (ACPI 2.0c, 6.4), for \_SB.PCI0._CRS;
 * returns its length. */
enum {
	SSDT_MAX_WINDOWS = 192,
};
size_t ssdt_put_windows(const struct firmware_board *board, uint8_t windows[SSDT_MAX_WINDOWS]);
