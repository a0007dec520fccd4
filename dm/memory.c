// SPDX-License-Identifier: GPL-2.0-or-later
#include "dm/memory.h"

#include <errno.h>

#include "base/bits.h"
#include "base/err.h"
#include "hv/hv.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

enum {
	CONVENTIONAL_BYTES = 0xa0000,
	PAM_BASE = 0xc0000,
	PAM_F_BASE = 0xf0000,
	PAM_SEGMENT_BYTES = 0x4000,
	ROM_SHADOW_BYTES = 0x20000, /* of the BIOS image, below 1 MiB */
};

uint64_t memory_low_bytes(uint64_t ram_bytes, uint64_t limit)
{
	/*
	 * SeaBIOS takes 0xe0000000 as the start of the PCI window, or 0xc0000000 if RAM ends there
	 * (src/fw/pciinit.c). Below 3.5 GiB all is low; above, the window is the larger one.
	 */
	if (!limit)
		limit = ram_bytes > 0xe0000000 ? 3 * GIB : 0xe0000000;
	return min_u64(ram_bytes, limit);
}

/** Maps [base, base + bytes) of the core's RAM. */
static int map_ram(struct memory_map *map, struct io_window *window, const char *name,
		   struct hv *hv, uint64_t base, uint64_t bytes)
{
	size_t length = bytes;
	uint8_t *host;

	if (!bytes)
		return 0;
	host = hv_ram_map(hv, base, &length, true);
	if (!host || length < bytes)
		return -ENOMEM;
	io_window_init_direct(window, name, host, bytes, false);
	return io_map(map->space, window, base);
}

/** Shows RAM, write-protected RAM, or ROM over writable RAM. */
static void show_segment(struct memory_map *map, struct memory_segment *segment, bool read_ram,
			 bool write_ram)
{
	struct io_window *window = &segment->window;
	uint8_t *host = read_ram ? segment->ram : (uint8_t *)(uintptr_t)segment->rom;

	io_unmap(window);
	if (!host)
		return;
	io_window_init_direct(window, read_ram ? "shadow RAM" : "ROM", host, segment->bytes,
			      !(read_ram && write_ram));
	if (!read_ram && write_ram)
		window->shadow = segment->ram;
	io_map(map->space, window, segment->base);
}

void memory_pam_changed(void *opaque, unsigned segment, uint64_t base, uint64_t bytes,
			bool read_ram, bool write_ram)
{
	struct memory_map *map = opaque;

	(void)base;
	(void)bytes;
	if (segment >= MEMORY_PAM_SEGMENTS || !map->segments[segment].ram)
		return;
	/* The guest executes from these segments: it must not find one missing. */
	hv_slots_begin(map->hv);
	show_segment(map, &map->segments[segment], read_ram, write_ram);
	hv_slots_end(map->hv);
}

static void init_segments(struct memory_map *map, struct hv *hv, const uint8_t *bios,
			  size_t bios_bytes)
{
	size_t shadow = min_size(bios_bytes, ROM_SHADOW_BYTES);

	for (unsigned i = 0; i < MEMORY_PAM_SEGMENTS; i++) {
		struct memory_segment *segment = &map->segments[i];
		size_t length;

		segment->base = i ? PAM_BASE + (i - 1) * PAM_SEGMENT_BYTES : PAM_F_BASE;
		segment->bytes = i ? PAM_SEGMENT_BYTES : MIB - PAM_F_BASE;
		length = (size_t)segment->bytes;
		segment->ram = hv_ram_map(hv, segment->base, &length, true);
		if (bios && segment->base >= MIB - shadow)
			segment->rom = bios + bios_bytes - (MIB - segment->base);
		show_segment(map, segment, false, false);
	}
}

int memory_map_init(struct memory_map *map, struct io_space *space, struct hv *hv,
		    uint64_t low_bytes, uint64_t high_bytes, const uint8_t *bios, size_t bios_bytes,
		    struct err *err)
{
	int result;

	*map = (struct memory_map){ .space = space, .hv = hv };
	result = map_ram(map, &map->conventional, "RAM", hv, 0, CONVENTIONAL_BYTES);
	if (result == 0 && low_bytes > MIB)
		result = map_ram(map, &map->extended, "RAM", hv, MIB, low_bytes - MIB);
	if (result == 0)
		result = map_ram(map, &map->high, "RAM above 4 GiB", hv, 4 * GIB, high_bytes);
	if (result == 0 && bios) {
		io_window_init_direct(&map->bios, "BIOS", (uint8_t *)(uintptr_t)bios, bios_bytes,
				      true);
		result = io_map(space, &map->bios, 4 * GIB - bios_bytes);
	}
	if (result < 0)
		return err_set_errno(err, result, "cannot map the guest's memory");
	init_segments(map, hv, bios, bios_bytes);
	return 0;
}
