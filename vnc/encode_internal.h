// SPDX-License-Identifier: GPL-2.0-or-later
/* Shared by encode.c, tight.c and zrle.c. */
#pragma once

#include "vnc/encode.h"

enum {
	PALETTE_MAX = 256,
	PALETTE_SLOTS = 1024,
};

/** The colours of a piece of picture, in the order in which they come. */
struct palette {
	uint32_t colours[PALETTE_MAX];
	unsigned count;
	uint16_t slots[PALETTE_SLOTS]; /* index + 1, by hash */
};

struct pixel_writer {
	uint32_t table[3][256]; /* a component's bits in the viewer's pixel */
	unsigned bytes;         /* of a pixel */
	unsigned compact_bytes; /* of a pixel inside ZRLE or Tight */
	unsigned compact_skip;  /* bytes of the whole pixel left out at its front */
	bool big_endian;
	bool compact_rgb; /* Tight's three bytes: red, green, blue */
};

enum tight_stream {
	TIGHT_FULL_COLOUR,
	TIGHT_MONO,
	TIGHT_INDEXED,
	TIGHT_STREAMS,
};

struct encoder {
	struct pixel_writer writer;
	struct palette palette;
	z_stream zrle, tight[TIGHT_STREAMS];
	bool zrle_ready, tight_ready[TIGHT_STREAMS];
	struct outbuf plain, packed; /* scratch */
};

void encode_rect_header(struct outbuf *out, unsigned x, unsigned y, unsigned width, unsigned height,
			enum rfb_encoding encoding);
/** Writes a pixel as Raw has it, and as ZRLE and Tight have it. */
void put_pixel(struct encoder *encoder, struct outbuf *out, uint32_t rgb);
void put_compact_pixel(struct encoder *encoder, struct outbuf *out, uint32_t rgb);

/** Collects the colours; false (and count is limit + 1) if there are more than 'limit'. */
bool palette_fill(struct palette *palette, const uint32_t *pixels, unsigned width, unsigned height,
		  unsigned stride, unsigned limit);
unsigned palette_index(const struct palette *palette, uint32_t colour);

/** Sends 'plain' through the stream, made at its first use, and appends what comes out so far. */
void deflate_append(z_stream *stream, bool *ready, const struct outbuf *plain, struct outbuf *out);

void encode_zrle(struct encoder *encoder, const struct encode_rect *rect, struct outbuf *out);
void encode_tight(struct encoder *encoder, const struct encode_rect *rect, struct outbuf *out);
/** Into how many rectangles Tight cuts this one. */
unsigned tight_rect_count(const struct encode_rect *rect);
