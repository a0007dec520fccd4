// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SMBIOS 2.8: what the machine is, to dmidecode, Windows and installers. One socket a processor,
 * memory in pieces of 16 GiB.
 */
#pragma once

#include "firmware/arena.h"

struct firmware_board;

#define SMBIOS_ANCHOR_FILE "etc/smbios/smbios-anchor"
#define SMBIOS_TABLES_FILE "etc/smbios/smbios-tables"

struct smbios_blobs {
	struct blob tables;
	struct blob anchor; /* the entry point; the firmware puts the tables' address into it */
};

void smbios_build(const struct firmware_board *board, struct arena *arena,
		  struct smbios_blobs *out);
