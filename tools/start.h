// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Starting a guest's device model, and the small process that stays behind as its parent, the
 * keeper: it learns how the device model ends, removes the run directory of a guest that has
 * powered off, leaves a note where one has crashed, and starts it again if so configured. xl leaves
 * such a process behind for each domain, too.
 */
#pragma once

#include "tools/guest.h"

struct err;
struct instance;
struct words;

/**
 * Starts the program and waits until it answers on its control socket. The guest's state comes from
 * the descriptor 'incoming' unless it is -1; a later start of the same guest is a fresh one. If it
 * fails, the sentence says so, the end of its log has been copied to stderr, and nothing of it is
 * left.
 */
int start_guest(const struct instance *instance, const struct words *arguments,
		const struct guest *guest, int incoming, struct err *err);
