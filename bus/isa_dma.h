// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The DMA port of ISA devices (floppy, sound): how a device moves bytes by a channel of the 8237
 * pair, without knowing it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What the controller offers; channels 0 to 3 move bytes, 5 to 7 words. */
struct isa_dma {
	void *opaque;
	/** Moves up to 'length' bytes between 'data' and guest memory; returns how many the
	 * channel's count allowed, 0 if masked. */
	size_t (*transfer)(void *opaque, unsigned channel, void *data, size_t length,
			   bool to_memory);
	/** True once the channel has reached terminal count. */
	bool (*is_done)(void *opaque, unsigned channel);
	void (*set_request)(void *opaque, unsigned channel, bool level); /* DREQ */
};
