// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A standard VGA or a Cirrus card on a bench: a PCI bus, a stepped clock, a display and a dirty log
 * that the test plays. Ports and memory are reached through the spaces, as a processor does.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/display.h"
#include "bus/io.h"
#include "bus/pci_bus.h"
#include "vga/cirrus.h"
#include "vga/stdvga.h"

enum {
	BENCH_VRAM = 1 << 20,
	BENCH_MAX_PAGES = CIRRUS_MEMORY_BYTES / 4096,
	BENCH_LFB = 0x40000000,
	BENCH_MMIO = 0x50000000,
	BENCH_DEVFN = 3 << 3,
};

struct bench {
	struct clock clock;
	struct display display;
	struct display_listener viewer;
	struct display_rect damaged; /* the union since bench_refresh began */
	unsigned damages, resizes;
	struct io_space ports, memory;
	struct pci_bus bus;
	/* One of them. */
	struct stdvga card;
	struct cirrus cirrus;
	struct device *device;
	uint8_t *vram;
	size_t vram_bytes;
	unsigned long dirty[BENCH_MAX_PAGES / (8 * sizeof(unsigned long))];
	bool logging;
};

static inline void bench_set_logging(void *opaque, bool on)
{
	struct bench *b = opaque;

	assert_int_not_equal(b->logging, on);
	b->logging = on;
}

static inline bool bench_fetch_dirty(void *opaque, unsigned long *bitmap)
{
	struct bench *b = opaque;

	assert_true(b->logging);
	memcpy(bitmap, b->dirty, b->vram_bytes / 4096 / 8);
	memset(b->dirty, 0, sizeof(b->dirty));
	return true;
}

static inline void bench_resized(void *opaque)
{
	struct bench *b = opaque;

	b->resizes++;
}

static inline void bench_damaged(void *opaque, struct display_rect r)
{
	struct bench *b = opaque;
	struct display_rect *u = &b->damaged;
	unsigned right, bottom;

	assert_true(r.width > 0 && r.height > 0);
	assert_true(r.x + r.width <= b->display.surface.width);
	assert_true(r.y + r.height <= b->display.surface.height);
	if (b->damages++ == 0) {
		*u = r;
		return;
	}
	right = u->x + u->width > r.x + r.width ? u->x + u->width : r.x + r.width;
	bottom = u->y + u->height > r.y + r.height ? u->y + u->height : r.y + r.height;
	u->x = u->x < r.x ? u->x : r.x;
	u->y = u->y < r.y ? u->y : r.y;
	u->width = right - u->x;
	u->height = bottom - u->y;
}

/* All but the card. */
static inline struct bench *bench_prepare(struct video_ram *vram, size_t bytes)
{
	struct bench *b = calloc(1, sizeof(*b));
	struct pci_intx_sink intx = { 0 };

	assert_non_null(b);
	*vram = (struct video_ram){
		.host = aligned_alloc(4096, bytes),
		.bytes = bytes,
		.opaque = b,
		.in_pieces = true,
		.set_logging = bench_set_logging,
		.fetch_dirty = bench_fetch_dirty,
	};
	assert_non_null(vram->host);
	b->vram = vram->host;
	b->vram_bytes = bytes;
	memset(b->vram, 0, bytes);
	clock_init(&b->clock, NULL, NULL);
	clock_set_manual(&b->clock);
	display_init(&b->display);
	io_space_init(&b->ports, "ports", 0x10000);
	io_space_init(&b->memory, "memory", UINT64_C(1) << 36);
	pci_bus_init(&b->bus, &b->ports, &b->memory, &intx);
	b->viewer = (struct display_listener){ .opaque = b,
					       .resized = bench_resized,
					       .damaged = bench_damaged };
	display_add_listener(&b->display, &b->viewer);
	return b;
}

static inline struct bench *bench_create(void)
{
	struct stdvga_config config = { .slot = 3 };
	struct video_ram vram;
	struct bench *b = bench_prepare(&vram, BENCH_VRAM);

	assert_int_equal(
		stdvga_init(&b->card, &b->bus, &b->clock, &b->display, &vram, &config, NULL), 0);
	b->device = &b->card.device;
	return b;
}

static inline struct bench *bench_create_cirrus(void)
{
	struct cirrus_config config = { .slot = 3 };
	struct video_ram vram;
	struct bench *b = bench_prepare(&vram, CIRRUS_MEMORY_BYTES);

	assert_int_equal(
		cirrus_init(&b->cirrus, &b->bus, &b->clock, &b->display, &vram, &config, NULL), 0);
	b->device = &b->cirrus.device;
	return b;
}

static inline void bench_destroy(struct bench *b)
{
	display_remove_listener(&b->display, &b->viewer);
	b->device->class->finish(b->device->self);
	assert_false(b->logging);
	display_finish(&b->display);
	io_space_finish(&b->ports);
	io_space_finish(&b->memory);
	free(b->vram);
	free(b);
}

static inline int bench_setup(void **state)
{
	*state = bench_create();
	return 0;
}

static inline int bench_setup_cirrus(void **state)
{
	*state = bench_create_cirrus();
	return 0;
}

static inline int bench_teardown(void **state)
{
	bench_destroy(*state);
	return 0;
}

#define BENCH_TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

#define CIRRUS_TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup_cirrus, bench_teardown)

static inline void out8(struct bench *b, uint16_t port, uint8_t value)
{
	io_write(&b->ports, port, value, 1);
}

static inline uint8_t in8(struct bench *b, uint16_t port)
{
	return (uint8_t)io_read(&b->ports, port, 1);
}

/* An index in the low byte and its data above, written as one word. */
static inline void out_indexed(struct bench *b, uint16_t port, uint8_t index, uint8_t value)
{
	io_write(&b->ports, port, (uint64_t)(value << 8 | index), 2);
}

static inline uint8_t in_indexed(struct bench *b, uint16_t port, uint8_t index)
{
	out8(b, port, index);
	return in8(b, (uint16_t)(port + 1));
}

static inline void out_attr(struct bench *b, uint8_t index, uint8_t value)
{
	in8(b, VGA_INPUT_STATUS_1);
	out8(b, VGA_ATTRIBUTE_INDEX, index);
	out8(b, VGA_ATTRIBUTE_INDEX, value);
}

static inline void out_vbe(struct bench *b, uint16_t index, uint16_t value)
{
	io_write(&b->ports, VBE_PORT_INDEX, index, 2);
	io_write(&b->ports, VBE_PORT_DATA, value, 2);
}

static inline uint16_t in_vbe(struct bench *b, uint16_t index)
{
	io_write(&b->ports, VBE_PORT_INDEX, index, 2);
	return (uint16_t)io_read(&b->ports, VBE_PORT_DATA, 2);
}

static inline void poke8(struct bench *b, uint32_t address, uint8_t value)
{
	io_write(&b->memory, address, value, 1);
}

static inline uint8_t peek8(struct bench *b, uint32_t address)
{
	return (uint8_t)io_read(&b->memory, address, 1);
}

/* A mode as the BIOS programs it. */
struct bench_mode {
	uint8_t misc;
	uint8_t seq[VGA_SEQ_COUNT];
	uint8_t crtc[VGA_CRTC_COUNT];
	uint8_t gfx[VGA_GFX_COUNT];
	uint8_t attr_mode, plane_enable, pan;
};

/* 80 x 25 text of 9 x 16. */
static const struct bench_mode mode_3 = {
	0x67,
	{ 0x03, 0x00, 0x03, 0x00, 0x02 },
	{ 0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00, 0x4f, 0x0d, 0x0e, 0x00,
	  0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff },
	{ 0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x0e, 0x0f, 0xff },
	0x0c,
	0x0f,
	0x08,
};
/* 320 x 200, CGA's four colours. */
static const struct bench_mode mode_4 = {
	0x63,
	{ 0x03, 0x09, 0x03, 0x00, 0x02 },
	{ 0x2d, 0x27, 0x28, 0x90, 0x2b, 0x80, 0xbf, 0x1f, 0x00, 0xc1, 0x00, 0x00, 0x00,
	  0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f, 0x14, 0x00, 0x96, 0xb9, 0xa2, 0xff },
	{ 0x00, 0x00, 0x00, 0x00, 0x00, 0x30, 0x0f, 0x0f, 0xff },
	0x01,
	0x03,
	0x00,
};
/* 640 x 200, two colours. */
static const struct bench_mode mode_6 = {
	0x63,
	{ 0x03, 0x01, 0x01, 0x00, 0x06 },
	{ 0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0x00, 0xc1, 0x00, 0x00, 0x00,
	  0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f, 0x28, 0x00, 0x96, 0xb9, 0xc2, 0xff },
	{ 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x0d, 0x0f, 0xff },
	0x01,
	0x01,
	0x00,
};
/* 640 x 480, sixteen colours. */
static const struct bench_mode mode_12 = {
	0xe3,
	{ 0x03, 0x01, 0x0f, 0x00, 0x06 },
	{ 0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0x0b, 0x3e, 0x00, 0x40, 0x00, 0x00, 0x00,
	  0x00, 0x00, 0x00, 0xea, 0x8c, 0xdf, 0x28, 0x00, 0xe7, 0x04, 0xe3, 0xff },
	{ 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, 0x0f, 0xff },
	0x01,
	0x0f,
	0x00,
};
/* 320 x 200, 256 colours, chain-4. */
static const struct bench_mode mode_13 = {
	0x63,
	{ 0x03, 0x01, 0x0f, 0x00, 0x0e },
	{ 0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0x00, 0x41, 0x00, 0x00, 0x00,
	  0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f, 0x28, 0x40, 0x96, 0xb9, 0xa3, 0xff },
	{ 0x00, 0x00, 0x00, 0x00, 0x00, 0x40, 0x05, 0x0f, 0xff },
	0x41,
	0x0f,
	0x00,
};

/* The colour that bench_set_mode gives to DAC entry 'index', as pixels show it. */
static inline uint32_t bench_colour(uint8_t index)
{
	uint32_t r = index & 0x3f, g = (index * 7u) & 0x3f, bl = 0x3fu - (index >> 2 & 0x3f);

	return (r << 2 | r >> 4) << 16 | (g << 2 | g >> 4) << 8 | (bl << 2 | bl >> 4);
}

static inline void bench_set_dac(struct bench *b)
{
	out8(b, VGA_DAC_WRITE_INDEX, 0);
	for (unsigned i = 0; i < 256; i++) {
		out8(b, VGA_DAC_DATA, (uint8_t)(i & 0x3f));
		out8(b, VGA_DAC_DATA, (uint8_t)((i * 7) & 0x3f));
		out8(b, VGA_DAC_DATA, (uint8_t)(0x3f - (i >> 2 & 0x3f)));
	}
}

/* Sets a mode; palette register n selects DAC entry n. */
static inline void bench_set_mode(struct bench *b, const struct bench_mode *mode)
{
	out8(b, VGA_MISC_WRITE, mode->misc);
	for (unsigned i = 0; i < VGA_SEQ_COUNT; i++)
		out_indexed(b, VGA_SEQUENCER_INDEX, (uint8_t)i, mode->seq[i]);
	out_indexed(b, VGA_CRTC_INDEX, VGA_CRTC_V_RETRACE_END, 0);
	for (unsigned i = 0; i < VGA_CRTC_COUNT; i++)
		out_indexed(b, VGA_CRTC_INDEX, (uint8_t)i, mode->crtc[i]);
	for (unsigned i = 0; i < VGA_GFX_COUNT; i++)
		out_indexed(b, VGA_GRAPHICS_INDEX, (uint8_t)i, mode->gfx[i]);
	for (unsigned i = 0; i < VGA_ATTR_PALETTE_COUNT; i++)
		out_attr(b, (uint8_t)i, (uint8_t)i);
	out_attr(b, VGA_ATTR_MODE, mode->attr_mode);
	out_attr(b, VGA_ATTR_OVERSCAN, 0);
	out_attr(b, VGA_ATTR_PLANE_ENABLE, mode->plane_enable);
	out_attr(b, VGA_ATTR_PAN, mode->pan);
	out_attr(b, VGA_ATTR_COLOUR_SELECT, 0);
	bench_set_dac(b);
	in8(b, VGA_INPUT_STATUS_1);
	out8(b, VGA_ATTRIBUTE_INDEX, VGA_ATTR_PALETTE_SOURCE);
}

static inline void bench_watch(struct bench *b)
{
	assert_int_equal(display_set_watching(&b->display, &b->viewer, true), 0);
}

static inline void bench_refresh(struct bench *b)
{
	b->damages = b->resizes = 0;
	b->damaged = (struct display_rect){ 0 };
	display_refresh(&b->display, false);
}

static inline uint32_t bench_pixel(const struct bench *b, unsigned x, unsigned y)
{
	const struct display_surface *s = &b->display.surface;

	assert_non_null(s->pixels);
	assert_true(x < s->width && y < s->height);
	return s->pixels[y * s->stride + x];
}

#define assert_damage(b, X, Y, W, H)                      \
	do {                                              \
		assert_int_equal((b)->damaged.x, X);      \
		assert_int_equal((b)->damaged.y, Y);      \
		assert_int_equal((b)->damaged.width, W);  \
		assert_int_equal((b)->damaged.height, H); \
	} while (0)

/* A Cirrus card's BARs 0 and 1. */
static inline void bench_map_cirrus(struct bench *b)
{
	pci_bus_config_write(&b->bus, BENCH_DEVFN, PCI_BASE_ADDRESS_0, (uint32_t)BENCH_LFB, 4);
	pci_bus_config_write(&b->bus, BENCH_DEVFN, PCI_BASE_ADDRESS_0 + 4, (uint32_t)BENCH_MMIO, 4);
	pci_bus_config_write(&b->bus, BENCH_DEVFN, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
}

/* Maps BARs 0 and 2. */
static inline void bench_map_bars(struct bench *b)
{
	pci_bus_config_write(&b->bus, BENCH_DEVFN, PCI_BASE_ADDRESS_0, (uint32_t)BENCH_LFB, 4);
	pci_bus_config_write(&b->bus, BENCH_DEVFN, PCI_BASE_ADDRESS_0 + 8, (uint32_t)BENCH_MMIO, 4);
	pci_bus_config_write(&b->bus, BENCH_DEVFN, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
}
