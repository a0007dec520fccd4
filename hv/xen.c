// SPDX-License-Identifier: GPL-2.0-or-later
#include "hv/xen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xentoolcore.h>

#include "base/err.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/loop.h"
#include "hv/xen_qdisk.h"
#include "hv/xen_vkbd.h"

enum {
	S3 = 3,
};

/* Guest memory */

static void *ram_map(struct hv *hv, uint64_t gpa, size_t *length, bool write)
{
	(void)write;
	return xen_map_get(&xen_core_from_hv(hv)->map, gpa, length);
}

static void ram_unmap(struct hv *hv, void *host, size_t length, size_t written)
{
	struct xen_core *core = xen_core_from_hv(hv);
	uint64_t gpa;

	(void)length;
	if (xen_map_put(&core->map, host, &gpa))
		xen_report_written(core, gpa, written);
}

static void protect_ram(struct hv *hv, uint64_t gpa, uint64_t bytes, bool read_only)
{
	struct xen_core *core = xen_core_from_hv(hv);

	xendevicemodel_set_mem_type(core->model, core->domid,
				    read_only ? HVMMEM_ram_ro : HVMMEM_ram_rw, gpa / XEN_PAGE_BYTES,
				    (uint32_t)(bytes / XEN_PAGE_BYTES));
}

static void set_dirty_log(struct hv *hv, bool on)
{
	xen_core_from_hv(hv)->logs_dirty = on;
}

/* Running */

/** The toolstack waits for this word before it goes on; it has its own way with a guest that is to
 * start paused, and the store is out of reach then. */
static void report_running(struct xen_core *core)
{
	static const char running[] = "running";
	char path[64];

	if (core->reported_running)
		return;
	core->reported_running = true;
	snprintf(path, sizeof(path), "device-model/%u/state", core->domid);
	if (!xs_write(core->store, XBT_NULL, path, running, sizeof(running) - 1))
		log_info("cannot write '%s' into xenstore: %s", path, strerror(errno));
}

static int start(struct hv *hv, struct err *err)
{
	struct xen_core *core = xen_core_from_hv(hv);
	int result = xen_vram_settle(core);

	if (result < 0)
		return err_set_errno(err, result, "cannot map the guest's video RAM");
	result = xen_server_enable(core, err);
	if (result == 0)
		result = xen_thread_start(core, err);
	if (result < 0)
		return result;
	xen_gate_open(&core->gate);
	if (core->asleep)
		xc_hvm_param_set(core->control, core->domid, HVM_PARAM_ACPI_S_STATE, 0);
	core->asleep = false;
	xen_bus_watch(&core->bus);
	xen_bus_set_held(&core->bus, false);
	report_running(core);
	return 0;
}

static void hold(struct hv *hv)
{
	xen_gate_close(&xen_core_from_hv(hv)->gate);
}

static void flush_coalesced(struct hv *hv)
{
	struct xen_core *core = xen_core_from_hv(hv);

	if (core->ring && !xen_gate_is_ended(&core->gate))
		core->buffered += xen_ring_drain(core->ring, &hv->client);
}

/** What is written to video RAM by devices is not in any log: all of it counts. */
static void report_video_ram(struct xen_core *core)
{
	if (core->vram.mapped)
		xen_report_written(core, core->vram.gfn * XEN_PAGE_BYTES, core->vram.bytes);
}

static void pause_core(struct hv *hv)
{
	struct xen_core *core = xen_core_from_hv(hv);

	xen_gate_close(&core->gate);
	if (hv->config.lock)
		lock_release(hv->config.lock);
	xen_gate_wait_at_rest(&core->gate);
	if (hv->config.lock)
		lock_acquire(hv->config.lock);
	xen_bus_set_held(&core->bus, true);
	flush_coalesced(hv);
	report_video_ram(core);
}

static int suspend(struct hv *hv, struct err *err)
{
	struct xen_core *core = xen_core_from_hv(hv);

	if (xc_hvm_param_set(core->control, core->domid, HVM_PARAM_ACPI_S_STATE, S3) < 0)
		return err_set_errno(err, -errno, "Xen does not put domain %u to sleep",
				     core->domid);
	core->asleep = true;
	return 0;
}

/* Processors are Xen's: the guest brings them up when ACPI tells it of them. What is plugged in is
 * known here alone. */

static int cpu_set_online(struct hv *hv, unsigned cpu, bool online, struct err *err)
{
	if (cpu >= XEN_MAX_CPUS)
		return err_set(err, -EINVAL, "a Xen guest has %d processors at most", XEN_MAX_CPUS);
	xen_core_from_hv(hv)->online[cpu] = online;
	return 0;
}

static int cpu_info(struct hv *hv, unsigned cpu, struct hv_cpu_info *info)
{
	if (cpu >= XEN_MAX_CPUS)
		return -ENOENT;
	info->online = xen_core_from_hv(hv)->online[cpu];
	return 0;
}

static void get_stats(struct hv *hv, struct hv_stats *stats)
{
	const struct xen_core *core = xen_core_from_hv(hv);
	const struct xen_ioreq_engine *engine = &core->engine;

	*stats = (struct hv_stats){
		.exits = engine->pio + engine->mmio + engine->config,
		.pio_exits = engine->pio,
		.mmio_exits = engine->mmio,
		.coalesced = core->buffered,
		.ram_held = core->map.count,
		.ram_mapped = core->map.mapped,
		.ram_invalidations = core->map.invalidations,
	};
}

/* Life */

static int restrict_handles(struct hv *hv, struct err *err)
{
	struct xen_core *core = xen_core_from_hv(hv);

	xen_bus_close(&core->bus);
	if (xentoolcore_restrict_all(core->domid) < 0)
		return err_set_errno(err, -errno,
				     "cannot restrict this process to domain %u; the kernel's "
				     "privcmd driver may be too old",
				     core->domid);
	core->reported_running = true; /* the store is out of reach, and control asked instead */
	return 0;
}

static void close_handles(struct xen_core *core)
{
	if (core->store)
		xs_close(core->store);
	if (core->events)
		xenevtchn_close(core->events);
	if (core->memory)
		xenforeignmemory_close(core->memory);
	if (core->model)
		xendevicemodel_close(core->model);
	if (core->control)
		xc_interface_close(core->control);
}

static void destroy(struct hv *hv)
{
	struct xen_core *core = xen_core_from_hv(hv);

	xen_thread_stop(core);
	xen_crash_forget(core);
	loop_timer_destroy(core->ring_timer);
	xen_bus_finish(&core->bus);
	if (core->memory) {
		xen_map_finish(&core->map);
		xen_vram_finish(core);
	}
	if (core->model)
		xen_server_destroy(core);
	close_handles(core);
	xen_gate_finish(&core->gate);
	free(core);
}

/** What paravirtual devices need is there. */
static int complete(struct hv *hv, struct err *err)
{
	(void)err;
	xen_bus_offer(&xen_core_from_hv(hv)->bus);
	return 0;
}

static const struct hv_ops xen_ops = {
	.name = "xen",
	.complete = complete,
	.ram_map = ram_map,
	.ram_unmap = ram_unmap,
	.video_ram_alloc = xen_video_ram_alloc,
	.video_ram_gpa = xen_video_ram_gpa,
	.set_video_ram_gpa = xen_set_video_ram_gpa,
	.slot_add = xen_slot_add,
	.slot_remove = xen_slot_remove,
	.slot_set_logging = xen_slot_set_logging,
	.slot_fetch_dirty = xen_slot_fetch_dirty,
	.range_add = xen_range_add,
	.range_remove = xen_range_remove,
	.pci_function_add = xen_pci_function_add,
	.pci_function_remove = xen_pci_function_remove,
	.set_irq = xen_set_irq,
	.set_pci_intx = xen_set_pci_intx,
	.set_pci_link = xen_set_pci_link,
	.start = start,
	.hold = hold,
	.pause = pause_core,
	.cpu_set_online = cpu_set_online,
	.cpu_info = cpu_info,
	.flush_coalesced = flush_coalesced,
	.get_stats = get_stats,
	.report_shutdown = xen_report_shutdown,
	.suspend = suspend,
	.set_dirty_log = set_dirty_log,
	.protect_ram = protect_ram,
	.restrict_handles = restrict_handles,
	.destroy = destroy,
};

static int open_handles(struct xen_core *core, struct err *err)
{
	const char *missing = NULL;

	core->control = xc_interface_open(NULL, NULL, 0);
	if (!core->control)
		missing = "hypervisor";
	core->memory = missing ? NULL : xenforeignmemory_open(NULL, 0);
	if (!core->memory && !missing)
		missing = "guest memory";
	core->model = missing ? NULL : xendevicemodel_open(NULL, 0);
	if (!core->model && !missing)
		missing = "device model";
	core->events = missing ? NULL : xenevtchn_open(NULL, 0);
	if (!core->events && !missing)
		missing = "event channel";
	core->store = missing ? NULL : xs_open(0);
	if (!core->store && !missing)
		missing = "xenstore";
	if (missing)
		return err_set_errno(err, -errno,
				     "cannot open Xen's %s interface; hvmdm serves Xen guests from "
				     "dom0, as root",
				     missing);
	return 0;
}

static const struct xen_backend_class *const backend_classes[] = {
	&xen_vkbd_class,
	&xen_qdisk_class,
	NULL,
};

static int create(struct xen_core *core, struct loop *loop, struct err *err)
{
	const struct hv_config *config = &core->hv.config;
	int result = open_handles(core, err);

	if (result < 0)
		return result;
	xen_map_init(&core->map, core->memory, core->domid, config->low_bytes, config->high_bytes);
	xen_thread_init_engine(core);
	core->ring_timer = loop_timer_create(loop, xen_thread_poll_ring, core);
	if (!core->ring_timer)
		return err_set_errno(err, -ENOMEM, "cannot set up timers");
	result = xen_server_create(core, err);
	if (result < 0)
		return result;
	xen_crash_watch(core);
	if (config->input || config->disks)
		xen_bus_init(&core->bus, loop, core->domid, core->store, core->memory,
			     backend_classes,
			     &(struct xen_bus_host){ config->input, config->disks });
	core->bus.is_restored = config->incoming;
	return 0;
}

struct hv *hv_xen_create(const struct hv_config *config, const struct hv_client *client,
			 struct loop *loop, struct err *err)
{
	struct xen_core *core = calloc(1, sizeof(*core));

	if (!core) {
		err_set_errno(err, -ENOMEM, "cannot create the Xen core");
		return NULL;
	}
	core->hv.ops = &xen_ops;
	core->hv.config = *config;
	core->hv.client = *client;
	core->hv.caps = (struct hv_caps){
		.has_rtc = true,
		.has_hpet = true,
		.has_pm_timer = true,
		.routes_pci = true,
		.has_firmware = true,
		.can_run = true,
		.restarts_guest = true,
		.saves_guest = true,
	};
	core->domid = (domid_t)config->xen_domid;
	core->vram.slot = -1;
	for (unsigned i = 0; i < config->cpus && i < XEN_MAX_CPUS; i++)
		core->online[i] = true;
	xen_gate_init(&core->gate);
	if (create(core, loop, err) < 0) {
		destroy(&core->hv);
		return NULL;
	}
	return &core->hv;
}
