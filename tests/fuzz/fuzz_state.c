// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Saved state from anywhere: a whole machine loads it. What it refuses leaves it as it was; what it
 * takes can be looked at, goes on, and can be saved and loaded again.
 */
#include <stdint.h>
#include <stdlib.h>

#include <zlib.h>

#include "base/bytes.h"
#include "base/log.h"
#include "tests/lib/save_bench.h"

enum {
	HEADER_BYTES = 48,
	TRAILER_BYTES = 4,
	LONGEST_INPUT = 1 << 18,
	STEP_NS = 10000,
};

static struct save_bench bench;
static struct state_writer fresh;

static void set_up(void)
{
	struct err err = { 0 };

	if (bench.machine)
		return;
	if (!save_bench_init(&bench, "", &err) || save_machine(bench.machine, &fresh, &err) < 0)
		abort();
}

/** Most inputs are records, around which header and checksum are put; the others are whole streams.
 */
static uint8_t *make_stream(const uint8_t *data, size_t size, size_t *length)
{
	bool is_whole = size >= 8 && memcmp(data, fresh.bytes, 8) == 0;
	uint8_t *stream;

	*length = is_whole ? size : HEADER_BYTES + size + TRAILER_BYTES;
	stream = malloc(*length);
	if (!stream)
		abort();
	if (is_whole) {
		memcpy(stream, data, size);
		return stream;
	}
	memcpy(stream, fresh.bytes, HEADER_BYTES);
	store_le32(stream + HEADER_BYTES - 4, (uint32_t)*length);
	memcpy(stream + HEADER_BYTES, data, size);
	store_le32(stream + *length - TRAILER_BYTES,
		   (uint32_t)crc32(0, stream, (uInt)(*length - TRAILER_BYTES)));
	return stream;
}

static void look_around(void)
{
	for (unsigned port = 0; port < 0x10000; port++)
		io_peek(&bench.machine->ports, port, 1);
	for (unsigned devfn = 0; devfn < 256; devfn++)
		pci_bus_config_read(&bench.machine->pci, devfn, 0, 4);
}

static void go_on(void)
{
	struct machine *machine = bench.machine;

	device_resume_all(&machine->devices);
	clock_step_to(&machine->clock, clock_now_ns(&machine->clock) + STEP_NS);
	save_bench_in(&bench, 0x1f0, 2);
	save_bench_in(&bench, 0x170, 2);
	save_bench_in(&bench, 0x60, 1);
	save_bench_out(&bench, 0x1f0, 0x1234, 2);
	device_quiesce_all(&machine->devices);
}

static void save_and_load_again(void)
{
	struct state_writer writer;
	struct err err = { 0 };

	state_writer_init(&writer);
	if (save_machine(bench.machine, &writer, &err) < 0 ||
	    save_load(bench.machine, writer.bytes, writer.length, &err) < 0) {
		log_error("what was loaded cannot be loaded again: %s", err.text);
		abort();
	}
	state_writer_finish(&writer);
}

static void refused(size_t before_length, const uint8_t *before)
{
	size_t length;
	uint8_t *after = save_bench_snapshot(&bench, &length);

	if (length != before_length || memcmp(before, after, length) != 0)
		abort();
	free(after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = { 0 };
	size_t length, before_length;
	uint8_t *stream, *before;

	if (size > LONGEST_INPUT)
		return 0;
	set_up();
	if (save_load(bench.machine, fresh.bytes, fresh.length, &err) < 0)
		abort();
	before = save_bench_snapshot(&bench, &before_length);
	stream = make_stream(data, size, &length);
	if (save_load(bench.machine, stream, length, &err) == 0) {
		save_and_load_again();
		look_around();
		go_on();
		save_and_load_again();
		clock_stop(&bench.machine->clock);
	} else {
		refused(before_length, before);
	}
	free(stream);
	free(before);
	return 0;
}
