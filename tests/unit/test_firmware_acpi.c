// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ACPI tables after a loader of our own has carried out the script: found from the RSDP as an
 * operating system does, all lengths, checksums and pointers checked, then read by ACPICA (iasl
 * disassembles, acpiexec loads and evaluates).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "firmware/acpi.h"
#include "firmware/acpi_regs.h"
#include "firmware/firmware.h"
#include "firmware/loader.h"

enum {
	MAX_LOADED = 4,
	LOADED_BYTES = 128 << 10,
	MAX_TABLES = 12,
};

/** Where the simulated firmware puts files: one beyond the other in an address space of its own. */
#define LOAD_BASE UINT32_C(0x7ffe0000)

struct loaded {
	char name[LOADER_NAME_SIZE];
	uint32_t address, length;
};

struct machine {
	uint8_t arena_bytes[FIRMWARE_ARENA_BYTES] __attribute__((aligned(64)));
	struct firmware_items items;
	uint8_t memory[LOADED_BYTES];
	uint32_t used;
	struct loaded files[MAX_LOADED];
	unsigned file_count;
};

static struct machine machine;

static uint8_t *at(uint64_t address)
{
	assert_true(address >= LOAD_BASE && address < LOAD_BASE + machine.used);
	return machine.memory + (address - LOAD_BASE);
}

static struct loaded *find_loaded(const uint8_t *name)
{
	for (unsigned i = 0; i < machine.file_count; i++) {
		if (strcmp(machine.files[i].name, (const char *)name) == 0)
			return &machine.files[i];
	}
	fail_msg("the script names a file that is not loaded");
	return NULL;
}

static void run_allocate(const uint8_t *entry)
{
	const struct firmware_file *file =
		firmware_find_file(&machine.items, (const char *)entry + 4);
	uint32_t alignment = load_le32(entry + 60);
	struct loaded *loaded = &machine.files[machine.file_count++];

	assert_non_null(file);
	assert_true(alignment && !(alignment & (alignment - 1)));
	assert_true(entry[64] == 1 || entry[64] == 2);
	machine.used = (machine.used + alignment - 1) & ~(alignment - 1);
	assert_true(machine.used + file->length <= LOADED_BYTES);
	memcpy(loaded->name, entry + 4, LOADER_NAME_SIZE);
	loaded->address = LOAD_BASE + machine.used;
	loaded->length = file->length;
	memcpy(machine.memory + machine.used, file->data, file->length);
	machine.used += file->length;
}

static void run_add_pointer(const uint8_t *entry)
{
	struct loaded *file = find_loaded(entry + 4), *source = find_loaded(entry + 60);
	uint32_t offset = load_le32(entry + 116);
	unsigned size = entry[120];
	uint64_t value;

	assert_true(size == 4 || size == 8);
	assert_true(offset + size <= file->length);
	value = load_le(at(file->address + offset), size);
	assert_true(value < source->length);
	store_le(at(file->address + offset), size, value + source->address);
}

static void run_add_checksum(const uint8_t *entry)
{
	struct loaded *file = find_loaded(entry + 4);
	uint32_t offset = load_le32(entry + 60), start = load_le32(entry + 64);
	uint32_t length = load_le32(entry + 68);
	uint8_t *sum = at(file->address + offset);

	assert_true(offset < file->length && start + length <= file->length);
	*sum = (uint8_t)(*sum - bytes_sum(at(file->address + start), length));
}

static void run_script(void)
{
	const struct firmware_file *script = firmware_find_file(&machine.items, ACPI_LOADER_FILE);

	assert_non_null(script);
	assert_int_equal(script->length % 128, 0);
	for (uint32_t i = 0; i < script->length; i += 128) {
		const uint8_t *entry = (const uint8_t *)script->data + i;

		switch (load_le32(entry)) {
		case LOADER_ALLOCATE:
			run_allocate(entry);
			break;
		case LOADER_ADD_POINTER:
			run_add_pointer(entry);
			break;
		case LOADER_ADD_CHECKSUM:
			run_add_checksum(entry);
			break;
		default:
			fail_msg("unknown loader command");
		}
	}
}

static struct firmware_board full_board(void)
{
	return (struct firmware_board){
		.low_bytes = 0xe0000000,
		.high_bytes = 0x60000000,
		.cpus = 3,
		.max_cpus = 32,
		.acpi = true,
		.hpet = true,
		.floppy_controller = true,
		.serial = { true, true, false, true },
		.parallel = true,
		.pirq_rotation = 3,
		.pci64_base = UINT64_C(0x200000000),
		.pci64_bytes = UINT64_C(0x100000000),
	};
}

static void boot(const struct firmware_board *board)
{
	struct arena arena;

	memset(&machine, 0, sizeof(machine));
	arena_init(&arena, machine.arena_bytes, sizeof(machine.arena_bytes));
	assert_int_equal(firmware_build(board, &arena, &machine.items, NULL), 0);
	run_script();
}

/* What an operating system finds */

static uint8_t *rsdp(void)
{
	uint8_t *bytes = at(find_loaded((const uint8_t *)ACPI_RSDP_FILE)->address);

	assert_memory_equal(bytes, "RSD PTR ", 8);
	assert_int_equal(bytes_sum(bytes, 20), 0);
	assert_int_equal(bytes[15], 2);
	assert_int_equal(load_le32(bytes + 20), 36);
	assert_int_equal(bytes_sum(bytes, 36), 0);
	return bytes;
}

static uint8_t *checked_table(uint64_t address, const char *signature)
{
	uint8_t *table = at(address);

	if (signature)
		assert_memory_equal(table, signature, 4);
	assert_true(load_le32(table + 4) >= 36);
	at(address + load_le32(table + 4) - 1);
	assert_int_equal(bytes_sum(table, load_le32(table + 4)), 0);
	assert_memory_equal(table + 10, "HVMDM", 6);
	return table;
}

/** Number 'skip' of the tables with 'signature' that the RSDT lists, or NULL. The XSDT must list
 * the same. */
static uint8_t *find_table(const char *signature, unsigned skip)
{
	uint8_t *rsdt = checked_table(load_le32(rsdp() + 16), "RSDT");
	uint8_t *xsdt = checked_table(load_le64(rsdp() + 24), "XSDT");
	uint32_t count = (load_le32(rsdt + 4) - 36) / 4;

	assert_int_equal((load_le32(xsdt + 4) - 36) / 8, count);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t address = load_le32(rsdt + 36 + 4 * i);

		assert_true(load_le64(xsdt + 36 + 8 * i) == address);
		if (memcmp(checked_table(address, NULL), signature, 4) == 0 && skip-- == 0)
			return at(address);
	}
	return NULL;
}

static void test_every_table_is_found(void **state)
{
	struct firmware_board board = full_board();

	(void)state;
	boot(&board);
	assert_non_null(find_table("FACP", 0));
	assert_non_null(find_table("APIC", 0));
	assert_non_null(find_table("HPET", 0));
	assert_non_null(find_table("WAET", 0));
	assert_non_null(find_table("SSDT", 0));
	assert_non_null(find_table("SSDT", 1));
	assert_null(find_table("SSDT", 2));
}

static void test_fadt(void **state)
{
	struct firmware_board board = full_board();
	uint8_t *fadt, *facs;

	(void)state;
	boot(&board);
	fadt = find_table("FACP", 0);
	assert_int_equal(load_le32(fadt + 4), 244);
	assert_int_equal(fadt[8], 3);
	facs = at(load_le32(fadt + 36));
	assert_memory_equal(facs, "FACS\x40\0\0\0", 8);
	assert_int_equal(load_le32(fadt + 36) % 64, 0);
	assert_true(load_le64(fadt + 132) == 0);
	checked_table(load_le32(fadt + 40), "DSDT");
	assert_true(load_le64(fadt + 140) == load_le32(fadt + 40));
	assert_int_equal(load_le16(fadt + 46), 9);
	assert_int_equal(load_le32(fadt + 48), 0xb2);
	assert_int_equal(load_le16(fadt + 52), 0xf0f1);
	assert_int_equal(load_le32(fadt + 56), 0x600);
	assert_int_equal(load_le32(fadt + 64), 0x604);
	assert_int_equal(load_le32(fadt + 76), 0x608);
	assert_int_equal(load_le32(fadt + 80), 0xafe0);
	assert_memory_equal(fadt + 88, "\x04\x02\x00\x04\x04\x00\x00", 7);
	assert_int_equal(load_le32(fadt + 112), 0x4a5);
	assert_memory_equal(fadt + 116, "\x01\x08\x00\x00\xf9\x0c\0\0\0\0\0\0\x06", 13);
	assert_memory_equal(fadt + 148, "\x01\x20\x00\x00\x00\x06", 6);
	assert_memory_equal(fadt + 172, "\x01\x10\x00\x00\x04\x06", 6);
	assert_memory_equal(fadt + 208, "\x01\x20\x00\x00\x08\x06", 6);
	assert_memory_equal(fadt + 220, "\x01\x20\x00\x00\xe0\xaf", 6);
}

/** SeaBIOS' parser reads names, scopes and devices only; it must not meet an If on the way. */
static void test_dsdt_begins_with_a_name(void **state)
{
	struct firmware_board board = full_board();

	(void)state;
	boot(&board);
	assert_memory_equal(at(load_le32(find_table("FACP", 0) + 40)) + 36, "\x08_S5_", 5);
}

static void test_madt(void **state)
{
	struct firmware_board board = full_board();
	unsigned enabled = 0, processors = 0, overrides = 0, ioapics = 0, nmis = 0;
	uint8_t *madt, *end;

	(void)state;
	boot(&board);
	madt = find_table("APIC", 0);
	end = madt + load_le32(madt + 4);
	assert_int_equal(load_le32(madt + 36), 0xfee00000);
	assert_int_equal(load_le32(madt + 40), 1);
	for (uint8_t *entry = madt + 44; entry < end; entry += entry[1]) {
		assert_true(entry[1] >= 6 && entry + entry[1] <= end);
		switch (entry[0]) {
		case 0:
			assert_int_equal(entry[2], processors);
			assert_int_equal(entry[3], processors++);
			enabled += load_le32(entry + 4);
			break;
		case 1:
			ioapics++;
			assert_int_equal(load_le32(entry + 4), 0xfec00000);
			break;
		case 2:
			overrides++;
			if (entry[3] == 0)
				assert_int_equal(load_le32(entry + 4), 2);
			else
				assert_int_equal(load_le32(entry + 4), entry[3]);
			assert_int_equal(load_le16(entry + 8), entry[3] ? 0xd : 0);
			break;
		case 4:
			nmis++;
			assert_memory_equal(entry + 2, "\xff\0\0\x01", 4);
			break;
		default:
			fail_msg("unexpected MADT entry");
		}
	}
	assert_int_equal(processors, 32);
	assert_int_equal(enabled, 3);
	assert_int_equal(ioapics, 1);
	assert_int_equal(overrides, 5);
	assert_int_equal(nmis, 1);
}

static void test_hpet_and_waet(void **state)
{
	struct firmware_board board = full_board();
	uint8_t *table;

	(void)state;
	boot(&board);
	table = find_table("HPET", 0);
	assert_int_equal(load_le32(table + 4), 56);
	assert_int_equal(load_le32(table + 36), 0x8086a201);
	assert_memory_equal(table + 40, "\0\x40\0\0\0\0\xd0\xfe\0\0\0\0", 12);
	assert_int_equal(load_le32(find_table("WAET", 0) + 36), 2);
	board.hpet = false;
	boot(&board);
	assert_null(find_table("HPET", 0));
}

static void test_no_acpi_no_tables(void **state)
{
	struct firmware_board board = full_board();
	struct arena arena;

	(void)state;
	board.acpi = false;
	arena_init(&arena, machine.arena_bytes, sizeof(machine.arena_bytes));
	assert_int_equal(firmware_build(&board, &arena, &machine.items, NULL), 0);
	assert_null(firmware_find_file(&machine.items, ACPI_LOADER_FILE));
	assert_null(firmware_find_file(&machine.items, ACPI_RSDP_FILE));
	assert_null(firmware_find_file(&machine.items, ACPI_TABLES_FILE));
}

static void test_system_states(void **state)
{
	struct firmware_board board = full_board();

	(void)state;
	boot(&board);
	assert_memory_equal(firmware_find_file(&machine.items, "etc/system-states")->data,
			    "\x80\x01\x01\x81\x82\x80", 6);
	board.no_s3 = board.no_s4 = true;
	boot(&board);
	assert_memory_equal(firmware_find_file(&machine.items, "etc/system-states")->data,
			    "\x80\x01\x01\x01\x02\x80", 6);
}

/* What ACPICA says */

struct outside {
	char folder[64];
	char output[1 << 18];
};

static struct outside outside_programs;

static void save_table(const char *folder, const char *name, const uint8_t *table)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s.aml", folder, name);
	file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(table, 1, load_le32(table + 4), file), load_le32(table + 4));
	fclose(file);
}

/** Runs a shell command in the folder, its output into 'output'. */
static int run(struct outside *outside, const char *command)
{
	char line[1024];
	size_t length;
	FILE *pipe;

	snprintf(line, sizeof(line), "cd %s && (%s) 2>&1", outside->folder, command);
	pipe = popen(line, "r");
	assert_non_null(pipe);
	length = fread(outside->output, 1, sizeof(outside->output) - 1, pipe);
	outside->output[length] = 0;
	return pclose(pipe);
}

static void remove_folder(struct outside *outside)
{
	char line[128];

	if (!*outside->folder)
		return;
	snprintf(line, sizeof(line), "rm -r %s", outside->folder);
	assert_int_equal(system(line), 0);
	*outside->folder = 0;
}

static int tear_down(void **state)
{
	(void)state;
	remove_folder(&outside_programs);
	return 0;
}

static void save_tables(struct outside *outside)
{
	uint8_t *fadt = find_table("FACP", 0), *hpet = find_table("HPET", 0);

	snprintf(outside->folder, sizeof(outside->folder), "/tmp/hvmdm-acpi-XXXXXX");
	assert_non_null(mkdtemp(outside->folder));
	save_table(outside->folder, "dsdt", at(load_le32(fadt + 40)));
	save_table(outside->folder, "facs", at(load_le32(fadt + 36)));
	save_table(outside->folder, "facp", fadt);
	save_table(outside->folder, "apic", find_table("APIC", 0));
	save_table(outside->folder, "waet", find_table("WAET", 0));
	save_table(outside->folder, "board", find_table("SSDT", 0));
	save_table(outside->folder, "cpus", find_table("SSDT", 1));
	if (hpet)
		save_table(outside->folder, "hpet", hpet);
}

static void assert_no_complaint(const struct outside *outside)
{
	static const char *const complaints[] = { "Error",     "error:", "Warning", "ACPI BIOS",
						  "Exception", "AE_",    "Invalid", "****" };

	for (size_t i = 0; i < sizeof(complaints) / sizeof(complaints[0]); i++) {
		if (strstr(outside->output, complaints[i]))
			fail_msg("ACPICA: %s", outside->output);
	}
}

static void disassemble_board(const struct firmware_board *board)
{
	struct outside *outside = &outside_programs;

	boot(board);
	save_tables(outside);
	assert_int_equal(run(outside, "iasl -d facs.aml facp.aml apic.aml waet.aml "
				      "$(ls hpet.aml 2>/dev/null)"),
			 0);
	assert_no_complaint(outside);
	assert_int_equal(run(outside, "grep -hi 'invalid\\|unknown\\|error' *.dsl"), 256);
	assert_int_equal(run(outside, "iasl -e board.aml cpus.aml -d dsdt.aml"), 0);
	assert_no_complaint(outside);
	assert_int_equal(run(outside, "iasl -e dsdt.aml cpus.aml -d board.aml"), 0);
	assert_no_complaint(outside);
	assert_int_equal(run(outside, "iasl -e dsdt.aml board.aml -d cpus.aml"), 0);
	assert_no_complaint(outside);
	remove_folder(outside);
}

static void test_iasl_disassembles_everything(void **state)
{
	struct firmware_board board = full_board();

	(void)state;
	if (system("command -v iasl >/dev/null") != 0)
		skip();
	disassemble_board(&board);
	board = (struct firmware_board){
		.low_bytes = 1 << 20, .cpus = 1, .max_cpus = 1, .acpi = true, .no_s3 = true
	};
	disassemble_board(&board);
	board.cpus = board.max_cpus = BOARD_MAX_CPUS;
	disassemble_board(&board);
}

/** Evaluates 'object' on a simulated machine with the tables; the last evaluation's output stays in
 * 'outside'. */
static void evaluate(struct outside *outside, const char *object)
{
	char command[256];

	snprintf(command, sizeof(command), "acpiexec -b 'execute %s' dsdt.aml board.aml cpus.aml",
		 object);
	assert_int_equal(run(outside, command), 0);
	assert_no_complaint(outside);
}

static void assert_says(const struct outside *outside, const char *text)
{
	if (!strstr(outside->output, text))
		fail_msg("'%s' is missing in: %s", text, outside->output);
}

static void test_acpiexec_evaluates(void **state)
{
	struct outside *outside = &outside_programs;
	struct firmware_board board = full_board();

	(void)state;
	if (system("command -v acpiexec >/dev/null") != 0)
		skip();
	boot(&board);
	save_tables(outside);
	evaluate(outside, "\\_S5");
	evaluate(outside, "\\_S3");
	assert_says(outside, "[Package] Contains 4 Elements:");
	evaluate(outside, "\\_SB.PCI0.HPET._STA");
	assert_says(outside, "= 000000000000000F");
	evaluate(outside, "\\_SB.PCI0.ISA.UAR3._STA");
	assert_says(outside, "= 0000000000000000");
	evaluate(outside, "\\_SB.PCI0.ISA.UAR4._STA");
	assert_says(outside, "= 000000000000000F");
	/* The simulated route register is 0: IRQ 0. */
	evaluate(outside, "\\_SB.PCI0.LNKB._CRS");
	assert_says(outside, "23 01 00 10 79 00");
	evaluate(outside, "\\_SB.PR02._MAT");
	assert_says(outside, "00 08 02 02 01 00 00 00");
	evaluate(outside, "\\_SB.PR03._MAT");
	assert_says(outside, "00 08 03 03 00 00 00 00");
	evaluate(outside, "\\_SB.PR1F._STA");
	assert_says(outside, "= 0000000000000000");
	/* The simulated bitmap is empty: all known processors are asked to go. */
	evaluate(outside, "\\_GPE._E02");
	assert_says(outside, "Notify on [PR02]");
	assert_null(strstr(outside->output, "Notify on [PR03]"));
	remove_folder(outside);
}

/* What the board says in AML */

/** The first place of 'bytes' in 'table', which must be there. */
static const uint8_t *find_bytes(const uint8_t *table, const void *bytes, size_t count)
{
	const uint8_t *found = memmem(table, load_le32(table + 4), bytes, count);

	assert_non_null(found);
	return found;
}

static void test_interrupt_routing(void **state)
{
	/* Package (4) { 0x0003FFFF, 1, LNKx, 0 } and { 0x0003FFFF, 1, 0, gsi } */
	static const uint8_t slot3_pinb_rotated[] = { 0x12, 0x0d, 4,   0x0c, 0xff, 0xff, 3,
						      0,    1,    'L', 'N',  'K',  'D',  0 };
	static const uint8_t slot3_pinb_straight[] = { 0x12, 0x0d, 4,   0x0c, 0xff, 0xff, 3,
						       0,    1,    'L', 'N',  'K',  'A',  0 };
	static const uint8_t slot3_pinb_apic[] = { 0x12, 0x0b, 4, 0x0c, 0xff, 0xff,
						   3,    0,    1, 0,    0x0a, 16 + 4 };
	struct firmware_board board = full_board();

	(void)state;
	boot(&board);
	find_bytes(find_table("SSDT", 0), slot3_pinb_rotated, sizeof(slot3_pinb_rotated));
	find_bytes(find_table("SSDT", 0), slot3_pinb_apic, sizeof(slot3_pinb_apic));
	board.pirq_rotation = 0;
	boot(&board);
	find_bytes(find_table("SSDT", 0), slot3_pinb_straight, sizeof(slot3_pinb_straight));
	find_bytes(find_table("SSDT", 0), slot3_pinb_apic, sizeof(slot3_pinb_apic));
}

static void assert_memory_window(uint64_t first, uint64_t length)
{
	uint8_t window[23] = { 0, 0x0c, 1 };

	store_le32(window + 7, (uint32_t)first);
	store_le32(window + 11, (uint32_t)(first + length - 1));
	store_le32(window + 19, (uint32_t)length);
	find_bytes(find_table("SSDT", 0), window, sizeof(window));
}

static void test_pci_window_begins_where_ram_ends(void **state)
{
	struct firmware_board board = full_board();

	(void)state;
	boot(&board);
	assert_memory_window(0xe0000000, 0x1ec00000);
	board.low_bytes = 0x12345678;
	boot(&board);
	assert_memory_window(0x12346000, 0xfec00000 - 0x12346000);
	board.pci_hole_base = 0xf0000000;
	boot(&board);
	assert_memory_window(0xf0000000, 0xec00000);
	board.pci_hole_base = 0xfff00000;
	boot(&board);
	assert_memory_window(0xfebff000, 0x1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_table_is_found),
		cmocka_unit_test(test_fadt),
		cmocka_unit_test(test_dsdt_begins_with_a_name),
		cmocka_unit_test(test_madt),
		cmocka_unit_test(test_hpet_and_waet),
		cmocka_unit_test(test_no_acpi_no_tables),
		cmocka_unit_test(test_system_states),
		cmocka_unit_test(test_interrupt_routing),
		cmocka_unit_test(test_pci_window_begins_where_ram_ends),
		cmocka_unit_test(test_iasl_disassembles_everything),
		cmocka_unit_test(test_acpiexec_evaluates),
	};

	return cmocka_run_group_tests(tests, NULL, tear_down);
}
