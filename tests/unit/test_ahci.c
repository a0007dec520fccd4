// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The adapter and its ports: registers, link, frames, commands that are not queued, resets,
 * interrupts, saved state.
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
};

static int set_up(void **state)
{
	*state = ahci_bench_create();
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

/* The adapter. */

static void it_is_an_ich9_in_ahci_mode(void **state)
{
	struct ahci_bench *bench = *state;

	assert_int_equal(bench_config_read(bench->chip, AHCI_BENCH_SLOT, 0, 0, 4), 0x29228086);
	assert_int_equal(bench_config_read(bench->chip, AHCI_BENCH_SLOT, 0, 8, 4), 0x01060102);
	assert_int_equal(bench_config_read(bench->chip, AHCI_BENCH_SLOT, 0, PCI_INTERRUPT_PIN, 1),
			 1);
	assert_int_equal(hba_read(bench, AHCI_CAP), 0xc1241f05);
	assert_int_equal(hba_read(bench, AHCI_PI), 0x3f);
	assert_int_equal(hba_read(bench, AHCI_VS), 0x00010301);
	assert_int_equal(hba_read(bench, AHCI_GHC), AHCI_GHC_AE);
	/* There is no other mode to go to. */
	hba_write(bench, AHCI_GHC, 0);
	assert_int_equal(hba_read(bench, AHCI_GHC), AHCI_GHC_AE);
	assert_int_equal(port_read(bench, 6, AHCI_PXCMD), 0);
}

static void narrow_accesses_touch_their_bytes_alone(void **state)
{
	struct ahci_bench *bench = *state;
	uint64_t list = AHCI_BENCH_BASE + AHCI_PORT_BASE + AHCI_PXCLB;

	port_write(bench, DISK, AHCI_PXCLB, 0x12345678);
	assert_int_equal(port_read(bench, DISK, AHCI_PXCLB), 0x12345400);
	io_write(&bench->chip->memory, list + 2, 0xab, 1);
	assert_int_equal(port_read(bench, DISK, AHCI_PXCLB), 0x12ab5400);
	assert_int_equal(io_read(&bench->chip->memory, list + 1, 1), 0x54);
	assert_int_equal(io_read(&bench->chip->memory, list + 2, 2), 0x12ab);
	io_write(&bench->chip->memory, list, UINT64_C(0x0000000987654321), 8);
	assert_int_equal(port_read(bench, DISK, AHCI_PXCLBU), 9);
	assert_int_equal(port_read(bench, DISK, AHCI_PXCLB), 0x87654000);
}

static void ports_show_who_is_there(void **state)
{
	struct ahci_bench *bench = *state;

	assert_int_equal(port_read(bench, DISK, AHCI_PXSSTS), 0x123);
	assert_int_equal(port_read(bench, NOTHING, AHCI_PXSSTS), 0);
	assert_int_equal(port_read(bench, NOTHING, AHCI_PXTFD), 0x7f);
	/* The first frame waits until it may be put somewhere. */
	assert_int_equal(port_read(bench, DISK, AHCI_PXTFD), 0x7f);
	assert_int_equal(port_read(bench, DISK, AHCI_PXSIG), 0xffffffff);
	ahci_start_port(bench, DISK);
	ahci_start_port(bench, CDROM);
	ahci_start_port(bench, NOTHING);
	assert_int_equal(port_read(bench, DISK, AHCI_PXSIG), 0x00000101);
	assert_int_equal(port_read(bench, DISK, AHCI_PXTFD), 0x100 | READY);
	assert_int_equal(port_read(bench, CDROM, AHCI_PXSIG), 0xeb140101);
	assert_int_equal(port_read(bench, CDROM, AHCI_PXTFD), 0x100);
	assert_int_equal(port_read(bench, NOTHING, AHCI_PXSIG), 0xffffffff);
	assert_int_equal(ahci_frame(bench, CDROM, AHCI_RECEIVED_REGISTERS)[FIS_TYPE],
			 FIS_REGISTERS);
	assert_int_equal(ahci_frame(bench, CDROM, AHCI_RECEIVED_REGISTERS)[FIS_LBA_HIGH], 0xeb);
	assert_int_equal(port_read(bench, DISK, AHCI_PXIS), 0);
}

static void starting_and_stopping_shows(void **state)
{
	struct ahci_bench *bench = *state;
	uint32_t always = AHCI_CMD_SUD | AHCI_CMD_POD;

	assert_int_equal(port_read(bench, DISK, AHCI_PXCMD), always);
	ahci_start_port(bench, DISK);
	/* CCS is that of the last slot: the first is next. */
	assert_int_equal(port_read(bench, DISK, AHCI_PXCMD) & ~(31u << AHCI_CMD_CCS_SHIFT),
			 always | STARTED | AHCI_CMD_FR | AHCI_CMD_CR);
	port_write(bench, DISK, AHCI_PXCMD, AHCI_CMD_FRE);
	assert_int_equal(port_read(bench, DISK, AHCI_PXCMD), always | AHCI_CMD_FRE | AHCI_CMD_FR);
	/* Commands are taken by a started port alone. */
	port_write(bench, DISK, AHCI_PXSACT, 1);
	port_write(bench, DISK, AHCI_PXCI, 1);
	assert_int_equal(port_read(bench, DISK, AHCI_PXCI), 0);
	assert_int_equal(port_read(bench, DISK, AHCI_PXSACT), 0);
}

static void adapter_reset_keeps_addresses_only(void **state)
{
	struct ahci_bench *bench = *state;

	ahci_start_port(bench, DISK);
	ahci_prepare(bench, DISK, 0, ATA_CMD_READ_DMA_EXT, 0, 1, 1);
	ahci_put_prd(bench, DISK, 0, 0, AHCI_BENCH_DATA, 512);
	ahci_issue(bench, DISK, 0);
	hba_write(bench, AHCI_GHC, AHCI_GHC_HR | AHCI_GHC_IE);
	assert_int_equal(hba_read(bench, AHCI_GHC), AHCI_GHC_AE);
	assert_int_equal(fake_block_waiting(bench->disk), 0);
	assert_int_equal(port_read(bench, DISK, AHCI_PXCLB), AHCI_BENCH_LIST);
	assert_int_equal(port_read(bench, DISK, AHCI_PXFB), AHCI_BENCH_FRAMES);
	assert_int_equal(port_read(bench, DISK, AHCI_PXCI), 0);
	assert_int_equal(port_read(bench, DISK, AHCI_PXIE), 0);
	assert_int_equal(port_read(bench, DISK, AHCI_PXSSTS), 0x123);
	assert_int_equal(port_read(bench, DISK, AHCI_PXSERR), AHCI_SERR_X | AHCI_SERR_N);
	assert_int_equal(port_read(bench, DISK, AHCI_PXIS), AHCI_IS_PCS | AHCI_IS_PRCS);
	ahci_start_port(bench, DISK);
	ahci_read(bench, ATA_CMD_READ_DMA_EXT, 3, 1);
	assert_true(ahci_holds_disk(bench, AHCI_BENCH_DATA, 3 * 512, 512));
	bench->ahci->device.class->reset(bench->ahci);
	ahci_bench_map(bench);
	assert_int_equal(port_read(bench, DISK, AHCI_PXCLB), 0);
}

/* Commands. */

static void identify_comes_by_pio(void **state)
{
	struct ahci_bench *bench = *state;
	const uint8_t *fis = ahci_frame(bench, DISK, AHCI_RECEIVED_PIO_SETUP);

	ahci_start_port(bench, DISK);
	ahci_read(bench, ATA_CMD_IDENTIFY, 0, 1);
	assert_int_equal(port_read(bench, DISK, AHCI_PXCI), 0);
	assert_int_equal(port_read(bench, DISK, AHCI_PXIS), AHCI_IS_PSS);
	assert_int_equal(port_read(bench, DISK, AHCI_PXTFD), READY);
	assert_int_equal(fis[FIS_TYPE], FIS_PIO_SETUP);
	assert_int_equal(fis[FIS_FLAGS], FIS_TO_HOST | FIS_INTERRUPT);
	assert_int_equal(fis[FIS_STATUS], READY | ATA_DRQ);
	assert_int_equal(fis[FIS_END_STATUS], READY);
	assert_int_equal(load_le16(fis + FIS_PIO_BYTES), 512);
	assert_int_equal(load_le32(ahci_header(bench, DISK, 0) + AHCI_HEADER_PRDBC), 512);
	/* SATA, queues of 32, logs; no result of a parallel cable's reset. */
	assert_int_equal(load_le16(data_at(bench, 2 * 75)), 31);
	assert_int_equal(load_le16(data_at(bench, 2 * 76)), 0x0106);
	assert_int_equal(load_le16(data_at(bench, 2 * 84)) & 0x20, 0x20);
	assert_int_equal(load_le16(data_at(bench, 2 * 93)), 0);
	assert_memory_equal(data_at(bench, 2 * 10), "DH0000 5", 6);
}

static void reads_and_writes_move_by_dma_and_pio(void **state)
{
	static const uint8_t reads[] = { ATA_CMD_READ_DMA_EXT, ATA_CMD_READ_SECTORS_EXT,
					 ATA_CMD_READ_MULTIPLE_EXT };
	static const uint8_t writes[] = { ATA_CMD_WRITE_DMA_EXT, ATA_CMD_WRITE_SECTORS_EXT,
					  ATA_CMD_WRITE_MULTIPLE_EXT, ATA_CMD_WRITE_DMA_FUA_EXT };
	struct ahci_bench *bench = *state;

	ahci_start_port(bench, DISK);
	for (unsigned i = 0; i < ARRAY_SIZE(reads); i++) {
		memset(data_at(bench, 0), 0, 200 * 512);
		ahci_read(bench, reads[i], 33 + i, 200);
		assert_true(
			ahci_holds_disk(bench, AHCI_BENCH_DATA, (size_t)(33 + i) * 512, 200 * 512));
		assert_int_equal(port_read(bench, DISK, AHCI_PXIS), i ? AHCI_IS_PSS : AHCI_IS_DHRS);
		assert_int_equal(load_le32(ahci_header(bench, DISK, 0) + AHCI_HEADER_PRDBC),
				 200 * 512);
		port_write(bench, DISK, AHCI_PXIS, UINT32_MAX);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(writes); i++) {
		memset(data_at(bench, 0), 0x51 + (int)i, 150 * 512);
		ahci_read(bench, writes[i], 1000, 150);
		assert_int_equal(fake_block_bytes(bench->disk)[1000 * 512], 0x51 + i);
		assert_int_equal(fake_block_bytes(bench->disk)[1150 * 512 - 1], 0x51 + i);
		assert_int_equal(fake_block_bytes(bench->disk)[1150 * 512],
				 ide_bench_disk_byte(1150 * 512));
		assert_true(port_read(bench, DISK, AHCI_PXIS) & AHCI_IS_DHRS);
	}
	assert_int_equal(fake_block_flushes(bench->disk), 1);
	assert_int_equal(port_read(bench, DISK, AHCI_PXTFD), READY);
}

static void tables_are_of_any_lengths(void **state)
{
	struct ahci_bench *bench = *state;
	unsigned at = 0, prds = 0;

	ahci_start_port(bench, DISK);
	ahci_prepare(bench, DISK, 0, ATA_CMD_READ_DMA_EXT, 7, 4, 0);
	/* Odd ones, at odd addresses, with gaps. */
	for (unsigned bytes = 1; at < 2048; bytes += 58, prds++) {
		ahci_put_prd(bench, DISK, 0, prds, AHCI_BENCH_DATA + at + 16 * prds + 1, bytes);
		at += bytes;
	}
	store_le32(ahci_header(bench, DISK, 0), 5 | prds << AHCI_HEADER_PRDTL_SHIFT);
	ahci_issue(bench, DISK, 0);
	ahci_bench_settle(bench);
	assert_int_equal(port_read(bench, DISK, AHCI_PXIS), AHCI_IS_DHRS);
	at = 0;
	for (unsigned bytes = 1, i = 0; at < 2048; bytes += 58, i++) {
		size_t here = at + bytes > 2048 ? 2048 - at : bytes;

		assert_true(ahci_holds_disk(bench, AHCI_BENCH_DATA + at + 16 * i + 1, 7 * 512 + at,
					    here));
		assert_int_equal(bench->chip->bytes[AHCI_BENCH_DATA + at + 16 * i], 0);
		at += bytes;
	}
	/* An interrupt for a descriptor, if it is asked for. */
	port_write(bench, DISK, AHCI_PXIS, UINT32_MAX);
	ahci_prepare(bench, DISK, 0, ATA_CMD_READ_DMA_EXT, 7, 1, 1);
	ahci_put_prd(bench, DISK, 0, 0, AHCI_BENCH_DATA, 512);
	ahci_table(bench, DISK, 0)[AHCI_TABLE_PRDT + 15] |= 0x80;
	ahci_issue(bench, DISK, 0);
	ahci_bench_settle(bench);
	assert_int_equal(port_read(bench, DISK, AHCI_PXIS), AHCI_IS_DHRS | AHCI_IS_DPS);
}

static void slots_take_turns(void **state)
{
	struct ahci_bench *bench = *state;

	ahci_start_port(bench, DISK);
	for (unsigned slot = 0; slot < 32; slot++) {
		ahci_prepare(bench, DISK, slot, ATA_CMD_READ_DMA_EXT, slot, 1, 1);
		ahci_put_prd(bench, DISK, slot, 0, AHCI_BENCH_DATA + 512 * slot, 512);
	}
	port_write(bench, DISK, AHCI_PXCI, UINT32_MAX);
	for (unsigned slot = 0; slot < 32; slot++) {
		/* One after the other. */
		assert_int_equal(fake_block_waiting(bench->disk), 1);
		assert_int_equal(port_read(bench, DISK, AHCI_PXCMD) >> AHCI_CMD_CCS_SHIFT & 31,
				 slot);
		assert_int_equal(port_read(bench, DISK, AHCI_PXCI), UINT32_MAX << slot);
		assert_true(port_read(bench, DISK, AHCI_PXTFD) & ATA_BSY);
		fake_block_complete(bench->disk);
	}
	assert_int_equal(port_read(bench, DISK, AHCI_PXCI), 0);
	assert_true(ahci_holds_disk(bench, AHCI_BENCH_DATA, 0, 32 * 512));
}

static void flush_and_trim_reach_the_image(void **state)
{
	struct ahci_bench *bench = *state;
	uint8_t *fis;

	ahci_start_port(bench, DISK);
	ahci_prepare(bench, DISK, 0, ATA_CMD_FLUSH_CACHE_EXT, 0, 0, 0);
	ahci_issue(bench, DISK, 0);
	assert_int_equal(port_read(bench, DISK, AHCI_PXCI), 1);
	ahci_bench_settle(bench);
	assert_int_equal(port_read(bench, DISK, AHCI_PXCI), 0);
	assert_int_equal(fake_block_flushes(bench->disk), 1);
	memset(data_at(bench, 0), 0, 512);
	store_le64(data_at(bench, 0), UINT64_C(8) | UINT64_C(2) << 48);
	fis = ahci_prepare(bench, DISK, 0, ATA_CMD_DATA_SET_MANAGEMENT, 0, 1, 1);
	fis[FIS_FEATURES] = ATA_DSM_TRIM;
	ahci_put_prd(bench, DISK, 0, 0, AHCI_BENCH_DATA, 512);
	ahci_issue(bench, DISK, 0);
	ahci_bench_settle(bench);
	assert_int_equal(port_read(bench, DISK, AHCI_PXTFD), READY);
	assert_int_equal(fake_block_bytes(bench->disk)[8 * 512], 0);
	assert_int_equal(fake_block_bytes(bench->disk)[10 * 512], ide_bench_disk_byte(10 * 512));
}

static void failed_commands_stop_the_port(void **state)
{
	struct ahci_bench *bench = *state;
	const uint8_t *fis = ahci_frame(bench, DISK, AHCI_RECEIVED_REGISTERS);

	ahci_start_port(bench, DISK);
	fake_block_fail(bench->disk, -EIO, 1);
	ahci_read(bench, ATA_CMD_READ_DMA_EXT, 77, 1);
	assert_int_equal(port_read(bench, DISK, AHCI_PXIS), AHCI_IS_TFES | AHCI_IS_DHRS);
	assert_int_equal(port_read(bench, DISK, AHCI_PXTFD), (uint32_t)ATA_UNC << 8 | FAILED);
	assert_int_equal(port_read(bench, DISK, AHCI_PXCI), 1);
	assert_int_equal(fis[FIS_LBA_LOW], 77);
	assert_true(bench->intx);
	/* Nothing more is fetched until the list has been stopped and started. */
	ahci_prepare(bench, DISK, 1, ATA_CMD_FLUSH_CACHE_EXT, 0, 0, 0);
	ahci_issue(bench, DISK, 1);
	ahci_bench_settle(bench);
	assert_int_equal(port_read(bench, DISK, AHCI_PXCI), 3);
	port_write(bench, DISK, AHCI_PXCMD, AHCI_CMD_FRE);
	assert_int_equal(port_read(bench, DISK, AHCI_PXCI), 0);
	port_write(bench, DISK, AHCI_PXCMD, STARTED);
	ahci_issue(bench, DISK, 1);
	ahci_bench_settle(bench);
	assert_int_equal(port_read(bench, DISK, AHCI_PXCI), 0);
	assert_int_equal(port_read(bench, DISK, AHCI_PXTFD), READY);
}

static void a_short_table_is_an_overflow(void **state)
{
	static const uint8_t opcodes[] = { ATA_CMD_READ_DMA_EXT, ATA_CMD_READ_SECTORS_EXT,
					   ATA_CMD_IDENTIFY };
	struct ahci_bench *bench = *state;

	for (unsigned i = 0; i < ARRAY_SIZE(opcodes); i++) {
		ahci_start_port(bench, DISK);
		ahci_prepare(bench, DISK, 0, opcodes[i], 0, 1, 1);
		ahci_put_prd(bench, DISK, 0, 0, AHCI_BENCH_DATA, 500);
		ahci_issue(bench, DISK, 0);
		ahci_bench_settle(bench);
		assert_true(port_read(bench, DISK, AHCI_PXIS) & AHCI_IS_OFS);
		assert_true(port_read(bench, DISK, AHCI_PXIS) & AHCI_IS_TFES);
		assert_int_equal(port_read(bench, DISK, AHCI_PXTFD) & 0xff, FAILED);
		assert_int_equal(*data_at(bench, 500), 0);
		port_write(bench, DISK, AHCI_PXCMD, 0);
	}
}

static void unknown_commands_are_aborted(void **state)
{
	struct ahci_bench *bench = *state;

	ahci_start_port(bench, DISK);
	ahci_prepare(bench, DISK, 0, 0xff, 0, 0, 0);
	ahci_issue(bench, DISK, 0);
	assert_int_equal(port_read(bench, DISK, AHCI_PXTFD), (uint32_t)ATA_ABRT << 8 | FAILED);
	assert_true(port_read(bench, DISK, AHCI_PXIS) & AHCI_IS_TFES);
}

/* CD-ROM. */

static void packets_read_a_cd(void **state)
{
	static const uint8_t ready[12] = { ATAPI_TEST_UNIT_READY };
	static const uint8_t inquiry[12] = { ATAPI_INQUIRY, 0, 0, 0, 36 };
	static const uint8_t read_10[12] = { ATAPI_READ_10, 0, 0, 0, 0, 5, 0, 0, 8 };
	struct ahci_bench *bench = *state;

	ahci_start_port(bench, CDROM);
	ahci_packet(bench, ready, false, 0);
	assert_int_equal(port_read(bench, CDROM, AHCI_PXTFD), READY);
	assert_true(port_read(bench, CDROM, AHCI_PXIS) & AHCI_IS_DHRS);
	ahci_packet(bench, inquiry, false, 36);
	assert_int_equal(*data_at(bench, 0), 5);
	assert_int_equal(load_le32(ahci_header(bench, CDROM, 0) + AHCI_HEADER_PRDBC), 36);
	for (unsigned dma = 0; dma < 2; dma++) {
		memset(data_at(bench, 0), 0, 8 * 2048);
		ahci_packet(bench, read_10, dma, 8 * 2048);
		for (size_t i = 0; i < 8 * 2048; i++)
			assert_int_equal(*data_at(bench, (uint32_t)i),
					 ide_bench_cd_byte(5 * 2048 + i));
		assert_int_equal(port_read(bench, CDROM, AHCI_PXCI), 0);
	}
	assert_int_equal(port_read(bench, CDROM, AHCI_PXTFD), READY);
}

static void a_failed_packet_has_sense(void **state)
{
	static const uint8_t far[12] = { ATAPI_READ_10, 0, 0, 9, 0, 0, 0, 0, 1 };
	static const uint8_t sense[12] = { ATAPI_REQUEST_SENSE, 0, 0, 0, 18 };
	struct ahci_bench *bench = *state;

	ahci_start_port(bench, CDROM);
	ahci_packet(bench, far, true, 2048);
	assert_true(port_read(bench, CDROM, AHCI_PXTFD) & ATA_CHK);
	assert_true(port_read(bench, CDROM, AHCI_PXIS) & AHCI_IS_TFES);
	port_write(bench, CDROM, AHCI_PXCMD, AHCI_CMD_FRE);
	port_write(bench, CDROM, AHCI_PXCMD, STARTED);
	ahci_packet(bench, sense, false, 18);
	assert_int_equal(*data_at(bench, 2), SENSE_ILLEGAL_REQUEST);
}

static void device_reset_gives_the_signature(void **state)
{
	struct ahci_bench *bench = *state;

	ahci_start_port(bench, CDROM);
	ahci_prepare(bench, CDROM, 0, ATA_CMD_DEVICE_RESET, 0, 0, 0);
	ahci_issue(bench, CDROM, 0);
	assert_int_equal(port_read(bench, CDROM, AHCI_PXCI), 0);
	assert_int_equal(ahci_frame(bench, CDROM, AHCI_RECEIVED_REGISTERS)[FIS_LBA_MID], 0x14);
}

/* Resets and the link. */

static void send_control(struct ahci_bench *bench, unsigned slot, uint8_t control)
{
	uint8_t *fis = ahci_prepare(bench, DISK, slot, 0, 0, 0, 0);

	fis[FIS_FLAGS] = 0;
	fis[FIS_CONTROL] = control;
	ahci_issue(bench, DISK, slot);
}

static void software_reset_is_two_frames(void **state)
{
	struct ahci_bench *bench = *state;
	uint8_t *fis = ahci_frame(bench, DISK, AHCI_RECEIVED_REGISTERS);

	ahci_start_port(bench, DISK);
	fis[FIS_TYPE] = 0;
	send_control(bench, 0, ATA_SRST);
	assert_int_equal(port_read(bench, DISK, AHCI_PXCI), 0);
	assert_int_equal(fis[FIS_TYPE], 0);
	send_control(bench, 1, 0);
	assert_int_equal(port_read(bench, DISK, AHCI_PXCI), 0);
	assert_int_equal(fis[FIS_TYPE], FIS_REGISTERS);
	assert_int_equal(fis[FIS_FLAGS], 0);
	assert_int_equal(port_read(bench, DISK, AHCI_PXTFD), 0x100 | READY);
	ahci_read(bench, ATA_CMD_READ_DMA_EXT, 3, 1);
	assert_true(ahci_holds_disk(bench, AHCI_BENCH_DATA, 3 * 512, 512));
}

static void comreset_brings_the_link_up_anew(void **state)
{
	struct ahci_bench *bench = *state;

	ahci_start_port(bench, DISK);
	port_write(bench, DISK, AHCI_PXCMD, AHCI_CMD_FRE);
	port_write(bench, DISK, AHCI_PXSCTL, 0x301);
	assert_int_equal(port_read(bench, DISK, AHCI_PXSSTS), 0);
	assert_int_equal(port_read(bench, DISK, AHCI_PXTFD), 0x7f);
	port_write(bench, DISK, AHCI_PXSCTL, 0x300);
	assert_int_equal(port_read(bench, DISK, AHCI_PXSSTS), 0x123);
	assert_int_equal(port_read(bench, DISK, AHCI_PXSERR), AHCI_SERR_X | AHCI_SERR_N);
	assert_int_equal(port_read(bench, DISK, AHCI_PXIS), AHCI_IS_PCS | AHCI_IS_PRCS);
	assert_int_equal(port_read(bench, DISK, AHCI_PXTFD), 0x100 | READY);
	/* These bits are PxSERR's. */
	port_write(bench, DISK, AHCI_PXIS, UINT32_MAX);
	assert_int_equal(port_read(bench, DISK, AHCI_PXIS), AHCI_IS_PCS | AHCI_IS_PRCS);
	port_write(bench, DISK, AHCI_PXSERR, AHCI_SERR_X);
	assert_int_equal(port_read(bench, DISK, AHCI_PXIS), AHCI_IS_PRCS);
	/* Slower, off, and on again. */
	port_write(bench, DISK, AHCI_PXSCTL, 0x311);
	port_write(bench, DISK, AHCI_PXSCTL, 0x310);
	assert_int_equal(port_read(bench, DISK, AHCI_PXSSTS), 0x113);
	port_write(bench, DISK, AHCI_PXSCTL, 0x304);
	assert_int_equal(port_read(bench, DISK, AHCI_PXSSTS), 4);
	port_write(bench, NOTHING, AHCI_PXSCTL, 0x301);
	port_write(bench, NOTHING, AHCI_PXSCTL, 0x300);
	assert_int_equal(port_read(bench, NOTHING, AHCI_PXSSTS), 0);
}

static void comreset_leaves_the_tray_alone(void **state)
{
	struct ahci_bench *bench = *state;

	bench->slot.eject_requested(bench->slot.opaque, true);
	port_write(bench, CDROM, AHCI_PXSCTL, 1);
	port_write(bench, CDROM, AHCI_PXSCTL, 0);
	assert_true(bench->slot.is_tray_open(bench->slot.opaque));
}

static void a_stuck_drive_is_freed_by_clo(void **state)
{
	struct ahci_bench *bench = *state;

	ahci_start_port(bench, DISK);
	ahci_prepare(bench, DISK, 0, ATA_CMD_READ_DMA_EXT, 1, 1, 1);
	ahci_put_prd(bench, DISK, 0, 0, AHCI_BENCH_DATA, 512);
	ahci_issue(bench, DISK, 0);
	port_write(bench, DISK, AHCI_PXCMD, AHCI_CMD_FRE);
	assert_true(port_read(bench, DISK, AHCI_PXTFD) & ATA_BSY);
	port_write(bench, DISK, AHCI_PXCMD, AHCI_CMD_FRE | AHCI_CMD_CLO);
	assert_false(port_read(bench, DISK, AHCI_PXTFD) & ATA_BSY);
	assert_false(port_read(bench, DISK, AHCI_PXCMD) & AHCI_CMD_CLO);
	port_write(bench, DISK, AHCI_PXCMD, STARTED);
	ahci_read(bench, ATA_CMD_READ_DMA_EXT, 3, 1);
	assert_true(ahci_holds_disk(bench, AHCI_BENCH_DATA, 3 * 512, 512));
}

static void detached_drives_are_gone(void **state)
{
	struct ahci_bench *bench = *state;

	ahci_start_port(bench, DISK);
	ahci_prepare(bench, DISK, 0, ATA_CMD_READ_DMA_EXT, 1, 1, 1);
	ahci_put_prd(bench, DISK, 0, 0, AHCI_BENCH_DATA, 512);
	ahci_issue(bench, DISK, 0);
	ahci_detach(bench->ahci, DISK);
	assert_int_equal(fake_block_waiting(bench->disk), 0);
	assert_null(ahci_drive(bench->ahci, DISK));
	assert_int_equal(port_read(bench, DISK, AHCI_PXSSTS), 0);
	assert_true(port_read(bench, DISK, AHCI_PXIS) & AHCI_IS_PRCS);
	ahci_issue(bench, DISK, 1);
	assert_true(bench_round_trip(&bench->ahci->device));
}

/* Interrupts. */

static void interrupts_pass_two_gates(void **state)
{
	struct ahci_bench *bench = *state;

	ahci_start_port(bench, DISK);
	port_write(bench, DISK, AHCI_PXIE, AHCI_IS_PSS);
	ahci_read(bench, ATA_CMD_READ_DMA_EXT, 0, 1);
	assert_int_equal(hba_read(bench, AHCI_IS), 0);
	assert_false(bench->intx);
	port_write(bench, DISK, AHCI_PXIE, AHCI_IS_DHRS);
	assert_int_equal(hba_read(bench, AHCI_IS), 1);
	assert_true(bench->intx);
	hba_write(bench, AHCI_GHC, AHCI_GHC_AE);
	assert_false(bench->intx);
	hba_write(bench, AHCI_GHC, AHCI_GHC_AE | AHCI_GHC_IE);
	assert_true(bench->intx);
	/* The adapter's bit comes back as long as the port has a reason. */
	hba_write(bench, AHCI_IS, 1);
	assert_int_equal(hba_read(bench, AHCI_IS), 1);
	port_write(bench, DISK, AHCI_PXIS, AHCI_IS_DHRS);
	assert_int_equal(hba_read(bench, AHCI_IS), 1);
	assert_true(bench->intx);
	hba_write(bench, AHCI_IS, 1);
	assert_false(bench->intx);
}

static void without_bus_mastering_commands_wait(void **state)
{
	struct ahci_bench *bench = *state;

	ahci_start_port(bench, DISK);
	bench_config_write(bench->chip, AHCI_BENCH_SLOT, 0, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	ahci_prepare(bench, DISK, 0, ATA_CMD_READ_DMA_EXT, 3, 1, 1);
	ahci_put_prd(bench, DISK, 0, 0, AHCI_BENCH_DATA, 512);
	ahci_issue(bench, DISK, 0);
	assert_int_equal(fake_block_started(bench->disk), 0);
	bench_config_write(bench->chip, AHCI_BENCH_SLOT, 0, PCI_COMMAND,
			   PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
	ahci_bench_settle(bench);
	assert_true(ahci_holds_disk(bench, AHCI_BENCH_DATA, 3 * 512, 512));
}

/* Saved state. */

static void state_survives(void **state)
{
	struct ahci_bench *bench = *state;

	assert_true(bench_round_trip(&bench->ahci->device));
	ahci_start_port(bench, DISK);
	ahci_prepare(bench, DISK, 3, ATA_CMD_READ_SECTORS_EXT, 1, 300, 1);
	ahci_put_prd(bench, DISK, 3, 0, AHCI_BENCH_DATA, 300 * 512);
	ahci_issue(bench, DISK, 3);
	bench->ahci->device.class->quiesce(bench->ahci);
	assert_true(bench_round_trip(&bench->ahci->device));
	assert_true(ahci_holds_disk(bench, AHCI_BENCH_DATA, 512, 300 * 512));
}

/* Xen's toolstack gives a device model in its cage a file of no more than 256 KiB. */
static void an_idle_adapter_is_saved_in_a_few_kib(void **state)
{
	struct ahci_bench *bench = *state;
	struct state_writer writer;
	struct device_list list;

	ahci_start_port(bench, DISK);
	ahci_read(bench, ATA_CMD_READ_SECTORS_EXT, 0, 200);
	device_list_init(&list);
	device_add(&list, &bench->ahci->device);
	state_writer_init(&writer);
	device_quiesce_all(&list);
	device_save_all(&list, &writer);
	print_message("%zu bytes\n", writer.length);
	assert_true(writer.length < 32 << 10);
	state_writer_finish(&writer);
	device_remove(&bench->ahci->device);
}

static struct ahci_bench *move_to_another(struct ahci_bench *bench)
{
	struct ahci_bench *other = ahci_bench_create();
	struct state_writer writer;
	struct device_list list, other_list;

	device_list_init(&list);
	device_list_init(&other_list);
	device_add(&list, &bench->ahci->device);
	device_add(&other_list, &other->ahci->device);
	state_writer_init(&writer);
	device_quiesce_all(&list);
	device_save_all(&list, &writer);
	memcpy(other->chip->bytes, bench->chip->bytes, BENCH_RAM_BYTES);
	assert_int_equal(device_load_all(&other_list, writer.bytes, writer.length, NULL), 0);
	assert_int_equal(fake_block_started(other->disk), 0);
	device_resume_all(&other_list);
	state_writer_finish(&writer);
	device_remove(&bench->ahci->device);
	device_remove(&other->ahci->device);
	fake_block_hold(bench->disk, false);
	fake_block_hold(bench->slot.block, false);
	return other;
}

static void held_commands_go_on_elsewhere(void **state)
{
	static const uint8_t opcodes[] = { ATA_CMD_WRITE_DMA_EXT, ATA_CMD_WRITE_SECTORS_EXT };
	struct ahci_bench *bench = *state, *other;

	for (unsigned i = 0; i < ARRAY_SIZE(opcodes); i++) {
		ahci_start_port(bench, DISK);
		memset(data_at(bench, 0), 0x71 + (int)i, 200 * 512);
		fake_block_hold(bench->disk, true);
		ahci_prepare(bench, DISK, 9, opcodes[i], 40, 200, 1);
		ahci_put_prd(bench, DISK, 9, 0, AHCI_BENCH_DATA, 200 * 512);
		ahci_prepare(bench, DISK, 10, ATA_CMD_FLUSH_CACHE_EXT, 0, 0, 0);
		port_write(bench, DISK, AHCI_PXCI, BIT(9) | BIT(10));
		other = move_to_another(bench);
		assert_int_equal(port_read(other, DISK, AHCI_PXCI), BIT(9) | BIT(10));
		ahci_bench_settle(other);
		assert_int_equal(port_read(other, DISK, AHCI_PXCI), 0);
		assert_int_equal(fake_block_bytes(other->disk)[40 * 512], 0x71 + i);
		assert_int_equal(fake_block_bytes(other->disk)[240 * 512 - 1], 0x71 + i);
		assert_int_equal(fake_block_flushes(other->disk), 1);
		assert_true(other->intx);
		ahci_bench_destroy(other);
		port_write(bench, DISK, AHCI_PXCMD, 0);
		port_write(bench, DISK, AHCI_PXCMD, AHCI_CMD_CLO);
	}
}

static void held_queued_commands_go_on_elsewhere(void **state)
{
	struct ahci_bench *bench = *state, *other;

	ahci_start_port(bench, DISK);
	memset(data_at(bench, 0), 0x77, 4096);
	fake_block_hold(bench->disk, true);
	for (unsigned slot = 0; slot < 32; slot++) {
		ahci_prepare_queued(bench, slot, slot & 1, 100 + 8 * slot, 8, 1);
		ahci_put_prd(bench, DISK, slot, 0,
			     AHCI_BENCH_DATA + 4096 * (slot & 1 ? 0 : slot + 1), 4096);
	}
	port_write(bench, DISK, AHCI_PXSACT, UINT32_MAX);
	port_write(bench, DISK, AHCI_PXCI, UINT32_MAX);
	assert_int_equal(port_read(bench, DISK, AHCI_PXCI), 0);
	other = move_to_another(bench);
	assert_int_equal(port_read(other, DISK, AHCI_PXSACT), UINT32_MAX);
	ahci_bench_settle(other);
	assert_int_equal(port_read(other, DISK, AHCI_PXSACT), 0);
	assert_true(ahci_holds_disk(other, AHCI_BENCH_DATA + 4096 * 3, 116 * 512, 4096));
	assert_int_equal(fake_block_bytes(other->disk)[108 * 512], 0x77);
	ahci_bench_destroy(other);
}

static void damaged_state_is_refused(void **state)
{
	struct ahci_bench *bench = *state;
	struct ahci_port_state *port = &bench->ahci->state.ports[DISK];
	struct ahci_port_state good = *port;
	struct device *device = &bench->ahci->device;

#define REFUSES(change)                                   \
	do {                                              \
		*port = good;                             \
		change;                                   \
		assert_true(bench_refuses_state(device)); \
	} while (0)
	REFUSES(port->list = 5);
	REFUSES(port->frames = 128);
	REFUSES(port->slot = 32);
	REFUSES(port->running = 1);
	REFUSES(port->channel.transfer.phase = IDE_DATA_IN);
	REFUSES(port->channel.selected = 1);
	REFUSES(port->cmd = AHCI_CMD_CR);
	REFUSES(port->slot_flags[3] = AHCI_SLOT_WRITE);
	REFUSES(port->slot_flags[3] = AHCI_SLOT_ACTIVE);
	REFUSES(port->slot_flags[3] = AHCI_SLOT_ACTIVE; port->slot_sectors[3] = 2;
		port->slot_lba[3] = IDE_BENCH_DISK_SECTORS - 1);
	REFUSES(port->slot_flags[3] = AHCI_SLOT_ACTIVE; port->slot_sectors[3] = 2;
		port->slot_prdt[3] = 64);
	REFUSES(bench->ahci->state.ports[CDROM].slot_flags[0] = AHCI_SLOT_ACTIVE;
		bench->ahci->state.ports[CDROM].slot_sectors[0] = 1);
	bench->ahci->state.ports[CDROM].slot_flags[0] = 0;
	REFUSES(bench->ahci->state.ports[NOTHING].ssts = AHCI_DET_UP);
#undef REFUSES
}

#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_BENCH(it_is_an_ich9_in_ahci_mode),
		WITH_BENCH(narrow_accesses_touch_their_bytes_alone),
		WITH_BENCH(ports_show_who_is_there),
		WITH_BENCH(starting_and_stopping_shows),
		WITH_BENCH(adapter_reset_keeps_addresses_only),
		WITH_BENCH(identify_comes_by_pio),
		WITH_BENCH(reads_and_writes_move_by_dma_and_pio),
		WITH_BENCH(tables_are_of_any_lengths),
		WITH_BENCH(slots_take_turns),
		WITH_BENCH(flush_and_trim_reach_the_image),
		WITH_BENCH(failed_commands_stop_the_port),
		WITH_BENCH(a_short_table_is_an_overflow),
		WITH_BENCH(unknown_commands_are_aborted),
		WITH_BENCH(packets_read_a_cd),
		WITH_BENCH(a_failed_packet_has_sense),
		WITH_BENCH(device_reset_gives_the_signature),
		WITH_BENCH(software_reset_is_two_frames),
		WITH_BENCH(comreset_brings_the_link_up_anew),
		WITH_BENCH(comreset_leaves_the_tray_alone),
		WITH_BENCH(a_stuck_drive_is_freed_by_clo),
		WITH_BENCH(detached_drives_are_gone),
		WITH_BENCH(interrupts_pass_two_gates),
		WITH_BENCH(without_bus_mastering_commands_wait),
		WITH_BENCH(state_survives),
		WITH_BENCH(an_idle_adapter_is_saved_in_a_few_kib),
		WITH_BENCH(held_commands_go_on_elsewhere),
		WITH_BENCH(held_queued_commands_go_on_elsewhere),
		WITH_BENCH(damaged_state_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
