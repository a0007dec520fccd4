// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/bits.h"
#include "base/bytes.h"
#include "vga/cirrus.h"

enum {
	BANKED_BYTES = 0x10000,
	LEGACY_MMIO = 0x18000, /* b8000 */
	EXPANDED_PIXELS = 8,
};

/* Memory as the processor writes it: bytes, or bits that the extended write modes make pixels of.
 */

static bool expands(const uint8_t *gfx)
{
	uint8_t mode = gfx[VGA_GFX_MODE] & CIRRUS_WRITE_MODE_MASK;

	return (gfx[CIRRUS_GFX_EXTENSIONS] & CIRRUS_EXTENDED_WRITES) &&
	       (mode == CIRRUS_WRITE_MODE_4 || mode == CIRRUS_WRITE_MODE_5);
}

static bool by_16(const uint8_t *gfx)
{
	const uint8_t both = CIRRUS_ADDRESS_BY_16 | CIRRUS_EXTENDED_WRITES;

	return (gfx[CIRRUS_GFX_EXTENSIONS] & both) == both;
}

/* Whether a byte written is a byte of memory at that address. */
static bool is_plain(const uint8_t *gfx)
{
	return !expands(gfx) && !by_16(gfx) && !(gfx[CIRRUS_GFX_EXTENSIONS] & CIRRUS_ADDRESS_BY_8);
}

static uint32_t scale_address(const struct cirrus *card, uint32_t address)
{
	const uint8_t *gfx = card->state.gfx;

	if (by_16(gfx))
		address <<= 4;
	else if (gfx[CIRRUS_GFX_EXTENSIONS] & CIRRUS_ADDRESS_BY_8)
		address <<= 3;
	return address & card->blt.mask;
}

static void put_byte(struct cirrus *card, uint32_t address, uint8_t value)
{
	address &= card->blt.mask;
	card->blt.host[address] = value;
	vga_dirty_mark(&card->vga.dirty, address);
}

/* Write modes 4 and 5: eight pixels, the highest bit first. */
static void write_expanded(struct cirrus *card, uint32_t address, uint8_t bits)
{
	const uint8_t *gfx = card->state.gfx;
	unsigned bytes = by_16(gfx) ? 2 : 1;
	bool opaque = (gfx[VGA_GFX_MODE] & CIRRUS_WRITE_MODE_MASK) == CIRRUS_WRITE_MODE_5;

	for (unsigned i = 0; i < EXPANDED_PIXELS; i++, address += bytes) {
		bool one = (bits & 0x80u >> i) != 0;

		if (!one && !opaque)
			continue;
		put_byte(card, address, gfx[one ? CIRRUS_GFX_FOREGROUND : CIRRUS_GFX_BACKGROUND]);
		if (bytes == 2)
			put_byte(card, address + 1,
				 gfx[one ? CIRRUS_GFX_FOREGROUND_1 : CIRRUS_GFX_BACKGROUND_1]);
	}
}

static void write_memory(struct cirrus *card, uint32_t address, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++) {
		uint8_t byte = (uint8_t)(value >> (8 * i));
		uint32_t scaled = scale_address(card, address + i);

		if (expands(card->state.gfx))
			write_expanded(card, scaled, byte);
		else
			put_byte(card, scaled, byte);
	}
}

static uint64_t read_memory(const struct cirrus *card, uint32_t address, unsigned size)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < size; i++)
		value |= (uint64_t)card->blt.host[scale_address(card, address + i)] << (8 * i);
	return value;
}

static void give_blt(struct cirrus *card, uint64_t value, unsigned size)
{
	cirrus_blt_take(&card->blt, value, size);
	if (cirrus_blt_waits(&card->blt))
		return;
	card->state.gfx[CIRRUS_GFX_BLT_CONTROL] &= (uint8_t)~CIRRUS_BLT_START;
	cirrus_memory_update(card);
}

/* The blitter's registers as memory. */

static void write_block(struct cirrus *card, unsigned offset, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		cirrus_blt_register_write(card, offset + i, (uint8_t)(value >> (8 * i)));
}

static uint64_t read_block(const struct cirrus *card, unsigned offset, unsigned size)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < size; i++)
		value |= (uint64_t)cirrus_blt_register_read(card, offset + i) << (8 * i);
	return value;
}

static bool mmio_is_at(const struct cirrus *card, bool linear)
{
	uint8_t bits =
		card->state.seq[CIRRUS_SEQ_CONFIGURATION] & (CIRRUS_MMIO_ON | CIRRUS_MMIO_LINEAR);

	return bits == (linear ? CIRRUS_MMIO_ON | CIRRUS_MMIO_LINEAR : CIRRUS_MMIO_ON);
}

/* a0000: banks while packed pixels are on, registers at b8000, data for the blitter. */

static bool is_packed(const struct cirrus *card)
{
	return (card->state.seq[CIRRUS_SEQ_MODE] & CIRRUS_MODE_PACKED) != 0;
}

static bool is_legacy_mmio(const struct cirrus *card, uint32_t offset)
{
	return offset >= LEGACY_MMIO && offset - LEGACY_MMIO < CIRRUS_MMIO_BLOCK_BYTES &&
	       mmio_is_at(card, false);
}

bool cirrus_banks_are_plain(const struct cirrus *card)
{
	return is_packed(card) && (card->state.vga.misc & VGA_MISC_RAM_ENABLE) &&
	       !cirrus_blt_waits(&card->blt) && is_plain(card->state.gfx);
}

bool cirrus_window_read(void *opaque, uint32_t offset, unsigned size, uint64_t *value)
{
	const struct cirrus *card = opaque;

	if (is_legacy_mmio(card, offset)) {
		*value = read_block(card, offset - LEGACY_MMIO, size);
		return true;
	}
	if (!is_packed(card) || !(card->state.vga.misc & VGA_MISC_RAM_ENABLE))
		return false;
	*value = ones(size);
	if (offset < BANKED_BYTES)
		*value = read_memory(card, cirrus_bank_address(card, offset), size);
	return true;
}

bool cirrus_window_write(void *opaque, uint32_t offset, unsigned size, uint64_t value)
{
	struct cirrus *card = opaque;

	if (is_legacy_mmio(card, offset)) {
		write_block(card, offset - LEGACY_MMIO, value, size);
		return true;
	}
	if (offset < BANKED_BYTES && cirrus_blt_waits(&card->blt)) {
		give_blt(card, value, size);
		return true;
	}
	if (!is_packed(card) || !(card->state.vga.misc & VGA_MISC_RAM_ENABLE))
		return false;
	if (offset < BANKED_BYTES)
		write_memory(card, cirrus_bank_address(card, offset), value, size);
	return true;
}

/* BAR 0: the frame buffer access by access. */

static bool is_linear_mmio(const struct cirrus *card, uint64_t offset)
{
	return (offset & card->blt.mask) >= card->blt.mask + 1 - CIRRUS_MMIO_BLOCK_BYTES &&
	       offset < CIRRUS_BLT_APERTURE && mmio_is_at(card, true);
}

static bool is_lent(const struct cirrus *card, uint64_t offset)
{
	return offset > card->blt.mask && offset < card->vga.vram.bytes;
}

/* Which byte of memory an offset of the lower half shows, by the view it lies in. */
static uint32_t view_address(uint64_t offset)
{
	unsigned view = (unsigned)(offset >> CIRRUS_APERTURE_SHIFT);

	if (view == CIRRUS_APERTURE_SWAP_16)
		return (uint32_t)offset ^ 1;
	if (view == CIRRUS_APERTURE_SWAP_32)
		return (uint32_t)offset ^ 3;
	return (uint32_t)offset;
}

static uint64_t frame_buffer_peek(const struct cirrus *card, uint64_t offset, unsigned size)
{
	uint64_t value = 0;

	if (is_lent(card, offset))
		return load_le(card->vga.vram.host + offset, size);
	if (offset >= CIRRUS_BLT_APERTURE)
		return ones(size);
	if (is_linear_mmio(card, offset))
		return read_block(card, (unsigned)(offset % CIRRUS_MMIO_BLOCK_BYTES), size);
	for (unsigned i = 0; i < size; i++)
		value |= read_memory(card, view_address(offset + i), 1) << (8 * i);
	return value;
}

static void frame_buffer_write(struct cirrus *card, uint64_t offset, uint64_t value, unsigned size)
{
	if (is_linear_mmio(card, offset)) {
		write_block(card, (unsigned)(offset % CIRRUS_MMIO_BLOCK_BYTES), value, size);
	} else if (cirrus_blt_waits(&card->blt)) {
		give_blt(card, value, size);
	} else if (is_lent(card, offset)) {
		store_le(card->vga.vram.host + offset, size, value);
		vga_dirty_mark_range(&card->vga.dirty, (size_t)offset, size);
	} else if (offset < CIRRUS_BLT_APERTURE) {
		for (unsigned i = 0; i < size; i++)
			write_memory(card, view_address(offset + i), value >> (8 * i), 1);
	}
}

/* Whether memory may be reached without being looked at. */
static bool may_be_direct(const struct cirrus *card)
{
	return !cirrus_blt_waits(&card->blt) && !mmio_is_at(card, true) &&
	       is_plain(card->state.gfx);
}

static void switch_direct(struct cirrus *card, bool direct)
{
	unsigned from = direct ? CIRRUS_PART_TRAPPED : CIRRUS_PART_DIRECT;
	unsigned to = direct ? CIRRUS_PART_DIRECT : CIRRUS_PART_TRAPPED;

	card->plain_accesses = 0;
	if (card->parts[to].on)
		return;
	/* There is room in the map: a window has just left it. */
	io_group_switch(&card->frame_buffer, from, false);
	io_group_switch(&card->frame_buffer, to, true);
}

void cirrus_memory_settle(struct cirrus *card)
{
	switch_direct(card, may_be_direct(card));
	cirrus_banks_update(card);
}

void cirrus_memory_update(struct cirrus *card)
{
	if (!may_be_direct(card))
		switch_direct(card, false);
	cirrus_banks_update(card);
}

/* An access came that the direct window could have taken. */
static void count_plain(struct cirrus *card)
{
	if (may_be_direct(card) && ++card->plain_accesses >= CIRRUS_PLAIN_ACCESSES)
		switch_direct(card, true);
}

static uint64_t trapped_read(void *opaque, uint64_t offset, unsigned size)
{
	struct cirrus *card = opaque;
	uint64_t value = frame_buffer_peek(card, offset, size);

	count_plain(card);
	return value;
}

static uint64_t trapped_peek(void *opaque, uint64_t offset, unsigned size)
{
	return frame_buffer_peek(opaque, offset, size);
}

static void trapped_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
	struct cirrus *card = opaque;
	bool waited = cirrus_blt_waits(&card->blt);

	frame_buffer_write(card, offset, value, size);
	if (!waited)
		count_plain(card);
}

static uint64_t upper_peek(void *opaque, uint64_t offset, unsigned size)
{
	const struct cirrus *card = opaque;

	return frame_buffer_peek(card, offset + card->direct.size, size);
}

static void upper_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
	struct cirrus *card = opaque;

	frame_buffer_write(card, offset + card->direct.size, value, size);
}

static const struct io_ops trapped_ops = {
	.is_memory = true,
	.read = trapped_read,
	.write = trapped_write,
	.peek = trapped_peek,
	.max_size = 8,
};
static const struct io_ops upper_ops = {
	.is_memory = true,
	.read = upper_peek,
	.write = upper_write,
	.peek = upper_peek,
	.max_size = 8,
};

/* BAR 1: ports and the blitter's registers. */

static bool is_blt_block(uint64_t offset)
{
	return offset >= CIRRUS_BAR_1_BLT && offset < CIRRUS_BAR_1_BLT + CIRRUS_MMIO_BLOCK_BYTES;
}

static uint64_t mmio_read(void *opaque, uint64_t offset, unsigned size)
{
	struct cirrus *card = opaque;
	uint64_t value = 0;

	if (is_blt_block(offset))
		return read_block(card, (unsigned)(offset - CIRRUS_BAR_1_BLT), size);
	if (offset >= CIRRUS_BAR_1_PORTS)
		return ones(size);
	for (unsigned i = 0; i < size; i++)
		value |= (uint64_t)vga_port_read(&card->vga,
						 (uint16_t)(VGA_ATTRIBUTE_INDEX + offset + i))
			 << (8 * i);
	return value;
}

static uint64_t mmio_peek(void *opaque, uint64_t offset, unsigned size)
{
	const struct cirrus *card = opaque;
	uint64_t value = 0;

	if (is_blt_block(offset))
		return read_block(card, (unsigned)(offset - CIRRUS_BAR_1_BLT), size);
	if (offset >= CIRRUS_BAR_1_PORTS)
		return ones(size);
	for (unsigned i = 0; i < size; i++)
		value |= (uint64_t)vga_port_peek(&card->vga,
						 (uint16_t)(VGA_ATTRIBUTE_INDEX + offset + i))
			 << (8 * i);
	return value;
}

static void mmio_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
	struct cirrus *card = opaque;

	if (is_blt_block(offset)) {
		write_block(card, (unsigned)(offset - CIRRUS_BAR_1_BLT), value, size);
		return;
	}
	for (unsigned i = 0; i < size && offset + i < CIRRUS_BAR_1_PORTS; i++)
		vga_port_write(&card->vga, (uint16_t)(VGA_ATTRIBUTE_INDEX + offset + i),
			       (uint8_t)(value >> (8 * i)));
}

static const struct io_ops mmio_ops = {
	.read = mmio_read,
	.write = mmio_write,
	.peek = mmio_peek,
	.max_size = 4,
};

void cirrus_memory_init(struct cirrus *card, const struct video_ram *vram)
{
	io_window_init_direct(&card->direct, "cirrus-vram", vram->host, vram->bytes, false);
	card->direct.log_dirty = true;
	io_window_init(&card->trapped, "cirrus-frame-buffer", &trapped_ops, card, vram->bytes);
	io_window_init(&card->upper, "cirrus-apertures", &upper_ops, card,
		       CIRRUS_BAR_0_BYTES - vram->bytes);
	io_window_init(&card->mmio, "cirrus-mmio", &mmio_ops, card, CIRRUS_BAR_1_BYTES);
	card->parts[CIRRUS_PART_DIRECT] = (struct io_part){ &card->direct, 0, true };
	card->parts[CIRRUS_PART_TRAPPED] = (struct io_part){ &card->trapped, 0, false };
	card->parts[CIRRUS_PART_UPPER] = (struct io_part){ &card->upper, vram->bytes, true };
	io_window_init_group(&card->frame_buffer, "cirrus-bar0", card->parts, CIRRUS_PARTS,
			     CIRRUS_BAR_0_BYTES);
	if (vram->attach)
		vram->attach(vram->opaque, &card->direct);
}
