// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A round trip through saved state, for the unit tests of ISA chips.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/lib/isa_bench.h"

/*
 * Saves all devices, scribbles over their state, loads them again. 'fill' is the scribble; it stays
 * in what no field covers, so a member that was forgotten shows.
 */
static inline void bench_save_and_load(struct bench *bench, uint8_t fill)
{
	struct state_writer writer;
	struct device *device;

	state_writer_init(&writer);
	device_save_all(&bench->devices, &writer);
	list_for_each(device, &bench->devices.head, struct device, node)
	{
		assert_int_equal(state_find_gap(device->class->table), -1);
		device->class->reset(device->self);
		memset((char *)device->self + device->class->state_offset, fill,
		       device->class->table->struct_size);
	}
	/* The load must not mind what is there: every member comes from the stream. */
	list_for_each(device, &bench->devices.head, struct device, node)
	{
		char tag[64];
		unsigned version;

		snprintf(tag, sizeof(tag), "%s/%u", device->class->name, device->instance);
		assert_int_equal(state_load(writer.bytes, writer.length, tag, device->class->table,
					    (char *)device->self + device->class->state_offset,
					    &version, NULL),
				 0);
		if (device->class->after_load)
			assert_int_equal(device->class->after_load(device->self, NULL), 0);
	}
	state_writer_finish(&writer);
}
