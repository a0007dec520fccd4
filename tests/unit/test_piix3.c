// SPDX-License-Identifier: GPL-2.0-or-later
/* The ISA bridge against chapter 2 of the 82371SB data sheet, and the interrupt routing of the
 * board. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "hw/piix3.h"
#include "hw/piix3_regs.h"
#include "tests/lib/chip_bench.h"

enum {
	CARDS = 3,
};

struct card {
	struct pci_function function;
	struct pci_state state;
};

struct fixture {
	struct piix3 bridge;
	struct chip_bench *bench;
	struct card cards[CARDS];
	unsigned link_calls;
	unsigned links[PIIX3_LINKS];
};

static void note_link(void *opaque, unsigned link, unsigned irq)
{
	struct fixture *f = opaque;

	f->link_calls++;
	f->links[link] = irq;
}

static void plug_card(struct fixture *f, unsigned index, int slot, unsigned function, uint8_t pin)
{
	struct card *card = &f->cards[index];
	struct pci_identity identity = { .name = "card", .interrupt_pin = pin };
	struct err err;

	pci_function_init(&card->function, &card->state, &identity, NULL, 0, card);
	assert_int_equal(pci_bus_plug(&f->bench->bus, &card->function, slot, function, &err), 0);
}

static struct fixture *create(bool core_routes)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct pci_intx_sink sink = piix3_intx_sink(&f->bridge);
	struct piix3_wires wires;
	struct err err;

	f->bench = bench_create(&sink);
	wires = (struct piix3_wires){
		.bus = &f->bench->bus,
		.ports = &f->bench->ports,
		.power = &f->bench->power,
		.gsis = f->bench->gsis,
		.set_link = core_routes ? note_link : NULL,
		.link_opaque = f,
		.has_elcr = !core_routes,
	};
	assert_int_equal(piix3_init(&f->bridge, &wires, &err), 0);
	plug_card(f, 0, 3, 0, 1); /* sum 3 */
	plug_card(f, 1, 3, 1, 1); /* the same pin */
	plug_card(f, 2, 6, 0, 2); /* sum 7: the same link, another GSI */
	return f;
}

static int set_up(void **state)
{
	*state = create(false);
	return 0;
}

static int set_up_core_routes(void **state)
{
	*state = create(true);
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < CARDS; i++)
		pci_bus_unplug(&f->cards[i].function);
	f->bridge.device.class->finish(&f->bridge);
	assert_int_equal(f->bench->ports.count, 0);
	bench_destroy(f->bench);
	free(f);
	return 0;
}

static uint32_t get(struct fixture *f, unsigned offset, unsigned size)
{
	return bench_config_read(f->bench, 1, 0, offset, size);
}

static void set(struct fixture *f, unsigned offset, uint32_t value, unsigned size)
{
	bench_config_write(f->bench, 1, 0, offset, value, size);
}

static void test_defaults(void **state)
{
	static const struct {
		unsigned offset, size;
		uint32_t value;
	} rows[] = {
		{ 0x00, 4, 0x70008086 }, { 0x04, 2, 0x0007 },     { 0x06, 2, 0x0280 },
		{ 0x09, 1, 0x00 },       { 0x0a, 2, 0x0601 },     { 0x0e, 1, 0x80 },
		{ 0x3d, 1, 0x00 },       { 0x4c, 1, 0x4d },       { 0x4e, 2, 0x0003 },
		{ 0x60, 4, 0x80808080 }, { 0x69, 1, 0x02 },       { 0x6a, 2, 0x0000 },
		{ 0x70, 1, 0x80 },       { 0x76, 2, 0x0404 },     { 0x78, 2, 0x0002 },
		{ 0x80, 1, 0x00 },       { 0x82, 1, 0x00 },       { 0xa0, 1, 0x08 },
		{ 0xa2, 2, 0x0000 },     { 0xa4, 4, 0x00000000 }, { 0xa8, 1, 0x0f },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(get(*state, rows[i].offset, rows[i].size), rows[i].value);
}

static void test_writable_bits(void **state)
{
	static const struct {
		unsigned offset, size;
		uint32_t zeros, ones;
	} rows[] = {
		{ 0x04, 2, 0x0007, 0x010f }, { 0x4c, 1, 0x00, 0xff },    { 0x4e, 2, 0, 0x01f7 },
		{ 0x60, 4, 0, 0x8f8f8f8f },  { 0x69, 1, 0x00, 0xfe },    { 0x6a, 2, 0, 0x00d1 },
		{ 0x70, 1, 0x00, 0xef },     { 0x76, 1, 0x00, 0x87 },    { 0x78, 2, 0, 0xffff },
		{ 0x80, 1, 0x00, 0x7f },     { 0x82, 1, 0x00, 0x0f },    { 0xa0, 1, 0x00, 0x1f },
		{ 0xa2, 2, 0x00, 0x01ff },   { 0xa4, 4, 0, 0xeffffffb }, { 0xaa, 2, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		set(*state, rows[i].offset, 0, rows[i].size);
		assert_int_equal(get(*state, rows[i].offset, rows[i].size), rows[i].zeros);
		set(*state, rows[i].offset, UINT32_MAX, rows[i].size);
		assert_int_equal(get(*state, rows[i].offset, rows[i].size), rows[i].ones);
	}
}

static void test_elcr(void **state)
{
	struct chip_bench *bench = ((struct fixture *)*state)->bench;

	assert_int_equal(bench_in16(bench, 0x4d0), 0);
	bench_out16(bench, 0x4d0, 0xffff);
	assert_int_equal(bench_in16(bench, 0x4d0), 0xdef8);
}

static void test_elcr_of_the_core_is_left_alone(void **state)
{
	struct chip_bench *bench = ((struct fixture *)*state)->bench;

	assert_int_equal(bench_in16(bench, 0x4d0), 0xffff);
}

static void test_reset_control(void **state)
{
	struct fixture *f = *state;
	struct i440fx_byte_port port = piix3_reset_control(&f->bridge);

	port.write(port.opaque, 0xff & ~0x04);
	assert_int_equal(port.read(port.opaque), 0x02);
	assert_int_equal(f->bench->requests, 0);
	port.write(port.opaque, 0x06);
	assert_int_equal(f->bench->requests, 1);
	assert_int_equal(f->bench->request, POWER_RESET);
	assert_string_equal(f->bench->cause, "port-cf9");
	port.write(port.opaque, 0x06);
	assert_int_equal(f->bench->requests, 1);
	port.write(port.opaque, 0x00);
	port.write(port.opaque, 0x04);
	assert_int_equal(f->bench->requests, 2);
}

static void test_isa_devices_share_a_wire(void **state)
{
	struct fixture *f = *state;
	struct irq_line *first = piix3_irq_input(&f->bridge, 4);
	struct irq_line *second = piix3_irq_input(&f->bridge, 4);

	irq_set(first, true);
	irq_set(second, true);
	irq_set(first, false);
	assert_int_equal(f->bench->gsi_levels, BIT(4));
	irq_set(second, false);
	assert_int_equal(f->bench->gsi_levels, 0);
}

static void test_unrouted_pin_reaches_the_io_apic_only(void **state)
{
	struct fixture *f = *state;

	pci_set_intx(&f->cards[0].function, true);
	assert_int_equal(f->bench->gsi_levels, BIT(16 + 3));
	pci_set_intx(&f->cards[2].function, true);
	assert_int_equal(f->bench->gsi_levels, BIT(16 + 3) | BIT(16 + 7));
	pci_set_intx(&f->cards[0].function, false);
	assert_int_equal(f->bench->gsi_levels, BIT(16 + 7));
}

static void test_link_follows_its_register(void **state)
{
	struct fixture *f = *state;

	set(f, 0x63, 11, 1);
	pci_set_intx(&f->cards[0].function, true);
	assert_int_equal(f->bench->gsi_levels, BIT(16 + 3) | BIT(11));
	set(f, 0x63, 10, 1);
	assert_int_equal(f->bench->gsi_levels, BIT(16 + 3) | BIT(10));
	set(f, 0x60, 10 | 5 << 8 | 3 << 16, 2);
	assert_int_equal(f->bench->gsi_levels, BIT(16 + 3) | BIT(10));
	set(f, 0x63, 0x80 | 10, 1);
	assert_int_equal(f->bench->gsi_levels, BIT(16 + 3));
	set(f, 0x63, 10, 1);
	f->bridge.device.class->reset(&f->bridge);
	assert_int_equal(f->bench->gsi_levels, BIT(16 + 3));
}

static void test_reserved_irqs_are_no_routes(void **state)
{
	static const uint8_t reserved[] = { 0, 1, 2, 8, 13 };
	struct fixture *f = *state;

	pci_set_intx(&f->cards[0].function, true);
	for (size_t i = 0; i < sizeof(reserved); i++) {
		set(f, 0x63, reserved[i], 1);
		assert_int_equal(piix3_link_irq(&f->bridge, 3), 0);
		assert_int_equal(f->bench->gsi_levels, BIT(16 + 3));
	}
}

static void test_link_is_high_while_any_source_is(void **state)
{
	struct fixture *f = *state;
	struct irq_line *isa = piix3_irq_input(&f->bridge, 11);

	set(f, 0x63, 11, 1);
	pci_set_intx(&f->cards[0].function, true);
	pci_set_intx(&f->cards[1].function, true);
	pci_set_intx(&f->cards[2].function, true);
	pci_set_intx(&f->cards[0].function, false);
	pci_set_intx(&f->cards[0].function, false);
	assert_int_equal(f->bench->gsi_levels, BIT(11) | BIT(19) | BIT(23));
	pci_set_intx(&f->cards[1].function, false);
	assert_int_equal(f->bench->gsi_levels, BIT(11) | BIT(23));
	irq_set(isa, true);
	pci_set_intx(&f->cards[2].function, false);
	assert_int_equal(f->bench->gsi_levels, BIT(11));
	irq_set(isa, false);
	assert_int_equal(f->bench->gsi_levels, 0);
}

static void test_disabled_intx_is_low(void **state)
{
	struct fixture *f = *state;

	pci_set_intx(&f->cards[0].function, true);
	bench_config_write(f->bench, 3, 0, PCI_COMMAND, PCI_COMMAND_INTX_DISABLE, 2);
	assert_int_equal(f->bench->gsi_levels, 0);
	bench_config_write(f->bench, 3, 0, PCI_COMMAND, 0, 2);
	assert_int_equal(f->bench->gsi_levels, BIT(19));
}

static void test_core_is_told_of_links(void **state)
{
	struct fixture *f = *state;

	set(f, 0x60, 0x0b0b0a05, 4);
	assert_int_equal(f->link_calls, 4);
	assert_int_equal(f->links[0], 5);
	assert_int_equal(f->links[1], 10);
	assert_int_equal(f->links[3], 11);
	set(f, 0x60, 0x0b0b0a05, 4);
	assert_int_equal(f->link_calls, 4);
	pci_set_intx(&f->cards[0].function, true);
	assert_int_equal(f->bench->gsi_levels, 0);
	f->bridge.device.class->reset(&f->bridge);
	assert_int_equal(f->link_calls, 8);
	assert_int_equal(f->links[3], 0);
}

static void test_load_drives_lines_again(void **state)
{
	struct fixture *f = *state;

	set(f, 0x63, 11, 1);
	pci_set_intx(&f->cards[0].function, true);
	f->bench->gsi_levels = 0; /* as a fresh core sees it */
	assert_true(bench_round_trip(&f->bridge.device));
	assert_int_equal(f->bench->gsi_levels, BIT(11) | BIT(19));
	f->cards[0].state.intx_level = false;
	assert_true(bench_round_trip(&f->bridge.device));
	assert_int_equal(f->bench->gsi_levels, 0);
	f->bridge.state.elcr[0] = 1;
	assert_true(bench_refuses_state(&f->bridge.device));
}

#define TEST(name)             cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define TEST_CORE_ROUTES(name) cmocka_unit_test_setup_teardown(name, set_up_core_routes, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_defaults),
		TEST(test_writable_bits),
		TEST(test_elcr),
		TEST_CORE_ROUTES(test_elcr_of_the_core_is_left_alone),
		TEST(test_reset_control),
		TEST(test_isa_devices_share_a_wire),
		TEST(test_unrouted_pin_reaches_the_io_apic_only),
		TEST(test_link_follows_its_register),
		TEST(test_reserved_irqs_are_no_routes),
		TEST(test_link_is_high_while_any_source_is),
		TEST(test_disabled_intx_is_low),
		TEST_CORE_ROUTES(test_core_is_told_of_links),
		TEST(test_load_drives_lines_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
