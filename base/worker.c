// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/worker.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/loop.h"

enum {
	IDLE_SECONDS = 5,
	STACK_BYTES = 64 * 1024,
};

struct worker_pool {
	struct loop *loop;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct list_node queued;
	struct list_node done; /* waiting for the loop */
	unsigned waiting;      /* jobs in 'queued' */
	unsigned threads, idle, max_threads, unfinished;
	bool closing, delivery_posted;
};

/** With the mutex held: completes everything that is done. */
static void complete_done(struct worker_pool *pool)
{
	while (!list_is_empty(&pool->done)) {
		struct worker_job *job = container_of(pool->done.next, struct worker_job, node);

		list_remove(&job->node);
		pthread_mutex_unlock(&pool->mutex);
		job->complete(job);
		pthread_mutex_lock(&pool->mutex);
	}
}

static void deliver(void *opaque)
{
	struct worker_pool *pool = opaque;

	pthread_mutex_lock(&pool->mutex);
	pool->delivery_posted = false;
	complete_done(pool);
	pthread_mutex_unlock(&pool->mutex);
}

/** With the mutex held: hands a finished job to the loop. */
static void finish_job(struct worker_pool *pool, struct worker_job *job)
{
	list_append(&pool->done, &job->node);
	pool->unfinished--;
	if (!pool->delivery_posted && !pool->closing)
		pool->delivery_posted = loop_post(pool->loop, deliver, pool) == 0;
	pthread_cond_broadcast(&pool->changed);
}

/** Waits for work with the mutex held; false when the thread should end. */
static bool wait_for_work(struct worker_pool *pool)
{
	struct timespec limit;

	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += IDLE_SECONDS;
	pool->idle++;
	while (list_is_empty(&pool->queued) && !pool->closing)
		if (pthread_cond_timedwait(&pool->changed, &pool->mutex, &limit) == ETIMEDOUT)
			break;
	pool->idle--;
	return !list_is_empty(&pool->queued);
}

static void *worker_main(void *opaque)
{
	struct worker_pool *pool = opaque;

	pthread_mutex_lock(&pool->mutex);
	while (wait_for_work(pool)) {
		struct worker_job *job = container_of(pool->queued.next, struct worker_job, node);

		list_remove(&job->node);
		pool->waiting--;
		pthread_mutex_unlock(&pool->mutex);
		job->run(job);
		pthread_mutex_lock(&pool->mutex);
		finish_job(pool, job);
	}
	pool->threads--;
	pthread_cond_broadcast(&pool->changed);
	pthread_mutex_unlock(&pool->mutex);
	return NULL;
}

/** With the mutex held. False if the host gives us no thread. */
static bool start_thread(struct worker_pool *pool)
{
	pthread_attr_t attributes;
	pthread_t thread;
	bool started;

	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	started = pthread_create(&thread, &attributes, worker_main, pool) == 0;
	pthread_attr_destroy(&attributes);
	pool->threads += started;
	return started;
}

struct worker_pool *worker_pool_create(struct loop *loop, unsigned max_threads)
{
	struct worker_pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return NULL;
	pool->loop = loop;
	pool->max_threads = max_threads;
	pthread_mutex_init(&pool->mutex, NULL);
	pthread_cond_init(&pool->changed, NULL);
	list_init(&pool->queued);
	list_init(&pool->done);
	return pool;
}

void worker_pool_destroy(struct worker_pool *pool)
{
	if (!pool)
		return;
	pthread_mutex_lock(&pool->mutex);
	pool->closing = true;
	pthread_cond_broadcast(&pool->changed);
	while (pool->unfinished || pool->threads)
		pthread_cond_wait(&pool->changed, &pool->mutex);
	complete_done(pool);
	pthread_mutex_unlock(&pool->mutex);
	loop_unpost(pool->loop, deliver, pool);
	pthread_cond_destroy(&pool->changed);
	pthread_mutex_destroy(&pool->mutex);
	free(pool);
}

void worker_submit(struct worker_pool *pool, struct worker_job *job)
{
	pthread_mutex_lock(&pool->mutex);
	list_init(&job->node);
	pool->unfinished++;
	if (pool->idle <= pool->waiting && pool->threads < pool->max_threads &&
	    !start_thread(pool) && pool->threads == 0) {
		/* No thread to be had: slow is better than never. */
		job->run(job);
		finish_job(pool, job);
	} else {
		list_append(&pool->queued, &job->node);
		pool->waiting++;
		pthread_cond_broadcast(&pool->changed);
	}
	pthread_mutex_unlock(&pool->mutex);
}
