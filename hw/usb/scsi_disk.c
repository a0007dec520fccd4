// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/usb/scsi_disk.h"

#include <string.h>

#include "base/bits.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/trace.h"
#include "hw/ide/ata.h"
#include "hw/ide/atapi.h"
#include "hw/ide/transfer.h"
#include "hw/usb/storage_regs.h"

enum {
	REPLY_BYTES = 256,   /* every reply is shorter */
	BLOCK_BYTES = 32768, /* the host takes and gives as much without a look at the image */
	MAX_SECTORS = 65536, /* of one command */
	MAX_LIST_BYTES = 512,
	VENDOR_CHARS = 8,
	PRODUCT_CHARS = 16,
	REVISION_CHARS = 4,
};

struct request {
	struct ide_drive *drive;
	const uint8_t *cdb;
	uint32_t host_bytes;
	bool in, removable;
	bool too_long; /* it would move more than the host means to, or the other way */
};

/** How the CDB names sectors: by the group in the opcode's upper three bits. */
struct range {
	uint64_t lba, count;
};

static void refuse_field(struct ide_drive *drive)
{
	atapi_fail(drive, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_CDB);
}

static void succeed(struct ide_drive *drive)
{
	ide_finish(drive, 0);
}

/* --- Sectors --- */

static struct range load_range(const uint8_t *cdb)
{
	enum {
		GROUP_6 = 0,
		GROUP_12 = 5,
		GROUP_16 = 4,
	};

	switch (cdb[0] >> 5) {
	case GROUP_6:
		return (struct range){ load_be32(cdb) & 0x1fffff, cdb[4] ? cdb[4] : 256 };
	case GROUP_12:
		return (struct range){ load_be32(cdb + 2), load_be32(cdb + 6) };
	case GROUP_16:
		return (struct range){ (uint64_t)load_be32(cdb + 2) << 32 | load_be32(cdb + 6),
				       load_be32(cdb + 10) };
	default:
		return (struct range){ load_be32(cdb + 2), load_be16(cdb + 7) };
	}
}

/** True if the sectors are on the disk; otherwise the command has ended. */
static bool check_range(struct ide_drive *drive, const struct range *range)
{
	if (range_fits(range->lba, range->count, ata_total_sectors(drive)))
		return true;
	atapi_fail(drive, SENSE_ILLEGAL_REQUEST, ASC_LBA_OUT_OF_RANGE);
	return false;
}

/** Sectors to move: false if there are none, or the command has ended, or is not to begin. */
static bool begin_moving(struct request *request, struct range *range, bool in)
{
	struct ide_drive *drive = request->drive;

	*range = load_range(request->cdb);
	if (!check_range(drive, range))
		return false;
	if (range->count > MAX_SECTORS) {
		refuse_field(drive);
		return false;
	}
	if (range->count == 0) {
		succeed(drive);
		return false;
	}
	request->too_long =
		request->in != in || range->count * ATA_SECTOR_BYTES > request->host_bytes;
	return !request->too_long;
}

static void read_sectors(struct request *request)
{
	struct range range;

	if (begin_moving(request, &range, true))
		ide_start_read(request->drive, range.lba, (uint32_t)range.count, BLOCK_BYTES);
}

static void write_sectors(struct request *request)
{
	struct ide_drive *drive = request->drive;
	bool flush = !drive->state->write_cache ||
		     (request->cdb[0] != SCSI_WRITE_6 && (request->cdb[1] & SCSI_FUA));
	struct range range;

	if (block_is_read_only(drive->block))
		atapi_fail(drive, SENSE_DATA_PROTECT, ASC_WRITE_PROTECTED);
	else if (begin_moving(request, &range, false))
		ide_start_write(drive, range.lba, (uint32_t)range.count, BLOCK_BYTES, flush);
}

static void verify(struct request *request)
{
	struct range range = load_range(request->cdb);

	if (request->cdb[1] & SCSI_BYTCHK)
		refuse_field(request->drive);
	else if (check_range(request->drive, &range))
		succeed(request->drive);
}

static void seek(struct request *request)
{
	struct range range = { load_be32(request->cdb + 2), 1 };

	if (check_range(request->drive, &range))
		succeed(request->drive);
}

static void synchronize_cache(struct request *request)
{
	ide_start_flush(request->drive);
}

/* --- Replies --- */

/** A bounded reply in the drive's buffer. */
static struct buf begin_reply(struct ide_drive *drive)
{
	struct buf reply;

	buf_init(&reply, atapi_reply_buffer(drive, REPLY_BYTES), REPLY_BYTES);
	return reply;
}

static void give(struct ide_drive *drive, const struct buf *reply, size_t allocation)
{
	uint32_t bytes = (uint32_t)min_size(reply->end, allocation);

	if (bytes)
		ide_start_reply(drive, bytes);
	else
		succeed(drive);
}

static void put_text(struct buf *reply, const char *text, size_t chars)
{
	size_t length = strnlen(text, chars);

	buf_put(reply, text, length);
	buf_fill(reply, ' ', chars - length);
}

static void put_standard_inquiry(const struct request *request, struct buf *reply)
{
	enum {
		REMOVABLE = 0x80,
		SPC_3 = 5,
		RESPONSE_FORMAT = 2,
	};

	buf_put_u8(reply, 0); /* a disk */
	buf_put_u8(reply, request->removable ? REMOVABLE : 0);
	buf_put_u8(reply, SPC_3);
	buf_put_u8(reply, RESPONSE_FORMAT);
	buf_put_u8(reply, 31); /* bytes that follow */
	buf_fill(reply, 0, 3);
	put_text(reply, "HVMDM", VENDOR_CHARS);
	put_text(reply, request->drive->model, PRODUCT_CHARS);
	put_text(reply, request->drive->version, REVISION_CHARS);
}

static void put_block_limits(struct buf *reply)
{
	buf_put_be32(reply, 0);
	buf_put_be32(reply, MAX_SECTORS);
	buf_fill(reply, 0, 60 - 8);
}

/** The body of a vital product data page; false if there is no such page. */
static bool put_vpd(const struct ide_drive *drive, uint8_t page, struct buf *reply)
{
	static const uint8_t pages[] = { VPD_SUPPORTED, VPD_SERIAL, VPD_IDENTIFICATION,
					 SCSI_VPD_BLOCK_LIMITS };
	static const uint8_t vendor_in_ascii[] = { 2, 1, 0, VENDOR_CHARS + IDE_SERIAL_CHARS };

	switch (page) {
	case VPD_SUPPORTED:
		buf_put(reply, pages, sizeof(pages));
		return true;
	case VPD_SERIAL:
		put_text(reply, drive->serial, IDE_SERIAL_CHARS);
		return true;
	case VPD_IDENTIFICATION:
		buf_put(reply, vendor_in_ascii, sizeof(vendor_in_ascii));
		put_text(reply, "HVMDM", VENDOR_CHARS);
		put_text(reply, drive->serial, IDE_SERIAL_CHARS);
		return true;
	case SCSI_VPD_BLOCK_LIMITS:
		put_block_limits(reply);
		return true;
	default:
		return false;
	}
}

static void inquiry(struct request *request)
{
	const uint8_t *cdb = request->cdb;
	struct buf reply = begin_reply(request->drive);
	bool vital = (cdb[1] & 1) != 0;

	if (!vital && cdb[2] == 0) {
		put_standard_inquiry(request, &reply);
	} else {
		buf_put_u8(&reply, 0);
		buf_put_u8(&reply, cdb[2]);
		buf_put_be16(&reply, 0);
		if (!vital || !put_vpd(request->drive, cdb[2], &reply)) {
			refuse_field(request->drive);
			return;
		}
		store_be16(reply.bytes + 2, (uint16_t)(reply.end - 4));
	}
	give(request->drive, &reply, load_be16(cdb + 3));
}

static void request_sense(struct request *request)
{
	enum {
		SENSE_BYTES = 18,
		FIXED_FORMAT = 0x70,
	};
	struct ide_drive_state *state = request->drive->state;
	struct buf reply = begin_reply(request->drive);

	buf_fill(&reply, 0, SENSE_BYTES);
	reply.bytes[0] = FIXED_FORMAT;
	reply.bytes[2] = state->sense_key;
	reply.bytes[7] = SENSE_BYTES - 8;
	store_be16(reply.bytes + 12, state->sense_asc);
	state->sense_key = SENSE_NONE;
	state->sense_asc = ASC_NONE;
	give(request->drive, &reply, request->cdb[4]);
}

static uint64_t last_sector(const struct ide_drive *drive)
{
	uint64_t sectors = ata_total_sectors(drive);

	return sectors ? sectors - 1 : 0;
}

static void read_capacity(struct request *request)
{
	struct buf reply = begin_reply(request->drive);

	buf_put_be32(&reply, (uint32_t)min_u64(last_sector(request->drive), UINT32_MAX));
	buf_put_be32(&reply, ATA_SECTOR_BYTES);
	give(request->drive, &reply, reply.end);
}

static void service_action_in(struct request *request)
{
	enum {
		BYTES = 32
	};
	uint64_t last = last_sector(request->drive);
	struct buf reply = begin_reply(request->drive);

	if ((request->cdb[1] & SCSI_SERVICE_ACTION) != SCSI_READ_CAPACITY_16) {
		refuse_field(request->drive);
		return;
	}
	buf_put_be32(&reply, (uint32_t)(last >> 32));
	buf_put_be32(&reply, (uint32_t)last);
	buf_put_be32(&reply, ATA_SECTOR_BYTES);
	buf_fill(&reply, 0, BYTES - 12);
	give(request->drive, &reply, load_be32(request->cdb + 10));
}

static void read_format_capacities(struct request *request)
{
	enum {
		FORMATTED = 2
	};
	struct buf reply = begin_reply(request->drive);

	buf_put_be32(&reply, 8); /* bytes that follow */
	buf_put_be32(&reply, (uint32_t)min_u64(ata_total_sectors(request->drive), UINT32_MAX));
	buf_put_be32(&reply, (uint32_t)FORMATTED << 24 | ATA_SECTOR_BYTES);
	give(request->drive, &reply, load_be16(request->cdb + 7));
}

static void report_luns(struct request *request)
{
	struct buf reply = begin_reply(request->drive);

	buf_put_be32(&reply, 8); /* one entry: unit 0 */
	buf_fill(&reply, 0, 12);
	give(request->drive, &reply, load_be32(request->cdb + 6));
}

/* --- Settings --- */

static void put_caching_page(const struct ide_drive *drive, bool changeable, struct buf *reply)
{
	enum {
		PAGE_BYTES = 18,
		WRITE_CACHE = 0x04,
	};

	buf_put_u8(reply, SCSI_PAGE_CACHING);
	buf_put_u8(reply, PAGE_BYTES);
	buf_put_u8(reply, !changeable && drive->state->write_cache ? WRITE_CACHE : 0);
	buf_fill(reply, 0, PAGE_BYTES - 1);
}

static void mode_sense(struct request *request)
{
	struct ide_drive *drive = request->drive;
	const uint8_t *cdb = request->cdb;
	bool is_short = cdb[0] == ATAPI_MODE_SENSE_6;
	uint8_t page = cdb[2] & PAGE_CODE_MASK;
	unsigned control = cdb[2] >> PAGE_CONTROL_SHIFT;
	uint8_t specific =
		SCSI_MODE_FUA | (block_is_read_only(drive->block) ? SCSI_MODE_WRITE_PROTECTED : 0);
	struct buf reply = begin_reply(drive);

	if (control == PAGE_CONTROL_SAVED) {
		atapi_fail(drive, SENSE_ILLEGAL_REQUEST, ASC_SAVING_NOT_SUPPORTED);
		return;
	}
	if (page && page != SCSI_PAGE_CACHING && page != PAGE_ALL) {
		refuse_field(drive);
		return;
	}
	buf_fill(&reply, 0, is_short ? 4 : 8);
	reply.bytes[is_short ? 2 : 3] = specific;
	if (page)
		put_caching_page(drive, control == PAGE_CONTROL_CHANGEABLE, &reply);
	if (is_short)
		reply.bytes[0] = (uint8_t)(reply.end - 1);
	else
		store_be16(reply.bytes, (uint16_t)(reply.end - 2));
	give(drive, &reply, is_short ? cdb[4] : load_be16(cdb + 7));
}

/** Nothing can be changed, so that the list is taken, and that is all. */
static void mode_select(struct request *request)
{
	struct ide_drive *drive = request->drive;
	uint32_t bytes = request->cdb[0] == ATAPI_MODE_SELECT_6 ? request->cdb[4]
								: load_be16(request->cdb + 7);

	if (bytes == 0) {
		succeed(drive);
	} else if (bytes > MAX_LIST_BYTES) {
		atapi_fail(drive, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
	} else {
		request->too_long = request->in || bytes > request->host_bytes;
		if (!request->too_long)
			ide_start_take(drive, bytes, false);
	}
}

/** Taken out as a person does who asks for it: what is not written yet has been flushed before. */
static void start_stop_unit(struct request *request)
{
	enum {
		START = 1,
		LOAD_EJECT = 2,
		POWER_CONDITION = 0xf0
	};
	struct ide_drive *drive = request->drive;
	uint8_t what = request->cdb[4];

	if (!(what & LOAD_EJECT) || (what & POWER_CONDITION) || !request->removable) {
		succeed(drive);
	} else if (!(what & START) && drive->state->locked) {
		atapi_fail(drive, SENSE_ILLEGAL_REQUEST, ASC_REMOVAL_PREVENTED);
	} else {
		drive->state->tray_open = !(what & START);
		succeed(drive);
	}
}

static void prevent_allow(struct request *request)
{
	request->drive->state->locked = request->cdb[4] & 1;
	succeed(request->drive);
}

static void ignore(struct request *request)
{
	succeed(request->drive);
}

/* --- Dispatch --- */

enum {
	NEEDS_MEDIUM = 1,
};

static const struct command {
	void (*execute)(struct request *request);
	uint8_t flags;
} commands[256] = {
	[ATAPI_TEST_UNIT_READY] = { ignore, NEEDS_MEDIUM },
	[ATAPI_REQUEST_SENSE] = { request_sense, 0 },
	[SCSI_READ_6] = { read_sectors, NEEDS_MEDIUM },
	[SCSI_WRITE_6] = { write_sectors, NEEDS_MEDIUM },
	[ATAPI_INQUIRY] = { inquiry, 0 },
	[ATAPI_MODE_SELECT_6] = { mode_select, 0 },
	[ATAPI_MODE_SENSE_6] = { mode_sense, 0 },
	[ATAPI_START_STOP_UNIT] = { start_stop_unit, 0 },
	[SCSI_SEND_DIAGNOSTIC] = { ignore, 0 },
	[ATAPI_PREVENT_ALLOW] = { prevent_allow, 0 },
	[ATAPI_READ_FORMAT_CAPACITIES] = { read_format_capacities, NEEDS_MEDIUM },
	[ATAPI_READ_CAPACITY] = { read_capacity, NEEDS_MEDIUM },
	[ATAPI_READ_10] = { read_sectors, NEEDS_MEDIUM },
	[SCSI_WRITE_10] = { write_sectors, NEEDS_MEDIUM },
	[ATAPI_SEEK_10] = { seek, NEEDS_MEDIUM },
	[SCSI_WRITE_VERIFY_10] = { write_sectors, NEEDS_MEDIUM },
	[ATAPI_VERIFY_10] = { verify, NEEDS_MEDIUM },
	[ATAPI_SYNCHRONIZE_CACHE] = { synchronize_cache, NEEDS_MEDIUM },
	[ATAPI_MODE_SELECT_10] = { mode_select, 0 },
	[ATAPI_MODE_SENSE_10] = { mode_sense, 0 },
	[SCSI_READ_16] = { read_sectors, NEEDS_MEDIUM },
	[SCSI_WRITE_16] = { write_sectors, NEEDS_MEDIUM },
	[SCSI_VERIFY_16] = { verify, NEEDS_MEDIUM },
	[SCSI_SYNCHRONIZE_CACHE_16] = { synchronize_cache, NEEDS_MEDIUM },
	[SCSI_SERVICE_ACTION_IN_16] = { service_action_in, NEEDS_MEDIUM },
	[SCSI_REPORT_LUNS] = { report_luns, 0 },
	[ATAPI_READ_12] = { read_sectors, NEEDS_MEDIUM },
	[SCSI_WRITE_12] = { write_sectors, NEEDS_MEDIUM },
	[SCSI_VERIFY_12] = { verify, NEEDS_MEDIUM },
};

bool scsi_disk_execute(struct ide_drive *drive, const uint8_t *cdb, uint32_t host_bytes, bool in,
		       bool removable)
{
	struct request request = { .drive = drive,
				   .cdb = cdb,
				   .host_bytes = host_bytes,
				   .in = in,
				   .removable = removable };
	const struct command *command = &commands[cdb[0]];
	struct ide_transfer *transfer = &drive->channel->state->transfer;

	/* What an ATA drive would be told, as far as its data path asks. */
	transfer->opcode = ATA_CMD_READ_SECTORS_EXT;
	transfer->addressing = ATA_LBA48;
	transfer->drive = drive->unit;
	drive->state->error = 0;
	if (cdb[0] != ATAPI_REQUEST_SENSE) {
		drive->state->sense_key = SENSE_NONE;
		drive->state->sense_asc = ASC_NONE;
	}
	if (!command->execute)
		atapi_fail(drive, SENSE_ILLEGAL_REQUEST, ASC_INVALID_OPCODE);
	else if ((command->flags & NEEDS_MEDIUM) && drive->state->tray_open)
		atapi_fail(drive, SENSE_NOT_READY, ASC_NO_MEDIUM);
	else
		command->execute(&request);
	return !request.too_long;
}

void scsi_disk_note_failure(struct ide_drive *drive)
{
	if (drive->state->sense_key != SENSE_NONE)
		return;
	drive->state->sense_key = SENSE_MEDIUM_ERROR;
	drive->state->sense_asc = drive->state->error & ATA_UNC ? ASC_READ_ERROR : ASC_WRITE_ERROR;
}
