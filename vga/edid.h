// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The monitor's description: one block of VESA E-EDID Standard release A, revision 2 (EDID 1.4).
 */
#pragma once

#include <stdint.h>

enum {
	EDID_BYTES = 128,
};

struct edid_config {
	const char *name;       /* of the monitor, at most 13 characters are shown */
	unsigned width, height; /* the preferred mode, 60 Hz; up to 4095 x 4095 */
};

/** Builds the block with its checksum. */
void edid_build(const struct edid_config *config, uint8_t edid[EDID_BYTES]);
