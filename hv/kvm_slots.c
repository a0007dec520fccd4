// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory slots with their dirty log, and windows whose writes KVM collects in a ring instead of
 * leaving the guest for each.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/bits.h"
#include "base/lock.h"
#include "base/log.h"
#include "hv/kvm.h"

/** Tells KVM of slot 'number'; without 'slot' it is deleted. */
static int set_region(struct kvm_core *core, int number, const struct hv_slot *slot)
{
	struct kvm_userspace_memory_region region;

	memset(&region, 0, sizeof(region));
	region.slot = (uint32_t)number;
	if (slot) {
		region.guest_phys_addr = slot->gpa;
		region.memory_size = slot->bytes;
		region.userspace_addr = (uintptr_t)slot->host;
		region.flags = (slot->read_only ? KVM_MEM_READONLY : 0) |
			       (slot->log_dirty ? KVM_MEM_LOG_DIRTY_PAGES : 0);
	}
	return ioctl(core->vm_fd, KVM_SET_USER_MEMORY_REGION, &region) < 0 ? -errno : 0;
}

static struct kvm_slot_entry *slot_entry(struct kvm_core *core, int number)
{
	if (number < 0 || number >= KVM_MAX_SLOTS || !core->slots[number].used)
		return NULL;
	return &core->slots[number];
}

static int free_number(const struct kvm_core *core)
{
	for (int i = 0; i < KVM_MAX_SLOTS; i++)
		if (!core->slots[i].used)
			return i;
	return -ENOSPC;
}

static bool slot_is_valid(const struct hv_slot *slot)
{
	return slot->host && slot->bytes && slot->bytes % KVM_PAGE_BYTES == 0 &&
	       slot->gpa % KVM_PAGE_BYTES == 0 && (uintptr_t)slot->host % KVM_PAGE_BYTES == 0 &&
	       range_fits(slot->gpa, slot->bytes, UINT64_C(1) << 52);
}

int kvm_slot_add(struct hv *hv, const struct hv_slot *slot)
{
	struct kvm_core *core = kvm_core_from_hv(hv);
	int code, number = free_number(core);

	if (!slot_is_valid(slot))
		return -EINVAL;
	if (number < 0)
		return number;
	code = set_region(core, number, slot);
	if (code < 0)
		return code;
	core->slots[number].used = true;
	core->slots[number].slot = *slot;
	return number;
}

void kvm_slot_remove(struct hv *hv, int number)
{
	struct kvm_core *core = kvm_core_from_hv(hv);
	struct kvm_slot_entry *entry = slot_entry(core, number);
	int code;

	if (!entry)
		return;
	code = set_region(core, number, NULL);
	if (code < 0)
		log_error("KVM keeps memory slot %d: %s", number, strerror(-code));
	entry->used = false;
}

void kvm_slot_set_logging(struct hv *hv, int number, bool on)
{
	struct kvm_core *core = kvm_core_from_hv(hv);
	struct kvm_slot_entry *entry = slot_entry(core, number);
	struct hv_slot changed;

	if (!entry || entry->slot.log_dirty == on)
		return;
	changed = entry->slot;
	changed.log_dirty = on;
	/* A change of flags alone is atomic in KVM: no processor sees the slot missing. */
	if (set_region(core, number, &changed) == 0)
		entry->slot = changed;
}

bool kvm_slot_fetch_dirty(struct hv *hv, int number, unsigned long *bitmap)
{
	struct kvm_core *core = kvm_core_from_hv(hv);
	struct kvm_slot_entry *entry = slot_entry(core, number);
	struct kvm_dirty_log log;

	if (!entry || !entry->slot.log_dirty)
		return false;
	memset(&log, 0, sizeof(log));
	log.slot = (uint32_t)number;
	log.dirty_bitmap = bitmap;
	return ioctl(core->vm_fd, KVM_GET_DIRTY_LOG, &log) == 0;
}

static void set_zone(struct kvm_core *core, unsigned long request, const struct kvm_zone *window)
{
	struct kvm_coalesced_mmio_zone zone;

	if (!core->ring || (!window->is_memory && !core->collects_ports))
		return;
	memset(&zone, 0, sizeof(zone));
	zone.addr = window->base;
	zone.size = (uint32_t)window->bytes;
	zone.pio = !window->is_memory;
	/* A refusal costs speed only: the writes then come one by one. */
	ioctl(core->vm_fd, request, &zone);
}

void kvm_zones_register(struct kvm_core *core)
{
	for (unsigned i = 0; i < core->early_zone_count; i++)
		set_zone(core, KVM_REGISTER_COALESCED_MMIO, &core->early_zones[i]);
	core->early_zone_count = 0;
}

static void forget_early_zone(struct kvm_core *core, const struct kvm_zone *window)
{
	for (unsigned i = 0; i < core->early_zone_count; i++) {
		const struct kvm_zone *zone = &core->early_zones[i];

		if (zone->is_memory == window->is_memory && zone->base == window->base &&
		    zone->bytes == window->bytes) {
			core->early_zones[i] = core->early_zones[--core->early_zone_count];
			return;
		}
	}
}

static bool can_be_collected(const struct hv *hv, uint64_t bytes)
{
	return hv->client.collected && bytes != 0 && bytes <= UINT32_MAX;
}

void kvm_range_add(struct hv *hv, bool is_memory, uint64_t base, uint64_t bytes, bool coalesced)
{
	struct kvm_core *core = kvm_core_from_hv(hv);
	const struct kvm_zone window = { is_memory, base, bytes };

	if (!coalesced || !can_be_collected(hv, bytes))
		return;
	if (core->is_complete)
		set_zone(core, KVM_REGISTER_COALESCED_MMIO, &window);
	else if (core->early_zone_count < KVM_MAX_EARLY_ZONES)
		core->early_zones[core->early_zone_count++] = window;
}

void kvm_range_remove(struct hv *hv, bool is_memory, uint64_t base, uint64_t bytes, bool coalesced)
{
	struct kvm_core *core = kvm_core_from_hv(hv);
	const struct kvm_zone window = { is_memory, base, bytes };

	if (!coalesced || !can_be_collected(hv, bytes))
		return;
	forget_early_zone(core, &window);
	set_zone(core, KVM_UNREGISTER_COALESCED_MMIO, &window);
	/* What was collected for the window is delivered while its owner still knows of it. */
	kvm_ring_drain(hv);
}

/** How many entries fit in the page that the ring lives in. */
static uint32_t ring_capacity(void)
{
	return (KVM_PAGE_BYTES - sizeof(struct kvm_coalesced_mmio_ring)) /
	       sizeof(struct kvm_coalesced_mmio);
}

/** Takes the oldest entry out of the ring, so that whatever its delivery causes cannot deliver it
 * again. */
static struct kvm_coalesced_mmio ring_take(struct kvm_coalesced_mmio_ring *ring)
{
	uint32_t first = ring->first % ring_capacity();
	struct kvm_coalesced_mmio write = ring->coalesced_mmio[first];

	__atomic_store_n(&ring->first, (first + 1) % ring_capacity(), __ATOMIC_RELEASE);
	return write;
}

static bool ring_is_empty(const struct kvm_coalesced_mmio_ring *ring)
{
	return __atomic_load_n(&ring->first, __ATOMIC_RELAXED) ==
	       __atomic_load_n(&ring->last, __ATOMIC_ACQUIRE);
}

void kvm_ring_drain(struct hv *hv)
{
	struct kvm_core *core = kvm_core_from_hv(hv);
	uint32_t budget = ring_capacity();

	if (!core->ring || core->draining || !hv->client.collected)
		return;
	core->draining = true;
	while (budget-- > 0 && !ring_is_empty(core->ring)) {
		struct kvm_coalesced_mmio write = ring_take(core->ring);

		if (write.len == 0 || write.len > sizeof(write.data))
			continue;
		core->coalesced++;
		hv->client.collected(hv->client.opaque, !write.pio, write.phys_addr, write.len,
				     write.data);
	}
	core->draining = false;
}

void kvm_ring_drain_unlocked(struct kvm_core *core)
{
	if (!core->ring || ring_is_empty(core->ring))
		return;
	if (core->hv.config.lock)
		lock_acquire(core->hv.config.lock);
	kvm_ring_drain(&core->hv);
	if (core->hv.config.lock)
		lock_release(core->hv.config.lock);
}
