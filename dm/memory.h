// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guest-physical memory map of the board: RAM below and above the PCI hole, the BIOS image
 * below 4 GiB, and the area from 0xc0000 to 0xfffff, in which the host bridge's attribute maps lay
 * RAM over ROM.
 */
#pragma once

#include "bus/io.h"

struct err;
struct hv;

enum {
	MEMORY_PAM_SEGMENTS = 13,
};

/** Xen's toolstack begins the PCI hole here, unless it is told otherwise (mmio_hole). */
#define MEMORY_XEN_LOW_LIMIT UINT64_C(0xf0000000)

struct memory_segment {
	struct io_window window;
	uint64_t base, bytes;
	uint8_t *ram;
	const uint8_t *rom; /* NULL: nothing is there without RAM */
};

struct memory_map {
	struct io_space *space;
	struct hv *hv;
	struct io_window conventional; /* 0 to 0xa0000 */
	struct io_window extended;     /* 1 MiB to the PCI hole */
	struct io_window high;         /* from 4 GiB on */
	struct io_window bios;
	struct memory_segment segments[MEMORY_PAM_SEGMENTS];
};

/**
 * Maps RAM of the core and the BIOS image ('bios_bytes' a multiple of 64 KiB; its last 128 KiB also
 * appear below 1 MiB), all ROM as at power-on. 0, or -errno and a sentence.
 */
int memory_map_init(struct memory_map *map, struct io_space *space, struct hv *hv,
		    uint64_t low_bytes, uint64_t high_bytes, const uint8_t *bios, size_t bios_bytes,
		    struct err *err);

/** Splits RAM around the PCI hole: what lies below it. 'limit' 0 is the usual one. */
uint64_t memory_low_bytes(uint64_t ram_bytes, uint64_t limit);

/** The host bridge's hook: reads and writes of segment 0 (0xf0000) or 1 to 12 go to RAM or not. */
void memory_pam_changed(void *map, unsigned segment, uint64_t base, uint64_t bytes, bool read_ram,
			bool write_ram);
