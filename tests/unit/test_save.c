// SPDX-License-Identifier: GPL-2.0-or-later
/* Saved state of the whole machine: nothing is lost, nothing is taken that does not fit. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include <cmocka.h>

#include <zlib.h>

#include "base/bytes.h"
#include "dm/cards.h"
#include "tests/lib/save_bench.h"

enum {
	VGA_DEVFN = 3 << 3,
	IDE_DEVFN = 1 << 3 | 1,
	PM_DEVFN = 1 << 3 | 3,
	PM_BASE = 0xb000,
	HEADER_BYTES = 48,
	SECTOR_BYTES = 512,
	IRQ_IDE = 14,
};

#define VGA_BAR UINT32_C(0xe0000000)

static struct save_bench bench, other;
static struct state_writer saved;

static int set_up(void **state)
{
	struct err err = { 0 };

	(void)state;
	state_writer_init(&saved);
	memset(&other, 0, sizeof(other));
	if (!save_bench_init(&bench, "", &err))
		fail_msg("%s", err.text);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	state_writer_finish(&saved);
	save_bench_finish(&bench);
	if (other.options.program)
		save_bench_finish(&other);
	return 0;
}

static void build_other(const char *words)
{
	struct err err = { 0 };

	if (!save_bench_init(&other, words, &err))
		fail_msg("%s", err.text);
}

static void out(uint16_t port, uint64_t value, unsigned size)
{
	save_bench_out(&bench, port, value, size);
}

/** A guest in the middle of its work: every chip has something that reset does not give it. */
static void play(void)
{
	uint8_t sector[SECTOR_BYTES];

	clock_step_to(&bench.machine->clock, 123456789);
	save_bench_set_config(&bench, VGA_DEVFN, 0x10, VGA_BAR, 4);
	save_bench_set_config(&bench, VGA_DEVFN, 4, 3, 2);
	save_bench_set_config(&bench, IDE_DEVFN, 0x20, 0xc000, 4);
	save_bench_set_config(&bench, IDE_DEVFN, 4, 5, 2);
	save_bench_set_config(&bench, PM_DEVFN, 0x40, PM_BASE, 4);
	save_bench_set_config(&bench, PM_DEVFN, 0x80, 1, 1);
	save_bench_set_config(&bench, 0, 0x59, 0x30, 1); /* PAM0: RAM at 0xf0000 */
	save_bench_set_config(&bench, 1 << 3, 0x60, 0x8b0a0b0a, 4);
	out(0x3c4, 0x0f02, 2);
	out(0x3c8, 7, 1);
	out(0x3c9, 9, 1); /* in the middle of a colour */
	out(0x1ce, 1, 2);
	out(0x1cf, 640, 2);
	out(0x70, 0x51, 1);
	out(0x71, 0xa5, 1);
	out(0x3fb, 0x83, 1);
	out(0x3f8, 0x0c, 1);
	out(0x3fb, 0x03, 1);
	out(0x64, 0x60, 1);
	out(0x60, 0x47, 1);
	out(0x64, 0xd4, 1);
	out(0x60, 0xf4, 1);
	out(0x92, 0x02, 1);
	out(PM_BASE + 2, 0x0100, 2);
	out(0xafe2, 0x0004, 2);
	board_announce_cpu(bench.machine->board, 2, true);
	/* A sector is being read: half of it is with the guest. */
	out(0x1f6, 0xe0, 1);
	out(0x1f2, 2, 1);
	out(0x1f3, 1, 1);
	out(0x1f7, 0x20, 1);
	device_quiesce_all(&bench.machine->devices);
	io_read_block(&bench.machine->ports, 0x1f0, sector, 2, SECTOR_BYTES / 4);
}

static void save(void)
{
	struct err err = { 0 };

	state_writer_finish(&saved);
	if (save_machine(bench.machine, &saved, &err) < 0)
		fail_msg("%s", err.text);
}

static int load(struct save_bench *into, struct err *err)
{
	return save_load(into->machine, saved.bytes, saved.length, err);
}

static void expect_loaded(struct save_bench *into)
{
	struct err err = { 0 };

	if (load(into, &err) < 0)
		fail_msg("%s", err.text);
}

/** The load is refused with these words, and no device has changed. */
static void expect_refused(struct save_bench *into, const char *words)
{
	size_t before_length, after_length;
	struct state_writer own;
	uint8_t *before, *after;
	int64_t time = clock_now_ns(&into->machine->clock);
	struct err err = { 0 };

	/* Chips work out what is due when they are saved. */
	state_writer_init(&own);
	device_save_all(&into->machine->devices, &own);
	state_writer_finish(&own);
	before = save_bench_snapshot(into, &before_length);
	if (load(into, &err) == 0)
		fail_msg("loaded, in spite of '%s'", words);
	if (!strstr(err.text, words))
		fail_msg("not '%s': %s", words, err.text);
	after = save_bench_snapshot(into, &after_length);
	assert_int_equal(after_length, before_length);
	assert_memory_equal(before, after, after_length);
	assert_int_equal(clock_now_ns(&into->machine->clock), time);
	free(before);
	free(after);
}

static void seal(void)
{
	store_le32(saved.bytes + saved.length - 4,
		   (uint32_t)crc32(0, saved.bytes, (uInt)saved.length - 4));
}

/* What is saved is loaded */

static void expect_same_board(const struct save_bench *a, const struct save_bench *b)
{
	size_t a_length, b_length;
	uint8_t *a_bytes = save_bench_snapshot(a, &a_length);
	uint8_t *b_bytes = save_bench_snapshot(b, &b_length);

	assert_int_equal(a_length, b_length);
	assert_memory_equal(a_bytes, b_bytes, a_length);
	for (unsigned i = 0; i < PIIX3_GSIS; i++)
		assert_int_equal(a->machine->board->gsis[i].level,
				 b->machine->board->gsis[i].level);
	assert_int_equal(clock_now_ns(&a->machine->clock), clock_now_ns(&b->machine->clock));
	free(a_bytes);
	free(b_bytes);
}

static void another_machine_goes_on(void **state)
{
	struct save_bench *benches[] = { &bench, &other };
	uint8_t sectors[2][SECTOR_BYTES];

	(void)state;
	play();
	save();
	build_other("");
	expect_loaded(&other);
	expect_same_board(&bench, &other);
	assert_int_equal(other.machine->status, MACHINE_PAUSED);
	assert_true(other.machine->board->gsis[IRQ_IDE].level);
	assert_int_equal(other.machine->board->stdvga.vram_window.base, VGA_BAR);
	assert_true(hotplug_cpu_is_online(&other.machine->board->hotplug, 2));
	for (unsigned i = 0; i < ARRAY_SIZE(benches); i++) {
		io_read_block(&benches[i]->machine->ports, 0x1f0, sectors[i], 2, SECTOR_BYTES / 4);
		assert_int_equal(save_bench_in(benches[i], 0x71, 1), 0xa5);
		save_bench_out(benches[i], 0x3c9, 1, 1);
	}
	assert_memory_equal(sectors[0], sectors[1], SECTOR_BYTES / 2);
	expect_same_board(&bench, &other);
}

/** Whatever a machine was doing, what it loads takes its place. */
static void a_scribbled_machine_is_as_it_was(void **state)
{
	size_t length, after_length;
	struct device *device;
	uint8_t *before, *after;

	(void)state;
	play();
	save();
	before = save_bench_snapshot(&bench, &length);
	list_for_each(device, &bench.machine->devices.head, struct device, node)
	{
		const struct device_class *class = device->class;

		if (!class->table)
			continue;
		if (state_find_gap(class->table) >= 0)
			fail_msg("%s: byte %d is not saved", class->name,
				 state_find_gap(class->table));
		memset((char *)device->self + class->state_offset, 1, class->table->struct_size);
	}
	expect_loaded(&bench);
	after = save_bench_snapshot(&bench, &after_length);
	assert_int_equal(length, after_length);
	assert_memory_equal(before, after, length);
	free(before);
	free(after);
}

/** What -device puts into the machine is saved with it. */
static void every_card_is_saved_whole(void **state)
{
	size_t length, after_length;
	uint8_t *before, *after;
	char words[64];

	(void)state;
	for (const struct card *card = cards; card->name; card++) {
		struct device *device;

		if (!card->create)
			continue;
		snprintf(words, sizeof(words), "-device %s", card->name);
		build_other(words);
		assert_int_equal(save_machine(other.machine, &saved, NULL), 0);
		before = save_bench_snapshot(&other, &length);
		list_for_each(device, &other.machine->devices.head, struct device, node)
		{
			const struct device_class *class = device->class;

			if (class->table && state_find_gap(class->table) >= 0)
				fail_msg("%s: byte %d is not saved", class->name,
					 state_find_gap(class->table));
			if (class->table)
				memset((char *)device->self + class->state_offset, 1,
				       class->table->struct_size);
		}
		expect_loaded(&other);
		after = save_bench_snapshot(&other, &after_length);
		assert_int_equal(length, after_length);
		if (memcmp(before, after, length) != 0)
			fail_msg("'-device %s' comes back as something else", card->name);
		free(before);
		free(after);
		save_bench_finish(&other);
		state_writer_finish(&saved);
	}
	memset(&other, 0, sizeof(other));
}

static void a_machine_at_rest_is_small(void **state)
{
	(void)state;
	save();
	assert_true(saved.length < 16 << 10);
	play();
	save();
	assert_true(saved.length < SAVE_USUAL_BYTES);
}

static void the_clock_goes_on_where_it_stood(void **state)
{
	int64_t before;

	(void)state;
	clock_step_to(&bench.machine->clock, 5000 * NS_PER_SECOND);
	before = rtc_now_s(&bench.machine->board->rtc);
	save();
	build_other("");
	clock_step_to(&other.machine->clock, 7 * NS_PER_SECOND);
	expect_loaded(&other);
	assert_int_equal(rtc_now_s(&other.machine->board->rtc), before);
	clock_step_to(&other.machine->clock, 5002 * NS_PER_SECOND);
	assert_int_equal(rtc_now_s(&other.machine->board->rtc), before + 2);
}

static void a_sleeping_guest_sleeps_on(void **state)
{
	(void)state;
	bench.machine->status = MACHINE_SUSPENDED;
	save();
	build_other("");
	expect_loaded(&other);
	assert_int_equal(other.machine->status, MACHINE_SUSPENDED);
}

static void the_boot_order_that_held_once_is_used_up(void **state)
{
	(void)state;
	/* once=d: the CD's code is 3; then the disk's. */
	assert_int_equal(rtc_get_cmos(&bench.machine->board->rtc, 0x3d) & 15, 3);
	machine_reset(bench.machine, "test");
	assert_int_equal(rtc_get_cmos(&bench.machine->board->rtc, 0x3d) & 15, 2);
	save();
	build_other("");
	expect_loaded(&other);
	assert_int_equal(rtc_get_cmos(&other.machine->board->rtc, 0x3d) & 15, 2);
	machine_reset(other.machine, "test");
	assert_int_equal(rtc_get_cmos(&other.machine->board->rtc, 0x3d) & 15, 2);
}

/* What does not fit is refused */

static void damage_is_refused_before_anything_changes(void **state)
{
	size_t length;

	(void)state;
	play();
	save();
	length = saved.length;
	for (saved.length = 1; saved.length < length; saved.length += 997)
		expect_refused(&bench, "saved state");
	saved.length = length;
	for (size_t i = 8; i < length; i += 499) {
		saved.bytes[i] ^= 0x10;
		expect_refused(&bench, "saved");
		saved.bytes[i] ^= 0x10;
	}
	expect_loaded(&bench);
}

static void framing_is_checked_behind_a_right_checksum(void **state)
{
	(void)state;
	save();
	for (size_t i = HEADER_BYTES; i < HEADER_BYTES + 8; i++) {
		saved.bytes[i] ^= 0x40;
		seal();
		expect_refused(&bench, "damaged");
		saved.bytes[i] ^= 0x40;
	}
}

static void foreign_states_are_told_by_name(void **state)
{
	static const struct {
		const char *bytes, *words;
	} foreign[] = {
		{ "QEVM\0\0\0\3", "QEMU" },
		{ "Xen saved domain, xl format\n", "xl restore" },
		{ "LibxlFmt", "xl restore" },
		{ "anything else", "no saved state" },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(foreign); i++) {
		saved.bytes = (uint8_t *)(uintptr_t)foreign[i].bytes;
		saved.length = max_u64(8, strlen(foreign[i].bytes));
		expect_refused(&bench, foreign[i].words);
	}
	saved.length = 0;
	expect_refused(&bench, "empty");
	state_writer_init(&saved);
}

static void later_formats_name_the_release(void **state)
{
	(void)state;
	save();
	saved.bytes[8] = 2;
	memcpy(saved.bytes + 12, "99.1", 5);
	seal();
	expect_refused(&bench, "load it with hvmdm 99.1");
}

static void another_machine_is_refused(void **state)
{
	static const struct {
		const char *words, *expected;
	} machines[] = {
		{ "-m 64", "same -m" },
		{ "-smp 1,maxcpus=2", "same -smp" },
		{ "-drive if=none,id=cd1 -device ide-cd,drive=cd1,bus=ide.1,unit=1",
		  "nothing as IDE drive 3, this machine has a CD-ROM drive" },
		{ "-machine acpi=off", "at 00:01.3 the saved guest has the PCI device 8086:7113" },
	};
	struct err err = { 0 };

	(void)state;
	save();
	for (unsigned i = 0; i < ARRAY_SIZE(machines); i++) {
		build_other(machines[i].words);
		expect_refused(&other, machines[i].expected);
		save_bench_finish(&other);
	}
	assert_true(save_bench_init(&other, "", &err));
	other.machine->description.disk_bytes[0]++;
	expect_refused(&other, "another disk");
}

static void a_device_too_many_is_refused(void **state)
{
	(void)state;
	build_other("-serial null");
	assert_int_equal(save_machine(other.machine, &saved, NULL), 0);
	expect_refused(&bench, "the device 'serial/1', which this machine lacks");
}

/** The last device to be loaded refuses: those before it are as they were. */
static void all_or_nothing(void **state)
{
	struct device *last = container_of(bench.machine->devices.head.prev, struct device, node);

	(void)state;
	play();
	assert_string_equal(last->class->name, "fw_cfg");
	bench.machine->board->fw_cfg.state.reserved = 1;
	save();
	build_other("");
	expect_refused(&other, "fw_cfg");
	bench.machine->board->fw_cfg.state.reserved = 0;
}

/* The machine and its images */

static int memory_file(void)
{
	int fd = memfd_create("saved", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static int save_to_memory(bool gives_up, struct err *err)
{
	int fd = memory_file(), result;

	assert_int_equal(write(fd, "what an older file left behind", 30), 30);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(ftruncate(fd, 1 << 20), 0);
	result = save_to_fd(bench.machine, fd, gives_up, err);
	if (result == 0) {
		state_writer_finish(&saved);
		saved.length = (size_t)lseek(fd, 0, SEEK_END);
		saved.bytes = malloc(saved.length);
		assert_int_equal(pread(fd, saved.bytes, saved.length, 0), saved.length);
	}
	close(fd);
	return result;
}

static void a_running_machine_runs_on(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_int_equal(machine_cont(bench.machine, &err), 0);
	assert_int_equal(save_to_memory(true, &err), 0);
	assert_int_equal(bench.machine->status, MACHINE_RUNNING);
	assert_false(bench.machine->gave_disks_up);
	build_other("");
	expect_loaded(&other);
}

static bool other_can_open_the_disk(void)
{
	struct block_options options = { .filename = bench.disk, .fd = -1, .format = "raw" };
	struct block *block = block_open(&options, bench.machine->loop, NULL);

	block_close(block);
	return block != NULL;
}

static void images_go_with_the_guest_and_come_back(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_int_equal(machine_cont(bench.machine, &err), 0);
	machine_stop(bench.machine);
	assert_int_equal(save_to_memory(true, &err), 0);
	assert_true(bench.machine->gave_disks_up);
	assert_true(other_can_open_the_disk());
	assert_int_equal(machine_cont(bench.machine, &err), 0);
	assert_false(bench.machine->gave_disks_up);
}

static void what_cannot_be_kept_is_not_saved(void **state)
{
	struct err err = { 0 };

	(void)state;
	bench.machine->status = MACHINE_SHUTDOWN;
	assert_int_equal(save_to_memory(true, &err), -EINVAL);
	assert_non_null(strstr(err.text, "has ended"));
	save_bench_finish(&bench);
	assert_true(save_bench_init(&bench,
				    "-drive file=/usr/share/seabios/bios-256k.bin,if=ide,index=1,"
				    "format=raw,snapshot=on",
				    &err));
	assert_int_equal(save_to_memory(true, &err), -ENOTSUP);
	assert_non_null(strstr(err.text, "snapshot"));
}

/* Releases */

/** tests/vectors/state/README.md says how these came to be. */
static void states_of_all_releases_are_loaded(void **state)
{
	static const char *const releases[] = { "0.1.0" };
	char path[256];
	int fd;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(releases); i++) {
		snprintf(path, sizeof(path), SOURCE_ROOT "/tests/vectors/state/%s.state",
			 releases[i]);
		if (getenv("HVMDM_WRITE_VECTOR") && i == ARRAY_SIZE(releases) - 1) {
			play();
			fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
			assert_int_equal(save_to_fd(bench.machine, fd, false, NULL), 0);
			close(fd);
		}
		fd = open(path, O_RDONLY);
		assert_true(fd >= 0);
		saved.length = (size_t)lseek(fd, 0, SEEK_END);
		saved.bytes = malloc(saved.length);
		assert_int_equal(pread(fd, saved.bytes, saved.length, 0), saved.length);
		close(fd);
		build_other("");
		expect_loaded(&other);
		assert_int_equal(clock_now_ns(&other.machine->clock), 123456789);
		assert_int_equal(save_bench_in(&other, 0x71, 1), 0xa5);
		assert_int_equal(other.machine->board->stdvga.vram_window.base, VGA_BAR);
		assert_true(hotplug_cpu_is_online(&other.machine->board->hotplug, 2));
		assert_true(other.machine->board->gsis[IRQ_IDE].level);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(another_machine_goes_on),
		TEST(a_scribbled_machine_is_as_it_was),
		TEST(every_card_is_saved_whole),
		TEST(a_machine_at_rest_is_small),
		TEST(the_clock_goes_on_where_it_stood),
		TEST(a_sleeping_guest_sleeps_on),
		TEST(the_boot_order_that_held_once_is_used_up),
		TEST(damage_is_refused_before_anything_changes),
		TEST(framing_is_checked_behind_a_right_checksum),
		TEST(foreign_states_are_told_by_name),
		TEST(later_formats_name_the_release),
		TEST(another_machine_is_refused),
		TEST(a_device_too_many_is_refused),
		TEST(all_or_nothing),
		TEST(a_running_machine_runs_on),
		TEST(images_go_with_the_guest_and_come_back),
		TEST(what_cannot_be_kept_is_not_saved),
		TEST(states_of_all_releases_are_loaded),
	};

	if (access("/usr/share/seabios/vgabios-stdvga.bin", R_OK) < 0) {
		puts("skipped: the BIOS (package seabios) is not there");
		return 77;
	}
	return cmocka_run_group_tests_name("save", tests, NULL, NULL);
}
