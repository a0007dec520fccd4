// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Cirrus Logic CL-GD5446 as a PCI card, 1013:00b8: the VGA core with the chip's extension
 * registers, packed-pixel modes of 8, 15, 16, 24 and 32 bits, banks and write modes 4 and 5 at
 * a0000, the BitBLT engine, the hardware cursor, the hidden DAC register and the monitor's DDC
 * wires.
 *
 *   BAR 0, 32 MiB   video memory, then views of it with bytes swapped, from 16 MiB on data for the
 *                   blitter
 *   BAR 1, 4 KiB    ports 3C0h-3DFh at 000h, the blitter's registers at 100h
 *
 * The chip has 4 MiB; what is lent beyond is plain memory in BAR 0. Memory is a direct window.
 * While the chip takes what is written there for something else (blitter data, registers at its
 * end, write modes) a window of registers stands in its place; the direct one comes back when some
 * plain accesses have shown that it is wanted, as switching costs more than they do. So it is with
 * the banks at a0000 in packed modes.
 *
 *   cirrus.c            the card        cirrus_registers.c  register files, DAC, display geometry
 *   cirrus_memory.c     frame buffer, a0000, registers as memory
 *   cirrus_banks.c      banks at a0000, and when they are direct
 *   cirrus_blt.c        blitter         ddc.c               the monitor
 *
 * Not modelled: the lock of SR6 (the chip leaves the registers open too), banks in VGA modes,
 * 8-byte latches, the colour key of video overlays and the overlay itself, the palette's grey scale
 * and mixed DAC modes, EEPROM, signature generator, interrupts.
 */
#pragma once

#include "base/display.h"
#include "bus/device.h"
#include "bus/pci.h"
#include "vga/cirrus_blt.h"
#include "vga/cirrus_regs.h"
#include "vga/ddc.h"
#include "vga/edid.h"
#include "vga/vga.h"

enum {
	CIRRUS_MEMORY_BYTES = 4 << 20,
	CIRRUS_MAX_LENT_BYTES = 16 << 20,
	CIRRUS_PLAIN_ACCESSES =
		64, /* through the registers' window before memory is direct again */
	CIRRUS_BANK_ACCESSES = 256, /* to a bank before it is */
	CIRRUS_BANKS = 2,
};

struct cirrus_state {
	struct cirrus_job job;
	struct vga_state vga;
	struct pci_state pci;
	struct ddc_state ddc;
	uint8_t seq[CIRRUS_SEQ_COUNT]; /* from 5 on; the standard ones are the VGA's */
	uint8_t crtc[CIRRUS_CRTC_COUNT];
	uint8_t gfx[CIRRUS_GFX_COUNT]; /* also all bits of 0, 1 and 5 */
	uint8_t cursor_x_low, cursor_y_low;
	uint8_t hidden_dac, hidden_dac_reads;
	uint8_t cursor_dac[CIRRUS_CURSOR_DAC_COUNT * 3];
	uint8_t reserved[2]; /* zero */
};

struct cirrus_config {
	int slot; /* PCI slot, -1 for the first free one */
	/** The VGA BIOS or NULL; 'rom_bytes' a power of two, page-aligned. Borrowed. */
	uint8_t *rom;
	size_t rom_bytes;
	const char *monitor_name; /* NULL: "hvmdm" */
};

/** Parts of BAR 0. */
enum cirrus_part {
	CIRRUS_PART_DIRECT,
	CIRRUS_PART_TRAPPED, /* in place of the former */
	CIRRUS_PART_UPPER,
	CIRRUS_PARTS,
};

/** Parts of a0000-bffff. */
enum cirrus_low_part {
	CIRRUS_LOW_TRAPPED, /* the first 64 KiB, by registers */
	CIRRUS_LOW_BANK_0,  /* 64 or 32 KiB in place of it */
	CIRRUS_LOW_BANK_1,
	CIRRUS_LOW_HIGH, /* b0000 */
	CIRRUS_LOW_PARTS,
};

/** a0000-bffff. */
struct cirrus_banks {
	struct io_window group;
	struct io_part parts[CIRRUS_LOW_PARTS];
	struct io_window low, high, direct_windows[CIRRUS_BANKS];
	struct vga_span spans[CIRRUS_BANKS]; /* what is shown, or would be */
	unsigned plain_accesses;             /* to these */
	bool direct, opening;
};

struct cirrus {
	struct cirrus_state state;
	struct device device; /* for the board to add */
	struct vga vga;
	struct pci_function pci;
	struct cirrus_blt blt;
	struct cirrus_banks banks;
	struct io_window frame_buffer; /* the group */
	struct io_part parts[CIRRUS_PARTS];
	struct io_window direct, trapped, upper, mmio, rom_window;
	unsigned plain_accesses;
	uint8_t edid[EDID_BYTES];
};

/**
 * Makes the card in its power-on state, plugs it into 'bus', maps its legacy ports and memory in
 * the bus's spaces and makes it the source of 'display'. 'vram' is copied, its memory borrowed: 4,
 * 8 or 16 MiB. 0, or -errno and a sentence with nothing mapped.
 */
int cirrus_init(struct cirrus *card, struct pci_bus *bus, struct clock *clock,
		struct display *display, const struct video_ram *vram,
		const struct cirrus_config *config, struct err *err);

/* Between the card's files. */

/** The hooks of struct vga_ext; opaque is the struct cirrus. cirrus_registers.c */
extern const struct vga_ext cirrus_ext;
void cirrus_registers_reset(struct cirrus *card);
/** Refuses register values that no write leaves. 0 or -EINVAL. */
int cirrus_registers_check(const struct cirrus *card, struct err *err);
/** The blitter's registers as memory: a byte of a block at 'offset', which may be any. */
uint8_t cirrus_blt_register_read(const struct cirrus *card, unsigned offset);
void cirrus_blt_register_write(struct cirrus *card, unsigned offset, uint8_t value);

/** Windows of BARs 0 and 1. cirrus_memory.c */
void cirrus_memory_init(struct cirrus *card, const struct video_ram *vram);
/** A register has changed: whether memory can be reached directly. */
void cirrus_memory_update(struct cirrus *card);
/** As cirrus_memory_update, without waiting for accesses to show what is wanted. */
void cirrus_memory_settle(struct cirrus *card);
/** Whether an access at a0000 is one to a byte of a bank, and nothing more. */
bool cirrus_banks_are_plain(const struct cirrus *card);
/** Hooks of struct vga_ext. */
bool cirrus_window_read(void *opaque, uint32_t offset, unsigned size, uint64_t *value);
bool cirrus_window_write(void *opaque, uint32_t offset, unsigned size, uint64_t value);

/** Between vga_init and vga_map. cirrus_banks.c */
void cirrus_banks_init(struct cirrus *card);
/** A register has changed: whether banks can be reached directly. */
void cirrus_banks_update(struct cirrus *card);
/** Which byte of memory, not yet wrapped, 'offset' of the 64 KiB at a0000 shows. */
uint32_t cirrus_bank_address(const struct cirrus *card, uint32_t offset);
