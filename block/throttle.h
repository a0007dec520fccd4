// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Limits on what a drive moves. Each limit is a bucket that runs empty at its average rate: a
 * request goes if no bucket is fuller than its burst allows, and then fills them; so a large one
 * goes as early as a small one, and those behind it wait longer. Requests wait in two queues, reads
 * and the rest, so that a limit on writing does not stop reading; where both may go they take
 * turns. A flush is free, and goes behind the writes that wait. Time is the guest's.
 *
 * Between block.c and throttle.c. A block without limits has no struct throttle, and no timer.
 */
#pragma once

#include "block/driver.h"

/** Puts a request that is being started into a queue; false: it may go, and is counted. */
bool throttle_hold(struct block *block, struct block_request *request);
/** All that wait go now; they are counted nevertheless. True if there were any. */
bool throttle_release(struct block *block);
/** All that wait end with -ECANCELED, before it returns. */
void throttle_cancel(struct block *block);
/** Nothing waits. */
void throttle_finish(struct block *block);
