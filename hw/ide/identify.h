// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The 512 bytes by which a drive describes itself. ATA/ATAPI-7 volume 1, 6.17 and 6.18.
 */
#pragma once

#include "hw/ide/channel.h"

/** IDENTIFY DEVICE of a disk, or IDENTIFY PACKET DEVICE of a CD-ROM, into 512 bytes at 'data'. */
void ide_identify(const struct ide_drive *drive, uint8_t *data);
