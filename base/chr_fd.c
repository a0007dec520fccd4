// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Host ends on one descriptor that need no peer's connection: pseudo-terminal, standard input and
 * output, file, device.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/chr_internal.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/loop.h"

enum {
	CHUNK_BYTES = 1024,
	PTY_POLL_NS = 250 * 1000 * 1000,
};

struct chr_fd {
	struct chr chr;
	struct loop *loop;
	int in, out;
	struct loop_watch *watch; /* of 'in'; NULL for files */
	struct loop_watch *out_watch;
	bool want_room;
	bool owns_fds;
	bool restore_terminal;
	struct termios terminal;
	struct loop_timer *reopen; /* pty: looks whether somebody opened it */
};

static void fd_update_watch(struct chr_fd *end)
{
	bool wants = chr_can_receive(&end->chr) > 0;

	if (end->watch)
		loop_watch_set_events(
			end->watch,
			(wants ? LOOP_READABLE : 0u) |
				(end->want_room && !end->out_watch ? LOOP_WRITABLE : 0u));
	if (end->out_watch)
		loop_watch_set_events(end->out_watch, end->want_room ? LOOP_WRITABLE : 0u);
}

static size_t fd_write(struct chr *chr, const void *bytes, size_t count)
{
	struct chr_fd *end = container_of(chr, struct chr_fd, chr);
	ssize_t written;

	if (!chr->open)
		return count;
	written = write(end->out, bytes, count);
	if (written < 0 && errno != EAGAIN && errno != EINTR)
		return count; /* the peer is gone or the disk is full: output is lost, the guest
				 goes on */
	if (written < 0)
		written = 0;
	if ((size_t)written < count) {
		end->want_room = true;
		fd_update_watch(end);
	}
	return (size_t)written;
}

static void fd_accept(struct chr *chr)
{
	fd_update_watch(container_of(chr, struct chr_fd, chr));
}

static void fd_destroy(struct chr *chr)
{
	struct chr_fd *end = container_of(chr, struct chr_fd, chr);

	loop_unwatch(end->watch);
	loop_unwatch(end->out_watch);
	loop_timer_destroy(end->reopen);
	if (end->restore_terminal)
		tcsetattr(end->in, TCSANOW, &end->terminal);
	if (end->owns_fds) {
		close(end->in);
		if (end->out != end->in)
			close(end->out);
	}
	chr_finish(chr);
	free(end);
}

static const struct chr_ops fd_ops = {
	.write = fd_write,
	.accept = fd_accept,
	.destroy = fd_destroy,
};

/** The other side of the pty is closed: wait for somebody to open it without being woken by the
 * hang-up all the time. */
static void pty_wait_for_peer(struct chr_fd *end)
{
	chr_set_open(&end->chr, false);
	loop_watch_set_events(end->watch, 0);
	loop_timer_set(end->reopen, clock_host_ns() + PTY_POLL_NS);
}

static void fd_is_ready(void *opaque, unsigned events)
{
	struct chr_fd *end = opaque;
	uint8_t bytes[CHUNK_BYTES];
	size_t room = chr_can_receive(&end->chr);

	if (events & LOOP_WRITABLE) {
		end->want_room = false;
		if (end->chr.client.writable)
			end->chr.client.writable(end->chr.client.opaque);
	}
	if ((events & (LOOP_READABLE | LOOP_HANGUP)) && room) {
		ssize_t count = read(end->in, bytes, room < sizeof(bytes) ? room : sizeof(bytes));

		if (count > 0) {
			chr_deliver(&end->chr, bytes, (size_t)count);
		} else if (count == 0 || errno != EAGAIN) {
			if (end->reopen) {
				pty_wait_for_peer(end);
				return;
			}
			loop_unwatch(end->watch); /* end of standard input */
			end->watch = NULL;
			return;
		}
	} else if ((events & LOOP_HANGUP) && end->reopen) {
		pty_wait_for_peer(end);
		return;
	}
	fd_update_watch(end);
}

static void pty_look_for_peer(void *opaque)
{
	struct chr_fd *end = opaque;
	struct pollfd poll_fd = { .fd = end->in, .events = POLLIN | POLLOUT };

	/* What a peer has written that is gone again is there still: echo root >/dev/pts/3. */
	if (poll(&poll_fd, 1, 0) > 0 && (poll_fd.revents & POLLHUP) &&
	    !(poll_fd.revents & POLLIN)) {
		loop_timer_set(end->reopen, clock_host_ns() + PTY_POLL_NS);
		return;
	}
	chr_set_open(&end->chr, true);
	fd_update_watch(end);
}

static struct chr_fd *fd_create(struct loop *loop, int in, int out, const char *label,
				const char *filename, struct err *err)
{
	struct chr_fd *end = calloc(1, sizeof(*end));

	if (!end || chr_init(&end->chr, &fd_ops, label, filename) < 0) {
		free(end);
		err_set_errno(err, -ENOMEM, "chardev '%s'", label);
		return NULL;
	}
	end->loop = loop;
	end->in = in;
	end->out = out;
	end->owns_fds = true;
	end->chr.open = true;
	return end;
}

struct chr *chr_open_pty(struct loop *loop, const char *label, struct err *err)
{
	char path[128], filename[160];
	struct termios raw;
	struct chr_fd *end;
	int ours, theirs;

	cfmakeraw(&raw);
	if (openpty(&ours, &theirs, path, NULL, NULL) < 0) {
		err_set_errno(err, -errno, "chardev '%s': cannot get a pseudo-terminal", label);
		return NULL;
	}
	tcgetattr(theirs, &raw);
	cfmakeraw(&raw);
	tcsetattr(theirs, TCSANOW, &raw);
	close(theirs);
	fcntl(ours, F_SETFD, FD_CLOEXEC);
	fcntl(ours, F_SETFL, O_NONBLOCK);
	snprintf(filename, sizeof(filename), "pty:%s", path);
	end = fd_create(loop, ours, ours, label, filename, err);
	if (!end) {
		close(ours);
		return NULL;
	}
	end->watch = loop_watch_fd(loop, ours, 0, fd_is_ready, end);
	end->reopen = loop_timer_create(loop, pty_look_for_peer, end);
	if (!end->watch || !end->reopen) {
		err_set_errno(err, -ENOMEM, "chardev '%s'", label);
		fd_destroy(&end->chr);
		return NULL;
	}
	pty_wait_for_peer(end);
	return &end->chr;
}

/** Makes a terminal on standard input hand over single keys; Ctrl-C still ends us. */
static void make_terminal_raw(struct chr_fd *end)
{
	struct termios raw;

	if (tcgetattr(end->in, &end->terminal) < 0)
		return;
	raw = end->terminal;
	raw.c_iflag &=
		~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
	raw.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | IEXTEN);
	end->restore_terminal = tcsetattr(end->in, TCSANOW, &raw) == 0;
}

struct chr *chr_open_stdio(struct loop *loop, const char *label, struct err *err)
{
	struct chr_fd *end = fd_create(loop, STDIN_FILENO, STDOUT_FILENO, label, "stdio", err);

	if (!end)
		return NULL;
	end->owns_fds = false;
	make_terminal_raw(end);
	/* A plain file or /dev/null as standard input cannot be watched: there is nothing to type.
	 */
	end->watch = loop_watch_fd(loop, STDIN_FILENO, 0, fd_is_ready, end);
	end->out_watch = loop_watch_fd(loop, STDOUT_FILENO, 0, fd_is_ready, end);
	return &end->chr;
}

struct chr *chr_open_file(struct loop *loop, const char *path, bool append, const char *label,
			  struct err *err)
{
	int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (append ? O_APPEND : O_TRUNC);
	int fd = open(path, flags, 0666);
	struct chr_fd *end;

	if (fd < 0) {
		err_set_errno(err, -errno, "chardev '%s': cannot write '%s'", label, path);
		return NULL;
	}
	end = fd_create(loop, fd, fd, label, "file", err);
	if (!end) {
		close(fd);
		return NULL;
	}
	return &end->chr;
}

struct chr *chr_open_device(struct loop *loop, const char *path, const char *label, struct err *err)
{
	int fd = open(path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct chr_fd *end;

	if (fd < 0) {
		err_set_errno(err, -errno, "chardev '%s': cannot open '%s'", label, path);
		return NULL;
	}
	end = fd_create(loop, fd, fd, label, path, err);
	if (!end) {
		close(fd);
		return NULL;
	}
	end->watch = loop_watch_fd(loop, fd, 0, fd_is_ready, end);
	return &end->chr;
}
