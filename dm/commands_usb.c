// SPDX-License-Identifier: GPL-2.0-or-later
/* USB devices that come and go while the guest runs, and images for them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/opts.h"
#include "dm/board_internal.h"
#include "dm/control_internal.h"
#include "dm/host_files.h"

/* --- Images --- */

static const char *member(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(object, key, &value))
		return NULL;
	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

/** "driver": "file" with "filename", or a format over a "file" of its own. NULL and a sentence. */
static const char *find_file(struct control_call *call, const char **format)
{
	const char *driver = control_string(call, "driver"), *name = NULL;
	const char *file_driver = driver;
	struct json_object *file = NULL;

	*format = "raw";
	if (json_object_object_get_ex(call->arguments, "file", &file)) {
		*format = driver;
		file_driver = member(file, "driver");
		name = member(file, "filename");
	} else {
		name = control_string(call, "filename");
	}
	if (!name || (file_driver && strcmp(file_driver, "file") != 0 &&
		      strcmp(file_driver, "host_device") != 0)) {
		err_set(&call->err, -EINVAL,
			"give \"driver\": \"file\" and \"filename\", or a format and \"file\": "
			"{\"driver\": \"file\", \"filename\": …}");
		return NULL;
	}
	return name;
}

static int execute_blockdev_add(struct control_call *call)
{
	struct block_options options = { .fd = -1, .write_error = BLOCK_ERROR_ENOSPC };
	struct block *block;
	int result;

	if (!call->machine->board)
		return err_set(&call->err, -ENODEV, "this machine has no board");
	options.filename = find_file(call, &options.format);
	if (!options.filename)
		return -EINVAL;
	options.read_only = control_bool(call, "read-only", false);
	options.discard =
		strcmp(control_string(call, "discard") ? control_string(call, "discard") : "ignore",
		       "unmap") == 0;
	if (control_names_fdset(options.filename) || host_files_are_forbidden()) {
		options.fd = control_open(call->control, options.filename,
					  options.read_only ? O_RDONLY : O_RDWR, &call->err);
		if (options.fd < 0)
			return options.fd;
	}
	block = block_open(&options, call->machine->loop, &call->err);
	if (!block)
		return -EIO;
	if (call->machine->tape)
		result = err_set(&call->err, -ENOTSUP,
				 "a machine that is recorded gets no more drives");
	else
		result = board_usb_add_image(call->machine->board,
					     control_string(call, "node-name"), block, &call->err);
	if (result < 0)
		block_close(block);
	return result;
}

static int execute_blockdev_del(struct control_call *call)
{
	if (!call->machine->board)
		return err_set(&call->err, -ENODEV, "this machine has no board");
	return board_usb_remove_image(call->machine->board, control_string(call, "node-name"),
				      &call->err);
}

/* --- Devices --- */

static int plug(struct control_call *call, struct opts *opts)
{
	opts_get(opts, "driver");
	return board_usb_plug(call->machine->board, opts, true, &call->err);
}

int control_plug_usb(struct control_call *call)
{
	int result;

	if (!call->machine->board)
		return err_set(&call->err, -ENODEV, "this machine has no board");
	if (!control_string(call, "id"))
		return err_set(&call->err, -EINVAL, "give it an id, by which it can be unplugged");
	result = control_with_options(call, plug);
	if (result == 0)
		control_watch_trays(call->control, true);
	return result;
}

int control_unplug_usb(struct control_call *call)
{
	const char *id = control_string(call, "id");
	struct usb_item *item =
		call->machine->board ? board_usb_find(call->machine->board, id) : NULL;
	struct json_object *data;
	char path[BOARD_USB_NAME + 32], name[BOARD_USB_NAME];
	int result;

	if (!item)
		return control_fail(call, "DeviceNotFound", -ENODEV, "Device '%.64s' not found",
				    id);
	snprintf(name, sizeof(name), "%s", item->id);
	snprintf(path, sizeof(path), "/machine/peripheral/%s", name);
	result = board_usb_unplug(item, &call->err);
	if (result < 0)
		return result;
	data = json_add_string(json_object_new_object(), "device", name);
	control_emit(call->control, "DEVICE_DELETED", json_add_string(data, "path", path));
	return 0;
}

void control_print_usb(struct machine *machine, struct json_text *out)
{
	struct usb_item *item;

	if (!machine->board || list_is_empty(&machine->board->usb.hosts)) {
		json_text_printf(out, "USB support not enabled\r\n");
		return;
	}
	list_for_each(item, &machine->board->usb.items, struct usb_item, node)
	{
		const struct block *block = item->slot.block ? item->slot.block : item->disk;

		json_text_printf(out, "  %s, port %s of %s, address %u, %s Mb/s%s%s%s%s\r\n",
				 board_usb_driver(item), item->path, item->host->bus,
				 item->usb->state->address,
				 item->usb->state->speed == USB_HIGH ? "480" : "12",
				 *item->id ? ", ID: " : "", item->id,
				 block && !block_is_empty(block) ? ", " : "",
				 block && !block_is_empty(block) ? block_filename(block) : "");
	}
}

const struct control_command control_usb_commands[] = {
	{ "blockdev-add", "node-name:s driver:s filename?s file?o read-only?b discard?s",
	  execute_blockdev_add },
	{ "blockdev-del", "node-name:s", execute_blockdev_del },
	{ NULL, "", NULL },
};
