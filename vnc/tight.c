// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tight (rfbproto "Tight Encoding"), its lossless forms: one colour, two colours, up to 256, full
 * colour; each of the last three has a compressed stream of its own. Rectangles are cut into
 * blocks, because a block with few colours is the cheaper the fewer it has.
 */
#include "base/bits.h"
#include "vnc/encode_internal.h"

enum {
	BLOCK_WIDTH = 512,
	BLOCK_HEIGHT = 64,
};

unsigned tight_rect_count(const struct encode_rect *rect)
{
	return (rect->width + BLOCK_WIDTH - 1) / BLOCK_WIDTH *
	       ((rect->height + BLOCK_HEIGHT - 1) / BLOCK_HEIGHT);
}

/* Seven bits a byte, low ones first; the third byte holds eight. */
static void put_compact_length(struct outbuf *out, size_t length)
{
	outbuf_put_u8(out, (unsigned)((length & 127) | (length > 127 ? 128 : 0)));
	if (length <= 127)
		return;
	outbuf_put_u8(out, (unsigned)((length >> 7 & 127) | (length > 16383 ? 128 : 0)));
	if (length > 16383)
		outbuf_put_u8(out, (unsigned)(length >> 14 & 255));
}

/* What stands in 'plain', compressed unless it is too little, and empties 'plain'. */
static void put_data(struct encoder *encoder, enum tight_stream stream, struct outbuf *out)
{
	struct outbuf *plain = &encoder->plain, *packed = &encoder->packed;

	if (outbuf_length(plain) < RFB_TIGHT_MIN_TO_COMPRESS) {
		outbuf_put(out, plain->bytes, outbuf_length(plain));
	} else {
		deflate_append(&encoder->tight[stream], &encoder->tight_ready[stream], plain,
			       packed);
		put_compact_length(out, outbuf_length(packed));
		outbuf_put(out, packed->bytes, outbuf_length(packed));
		outbuf_drop(packed, outbuf_length(packed));
	}
	outbuf_drop(plain, outbuf_length(plain));
}

static void put_full_colour(struct encoder *encoder, const struct encode_rect *block,
			    unsigned stride, struct outbuf *out)
{
	outbuf_put_u8(out, TIGHT_FULL_COLOUR << RFB_TIGHT_STREAM_SHIFT);
	for (unsigned y = 0; y < block->height; y++) {
		for (unsigned x = 0; x < block->width; x++)
			put_compact_pixel(encoder, &encoder->plain, block->pixels[y * stride + x]);
	}
	put_data(encoder, TIGHT_FULL_COLOUR, out);
}

static void put_palette(struct encoder *encoder, enum tight_stream stream, struct outbuf *out)
{
	const struct palette *palette = &encoder->palette;

	outbuf_put_u8(out, (unsigned)stream << RFB_TIGHT_STREAM_SHIFT | RFB_TIGHT_EXPLICIT_FILTER);
	outbuf_put_u8(out, RFB_TIGHT_FILTER_PALETTE);
	outbuf_put_u8(out, palette->count - 1);
	for (unsigned i = 0; i < palette->count; i++)
		put_compact_pixel(encoder, out, palette->colours[i]);
}

/* One bit a pixel, each line on whole bytes. */
static void put_mono(struct encoder *encoder, const struct encode_rect *block, unsigned stride,
		     struct outbuf *out)
{
	put_palette(encoder, TIGHT_MONO, out);
	for (unsigned y = 0; y < block->height; y++) {
		for (unsigned x = 0; x < block->width; x += 8) {
			unsigned byte = 0;

			for (unsigned i = x; i < x + 8 && i < block->width; i++) {
				if (block->pixels[y * stride + i] == encoder->palette.colours[1])
					byte |= 128u >> (i - x);
			}
			outbuf_put_u8(&encoder->plain, byte);
		}
	}
	put_data(encoder, TIGHT_MONO, out);
}

static void put_indexed(struct encoder *encoder, const struct encode_rect *block, unsigned stride,
			struct outbuf *out)
{
	put_palette(encoder, TIGHT_INDEXED, out);
	for (unsigned y = 0; y < block->height; y++) {
		for (unsigned x = 0; x < block->width; x++)
			outbuf_put_u8(
				&encoder->plain,
				palette_index(&encoder->palette, block->pixels[y * stride + x]));
	}
	put_data(encoder, TIGHT_INDEXED, out);
}

static void encode_block(struct encoder *encoder, const struct encode_rect *block, unsigned stride,
			 struct outbuf *out)
{
	bool few = palette_fill(&encoder->palette, block->pixels, block->width, block->height,
				stride, RFB_TIGHT_PALETTE_MAX);

	encode_rect_header(out, block->x, block->y, block->width, block->height,
			   RFB_ENCODING_TIGHT);
	/* A palette that costs as much as the pixels it stands for is none. */
	if (few && encoder->palette.count > 2 &&
	    encoder->palette.count * 4 > block->width * block->height)
		few = false;
	if (!few) {
		put_full_colour(encoder, block, stride, out);
	} else if (encoder->palette.count == 1) {
		outbuf_put_u8(out, RFB_TIGHT_FILL);
		put_compact_pixel(encoder, out, encoder->palette.colours[0]);
	} else if (encoder->palette.count == 2) {
		put_mono(encoder, block, stride, out);
	} else {
		put_indexed(encoder, block, stride, out);
	}
}

void encode_tight(struct encoder *encoder, const struct encode_rect *rect, struct outbuf *out)
{
	for (unsigned y = 0; y < rect->height; y += BLOCK_HEIGHT) {
		for (unsigned x = 0; x < rect->width; x += BLOCK_WIDTH) {
			struct encode_rect block = {
				.x = rect->x + x,
				.y = rect->y + y,
				.width = (unsigned)min_size(BLOCK_WIDTH, rect->width - x),
				.height = (unsigned)min_size(BLOCK_HEIGHT, rect->height - y),
				.pixels = rect->pixels + (size_t)y * rect->width + x,
			};

			encode_block(encoder, &block, rect->width, out);
		}
	}
}
