// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ATA command set: which drive supports which opcode, and what each does. Sector ranges are
 * checked in 64 bits before anything is moved.
 */
#pragma once

#include "hw/ide/channel.h"

/** How a command names its first sector. */
enum ata_addressing {
	ATA_CHS,
	ATA_LBA28,
	ATA_LBA48,
};

/** Executes a command of a drive that is there and idle. */
void ata_execute(struct ide_drive *drive, uint8_t opcode);

/** The host's data for the running command (ide_start_take) are in the channel's buffer. */
void ata_data_taken(struct ide_drive *drive);
/** A run of TRIM's ranges has been discarded: starts the next, or ends the command. */
void ata_trim_go_on(struct ide_drive *drive);

/** Puts a sector's address into the registers, as the running command counts. */
void ata_store_address(struct ide_drive *drive, uint64_t lba);

/** Sectors of a disk. */
uint64_t ata_total_sectors(const struct ide_drive *drive);

/** Settings as after power-on. */
void ata_reset_settings(struct ide_drive *drive);

/** READ LOG EXT (log.c). */
void ata_read_log(struct ide_drive *drive);

/** SMART (smart.c). */
void ata_smart(struct ide_drive *drive);
