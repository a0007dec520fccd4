// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Limits of a drive. Time is moved by hand, transfers are those of the fake aio, so that what goes
 * when is exact.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/clock.h"
#include "base/err.h"
#include "block/block.h"
#include "tests/lib/fake_aio.h"

enum {
	DISK_BYTES = 4 << 20,
	REQUESTS = 400,
	PIECE = 4096,
};

struct work {
	struct block_request request;
	struct iovec iov;
	bool is_complete;
	int result;
	unsigned place; /* in the order of completion */
};

struct bench {
	struct clock clock;
	struct block *block;
	struct work works[REQUESTS];
	unsigned used;
	struct err err;
};

static unsigned completions;
static uint8_t memory[1 << 20];

static void completed(struct block_request *request, int result)
{
	struct work *work = container_of(request, struct work, request);

	assert_false(work->is_complete);
	work->is_complete = true;
	work->result = result;
	work->place = ++completions;
}

static int set_up(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	struct block_options options = { .filename = "disk", .discard = true };

	fake_aio_reset(1);
	completions = 0;
	clock_init(&bench->clock, NULL, NULL);
	clock_set_manual(&bench->clock);
	options.fd = memfd_create("disk", MFD_CLOEXEC);
	assert_int_equal(ftruncate(options.fd, DISK_BYTES), 0);
	bench->block = block_open(&options, NULL, &bench->err);
	assert_non_null(bench->block);
	*state = bench;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *bench = *state;

	block_close(bench->block);
	assert_int_equal(clock_next_deadline_ns(&bench->clock), INT64_MAX);
	free(bench);
	return 0;
}

static void set_limits(struct bench *bench, const struct block_throttle *limits)
{
	if (block_set_throttle(bench->block, limits, &bench->clock, &bench->err) < 0)
		fail_msg("%s", bench->err.text);
}

static void limit(struct bench *bench, enum block_limit which, uint64_t average)
{
	struct block_throttle limits = { 0 };

	limits.limits[which].average = average;
	set_limits(bench, &limits);
}

static struct work *start(struct bench *bench, enum block_op op, size_t bytes)
{
	struct work *work = &bench->works[bench->used++];

	work->iov = (struct iovec){ memory, bytes };
	work->request = (struct block_request){
		.op = op,
		.offset = bench->used * (uint64_t)PIECE,
		.iov = &work->iov,
		.iov_count = op == BLOCK_READ || op == BLOCK_WRITE ? 1 : 0,
		.length = op == BLOCK_FLUSH ? 0 : bytes,
		.complete = completed,
	};
	block_start(bench->block, &work->request);
	assert_false(work->is_complete);
	return work;
}

static void start_many(struct bench *bench, enum block_op op, size_t bytes, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		start(bench, op, bytes);
}

static unsigned count_complete(const struct bench *bench, enum block_op op)
{
	unsigned count = 0;

	for (unsigned i = 0; i < bench->used; i++)
		if (bench->works[i].request.op == op && bench->works[i].is_complete)
			count++;
	return count;
}

/** All that may go goes, and is done. */
static void settle(void)
{
	while (fake_aio_run_one())
		;
}

static void wait_ms(struct bench *bench, int64_t ms)
{
	clock_step_to(&bench->clock, clock_now_ns(&bench->clock) + ms * NS_PER_MS);
	settle();
}

static void without_limits_there_is_no_timer(void **state)
{
	struct bench *bench = *state;
	struct block_throttle limits;

	block_get_throttle(bench->block, &limits);
	for (unsigned i = 0; i < BLOCK_LIMITS; i++)
		assert_int_equal(limits.limits[i].average, 0);
	start_many(bench, BLOCK_WRITE, PIECE, 50);
	settle();
	assert_int_equal(count_complete(bench, BLOCK_WRITE), 50);
	/* Nor is there one with limits that nothing meets. */
	limit(bench, BLOCK_LIMIT_IOPS_TOTAL, 1000);
	start(bench, BLOCK_READ, PIECE);
	settle();
	assert_int_equal(count_complete(bench, BLOCK_READ), 1);
	assert_int_equal(clock_next_deadline_ns(&bench->clock), INT64_MAX);
}

static void operations_go_at_their_rate(void **state)
{
	struct bench *bench = *state;

	limit(bench, BLOCK_LIMIT_IOPS_TOTAL, 10);
	start_many(bench, BLOCK_READ, PIECE, 200);
	settle();
	/* A tenth of a second's worth ahead, and the one that fills it up. */
	assert_int_equal(count_complete(bench, BLOCK_READ), 2);
	wait_ms(bench, 99);
	assert_int_equal(count_complete(bench, BLOCK_READ), 2);
	wait_ms(bench, 1);
	assert_int_equal(count_complete(bench, BLOCK_READ), 3);
	wait_ms(bench, 900);
	assert_int_equal(count_complete(bench, BLOCK_READ), 12);
	for (unsigned i = 0; i < 10; i++)
		wait_ms(bench, 1000);
	assert_int_equal(count_complete(bench, BLOCK_READ), 112);
	assert_true(bench->works[111].is_complete);
	assert_false(bench->works[112].is_complete);
	/* Idle time does not add up. */
	for (unsigned i = 0; i < 20; i++)
		wait_ms(bench, 1000);
	assert_int_equal(count_complete(bench, BLOCK_READ), 200);
	start_many(bench, BLOCK_READ, PIECE, 10);
	settle();
	assert_int_equal(count_complete(bench, BLOCK_READ), 202);
}

static void bytes_go_at_their_rate(void **state)
{
	struct bench *bench = *state;

	limit(bench, BLOCK_LIMIT_BPS_WRITE, 1 << 20);
	/* A request larger than a second's worth goes as early as any; those behind it wait. */
	start(bench, BLOCK_WRITE, 1 << 20);
	start(bench, BLOCK_WRITE, PIECE);
	settle();
	assert_int_equal(count_complete(bench, BLOCK_WRITE), 1);
	wait_ms(bench, 890);
	assert_int_equal(count_complete(bench, BLOCK_WRITE), 1);
	wait_ms(bench, 10);
	assert_int_equal(count_complete(bench, BLOCK_WRITE), 2);
	/* What is only read is not limited, and does not wait behind what is. */
	start_many(bench, BLOCK_WRITE, 512 << 10, 4);
	start_many(bench, BLOCK_READ, 512 << 10, 4);
	settle();
	assert_int_equal(count_complete(bench, BLOCK_READ), 4);
	assert_true(count_complete(bench, BLOCK_WRITE) < 6);
	for (unsigned i = 0; i < 4; i++)
		wait_ms(bench, 1000);
	assert_int_equal(count_complete(bench, BLOCK_WRITE), 6);
}

static void reads_and_writes_take_turns(void **state)
{
	struct bench *bench = *state;
	unsigned reads, writes;

	limit(bench, BLOCK_LIMIT_IOPS_TOTAL, 20);
	start_many(bench, BLOCK_WRITE, PIECE, 150);
	start_many(bench, BLOCK_READ, PIECE, 150);
	for (unsigned i = 0; i < 5; i++)
		wait_ms(bench, 1000);
	reads = count_complete(bench, BLOCK_READ);
	writes = count_complete(bench, BLOCK_WRITE);
	assert_in_range(reads + writes, 102, 104);
	assert_in_range(writes - reads + 4, 1, 7);
}

static void a_burst_goes_at_once(void **state)
{
	struct bench *bench = *state;
	struct block_throttle limits = { 0 };

	limits.limits[BLOCK_LIMIT_IOPS_TOTAL] = (struct block_limit_rate){ 10, 50, 0 };
	set_limits(bench, &limits);
	start_many(bench, BLOCK_READ, PIECE, 100);
	settle();
	assert_in_range(count_complete(bench, BLOCK_READ), 50, 51);
	wait_ms(bench, 1000);
	assert_in_range(count_complete(bench, BLOCK_READ), 60, 61);
}

static void a_long_burst_has_its_own_rate(void **state)
{
	struct bench *bench = *state;
	struct block_throttle limits = { 0 };

	limits.limits[BLOCK_LIMIT_IOPS_TOTAL] = (struct block_limit_rate){ 10, 50, 4 };
	set_limits(bench, &limits);
	start_many(bench, BLOCK_READ, PIECE, 400);
	settle();
	assert_in_range(count_complete(bench, BLOCK_READ), 5, 7);
	for (unsigned i = 0; i < 4; i++)
		wait_ms(bench, 1000);
	assert_in_range(count_complete(bench, BLOCK_READ), 200, 210);
	/* It is over after 200 that were not of the average: from then on the average counts. */
	for (unsigned i = 0; i < 2; i++)
		wait_ms(bench, 1000);
	assert_in_range(count_complete(bench, BLOCK_READ), 255, 270);
}

static void large_operations_count_as_several(void **state)
{
	struct bench *bench = *state;
	struct block_throttle limits = { .operation_bytes = 8192 };

	limits.limits[BLOCK_LIMIT_IOPS_READ].average = 10;
	set_limits(bench, &limits);
	start(bench, BLOCK_READ, 10 * 8192);
	start(bench, BLOCK_READ, 512);
	settle();
	assert_int_equal(count_complete(bench, BLOCK_READ), 1);
	wait_ms(bench, 899);
	assert_int_equal(count_complete(bench, BLOCK_READ), 1);
	wait_ms(bench, 1);
	assert_int_equal(count_complete(bench, BLOCK_READ), 2);
}

static void a_flush_goes_behind_the_writes_that_wait(void **state)
{
	struct bench *bench = *state;
	struct work *flush, *last;

	limit(bench, BLOCK_LIMIT_IOPS_TOTAL, 10);
	start_many(bench, BLOCK_WRITE, PIECE, 4);
	flush = start(bench, BLOCK_FLUSH, 0);
	last = start(bench, BLOCK_WRITE, PIECE);
	wait_ms(bench, 199);
	assert_false(flush->is_complete);
	wait_ms(bench, 1);
	/* It costs nothing. */
	assert_true(flush->is_complete);
	assert_true(flush->place > bench->works[3].place || !bench->works[3].is_complete);
	assert_false(last->is_complete);
	wait_ms(bench, 100);
	assert_true(last->is_complete);
	flush = start(bench, BLOCK_FLUSH, 0);
	settle();
	assert_true(flush->is_complete);
}

static void a_drain_waits_for_nobody(void **state)
{
	struct bench *bench = *state;

	limit(bench, BLOCK_LIMIT_IOPS_TOTAL, 1);
	start_many(bench, BLOCK_WRITE, PIECE, 20);
	start(bench, BLOCK_FLUSH, 0);
	block_drain(bench->block);
	assert_int_equal(count_complete(bench, BLOCK_WRITE), 20);
	assert_int_equal(count_complete(bench, BLOCK_FLUSH), 1);
	assert_int_equal(clock_next_deadline_ns(&bench->clock), INT64_MAX);
	/* It has been counted: whoever comes next waits for it. */
	start(bench, BLOCK_READ, PIECE);
	wait_ms(bench, 19800);
	assert_int_equal(count_complete(bench, BLOCK_READ), 0);
	wait_ms(bench, 200);
	assert_int_equal(count_complete(bench, BLOCK_READ), 1);
	/* Nor does what is done at once. */
	start(bench, BLOCK_READ, PIECE);
	assert_int_equal(block_write_now(bench->block, 0, memory, PIECE), 0);
	assert_int_equal(block_flush_now(bench->block), 0);
	start_many(bench, BLOCK_READ, PIECE, 3);
}

static void a_reset_cancels_what_waits(void **state)
{
	struct bench *bench = *state;

	limit(bench, BLOCK_LIMIT_IOPS_TOTAL, 1);
	start_many(bench, BLOCK_WRITE, PIECE, 4);
	start(bench, BLOCK_READ, PIECE);
	block_cancel_held(bench->block);
	block_drain(bench->block);
	for (unsigned i = 0; i < bench->used; i++) {
		assert_true(bench->works[i].is_complete);
		assert_int_equal(bench->works[i].result, i < 1 ? 0 : -ECANCELED);
	}
	assert_int_equal(clock_next_deadline_ns(&bench->clock), INT64_MAX);
}

static void limits_change_under_way(void **state)
{
	struct bench *bench = *state;
	struct block_throttle limits;

	limit(bench, BLOCK_LIMIT_IOPS_TOTAL, 1);
	start_many(bench, BLOCK_WRITE, PIECE, 40);
	settle();
	assert_int_equal(count_complete(bench, BLOCK_WRITE), 1);
	limit(bench, BLOCK_LIMIT_IOPS_WRITE, 100);
	block_get_throttle(bench->block, &limits);
	assert_int_equal(limits.limits[BLOCK_LIMIT_IOPS_TOTAL].average, 0);
	assert_int_equal(limits.limits[BLOCK_LIMIT_IOPS_WRITE].average, 100);
	settle();
	assert_int_equal(count_complete(bench, BLOCK_WRITE), 12);
	wait_ms(bench, 100);
	assert_int_equal(count_complete(bench, BLOCK_WRITE), 22);
	limit(bench, BLOCK_LIMIT_IOPS_WRITE, 0);
	settle();
	assert_int_equal(count_complete(bench, BLOCK_WRITE), 40);
	assert_int_equal(clock_next_deadline_ns(&bench->clock), INT64_MAX);
}

static void ranges_count_as_operations(void **state)
{
	struct bench *bench = *state;

	limit(bench, BLOCK_LIMIT_BPS_TOTAL, 1000);
	start_many(bench, BLOCK_DISCARD, 1 << 20, 3);
	settle();
	assert_int_equal(count_complete(bench, BLOCK_DISCARD), 3);
	limit(bench, BLOCK_LIMIT_IOPS_WRITE, 1);
	start_many(bench, BLOCK_DISCARD, 1 << 20, 3);
	settle();
	assert_int_equal(count_complete(bench, BLOCK_DISCARD), 4);
}

static void what_makes_no_sense_is_refused(void **state)
{
	struct bench *bench = *state;
	static const struct {
		struct block_throttle limits;
		const char *words;
	} rows[] = {
		{ { .limits[BLOCK_LIMIT_BPS_TOTAL].average = 1,
		    .limits[BLOCK_LIMIT_BPS_READ].average = 1 },
		  "bps-total is for reads and writes together" },
		{ { .limits[BLOCK_LIMIT_IOPS_TOTAL].average = 1,
		    .limits[BLOCK_LIMIT_IOPS_WRITE].average = 1 },
		  "iops-total is for reads and writes together" },
		{ { .limits[BLOCK_LIMIT_IOPS_READ].burst = 1 }, "which must be said, too" },
		{ { .limits[BLOCK_LIMIT_IOPS_READ] = { 5, 4, 0 } }, "cannot be less" },
		{ { .limits[BLOCK_LIMIT_BPS_READ] = { 5, 0, 2 } }, "the length of a burst" },
		{ { .limits[BLOCK_LIMIT_BPS_READ] = { 5, 6, 100000 } }, "at most" },
		{ { .limits[BLOCK_LIMIT_BPS_READ].average = UINT64_MAX }, "at most" },
		{ { .limits[BLOCK_LIMIT_BPS_READ].average = 9, .operation_bytes = 512 },
		  "iops-size needs" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(block_set_throttle(bench->block, &rows[i].limits, &bench->clock,
						    &bench->err),
				 -EINVAL);
		if (!strstr(bench->err.text, rows[i].words))
			fail_msg("'%s' does not say '%s'", bench->err.text, rows[i].words);
	}
	start_many(bench, BLOCK_READ, PIECE, 9);
	settle();
	assert_int_equal(count_complete(bench, BLOCK_READ), 9);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_limits_there_is_no_timer),
		TEST(operations_go_at_their_rate),
		TEST(bytes_go_at_their_rate),
		TEST(reads_and_writes_take_turns),
		TEST(a_burst_goes_at_once),
		TEST(a_long_burst_has_its_own_rate),
		TEST(large_operations_count_as_several),
		TEST(a_flush_goes_behind_the_writes_that_wait),
		TEST(a_drain_waits_for_nobody),
		TEST(a_reset_cancels_what_waits),
		TEST(limits_change_under_way),
		TEST(ranges_count_as_operations),
		TEST(what_makes_no_sense_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
