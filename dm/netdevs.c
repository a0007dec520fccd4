// SPDX-License-Identifier: GPL-2.0-or-later
#include "dm/netdevs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/loop.h"
#include "dm/machine.h"
#include "dm/options.h"
#include "dm/tape.h"

struct net_backend *netdevs_find(struct machine *machine, const char *id)
{
	struct net_backend *backend;

	list_for_each(backend, &machine->netdevs.backends, struct net_backend, node)
	{
		if (strcmp(backend->id, id) == 0)
			return backend;
	}
	return NULL;
}

static struct netdevs_card *find_card(struct machine *machine, const char *name)
{
	struct netdevs_card *card;

	list_for_each(card, &machine->netdevs.cards, struct netdevs_card, node)
	{
		if (strcmp(card->name, name) == 0)
			return card;
	}
	return NULL;
}

static void pass_event(void *opaque, struct net_backend *backend, enum net_backend_event event,
		       const char *detail)
{
	struct machine *machine = opaque;

	if (machine->netdevs.event)
		machine->netdevs.event(machine->netdevs.event_opaque, backend, event, detail);
}

void netdevs_set_listener(struct machine *machine,
			  void (*event)(void *opaque, struct net_backend *backend,
					enum net_backend_event event, const char *detail),
			  void *opaque)
{
	machine->netdevs.event = event;
	machine->netdevs.event_opaque = opaque;
}

static void destroy(struct machine *machine, struct net_backend *backend)
{
	netdevs_stop_dumps(machine, backend);
	net_backend_destroy(backend);
}

int netdevs_connect(struct machine *machine, const char *id, struct net_port *port, struct err *err)
{
	struct net_backend *backend = netdevs_find(machine, id);

	if (tape_is_replay(machine->tape))
		return tape_connect_net(machine->tape, port, NULL, err);
	if (!backend)
		return err_set(err, -ENOENT, "there is no -netdev with id=%s", id);
	if (backend->port.peer)
		return err_set(err, -EBUSY, "netdev '%s' belongs to '%s' already", id,
			       backend->port.peer->name);
	if (machine->tape)
		return tape_connect_net(machine->tape, port, &backend->port, err);
	net_connect(&backend->port, port);
	return 0;
}

void netdevs_add_card(struct machine *machine, struct netdevs_card *card)
{
	list_append(&machine->netdevs.cards, &card->node);
	net_hold(card->port, true);
}

void netdevs_hold(struct machine *machine, bool held)
{
	struct netdevs_card *card;

	list_for_each(card, &machine->netdevs.cards, struct netdevs_card, node)
		net_hold(card->port, held);
}

/** A request of RFC 903, which nobody answers, and which says nothing that could be wrong. */
enum rarp_layout {
	RARP_ETHERTYPE = 0x8035,
	RARP_HARDWARE = NET_HEADER_BYTES,
	RARP_PROTOCOL = RARP_HARDWARE + 2,
	RARP_SIZES = RARP_PROTOCOL + 2,
	RARP_OPERATION = RARP_SIZES + 2,
	RARP_SENDER = RARP_OPERATION + 2,
	RARP_TARGET = RARP_SENDER + NET_MAC_BYTES + 4,
	RARP_ETHERNET = 1,
	RARP_IPV4 = 0x0800,
	RARP_REQUEST_REVERSE = 3,
};

static void announce(const struct netdevs_card *card)
{
	uint8_t frame[NET_FRAME_MIN_BYTES] = { 0 };
	const struct iovec iov = { frame, sizeof(frame) };

	memset(frame, 0xff, NET_MAC_BYTES);
	memcpy(frame + NET_MAC_BYTES, card->mac, NET_MAC_BYTES);
	store_be16(frame + 2 * NET_MAC_BYTES, RARP_ETHERTYPE);
	store_be16(frame + RARP_HARDWARE, RARP_ETHERNET);
	store_be16(frame + RARP_PROTOCOL, RARP_IPV4);
	frame[RARP_SIZES] = NET_MAC_BYTES;
	frame[RARP_SIZES + 1] = 4;
	store_be16(frame + RARP_OPERATION, RARP_REQUEST_REVERSE);
	memcpy(frame + RARP_SENDER, card->mac, NET_MAC_BYTES);
	memcpy(frame + RARP_TARGET, card->mac, NET_MAC_BYTES);
	net_send(card->port, &iov, 1);
}

void netdevs_announce(struct machine *machine)
{
	const struct netdevs_card *card;

	list_for_each(card, &machine->netdevs.cards, struct netdevs_card, node) announce(card);
}

int netdevs_choose_mac(struct machine *machine, const char *text, uint8_t mac[NET_MAC_BYTES],
		       struct err *err)
{
	enum {
		MULTICAST = 1,
	};
	/* Locally administered, of the range that QEMU's guests have. */
	static const uint8_t first[NET_MAC_BYTES] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 };
	uint8_t parsed[NET_MAC_BYTES];

	if (!text) {
		memcpy(mac, first, NET_MAC_BYTES);
		mac[5] = (uint8_t)(mac[5] + machine->netdevs.next_mac++);
		return 0;
	}
	if (net_parse_mac(text, parsed) < 0)
		return err_set(err, -EINVAL, "mac=%s: write six bytes, as in 00:16:3e:12:34:56",
			       text);
	if (parsed[0] & MULTICAST)
		return err_set(err, -EINVAL,
			       "mac=%s is the address of a group: the first byte must be even",
			       text);
	memcpy(mac, parsed, NET_MAC_BYTES);
	return 0;
}

/** A hub's port may be wired to another network instead of a card. */
static int connect_hub(struct machine *machine, struct net_backend *backend, const char *other,
		       struct err *err)
{
	struct net_backend *peer = other ? netdevs_find(machine, other) : NULL;

	if (!other)
		return 0;
	/* Hubs that are wired to each other would pass a frame round for ever. */
	if (peer && strcmp(peer->class->type, "hubport") == 0)
		return err_set(err, -EINVAL, "netdev '%s' is a port of a hub itself", other);
	return netdevs_connect(machine, other, &backend->port, err);
}

int netdevs_add(struct machine *machine, struct opts *opts, struct err *err)
{
	struct netdevs *netdevs = &machine->netdevs;
	const char *id = opts_get_or(opts, "id", ""), *type = opts_get_or(opts, "type", "");
	struct net_backend *backend;
	int result;

	if (netdevs_find(machine, id))
		return err_set(err, -EEXIST, "there is a netdev '%s' already", id);
	backend = net_backend_create(&netdevs->host, opts, err);
	if (!backend)
		return -EINVAL;
	result = strcmp(type, "hubport") == 0
			 ? connect_hub(machine, backend, opts_get(opts, "netdev"), err)
			 : 0;
	if (result < 0) {
		net_backend_destroy(backend);
		return result;
	}
	backend->event = pass_event;
	backend->event_opaque = machine;
	list_append(&netdevs->backends, &backend->node);
	return 0;
}

int netdevs_remove(struct machine *machine, const char *id, struct err *err)
{
	struct net_backend *backend = netdevs_find(machine, id);

	if (!backend)
		return err_set(err, -ENOENT, "Device '%.64s' not found", id);
	destroy(machine, backend);
	return 0;
}

int netdevs_set_link(struct machine *machine, const char *name, bool up, struct err *err)
{
	struct net_backend *backend = netdevs_find(machine, name);
	struct netdevs_card *card = find_card(machine, name);

	if (backend)
		net_backend_set_link(backend, up);
	else if (card)
		net_set_link(card->port, up);
	else if (tape_is_replay(machine->tape))
		tape_net_links(machine->tape);
	else
		return err_set(err, -ENOENT, "Device '%.64s' not found", name);
	return 0;
}

int netdevs_open(struct machine *machine, struct err *err)
{
	struct options *options = machine->options;

	for (size_t i = 0; i < options->netdevs.count && !tape_is_replay(machine->tape); i++) {
		struct opts *opts = &options->netdevs.items[i];

		if (netdevs_add(machine, opts, err) < 0) {
			err_prefix(err, "-netdev %s", opts_get_or(opts, "type", ""));
			return -EINVAL;
		}
	}
	return netdevs_open_dumps(machine, err);
}

void netdevs_print_help(void)
{
	for (size_t i = 0; net_backend_classes[i]; i++)
		printf("%-10s %s\n", net_backend_classes[i]->type, net_backend_classes[i]->summary);
}

static void close_all(void *opaque)
{
	struct machine *machine = opaque;
	struct net_backend *backend;

	list_for_each(backend, &machine->netdevs.backends, struct net_backend, node)
		destroy(machine, backend);
}

void netdevs_unplug(struct machine *machine)
{
	struct net_backend *backend;

	list_for_each(backend, &machine->netdevs.backends, struct net_backend, node)
		net_disconnect(&backend->port);
	if (machine->tape)
		tape_net_links(machine->tape);
	/* Descriptors can only be given up by the thread that waits for them. */
	loop_post(machine->loop, close_all, machine);
}

void netdevs_close(struct machine *machine)
{
	loop_unpost(machine->loop, close_all, machine);
	close_all(machine);
}
