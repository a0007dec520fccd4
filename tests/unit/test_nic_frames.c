// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Random frames, from nothing to longer than any card takes, at each network card with all of its
 * offloads on: each is stored whole, or refused until the driver makes room, or dropped.
 * Environment variable FRAMES says how many (20000).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "hw/net/e1000.h"
#include "hw/net/ne2000.h"
#include "hw/net/nic.h"
#include "hw/net/rtl8139.h"
#include "tests/lib/nic_bench.h"

enum {
	SLOT = 3,
	IO = 0xc000,
	RING = 64,
	RX_RING = 0x10000,
	RX_DATA = 0x20000,
	STRIDE = 4096,
};

#define BAR UINT32_C(0xfe000000)

static const uint8_t card_mac[NET_MAC_BYTES] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 };

static uint64_t random_state = 88172645463325252u;

/** Marsaglia's xorshift: the same frames each time. */
static uint32_t random_number(uint32_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 16) % below;
}

static unsigned frame_count(void)
{
	const char *text = getenv("FRAMES");

	return text ? (unsigned)strtoul(text, NULL, 10) : 20000;
}

/** Mostly of usual lengths; half of them look like IPv4, some tagged. */
static size_t make_frame(uint8_t *frame)
{
	static const uint32_t limits[] = { 80, 1600, 1600, 1600, 9100, NIC_BENCH_BYTES };
	size_t length = random_number(limits[random_number(ARRAY_SIZE(limits))]), at = 12;

	for (size_t i = 0; i < length + 32 && i < NIC_BENCH_BYTES; i += 4)
		store_le32(frame + (i & ~(size_t)3), random_number(UINT32_MAX));
	if (random_number(2)) {
		memcpy(frame, card_mac, sizeof(card_mac));
		if (random_number(4) == 0) {
			store_be16(frame + at, NIC_TYPE_VLAN);
			at += 4;
		}
		store_be16(frame + at, NIC_TYPE_IPV4);
		frame[at + 2] = (uint8_t)(0x40 | random_number(16));
		frame[at + 11] = (uint8_t)(random_number(2) ? NIC_PROTOCOL_TCP : NIC_PROTOCOL_UDP);
	}
	return length;
}

/** A card under the storm. */
struct storm {
	struct chip_bench *bench;
	struct nic_peer *peer;
	void (*make_room)(struct storm *storm);
	bool (*has_stored)(struct storm *storm, const uint8_t *frame, size_t length);
	void *card;
	unsigned stored, refused;
};

static void run(struct storm *storm)
{
	uint8_t *frame = calloc(1, NIC_BENCH_BYTES + 64);
	unsigned count = frame_count();

	for (unsigned i = 0; i < count; i++) {
		size_t length = make_frame(frame);

		if (!nic_peer_send(storm->peer, frame, length)) {
			storm->refused++;
			storm->make_room(storm);
			assert_true(nic_peer_send(storm->peer, frame, length));
		}
		storm->stored += storm->has_stored(storm, frame, length);
	}
	free(frame);
	assert_true(storm->stored > count / 10);
	assert_true(storm->refused > 0);
}

static void set_up_pci(struct chip_bench *bench, uint32_t first, uint32_t second)
{
	bench_config_write(bench, SLOT, 0, PCI_BASE_ADDRESS_0, first, 4);
	bench_config_write(bench, SLOT, 0, PCI_BASE_ADDRESS_0 + 4, second, 4);
	bench_config_write(bench, SLOT, 0, PCI_COMMAND,
			   PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
}

/* e1000 */

static uint32_t e1000_in(struct storm *storm, uint32_t reg)
{
	return (uint32_t)io_read(&storm->bench->memory, BAR + reg, 4);
}

static void e1000_out(struct storm *storm, uint32_t reg, uint32_t value)
{
	io_write(&storm->bench->memory, BAR + reg, value, 4);
}

static void make_room_e1000(struct storm *storm)
{
	e1000_in(storm, E1000_ICR);
	e1000_out(storm, E1000_RDT, (e1000_in(storm, E1000_RDH) + RING - 1) % RING);
}

static bool e1000_has_stored(struct storm *storm, const uint8_t *frame, size_t length)
{
	static uint32_t last_head;
	uint32_t head = e1000_in(storm, E1000_RDH), index = (head + RING - 1) % RING;
	const uint8_t *d = storm->bench->bytes + RX_RING + index * E1000_DESCRIPTOR_BYTES;
	const uint8_t *data = storm->bench->bytes + RX_DATA + index * STRIDE;
	bool is_new = head != last_head;
	size_t expected = max_u64(length, 60), stripped = d[12] & E1000_RXD_VP ? 4 : 0;

	last_head = head;
	assert_int_equal(is_new, length >= NET_HEADER_BYTES && length <= 16380);
	if (!is_new || length > STRIDE)
		return is_new;
	assert_int_equal(d[12] & (E1000_RXD_DD | E1000_RXD_EOP), E1000_RXD_DD | E1000_RXD_EOP);
	assert_int_equal(load_le16(d + 8), expected - stripped);
	assert_memory_equal(data, frame, 12);
	assert_memory_equal(data + 12, frame + 12 + stripped, length - 12 - stripped);
	return true;
}

static void e1000_survives_random_frames(void **state)
{
	struct storm storm = { .bench = bench_create(NULL),
			       .make_room = make_room_e1000,
			       .has_stored = e1000_has_stored };
	struct e1000 *card = calloc(1, sizeof(*card));
	const struct e1000_wires wires = { .bus = &storm.bench->bus,
					   .clock = &storm.bench->clock,
					   .ram = &storm.bench->ram,
					   .name = "nic0",
					   .slot = SLOT };

	(void)state;
	assert_int_equal(e1000_init(card, &wires, NULL), 0);
	storm.peer = nic_peer_create(&card->port);
	set_up_pci(storm.bench, BAR, IO);
	for (unsigned i = 0; i < RING; i++)
		store_le64(storm.bench->bytes + RX_RING + i * E1000_DESCRIPTOR_BYTES,
			   RX_DATA + i * STRIDE);
	e1000_out(&storm, E1000_RDBAL, RX_RING);
	e1000_out(&storm, E1000_RDLEN, RING * E1000_DESCRIPTOR_BYTES);
	e1000_out(&storm, E1000_RDT, RING - 1);
	e1000_out(&storm, E1000_RXCSUM, E1000_RXCSUM_IPOFL | E1000_RXCSUM_TUOFL);
	e1000_out(&storm, E1000_CTRL, E1000_CTRL_VME);
	e1000_out(&storm, E1000_RCTL,
		  E1000_RCTL_EN | E1000_RCTL_UPE | E1000_RCTL_MPE | E1000_RCTL_BAM |
			  E1000_RCTL_LPE | E1000_RCTL_SECRC | E1000_RCTL_BSEX |
			  3u << E1000_RCTL_BSIZE_SHIFT);
	run(&storm);
	nic_peer_destroy(storm.peer);
	card->device.class->finish(card);
	bench_destroy(storm.bench);
	free(card);
}

/* RTL8139 in C+ mode */

static void rtl8139_give_descriptors(struct storm *storm)
{
	for (unsigned i = 0; i < RING; i++) {
		uint8_t *d = storm->bench->bytes + RX_RING + i * RTL8139_D_BYTES;

		store_le32(d, RTL8139_D_OWN | STRIDE | (i == RING - 1 ? RTL8139_D_EOR : 0u));
		store_le64(d + RTL8139_D_ADDRESS, RX_DATA + i * STRIDE);
	}
	bench_out16(storm->bench, IO + RTL8139_ISR, UINT16_MAX);
}

static bool rtl8139_has_stored(struct storm *storm, const uint8_t *frame, size_t length)
{
	static unsigned last_index;
	struct rtl8139 *card = storm->card;
	unsigned index = card->state.rx_index, first = last_index;
	const uint8_t *d = storm->bench->bytes + RX_RING + first * RTL8139_D_BYTES;
	const uint8_t *data = storm->bench->bytes + RX_DATA + first * STRIDE;
	size_t stripped = load_le32(d + 4) & RTL8139_RXD_TAVA ? 4 : 0;

	last_index = index;
	if (index == first || length + 4 > STRIDE)
		return index != first;
	assert_int_equal(load_le32(d) & RTL8139_RXD_LENGTH, max_u64(length, 60) + 4 - stripped);
	assert_memory_equal(data, frame, 12);
	assert_memory_equal(data + 12, frame + 12 + stripped, length - 12 - stripped);
	return true;
}

static void rtl8139_survives_random_frames(void **state)
{
	struct storm storm = { .bench = bench_create(NULL),
			       .make_room = rtl8139_give_descriptors,
			       .has_stored = rtl8139_has_stored };
	struct rtl8139 *card = calloc(1, sizeof(*card));
	const struct rtl8139_wires wires = { .bus = &storm.bench->bus,
					     .clock = &storm.bench->clock,
					     .ram = &storm.bench->ram,
					     .name = "nic0",
					     .slot = SLOT };

	(void)state;
	storm.card = card;
	assert_int_equal(rtl8139_init(card, &wires, NULL), 0);
	storm.peer = nic_peer_create(&card->port);
	set_up_pci(storm.bench, IO, 0);
	rtl8139_give_descriptors(&storm);
	bench_out16(storm.bench, IO + RTL8139_CPCR,
		    RTL8139_CPCR_RX | RTL8139_CPCR_CHECKSUM | RTL8139_CPCR_VLAN);
	bench_out32(storm.bench, IO + RTL8139_RDSAR, RX_RING);
	bench_out32(storm.bench, IO + RTL8139_MAR, UINT32_MAX);
	bench_out32(storm.bench, IO + RTL8139_MAR + 4, UINT32_MAX);
	bench_out8(storm.bench, IO + RTL8139_CR, RTL8139_CR_RE);
	bench_out32(storm.bench, IO + RTL8139_RCR,
		    RTL8139_RCR_AAP | RTL8139_RCR_AM | RTL8139_RCR_AB);
	run(&storm);
	nic_peer_destroy(storm.peer);
	card->device.class->finish(card);
	bench_destroy(storm.bench);
	free(card);
}

/* NE2000 */

static void ne2000_set_page(struct storm *storm, unsigned page)
{
	bench_out8(storm->bench, IO + NE2000_CR,
		   (uint8_t)(NE2000_CR_STA | NE2000_CR_ABORT | page << NE2000_CR_PAGE_SHIFT));
}

/** As a driver that has read everything. */
static void make_room_ne2000(struct storm *storm)
{
	uint8_t curr;

	ne2000_set_page(storm, 1);
	curr = bench_in8(storm->bench, IO + (NE2000_CURR & 15));
	ne2000_set_page(storm, 0);
	bench_out8(storm->bench, IO + NE2000_BNRY,
		   curr == NE2000_FIRST_PAGE ? NE2000_END_PAGE - 1 : (uint8_t)(curr - 1));
}

static bool ne2000_has_stored(struct storm *storm, const uint8_t *frame, size_t length)
{
	static unsigned last = NE2000_FIRST_PAGE;
	struct ne2000 *card = storm->card;
	unsigned first = last, pages = (unsigned)(8 + max_u64(length, 60) + 255) / 256;
	const uint8_t *data = card->state.ram + (first - NE2000_FIRST_PAGE) * NE2000_PAGE_BYTES;

	last = card->state.curr;
	assert_int_equal(first != last, length >= NET_HEADER_BYTES && length <= 1518);
	if (first == last || first + pages > NE2000_END_PAGE)
		return first != last;
	assert_int_equal(load_le16(data + NE2000_HEADER_LENGTH), max_u64(length, 60) + 4);
	assert_memory_equal(data + NE2000_HEADER_BYTES, frame, length);
	return true;
}

static void ne2000_survives_random_frames(void **state)
{
	struct storm storm = { .bench = bench_create(NULL),
			       .make_room = make_room_ne2000,
			       .has_stored = ne2000_has_stored };
	struct ne2000 *card = calloc(1, sizeof(*card));
	const struct ne2000_wires wires = { .bus = &storm.bench->bus,
					    .name = "nic0",
					    .slot = SLOT };

	(void)state;
	storm.card = card;
	assert_int_equal(ne2000_init(card, &wires, NULL), 0);
	storm.peer = nic_peer_create(&card->port);
	set_up_pci(storm.bench, IO, 0);
	bench_out8(storm.bench, IO + NE2000_PSTART, NE2000_FIRST_PAGE);
	bench_out8(storm.bench, IO + NE2000_PSTOP, NE2000_END_PAGE);
	bench_out8(storm.bench, IO + NE2000_BNRY, NE2000_END_PAGE - 1);
	bench_out8(storm.bench, IO + NE2000_RCR, NE2000_RCR_PRO);
	ne2000_set_page(&storm, 1);
	bench_out8(storm.bench, IO + (NE2000_CURR & 15), NE2000_FIRST_PAGE);
	ne2000_set_page(&storm, 0);
	run(&storm);
	nic_peer_destroy(storm.peer);
	card->device.class->finish(card);
	bench_destroy(storm.bench);
	free(card);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(e1000_survives_random_frames),
		cmocka_unit_test(rtl8139_survives_random_frames),
		cmocka_unit_test(ne2000_survives_random_frames),
	};

	return cmocka_run_group_tests_name("nic_frames", tests, NULL, NULL);
}
