// SPDX-License-Identifier: GPL-2.0-or-later
/* The 82077AA with two drives, as drivers and hostile guests use it. */
#include <errno.h>

#include "tests/lib/isa_bench_save.h"

#include "tests/lib/floppy_bench.h"

enum {
	SECTOR = FLOPPY_SECTOR_BYTES,
	DOR = FLOPPY_BASE + FLOPPY_DOR,
	MSR = FLOPPY_BASE + FLOPPY_MSR,
	DSR = FLOPPY_BASE + FLOPPY_DSR,
	FIFO = FLOPPY_BASE + FLOPPY_FIFO,
	DIR = FLOPPY_BASE + FLOPPY_DIR,
	CCR = FLOPPY_BASE + FLOPPY_CCR,
	DOR_ON = 0x1c, /* drive 0 with its motor, interrupt and DMA */
	READ_MFM = FLOPPY_READ | FLOPPY_COMMAND_MFM,
	READ_BOTH = FLOPPY_READ | FLOPPY_COMMAND_MFM | FLOPPY_COMMAND_MT,
	WRITE_MFM = FLOPPY_WRITE | FLOPPY_COMMAND_MFM,
	FORMAT_MFM = FLOPPY_FORMAT_TRACK | FLOPPY_COMMAND_MFM,
	MOMENT_NS = 1000000,
};

static uint8_t *sector_at(struct floppy_bench *b, unsigned cylinder, unsigned head, unsigned sector)
{
	return fake_block_bytes(b->slots[0].block) +
	       ((size_t)(cylinder * 2 + head) * 18 + sector - 1) * SECTOR;
}

static bool irq_is_up(struct floppy_bench *b)
{
	return b->bench.wires[FLOPPY_IRQ].level;
}

static void say(struct floppy_bench *b, const uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(bench_in(&b->bench, MSR) & 0xc0, FLOPPY_MSR_REQUEST);
		bench_out(&b->bench, FIFO, bytes[i]);
	}
}

#define SAY(b, ...)                                       \
	do {                                              \
		const uint8_t bytes_[] = { __VA_ARGS__ }; \
		say(b, bytes_, sizeof(bytes_));           \
	} while (0)

static void expect(struct floppy_bench *b, const uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(bench_in(&b->bench, MSR) & 0xd0, 0xd0);
		assert_int_equal(bench_in(&b->bench, FIFO), bytes[i]);
	}
	assert_int_equal(bench_in(&b->bench, MSR) & 0xd0, FLOPPY_MSR_REQUEST);
}

#define EXPECT(b, ...)                                    \
	do {                                              \
		const uint8_t bytes_[] = { __VA_ARGS__ }; \
		expect(b, bytes_, sizeof(bytes_));        \
	} while (0)

static void disk(struct floppy_bench *b)
{
	fake_block_complete_all(b->slots[0].block);
}

/** Out of reset, 500 kbit/s, the four interrupts of polling fetched, heads on track 0. */
static void start(struct floppy_bench *b)
{
	floppy_bench_init(b);
	bench_out(&b->bench, DOR, DOR_ON);
	bench_out(&b->bench, CCR, FLOPPY_RATE_500K);
	for (uint8_t unit = 0; unit < FLOPPY_UNITS; unit++) {
		SAY(b, FLOPPY_SENSE_INTERRUPT);
		EXPECT(b, (uint8_t)(FLOPPY_ST0_POLLING | unit), 0);
	}
	SAY(b, FLOPPY_SPECIFY, 0xdf, 0x02);
	bench_edges(&b->bench, FLOPPY_IRQ);
}

static void seek(struct floppy_bench *b, uint8_t track)
{
	SAY(b, FLOPPY_SEEK, 0, track);
	bench_step(&b->bench, MOMENT_NS);
	SAY(b, FLOPPY_SENSE_INTERRUPT);
	EXPECT(b, FLOPPY_ST0_SEEK_END, track);
}

static void fill(struct floppy_bench *b)
{
	uint8_t *bytes = fake_block_bytes(b->slots[0].block);

	for (size_t i = 0; i < FLOPPY_BENCH_BYTES; i++)
		bytes[i] = (uint8_t)(i / SECTOR * 7 + i);
}

static void a_reset_is_told_by_polling(void **state)
{
	struct floppy_bench b;

	(void)state;
	floppy_bench_init(&b);
	assert_int_equal(bench_in(&b.bench, MSR), 0);
	bench_out(&b.bench, FIFO, FLOPPY_VERSION); /* nobody listens while reset is held */
	bench_out(&b.bench, DOR, DOR_ON);
	assert_true(irq_is_up(&b));
	SAY(&b, FLOPPY_SENSE_INTERRUPT);
	EXPECT(&b, FLOPPY_ST0_POLLING, 0);
	assert_false(irq_is_up(&b));
	bench_out(&b.bench, DSR, FLOPPY_DSR_RESET);
	assert_true(irq_is_up(&b));
	bench_out(&b.bench, DOR, DOR_ON & ~FLOPPY_DOR_DMA_GATE);
	assert_false(irq_is_up(&b));
	floppy_bench_finish(&b);
}

static void says_what_it_is(void **state)
{
	struct floppy_bench b;

	(void)state;
	start(&b);
	SAY(&b, FLOPPY_VERSION);
	EXPECT(&b, FLOPPY_VERSION_ENHANCED);
	SAY(&b, FLOPPY_LOCK | FLOPPY_COMMAND_MT);
	EXPECT(&b, 0x10);
	SAY(&b, FLOPPY_CONFIGURE, 0, 0x47, 0x11);
	bench_out(&b.bench, DSR, FLOPPY_DSR_RESET);
	SAY(&b, FLOPPY_DUMP_REGISTERS);
	EXPECT(&b, 0, 0, 0, 0, 0xdf, 0x02, 0, 0x80, 0x47, 0x11);
	SAY(&b, FLOPPY_LOCK);
	EXPECT(&b, 0);
	SAY(&b, 0x18); /* PART ID: of the 82078 */
	EXPECT(&b, FLOPPY_ST0_INVALID);
	SAY(&b, FLOPPY_SENSE_INTERRUPT);
	EXPECT(&b, FLOPPY_ST0_POLLING, 0);
	floppy_bench_finish(&b);
}

static void seeks_and_finds_track_0(void **state)
{
	struct floppy_bench b;

	(void)state;
	start(&b);
	SAY(&b, FLOPPY_SEEK, 0, 40);
	assert_int_equal(bench_in(&b.bench, MSR) & 1, 1);
	assert_false(irq_is_up(&b));
	bench_step(&b.bench, MOMENT_NS);
	assert_true(irq_is_up(&b));
	SAY(&b, FLOPPY_SENSE_INTERRUPT);
	EXPECT(&b, FLOPPY_ST0_SEEK_END, 40);
	SAY(&b, FLOPPY_SENSE_DRIVE, 0);
	EXPECT(&b, FLOPPY_ST3_FIXED);
	SAY(&b, FLOPPY_RELATIVE_SEEK, 0, 3);
	bench_step(&b.bench, MOMENT_NS);
	SAY(&b, FLOPPY_SENSE_INTERRUPT);
	EXPECT(&b, FLOPPY_ST0_SEEK_END, 37);
	SAY(&b, FLOPPY_RECALIBRATE, 0);
	bench_step(&b.bench, MOMENT_NS);
	SAY(&b, FLOPPY_SENSE_INTERRUPT);
	EXPECT(&b, FLOPPY_ST0_SEEK_END, 0);
	SAY(&b, FLOPPY_SENSE_DRIVE, 0);
	EXPECT(&b, FLOPPY_ST3_FIXED | FLOPPY_ST3_TRACK_0);
	SAY(&b, FLOPPY_RECALIBRATE, 3);
	bench_step(&b.bench, MOMENT_NS);
	SAY(&b, FLOPPY_SENSE_INTERRUPT);
	EXPECT(&b, FLOPPY_ST0_SEEK_END | FLOPPY_ST0_ABNORMAL | FLOPPY_ST0_EQUIPMENT | 3, 0);
	floppy_bench_finish(&b);
}

static void reads_by_dma_until_terminal_count(void **state)
{
	struct floppy_bench b;

	(void)state;
	start(&b);
	fill(&b);
	seek(&b, 2);
	floppy_bench_dma(&b, 3 * SECTOR);
	bench_edges(&b.bench, FLOPPY_IRQ);
	SAY(&b, READ_MFM, 0x04, 2, 1, 5, 2, 18, 0x1b, 0xff);
	assert_int_equal(bench_in(&b.bench, MSR), FLOPPY_MSR_BUSY);
	disk(&b);
	assert_int_equal(bench_edges(&b.bench, FLOPPY_IRQ), 1);
	EXPECT(&b, 0x04, 0, 0, 2, 1, 8, 2);
	assert_memory_equal(b.memory, sector_at(&b, 2, 1, 5), 3 * SECTOR);
	floppy_bench_finish(&b);
}

static void reads_on_at_the_other_side(void **state)
{
	struct floppy_bench b;

	(void)state;
	start(&b);
	fill(&b);
	seek(&b, 0);
	floppy_bench_dma(&b, 36 * SECTOR);
	SAY(&b, READ_BOTH, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
	disk(&b);
	EXPECT(&b, 0x04, 0, 0, 1, 0, 1, 2);
	assert_memory_equal(b.memory, sector_at(&b, 0, 0, 1), 36 * SECTOR);
	/* Without MT the side's end is an error unless the count ends there. */
	floppy_bench_dma(&b, 36 * SECTOR);
	SAY(&b, READ_MFM, 0, 0, 0, 17, 2, 18, 0x1b, 0xff);
	disk(&b);
	EXPECT(&b, FLOPPY_ST0_ABNORMAL, FLOPPY_ST1_END, 0, 1, 0, 1, 2);
	floppy_bench_finish(&b);
}

static void writes_and_fills_the_last_sector(void **state)
{
	struct floppy_bench b;
	uint8_t zeros[SECTOR - 100] = { 0 };

	(void)state;
	start(&b);
	fill(&b);
	seek(&b, 79);
	memset(b.memory, 0x5a, sizeof(b.memory));
	floppy_bench_dma(&b, SECTOR + 100);
	SAY(&b, WRITE_MFM, 0, 79, 0, 18 - 1, 2, 18, 0x1b, 0xff);
	disk(&b);
	EXPECT(&b, 0, 0, 0, 80, 0, 1, 2);
	assert_memory_equal(sector_at(&b, 79, 0, 17), b.memory, SECTOR + 100);
	assert_memory_equal(sector_at(&b, 79, 0, 18) + 100, zeros, sizeof(zeros));
	floppy_bench_finish(&b);
}

static void moves_bytes_without_dma(void **state)
{
	struct floppy_bench b;

	(void)state;
	start(&b);
	fill(&b);
	seek(&b, 0);
	SAY(&b, FLOPPY_SPECIFY, 0xdf, 0x03);
	bench_edges(&b.bench, FLOPPY_IRQ);
	SAY(&b, READ_MFM, 0, 0, 0, 1, 2, 1, 0x1b, 0xff);
	disk(&b);
	for (unsigned i = 0; i < SECTOR; i++) {
		assert_int_equal(bench_in(&b.bench, MSR), 0xf0);
		assert_int_equal(bench_in(&b.bench, FIFO), sector_at(&b, 0, 0, 1)[i]);
	}
	/* Nobody says terminal count. */
	EXPECT(&b, FLOPPY_ST0_ABNORMAL, FLOPPY_ST1_END, 0, 1, 0, 1, 2);
	SAY(&b, WRITE_MFM, 0, 0, 0, 3, 2, 3, 0x1b, 0xff);
	for (unsigned i = 0; i < SECTOR; i++) {
		assert_int_equal(bench_in(&b.bench, MSR), 0xb0);
		bench_out(&b.bench, FIFO, 0x11);
	}
	disk(&b);
	EXPECT(&b, FLOPPY_ST0_ABNORMAL, FLOPPY_ST1_END, 0, 1, 0, 1, 2);
	assert_int_equal(sector_at(&b, 0, 0, 3)[511], 0x11);
	floppy_bench_finish(&b);
}

static void formats_a_track(void **state)
{
	struct floppy_bench b;

	(void)state;
	start(&b);
	fill(&b);
	seek(&b, 1);
	for (unsigned i = 0; i < 18; i++) {
		const uint8_t id[] = { 1, 1, (uint8_t)(i + 1), 2 };

		memcpy(b.memory + sizeof(id) * i, id, sizeof(id));
	}
	floppy_bench_dma(&b, sizeof(struct floppy_id) * 18);
	SAY(&b, FORMAT_MFM, 0x04, 2, 18, 0x6c, 0xf6);
	disk(&b);
	EXPECT(&b, 0x04, 0, 0, 1, 1, 18, 2);
	for (unsigned i = 0; i < 18 * SECTOR; i++)
		assert_int_equal(sector_at(&b, 1, 1, 1)[i], 0xf6);
	assert_int_not_equal(sector_at(&b, 1, 0, 18)[0], 0xf6);
	assert_int_not_equal(sector_at(&b, 2, 0, 1)[0], 0xf6);
	/* An image keeps its layout. */
	SAY(&b, FORMAT_MFM, 0x04, 2, 9, 0x6c, 0xf6);
	EXPECT(&b, FLOPPY_ST0_ABNORMAL | 4, FLOPPY_ST1_MISSING_MARK, 0, 2, 9, 0x6c, 0xf6);
	floppy_bench_finish(&b);
}

static void what_is_not_there_is_not_found(void **state)
{
	struct floppy_bench b;

	(void)state;
	start(&b);
	seek(&b, 5);
	floppy_bench_dma(&b, SECTOR);
	SAY(&b, READ_MFM, 0, 6, 0, 1, 2, 18, 0x1b, 0xff);
	EXPECT(&b, FLOPPY_ST0_ABNORMAL, FLOPPY_ST1_NO_DATA, FLOPPY_ST2_WRONG_CYLINDER, 6, 0, 1, 2);
	SAY(&b, READ_MFM, 0, 5, 0, 19, 2, 19, 0x1b, 0xff);
	EXPECT(&b, FLOPPY_ST0_ABNORMAL, FLOPPY_ST1_NO_DATA, 0, 5, 0, 19, 2);
	SAY(&b, READ_MFM, 0, 5, 0, 0, 2, 18, 0x1b, 0xff);
	EXPECT(&b, FLOPPY_ST0_ABNORMAL, FLOPPY_ST1_NO_DATA, 0, 5, 0, 0, 2);
	SAY(&b, READ_MFM, 0, 5, 0, 1, 3, 18, 0x1b, 0xff);
	EXPECT(&b, FLOPPY_ST0_ABNORMAL, FLOPPY_ST1_NO_DATA, 0, 5, 0, 1, 3);
	/* The rate of another density */
	bench_out(&b.bench, CCR, FLOPPY_RATE_250K);
	SAY(&b, READ_MFM, 0, 5, 0, 1, 2, 18, 0x1b, 0xff);
	EXPECT(&b, FLOPPY_ST0_ABNORMAL, FLOPPY_ST1_MISSING_MARK, 0, 5, 0, 1, 2);
	SAY(&b, FLOPPY_READ_ID | FLOPPY_COMMAND_MFM, 0);
	bench_step(&b.bench, MOMENT_NS);
	EXPECT(&b, FLOPPY_ST0_ABNORMAL, FLOPPY_ST1_MISSING_MARK, 0, 5, 0, 1, 2);
	bench_out(&b.bench, CCR, FLOPPY_RATE_500K);
	SAY(&b, FLOPPY_READ_ID | FLOPPY_COMMAND_MFM, 4);
	bench_step(&b.bench, MOMENT_NS);
	EXPECT(&b, 4, 0, 0, 5, 1, 1, 2);
	/* A masked channel */
	floppy_bench_dma(&b, 0);
	SAY(&b, READ_MFM, 0, 5, 0, 1, 2, 18, 0x1b, 0xff);
	disk(&b);
	EXPECT(&b, FLOPPY_ST0_ABNORMAL, FLOPPY_ST1_OVERRUN, 0, 5, 0, 1, 2);
	assert_int_equal(fake_block_waiting(b.slots[0].block), 0);
	floppy_bench_finish(&b);
}

static void change_line_and_protection(void **state)
{
	struct floppy_bench b;

	(void)state;
	start(&b);
	assert_int_equal(bench_in(&b.bench, DIR), FLOPPY_DIR_CHANGED);
	seek(&b, 1);
	assert_int_equal(bench_in(&b.bench, DIR), 0);
	fake_block_set_read_only(b.slots[0].block, true);
	b.slots[0].changed(b.slots[0].opaque);
	assert_int_equal(bench_in(&b.bench, DIR), FLOPPY_DIR_CHANGED);
	seek(&b, 0);
	assert_int_equal(bench_in(&b.bench, DIR), 0);
	SAY(&b, FLOPPY_SENSE_DRIVE, 0);
	EXPECT(&b, FLOPPY_ST3_FIXED | FLOPPY_ST3_TRACK_0 | FLOPPY_ST3_PROTECTED);
	floppy_bench_dma(&b, SECTOR);
	SAY(&b, WRITE_MFM, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
	EXPECT(&b, FLOPPY_ST0_ABNORMAL, FLOPPY_ST1_NOT_WRITABLE, 0, 0, 0, 1, 2);
	SAY(&b, FORMAT_MFM, 0, 2, 18, 0x6c, 0xf6);
	EXPECT(&b, FLOPPY_ST0_ABNORMAL, FLOPPY_ST1_NOT_WRITABLE, 0, 2, 18, 0x6c, 0xf6);
	/* Out with it: a seek leaves the line up. */
	block_close(b.slots[0].block);
	b.slots[0].block = fake_block_create_empty();
	b.slots[0].changed(b.slots[0].opaque);
	seek(&b, 1);
	assert_int_equal(bench_in(&b.bench, DIR), FLOPPY_DIR_CHANGED);
	assert_true(b.slots[0].is_tray_open(b.slots[0].opaque));
	SAY(&b, READ_MFM, 0, 1, 0, 1, 2, 18, 0x1b, 0xff);
	EXPECT(&b, FLOPPY_ST0_ABNORMAL, FLOPPY_ST1_MISSING_MARK, 0, 1, 0, 1, 2);
	floppy_bench_finish(&b);
}

static void the_host_fails(void **state)
{
	struct floppy_bench b;

	(void)state;
	start(&b);
	seek(&b, 0);
	floppy_bench_dma(&b, SECTOR);
	fake_block_fail(b.slots[0].block, -EIO, 1);
	SAY(&b, READ_MFM, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
	disk(&b);
	EXPECT(&b, FLOPPY_ST0_ABNORMAL, FLOPPY_ST1_DATA_ERROR, FLOPPY_ST2_DATA_ERROR, 0, 0, 1, 2);
	floppy_bench_finish(&b);
}

static void compares_and_verifies(void **state)
{
	struct floppy_bench b;

	(void)state;
	start(&b);
	fill(&b);
	seek(&b, 0);
	memcpy(b.memory, sector_at(&b, 0, 0, 1), SECTOR);
	memset(b.memory + SECTOR, FLOPPY_SCAN_WILDCARD, SECTOR);
	floppy_bench_dma(&b, 2 * SECTOR);
	SAY(&b, FLOPPY_SCAN_EQUAL | FLOPPY_COMMAND_MFM, 0, 0, 0, 1, 2, 18, 0x1b, 1);
	disk(&b);
	EXPECT(&b, 0, 0, FLOPPY_ST2_SCAN_EQUAL, 0, 0, 2, 2);
	b.memory[0] ^= 1;
	floppy_bench_dma(&b, SECTOR);
	SAY(&b, FLOPPY_SCAN_EQUAL | FLOPPY_COMMAND_MFM, 0, 0, 0, 1, 2, 18, 0x1b, 1);
	disk(&b);
	EXPECT(&b, 0, 0, FLOPPY_ST2_SCAN_FAILED, 0, 0, 2, 2);
	memset(b.memory, 0xfe, SECTOR);
	memset(sector_at(&b, 0, 0, 1), 0x10, SECTOR);
	floppy_bench_dma(&b, SECTOR);
	SAY(&b, FLOPPY_SCAN_LOW | FLOPPY_COMMAND_MFM, 0, 0, 0, 1, 2, 18, 0x1b, 1);
	disk(&b);
	EXPECT(&b, 0, 0, 0, 0, 0, 2, 2);
	SAY(&b, FLOPPY_VERIFY | FLOPPY_COMMAND_MFM, FLOPPY_VERIFY_COUNT, 0, 0, 1, 2, 18, 0x1b, 4);
	disk(&b);
	EXPECT(&b, 0, 0, 0, 0, 0, 5, 2);
	floppy_bench_finish(&b);
}

/* CVE-2015-3456 (VENOM): bytes without end behind commands whose length other models forgot. */
static void a_command_takes_no_more_than_its_bytes(void **state)
{
	struct floppy_bench b;

	(void)state;
	start(&b);
	for (unsigned command = 0; command < 0x100; command++) {
		bench_out(&b.bench, FIFO, (uint8_t)command);
		for (unsigned i = 0; i < 2000; i++)
			bench_out(&b.bench, FIFO, 0x42);
		disk(&b);
		bench_step(&b.bench, MOMENT_NS);
		assert_in_range(b.floppy.state.command_count, 0, FLOPPY_COMMAND_BYTES);
		bench_out(&b.bench, DSR, FLOPPY_DSR_RESET);
	}
	SAY(&b, FLOPPY_VERSION);
	EXPECT(&b, FLOPPY_VERSION_ENHANCED);
	floppy_bench_finish(&b);
}

/* CVE-2021-20196: a command for a drive that is not there, and the FIFO read on. */
static void a_missing_drive_is_no_null(void **state)
{
	struct floppy_bench b;

	(void)state;
	start(&b);
	for (uint8_t unit = 2; unit < FLOPPY_UNITS; unit++) {
		SAY(&b, FLOPPY_SPECIFY, 0xdf, 0x03);
		SAY(&b, WRITE_MFM, unit, 0, 0, 1, 2, 18, 0x1b, 0xff);
		for (unsigned i = 0; i < 2 * SECTOR; i++)
			bench_in(&b.bench, FIFO);
		SAY(&b, FLOPPY_SENSE_DRIVE, unit);
		EXPECT(&b, (uint8_t)(FLOPPY_ST3_FIXED | unit));
	}
	bench_out(&b.bench, DOR, DOR_ON | 3);
	assert_int_equal(bench_in(&b.bench, DIR), FLOPPY_DIR_CHANGED);
	floppy_bench_finish(&b);
}

/* CVE-2021-3507: a transfer that goes on behind the disk's or the buffer's end. */
static void nothing_is_moved_behind_the_end(void **state)
{
	struct floppy_bench b;

	(void)state;
	start(&b);
	seek(&b, 79);
	floppy_bench_dma(&b, FLOPPY_BENCH_MEMORY);
	SAY(&b, READ_BOTH, 0, 79, 0, 18, 2, 255, 0x1b, 0xff);
	disk(&b);
	EXPECT(&b, FLOPPY_ST0_ABNORMAL, FLOPPY_ST1_NO_DATA, 0, 79, 0, 19, 2);
	assert_int_equal(b.at, SECTOR);
	floppy_bench_finish(&b);
}

static void a_reset_forgets_what_is_under_way(void **state)
{
	struct floppy_bench b;

	(void)state;
	start(&b);
	seek(&b, 0);
	floppy_bench_dma(&b, SECTOR);
	SAY(&b, READ_MFM, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
	bench_out(&b.bench, DOR, 0);
	bench_out(&b.bench, DOR, DOR_ON);
	assert_int_equal(fake_block_waiting(b.slots[0].block), 0);
	assert_int_equal(b.at, 0);
	SAY(&b, FLOPPY_VERSION);
	EXPECT(&b, FLOPPY_VERSION_ENHANCED);
	floppy_bench_finish(&b);
}

static void is_saved_in_mid_command(void **state)
{
	struct floppy_bench b;

	(void)state;
	start(&b);
	fill(&b);
	seek(&b, 0);
	/* bytes of a sector by programmed I/O */
	SAY(&b, FLOPPY_SPECIFY, 0xdf, 0x03);
	SAY(&b, READ_MFM, 0, 0, 0, 1, 2, 1, 0x1b, 0xff);
	disk(&b);
	for (unsigned i = 0; i < 100; i++)
		bench_in(&b.bench, FIFO);
	bench_save_and_load(&b.bench, 0xff);
	assert_int_equal(bench_in(&b.bench, FIFO), sector_at(&b, 0, 0, 1)[100]);
	for (unsigned i = 101; i < SECTOR; i++)
		bench_in(&b.bench, FIFO);
	EXPECT(&b, FLOPPY_ST0_ABNORMAL, FLOPPY_ST1_END, 0, 1, 0, 1, 2);
	/* a seek */
	SAY(&b, FLOPPY_SEEK, 0, 9);
	bench_save_and_load(&b.bench, 0xff);
	bench_step(&b.bench, MOMENT_NS);
	SAY(&b, FLOPPY_SENSE_INTERRUPT);
	EXPECT(&b, FLOPPY_ST0_SEEK_END, 9);
	floppy_bench_finish(&b);
}

static void impossible_states_are_refused(void **state)
{
	struct floppy_bench b;
	const struct device_class *class;

	(void)state;
	start(&b);
	class = b.floppy.device.class;
	b.floppy.state.phase = FLOPPY_PHASE_EXECUTION;
	b.floppy.state.wait = FLOPPY_WAIT_HOST;
	b.floppy.state.command[0] = READ_MFM;
	b.floppy.state.command_count = 9;
	b.floppy.state.buffer_at = SECTOR;
	assert_int_equal(class->after_load(&b.floppy, NULL), -EINVAL);
	b.floppy.state.buffer_at = 511;
	assert_int_equal(class->after_load(&b.floppy, NULL), 0);
	b.floppy.state.command[0] = FORMAT_MFM;
	assert_int_equal(class->after_load(&b.floppy, NULL), -EINVAL);
	class->reset(&b.floppy);
	b.floppy.state.drives[1].track = 200;
	assert_int_equal(class->after_load(&b.floppy, NULL), -EINVAL);
	class->reset(&b.floppy);
	floppy_bench_finish(&b);
}

static void images_tell_their_format(void **state)
{
	(void)state;
	assert_int_equal(floppy_format_find(1474560)->sectors, 18);
	assert_int_equal(floppy_format_find(737280)->rate, FLOPPY_RATE_250K);
	assert_int_equal(floppy_format_find(1720320)->sectors, 21);
	assert_null(floppy_format_find(1474561));
	assert_int_equal(floppy_format_find(1296384)->sectors, 18); /* cut short */
	assert_int_equal(floppy_format_find(2949120 - 512)->sectors, 36);
	assert_null(floppy_format_find(2949120 + 512));
	assert_null(floppy_format_find(0));
	assert_int_equal(floppy_kind_for(2949120), FLOPPY_2880K);
	assert_int_equal(floppy_kind_for(737280), FLOPPY_1440K);
	assert_int_equal(floppy_kind_for(1228800), FLOPPY_1200K);
	assert_int_equal(floppy_kind_for(368640), FLOPPY_360K);
	assert_true(floppy_kind_takes(FLOPPY_1440K, floppy_format_find(737280)));
	assert_false(floppy_kind_takes(FLOPPY_1440K, floppy_format_find(2949120)));
	assert_false(floppy_kind_takes(FLOPPY_1200K, floppy_format_find(1474560)));
	assert_int_equal(floppy_kind_parse("120"), FLOPPY_1200K);
	assert_int_equal(floppy_kind_parse("145"), FLOPPY_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reset_is_told_by_polling),
		cmocka_unit_test(says_what_it_is),
		cmocka_unit_test(seeks_and_finds_track_0),
		cmocka_unit_test(reads_by_dma_until_terminal_count),
		cmocka_unit_test(reads_on_at_the_other_side),
		cmocka_unit_test(writes_and_fills_the_last_sector),
		cmocka_unit_test(moves_bytes_without_dma),
		cmocka_unit_test(formats_a_track),
		cmocka_unit_test(what_is_not_there_is_not_found),
		cmocka_unit_test(change_line_and_protection),
		cmocka_unit_test(the_host_fails),
		cmocka_unit_test(compares_and_verifies),
		cmocka_unit_test(a_command_takes_no_more_than_its_bytes),
		cmocka_unit_test(a_missing_drive_is_no_null),
		cmocka_unit_test(nothing_is_moved_behind_the_end),
		cmocka_unit_test(a_reset_forgets_what_is_under_way),
		cmocka_unit_test(is_saved_in_mid_command),
		cmocka_unit_test(impossible_states_are_refused),
		cmocka_unit_test(images_tell_their_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
