// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The SCSI commands of a disk behind a USB bridge (SPC-3, SBC-2): reading, writing, flushing, who
 * it is. Sectors are moved by the ATA drive that it is made of (hw/ide/transfer.h), so that ranges,
 * errors, holds and restarts are IDE's.
 *
 * Not modelled: UNMAP, WRITE SAME, formatting, reservations, VERIFY with data.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "hw/ide/channel.h"

/**
 * Begins the command of 16 bytes at 'cdb' on a drive that is idle. 'host_bytes' is what the host
 * means to move, to itself if 'in': a command that needs more is not begun. False then.
 */
bool scsi_disk_execute(struct ide_drive *drive, const uint8_t *cdb, uint32_t host_bytes, bool in,
		       bool removable);
/** A command has ended with an error of the image's: leaves the sense data that say so. */
void scsi_disk_note_failure(struct ide_drive *drive);
