// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A VNC server (RFB 3.3, 3.7 and 3.8) that shows base/display to any number of viewers and feeds
 * base/input. On TCP or a UNIX socket; a browser with noVNC speaks WebSocket on the same port. It
 * lives on the event loop: nothing waits, what viewers make grow is bounded, pictures are
 * compressed by workers outside the machine lock, and without a viewer it costs a listening
 * descriptor.
 *
 * What a viewer copies is kept for whoever asks (vnc_server_clipboard), in Latin-1 as the protocol
 * has it.
 *
 * Not there: TLS, JPEG, the guest's clipboard, the extended one, scaling.
 */
#pragma once

#include <stdbool.h>

struct display;
struct err;
struct input;
struct loop;
struct vnc_server;

enum {
	CLIPBOARD_BYTES_MAX = 64 << 10, /* of a text that is kept */
};

enum vnc_event {
	VNC_CONNECTED,    /* a connection was accepted */
	VNC_INITIALIZED,  /* its viewer passed authentication and has the screen */
	VNC_DISCONNECTED, /* it has gone */
};

/** A socket's end, or a server's. Numeric; for UNIX sockets 'host' is empty and 'service' the path.
 */
struct vnc_address {
	char host[64];
	char service[108];
	const char *family; /* "ipv4", "ipv6", "unix" */
};

struct vnc_client_info {
	struct vnc_address address;
	bool is_websocket;
	bool is_initialized;
};

struct vnc_options {
	/** "HOST:DISPLAY" (port 5900 + DISPLAY; no HOST: every address; IPv6 in brackets or plain),
	 * or "unix:PATH". */
	const char *address;
	int port_tries; /* displays up to this one are tried if the port is taken ("to="); 0: only
			   the one */
	int listen_fd;  /* -1, or a listening socket that is taken over instead of 'address' */
	bool password;  /* viewers must give the password; until one is set, nobody gets in */
	const char *keymap; /* "en-us", "de" …; NULL is en-us */
	const char *name;   /* the title of the viewers' windows */
	/** May be NULL. Must not call back into the server. */
	void (*event)(void *opaque, enum vnc_event event, const struct vnc_client_info *client);
	void *event_opaque;
};

/** Listens. NULL with a sentence. What 'options' points to may go afterwards. Under the machine
 * lock, as all calls here. */
struct vnc_server *vnc_server_create(const struct vnc_options *options, struct loop *loop,
				     struct display *display, struct input *input, struct err *err);
/** Disconnects everybody and closes. NULL is ignored. */
void vnc_server_destroy(struct vnc_server *server);

/** Where it listens. */
const struct vnc_address *vnc_server_address(const struct vnc_server *server);
/** "none" or "vnc". */
const char *vnc_server_auth(const struct vnc_server *server);
void vnc_server_for_each_client(const struct vnc_server *server,
				void (*visit)(void *opaque, const struct vnc_client_info *client),
				void *opaque);

/** What a viewer has copied last, UTF-8; NULL if none has, or more than CLIPBOARD_BYTES_MAX. */
const char *vnc_server_clipboard(const struct vnc_server *server);

/** Sets the password (its first 8 bytes count) for those who come from now on; NULL or "": nobody
 * gets in. */
void vnc_server_set_password(struct vnc_server *server, const char *password);
void vnc_server_disconnect_all(struct vnc_server *server);

/** The keymaps there are, ended by NULL. */
const char *const *vnc_keymap_names(void);
