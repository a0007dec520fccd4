// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The face of the hypervisor cores: calls the hook of the core at hand, or does what a core without
 * the hook means.
 */
#include "hv/hv.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"

void *hv_ram_map(struct hv *hv, uint64_t gpa, size_t *length, bool write)
{
	return hv->ops->ram_map(hv, gpa, length, write);
}

void hv_ram_unmap(struct hv *hv, void *host, size_t length, size_t written)
{
	if (hv->ops->ram_unmap)
		hv->ops->ram_unmap(hv, host, length, written);
}

void *hv_video_ram_alloc(struct hv *hv, size_t bytes, struct err *err)
{
	return hv->ops->video_ram_alloc(hv, bytes, err);
}

uint64_t hv_video_ram_gpa(struct hv *hv)
{
	return hv->ops->video_ram_gpa ? hv->ops->video_ram_gpa(hv) : 0;
}

void hv_set_video_ram_gpa(struct hv *hv, uint64_t gpa)
{
	if (hv->ops->set_video_ram_gpa)
		hv->ops->set_video_ram_gpa(hv, gpa);
}

int hv_slot_add(struct hv *hv, const struct hv_slot *slot)
{
	return hv->ops->slot_add(hv, slot);
}

void hv_slot_remove(struct hv *hv, int slot)
{
	hv->ops->slot_remove(hv, slot);
}

void hv_slot_set_logging(struct hv *hv, int slot, bool on)
{
	if (hv->ops->slot_set_logging)
		hv->ops->slot_set_logging(hv, slot, on);
}

bool hv_slot_fetch_dirty(struct hv *hv, int slot, unsigned long *bitmap)
{
	return hv->ops->slot_fetch_dirty && hv->ops->slot_fetch_dirty(hv, slot, bitmap);
}

void hv_slots_begin(struct hv *hv)
{
	if (hv->ops->slots_begin)
		hv->ops->slots_begin(hv);
}

void hv_slots_end(struct hv *hv)
{
	if (hv->ops->slots_end)
		hv->ops->slots_end(hv);
}

void hv_range_add(struct hv *hv, bool is_memory, uint64_t base, uint64_t bytes, bool coalesced)
{
	if (hv->ops->range_add)
		hv->ops->range_add(hv, is_memory, base, bytes, coalesced);
}

void hv_range_remove(struct hv *hv, bool is_memory, uint64_t base, uint64_t bytes, bool coalesced)
{
	if (hv->ops->range_remove)
		hv->ops->range_remove(hv, is_memory, base, bytes, coalesced);
}

void hv_pci_function_add(struct hv *hv, unsigned devfn)
{
	if (hv->ops->pci_function_add)
		hv->ops->pci_function_add(hv, devfn);
}

void hv_pci_function_remove(struct hv *hv, unsigned devfn)
{
	if (hv->ops->pci_function_remove)
		hv->ops->pci_function_remove(hv, devfn);
}

void hv_set_irq(struct hv *hv, unsigned gsi, bool level)
{
	if (hv->tap)
		hv->tap->irq(hv->tap->opaque, gsi, level);
	if (hv->ops->set_irq)
		hv->ops->set_irq(hv, gsi, level);
}

void hv_set_pci_intx(struct hv *hv, unsigned slot, unsigned pin, bool level)
{
	if (hv->tap)
		hv->tap->pci_intx(hv->tap->opaque, slot, pin, level);
	if (hv->ops->set_pci_intx)
		hv->ops->set_pci_intx(hv, slot, pin, level);
}

void hv_set_pci_link(struct hv *hv, unsigned link, unsigned isa_irq)
{
	if (hv->tap)
		hv->tap->pci_link(hv->tap->opaque, link, isa_irq);
	if (hv->ops->set_pci_link)
		hv->ops->set_pci_link(hv, link, isa_irq);
}

void hv_set_pit_irq(struct hv *hv, bool on)
{
	if (hv->tap)
		hv->tap->pit_irq(hv->tap->opaque, on);
	if (hv->ops->set_pit_irq)
		hv->ops->set_pit_irq(hv, on);
}

int hv_complete(struct hv *hv, struct err *err)
{
	return hv->ops->complete ? hv->ops->complete(hv, err) : 0;
}

int hv_start(struct hv *hv, struct err *err)
{
	int code = hv->ops->start ? hv->ops->start(hv, err) : 0;

	if (code == 0)
		hv->running = true;
	return code;
}

void hv_hold(struct hv *hv)
{
	if (hv->ops->hold)
		hv->ops->hold(hv);
}

void hv_pause(struct hv *hv)
{
	if (hv->ops->pause)
		hv->ops->pause(hv);
	hv->running = false;
}

void hv_reset(struct hv *hv)
{
	if (hv->ops->reset)
		hv->ops->reset(hv);
}

int hv_cpu_set_online(struct hv *hv, unsigned cpu, bool online, struct err *err)
{
	if (cpu >= hv->config.max_cpus)
		return err_set(err, -EINVAL, "there is no processor %u, the guest has room for %u",
			       cpu, hv->config.max_cpus);
	if (!hv->ops->cpu_set_online)
		return err_set(err, -ENOTSUP, "the %s core has no processors to plug in",
			       hv->ops->name);
	return hv->ops->cpu_set_online(hv, cpu, online, err);
}

int hv_cpu_info(struct hv *hv, unsigned cpu, struct hv_cpu_info *info)
{
	memset(info, 0, sizeof(*info));
	if (cpu >= hv->config.max_cpus || !hv->ops->cpu_info)
		return -ENOENT;
	return hv->ops->cpu_info(hv, cpu, info);
}

void hv_cpu_nmi(struct hv *hv, unsigned cpu)
{
	if (cpu < hv->config.max_cpus && hv->ops->cpu_nmi)
		hv->ops->cpu_nmi(hv, cpu);
}

void hv_flush_coalesced(struct hv *hv)
{
	if (hv->ops->flush_coalesced)
		hv->ops->flush_coalesced(hv);
}

void hv_get_stats(struct hv *hv, struct hv_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	if (hv->ops->get_stats)
		hv->ops->get_stats(hv, stats);
}

bool hv_holds_processors(const struct hv *hv)
{
	return hv->ops->save != NULL;
}

int hv_save(struct hv *hv, uint8_t **bytes, size_t *length, struct err *err)
{
	return hv->ops->save(hv, bytes, length, err);
}

int hv_load(struct hv *hv, const uint8_t *bytes, size_t length, struct err *err)
{
	return hv->ops->load(hv, bytes, length, err);
}

void hv_report_shutdown(struct hv *hv, unsigned reason)
{
	if (hv->ops->report_shutdown)
		hv->ops->report_shutdown(hv, reason);
}

int hv_suspend(struct hv *hv, struct err *err)
{
	return hv->ops->suspend ? hv->ops->suspend(hv, err) : 0;
}

void hv_set_dirty_log(struct hv *hv, bool on)
{
	if (hv->ops->set_dirty_log)
		hv->ops->set_dirty_log(hv, on);
}

void hv_protect_ram(struct hv *hv, uint64_t gpa, uint64_t bytes, bool read_only)
{
	if (hv->ops->protect_ram)
		hv->ops->protect_ram(hv, gpa, bytes, read_only);
}

int hv_restrict_handles(struct hv *hv, struct err *err)
{
	return hv->ops->restrict_handles ? hv->ops->restrict_handles(hv, err) : 0;
}

void hv_destroy(struct hv *hv)
{
	if (!hv)
		return;
	if (hv->running)
		hv_pause(hv);
	hv->ops->destroy(hv);
}
