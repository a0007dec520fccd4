// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * qcow2 images against a copy in memory and against qemu-img. Transfers are those of the fake aio:
 * one thread, an order of completions that a seed decides, and failures when asked for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/err.h"
#include "block/block.h"
#include "tests/lib/fake_aio.h"

enum {
	DISK_BYTES = 3 << 20, /* not a whole number of the larger clusters */
	SLOTS = 40,           /* more than the image has tasks */
	PIECES_MAX = 4,
	SECTOR = 512,
};

struct bench {
	char dir[64], image[96], base[96], raw[96];
	const char *format;
	struct block *block;
	struct err err;
	uint8_t *model;
	uint64_t random;
};

struct slot {
	struct block_request request;
	struct iovec iov[PIECES_MAX];
	uint8_t *memory;
	uint64_t offset;
	size_t bytes;
	bool is_busy, is_held; /* held: until its result has been looked at */
	int result;
};

static struct slot slots[SLOTS];

static uint64_t next_random(struct bench *bench)
{
	bench->random = bench->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return bench->random >> 33;
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
	struct bench *bench = calloc(1, sizeof(*bench));

	fake_aio_reset(1);
	bench->random = 1;
	bench->format = "qcow2";
	strcpy(bench->dir, "/tmp/test_qcow2-XXXXXX");
	assert_non_null(mkdtemp(bench->dir));
	snprintf(bench->image, sizeof(bench->image), "%s/image", bench->dir);
	snprintf(bench->base, sizeof(bench->base), "%s/base", bench->dir);
	snprintf(bench->raw, sizeof(bench->raw), "%s/raw", bench->dir);
	bench->model = calloc(1, DISK_BYTES);
	*state = bench;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *bench = *state;

	fake_aio_reset(1);
	run_command("rm -rf %s", bench->dir);
	free(bench->model);
	free(bench);
	return 0;
}

static struct block *open_image(struct bench *bench, struct block_options options)
{
	options.filename = options.filename ? options.filename : bench->image;
	options.format = options.format ? options.format : bench->format;
	options.fd = -1;
	options.discard = true;
	bench->err.text[0] = '\0';
	return block_open(&options, NULL, &bench->err);
}

static struct block *open_well(struct bench *bench, struct block_options options)
{
	struct block *block = open_image(bench, options);

	if (!block)
		fail_msg("%s", bench->err.text);
	return block;
}

static void write_model(struct bench *bench, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, bench->model, DISK_BYTES), DISK_BYTES);
	close(fd);
}

/** qemu-img finds nothing wrong, and the same content. */
static void check_by_qemu(struct bench *bench, const char *image)
{
	if (strcmp(bench->format, "qcow2") == 0)
		run_command("qemu-img check -q -f qcow2 %s", image);
	write_model(bench, bench->raw);
	run_command("qemu-img compare -q -f %s -F raw %s %s", bench->format, image, bench->raw);
}

static void check_whole_disk(struct bench *bench)
{
	uint8_t *data = malloc(DISK_BYTES);

	assert_int_equal(block_read_now(bench->block, 0, data, DISK_BYTES), 0);
	assert_memory_equal(data, bench->model, DISK_BYTES);
	free(data);
}

/* Random requests, many at a time, on ranges that share clusters but not sectors. */

static void completed(struct block_request *request, int result)
{
	struct slot *slot = container_of(request, struct slot, request);

	assert_true(slot->is_busy);
	slot->is_busy = false;
	slot->result = result;
}

static bool overlaps_others(const struct slot *slot)
{
	for (unsigned i = 0; i < SLOTS; i++)
		if (slots[i].is_held && &slots[i] != slot &&
		    slots[i].offset < slot->offset + slot->bytes &&
		    slot->offset < slots[i].offset + slots[i].bytes)
			return true;
	return false;
}

static void cut(struct bench *bench, struct slot *slot)
{
	unsigned count = 1 + (unsigned)next_random(bench) % PIECES_MAX;
	uint8_t *at = slot->memory;
	size_t left = slot->bytes;

	slot->request.iov = slot->iov;
	slot->request.iov_count = count;
	for (unsigned i = 0; i < count; i++) {
		size_t bytes = i == count - 1 ? left : min_size(left, next_random(bench) % 9000);

		slot->iov[i] = (struct iovec){ at, bytes };
		at += bytes;
		left -= bytes;
	}
}

static enum block_op choose_op(struct bench *bench)
{
	static const enum block_op ops[] = { BLOCK_READ,    BLOCK_READ,         BLOCK_WRITE,
					     BLOCK_WRITE,   BLOCK_WRITE,        BLOCK_WRITE,
					     BLOCK_DISCARD, BLOCK_WRITE_ZEROES, BLOCK_FLUSH };

	return ops[next_random(bench) % ARRAY_SIZE(ops)];
}

static void expect(struct bench *bench, struct slot *slot)
{
	if (slot->request.op == BLOCK_WRITE) {
		for (size_t i = 0; i < slot->bytes; i++)
			slot->memory[i] = (uint8_t)next_random(bench);
		memcpy(bench->model + slot->offset, slot->memory, slot->bytes);
	} else if (slot->request.op == BLOCK_WRITE_ZEROES) {
		memset(bench->model + slot->offset, 0, slot->bytes);
	}
}

static void verify(struct bench *bench, struct slot *slot)
{
	if (slot->request.op == BLOCK_READ && slot->result == 0)
		assert_memory_equal(slot->memory, bench->model + slot->offset, slot->bytes);
	/* Discarded data may be there or not: who wants to know reads. */
	if (slot->request.op == BLOCK_DISCARD)
		assert_int_equal(block_read_now(bench->block, slot->offset,
						bench->model + slot->offset, slot->bytes),
				 0);
	slot->request.op = BLOCK_FLUSH;
	slot->is_held = false;
}

static void start_slot(struct bench *bench, struct slot *slot)
{
	slot->request = (struct block_request){ .op = choose_op(bench), .complete = completed };
	slot->bytes = (1 + next_random(bench) % (next_random(bench) % 8 ? 40 : 600)) * SECTOR;
	slot->offset = next_random(bench) % ((DISK_BYTES - slot->bytes) / SECTOR + 1) * SECTOR;
	if (slot->request.op == BLOCK_FLUSH)
		slot->bytes = 0;
	if (overlaps_others(slot)) {
		slot->request.op = BLOCK_FLUSH;
		return;
	}
	slot->request.offset = slot->offset;
	slot->request.length = slot->bytes;
	cut(bench, slot);
	expect(bench, slot);
	slot->is_busy = slot->is_held = true;
	block_start(bench->block, &slot->request);
	assert_true(slot->is_busy);
}

static void play(struct bench *bench, unsigned rounds)
{
	for (unsigned i = 0; i < SLOTS; i++)
		slots[i] =
			(struct slot){ .memory = malloc(600 * SECTOR), .request.op = BLOCK_FLUSH };
	while (rounds-- > 0) {
		struct slot *slot = &slots[next_random(bench) % SLOTS];

		if (!slot->is_busy) {
			assert_int_equal(slot->result, 0);
			/* verify() of a discard drains, and so ends others. */
			verify(bench, slot);
			start_slot(bench, slot);
		}
		while (next_random(bench) % 3 == 0 && fake_aio_run_one())
			;
	}
	block_drain(bench->block);
	for (unsigned i = 0; i < SLOTS; i++) {
		assert_false(slots[i].is_busy);
		verify(bench, &slots[i]);
		free(slots[i].memory);
	}
}

/** Rounds on the image that is there, opened again in between. */
static void twin(struct bench *bench, struct block_options options, unsigned rounds)
{
	for (unsigned i = 0; i < 3; i++) {
		fake_aio_reset(i + 1);
		bench->block = open_well(bench, options);
		assert_int_equal(block_size_bytes(bench->block), DISK_BYTES);
		check_whole_disk(bench);
		play(bench, rounds);
		check_whole_disk(bench);
		block_close(bench->block);
		check_by_qemu(bench, bench->image);
	}
}

static void fill_model(struct bench *bench)
{
	for (size_t i = 0; i < DISK_BYTES; i++)
		bench->model[i] = next_random(bench) % 4 ? (uint8_t)(i / 700) : 0;
}

static void create(struct bench *bench, const char *options)
{
	run_command("qemu-img create -q -f qcow2 -o %s %s %d", options, bench->image, DISK_BYTES);
}

static void twin_plain(void **state)
{
	struct bench *bench = *state;

	create(bench, "cluster_size=65536");
	twin(bench, (struct block_options){ 0 }, 1500);
}

static void twin_version_2(void **state)
{
	struct bench *bench = *state;

	create(bench, "compat=0.10,cluster_size=4096");
	twin(bench, (struct block_options){ .metadata_bytes = 1 }, 1000);
}

static void twin_small_clusters(void **state)
{
	struct bench *bench = *state;

	create(bench, "cluster_size=512,refcount_bits=1");
	twin(bench, (struct block_options){ .metadata_bytes = 1 }, 700);
}

static void twin_large_clusters(void **state)
{
	struct bench *bench = *state;

	create(bench, "cluster_size=2M,refcount_bits=64");
	twin(bench, (struct block_options){ 0 }, 500);
}

static void twin_written_through(void **state)
{
	struct bench *bench = *state;

	create(bench, "cluster_size=16384,refcount_bits=8");
	twin(bench, (struct block_options){ .cache = BLOCK_CACHE_WRITETHROUGH }, 700);
}

/** On a raw file that is shorter than the disk. */
static void twin_backed_by_raw(void **state)
{
	struct bench *bench = *state;

	fill_model(bench);
	memset(bench->model + DISK_BYTES / 2 + 1024, 0, DISK_BYTES / 2 - 1024);
	write_model(bench, bench->base);
	assert_int_equal(truncate(bench->base, DISK_BYTES / 2 + 1024), 0);
	create(bench, "cluster_size=8192,backing_file=base,backing_fmt=raw");
	twin(bench, (struct block_options){ 0 }, 1000);
}

static void twin_chain(void **state)
{
	struct bench *bench = *state;

	fill_model(bench);
	write_model(bench, bench->raw);
	run_command("qemu-img convert -c -f raw -O qcow2 -o cluster_size=4096 %s %s/deep",
		    bench->raw, bench->dir);
	run_command("qemu-img create -q -f qcow2 -b deep -F qcow2 %s", bench->base);
	create(bench, "cluster_size=32768,backing_file=base,backing_fmt=qcow2");
	twin(bench, (struct block_options){ 0 }, 1000);
}

static void twin_compressed(void **state)
{
	struct bench *bench = *state;

	fill_model(bench);
	write_model(bench, bench->raw);
	run_command("qemu-img convert -c -f raw -O qcow2 -o cluster_size=16384 %s %s", bench->raw,
		    bench->image);
	twin(bench, (struct block_options){ 0 }, 1000);
}

static void twin_zstd(void **state)
{
	struct bench *bench = *state;

	fill_model(bench);
	write_model(bench, bench->raw);
	run_command("qemu-img convert -c -f raw -O qcow2 -o compression_type=zstd %s %s",
		    bench->raw, bench->image);
	twin(bench, (struct block_options){ 0 }, 1000);
}

/** A snapshot keeps what was there, while everything above it is written anew. */
static void twin_snapshots(void **state)
{
	struct bench *bench = *state;
	uint8_t *old = malloc(DISK_BYTES), *present = malloc(DISK_BYTES);

	fill_model(bench);
	write_model(bench, bench->raw);
	run_command("qemu-img convert -f raw -O qcow2 -o cluster_size=4096 %s %s", bench->raw,
		    bench->image);
	run_command("qemu-img snapshot -c first %s", bench->image);
	memcpy(old, bench->model, DISK_BYTES);
	twin(bench, (struct block_options){ .metadata_bytes = 1 }, 700);
	run_command("qemu-img snapshot -c second %s", bench->image);
	memcpy(present, bench->model, DISK_BYTES);
	twin(bench, (struct block_options){ 0 }, 700);
	run_command("qemu-img snapshot -a second %s", bench->image);
	memcpy(bench->model, present, DISK_BYTES);
	twin(bench, (struct block_options){ 0 }, 300);
	run_command("qemu-img snapshot -a first %s", bench->image);
	memcpy(bench->model, old, DISK_BYTES);
	twin(bench, (struct block_options){ 0 }, 300);
	run_command("qemu-img snapshot -d first %s", bench->image);
	twin(bench, (struct block_options){ 0 }, 300);
	free(old);
	free(present);
}

static void twin_vhd(void **state)
{
	struct bench *bench = *state;

	bench->format = "vpc";
	run_command("qemu-img create -q -f vpc -o force_size=on %s %d", bench->image, DISK_BYTES);
	twin(bench, (struct block_options){ 0 }, 700);
	twin(bench, (struct block_options){ .cache = BLOCK_CACHE_WRITETHROUGH }, 300);
}

static void twin_vhd_fixed(void **state)
{
	struct bench *bench = *state;

	bench->format = "vpc";
	run_command("qemu-img create -q -f vpc -o force_size=on,subformat=fixed %s %d",
		    bench->image, DISK_BYTES);
	twin(bench, (struct block_options){ 0 }, 700);
}

/** A block of which only the sectors that its bitmap names were written: the others are zeros. */
static void sparse_vhd_blocks_are_completed(void **state)
{
	struct bench *bench = *state;
	uint8_t bitmap[SECTOR] = { 0x80 }, data[2 * SECTOR];
	struct block *block;
	int fd;

	bench->format = "vpc";
	run_command("qemu-img create -q -f vpc -o force_size=on %s %d", bench->image, DISK_BYTES);
	block = open_well(bench, (struct block_options){ 0 });
	memset(data, 7, sizeof(data));
	assert_int_equal(block_write_now(block, 0, data, sizeof(data)), 0);
	block_close(block);
	fd = open(bench->image, O_RDWR);
	/* The only block follows footer, header and table; its bitmap comes first. */
	assert_int_equal(pwrite(fd, bitmap, SECTOR, 512 + 1024 + 512), SECTOR);
	close(fd);
	block = open_well(bench, (struct block_options){ 0 });
	assert_int_equal(block_read_now(block, 0, data, sizeof(data)), 0);
	assert_int_equal(data[SECTOR - 1], 7);
	assert_int_equal(data[SECTOR], 0);
	block_close(block);
}

static int64_t allocated_bytes(const char *path)
{
	struct stat status;

	assert_int_equal(stat(path, &status), 0);
	return (int64_t)status.st_blocks * 512;
}

/** What is discarded goes back to the host's file system, once nothing on the disk leads there any
 * more; what a snapshot still has does not. */
static void discards_give_space_back(void **state)
{
	struct bench *bench = *state;
	struct block *block;
	uint8_t *data = malloc(DISK_BYTES);
	struct slot slot = { .is_busy = true };

	create(bench, "cluster_size=65536");
	block = open_well(bench, (struct block_options){ 0 });
	memset(data, 7, DISK_BYTES);
	assert_int_equal(block_write_now(block, 0, data, DISK_BYTES), 0);
	block_close(block);
	assert_true(allocated_bytes(bench->image) > DISK_BYTES);
	for (unsigned round = 0; round < 2; round++) {
		if (round == 1)
			run_command("qemu-img snapshot -c first %s", bench->image);
		block = open_well(bench, (struct block_options){ 0 });
		slot.request = (struct block_request){
			.op = BLOCK_DISCARD,
			.offset = (uint64_t)round << 20,
			.length = 1 << 20,
			.complete = completed,
		};
		slot.is_busy = true;
		block_start(block, &slot.request);
		block_drain(block);
		assert_int_equal(slot.result, 0);
		assert_int_equal(block_read_now(block, (uint64_t)round << 20, data, 1 << 20), 0);
		assert_true(data[0] == 0 && memcmp(data, data + 1, (1 << 20) - 1) == 0);
		block_close(block);
		assert_true(allocated_bytes(bench->image) <= DISK_BYTES - (1 << 20) + (600 << 10));
		assert_true(allocated_bytes(bench->image) >= DISK_BYTES - (1 << 20));
		run_command("qemu-img check -q -f qcow2 %s", bench->image);
	}
	free(data);
}

/** snapshot=on leaves the image as it was. */
static void overlay_is_dropped(void **state)
{
	struct bench *bench = *state;
	uint8_t *old = malloc(DISK_BYTES);

	fill_model(bench);
	write_model(bench, bench->raw);
	run_command("qemu-img convert -c -f raw -O qcow2 %s %s", bench->raw, bench->image);
	memcpy(old, bench->model, DISK_BYTES);
	bench->block = open_well(bench, (struct block_options){ .snapshot = true });
	play(bench, 1000);
	check_whole_disk(bench);
	block_close(bench->block);
	memcpy(bench->model, old, DISK_BYTES);
	check_by_qemu(bench, bench->image);
	free(old);
}

/** With writes that fail now and then nothing is lost but what failed, and the tables stay whole.
 */
static void failures_lose_nothing_else(void **state)
{
	struct bench *bench = *state;
	uint8_t data[8 * SECTOR], back[8 * SECTOR];
	unsigned failed = 0, done = 0;

	create(bench, "cluster_size=4096");
	bench->block = open_well(bench, (struct block_options){ .metadata_bytes = 1 });
	for (unsigned i = 0; i < 1500; i++) {
		uint64_t offset = next_random(bench) % (DISK_BYTES / sizeof(data)) * sizeof(data);

		memset(data, (int)i, sizeof(data));
		fake_aio_fail_writes(6, -ENOSPC);
		if (block_write_now(bench->block, offset, data, sizeof(data)) == 0) {
			memcpy(bench->model + offset, data, sizeof(data));
			done++;
		} else {
			fake_aio_fail_writes(0, 0);
			failed++;
			/* What is there now is old or new, sector by sector. */
			assert_int_equal(block_read_now(bench->block, offset, back, sizeof(back)),
					 0);
			memcpy(bench->model + offset, back, sizeof(back));
		}
		if (i % 7 == 0 && block_flush_now(bench->block) < 0)
			failed++;
	}
	fake_aio_fail_writes(0, 0);
	assert_true(failed > 50 && done > 500);
	check_whole_disk(bench);
	block_close(bench->block);
	check_by_qemu(bench, bench->image);
}

/* Refusals */

static void assert_refused(struct bench *bench, struct block_options options, const char *words)
{
	assert_null(open_image(bench, options));
	if (!strstr(bench->err.text, words))
		fail_msg("'%s' does not say '%s'", bench->err.text, words);
}

/** Changes a byte of the header. */
static void poke(struct bench *bench, off_t at, uint8_t value)
{
	int fd = open(bench->image, O_WRONLY);

	assert_int_equal(pwrite(fd, &value, 1, at), 1);
	close(fd);
}

static void what_is_not_done_is_named(void **state)
{
	struct bench *bench = *state;
	const struct block_options none = { 0 };

	write_model(bench, bench->image);
	assert_refused(bench, none, "not a qcow2 image");
	create(bench, "extended_l2=on,cluster_size=65536");
	assert_refused(bench, none, "extended L2 entries");
	create(bench, "data_file=data");
	assert_refused(bench, none, "external data file");
	create(bench, "cluster_size=65536");
	poke(bench, 35, 1);
	assert_refused(bench, none, "encrypted");
	create(bench, "cluster_size=65536");
	poke(bench, 7, 4);
	assert_refused(bench, none, "version 4");
	create(bench, "cluster_size=65536");
	poke(bench, 72, 1);
	assert_refused(bench, none, "incompatible features");
	create(bench, "cluster_size=65536");
	poke(bench, 79, 2);
	assert_refused(bench, none, "marked corrupt");
	block_close(open_well(bench, (struct block_options){ .read_only = true }));
	create(bench, "cluster_size=65536");
	run_command("qemu-img rebase -q -u -f qcow2 -b nbd://host/disk -F raw %s", bench->image);
	assert_refused(bench, none, "not a file of this host");
	run_command("qemu-img rebase -q -u -f qcow2 -b image -F qcow2 %s", bench->image);
	assert_refused(bench, (struct block_options){ .read_only = true }, "goes in a circle");
	run_command("qemu-img rebase -q -u -f qcow2 -b gone -F raw %s", bench->image);
	assert_refused(bench, none, "gone'");
}

/** A guest that writes a qcow2 header into its raw disk gains nothing. */
static void content_is_never_probed(void **state)
{
	struct bench *bench = *state;
	uint8_t magic[SECTOR] = { 'Q', 'F', 'I', 0xfb, 0, 0, 0, 3 }, back[SECTOR];
	struct block *block;

	write_model(bench, bench->image);
	block = open_well(bench, (struct block_options){ .format = "raw" });
	assert_int_equal(block_write_now(block, 0, magic, SECTOR), 0);
	block_close(block);
	block = open_well(bench, (struct block_options){ .format = "raw" });
	assert_int_equal(block_size_bytes(block), DISK_BYTES);
	assert_int_equal(block_read_now(block, 0, back, SECTOR), 0);
	assert_memory_equal(magic, back, SECTOR);
	block_close(block);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(twin_plain),
		TEST(twin_version_2),
		TEST(twin_small_clusters),
		TEST(twin_large_clusters),
		TEST(twin_written_through),
		TEST(twin_backed_by_raw),
		TEST(twin_chain),
		TEST(twin_compressed),
		TEST(twin_zstd),
		TEST(twin_snapshots),
		TEST(twin_vhd),
		TEST(twin_vhd_fixed),
		TEST(sparse_vhd_blocks_are_completed),
		TEST(discards_give_space_back),
		TEST(overlay_is_dropped),
		TEST(failures_lose_nothing_else),
		TEST(what_is_not_done_is_named),
		TEST(content_is_never_probed),
	};

	cmocka_set_test_filter(getenv("TEST_FILTER"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
