// SPDX-License-Identifier: GPL-2.0-or-later
/* The VNC server through its sockets: viewers that behave, and viewers that do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/input-event-codes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/display.h"
#include "base/err.h"
#include "base/input.h"
#include "base/loop.h"
#include "vnc/digest.h"
#include "vnc/rfb.h"
#include "vnc/vnc.h"

enum {
	PATIENCE_MS = 10000, /* only a broken server makes a test wait that long */
	MAX_BYTES = 4 * 1024 * 1024,
};

struct bench {
	struct loop *loop;
	struct display display;
	struct input input;
	struct input_sink sink;
	struct vnc_server *server;
	struct err err;
	char path[64];
	char typed[256];
	int dx, dy, dz;
	unsigned buttons, x, y;
	bool is_absolute;
	unsigned events[3];
	unsigned watches;
	unsigned refreshes;
};

static void on_key(void *opaque, unsigned key, bool down)
{
	struct bench *bench = opaque;
	size_t length = strlen(bench->typed);

	snprintf(bench->typed + length, sizeof(bench->typed) - length, "%c%u ", down ? '+' : '-',
		 key);
}

static void on_move(void *opaque, int dx, int dy, int dz, unsigned buttons)
{
	struct bench *bench = opaque;

	bench->dx += dx;
	bench->dy += dy;
	bench->dz += dz;
	bench->buttons = buttons;
}

static void on_move_to(void *opaque, unsigned x, unsigned y, int dz, unsigned buttons)
{
	struct bench *bench = opaque;

	bench->x = x;
	bench->y = y;
	bench->dz += dz;
	bench->buttons = buttons;
}

static void on_event(void *opaque, enum vnc_event event, const struct vnc_client_info *client)
{
	struct bench *bench = opaque;

	assert_string_equal(client->address.family, "unix");
	bench->events[event]++;
}

static uint32_t colour_at(unsigned x, unsigned y)
{
	return (x * 7 + y * 13) * 0x010203 & 0xffffff;
}

/* The card: draws its picture once. */
static void on_refresh(void *opaque, bool full)
{
	struct bench *bench = opaque;
	struct display_surface *surface = &bench->display.surface;

	bench->refreshes++;
	if (!full || !surface->pixels)
		return;
	for (unsigned y = 0; y < surface->height; y++)
		for (unsigned x = 0; x < surface->width; x++)
			surface->pixels[y * surface->stride + x] = colour_at(x, y);
	display_damage(&bench->display, 0, 0, surface->width, surface->height);
}

static void on_watch(void *opaque, bool watched)
{
	struct bench *bench = opaque;

	bench->watches += watched;
}

static struct vnc_server *serve(struct bench *bench, struct vnc_options options)
{
	char address[80];

	snprintf(address, sizeof(address), "unix:%s", bench->path);
	if (!options.address)
		options.address = address;
	if (options.listen_fd == 0)
		options.listen_fd = -1;
	options.name = "test guest";
	options.event = on_event;
	options.event_opaque = bench;
	bench->err.text[0] = '\0';
	return vnc_server_create(&options, bench->loop, &bench->display, &bench->input,
				 &bench->err);
}

static int set_up(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	struct display_source source = { .opaque = bench,
					 .refresh = on_refresh,
					 .watch = on_watch };

	bench->loop = loop_create();
	snprintf(bench->path, sizeof(bench->path), "/tmp/test_vnc-%d", (int)getpid());
	display_init(&bench->display);
	display_set_source(&bench->display, &source);
	input_init(&bench->input);
	bench->sink = (struct input_sink){ .opaque = bench, .key = on_key, .move = on_move };
	input_add_sink(&bench->input, &bench->sink);
	*state = bench;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *bench = *state;

	vnc_server_destroy(bench->server);
	assert_int_equal(bench->events[VNC_CONNECTED], bench->events[VNC_DISCONNECTED]);
	display_finish(&bench->display);
	loop_destroy(bench->loop);
	assert_int_not_equal(access(bench->path, F_OK), 0);
	free(bench);
	return 0;
}

/* A viewer */

static int dial(struct bench *bench)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	strcpy(address.sun_path, bench->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void say(int fd, const void *bytes, size_t count)
{
	assert_int_equal(send(fd, bytes, count, MSG_NOSIGNAL), count);
}

#define SAY(fd, ...)                                             \
	do {                                                     \
		static const uint8_t bytes_[] = { __VA_ARGS__ }; \
		say(fd, bytes_, sizeof(bytes_));                 \
	} while (0)

/* Turns the loop until 'count' bytes have come. */
static void hear(struct bench *bench, int fd, void *bytes, size_t count)
{
	size_t have = 0;
	int64_t limit = clock_host_ns() + PATIENCE_MS * NS_PER_MS;

	while (have < count) {
		ssize_t got = recv(fd, (char *)bytes + have, count - have, 0);

		if (got > 0) {
			have += (size_t)got;
			continue;
		}
		if (got == 0 || errno != EAGAIN || clock_host_ns() > limit)
			fail_msg("%zu of %zu bytes came", have, count);
		loop_turn(bench->loop, 10);
	}
}

static void expect(struct bench *bench, int fd, const void *bytes, size_t count)
{
	uint8_t *got = malloc(count);

	hear(bench, fd, got, count);
	assert_memory_equal(got, bytes, count);
	free(got);
}

#define EXPECT(bench, fd, ...)                                   \
	do {                                                     \
		static const uint8_t bytes_[] = { __VA_ARGS__ }; \
		expect(bench, fd, bytes_, sizeof(bytes_));       \
	} while (0)

static void expect_closed(struct bench *bench, int fd)
{
	int64_t limit = clock_host_ns() + PATIENCE_MS * NS_PER_MS;
	uint8_t byte[4096];
	ssize_t got;

	while ((got = recv(fd, byte, sizeof(byte), 0)) != 0) {
		if (got < 0 && errno == ECONNRESET)
			break;
		if (clock_host_ns() > limit)
			fail_msg("the connection stays open");
		loop_turn(bench->loop, 10);
	}
	close(fd);
}

/* Lets the server take what was said. */
static void settle(struct bench *bench)
{
	for (unsigned i = 0; i < 10; i++)
		loop_turn(bench->loop, 0);
}

static void expect_init(struct bench *bench, int fd)
{
	EXPECT(bench, fd, 640 >> 8, 640 & 255, 480 >> 8, 480 & 255, 32, 24, 0, 1, 0, 255, 0, 255, 0,
	       255, 16, 8, 0, 0, 0, 0, 0, 0, 0, 10);
	expect(bench, fd, "test guest", 10);
}

/* Through the handshake of 3.8 without password. */
static int enter(struct bench *bench)
{
	int fd = dial(bench);

	expect(bench, fd, "RFB 003.008\n", 12);
	say(fd, "RFB 003.008\n", 12);
	EXPECT(bench, fd, 1, 1);
	SAY(fd, 1);
	EXPECT(bench, fd, 0, 0, 0, 0);
	SAY(fd, 1);
	expect_init(bench, fd);
	return fd;
}

static void request(int fd, bool incremental, unsigned width, unsigned height)
{
	uint8_t message[10] = { RFB_UPDATE_REQUEST, incremental };

	store_be16(message + 6, (uint16_t)width);
	store_be16(message + 8, (uint16_t)height);
	say(fd, message, sizeof(message));
}

struct rect {
	unsigned x, y, width, height;
	int encoding;
};

static struct rect hear_rect(struct bench *bench, int fd)
{
	uint8_t header[12];

	hear(bench, fd, header, sizeof(header));
	return (struct rect){ load_be16(header), load_be16(header + 2), load_be16(header + 4),
			      load_be16(header + 6), (int)load_be32(header + 8) };
}

static unsigned hear_update(struct bench *bench, int fd)
{
	uint8_t header[4];

	hear(bench, fd, header, sizeof(header));
	assert_int_equal(header[0], 0);
	return load_be16(header + 2);
}

/* One Raw rectangle, whose pixels are the surface's; returns it. */
static struct rect hear_raw(struct bench *bench, int fd)
{
	struct display_surface *surface = &bench->display.surface;
	struct rect rect = hear_rect(bench, fd);
	uint32_t *pixels = malloc((size_t)rect.width * rect.height * 4);

	assert_int_equal(rect.encoding, RFB_ENCODING_RAW);
	hear(bench, fd, pixels, (size_t)rect.width * rect.height * 4);
	for (unsigned y = 0; y < rect.height; y++)
		for (unsigned x = 0; x < rect.width; x++) {
			bool inside = rect.x + x < surface->width && rect.y + y < surface->height;
			size_t at = (size_t)(rect.y + y) * surface->stride + rect.x + x;

			assert_int_equal(pixels[y * rect.width + x],
					 inside ? surface->pixels[at] & 0xffffff : 0);
		}
	free(pixels);
	return rect;
}

static void hear_full_screen(struct bench *bench, int fd, unsigned width, unsigned height)
{
	struct rect rect;

	assert_int_equal(hear_update(bench, fd), 1);
	rect = hear_raw(bench, fd);
	assert_int_equal(rect.width, width);
	assert_int_equal(rect.height, height);
}

/* Handshakes */

static void old_versions(void **state)
{
	struct bench *bench = *state;
	int fd;

	bench->server = serve(bench, (struct vnc_options){ 0 });
	assert_string_equal(vnc_server_auth(bench->server), "none");
	fd = dial(bench);
	expect(bench, fd, "RFB 003.008\n", 12);
	say(fd, "RFB 003.003\n", 12);
	EXPECT(bench, fd, 0, 0, 0, 1);
	SAY(fd, 0);
	expect_init(bench, fd);
	close(fd);
	fd = dial(bench);
	expect(bench, fd, "RFB 003.008\n", 12);
	say(fd, "RFB 003.007\n", 12);
	EXPECT(bench, fd, 1, 1);
	SAY(fd, 1, 1);
	expect_init(bench, fd);
	close(fd);
	settle(bench);
	assert_int_equal(bench->events[VNC_INITIALIZED], 2);
	assert_int_equal(bench->watches, 2);
	assert_int_equal(bench->display.watchers, 0);
}

/* Answers the challenge; returns the result. */
static unsigned log_in(struct bench *bench, int fd, const char *password)
{
	uint8_t challenge[16], response[16], result[4];

	expect(bench, fd, "RFB 003.008\n", 12);
	say(fd, "RFB 003.008\n", 12);
	EXPECT(bench, fd, 1, 2);
	SAY(fd, 2);
	hear(bench, fd, challenge, 16);
	vnc_auth_response(password, challenge, response);
	say(fd, response, 16);
	hear(bench, fd, result, 4);
	return load_be32(result);
}

static void passwords(void **state)
{
	struct bench *bench = *state;
	int fd;

	bench->server = serve(bench, (struct vnc_options){ .password = true });
	assert_string_equal(vnc_server_auth(bench->server), "vnc");
	fd = dial(bench);
	assert_int_equal(log_in(bench, fd, ""), 1); /* none is set: nobody */
	EXPECT(bench, fd, 0, 0, 0, 14);
	expect(bench, fd, "Wrong password", 14);
	expect_closed(bench, fd);

	vnc_server_set_password(bench->server, "secret78-more");
	fd = dial(bench);
	assert_int_equal(log_in(bench, fd, "secret78"), 0);
	SAY(fd, 1);
	expect_init(bench, fd);
	close(fd);
	for (unsigned i = 0; i < 5; i++) {
		fd = dial(bench);
		assert_int_equal(log_in(bench, fd, "guess"), 1);
		expect_closed(bench, fd);
	}
	/* Now the right one has to wait, too. */
	fd = dial(bench);
	assert_int_equal(log_in(bench, fd, "secret78"), 1);
	expect_closed(bench, fd);
	vnc_server_set_password(bench->server, "other");
	fd = dial(bench);
	assert_int_equal(log_in(bench, fd, "other"), 0);
	close(fd);
}

/* Pictures */

static void pictures(void **state)
{
	struct bench *bench = *state;
	struct display_surface *surface = &bench->display.surface;
	struct rect rect;
	int fd, other;

	bench->server = serve(bench, (struct vnc_options){ 0 });
	assert_null(surface->pixels); /* nobody watches: no memory */
	fd = enter(bench);
	request(fd, false, 640, 480);
	hear_full_screen(bench, fd, 640, 480);

	/* Without a change, nothing; with one, the tiles around it. */
	request(fd, true, 640, 480);
	for (unsigned i = 0; i < 5; i++)
		loop_turn(bench->loop, 20);
	assert_int_equal(recv(fd, &rect, 1, 0), -1);
	surface->pixels[100 * surface->stride + 200] = 0xabcdef;
	display_damage(&bench->display, 200, 100, 1, 1);
	assert_int_equal(hear_update(bench, fd), 1);
	rect = hear_raw(bench, fd);
	assert_true(rect.x <= 200 && rect.x + rect.width > 200);
	assert_true(rect.y <= 100 && rect.y + rect.height > 100);
	assert_true(rect.width * rect.height < 64 * 64);

	/* Two corners; what changes while nobody asks is not lost. */
	display_damage(&bench->display, 0, 0, 1, 1);
	display_damage(&bench->display, 639, 479, 1, 1);
	settle(bench);
	request(fd, true, 640, 480);
	assert_int_equal(hear_update(bench, fd), 2);
	hear_raw(bench, fd);
	rect = hear_raw(bench, fd);
	assert_int_equal(rect.x + rect.width, 640);
	assert_int_equal(rect.y + rect.height, 480);

	/* A second viewer sees everything, too. */
	other = enter(bench);
	request(other, false, 640, 480);
	hear_full_screen(bench, other, 640, 480);
	close(fd);
	close(other);
	settle(bench);
	assert_null(surface->pixels);
}

static void sizes(void **state)
{
	struct bench *bench = *state;
	int plain, following, extended;

	bench->server = serve(bench, (struct vnc_options){ 0 });
	plain = enter(bench);
	following = enter(bench);
	SAY(following, RFB_SET_ENCODINGS, 0, 0, 2, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0x21);
	extended = enter(bench);
	SAY(extended, RFB_SET_ENCODINGS, 0, 0, 1, 0xff, 0xff, 0xfe, 0xcc);
	EXPECT(bench, extended, 0, 0, 0, 1, 0, 0, 0, 0, 640 >> 8, 640 & 255, 480 >> 8, 480 & 255,
	       0xff, 0xff, 0xfe, 0xcc, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 640 >> 8, 640 & 255,
	       480 >> 8, 480 & 255, 0, 0, 0, 0);
	/* It may not choose the size. */
	SAY(extended, RFB_SET_DESKTOP_SIZE, 0, 1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0,
	    0, 0, 0, 0);
	EXPECT(bench, extended, 0, 0, 0, 1, 0, 1, 0, 1);
	hear(bench, extended, &(uint8_t[28]){ 0 }, 28);

	request(following, false, 640, 480);
	hear_full_screen(bench, following, 640, 480);
	display_resize(&bench->display, 720, 400);
	display_refresh(&bench->display, true);
	request(plain, false, 640, 480);
	hear_full_screen(bench, plain, 640, 480);
	request(following, true, 640, 480);
	EXPECT(bench, following, 0, 0, 0, 1, 0, 0, 0, 0, 720 >> 8, 720 & 255, 400 >> 8, 400 & 255,
	       0xff, 0xff, 0xff, 0x21);
	request(following, true, 720, 400);
	hear_full_screen(bench, following, 720, 400);
	request(extended, true, 640, 480);
	hear(bench, extended, &(uint8_t[36]){ 0 }, 36);
	request(extended, true, 720, 400);
	hear_full_screen(bench, extended, 720, 400);
	close(plain);
	close(following);
	close(extended);
}

static void small_pixels(void **state)
{
	struct bench *bench = *state;
	uint8_t map[6 + 256 * 6];
	struct rect rect;
	uint8_t pixel;
	int fd;

	bench->server = serve(bench, (struct vnc_options){ 0 });
	fd = enter(bench);
	/* indices into a colour map */
	SAY(fd, RFB_SET_PIXEL_FORMAT, 0, 0, 0, 8, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
	hear(bench, fd, map, sizeof(map));
	assert_int_equal(map[0], RFB_SET_COLOUR_MAP);
	assert_int_equal(load_be16(map + 6 + 6 * 0xe3), 0xffff);
	request(fd, false, 1, 1);
	hear_update(bench, fd);
	rect = hear_rect(bench, fd);
	for (unsigned i = 0; i < rect.width * rect.height; i++)
		hear(bench, fd, &pixel, 1);
	close(fd);
}

static void cursor_and_leds(void **state)
{
	struct bench *bench = *state;
	struct display_cursor cursor = { .width = 2, .height = 1, .hot_x = 1, .hot_y = 0 };
	int fd;

	cursor.pixels[0] = 0xff112233;
	bench->server = serve(bench, (struct vnc_options){ 0 });
	fd = enter(bench);
	/* cursor, position, LED state */
	SAY(fd, RFB_SET_ENCODINGS, 0, 0, 3, 0xff, 0xff, 0xff, 0x11, 0xff, 0xff, 0xff, 0x18, 0xff,
	    0xff, 0xfe, 0xfb);
	EXPECT(bench, fd, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1, 0xff, 0xff, 0xfe, 0xfb, 0);
	input_set_leds(&bench->input, 4);
	EXPECT(bench, fd, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1, 0xff, 0xff, 0xfe, 0xfb, 4);
	display_set_cursor(&bench->display, &cursor, 3000, -5);
	EXPECT(bench, fd, 0, 0, 0, 1, 0, 1, 0, 0, 0, 2, 0, 1, 0xff, 0xff, 0xff, 0x11, 0x33, 0x22,
	       0x11, 0, 0, 0, 0, 0, 0x80);
	EXPECT(bench, fd, 0, 0, 0, 1, 639 >> 8, 639 & 255, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff,
	       0x18);
	display_set_cursor(&bench->display, NULL, 0, 0);
	close(fd);
}

/* Input */

static void assert_typed(struct bench *bench, const char *text)
{
	settle(bench);
	assert_string_equal(bench->typed, text);
	bench->typed[0] = '\0';
}

static void keys(void **state)
{
	struct bench *bench = *state;
	int fd;

	bench->server = serve(bench, (struct vnc_options){ .keymap = "de" });
	fd = enter(bench);
	SAY(fd, RFB_KEY_EVENT, 1, 0, 0, 0, 0, 0, 'z');
	SAY(fd, RFB_KEY_EVENT, 0, 0, 0, 0, 0, 0, 'z');
	assert_typed(bench, "+21 -21 ");
	/* a message in pieces */
	SAY(fd, RFB_KEY_EVENT, 1, 0);
	assert_typed(bench, "");
	SAY(fd, 0, 0, 0, 0xff, 0x0d, RFB_KEY_EVENT, 0, 0, 0, 0, 0, 0xff, 0x0d);
	assert_typed(bench, "+28 -28 ");
	/* QEMU's: Up, and one without position */
	SAY(fd, RFB_SET_ENCODINGS, 0, 0, 1, 0xff, 0xff, 0xfe, 0xfe);
	EXPECT(bench, fd, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xfe, 0xfe);
	SAY(fd, RFB_QEMU, 0, 0, 1, 0, 0, 0xff, 0x52, 0, 0, 0, 0xc8);
	SAY(fd, RFB_QEMU, 0, 0, 1, 0, 0, 0, 'y', 0, 0, 0, 0);
	assert_typed(bench, "+103 +44 ");
	close(fd); /* everything it holds goes up */
	assert_typed(bench, "-44 -103 ");
}

static void pointer(void **state)
{
	struct bench *bench = *state;
	int fd;

	bench->server = serve(bench, (struct vnc_options){ 0 });
	fd = enter(bench);
	/* PS/2: differences */
	SAY(fd, RFB_POINTER_EVENT, 0, 0, 100, 0, 50);
	SAY(fd, RFB_POINTER_EVENT, 1, 0, 110, 0, 45);
	settle(bench);
	assert_int_equal(bench->dx, 10);
	assert_int_equal(bench->dy, -5);
	assert_int_equal(bench->buttons, INPUT_BUTTON_LEFT);
	/* the wheel, up twice and down once, and the other buttons */
	SAY(fd, RFB_POINTER_EVENT, 8, 0, 110, 0, 45, RFB_POINTER_EVENT, 0, 0, 110, 0, 45);
	SAY(fd, RFB_POINTER_EVENT, 8, 0, 110, 0, 45, RFB_POINTER_EVENT, 8 | 6, 0, 110, 0, 45);
	settle(bench);
	assert_int_equal(bench->dz, 2);
	assert_int_equal(bench->buttons, INPUT_BUTTON_MIDDLE | INPUT_BUTTON_RIGHT);
	SAY(fd, RFB_POINTER_EVENT, 16, 0, 110, 0, 45);
	settle(bench);
	assert_int_equal(bench->dz, 1);
	/* a viewer that can be told to send differences */
	SAY(fd, RFB_SET_ENCODINGS, 0, 0, 1, 0xff, 0xff, 0xfe, 0xff);
	EXPECT(bench, fd, 0, 0, 0, 1, 0, 0, 0, 0, 640 >> 8, 640 & 255, 480 >> 8, 480 & 255, 0xff,
	       0xff, 0xfe, 0xff);
	bench->dx = bench->dy = 0;
	SAY(fd, RFB_POINTER_EVENT, 0, 0x7f, 0xfc, 0x80, 0x04);
	settle(bench);
	assert_int_equal(bench->dx, -3);
	assert_int_equal(bench->dy, 5);
	/* the guest gets a tablet: positions, which the viewer is told with the next frame */
	bench->sink.move_to = on_move_to;
	request(fd, false, 640, 480);
	EXPECT(bench, fd, 0, 0, 0, 1, 0, 1, 0, 0, 640 >> 8, 640 & 255, 480 >> 8, 480 & 255, 0xff,
	       0xff, 0xfe, 0xff);
	SAY(fd, RFB_POINTER_EVENT, 0, 639 >> 8, 639 & 255, 0, 0);
	settle(bench);
	assert_int_equal(bench->x, INPUT_ABS_MAX);
	assert_int_equal(bench->y, 0);
	close(fd);
}

/* Viewers that do harm */

static void nonsense(void **state)
{
	struct bench *bench = *state;
	static const struct {
		const char *bytes;
		unsigned count;
	} rows[] = {
		{ "\1", 1 },                       /* no such message */
		{ "\377\1\0\0", 4 },               /* QEMU audio */
		{ "\6\0\0\0\177\377\377\377", 8 }, /* 2 GB of clipboard */
		{ "\6\0\0\0\377\377\377\377", 8 }, /* a negative clipboard */
		{ "\0\0\0\0\30\30\0\1\0\377\0\377\0\377\0\0\0\0\0\0", 20 },   /* 24 bits a pixel */
		{ "\0\0\0\0\10\10\0\1\0\377\0\377\0\377\20\10\0\0\0\0", 20 }, /* shifted out */
		{ "\0\0\0\0\40\30\0\1\0\0\0\377\0\377\20\10\0\0\0\0", 20 },   /* no red */
		{ "\0\0\0\0\20\20\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20 },         /* a map of 65536 */
		{ "\2\0\377\377", 4 },                                        /* 65535 encodings */
	};
	int fd;

	bench->server = serve(bench, (struct vnc_options){ 0 });
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		fd = enter(bench);
		say(fd, rows[i].bytes, rows[i].count);
		expect_closed(bench, fd);
	}
	fd = dial(bench);
	say(fd, "SSH-2.0-x\r\n", 11);
	expect_closed(bench, fd);
	fd = dial(bench);
	expect(bench, fd, "RFB 003.008\n", 12);
	say(fd, "RFB 004.001\n", 12);
	expect_closed(bench, fd);
	fd = dial(bench);
	expect(bench, fd, "RFB 003.008\n", 12);
	say(fd, "RFB 003.008\n\20", 13);
	expect_closed(bench, fd);
}

static void clipboard_is_skipped(void **state)
{
	struct bench *bench = *state;
	uint8_t *text = calloc(1, 100000);
	size_t at = 0;
	int fd;

	bench->server = serve(bench, (struct vnc_options){ 0 });
	fd = enter(bench);
	SAY(fd, RFB_CLIENT_CUT_TEXT, 0, 0, 0, 0, 1, 0x86, 0xa0); /* 100000 */
	while (at < 100000) {
		ssize_t sent = send(fd, text + at, 100000 - at, 0);

		at += sent > 0 ? (size_t)sent : 0;
		loop_turn(bench->loop, 0);
	}
	SAY(fd, RFB_KEY_EVENT, 1, 0, 0, 0, 0, 0, 'a');
	for (unsigned i = 0; i < 100 && !bench->typed[0]; i++)
		loop_turn(bench->loop, 0);
	assert_typed(bench, "+30 ");
	/* Longer than what is kept. */
	assert_null(vnc_server_clipboard(bench->server));
	free(text);
	close(fd);
}

static void clipboard_is_kept(void **state)
{
	struct bench *bench = *state;
	const char *text;
	int fd;

	bench->server = serve(bench, (struct vnc_options){ 0 });
	fd = enter(bench);
	assert_null(vnc_server_clipboard(bench->server));
	/* Latin-1, ends of lines of three kinds, and what no text has */
	SAY(fd, RFB_CLIENT_CUT_TEXT, 0, 0, 0, 0, 0, 0, 11, 'a', 0xe4, '\r', '\n', 'b', '\r', 0x1b,
	    0, '\t', 0x85, '\n');
	for (unsigned i = 0; i < 100 && !vnc_server_clipboard(bench->server); i++)
		loop_turn(bench->loop, 0);
	text = vnc_server_clipboard(bench->server);
	assert_non_null(text);
	assert_string_equal(text, "a\xc3\xa4\nb\n\t\n");
	/* The next one takes its place as soon as it begins. */
	SAY(fd, RFB_CLIENT_CUT_TEXT, 0, 0, 0, 0, 0, 0, 2, 'x');
	for (unsigned i = 0; i < 100 && vnc_server_clipboard(bench->server); i++)
		loop_turn(bench->loop, 0);
	assert_null(vnc_server_clipboard(bench->server));
	close(fd);
}

/* One that asks and never reads gets one picture, and holds nobody up; its keys still work. */
static void never_reads(void **state)
{
	struct bench *bench = *state;
	int fd, small = 4096, other;

	bench->server = serve(bench, (struct vnc_options){ 0 });
	fd = enter(bench);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	for (unsigned i = 0; i < 200; i++) {
		request(fd, false, 640, 480);
		settle(bench);
	}
	SAY(fd, RFB_KEY_EVENT, 1, 0, 0, 0, 0, 0, 'a');
	other = enter(bench);
	request(other, false, 640, 480);
	hear_full_screen(bench, other, 640, 480);
	assert_typed(bench, "+30 ");
	/* Replies that it causes are counted, too. */
	for (unsigned i = 0; i < 4000; i++) {
		static const uint8_t message[] = {
			RFB_SET_ENCODINGS, 0, 0, 1, 0xff, 0xff, 0xfe, 0xcc
		};

		if (send(fd, message, sizeof(message), MSG_NOSIGNAL) < 0 && errno != EAGAIN)
			break;
		loop_turn(bench->loop, 0);
	}
	expect_closed(bench, fd);
	close(other);
}

static void crowd(void **state)
{
	struct bench *bench = *state;
	int fds[40], inside;

	bench->server = serve(bench, (struct vnc_options){ 0 });
	inside = enter(bench);
	for (unsigned i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = dial(bench);
		settle(bench);
	}
	/* The door was never shut to one who goes through, and he who was inside still is. */
	fds[0] = (close(fds[0]), enter(bench));
	request(inside, false, 640, 480);
	hear_full_screen(bench, inside, 640, 480);
	for (unsigned i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	settle(bench);
	vnc_server_disconnect_all(bench->server);
	expect_closed(bench, inside);
}

static uint32_t random_state = 99;

static uint32_t random_next(void)
{
	random_state = random_state * 1664525u + 1013904223u;
	return random_state >> 8;
}

/* Messages with random content, now and then cut short by the end of the connection. */
static void random_messages(void **state)
{
	static const uint8_t lengths[][2] = { { 0, 20 }, { 2, 12 }, { 3, 10 },   { 4, 8 },
					      { 5, 6 },  { 6, 12 }, { 251, 24 }, { 255, 12 } };
	struct bench *bench = *state;

	bench->server = serve(bench, (struct vnc_options){ 0 });
	for (unsigned round = 0; round < 8; round++) {
		int fd = enter(bench);

		for (unsigned i = 0; i < 200; i++) {
			unsigned kind = random_next() % ARRAY_SIZE(lengths);
			uint8_t message[24];

			for (unsigned n = 0; n < sizeof(message); n++)
				message[n] = (uint8_t)(random_next() % 3 ? random_next() % 3
									 : random_next());
			message[0] = lengths[kind][0];
			if (message[0] == 0)
				memcpy(message + 4,
				       (uint8_t[]){ (uint8_t)(8u << random_next() % 3), 24, 0, 1, 0,
						    7, 0, 7, 0, 3, 5, 2, 0 },
				       13);
			if (send(fd, message, lengths[kind][1], MSG_NOSIGNAL) < 0)
				break;
			loop_turn(bench->loop, 0);
			(void)!recv(fd, (uint8_t[65536]){ 0 }, 65536, 0);
		}
		close(fd);
		settle(bench);
	}
}

/* The server ends while a picture is being made. */
static void ends_while_busy(void **state)
{
	struct bench *bench = *state;
	int fd, other;

	bench->server = serve(bench, (struct vnc_options){ 0 });
	fd = enter(bench);
	other = enter(bench);
	SAY(fd, RFB_SET_ENCODINGS, 0, 0, 1, 0, 0, 0, 16);
	request(fd, false, 640, 480);
	request(other, false, 640, 480);
	loop_turn(bench->loop, 50);
	loop_turn(bench->loop, 50);
	close(other);
	vnc_server_destroy(bench->server);
	bench->server = NULL;
	close(fd);
}

/* Browsers */

static void web_say(int fd, unsigned first, const uint8_t *bytes, size_t count)
{
	uint8_t frame[256] = { (uint8_t)first, (uint8_t)(0x80 | count), 1, 2, 3, 4 };

	assert_true(count < 126);
	for (size_t i = 0; i < count; i++)
		frame[6 + i] = bytes[i] ^ frame[2 + i % 4];
	say(fd, frame, 6 + count);
}

static int web_dial(struct bench *bench)
{
	static const char ask[] = "GET / HTTP/1.1\r\nHost: x\r\nupgrade: websocket\r\n"
				  "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
				  "Sec-WebSocket-Protocol: binary, base64\r\n\r\n";
	static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
				     "Connection: Upgrade\r\n"
				     "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
				     "Sec-WebSocket-Protocol: binary\r\n\r\n";
	int fd = dial(bench);

	say(fd, ask, 30);
	settle(bench);
	say(fd, ask + 30, sizeof(ask) - 31);
	expect(bench, fd, answer, sizeof(answer) - 1);
	return fd;
}

static void browser(void **state)
{
	struct bench *bench = *state;
	uint8_t *rest;
	int fd;

	bench->server = serve(bench, (struct vnc_options){ 0 });
	fd = web_dial(bench);
	EXPECT(bench, fd, 0x82, 12, 'R', 'F', 'B', ' ', '0', '0', '3', '.', '0', '0', '8', '\n');
	web_say(fd, 0x02, (const uint8_t *)"RFB 00", 6); /* in two pieces */
	web_say(fd, 0x80, (const uint8_t *)"3.008\n", 6);
	EXPECT(bench, fd, 0x82, 2, 1, 1);
	web_say(fd, 0x82, (const uint8_t *)"\1", 1);
	EXPECT(bench, fd, 0x82, 4, 0, 0, 0, 0);
	web_say(fd, 0x89, (const uint8_t *)"hello", 5); /* ping */
	EXPECT(bench, fd, 0x8a, 5, 'h', 'e', 'l', 'l', 'o');
	web_say(fd, 0x82, (const uint8_t *)"\1", 1);
	EXPECT(bench, fd, 0x82, 34);
	expect_init(bench, fd);
	web_say(fd, 0x82, (const uint8_t *)"\3\0\0\0\0\0\2\200\1\340", 10);
	/* a frame with a length of 64 bits: the whole screen */
	EXPECT(bench, fd, 0x82, 127, 0, 0, 0, 0, 0, 0x12, 0xc0, 0x10);
	rest = malloc(0x12c010);
	hear(bench, fd, rest, 0x12c010);
	free(rest);
	web_say(fd, 0x82, (const uint8_t *)"\4\1\0\0\0\0\0a", 8);
	assert_typed(bench, "+30 ");
	web_say(fd, 0x88, (const uint8_t *)"", 0);
	expect_closed(bench, fd);
}

static void bad_browsers(void **state)
{
	struct bench *bench = *state;
	static char big[5000];
	int fd;

	bench->server = serve(bench, (struct vnc_options){ 0 });
	fd = dial(bench);
	say(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27); /* not a WebSocket */
	expect_closed(bench, fd);
	memset(big, 'x', sizeof(big));
	memcpy(big, "GET /", 5);
	fd = dial(bench);
	say(fd, big, sizeof(big));
	expect_closed(bench, fd);
	fd = web_dial(bench);
	SAY(fd, 0x82, 1, 0); /* not masked */
	expect_closed(bench, fd);
	fd = web_dial(bench);
	SAY(fd, 0x89, 0xfe, 1, 0, 0, 0, 0, 0); /* a ping of 256 bytes */
	expect_closed(bench, fd);
	fd = web_dial(bench);
	SAY(fd, 0x81, 0x81, 0, 0, 0, 0, 'x'); /* text */
	expect_closed(bench, fd);
}

/* Listening */

static void addresses(void **state)
{
	struct bench *bench = *state;
	const struct vnc_address *address;
	struct vnc_server *second;
	int fd;

	assert_null(serve(bench, (struct vnc_options){ .address = "localhost" }));
	assert_non_null(strstr(bench->err.text, "not HOST:DISPLAY"));
	assert_null(serve(bench, (struct vnc_options){ .address = "127.0.0.1:99999" }));
	assert_null(serve(bench, (struct vnc_options){ .keymap = "en-uk" }));
	assert_non_null(strstr(bench->err.text, "did you mean 'en-"));
	assert_null(serve(bench, (struct vnc_options){ .address = "unix:/nonexistent/x" }));
	assert_non_null(strstr(bench->err.text, "No such file"));

	bench->server =
		serve(bench, (struct vnc_options){ .address = "127.0.0.1:731", .port_tries = 799 });
	assert_non_null(bench->server);
	address = vnc_server_address(bench->server);
	assert_string_equal(address->host, "127.0.0.1");
	assert_string_equal(address->family, "ipv4");
	/* The port is taken: an error, or the next one. */
	{
		char same[32];
		int display = atoi(address->service) - 5900;

		snprintf(same, sizeof(same), "127.0.0.1:%d", display);
		assert_null(serve(bench, (struct vnc_options){ .address = same }));
		assert_non_null(strstr(bench->err.text, "is in use"));
		second = serve(bench, (struct vnc_options){ .address = same, .port_tries = 899 });
		assert_non_null(second);
		assert_true(atoi(vnc_server_address(second)->service) > display + 5900);
		vnc_server_destroy(second);
	}
	vnc_server_destroy(bench->server);

	/* A socket left by the dead is replaced, one of the living is not. */
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	{
		struct sockaddr_un local = { .sun_family = AF_UNIX };

		strcpy(local.sun_path, bench->path);
		assert_int_equal(bind(fd, (struct sockaddr *)&local, sizeof(local)), 0);
	}
	close(fd);
	bench->server = serve(bench, (struct vnc_options){ 0 });
	assert_non_null(bench->server);
	assert_string_equal(vnc_server_address(bench->server)->service, bench->path);
	assert_null(serve(bench, (struct vnc_options){ 0 }));
	assert_non_null(strstr(bench->err.text, "in use"));
}

static void listening_descriptor(void **state)
{
	struct bench *bench = *state;
	struct sockaddr_un local = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(local.sun_path, bench->path);
	assert_int_equal(bind(fd, (struct sockaddr *)&local, sizeof(local)) | listen(fd, 1), 0);
	bench->server = serve(bench, (struct vnc_options){ .listen_fd = fd });
	assert_string_equal(vnc_server_address(bench->server)->family, "unix");
	close(enter(bench));
	unlink(bench->path);
}

static void count_client(void *opaque, const struct vnc_client_info *client)
{
	unsigned *counts = opaque;

	counts[0]++;
	counts[1] += client->is_initialized;
	counts[2] += client->is_websocket;
}

static void clients_are_listed(void **state)
{
	struct bench *bench = *state;
	unsigned counts[3] = { 0 };
	int fds[3];

	bench->server = serve(bench, (struct vnc_options){ 0 });
	fds[0] = enter(bench);
	fds[1] = web_dial(bench);
	fds[2] = dial(bench);
	settle(bench);
	vnc_server_for_each_client(bench->server, count_client, counts);
	assert_int_equal(counts[0], 3);
	assert_int_equal(counts[1], 1);
	assert_int_equal(counts[2], 1);
	for (unsigned i = 0; i < 3; i++)
		close(fds[i]);
}

/* Without a viewer, and with one that does not ask, nothing is drawn. */
static void idle_costs_nothing(void **state)
{
	struct bench *bench = *state;
	unsigned before;
	int fd;

	bench->server = serve(bench, (struct vnc_options){ 0 });
	for (unsigned i = 0; i < 5; i++)
		loop_turn(bench->loop, 20);
	assert_int_equal(bench->refreshes, 0);
	fd = enter(bench);
	before = bench->refreshes;
	for (unsigned i = 0; i < 5; i++)
		loop_turn(bench->loop, 20);
	assert_int_equal(bench->refreshes, before);
	close(fd);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(old_versions),
		TEST(passwords),
		TEST(pictures),
		TEST(sizes),
		TEST(small_pixels),
		TEST(cursor_and_leds),
		TEST(keys),
		TEST(pointer),
		TEST(nonsense),
		TEST(clipboard_is_skipped),
		TEST(clipboard_is_kept),
		TEST(never_reads),
		TEST(crowd),
		TEST(random_messages),
		TEST(ends_while_busy),
		TEST(browser),
		TEST(bad_browsers),
		TEST(addresses),
		TEST(listening_descriptor),
		TEST(clients_are_listed),
		TEST(idle_costs_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
