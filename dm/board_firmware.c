// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The firmware's part of the board on cores without a firmware of their own: the BIOS image, what
 * SeaBIOS finds at the configuration port, and the CMOS contents.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "dm/board_internal.h"
#include "dm/machine.h"
#include "dm/options.h"
#include "firmware/cmos.h"

static const char default_bios[] = "bios-256k.bin";

static const char *boot_order(const struct board *board)
{
	const struct options *options = board->machine->options;

	if (options->boot_once && !board->state.boot_once_used)
		return options->boot_once;
	return options->boot_order;
}

static void describe_disks(struct board *board)
{
	for (unsigned i = 0; i < IDE_POSITIONS; i++) {
		const struct ide_drive *drive = piix_ide_drive(&board->ide, i / 2, i % 2);

		if (!drive || drive->kind != IDE_DISK)
			continue;
		board->description.disks[i] = (struct board_disk){
			.present = true,
			.cylinders = drive->geometry.cylinders,
			.heads = (uint8_t)drive->geometry.heads,
			.sectors = (uint8_t)drive->geometry.sectors,
			.translation = (enum board_translation)drive->geometry.translation,
		};
	}
}

static void describe_smbios(struct board *board)
{
	struct board_smbios *smbios = &board->description.smbios;
	const struct options_list *words = &board->machine->options->smbios;

	for (size_t i = 0; i < words->count; i++) {
		struct opts *opts = &words->items[i];
		const char *type = opts_get_or(opts, "type", "1");

		if (strcmp(type, "1") != 0)
			continue;
		smbios->manufacturer = opts_get(opts, "manufacturer");
		smbios->product = opts_get(opts, "product");
		smbios->version = opts_get(opts, "version");
		smbios->serial = opts_get(opts, "serial");
		smbios->sku = opts_get(opts, "sku");
		smbios->family = opts_get(opts, "family");
	}
}

/** Sorted by index; of equal ones, the first that was added. Beyond the limit nothing is added. */
void board_add_boot_path(struct board *board, int64_t index, const char *format, ...)
{
	struct board_boot_path *paths = board->boot_paths;
	unsigned at = board->boot_path_count;
	va_list arguments;

	if (at == BOARD_BOOT_PATHS)
		return;
	for (board->boot_path_count++; at > 0 && paths[at - 1].index > index; at--)
		paths[at] = paths[at - 1];
	paths[at].index = index;
	va_start(arguments, format);
	vsnprintf(paths[at].path, sizeof(paths[at].path), format, arguments);
	va_end(arguments);
}

/** The devices with a bootindex=, lowest first, as SeaBIOS names them. */
static void describe_boot_paths(struct board *board)
{
	board->boot_path_count = 0;
	for (unsigned i = 0; i < DRIVES; i++) {
		int64_t index = board->drives[i].present ? board->drives[i].boot_index : -1;

		if (index >= 0 && i < IDE_POSITIONS)
			board_add_boot_path(board, index, "/pci@i0cf8/ide@1,1/drive@%u/disk@%u",
					    i / 2, i % 2);
		else if (index >= 0)
			board_add_boot_path(board, index,
					    "/pci@i0cf8/pci8086,2922@%x/drive@%u/disk@0",
					    board->ahci->function.slot, i - IDE_POSITIONS);
	}
	board_nics_add_boot_paths(board);
	board_usb_add_boot_paths(board);
	for (unsigned i = 0; i < board->boot_path_count; i++)
		board->boot_path_list[i] = board->boot_paths[i].path;
	board->description.boot_paths = board->boot_path_list;
	board->description.boot_path_count = board->boot_path_count;
}

static void describe(struct board *board)
{
	struct machine *machine = board->machine;
	const struct options *options = machine->options;
	struct firmware_board *d = &board->description;

	*d = (struct firmware_board){
		.low_bytes = machine->ram.low_bytes,
		.high_bytes = machine->ram.high_bytes,
		.reserved = { { machine->hv->caps.reserved_gpa,
				machine->hv->caps.reserved_bytes } },
		.cpus = options->cpus,
		.max_cpus = options->max_cpus,
		.acpi = board->has_acpi,
		.hpet = board->has_hpet,
		.pirq_rotation = BOARD_PIRQ_ROTATION,
		.boot_order = boot_order(board),
		.check_floppy_signature = !options->no_floppy_check,
		.boot_retry_ms = options->boot_retry_ms,
		.boot_strict = options->boot_strict,
		.boot_menu = options->boot_menu,
		.boot_menu_wait_ms = (uint16_t)options->boot_menu_wait_ms,
		.nographic = !board->has_vga,
	};
	memcpy(d->uuid, options->uuid, sizeof(d->uuid));
	for (unsigned i = 0; i < BOARD_SERIALS; i++)
		d->serial[i] = board->has_serial[i];
	if (options->serial_console && board->has_serial[0])
		d->serial_console_port = BOARD_SERIAL0;
	d->floppy_controller = board->has_floppy;
	for (unsigned i = 0; i < FLOPPY_DRIVES; i++)
		d->floppies[i] = (enum board_floppy)board->floppies[i].kind;
	describe_disks(board);
	describe_boot_paths(board);
	describe_smbios(board);
}

static void set_cmos(struct board *board)
{
	struct cmos_value values[CMOS_MAX_VALUES];
	size_t count = cmos_build(&board->description, values);

	for (size_t i = 0; i < count; i++)
		rtc_set_cmos(&board->rtc, values[i].index, values[i].value);
}

void board_cmos_init(struct board *board)
{
	describe(board);
	set_cmos(board);
}

/** Builds all items and hands them to the configuration port. 0 or -errno. */
static int build_items(struct board *board, struct err *err)
{
	struct firmware_items items;
	struct arena arena;
	int result;

	describe(board);
	arena_init(&arena, board->firmware_arena, FIRMWARE_ARENA_BYTES);
	result = firmware_build(&board->description, &arena, &items, err);
	for (unsigned i = 0; result == 0 && i < items.key_count; i++)
		result = fw_cfg_set_key(&board->fw_cfg, items.keys[i].key, items.keys[i].data,
					items.keys[i].length);
	for (unsigned i = 0; result == 0 && i < items.file_count; i++)
		result = fw_cfg_set_file(&board->fw_cfg, items.files[i].name, items.files[i].data,
					 items.files[i].length, err);
	if (result == 0)
		set_cmos(board);
	return result;
}

void board_firmware_reset(struct board *board)
{
	struct err err = { 0 };

	if (build_items(board, &err) < 0)
		log_error("cannot rebuild the firmware's tables: %s", err.text);
}

static int map_bios(struct board *board, struct err *err)
{
	struct machine *machine = board->machine;
	const char *name = machine->options->bios ? machine->options->bios : default_bios;
	int result = payload_map(&board->bios, machine->options, name, err);

	if (result == 0 && (board->bios.length % (64 << 10)))
		result = err_set(err, -EINVAL, "'%s' is no BIOS image: not a multiple of 64 KiB",
				 name);
	if (result < 0)
		return result;
	return memory_map_init(&board->memory, &machine->memory, machine->hv,
			       machine->ram.low_bytes, machine->ram.high_bytes, board->bios.bytes,
			       board->bios.length, err);
}

/** One -fw_cfg name=opt/x,string=text or file=path. */
static int add_user_item(struct board *board, const char *text, struct err *err)
{
	const char *name, *string, *file;
	struct payload *payload;
	struct opts opts;
	int result;

	if (opts_parse(&opts, text, "name", err) < 0)
		return -EINVAL;
	name = opts_get(&opts, "name");
	string = opts_get(&opts, "string");
	file = opts_get(&opts, "file");
	result = opts_check_unused(&opts, NULL, err);
	if (result == 0 && (!name || !string == !file))
		result = err_set(err, -EINVAL,
				 "-fw_cfg %s: give name= and one of string=, file=", text);
	if (result == 0 && board->user_item_count == BOARD_USER_ITEMS)
		result = err_set(err, -ENOSPC, "-fw_cfg: %d items at the most", BOARD_USER_ITEMS);
	payload = &board->user_items[board->user_item_count];
	if (result == 0 && file)
		result = payload_map(payload, board->machine->options, file, err);
	if (result == 0 && file)
		result = fw_cfg_set_file(&board->fw_cfg, name, payload->bytes,
					 (uint32_t)payload->length, err);
	else if (result == 0)
		result = fw_cfg_set_file(&board->fw_cfg, name, strstr(text, "string=") + 7,
					 (uint32_t)strlen(string), err);
	board->user_item_count += result == 0;
	opts_finish(&opts);
	return result;
}

int board_firmware_init(struct board *board, struct err *err)
{
	struct machine *machine = board->machine;
	int result = map_bios(board, err);

	if (result < 0)
		return result;
	board->firmware_arena = malloc(FIRMWARE_ARENA_BYTES);
	if (!board->firmware_arena ||
	    fw_cfg_init(&board->fw_cfg, &machine->ports, &machine->ram) < 0)
		return err_set_errno(err, -ENOMEM, "cannot set up the firmware's port");
	device_add(&machine->devices, &board->fw_cfg.device);
	result = build_items(board, err);
	for (size_t i = 0; result == 0 && i < machine->options->fw_cfg.count; i++)
		result = add_user_item(board, machine->options->fw_cfg.items[i], err);
	return result;
}
