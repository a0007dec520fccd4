// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Names of the VGA's registers. IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem"
 * (VGA); the "VBE Display Interface" (DISPI) of the Bochs project for the linear modes.
 */
#pragma once

/* I/O ports. CRTC, status and feature control lie at 3Bx if the board is set to monochrome, at 3Dx
 * if to colour. */
enum vga_port {
	VGA_PORT_FIRST = 0x3b0,
	VGA_PORT_LAST = 0x3df,
	VGA_CRTC_INDEX_MONO = 0x3b4,
	VGA_CRTC_DATA_MONO = 0x3b5,
	VGA_INPUT_STATUS_1_MONO = 0x3ba, /* read */
	VGA_FEATURE_WRITE_MONO = 0x3ba,
	VGA_ATTRIBUTE_INDEX = 0x3c0, /* and data, by turns, when written */
	VGA_ATTRIBUTE_DATA = 0x3c1,  /* read */
	VGA_INPUT_STATUS_0 = 0x3c2,  /* read */
	VGA_MISC_WRITE = 0x3c2,
	VGA_SUBSYSTEM_ENABLE = 0x3c3,
	VGA_SEQUENCER_INDEX = 0x3c4,
	VGA_SEQUENCER_DATA = 0x3c5,
	VGA_PEL_MASK = 0x3c6,
	VGA_DAC_STATE = 0x3c7,      /* read */
	VGA_DAC_READ_INDEX = 0x3c7, /* write */
	VGA_DAC_WRITE_INDEX = 0x3c8,
	VGA_DAC_DATA = 0x3c9,
	VGA_FEATURE_READ = 0x3ca,
	VGA_MISC_READ = 0x3cc,
	VGA_GRAPHICS_INDEX = 0x3ce,
	VGA_GRAPHICS_DATA = 0x3cf,
	VGA_CRTC_INDEX = 0x3d4,
	VGA_CRTC_DATA = 0x3d5,
	VGA_INPUT_STATUS_1 = 0x3da, /* read */
	VGA_FEATURE_WRITE = 0x3da,
};

/** Miscellaneous output register. */
enum vga_misc {
	VGA_MISC_COLOUR = 0x01,     /* CRTC and status at 3Dx */
	VGA_MISC_RAM_ENABLE = 0x02, /* the processor reaches video memory */
	VGA_MISC_CLOCK_MASK = 0x0c,
	VGA_MISC_CLOCK_28 = 0x04, /* 28.322 MHz; else 25.175 MHz */
};

enum vga_input_status_0 {
	VGA_STATUS_0_SENSE = 0x10, /* a colour monitor is connected */
};

enum vga_input_status_1 {
	VGA_STATUS_1_NO_DISPLAY = 0x01, /* horizontal or vertical blanking */
	VGA_STATUS_1_RETRACE = 0x08,    /* vertical retrace */
};

/** Sequencer. */
enum vga_sequencer {
	VGA_SEQ_RESET = 0,
	VGA_SEQ_CLOCKING = 1,
	VGA_SEQ_MAP_MASK = 2,
	VGA_SEQ_CHARACTER_MAP = 3,
	VGA_SEQ_MEMORY_MODE = 4,
	VGA_SEQ_COUNT = 5,
	VGA_SEQ_INDEX_MASK = 0x07,
};

enum vga_clocking {
	VGA_CLOCKING_8_DOTS = 0x01,
	VGA_CLOCKING_HALF = 0x08, /* dot clock divided by two */
	VGA_CLOCKING_SCREEN_OFF = 0x20,
};

enum vga_character_map {
	VGA_CHARACTER_MAP_B = 0x03,
	VGA_CHARACTER_MAP_A = 0x0c,
	VGA_CHARACTER_MAP_B_HIGH = 0x10,
	VGA_CHARACTER_MAP_A_HIGH = 0x20,
};

enum vga_memory_mode {
	VGA_MEMORY_SEQUENTIAL = 0x04, /* clear: odd/even */
	VGA_MEMORY_CHAIN_4 = 0x08,
};

/** CRT controller. */
enum vga_crtc {
	VGA_CRTC_H_TOTAL = 0x00,
	VGA_CRTC_H_DISPLAY_END = 0x01,
	VGA_CRTC_V_TOTAL = 0x06,
	VGA_CRTC_OVERFLOW = 0x07,
	VGA_CRTC_PRESET_ROW = 0x08,
	VGA_CRTC_MAX_SCAN = 0x09,
	VGA_CRTC_CURSOR_START = 0x0a,
	VGA_CRTC_CURSOR_END = 0x0b,
	VGA_CRTC_START_HIGH = 0x0c,
	VGA_CRTC_START_LOW = 0x0d,
	VGA_CRTC_CURSOR_HIGH = 0x0e,
	VGA_CRTC_CURSOR_LOW = 0x0f,
	VGA_CRTC_V_RETRACE_START = 0x10,
	VGA_CRTC_V_RETRACE_END = 0x11,
	VGA_CRTC_V_DISPLAY_END = 0x12,
	VGA_CRTC_OFFSET = 0x13,
	VGA_CRTC_UNDERLINE = 0x14,
	VGA_CRTC_MODE = 0x17,
	VGA_CRTC_LINE_COMPARE = 0x18,
	VGA_CRTC_COUNT = 0x19,
	VGA_CRTC_PROTECTED_COUNT = 0x08, /* registers that V_RETRACE_END bit 7 guards */
	VGA_CRTC_INDEX_MASK = 0x3f,
};

enum vga_crtc_overflow {
	VGA_OVERFLOW_V_TOTAL_8 = 0x01,
	VGA_OVERFLOW_V_DISPLAY_END_8 = 0x02,
	VGA_OVERFLOW_V_RETRACE_START_8 = 0x04,
	VGA_OVERFLOW_LINE_COMPARE_8 = 0x10, /* not protected */
	VGA_OVERFLOW_V_TOTAL_9 = 0x20,
	VGA_OVERFLOW_V_DISPLAY_END_9 = 0x40,
	VGA_OVERFLOW_V_RETRACE_START_9 = 0x80,
};

enum vga_crtc_bits {
	VGA_PRESET_ROW_MASK = 0x1f,
	VGA_PRESET_BYTE_PAN = 0x60,
	VGA_MAX_SCAN_MASK = 0x1f,
	VGA_MAX_SCAN_LINE_COMPARE_9 = 0x40,
	VGA_MAX_SCAN_DOUBLE = 0x80,
	VGA_CURSOR_SCAN_MASK = 0x1f,
	VGA_CURSOR_OFF = 0x20,
	VGA_V_RETRACE_END_MASK = 0x0f,
	VGA_V_RETRACE_PROTECT = 0x80,
	VGA_UNDERLINE_MASK = 0x1f,
	VGA_UNDERLINE_DWORD = 0x40,
	VGA_MODE_KEEP_A13 = 0x01, /* clear: row scan bit 0 becomes address bit 13 (CGA) */
	VGA_MODE_KEEP_A14 = 0x02, /* clear: row scan bit 1 becomes address bit 14 (Hercules) */
	VGA_MODE_V_BY_2 = 0x04,   /* the vertical counters count every other line */
	VGA_MODE_BYTE = 0x40,
	VGA_MODE_SYNC_ENABLE = 0x80,
};

/** Graphics controller. */
enum vga_graphics {
	VGA_GFX_SET_RESET = 0,
	VGA_GFX_ENABLE_SET_RESET = 1,
	VGA_GFX_COLOUR_COMPARE = 2,
	VGA_GFX_ROTATE = 3,
	VGA_GFX_READ_MAP = 4,
	VGA_GFX_MODE = 5,
	VGA_GFX_MISC = 6,
	VGA_GFX_COLOUR_DONT_CARE = 7,
	VGA_GFX_BIT_MASK = 8,
	VGA_GFX_COUNT = 9,
	VGA_GFX_INDEX_MASK = 0x0f,
};

enum vga_graphics_bits {
	VGA_ROTATE_COUNT = 0x07,
	VGA_ROTATE_FUNCTION = 0x18,
	VGA_FUNCTION_COPY = 0x00,
	VGA_FUNCTION_AND = 0x08,
	VGA_FUNCTION_OR = 0x10,
	VGA_FUNCTION_XOR = 0x18,
	VGA_MODE_WRITE = 0x03,
	VGA_MODE_READ_COMPARE = 0x08,
	VGA_MODE_ODD_EVEN = 0x10,
	VGA_MODE_SHIFT_CGA = 0x20, /* two bits a pixel */
	VGA_MODE_SHIFT_256 = 0x40, /* eight bits a pixel */
	VGA_MISC_GRAPHICS = 0x01,
	VGA_MISC_MAP = 0x0c,
	VGA_MISC_MAP_128K = 0x00, /* a0000, 128 KiB */
	VGA_MISC_MAP_A0000 = 0x04,
	VGA_MISC_MAP_B0000 = 0x08,
	VGA_MISC_MAP_B8000 = 0x0c,
};

/** Attribute controller. */
enum vga_attribute {
	VGA_ATTR_PALETTE = 0x00, /* sixteen registers */
	VGA_ATTR_PALETTE_COUNT = 0x10,
	VGA_ATTR_MODE = 0x10,
	VGA_ATTR_OVERSCAN = 0x11,
	VGA_ATTR_PLANE_ENABLE = 0x12,
	VGA_ATTR_PAN = 0x13,
	VGA_ATTR_COLOUR_SELECT = 0x14,
	VGA_ATTR_COUNT = 0x15,
	VGA_ATTR_INDEX_MASK = 0x1f,
	VGA_ATTR_PALETTE_SOURCE =
		0x20, /* in the index: the screen shows memory, not the border colour */
};

enum vga_attribute_mode {
	VGA_ATTR_MODE_MONO = 0x02,
	VGA_ATTR_MODE_LINE_GRAPHICS = 0x04, /* the ninth dot of C0h-DFh repeats the eighth */
	VGA_ATTR_MODE_BLINK = 0x08,
	VGA_ATTR_MODE_SPLIT_PAN = 0x20, /* no panning below the line compare */
	VGA_ATTR_MODE_P54_SELECT = 0x80,
};

/** What the DAC state register reads as. */
enum vga_dac_state {
	VGA_DAC_WRITING = 0,
	VGA_DAC_READING = 3,
};

/* DISPI: an index and a data port of 16 bits; data also at an even address. */
enum vbe_port {
	VBE_PORT_INDEX = 0x1ce,
	VBE_PORT_DATA = 0x1cf,
	VBE_PORT_DATA_EVEN = 0x1d0,
	VBE_PORT_COUNT = 4,
};

enum vbe_register {
	VBE_ID = 0,
	VBE_XRES = 1,
	VBE_YRES = 2,
	VBE_BPP = 3,
	VBE_ENABLE = 4,
	VBE_BANK = 5,
	VBE_VIRT_WIDTH = 6,
	VBE_VIRT_HEIGHT = 7, /* read: what the memory holds */
	VBE_X_OFFSET = 8,
	VBE_Y_OFFSET = 9,
	VBE_REGISTER_COUNT = 10, /* that are kept */
	VBE_VIDEO_MEMORY_64K = 10,
	VBE_INDEX_COUNT = 11,
};

enum vbe_values {
	VBE_ID_FIRST = 0xb0c0,
	VBE_ID_LAST = 0xb0c5,
	VBE_ENABLED = 0x01,
	VBE_GET_CAPS = 0x02, /* XRES, YRES and BPP read as the largest possible */
	VBE_8_BIT_DAC = 0x20,
	VBE_LINEAR = 0x40,
	VBE_NO_CLEAR = 0x80,
	VBE_ENABLE_MASK = 0xe3,
	VBE_MAX_XRES = 2560,
	VBE_MAX_YRES = 1600,
	VBE_MAX_BPP = 32,
	VBE_BANK_BYTES = 0x10000,
};

/* Where the registers lie in the memory BAR of the PCI card. */
enum stdvga_mmio {
	STDVGA_MMIO_BYTES = 0x1000,
	STDVGA_MMIO_EDID = 0x000,
	STDVGA_MMIO_EDID_END = 0x400,
	STDVGA_MMIO_PORTS = 0x400, /* 3C0h and on */
	STDVGA_MMIO_PORTS_END = 0x420,
	STDVGA_MMIO_DISPI = 0x500, /* the registers by index, 16 bits each */
	STDVGA_MMIO_DISPI_END = 0x516,
	STDVGA_MMIO_EXT = 0x600, /* length of this block in bytes */
	STDVGA_MMIO_ENDIAN = 0x604,
	STDVGA_MMIO_EXT_END = 0x608,
};

enum stdvga_endian {
	STDVGA_LITTLE_ENDIAN = 0x1e1e1e1e,
};
#define STDVGA_BIG_ENDIAN 0xbebebebeu

/* The PC's addresses of video memory. */
enum vga_window {
	VGA_WINDOW_BASE = 0xa0000,
	VGA_WINDOW_BYTES = 0x20000,
};
