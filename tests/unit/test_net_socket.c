// SPDX-License-Identifier: GPL-2.0-or-later
/* Networks over sockets: framing, slow and hostile peers, connections that come and go. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "net/framer.h"
#include "tests/lib/net_bench.h"

static struct net_bench bench;
static int peer; /* the test's end of the socket */

/** A back end on one end of a socket pair. */
static void open_pair(const char *format, int type)
{
	char words[128];
	int pair[2];

	net_bench_init(&bench);
	assert_int_equal(socketpair(AF_UNIX, type, 0, pair), 0);
	peer = pair[1];
	snprintf(words, sizeof(words), format, pair[0]);
	assert_true(net_bench_open(&bench, words));
}

static void close_pair(void)
{
	net_bench_finish(&bench);
	close(peer);
}

static void say(const void *bytes, size_t count)
{
	assert_int_equal(send(peer, bytes, count, MSG_NOSIGNAL), count);
	net_bench_settle(&bench);
}

/** A frame as it goes over a stream: header and bytes. */
static size_t put_frame(uint8_t *out, size_t length, unsigned seed)
{
	store_be32(out, (uint32_t)length);
	for (size_t i = 0; i < length; i++)
		out[4 + i] = (uint8_t)(seed + i * 7);
	return 4 + length;
}

static bool is_hung_up(void)
{
	char byte;
	ssize_t count;

	while ((count = recv(peer, &byte, 1, MSG_DONTWAIT)) > 0)
		;
	return count == 0 || errno == ECONNRESET;
}

/* Streams */

static void frames_go_over_a_stream_behind_their_lengths(void **state)
{
	uint8_t bytes[256];

	(void)state;
	open_pair("stream,addr.type=fd,addr.str=%d", SOCK_STREAM);
	assert_true(bench.link);
	assert_true(net_bench_send(&bench, 100, 3));
	assert_int_equal(recv(peer, bytes, sizeof(bytes), 0), 104);
	assert_int_equal(load_be32(bytes), 100);
	assert_int_equal(bytes[4], 3);
	assert_int_equal(bytes[103], (uint8_t)(3 + 99 * 7));
	close_pair();
}

static void a_frame_may_arrive_byte_by_byte(void **state)
{
	uint8_t bytes[128];
	size_t count = put_frame(bytes, 70, 1);

	(void)state;
	open_pair("socket,fd=%d", SOCK_STREAM);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(bench.frames, 0);
		say(bytes + i, 1);
	}
	assert_int_equal(bench.frames, 1);
	assert_int_equal(bench.last_length, 70);
	assert_memory_equal(bench.last, bytes + 4, 70);
	close_pair();
}

static void short_frames_are_padded_and_stumps_dropped(void **state)
{
	uint8_t bytes[64];

	(void)state;
	open_pair("stream,addr.type=fd,addr.str=%d", SOCK_STREAM);
	say(bytes, put_frame(bytes, 42, 0xff));
	assert_int_equal(bench.last_length, NET_FRAME_MIN_BYTES);
	assert_int_equal(bench.last[41], bytes[45]);
	for (unsigned i = 42; i < NET_FRAME_MIN_BYTES; i++)
		assert_int_equal(bench.last[i], 0);
	say(bytes, put_frame(bytes, 13, 1));
	say(bytes, put_frame(bytes, 0, 1));
	assert_int_equal(bench.frames, 1);
	assert_true(bench.link);
	close_pair();
}

static void the_longest_frame_is_taken_and_a_longer_one_ends_the_connection(void **state)
{
	static uint8_t bytes[FRAMER_BYTES];

	(void)state;
	open_pair("stream,addr.type=fd,addr.str=%d", SOCK_STREAM);
	say(bytes, put_frame(bytes, NET_FRAME_MAX_BYTES, 1));
	assert_int_equal(bench.last_length, NET_FRAME_MAX_BYTES);
	store_be32(bytes, NET_FRAME_MAX_BYTES + 1);
	say(bytes, 100);
	assert_false(bench.link);
	assert_true(is_hung_up());
	assert_string_equal(bench.event, "-");
	assert_int_equal(bench.frames, 1);
	close_pair();
}

static void a_card_without_room_stops_the_peer(void **state)
{
	static uint8_t bytes[FRAMER_BYTES];
	unsigned sent = 0;
	size_t count;

	(void)state;
	open_pair("stream,addr.type=fd,addr.str=%d", SOCK_STREAM);
	bench.is_full = true;
	fcntl(peer, F_SETFL, O_NONBLOCK);
	/* The socket fills up: nothing is read meanwhile but one buffer. */
	while (send(peer, bytes, put_frame(bytes, 1000, sent), MSG_NOSIGNAL) == 1004) {
		sent++;
		loop_turn(bench.loop, 0);
		assert_true(sent < 10000);
	}
	assert_int_equal(bench.frames, 0);
	/* It takes them three at a time. */
	count = 0;
	while (bench.frames < sent) {
		bench.is_full = false;
		bench.room = 3;
		net_ready(&bench.card);
		loop_turn(bench.loop, 0);
		assert_true(bench.frames - count <= 3);
		count = bench.frames;
	}
	assert_int_equal(bench.last[0], (uint8_t)(sent - 1));
	assert_int_equal(bench.bytes, sent * UINT64_C(1000));
	close_pair();
}

static void a_slow_peer_stops_the_card_and_loses_nothing(void **state)
{
	static uint8_t bytes[FRAMER_BYTES];
	struct net_framer *framer = calloc(1, sizeof(*framer));
	unsigned sent = 0, arrived = 0;
	const uint8_t *frame;
	size_t length, room;
	ssize_t count;

	(void)state;
	open_pair("stream,addr.type=fd,addr.str=%d", SOCK_STREAM);
	while (net_bench_send(&bench, 1500, sent))
		assert_true(++sent < 10000);
	assert_int_equal(bench.resumed, 0);
	while (arrived < sent) {
		uint8_t *to = net_framer_room(framer, &room);

		count = recv(peer, to, room < 700 ? room : 700, MSG_DONTWAIT);
		if (count > 0)
			net_framer_add(framer, (size_t)count);
		while (net_framer_next(framer, &frame, &length) == 1) {
			assert_int_equal(length, 1500);
			assert_int_equal(frame[0], (uint8_t)arrived);
			assert_int_equal(frame[1499], (uint8_t)(arrived + 1499 * 7));
			arrived++;
			net_framer_take(framer);
		}
		loop_turn(bench.loop, 0);
	}
	assert_int_equal(bench.resumed, 1);
	assert_true(net_bench_send(&bench, 60, 0));
	(void)bytes;
	free(framer);
	close_pair();
}

static void a_frame_in_many_pieces_is_sent_whole(void **state)
{
	static uint8_t frame[200];
	struct iovec iov[100];
	uint8_t bytes[256];

	(void)state;
	open_pair("stream,addr.type=fd,addr.str=%d", SOCK_STREAM);
	for (unsigned i = 0; i < sizeof(frame); i++)
		frame[i] = (uint8_t)i;
	for (unsigned i = 0; i < 100; i++)
		iov[i] = (struct iovec){ frame + 2 * i, 2 };
	assert_true(net_send(&bench.card, iov, 100));
	assert_int_equal(recv(peer, bytes, sizeof(bytes), 0), 204);
	assert_memory_equal(bytes + 4, frame, 200);
	close_pair();
}

static void a_peer_that_goes_takes_the_link_with_it(void **state)
{
	(void)state;
	open_pair("stream,addr.type=fd,addr.str=%d", SOCK_STREAM);
	while (net_bench_send(&bench, 1500, 0))
		;
	close(peer);
	net_bench_settle(&bench);
	assert_false(bench.link);
	assert_true(bench.resumed > 0);
	assert_true(net_bench_send(&bench, 1500, 0)); /* into the void */
	net_bench_finish(&bench);
	peer = -1;
}

/* Servers and clients */

static void make_path(char path[64], const char *name)
{
	snprintf(path, 64, "/tmp/hvmdm-test-%d-%s", (int)getpid(), name);
	unlink(path);
}

static int connect_to(const char *path, int type)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type, 0);

	strcpy(address.sun_path, path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void a_server_takes_one_peer_after_the_other(void **state)
{
	char path[64], words[128], byte;
	int second;

	(void)state;
	make_path(path, "server");
	net_bench_init(&bench);
	snprintf(words, sizeof(words), "stream,server=on,addr.type=unix,addr.path=%s", path);
	assert_true(net_bench_open(&bench, words));
	assert_false(bench.link);
	peer = connect_to(path, SOCK_STREAM);
	second = connect_to(path, SOCK_STREAM);
	net_bench_settle(&bench);
	assert_true(bench.link);
	assert_true(net_bench_send(&bench, 60, 0));
	assert_int_equal(recv(peer, &byte, 1, MSG_DONTWAIT), 1);
	assert_int_equal(recv(second, &byte, 1, MSG_DONTWAIT), -1);
	close(peer);
	net_bench_settle(&bench);
	assert_true(bench.link);
	assert_true(net_bench_send(&bench, 60, 0));
	assert_int_equal(recv(second, &byte, 1, MSG_DONTWAIT), 1);
	close(second);
	net_bench_settle(&bench);
	assert_false(bench.link);
	net_bench_finish(&bench);
	assert_int_equal(access(path, F_OK), -1);
}

static void a_client_that_is_to_reconnect_does(void **state)
{
	char path[64], words[128], byte;
	int listener;
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)state;
	make_path(path, "client");
	net_bench_init(&bench);
	snprintf(words, sizeof(words), "stream,addr.type=unix,addr.path=%s", path);
	assert_false(net_bench_open(&bench, words));
	assert_non_null(strstr(bench.err.text, "cannot connect to unix:/tmp/hvmdm-test-"));
	snprintf(words, sizeof(words), "stream,addr.type=unix,addr.path=%s,reconnect-ms=1", path);
	assert_true(net_bench_open(&bench, words));
	assert_false(bench.link);
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	strcpy(address.sun_path, path);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 5), 0);
	for (unsigned round = 0; round < 3; round++) {
		while (!bench.link)
			loop_turn(bench.loop, -1);
		peer = accept(listener, NULL, NULL);
		assert_true(net_bench_send(&bench, 60, 0));
		assert_int_equal(recv(peer, &byte, 1, 0), 1);
		close(peer);
		while (bench.link)
			loop_turn(bench.loop, -1);
	}
	net_bench_finish(&bench);
	close(listener);
	unlink(path);
}

static void two_back_ends_talk_over_tcp(void **state)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t length = sizeof(address);
	static struct net_bench other;
	char words[128];
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	net_bench_init(&bench);
	snprintf(words, sizeof(words), "stream,server=on,addr.type=fd,addr.str=%d", listener);
	assert_true(net_bench_open(&bench, words));
	net_bench_init(&other);
	snprintf(words, sizeof(words), "socket,connect=127.0.0.1:%u", ntohs(address.sin_port));
	assert_true(net_bench_open(&other, words));
	while (!bench.link)
		loop_turn(bench.loop, -1);
	for (unsigned i = 0; i < 500; i++) {
		while (!net_bench_send(&other, 1514, i))
			loop_turn(other.loop, -1);
		loop_turn(bench.loop, 0);
	}
	while (bench.frames < 500) {
		loop_turn(other.loop, 0);
		loop_turn(bench.loop, 0);
	}
	assert_int_equal(bench.last[0], (uint8_t)499);
	net_bench_finish(&other);
	net_bench_finish(&bench);
}

/* Datagrams */

static void a_datagram_is_a_frame(void **state)
{
	uint8_t bytes[128] = { 1, 2, 3 };

	(void)state;
	open_pair("dgram,local.type=fd,local.str=%d", SOCK_DGRAM);
	assert_true(net_bench_send(&bench, 100, 9));
	assert_int_equal(recv(peer, bytes, sizeof(bytes), 0), 100);
	assert_int_equal(bytes[0], 9);
	say(bytes, 100);
	assert_int_equal(bench.last_length, 100);
	say(bytes, 20);
	assert_int_equal(bench.last_length, NET_FRAME_MIN_BYTES);
	say(bytes, 13);
	say(bytes, 0);
	assert_int_equal(bench.frames, 2);
	close_pair();
}

static void datagrams_longer_than_frames_are_dropped(void **state)
{
	static uint8_t bytes[NET_FRAME_MAX_BYTES + 1];

	(void)state;
	open_pair("dgram,local.type=fd,local.str=%d", SOCK_DGRAM);
	say(bytes, sizeof(bytes));
	assert_int_equal(bench.frames, 0);
	say(bytes, sizeof(bytes) - 1);
	assert_int_equal(bench.frames, 1);
	close_pair();
}

static void datagrams_wait_at_both_ends(void **state)
{
	uint8_t bytes[2048];
	unsigned sent = 0, taken = 0;

	(void)state;
	open_pair("dgram,local.type=fd,local.str=%d", SOCK_DGRAM);
	while (net_bench_send(&bench, 1500, sent))
		assert_true(++sent < 10000);
	while (recv(peer, bytes, sizeof(bytes), MSG_DONTWAIT) == 1500)
		assert_int_equal(bytes[0], (uint8_t)taken++);
	assert_int_equal(taken, sent);
	net_bench_settle(&bench);
	assert_int_equal(bench.resumed, 1);
	bench.is_full = true;
	bytes[0] = 1;
	say(bytes, 100);
	bytes[0] = 2;
	say(bytes, 100);
	assert_int_equal(bench.frames, 0);
	bench.is_full = false;
	net_ready(&bench.card);
	assert_int_equal(bench.last[0], 1);
	net_bench_settle(&bench);
	assert_int_equal(bench.last[0], 2);
	close_pair();
}

static void two_back_ends_talk_over_udp_and_local_datagrams(void **state)
{
	static const char *const formats[][2] = {
		{ "dgram,local.type=inet,local.host=127.0.0.1,local.port=%u,remote.type=inet,"
		  "remote.host=127.0.0.1,remote.port=%u",
		  "socket,localaddr=127.0.0.1:%u,udp=127.0.0.1:%u" },
		{ "dgram,local.type=unix,local.path=/tmp/hvmdm-test-%u,remote.type=unix,"
		  "remote.path=/tmp/hvmdm-test-%u",
		  "dgram,local.type=unix,local.path=/tmp/hvmdm-test-%u,remote.type=unix,"
		  "remote.path=/tmp/hvmdm-test-%u" },
	};
	/* Ports from the process' number: other tests run beside this one. */
	unsigned here = 20000 + (unsigned)getpid() % 20000, there = here + 20000;
	static struct net_bench other;
	char words[256];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		net_bench_init(&bench);
		net_bench_init(&other);
		snprintf(words, sizeof(words), formats[i][0], here, there);
		assert_true(net_bench_open(&bench, words));
		snprintf(words, sizeof(words), formats[i][1], there, here);
		assert_true(net_bench_open(&other, words));
		assert_true(net_bench_send(&bench, 300, 5));
		assert_true(net_bench_send(&other, 400, 6));
		while (!bench.frames || !other.frames) {
			loop_turn(bench.loop, 0);
			loop_turn(other.loop, 0);
		}
		assert_int_equal(other.last_length, 300);
		assert_int_equal(bench.last_length, 400);
		net_bench_finish(&other);
		net_bench_finish(&bench);
	}
}

static void wrong_words_are_refused_with_a_sentence(void **state)
{
	static const struct {
		const char *words, *sentence;
	} rows[] = {
		{ "stream",
		  "give an address: type=inet with host and port, type=unix with path, or "
		  "type=fd with str" },
		{ "stream,addr.type=fd,addr.str=x", "give the number of a descriptor, not 'x'" },
		{ "stream,addr.type=fd,addr.str=0,server=maybe", "'server=maybe': give on or off" },
		{ "stream,addr.type=inet,addr.host=127.0.0.1,addr.port=99999",
		  "there is no port 99999" },
		{ "stream,addr.type=unix,addr.path=/x,server=on,reconnect=1",
		  "reconnect= is for a client with an address" },
		{ "dgram", "remote.type= is missing: to whom shall frames go?" },
		{ "dgram,remote.type=unix,remote.path=/x",
		  "local.type= is missing: where shall frames come in?" },
		{ "socket", "give one of fd=, listen=, connect=, mcast= and udp=" },
		{ "socket,connect=x", "'x': write HOST:PORT" },
		{ "socket,udp=127.0.0.1:9", "udp= needs localaddr=HOST:PORT" },
		{ "socket,mcast=127.0.0.1:9", "mcast=127.0.0.1:9 is not the address of a group" },
	};

	(void)state;
	net_bench_init(&bench);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_false(net_bench_open(&bench, rows[i].words));
		assert_string_equal(bench.err.text, rows[i].sentence);
	}
	net_bench_finish(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_go_over_a_stream_behind_their_lengths),
		cmocka_unit_test(a_frame_may_arrive_byte_by_byte),
		cmocka_unit_test(short_frames_are_padded_and_stumps_dropped),
		cmocka_unit_test(the_longest_frame_is_taken_and_a_longer_one_ends_the_connection),
		cmocka_unit_test(a_card_without_room_stops_the_peer),
		cmocka_unit_test(a_slow_peer_stops_the_card_and_loses_nothing),
		cmocka_unit_test(a_frame_in_many_pieces_is_sent_whole),
		cmocka_unit_test(a_peer_that_goes_takes_the_link_with_it),
		cmocka_unit_test(a_server_takes_one_peer_after_the_other),
		cmocka_unit_test(a_client_that_is_to_reconnect_does),
		cmocka_unit_test(two_back_ends_talk_over_tcp),
		cmocka_unit_test(a_datagram_is_a_frame),
		cmocka_unit_test(datagrams_longer_than_frames_are_dropped),
		cmocka_unit_test(datagrams_wait_at_both_ends),
		cmocka_unit_test(two_back_ends_talk_over_udp_and_local_datagrams),
		cmocka_unit_test(wrong_words_are_refused_with_a_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
