// SPDX-License-Identifier: GPL-2.0-or-later
#include "dm/drives.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/opts.h"
#include "dm/options.h"

enum {
	METADATA_BYTES_MAX = 32 << 20, /* enough for 256 GiB with clusters of 64 KiB */
};

/* clang-format off */
static const char *const drive_properties[] = {
	"file", "if", "index", "bus", "unit", "id", "media", "format", "readonly", "read-only", "serial",
	"snapshot", "cache", "l2-cache-size", "werror", "rerror", "discard", "detect-zeroes", "aio",
	"file.locking", "overlay", "throttling.bps-total", "throttling.bps-read", "throttling.bps-write",
	"throttling.iops-total", "throttling.iops-read", "throttling.iops-write", "throttling.iops-size", NULL
};
/* clang-format on */
static const char *const device_properties[] = {
	"driver",    "drive",          "bus",         "unit",     "id",    "serial",
	"ver",       "model",          "wwn",         "cyls",     "heads", "secs",
	"bootindex", "bios-chs-trans", "write-cache", "share-rw", NULL,
};

static const char *drive_interface(struct opts *drive)
{
	return opts_get_or(drive, "if", "ide");
}

static const char *drive_name(struct opts *drive)
{
	const char *id = opts_get(drive, "id");

	return id ? id : opts_get_or(drive, "file", "(no file)");
}

bool drives_is_sata_adapter(struct opts *device)
{
	const char *driver = opts_get_or(device, "driver", "");

	return strcmp(driver, "ahci") == 0 || strcmp(driver, "ich9-ahci") == 0;
}

/** What stands behind "ID." in the name of a bus of the SATA adapter; NULL: it is no such name. */
static const char *sata_port_of(const struct options *options, const char *bus_name)
{
	for (size_t i = 0; i < options->devices.count; i++) {
		struct opts *device = &options->devices.items[i];
		const char *id = opts_get_or(device, "id", "");
		size_t length = strlen(id);

		if (length && drives_is_sata_adapter(device) &&
		    strncmp(bus_name, id, length) == 0 && bus_name[length] == '.')
			return bus_name + length + 1;
	}
	return NULL;
}

static int find_sata_position(struct opts *device, const char *port_name, struct err *err)
{
	uint64_t port, unit;

	if (opts_get_number(device, "unit", &unit, 0, 0, err) < 0)
		return -EINVAL;
	if (opts_parse_number(port_name, &port) < 0 || port >= SATA_POSITIONS)
		return err_set(err, -EINVAL,
			       "bus '%s' is not there: the SATA adapter has ports 0 to %d",
			       opts_get(device, "bus"), SATA_POSITIONS - 1);
	return IDE_POSITIONS + (int)port;
}

/** The position that the words name, or the first free one of IDE, or -EINVAL. */
static int find_position(const struct options *options, struct opts *words,
			 const struct drive_plan *plans, bool is_device, struct err *err)
{
	uint64_t index = IDE_POSITIONS, bus = IDE_POSITIONS, unit = IDE_POSITIONS;
	const char *bus_name = opts_get(words, "bus");
	const char *port = bus_name && is_device ? sata_port_of(options, bus_name) : NULL;
	int result;

	if (port)
		return find_sata_position(words, port, err);
	result = opts_get_number(words, "unit", &unit, 0, 1, err);
	if (result == 0 && !is_device)
		result = opts_get_number(words, "index", &index, 0, IDE_POSITIONS - 1, err);
	if (result == 0 && bus_name) {
		if (strncmp(bus_name, "ide.", 4) == 0)
			bus_name += 4;
		if (opts_parse_number(bus_name, &bus) < 0 || bus > 1)
			result = err_set(err, -EINVAL,
					 "bus '%s' is not there: the board has ide.0 and ide.1",
					 bus_name);
	}
	if (result < 0)
		return result;
	if (index < IDE_POSITIONS)
		return (int)index;
	for (int i = 0; i < IDE_POSITIONS; i++) {
		bool fits = (bus == IDE_POSITIONS || bus == (uint64_t)i / 2) &&
			    (unit == IDE_POSITIONS || unit == (uint64_t)i % 2);

		if (fits && (!plans[i].present || (bus < IDE_POSITIONS && unit < IDE_POSITIONS)))
			return i;
	}
	return err_set(err, -EINVAL,
		       "no free IDE position for it: the board has four; six more have "
		       "bus=ID.0 to ID.5 of a -device ahci,id=ID");
}

static int claim(struct drive_plan *plans, int position, const char *name, struct err *err)
{
	if (plans[position].present && position >= IDE_POSITIONS)
		return err_set(err, -EEXIST, "'%s': there is already a drive at SATA port %d", name,
			       position - IDE_POSITIONS);
	if (plans[position].present)
		return err_set(err, -EEXIST,
			       "'%s': there is already a drive as unit %d of IDE channel %d", name,
			       position % 2, position / 2);
	plans[position] = (struct drive_plan){ .present = true, .boot_index = -1 };
	return 0;
}

/** throttling.bps-total=10M and the like, as QEMU has them. */
static int parse_throttle(struct opts *drive, struct block_throttle *limits, struct err *err)
{
	int result = opts_get_size(drive, "throttling.iops-size", &limits->operation_bytes, 1, err);

	for (unsigned i = 0; result == 0 && i < BLOCK_LIMITS; i++) {
		struct block_limit_rate *rate = &limits->limits[i];
		char name[48];

		snprintf(name, sizeof(name), "throttling.%s", block_limit_names[i]);
		result = opts_get_size(drive, name, &rate->average, 1, err);
		strcat(name, "-max");
		if (result == 0)
			result = opts_get_size(drive, name, &rate->burst, 1, err);
		strcat(name, "-length");
		if (result == 0)
			result = opts_get_number(drive, name, &rate->burst_seconds, 1, UINT32_MAX,
						 err);
	}
	return result;
}

/** media=, and what only an opened image will need: marks the words as understood. */
static int check_drive(struct opts *drive, bool *is_cdrom, struct err *err)
{
	static const char *const later[] = {
		"file",          "format",        "readonly", "read-only", "snapshot", "cache",
		"werror",        "rerror",        "aio",      "discard",   "serial",   "id",
		"detect-zeroes", "file.locking",  "index",    "bus",       "unit",     "if",
		"media",         "l2-cache-size", "overlay",
	};
	const char *media = opts_get_or(drive, "media", "disk");

	if (strcmp(media, "cdrom") != 0 && strcmp(media, "disk") != 0)
		return err_set(err, -EINVAL, "media '%s': give disk or cdrom", media);
	*is_cdrom = strcmp(media, "cdrom") == 0;
	for (size_t i = 0; i < ARRAY_SIZE(later); i++)
		opts_get(drive, later[i]);
	if (parse_throttle(drive, &(struct block_throttle){ 0 }, err) < 0)
		return -EINVAL;
	return opts_check_unused(drive, drive_properties, err);
}

int drives_check(struct opts *drive, struct err *err)
{
	bool is_cdrom;

	return check_drive(drive, &is_cdrom, err);
}

/** -global for what -drive if=ide makes a device of: what the drive does not say itself. */
static void apply_globals(const struct options *options, struct drive_plan *plan)
{
	const char *driver = plan->is_cdrom ? "ide-cd" : "ide-hd";
	const struct {
		const char *property;
		const char **value;
	} rows[] = {
		{ "serial", &plan->serial },
		{ "ver", &plan->version },
		{ "model", &plan->model },
	};

	for (size_t i = 0; i < options->globals.count; i++) {
		const struct opts_pair *global = &options->globals.items[i].pairs[0];

		if (strncmp(global->key, driver, strlen(driver)) != 0 ||
		    global->key[strlen(driver)] != '.')
			continue;
		for (size_t j = 0; j < ARRAY_SIZE(rows); j++)
			if (strcmp(global->key + strlen(driver) + 1, rows[j].property) == 0 &&
			    !*rows[j].value)
				*rows[j].value = global->value;
	}
}

static int plan_drive(struct options *options, struct opts *drive, struct drive_plan *plans,
		      struct err *err)
{
	const char *interface = drive_interface(drive);
	bool is_cdrom = false;
	int position;

	if (strcmp(interface, "none") == 0)
		return check_drive(drive, &is_cdrom, err);
	if (strcmp(interface, "floppy") == 0) /* board_floppy.c */
		return 0;
	if (strcmp(interface, "ide") != 0)
		return err_set(err, -EINVAL, "interface '%s' is not there: use if=ide", interface);
	position = find_position(options, drive, plans, false, err);
	if (position < 0)
		return position;
	if (claim(plans, position, drive_name(drive), err) < 0)
		return -EEXIST;
	if (check_drive(drive, &is_cdrom, err) < 0)
		return -EINVAL;
	plans[position].is_cdrom = is_cdrom;
	plans[position].drive = drive;
	plans[position].drive_id = opts_get(drive, "id");
	plans[position].serial = opts_get(drive, "serial");
	apply_globals(options, &plans[position]);
	return 0;
}

struct opts *drives_find(struct options *options, const char *id)
{
	for (size_t i = 0; i < options->drives.count; i++) {
		const char *other = opts_get(&options->drives.items[i], "id");

		if (other && strcmp(other, id) == 0)
			return &options->drives.items[i];
	}
	return NULL;
}

static int parse_translation(const char *text, struct drive_plan *plan, struct err *err)
{
	static const char *const names[] = {
		[IDE_TRANSLATION_NONE] = "none",
		[IDE_TRANSLATION_LBA] = "lba",
		[IDE_TRANSLATION_LARGE] = "large",
	};

	if (!text || strcmp(text, "auto") == 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(names[i], text) == 0) {
			plan->translation = (enum ide_translation)i;
			plan->has_translation = true;
			return 0;
		}
	}
	return err_set(err, -EINVAL, "bios-chs-trans '%s': give auto, none, lba or large", text);
}

static int read_device_properties(struct drive_plan *plan, struct opts *device, struct err *err)
{
	uint64_t boot_index = UINT64_MAX;
	bool ignored;
	int result = opts_get_number(device, "wwn", &plan->wwn, 0, UINT64_MAX, err);

	if (result == 0)
		result = parse_translation(opts_get(device, "bios-chs-trans"), plan, err);
	if (result == 0)
		result = opts_get_number(device, "cyls", &plan->cylinders, 1, 16383, err);
	if (result == 0)
		result = opts_get_number(device, "heads", &plan->heads, 1, 16, err);
	if (result == 0)
		result = opts_get_number(device, "secs", &plan->sectors, 1, 255, err);
	if (result == 0)
		result = opts_get_number(device, "bootindex", &boot_index, 0, INT32_MAX, err);
	if (result == 0)
		result = opts_get_bool(device, "write-cache", &ignored, err);
	if (result == 0)
		result = opts_get_bool(device, "share-rw", &ignored, err);
	plan->boot_index = boot_index == UINT64_MAX ? -1 : (int64_t)boot_index;
	plan->id = opts_get(device, "id");
	plan->version = opts_get(device, "ver");
	plan->model = opts_get(device, "model");
	if (opts_get(device, "serial"))
		plan->serial = opts_get(device, "serial");
	opts_get(device, "driver");
	return result;
}

static int plan_device(struct options *options, struct opts *device, struct drive_plan *plans,
		       struct err *err)
{
	const char *driver = opts_get_or(device, "driver", "");
	const char *drive_id = opts_get(device, "drive");
	struct opts *drive = drive_id ? drives_find(options, drive_id) : NULL;
	bool is_cdrom = false;
	int position;

	if (drive_id && (!drive || strcmp(drive_interface(drive), "none") != 0))
		return err_set(err, -EINVAL, "%s: there is no -drive if=none,id=%s", driver,
			       drive_id);
	if (drive && check_drive(drive, &is_cdrom, err) < 0)
		return -EINVAL;
	if (strcmp(driver, "ide-drive") != 0)
		is_cdrom = strcmp(driver, "ide-cd") == 0;
	if (!is_cdrom && (!drive || !opts_get(drive, "file")))
		return err_set(err, -EINVAL, "%s needs drive=ID of a -drive with a file", driver);
	position = find_position(options, device, plans, true, err);
	if (position < 0)
		return position;
	if (claim(plans, position, driver, err) < 0)
		return -EEXIST;
	plans[position].is_cdrom = is_cdrom;
	plans[position].drive = drive && opts_get(drive, "file") ? drive : NULL;
	plans[position].drive_id = drive_id;
	if (read_device_properties(&plans[position], device, err) < 0)
		return -EINVAL;
	return opts_check_unused(device, device_properties, err);
}

static bool is_drive_device(struct opts *device)
{
	const char *driver = opts_get_or(device, "driver", "");

	return strcmp(driver, "ide-hd") == 0 || strcmp(driver, "ide-cd") == 0 ||
	       strcmp(driver, "ide-drive") == 0;
}

int drives_plan(struct options *options, struct drive_plan *plans, struct err *err)
{
	memset(plans, 0, DRIVES * sizeof(*plans));
	for (size_t i = 0; i < options->drives.count; i++) {
		if (plan_drive(options, &options->drives.items[i], plans, err) < 0) {
			err_prefix(err, "-drive %s", drive_name(&options->drives.items[i]));
			return -EINVAL;
		}
	}
	for (size_t i = 0; i < options->devices.count; i++) {
		struct opts *device = &options->devices.items[i];

		if (is_drive_device(device) && plan_device(options, device, plans, err) < 0) {
			err_prefix(err, "-device");
			return -EINVAL;
		}
	}
	/* As on most boards: a CD-ROM drive as secondary master, empty until somebody inserts a
	 * medium. */
	if (!options->no_defaults && !plans[2].present)
		plans[2] =
			(struct drive_plan){ .present = true, .is_cdrom = true, .boot_index = -1 };
	return 0;
}

static int parse_cache(const char *text, enum block_cache *cache, struct err *err)
{
	static const char *const names[] = {
		[BLOCK_CACHE_WRITEBACK] = "writeback", [BLOCK_CACHE_WRITETHROUGH] = "writethrough",
		[BLOCK_CACHE_NONE] = "none",           [BLOCK_CACHE_DIRECTSYNC] = "directsync",
		[BLOCK_CACHE_UNSAFE] = "unsafe",
	};

	for (size_t i = 0; text && i < ARRAY_SIZE(names); i++) {
		if (strcmp(text, names[i]) == 0) {
			*cache = (enum block_cache)i;
			return 0;
		}
	}
	return text ? err_set(err, -EINVAL,
			      "cache '%s': give writeback, writethrough, none, directsync or "
			      "unsafe",
			      text)
		    : 0;
}

static int parse_discard(const char *text, bool *discard, struct err *err)
{
	if (!text)
		return 0;
	*discard = strcmp(text, "unmap") == 0 || strcmp(text, "on") == 0;
	if (*discard || strcmp(text, "ignore") == 0 || strcmp(text, "off") == 0)
		return 0;
	return err_set(err, -EINVAL, "discard '%s': give ignore or unmap", text);
}

static int parse_action(const char *text, enum block_error_action *action, struct err *err)
{
	static const char *const names[] = {
		[BLOCK_ERROR_REPORT] = "report",
		[BLOCK_ERROR_IGNORE] = "ignore",
		[BLOCK_ERROR_STOP] = "stop",
		[BLOCK_ERROR_ENOSPC] = "enospc",
	};

	for (size_t i = 0; text && i < ARRAY_SIZE(names); i++) {
		if (strcmp(text, names[i]) == 0) {
			*action = (enum block_error_action)i;
			return 0;
		}
	}
	return text ? err_set(err, -EINVAL, "'%s': give report, ignore, stop or enospc", text) : 0;
}

static struct block *open_image(const struct drive_plan *plan, struct loop *loop, struct err *err)
{
	struct block_options block = { .fd = -1,
				       .is_cdrom = plan->is_cdrom,
				       .is_floppy = plan->is_floppy };
	struct opts *drive = plan->drive;
	uint64_t metadata_bytes = 0;
	bool locking = true;

	if (!drive || !opts_get(drive, "file") || !*opts_get(drive, "file"))
		return block_create_empty(loop);
	block.filename = opts_get(drive, "file");
	block.format = opts_get(drive, "format");
	block.overlay = opts_get(drive, "overlay");
	block.read_only = plan->is_cdrom;
	block.write_error = BLOCK_ERROR_ENOSPC; /* room can be made, and nothing is lost */
	if (opts_get_bool(drive, "readonly", &block.read_only, err) < 0 ||
	    opts_get_bool(drive, "read-only", &block.read_only, err) < 0 ||
	    opts_get_bool(drive, "snapshot", &block.snapshot, err) < 0 ||
	    parse_cache(opts_get(drive, "cache"), &block.cache, err) < 0 ||
	    parse_discard(opts_get(drive, "discard"), &block.discard, err) < 0 ||
	    opts_get_size(drive, "l2-cache-size", &metadata_bytes, 1, err) < 0 ||
	    parse_action(opts_get(drive, "werror"), &block.write_error, err) < 0 ||
	    parse_action(opts_get(drive, "rerror"), &block.read_error, err) < 0)
		return NULL;
	/* file.locking=off, and "auto", which claims where it can. */
	if (opts_get(drive, "file.locking") &&
	    strcmp(opts_get(drive, "file.locking"), "auto") != 0 &&
	    opts_get_bool(drive, "file.locking", &locking, err) < 0)
		return NULL;
	block.no_lock = !locking;
	if (metadata_bytes > METADATA_BYTES_MAX) {
		err_set(err, -EINVAL, "l2-cache-size: at most 32M");
		return NULL;
	}
	block.metadata_bytes = (size_t)metadata_bytes;
	if (!plan->is_cdrom && !plan->is_floppy && !plan->is_usb && block.read_only &&
	    !block.snapshot) {
		err_set(err, -EINVAL,
			"'%s': an IDE disk cannot be read-only; use media=cdrom or snapshot=on",
			block.filename);
		return NULL;
	}
	return block_open(&block, loop, err);
}

struct block *drives_open(const struct drive_plan *plan, struct loop *loop, struct clock *clock,
			  struct err *err)
{
	struct block_throttle limits = { 0 };
	struct block *block = open_image(plan, loop, err);

	if (!block || !plan->drive)
		return block;
	if (parse_throttle(plan->drive, &limits, err) == 0 &&
	    block_set_throttle(block, &limits, clock, err) == 0)
		return block;
	block_close(block);
	return NULL;
}
