// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The floppy controller and its two drives, if the command line asks for one: -fda, -fdb, -drive
 * if=floppy and -device floppy.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/opts.h"
#include "dm/board_internal.h"
#include "dm/machine.h"
#include "dm/options.h"
#include "dm/tape.h"

static const char *const device_properties[] = { "driver", "unit",      "drive", "drive-type",
						 "id",     "bootindex", "bus",   NULL };

/* --- What is wanted --- */

/** The drive that 'words' name by index= or unit=, or the first free one. */
static struct board_floppy_drive *claim(struct board *board, struct opts *words, struct err *err)
{
	const char *key = opts_get(words, "unit") ? "unit" : "index";
	uint64_t unit = FLOPPY_DRIVES;

	if (opts_get_number(words, key, &unit, 0, FLOPPY_DRIVES - 1, err) < 0)
		return NULL;
	for (unsigned i = 0; i < FLOPPY_DRIVES; i++) {
		struct board_floppy_drive *drive = &board->floppies[i];

		if (drive->present || (unit < FLOPPY_DRIVES && unit != i))
			continue;
		drive->present = true;
		drive->plan = (struct drive_plan){ .present = true, .is_floppy = true };
		return drive;
	}
	err_set(err, -EEXIST, "there are two floppy drives, and %s taken",
		unit < FLOPPY_DRIVES ? "that one is" : "both are");
	return NULL;
}

static int plan_drive(struct board *board, struct opts *words, struct err *err)
{
	struct board_floppy_drive *drive = claim(board, words, err);

	if (!drive)
		return -EINVAL;
	drive->plan.drive = words;
	drive->plan.drive_id = opts_get(words, "id");
	return drives_check(words, err);
}

static int parse_kind(const char *text, enum floppy_kind *kind, struct err *err)
{
	if (!text || strcmp(text, "auto") == 0)
		return 0;
	*kind = floppy_kind_parse(text);
	return *kind ? 0
		     : err_set(err, -EINVAL,
			       "drive-type '%s': give 144, 288, 120, 720, 360 or auto", text);
}

static int plan_device(struct board *board, struct opts *device, struct err *err)
{
	const char *id = opts_get(device, "drive");
	struct board_floppy_drive *drive = claim(board, device, err);

	if (!drive)
		return -EINVAL;
	opts_get(device, "driver");
	opts_get(device, "bus");
	opts_get(device, "bootindex");
	drive->plan.id = opts_get(device, "id");
	drive->plan.drive_id = id;
	drive->plan.drive = id ? drives_find(board->machine->options, id) : NULL;
	if (id && !drive->plan.drive)
		return err_set(err, -EINVAL, "there is no -drive if=none,id=%s", id);
	if (drive->plan.drive && drives_check(drive->plan.drive, err) < 0)
		return -EINVAL;
	if (parse_kind(opts_get(device, "drive-type"), &drive->kind, err) < 0)
		return -EINVAL;
	return opts_check_unused(device, device_properties, err);
}

static int plan_all(struct board *board, struct err *err)
{
	struct options *options = board->machine->options;
	int result = 0;

	for (size_t i = 0; i < options->drives.count && result == 0; i++) {
		struct opts *words = &options->drives.items[i];

		if (strcmp(opts_get_or(words, "if", "ide"), "floppy") == 0)
			result = plan_drive(board, words, err);
	}
	for (size_t i = 0; i < options->devices.count && result == 0; i++) {
		struct opts *words = &options->devices.items[i];

		if (strcmp(opts_get_or(words, "driver", ""), "floppy") == 0)
			result = plan_device(board, words, err);
	}
	if (result < 0)
		err_prefix(err, "floppy drive");
	return result;
}

/* --- What is there --- */

static int check_image(const struct block *block, enum floppy_kind kind, struct err *err)
{
	const struct floppy_format *format = floppy_format_find(block_size_bytes(block));

	if (!format)
		return err_set(err, -EINVAL,
			       "'%s' has %llu bytes, which is no floppy disk: one of 1.44 MB "
			       "has 1474560",
			       block_filename(block), (unsigned long long)block_size_bytes(block));
	if (!floppy_kind_takes(kind, format))
		return err_set(err, -EINVAL, "'%s' does not fit into a drive of type %s",
			       block_filename(block), floppy_kind_name(kind));
	return 0;
}

static int attach(struct board *board, unsigned unit, struct err *err)
{
	struct board_floppy_drive *drive = &board->floppies[unit];
	struct block *block =
		board_open_drive(board->machine, TAPE_FLOPPY + unit, &drive->plan, err);

	if (!block)
		return -EINVAL;
	snprintf(drive->name, sizeof(drive->name), "floppy%u", unit);
	drive->slot = (struct medium_slot){
		.block = block,
		.id = strdup(drive->plan.id ? drive->plan.id : drive->name),
		.is_writable = true,
	};
	board_watch_errors(board, block);
	if (!drive->kind)
		drive->kind = floppy_kind_for(block_size_bytes(block));
	if (!block_is_empty(block) && check_image(block, drive->kind, err) < 0)
		return -EINVAL;
	floppy_attach(&board->floppy, unit, drive->kind, &drive->slot);
	return 0;
}

int board_floppy_init(struct board *board, struct irq_line *irq, struct err *err)
{
	struct machine *machine = board->machine;
	const struct floppy_wires wires = {
		.ports = &machine->ports,
		.clock = &machine->clock,
		.irq = irq,
		.dma = dma_isa_port(&board->dma),
	};
	int result = plan_all(board, err);

	if (result < 0 || (!board->floppies[0].present && !board->floppies[1].present))
		return result;
	result = floppy_init(&board->floppy, &wires, err);
	if (result < 0)
		return result;
	board->has_floppy = true;
	device_add(&machine->devices, &board->floppy.device);
	for (unsigned i = 0; i < FLOPPY_DRIVES && result == 0; i++)
		if (board->floppies[i].present)
			result = attach(board, i, err);
	return result;
}

void board_floppy_finish(struct board *board)
{
	for (unsigned i = 0; i < FLOPPY_DRIVES; i++) {
		block_close(board->floppies[i].slot.block);
		free(board->floppies[i].slot.id);
	}
}

struct medium_slot *board_floppy_find(struct board *board, const char *id)
{
	for (unsigned i = 0; i < FLOPPY_DRIVES; i++) {
		struct board_floppy_drive *drive = &board->floppies[i];

		if (drive->slot.block &&
		    (strcmp(drive->name, id) == 0 || strcmp(drive->slot.id, id) == 0 ||
		     (drive->plan.drive_id && strcmp(drive->plan.drive_id, id) == 0)))
			return &drive->slot;
	}
	return NULL;
}

void board_floppy_for_each(struct board *board,
			   void (*visit)(const struct board_drive *drive, void *opaque),
			   void *opaque)
{
	for (unsigned i = 0; i < FLOPPY_DRIVES; i++) {
		struct board_floppy_drive *drive = &board->floppies[i];
		const struct board_drive shown = {
			.name = drive->name,
			.id = drive->plan.id,
			.drive_id = drive->plan.drive_id,
			.block = drive->slot.block,
			.slot = &drive->slot,
		};

		if (shown.block)
			visit(&shown, opaque);
	}
}
