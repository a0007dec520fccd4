// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How fuzz input becomes a guest's doings: each operation is one byte, its operands follow. The low
 * two bits choose: access by the target, a step of time, something from the host's side, nothing.
 * What a guest can bring about must be loadable after it was saved: that is checked at the end.
 */
#pragma once

#include <stdlib.h>

#include "tests/lib/isa_bench.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz_input {
	const uint8_t *bytes;
	size_t count;
};

static inline uint8_t fuzz_take(struct fuzz_input *input)
{
	if (input->count == 0)
		return 0;
	input->count--;
	return *input->bytes++;
}

/* Up to about 18 hours, short ones as likely as long ones. */
static inline void fuzz_step(struct bench *bench, struct fuzz_input *input)
{
	unsigned shift = fuzz_take(input) % 39;

	bench_step(bench, (int64_t)(fuzz_take(input) + 1) << shift);
}

static inline void fuzz_check_saving(struct bench *bench)
{
	struct state_writer writer;

	state_writer_init(&writer);
	device_save_all(&bench->devices, &writer);
	if (device_load_all(&bench->devices, writer.bytes, writer.length, NULL) < 0)
		abort();
	state_writer_finish(&writer);
}
