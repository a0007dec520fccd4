// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/chr.h"
#include "base/err.h"
#include "base/loop.h"

/* A client that keeps what it gets. */
struct listener {
	char got[256];
	size_t count, room;
	unsigned opened, closed;
	struct chr *peers[4];
	unsigned peer_count;
};

static size_t can_receive(void *opaque)
{
	struct listener *l = opaque;

	return l->room;
}

static void receive(void *opaque, const uint8_t *bytes, size_t count)
{
	struct listener *l = opaque;

	assert_true(count <= l->room);
	memcpy(l->got + l->count, bytes, count);
	l->count += count;
	l->room -= count;
}

static void see_event(void *opaque, enum chr_event event)
{
	struct listener *l = opaque;

	if (event == CHR_OPENED)
		l->opened++;
	else
		l->closed++;
}

static struct chr_client client_of(struct listener *l)
{
	return (struct chr_client){
		.opaque = l, .can_receive = can_receive, .receive = receive, .event = see_event
	};
}

static char directory[] = "/tmp/test_chr_XXXXXX";

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(address.sun_path, path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void a_socket_serves_one_peer_after_the_other(void **state)
{
	struct loop *loop = loop_create();
	struct listener l = { .room = 5 };
	struct chr_client client = client_of(&l);
	char path[64], spec[128], in[8];
	struct err err = { 0 };
	struct chr *chr;
	int peer;

	(void)state;
	snprintf(path, sizeof(path), "%s/a", directory);
	snprintf(spec, sizeof(spec), "socket,id=x,path=%s,server=on,wait=off", path);
	chr = chr_open(loop, spec, true, "x", &err);
	assert_non_null(chr);
	chr_set_client(chr, &client);
	assert_int_equal(chr_write(chr, "lost", 4), 4);
	for (unsigned round = 0; round < 2; round++) {
		l.count = 0;
		l.room = 5;
		peer = connect_to(path);
		assert_int_equal(write(peer, "hello world", 11), 11);
		while (l.count < 5)
			loop_turn(loop, 1000);
		loop_turn(loop, 0);
		assert_int_equal(l.count, 5);
		l.room = 6;
		chr_accept(chr);
		while (l.count < 11)
			loop_turn(loop, 1000);
		assert_memory_equal(l.got, "hello world", 11);
		assert_int_equal(chr_write(chr, "reply", 5), 5);
		assert_int_equal(read(peer, in, 5), 5);
		l.room = 1;
		chr_accept(chr);
		close(peer);
		while (l.closed <= round)
			loop_turn(loop, 1000);
		assert_int_equal(l.opened, round + 1);
	}
	chr_destroy(chr);
	assert_int_not_equal(access(path, F_OK), 0);
	loop_destroy(loop);
}

static void take_peer(void *opaque, struct chr *peer)
{
	struct listener *l = opaque;

	l->peers[l->peer_count++] = peer;
}

static void an_acceptor_gets_every_connection(void **state)
{
	struct loop *loop = loop_create();
	struct listener l = { .room = 1 };
	char path[64], spec[128], in[4];
	struct err err = { 0 };
	struct chr *chr;
	int a, b;

	(void)state;
	snprintf(path, sizeof(path), "%s/b", directory);
	snprintf(spec, sizeof(spec), "unix:%s,server,nowait", path);
	chr = chr_open(loop, spec, false, "mon", &err);
	assert_non_null(chr);
	assert_true(chr_set_acceptor(chr, take_peer, &l));
	a = connect_to(path);
	b = connect_to(path);
	while (l.peer_count < 2)
		loop_turn(loop, 1000);
	assert_int_equal(chr_write(l.peers[0], "one", 3), 3);
	assert_int_equal(chr_write(l.peers[1], "two", 3), 3);
	assert_int_equal(read(a, in, 3), 3);
	assert_memory_equal(in, "one", 3);
	assert_int_equal(read(b, in, 3), 3);
	assert_memory_equal(in, "two", 3);
	close(a);
	close(b);
	chr_destroy(l.peers[0]);
	chr_destroy(l.peers[1]);
	chr_destroy(chr);
	loop_destroy(loop);
}

static void send_fd(int socket_fd, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, byte = '{';
	struct iovec iov = { &byte, 1 };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	assert_int_equal(sendmsg(socket_fd, &message, 0), 1);
}

static void a_peer_passes_descriptors(void **state)
{
	struct loop *loop = loop_create();
	struct listener l = { .room = 16 };
	struct chr_client client = client_of(&l);
	char path[64], spec[128];
	struct err err = { 0 };
	struct chr *chr;
	int peer, fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/c", directory);
	snprintf(spec, sizeof(spec), "unix:%s,server=on,wait=off", path);
	chr = chr_open(loop, spec, false, "mon", &err);
	assert_non_null(chr);
	chr_set_client(chr, &client);
	peer = connect_to(path);
	send_fd(peer, peer);
	while (l.count < 1)
		loop_turn(loop, 1000);
	fd = chr_take_fd(chr);
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	assert_int_equal(chr_take_fd(chr), -1);
	send_fd(peer, peer); /* not taken: closed with the peer */
	while (l.count < 2)
		loop_turn(loop, 1000);
	close(peer);
	chr_destroy(chr);
	loop_destroy(loop);
}

static void a_pty_is_opened_by_its_name(void **state)
{
	struct loop *loop = loop_create();
	struct listener l = { .room = 16 };
	struct chr_client client = client_of(&l);
	struct err err = { 0 };
	struct chr *chr = chr_open(loop, "pty", false, "serial0", &err);
	char in[4];
	int peer;

	(void)state;
	assert_non_null(chr);
	chr_set_client(chr, &client);
	assert_memory_equal(chr->filename, "pty:/dev/pts/", 13);
	assert_int_equal(chr_write(chr, "lost", 4), 4);
	peer = open(chr->filename + 4, O_RDWR | O_NOCTTY);
	assert_true(peer >= 0);
	while (!l.opened)
		loop_turn(loop, 1000);
	assert_int_equal(write(peer, "in", 2), 2);
	while (l.count < 2)
		loop_turn(loop, 1000);
	assert_int_equal(chr_write(chr, "out", 3), 3);
	assert_int_equal(read(peer, in, 3), 3);
	assert_memory_equal(in, "out", 3);
	close(peer);
	while (!l.closed)
		loop_turn(loop, 1000);
	chr_destroy(chr);
	loop_destroy(loop);
}

/** "echo root >/dev/pts/3": whoever has written is gone again before anybody looks. */
static void a_pty_gives_what_was_left_in_it(void **state)
{
	struct loop *loop = loop_create();
	struct listener l = { .room = 5 };
	struct chr_client client = client_of(&l);
	struct err err = { 0 };
	struct chr *chr = chr_open(loop, "pty", false, "serial0", &err);

	(void)state;
	assert_non_null(chr);
	chr_set_client(chr, &client);
	for (unsigned round = 0; round < 3; round++) {
		int peer = open(chr->filename + 4, O_RDWR | O_NOCTTY);

		l.count = 0;
		l.room = 5;
		assert_int_equal(write(peer, "hello world", 11), 11);
		close(peer);
		while (l.count < 5)
			loop_turn(loop, 1000);
		l.room = 7; /* and one, so that the end is seen */
		chr_accept(chr);
		while (l.count < 11)
			loop_turn(loop, 1000);
		assert_memory_equal(l.got, "hello world", 11);
		for (unsigned i = 0; i < 3; i++)
			loop_turn(loop, 10); /* the hang-up is seen */
	}
	chr_destroy(chr);
	loop_destroy(loop);
}

static void bad_words_get_a_sentence(void **state)
{
	static const struct {
		const char *spec, *sentence;
	} bad[] = {
		{ "socket,id=x", "chardev 'x': a socket needs path=, host= and port=, or fd=" },
		{ "socket,id=x,path=/nowhere/x",
		  "chardev 'x': cannot connect to '/nowhere/x': No such file or directory" },
		{ "pipe,id=x", "chardev 'x': unknown backend 'pipe', known are pty, stdio, null, "
			       "file, socket" },
		{ "null,id=x,mux=on", "chardev 'x': unknown property 'mux'" },
		{ "file,id=x", "chardev 'x': file needs path=" },
	};
	struct loop *loop = loop_create();

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err err = { 0 };

		assert_null(chr_open(loop, bad[i].spec, true, "x", &err));
		assert_string_equal(err.text, bad[i].sentence);
	}
	loop_destroy(loop);
}

static void the_last_bytes_are_kept(void **state)
{
	struct chr *chr = chr_open_null("serial0");
	static uint8_t bytes[CHR_HISTORY_BYTES + 100], out[CHR_HISTORY_BYTES];
	uint64_t from = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + i / 256);
	chr_write(chr, "lost", 4);
	assert_int_equal(chr_keep_history(chr), 0);
	assert_int_equal(chr_keep_history(chr), 0);
	chr_write(chr, bytes, 10);
	assert_int_equal(chr_read_history(chr, &from, out, sizeof(out)), 10);
	assert_memory_equal(out, bytes, 10);
	chr_write(chr, bytes + 10, sizeof(bytes) - 10);
	assert_int_equal(chr_read_history(chr, &from, out, sizeof(out)), CHR_HISTORY_BYTES);
	assert_int_equal(from, 100);
	assert_memory_equal(out, bytes + 100, CHR_HISTORY_BYTES);
	from = UINT64_MAX;
	assert_int_equal(chr_read_history(chr, &from, out, sizeof(out)), 0);
	assert_int_equal(from, sizeof(bytes));
	from = sizeof(bytes) - 3;
	assert_int_equal(chr_read_history(chr, &from, out, 2), 2);
	assert_memory_equal(out, bytes + sizeof(bytes) - 3, 2);
	chr_destroy(chr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_socket_serves_one_peer_after_the_other),
		cmocka_unit_test(an_acceptor_gets_every_connection),
		cmocka_unit_test(a_peer_passes_descriptors),
		cmocka_unit_test(a_pty_is_opened_by_its_name),
		cmocka_unit_test(a_pty_gives_what_was_left_in_it),
		cmocka_unit_test(bad_words_get_a_sentence),
		cmocka_unit_test(the_last_bytes_are_kept),
	};
	int failed;

	if (!mkdtemp(directory))
		return 1;
	failed = cmocka_run_group_tests_name("chr", tests, NULL, NULL);
	rmdir(directory);
	return failed;
}
