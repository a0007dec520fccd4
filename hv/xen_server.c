// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ioreq server: what makes Xen send us a guest's accesses. Xen sends only those that lie wholly
 * in a registered range or belong to a registered PCI function; there is no catch-all.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/log.h"
#include "base/trace.h"
#include "hv/xen.h"

#include <xen/hvm/dm_op.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/ioreq.h>
#include <xen/memory.h>

/* xen_ioreq_regs.h says the same as Xen's headers. */
_Static_assert(sizeof(struct xen_ioreq) == sizeof(struct ioreq), "layout of requests");
_Static_assert(offsetof(struct xen_ioreq, port) == offsetof(struct ioreq, vp_eport), "port");
_Static_assert(offsetof(struct xen_ioreq, type) == offsetof(struct ioreq, type), "type");
_Static_assert(sizeof(struct xen_ring_page) == sizeof(struct buffered_iopage),
	       "layout of the ring");
_Static_assert((int)XEN_IOREQ_RESPONSE_READY == STATE_IORESP_READY, "states");
_Static_assert((int)XEN_IOREQ_INVALIDATE == IOREQ_TYPE_INVALIDATE, "types");

enum {
	SHARED_PAGES = 2, /* the ring, then the requests */
};

/* Creation */

static void place_pages(struct xen_core *core, void *ring, void *requests)
{
	core->ring = ring;
	core->requests = requests;
}

/** Kernels before 4.18 cannot map resources: there the pages are guest pages that Xen names. */
static int map_by_gfn(struct xen_core *core)
{
	xen_pfn_t gfns[SHARED_PAGES], requests, ring;
	int errors[SHARED_PAGES];

	if (xendevicemodel_get_ioreq_server_info(core->model, core->domid, core->server, &requests,
						 &ring, &core->ring_remote_port) < 0)
		return -errno;
	gfns[0] = ring;
	gfns[1] = requests;
	core->pages = xenforeignmemory_map(core->memory, core->domid, PROT_READ | PROT_WRITE,
					   SHARED_PAGES, gfns, errors);
	if (!core->pages)
		return -errno;
	return errors[0] || errors[1] ? -EFAULT : 0;
}

static int map_pages(struct xen_core *core)
{
	void *pages = NULL;
	int result = 0;

	core->pages_resource = xenforeignmemory_map_resource(
		core->memory, core->domid, XENMEM_resource_ioreq_server, core->server,
		XENMEM_resource_ioreq_server_frame_bufioreq, SHARED_PAGES, &pages,
		PROT_READ | PROT_WRITE, 0);
	if (core->pages_resource)
		core->pages = pages;
	else if (errno == EOPNOTSUPP || errno == ENOTTY || errno == ENOSYS)
		result = map_by_gfn(core);
	else
		result = -errno;
	if (result < 0)
		return result;
	place_pages(core, core->pages, (uint8_t *)core->pages + XEN_PAGE_BYTES);
	return 0;
}

int xen_server_create(struct xen_core *core, struct err *err)
{
	int result;

	if (xendevicemodel_create_ioreq_server(core->model, core->domid,
					       HVM_IOREQSRV_BUFIOREQ_ATOMIC, &core->server) < 0)
		return err_set_errno(err, -errno, "domain %u accepts no ioreq server", core->domid);
	core->has_server = true;
	result = map_pages(core);
	if (result < 0)
		return err_set_errno(err, result, "cannot map the I/O requests of domain %u",
				     core->domid);
	/* Asking for frame numbers after mapping the resource is an error. */
	if (core->pages_resource &&
	    xendevicemodel_get_ioreq_server_info(core->model, core->domid, core->server, NULL, NULL,
						 &core->ring_remote_port) < 0)
		return err_set_errno(err, -errno, "Xen names no port for buffered requests");
	return 0;
}

/* Enabling */

static int bind_port(struct xen_core *core, evtchn_port_t remote, evtchn_port_t *local,
		     struct err *err)
{
	xenevtchn_port_or_error_t port =
		xenevtchn_bind_interdomain(core->events, core->domid, remote);

	if (port < 0)
		return err_set_errno(err, -errno, "cannot bind event channel %u of domain %u",
				     remote, core->domid);
	*local = (evtchn_port_t)port;
	return 0;
}

/** All processors that there may ever be: those plugged in later come without a word to us. */
static unsigned count_cpus(struct xen_core *core)
{
	unsigned count = 0;

	if (xendevicemodel_nr_vcpus(core->model, core->domid, &count) < 0)
		count = core->hv.config.max_cpus;
	return count < XEN_MAX_CPUS ? count : XEN_MAX_CPUS;
}

int xen_server_enable(struct xen_core *core, struct err *err)
{
	unsigned cpus = count_cpus(core);
	int result = 0;

	if (core->enabled)
		return 0;
	if (xendevicemodel_set_ioreq_server_state(core->model, core->domid, core->server, 1) < 0)
		return err_set_errno(err, -errno, "cannot enable the ioreq server");
	core->enabled = true;
	/* The ports are valid from here on. Xen marks each as pending when it is bound, so that
	 * what came before is seen. */
	for (unsigned i = 0; result == 0 && i < cpus; i++)
		result = bind_port(core, core->requests[i].port, &core->ports[i], err);
	if (result == 0)
		result = bind_port(core, core->ring_remote_port, &core->ring_port, err);
	return result;
}

void xen_server_destroy(struct xen_core *core)
{
	if (core->pages_resource)
		xenforeignmemory_unmap_resource(core->memory, core->pages_resource);
	else if (core->pages)
		xenforeignmemory_unmap(core->memory, core->pages, SHARED_PAGES);
	if (core->enabled)
		xendevicemodel_set_ioreq_server_state(core->model, core->domid, core->server, 0);
	if (core->has_server)
		xendevicemodel_destroy_ioreq_server(core->model, core->domid, core->server);
	core->has_server = core->enabled = false;
}

/* Ranges */

enum {
	/* Guests write here to pass a microsecond. Xen swallows that without a round trip. */
	DELAY_PORT = 0x80,
};

static void complain(const char *what, uint64_t first, uint64_t last)
{
	log_guest("Xen does not send us %s %#llx to %#llx: %s", what, (unsigned long long)first,
		  (unsigned long long)last, strerror(errno));
}

static void map_range(struct xen_core *core, bool is_memory, uint64_t first, uint64_t last)
{
	if (xendevicemodel_map_io_range_to_ioreq_server(core->model, core->domid, core->server,
							is_memory, first, last) < 0)
		complain(is_memory ? "memory" : "ports", first, last);
}

static void unmap_range(struct xen_core *core, bool is_memory, uint64_t first, uint64_t last)
{
	xendevicemodel_unmap_io_range_from_ioreq_server(core->model, core->domid, core->server,
							is_memory, first, last);
}

/** Calls 'change' for the range without the delay port. */
static void change_range(struct xen_core *core, bool is_memory, uint64_t base, uint64_t bytes,
			 void (*change)(struct xen_core *core, bool is_memory, uint64_t first,
					uint64_t last))
{
	uint64_t last = base + bytes - 1;

	if (is_memory || last < DELAY_PORT || base > DELAY_PORT) {
		change(core, is_memory, base, last);
		return;
	}
	if (base < DELAY_PORT)
		change(core, is_memory, base, DELAY_PORT - 1);
	if (last > DELAY_PORT)
		change(core, is_memory, DELAY_PORT + 1, last);
}

void xen_range_add(struct hv *hv, bool is_memory, uint64_t base, uint64_t bytes, bool coalesced)
{
	struct xen_core *core = xen_core_from_hv(hv);

	(void)coalesced; /* Xen buffers writes to VGA memory by itself */
	TRACE(xen, range_add, "%s %llx bytes %llx", is_memory ? "memory" : "ports",
	      (unsigned long long)base, (unsigned long long)bytes);
	if (is_memory)
		xen_vram_make_room(core, base, bytes);
	change_range(core, is_memory, base, bytes, map_range);
}

void xen_range_remove(struct hv *hv, bool is_memory, uint64_t base, uint64_t bytes, bool coalesced)
{
	(void)coalesced;
	change_range(xen_core_from_hv(hv), is_memory, base, bytes, unmap_range);
}

enum {
	SLOT_SHIFT = 3,
	FUNCTION_MASK = 7,
};

void xen_pci_function_add(struct hv *hv, unsigned devfn)
{
	struct xen_core *core = xen_core_from_hv(hv);

	if (xendevicemodel_map_pcidev_to_ioreq_server(core->model, core->domid, core->server, 0, 0,
						      (uint8_t)(devfn >> SLOT_SHIFT),
						      (uint8_t)(devfn & FUNCTION_MASK)) < 0)
		complain("PCI function", devfn, devfn);
}

void xen_pci_function_remove(struct hv *hv, unsigned devfn)
{
	struct xen_core *core = xen_core_from_hv(hv);

	xendevicemodel_unmap_pcidev_from_ioreq_server(core->model, core->domid, core->server, 0, 0,
						      (uint8_t)(devfn >> SLOT_SHIFT),
						      (uint8_t)(devfn & FUNCTION_MASK));
}
