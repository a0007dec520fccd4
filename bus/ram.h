// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guest memory as devices reach it (DMA): RAM pages only, never a device. Pieces are mapped for as
 * long as a transfer runs, so that disk and network move data without a copy.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct io_window;

/** What lends the memory: the hypervisor core. */
struct ram_ops {
	/**
	 * The host address of guest-physical 'gpa'; *length is shortened to what is contiguous.
	 * NULL if no RAM is there.
	 */
	void *(*map)(void *opaque, uint64_t gpa, size_t *length, bool write);
	/** Ends a mapping; 'written' bytes from its start were changed by us. */
	void (*unmap)(void *opaque, void *host, size_t length, size_t written);
};

struct ram {
	const struct ram_ops *ops;
	void *opaque;
	uint64_t low_bytes;  /* RAM below the PCI hole, the legacy hole at 0xa0000 included */
	uint64_t high_bytes; /* RAM from 4 GiB on */
};

void *ram_map(struct ram *ram, uint64_t gpa, size_t *length, bool write);
void ram_unmap(struct ram *ram, void *host, size_t length, size_t written);

/** Copies out of guest memory; what is not RAM reads as all ones. True if all of it was RAM. */
bool ram_read(struct ram *ram, uint64_t gpa, void *data, size_t length);
/** Copies into guest memory; what is not RAM swallows it. True if all of it was RAM. */
bool ram_write(struct ram *ram, uint64_t gpa, const void *data, size_t length);

/** Memory that a card puts into the guest's address space and scans out: video RAM. */
struct video_ram {
	uint8_t *host; /* page-aligned */
	size_t bytes;
	void *opaque;
	bool in_pieces; /* direct windows may show parts of it too, not only all of it at once */
	/** Starts or stops dirty logging; NULL: there is none, all counts as dirty. */
	void (*set_logging)(void *opaque, bool on);
	/** Sets one bit a 4 KiB page written since the last call in 'bitmap' (bytes / 4096 bits);
	 * false: take all as dirty. */
	bool (*fetch_dirty)(void *opaque, unsigned long *bitmap);
	/** Tells which window shows the memory to the processor; called by the card once, at init.
	 * May be NULL. */
	void (*attach)(void *opaque, struct io_window *window);
};
