// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Images against the kernel's real files: every test runs with io_uring (where the kernel allows
 * it) and with threads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/loop.h"
#include "block/block.h"

enum {
	IMAGE_BYTES = 1024 * 1024,
	PIECES_MAX = 6,
	SLOTS = 48, /* more at a time than the ring has entries */
};

struct bench {
	struct loop *loop;
	char path[64];
	struct err err;
	unsigned stopped_count;
	int stopped_error;
};

struct work {
	struct block_request request;
	struct iovec iov[PIECES_MAX];
	uint8_t *memory;
	size_t bytes;
	bool is_complete;
	int result;
};

static uint32_t random_state = 1;

static uint32_t random_next(void)
{
	random_state = random_state * 1664525u + 1013904223u;
	return random_state >> 8;
}

static void work_complete(struct block_request *request, int result)
{
	struct work *work = container_of(request, struct work, request);

	assert_false(work->is_complete);
	work->is_complete = true;
	work->result = result;
}

static void start(struct block *block, struct work *work, enum block_op op, uint64_t offset)
{
	work->request.op = op;
	work->request.offset = offset;
	work->request.iov = work->iov;
	work->request.complete = work_complete;
	work->is_complete = false;
	block_start(block, &work->request);
	assert_false(work->is_complete);
}

static int transfer(struct bench *bench, struct block *block, enum block_op op, uint64_t offset,
		    void *data, size_t bytes)
{
	struct work work = { .iov = { { data, bytes } }, .request = { .iov_count = 1 } };

	start(block, &work, op, offset);
	while (!work.is_complete)
		loop_turn(bench->loop, 1000);
	return work.result;
}

static int flush(struct bench *bench, struct block *block)
{
	return transfer(bench, block, BLOCK_FLUSH, 0, NULL, 0);
}

/* An image whose every byte tells its sector and its place. */
static uint8_t pattern(uint64_t position)
{
	return (uint8_t)(position / 512 * 7 + position % 251);
}

static void write_image(struct bench *bench, size_t bytes)
{
	int fd = open(bench->path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	uint8_t *data = malloc(bytes);

	assert_true(fd >= 0 && data);
	for (size_t i = 0; i < bytes; i++)
		data[i] = pattern(i);
	assert_int_equal(write(fd, data, bytes), bytes);
	free(data);
	close(fd);
}

static struct block *open_image(struct bench *bench, struct block_options options)
{
	struct block *block;

	options.filename = options.filename ? options.filename : bench->path;
	options.fd = options.fd ? options.fd : -1;
	bench->err.text[0] = '\0';
	block = block_open(&options, bench->loop, &bench->err);
	assert_true(!block == (bench->err.text[0] != '\0'));
	return block;
}

static void assert_refused(struct bench *bench, struct block_options options, const char *sentence)
{
	assert_null(open_image(bench, options));
	if (!strstr(bench->err.text, sentence))
		fail_msg("'%s' does not say '%s'", bench->err.text, sentence);
}

static int set_up(void **state, bool threads)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	int fd;

	aio_force_threads(threads);
	random_state = 1;
	bench->loop = loop_create();
	/* /var/tmp rather than /tmp: a tmpfs would not take O_DIRECT. */
	strcpy(bench->path, "/var/tmp/test_block-XXXXXX");
	fd = mkstemp(bench->path);
	close(fd);
	write_image(bench, IMAGE_BYTES);
	*state = bench;
	return fd < 0 || !bench->loop;
}

static int set_up_uring(void **state)
{
	return set_up(state, false);
}

static int set_up_threads(void **state)
{
	return set_up(state, true);
}

static int tear_down(void **state)
{
	struct bench *bench = *state;

	unlink(bench->path);
	loop_destroy(bench->loop);
	free(bench);
	return 0;
}

/* Many random requests at a time, on disjoint parts of the disk, and a copy in memory that must
 * agree. */

struct twin {
	struct bench *bench;
	struct block *block;
	uint8_t *model;
	struct work works[SLOTS];
};

enum {
	SLOT_BYTES = (IMAGE_BYTES - 4096) / SLOTS & ~511,
};

/* Cuts 'bytes' of memory into pieces of odd lengths and addresses. */
static void cut(struct work *work, size_t bytes)
{
	uint8_t *at = work->memory + random_next() % 3 * 512;
	unsigned count = 1 + random_next() % PIECES_MAX;

	work->bytes = bytes;
	work->request.iov_count = count;
	for (unsigned i = 0; i < count; i++) {
		size_t length = i == count - 1 ? bytes : min_size(bytes, random_next() % 3000);

		work->iov[i] = (struct iovec){ at, length };
		at += length + (random_next() % 2) * 3;
		bytes -= length;
	}
}

static void copy_pieces(struct work *work, uint8_t *model, bool to_model)
{
	for (unsigned i = 0; i < work->request.iov_count; i++) {
		struct iovec *piece = &work->iov[i];

		if (to_model)
			memcpy(model, piece->iov_base, piece->iov_len);
		else
			assert_memory_equal(model, piece->iov_base, piece->iov_len);
		model += piece->iov_len;
	}
}

static void twin_round(struct twin *twin)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		struct work *work = &twin->works[i];
		uint32_t sectors = 1 + random_next() % (SLOT_BYTES / 512);
		uint32_t first = random_next() % (SLOT_BYTES / 512 - sectors + 1);
		uint64_t offset = (uint64_t)i * SLOT_BYTES + first * 512;
		enum block_op op = random_next() % 2 ? BLOCK_WRITE : BLOCK_READ;

		cut(work, (size_t)sectors * 512);
		for (size_t n = 0; n < SLOT_BYTES + 4096; n += 64)
			work->memory[n] = (uint8_t)random_next();
		if (op == BLOCK_WRITE)
			copy_pieces(work, twin->model + offset, true);
		start(twin->block, work, op, offset);
	}
	if (random_next() % 2)
		block_drain(twin->block);
	for (unsigned i = 0; i < SLOTS; i++) {
		struct work *work = &twin->works[i];

		while (!work->is_complete)
			loop_turn(twin->bench->loop, 1000);
		assert_int_equal(work->result, 0);
		if (work->request.op == BLOCK_READ)
			copy_pieces(work, twin->model + work->request.offset, false);
	}
}

static void run_twin(struct bench *bench, struct block_options options)
{
	struct twin twin = { .bench = bench, .block = open_image(bench, options) };
	uint8_t *whole = malloc(IMAGE_BYTES);

	assert_non_null(twin.block);
	twin.model = malloc(IMAGE_BYTES);
	for (size_t i = 0; i < IMAGE_BYTES; i++)
		twin.model[i] = pattern(i);
	for (unsigned i = 0; i < SLOTS; i++)
		twin.works[i].memory = aligned_alloc(4096, align_up(SLOT_BYTES + 8192, 4096));
	for (unsigned i = 0; i < 30; i++)
		twin_round(&twin);
	assert_int_equal(flush(bench, twin.block), 0);
	assert_int_equal(block_read_now(twin.block, 0, whole, IMAGE_BYTES), 0);
	assert_memory_equal(whole, twin.model, IMAGE_BYTES);
	block_close(twin.block);
	for (unsigned i = 0; i < SLOTS; i++)
		free(twin.works[i].memory);
	free(twin.model);
	free(whole);
}

static void twin_writeback(void **state)
{
	run_twin(*state, (struct block_options){ .cache = BLOCK_CACHE_WRITEBACK });
}

static void twin_direct(void **state)
{
	run_twin(*state, (struct block_options){ .cache = BLOCK_CACHE_NONE });
}

static void twin_directsync(void **state)
{
	run_twin(*state, (struct block_options){ .cache = BLOCK_CACHE_DIRECTSYNC });
}

static void twin_snapshot(void **state)
{
	struct bench *bench = *state;
	uint8_t sector[512];
	int fd;

	run_twin(bench, (struct block_options){ .snapshot = true });
	/* The image itself has not changed. */
	fd = open(bench->path, O_RDONLY);
	for (uint64_t at = 0; at < IMAGE_BYTES; at += sizeof(sector)) {
		assert_int_equal(read(fd, sector, sizeof(sector)), sizeof(sector));
		for (unsigned i = 0; i < sizeof(sector); i++)
			assert_int_equal(sector[i], pattern(at + i));
	}
	close(fd);
}

static void odd_length_reads_zeros_and_grows(void **state)
{
	struct bench *bench = *state;
	uint8_t data[1024];
	struct block *block;
	struct stat status;

	write_image(bench, 1000);
	block = open_image(bench, (struct block_options){ .read_only = true });
	assert_int_equal(block_size_bytes(block), 1024);
	memset(data, 0xee, sizeof(data));
	assert_int_equal(transfer(bench, block, BLOCK_READ, 0, data, 1024), 0);
	assert_int_equal(data[999], pattern(999));
	for (unsigned i = 1000; i < 1024; i++)
		assert_int_equal(data[i], 0);
	assert_int_equal(transfer(bench, block, BLOCK_WRITE, 0, data, 512), -EROFS);
	block_close(block);

	block = open_image(bench, (struct block_options){ .fd = 0 });
	memset(data, 0x5a, sizeof(data));
	assert_int_equal(transfer(bench, block, BLOCK_WRITE, 512, data, 512), 0);
	memset(data, 0, sizeof(data));
	assert_int_equal(transfer(bench, block, BLOCK_READ, 512, data, 512), 0);
	assert_int_equal(data[511], 0x5a);
	assert_int_equal(stat(bench->path, &status), 0);
	assert_int_equal(status.st_size, 1024);
	block_close(block);

	/* A CD's last sector of 2048 bytes is made whole, too; so is a snapshot's. */
	block = open_image(bench, (struct block_options){ .is_cdrom = true });
	assert_int_equal(block_size_bytes(block), 2048);
	assert_true(block_is_read_only(block));
	assert_int_equal(transfer(bench, block, BLOCK_READ, 1024, data, 1024), 0);
	for (unsigned i = 0; i < sizeof(data); i++)
		assert_int_equal(data[i], 0);
	block_close(block);
}

static void bad_requests_are_refused(void **state)
{
	struct bench *bench = *state;
	struct block *block = open_image(bench, (struct block_options){ .fd = 0 });
	struct block_stats stats;
	uint8_t data[1024];

	assert_int_equal(transfer(bench, block, BLOCK_READ, IMAGE_BYTES, data, 512), -EINVAL);
	assert_int_equal(transfer(bench, block, BLOCK_READ, IMAGE_BYTES - 512, data, 1024),
			 -EINVAL);
	assert_int_equal(transfer(bench, block, BLOCK_READ, UINT64_MAX - 511, data, 512), -EINVAL);
	assert_int_equal(transfer(bench, block, BLOCK_READ, 1, data, 512), -EINVAL);
	assert_int_equal(transfer(bench, block, BLOCK_WRITE, 0, data, 100), -EINVAL);
	assert_int_equal(transfer(bench, block, BLOCK_READ, 0, data, 0), 0);
	assert_int_equal(transfer(bench, block, BLOCK_READ, 0, data, 1024), 0);
	block_get_stats(block, &stats);
	assert_int_equal(stats.errors, 5);
	assert_int_equal(stats.read_bytes, 1024);
	block_close(block);
}

static void empty_medium_fails(void **state)
{
	struct bench *bench = *state;
	struct block *block = block_create_empty(bench->loop);
	uint8_t data[512];

	assert_true(block_is_empty(block));
	assert_int_equal(block_size_bytes(block), 0);
	assert_string_equal(block_filename(block), "");
	assert_int_equal(transfer(bench, block, BLOCK_READ, 0, data, 512), -ENOMEDIUM);
	assert_int_equal(transfer(bench, block, BLOCK_FLUSH, 0, NULL, 0), -ENOMEDIUM);
	assert_int_equal(block_read_now(block, 0, data, 512), -ENOMEDIUM);
	assert_int_equal(block_flush_now(block), 0);
	block_close(block);
	block_close(NULL);
}

static void shrunk_fails_and_vanished_works(void **state)
{
	struct bench *bench = *state;
	struct block *block = open_image(bench, (struct block_options){ .fd = 0 });
	uint8_t data[8192];

	assert_int_equal(truncate(bench->path, 4096), 0);
	assert_int_equal(transfer(bench, block, BLOCK_READ, 0, data, 8192), -EIO);
	assert_int_equal(transfer(bench, block, BLOCK_READ, 0, data, 4096), 0);
	unlink(bench->path);
	assert_int_equal(transfer(bench, block, BLOCK_WRITE, 8192, data, 4096), 0);
	assert_int_equal(transfer(bench, block, BLOCK_READ, 8192, data + 4096, 4096), 0);
	assert_memory_equal(data, data + 4096, 4096);
	block_close(block);
}

/* Error policies: the process may not make files longer than a limit, which a new sector would
 * exceed. */

static void limit_files(rlim_t bytes)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void on_stopped(void *opaque, struct block *block, bool is_write, int error)
{
	struct bench *bench = opaque;

	(void)block;
	assert_true(is_write);
	bench->stopped_count++;
	bench->stopped_error = error;
}

static struct block *open_limited(struct bench *bench, enum block_error_action action)
{
	struct block *block =
		open_image(bench, (struct block_options){ .write_error = action,
							  .read_error = BLOCK_ERROR_REPORT });

	assert_non_null(block);
	block_set_error_hook(block, on_stopped, bench);
	assert_int_equal(truncate(bench->path, 0), 0);
	limit_files(4096);
	return block;
}

static void errors_are_reported_or_ignored(void **state)
{
	struct bench *bench = *state;
	uint8_t data[512] = { 1 };
	struct block *block = open_limited(bench, BLOCK_ERROR_REPORT);

	assert_int_equal(transfer(bench, block, BLOCK_WRITE, 8192, data, 512), -EFBIG);
	limit_files(RLIM_INFINITY);
	block_close(block);
	write_image(bench, IMAGE_BYTES);

	block = open_limited(bench, BLOCK_ERROR_IGNORE);
	assert_int_equal(transfer(bench, block, BLOCK_WRITE, 8192, data, 512), 0);
	limit_files(RLIM_INFINITY);
	block_close(block);
	write_image(bench, IMAGE_BYTES);

	/* Not for lack of space: reported. */
	block = open_limited(bench, BLOCK_ERROR_ENOSPC);
	assert_int_equal(transfer(bench, block, BLOCK_WRITE, 8192, data, 512), -EFBIG);
	limit_files(RLIM_INFINITY);
	block_close(block);
	assert_int_equal(bench->stopped_count, 0);
}

static void held_requests_are_tried_again(void **state)
{
	struct bench *bench = *state;
	struct block *block = open_limited(bench, BLOCK_ERROR_STOP);
	uint8_t data[1024] = { 1, 2, 3 }, back[512];
	struct work first = { .iov = { { data, 512 } }, .request = { .iov_count = 1 } };
	struct work second = { .iov = { { data + 512, 512 } }, .request = { .iov_count = 1 } };

	start(block, &first, BLOCK_WRITE, 8192);
	start(block, &second, BLOCK_WRITE, 12288);
	block_drain(block);
	assert_int_equal(bench->stopped_count, 2);
	assert_int_equal(bench->stopped_error, -EFBIG);
	assert_false(first.is_complete || second.is_complete);

	/* Still no room: held again. */
	block_retry(block);
	block_drain(block);
	assert_int_equal(bench->stopped_count, 4);
	assert_false(first.is_complete || second.is_complete);

	limit_files(RLIM_INFINITY);
	block_retry(block);
	block_drain(block);
	assert_true(first.is_complete && second.is_complete);
	assert_int_equal(first.result, 0);
	assert_int_equal(block_read_now(block, 8192, back, 512), 0);
	assert_memory_equal(data, back, 512);

	limit_files(4096);
	start(block, &first, BLOCK_WRITE, 65536);
	start(block, &second, BLOCK_WRITE, 131072);
	block_drain(block);
	assert_int_equal(bench->stopped_count, 6);
	block_cancel_held(block);
	assert_int_equal(first.result, -ECANCELED);
	assert_int_equal(second.result, -ECANCELED);
	limit_files(RLIM_INFINITY);
	block_close(block);
}

/* A drain delivers what belongs to its own block only. */
static void drain_leaves_others(void **state)
{
	struct bench *bench = *state;
	struct block *one = open_image(bench, (struct block_options){ .read_only = true });
	struct block *other = open_image(bench, (struct block_options){ .read_only = true });
	uint8_t data[2][4096];
	struct work mine = { .iov = { { data[0], 4096 } }, .request = { .iov_count = 1 } };
	struct work theirs = { .iov = { { data[1], 4096 } }, .request = { .iov_count = 1 } };

	start(other, &theirs, BLOCK_READ, 4096);
	start(one, &mine, BLOCK_READ, 4096);
	block_drain(one);
	assert_true(mine.is_complete);
	assert_false(theirs.is_complete);
	while (!theirs.is_complete)
		loop_turn(bench->loop, 1000);
	assert_memory_equal(data[0], data[1], 4096);
	block_close(one);
	block_close(other);
}

/* A completion may start the next request and close the block of another. */
struct chain {
	struct block_request request;
	struct iovec iov;
	struct block *block, *victim;
	unsigned left;
	bool is_complete;
};

static void chain_next(struct block_request *request, int result)
{
	struct chain *chain = container_of(request, struct chain, request);

	assert_int_equal(result, 0);
	block_close(chain->victim);
	chain->victim = NULL;
	if (chain->left-- > 0)
		block_start(chain->block, request);
	else
		chain->is_complete = true;
}

static void completions_start_requests(void **state)
{
	struct bench *bench = *state;
	uint8_t data[512];
	struct chain chain = { .iov = { data, sizeof(data) }, .left = 1000 };

	chain.block = open_image(bench, (struct block_options){ .read_only = true });
	chain.victim = open_image(bench, (struct block_options){ .read_only = true });
	chain.request = (struct block_request){
		.op = BLOCK_READ, .iov = &chain.iov, .iov_count = 1, .complete = chain_next
	};
	block_start(chain.block, &chain.request);
	while (!chain.is_complete)
		loop_turn(bench->loop, 1000);
	block_close(chain.block);
}

static void passed_descriptor(void **state)
{
	struct bench *bench = *state;
	uint8_t data[512];
	int fd = open(bench->path, O_RDONLY | O_NONBLOCK);
	struct block *block;

	unlink(bench->path);
	block = open_image(
		bench,
		(struct block_options){ .fd = fd, .filename = "/dev/fdset/1", .read_only = true });
	assert_non_null(block);
	assert_string_equal(block_filename(block), "/dev/fdset/1");
	assert_int_equal(transfer(bench, block, BLOCK_READ, 512, data, 512), 0);
	assert_int_equal(data[0], pattern(512));
	block_close(block);
	assert_int_equal(fcntl(fd, F_GETFD), -1); /* it was taken over */

	write_image(bench, 512);
	fd = open(bench->path, O_RDONLY);
	assert_refused(bench, (struct block_options){ .fd = fd },
		       "not open for reading and writing");
	assert_int_equal(fcntl(fd, F_GETFD), -1);
}

static void sentences(void **state)
{
	struct bench *bench = *state;

	assert_refused(bench, (struct block_options){ .filename = "/nonexistent/disk" },
		       "cannot open '/nonexistent/disk': No such file");
	assert_refused(bench, (struct block_options){ .filename = "/var", .read_only = true },
		       "is a directory");
	assert_refused(bench, (struct block_options){ .filename = "/dev/null" },
		       "neither a file nor a block device");
	assert_refused(bench, (struct block_options){ .format = "vdi" },
		       "qemu-img convert -O qcow2");
	assert_refused(bench, (struct block_options){ .format = "qcow2" }, "not a qcow2 image");
	assert_refused(bench, (struct block_options){ .format = "rwa" }, "did you mean 'raw'");
	assert_int_equal(truncate(bench->path, 0), 0);
	assert_refused(bench, (struct block_options){ .fd = 0 }, "is empty");
}

static void writer_excludes_others(void **state)
{
	struct bench *bench = *state;
	struct block_options reader = { .read_only = true, .is_cdrom = true };
	struct block *first = open_image(bench, reader);
	struct block *second = open_image(bench, reader);

	assert_true(first && second);
	assert_refused(bench, (struct block_options){ .fd = 0 }, "is in use by another drive");
	block_close(first);
	block_close(second);
	first = open_image(bench, (struct block_options){ .fd = 0 });
	assert_non_null(first);
	assert_refused(bench, reader, "is in use");
	second = open_image(bench, (struct block_options){ .no_lock = true });
	assert_non_null(second);
	block_close(second);
	block_close(first);
}

/* Another process is named, and a disk is given over by one that goes meanwhile. */
static void lock_names_and_waits(void **state)
{
	struct bench *bench = *state;
	int ready[2], end[2];
	char byte = 0, words[64];
	struct block *block;
	pid_t child;

	assert_int_equal(pipe(ready) | pipe(end), 0);
	child = fork();
	if (child == 0) {
		int fd = open(bench->path, O_RDWR);
		struct flock claim = { .l_type = F_RDLCK, .l_start = 100, .l_len = 2 };

		close(end[1]);
		claim.l_whence = SEEK_SET;
		(void)!fcntl(fd, F_OFD_SETLK, &claim);
		(void)!write(ready[1], &byte, 1);
		(void)!read(end[0], &byte, 1);
		usleep(150000);
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	snprintf(words, sizeof(words), "is in use by process %d", (int)child);
	assert_refused(bench, (struct block_options){ .is_cdrom = true }, words);
	assert_int_equal(write(end[1], &byte, 1), 1);
	block = open_image(bench, (struct block_options){ .fd = 0 });
	assert_non_null(block);
	block_close(block);
	waitpid(child, NULL, 0);
	close(ready[0]);
	close(ready[1]);
	close(end[0]);
	close(end[1]);
}

static void backend_is_the_asked_one(void **state)
{
	struct bench *bench = *state;
	struct aio *aio = aio_acquire(bench->loop);

	assert_string_equal(aio_backend_name(aio), "none");
	assert_int_equal(aio_prepare(aio), 0);
	print_message("aio by %s\n", aio_backend_name(aio));
	aio_release(aio);
}

#define BOTH(function)                                                            \
	{ #function " (io_uring)", function, set_up_uring, tear_down, NULL },     \
	{                                                                         \
#function " (threads)", function, set_up_threads, tear_down, NULL \
	}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		BOTH(backend_is_the_asked_one),
		BOTH(twin_writeback),
		BOTH(twin_direct),
		BOTH(twin_directsync),
		BOTH(twin_snapshot),
		BOTH(odd_length_reads_zeros_and_grows),
		BOTH(bad_requests_are_refused),
		BOTH(empty_medium_fails),
		BOTH(shrunk_fails_and_vanished_works),
		BOTH(errors_are_reported_or_ignored),
		BOTH(held_requests_are_tried_again),
		BOTH(drain_leaves_others),
		BOTH(completions_start_requests),
		BOTH(passed_descriptor),
		BOTH(sentences),
		BOTH(writer_excludes_others),
		BOTH(lock_names_and_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
