// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The SATA adapter and what is attached to its ports: a row of cards.c, so that it comes where the
 * command line has it.
 */
#include <errno.h>

#include "base/err.h"
#include "base/opts.h"
#include "dm/board_internal.h"
#include "dm/cards.h"
#include "dm/machine.h"

const char *const board_ahci_properties[] = { "driver", "id", "addr", "bus", NULL };

static int attach_planned(struct board *board, struct err *err)
{
	int result = 0;

	for (unsigned i = IDE_POSITIONS; i < DRIVES && result == 0; i++)
		if (board->drives[i].present)
			result = board_ide_open_drive(board, i, err);
	return result;
}

int board_ahci_create(struct machine *machine, struct opts *opts, struct err *err)
{
	struct board *board = machine->board;
	struct ahci *ahci;
	int slot = -1, result = 0;

	if (board->ahci)
		return err_set(err, -EEXIST, "there is one SATA adapter already, with six ports");
	if (opts_get(opts, "addr"))
		result = board_parse_slot(opts_get(opts, "addr"), &slot, err);
	opts_get(opts, "bus");
	if (result < 0)
		return result;
	ahci = cards_alloc(machine, sizeof(*ahci), err);
	if (!ahci)
		return -ENOMEM;
	result = ahci_init(ahci, &machine->pci, slot, &machine->ram, err);
	if (result < 0)
		return result;
	ahci->function.id = opts_get(opts, "id");
	board->ahci = ahci;
	device_add(&machine->devices, &ahci->device);
	return attach_planned(board, err);
}
