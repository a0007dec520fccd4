// SPDX-License-Identifier: GPL-2.0-or-later
/* The Xen platform device: identity, unplug protocol, log, ROM lock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "hw/xen_platform.h"
#include "tests/lib/chip_bench.h"

struct fixture {
	struct chip_bench *bench;
	struct xen_platform platform;
	unsigned unplugged, calls;
	bool locked;
};

static void take_unplug(void *opaque, unsigned what)
{
	struct fixture *f = opaque;

	f->unplugged |= what;
	f->calls++;
}

static void take_lock(void *opaque, bool locked)
{
	((struct fixture *)opaque)->locked = locked;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct xen_platform_wires wires;

	f->bench = bench_create(NULL);
	wires = (struct xen_platform_wires){ .bus = &f->bench->bus,
					     .ports = &f->bench->ports,
					     .opaque = f,
					     .unplug = take_unplug,
					     .lock_rom = take_lock };
	assert_int_equal(xen_platform_init(&f->platform, &wires, NULL), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	f->platform.device.class->finish(&f->platform);
	assert_int_equal(f->bench->ports.count + f->bench->memory.count, 0);
	bench_destroy(f->bench);
	free(f);
	return 0;
}

static void shows_who_it_is(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(bench_config_read(f->bench, 2, 0, 0, 4), 0x00015853);
	assert_int_equal(bench_config_read(f->bench, 2, 0, 8, 4), 0xff800001);
	assert_int_equal(bench_config_read(f->bench, 2, 0, 0x2c, 4), 0x00015853);
	assert_int_equal(bench_config_read(f->bench, 2, 0, 0x3d, 1), 1);
	bench_config_write(f->bench, 2, 0, 0x10, UINT32_MAX, 4);
	bench_config_write(f->bench, 2, 0, 0x14, UINT32_MAX, 4);
	assert_int_equal(bench_config_read(f->bench, 2, 0, 0x10, 4), 0xffffff01);
	assert_int_equal(bench_config_read(f->bench, 2, 0, 0x14, 4), 0xff000008);
	assert_int_equal(bench_in16(f->bench, 0x10), 0x49d2);
	assert_int_equal(bench_in8(f->bench, 0x12), 1);
	assert_int_equal(bench_in32(f->bench, 0x10), UINT32_MAX);
	assert_int_equal(bench_in16(f->bench, 0x12), UINT16_MAX);
	assert_int_equal(bench_in8(f->bench, 0x1f), UINT8_MAX);
}

/** As Linux' drivers do it: arch/x86/xen/platform-pci-unplug.c. */
static void takes_out_what_the_guest_names(void **state)
{
	struct fixture *f = *state;

	bench_out16(f->bench, 0x12, 3);
	bench_out32(f->bench, 0x10, 0x60102);
	assert_int_equal(f->platform.state.product, 3);
	assert_int_equal(f->platform.state.build, 0x60102);
	assert_int_equal(f->calls, 0);
	bench_out16(f->bench, 0x10, 0xfff0);
	assert_int_equal(f->calls, 0);
	bench_out16(f->bench, 0x10, XEN_UNPLUG_DISKS | XEN_UNPLUG_NICS);
	assert_int_equal(f->unplugged, XEN_UNPLUG_DISKS | XEN_UNPLUG_NICS);
	bench_out16(f->bench, 0x10, XEN_UNPLUG_SECONDARY_DISKS);
	assert_int_equal(f->platform.state.unplugged, 7);
}

static void old_guests_use_the_bar(void **state)
{
	struct fixture *f = *state;

	bench_config_write(f->bench, 2, 0, 0x10, 0xc000, 4);
	bench_config_write(f->bench, 2, 0, 0x14, 0xf2000000, 4);
	bench_config_write(f->bench, 2, 0, 4, 3, 2);
	bench_out32(f->bench, 0xc008, 1);
	assert_int_equal(f->unplugged, XEN_UNPLUG_DISKS);
	bench_out32(f->bench, 0xc008, 2);
	assert_int_equal(f->unplugged, XEN_UNPLUG_DISKS | XEN_UNPLUG_NICS);
	bench_out8(f->bench, 0xc008, 'x');
	assert_int_equal(f->calls, 2);
	f->unplugged = 0;
	bench_out32(f->bench, 0xc004, 1);
	assert_int_equal(f->unplugged, XEN_UNPLUG_DISKS | XEN_UNPLUG_NICS);
	assert_int_equal(io_read(&f->bench->memory, 0xf2fffffc, 4), 0);
}

static void locks_the_rom_until_reset(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(bench_in8(f->bench, 0x10), 0);
	bench_out8(f->bench, 0x10, 0xff);
	assert_true(f->locked);
	assert_int_equal(bench_in8(f->bench, 0x10), 1);
	f->platform.device.class->reset(&f->platform);
	assert_false(f->locked);
	assert_int_equal(bench_in8(f->bench, 0x10), 0);
}

static void a_line_that_never_ends_is_cut(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 3 * XEN_PLATFORM_LOG_BYTES + 5; i++)
		bench_out8(f->bench, 0x12, (uint8_t)i);
	assert_true(f->platform.line_length < XEN_PLATFORM_LOG_BYTES);
	bench_out8(f->bench, 0x12, '\n');
	assert_int_equal(f->platform.line_length, 0);
}

static void is_saved_with_what_was_taken_out(void **state)
{
	struct fixture *f = *state;

	bench_out16(f->bench, 0x10, XEN_UNPLUG_DISKS);
	bench_out8(f->bench, 0x10, 1);
	f->unplugged = 0;
	f->locked = false;
	assert_true(bench_round_trip(&f->platform.device));
	assert_int_equal(f->unplugged, XEN_UNPLUG_DISKS);
	assert_true(f->locked);
	f->platform.state.flags = 2;
	assert_true(bench_refuses_state(&f->platform.device));
	f->platform.state.flags = 0;
	f->platform.state.unplugged = 0x10;
	assert_true(bench_refuses_state(&f->platform.device));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(shows_who_it_is, set_up, tear_down),
		cmocka_unit_test_setup_teardown(takes_out_what_the_guest_names, set_up, tear_down),
		cmocka_unit_test_setup_teardown(old_guests_use_the_bar, set_up, tear_down),
		cmocka_unit_test_setup_teardown(locks_the_rom_until_reset, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_line_that_never_ends_is_cut, set_up, tear_down),
		cmocka_unit_test_setup_teardown(is_saved_with_what_was_taken_out, set_up,
						tear_down),
	};

	return cmocka_run_group_tests_name("xen_platform", tests, NULL, NULL);
}
