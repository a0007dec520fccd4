// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ATA disks by PIO: registers, selection, interrupts, resets, and every command that moves no data
 * by bus master.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>

#include "hw/ide/ata.h"
#include "tests/lib/ide_bench.h"

enum {
	READY = ATA_DRDY | ATA_DSC,
	DATA = READY | ATA_DRQ,
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

static uint8_t status_of(struct ide_bench *bench)
{
	return in8(bench, PRIMARY + ATA_STATUS);
}

static void simple_command(struct ide_bench *bench, uint8_t opcode, uint8_t features, uint8_t count)
{
	out8(bench, PRIMARY + ATA_DEVICE, 0xa0);
	out8(bench, PRIMARY + ATA_FEATURES, features);
	out8(bench, PRIMARY + ATA_SECTOR_COUNT, count);
	out8(bench, PRIMARY + ATA_COMMAND, opcode);
	ide_bench_settle(bench);
}

static void assert_disk_bytes(const uint8_t *data, size_t position, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		assert_int_equal(data[i], ide_bench_disk_byte(position + i));
}

static void identify(struct ide_bench *bench, uint16_t words[256])
{
	simple_command(bench, ATA_CMD_IDENTIFY, 0, 0);
	assert_int_equal(status_of(bench), DATA);
	for (unsigned i = 0; i < 256; i++)
		words[i] = in16(bench, PRIMARY);
	assert_int_equal(status_of(bench), READY);
}

static void power_on_shows_the_disk_signature(void **state)
{
	struct ide_bench *bench = *state;

	assert_int_equal(in8(bench, PRIMARY_CONTROL), READY);
	assert_int_equal(in8(bench, PRIMARY + ATA_ERROR), 1);
	assert_int_equal(in8(bench, PRIMARY + ATA_SECTOR_COUNT), 1);
	assert_int_equal(in8(bench, PRIMARY + ATA_LBA_LOW), 1);
	assert_int_equal(in8(bench, PRIMARY + ATA_LBA_MID), 0);
	assert_int_equal(in8(bench, PRIMARY + ATA_LBA_HIGH), 0);
	assert_int_equal(in8(bench, PRIMARY + ATA_DEVICE), 0xa0);
}

static void absent_slave_is_answered_for_by_the_master(void **state)
{
	struct ide_bench *bench = *state;

	out8(bench, PRIMARY + ATA_DEVICE, 0xb0);
	assert_int_equal(in8(bench, PRIMARY + ATA_DEVICE), 0xb0);
	assert_int_equal(status_of(bench), 0);
	assert_int_equal(in8(bench, PRIMARY_CONTROL), 0);
	out8(bench, PRIMARY + ATA_LBA_LOW, 0x5a);
	assert_int_equal(in8(bench, PRIMARY + ATA_LBA_LOW), 0x5a);
	/* Commands go nowhere. */
	out8(bench, PRIMARY + ATA_COMMAND, ATA_CMD_IDENTIFY);
	assert_int_equal(status_of(bench), 0);
	assert_false(irq_is_up(bench, PRIMARY_IRQ));
	assert_int_equal(in16(bench, PRIMARY), 0xffff);
}

static void empty_channel_reads_as_nobody(void **state)
{
	struct ide_bench *bench = ide_bench_create_empty();

	(void)state;
	for (unsigned unit = 0; unit < 2; unit++) {
		out8(bench, PRIMARY + ATA_DEVICE, 0xa0 | unit << 4);
		out8(bench, PRIMARY + ATA_SECTOR_COUNT, 0x55);
		out8(bench, PRIMARY + ATA_LBA_LOW, 0xaa);
		assert_int_equal(status_of(bench), 0);
		assert_int_equal(in8(bench, PRIMARY + ATA_SECTOR_COUNT), 0);
		assert_int_equal(in8(bench, PRIMARY + ATA_LBA_LOW), 0);
		out8(bench, PRIMARY + ATA_COMMAND, ATA_CMD_EXECUTE_DIAGNOSTIC);
		out8(bench, PRIMARY + ATA_COMMAND, ATA_CMD_FLUSH_CACHE);
		assert_int_equal(status_of(bench), 0);
	}
	ide_bench_destroy(bench);
}

static void identify_describes_the_disk(void **state)
{
	struct ide_bench *bench = *state;
	uint16_t words[256];
	uint8_t sum = 0;

	identify(bench, words);
	assert_int_equal(words[0], 0x40);
	assert_int_equal(words[10], 'H' << 8 | 'D');
	assert_int_equal(words[27], 'H' << 8 | 'V');
	assert_int_equal(words[28], 'M' << 8 | 'D');
	assert_int_equal(words[1], 4);
	assert_int_equal(words[3], 16);
	assert_int_equal(words[6], 63);
	assert_int_equal(words[60] | words[61] << 16, IDE_BENCH_DISK_SECTORS);
	assert_int_equal(words[100], IDE_BENCH_DISK_SECTORS);
	assert_true(words[83] & 0x0400);
	/* TRIM: deterministic, not of zeros; eight blocks of ranges. */
	assert_int_equal(words[69], 0x4000);
	assert_int_equal(words[105], 8);
	assert_int_equal(words[169], 1);
	assert_true(words[85] & 0x20);
	/* Device 0 answers for device 1: BIOSes then skip the search for it. */
	assert_int_equal(words[93] & 0xdf61, 0x4041);
	for (unsigned i = 0; i < 256; i++)
		sum = (uint8_t)(sum + (words[i] & 0xff) + (words[i] >> 8));
	assert_int_equal(sum, 0);
}

static void configured_names_are_shown(void **state)
{
	struct ide_bench *bench = *state;
	struct block *block = fake_block_create(512 * 1024);
	const struct ide_drive_config config = { .serial = "testdisk",
						 .version = "version",
						 .wwn = UINT64_C(0x5000c50012345678) };
	const struct ide_drive_config too_long = { .version = "123456789" };
	uint16_t words[256];

	assert_int_equal(piix_ide_attach_disk(&bench->ide, 0, 1, block, &too_long, NULL), -EINVAL);
	assert_int_equal(piix_ide_attach_disk(&bench->ide, 0, 1, block, &config, NULL), 0);
	assert_int_equal(piix_ide_attach_disk(&bench->ide, 0, 1, block, &config, NULL), -EEXIST);
	ata_command_28(bench, PRIMARY, 1, ATA_CMD_IDENTIFY, 0, 0);
	pio_in(bench, PRIMARY, words, 512);
	assert_int_equal(words[10], 't' << 8 | 'e');
	assert_int_equal(words[14], ' ' << 8 | ' ');
	assert_int_equal(words[23], 'v' << 8 | 'e');
	assert_int_equal(words[26], 'n' << 8 | ' ');
	assert_int_equal(words[108], 0x5000);
	assert_int_equal(words[111], 0x5678);
	piix_ide_detach(&bench->ide, 0, 1);
	block_close(block);
}

static void read_sectors_interrupts_each_sector_and_reads_ahead(void **state)
{
	struct ide_bench *bench = *state;
	uint8_t data[512];

	ata_command_28(bench, PRIMARY, 0, ATA_CMD_READ_SECTORS, 10, 3);
	assert_true(in8(bench, PRIMARY_CONTROL) & ATA_BSY);
	ide_bench_settle(bench);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(irq_is_up(bench, PRIMARY_IRQ));
		assert_int_equal(status_of(bench), DATA);
		assert_false(irq_is_up(bench, PRIMARY_IRQ));
		pio_in(bench, PRIMARY, data, 512);
		assert_disk_bytes(data, (10 + i) * 512, 512);
	}
	assert_int_equal(fake_block_started(bench->disk), 1);
	assert_false(irq_is_up(bench, PRIMARY_IRQ));
	assert_int_equal(status_of(bench), READY);
	assert_int_equal(in8(bench, PRIMARY + ATA_LBA_LOW), 12);
	assert_int_equal(in8(bench, PRIMARY + ATA_SECTOR_COUNT), 0);
}

static void count_zero_is_256_sectors_in_two_requests(void **state)
{
	struct ide_bench *bench = *state;
	uint8_t data[512];

	ata_command_28(bench, PRIMARY, 0, ATA_CMD_READ_SECTORS, 0, 0);
	for (unsigned i = 0; i < 256; i++) {
		ide_bench_settle(bench);
		assert_int_equal(status_of(bench), DATA);
		pio_in(bench, PRIMARY, data, 512);
		assert_disk_bytes(data, i * 512, 512);
	}
	assert_int_equal(status_of(bench), READY);
	assert_int_equal(fake_block_started(bench->disk), 2);
}

static void read_multiple_uses_blocks_and_a_partial_last_one(void **state)
{
	struct ide_bench *bench = *state;
	uint8_t data[8192];
	unsigned interrupts = 0;

	simple_command(bench, ATA_CMD_SET_MULTIPLE, 0, 8);
	assert_int_equal(status_of(bench), READY);
	ata_command_28(bench, PRIMARY, 0, ATA_CMD_READ_MULTIPLE, 100, 20);
	ide_bench_settle(bench);
	for (unsigned left = 20, at = 100; left > 0; interrupts++) {
		unsigned sectors = left < 8 ? left : 8;

		assert_true(irq_is_up(bench, PRIMARY_IRQ));
		assert_int_equal(status_of(bench), DATA);
		pio_in(bench, PRIMARY, data, sectors * 512);
		assert_disk_bytes(data, at * 512, sectors * 512);
		left -= sectors;
		at += sectors;
	}
	assert_int_equal(interrupts, 3);
	assert_int_equal(status_of(bench), READY);
	simple_command(bench, ATA_CMD_SET_MULTIPLE, 0, 3);
	assert_int_equal(status_of(bench), FAILED);
	simple_command(bench, ATA_CMD_SET_MULTIPLE, 0, 0);
	ata_command_28(bench, PRIMARY, 0, ATA_CMD_READ_MULTIPLE, 0, 1);
	assert_int_equal(status_of(bench), FAILED);
	assert_int_equal(in8(bench, PRIMARY + ATA_ERROR), ATA_ABRT);
}

static void write_sectors_gathers_and_completes_with_an_interrupt(void **state)
{
	struct ide_bench *bench = *state;
	uint8_t data[1024];

	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 3);
	ata_command_28(bench, PRIMARY, 0, ATA_CMD_WRITE_SECTORS, 7, 2);
	/* The first block is asked for without an interrupt. */
	assert_false(irq_is_up(bench, PRIMARY_IRQ));
	assert_int_equal(status_of(bench), DATA);
	pio_out(bench, PRIMARY, data, 512);
	assert_true(irq_is_up(bench, PRIMARY_IRQ));
	assert_int_equal(status_of(bench), DATA);
	pio_out(bench, PRIMARY, data + 512, 512);
	assert_true(in8(bench, PRIMARY_CONTROL) & ATA_BSY);
	assert_false(irq_is_up(bench, PRIMARY_IRQ));
	assert_int_equal(fake_block_waiting(bench->disk), 1);
	ide_bench_settle(bench);
	assert_true(irq_is_up(bench, PRIMARY_IRQ));
	assert_int_equal(status_of(bench), READY);
	assert_memory_equal(fake_block_bytes(bench->disk) + 7 * 512, data, 1024);
	assert_int_equal(fake_block_flushes(bench->disk), 0);
}

static void long_writes_go_to_the_image_in_pieces(void **state)
{
	struct ide_bench *bench = *state;
	uint8_t data[512];

	ata_command_48(bench, PRIMARY, ATA_CMD_WRITE_SECTORS_EXT, 1000, 300);
	for (unsigned i = 0; i < 300; i++) {
		ide_bench_settle(bench);
		assert_int_equal(status_of(bench), DATA);
		memset(data, (int)i, sizeof(data));
		pio_out(bench, PRIMARY, data, 512);
	}
	ide_bench_settle(bench);
	assert_int_equal(status_of(bench), READY);
	assert_int_equal(fake_block_started(bench->disk), 3);
	for (unsigned i = 0; i < 300; i++)
		assert_int_equal(fake_block_bytes(bench->disk)[(1000 + i) * 512 + 100], (uint8_t)i);
}

static void without_write_cache_each_write_is_flushed(void **state)
{
	struct ide_bench *bench = *state;
	uint8_t data[512] = { 0 };
	uint16_t words[256];

	simple_command(bench, ATA_CMD_SET_FEATURES, ATA_FEATURE_WRITE_CACHE_OFF, 0);
	assert_int_equal(status_of(bench), READY);
	assert_int_equal(fake_block_flushes(bench->disk), 1);
	ata_command_28(bench, PRIMARY, 0, ATA_CMD_WRITE_SECTORS, 7, 1);
	pio_out(bench, PRIMARY, data, 512);
	assert_true(fake_block_complete(bench->disk));
	assert_true(in8(bench, PRIMARY_CONTROL) & ATA_BSY);
	ide_bench_settle(bench);
	assert_int_equal(status_of(bench), READY);
	assert_int_equal(fake_block_flushes(bench->disk), 2);
	identify(bench, words);
	assert_false(words[85] & 0x20);
}

static void chs_addresses_follow_the_translation_in_force(void **state)
{
	struct ide_bench *bench = *state;
	uint8_t data[512];

	/* 8 heads, 32 sectors; cylinder 2, head 3, sector 4. */
	out8(bench, PRIMARY + ATA_DEVICE, 0xa7);
	out8(bench, PRIMARY + ATA_SECTOR_COUNT, 32);
	out8(bench, PRIMARY + ATA_COMMAND, ATA_CMD_INITIALIZE_PARAMETERS);
	assert_int_equal(status_of(bench), READY);
	out8(bench, PRIMARY + ATA_DEVICE, 0xa3);
	out8(bench, PRIMARY + ATA_SECTOR_COUNT, 1);
	out8(bench, PRIMARY + ATA_LBA_LOW, 4);
	out8(bench, PRIMARY + ATA_LBA_MID, 2);
	out8(bench, PRIMARY + ATA_LBA_HIGH, 0);
	out8(bench, PRIMARY + ATA_COMMAND, ATA_CMD_READ_SECTORS);
	ide_bench_settle(bench);
	pio_in(bench, PRIMARY, data, 512);
	assert_disk_bytes(data, ((2 * 8 + 3) * 32 + 3) * 512, 512);
	assert_int_equal(in8(bench, PRIMARY + ATA_LBA_LOW), 4);
	/* Sector 0 does not exist. */
	out8(bench, PRIMARY + ATA_LBA_LOW, 0);
	out8(bench, PRIMARY + ATA_SECTOR_COUNT, 1);
	out8(bench, PRIMARY + ATA_COMMAND, ATA_CMD_READ_SECTORS);
	assert_int_equal(status_of(bench), FAILED);
	assert_int_equal(in8(bench, PRIMARY + ATA_ERROR), ATA_IDNF);
}

static void zero_sectors_per_track_are_refused(void **state)
{
	struct ide_bench *bench = *state;

	out8(bench, PRIMARY + ATA_DEVICE, 0);
	out8(bench, PRIMARY + ATA_SECTOR_COUNT, 0);
	out8(bench, PRIMARY + ATA_COMMAND, ATA_CMD_INITIALIZE_PARAMETERS);
	assert_int_equal(status_of(bench), FAILED);
	/* READ NATIVE MAX by CHS still tells the drive's geometry. */
	out8(bench, PRIMARY + ATA_DEVICE, 0xa0);
	out8(bench, PRIMARY + ATA_COMMAND, ATA_CMD_READ_NATIVE_MAX);
	assert_int_equal(in8(bench, PRIMARY + ATA_DEVICE) & 15, 15);
	assert_int_equal(in8(bench, PRIMARY + ATA_LBA_MID), 3);
	assert_int_equal(in8(bench, PRIMARY + ATA_LBA_LOW), 63);
}

static void lba48_registers_are_two_deep(void **state)
{
	struct ide_bench *bench = *state;

	out8(bench, PRIMARY + ATA_LBA_LOW, 0x12);
	out8(bench, PRIMARY + ATA_LBA_LOW, 0x34);
	assert_int_equal(in8(bench, PRIMARY + ATA_LBA_LOW), 0x34);
	out8(bench, PRIMARY_CONTROL, ATA_HOB);
	assert_int_equal(in8(bench, PRIMARY + ATA_LBA_LOW), 0x12);
	out8(bench, PRIMARY + ATA_LBA_MID, 0); /* any write clears HOB */
	assert_int_equal(in8(bench, PRIMARY + ATA_LBA_LOW), 0x34);

	out8(bench, PRIMARY + ATA_DEVICE, 0xe0);
	out8(bench, PRIMARY + ATA_COMMAND, ATA_CMD_READ_NATIVE_MAX_EXT);
	assert_int_equal(in8(bench, PRIMARY + ATA_LBA_MID), (IDE_BENCH_DISK_SECTORS - 1) >> 8);
	out8(bench, PRIMARY_CONTROL, ATA_HOB);
	assert_int_equal(in8(bench, PRIMARY + ATA_LBA_LOW), 0);
}

/* FIELD: address plus count wraps, or is compared in 32 bits. */
static void ranges_are_checked_in_64_bits(void **state)
{
	struct ide_bench *bench = *state;

	ata_command_28(bench, PRIMARY, 0, ATA_CMD_READ_SECTORS, IDE_BENCH_DISK_SECTORS - 1, 2);
	assert_int_equal(status_of(bench), FAILED);
	assert_int_equal(in8(bench, PRIMARY + ATA_ERROR), ATA_IDNF);
	assert_int_equal(in8(bench, PRIMARY + ATA_LBA_MID), IDE_BENCH_DISK_SECTORS >> 8);
	ata_command_48(bench, PRIMARY, ATA_CMD_READ_SECTORS_EXT, UINT64_C(0xffffffffffff), 0);
	assert_int_equal(status_of(bench), FAILED);
	ata_command_48(bench, PRIMARY, ATA_CMD_WRITE_SECTORS_EXT, UINT64_C(0x100000000), 1);
	assert_int_equal(status_of(bench), FAILED);
	ata_command_48(bench, PRIMARY, ATA_CMD_VERIFY_EXT, UINT64_C(0xffffffff), 1);
	assert_int_equal(status_of(bench), FAILED);
	assert_int_equal(fake_block_started(bench->disk), 0);
	ata_command_28(bench, PRIMARY, 0, ATA_CMD_VERIFY, IDE_BENCH_DISK_SECTORS - 2, 2);
	assert_int_equal(status_of(bench), READY);
}

static void host_errors_become_ata_errors(void **state)
{
	struct ide_bench *bench = *state;
	uint8_t data[512] = { 0 };

	fake_block_fail(bench->disk, -EIO, 1);
	ata_command_28(bench, PRIMARY, 0, ATA_CMD_READ_SECTORS, 0x123, 2);
	ide_bench_settle(bench);
	assert_true(irq_is_up(bench, PRIMARY_IRQ));
	assert_int_equal(status_of(bench), FAILED);
	assert_int_equal(in8(bench, PRIMARY + ATA_ERROR), ATA_UNC);
	assert_int_equal(in8(bench, PRIMARY + ATA_LBA_LOW), 0x23);
	assert_int_equal(in8(bench, PRIMARY + ATA_LBA_MID), 0x01);
	assert_int_equal(in16(bench, PRIMARY), 0xffff);

	fake_block_fail(bench->disk, -ENOSPC, 1);
	ata_command_28(bench, PRIMARY, 0, ATA_CMD_WRITE_SECTORS, 5, 1);
	pio_out(bench, PRIMARY, data, 512);
	ide_bench_settle(bench);
	assert_int_equal(status_of(bench), FAILED);
	assert_int_equal(in8(bench, PRIMARY + ATA_ERROR), ATA_ABRT);

	fake_block_fail(bench->disk, -EIO, 1);
	simple_command(bench, ATA_CMD_FLUSH_CACHE, 0, 0);
	assert_int_equal(status_of(bench), FAILED);
	simple_command(bench, ATA_CMD_FLUSH_CACHE_EXT, 0, 0);
	assert_int_equal(status_of(bench), READY);
}

static void read_only_disks_refuse_writes(void **state)
{
	struct ide_bench *bench = *state;

	fake_block_set_read_only(bench->disk, true);
	ata_command_28(bench, PRIMARY, 0, ATA_CMD_WRITE_SECTORS, 5, 1);
	assert_int_equal(status_of(bench), FAILED);
	ata_command_28(bench, PRIMARY, 0, ATA_CMD_WRITE_DMA, 5, 1);
	assert_int_equal(status_of(bench), FAILED);
	assert_int_equal(fake_block_started(bench->disk), 0);
}

/* FIELD bug 4: the host goes on reading when nothing is left. */
static void data_port_gives_ones_when_nothing_is_left(void **state)
{
	struct ide_bench *bench = *state;
	uint8_t data[600];

	assert_int_equal(in16(bench, PRIMARY), 0xffff);
	ata_command_28(bench, PRIMARY, 0, ATA_CMD_READ_SECTORS, 0, 1);
	assert_int_equal(in16(bench, PRIMARY), 0xffff); /* still busy */
	ide_bench_settle(bench);
	pio_in(bench, PRIMARY, data, sizeof(data));
	assert_disk_bytes(data, 0, 512);
	for (unsigned i = 512; i < 600; i++)
		assert_int_equal(data[i], 0xff);
	pio_out(bench, PRIMARY, data, sizeof(data));
	assert_int_equal(status_of(bench), READY);
}

static void data_port_takes_all_widths(void **state)
{
	struct ide_bench *bench = *state;
	uint8_t data[512];

	ata_command_28(bench, PRIMARY, 0, ATA_CMD_READ_SECTORS, 3, 1);
	ide_bench_settle(bench);
	store_le32(data, bench_in32(bench->chip, PRIMARY));
	store_le16(data + 4, in16(bench, PRIMARY));
	data[6] = in8(bench, PRIMARY);
	data[7] = in8(bench, PRIMARY);
	io_read_block(&bench->chip->ports, PRIMARY, data + 8, 4, 126);
	assert_disk_bytes(data, 3 * 512, 512);
	assert_int_equal(status_of(bench), READY);
}

static void nien_keeps_the_wire_low_but_not_the_interrupt_away(void **state)
{
	struct ide_bench *bench = *state;

	out8(bench, PRIMARY_CONTROL, ATA_NIEN);
	simple_command(bench, ATA_CMD_RECALIBRATE, 0, 0);
	assert_false(irq_is_up(bench, PRIMARY_IRQ));
	out8(bench, PRIMARY_CONTROL, 0);
	assert_true(irq_is_up(bench, PRIMARY_IRQ));
	/* The other drive's selection takes it off the wire. */
	out8(bench, PRIMARY + ATA_DEVICE, 0xb0);
	assert_false(irq_is_up(bench, PRIMARY_IRQ));
	out8(bench, PRIMARY + ATA_DEVICE, 0xa0);
	assert_true(irq_is_up(bench, PRIMARY_IRQ));
	in8(bench, PRIMARY_CONTROL); /* alternate status does not end it */
	assert_true(irq_is_up(bench, PRIMARY_IRQ));
	status_of(bench);
	assert_false(irq_is_up(bench, PRIMARY_IRQ));
}

static void software_reset_ends_a_read(void **state)
{
	struct ide_bench *bench = *state;

	ata_command_28(bench, PRIMARY, 0, ATA_CMD_READ_SECTORS, 0, 4);
	out8(bench, PRIMARY_CONTROL, ATA_SRST);
	assert_int_equal(fake_block_waiting(bench->disk), 0); /* waited for */
	assert_int_equal(status_of(bench), ATA_BSY);
	out8(bench, PRIMARY_CONTROL, 0);
	power_on_shows_the_disk_signature(state);
	assert_false(irq_is_up(bench, PRIMARY_IRQ));
	assert_int_equal(in16(bench, PRIMARY), 0xffff);
}

/* FIELD bug 8: the late write of a reset drive must go where it was sent, or nowhere. */
static void reset_during_a_write_does_not_write_sector_0(void **state)
{
	struct ide_bench *bench = *state;
	uint8_t data[512], before[512];

	memcpy(before, fake_block_bytes(bench->disk), 512);
	memset(data, 0xee, sizeof(data));
	ata_command_28(bench, PRIMARY, 0, ATA_CMD_WRITE_SECTORS, 50, 1);
	pio_out(bench, PRIMARY, data, 512);
	assert_int_equal(fake_block_waiting(bench->disk), 1);
	bench->ide.device.class->reset(&bench->ide);
	ide_bench_settle(bench);
	assert_memory_equal(fake_block_bytes(bench->disk), before, 512);
	assert_memory_equal(fake_block_bytes(bench->disk) + 50 * 512, data, 512);
	assert_int_equal(in8(bench, PRIMARY_CONTROL), READY);
	assert_false(irq_is_up(bench, PRIMARY_IRQ));
}

static void reset_cancels_what_the_host_holds(void **state)
{
	struct ide_bench *bench = *state;
	uint8_t data[512];

	fake_block_hold(bench->disk, true);
	ata_command_28(bench, PRIMARY, 0, ATA_CMD_READ_SECTORS, 9, 1);
	out8(bench, PRIMARY_CONTROL, ATA_SRST);
	out8(bench, PRIMARY_CONTROL, 0);
	fake_block_hold(bench->disk, false);
	ata_command_28(bench, PRIMARY, 0, ATA_CMD_READ_SECTORS, 9, 1);
	ide_bench_settle(bench);
	assert_int_equal(status_of(bench), DATA);
	pio_in(bench, PRIMARY, data, 512);
	assert_disk_bytes(data, 9 * 512, 512);
}

static void a_busy_drive_ignores_commands_and_registers_do_not_reach_its_transfer(void **state)
{
	struct ide_bench *bench = *state;
	uint8_t data[512];

	ata_command_28(bench, PRIMARY, 0, ATA_CMD_READ_SECTORS, 20, 1);
	out8(bench, PRIMARY + ATA_LBA_LOW, 99);
	out8(bench, PRIMARY + ATA_SECTOR_COUNT, 0);
	out8(bench, PRIMARY + ATA_COMMAND, ATA_CMD_WRITE_SECTORS);
	ide_bench_settle(bench);
	assert_int_equal(status_of(bench), DATA);
	pio_in(bench, PRIMARY, data, 512);
	assert_disk_bytes(data, 20 * 512, 512);
	assert_int_equal(status_of(bench), READY);
}

static void diagnostic_selects_device_0(void **state)
{
	struct ide_bench *bench = *state;

	out8(bench, PRIMARY + ATA_DEVICE, 0xb0);
	out8(bench, PRIMARY + ATA_COMMAND, ATA_CMD_EXECUTE_DIAGNOSTIC);
	assert_int_equal(in8(bench, PRIMARY + ATA_DEVICE) & ATA_DEVICE_DEV, 0);
	assert_int_equal(in8(bench, PRIMARY + ATA_ERROR), 1);
	assert_true(irq_is_up(bench, PRIMARY_IRQ));
	assert_int_equal(status_of(bench), READY);
}

static void unknown_commands_abort(void **state)
{
	struct ide_bench *bench = *state;
	static const uint8_t opcodes[] = { 0x00, 0x08, 0x0f, 0x26, 0xa0, 0xa1, 0xf5, 0xff };

	for (unsigned i = 0; i < ARRAY_SIZE(opcodes); i++) {
		simple_command(bench, opcodes[i], 0, 0);
		assert_true(irq_is_up(bench, PRIMARY_IRQ));
		assert_int_equal(status_of(bench), FAILED);
		assert_int_equal(in8(bench, PRIMARY + ATA_ERROR), ATA_ABRT);
	}
}

static void power_modes_are_remembered(void **state)
{
	struct ide_bench *bench = *state;

	simple_command(bench, ATA_CMD_CHECK_POWER_MODE, 0, 0);
	assert_int_equal(in8(bench, PRIMARY + ATA_SECTOR_COUNT), ATA_POWER_ACTIVE);
	simple_command(bench, ATA_CMD_STANDBY_IMMEDIATE, 0, 0);
	simple_command(bench, ATA_CMD_CHECK_POWER_MODE, 0, 0x77);
	assert_int_equal(in8(bench, PRIMARY + ATA_SECTOR_COUNT), ATA_POWER_STANDBY);
	ata_command_28(bench, PRIMARY, 0, ATA_CMD_VERIFY, 0, 1);
	simple_command(bench, ATA_CMD_CHECK_POWER_MODE, 0, 0);
	assert_int_equal(in8(bench, PRIMARY + ATA_SECTOR_COUNT), ATA_POWER_ACTIVE);
}

static void transfer_modes_show_in_identify(void **state)
{
	struct ide_bench *bench = *state;
	uint16_t words[256];

	simple_command(bench, ATA_CMD_SET_FEATURES, ATA_FEATURE_TRANSFER_MODE,
		       ATA_MODE_MULTI_DMA | 1);
	assert_int_equal(status_of(bench), READY);
	identify(bench, words);
	assert_int_equal(words[63], 0x0207);
	simple_command(bench, ATA_CMD_SET_FEATURES, ATA_FEATURE_TRANSFER_MODE,
		       ATA_MODE_ULTRA_DMA | 4);
	identify(bench, words);
	assert_int_equal(words[63], 0x0007);
	assert_int_equal(words[88], 0x103f);
	simple_command(bench, ATA_CMD_SET_FEATURES, ATA_FEATURE_TRANSFER_MODE, 0x47);
	assert_int_equal(status_of(bench), FAILED);
}

static void smart_command(struct ide_bench *bench, uint8_t subcommand, uint8_t low)
{
	out8(bench, PRIMARY + ATA_DEVICE, 0xa0);
	out8(bench, PRIMARY + ATA_FEATURES, subcommand);
	out8(bench, PRIMARY + ATA_LBA_LOW, low);
	out8(bench, PRIMARY + ATA_LBA_MID, SMART_KEY_MID);
	out8(bench, PRIMARY + ATA_LBA_HIGH, SMART_KEY_HIGH);
	out8(bench, PRIMARY + ATA_COMMAND, ATA_CMD_SMART);
}

static void smart_says_that_all_is_well(void **state)
{
	struct ide_bench *bench = *state;
	uint8_t data[512], sum = 0;

	smart_command(bench, SMART_RETURN_STATUS, 0);
	assert_int_equal(status_of(bench), READY);
	assert_int_equal(in8(bench, PRIMARY + ATA_LBA_MID), SMART_KEY_MID);
	smart_command(bench, SMART_READ_DATA, 0);
	pio_in(bench, PRIMARY, data, 512);
	for (unsigned i = 0; i < 512; i++)
		sum = (uint8_t)(sum + data[i]);
	assert_int_equal(sum, 0);
	smart_command(bench, SMART_READ_LOG, 0x55);
	assert_int_equal(status_of(bench), FAILED);
	smart_command(bench, SMART_DISABLE, 0);
	smart_command(bench, SMART_RETURN_STATUS, 0);
	assert_int_equal(status_of(bench), FAILED);
	simple_command(bench, ATA_CMD_SMART, SMART_ENABLE, 0);
	smart_command(bench, SMART_ENABLE, 0);
	assert_int_equal(status_of(bench), READY);
}

static void wide_register_accesses_are_byte_cycles(void **state)
{
	struct ide_bench *bench = *state;

	out16(bench, PRIMARY + ATA_SECTOR_COUNT, 0xaa55);
	assert_int_equal(in8(bench, PRIMARY + ATA_SECTOR_COUNT), 0x55);
	assert_int_equal(in8(bench, PRIMARY + ATA_LBA_LOW), 0xaa);
	assert_int_equal(in16(bench, PRIMARY + ATA_SECTOR_COUNT), 0xaa55);
}

static void geometry_comes_from_a_partition_table(void **state)
{
	struct block *block = fake_block_create(64 << 20);
	uint8_t *entry = fake_block_bytes(block) + 0x1be;
	struct ide_geometry geometry = ide_geometry_guess(block);

	(void)state;
	assert_int_equal(geometry.cylinders, 130);
	assert_int_equal(geometry.heads, 16);
	assert_int_equal(geometry.sectors, 63);
	assert_int_equal(geometry.translation, IDE_TRANSLATION_NONE);
	store_le16(fake_block_bytes(block) + 0x1fe, 0xaa55);
	store_le32(entry + 12, 1000);
	entry[5] = 7;
	entry[6] = 32;
	geometry = ide_geometry_guess(block);
	assert_int_equal(geometry.heads, 8);
	assert_int_equal(geometry.sectors, 32);
	assert_int_equal(geometry.cylinders, 512);
	entry[5] = 254;
	entry[6] = 63;
	geometry = ide_geometry_guess(block);
	assert_int_equal(geometry.heads, 16);
	assert_int_equal(geometry.translation, IDE_TRANSLATION_LARGE);
	block_close(block);
}

int main(void)
{
#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH_BENCH(power_on_shows_the_disk_signature),
		WITH_BENCH(absent_slave_is_answered_for_by_the_master),
		cmocka_unit_test(empty_channel_reads_as_nobody),
		WITH_BENCH(identify_describes_the_disk),
		WITH_BENCH(configured_names_are_shown),
		WITH_BENCH(read_sectors_interrupts_each_sector_and_reads_ahead),
		WITH_BENCH(count_zero_is_256_sectors_in_two_requests),
		WITH_BENCH(read_multiple_uses_blocks_and_a_partial_last_one),
		WITH_BENCH(write_sectors_gathers_and_completes_with_an_interrupt),
		WITH_BENCH(long_writes_go_to_the_image_in_pieces),
		WITH_BENCH(without_write_cache_each_write_is_flushed),
		WITH_BENCH(chs_addresses_follow_the_translation_in_force),
		WITH_BENCH(zero_sectors_per_track_are_refused),
		WITH_BENCH(lba48_registers_are_two_deep),
		WITH_BENCH(ranges_are_checked_in_64_bits),
		WITH_BENCH(host_errors_become_ata_errors),
		WITH_BENCH(read_only_disks_refuse_writes),
		WITH_BENCH(data_port_gives_ones_when_nothing_is_left),
		WITH_BENCH(data_port_takes_all_widths),
		WITH_BENCH(nien_keeps_the_wire_low_but_not_the_interrupt_away),
		WITH_BENCH(software_reset_ends_a_read),
		WITH_BENCH(reset_during_a_write_does_not_write_sector_0),
		WITH_BENCH(reset_cancels_what_the_host_holds),
		WITH_BENCH(a_busy_drive_ignores_commands_and_registers_do_not_reach_its_transfer),
		WITH_BENCH(diagnostic_selects_device_0),
		WITH_BENCH(unknown_commands_abort),
		WITH_BENCH(power_modes_are_remembered),
		WITH_BENCH(transfer_modes_show_in_identify),
		WITH_BENCH(smart_says_that_all_is_well),
		WITH_BENCH(wide_register_accesses_are_byte_cycles),
		cmocka_unit_test(geometry_comes_from_a_partition_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
