// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Images that a guest's own drivers take over from the emulated disks, on the whole machine and a
 * fake of Xen's libraries: qcow2 files, started as Xen's toolstack does.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/loop.h"
#include "block/block.h"
#include "block/image.h"
#include "dm/board_internal.h"
#include "dm/board_pc.h"
#include "dm/machine.h"
#include "dm/options.h"
#include "hv/xen_blkif.h"
#include "tests/lib/fake_xen.h"

enum {
	RAM_BYTES = 32 << 20,
	ANSWER_MS = 10000,
	PAGE = 4096,
	SECTOR = 512,
	DISK_BYTES = 8 << 20,
	MAX_WORDS = 64,
	TURNS = 2000,
	/* The guest's: a ring and two pages for each of two disks. */
	RING_GFN = 300,
	DATA_GFN = 302,
	PER_DISK = 8,
	IDE_STATUS = 0x1f7,
	IDE_READY = 0x40,
};

/* hda, and a disk that is not emulated. */
static const unsigned numbers[] = { 768, 51712 + 4 * 16 };

struct fixture {
	char folder[32], images[2][64], line[1024], incoming[16];
	char *words[MAX_WORDS];
	int count;
	struct options options;
	struct machine *machine;
	bool restricted;
	struct err err;
	uint32_t producer[2], consumer[2];
};

/* The toolstack */

static void make_words(struct fixture *f)
{
	char *rest = NULL;

	f->count = 0;
	snprintf(f->line, sizeof(f->line),
		 "hvmdm -xen-domid %d -no-shutdown -nodefaults -no-user-config -name disks "
		 "-vnc none -display none -serial null -device VGA,vgamem_mb=16 -boot order=c "
		 "-net none -machine xenfv,suppress-vmdesc=on -m 32 "
		 "-drive file=%s,if=ide,index=0,media=disk,format=qcow2,cache=writeback,"
		 "werror=stop",
		 FAKE_XEN_DOMID, f->images[0]);
	for (char *word = strtok_r(f->line, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		f->words[f->count++] = word;
	if (f->incoming[0]) {
		f->words[f->count++] = "-incoming";
		f->words[f->count++] = f->incoming;
	}
}

static void write_node(const char *side, unsigned disk, const char *key, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%u/%s", side, numbers[disk], key);
	fake_xen_store_write(path, value);
}

static void write_back(unsigned disk, const char *key, const char *value)
{
	write_node("backend/qdisk/7", disk, key, value);
}

static void write_front(unsigned disk, const char *key, const char *value)
{
	write_node("/local/domain/7/device/vbd", disk, key, value);
}

static const char *state_of(unsigned disk)
{
	char path[128];

	snprintf(path, sizeof(path), "backend/qdisk/7/%u/state", numbers[disk]);
	return fake_xen_store_read(path);
}

static void list_disk(struct fixture *f, unsigned disk)
{
	char text[128];

	snprintf(text, sizeof(text), "/local/domain/7/device/vbd/%u", numbers[disk]);
	write_back(disk, "frontend", text);
	snprintf(text, sizeof(text), "qcow2:%s", f->images[disk]);
	write_back(disk, "params", text);
	write_back(disk, "mode", "w");
	write_back(disk, "device-type", "disk");
	write_back(disk, "online", "1");
	write_back(disk, "state", "1");
	write_front(disk, "state", "1");
}

/* The machine */

static void build(struct fixture *f)
{
	struct err err = { 0 };

	make_words(f);
	assert_int_equal(options_parse(&f->options, f->count, f->words, &err), OPTIONS_RUN);
	f->machine = machine_create(&f->options, &err);
	if (!f->machine)
		fail_msg("%s", err.text);
	if (f->restricted)
		assert_int_equal(hv_restrict_handles(f->machine->hv, &err), 0);
	if (save_load_incoming(f->machine, &err) < 0)
		fail_msg("%s", err.text);
	lock_acquire(&f->machine->lock);
	assert_int_equal(machine_cont(f->machine, &err), 0);
	lock_release(&f->machine->lock);
}

static void take_apart(struct fixture *f)
{
	machine_destroy(f->machine);
	options_finish(&f->options);
	f->machine = NULL;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct loop *loop = loop_create();
	const struct image_create create = { .format = "qcow2", .size_bytes = DISK_BYTES };

	*state = f;
	strcpy(f->folder, "/tmp/hvmdm-test-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	fake_xen_begin(RAM_BYTES);
	for (unsigned i = 0; i < 2; i++) {
		snprintf(f->images[i], sizeof(f->images[i]), "%s/%u.qcow2", f->folder, i);
		assert_int_equal(image_create(f->images[i], &create, loop, &f->err), 0);
		for (unsigned page = 0; page < PER_DISK; page++)
			fake_xen_grant(RING_GFN + i * PER_DISK + page,
				       RING_GFN + i * PER_DISK + page);
	}
	loop_destroy(loop);
	list_disk(f, 0);
	list_disk(f, 1);
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	char command[64];

	if (f->machine)
		take_apart(f);
	assert_int_equal(fake_xen->bound + fake_xen->granted, 0);
	fake_xen_end();
	snprintf(command, sizeof(command), "rm -rf %s", f->folder);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

/* The guest */

static uint64_t ask(uint16_t port, unsigned size, bool is_read, uint64_t value)
{
	const struct xen_ioreq request = { .type = XEN_IOREQ_PIO,
					   .address = port,
					   .data = value,
					   .count = 1,
					   .size = size,
					   .flags = is_read ? XEN_IOREQ_READ : 0 };
	uint64_t data;

	fake_xen_request(0, &request);
	if (!fake_xen_answered(0, ANSWER_MS, &data))
		fail_msg("no answer from port %x", port);
	return data;
}

static bool has_ide_disk(void)
{
	ask(0x1f6, 1, false, 0xa0);
	return ask(IDE_STATUS, 1, true, 0) & IDE_READY;
}

/** Linux 6.1, xen_unplug_emulated_devices. */
static void unplug(void)
{
	assert_int_equal(ask(0x10, 2, true, 0), 0x49d2);
	ask(0x10, 2, false, 3);
}

static void turn(struct fixture *f)
{
	for (unsigned i = 0; i < 16; i++)
		loop_turn(f->machine->loop, 0);
}

static uint8_t *ring(unsigned disk)
{
	return fake_xen_page(RING_GFN + disk * PER_DISK);
}

static uint8_t *data(unsigned disk)
{
	return fake_xen_page(DATA_GFN + disk * PER_DISK);
}

static void connect(struct fixture *f, unsigned disk)
{
	struct xen_blkif_head *head = (void *)ring(disk);
	char text[16];

	memset(ring(disk), 0, PAGE);
	head->request_event = head->response_event = 1;
	f->producer[disk] = f->consumer[disk] = 0;
	snprintf(text, sizeof(text), "%u", RING_GFN + disk * PER_DISK);
	write_front(disk, "ring-ref", text);
	snprintf(text, sizeof(text), "%u", FAKE_XEN_DEVICE_PORT + disk);
	write_front(disk, "event-channel", text);
	write_front(disk, "protocol", "x86_64-abi");
	write_front(disk, "feature-persistent", "1");
	write_front(disk, "state", "3");
	turn(f);
	assert_string_equal(state_of(disk), "4");
	write_front(disk, "state", "4");
	turn(f);
}

static void put(struct fixture *f, unsigned disk, uint8_t operation, uint64_t sector,
		uint64_t sectors)
{
	uint8_t *at = ring(disk) + sizeof(struct xen_blkif_head) +
		      (size_t)(f->producer[disk]++ % 32) * 112;

	memset(at, 0, 112);
	at[0] = operation;
	store_le64(at + 16, sector);
	if (operation == XEN_BLKIF_DISCARD) {
		store_le64(at + 24, sectors);
	} else if (operation != XEN_BLKIF_FLUSH) {
		at[1] = 1;
		store_le32(at + 24, DATA_GFN + disk * PER_DISK);
		at[29] = 7;
	}
}

static void push(struct fixture *f, unsigned disk)
{
	struct xen_blkif_head *head = (void *)ring(disk);

	__atomic_store_n(&head->request_producer, f->producer[disk], __ATOMIC_RELEASE);
	fake_xen_ring_device(disk);
}

/** The status of the next answer. */
static int take(struct fixture *f, unsigned disk)
{
	struct xen_blkif_head *head = (void *)ring(disk);
	uint32_t number = f->consumer[disk]++;

	for (unsigned i = 0; i < TURNS; i++) {
		if (__atomic_load_n(&head->response_producer, __ATOMIC_ACQUIRE) != number)
			break;
		loop_turn(f->machine->loop, 10);
	}
	assert_int_not_equal(head->response_producer, number);
	return (int16_t)load_le16(ring(disk) + sizeof(*head) + (size_t)(number % 32) * 112 + 10);
}

/** One request, and what it was answered with. */
static int request(struct fixture *f, unsigned disk, uint8_t operation, uint64_t sector,
		   uint64_t sectors)
{
	put(f, disk, operation, sector, sectors);
	push(f, disk);
	return take(f, disk);
}

static void write_page(struct fixture *f, unsigned disk, uint64_t sector, uint8_t value)
{
	memset(data(disk), value, PAGE);
	assert_int_equal(request(f, disk, XEN_BLKIF_WRITE, sector, 0), XEN_BLKIF_OKAY);
	assert_int_equal(request(f, disk, XEN_BLKIF_FLUSH, 0, 0), XEN_BLKIF_OKAY);
}

static void expect_page(struct fixture *f, unsigned disk, uint64_t sector, uint8_t value)
{
	uint8_t expected[PAGE];

	memset(expected, value, PAGE);
	memset(data(disk), ~value, PAGE);
	assert_int_equal(request(f, disk, XEN_BLKIF_READ, sector, 0), XEN_BLKIF_OKAY);
	assert_memory_equal(data(disk), expected, PAGE);
}

/** What another process finds in the image, which nobody uses. */
static void expect_in_file(struct fixture *f, unsigned disk, uint64_t sector, uint8_t value)
{
	const struct block_options options = {
		.filename = f->images[disk], .fd = -1, .format = "qcow2", .read_only = true
	};
	struct loop *loop = loop_create();
	struct block *block = block_open(&options, loop, &f->err);
	uint8_t bytes[PAGE], expected[PAGE];

	if (!block)
		fail_msg("%s", f->err.text);
	memset(expected, value, PAGE);
	assert_int_equal(block_read_now(block, sector * SECTOR, bytes, PAGE), 0);
	assert_memory_equal(bytes, expected, PAGE);
	block_close(block);
	loop_destroy(loop);
}

static void expect_sound(struct fixture *f, unsigned disk)
{
	struct loop *loop = loop_create();
	struct image_check check = { 0 };

	assert_int_equal(
		image_check(f->images[disk], "qcow2", IMAGE_REPAIR_NOTHING, &check, loop, &f->err),
		0);
	assert_int_equal(check.errors + check.leaks, 0);
	loop_destroy(loop);
}

/* Tests */

static void a_disk_is_taken_over(void **state)
{
	struct fixture *f = *state;

	build(f);
	assert_true(has_ide_disk());
	unplug();
	assert_false(has_ide_disk());
	connect(f, 0);
	write_page(f, 0, 64, 0x11);
	expect_page(f, 0, 64, 0x11);
	/* The driver goes and comes (a new kernel), and finds the same. */
	write_front(0, "state", "6");
	turn(f);
	write_front(0, "state", "1");
	turn(f);
	connect(f, 0);
	expect_page(f, 0, 64, 0x11);
	write_page(f, 0, 72, 0x22);
	take_apart(f);
	expect_in_file(f, 0, 64, 0x11);
	expect_in_file(f, 0, 72, 0x22);
	expect_sound(f, 0);
}

/** Firmware does so (OVMF): two drives, one image, which is open once. */
static void both_may_use_it_for_a_while(void **state)
{
	struct fixture *f = *state;

	build(f);
	connect(f, 0);
	assert_true(has_ide_disk());
	write_page(f, 0, 128, 0x33);
	/* READ SECTORS of sector 128. */
	ask(0x1f2, 1, false, 1);
	ask(0x1f3, 1, false, 128);
	ask(0x1f4, 1, false, 0);
	ask(0x1f5, 1, false, 0);
	ask(0x1f6, 1, false, 0xe0);
	ask(0x1f7, 1, false, 0x20);
	for (unsigned i = 0; i < TURNS && !(ask(0x1f7, 1, true, 0) & 8); i++)
		loop_turn(f->machine->loop, 10);
	assert_int_equal(ask(0x1f0, 2, true, 0), 0x3333);
	unplug();
	expect_page(f, 0, 128, 0x33);
	assert_false(has_ide_disk());
}

static void a_disk_that_is_not_emulated_is_opened(void **state)
{
	struct fixture *f = *state;

	build(f);
	connect(f, 1);
	write_page(f, 1, 0, 0x44);
	write_page(f, 1, DISK_BYTES / SECTOR - 8, 0x55);
	assert_int_equal(request(f, 1, XEN_BLKIF_READ, DISK_BYTES / SECTOR - 7, 0),
			 XEN_BLKIF_ERROR);
	take_apart(f);
	expect_in_file(f, 1, 0, 0x44);
	expect_in_file(f, 1, DISK_BYTES / SECTOR - 8, 0x55);
	expect_sound(f, 1);
}

/** What the guest gives back is free again in the file. */
static void a_discard_reaches_the_file(void **state)
{
	struct fixture *f = *state;

	build(f);
	unplug();
	connect(f, 0);
	write_page(f, 0, 256, 0x66);
	assert_int_equal(request(f, 0, XEN_BLKIF_DISCARD, 256, 128), XEN_BLKIF_OKAY);
	expect_page(f, 0, 256, 0);
	take_apart(f);
	expect_in_file(f, 0, 256, 0);
	expect_sound(f, 0);
}

/** Whether a process other than ours could write the image. */
static bool is_claimed(struct fixture *f, unsigned disk)
{
	const struct block_options options = { .filename = f->images[disk],
					       .fd = -1,
					       .format = "qcow2" };
	struct loop *loop = loop_create();
	struct err err = { 0 };
	struct block *block = block_open(&options, loop, &err);

	block_close(block);
	loop_destroy(loop);
	return !block;
}

/** xl block-detach: the image is somebody else's afterwards. */
static void a_disk_that_is_taken_out_is_closed(void **state)
{
	struct fixture *f = *state;

	build(f);
	unplug();
	for (unsigned i = 0; i < 2; i++) {
		char path[64];

		connect(f, i);
		write_page(f, i, 8, 0x77);
		write_back(i, "online", "0");
		write_back(i, "state", "5");
		turn(f);
		write_front(i, "state", "6");
		turn(f);
		assert_string_equal(state_of(i), "6");
		snprintf(path, sizeof(path), "backend/qdisk/7/%u", numbers[i]);
		fake_xen_store_remove(path);
		turn(f);
		assert_false(is_claimed(f, i));
		expect_in_file(f, i, 8, 0x77);
	}
}

static int saved_state(struct fixture *f)
{
	int fd = memfd_create("state", 0);
	struct err err = { 0 };

	lock_acquire(&f->machine->lock);
	machine_stop(f->machine);
	if (save_to_fd(f->machine, fd, true, &err) < 0)
		fail_msg("%s", err.text);
	lock_release(&f->machine->lock);
	return fd;
}

/** xl save and restore: the images are let go, claimed by another process, and driven on. */
static void a_saved_guest_finds_its_disks(void **state)
{
	struct fixture *f = *state;
	int fd;

	build(f);
	unplug();
	connect(f, 0);
	connect(f, 1);
	write_page(f, 0, 64, 0x11);
	write_page(f, 1, 64, 0x22);
	fd = saved_state(f);
	assert_false(is_claimed(f, 0));
	assert_false(is_claimed(f, 1));
	take_apart(f);
	fake_xen_store_remove("backend/qdisk/7");
	list_disk(f, 0);
	list_disk(f, 1);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	snprintf(f->incoming, sizeof(f->incoming), "fd:%d", fd);
	build(f);
	assert_false(has_ide_disk());
	connect(f, 0);
	connect(f, 1);
	expect_page(f, 0, 64, 0x11);
	expect_page(f, 1, 64, 0x22);
}

/** dm_restrict=1: nobody could serve the guest's driver, so the emulated disk stays. */
static void without_xenstore_the_emulated_disk_stays(void **state)
{
	struct fixture *f = *state;

	f->restricted = true;
	build(f);
	assert_string_equal(state_of(0), "6");
	unplug();
	assert_true(has_ide_disk());
}

/** A disk of the kernel's back end is closed: that waits for it. */
static void what_nobody_here_serves_is_closed(void **state)
{
	struct fixture *f = *state;

	fake_xen_store_remove("backend/qdisk/7");
	build(f);
	assert_true(is_claimed(f, 0));
	unplug();
	assert_false(is_claimed(f, 0));
}

static void an_end_with_both_at_work(void **state)
{
	struct fixture *f = *state;

	build(f);
	connect(f, 0);
	connect(f, 1);
	write_page(f, 0, 0, 0x12);
	write_page(f, 1, 0, 0x34);
	take_apart(f);
	expect_in_file(f, 0, 0, 0x12);
	expect_in_file(f, 1, 0, 0x34);
}

static void limit_files(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/** A host that takes no more stops the guest with several requests under way; they go on when there
 * is room, and the guest has not noticed. */
static void a_full_host_stops_the_guest(void **state)
{
	enum {
		REQUESTS = 5
	};
	struct fixture *f = *state;
	struct xen_blkif_head *head = (void *)ring(0);
	struct err err = { 0 };

	build(f);
	unplug();
	connect(f, 0);
	memset(data(0), 0x42, PAGE);
	limit_files(PAGE);
	for (unsigned i = 0; i < REQUESTS; i++)
		put(f, 0, XEN_BLKIF_WRITE, i * UINT64_C(256), 0);
	push(f, 0);
	for (unsigned i = 0; i < TURNS && f->machine->status == MACHINE_RUNNING; i++)
		loop_turn(f->machine->loop, 10);
	turn(f);
	assert_int_equal(f->machine->status, MACHINE_IO_ERROR);
	assert_int_equal(head->response_producer, 0);
	limit_files(RLIM_INFINITY);
	lock_acquire(&f->machine->lock);
	assert_int_equal(machine_cont(f->machine, &err), 0);
	lock_release(&f->machine->lock);
	for (unsigned i = 0; i < REQUESTS; i++)
		assert_int_equal(take(f, 0), XEN_BLKIF_OKAY);
	for (unsigned i = 0; i < REQUESTS; i++)
		expect_page(f, 0, i * UINT64_C(256), 0x42);
	take_apart(f);
	expect_sound(f, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_disk_is_taken_over),
		TEST(both_may_use_it_for_a_while),
		TEST(a_disk_that_is_not_emulated_is_opened),
		TEST(a_discard_reaches_the_file),
		TEST(a_disk_that_is_taken_out_is_closed),
		TEST(a_saved_guest_finds_its_disks),
		TEST(without_xenstore_the_emulated_disk_stays),
		TEST(what_nobody_here_serves_is_closed),
		TEST(an_end_with_both_at_work),
		TEST(a_full_host_stops_the_guest),
	};

	if (access("/usr/share/seabios/vgabios-stdvga.bin", R_OK) < 0) {
		puts("skipped: the VGA BIOS (package seabios) is not there");
		return 77;
	}
	signal(SIGXFSZ, SIG_IGN);
	return cmocka_run_group_tests_name("xen_pv_disks", tests, NULL, NULL);
}
