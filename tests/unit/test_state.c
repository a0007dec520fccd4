// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bits.h"
#include "base/err.h"
#include "bus/device.h"
#include "bus/state.h"

struct inner {
	uint16_t a, b;
};
static const struct state_field inner_fields[] = {
	STATE_INT(struct inner, a),
	STATE_INT(struct inner, b),
};
static STATE_TABLE(inner_table, inner, inner_fields);

struct outer {
	uint64_t wide;
	struct inner pair[2];
	uint8_t bytes[3];
	bool flag;
	int32_t number;
};
static const struct state_field outer_fields[] = {
	STATE_INT(struct outer, wide),    STATE_STRUCTS(struct outer, pair, &inner_table),
	STATE_ARRAY(struct outer, bytes), STATE_INT(struct outer, flag),
	STATE_INT(struct outer, number),
};
static STATE_TABLE(outer_table, outer, outer_fields);

/* The same device of an older release: no 'flag', 'number' narrower, a member that is gone today.
 */
struct old_outer {
	uint64_t wide;
	uint8_t bytes[3];
	uint8_t gone;
	int16_t number;
};
static const struct state_field old_fields[] = {
	STATE_INT(struct old_outer, wide),
	STATE_ARRAY(struct old_outer, bytes),
	STATE_INT(struct old_outer, gone),
	STATE_INT(struct old_outer, number),
};
static STATE_TABLE(old_table, old_outer, old_fields);

static const struct outer sample = {
	.wide = 0x1122334455667788,
	.pair = { { 1, 2 }, { 3, 4 } },
	.bytes = { 5, 6, 7 },
	.flag = true,
	.number = -9,
};

static void what_is_saved_is_loaded(void **state)
{
	struct state_writer writer;
	struct outer loaded = { 0 };
	unsigned version;

	(void)state;
	state_writer_init(&writer);
	state_save(&writer, "other/0", 1, &inner_table, &sample.pair[0]);
	state_save(&writer, "outer/0", 3, &outer_table, &sample);
	assert_int_equal(state_check(writer.bytes, writer.length, NULL), 0);
	assert_int_equal(state_load(writer.bytes, writer.length, "outer/0", &outer_table, &loaded,
				    &version, NULL),
			 0);
	assert_int_equal(version, 3);
	assert_memory_equal(&loaded, &sample, sizeof(sample));
	assert_int_equal(state_load(writer.bytes, writer.length, "outer/1", &outer_table, &loaded,
				    &version, NULL),
			 -2);
	state_writer_finish(&writer);
}

static void other_releases_are_understood(void **state)
{
	const struct old_outer old = { 42, { 1, 2, 3 }, 99, 7 };
	struct outer loaded = sample;
	struct state_writer writer;
	unsigned version;

	(void)state;
	state_writer_init(&writer);
	state_save(&writer, "outer/0", 1, &old_table, &old);
	assert_int_equal(state_load(writer.bytes, writer.length, "outer/0", &outer_table, &loaded,
				    &version, NULL),
			 0);
	assert_int_equal(loaded.wide, 42);
	assert_int_equal(loaded.bytes[2], 3);
	assert_int_equal(loaded.number, 7);
	assert_true(loaded.flag);
	assert_int_equal(loaded.pair[1].b, 4);
	state_writer_finish(&writer);
}

static void a_value_that_does_not_fit_is_refused(void **state)
{
	struct old_outer narrow = { 0 };
	struct outer wide = sample;
	struct state_writer writer;
	unsigned version;

	(void)state;
	wide.number = 0x10000;
	state_writer_init(&writer);
	state_save(&writer, "outer/0", 1, &outer_table, &wide);
	assert_int_equal(state_load(writer.bytes, writer.length, "outer/0", &old_table, &narrow,
				    &version, NULL),
			 -22);
	assert_int_equal(narrow.wide, 0);
	state_writer_finish(&writer);
}

/** Every damage by one byte or by truncation is refused or gives a whole state; nothing is read
 * outside. */
static void damage_does_no_harm(void **state)
{
	struct state_writer writer;
	unsigned version;

	(void)state;
	state_writer_init(&writer);
	state_save(&writer, "outer/0", 3, &outer_table, &sample);
	for (size_t i = 0; i < writer.length; i++) {
		struct outer loaded = sample;

		assert_int_equal(state_check(writer.bytes, i, NULL), i ? -22 : 0);
		for (unsigned bit = 0; bit < 8; bit++) {
			writer.bytes[i] ^= (uint8_t)BIT(bit);
			state_check(writer.bytes, writer.length, NULL);
			state_load(writer.bytes, writer.length, "outer/0", &outer_table, &loaded,
				   &version, NULL);
			writer.bytes[i] ^= (uint8_t)BIT(bit);
		}
	}
	state_writer_finish(&writer);
}

static void gaps_are_found(void **state)
{
	static const struct state_field partial[] = {
		STATE_INT(struct outer, wide),
		STATE_ARRAY(struct outer, bytes),
	};
	const struct state_table table = { "outer", sizeof(struct outer), partial, 2 };

	(void)state;
	assert_int_equal(state_find_gap(&outer_table), -1);
	assert_int_equal(state_find_gap(&table), offsetof(struct outer, pair));
}

/* Two devices of one class; the second's after_load can refuse. */
struct chip {
	struct device device;
	struct outer state;
	bool refuses;
	unsigned loads;
};

static void chip_reset(void *self)
{
	((struct chip *)self)->state = (struct outer){ 0 };
}

static int chip_after_load(void *self, struct err *err)
{
	struct chip *chip = self;

	chip->loads++;
	return chip->refuses && chip->loads == 1 ? err_set(err, -22, "no") : 0;
}

static const struct device_class chip_class = {
	.name = "chip",
	.reset = chip_reset,
	.table = &outer_table,
	.state_offset = offsetof(struct chip, state),
	.version = 1,
	.after_load = chip_after_load,
};

static void devices_load_all_or_nothing(void **state)
{
	struct chip a = { .state = sample }, b = { .state = sample };
	struct state_writer writer;
	struct device_list list;
	struct err err = { 0 };

	(void)state;
	device_list_init(&list);
	device_init(&a.device, &chip_class, &a);
	device_init(&b.device, &chip_class, &b);
	device_add(&list, &a.device);
	device_add(&list, &b.device);
	assert_int_equal(b.device.instance, 1);
	state_writer_init(&writer);
	device_save_all(&list, &writer);
	device_reset_all(&list);
	assert_int_equal(device_load_all(&list, writer.bytes, writer.length - 1, &err), -22);
	assert_int_equal(a.state.wide, 0);
	b.refuses = true;
	assert_int_equal(device_load_all(&list, writer.bytes, writer.length, &err), -22);
	assert_int_equal(a.state.wide, 0);
	assert_int_equal(b.state.wide, 0);
	b.refuses = false;
	assert_int_equal(device_load_all(&list, writer.bytes, writer.length, &err), 0);
	assert_memory_equal(&a.state, &sample, sizeof(sample));
	assert_memory_equal(&b.state, &sample, sizeof(sample));
	state_writer_finish(&writer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_saved_is_loaded),
		cmocka_unit_test(other_releases_are_understood),
		cmocka_unit_test(a_value_that_does_not_fit_is_refused),
		cmocka_unit_test(damage_does_no_harm),
		cmocka_unit_test(gaps_are_found),
		cmocka_unit_test(devices_load_all_or_nothing),
	};

	return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
