// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The BitBLT engine of the CL-GD5446: copies, pattern fills and colour expansion within video
 * memory or from the processor, with sixteen raster operations and transparency.
 *
 * A start copies the registers into a job, so that nothing the guest writes later changes a blit
 * under way. A job within video memory is done before the write that starts it returns: at most
 * 2048 lines of 8192 bytes. A job whose source is the processor waits for its data, line by line.
 *
 * Every line, source or destination, reaches memory by cirrus_blt_fetch and cirrus_blt_store alone.
 * They wrap at the end of memory, as the chip's address counter does: no pitch, width, height or
 * address leads out of it. cirrus_job_is_valid decides about a new job and about one that was
 * loaded.
 *
 * Not modelled: copies to the processor (a job that asks for one is dropped), pausing, the second
 * aperture's own enable, the offset of the first byte in GR2F bits 5 and 6.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "bus/state.h"

struct vga_dirty;

enum {
	CIRRUS_BLT_MAX_BYTES = 0x2000, /* of a line */
	CIRRUS_BLT_MAX_LINES = 0x800,
	CIRRUS_PATTERN_LINES = 8,
	CIRRUS_MAX_PIXEL_BYTES = 4,
	CIRRUS_PATTERN_MAX_BYTES = 256,
};

/** A blit under way. */
struct cirrus_job {
	uint32_t destination, source; /* of the line to be done next, as the registers count */
	uint32_t foreground, background;
	uint16_t destination_pitch, source_pitch;
	uint16_t bytes;      /* of a line */
	uint16_t lines;      /* that are left; 0: there is no job */
	uint16_t key;        /* the transparent colour */
	uint16_t line_bytes; /* of the processor's data for a line, or for the pattern */
	uint16_t have;       /* of these */
	uint8_t mode;        /* cirrus_blt_mode */
	uint8_t extension;   /* cirrus_blt_extension */
	uint8_t rop;
	uint8_t skip;         /* bytes left alone at the left, patterns and expansion */
	uint8_t pattern_line; /* of the next line */
	uint8_t reserved;     /* zero */
	uint8_t data[CIRRUS_BLT_MAX_BYTES]; /* from the processor, or the pattern */
};
extern const struct state_table cirrus_job_table;

/** A line on its way to memory. A pixel that begins within the line may end behind it. */
struct cirrus_line {
	uint8_t pixels[CIRRUS_BLT_MAX_BYTES + CIRRUS_MAX_PIXEL_BYTES];
	uint8_t keep[CIRRUS_BLT_MAX_BYTES + CIRRUS_MAX_PIXEL_BYTES]; /* ff: memory stays */
	bool keeps;                                                  /* any of these */
};

struct cirrus_blt {
	struct cirrus_job *job; /* in the card's state */
	uint8_t *host;          /* the chip's memory */
	uint32_t mask;          /* its bytes less one */
	struct vga_dirty *dirty;
	/* Used within a line; here because the stack's would be cleared for each. */
	struct cirrus_line line;
	uint8_t source[CIRRUS_BLT_MAX_BYTES], memory[CIRRUS_BLT_MAX_BYTES];
};

/** Starts what registers 'gfx' (CIRRUS_GFX_COUNT of them) describe; a job under way is given up. */
void cirrus_blt_start(struct cirrus_blt *blt, const uint8_t *gfx);
void cirrus_blt_cancel(struct cirrus_blt *blt);
/** Takes the low 'size' bytes of 'value' for the job that waits; dropped if there is none. */
void cirrus_blt_take(struct cirrus_blt *blt, uint64_t value, unsigned size);

/** Whether a job waits for the processor's data. */
static inline bool cirrus_blt_waits(const struct cirrus_blt *blt)
{
	return blt->job->lines != 0;
}

/** Whether the engine can have this job, as new or under way. */
bool cirrus_job_is_valid(const struct cirrus_job *job);
