// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Names of what the CL-GD5446 adds to a VGA. Cirrus Logic, "CL-GD5446 Technical Reference Manual",
 * chapters 4 (VGA), 5 (extension registers), 9 (BitBLT engine): SRx sequencer, GRx graphics
 * controller, CRx CRT controller.
 */
#pragma once

enum cirrus_identity {
	CIRRUS_VENDOR = 0x1013,
	CIRRUS_DEVICE = 0x00b8,
	CIRRUS_VRAM_BAR = 0,
	CIRRUS_MMIO_BAR = 1,
};

/** Sequencer. Only the low five bits of the index select a register. */
enum cirrus_seq {
	CIRRUS_SEQ_KEY = 0x06,
	CIRRUS_SEQ_MODE = 0x07,
	CIRRUS_SEQ_DDC = 0x08,
	CIRRUS_SEQ_VCLK_NUMERATOR = 0x0b, /* of clocks 0 to 3 */
	CIRRUS_SEQ_DRAM = 0x0f,
	CIRRUS_SEQ_CURSOR_X = 0x10, /* the index' bits 5 to 7 are the lowest three of the value */
	CIRRUS_SEQ_CURSOR_Y = 0x11,
	CIRRUS_SEQ_CURSOR = 0x12,
	CIRRUS_SEQ_CURSOR_PATTERN = 0x13,
	CIRRUS_SEQ_SCRATCH_3 = 0x15, /* the BIOS keeps the memory size here: 4 is 4 MiB */
	CIRRUS_SEQ_CONFIGURATION = 0x17,
	CIRRUS_SEQ_VCLK_DENOMINATOR = 0x1b,
	CIRRUS_SEQ_MCLK = 0x1f,
	CIRRUS_SEQ_COUNT = 0x20,
	CIRRUS_SEQ_INDEX_MASK = 0x1f,
	CIRRUS_SEQ_INDEX_LOW_SHIFT = 5,
};

enum cirrus_key {
	CIRRUS_KEY_MASK = 0x17,
	CIRRUS_KEY_OPEN = 0x12,
	CIRRUS_KEY_CLOSED = 0x0f, /* what a key that does not fit reads as */
};

/** SR7, extended sequencer mode. */
enum cirrus_mode {
	CIRRUS_MODE_PACKED = 0x01, /* packed pixels; clear: VGA modes */
	CIRRUS_MODE_DEPTH = 0x0e,
	CIRRUS_DEPTH_8 = 0x00,
	CIRRUS_DEPTH_16_DOUBLE_CLOCK = 0x02,
	CIRRUS_DEPTH_24 = 0x04,
	CIRRUS_DEPTH_16 = 0x06,
	CIRRUS_DEPTH_32 = 0x08,
};

/** SR8: the two wires of the monitor's DDC, open drain. */
enum cirrus_ddc {
	CIRRUS_DDC_CLOCK_OUT = 0x01,
	CIRRUS_DDC_DATA_OUT = 0x02,
	CIRRUS_DDC_CLOCK_IN = 0x04,
	CIRRUS_DDC_DATA_IN = 0x80,
};

/** SR12, cursor attributes. */
enum cirrus_cursor {
	CIRRUS_CURSOR_ON = 0x01,
	CIRRUS_CURSOR_COLOURS = 0x02, /* DAC indices are those of the cursor's colours */
	CIRRUS_CURSOR_64 = 0x04,      /* 64 x 64; clear: 32 x 32 */
	CIRRUS_CURSOR_AREA = 0x4000,  /* patterns lie in the last 16 KiB of memory */
	CIRRUS_CURSOR_UNIT = 0x100,   /* SR13 counts these */
	CIRRUS_CURSOR_PATTERN_32 = 0x3f,
	CIRRUS_CURSOR_PATTERN_64 = 0x3c,
	CIRRUS_CURSOR_DAC_COUNT = 16,
	CIRRUS_CURSOR_BACKGROUND = 0, /* of the sixteen */
	CIRRUS_CURSOR_FOREGROUND = 15,
};

/** SR17, configuration. */
enum cirrus_configuration {
	CIRRUS_MMIO_ON = 0x04,
	CIRRUS_MMIO_LINEAR = 0x40, /* at the end of the frame buffer; clear: at b8000 */
	CIRRUS_BUS_PCI = 0x20,
};

enum cirrus_power_on {
	CIRRUS_DRAM_4_MIB = 0x98, /* two banks of 64 bits */
	CIRRUS_SCRATCH_3_4_MIB = 0x04,
	CIRRUS_MCLK_64_MHZ = 0x2d,
	CIRRUS_GFX_DRAM_TIMING = 0x0f,
};

/** CRT controller. */
enum cirrus_crtc {
	CIRRUS_CRTC_FIRST = 0x19,
	CIRRUS_CRTC_MISC = 0x1a,
	CIRRUS_CRTC_EXTENDED = 0x1b,
	CIRRUS_CRTC_OVERLAY = 0x1d,
	CIRRUS_CRTC_LAST = 0x1f,
	CIRRUS_CRTC_LATCH = 0x22, /* the rest is read only */
	CIRRUS_CRTC_ATTR_FLIP_FLOP = 0x24,
	CIRRUS_CRTC_REVISION = 0x25,
	CIRRUS_CRTC_ATTR_INDEX = 0x26,
	CIRRUS_CRTC_ID = 0x27,
	CIRRUS_CRTC_COUNT = CIRRUS_CRTC_LAST - CIRRUS_CRTC_FIRST + 1,
};

enum cirrus_crtc_bits {
	CIRRUS_MISC_INTERLACE = 0x01,
	CIRRUS_EXTENDED_START_16 = 0x01,
	CIRRUS_EXTENDED_WRAP = 0x02, /* the display address counts through all memory */
	CIRRUS_EXTENDED_START_17_18 = 0x0c,
	CIRRUS_EXTENDED_OFFSET_8 = 0x10,
	CIRRUS_OVERLAY_START_19 = 0x80,
	CIRRUS_ATTR_EXPECTS_DATA = 0x80,
};

/** Graphics controller. */
enum cirrus_gfx {
	CIRRUS_GFX_BACKGROUND = 0x00, /* its lowest byte; the others at 10h, 12h, 14h */
	CIRRUS_GFX_FOREGROUND = 0x01, /* the others at 11h, 13h, 15h */
	CIRRUS_GFX_BANK_0 = 0x09,
	CIRRUS_GFX_BANK_1 = 0x0a,
	CIRRUS_GFX_EXTENSIONS = 0x0b,
	CIRRUS_GFX_POWER = 0x0e,
	CIRRUS_GFX_BACKGROUND_1 = 0x10,
	CIRRUS_GFX_FOREGROUND_1 = 0x11,
	CIRRUS_GFX_BACKGROUND_2 = 0x12,
	CIRRUS_GFX_FOREGROUND_2 = 0x13,
	CIRRUS_GFX_BACKGROUND_3 = 0x14,
	CIRRUS_GFX_FOREGROUND_3 = 0x15,
	CIRRUS_GFX_DRAM = 0x18,
	CIRRUS_GFX_BLT_WIDTH = 0x20, /* bytes less one, 13 bits */
	CIRRUS_GFX_BLT_WIDTH_1 = 0x21,
	CIRRUS_GFX_BLT_HEIGHT = 0x22, /* lines less one, 11 bits */
	CIRRUS_GFX_BLT_HEIGHT_1 = 0x23,
	CIRRUS_GFX_BLT_DESTINATION_PITCH = 0x24, /* 13 bits */
	CIRRUS_GFX_BLT_DESTINATION_PITCH_1 = 0x25,
	CIRRUS_GFX_BLT_SOURCE_PITCH = 0x26,
	CIRRUS_GFX_BLT_SOURCE_PITCH_1 = 0x27,
	CIRRUS_GFX_BLT_DESTINATION = 0x28, /* 22 bits */
	CIRRUS_GFX_BLT_DESTINATION_1 = 0x29,
	CIRRUS_GFX_BLT_DESTINATION_2 = 0x2a,
	CIRRUS_GFX_BLT_SOURCE = 0x2c,
	CIRRUS_GFX_BLT_SOURCE_1 = 0x2d,
	CIRRUS_GFX_BLT_SOURCE_2 = 0x2e,
	CIRRUS_GFX_BLT_SKIP = 0x2f, /* left side clipping */
	CIRRUS_GFX_BLT_MODE = 0x30,
	CIRRUS_GFX_BLT_CONTROL = 0x31,
	CIRRUS_GFX_BLT_ROP = 0x32,
	CIRRUS_GFX_BLT_EXTENSION = 0x33,
	CIRRUS_GFX_BLT_KEY = 0x34, /* the colour that is transparent, 16 bits */
	CIRRUS_GFX_BLT_KEY_1 = 0x35,
	CIRRUS_GFX_BLT_KEY_MASK = 0x38,
	CIRRUS_GFX_BLT_KEY_MASK_1 = 0x39,
	CIRRUS_GFX_COUNT = 0x40,
	CIRRUS_GFX_INDEX_MASK = 0x3f,
};

/** GR5: write modes 4 and 5, set bits as pixels. */
enum cirrus_write_mode {
	CIRRUS_WRITE_MODE_MASK = 0x07,
	CIRRUS_WRITE_MODE_EXTENDED = 0x04,
	CIRRUS_WRITE_MODE_4 = 4, /* ones in the foreground colour, zeros leave the memory */
	CIRRUS_WRITE_MODE_5 = 5, /* zeros in the background colour */
};

/** GRB, graphics controller mode extensions. */
enum cirrus_extensions {
	CIRRUS_TWO_BANKS = 0x01,
	CIRRUS_ADDRESS_BY_8 = 0x02,
	CIRRUS_EXTENDED_WRITES = 0x04,
	CIRRUS_ADDRESS_BY_16 = 0x10,
	CIRRUS_BANK_16_KIB = 0x20, /* clear: banks are counted in 4 KiB */
};

enum cirrus_power {
	CIRRUS_POWER_SYNC_OFF = 0x06, /* no horizontal or no vertical sync */
};

/** GR30, BLT mode. */
enum cirrus_blt_mode {
	CIRRUS_BLT_BACKWARDS = 0x01,
	CIRRUS_BLT_TO_SYSTEM = 0x02,
	CIRRUS_BLT_FROM_SYSTEM = 0x04,
	CIRRUS_BLT_TRANSPARENT = 0x08,
	CIRRUS_BLT_PIXEL_BYTES = 0x30, /* less one */
	CIRRUS_BLT_PATTERN = 0x40,     /* 8 x 8 pixels, again and again */
	CIRRUS_BLT_EXPAND = 0x80,      /* a bit a pixel becomes two colours */
};

/** GR31, BLT start and status. */
enum cirrus_blt_control {
	CIRRUS_BLT_BUSY = 0x01, /* read */
	CIRRUS_BLT_START = 0x02,
	CIRRUS_BLT_RESET = 0x04,
	CIRRUS_BLT_BUFFERED = 0x10, /* read: waits for the processor's data */
	CIRRUS_BLT_PAUSE = 0x20,
	CIRRUS_BLT_AUTOSTART = 0x80, /* writing GR2A starts */
};

/** GR33, BLT mode extensions. */
enum cirrus_blt_extension {
	CIRRUS_BLT_DWORDS = 0x01, /* the processor's lines of bits end at a double word */
	CIRRUS_BLT_INVERT = 0x02, /* transparent expansion: zeros in the background colour */
	CIRRUS_BLT_SOLID = 0x04,
};

/** GR32, raster operations: S source, D destination. */
enum cirrus_rop {
	CIRRUS_ROP_ZERO = 0x00,
	CIRRUS_ROP_S_AND_D = 0x05,
	CIRRUS_ROP_D = 0x06,
	CIRRUS_ROP_S_AND_NOT_D = 0x09,
	CIRRUS_ROP_NOT_D = 0x0b,
	CIRRUS_ROP_S = 0x0d,
	CIRRUS_ROP_ONE = 0x0e,
	CIRRUS_ROP_NOT_S_AND_D = 0x50,
	CIRRUS_ROP_S_XOR_D = 0x59,
	CIRRUS_ROP_S_OR_D = 0x6d,
	CIRRUS_ROP_NEITHER = 0x90, /* not S and not D */
	CIRRUS_ROP_S_EQUALS_D = 0x95,
	CIRRUS_ROP_S_OR_NOT_D = 0xad,
	CIRRUS_ROP_NOT_S = 0xd0,
	CIRRUS_ROP_NOT_S_OR_D = 0xd6,
	CIRRUS_ROP_NOT_BOTH = 0xda,
};

/** The blitter's registers as memory, as offsets of a block of 256 bytes. */
enum cirrus_mmio {
	CIRRUS_MMIO_BLOCK_BYTES = 0x100,
	CIRRUS_MMIO_CONTROL = 0x40,
	CIRRUS_MMIO_COUNT = 0x41,
};

/** BAR 1. */
enum cirrus_bar_1 {
	CIRRUS_BAR_1_BYTES = 0x1000,
	CIRRUS_BAR_1_PORTS = 0x20, /* 3C0h to 3DFh from offset 0 */
	CIRRUS_BAR_1_BLT = 0x100,
};

/** BAR 0. */
enum cirrus_bar_0 {
	CIRRUS_BAR_0_BYTES = 0x2000000,
	CIRRUS_APERTURE_SHIFT = 22, /* the lower half: four views of the memory */
	CIRRUS_APERTURE_PLAIN = 0,
	CIRRUS_APERTURE_SWAP_16 = 1,
	CIRRUS_APERTURE_SWAP_32 = 2,
	CIRRUS_BLT_APERTURE = 0x1000000, /* the upper half: data for the blitter */
};

/** Hidden DAC register: behind 3C6h after four reads in a row. */
enum cirrus_hidden_dac {
	CIRRUS_HIDDEN_DAC_READS = 4,
	CIRRUS_HIDDEN_DAC_FORMAT = 0x0f,
	CIRRUS_HIDDEN_DAC_565 = 0x01, /* else 5-5-5 */
};

enum cirrus_clock {
	CIRRUS_REFERENCE_HZ = 14318180,
	CIRRUS_NUMERATOR_MASK = 0x7f,
	CIRRUS_DENOMINATOR_MASK = 0x3e, /* shifted by one */
	CIRRUS_CLOCK_HALF = 0x01,
};
