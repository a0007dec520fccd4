// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/smbios.h"

#include <string.h>

#include "base/bits.h"
#include "firmware/board.h"
#include "firmware/smbios_regs.h"

/** First handles of each type's structures: the type in the upper byte. */
enum handle {
	HANDLE_SHIFT = 8,
	HANDLE_ARRAY = SMBIOS_MEMORY_ARRAY << HANDLE_SHIFT,
};

enum {
	SMBIOS_MAJOR = 2,
	SMBIOS_MINOR = 8,
	SPEED_MHZ = 2000,
	MIB_SHIFT = 20,
	KIB_SHIFT = 10,
	MAX_STRING = 64, /* what the specification promises readers */
	BIOS_START_SEGMENT = 0xe800,
	BIOS_ROM_64K = 4,
};

#define MODULE_BYTES      (UINT64_C(16) << 30)
/** From here on a memory array's capacity is in its 64-bit field. */
#define CAPACITY_EXTENDED UINT32_C(0x80000000)

struct smbios {
	const struct firmware_board *board;
	struct blob *out;
	size_t start; /* of the structure being built */
	unsigned strings, count;
	size_t longest;
};

static void begin(struct smbios *smbios, enum smbios_type type, size_t size, unsigned instance)
{
	smbios->start = blob_put(smbios->out, NULL, size);
	smbios->strings = 0;
	blob_patch(smbios->out, smbios->start + SMBIOS_TYPE, 1, (uint64_t)type);
	blob_patch(smbios->out, smbios->start + SMBIOS_LENGTH, 1, size);
	blob_patch(smbios->out, smbios->start + SMBIOS_HANDLE, 2,
		   ((uint64_t)type << HANDLE_SHIFT) + instance);
}

static void set(struct smbios *smbios, unsigned offset, unsigned size, uint64_t value)
{
	blob_patch(smbios->out, smbios->start + offset, size, value);
}

/** 6.1.3: strings stand behind the structure and are numbered from 1; an empty one is number 0. */
static void set_string(struct smbios *smbios, unsigned offset, const char *string,
		       const char *standard)
{
	const char *text = string ? string : standard;
	size_t length = text ? strlen(text) : 0;

	if (!length)
		return;
	blob_put(smbios->out, text, min_size(length, MAX_STRING));
	blob_put_u8(smbios->out, 0);
	set(smbios, offset, 1, ++smbios->strings);
}

static void end(struct smbios *smbios)
{
	blob_put(smbios->out, NULL, smbios->strings ? 1 : 2);
	smbios->count++;
	if (smbios->out->length - smbios->start > smbios->longest)
		smbios->longest = smbios->out->length - smbios->start;
}

static void put_bios(struct smbios *smbios)
{
	const struct board_smbios *strings = &smbios->board->smbios;

	begin(smbios, SMBIOS_BIOS, BIOS_SIZE, 0);
	set_string(smbios, BIOS_VENDOR, strings->bios_vendor, "SeaBIOS");
	set_string(smbios, BIOS_VERSION, strings->bios_version, "hvmdm");
	set(smbios, BIOS_SEGMENT, 2, BIOS_START_SEGMENT);
	set_string(smbios, BIOS_DATE, strings->bios_date, "01/01/2025");
	set(smbios, BIOS_ROM_SIZE, 1, BIOS_ROM_64K - 1);
	set(smbios, BIOS_CHARACTERISTICS, 8, BIOS_HAS_PCI | BIOS_BOOTS_CD | BIOS_SELECTS_BOOT);
	set(smbios, BIOS_EXTENSIONS, 1, smbios->board->acpi ? BIOS_EXT1_ACPI : 0);
	set(smbios, BIOS_EXTENSIONS + 1, 1, BIOS_EXT2_TARGETED | BIOS_EXT2_VIRTUAL);
	set(smbios, BIOS_EC_MAJOR, 1, BIOS_NO_EC);
	set(smbios, BIOS_EC_MINOR, 1, BIOS_NO_EC);
	end(smbios);
}

/** The text form's bytes, with the first three fields turned to little-endian. */
static void set_uuid(struct smbios *smbios)
{
	static const uint8_t order[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };

	for (unsigned i = 0; i < sizeof(order); i++)
		set(smbios, SYSTEM_UUID + i, 1, smbios->board->uuid[order[i]]);
}

static void put_system(struct smbios *smbios)
{
	const struct board_smbios *strings = &smbios->board->smbios;

	begin(smbios, SMBIOS_SYSTEM, SYSTEM_SIZE, 0);
	set_string(smbios, SYSTEM_MANUFACTURER, strings->manufacturer, "hvmdm");
	set_string(smbios, SYSTEM_PRODUCT, strings->product, "HVM guest");
	set_string(smbios, SYSTEM_VERSION, strings->version, NULL);
	set_string(smbios, SYSTEM_SERIAL, strings->serial, NULL);
	set_uuid(smbios);
	set(smbios, SYSTEM_WAKE_UP, 1, SYSTEM_WAKE_POWER_SWITCH);
	set_string(smbios, SYSTEM_SKU, strings->sku, NULL);
	set_string(smbios, SYSTEM_FAMILY, strings->family, NULL);
	end(smbios);
}

static void put_chassis(struct smbios *smbios)
{
	const struct board_smbios *strings = &smbios->board->smbios;

	begin(smbios, SMBIOS_CHASSIS, CHASSIS_SIZE, 0);
	set_string(smbios, CHASSIS_MANUFACTURER, strings->manufacturer, "hvmdm");
	set(smbios, CHASSIS_TYPE, 1, CHASSIS_TYPE_OTHER);
	set_string(smbios, CHASSIS_ASSET_TAG, strings->asset_tag, NULL);
	set(smbios, CHASSIS_BOOT_STATE, 1, CHASSIS_SAFE);
	set(smbios, CHASSIS_POWER_STATE, 1, CHASSIS_SAFE);
	set(smbios, CHASSIS_THERMAL_STATE, 1, CHASSIS_SAFE);
	set(smbios, CHASSIS_SECURITY, 1, CHASSIS_SECURITY_UNKNOWN);
	end(smbios);
}

/** "CPU 12" with a number of up to three digits. */
static void number_name(char name[12], const char *prefix, unsigned number)
{
	size_t length = strlen(prefix);

	memcpy(name, prefix, length);
	for (unsigned unit = number > 99 ? 100 : number > 9 ? 10 : 1; unit; unit /= 10)
		name[length++] = (char)('0' + number / unit % 10);
	name[length] = 0;
}

static void put_processor(struct smbios *smbios, unsigned number)
{
	const struct firmware_board *board = smbios->board;
	char name[12];

	number_name(name, "CPU ", number);
	begin(smbios, SMBIOS_PROCESSOR, PROCESSOR_SIZE, number);
	set_string(smbios, PROCESSOR_SOCKET, name, NULL);
	set(smbios, PROCESSOR_TYPE, 1, PROCESSOR_TYPE_CENTRAL);
	set(smbios, PROCESSOR_FAMILY, 1, PROCESSOR_OTHER);
	set_string(smbios, PROCESSOR_MANUFACTURER, board->smbios.manufacturer, "hvmdm");
	set(smbios, PROCESSOR_ID, 4, board->cpuid_1_eax);
	set(smbios, PROCESSOR_ID + 4, 4, board->cpuid_1_edx);
	set(smbios, PROCESSOR_MAX_SPEED, 2, SPEED_MHZ);
	set(smbios, PROCESSOR_CURRENT_SPEED, 2, SPEED_MHZ);
	set(smbios, PROCESSOR_STATUS, 1, number < board->cpus ? PROCESSOR_POPULATED_ENABLED : 0);
	set(smbios, PROCESSOR_UPGRADE, 1, PROCESSOR_OTHER);
	set(smbios, PROCESSOR_L1, 2, PROCESSOR_NO_CACHE);
	set(smbios, PROCESSOR_L2, 2, PROCESSOR_NO_CACHE);
	set(smbios, PROCESSOR_L3, 2, PROCESSOR_NO_CACHE);
	set(smbios, PROCESSOR_CORES, 1, 1);
	set(smbios, PROCESSOR_CORES_ENABLED, 1, 1);
	set(smbios, PROCESSOR_THREADS, 1, 1);
	set(smbios, PROCESSOR_CHARACTERISTICS, 2, PROCESSOR_UNKNOWN_FEATURES);
	set(smbios, PROCESSOR_FAMILY_2, 2, PROCESSOR_OTHER);
	end(smbios);
}

static void put_memory_array(struct smbios *smbios, uint64_t bytes, unsigned modules)
{
	uint64_t kib = bytes >> KIB_SHIFT;

	begin(smbios, SMBIOS_MEMORY_ARRAY, ARRAY_STRUCTURE_SIZE, 0);
	set(smbios, ARRAY_LOCATION, 1, ARRAY_LOCATION_OTHER);
	set(smbios, ARRAY_USE, 1, ARRAY_USE_SYSTEM);
	set(smbios, ARRAY_ERROR_CORRECTION, 1, ARRAY_MULTI_BIT_ECC);
	set(smbios, ARRAY_CAPACITY, 4, min_u64(kib, CAPACITY_EXTENDED));
	if (kib >= CAPACITY_EXTENDED)
		set(smbios, ARRAY_EXTENDED_CAPACITY, 8, bytes);
	set(smbios, ARRAY_ERROR_HANDLE, 2, ARRAY_NO_ERROR);
	set(smbios, ARRAY_DEVICES, 2, modules);
	end(smbios);
}

static void put_module(struct smbios *smbios, unsigned number, uint64_t bytes)
{
	char name[12];

	number_name(name, "DIMM ", number);
	begin(smbios, SMBIOS_MEMORY_DEVICE, MEMORY_SIZE, number);
	set(smbios, MEMORY_ARRAY, 2, HANDLE_ARRAY);
	set(smbios, MEMORY_ERROR_HANDLE, 2, ARRAY_NO_ERROR);
	set(smbios, MEMORY_TOTAL_WIDTH, 2, 64);
	set(smbios, MEMORY_DATA_WIDTH, 2, 64);
	set(smbios, MEMORY_DEVICE_SIZE, 2, bytes >> MIB_SHIFT);
	set(smbios, MEMORY_FORM_FACTOR, 1, MEMORY_DIMM);
	set_string(smbios, MEMORY_LOCATOR, name, NULL);
	set(smbios, MEMORY_TYPE, 1, MEMORY_TYPE_RAM);
	set(smbios, MEMORY_DETAIL, 2, MEMORY_DETAIL_OTHER);
	end(smbios);
}

static void put_mapping(struct smbios *smbios, unsigned number, uint64_t base, uint64_t bytes)
{
	if (!bytes)
		return;
	begin(smbios, SMBIOS_MEMORY_MAPPED, MAPPED_SIZE, number);
	set(smbios, MAPPED_START, 4, base >> KIB_SHIFT);
	set(smbios, MAPPED_END, 4, ((base + bytes) >> KIB_SHIFT) - 1);
	set(smbios, MAPPED_ARRAY, 2, HANDLE_ARRAY);
	set(smbios, MAPPED_WIDTH, 1, 1);
	end(smbios);
}

static void put_memory(struct smbios *smbios)
{
	const struct firmware_board *board = smbios->board;
	uint64_t bytes = board->low_bytes + board->high_bytes;
	unsigned modules = (unsigned)((bytes + MODULE_BYTES - 1) / MODULE_BYTES);

	put_memory_array(smbios, bytes, modules);
	for (unsigned i = 0; i < modules; i++)
		put_module(smbios, i, min_u64(bytes - i * MODULE_BYTES, MODULE_BYTES));
	put_mapping(smbios, 0, 0, board->low_bytes);
	put_mapping(smbios, 1, BOARD_HIGH_RAM, board->high_bytes);
}

static void put_structures(struct smbios *smbios)
{
	put_bios(smbios);
	put_system(smbios);
	put_chassis(smbios);
	for (unsigned i = 0; i < smbios->board->max_cpus; i++)
		put_processor(smbios, i);
	put_memory(smbios);
	begin(smbios, SMBIOS_BOOT, BOOT_SIZE, 0); /* no errors detected */
	end(smbios);
	begin(smbios, SMBIOS_END, SMBIOS_END_SIZE, 0);
	end(smbios);
}

static void put_anchor(const struct smbios *smbios, struct blob *anchor)
{
	static const char sm[4] = { '_', 'S', 'M', '_' }, dmi[5] = { '_', 'D', 'M', 'I', '_' };

	blob_put(anchor, sm, sizeof(sm));
	blob_put(anchor, NULL, ANCHOR_DMI - sizeof(sm));
	blob_put(anchor, dmi, sizeof(dmi));
	blob_put(anchor, NULL, ANCHOR_SIZE - ANCHOR_DMI - sizeof(dmi));
	if (anchor->arena->full)
		return;
	blob_patch(anchor, ANCHOR_LENGTH, 1, ANCHOR_SIZE);
	blob_patch(anchor, ANCHOR_MAJOR, 1, SMBIOS_MAJOR);
	blob_patch(anchor, ANCHOR_MINOR, 1, SMBIOS_MINOR);
	blob_patch(anchor, ANCHOR_MAX_STRUCTURE, 2, smbios->longest);
	blob_patch(anchor, ANCHOR_TABLE_LENGTH, 2, smbios->out->length);
	blob_patch(anchor, ANCHOR_STRUCTURE_COUNT, 2, smbios->count);
	blob_patch(anchor, ANCHOR_BCD_REVISION, 1, SMBIOS_MAJOR << 4 | SMBIOS_MINOR);
	blob_patch(anchor, ANCHOR_DMI_CHECKSUM, 1,
		   (uint8_t)-bytes_sum(anchor->data + ANCHOR_DMI, ANCHOR_SIZE - ANCHOR_DMI));
	blob_patch(anchor, ANCHOR_CHECKSUM, 1, (uint8_t)-bytes_sum(anchor->data, ANCHOR_SIZE));
}

void smbios_build(const struct firmware_board *board, struct arena *arena, struct smbios_blobs *out)
{
	struct smbios smbios = { .board = board, .out = &out->tables };

	blob_open(&out->tables, arena);
	put_structures(&smbios);
	blob_open(&out->anchor, arena);
	put_anchor(&smbios, &out->anchor);
}
