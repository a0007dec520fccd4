// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Packet commands that describe the disc: one session, one data track. MMC-5 6.
 */
#include <string.h>

#include "base/bits.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "hw/ide/atapi.h"
#include "hw/ide/cd_sector.h"

enum {
	REPLY_MAX_BYTES = 4096,
	DATA_TRACK = 0x14,  /* ADR 1 (position), control 4 (data) */
	ADDRESS_MSF = 0x02, /* packet byte 1: addresses in minutes, seconds, frames */
};

static void refuse_field(struct ide_drive *drive)
{
	atapi_fail(drive, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_CDB);
}

static struct buf begin_reply(struct ide_drive *drive)
{
	struct buf reply;

	buf_init(&reply, atapi_reply_buffer(drive, REPLY_MAX_BYTES), REPLY_MAX_BYTES);
	return reply;
}

/** Four bytes: a sector number, or 0, M, S, F. */
static void put_address(struct buf *reply, uint32_t lba, bool msf)
{
	uint8_t address[4] = { 0 };

	if (msf)
		cd_msf_from_lba(lba, address + 1);
	else
		store_be32(address, lba);
	buf_put(reply, address, sizeof(address));
}

void atapi_read_capacity(struct ide_drive *drive, const uint8_t *packet)
{
	struct buf reply = begin_reply(drive);
	uint32_t sectors = atapi_total_sectors(drive);

	(void)packet;
	buf_put_be32(&reply, sectors ? sectors - 1 : 0);
	buf_put_be32(&reply, CD_SECTOR_BYTES);
	atapi_reply(drive, reply.end, reply.end);
}

void atapi_read_format_capacities(struct ide_drive *drive, const uint8_t *packet)
{
	enum {
		FORMATTED = 2,
		NO_MEDIUM = 3
	};
	bool medium = atapi_has_medium(drive);
	struct buf reply = begin_reply(drive);

	buf_put_be32(&reply, 8); /* bytes that follow */
	buf_put_be32(&reply, medium ? atapi_total_sectors(drive) : UINT32_MAX);
	buf_put_u8(&reply, medium ? FORMATTED : NO_MEDIUM);
	buf_put_u8(&reply, 0);
	buf_put_be16(&reply, CD_SECTOR_BYTES);
	atapi_reply(drive, reply.end, load_be16(packet + 7));
}

/* READ TOC/PMA/ATIP. */

static void put_toc_entry(struct buf *reply, uint8_t track, uint32_t lba, bool msf)
{
	buf_put_u8(reply, 0);
	buf_put_u8(reply, DATA_TRACK);
	buf_put_u8(reply, track);
	buf_put_u8(reply, 0);
	put_address(reply, lba, msf);
}

/** Format 0; false if the first track asked for is beyond the lead-out. */
static bool put_toc(struct ide_drive *drive, struct buf *reply, uint8_t first, bool msf)
{
	if (first > 1 && first != CD_LEAD_OUT_TRACK)
		return false;
	buf_put_be16(reply, 0);
	buf_put_u8(reply, 1); /* first and last track */
	buf_put_u8(reply, 1);
	if (first <= 1)
		put_toc_entry(reply, 1, 0, msf);
	put_toc_entry(reply, CD_LEAD_OUT_TRACK, atapi_total_sectors(drive), msf);
	return true;
}

static void put_sessions(struct buf *reply, bool msf)
{
	buf_put_be16(reply, 0);
	buf_put_u8(reply, 1); /* first and last session */
	buf_put_u8(reply, 1);
	put_toc_entry(reply, 1, 0, msf);
}

/** One entry of the lead-in: session, ADR and control, TNO, POINT, address now, PMIN/PSEC/PFRAME.
 */
static void put_raw_entry(struct buf *reply, uint8_t point, const uint8_t position[3])
{
	buf_put_u8(reply, 1);
	buf_put_u8(reply, DATA_TRACK);
	buf_put_u8(reply, 0);
	buf_put_u8(reply, point);
	buf_fill(reply, 0, 4);
	buf_put(reply, position, 3);
}

static void put_raw_toc(struct ide_drive *drive, struct buf *reply)
{
	static const uint8_t first_track[3] = { 1 }, last_track[3] = { 1 };
	uint8_t lead_out[3], start[3];

	cd_msf_from_lba(atapi_total_sectors(drive), lead_out);
	cd_msf_from_lba(0, start);
	buf_put_be16(reply, 0);
	buf_put_u8(reply, 1); /* first and last session */
	buf_put_u8(reply, 1);
	put_raw_entry(reply, 0xa0, first_track);
	put_raw_entry(reply, 0xa1, last_track);
	put_raw_entry(reply, 0xa2, lead_out);
	put_raw_entry(reply, 1, start);
}

void atapi_read_toc(struct ide_drive *drive, const uint8_t *packet)
{
	enum {
		TOC,
		SESSIONS,
		RAW_TOC
	};
	bool msf = (packet[1] & ADDRESS_MSF) != 0, valid = true;
	unsigned format = packet[2] & 0x0f;
	struct buf reply = begin_reply(drive);

	/* Older drivers put the format into the control byte (SFF-8020i). */
	if (format == TOC)
		format = packet[9] >> 6;
	switch (format) {
	case TOC:
		valid = put_toc(drive, &reply, packet[6], msf);
		break;
	case SESSIONS:
		put_sessions(&reply, msf);
		break;
	case RAW_TOC:
		put_raw_toc(drive, &reply);
		break;
	default:
		valid = false;
		break;
	}
	if (!valid) {
		refuse_field(drive);
		return;
	}
	store_be16(reply.bytes, (uint16_t)(reply.end - 2));
	atapi_reply(drive, reply.end, load_be16(packet + 7));
}

void atapi_read_subchannel(struct ide_drive *drive, const uint8_t *packet)
{
	enum {
		SUBQ = 0x40,
		POSITION = 1,
		CATALOG = 2,
		ISRC = 3,
		NO_AUDIO_STATUS = 0x15
	};
	bool msf = (packet[1] & ADDRESS_MSF) != 0;
	struct buf reply = begin_reply(drive);

	buf_put_u8(&reply, 0);
	buf_put_u8(&reply, NO_AUDIO_STATUS);
	buf_put_be16(&reply, 0);
	if (packet[2] & SUBQ) {
		if (packet[3] < POSITION || packet[3] > ISRC) {
			refuse_field(drive);
			return;
		}
		buf_put_u8(&reply, packet[3]);
		if (packet[3] == POSITION) {
			buf_put_u8(&reply, DATA_TRACK);
			buf_put_u8(&reply, 1); /* track and index */
			buf_put_u8(&reply, 1);
			put_address(&reply, 0, msf);
			put_address(&reply, 0, msf);
		} else {
			buf_fill(&reply, 0, 19); /* neither number is valid */
		}
	}
	store_be16(reply.bytes + 2, (uint16_t)(reply.end - 4));
	atapi_reply(drive, reply.end, load_be16(packet + 7));
}

void atapi_read_header(struct ide_drive *drive, const uint8_t *packet)
{
	uint32_t lba = load_be32(packet + 2);
	struct buf reply = begin_reply(drive);

	if (lba >= atapi_total_sectors(drive)) {
		atapi_fail(drive, SENSE_ILLEGAL_REQUEST, ASC_LBA_OUT_OF_RANGE);
		return;
	}
	buf_put_be32(&reply, 1u << 24); /* mode 1 */
	put_address(&reply, lba, (packet[1] & ADDRESS_MSF) != 0);
	atapi_reply(drive, reply.end, load_be16(packet + 7));
}

void atapi_read_disc_information(struct ide_drive *drive, const uint8_t *packet)
{
	enum {
		BYTES = 34,
		COMPLETE = 0x0e,
		UNRESTRICTED = 0x20
	};
	uint8_t *reply = atapi_reply_buffer(drive, BYTES);

	if (packet[1] & 7) {
		refuse_field(drive);
		return;
	}
	store_be16(reply, BYTES - 2);
	reply[2] = COMPLETE;
	reply[3] = 1; /* first track */
	reply[4] = 1; /* sessions */
	reply[5] = 1; /* first and last track of the last session */
	reply[6] = 1;
	reply[7] = UNRESTRICTED;
	memset(reply + 16, 0xff, 8); /* no next session */
	atapi_reply(drive, BYTES, load_be16(packet + 7));
}

void atapi_read_track_information(struct ide_drive *drive, const uint8_t *packet)
{
	enum {
		BYTES = 36,
		BY_LBA = 0,
		BY_SESSION = 2,
		DATA_CONTROL = 4,
		MODE_1 = 1
	};
	uint32_t number = load_be32(packet + 2), sectors = atapi_total_sectors(drive);
	unsigned by = packet[1] & 3;
	uint8_t *reply = atapi_reply_buffer(drive, BYTES);

	if (by > BY_SESSION || (by == BY_LBA ? number >= sectors : number != 1)) {
		refuse_field(drive);
		return;
	}
	store_be16(reply, BYTES - 2);
	reply[2] = 1; /* track and session */
	reply[3] = 1;
	reply[5] = DATA_CONTROL;
	reply[6] = MODE_1;
	store_be32(reply + 24, sectors);
	atapi_reply(drive, BYTES, load_be16(packet + 7));
}

/* READ DVD STRUCTURE. */

static void put_physical_layer(struct ide_drive *drive, uint8_t *data)
{
	data[0] = 0x01; /* DVD-ROM, part version 1 */
	data[1] = 0x0f; /* 120 mm, no maximum rate */
	data[2] = 0x01; /* one layer, embossed */
	store_be32(data + 4, DVD_DATA_START);
	store_be32(data + 8, DVD_DATA_START + atapi_total_sectors(drive) - 1);
}

static void put_structure_list(uint8_t *data)
{
	static const uint8_t formats[] = { 0x00, 0x01, 0x04, 0xff };

	for (unsigned i = 0; i < ARRAY_SIZE(formats); i++) {
		data[4 * i] = formats[i];
		data[4 * i + 1] = 0x40; /* readable */
	}
	store_be16(data + 2, 2048 + 4);
	store_be16(data + 6, 4 + 4);
	store_be16(data + 10, 2048 + 4);
	store_be16(data + 14, 16 + 4);
}

void atapi_read_dvd_structure(struct ide_drive *drive, const uint8_t *packet)
{
	enum {
		PHYSICAL = 0x00,
		COPYRIGHT = 0x01,
		MANUFACTURER = 0x04,
		LIST = 0xff,
		HEADER = 4
	};
	uint8_t *reply = atapi_reply_buffer(drive, REPLY_MAX_BYTES);
	size_t bytes = 2048;

	if (packet[7] != LIST && atapi_profile(drive) != PROFILE_DVD_ROM) {
		atapi_fail(drive, SENSE_ILLEGAL_REQUEST, ASC_INCOMPATIBLE_MEDIUM);
		return;
	}
	switch (packet[7]) {
	case PHYSICAL:
		put_physical_layer(drive, reply + HEADER);
		break;
	case COPYRIGHT: /* none, all regions */
		bytes = 4;
		break;
	case MANUFACTURER:
		break;
	case LIST:
		bytes = 16;
		put_structure_list(reply + HEADER);
		break;
	default:
		refuse_field(drive);
		return;
	}
	store_be16(reply, (uint16_t)(bytes + HEADER - 2));
	atapi_reply(drive, bytes + HEADER, load_be16(packet + 8));
}
