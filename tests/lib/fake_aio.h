// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stands for block/aio.c: transfers go to real files, one at a time, in an order that a seed
 * decides, on the test's own thread. It can fail them, and it keeps a record of what reached a file
 * and what was flushed, from which the file after a power cut at any moment can be made.
 */
#pragma once

#include "block/aio.h"

/** Starts anew: nothing recorded, nothing fails. 'seed' decides the order of completions. */
void fake_aio_reset(uint64_t seed);
/** Carries out one transfer that was submitted. False if there is none. */
bool fake_aio_run_one(void);
/** From now on, of 'one_in' writes one fails with 'error'; 0: none. */
void fake_aio_fail_writes(unsigned one_in, int error);
/** Transfers submitted since the reset. */
uint64_t fake_aio_count(void);

/** Keeps a record of all that happens to files from now on. */
void fake_aio_record(bool on);
/** How many moments the record has at which the power can fail. */
size_t fake_aio_moments(void);
/**
 * Does to 'fd' what is sure to have reached the disk at 'moment', and of the rest, sector by
 * sector, what 'seed' chooses (0: nothing of it; 1: all).
 */
void fake_aio_replay(int fd, size_t moment, uint64_t seed);
