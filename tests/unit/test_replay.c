// SPDX-License-Identifier: GPL-2.0-or-later
/* Recordings: records, files, and machines that are recorded, replayed, and found to differ. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/loop.h"
#include "tests/lib/replay_bench.h"

enum {
	RTC_INDEX = 0x70,
	RTC_DATA = 0x71,
	IDE_HEAD = 0x1f6,
	IDE_STATUS = 0x1f7,
	IDE_READ = 0x20,
	IDE_DATA = 0x1f0,
	IDE_COUNT = 0x1f2,
	IDE_SECTOR = 0x1f3,
	SECTOR = 512,
};

static char file[] = "/tmp/test-replay-XXXXXX", disk[] = "/tmp/test-replay-disk-XXXXXX";

/* --- Records --- */

static void records_are_read_as_written(void **state)
{
	static const uint8_t blob[] = { 1, 2, 3 };
	uint8_t bytes[256];

	(void)state;
	for (unsigned op = TAPE_ARGUMENT; op < TAPE_OP_COUNT; op++) {
		struct tape_record record = { .op = (enum tape_op)op, .blob = blob }, read;
		char text[TAPE_TEXT_BYTES];
		size_t length;

		for (unsigned i = 0; i < TAPE_MAX_VALUES; i++)
			record.values[i] = UINT64_MAX >> (i * 11);
		record.blob_bytes = sizeof(blob);
		length = tape_record_encode(&record, bytes);
		assert_int_equal(tape_record_decode(bytes, length, &read), length);
		assert_int_equal(read.op, op);
		for (unsigned i = 0; i < TAPE_MAX_VALUES; i++)
			assert_true(read.values[i] == record.values[i] || read.values[i] == 0);
		tape_record_print(&read, text);
		assert_true(strlen(text) > 0);
		/* Cut off anywhere, it is no record yet. */
		for (size_t cut = 0; cut < length; cut++)
			assert_int_equal(tape_record_decode(bytes, cut, &read), 0);
	}
}

static void bad_records_are_refused(void **state)
{
	static const uint8_t no_op[] = { TAPE_OP_COUNT }, nothing[] = { 0 };
	static const uint8_t inner_effect[] = { TAPE_VALUE | TAPE_INNER, 0 };
	static const uint8_t long_number[] = { TAPE_VALUE, 0xff, 0xff, 0xff, 0xff, 0xff,
					       0xff,       0xff, 0xff, 0xff, 0x02 };
	static const uint8_t long_blob[] = { TAPE_RAM, 0, 0xff, 0xff, 0x7f };
	struct tape_record record;

	(void)state;
	assert_true(tape_record_decode(no_op, sizeof(no_op), &record) < 0);
	assert_true(tape_record_decode(nothing, sizeof(nothing), &record) < 0);
	assert_true(tape_record_decode(inner_effect, sizeof(inner_effect), &record) < 0);
	assert_true(tape_record_decode(long_number, sizeof(long_number), &record) < 0);
	assert_true(tape_record_decode(long_blob, sizeof(long_blob), &record) < 0);
}

static void signs_are_kept(void **state)
{
	static const int64_t numbers[] = { 0, 1, -1, 1000, -1000, INT64_MAX, INT64_MIN };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		assert_true(tape_to_signed(tape_from_signed(numbers[i])) == numbers[i]);
}

/* --- Machines --- */

struct recorded {
	struct options options;
	struct machine *machine;
	struct hv_client client;
};

static void out(struct recorded *recorded, uint16_t port, uint8_t value)
{
	recorded->client.pio(recorded->machine, port, false, 1, &value, 1);
}

static uint8_t in(struct recorded *recorded, uint16_t port)
{
	uint8_t value = 0;

	recorded->client.pio(recorded->machine, port, true, 1, &value, 1);
	return value;
}

/** Waits as the loop does, which has the disk's answers. */
static void wait_for_disk(struct recorded *recorded)
{
	while (in(recorded, IDE_STATUS) & 0x80)
		loop_turn(recorded->machine->loop, 1000);
}

/** A guest that looks at its clock, reads a sector, and is pressed a key. */
static void run_guest(struct recorded *recorded)
{
	uint8_t sector[SECTOR];

	out(recorded, RTC_INDEX, 0);
	assert_int_equal(in(recorded, RTC_DATA), 0x20);
	recorded->client.move_clock(recorded->machine, HV_CLOCK_BY, 5 * NS_PER_SECOND);
	assert_int_equal(in(recorded, RTC_DATA), 0x25);
	out(recorded, IDE_HEAD, 0xe0);
	out(recorded, IDE_COUNT, 1);
	out(recorded, IDE_SECTOR, 0);
	out(recorded, IDE_STATUS, IDE_READ);
	wait_for_disk(recorded);
	recorded->client.pio(recorded->machine, IDE_DATA, true, 2, sector, SECTOR / 2);
	assert_memory_equal(sector, "sector 0", 8);
	lock_acquire(&recorded->machine->lock);
	input_key(&recorded->machine->input, 30, true);
	lock_release(&recorded->machine->lock);
	in(recorded, 0x60);
}

static void record(const char *words)
{
	struct recorded recorded = { 0 };
	struct err err = { 0 };
	char line[1024], *args[REPLAY_BENCH_WORDS], *rest = NULL;
	int count = 0;

	snprintf(line, sizeof(line),
		 "hvmdm -machine pc,accel=qtest -nodefaults -display none -m 32 -qmp none "
		 "-rtc base=2020-02-20T20:20:20 -drive file=%s,format=raw -record file=%s%s",
		 disk, file, words);
	for (char *word = strtok_r(line, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		args[count++] = word;
	assert_int_equal(options_parse(&recorded.options, count, args, &err), OPTIONS_RUN);
	recorded.machine = machine_create(&recorded.options, &err);
	if (!recorded.machine)
		fail_msg("%s", err.text);
	dispatch_client(recorded.machine, &recorded.client);
	lock_acquire(&recorded.machine->lock);
	assert_int_equal(machine_cont(recorded.machine, &err), 0);
	lock_release(&recorded.machine->lock);
	run_guest(&recorded);
	machine_destroy(recorded.machine);
	options_finish(&recorded.options);
}

static enum replay_result replay(struct tape_reader *reader, struct tape_difference *difference)
{
	struct replay_bench bench;
	struct err err = { 0 };
	enum replay_result result;

	if (!replay_bench_build(&bench, reader, &err))
		fail_msg("%s", err.text);
	result = replay_run(bench.machine);
	*difference = *tape_difference(bench.tape);
	replay_bench_finish(&bench);
	return result;
}

static enum replay_result replay_changed(void (*change)(struct tape_record *record,
							unsigned number),
					 struct tape_difference *difference)
{
	struct replay_bench_bytes all;
	enum replay_result result;

	assert_true(replay_bench_load(&all, file, change));
	result = replay(tape_reader_open_bytes(all.bytes, all.length), difference);
	free(all.bytes);
	return result;
}

static void what_is_recorded_happens_again(void **state)
{
	struct tape_difference difference;
	struct err err = { 0 };

	(void)state;
	record("");
	assert_int_equal(replay(tape_reader_open(file, &err), &difference), REPLAY_EQUAL);
	assert_false(difference.is_found);
	assert_int_equal(replay_changed(NULL, &difference), REPLAY_EQUAL);
}

/** The image is not needed if what was read of it is there. */
static void an_image_is_replaced_by_what_was_read(void **state)
{
	struct tape_difference difference;
	char away[64];
	enum replay_result result;

	(void)state;
	record(",media=on");
	snprintf(away, sizeof(away), "%s-away", disk);
	assert_int_equal(rename(disk, away), 0);
	result = replay_changed(NULL, &difference);
	assert_int_equal(rename(away, disk), 0);
	assert_int_equal(result, REPLAY_EQUAL);
}

static unsigned changed_value; /* which of the values read, from 0, is another */

static void change_value(struct tape_record *record, unsigned number)
{
	static unsigned values;

	values = number == 0 ? 0 : values;
	if (record->op == TAPE_VALUE && values++ == changed_value)
		record->values[0] ^= 1;
}

static void another_value_is_found(void **state)
{
	struct tape_difference difference;

	(void)state;
	record("");
	changed_value = 1;
	assert_int_equal(replay_changed(change_value, &difference), REPLAY_DIFFERS);
	assert_true(difference.is_found);
	/* The machine starts, the index is written, and the seconds are read twice. */
	assert_int_equal(difference.event, 4);
	assert_string_equal(difference.during, "in port=0x71 size=0x1");
	assert_string_equal(difference.expected, "value value=0x24");
	assert_string_equal(difference.came, "value value=0x25");
	assert_int_equal(difference.time_ns, 5 * NS_PER_SECOND);
}

static void drop_interrupt(struct tape_record *record, unsigned number)
{
	(void)number;
	if (record->op == TAPE_WIRE && record->values[0] == 14 && record->values[1])
		record->values[1] = 0;
}

static void another_interrupt_is_found(void **state)
{
	struct tape_difference difference;

	(void)state;
	record("");
	assert_int_equal(replay_changed(drop_interrupt, &difference), REPLAY_DIFFERS);
	assert_string_equal(difference.came, "interrupt gsi=0xe level=0x1");
	assert_non_null(strstr(difference.during, "disk-done"));
}

static void change_sum(struct tape_record *record, unsigned number)
{
	(void)number;
	if (record->op == TAPE_DISK_DONE)
		record->values[3] ^= 1;
}

static void other_data_of_a_disk_is_found(void **state)
{
	struct tape_difference difference;

	(void)state;
	record("");
	assert_int_equal(replay_changed(change_sum, &difference), REPLAY_DIFFERS);
	assert_non_null(strstr(difference.came, "disk-done"));
}

static void another_image_is_refused(void **state)
{
	struct replay_bench bench;
	struct err err = { 0 };
	FILE *image;

	(void)state;
	record("");
	image = fopen(disk, "r+e");
	assert_non_null(image);
	fputs("SECTOR", image);
	fclose(image);
	assert_false(replay_bench_build(&bench, tape_reader_open(file, &err), &err));
	assert_non_null(strstr(err.text, "is not the image"));
	image = fopen(disk, "r+e");
	fputs("sector", image);
	fclose(image);
}

/* --- Files --- */

/** Wherever a file ends, what there is of it is played. */
static void a_file_that_is_cut_off_is_played(void **state)
{
	struct tape_difference difference;
	struct replay_bench_bytes all;

	(void)state;
	record("");
	assert_true(replay_bench_load(&all, file, NULL));
	for (size_t length = all.length; length > 0; length -= length > 7 ? 7 : length) {
		struct err err = { 0 };
		struct replay_bench bench;
		enum replay_result result;

		if (!replay_bench_build(&bench, tape_reader_open_bytes(all.bytes, length), &err)) {
			assert_true(err.text[0]);
			continue;
		}
		result = replay_run(bench.machine);
		difference = *tape_difference(bench.tape);
		replay_bench_finish(&bench);
		assert_int_equal(result, length == all.length ? REPLAY_EQUAL : REPLAY_CUT_OFF);
		assert_false(difference.is_found);
	}
	free(all.bytes);
}

static void a_damaged_file_says_so(void **state)
{
	struct replay_bench_bytes all;
	FILE *stream;
	long length;

	(void)state;
	record("");
	stream = fopen(file, "r+e");
	assert_non_null(stream);
	fseek(stream, 0, SEEK_END);
	length = ftell(stream);
	fseek(stream, length - 9, SEEK_SET);
	fputs("damage", stream);
	fclose(stream);
	assert_false(replay_bench_load(&all, file, NULL));
	free(all.bytes);
	assert_int_equal(truncate(file, length - 5), 0);
	assert_false(replay_bench_load(&all, file, NULL));
	free(all.bytes);
	assert_int_equal(truncate(file, 7), 0);
	assert_false(replay_bench_load(&all, file, NULL));
	assert_int_equal(truncate(file, 0), 0);
}

static void another_file_is_not_written_over(void **state)
{
	struct options options = { .record = disk };
	struct err err = { 0 };

	(void)state;
	assert_null(tape_writer_create(options.record, &err));
	assert_non_null(strstr(err.text, "is no recording"));
}

static int set_up(void **state)
{
	char sector[SECTOR];
	int fd = mkstemp(disk);

	(void)state;
	if (fd < 0)
		return -1;
	for (unsigned i = 0; i < 2048; i++) {
		memset(sector, 0, sizeof(sector));
		snprintf(sector, sizeof(sector), "sector %u", i);
		if (write(fd, sector, sizeof(sector)) != (ssize_t)sizeof(sector))
			return -1;
	}
	close(fd);
	fd = mkstemp(file);
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(disk);
	unlink(file);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_read_as_written),
		cmocka_unit_test(bad_records_are_refused),
		cmocka_unit_test(signs_are_kept),
		cmocka_unit_test(what_is_recorded_happens_again),
		cmocka_unit_test(an_image_is_replaced_by_what_was_read),
		cmocka_unit_test(another_value_is_found),
		cmocka_unit_test(another_interrupt_is_found),
		cmocka_unit_test(other_data_of_a_disk_is_found),
		cmocka_unit_test(another_image_is_refused),
		cmocka_unit_test(a_file_that_is_cut_off_is_played),
		cmocka_unit_test(a_damaged_file_says_so),
		cmocka_unit_test(another_file_is_not_written_over),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
