// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kill -9 at random moments, with the kernel's real transfers: a process writes and flushes, and
 * says in shared memory what it has asked for and what was flushed. KILLS in the environment is how
 * often, 50 unless it is said.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/loop.h"
#include "block/block.h"
#include "block/image.h"

enum {
	SECTOR = 512,
	SECTORS = 4096,
	COUNT_MAX = 24,
	FLUSH_EVERY = 7,
	KILLS = 50,
};

struct shared {
	uint32_t next; /* version */
	uint32_t asked[SECTORS], flushed[SECTORS];
	uint32_t flushes;
};

static struct shared *shared;
static char image[64];
static uint64_t random_state = 1;

static unsigned next_random(unsigned limit)
{
	random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (unsigned)(random_state >> 33) % limit;
}

static struct block *open_image(struct loop *loop, bool read_only)
{
	const struct block_options options = { .filename = image,
					       .fd = -1,
					       .format = "qcow2",
					       .read_only = read_only,
					       .metadata_bytes = 1 };
	struct err err = { 0 };
	struct block *block = block_open(&options, loop, &err);

	if (!block)
		fail_msg("%s", err.text);
	return block;
}

static void write_some(struct block *block)
{
	uint8_t data[COUNT_MAX * SECTOR];
	unsigned count = 1 + next_random(COUNT_MAX), first = next_random(SECTORS - count);
	uint32_t version = ++shared->next;

	for (size_t i = 0; i < count * SECTOR; i += 4)
		store_le32(data + i, version);
	for (unsigned i = first; i < first + count; i++)
		shared->asked[i] = version;
	if (block_write_now(block, first * SECTOR, data, count * SECTOR) < 0)
		_exit(1);
}

/** Never returns. */
static void work(void)
{
	struct block *block = open_image(loop_create(), false);

	for (unsigned i = 1;; i++) {
		write_some(block);
		if (i % FLUSH_EVERY != 0)
			continue;
		if (block_flush_now(block) < 0)
			_exit(1);
		memcpy(shared->flushed, shared->asked, sizeof(shared->flushed));
		shared->flushes++;
	}
}

static void look(void)
{
	struct loop *loop = loop_create();
	struct image_check check;
	struct block *block;
	struct err err = { 0 };
	uint8_t *data = malloc(SECTORS * SECTOR);

	assert_int_equal(image_check(image, "qcow2", IMAGE_REPAIR_NOTHING, &check, loop, &err), 0);
	assert_int_equal(check.errors, 0);
	block = open_image(loop, true);
	assert_int_equal(block_read_now(block, 0, data, SECTORS * SECTOR), 0);
	for (unsigned i = 0; i < SECTORS; i++) {
		uint32_t found = load_le32(data + i * SECTOR);

		if (found < shared->flushed[i] || found > shared->asked[i])
			fail_msg("sector %u holds %u, flushed was %u", i, found,
				 shared->flushed[i]);
		shared->flushed[i] = shared->asked[i] = found;
	}
	free(data);
	block_close(block);
	loop_destroy(loop);
}

static void nothing_flushed_is_lost(void **state)
{
	const char *wish = getenv("KILLS");
	unsigned kills = wish ? (unsigned)atoi(wish) : KILLS;
	char command[160];

	(void)state;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	strcpy(image, "/var/tmp/test_qcow2_kill-XXXXXX");
	close(mkstemp(image));
	snprintf(command, sizeof(command), "qemu-img create -q -f qcow2 -o cluster_size=4096 %s %d",
		 image, SECTORS * SECTOR);
	assert_int_equal(system(command), 0);
	for (unsigned i = 0; i < kills; i++) {
		uint32_t flushes = shared->flushes;
		pid_t child = fork();

		if (child == 0)
			work();
		/* It has come to something, however busy the host is; then any moment will do. */
		while (shared->flushes == flushes && waitpid(child, NULL, WNOHANG) == 0)
			usleep(1000);
		usleep(next_random(20000));
		assert_int_equal(kill(child, SIGKILL), 0);
		waitpid(child, NULL, 0);
		random_state += i;
		look();
	}
	snprintf(command, sizeof(command),
		 "qemu-img check -q -r leaks -f qcow2 %s > /dev/null 2>&1 && "
		 "qemu-img check -q -f qcow2 %s",
		 image, image);
	assert_int_equal(system(command), 0);
	unlink(image);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_flushed_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
