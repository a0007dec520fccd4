// SPDX-License-Identifier: GPL-2.0-or-later
/* Two network cards of one guest on a hub: what one sends, the other receives, byte for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "qguest.h"

enum {
	SENDER = 5, /* slots */
	RECEIVER = 6,
	RING_BYTES = 128,
	TX_RING = 0x10000,
	RX_RING = 0x11000,
	TX_DATA = 0x20000,
	RX_DATA = 0x30000,
	FRAME = 900,
};

#define SENDER_BAR   UINT64_C(0xfe000000)
#define RECEIVER_BAR UINT64_C(0xfe040000)

static struct qguest guest;
static uint8_t frame[FRAME];

static void start(const char *model)
{
	qguest_init(&guest);
	qguest_start(&guest,
		     "-netdev hubport,id=h0,hubid=0 -netdev hubport,id=h1,hubid=0 "
		     "-device %s,id=a,netdev=h0,addr=5,mac=00:16:3e:00:00:01,romfile= "
		     "-device %s,id=b,netdev=h1,addr=6,mac=00:16:3e:00:00:02,romfile=",
		     model, model);
	for (unsigned i = 0; i < FRAME; i++)
		frame[i] = (uint8_t)(i * 7);
	memcpy(frame, "\x00\x16\x3e\x00\x00\x02\x00\x16\x3e\x00\x00\x01\x88\xb5", 14);
	qguest_write(&guest, TX_DATA, frame, FRAME);
}

static void check_received(uint64_t gpa)
{
	uint8_t seen[FRAME];

	qguest_read(&guest, gpa, seen, FRAME);
	assert_memory_equal(seen, frame, FRAME);
}

static void map_memory(unsigned slot, uint64_t bar)
{
	qguest_pci_write(&guest, slot, 0, 0x10, (uint32_t)bar);
	qguest_pci_write(&guest, slot, 0, 4, 6);
}

/* e1000: offsets as in Intel's manual, chapter 13. */

static void start_e1000_receiver(void)
{
	map_memory(RECEIVER, RECEIVER_BAR);
	for (unsigned i = 0; i < 8; i++) {
		qguest_writel(&guest, RX_RING + 16 * i, RX_DATA + 2048 * i);
		qguest_writel(&guest, RX_RING + 16 * i + 4, 0);
	}
	qguest_writel(&guest, RECEIVER_BAR + 0x2800, RX_RING);
	qguest_writel(&guest, RECEIVER_BAR + 0x2808, RING_BYTES);
	qguest_writel(&guest, RECEIVER_BAR + 0x2818, 7);
	qguest_writel(&guest, RECEIVER_BAR + 0x100, 2);
}

static void send_e1000(unsigned number)
{
	unsigned index = number % 8;

	qguest_writel(&guest, TX_RING + 16 * index, TX_DATA);
	qguest_writel(&guest, TX_RING + 16 * index + 8, UINT32_C(0x09000000) | FRAME);
	qguest_writel(&guest, SENDER_BAR + 0x3818, (index + 1) % 8);
}

static void test_e1000(void **state)
{
	(void)state;
	start("e1000");
	assert_int_equal(qguest_pci_read(&guest, SENDER, 0, 0), 0x100e8086);
	start_e1000_receiver();
	map_memory(SENDER, SENDER_BAR);
	qguest_writel(&guest, SENDER_BAR + 0x3800, TX_RING);
	qguest_writel(&guest, SENDER_BAR + 0x3808, RING_BYTES);
	qguest_writel(&guest, SENDER_BAR + 0x400, 0xa);
	send_e1000(0);
	assert_int_equal(qguest_readl(&guest, SENDER_BAR + 0x3810), 1);
	assert_int_equal(qguest_readl(&guest, RECEIVER_BAR + 0x2810), 1);
	check_received(RX_DATA);
	/* Seven more into six descriptors: the last waits in the sender's ring. */
	for (unsigned i = 1; i < 8; i++)
		send_e1000(i);
	check_received(RX_DATA + 6 * 2048);
	assert_int_equal(qguest_readl(&guest, RECEIVER_BAR + 0x2810), 7);
	assert_int_equal(qguest_readl(&guest, SENDER_BAR + 0x3810), 7);
	qguest_writel(&guest, RECEIVER_BAR + 0x2818, 0);
	assert_int_equal(qguest_readl(&guest, SENDER_BAR + 0x3810), 0);
	check_received(RX_DATA + 7 * 2048);
	qguest_stop(&guest);
}

/* RTL8139: C mode at the sender, C+ mode at the receiver. */

static void map_io(unsigned slot, unsigned base)
{
	qguest_pci_write(&guest, slot, 0, 0x10, base);
	qguest_pci_write(&guest, slot, 0, 4, 5);
}

static void test_rtl8139(void **state)
{
	enum {
		SENDER_IO = 0xc000,
		RECEIVER_IO = 0xc100,
	};

	(void)state;
	start("rtl8139");
	assert_int_equal(qguest_pci_read(&guest, SENDER, 0, 0), 0x813910ec);
	map_io(SENDER, SENDER_IO);
	map_io(RECEIVER, RECEIVER_IO);
	assert_int_equal(qguest_inl(&guest, SENDER_IO), 0x003e1600);
	for (unsigned i = 0; i < 2; i++) {
		qguest_writel(&guest, RX_RING + 16 * i, UINT32_C(0x80000800) | i << 30);
		qguest_writel(&guest, RX_RING + 16 * i + 8, RX_DATA + 2048 * i);
		qguest_writel(&guest, RX_RING + 16 * i + 12, 0);
	}
	qguest_outw(&guest, RECEIVER_IO + 0xe0, 3);
	qguest_outl(&guest, RECEIVER_IO + 0xe4, RX_RING);
	qguest_outb(&guest, RECEIVER_IO + 0x37, 0x0c);
	qguest_outl(&guest, RECEIVER_IO + 0x44, 0x0f);
	qguest_outb(&guest, SENDER_IO + 0x37, 0x0c);
	for (unsigned i = 0; i < 3; i++) {
		qguest_outl(&guest, SENDER_IO + 0x20 + 4 * i, TX_DATA);
		qguest_outl(&guest, SENDER_IO + 0x10 + 4 * i, FRAME);
	}
	assert_int_equal(qguest_readl(&guest, RX_RING), UINT32_C(0x34000000) | (FRAME + 4));
	check_received(RX_DATA);
	check_received(RX_DATA + 2048);
	/* The third waits until the receiver has a descriptor again. */
	assert_int_equal(qguest_inl(&guest, SENDER_IO + 0x18) & 0x2000, 0);
	qguest_writel(&guest, RX_DATA + 100, 0);
	qguest_writel(&guest, RX_RING, UINT32_C(0x80000800));
	qguest_step(&guest, 3000000);
	assert_int_equal(qguest_inl(&guest, SENDER_IO + 0x18) & 0xa000, 0xa000);
	check_received(RX_DATA);
	qguest_stop(&guest);
}

/* NE2000: through its data port. */

static void remote_dma(unsigned io, unsigned command, unsigned address, unsigned count)
{
	qguest_outb(&guest, io + 8, address & 0xff);
	qguest_outb(&guest, io + 9, address >> 8);
	qguest_outb(&guest, io + 10, count & 0xff);
	qguest_outb(&guest, io + 11, count >> 8);
	qguest_outb(&guest, io, command);
}

static void test_ne2000(void **state)
{
	enum {
		SENDER_IO = 0xc000,
		RECEIVER_IO = 0xc100,
		RING = 0x46,
	};

	(void)state;
	start("ne2k_pci");
	assert_int_equal(qguest_pci_read(&guest, SENDER, 0, 0), 0x802910ec);
	map_io(SENDER, SENDER_IO);
	map_io(RECEIVER, RECEIVER_IO);
	qguest_outb(&guest, RECEIVER_IO + 1, RING);
	qguest_outb(&guest, RECEIVER_IO + 2, 0x80);
	qguest_outb(&guest, RECEIVER_IO + 3, 0x7f);
	qguest_outb(&guest, RECEIVER_IO + 12, 0x10); /* promiscuous */
	qguest_outb(&guest, RECEIVER_IO + 14, 0x49);
	qguest_outb(&guest, RECEIVER_IO, 0x61);
	qguest_outb(&guest, RECEIVER_IO + 7, RING);
	qguest_outb(&guest, RECEIVER_IO, 0x22);
	qguest_outb(&guest, SENDER_IO + 14, 0x49);
	remote_dma(SENDER_IO, 0x12, 0x4000, FRAME);
	for (unsigned i = 0; i < FRAME; i += 2)
		qguest_outw(&guest, SENDER_IO + 16, frame[i] | (unsigned)frame[i + 1] << 8);
	qguest_outb(&guest, SENDER_IO + 4, 0x40);
	qguest_outb(&guest, SENDER_IO + 5, FRAME & 0xff);
	qguest_outb(&guest, SENDER_IO + 6, FRAME >> 8);
	qguest_outb(&guest, SENDER_IO, 0x26);
	assert_int_equal(qguest_inb(&guest, SENDER_IO + 7) & 0x02, 0x02);
	assert_int_equal(qguest_inb(&guest, RECEIVER_IO + 7) & 0x01, 0x01);
	remote_dma(RECEIVER_IO, 0x0a, (RING << 8) + 4, FRAME);
	for (unsigned i = 0; i < FRAME; i += 2)
		assert_int_equal(qguest_inw(&guest, RECEIVER_IO + 16),
				 frame[i] | (unsigned)frame[i + 1] << 8);
	qguest_stop(&guest);
}

/** The wire is pulled out and put back by QMP. */
static void test_set_link(void **state)
{
	(void)state;
	start("e1000");
	map_memory(SENDER, SENDER_BAR);
	assert_int_equal(qguest_readl(&guest, SENDER_BAR + 8) & 2, 2);
	qguest_qmp(&guest,
		   "{\"execute\":\"set_link\",\"arguments\":{\"name\":\"a\",\"up\":false}}");
	assert_int_equal(qguest_readl(&guest, SENDER_BAR + 8) & 2, 0);
	assert_int_equal(qguest_readl(&guest, SENDER_BAR + 0xc0) & 4, 4);
	qguest_qmp(&guest,
		   "{\"execute\":\"set_link\",\"arguments\":{\"name\":\"h0\",\"up\":false}}");
	qguest_qmp(&guest, "{\"execute\":\"set_link\",\"arguments\":{\"name\":\"a\",\"up\":true}}");
	assert_int_equal(qguest_readl(&guest, SENDER_BAR + 8) & 2, 0);
	qguest_qmp(&guest,
		   "{\"execute\":\"set_link\",\"arguments\":{\"name\":\"h0\",\"up\":true}}");
	assert_int_equal(qguest_readl(&guest, SENDER_BAR + 8) & 2, 2);
	qguest_stop(&guest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_e1000),
		cmocka_unit_test(test_rtl8139),
		cmocka_unit_test(test_ne2000),
		cmocka_unit_test(test_set_link),
	};

	return cmocka_run_group_tests_name("qtest_nic", tests, NULL, NULL);
}
