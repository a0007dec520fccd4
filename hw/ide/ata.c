// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/ide/ata.h"

#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/trace.h"
#include "hw/ide/atapi.h"
#include "hw/ide/identify.h"
#include "hw/ide/transfer.h"

enum {
	DSM_RANGE_BYTES = 8, /* 48 bits of LBA, 16 of count */
};

/** Who supports a command. */
enum {
	FOR_DISK = 1,
	FOR_CDROM = 2,
	FOR_BOTH = FOR_DISK | FOR_CDROM,
	FOR_SATA = 4, /* disks */
};

/** Rows of sector commands: what is common to them. */
enum {
	EXT = 1, /* LBA48 */
	WRITE = 2,
	MULTIPLE = 4, /* blocks as SET MULTIPLE says */
	FUA = 8,
};

struct command_row {
	void (*execute)(struct ide_drive *drive, uint8_t flags);
	uint8_t supported;
	uint8_t flags;
	const char *name;
};

uint64_t ata_total_sectors(const struct ide_drive *drive)
{
	return block_size_bytes(drive->block) / ATA_SECTOR_BYTES;
}

void ata_reset_settings(struct ide_drive *drive)
{
	struct ide_drive_state *state = drive->state;

	*state = (struct ide_drive_state){
		.cylinders = drive->geometry.cylinders,
		.heads = drive->geometry.heads,
		.sectors_per_track = drive->geometry.sectors,
		.multiple = ATA_MAX_MULTIPLE,
		.transfer_mode = ATA_MODE_MULTI_DMA | 2,
		.power = ATA_POWER_ACTIVE,
		.write_cache = 1,
		.look_ahead = 1,
		.smart = 1,
	};
}

static void abort_command(struct ide_drive *drive)
{
	ide_finish(drive, ATA_ABRT);
}

/* Addresses. */

static enum ata_addressing addressing_of(const struct ide_drive *drive, uint8_t flags)
{
	if (flags & EXT)
		return ATA_LBA48;
	return (drive->state->regs[ATA_DEVICE] & ATA_DEVICE_LBA) ? ATA_LBA28 : ATA_CHS;
}

/** The sector that the registers name; false if they name none (sector 0, head or sector beyond the
 * translation). */
static bool load_address(const struct ide_drive *drive, enum ata_addressing addressing,
			 uint64_t *lba)
{
	const struct ide_drive_state *state = drive->state;
	const uint8_t *regs = state->regs, *hob = state->hob;
	uint32_t head = regs[ATA_DEVICE] & ATA_DEVICE_HEAD;
	uint32_t low = regs[ATA_LBA_LOW],
		 middle = (uint32_t)regs[ATA_LBA_HIGH] << 8 | regs[ATA_LBA_MID];

	switch (addressing) {
	case ATA_LBA48:
		*lba = (uint64_t)hob[ATA_LBA_HIGH] << 40 | (uint64_t)hob[ATA_LBA_MID] << 32 |
		       (uint64_t)hob[ATA_LBA_LOW] << 24 | middle << 8 | low;
		return true;
	case ATA_LBA28:
		*lba = head << 24 | middle << 8 | low;
		return true;
	default:
		if (low == 0 || low > state->sectors_per_track || head >= state->heads)
			return false;
		*lba = ((uint64_t)middle * state->heads + head) * state->sectors_per_track + low -
		       1;
		return true;
	}
}

void ata_store_address(struct ide_drive *drive, uint64_t lba)
{
	struct ide_drive_state *state = drive->state;
	uint8_t *regs = state->regs;
	uint64_t value = lba;

	if (drive->channel->state->transfer.addressing == ATA_CHS) {
		uint32_t per_track = state->sectors_per_track ? state->sectors_per_track : 1;
		uint32_t heads = state->heads ? state->heads : 1;
		uint64_t track = lba / per_track;

		regs[ATA_DEVICE] = (uint8_t)replace_bits(regs[ATA_DEVICE], ATA_DEVICE_HEAD,
							 (uint32_t)(track % heads));
		value = track / heads << 8 | (lba % per_track + 1);
	} else if (drive->channel->state->transfer.addressing == ATA_LBA28) {
		regs[ATA_DEVICE] = (uint8_t)replace_bits(regs[ATA_DEVICE], ATA_DEVICE_HEAD,
							 (uint32_t)(lba >> 24));
	} else {
		state->hob[ATA_LBA_LOW] = (uint8_t)(lba >> 24);
		state->hob[ATA_LBA_MID] = (uint8_t)(lba >> 32);
		state->hob[ATA_LBA_HIGH] = (uint8_t)(lba >> 40);
		state->hob[ATA_SECTOR_COUNT] = 0;
	}
	regs[ATA_LBA_LOW] = (uint8_t)value;
	regs[ATA_LBA_MID] = (uint8_t)(value >> 8);
	regs[ATA_LBA_HIGH] = (uint8_t)(value >> 16);
}

static uint32_t load_count(const struct ide_drive *drive, uint8_t flags)
{
	uint32_t count = drive->state->regs[ATA_SECTOR_COUNT];

	if (!(flags & EXT))
		return count ? count : ATA_MAX_SECTORS_28;
	count |= (uint32_t)drive->state->hob[ATA_SECTOR_COUNT] << 8;
	return count ? count : ATA_MAX_SECTORS_48;
}

/** A command's sectors, checked against the disk. On failure the command has ended. */
static bool load_range(struct ide_drive *drive, uint8_t flags, uint64_t *lba, uint32_t *count)
{
	uint64_t total = ata_total_sectors(drive);
	enum ata_addressing addressing = addressing_of(drive, flags);

	drive->channel->state->transfer.addressing = (uint8_t)addressing;
	drive->state->power = ATA_POWER_ACTIVE;
	*count = load_count(drive, flags);
	if (!load_address(drive, addressing, lba)) {
		ide_finish(drive, ATA_IDNF);
		return false;
	}
	if (!range_fits(*lba, *count, total)) {
		ata_store_address(drive, max_u64(*lba, total));
		ide_finish(drive, ATA_IDNF);
		return false;
	}
	return true;
}

/* Sector commands. */

static bool must_flush(const struct ide_drive *drive, uint8_t flags)
{
	return (flags & FUA) || !drive->state->write_cache;
}

static bool may_write(struct ide_drive *drive)
{
	if (!block_is_read_only(drive->block))
		return true;
	ide_finish(drive, ATA_ABRT | ATA_WP);
	return false;
}

static void move_by_pio(struct ide_drive *drive, uint8_t flags)
{
	uint32_t count, block_bytes = ATA_SECTOR_BYTES;
	uint64_t lba;

	if (flags & MULTIPLE) {
		if (drive->state->multiple == 0) {
			abort_command(drive);
			return;
		}
		block_bytes *= drive->state->multiple;
	}
	if (!load_range(drive, flags, &lba, &count))
		return;
	if (!(flags & WRITE))
		ide_start_read(drive, lba, count, block_bytes);
	else if (may_write(drive))
		ide_start_write(drive, lba, count, block_bytes, must_flush(drive, flags));
}

static void move_by_dma(struct ide_drive *drive, uint8_t flags)
{
	uint32_t count;
	uint64_t lba;

	if (!load_range(drive, flags, &lba, &count))
		return;
	if (!(flags & WRITE))
		ide_start_dma(drive, lba, count, false, false);
	else if (may_write(drive))
		ide_start_dma(drive, lba, count, true, must_flush(drive, flags));
}

static void verify(struct ide_drive *drive, uint8_t flags)
{
	uint32_t count;
	uint64_t lba;

	if (load_range(drive, flags, &lba, &count))
		ide_finish(drive, 0);
}

static void seek(struct ide_drive *drive, uint8_t flags)
{
	uint64_t lba;

	if (load_address(drive, addressing_of(drive, flags), &lba) &&
	    lba < ata_total_sectors(drive))
		ide_finish(drive, 0);
	else
		ide_finish(drive, ATA_IDNF);
}

static void read_native_max(struct ide_drive *drive, uint8_t flags)
{
	struct ide_transfer *transfer = &drive->channel->state->transfer;
	uint64_t last = ata_total_sectors(drive);

	last = last ? last - 1 : 0;
	transfer->addressing = (uint8_t)addressing_of(drive, flags);
	if (transfer->addressing == ATA_LBA28)
		last = min_u64(last, ATA_MAX_LBA28_SECTORS - 1);
	/* With CHS it is the last sector of whole cylinders, in the drive's own geometry. */
	if (transfer->addressing == ATA_CHS) {
		uint16_t cylinders = (uint16_t)(drive->geometry.cylinders - 1);

		drive->state->regs[ATA_DEVICE] =
			(uint8_t)replace_bits(drive->state->regs[ATA_DEVICE], ATA_DEVICE_HEAD,
					      drive->geometry.heads - 1u);
		drive->state->regs[ATA_LBA_LOW] = (uint8_t)drive->geometry.sectors;
		drive->state->regs[ATA_LBA_MID] = (uint8_t)cylinders;
		drive->state->regs[ATA_LBA_HIGH] = (uint8_t)(cylinders >> 8);
	} else {
		ata_store_address(drive, last);
	}
	ide_finish(drive, 0);
}

static void data_set_management(struct ide_drive *drive, uint8_t flags)
{
	/* There are 8 blocks at the most (IDENTIFY word 105), so that the high byte of the count
	 * says nothing: who writes the low byte alone leaves an old one there. */
	uint32_t blocks = drive->state->regs[ATA_SECTOR_COUNT];

	(void)flags;
	drive->channel->state->transfer.addressing = ATA_LBA48;
	if (!(drive->state->regs[ATA_FEATURES] & ATA_DSM_TRIM) || blocks == 0 ||
	    blocks > ATA_MAX_TRIM_BLOCKS)
		abort_command(drive);
	else
		ide_start_take(drive, blocks * ATA_SECTOR_BYTES, true);
}

/** The range in the buffer's entry at 'at'; an empty one says nothing. */
static uint64_t load_trim_range(const struct ide_drive *drive, uint32_t at, uint64_t *lba)
{
	uint64_t range = load_le64(drive->channel->state->buffer + at);

	*lba = range & (BIT64(48) - 1);
	return range >> 48;
}

/** Nothing is discarded if any of the ranges is wrong (ACS-2, 7.10.3.2). */
static void trim(struct ide_drive *drive)
{
	struct ide_transfer *transfer = &drive->channel->state->transfer;
	uint64_t total = ata_total_sectors(drive), lba;

	for (uint32_t i = 0; i + DSM_RANGE_BYTES <= transfer->end; i += DSM_RANGE_BYTES) {
		uint64_t count = load_trim_range(drive, i, &lba);

		if (count > 0 && !range_fits(lba, count, total)) {
			abort_command(drive);
			return;
		}
	}
	transfer->start = 0;
	transfer->block_end = transfer->end;
	if (may_write(drive))
		ata_trim_go_on(drive);
}

/**
 * Ranges that follow one another go as one: guests cut what they give up into pieces of 65535
 * sectors, whose ends lie within clusters of images.
 */
void ata_trim_go_on(struct ide_drive *drive)
{
	struct ide_transfer *transfer = &drive->channel->state->transfer;
	uint64_t begin = 0, sectors = 0, lba;

	for (; transfer->start + DSM_RANGE_BYTES <= transfer->end;
	     transfer->start += DSM_RANGE_BYTES) {
		uint64_t count = load_trim_range(drive, transfer->start, &lba);

		if (count == 0)
			continue;
		if (sectors > 0 && lba != begin + sectors)
			break;
		if (sectors == 0)
			begin = lba;
		sectors += count;
	}
	if (sectors == 0)
		ide_finish(drive, 0);
	else if (range_fits(begin, sectors, ata_total_sectors(drive)))
		ide_start_discard(drive, begin, (uint32_t)sectors);
	else /* loaded with a saved guest: they were checked in the process that is gone */
		abort_command(drive);
}

void ata_data_taken(struct ide_drive *drive)
{
	if (drive->channel->state->transfer.opcode == ATA_CMD_DATA_SET_MANAGEMENT)
		trim(drive);
	else
		ide_finish(drive, 0); /* WRITE BUFFER and SMART logs: taken, and that is all */
}

/* Settings. */

static void initialize_parameters(struct ide_drive *drive, uint8_t flags)
{
	struct ide_drive_state *state = drive->state;
	uint16_t sectors = state->regs[ATA_SECTOR_COUNT];
	uint16_t heads = (uint16_t)((state->regs[ATA_DEVICE] & ATA_DEVICE_HEAD) + 1u);
	uint64_t cylinders;

	(void)flags;
	if (sectors == 0) {
		abort_command(drive);
		return;
	}
	cylinders = ata_total_sectors(drive) / (uint32_t)(heads * sectors);
	state->heads = heads;
	state->sectors_per_track = sectors;
	state->cylinders = (uint16_t)min_u64(cylinders, UINT16_MAX);
	ide_finish(drive, 0);
}

static void set_multiple(struct ide_drive *drive, uint8_t flags)
{
	uint8_t count = drive->state->regs[ATA_SECTOR_COUNT];

	(void)flags;
	if (count > ATA_MAX_MULTIPLE || (count != 0 && !is_power_of_two(count))) {
		abort_command(drive);
		return;
	}
	drive->state->multiple = count;
	ide_finish(drive, 0);
}

static bool transfer_mode_is_supported(uint8_t mode)
{
	unsigned number = mode & ATA_MODE_NUMBER;

	switch (mode & ATA_MODE_KIND) {
	case ATA_MODE_PIO_DEFAULT:
		return number <= 1;
	case ATA_MODE_PIO_FLOW:
		return number <= 4;
	case ATA_MODE_SINGLE_DMA:
	case ATA_MODE_MULTI_DMA:
		return number <= 2;
	case ATA_MODE_ULTRA_DMA:
		return number <= 5;
	default:
		return false;
	}
}

static bool set_transfer_mode(struct ide_drive *drive)
{
	uint8_t mode = drive->state->regs[ATA_SECTOR_COUNT];

	if (!transfer_mode_is_supported(mode))
		return false;
	/* A PIO mode leaves the DMA mode as it is: IDENTIFY has no word for it. */
	if ((mode & ATA_MODE_KIND) > ATA_MODE_PIO_FLOW)
		drive->state->transfer_mode = mode;
	return true;
}

static void set_features(struct ide_drive *drive, uint8_t flags)
{
	struct ide_drive_state *state = drive->state;
	bool done = true;

	(void)flags;
	switch (state->regs[ATA_FEATURES]) {
	case ATA_FEATURE_TRANSFER_MODE:
		done = set_transfer_mode(drive);
		break;
	case ATA_FEATURE_WRITE_CACHE_ON:
		state->write_cache = 1;
		break;
	case ATA_FEATURE_WRITE_CACHE_OFF:
		state->write_cache = 0;
		ide_start_flush(drive);
		return;
	case ATA_FEATURE_LOOK_AHEAD_ON:
		state->look_ahead = 1;
		break;
	case ATA_FEATURE_LOOK_AHEAD_OFF:
		state->look_ahead = 0;
		break;
	case ATA_FEATURE_KEEP_ON_RESET:
	case ATA_FEATURE_DEFAULTS_ON_RESET:
	case ATA_FEATURE_ECC_4_BYTES:
	case ATA_FEATURE_APM_ON:
	case ATA_FEATURE_APM_OFF:
	case ATA_FEATURE_AAM_ON:
	case ATA_FEATURE_AAM_OFF:
		break;
	default:
		done = false;
		break;
	}
	ide_finish(drive, done ? 0 : ATA_ABRT);
}

/* Power: a drive without a motor wakes up at once, so only CHECK POWER MODE can tell. */

static void set_power(struct ide_drive *drive, uint8_t mode)
{
	drive->state->power = mode;
	ide_finish(drive, 0);
}

static void check_power_mode(struct ide_drive *drive, uint8_t flags)
{
	(void)flags;
	drive->state->regs[ATA_SECTOR_COUNT] = drive->state->power;
	ide_finish(drive, 0);
}

static void flush_cache(struct ide_drive *drive, uint8_t flags)
{
	(void)flags;
	if (drive->kind == IDE_DISK)
		ide_start_flush(drive);
	else
		ide_finish(drive, 0);
}

/* Who is there. */

static void reply_identity(struct ide_drive *drive, uint8_t flags)
{
	(void)flags;
	ide_identify(drive, drive->channel->state->buffer);
	ide_start_reply(drive, ATA_SECTOR_BYTES);
}

/** A packet device refuses IDENTIFY and READ SECTORS and shows its signature (ATA/ATAPI-7 volume
 * 1, 6.17.5.2). */
static void refuse_with_signature(struct ide_drive *drive)
{
	ide_set_signature(drive);
	abort_command(drive);
}

static void identify(struct ide_drive *drive, uint8_t flags)
{
	if (drive->kind == IDE_CDROM)
		refuse_with_signature(drive);
	else
		reply_identity(drive, flags);
}

static void read_sectors(struct ide_drive *drive, uint8_t flags)
{
	if (drive->kind == IDE_CDROM)
		refuse_with_signature(drive);
	else
		move_by_pio(drive, flags);
}

static void execute_diagnostic(struct ide_drive *drive, uint8_t flags)
{
	struct ide_channel *channel = drive->channel;

	(void)flags;
	ide_run_diagnostics(channel);
	if (channel->drives[0].kind != IDE_NONE)
		ide_raise_interrupt(&channel->drives[0]);
}

static void packet(struct ide_drive *drive, uint8_t flags)
{
	(void)flags;
	atapi_start_packet(drive);
}

static void smart(struct ide_drive *drive, uint8_t flags)
{
	(void)flags;
	ata_smart(drive);
}

static void succeed(struct ide_drive *drive, uint8_t flags)
{
	(void)flags;
	ide_finish(drive, 0);
}

static void read_log(struct ide_drive *drive, uint8_t flags)
{
	(void)flags;
	ata_read_log(drive);
}

static void refuse(struct ide_drive *drive, uint8_t flags)
{
	(void)flags;
	abort_command(drive);
}

static void go_active(struct ide_drive *drive, uint8_t flags)
{
	(void)flags;
	set_power(drive, ATA_POWER_ACTIVE);
}

static void go_standby(struct ide_drive *drive, uint8_t flags)
{
	(void)flags;
	set_power(drive, ATA_POWER_STANDBY);
}

static void read_buffer(struct ide_drive *drive, uint8_t flags)
{
	(void)flags;
	memset(drive->channel->state->buffer, 0, ATA_SECTOR_BYTES);
	ide_start_reply(drive, ATA_SECTOR_BYTES);
}

static void write_buffer(struct ide_drive *drive, uint8_t flags)
{
	(void)flags;
	ide_start_take(drive, ATA_SECTOR_BYTES, false);
}

static const struct command_row ata_commands[256] = {
	[ATA_CMD_NOP] = { refuse, FOR_BOTH, 0, "nop" },
	[ATA_CMD_DATA_SET_MANAGEMENT] = { data_set_management, FOR_DISK, 0, "data set management" },
	[ATA_CMD_DEVICE_RESET] = { refuse, FOR_DISK, 0, "device reset" },
	[ATA_CMD_RECALIBRATE] = { succeed, FOR_DISK, 0, "recalibrate" },
	[ATA_CMD_READ_SECTORS] = { read_sectors, FOR_BOTH, 0, "read sectors" },
	[ATA_CMD_READ_SECTORS_ONCE] = { read_sectors, FOR_DISK, 0, "read sectors" },
	[ATA_CMD_READ_SECTORS_EXT] = { move_by_pio, FOR_DISK, EXT, "read sectors ext" },
	[ATA_CMD_READ_DMA_EXT] = { move_by_dma, FOR_DISK, EXT, "read dma ext" },
	[ATA_CMD_READ_NATIVE_MAX_EXT] = { read_native_max, FOR_DISK, EXT, "read native max ext" },
	[ATA_CMD_READ_MULTIPLE_EXT] = { move_by_pio, FOR_DISK, EXT | MULTIPLE,
					"read multiple ext" },
	[ATA_CMD_READ_LOG_EXT] = { read_log, FOR_SATA, EXT, "read log ext" },
	[ATA_CMD_WRITE_SECTORS] = { move_by_pio, FOR_DISK, WRITE, "write sectors" },
	[ATA_CMD_WRITE_SECTORS_ONCE] = { move_by_pio, FOR_DISK, WRITE, "write sectors" },
	[ATA_CMD_WRITE_SECTORS_EXT] = { move_by_pio, FOR_DISK, EXT | WRITE, "write sectors ext" },
	[ATA_CMD_WRITE_DMA_EXT] = { move_by_dma, FOR_DISK, EXT | WRITE, "write dma ext" },
	[ATA_CMD_WRITE_MULTIPLE_EXT] = { move_by_pio, FOR_DISK, EXT | WRITE | MULTIPLE,
					 "write multiple ext" },
	[ATA_CMD_WRITE_VERIFY] = { move_by_pio, FOR_DISK, WRITE, "write verify" },
	[ATA_CMD_WRITE_DMA_FUA_EXT] = { move_by_dma, FOR_DISK, EXT | WRITE | FUA,
					"write dma fua ext" },
	[ATA_CMD_VERIFY] = { verify, FOR_DISK, 0, "read verify" },
	[ATA_CMD_VERIFY_ONCE] = { verify, FOR_DISK, 0, "read verify" },
	[ATA_CMD_VERIFY_EXT] = { verify, FOR_DISK, EXT, "read verify ext" },
	[ATA_CMD_SEEK] = { seek, FOR_DISK, 0, "seek" },
	[ATA_CMD_EXECUTE_DIAGNOSTIC] = { execute_diagnostic, FOR_BOTH, 0, "execute diagnostic" },
	[ATA_CMD_INITIALIZE_PARAMETERS] = { initialize_parameters, FOR_DISK, 0,
					    "initialize parameters" },
	[ATA_CMD_OLD_STANDBY_IMMEDIATE] = { go_standby, FOR_BOTH, 0, "standby immediate" },
	[ATA_CMD_OLD_IDLE_IMMEDIATE] = { go_active, FOR_BOTH, 0, "idle immediate" },
	[ATA_CMD_OLD_STANDBY] = { go_standby, FOR_BOTH, 0, "standby" },
	[ATA_CMD_OLD_IDLE] = { go_active, FOR_BOTH, 0, "idle" },
	[ATA_CMD_OLD_CHECK_POWER_MODE] = { check_power_mode, FOR_BOTH, 0, "check power mode" },
	[ATA_CMD_OLD_SLEEP] = { go_standby, FOR_BOTH, 0, "sleep" },
	[ATA_CMD_PACKET] = { packet, FOR_CDROM, 0, "packet" },
	[ATA_CMD_IDENTIFY_PACKET] = { reply_identity, FOR_CDROM, 0, "identify packet device" },
	[ATA_CMD_SMART] = { smart, FOR_DISK, 0, "smart" },
	[ATA_CMD_READ_MULTIPLE] = { move_by_pio, FOR_DISK, MULTIPLE, "read multiple" },
	[ATA_CMD_WRITE_MULTIPLE] = { move_by_pio, FOR_DISK, WRITE | MULTIPLE, "write multiple" },
	[ATA_CMD_SET_MULTIPLE] = { set_multiple, FOR_DISK, 0, "set multiple mode" },
	[ATA_CMD_READ_DMA] = { move_by_dma, FOR_DISK, 0, "read dma" },
	[ATA_CMD_READ_DMA_ONCE] = { move_by_dma, FOR_DISK, 0, "read dma" },
	[ATA_CMD_WRITE_DMA] = { move_by_dma, FOR_DISK, WRITE, "write dma" },
	[ATA_CMD_WRITE_DMA_ONCE] = { move_by_dma, FOR_DISK, WRITE, "write dma" },
	[ATA_CMD_WRITE_MULTIPLE_FUA_EXT] = { move_by_pio, FOR_DISK, EXT | WRITE | MULTIPLE | FUA,
					     "write multiple fua ext" },
	[ATA_CMD_STANDBY_IMMEDIATE] = { go_standby, FOR_BOTH, 0, "standby immediate" },
	[ATA_CMD_IDLE_IMMEDIATE] = { go_active, FOR_BOTH, 0, "idle immediate" },
	[ATA_CMD_STANDBY] = { go_standby, FOR_BOTH, 0, "standby" },
	[ATA_CMD_IDLE] = { go_active, FOR_BOTH, 0, "idle" },
	[ATA_CMD_READ_BUFFER] = { read_buffer, FOR_DISK, 0, "read buffer" },
	[ATA_CMD_CHECK_POWER_MODE] = { check_power_mode, FOR_BOTH, 0, "check power mode" },
	[ATA_CMD_SLEEP] = { go_standby, FOR_BOTH, 0, "sleep" },
	[ATA_CMD_FLUSH_CACHE] = { flush_cache, FOR_BOTH, 0, "flush cache" },
	[ATA_CMD_WRITE_BUFFER] = { write_buffer, FOR_DISK, 0, "write buffer" },
	[ATA_CMD_FLUSH_CACHE_EXT] = { flush_cache, FOR_DISK, 0, "flush cache ext" },
	[ATA_CMD_IDENTIFY] = { identify, FOR_BOTH, 0, "identify device" },
	[ATA_CMD_SET_FEATURES] = { set_features, FOR_BOTH, 0, "set features" },
	[ATA_CMD_READ_NATIVE_MAX] = { read_native_max, FOR_DISK, 0, "read native max" },
};

/** The row of an opcode; RECALIBRATE and SEEK carry a step rate in their low four bits, from the
 * time before ATA. */
static const struct command_row *find_row(uint8_t opcode)
{
	uint8_t family = opcode & 0xf0;

	if (family == ATA_CMD_RECALIBRATE || family == ATA_CMD_SEEK)
		opcode = family;
	return &ata_commands[opcode];
}

void ata_execute(struct ide_drive *drive, uint8_t opcode)
{
	const struct command_row *row = find_row(opcode);
	struct ide_transfer *transfer = &drive->channel->state->transfer;
	uint8_t kind = drive->kind == IDE_CDROM ? FOR_CDROM
		       : drive->sata            ? FOR_DISK | FOR_SATA
						: FOR_DISK;
	bool supported = row->execute && (row->supported & kind);

	TRACE(ide, execute, "drive %u %s", drive->unit, supported ? row->name : "(unsupported)");
	transfer->opcode = opcode;
	transfer->drive = drive->unit;
	drive->state->error = 0;
	if (!supported) {
		abort_command(drive);
		return;
	}
	row->execute(drive, row->flags);
}
