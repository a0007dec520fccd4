// SPDX-License-Identifier: GPL-2.0-or-later
#include "vga/vbe.h"

#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/trace.h"
#include "vga/planes.h"
#include "vga/vga.h"

/* Bits that a pixel takes in memory. */
static uint32_t depth_bits(uint32_t depth)
{
	return depth == 15 ? 16 : depth;
}

static uint32_t valid_depth(uint16_t bpp)
{
	switch (bpp) {
	case 4:
	case 15:
	case 16:
	case 24:
	case 32:
		return bpp;
	default:
		return 8; /* 0 also means 8 */
	}
}

void vbe_derive(const uint16_t *vbe, size_t vram_bytes, struct vbe_layout *l)
{
	uint32_t align, max_width;

	l->depth = valid_depth(vbe[VBE_BPP]);
	align = l->depth == 4 ? 8 : 1; /* planes hold eight pixels a byte */
	l->width = (uint32_t)clamp_u64(align_down(vbe[VBE_XRES], align), align, VBE_MAX_XRES);
	/* A line may be as long as the memory: at least one fits, as memory is 256 KiB or more. */
	max_width = (uint32_t)min_u64(vram_bytes * 8 / depth_bits(l->depth), 0xffff);
	l->virtual_width = (uint32_t)clamp_u64(align_up(vbe[VBE_VIRT_WIDTH], align), l->width,
					       align_down(max_width, align));
	l->stride = (uint32_t)(((uint64_t)l->virtual_width * depth_bits(l->depth) + 7) / 8);
	l->virtual_height = (uint32_t)min_u64(vram_bytes / l->stride, 0xffff);
	l->height = (uint32_t)clamp_u64(vbe[VBE_YRES], 1, min_u64(VBE_MAX_YRES, l->virtual_height));
	l->x_offset = (uint32_t)min_u64(vbe[VBE_X_OFFSET], l->virtual_width - l->width);
	l->y_offset = (uint32_t)min_u64(vbe[VBE_Y_OFFSET], l->virtual_height - l->height);
	l->start = l->y_offset * l->stride;
	if (l->depth == 4)
		l->start += l->x_offset / 8 * 4;
	else
		l->start += l->x_offset * (depth_bits(l->depth) / 8);
}

/* Brings the registers in line with one another. */
static void vbe_normalise(uint16_t *vbe, size_t vram_bytes)
{
	struct vbe_layout layout;

	vbe_derive(vbe, vram_bytes, &layout);
	vbe[VBE_XRES] = (uint16_t)layout.width;
	vbe[VBE_YRES] = (uint16_t)layout.height;
	vbe[VBE_BPP] = (uint16_t)layout.depth;
	vbe[VBE_VIRT_WIDTH] = (uint16_t)layout.virtual_width;
	vbe[VBE_VIRT_HEIGHT] = (uint16_t)layout.virtual_height;
	vbe[VBE_X_OFFSET] = (uint16_t)layout.x_offset;
	vbe[VBE_Y_OFFSET] = (uint16_t)layout.y_offset;
}

void vbe_reset(struct vga *vga)
{
	memset(vga->state->vbe, 0, sizeof(vga->state->vbe));
	vga->state->vbe_index = 0;
	vga->state->vbe[VBE_ID] = VBE_ID_LAST;
}

static uint16_t vbe_read_limit(unsigned index, uint16_t value)
{
	switch (index) {
	case VBE_XRES:
		return VBE_MAX_XRES;
	case VBE_YRES:
		return VBE_MAX_YRES;
	case VBE_BPP:
		return VBE_MAX_BPP;
	default:
		return value;
	}
}

uint16_t vbe_read(const struct vga *vga, unsigned index)
{
	const uint16_t *vbe = vga->state->vbe;

	if (index == VBE_VIDEO_MEMORY_64K)
		return (uint16_t)(vga->vram.bytes / 0x10000);
	if (index >= VBE_REGISTER_COUNT)
		return 0;
	return (vbe[VBE_ENABLE] & VBE_GET_CAPS) ? vbe_read_limit(index, vbe[index]) : vbe[index];
}

static void vbe_clear_screen(struct vga *vga)
{
	struct vbe_layout layout;

	vbe_derive(vga->state->vbe, vga->vram.bytes, &layout);
	memset(vga->vram.host, 0, (size_t)layout.height * layout.stride);
	vga_dirty_mark_all(&vga->dirty);
}

static void vbe_write_enable(struct vga *vga, uint16_t value)
{
	uint16_t *vbe = vga->state->vbe;
	bool was_on = vga_vbe_is_on(vga);

	vbe[VBE_ENABLE] = value & VBE_ENABLE_MASK;
	if (!(value & VBE_ENABLED)) {
		vbe[VBE_BANK] = 0;
		return;
	}
	if (was_on)
		return;
	vbe[VBE_VIRT_WIDTH] = 0;
	vbe[VBE_X_OFFSET] = 0;
	vbe[VBE_Y_OFFSET] = 0;
	vbe_normalise(vbe, vga->vram.bytes);
	TRACE(vga, vbe_mode, "%ux%u, %u bits", vbe[VBE_XRES], vbe[VBE_YRES], vbe[VBE_BPP]);
	if (!(value & VBE_NO_CLEAR))
		vbe_clear_screen(vga);
}

void vbe_write(struct vga *vga, unsigned index, uint16_t value)
{
	uint16_t *vbe = vga->state->vbe;

	switch (index) {
	case VBE_ID:
		if (value >= VBE_ID_FIRST && value <= VBE_ID_LAST)
			vbe[index] = value;
		return;
	case VBE_XRES:
		vbe[index] = value <= VBE_MAX_XRES ? value : vbe[index];
		break;
	case VBE_YRES:
		vbe[index] = value <= VBE_MAX_YRES ? value : vbe[index];
		break;
	case VBE_BPP:
		vbe[index] = (uint16_t)valid_depth(value);
		break;
	case VBE_ENABLE:
		vbe_write_enable(vga, value);
		break;
	case VBE_BANK:
		vbe[index] = (uint16_t)(value & (vga->vram.bytes / VBE_BANK_BYTES - 1));
		break;
	case VBE_VIRT_WIDTH:
	case VBE_X_OFFSET:
	case VBE_Y_OFFSET:
		vbe[index] = value;
		break;
	default: /* the virtual height follows from the width */
		return;
	}
	if (vga_vbe_is_on(vga))
		vbe_normalise(vbe, vga->vram.bytes);
	vga_update_map(vga);
}

int vbe_check(const struct vga *vga, struct err *err)
{
	const uint16_t *vbe = vga->state->vbe;
	uint16_t normal[VBE_REGISTER_COUNT];

	if (vbe[VBE_ID] < VBE_ID_FIRST || vbe[VBE_ID] > VBE_ID_LAST ||
	    vbe[VBE_XRES] > VBE_MAX_XRES || vbe[VBE_YRES] > VBE_MAX_YRES ||
	    (vbe[VBE_BPP] && vbe[VBE_BPP] != valid_depth(vbe[VBE_BPP])) ||
	    (vbe[VBE_ENABLE] & ~VBE_ENABLE_MASK) ||
	    vbe[VBE_BANK] >= vga->vram.bytes / VBE_BANK_BYTES)
		return err_set(err, -EINVAL, "VGA: impossible display interface registers");
	if (!vga_vbe_is_on(vga))
		return 0;
	memcpy(normal, vbe, sizeof(normal));
	vbe_normalise(normal, vga->vram.bytes);
	if (memcmp(normal, vbe, sizeof(normal)) != 0)
		return err_set(err, -EINVAL, "VGA: the display interface's mode does not fit");
	return 0;
}

static uint64_t vbe_port_read(void *opaque, uint64_t offset, unsigned size)
{
	struct vga *vga = opaque;
	uint16_t value = vga->state->vbe_index;

	if (offset != VBE_PORT_INDEX - VBE_PORT_INDEX)
		value = vbe_read(vga, vga->state->vbe_index);
	return value & ones(size);
}

static void vbe_port_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
	struct vga *vga = opaque;

	(void)size;
	if (offset == VBE_PORT_INDEX - VBE_PORT_INDEX)
		vga->state->vbe_index = (uint16_t)value;
	else
		vbe_write(vga, vga->state->vbe_index, (uint16_t)value);
}

const struct io_ops vbe_port_ops = {
	.read = vbe_port_read,
	.write = vbe_port_write,
	.peek = vbe_port_read,
	.max_size = 2,
};
