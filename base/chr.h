// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The character port: a device (serial port, debug port, monitor) on one side, a host end (pty,
 * socket, file, stdio, null) on the other. Neither side ever blocks. Under the machine lock.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct loop;
struct chr;

enum {
	CHR_HISTORY_BYTES = 64 << 10,
};

enum chr_event {
	CHR_OPENED, /* a peer is there */
	CHR_CLOSED,
};

/** The device's side. 'can_receive' says how many bytes it takes now; 'receive' is never given
 * more. */
struct chr_client {
	void *opaque;
	size_t (*can_receive)(void *opaque);
	void (*receive)(void *opaque, const uint8_t *bytes, size_t count);
	void (*event)(void *opaque, enum chr_event event); /* may be NULL */
	void (*writable)(void *opaque); /* room again after a short chr_write; may be NULL */
};

struct chr_ops {
	size_t (*write)(struct chr *chr, const void *bytes, size_t count);
	void (*accept)(struct chr *chr);
	int (*take_fd)(struct chr *chr);
	void (*destroy)(struct chr *chr);
};

/** Embedded first in each host end. */
struct chr {
	const struct chr_ops *ops;
	struct chr_client client;
	char *label;    /* "serial0"; owned */
	char *filename; /* as query-chardev shows it, "pty:/dev/pts/3"; owned */
	bool open;      /* a peer is there */
	/* What the device has written last, if that is kept: a ring. */
	uint8_t *history;
	uint64_t written; /* bytes since it is kept */
};

/**
 * Opens a host end by QEMU's short form ("pty", "stdio", "null", "none", "file:PATH",
 * "unix:PATH,server=on,wait=off", "tcp:HOST:PORT,…", a path under /dev) or, with 'is_chardev', by
 * -chardev's form ("socket,id=x,path=P,server=on,wait=off", fd=N for an already listening socket).
 * NULL and a sentence on failure.
 */
struct chr *chr_open(struct loop *loop, const char *spec, bool is_chardev, const char *label,
		     struct err *err);
/** A null end: takes everything, sends nothing. */
struct chr *chr_open_null(const char *label);
void chr_destroy(struct chr *chr);

/** Attaches the device's side; NULL detaches. */
void chr_set_client(struct chr *chr, const struct chr_client *client);

/** Bytes taken, 0 if the host end has no room or no peer waits; a closed or null end takes (and
 * drops) all. */
size_t chr_write(struct chr *chr, const void *bytes, size_t count);

/** Keeps the last CHR_HISTORY_BYTES that the device writes, from now on. 0 or -ENOMEM. */
int chr_keep_history(struct chr *chr);
/**
 * Copies what the device has written from byte *from on, at most 'length'. *from becomes the number
 * of the first byte copied, which is a later one if it is no longer kept. Returns how many.
 */
size_t chr_read_history(const struct chr *chr, uint64_t *from, void *data, size_t length);

/** The client has room again: bytes that wait are delivered. */
void chr_accept(struct chr *chr);

/** The next descriptor that a UNIX socket's peer passed, now the caller's, or -1. */
int chr_take_fd(struct chr *chr);

/**
 * Each connection to a listening socket becomes a port of its own, handed to 'accepted' and then
 * its to destroy; the listening port itself never opens. False if 'chr' does not listen.
 */
bool chr_set_acceptor(struct chr *chr, void (*accepted)(void *opaque, struct chr *peer),
		      void *opaque);
