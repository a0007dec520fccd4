// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pictures into bytes: Raw, ZRLE and Tight (without JPEG). Runs on a worker and touches only what
 * it is given.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <zlib.h>

#include "vnc/outbuf.h"
#include "vnc/rfb.h"

/** How a viewer wants its pixels: RFC 6143 7.4, true colour only. */
struct pixel_format {
	uint8_t bytes; /* 1, 2 or 4 */
	uint8_t depth;
	bool big_endian;
	uint16_t max[3]; /* red, green, blue */
	uint8_t shift[3];
};

struct encode_rect {
	unsigned x, y, width, height;
	const uint32_t *pixels; /* 0x00RRGGBB, line behind line */
};

struct encoder;

/** A viewer's; its compression streams go through all updates. NULL when out of memory. */
struct encoder *encoder_create(void);
void encoder_destroy(struct encoder *encoder);

/** Appends a whole FramebufferUpdate to 'out', which has failed afterwards if there was no memory.
 */
void encode_update(struct encoder *encoder, const struct pixel_format *format,
		   enum rfb_encoding encoding, const struct encode_rect *rects, unsigned count,
		   struct outbuf *out);
