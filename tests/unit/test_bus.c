// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "bus/io.h"
#include "bus/irq.h"
#include "bus/pci_bus.h"
#include "bus/ram.h"

/* A device that remembers its accesses. */
struct probe {
	struct io_window window;
	uint8_t bytes[16];
	unsigned accesses, last_size, blocks;
	uint64_t last_offset;
};

static uint64_t probe_read(void *opaque, uint64_t offset, unsigned size)
{
	struct probe *probe = opaque;

	probe->accesses++;
	probe->last_offset = offset;
	probe->last_size = size;
	return load_le(probe->bytes + offset, size);
}

static void probe_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
	struct probe *probe = opaque;

	probe->accesses++;
	probe->last_offset = offset;
	probe->last_size = size;
	store_le(probe->bytes + offset, size, value);
}

/* Takes two items of a block, then declines. */
static size_t probe_read_block(void *opaque, uint64_t offset, void *data, unsigned size,
			       size_t count)
{
	struct probe *probe = opaque;
	size_t done = min_size(count, 2);

	(void)offset;
	probe->blocks++;
	memset(data, 0xbb, done * size);
	return done;
}

static const struct io_ops probe_ops = {
	.read = probe_read, .write = probe_write, .read_block = probe_read_block, .max_size = 2
};

static void probe_init(struct probe *probe)
{
	*probe = (struct probe){ 0 };
	io_window_init(&probe->window, "probe", &probe_ops, probe, 16);
	for (unsigned i = 0; i < 16; i++)
		probe->bytes[i] = (uint8_t)(0x10 + i);
}

static void empty_addresses_read_as_ones(void **state)
{
	struct io_space space;

	(void)state;
	io_space_init(&space, "test", 0x10000);
	assert_int_equal(io_read(&space, 0x60, 1), 0xff);
	assert_int_equal(io_read(&space, 0xfffe, 4), 0xffffffff);
	io_write(&space, 0x60, 1, 1);
	assert_int_equal(space.unclaimed, 3);
	io_space_finish(&space);
}

static void wide_accesses_are_split(void **state)
{
	struct io_space space;
	struct probe probe;

	(void)state;
	io_space_init(&space, "test", 0x10000);
	probe_init(&probe);
	assert_int_equal(io_map(&space, &probe.window, 0x100), 0);
	assert_int_equal(io_read(&space, 0x104, 4), 0x17161514);
	assert_int_equal(probe.accesses, 2);
	assert_int_equal(probe.last_size, 2);
	assert_int_equal(probe.last_offset, 6);
	io_write(&space, 0x108, 0x11223344, 4);
	assert_int_equal(load_le32(probe.bytes + 8), 0x11223344);
	/* The last byte of the window and the three behind it. */
	assert_int_equal(io_read(&space, 0x10f, 4), 0xffffff1f);
	assert_int_equal(io_read(&space, 0xff, 2), 0x10ff);
	io_unmap(&probe.window);
	assert_int_equal(io_read(&space, 0x104, 4), 0xffffffff);
	io_space_finish(&space);
}

static void a_block_goes_on_with_single_accesses(void **state)
{
	struct io_space space;
	struct probe probe;
	uint8_t data[8];

	(void)state;
	io_space_init(&space, "test", 0x10000);
	probe_init(&probe);
	assert_int_equal(io_map(&space, &probe.window, 0), 0);
	io_read_block(&space, 2, data, 2, 4);
	assert_int_equal(probe.blocks, 1);
	assert_int_equal(probe.accesses, 2);
	assert_int_equal(load_le16(data + 2), 0xbbbb);
	assert_int_equal(load_le16(data + 6), 0x1312);
	io_unmap(&probe.window);
	io_space_finish(&space);
}

static void overlaps_are_refused(void **state)
{
	struct io_space space;
	struct probe a, b;

	(void)state;
	io_space_init(&space, "test", 0x10000);
	probe_init(&a);
	probe_init(&b);
	assert_int_equal(io_map(&space, &a.window, 0x100), 0);
	assert_int_equal(io_map(&space, &b.window, 0x10f), -17);
	assert_int_equal(io_map(&space, &b.window, 0xf1), -17);
	assert_int_equal(io_map(&space, &b.window, 0x100), -17);
	assert_int_equal(io_map(&space, &b.window, 0xfff1), -34);
	assert_int_equal(io_map(&space, &b.window, 0xf0), 0);
	assert_ptr_equal(io_find(&space, 0xff), &b.window);
	assert_ptr_equal(io_find(&space, 0x100), &a.window);
	assert_null(io_find(&space, 0x110));
	io_unmap(&a.window);
	io_unmap(&a.window);
	io_unmap(&b.window);
	assert_int_equal(space.count, 0);
	io_space_finish(&space);
}

static void direct_windows_are_memory(void **state)
{
	static uint8_t ram[4096], rom[4096], shadow[4096];
	struct io_window ram_window, rom_window;
	struct io_space space;
	uint8_t data[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

	(void)state;
	io_space_init(&space, "test", UINT64_C(1) << 40);
	io_window_init_direct(&ram_window, "ram", ram, sizeof(ram), false);
	io_window_init_direct(&rom_window, "rom", rom, sizeof(rom), true);
	assert_int_equal(io_map(&space, &ram_window, 0), 0);
	assert_int_equal(io_map(&space, &rom_window, 4096), 0);
	io_write_bytes(&space, 4092, data, 8);
	assert_int_equal(load_le32(ram + 4092), 0x04030201);
	assert_int_equal(load_le32(rom), 0);
	rom_window.shadow = shadow;
	io_write_bytes(&space, 4092, data, 8);
	io_write(&space, 4104, 0x55, 1);
	assert_int_equal(load_le32(shadow), 0x08070605);
	assert_int_equal(shadow[8], 0x55);
	assert_int_equal(io_read(&space, 4092, 8), 0x04030201);
	io_unmap(&ram_window);
	io_unmap(&rom_window);
	io_space_finish(&space);
}

static unsigned wire_changes;

static void count_change(void *opaque, unsigned number, bool level)
{
	(void)number;
	*(bool *)opaque = level;
	wire_changes++;
}

static void a_group_maps_its_parts(void **state)
{
	static uint8_t memory[8192] __attribute__((aligned(4096)));
	struct io_window direct, trapped, rest, group, other;
	struct io_part parts[] = {
		{ &direct, 0, true },
		{ &trapped, 0, false },
		{ &rest, 4096, true },
	};
	static const struct io_ops silent = { .max_size = 1 };
	struct io_space space;

	(void)state;
	io_space_init(&space, "memory", 0x100000);
	io_window_init_direct(&direct, "direct", memory, 4096, false);
	io_window_init(&trapped, "trapped", &silent, NULL, 4096);
	io_window_init(&rest, "rest", &silent, NULL, 4096);
	io_window_init(&other, "other", &silent, NULL, 16);
	io_window_init_group(&group, "group", parts, ARRAY_SIZE(parts), 16384);
	assert_int_equal(io_map(&space, &other, 0x13000), 0);
	/* All of its range is the group's, also where no part is. */
	assert_int_equal(io_map(&space, &group, 0x10000), -EEXIST);
	assert_null(io_find(&space, 0x10000));
	io_unmap(&other);
	assert_int_equal(io_map(&space, &group, 0x10000), 0);
	assert_ptr_equal(io_find(&space, 0x10fff), &direct);
	assert_ptr_equal(io_find(&space, 0x11000), &rest);
	assert_null(io_find(&space, 0x12000));
	assert_int_equal(io_group_switch(&group, 0, false), 0);
	assert_int_equal(io_group_switch(&group, 1, true), 0);
	assert_ptr_equal(io_find(&space, 0x10000), &trapped);
	io_unmap(&group);
	assert_int_equal(space.count, 0);
	/* What is switched while the group is away is so when it comes back. */
	assert_int_equal(io_group_switch(&group, 1, false), 0);
	assert_int_equal(io_group_switch(&group, 0, true), 0);
	assert_int_equal(io_map(&space, &group, 0x20000), 0);
	assert_ptr_equal(io_find(&space, 0x20000), &direct);
	io_unmap(&group);
	io_space_finish(&space);
}

static void ignore_window(void *opaque, struct io_window *window)
{
	(void)opaque;
	(void)window;
}

static void unmap_another(void *opaque, struct io_window *window)
{
	struct io_window *other = opaque;

	if (window != other)
		io_unmap(other);
}

/* As a device does that is given collected writes while its window leaves. */
static void listeners_may_move_others(void **state)
{
	static const struct io_ops silent = { .max_size = 1 };
	struct io_window windows[3];
	struct io_space space;
	struct io_listener listener = { .opaque = &windows[0],
					.mapped = ignore_window,
					.unmapped = unmap_another };

	(void)state;
	io_space_init(&space, "memory", 0x100000);
	for (unsigned i = 0; i < ARRAY_SIZE(windows); i++) {
		io_window_init(&windows[i], "window", &silent, NULL, 16);
		assert_int_equal(io_map(&space, &windows[i], i * 16), 0);
	}
	io_space_set_listener(&space, &listener);
	io_unmap(&windows[1]);
	assert_int_equal(space.count, 1);
	assert_null(io_find(&space, 0));
	assert_null(io_find(&space, 16));
	assert_ptr_equal(io_find(&space, 32), &windows[2]);
	io_unmap(&windows[2]);
	io_space_finish(&space);
}

static void shared_wires_are_high_while_any_input_is(void **state)
{
	struct irq_line output, a, b;
	struct irq_share share;
	bool level = false;

	(void)state;
	wire_changes = 0;
	irq_init(&output, count_change, &level, 5);
	irq_share_init(&share, &output);
	irq_share_connect(&share, &a, 0);
	irq_share_connect(&share, &b, 31);
	irq_set(&a, true);
	irq_set(&b, true);
	irq_set(&a, false);
	assert_true(level);
	irq_set(&b, false);
	assert_false(level);
	assert_int_equal(wire_changes, 2);
	irq_pulse(&a);
	assert_int_equal(wire_changes, 4);
	irq_set(NULL, true);
}

/* A PCI card with a memory BAR. */
struct card {
	struct pci_state state;
	struct pci_function function;
	struct io_window window;
	uint8_t memory[4096];
};

static const struct pci_identity card_identity = {
	.name = "card", .vendor = 0x1234, .device = 0x5678, .class = 0x0200, .interrupt_pin = 1
};

static void card_init(struct card *card, struct pci_bus *bus)
{
	memset(card, 0, sizeof(*card));
	io_window_init_direct(&card->window, "card", card->memory, sizeof(card->memory), false);
	pci_function_init(&card->function, &card->state, &card_identity, NULL, 0, card);
	pci_function_set_bar(&card->function, 0, &card->window, PCI_BAR_PREFETCH);
	assert_int_equal(pci_bus_plug(bus, &card->function, -1, 0, NULL), 0);
}

struct intx {
	unsigned slot, pin;
	bool level;
};

static void see_intx(void *opaque, unsigned slot, unsigned pin, bool level)
{
	*(struct intx *)opaque = (struct intx){ slot, pin, level };
}

struct pci_bench {
	struct io_space ports, memory;
	struct pci_bus bus;
	struct intx intx;
};

static void bench_init(struct pci_bench *bench)
{
	const struct pci_intx_sink sink = { &bench->intx, see_intx };

	memset(bench, 0, sizeof(*bench));
	io_space_init(&bench->ports, "ports", 0x10000);
	io_space_init(&bench->memory, "memory", UINT64_C(1) << 40);
	pci_bus_init(&bench->bus, &bench->ports, &bench->memory, &sink);
}

static void bars_are_sized_and_move(void **state)
{
	struct pci_bench bench;
	struct card card;

	(void)state;
	bench_init(&bench);
	card_init(&card, &bench.bus);
	assert_int_equal(pci_bus_config_read(&bench.bus, 3 << 3, PCI_VENDOR_ID, 4), 0x56781234);
	assert_int_equal(pci_bus_config_read(&bench.bus, 4 << 3, PCI_VENDOR_ID, 4), 0xffffffff);
	assert_int_equal(pci_bus_config_read(&bench.bus, 3 << 3, PCI_SUBSYSTEM_VENDOR_ID, 4),
			 0x11001af4);
	pci_bus_config_write(&bench.bus, 3 << 3, PCI_BASE_ADDRESS_0, 0xffffffff, 4);
	assert_int_equal(pci_bus_config_read(&bench.bus, 3 << 3, PCI_BASE_ADDRESS_0, 4),
			 0xfffff008);
	pci_bus_config_write(&bench.bus, 3 << 3, PCI_BASE_ADDRESS_0 + 4, 0xffffffff, 4);
	assert_int_equal(pci_bus_config_read(&bench.bus, 3 << 3, PCI_BASE_ADDRESS_0 + 4, 4), 0);
	pci_bus_config_write(&bench.bus, 3 << 3, PCI_BASE_ADDRESS_0, 0xf0000000, 4);
	assert_null(io_find(&bench.memory, 0xf0000000));
	pci_bus_config_write(&bench.bus, 3 << 3, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	assert_ptr_equal(io_find(&bench.memory, 0xf0000fff), &card.window);
	pci_bus_config_write(&bench.bus, 3 << 3, PCI_BASE_ADDRESS_0 + 2, 0xf100, 2);
	assert_null(io_find(&bench.memory, 0xf0000000));
	assert_ptr_equal(io_find(&bench.memory, 0xf1000000), &card.window);
	pci_bus_unplug(&card.function);
	assert_int_equal(bench.memory.count, 0);
	io_space_finish(&bench.memory);
}

static void a_bar_over_another_waits_for_its_place(void **state)
{
	struct pci_bench bench;
	struct card a, b;

	(void)state;
	bench_init(&bench);
	card_init(&a, &bench.bus);
	card_init(&b, &bench.bus);
	for (unsigned slot = 3; slot <= 4; slot++) {
		pci_bus_config_write(&bench.bus, slot << 3, PCI_BASE_ADDRESS_0, 0xf0000000, 4);
		pci_bus_config_write(&bench.bus, slot << 3, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	}
	assert_ptr_equal(io_find(&bench.memory, 0xf0000000), &a.window);
	assert_true(b.function.bars[0].waiting);
	pci_bus_config_write(&bench.bus, 3 << 3, PCI_BASE_ADDRESS_0, 0xf1000000, 4);
	assert_ptr_equal(io_find(&bench.memory, 0xf0000000), &b.window);
	assert_ptr_equal(io_find(&bench.memory, 0xf1000000), &a.window);
	pci_bus_unplug(&a.function);
	pci_bus_unplug(&b.function);
	io_space_finish(&bench.memory);
}

static void intx_follows_the_disable_bit(void **state)
{
	struct pci_bench bench;
	struct card card;

	(void)state;
	bench_init(&bench);
	card_init(&card, &bench.bus);
	pci_set_intx(&card.function, true);
	assert_true(bench.intx.level);
	assert_int_equal(bench.intx.slot, 3);
	assert_int_equal(bench.intx.pin, 0);
	assert_int_equal(pci_config_read(&card.function, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT,
			 PCI_STATUS_INTERRUPT);
	pci_config_write(&card.function, PCI_COMMAND, PCI_COMMAND_INTX_DISABLE, 2);
	assert_false(bench.intx.level);
	pci_config_write(&card.function, PCI_COMMAND, 0, 2);
	assert_true(bench.intx.level);
	pci_function_reset(&card.function);
	assert_false(bench.intx.level);
	pci_bus_unplug(&card.function);
}

/* RAM with a hole in its second page. */
static void *map_with_hole(void *opaque, uint64_t gpa, size_t *length, bool write)
{
	(void)write;
	if (gpa / 4096 == 1 || gpa >= 3 * 4096)
		return NULL;
	*length = min_size(*length, 4096 - (size_t)(gpa % 4096));
	return (uint8_t *)opaque + gpa;
}

static void unmap_nothing(void *opaque, void *host, size_t length, size_t written)
{
	(void)opaque;
	(void)host;
	(void)length;
	(void)written;
}

static void holes_in_ram_read_as_ones(void **state)
{
	static uint8_t memory[3 * 4096];
	const struct ram_ops ops = { map_with_hole, unmap_nothing };
	struct ram ram = { .ops = &ops, .opaque = memory };
	static uint8_t data[2 * 4096];

	(void)state;
	memset(memory, 0x11, sizeof(memory));
	assert_false(ram_read(&ram, 4000, data, sizeof(data)));
	assert_int_equal(data[0], 0x11);
	assert_int_equal(data[96], 0xff);
	assert_int_equal(data[96 + 4095], 0xff);
	assert_int_equal(data[96 + 4096], 0x11);
	memset(data, 0x22, sizeof(data));
	assert_false(ram_write(&ram, 4000, data, sizeof(data)));
	assert_int_equal(memory[4000], 0x22);
	assert_int_equal(memory[4096], 0x11);
	assert_int_equal(memory[8192], 0x22);
	assert_true(ram_read(&ram, 0, data, 4096));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_addresses_read_as_ones),
		cmocka_unit_test(wide_accesses_are_split),
		cmocka_unit_test(a_block_goes_on_with_single_accesses),
		cmocka_unit_test(overlaps_are_refused),
		cmocka_unit_test(direct_windows_are_memory),
		cmocka_unit_test(a_group_maps_its_parts),
		cmocka_unit_test(listeners_may_move_others),
		cmocka_unit_test(shared_wires_are_high_while_any_input_is),
		cmocka_unit_test(bars_are_sized_and_move),
		cmocka_unit_test(a_bar_over_another_waits_for_its_place),
		cmocka_unit_test(intx_follows_the_disable_bit),
		cmocka_unit_test(holes_in_ram_read_as_ones),
	};

	return cmocka_run_group_tests_name("bus", tests, NULL, NULL);
}
