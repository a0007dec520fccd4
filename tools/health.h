// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What tells how a guest is: the texts by which trouble is known, and what its drives have moved.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tools/waiting.h"

/** What a guest can come to grief by. */
enum health_trouble {
	HEALTH_PANIC,
	HEALTH_BLUE_SCREEN,
	HEALTH_NO_MEDIUM, /* nothing to boot from */
};

/** A text that only a guest in trouble shows, whatever system it runs. */
struct health_sign {
	enum health_trouble trouble;
	const char *pattern; /* as patterns_add takes it */
	bool serial;         /* it is said on the serial port, else shown */
	const char *reason;  /* a clause for people: "the guest's kernel has panicked" */
};

/** The number of signs, and sign 'index' of them. */
unsigned health_sign_count(void);
const struct health_sign *health_sign(unsigned index);
/** Adds the patterns of all signs, in their order. 0, or -errno and a sentence. */
int health_add_signs(struct patterns *patterns, struct err *err);

/** Bytes that an answer of query-activity has for CDs and floppies, or for disks: 'key' is
 * "read-bytes" or "written-bytes". */
int64_t health_bytes_moved(struct json_object *activity, bool removable, const char *key);
