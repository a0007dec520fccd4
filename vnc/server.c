// SPDX-License-Identifier: GPL-2.0-or-later
#include "vnc/server.h"
#include "base/utf8.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/trace.h"

enum {
	WORKERS_MAX = 2,
	FRAME_MS = 33,       /* at most 30 pictures a second, while a viewer waits for one */
	IDLE_FRAME_MS = 100, /* once nothing has moved for a while */
	IDLE_FRAMES = 90,
};

void server_report(struct vnc_server *server, enum vnc_event event, const struct viewer *viewer)
{
	TRACE(vnc, client, "event %d: %s:%s", event, viewer->info.address.host,
	      viewer->info.address.service);
	if (server->event)
		server->event(server->event_opaque, event, &viewer->info);
}

/* Frames and greetings */

static int64_t frame_interval_ns(const struct vnc_server *server)
{
	return (server->idle_frames < IDLE_FRAMES ? FRAME_MS : IDLE_FRAME_MS) * NS_PER_MS;
}

void server_arm(struct vnc_server *server)
{
	int64_t next = INT64_MAX;
	struct viewer *viewer;

	list_for_each(viewer, &server->viewers, struct viewer, node)
	{
		if (viewer->state == VIEWER_GREETING && viewer->greet_at_ns < next)
			next = viewer->greet_at_ns;
		if (viewer_is_waiting(viewer) &&
		    server->last_frame_ns + frame_interval_ns(server) < next)
			next = server->last_frame_ns + frame_interval_ns(server);
	}
	loop_timer_set(server->timer, next);
}

static void run_greetings(struct vnc_server *server, int64_t now)
{
	struct viewer *viewer;

	list_for_each(viewer, &server->viewers, struct viewer, node)
	{
		if (viewer->state == VIEWER_GREETING && viewer->greet_at_ns <= now) {
			viewer_greet(viewer);
			viewer_reap(viewer);
		}
	}
}

static void run_frame(struct vnc_server *server, int64_t now)
{
	struct viewer *viewer;
	bool waiting = false;

	if (now < server->last_frame_ns + frame_interval_ns(server))
		return;
	list_for_each(viewer, &server->viewers, struct viewer, node) waiting |=
		viewer_is_waiting(viewer);
	if (!waiting)
		return;
	server->last_frame_ns = now;
	if (server->idle_frames < IDLE_FRAMES)
		server->idle_frames++;
	display_refresh(server->display, false);
	list_for_each(viewer, &server->viewers, struct viewer, node)
	{
		viewer_send_motion(viewer, false);
		viewer_update(viewer);
		viewer_reap(viewer);
	}
}

static void on_timer(void *opaque)
{
	struct vnc_server *server = opaque;
	int64_t now = clock_host_ns();

	run_greetings(server, now);
	run_frame(server, now);
	server_arm(server);
}

/* What the display and the guest say */

static void on_resized(void *opaque)
{
	struct vnc_server *server = opaque;
	struct viewer *viewer;

	server->idle_frames = 0;
	list_for_each(viewer, &server->viewers, struct viewer, node) viewer_mark_all(viewer);
}

static void on_damaged(void *opaque, struct display_rect rect)
{
	struct vnc_server *server = opaque;
	struct viewer *viewer;

	server->idle_frames = 0;
	list_for_each(viewer, &server->viewers, struct viewer, node)
		viewer_mark(viewer, rect.x, rect.y, rect.width, rect.height);
}

static void on_cursor_changed(void *opaque)
{
	struct vnc_server *server = opaque;
	struct viewer *viewer;

	list_for_each(viewer, &server->viewers, struct viewer, node)
	{
		viewer_send_cursor(viewer);
		viewer_send_position(viewer);
		viewer_reap(viewer);
	}
}

static void on_leds_changed(void *opaque, unsigned leds)
{
	struct vnc_server *server = opaque;
	struct viewer *viewer;

	(void)leds;
	list_for_each(viewer, &server->viewers, struct viewer, node)
	{
		viewer_send_leds(viewer);
		viewer_reap(viewer);
	}
}

void server_show(struct vnc_server *server, struct viewer *viewer)
{
	if (server->shown_count++ == 0) {
		display_set_watching(server->display, &server->listener, true);
		display_refresh(server->display, true);
	}
	viewer->info.is_initialized = true;
	server_report(server, VNC_INITIALIZED, viewer);
}

/* Connections */

/* Room for one more: of those still at the door the one that has stood there longest goes. */
static bool make_room(struct vnc_server *server)
{
	struct viewer *viewer;

	if (server->viewer_count < VNC_VIEWERS_MAX)
		return true;
	list_for_each(viewer, &server->viewers, struct viewer, node)
	{
		if (viewer->state != VIEWER_NORMAL) {
			viewer_close(viewer);
			return true;
		}
	}
	return false;
}

static void on_connection(void *opaque, unsigned events)
{
	struct vnc_server *server = opaque;

	(void)events;
	for (unsigned i = 0; i < server->listening_count; i++) {
		int fd = accept4(server->listening[i].fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			continue;
		if (!make_room(server) || !viewer_create(server, fd))
			close(fd);
	}
	server_arm(server);
}

/* The server */

static int watch_listening(struct vnc_server *server)
{
	for (unsigned i = 0; i < server->listening_count; i++) {
		server->listening[i].watch = loop_watch_fd(server->loop, server->listening[i].fd,
							   LOOP_READABLE, on_connection, server);
		if (!server->listening[i].watch)
			return -ENOMEM;
	}
	return 0;
}

static int find_keymap(struct vnc_server *server, const char *name, struct err *err)
{
	const char *nearest = name ? err_nearest_word(name, vnc_keymap_names()) : NULL;

	server->keymap = keymap_find(name ? name : "en-us");
	if (server->keymap)
		return 0;
	return err_set(err, -EINVAL, "there is no keymap '%s', did you mean '%s'?", name,
		       nearest ? nearest : "en-us");
}

static int server_open(struct vnc_server *server, const struct vnc_options *options,
		       struct err *err)
{
	int result = find_keymap(server, options->keymap, err);

	if (result < 0)
		return result;
	server->workers = worker_pool_create(server->loop, WORKERS_MAX);
	server->timer = loop_timer_create(server->loop, on_timer, server);
	server->name = strdup(options->name ? options->name : "hvmdm");
	if (!server->workers || !server->timer || !server->name)
		return err_set(err, -ENOMEM, "VNC: no memory or descriptors left");
	result = vnc_listen(server, options, err);
	if (result == 0 && watch_listening(server) < 0)
		result = err_set(err, -ENOMEM, "VNC: no memory or descriptors left");
	return result;
}

struct vnc_server *vnc_server_create(const struct vnc_options *options, struct loop *loop,
				     struct display *display, struct input *input, struct err *err)
{
	struct vnc_server *server = calloc(1, sizeof(*server));

	if (!server) {
		err_set(err, -ENOMEM, "VNC: no memory left");
		return NULL;
	}
	server->loop = loop;
	server->display = display;
	server->input = input;
	server->has_password = options->password;
	server->event = options->event;
	server->event_opaque = options->event_opaque;
	server->last_frame_ns = -IDLE_FRAME_MS * NS_PER_MS;
	list_init(&server->viewers);
	list_init(&server->gone);
	server->listener = (struct display_listener){
		.opaque = server,
		.resized = on_resized,
		.damaged = on_damaged,
		.cursor_changed = on_cursor_changed,
	};
	list_init(&server->listener.node);
	display_add_listener(display, &server->listener);
	input->leds_changed = on_leds_changed;
	input->leds_opaque = server;
	if (server_open(server, options, err) == 0)
		return server;
	if (server->listening_count == 0 && options->listen_fd >= 0)
		close(options->listen_fd);
	vnc_server_destroy(server);
	return NULL;
}

/* The clipboard */

static void forget_clipboard(struct vnc_server *server)
{
	if (server->clipboard)
		explicit_bzero(server->clipboard, strlen(server->clipboard));
	free(server->clipboard);
	server->clipboard = NULL;
}

void server_set_clipboard(struct vnc_server *server, const uint8_t *text, size_t bytes)
{
	size_t length = 0;

	forget_clipboard(server);
	/* A character of Latin-1 has two bytes at most. */
	server->clipboard = text ? malloc(2 * bytes + 1) : NULL;
	if (!server->clipboard)
		return;
	for (size_t i = 0; i < bytes; i++) {
		uint8_t byte = text[i];

		if (byte == '\r') {
			if (i + 1 < bytes && text[i + 1] == '\n')
				continue;
			byte = '\n';
		}
		if (byte == '\n' || byte == '\t' || (byte >= 0x20 && byte < 0x7f) || byte >= 0xa0)
			length += utf8_put(byte, server->clipboard + length);
	}
	server->clipboard[length] = '\0';
}

const char *vnc_server_clipboard(const struct vnc_server *server)
{
	return server->clipboard;
}

void vnc_server_disconnect_all(struct vnc_server *server)
{
	while (!list_is_empty(&server->viewers))
		viewer_close(container_of(server->viewers.next, struct viewer, node));
	server_arm(server);
}

void vnc_server_destroy(struct vnc_server *server)
{
	if (!server)
		return;
	vnc_stop_listening(server);
	while (!list_is_empty(&server->viewers))
		viewer_close(container_of(server->viewers.next, struct viewer, node));
	if (server->timer)
		loop_timer_destroy(server->timer);
	worker_pool_destroy(server->workers); /* and with their jobs those that are gone */
	display_remove_listener(server->display, &server->listener);
	if (server->input->leds_opaque == server)
		server->input->leds_changed = NULL;
	explicit_bzero(server->password, sizeof(server->password));
	forget_clipboard(server);
	free(server->name);
	free(server);
}

/* Questions and settings */

const struct vnc_address *vnc_server_address(const struct vnc_server *server)
{
	return &server->address;
}

const char *vnc_server_auth(const struct vnc_server *server)
{
	return server->has_password ? "vnc" : "none";
}

void vnc_server_for_each_client(const struct vnc_server *server,
				void (*visit)(void *opaque, const struct vnc_client_info *client),
				void *opaque)
{
	struct viewer *viewer;

	list_for_each(viewer, &server->viewers, struct viewer, node) visit(opaque, &viewer->info);
}

void vnc_server_set_password(struct vnc_server *server, const char *password)
{
	explicit_bzero(server->password, sizeof(server->password));
	if (password)
		memcpy(server->password, password, strnlen(password, VNC_PASSWORD_BYTES));
	server->has_password = true;
	server->failures = 0;
	server->locked_until_ns = 0;
}
