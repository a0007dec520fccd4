// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Video RAM consists of guest pages, which the device model adds to the guest and maps once; the
 * mapping stays good when the pages move. They wait above the guest's memory and move under the
 * BAR when it is enabled. They stay there when it is disabled: systems do that often, to size it,
 * and moving megabytes takes milliseconds. Only when something else comes there they go back.
 *
 *   parked --xen_slot_add--> shown --xen_slot_remove--> left --xen_vram_make_room--> parked
 *                              ^------xen_slot_add--------'
 *
 * A guest that is restored has its pages already: under the BAR if it is enabled, else where they
 * were when it was saved; they are mapped when that is known.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/log.h"
#include "hv/xen.h"

#define FOUR_GIB (UINT64_C(1) << 32)

static uint64_t page_count(const struct xen_vram *vram)
{
	return vram->bytes / XEN_PAGE_BYTES;
}

/* Birth */

static xen_pfn_t *list_gfns(uint64_t first, uint64_t count)
{
	xen_pfn_t *gfns = calloc(count, sizeof(*gfns));

	for (uint64_t i = 0; gfns && i < count; i++)
		gfns[i] = first + i;
	return gfns;
}

/** Maps the pages at vram->gfn, over what is at vram->host if that is not NULL. 0 or -errno. */
static int map_pages(struct xen_core *core)
{
	struct xen_vram *vram = &core->vram;
	uint64_t count = page_count(vram);
	xen_pfn_t *gfns = list_gfns(vram->gfn, count);
	int *errors = calloc(count, sizeof(*errors));
	int result = gfns && errors ? 0 : -ENOMEM;
	void *host = NULL;

	if (result == 0) {
		host = xenforeignmemory_map2(core->memory, core->domid, vram->host,
					     PROT_READ | PROT_WRITE, vram->host ? MAP_FIXED : 0,
					     count, gfns, errors);
		result = host ? 0 : -errno;
	}
	for (uint64_t i = 0; result == 0 && i < count; i++)
		result = -abs(errors[i]);
	if (host)
		vram->host = host;
	vram->mapped = result == 0;
	free(gfns);
	free(errors);
	return result;
}

static int populate(struct xen_core *core, struct err *err)
{
	struct xen_vram *vram = &core->vram;
	xen_pfn_t *gfns = list_gfns(vram->gfn, page_count(vram));
	int result = -ENOMEM;

	if (gfns && xc_domain_populate_physmap_exact(core->control, core->domid, page_count(vram),
						     0, 0, gfns) < 0)
		result = -errno;
	else if (gfns)
		result = 0;
	free(gfns);
	if (result < 0)
		return err_set_errno(err, result, "cannot give the guest %zu MiB of video RAM",
				     vram->bytes >> 20);
	result = map_pages(core);
	if (result < 0)
		return err_set_errno(err, result, "cannot map the guest's video RAM");
	return 0;
}

/** Address space that the pages will be mapped over. */
static int reserve(struct xen_vram *vram, struct err *err)
{
	vram->host =
		mmap(NULL, vram->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (vram->host != MAP_FAILED)
		return 0;
	vram->host = NULL;
	return err_set_errno(err, -errno, "cannot reserve memory for the video RAM");
}

void *xen_video_ram_alloc(struct hv *hv, size_t bytes, struct err *err)
{
	struct xen_core *core = xen_core_from_hv(hv);
	struct xen_vram *vram = &core->vram;
	int result;

	if (vram->host) {
		err_set(err, -EEXIST, "a Xen guest has one card with video RAM at most");
		return NULL;
	}
	*vram = (struct xen_vram){
		.bytes = bytes,
		.parking_gfn = (FOUR_GIB + core->hv.config.high_bytes) / XEN_PAGE_BYTES,
		.slot = -1,
	};
	vram->gfn = vram->parking_gfn;
	result = hv->config.incoming ? reserve(vram, err) : populate(core, err);
	return result < 0 ? NULL : vram->host;
}

uint64_t xen_video_ram_gpa(struct hv *hv)
{
	const struct xen_vram *vram = &xen_core_from_hv(hv)->vram;

	return vram->host ? vram->gfn * XEN_PAGE_BYTES : 0;
}

void xen_set_video_ram_gpa(struct hv *hv, uint64_t gpa)
{
	struct xen_vram *vram = &xen_core_from_hv(hv)->vram;

	if (vram->host && !vram->mapped)
		vram->gfn = gpa / XEN_PAGE_BYTES;
}

int xen_vram_settle(struct xen_core *core)
{
	struct xen_vram *vram = &core->vram;

	return vram->host && !vram->mapped ? map_pages(core) : 0;
}

void xen_vram_finish(struct xen_core *core)
{
	struct xen_vram *vram = &core->vram;

	if (vram->mapped)
		xenforeignmemory_unmap(core->memory, vram->host, page_count(vram));
	else if (vram->host)
		munmap(vram->host, vram->bytes);
	*vram = (struct xen_vram){ .slot = -1 };
}

/* Moving */

static int move(struct xen_core *core, uint64_t gfn)
{
	struct xen_vram *vram = &core->vram;

	if (gfn == vram->gfn)
		return 0;
	if (xendevicemodel_relocate_memory(core->model, core->domid, (uint32_t)page_count(vram),
					   vram->gfn, gfn) < 0)
		return -errno;
	vram->gfn = gfn;
	vram->tracked = false;
	/* Without this the guest would see it uncached; what is not pinned is only slow. */
	if (gfn != vram->parking_gfn)
		xendevicemodel_pin_memory_cacheattr(core->model, core->domid, gfn,
						    gfn + page_count(vram) - 1,
						    XEN_DMOP_MEM_CACHEATTR_WB);
	return 0;
}

static void park(struct xen_core *core)
{
	int result;

	if (!core->vram.mapped || core->vram.slot >= 0)
		return;
	result = move(core, core->vram.parking_gfn);
	if (result < 0)
		log_warning("cannot take the video RAM from under its old address: %s",
			    strerror(-result));
}

void xen_vram_make_room(struct xen_core *core, uint64_t base, uint64_t bytes)
{
	const struct xen_vram *vram = &core->vram;
	uint64_t begin = vram->gfn * XEN_PAGE_BYTES;

	if (vram->host && base < begin + vram->bytes && begin < base + bytes)
		park(core);
}

/** Lays the pages under the BAR; those of a restored guest lie there already. */
static int show(struct xen_core *core, int number, uint64_t gpa)
{
	struct xen_vram *vram = &core->vram;
	int result;

	if (!vram->mapped) {
		vram->gfn = gpa / XEN_PAGE_BYTES;
		result = map_pages(core);
	} else {
		result = move(core, gpa / XEN_PAGE_BYTES);
	}
	if (result == 0)
		vram->slot = number;
	return result;
}

/* Direct windows. Xen has no read-only window onto memory of ours: ROM is served access by access.
 */

static bool is_vram(const struct xen_core *core, const struct hv_slot *slot)
{
	return slot->host == core->vram.host && slot->bytes == core->vram.bytes && !slot->read_only;
}

static int find_free_slot(const struct xen_core *core)
{
	for (int i = 0; i < XEN_MAX_SLOTS; i++)
		if (!core->slots[i].used)
			return i;
	return -ENOSPC;
}

int xen_slot_add(struct hv *hv, const struct hv_slot *slot)
{
	struct xen_core *core = xen_core_from_hv(hv);
	int number = find_free_slot(core);
	int result = 0;

	if (number < 0)
		return number;
	if (is_vram(core, slot))
		result = show(core, number, slot->gpa);
	else
		xen_range_add(hv, true, slot->gpa, slot->bytes, false);
	if (result < 0)
		return result;
	core->slots[number] = (struct xen_slot){
		.used = true,
		.is_range = !is_vram(core, slot),
		.slot = *slot,
	};
	return number;
}

void xen_slot_remove(struct hv *hv, int number)
{
	struct xen_core *core = xen_core_from_hv(hv);
	struct xen_slot *slot = &core->slots[number];

	if (slot->is_range)
		xen_range_remove(hv, true, slot->slot.gpa, slot->slot.bytes, false);
	else
		core->vram.slot = -1;
	*slot = (struct xen_slot){ 0 };
}

/* The dirty log. While the toolstack has its own switched on, Xen's two would disturb one another:
 * tracking is then neither begun nor ended. */

static void stop_tracking(struct xen_core *core)
{
	if (core->vram.tracked && !core->logs_dirty) {
		xendevicemodel_track_dirty_vram(core->model, core->domid, core->vram.gfn, 0, NULL);
		core->vram.tracked = false;
	}
}

void xen_slot_set_logging(struct hv *hv, int number, bool on)
{
	struct xen_core *core = xen_core_from_hv(hv);

	core->slots[number].slot.log_dirty = on;
	if (!on && core->vram.slot == number)
		stop_tracking(core);
}

bool xen_slot_fetch_dirty(struct hv *hv, int number, unsigned long *bitmap)
{
	struct xen_core *core = xen_core_from_hv(hv);
	struct xen_vram *vram = &core->vram;

	if (vram->slot != number || !core->slots[number].slot.log_dirty)
		return false;
	if (core->logs_dirty && !vram->tracked)
		return false;
	if (xendevicemodel_track_dirty_vram(core->model, core->domid, vram->gfn,
					    (uint32_t)page_count(vram), bitmap) < 0)
		return false;
	vram->tracked = true;
	return true;
}
