// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Images for the core's paravirtual disks. One that is also an emulated disk is the same open
 * image: two drives over one qcow2 file would ruin it, and none has to be opened when the guest
 * runs and files are out of reach. While both are there, both use it; when the guest takes the
 * emulated one out, the image stays with the other. All other images are opened for this alone.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/log.h"
#include "dm/board_internal.h"
#include "dm/board_pv_disks.h"
#include "dm/machine.h"
#include "hv/pv_disk.h"

struct pv_request {
	struct block_request block;
	struct pv_disk_request *asked;
};

struct board_pv_disk {
	struct list_node node;
	struct board *board;  /* NULL: it has gone */
	struct block **place; /* of an emulated drive, or 'own' */
	struct block *own;
	unsigned twin; /* the drive's index; DRIVES: none */
	bool is_cdrom, read_only, discards, given_up;
	char name[24];               /* "xen-51728" */
	struct pv_request *requests; /* NULL: no driver is at work */
};

/* The image */

static bool is_taken(struct board *board, struct block **place)
{
	return board_pv_disk_ask(board, place) != BOARD_PV_NOBODY;
}

/** The emulated disk over the same file. */
static void find_disk(struct board_pv_disk *disk, const struct pv_disk_config *config)
{
	struct board *board = disk->board;

	for (unsigned i = 0; i < DRIVES && !disk->place; i++) {
		if (!board->disks[i] || is_taken(board, &board->disks[i]) ||
		    strcmp(block_filename(board->disks[i]), config->path) != 0)
			continue;
		disk->place = &board->disks[i];
		disk->twin = i;
	}
}

/** The emulated CD-ROM drive that goes by the number, whatever lies in it. */
static void find_cdrom(struct board_pv_disk *disk, const struct pv_disk_config *config)
{
	struct medium_slot *slot;
	char id[24];

	snprintf(id, sizeof(id), "ide-%u", config->number);
	slot = board_find_medium(disk->board, id);
	if (slot)
		disk->place = &slot->block;
}

static int open_own(struct board_pv_disk *disk, const struct pv_disk_config *config,
		    struct err *err)
{
	const struct block_options options = {
		.filename = config->path,
		.fd = -1,
		.format = config->format,
		.read_only = config->read_only,
		.is_cdrom = config->is_cdrom,
		.discard = config->discards,
		.write_error = BLOCK_ERROR_ENOSPC, /* room can be made, and nothing is lost */
	};
	struct loop *loop = disk->board->machine->loop;

	disk->own = *config->path ? block_open(&options, loop, err) : block_create_empty(loop);
	if (!disk->own)
		return -EIO;
	disk->place = &disk->own;
	board_watch_errors(disk->board, disk->own);
	return 0;
}

static void *open_disk(void *opaque, const struct pv_disk_config *config, struct err *err)
{
	struct machine *machine = opaque;
	struct board_pv_disk *disk = calloc(1, sizeof(*disk));

	if (!disk || !machine->board) {
		err_set(err, -ENOMEM, "there is no board for paravirtual disks");
		free(disk);
		return NULL;
	}
	*disk = (struct board_pv_disk){
		.board = machine->board,
		.twin = DRIVES,
		.is_cdrom = config->is_cdrom,
		.read_only = config->read_only,
		.discards = config->discards && !config->read_only,
	};
	snprintf(disk->name, sizeof(disk->name), "xen-%u", config->number);
	if (config->is_cdrom)
		find_cdrom(disk, config);
	else
		find_disk(disk, config);
	if (!disk->place && open_own(disk, config, err) < 0) {
		free(disk);
		return NULL;
	}
	list_append(&machine->board->pv_disks, &disk->node);
	return disk;
}

static struct block *image(const struct board_pv_disk *disk)
{
	return disk->board ? *disk->place : NULL;
}

static void give_up(void *opaque)
{
	struct board_pv_disk *disk = opaque;

	disk->given_up = true;
	if (disk->twin < DRIVES)
		log_warning("'%s' stays an emulated disk, also for a guest with drivers of its "
			    "own: dm_restrict=1 leaves no way to serve those",
			    block_filename(*disk->place));
}

/** One that was given up stays known to the board. */
static void close_disk(void *opaque)
{
	struct board_pv_disk *disk = opaque;
	struct board *board = disk->board;

	if (board && disk->given_up)
		return;
	list_remove(&disk->node);
	if (board && disk->twin < DRIVES && board->is_unplugged[disk->twin]) {
		block_close(board->disks[disk->twin]);
		board->disks[disk->twin] = NULL;
	}
	block_close(disk->own);
	free(disk);
}

static void get_info(void *opaque, struct pv_disk_info *info)
{
	const struct board_pv_disk *disk = opaque;
	struct block *block = image(disk);

	*info = (struct pv_disk_info){ .read_only = disk->read_only };
	if (!block || block_is_empty(block))
		return;
	info->bytes = block_size_bytes(block);
	info->read_only |= block_is_read_only(block);
}

/* Requests */

static int attach(void *opaque, unsigned requests)
{
	struct board_pv_disk *disk = opaque;

	disk->requests = calloc(requests, sizeof(*disk->requests));
	if (!disk->requests)
		return -ENOMEM;
	if (disk->discards && image(disk))
		block_allow_discard(image(disk));
	return 0;
}

/** The host's failures are in the log: the guest only learns that there was one. */
static void detach(void *opaque)
{
	struct board_pv_disk *disk = opaque;
	struct block *block = image(disk);

	if (block) {
		block_drain(block);
		block_cancel_held(block);
		if (block_flush_now(block) < 0)
			log_warning("'%s' cannot be flushed", block_filename(block));
	}
	free(disk->requests);
	disk->requests = NULL;
}

static void complete(struct block_request *block, int result)
{
	struct pv_disk_request *asked = container_of(block, struct pv_request, block)->asked;

	asked->complete(asked, result);
}

static void start(void *opaque, struct pv_disk_request *asked)
{
	static const enum block_op ops[] = {
		[PV_DISK_READ] = BLOCK_READ,
		[PV_DISK_WRITE] = BLOCK_WRITE,
		[PV_DISK_FLUSH] = BLOCK_FLUSH,
		[PV_DISK_DISCARD] = BLOCK_DISCARD,
	};
	struct board_pv_disk *disk = opaque;
	struct pv_request *request = &disk->requests[asked->number];

	request->asked = asked;
	request->block = (struct block_request){
		.op = ops[asked->op],
		.offset = asked->offset,
		.iov = asked->iov,
		.iov_count = asked->iov_count,
		.length = asked->length,
		.complete = complete,
	};
	block_start(*disk->place, &request->block);
}

static void drain(void *opaque)
{
	const struct board_pv_disk *disk = opaque;

	if (image(disk))
		block_drain(image(disk));
}

void board_pv_disks_describe(struct machine *machine, struct pv_disk_host *host)
{
	*host = (struct pv_disk_host){
		.opaque = machine,
		.open = open_disk,
		.close = close_disk,
		.give_up = give_up,
		.get_info = get_info,
		.attach = attach,
		.detach = detach,
		.start = start,
		.drain = drain,
	};
}

/* What the board asks */

void board_pv_disks_init(struct board *board)
{
	list_init(&board->pv_disks);
}

void board_pv_disks_finish(struct board *board)
{
	struct board_pv_disk *disk;

	list_for_each(disk, &board->pv_disks, struct board_pv_disk, node)
	{
		if (disk->requests) {
			block_drain(*disk->place);
			block_cancel_held(*disk->place);
		}
		block_close(disk->own);
		list_remove(&disk->node);
		disk->board = NULL;
		disk->own = NULL;
		if (disk->given_up)
			free(disk);
	}
}

enum board_pv_answer board_pv_disk_ask(struct board *board, struct block **place)
{
	struct board_pv_disk *disk;

	list_for_each(disk, &board->pv_disks, struct board_pv_disk, node)
	{
		if (disk->place == place)
			return disk->given_up ? BOARD_PV_GAVE_UP : BOARD_PV_SERVES;
	}
	return BOARD_PV_NOBODY;
}

void board_pv_disks_for_each(struct board *board,
			     void (*visit)(const struct board_drive *drive, void *opaque),
			     void *opaque)
{
	struct board_pv_disk *disk;

	list_for_each(disk, &board->pv_disks, struct board_pv_disk, node)
	{
		const struct board_drive drive = {
			.name = disk->name,
			.is_cdrom = disk->is_cdrom,
			.block = disk->own,
		};

		if (drive.block)
			visit(&drive, opaque);
	}
}
