// SPDX-License-Identifier: GPL-2.0-or-later
/* A disk and a CD-ROM on USB: what drivers do, and what guests do to harm. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/lib/storage_bench.h"
#include "tests/lib/usb_bench.h"

#define SENSE(key, asc) ((uint32_t)(key) << 16 | (asc))

static struct storage_bench bench;
static uint8_t buffer[256 << 10];

static int set_up(void **state)
{
	(void)state;
	storage_bench_init(&bench, false, USB_FULL, true);
	return 0;
}

static int set_up_high(void **state)
{
	(void)state;
	storage_bench_init(&bench, false, USB_HIGH, false);
	return 0;
}

static int set_up_cdrom(void **state)
{
	(void)state;
	storage_bench_init(&bench, true, USB_HIGH, false);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	storage_bench_finish(&bench);
	return 0;
}

/** A command of these bytes. */
#define RUN(data, length, in, ...)                                  \
	storage_bench_run(&bench, (const uint8_t[]){ __VA_ARGS__ }, \
			  sizeof((const uint8_t[]){ __VA_ARGS__ }), (data), (length), (in))

static int move_10(uint8_t opcode, uint32_t lba, uint16_t sectors, uint32_t length, bool in)
{
	uint8_t cdb[10] = { opcode };

	store_be32(cdb + 2, lba);
	store_be16(cdb + 7, sectors);
	return storage_bench_run(&bench, cdb, sizeof(cdb), buffer, length, in);
}

static void expect_disk(size_t position, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		assert_int_equal(buffer[i], storage_bench_byte(position + i));
}

static void says_who_it_is(void **state)
{
	uint8_t *data = buffer;

	(void)state;
	assert_int_equal(storage_bench_control(&bench, USB_GET_DESCRIPTOR, 0x100, 0, data, 18), 18);
	assert_int_equal(storage_bench_control(&bench, USB_GET_DESCRIPTOR, 0x200, 0, data, 255),
			 32);
	assert_int_equal(data[14], 8); /* class, subclass, protocol */
	assert_int_equal(data[15], 6);
	assert_int_equal(data[16], 0x50);
	assert_int_equal(load_le16(data + 22), 64);
	assert_int_equal(storage_bench_control(&bench, USB_GET_DESCRIPTOR, 0x600, 0, data, 10), 10);
	assert_int_equal(storage_bench_control(&bench, USB_GET_DESCRIPTOR, 0x700, 0, data, 255),
			 32);
	assert_int_equal(data[1], 7);
	assert_int_equal(load_le16(data + 22), 512);
	/* the serial number of section 4.1.1: twelve digits at least */
	assert_int_equal(storage_bench_control(&bench, USB_GET_DESCRIPTOR, 0x303, 0x409, data, 255),
			 26);
	assert_int_equal(storage_bench_control(&bench, USB_STORAGE_GET_MAX_LUN, 0, 0, data, 1), 1);
	assert_int_equal(data[0], 0);
	assert_int_equal(RUN(data, 36, true, ATAPI_INQUIRY, 0, 0, 0, 36, 0), 36);
	assert_memory_equal(data, "\0\x80\5\2\x1f\0\0\0HVMDM   USB DISK        1.0 ", 36);
	assert_int_equal(bench.status, 0);
	assert_int_equal(bench.residue, 0);
	assert_int_equal(RUN(data, 255, true, ATAPI_INQUIRY, 1, 0, 0, 255, 0), 8);
	assert_memory_equal(data, "\0\0\0\4\x00\x80\x83\xb0", 8);
	assert_int_equal(bench.residue, 247);
}

static void says_how_large_it_is(void **state)
{
	(void)state;
	assert_int_equal(RUN(buffer, 8, true, ATAPI_READ_CAPACITY, 0, 0, 0, 0, 0, 0, 0, 0, 0), 8);
	assert_int_equal(load_be32(buffer), STORAGE_BENCH_SECTORS - 1);
	assert_int_equal(load_be32(buffer + 4), 512);
	assert_int_equal(RUN(buffer, 32, true, SCSI_SERVICE_ACTION_IN_16, SCSI_READ_CAPACITY_16, 0,
			     0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0),
			 32);
	assert_int_equal(load_be32(buffer + 4), STORAGE_BENCH_SECTORS - 1);
	assert_int_equal(RUN(buffer, 192, true, ATAPI_MODE_SENSE_6, 0, 0x3f, 0, 192, 0), 24);
	assert_int_equal(buffer[0], 23);
	assert_int_equal(buffer[2], 0x10);
	assert_int_equal(buffer[6], 4); /* it has a write cache */
}

static void reads_and_writes(void **state)
{
	(void)state;
	assert_int_equal(move_10(ATAPI_READ_10, 5, 1, 512, true), 512);
	expect_disk(5 * 512, 512);
	/* more than the drive's buffer holds */
	assert_int_equal(move_10(ATAPI_READ_10, 100, 300, 300 * 512, true), 300 * 512);
	expect_disk(100 * 512, 300 * 512);
	assert_int_equal(bench.status, 0);
	assert_int_equal(bench.residue, 0);
	for (unsigned i = 0; i < 300 * 512; i++)
		buffer[i] = (uint8_t)(i * 3);
	assert_int_equal(move_10(SCSI_WRITE_10, 1000, 300, 300 * 512, false), 300 * 512);
	assert_int_equal(bench.status, 0);
	assert_memory_equal(fake_block_bytes(bench.disk) + 1000 * 512, buffer, 300 * 512);
	assert_int_equal(fake_block_bytes(bench.disk)[1300 * 512], storage_bench_byte(1300 * 512));
	assert_int_equal(RUN(NULL, 0, false, ATAPI_SYNCHRONIZE_CACHE, 0, 0, 0, 0, 0, 0, 0, 0, 0),
			 0);
	assert_int_equal(fake_block_flushes(bench.disk), 1);
	/* FUA */
	assert_int_equal(RUN(buffer, 512, false, SCSI_WRITE_10, SCSI_FUA, 0, 0, 0, 0, 0, 0, 1, 0),
			 512);
	assert_int_equal(fake_block_flushes(bench.disk), 2);
	assert_int_equal(
		RUN(buffer, 1024, true, SCSI_READ_16, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 2, 0, 0),
		1024);
	expect_disk(7 * 512, 1024);
	assert_int_equal(RUN(buffer, 512, true, SCSI_READ_6, 0, 0, 9, 1, 0), 512);
	expect_disk(9 * 512, 512);
}

/** The host waits with NAK, is woken when there is something, and loses nothing. */
static void waits_for_its_image(void **state)
{
	static const uint8_t cdb[10] = { ATAPI_READ_10, 0, 0, 0, 0, 0, 0, 0, 1, 0 };
	unsigned woken;

	(void)state;
	assert_int_equal(storage_bench_command(&bench, cdb, sizeof(cdb), 512, true), CBW_BYTES);
	woken = bench.wakeups;
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(
			usb_device_packet(&bench.storage.usb, USB_IN, STORAGE_IN, buffer, 64),
			USB_NAK);
	assert_int_equal(bench.wakeups, woken);
	assert_true(fake_block_complete(bench.disk));
	assert_true(bench.wakeups > woken);
	assert_int_equal(storage_bench_data(&bench, buffer, 512, true), 512);
	expect_disk(0, 512);
	assert_int_equal(storage_bench_status(&bench), 0);
}

static void what_cannot_be_is_refused(void **state)
{
	(void)state;
	assert_int_equal(move_10(ATAPI_READ_10, STORAGE_BENCH_SECTORS - 1, 2, 1024, true), 1024);
	assert_int_equal(bench.status, STORAGE_FAILED);
	assert_int_equal(bench.residue, 1024);
	assert_int_equal(buffer[0], 0);
	assert_int_equal(storage_bench_sense(&bench), SENSE(5, ASC_LBA_OUT_OF_RANGE));
	assert_int_equal(storage_bench_sense(&bench), 0);
	assert_int_equal(move_10(SCSI_WRITE_10, UINT32_MAX, 1, 512, false), 512);
	assert_int_equal(bench.status, STORAGE_FAILED);
	assert_int_equal(RUN(NULL, 0, false, 0xff, 0, 0, 0, 0, 0), 0);
	assert_int_equal(bench.status, STORAGE_FAILED);
	assert_int_equal(storage_bench_sense(&bench), SENSE(5, ASC_INVALID_OPCODE));
	/* FFFFFFFFh sectors from FFFFFFFFFFFFFFFFh */
	assert_int_equal(RUN(buffer, 512, true, SCSI_READ_16, 0, 255, 255, 255, 255, 255, 255, 255,
			     255, 255, 255, 255, 255, 0, 0),
			 512);
	assert_int_equal(storage_bench_sense(&bench), SENSE(5, ASC_LBA_OUT_OF_RANGE));
}

static void a_protected_disk_is_not_written(void **state)
{
	(void)state;
	fake_block_set_read_only(bench.disk, true);
	assert_int_equal(RUN(buffer, 192, true, ATAPI_MODE_SENSE_6, 0, 0x3f, 0, 192, 0), 24);
	assert_int_equal(buffer[2] & 0x80, 0x80);
	assert_int_equal(move_10(SCSI_WRITE_10, 0, 1, 512, false), 512);
	assert_int_equal(bench.status, STORAGE_FAILED);
	assert_int_equal(storage_bench_sense(&bench),
			 SENSE(SENSE_DATA_PROTECT, ASC_WRITE_PROTECTED));
	assert_int_equal(fake_block_started(bench.disk), 0);
}

static void the_images_errors_are_told(void **state)
{
	(void)state;
	fake_block_fail(bench.disk, -EIO, 1);
	assert_int_equal(move_10(ATAPI_READ_10, 0, 8, 4096, true), 4096);
	assert_int_equal(bench.status, STORAGE_FAILED);
	assert_int_equal(storage_bench_sense(&bench), SENSE(3, ASC_READ_ERROR));
	fake_block_fail(bench.disk, -ENOSPC, 1);
	assert_int_equal(move_10(SCSI_WRITE_10, 0, 8, 4096, false), 4096);
	assert_int_equal(bench.status, STORAGE_FAILED);
	assert_int_equal(storage_bench_sense(&bench), SENSE(3, ASC_WRITE_ERROR));
	assert_int_equal(move_10(ATAPI_READ_10, 0, 8, 4096, true), 4096);
	assert_int_equal(bench.status, STORAGE_PASSED);
}

static void a_removable_one_is_taken_out(void **state)
{
	(void)state;
	assert_int_equal(RUN(NULL, 0, false, ATAPI_PREVENT_ALLOW, 0, 0, 0, 1, 0), 0);
	assert_int_equal(RUN(NULL, 0, false, ATAPI_START_STOP_UNIT, 0, 0, 0, 2, 0), 0);
	assert_int_equal(bench.status, STORAGE_FAILED);
	assert_int_equal(storage_bench_sense(&bench), SENSE(5, ASC_REMOVAL_PREVENTED));
	assert_int_equal(RUN(NULL, 0, false, ATAPI_PREVENT_ALLOW, 0, 0, 0, 0, 0), 0);
	assert_int_equal(RUN(NULL, 0, false, ATAPI_START_STOP_UNIT, 0, 0, 0, 2, 0), 0);
	assert_int_equal(bench.status, STORAGE_PASSED);
	assert_int_equal(RUN(NULL, 0, false, ATAPI_TEST_UNIT_READY, 0, 0, 0, 0, 0), 0);
	assert_int_equal(storage_bench_sense(&bench), SENSE(2, ASC_NO_MEDIUM));
	assert_int_equal(move_10(ATAPI_READ_10, 0, 1, 512, true), 512);
	assert_int_equal(bench.status, STORAGE_FAILED);
	assert_int_equal(RUN(NULL, 0, false, ATAPI_START_STOP_UNIT, 0, 0, 0, 3, 0), 0);
	assert_int_equal(RUN(NULL, 0, false, ATAPI_TEST_UNIT_READY, 0, 0, 0, 0, 0), 0);
	assert_int_equal(bench.status, STORAGE_PASSED);
}

static void a_cdrom_is_read(void **state)
{
	(void)state;
	assert_int_equal(RUN(buffer, 36, true, ATAPI_INQUIRY, 0, 0, 0, 36, 0), 36);
	assert_int_equal(buffer[0], 5);
	assert_int_equal(buffer[1], 0x80);
	assert_int_equal(RUN(buffer, 8, true, ATAPI_READ_CAPACITY, 0, 0, 0, 0, 0, 0, 0, 0, 0), 8);
	assert_int_equal(load_be32(buffer), STORAGE_BENCH_CD_SECTORS - 1);
	assert_int_equal(move_10(ATAPI_READ_10, 16, 60, 60 * 2048, true), 60 * 2048);
	expect_disk((size_t)16 * 2048, (size_t)60 * 2048);
	assert_int_equal(bench.status, 0);
	/* raw sectors, which end in the middle of a packet */
	assert_int_equal(
		RUN(buffer, 40 * 2352, true, ATAPI_READ_CD, 0, 0, 0, 0, 1, 0, 0, 40, 0xf8, 0, 0),
		40 * 2352);
	assert_int_equal(bench.status, 0);
	for (unsigned i = 0; i < 40; i++)
		for (unsigned j = 0; j < 2048; j++)
			assert_int_equal(buffer[i * 2352 + 16 + j],
					 storage_bench_byte((size_t)(1 + i) * 2048 + j));
	assert_int_equal(move_10(SCSI_WRITE_10, 0, 1, 2048, false), 2048);
	assert_int_equal(bench.status, STORAGE_FAILED);
	assert_int_equal(storage_bench_sense(&bench), SENSE(5, ASC_INVALID_OPCODE));
}

static void a_medium_is_changed(void **state)
{
	struct block *old = bench.slot.block;

	(void)state;
	bench.slot.block = fake_block_create_empty();
	block_close(old);
	bench.slot.changed(bench.slot.opaque);
	assert_int_equal(RUN(NULL, 0, false, ATAPI_TEST_UNIT_READY, 0, 0, 0, 0, 0), 0);
	assert_int_equal(bench.status, STORAGE_FAILED);
	assert_int_equal(storage_bench_sense(&bench), SENSE(2, ASC_NO_MEDIUM_TRAY_CLOSED));
	old = bench.slot.block;
	bench.slot.block = fake_block_create(2048 * 10);
	block_close(old);
	bench.slot.changed(bench.slot.opaque);
	assert_int_equal(RUN(NULL, 0, false, ATAPI_TEST_UNIT_READY, 0, 0, 0, 0, 0), 0);
	assert_int_equal(storage_bench_sense(&bench), SENSE(6, ASC_MEDIUM_CHANGED));
	assert_int_equal(RUN(NULL, 0, false, ATAPI_TEST_UNIT_READY, 0, 0, 0, 0, 0), 0);
	assert_int_equal(bench.status, STORAGE_PASSED);
}

/* 6.7: what the host means to move, and what the device does. */
static void lengths_that_do_not_agree_are_told(void **state)
{
	(void)state;
	/* the host has no room, less room than there is data, or goes the wrong way */
	assert_int_equal(move_10(ATAPI_READ_10, 0, 1, 0, true), 0);
	assert_int_equal(bench.status, STORAGE_PHASE_ERROR);
	assert_int_equal(move_10(ATAPI_READ_10, 0, 2, 512, true), 512);
	assert_int_equal(bench.status, STORAGE_PHASE_ERROR);
	assert_int_equal(move_10(ATAPI_READ_10, 0, 1, 512, false), 512);
	assert_int_equal(bench.status, STORAGE_PHASE_ERROR);
	assert_int_equal(move_10(SCSI_WRITE_10, 0, 1, 512, true), 512);
	assert_int_equal(bench.status, STORAGE_PHASE_ERROR);
	assert_int_equal(move_10(SCSI_WRITE_10, 0, 2, 512, false), 512);
	assert_int_equal(bench.status, STORAGE_PHASE_ERROR);
	assert_int_equal(RUN(NULL, 0, false, ATAPI_INQUIRY, 0, 0, 0, 36, 0), 0);
	assert_int_equal(bench.status, STORAGE_PHASE_ERROR);
	assert_int_equal(RUN(buffer, 64, false, ATAPI_INQUIRY, 0, 0, 0, 36, 0), 64);
	assert_int_equal(bench.status, STORAGE_PHASE_ERROR);
	assert_int_equal(fake_block_started(bench.disk), 0);
	/* the host means to move more */
	assert_int_equal(move_10(ATAPI_READ_10, 3, 1, 1024, true), 1024);
	expect_disk(3 * 512, 512);
	assert_int_equal(buffer[512], 0);
	assert_int_equal(bench.status, STORAGE_PASSED);
	assert_int_equal(bench.residue, 512);
	assert_int_equal(move_10(SCSI_WRITE_10, 3, 1, 1024, false), 1024);
	assert_int_equal(bench.status, STORAGE_PASSED);
	assert_int_equal(bench.residue, 512);
	assert_int_equal(RUN(buffer, 64, false, ATAPI_TEST_UNIT_READY, 0, 0, 0, 0, 0), 64);
	assert_int_equal(bench.status, STORAGE_PASSED);
	assert_int_equal(bench.residue, 64);
}

static void a_host_that_ends_early_writes_nothing_half(void **state)
{
	static const uint8_t cdb[10] = { SCSI_WRITE_10, 0, 0, 0, 0, 0, 0, 0, 2, 0 };

	(void)state;
	assert_int_equal(storage_bench_command(&bench, cdb, sizeof(cdb), 1024, false), CBW_BYTES);
	assert_int_equal(storage_bench_packet(&bench, USB_OUT, buffer, 64), 64);
	assert_int_equal(storage_bench_packet(&bench, USB_OUT, buffer, 10), 10);
	assert_int_equal(storage_bench_status(&bench), 0);
	assert_int_equal(bench.status, STORAGE_PHASE_ERROR);
	assert_int_equal(fake_block_started(bench.disk), 0);
}

static int send_wrapper(uint32_t signature, unsigned length, uint8_t flags, uint8_t lun,
			uint8_t count)
{
	uint8_t cbw[64] = { 0 };

	store_le32(cbw, signature);
	cbw[CBW_FLAGS] = flags;
	cbw[CBW_LUN] = lun;
	cbw[CBW_COMMAND_LENGTH] = count;
	return storage_bench_packet(&bench, USB_OUT, cbw, length);
}

static void clear_halts(void)
{
	storage_bench_control(&bench, USB_ENDPOINT_CLEAR_FEATURE, USB_FEATURE_HALT,
			      STORAGE_IN_ADDRESS, NULL, 0);
	storage_bench_control(&bench, USB_ENDPOINT_CLEAR_FEATURE, USB_FEATURE_HALT, STORAGE_OUT,
			      NULL, 0);
}

/* 6.6.1: a wrapper that is none, until the reset recovery of 5.3.4. */
static void wrappers_that_lie_stall(void **state)
{
	static const struct {
		uint32_t signature;
		unsigned length;
		uint8_t flags, lun, count;
	} lies[] = {
		{ STORAGE_CBW_SIGNATURE + 1, CBW_BYTES, 0, 0, 6 },
		{ STORAGE_CBW_SIGNATURE, CBW_BYTES - 1, 0, 0, 6 },
		{ STORAGE_CBW_SIGNATURE, CBW_BYTES + 1, 0, 0, 6 },
		{ STORAGE_CBW_SIGNATURE, 0, 0, 0, 6 },
		{ STORAGE_CBW_SIGNATURE, CBW_BYTES, 0x01, 0, 6 },
		{ STORAGE_CBW_SIGNATURE, CBW_BYTES, 0, 1, 6 },
		{ STORAGE_CBW_SIGNATURE, CBW_BYTES, 0, 0, 0 },
		{ STORAGE_CBW_SIGNATURE, CBW_BYTES, 0, 0, 17 },
		{ STORAGE_CBW_SIGNATURE, CBW_BYTES, 0, 0, 255 },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(lies); i++) {
		assert_int_equal(send_wrapper(lies[i].signature, lies[i].length, lies[i].flags,
					      lies[i].lun, lies[i].count),
				 USB_STALL);
		assert_int_equal(storage_bench_status(&bench), USB_STALL);
		/* clearing the halts is not enough */
		clear_halts();
		assert_int_equal(send_wrapper(STORAGE_CBW_SIGNATURE, CBW_BYTES, 0, 0, 6),
				 USB_STALL);
		assert_int_equal(storage_bench_control(&bench, USB_STORAGE_RESET, 0, 0, NULL, 0),
				 0);
		assert_int_equal(send_wrapper(STORAGE_CBW_SIGNATURE, CBW_BYTES, 0, 0, 6),
				 USB_STALL);
		clear_halts();
		assert_int_equal(RUN(NULL, 0, false, ATAPI_TEST_UNIT_READY, 0, 0, 0, 0, 0), 0);
		assert_int_equal(bench.status, STORAGE_PASSED);
	}
}

/* CVE-2023-5088's kind: a reset waits for the image, and what it was asked before comes to nothing.
 */
static void a_reset_forgets_what_is_under_way(void **state)
{
	static const uint8_t cdb[10] = { ATAPI_READ_10, 0, 0, 0, 0, 9, 0, 0, 8, 0 };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(storage_bench_command(&bench, cdb, sizeof(cdb), 4096, true),
				 CBW_BYTES);
		assert_int_equal(fake_block_waiting(bench.disk), 1);
		if (i == 0)
			storage_bench_control(&bench, USB_STORAGE_RESET, 0, 0, NULL, 0);
		else if (i == 1)
			usb_device_reset(&bench.storage.usb, USB_FULL);
		else
			bench.storage.device.class->reset(&bench.storage);
		assert_int_equal(fake_block_waiting(bench.disk), 0);
		storage_bench_control(&bench, USB_SET_CONFIGURATION, 1, 0, NULL, 0);
		assert_int_equal(move_10(ATAPI_READ_10, 1, 1, 512, true), 512);
		expect_disk(512, 512);
		assert_int_equal(bench.status, STORAGE_PASSED);
	}
}

static void packets_out_of_turn_move_nothing(void **state)
{
	static const uint8_t cdb[10] = { ATAPI_READ_10, 0, 0, 0, 0, 0, 0, 0, 1, 0 };

	(void)state;
	assert_int_equal(usb_device_packet(&bench.storage.usb, USB_IN, STORAGE_IN, buffer, 64),
			 USB_NAK);
	assert_int_equal(usb_device_packet(&bench.storage.usb, USB_IN, 7, buffer, 64), USB_STALL);
	assert_int_equal(storage_bench_command(&bench, cdb, sizeof(cdb), 512, true), CBW_BYTES);
	assert_int_equal(usb_device_packet(&bench.storage.usb, USB_OUT, STORAGE_OUT, buffer, 31),
			 USB_STALL);
	/* packets shorter than the endpoint's lose no byte */
	for (unsigned done = 0; done < 512;) {
		int count = storage_bench_packet(&bench, USB_IN, buffer + done, 7);

		assert_in_range(count, 1, 7);
		done += (unsigned)count;
	}
	expect_disk(0, 512);
	/* a status wrapper with no room for it stays where it is */
	assert_int_equal(storage_bench_packet(&bench, USB_IN, buffer, 12), USB_BABBLE);
	assert_int_equal(storage_bench_status(&bench), 0);
	assert_int_equal(bench.status, STORAGE_PASSED);
}

static void is_saved_in_mid_transfer(void **state)
{
	static const uint8_t read[10] = { ATAPI_READ_10, 0, 0, 0, 0, 20, 0, 0, 8, 0 };
	static const uint8_t write[10] = { SCSI_WRITE_10, 0, 0, 0, 0, 40, 0, 0, 2, 0 };

	(void)state;
	assert_int_equal(state_find_gap(bench.storage.device.class->table), -1);
	assert_int_equal(storage_bench_command(&bench, read, sizeof(read), 4096, true), CBW_BYTES);
	assert_int_equal(storage_bench_data(&bench, buffer, 1024, true), 1024);
	assert_true(bench_round_trip(&bench.storage.device));
	assert_int_equal(storage_bench_data(&bench, buffer + 1024, 3072, true), 3072);
	assert_int_equal(storage_bench_status(&bench), 0);
	expect_disk(20 * 512, 4096);
	memset(buffer, 0x5a, 1024);
	assert_int_equal(storage_bench_command(&bench, write, sizeof(write), 1024, false),
			 CBW_BYTES);
	assert_int_equal(storage_bench_data(&bench, buffer, 512, false), 512);
	assert_true(bench_round_trip(&bench.storage.device));
	assert_int_equal(storage_bench_data(&bench, buffer + 512, 512, false), 512);
	assert_true(bench_round_trip(&bench.storage.device));
	assert_int_equal(storage_bench_status(&bench), 0);
	assert_int_equal(bench.status, STORAGE_PASSED);
	assert_memory_equal(fake_block_bytes(bench.disk) + 40 * 512, buffer, 1024);
}

static void impossible_state_is_refused(void **state)
{
	struct usb_storage_state good = bench.storage.state;
	struct usb_storage_state *s = &bench.storage.state;

	(void)state;
	s->phase = STORAGE_PHASES;
	assert_true(bench_refuses_state(&bench.storage.device));
	*s = good;
	s->staged = STORAGE_HIGH_PACKET + 1;
	assert_true(bench_refuses_state(&bench.storage.device));
	*s = good;
	s->staged = 8;
	assert_true(bench_refuses_state(&bench.storage.device));
	*s = good;
	s->image_bytes++;
	assert_true(bench_refuses_state(&bench.storage.device));
	*s = good;
	s->is_cdrom = true;
	assert_true(bench_refuses_state(&bench.storage.device));
	*s = good;
	s->usb.speed = USB_SPEEDS;
	assert_true(bench_refuses_state(&bench.storage.device));
	*s = good;
	s->channel.transfer.phase = IDE_DMA_WAIT;
	s->channel.transfer.job = IDE_JOB_READ_DMA;
	s->channel.transfer.dma = 1;
	assert_true(bench_refuses_state(&bench.storage.device));
	*s = good;
	s->channel.transfer.phase = IDE_ON_DISK;
	s->channel.transfer.job = IDE_JOB_PACKET_REPLY;
	assert_true(bench_refuses_state(&bench.storage.device));
	*s = good;
	s->channel.selected = 1;
	assert_true(bench_refuses_state(&bench.storage.device));
	*s = good;
	assert_int_equal(bench.storage.device.class->after_load(&bench.storage, NULL), 0);
}

/* --- On a controller --- */

static struct usb_bench uhci;

static void on_uhci(void **state)
{
	uint8_t *memory;
	uint32_t td;
	static const uint8_t cdb[10] = { ATAPI_READ_10, 0, 0, 0, 0, 3, 0, 0, 1, 0 };

	(void)state;
	usb_bench_init(&uhci);
	usb_port_detach(&bench.port);
	usb_port_detach(&uhci.uhci.plugs[0]);
	assert_int_equal(usb_port_attach(&uhci.uhci.plugs[0], &bench.storage.usb, NULL), 0);
	usb_bench_start(&uhci);
	usb_bench_configure(&uhci, 0, 9);
	memory = uhci.bench->bytes + USB_BENCH_DATA;
	store_le32(memory, STORAGE_CBW_SIGNATURE);
	store_le32(memory + CBW_LENGTH, 512);
	memory[CBW_FLAGS] = CBW_FLAG_IN;
	memory[CBW_COMMAND_LENGTH] = sizeof(cdb);
	memcpy(memory + CBW_COMMAND, cdb, sizeof(cdb));
	usb_bench_td(&uhci, USB_OUT, 9, STORAGE_OUT, USB_BENCH_DATA, CBW_BYTES, 0);
	for (unsigned i = 0; i < 8; i++)
		usb_bench_td(&uhci, USB_IN, 9, STORAGE_IN, USB_BENCH_DATA + 64 * i, 64,
			     UHCI_TD_SHORT);
	td = usb_bench_td(&uhci, USB_IN, 9, STORAGE_IN, USB_BENCH_DATA + 1024, CSW_BYTES,
			  UHCI_TD_SHORT | UHCI_TD_INTERRUPT);
	usb_bench_go(&uhci);
	usb_bench_frames(&uhci, 32);
	assert_true(usb_bench_word(&uhci, td + 4) & UHCI_TD_ACTIVE);
	fake_block_complete_all(bench.disk);
	/* a completion is seen in the next frame, however long the bus was quiet */
	usb_bench_frames(&uhci, 2);
	assert_false(usb_bench_word(&uhci, td + 4) & UHCI_TD_ACTIVE);
	assert_int_equal(usb_bench_moved(&uhci, td), CSW_BYTES);
	assert_true(uhci.intx);
	for (unsigned i = 0; i < 512; i++)
		assert_int_equal(memory[i], storage_bench_byte(3 * 512 + i));
	/* taken out in the middle of a command */
	usb_bench_td(&uhci, USB_IN, 9, STORAGE_IN, USB_BENCH_DATA, 64, 0);
	usb_bench_go(&uhci);
	usb_port_detach(&uhci.uhci.plugs[0]);
	assert_int_equal(usb_bench_in(&uhci, UHCI_PORTSC1) &
				 (UHCI_PORT_CONNECTED | UHCI_PORT_CONNECT_CHANGE),
			 UHCI_PORT_CONNECT_CHANGE);
	usb_bench_frames(&uhci, 4);
	assert_true(usb_bench_word(&uhci, USB_BENCH_TDS + 4) & UHCI_TD_STALLED);
	usb_bench_finish(&uhci);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(says_who_it_is, set_up, tear_down),
		cmocka_unit_test_setup_teardown(says_how_large_it_is, set_up, tear_down),
		cmocka_unit_test_setup_teardown(reads_and_writes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(reads_and_writes, set_up_high, tear_down),
		cmocka_unit_test_setup_teardown(waits_for_its_image, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_cannot_be_is_refused, set_up_high, tear_down),
		cmocka_unit_test_setup_teardown(a_protected_disk_is_not_written, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_images_errors_are_told, set_up_high, tear_down),
		cmocka_unit_test_setup_teardown(a_removable_one_is_taken_out, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_cdrom_is_read, set_up_cdrom, tear_down),
		cmocka_unit_test_setup_teardown(a_medium_is_changed, set_up_cdrom, tear_down),
		cmocka_unit_test_setup_teardown(lengths_that_do_not_agree_are_told, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_host_that_ends_early_writes_nothing_half, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(wrappers_that_lie_stall, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_reset_forgets_what_is_under_way, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(packets_out_of_turn_move_nothing, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(is_saved_in_mid_transfer, set_up, tear_down),
		cmocka_unit_test_setup_teardown(impossible_state_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(on_uhci, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
