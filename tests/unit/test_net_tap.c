// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A TAP in a network namespace of its own, with a packet socket as the kernel's side. Where the
 * host allows neither, the tests are skipped.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/lib/net_bench.h"

enum {
	TEST_PROTOCOL = 0x88b5, /* for experiments, of no protocol that the kernel speaks */
};

static struct net_bench bench;
static const char *reason; /* why there can be no TAP */

static void enter_own_network(void)
{
	int fd;

	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0) {
		reason = "no network namespace of its own";
		return;
	}
	fd = open("/dev/net/tun", O_RDWR);
	if (fd < 0)
		reason = "no /dev/net/tun";
	else
		close(fd);
}

static void need_tap(void)
{
	if (!reason)
		return;
	print_message("skipped: %s\n", reason);
	skip();
}

static void bring_up(const char *name, bool up)
{
	struct ifreq request = { .ifr_flags = (short)(up ? IFF_UP : 0) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	strcpy(request.ifr_name, name);
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &request), 0);
	close(fd);
}

/** The kernel's side of an interface. */
static int open_kernel_side(const char *name)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET,
				       .sll_protocol = htobe16(TEST_PROTOCOL),
				       .sll_ifindex = (int)if_nametoindex(name) };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htobe16(TEST_PROTOCOL));

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void make_frame(uint8_t *frame, size_t length, uint8_t seed)
{
	memset(frame, 0xff, 6);
	memcpy(frame + 6, "\x52\x54\0\1\2\3\x88\xb5", 8);
	memset(frame + 14, seed, length - 14);
}

static bool card_sends(size_t length, uint8_t seed)
{
	uint8_t frame[2048];
	const struct iovec iov[] = { { frame, 20 }, { frame + 20, length - 20 } };

	make_frame(frame, length, seed);
	return net_send(&bench.card, iov, 2);
}

/** Frames that the kernel makes by itself (of IPv6) come, too: waits for one of ours. */
static void wait_for(size_t length, uint8_t seed)
{
	while (bench.last_length != length || bench.last[20] != seed)
		loop_turn(bench.loop, -1);
}

static void frames_pass_in_both_directions(void **state)
{
	uint8_t frame[1514];
	int kernel;

	(void)state;
	need_tap();
	net_bench_init(&bench);
	assert_true(net_bench_open(&bench, "type=tap,ifname=vif1.0-emu,br=xenbr0,script=no,"
					   "downscript=no"));
	assert_string_equal(bench.backend->info, "ifname=vif1.0-emu");
	assert_true(bench.link);
	assert_true(card_sends(60, 0)); /* not up: lost */
	bring_up("vif1.0-emu", true);
	kernel = open_kernel_side("vif1.0-emu");
	assert_true(card_sends(1514, 7));
	assert_int_equal(recv(kernel, frame, sizeof(frame), 0), 1514);
	assert_int_equal(frame[1513], 7);
	make_frame(frame, 1514, 9);
	assert_int_equal(send(kernel, frame, 1514, 0), 1514);
	wait_for(1514, 9);
	/* Shorter than the wire allows. */
	make_frame(frame, 30, 3);
	assert_int_equal(send(kernel, frame, 30, 0), 30);
	wait_for(NET_FRAME_MIN_BYTES, 3);
	assert_int_equal(bench.last[30], 0);
	close(kernel);
	net_bench_close(&bench);
	assert_int_equal(if_nametoindex("vif1.0-emu"), 0);
	net_bench_finish(&bench);
}

static void a_card_without_room_stops_reading(void **state)
{
	uint8_t frame[100];
	int kernel;

	(void)state;
	need_tap();
	net_bench_init(&bench);
	assert_true(net_bench_open(&bench, "tap,ifname=t0"));
	bring_up("t0", true);
	kernel = open_kernel_side("t0");
	bench.is_full = true;
	for (uint8_t i = 1; i <= 50; i++) {
		make_frame(frame, sizeof(frame), i);
		assert_int_equal(send(kernel, frame, sizeof(frame), 0), sizeof(frame));
	}
	net_bench_settle(&bench);
	assert_int_equal(bench.frames, 0);
	bench.is_full = false;
	net_ready(&bench.card);
	for (uint8_t i = 1; i <= 50; i++)
		if (bench.last[20] != 50)
			wait_for(sizeof(frame), 50);
	assert_true(bench.frames >= 50);
	close(kernel);
	net_bench_finish(&bench);
}

static void an_interface_that_goes_does_no_harm(void **state)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI, .ifr_name = "t1" };
	char words[64];
	int fd, control = socket(AF_INET, SOCK_DGRAM, 0);

	(void)state;
	need_tap();
	fd = open("/dev/net/tun", O_RDWR);
	assert_int_equal(ioctl(fd, TUNSETIFF, &request), 0);
	net_bench_init(&bench);
	snprintf(words, sizeof(words), "tap,fd=%d", fd);
	assert_true(net_bench_open(&bench, words));
	bring_up("t1", true);
	/* Renamed by a script. */
	bring_up("t1", false);
	strcpy(request.ifr_newname, "t2");
	assert_int_equal(ioctl(control, SIOCSIFNAME, &request), 0);
	close(control);
	bring_up("t2", true);
	assert_true(card_sends(60, 1));
	bring_up("t2", false);
	net_bench_settle(&bench);
	assert_true(card_sends(60, 1));
	net_bench_finish(&bench);
}

static void a_script_is_run_with_the_name(void **state)
{
	char path[] = "/tmp/hvmdm-test-XXXXXX", words[128], text[32] = "", out[64];
	int fd;

	(void)state;
	need_tap();
	fd = mkstemp(path);
	snprintf(out, sizeof(out), "%s.out", path);
	dprintf(fd, "#!/bin/sh\necho \"$1\" > %s\n[ \"$1\" = t3 ]\n", out);
	fchmod(fd, 0700);
	close(fd);
	net_bench_init(&bench);
	snprintf(words, sizeof(words), "tap,ifname=t3,script=%s", path);
	assert_true(net_bench_open(&bench, words));
	fd = open(out, O_RDONLY);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	assert_string_equal(text, "t3\n");
	net_bench_close(&bench);
	snprintf(words, sizeof(words), "tap,ifname=t4,script=%s", path);
	assert_false(net_bench_open(&bench, words));
	assert_non_null(strstr(bench.err.text, "failed for 't4'"));
	net_bench_finish(&bench);
	unlink(path);
	unlink(out);
}

static void wrong_words_are_refused_with_a_sentence(void **state)
{
	static const struct {
		const char *words, *sentence;
	} rows[] = {
		{ "tap,ifname=abcdefghijklmnop",
		  "ifname=abcdefghijklmnop: names of interfaces have at most 15 letters" },
		{ "tap,vhost=on", "vhost=on is for virtio, which there is not" },
		{ "tap,downscript=/x", "downscript=/x: nothing can be run behind the sandbox; who "
				       "starts us cleans up" },
		{ "tap,fd=0,ifname=x", "fd= comes without ifname= and script=" },
		{ "tap,ifnam=x", "unknown property 'ifnam', did you mean 'ifname'?" },
	};
	int fd = open("/dev/null", O_RDWR);
	char words[32];

	(void)state;
	need_tap();
	net_bench_init(&bench);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_false(net_bench_open(&bench, rows[i].words));
		assert_string_equal(bench.err.text, rows[i].sentence);
	}
	snprintf(words, sizeof(words), "tap,fd=%d", fd);
	assert_false(net_bench_open(&bench, words));
	assert_non_null(strstr(bench.err.text, "is not a TAP"));
	net_bench_finish(&bench);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_pass_in_both_directions),
		cmocka_unit_test(a_card_without_room_stops_reading),
		cmocka_unit_test(an_interface_that_goes_does_no_harm),
		cmocka_unit_test(a_script_is_run_with_the_name),
		cmocka_unit_test(wrong_words_are_refused_with_a_sentence),
	};

	enter_own_network();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
