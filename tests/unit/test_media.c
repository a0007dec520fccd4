// SPDX-License-Identifier: GPL-2.0-or-later
/* Media made on the fly as the device model has them: read, handed over, and kept honest. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/loop.h"
#include "block/block.h"
#include "block/media.h"

enum {
	LARGE_BYTES = 300001,
	SMALL_BYTES = 77,
	MANY_FILES = 450, /* more than one message takes */
};

struct bench {
	char directory[32];
	struct loop *loop;
	struct err err;
};

static void put_file(const struct bench *bench, const char *name, size_t bytes, uint8_t fill)
{
	char path[128];
	uint8_t *content = malloc(bytes + 1);
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", bench->directory, name);
	for (size_t i = 0; i < bytes; i++)
		content[i] = (uint8_t)(fill + i * 7 + i / 251);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_int_equal(fwrite(content, 1, bytes, file), bytes);
	fclose(file);
	free(content);
}

static int setup(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	strcpy(bench->directory, "/tmp/test-media-XXXXXX");
	assert_non_null(mkdtemp(bench->directory));
	bench->loop = loop_create();
	assert_non_null(bench->loop);
	put_file(bench, "small", SMALL_BYTES, 1);
	put_file(bench, "large", LARGE_BYTES, 2);
	*state = bench;
	return 0;
}

static int teardown(void **state)
{
	struct bench *bench = *state;
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", bench->directory);
	assert_int_equal(system(command), 0);
	loop_destroy(bench->loop);
	free(bench);
	return 0;
}

static struct block *open_directory(struct bench *bench)
{
	const struct block_options options = {
		.filename = bench->directory, .fd = -1, .format = "directory", .is_cdrom = true
	};
	struct block *block = block_open(&options, bench->loop, &bench->err);

	if (!block)
		fail_msg("%s", bench->err.text);
	return block;
}

/** A descriptor as 'hvm cd-insert' hands it over. */
static int send_directory(struct bench *bench)
{
	struct composed composed;
	int fd;

	if (media_make_cd(&composed, bench->directory, &bench->err) < 0)
		fail_msg("%s", bench->err.text);
	fd = composed_send(&composed, &bench->err);
	composed_finish(&composed);
	if (fd < 0)
		fail_msg("%s", bench->err.text);
	return fd;
}

static struct block *open_handed_over(struct bench *bench, int fd)
{
	const struct block_options options = {
		.filename = "medium", .fd = fd, .format = "composed", .is_cdrom = true
	};

	return block_open(&options, bench->loop, &bench->err);
}

static uint8_t *read_all(struct block *block, int *result)
{
	uint8_t *bytes = malloc(block_size_bytes(block));

	assert_non_null(bytes);
	*result = block_read_now(block, 0, bytes, block_size_bytes(block));
	return bytes;
}

static void assert_same_content(struct block *a, struct block *b)
{
	int result_a, result_b;
	uint8_t *bytes_a = read_all(a, &result_a), *bytes_b = read_all(b, &result_b);

	assert_int_equal(result_a, 0);
	assert_int_equal(result_b, 0);
	assert_int_equal(block_size_bytes(a), block_size_bytes(b));
	assert_memory_equal(bytes_a, bytes_b, block_size_bytes(a));
	free(bytes_a);
	free(bytes_b);
}

/** In one request, and a sector at a time: the same. */
static void reads_in_pieces(void **state)
{
	struct bench *bench = *state;
	struct block *block = open_directory(bench);
	uint8_t sector[512], *bytes;
	int result;

	bytes = read_all(block, &result);
	assert_int_equal(result, 0);
	assert_memory_equal(bytes + 16 * 2048 + 1, "CD001", 5);
	for (uint64_t at = 0; at < block_size_bytes(block); at += sizeof(sector)) {
		assert_int_equal(block_read_now(block, at, sector, sizeof(sector)), 0);
		assert_memory_equal(sector, bytes + at, sizeof(sector));
	}
	free(bytes);
	assert_true(block_is_read_only(block));
	assert_int_equal(block_write_now(block, 0, sector, sizeof(sector)), -EROFS);
	assert_int_equal(block_flush_now(block), 0);
	block_close(block);
}

static void handed_over(void **state)
{
	struct bench *bench = *state;
	struct block *block, *other;
	char name[32];

	for (int i = 0; i < MANY_FILES; i++) {
		snprintf(name, sizeof(name), "file-%d", i);
		put_file(bench, name, 20000, (uint8_t)i);
	}
	block = open_directory(bench);
	other = open_handed_over(bench, send_directory(bench));
	if (!other)
		fail_msg("%s", bench->err.text);
	assert_same_content(block, other);
	block_close(other);
	block_close(block);
}

static void refused(struct bench *bench, int fd)
{
	bench->err.text[0] = '\0';
	assert_null(open_handed_over(bench, fd));
	assert_true(bench->err.text[0] != '\0');
}

static void what_is_handed_over_is_checked(void **state)
{
	struct bench *bench = *state;
	int ends[2], fd;

	refused(bench, open("/dev/null", O_RDONLY | O_CLOEXEC));
	refused(bench, -1);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	refused(bench, ends[0]); /* nothing is there yet: nobody waits for it */
	close(ends[1]);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(write(ends[1], "x", 1), 1);
	close(ends[1]);
	refused(bench, ends[0]);
	/* A second time nothing is left of it. */
	fd = send_directory(bench);
	block_close(open_handed_over(bench, dup(fd)));
	refused(bench, fd);
}

/** The table of what waits in 'fd', which stays there. */
static int peek_table(int fd)
{
	char control[CMSG_SPACE(sizeof(int))], byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	int table;

	assert_int_equal(recvmsg(fd, &message, MSG_PEEK), 1);
	assert_non_null(CMSG_FIRSTHDR(&message));
	memcpy(&table, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(table));
	return table;
}

/** With any byte of the table different, it is refused, or is an image that can be read. */
static void a_table_of_noise(void **state)
{
	static const uint8_t masks[] = { 0x01, 0x80, 0xff };
	struct bench *bench = *state;
	size_t opened = 0, tables = 0;
	off_t bytes = 1;

	for (off_t at = 0; at < bytes; at++) {
		int fd = send_directory(bench), table = peek_table(fd), result;
		struct block *block;
		uint8_t byte;

		bytes = lseek(table, 0, SEEK_END);
		assert_int_equal(pread(table, &byte, 1, at), 1);
		byte ^= masks[at % 3];
		assert_int_equal(pwrite(table, &byte, 1, at), 1);
		close(table);
		tables++;
		block = open_handed_over(bench, fd);
		if (!block)
			continue;
		opened++;
		if (block_size_bytes(block) < 16 << 20)
			free(read_all(block, &result));
		block_close(block);
	}
	/* Names and times may be any. */
	assert_true(opened > 0 && opened < tables);
}

static void touch(const struct bench *bench, const char *name)
{
	const struct timespec times[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", bench->directory, name);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/** A changed file is never read as if it were the old one; what is not touched still reads. */
static void a_changed_file_fails(void **state)
{
	struct bench *bench = *state;
	struct block *block;
	uint8_t sector[512];
	int result;
	char path[128];

	for (int change = 0; change < 3; change++) {
		put_file(bench, "large", LARGE_BYTES, 2);
		block = open_directory(bench);
		snprintf(path, sizeof(path), "%s/large", bench->directory);
		if (change == 0)
			touch(bench, "large");
		else if (change == 1)
			assert_int_equal(truncate(path, 1000), 0);
		else
			assert_int_equal(truncate(path, LARGE_BYTES + 1), 0);
		touch(bench, "small"); /* it is in memory */
		free(read_all(block, &result));
		assert_int_equal(result, -EIO);
		assert_int_equal(block_read_now(block, 16 * 2048, sector, sizeof(sector)), 0);
		block_close(block);
	}
}

/** A new file of the same name is not the old one, which lives on. */
static void a_replaced_file_lives_on(void **state)
{
	struct bench *bench = *state;
	struct block *block = open_directory(bench), *copy = open_directory(bench);
	char from[128], to[128];

	put_file(bench, "other", LARGE_BYTES, 9);
	snprintf(from, sizeof(from), "%s/other", bench->directory);
	snprintf(to, sizeof(to), "%s/large", bench->directory);
	assert_int_equal(rename(from, to), 0);
	assert_same_content(block, copy);
	block_close(copy);
	block_close(block);
}

static void a_disk_is_refused(void **state)
{
	struct bench *bench = *state;
	struct block_options options = { .filename = bench->directory,
					 .fd = -1,
					 .format = "directory" };

	assert_null(block_open(&options, bench->loop, &bench->err));
	assert_non_null(strstr(bench->err.text, "not a hard disk"));
	options.format = "qcow2";
	options.overlay = bench->directory;
	assert_null(block_open(&options, bench->loop, &bench->err));
	assert_non_null(strstr(bench->err.text, "not 'qcow2'"));
	options.format = "overlay";
	options.overlay = NULL;
	assert_null(block_open(&options, bench->loop, &bench->err));
	assert_non_null(strstr(bench->err.text, "overlay=DIRECTORY"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reads_in_pieces, setup, teardown),
		cmocka_unit_test_setup_teardown(handed_over, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_handed_over_is_checked, setup, teardown),
		cmocka_unit_test_setup_teardown(a_table_of_noise, setup, teardown),
		cmocka_unit_test_setup_teardown(a_changed_file_fails, setup, teardown),
		cmocka_unit_test_setup_teardown(a_replaced_file_lives_on, setup, teardown),
		cmocka_unit_test_setup_teardown(a_disk_is_refused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
