// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest that drives the AHCI adapter as it likes, and a host that completes, fails, holds,
 * changes media and saves in between. The fake images abort on any request outside of them; what
 * was reached must be loadable again.
 *
 * Each operation is one byte, its operands follow; the low four bits choose, the upper ones are
 * the port or a variant.
 */
#include <errno.h>

#include "tests/fuzz/chip_fuzz.h"
#include "tests/lib/ahci_bench.h"

enum {
	DISK_SECTORS = 300,
	CD_SECTORS = 64,
	MAX_PRDS = 32,
};

enum operation {
	READ_REGISTER,
	WRITE_REGISTER,
	START_PORT,
	COMMAND,
	QUEUED,
	PACKET,
	PUT_PRD,
	PUT_BYTES,
	ISSUE,
	COMPLETE,
	FAIL,
	HOLD,
	MEDIUM,
	STOP_PORT,
	CONTROL,
	SAVE,
};

static const uint8_t registers[] = {
	AHCI_PXCLB,  AHCI_PXCLBU, AHCI_PXFB,   AHCI_PXFBU,  AHCI_PXIS,   AHCI_PXIE,
	AHCI_PXCMD,  AHCI_PXTFD,  AHCI_PXSIG,  AHCI_PXSSTS, AHCI_PXSCTL, AHCI_PXSERR,
	AHCI_PXSACT, AHCI_PXCI,   AHCI_PXSNTF, AHCI_PXFBS,
};

/** Mostly ports with drives, of registers that there are. */
static uint64_t take_register(struct chip_input *input)
{
	uint8_t where = chip_take(input);
	unsigned port = where >> 5;

	if (port == 7)
		return AHCI_BENCH_BASE + (where & 0x1fu) * 4;
	return AHCI_BENCH_BASE + AHCI_PORT_BASE + (port & 3) * AHCI_PORT_BYTES +
	       registers[where & 15] + (where >> 4 & 1u);
}

static void write_any_register(struct ahci_bench *bench, struct chip_input *input, unsigned size)
{
	uint64_t address = take_register(input);

	io_write(&bench->chip->memory, address, chip_take_value(input, size), size);
}

static void put_any_command(struct ahci_bench *bench, struct chip_input *input, unsigned port)
{
	unsigned slot = chip_take(input) % AHCI_SLOTS, prds = chip_take(input) % MAX_PRDS;
	uint8_t opcode = chip_take(input);
	uint64_t lba = chip_take_value(input, 2);
	uint8_t *fis =
		ahci_prepare(bench, port, slot, opcode, lba, chip_take_value(input, 2), prds);

	fis[FIS_FEATURES] = chip_take(input);
	ahci_issue(bench, port, slot);
}

static void put_any_queued(struct ahci_bench *bench, struct chip_input *input, bool write)
{
	unsigned slot = chip_take(input) % AHCI_SLOTS, prds = chip_take(input) % MAX_PRDS;
	uint8_t *fis = ahci_prepare_queued(bench, slot, write, chip_take_value(input, 2),
					   chip_take(input), prds);

	fis[FIS_DEVICE] = chip_take(input);
	ahci_issue_queued(bench, slot);
}

static void put_any_packet(struct ahci_bench *bench, struct chip_input *input, bool dma)
{
	uint8_t *fis = ahci_prepare(bench, CDROM, 1, ATA_CMD_PACKET, 0, 0, chip_take(input) % 4u);

	fis[FIS_FEATURES] = dma;
	store_le16(fis + FIS_LBA_MID, (uint16_t)chip_take_value(input, 2));
	for (unsigned i = 0; i < 12; i++)
		fis[AHCI_TABLE_PACKET + i] = chip_take(input);
	ahci_header(bench, CDROM, 1)[0] |= AHCI_HEADER_ATAPI;
	ahci_issue(bench, CDROM, 1);
}

static void put_any_prd(struct ahci_bench *bench, struct chip_input *input, unsigned port)
{
	unsigned slot = chip_take(input) % AHCI_SLOTS, index = chip_take(input) % MAX_PRDS;
	uint32_t address = chip_take_value(input, 3);

	ahci_put_prd(bench, port, slot, index, address, chip_take_value(input, 3) + 1);
}

static void put_any_bytes(struct ahci_bench *bench, struct chip_input *input)
{
	uint32_t gpa = chip_take_value(input, 3) % (AHCI_BENCH_DATA - 16);

	for (unsigned i = chip_take(input) % 16u; i; i--)
		bench->chip->bytes[gpa + i] = chip_take(input);
}

static void change_medium(struct ahci_bench *bench, struct chip_input *input)
{
	struct block *old = bench->slot.block;
	uint8_t sectors = chip_take(input) % CD_SECTORS;

	bench->slot.block =
		sectors ? fake_block_create((size_t)sectors * 2048) : fake_block_create_empty();
	bench->slot.changed(bench->slot.opaque);
	block_close(old);
}

static void send_control(struct ahci_bench *bench, unsigned port, uint8_t control)
{
	uint8_t *fis = ahci_prepare(bench, port, 2, 0, 0, 0, 0);

	fis[FIS_FLAGS] = 0;
	fis[FIS_CONTROL] = control;
	ahci_issue(bench, port, 2);
}

/** A stream there and back is slow: once an input. The validators must take what the registers
 * produced.
 */
static void check_loadable(struct ahci_bench *bench, bool stream)
{
	bench->ahci->device.class->quiesce(bench->ahci);
	if (stream ? !bench_round_trip(&bench->ahci->device)
		   : bench->ahci->device.class->after_load(bench->ahci, NULL) < 0)
		abort();
	bench->ahci->device.class->resume(bench->ahci);
}

static void complete(struct ahci_bench *bench, bool all)
{
	if (all)
		ahci_bench_settle(bench);
	else if (!fake_block_complete(bench->disk))
		fake_block_complete(bench->slot.block);
}

static void operate(struct ahci_bench *bench, struct chip_input *input, bool *saved)
{
	uint8_t op = chip_take(input);
	unsigned size = 1u << (op >> 4) % 3, port = op >> 4 & 3u;

	switch (op & 15) {
	case READ_REGISTER:
		io_read(&bench->chip->memory, take_register(input), size);
		break;
	case WRITE_REGISTER:
		write_any_register(bench, input, size);
		break;
	case START_PORT:
		ahci_start_port(bench, port);
		break;
	case COMMAND:
		put_any_command(bench, input, port);
		break;
	case QUEUED:
		put_any_queued(bench, input, op & 16);
		break;
	case PACKET:
		put_any_packet(bench, input, op & 16);
		break;
	case PUT_PRD:
		put_any_prd(bench, input, port);
		break;
	case PUT_BYTES:
		put_any_bytes(bench, input);
		break;
	case ISSUE:
		port_write(bench, port, AHCI_PXSACT, chip_take_value(input, 4));
		port_write(bench, port, AHCI_PXCI, chip_take_value(input, 4));
		break;
	case COMPLETE:
		complete(bench, op & 16);
		break;
	case FAIL:
		fake_block_fail(op & 16 ? bench->disk : bench->slot.block, op & 32 ? -EIO : -ENOSPC,
				1);
		break;
	case HOLD:
		fake_block_hold(bench->disk, op & 16);
		if (!(op & 16))
			block_retry(bench->disk);
		break;
	case MEDIUM:
		if (op & 16)
			change_medium(bench, input);
		else
			bench->slot.eject_requested(bench->slot.opaque, op & 32);
		break;
	case STOP_PORT:
		port_write(bench, port, AHCI_PXCMD, op & 64 ? AHCI_CMD_FRE | AHCI_CMD_CLO : 0);
		break;
	case CONTROL:
		send_control(bench, port, op & 64 ? ATA_SRST : 0);
		break;
	default:
		check_loadable(bench, op == 0xff && !*saved);
		*saved |= op == 0xff;
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ahci_bench *bench = ahci_bench_create_empty();
	struct chip_input input = { data, size };
	bool saved = false;

	bench->disk = fake_block_create(DISK_SECTORS * 512);
	bench->slot.block = fake_block_create(CD_SECTORS * 2048);
	if (ahci_attach_disk(bench->ahci, DISK, bench->disk, NULL, NULL) < 0 ||
	    ahci_attach_cdrom(bench->ahci, CDROM, &bench->slot, NULL, NULL) < 0)
		abort();
	ahci_bench_map(bench);
	while (input.count > 0)
		operate(bench, &input, &saved);
	check_loadable(bench, false);
	fake_block_hold(bench->disk, false);
	ahci_bench_destroy(bench);
	return 0;
}
