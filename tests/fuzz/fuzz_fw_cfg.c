// SPDX-License-Identifier: GPL-2.0-or-later
/* The configuration port with every width at every offset, string input, and DMA commands in guest
 * RAM. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "bus/io.h"
#include "hw/fw_cfg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	RAM_BYTES = 8192,
};

static uint8_t memory[RAM_BYTES];

static void *map(void *opaque, uint64_t gpa, size_t *length, bool write)
{
	(void)opaque;
	(void)write;
	if (gpa >= RAM_BYTES)
		return NULL;
	if (*length > RAM_BYTES - gpa)
		*length = RAM_BYTES - gpa;
	return memory + gpa;
}

static void unmap(void *opaque, void *host, size_t length, size_t written)
{
	(void)opaque;
	(void)host;
	(void)length;
	(void)written;
}

struct input {
	const uint8_t *bytes;
	size_t count;
};

static uint64_t take(struct input *input, unsigned size)
{
	uint8_t bytes[8] = { 0 };

	for (unsigned i = 0; i < size && input->count; i++, input->count--)
		bytes[i] = *input->bytes++;
	return load_le(bytes, size);
}

/** A command of the guest's choice somewhere in RAM, at its end too, and a start. */
static void run_dma(struct io_space *ports, struct input *input)
{
	uint32_t at = (uint32_t)take(input, 2) % (RAM_BYTES + 16);
	uint8_t command[FW_CFG_DMA_COMMAND_SIZE];

	store_be32(command, (uint32_t)take(input, 4));
	store_be32(command + 4, (uint32_t)take(input, 4));
	store_be64(command + 8, take(input, 8) & 0xffffffff0000ffff);
	if (at < RAM_BYTES)
		memcpy(memory + at, command,
		       at + sizeof(command) > RAM_BYTES ? RAM_BYTES - at : sizeof(command));
	io_write(ports, FW_CFG_PORT + FW_CFG_DMA_LOW, __builtin_bswap32(at), 4);
}

static void load_what_was_saved(struct fw_cfg *fw)
{
	if (fw->device.class->after_load(fw, NULL) < 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct ram_ops ops = { map, unmap };
	static uint8_t block[4096];
	struct ram ram = { .ops = &ops, .low_bytes = RAM_BYTES };
	struct input input = { data, size };
	struct io_space ports;
	struct fw_cfg fw;

	io_space_init(&ports, "ports", 0x10000);
	fw_cfg_init(&fw, &ports, &ram);
	fw_cfg_set_file(&fw, "etc/one", "0123456789", 10, NULL);
	fw_cfg_set_file(&fw, "etc/none", NULL, 0, NULL);
	while (input.count) {
		uint8_t op = (uint8_t)take(&input, 1);
		unsigned offset = op >> 4, width = 1u << (op >> 2 & 3);

		switch (op & 3) {
		case 0:
			io_read(&ports, FW_CFG_PORT + offset, width);
			break;
		case 1:
			io_write(&ports, FW_CFG_PORT + offset, take(&input, width), width);
			break;
		case 2:
			io_read_block(&ports, FW_CFG_PORT + offset, block, width > 4 ? 1 : width,
				      take(&input, 1));
			break;
		default:
			run_dma(&ports, &input);
			break;
		}
	}
	load_what_was_saved(&fw);
	io_unmap(&fw.window);
	io_space_finish(&ports);
	return 0;
}
