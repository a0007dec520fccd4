// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The logs that READ LOG EXT reads (ATA-8 ACS, 7.24): the directory, and the one that says which
 * NCQ command has failed, with which a disk goes on after such a failure (SATA 2.6, 13.7).
 */
#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "hw/ide/ata.h"
#include "hw/ide/transfer.h"

static void put_directory(uint8_t *page)
{
	store_le16(page, 1); /* version */
	store_le16(page + 2 * ATA_LOG_QUEUE_ERROR, 1);
}

/** Read, it is empty again, and the disk takes commands for its queue. */
static void put_queue_error(struct ide_drive_state *state, uint8_t *page)
{
	enum {
		NOT_QUEUED = 0x80
	};
	unsigned sum = 0;

	memcpy(page, state->queue_log, ATA_QUEUE_LOG_BYTES);
	if (!state->queue_failed)
		page[ATA_QUEUE_LOG_TAG] = NOT_QUEUED;
	for (unsigned i = 0; i < ATA_LOG_CHECKSUM; i++)
		sum += page[i];
	page[ATA_LOG_CHECKSUM] = (uint8_t)(0u - sum);
	state->queue_failed = 0;
	memset(state->queue_log, 0, ATA_QUEUE_LOG_BYTES);
}

void ata_read_log(struct ide_drive *drive)
{
	struct ide_drive_state *state = drive->state;
	unsigned first = (unsigned)state->hob[ATA_LBA_MID] << 8 | state->regs[ATA_LBA_MID];
	unsigned pages =
		(unsigned)state->hob[ATA_SECTOR_COUNT] << 8 | state->regs[ATA_SECTOR_COUNT];
	uint8_t log = state->regs[ATA_LBA_LOW];
	uint8_t *page;

	/* Each log is one page long. */
	if (first != 0 || pages != 1 || (log != ATA_LOG_DIRECTORY && log != ATA_LOG_QUEUE_ERROR)) {
		ide_finish(drive, ATA_ABRT);
		return;
	}
	page = memset(drive->channel->state->buffer, 0, ATA_SECTOR_BYTES);
	if (log == ATA_LOG_DIRECTORY)
		put_directory(page);
	else
		put_queue_error(state, page);
	ide_start_reply(drive, ATA_SECTOR_BYTES);
}
