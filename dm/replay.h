// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * -replay FILE: the machine of a recording is built anew, without a guest, and gets the recorded
 * events one after the other, as fast as it can take them. docs/replay.md.
 */
#pragma once

#include <stdbool.h>

struct err;
struct machine;
struct options;
struct tape;

/** What came of a replay, for those that want to know more than yes or no. */
enum replay_result {
	REPLAY_EQUAL,
	REPLAY_DIFFERS,
	REPLAY_CUT_OFF, /* no difference up to where the recording is cut off or damaged */
};

/**
 * Plays all events of 'machine', which was created with 'tape'. The machine's lock is not held.
 * With a difference, what it was is in tape_difference.
 */
enum replay_result replay_run(struct machine *machine);

/** The whole program: reads options->replay, builds, plays, reports on standard output. The exit
 * status: 0 equal, 1 not to be played, 2 a difference. */
int replay_main(const struct options *options);
