// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The standard VGA as a PCI card, 1234:1111: the VGA core with the Bochs display interface. BAR 0
 * is video RAM, reached directly; BAR 2 is 4 KiB of registers: the monitor's EDID at 0, ports
 * 3C0h-3DFh at 400h, the display interface's registers at 500h, byte order of pixels at 600h; the
 * ROM BAR is the VGA BIOS. Legacy ports and memory answer always.
 */
#pragma once

#include "base/display.h"
#include "bus/device.h"
#include "bus/pci.h"
#include "vga/edid.h"
#include "vga/vga.h"

struct stdvga_state {
	struct pci_state pci;
	uint8_t reserved[7]; /* zero */
	struct vga_state vga;
};

struct stdvga_config {
	int slot; /* PCI slot, -1 for the first free one */
	/** The VGA BIOS, from stdvga_prepare_rom or NULL; 'rom_bytes' a power of two, page-aligned.
	 * Borrowed. */
	uint8_t *rom;
	size_t rom_bytes;
	const char *monitor_name;          /* NULL: "hvmdm" */
	unsigned preferred_x, preferred_y; /* of the EDID; 0: 1280 x 800 */
};

struct stdvga {
	struct stdvga_state state;
	struct device device; /* for the board to add */
	struct vga vga;
	struct pci_function pci;
	struct io_window vram_window, mmio_window, rom_window;
	uint8_t edid[EDID_BYTES];
};

/**
 * Makes the card in its power-on state, plugs it into 'bus', maps its legacy ports and memory in
 * the bus's spaces and makes it the source of 'display'. 'vram' is copied, its memory borrowed: 1
 * to 256 MiB, a power of two. 0, or -errno and a sentence with nothing mapped.
 */
int stdvga_init(struct stdvga *card, struct pci_bus *bus, struct clock *clock,
		struct display *display, const struct video_ram *vram,
		const struct stdvga_config *config, struct err *err);

/** Bytes that the ROM window for an image of 'length' bytes takes: a power of two, at least a page.
 */
size_t stdvga_rom_bytes(size_t length);

/**
 * Makes the image in 'rom' (already zero-padded to stdvga_rom_bytes) one of this card: the ids of
 * its PCI data structure become 1234:1111 and the checksum is put right, so that a BIOS takes it.
 * -EINVAL if it is no PCI option ROM.
 */
int stdvga_prepare_rom(uint8_t *rom, size_t bytes, struct err *err);
