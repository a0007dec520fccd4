// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ports of the general-purpose event block and of hotplug, as the ACPI tables of a Xen HVM guest
 * name them (hvmloader's DSDT: GPE0, PCIU, PCID, B0EJ, B0RM, PRS).
 */
#pragma once

enum hotplug_port {
	HOTPLUG_PCI_PORT = 0xae00,
	HOTPLUG_PCI_BYTES = 16,
	HOTPLUG_CPU_PORT = 0xaf00, /* one bit a processor: online */
	HOTPLUG_CPU_BYTES = 32,
	HOTPLUG_GPE_PORT = 0xafe0,
	HOTPLUG_GPE_BYTES = 4,
};

/* Offsets in the event block. */
enum hotplug_gpe_register {
	GPE0_STS = 0, /* 2 bytes, cleared by writing one */
	GPE0_EN = 2,  /* 2 bytes */
	GPE0_HALF = 2,
};

enum hotplug_event {
	GPE_PCI = 0x02, /* _E01: a PCI slot */
	GPE_CPU = 0x04, /* _E02: the bitmap of processors changed */
};
