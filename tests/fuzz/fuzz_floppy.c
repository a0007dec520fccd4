// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/fuzz/isa_fuzz.h"

#include "tests/lib/floppy_bench.h"

enum {
	PORTS = FLOPPY_DIR + 1,
};

/** What happens on the host's side. */
static void fuzz_host(struct floppy_bench *b, struct fuzz_input *input, uint8_t op)
{
	unsigned unit = op >> 5 & 1;
	struct medium_slot *slot = &b->slots[unit];

	switch (op >> 2 & 7) {
	case 0:
		fake_block_complete(slot->block);
		break;
	case 1:
		fake_block_complete_all(slot->block);
		break;
	case 2:
		fake_block_fail(slot->block, -5, 1);
		break;
	case 3:
		fake_block_hold(slot->block, op & 0x40);
		break;
	case 4:
		fake_block_set_read_only(slot->block, op & 0x40);
		break;
	case 5:
		slot->changed(slot->opaque);
		break;
	default:
		floppy_bench_dma(b, (size_t)fuzz_take(input) * 100);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	struct floppy_bench *b = calloc(1, sizeof(*b));

	if (!b)
		abort();
	floppy_bench_init(b);
	while (input.count > 0) {
		uint8_t op = fuzz_take(&input);
		uint16_t port = (uint16_t)(FLOPPY_BASE + (op >> 2) % PORTS);

		switch (op & 3) {
		case 0:
			bench_out(&b->bench, port, fuzz_take(&input));
			break;
		case 1:
			bench_in(&b->bench, port);
			break;
		case 2:
			if (op & 0x80)
				fuzz_step(&b->bench, &input);
			else /* a burst at the data register */
				for (unsigned i = op >> 2; i > 0; i--)
					bench_out(&b->bench, FLOPPY_BASE + FLOPPY_FIFO,
						  fuzz_take(&input));
			break;
		default:
			fuzz_host(b, &input, op);
			break;
		}
	}
	for (unsigned i = 0; i < FLOPPY_DRIVES; i++) {
		fake_block_hold(b->slots[i].block, false);
		block_retry(b->slots[i].block);
		fake_block_complete_all(b->slots[i].block);
	}
	fuzz_check_saving(&b->bench);
	floppy_bench_finish(b);
	free(b);
	return 0;
}
