// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * General-purpose event block 0 and what announces itself through it: processors that come and go,
 * and the registers of PCI hotplug.
 *
 * Not modelled: PCI slots that can be hot-plugged. Their registers read as zero, which says so; all
 * ones would say 31 slots.
 */
#pragma once

#include "bus/device.h"
#include "bus/io.h"
#include "bus/irq.h"

struct err;

enum {
	HOTPLUG_MAX_CPUS = 256,
};

/** What the block is wired to; all is borrowed, the struct itself is copied. */
struct hotplug_wires {
	struct io_space *ports;
	struct irq_line *gpe; /* high while an enabled event is pending: acpi_pm_gpe_input */
	unsigned cpus;        /* online at power-on */
	unsigned max_cpus;    /* at most HOTPLUG_MAX_CPUS */
};

struct hotplug_state {
	uint16_t status;
	uint16_t enable;
	uint8_t cpus[HOTPLUG_MAX_CPUS / 8];
};
extern const struct state_table hotplug_state_table;

struct hotplug {
	struct device device;
	struct hotplug_state state;
	struct io_window gpe, cpus, pci;
	struct hotplug_wires wires;
};

/** Power-on state, mapped. 0, or -errno and a sentence. */
int hotplug_init(struct hotplug *hotplug, const struct hotplug_wires *wires, struct err *err);

/** Processor 'cpu' is to come or to go: the guest is told, and acts when it likes. A number out of
 * range is ignored. */
void hotplug_set_cpu(struct hotplug *hotplug, unsigned cpu, bool online);
bool hotplug_cpu_is_online(const struct hotplug *hotplug, unsigned cpu);
