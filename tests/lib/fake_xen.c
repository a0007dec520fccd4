// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/lib/fake_xen.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <xenctrl.h>
#include <xendevicemodel.h>
#include <xenevtchn.h>
#include <xenforeignmemory.h>
#include <xengnttab.h>
#include <xentoolcore.h>

/* These build on the headers above. */
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>

#include "base/bits.h"

enum {
	PAGE_COUNT = 0x8000, /* of the machine */
	GFN_COUNT = 0x102000,
	VGA_FIRST_GFN = 0xa0,
	VGA_END_GFN = 0xc0,
	RING_GFN = 0xfeff0, /* where the shared pages are guest pages */
	REQUESTS_GFN = 0xfeff1,
	RING_REMOTE_PORT = 90,
	CHANNEL_HANDLES = 2,
	FIRST_REMOTE_PORT = 100,
	LOCAL_PORT_OFFSET = 1000,
	PORT_COUNT = 2048,
	SERVER_ID = 3,
	SHARED_PAGES = 2,
};

struct fake_xen *fake_xen;

static struct {
	int memory_fd, shared_fd;
	uint8_t *machine; /* all pages */
	uint8_t *shared;
	uint32_t *p2m; /* page number + 1 by gfn */
	uint32_t next_page;
	pthread_mutex_t mutex; /* of the channels */
	bool masked[PORT_COUNT], pending[PORT_COUNT];
	/* Handles of event channels: where what fires is read, and whose a local port is. */
	struct xenevtchn_handle {
		bool used;
		int pipe[2];
	} channels[CHANNEL_HANDLES];
	uint8_t owner[PORT_COUNT];
	uint64_t grants[FAKE_XEN_GRANTS]; /* gfn + 1 by reference */
	bool is_read_only[FAKE_XEN_GRANTS];
	unsigned live_mappings;
} host = { .mutex = PTHREAD_MUTEX_INITIALIZER };

/* A handle is any address. */
static char handle;

static _Noreturn void fail(const char *text)
{
	fprintf(stderr, "fake Xen: %s\n", text);
	abort();
}

static int refuse(int code)
{
	errno = code;
	return -1;
}

/* The test's side */

static int create_pages(const char *name, size_t pages, uint8_t **bytes)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)(pages * XEN_PAGE_BYTES)) < 0)
		fail("no memory");
	*bytes = mmap(NULL, pages * XEN_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (*bytes == MAP_FAILED)
		fail("no memory");
	return fd;
}

void fake_xen_begin(size_t ram_bytes)
{
	host.memory_fd = create_pages("machine", PAGE_COUNT, &host.machine);
	host.shared_fd = create_pages("ioreq", SHARED_PAGES, &host.shared);
	host.p2m = calloc(GFN_COUNT, sizeof(*host.p2m));
	fake_xen = mmap(NULL, sizeof(*fake_xen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	if (!host.p2m || fake_xen == MAP_FAILED)
		fail("no memory");
	for (unsigned i = 0; i < CHANNEL_HANDLES; i++)
		if (pipe(host.channels[i].pipe) < 0)
			fail("no pipe");
	fake_xen_store_begin();
	fake_xen->shutdown_reason = -1;
	host.next_page = 0;
	for (uint64_t gfn = 0; gfn < ram_bytes / XEN_PAGE_BYTES; gfn++)
		if (gfn < VGA_FIRST_GFN || gfn >= VGA_END_GFN)
			fake_xen_add_page(gfn);
	memset(host.masked, true, sizeof(host.masked));
	memset(host.pending, 0, sizeof(host.pending));
	memset(host.grants, 0, sizeof(host.grants));
}

void fake_xen_end(void)
{
	if (fake_xen->opened || fake_xen->has_server)
		fail("handles are left open");
	if (host.live_mappings)
		fail("mappings are left");
	munmap(host.machine, PAGE_COUNT * XEN_PAGE_BYTES);
	munmap(host.shared, SHARED_PAGES * XEN_PAGE_BYTES);
	munmap(fake_xen, sizeof(*fake_xen));
	free(host.p2m);
	close(host.memory_fd);
	close(host.shared_fd);
	for (unsigned i = 0; i < CHANNEL_HANDLES; i++) {
		close(host.channels[i].pipe[0]);
		close(host.channels[i].pipe[1]);
	}
	fake_xen_store_end();
}

uint8_t *fake_xen_page(uint64_t gfn)
{
	if (gfn >= GFN_COUNT || !host.p2m[gfn])
		return NULL;
	return host.machine + (size_t)(host.p2m[gfn] - 1) * XEN_PAGE_BYTES;
}

void fake_xen_add_page(uint64_t gfn)
{
	if (gfn >= GFN_COUNT || host.p2m[gfn] || host.next_page == PAGE_COUNT)
		fail("a page cannot be added");
	host.p2m[gfn] = ++host.next_page;
}

void fake_xen_remove_page(uint64_t gfn)
{
	host.p2m[gfn] = 0;
}

struct xen_ring_page *fake_xen_ring(void)
{
	return (void *)host.shared;
}

struct xen_ioreq *fake_xen_slot(unsigned cpu)
{
	return (struct xen_ioreq *)(void *)(host.shared + XEN_PAGE_BYTES) + cpu;
}

/* Event channels: a channel that has fired stays masked until it is unmasked, as Linux does it */

static void send_port(evtchn_port_t port)
{
	host.pending[port] = false;
	host.masked[port] = true;
	if (write(host.channels[host.owner[port]].pipe[1], &port, sizeof(port)) != sizeof(port))
		fail("the pipe is full");
}

static void fire(evtchn_port_t port)
{
	pthread_mutex_lock(&host.mutex);
	host.pending[port] = true;
	if (!host.masked[port])
		send_port(port);
	pthread_mutex_unlock(&host.mutex);
}

void fake_xen_request(unsigned cpu, const struct xen_ioreq *request)
{
	struct xen_ioreq *slot = fake_xen_slot(cpu);
	uint32_t port = slot->port;

	if ((slot->flags & XEN_IOREQ_STATE) != XEN_IOREQ_NONE)
		fail("the processor still waits");
	*slot = *request;
	slot->port = port;
	__atomic_store_n(&slot->flags, (uint8_t)(request->flags | XEN_IOREQ_READY),
			 __ATOMIC_RELEASE);
	fire(FIRST_REMOTE_PORT + cpu + LOCAL_PORT_OFFSET);
}

void fake_xen_buffer(uint64_t slot)
{
	struct xen_ring_page *ring = fake_xen_ring();

	ring->slots[ring->write_pointer % XEN_RING_SLOTS] = slot;
	__atomic_fetch_add(&ring->write_pointer, 1, __ATOMIC_RELEASE);
}

void fake_xen_fire_ring(void)
{
	fire(RING_REMOTE_PORT + LOCAL_PORT_OFFSET);
}

bool fake_xen_answered(unsigned cpu, unsigned ms, uint64_t *data)
{
	const struct timespec millisecond = { .tv_nsec = 1000000 };
	struct xen_ioreq *slot = fake_xen_slot(cpu);

	for (unsigned i = 0; i <= ms; i++) {
		uint8_t flags = __atomic_load_n(&slot->flags, __ATOMIC_ACQUIRE);

		if ((flags & XEN_IOREQ_STATE) == XEN_IOREQ_RESPONSE_READY) {
			if (data)
				*data = slot->data;
			if (slot->port != FIRST_REMOTE_PORT + cpu)
				fail("the event channel in a request was changed");
			slot->flags = XEN_IOREQ_NONE;
			return true;
		}
		nanosleep(&millisecond, NULL);
	}
	return false;
}

bool fake_xen_ring_is_unmasked(void)
{
	bool masked;

	pthread_mutex_lock(&host.mutex);
	masked = host.masked[RING_REMOTE_PORT + LOCAL_PORT_OFFSET];
	pthread_mutex_unlock(&host.mutex);
	return !masked;
}

/* libxenevtchn */

xenevtchn_handle *xenevtchn_open(struct xentoollog_logger *logger, unsigned int flags)
{
	(void)logger;
	(void)flags;
	for (unsigned i = 0; i < CHANNEL_HANDLES; i++) {
		if (host.channels[i].used)
			continue;
		host.channels[i].used = true;
		fake_xen->opened++;
		return &host.channels[i];
	}
	errno = EMFILE;
	return NULL;
}

int xenevtchn_close(xenevtchn_handle *xce)
{
	xce->used = false;
	fake_xen->opened--;
	return 0;
}

int xenevtchn_fd(xenevtchn_handle *xce)
{
	return xce->pipe[0];
}

/** Ports of processors and the ring exist once the server is enabled; devices' at any time. */
static bool is_bindable(evtchn_port_t remote_port)
{
	if (remote_port >= FAKE_XEN_DEVICE_PORT)
		return remote_port < FAKE_XEN_DEVICE_PORT + FAKE_XEN_DEVICE_PORTS;
	return fake_xen->enabled && remote_port >= RING_REMOTE_PORT;
}

xenevtchn_port_or_error_t xenevtchn_bind_interdomain(xenevtchn_handle *xce, uint32_t domid,
						     evtchn_port_t remote_port)
{
	evtchn_port_t local = remote_port + LOCAL_PORT_OFFSET;

	if (domid != FAKE_XEN_DOMID || !is_bindable(remote_port))
		return refuse(EINVAL);
	host.owner[local] = (uint8_t)(xce - host.channels);
	host.masked[local] = false;
	fire(local);
	fake_xen->bound += remote_port >= FAKE_XEN_DEVICE_PORT;
	return (xenevtchn_port_or_error_t)local;
}

int xenevtchn_unbind(xenevtchn_handle *xce, evtchn_port_t port)
{
	(void)xce;
	host.masked[port] = true;
	fake_xen->bound--;
	return 0;
}

xenevtchn_port_or_error_t xenevtchn_pending(xenevtchn_handle *xce)
{
	evtchn_port_t port;

	if (read(xce->pipe[0], &port, sizeof(port)) != sizeof(port))
		return -1;
	fake_xen->waits += port < FAKE_XEN_DEVICE_PORT + LOCAL_PORT_OFFSET;
	return (xenevtchn_port_or_error_t)port;
}

int xenevtchn_unmask(xenevtchn_handle *xce, evtchn_port_t port)
{
	(void)xce;
	pthread_mutex_lock(&host.mutex);
	fake_xen->unmasks += port < FAKE_XEN_DEVICE_PORT + LOCAL_PORT_OFFSET;
	host.masked[port] = false;
	if (host.pending[port])
		send_port(port);
	pthread_mutex_unlock(&host.mutex);
	return 0;
}

int xenevtchn_notify(xenevtchn_handle *xce, evtchn_port_t port)
{
	(void)xce;
	if (port >= FAKE_XEN_DEVICE_PORT + LOCAL_PORT_OFFSET)
		fake_xen->notified++;
	else
		fake_xen->answers++;
	return 0;
}

void fake_xen_ring_device(unsigned number)
{
	fire(FAKE_XEN_DEVICE_PORT + number + LOCAL_PORT_OFFSET);
}

/* libxengnttab */

void fake_xen_grant(unsigned reference, uint64_t gfn)
{
	host.grants[reference] = gfn + 1;
	host.is_read_only[reference] = false;
}

void fake_xen_grant_read_only(unsigned reference, uint64_t gfn)
{
	fake_xen_grant(reference, gfn);
	host.is_read_only[reference] = true;
}

void fake_xen_revoke(unsigned reference)
{
	host.grants[reference] = 0;
}

xengnttab_handle *xengnttab_open(struct xentoollog_logger *logger, unsigned open_flags)
{
	(void)logger;
	(void)open_flags;
	if (fake_xen->no_grants) {
		errno = ENOENT;
		return NULL;
	}
	fake_xen->opened++;
	return (void *)&handle;
}

int xengnttab_close(xengnttab_handle *xgt)
{
	(void)xgt;
	fake_xen->opened--;
	return 0;
}

static bool may_map(uint32_t domid, uint32_t ref, int prot)
{
	return domid == FAKE_XEN_DOMID && ref < FAKE_XEN_GRANTS && host.grants[ref] &&
	       !((prot & PROT_WRITE) && host.is_read_only[ref]);
}

/** All or nothing, one after the other. */
void *xengnttab_map_domain_grant_refs(xengnttab_handle *xgt, uint32_t count, uint32_t domid,
				      uint32_t *refs, int prot)
{
	uint8_t *pages;

	(void)xgt;
	fake_xen->grant_maps++;
	for (uint32_t i = 0; i < count; i++) {
		if (!may_map(domid, refs[i], prot)) {
			errno = EINVAL;
			return NULL;
		}
	}
	pages = mmap(NULL, count * XEN_PAGE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (uint32_t i = 0; i < count && pages != MAP_FAILED; i++)
		if (mmap(pages + (size_t)i * XEN_PAGE_BYTES, XEN_PAGE_BYTES, prot,
			 MAP_SHARED | MAP_FIXED, host.memory_fd,
			 (off_t)(host.p2m[host.grants[refs[i]] - 1] - 1) * XEN_PAGE_BYTES) ==
		    MAP_FAILED)
			fail("a granted page cannot be mapped");
	if (pages == MAP_FAILED)
		return NULL;
	host.live_mappings++;
	fake_xen->granted += count;
	return pages;
}

void *xengnttab_map_grant_ref(xengnttab_handle *xgt, uint32_t domid, uint32_t ref, int prot)
{
	return xengnttab_map_domain_grant_refs(xgt, 1, domid, &ref, prot);
}

int xengnttab_unmap(xengnttab_handle *xgt, void *start_address, uint32_t count)
{
	(void)xgt;
	host.live_mappings--;
	fake_xen->granted -= count;
	return munmap(start_address, count * XEN_PAGE_BYTES);
}

/* libxenforeignmemory */

struct xenforeignmemory_resource_handle {
	void *pages;
};

xenforeignmemory_handle *xenforeignmemory_open(struct xentoollog_logger *logger, unsigned int flags)
{
	(void)logger;
	(void)flags;
	fake_xen->opened++;
	return (void *)&handle;
}

int xenforeignmemory_close(xenforeignmemory_handle *fmem)
{
	(void)fmem;
	fake_xen->opened--;
	return 0;
}

static bool map_page(uint8_t *address, uint64_t gfn)
{
	int fd = host.memory_fd;
	off_t offset;

	if (gfn == RING_GFN || gfn == REQUESTS_GFN) {
		fd = host.shared_fd;
		offset = (off_t)(gfn - RING_GFN) * XEN_PAGE_BYTES;
	} else if (gfn < GFN_COUNT && host.p2m[gfn]) {
		offset = (off_t)(host.p2m[gfn] - 1) * XEN_PAGE_BYTES;
	} else {
		return false;
	}
	return mmap(address, XEN_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
		    offset) != MAP_FAILED;
}

void *xenforeignmemory_map2(xenforeignmemory_handle *fmem, uint32_t dom, void *addr, int prot,
			    int flags, size_t pages, const xen_pfn_t arr[], int err[])
{
	uint8_t *bytes = mmap(addr, pages * XEN_PAGE_BYTES, PROT_NONE,
			      MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	(void)fmem;
	(void)prot;
	if (dom != FAKE_XEN_DOMID || bytes == MAP_FAILED)
		return NULL;
	for (size_t i = 0; i < pages; i++)
		err[i] = map_page(bytes + i * XEN_PAGE_BYTES, arr[i]) ? 0 : -EINVAL;
	fake_xen->maps++;
	host.live_mappings++;
	return bytes;
}

void *xenforeignmemory_map(xenforeignmemory_handle *fmem, uint32_t dom, int prot, size_t pages,
			   const xen_pfn_t arr[], int err[])
{
	return xenforeignmemory_map2(fmem, dom, NULL, prot, 0, pages, arr, err);
}

int xenforeignmemory_unmap(xenforeignmemory_handle *fmem, void *addr, size_t pages)
{
	(void)fmem;
	fake_xen->unmaps++;
	host.live_mappings--;
	return munmap(addr, pages * XEN_PAGE_BYTES);
}

xenforeignmemory_resource_handle *
xenforeignmemory_map_resource(xenforeignmemory_handle *fmem, domid_t domid, unsigned int type,
			      unsigned int id, unsigned long frame, unsigned long nr_frames,
			      void **paddr, int prot, int flags)
{
	static struct xenforeignmemory_resource_handle resource;

	(void)fmem;
	(void)prot;
	(void)flags;
	if (fake_xen->no_resources) {
		errno = EOPNOTSUPP;
		return NULL;
	}
	if (domid != FAKE_XEN_DOMID || type != XENMEM_resource_ioreq_server || id != SERVER_ID ||
	    frame != XENMEM_resource_ioreq_server_frame_bufioreq || nr_frames != SHARED_PAGES) {
		errno = EINVAL;
		return NULL;
	}
	resource.pages = mmap(NULL, SHARED_PAGES * XEN_PAGE_BYTES, PROT_READ | PROT_WRITE,
			      MAP_SHARED, host.shared_fd, 0);
	*paddr = resource.pages;
	host.live_mappings++;
	return &resource;
}

int xenforeignmemory_unmap_resource(xenforeignmemory_handle *fmem,
				    xenforeignmemory_resource_handle *fres)
{
	(void)fmem;
	host.live_mappings--;
	return munmap(fres->pages, SHARED_PAGES * XEN_PAGE_BYTES);
}

/* libxendevicemodel */

xendevicemodel_handle *xendevicemodel_open(struct xentoollog_logger *logger, unsigned int flags)
{
	(void)logger;
	(void)flags;
	fake_xen->opened++;
	return (void *)&handle;
}

int xendevicemodel_close(xendevicemodel_handle *dmod)
{
	(void)dmod;
	fake_xen->opened--;
	return 0;
}

int xendevicemodel_create_ioreq_server(xendevicemodel_handle *dmod, domid_t domid,
				       int handle_bufioreq, ioservid_t *id)
{
	(void)dmod;
	if (fake_xen->no_server || domid != FAKE_XEN_DOMID ||
	    handle_bufioreq != HVM_IOREQSRV_BUFIOREQ_ATOMIC)
		return refuse(ESRCH);
	fake_xen->has_server = true;
	*id = SERVER_ID;
	return 0;
}

int xendevicemodel_destroy_ioreq_server(xendevicemodel_handle *dmod, domid_t domid, ioservid_t id)
{
	(void)dmod;
	(void)domid;
	if (!fake_xen->has_server || id != SERVER_ID)
		return refuse(ENOENT);
	fake_xen->has_server = fake_xen->enabled = false;
	return 0;
}

/** Naming frames and mapping the resource exclude one another. */
int xendevicemodel_get_ioreq_server_info(xendevicemodel_handle *dmod, domid_t domid, ioservid_t id,
					 xen_pfn_t *ioreq_gfn, xen_pfn_t *bufioreq_gfn,
					 evtchn_port_t *bufioreq_port)
{
	(void)dmod;
	(void)domid;
	(void)id;
	if ((ioreq_gfn || bufioreq_gfn) && !fake_xen->no_resources)
		return refuse(EPERM);
	if (ioreq_gfn)
		*ioreq_gfn = REQUESTS_GFN;
	if (bufioreq_gfn)
		*bufioreq_gfn = RING_GFN;
	*bufioreq_port = RING_REMOTE_PORT;
	return 0;
}

int xendevicemodel_set_ioreq_server_state(xendevicemodel_handle *dmod, domid_t domid, ioservid_t id,
					  int enabled)
{
	(void)dmod;
	(void)domid;
	(void)id;
	fake_xen->enabled = enabled;
	for (unsigned cpu = 0; cpu < FAKE_XEN_CPUS; cpu++)
		fake_xen_slot(cpu)->port = FIRST_REMOTE_PORT + cpu;
	return 0;
}

int xendevicemodel_nr_vcpus(xendevicemodel_handle *dmod, domid_t domid, unsigned int *vcpus)
{
	(void)dmod;
	(void)domid;
	*vcpus = FAKE_XEN_CPUS;
	return 0;
}

int xendevicemodel_map_io_range_to_ioreq_server(xendevicemodel_handle *dmod, domid_t domid,
						ioservid_t id, int is_mmio, uint64_t start,
						uint64_t end)
{
	struct fake_xen_range *free_range = NULL;

	(void)dmod;
	(void)domid;
	(void)id;
	for (unsigned i = 0; i < FAKE_XEN_MAX_RANGES; i++) {
		struct fake_xen_range *range = &fake_xen->ranges[i];

		if (!range->used)
			free_range = range;
		else if (range->is_memory == !!is_mmio && start <= range->last &&
			 range->first <= end)
			return refuse(EEXIST);
	}
	if (!free_range)
		return refuse(ENOSPC);
	*free_range = (struct fake_xen_range){ true, is_mmio, start, end };
	return 0;
}

int xendevicemodel_unmap_io_range_from_ioreq_server(xendevicemodel_handle *dmod, domid_t domid,
						    ioservid_t id, int is_mmio, uint64_t start,
						    uint64_t end)
{
	(void)dmod;
	(void)domid;
	(void)id;
	for (unsigned i = 0; i < FAKE_XEN_MAX_RANGES; i++) {
		struct fake_xen_range *range = &fake_xen->ranges[i];

		if (range->used && range->is_memory == !!is_mmio && range->first == start &&
		    range->last == end) {
			range->used = false;
			return 0;
		}
	}
	return refuse(ENOENT);
}

int xendevicemodel_map_pcidev_to_ioreq_server(xendevicemodel_handle *dmod, domid_t domid,
					      ioservid_t id, uint16_t segment, uint8_t bus,
					      uint8_t device, uint8_t function)
{
	(void)dmod;
	(void)domid;
	(void)id;
	if (segment || bus || device > 31 || function > 7)
		return refuse(EINVAL);
	fake_xen->functions[device << 3 | function] = true;
	return 0;
}

int xendevicemodel_unmap_pcidev_from_ioreq_server(xendevicemodel_handle *dmod, domid_t domid,
						  ioservid_t id, uint16_t segment, uint8_t bus,
						  uint8_t device, uint8_t function)
{
	(void)dmod;
	(void)domid;
	(void)id;
	(void)segment;
	(void)bus;
	fake_xen->functions[device << 3 | function] = false;
	return 0;
}

int xendevicemodel_set_isa_irq_level(xendevicemodel_handle *dmod, domid_t domid, uint8_t irq,
				     unsigned int level)
{
	(void)dmod;
	(void)domid;
	if (irq >= FAKE_XEN_ISA_IRQS)
		return refuse(EINVAL);
	fake_xen->isa_levels[irq] = level;
	return 0;
}

int xendevicemodel_set_pci_intx_level(xendevicemodel_handle *dmod, domid_t domid, uint16_t segment,
				      uint8_t bus, uint8_t device, uint8_t intx, unsigned int level)
{
	(void)dmod;
	(void)domid;
	if (segment || bus || device > 31 || intx > 3)
		return refuse(EINVAL);
	if (device == 3)
		fake_xen->intx_levels =
			replace_bits(fake_xen->intx_levels, BIT(intx), level ? BIT(intx) : 0);
	return 0;
}

int xendevicemodel_set_pci_link_route(xendevicemodel_handle *dmod, domid_t domid, uint8_t link,
				      uint8_t irq)
{
	(void)dmod;
	(void)domid;
	if (link >= FAKE_XEN_LINKS || irq >= FAKE_XEN_ISA_IRQS)
		return refuse(EINVAL);
	fake_xen->links[link] = irq;
	return 0;
}

int xendevicemodel_shutdown(xendevicemodel_handle *dmod, domid_t domid, unsigned int reason)
{
	(void)dmod;
	(void)domid;
	fake_xen->shutdown_reason = (int)reason;
	return 0;
}

int xendevicemodel_modified_memory(xendevicemodel_handle *dmod, domid_t domid, uint64_t first_pfn,
				   uint32_t nr)
{
	(void)dmod;
	(void)domid;
	if (fake_xen->modified_count < FAKE_XEN_MAX_REPORTS) {
		fake_xen->modified[fake_xen->modified_count].first = first_pfn;
		fake_xen->modified[fake_xen->modified_count++].pages = nr;
	}
	fake_xen->modified_first = first_pfn;
	fake_xen->modified_pages += nr;
	return 0;
}

int xendevicemodel_set_mem_type(xendevicemodel_handle *dmod, domid_t domid, hvmmem_type_t mem_type,
				uint64_t first_pfn, uint32_t nr)
{
	(void)dmod;
	(void)domid;
	fake_xen->read_only_first = first_pfn;
	fake_xen->read_only_pages = mem_type == HVMMEM_ram_ro ? nr : 0;
	return 0;
}

int xendevicemodel_relocate_memory(xendevicemodel_handle *dmod, domid_t domid, uint32_t size,
				   uint64_t src_gfn, uint64_t dst_gfn)
{
	(void)dmod;
	(void)domid;
	if (src_gfn < dst_gfn + size && dst_gfn < src_gfn + size)
		fail("relocation onto itself");
	for (uint32_t i = 0; i < size; i++) {
		if (host.p2m[dst_gfn + i])
			fail("relocation onto memory");
		host.p2m[dst_gfn + i] = host.p2m[src_gfn + i];
		host.p2m[src_gfn + i] = 0;
	}
	fake_xen->relocations++;
	return 0;
}

int xendevicemodel_pin_memory_cacheattr(xendevicemodel_handle *dmod, domid_t domid, uint64_t start,
					uint64_t end, uint32_t type)
{
	(void)dmod;
	(void)domid;
	(void)type;
	fake_xen->pinned_first = start;
	fake_xen->pinned_last = end;
	return 0;
}

int xendevicemodel_track_dirty_vram(xendevicemodel_handle *dmod, domid_t domid, uint64_t first_pfn,
				    uint32_t nr, unsigned long *dirty_bitmap)
{
	(void)dmod;
	(void)domid;
	if (fake_xen->no_tracking)
		return refuse(ENODATA);
	fake_xen->tracked_first = first_pfn;
	fake_xen->tracked_count = nr;
	if (nr)
		memcpy(dirty_bitmap, fake_xen->dirty, (nr + 7) / 8);
	return 0;
}

/* libxenctrl, libxentoolcore */

xc_interface *xc_interface_open(xentoollog_logger *logger, xentoollog_logger *dombuild_logger,
				unsigned open_flags)
{
	(void)logger;
	(void)dombuild_logger;
	(void)open_flags;
	fake_xen->opened++;
	return (void *)&handle;
}

int xc_interface_close(xc_interface *xch)
{
	(void)xch;
	fake_xen->opened--;
	return 0;
}

int xc_domain_populate_physmap_exact(xc_interface *xch, uint32_t domid, unsigned long nr_extents,
				     unsigned int extent_order, unsigned int mem_flags,
				     xen_pfn_t *extent_start)
{
	(void)xch;
	(void)domid;
	(void)mem_flags;
	if (extent_order)
		return refuse(EINVAL);
	for (unsigned long i = 0; i < nr_extents; i++)
		fake_xen_add_page(extent_start[i]);
	return 0;
}

int xc_hvm_param_set(xc_interface *xch, uint32_t dom, uint32_t param, uint64_t value)
{
	(void)xch;
	(void)dom;
	if (param != HVM_PARAM_ACPI_S_STATE)
		return refuse(EINVAL);
	fake_xen->sleep_state = value;
	return 0;
}

int xentoolcore_restrict_all(domid_t domid)
{
	fake_xen->restricted = domid == FAKE_XEN_DOMID;
	return 0;
}
