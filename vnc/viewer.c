// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One viewer's connection, from its first byte to the end of its handshake (RFC 6143 7.1 to 7.3),
 * and its socket.
 *
 *   GREETING ── 100 ms of silence: viewer_greet ──────────────────────> VERSION ─> SECURITY ─>
 * RESPONSE ─> CLIENT_INIT ─> NORMAL └─ "GET ": WEBSOCKET ── websocket_handshake, viewer_greet
 * ────────^  │ (3.3: the server chooses)        ^ └──────────────────────────────────┘
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/loop.h"
#include "base/trace.h"
#include "vnc/digest.h"
#include "vnc/server.h"

enum {
	GREETING_MS =
		100,    /* a browser's request comes with its connection; a viewer waits for ours */
	READS_MAX = 16, /* in one turn of the loop */
	FAILURES_MAX = 5, /* wrong passwords in a row, then everybody waits */
	LOCK_SECONDS = 10,
};

/* Sending */

static void viewer_doom(struct viewer *viewer, const char *why)
{
	TRACE(vnc, doomed, "%s:%s: %s", viewer->info.address.host, viewer->info.address.service,
	      why);
	viewer->is_doomed = true;
}

static void flush_output(struct viewer *viewer)
{
	while (outbuf_length(&viewer->out) > 0) {
		ssize_t sent = send(viewer->fd, viewer->out.bytes + viewer->out.start,
				    outbuf_length(&viewer->out), MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno != EAGAIN)
			viewer_doom(viewer, "cannot send");
		if (sent <= 0)
			break;
		outbuf_drop(&viewer->out, (size_t)sent);
	}
	if (outbuf_length(&viewer->out) == 0)
		viewer->control_bytes = 0;
	if (viewer->out.failed)
		viewer_doom(viewer, "no memory left");
	loop_watch_set_events(viewer->watch, outbuf_length(&viewer->out) > 0 && !viewer->is_doomed
						     ? LOOP_READABLE | LOOP_WRITABLE
						     : LOOP_READABLE);
}

static void queue_frame_header(struct viewer *viewer, size_t count)
{
	uint8_t header[10];

	if (viewer->info.is_websocket)
		outbuf_put(&viewer->out, header, websocket_header(header, WEBSOCKET_BINARY, count));
}

void viewer_send_frame(struct viewer *viewer, const void *bytes, size_t count)
{
	outbuf_put(&viewer->out, bytes, count);
	viewer->control_bytes += count;
	if (viewer->control_bytes > CONTROL_BYTES_MAX)
		viewer_doom(viewer, "does not read");
	flush_output(viewer);
}

void viewer_send(struct viewer *viewer, const void *bytes, size_t count)
{
	queue_frame_header(viewer, count);
	viewer_send_frame(viewer, bytes, count);
}

void viewer_send_update(struct viewer *viewer, struct outbuf *out)
{
	queue_frame_header(viewer, outbuf_length(out));
	if (outbuf_length(&viewer->out) == 0) {
		struct outbuf empty = viewer->out;

		viewer->out = *out;
		*out = empty;
	} else {
		outbuf_put(&viewer->out, out->bytes + out->start, outbuf_length(out));
	}
	outbuf_free(out);
	flush_output(viewer);
}

/* The handshake */

void viewer_greet(struct viewer *viewer)
{
	viewer->state = VIEWER_VERSION;
	viewer_send(viewer, "RFB 003.008\n", RFB_VERSION_BYTES);
}

/* What the server offers; 3.3 viewers are told. */
static void offer_security(struct viewer *viewer)
{
	uint8_t security = viewer->server->has_password ? RFB_SECURITY_VNC : RFB_SECURITY_NONE;
	uint8_t offer[2] = { 1, security };
	uint8_t order[4] = { 0, 0, 0, security };

	if (viewer->minor_version >= 7) {
		viewer->state = VIEWER_SECURITY;
		viewer_send(viewer, offer, sizeof(offer));
		return;
	}
	viewer_send(viewer, order, sizeof(order));
	viewer->state = VIEWER_CLIENT_INIT;
	if (security == RFB_SECURITY_VNC) {
		viewer->state = VIEWER_RESPONSE;
		viewer_send(viewer, viewer->challenge, sizeof(viewer->challenge));
	}
}

static int handle_version(struct viewer *viewer)
{
	const char *text = (const char *)viewer->input;

	if (viewer->input_have < RFB_VERSION_BYTES)
		return 0;
	if (memcmp(text, "RFB 003.00", 10) != 0 || text[10] < '0' || text[10] > '9' ||
	    text[11] != '\n')
		return -1;
	viewer->minor_version = (unsigned)(text[10] - '0');
	if (getrandom(viewer->challenge, sizeof(viewer->challenge), GRND_NONBLOCK) !=
	    sizeof(viewer->challenge))
		return -1;
	offer_security(viewer);
	return RFB_VERSION_BYTES;
}

static void send_security_result(struct viewer *viewer, const char *reason)
{
	uint8_t result[4] = { 0, 0, 0, reason != NULL };
	uint8_t length[4];

	viewer_send(viewer, result, sizeof(result));
	if (!reason || viewer->minor_version < 8)
		return;
	store_be32(length, (uint32_t)strlen(reason));
	viewer_send(viewer, length, sizeof(length));
	viewer_send(viewer, reason, strlen(reason));
}

static int handle_security(struct viewer *viewer)
{
	if (viewer->input_have < 1)
		return 0;
	if (viewer->server->has_password) {
		if (viewer->input[0] != RFB_SECURITY_VNC)
			return -1;
		viewer->state = VIEWER_RESPONSE;
		viewer_send(viewer, viewer->challenge, sizeof(viewer->challenge));
		return 1;
	}
	if (viewer->input[0] != RFB_SECURITY_NONE)
		return -1;
	viewer->state = VIEWER_CLIENT_INIT;
	if (viewer->minor_version >= 8)
		send_security_result(viewer, NULL);
	return 1;
}

/* NULL if the response is right, else what to tell the viewer. */
static const char *check_response(struct viewer *viewer)
{
	struct vnc_server *server = viewer->server;
	uint8_t expected[RFB_CHALLENGE_BYTES], different = 0;

	if (clock_host_ns() < server->locked_until_ns)
		return "Too many wrong passwords; wait a moment";
	vnc_auth_response(server->password, viewer->challenge, expected);
	for (unsigned i = 0; i < RFB_CHALLENGE_BYTES; i++)
		different |= expected[i] ^ viewer->input[i];
	if (different == 0 && server->password[0]) {
		server->failures = 0;
		return NULL;
	}
	if (++server->failures % FAILURES_MAX == 0)
		server->locked_until_ns = clock_host_ns() + LOCK_SECONDS * NS_PER_SECOND;
	return "Wrong password";
}

static int handle_response(struct viewer *viewer)
{
	const char *refusal;

	if (viewer->input_have < RFB_CHALLENGE_BYTES)
		return 0;
	refusal = check_response(viewer);
	send_security_result(viewer, refusal);
	if (refusal)
		return -1;
	viewer->state = VIEWER_CLIENT_INIT;
	return RFB_CHALLENGE_BYTES;
}

static const struct pixel_format native_format = {
	.bytes = 4,
	.depth = 24,
	.max = { 255, 255, 255 },
	.shift = { 16, 8, 0 },
};

/* Whether the viewer wants to be alone is not asked: one viewer does not send another away. */
static int handle_client_init(struct viewer *viewer)
{
	struct vnc_server *server = viewer->server;
	struct outbuf init = { 0 };
	static const uint8_t padding[3];

	if (viewer->input_have < 1)
		return 0;
	server_show(server, viewer);
	viewer->format = native_format;
	viewer->width = server->display->surface.width;
	viewer->height = server->display->surface.height;
	outbuf_put_be16(&init, viewer->width);
	outbuf_put_be16(&init, viewer->height);
	outbuf_put_u8(&init, 32); /* bits a pixel */
	outbuf_put_u8(&init, viewer->format.depth);
	outbuf_put_u8(&init, viewer->format.big_endian);
	outbuf_put_u8(&init, true); /* true colour */
	for (unsigned i = 0; i < 3; i++)
		outbuf_put_be16(&init, viewer->format.max[i]);
	outbuf_put(&init, viewer->format.shift, 3);
	outbuf_put(&init, padding, sizeof(padding));
	outbuf_put_be32(&init, (uint32_t)strlen(server->name));
	outbuf_put(&init, server->name, strlen(server->name));
	viewer->state = VIEWER_NORMAL;
	viewer_mark_all(viewer);
	viewer_send_update(viewer, &init);
	return 1;
}

/* Receiving */

static int handle_first_bytes(struct viewer *viewer)
{
	if (memcmp(viewer->input, "GET ", min_size(viewer->input_have, 4)) != 0)
		return -1;
	if (viewer->input_have < 4)
		return 0;
	viewer->state = VIEWER_WEBSOCKET;
	return websocket_handshake(viewer);
}

/* The cut text that is coming in. */
static int skip_input(struct viewer *viewer)
{
	size_t count = min_size(viewer->skip, viewer->input_have);

	viewer->skip -= (uint32_t)count;
	if (!viewer->cut)
		return (int)count;
	memcpy(viewer->cut + viewer->cut_bytes, viewer->input, count);
	viewer->cut_bytes += (uint32_t)count;
	if (viewer->skip == 0) {
		server_set_clipboard(viewer->server, viewer->cut, viewer->cut_bytes);
		viewer_drop_cut(viewer);
	}
	return (int)count;
}

/* One thing at the front of the input: as viewer_handle_message. */
static int handle_input(struct viewer *viewer)
{
	if (viewer->input_have == 0)
		return 0;
	if (viewer->skip > 0)
		return skip_input(viewer);
	switch (viewer->state) {
	case VIEWER_GREETING:
		return handle_first_bytes(viewer);
	case VIEWER_WEBSOCKET:
		return websocket_handshake(viewer);
	case VIEWER_VERSION:
		return handle_version(viewer);
	case VIEWER_SECURITY:
		return handle_security(viewer);
	case VIEWER_RESPONSE:
		return handle_response(viewer);
	case VIEWER_CLIENT_INIT:
		return handle_client_init(viewer);
	case VIEWER_NORMAL:
		return viewer_handle_message(viewer);
	}
	return -1;
}

static void handle_all_input(struct viewer *viewer)
{
	while (!viewer->is_doomed) {
		int used = handle_input(viewer);

		if (used < 0)
			viewer_doom(viewer, "does not speak RFB, or may not come in");
		if (used <= 0)
			break;
		viewer->input_have -= (size_t)used;
		memmove(viewer->input, viewer->input + used, viewer->input_have);
	}
	if (viewer->input_have == VIEWER_INPUT_BYTES)
		viewer_doom(viewer, "sends a message that is too long");
}

static bool take_bytes(struct viewer *viewer, const uint8_t *bytes, size_t count)
{
	if (viewer->info.is_websocket) {
		if (!websocket_receive(viewer, bytes, count))
			return false;
	} else {
		memcpy(viewer->input + viewer->input_have, bytes, count);
		viewer->input_have += count;
	}
	handle_all_input(viewer);
	return !viewer->is_doomed;
}

static void receive(struct viewer *viewer)
{
	uint8_t bytes[VIEWER_INPUT_BYTES / 2];

	for (unsigned i = 0; i < READS_MAX && !viewer->is_doomed; i++) {
		size_t room = min_size(sizeof(bytes), VIEWER_INPUT_BYTES - viewer->input_have);
		ssize_t count = recv(viewer->fd, bytes, room, 0);

		if (count < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (count <= 0)
			viewer_doom(viewer, "has gone");
		else if (!take_bytes(viewer, bytes, (size_t)count))
			viewer_doom(viewer, "broke the protocol");
	}
}

static void on_ready(void *opaque, unsigned events)
{
	struct viewer *viewer = opaque;
	struct vnc_server *server = viewer->server;

	if (events & LOOP_WRITABLE)
		flush_output(viewer);
	if (events & (LOOP_READABLE | LOOP_HANGUP))
		receive(viewer);
	viewer_reap(viewer);
	server_arm(server);
}

/* Coming and going */

/* On TCP, keys echo without delay, and viewers whose host has gone are found out. Elsewhere this
 * does nothing. */
static void tune_socket(int fd)
{
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

struct viewer *viewer_create(struct vnc_server *server, int fd)
{
	struct viewer *viewer = calloc(1, sizeof(*viewer));

	if (!viewer)
		return NULL;
	viewer->server = server;
	viewer->fd = fd;
	viewer->encoding = RFB_ENCODING_RAW;
	viewer->greet_at_ns = clock_host_ns() + GREETING_MS * NS_PER_MS;
	keys_init(&viewer->keys, server->input, server->keymap);
	vnc_peer_address(fd, &viewer->info.address);
	tune_socket(fd);
	viewer->watch = loop_watch_fd(server->loop, fd, LOOP_READABLE, on_ready, viewer);
	if (!viewer->watch) {
		free(viewer);
		return NULL;
	}
	list_append(&server->viewers, &viewer->node);
	server->viewer_count++;
	server_report(server, VNC_CONNECTED, viewer);
	return viewer;
}

void viewer_free(struct viewer *viewer)
{
	list_remove(&viewer->node);
	viewer_drop_cut(viewer);
	encoder_destroy(viewer->encoder);
	outbuf_free(&viewer->out);
	free(viewer);
}

void viewer_close(struct viewer *viewer)
{
	struct vnc_server *server = viewer->server;

	list_remove(&viewer->node);
	server->viewer_count--;
	keys_release(&viewer->keys);
	if (viewer->buttons)
		input_move(server->input, 0, 0, 0, 0);
	loop_unwatch(viewer->watch);
	close(viewer->fd);
	if (viewer->info.is_initialized && --server->shown_count == 0)
		display_set_watching(server->display, &server->listener, false);
	server_report(server, VNC_DISCONNECTED, viewer);
	viewer->is_doomed = true;
	if (viewer->job)
		list_append(&server->gone, &viewer->node); /* update.c frees it with the job */
	else
		viewer_free(viewer);
}

bool viewer_reap(struct viewer *viewer)
{
	bool doomed = viewer->is_doomed;

	if (doomed)
		viewer_close(viewer);
	return doomed;
}
