// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/cmos.h"

#include <stdbool.h>
#include <string.h>

#include "base/bits.h"
#include "firmware/board.h"

enum {
	CMOS_SIZE = 128,
	BASE_KIB = 640,
	KIB = 1024,
	MIB = 1024 * KIB,
	UNIT = 64 * KIB,
};

struct cmos {
	uint8_t bytes[CMOS_SIZE];
	bool set[CMOS_SIZE];
};

static void put(struct cmos *cmos, unsigned index, unsigned bytes, uint64_t value)
{
	for (unsigned i = 0; i < bytes; i++) {
		cmos->bytes[index + i] = (uint8_t)(value >> (8 * i));
		cmos->set[index + i] = true;
	}
}

static uint64_t units_above(uint64_t bytes, uint64_t start, uint64_t unit, uint64_t limit)
{
	return bytes <= start ? 0 : min_u64((bytes - start) / unit, limit);
}

static void put_memory(struct cmos *cmos, const struct firmware_board *board)
{
	uint64_t extended = units_above(board->low_bytes, MIB, KIB, UINT16_MAX);

	put(cmos, CMOS_BASE_KIB, 2, BASE_KIB);
	put(cmos, CMOS_EXTENDED_KIB, 2, extended);
	put(cmos, CMOS_EXTENDED_KIB_COPY, 2, extended);
	put(cmos, CMOS_ABOVE_16M, 2, units_above(board->low_bytes, 16 * MIB, UNIT, UINT16_MAX));
	put(cmos, CMOS_HIGH_RAM, 3, min_u64(board->high_bytes / UNIT, 0xffffff));
}

static void put_floppies(struct cmos *cmos, const struct firmware_board *board)
{
	unsigned equipment = CMOS_EQUIPMENT_FPU | CMOS_EQUIPMENT_MOUSE;
	unsigned types = 0, drives = 0;

	for (unsigned i = 0; i < BOARD_FLOPPIES; i++) {
		types = types << 4 | (unsigned)board->floppies[i];
		drives += board->floppies[i] != BOARD_FLOPPY_NONE;
	}
	if (drives)
		equipment |= CMOS_EQUIPMENT_FLOPPY;
	if (drives > 1)
		equipment |= CMOS_EQUIPMENT_TWO_FLOPPIES;
	put(cmos, CMOS_FLOPPY_TYPES, 1, types);
	put(cmos, CMOS_EQUIPMENT, 1, equipment);
}

static void put_disk(struct cmos *cmos, const struct board_disk *disk, bool second)
{
	unsigned base = second ? CMOS_DISK_D : CMOS_DISK_C;
	unsigned control = CMOS_DISK_CONTROL_RETRY;

	if (!disk->present)
		return;
	if (disk->heads > 8)
		control |= CMOS_DISK_CONTROL_HEADS;
	cmos->bytes[CMOS_DISK_TYPES] |= (uint8_t)(CMOS_DISK_TYPE_EXTENDED << (second ? 0 : 4));
	put(cmos, second ? CMOS_DISK_D_TYPE : CMOS_DISK_C_TYPE, 1, CMOS_DISK_TYPE_USER);
	put(cmos, base + CMOS_DISK_CYLINDERS, 2, disk->cylinders);
	put(cmos, base + CMOS_DISK_HEADS, 1, disk->heads);
	put(cmos, base + CMOS_DISK_PRECOMPENSATION, 2, UINT16_MAX);
	put(cmos, base + CMOS_DISK_CONTROL, 1, control);
	put(cmos, base + CMOS_DISK_LANDING_ZONE, 2, disk->cylinders);
	put(cmos, base + CMOS_DISK_SECTORS, 1, disk->sectors);
}

static void put_disks(struct cmos *cmos, const struct firmware_board *board)
{
	unsigned translation = 0;

	put(cmos, CMOS_DISK_TYPES, 1, 0);
	put_disk(cmos, &board->disks[0], false);
	put_disk(cmos, &board->disks[1], true);
	for (unsigned i = 0; i < BOARD_IDE_DRIVES; i++) {
		if (board->disks[i].present)
			translation |= (unsigned)board->disks[i].translation << (2 * i);
	}
	put(cmos, CMOS_DISK_TRANSLATION, 1, translation);
}

static unsigned boot_code(char letter)
{
	switch (letter) {
	case 'a':
		return CMOS_BOOT_FLOPPY;
	case 'c':
		return CMOS_BOOT_DISK;
	case 'd':
		return CMOS_BOOT_CDROM;
	case 'n':
		return CMOS_BOOT_NETWORK;
	default:
		return 0;
	}
}

static void put_boot_order(struct cmos *cmos, const struct firmware_board *board)
{
	const char *order = board->boot_order ? board->boot_order : "cad";
	unsigned code[3] = { 0 }, flags = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(code) && order[i]; i++)
		code[i] = boot_code(order[i]);
	if (!board->check_floppy_signature)
		flags = CMOS_BOOT_NO_FLOPPY_CHECK;
	put(cmos, CMOS_BOOT_3, 1, code[2] << 4 | flags);
	put(cmos, CMOS_BOOT_2_1, 1, code[1] << 4 | code[0]);
}

static void put_checksum(struct cmos *cmos)
{
	unsigned sum = 0;

	for (unsigned i = CMOS_FLOPPY_TYPES; i < CMOS_CHECKSUM; i++)
		sum += cmos->bytes[i];
	put(cmos, CMOS_CHECKSUM, 1, sum >> 8);
	put(cmos, CMOS_CHECKSUM + 1, 1, sum);
}

size_t cmos_build(const struct firmware_board *board, struct cmos_value *values)
{
	struct cmos cmos;
	size_t count = 0;

	memset(&cmos, 0, sizeof(cmos));
	put_memory(&cmos, board);
	put_floppies(&cmos, board);
	put_disks(&cmos, board);
	put_boot_order(&cmos, board);
	put(&cmos, CMOS_LAST_CPU, 1, board->cpus ? board->cpus - 1 : 0);
	put_checksum(&cmos);
	for (unsigned i = 0; i < CMOS_SIZE && count < CMOS_MAX_VALUES; i++) {
		if (cmos.set[i])
			values[count++] = (struct cmos_value){ (uint8_t)i, cmos.bytes[i] };
	}
	return count;
}
