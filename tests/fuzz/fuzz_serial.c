// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/fuzz/isa_fuzz.h"

#include "hw/serial.h"

static size_t room;

static size_t fuzz_chr_write(struct chr *chr, const void *bytes, size_t count)
{
	size_t taken = min_size(count, room);

	(void)chr;
	(void)bytes;
	room -= taken;
	return taken;
}

static const struct chr_ops fuzz_chr_ops = { .write = fuzz_chr_write };

static void type(struct chr *chr, uint8_t byte, size_t wanted)
{
	const uint8_t bytes[16] = { byte };
	size_t count = min_size(wanted, chr->client.can_receive(chr->client.opaque));

	if (count > 0)
		chr->client.receive(chr->client.opaque, bytes, count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	struct chr chr = { .ops = &fuzz_chr_ops };
	uint8_t block[64] = { 0 };
	struct bench bench;
	struct serial serial;

	room = 8;
	bench_init(&bench);
	serial_init(&serial, &bench.clock, &bench.wires[4], &chr);
	device_add(&bench.devices, &serial.device);
	io_map(&bench.ports, &serial.window, 0x3f8);
	while (input.count > 0) {
		uint8_t op = fuzz_take(&input);
		uint16_t port = (uint16_t)(0x3f8 + (op >> 2 & 7));

		switch (op & 3) {
		case 0:
			bench_out(&bench, port, fuzz_take(&input));
			break;
		case 1:
			bench_in(&bench, port);
			break;
		case 2:
			if (op & 0x80)
				io_write_block(&bench.ports, port, block, 1, op >> 4);
			else if (op & 0x40)
				io_read_block(&bench.ports, port, block, 1, op >> 2 & 15);
			else
				fuzz_step(&bench, &input);
			break;
		default:
			if (op & 0x80)
				type(&chr, op, op >> 2 & 15);
			room = op >> 4;
			chr.client.writable(chr.client.opaque);
			break;
		}
	}
	fuzz_check_saving(&bench);
	bench_finish(&bench);
	return 0;
}
