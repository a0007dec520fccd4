// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bus master DMA: the three outcomes of a PRD table, odd tables, stops and resets on the way,
 * errors of host and memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>

#include "tests/lib/ide_bench.h"

enum {
	READY = ATA_DRDY | ATA_DSC,
	FAILED = READY | ATA_ERR,
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

static uint8_t *ram_at(struct ide_bench *bench, uint32_t gpa)
{
	return bench->chip->bytes + gpa;
}

static void assert_disk_bytes(const uint8_t *data, size_t position, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		assert_int_equal(data[i], ide_bench_disk_byte(position + i));
}

/** One READ DMA from start to end; the bus master's status. */
static uint8_t read_dma(struct ide_bench *bench, uint32_t lba, unsigned sectors)
{
	bm_prepare(bench, BM_PRIMARY);
	ata_command_28(bench, PRIMARY, 0, ATA_CMD_READ_DMA, lba, sectors);
	bm_start(bench, BM_PRIMARY, true);
	ide_bench_settle(bench);
	return in8(bench, BM_PRIMARY + BMDMA_STATUS);
}

static void reads_straight_into_memory(void **state)
{
	struct ide_bench *bench = *state;

	put_prd(bench, 0, BENCH_DATA, 4096, true);
	bm_prepare(bench, BM_PRIMARY);
	ata_command_28(bench, PRIMARY, 0, ATA_CMD_READ_DMA, 33, 8);
	assert_true(in8(bench, PRIMARY_CONTROL) & ATA_BSY);
	assert_int_equal(fake_block_waiting(bench->disk), 0);
	bm_start(bench, BM_PRIMARY, true);
	assert_int_equal(in8(bench, BM_PRIMARY + BMDMA_STATUS), BMDMA_ACTIVE);
	ide_bench_settle(bench);
	assert_int_equal(in8(bench, BM_PRIMARY + BMDMA_STATUS), BMDMA_INTERRUPT);
	assert_true(irq_is_up(bench, PRIMARY_IRQ));
	assert_int_equal(in8(bench, PRIMARY + ATA_STATUS), READY);
	assert_false(irq_is_up(bench, PRIMARY_IRQ));
	assert_disk_bytes(ram_at(bench, BENCH_DATA), 33 * 512, 4096);
	assert_int_equal(fake_block_started(bench->disk), 1);
	/* The bit stays until it is cleared by a one. */
	assert_int_equal(in8(bench, BM_PRIMARY + BMDMA_STATUS), BMDMA_INTERRUPT);
	out8(bench, BM_PRIMARY + BMDMA_STATUS, BMDMA_INTERRUPT | 0x20);
	assert_int_equal(in8(bench, BM_PRIMARY + BMDMA_STATUS), 0x20);
}

static void start_may_come_before_the_command(void **state)
{
	struct ide_bench *bench = *state;

	put_prd(bench, 0, BENCH_DATA, 512, true);
	bm_prepare(bench, BM_PRIMARY);
	bm_start(bench, BM_PRIMARY, true);
	ata_command_28(bench, PRIMARY, 0, ATA_CMD_READ_DMA, 1, 1);
	ide_bench_settle(bench);
	assert_int_equal(in8(bench, BM_PRIMARY + BMDMA_STATUS), BMDMA_INTERRUPT);
	assert_disk_bytes(ram_at(bench, BENCH_DATA), 512, 512);
}

static void writes_come_straight_from_memory(void **state)
{
	struct ide_bench *bench = *state;

	memset(ram_at(bench, BENCH_DATA), 0x77, 1000);
	memset(ram_at(bench, BENCH_DATA + 0x5000), 0x88, 24);
	put_prd(bench, 0, BENCH_DATA, 1000, false);
	put_prd(bench, 1, BENCH_DATA + 0x5000, 24, true);
	bm_prepare(bench, BM_PRIMARY);
	ata_command_48(bench, PRIMARY, ATA_CMD_WRITE_DMA_EXT, 100, 2);
	bm_start(bench, BM_PRIMARY, false);
	assert_int_equal(fake_block_last_pieces(bench->disk), 2);
	ide_bench_settle(bench);
	assert_int_equal(in8(bench, BM_PRIMARY + BMDMA_STATUS), BMDMA_INTERRUPT);
	assert_int_equal(fake_block_bytes(bench->disk)[100 * 512 + 999], 0x77);
	assert_int_equal(fake_block_bytes(bench->disk)[100 * 512 + 1000], 0x88);
	assert_int_equal(fake_block_bytes(bench->disk)[102 * 512], ide_bench_disk_byte(102 * 512));
}

static void fua_writes_are_flushed(void **state)
{
	struct ide_bench *bench = *state;

	put_prd(bench, 0, BENCH_DATA, 512, true);
	bm_prepare(bench, BM_PRIMARY);
	ata_command_48(bench, PRIMARY, ATA_CMD_WRITE_DMA_FUA_EXT, 100, 1);
	bm_start(bench, BM_PRIMARY, false);
	assert_true(fake_block_complete(bench->disk));
	assert_false(irq_is_up(bench, PRIMARY_IRQ));
	ide_bench_settle(bench);
	assert_true(irq_is_up(bench, PRIMARY_IRQ));
	assert_int_equal(fake_block_flushes(bench->disk), 1);
}

/* PIIX3 data sheet, 2.3.6.2: interrupt and active after a table that is shorter, equal, longer. */
static void table_and_transfer_sizes_have_three_outcomes(void **state)
{
	struct ide_bench *bench = *state;

	for (unsigned sectors = 1; sectors <= 256; sectors *= 2) {
		for (unsigned count = 0; count < 65536; count += 512) {
			unsigned region = count ? count : 65536;
			uint8_t expected = region < sectors * 512 ? 0
					   : region == sectors * 512
						   ? BMDMA_INTERRUPT
						   : BMDMA_INTERRUPT | BMDMA_ACTIVE;

			put_prd(bench, 0, BENCH_DATA, count, true);
			assert_int_equal(read_dma(bench, 0, sectors), expected);
			assert_int_equal(irq_is_up(bench, PRIMARY_IRQ), expected != 0);
			assert_int_equal(in8(bench, PRIMARY + ATA_STATUS), READY);
		}
	}
}

/* FIELD bug 6: a table with less than a sector is retried for ever. FIELD bug 7: a total that is no
 * multiple of 512 asserts. */
static void tables_without_a_whole_sector_end(void **state)
{
	struct ide_bench *bench = *state;
	static const unsigned counts[] = { 2, 16, 510, 0x1ff };

	for (unsigned i = 0; i < ARRAY_SIZE(counts); i++) {
		put_prd(bench, 0, BENCH_DATA, counts[i], true);
		assert_int_equal(read_dma(bench, 0, 1), 0);
		assert_int_equal(in8(bench, PRIMARY + ATA_STATUS), READY);
	}
	assert_int_equal(fake_block_started(bench->disk), 0);
	put_prd(bench, 0, BENCH_DATA, 1022, true);
	assert_int_equal(read_dma(bench, 5, 4), 0);
	assert_disk_bytes(ram_at(bench, BENCH_DATA), 5 * 512, 512);
	assert_int_equal(fake_block_last_bytes(bench->disk), 512);
}

static void many_small_regions_go_in_several_requests(void **state)
{
	struct ide_bench *bench = *state;
	unsigned at = BENCH_DATA;

	/* 2048 regions of 6 bytes are 12288 bytes: 24 sectors, 1536 bytes a vector. */
	for (unsigned i = 0; i < 2048; i++, at += 8)
		put_prd(bench, i, at, 6, i == 2047);
	assert_int_equal(read_dma(bench, 64, 24), BMDMA_INTERRUPT);
	assert_int_equal(in8(bench, PRIMARY + ATA_STATUS), READY);
	assert_true(fake_block_started(bench->disk) >= 8);
	for (unsigned i = 0; i < 2048; i++)
		assert_disk_bytes(ram_at(bench, BENCH_DATA + 8 * i), 64 * 512 + 6 * i, 6);
}

static void vectors_that_end_within_a_sector_give_the_rest_back(void **state)
{
	struct ide_bench *bench = *state;

	/* A full vector is 4 + 255 * 102 bytes: the last 414 of them belong to a sector that is not
	 * whole. */
	for (unsigned i = 0; i < 300; i++)
		put_prd(bench, i, BENCH_DATA + 128 * i, i ? 102 : 4, i == 299);
	assert_int_equal(read_dma(bench, 0, 59), BMDMA_INTERRUPT | BMDMA_ACTIVE);
	assert_int_equal(fake_block_started(bench->disk), 2);
	assert_int_equal(fake_block_last_bytes(bench->disk), (59 - 50) * 512);
	assert_disk_bytes(ram_at(bench, BENCH_DATA), 0, 4);
	for (unsigned i = 1; i < 297; i++)
		assert_disk_bytes(ram_at(bench, BENCH_DATA + 128 * i), 4 + 102 * (i - 1), 102);
}

static void memory_that_is_not_there_is_an_error(void **state)
{
	struct ide_bench *bench = *state;

	put_prd(bench, 0, BENCH_RAM_BYTES + 0x1000, 512, true);
	assert_int_equal(read_dma(bench, 0, 1), BMDMA_ERROR | BMDMA_INTERRUPT);
	assert_int_equal(in8(bench, PRIMARY + ATA_STATUS), FAILED);
	assert_int_equal(in8(bench, PRIMARY + ATA_ERROR), ATA_ABRT);
	assert_int_equal(fake_block_started(bench->disk), 0);

	bm_prepare(bench, BM_PRIMARY);
	bench_out32(bench->chip, BM_PRIMARY + BMDMA_PRDT, 0xfffffffc);
	ata_command_28(bench, PRIMARY, 0, ATA_CMD_WRITE_DMA, 0, 1);
	bm_start(bench, BM_PRIMARY, false);
	assert_int_equal(in8(bench, BM_PRIMARY + BMDMA_STATUS), BMDMA_ERROR | BMDMA_INTERRUPT);
	assert_int_equal(fake_block_started(bench->disk), 0);
}

static void host_errors_end_the_transfer(void **state)
{
	struct ide_bench *bench = *state;

	put_prd(bench, 0, BENCH_DATA, 512, true);
	fake_block_fail(bench->disk, -EIO, 1);
	assert_int_equal(read_dma(bench, 0x234, 1), BMDMA_INTERRUPT);
	assert_int_equal(in8(bench, PRIMARY + ATA_STATUS), FAILED);
	assert_int_equal(in8(bench, PRIMARY + ATA_ERROR), ATA_UNC);
	assert_int_equal(in8(bench, PRIMARY + ATA_LBA_LOW), 0x34);
	assert_int_equal(in8(bench, PRIMARY + ATA_LBA_MID), 0x02);
}

static void stop_waits_for_what_is_on_its_way(void **state)
{
	struct ide_bench *bench = *state;

	put_prd(bench, 0, BENCH_DATA, 1024, true);
	bm_prepare(bench, BM_PRIMARY);
	ata_command_28(bench, PRIMARY, 0, ATA_CMD_READ_DMA, 2, 1);
	bm_start(bench, BM_PRIMARY, true);
	out8(bench, BM_PRIMARY + BMDMA_COMMAND, 0);
	assert_int_equal(fake_block_waiting(bench->disk), 0);
	assert_int_equal(in8(bench, BM_PRIMARY + BMDMA_STATUS), BMDMA_INTERRUPT);
	assert_int_equal(in8(bench, PRIMARY + ATA_STATUS), READY);
	assert_disk_bytes(ram_at(bench, BENCH_DATA), 1024, 512);
}

/* FIELD bug 8. */
static void resets_during_dma_leave_no_late_effects(void **state)
{
	struct ide_bench *bench = *state;
	uint8_t before[512];

	memcpy(before, fake_block_bytes(bench->disk), 512);
	memset(ram_at(bench, BENCH_DATA), 0x99, 512);
	put_prd(bench, 0, BENCH_DATA, 512, true);
	for (unsigned way = 0; way < 2; way++) {
		bm_prepare(bench, BM_PRIMARY);
		ata_command_28(bench, PRIMARY, 0, ATA_CMD_WRITE_DMA, 70 + way, 1);
		bm_start(bench, BM_PRIMARY, false);
		assert_int_equal(fake_block_waiting(bench->disk), 1);
		if (way == 0) {
			out8(bench, PRIMARY_CONTROL, ATA_SRST);
			out8(bench, PRIMARY_CONTROL, 0);
		} else {
			bench->ide.device.class->reset(&bench->ide);
		}
		assert_int_equal(fake_block_waiting(bench->disk), 0);
		assert_false(irq_is_up(bench, PRIMARY_IRQ));
		assert_int_equal(in8(bench, PRIMARY_CONTROL), READY);
		assert_int_equal(bench->ide.state.channels[0].bmdma.status & ~BMDMA_INTERRUPT, 0);
		assert_int_equal(fake_block_bytes(bench->disk)[(70 + way) * 512], 0x99);
	}
	assert_memory_equal(fake_block_bytes(bench->disk), before, 512);
}

static void without_bus_mastering_nothing_is_moved(void **state)
{
	struct ide_bench *bench = *state;

	bench_config_write(bench->chip, IDE_BENCH_SLOT, IDE_BENCH_FUNCTION, PCI_COMMAND,
			   PCI_COMMAND_IO, 2);
	memset(ram_at(bench, BENCH_DATA), 0x11, 512);
	put_prd(bench, 0, BENCH_DATA, 512, true);
	assert_int_equal(read_dma(bench, 0, 1), BMDMA_ACTIVE | BMDMA_INTERRUPT);
	assert_int_equal(in8(bench, PRIMARY + ATA_STATUS), READY);
	assert_int_equal(*ram_at(bench, BENCH_DATA), 0x11);
	bm_prepare(bench, BM_PRIMARY);
	ata_command_28(bench, PRIMARY, 0, ATA_CMD_WRITE_DMA, 0, 1);
	bm_start(bench, BM_PRIMARY, false);
	assert_int_equal(in8(bench, PRIMARY + ATA_STATUS), FAILED);
	assert_int_equal(fake_block_started(bench->disk), 0);
}

static void trim_checks_its_ranges(void **state)
{
	struct ide_bench *bench = *state;
	uint8_t *ranges = ram_at(bench, BENCH_DATA);

	put_prd(bench, 0, BENCH_DATA, 512, true);
	for (unsigned bad = 0; bad < 2; bad++) {
		memset(ranges, 0, 512);
		store_le64(ranges, UINT64_C(6) | UINT64_C(8) << 48);
		store_le64(ranges + 8, (uint64_t)(IDE_BENCH_DISK_SECTORS - 1) |
					       (bad ? UINT64_C(2) : UINT64_C(1)) << 48);
		bm_prepare(bench, BM_PRIMARY);
		out8(bench, PRIMARY + ATA_FEATURES, ATA_DSM_TRIM);
		ata_command_48(bench, PRIMARY, ATA_CMD_DATA_SET_MANAGEMENT, 0, 1);
		bm_start(bench, BM_PRIMARY, false);
		ide_bench_settle(bench);
		assert_int_equal(in8(bench, BM_PRIMARY + BMDMA_STATUS), BMDMA_INTERRUPT);
		assert_int_equal(in8(bench, PRIMARY + ATA_STATUS), bad ? FAILED : READY);
		/* A wrong range is found before anything is discarded. */
		assert_int_equal(fake_block_started(bench->disk), 2);
	}
	/* The high byte of the count is an old one: the low byte alone has been written since. */
	store_le64(ranges + 8, 0);
	bm_prepare(bench, BM_PRIMARY);
	out8(bench, PRIMARY + ATA_SECTOR_COUNT, 3);
	out8(bench, PRIMARY + ATA_SECTOR_COUNT, 1);
	out8(bench, PRIMARY + ATA_COMMAND, ATA_CMD_DATA_SET_MANAGEMENT);
	bm_start(bench, BM_PRIMARY, false);
	ide_bench_settle(bench);
	assert_int_equal(in8(bench, BM_PRIMARY + BMDMA_STATUS), BMDMA_INTERRUPT);
	assert_int_equal(in8(bench, PRIMARY + ATA_STATUS), READY);
	out8(bench, PRIMARY + ATA_SECTOR_COUNT, 9);
	out8(bench, PRIMARY + ATA_COMMAND, ATA_CMD_DATA_SET_MANAGEMENT);
	assert_int_equal(in8(bench, PRIMARY + ATA_STATUS), FAILED);
}

static void start_trim(struct ide_bench *bench, const uint64_t (*ranges)[2], unsigned count)
{
	uint8_t *memory = ram_at(bench, BENCH_DATA);

	memset(memory, 0, 512);
	for (unsigned i = 0; i < count; i++)
		store_le64(memory + 8 * i, ranges[i][0] | ranges[i][1] << 48);
	put_prd(bench, 0, BENCH_DATA, 512, true);
	bm_prepare(bench, BM_PRIMARY);
	out8(bench, PRIMARY + ATA_FEATURES, ATA_DSM_TRIM);
	ata_command_48(bench, PRIMARY, ATA_CMD_DATA_SET_MANAGEMENT, 0, 1);
	bm_start(bench, BM_PRIMARY, false);
}

static void trim_discards_ranges_that_follow_one_another_as_one(void **state)
{
	struct ide_bench *bench = *state;
	static const uint64_t ranges[][2] = {
		{ 8, 100 }, { 108, 20 }, { 0, 0 }, { 128, 1 }, { 1000, 2 }, { 10, 1 },
	};
	const uint8_t *bytes = fake_block_bytes(bench->disk);

	start_trim(bench, ranges, ARRAY_SIZE(ranges));
	assert_int_equal(fake_block_started(bench->disk), 1);
	assert_int_equal(fake_block_last_bytes(bench->disk), 121 * 512);
	assert_true(in8(bench, PRIMARY_CONTROL) & ATA_BSY);
	ide_bench_settle(bench);
	assert_int_equal(fake_block_started(bench->disk), 3);
	assert_int_equal(in8(bench, PRIMARY + ATA_STATUS), READY);
	for (size_t i = 0; i < 1010; i++) {
		bool gone = (i >= 8 && i < 129) || i == 1000 || i == 1001;

		assert_int_equal(bytes[i * 512], gone ? 0 : ide_bench_disk_byte(i * 512));
	}
}

static void a_failed_trim_says_where(void **state)
{
	struct ide_bench *bench = *state;
	static const uint64_t ranges[][2] = { { 8, 1 }, { 77, 1 }, { 200, 1 } };

	start_trim(bench, ranges, ARRAY_SIZE(ranges));
	assert_true(fake_block_complete(bench->disk));
	fake_block_fail(bench->disk, -EIO, 1);
	ide_bench_settle(bench);
	assert_int_equal(in8(bench, PRIMARY + ATA_STATUS), FAILED);
	assert_int_equal(in8(bench, PRIMARY + ATA_LBA_LOW), 77);
	assert_int_equal(fake_block_started(bench->disk), 2);
}

static void a_reset_ends_a_trim(void **state)
{
	struct ide_bench *bench = *state;
	static const uint64_t ranges[][2] = { { 8, 1 }, { 77, 1 } };

	start_trim(bench, ranges, ARRAY_SIZE(ranges));
	out8(bench, PRIMARY_CONTROL, ATA_SRST);
	out8(bench, PRIMARY_CONTROL, 0);
	ide_bench_settle(bench);
	assert_int_equal(fake_block_started(bench->disk), 1);
	assert_int_equal(in8(bench, PRIMARY + ATA_ERROR), ATA_DIAGNOSTIC_PASSED);
}

static void a_stopped_transfer_of_several_requests_goes_on_with_the_next_start(void **state)
{
	struct ide_bench *bench = *state;

	for (unsigned i = 0; i < 512; i++)
		put_prd(bench, i, BENCH_DATA + 512 * i, 512, i == 511);
	bm_prepare(bench, BM_PRIMARY);
	ata_command_48(bench, PRIMARY, ATA_CMD_READ_DMA_EXT, 0, 512);
	bm_start(bench, BM_PRIMARY, true);
	out8(bench, BM_PRIMARY + BMDMA_COMMAND, 0);
	assert_int_equal(in8(bench, BM_PRIMARY + BMDMA_STATUS), 0);
	assert_true(in8(bench, PRIMARY_CONTROL) & ATA_BSY);
	bm_start(bench, BM_PRIMARY, true);
	ide_bench_settle(bench);
	assert_int_equal(in8(bench, PRIMARY + ATA_STATUS), READY);
	assert_disk_bytes(ram_at(bench, BENCH_DATA), 256 * 512, 512);
}

int main(void)
{
#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH_BENCH(reads_straight_into_memory),
		WITH_BENCH(start_may_come_before_the_command),
		WITH_BENCH(writes_come_straight_from_memory),
		WITH_BENCH(fua_writes_are_flushed),
		WITH_BENCH(table_and_transfer_sizes_have_three_outcomes),
		WITH_BENCH(tables_without_a_whole_sector_end),
		WITH_BENCH(many_small_regions_go_in_several_requests),
		WITH_BENCH(vectors_that_end_within_a_sector_give_the_rest_back),
		WITH_BENCH(memory_that_is_not_there_is_an_error),
		WITH_BENCH(host_errors_end_the_transfer),
		WITH_BENCH(stop_waits_for_what_is_on_its_way),
		WITH_BENCH(resets_during_dma_leave_no_late_effects),
		WITH_BENCH(without_bus_mastering_nothing_is_moved),
		WITH_BENCH(trim_checks_its_ranges),
		WITH_BENCH(trim_discards_ranges_that_follow_one_another_as_one),
		WITH_BENCH(a_failed_trim_says_where),
		WITH_BENCH(a_reset_ends_a_trim),
		WITH_BENCH(a_stopped_transfer_of_several_requests_goes_on_with_the_next_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
