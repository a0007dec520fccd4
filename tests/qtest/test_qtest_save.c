// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest is stopped in the middle of its transfers and goes on with a second process, which gets
 * its state by the toolstack's command and its memory from the test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "qguest.h"

enum {
	PRIMARY = 0x1f0,
	SECONDARY = 0x170,
	IDE_COUNT = 2,
	IDE_LBA_LOW = 3,
	IDE_DEVICE = 6,
	IDE_STATUS = 7,
	STATUS_BUSY = 0x80,
	STATUS_DRQ = 0x08,
	STATUS_ERROR = 0x01,
	READ_SECTORS = 0x20,
	READ_DMA = 0xc8,
	WRITE_DMA = 0xca,
	BUS_MASTER = 0xc000,
	BM_SECONDARY = BUS_MASTER + 8,
	TABLE_GPA = 0x10000,
	BUFFER_GPA = 0x20000,
	BUFFER_BYTES = 0x10000,
	PIECE = 1024,
	SECTOR = 512,
	DMA_SECTORS = 100,
	DISK_BYTES = 4 << 20,
	UART = 0x3f8,
	UART_FIFO = UART + 2,
	UART_MODEM = UART + 4,
	UART_STATUS = UART + 5,
	KEYBOARD = 0x60,
	WIRE_KEYBOARD = 1,
};

static struct qguest first, second;
static char options[512];

static void fill_disk(const char *name, uint8_t seed)
{
	int fd = qguest_create_file(&first, name, DISK_BYTES);
	uint8_t sector[SECTOR];

	for (unsigned i = 0; i < DISK_BYTES / SECTOR; i++) {
		memset(sector, (uint8_t)(seed + i), sizeof(sector));
		assert_int_equal(pwrite(fd, sector, SECTOR, i * SECTOR), SECTOR);
	}
	close(fd);
}

static int set_up(void **state)
{
	(void)state;
	qguest_init(&first);
	qguest_init(&second);
	fill_disk("a.img", 1);
	fill_disk("b.img", 101);
	snprintf(options, sizeof(options),
		 "-nodefaults -serial null -device VGA -rtc base=2021-01-01T10:00:00 "
		 "-drive file=%s/a.img,format=raw,if=ide,index=0 "
		 "-drive file=%s/b.img,format=raw,if=ide,index=2",
		 first.dir, first.dir);
	qguest_start(&first, "%s", options);
	qguest_watch_irqs(&first);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	qguest_stop(&second);
	return 0;
}

static void command(struct qguest *guest, unsigned channel, unsigned lba, unsigned sectors,
		    unsigned opcode)
{
	qguest_outb(guest, channel + IDE_DEVICE, 0xe0);
	qguest_outb(guest, channel + IDE_COUNT, sectors);
	for (unsigned i = 0; i < 3; i++)
		qguest_outb(guest, channel + IDE_LBA_LOW + i, lba >> 8 * i & 0xff);
	qguest_outb(guest, channel + IDE_STATUS, opcode);
}

/** Disk A by PIO, one sector and a half taken; disk B by DMA, started. */
static void begin_transfers(void)
{
	qguest_pci_write(&first, 1, 1, 0x20, BUS_MASTER | 1);
	qguest_pci_write(&first, 1, 1, 4, 5);
	command(&first, PRIMARY, 10, 3, READ_SECTORS);
	qguest_wait_port(&first, PRIMARY + IDE_STATUS, STATUS_BUSY | STATUS_DRQ, STATUS_DRQ);
	for (unsigned i = 0; i < SECTOR / 2; i++)
		assert_int_equal(qguest_inw(&first, PRIMARY), 11 * 0x101);
	qguest_wait_port(&first, PRIMARY + IDE_STATUS, STATUS_BUSY | STATUS_DRQ, STATUS_DRQ);
	for (unsigned i = 0; i < SECTOR / 4; i++)
		assert_int_equal(qguest_inw(&first, PRIMARY), 12 * 0x101);
	qguest_writel(&first, TABLE_GPA, BUFFER_GPA);
	qguest_writel(&first, TABLE_GPA + 4, UINT32_C(1) << 31 | DMA_SECTORS * SECTOR);
	qguest_outl(&first, BM_SECONDARY + 4, TABLE_GPA);
	qguest_outb(&first, BM_SECONDARY, 8);
	command(&first, SECONDARY, 20, DMA_SECTORS, READ_DMA);
	qguest_outb(&first, BM_SECONDARY, 9);
}

static void begin_the_rest(void)
{
	qguest_step(&first, 5000000000);
	qguest_outb(&first, UART_FIFO, 0xc1);
	qguest_outb(&first, UART_MODEM, 0x10);
	for (const char *c = "fifo"; *c; c++) {
		qguest_outb(&first, UART, (unsigned)*c);
		qguest_step(&first, 10000000);
	}
	qguest_outb(&first, 0x64, 0x60);
	qguest_outb(&first, KEYBOARD, 0x45);
	qguest_qmp(&first, "{\"execute\":\"send-key\",\"arguments\":{\"keys\":[{\"type\":\"qcode\","
			   "\"data\":\"a\"}],\"hold-time\":1}}");
	qguest_step(&first, 100000000);
	assert_true(first.levels[WIRE_KEYBOARD]);
}

/** What the toolstack does, and what Xen's does with the memory. */
static void move_the_guest(void)
{
	uint8_t memory[PIECE];
	char command_text[256];

	qguest_qmp(&first, "{\"execute\":\"stop\"}");
	snprintf(command_text, sizeof(command_text),
		 "{\"execute\":\"xen-save-devices-state\",\"arguments\":{\"filename\":\"%s\","
		 "\"live\":true}}",
		 qguest_path(&first, "state"));
	qguest_qmp(&first, command_text);
	qguest_start(&second, "%s -S -incoming file:%s", options, qguest_path(&first, "state"));
	assert_non_null(strstr(qguest_qmp(&second, "{\"execute\":\"query-status\"}"),
			       "\"status\": \"paused\""));
	qguest_watch_irqs(&second);
	for (uint64_t gpa = BUFFER_GPA; gpa < BUFFER_GPA + BUFFER_BYTES; gpa += PIECE) {
		qguest_read(&first, gpa, memory, PIECE);
		qguest_write(&second, gpa, memory, PIECE);
	}
	qguest_stop(&first);
	qguest_qmp(&second, "{\"execute\":\"cont\"}");
}

static void expect_transfers_to_end(void)
{
	uint8_t sector[SECTOR];

	for (unsigned i = 0; i < SECTOR / 4; i++)
		assert_int_equal(qguest_inw(&second, PRIMARY), 12 * 0x101);
	qguest_wait_port(&second, PRIMARY + IDE_STATUS, STATUS_BUSY | STATUS_DRQ, STATUS_DRQ);
	for (unsigned i = 0; i < SECTOR / 2; i++)
		assert_int_equal(qguest_inw(&second, PRIMARY), 13 * 0x101);
	assert_int_equal(qguest_inb(&second, PRIMARY + IDE_STATUS) & (STATUS_DRQ | STATUS_ERROR),
			 0);
	assert_int_equal(qguest_inb(&second, BM_SECONDARY + 2) & 7, 4);
	assert_int_equal(qguest_inb(&second, SECONDARY + IDE_STATUS) & (STATUS_DRQ | STATUS_ERROR),
			 0);
	for (unsigned i = 0; i < DMA_SECTORS; i++) {
		qguest_read(&second, BUFFER_GPA + i * SECTOR, sector, SECTOR);
		assert_int_equal(sector[0], (uint8_t)(121 + i));
		assert_int_equal(sector[SECTOR - 1], (uint8_t)(121 + i));
	}
}

static void a_guest_goes_on_with_a_second_process(void **state)
{
	static const unsigned scan_codes[] = { 0x1e, 0x9e };
	unsigned seconds;

	(void)state;
	begin_transfers();
	begin_the_rest();
	seconds = qguest_cmos(&first, 0);
	move_the_guest();
	assert_int_equal(qguest_cmos(&second, 0), seconds);
	expect_transfers_to_end();
	for (const char *c = "fifo"; *c; c++) {
		assert_int_equal(qguest_inb(&second, UART_STATUS) & 1, 1);
		assert_int_equal(qguest_inb(&second, UART), *c);
	}
	for (unsigned i = 0; i < 2; i++) {
		/* Only changes are reported: the first came before. */
		assert_int_equal(second.levels[WIRE_KEYBOARD], i == 1);
		assert_int_equal(qguest_inb(&second, KEYBOARD), scan_codes[i]);
		qguest_step(&second, 100000000);
	}
	/* The images are the second's now. */
	qguest_writel(&second, TABLE_GPA, BUFFER_GPA);
	qguest_writel(&second, TABLE_GPA + 4, UINT32_C(1) << 31 | SECTOR);
	qguest_outl(&second, BM_SECONDARY + 4, TABLE_GPA);
	qguest_outb(&second, BM_SECONDARY + 2, 6);
	qguest_outb(&second, BM_SECONDARY, 0);
	command(&second, SECONDARY, 7, 1, WRITE_DMA);
	qguest_outb(&second, BM_SECONDARY, 1);
	qguest_wait_port(&second, BM_SECONDARY + 2, 5, 4);
}

static void what_is_refused_leaves_the_guest_alone(void **state)
{
	(void)state;
	assert_non_null(strstr(
		qguest_qmp_try(&first, "{\"execute\":\"xen-save-devices-state\",\"arguments\":"
				       "{\"filename\":\"/nonexistent/file\"}}"),
		"cannot open '/nonexistent/file'"));
	assert_non_null(strstr(
		qguest_qmp_try(&first, "{\"execute\":\"xen-save-devices-state\",\"arguments\":"
				       "{\"filename\":\"/dev/full\"}}"),
		"cannot write the saved state"));
	assert_non_null(strstr(qguest_qmp_try(&first, "{\"execute\":\"xen-set-global-dirty-log\","
						      "\"arguments\":{\"enable\":true}}"),
			       "there is no log"));
	assert_non_null(strstr(qguest_qmp(&first, "{\"execute\":\"query-status\"}"),
			       "\"status\": \"running\""));
	begin_transfers();
	move_the_guest();
	expect_transfers_to_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_guest_goes_on_with_a_second_process, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_is_refused_leaves_the_guest_alone, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
