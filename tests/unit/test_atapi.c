// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The CD-ROM: packet protocol by PIO and DMA, sense data, media and tray, and what each command
 * answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>

#include "hw/ide/atapi.h"
#include "hw/ide/cd_sector.h"
#include "tests/lib/ide_bench.h"

enum {
	READY = ATA_DRDY | ATA_DSC,
	DATA = READY | ATA_DRQ,
	FAILED = READY | ATA_CHK,
	REPLY_MAX = 8192,
};

static int set_up(void **state)
{
	*state = ide_bench_create();
	return 0;
}

static int tear_down(void **state)
{
	ide_bench_destroy(*state);
	return 0;
}

static uint8_t status_of(struct ide_bench *bench)
{
	return in8(bench, SECONDARY + ATA_STATUS);
}

static unsigned byte_count(struct ide_bench *bench)
{
	return in8(bench, SECONDARY + ATAPI_BYTE_COUNT_LOW) |
	       (unsigned)in8(bench, SECONDARY + ATAPI_BYTE_COUNT_HIGH) << 8;
}

static void assert_cd_bytes(const uint8_t *data, size_t position, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		assert_int_equal(data[i], ide_bench_cd_byte(position + i));
}

/** A packet whose reply is read to its end by PIO; the bytes it had. Fails the test on CHECK
 * CONDITION. */
static size_t converse(struct ide_bench *bench, const uint8_t packet[12], uint8_t *reply)
{
	size_t total = 0;

	send_packet(bench, packet, 2048, false);
	for (;;) {
		unsigned bytes;
		uint8_t status;

		ide_bench_settle(bench);
		assert_true(irq_is_up(bench, SECONDARY_IRQ));
		status = status_of(bench);
		if (!(status & ATA_DRQ)) {
			assert_int_equal(status, READY);
			assert_int_equal(in8(bench, SECONDARY + ATAPI_REASON),
					 ATAPI_IO | ATAPI_COD);
			return total;
		}
		assert_int_equal(in8(bench, SECONDARY + ATAPI_REASON), ATAPI_IO);
		bytes = byte_count(bench);
		assert_in_range(bytes, 1, 2048);
		assert_in_range(total + bytes, 1, REPLY_MAX - 1);
		pio_in(bench, SECONDARY, reply + total, (bytes + 1) & ~1u);
		total += bytes;
	}
}

/** A packet that must end with this sense. */
static void assert_sense(struct ide_bench *bench, const uint8_t packet[12], uint8_t key,
			 uint16_t asc)
{
	static const uint8_t request[12] = { ATAPI_REQUEST_SENSE, 0, 0, 0, 18 };
	uint8_t reply[REPLY_MAX];

	send_packet(bench, packet, 2048, false);
	ide_bench_settle(bench);
	assert_int_equal(status_of(bench), FAILED);
	assert_int_equal(in8(bench, SECONDARY + ATA_ERROR) >> 4, key);
	assert_int_equal(in8(bench, SECONDARY + ATAPI_REASON), ATAPI_IO | ATAPI_COD);
	assert_int_equal(converse(bench, request, reply), 18);
	assert_int_equal(reply[0] & 0x7f, 0x70);
	assert_int_equal(reply[2], key);
	assert_int_equal(load_be16(reply + 12), asc);
}

static void assert_succeeds(struct ide_bench *bench, const uint8_t packet[12])
{
	uint8_t reply[REPLY_MAX];

	assert_int_equal(converse(bench, packet, reply), 0);
}

static const uint8_t test_unit_ready[12] = { ATAPI_TEST_UNIT_READY };
static const uint8_t read_capacity[12] = { ATAPI_READ_CAPACITY };
static const uint8_t eject[12] = { ATAPI_START_STOP_UNIT, 0, 0, 0, 2 };
static const uint8_t load[12] = { ATAPI_START_STOP_UNIT, 0, 0, 0, 3 };
static const uint8_t lock[12] = { ATAPI_PREVENT_ALLOW, 0, 0, 0, 1 };
static const uint8_t unlock[12] = { ATAPI_PREVENT_ALLOW };
static const uint8_t media_event[12] = { ATAPI_GET_EVENT_STATUS, 1, 0, 0, 0x10, 0, 0, 0, 8 };

static void signature_is_that_of_a_packet_device(void **state)
{
	struct ide_bench *bench = *state;

	assert_int_equal(status_of(bench), 0);
	assert_int_equal(byte_count(bench), 0xeb14);
	out8(bench, SECONDARY + ATA_LBA_MID, 0);
	out8(bench, SECONDARY + ATA_COMMAND, ATA_CMD_IDENTIFY);
	assert_int_equal(status_of(bench), FAILED);
	assert_int_equal(byte_count(bench), 0xeb14);
	out8(bench, SECONDARY + ATA_LBA_MID, 0);
	out8(bench, SECONDARY + ATA_COMMAND, ATA_CMD_READ_SECTORS);
	assert_int_equal(status_of(bench), FAILED);
	assert_int_equal(byte_count(bench), 0xeb14);
}

static void identify_packet_device(void **state)
{
	struct ide_bench *bench = *state;
	uint16_t words[256];

	out8(bench, SECONDARY + ATA_COMMAND, ATA_CMD_IDENTIFY_PACKET);
	assert_int_equal(status_of(bench), DATA);
	pio_in(bench, SECONDARY, words, 512);
	assert_int_equal(words[0], 0x85c0);
	assert_int_equal(words[10], 'C' << 8 | 'D');
	assert_int_equal(status_of(bench), READY);
	assert_true(words[49] & 0x100);
}

static void pio_reads_come_in_bursts_of_the_byte_count_limit(void **state)
{
	struct ide_bench *bench = *state;
	static const unsigned limits[] = { 5120, 2048, 0xfffe, 0xffff, 0, 1001, 2 };
	static const uint8_t read_10[12] = { ATAPI_READ_10, 0, 0, 0, 0, 9, 0, 0, 10 };
	uint8_t data[10 * 2048];

	for (unsigned i = 0; i < ARRAY_SIZE(limits); i++) {
		unsigned limit = limits[i] & ~1u;
		size_t total = 0;

		if (limit == 0 || limit > sizeof(data))
			limit = sizeof(data);
		send_packet(bench, read_10, limits[i], false);
		while (total < sizeof(data)) {
			unsigned bytes = (unsigned)min_size(limit, sizeof(data) - total);

			ide_bench_settle(bench);
			assert_true(irq_is_up(bench, SECONDARY_IRQ));
			assert_int_equal(status_of(bench), DATA);
			assert_int_equal(byte_count(bench), bytes);
			pio_in(bench, SECONDARY, data + total, bytes);
			total += bytes;
		}
		assert_true(irq_is_up(bench, SECONDARY_IRQ));
		assert_int_equal(status_of(bench), READY);
		assert_cd_bytes(data, 9 * 2048, sizeof(data));
	}
}

static void long_pio_reads_refill_the_buffer(void **state)
{
	struct ide_bench *bench = *state;
	static const uint8_t read_12[12] = { ATAPI_READ_12, 0, 0, 0, 0, 0, 0, 0, 1, 0x90 };
	static uint8_t data[IDE_BENCH_CD_SECTORS * 2048];
	size_t total = 0;

	send_packet(bench, read_12, 5120, false);
	while (total < sizeof(data)) {
		unsigned bytes = (unsigned)min_size(5120, sizeof(data) - total);

		ide_bench_settle(bench);
		assert_int_equal(status_of(bench), DATA);
		assert_int_equal(byte_count(bench), bytes);
		pio_in(bench, SECONDARY, data + total, bytes);
		total += bytes;
	}
	assert_int_equal(status_of(bench), READY);
	assert_cd_bytes(data, 0, sizeof(data));
}

static void dma_reads_go_straight_into_memory(void **state)
{
	struct ide_bench *bench = *state;
	static const uint8_t read_10[12] = { ATAPI_READ_10, 0, 0, 0, 0, 3, 0, 0, 16 };

	for (unsigned i = 0; i < 8; i++)
		put_prd(bench, i, BENCH_DATA + 0x2000 * i, 4096, i == 7);
	bm_prepare(bench, BM_SECONDARY);
	send_packet(bench, read_10, 0, true);
	bm_start(bench, BM_SECONDARY, true);
	ide_bench_settle(bench);
	assert_int_equal(in8(bench, BM_SECONDARY + BMDMA_STATUS), BMDMA_INTERRUPT);
	assert_int_equal(status_of(bench), READY);
	assert_int_equal(in8(bench, SECONDARY + ATAPI_REASON), ATAPI_IO | ATAPI_COD);
	for (unsigned i = 0; i < 8; i++)
		assert_cd_bytes(bench->chip->bytes + BENCH_DATA + 0x2000 * i, (3 + 2 * i) * 2048,
				4096);
	assert_int_equal(fake_block_started(bench->slot.block), 1);
}

static void replies_and_raw_sectors_go_by_dma_too(void **state)
{
	struct ide_bench *bench = *state;
	static const uint8_t inquiry[12] = { ATAPI_INQUIRY, 0, 0, 0, 36 };
	static const uint8_t read_cd[12] = { ATAPI_READ_CD, 0, 0, 0, 0, 30, 0, 0, 40, 0xf8 };
	const uint8_t *data = bench->chip->bytes + BENCH_DATA;

	put_prd(bench, 0, BENCH_DATA, 36, true);
	bm_prepare(bench, BM_SECONDARY);
	bm_start(bench, BM_SECONDARY, true);
	send_packet(bench, inquiry, 0, true);
	assert_int_equal(in8(bench, BM_SECONDARY + BMDMA_STATUS), BMDMA_INTERRUPT);
	assert_int_equal(status_of(bench), READY);
	assert_int_equal(data[0], 5);
	assert_memory_equal(data + 8, "HVMDM   ", 8);

	put_prd(bench, 0, BENCH_DATA, 0xf000, false);
	put_prd(bench, 1, BENCH_DATA + 0xf000, 40 * 2352 - 0xf000, true);
	bm_prepare(bench, BM_SECONDARY);
	send_packet(bench, read_cd, 0, true);
	bm_start(bench, BM_SECONDARY, true);
	ide_bench_settle(bench);
	assert_int_equal(in8(bench, BM_SECONDARY + BMDMA_STATUS), BMDMA_INTERRUPT);
	assert_int_equal(status_of(bench), READY);
	for (unsigned i = 0; i < 40; i++)
		assert_cd_bytes(data + i * 2352 + 16, (30 + i) * 2048, 2048);
}

static void short_tables_end_packet_reads(void **state)
{
	struct ide_bench *bench = *state;
	static const uint8_t read_10[12] = { ATAPI_READ_10, 0, 0, 0, 0, 3, 0, 0, 2 };

	put_prd(bench, 0, BENCH_DATA, 2050, true);
	bm_prepare(bench, BM_SECONDARY);
	send_packet(bench, read_10, 0, true);
	bm_start(bench, BM_SECONDARY, true);
	ide_bench_settle(bench);
	assert_int_equal(in8(bench, BM_SECONDARY + BMDMA_STATUS), 0);
	assert_int_equal(status_of(bench), READY);
	assert_succeeds(bench, test_unit_ready);
}

/** A code word check by the definition: both sums over a column or diagonal vanish in GF(2^8). */
static uint8_t gf_times(uint8_t a, unsigned power_of_two)
{
	for (; power_of_two > 0; power_of_two--)
		a = (uint8_t)(a << 1 ^ (a & 0x80 ? 0x1d : 0));
	return a;
}

static void raw_sectors_have_valid_codes(void **state)
{
	uint8_t data[2048], sector[2352];
	const uint8_t *covered = sector + 12;
	uint32_t edc = 0;

	(void)state;
	for (unsigned i = 0; i < 2048; i++)
		data[i] = (uint8_t)(i * i + 11);
	assert_int_equal(cd_sector_build(sector, data, 16, READ_CD_KNOWN), 2352);
	assert_int_equal(sector[0], 0);
	assert_int_equal(sector[1], 0xff);
	assert_int_equal(sector[12], 0x00);
	assert_int_equal(sector[13], 0x02);
	assert_int_equal(sector[14], 0x16);
	assert_int_equal(sector[15], 1);
	assert_memory_equal(sector + 16, data, 2048);
	/* The EDC of data and code together is zero. */
	for (unsigned i = 0; i < 2068; i++) {
		edc ^= sector[i];
		for (unsigned bit = 0; bit < 8; bit++)
			edc = edc >> 1 ^ (edc & 1 ? 0xd8018001u : 0);
	}
	assert_int_equal(edc, 0);
	for (unsigned column = 0; column < 86; column++) {
		uint8_t plain = 0, weighted = 0;

		for (unsigned row = 0; row < 26; row++) {
			plain ^= covered[row * 86 + column];
			weighted ^= gf_times(covered[row * 86 + column], 25 - row);
		}
		assert_int_equal(plain | weighted, 0);
	}
	for (unsigned diagonal = 0; diagonal < 26; diagonal++) {
		uint8_t plain = 0, weighted = 0;

		for (unsigned i = 0; i < 45; i++) {
			unsigned word = i < 43 ? (43 * diagonal + 44 * i) % 1118
					       : 1118 + diagonal + 26 * (i - 43);

			plain ^= covered[2 * word];
			weighted ^= gf_times(covered[2 * word], 44 - i);
		}
		assert_int_equal(plain | weighted, 0);
	}
}

static void read_cd_gives_the_parts_asked_for(void **state)
{
	struct ide_bench *bench = *state;
	uint8_t packet[12] = { ATAPI_READ_CD, 0, 0, 0, 0, 5, 0, 0, 2, 0x10 };
	static const uint8_t msf[12] = { ATAPI_READ_CD_MSF, 0, 0, 0, 2, 5, 0, 2, 6, 0x10 };
	uint8_t reply[REPLY_MAX];

	assert_int_equal(converse(bench, packet, reply), 4096);
	assert_cd_bytes(reply, 5 * 2048, 4096);
	packet[9] = 0x20;
	assert_int_equal(converse(bench, packet, reply), 8);
	assert_int_equal(reply[2], 0x05);
	packet[9] = 0xf8;
	assert_int_equal(converse(bench, packet, reply), 2 * 2352);
	packet[9] = 0;
	assert_int_equal(converse(bench, packet, reply), 0);
	assert_int_equal(converse(bench, msf, reply), 2048);
	assert_cd_bytes(reply, 5 * 2048, 2048);
	packet[9] = 0x12; /* C2 pointers */
	assert_sense(bench, packet, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_CDB);
	packet[1] = READ_CD_TYPE_AUDIO << 2;
	assert_sense(bench, packet, SENSE_ILLEGAL_REQUEST, ASC_ILLEGAL_MODE_FOR_TRACK);
}

/* FIELD bug 5: LBA FFFFFFFFh, and sums that wrap. */
static void ranges_are_checked_in_64_bits(void **state)
{
	struct ide_bench *bench = *state;
	static const uint8_t packets[][12] = {
		{ ATAPI_READ_10, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 1 },
		{ ATAPI_READ_12, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 2 },
		{ ATAPI_READ_12, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff },
		{ ATAPI_READ_10, 0, 0, 0, 1, 0x8f, 0, 0, 2 },
		{ ATAPI_READ_CD, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 1, 0xf8 },
		{ ATAPI_SEEK_10, 0, 0, 0, 1, 0x90 },
		{ ATAPI_VERIFY_10, 0, 0, 0, 1, 0x90, 0, 0, 1 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(packets); i++)
		assert_sense(bench, packets[i], SENSE_ILLEGAL_REQUEST, ASC_LBA_OUT_OF_RANGE);
	assert_int_equal(fake_block_started(bench->slot.block), 0);
}

/* FIELD bug 4: START STOP UNIT ends, and the host goes on pulling. */
static void no_data_are_left_after_a_command_without_data(void **state)
{
	struct ide_bench *bench = *state;

	send_packet(bench, eject, 2048, false);
	for (unsigned i = 0; i < 10000; i++)
		assert_int_equal(in16(bench, SECONDARY), 0xffff);
	assert_int_equal(status_of(bench), READY);
	assert_true(bench->slot.is_tray_open(bench->slot.opaque));
}

static void medium_errors_tell_the_sector(void **state)
{
	struct ide_bench *bench = *state;
	static const uint8_t read_10[12] = { ATAPI_READ_10, 0, 0, 0, 1, 2, 0, 0, 1 };
	static const uint8_t sense[12] = { ATAPI_REQUEST_SENSE, 0, 0, 0, 255 };
	uint8_t reply[REPLY_MAX];

	fake_block_fail(bench->slot.block, -EIO, 1);
	send_packet(bench, read_10, 2048, false);
	ide_bench_settle(bench);
	assert_int_equal(status_of(bench), FAILED);
	assert_int_equal(in8(bench, SECONDARY + ATA_ERROR) >> 4, SENSE_MEDIUM_ERROR);
	assert_int_equal(converse(bench, sense, reply), 18);
	assert_int_equal(reply[0], 0xf0);
	assert_int_equal(reply[2], SENSE_MEDIUM_ERROR);
	assert_int_equal(load_be32(reply + 3), 0x102);
	assert_int_equal(converse(bench, sense, reply), 18);
	assert_int_equal(reply[2], SENSE_NONE);
}

static void unknown_packets_are_refused(void **state)
{
	struct ide_bench *bench = *state;
	uint8_t packet[12] = { 0xff };

	assert_sense(bench, packet, SENSE_ILLEGAL_REQUEST, ASC_INVALID_OPCODE);
}

/** The slot gets another block, as control does it. */
static void put_medium(struct ide_bench *bench, struct block *block)
{
	struct block *old = bench->slot.block;

	bench->slot.block = block;
	bench->slot.changed(bench->slot.opaque);
	block_close(old);
}

static void media_changes_are_reported_once_each(void **state)
{
	struct ide_bench *bench = *state;
	static const uint8_t inquiry[12] = { ATAPI_INQUIRY, 0, 0, 0, 36 };
	uint8_t reply[REPLY_MAX];

	assert_succeeds(bench, test_unit_ready);
	assert_true(bench->slot.eject_requested(bench->slot.opaque, false));
	put_medium(bench, fake_block_create_empty());
	assert_sense(bench, test_unit_ready, SENSE_NOT_READY, ASC_NO_MEDIUM_TRAY_OPEN);
	assert_sense(bench, read_capacity, SENSE_NOT_READY, ASC_NO_MEDIUM_TRAY_OPEN);
	assert_succeeds(bench, load);
	assert_sense(bench, test_unit_ready, SENSE_NOT_READY, ASC_NO_MEDIUM_TRAY_CLOSED);
	assert_int_equal(converse(bench, media_event, reply), 8);
	assert_int_equal(reply[4], EVENT_MEDIA_REMOVAL);
	assert_int_equal(reply[5], 0);

	put_medium(bench, fake_block_create(700 * 2048));
	assert_int_equal(converse(bench, inquiry, reply), 36);
	assert_int_equal(converse(bench, media_event, reply), 8);
	assert_int_equal(reply[4], EVENT_NEW_MEDIA);
	assert_int_equal(reply[5], EVENT_MEDIA_PRESENT);
	assert_sense(bench, test_unit_ready, SENSE_UNIT_ATTENTION, ASC_MEDIUM_CHANGED);
	assert_succeeds(bench, test_unit_ready);
	assert_int_equal(converse(bench, media_event, reply), 8);
	assert_int_equal(reply[4], EVENT_NONE);
	assert_int_equal(converse(bench, read_capacity, reply), 8);
	assert_int_equal(load_be32(reply), 699);
}

static void a_read_does_not_go_on_with_another_medium(void **state)
{
	struct ide_bench *bench = *state;
	static const uint8_t read_10[12] = { ATAPI_READ_10, 0, 0, 0, 0, 0, 0, 0, 100 };
	uint8_t data[2048];

	send_packet(bench, read_10, 2048, false);
	ide_bench_settle(bench);
	put_medium(bench, fake_block_create(2048)); /* shorter, too */
	for (unsigned i = 0; i < 32; i++) {
		assert_int_equal(status_of(bench), DATA);
		pio_in(bench, SECONDARY, data, 2048);
	}
	assert_int_equal(status_of(bench), FAILED);
	assert_int_equal(in8(bench, SECONDARY + ATA_ERROR) >> 4, SENSE_UNIT_ATTENTION);
}

static void a_locked_tray_stays_closed_but_the_guest_is_told(void **state)
{
	struct ide_bench *bench = *state;
	uint8_t reply[REPLY_MAX];

	assert_succeeds(bench, lock);
	assert_true(bench->slot.is_locked(bench->slot.opaque));
	assert_sense(bench, eject, SENSE_ILLEGAL_REQUEST, ASC_REMOVAL_PREVENTED);
	assert_false(bench->slot.eject_requested(bench->slot.opaque, false));
	assert_int_equal(converse(bench, media_event, reply), 8);
	assert_int_equal(reply[4], EVENT_EJECT_REQUEST);
	assert_false(bench->slot.is_tray_open(bench->slot.opaque));
	assert_succeeds(bench, unlock);
	assert_succeeds(bench, eject);
	assert_sense(bench, test_unit_ready, SENSE_NOT_READY, ASC_NO_MEDIUM_TRAY_OPEN);
	assert_succeeds(bench, load);
	assert_sense(bench, test_unit_ready, SENSE_UNIT_ATTENTION, ASC_MEDIUM_CHANGED);
	assert_succeeds(bench, test_unit_ready);
	assert_succeeds(bench, lock);
	assert_true(bench->slot.eject_requested(bench->slot.opaque, true));
}

static void note_tray(void *control, struct medium_slot *slot, bool open)
{
	(void)slot;
	*(int *)control = open ? 1 : 0;
}

static void control_hears_of_the_tray(void **state)
{
	struct ide_bench *bench = *state;
	int open = -1;

	bench->slot.control = &open;
	bench->slot.tray_moved = note_tray;
	assert_succeeds(bench, eject);
	assert_int_equal(open, 1);
	assert_succeeds(bench, load);
	assert_int_equal(open, 0);
}

static void toc_formats(void **state)
{
	struct ide_bench *bench = *state;
	uint8_t packet[12] = { ATAPI_READ_TOC, 0, 0, 0, 0, 0, 0, 0x10 };
	uint8_t reply[REPLY_MAX];

	assert_int_equal(converse(bench, packet, reply), 20);
	assert_int_equal(load_be16(reply), 18);
	assert_int_equal(reply[5], 0x14);
	assert_int_equal(reply[14], 0xaa);
	assert_int_equal(load_be32(reply + 16), IDE_BENCH_CD_SECTORS);
	packet[1] = 2;
	assert_int_equal(converse(bench, packet, reply), 20);
	assert_int_equal(load_be32(reply + 8), 0x000200);
	assert_int_equal(load_be32(reply + 16), (IDE_BENCH_CD_SECTORS + 150) / 75 << 8 | 25);
	packet[6] = 0xaa;
	assert_int_equal(converse(bench, packet, reply), 12);
	packet[6] = 2;
	assert_sense(bench, packet, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_CDB);
	packet[6] = 0;
	packet[2] = 1;
	assert_int_equal(converse(bench, packet, reply), 12);
	packet[2] = 2;
	assert_int_equal(converse(bench, packet, reply), 4 + 4 * 11);
	assert_int_equal(reply[7], 0xa0);
	packet[2] = 0;
	packet[9] = 0x40; /* SFF-8020i */
	assert_int_equal(converse(bench, packet, reply), 12);
	packet[2] = 5;
	assert_sense(bench, packet, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_CDB);
}

static void mode_pages(void **state)
{
	struct ide_bench *bench = *state;
	uint8_t sense[12] = { ATAPI_MODE_SENSE_10, 0, 0x2a, 0, 0, 0, 0, 1, 0 };
	uint8_t select[12] = { ATAPI_MODE_SELECT_10, 0x10, 0, 0, 0, 0, 0, 0, 20 };
	uint8_t list[20] = { [8] = 0x01, 0x0a, 0, 9 };
	uint8_t reply[REPLY_MAX];

	assert_int_equal(converse(bench, sense, reply), 8 + 22);
	assert_int_equal(load_be16(reply), 28);
	assert_int_equal(reply[8], 0x2a);
	assert_int_equal(reply[8 + 6], 0x29);
	sense[2] = 0x3f;
	assert_in_range(converse(bench, sense, reply), 80, 128);
	sense[2] = 0xc1;
	assert_sense(bench, sense, SENSE_ILLEGAL_REQUEST, ASC_SAVING_NOT_SUPPORTED);
	sense[2] = 0x33;
	assert_sense(bench, sense, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_CDB);

	send_packet(bench, select, 2048, false);
	assert_true(irq_is_up(bench, SECONDARY_IRQ));
	assert_int_equal(status_of(bench), DATA);
	assert_int_equal(in8(bench, SECONDARY + ATAPI_REASON), 0);
	pio_out(bench, SECONDARY, list, sizeof(list));
	assert_int_equal(status_of(bench), READY);
	sense[2] = 0x01;
	assert_int_equal(converse(bench, sense, reply), 8 + 12);
	assert_int_equal(reply[8 + 3], 9);
	list[9] = 0xff; /* longer than the list */
	send_packet(bench, select, 2048, false);
	status_of(bench);
	pio_out(bench, SECONDARY, list, sizeof(list));
	assert_int_equal(status_of(bench), FAILED);
}

static void odd_replies_end_with_the_last_byte(void **state)
{
	struct ide_bench *bench = *state;
	static const uint8_t inquiry[12] = { ATAPI_INQUIRY, 0, 0, 0, 5 };
	static const uint8_t none[12] = { ATAPI_INQUIRY };
	uint8_t reply[REPLY_MAX];

	assert_int_equal(converse(bench, inquiry, reply), 5);
	assert_int_equal(reply[4], 31);
	assert_int_equal(reply[5], 0xff);
	assert_int_equal(converse(bench, none, reply), 0);
}

static void descriptions_of_drive_and_disc(void **state)
{
	struct ide_bench *bench = *state;
	uint8_t reply[REPLY_MAX];
	static const struct {
		uint8_t packet[12];
		size_t bytes;
	} rows[] = {
		{ { ATAPI_INQUIRY, 0, 0, 0, 96 }, 36 },
		{ { ATAPI_INQUIRY, 1, 0x00, 0, 96 }, 7 },
		{ { ATAPI_INQUIRY, 1, 0x80, 0, 96 }, 24 },
		{ { ATAPI_INQUIRY, 1, 0x83, 0, 96 }, 36 },
		{ { ATAPI_READ_CAPACITY }, 8 },
		{ { ATAPI_READ_FORMAT_CAPACITIES, 0, 0, 0, 0, 0, 0, 0, 99 }, 12 },
		{ { ATAPI_GET_CONFIGURATION, 2, 0, 0x1e, 0, 0, 0, 0, 99 }, 16 },
		{ { ATAPI_GET_CONFIGURATION, 0, 0, 0, 0, 0, 0, 0, 8 }, 8 },
		{ { ATAPI_GET_EVENT_STATUS, 1, 0, 0, 0, 0, 0, 0, 99 }, 4 },
		{ { ATAPI_READ_DISC_INFORMATION, 0, 0, 0, 0, 0, 0, 0, 99 }, 34 },
		{ { ATAPI_READ_TRACK_INFORMATION, 1, 0, 0, 0, 1, 0, 0, 99 }, 36 },
		{ { ATAPI_READ_SUBCHANNEL, 2, 0x40, 1, 0, 0, 0, 0, 99 }, 16 },
		{ { ATAPI_READ_SUBCHANNEL, 2, 0x40, 2, 0, 0, 0, 0, 99 }, 24 },
		{ { ATAPI_READ_HEADER, 0, 0, 0, 0, 7, 0, 0, 99 }, 8 },
		{ { ATAPI_MECHANISM_STATUS, 0, 0, 0, 0, 0, 0, 0, 0, 99 }, 8 },
		{ { ATAPI_READ_BUFFER_CAPACITY, 0, 0, 0, 0, 0, 0, 0, 99 }, 12 },
		{ { ATAPI_GET_PERFORMANCE, 0, 0, 0, 0, 0, 0, 0, 0, 1 }, 24 },
		{ { ATAPI_MODE_SENSE_6, 0, 0x0e, 0, 99 }, 20 },
		{ { ATAPI_SET_CD_SPEED, 0, 0xff, 0xff }, 0 },
		{ { ATAPI_SYNCHRONIZE_CACHE }, 0 },
		{ { ATAPI_STOP_PLAY }, 0 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(converse(bench, rows[i].packet, reply), rows[i].bytes);
}

static void big_media_are_dvds(void **state)
{
	struct ide_bench *bench = *state;
	uint8_t structure[12] = { ATAPI_READ_DVD_STRUCTURE, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
	static const uint8_t configuration[12] = {
		ATAPI_GET_CONFIGURATION, 0, 0, 0, 0, 0, 0, 0, 200
	};
	uint8_t reply[REPLY_MAX];

	assert_sense(bench, structure, SENSE_ILLEGAL_REQUEST, ASC_INCOMPATIBLE_MEDIUM);
	converse(bench, configuration, reply);
	assert_int_equal(load_be16(reply + 6), PROFILE_CD_ROM);
	put_medium(bench, fake_block_create((size_t)500000 * 2048));
	assert_sense(bench, test_unit_ready, SENSE_UNIT_ATTENTION, ASC_MEDIUM_CHANGED);
	converse(bench, configuration, reply);
	assert_int_equal(load_be16(reply + 6), PROFILE_DVD_ROM);
	assert_int_equal(converse(bench, structure, reply), 2052);
	assert_int_equal(load_be32(reply + 8), 0x30000);
	assert_int_equal(load_be32(reply + 12), 0x30000 + 499999);
	structure[7] = 1;
	assert_int_equal(converse(bench, structure, reply), 8);
}

static void device_reset_ends_a_packet(void **state)
{
	struct ide_bench *bench = *state;
	static const uint8_t read_10[12] = { ATAPI_READ_10, 0, 0, 0, 0, 0, 0, 0, 1 };

	assert_succeeds(bench, lock);
	send_packet(bench, read_10, 2048, false);
	out8(bench, SECONDARY + ATA_COMMAND, ATA_CMD_DEVICE_RESET);
	assert_int_equal(fake_block_waiting(bench->slot.block), 0);
	assert_int_equal(status_of(bench), 0);
	assert_int_equal(byte_count(bench), 0xeb14);
	assert_false(irq_is_up(bench, SECONDARY_IRQ));
	assert_false(bench->slot.is_locked(bench->slot.opaque));
	assert_succeeds(bench, test_unit_ready);
}

static void flush_without_a_medium_is_harmless(void **state)
{
	struct ide_bench *bench = *state;

	put_medium(bench, fake_block_create_empty());
	out8(bench, SECONDARY + ATA_DEVICE, 0);
	out8(bench, SECONDARY + ATA_COMMAND, ATA_CMD_FLUSH_CACHE);
	ide_bench_settle(bench);
	assert_int_equal(status_of(bench), READY);
}

int main(void)
{
#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH_BENCH(signature_is_that_of_a_packet_device),
		WITH_BENCH(identify_packet_device),
		WITH_BENCH(pio_reads_come_in_bursts_of_the_byte_count_limit),
		WITH_BENCH(long_pio_reads_refill_the_buffer),
		WITH_BENCH(dma_reads_go_straight_into_memory),
		WITH_BENCH(replies_and_raw_sectors_go_by_dma_too),
		WITH_BENCH(short_tables_end_packet_reads),
		cmocka_unit_test(raw_sectors_have_valid_codes),
		WITH_BENCH(read_cd_gives_the_parts_asked_for),
		WITH_BENCH(ranges_are_checked_in_64_bits),
		WITH_BENCH(no_data_are_left_after_a_command_without_data),
		WITH_BENCH(medium_errors_tell_the_sector),
		WITH_BENCH(unknown_packets_are_refused),
		WITH_BENCH(media_changes_are_reported_once_each),
		WITH_BENCH(a_read_does_not_go_on_with_another_medium),
		WITH_BENCH(a_locked_tray_stays_closed_but_the_guest_is_told),
		WITH_BENCH(control_hears_of_the_tray),
		WITH_BENCH(toc_formats),
		WITH_BENCH(mode_pages),
		WITH_BENCH(odd_replies_end_with_the_last_byte),
		WITH_BENCH(descriptions_of_drive_and_disc),
		WITH_BENCH(big_media_are_dvds),
		WITH_BENCH(device_reset_ends_a_packet),
		WITH_BENCH(flush_without_a_medium_is_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
