// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands that only tell. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "block/medium.h"
#include "dm/board_pc.h"
#include "dm/cards.h"
#include "dm/chardevs.h"
#include "dm/control_internal.h"
#include "dm/options.h"
#include "dm/pci_classes.h"
#include "dm/version.h"

enum {
	PCI_IO_FLAGS = 0x3, /* below the address */
	PCI_MEMORY_FLAGS = 0xf,
};

static int execute_query_version(struct control_call *call)
{
	struct json_object *version = json_object_new_object();

	json_add_int(version, "micro", QMP_VERSION_MICRO);
	json_add_int(version, "minor", QMP_VERSION_MINOR);
	json_add_int(version, "major", QMP_VERSION_MAJOR);
	call->result = json_add(json_object_new_object(), "qemu", version);
	json_add_string(call->result, "package", "hvmdm " HVMDM_VERSION);
	return 0;
}

static int execute_query_commands(struct control_call *call)
{
	call->result = control_list_commands();
	return 0;
}

const char *control_event_name(size_t index)
{
	static const char *const names[] = {
		"STOP",
		"DEVICE_DELETED",
		"NETDEV_STREAM_CONNECTED",
		"NETDEV_STREAM_DISCONNECTED",
		"RESUME",
		"RESET",
		"SHUTDOWN",
		"POWERDOWN",
		"SUSPEND",
		"WAKEUP",
		"DEVICE_TRAY_MOVED",
		"BLOCK_IO_ERROR",
		"GUEST_PANICKED",
		"VNC_CONNECTED",
		"VNC_INITIALIZED",
		"VNC_DISCONNECTED",
		"TYPING_ENDED",
	};

	return index < ARRAY_SIZE(names) ? names[index] : NULL;
}

static int execute_query_events(struct control_call *call)
{
	const char *name;

	call->result = json_object_new_array();
	for (size_t i = 0; (name = control_event_name(i)) != NULL; i++)
		json_object_array_add(call->result,
				      json_add_string(json_object_new_object(), "name", name));
	return 0;
}

static int execute_query_qmp_schema(struct control_call *call)
{
	call->result = control_describe_schema();
	return 0;
}

static int execute_query_status(struct control_call *call)
{
	enum machine_status status = call->machine->status;

	call->result =
		json_add_string(json_object_new_object(), "status", machine_status_name(status));
	json_add_bool(call->result, "singlestep", false);
	json_add_bool(call->result, "running", status == MACHINE_RUNNING);
	return 0;
}

static int execute_query_name(struct control_call *call)
{
	call->result = json_object_new_object();
	if (call->machine->options->name)
		json_add_string(call->result, "name", call->machine->options->name);
	return 0;
}

void control_format_uuid(const struct machine *machine, char text[CONTROL_UUID_BYTES])
{
	const uint8_t *uuid = machine->options->uuid;
	size_t at = 0;

	for (unsigned i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			text[at++] = '-';
		at += (size_t)snprintf(text + at, 3, "%02x", uuid[i]);
	}
}

static int execute_query_uuid(struct control_call *call)
{
	char text[CONTROL_UUID_BYTES];

	control_format_uuid(call->machine, text);
	call->result = json_add_string(json_object_new_object(), "UUID", text);
	return 0;
}

static int execute_query_kvm(struct control_call *call)
{
	bool enabled = call->machine->options->accel == ACCEL_KVM;

	call->result = json_add_bool(json_object_new_object(), "enabled", enabled);
	json_add_bool(call->result, "present", enabled);
	return 0;
}

static int execute_query_target(struct control_call *call)
{
	call->result = json_add_string(json_object_new_object(), "arch", "x86_64");
	return 0;
}

static int execute_query_chardev(struct control_call *call)
{
	struct chardev *chardev;

	call->result = json_object_new_array();
	list_for_each(chardev, &call->machine->chardevs, struct chardev, node)
	{
		struct json_object *entry =
			json_add_bool(json_object_new_object(), "frontend-open", chardev->taken);

		json_add_string(entry, "filename", chardev->chr->filename);
		json_add_string(entry, "label", chardev->chr->label);
		json_object_array_add(call->result, entry);
	}
	return 0;
}

static int execute_query_machines(struct control_call *call)
{
	static const struct {
		const char *name;
		int max_cpus;
		bool is_default;
	} boards[] = {
		{ "pc", OPTIONS_MAX_CPUS, true },
		{ "xenfv", OPTIONS_MAX_CPUS, false },
		{ "none", 1, false },
	};

	call->result = json_object_new_array();
	for (size_t i = 0; i < ARRAY_SIZE(boards); i++) {
		struct json_object *board =
			json_add_string(json_object_new_object(), "name", boards[i].name);

		json_add_bool(board, "hotpluggable-cpus", boards[i].max_cpus > 1);
		json_add_int(board, "cpu-max", boards[i].max_cpus);
		json_add_bool(board, "numa-mem-supported", false);
		json_add_bool(board, "deprecated", false);
		if (boards[i].is_default)
			json_add_bool(board, "is-default", true);
		json_object_array_add(call->result, board);
	}
	return 0;
}

/* Drives */

const char *control_drive_name(const struct board_drive *drive)
{
	return drive->drive_id ? drive->drive_id : drive->name;
}

static struct json_object *describe_image(const struct block *block)
{
	struct json_object *image =
		json_add_string(json_object_new_object(), "filename", block_filename(block));

	json_add_string(image, "format", block_format(block));
	json_add_int(image, "virtual-size", (int64_t)block_size_bytes(block));
	return image;
}

/** Averages always, what else is said only where it is, as QEMU has it. */
static void describe_limits(const struct block *block, struct json_object *inserted)
{
	struct block_throttle limits;

	block_get_throttle(block, &limits);
	for (unsigned i = 0; i < BLOCK_LIMITS; i++) {
		const struct block_limit_rate *rate = &limits.limits[i];
		char key[32];

		json_add_int(inserted, control_limit_keys[i], (int64_t)rate->average);
		snprintf(key, sizeof(key), "%s_max", control_limit_keys[i]);
		if (rate->burst > 0)
			json_add_int(inserted, key, (int64_t)rate->burst);
		strcat(key, "_length");
		if (rate->burst > 0)
			json_add_int(inserted, key, (int64_t)max_u64(rate->burst_seconds, 1));
	}
	if (limits.operation_bytes > 0)
		json_add_int(inserted, "iops_size", (int64_t)limits.operation_bytes);
}

static struct json_object *describe_inserted(const struct block *block)
{
	struct json_object *inserted =
		json_add_string(json_object_new_object(), "file", block_filename(block));

	json_add_string(inserted, "drv", block_format(block));
	json_add_bool(inserted, "ro", block_is_read_only(block));
	json_add_bool(inserted, "encrypted", false);
	describe_limits(block, inserted);
	return json_add(inserted, "image", describe_image(block));
}

static void describe_drive(const struct board_drive *drive, void *opaque)
{
	struct json_object *entry = json_object_new_object();
	struct medium_slot *slot = drive->slot;
	bool is_empty = block_is_empty(drive->block);

	json_add_string(entry, "device", control_drive_name(drive));
	json_add_bool(entry, "locked", slot && slot->is_locked(slot->opaque));
	json_add_bool(entry, "removable", slot);
	if (slot)
		json_add_bool(entry, "tray_open", slot->is_tray_open(slot->opaque));
	json_add_string(entry, "io-status", "ok");
	json_add_string(entry, "qdev", drive->id ? drive->id : drive->name);
	json_add_string(entry, "type", "unknown");
	if (!is_empty)
		json_add(entry, "inserted", describe_inserted(drive->block));
	json_object_array_add(opaque, entry);
}

static int execute_query_block(struct control_call *call)
{
	call->result = json_object_new_array();
	if (call->machine->board)
		board_for_each_drive(call->machine->board, describe_drive, call->result);
	return 0;
}

static void describe_stats(const struct board_drive *drive, void *opaque)
{
	struct json_object *entry = json_object_new_object(), *stats = json_object_new_object();
	struct block_stats counts;

	block_get_stats(drive->block, &counts);
	json_add_int(stats, "rd_bytes", (int64_t)counts.read_bytes);
	json_add_int(stats, "wr_bytes", (int64_t)counts.write_bytes);
	json_add_int(stats, "rd_operations", (int64_t)counts.reads);
	json_add_int(stats, "wr_operations", (int64_t)counts.writes);
	json_add_int(stats, "flush_operations", (int64_t)counts.flushes);
	json_add_string(entry, "device", control_drive_name(drive));
	json_add_string(entry, "qdev", drive->id ? drive->id : drive->name);
	json_object_array_add(opaque, json_add(entry, "stats", stats));
}

static int execute_query_blockstats(struct control_call *call)
{
	call->result = json_object_new_array();
	if (call->machine->board)
		board_for_each_drive(call->machine->board, describe_stats, call->result);
	return 0;
}

/* PCI */

static struct json_object *describe_regions(const struct pci_function *function)
{
	struct json_object *regions = json_object_new_array();

	for (unsigned i = 0; i <= PCI_BAR_COUNT; i++) {
		const struct pci_bar *bar = &function->bars[i];
		unsigned offset = i == PCI_ROM_BAR ? PCI_ROM_ADDRESS : PCI_BASE_ADDRESS_0 + 4 * i;
		uint32_t value = pci_config_peek(function, offset, 4);
		struct json_object *region;

		if (!bar->window)
			continue;
		region = json_add_int(json_object_new_object(), "bar", i);
		json_add_string(region, "type", bar->is_io ? "io" : "memory");
		json_add_int(region, "address",
			     value & ~(bar->is_io ? (uint32_t)PCI_IO_FLAGS
						  : (uint32_t)PCI_MEMORY_FLAGS));
		json_add_int(region, "size", (int64_t)bar->window->size);
		if (!bar->is_io) {
			json_add_bool(region, "prefetch",
				      i != PCI_ROM_BAR && (value & PCI_BAR_PREFETCH));
			json_add_bool(region, "mem_type_64",
				      i != PCI_ROM_BAR && (value & PCI_BAR_64BIT));
		}
		json_object_array_add(regions, region);
	}
	return regions;
}

static void describe_function(struct pci_function *function, void *opaque)
{
	uint32_t class = pci_config_peek(function, PCI_CLASS_DEVICE, 2);
	struct json_object *device = json_add_int(json_object_new_object(), "bus", 0);
	struct json_object *kind = json_add_int(json_object_new_object(), "class", class);
	struct json_object *id = json_object_new_object();

	json_add_string(kind, "desc", pci_class_name(class));
	json_add_int(id, "device", pci_config_peek(function, PCI_DEVICE_ID, 2));
	json_add_int(id, "vendor", pci_config_peek(function, PCI_VENDOR_ID, 2));
	json_add_int(id, "subsystem-vendor", pci_config_peek(function, PCI_SUBSYSTEM_VENDOR_ID, 2));
	json_add_int(id, "subsystem", pci_config_peek(function, PCI_SUBSYSTEM_ID, 2));
	json_add_int(device, "slot", function->slot);
	json_add_int(device, "function", function->function);
	json_add(device, "class_info", kind);
	json_add(device, "id", id);
	json_add_int(device, "irq", pci_config_peek(function, PCI_INTERRUPT_LINE, 1));
	json_add_int(device, "irq_pin", pci_config_peek(function, PCI_INTERRUPT_PIN, 1));
	json_add_string(device, "qdev_id", function->id ? function->id : "");
	json_add(device, "regions", describe_regions(function));
	json_object_array_add(opaque, device);
}

static int execute_query_pci(struct control_call *call)
{
	struct json_object *devices = json_object_new_array();
	struct json_object *bus = json_add_int(json_object_new_object(), "bus", 0);

	pci_bus_for_each(&call->machine->pci, describe_function, devices);
	call->result = json_object_new_array();
	json_object_array_add(call->result, json_add(bus, "devices", devices));
	return 0;
}

const struct control_command control_query_commands[] = {
	{ "query-version", "", execute_query_version },
	{ "query-commands", "", execute_query_commands },
	{ "query-events", "", execute_query_events },
	{ "query-qmp-schema", "", execute_query_qmp_schema },
	{ "query-status", "", execute_query_status },
	{ "query-name", "", execute_query_name },
	{ "query-uuid", "", execute_query_uuid },
	{ "query-kvm", "", execute_query_kvm },
	{ "query-target", "", execute_query_target },
	{ "query-chardev", "", execute_query_chardev },
	{ "query-machines", "", execute_query_machines },
	{ "query-block", "", execute_query_block },
	{ "query-blockstats", "", execute_query_blockstats },
	{ "query-pci", "", execute_query_pci },
	{ NULL, "", NULL },
};
