// SPDX-License-Identifier: GPL-2.0-or-later
#include "vga/planes.h"

#include "base/bits.h"
#include "base/bytes.h"
#include "vga/vga.h"

/* A byte of ones for each of the four bits: what set/reset, compare and masks do to all planes at
 * once. */
static const uint32_t plane_bytes[16] = {
	0x00000000, 0x000000ff, 0x0000ff00, 0x0000ffff, 0x00ff0000, 0x00ff00ff,
	0x00ffff00, 0x00ffffff, 0xff000000, 0xff0000ff, 0xff00ff00, 0xff00ffff,
	0xffff0000, 0xffff00ff, 0xffffff00, 0xffffffff,
};

enum {
	EVEN_PLANES = 0x5,
	ODD_PLANES = 0xa,
	FIRST_PAIR = 0x3,
};

static void map_window(struct vga *vga)
{
	static const struct {
		uint32_t first, bytes;
	} windows[4] = {
		{ 0x00000, 0x20000 },
		{ 0x00000, 0x10000 },
		{ 0x10000, 0x08000 },
		{ 0x18000, 0x08000 },
	};
	unsigned select = vga->state->gfx[VGA_GFX_MISC] >> 2 & 3u;

	vga->map.first = windows[select].first;
	vga->map.bytes = windows[select].bytes;
	vga->map.bank = 0;
	if (!(vga->state->misc & VGA_MISC_RAM_ENABLE))
		vga->map.bytes = 0;
}

void vga_update_map(struct vga *vga)
{
	const struct vga_state *s = vga->state;
	struct vga_map *map = &vga->map;
	uint8_t memory = s->seq[VGA_SEQ_MEMORY_MODE];

	map_window(vga);
	map->write_path = (memory & VGA_MEMORY_SEQUENTIAL) ? VGA_PATH_PLANES : VGA_PATH_ODD_EVEN;
	map->read_path =
		(s->gfx[VGA_GFX_MODE] & VGA_MODE_ODD_EVEN) ? VGA_PATH_ODD_EVEN : VGA_PATH_PLANES;
	if (memory & VGA_MEMORY_CHAIN_4)
		map->write_path = map->read_path = VGA_PATH_CHAIN_4;
	if (vga_vbe_is_on(vga)) {
		map->bank = s->vbe[VBE_BANK] * (uint32_t)VBE_BANK_BYTES;
		if (s->vbe[VBE_BPP] != 4) { /* linear whatever the planes are set to */
			map->write_path = map->read_path = VGA_PATH_LINEAR;
			map->first = 0;
			map->bytes = VBE_BANK_BYTES;
		}
	}
	map->write_mask = plane_bytes[s->seq[VGA_SEQ_MAP_MASK] & 15];
	map->plain_write = !(s->gfx[VGA_GFX_MODE] & VGA_MODE_WRITE) &&
			   s->gfx[VGA_GFX_ROTATE] == 0 && s->gfx[VGA_GFX_ENABLE_SET_RESET] == 0 &&
			   s->gfx[VGA_GFX_BIT_MASK] == 0xff;
	map->plain_read = !(s->gfx[VGA_GFX_MODE] & VGA_MODE_READ_COMPARE);
	if (vga->ext.map_changed)
		vga->ext.map_changed(vga->ext.opaque);
}

/* The byte offset in video RAM of the four planes at plane address 'address'. */
static uint32_t planes_offset(const struct vga *vga, uint32_t address)
{
	return (address * 4) & vga->vram_mask;
}

static uint8_t rotate_right(uint8_t value, unsigned count)
{
	return (uint8_t)(value >> count | value << (8 - count));
}

static uint32_t apply_function(const struct vga_state *s, uint32_t data, uint32_t latches)
{
	switch (s->gfx[VGA_GFX_ROTATE] & VGA_ROTATE_FUNCTION) {
	case VGA_FUNCTION_AND:
		return data & latches;
	case VGA_FUNCTION_OR:
		return data | latches;
	case VGA_FUNCTION_XOR:
		return data ^ latches;
	default:
		return data;
	}
}

/* What the data path makes of a byte for all four planes. IBM VGA, graphics mode register: write
 * modes. */
static uint32_t data_path(const struct vga_state *s, uint8_t value)
{
	uint32_t latches = load_le32(s->latches);
	uint32_t set_reset = plane_bytes[s->gfx[VGA_GFX_SET_RESET]];
	uint8_t rotated = rotate_right(value, s->gfx[VGA_GFX_ROTATE] & VGA_ROTATE_COUNT);
	uint8_t bit_mask = s->gfx[VGA_GFX_BIT_MASK];
	uint32_t data;

	switch (s->gfx[VGA_GFX_MODE] & VGA_MODE_WRITE) {
	case 0:
		data = replace_bits(rotated * 0x01010101u,
				    plane_bytes[s->gfx[VGA_GFX_ENABLE_SET_RESET]], set_reset);
		break;
	case 1:
		return latches;
	case 2:
		data = plane_bytes[value & 15];
		break;
	default:
		data = set_reset;
		bit_mask &= rotated;
		break;
	}
	return replace_bits(latches, bit_mask * 0x01010101u, apply_function(s, data, latches));
}

static void write_planes(struct vga *vga, uint32_t address, uint8_t value, uint32_t mask)
{
	uint32_t offset = planes_offset(vga, address);
	uint8_t *planes = vga->vram.host + offset;
	uint32_t data;

	mask &= vga->map.write_mask;
	if (mask == 0)
		return;
	data = vga->map.plain_write ? value * 0x01010101u : data_path(vga->state, value);
	store_le32(planes, replace_bits(load_le32(planes), mask, data));
	vga_dirty_mark(&vga->dirty, offset);
}

static void write_byte(struct vga *vga, uint32_t address, uint8_t value)
{
	uint32_t offset;

	switch (vga->map.write_path) {
	case VGA_PATH_PLANES:
		write_planes(vga, address + vga->map.bank, value, UINT32_MAX);
		break;
	case VGA_PATH_ODD_EVEN:
		write_planes(vga, (address + vga->map.bank) >> 1, value,
			     plane_bytes[(address & 1) ? ODD_PLANES : EVEN_PLANES]);
		break;
	case VGA_PATH_CHAIN_4:
		write_planes(vga, (address + vga->map.bank) >> 2, value,
			     0xffu << 8 * (address & 3));
		break;
	case VGA_PATH_LINEAR:
		offset = (address + vga->map.bank) & vga->vram_mask;
		vga->vram.host[offset] = value;
		vga_dirty_mark(&vga->dirty, offset);
		break;
	}
}

/* Bytes that lie one behind the other in video RAM. */
static void write_run(struct vga *vga, uint32_t offset, uint64_t value, unsigned size)
{
	offset &= vga->vram_mask; /* the window's end is below the memory's, so is offset + size */
	store_le(vga->vram.host + offset, size, value);
	vga_dirty_mark(&vga->dirty, offset);
	vga_dirty_mark(&vga->dirty, offset + size - 1);
}

/* Characters with their attributes: what text screens are written with. */
static void write_text(struct vga *vga, uint32_t address, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i += 2) {
		uint32_t offset = planes_offset(vga, (address + i) >> 1);

		store_le16(vga->vram.host + offset, (uint16_t)(value >> (8 * i)));
		vga_dirty_mark(&vga->dirty, offset);
	}
}

/* Takes the whole access if nothing transforms or masks its bytes. */
static bool write_fast(struct vga *vga, uint32_t address, uint64_t value, unsigned size)
{
	const struct vga_map *map = &vga->map;

	if (map->write_path == VGA_PATH_LINEAR) {
		write_run(vga, address + map->bank, value, size);
		return true;
	}
	if (!map->plain_write)
		return false;
	if (map->write_path == VGA_PATH_ODD_EVEN && map->write_mask == plane_bytes[FIRST_PAIR] &&
	    ((address | size) & 1) == 0 && map->bank == 0) {
		write_text(vga, address, value, size);
		return true;
	}
	if (map->write_path == VGA_PATH_CHAIN_4 && map->write_mask == UINT32_MAX) {
		write_run(vga, address + map->bank, value, size);
		return true;
	}
	return false;
}

static void memory_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
	struct vga *vga = opaque;
	const struct vga_map *map = &vga->map;
	uint32_t address = (uint32_t)offset - map->first;

	if (vga->ext.memory_write &&
	    vga->ext.memory_write(vga->ext.opaque, (uint32_t)offset, size, value))
		return;
	if (offset >= map->first && range_fits(address, size, map->bytes) &&
	    write_fast(vga, address, value, size))
		return;
	for (unsigned i = 0; i < size; i++) {
		if (offset + i >= map->first && (uint32_t)(offset + i) - map->first < map->bytes)
			write_byte(vga, (uint32_t)(offset + i) - map->first,
				   (uint8_t)(value >> (8 * i)));
	}
}

/* A one for each dot whose planes, as far as the guest cares, are the colour it compares with. Read
 * mode 1. */
static uint8_t compare_colours(const struct vga_state *s)
{
	uint32_t differ = load_le32(s->latches) ^ plane_bytes[s->gfx[VGA_GFX_COLOUR_COMPARE]];

	differ &= plane_bytes[s->gfx[VGA_GFX_COLOUR_DONT_CARE]];
	differ |= differ >> 16;
	differ |= differ >> 8;
	return (uint8_t)~differ;
}

static uint8_t read_planes(struct vga *vga, uint32_t address, unsigned plane)
{
	struct vga_state *s = vga->state;

	memcpy(s->latches, vga->vram.host + planes_offset(vga, address), sizeof(s->latches));
	return vga->map.plain_read ? s->latches[plane] : compare_colours(s);
}

static uint8_t read_byte(struct vga *vga, uint32_t address)
{
	unsigned plane = vga->state->gfx[VGA_GFX_READ_MAP];
	uint32_t banked = address + vga->map.bank;

	switch (vga->map.read_path) {
	case VGA_PATH_PLANES:
		return read_planes(vga, banked, plane);
	case VGA_PATH_ODD_EVEN:
		return read_planes(vga, banked >> 1, (plane & 2) | (address & 1));
	case VGA_PATH_CHAIN_4:
		return read_planes(vga, banked >> 2, address & 3);
	case VGA_PATH_LINEAR:
		break;
	}
	return vga->vram.host[banked & vga->vram_mask];
}

static uint64_t memory_read(void *opaque, uint64_t offset, unsigned size)
{
	struct vga *vga = opaque;
	const struct vga_map *map = &vga->map;
	uint64_t value = 0;

	if (vga->ext.memory_read &&
	    vga->ext.memory_read(vga->ext.opaque, (uint32_t)offset, size, &value))
		return value;
	for (unsigned i = 0; i < size; i++) {
		uint64_t at = offset + i;
		uint8_t byte = 0xff;

		if (at >= map->first && at - map->first < map->bytes)
			byte = read_byte(vga, (uint32_t)(at - map->first));
		value |= (uint64_t)byte << (8 * i);
	}
	return value;
}

/* Only the latches change when memory is read. */
static uint64_t memory_peek(void *opaque, uint64_t offset, unsigned size)
{
	struct vga *vga = opaque;
	uint32_t latches = load_le32(vga->state->latches);
	uint64_t value = memory_read(opaque, offset, size);

	store_le32(vga->state->latches, latches);
	return value;
}

const struct io_ops vga_memory_ops = {
	.is_memory = true,
	.read = memory_read,
	.write = memory_write,
	.peek = memory_peek,
	.max_size = 8,
	.coalesced = true,
};
