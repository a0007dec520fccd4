// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SMART of a disk that never wears out: attributes, thresholds, empty logs, self-tests that pass at
 * once. ATA/ATAPI-7 volume 1, 6.54; attribute layout of SFF-8035i, which is what monitoring
 * programs read.
 */
#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "hw/ide/ata.h"
#include "hw/ide/transfer.h"

enum {
	ATTRIBUTE_BYTES = 12,
	ATTRIBUTES_OFFSET = 2,
	OFFLINE_STATUS = 362,
	OFFLINE_SECONDS = 364,
	OFFLINE_CAPABILITY = 367,
	SMART_CAPABILITY = 368,
	ERROR_LOG_CAPABILITY = 370,
	SHORT_TEST_MINUTES = 372,
	EXTENDED_TEST_MINUTES = 373,
	CHECKSUM_OFFSET = 511,
	STRUCTURE_VERSION = 0x10,
};

struct smart_attribute {
	uint8_t id;
	uint16_t flags;
	uint8_t value, threshold;
};

static const struct smart_attribute attributes[] = {
	{ 1, 0x0003, 100, 6 },   /* raw read error rate */
	{ 3, 0x0003, 100, 0 },   /* spin-up time */
	{ 4, 0x0002, 100, 20 },  /* start/stop count */
	{ 5, 0x0003, 100, 36 },  /* reallocated sectors */
	{ 9, 0x0003, 100, 0 },   /* power-on hours */
	{ 12, 0x0003, 100, 0 },  /* power cycles */
	{ 197, 0x0012, 100, 0 }, /* pending sectors */
};

static uint8_t *cleared_sector(struct ide_drive *drive)
{
	return memset(drive->channel->state->buffer, 0, ATA_SECTOR_BYTES);
}

static void reply_with_checksum(struct ide_drive *drive, uint8_t *data)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < CHECKSUM_OFFSET; i++)
		sum += data[i];
	data[CHECKSUM_OFFSET] = (uint8_t)(0u - sum);
	ide_start_reply(drive, ATA_SECTOR_BYTES);
}

static void read_values(struct ide_drive *drive)
{
	uint8_t *data = cleared_sector(drive);

	store_le16(data, STRUCTURE_VERSION);
	for (unsigned i = 0; i < ARRAY_SIZE(attributes); i++) {
		uint8_t *entry = data + ATTRIBUTES_OFFSET + i * ATTRIBUTE_BYTES;

		entry[0] = attributes[i].id;
		store_le16(entry + 1, attributes[i].flags);
		entry[3] = entry[4] = attributes[i].value;
	}
	data[OFFLINE_STATUS] = 0x02; /* completed without error */
	data[OFFLINE_SECONDS] = 1;
	data[OFFLINE_CAPABILITY] = 0x19; /* immediate, surface scan and self-test */
	store_le16(data + SMART_CAPABILITY, 3);
	data[ERROR_LOG_CAPABILITY] = 1;
	data[SHORT_TEST_MINUTES] = 1;
	data[EXTENDED_TEST_MINUTES] = 1;
	reply_with_checksum(drive, data);
}

static void read_thresholds(struct ide_drive *drive)
{
	uint8_t *data = cleared_sector(drive);

	store_le16(data, STRUCTURE_VERSION);
	for (unsigned i = 0; i < ARRAY_SIZE(attributes); i++) {
		uint8_t *entry = data + ATTRIBUTES_OFFSET + i * ATTRIBUTE_BYTES;

		entry[0] = attributes[i].id;
		entry[1] = attributes[i].threshold;
	}
	reply_with_checksum(drive, data);
}

static void read_log(struct ide_drive *drive)
{
	uint8_t *data = cleared_sector(drive);

	switch (drive->state->regs[ATA_LBA_LOW]) {
	case SMART_LOG_DIRECTORY:
		store_le16(data, 1);
		data[2 * SMART_LOG_ERRORS] = 1;
		data[2 * SMART_LOG_SELF_TESTS] = 1;
		ide_start_reply(drive, ATA_SECTOR_BYTES);
		break;
	case SMART_LOG_ERRORS:
	case SMART_LOG_SELF_TESTS:
		data[0] = 1;
		reply_with_checksum(drive, data);
		break;
	default:
		ide_finish(drive, ATA_ABRT);
		break;
	}
}

void ata_smart(struct ide_drive *drive)
{
	struct ide_drive_state *state = drive->state;
	uint8_t subcommand = state->regs[ATA_FEATURES];

	if (state->regs[ATA_LBA_MID] != SMART_KEY_MID ||
	    state->regs[ATA_LBA_HIGH] != SMART_KEY_HIGH ||
	    (!state->smart && subcommand != SMART_ENABLE)) {
		ide_finish(drive, ATA_ABRT);
		return;
	}
	switch (subcommand) {
	case SMART_READ_DATA:
		read_values(drive);
		break;
	case SMART_READ_THRESHOLDS:
		read_thresholds(drive);
		break;
	case SMART_READ_LOG:
		read_log(drive);
		break;
	case SMART_ENABLE:
	case SMART_DISABLE:
		state->smart = subcommand == SMART_ENABLE ? 1 : 0;
		ide_finish(drive, 0);
		break;
	case SMART_AUTOSAVE:
	case SMART_SAVE_VALUES:
	case SMART_EXECUTE_OFFLINE:
	case SMART_RETURN_STATUS: /* the keys, left as they are, say "no threshold exceeded" */
		ide_finish(drive, 0);
		break;
	default:
		ide_finish(drive, ATA_ABRT);
		break;
	}
}
