// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the host ends of the character port share. Only for chr*.c.
 */
#pragma once

#include "base/chr.h"

struct opts;

/** Fills the common part; takes copies of label and filename. 0 or -ENOMEM. */
int chr_init(struct chr *chr, const struct chr_ops *ops, const char *label, const char *filename);
/** Frees what chr_init took; for destroy hooks. */
void chr_finish(struct chr *chr);

/** Tells the client that a peer came or went. */
void chr_set_open(struct chr *chr, bool open);
size_t chr_can_receive(const struct chr *chr);
void chr_deliver(struct chr *chr, const uint8_t *bytes, size_t count);

/** Ends on a descriptor: pty, stdio, file. */
struct chr *chr_open_pty(struct loop *loop, const char *label, struct err *err);
struct chr *chr_open_stdio(struct loop *loop, const char *label, struct err *err);
struct chr *chr_open_file(struct loop *loop, const char *path, bool append, const char *label,
			  struct err *err);
/** A character device or FIFO that is read and written. */
struct chr *chr_open_device(struct loop *loop, const char *path, const char *label,
			    struct err *err);

/** Sockets: host=, port=, path=, fd=, server=, wait=, telnet= is refused. */
struct chr *chr_open_socket(struct loop *loop, struct opts *opts, const char *label,
			    struct err *err);
