// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The machine lock and the one way of waiting for a flag across threads.
 */
#pragma once

#include <pthread.h>

struct lock {
	pthread_mutex_t mutex;
};

void lock_init(struct lock *lock);
void lock_acquire(struct lock *lock);
void lock_release(struct lock *lock);
