// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the device model tells Xen: interrupt wires (the controllers and the routing between PCI and
 * them are Xen's), the end of the guest, pages written.
 */
#include "hv/xen.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"

enum {
	ISA_IRQS = 16,
};

/* The domain may vanish at any time, since the toolstack ends it without asking us: errors of these
 * calls are not worth a word. */

void xen_set_irq(struct hv *hv, unsigned gsi, bool level)
{
	struct xen_core *core = xen_core_from_hv(hv);

	if (gsi < ISA_IRQS)
		xendevicemodel_set_isa_irq_level(core->model, core->domid, (uint8_t)gsi, level);
}

void xen_set_pci_intx(struct hv *hv, unsigned slot, unsigned pin, bool level)
{
	struct xen_core *core = xen_core_from_hv(hv);

	xendevicemodel_set_pci_intx_level(core->model, core->domid, 0, 0, (uint8_t)slot,
					  (uint8_t)pin, level);
}

void xen_set_pci_link(struct hv *hv, unsigned link, unsigned isa_irq)
{
	struct xen_core *core = xen_core_from_hv(hv);

	xendevicemodel_set_pci_link_route(core->model, core->domid, (uint8_t)link,
					  (uint8_t)isa_irq);
}

void xen_report_shutdown(struct hv *hv, unsigned reason)
{
	struct xen_core *core = xen_core_from_hv(hv);

	if (xen_gate_is_ended(&core->gate))
		return; /* the first reason counts */
	if (xendevicemodel_shutdown(core->model, core->domid, reason) < 0)
		log_warning("cannot tell Xen that the guest has ended: %s", strerror(errno));
	/* Xen completes the shutdown when no processor waits for us any more. */
	xen_gate_end(&core->gate);
}

void xen_report_written(struct xen_core *core, uint64_t gpa, uint64_t bytes)
{
	uint64_t first = gpa / XEN_PAGE_BYTES;
	uint64_t end = (gpa + bytes + XEN_PAGE_BYTES - 1) / XEN_PAGE_BYTES;

	if (core->logs_dirty && bytes)
		xendevicemodel_modified_memory(core->model, core->domid, first,
					       (uint32_t)(end - first));
}
