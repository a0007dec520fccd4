// SPDX-License-Identifier: GPL-2.0-or-later
/* The board's images as a core's paravirtual disks have them: hv/pv_disk.h. */
#pragma once

struct machine;
struct pv_disk_host;

/** Fills 'host', for the machine's core. */
void board_pv_disks_describe(struct machine *machine, struct pv_disk_host *host);
