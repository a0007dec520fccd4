// SPDX-License-Identifier: GPL-2.0-or-later
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/lock.h"
#include "base/loop.h"
#include "base/opts.h"
#include "base/utf8.h"
#include "base/worker.h"

static void a_buffer_never_leaves_its_bounds(void **state)
{
	uint8_t memory[4], out[6];
	struct buf buf;

	(void)state;
	buf_init(&buf, memory, sizeof(memory));
	assert_int_equal(buf_put(&buf, "abcdef", 6), 4);
	assert_int_equal(buf_room(&buf), 0);
	assert_int_equal(buf_take(&buf, out, 6), 4);
	assert_memory_equal(out, "abcd\xff\xff", 6);
	assert_int_equal(buf_take_le(&buf, 4), 0xffffffff);
	buf_clear(&buf);
	buf_put_be16(&buf, 0x1234);
	assert_int_equal(buf_take_le(&buf, 2), 0x3412);
}

static void options_are_pairs(void **state)
{
	struct opts opts;
	struct err err = { 0 };
	uint64_t number = 5, bytes = 0;
	bool flag = true;

	(void)state;
	assert_int_equal(
		opts_parse(&opts, "a,,b,if=ide,nowait,index=3,size=2G,readonly", "file", &err), 0);
	assert_string_equal(opts_get(&opts, "file"), "a,b");
	assert_string_equal(opts_get(&opts, "if"), "ide");
	assert_int_equal(opts_get_bool(&opts, "wait", &flag, &err), 0);
	assert_false(flag);
	assert_int_equal(opts_get_number(&opts, "index", &number, 0, 3, &err), 0);
	assert_int_equal(number, 3);
	assert_int_equal(opts_get_number(&opts, "index", &number, 0, 2, &err), -22);
	assert_int_equal(opts_get_size(&opts, "size", &bytes, 1, &err), 0);
	assert_true(bytes == UINT64_C(2) << 30);
	assert_int_equal(opts_check_unused(&opts, NULL, &err), -22);
	assert_string_equal(err.text, "unknown property 'readonly'");
	opts_get(&opts, "readonly");
	assert_int_equal(opts_check_unused(&opts, NULL, &err), 0);
	opts_finish(&opts);
	assert_int_equal(opts_parse(&opts, "a=1,=2", NULL, &err), -22);
}

static void sizes_and_numbers_are_whole_words(void **state)
{
	uint64_t value;

	(void)state;
	assert_int_equal(opts_parse_size("512", 1 << 20, &value), 0);
	assert_true(value == UINT64_C(512) << 20);
	assert_int_equal(opts_parse_size("4k", 1, &value), 0);
	assert_int_equal(value, 4096);
	assert_int_equal(opts_parse_size("4kk", 1, &value), -22);
	assert_int_equal(opts_parse_size("99999999999999999999", 1, &value), -22);
	assert_int_equal(opts_parse_size("17179869184G", 1, &value), -22);
	assert_int_equal(opts_parse_number("0x1F", &value), 0);
	assert_int_equal(value, 31);
	assert_int_equal(opts_parse_number("-1", &value), -22);
	assert_int_equal(opts_parse_number("", &value), -22);
	assert_int_equal(opts_parse_number("12x", &value), -22);
}

static void misspelt_words_find_their_neighbour(void **state)
{
	static const char *const words[] = { "cdrom", "drive", "device", "daemonize", NULL };

	(void)state;
	assert_string_equal(err_nearest_word("cdorm", words), "cdrom");
	assert_string_equal(err_nearest_word("deamonize", words), "daemonize");
	assert_null(err_nearest_word("xyzzy", words));
}

static void a_sentence_is_kept_and_prefixed(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_int_equal(err_set_errno(&err, -2, "cannot open '%s'", "x"), -2);
	assert_string_equal(err.text, "cannot open 'x': No such file or directory");
	err_prefix(&err, "-drive %s", "y");
	assert_string_equal(err.text, "-drive y: cannot open 'x': No such file or directory");
	assert_int_equal(err_set(NULL, -5, "nobody listens"), -5);
}

struct counted_job {
	struct worker_job job;
	struct loop *loop;
	unsigned *left;
	int ran;
};

static void run_job(struct worker_job *job)
{
	container_of(job, struct counted_job, job)->ran++;
}

static void complete_job(struct worker_job *job)
{
	struct counted_job *counted = container_of(job, struct counted_job, job);

	if (--*counted->left == 0)
		loop_stop(counted->loop);
}

static void jobs_run_once_and_complete_on_the_loop(void **state)
{
	enum {
		JOBS = 200,
	};
	static struct counted_job jobs[JOBS];
	struct loop *loop = loop_create();
	struct worker_pool *pool = worker_pool_create(loop, 3);
	struct lock lock;
	unsigned left = JOBS;

	(void)state;
	lock_init(&lock);
	loop_set_lock(loop, &lock);
	for (unsigned i = 0; i < JOBS; i++) {
		jobs[i] = (struct counted_job){
			{ .run = run_job, .complete = complete_job }, loop, &left, 0
		};
		worker_submit(pool, &jobs[i].job);
	}
	loop_run(loop);
	assert_int_equal(left, 0);
	for (unsigned i = 0; i < JOBS; i++)
		assert_int_equal(jobs[i].ran, 1);
	worker_pool_destroy(pool);
	loop_destroy(loop);
}

static void unfinished_jobs_are_completed_at_the_end(void **state)
{
	struct loop *loop = loop_create();
	struct worker_pool *pool = worker_pool_create(loop, 1);
	unsigned left = 1;
	struct counted_job job = { { .run = run_job, .complete = complete_job }, loop, &left, 0 };

	(void)state;
	worker_submit(pool, &job.job);
	worker_pool_destroy(pool);
	assert_int_equal(left, 0);
	assert_int_equal(job.ran, 1);
	loop_destroy(loop);
}

static sem_t second_runs;

static void run_second_job(struct worker_job *job)
{
	run_job(job);
	sem_post(&second_runs);
}

/* The machine is taken apart under its lock, whatever the loop still had to deliver. */
static void a_pool_ends_under_the_lock(void **state)
{
	struct loop *loop = loop_create();
	struct worker_pool *pool = worker_pool_create(loop, 1);
	struct lock lock;
	unsigned left = 3;
	struct counted_job jobs[2] = {
		{ { .run = run_job, .complete = complete_job }, loop, &left, 0 },
		{ { .run = run_second_job, .complete = complete_job }, loop, &left, 0 },
	};

	(void)state;
	lock_init(&lock);
	loop_set_lock(loop, &lock);
	sem_init(&second_runs, 0, 0);
	worker_submit(pool, &jobs[0].job);
	worker_submit(pool, &jobs[1].job);
	sem_wait(&second_runs); /* so the delivery of the first has been posted */
	lock_acquire(&lock);
	worker_pool_destroy(pool);
	lock_release(&lock);
	assert_int_equal(left, 1);
	loop_destroy(loop);
	sem_destroy(&second_runs);
}

static void stop_loop(void *opaque)
{
	loop_stop(opaque);
}

struct poster {
	struct loop *loop;
	unsigned other;
};

static void count_call(void *opaque)
{
	(*(unsigned *)opaque)++;
}

static void take_other_back(void *opaque)
{
	struct poster *poster = opaque;

	loop_unpost(poster->loop, count_call, &poster->other);
}

/* From a callback of the same turn, too: its owner may have been freed by it. */
static void what_is_taken_back_does_not_run(void **state)
{
	struct poster poster = { .loop = loop_create() };
	unsigned kept = 0, gone = 0;

	(void)state;
	loop_post(poster.loop, count_call, &gone);
	loop_post(poster.loop, take_other_back, &poster);
	loop_post(poster.loop, count_call, &kept);
	loop_post(poster.loop, count_call, &poster.other);
	loop_unpost(poster.loop, count_call, &gone);
	loop_post(poster.loop, stop_loop, poster.loop);
	loop_run(poster.loop);
	assert_int_equal(gone, 0);
	assert_int_equal(poster.other, 0);
	assert_int_equal(kept, 1);
	loop_destroy(poster.loop);
}

static void a_host_timer_ends_the_wait(void **state)
{
	struct loop *loop = loop_create();
	struct loop_timer *timer = loop_timer_create(loop, stop_loop, loop);

	(void)state;
	loop_timer_set(timer, clock_host_ns() + NS_PER_MS);
	loop_run(loop);
	loop_timer_destroy(timer);
	loop_destroy(loop);
}

static void characters_are_read_and_written(void **state)
{
	static const char text[] = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80";
	static const uint32_t characters[] = { 'a', 0xe4, 0x20ac, 0x1f600, 0, 0 };
	const char *at = text;
	char bytes[16];
	size_t length = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(characters); i++)
		assert_int_equal(utf8_next(&at), characters[i]);
	for (size_t i = 0; characters[i]; i++)
		length += utf8_put(characters[i], bytes + length);
	assert_int_equal(length, strlen(text));
	assert_memory_equal(bytes, text, length);
	assert_int_equal(utf8_put(0xd800, bytes), 3);
}

/* Cut off, too long, a surrogate, beyond the end, a lone continuation: one byte each is passed. */
static void what_is_no_utf8_is_replaced(void **state)
{
	static const char *const texts[] = { "\xe2\x82",         "\xc0\x80", "\xed\xa0\x80",
					     "\xf4\x90\x80\x80", "\x80",     "\xff" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const char *at = texts[i];

		assert_int_equal(utf8_next(&at), UTF8_REPLACEMENT);
		assert_ptr_equal(at, texts[i] + 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_buffer_never_leaves_its_bounds),
		cmocka_unit_test(options_are_pairs),
		cmocka_unit_test(sizes_and_numbers_are_whole_words),
		cmocka_unit_test(misspelt_words_find_their_neighbour),
		cmocka_unit_test(a_sentence_is_kept_and_prefixed),
		cmocka_unit_test(jobs_run_once_and_complete_on_the_loop),
		cmocka_unit_test(unfinished_jobs_are_completed_at_the_end),
		cmocka_unit_test(a_pool_ends_under_the_lock),
		cmocka_unit_test(what_is_taken_back_does_not_run),
		cmocka_unit_test(a_host_timer_ends_the_wait),
		cmocka_unit_test(characters_are_read_and_written),
		cmocka_unit_test(what_is_no_utf8_is_replaced),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
