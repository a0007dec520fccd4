// SPDX-License-Identifier: GPL-2.0-or-later
/* Media of CD-ROM drives: what a person does with the tray. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "block/medium.h"
#include "dm/board_pc.h"
#include "dm/control_internal.h"
#include "dm/host_files.h"
#include "dm/tape.h"

/** The drive by the client's name for it. NULL and an error. */
static struct medium_slot *find_slot(struct control_call *call)
{
	const char *id = control_string(call, "id");
	const char *device = control_string(call, "device");
	const char *name = id ? id : device;
	struct medium_slot *slot = NULL;

	if (!name) {
		err_set(&call->err, -EINVAL, "Parameter 'id' is missing");
		return NULL;
	}
	if (call->machine->board)
		slot = board_find_medium(call->machine->board, name);
	if (!slot)
		control_fail(call, id ? "GenericError" : "DeviceNotFound", -ENODEV,
			     "Device '%.64s' not found or without removable medium", name);
	return slot;
}

static void tell_tray(struct control *control, const struct medium_slot *slot, bool open)
{
	struct json_object *data = json_add_string(json_object_new_object(), "device", slot->id);

	json_add_bool(data, "tray-open", open);
	control_emit(control, "DEVICE_TRAY_MOVED", json_add_string(data, "id", slot->id));
}

/** The guest opened or closed the tray itself. */
static void guest_moved_tray(void *opaque, struct medium_slot *slot, bool open)
{
	tell_tray(opaque, slot, open);
}

static void watch_tray(const struct board_drive *drive, void *opaque)
{
	if (!drive->slot)
		return;
	drive->slot->control = opaque;
	drive->slot->tray_moved = opaque ? guest_moved_tray : NULL;
}

void control_watch_trays(struct control *control, bool watch)
{
	if (control->machine->board)
		board_for_each_drive(control->machine->board, watch_tray, watch ? control : NULL);
}

/** The drive looks at what lies in it; the tray closes over a medium. */
static void announce(struct control *control, struct medium_slot *slot)
{
	bool was_open = slot->is_tray_open(slot->opaque);

	slot->changed(slot->opaque);
	if (was_open && !slot->is_tray_open(slot->opaque))
		tell_tray(control, slot, false);
}

/** Puts 'medium' (taken over) into the drive. */
static void insert(struct control *control, struct medium_slot *slot, struct block *medium)
{
	struct block *old = slot->block;
	struct block_throttle limits;

	/* The limits are the drive's. */
	block_get_throttle(old, &limits);
	if (block_set_throttle(medium, &limits, &control->machine->clock, NULL) < 0)
		log_warning("no memory left for the limits of drive '%s'", slot->id);
	slot->block = medium;
	if (control->machine->tape)
		tape_insert_medium(control->machine->tape, slot);
	announce(control, slot);
	block_close(old);
}

static int open_tray(struct control_call *call, struct medium_slot *slot, bool force)
{
	if (slot->is_tray_open(slot->opaque))
		return 0;
	if (!slot->eject_requested(slot->opaque, force))
		return err_set(&call->err, -EBUSY,
			       "Device '%s' is locked and force was not specified, wait for tray "
			       "to open and try again",
			       slot->id);
	tell_tray(call->control, slot, true);
	return 0;
}

static int empty(struct control_call *call, struct medium_slot *slot)
{
	struct block *medium = block_create_empty(call->machine->loop);

	if (!medium)
		return err_set_errno(&call->err, -ENOMEM, "eject");
	if (call->machine->tape) {
		medium = tape_bring_medium(call->machine->tape, slot, medium, &call->err);
		if (!medium)
			return -EINVAL;
	}
	insert(call->control, slot, medium);
	return 0;
}

static int execute_eject(struct control_call *call)
{
	struct medium_slot *slot = find_slot(call);
	int result;

	if (!slot)
		return -ENODEV;
	result = open_tray(call, slot, control_bool(call, "force", false));
	return result < 0 ? result : empty(call, slot);
}

static struct block *open_image(struct control_call *call, const struct medium_slot *slot,
				const char *filename, const char *format, bool read_only)
{
	struct block_options options = {
		.filename = filename,
		.fd = -1,
		.format = format,
		.read_only = read_only,
		.is_cdrom = !slot->is_writable,
	};

	if (control_names_fdset(filename) || host_files_are_forbidden()) {
		options.fd = control_open(call->control, filename, read_only ? O_RDONLY : O_RDWR,
					  &call->err);
		if (options.fd < 0)
			return NULL;
	}
	return block_open(&options, call->machine->loop, &call->err);
}

/** Opens the image as a medium for the drive. NULL and a sentence. */
static struct block *open_medium(struct control_call *call, const struct medium_slot *slot,
				 const char *filename, const char *format, bool read_only)
{
	struct tape *tape = call->machine->tape;
	struct block *medium = NULL;

	if (!tape_is_replay(tape))
		medium = open_image(call, slot, filename, format, read_only);
	if (tape && (medium || tape_is_replay(tape)))
		medium = tape_bring_medium(tape, slot, medium, &call->err);
	if (!medium || !slot->fits || slot->fits(slot->opaque, block_size_bytes(medium)))
		return medium;
	err_set(&call->err, -EINVAL, "the drive takes no disk of %llu bytes, as '%s' is",
		(unsigned long long)block_size_bytes(medium), filename);
	block_close(medium);
	return NULL;
}

/**
 * 'mode' (NULL: as the drive can) is retain, read-only or read-write. Opened before the tray moves:
 * a medium that cannot be read leaves the old one where it is.
 */
static int change(struct control_call *call, const char *filename, const char *format,
		  const char *mode)
{
	struct medium_slot *slot = find_slot(call);
	bool read_only = slot && !slot->is_writable;
	struct block *medium;
	int result;

	if (!slot)
		return -ENODEV;
	if (mode && strcmp(mode, "read-only") == 0)
		read_only = true;
	else if (mode && strcmp(mode, "retain") != 0 &&
		 (strcmp(mode, "read-write") != 0 || read_only))
		return err_set(&call->err, -EINVAL, "read-only-mode '%.32s': this drive %s", mode,
			       read_only ? "reads only" : "knows retain, read-only and read-write");
	medium = open_medium(call, slot, filename, format, read_only);
	if (!medium)
		return -EIO;
	result = open_tray(call, slot, control_bool(call, "force", false));
	if (result < 0) {
		block_close(medium);
		return result;
	}
	insert(call->control, slot, medium);
	return 0;
}

static int execute_change_medium(struct control_call *call)
{
	return change(call, control_string(call, "filename"), control_string(call, "format"),
		      control_string(call, "read-only-mode"));
}

/** The command of earlier versions, also for the VNC password. */
static int execute_change(struct control_call *call)
{
	const char *device = control_string(call, "device");
	const char *target = control_string(call, "target");
	const char *argument = control_string(call, "arg");
	struct json_object *arguments;

	if (strcmp(device, "vnc") != 0)
		return change(call, target, argument, NULL);
	if (strcmp(target, "password") != 0)
		return err_set(&call->err, -ENOTSUP, "only the password of VNC can be changed");
	arguments = json_add_string(json_object_new_object(), "password", argument ? argument : "");
	return control_run(call, "change-vnc-password", arguments);
}

static int execute_open_tray(struct control_call *call)
{
	struct medium_slot *slot = find_slot(call);

	return slot ? open_tray(call, slot, control_bool(call, "force", false)) : -ENODEV;
}

/** Closing it shows the guest what lies inside. */
static int execute_close_tray(struct control_call *call)
{
	struct medium_slot *slot = find_slot(call);

	if (!slot)
		return -ENODEV;
	if (slot->is_tray_open(slot->opaque))
		announce(call->control, slot);
	return 0;
}

static int execute_remove_medium(struct control_call *call)
{
	struct medium_slot *slot = find_slot(call);

	if (!slot)
		return -ENODEV;
	if (!slot->is_tray_open(slot->opaque))
		return err_set(&call->err, -EBUSY, "Tray of device '%s' is not open", slot->id);
	return empty(call, slot);
}

/* Limits */

const char *const control_limit_keys[] = {
	"bps", "bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr"
};

struct drive_search {
	const char *name;
	struct block *block;
};

static void compare_drive(const struct board_drive *drive, void *opaque)
{
	struct drive_search *search = opaque;

	if (strcmp(drive->name, search->name) == 0 ||
	    (drive->id && strcmp(drive->id, search->name) == 0) ||
	    (drive->drive_id && strcmp(drive->drive_id, search->name) == 0))
		search->block = drive->block;
}

/** The image of the drive that 'id' or 'device' names; NULL and a sentence. */
static struct block *find_drive(struct control_call *call)
{
	struct drive_search search = { .name = control_string(call, "id") };

	if (!search.name)
		search.name = control_string(call, "device");
	if (!search.name) {
		err_set(&call->err, -EINVAL, "say which drive: 'id' or 'device'");
		return NULL;
	}
	if (call->machine->board)
		board_for_each_drive(call->machine->board, compare_drive, &search);
	if (!search.block)
		control_fail(call, "DeviceNotFound", -ENODEV, "Device '%.64s' not found",
			     search.name);
	return search.block;
}

/** A number that is not negative, if it is said. */
static int take_number(struct control_call *call, const char *key, uint64_t *number)
{
	int64_t value = control_int(call, key, 0);

	if (value < 0)
		return err_set(&call->err, -EINVAL, "%s cannot be negative", key);
	*number = (uint64_t)value;
	return 0;
}

static int execute_set_io_throttle(struct control_call *call)
{
	struct block *block = find_drive(call);
	struct block_throttle limits = { 0 };
	int result = block ? 0 : -ENODEV;

	for (unsigned i = 0; result == 0 && i < BLOCK_LIMITS; i++) {
		struct block_limit_rate *rate = &limits.limits[i];
		char key[32];

		result = take_number(call, control_limit_keys[i], &rate->average);
		snprintf(key, sizeof(key), "%s_max", control_limit_keys[i]);
		if (result == 0)
			result = take_number(call, key, &rate->burst);
		strcat(key, "_length");
		if (result == 0)
			result = take_number(call, key, &rate->burst_seconds);
	}
	if (result == 0)
		result = take_number(call, "iops_size", &limits.operation_bytes);
	return result < 0 ? result
			  : block_set_throttle(block, &limits, &call->machine->clock, &call->err);
}

const struct control_command control_media_commands[] = {
	{ "eject", "device?s id?s force?b", execute_eject },
	{ "blockdev-change-medium", "device?s id?s filename:s format?s force?b read-only-mode?s",
	  execute_change_medium },
	{ "blockdev-open-tray", "device?s id?s force?b", execute_open_tray },
	{ "blockdev-close-tray", "device?s id?s", execute_close_tray },
	{ "blockdev-remove-medium", "device?s id?s", execute_remove_medium },
	{ "block_set_io_throttle",
	  "device?s id?s bps:i bps_rd:i bps_wr:i iops:i iops_rd:i iops_wr:i bps_max?i bps_rd_max?i "
	  "bps_wr_max?i iops_max?i iops_rd_max?i iops_wr_max?i bps_max_length?i "
	  "bps_rd_max_length?i bps_wr_max_length?i iops_max_length?i iops_rd_max_length?i "
	  "iops_wr_max_length?i iops_size?i",
	  execute_set_io_throttle },
	{ "change", "device:s target:s arg?s", execute_change },
	{ NULL, "", NULL },
};
