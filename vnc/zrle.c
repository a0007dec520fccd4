// SPDX-License-Identifier: GPL-2.0-or-later
/* ZRLE, RFC 6143 7.7.6: tiles of 64 x 64, each in the shortest of its five forms, all in one
 * compressed stream. */
#include "base/bits.h"
#include "vnc/encode_internal.h"

enum {
	RLE_PALETTE_MAX = 127,
};

struct tile {
	const uint32_t *pixels;
	unsigned width, height, stride;
};

/* Walks the runs of equal pixels, which go on from line to line. */
struct run {
	unsigned x, y; /* where the next one begins */
	uint32_t colour;
	unsigned length;
};

static bool next_run(const struct tile *tile, struct run *run)
{
	if (run->y == tile->height)
		return false;
	run->colour = tile->pixels[run->y * tile->stride + run->x];
	run->length = 0;
	while (run->y < tile->height &&
	       tile->pixels[run->y * tile->stride + run->x] == run->colour) {
		run->length++;
		if (++run->x == tile->width) {
			run->x = 0;
			run->y++;
		}
	}
	return true;
}

static unsigned length_bytes(unsigned length)
{
	return (length - 1) / 255 + 1;
}

static void put_length(struct outbuf *out, unsigned length)
{
	for (length--; length >= 255; length -= 255)
		outbuf_put_u8(out, 255);
	outbuf_put_u8(out, length);
}

static unsigned index_bits(unsigned colours)
{
	return colours <= 2 ? 1 : colours <= 4 ? 2 : 4;
}

static void put_palette(struct encoder *encoder, struct outbuf *out)
{
	for (unsigned i = 0; i < encoder->palette.count; i++)
		put_compact_pixel(encoder, out, encoder->palette.colours[i]);
}

static void put_raw(struct encoder *encoder, const struct tile *tile, struct outbuf *out)
{
	outbuf_put_u8(out, RFB_ZRLE_RAW);
	for (unsigned y = 0; y < tile->height; y++) {
		for (unsigned x = 0; x < tile->width; x++)
			put_compact_pixel(encoder, out, tile->pixels[y * tile->stride + x]);
	}
}

static void put_packed(struct encoder *encoder, const struct tile *tile, struct outbuf *out)
{
	unsigned bits = index_bits(encoder->palette.count);

	outbuf_put_u8(out, encoder->palette.count);
	put_palette(encoder, out);
	for (unsigned y = 0; y < tile->height; y++) {
		unsigned byte = 0, filled = 0;

		for (unsigned x = 0; x < tile->width; x++) {
			byte = byte << bits |
			       palette_index(&encoder->palette, tile->pixels[y * tile->stride + x]);
			filled += bits;
			if (filled == 8) {
				outbuf_put_u8(out, byte);
				byte = filled = 0;
			}
		}
		if (filled)
			outbuf_put_u8(out, byte << (8 - filled));
	}
}

static void put_plain_rle(struct encoder *encoder, const struct tile *tile, struct outbuf *out)
{
	struct run run = { 0 };

	outbuf_put_u8(out, RFB_ZRLE_PLAIN_RLE);
	while (next_run(tile, &run)) {
		put_compact_pixel(encoder, out, run.colour);
		put_length(out, run.length);
	}
}

static void put_palette_rle(struct encoder *encoder, const struct tile *tile, struct outbuf *out)
{
	struct run run = { 0 };

	outbuf_put_u8(out, RFB_ZRLE_PLAIN_RLE + encoder->palette.count);
	put_palette(encoder, out);
	while (next_run(tile, &run)) {
		unsigned index = palette_index(&encoder->palette, run.colour);

		if (run.length == 1) {
			outbuf_put_u8(out, index);
			continue;
		}
		outbuf_put_u8(out, index | 128);
		put_length(out, run.length);
	}
}

static void put_tile(struct encoder *encoder, const struct tile *tile, struct outbuf *out)
{
	unsigned pixel = encoder->writer.compact_bytes;
	bool few = palette_fill(&encoder->palette, tile->pixels, tile->width, tile->height,
				tile->stride, RLE_PALETTE_MAX);
	unsigned colours = encoder->palette.count;
	unsigned raw = tile->width * tile->height * pixel;
	unsigned packed = UINT32_MAX, plain_rle = 0, palette_rle = colours * pixel;
	struct run run = { 0 };

	if (few && colours == 1) {
		outbuf_put_u8(out, RFB_ZRLE_SOLID);
		put_palette(encoder, out);
		return;
	}
	while (next_run(tile, &run)) {
		plain_rle += pixel + length_bytes(run.length);
		palette_rle += run.length == 1 ? 1 : 1 + length_bytes(run.length);
	}
	if (!few)
		palette_rle = UINT32_MAX;
	else if (colours <= RFB_ZRLE_PALETTE_MAX)
		packed = colours * pixel +
			 (tile->width * index_bits(colours) + 7) / 8 * tile->height;
	if (packed <= palette_rle && packed <= plain_rle && packed < raw)
		put_packed(encoder, tile, out);
	else if (palette_rle <= plain_rle && palette_rle < raw)
		put_palette_rle(encoder, tile, out);
	else if (plain_rle < raw)
		put_plain_rle(encoder, tile, out);
	else
		put_raw(encoder, tile, out);
}

void encode_zrle(struct encoder *encoder, const struct encode_rect *rect, struct outbuf *out)
{
	struct outbuf *plain = &encoder->plain, *packed = &encoder->packed;

	for (unsigned y = 0; y < rect->height; y += RFB_ZRLE_TILE) {
		for (unsigned x = 0; x < rect->width; x += RFB_ZRLE_TILE) {
			struct tile tile = {
				.pixels = rect->pixels + (size_t)y * rect->width + x,
				.width = (unsigned)min_size(RFB_ZRLE_TILE, rect->width - x),
				.height = (unsigned)min_size(RFB_ZRLE_TILE, rect->height - y),
				.stride = rect->width,
			};

			put_tile(encoder, &tile, plain);
		}
		/* A row of tiles at a time, so that the plain bytes stay few. */
		deflate_append(&encoder->zrle, &encoder->zrle_ready, plain, packed);
		outbuf_drop(plain, outbuf_length(plain));
	}
	encode_rect_header(out, rect->x, rect->y, rect->width, rect->height, RFB_ENCODING_ZRLE);
	outbuf_put_be32(out, (uint32_t)outbuf_length(packed));
	outbuf_put(out, packed->bytes, outbuf_length(packed));
	outbuf_drop(packed, outbuf_length(packed));
}
