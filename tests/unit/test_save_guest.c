// SPDX-License-Identifier: GPL-2.0-or-later
/* Guests saved with their memory: round trips, damage at every place, what a stream may not say. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "tests/lib/save_guest_bench.h"

enum {
	HEADER_BYTES = 16,
	RECORD_BYTES = 24,
	LOW_RAM = 1,
	VIDEO_RAM = 3,
	CORE = 4,
	MIB = 1 << 20,
};

static struct save_bench bench;

static int set_up(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_true(save_bench_init(&bench, "", &err));
	save_guest_adopt(&bench);
	save_guest_loads = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	save_bench_finish(&bench);
	return 0;
}

static uint8_t *memory(uint64_t gpa)
{
	size_t length = 1;
	uint8_t *host = hv_ram_map(bench.machine->hv, gpa, &length, true);

	assert_non_null(host);
	return host;
}

static uint8_t *video_memory(void)
{
	return bench.machine->board->video_ram.ram.host;
}

/** Saves what the machine holds; the caller frees it. */
static uint8_t *save(size_t *length)
{
	int fd = memfd_create("guest", MFD_CLOEXEC);
	struct err err = { 0 };
	uint8_t *bytes;

	assert_int_equal(save_guest_write(bench.machine, fd, &err), 0);
	*length = (size_t)lseek(fd, 0, SEEK_END);
	bytes = malloc(*length);
	assert_non_null(bytes);
	assert_int_equal(pread(fd, bytes, *length, 0), *length);
	close(fd);
	return bytes;
}

static int load(const uint8_t *bytes, size_t length, struct err *err)
{
	struct save_core core = { 0 };
	int fd = save_guest_file(bytes, length);
	int result = save_guest_read(bench.machine, fd, &core, err);

	if (result == 0)
		assert_memory_equal(core.bytes, save_guest_core, core.length);
	free(core.bytes);
	close(fd);
	return result;
}

static void test_memory_comes_back(void **state)
{
	size_t length;
	uint8_t *bytes;

	(void)state;
	strcpy((char *)memory(0x500), "low");
	strcpy((char *)memory(32 * MIB - 16), "last");
	strcpy((char *)video_memory() + 16 * MIB - 16, "screen");
	bytes = save(&length);
	assert_true(length < 64 << 10); /* zeros take no room */
	strcpy((char *)memory(0x500), "else");
	strcpy((char *)memory(5 * MIB), "new");
	memset(video_memory(), 0x55, 16 * MIB);
	assert_int_equal(load(bytes, length, NULL), 0);
	assert_string_equal((char *)memory(0x500), "low");
	assert_string_equal((char *)memory(32 * MIB - 16), "last");
	assert_string_equal((char *)memory(5 * MIB), "");
	assert_string_equal((char *)video_memory() + 16 * MIB - 16, "screen");
	assert_int_equal(video_memory()[0], 0);
	free(bytes);
}

/** As -incoming does it: devices, memory, processors. */
static void test_whole_machine(void **state)
{
	int fd = memfd_create("guest", MFD_CLOEXEC);
	struct err err = { 0 };

	(void)state;
	strcpy((char *)memory(0x500), "whole");
	save_bench_out(&bench, 0x80, 0x42, 1);
	assert_int_equal(save_to_fd(bench.machine, fd, false, &err), 0);
	memset(memory(0x500), 0, 16);
	lseek(fd, 0, SEEK_SET);
	bench.machine->incoming_fd = fd;
	bench.machine->options->incoming = "fd:0";
	lock_release(&bench.machine->lock);
	assert_int_equal(save_load_incoming(bench.machine, &err), 0);
	lock_acquire(&bench.machine->lock);
	assert_string_equal((char *)memory(0x500), "whole");
	assert_int_equal(save_guest_loads, 1);
}

/** What was saved on Xen has no memory behind the devices. */
static void test_devices_alone(void **state)
{
	struct state_writer writer;
	struct err err = { 0 };

	(void)state;
	state_writer_init(&writer);
	assert_int_equal(save_machine(bench.machine, &writer, &err), 0);
	bench.machine->incoming_fd = save_guest_file(writer.bytes, writer.length);
	bench.machine->options->incoming = "fd:0";
	lock_release(&bench.machine->lock);
	assert_true(save_load_incoming(bench.machine, &err) < 0);
	lock_acquire(&bench.machine->lock);
	assert_non_null(strstr(err.text, "cut short"));
	assert_int_equal(save_guest_loads, 0);
	state_writer_finish(&writer);
}

static void test_cut_short_anywhere(void **state)
{
	size_t length;
	uint8_t *bytes;

	(void)state;
	strcpy((char *)memory(0x500), "low");
	bytes = save(&length);
	for (size_t at = 0; at < length; at++) {
		struct err err = { 0 };

		assert_true(load(bytes, at, &err) < 0);
		assert_true(*err.text);
	}
	free(bytes);
}

static void test_a_flipped_bit_anywhere(void **state)
{
	size_t length;
	uint8_t *bytes;

	(void)state;
	strcpy((char *)memory(0x500), "low");
	bytes = save(&length);
	for (size_t at = 0; at < length; at++) {
		struct err err = { 0 };

		bytes[at] ^= (uint8_t)BIT(at % 8);
		assert_true(load(bytes, length, &err) < 0);
		assert_true(*err.text);
		bytes[at] ^= (uint8_t)BIT(at % 8);
	}
	assert_int_equal(load(bytes, length, NULL), 0);
	free(bytes);
}

/** A stream of one record and processors, whole and with its right checksum. */
static int load_record(uint32_t kind, uint64_t offset, uint32_t length, uint32_t stored_more)
{
	static uint8_t content[2 * MIB], bytes[3 * MIB];
	size_t stored, at = HEADER_BYTES;
	uint64_t records = 1;

	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes, "hvmdmRAM", 8);
	store_le32(bytes + 8, 1);
	memset(content, 0xaa, sizeof(content));
	stored = ZSTD_compress(bytes + at + RECORD_BYTES, 2 * MIB, content,
			       length < sizeof(content) ? length : sizeof(content), 1);
	assert_false(ZSTD_isError(stored));
	store_le32(bytes + at, kind);
	store_le64(bytes + at + 8, offset);
	store_le32(bytes + at + 16, length);
	store_le32(bytes + at + 20, (uint32_t)stored + stored_more);
	at += RECORD_BYTES + stored;
	if (kind != CORE) {
		store_le32(bytes + at, CORE);
		store_le32(bytes + at + 16, sizeof(save_guest_core));
		store_le32(bytes + at + 20, sizeof(save_guest_core));
		memcpy(bytes + at + RECORD_BYTES, save_guest_core, sizeof(save_guest_core));
		at += RECORD_BYTES + sizeof(save_guest_core);
		records++;
	}
	store_le64(bytes + at + 8, records);
	at += RECORD_BYTES;
	store_le32(bytes + at, (uint32_t)crc32(0, bytes, (uInt)at));
	return load(bytes, at + 4, NULL);
}

static void test_what_a_record_may_say(void **state)
{
	(void)state;
	assert_int_equal(load_record(LOW_RAM, 0, MIB, 0), 0);
	assert_int_equal(load_record(LOW_RAM, 31 * MIB + 5, MIB - 5, 0), 0);
	assert_int_equal(memory(32 * MIB - 1)[0], 0xaa);
	assert_int_equal(load_record(VIDEO_RAM, 15 * MIB, MIB, 0), 0);
	/* Behind the end, around the end of numbers, larger than a chunk, of no memory, no kind. */
	assert_int_equal(load_record(LOW_RAM, 31 * MIB + 6, MIB - 5, 0), -EINVAL);
	assert_int_equal(load_record(LOW_RAM, 32 * MIB, 1, 0), -EINVAL);
	assert_int_equal(load_record(LOW_RAM, UINT64_MAX, 2, 0), -EINVAL);
	assert_int_equal(load_record(LOW_RAM, 0, MIB + 1, 0), -EINVAL);
	assert_int_equal(load_record(2, 0, 4096, 0), -EINVAL);
	assert_int_equal(load_record(5, 0, 4096, 0), -EINVAL);
	assert_int_equal(load_record(LOW_RAM, 0, MIB, 1 << 30), -EINVAL);
	assert_int_equal(load_record(CORE, 0, 32 * MIB, 0), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_memory_comes_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_whole_machine, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_devices_alone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_cut_short_anywhere, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_flipped_bit_anywhere, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_a_record_may_say, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
