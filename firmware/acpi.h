// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ACPI tables: RSDP, RSDT and XSDT, FADT, FACS, DSDT, MADT, HPET, WAET and two SSDTs, with the
 * loader script that places and links them.
 */
#pragma once

#include <stddef.h>

#include "firmware/arena.h"

struct firmware_board;

#define ACPI_TABLES_FILE "etc/acpi/tables"
#define ACPI_RSDP_FILE   "etc/acpi/rsdp"
#define ACPI_LOADER_FILE "etc/table-loader"

/** dsdt.asl, compiled. */
extern const size_t dsdt_aml_size;
extern const unsigned char dsdt_aml[];

struct acpi_blobs {
	struct blob tables; /* all but the RSDP; FACS first */
	struct blob rsdp;
	struct blob loader;
};

/** Builds the three files. */
void acpi_build(const struct firmware_board *board, struct arena *arena, struct acpi_blobs *out);
