// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A hypervisor for tests: the functions of Xen's libraries that the core calls, over pages of a
 * memfd. Linked instead of the libraries. One guest, one process; the test plays the guest.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hv/xen_ioreq_regs.h"

enum {
	FAKE_XEN_DOMID = 7,
	FAKE_XEN_CPUS = 2,
	FAKE_XEN_MAX_RANGES = 64,
	FAKE_XEN_ISA_IRQS = 16,
	FAKE_XEN_LINKS = 4,
	FAKE_XEN_BITMAP_BYTES = 8192,
	FAKE_XEN_DEVICE_PORT = 500, /* the guest's channels for paravirtual devices */
	FAKE_XEN_DEVICE_PORTS = 8,
	FAKE_XEN_GRANTS = 4096,
	FAKE_XEN_MAX_REPORTS = 1024,
};

struct fake_xen_range {
	bool used, is_memory;
	uint64_t first, last;
};

/** What tests look at, and what they set before the core is created. */
struct fake_xen {
	/* Set by tests. */
	bool no_server, no_resources, no_tracking, no_grants;
	bool store_is_dead;            /* watches fail */
	unsigned transactions_to_fail; /* so many, then they work */
	/* What the core did. */
	bool has_server, enabled, restricted;
	unsigned opened; /* handles */
	struct fake_xen_range ranges[FAKE_XEN_MAX_RANGES];
	bool functions[256];
	bool isa_levels[FAKE_XEN_ISA_IRQS];
	uint32_t intx_levels; /* of slot 3, a bit a pin */
	uint8_t links[FAKE_XEN_LINKS];
	int shutdown_reason;   /* -1: none */
	unsigned maps, unmaps; /* of guest memory */
	unsigned relocations;  /* calls */
	uint64_t pinned_first, pinned_last;
	uint64_t tracked_first;
	uint32_t tracked_count;
	uint8_t dirty[FAKE_XEN_BITMAP_BYTES]; /* what track_dirty_vram gives */
	uint64_t modified_first;              /* the last report */
	uint64_t modified_pages;              /* of all reports */
	struct {
		uint64_t first;
		uint32_t pages;
	} modified[FAKE_XEN_MAX_REPORTS];
	unsigned modified_count;
	uint64_t read_only_first;
	uint32_t read_only_pages;
	uint64_t sleep_state;
	unsigned state_writes;             /* of device-model/7/state */
	unsigned bound, granted, notified; /* of paravirtual devices: channels, pages, calls */
	unsigned grant_maps;               /* calls */
	/* Calls for the channels of processors: system calls on a real host. */
	unsigned waits, unmasks, answers;
};

/** Shared with children after fork. */
extern struct fake_xen *fake_xen;

/** Begins anew, with 'ram_bytes' of guest RAM from 0 on, the VGA hole left out. */
void fake_xen_begin(size_t ram_bytes);
/** Fails if handles or mappings are left. */
void fake_xen_end(void);

/** A guest page as the guest sees it; NULL if there is none. */
uint8_t *fake_xen_page(uint64_t gfn);
void fake_xen_add_page(uint64_t gfn);
void fake_xen_remove_page(uint64_t gfn);

/** The shared pages, as Xen sees them. */
struct xen_ioreq *fake_xen_slot(unsigned cpu);
struct xen_ring_page *fake_xen_ring(void);

/** Puts a request up for processor 'cpu' and fires its channel. */
void fake_xen_request(unsigned cpu, const struct xen_ioreq *request);
/** Puts a buffered request up, without firing the channel. */
void fake_xen_buffer(uint64_t slot);
void fake_xen_fire_ring(void);
/** Waits until the request of 'cpu' is answered, takes the answer; false: not within 'ms'. */
bool fake_xen_answered(unsigned cpu, unsigned ms, uint64_t *data);
/** True if writes to the ring would wake the device model. */
bool fake_xen_ring_is_unmasked(void);

/* Paravirtual devices. */

/** Lets the host map a guest page by this reference. */
void fake_xen_grant(unsigned reference, uint64_t gfn);
/** The same, for reading. */
void fake_xen_grant_read_only(unsigned reference, uint64_t gfn);
void fake_xen_revoke(unsigned reference);
/** The guest rings its channel FAKE_XEN_DEVICE_PORT + 'number'. */
void fake_xen_ring_device(unsigned number);

/* xenstore: a path without a slash in front begins at dom0's home. Watches fire. */
void fake_xen_store_begin(void);
void fake_xen_store_end(void);
void fake_xen_store_write(const char *path, const char *text);
void fake_xen_store_write_bytes(const char *path, const void *bytes, unsigned length);
/** NULL if there is no such node. */
const char *fake_xen_store_read(const char *path);
/** With all that is below. */
void fake_xen_store_remove(const char *path);
