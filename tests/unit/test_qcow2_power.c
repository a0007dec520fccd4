// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The power fails: from the record of what was written and flushed, files are made as a disk could
 * hold them after any moment, with any part of what no flush had made sure. Such an image must pass
 * the check, and every sector must hold what was flushed, or something newer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/err.h"
#include "block/block.h"
#include "block/image.h"
#include "tests/lib/fake_aio.h"

enum {
	SECTOR = 512,
	SECTORS = 1536,
	DISK_BYTES = SECTORS * SECTOR,
	SLOTS = 12,
	REQUEST_SECTORS = 40,
	VERSIONS = 4096,
	FLUSHES = 1024,
	MOMENTS = 70,
	QEMU_EVERY = 20, /* images that qemu-img checks, too */
	NEVER = INT32_MAX,
};

struct span {
	size_t begin, end;
};

/** One write, by a number that its sectors carry. */
struct version {
	struct span when;
	unsigned first, count;
	bool is_zero;
};

struct slot {
	struct block_request request;
	struct iovec iov;
	uint8_t memory[REQUEST_SECTORS * SECTOR];
	bool is_busy;
	unsigned number; /* of a version or flush */
};

static char dir[64], image[96], before[96], cut[96];
static struct slot slots[SLOTS];
static struct version versions[VERSIONS];
static struct span flushes[FLUSHES];
static unsigned version_count, flush_count;
static uint64_t random_state;

static unsigned next_random(unsigned limit)
{
	random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (unsigned)(random_state >> 33) % limit;
}

static void run_command(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void run_command(const char *format, ...)
{
	char command[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	if (system(command) != 0)
		fail_msg("failed: %s", command);
}

static int set_up(void **state)
{
	(void)state;
	fake_aio_reset(1);
	random_state = 1;
	version_count = 1; /* 0 is what was there before: zeros */
	flush_count = 0;
	strcpy(dir, "/tmp/test_qcow2_power-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(image, sizeof(image), "%s/image", dir);
	snprintf(before, sizeof(before), "%s/before", dir);
	snprintf(cut, sizeof(cut), "%s/cut", dir);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_aio_reset(1);
	run_command("rm -rf %s", dir);
	return 0;
}

static struct block *open_as(const char *path, bool read_only)
{
	const struct block_options options = { .filename = path,
					       .fd = -1,
					       .format = "qcow2",
					       .read_only = read_only,
					       .discard = true,
					       .no_lock = true,
					       .metadata_bytes = 1 };
	struct err err = { 0 };
	struct block *block = block_open(&options, NULL, &err);

	if (!block)
		fail_msg("%s", err.text);
	return block;
}

static void copy_file(const char *from, const char *to)
{
	static uint8_t buffer[1 << 16];
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ssize_t bytes;

	while ((bytes = read(in, buffer, sizeof(buffer))) > 0)
		assert_int_equal(write(out, buffer, (size_t)bytes), bytes);
	close(in);
	close(out);
}

/* Playing */

static void completed(struct block_request *request, int result)
{
	struct slot *slot = container_of(request, struct slot, request);

	assert_int_equal(result, 0);
	slot->is_busy = false;
	if (request->op == BLOCK_FLUSH)
		flushes[slot->number].end = fake_aio_moments();
	else
		versions[slot->number].when.end = fake_aio_moments();
}

static bool overlaps(const struct version *version)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		const struct version *other = &versions[slots[i].number];

		if (slots[i].is_busy && slots[i].request.op != BLOCK_FLUSH &&
		    other->first < version->first + version->count &&
		    version->first < other->first + other->count)
			return true;
	}
	return false;
}

static void start_flush(struct slot *slot, struct block *block)
{
	slot->request = (struct block_request){ .op = BLOCK_FLUSH, .complete = completed };
	slot->number = flush_count++;
	flushes[slot->number] = (struct span){ fake_aio_moments(), NEVER };
	slot->is_busy = true;
	block_start(block, &slot->request);
}

static void start_write(struct slot *slot, struct block *block)
{
	struct version *version = &versions[version_count];

	version->count = 1 + next_random(REQUEST_SECTORS);
	version->first = next_random(SECTORS - version->count);
	version->is_zero = next_random(6) == 0;
	version->when = (struct span){ fake_aio_moments(), NEVER };
	if (overlaps(version))
		return;
	for (size_t i = 0; i < version->count * SECTOR; i += 8)
		store_le64(slot->memory + i, version_count);
	slot->iov = (struct iovec){ slot->memory, version->count * SECTOR };
	slot->request = (struct block_request){
		.op = version->is_zero ? BLOCK_WRITE_ZEROES : BLOCK_WRITE,
		.offset = version->first * SECTOR,
		.iov = &slot->iov,
		.iov_count = 1,
		.length = slot->iov.iov_len,
		.complete = completed,
	};
	slot->number = version_count++;
	slot->is_busy = true;
	block_start(block, &slot->request);
}

static void play(struct block *block, unsigned rounds)
{
	while (rounds-- > 0) {
		struct slot *slot = &slots[next_random(SLOTS)];

		if (!slot->is_busy) {
			if (next_random(12) == 0)
				start_flush(slot, block);
			else
				start_write(slot, block);
		}
		while (next_random(3) == 0 && fake_aio_run_one())
			;
	}
	block_drain(block);
}

/* Looking */

/** As it is, or as whoever opens it for writing makes it. */
static void repair_if_dirty(const char *path)
{
	struct image_info info;
	struct err err = { 0 };

	assert_int_equal(image_get_info(path, "qcow2", &info, NULL, &err), 0);
	if (info.dirty)
		block_close(open_as(path, false));
}

/** Whether a flush made the version sure before 'moment'. */
static bool is_sure(const struct version *version, size_t moment)
{
	for (unsigned i = 0; i < flush_count; i++)
		if (flushes[i].end <= moment && version->when.end <= flushes[i].begin)
			return true;
	return false;
}

static bool covers(const struct version *version, unsigned sector)
{
	return sector - version->first < version->count;
}

/** The newest version of the sector that must be there, or one that is newer. */
static void check_sector(const uint8_t *data, unsigned sector, size_t moment)
{
	unsigned found = (unsigned)load_le64(data);
	bool is_good = false;

	for (unsigned i = version_count; i-- > 0 && !is_good;) {
		const struct version *version = &versions[i];

		if (i > 0 && (!covers(version, sector) || version->when.begin > moment))
			continue;
		is_good = i == 0 || version->is_zero ? found == 0 : found == i;
		if (i == 0 || is_sure(version, moment))
			break;
	}
	if (!is_good)
		fail_msg("sector %u holds %u at moment %zu", sector, found, moment);
	for (size_t i = 8; i < SECTOR; i += 8)
		assert_int_equal(load_le64(data + i), found);
}

static void check_is_clean(const char *path)
{
	struct image_check check;
	struct err err = { 0 };

	if (image_check(path, "qcow2", IMAGE_REPAIR_NOTHING, &check, NULL, &err) < 0)
		fail_msg("%s", err.text);
	if (check.errors > 0)
		fail_msg("%d errors in the image", (int)check.errors);
}

static void check_cut(size_t moment)
{
	static uint8_t data[DISK_BYTES];
	struct block *block = open_as(cut, true);

	assert_int_equal(block_read_now(block, 0, data, DISK_BYTES), 0);
	for (unsigned i = 0; i < SECTORS; i++)
		check_sector(data + i * SECTOR, i, moment);
	block_close(block);
}

static void make_cut(size_t moment, uint64_t seed)
{
	int fd;

	copy_file(before, cut);
	fd = open(cut, O_RDWR);
	fake_aio_replay(fd, moment, seed);
	close(fd);
}

static void cut_everywhere(void)
{
	size_t end = fake_aio_moments();
	unsigned count = 0;

	fake_aio_record(false);
	for (unsigned i = 0; i < MOMENTS; i++) {
		size_t moment = i * end / (MOMENTS - 1);

		for (uint64_t seed = 0; seed < 4; seed++) {
			make_cut(moment, seed < 2 ? seed : i * 2 + seed);
			check_is_clean(cut);
			check_cut(moment);
			if (count++ % QEMU_EVERY == 0)
				run_command("qemu-img check -q -f qcow2 %s >/dev/null 2>&1; test "
					    "$? = 0 -o $? = 3",
					    cut);
		}
	}
}

static void play_and_cut(const char *options)
{
	struct block *block;

	run_command("qemu-img create -q -f qcow2 -o %s %s %d", options, image, DISK_BYTES);
	block = open_as(image, false);
	copy_file(image, before);
	fake_aio_record(true);
	play(block, 500);
	cut_everywhere();
	block_close(block);
	check_is_clean(image);
}

static void power_fails(void **state)
{
	(void)state;
	play_and_cut("cluster_size=4096");
}

/** Many tables: every L2 table is of 32 KiB, every refcount block of 128 KiB. */
static void power_fails_while_tables_grow(void **state)
{
	(void)state;
	play_and_cut("cluster_size=512");
}

/** What a snapshot holds is copied before it is written to. */
static void power_fails_over_a_snapshot(void **state)
{
	struct block *block;
	struct err err = { 0 };

	(void)state;
	run_command("qemu-img create -q -f qcow2 -o cluster_size=4096 %s %d", image, DISK_BYTES);
	block = open_as(image, false);
	play(block, 150);
	block_close(block);
	assert_int_equal(image_snapshot(image, "qcow2", IMAGE_SNAPSHOT_CREATE, "one", NULL, &err),
			 0);
	/* All of that is there for good. */
	flushes[flush_count++] = (struct span){ 0, 0 };
	for (unsigned i = 1; i < version_count; i++)
		versions[i].when = (struct span){ 0, 0 };
	block = open_as(image, false);
	copy_file(image, before);
	fake_aio_record(true);
	play(block, 300);
	cut_everywhere();
	block_close(block);
}

/* Snapshots and growing: before or after, nothing in between. */

static void change_and_cut(int (*change)(struct err *err))
{
	struct err err = { 0 };
	size_t end;

	copy_file(image, before);
	fake_aio_reset(7);
	fake_aio_record(true);
	if (change(&err) < 0)
		fail_msg("%s", err.text);
	end = fake_aio_moments();
	fake_aio_record(false);
	for (size_t moment = 0; moment <= end; moment++) {
		for (uint64_t seed = 0; seed < 3; seed++) {
			make_cut(moment, seed < 2 ? seed : moment + seed);
			check_cut(0);
			repair_if_dirty(cut);
			check_is_clean(cut);
			check_cut(0);
		}
		if (moment % QEMU_EVERY == 0)
			run_command("qemu-img check -q -f qcow2 %s >/dev/null 2>&1; test $? = 0 -o "
				    "$? = 3",
				    cut);
	}
	run_command("qemu-img check -q -f qcow2 %s", image);
}

static int create_one(struct err *err)
{
	return image_snapshot(image, "qcow2", IMAGE_SNAPSHOT_CREATE, "one", NULL, err);
}

static int create_two(struct err *err)
{
	return image_snapshot(image, "qcow2", IMAGE_SNAPSHOT_CREATE, "two", NULL, err);
}

static int apply_two(struct err *err)
{
	return image_snapshot(image, "qcow2", IMAGE_SNAPSHOT_APPLY, "two", NULL, err);
}

static int delete_one(struct err *err)
{
	return image_snapshot(image, "qcow2", IMAGE_SNAPSHOT_DELETE, "one", NULL, err);
}

static int grow(struct err *err)
{
	return image_resize(image, "qcow2", 64 << 20, false, NULL, err);
}

static void power_fails_in_changes(void **state)
{
	struct block *block;

	(void)state;
	run_command("qemu-img create -q -f qcow2 -o cluster_size=4096 %s %d", image, DISK_BYTES);
	block = open_as(image, false);
	play(block, 150);
	block_close(block);
	flushes[flush_count++] = (struct span){ 0, 0 };
	for (unsigned i = 1; i < version_count; i++)
		versions[i].when = (struct span){ 0, 0 };
	change_and_cut(create_one);
	change_and_cut(create_two);
	change_and_cut(apply_two);
	change_and_cut(delete_one);
	change_and_cut(grow);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(power_fails),
		TEST(power_fails_while_tables_grow),
		TEST(power_fails_over_a_snapshot),
		TEST(power_fails_in_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
