// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Control: QMP for programs (libxl, hvm, virsh) and a monitor for people, on any number of
 * character ports at once. docs/qmp.md lists what is answered.
 */
#pragma once

#include <stdbool.h>

#include "base/chr.h"

struct control;
struct err;
struct json_object;
struct machine;

enum control_mode {
	CONTROL_QMP,
	CONTROL_MONITOR, /* "hvmdm>" and commands as people type them */
};

/** Opens what -qmp, -monitor and -mon say. NULL and a sentence. */
struct control *control_create(struct machine *machine, struct err *err);
/** Sends what can still be sent and closes every connection. NULL is ignored. */
void control_destroy(struct control *control);

/**
 * Serves 'chr', which stays the caller's, by 'mode'. If it listens, each connection to it is a
 * client of its own. 0 or -ENOMEM.
 */
int control_serve(struct control *control, struct chr *chr, enum control_mode mode);

/** Tells every QMP client. 'data' may be NULL and is taken over. */
void control_emit(struct control *control, const char *event, struct json_object *data);
