// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A Cirrus card under hostile ports, memory and BARs, drawn for a viewer in between. Blits are
 * started from registers filled at random; the memory has exactly the chip's size.
 * What a guest brought about must pass the check that a saved state passes, and be loadable.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "bus/pci_bus.h"
#include "vga/cirrus.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum op {
	OP_SEQUENCER,
	OP_GRAPHICS,
	OP_CRTC,
	OP_PORT_WRITE,
	OP_PORT_READ,
	OP_BLIT,
	OP_BLIT_DATA,
	OP_WINDOW_WRITE,
	OP_WINDOW_READ,
	OP_BAR_0_WRITE,
	OP_BAR_0_READ,
	OP_BAR_1_WRITE,
	OP_BAR_1_READ,
	OP_DRAW,
	OP_STEP,
	OP_PEEK,
	OP_RELOAD,
	OP_CONFIG,
	OP_RESET,
	OP_COUNT,
};

enum {
	LFB = 0x40000000,
	MMIO = 0x50000000,
	DEVFN = 3 << 3,
	MAX_DRAWS = 3,    /* large screens take a while */
	MAX_LINES = 1024, /* of blits; so do they */
	BLIT_REGISTERS = 0x22,
};

struct input {
	const uint8_t *bytes;
	size_t count;
};

struct target {
	struct clock clock;
	struct display display;
	struct display_listener viewer;
	struct io_space ports, memory;
	struct pci_bus bus;
	struct cirrus card;
	struct device_list list;
	unsigned draws, lines;
};

static uint8_t memory[CIRRUS_MEMORY_BYTES] __attribute__((aligned(4096)));

static bool fetch_dirty(void *opaque, unsigned long *bitmap)
{
	struct target *t = opaque;

	memset(bitmap, (int)(t->draws * 37), CIRRUS_MEMORY_BYTES / 4096 / 8);
	return t->draws % 3 != 0;
}

static uint8_t take(struct input *in)
{
	if (in->count == 0)
		return 0;
	in->count--;
	return *in->bytes++;
}

static uint32_t take_number(struct input *in, unsigned bytes)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value = value << 8 | take(in);
	return value;
}

static void check_damage(void *opaque, struct display_rect r)
{
	const struct display_surface *s = &((struct target *)opaque)->display.surface;

	if (r.width == 0 || r.height == 0 || r.x + r.width > s->width || r.y + r.height > s->height)
		abort();
}

static void start(struct target *t)
{
	struct video_ram vram = { .host = memory,
				  .bytes = CIRRUS_MEMORY_BYTES,
				  .in_pieces = true,
				  .opaque = t,
				  .fetch_dirty = fetch_dirty };
	struct cirrus_config config = { .slot = 3 };

	clock_init(&t->clock, NULL, NULL);
	clock_set_manual(&t->clock);
	display_init(&t->display);
	io_space_init(&t->ports, "ports", 0x10000);
	io_space_init(&t->memory, "memory", UINT64_C(1) << 36);
	pci_bus_init(&t->bus, &t->ports, &t->memory, &(struct pci_intx_sink){ 0 });
	if (cirrus_init(&t->card, &t->bus, &t->clock, &t->display, &vram, &config, NULL) != 0)
		abort();
	device_list_init(&t->list);
	device_add(&t->list, &t->card.device);
	pci_bus_config_write(&t->bus, DEVFN, PCI_BASE_ADDRESS_0, (uint32_t)LFB, 4);
	pci_bus_config_write(&t->bus, DEVFN, PCI_BASE_ADDRESS_0 + 4, (uint32_t)MMIO, 4);
	pci_bus_config_write(&t->bus, DEVFN, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	t->viewer = (struct display_listener){ .opaque = t, .damaged = check_damage };
	display_add_listener(&t->display, &t->viewer);
	display_set_watching(&t->display, &t->viewer, true);
}

/* Saves, and loads what was saved. */
static void reload(struct target *t)
{
	struct state_writer writer;

	state_writer_init(&writer);
	device_save_all(&t->list, &writer);
	if (writer.failed || device_load_all(&t->list, writer.bytes, writer.length, NULL) != 0)
		abort();
	state_writer_finish(&writer);
}

static void finish(struct target *t)
{
	reload(t);
	display_remove_listener(&t->display, &t->viewer);
	t->card.device.class->finish(&t->card);
	display_finish(&t->display);
	io_space_finish(&t->ports);
	io_space_finish(&t->memory);
}

static void draw(struct target *t)
{
	if (t->draws++ < MAX_DRAWS)
		display_refresh(&t->display, false);
}

static void set_register(struct target *t, unsigned offset, uint8_t value)
{
	io_write(&t->memory, MMIO + CIRRUS_BAR_1_BLT + offset, value, 1);
}

/* All of the blitter's registers, then the start. The height is cut while there is no budget. */
static void blit(struct target *t, struct input *in)
{
	uint8_t high = take(in) & 1;

	for (unsigned i = 0; i < BLIT_REGISTERS; i++) {
		if (i != 0x12) /* autostart */
			set_register(t, i, take(in));
	}
	t->lines += 256u + 256u * high;
	if (t->lines > MAX_LINES)
		set_register(t, 0x0a, 0);
	set_register(t, 0x0b, t->lines > MAX_LINES ? 0 : high);
	set_register(t, CIRRUS_MMIO_CONTROL, 0);
	set_register(t, CIRRUS_MMIO_CONTROL, CIRRUS_BLT_START);
}

static void blit_data(struct target *t, struct input *in)
{
	unsigned count = take_number(in, 2) % 1024;
	uint64_t value = take_number(in, 4) * UINT64_C(0x100000001);

	for (unsigned i = 0; i < count; i++)
		io_write(&t->memory, LFB + CIRRUS_BLT_APERTURE, value, 8);
}

/* Near the ends of the memory and of its views as often as anywhere. */
static uint64_t frame_buffer_address(struct input *in)
{
	uint32_t address = take_number(in, 4) % (CIRRUS_BAR_0_BYTES - 8);

	if (address & 1)
		address = (address & 0x1c00000) + 0x400000 - (address >> 1 & 0x1ff);
	return LFB + address;
}

static uint64_t window_address(struct input *in)
{
	return VGA_WINDOW_BASE + (take_number(in, 3) & 0x1ffff);
}

/* Reads as REP MOVS does, until banks may be direct: they lie in memory and show what the registers
 * say. */
static void read_bank(struct target *t, uint64_t address)
{
	const struct io_window *window;
	uint64_t value;

	for (unsigned i = 0; i < CIRRUS_BANK_ACCESSES; i++)
		io_read(&t->memory, address, 8);
	window = io_find(&t->memory, address);
	if (!window || window->ops)
		return;
	if (window->host < memory || window->host + window->size > memory + sizeof(memory))
		abort();
	if (!cirrus_window_read(&t->card, (uint32_t)(address - VGA_WINDOW_BASE), 1, &value) ||
	    value != io_read(&t->memory, address, 1))
		abort();
}

static uint16_t vga_port(uint8_t byte)
{
	return (uint16_t)(VGA_PORT_FIRST + byte % (VGA_PORT_LAST - VGA_PORT_FIRST + 1));
}

/* Heights of blits count towards the budget whatever way they are written. */
static bool may_start(struct target *t, uint16_t port, uint32_t word)
{
	uint8_t index = word & CIRRUS_GFX_INDEX_MASK;

	if (port != VGA_GRAPHICS_INDEX ||
	    (index != CIRRUS_GFX_BLT_CONTROL && index != CIRRUS_GFX_BLT_DESTINATION_2))
		return true;
	t->lines += 256;
	return t->lines <= MAX_LINES;
}

static void write_indexed(struct target *t, uint16_t port, struct input *in)
{
	uint32_t word = take_number(in, 2);

	if (may_start(t, port, word))
		io_write(&t->ports, port, word, 2);
}

static void bar_1_write(struct target *t, struct input *in, unsigned size)
{
	uint32_t offset = take_number(in, 2) & 0xff8;

	t->lines += 256;
	if (t->lines <= MAX_LINES)
		io_write(&t->memory, MMIO + offset, take_number(in, 4), size);
}

static void config_write(struct target *t, struct input *in)
{
	static const uint8_t offsets[] = { PCI_COMMAND, PCI_BASE_ADDRESS_0,
					   PCI_BASE_ADDRESS_0 + 4 };
	uint8_t offset = offsets[take(in) % 3];

	pci_bus_config_write(&t->bus, DEVFN, offset, take_number(in, 4), 4);
	pci_bus_config_write(&t->bus, DEVFN, PCI_BASE_ADDRESS_0, (uint32_t)LFB, 4);
	pci_bus_config_write(&t->bus, DEVFN, PCI_BASE_ADDRESS_0 + 4, (uint32_t)MMIO, 4);
	pci_bus_config_write(&t->bus, DEVFN, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
}

static void run_access(struct target *t, struct input *in, enum op op, unsigned size)
{
	switch (op) {
	case OP_WINDOW_WRITE:
		t->lines += 16; /* registers may be there */
		if (t->lines <= MAX_LINES)
			io_write(&t->memory, window_address(in), take_number(in, 4), size);
		break;
	case OP_WINDOW_READ:
		if (size == 8)
			read_bank(t, window_address(in));
		else
			io_read(&t->memory, window_address(in), size);
		break;
	case OP_BAR_0_WRITE:
		t->lines += 16;
		if (t->lines <= MAX_LINES)
			io_write(&t->memory, frame_buffer_address(in), take_number(in, 4), size);
		break;
	case OP_BAR_0_READ:
		io_read(&t->memory, frame_buffer_address(in), size);
		break;
	case OP_BAR_1_WRITE:
		bar_1_write(t, in, size);
		break;
	case OP_BAR_1_READ:
		io_read(&t->memory, MMIO + take_number(in, 2) % 0xff8, size);
		break;
	case OP_PEEK:
		io_peek(&t->ports, vga_port(take(in)), 1);
		io_peek(&t->memory, window_address(in), size);
		io_peek(&t->memory, frame_buffer_address(in), size);
		break;
	default:
		break;
	}
}

static void run(struct target *t, struct input *in, uint8_t byte)
{
	switch (byte % OP_COUNT) {
	case OP_SEQUENCER:
		write_indexed(t, VGA_SEQUENCER_INDEX, in);
		break;
	case OP_GRAPHICS:
		write_indexed(t, VGA_GRAPHICS_INDEX, in);
		break;
	case OP_CRTC:
		io_write(&t->ports, VGA_MISC_WRITE, VGA_MISC_COLOUR | VGA_MISC_RAM_ENABLE, 1);
		write_indexed(t, VGA_CRTC_INDEX, in);
		break;
	case OP_PORT_WRITE:
		byte = take(in);
		if (vga_port(byte) != VGA_GRAPHICS_DATA)
			io_write(&t->ports, vga_port(byte), take(in), 1);
		break;
	case OP_PORT_READ:
		io_read(&t->ports, vga_port(take(in)), 1);
		break;
	case OP_BLIT:
		blit(t, in);
		break;
	case OP_BLIT_DATA:
		blit_data(t, in);
		break;
	case OP_DRAW:
		draw(t);
		break;
	case OP_STEP:
		clock_step_to(&t->clock,
			      clock_now_ns(&t->clock) + (take_number(in, 2) + 1) * NS_PER_US);
		break;
	case OP_RELOAD:
		reload(t);
		break;
	case OP_CONFIG:
		config_write(t, in);
		break;
	case OP_RESET:
		t->card.device.class->reset(&t->card);
		break;
	default:
		run_access(t, in, byte % OP_COUNT, 1u << (byte >> 6));
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct target *t = calloc(1, sizeof(*t));
	struct input in = { data, size };

	if (!t)
		abort();
	start(t);
	while (in.count > 0) {
		uint8_t byte = take(&in);

		run(t, &in, byte);
	}
	display_refresh(&t->display, true);
	finish(t);
	free(t);
	return 0;
}
