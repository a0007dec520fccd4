// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/ide/atapi.h"

#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/trace.h"
#include "block/medium.h"
#include "hw/ide/cd_sector.h"
#include "hw/ide/transfer.h"

/** What a packet command's row says. */
enum {
	NEEDS_MEDIUM = 1,
	DESPITE_ATTENTION = 2, /* does not report or clear unit attention */
};

struct packet_row {
	void (*execute)(struct ide_drive *drive, const uint8_t *packet);
	uint8_t flags;
	const char *name;
};

/* State. */

void atapi_reset(struct ide_drive *drive)
{
	struct ide_drive_state *state = drive->state;

	state->sense_key = SENSE_NONE;
	state->sense_asc = ASC_NONE;
	state->sense_lba_valid = 0;
	state->locked = 0;
}

void atapi_power_on(struct ide_drive *drive)
{
	if (drive->kind != IDE_CDROM)
		return;
	drive->state->cd_speed_kb = CD_SPEED_KB;
	drive->state->read_retries = 5;
}

bool atapi_has_medium(const struct ide_drive *drive)
{
	return !drive->state->tray_open && !block_is_empty(drive->slot->block);
}

uint32_t atapi_total_sectors(const struct ide_drive *drive)
{
	if (!atapi_has_medium(drive))
		return 0;
	return (uint32_t)min_u64(block_size_bytes(drive->slot->block) / CD_SECTOR_BYTES,
				 UINT32_MAX);
}

uint16_t atapi_profile(const struct ide_drive *drive)
{
	if (!atapi_has_medium(drive))
		return PROFILE_NONE;
	return atapi_total_sectors(drive) > CD_MAX_SECTORS ? PROFILE_DVD_ROM : PROFILE_CD_ROM;
}

bool atapi_medium_was_changed(const struct ide_drive *drive)
{
	return (drive->state->attention & ATAPI_ATTENTION_MEDIUM) != 0 || !atapi_has_medium(drive);
}

static uint16_t no_medium_asc(const struct ide_drive *drive)
{
	return drive->state->tray_open ? ASC_NO_MEDIUM_TRAY_OPEN : ASC_NO_MEDIUM_TRAY_CLOSED;
}

/* Ends of commands. */

static void set_sense(struct ide_drive *drive, uint8_t key, uint16_t asc)
{
	drive->state->sense_key = key;
	drive->state->sense_asc = asc;
	drive->state->sense_lba_valid = 0;
}

void atapi_fail(struct ide_drive *drive, uint8_t key, uint16_t asc)
{
	TRACE(ide, sense, "drive %u key %x asc %04x", drive->unit, key, asc);
	set_sense(drive, key, asc);
	ide_finish(drive, (uint8_t)(key << 4 | ATA_ABRT));
}

static void succeed(struct ide_drive *drive)
{
	ide_finish(drive, 0);
}

static void refuse_field(struct ide_drive *drive)
{
	atapi_fail(drive, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_CDB);
}

/** Reports a medium that came or went; false if neither did. */
static bool report_attention(struct ide_drive *drive)
{
	if (!drive->state->attention)
		return false;
	drive->state->attention = 0;
	atapi_fail(drive, SENSE_UNIT_ATTENTION, ASC_MEDIUM_CHANGED);
	return true;
}

void atapi_disk_failed(struct ide_drive *drive, int result)
{
	uint32_t lba = (uint32_t)drive->channel->state->transfer.lba;

	if (result == -EFAULT) {
		atapi_fail(drive, SENSE_HARDWARE_ERROR, ASC_INTERNAL_FAILURE);
	} else if (!atapi_has_medium(drive)) {
		atapi_fail(drive, SENSE_NOT_READY, no_medium_asc(drive));
	} else if (!report_attention(drive)) {
		atapi_fail(drive, SENSE_MEDIUM_ERROR, ASC_READ_ERROR);
		drive->state->sense_lba = lba;
		drive->state->sense_lba_valid = 1;
	}
}

uint8_t *atapi_reply_buffer(struct ide_drive *drive, size_t bytes)
{
	return memset(drive->channel->state->buffer, 0, min_size(bytes, IDE_BUFFER_BYTES));
}

void atapi_reply(struct ide_drive *drive, size_t bytes, size_t allocation)
{
	ide_packet_reply(drive, (uint32_t)min_size(bytes, allocation));
}

/* The slot. */

static bool slot_eject_requested(void *opaque, bool force)
{
	struct ide_drive *drive = opaque;
	struct ide_drive_state *state = drive->state;

	if (state->locked && !force) {
		state->event = EVENT_EJECT_REQUEST;
		return false;
	}
	if (atapi_has_medium(drive))
		state->event = EVENT_MEDIA_REMOVAL;
	state->locked = 0;
	state->tray_open = 1;
	return true;
}

static bool slot_is_locked(void *opaque)
{
	const struct ide_drive *drive = opaque;

	return drive->state->locked;
}

static bool slot_is_tray_open(void *opaque)
{
	const struct ide_drive *drive = opaque;

	return drive->state->tray_open;
}

static void medium_came(struct ide_drive *drive)
{
	drive->state->attention |= ATAPI_ATTENTION_MEDIUM;
	drive->state->event = EVENT_NEW_MEDIA;
}

static void slot_changed(void *opaque)
{
	struct ide_drive *drive = opaque;

	if (block_is_empty(drive->slot->block)) {
		drive->state->event = EVENT_MEDIA_REMOVAL;
		return;
	}
	drive->state->tray_open = 0;
	medium_came(drive);
}

void atapi_attach(struct ide_drive *drive)
{
	struct medium_slot *slot = drive->slot;

	slot->opaque = drive;
	slot->eject_requested = slot_eject_requested;
	slot->is_locked = slot_is_locked;
	slot->is_tray_open = slot_is_tray_open;
	slot->changed = slot_changed;
}

void atapi_detach(struct ide_drive *drive)
{
	struct medium_slot *slot = drive->slot;

	slot->opaque = NULL;
	slot->eject_requested = NULL;
	slot->is_locked = NULL;
	slot->is_tray_open = NULL;
	slot->changed = NULL;
}

static void move_tray(struct ide_drive *drive, bool open)
{
	struct ide_drive_state *state = drive->state;

	if (state->tray_open == open)
		return;
	if (open && atapi_has_medium(drive))
		state->event = EVENT_MEDIA_REMOVAL;
	state->tray_open = open ? 1 : 0;
	if (!open && atapi_has_medium(drive))
		medium_came(drive);
	if (drive->slot->tray_moved)
		drive->slot->tray_moved(drive->slot->control, drive->slot, open);
}

/* Commands. */

static void test_unit_ready(struct ide_drive *drive, const uint8_t *packet)
{
	(void)packet;
	succeed(drive);
}

static void request_sense(struct ide_drive *drive, const uint8_t *packet)
{
	enum {
		SENSE_BYTES = 18,
		FIXED_FORMAT = 0x70,
		INFORMATION_VALID = 0x80
	};
	struct ide_drive_state *state = drive->state;
	uint8_t *reply = atapi_reply_buffer(drive, SENSE_BYTES);

	if (state->sense_key == SENSE_NONE && state->attention) {
		state->attention = 0;
		set_sense(drive, SENSE_UNIT_ATTENTION, ASC_MEDIUM_CHANGED);
	}
	reply[0] = (uint8_t)(FIXED_FORMAT | (state->sense_lba_valid ? INFORMATION_VALID : 0));
	reply[2] = state->sense_key;
	if (state->sense_lba_valid)
		store_be32(reply + 3, state->sense_lba);
	reply[7] = SENSE_BYTES - 8;
	store_be16(reply + 12, state->sense_asc);
	set_sense(drive, SENSE_NONE, ASC_NONE);
	atapi_reply(drive, SENSE_BYTES, packet[4]);
}

static void start_stop_unit(struct ide_drive *drive, const uint8_t *packet)
{
	enum {
		START = 1,
		LOAD_EJECT = 2,
		POWER_CONDITION = 0xf0
	};
	bool open = !(packet[4] & START);

	if (!(packet[4] & LOAD_EJECT) || (packet[4] & POWER_CONDITION)) {
		succeed(drive);
		return;
	}
	if (open && drive->state->locked) {
		atapi_fail(drive, SENSE_ILLEGAL_REQUEST, ASC_REMOVAL_PREVENTED);
		return;
	}
	move_tray(drive, open);
	succeed(drive);
}

static void prevent_allow(struct ide_drive *drive, const uint8_t *packet)
{
	drive->state->locked = packet[4] & 1;
	succeed(drive);
}

/** True if the range is on the medium; otherwise the command has ended. */
static bool check_range(struct ide_drive *drive, uint64_t lba, uint64_t sectors)
{
	if (range_fits(lba, sectors, atapi_total_sectors(drive)))
		return true;
	atapi_fail(drive, SENSE_ILLEGAL_REQUEST, ASC_LBA_OUT_OF_RANGE);
	return false;
}

static void read_sectors(struct ide_drive *drive, uint64_t lba, uint32_t sectors,
			 uint16_t sector_bytes, uint8_t fields)
{
	if (!check_range(drive, lba, sectors))
		return;
	if (sectors == 0 || sector_bytes == 0)
		succeed(drive);
	else
		ide_packet_read(drive, lba, sectors, sector_bytes, fields);
}

static void read_10(struct ide_drive *drive, const uint8_t *packet)
{
	read_sectors(drive, load_be32(packet + 2), load_be16(packet + 7), CD_SECTOR_BYTES, 0);
}

static void read_12(struct ide_drive *drive, const uint8_t *packet)
{
	read_sectors(drive, load_be32(packet + 2), load_be32(packet + 6), CD_SECTOR_BYTES, 0);
}

/** READ CD and READ CD MSF, which differ in how they name the sectors. */
static void read_cd_sectors(struct ide_drive *drive, const uint8_t *packet, uint64_t lba,
			    uint32_t sectors)
{
	unsigned type = packet[1] >> 2 & 7u;
	uint8_t fields = packet[9];

	if (type != READ_CD_TYPE_ANY && type != READ_CD_TYPE_MODE_1)
		atapi_fail(drive, SENSE_ILLEGAL_REQUEST, ASC_ILLEGAL_MODE_FOR_TRACK);
	else if ((fields & ~READ_CD_KNOWN) || (packet[10] & 7))
		refuse_field(drive);
	else
		read_sectors(drive, lba, sectors, cd_sector_bytes(fields), fields);
}

static void read_cd(struct ide_drive *drive, const uint8_t *packet)
{
	uint32_t sectors = load_be32(packet + 5) & 0xffffff;

	read_cd_sectors(drive, packet, load_be32(packet + 2), sectors);
}

static int64_t lba_from_msf(const uint8_t *msf)
{
	return ((int64_t)msf[0] * 60 + msf[1]) * CD_FRAMES_PER_SECOND + msf[2] - CD_PREGAP_FRAMES;
}

static void read_cd_msf(struct ide_drive *drive, const uint8_t *packet)
{
	int64_t first = lba_from_msf(packet + 3), end = lba_from_msf(packet + 6);

	if (first < 0 || end < first)
		refuse_field(drive);
	else
		read_cd_sectors(drive, packet, (uint64_t)first, (uint32_t)(end - first));
}

static void seek(struct ide_drive *drive, const uint8_t *packet)
{
	if (check_range(drive, load_be32(packet + 2), 1))
		succeed(drive);
}

static void verify(struct ide_drive *drive, const uint8_t *packet)
{
	if (check_range(drive, load_be32(packet + 2), load_be16(packet + 7)))
		succeed(drive);
}

static void set_cd_speed(struct ide_drive *drive, const uint8_t *packet)
{
	uint16_t speed = load_be16(packet + 2);

	drive->state->cd_speed_kb = speed == 0 || speed > CD_SPEED_KB ? CD_SPEED_KB : speed;
	succeed(drive);
}

static void set_streaming(struct ide_drive *drive, const uint8_t *packet)
{
	uint16_t bytes = load_be16(packet + 9);

	if (bytes == 0)
		succeed(drive);
	else
		ide_packet_take(drive, (uint32_t)min_u64(bytes, IDE_MAX_BURST_BYTES));
}

static void ignore(struct ide_drive *drive, const uint8_t *packet)
{
	(void)packet;
	succeed(drive);
}

static void play_audio(struct ide_drive *drive, const uint8_t *packet)
{
	(void)packet;
	atapi_fail(drive, SENSE_ILLEGAL_REQUEST, ASC_ILLEGAL_MODE_FOR_TRACK);
}

static const struct packet_row packet_commands[256] = {
	[ATAPI_TEST_UNIT_READY] = { test_unit_ready, NEEDS_MEDIUM, "test unit ready" },
	[ATAPI_REQUEST_SENSE] = { request_sense, DESPITE_ATTENTION, "request sense" },
	[ATAPI_INQUIRY] = { atapi_inquiry, DESPITE_ATTENTION, "inquiry" },
	[ATAPI_MODE_SELECT_6] = { atapi_mode_select_6, 0, "mode select 6" },
	[ATAPI_MODE_SENSE_6] = { atapi_mode_sense_6, 0, "mode sense 6" },
	[ATAPI_START_STOP_UNIT] = { start_stop_unit, DESPITE_ATTENTION, "start stop unit" },
	[ATAPI_PREVENT_ALLOW] = { prevent_allow, DESPITE_ATTENTION, "prevent allow" },
	[ATAPI_READ_FORMAT_CAPACITIES] = { atapi_read_format_capacities, 0,
					   "read format capacities" },
	[ATAPI_READ_CAPACITY] = { atapi_read_capacity, NEEDS_MEDIUM, "read capacity" },
	[ATAPI_READ_10] = { read_10, NEEDS_MEDIUM, "read 10" },
	[ATAPI_SEEK_10] = { seek, NEEDS_MEDIUM, "seek" },
	[ATAPI_VERIFY_10] = { verify, NEEDS_MEDIUM, "verify" },
	[ATAPI_SYNCHRONIZE_CACHE] = { ignore, 0, "synchronize cache" },
	[ATAPI_READ_SUBCHANNEL] = { atapi_read_subchannel, NEEDS_MEDIUM, "read subchannel" },
	[ATAPI_READ_TOC] = { atapi_read_toc, NEEDS_MEDIUM, "read toc" },
	[ATAPI_READ_HEADER] = { atapi_read_header, NEEDS_MEDIUM, "read header" },
	[ATAPI_PLAY_AUDIO_10] = { play_audio, NEEDS_MEDIUM, "play audio" },
	[ATAPI_GET_CONFIGURATION] = { atapi_get_configuration, DESPITE_ATTENTION,
				      "get configuration" },
	[ATAPI_PLAY_AUDIO_MSF] = { play_audio, NEEDS_MEDIUM, "play audio msf" },
	[ATAPI_GET_EVENT_STATUS] = { atapi_get_event_status, DESPITE_ATTENTION,
				     "get event status" },
	[ATAPI_PAUSE_RESUME] = { ignore, NEEDS_MEDIUM, "pause resume" },
	[ATAPI_STOP_PLAY] = { ignore, NEEDS_MEDIUM, "stop play" },
	[ATAPI_READ_DISC_INFORMATION] = { atapi_read_disc_information, NEEDS_MEDIUM,
					  "read disc information" },
	[ATAPI_READ_TRACK_INFORMATION] = { atapi_read_track_information, NEEDS_MEDIUM,
					   "read track information" },
	[ATAPI_MODE_SELECT_10] = { atapi_mode_select_10, 0, "mode select 10" },
	[ATAPI_MODE_SENSE_10] = { atapi_mode_sense_10, 0, "mode sense 10" },
	[ATAPI_READ_BUFFER_CAPACITY] = { atapi_read_buffer_capacity, 0, "read buffer capacity" },
	[ATAPI_READ_12] = { read_12, NEEDS_MEDIUM, "read 12" },
	[ATAPI_GET_PERFORMANCE] = { atapi_get_performance, 0, "get performance" },
	[ATAPI_READ_DVD_STRUCTURE] = { atapi_read_dvd_structure, NEEDS_MEDIUM,
				       "read dvd structure" },
	[ATAPI_SET_STREAMING] = { set_streaming, 0, "set streaming" },
	[ATAPI_READ_CD_MSF] = { read_cd_msf, NEEDS_MEDIUM, "read cd msf" },
	[ATAPI_SET_CD_SPEED] = { set_cd_speed, 0, "set cd speed" },
	[ATAPI_MECHANISM_STATUS] = { atapi_mechanism_status, 0, "mechanism status" },
	[ATAPI_READ_CD] = { read_cd, NEEDS_MEDIUM, "read cd" },
};

/* Dispatch. */

void atapi_start_packet(struct ide_drive *drive)
{
	const uint8_t *regs = drive->state->regs;
	uint32_t limit = (uint32_t)regs[ATAPI_BYTE_COUNT_HIGH] << 8 | regs[ATAPI_BYTE_COUNT_LOW];

	/* 0 is what drivers write that use DMA; FFFFh counts as FFFEh, and a block is less than
	 * that here. */
	if (limit == 0 || limit > IDE_MAX_BURST_BYTES)
		limit = IDE_MAX_BURST_BYTES;
	else if (limit == 1)
		limit = 2;
	ide_start_packet(drive, (regs[ATA_FEATURES] & ATAPI_FEATURE_DMA) != 0, limit);
}

void atapi_packet_received(struct ide_drive *drive)
{
	uint8_t packet[ATAPI_PACKET_BYTES];
	const struct packet_row *row;

	memcpy(packet, drive->channel->state->transfer.packet, sizeof(packet));
	row = &packet_commands[packet[0]];
	TRACE(ide, packet, "drive %u opcode %02x %s", drive->unit, packet[0],
	      row->execute ? row->name : "(unsupported)");
	if (packet[0] != ATAPI_REQUEST_SENSE)
		set_sense(drive, SENSE_NONE, ASC_NONE);
	if (!(row->flags & DESPITE_ATTENTION) && report_attention(drive))
		return;
	if (!row->execute)
		atapi_fail(drive, SENSE_ILLEGAL_REQUEST, ASC_INVALID_OPCODE);
	else if ((row->flags & NEEDS_MEDIUM) && !atapi_has_medium(drive))
		atapi_fail(drive, SENSE_NOT_READY, no_medium_asc(drive));
	else
		row->execute(drive, packet);
}

void atapi_list_received(struct ide_drive *drive, uint32_t bytes)
{
	const struct ide_channel_state *channel = drive->channel->state;
	uint8_t packet[ATAPI_PACKET_BYTES];

	memcpy(packet, channel->transfer.packet, sizeof(packet));
	if (packet[0] == ATAPI_MODE_SELECT_6 || packet[0] == ATAPI_MODE_SELECT_10)
		atapi_mode_select_data(drive, packet, channel->buffer, bytes);
	else
		succeed(drive); /* SET STREAMING: there is one speed */
}
