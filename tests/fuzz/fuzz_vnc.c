// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A viewer's bytes. The first byte of an input says who speaks: a viewer that has been greeted, one
 * that is already in, or one at the door that may be a browser. Then come pieces, each behind a
 * byte with its length; between them the loop turns, now and then the screen changes, and what the
 * server says is thrown away.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/display.h"
#include "base/input.h"
#include "base/loop.h"
#include "vnc/server.h"

enum {
	FUZZ_GREETED,
	FUZZ_INSIDE,
	FUZZ_DOOR,
	FUZZ_KINDS,
	TURNS_MAX = 64,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
	struct loop *loop;
	struct display display;
	struct input input;
	struct vnc_server *server;
} bench;

static void set_up(void)
{
	int pair[2];
	struct vnc_options options = { .password = false };

	if (bench.loop)
		return;
	bench.loop = loop_create();
	display_init(&bench.display);
	display_resize(&bench.display, 130, 40);
	input_init(&bench.input);
	/* Nobody connects to it: viewers are made of socket pairs. */
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		abort();
	options.listen_fd = pair[0];
	bench.server = vnc_server_create(&options, bench.loop, &bench.display, &bench.input, NULL);
	if (!bench.server)
		abort();
}

static void listen_to(int fd)
{
	static uint8_t bytes[65536];

	while (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
}

static void speak(int fd, const uint8_t *data, size_t size)
{
	for (unsigned turns = 0; size > 0 && turns < TURNS_MAX; turns++) {
		size_t length = *data & 127;

		if (*data & 128)
			display_damage(&bench.display, *data, turns, 3, 3);
		data++;
		size--;
		if (length > size)
			length = size;
		if (length > 0 && send(fd, data, length, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			return;
		data += length;
		size -= length;
		loop_turn(bench.loop, 0);
		listen_to(fd);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t entry[] = "RFB 003.008\n\1\1";
	struct viewer *viewer;
	int pair[2];

	set_up();
	if (size < 2 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) < 0)
		return 0;
	viewer = viewer_create(bench.server, pair[0]);
	if (!viewer)
		abort();
	if (data[0] % FUZZ_KINDS != FUZZ_DOOR)
		viewer_greet(viewer);
	if (data[0] % FUZZ_KINDS == FUZZ_INSIDE) {
		if (send(pair[1], entry, sizeof(entry) - 1, MSG_NOSIGNAL) < 0)
			abort();
		loop_turn(bench.loop, 0);
	}
	speak(pair[1], data + 1, size - 1);
	/* A frame is due. */
	bench.server->last_frame_ns = 0;
	server_arm(bench.server);
	loop_turn(bench.loop, 0);
	close(pair[1]);
	vnc_server_disconnect_all(bench.server);
	return 0;
}
