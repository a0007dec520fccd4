// SPDX-License-Identifier: GPL-2.0-or-later
/* Inside the VNC server: what its files share. All of it under the machine lock, on the loop. */
#pragma once

#include "base/display.h"
#include "base/list.h"
#include "base/worker.h"
#include "vnc/encode.h"
#include "vnc/keymap.h"
#include "vnc/vnc.h"

enum {
	VNC_LISTENERS_MAX = 4,
	VNC_VIEWERS_MAX = 16, /* a newer connection takes the place of one that has not come through
				 the handshake */
	VNC_PASSWORD_BYTES = 8,

	/* What changed is kept in tiles; a line of tiles is a word. */
	TILE_WIDTH = 64,
	TILE_HEIGHT = 16,
	TILE_ROWS = DISPLAY_MAX_HEIGHT / TILE_HEIGHT,

	VIEWER_INPUT_BYTES = 8192,
	MESSAGE_BYTES_MAX = 4104,         /* SetEncodings with 1024 of them */
	CUT_TEXT_BYTES_MAX = 1024 * 1024, /* more than CLIPBOARD_BYTES_MAX is thrown away, but not
					     without end */
	CONTROL_BYTES_MAX = 64 * 1024,    /* replies that a viewer may cause without reading them */
};

enum viewer_state {
	VIEWER_GREETING,  /* is it a browser? Those speak first */
	VIEWER_WEBSOCKET, /* its HTTP request is coming in */
	VIEWER_VERSION,
	VIEWER_SECURITY,
	VIEWER_RESPONSE,
	VIEWER_CLIENT_INIT,
	VIEWER_NORMAL,
};

/** Taking WebSocket frames apart, byte by byte (RFC 6455 5.2). */
struct websocket {
	uint8_t header[14];
	unsigned header_have;
	uint64_t payload_left;
	unsigned mask_at;
	unsigned opcode;
	uint8_t control[125]; /* the payload of a ping */
	unsigned control_have;
};

struct update_job;

struct viewer {
	struct list_node node;
	struct vnc_server *server;
	struct vnc_client_info info;
	int fd;
	struct loop_watch *watch;
	enum viewer_state state;
	bool is_doomed; /* to be closed when the callback in which that became clear ends */
	unsigned minor_version;
	uint8_t challenge[RFB_CHALLENGE_BYTES];
	int64_t greet_at_ns;

	uint8_t input[VIEWER_INPUT_BYTES];
	size_t input_have;
	uint32_t skip; /* bytes of a clipboard text that are still to come */
	uint8_t *cut;  /* those that have; NULL: they are not kept; owned */
	uint32_t cut_bytes;
	struct websocket websocket;

	struct outbuf out;
	size_t control_bytes; /* in 'out', other than updates */

	struct pixel_format format;
	enum rfb_encoding encoding;
	bool has_desktop_size, has_extended_size, has_cursor, has_position, has_motion, has_keys,
		has_leds;
	bool told_absolute;

	unsigned width, height; /* of the screen as the viewer knows it */
	bool wants_update;      /* a request is to be answered */
	uint64_t dirty[TILE_ROWS];
	struct update_job *job; /* a picture is being compressed */
	struct encoder *encoder;

	struct keys keys;
	unsigned buttons;
};

struct vnc_server {
	struct loop *loop;
	struct display *display;
	struct input *input;
	struct worker_pool *workers; /* from the first viewer on */
	struct display_listener listener;
	const struct keymap *keymap;
	char *name;
	bool has_password; /* asked for */
	char password[VNC_PASSWORD_BYTES + 1];
	char *clipboard;   /* what a viewer has copied last, UTF-8; may be NULL */
	unsigned failures; /* of authentication, in a row */
	int64_t locked_until_ns;
	void (*event)(void *opaque, enum vnc_event event, const struct vnc_client_info *client);
	void *event_opaque;

	struct vnc_address address;
	struct {
		int fd;
		struct loop_watch *watch;
	} listening[VNC_LISTENERS_MAX];
	unsigned listening_count;
	char *unix_path; /* to be removed at the end */

	struct list_node viewers, gone; /* 'gone' ones wait for their job */
	unsigned viewer_count, shown_count;
	struct loop_timer *timer;
	int64_t last_frame_ns;
	unsigned idle_frames;
};

/* listen.c */
/** Opens what 'options' say into server->listening and address. 0 or -errno with a sentence. */
int vnc_listen(struct vnc_server *server, const struct vnc_options *options, struct err *err);
void vnc_stop_listening(struct vnc_server *server);
/** The other end of a connection. */
void vnc_peer_address(int fd, struct vnc_address *address);

/* server.c */
void server_report(struct vnc_server *server, enum vnc_event event, const struct viewer *viewer);
/** Keeps what a viewer has copied, in Latin-1; NULL: nothing any more. Without the control
 * characters that no text has, and with one newline for each end of a line. */
void server_set_clipboard(struct vnc_server *server, const uint8_t *text, size_t bytes);
/** Sets the timer for the next greeting or frame. */
void server_arm(struct vnc_server *server);
/** A viewer has come through the handshake: it is to be shown the screen. */
void server_show(struct vnc_server *server, struct viewer *viewer);

/* messages.c */
/** Forgets what has come of a clipboard text. */
void viewer_drop_cut(struct viewer *viewer);

/* viewer.c */
struct viewer *viewer_create(struct vnc_server *server, int fd);
void viewer_close(struct viewer *viewer);
void viewer_free(struct viewer *viewer);
/** Speaks first: no browser has. */
void viewer_greet(struct viewer *viewer);
/** Queues bytes (in a frame for browsers) and sends what the socket takes. Afterwards the viewer
 * may be doomed. */
void viewer_send(struct viewer *viewer, const void *bytes, size_t count);
/** As viewer_send, without a frame around: 'bytes' are one. */
void viewer_send_frame(struct viewer *viewer, const void *bytes, size_t count);
/** As viewer_send for all of 'out', which is emptied. */
void viewer_send_update(struct viewer *viewer, struct outbuf *out);
/** Closes the viewer if it is doomed; true if it did. */
bool viewer_reap(struct viewer *viewer);

/* messages.c: what viewers say once they are in */
/** The bytes at the front of the input that made a message and were handled; 0: more must come; -1:
 * nonsense. */
int viewer_handle_message(struct viewer *viewer);

/* update.c: what they are shown */
void viewer_mark(struct viewer *viewer, unsigned x, unsigned y, unsigned width, unsigned height);
void viewer_mark_all(struct viewer *viewer);
/** Waits for a picture and could take one. */
bool viewer_is_waiting(const struct viewer *viewer);
/** Answers the request if there is anything to show. */
void viewer_update(struct viewer *viewer);
void viewer_send_cursor(struct viewer *viewer);
void viewer_send_position(struct viewer *viewer);
void viewer_send_leds(struct viewer *viewer);
/** Tells whether pointer movements are wanted as positions or differences, if that changed. */
void viewer_send_motion(struct viewer *viewer, bool always);
void viewer_send_size(struct viewer *viewer, enum rfb_desktop_size reason,
		      enum rfb_desktop_size status);
/** A rectangle without content that says "understood". */
void viewer_send_mark(struct viewer *viewer, enum rfb_encoding encoding);

/* websocket.c */
/** Answers the HTTP request at the front of the input: bytes used, 0 for more, -1 if it is not one
 * for us. */
int websocket_handshake(struct viewer *viewer);
/** Takes frames apart; what they carry is appended to the input (of which there is room for
 * 'count'). False: nonsense. */
bool websocket_receive(struct viewer *viewer, const uint8_t *bytes, size_t count);
/** The header before 'count' bytes to the browser; returns its length. */
unsigned websocket_header(uint8_t header[10], unsigned opcode, size_t count);
