// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Between the hypervisor core and the spaces: takes the machine lock for each request of the core,
 * and tells the core of each change of the map. The only place besides the event loop where the
 * lock is taken.
 */
#pragma once

struct hv_client;
struct machine;

/** The client hooks to create the core with. */
void dispatch_client(struct machine *machine, struct hv_client *client);

/** Follows both spaces and the bus; called once the core is there. */
void dispatch_attach(struct machine *machine);
