// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The controller as a PCI function, its lifecycle, and saved state at every stage of a transfer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>

#include "tests/lib/ide_bench.h"

enum {
	READY = ATA_DRDY | ATA_DSC,
	DATA = READY | ATA_DRQ,
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

static uint32_t config(struct ide_bench *bench, unsigned offset, unsigned size)
{
	return bench_config_read(bench->chip, IDE_BENCH_SLOT, IDE_BENCH_FUNCTION, offset, size);
}

static void set_config(struct ide_bench *bench, unsigned offset, uint32_t value, unsigned size)
{
	bench_config_write(bench->chip, IDE_BENCH_SLOT, IDE_BENCH_FUNCTION, offset, value, size);
}

static void it_is_a_piix3(void **state)
{
	struct ide_bench *bench = *state;

	assert_int_equal(config(bench, 0, 4), 0x70108086);
	assert_int_equal(config(bench, 8, 4) >> 8, 0x010180);
	assert_int_equal(config(bench, PCI_INTERRUPT_PIN, 1), 0);
	set_config(bench, 0x40, 0x8000, 2);
	set_config(bench, 0x42, 0x80a3, 2);
	assert_int_equal(config(bench, 0x40, 4), 0x80a38000);
	set_config(bench, 0x20, 0xffffffff, 4);
	assert_int_equal(config(bench, 0x20, 4), 0xfffffff1);
}

static void legacy_ports_are_there_without_firmware(void **state)
{
	struct ide_bench *bench = *state;

	set_config(bench, PCI_COMMAND, 0, 2);
	assert_int_equal(config(bench, 0x40, 4), 0);
	assert_int_equal(in8(bench, PRIMARY + ATA_STATUS), READY);
	assert_int_equal(in8(bench, BM_PRIMARY + BMDMA_STATUS), 0xff);
}

static void bus_master_registers_take_all_widths(void **state)
{
	struct ide_bench *bench = *state;

	bench_out32(bench->chip, BM_SECONDARY + BMDMA_PRDT, 0x12345677);
	assert_int_equal(bench_in32(bench->chip, BM_SECONDARY + BMDMA_PRDT), 0x12345674);
	assert_int_equal(in16(bench, BM_SECONDARY + BMDMA_PRDT + 1), 0x3456);
	assert_int_equal(bench_in32(bench->chip, BM_PRIMARY + BMDMA_PRDT), 0);
	out8(bench, BM_PRIMARY + BMDMA_STATUS, 0xff);
	assert_int_equal(in8(bench, BM_PRIMARY + BMDMA_STATUS), BMDMA_DRIVES_CAPABLE);
	out8(bench, BM_PRIMARY + BMDMA_COMMAND, 0xff);
	assert_int_equal(in8(bench, BM_PRIMARY + BMDMA_COMMAND), BMDMA_START | BMDMA_TO_MEMORY);
	assert_int_equal(in8(bench, BM_PRIMARY + 1), 0xff);
}

static void peeking_has_no_side_effects(void **state)
{
	struct ide_bench *bench = *state;

	out8(bench, PRIMARY + ATA_COMMAND, ATA_CMD_RECALIBRATE);
	assert_int_equal(io_peek(&bench->chip->ports, PRIMARY + ATA_STATUS, 1), READY);
	assert_true(irq_is_up(bench, PRIMARY_IRQ));
}

static void system_reset_brings_back_power_on_state(void **state)
{
	struct ide_bench *bench = *state;

	out8(bench, PRIMARY_CONTROL, ATA_NIEN);
	out8(bench, PRIMARY + ATA_FEATURES, ATA_FEATURE_WRITE_CACHE_OFF);
	out8(bench, PRIMARY + ATA_COMMAND, ATA_CMD_SET_FEATURES);
	set_config(bench, 0x40, 0x8000, 2);
	bench->ide.device.class->reset(&bench->ide);
	assert_int_equal(config(bench, 0x40, 2), 0);
	assert_int_equal(in8(bench, PRIMARY_CONTROL), READY);
	assert_int_equal(bench->ide.state.channels[0].control, 0);
	assert_int_equal(bench->ide.state.channels[0].drives[0].write_cache, 1);
	assert_false(bench->ide.channels[0].bus_master_enabled);
}

/* FIELD bug 9: unplugging is a state, and waits for what is under way. */
static void unplugged_disks_are_gone_but_cdroms_stay(void **state)
{
	struct ide_bench *bench = *state;

	ata_command_28(bench, PRIMARY, 0, ATA_CMD_READ_SECTORS, 0, 1);
	piix_ide_detach_disks(&bench->ide);
	assert_int_equal(fake_block_waiting(bench->disk), 0);
	assert_null(piix_ide_drive(&bench->ide, 0, 0));
	assert_non_null(piix_ide_drive(&bench->ide, 1, 0));
	assert_int_equal(in8(bench, PRIMARY + ATA_STATUS), 0);
	ata_command_28(bench, PRIMARY, 0, ATA_CMD_READ_SECTORS, 0, 1);
	assert_int_equal(fake_block_waiting(bench->disk), 0);
	assert_int_equal(in8(bench, SECONDARY + ATA_LBA_HIGH), ATA_SIGNATURE_PACKET_HIGH);
}

static void quiescing_finishes_dma(void **state)
{
	struct ide_bench *bench = *state;

	for (unsigned i = 0; i < 512; i++)
		put_prd(bench, i, BENCH_DATA + 512 * i, 512, i == 511);
	bm_prepare(bench, BM_PRIMARY);
	ata_command_48(bench, PRIMARY, ATA_CMD_READ_DMA_EXT, 0, 512);
	bm_start(bench, BM_PRIMARY, true);
	bench->ide.device.class->quiesce(&bench->ide);
	assert_int_equal(fake_block_waiting(bench->disk), 0);
	assert_int_equal(in8(bench, BM_PRIMARY + BMDMA_STATUS), BMDMA_INTERRUPT);
	assert_int_equal(fake_block_started(bench->disk), 2);
}

static void state_survives_idle(void **state)
{
	struct ide_bench *bench = *state;

	assert_true(bench_round_trip(&bench->ide.device));
}

static void state_survives_in_the_middle_of_a_read(void **state)
{
	struct ide_bench *bench = *state;
	uint8_t data[512];

	ata_command_28(bench, PRIMARY, 0, ATA_CMD_READ_SECTORS, 5, 200);
	ide_bench_settle(bench);
	pio_in(bench, PRIMARY, data, 300);
	assert_true(bench_round_trip(&bench->ide.device));
	assert_true(irq_is_up(bench, PRIMARY_IRQ));
	pio_in(bench, PRIMARY, data + 300, 212);
	for (unsigned i = 0; i < 512; i++)
		assert_int_equal(data[i], ide_bench_disk_byte(5 * 512 + i));
	for (unsigned sector = 1; sector < 200; sector++) {
		ide_bench_settle(bench);
		pio_in(bench, PRIMARY, data, 512);
		assert_int_equal(data[511], ide_bench_disk_byte((5 + sector) * 512 + 511));
	}
	assert_int_equal(in8(bench, PRIMARY + ATA_STATUS), READY);
}

static void state_survives_in_the_middle_of_a_write(void **state)
{
	struct ide_bench *bench = *state;
	uint8_t data[512];

	memset(data, 0x5a, sizeof(data));
	ata_command_28(bench, PRIMARY, 0, ATA_CMD_WRITE_SECTORS, 5, 2);
	pio_out(bench, PRIMARY, data, 512);
	pio_out(bench, PRIMARY, data, 100);
	assert_true(bench_round_trip(&bench->ide.device));
	pio_out(bench, PRIMARY, data, 412);
	ide_bench_settle(bench);
	assert_int_equal(fake_block_bytes(bench->disk)[7 * 512 - 1], 0x5a);
}

static void state_survives_waiting_for_the_bus_master_and_packets(void **state)
{
	struct ide_bench *bench = *state;
	static const uint8_t read_cd[12] = { ATAPI_READ_CD, 0, 0, 0, 0, 3, 0, 0, 1, 0xf8 };

	put_prd(bench, 0, BENCH_DATA, 512, true);
	bm_prepare(bench, BM_PRIMARY);
	ata_command_28(bench, PRIMARY, 0, ATA_CMD_READ_DMA, 1, 1);
	send_packet(bench, read_cd, 1000, false);
	ide_bench_settle(bench);
	assert_true(bench_round_trip(&bench->ide.device));
	bm_start(bench, BM_PRIMARY, true);
	ide_bench_settle(bench);
	assert_int_equal(bench->chip->bytes[BENCH_DATA], ide_bench_disk_byte(512));
	assert_int_equal(in8(bench, SECONDARY + ATA_STATUS), DATA);
	for (unsigned i = 0; i < 1176; i++)
		in16(bench, SECONDARY);
	assert_int_equal(in8(bench, SECONDARY + ATA_STATUS), READY);
}

/** The guest's state and memory come to a second machine with the same images, where what was held
 * goes on. */
static struct ide_bench *move_to_another(struct ide_bench *bench)
{
	struct ide_bench *other = ide_bench_create();
	struct state_writer writer;
	struct device_list list, other_list;

	device_list_init(&list);
	device_list_init(&other_list);
	device_add(&list, &bench->ide.device);
	device_add(&other_list, &other->ide.device);
	state_writer_init(&writer);
	device_quiesce_all(&list);
	device_save_all(&list, &writer);
	memcpy(other->chip->bytes, bench->chip->bytes, BENCH_RAM_BYTES);
	assert_int_equal(device_load_all(&other_list, writer.bytes, writer.length, NULL), 0);
	assert_int_equal(fake_block_started(other->disk), 0);
	device_resume_all(&other_list);
	state_writer_finish(&writer);
	device_remove(&bench->ide.device);
	device_remove(&other->ide.device);
	fake_block_hold(bench->disk, false);
	fake_block_hold(bench->slot.block, false);
	return other;
}

static void a_held_dma_write_goes_on_elsewhere(void **state)
{
	struct ide_bench *bench = *state, *other;

	put_prd(bench, 0, BENCH_DATA, 512, false);
	put_prd(bench, 1, BENCH_DATA + 0x1000, 1024, true);
	memset(bench->chip->bytes + BENCH_DATA, 0x11, 512);
	memset(bench->chip->bytes + BENCH_DATA + 0x1000, 0x22, 1024);
	bm_prepare(bench, BM_PRIMARY);
	fake_block_hold(bench->disk, true);
	ata_command_28(bench, PRIMARY, 0, ATA_CMD_WRITE_DMA, 9, 3);
	bm_start(bench, BM_PRIMARY, false);
	other = move_to_another(bench);
	assert_int_equal(in8(other, PRIMARY_CONTROL) & ATA_BSY, ATA_BSY);
	ide_bench_settle(other);
	assert_int_equal(fake_block_bytes(other->disk)[9 * 512], 0x11);
	assert_int_equal(fake_block_bytes(other->disk)[12 * 512 - 1], 0x22);
	assert_int_equal(in8(other, BM_PRIMARY + BMDMA_STATUS), BMDMA_INTERRUPT);
	assert_int_equal(in8(other, PRIMARY + ATA_STATUS), READY);
	ide_bench_destroy(other);
}

static void a_held_dma_read_goes_on_elsewhere(void **state)
{
	struct ide_bench *bench = *state, *other;
	static const uint8_t read_10[12] = { ATAPI_READ_10, 0, 0, 0, 0, 7, 0, 0, 1 };

	put_prd(bench, 0, BENCH_DATA, 2048, true);
	bm_prepare(bench, BM_PRIMARY);
	bm_prepare(bench, BM_SECONDARY);
	fake_block_hold(bench->disk, true);
	fake_block_hold(bench->slot.block, true);
	ata_command_28(bench, PRIMARY, 0, ATA_CMD_READ_DMA, 5, 4);
	bm_start(bench, BM_PRIMARY, true);
	send_packet(bench, read_10, 0, true);
	bm_start(bench, BM_SECONDARY, true);
	other = move_to_another(bench);
	fake_block_complete_all(other->disk);
	for (unsigned i = 0; i < 2048; i++)
		assert_int_equal(other->chip->bytes[BENCH_DATA + i],
				 ide_bench_disk_byte(5 * 512 + i));
	fake_block_complete_all(other->slot.block);
	assert_int_equal(other->chip->bytes[BENCH_DATA + 9], ide_bench_cd_byte(7 * 2048 + 9));
	assert_true(irq_is_up(other, PRIMARY_IRQ) && irq_is_up(other, SECONDARY_IRQ));
	ide_bench_destroy(other);
}

static void a_held_trim_goes_on_elsewhere(void **state)
{
	struct ide_bench *bench = *state, *other;
	uint8_t *ranges = bench->chip->bytes + BENCH_DATA;

	memset(ranges, 0, 512);
	store_le64(ranges, UINT64_C(9) | UINT64_C(1) << 48);
	store_le64(ranges + 8, UINT64_C(20) | UINT64_C(1) << 48);
	put_prd(bench, 0, BENCH_DATA, 512, true);
	bm_prepare(bench, BM_PRIMARY);
	fake_block_hold(bench->disk, true);
	out8(bench, PRIMARY + ATA_FEATURES, ATA_DSM_TRIM);
	ata_command_48(bench, PRIMARY, ATA_CMD_DATA_SET_MANAGEMENT, 0, 1);
	bm_start(bench, BM_PRIMARY, false);
	other = move_to_another(bench);
	ide_bench_settle(other);
	assert_int_equal(fake_block_bytes(other->disk)[9 * 512], 0);
	assert_int_equal(fake_block_bytes(other->disk)[20 * 512], 0);
	assert_int_equal(fake_block_bytes(other->disk)[21 * 512], ide_bench_disk_byte(21 * 512));
	assert_int_equal(in8(other, PRIMARY + ATA_STATUS), READY);
	ide_bench_destroy(other);
}

static void a_held_pio_transfer_goes_on_elsewhere(void **state)
{
	struct ide_bench *bench = *state, *other;
	uint8_t data[512];

	memset(data, 0x33, sizeof(data));
	fake_block_hold(bench->disk, true);
	ata_command_28(bench, PRIMARY, 0, ATA_CMD_WRITE_SECTORS, 3, 2);
	pio_out(bench, PRIMARY, data, 512);
	pio_out(bench, PRIMARY, data, 512);
	other = move_to_another(bench);
	ide_bench_settle(other);
	assert_int_equal(fake_block_bytes(other->disk)[5 * 512 - 1], 0x33);
	fake_block_hold(other->disk, true);
	ata_command_28(other, PRIMARY, 0, ATA_CMD_READ_SECTORS, 4, 3);
	bench = move_to_another(other);
	ide_bench_settle(bench);
	for (unsigned sector = 4; sector < 7; sector++) {
		pio_in(bench, PRIMARY, data, 512);
		assert_int_equal(data[1], ide_bench_disk_byte(sector * 512 + 1));
	}
	fake_block_hold(bench->disk, true);
	ata_command_28(bench, PRIMARY, 0, ATA_CMD_FLUSH_CACHE, 0, 0);
	ide_bench_destroy(other);
	other = move_to_another(bench);
	ide_bench_settle(other);
	assert_int_equal(fake_block_flushes(other->disk), 1);
	assert_int_equal(in8(other, PRIMARY + ATA_STATUS), READY);
	ide_bench_destroy(bench);
	ide_bench_destroy(other);
}

/** Starts a READ SECTORS that has its data ready, and returns its transfer for damaging. */
static struct ide_transfer *reading(struct ide_bench *bench)
{
	bench->ide.device.class->reset(&bench->ide);
	ata_command_28(bench, PRIMARY, 0, ATA_CMD_READ_SECTORS, 5, 200);
	ide_bench_settle(bench);
	return &bench->ide.state.channels[0].transfer;
}

/* FIELD bug 29: the restore path trusts counts. */
static void damaged_state_is_refused(void **state)
{
	struct ide_bench *bench = *state;
	struct ide_channel_state *channel = &bench->ide.state.channels[0];
	struct device *device = &bench->ide.device;

	reading(bench)->end = IDE_BUFFER_BYTES + 1;
	assert_true(bench_refuses_state(device));
	reading(bench)->block_end = 0xffffffff;
	assert_true(bench_refuses_state(device));
	reading(bench)->start = 513;
	assert_true(bench_refuses_state(device));
	reading(bench)->lba = UINT64_MAX;
	assert_true(bench_refuses_state(device));
	reading(bench)->sectors = IDE_BENCH_DISK_SECTORS;
	assert_true(bench_refuses_state(device));
	reading(bench)->sector_bytes = 0;
	assert_true(bench_refuses_state(device));
	reading(bench)->block_bytes = 0;
	assert_true(bench_refuses_state(device));
	reading(bench)->phase = IDE_ON_DISK;
	assert_true(bench_refuses_state(device));
	reading(bench)->job = IDE_JOB_WRITE;
	assert_true(bench_refuses_state(device));
	reading(bench)->job = 200;
	assert_true(bench_refuses_state(device));
	reading(bench)->drive = 1;
	assert_true(bench_refuses_state(device));
	reading(bench)->drive = 2;
	assert_true(bench_refuses_state(device));
	reading(bench)->opcode = ATA_CMD_PACKET;
	assert_true(bench_refuses_state(device));
	reading(bench);
	channel->selected = 2;
	assert_true(bench_refuses_state(device));
	channel->selected = 0;
	channel->drives[0].multiple = 3;
	assert_true(bench_refuses_state(device));
	reading(bench);
	channel->drives[0].multiple = 16;
	assert_int_equal(device->class->after_load(device->self, NULL), 0);
	channel->bmdma.walk.left = 0x10001;
	assert_true(bench_refuses_state(device));
	channel->bmdma.walk.left = 0;
	bench->ide.device.class->reset(&bench->ide);
}

int main(void)
{
#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH_BENCH(it_is_a_piix3),
		WITH_BENCH(legacy_ports_are_there_without_firmware),
		WITH_BENCH(bus_master_registers_take_all_widths),
		WITH_BENCH(peeking_has_no_side_effects),
		WITH_BENCH(system_reset_brings_back_power_on_state),
		WITH_BENCH(unplugged_disks_are_gone_but_cdroms_stay),
		WITH_BENCH(quiescing_finishes_dma),
		WITH_BENCH(state_survives_idle),
		WITH_BENCH(state_survives_in_the_middle_of_a_read),
		WITH_BENCH(state_survives_in_the_middle_of_a_write),
		WITH_BENCH(state_survives_waiting_for_the_bus_master_and_packets),
		WITH_BENCH(a_held_dma_write_goes_on_elsewhere),
		WITH_BENCH(a_held_dma_read_goes_on_elsewhere),
		WITH_BENCH(a_held_trim_goes_on_elsewhere),
		WITH_BENCH(a_held_pio_transfer_goes_on_elsewhere),
		WITH_BENCH(damaged_state_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
