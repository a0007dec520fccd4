// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The networks of a machine by id: what -netdev, -nic and -net ask for and what control adds, each
 * with one card (or hub) at its wire.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "net/backend.h"

struct err;
struct machine;
struct opts;

/** Of a machine. */
struct netdevs {
	struct net_host host;
	struct list_node backends; /* struct net_backend */
	struct list_node cards;    /* struct netdevs_card */
	struct list_node dumps;    /* netdevs_dump.c */
	unsigned next_mac;
	void (*event)(void *opaque, struct net_backend *backend, enum net_backend_event event,
		      const char *detail);
	void *event_opaque;
};

/**
 * A network card as control sees it: embedded in what the card's maker allocates, there until the
 * machine ends.
 */
struct netdevs_card {
	struct list_node node;
	const char *name;        /* the device's id or a name of its own, for set_link */
	const char *model;       /* "e1000" */
	struct net_port *port;   /* its end of the wire */
	const uint8_t *mac;      /* as it is now: NET_MAC_BYTES */
	const bool *promiscuous; /* may be NULL */
};

/** Opens all networks that the options ask for. 0, or -errno and a sentence. */
int netdevs_open(struct machine *machine, struct err *err);
/** Closes all; cards that are left are without a network from then on. */
void netdevs_close(struct machine *machine);

/**
 * Connects a card's port to the network of this id. 0, or -errno and a sentence if there is none or
 * it has a card already.
 */
int netdevs_connect(struct machine *machine, const char *id, struct net_port *port,
		    struct err *err);
/**
 * The address that 'text' (mac=) gives to a card, or the next of its own if that is NULL. 0, or
 * -EINVAL and a sentence: malformed, or not an address of one card.
 */
int netdevs_choose_mac(struct machine *machine, const char *text, uint8_t mac[NET_MAC_BYTES],
		       struct err *err);
/** Makes a card known to control. */
void netdevs_add_card(struct machine *machine, struct netdevs_card *card);

/** The guest stands still, or runs: meanwhile no card receives or sends. Cards begin held. */
void netdevs_hold(struct machine *machine, bool held);

/** The guest has come from elsewhere: each card sends a frame, so that switches learn where it is
 * now. */
void netdevs_announce(struct machine *machine);

/** The network of this id, or NULL. */
struct net_backend *netdevs_find(struct machine *machine, const char *id);
/** As from the command line. 0, or -errno and a sentence. */
int netdevs_add(struct machine *machine, struct opts *opts, struct err *err);
/** 0, or -ENOENT and a sentence. */
int netdevs_remove(struct machine *machine, const char *id, struct err *err);
/** Pulls out or puts in the wire of a network or card. 0, or -ENOENT and a sentence. */
int netdevs_set_link(struct machine *machine, const char *name, bool up, struct err *err);
/** Who is told when somebody connects to a network or leaves it; NULL: nobody. */
void netdevs_set_listener(struct machine *machine,
			  void (*event)(void *opaque, struct net_backend *backend,
					enum net_backend_event event, const char *detail),
			  void *opaque);

/* netdevs_dump.c */
/** The captures of the command line. 0, or -errno and a sentence. */
int netdevs_open_dumps(struct machine *machine, struct err *err);
/** Starts one by the words id=, netdev=, file=, maxlen=. 0, or -errno and a sentence. */
int netdevs_add_dump(struct machine *machine, struct opts *opts,
		     int (*open_file)(void *opaque, const char *path, int flags, struct err *err),
		     void *opaque, struct err *err);
int netdevs_remove_dump(struct machine *machine, const char *id, struct err *err);
/** Ends those of a network that goes. */
void netdevs_stop_dumps(struct machine *machine, const struct net_backend *backend);

/** For -netdev help. */
void netdevs_print_help(void);
/** The guest has taken over its cards by drivers of its own: all are without a network, and what
 * they had of the host is given back soon. From any thread that dispatches. */
void netdevs_unplug(struct machine *machine);
