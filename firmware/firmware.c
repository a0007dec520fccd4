// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/firmware.h"

#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "firmware/acpi.h"
#include "firmware/boot.h"
#include "firmware/e820.h"
#include "firmware/smbios.h"

/** Keys of the configuration port, as its specification numbers them. */
enum key {
	KEY_UUID = 0x02,
	KEY_RAM_SIZE = 0x03,
	KEY_NOGRAPHIC = 0x04,
	KEY_NB_CPUS = 0x05,
	KEY_BOOT_DEVICE = 0x0c,
	KEY_NUMA = 0x0d,
	KEY_BOOT_MENU = 0x0e,
	KEY_MAX_CPUS = 0x0f,
	KEY_IRQ0_OVERRIDE = 0x8002,
};

/** As far as CMOS can say. */
#define MAX_HIGH_BYTES (UINT64_C(1) << 40)

struct build {
	const struct firmware_board *board;
	struct arena *arena;
	struct firmware_items *items;
};

/* Running out of arena leaves items without data; firmware_build then fails as a whole. */

static void add_key(struct build *build, uint16_t key, const void *data, uint32_t length)
{
	struct firmware_items *items = build->items;
	void *copy = arena_take(build->arena, length, 1);

	if (copy)
		memcpy(copy, data, length);
	items->keys[items->key_count++] = (struct firmware_key){ key, length, copy };
}

static void add_key_le(struct build *build, uint16_t key, unsigned size, uint64_t value)
{
	uint8_t bytes[8];

	for (unsigned i = 0; i < size; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
	add_key(build, key, bytes, size);
}

static void add_file(struct build *build, const char *name, const void *data, size_t length)
{
	struct firmware_items *items = build->items;

	items->files[items->file_count++] = (struct firmware_file){ name, (uint32_t)length, data };
}

static void add_blob(struct build *build, const char *name, const struct blob *blob)
{
	if (blob->length)
		add_file(build, name, blob->data, blob->length);
}

static void add_file_le(struct build *build, const char *name, unsigned size, uint64_t value)
{
	struct blob blob;

	blob_open(&blob, build->arena);
	blob_patch(&blob, blob_put(&blob, NULL, size), size, value);
	add_blob(build, name, &blob);
}

static void add_keys(struct build *build)
{
	const struct firmware_board *board = build->board;
	const char *order = board->boot_order ? board->boot_order : "cad";

	add_key(build, KEY_UUID, board->uuid, sizeof(board->uuid));
	add_key_le(build, KEY_RAM_SIZE, 8, board->low_bytes + board->high_bytes);
	add_key_le(build, KEY_NOGRAPHIC, 2, board->nographic);
	add_key_le(build, KEY_NB_CPUS, 2, board->cpus);
	add_key_le(build, KEY_BOOT_DEVICE, 2, (uint8_t)*order);
	add_key_le(build, KEY_NUMA, 8, 0);
	add_key_le(build, KEY_BOOT_MENU, 2, board->boot_menu);
	add_key_le(build, KEY_MAX_CPUS, 2, board->max_cpus);
	add_key_le(build, KEY_IRQ0_OVERRIDE, 1, 1);
}

static void add_memory_map(struct build *build)
{
	struct blob blob;

	blob_open(&blob, build->arena);
	e820_build(build->board, &blob);
	add_blob(build, "etc/e820", &blob);
}

static void add_boot(struct build *build)
{
	const struct firmware_board *board = build->board;
	struct blob order;

	blob_open(&order, build->arena);
	boot_order_build(board, &order);
	add_blob(build, "bootorder", &order);
	add_file_le(build, "etc/boot-fail-wait", 4, (uint32_t)boot_fail_wait(board));
	if (board->boot_menu_wait_ms)
		add_file_le(build, "etc/boot-menu-wait", 2, board->boot_menu_wait_ms);
	if (board->serial_console_port)
		add_file_le(build, "etc/sercon-port", 2, board->serial_console_port);
}

/** Which sleep states work, and their SLP_TYP: for OVMF, which saves what it needs to resume only
 * if S3 is there. */
static void add_sleep_states(struct build *build)
{
	static const uint8_t typ[] = { 0, 1, 1, 1, 2, 0 };
	enum {
		SUPPORTED = 0x80
	};
	struct blob blob;

	blob_open(&blob, build->arena);
	blob_put(&blob, typ, sizeof(typ));
	blob_patch(&blob, 0, 1, SUPPORTED | typ[0]);
	blob_patch(&blob, 3, 1, (build->board->no_s3 ? 0u : SUPPORTED) | typ[3]);
	blob_patch(&blob, 4, 1, (build->board->no_s4 ? 0u : SUPPORTED) | typ[4]);
	blob_patch(&blob, 5, 1, SUPPORTED | typ[5]);
	add_blob(build, "etc/system-states", &blob);
}

static void add_acpi(struct build *build)
{
	struct acpi_blobs acpi;

	acpi_build(build->board, build->arena, &acpi);
	add_blob(build, ACPI_TABLES_FILE, &acpi.tables);
	add_blob(build, ACPI_RSDP_FILE, &acpi.rsdp);
	add_blob(build, ACPI_LOADER_FILE, &acpi.loader);
	add_sleep_states(build);
}

static void add_smbios(struct build *build)
{
	struct smbios_blobs smbios;

	smbios_build(build->board, build->arena, &smbios);
	add_blob(build, SMBIOS_TABLES_FILE, &smbios.tables);
	add_blob(build, SMBIOS_ANCHOR_FILE, &smbios.anchor);
}

static void add_roms(struct build *build)
{
	for (size_t i = 0; i < build->board->rom_count; i++) {
		const struct board_rom *rom = &build->board->roms[i];

		add_file(build, rom->name, rom->data, rom->length);
	}
}

static int check_board(const struct firmware_board *board, struct err *err)
{
	if (board->low_bytes < 1 << 20)
		return err_set(err, -EINVAL, "the BIOS needs at least 1 MiB of memory");
	if (board->low_bytes > BOARD_IOAPIC_BASE || board->high_bytes > MAX_HIGH_BYTES)
		return err_set(err, -EINVAL,
			       "more than 1 TiB of memory, or no room for PCI below 4 GiB");
	if (board->cpus < 1 || board->cpus > board->max_cpus || board->max_cpus > BOARD_MAX_CPUS)
		return err_set(err, -EINVAL,
			       "%u processors of at most %u are not possible, the limit is %d",
			       board->cpus, board->max_cpus, BOARD_MAX_CPUS);
	if (board->rom_count > FIRMWARE_MAX_ROMS)
		return err_set(err, -EINVAL, "%zu option ROMs are too many, the limit is %d",
			       board->rom_count, FIRMWARE_MAX_ROMS);
	return 0;
}

int firmware_build(const struct firmware_board *board, struct arena *arena,
		   struct firmware_items *items, struct err *err)
{
	struct build build = { board, arena, items };
	int status = check_board(board, err);

	if (status < 0)
		return status;
	memset(items, 0, sizeof(*items));
	add_keys(&build);
	add_memory_map(&build);
	add_boot(&build);
	add_smbios(&build);
	if (board->acpi)
		add_acpi(&build);
	add_roms(&build);
	if (arena->full)
		return err_set(err, -ENOSPC, "the firmware's tables need more than %zu bytes",
			       arena->capacity);
	return 0;
}

const struct firmware_file *firmware_find_file(const struct firmware_items *items, const char *name)
{
	for (unsigned i = 0; i < items->file_count; i++) {
		if (strcmp(items->files[i].name, name) == 0)
			return &items->files[i];
	}
	return NULL;
}
