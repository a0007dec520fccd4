// SPDX-License-Identifier: GPL-2.0-or-later
/* Inside user-mode networks: what libslirp is told, and what it waits for. */
#pragma once

#include <libslirp.h>

#include "base/clock.h"
#include "net/queue.h"
#include "net/user.h"

struct chr;
struct opts;
struct user;

enum {
	USER_MAX_SEARCH = 8, /* domains that names are looked up in */
	USER_MAX_GUEST_FORWARDS = 8,
};

/* user_options.c */

struct user_words {
	SlirpConfig config;
	const char *search[USER_MAX_SEARCH + 1];
};
/** Strings stay those of 'opts'. 0, or -EINVAL and a sentence. */
int user_read_words(struct opts *opts, struct user_words *words, struct err *err);
extern const char *const user_properties[];

/* user_poll.c: descriptors that libslirp waits for, gathered behind one that the loop watches. */

struct user_poll_entry {
	unsigned asked;    /* SLIRP_POLL_*, known to the kernel; 0: none */
	unsigned wanted;   /* by libslirp, this time */
	unsigned occurred; /* since it was asked last */
	bool is_active;    /* in 'active' */
};

struct user_poll {
	int epoll_fd, kick_fd;
	struct user_poll_entry *entries; /* by descriptor */
	int *active;                     /* descriptors with an entry in use */
	size_t entry_count, active_count;
};
int user_poll_init(struct user_poll *poll, struct err *err);
void user_poll_finish(struct user_poll *poll);
/** Learns what libslirp waits for now; the time until it wants to be called in any case, in ms, or
 * UINT32_MAX. */
uint32_t user_poll_fill(struct user_poll *poll, Slirp *slirp);
/** Tells libslirp what has occurred. */
void user_poll_dispatch(struct user_poll *poll, Slirp *slirp);
/** A descriptor is about to be closed. */
void user_poll_forget(struct user_poll *poll, int fd);
/** Makes the loop look at it, from any thread. */
void user_poll_kick(struct user_poll *poll);

/* user_forward.c */

struct user_guest_forward {
	struct user *user;
	struct chr *chr;
	struct in_addr address;
	int port;
};
/** All of hostfwd= and guestfwd=. 0, or -errno and a sentence. */
int user_open_forwards(struct user *user, struct opts *opts, struct err *err);
void user_close_forwards(struct user *user);
/** The guest may have room for more from the host's side. */
void user_feed_forwards(struct user *user);

struct user {
	struct net_backend backend;
	Slirp *slirp;
	struct user_poll poll;
	struct loop_watch *watch;
	struct clock_timer timer;
	bool in_receive;  /* the card is sending: nothing goes back to it meanwhile */
	bool is_kicked;   /* the loop will look */
	bool is_choked;   /* libslirp is not served until the card has taken what waits */
	uint64_t dropped; /* frames that found no room */
	struct in_addr network, mask, first_guest;
	struct net_queue queue;
	struct user_guest_forward guest_forwards[USER_MAX_GUEST_FORWARDS];
	unsigned guest_forward_count;
	uint8_t frame[NET_FRAME_MAX_BYTES]; /* of the card */
};
