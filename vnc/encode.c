// SPDX-License-Identifier: GPL-2.0-or-later
#include "vnc/encode.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "vnc/encode_internal.h"

enum {
	ZLIB_WINDOW_BITS = 14, /* with this memory a stream takes 128 KiB instead of 256 */
	ZLIB_MEMORY_LEVEL = 7,
	ZLIB_LEVEL = 2, /* pictures of screens gain little from more */
};

struct encoder *encoder_create(void)
{
	return calloc(1, sizeof(struct encoder));
}

void encoder_destroy(struct encoder *encoder)
{
	if (!encoder)
		return;
	if (encoder->zrle_ready)
		deflateEnd(&encoder->zrle);
	for (unsigned i = 0; i < TIGHT_STREAMS; i++) {
		if (encoder->tight_ready[i])
			deflateEnd(&encoder->tight[i]);
	}
	outbuf_free(&encoder->plain);
	outbuf_free(&encoder->packed);
	free(encoder);
}

/* Pixels */

static void put_bytes(const struct pixel_writer *writer, uint8_t *bytes, uint32_t pixel)
{
	switch (writer->bytes) {
	case 1:
		bytes[0] = (uint8_t)pixel;
		break;
	case 2:
		writer->big_endian ? store_be16(bytes, (uint16_t)pixel)
				   : store_le16(bytes, (uint16_t)pixel);
		break;
	default:
		writer->big_endian ? store_be32(bytes, pixel) : store_le32(bytes, pixel);
		break;
	}
}

static uint32_t translate(const struct pixel_writer *writer, uint32_t rgb)
{
	return writer->table[0][rgb >> 16 & 255] | writer->table[1][rgb >> 8 & 255] |
	       writer->table[2][rgb & 255];
}

void put_pixel(struct encoder *encoder, struct outbuf *out, uint32_t rgb)
{
	uint8_t *room = outbuf_room(out, 4);

	if (!room)
		return;
	put_bytes(&encoder->writer, room, translate(&encoder->writer, rgb));
	out->end += encoder->writer.bytes;
}

void put_compact_pixel(struct encoder *encoder, struct outbuf *out, uint32_t rgb)
{
	const struct pixel_writer *writer = &encoder->writer;
	uint8_t *room = outbuf_room(out, 4);
	uint8_t bytes[4];

	if (!room)
		return;
	if (writer->compact_rgb) {
		room[0] = (uint8_t)(rgb >> 16);
		room[1] = (uint8_t)(rgb >> 8);
		room[2] = (uint8_t)rgb;
	} else {
		put_bytes(writer, bytes, translate(writer, rgb));
		memcpy(room, bytes + writer->compact_skip, writer->compact_bytes);
	}
	out->end += writer->compact_bytes;
}

/* ZRLE's CPIXEL (RFC 6143 7.7.5): three bytes if all bits of a 32-bit pixel lie in the low or the
 * high three. */
static void choose_cpixel(struct pixel_writer *writer, const struct pixel_format *format)
{
	uint32_t used = 0;

	if (format->bytes != 4 || format->depth > 24)
		return;
	for (unsigned i = 0; i < 3; i++)
		used |= (uint32_t)format->max[i] << format->shift[i];
	if (used >> 24 == 0) {
		writer->compact_bytes = 3;
		writer->compact_skip = format->big_endian ? 1 : 0;
	} else if ((used & 0xff) == 0) {
		writer->compact_bytes = 3;
		writer->compact_skip = format->big_endian ? 0 : 1;
	}
}

/* Tight's TPIXEL: three bytes, red first, for 24 bits of depth in 32. */
static void choose_tpixel(struct pixel_writer *writer, const struct pixel_format *format)
{
	if (format->bytes != 4 || format->depth != 24 || format->max[0] != 255 ||
	    format->max[1] != 255 || format->max[2] != 255)
		return;
	writer->compact_bytes = 3;
	writer->compact_rgb = true;
}

static void writer_init(struct pixel_writer *writer, const struct pixel_format *format,
			enum rfb_encoding encoding)
{
	memset(writer, 0, sizeof(*writer));
	writer->bytes = writer->compact_bytes = format->bytes;
	writer->big_endian = format->big_endian;
	for (unsigned i = 0; i < 3; i++) {
		for (uint32_t value = 0; value < 256; value++)
			writer->table[i][value] = (value * format->max[i] + 127) / 255
						  << format->shift[i];
	}
	if (encoding == RFB_ENCODING_ZRLE)
		choose_cpixel(writer, format);
	else if (encoding == RFB_ENCODING_TIGHT)
		choose_tpixel(writer, format);
}

/* Palettes */

static unsigned hash_colour(uint32_t colour)
{
	return (colour * UINT32_C(2654435761)) >> 22;
}

static unsigned find_slot(const struct palette *palette, uint32_t colour)
{
	unsigned slot = hash_colour(colour);

	while (palette->slots[slot] && palette->colours[palette->slots[slot] - 1] != colour)
		slot = (slot + 1) % PALETTE_SLOTS;
	return slot;
}

bool palette_fill(struct palette *palette, const uint32_t *pixels, unsigned width, unsigned height,
		  unsigned stride, unsigned limit)
{
	uint32_t last = ~pixels[0];

	memset(palette->slots, 0, sizeof(palette->slots));
	palette->count = 0;
	for (unsigned y = 0; y < height; y++, pixels += stride) {
		for (unsigned x = 0; x < width; x++) {
			unsigned slot;

			if (pixels[x] == last)
				continue;
			last = pixels[x];
			slot = find_slot(palette, last);
			if (palette->slots[slot])
				continue;
			if (palette->count == limit) {
				palette->count++;
				return false;
			}
			palette->colours[palette->count++] = last;
			palette->slots[slot] = (uint16_t)palette->count;
		}
	}
	return true;
}

unsigned palette_index(const struct palette *palette, uint32_t colour)
{
	return palette->slots[find_slot(palette, colour)] - 1u;
}

/* Compression */

void deflate_append(z_stream *stream, bool *ready, const struct outbuf *plain, struct outbuf *out)
{
	if (!*ready) {
		*ready = deflateInit2(stream, ZLIB_LEVEL, Z_DEFLATED, ZLIB_WINDOW_BITS,
				      ZLIB_MEMORY_LEVEL, Z_DEFAULT_STRATEGY) == Z_OK;
		if (!*ready) {
			out->failed = true;
			return;
		}
	}
	stream->next_in = plain->bytes + plain->start;
	stream->avail_in = (uInt)outbuf_length(plain);
	do {
		uInt room = (uInt)outbuf_length(plain) / 4 + 256;

		stream->next_out = outbuf_room(out, room);
		if (!stream->next_out)
			return;
		stream->avail_out = room;
		deflate(stream, Z_SYNC_FLUSH);
		out->end += room - stream->avail_out;
	} while (stream->avail_out == 0);
}

/* Updates */

void encode_rect_header(struct outbuf *out, unsigned x, unsigned y, unsigned width, unsigned height,
			enum rfb_encoding encoding)
{
	outbuf_put_be16(out, x);
	outbuf_put_be16(out, y);
	outbuf_put_be16(out, width);
	outbuf_put_be16(out, height);
	outbuf_put_be32(out, (uint32_t)encoding);
}

static void encode_raw(struct encoder *encoder, const struct encode_rect *rect, struct outbuf *out)
{
	size_t count = (size_t)rect->width * rect->height;

	encode_rect_header(out, rect->x, rect->y, rect->width, rect->height, RFB_ENCODING_RAW);
	if (!outbuf_room(out, count * encoder->writer.bytes + 4))
		return;
	for (size_t i = 0; i < count; i++)
		put_pixel(encoder, out, rect->pixels[i]);
}

void encode_update(struct encoder *encoder, const struct pixel_format *format,
		   enum rfb_encoding encoding, const struct encode_rect *rects, unsigned count,
		   struct outbuf *out)
{
	unsigned total = count;

	if (encoding == RFB_ENCODING_TIGHT) {
		total = 0;
		for (unsigned i = 0; i < count; i++)
			total += tight_rect_count(&rects[i]);
	}
	writer_init(&encoder->writer, format, encoding);
	outbuf_put_u8(out, RFB_FRAMEBUFFER_UPDATE);
	outbuf_put_u8(out, 0);
	outbuf_put_be16(out, total);
	for (unsigned i = 0; i < count; i++) {
		if (encoding == RFB_ENCODING_TIGHT)
			encode_tight(encoder, &rects[i], out);
		else if (encoding == RFB_ENCODING_ZRLE)
			encode_zrle(encoder, &rects[i], out);
		else
			encode_raw(encoder, &rects[i], out);
	}
	out->failed |= encoder->plain.failed || encoder->packed.failed;
}
