// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ring of buffered requests: writes that Xen does not wait for (to VGA memory). They must be
 * delivered before any later synchronous request is executed.
 */
#pragma once

#include <stdbool.h>

#include "hv/xen_ioreq_regs.h"

struct hv_client;

/**
 * Delivers what is in the ring to client->collected, with the machine lock held by the caller, but
 * no more requests than the ring holds: what Xen adds meanwhile is for the next time, so that a
 * guest cannot keep us here. Returns how many were taken.
 */
unsigned xen_ring_drain(struct xen_ring_page *page, const struct hv_client *client);

/** Something is there. */
bool xen_ring_has_requests(const struct xen_ring_page *page);
