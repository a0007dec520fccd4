// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/lock.h"

void lock_init(struct lock *lock)
{
	pthread_mutex_init(&lock->mutex, NULL);
}

void lock_acquire(struct lock *lock)
{
	pthread_mutex_lock(&lock->mutex);
}

void lock_release(struct lock *lock)
{
	pthread_mutex_unlock(&lock->mutex);
}
