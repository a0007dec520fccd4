// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/fuzz/isa_fuzz.h"

#include "hw/rtc.h"

static void ignore_alarm(void *opaque)
{
	(void)opaque;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	uint8_t flags = fuzz_take(&input);
	const struct rtc_config config = {
		.base_ns = INT64_C(1770091506) * NS_PER_SECOND,
		.core_has_clock = (flags & 1) != 0,
		.alarm = flags & 2 ? ignore_alarm : NULL,
	};
	struct bench bench;
	struct rtc rtc;

	bench_init(&bench);
	rtc_init(&rtc, &bench.clock, &bench.wires[8], &config);
	device_add(&bench.devices, &rtc.device);
	io_map(&bench.ports, &rtc.window, 0x70);
	while (input.count > 0) {
		uint8_t op = fuzz_take(&input);

		switch (op & 3) {
		case 0:
			bench_out(&bench, 0x70, fuzz_take(&input));
			bench_out(&bench, 0x71, fuzz_take(&input));
			break;
		case 1:
			bench_in(&bench, (uint16_t)(0x70 + (op >> 2 & 1)));
			break;
		case 2:
			fuzz_step(&bench, &input);
			break;
		default:
			if (op & 4)
				device_reset_all(&bench.devices);
			else
				rtc_set_cmos(&rtc, fuzz_take(&input), op);
			break;
		}
	}
	fuzz_check_saving(&bench);
	bench_finish(&bench);
	return 0;
}
