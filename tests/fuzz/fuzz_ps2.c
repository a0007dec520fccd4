// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/fuzz/isa_fuzz.h"

#include "hw/ps2.h"

static void ignore_power(void *opaque, enum power_request request, const char *cause,
			 uint32_t argument)
{
	(void)opaque;
	(void)request;
	(void)cause;
	(void)argument;
}

/* Types as soon as it may. */
static void type(void *opaque)
{
	struct input *input = opaque;

	input_key(input, 30, !input_key_is_down(input, 30));
}

/* Bits 2 and 3 of the operation say what the host's side does, bit 4 whether a key goes down. */
static void act(struct bench *bench, struct ps2 *ps2, struct input *input, uint8_t op,
		struct fuzz_input *bytes)
{
	switch (op >> 2 & 3) {
	case 0:
		input_key(input, fuzz_take(bytes), (op & 0x10) != 0);
		break;
	case 1: {
		int dx = (int8_t)fuzz_take(bytes) * (op & 0x80 ? 500 : 1);
		int dy = (int8_t)fuzz_take(bytes);
		int dz = (int8_t)fuzz_take(bytes);

		input_move(input, dx, dy, dz, fuzz_take(bytes));
		break;
	}
	case 2:
		if (op & 0x80)
			device_reset_all(&bench->devices);
		else if (op & 0x40)
			ps2_keyboard_set_drained(&ps2->keyboard, op & 0x20 ? type : NULL, input);
		else
			fuzz_step(bench, bytes);
		break;
	default:
		input_release_all(input);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input bytes = { data, size };
	struct power power = { NULL, ignore_power };
	struct bench bench;
	struct input input;
	struct ps2 ps2;

	bench_init(&bench);
	input_init(&input);
	ps2_init(&ps2, &bench.clock, &bench.wires[1], &bench.wires[12], &power, &input);
	device_add(&bench.devices, &ps2.device);
	io_map(&bench.ports, &ps2.data, 0x60);
	io_map(&bench.ports, &ps2.command, 0x64);
	while (bytes.count > 0) {
		uint8_t op = fuzz_take(&bytes);

		switch (op & 3) {
		case 0:
			bench_out(&bench, 0x60, fuzz_take(&bytes));
			break;
		case 1:
			bench_out(&bench, 0x64, fuzz_take(&bytes));
			break;
		case 2:
			bench_in(&bench, op & 4 ? 0x64 : 0x60);
			if (op & 8)
				bench_step(&bench, NS_PER_MS);
			break;
		default:
			act(&bench, &ps2, &input, op, &bytes);
			break;
		}
	}
	fuzz_check_saving(&bench);
	bench_finish(&bench);
	return 0;
}
