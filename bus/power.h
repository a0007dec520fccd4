// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The port by which a chip asks for what concerns the whole machine. The request is carried out
 * after the access that caused it; no processor runs on in between.
 */
#pragma once

#include <stdint.h>

enum power_request {
	POWER_RESET,   /* all processors and devices */
	POWER_OFF,     /* S5, soft off */
	POWER_SUSPEND, /* S3: RAM is kept, devices and processors are reset on wake */
	POWER_EXIT,    /* a test device ends the program with a status */
};

struct power {
	void *opaque;
	/** 'cause' is a word for events and logs: "acpi", "port-cf9", "i8042", "port-92",
	 * "triple-fault". */
	void (*request)(void *opaque, enum power_request request, const char *cause,
			uint32_t argument);
};

static inline void power_request(struct power *power, enum power_request request, const char *cause)
{
	power->request(power->opaque, request, cause, 0);
}
