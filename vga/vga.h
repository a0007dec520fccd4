// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The VGA core: the register files of an IBM VGA, its ports, its way to video memory and the Bochs
 * VBE display interface. A card (stdvga.h) embeds it and gives it video RAM; extended cards add
 * registers by struct vga_ext.
 *
 * Video RAM is one array: plane p of plane address a is byte 4 * a + p. The processor's chain-4 and
 * odd/even addresses are packed into it (chain-4 address n is byte n, odd/even address n is plane n
 * & 1 of plane address n / 2), and the linear modes show it as it is.
 *
 *   vga.c       register files and ports          geometry.c  what is scanned out, by all registers
 * at once planes.c    memory at a0000: latches, modes   screen.c    drawing when somebody watches;
 * text.c and draw.c do it vbe.c       DISPI registers                   dirty.c     which pages of
 * video RAM were written
 *
 * Not modelled: interlace, the count-by-two and -four clocks and the shift-load bits (no BIOS mode
 * uses them), light pen, the border, attribute blinking in graphics modes, the odd/even page bit,
 * the CRT interrupt.
 */
#pragma once

#include "base/bits.h"
#include "bus/io.h"
#include "bus/ram.h"
#include "bus/state.h"
#include "vga/dirty.h"
#include "vga/vga_regs.h"

struct clock;
struct display;
struct err;
struct vga_cursor;
struct glyph_set;
struct vga_geometry;
struct vga_screen;

/** All that a guest can observe, except video RAM. */
struct vga_state {
	uint8_t misc, feature, subsystem;
	uint8_t seq_index, seq[VGA_SEQ_COUNT];
	uint8_t crtc_index, crtc[VGA_CRTC_COUNT];
	uint8_t gfx_index, gfx[VGA_GFX_COUNT];
	uint8_t attr_index, attr[VGA_ATTR_COUNT];
	bool attr_expects_data; /* the flip-flop of 3C0h */
	uint8_t latches[4];     /* by plane */
	uint8_t pel_mask;
	uint8_t dac[768]; /* as written, red first: 6 bits, or 8 with VBE_8_BIT_DAC */
	uint8_t dac_index, dac_state;
	uint8_t dac_component; /* 0 red, 1 green, 2 blue is next */
	uint8_t dac_pending[3];
	bool big_endian; /* linear modes of more than 8 bits show big-endian pixels */
	uint16_t vbe_index;
	uint16_t vbe[VBE_REGISTER_COUNT];
};
extern const struct state_table vga_state_table;

enum vga_register_file {
	VGA_FILE_SEQUENCER,
	VGA_FILE_CRTC,
	VGA_FILE_GRAPHICS,
};

/** What an extended card adds to the standard registers. Hooks may be NULL. */
struct vga_ext {
	void *opaque;
	/** Asked before the standard registers; true if the register is the extension's. */
	bool (*read)(void *opaque, enum vga_register_file file, uint8_t index, uint8_t *value);
	bool (*write)(void *opaque, enum vga_register_file file, uint8_t index, uint8_t value);
	/** Changes what the standard registers say; the result is clamped to video RAM and display
	 * afterwards. */
	void (*derive)(void *opaque, struct vga_geometry *geometry);
	/** Asked before ports 3C6h to 3C9h, where chips hide registers; true if it was one. Not
	 * called by vga_port_peek. */
	bool (*dac_read)(void *opaque, uint16_t port, uint8_t *value);
	bool (*dac_write)(void *opaque, uint16_t port, uint8_t value);
	/** The three bytes that DAC index 'index' stands for now, NULL for the standard ones. */
	uint8_t *(*dac_entry)(void *opaque, uint8_t index);
	/** Asked before the standard map of the 128 KiB at a0000; true if the access is the
	 * extension's. Reading has no side effects. */
	bool (*memory_read)(void *opaque, uint32_t offset, unsigned size, uint64_t *value);
	bool (*memory_write)(void *opaque, uint32_t offset, unsigned size, uint64_t value);
	/** A standard register has changed what lies at a0000. */
	void (*map_changed)(void *opaque);
	/** What is drawn over graphics modes; called once for each refresh of a watched screen. */
	void (*cursor)(void *opaque, struct vga_cursor *cursor);
	/** The pixel clock in Hz, 0 for the standard one. */
	uint32_t (*dot_clock)(void *opaque);
	bool without_dispi; /* there is no Bochs display interface */
};

enum vga_path {
	VGA_PATH_PLANES,
	VGA_PATH_ODD_EVEN,
	VGA_PATH_CHAIN_4,
	VGA_PATH_LINEAR, /* a bank of a linear mode */
};

/** How an access at a0000 goes; derived from the registers by vga_update_map, so that an access
 * decides little. */
struct vga_map {
	uint32_t first, bytes; /* the part of the 128 KiB window that answers */
	uint32_t bank;         /* added to the address within it */
	uint32_t write_mask;   /* a byte of ones for each plane that is written */
	enum vga_path read_path, write_path;
	bool plain_write; /* what the processor writes goes to memory unchanged */
	bool plain_read;  /* read mode 0 */
};

struct vga;

/** A window of VGA ports. */
struct vga_port_window {
	struct io_window window;
	struct vga *vga;
	uint16_t first;
};

enum {
	VGA_PORT_WINDOWS = 3,
	VGA_SEEN_FIRST = '!',
	VGA_SEEN_CODES = '~' - '!' + 1,
	VGA_SEEN_HEIGHT = 16,
};

/** The glyphs of ASCII as a guest's own font last had them; height 0: none was seen. */
struct vga_seen_font {
	uint8_t height;
	uint8_t rows[VGA_SEEN_CODES][VGA_SEEN_HEIGHT];
};

struct vga {
	struct vga_state *state; /* in the card's state struct */
	struct vga_map map;
	struct io_window memory_window, vbe_window;
	struct io_window *legacy_window; /* what is mapped at a0000: memory_window or the card's */
	struct vga_port_window port_windows[VGA_PORT_WINDOWS];
	struct clock *clock;
	struct display *display;
	struct video_ram vram;
	uint32_t vram_mask; /* bytes - 1 */
	struct vga_ext ext;
	struct vga_dirty dirty;
	struct vga_screen *screen; /* NULL while nobody watches */
	const uint8_t *rom;        /* the VGA BIOS, for its fonts; NULL: there is none */
	size_t rom_bytes;
	struct vga_seen_font seen_font;
	int64_t status_ns;      /* time of the last read of input status 1 */
	int64_t status_lead_ns; /* how far the beam ran ahead while time stood still */
};

/**
 * Makes the core with its state in 'state' and puts it in front of 'display' as its source; 'vram'
 * is copied, its size is a power of two from 256 KiB to 256 MiB, its memory stays the lender's.
 * 'ext' is copied and may be NULL; its hooks may be called at once.
 */
void vga_init(struct vga *vga, struct vga_state *state, struct clock *clock,
	      struct display *display, const struct video_ram *vram, const struct vga_ext *ext);

/** Maps ports 3B0h-3BBh, 3C0h-3DFh, 1CEh-1D1h (unless the extension is without it) and memory
 * a0000h-bffffh. 0 or -errno with nothing mapped. */
int vga_map(struct vga *vga, struct io_space *ports, struct io_space *memory, struct err *err);

/** Power-on registers; video RAM keeps its content. */
void vga_reset(struct vga *vga);

/** Unmaps, leaves the display. */
void vga_finish(struct vga *vga);

/** Checks and uses a state that was loaded. 0 or -EINVAL. */
int vga_after_load(struct vga *vga, struct err *err);

/** Adds the fonts that are known of this card: its BIOS's, and the guest's own as it was last seen
 * by vga_text_read. */
void vga_add_fonts(const struct vga *vga, struct glyph_set *set);

/** The byte-wide ports 3B0h to 3DFh. */
uint8_t vga_port_read(struct vga *vga, uint16_t port);
void vga_port_write(struct vga *vga, uint16_t port, uint8_t value);
/** Reads without side effects. */
uint8_t vga_port_peek(const struct vga *vga, uint16_t port);

/** True if linear or planar modes of the display interface are on. */
static inline bool vga_vbe_is_on(const struct vga *vga)
{
	return (vga->state->vbe[VBE_ENABLE] & VBE_ENABLED) != 0;
}
