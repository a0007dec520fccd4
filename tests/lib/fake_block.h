// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A block device in memory for tests of drives: it has the interface of block/block.h, and the test
 * says when requests complete, in which order, and how.
 */
#pragma once

#include "block/block.h"

/** 'bytes' of zeros. Closed with block_close. */
struct block *fake_block_create(size_t bytes);
/** No medium. */
struct block *fake_block_create_empty(void);

uint8_t *fake_block_bytes(struct block *block);
void fake_block_set_read_only(struct block *block, bool read_only);

/** Requests started and not yet completed. */
unsigned fake_block_waiting(const struct block *block);
/** Requests ever started. */
unsigned fake_block_started(const struct block *block);
unsigned fake_block_flushes(const struct block *block);
/** Bytes and pieces of the last request that was started. */
size_t fake_block_last_bytes(const struct block *block);
unsigned fake_block_last_pieces(const struct block *block);

/** The next 'count' completions report 'error', a negative errno, and move nothing. */
void fake_block_fail(struct block *block, int error, unsigned count);

/** Requests are held, as werror=stop does, until block_retry or block_cancel_held. */
void fake_block_hold(struct block *block, bool hold);

/** Completes the oldest request; false if none waits. */
bool fake_block_complete(struct block *block);
/** Completes all, and those that completions start. */
void fake_block_complete_all(struct block *block);
