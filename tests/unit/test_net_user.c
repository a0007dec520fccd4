// SPDX-License-Identifier: GPL-2.0-or-later
/* User-mode networks: a card that speaks ARP, DHCP, UDP and TFTP by hand. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "net/user.h"
#include "tests/lib/net_bench.h"

#define HOST_ADDRESS  0x0a000202u
#define GUEST_ADDRESS 0x0a00020fu

enum {
	ETHERNET = 14,
	IP = 20,
	UDP = 8,
	PAYLOAD = ETHERNET + IP + UDP, /* where it begins in a frame */
	UDP_PROTOCOL = 17,
	MAX_TURNS = 10000,
};

static struct net_bench bench;
static const uint8_t guest_mac[6] = { 0x52, 0x54, 0, 1, 2, 3 };

static void open_user(const char *words)
{
	net_bench_init(&bench);
	clock_start(&bench.clock);
	if (!net_bench_open(&bench, words))
		fail_msg("%s", bench.err.text);
}

static bool send_frame(const uint8_t *frame, size_t length)
{
	const struct iovec iov = { (void *)(uintptr_t)frame, length };

	return net_send(&bench.card, &iov, 1);
}

static void send_udp(uint32_t from, uint16_t from_port, uint32_t to, uint16_t to_port,
		     const void *data, size_t length)
{
	uint8_t frame[2048] = { 0 };

	memset(frame, 0xff, 6);
	if (to != UINT32_MAX)
		memcpy(frame, "\x52\x55\x0a\x00\x02\x02", 6);
	memcpy(frame + 6, guest_mac, 6);
	store_be16(frame + 12, 0x0800);
	frame[14] = 0x45;
	store_be16(frame + 16, (uint16_t)(IP + UDP + length));
	frame[22] = 64;
	frame[23] = UDP_PROTOCOL;
	store_be32(frame + 26, from);
	store_be32(frame + 30, to);
	store_be16(frame + 24, net_checksum_fold(net_checksum_add(0, frame + ETHERNET, IP)));
	store_be16(frame + 34, from_port);
	store_be16(frame + 36, to_port);
	store_be16(frame + 38, (uint16_t)(UDP + length));
	memcpy(frame + PAYLOAD, data, length);
	assert_true(send_frame(frame, PAYLOAD + length));
}

/** The guest is known to its neighbour. */
static void say_hello(void)
{
	uint8_t frame[42] = { 0 };

	memset(frame, 0xff, 6);
	memcpy(frame + 6, guest_mac, 6);
	store_be16(frame + 12, 0x0806);
	memcpy(frame + 14, "\0\1\x08\0\6\4\0\1", 8);
	memcpy(frame + 22, guest_mac, 6);
	store_be32(frame + 28, GUEST_ADDRESS);
	store_be32(frame + 38, HOST_ADDRESS);
	assert_true(send_frame(frame, sizeof(frame)));
}

/** Until a UDP packet from 'port' has come. */
static bool wait_for_udp(uint16_t port)
{
	for (unsigned i = 0; i < MAX_TURNS; i++) {
		if (bench.last_length >= PAYLOAD && bench.last[23] == UDP_PROTOCOL &&
		    load_be16(bench.last + 12) == 0x0800 && load_be16(bench.last + 34) == port)
			return true;
		loop_turn(bench.loop, 10);
	}
	return false;
}

/** A UDP socket of the host; its port. */
static int open_host_socket(uint16_t *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	*port = ntohs(address.sin_port);
	return fd;
}

static void the_host_answers_arp_after_the_frame(void **state)
{
	(void)state;
	open_user("user");
	say_hello();
	/* Never from within the card's own sending. */
	assert_int_equal(bench.frames, 0);
	net_bench_settle(&bench);
	assert_int_equal(bench.frames, 1);
	assert_true(bench.last_length >= NET_FRAME_MIN_BYTES);
	assert_int_equal(load_be16(bench.last + 20), 2); /* reply */
	assert_int_equal(load_be32(bench.last + 28), HOST_ADDRESS);
	net_bench_finish(&bench);
}

/** The value of a DHCP option in the last frame. */
static const uint8_t *find_option(uint8_t code)
{
	const uint8_t *option = bench.last + PAYLOAD + 240;

	while (*option != 0xff && option < bench.last + bench.last_length) {
		if (*option == code)
			return option + 2;
		option += *option == 0 ? 1 : 2 + option[1];
	}
	return NULL;
}

static void dhcp_gives_what_was_configured(void **state)
{
	uint8_t packet[300] = { 1, 1, 6, 0, 0x12, 0x34, 0x56, 0x78 };

	(void)state;
	open_user("user,net=10.9.0.0/16,host=10.9.0.1,dhcpstart=10.9.3.4,dns=10.9.0.5,"
		  "hostname=guest7,domainname=example.org,bootfile=pxelinux.0");
	memcpy(packet + 28, guest_mac, 6);
	store_be32(packet + 236, 0x63825363);
	memcpy(packet + 240, "\x35\1\1\xff", 4); /* DISCOVER */
	send_udp(0, 68, UINT32_MAX, 67, packet, sizeof(packet));
	assert_true(wait_for_udp(67));
	assert_int_equal(load_be32(bench.last + PAYLOAD + 4), 0x12345678);
	assert_int_equal(load_be32(bench.last + PAYLOAD + 16), 0x0a090304);
	assert_string_equal((char *)bench.last + PAYLOAD + 108, "pxelinux.0");
	assert_int_equal(*find_option(53), 2); /* OFFER */
	assert_int_equal(load_be32(find_option(1)), 0xffff0000);
	assert_int_equal(load_be32(find_option(3)), 0x0a090001);
	assert_int_equal(load_be32(find_option(6)), 0x0a090005);
	assert_memory_equal(find_option(12), "guest7", 6);
	assert_memory_equal(find_option(15), "example.org", 11);
	net_bench_finish(&bench);
}

static void the_guest_talks_with_the_host_and_is_answered(void **state)
{
	struct sockaddr_in from;
	socklen_t length = sizeof(from);
	char bytes[64];
	uint16_t port;
	int fd = open_host_socket(&port);

	(void)state;
	open_user("user");
	say_hello();
	send_udp(GUEST_ADDRESS, 1234, HOST_ADDRESS, port, "ping", 4);
	assert_int_equal(recvfrom(fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &length),
			 4);
	assert_memory_equal(bytes, "ping", 4);
	assert_int_equal(sendto(fd, "pong!", 5, 0, (struct sockaddr *)&from, length), 5);
	assert_true(wait_for_udp(port));
	assert_memory_equal(bench.last + PAYLOAD, "pong!", 5);
	assert_int_equal(load_be16(bench.last + 36), 1234);
	close(fd);
	net_bench_finish(&bench);
}

static void a_restricted_guest_does_not_leave(void **state)
{
	uint16_t port;
	int fd = open_host_socket(&port);
	char byte;

	(void)state;
	open_user("user,restrict=on");
	say_hello();
	send_udp(GUEST_ADDRESS, 1234, HOST_ADDRESS, port, "ping", 4);
	net_bench_settle(&bench);
	assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
	close(fd);
	net_bench_finish(&bench);
}

static void ports_of_the_host_lead_to_the_guest_while_they_are_forwarded(void **state)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	char words[64];
	uint16_t port;
	int fd = open_host_socket(&port);

	(void)state;
	/* A port that was free a moment ago. */
	close(fd);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons(port);
	snprintf(words, sizeof(words), "user,hostfwd=udp:127.0.0.1:%u-:77", port);
	open_user(words);
	say_hello();
	net_bench_settle(&bench);
	assert_int_equal(sendto(fd, "hello", 5, 0, (struct sockaddr *)&to, sizeof(to)), 5);
	for (unsigned i = 0; i < MAX_TURNS && load_be16(bench.last + 36) != 77; i++)
		loop_turn(bench.loop, 10);
	assert_memory_equal(bench.last + PAYLOAD, "hello", 5);
	assert_int_equal(load_be32(bench.last + 30), GUEST_ADDRESS);
	snprintf(words, sizeof(words), "udp:127.0.0.1:%u", port);
	assert_int_equal(net_user_remove_forward(bench.backend, words, &bench.err), 0);
	assert_true(net_user_remove_forward(bench.backend, words, &bench.err) < 0);
	assert_true(net_user_add_forward(bench.backend, "udp:1-2", &bench.err) < 0);
	assert_string_equal(bench.err.text,
			    "hostfwd 'udp:1-2': write tcp:HOST:PORT-GUEST:PORT or udp:...");
	close(fd);
	net_bench_finish(&bench);
}

/* The card takes nothing: what the host sends waits at the host in the end, and memory is bounded.
 */
static void a_card_without_room_stops_the_host(void **state)
{
	static uint8_t bytes[1400];
	struct sockaddr_in from;
	socklen_t length = sizeof(from);
	uint16_t port;
	int fd = open_host_socket(&port);

	(void)state;
	open_user("user");
	say_hello();
	net_bench_settle(&bench);
	send_udp(GUEST_ADDRESS, 1234, HOST_ADDRESS, port, "ping", 4);
	assert_int_equal(recvfrom(fd, bytes, 4, 0, (struct sockaddr *)&from, &length), 4);
	bench.is_full = true;
	bench.frames = 0;
	for (unsigned i = 0; i < 2000; i++) {
		bytes[0] = (uint8_t)i;
		sendto(fd, bytes, sizeof(bytes), MSG_DONTWAIT, (struct sockaddr *)&from, length);
		loop_turn(bench.loop, 0);
	}
	assert_int_equal(bench.frames, 0);
	bench.is_full = false;
	net_ready(&bench.card);
	/* The queue holds 256 KiB; half of it is what the loop lets in. */
	assert_in_range(bench.frames, 80, 190);
	net_bench_settle(&bench);
	assert_true(bench.frames > 90);
	close(fd);
	net_bench_finish(&bench);
}

static void files_come_by_tftp_but_not_from_elsewhere(void **state)
{
	static const uint8_t request[] = "\0\1file\0octet";
	static const uint8_t outside[] = "\0\1../file\0octet";
	char directory[] = "/tmp/hvmdm-test-XXXXXX", path[64], words[96];
	int fd;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/file", directory);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, "content", 7), 7);
	close(fd);
	snprintf(words, sizeof(words), "user,tftp=%s", directory);
	open_user(words);
	say_hello();
	send_udp(GUEST_ADDRESS, 2000, HOST_ADDRESS, 69, request, sizeof(request));
	assert_true(wait_for_udp(69));
	assert_int_equal(load_be16(bench.last + PAYLOAD), 3); /* DATA */
	assert_memory_equal(bench.last + PAYLOAD + 4, "content", 7);
	bench.last_length = 0;
	send_udp(GUEST_ADDRESS, 2001, HOST_ADDRESS, 69, outside, sizeof(outside));
	assert_true(wait_for_udp(69));
	assert_int_equal(load_be16(bench.last + PAYLOAD), 5); /* ERROR */
	unlink(path);
	rmdir(directory);
	net_bench_finish(&bench);
}

static void nonsense_is_survived(void **state)
{
	uint8_t frame[1514];
	uint32_t random = 1;

	(void)state;
	open_user("user");
	say_hello();
	for (unsigned round = 0; round < 20000; round++) {
		size_t length = 1 + round % sizeof(frame);

		for (size_t i = 0; i < length; i++) {
			random = random * 1664525 + 1013904223;
			frame[i] = (uint8_t)(random >> 24);
		}
		if (length > 40) {
			memcpy(frame, "\x52\x55\x0a\x00\x02\x02", 6);
			store_be16(frame + 12, round % 3 == 0   ? 0x0806
					       : round % 3 == 1 ? 0x0800
								: 0x86dd);
			frame[14] = round % 3 == 2 ? 0x60 : 0x45;
			store_be16(frame + 16, (uint16_t)(length - 14));
			store_be32(frame + 30, HOST_ADDRESS);
		}
		assert_true(send_frame(frame, length));
		if (round % 64 == 0)
			loop_turn(bench.loop, 0);
	}
	net_bench_settle(&bench);
	net_bench_finish(&bench);
}

static void wrong_words_are_refused_with_a_sentence(void **state)
{
	static const struct {
		const char *words, *sentence;
	} rows[] = {
		{ "user,net=300.0.0.0/8", "net=300.0.0.0/8: give a network such as 10.0.2.0/24" },
		{ "user,net=10.0.0.0/31", "net=10.0.0.0/31: give 4 to 30 bits of network" },
		{ "user,host=10.0.3.1", "host= is not the address of a host of net=" },
		{ "user,dns=10.0.2.2", "host=, dns= and dhcpstart= must differ" },
		{ "user,guestfwd=tcp:10.0.2.100:80-cmd:/bin/cat",
		  "guestfwd=: no commands are run for a guest" },
		{ "user,ipv4=off,ipv6=off", "ipv4=off,ipv6=off leaves no network" },
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
		cmocka_unit_test(the_host_answers_arp_after_the_frame),
		cmocka_unit_test(dhcp_gives_what_was_configured),
		cmocka_unit_test(the_guest_talks_with_the_host_and_is_answered),
		cmocka_unit_test(a_restricted_guest_does_not_leave),
		cmocka_unit_test(ports_of_the_host_lead_to_the_guest_while_they_are_forwarded),
		cmocka_unit_test(a_card_without_room_stops_the_host),
		cmocka_unit_test(files_come_by_tftp_but_not_from_elsewhere),
		cmocka_unit_test(nonsense_is_survived),
		cmocka_unit_test(wrong_words_are_refused_with_a_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
