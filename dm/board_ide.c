// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The IDE controller with its drives, and the drives of the SATA adapter: images opened by plan,
 * disks and removable-media slots attached.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "dm/board_internal.h"
#include "dm/machine.h"
#include "dm/options.h"
#include "dm/tape.h"

enum {
	IDE_SLOT = 1,
	IDE_FUNCTION = 1,
};

static void disk_has_failed(void *opaque, struct block *block, bool is_write, int error)
{
	struct board *board = opaque;
	const struct machine_io_failure failure = { block, is_write, -error };

	log_guest("%s '%s' has failed: %s; the guest is stopped, 'cont' tries again",
		  is_write ? "writing" : "reading", block_filename(block), strerror(-error));
	machine_io_error(board->machine, &failure);
}

void board_watch_errors(struct board *board, struct block *block)
{
	block_set_error_hook(block, disk_has_failed, board);
}

static int attach_disk(struct board *board, unsigned index, struct block *block,
		       const struct ide_drive_config *config, struct err *err)
{
	board->disks[index] = block;
	if (index >= IDE_POSITIONS)
		return ahci_attach_disk(board->ahci, index - IDE_POSITIONS, block, config, err);
	return piix_ide_attach_disk(&board->ide, index / 2, index % 2, block, config, err);
}

static int attach_cdrom(struct board *board, unsigned index, const struct ide_drive_config *config,
			struct err *err)
{
	struct medium_slot *slot = &board->slots[index];

	if (index >= IDE_POSITIONS)
		return ahci_attach_cdrom(board->ahci, index - IDE_POSITIONS, slot, config, err);
	return piix_ide_attach_cdrom(&board->ide, index / 2, index % 2, slot, config, err);
}

static void detach_drive(struct board *board, unsigned index)
{
	if (index < IDE_POSITIONS)
		piix_ide_detach(&board->ide, index / 2, index % 2);
	else if (board->ahci)
		ahci_detach(board->ahci, index - IDE_POSITIONS);
}

static void name_drive(struct board *board, unsigned index)
{
	char *name = board->drive_names[index];
	size_t bytes = sizeof(board->drive_names[index]);
	const char *kind = board->drives[index].is_cdrom ? "cd" : "hd";

	if (index < IDE_POSITIONS)
		snprintf(name, bytes, "ide%u-%s%u", index / 2, kind, index % 2);
	else
		snprintf(name, bytes, "sata-%s%u", kind, index - IDE_POSITIONS);
}

static int attach_drive(struct board *board, unsigned index, struct block *block, struct err *err)
{
	const struct drive_plan *plan = &board->drives[index];
	const struct ide_drive_config config = {
		.serial = plan->serial,
		.version = plan->version,
		.model = plan->model,
		.wwn = plan->wwn,
		.geometry = { (uint16_t)plan->cylinders, (uint16_t)plan->heads,
			      (uint16_t)plan->sectors, plan->translation },
		.has_translation = plan->has_translation,
	};

	name_drive(board, index);
	board_watch_errors(board, block);
	if (!plan->is_cdrom)
		return attach_disk(board, index, block, &config, err);
	board->slots[index] = (struct medium_slot){
		.block = block,
		.id = strdup(plan->id ? plan->id : board->drive_names[index]),
	};
	return attach_cdrom(board, index, &config, err);
}

struct block *board_open_drive(struct machine *machine, unsigned number,
			       const struct drive_plan *plan, struct err *err)
{
	return machine->tape ? tape_open_drive(machine->tape, number, plan, err)
			     : drives_open(plan, machine->loop, &machine->clock, err);
}

int board_ide_open_drive(struct board *board, unsigned index, struct err *err)
{
	struct block *block = board_open_drive(board->machine, index, &board->drives[index], err);

	return block ? attach_drive(board, index, block, err) : -EINVAL;
}

int board_ide_init(struct board *board, struct irq_line *primary, struct irq_line *secondary,
		   struct err *err)
{
	struct machine *machine = board->machine;
	struct irq_line *irqs[IDE_CHANNELS] = { primary, secondary };
	int result = drives_plan(machine->options, board->drives, err);

	if (result == 0)
		result = piix_ide_init(&board->ide, &machine->pci, IDE_SLOT, IDE_FUNCTION,
				       &machine->ram, irqs, err);
	if (result < 0)
		return result;
	device_add(&machine->devices, &board->ide.device);
	/* Those of the SATA adapter come with it. */
	for (unsigned i = 0; i < IDE_POSITIONS && result == 0; i++)
		if (board->drives[i].present)
			result = board_ide_open_drive(board, i, err);
	return result;
}

void board_ide_finish(struct board *board)
{
	for (unsigned i = 0; i < DRIVES; i++) {
		detach_drive(board, i);
		block_close(board->disks[i]);
		block_close(board->slots[i].block);
		free(board->slots[i].id);
	}
}

/** Nothing is under way afterwards, and all that was written is on stable storage. */
static void unplug_disk(struct board *board, unsigned index)
{
	enum board_pv_answer answer = board_pv_disk_ask(board, &board->disks[index]);

	if (answer == BOARD_PV_GAVE_UP) {
		log_guest("'%s' stays: nobody could serve it", block_filename(board->disks[index]));
		return;
	}
	detach_drive(board, index);
	board->is_unplugged[index] = true;
	if (answer == BOARD_PV_SERVES) {
		block_flush_now(board->disks[index]);
		return;
	}
	block_close(board->disks[index]);
	board->disks[index] = NULL;
}

void board_ide_unplug_disks(struct board *board, bool keeps_first)
{
	for (unsigned i = 0; i < DRIVES; i++) {
		bool is_first = i == 0 || i == IDE_POSITIONS;

		if (board->disks[i] && !board->is_unplugged[i] && !(keeps_first && is_first))
			unplug_disk(board, i);
	}
}

static void retry_drive(const struct board_drive *drive, void *opaque)
{
	(void)opaque;
	block_retry(drive->block);
}

void board_retry_disks(struct board *board)
{
	board_for_each_drive(board, retry_drive, NULL);
}

static int flush_disk(struct block *disk, struct err *err)
{
	int result;

	if (block_is_temporary(disk))
		return err_set(err, -ENOTSUP,
			       "what the guest writes to '%s' goes with this process (snapshot): "
			       "such a guest cannot be saved",
			       block_filename(disk));
	result = block_flush_now(disk);
	return result < 0 ? err_set_errno(err, result, "cannot flush '%s'", block_filename(disk))
			  : 0;
}

/** What is done to each drive until it fails. */
struct drive_walk {
	bool claimed;
	int result;
	struct err *err;
};

static void flush_drive(const struct board_drive *drive, void *opaque)
{
	struct drive_walk *walk = opaque;

	/* What is only read, and what is not there, has nothing to flush. */
	if (block_is_empty(drive->block) || (drive->slot && !drive->slot->is_writable))
		return;
	if (walk->result == 0)
		walk->result = flush_disk(drive->block, walk->err);
}

int board_flush_disks(struct board *board, struct err *err)
{
	struct drive_walk walk = { .err = err };

	walk.result = board_usb_check_saving(board, err);
	board_for_each_drive(board, flush_drive, &walk);
	return walk.result;
}

static void claim_drive(const struct board_drive *drive, void *opaque)
{
	struct drive_walk *walk = opaque;

	if (walk->result == 0)
		walk->result = block_claim(drive->block, walk->claimed, walk->err);
}

int board_claim_disks(struct board *board, bool claimed, struct err *err)
{
	struct drive_walk walk = { .claimed = claimed, .err = err };

	board_for_each_drive(board, claim_drive, &walk);
	return walk.result;
}

struct block *board_drive_block(struct board *board, unsigned index)
{
	return board->disks[index] ? board->disks[index] : board->slots[index].block;
}

static bool is_called(const struct board *board, unsigned index, const char *id)
{
	const struct drive_plan *plan = &board->drives[index];

	return (plan->id && strcmp(plan->id, id) == 0) ||
	       (plan->drive_id && strcmp(plan->drive_id, id) == 0) ||
	       strcmp(board->drive_names[index], id) == 0;
}

struct medium_slot *board_find_medium(struct board *board, const char *id)
{
	for (unsigned i = 0; i < DRIVES; i++)
		if (board->slots[i].block && is_called(board, i, id))
			return &board->slots[i];
	return board_floppy_find(board, id) ? board_floppy_find(board, id)
					    : board_usb_find_medium(board, id);
}

void board_for_each_drive(struct board *board,
			  void (*visit)(const struct board_drive *drive, void *opaque),
			  void *opaque)
{
	for (unsigned i = 0; i < DRIVES; i++) {
		const struct drive_plan *plan = &board->drives[i];
		const struct board_drive drive = {
			.name = board->drive_names[i],
			.id = plan->id,
			.drive_id = plan->drive_id,
			.is_cdrom = plan->is_cdrom,
			.block = board_drive_block(board, i),
			.slot = plan->is_cdrom ? &board->slots[i] : NULL,
		};

		if (drive.block)
			visit(&drive, opaque);
	}
	board_floppy_for_each(board, visit, opaque);
	board_usb_for_each_drive(board, visit, opaque);
	board_pv_disks_for_each(board, visit, opaque);
}
