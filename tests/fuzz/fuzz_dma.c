// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/dma.h"
#include "tests/fuzz/chip_fuzz.h"

static const struct chip_ports ports[] = { { 0x00, 16 }, { 0xc0, 32 }, { 0x80, 16 } };

/* A device moves data by a channel, or raises or lowers its request. */
static void use_channel(void *opaque, struct chip_input *input, uint8_t op)
{
	struct isa_dma port = dma_isa_port(opaque);
	size_t length = chip_take_value(input, 2);
	unsigned channel = op & 7;
	uint8_t *data;

	if (op & 8) {
		port.set_request(port.opaque, channel, (length & 1) != 0);
		return;
	}
	data = calloc(1, length + 1);
	if (!data || port.transfer(port.opaque, channel, data, length, (op & 16) != 0) > length)
		abort();
	free(data);
	port.is_done(port.opaque, channel);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct chip_bench *bench = bench_create(NULL);
	struct dma dma;
	struct chip_fuzz fuzz = {
		bench, &dma.device, ports, ARRAY_SIZE(ports), 0, use_channel, &dma
	};

	if (dma_init(&dma, &bench->ports, &bench->ram, NULL) < 0)
		abort();
	chip_run(&fuzz, data, size);
	dma.device.class->finish(&dma);
	bench_destroy(bench);
	return 0;
}
