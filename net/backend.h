// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What -netdev makes: something on the host behind a card's wire. Each kind is a class with a
 * create function; what all have in common is here. All calls with the machine lock; creating and
 * destroying on the loop's thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/list.h"
#include "net/net.h"

struct clock;
struct err;
struct loop;
struct net_backend;
struct opts;

enum {
	NET_INFO_BYTES = 160,
	/* Frames that one turn of the loop passes from a source to a card, so that others get on.
	 */
	NET_BATCH_FRAMES = 64,
};

/** What the host lends to all back ends of a machine. */
struct net_host {
	struct loop *loop;
	struct clock *clock;
	struct list_node hubs; /* hub.c */
};
void net_host_init(struct net_host *host, struct loop *loop, struct clock *clock);

struct net_backend_class {
	const char *type;              /* "tap" */
	const char *summary;           /* for people */
	const char *const *properties; /* that 'create' understands, ended by NULL */
	/** Without id and port, which the caller fills, and the class, if it is another than this.
	 * NULL and a sentence. */
	struct net_backend *(*create)(struct net_host *host, struct opts *opts, struct err *err);
	/** Closes everything; the port is disconnected already. */
	void (*destroy)(struct net_backend *backend);
	const struct net_port_ops *ops; /* their opaque is the backend */
	/** The port has its name and may send. May be NULL. */
	void (*start)(struct net_backend *backend);
};

enum net_backend_event {
	NET_BACKEND_CONNECTED, /* 'detail' says to whom */
	NET_BACKEND_DISCONNECTED,
};

/** Embedded first in each kind. */
struct net_backend {
	struct list_node node; /* the owner's */
	const struct net_backend_class *class;
	struct net_host *host;
	struct net_port port;
	char *id;
	char info[NET_INFO_BYTES]; /* "ifname=vif1.0-emu", for people */
	bool is_enabled;           /* set_link */
	bool has_carrier;          /* somebody is at the other side of it */
	/** May be NULL. */
	void (*event)(void *opaque, struct net_backend *backend, enum net_backend_event event,
		      const char *detail);
	void *event_opaque;
};

/** The known kinds; a row without a type ends them. */
extern const struct net_backend_class *const net_backend_classes[];

/** NULL, and a sentence with the nearest type. */
const struct net_backend_class *net_backend_find_class(const char *type, struct err *err);

/**
 * Makes what 'opts' say: "type" and "id", and the properties of the type. NULL and a sentence.
 */
struct net_backend *net_backend_create(struct net_host *host, struct opts *opts, struct err *err);
void net_backend_destroy(struct net_backend *backend);

/** set_link: the wire is pulled out on the host's side, or put back. */
void net_backend_set_link(struct net_backend *backend, bool up);

/* For the kinds. */

/** Whether there is somebody to talk to. Tells of a change, with 'detail'. */
void net_backend_set_carrier(struct net_backend *backend, bool up, const char *detail);
void net_backend_set_info(struct net_backend *backend, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/** Fills a frame up to the length that every wire has, in a buffer of at least that; its length. */
size_t net_pad_frame(void *frame, size_t length);
