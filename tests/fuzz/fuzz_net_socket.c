// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A peer's bytes. The first byte of an input says over what: a stream or datagrams. Then come
 * pieces, each behind a byte with its length and, in its highest bit, whether the card has room
 * from then on; between them the loop turns, and the card sends a frame now and then.
 */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/lib/net_bench.h"

enum {
	TURNS_MAX = 64,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void listen_to(int fd)
{
	static uint8_t bytes[65536];

	while (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
}

static void speak(struct net_bench *bench, int fd, const uint8_t *data, size_t size)
{
	for (unsigned turns = 0; size > 0 && turns < TURNS_MAX; turns++) {
		size_t length = *data & 127;

		bench->is_full = *data & 128;
		if (!bench->is_full)
			net_ready(&bench->card);
		data++;
		size--;
		if (length > size)
			length = size;
		if (length > 0 && send(fd, data, length, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			return;
		data += length;
		size -= length;
		loop_turn(bench->loop, 0);
		net_bench_send(bench, 14 + length * 11, turns);
		if (turns % 4 == 3)
			listen_to(fd);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct net_bench bench;
	char words[64];
	int pair[2];

	if (size < 2 || socketpair(AF_UNIX, data[0] & 1 ? SOCK_DGRAM : SOCK_STREAM, 0, pair) < 0)
		return 0;
	net_bench_init(&bench);
	snprintf(words, sizeof(words), "socket,fd=%d", pair[0]);
	if (!net_bench_open(&bench, words))
		abort();
	speak(&bench, pair[1], data + 1, size - 1);
	close(pair[1]);
	loop_turn(bench.loop, 0);
	bench.is_full = false;
	net_ready(&bench.card);
	net_bench_settle(&bench);
	net_bench_finish(&bench);
	return 0;
}
