// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The host's end of paravirtual devices: what every kind of them has in common. The toolstack
 * writes a folder into xenstore for each device (backend/TYPE/DOMID/NUMBER, relative to dom0's
 * own), the guest's driver has one of its own; the two agree by a state on each side, then share
 * pages and an event channel. Kinds are told apart by a class: xen_vkbd.c, xen_qdisk.c.
 *
 *   toolstack: Initialising --offer--> InitWait --connect--> Connected --disconnect--> Closed
 *                     ^                   ^                                              |
 *                     |                   +---- the guest's driver begins anew ----------+
 *
 * xenstore is asked on the loop's thread: a round trip is some tens of microseconds, and there are
 * some dozens of them in a guest's life. What the guest writes there is taken for what it is: text
 * that may say anything, at any time.
 *
 * Everything under the machine lock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <xenevtchn.h>
#include <xenforeignmemory.h>
#include <xengnttab.h>
#include <xenstore.h>

#include "base/list.h"

struct err;
struct input;
struct loop;
struct loop_watch;
struct pv_disk_host;
struct xen_backend;
struct xen_bus;

enum {
	XEN_BACKEND_PATH_BYTES = 256,
	XEN_BACKEND_MAX = 8, /* devices of a class that says nothing else */
};

/** A kind of device. Hooks that are NULL have nothing to do. */
struct xen_backend_class {
	const char *type; /* "vkbd" */
	size_t bytes;     /* of the struct that begins with a struct xen_backend */
	unsigned max;     /* devices; 0: XEN_BACKEND_MAX */
	/** The guest's driver decides when it gives up a device that the toolstack takes out: it
	 * may be in use. */
	bool lingers;
	/** Writes what the device can do into its folder. 0, or -errno and a sentence. */
	int (*offer)(struct xen_backend *backend, struct err *err);
	/** The guest's driver has published its pages and channel. 0, or -errno and a sentence. */
	int (*connect)(struct xen_backend *backend, struct err *err);
	/** The guest's driver has changed its state; only between connect and disconnect. */
	void (*frontend_changed)(struct xen_backend *backend);
	/** Gives everything back that connect took. */
	void (*disconnect)(struct xen_backend *backend);
	/** The guest has rung. */
	void (*notified)(struct xen_backend *backend);
	/** No page of the guest is written until the second hook is called. */
	void (*hold)(struct xen_backend *backend);
	void (*release)(struct xen_backend *backend);
	/** The guest will not be served any more, though it is there; before 'finish'. */
	void (*give_up)(struct xen_backend *backend);
	/** The device goes; it is disconnected. */
	void (*finish)(struct xen_backend *backend);
};

struct xen_backend {
	struct list_node node;
	struct xen_bus *bus;
	const struct xen_backend_class *class;
	unsigned number;
	char path[XEN_BACKEND_PATH_BYTES], frontend[XEN_BACKEND_PATH_BYTES];
	unsigned state, frontend_state; /* enum xenbus_state */
	bool is_connected;
	bool is_refused;    /* it could not be offered, and is not tried again */
	bool is_listed;     /* by the toolstack, at the last look */
	evtchn_port_t port; /* 0: none */
};

/** What the host lends to devices; NULL where it has nothing. */
struct xen_bus_host {
	struct input *input;
	const struct pv_disk_host *disks;
};

struct xen_bus {
	struct loop *loop;
	domid_t domid;
	struct xs_handle *store;         /* borrowed */
	xenforeignmemory_handle *memory; /* borrowed */
	xenevtchn_handle *events;        /* NULL: there is no bus */
	xengnttab_handle *grants;        /* NULL: the host has no such device */
	struct loop_watch *store_watch, *events_watch;
	const struct xen_backend_class *const *classes; /* ended by NULL */
	struct xen_bus_host host;
	struct list_node backends;
	bool held;
	bool is_restored; /* the guest's drivers have been at work before, with another process */
};

/**
 * Opens handles. Without event channels there are no devices, which is logged. 'domid', 'store' and
 * 'memory' stay the caller's; held.
 */
void xen_bus_init(struct xen_bus *bus, struct loop *loop, domid_t domid, struct xs_handle *store,
		  xenforeignmemory_handle *memory, const struct xen_backend_class *const *classes,
		  const struct xen_bus_host *host);
/** Offers the devices that the toolstack has listed by now: once the host has what they need, and
 * may still open files. */
void xen_bus_offer(struct xen_bus *bus);
void xen_bus_finish(struct xen_bus *bus);
/** From here on xenstore is watched. Without that there are no devices, which is logged. */
void xen_bus_watch(struct xen_bus *bus);
/** xenstore is about to be out of reach: every device is closed, so that no guest waits for one,
 * and given up. */
void xen_bus_close(struct xen_bus *bus);
/** Whether pages of the guest may be written. */
void xen_bus_set_held(struct xen_bus *bus, bool held);

/* For classes. */

/** A decimal number in the guest's folder, or in ours: -ENOENT, or -EINVAL if it is none. */
int xen_backend_read_frontend(const struct xen_backend *backend, const char *key, uint64_t *value);
int xen_backend_read(const struct xen_backend *backend, const char *key, uint64_t *value);
/** Text there, ended by a zero byte, to be freed; NULL if there is none. */
char *xen_backend_read_frontend_text(const struct xen_backend *backend, const char *key);
char *xen_backend_read_text(const struct xen_backend *backend, const char *key);
/** 0 or -errno; -ENOENT if the toolstack has taken the device away. */
int xen_backend_write(const struct xen_backend *backend, const char *key, uint64_t value);
/** Binds the guest's channel, named in its folder by 'key'. 0, or -errno and a sentence. */
int xen_backend_bind(struct xen_backend *backend, const char *key, struct err *err);
void xen_backend_unbind(struct xen_backend *backend);
/** Wakes the guest's driver. */
void xen_backend_notify(const struct xen_backend *backend);
