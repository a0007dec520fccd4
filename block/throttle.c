// SPDX-License-Identifier: GPL-2.0-or-later
#include "block/throttle.h"

#include <errno.h>
#include <stdlib.h>

#include "base/bits.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/trace.h"

static const int64_t NO_BURST_NS = 100 * NS_PER_MS; /* what may go ahead of the average */
static const int64_t MOST_NS = INT64_MAX / 4;       /* of any wait: no sum overflows */
static const uint64_t LIMIT_MAX = UINT64_C(1000000000000000);

enum {
	LENGTH_MAX = 86400, /* of a burst, in seconds */
};

enum direction {
	READS,
	WRITES, /* and everything else */
	DIRECTIONS,
};

/** When it will have run empty, at the average rate and, for long bursts, at theirs. */
struct bucket {
	int64_t empty_ns, burst_empty_ns;
	int64_t ahead_ns; /* how far 'empty_ns' may lie in the future */
};

struct throttle {
	struct block_throttle limits;
	struct block *block;
	struct clock *clock;
	struct clock_timer timer;
	struct bucket buckets[BLOCK_LIMITS];
	struct list_node waiting[DIRECTIONS];
	enum direction last; /* that had its turn */
};

/* Buckets */

static enum direction direction_of(const struct block_request *request)
{
	return request->op == BLOCK_READ ? READS : WRITES;
}

static bool applies(enum block_limit limit, enum direction direction)
{
	switch (limit) {
	case BLOCK_LIMIT_BPS_READ:
	case BLOCK_LIMIT_IOPS_READ:
		return direction == READS;
	case BLOCK_LIMIT_BPS_WRITE:
	case BLOCK_LIMIT_IOPS_WRITE:
		return direction == WRITES;
	default:
		return true;
	}
}

static bool counts_bytes(enum block_limit limit)
{
	return limit <= BLOCK_LIMIT_BPS_WRITE;
}

/** What the request puts into a bucket. Ranges without data are an operation, not bytes. */
static uint64_t units_of(const struct throttle *throttle, enum block_limit limit,
			 const struct block_request *request)
{
	bool has_data = request->op == BLOCK_READ || request->op == BLOCK_WRITE;
	uint64_t bytes = has_data ? request->bytes : 0, size = throttle->limits.operation_bytes;

	if (counts_bytes(limit))
		return bytes;
	return size > 0 && bytes > size ? (bytes + size - 1) / size : 1;
}

static int64_t time_of(uint64_t units, uint64_t rate)
{
	double ns = (double)units / (double)rate * NS_PER_SECOND;

	return ns < (double)MOST_NS ? (int64_t)ns : MOST_NS;
}

static int64_t wait_for(const struct throttle *throttle, enum block_limit limit, int64_t now_ns)
{
	const struct bucket *bucket = &throttle->buckets[limit];
	int64_t wait_ns = bucket->empty_ns - bucket->ahead_ns - now_ns;

	if (throttle->limits.limits[limit].burst_seconds > 1)
		wait_ns = max_i64(wait_ns, bucket->burst_empty_ns - NO_BURST_NS - now_ns);
	return wait_ns;
}

/** How long the request must wait; 0: it may go. */
static int64_t wait_of(const struct throttle *throttle, const struct block_request *request,
		       int64_t now_ns)
{
	int64_t wait_ns = 0;

	if (request->op == BLOCK_FLUSH)
		return 0;
	for (unsigned i = 0; i < BLOCK_LIMITS; i++)
		if (throttle->limits.limits[i].average > 0 &&
		    applies((enum block_limit)i, direction_of(request)))
			wait_ns = max_i64(wait_ns, wait_for(throttle, (enum block_limit)i, now_ns));
	return wait_ns;
}

static int64_t fill(int64_t empty_ns, int64_t now_ns, int64_t more_ns)
{
	return min_i64(max_i64(empty_ns, now_ns) + more_ns, now_ns + MOST_NS);
}

static void count(struct throttle *throttle, const struct block_request *request, int64_t now_ns)
{
	if (request->op == BLOCK_FLUSH)
		return;
	for (unsigned i = 0; i < BLOCK_LIMITS; i++) {
		uint64_t average = throttle->limits.limits[i].average;
		uint64_t burst = throttle->limits.limits[i].burst;
		struct bucket *bucket = &throttle->buckets[i];
		uint64_t units = units_of(throttle, (enum block_limit)i, request);

		if (average == 0 || !applies((enum block_limit)i, direction_of(request)))
			continue;
		bucket->empty_ns = fill(bucket->empty_ns, now_ns, time_of(units, average));
		if (burst > 0)
			bucket->burst_empty_ns =
				fill(bucket->burst_empty_ns, now_ns, time_of(units, burst));
	}
}

/* Queues */

static struct block_request *first_of(struct throttle *throttle, enum direction direction)
{
	struct list_node *queue = &throttle->waiting[direction];

	return list_is_empty(queue) ? NULL : container_of(queue->next, struct block_request, node);
}

static void let_go(struct throttle *throttle, struct block_request *request, int64_t now_ns)
{
	count(throttle, request, now_ns);
	throttle->last = direction_of(request);
	block_start_admitted(throttle->block, request);
}

static void arm(struct throttle *throttle, int64_t now_ns)
{
	int64_t wait_ns = INT64_MAX;

	for (unsigned i = 0; i < DIRECTIONS; i++) {
		struct block_request *request = first_of(throttle, (enum direction)i);

		if (request)
			wait_ns = min_i64(wait_ns, wait_of(throttle, request, now_ns));
	}
	if (wait_ns == INT64_MAX)
		clock_timer_cancel(&throttle->timer);
	else
		clock_timer_set(&throttle->timer, now_ns + wait_ns);
}

/** The request whose turn it is; NULL if none may go now. */
static struct block_request *choose(struct throttle *throttle, int64_t now_ns)
{
	enum direction other = throttle->last == READS ? WRITES : READS;
	struct block_request *request = first_of(throttle, other);

	if (request && wait_of(throttle, request, now_ns) == 0)
		return request;
	request = first_of(throttle, throttle->last);
	return request && wait_of(throttle, request, now_ns) == 0 ? request : NULL;
}

static void go_on(struct throttle *throttle)
{
	int64_t now_ns = clock_now_ns(throttle->clock);
	struct block_request *request;

	while ((request = choose(throttle, now_ns)))
		let_go(throttle, request, now_ns);
	arm(throttle, now_ns);
}

static void time_has_come(void *opaque)
{
	go_on(opaque);
}

bool throttle_hold(struct block *block, struct block_request *request)
{
	struct throttle *throttle = block->throttle;
	enum direction direction = direction_of(request);
	int64_t now_ns = clock_now_ns(throttle->clock);

	if (list_is_empty(&throttle->waiting[direction]) &&
	    wait_of(throttle, request, now_ns) == 0) {
		count(throttle, request, now_ns);
		return false;
	}
	TRACE(block, throttled, "op %d bytes %zu", request->op, request->bytes);
	list_remove(&request->node);
	list_append(&throttle->waiting[direction], &request->node);
	arm(throttle, now_ns);
	return true;
}

bool throttle_release(struct block *block)
{
	struct throttle *throttle = block->throttle;
	bool released = false;

	for (unsigned i = 0; i < DIRECTIONS; i++) {
		struct block_request *request;

		while ((request = first_of(throttle, (enum direction)i))) {
			let_go(throttle, request, clock_now_ns(throttle->clock));
			released = true;
		}
	}
	clock_timer_cancel(&throttle->timer);
	return released;
}

void throttle_cancel(struct block *block)
{
	struct throttle *throttle = block->throttle;
	struct list_node cancelled;
	struct block_request *request;

	/* Who is told may start others, which wait for their own turn. */
	list_init(&cancelled);
	for (unsigned i = 0; i < DIRECTIONS; i++) {
		while ((request = first_of(throttle, (enum direction)i))) {
			list_remove(&request->node);
			list_append(&cancelled, &request->node);
		}
	}
	clock_timer_cancel(&throttle->timer);
	while (!list_is_empty(&cancelled)) {
		request = container_of(cancelled.next, struct block_request, node);
		list_remove(&request->node);
		request->complete(request, -ECANCELED);
	}
}

void throttle_finish(struct block *block)
{
	if (!block->throttle)
		return;
	clock_timer_cancel(&block->throttle->timer);
	free(block->throttle);
	block->throttle = NULL;
}

/* Limits */

/** In the order of enum block_limit, as QEMU's -drive calls them. */
const char *const block_limit_names[BLOCK_LIMITS] = {
	"bps-total", "bps-read", "bps-write", "iops-total", "iops-read", "iops-write",
};

static bool has_limits(const struct block_throttle *limits)
{
	for (unsigned i = 0; i < BLOCK_LIMITS; i++)
		if (limits->limits[i].average > 0 || limits->limits[i].burst > 0)
			return true;
	return limits->operation_bytes > 0;
}

static int check_limit(const struct block_throttle *limits, unsigned index, struct err *err)
{
	const char *name = block_limit_names[index];
	uint64_t average = limits->limits[index].average, burst = limits->limits[index].burst;
	uint64_t seconds = limits->limits[index].burst_seconds;

	if (average > LIMIT_MAX || burst > LIMIT_MAX)
		return err_set(err, -EINVAL, "%s: at most %llu", name,
			       (unsigned long long)LIMIT_MAX);
	if (burst > 0 && average == 0)
		return err_set(err, -EINVAL, "%s-max is a burst above %s, which must be said, too",
			       name, name);
	if (burst > 0 && burst < average)
		return err_set(err, -EINVAL, "%s-max cannot be less than %s", name, name);
	if (seconds > LENGTH_MAX)
		return err_set(err, -EINVAL, "%s-max-length: at most %d seconds", name, LENGTH_MAX);
	if (seconds > 1 && burst == 0)
		return err_set(err, -EINVAL, "%s-max-length is the length of a burst: say %s-max",
			       name, name);
	return 0;
}

static int check_limits(const struct block_throttle *limits, struct err *err)
{
	int result = 0;

	for (unsigned total = 0; total < BLOCK_LIMITS; total += BLOCK_LIMIT_IOPS_TOTAL)
		if (limits->limits[total].average > 0 && (limits->limits[total + 1].average > 0 ||
							  limits->limits[total + 2].average > 0))
			return err_set(err, -EINVAL,
				       "%s is for reads and writes together: it cannot be said "
				       "beside one for either",
				       block_limit_names[total]);
	for (unsigned i = 0; result == 0 && i < BLOCK_LIMITS; i++)
		result = check_limit(limits, i, err);
	if (result == 0 && limits->operation_bytes > 0 &&
	    limits->limits[BLOCK_LIMIT_IOPS_TOTAL].average == 0 &&
	    limits->limits[BLOCK_LIMIT_IOPS_READ].average == 0 &&
	    limits->limits[BLOCK_LIMIT_IOPS_WRITE].average == 0)
		result = err_set(err, -EINVAL,
				 "iops-size needs a limit of operations: iops-total, -read or "
				 "-write");
	return result;
}

static struct throttle *create(struct block *block, struct clock *clock)
{
	struct throttle *throttle = calloc(1, sizeof(*throttle));

	if (!throttle)
		return NULL;
	throttle->block = block;
	throttle->clock = clock;
	clock_timer_init(&throttle->timer, clock, time_has_come, throttle);
	throttle->timer.is_host = true;
	for (unsigned i = 0; i < DIRECTIONS; i++)
		list_init(&throttle->waiting[i]);
	return throttle;
}

int block_set_throttle(struct block *block, const struct block_throttle *limits,
		       struct clock *clock, struct err *err)
{
	struct throttle *throttle = block->throttle;
	int result = check_limits(limits, err);

	if (result < 0)
		return result;
	if (!has_limits(limits)) {
		if (throttle)
			throttle_release(block);
		throttle_finish(block);
		return 0;
	}
	if (!throttle)
		throttle = block->throttle = create(block, clock);
	if (!throttle)
		return err_set(err, -ENOMEM, "no memory left for limits");
	throttle->limits = *limits;
	for (unsigned i = 0; i < BLOCK_LIMITS; i++) {
		const struct block_limit_rate *rate = &limits->limits[i];

		throttle->buckets[i] = (struct bucket){ .ahead_ns = NO_BURST_NS };
		if (rate->burst > 0)
			throttle->buckets[i].ahead_ns = time_of(
				rate->burst * max_u64(rate->burst_seconds, 1), rate->average);
	}
	go_on(throttle);
	return 0;
}

void block_get_throttle(const struct block *block, struct block_throttle *limits)
{
	*limits = block->throttle ? block->throttle->limits : (struct block_throttle){ 0 };
}
