// SPDX-License-Identifier: GPL-2.0-or-later
/* Intel 8254x: registers, EEPROM, PHY, rings, offloads, interrupts, and the bugs that others had.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "hw/net/e1000.h"
#include "hw/net/nic.h"
#include "tests/lib/nic_bench.h"

#define BAR UINT32_C(0xfe000000)

enum {
	SLOT = 3,
	IO_BAR = 0xc000,
	TX_RING = 0x10000,
	RX_RING = 0x20000,
	TX_DATA = 0x30000,
	RX_DATA = 0x40000,
	RX_STRIDE = 2048,
	RING = 16, /* descriptors in either ring */
	EOP_RS = E1000_TXD_EOP | E1000_TXD_RS,
};

static const uint8_t card_mac[NET_MAC_BYTES] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 };

struct fixture {
	struct chip_bench *bench;
	struct e1000 *card;
	struct nic_peer *peer;
	bool intx;
	unsigned raised;
};

static void take_intx(void *opaque, unsigned slot, unsigned pin, bool level)
{
	struct fixture *f = opaque;

	assert_int_equal(slot, SLOT);
	assert_int_equal(pin, 0);
	f->raised += level && !f->intx;
	f->intx = level;
}

static uint32_t in(struct fixture *f, uint32_t reg)
{
	return (uint32_t)io_read(&f->bench->memory, BAR + reg, 4);
}

static void out(struct fixture *f, uint32_t reg, uint32_t value)
{
	io_write(&f->bench->memory, BAR + reg, value, 4);
}

static void wait_ns(struct fixture *f, int64_t ns)
{
	clock_step_to(&f->bench->clock, clock_now_ns(&f->bench->clock) + ns);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const struct pci_intx_sink intx = { f, take_intx };
	struct e1000_wires wires;

	f->bench = bench_create(&intx);
	f->card = calloc(1, sizeof(*f->card));
	wires = (struct e1000_wires){
		.bus = &f->bench->bus,
		.clock = &f->bench->clock,
		.ram = &f->bench->ram,
		.name = "nic0",
		.slot = SLOT,
	};
	memcpy(wires.mac, card_mac, sizeof(card_mac));
	assert_int_equal(e1000_init(f->card, &wires, NULL), 0);
	f->peer = nic_peer_create(&f->card->port);
	bench_config_write(f->bench, SLOT, 0, PCI_BASE_ADDRESS_0, BAR, 4);
	bench_config_write(f->bench, SLOT, 0, PCI_BASE_ADDRESS_0 + 4, IO_BAR, 4);
	bench_config_write(f->bench, SLOT, 0, PCI_COMMAND,
			   PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
	in(f, E1000_ICR);
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

static void start_receiver(struct fixture *f, uint32_t rctl)
{
	for (unsigned i = 0; i < RING; i++) {
		uint8_t *d = f->bench->bytes + RX_RING + i * E1000_DESCRIPTOR_BYTES;

		memset(d, 0, E1000_DESCRIPTOR_BYTES);
		store_le64(d, RX_DATA + i * RX_STRIDE);
	}
	memset(f->bench->bytes + RX_DATA, 0xee, RING * RX_STRIDE);
	out(f, E1000_RDBAL, RX_RING);
	out(f, E1000_RDLEN, RING * E1000_DESCRIPTOR_BYTES);
	out(f, E1000_RDT, RING - 1);
	out(f, E1000_RCTL, rctl | E1000_RCTL_EN);
}

static void start_transmitter(struct fixture *f)
{
	out(f, E1000_TDBAL, TX_RING);
	out(f, E1000_TDLEN, RING * E1000_DESCRIPTOR_BYTES);
	out(f, E1000_TCTL, E1000_TCTL_EN | E1000_TCTL_PSP);
}

static void put_tx(struct fixture *f, unsigned index, uint64_t address, uint32_t lower,
		   uint32_t upper)
{
	uint8_t *d = f->bench->bytes + TX_RING + index * E1000_DESCRIPTOR_BYTES;

	store_le64(d, address);
	store_le32(d + 8, lower);
	store_le32(d + 12, upper);
}

static bool tx_is_done(struct fixture *f, unsigned index)
{
	return f->bench->bytes[TX_RING + index * E1000_DESCRIPTOR_BYTES + 12] & E1000_TXD_DD;
}

static const uint8_t *rx_descriptor(struct fixture *f, unsigned index)
{
	return f->bench->bytes + RX_RING + index * E1000_DESCRIPTOR_BYTES;
}

static bool receive(struct fixture *f, const uint8_t *mac, size_t length)
{
	uint8_t frame[NIC_BENCH_BYTES];

	nic_frame(frame, mac, 0x88b5, length);
	return nic_peer_send(f->peer, frame, length);
}

static void put_context(struct fixture *f, unsigned index, bool segments, uint16_t mss)
{
	uint64_t offsets = 14 | 24u << 8 | 33u << 16 | UINT64_C(34) << 32 | UINT64_C(50) << 40;

	put_tx(f, index, offsets,
	       E1000_TXD_DEXT | E1000_TXD_TUCMD_TCP | E1000_TXD_TUCMD_IP |
		       (segments ? E1000_TXD_TUCMD_TSE : 0u),
	       (uint32_t)mss << 16 | 54u << E1000_TXD_HDRLEN_SHIFT);
}

static uint32_t data_command(size_t length)
{
	return (uint32_t)length | E1000_TXD_TYPE_DATA << E1000_TXD_TYPE_SHIFT | E1000_TXD_DEXT;
}

/* --- Registers --- */

static void shows_who_it_is(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(bench_config_read(f->bench, SLOT, 0, 0, 4), 0x100e8086);
	assert_int_equal(bench_config_read(f->bench, SLOT, 0, PCI_CLASS_DEVICE, 2), 0x0200);
	assert_int_equal(in(f, E1000_RA), 0x12005452);
	assert_int_equal(in(f, E1000_RA + 4), 0x80005634);
	assert_int_equal(in(f, E1000_STATUS) & E1000_STATUS_LU, E1000_STATUS_LU);
	assert_int_equal(in(f, 0x5f00), 0);
	/* As drivers that still use the window do. */
	bench_out32(f->bench, IO_BAR, E1000_VET);
	bench_out32(f->bench, IO_BAR + 4, 0x8100);
	assert_int_equal(in(f, E1000_VET), 0x8100);
	assert_int_equal(bench_in32(f->bench, IO_BAR + 4), 0x8100);
	bench_out32(f->bench, IO_BAR, UINT32_MAX);
	assert_int_equal(bench_in32(f->bench, IO_BAR + 4), 0);
}

/** What Linux' "ethtool -t" writes and expects. */
static void registers_keep_what_they_have_bits_for(void **state)
{
	static const struct {
		uint32_t address, mask;
	} rows[] = {
		{ E1000_FCAL, UINT32_MAX },     { E1000_FCAH, 0xffff },
		{ E1000_FCT, 0xffff },          { E1000_VET, 0xffff },
		{ E1000_RDTR, 0xffff },         { E1000_RDBAH, UINT32_MAX },
		{ E1000_RDLEN, 0xfff80 },       { E1000_RDH, 0xffff },
		{ E1000_RDT, 0xffff },          { E1000_FCRTH, 0xfff8 },
		{ E1000_FCTTV, 0xffff },        { E1000_TIPG, 0x3fffffff },
		{ E1000_TDBAH, UINT32_MAX },    { E1000_TDLEN, 0xfff80 },
		{ E1000_RDBAL, 0xfffffff0 },    { E1000_TDBAL, 0xfffffff0 },
		{ E1000_TIDV, 0xffff },         { E1000_MTA + 508, UINT32_MAX },
		{ E1000_RA + 120, UINT32_MAX }, { E1000_RA + 124, 0x8003ffff },
		{ E1000_VFTA, UINT32_MAX },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		out(f, rows[i].address, 0xa5a5a5a5);
		assert_int_equal(in(f, rows[i].address), 0xa5a5a5a5 & rows[i].mask);
		out(f, rows[i].address, 0x5a5a5a5a);
		assert_int_equal(in(f, rows[i].address), 0x5a5a5a5a & rows[i].mask);
	}
	out(f, E1000_CTRL, E1000_CTRL_RST);
	assert_int_equal(in(f, E1000_VET), 0);
	assert_int_equal(in(f, E1000_RA), 0x12005452);
	assert_int_equal(in(f, E1000_STATUS) & E1000_STATUS_LU, E1000_STATUS_LU);
	assert_int_equal(in(f, E1000_CTRL) & E1000_CTRL_RST, 0);
}

static uint16_t read_eerd(struct fixture *f, unsigned word)
{
	out(f, E1000_EERD, word << E1000_EERD_ADDRESS_SHIFT | E1000_EERD_START);
	assert_true(in(f, E1000_EERD) & E1000_EERD_DONE);
	return (uint16_t)(in(f, E1000_EERD) >> E1000_EERD_DATA_SHIFT);
}

static void clock_eeprom(struct fixture *f, bool data)
{
	uint32_t pins = E1000_EECD_REQ | E1000_EECD_CS | (data ? E1000_EECD_DI : 0u);

	out(f, E1000_EECD, pins);
	out(f, E1000_EECD, pins | E1000_EECD_SK);
	out(f, E1000_EECD, pins);
}

static void shift_out(struct fixture *f, uint32_t value, unsigned bits)
{
	while (bits-- > 0)
		clock_eeprom(f, value >> bits & 1);
}

static uint16_t shift_in(struct fixture *f)
{
	uint16_t value = 0;

	for (unsigned i = 0; i < 16; i++) {
		clock_eeprom(f, false);
		value = (uint16_t)(value << 1 | !!(in(f, E1000_EECD) & E1000_EECD_DO));
	}
	return value;
}

static void eeprom_is_read_by_word_and_by_bit(void **state)
{
	struct fixture *f = *state;
	uint16_t sum = 0;

	for (unsigned i = 0; i < EEPROM93_WORDS; i++)
		sum = (uint16_t)(sum + read_eerd(f, i));
	assert_int_equal(sum, E1000_EEPROM_SUM);
	assert_int_equal(read_eerd(f, 1), 0x1200);
	assert_int_equal(read_eerd(f, 200), 0xffff);
	out(f, E1000_EECD, E1000_EECD_REQ);
	assert_true(in(f, E1000_EECD) & E1000_EECD_GNT);
	shift_out(f, 6, 3); /* start, READ */
	shift_out(f, 1, 6);
	assert_false(in(f, E1000_EECD) & E1000_EECD_DO);
	assert_int_equal(shift_in(f), 0x1200);
	assert_int_equal(shift_in(f), 0x5634); /* reading goes on */
	out(f, E1000_EECD, 0);
	assert_false(in(f, E1000_EECD) & E1000_EECD_GNT);
}

static void eeprom_is_written_only_after_ewen(void **state)
{
	struct fixture *f = *state;

	for (unsigned pass = 0; pass < 2; pass++) {
		shift_out(f, 5, 3); /* start, WRITE */
		shift_out(f, 0x20, 6);
		shift_out(f, 0xcafe, 16);
		out(f, E1000_EECD, 0);
		assert_int_equal(read_eerd(f, 0x20), pass ? 0xcafe : 0);
		shift_out(f, 4, 3); /* start, EWEN */
		shift_out(f, 0x30, 6);
		out(f, E1000_EECD, 0);
	}
	shift_out(f, 7, 3); /* start, ERASE */
	shift_out(f, 0x20, 6);
	out(f, E1000_EECD, 0);
	assert_int_equal(read_eerd(f, 0x20), 0xffff);
}

static uint32_t mdic(struct fixture *f, uint32_t op, unsigned reg, unsigned data)
{
	out(f, E1000_MDIC,
	    op | 1u << E1000_MDIC_PHY_SHIFT | reg << E1000_MDIC_REGISTER_SHIFT | data);
	return in(f, E1000_MDIC);
}

static void phy_negotiates_and_says_so(void **state)
{
	struct fixture *f = *state;
	uint32_t status;

	assert_int_equal(mdic(f, E1000_MDIC_READ, E1000_PHY_ID1, 0) & 0xffff, 0x0141);
	assert_int_equal(mdic(f, E1000_MDIC_READ, E1000_PHY_ID2, 0) & 0xfff0, 0x0c20);
	out(f, E1000_MDIC, E1000_MDIC_READ | 2u << E1000_MDIC_PHY_SHIFT);
	assert_true(in(f, E1000_MDIC) & E1000_MDIC_ERROR);
	out(f, E1000_IMS, E1000_CAUSE_LSC);
	mdic(f, E1000_MDIC_WRITE, E1000_PHY_CONTROL, 0x1340);
	assert_false(in(f, E1000_STATUS) & E1000_STATUS_LU);
	assert_int_equal(in(f, E1000_ICR) & E1000_CAUSE_LSC, E1000_CAUSE_LSC);
	assert_false(f->intx);
	wait_ns(f, NS_PER_SECOND);
	assert_true(f->intx);
	assert_true(in(f, E1000_STATUS) & E1000_STATUS_LU);
	status = mdic(f, E1000_MDIC_READ, E1000_PHY_STATUS, 0);
	assert_true(status & E1000_PHY_STATUS_LINK && status & E1000_PHY_STATUS_NEGOTIATED);
}

static void link_follows_the_wire(void **state)
{
	struct fixture *f = *state;

	start_receiver(f, E1000_RCTL_UPE);
	out(f, E1000_IMS, E1000_CAUSE_LSC);
	net_set_link(&f->peer->port, false);
	assert_true(f->intx);
	assert_false(in(f, E1000_STATUS) & E1000_STATUS_LU);
	in(f, E1000_ICR);
	net_set_link(&f->card->port, false);
	net_set_link(&f->peer->port, true);
	assert_false(f->intx);
	net_set_link(&f->card->port, true);
	assert_true(f->intx);
	assert_true(receive(f, card_mac, 100));
	assert_int_equal(in(f, E1000_RDH), 1);
}

/* --- Interrupts --- */

static void causes_are_masked_and_cleared_by_reading(void **state)
{
	struct fixture *f = *state;

	out(f, E1000_ICS, E1000_CAUSE_RXT0 | E1000_CAUSE_MDAC);
	assert_false(f->intx);
	out(f, E1000_IMS, E1000_CAUSE_RXT0);
	assert_true(f->intx);
	out(f, E1000_IMC, E1000_CAUSE_RXT0);
	assert_false(f->intx);
	out(f, E1000_IMS, E1000_CAUSE_MDAC);
	assert_true(f->intx);
	assert_int_equal(in(f, E1000_ICR), E1000_CAUSE_RXT0 | E1000_CAUSE_MDAC);
	assert_int_equal(in(f, E1000_ICR), 0);
	assert_false(f->intx);
	out(f, E1000_ICS, E1000_CAUSE_MDAC);
	out(f, E1000_ICR, E1000_CAUSE_MDAC);
	assert_false(f->intx);
}

static void throttle_spaces_interrupts(void **state)
{
	struct fixture *f = *state;

	out(f, E1000_ITR, 1000); /* 256 us */
	out(f, E1000_IMS, E1000_CAUSE_RXT0);
	for (unsigned i = 0; i < 100; i++) { /* a frame each 10 us, the driver reads at once */
		out(f, E1000_ICS, E1000_CAUSE_RXT0);
		if (f->intx)
			in(f, E1000_ICR);
		wait_ns(f, 10 * NS_PER_US);
	}
	assert_in_range(f->raised, 4, 5);
	wait_ns(f, NS_PER_MS);
	in(f, E1000_ICR);
	wait_ns(f, NS_PER_MS);
	assert_int_equal(clock_next_deadline_ns(&f->bench->clock), INT64_MAX); /* idle */
}

static void transmit_interrupt_is_delayed(void **state)
{
	struct fixture *f = *state;

	start_transmitter(f);
	out(f, E1000_IMS, E1000_CAUSE_TXDW);
	out(f, E1000_TIDV, 8);
	out(f, E1000_TADV, 32);
	put_tx(f, 0, TX_DATA, 60 | EOP_RS | E1000_TXD_IDE, 0);
	put_tx(f, 1, TX_DATA, 60 | EOP_RS | E1000_TXD_IDE, 0);
	put_tx(f, 2, TX_DATA, 60 | EOP_RS, 0);
	out(f, E1000_TDT, 1);
	assert_true(tx_is_done(f, 0));
	assert_false(f->intx);
	wait_ns(f, 20 * NS_PER_US);
	out(f, E1000_TDT, 2);
	assert_false(f->intx);
	wait_ns(f, 20 * NS_PER_US);
	assert_true(f->intx);
	in(f, E1000_ICR);
	out(f, E1000_TDT, 3);
	assert_true(f->intx);
	assert_int_equal(f->peer->sent, 3);
}

/* --- Receiving --- */

static void frame_lands_in_the_ring(void **state)
{
	struct fixture *f = *state;
	const uint8_t *d = rx_descriptor(f, 0), *data = f->bench->bytes + RX_DATA;

	start_receiver(f, E1000_RCTL_SECRC);
	out(f, E1000_IMS, E1000_CAUSE_RXT0);
	assert_true(receive(f, card_mac, 1000));
	assert_int_equal(load_le16(d + 8), 1000);
	assert_int_equal(d[12], E1000_RXD_DD | E1000_RXD_EOP | E1000_RXD_IXSM);
	assert_int_equal(d[13], 0);
	assert_memory_equal(data, card_mac, 6);
	assert_int_equal(data[999], 999 & 255);
	assert_int_equal(data[1000], 0xee);
	assert_true(f->intx);
	assert_int_equal(in(f, E1000_RDH), 1);
	assert_int_equal(in(f, E1000_STATISTICS + 4 * E1000_GPRC), 1);
	assert_int_equal(in(f, E1000_STATISTICS + 4 * E1000_GPRC), 0);
	assert_int_equal(in(f, E1000_STATISTICS + 4 * E1000_GORCL), 1004);
	assert_int_equal(in(f, E1000_STATISTICS + 4 * (E1000_PRC64 + 4)), 1);
}

/** A short frame is padded with zeros, and the FCS that is not stripped leaks nothing either. */
static void short_frames_are_padded_with_zeros(void **state)
{
	struct fixture *f = *state;
	const uint8_t *data = f->bench->bytes + RX_DATA;

	start_receiver(f, 0);
	assert_true(receive(f, card_mac, 42));
	assert_int_equal(load_le16(rx_descriptor(f, 0) + 8), 64);
	for (unsigned i = 42; i < 64; i++)
		assert_int_equal(data[i], 0);
	assert_int_equal(data[64], 0xee);
}

static void filters_choose(void **state)
{
	static const uint8_t broadcast[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	static const uint8_t group[] = { 0x01, 0x00, 0x5e, 0x00, 0x00, 0xfb };
	static const uint8_t other[] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x57 };
	struct fixture *f = *state;
	unsigned hash;

	start_receiver(f, 0);
	receive(f, other, 60);
	receive(f, group, 60);
	receive(f, broadcast, 60);
	assert_int_equal(in(f, E1000_RDH), 0);
	out(f, E1000_RCTL, E1000_RCTL_EN | E1000_RCTL_BAM);
	receive(f, broadcast, 60);
	assert_int_equal(in(f, E1000_RDH), 1);
	out(f, E1000_RCTL, E1000_RCTL_EN | E1000_RCTL_UPE);
	receive(f, other, 60);
	receive(f, group, 60);
	assert_int_equal(in(f, E1000_RDH), 2);
	out(f, E1000_RCTL, E1000_RCTL_EN | E1000_RCTL_MPE);
	receive(f, group, 60);
	assert_int_equal(in(f, E1000_RDH), 3);
	hash = (0xfb00u >> 4) & 0xfff;
	out(f, E1000_MTA + hash / 32 * 4, BIT(hash % 32));
	out(f, E1000_RCTL, E1000_RCTL_EN);
	receive(f, group, 60);
	assert_int_equal(in(f, E1000_RDH), 4);
	assert_true(rx_descriptor(f, 3)[12] & E1000_RXD_PIF);
	out(f, E1000_RA + 8, load_le32(other));
	out(f, E1000_RA + 12, load_le16(other + 4) | E1000_RAH_VALID);
	receive(f, other, 60);
	assert_int_equal(in(f, E1000_RDH), 5);
}

static void receive_tagged(struct fixture *f, uint16_t tag)
{
	uint8_t frame[100];

	nic_frame(frame, card_mac, NIC_TYPE_VLAN, sizeof(frame));
	store_be16(frame + 14, tag);
	store_be16(frame + 16, 0x88b5);
	nic_peer_send(f->peer, frame, sizeof(frame));
}

static void vlan_tags_are_filtered_and_stripped(void **state)
{
	struct fixture *f = *state;
	const uint8_t *d = rx_descriptor(f, 1), *data = f->bench->bytes + RX_DATA + RX_STRIDE;

	start_receiver(f, E1000_RCTL_SECRC);
	out(f, E1000_VET, NIC_TYPE_VLAN);
	receive_tagged(f, 0x2005);
	assert_int_equal(load_le16(rx_descriptor(f, 0) + 8), 100);
	out(f, E1000_CTRL, in(f, E1000_CTRL) | E1000_CTRL_VME);
	out(f, E1000_RCTL, E1000_RCTL_EN | E1000_RCTL_VFE | E1000_RCTL_SECRC);
	receive_tagged(f, 0x2005);
	assert_int_equal(in(f, E1000_RDH), 1);
	out(f, E1000_VFTA, BIT(5));
	receive_tagged(f, 0x2005);
	assert_int_equal(in(f, E1000_RDH), 2);
	assert_int_equal(load_le16(d + 8), 96);
	assert_true(d[12] & E1000_RXD_VP);
	assert_int_equal(load_le16(d + 14), 0x2005);
	assert_int_equal(load_be16(data + 12), 0x88b5);
	assert_int_equal(data[95], 99);
}

static void checksums_are_verified(void **state)
{
	struct fixture *f = *state;
	uint8_t frame[600];
	size_t length = nic_frame_tcp(frame, card_mac, 501);
	struct iovec iov = { frame, length };

	store_be16(frame + 24, net_checksum_fold(nic_sum(&iov, 1, 14, 20)));
	store_be16(frame + 50,
		   net_checksum_fold(nic_sum(&iov, 1, 34, length - 34) +
				     nic_pseudo_sum(frame + 14, NIC_PROTOCOL_TCP, length - 34)));
	assert_true(nic_frame_tcp_is_good(frame, length));
	start_receiver(f, 0);
	out(f, E1000_RXCSUM, E1000_RXCSUM_IPOFL | E1000_RXCSUM_TUOFL);
	nic_peer_send(f->peer, frame, length);
	assert_int_equal(rx_descriptor(f, 0)[12],
			 E1000_RXD_DD | E1000_RXD_EOP | E1000_RXD_TCPCS | E1000_RXD_IPCS);
	assert_int_equal(rx_descriptor(f, 0)[13], 0);
	frame[length - 1] ^= 1;
	frame[22] ^= 1;
	nic_peer_send(f->peer, frame, length);
	assert_int_equal(rx_descriptor(f, 1)[13], E1000_RXD_TCPE | E1000_RXD_IPE);
	receive(f, card_mac, 60);
	assert_int_equal(rx_descriptor(f, 2)[12], E1000_RXD_DD | E1000_RXD_EOP);
}

static void long_frames_need_lpe_and_several_buffers(void **state)
{
	struct fixture *f = *state;

	start_receiver(f, E1000_RCTL_SECRC);
	receive(f, card_mac, 1519);
	assert_int_equal(in(f, E1000_RDH), 0);
	assert_int_equal(in(f, E1000_STATISTICS + 4 * E1000_ROC), 1);
	receive(f, card_mac, 1518);
	assert_int_equal(in(f, E1000_RDH), 1);
	out(f, E1000_RCTL, E1000_RCTL_EN | E1000_RCTL_LPE | E1000_RCTL_SECRC);
	receive(f, card_mac, 9000);
	assert_int_equal(in(f, E1000_RDH), 6);
	assert_int_equal(rx_descriptor(f, 1)[12], E1000_RXD_DD);
	assert_int_equal(load_le16(rx_descriptor(f, 5) + 8), 9000 - 4 * 2048);
	assert_true(rx_descriptor(f, 5)[12] & E1000_RXD_EOP);
	receive(f, card_mac, 16381);
	assert_int_equal(in(f, E1000_RDH), 6);
	receive(f, card_mac, 10);
	assert_int_equal(in(f, E1000_STATISTICS + 4 * E1000_RUC), 1);
}

static void full_ring_refuses_until_there_is_room(void **state)
{
	struct fixture *f = *state;

	assert_true(receive(f, card_mac, 60)); /* off: dropped */
	start_receiver(f, 0);
	out(f, E1000_IMS, E1000_CAUSE_RXDMT0);
	for (unsigned i = 0; i < RING - 1; i++) {
		assert_int_equal(f->intx, i >= RING / 2 - 1);
		assert_true(receive(f, card_mac, 60));
	}
	assert_false(receive(f, card_mac, 60));
	assert_int_equal(f->peer->resumed, 0);
	out(f, E1000_RDT, 0);
	assert_int_equal(f->peer->resumed, 1);
	assert_true(receive(f, card_mac, 60));
	assert_false(receive(f, card_mac, 60));
	out(f, E1000_RCTL, 0);
	assert_int_equal(f->peer->resumed, 2);
	assert_true(receive(f, card_mac, 60));
	assert_int_equal(in(f, E1000_RDH), 0);
}

/* --- Transmitting --- */

static void legacy_frames_are_sent(void **state)
{
	struct fixture *f = *state;
	uint8_t *data = f->bench->bytes + TX_DATA;

	start_transmitter(f);
	nic_frame(data, card_mac, 0x88b5, 1500);
	put_tx(f, 0, TX_DATA, 1000 | E1000_TXD_RS, 0);
	put_tx(f, 1, TX_DATA + 1000, 500 | EOP_RS, 0);
	out(f, E1000_TDT, 1);
	assert_int_equal(f->peer->sent, 0); /* its end is not there yet */
	assert_int_equal(in(f, E1000_TDH), 0);
	out(f, E1000_TDT, 2);
	assert_int_equal(f->peer->sent, 1);
	assert_int_equal(f->peer->frames[0].length, 1500);
	assert_memory_equal(f->peer->frames[0].bytes, data, 1500);
	assert_true(tx_is_done(f, 0) && tx_is_done(f, 1));
	assert_int_equal(in(f, E1000_TDH), 2);
	assert_int_equal(in(f, E1000_ICR) & (E1000_CAUSE_TXDW | E1000_CAUSE_TXQE),
			 E1000_CAUSE_TXDW | E1000_CAUSE_TXQE);
	assert_int_equal(in(f, E1000_STATISTICS + 4 * E1000_GPTC), 1);
	assert_int_equal(in(f, E1000_STATISTICS + 4 * E1000_GOTCL), 1504);
}

static void padding_leaks_nothing(void **state)
{
	struct fixture *f = *state;

	start_transmitter(f);
	memset(f->bench->bytes + TX_DATA, 0xaa, 4096);
	put_tx(f, 0, TX_DATA, 1400 | EOP_RS, 0);
	put_tx(f, 1, TX_DATA, 20 | EOP_RS, 0);
	out(f, E1000_TDT, 2);
	assert_int_equal(f->peer->frames[1].length, 60);
	for (unsigned i = 20; i < 60; i++)
		assert_int_equal(f->peer->frames[1].bytes[i], 0);
}

static void vlan_tag_is_inserted(void **state)
{
	struct fixture *f = *state;
	const uint8_t *sent = f->peer->frames[0].bytes;

	start_transmitter(f);
	nic_frame(f->bench->bytes + TX_DATA, card_mac, 0x88b5, 1000);
	out(f, E1000_VET, NIC_TYPE_VLAN);
	out(f, E1000_CTRL, in(f, E1000_CTRL) | E1000_CTRL_VME);
	put_tx(f, 0, TX_DATA, 1000 | EOP_RS | E1000_TXD_VLE, 0x2005u << 16);
	out(f, E1000_TDT, 1);
	assert_int_equal(f->peer->frames[0].length, 1004);
	assert_int_equal(load_be32(sent + 12), 0x81002005);
	assert_int_equal(load_be16(sent + 16), 0x88b5);
	assert_memory_equal(sent + 18, f->bench->bytes + TX_DATA + 14, 986);
}

static void checksums_are_inserted(void **state)
{
	struct fixture *f = *state;
	uint8_t *data = f->bench->bytes + TX_DATA;
	size_t length = nic_frame_tcp(data, card_mac, 333);

	start_transmitter(f);
	/* The driver's part: the sum of the pseudo header. */
	store_be16(data + 50, (uint16_t)~net_checksum_fold(
				      nic_pseudo_sum(data + 14, NIC_PROTOCOL_TCP, length - 34)));
	put_context(f, 0, false, 0);
	put_tx(f, 1, TX_DATA, data_command(101), E1000_TXD_POPTS_IXSM | E1000_TXD_POPTS_TXSM);
	put_tx(f, 2, TX_DATA + 101, data_command(length - 101) | EOP_RS, 0);
	out(f, E1000_TDT, 3);
	assert_int_equal(f->peer->sent, 1);
	assert_int_equal(f->peer->frames[0].length, length);
	assert_true(nic_frame_tcp_is_good(f->peer->frames[0].bytes, length));
}

static void put_tso(struct fixture *f, unsigned index, size_t payload, uint16_t mss)
{
	uint8_t *data = f->bench->bytes + TX_DATA;
	size_t length = nic_frame_tcp(data, card_mac, payload);

	store_be16(data + 16, 0);
	store_be16(data + 50,
		   (uint16_t)~net_checksum_fold(nic_pseudo_sum(data + 14, NIC_PROTOCOL_TCP, 0)));
	put_context(f, index, true, mss);
	put_tx(f, index + 1, TX_DATA, data_command(54) | E1000_TXD_TSE,
	       E1000_TXD_POPTS_IXSM | E1000_TXD_POPTS_TXSM);
	put_tx(f, index + 2, TX_DATA + 54, data_command(length - 54) | EOP_RS | E1000_TXD_TSE, 0);
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

static void tcp_is_segmented(void **state)
{
	struct fixture *f = *state;

	start_transmitter(f);
	put_tso(f, 0, 10001, 1460);
	out(f, E1000_TDT, 3);
	check_segments(f, 10001, 1460);
	assert_int_equal(in(f, E1000_STATISTICS + 4 * E1000_TSCTC), 1);
	assert_int_equal(in(f, E1000_TDH), 3);
}

/** The wire has no room in the middle of a packet: nothing is lost, nothing sent twice, and the
 * state in between can be saved. */
static void refused_frames_stay_pending(void **state)
{
	struct fixture *f = *state;

	start_transmitter(f);
	f->peer->room = 3;
	put_tso(f, 0, 10001, 1460);
	out(f, E1000_TDT, 3);
	assert_int_equal(f->peer->sent, 3);
	assert_int_equal(in(f, E1000_TDH), 1); /* the context is behind us */
	assert_false(tx_is_done(f, 2));
	assert_true(bench_round_trip(&f->card->device));
	nic_peer_set_room(f->peer, 2);
	assert_int_equal(f->peer->sent, 5);
	nic_peer_set_room(f->peer, 100);
	check_segments(f, 10001, 1460);
	assert_true(tx_is_done(f, 2));
	assert_int_equal(in(f, E1000_TDH), 3);
}

static void loop_back_comes_in_again(void **state)
{
	struct fixture *f = *state;

	start_transmitter(f);
	start_receiver(f, E1000_RCTL_SECRC);
	nic_frame(f->bench->bytes + TX_DATA, card_mac, 0x88b5, 500);
	put_tx(f, 0, TX_DATA, 500 | EOP_RS, 0);
	mdic(f, E1000_MDIC_WRITE, E1000_PHY_CONTROL, E1000_PHY_CONTROL_LOOPBACK);
	out(f, E1000_TDT, 1);
	assert_int_equal(f->peer->sent, 0);
	assert_int_equal(in(f, E1000_RDH), 1);
	assert_memory_equal(f->bench->bytes + RX_DATA, f->bench->bytes + TX_DATA, 500);
	receive(f, card_mac, 60); /* the wire is cut off */
	assert_int_equal(in(f, E1000_RDH), 1);
}

/* --- What other models of this card got wrong --- */

/** Loop-back whose receive buffers are the card's own registers. */
static void cve_2021_3416_loop_back_cannot_recurse(void **state)
{
	struct fixture *f = *state;

	start_transmitter(f);
	start_receiver(f, E1000_RCTL_LBM | E1000_RCTL_UPE);
	for (unsigned i = 0; i < RING; i++)
		store_le64(f->bench->bytes + RX_RING + i * 16, BAR + E1000_TDT);
	for (unsigned i = 0; i < RING; i++)
		put_tx(f, i, TX_DATA, 60 | EOP_RS, 0);
	memset(f->bench->bytes + TX_DATA, 0, 60);
	out(f, E1000_TDT, 8);
	assert_int_equal(in(f, E1000_TDH), 8);
	assert_int_equal(in(f, E1000_TDT), 8);
	assert_int_equal(in(f, E1000_RDH), 8);
}

/** The ring lies in the registers: DMA reaches RAM only. */
static void cve_2021_20257_dma_to_own_registers(void **state)
{
	struct fixture *f = *state;

	start_transmitter(f);
	out(f, E1000_TDBAL, BAR + 0x3800);
	out(f, E1000_TDT, 5);
	assert_in_range(in(f, E1000_TDH), 0, RING - 1);
	put_tx(f, 0, BAR + E1000_TDT, 100 | EOP_RS, 0);
	out(f, E1000_TDBAL, TX_RING);
	out(f, E1000_TDH, 0);
	out(f, E1000_TDT, 1);
	assert_int_equal(in(f, E1000_TDT), 1);
	assert_int_equal(f->peer->frames[f->peer->kept - 1].bytes[20], 0xff);
}

/** Head and tail beyond the ring: "back at the start" would never come. */
static void cve_2016_1981_head_outside_of_the_ring(void **state)
{
	struct fixture *f = *state;

	start_transmitter(f);
	start_receiver(f, 0);
	out(f, E1000_TDH, 0x8000);
	out(f, E1000_TDT, 3);
	out(f, E1000_RDH, 0x8000);
	assert_true(receive(f, card_mac, 60));
	assert_int_equal(f->peer->sent, 0);
	out(f, E1000_TDH, 0);
	out(f, E1000_TDLEN, 0);
	out(f, E1000_TDT, 3);
	assert_int_equal(f->peer->sent, 0);
}

static void cve_2015_6815_segments_of_nothing(void **state)
{
	struct fixture *f = *state;

	start_transmitter(f);
	put_tso(f, 0, 5000, 0);
	out(f, E1000_TDT, 3);
	assert_int_equal(f->peer->sent, 0);
	assert_int_equal(in(f, E1000_TDH), 3);
	/* A header as long as the packet. */
	put_tso(f, 3, 0, 1460);
	out(f, E1000_TDT, 6);
	assert_int_equal(in(f, E1000_TDH), 6);
	assert_int_equal(f->peer->sent, 0);
}

/** Segments of one byte: 60000 frames of one packet do not hold everything up. */
static void tiny_segments_are_rationed(void **state)
{
	struct fixture *f = *state;

	start_transmitter(f);
	put_tso(f, 0, 60000, 1);
	out(f, E1000_TDT, 3);
	assert_in_range(f->peer->sent, 1, 2000);
	assert_int_equal(in(f, E1000_TDH), 1);
	for (unsigned i = 0; i < 200; i++)
		wait_ns(f, 1);
	assert_int_equal(f->peer->sent, 60000);
	assert_int_equal(in(f, E1000_TDH), 3);
}

/** Legacy and data descriptors in one packet, and one that never ends. */
static void mixed_and_endless_packets_are_harmless(void **state)
{
	enum {
		LONG_RING = 4096,
	};
	struct fixture *f = *state;

	start_transmitter(f);
	put_context(f, 0, true, 100);
	put_tx(f, 1, TX_DATA, data_command(30) | E1000_TXD_TSE, 0);
	put_tx(f, 2, TX_DATA, 30, 0);
	put_tx(f, 3, TX_DATA, data_command(60) | EOP_RS, 0);
	out(f, E1000_TDT, 4);
	assert_int_equal(in(f, E1000_TDH), 4);
	f->peer->sent = f->peer->kept = 0;
	out(f, E1000_TDBAL, TX_RING);
	out(f, E1000_TDLEN, LONG_RING * 16);
	out(f, E1000_TDH, 0);
	for (unsigned i = 0; i < LONG_RING - 1; i++)
		put_tx(f, i, TX_DATA, E1000_TXD_RS, 0);
	put_tx(f, LONG_RING - 2, TX_DATA, 100 | EOP_RS, 0);
	put_tx(f, LONG_RING - 1, 0x1000, 100 | EOP_RS, 0);
	out(f, E1000_TDT, LONG_RING - 1);
	for (unsigned i = 0; i < 100; i++)
		wait_ns(f, 1);
	assert_int_equal(in(f, E1000_TDH), LONG_RING - 1);
	assert_int_equal(f->peer->sent, 0);
	out(f, E1000_TDT, 0);
	assert_int_equal(f->peer->sent, 1); /* the next one is sound again */
}

/** Offsets of checksums outside of the frame. */
static void checksum_offsets_are_checked(void **state)
{
	struct fixture *f = *state;

	start_transmitter(f);
	memset(f->bench->bytes + TX_DATA, 0x11, 256);
	put_tx(f, 0, TX_DATA, 64 | EOP_RS | E1000_TXD_LEGACY_IC | 63u << 16, 0);
	put_tx(f, 1, TX_DATA, 64 | EOP_RS | E1000_TXD_LEGACY_IC | 255u << 16, 255u << 8);
	put_tx(f, 2, TX_DATA, 258 | EOP_RS | E1000_TXD_LEGACY_IC | 255u << 16, 0);
	out(f, E1000_TDT, 3);
	assert_int_equal(f->peer->sent, 3);
	assert_int_equal(f->peer->frames[1].length, 64);
	assert_int_equal(f->peer->frames[2].length, 258);
	assert_memory_equal(f->peer->frames[0].bytes, f->bench->bytes + TX_DATA, 64);
}

static void is_saved_and_checked(void **state)
{
	struct fixture *f = *state;

	start_transmitter(f);
	start_receiver(f, 0);
	out(f, E1000_ITR, 500);
	out(f, E1000_IMS, E1000_CAUSE_RXT0);
	receive(f, card_mac, 60);
	mdic(f, E1000_MDIC_WRITE, E1000_PHY_CONTROL, 0x1340);
	assert_true(bench_round_trip(&f->card->device));
	assert_true(f->intx);
	f->card->state.rx.length = 1;
	assert_true(bench_refuses_state(&f->card->device));
	f->card->state.rx.length = 0;
	f->card->state.tx.tail = 0x10000;
	assert_true(bench_refuses_state(&f->card->device));
	f->card->state.tx.tail = 0;
	f->card->state.eeprom.bits = 40;
	assert_true(bench_refuses_state(&f->card->device));
	f->card->state.eeprom.bits = 0;
	f->card->state.throttle_ns = -1;
	assert_true(bench_refuses_state(&f->card->device));
	f->card->state.throttle_ns = 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(shows_who_it_is),
		TEST(registers_keep_what_they_have_bits_for),
		TEST(eeprom_is_read_by_word_and_by_bit),
		TEST(eeprom_is_written_only_after_ewen),
		TEST(phy_negotiates_and_says_so),
		TEST(link_follows_the_wire),
		TEST(causes_are_masked_and_cleared_by_reading),
		TEST(throttle_spaces_interrupts),
		TEST(transmit_interrupt_is_delayed),
		TEST(frame_lands_in_the_ring),
		TEST(short_frames_are_padded_with_zeros),
		TEST(filters_choose),
		TEST(vlan_tags_are_filtered_and_stripped),
		TEST(checksums_are_verified),
		TEST(long_frames_need_lpe_and_several_buffers),
		TEST(full_ring_refuses_until_there_is_room),
		TEST(legacy_frames_are_sent),
		TEST(padding_leaks_nothing),
		TEST(vlan_tag_is_inserted),
		TEST(checksums_are_inserted),
		TEST(tcp_is_segmented),
		TEST(refused_frames_stay_pending),
		TEST(loop_back_comes_in_again),
		TEST(cve_2021_3416_loop_back_cannot_recurse),
		TEST(cve_2021_20257_dma_to_own_registers),
		TEST(cve_2016_1981_head_outside_of_the_ring),
		TEST(cve_2015_6815_segments_of_nothing),
		TEST(tiny_segments_are_rationed),
		TEST(mixed_and_endless_packets_are_harmless),
		TEST(checksum_offsets_are_checked),
		TEST(is_saved_and_checked),
	};

	return cmocka_run_group_tests_name("e1000", tests, NULL, NULL);
}
