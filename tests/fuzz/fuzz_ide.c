// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest that drives the IDE controller as it likes, and a host that completes, fails, changes
 * media and saves in between. The fake images abort on any request outside of them; what was
 * reached must be loadable again.
 *
 * Each operation is one byte, its operands follow; the low four bits choose.
 */
#include <errno.h>

#include "tests/fuzz/chip_fuzz.h"
#include "tests/lib/ide_bench.h"

enum {
	DISK_SECTORS = 300,
	CD_SECTORS = 64,
	MAX_PRDS = 16,
};

enum operation {
	READ_PORT,
	WRITE_PORT,
	READ_STRING,
	WRITE_STRING,
	COMMAND_28,
	COMMAND_48,
	PACKET,
	PUT_PRD,
	START_BUS_MASTER,
	STOP_BUS_MASTER,
	COMPLETE,
	FAIL,
	CHANGE_MEDIUM,
	EJECT,
	RESET,
	SAVE,
};

static const struct chip_ports ports[] = {
	{ PRIMARY, 8 },           { PRIMARY_CONTROL, 1 }, { SECONDARY, 8 },
	{ SECONDARY_CONTROL, 1 }, { BM_PRIMARY, 16 },
};

static unsigned take_port(struct chip_input *input)
{
	uint8_t where = chip_take(input);
	const struct chip_ports *range = &ports[(where >> 4) % ARRAY_SIZE(ports)];

	return range->base + (where & 15u) % range->count;
}

static unsigned take_base(struct chip_input *input)
{
	return chip_take(input) & 1 ? SECONDARY : PRIMARY;
}

static void access_string(struct ide_bench *bench, struct chip_input *input, bool write)
{
	static uint8_t data[4 * 4096];
	unsigned base = take_base(input), size = 1u << chip_take(input) % 3;
	size_t count = chip_take_value(input, 2) % 4096;

	if (write)
		io_write_block(&bench->chip->ports, base, data, size, count);
	else
		io_read_block(&bench->chip->ports, base, data, size, count);
}

static void send_any_packet(struct ide_bench *bench, struct chip_input *input)
{
	unsigned limit = chip_take_value(input, 2);
	bool dma = chip_take(input) & 1;
	uint8_t packet[12];

	for (unsigned i = 0; i < sizeof(packet); i++)
		packet[i] = chip_take(input);
	send_packet(bench, packet, limit, dma);
}

static void put_any_prd(struct ide_bench *bench, struct chip_input *input)
{
	unsigned index = chip_take(input) % MAX_PRDS;
	uint32_t address = chip_take_value(input, 3);
	unsigned count = chip_take_value(input, 2);

	put_prd(bench, index, address, count, index == MAX_PRDS - 1 || (count & 1));
}

static void change_medium(struct ide_bench *bench, struct chip_input *input)
{
	struct block *old = bench->slot.block;
	uint8_t sectors = chip_take(input) % CD_SECTORS;

	bench->slot.block =
		sectors ? fake_block_create((size_t)sectors * 2048) : fake_block_create_empty();
	bench->slot.changed(bench->slot.opaque);
	block_close(old);
}

static void save_and_load(struct ide_bench *bench)
{
	bench->ide.device.class->quiesce(&bench->ide);
	if (!bench_round_trip(&bench->ide.device))
		abort();
}

/** The validators must take what the registers produced; much faster than a stream there and back.
 */
static void check_loadable(struct ide_bench *bench)
{
	bench->ide.device.class->quiesce(&bench->ide);
	if (bench->ide.device.class->after_load(&bench->ide, NULL) < 0)
		abort();
}

static void start_bus_master(struct ide_bench *bench, struct chip_input *input)
{
	uint8_t op = chip_take(input);
	unsigned bm = op & 1 ? BM_SECONDARY : BM_PRIMARY;

	if (op & 2)
		bm_prepare(bench, bm);
	bm_start(bench, bm, (op & 4) != 0);
}

static void operate(struct ide_bench *bench, struct chip_input *input)
{
	uint8_t op = chip_take(input);
	unsigned size = 1u << (op >> 4) % 3, unit = op >> 7;
	unsigned port, base;
	uint64_t lba;
	uint8_t opcode;

	switch (op & 15) {
	case READ_PORT:
		io_read(&bench->chip->ports, take_port(input), size);
		break;
	case WRITE_PORT:
		port = take_port(input);
		io_write(&bench->chip->ports, port, chip_take_value(input, size), size);
		break;
	case READ_STRING:
	case WRITE_STRING:
		access_string(bench, input, (op & 15) == WRITE_STRING);
		break;
	case COMMAND_28:
		base = take_base(input);
		opcode = chip_take(input);
		lba = chip_take_value(input, 2);
		ata_command_28(bench, base, unit, opcode, (uint32_t)lba, chip_take(input));
		break;
	case COMMAND_48:
		base = take_base(input);
		opcode = chip_take(input);
		lba = chip_take_value(input, 2) | (uint64_t)chip_take(input) << 40;
		ata_command_48(bench, base, opcode, lba, chip_take_value(input, 2));
		break;
	case PACKET:
		send_any_packet(bench, input);
		break;
	case PUT_PRD:
		put_any_prd(bench, input);
		break;
	case START_BUS_MASTER:
		start_bus_master(bench, input);
		break;
	case STOP_BUS_MASTER:
		out8(bench, op & 16 ? BM_SECONDARY : BM_PRIMARY, 0);
		break;
	case COMPLETE:
		if (op & 16)
			ide_bench_settle(bench);
		else if (!fake_block_complete(bench->disk))
			fake_block_complete(bench->slot.block);
		break;
	case FAIL:
		fake_block_fail(op & 16 ? bench->disk : bench->slot.block, op & 32 ? -EIO : -ENOSPC,
				1);
		break;
	case CHANGE_MEDIUM:
		change_medium(bench, input);
		break;
	case EJECT:
		bench->slot.eject_requested(bench->slot.opaque, (op & 16) != 0);
		break;
	case RESET:
		if (op == 0xfe)
			bench->ide.device.class->reset(&bench->ide);
		out8(bench, op & 16 ? SECONDARY_CONTROL : PRIMARY_CONTROL, ATA_SRST);
		out8(bench, op & 16 ? SECONDARY_CONTROL : PRIMARY_CONTROL, 0);
		break;
	default:
		if (op == 0xff)
			save_and_load(bench);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ide_bench *bench = ide_bench_create_empty();
	struct chip_input input = { data, size };
	struct block *slave = fake_block_create(DISK_SECTORS / 2 * 512);

	bench->disk = fake_block_create(DISK_SECTORS * 512);
	bench->slot.block = fake_block_create(CD_SECTORS * 2048);
	if (piix_ide_attach_disk(&bench->ide, 0, 0, bench->disk, NULL, NULL) < 0 ||
	    piix_ide_attach_disk(&bench->ide, 0, 1, slave, NULL, NULL) < 0 ||
	    piix_ide_attach_cdrom(&bench->ide, 1, 0, &bench->slot, NULL, NULL) < 0)
		abort();
	while (input.count > 0)
		operate(bench, &input);
	check_loadable(bench);
	ide_bench_destroy(bench);
	block_close(slave);
	return 0;
}
