// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How fuzz input becomes a guest's and a peer's doings at a network card: the hook of chip_fuzz.h,
 * whose operation byte is followed by what this table says.
 *
 *   0 write of a register: index into the target's list, 4 bytes
 *   1 write of any register of the window: 3 bytes of offset, 4 bytes
 *   2 read of any register: 3 bytes of offset
 *   3 guest memory: 2 bytes of address in units of 16, count, bytes
 *   4 a frame from the peer: 2 bytes of length, where its bytes come from
 *   5 the peer has room for so many frames
 *   6 link of either end
 */
#pragma once

#include "tests/fuzz/chip_fuzz.h"
#include "tests/lib/nic_bench.h"

struct nic_fuzz {
	struct chip_bench *bench;
	struct nic_peer *peer;
	struct net_port *card;
	const uint32_t *registers; /* worth writing most */
	size_t register_count;
	uint64_t window; /* where the registers are, in memory or ports */
	uint32_t window_bytes;
	bool is_memory;
};

static inline void nic_fuzz_write(const struct nic_fuzz *fuzz, uint32_t offset, uint32_t value,
				  unsigned size)
{
	io_write(fuzz->is_memory ? &fuzz->bench->memory : &fuzz->bench->ports,
		 fuzz->window + offset % fuzz->window_bytes, value, size);
}

static inline void nic_fuzz_frame(const struct nic_fuzz *fuzz, struct chip_input *input)
{
	static uint8_t frame[NIC_BENCH_BYTES];
	size_t length = chip_take_value(input, 2) % NIC_BENCH_BYTES;
	uint8_t from = chip_take(input);

	/* What the guest has in memory makes good frames; the first bytes are the input's. */
	memcpy(frame, fuzz->bench->bytes + from * 1024u, length);
	for (unsigned i = 0; i < 16; i++)
		frame[i] = chip_take(input);
	if (length)
		nic_peer_send(fuzz->peer, frame, length);
}

static inline void nic_fuzz_memory(const struct nic_fuzz *fuzz, struct chip_input *input)
{
	size_t at = chip_take_value(input, 2) * (size_t)16 % BENCH_RAM_BYTES;
	unsigned count = chip_take(input) % 64;

	for (unsigned i = 0; i < count; i++)
		fuzz->bench->bytes[(at + i) % BENCH_RAM_BYTES] = chip_take(input);
}

/** Of struct chip_fuzz; its opaque is the struct nic_fuzz. */
static inline void nic_fuzz_other(void *opaque, struct chip_input *input, uint8_t op)
{
	const struct nic_fuzz *fuzz = opaque;
	unsigned size = 1u << (op >> 3 & 3) % 3;
	uint32_t offset;

	switch (op & 7) {
	case 0:
		offset = fuzz->registers[chip_take(input) % fuzz->register_count];
		nic_fuzz_write(fuzz, offset, chip_take_value(input, 4), 4);
		break;
	case 1:
		offset = chip_take_value(input, 3);
		nic_fuzz_write(fuzz, offset, chip_take_value(input, 4), size);
		break;
	case 2:
		offset = chip_take_value(input, 3) % fuzz->window_bytes;
		io_read(fuzz->is_memory ? &fuzz->bench->memory : &fuzz->bench->ports,
			fuzz->window + offset, size);
		break;
	case 3:
		nic_fuzz_memory(fuzz, input);
		break;
	case 4:
		nic_fuzz_frame(fuzz, input);
		break;
	case 5:
		nic_peer_set_room(fuzz->peer, chip_take(input));
		break;
	default:
		net_set_link(op & 8 ? fuzz->card : &fuzz->peer->port, chip_take(input) & 1);
		break;
	}
}
