// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Packet commands by which a CD-ROM drive describes itself: INQUIRY, mode pages, features, events,
 * performance.
 */
#include <string.h>

#include "base/bits.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "hw/ide/atapi.h"
#include "hw/ide/transfer.h"

enum {
	REPLY_MAX_BYTES = 512, /* every reply of this file is shorter */
	CDROM_DEVICE_TYPE = 0x05,
	VENDOR_CHARS = 8,
	PRODUCT_CHARS = 16,
	REVISION_CHARS = 4,
	BUFFER_KB = 512,
};

static void refuse_field(struct ide_drive *drive)
{
	atapi_fail(drive, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_CDB);
}

/** A bounded reply in the channel's buffer. */
static struct buf begin_reply(struct ide_drive *drive)
{
	struct buf reply;

	buf_init(&reply, atapi_reply_buffer(drive, REPLY_MAX_BYTES), REPLY_MAX_BYTES);
	return reply;
}

static void put_text(struct buf *reply, const char *text, size_t chars)
{
	size_t length = strnlen(text, chars);

	buf_put(reply, text, length);
	buf_fill(reply, ' ', chars - length);
}

/* INQUIRY; SPC-3 6.4. */

static void put_standard_inquiry(const struct ide_drive *drive, struct buf *reply)
{
	static const uint8_t head[] = { CDROM_DEVICE_TYPE, 0x80 /* removable */, 0,
					0x21 /* ATAPI, response format 1 */, 31 };

	buf_put(reply, head, sizeof(head));
	buf_fill(reply, 0, 3);
	put_text(reply, "HVMDM", VENDOR_CHARS);
	put_text(reply, drive->model, PRODUCT_CHARS);
	put_text(reply, drive->version, REVISION_CHARS);
}

static void put_vpd_identification(const struct ide_drive *drive, struct buf *reply)
{
	enum {
		CODE_SET_ASCII = 2,
		TYPE_T10_VENDOR = 1
	};

	buf_put_u8(reply, CODE_SET_ASCII);
	buf_put_u8(reply, TYPE_T10_VENDOR);
	buf_put_u8(reply, 0);
	buf_put_u8(reply, VENDOR_CHARS + IDE_SERIAL_CHARS);
	put_text(reply, "HVMDM", VENDOR_CHARS);
	put_text(reply, drive->serial, IDE_SERIAL_CHARS);
}

/** The body of a vital product data page; false if there is no such page. */
static bool put_vpd(const struct ide_drive *drive, uint8_t page, struct buf *reply)
{
	static const uint8_t pages[] = { VPD_SUPPORTED, VPD_SERIAL, VPD_IDENTIFICATION };

	switch (page) {
	case VPD_SUPPORTED:
		buf_put(reply, pages, sizeof(pages));
		return true;
	case VPD_SERIAL:
		put_text(reply, drive->serial, IDE_SERIAL_CHARS);
		return true;
	case VPD_IDENTIFICATION:
		put_vpd_identification(drive, reply);
		return true;
	default:
		return false;
	}
}

void atapi_inquiry(struct ide_drive *drive, const uint8_t *packet)
{
	struct buf reply = begin_reply(drive);
	bool vital = (packet[1] & 1) != 0;

	if (!vital && packet[2] == 0) {
		put_standard_inquiry(drive, &reply);
	} else {
		buf_put_u8(&reply, CDROM_DEVICE_TYPE);
		buf_put_u8(&reply, packet[2]);
		buf_put_be16(&reply, 0);
		if (!vital || !put_vpd(drive, packet[2], &reply)) {
			refuse_field(drive);
			return;
		}
		reply.bytes[3] = (uint8_t)(reply.end - 4);
	}
	atapi_reply(drive, reply.end, load_be16(packet + 3));
}

/* Mode pages; MMC-5 7. */

static void put_error_recovery_page(const struct ide_drive *drive, uint8_t *page)
{
	page[3] = drive->state->read_retries;
}

static void put_cd_parameters_page(const struct ide_drive *drive, uint8_t *page)
{
	(void)drive;
	page[3] = 0x0d;
	store_be16(page + 4, 60);
	store_be16(page + 6, CD_FRAMES_PER_SECOND);
}

static void put_audio_page(const struct ide_drive *drive, uint8_t *page)
{
	(void)drive;
	page[2] = 0x04; /* immediate */
}

static void put_plain_page(const struct ide_drive *drive, uint8_t *page)
{
	(void)drive;
	(void)page;
}

static void put_capabilities_page(const struct ide_drive *drive, uint8_t *page)
{
	page[2] = 0x3b; /* reads CD-R, CD-RW, DVD-ROM, DVD-R, DVD-RAM */
	page[4] = 0x70; /* mode 2 forms, several sessions */
	page[6] = (uint8_t)(0x29 | (drive->state->locked ? 0x02 : 0)); /* tray, eject, lock */
	store_be16(page + 8, CD_SPEED_KB);
	store_be16(page + 10, 2); /* volume levels */
	store_be16(page + 12, BUFFER_KB);
	store_be16(page + 14, drive->state->cd_speed_kb);
}

struct mode_page {
	uint8_t code;
	uint8_t bytes; /* behind code and length */
	void (*put)(const struct ide_drive *drive, uint8_t *page);
};

static const struct mode_page mode_pages[] = {
	{ PAGE_ERROR_RECOVERY, 0x0a, put_error_recovery_page },
	{ PAGE_CD_PARAMETERS, 0x06, put_cd_parameters_page },
	{ PAGE_CD_AUDIO, 0x0e, put_audio_page },
	{ PAGE_POWER_CONDITION, 0x0a, put_plain_page },
	{ PAGE_TIMEOUT, 0x08, put_plain_page },
	{ PAGE_CAPABILITIES, 0x14, put_capabilities_page },
};

/** Appends the pages that 'code' asks for; false if there are none. */
static bool put_mode_pages(const struct ide_drive *drive, uint8_t code, unsigned control,
			   struct buf *reply)
{
	bool found = false;

	for (unsigned i = 0; i < ARRAY_SIZE(mode_pages); i++) {
		const struct mode_page *page = &mode_pages[i];
		uint8_t body[64] = { page->code, page->bytes };

		if (code != PAGE_ALL && code != page->code)
			continue;
		if (control != PAGE_CONTROL_CHANGEABLE)
			page->put(drive, body);
		else if (page->code == PAGE_ERROR_RECOVERY)
			body[3] = 0xff;
		buf_put(reply, body, 2u + page->bytes);
		found = true;
	}
	return found;
}

/** ATAPI's medium type byte. */
static uint8_t medium_type(const struct ide_drive *drive)
{
	if (drive->state->tray_open)
		return 0x71;
	return atapi_has_medium(drive) ? 0x01 : 0x70;
}

static void mode_sense(struct ide_drive *drive, const uint8_t *packet, unsigned header_bytes,
		       size_t allocation)
{
	struct buf reply = begin_reply(drive);
	unsigned control = packet[2] >> PAGE_CONTROL_SHIFT;

	if (control == PAGE_CONTROL_SAVED) {
		atapi_fail(drive, SENSE_ILLEGAL_REQUEST, ASC_SAVING_NOT_SUPPORTED);
		return;
	}
	buf_fill(&reply, 0, header_bytes);
	if (!put_mode_pages(drive, packet[2] & PAGE_CODE_MASK, control, &reply)) {
		refuse_field(drive);
		return;
	}
	if (header_bytes == 4) {
		reply.bytes[0] = (uint8_t)(reply.end - 1);
		reply.bytes[1] = medium_type(drive);
	} else {
		store_be16(reply.bytes, (uint16_t)(reply.end - 2));
		reply.bytes[2] = medium_type(drive);
	}
	atapi_reply(drive, reply.end, allocation);
}

void atapi_mode_sense_6(struct ide_drive *drive, const uint8_t *packet)
{
	mode_sense(drive, packet, 4, packet[4]);
}

void atapi_mode_sense_10(struct ide_drive *drive, const uint8_t *packet)
{
	mode_sense(drive, packet, 8, load_be16(packet + 7));
}

static void mode_select(struct ide_drive *drive, uint32_t bytes)
{
	if (bytes == 0)
		ide_finish(drive, 0);
	else if (bytes > REPLY_MAX_BYTES)
		atapi_fail(drive, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
	else
		ide_packet_take(drive, bytes);
}

void atapi_mode_select_6(struct ide_drive *drive, const uint8_t *packet)
{
	mode_select(drive, packet[4]);
}

void atapi_mode_select_10(struct ide_drive *drive, const uint8_t *packet)
{
	mode_select(drive, load_be16(packet + 7));
}

static bool is_mode_page(uint8_t code)
{
	for (unsigned i = 0; i < ARRAY_SIZE(mode_pages); i++)
		if (mode_pages[i].code == code)
			return true;
	return false;
}

void atapi_mode_select_data(struct ide_drive *drive, const uint8_t *packet, const uint8_t *list,
			    size_t bytes)
{
	size_t position = packet[0] == ATAPI_MODE_SELECT_6 ? 4 : 8;

	/* First all is looked at, then taken: each page is at least two bytes, so this ends. */
	while (position + 2 <= bytes) {
		uint8_t code = list[position] & PAGE_CODE_MASK;
		size_t page_bytes = 2u + list[position + 1];

		if (!is_mode_page(code) || page_bytes > bytes - position) {
			atapi_fail(drive, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_LIST);
			return;
		}
		if (code == PAGE_ERROR_RECOVERY && page_bytes >= 4)
			drive->state->read_retries = list[position + 3];
		position += page_bytes;
	}
	ide_finish(drive, 0);
}

/* Features; MMC-5 5. */

/** One feature's data, behind its four bytes of header. */
static void put_feature(struct buf *reply, uint16_t code, unsigned version, bool current,
			const void *data, uint8_t bytes)
{
	buf_put_be16(reply, code);
	/* Bit 1: the drive always has it; removable and core features do. */
	buf_put_u8(reply, (uint8_t)(version << 2 | (current ? 3u : 0u)));
	buf_put_u8(reply, bytes);
	buf_put(reply, data, bytes);
}

static void put_profiles(struct buf *reply, uint16_t current)
{
	const uint8_t profiles[] = {
		0, PROFILE_DVD_ROM, current == PROFILE_DVD_ROM, 0,
		0, PROFILE_CD_ROM,  current == PROFILE_CD_ROM,  0,
	};

	put_feature(reply, FEATURE_PROFILE_LIST, 0, true, profiles, sizeof(profiles));
}

static bool feature_is_current(uint16_t code, uint16_t profile)
{
	switch (code) {
	case FEATURE_RANDOM_READABLE:
	case FEATURE_REAL_TIME_STREAMING:
		return profile != PROFILE_NONE;
	case FEATURE_MULTI_READ:
	case FEATURE_CD_READ:
		return profile == PROFILE_CD_ROM;
	case FEATURE_DVD_READ:
		return profile == PROFILE_DVD_ROM;
	default:
		return true;
	}
}

struct feature {
	uint16_t code;
	uint8_t version, bytes;
	uint8_t data[8];
};

static const struct feature features[] = {
	{ FEATURE_CORE, 1, 8, { 0, 0, 0, 2 /* ATAPI */, 1 /* DBE */ } },
	{ FEATURE_MORPHING, 0, 4, { 2 /* events are polled */ } },
	{ FEATURE_REMOVABLE_MEDIUM, 0, 4, { 0x29 /* tray, eject, lock */ } },
	{ FEATURE_RANDOM_READABLE, 0, 8, { 0, 0, CD_SECTOR_BYTES >> 8, 0, 0, 1, 0 } },
	{ FEATURE_MULTI_READ, 0, 0, { 0 } },
	{ FEATURE_CD_READ, 0, 4, { 0 } },
	{ FEATURE_DVD_READ, 0, 0, { 0 } },
	{ FEATURE_POWER_MANAGEMENT, 0, 0, { 0 } },
	{ FEATURE_TIMEOUT, 0, 0, { 0 } },
	{ FEATURE_REAL_TIME_STREAMING, 0, 4, { 0 } },
};

void atapi_get_configuration(struct ide_drive *drive, const uint8_t *packet)
{
	enum {
		ALL,
		CURRENT,
		ONE
	};
	unsigned which = packet[1] & 3;
	uint16_t first = load_be16(packet + 2), profile = atapi_profile(drive);
	struct buf reply = begin_reply(drive);

	if (which > ONE) {
		refuse_field(drive);
		return;
	}
	buf_put_be32(&reply, 0);
	buf_put_be16(&reply, 0);
	buf_put_be16(&reply, profile);
	if (first == FEATURE_PROFILE_LIST)
		put_profiles(&reply, profile);
	for (unsigned i = 0; i < ARRAY_SIZE(features); i++) {
		const struct feature *feature = &features[i];
		bool current = feature_is_current(feature->code, profile);

		if (feature->code < first || (which == ONE && feature->code != first) ||
		    (which == CURRENT && !current))
			continue;
		put_feature(&reply, feature->code, feature->version, current, feature->data,
			    feature->bytes);
	}
	store_be32(reply.bytes, (uint32_t)(reply.end - 4));
	atapi_reply(drive, reply.end, load_be16(packet + 7));
}

/* Events and the rest. */

void atapi_get_event_status(struct ide_drive *drive, const uint8_t *packet)
{
	struct ide_drive_state *state = drive->state;
	struct buf reply = begin_reply(drive);

	if (!(packet[1] & 1)) { /* asynchronous */
		refuse_field(drive);
		return;
	}
	if (!(packet[4] & EVENT_CLASS_MEDIA_BIT)) {
		buf_put_be16(&reply, 0);
		buf_put_u8(&reply, EVENT_NO_CLASS);
		buf_put_u8(&reply, EVENT_CLASS_MEDIA_BIT);
	} else {
		buf_put_be16(&reply, 4);
		buf_put_u8(&reply, EVENT_CLASS_MEDIA);
		buf_put_u8(&reply, EVENT_CLASS_MEDIA_BIT);
		buf_put_u8(&reply, state->event);
		buf_put_u8(&reply, (uint8_t)((state->tray_open ? EVENT_TRAY_OPEN : 0) |
					     (atapi_has_medium(drive) ? EVENT_MEDIA_PRESENT : 0)));
		buf_put_be16(&reply, 0);
		state->event = EVENT_NONE;
	}
	atapi_reply(drive, reply.end, load_be16(packet + 7));
}

void atapi_mechanism_status(struct ide_drive *drive, const uint8_t *packet)
{
	uint8_t *reply = atapi_reply_buffer(drive, 8);

	reply[1] = drive->state->tray_open ? 0x10 : 0;
	atapi_reply(drive, 8, load_be16(packet + 8));
}

void atapi_get_performance(struct ide_drive *drive, const uint8_t *packet)
{
	enum {
		NOMINAL = 0
	};
	struct buf reply = begin_reply(drive);
	uint32_t sectors = atapi_total_sectors(drive);

	if (packet[10] != NOMINAL) {
		refuse_field(drive);
		return;
	}
	buf_put_be32(&reply, 4 + 16); /* what follows */
	buf_put_be32(&reply, 0);
	buf_put_be32(&reply, 0);
	buf_put_be32(&reply, CD_SPEED_KB);
	buf_put_be32(&reply, sectors ? sectors - 1 : 0);
	buf_put_be32(&reply, CD_SPEED_KB);
	/* At least one descriptor is given, whatever the number asked for. */
	atapi_reply(drive, reply.end, REPLY_MAX_BYTES);
}

void atapi_read_buffer_capacity(struct ide_drive *drive, const uint8_t *packet)
{
	struct buf reply = begin_reply(drive);

	buf_put_be16(&reply, 10);
	buf_put_be16(&reply, 0);
	buf_put_be32(&reply, BUFFER_KB << 10);
	buf_put_be32(&reply, BUFFER_KB << 10);
	atapi_reply(drive, reply.end, load_be16(packet + 7));
}
