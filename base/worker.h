// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A pool of threads for what may block (disk system calls without io_uring, encoding for viewers).
 * A job touches only what it was handed. Threads start when the first job comes, and end when they
 * have been idle for a while.
 */
#pragma once

#include "base/list.h"

struct loop;
struct worker_pool;

struct worker_job {
	struct list_node node;
	void (*run)(struct worker_job *job);      /* on a worker, without the machine lock */
	void (*complete)(struct worker_job *job); /* on the loop, with it */
};

/** At most 'max_threads' threads at a time. NULL when out of memory. */
struct worker_pool *worker_pool_create(struct loop *loop, unsigned max_threads);
/** Waits for running jobs; every job has been completed afterwards. Called as 'complete' is: with
 * the machine lock, while the loop is there. */
void worker_pool_destroy(struct worker_pool *pool);
/** Queues a job that stays the caller's until 'complete' is called. */
void worker_submit(struct worker_pool *pool, struct worker_job *job);
