// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/trace.h"
#include "vga/cirrus.h"
#include "vga/cursor.h"
#include "vga/geometry.h"

/* Bits that the graphics controller's extension registers keep; what is not named keeps all. */
static const uint8_t gfx_lost_bits[CIRRUS_GFX_COUNT] = {
	[VGA_GFX_MODE] = 0x80,
	[CIRRUS_GFX_BLT_WIDTH_1] = 0xe0,
	[CIRRUS_GFX_BLT_HEIGHT_1] = 0xf8,
	[CIRRUS_GFX_BLT_DESTINATION_PITCH_1] = 0xe0,
	[CIRRUS_GFX_BLT_SOURCE_PITCH_1] = 0xe0,
	[CIRRUS_GFX_BLT_DESTINATION_2] = 0xc0,
	[CIRRUS_GFX_BLT_SOURCE_2] = 0xc0,
	[CIRRUS_GFX_BLT_CONTROL] = CIRRUS_BLT_BUSY | CIRRUS_BLT_BUFFERED,
};

/* The blitter's registers as memory, by offset; 0: nothing there. GR0, the first, is a register. */
static const uint8_t mmio_registers[CIRRUS_MMIO_COUNT] = {
	[0x00] = CIRRUS_GFX_BACKGROUND,
	[0x01] = CIRRUS_GFX_BACKGROUND_1,
	[0x02] = CIRRUS_GFX_BACKGROUND_2,
	[0x03] = CIRRUS_GFX_BACKGROUND_3,
	[0x04] = CIRRUS_GFX_FOREGROUND,
	[0x05] = CIRRUS_GFX_FOREGROUND_1,
	[0x06] = CIRRUS_GFX_FOREGROUND_2,
	[0x07] = CIRRUS_GFX_FOREGROUND_3,
	[0x08] = CIRRUS_GFX_BLT_WIDTH,
	[0x09] = CIRRUS_GFX_BLT_WIDTH_1,
	[0x0a] = CIRRUS_GFX_BLT_HEIGHT,
	[0x0b] = CIRRUS_GFX_BLT_HEIGHT_1,
	[0x0c] = CIRRUS_GFX_BLT_DESTINATION_PITCH,
	[0x0d] = CIRRUS_GFX_BLT_DESTINATION_PITCH_1,
	[0x0e] = CIRRUS_GFX_BLT_SOURCE_PITCH,
	[0x0f] = CIRRUS_GFX_BLT_SOURCE_PITCH_1,
	[0x10] = CIRRUS_GFX_BLT_DESTINATION,
	[0x11] = CIRRUS_GFX_BLT_DESTINATION_1,
	[0x12] = CIRRUS_GFX_BLT_DESTINATION_2,
	[0x14] = CIRRUS_GFX_BLT_SOURCE,
	[0x15] = CIRRUS_GFX_BLT_SOURCE_1,
	[0x16] = CIRRUS_GFX_BLT_SOURCE_2,
	[0x17] = CIRRUS_GFX_BLT_SKIP,
	[0x18] = CIRRUS_GFX_BLT_MODE,
	[0x1a] = CIRRUS_GFX_BLT_ROP,
	[0x1b] = CIRRUS_GFX_BLT_EXTENSION,
	[0x1c] = CIRRUS_GFX_BLT_KEY,
	[0x1d] = CIRRUS_GFX_BLT_KEY_1,
	[0x20] = CIRRUS_GFX_BLT_KEY_MASK,
	[0x21] = CIRRUS_GFX_BLT_KEY_MASK_1,
	[CIRRUS_MMIO_CONTROL] = CIRRUS_GFX_BLT_CONTROL,
};

/* Sequencer */

static uint8_t read_ddc(const struct cirrus *card)
{
	uint8_t value = card->state.seq[CIRRUS_SEQ_DDC] &
			(uint8_t) ~(CIRRUS_DDC_CLOCK_IN | CIRRUS_DDC_DATA_IN);

	if (card->state.ddc.clock)
		value |= CIRRUS_DDC_CLOCK_IN;
	if (ddc_data(&card->state.ddc))
		value |= CIRRUS_DDC_DATA_IN;
	return value;
}

static bool read_seq(const struct cirrus *card, uint8_t index, uint8_t *value)
{
	index &= CIRRUS_SEQ_INDEX_MASK;
	if (index < VGA_SEQ_COUNT)
		return false;
	*value = index == CIRRUS_SEQ_DDC ? read_ddc(card) : card->state.seq[index];
	return true;
}

static bool write_seq(struct cirrus *card, uint8_t index, uint8_t value)
{
	struct cirrus_state *s = &card->state;
	uint8_t low = index >> CIRRUS_SEQ_INDEX_LOW_SHIFT;

	index &= CIRRUS_SEQ_INDEX_MASK;
	if (index < VGA_SEQ_COUNT)
		return false;
	switch (index) {
	case CIRRUS_SEQ_KEY:
		value = (value & CIRRUS_KEY_MASK) == CIRRUS_KEY_OPEN ? CIRRUS_KEY_OPEN
								     : CIRRUS_KEY_CLOSED;
		break;
	case CIRRUS_SEQ_DDC:
		ddc_write(&s->ddc, card->edid, value & CIRRUS_DDC_CLOCK_OUT,
			  value & CIRRUS_DDC_DATA_OUT);
		break;
	case CIRRUS_SEQ_CURSOR_X:
		s->cursor_x_low = low;
		break;
	case CIRRUS_SEQ_CURSOR_Y:
		s->cursor_y_low = low;
		break;
	default:
		break;
	}
	if (index == CIRRUS_SEQ_MODE && value != s->seq[index])
		TRACE(cirrus, mode, "SR7 %02x", value);
	s->seq[index] = value;
	cirrus_memory_update(card);
	return true;
}

/* CRT controller */

static bool read_crtc(const struct cirrus *card, uint8_t index, uint8_t *value)
{
	const struct vga_state *vga = &card->state.vga;

	index &= VGA_CRTC_INDEX_MASK;
	if (index < CIRRUS_CRTC_FIRST)
		return false;
	*value = 0xff;
	if (index <= CIRRUS_CRTC_LAST)
		*value = card->state.crtc[index - CIRRUS_CRTC_FIRST];
	else if (index == CIRRUS_CRTC_LATCH)
		*value = vga->latches[vga->gfx[VGA_GFX_READ_MAP] & 3];
	else if (index == CIRRUS_CRTC_ATTR_FLIP_FLOP)
		*value = vga->attr_expects_data ? CIRRUS_ATTR_EXPECTS_DATA : 0;
	else if (index == CIRRUS_CRTC_REVISION)
		*value = 0;
	else if (index == CIRRUS_CRTC_ATTR_INDEX)
		*value = vga->attr_index;
	else if (index == CIRRUS_CRTC_ID)
		*value = CIRRUS_DEVICE;
	return true;
}

static bool write_crtc(struct cirrus *card, uint8_t index, uint8_t value)
{
	index &= VGA_CRTC_INDEX_MASK;
	if (index < CIRRUS_CRTC_FIRST)
		return false;
	if (index <= CIRRUS_CRTC_LAST)
		card->state.crtc[index - CIRRUS_CRTC_FIRST] = value;
	return true;
}

/* Graphics controller */

static uint8_t gfx_value(const struct cirrus *card, uint8_t index)
{
	uint8_t value = card->state.gfx[index];

	if (index == CIRRUS_GFX_BLT_CONTROL && cirrus_blt_waits(&card->blt))
		value |= CIRRUS_BLT_BUSY | CIRRUS_BLT_BUFFERED;
	return value;
}

static bool read_gfx(const struct cirrus *card, uint8_t index, uint8_t *value)
{
	index &= CIRRUS_GFX_INDEX_MASK;
	if (index < VGA_GFX_COUNT && index != CIRRUS_GFX_BACKGROUND &&
	    index != CIRRUS_GFX_FOREGROUND && index != VGA_GFX_MODE)
		return false;
	*value = gfx_value(card, index);
	return true;
}

static void start_blt(struct cirrus *card)
{
	card->blt.job->lines = 0;
	cirrus_blt_start(&card->blt, card->state.gfx);
	if (!cirrus_blt_waits(&card->blt))
		card->state.gfx[CIRRUS_GFX_BLT_CONTROL] &= (uint8_t)~CIRRUS_BLT_START;
}

/* Reset acts when it is taken back, as does START when it is given. */
static void write_blt_control(struct cirrus *card, uint8_t old, uint8_t value)
{
	if ((old & CIRRUS_BLT_RESET) && !(value & CIRRUS_BLT_RESET)) {
		cirrus_blt_cancel(&card->blt);
		card->state.gfx[CIRRUS_GFX_BLT_CONTROL] &= (uint8_t)~CIRRUS_BLT_START;
	} else if (!(old & CIRRUS_BLT_START) && (value & CIRRUS_BLT_START)) {
		start_blt(card);
	}
}

static void put_gfx(struct cirrus *card, uint8_t index, uint8_t value)
{
	uint8_t *reg = &card->state.gfx[index], old = *reg;

	*reg = value & (uint8_t)~gfx_lost_bits[index];
	if (index == CIRRUS_GFX_BLT_CONTROL)
		write_blt_control(card, old, *reg);
	else if (index == CIRRUS_GFX_BLT_DESTINATION_2 &&
		 (card->state.gfx[CIRRUS_GFX_BLT_CONTROL] & CIRRUS_BLT_AUTOSTART))
		start_blt(card);
	cirrus_memory_update(card);
}

/* The low bits of GR0, GR1 and GR5 are the VGA's too. */
static bool write_gfx(struct cirrus *card, uint8_t index, uint8_t value)
{
	index &= CIRRUS_GFX_INDEX_MASK;
	put_gfx(card, index, value);
	return index >= VGA_GFX_COUNT;
}

uint8_t cirrus_blt_register_read(const struct cirrus *card, unsigned offset)
{
	if (offset >= CIRRUS_MMIO_COUNT || (offset && !mmio_registers[offset]))
		return 0xff;
	return gfx_value(card, mmio_registers[offset]);
}

void cirrus_blt_register_write(struct cirrus *card, unsigned offset, uint8_t value)
{
	if (offset < CIRRUS_MMIO_COUNT && (offset == 0 || mmio_registers[offset]))
		put_gfx(card, mmio_registers[offset], value);
}

static bool read_register(void *opaque, enum vga_register_file file, uint8_t index, uint8_t *value)
{
	const struct cirrus *card = opaque;

	switch (file) {
	case VGA_FILE_SEQUENCER:
		return read_seq(card, index, value);
	case VGA_FILE_CRTC:
		return read_crtc(card, index, value);
	default:
		return read_gfx(card, index, value);
	}
}

static bool write_register(void *opaque, enum vga_register_file file, uint8_t index, uint8_t value)
{
	struct cirrus *card = opaque;

	switch (file) {
	case VGA_FILE_SEQUENCER:
		return write_seq(card, index, value);
	case VGA_FILE_CRTC:
		return write_crtc(card, index, value);
	default:
		return write_gfx(card, index, value);
	}
}

/* DAC: the fifth access to the mask after four reads of it goes to the hidden register. Any other
 * access begins the count anew. */

static bool dac_read(void *opaque, uint16_t port, uint8_t *value)
{
	struct cirrus_state *s = &((struct cirrus *)opaque)->state;
	bool hidden = port == VGA_PEL_MASK && s->hidden_dac_reads == CIRRUS_HIDDEN_DAC_READS;

	if (port == VGA_PEL_MASK && !hidden)
		s->hidden_dac_reads++;
	else
		s->hidden_dac_reads = 0;
	*value = s->hidden_dac;
	return hidden;
}

static bool dac_write(void *opaque, uint16_t port, uint8_t value)
{
	struct cirrus_state *s = &((struct cirrus *)opaque)->state;
	bool hidden = port == VGA_PEL_MASK && s->hidden_dac_reads == CIRRUS_HIDDEN_DAC_READS;

	s->hidden_dac_reads = 0;
	if (hidden)
		s->hidden_dac = value;
	return hidden;
}

static uint8_t *dac_entry(void *opaque, uint8_t index)
{
	struct cirrus_state *s = &((struct cirrus *)opaque)->state;

	if (!(s->seq[CIRRUS_SEQ_CURSOR] & CIRRUS_CURSOR_COLOURS))
		return NULL;
	return &s->cursor_dac[index % CIRRUS_CURSOR_DAC_COUNT * 3];
}

/* VCLK = reference * numerator / denominator / 1 or 2, for the clock that miscellaneous output
 * selects. */
static uint32_t dot_clock(void *opaque)
{
	const struct cirrus_state *s = &((struct cirrus *)opaque)->state;
	unsigned select = (s->vga.misc & VGA_MISC_CLOCK_MASK) >> 2;
	uint8_t n = s->seq[CIRRUS_SEQ_VCLK_NUMERATOR + select] & CIRRUS_NUMERATOR_MASK;
	uint8_t d = s->seq[CIRRUS_SEQ_VCLK_DENOMINATOR + select];
	uint32_t divisor = (uint32_t)(d & CIRRUS_DENOMINATOR_MASK) >> 1;

	if (!n || !divisor)
		return 0;
	return CIRRUS_REFERENCE_HZ / divisor * n >> ((d & CIRRUS_CLOCK_HALF) ? 1 : 0);
}

/* What is shown */

static uint8_t crtc_value(const struct cirrus_state *s, uint8_t index)
{
	return s->crtc[index - CIRRUS_CRTC_FIRST];
}

static uint32_t packed_depth(const struct cirrus_state *s)
{
	switch (s->seq[CIRRUS_SEQ_MODE] & CIRRUS_MODE_DEPTH) {
	case CIRRUS_DEPTH_16_DOUBLE_CLOCK:
	case CIRRUS_DEPTH_16:
		return (s->hidden_dac & CIRRUS_HIDDEN_DAC_FORMAT) == CIRRUS_HIDDEN_DAC_565 ? 16
											   : 15;
	case CIRRUS_DEPTH_24:
		return 24;
	case CIRRUS_DEPTH_32:
		return 32;
	default:
		return 8;
	}
}

/* In double words, as the CRT controller counts. */
static uint32_t start_address(const struct cirrus_state *s)
{
	const uint8_t *crtc = s->vga.crtc;
	uint32_t extended = crtc_value(s, CIRRUS_CRTC_EXTENDED);
	uint32_t start = (uint32_t)(crtc[VGA_CRTC_START_HIGH] << 8 | crtc[VGA_CRTC_START_LOW]);

	start |= (extended & CIRRUS_EXTENDED_START_16) << 16;
	start |= (extended & CIRRUS_EXTENDED_START_17_18) << 15;
	if (crtc_value(s, CIRRUS_CRTC_OVERLAY) & CIRRUS_OVERLAY_START_19)
		start |= 1u << 19;
	return start;
}

static void derive_packed(const struct cirrus *card, struct vga_geometry *g)
{
	g->kind = VGA_KIND_LINEAR;
	g->depth = packed_depth(&card->state);
	g->width = g->columns * 8;
	g->cell_width = 8;
	g->dot_shift = 0;
	g->pan = 0;
	g->start = start_address(&card->state) * 4;
	g->stride *= 4;
	g->address_mask = card->vga.vram_mask;
	g->scan_to_address = 0;
}

static void derive(void *opaque, struct vga_geometry *g)
{
	const struct cirrus *card = opaque;
	const struct cirrus_state *s = &card->state;
	uint8_t extended = crtc_value(s, CIRRUS_CRTC_EXTENDED);

	if (extended & CIRRUS_EXTENDED_OFFSET_8)
		g->stride += 0x200;
	if (extended & CIRRUS_EXTENDED_WRAP) {
		g->start += start_address(s) & ~0xffffu;
		g->address_mask = card->vga.vram_mask / 4;
	}
	if (crtc_value(s, CIRRUS_CRTC_MISC) & CIRRUS_MISC_INTERLACE)
		g->height *= 2;
	if ((s->seq[CIRRUS_SEQ_MODE] & CIRRUS_MODE_PACKED) && g->kind != VGA_KIND_TEXT)
		derive_packed(card, g);
	if (s->gfx[CIRRUS_GFX_POWER] & CIRRUS_POWER_SYNC_OFF)
		g->kind = VGA_KIND_BLANK;
}

/* Cursor. TRM chapter 7.3: of 64 x 64 dots each line has its two planes side by side; of 32 x 32
 * the second plane follows the first. */

static void copy_pattern(const struct cirrus *card, struct vga_cursor *cursor)
{
	bool large = cursor->size == VGA_CURSOR_MAX;
	uint8_t select = card->state.seq[CIRRUS_SEQ_CURSOR_PATTERN] &
			 (large ? CIRRUS_CURSOR_PATTERN_64 : CIRRUS_CURSOR_PATTERN_32);
	const uint8_t *pattern = card->blt.host + CIRRUS_MEMORY_BYTES - CIRRUS_CURSOR_AREA +
				 select * (uint32_t)CIRRUS_CURSOR_UNIT;
	unsigned bytes = cursor->size / 8, line = large ? 2 * bytes : bytes;
	unsigned plane = large ? bytes : bytes * cursor->size;

	for (unsigned y = 0; y < cursor->size; y++) {
		for (unsigned p = 0; p < 2; p++)
			memcpy(cursor->planes[p][y], pattern + y * line + p * plane, bytes);
	}
}

static uint32_t cursor_colour(const struct cirrus_state *s, unsigned index)
{
	const uint8_t *rgb = &s->cursor_dac[index * 3];
	uint32_t colour = 0;

	for (unsigned i = 0; i < 3; i++)
		colour = colour << 8 | (((uint32_t)rgb[i] << 2 | rgb[i] >> 4) & 0xff);
	return colour;
}

static void describe_cursor(void *opaque, struct vga_cursor *cursor)
{
	const struct cirrus *card = opaque;
	const struct cirrus_state *s = &card->state;

	if (!(s->seq[CIRRUS_SEQ_CURSOR] & CIRRUS_CURSOR_ON))
		return;
	cursor->size = (s->seq[CIRRUS_SEQ_CURSOR] & CIRRUS_CURSOR_64) ? 64 : 32;
	cursor->x = (uint32_t)(s->seq[CIRRUS_SEQ_CURSOR_X] << 3 | s->cursor_x_low);
	cursor->y = (uint32_t)(s->seq[CIRRUS_SEQ_CURSOR_Y] << 3 | s->cursor_y_low);
	cursor->colours[0] = cursor_colour(s, CIRRUS_CURSOR_BACKGROUND);
	cursor->colours[1] = cursor_colour(s, CIRRUS_CURSOR_FOREGROUND);
	copy_pattern(card, cursor);
}

static void map_changed(void *opaque)
{
	cirrus_banks_update(opaque);
}

const struct vga_ext cirrus_ext = {
	.read = read_register,
	.write = write_register,
	.derive = derive,
	.dac_read = dac_read,
	.dac_write = dac_write,
	.dac_entry = dac_entry,
	.memory_read = cirrus_window_read,
	.memory_write = cirrus_window_write,
	.map_changed = map_changed,
	.cursor = describe_cursor,
	.dot_clock = dot_clock,
	.without_dispi = true,
};

/* Life */

void cirrus_registers_reset(struct cirrus *card)
{
	struct cirrus_state *s = &card->state;

	memset(s->seq, 0, sizeof(s->seq));
	memset(s->crtc, 0, sizeof(s->crtc));
	memset(s->gfx, 0, sizeof(s->gfx));
	memset(s->cursor_dac, 0, sizeof(s->cursor_dac));
	memset(s->reserved, 0, sizeof(s->reserved));
	s->cursor_x_low = s->cursor_y_low = 0;
	s->hidden_dac = s->hidden_dac_reads = 0;
	s->seq[CIRRUS_SEQ_KEY] = CIRRUS_KEY_CLOSED;
	s->seq[CIRRUS_SEQ_DRAM] = CIRRUS_DRAM_4_MIB;
	s->seq[CIRRUS_SEQ_SCRATCH_3] = CIRRUS_SCRATCH_3_4_MIB;
	s->seq[CIRRUS_SEQ_CONFIGURATION] = CIRRUS_BUS_PCI;
	s->seq[CIRRUS_SEQ_MCLK] = CIRRUS_MCLK_64_MHZ;
	s->gfx[CIRRUS_GFX_DRAM] = CIRRUS_GFX_DRAM_TIMING;
	memset(&s->job, 0, sizeof(s->job));
	ddc_reset(&s->ddc);
}

int cirrus_registers_check(const struct cirrus *card, struct err *err)
{
	const struct cirrus_state *s = &card->state;
	uint8_t key = s->seq[CIRRUS_SEQ_KEY];

	for (unsigned i = 0; i < CIRRUS_GFX_COUNT; i++) {
		if (s->gfx[i] & gfx_lost_bits[i])
			return err_set(err, -EINVAL, "Cirrus: register bits that do not exist");
	}
	if ((key != CIRRUS_KEY_OPEN && key != CIRRUS_KEY_CLOSED) || s->reserved[0] ||
	    s->reserved[1] || s->cursor_x_low > 7 || s->cursor_y_low > 7 ||
	    s->hidden_dac_reads > CIRRUS_HIDDEN_DAC_READS)
		return err_set(err, -EINVAL, "Cirrus: impossible registers");
	if (s->job.lines &&
	    (!cirrus_job_is_valid(&s->job) || !(s->job.mode & CIRRUS_BLT_FROM_SYSTEM)))
		return err_set(err, -EINVAL, "Cirrus: impossible blit");
	return ddc_check(&s->ddc, err);
}
