// SPDX-License-Identifier: GPL-2.0-or-later
#include "vga/vga.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/display.h"
#include "base/err.h"
#include "vga/beam.h"
#include "vga/planes.h"
#include "vga/screen.h"
#include "vga/text.h"
#include "vga/vbe.h"

/* Bits that each register keeps. */
static const uint8_t seq_masks[VGA_SEQ_COUNT] = { 0x03, 0x3d, 0x0f, 0x3f, 0x0e };
static const uint8_t gfx_masks[VGA_GFX_COUNT] = {
	0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff,
};
static const uint8_t crtc_masks[VGA_CRTC_COUNT] = {
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0xff, 0x3f, 0x7f, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xef, 0xff,
};
static const uint8_t attr_masks[VGA_ATTR_COUNT] = {
	0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f,
	0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0xef, 0xff, 0x3f, 0x0f, 0x0f,
};

static const struct state_field state_fields[] = {
	STATE_INT(struct vga_state, misc),          STATE_INT(struct vga_state, feature),
	STATE_INT(struct vga_state, subsystem),     STATE_INT(struct vga_state, seq_index),
	STATE_ARRAY(struct vga_state, seq),         STATE_INT(struct vga_state, crtc_index),
	STATE_ARRAY(struct vga_state, crtc),        STATE_INT(struct vga_state, gfx_index),
	STATE_ARRAY(struct vga_state, gfx),         STATE_INT(struct vga_state, attr_index),
	STATE_ARRAY(struct vga_state, attr),        STATE_INT(struct vga_state, attr_expects_data),
	STATE_ARRAY(struct vga_state, latches),     STATE_INT(struct vga_state, pel_mask),
	STATE_ARRAY(struct vga_state, dac),         STATE_INT(struct vga_state, dac_index),
	STATE_INT(struct vga_state, dac_state),     STATE_INT(struct vga_state, dac_component),
	STATE_ARRAY(struct vga_state, dac_pending), STATE_INT(struct vga_state, big_endian),
	STATE_INT(struct vga_state, vbe_index),     STATE_ARRAY(struct vga_state, vbe),
};
STATE_TABLE(vga_state_table, vga_state, state_fields);

/* Sequencer, graphics controller, CRT controller: an index and a data register each. */

static uint8_t seq_index_read(struct vga *vga)
{
	return vga->state->seq_index;
}

static void seq_index_write(struct vga *vga, uint8_t value)
{
	vga->state->seq_index = value;
}

static uint8_t seq_read(struct vga *vga)
{
	uint8_t index = vga->state->seq_index, value;

	if (vga->ext.read && vga->ext.read(vga->ext.opaque, VGA_FILE_SEQUENCER, index, &value))
		return value;
	index &= VGA_SEQ_INDEX_MASK;
	return index < VGA_SEQ_COUNT ? vga->state->seq[index] : 0xff;
}

static void seq_write(struct vga *vga, uint8_t value)
{
	uint8_t index = vga->state->seq_index;

	if (vga->ext.write && vga->ext.write(vga->ext.opaque, VGA_FILE_SEQUENCER, index, value))
		return;
	index &= VGA_SEQ_INDEX_MASK;
	if (index >= VGA_SEQ_COUNT)
		return;
	vga->state->seq[index] = value & seq_masks[index];
	vga_update_map(vga);
}

static uint8_t gfx_index_read(struct vga *vga)
{
	return vga->state->gfx_index;
}

static void gfx_index_write(struct vga *vga, uint8_t value)
{
	vga->state->gfx_index = value;
}

static uint8_t gfx_read(struct vga *vga)
{
	uint8_t index = vga->state->gfx_index, value;

	if (vga->ext.read && vga->ext.read(vga->ext.opaque, VGA_FILE_GRAPHICS, index, &value))
		return value;
	index &= VGA_GFX_INDEX_MASK;
	return index < VGA_GFX_COUNT ? vga->state->gfx[index] : 0xff;
}

static void gfx_write(struct vga *vga, uint8_t value)
{
	uint8_t index = vga->state->gfx_index;

	if (vga->ext.write && vga->ext.write(vga->ext.opaque, VGA_FILE_GRAPHICS, index, value))
		return;
	index &= VGA_GFX_INDEX_MASK;
	if (index >= VGA_GFX_COUNT)
		return;
	vga->state->gfx[index] = value & gfx_masks[index];
	vga_update_map(vga);
}

static uint8_t crtc_index_read(struct vga *vga)
{
	return vga->state->crtc_index;
}

static void crtc_index_write(struct vga *vga, uint8_t value)
{
	vga->state->crtc_index = value;
}

static uint8_t crtc_read(struct vga *vga)
{
	uint8_t index = vga->state->crtc_index, value;

	if (vga->ext.read && vga->ext.read(vga->ext.opaque, VGA_FILE_CRTC, index, &value))
		return value;
	index &= VGA_CRTC_INDEX_MASK;
	return index < VGA_CRTC_COUNT ? vga->state->crtc[index] : 0xff;
}

/* The bits of register 'index' that may change now: protection covers the timing, but never the
 * line compare. */
static uint8_t crtc_writable(const struct vga_state *s, uint8_t index)
{
	if (index >= VGA_CRTC_PROTECTED_COUNT ||
	    !(s->crtc[VGA_CRTC_V_RETRACE_END] & VGA_V_RETRACE_PROTECT))
		return crtc_masks[index];
	return index == VGA_CRTC_OVERFLOW ? VGA_OVERFLOW_LINE_COMPARE_8 : 0;
}

static void crtc_write(struct vga *vga, uint8_t value)
{
	struct vga_state *s = vga->state;
	uint8_t index = s->crtc_index;

	if (vga->ext.write && vga->ext.write(vga->ext.opaque, VGA_FILE_CRTC, index, value))
		return;
	index &= VGA_CRTC_INDEX_MASK;
	if (index < VGA_CRTC_COUNT)
		s->crtc[index] =
			(uint8_t)replace_bits(s->crtc[index], crtc_writable(s, index), value);
}

/* Attribute controller: one port for index and data, by turns; reading input status 1 makes the
 * index next. */

static uint8_t attr_index_read(struct vga *vga)
{
	return vga->state->attr_index;
}

static uint8_t attr_read(struct vga *vga)
{
	uint8_t index = vga->state->attr_index & VGA_ATTR_INDEX_MASK;

	return index < VGA_ATTR_COUNT ? vga->state->attr[index] : 0xff;
}

static void attr_write(struct vga *vga, uint8_t value)
{
	struct vga_state *s = vga->state;
	uint8_t index = s->attr_index & VGA_ATTR_INDEX_MASK;

	if (!s->attr_expects_data)
		s->attr_index = value & (VGA_ATTR_PALETTE_SOURCE | VGA_ATTR_INDEX_MASK);
	else if (index < VGA_ATTR_COUNT)
		s->attr[index] = value & attr_masks[index];
	s->attr_expects_data = !s->attr_expects_data;
}

/* DAC: three writes make a colour, three reads take one; the index then moves on. */

static uint8_t pel_mask_read(struct vga *vga)
{
	return vga->state->pel_mask;
}

static void pel_mask_write(struct vga *vga, uint8_t value)
{
	vga->state->pel_mask = value;
}

static uint8_t dac_state_read(struct vga *vga)
{
	return vga->state->dac_state;
}

static uint8_t dac_index_read(struct vga *vga)
{
	return vga->state->dac_index;
}

static void dac_set_index(struct vga *vga, uint8_t index, uint8_t state)
{
	vga->state->dac_index = index;
	vga->state->dac_state = state;
	vga->state->dac_component = 0;
}

static void dac_read_index_write(struct vga *vga, uint8_t value)
{
	dac_set_index(vga, value, VGA_DAC_READING);
}

static void dac_write_index_write(struct vga *vga, uint8_t value)
{
	dac_set_index(vga, value, VGA_DAC_WRITING);
}

static void dac_advance(struct vga_state *s)
{
	if (++s->dac_component == 3) {
		s->dac_component = 0;
		s->dac_index++;
	}
}

/* The colour that the index selects. */
static uint8_t *dac_entry(struct vga *vga)
{
	uint8_t index = vga->state->dac_index;
	uint8_t *entry = vga->ext.dac_entry ? vga->ext.dac_entry(vga->ext.opaque, index) : NULL;

	return entry ? entry : &vga->state->dac[index * 3];
}

static uint8_t dac_read(struct vga *vga)
{
	struct vga_state *s = vga->state;
	uint8_t value = dac_entry(vga)[s->dac_component];

	dac_advance(s);
	return value;
}

static void dac_write(struct vga *vga, uint8_t value)
{
	struct vga_state *s = vga->state;
	bool wide = (s->vbe[VBE_ENABLE] & VBE_8_BIT_DAC) != 0;

	s->dac_pending[s->dac_component] = wide ? value : value & 0x3f;
	if (s->dac_component == 2)
		memcpy(dac_entry(vga), s->dac_pending, 3);
	dac_advance(s);
}

/* General registers. */

static uint8_t misc_read(struct vga *vga)
{
	return vga->state->misc;
}

static void misc_write(struct vga *vga, uint8_t value)
{
	vga->state->misc = value;
	vga_update_map(vga);
}

static uint8_t feature_read(struct vga *vga)
{
	return vga->state->feature;
}

static void feature_write(struct vga *vga, uint8_t value)
{
	vga->state->feature = value;
}

static uint8_t subsystem_read(struct vga *vga)
{
	return vga->state->subsystem;
}

static void subsystem_write(struct vga *vga, uint8_t value)
{
	vga->state->subsystem = value & 1;
}

static uint8_t input_status_0(struct vga *vga)
{
	(void)vga;
	return VGA_STATUS_0_SENSE;
}

static uint8_t input_status_1(struct vga *vga)
{
	vga->state->attr_expects_data = false;
	return vga_beam_status(vga);
}

/* The ports. */

enum port_decode {
	DECODE_ALWAYS,
	DECODE_MONO,
	DECODE_COLOUR,
};

struct port_row {
	uint8_t (*read)(struct vga *vga); /* NULL: nothing there */
	void (*write)(struct vga *vga, uint8_t value);
	enum port_decode decode;
};

#define PORT(name) [VGA_##name - VGA_PORT_FIRST]

static const struct port_row port_rows[VGA_PORT_LAST - VGA_PORT_FIRST + 1] = {
	PORT(CRTC_INDEX_MONO) = { crtc_index_read, crtc_index_write, DECODE_MONO },
	PORT(CRTC_DATA_MONO) = { crtc_read, crtc_write, DECODE_MONO },
	PORT(INPUT_STATUS_1_MONO) = { input_status_1, feature_write, DECODE_MONO },
	PORT(ATTRIBUTE_INDEX) = { attr_index_read, attr_write, DECODE_ALWAYS },
	PORT(ATTRIBUTE_DATA) = { attr_read, NULL, DECODE_ALWAYS },
	PORT(INPUT_STATUS_0) = { input_status_0, misc_write, DECODE_ALWAYS },
	PORT(SUBSYSTEM_ENABLE) = { subsystem_read, subsystem_write, DECODE_ALWAYS },
	PORT(SEQUENCER_INDEX) = { seq_index_read, seq_index_write, DECODE_ALWAYS },
	PORT(SEQUENCER_DATA) = { seq_read, seq_write, DECODE_ALWAYS },
	PORT(PEL_MASK) = { pel_mask_read, pel_mask_write, DECODE_ALWAYS },
	PORT(DAC_STATE) = { dac_state_read, dac_read_index_write, DECODE_ALWAYS },
	PORT(DAC_WRITE_INDEX) = { dac_index_read, dac_write_index_write, DECODE_ALWAYS },
	PORT(DAC_DATA) = { dac_read, dac_write, DECODE_ALWAYS },
	PORT(FEATURE_READ) = { feature_read, NULL, DECODE_ALWAYS },
	PORT(MISC_READ) = { misc_read, NULL, DECODE_ALWAYS },
	PORT(GRAPHICS_INDEX) = { gfx_index_read, gfx_index_write, DECODE_ALWAYS },
	PORT(GRAPHICS_DATA) = { gfx_read, gfx_write, DECODE_ALWAYS },
	PORT(CRTC_INDEX) = { crtc_index_read, crtc_index_write, DECODE_COLOUR },
	PORT(CRTC_DATA) = { crtc_read, crtc_write, DECODE_COLOUR },
	PORT(INPUT_STATUS_1) = { input_status_1, feature_write, DECODE_COLOUR },
};

/* The row that answers at 'port' now, or NULL. */
static const struct port_row *find_port(const struct vga *vga, uint16_t port)
{
	bool colour = (vga->state->misc & VGA_MISC_COLOUR) != 0;
	const struct port_row *row;

	if (port < VGA_PORT_FIRST || port > VGA_PORT_LAST)
		return NULL;
	row = &port_rows[port - VGA_PORT_FIRST];
	if (row->decode != DECODE_ALWAYS && (row->decode == DECODE_COLOUR) != colour)
		return NULL;
	return row;
}

static bool is_dac_port(uint16_t port)
{
	return port >= VGA_PEL_MASK && port <= VGA_DAC_DATA;
}

uint8_t vga_port_read(struct vga *vga, uint16_t port)
{
	const struct port_row *row = find_port(vga, port);
	uint8_t value;

	if (is_dac_port(port) && vga->ext.dac_read &&
	    vga->ext.dac_read(vga->ext.opaque, port, &value))
		return value;
	return row && row->read ? row->read(vga) : 0xff;
}

void vga_port_write(struct vga *vga, uint16_t port, uint8_t value)
{
	const struct port_row *row = find_port(vga, port);

	if (is_dac_port(port) && vga->ext.dac_write &&
	    vga->ext.dac_write(vga->ext.opaque, port, value))
		return;
	if (row && row->write)
		row->write(vga, value);
}

/* Reading changes nothing but the state, which is put back: a copy is read. */
uint8_t vga_port_peek(const struct vga *vga, uint16_t port)
{
	struct vga_state state = *vga->state;
	struct vga copy = *vga;

	copy.state = &state;
	copy.ext.dac_read = NULL;
	return vga_port_read(&copy, port);
}

static uint64_t port_window_read(void *opaque, uint64_t offset, unsigned size)
{
	struct vga_port_window *window = opaque;

	(void)size;
	return vga_port_read(window->vga, (uint16_t)(window->first + offset));
}

static void port_window_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
	struct vga_port_window *window = opaque;

	(void)size;
	vga_port_write(window->vga, (uint16_t)(window->first + offset), (uint8_t)value);
}

static uint64_t port_window_peek(void *opaque, uint64_t offset, unsigned size)
{
	struct vga_port_window *window = opaque;

	(void)size;
	return vga_port_peek(window->vga, (uint16_t)(window->first + offset));
}

static const struct io_ops port_ops = {
	.read = port_window_read,
	.write = port_window_write,
	.peek = port_window_peek,
	.max_size = 1, /* a word written to an index port is index and data */
};

/* Life. */

void vga_reset(struct vga *vga)
{
	struct vga_state *s = vga->state;

	memset(s, 0, sizeof(*s));
	s->subsystem = 1;
	s->pel_mask = 0xff;
	s->gfx[VGA_GFX_BIT_MASK] = 0xff;
	vbe_reset(vga);
	vga_update_map(vga);
	vga_dirty_mark_all(&vga->dirty);
}

/* Ports 3BCh to 3BFh are left to a parallel port. */
static void init_windows(struct vga *vga)
{
	static const struct {
		const char *name;
		uint16_t first, count;
	} ports[VGA_PORT_WINDOWS] = {
		{ "vga-mono", 0x3b0, 12 },
		{ "vga", 0x3c0, 16 },
		{ "vga-colour", 0x3d0, 16 },
	};

	for (unsigned i = 0; i < VGA_PORT_WINDOWS; i++) {
		struct vga_port_window *window = &vga->port_windows[i];

		window->vga = vga;
		window->first = ports[i].first;
		io_window_init(&window->window, ports[i].name, &port_ops, window, ports[i].count);
	}
	io_window_init(&vga->vbe_window, "vga-dispi", &vbe_port_ops, vga, VBE_PORT_COUNT);
	io_window_init(&vga->memory_window, "vga-memory", &vga_memory_ops, vga, VGA_WINDOW_BYTES);
	vga->legacy_window = &vga->memory_window;
}

void vga_init(struct vga *vga, struct vga_state *state, struct clock *clock,
	      struct display *display, const struct video_ram *vram, const struct vga_ext *ext)
{
	struct display_source source = {
		.opaque = vga,
		.refresh = vga_screen_refresh,
		.watch = vga_screen_watch,
		.read_text = vga_text_read,
	};

	assert(is_power_of_two(vram->bytes) && vram->bytes >= 0x40000 && vram->bytes <= 0x10000000);
	*vga = (struct vga){
		.state = state,
		.clock = clock,
		.display = display,
		.vram = *vram,
		.vram_mask = (uint32_t)vram->bytes - 1,
	};
	if (ext)
		vga->ext = *ext;
	init_windows(vga);
	vga_reset(vga);
	display_set_source(display, &source);
}

static void unmap(struct vga *vga)
{
	for (unsigned i = 0; i < VGA_PORT_WINDOWS; i++)
		io_unmap(&vga->port_windows[i].window);
	io_unmap(&vga->vbe_window);
	io_unmap(vga->legacy_window);
}

int vga_map(struct vga *vga, struct io_space *ports, struct io_space *memory, struct err *err)
{
	int error = 0;

	for (unsigned i = 0; i < VGA_PORT_WINDOWS && error == 0; i++)
		error = io_map(ports, &vga->port_windows[i].window, vga->port_windows[i].first);
	if (error == 0 && !vga->ext.without_dispi)
		error = io_map(ports, &vga->vbe_window, VBE_PORT_INDEX);
	if (error == 0)
		error = io_map(memory, vga->legacy_window, VGA_WINDOW_BASE);
	if (error != 0) {
		unmap(vga);
		return err_set_errno(err, error, "the VGA's ports or memory are taken");
	}
	return 0;
}

void vga_finish(struct vga *vga)
{
	display_set_source(vga->display, &(struct display_source){ 0 });
	vga_screen_watch(vga, false);
	unmap(vga);
}

static bool fits_masks(const uint8_t *values, const uint8_t *masks, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (values[i] & ~masks[i])
			return false;
	}
	return true;
}

int vga_after_load(struct vga *vga, struct err *err)
{
	const struct vga_state *s = vga->state;

	if (!fits_masks(s->seq, seq_masks, VGA_SEQ_COUNT) ||
	    !fits_masks(s->gfx, gfx_masks, VGA_GFX_COUNT) ||
	    !fits_masks(s->crtc, crtc_masks, VGA_CRTC_COUNT) ||
	    !fits_masks(s->attr, attr_masks, VGA_ATTR_COUNT) || s->subsystem > 1 ||
	    (s->attr_index & ~(VGA_ATTR_PALETTE_SOURCE | VGA_ATTR_INDEX_MASK)))
		return err_set(err, -EINVAL, "VGA: register bits that do not exist");
	if (s->dac_component > 2 ||
	    (s->dac_state != VGA_DAC_READING && s->dac_state != VGA_DAC_WRITING))
		return err_set(err, -EINVAL, "VGA: impossible state of the DAC");
	if (vbe_check(vga, err) != 0)
		return -EINVAL;
	vga_update_map(vga);
	vga_dirty_mark_all(&vga->dirty);
	return 0;
}
