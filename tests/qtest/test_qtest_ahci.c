// SPDX-License-Identifier: GPL-2.0-or-later
/* Drives at a SATA adapter of the whole board: by the adapter's lists, with control beside it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "qguest.h"

enum {
	SLOT = 5,
	BAR_REGISTER = 0x24,
	GHC = 0x04,
	PI = 0x0c,
	PORT = 0x100,
	PORT_BYTES = 0x80,
	CLB = 0x00,
	FB = 0x08,
	PXIS = 0x10,
	PXIE = 0x14,
	CMD = 0x18,
	TFD = 0x20,
	SIG = 0x24,
	SSTS = 0x28,
	SACT = 0x34,
	CI = 0x38,
	LIST = 0x10000,
	FRAMES = 0x11000,
	TABLE = 0x12000,
	DATA = 0x20000,
	DISK_BYTES = 4 << 20,
	SECTOR = 512,
	DISK = 2, /* ports */
	CDROM = 5,
	READ_DMA_EXT = 0x25,
	READ_QUEUED = 0x60,
	WRITE_QUEUED = 0x61,
	FLUSH_EXT = 0xea,
	PACKET = 0xa0,
	FUA = 0x80,
};

#define BAR UINT64_C(0xfe000000)

static struct qguest guest;
static int disk;

static uint32_t port_read(unsigned port, unsigned offset)
{
	return qguest_readl(&guest, BAR + PORT + port * PORT_BYTES + offset);
}

static void port_write(unsigned port, unsigned offset, uint32_t value)
{
	qguest_writel(&guest, BAR + PORT + port * PORT_BYTES + offset, value);
}

static void start_port(unsigned port)
{
	port_write(port, CLB, LIST);
	port_write(port, FB, FRAMES);
	port_write(port, CMD, 0x10);
	port_write(port, PXIS, UINT32_MAX);
	port_write(port, PXIE, 0x0f);
	port_write(port, CMD, 0x11);
}

static int set_up(void **state)
{
	(void)state;
	qguest_init(&guest);
	disk = qguest_create_file(&guest, "disk.img", DISK_BYTES);
	assert_int_equal(pwrite(disk, "sector five", 11, 5 * SECTOR), 11);
	close(qguest_create_file(&guest, "cd.iso", 2 << 20));
	qguest_start(&guest,
		     "-nodefaults -device ahci,id=sata,addr=5 "
		     "-drive file=%s/disk.img,format=raw,if=none,id=disk "
		     "-device ide-hd,bus=sata.2,unit=0,drive=disk,serial=ours "
		     "-drive file=%s/cd.iso,if=none,id=cd,media=cdrom "
		     "-device ide-cd,drive=cd,id=ide-5632,bus=sata.5",
		     guest.dir, guest.dir);
	qguest_watch_irqs(&guest);
	qguest_pci_write(&guest, SLOT, 0, BAR_REGISTER, (uint32_t)BAR);
	qguest_pci_write(&guest, SLOT, 0, 4, 6);
	qguest_writel(&guest, BAR + GHC, 2);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	qguest_stop(&guest);
	close(disk);
	return 0;
}

/** A command in slot 0 with one region, of 'bytes' at DATA, and its end. */
static void run(unsigned port, const uint8_t fis[16], const uint8_t *packet, uint32_t bytes)
{
	uint8_t table[0x90] = { 0 };
	bool queued = fis[2] == READ_QUEUED || fis[2] == WRITE_QUEUED;

	memcpy(table, fis, 16);
	if (packet)
		memcpy(table + 0x40, packet, 12);
	table[0x82] = DATA >> 16;
	table[0x8c] = (uint8_t)(bytes - 1);
	table[0x8d] = (uint8_t)((bytes - 1) >> 8);
	qguest_write(&guest, TABLE, table, sizeof(table));
	qguest_writel(&guest, LIST, UINT32_C(1) << 16 | (packet ? 0x20 : 0) | 5);
	qguest_writel(&guest, LIST + 8, TABLE);
	qguest_writel(&guest, LIST + 12, 0);
	if (queued)
		port_write(port, SACT, 1);
	port_write(port, CI, 1);
	for (unsigned i = 0; i < 10000 && (port_read(port, CI) || port_read(port, SACT)); i++)
		usleep(1000);
	assert_int_equal(port_read(port, CI), 0);
	assert_int_equal(port_read(port, SACT), 0);
}

static void test_who_is_there(void **state)
{
	(void)state;
	assert_int_equal(qguest_pci_read(&guest, SLOT, 0, 0), 0x29228086);
	assert_int_equal(qguest_pci_read(&guest, SLOT, 0, 8) >> 8, 0x010601);
	assert_int_equal(qguest_readl(&guest, BAR + PI), 0x3f);
	start_port(DISK);
	start_port(CDROM);
	assert_int_equal(port_read(DISK, SIG), 0x00000101);
	assert_int_equal(port_read(CDROM, SIG), 0xeb140101);
	assert_int_equal(port_read(0, SSTS), 0);
	assert_non_null(strstr(qguest_qmp(&guest, "{\"execute\":\"query-block\"}"), "\"disk\""));
}

static void test_disk(void **state)
{
	static const uint8_t read[16] = { 0x27, 0x80, READ_DMA_EXT, 0, 5, 0, 0, 0x40, [12] = 1 };
	static const uint8_t write[16] = { 0x27, 0x80, WRITE_QUEUED, 2, 0xff, 15, 0, 0x40 | FUA };
	static const uint8_t queued[16] = { 0x27, 0x80, READ_QUEUED, 1, 0xff, 15, 0, 0x40 };
	static const uint8_t flush[16] = { 0x27, 0x80, FLUSH_EXT };
	uint8_t data[2 * SECTOR];

	(void)state;
	start_port(DISK);
	run(DISK, read, NULL, SECTOR);
	qguest_read(&guest, DATA, data, SECTOR);
	assert_memory_equal(data, "sector five", 11);
	assert_int_equal(port_read(DISK, TFD), 0x50);
	memset(data, 0x3c, sizeof(data));
	qguest_write(&guest, DATA, data, sizeof(data));
	run(DISK, write, NULL, sizeof(data));
	memset(data, 0, sizeof(data));
	assert_int_equal(pread(disk, data, sizeof(data), 4095 * SECTOR), sizeof(data));
	assert_int_equal(data[0], 0x3c);
	assert_int_equal(data[sizeof(data) - 1], 0x3c);
	qguest_write(&guest, DATA, "\0", 1);
	run(DISK, queued, NULL, SECTOR);
	assert_int_equal(qguest_readb(&guest, DATA), 0x3c);
	run(DISK, flush, NULL, SECTOR);
	assert_int_equal(port_read(DISK, PXIS) & 0x0f, 0x09);
}

/** The sense key of TEST UNIT READY. */
static unsigned test_unit_ready(void)
{
	static const uint8_t fis[16] = { 0x27, 0x80, PACKET };
	static const uint8_t packet[12];
	uint8_t table[0x80] = { 0 };

	memcpy(table, fis, 16);
	memcpy(table + 0x40, packet, 12);
	qguest_write(&guest, TABLE, table, sizeof(table));
	qguest_writel(&guest, LIST, 0x25);
	qguest_writel(&guest, LIST + 8, TABLE);
	port_write(CDROM, CI, 1);
	if (port_read(CDROM, CI)) {
		port_write(CDROM, CMD, 0x10);
		port_write(CDROM, CMD, 0x11);
	}
	return port_read(CDROM, TFD) >> 12;
}

static void test_cd_and_its_tray(void **state)
{
	static const uint8_t fis[16] = { 0x27, 0x80, PACKET, 1 };
	static const uint8_t inquiry[12] = { 0x12, 0, 0, 0, 36 };
	char command[256];

	(void)state;
	start_port(CDROM);
	run(CDROM, fis, inquiry, 36);
	assert_int_equal(qguest_readb(&guest, DATA), 5);
	assert_int_equal(test_unit_ready(), 0);
	qguest_qmp(&guest, "{\"execute\":\"eject\",\"arguments\":{\"id\":\"ide-5632\"}}");
	assert_int_equal(test_unit_ready(), 2);
	snprintf(command, sizeof(command),
		 "{\"execute\":\"blockdev-change-medium\",\"arguments\":{\"id\":\"ide-5632\","
		 "\"filename\":\"%s/cd.iso\"}}",
		 guest.dir);
	qguest_qmp(&guest, command);
	assert_int_equal(test_unit_ready(), 6);
	assert_int_equal(test_unit_ready(), 0);
}

static void test_interrupt(void **state)
{
	static const uint8_t read[16] = { 0x27, 0x80, READ_DMA_EXT, 0, 5, 0, 0, 0x40, [12] = 1 };
	unsigned raised = 0;

	(void)state;
	start_port(DISK);
	/* Some wire of the board rises: firmware has not routed it. */
	qguest_writel(&guest, BAR + GHC, 2);
	run(DISK, read, NULL, SECTOR);
	assert_int_equal(qguest_readl(&guest, BAR + 8), 1u << DISK);
	assert_int_equal(qguest_pci_read(&guest, SLOT, 0, 4) >> 16 & 8, 8);
	port_write(DISK, PXIS, UINT32_MAX);
	qguest_writel(&guest, BAR + 8, UINT32_MAX);
	assert_int_equal(qguest_pci_read(&guest, SLOT, 0, 4) >> 16 & 8, 0);
	for (unsigned i = 0; i < QGUEST_WIRES; i++)
		raised += guest.raised[i];
	assert_true(raised > 0);
}

#define WITH_GUEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_GUEST(test_who_is_there),
		WITH_GUEST(test_disk),
		WITH_GUEST(test_cd_and_its_tray),
		WITH_GUEST(test_interrupt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
