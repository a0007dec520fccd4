// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The standard VGA under hostile ports, memory and PCI BARs, drawn for a viewer in between. Video
 * RAM is the smallest there is, so that its ends are near. What a guest brought about must pass the
 * check that a saved state passes.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "bus/pci_bus.h"
#include "vga/stdvga.h"
#include "vga/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum op {
	OP_PORT_WRITE,
	OP_PORT_READ,
	OP_INDEXED_WRITE, /* a word: index and data */
	OP_ATTRIBUTE_WRITE,
	OP_VBE_WRITE,
	OP_MEMORY_WRITE,
	OP_MEMORY_READ,
	OP_BAR_WRITE,
	OP_BAR_READ,
	OP_DRAW,
	OP_STEP,
	OP_WATCH,
	OP_PEEK,
	OP_RESET,
	OP_COUNT,
};

enum {
	VRAM_BYTES = 1 << 20,
	MMIO_BASE = 0x50000000,
	MAX_DRAWS = 12, /* large screens take a while */
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
	struct stdvga card;
	unsigned draws;
};

/* Memory that the dirty log is played on: page n is dirty if bit n of a counter's pattern says so.
 */
static uint8_t vram_bytes[VRAM_BYTES] __attribute__((aligned(4096)));

static bool fetch_dirty(void *opaque, unsigned long *bitmap)
{
	struct target *t = opaque;

	memset(bitmap, (int)(t->draws * 37), VRAM_BYTES / 4096 / 8);
	return t->draws % 3 != 0;
}

static uint8_t take(struct input *in)
{
	if (in->count == 0)
		return 0;
	in->count--;
	return *in->bytes++;
}

static uint16_t take_word(struct input *in)
{
	uint8_t low = take(in);

	return (uint16_t)(low | take(in) << 8);
}

static void check_damage(void *opaque, struct display_rect r)
{
	const struct display_surface *s = &((struct target *)opaque)->display.surface;

	if (r.width == 0 || r.height == 0 || r.x + r.width > s->width || r.y + r.height > s->height)
		abort();
}

static void start(struct target *t)
{
	struct video_ram vram = {
		.host = vram_bytes, .bytes = VRAM_BYTES, .opaque = t, .fetch_dirty = fetch_dirty
	};
	struct stdvga_config config = { .slot = 3 };

	memset(vram_bytes, 0, sizeof(vram_bytes));
	clock_init(&t->clock, NULL, NULL);
	clock_set_manual(&t->clock);
	display_init(&t->display);
	io_space_init(&t->ports, "ports", 0x10000);
	io_space_init(&t->memory, "memory", UINT64_C(1) << 36);
	pci_bus_init(&t->bus, &t->ports, &t->memory, &(struct pci_intx_sink){ 0 });
	if (stdvga_init(&t->card, &t->bus, &t->clock, &t->display, &vram, &config, NULL) != 0)
		abort();
	pci_bus_config_write(&t->bus, 3 << 3, PCI_BASE_ADDRESS_0 + 8, (uint32_t)MMIO_BASE, 4);
	pci_bus_config_write(&t->bus, 3 << 3, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	t->viewer = (struct display_listener){ .opaque = t, .damaged = check_damage };
	display_add_listener(&t->display, &t->viewer);
	display_set_watching(&t->display, &t->viewer, true);
}

static void finish(struct target *t)
{
	if (vga_after_load(&t->card.vga, NULL) != 0)
		abort();
	display_remove_listener(&t->display, &t->viewer);
	t->card.device.class->finish(&t->card);
	display_finish(&t->display);
	io_space_finish(&t->ports);
	io_space_finish(&t->memory);
}

static uint16_t vga_port(uint8_t byte)
{
	return (uint16_t)(VGA_PORT_FIRST + byte % (VGA_PORT_LAST - VGA_PORT_FIRST + 1));
}

static void write_indexed(struct target *t, struct input *in)
{
	static const uint16_t ports[4] = {
		VGA_SEQUENCER_INDEX,
		VGA_GRAPHICS_INDEX,
		VGA_CRTC_INDEX,
		VGA_CRTC_INDEX_MONO,
	};
	uint16_t port = ports[take(in) % 4];

	io_write(&t->ports, port, take_word(in), 2);
}

static void write_attribute(struct target *t, struct input *in)
{
	io_read(&t->ports, VGA_INPUT_STATUS_1, 1);
	io_write(&t->ports, VGA_ATTRIBUTE_INDEX, take(in), 1);
	io_write(&t->ports, VGA_ATTRIBUTE_INDEX, take(in), 1);
}

static void write_vbe(struct target *t, struct input *in)
{
	io_write(&t->ports, VBE_PORT_INDEX, take(in) % (VBE_INDEX_COUNT + 1), 2);
	io_write(&t->ports, VBE_PORT_DATA, take_word(in), 2);
}

static uint64_t window_address(struct input *in)
{
	return VGA_WINDOW_BASE + (uint64_t)take_word(in) * 2 + (take(in) & 1);
}

static void draw(struct target *t)
{
	static struct vga_text_screen text;

	if (t->draws++ >= MAX_DRAWS)
		return;
	display_refresh(&t->display, false);
	vga_text_snapshot(&t->card.vga, &text);
}

static void run(struct target *t, struct input *in, uint8_t byte)
{
	unsigned size = 1u << (byte >> 6);

	switch (byte % OP_COUNT) {
	case OP_PORT_WRITE:
		io_write(&t->ports, vga_port(take(in)), take(in), 1);
		break;
	case OP_PORT_READ:
		io_read(&t->ports, vga_port(take(in)), size);
		break;
	case OP_INDEXED_WRITE:
		write_indexed(t, in);
		break;
	case OP_ATTRIBUTE_WRITE:
		write_attribute(t, in);
		break;
	case OP_VBE_WRITE:
		write_vbe(t, in);
		break;
	case OP_MEMORY_WRITE:
		io_write(&t->memory, window_address(in), take_word(in) * UINT64_C(0x1000200040001),
			 size);
		break;
	case OP_MEMORY_READ:
		io_read(&t->memory, window_address(in), size);
		break;
	case OP_BAR_WRITE:
		io_write(&t->memory, MMIO_BASE + (take_word(in) & 0xfff), take_word(in), size);
		break;
	case OP_BAR_READ:
		io_read(&t->memory, MMIO_BASE + (take_word(in) & 0xfff), size);
		break;
	case OP_DRAW:
		draw(t);
		break;
	case OP_STEP:
		clock_step_to(&t->clock, clock_now_ns(&t->clock) + (take_word(in) + 1) * NS_PER_MS);
		break;
	case OP_WATCH:
		display_set_watching(&t->display, &t->viewer, !t->viewer.watching);
		break;
	case OP_PEEK:
		io_peek(&t->ports, vga_port(take(in)), size);
		io_peek(&t->memory, window_address(in), size);
		break;
	default:
		t->card.device.class->reset(&t->card);
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
	display_set_watching(&t->display, &t->viewer, true);
	display_refresh(&t->display, true);
	finish(t);
	free(t);
	return 0;
}
