// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The Xen core, seen from inside. What the files have in common:
 *
 *   xen.c          handles and life; the hooks of hv_ops
 *   xen_server.c   the ioreq server: its pages, address ranges and PCI functions
 *   xen_thread.c   the thread that serves requests, and who may hold it
 *   xen_ioreq.c    one synchronous request (pure)
 *   xen_ring.c     the ring of buffered requests (pure)
 *   xen_map.c      guest memory as this process sees it
 *   xen_vram.c     video RAM: populated, parked, laid under a BAR, its dirty log
 *   xen_irq.c      interrupt wires, shutdown, pages written
 *   xen_crash.c    a device model that dies takes the guest with it
 *   xen_guard.c    ... even if it is killed
 *   xen_backend.c  paravirtual devices: what all kinds of them have in common
 *   xen_vkbd.c     the paravirtual keyboard and pointer
 *   xen_vkbd_ring.c  its ring (pure)
 *   xen_qdisk.c    paravirtual disks over images of ours: the handshake
 *   xen_qdisk_queue.c  requests under way
 *   xen_blkif.c    their ring (pure)
 *   xen_grants.c   pages that a driver of the guest grants
 *
 * Locks, outermost first: the machine lock, then gate.mutex, which is only held for moments. Maps,
 * video RAM, ranges and wires are used under the machine lock.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <xenctrl.h>
#include <xendevicemodel.h>
#include <xenevtchn.h>
#include <xenforeignmemory.h>
#include <xenstore.h>

#include "hv/hv.h"
#include "hv/xen_backend.h"
#include "hv/xen_ioreq.h"
#include "hv/xen_ring.h"

struct err;

enum {
	XEN_MAX_CPUS = XEN_IOREQ_SLOTS,
	XEN_MAX_SLOTS = 64,
	XEN_PAGE_SHIFT_BITS = 12,
	XEN_BUCKET_PAGES = 256,
	XEN_MAP_HASH = 256,
	/* Idle mappings are kept up to the first number; what is in use may go up to the second. */
	XEN_MAP_KEPT = 256,
	XEN_MAP_LIMIT = 4096,
};

/** A megabyte of guest RAM, mapped as far as there are pages. */
struct xen_bucket {
	struct xen_bucket *next; /* of the same hash, or among the stale */
	uint64_t number;         /* gfn / XEN_BUCKET_PAGES */
	uint8_t *host;
	unsigned users;
	bool stale;         /* unmapped when its last user leaves */
	uint64_t last_used; /* by xen_map.ticks */
	uint64_t present[XEN_BUCKET_PAGES / 64];
};

struct xen_map {
	xenforeignmemory_handle *memory;
	domid_t domid;
	uint64_t low_bytes, high_bytes;
	struct xen_bucket *hash[XEN_MAP_HASH];
	struct xen_bucket *stale;
	unsigned count;
	uint64_t ticks;
	uint64_t mapped; /* calls of the hypervisor, for monitors */
	uint64_t invalidations;
};

/** A direct window: video RAM that the processor reaches by itself, or ROM that we serve. */
struct xen_slot {
	bool used;
	bool is_range; /* registered with the server, served by the client */
	struct hv_slot slot;
};

struct xen_vram {
	uint8_t *host; /* NULL: there is none */
	size_t bytes;
	uint64_t parking_gfn, gfn; /* where it waits, and where it is */
	int slot;                  /* that shows it, -1: none */
	bool mapped;               /* not yet of a guest that is being restored */
	bool tracked;              /* Xen keeps a dirty log of it */
};

/** Who holds the serving thread. */
struct xen_gate {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool closed; /* requests are neither begun nor answered */
	bool ended; /* the guest has been shut down: what it still asks for is answered with nothing
		     */
	bool quit;
	bool inside; /* the thread is at work on a request */
};

struct xen_core {
	struct hv hv;
	domid_t domid;
	xc_interface *control;
	xendevicemodel_handle *model;
	xenforeignmemory_handle *memory;
	xenevtchn_handle *events;
	struct xs_handle *store;
	struct xen_bus bus; /* of paravirtual devices */

	/* The ioreq server. */
	bool has_server, enabled;
	ioservid_t server;
	xenforeignmemory_resource_handle *pages_resource;
	void *pages; /* NULL: not mapped */
	struct xen_ring_page *ring;
	struct xen_ioreq *requests; /* one a processor */
	evtchn_port_t ring_remote_port, ring_port;
	evtchn_port_t ports[XEN_MAX_CPUS]; /* local, of each processor; 0: not bound */

	struct xen_gate gate;
	pthread_t thread;
	bool has_thread;
	struct loop_timer *ring_timer;
	struct xen_ioreq_engine engine;
	uint64_t buffered; /* machine lock */

	struct xen_map map;
	struct xen_vram vram;
	struct xen_slot slots[XEN_MAX_SLOTS];
	bool online[XEN_MAX_CPUS]; /* plugged in */
	bool logs_dirty; /* the toolstack copies memory: writes of ours are to be reported */
	bool asleep;     /* S3 */
	bool reported_running;
};

static inline struct xen_core *xen_core_from_hv(struct hv *hv)
{
	return (struct xen_core *)hv;
}

/* xen_server.c */

/** Creates the server and maps its pages; disabled, without ranges. 0, or -errno and a sentence. */
int xen_server_create(struct xen_core *core, struct err *err);
/** Requests come from here on; binds the event channels. Does nothing the second time. */
int xen_server_enable(struct xen_core *core, struct err *err);
void xen_server_destroy(struct xen_core *core);
void xen_range_add(struct hv *hv, bool is_memory, uint64_t base, uint64_t bytes, bool coalesced);
void xen_range_remove(struct hv *hv, bool is_memory, uint64_t base, uint64_t bytes, bool coalesced);
void xen_pci_function_add(struct hv *hv, unsigned devfn);
void xen_pci_function_remove(struct hv *hv, unsigned devfn);

/* xen_thread.c */

void xen_gate_init(struct xen_gate *gate);
void xen_gate_finish(struct xen_gate *gate);
/** Nothing is begun or answered from here on; does not wait. */
void xen_gate_close(struct xen_gate *gate);
/** Waits until the thread is at rest; without the machine lock. */
void xen_gate_wait_at_rest(struct xen_gate *gate);
void xen_gate_open(struct xen_gate *gate);
/** The guest has ended: whatever waits is let go. */
void xen_gate_end(struct xen_gate *gate);
bool xen_gate_is_ended(struct xen_gate *gate);

void xen_thread_init_engine(struct xen_core *core);
/** Starts the thread; the server is enabled. 0, or -errno and a sentence. */
int xen_thread_start(struct xen_core *core, struct err *err);
void xen_thread_stop(struct xen_core *core);
/** What the thread does when local port 'port' has fired; for tests, which need no thread. */
void xen_thread_serve(struct xen_core *core, evtchn_port_t port);
/** The timer's callback while the ring's channel is masked: under the machine lock. */
void xen_thread_poll_ring(void *core);

/* xen_map.c: under the machine lock */

void xen_map_init(struct xen_map *map, xenforeignmemory_handle *memory, domid_t domid,
		  uint64_t low_bytes, uint64_t high_bytes);
void xen_map_finish(struct xen_map *map);
/** See hv_ops.ram_map; each success is to be given back. */
void *xen_map_get(struct xen_map *map, uint64_t gpa, size_t *length);
/** Gives 'host' back; *gpa is where it was. False if it is not of this map. */
bool xen_map_put(struct xen_map *map, const void *host, uint64_t *gpa);
/** Pages have moved: forgets everything. What is in use stays until it is given back. */
void xen_map_invalidate(struct xen_map *map);

/* xen_vram.c: under the machine lock */

void *xen_video_ram_alloc(struct hv *hv, size_t bytes, struct err *err);
uint64_t xen_video_ram_gpa(struct hv *hv);
void xen_set_video_ram_gpa(struct hv *hv, uint64_t gpa);
void xen_vram_finish(struct xen_core *core);
/** Maps the pages of a restored guest whose BAR is disabled. 0 or -errno. */
int xen_vram_settle(struct xen_core *core);
int xen_slot_add(struct hv *hv, const struct hv_slot *slot);
void xen_slot_remove(struct hv *hv, int number);
void xen_slot_set_logging(struct hv *hv, int number, bool on);
bool xen_slot_fetch_dirty(struct hv *hv, int number, unsigned long *bitmap);
/** Something else comes to [base, base + bytes): video RAM that was left there goes away. */
void xen_vram_make_room(struct xen_core *core, uint64_t base, uint64_t bytes);

/* xen_crash.c */

/** From here on the guest ends as crashed if this process does by a fault or an assertion. */
void xen_crash_watch(struct xen_core *core);
void xen_crash_forget(struct xen_core *core);

/* xen_irq.c */

void xen_set_irq(struct hv *hv, unsigned gsi, bool level);
void xen_set_pci_intx(struct hv *hv, unsigned slot, unsigned pin, bool level);
void xen_set_pci_link(struct hv *hv, unsigned link, unsigned isa_irq);
void xen_report_shutdown(struct hv *hv, unsigned reason);
/** Tells whoever copies the guest's memory that we wrote there. */
void xen_report_written(struct xen_core *core, uint64_t gpa, uint64_t bytes);
