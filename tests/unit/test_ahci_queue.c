// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Native command queueing, its errors and the log by which a driver recovers; and guests that do
 * what no driver does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>

#include "tests/lib/ahci_bench.h"

enum {
	READY = ATA_DRDY | ATA_DSC,
	FAILED = READY | ATA_ERR,
	STARTED = AHCI_CMD_FRE | AHCI_CMD_ST,
	NOWHERE = 0x70000000, /* no RAM is there */
};

static int set_up(void **state)
{
	struct ahci_bench *bench = ahci_bench_create();

	ahci_start_port(bench, DISK);
	ahci_start_port(bench, CDROM);
	*state = bench;
	return 0;
}

static int tear_down(void **state)
{
	ahci_bench_destroy(*state);
	return 0;
}

static uint8_t *data_at(struct ahci_bench *bench, uint32_t offset)
{
	return bench->chip->bytes + AHCI_BENCH_DATA + offset;
}

static void queue(struct ahci_bench *bench, unsigned slot, bool write, uint64_t lba, unsigned count)
{
	ahci_prepare_queued(bench, slot, write, lba, count, 1);
	ahci_put_prd(bench, DISK, slot, 0, AHCI_BENCH_DATA + 8192 * slot, count * 512);
	ahci_issue_queued(bench, slot);
}

static void restart_port(struct ahci_bench *bench)
{
	port_write(bench, DISK, AHCI_PXIS, UINT32_MAX);
	port_write(bench, DISK, AHCI_PXCMD, AHCI_CMD_FRE);
	port_write(bench, DISK, AHCI_PXCMD, AHCI_CMD_FRE | AHCI_CMD_CLO);
	port_write(bench, DISK, AHCI_PXCMD, STARTED);
}

static void thirty_two_commands_are_under_way_at_once(void **state)
{
	struct ahci_bench *bench = *state;
	const uint8_t *bits = ahci_frame(bench, DISK, AHCI_RECEIVED_DEVICE_BITS);
	const uint8_t *setup = ahci_frame(bench, DISK, AHCI_RECEIVED_DMA_SETUP);

	for (unsigned slot = 0; slot < 32; slot++)
		queue(bench, slot, false, 16 * slot, 16);
	assert_int_equal(fake_block_waiting(bench->disk), 32);
	assert_int_equal(port_read(bench, DISK, AHCI_PXCI), 0);
	assert_int_equal(port_read(bench, DISK, AHCI_PXSACT), UINT32_MAX);
	assert_int_equal(port_read(bench, DISK, AHCI_PXTFD), READY);
	assert_int_equal(port_read(bench, DISK, AHCI_PXIS), 0);
	assert_int_equal(setup[FIS_TYPE], FIS_DMA_SETUP);
	assert_int_equal(setup[FIS_FLAGS], FIS_TO_HOST);
	assert_int_equal(setup[FIS_DMA_TAG], 31);
	assert_int_equal(load_le32(setup + FIS_DMA_BYTES), 8192);
	for (unsigned slot = 0; slot < 32; slot++) {
		fake_block_complete(bench->disk);
		assert_int_equal(bits[FIS_TYPE], FIS_DEVICE_BITS);
		assert_int_equal(bits[FIS_STATUS], READY);
		assert_int_equal(load_le32(bits + FIS_ACTIVE), BIT(slot));
		assert_int_equal(port_read(bench, DISK, AHCI_PXSACT),
				 ~(uint32_t)(BIT64(slot + 1) - 1));
		assert_int_equal(port_read(bench, DISK, AHCI_PXIS), AHCI_IS_SDBS);
		assert_true(ahci_holds_disk(bench, AHCI_BENCH_DATA + 8192 * slot,
					    (size_t)16 * slot * 512, 8192));
	}
	assert_true(bench->intx);
}

static void queued_writes_are_flushed_if_they_must(void **state)
{
	struct ahci_bench *bench = *state;
	uint8_t *fis;

	memset(data_at(bench, 0), 0x3c, 8192);
	queue(bench, 0, true, 50, 16);
	ahci_bench_settle(bench);
	assert_int_equal(fake_block_bytes(bench->disk)[50 * 512], 0x3c);
	assert_int_equal(fake_block_bytes(bench->disk)[66 * 512 - 1], 0x3c);
	assert_int_equal(fake_block_flushes(bench->disk), 0);
	fis = ahci_prepare_queued(bench, 0, true, 80, 1, 1);
	fis[FIS_DEVICE] |= FIS_FUA;
	ahci_issue_queued(bench, 0);
	fake_block_complete(bench->disk);
	assert_int_equal(port_read(bench, DISK, AHCI_PXSACT), 1);
	ahci_bench_settle(bench);
	assert_int_equal(port_read(bench, DISK, AHCI_PXSACT), 0);
	assert_int_equal(fake_block_flushes(bench->disk), 1);
	/* Without a write cache every write. */
	fis = ahci_prepare(bench, DISK, 1, ATA_CMD_SET_FEATURES, 0, 0, 0);
	fis[FIS_FEATURES] = ATA_FEATURE_WRITE_CACHE_OFF;
	ahci_issue(bench, DISK, 1);
	ahci_bench_settle(bench);
	queue(bench, 0, true, 50, 16);
	ahci_bench_settle(bench);
	assert_int_equal(fake_block_flushes(bench->disk), 3);
}

static void a_simple_command_waits_for_the_queue(void **state)
{
	struct ahci_bench *bench = *state;

	queue(bench, 0, true, 0, 16);
	queue(bench, 1, true, 16, 16);
	ahci_prepare(bench, DISK, 2, ATA_CMD_FLUSH_CACHE_EXT, 0, 0, 0);
	ahci_issue(bench, DISK, 2);
	fake_block_complete(bench->disk);
	assert_int_equal(port_read(bench, DISK, AHCI_PXCI), 4);
	assert_int_equal(fake_block_started(bench->disk), 2);
	fake_block_complete(bench->disk);
	assert_int_equal(fake_block_started(bench->disk), 3);
	/* And the queue for it. */
	queue(bench, 3, false, 0, 16);
	assert_int_equal(port_read(bench, DISK, AHCI_PXCI), 4 | 8);
	assert_int_equal(fake_block_started(bench->disk), 3);
	ahci_bench_settle(bench);
	assert_int_equal(port_read(bench, DISK, AHCI_PXCI), 0);
	assert_int_equal(port_read(bench, DISK, AHCI_PXSACT), 0);
	assert_int_equal(fake_block_started(bench->disk), 4);
}

static void long_tables_take_several_requests(void **state)
{
	struct ahci_bench *bench = *state;
	uint8_t *prdt = bench->chip->bytes + 0x80000;

	ahci_prepare_queued(bench, 0, false, 0, 600, 600);
	store_le64(ahci_header(bench, DISK, 0) + AHCI_HEADER_CTBA, 0x80000 - AHCI_TABLE_PRDT);
	memcpy(prdt - AHCI_TABLE_PRDT, ahci_table(bench, DISK, 0), AHCI_TABLE_PRDT);
	for (unsigned i = 0; i < 600; i++) {
		store_le64(prdt + i * 16, AHCI_BENCH_DATA + 512 * (i % 300));
		store_le32(prdt + i * 16 + 8, 0);
		store_le32(prdt + i * 16 + 12, 511);
	}
	ahci_issue_queued(bench, 0);
	ahci_bench_settle(bench);
	assert_int_equal(fake_block_started(bench->disk), 3);
	assert_int_equal(port_read(bench, DISK, AHCI_PXSACT), 0);
	assert_true(ahci_holds_disk(bench, AHCI_BENCH_DATA, 300 * 512, 300 * 512));
}

/** The log by READ LOG EXT in slot 31. */
static const uint8_t *read_queue_log(struct ahci_bench *bench)
{
	ahci_prepare(bench, DISK, 31, ATA_CMD_READ_LOG_EXT, ATA_LOG_QUEUE_ERROR, 1, 1);
	ahci_put_prd(bench, DISK, 31, 0, 0x90000, 512);
	ahci_issue(bench, DISK, 31);
	assert_int_equal(port_read(bench, DISK, AHCI_PXCI), 0);
	return bench->chip->bytes + 0x90000;
}

static void a_failed_queue_goes_on_after_its_log(void **state)
{
	struct ahci_bench *bench = *state;
	const uint8_t *bits = ahci_frame(bench, DISK, AHCI_RECEIVED_DEVICE_BITS), *log;
	unsigned sum = 0;

	queue(bench, 4, false, 64, 16);
	queue(bench, 5, false, 0x123, 16);
	queue(bench, 6, false, 96, 16);
	fake_block_complete(bench->disk);
	fake_block_fail(bench->disk, -EIO, 1);
	ahci_bench_settle(bench);
	assert_int_equal(port_read(bench, DISK, AHCI_PXIS), AHCI_IS_SDBS | AHCI_IS_TFES);
	assert_int_equal(port_read(bench, DISK, AHCI_PXTFD), (uint32_t)ATA_UNC << 8 | FAILED);
	assert_int_equal(load_le32(bits + FIS_ACTIVE), 0);
	/* Nobody hears of the third, though it had been read. */
	assert_int_equal(port_read(bench, DISK, AHCI_PXSACT), BIT(5) | BIT(6));
	restart_port(bench);
	assert_int_equal(port_read(bench, DISK, AHCI_PXSACT), 0);
	/* Until the log is read, the drive refuses. */
	queue(bench, 6, false, 96, 16);
	assert_int_equal(port_read(bench, DISK, AHCI_PXTFD), (uint32_t)ATA_ABRT << 8 | FAILED);
	assert_true(port_read(bench, DISK, AHCI_PXIS) & AHCI_IS_TFES);
	restart_port(bench);
	log = read_queue_log(bench);
	assert_int_equal(log[ATA_QUEUE_LOG_TAG], 6);
	for (unsigned i = 0; i < 512; i++)
		sum += log[i];
	assert_int_equal(sum & 0xff, 0);
	queue(bench, 6, false, 96, 16);
	ahci_bench_settle(bench);
	assert_int_equal(port_read(bench, DISK, AHCI_PXSACT), 0);
	assert_int_equal(read_queue_log(bench)[ATA_QUEUE_LOG_TAG], 0x80);
}

static void the_log_names_the_command(void **state)
{
	struct ahci_bench *bench = *state;
	const uint8_t *log;

	fake_block_fail(bench->disk, -ENOSPC, 1);
	queue(bench, 9, true, 0x321, 16);
	ahci_bench_settle(bench);
	restart_port(bench);
	log = read_queue_log(bench);
	assert_int_equal(log[ATA_QUEUE_LOG_TAG], 9);
	assert_int_equal(log[ATA_QUEUE_LOG_STATUS], FAILED);
	assert_int_equal(log[ATA_QUEUE_LOG_ERROR], ATA_ABRT);
	assert_int_equal(load_le(log + ATA_QUEUE_LOG_LBA_LOW, 3), 0x321);
	/* A page that is not there, a log that is not there, the directory. */
	ahci_read(bench, ATA_CMD_READ_LOG_EXT, 0x110, 1);
	assert_int_equal(port_read(bench, DISK, AHCI_PXTFD) & 0xff, FAILED);
	restart_port(bench);
	ahci_read(bench, ATA_CMD_READ_LOG_EXT, 0x30, 1);
	assert_int_equal(port_read(bench, DISK, AHCI_PXTFD) & 0xff, FAILED);
	restart_port(bench);
	ahci_read(bench, ATA_CMD_READ_LOG_EXT, ATA_LOG_DIRECTORY, 1);
	assert_int_equal(load_le16(data_at(bench, 0)), 1);
	assert_int_equal(load_le16(data_at(bench, 0x20)), 1);
	assert_int_equal(load_le16(data_at(bench, 0x60)), 0);
}

static void stopping_the_port_waits_for_the_queue(void **state)
{
	struct ahci_bench *bench = *state;

	for (unsigned slot = 0; slot < 8; slot++)
		queue(bench, slot, false, 16 * slot, 16);
	port_write(bench, DISK, AHCI_PXCMD, AHCI_CMD_FRE);
	assert_int_equal(fake_block_waiting(bench->disk), 0);
	assert_int_equal(port_read(bench, DISK, AHCI_PXSACT), 0);
	assert_int_equal(port_read(bench, DISK, AHCI_PXIS), 0);
	/* Nothing arrives late in memory that is the guest's again. */
	memset(data_at(bench, 0), 0, 8192);
	ahci_bench_settle(bench);
	assert_int_equal(*data_at(bench, 1), 0);
}

/* Held by werror=stop, then reset: cancelled, and never done later. */
static void a_reset_drops_held_requests(void **state)
{
	struct ahci_bench *bench = *state;

	fake_block_hold(bench->disk, true);
	memset(data_at(bench, 0), 0x99, 8192);
	queue(bench, 0, true, 0, 16);
	port_write(bench, DISK, AHCI_PXSCTL, 1);
	port_write(bench, DISK, AHCI_PXSCTL, 0);
	fake_block_hold(bench->disk, false);
	block_retry(bench->disk);
	ahci_bench_settle(bench);
	assert_int_equal(fake_block_bytes(bench->disk)[0], ide_bench_disk_byte(0));
}

/* Guests that do what no driver does. */

static void lists_and_tables_outside_of_memory_are_bus_errors(void **state)
{
	struct ahci_bench *bench = *state;

	for (unsigned i = 0; i < 3; i++) {
		ahci_start_port(bench, DISK);
		ahci_prepare(bench, DISK, 0, ATA_CMD_READ_DMA_EXT, 0, 1, 1);
		ahci_put_prd(bench, DISK, 0, 0, AHCI_BENCH_DATA, 512);
		if (i == 0)
			port_write(bench, DISK, AHCI_PXCLB, NOWHERE);
		else if (i == 1)
			port_write(bench, DISK, AHCI_PXCLBU, 0xffffffff);
		else
			store_le64(ahci_header(bench, DISK, 0) + AHCI_HEADER_CTBA,
				   UINT64_MAX & ~UINT64_C(127));
		ahci_issue(bench, DISK, 0);
		assert_true(port_read(bench, DISK, AHCI_PXIS) & AHCI_IS_HBFS);
		assert_int_equal(fake_block_started(bench->disk), 0);
		assert_int_equal(port_read(bench, DISK, AHCI_PXCI), 1);
		port_write(bench, DISK, AHCI_PXCLBU, 0);
		port_write(bench, DISK, AHCI_PXCMD, 0);
	}
	ahci_start_port(bench, DISK);
	ahci_read(bench, ATA_CMD_READ_DMA_EXT, 0, 1);
	assert_true(ahci_holds_disk(bench, AHCI_BENCH_DATA, 0, 512));
}

static void frames_outside_of_memory_are_bus_errors(void **state)
{
	struct ahci_bench *bench = *state;

	port_write(bench, DISK, AHCI_PXFB, NOWHERE);
	ahci_read(bench, ATA_CMD_READ_DMA_EXT, 0, 1);
	assert_true(port_read(bench, DISK, AHCI_PXIS) & AHCI_IS_HBFS);
}

/* FIELD bug 6: a table that leads nowhere, or nowhere far enough, ends the command. */
static void data_outside_of_memory_fail_the_command(void **state)
{
	static const uint64_t places[] = { NOWHERE, AHCI_BENCH_BASE, UINT64_MAX - 100,
					   BENCH_RAM_BYTES - 256 };
	struct ahci_bench *bench = *state;

	for (unsigned i = 0; i < 2 * ARRAY_SIZE(places); i++) {
		bool queued = i & 1;

		if (queued)
			ahci_prepare_queued(bench, 0, false, 0, 1, 1);
		else
			ahci_prepare(bench, DISK, 0, ATA_CMD_READ_DMA_EXT, 0, 1, 1);
		ahci_put_prd(bench, DISK, 0, 0, places[i / 2], 512);
		if (queued)
			ahci_issue_queued(bench, 0);
		else
			ahci_issue(bench, DISK, 0);
		ahci_bench_settle(bench);
		assert_int_equal(fake_block_started(bench->disk), 0);
		assert_true(port_read(bench, DISK, AHCI_PXIS) & AHCI_IS_TFES);
		assert_true(port_read(bench, DISK, AHCI_PXIS) & AHCI_IS_HBDS);
		restart_port(bench);
		read_queue_log(bench);
	}
}

/* CVE-2014-9718's kin: descriptors by the thousand that hold a byte each, and none at all. */
static void endless_tables_of_nothing_end(void **state)
{
	struct ahci_bench *bench = *state;
	uint8_t *prdt = bench->chip->bytes + 0x80000;

	for (unsigned i = 0; i < 4096; i++) {
		store_le64(prdt + i * 16, AHCI_BENCH_DATA);
		store_le64(prdt + i * 16 + 8, 0);
	}
	for (unsigned i = 0; i < 3; i++) {
		ahci_prepare(bench, DISK, 0, i ? ATA_CMD_READ_DMA_EXT : ATA_CMD_IDENTIFY, 0, 8,
			     i == 2 ? 0 : 4096);
		memcpy(prdt - AHCI_TABLE_PRDT, ahci_table(bench, DISK, 0), AHCI_TABLE_PRDT);
		store_le64(ahci_header(bench, DISK, 0) + AHCI_HEADER_CTBA,
			   0x80000 - AHCI_TABLE_PRDT);
		ahci_issue(bench, DISK, 0);
		ahci_bench_settle(bench);
		assert_int_equal(port_read(bench, DISK, AHCI_PXTFD) & 0xff, i ? FAILED : READY);
		restart_port(bench);
	}
}

static void commands_rewritten_under_way_stay_what_they_were(void **state)
{
	struct ahci_bench *bench = *state;

	memset(data_at(bench, 0), 0x66, 512);
	ahci_prepare(bench, DISK, 0, ATA_CMD_WRITE_DMA_EXT, 5, 1, 1);
	ahci_put_prd(bench, DISK, 0, 0, AHCI_BENCH_DATA, 512);
	ahci_issue(bench, DISK, 0);
	ahci_prepare(bench, DISK, 0, ATA_CMD_WRITE_DMA_EXT, 900, 200, 1);
	ahci_put_prd(bench, DISK, 0, 0, NOWHERE, 512);
	/* Issued again while it runs: it is issued already. */
	ahci_issue(bench, DISK, 0);
	ahci_bench_settle(bench);
	assert_int_equal(port_read(bench, DISK, AHCI_PXCI), 0);
	assert_int_equal(fake_block_started(bench->disk), 1);
	assert_int_equal(fake_block_bytes(bench->disk)[5 * 512], 0x66);
	assert_int_equal(fake_block_bytes(bench->disk)[900 * 512], ide_bench_disk_byte(900 * 512));
}

static void a_queued_slot_issued_again_is_refused(void **state)
{
	struct ahci_bench *bench = *state;

	queue(bench, 3, false, 0, 16);
	ahci_issue_queued(bench, 3);
	assert_true(port_read(bench, DISK, AHCI_PXIS) & AHCI_IS_TFES);
	assert_int_equal(fake_block_started(bench->disk), 1);
	ahci_bench_settle(bench);
	restart_port(bench);
	read_queue_log(bench);
	queue(bench, 3, false, 0, 16);
	ahci_bench_settle(bench);
	assert_int_equal(port_read(bench, DISK, AHCI_PXSACT), 0);
}

static void wrong_queued_commands_are_refused(void **state)
{
	struct ahci_bench *bench = *state;
	uint8_t *fis;

	for (unsigned i = 0; i < 4; i++) {
		fis = ahci_prepare_queued(bench, 7, i == 3, i == 1 ? IDE_BENCH_DISK_SECTORS : 0,
					  i == 2 ? 0 : 8, 1);
		ahci_put_prd(bench, DISK, 7, 0, AHCI_BENCH_DATA, 4096);
		if (i == 0)
			fis[FIS_COUNT] = 6 << FIS_TAG_SHIFT;
		fake_block_set_read_only(bench->disk, i == 3);
		ahci_issue_queued(bench, 7);
		assert_true(port_read(bench, DISK, AHCI_PXIS) & AHCI_IS_TFES);
		assert_int_equal(fake_block_started(bench->disk), 0);
		restart_port(bench);
		read_queue_log(bench);
	}
	/* A CD-ROM has no queue. */
	fis = ahci_prepare(bench, CDROM, 0, ATA_CMD_READ_FPDMA_QUEUED, 0, 0, 0);
	fis[FIS_FEATURES] = 1;
	ahci_issue(bench, CDROM, 0);
	assert_true(port_read(bench, CDROM, AHCI_PXTFD) & ATA_ERR);
}

/* Re-entrancy: the adapter's own structures as its data; a list that the data overwrite. */
static void data_over_the_adapters_own_structures_do_no_harm(void **state)
{
	static const uint32_t places[] = { AHCI_BENCH_LIST, AHCI_BENCH_FRAMES, AHCI_BENCH_TABLES };
	struct ahci_bench *bench = *state;

	for (unsigned i = 0; i < 2 * ARRAY_SIZE(places); i++) {
		unsigned other = 9;

		ahci_start_port(bench, DISK);
		ahci_prepare(bench, DISK, 0,
			     i & 1 ? ATA_CMD_READ_DMA_EXT : ATA_CMD_READ_SECTORS_EXT, 0, 8, 1);
		ahci_put_prd(bench, DISK, 0, 0, places[i / 2], 4096);
		ahci_prepare(bench, DISK, other, ATA_CMD_FLUSH_CACHE_EXT, 0, 0, 0);
		port_write(bench, DISK, AHCI_PXCI, 1 | BIT(other));
		ahci_bench_settle(bench);
		assert_false(port_read(bench, DISK, AHCI_PXCI) & 1);
		assert_true(bench_round_trip(&bench->ahci->device));
		port_write(bench, DISK, AHCI_PXCMD, AHCI_CMD_FRE);
		port_write(bench, DISK, AHCI_PXCMD, AHCI_CMD_FRE | AHCI_CMD_CLO);
		memset(bench->chip->bytes, 0, AHCI_BENCH_DATA);
	}
}

static void strange_frames_are_aborted(void **state)
{
	struct ahci_bench *bench = *state;
	uint8_t *fis = ahci_prepare(bench, DISK, 0, ATA_CMD_READ_DMA_EXT, 0, 1, 1);

	fis[FIS_TYPE] = FIS_DEVICE_BITS;
	ahci_issue(bench, DISK, 0);
	assert_int_equal(port_read(bench, DISK, AHCI_PXTFD), (uint32_t)ATA_ABRT << 8 | FAILED);
}

#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_BENCH(thirty_two_commands_are_under_way_at_once),
		WITH_BENCH(queued_writes_are_flushed_if_they_must),
		WITH_BENCH(a_simple_command_waits_for_the_queue),
		WITH_BENCH(long_tables_take_several_requests),
		WITH_BENCH(a_failed_queue_goes_on_after_its_log),
		WITH_BENCH(the_log_names_the_command),
		WITH_BENCH(stopping_the_port_waits_for_the_queue),
		WITH_BENCH(a_reset_drops_held_requests),
		WITH_BENCH(lists_and_tables_outside_of_memory_are_bus_errors),
		WITH_BENCH(frames_outside_of_memory_are_bus_errors),
		WITH_BENCH(data_outside_of_memory_fail_the_command),
		WITH_BENCH(endless_tables_of_nothing_end),
		WITH_BENCH(commands_rewritten_under_way_stay_what_they_were),
		WITH_BENCH(a_queued_slot_issued_again_is_refused),
		WITH_BENCH(wrong_queued_commands_are_refused),
		WITH_BENCH(data_over_the_adapters_own_structures_do_no_harm),
		WITH_BENCH(strange_frames_are_aborted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
