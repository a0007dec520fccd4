// SPDX-License-Identifier: GPL-2.0-or-later
/* Disk and CD-ROM through the ports of the primary and secondary channel. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "qguest.h"

enum {
	PRIMARY = 0x1f0,
	SECONDARY = 0x170,
	IDE_COUNT = 2,
	IDE_LBA_LOW = 3,
	IDE_LBA_MID = 4,
	IDE_LBA_HIGH = 5,
	IDE_DEVICE = 6,
	IDE_STATUS = 7,
	STATUS_BUSY = 0x80,
	STATUS_READY = 0x40,
	STATUS_DRQ = 0x08,
	STATUS_ERROR = 0x01,
	READ_DMA = 0xc8,
	WRITE_DMA = 0xca,
	FLUSH_CACHE = 0xe7,
	IDENTIFY = 0xec,
	IDENTIFY_PACKET = 0xa1,
	IDE_FUNCTION = 1,
	IDE_BASE_REGISTER = 0x20,
	BUS_MASTER = 0xc000,
	BM_COMMAND = BUS_MASTER,
	BM_STATUS = BUS_MASTER + 2,
	BM_TABLE = BUS_MASTER + 4,
	BM_START = 0x01,
	BM_TO_MEMORY = 0x08,
	BM_ACTIVE = 0x01,
	BM_INTERRUPT = 0x04,
	TABLE_GPA = 0x10000,
	BUFFER_GPA = 0x20000,
	DISK_BYTES = 4 << 20,
	SECTOR = 512,
	WIRE_PRIMARY = 14,
};

static struct qguest guest;
static int disk;

static int set_up(void **state)
{
	uint8_t pattern[SECTOR];

	(void)state;
	qguest_init(&guest);
	disk = qguest_create_file(&guest, "disk.img", DISK_BYTES);
	memset(pattern, 0xa5, sizeof(pattern));
	memcpy(pattern, "sector five", 11);
	assert_int_equal(pwrite(disk, pattern, SECTOR, 5 * SECTOR), SECTOR);
	close(qguest_create_file(&guest, "cd.iso", 2 << 20));
	qguest_start(&guest,
		     "-drive file=%s/disk.img,format=raw,if=ide,index=0 "
		     "-drive file=%s/cd.iso,if=none,id=cd0,media=cdrom "
		     "-device ide-cd,drive=cd0,id=ide-5632,bus=ide.1,unit=0",
		     guest.dir, guest.dir);
	qguest_watch_irqs(&guest);
	qguest_pci_write(&guest, 1, IDE_FUNCTION, IDE_BASE_REGISTER, BUS_MASTER | 1);
	qguest_pci_write(&guest, 1, IDE_FUNCTION, 4, 5);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	qguest_stop(&guest);
	close(disk);
	return 0;
}

static void read_identify(unsigned channel, unsigned command, uint16_t *words)
{
	qguest_outb(&guest, channel + IDE_DEVICE, 0xa0);
	qguest_outb(&guest, channel + IDE_STATUS, command);
	qguest_wait_port(&guest, channel + IDE_STATUS, STATUS_BUSY | STATUS_DRQ, STATUS_DRQ);
	for (unsigned i = 0; i < SECTOR / 2; i++)
		words[i] = qguest_inw(&guest, channel);
	assert_int_equal(qguest_inb(&guest, channel + IDE_STATUS) &
				 (STATUS_BUSY | STATUS_DRQ | STATUS_ERROR | STATUS_READY),
			 STATUS_READY);
}

static void test_identify(void **state)
{
	uint16_t words[SECTOR / 2];

	(void)state;
	read_identify(PRIMARY, IDENTIFY, words);
	assert_int_equal(words[60] | (uint32_t)words[61] << 16, DISK_BYTES / SECTOR);
	assert_int_equal(words[27], 'H' << 8 | 'V');
	assert_true(guest.raised[WIRE_PRIMARY] > 0);
	read_identify(SECONDARY, IDENTIFY_PACKET, words);
	assert_int_equal(words[0] >> 14, 2);
}

/** One PRD, one command; waits for the interrupt's bits. */
static void transfer(unsigned command, unsigned lba, unsigned sectors)
{
	bool reads = command == READ_DMA;

	qguest_writel(&guest, TABLE_GPA, BUFFER_GPA);
	qguest_writel(&guest, TABLE_GPA + 4, UINT32_C(1) << 31 | sectors * SECTOR);
	qguest_outl(&guest, BM_TABLE, TABLE_GPA);
	qguest_outb(&guest, BM_STATUS, BM_INTERRUPT);
	qguest_outb(&guest, BM_COMMAND, reads ? BM_TO_MEMORY : 0);
	qguest_outb(&guest, PRIMARY + IDE_DEVICE, 0xe0 | lba >> 24);
	qguest_outb(&guest, PRIMARY + IDE_COUNT, sectors);
	qguest_outb(&guest, PRIMARY + IDE_LBA_LOW, lba & 0xff);
	qguest_outb(&guest, PRIMARY + IDE_LBA_MID, lba >> 8 & 0xff);
	qguest_outb(&guest, PRIMARY + IDE_LBA_HIGH, lba >> 16 & 0xff);
	qguest_outb(&guest, PRIMARY + IDE_STATUS, command);
	qguest_outb(&guest, BM_COMMAND, BM_START | (reads ? BM_TO_MEMORY : 0));
	qguest_wait_port(&guest, BM_STATUS, BM_ACTIVE | BM_INTERRUPT, BM_INTERRUPT);
	assert_true(guest.levels[WIRE_PRIMARY]);
	qguest_outb(&guest, BM_COMMAND, 0);
	assert_int_equal(qguest_inb(&guest, PRIMARY + IDE_STATUS) & STATUS_ERROR, 0);
	assert_false(guest.levels[WIRE_PRIMARY]);
}

static void test_dma_read(void **state)
{
	uint8_t data[2 * SECTOR];

	(void)state;
	transfer(READ_DMA, 5, 2);
	qguest_read(&guest, BUFFER_GPA, data, sizeof(data));
	assert_memory_equal(data, "sector five", 11);
	assert_int_equal(data[SECTOR - 1], 0xa5);
	assert_int_equal(data[SECTOR], 0);
	assert_int_equal(guest.raised[WIRE_PRIMARY], 1);
}

static void test_dma_write(void **state)
{
	uint8_t data[SECTOR];

	(void)state;
	memset(data, 0x3c, sizeof(data));
	qguest_write(&guest, BUFFER_GPA, data, sizeof(data));
	transfer(WRITE_DMA, 4095, 1);
	qguest_outb(&guest, PRIMARY + IDE_STATUS, FLUSH_CACHE);
	qguest_wait_port(&guest, PRIMARY + IDE_STATUS, STATUS_BUSY, 0);
	memset(data, 0, sizeof(data));
	assert_int_equal(pread(disk, data, SECTOR, 4095 * SECTOR), SECTOR);
	assert_int_equal(data[0], 0x3c);
	assert_int_equal(data[SECTOR - 1], 0x3c);
	assert_non_null(strstr(qguest_qmp(&guest, "{\"execute\":\"query-blockstats\"}"),
			       "\"wr_bytes\": 512"));
}

/* A qcow2 disk over a raw one: what the guest has flushed outlives kill -9. */

static void run_in_dir(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void run_in_dir(const char *format, ...)
{
	char command[512];
	int at = snprintf(command, sizeof(command), "cd %s && ", guest.dir);
	va_list args;

	va_start(args, format);
	vsnprintf(command + at, sizeof(command) - (size_t)at, format, args);
	va_end(args);
	if (system(command) != 0)
		fail_msg("failed: %s", command);
}

static void start_on_qcow2(void)
{
	qguest_start(&guest, "-drive file=%s/top.qcow2,format=qcow2,if=ide,index=0", guest.dir);
	qguest_watch_irqs(&guest);
	qguest_pci_write(&guest, 1, IDE_FUNCTION, IDE_BASE_REGISTER, BUS_MASTER | 1);
	qguest_pci_write(&guest, 1, IDE_FUNCTION, 4, 5);
}

static void write_sectors(unsigned lba, unsigned count, uint8_t value)
{
	uint8_t data[64 * SECTOR];

	memset(data, value, sizeof(data));
	qguest_write(&guest, BUFFER_GPA, data, count * SECTOR);
	transfer(WRITE_DMA, lba, count);
}

static void test_qcow2_outlives_kill(void **state)
{
	uint8_t data[SECTOR];

	(void)state;
	qguest_init(&guest);
	disk = qguest_create_file(&guest, "base.img", DISK_BYTES);
	assert_int_equal(pwrite(disk, "sector five", 11, 5 * SECTOR), 11);
	close(disk);
	run_in_dir("qemu-img create -q -f qcow2 -b base.img -F raw top.qcow2");
	start_on_qcow2();
	transfer(READ_DMA, 5, 1);
	qguest_read(&guest, BUFFER_GPA, data, sizeof(data));
	assert_memory_equal(data, "sector five", 11);
	write_sectors(100, 64, 7);
	write_sectors(6, 3, 8);
	qguest_outb(&guest, PRIMARY + IDE_STATUS, FLUSH_CACHE);
	qguest_wait_port(&guest, PRIMARY + IDE_STATUS, STATUS_BUSY, 0);
	write_sectors(4000, 2, 9); /* and this is not flushed */
	kill(guest.pid, SIGKILL);
	assert_int_equal(waitpid(guest.pid, NULL, 0), guest.pid);
	run_in_dir("qemu-img check -q -f qcow2 top.qcow2; test $? = 0 -o $? = 3");
	run_in_dir("qemu-io -f qcow2 -c 'read -P 7 51200 32k' -c 'read -P 8 3k 1536' "
		   "-c 'read -P 0 0 2k' top.qcow2 > log");
	run_in_dir("! grep -q failed log");
	close(guest.qtest);
	close(guest.qmp);
	run_in_dir("rm -rf %s", guest.dir);
}

/** Fields of the packet device's registers after TEST UNIT READY. */
static unsigned test_unit_ready(void)
{
	qguest_outb(&guest, SECONDARY + IDE_DEVICE, 0xa0);
	qguest_outb(&guest, SECONDARY + 1, 0);
	qguest_outb(&guest, SECONDARY + IDE_STATUS, 0xa0);
	qguest_wait_port(&guest, SECONDARY + IDE_STATUS, STATUS_BUSY | STATUS_DRQ, STATUS_DRQ);
	for (unsigned i = 0; i < 6; i++)
		qguest_outw(&guest, SECONDARY, 0);
	qguest_wait_port(&guest, SECONDARY + IDE_STATUS, STATUS_BUSY, 0);
	return qguest_inb(&guest, SECONDARY + 1) >> 4; /* the sense key */
}

static void test_media_change(void **state)
{
	char command[256];

	(void)state;
	while (test_unit_ready() == 6) /* unit attention of power-on */
		;
	assert_int_equal(test_unit_ready(), 0);
	qguest_qmp(&guest, "{\"execute\":\"eject\",\"arguments\":{\"id\":\"ide-5632\"}}");
	assert_int_equal(test_unit_ready(), 2); /* not ready */
	snprintf(command, sizeof(command),
		 "{\"execute\":\"blockdev-change-medium\",\"arguments\":{\"id\":\"ide-5632\","
		 "\"filename\":\"%s/cd.iso\",\"format\":\"raw\"}}",
		 guest.dir);
	qguest_qmp(&guest, command);
	assert_int_equal(test_unit_ready(), 6); /* unit attention: a new medium */
	assert_int_equal(test_unit_ready(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_identify, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_dma_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_dma_write, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_media_change, set_up, tear_down),
		cmocka_unit_test(test_qcow2_outlives_kill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
