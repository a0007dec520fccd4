// SPDX-License-Identifier: GPL-2.0-or-later
/* Power management against chapter 7 of the 82371AB data sheet and ACPI 1.0b, section 4.7; and the
 * event block beside it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "hw/acpi_pm.h"
#include "hw/acpi_pm_regs.h"
#include "hw/hotplug.h"
#include "hw/hotplug_regs.h"
#include "tests/lib/chip_bench.h"

enum {
	BASE = 0x600,
	STS = BASE,
	EN = BASE + 2,
	CNT = BASE + 4,
	TMR = BASE + 8,
	SMBUS = 0x700,
	SCI = 9,
};

struct fixture {
	struct chip_bench *bench;
	struct acpi_pm pm;
	struct hotplug hotplug;
	unsigned wakes;
	enum acpi_pm_event wake;
};

static void note_wake(void *opaque, enum acpi_pm_event event)
{
	struct fixture *f = opaque;

	f->wakes++;
	f->wake = event;
}

static struct fixture *create(bool has_events)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct acpi_pm_wires wires;
	struct hotplug_wires hotplug_wires;
	struct err err;

	f->bench = bench_create(NULL);
	wires = (struct acpi_pm_wires){
		.bus = &f->bench->bus,
		.ports = &f->bench->ports,
		.clock = &f->bench->clock,
		.power = &f->bench->power,
		.sci = &f->bench->gsis[SCI],
		.has_events = has_events,
		.wake = note_wake,
		.wake_opaque = f,
	};
	hotplug_wires = (struct hotplug_wires){
		.ports = &f->bench->ports,
		.gpe = acpi_pm_gpe_input(&f->pm),
		.cpus = 2,
		.max_cpus = 12,
	};
	assert_int_equal(acpi_pm_init(&f->pm, &wires, &err), 0);
	assert_int_equal(hotplug_init(&f->hotplug, &hotplug_wires, &err), 0);
	return f;
}

static uint32_t get(struct fixture *f, unsigned offset, unsigned size)
{
	return bench_config_read(f->bench, 1, 3, offset, size);
}

static void set(struct fixture *f, unsigned offset, uint32_t value, unsigned size)
{
	bench_config_write(f->bench, 1, 3, offset, value, size);
}

/* What a BIOS does. */
static void map(struct fixture *f)
{
	set(f, 0x40, BASE | 1, 4);
	set(f, 0x80, 1, 1);
	set(f, 0x90, SMBUS | 1, 4);
	set(f, 0xd2, 0x09, 1);
}

static int set_up(void **state)
{
	struct fixture *f = create(true);

	map(f);
	*state = f;
	return 0;
}

static int set_up_core_has_events(void **state)
{
	struct fixture *f = create(false);

	map(f);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	f->hotplug.device.class->finish(&f->hotplug);
	f->pm.device.class->finish(&f->pm);
	assert_int_equal(f->bench->ports.count, 0);
	bench_destroy(f->bench);
	free(f);
	return 0;
}

static bool sci(const struct fixture *f)
{
	return (f->bench->gsi_levels & BIT(SCI)) != 0;
}

static void reset(struct fixture *f)
{
	f->pm.device.class->reset(&f->pm);
	f->hotplug.device.class->reset(&f->hotplug);
}

static void test_config_space(void **state)
{
	struct fixture *f = *state;

	reset(f);
	assert_int_equal(get(f, 0x00, 4), 0x71138086);
	assert_int_equal(get(f, 0x06, 2), 0x0280);
	assert_int_equal(get(f, 0x08, 4), 0x06800003);
	assert_int_equal(get(f, 0x3d, 1), 1);
	assert_int_equal(get(f, 0x40, 4), 0x00000001);
	assert_int_equal(get(f, 0x58, 4), 0x02000000);
	assert_int_equal(get(f, 0x80, 1), 0);
	assert_int_equal(get(f, 0x90, 4), 0x00000001);
	assert_int_equal(get(f, 0xd2, 1), 0);
	set(f, 0x40, UINT32_MAX, 4);
	set(f, 0x80, UINT32_MAX, 1);
	set(f, 0x90, UINT32_MAX, 4);
	set(f, 0x3c, 9, 1);
	assert_int_equal(get(f, 0x40, 4), 0x0000ffc1);
	assert_int_equal(get(f, 0x80, 1), 0x01);
	assert_int_equal(get(f, 0x90, 4), 0x0000fff1);
	assert_int_equal(get(f, 0x3c, 1), 9);
}

static void test_ports_follow_their_base(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(bench_in16(f->bench, CNT), 0);
	set(f, 0x40, 0xb001, 4);
	assert_int_equal(bench_in16(f->bench, CNT), 0xffff);
	assert_int_equal(bench_in16(f->bench, 0xb004), 0);
	set(f, 0x80, 0, 1);
	assert_int_equal(bench_in16(f->bench, 0xb004), 0xffff);
	set(f, 0x80, 1, 1);
	set(f, 0x40, 0x0000, 4);
	assert_null(f->pm.registers.space);
	set(f, 0x40, 0xae00, 4); /* taken: stays away until moved */
	assert_null(f->pm.registers.space);
	set(f, 0x40, BASE, 4);
	assert_int_equal(bench_in16(f->bench, CNT), 0);
	reset(f);
	assert_int_equal(bench_in16(f->bench, CNT), 0xffff);
}

static void test_register_masks(void **state)
{
	struct chip_bench *bench = ((struct fixture *)*state)->bench;

	bench_out16(bench, EN, 0xffff);
	assert_int_equal(bench_in16(bench, EN), 0x0721);
	bench_out8(bench, EN + 1, 0x01);
	assert_int_equal(bench_in16(bench, EN), 0x0121);
	bench_out16(bench, CNT, 0xdfff); /* all but SLP_EN */
	assert_int_equal(bench_in16(bench, CNT), 0x1c03);
	bench_out8(bench, CNT, 0x00);
	assert_int_equal(bench_in32(bench, CNT), 0x00001c00);
	assert_int_equal(bench_in32(bench, STS), 0x01210000);
	assert_int_equal(bench_in32(bench, BASE + 0x3c), 0);
	assert_int_equal(bench->requests, 0);
}

static void test_timer_counts(void **state)
{
	struct chip_bench *bench = ((struct fixture *)*state)->bench;

	assert_int_equal(bench_in32(bench, TMR), 0);
	clock_step_to(&bench->clock, 279); /* a tick is 279.365 ns */
	assert_int_equal(bench_in32(bench, TMR), 0);
	clock_step_to(&bench->clock, 280);
	assert_int_equal(bench_in32(bench, TMR), 1);
	clock_step_to(&bench->clock, NS_PER_SECOND);
	assert_int_equal(bench_in32(bench, TMR), 3579545);
	clock_step_to(&bench->clock, 5 * NS_PER_SECOND);
	assert_int_equal(bench_in32(bench, TMR), (5 * 3579545) & 0xffffff);
	clock_step_to(&bench->clock, INT64_C(3153600000) * NS_PER_SECOND); /* a century */
	assert_int_equal(bench_in32(bench, TMR), (UINT64_C(3153600000) * 3579545) & 0xffffff);
}

/* 0x800000 ticks are 2.343480 seconds. */
static void test_timer_status(void **state)
{
	struct fixture *f = *state;

	clock_step_to(&f->bench->clock, INT64_C(2343479352));
	assert_int_equal(bench_in16(f->bench, STS), 0);
	clock_step_to(&f->bench->clock, INT64_C(2343490000));
	assert_int_equal(bench_in16(f->bench, STS), 0x0001);
	bench_out16(f->bench, STS, 0x0001);
	assert_int_equal(bench_in16(f->bench, STS), 0);
	clock_step_to(&f->bench->clock, 20 * NS_PER_SECOND);
	assert_int_equal(bench_in16(f->bench, STS), 0x0001);
	assert_false(sci(f));
}

static void test_timer_interrupts(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(clock_next_deadline_ns(&f->bench->clock), INT64_MAX);
	bench_out16(f->bench, EN, 0x0001);
	assert_int_equal(clock_next_deadline_ns(&f->bench->clock), INT64_MAX);
	bench_out16(f->bench, CNT, 0x0001);
	for (unsigned i = 1; i <= 3; i++) {
		int64_t deadline = clock_next_deadline_ns(&f->bench->clock);

		assert_in_range(deadline, INT64_C(2343400000) * i, INT64_C(2343500000) * i);
		clock_step_to(&f->bench->clock, deadline - 1);
		assert_false(sci(f));
		clock_step_to(&f->bench->clock, deadline);
		assert_true(sci(f));
		assert_int_equal(clock_next_deadline_ns(&f->bench->clock), INT64_MAX);
		bench_out16(f->bench, STS, 0x0001);
		assert_false(sci(f));
	}
	bench_out16(f->bench, EN, 0);
	assert_int_equal(clock_next_deadline_ns(&f->bench->clock), INT64_MAX);
}

static void test_power_button(void **state)
{
	struct fixture *f = *state;

	bench_out16(f->bench, CNT, 0x0001);
	acpi_pm_signal(&f->pm, ACPI_PM_POWER_BUTTON);
	assert_int_equal(bench_in16(f->bench, STS), 0x0100);
	assert_false(sci(f));
	bench_out16(f->bench, EN, 0x0100);
	assert_true(sci(f));
	bench_out8(f->bench, STS, 0xff);
	assert_true(sci(f));
	bench_out8(f->bench, STS + 1, 0x01);
	assert_false(sci(f));
	assert_int_equal(bench_in16(f->bench, STS), 0);
	assert_int_equal(f->wakes, 0);
}

static void test_other_events(void **state)
{
	struct fixture *f = *state;

	acpi_pm_signal(&f->pm, ACPI_PM_SLEEP_BUTTON);
	acpi_pm_signal(&f->pm, ACPI_PM_RTC_ALARM);
	assert_int_equal(bench_in16(f->bench, STS), 0x0600);
	bench_out16(f->bench, EN, 0x0200);
	assert_false(sci(f)); /* SCI_EN is off */
	bench_out16(f->bench, CNT, 0x0001);
	assert_true(sci(f));
	bench_out16(f->bench, STS, 0x0200);
	assert_false(sci(f));
	assert_int_equal(bench_in16(f->bench, STS), 0x0400);
}

static void test_sleep_types(void **state)
{
	static const struct {
		uint16_t type;
		bool asks;
		enum power_request request;
	} rows[] = {
		{ 0, true, POWER_OFF },  { 1, true, POWER_SUSPEND }, { 2, true, POWER_OFF },
		{ 3, false, POWER_OFF }, { 7, false, POWER_OFF },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		f->bench->requests = 0;
		bench_out16(f->bench, CNT, (uint16_t)(rows[i].type << 10 | 1));
		assert_int_equal(f->bench->requests, 0);
		bench_out16(f->bench, CNT, (uint16_t)(0x2000 | rows[i].type << 10 | 1));
		assert_int_equal(f->bench->requests, rows[i].asks);
		assert_int_equal(bench_in16(f->bench, CNT), rows[i].type << 10 | 1);
		if (rows[i].asks)
			assert_int_equal(f->bench->request, rows[i].request);
	}
	f->bench->requests = 0;
	bench_out8(f->bench, CNT + 1, 0x20);
	assert_int_equal(f->bench->requests, 1);
	assert_string_equal(f->bench->cause, "acpi");
}

static void test_wake_from_suspend(void **state)
{
	struct fixture *f = *state;

	bench_out16(f->bench, CNT, 0x2401);
	acpi_pm_signal(&f->pm, ACPI_PM_RTC_ALARM);
	assert_int_equal(f->wakes, 0); /* not allowed to */
	bench_out16(f->bench, EN, 0x0400);
	acpi_pm_signal(&f->pm, ACPI_PM_RTC_ALARM);
	assert_int_equal(f->wakes, 1);
	acpi_pm_signal(&f->pm, ACPI_PM_POWER_BUTTON);
	assert_int_equal(f->wakes, 2);
	assert_int_equal(f->wake, ACPI_PM_POWER_BUTTON);
	reset(f);
	acpi_pm_set_woken(&f->pm, f->wake);
	map(f);
	assert_int_equal(bench_in16(f->bench, STS), 0x8100);
	acpi_pm_signal(&f->pm, ACPI_PM_POWER_BUTTON);
	assert_int_equal(f->wakes, 2);
	bench_out16(f->bench, STS, 0x8000);
	assert_int_equal(bench_in16(f->bench, STS), 0x0100);
}

static void test_apm_ports(void **state)
{
	struct fixture *f = *state;

	bench_out8(f->bench, 0xb2, 0xf1);
	assert_int_equal(bench_in16(f->bench, CNT), 0x0001);
	assert_int_equal(bench_in8(f->bench, 0xb2), 0xf1);
	bench_out8(f->bench, 0xb3, 0x5a);
	bench_out8(f->bench, 0xb2, 0x00);
	assert_int_equal(bench_in16(f->bench, CNT), 0x0001);
	assert_int_equal(bench_in16(f->bench, 0xb2), 0x5a00);
	bench_out8(f->bench, 0xb2, 0xf0);
	assert_int_equal(bench_in16(f->bench, CNT), 0x0000);
}

static void test_smbus_is_empty(void **state)
{
	struct chip_bench *bench = ((struct fixture *)*state)->bench;

	assert_int_equal(bench_in8(bench, SMBUS), 0);
	bench_out8(bench, SMBUS + 4, 0xa1);
	bench_out8(bench, SMBUS + 2, 0x48);
	assert_int_equal(bench_in8(bench, SMBUS), 0x04);
	assert_int_equal(bench_in8(bench, SMBUS + 2), 0x08);
	assert_int_equal(bench_in8(bench, SMBUS + 4), 0xa1);
	bench_out8(bench, SMBUS, 0xff);
	assert_int_equal(bench_in8(bench, SMBUS), 0);
	bench_out8(bench, SMBUS + 2, 0x02);
	assert_int_equal(bench_in8(bench, SMBUS), 0x10);
}

static void test_general_purpose_events(void **state)
{
	struct fixture *f = *state;

	bench_out16(f->bench, CNT, 0x0001);
	hotplug_set_cpu(&f->hotplug, 9, true);
	assert_int_equal(bench_in32(f->bench, 0xafe0), 0x00000004);
	assert_false(sci(f));
	bench_out16(f->bench, 0xafe2, 0x0006);
	assert_true(sci(f));
	bench_out8(f->bench, 0xb2, 0xf0);
	assert_false(sci(f));
	bench_out8(f->bench, 0xb2, 0xf1);
	assert_true(sci(f));
	bench_out16(f->bench, 0xafe0, 0xfffb);
	assert_true(sci(f));
	bench_out16(f->bench, 0xafe0, 0x0004);
	assert_false(sci(f));
	assert_int_equal(bench_in32(f->bench, 0xafe0), 0x00060000);
}

static void test_processor_bitmap(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(bench_in32(f->bench, 0xaf00), 0x00000003);
	hotplug_set_cpu(&f->hotplug, 11, true);
	hotplug_set_cpu(&f->hotplug, 0, true);
	hotplug_set_cpu(&f->hotplug, 12, true);
	hotplug_set_cpu(&f->hotplug, 1, false);
	assert_int_equal(bench_in32(f->bench, 0xaf00), 0x00000801);
	assert_true(hotplug_cpu_is_online(&f->hotplug, 11));
	assert_false(hotplug_cpu_is_online(&f->hotplug, 300));
	bench_out32(f->bench, 0xaf00, UINT32_MAX);
	assert_int_equal(bench_in32(f->bench, 0xaf00), 0x00000801);
	assert_int_equal(bench_in32(f->bench, 0xaf1c), 0);
	reset(f);
	assert_int_equal(bench_in32(f->bench, 0xaf00), 0x00000801);
	assert_int_equal(bench_in32(f->bench, 0xafe0), 0);
}

static void test_no_pci_slot_is_hot_pluggable(void **state)
{
	struct chip_bench *bench = ((struct fixture *)*state)->bench;

	for (uint16_t port = 0xae00; port < 0xae10; port += 4) {
		bench_out32(bench, port, UINT32_MAX);
		assert_int_equal(bench_in32(bench, port), 0);
	}
}

static void test_core_with_events_of_its_own(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(bench_in32(f->bench, STS), UINT32_MAX);
	assert_int_equal(bench_in32(f->bench, TMR), UINT32_MAX);
	bench_out8(f->bench, 0xb2, 0xf1);
	assert_int_equal(bench_in16(f->bench, CNT), 0x0001);
	bench_out16(f->bench, 0xafe2, 0x0004);
	hotplug_set_cpu(&f->hotplug, 2, true);
	assert_true(sci(f));
	bench_out16(f->bench, CNT, 0x2000);
	assert_int_equal(f->bench->request, POWER_OFF);
	assert_false(sci(f));
	clock_step_to(&f->bench->clock, 20 * NS_PER_SECOND);
	bench_out16(f->bench, CNT, 0x0001);
	bench_out16(f->bench, 0xafe0, 0x0004);
	assert_false(sci(f));
}

static void test_save_and_load(void **state)
{
	struct fixture *f = *state;

	clock_step_to(&f->bench->clock, NS_PER_SECOND);
	bench_out16(f->bench, EN, 0x0101);
	bench_out16(f->bench, CNT, 0x0001);
	acpi_pm_signal(&f->pm, ACPI_PM_POWER_BUTTON);
	assert_true(sci(f));
	assert_true(bench_round_trip(&f->pm.device));
	assert_true(bench_round_trip(&f->hotplug.device));
	assert_true(sci(f));
	assert_int_equal(bench_in16(f->bench, STS), 0x0100);
	assert_true(clock_next_deadline_ns(&f->bench->clock) < 3 * NS_PER_SECOND);
	f->pm.state.overflow_tick = UINT64_MAX; /* in no chip's future */
	assert_int_equal(f->pm.device.class->after_load(&f->pm, NULL), 0);
	assert_true(clock_next_deadline_ns(&f->bench->clock) < 3 * NS_PER_SECOND);
	f->pm.state.control = PM1_SLP_EN;
	assert_true(bench_refuses_state(&f->pm.device));
	f->hotplug.state.cpus[1] = 0x10;
	assert_true(bench_refuses_state(&f->hotplug.device));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define TEST_CORE_HAS_EVENTS(name) \
	cmocka_unit_test_setup_teardown(name, set_up_core_has_events, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_config_space),
		TEST(test_ports_follow_their_base),
		TEST(test_register_masks),
		TEST(test_timer_counts),
		TEST(test_timer_status),
		TEST(test_timer_interrupts),
		TEST(test_power_button),
		TEST(test_other_events),
		TEST(test_sleep_types),
		TEST(test_wake_from_suspend),
		TEST(test_apm_ports),
		TEST(test_smbus_is_empty),
		TEST(test_general_purpose_events),
		TEST(test_processor_bitmap),
		TEST(test_no_pci_slot_is_hot_pluggable),
		TEST_CORE_HAS_EVENTS(test_core_with_events_of_its_own),
		TEST(test_save_and_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
