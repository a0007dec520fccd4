// SPDX-License-Identifier: GPL-2.0-or-later
/* A guest reads and writes a floppy by DMA on the whole board; a person changes the disk. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "qguest.h"

enum {
	DOR = 0x3f2,
	MSR = 0x3f4,
	FIFO = 0x3f5,
	DIR = 0x3f7,
	CCR = 0x3f7,
	IRQ = 6,
	DISK_BYTES = 1474560,
	SECTOR = 512,
	BUFFER = 0x8000,
	STEP_NS = 1000000,
	/* the 8237's channel 2 */
	DMA_ADDRESS = 0x04,
	DMA_COUNT = 0x05,
	DMA_MASK = 0x0a,
	DMA_MODE = 0x0b,
	DMA_FLIP_FLOP = 0x0c,
	DMA_PAGE = 0x81,
	DMA_TO_MEMORY = 0x46,
	DMA_FROM_MEMORY = 0x4a,
};

static struct qguest guest;

static void command(const uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		qguest_outb(&guest, FIFO, bytes[i]);
}

#define COMMAND(...)                                      \
	do {                                              \
		const uint8_t bytes_[] = { __VA_ARGS__ }; \
		command(bytes_, sizeof(bytes_));          \
	} while (0)

static void program_dma(unsigned mode, unsigned bytes)
{
	qguest_outb(&guest, DMA_MASK, 6);
	qguest_outb(&guest, DMA_FLIP_FLOP, 0);
	qguest_outb(&guest, DMA_MODE, mode);
	qguest_outb(&guest, DMA_ADDRESS, BUFFER & 0xff);
	qguest_outb(&guest, DMA_ADDRESS, BUFFER >> 8);
	qguest_outb(&guest, DMA_PAGE, 0);
	qguest_outb(&guest, DMA_COUNT, (bytes - 1) & 0xff);
	qguest_outb(&guest, DMA_COUNT, (bytes - 1) >> 8);
	qguest_outb(&guest, DMA_MASK, 2);
}

static void start(const char *options)
{
	int fd;

	qguest_init(&guest);
	fd = qguest_create_file(&guest, "a.img", DISK_BYTES);
	assert_int_equal(pwrite(fd, "hello", 5, 5 * SECTOR), 5);
	close(fd);
	close(qguest_create_file(&guest, "b.img", 737280));
	close(qguest_create_file(&guest, "c.img", 2949120));
	qguest_start(&guest, "-drive file=%s/a.img,if=floppy,format=raw%s", guest.dir, options);
	qguest_watch_irqs(&guest);
	qguest_outb(&guest, DOR, 0x1c);
	qguest_outb(&guest, CCR, 0);
	for (unsigned i = 0; i < 4; i++) {
		COMMAND(0x08);
		assert_int_equal(qguest_inb(&guest, FIFO), 0xc0 | i);
		qguest_inb(&guest, FIFO);
	}
	COMMAND(0x07, 0);
	qguest_step(&guest, STEP_NS);
	COMMAND(0x08);
	assert_int_equal(qguest_inb(&guest, FIFO), 0x20);
	assert_int_equal(qguest_inb(&guest, FIFO), 0);
}

static int tear_down(void **state)
{
	(void)state;
	qguest_stop(&guest);
	return 0;
}

/** Reads or writes from sector 6 of track 0 on. Returns status register 0. */
static uint8_t transfer(unsigned opcode)
{
	uint8_t st0;

	COMMAND((uint8_t)opcode, 0, 0, 0, 6, 2, 18, 0x1b, 0xff);
	qguest_wait_port(&guest, MSR, 0xd0, 0xd0);
	st0 = qguest_inb(&guest, FIFO);
	for (unsigned i = 1; i < 7; i++)
		qguest_inb(&guest, FIFO);
	return st0;
}

static void reads_and_writes(void **state)
{
	char text[5];
	int fd;

	(void)state;
	start("");
	/* One drive of 1.44 MB. */
	assert_int_equal(qguest_cmos(&guest, 0x10), 0x40);
	program_dma(DMA_TO_MEMORY, SECTOR);
	guest.raised[IRQ] = 0;
	assert_int_equal(transfer(0x46), 0);
	assert_int_equal(guest.raised[IRQ], 1);
	qguest_read(&guest, BUFFER, text, sizeof(text));
	assert_memory_equal(text, "hello", sizeof(text));
	qguest_write(&guest, BUFFER, "world", 5);
	program_dma(DMA_FROM_MEMORY, SECTOR);
	assert_int_equal(transfer(0x45), 0);
	fd = open(qguest_path(&guest, "a.img"), O_RDONLY);
	assert_int_equal(pread(fd, text, 5, 5 * SECTOR), 5);
	assert_memory_equal(text, "world", sizeof(text));
	close(fd);
}

static const char *change(const char *file)
{
	char line[256];

	snprintf(line, sizeof(line),
		 "{\"execute\": \"blockdev-change-medium\", \"arguments\": {\"id\": \"floppy0\", "
		 "\"filename\": \"%s\", \"format\": \"raw\"}}",
		 qguest_path(&guest, file));
	return qguest_qmp_try(&guest, line);
}

static void the_disk_is_changed(void **state)
{
	(void)state;
	start("");
	assert_int_equal(qguest_inb(&guest, DIR) & 0x80, 0);
	assert_non_null(strstr(change("c.img"), "takes no disk of 2949120 bytes"));
	assert_int_equal(qguest_inb(&guest, DIR) & 0x80, 0);
	assert_non_null(strstr(change("b.img"), "return"));
	assert_int_equal(qguest_inb(&guest, DIR) & 0x80, 0x80);
	/* 720 KB at 500 kbit/s, then at its own rate */
	program_dma(DMA_TO_MEMORY, SECTOR);
	assert_int_equal(transfer(0x46), 0x40);
	qguest_outb(&guest, CCR, 2);
	assert_int_equal(transfer(0x46), 0);
	qguest_qmp(&guest, "{\"execute\": \"eject\", \"arguments\": {\"device\": \"floppy0\"}}");
	assert_non_null(strstr(qguest_qmp(&guest, "{\"execute\": \"query-block\"}"),
			       "\"tray_open\": true"));
}

static void a_protected_disk_is_not_written(void **state)
{
	(void)state;
	start(",readonly=on");
	program_dma(DMA_FROM_MEMORY, SECTOR);
	assert_int_equal(transfer(0x45), 0x40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(reads_and_writes, tear_down),
		cmocka_unit_test_teardown(the_disk_is_changed, tear_down),
		cmocka_unit_test_teardown(a_protected_disk_is_not_written, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
