// SPDX-License-Identifier: GPL-2.0-or-later
/* Captures, and frames that wait in a queue. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "net/dump.h"
#include "net/queue.h"
#include "tests/lib/net_bench.h"

static void both_directions_are_captured_up_to_a_length(void **state)
{
	static struct net_bench bench;
	uint8_t bytes[512], frame[60] = { 5 };
	const struct iovec iov = { frame, sizeof(frame) };
	int fd = memfd_create("capture", 0), copy = dup(fd);
	struct net_dump *dump;

	(void)state;
	net_bench_init(&bench);
	assert_true(net_bench_open(&bench, "hubport"));
	dump = net_dump_start(&bench.backend->port, fd, 64, &bench.err);
	assert_non_null(dump);
	assert_true(net_bench_send(&bench, 100, 9));
	assert_true(net_send(&bench.backend->port, &iov, 1));
	bench.is_full = true;
	assert_false(net_send(&bench.backend->port, &iov, 1));
	net_dump_stop(dump);
	assert_true(net_bench_send(&bench, 100, 9));
	assert_int_equal(pread(copy, bytes, sizeof(bytes), 0), 24 + 16 + 64 + 16 + 60);
	assert_int_equal(load_le32(bytes), 0xa1b2c3d4);
	assert_int_equal(load_le16(bytes + 4), 2);
	assert_int_equal(load_le16(bytes + 6), 4);
	assert_int_equal(load_le32(bytes + 16), 64);
	assert_int_equal(load_le32(bytes + 20), 1);
	assert_int_equal(load_le32(bytes + 24 + 8), 64);
	assert_int_equal(load_le32(bytes + 24 + 12), 100);
	assert_int_equal(bytes[40], 9);
	assert_int_equal(bytes[40 + 63], (uint8_t)(9 + 63 * 7));
	assert_int_equal(load_le32(bytes + 104 + 8), 60);
	assert_int_equal(bytes[120], 5);
	close(copy);
	net_bench_finish(&bench);
}

static void a_capture_without_room_ends_and_the_network_goes_on(void **state)
{
	static struct net_bench bench;
	int fds[2];
	struct net_dump *dump;

	(void)state;
	net_bench_init(&bench);
	assert_true(net_bench_open(&bench, "hubport"));
	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	dump = net_dump_start(&bench.backend->port, fds[1], NET_DUMP_DEFAULT_BYTES, &bench.err);
	for (unsigned i = 0; i < 100; i++)
		assert_true(net_bench_send(&bench, 1500, i));
	net_dump_stop(dump);
	close(fds[0]);
	net_bench_finish(&bench);
}

static void a_queue_keeps_frames_in_order_and_bounded(void **state)
{
	struct net_queue queue;
	uint8_t frame[1500], out[1500];
	unsigned put = 0, taken = 0, pieces;
	struct iovec iov[2];

	(void)state;
	assert_int_equal(net_queue_init(&queue, 10000), 0);
	assert_int_equal(net_queue_peek(&queue, iov), 0);
	/* Fills up, drains by half, and comes round its end many times. */
	for (unsigned round = 0; round < 500; round++) {
		size_t length = 10 + put * 37 % 1400;

		memset(frame, (int)put, sizeof(frame));
		while (net_queue_put(&queue, frame, length)) {
			put++;
			length = 10 + put * 37 % 1400;
			memset(frame, (int)put, sizeof(frame));
		}
		for (unsigned i = 0; i < 3 && taken < put; i++, taken++) {
			length = 10 + taken * 37 % 1400;
			pieces = net_queue_peek(&queue, iov);
			assert_true(pieces > 0);
			assert_int_equal(net_iov_bytes(iov, pieces), length < NET_FRAME_MIN_BYTES
									     ? NET_FRAME_MIN_BYTES
									     : length);
			net_iov_copy(iov, pieces, 0, out, length);
			memset(frame, (int)taken, length);
			assert_memory_equal(out, frame, length);
			net_queue_drop(&queue);
		}
	}
	assert_true(put > 1000);
	while (!net_queue_is_empty(&queue))
		net_queue_drop(&queue);
	assert_false(net_queue_put(&queue, frame, 9997));
	net_queue_finish(&queue);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_directions_are_captured_up_to_a_length),
		cmocka_unit_test(a_capture_without_room_ends_and_the_network_goes_on),
		cmocka_unit_test(a_queue_keeps_frames_in_order_and_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
