// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ways through a user-mode network: ports of the host that lead to the guest (hostfwd=), and
 * addresses of the guest's network that lead to something on the host (guestfwd=).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/chr.h"
#include "base/err.h"
#include "base/opts.h"
#include "net/user_internal.h"

enum {
	WORD_BYTES = 64,
};

struct forward {
	bool is_udp;
	struct in_addr host, guest;
	int host_port, guest_port;
};

/** Cuts what comes before 'end' off *text. False if 'end' is not there. */
static bool take_word(const char **text, char end, char word[WORD_BYTES])
{
	const char *stop = strchr(*text, end);

	if (!stop || stop - *text >= WORD_BYTES)
		return false;
	memcpy(word, *text, (size_t)(stop - *text));
	word[stop - *text] = '\0';
	*text = stop + 1;
	return true;
}

static bool parse_address(const char *word, struct in_addr *address)
{
	return !*word || inet_pton(AF_INET, word, address) == 1;
}

static bool parse_port(const char *word, int *port)
{
	uint64_t number;

	if (opts_parse_number(word, &number) < 0 || number > UINT16_MAX)
		return false;
	*port = (int)number;
	return true;
}

/** "tcp:", "udp:" or ":". */
static bool take_protocol(const char **text, bool *is_udp)
{
	char word[WORD_BYTES];

	if (!take_word(text, ':', word))
		return false;
	*is_udp = strcmp(word, "udp") == 0;
	return *is_udp || !*word || strcmp(word, "tcp") == 0;
}

static bool take_host(const char **text, struct forward *forward)
{
	char word[WORD_BYTES];

	return take_protocol(text, &forward->is_udp) && take_word(text, ':', word) &&
	       parse_address(word, &forward->host);
}

static bool parse_forward(const char *text, struct forward *forward)
{
	char word[WORD_BYTES];

	return take_host(&text, forward) && take_word(&text, '-', word) &&
	       parse_port(word, &forward->host_port) && take_word(&text, ':', word) &&
	       parse_address(word, &forward->guest) && parse_port(text, &forward->guest_port) &&
	       forward->guest_port != 0;
}

int net_user_add_forward(struct net_backend *backend, const char *text, struct err *err)
{
	struct user *user = container_of(backend, struct user, backend);
	struct forward forward = { .guest = user->first_guest };

	if (!parse_forward(text, &forward))
		return err_set(err, -EINVAL,
			       "hostfwd '%.100s': write tcp:HOST:PORT-GUEST:PORT or udp:...", text);
	if (slirp_add_hostfwd(user->slirp, forward.is_udp, forward.host, forward.host_port,
			      forward.guest, forward.guest_port) < 0)
		return err_set(err, -EADDRINUSE,
			       "hostfwd '%.100s': the port of the host cannot be opened", text);
	user_poll_kick(&user->poll);
	return 0;
}

int net_user_remove_forward(struct net_backend *backend, const char *text, struct err *err)
{
	struct user *user = container_of(backend, struct user, backend);
	struct forward forward = { .host_port = 0 };
	const char *rest = text;

	if (!take_host(&rest, &forward) || !parse_port(rest, &forward.host_port))
		return err_set(err, -EINVAL, "hostfwd '%.100s': write tcp:HOST:PORT or udp:...",
			       text);
	if (slirp_remove_hostfwd(user->slirp, forward.is_udp, forward.host, forward.host_port) < 0)
		return err_set(err, -ENOENT, "host forwarding rule for %.100s not found", text);
	user_poll_kick(&user->poll);
	return 0;
}

/* From the guest to something on the host */

static ssize_t write_to_host(const void *bytes, size_t count, void *opaque)
{
	struct user_guest_forward *forward = opaque;

	/* What the other side does not take now is lost: libslirp keeps nothing of it. */
	chr_write(forward->chr, bytes, count);
	return (ssize_t)count;
}

static size_t guest_can_receive(void *opaque)
{
	struct user_guest_forward *forward = opaque;

	return slirp_socket_can_recv(forward->user->slirp, forward->address, forward->port);
}

static void guest_receive(void *opaque, const uint8_t *bytes, size_t count)
{
	struct user_guest_forward *forward = opaque;

	slirp_socket_recv(forward->user->slirp, forward->address, forward->port, bytes, (int)count);
	user_poll_kick(&forward->user->poll);
}

static bool parse_guest_forward(const char *text, struct user_guest_forward *forward,
				const char **target)
{
	char word[WORD_BYTES];
	bool is_udp;

	if (!take_protocol(&text, &is_udp) || is_udp || !take_word(&text, ':', word) || !*word ||
	    !parse_address(word, &forward->address) || !take_word(&text, '-', word) ||
	    !parse_port(word, &forward->port))
		return false;
	*target = text;
	return true;
}

static int add_guest_forward(struct user *user, const char *text, struct err *err)
{
	struct user_guest_forward *forward = &user->guest_forwards[user->guest_forward_count];
	struct chr_client client = { .opaque = forward,
				     .can_receive = guest_can_receive,
				     .receive = guest_receive };
	const char *target;

	if (user->guest_forward_count == USER_MAX_GUEST_FORWARDS)
		return err_set(err, -EINVAL, "guestfwd= at most %d times", USER_MAX_GUEST_FORWARDS);
	forward->user = user;
	if (!parse_guest_forward(text, forward, &target))
		return err_set(err, -EINVAL,
			       "guestfwd=%.100s: write tcp:ADDRESS:PORT-tcp:HOST:PORT or "
			       "-unix:PATH",
			       text);
	if (strncmp(target, "cmd:", 4) == 0)
		return err_set(err, -ENOTSUP, "guestfwd=: no commands are run for a guest");
	forward->chr = chr_open(user->backend.host->loop, target, false, "guestfwd", err);
	if (!forward->chr)
		return -EINVAL;
	if (slirp_add_guestfwd(user->slirp, write_to_host, forward, &forward->address,
			       forward->port) < 0) {
		chr_destroy(forward->chr);
		return err_set(err, -EINVAL,
			       "guestfwd=%.100s: the address is not free in net=", text);
	}
	chr_set_client(forward->chr, &client);
	user->guest_forward_count++;
	return 0;
}

int user_open_forwards(struct user *user, struct opts *opts, struct err *err)
{
	int result = 0;

	for (size_t i = 0; i < opts->count && result == 0; i++) {
		struct opts_pair *pair = &opts->pairs[i];

		if (strcmp(pair->key, "hostfwd") == 0)
			result = net_user_add_forward(&user->backend, pair->value, err);
		else if (strcmp(pair->key, "guestfwd") == 0)
			result = add_guest_forward(user, pair->value, err);
		else
			continue;
		pair->used = true;
	}
	return result;
}

void user_close_forwards(struct user *user)
{
	while (user->guest_forward_count) {
		struct user_guest_forward *forward =
			&user->guest_forwards[--user->guest_forward_count];

		slirp_remove_guestfwd(user->slirp, forward->address, forward->port);
		chr_destroy(forward->chr);
	}
}

void user_feed_forwards(struct user *user)
{
	for (unsigned i = 0; i < user->guest_forward_count; i++)
		chr_accept(user->guest_forwards[i].chr);
}
