// SPDX-License-Identifier: GPL-2.0-or-later
/* RTL8139C+: registers, EEPROM, timer, both modes, offloads, and the bugs that others had. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "hw/net/nic.h"
#include "hw/net/rtl8139.h"
#include "tests/lib/nic_bench.h"

enum {
	SLOT = 3,
	IO = 0xc000,
	RX_BUFFER = 0x20000,
	TX_DATA = 0x30000,
	RX_RING = 0x40000,
	TX_RING = 0x41000,
	HIGH_RING = 0x42000,
	RX_DATA = 0x50000,
	RX_STRIDE = 2048,
	RING = 8,
	ACCEPT = RTL8139_RCR_APM | RTL8139_RCR_AB | RTL8139_RCR_AM,
	FS_LS = RTL8139_D_FS | RTL8139_D_LS,
};

static const uint8_t card_mac[NET_MAC_BYTES] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 };

struct fixture {
	struct chip_bench *bench;
	struct rtl8139 *card;
	struct nic_peer *peer;
	bool intx;
};

static void take_intx(void *opaque, unsigned slot, unsigned pin, bool level)
{
	(void)slot;
	(void)pin;
	((struct fixture *)opaque)->intx = level;
}

static uint8_t in8(struct fixture *f, unsigned reg)
{
	return bench_in8(f->bench, (uint16_t)(IO + reg));
}

static uint16_t in16(struct fixture *f, unsigned reg)
{
	return bench_in16(f->bench, (uint16_t)(IO + reg));
}

static uint32_t in32(struct fixture *f, unsigned reg)
{
	return bench_in32(f->bench, (uint16_t)(IO + reg));
}

static void out8(struct fixture *f, unsigned reg, unsigned value)
{
	bench_out8(f->bench, (uint16_t)(IO + reg), (uint8_t)value);
}

static void out16(struct fixture *f, unsigned reg, unsigned value)
{
	bench_out16(f->bench, (uint16_t)(IO + reg), (uint16_t)value);
}

static void out32(struct fixture *f, unsigned reg, uint32_t value)
{
	bench_out32(f->bench, (uint16_t)(IO + reg), value);
}

static void wait_ns(struct fixture *f, int64_t ns)
{
	clock_step_to(&f->bench->clock, clock_now_ns(&f->bench->clock) + ns);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const struct pci_intx_sink intx = { f, take_intx };
	struct rtl8139_wires wires;

	f->bench = bench_create(&intx);
	f->card = calloc(1, sizeof(*f->card));
	wires = (struct rtl8139_wires){ .bus = &f->bench->bus,
					.clock = &f->bench->clock,
					.ram = &f->bench->ram,
					.name = "nic0",
					.slot = SLOT };
	memcpy(wires.mac, card_mac, sizeof(card_mac));
	assert_int_equal(rtl8139_init(f->card, &wires, NULL), 0);
	f->peer = nic_peer_create(&f->card->port);
	bench_config_write(f->bench, SLOT, 0, PCI_BASE_ADDRESS_0, IO, 4);
	bench_config_write(f->bench, SLOT, 0, PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MASTER, 2);
	out16(f, RTL8139_ISR, UINT16_MAX);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	nic_peer_destroy(f->peer);
	f->card->device.class->finish(f->card);
	assert_int_equal(clock_next_deadline_ns(&f->bench->clock), INT64_MAX);
	bench_destroy(f->bench);
	free(f->card);
	free(f);
	return 0;
}

static bool receive(struct fixture *f, const uint8_t *mac, size_t length)
{
	uint8_t frame[NIC_BENCH_BYTES];

	nic_frame(frame, mac, 0x88b5, length);
	return nic_peer_send(f->peer, frame, length);
}

static void start_c_mode(struct fixture *f, uint32_t rcr)
{
	memset(f->bench->bytes + RX_BUFFER, 0xee, 0x4000);
	out32(f, RTL8139_RBSTART, RX_BUFFER);
	out8(f, RTL8139_CR, RTL8139_CR_TE | RTL8139_CR_RE);
	out32(f, RTL8139_RCR, rcr);
}

static uint8_t *descriptor(struct fixture *f, uint32_t ring, unsigned index)
{
	return f->bench->bytes + ring + index * RTL8139_D_BYTES;
}

static void put_descriptor(struct fixture *f, uint32_t ring, unsigned index, uint32_t command,
			   uint32_t vlan, uint64_t address)
{
	uint8_t *d = descriptor(f, ring, index);

	store_le32(d, command | RTL8139_D_OWN);
	store_le32(d + 4, vlan);
	store_le64(d + 8, address);
}

static void start_cplus_mode(struct fixture *f, uint16_t features)
{
	for (unsigned i = 0; i < RING; i++)
		put_descriptor(f, RX_RING, i, RX_STRIDE | (i == RING - 1 ? RTL8139_D_EOR : 0u), 0,
			       RX_DATA + i * RX_STRIDE);
	memset(f->bench->bytes + RX_DATA, 0xee, RING * RX_STRIDE);
	out16(f, RTL8139_CPCR, RTL8139_CPCR_TX | RTL8139_CPCR_RX | features);
	out32(f, RTL8139_RDSAR, RX_RING);
	out32(f, RTL8139_TNPDS, TX_RING);
	out32(f, RTL8139_TNPDS + 4, 0);
	out32(f, RTL8139_THPDS, HIGH_RING);
	out32(f, RTL8139_THPDS + 4, 0);
	out8(f, RTL8139_CR, RTL8139_CR_TE | RTL8139_CR_RE);
	out32(f, RTL8139_RCR, ACCEPT);
}

static bool is_owned(struct fixture *f, uint32_t ring, unsigned index)
{
	return load_le32(descriptor(f, ring, index)) & RTL8139_D_OWN;
}

/* --- Registers --- */

static void shows_who_it_is(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(bench_config_read(f->bench, SLOT, 0, 0, 4), 0x813910ec);
	assert_int_equal(bench_config_read(f->bench, SLOT, 0, PCI_REVISION_ID, 1), 0x20);
	assert_int_equal(in32(f, RTL8139_IDR), 0x12005452);
	assert_int_equal(in16(f, RTL8139_IDR + 4), 0x5634);
	assert_int_equal(in32(f, RTL8139_TCR) & 0x7cc00000, RTL8139_TCR_VERSION);
	assert_int_equal(in8(f, RTL8139_CR), RTL8139_CR_BUFE);
	assert_int_equal(in16(f, RTL8139_BMSR) & RTL8139_BMSR_LINK, RTL8139_BMSR_LINK);
	out32(f, RTL8139_TCR, UINT32_MAX);
	assert_int_equal(in32(f, RTL8139_TCR), RTL8139_TCR_VERSION | RTL8139_TCR_WRITABLE);
	out8(f, RTL8139_CONFIG4, 0x55);
	assert_int_equal(in8(f, RTL8139_CONFIG4), 0);
	out8(f, RTL8139_9346CR, RTL8139_EEM_CONFIG);
	out8(f, RTL8139_CONFIG4, 0x55);
	assert_int_equal(in8(f, RTL8139_CONFIG4), 0x55);
	out8(f, RTL8139_CR, RTL8139_CR_RST);
	assert_int_equal(in8(f, RTL8139_CR) & RTL8139_CR_RST, 0);
	assert_int_equal(in32(f, RTL8139_IDR), 0x12005452);
}

static uint16_t read_eeprom(struct fixture *f, unsigned word)
{
	uint32_t command = 6u << 6 | word; /* start, READ */
	uint16_t value = 0;

	for (unsigned i = 0; i < 9 + 16; i++) {
		bool bit = i < 9 && command >> (8 - i) & 1;
		unsigned pins = RTL8139_EEM_PROGRAM | RTL8139_EECS | (bit ? RTL8139_EEDI : 0);

		out8(f, RTL8139_9346CR, pins);
		out8(f, RTL8139_9346CR, pins | RTL8139_EESK);
		if (i >= 9)
			value = (uint16_t)(value << 1 | (in8(f, RTL8139_9346CR) & RTL8139_EEDO));
	}
	out8(f, RTL8139_9346CR, RTL8139_EEM_PROGRAM);
	out8(f, RTL8139_9346CR, 0);
	return value;
}

static void eeprom_has_the_address(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(read_eeprom(f, 0), 0x8129);
	assert_int_equal(read_eeprom(f, 7), 0x5452);
	assert_int_equal(read_eeprom(f, 9), 0x5634);
	out32(f, RTL8139_IDR, 0);
	out8(f, RTL8139_9346CR, RTL8139_EEM_AUTOLOAD);
	assert_int_equal(in32(f, RTL8139_IDR), 0x12005452);
}

static void timer_interrupts_at_its_count(void **state)
{
	struct fixture *f = *state;

	out16(f, RTL8139_IMR, RTL8139_TIMEOUT);
	out32(f, RTL8139_TCTR, 0);
	out32(f, RTL8139_TIMERINT, 1000);
	wait_ns(f, 29000);
	assert_false(f->intx);
	wait_ns(f, 2000);
	assert_true(f->intx);
	assert_in_range(in32(f, RTL8139_TCTR), 1000, 1100);
	out16(f, RTL8139_ISR, RTL8139_TIMEOUT);
	assert_false(f->intx);
	out32(f, RTL8139_TIMERINT, 0);
	assert_int_equal(clock_next_deadline_ns(&f->bench->clock), INT64_MAX);
}

static void link_follows_the_wire(void **state)
{
	struct fixture *f = *state;

	out16(f, RTL8139_IMR, RTL8139_PUN);
	net_set_link(&f->peer->port, false);
	assert_true(f->intx);
	assert_false(in16(f, RTL8139_BMSR) & RTL8139_BMSR_LINK);
	assert_true(in8(f, RTL8139_MSR) & RTL8139_MSR_NO_LINK);
	out16(f, RTL8139_ISR, RTL8139_PUN);
	net_set_link(&f->peer->port, true);
	assert_true(f->intx);
	assert_true(in16(f, RTL8139_BMSR) & RTL8139_BMSR_LINK);
}

/* --- C mode --- */

static void frames_are_sent_from_four_buffers(void **state)
{
	struct fixture *f = *state;
	uint8_t *data = f->bench->bytes + TX_DATA;

	start_c_mode(f, ACCEPT);
	out16(f, RTL8139_IMR, RTL8139_TOK);
	nic_frame(data, card_mac, 0x88b5, 1500);
	for (unsigned i = 0; i < 6; i++) {
		out32(f, RTL8139_TSAD + 4 * (i % 4), TX_DATA);
		out32(f, RTL8139_TSD + 4 * (i % 4), 1000 + i);
		assert_int_equal(f->peer->sent, i + 1);
		assert_int_equal(f->peer->frames[i].length, 1000 + i);
		assert_memory_equal(f->peer->frames[i].bytes, data, 1000 + i);
		assert_true(in32(f, RTL8139_TSD + 4 * (i % 4)) & RTL8139_TSD_TOK);
	}
	assert_true(f->intx);
	assert_int_equal(in16(f, RTL8139_TSAD_ALL), 0xf00f);
	out32(f, RTL8139_TSD + 8, 1793); /* longer than a frame can be */
	assert_true(in32(f, RTL8139_TSD + 8) & RTL8139_TSD_TABT);
	assert_int_equal(f->peer->sent, 6);
}

static void padding_leaks_nothing(void **state)
{
	struct fixture *f = *state;

	start_c_mode(f, ACCEPT);
	memset(f->bench->bytes + TX_DATA, 0xaa, 2000);
	out32(f, RTL8139_TSAD, TX_DATA);
	out32(f, RTL8139_TSAD + 4, TX_DATA);
	out32(f, RTL8139_TSD, 1500);
	out32(f, RTL8139_TSD + 4, 20);
	assert_int_equal(f->peer->frames[1].length, 60);
	for (unsigned i = 20; i < 60; i++)
		assert_int_equal(f->peer->frames[1].bytes[i], 0);
}

static void refused_buffers_wait(void **state)
{
	struct fixture *f = *state;

	start_c_mode(f, ACCEPT);
	f->peer->room = 1;
	for (unsigned i = 0; i < 4; i++) {
		out32(f, RTL8139_TSAD + 4 * i, TX_DATA);
		out32(f, RTL8139_TSD + 4 * i, 100 + i);
	}
	assert_int_equal(f->peer->sent, 1);
	assert_int_equal(in32(f, RTL8139_TSD + 4) & RTL8139_TSD_OWN, 0);
	assert_true(bench_round_trip(&f->card->device));
	nic_peer_set_room(f->peer, 10);
	assert_int_equal(f->peer->sent, 4);
	assert_int_equal(f->peer->frames[3].length, 103);
}

static void frame_lands_in_the_buffer(void **state)
{
	struct fixture *f = *state;
	const uint8_t *at = f->bench->bytes + RX_BUFFER;

	start_c_mode(f, ACCEPT);
	out16(f, RTL8139_IMR, RTL8139_ROK);
	assert_true(receive(f, card_mac, 42));
	assert_true(f->intx);
	assert_int_equal(load_le16(at), RTL8139_RX_OK | RTL8139_RX_PHYSICAL);
	assert_int_equal(load_le16(at + 2), 64);
	assert_memory_equal(at + 4, card_mac, 6);
	for (unsigned i = 4 + 42; i < 4 + 64; i++)
		assert_int_equal(at[i], 0);
	assert_int_equal(at[68], 0xee);
	assert_int_equal(in8(f, RTL8139_CR) & RTL8139_CR_BUFE, 0);
	assert_int_equal(in16(f, RTL8139_CBR), 68);
	out16(f, RTL8139_CAPR, 68 - 16);
	assert_int_equal(in8(f, RTL8139_CR) & RTL8139_CR_BUFE, RTL8139_CR_BUFE);
}

static void full_buffer_refuses_until_there_is_room(void **state)
{
	struct fixture *f = *state;
	const uint8_t *at = f->bench->bytes + RX_BUFFER;
	unsigned count = 0;

	assert_true(receive(f, card_mac, 60)); /* off: dropped */
	start_c_mode(f, ACCEPT);
	while (receive(f, card_mac, 1000))
		count++;
	assert_int_equal(count, 8);
	assert_int_equal(in16(f, RTL8139_CBR), 8 * 1008);
	out16(f, RTL8139_CAPR, 1008 - 16);
	assert_int_equal(f->peer->resumed, 1);
	assert_true(receive(f, card_mac, 1000)); /* wraps */
	assert_int_equal(in16(f, RTL8139_CBR), 9 * 1008 - 8192);
	assert_int_equal(at[8191], (8192 - 8064 - 4 - 1) & 0xff);
	assert_int_equal(at[0], (8192 - 8064 - 4) & 0xff);
	assert_int_equal(at[8192], 0xee);
}

static void frames_run_on_behind_the_buffer(void **state)
{
	struct fixture *f = *state;
	const uint8_t *at = f->bench->bytes + RX_BUFFER;

	start_c_mode(f, ACCEPT | RTL8139_RCR_WRAP);
	for (unsigned i = 0; i < 8; i++) {
		assert_true(receive(f, card_mac, 1000));
		out16(f, RTL8139_CAPR, (i + 1) * 1008 - 16);
	}
	assert_true(receive(f, card_mac, 1000));
	assert_int_equal(at[8064 + 4 + 999], 999 & 0xff);
	assert_int_equal(in16(f, RTL8139_CBR), 9 * 1008 - 8192);
}

static void filters_choose(void **state)
{
	static const uint8_t broadcast[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	static const uint8_t group[] = { 0x01, 0x00, 0x5e, 0x00, 0x00, 0xfb };
	static const uint8_t other[] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x57 };
	struct fixture *f = *state;
	unsigned at = 0;

	start_c_mode(f, 0);
	receive(f, card_mac, 60);
	receive(f, broadcast, 60);
	receive(f, group, 60);
	assert_int_equal(in16(f, RTL8139_CBR), at);
	out32(f, RTL8139_RCR, ACCEPT);
	receive(f, group, 60);
	receive(f, other, 60);
	assert_int_equal(in16(f, RTL8139_CBR), at);
	receive(f, broadcast, 60);
	assert_int_equal(in16(f, RTL8139_CBR), at += 68);
	/* ether_crc(01:00:5e:00:00:fb) >> 26, as Linux' driver computes it. */
	out32(f, RTL8139_MAR + nic_multicast_bit(group) / 32 * 4,
	      BIT(nic_multicast_bit(group) % 32));
	receive(f, group, 60);
	assert_int_equal(in16(f, RTL8139_CBR), at += 68);
	assert_int_equal(nic_multicast_bit(group), 0x0f);
	out32(f, RTL8139_RCR, RTL8139_RCR_AAP);
	receive(f, other, 60);
	assert_int_equal(in16(f, RTL8139_CBR), at += 68);
	assert_true(receive(f, other, 1519));
	assert_true(receive(f, other, 13));
	assert_int_equal(in16(f, RTL8139_CBR), at);
}

static void loop_back_comes_in_again(void **state)
{
	struct fixture *f = *state;

	start_c_mode(f, ACCEPT);
	out32(f, RTL8139_TCR, RTL8139_TCR_LOOPBACK);
	nic_frame(f->bench->bytes + TX_DATA, card_mac, 0x88b5, 500);
	out32(f, RTL8139_TSAD, TX_DATA);
	out32(f, RTL8139_TSD, 500);
	assert_int_equal(f->peer->sent, 0);
	assert_memory_equal(f->bench->bytes + RX_BUFFER + 4, f->bench->bytes + TX_DATA, 500);
	receive(f, card_mac, 60);
	assert_int_equal(in16(f, RTL8139_CBR), 508);
}

/* --- C+ mode --- */

static void cplus_receives(void **state)
{
	struct fixture *f = *state;
	const uint8_t *d = descriptor(f, RX_RING, 0);

	start_cplus_mode(f, 0);
	out16(f, RTL8139_IMR, RTL8139_ROK);
	assert_true(receive(f, card_mac, 1000));
	assert_true(f->intx);
	assert_int_equal(load_le32(d), FS_LS | RTL8139_RXD_PHYSICAL | 1004);
	assert_int_equal(f->bench->bytes[RX_DATA + 999], 999 & 255);
	assert_int_equal(f->bench->bytes[RX_DATA + 1003], 0);
	assert_int_equal(f->bench->bytes[RX_DATA + 1004], 0xee);
	assert_true(receive(f, card_mac, 4000)); /* two descriptors */
	assert_int_equal(load_le32(descriptor(f, RX_RING, 1)), RTL8139_D_FS);
	assert_int_equal(load_le32(descriptor(f, RX_RING, 2)),
			 RTL8139_D_LS | RTL8139_RXD_PHYSICAL | 4004);
}

/** The driver adds descriptors in memory; the chip finds them by itself while somebody waits. */
static void cplus_full_ring_refuses_until_there_is_room(void **state)
{
	struct fixture *f = *state;

	start_cplus_mode(f, 0);
	out16(f, RTL8139_IMR, RTL8139_RXOVW);
	for (unsigned i = 0; i < RING; i++)
		assert_true(receive(f, card_mac, 60));
	assert_false(f->intx);
	assert_false(receive(f, card_mac, 60));
	assert_true(f->intx);
	wait_ns(f, 5 * NS_PER_MS);
	assert_int_equal(f->peer->resumed, 0);
	put_descriptor(f, RX_RING, 0, RX_STRIDE, 0, RX_DATA);
	wait_ns(f, 2 * NS_PER_MS);
	assert_int_equal(f->peer->resumed, 1);
	assert_true(receive(f, card_mac, 60));
	assert_false(is_owned(f, RX_RING, 0));
	assert_false(receive(f, card_mac, 60));
	out16(f, RTL8139_IMR, 0); /* as drivers do at the end of their poll */
	assert_int_equal(f->peer->resumed, 2);
	/* A driver that is gone: after a while frames are dropped, and no timer runs. */
	assert_false(receive(f, card_mac, 60));
	wait_ns(f, 3 * NS_PER_SECOND);
	assert_int_equal(f->peer->resumed, 3);
	assert_true(receive(f, card_mac, 60));
	assert_int_equal(in32(f, RTL8139_MPC), 1);
	assert_int_equal(clock_next_deadline_ns(&f->bench->clock), INT64_MAX);
}

static void cplus_strips_and_inserts_tags(void **state)
{
	struct fixture *f = *state;
	const uint8_t *d = descriptor(f, RX_RING, 0);
	uint8_t frame[100];

	start_cplus_mode(f, RTL8139_CPCR_VLAN);
	nic_frame(frame, card_mac, NIC_TYPE_VLAN, sizeof(frame));
	store_be16(frame + 14, 0x2005);
	nic_peer_send(f->peer, frame, sizeof(frame));
	assert_int_equal(load_le32(d) & RTL8139_RXD_LENGTH, 100);
	assert_int_equal(load_le32(d + 4), RTL8139_RXD_TAVA | 0x0520);
	assert_memory_equal(f->bench->bytes + RX_DATA + 12, frame + 16, 84);
	nic_frame(f->bench->bytes + TX_DATA, card_mac, 0x88b5, 100);
	put_descriptor(f, TX_RING, 0, FS_LS | 100, RTL8139_TXD_TAGC | 0x0520, TX_DATA);
	out8(f, RTL8139_TPPOLL, RTL8139_TPPOLL_NPQ);
	assert_int_equal(f->peer->frames[0].length, 104);
	assert_int_equal(load_be32(f->peer->frames[0].bytes + 12), 0x81002005);
	assert_memory_equal(f->peer->frames[0].bytes + 16, f->bench->bytes + TX_DATA + 12, 88);
}

static void cplus_verifies_checksums(void **state)
{
	struct fixture *f = *state;
	uint8_t frame[300];
	size_t length = nic_frame_tcp(frame, card_mac, 201);

	start_cplus_mode(f, RTL8139_CPCR_CHECKSUM);
	nic_peer_send(f->peer, frame, length);
	assert_int_equal(load_le32(descriptor(f, RX_RING, 0)) & 0x7c000,
			 RTL8139_RXD_IS_TCP | RTL8139_RXD_IP_BAD | RTL8139_RXD_TCP_BAD);
	put_descriptor(f, TX_RING, 0,
		       FS_LS | RTL8139_TXD_IPCS | RTL8139_TXD_TCPCS | (uint32_t)length, 0, TX_DATA);
	memcpy(f->bench->bytes + TX_DATA, frame, length);
	out32(f, RTL8139_TCR, RTL8139_TCR_LOOPBACK);
	out8(f, RTL8139_TPPOLL, RTL8139_TPPOLL_NPQ);
	assert_int_equal(load_le32(descriptor(f, RX_RING, 1)) & 0x7c000, RTL8139_RXD_IS_TCP);
	assert_true(nic_frame_tcp_is_good(f->bench->bytes + RX_DATA + RX_STRIDE, length));
}

static void cplus_sends_both_rings(void **state)
{
	struct fixture *f = *state;

	start_cplus_mode(f, 0);
	out16(f, RTL8139_IMR, RTL8139_TOK);
	nic_frame(f->bench->bytes + TX_DATA, card_mac, 0x88b5, 1500);
	put_descriptor(f, TX_RING, 0, RTL8139_D_FS | 700, 0, TX_DATA);
	store_le32(descriptor(f, TX_RING, 1), 0);
	out8(f, RTL8139_TPPOLL, RTL8139_TPPOLL_NPQ);
	assert_int_equal(f->peer->sent, 0); /* its end is not there yet */
	assert_true(is_owned(f, TX_RING, 0));
	assert_int_equal(in8(f, RTL8139_TPPOLL), 0);
	put_descriptor(f, TX_RING, 1, RTL8139_D_LS | RTL8139_D_EOR | 800, 0, TX_DATA + 700);
	put_descriptor(f, HIGH_RING, 0, FS_LS | RTL8139_D_EOR | 99, 0, TX_DATA);
	out8(f, RTL8139_TPPOLL, RTL8139_TPPOLL_NPQ | RTL8139_TPPOLL_HPQ);
	assert_int_equal(f->peer->sent, 2);
	assert_int_equal(f->peer->frames[0].length, 99);
	assert_int_equal(f->peer->frames[1].length, 1500);
	assert_memory_equal(f->peer->frames[1].bytes, f->bench->bytes + TX_DATA, 1500);
	assert_false(is_owned(f, TX_RING, 0) || is_owned(f, TX_RING, 1));
	assert_true(load_le32(descriptor(f, TX_RING, 1)) & RTL8139_D_EOR);
	assert_true(f->intx);
	put_descriptor(f, TX_RING, 0, FS_LS | 80, 0, TX_DATA);
	out8(f, RTL8139_TPPOLL, RTL8139_TPPOLL_NPQ);
	assert_int_equal(f->peer->frames[2].length, 80);
}

static void check_segments(struct fixture *f, size_t payload, size_t mss)
{
	size_t count = (payload + mss - 1) / mss, seen = 0;

	assert_int_equal(f->peer->sent, count);
	for (size_t i = 0; i < count; i++) {
		const uint8_t *frame = f->peer->frames[i].bytes;
		size_t length = f->peer->frames[i].length;

		assert_true(nic_frame_tcp_is_good(frame, length));
		assert_int_equal(load_be16(frame + 18), 0x1234 + i);
		assert_int_equal(load_be32(frame + 38), 1000 + seen);
		assert_int_equal(frame[47], i + 1 == count ? 0x19 : 0x10);
		assert_memory_equal(frame + 54, f->bench->bytes + TX_DATA + 54 + seen, length - 54);
		seen += length - 54;
	}
	assert_int_equal(seen, payload);
}

static void cplus_segments_tcp_and_waits_for_room(void **state)
{
	struct fixture *f = *state;
	size_t length = nic_frame_tcp(f->bench->bytes + TX_DATA, card_mac, 10001);

	start_cplus_mode(f, 0);
	f->peer->room = 3;
	put_descriptor(f, TX_RING, 0,
		       RTL8139_D_FS | RTL8139_TXD_LGSEN | 1460u << RTL8139_TXD_MSS_SHIFT | 100, 0,
		       TX_DATA);
	put_descriptor(f, TX_RING, 1, RTL8139_D_LS | RTL8139_D_EOR | (uint32_t)(length - 100), 0,
		       TX_DATA + 100);
	out8(f, RTL8139_TPPOLL, RTL8139_TPPOLL_NPQ);
	assert_int_equal(f->peer->sent, 3);
	assert_true(is_owned(f, TX_RING, 0));
	assert_true(bench_round_trip(&f->card->device));
	nic_peer_set_room(f->peer, 2);
	nic_peer_set_room(f->peer, 100);
	check_segments(f, 10001, 1460);
	assert_false(is_owned(f, TX_RING, 0));
	wait_ns(f, 1);
}

static void tally_counters_are_dumped(void **state)
{
	struct fixture *f = *state;
	const uint8_t *tally = f->bench->bytes + 0x1000;

	start_cplus_mode(f, 0);
	receive(f, card_mac, 60);
	put_descriptor(f, TX_RING, 0, FS_LS | 60, 0, TX_DATA);
	out8(f, RTL8139_TPPOLL, RTL8139_TPPOLL_NPQ);
	memset(f->bench->bytes + 0x1000, 0xee, 128);
	out32(f, RTL8139_DTCCR + 4, 0);
	out32(f, RTL8139_DTCCR, 0x1000 | RTL8139_DTCCR_DUMP);
	assert_int_equal(in32(f, RTL8139_DTCCR), 0x1000);
	assert_int_equal(load_le64(tally), 1);
	assert_int_equal(load_le64(tally + 8), 1);
	assert_int_equal(load_le64(tally + 40), 1);
	assert_int_equal(tally[64], 0xee);
}

/* --- What other models of this card got wrong --- */

static void send_offloaded(struct fixture *f, uint32_t flags, size_t length)
{
	put_descriptor(f, TX_RING, 0, FS_LS | RTL8139_D_EOR | flags | (uint32_t)length, 0, TX_DATA);
	out8(f, RTL8139_TPPOLL, RTL8139_TPPOLL_NPQ);
	assert_false(is_owned(f, TX_RING, 0));
}

/** Lengths in headers that claim more, or less, than there is: nothing but the packet goes out. */
static void cve_2015_5165_header_lengths_are_checked(void **state)
{
	static const struct {
		unsigned at, value;
	} lies[] = { { 14, 0x4f }, { 14, 0x40 }, { 16, 0xff },
		     { 16, 0x00 }, { 46, 0xf0 }, { 46, 0x00 } };
	const uint32_t offloads = RTL8139_TXD_IPCS | RTL8139_TXD_TCPCS | RTL8139_TXD_UDPCS;
	struct fixture *f = *state;

	start_cplus_mode(f, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(lies); i++) {
		for (unsigned pass = 0; pass < 3; pass++) {
			size_t length = nic_frame_tcp(f->bench->bytes + TX_DATA, card_mac, 10);

			f->peer->sent = f->peer->kept = 0;
			f->bench->bytes[TX_DATA + lies[i].at] = (uint8_t)lies[i].value;
			if (lies[i].at == 16)
				f->bench->bytes[TX_DATA + 17] = (uint8_t)lies[i].value;
			f->bench->bytes[TX_DATA + 23] =
				pass == 1 ? NIC_PROTOCOL_UDP : NIC_PROTOCOL_TCP;
			send_offloaded(f,
				       pass == 2 ? RTL8139_TXD_LGSEN | 100u << RTL8139_TXD_MSS_SHIFT
						 : offloads,
				       length);
			for (unsigned k = 0; k < f->peer->kept; k++)
				assert_int_equal(f->peer->frames[k].length, 64);
		}
	}
}

/** Segmentation that would make no progress, or 64 KiB of frames of one byte each. */
static void segmentation_makes_progress_in_turns(void **state)
{
	struct fixture *f = *state;
	size_t length = nic_frame_tcp(f->bench->bytes + TX_DATA, card_mac, 60000);

	start_cplus_mode(f, 0);
	send_offloaded(f, RTL8139_TXD_LGSEN, length);
	assert_int_equal(f->peer->sent, 0); /* one frame of 60 KB there is not */
	put_descriptor(f, TX_RING, 0,
		       FS_LS | RTL8139_D_EOR | RTL8139_TXD_LGSEN | 1u << RTL8139_TXD_MSS_SHIFT |
			       (uint32_t)length,
		       0, TX_DATA);
	out8(f, RTL8139_TPPOLL, RTL8139_TPPOLL_NPQ);
	assert_in_range(f->peer->sent, 1, 1000);
	for (unsigned i = 0; i < 500; i++)
		wait_ns(f, 1);
	assert_int_equal(f->peer->sent, 60000);
	assert_false(is_owned(f, TX_RING, 0));
}

/** Loop-back into a ring that lies in the transmit ring, and rings without an end. */
static void cve_2021_3416_loop_back_cannot_recurse(void **state)
{
	struct fixture *f = *state;

	start_cplus_mode(f, 0);
	out32(f, RTL8139_RDSAR, TX_RING);
	out32(f, RTL8139_TCR, RTL8139_TCR_LOOPBACK);
	for (unsigned i = 0; i < RTL8139_D_COUNT; i++)
		put_descriptor(f, TX_RING, i, 64, 0, TX_RING + i * 16);
	out8(f, RTL8139_TPPOLL, RTL8139_TPPOLL_NPQ);
	put_descriptor(f, TX_RING, 3, FS_LS | 1000, 0, TX_RING);
	memcpy(f->bench->bytes + TX_RING + 0x200, card_mac, 6);
	put_descriptor(f, TX_RING, 0, FS_LS | 0x200, 0, TX_RING + 0x200);
	out8(f, RTL8139_TPPOLL, RTL8139_TPPOLL_NPQ);
	wait_ns(f, NS_PER_SECOND * 5);
	assert_int_equal(clock_next_deadline_ns(&f->bench->clock), INT64_MAX);
}

/** CAPR anywhere, buffer anywhere: also behind the end of RAM. */
static void receive_buffer_outside_of_ram(void **state)
{
	struct fixture *f = *state;

	start_c_mode(f, ACCEPT);
	out32(f, RTL8139_RBSTART, BENCH_RAM_BYTES - 100);
	out16(f, RTL8139_CAPR, 0x7ff1);
	for (unsigned i = 0; i < 20; i++)
		receive(f, card_mac, 1500);
	out32(f, RTL8139_RCR, ACCEPT | 3u << RTL8139_RCR_LENGTH_SHIFT);
	for (unsigned i = 0; i < 60; i++)
		receive(f, card_mac, 1500);
	out32(f, RTL8139_RCR, ACCEPT);
	assert_true(f->card->state.rx_at < 8192);
	assert_true(receive(f, card_mac, 1500));
}

static void is_saved_and_checked(void **state)
{
	struct fixture *f = *state;

	start_c_mode(f, ACCEPT);
	receive(f, card_mac, 60);
	out16(f, RTL8139_IMR, RTL8139_ROK);
	out32(f, RTL8139_TIMERINT, 1000000);
	assert_true(bench_round_trip(&f->card->device));
	assert_true(f->intx);
	f->card->state.rx_at = 8192;
	assert_true(bench_refuses_state(&f->card->device));
	f->card->state.rx_at = 0;
	f->card->state.tx_index[1] = 64;
	assert_true(bench_refuses_state(&f->card->device));
	f->card->state.tx_index[1] = 0;
	f->card->state.tx_buffer = 4;
	assert_true(bench_refuses_state(&f->card->device));
	f->card->state.tx_buffer = 0;
	f->card->state.timer_ns = -1;
	assert_true(bench_refuses_state(&f->card->device));
	f->card->state.timer_ns = 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(shows_who_it_is),
		TEST(eeprom_has_the_address),
		TEST(timer_interrupts_at_its_count),
		TEST(link_follows_the_wire),
		TEST(frames_are_sent_from_four_buffers),
		TEST(padding_leaks_nothing),
		TEST(refused_buffers_wait),
		TEST(frame_lands_in_the_buffer),
		TEST(full_buffer_refuses_until_there_is_room),
		TEST(frames_run_on_behind_the_buffer),
		TEST(filters_choose),
		TEST(loop_back_comes_in_again),
		TEST(cplus_receives),
		TEST(cplus_full_ring_refuses_until_there_is_room),
		TEST(cplus_strips_and_inserts_tags),
		TEST(cplus_verifies_checksums),
		TEST(cplus_sends_both_rings),
		TEST(cplus_segments_tcp_and_waits_for_room),
		TEST(tally_counters_are_dumped),
		TEST(cve_2015_5165_header_lengths_are_checked),
		TEST(segmentation_makes_progress_in_turns),
		TEST(cve_2021_3416_loop_back_cannot_recurse),
		TEST(receive_buffer_outside_of_ram),
		TEST(is_saved_and_checked),
	};

	return cmocka_run_group_tests_name("rtl8139", tests, NULL, NULL);
}
