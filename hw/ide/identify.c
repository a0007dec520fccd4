// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/ide/identify.h"

#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "hw/ide/ata.h"

/** Words of the reply; ATA/ATAPI-7 volume 1, tables 14 and 20. */
enum identify_word {
	WORD_CONFIGURATION = 0,
	WORD_CYLINDERS = 1,
	WORD_HEADS = 3,
	WORD_TRACK_BYTES = 4, /* ATA-2 */
	WORD_UNFORMATTED_SECTOR_BYTES = 5,
	WORD_SECTORS = 6,
	WORD_SERIAL = 10,
	WORD_BUFFER_TYPE = 20,
	WORD_BUFFER_SECTORS = 21,
	WORD_ECC_BYTES = 22,
	WORD_VERSION = 23,
	WORD_MODEL = 27,
	WORD_MAX_MULTIPLE = 47,
	WORD_DOUBLEWORD_IO = 48,
	WORD_CAPABILITIES = 49,
	WORD_CAPABILITIES_2 = 50,
	WORD_PIO_TIMING = 51,
	WORD_DMA_TIMING = 52,
	WORD_VALIDITY = 53,
	WORD_CURRENT_CYLINDERS = 54,
	WORD_CURRENT_HEADS = 55,
	WORD_CURRENT_SECTORS = 56,
	WORD_CURRENT_CAPACITY = 57,
	WORD_MULTIPLE = 59,
	WORD_LBA28_SECTORS = 60,
	WORD_SINGLE_DMA = 62,
	WORD_MULTI_DMA = 63,
	WORD_PIO_MODES = 64,
	WORD_MIN_DMA_CYCLE = 65,
	WORD_RECOMMENDED_DMA_CYCLE = 66,
	WORD_MIN_PIO_CYCLE = 67,
	WORD_MIN_IORDY_CYCLE = 68,
	WORD_ADDITIONAL = 69, /* ACS-2, with words 105 and 169 */
	WORD_PACKET_RELEASE_NS = 71,
	WORD_SERVICE_NS = 72,
	WORD_QUEUE_DEPTH = 75,       /* less one; SATA 2.6, 13.2.1 */
	WORD_SATA_CAPABILITIES = 76, /* SATA */
	WORD_MAJOR_VERSION = 80,
	WORD_MINOR_VERSION = 81,
	WORD_SUPPORTED = 82, /* three words */
	WORD_ENABLED = 85,   /* three words */
	WORD_ULTRA_DMA = 88,
	WORD_RESET_RESULT = 93,
	WORD_LBA48_SECTORS = 100,
	WORD_TRIM_BLOCKS = 105,
	WORD_WWN = 108,
	WORD_DATA_SET = 169,
	WORD_INTEGRITY = 255,
};

enum identify_bits {
	CONFIGURATION_DISK = 0x0040,
	CONFIGURATION_CDROM =
		0x85c0, /* ATAPI, CD-ROM, removable, DRQ within 50 us, 12-byte packets */
	MAX_MULTIPLE_VALID = 0x8000,
	CAPABILITY_STANDBY_TIMER = 0x2000,
	CAPABILITY_IORDY = 0x0800,
	CAPABILITY_IORDY_OFF = 0x0400,
	CAPABILITY_LBA = 0x0200,
	CAPABILITY_DMA = 0x0100,
	MULTIPLE_VALID = 0x0100,
	WORD_IS_VALID = 0x4000, /* bits 15:14 of words 50, 83, 84, 87, 93 */
	MODES_0_TO_2 = 0x07,
	ULTRA_MODES_0_TO_5 = 0x3f,
	PIO_MODES_3_AND_4 = 0x03,
	ATA_4_TO_7 = 0x00f0,
	ATA_8 = 0x0100,
	/* Word 76. */
	SATA_GENERATION_1 = 0x0002,
	SATA_GENERATION_2 = 0x0004,
	SATA_QUEUES = 0x0100,
	/* Words 82 and 85. */
	HAS_SMART = 0x0001,
	HAS_POWER_MANAGEMENT = 0x0008,
	HAS_PACKET = 0x0010,
	HAS_WRITE_CACHE = 0x0020,
	HAS_LOOK_AHEAD = 0x0040,
	HAS_DEVICE_RESET = 0x0200,
	HAS_WRITE_BUFFER = 0x1000,
	HAS_READ_BUFFER = 0x2000,
	HAS_NOP = 0x4000,
	/* Words 83 and 86. */
	HAS_LBA48 = 0x0400,
	HAS_FLUSH = 0x1000,
	HAS_FLUSH_EXT = 0x2000,
	/* Words 84 and 87. */
	HAS_SMART_ERROR_LOG = 0x0001,
	HAS_SMART_SELF_TEST = 0x0002,
	HAS_LOGS = 0x0020, /* READ LOG EXT */
	HAS_FUA = 0x0040,
	HAS_WWN = 0x0100,
	/* Word 93. */
	RESET_80_WIRES = 0x2000,
	RESET_DEVICE_0 = 0x000b,         /* jumper, passed */
	RESET_DEVICE_0_SEES_1 = 0x0030,  /* PDIAG- and DASP- were seen */
	RESET_DEVICE_0_ANSWERS = 0x0040, /* for an absent device 1 */
	RESET_DEVICE_1 = 0x0b00,
	INTEGRITY_SIGNATURE = 0xa5,
	TRIM_IS_DETERMINISTIC =
		0x4000,             /* word 69: what is read afterwards does not change by itself */
	DATA_SET_HAS_TRIM = 0x0001, /* word 169 */
};

enum {
	CYCLE_NS = 120, /* of multiword DMA mode 2 and PIO mode 4 */
	CACHE_SECTORS = 512,
};

static void put(uint8_t *data, unsigned word, unsigned value)
{
	store_le16(data + 2 * word, (uint16_t)value);
}

/** Text in words, the first character in the high byte, filled up with spaces. */
static void put_text(uint8_t *data, unsigned word, const char *text, size_t chars)
{
	size_t length = strnlen(text, chars);

	for (size_t i = 0; i < chars; i++)
		data[2 * word + (i ^ 1)] = (uint8_t)(i < length ? text[i] : ' ');
}

/** Modes in the low byte, the selected one in the high byte if it is of this kind. */
static unsigned modes(const struct ide_drive *drive, unsigned supported, uint8_t kind)
{
	uint8_t mode = drive->state->transfer_mode;

	return supported |
	       ((mode & ATA_MODE_KIND) == kind ? 0x100u << (mode & ATA_MODE_NUMBER) : 0u);
}

/** BIOSes skip the search for device 1 when device 0 says that it answers for it. */
static unsigned reset_result(const struct ide_drive *drive)
{
	unsigned result = WORD_IS_VALID | RESET_80_WIRES;

	/* SATA has no such result, and by this zero systems know that it is SATA. */
	if (drive->sata)
		return 0;
	if (drive->unit == 1)
		return result | RESET_DEVICE_1;
	result |= RESET_DEVICE_0;
	return result | (drive->channel->drives[1].kind == IDE_NONE ? RESET_DEVICE_0_ANSWERS
								    : RESET_DEVICE_0_SEES_1);
}

/** Words that disks and CD-ROMs share. */
static void put_common(const struct ide_drive *drive, uint8_t *data)
{
	put_text(data, WORD_SERIAL, drive->serial, IDE_SERIAL_CHARS);
	put_text(data, WORD_VERSION, drive->version, IDE_VERSION_CHARS);
	put_text(data, WORD_MODEL, drive->model, IDE_MODEL_CHARS);
	put(data, WORD_BUFFER_TYPE, 3);
	put(data, WORD_DOUBLEWORD_IO, 1);
	put(data, WORD_SINGLE_DMA, modes(drive, MODES_0_TO_2, ATA_MODE_SINGLE_DMA));
	put(data, WORD_MULTI_DMA, modes(drive, MODES_0_TO_2, ATA_MODE_MULTI_DMA));
	put(data, WORD_PIO_MODES, PIO_MODES_3_AND_4);
	for (unsigned word = WORD_MIN_DMA_CYCLE; word <= WORD_MIN_IORDY_CYCLE; word++)
		put(data, word, CYCLE_NS);
	if (drive->sata)
		put(data, WORD_SATA_CAPABILITIES,
		    SATA_GENERATION_1 | SATA_GENERATION_2 |
			    (drive->kind == IDE_DISK ? SATA_QUEUES : 0u));
	put(data, WORD_MAJOR_VERSION, ATA_4_TO_7 | (drive->sata ? ATA_8 : 0u));
	put(data, WORD_ULTRA_DMA, modes(drive, ULTRA_MODES_0_TO_5, ATA_MODE_ULTRA_DMA));
	put(data, WORD_RESET_RESULT, reset_result(drive));
}

/** The last word: a signature, and what makes the sum of all bytes zero. */
static void put_integrity(uint8_t *data)
{
	unsigned sum = INTEGRITY_SIGNATURE;

	for (unsigned i = 0; i < 2 * WORD_INTEGRITY; i++)
		sum += data[i];
	put(data, WORD_INTEGRITY, (0u - sum) << 8 | INTEGRITY_SIGNATURE);
}

static void put_capacity(const struct ide_drive *drive, uint8_t *data)
{
	const struct ide_drive_state *state = drive->state;
	uint64_t total = ata_total_sectors(drive);
	uint32_t current = (uint32_t)state->cylinders * state->heads * state->sectors_per_track;

	put(data, WORD_CYLINDERS, drive->geometry.cylinders);
	put(data, WORD_HEADS, drive->geometry.heads);
	put(data, WORD_TRACK_BYTES, ATA_SECTOR_BYTES * drive->geometry.sectors);
	put(data, WORD_UNFORMATTED_SECTOR_BYTES, ATA_SECTOR_BYTES);
	put(data, WORD_SECTORS, drive->geometry.sectors);
	put(data, WORD_CURRENT_CYLINDERS, state->cylinders);
	put(data, WORD_CURRENT_HEADS, state->heads);
	put(data, WORD_CURRENT_SECTORS, state->sectors_per_track);
	store_le32(data + 2 * WORD_CURRENT_CAPACITY, current);
	store_le32(data + 2 * WORD_LBA28_SECTORS, (uint32_t)min_u64(total, ATA_MAX_LBA28_SECTORS));
	store_le64(data + 2 * WORD_LBA48_SECTORS, total);
}

static void put_features(const struct ide_drive *drive, uint8_t *data)
{
	const struct ide_drive_state *state = drive->state;
	unsigned first = HAS_NOP | HAS_READ_BUFFER | HAS_WRITE_BUFFER | HAS_POWER_MANAGEMENT;
	unsigned second = HAS_FLUSH_EXT | HAS_FLUSH | HAS_LBA48;
	unsigned third = WORD_IS_VALID | HAS_FUA | HAS_SMART_SELF_TEST | HAS_SMART_ERROR_LOG |
			 (drive->sata ? HAS_LOGS : 0u) | (drive->wwn ? HAS_WWN : 0u);

	put(data, WORD_SUPPORTED, first | HAS_SMART | HAS_WRITE_CACHE | HAS_LOOK_AHEAD);
	put(data, WORD_SUPPORTED + 1, WORD_IS_VALID | second);
	put(data, WORD_SUPPORTED + 2, third);
	put(data, WORD_ENABLED,
	    first | (state->smart ? HAS_SMART : 0u) | (state->write_cache ? HAS_WRITE_CACHE : 0u) |
		    (state->look_ahead ? HAS_LOOK_AHEAD : 0u));
	put(data, WORD_ENABLED + 1, second);
	put(data, WORD_ENABLED + 2, third);
	for (unsigned i = 0; i < 4; i++)
		put(data, WORD_WWN + i, (uint16_t)(drive->wwn >> (48 - 16 * i)));
}

static void identify_disk(const struct ide_drive *drive, uint8_t *data)
{
	const struct ide_drive_state *state = drive->state;

	put(data, WORD_CONFIGURATION, CONFIGURATION_DISK);
	put_capacity(drive, data);
	put_common(drive, data);
	put(data, WORD_BUFFER_SECTORS, CACHE_SECTORS);
	put(data, WORD_ECC_BYTES, 4);
	put(data, WORD_MAX_MULTIPLE, MAX_MULTIPLE_VALID | ATA_MAX_MULTIPLE);
	put(data, WORD_CAPABILITIES,
	    CAPABILITY_STANDBY_TIMER | CAPABILITY_IORDY | CAPABILITY_IORDY_OFF | CAPABILITY_LBA |
		    CAPABILITY_DMA);
	put(data, WORD_CAPABILITIES_2, WORD_IS_VALID);
	put(data, WORD_PIO_TIMING, 0x0200);
	put(data, WORD_DMA_TIMING, 0x0200);
	put(data, WORD_VALIDITY, 7);
	put(data, WORD_MULTIPLE, state->multiple ? MULTIPLE_VALID | state->multiple : 0u);
	put_features(drive, data);
	put(data, WORD_TRIM_BLOCKS, ATA_MAX_TRIM_BLOCKS);
	if (drive->sata)
		put(data, WORD_QUEUE_DEPTH, ATA_QUEUE_DEPTH - 1);
	put(data, WORD_DATA_SET, DATA_SET_HAS_TRIM);
	if (block_discard_is_deterministic(drive->block))
		put(data, WORD_ADDITIONAL, TRIM_IS_DETERMINISTIC);
}

static void identify_cdrom(const struct ide_drive *drive, uint8_t *data)
{
	unsigned features = HAS_NOP | HAS_DEVICE_RESET | HAS_PACKET | HAS_POWER_MANAGEMENT;

	put(data, WORD_CONFIGURATION, CONFIGURATION_CDROM);
	put_common(drive, data);
	put(data, WORD_CAPABILITIES,
	    CAPABILITY_IORDY | CAPABILITY_IORDY_OFF | CAPABILITY_LBA | CAPABILITY_DMA);
	put(data, WORD_VALIDITY, 6);
	put(data, WORD_PACKET_RELEASE_NS, 30);
	put(data, WORD_SERVICE_NS, 30);
	put(data, WORD_SUPPORTED, features);
	put(data, WORD_SUPPORTED + 1, WORD_IS_VALID);
	put(data, WORD_SUPPORTED + 2, WORD_IS_VALID);
	put(data, WORD_ENABLED, features);
	put(data, WORD_ENABLED + 2, WORD_IS_VALID);
}

void ide_identify(const struct ide_drive *drive, uint8_t *data)
{
	memset(data, 0, ATA_SECTOR_BYTES);
	if (drive->kind == IDE_CDROM)
		identify_cdrom(drive, data);
	else
		identify_disk(drive, data);
	put_integrity(data);
}
