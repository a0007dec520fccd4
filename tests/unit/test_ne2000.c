// SPDX-License-Identifier: GPL-2.0-or-later
/* NE2000 on PCI: registers, remote DMA, ring, transmission, and the bugs that others had. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "hw/net/ne2000.h"
#include "hw/net/nic.h"
#include "tests/lib/nic_bench.h"

enum {
	SLOT = 3,
	IO = 0xc000,
	DATA = NE2000_DATA_PORT,
	TX_PAGE = 0x40,
	RX_START = 0x46,
	RX_STOP = 0x80,
	START = NE2000_CR_STA | NE2000_CR_ABORT,
	STOP = NE2000_CR_STP | NE2000_CR_ABORT,
	PAGE_1 = 1 << NE2000_CR_PAGE_SHIFT,
	PAGE_2 = 2 << NE2000_CR_PAGE_SHIFT,
	PAGE_3 = 3 << NE2000_CR_PAGE_SHIFT,
};

static const uint8_t card_mac[NET_MAC_BYTES] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 };

struct fixture {
	struct chip_bench *bench;
	struct ne2000 *card;
	struct nic_peer *peer;
	bool intx;
};

static void take_intx(void *opaque, unsigned slot, unsigned pin, bool level)
{
	(void)slot;
	(void)pin;
	((struct fixture *)opaque)->intx = level;
}

static uint8_t in(struct fixture *f, unsigned reg)
{
	return bench_in8(f->bench, (uint16_t)(IO + reg));
}

static void out(struct fixture *f, unsigned reg, unsigned value)
{
	bench_out8(f->bench, (uint16_t)(IO + reg), (uint8_t)value);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const struct pci_intx_sink intx = { f, take_intx };
	struct ne2000_wires wires;

	f->bench = bench_create(&intx);
	f->card = calloc(1, sizeof(*f->card));
	wires = (struct ne2000_wires){ .bus = &f->bench->bus, .name = "nic0", .slot = SLOT };
	memcpy(wires.mac, card_mac, sizeof(card_mac));
	assert_int_equal(ne2000_init(f->card, &wires, NULL), 0);
	f->peer = nic_peer_create(&f->card->port);
	bench_config_write(f->bench, SLOT, 0, PCI_BASE_ADDRESS_0, IO, 4);
	bench_config_write(f->bench, SLOT, 0, PCI_COMMAND, PCI_COMMAND_IO, 2);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	nic_peer_destroy(f->peer);
	f->card->device.class->finish(f->card);
	bench_destroy(f->bench);
	free(f->card);
	free(f);
	return 0;
}

/** As drivers set it up. */
static void start(struct fixture *f, unsigned rcr)
{
	out(f, NE2000_CR, STOP);
	out(f, NE2000_DCR, 0x49);
	out(f, NE2000_RCR, rcr);
	out(f, NE2000_TCR, 0);
	out(f, NE2000_TPSR, TX_PAGE);
	out(f, NE2000_PSTART, RX_START);
	out(f, NE2000_BNRY, RX_STOP - 1);
	out(f, NE2000_PSTOP, RX_STOP);
	out(f, NE2000_ISR, 0xff);
	out(f, NE2000_IMR, 0x3f);
	out(f, NE2000_CR, STOP | PAGE_1);
	for (unsigned i = 0; i < NET_MAC_BYTES; i++)
		out(f, (NE2000_PAR0 & 15) + i, card_mac[i]);
	out(f, NE2000_CURR & 15, RX_START);
	out(f, NE2000_CR, START);
}

static void start_remote(struct fixture *f, unsigned command, unsigned address, unsigned count)
{
	out(f, NE2000_RBCR0, count & 0xff);
	out(f, NE2000_RBCR1, count >> 8);
	out(f, NE2000_RSAR0, address & 0xff);
	out(f, NE2000_RSAR1, address >> 8);
	out(f, NE2000_CR, NE2000_CR_STA | command);
}

static unsigned curr(struct fixture *f)
{
	unsigned value;

	out(f, NE2000_CR, START | PAGE_1);
	value = in(f, NE2000_CURR & 15);
	out(f, NE2000_CR, START);
	return value;
}

static void make_frame(uint8_t *frame, const uint8_t *mac, size_t length)
{
	memcpy(frame, mac, 6);
	memset(frame + 6, 0x02, 6);
	store_be16(frame + 12, 0x88b5);
	for (size_t i = 14; i < length; i++)
		frame[i] = (uint8_t)i;
}

static bool receive(struct fixture *f, const uint8_t *mac, size_t length)
{
	uint8_t frame[NIC_BENCH_BYTES];

	make_frame(frame, mac, length);
	return nic_peer_send(f->peer, frame, length);
}

static void read_remote(struct fixture *f, unsigned address, uint8_t *data, unsigned count)
{
	start_remote(f, NE2000_CR_READ, address, count);
	for (unsigned i = 0; i < count; i += 2)
		store_le16(data + i, bench_in16(f->bench, IO + DATA));
}

static void put_frame(struct fixture *f, unsigned length)
{
	uint8_t frame[1600];

	make_frame(frame, card_mac, length);
	start_remote(f, NE2000_CR_WRITE, TX_PAGE << 8, length);
	for (unsigned i = 0; i < length; i += 2)
		bench_out16(f->bench, IO + DATA, load_le16(frame + i));
}

static void send(struct fixture *f, unsigned length)
{
	out(f, NE2000_TPSR, TX_PAGE);
	out(f, NE2000_TBCR0, length & 0xff);
	out(f, NE2000_TBCR1, length >> 8);
	out(f, NE2000_CR, START | NE2000_CR_TXP);
}

static void prom_has_the_address_twice(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(bench_config_read(f->bench, SLOT, 0, 0, 4), 0x802910ec);
	assert_int_equal(in(f, NE2000_8029ID0), 'P');
	assert_int_equal(in(f, NE2000_8029ID1), 'C');
	start(f, 0);
	/* As Linux' ne2k-pci reads it: bytes in word mode. */
	start_remote(f, NE2000_CR_READ, 0, 32);
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(in(f, DATA), i < 6 ? card_mac[i] : i < 14 ? 0 : 0x57);
	assert_true(in(f, NE2000_ISR) & NE2000_RDC);
	assert_int_equal(in(f, DATA), 0xff); /* nothing is left */
	out(f, NE2000_DCR, 0x48);
	start_remote(f, NE2000_CR_READ, 0, 4);
	assert_int_equal(in(f, DATA), card_mac[0]);
	assert_int_equal(in(f, DATA), card_mac[0]);
	assert_int_equal(in(f, DATA), card_mac[1]);
}

static void memory_is_what_was_written(void **state)
{
	struct fixture *f = *state;
	uint8_t data[512];

	start(f, 0);
	start_remote(f, NE2000_CR_WRITE, 0x4000, 512);
	for (unsigned i = 0; i < 256; i += 4)
		bench_out32(f->bench, IO + DATA, 0x01010101 * i);
	for (unsigned i = 0; i < 256; i += 2)
		bench_out16(f->bench, IO + DATA, (uint16_t)(0x0101 * i));
	assert_true(in(f, NE2000_ISR) & NE2000_RDC);
	bench_out16(f->bench, IO + DATA, 0xdead); /* too late */
	read_remote(f, 0x4000, data, 512);
	for (unsigned i = 0; i < 256; i++) {
		assert_int_equal(data[i], i & ~3u);
		assert_int_equal(data[256 + i], i & ~1u);
	}
	read_remote(f, 0x8000, data, 4);
	assert_int_equal(load_le32(data), UINT32_MAX);
}

static void registers_are_on_their_pages(void **state)
{
	struct fixture *f = *state;

	start(f, 0x1f);
	out(f, NE2000_CR, START | PAGE_2);
	assert_int_equal(in(f, NE2000_READ_PSTART & 15), RX_START);
	assert_int_equal(in(f, NE2000_READ_PSTOP & 15), RX_STOP);
	assert_int_equal(in(f, NE2000_READ_RCR & 15), 0x1f);
	assert_int_equal(in(f, NE2000_READ_DCR & 15), 0x49);
	assert_int_equal(in(f, NE2000_READ_IMR & 15), 0x3f);
	out(f, NE2000_CR, START | PAGE_3);
	assert_int_equal(in(f, NE2000_8029ASID0 & 15), 0x29);
	out(f, NE2000_CR, START | PAGE_1);
	assert_int_equal(in(f, (NE2000_PAR0 & 15) + 5), 0x56);
	in(f, NE2000_RESET_PORT);
	assert_int_equal(in(f, NE2000_CR), STOP);
	assert_true(in(f, NE2000_ISR) & NE2000_RST);
}

static void frames_land_in_the_ring(void **state)
{
	struct fixture *f = *state;
	uint8_t data[1100];

	assert_true(receive(f, card_mac, 60)); /* stopped: dropped */
	start(f, 0);
	assert_true(receive(f, card_mac, 1000));
	assert_true(f->intx);
	assert_int_equal(curr(f), RX_START + 4);
	read_remote(f, RX_START << 8, data, 1010);
	assert_int_equal(data[0], NE2000_RSR_PRX);
	assert_int_equal(data[1], RX_START + 4);
	assert_int_equal(load_le16(data + 2), 1004);
	assert_memory_equal(data + 4, card_mac, 6);
	assert_int_equal(data[4 + 999], 999 & 255);
	assert_int_equal(load_le32(data + 4 + 1000), 0);
	out(f, NE2000_ISR, NE2000_PRX | NE2000_RDC);
	assert_false(f->intx);
	assert_true(receive(f, card_mac, 20));
	read_remote(f, (RX_START + 4) << 8, data, 68);
	assert_int_equal(load_le16(data + 2), 64);
	for (unsigned i = 4 + 20; i < 68; i++)
		assert_int_equal(data[i], 0); /* padding leaks nothing */
}

static void full_ring_refuses_and_wraps(void **state)
{
	struct fixture *f = *state;
	uint8_t data[1100];
	unsigned count = 0;

	start(f, 0);
	while (receive(f, card_mac, 1200)) /* five pages of 58 */
		count++;
	assert_int_equal(count, 11);
	assert_int_equal(f->peer->resumed, 0);
	out(f, NE2000_BNRY, RX_START + 9);
	assert_int_equal(f->peer->resumed, 1);
	assert_true(receive(f, card_mac, 1200));
	assert_int_equal(curr(f), RX_START + 60 - 58);
	/* Three pages before the end, the rest at the start: read in one go. */
	read_remote(f, (RX_STOP - 3) << 8, data, 1000);
	for (unsigned i = 14; i < 996; i++)
		assert_int_equal(data[4 + i], i & 255);
	out(f, NE2000_CR, STOP);
	assert_true(receive(f, card_mac, 1200));
}

/** Linux' 8390 driver sets BNRY to the page before the next frame, also if that is the first one.
 */
static void bnry_may_stand_before_the_ring(void **state)
{
	struct fixture *f = *state;

	start(f, 0);
	out(f, NE2000_BNRY, RX_START - 1);
	for (unsigned i = 0; i < 57; i++)
		assert_true(receive(f, card_mac, 60) == (i < 56));
	assert_int_equal(curr(f), RX_START + 56);
	out(f, NE2000_BNRY, RX_START + 20);
	assert_true(receive(f, card_mac, 60));
}

/** Linux' 8390 driver leaves STA out when it changes pages in its interrupt handler. */
static void runs_on_without_sta(void **state)
{
	struct fixture *f = *state;

	start(f, 0);
	out(f, NE2000_CR, NE2000_CR_ABORT);
	assert_true(receive(f, card_mac, 60));
	assert_true(in(f, NE2000_ISR) & NE2000_PRX);
	put_frame(f, 100);
	send(f, 100);
	assert_int_equal(f->peer->sent, 1);
}

static void filters_choose(void **state)
{
	static const uint8_t broadcast[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	static const uint8_t group[] = { 0x01, 0x00, 0x5e, 0x00, 0x00, 0xfb };
	static const uint8_t other[] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x57 };
	struct fixture *f = *state;
	unsigned bit = nic_multicast_bit(group);

	start(f, 0);
	receive(f, other, 60);
	receive(f, group, 60);
	receive(f, broadcast, 60);
	assert_int_equal(curr(f), RX_START);
	out(f, NE2000_RCR, NE2000_RCR_AB | NE2000_RCR_AM);
	receive(f, broadcast, 60);
	receive(f, group, 60);
	assert_int_equal(curr(f), RX_START + 1);
	out(f, NE2000_CR, START | PAGE_1);
	out(f, (NE2000_MAR0 & 15) + bit / 8, BIT(bit % 8));
	out(f, NE2000_CR, START);
	receive(f, group, 60);
	assert_int_equal(curr(f), RX_START + 2);
	out(f, NE2000_RCR, NE2000_RCR_PRO);
	receive(f, other, 60);
	assert_int_equal(curr(f), RX_START + 3);
	out(f, NE2000_RCR, NE2000_RCR_PRO | NE2000_RCR_MON);
	receive(f, other, 60);
	assert_true(receive(f, other, 1519));
	assert_true(receive(f, other, 13));
	assert_int_equal(curr(f), RX_START + 3);
}

static void frames_are_sent(void **state)
{
	struct fixture *f = *state;

	start(f, 0);
	put_frame(f, 1000);
	out(f, NE2000_ISR, 0xff);
	send(f, 1000);
	assert_true(f->intx);
	assert_int_equal(in(f, NE2000_ISR), NE2000_PTX);
	assert_int_equal(in(f, NE2000_TSR), NE2000_TSR_PTX);
	assert_int_equal(in(f, NE2000_CR), START);
	assert_int_equal(f->peer->frames[0].length, 1000);
	assert_int_equal(f->peer->frames[0].bytes[999], 999 & 255);
	send(f, 20);
	assert_int_equal(f->peer->frames[1].length, 60);
	for (unsigned i = 20; i < 60; i++)
		assert_int_equal(f->peer->frames[1].bytes[i], 0);
	out(f, NE2000_TCR, NE2000_TCR_LOOPBACK);
	send(f, 100);
	assert_int_equal(f->peer->sent, 2);
	assert_int_equal(curr(f), RX_START);
}

static void refused_frame_waits(void **state)
{
	struct fixture *f = *state;

	start(f, 0);
	put_frame(f, 100);
	f->peer->room = 0;
	send(f, 100);
	assert_true(in(f, NE2000_CR) & NE2000_CR_TXP);
	assert_false(in(f, NE2000_ISR) & NE2000_PTX);
	out(f, NE2000_CR, START | PAGE_1); /* registers can be looked at meanwhile */
	assert_true(bench_round_trip(&f->card->device));
	nic_peer_set_room(f->peer, 5);
	assert_int_equal(f->peer->sent, 1);
	assert_false(in(f, NE2000_CR) & NE2000_CR_TXP);
	out(f, NE2000_CR, START);
	assert_true(in(f, NE2000_ISR) & NE2000_PTX);
}

/* What other models of this card got wrong */

/** A transmit page or count outside of the card's memory. */
static void cve_2015_5278_transmit_outside_of_memory(void **state)
{
	static const struct {
		uint8_t page;
		uint16_t count;
	} rows[] = {
		{ 0xff, 1500 }, { 0x00, 100 }, { 0x3f, 100 }, { 0x7f, 1500 }, { 0x40, 0xffff }
	};
	struct fixture *f = *state;

	start(f, 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		out(f, NE2000_TPSR, rows[i].page);
		out(f, NE2000_TBCR0, rows[i].count & 0xff);
		out(f, NE2000_TBCR1, rows[i].count >> 8);
		out(f, NE2000_ISR, 0xff);
		out(f, NE2000_CR, START | NE2000_CR_TXP);
		assert_true(in(f, NE2000_ISR) & NE2000_TXE);
		assert_false(in(f, NE2000_CR) & NE2000_CR_TXP);
	}
	assert_int_equal(f->peer->sent, 0);
}

/** Every ring that page registers can describe: no loop without end, nothing outside of memory. */
static void cve_2015_5279_ring_registers_at_odds(void **state)
{
	static const uint8_t pages[] = { 0x00, 0x3f, 0x40, 0x41, 0x46, 0x7f, 0x80, 0x81, 0xff };
	enum {
		N = ARRAY_SIZE(pages),
	};
	struct fixture *f = *state;

	start(f, NE2000_RCR_PRO);
	for (unsigned i = 0; i < N * N * N * N; i++) {
		out(f, NE2000_PSTART, pages[i % N]);
		out(f, NE2000_PSTOP, pages[i / N % N]);
		out(f, NE2000_BNRY, pages[i / N / N % N]);
		out(f, NE2000_CR, START | PAGE_1);
		out(f, NE2000_CURR & 15, pages[i / N / N / N]);
		out(f, NE2000_CR, START);
		for (unsigned k = 0; k < 3; k++)
			receive(f, card_mac, k ? 1500 : 60);
		start_remote(f, NE2000_CR_SEND, 0, 0);
		bench_in32(f->bench, IO + DATA);
	}
}

static void is_saved_and_checked(void **state)
{
	struct fixture *f = *state;

	start(f, 0);
	receive(f, card_mac, 100);
	assert_true(bench_round_trip(&f->card->device));
	assert_true(f->intx);
	f->card->state.imr = 0x80;
	assert_true(bench_refuses_state(&f->card->device));
	f->card->state.imr = 0;
	f->card->state.cr = NE2000_CR_TXP | NE2000_CR_STP;
	assert_true(bench_refuses_state(&f->card->device));
	f->card->state.cr = 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(prom_has_the_address_twice),
		TEST(memory_is_what_was_written),
		TEST(registers_are_on_their_pages),
		TEST(frames_land_in_the_ring),
		TEST(full_ring_refuses_and_wraps),
		TEST(bnry_may_stand_before_the_ring),
		TEST(runs_on_without_sta),
		TEST(filters_choose),
		TEST(frames_are_sent),
		TEST(refused_frame_waits),
		TEST(cve_2015_5278_transmit_outside_of_memory),
		TEST(cve_2015_5279_ring_registers_at_odds),
		TEST(is_saved_and_checked),
	};

	return cmocka_run_group_tests_name("ne2000", tests, NULL, NULL);
}
