// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The MP table, for systems that know several processors or the I/O APIC but not ACPI.
 * MultiProcessor Specification 1.4, chapter 4. For a loader that runs in the guest; SeaBIOS makes
 * its own (docs/firmware.md).
 */
#pragma once

#include "firmware/arena.h"

struct firmware_board;

/** Floating pointer structure (4.1). */
enum mp_floating {
	MP_FLOATING_ADDRESS = 4, /* of the configuration table, 32 bits */
	MP_FLOATING_LENGTH = 8,  /* in 16 bytes */
	MP_FLOATING_REVISION = 9,
	MP_FLOATING_CHECKSUM = 10,
	MP_FLOATING_SIZE = 16,
};

/** Configuration table header (4.2). */
enum mp_header {
	MP_LENGTH = 4, /* 16 bits */
	MP_REVISION = 6,
	MP_CHECKSUM = 7,
	MP_OEM_ID = 8,
	MP_PRODUCT_ID = 16,
	MP_ENTRY_COUNT = 34, /* 16 bits */
	MP_LAPIC_ADDRESS = 36,
	MP_HEADER_SIZE = 44,
	MP_REVISION_1_4 = 4,
};

/** Entries (4.3); a processor's is 20 bytes long, all others' are 8. */
enum mp_entry {
	MP_PROCESSOR = 0,
	MP_BUS = 1,
	MP_IOAPIC = 2,
	MP_IO_INTERRUPT = 3,
	MP_LOCAL_INTERRUPT = 4,
	MP_PROCESSOR_ENABLED = 1,
	MP_PROCESSOR_BOOT = 2,
	MP_PROCESSOR_VERSION = 0x14, /* of the local APIC */
	MP_IOAPIC_VERSION = 0x11,
	MP_IOAPIC_ENABLED = 1,
	MP_INT = 0, /* interrupt types */
	MP_NMI = 1,
	MP_EXTINT = 3,
	MP_CONFORMS = 0,                /* flags: as the bus has it */
	MP_HIGH_LEVEL = 0x1 | 0x3 << 2, /* active high, level-triggered */
	MP_ALL_LAPICS = 0xff,
};

/** Appends pointer structure and table, which is to lie at guest-physical 'address', a multiple of
 * 16 below 1 MiB. */
void mptable_build(const struct firmware_board *board, uint32_t address, struct blob *out);
