// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/err.h"
#include "net/user_internal.h"

enum {
	EVENTS_AT_ONCE = 64,
	FIRST_ENTRIES = 64,
};

static const struct {
	unsigned slirp;
	uint32_t epoll;
} event_names[] = {
	{ SLIRP_POLL_IN, EPOLLIN },   { SLIRP_POLL_OUT, EPOLLOUT }, { SLIRP_POLL_PRI, EPOLLPRI },
	{ SLIRP_POLL_ERR, EPOLLERR }, { SLIRP_POLL_HUP, EPOLLHUP },
};

static uint32_t to_epoll(unsigned events)
{
	uint32_t result = 0;

	for (size_t i = 0; i < sizeof(event_names) / sizeof(event_names[0]); i++)
		if (events & event_names[i].slirp)
			result |= event_names[i].epoll;
	return result;
}

static unsigned from_epoll(uint32_t events)
{
	unsigned result = 0;

	for (size_t i = 0; i < sizeof(event_names) / sizeof(event_names[0]); i++)
		if (events & event_names[i].epoll)
			result |= event_names[i].slirp;
	return result;
}

int user_poll_init(struct user_poll *poll, struct err *err)
{
	struct epoll_event kick = { .events = EPOLLIN };

	poll->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	poll->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	kick.data.fd = poll->kick_fd;
	if (poll->epoll_fd < 0 || poll->kick_fd < 0 ||
	    epoll_ctl(poll->epoll_fd, EPOLL_CTL_ADD, poll->kick_fd, &kick) < 0)
		return err_set_errno(err, -errno, "cannot set up the user-mode network");
	return 0;
}

void user_poll_finish(struct user_poll *poll)
{
	if (poll->epoll_fd >= 0)
		close(poll->epoll_fd);
	if (poll->kick_fd >= 0)
		close(poll->kick_fd);
	free(poll->entries);
	free(poll->active);
}

void user_poll_kick(struct user_poll *poll)
{
	const uint64_t one = 1;

	/* If it cannot count further, it has been seen to. */
	if (write(poll->kick_fd, &one, sizeof(one)) < 0)
		return;
}

static bool grow(struct user_poll *poll, int fd)
{
	size_t count = poll->entry_count ? poll->entry_count : FIRST_ENTRIES;
	struct user_poll_entry *entries;
	int *active;

	while (count <= (size_t)fd)
		count *= 2;
	entries = realloc(poll->entries, count * sizeof(*entries));
	if (!entries)
		return false;
	poll->entries = entries;
	active = realloc(poll->active, count * sizeof(*active));
	if (!active)
		return false;
	poll->active = active;
	memset(entries + poll->entry_count, 0, (count - poll->entry_count) * sizeof(*entries));
	poll->entry_count = count;
	return true;
}

/** libslirp's index of a descriptor is the descriptor. */
static int want(int fd, int events, void *opaque)
{
	struct user_poll *poll = opaque;
	struct user_poll_entry *entry;

	if (fd < 0 || ((size_t)fd >= poll->entry_count && !grow(poll, fd)))
		return -1;
	entry = &poll->entries[fd];
	entry->wanted |= (unsigned)events;
	if (!entry->is_active) {
		entry->is_active = true;
		poll->active[poll->active_count++] = fd;
	}
	return fd;
}

static void tell_kernel(struct user_poll *poll, int fd, struct user_poll_entry *entry)
{
	struct epoll_event event = { .events = to_epoll(entry->wanted), .data.fd = fd };
	int operation = EPOLL_CTL_MOD;

	if (entry->wanted == entry->asked)
		return;
	if (!entry->wanted)
		operation = EPOLL_CTL_DEL;
	else if (!entry->asked)
		operation = EPOLL_CTL_ADD;
	epoll_ctl(poll->epoll_fd, operation, fd, &event);
	entry->asked = entry->wanted;
}

uint32_t user_poll_fill(struct user_poll *poll, Slirp *slirp)
{
	uint32_t timeout_ms = UINT32_MAX;
	size_t kept = 0;

	for (size_t i = 0; i < poll->active_count; i++)
		poll->entries[poll->active[i]].wanted = 0;
	slirp_pollfds_fill(slirp, &timeout_ms, want, poll);
	for (size_t i = 0; i < poll->active_count; i++) {
		int fd = poll->active[i];
		struct user_poll_entry *entry = &poll->entries[fd];

		tell_kernel(poll, fd, entry);
		entry->is_active = entry->asked != 0;
		if (entry->is_active)
			poll->active[kept++] = fd;
	}
	poll->active_count = kept;
	return timeout_ms;
}

void user_poll_forget(struct user_poll *poll, int fd)
{
	struct user_poll_entry *entry;

	if (fd < 0 || (size_t)fd >= poll->entry_count)
		return;
	entry = &poll->entries[fd];
	entry->wanted = entry->occurred = 0;
	tell_kernel(poll, fd, entry);
}

static int what_occurred(int fd, void *opaque)
{
	const struct user_poll *poll = opaque;

	return fd >= 0 && (size_t)fd < poll->entry_count ? (int)poll->entries[fd].occurred : 0;
}

void user_poll_dispatch(struct user_poll *poll, Slirp *slirp)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	int count = epoll_wait(poll->epoll_fd, events, EVENTS_AT_ONCE, 0);
	uint64_t kicks;

	for (int i = 0; i < count; i++) {
		int fd = events[i].data.fd;

		if (fd != poll->kick_fd)
			poll->entries[fd].occurred = from_epoll(events[i].events);
		else if (read(fd, &kicks, sizeof(kicks)) < 0)
			continue;
	}
	slirp_pollfds_poll(slirp, 0, what_occurred, poll);
	for (int i = 0; i < count; i++)
		if ((size_t)events[i].data.fd < poll->entry_count)
			poll->entries[events[i].data.fd].occurred = 0;
}
