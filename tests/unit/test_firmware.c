// SPDX-License-Identifier: GPL-2.0-or-later
/* What the firmware gets besides ACPI: keys, files, memory map, boot order, CMOS, SMBIOS, images.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/err.h"
#include "firmware/cmos.h"
#include "firmware/firmware.h"
#include "firmware/mptable.h"
#include "firmware/smbios.h"

static uint8_t arena_bytes[FIRMWARE_ARENA_BYTES] __attribute__((aligned(64)));
static struct firmware_items items;

static struct firmware_board small_board(void)
{
	return (struct firmware_board){ .low_bytes = 64 << 20, .cpus = 1, .max_cpus = 1 };
}

static int build(const struct firmware_board *board)
{
	struct arena arena;

	arena_init(&arena, arena_bytes, sizeof(arena_bytes));
	return firmware_build(board, &arena, &items, NULL);
}

static const struct firmware_key *find_key(unsigned key)
{
	for (unsigned i = 0; i < items.key_count; i++) {
		if (items.keys[i].key == key)
			return &items.keys[i];
	}
	fail_msg("key %#x is missing", key);
	return NULL;
}

static void assert_key(unsigned key, unsigned size, uint64_t value)
{
	const struct firmware_key *item = find_key(key);

	assert_int_equal(item->length, size);
	assert_true(load_le(item->data, size) == value);
}

static void assert_file(const char *name, const void *bytes, size_t length)
{
	const struct firmware_file *file = firmware_find_file(&items, name);

	assert_non_null(file);
	assert_int_equal(file->length, length);
	assert_memory_equal(file->data, bytes, length);
}

static void test_keys(void **state)
{
	struct firmware_board board = small_board();

	(void)state;
	board.high_bytes = UINT64_C(3) << 30;
	board.cpus = 2;
	board.max_cpus = 8;
	board.boot_order = "dc";
	board.boot_menu = true;
	board.nographic = true;
	memcpy(board.uuid, "0123456789abcdef", 16);
	assert_int_equal(build(&board), 0);
	assert_memory_equal(find_key(2)->data, "0123456789abcdef", 16);
	assert_key(3, 8, (UINT64_C(3) << 30) + (64 << 20));
	assert_key(4, 2, 1);
	assert_key(5, 2, 2);
	assert_key(0xc, 2, 'd');
	assert_key(0xd, 8, 0);
	assert_key(0xe, 2, 1);
	assert_key(0xf, 2, 8);
	assert_key(0x8002, 1, 1);
}

static void test_e820(void **state)
{
	struct firmware_board board = small_board();
	const struct firmware_file *file;
	const uint8_t *map;

	(void)state;
	board.high_bytes = 1 << 30;
	board.reserved[1] = (struct board_range){ 0xfeffc000, 0x4000 };
	assert_int_equal(build(&board), 0);
	file = firmware_find_file(&items, "etc/e820");
	assert_int_equal(file->length, 60);
	map = file->data;
	assert_true(load_le64(map) == 0xfeffc000 && load_le64(map + 8) == 0x4000);
	assert_int_equal(load_le32(map + 16), 2);
	assert_true(load_le64(map + 20) == 0 && load_le64(map + 28) == 64 << 20);
	assert_int_equal(load_le32(map + 36), 1);
	assert_true(load_le64(map + 40) == UINT64_C(1) << 32 && load_le64(map + 48) == 1 << 30);
	assert_int_equal(load_le32(map + 56), 1);
	board.high_bytes = 0;
	assert_int_equal(build(&board), 0);
	assert_int_equal(firmware_find_file(&items, "etc/e820")->length, 40);
}

static void test_boot_files(void **state)
{
	static const char *const paths[] = { "/pci@i0cf8/ide@1,1/drive@1/disk@0",
					     "/pci@i0cf8/ethernet@4" };
	struct firmware_board board = small_board();

	(void)state;
	assert_int_equal(build(&board), 0);
	assert_null(firmware_find_file(&items, "bootorder"));
	assert_null(firmware_find_file(&items, "etc/boot-menu-wait"));
	assert_null(firmware_find_file(&items, "etc/sercon-port"));
	assert_file("etc/boot-fail-wait", "\xff\xff\xff\xff", 4);
	board.boot_paths = paths;
	board.boot_path_count = 2;
	board.boot_retry_ms = 5000;
	board.boot_menu_wait_ms = 1000;
	board.serial_console_port = 0x3f8;
	assert_int_equal(build(&board), 0);
	assert_file("bootorder", "/pci@i0cf8/ide@1,1/drive@1/disk@0\n/pci@i0cf8/ethernet@4", 56);
	assert_file("etc/boot-fail-wait", "\x88\x13\0\0", 4);
	assert_file("etc/boot-menu-wait", "\xe8\x03", 2);
	assert_file("etc/sercon-port", "\xf8\x03", 2);
	board.boot_strict = board.boot_menu = true;
	assert_int_equal(build(&board), 0);
	assert_file("bootorder", "/pci@i0cf8/ide@1,1/drive@1/disk@0\n/pci@i0cf8/ethernet@4\nHALT",
		    61);
	board.boot_path_count = 0;
	assert_int_equal(build(&board), 0);
	assert_file("bootorder", "HALT", 5);
}

static void test_roms(void **state)
{
	static const struct board_rom roms[] = { { "genroms/a.rom", "\x55\xaa", 2 },
						 { "vgaroms/b.rom", "xyz", 3 } };
	struct firmware_board board = small_board();

	(void)state;
	board.roms = roms;
	board.rom_count = 2;
	assert_int_equal(build(&board), 0);
	assert_file("genroms/a.rom", "\x55\xaa", 2);
	assert_file("vgaroms/b.rom", "xyz", 3);
	board.rom_count = FIRMWARE_MAX_ROMS + 1;
	assert_int_equal(build(&board), -EINVAL);
}

static void test_impossible_boards(void **state)
{
	struct firmware_board board = small_board();
	struct err err = { "" };
	struct arena arena;

	(void)state;
	board.low_bytes = 640 << 10;
	assert_int_equal(build(&board), -EINVAL);
	board.low_bytes = UINT64_C(4) << 30;
	assert_int_equal(build(&board), -EINVAL);
	board = small_board();
	board.high_bytes = UINT64_MAX;
	assert_int_equal(build(&board), -EINVAL);
	board = small_board();
	board.cpus = 0;
	assert_int_equal(build(&board), -EINVAL);
	board.cpus = 2;
	assert_int_equal(build(&board), -EINVAL);
	board.max_cpus = 256;
	assert_int_equal(build(&board), -EINVAL);
	/* Every arena that is too small is refused and never overrun. */
	board = small_board();
	board.acpi = true;
	for (size_t size = 0; size < 8 << 10; size += 37) {
		memset(arena_bytes + size, 0xa5, 64);
		arena_init(&arena, arena_bytes, size);
		assert_int_equal(firmware_build(&board, &arena, &items, &err), -ENOSPC);
		assert_string_not_equal(err.text, "");
		assert_int_equal(arena_bytes[size], 0xa5);
	}
}

static void test_largest_board_fits(void **state)
{
	struct firmware_board board = {
		.low_bytes = 0xe0000000,
		.high_bytes = UINT64_C(1) << 40,
		.cpus = BOARD_MAX_CPUS,
		.max_cpus = BOARD_MAX_CPUS,
		.acpi = true,
		.hpet = true,
		.pci64_bytes = 1,
	};

	(void)state;
	assert_int_equal(build(&board), 0);
}

static void test_same_board_same_bytes(void **state)
{
	static uint8_t first[FIRMWARE_ARENA_BYTES];
	struct firmware_board board = small_board();

	(void)state;
	board.acpi = true;
	memset(arena_bytes, 0x11, sizeof(arena_bytes));
	assert_int_equal(build(&board), 0);
	for (unsigned i = 0; i < items.file_count; i++)
		memcpy(first + ((const uint8_t *)items.files[i].data - arena_bytes),
		       items.files[i].data, items.files[i].length);
	memset(arena_bytes, 0xee, sizeof(arena_bytes));
	assert_int_equal(build(&board), 0);
	for (unsigned i = 0; i < items.file_count; i++)
		assert_memory_equal(first + ((const uint8_t *)items.files[i].data - arena_bytes),
				    items.files[i].data, items.files[i].length);
}

/* CMOS */

static int cmos_byte(const struct firmware_board *board, unsigned index)
{
	struct cmos_value values[CMOS_MAX_VALUES];
	size_t count = cmos_build(board, values);
	int last = -1, found = -1;

	for (size_t i = 0; i < count; i++) {
		assert_true(values[i].index > last);
		last = values[i].index;
		if (values[i].index == index)
			found = values[i].value;
	}
	return found;
}

static unsigned cmos_word(const struct firmware_board *board, unsigned index)
{
	return (unsigned)cmos_byte(board, index) | (unsigned)cmos_byte(board, index + 1) << 8;
}

static void test_cmos_memory(void **state)
{
	struct firmware_board board = small_board();

	(void)state;
	assert_int_equal(cmos_word(&board, 0x15), 640);
	assert_int_equal(cmos_word(&board, 0x17), 63 << 10);
	assert_int_equal(cmos_word(&board, 0x30), 63 << 10);
	assert_int_equal(cmos_word(&board, 0x34), (48 << 20) >> 16);
	assert_int_equal(cmos_word(&board, 0x5b), 0);
	assert_int_equal(cmos_byte(&board, 0x5d), 0);
	board.low_bytes = 0xe0000000;
	board.high_bytes = UINT64_C(0x1234560000);
	board.cpus = board.max_cpus = 4;
	assert_int_equal(cmos_word(&board, 0x17), 0xffff);
	assert_int_equal(cmos_word(&board, 0x34), 0xdf00);
	assert_int_equal(cmos_word(&board, 0x5b), 0x3456);
	assert_int_equal(cmos_byte(&board, 0x5d), 0x12);
	assert_int_equal(cmos_byte(&board, 0x5f), 3);
	board.low_bytes = 2 << 20;
	assert_int_equal(cmos_word(&board, 0x17), 1024);
	assert_int_equal(cmos_word(&board, 0x34), 0);
}

static void test_cmos_boot_order(void **state)
{
	struct firmware_board board = small_board();

	(void)state;
	assert_int_equal(cmos_byte(&board, 0x3d), 0x12); /* "cad" */
	assert_int_equal(cmos_byte(&board, 0x38), 0x31);
	board.boot_order = "dcn";
	assert_int_equal(cmos_byte(&board, 0x3d), 0x23);
	assert_int_equal(cmos_byte(&board, 0x38), 0x41);
	board.boot_order = ""; /* from nothing */
	assert_int_equal(cmos_byte(&board, 0x3d), 0);
	board.boot_order = "a";
	board.check_floppy_signature = true;
	assert_int_equal(cmos_byte(&board, 0x3d), 0x01);
	assert_int_equal(cmos_byte(&board, 0x38), 0x00);
}

static void test_cmos_drives(void **state)
{
	struct firmware_board board = small_board();

	(void)state;
	assert_int_equal(cmos_byte(&board, 0x10), 0);
	assert_int_equal(cmos_byte(&board, 0x14), 0x06);
	assert_int_equal(cmos_byte(&board, 0x12), 0);
	assert_int_equal(cmos_byte(&board, 0x19), -1);
	board.floppies[0] = BOARD_FLOPPY_1440K;
	assert_int_equal(cmos_byte(&board, 0x10), 0x40);
	assert_int_equal(cmos_byte(&board, 0x14), 0x07);
	board.floppies[1] = BOARD_FLOPPY_2880K;
	assert_int_equal(cmos_byte(&board, 0x10), 0x45);
	assert_int_equal(cmos_byte(&board, 0x14), 0x47);
	board.disks[0] = (struct board_disk){ true, 16383, 16, 63, BOARD_TRANSLATION_LBA };
	board.disks[1] = (struct board_disk){ true, 0x102, 4, 17, BOARD_TRANSLATION_NONE };
	board.disks[3] = (struct board_disk){ true, 1, 1, 1, BOARD_TRANSLATION_RECHS };
	assert_int_equal(cmos_byte(&board, 0x12), 0xff);
	assert_int_equal(cmos_byte(&board, 0x19), 47);
	assert_int_equal(cmos_byte(&board, 0x1a), 47);
	assert_int_equal(cmos_word(&board, 0x1b), 16383);
	assert_int_equal(cmos_byte(&board, 0x1d), 16);
	assert_int_equal(cmos_byte(&board, 0x20), 0xc8);
	assert_int_equal(cmos_byte(&board, 0x23), 63);
	assert_int_equal(cmos_word(&board, 0x24), 0x102);
	assert_int_equal(cmos_byte(&board, 0x29), 0xc0);
	assert_int_equal(cmos_byte(&board, 0x2c), 17);
	assert_int_equal(cmos_byte(&board, 0x39), 0xc1);
}

static void test_cmos_checksum(void **state)
{
	struct firmware_board board = small_board();
	unsigned sum = 0;

	(void)state;
	board.floppies[0] = BOARD_FLOPPY_1440K;
	board.disks[0] = (struct board_disk){ true, 16383, 16, 63, BOARD_TRANSLATION_LBA };
	for (unsigned i = 0x10; i < 0x2e; i++) {
		int value = cmos_byte(&board, i);

		sum += value < 0 ? 0 : (unsigned)value;
	}
	assert_int_equal(cmos_byte(&board, 0x2e), sum >> 8 & 0xff);
	assert_int_equal(cmos_byte(&board, 0x2f), sum & 0xff);
}

/* SMBIOS */

static struct firmware_board smbios_board(void)
{
	static const uint8_t uuid[16] = { 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
					  0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff };
	struct firmware_board board = {
		.low_bytes = 0xe0000000,
		.high_bytes = (UINT64_C(40) << 30) - 0xe0000000,
		.cpus = 2,
		.max_cpus = 3,
		.smbios = { .product = "Product X", .serial = "S-1" },
	};

	memcpy(board.uuid, uuid, sizeof(uuid));
	return board;
}

static void test_smbios_anchor(void **state)
{
	struct firmware_board board = smbios_board();
	const struct firmware_file *anchor, *tables;
	const uint8_t *bytes, *structure, *end;
	unsigned count = 0, longest = 0;

	(void)state;
	assert_int_equal(build(&board), 0);
	anchor = firmware_find_file(&items, SMBIOS_ANCHOR_FILE);
	tables = firmware_find_file(&items, SMBIOS_TABLES_FILE);
	assert_int_equal(anchor->length, 31);
	bytes = anchor->data;
	assert_memory_equal(bytes, "_SM_", 4);
	assert_memory_equal(bytes + 16, "_DMI_", 5);
	assert_int_equal(bytes_sum(bytes, 31), 0);
	assert_int_equal(bytes_sum(bytes + 16, 15), 0);
	assert_int_equal(load_le16(bytes + 22), tables->length);
	structure = tables->data;
	end = structure + tables->length;
	while (structure < end) {
		const uint8_t *next = structure + structure[1];

		while (next[0] || next[1])
			next++;
		next += 2;
		longest = next - structure > longest ? (unsigned)(next - structure) : longest;
		count++;
		structure = next;
	}
	assert_ptr_equal(structure, end);
	assert_int_equal(load_le16(bytes + 28), count);
	assert_int_equal(load_le16(bytes + 8), longest);
}

/** Writes a dump as dmidecode does: entry point, the tables at 32. */
static void save_dump(const char *path)
{
	const struct firmware_file *anchor = firmware_find_file(&items, SMBIOS_ANCHOR_FILE);
	const struct firmware_file *tables = firmware_find_file(&items, SMBIOS_TABLES_FILE);
	uint8_t entry[32] = { 0 };
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	memcpy(entry, anchor->data, anchor->length);
	/* As the firmware does. */
	store_le32(entry + 24, 32);
	entry[21] = (uint8_t)(entry[21] - bytes_sum(entry + 16, 15));
	entry[4] = (uint8_t)(entry[4] - bytes_sum(entry, 31));
	fwrite(entry, 1, sizeof(entry), file);
	fwrite(tables->data, 1, tables->length, file);
	fclose(file);
}

static void test_dmidecode_reads_it(void **state)
{
	static const char *const lines[] = {
		"SMBIOS 2.8 present.",
		"Manufacturer: hvmdm",
		"Product Name: Product X",
		"Serial Number: S-1",
		"UUID: 00112233-4455-6677-8899-aabbccddeeff",
		"Socket Designation: CPU 2",
		"Status: Unpopulated",
		"Maximum Capacity: 40 GB",
		"Number Of Devices: 3",
		"Locator: DIMM 2",
		"Size: 8 GB",
		"Starting Address: 0x00100000000",
		"Ending Address: 0x000DFFFFFFF",
		"End Of Table",
	};
	static char output[1 << 16];
	char path[] = "/tmp/hvmdm-smbios-XXXXXX", command[128];
	struct firmware_board board = smbios_board();
	FILE *pipe;

	(void)state;
	if (system("command -v dmidecode >/dev/null || test -x /usr/sbin/dmidecode") != 0)
		skip();
	assert_int_equal(build(&board), 0);
	close(mkstemp(path));
	save_dump(path);
	snprintf(command, sizeof(command), "PATH=$PATH:/usr/sbin dmidecode --from-dump %s 2>&1",
		 path);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	output[fread(output, 1, sizeof(output) - 1, pipe)] = 0;
	assert_int_equal(pclose(pipe), 0);
	unlink(path);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		if (!strstr(output, lines[i]))
			fail_msg("'%s' is missing in: %s", lines[i], output);
	}
	assert_null(strstr(output, "BAD INDEX"));
	assert_null(strstr(output, "roken"));
	assert_null(strstr(output, "TRUNCATED"));
	assert_null(strstr(output, "OUT OF SPEC"));
}

/* MP table */

static void test_mptable(void **state)
{
	struct firmware_board board = small_board();
	unsigned counts[5] = { 0 };
	const uint8_t *table, *entry, *end;
	struct arena arena;
	struct blob blob;

	(void)state;
	board.cpus = 2;
	board.max_cpus = 4;
	arena_init(&arena, arena_bytes, sizeof(arena_bytes));
	blob_open(&blob, &arena);
	mptable_build(&board, 0xf0000, &blob);
	assert_memory_equal(blob.data, "_MP_\x10\x00\x0f\x00\x01\x04", 10);
	assert_int_equal(bytes_sum(blob.data, 16), 0);
	table = blob.data + 16;
	end = table + load_le16(table + 4);
	assert_memory_equal(table, "PCMP", 4);
	assert_ptr_equal(end, blob.data + blob.length);
	assert_int_equal(bytes_sum(table, load_le16(table + 4)), 0);
	assert_int_equal(load_le32(table + 36), 0xfee00000);
	for (entry = table + 44; entry < end; entry += entry[0] ? 8 : 20) {
		assert_in_range(entry[0], 0, 4);
		counts[entry[0]]++;
		if (entry[0] == 0)
			assert_int_equal(entry[3], entry[1] == 0 ? 3 : entry[1] == 1 ? 1 : 0);
		if (entry[0] == 3 && entry[4] == 0)
			assert_int_equal(entry[7], 16 + (((entry[5] >> 2) + (entry[5] & 3)) & 7));
		if (entry[0] == 3 && entry[4] == 1)
			assert_int_equal(entry[7], entry[5] ? entry[5] : 2);
	}
	assert_ptr_equal(entry, end);
	assert_int_equal(counts[0], 4);
	assert_int_equal(counts[1], 2);
	assert_int_equal(counts[2], 1);
	assert_int_equal(counts[3], 31 * 4 + 15);
	assert_int_equal(counts[4], 2);
	assert_int_equal(load_le16(table + 34), 4 + 2 + 1 + 31 * 4 + 15 + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_e820),
		cmocka_unit_test(test_boot_files),
		cmocka_unit_test(test_roms),
		cmocka_unit_test(test_impossible_boards),
		cmocka_unit_test(test_largest_board_fits),
		cmocka_unit_test(test_same_board_same_bytes),
		cmocka_unit_test(test_cmos_memory),
		cmocka_unit_test(test_cmos_boot_order),
		cmocka_unit_test(test_cmos_drives),
		cmocka_unit_test(test_cmos_checksum),
		cmocka_unit_test(test_smbios_anchor),
		cmocka_unit_test(test_dmidecode_reads_it),
		cmocka_unit_test(test_mptable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
