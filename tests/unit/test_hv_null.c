// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "hv/hv.h"
#include "hv/null.h"

enum {
	LOW_BYTES = 0x300000 + 0x1000, /* not a multiple of a huge page */
	HIGH_BYTES = 0x200000,
};

#define HIGH_GPA (UINT64_C(1) << 32)

static struct hv *create(void)
{
	struct hv_config config = {
		.cpus = 1, .max_cpus = 2, .low_bytes = LOW_BYTES, .high_bytes = HIGH_BYTES
	};
	struct hv_client client = { 0 };
	struct hv *hv = hv_null_create(&config, &client, NULL);

	assert_non_null(hv);
	return hv;
}

static void test_ram(void **state)
{
	struct hv *hv = create();
	size_t length = 16;
	uint8_t *low, *high;

	(void)state;
	low = hv_ram_map(hv, LOW_BYTES - 4, &length, true);
	assert_non_null(low);
	assert_int_equal(length, 4);
	assert_int_equal(low[3], 0);
	length = SIZE_MAX;
	high = hv_ram_map(hv, HIGH_GPA + 0x1000, &length, true);
	assert_non_null(high);
	assert_int_equal(length, HIGH_BYTES - 0x1000);
	low[3] = 1;
	high[length - 1] = 2;
	assert_int_equal(low[3], 1);
	hv_ram_unmap(hv, low, 4, 4);
	hv_destroy(hv);
}

static void test_no_ram(void **state)
{
	static const uint64_t gpas[] = { LOW_BYTES, HIGH_GPA - 1, HIGH_GPA + HIGH_BYTES,
					 UINT64_MAX };
	struct hv *hv = create();

	(void)state;
	for (unsigned i = 0; i < sizeof(gpas) / sizeof(gpas[0]); i++) {
		size_t length = 1;

		assert_null(hv_ram_map(hv, gpas[i], &length, false));
	}
	for (size_t length = 0, i = 0; i < 1; i++)
		assert_null(hv_ram_map(hv, 0, &length, false));
	hv_destroy(hv);
}

static void test_wires_and_slots(void **state)
{
	struct hv *hv = create();
	struct hv_slot slot = { .bytes = 4096 };
	unsigned long bitmap[1];

	(void)state;
	hv_set_irq(hv, 23, true);
	hv_set_irq(hv, 24, true);
	assert_true(hv_null_irq_level(hv, 23));
	assert_false(hv_null_irq_level(hv, 24));
	hv_set_irq(hv, 23, false);
	assert_false(hv_null_irq_level(hv, 23));
	assert_int_equal(hv_slot_add(hv, &slot), 0);
	assert_int_equal(hv_slot_add(hv, &slot), 1);
	hv_slot_remove(hv, 0);
	assert_int_equal(hv_slot_add(hv, &slot), 0);
	assert_false(hv_slot_fetch_dirty(hv, 0, bitmap));
	assert_non_null(hv_video_ram_alloc(hv, 4096, NULL));
	hv_destroy(hv);
}

/** What a core has no hook for does what its absence means. */
static void test_defaults(void **state)
{
	struct hv *hv = create();
	struct hv_cpu_info info;
	struct hv_stats stats;
	struct err err = { "" };

	(void)state;
	assert_int_equal(hv_start(hv, &err), 0);
	assert_true(hv->running);
	hv_hold(hv);
	hv_pause(hv);
	assert_false(hv->running);
	hv_reset(hv);
	assert_int_equal(hv_cpu_info(hv, 0, &info), -ENOENT);
	assert_int_equal(hv_cpu_set_online(hv, 1, true, &err), -ENOTSUP);
	assert_int_not_equal(err.text[0], 0);
	assert_int_equal(hv_cpu_set_online(hv, 2, true, &err), -EINVAL);
	hv_get_stats(hv, &stats);
	assert_int_equal(stats.exits, 0);
	hv_flush_coalesced(hv);
	hv_slots_begin(hv);
	hv_slots_end(hv);
	hv_set_pit_irq(hv, false);
	hv_destroy(hv);
	hv_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ram),
		cmocka_unit_test(test_no_ram),
		cmocka_unit_test(test_wires_and_slots),
		cmocka_unit_test(test_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
