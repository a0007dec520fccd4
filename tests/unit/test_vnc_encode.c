// SPDX-License-Identifier: GPL-2.0-or-later
/* The VNC server's encoders against decoders written from the specifications, its digests, and its
 * keymaps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/input-event-codes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "vnc/digest.h"
#include "vnc/encode.h"
#include "vnc/keymap.h"
#include "vnc/vnc.h"

/* A viewer's side: bytes in, pixels of its own format out. */

enum {
	SCREEN_WIDTH = 700,
	SCREEN_HEIGHT = 200,
	PLAIN_MAX = 1024 * 1024,
};

struct decoder {
	struct pixel_format format;
	unsigned pixel_bytes, compact_bytes, compact_skip;
	bool compact_rgb;
	z_stream zrle, tight[3];
	bool zrle_ready, tight_ready[3];
	const uint8_t *at, *end;
	uint8_t plain[PLAIN_MAX];
	uint32_t screen[SCREEN_HEIGHT][SCREEN_WIDTH];
};

static unsigned take(struct decoder *decoder, unsigned bytes)
{
	unsigned value = 0;

	assert_true((size_t)(decoder->end - decoder->at) >= bytes);
	for (unsigned i = 0; i < bytes; i++)
		value = value << 8 | *decoder->at++;
	return value;
}

static uint32_t pixel_of(const struct decoder *decoder, const uint8_t *bytes, unsigned count)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < count; i++)
		value |= (uint32_t)bytes[decoder->format.big_endian ? count - 1 - i : i] << 8 * i;
	return value;
}

static uint32_t compact_pixel(const struct decoder *decoder, const uint8_t **at)
{
	uint8_t whole[4] = { 0 };
	uint32_t pixel;

	if (decoder->compact_rgb) {
		const uint8_t *rgb = *at;

		pixel = 0;
		for (unsigned i = 0; i < 3; i++)
			pixel |= (uint32_t)rgb[i] << decoder->format.shift[i];
		*at += 3;
		return pixel;
	}
	memcpy(whole + decoder->compact_skip, *at, decoder->compact_bytes);
	*at += decoder->compact_bytes;
	return pixel_of(decoder, whole, decoder->pixel_bytes);
}

static size_t inflate_into(struct decoder *decoder, z_stream *stream, bool *ready, size_t packed)
{
	if (!*ready) {
		memset(stream, 0, sizeof(*stream));
		assert_int_equal(inflateInit(stream), Z_OK);
		*ready = true;
	}
	assert_true((size_t)(decoder->end - decoder->at) >= packed);
	stream->next_in = (Bytef *)decoder->at;
	stream->avail_in = (uInt)packed;
	stream->next_out = decoder->plain;
	stream->avail_out = PLAIN_MAX;
	inflate(stream, Z_SYNC_FLUSH);
	assert_int_equal(stream->avail_in, 0);
	decoder->at += packed;
	return PLAIN_MAX - stream->avail_out;
}

static void zrle_tile(struct decoder *decoder, const uint8_t **at, unsigned x, unsigned y,
		      unsigned width, unsigned height)
{
	unsigned kind = *(*at)++, colours = kind & 127, index = 0, left = 0;
	uint32_t palette[128], pixel = 0;

	for (unsigned i = 0; i < colours; i++)
		palette[i] = compact_pixel(decoder, at);
	for (unsigned row = y; row < y + height; row++) {
		unsigned bits = colours <= 2 ? 1 : colours <= 4 ? 2 : 4, have = 0;

		for (unsigned column = x; column < x + width; column++) {
			if (kind == 0) {
				pixel = compact_pixel(decoder, at);
			} else if (kind == 1) {
				pixel = palette[0];
			} else if (kind < 128) {
				if (have == 0) {
					index = *(*at)++;
					have = 8;
				}
				have -= bits;
				assert_true((index >> have & ((1u << bits) - 1)) < colours);
				pixel = palette[index >> have & ((1u << bits) - 1)];
			} else if (left == 0) {
				bool run = kind == 128;

				if (kind == 128) {
					pixel = compact_pixel(decoder, at);
				} else {
					run = **at & 128;
					assert_true((**at & 127u) < colours);
					pixel = palette[*(*at)++ & 127];
				}
				left = 1;
				while (run && **at == 255)
					left += *(*at)++;
				if (run)
					left += *(*at)++;
			}
			if (kind >= 128)
				left--;
			decoder->screen[row][column] = pixel;
		}
	}
	assert_int_equal(left, 0);
}

static void decode_zrle(struct decoder *decoder, unsigned x, unsigned y, unsigned width,
			unsigned height)
{
	size_t packed = take(decoder, 4);
	size_t plain = inflate_into(decoder, &decoder->zrle, &decoder->zrle_ready, packed);
	const uint8_t *at = decoder->plain;

	for (unsigned top = 0; top < height; top += 64) {
		for (unsigned left = 0; left < width; left += 64)
			zrle_tile(decoder, &at, x + left, y + top,
				  (unsigned)min_size(64, width - left),
				  (unsigned)min_size(64, height - top));
	}
	assert_int_equal(at - decoder->plain, plain);
}

static void decode_tight(struct decoder *decoder, unsigned x, unsigned y, unsigned width,
			 unsigned height)
{
	unsigned control = take(decoder, 1), stream = control >> 4 & 3, colours = 0;
	unsigned pixel_bytes = decoder->compact_bytes;
	uint32_t palette[256];
	size_t plain, packed;
	const uint8_t *at;

	if (control == 0x80) {
		palette[0] = compact_pixel(decoder, &decoder->at);
		for (unsigned row = y; row < y + height; row++)
			for (unsigned column = x; column < x + width; column++)
				decoder->screen[row][column] = palette[0];
		return;
	}
	assert_int_equal(control & 0x8f, 0);
	assert_true(stream < 3);
	if (control & 0x40) {
		assert_int_equal(take(decoder, 1), 1);
		colours = take(decoder, 1) + 1;
		for (unsigned i = 0; i < colours; i++)
			palette[i] = compact_pixel(decoder, &decoder->at);
	}
	plain = colours == 0   ? (size_t)width * height * pixel_bytes
		: colours == 2 ? (size_t)(width + 7) / 8 * height
			       : (size_t)width * height;
	if (plain < 12) {
		memcpy(decoder->plain, decoder->at, plain);
		decoder->at += plain;
	} else {
		packed = take(decoder, 1);
		if (packed & 128)
			packed = (packed & 127) | take(decoder, 1) << 7;
		if (packed & 128 << 7)
			packed = (packed & 0x3fff) | take(decoder, 1) << 14;
		assert_int_equal(inflate_into(decoder, &decoder->tight[stream],
					      &decoder->tight_ready[stream], packed),
				 plain);
	}
	at = decoder->plain;
	for (unsigned row = 0; row < height; row++) {
		for (unsigned column = 0; column < width; column++) {
			uint32_t *pixel = &decoder->screen[y + row][x + column];

			if (colours == 0)
				*pixel = compact_pixel(decoder, &at);
			else if (colours == 2)
				*pixel = palette[at[row * ((width + 7) / 8) + column / 8] >>
							 (7 - column % 8) &
						 1];
			else
				*pixel = palette[at[row * width + column]];
		}
	}
}

static void decode_update(struct decoder *decoder, const struct outbuf *out)
{
	unsigned count;

	decoder->at = out->bytes + out->start;
	decoder->end = out->bytes + out->end;
	assert_int_equal(take(decoder, 2), 0);
	count = take(decoder, 2);
	while (count-- > 0) {
		unsigned x = take(decoder, 2), y = take(decoder, 2);
		unsigned width = take(decoder, 2), height = take(decoder, 2);
		unsigned encoding = take(decoder, 4);

		assert_true(x + width <= SCREEN_WIDTH && y + height <= SCREEN_HEIGHT);
		if (encoding == RFB_ENCODING_ZRLE) {
			decode_zrle(decoder, x, y, width, height);
		} else if (encoding == RFB_ENCODING_TIGHT) {
			decode_tight(decoder, x, y, width, height);
		} else {
			for (unsigned i = 0; i < width * height; i++) {
				decoder->screen[y + i / width][x + i % width] =
					pixel_of(decoder, decoder->at, decoder->pixel_bytes);
				decoder->at += decoder->pixel_bytes;
			}
		}
	}
	assert_ptr_equal(decoder->at, decoder->end);
}

static const struct pixel_format formats[] = {
	{ 4, 24, false, { 255, 255, 255 }, { 16, 8, 0 } },
	{ 4, 24, true, { 255, 255, 255 }, { 0, 8, 16 } },
	{ 4, 24, false, { 255, 255, 255 }, { 24, 16, 8 } },
	{ 4, 24, true, { 255, 255, 255 }, { 24, 16, 8 } },
	{ 4, 30, false, { 1023, 1023, 1023 }, { 20, 10, 0 } },
	{ 2, 16, false, { 31, 63, 31 }, { 11, 5, 0 } },
	{ 2, 16, true, { 31, 63, 31 }, { 11, 5, 0 } },
	{ 1, 8, false, { 7, 7, 3 }, { 5, 2, 0 } },
};

static void decoder_init(struct decoder *decoder, const struct pixel_format *format,
			 enum rfb_encoding encoding)
{
	bool eight = format->max[0] == 255;

	decoder->format = *format;
	decoder->pixel_bytes = decoder->compact_bytes = format->bytes;
	if (encoding == RFB_ENCODING_TIGHT && format->bytes == 4 && eight) {
		decoder->compact_bytes = 3;
		decoder->compact_rgb = true;
	} else if (encoding == RFB_ENCODING_ZRLE && format->bytes == 4 && eight) {
		decoder->compact_bytes = 3;
		decoder->compact_skip = (format->shift[0] == 24) != format->big_endian;
	}
}

static uint32_t expected(const struct pixel_format *format, uint32_t rgb)
{
	uint32_t pixel = 0;

	for (unsigned i = 0; i < 3; i++)
		pixel |= ((rgb >> (16 - 8 * i) & 255) * format->max[i] + 127) / 255
			 << format->shift[i];
	return pixel;
}

static uint32_t random_state = 7;

static uint32_t random_next(void)
{
	random_state = random_state * 1664525u + 1013904223u;
	return random_state >> 8;
}

/* Pictures of each kind: noise, one colour, text of two, a few, many in long runs, a gradient. */
static uint32_t picture(unsigned kind, unsigned x, unsigned y)
{
	switch (kind) {
	case 0:
		return random_next() & 0xffffff;
	case 1:
		return 0x123456;
	case 2:
		return (x ^ y * 3) % 5 == 0 ? 0xaaaaaa : 0x0000aa;
	case 3:
		return (x / 9 * 7 + y / 16 * 5) % 14 * 0x111111;
	case 4:
		return (x / 90 + y * 7) * 0x010305 & 0xffffff;
	case 5:
		return (x * 255 / SCREEN_WIDTH) << 16 | (y & 255);
	default:
		return (x * y) % 200 * 0x010203 & 0xffffff;
	}
}

static void round_trip(enum rfb_encoding encoding)
{
	struct decoder *decoder = malloc(sizeof(*decoder));
	uint32_t *pixels = malloc(SCREEN_WIDTH * SCREEN_HEIGHT * 4);

	for (size_t f = 0; f < ARRAY_SIZE(formats); f++) {
		struct encoder *encoder = encoder_create();

		memset(decoder, 0, sizeof(*decoder));
		decoder_init(decoder, &formats[f], encoding);
		for (unsigned round = 0; round < 21; round++) {
			struct outbuf out = { 0 };
			struct encode_rect rects[2];
			unsigned width = round < 7 ? SCREEN_WIDTH : 1 + random_next() % 300;
			unsigned height = round < 7 ? SCREEN_HEIGHT : 1 + random_next() % 90;

			for (unsigned i = 0; i < width * height; i++)
				pixels[i] = picture(round % 7, i % width, i / width);
			rects[0] = (struct encode_rect){ 0, 0, width, height, pixels };
			rects[1] = (struct encode_rect){ SCREEN_WIDTH - 1, SCREEN_HEIGHT - 1, 1, 1,
							 pixels };
			encode_update(encoder, &formats[f], encoding, rects, 2, &out);
			assert_false(out.failed);
			decode_update(decoder, &out);
			for (unsigned i = 0; i < width * height - 1; i++)
				assert_int_equal(decoder->screen[i / width][i % width],
						 expected(&formats[f], pixels[i]));
			outbuf_free(&out);
		}
		encoder_destroy(encoder);
		if (decoder->zrle_ready)
			inflateEnd(&decoder->zrle);
		for (unsigned i = 0; i < 3; i++)
			if (decoder->tight_ready[i])
				inflateEnd(&decoder->tight[i]);
	}
	free(pixels);
	free(decoder);
}

static void raw_is_exact(void **state)
{
	(void)state;
	round_trip(RFB_ENCODING_RAW);
}

static void zrle_is_exact(void **state)
{
	(void)state;
	round_trip(RFB_ENCODING_ZRLE);
}

static void tight_is_exact(void **state)
{
	(void)state;
	round_trip(RFB_ENCODING_TIGHT);
}

/* A screen of text takes a small part of its raw size. */
static void text_is_small(void **state)
{
	static uint32_t pixels[SCREEN_WIDTH * SCREEN_HEIGHT];
	const struct encode_rect rect = { 0, 0, SCREEN_WIDTH, SCREEN_HEIGHT, pixels };
	const enum rfb_encoding encodings[] = { RFB_ENCODING_ZRLE, RFB_ENCODING_TIGHT };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(pixels); i++)
		pixels[i] = (i / 3 * 2654435761u >> 29) == 0 && i / SCREEN_WIDTH % 16 < 11
				    ? 0xaaaaaa
				    : 0;
	for (unsigned i = 0; i < ARRAY_SIZE(encodings); i++) {
		struct encoder *encoder = encoder_create();
		struct outbuf out = { 0 };

		encode_update(encoder, &formats[0], encodings[i], &rect, 1, &out);
		assert_true(outbuf_length(&out) < sizeof(pixels) / 32);
		outbuf_free(&out);
		encoder_destroy(encoder);
	}
}

/* Digests: the examples of FIPS 46 (Grabbe's), FIPS 180 and RFC 6455 */

static void digests(void **state)
{
	static const uint8_t key[8] = { 0x13, 0x34, 0x57, 0x79, 0x9b, 0xbc, 0xdf, 0xf1 };
	static const uint8_t plain[8] = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef };
	static const uint8_t cipher[8] = { 0x85, 0xe8, 0x13, 0x54, 0x0f, 0x0a, 0xb4, 0x05 };
	static const uint8_t abc[20] = {
		0xa9, 0x99, 0x3e, 0x36, 0x47, 0x06, 0x81, 0x6a, 0xba, 0x3e,
		0x25, 0x71, 0x78, 0x50, 0xc2, 0x6c, 0x9c, 0xd0, 0xd8, 0x9d
	};
	static const char accept_of[] =
		"dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	uint8_t out[20];
	char text[BASE64_SHA1_CHARS + 1];

	(void)state;
	des_encrypt(key, plain, out);
	assert_memory_equal(out, cipher, 8);
	sha1("abc", 3, out);
	assert_memory_equal(out, abc, 20);
	sha1(accept_of, strlen(accept_of), out);
	base64_of_sha1(out, text);
	assert_string_equal(text, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

/* Keys: what the guest gets, as "+42 +30 -42" */

struct typed {
	struct input input;
	struct input_sink sink;
	struct keys keys;
	char text[256];
};

static void typed_key(void *opaque, unsigned key, bool down)
{
	struct typed *typed = opaque;
	size_t length = strlen(typed->text);

	snprintf(typed->text + length, sizeof(typed->text) - length, "%s%c%u", length ? " " : "",
		 down ? '+' : '-', key);
}

static void typed_init(struct typed *typed, const char *map)
{
	memset(typed, 0, sizeof(*typed));
	input_init(&typed->input);
	typed->sink = (struct input_sink){ .opaque = typed, .key = typed_key };
	input_add_sink(&typed->input, &typed->sink);
	keys_init(&typed->keys, &typed->input, keymap_find(map));
}

static void assert_typed(struct typed *typed, const char *text)
{
	assert_string_equal(typed->text, text);
	typed->text[0] = '\0';
}

static void keys_same_layout(void **state)
{
	struct typed typed;

	(void)state;
	typed_init(&typed, "en-us");
	keys_symbol(&typed.keys, 'a', true);
	keys_symbol(&typed.keys, 'a', false);
	assert_typed(&typed, "+30 -30");
	keys_symbol(&typed.keys, 0xffe1, true);
	keys_symbol(&typed.keys, 'A', true);
	keys_symbol(&typed.keys, 0xffe1, false);
	keys_symbol(&typed.keys, 'a', false); /* the viewer's Shift went first */
	assert_typed(&typed, "+42 +30 -42 -30");
	keys_symbol(&typed.keys, 0xff0d, true);
	keys_symbol(&typed.keys, 0xff0d, false);
	assert_typed(&typed, "+28 -28");
	/* Ctrl+c */
	keys_symbol(&typed.keys, 0xffe3, true);
	keys_symbol(&typed.keys, 'c', true);
	assert_typed(&typed, "+29 +46");
	keys_release(&typed.keys);
	assert_typed(&typed, "-29 -46");
	keys_symbol(&typed.keys, 0x12345, true);
	keys_symbol(&typed.keys, 0x12345, false);
	assert_typed(&typed, "");
}

static void keys_other_layout(void **state)
{
	struct typed typed;

	(void)state;
	typed_init(&typed, "en-us");
	/* A German viewer's '/' is Shift and 7; the guest's has no Shift. */
	keys_symbol(&typed.keys, 0xffe1, true);
	keys_symbol(&typed.keys, '/', true);
	assert_typed(&typed, "+42 -42 +53 +42");
	keys_symbol(&typed.keys, 0xffe1, false);
	keys_symbol(&typed.keys, '7', false);
	assert_typed(&typed, "-53 -42");
	/* A tool that sends '_' without Shift. */
	keys_symbol(&typed.keys, '_', true);
	keys_symbol(&typed.keys, '_', false);
	assert_typed(&typed, "+42 +12 -42 -12");
	/* Caps Lock in the guest: a small letter needs Shift. */
	typed.input.leds = 4;
	keys_symbol(&typed.keys, 'a', true);
	keys_symbol(&typed.keys, 'a', false);
	assert_typed(&typed, "+42 +30 -42 -30");
	keys_symbol(&typed.keys, '1', true);
	keys_symbol(&typed.keys, '1', false);
	assert_typed(&typed, "+2 -2");
}

static void keys_of_layouts(void **state)
{
	static const struct {
		const char *map;
		uint32_t keysym;
		unsigned key;
		enum keymap_level level;
	} rows[] = {
		{ "de", 'z', KEY_Y, KEYMAP_PLAIN },
		{ "de", 'Y', KEY_Z, KEYMAP_SHIFT },
		{ "de", '@', KEY_Q, KEYMAP_ALTGR },
		{ "de", 0xfe52, KEY_GRAVE, KEYMAP_PLAIN }, /* dead circumflex */
		{ "de", 0xdf, KEY_MINUS, KEYMAP_PLAIN },
		{ "de", '\\', KEY_MINUS, KEYMAP_ALTGR },
		{ "de", 0x20ac, KEY_E, KEYMAP_ALTGR },
		{ "de", 0x010020ac, KEY_E, KEYMAP_ALTGR },
		{ "de", '<', KEY_102ND, KEYMAP_PLAIN },
		{ "de", '|', KEY_102ND, KEYMAP_ALTGR },
		{ "fr", 'a', KEY_Q, KEYMAP_PLAIN },
		{ "fr", '1', KEY_1, KEYMAP_SHIFT },
		{ "fr", '#', KEY_3, KEYMAP_ALTGR },
		{ "fr", 'm', KEY_SEMICOLON, KEYMAP_PLAIN },
		{ "fr", '.', KEY_COMMA, KEYMAP_SHIFT },
		{ "en-gb", '"', KEY_2, KEYMAP_SHIFT },
		{ "en-gb", '\\', KEY_102ND, KEYMAP_PLAIN },
		{ "es", 0xf1, KEY_SEMICOLON, KEYMAP_PLAIN },
		{ "it", '@', KEY_SEMICOLON, KEYMAP_ALTGR },
		{ "en-us", '|', KEY_BACKSLASH, KEYMAP_SHIFT },
		{ "en-us", ' ', KEY_SPACE, KEYMAP_ANY_LEVEL },
		{ "en-us", 0xffc9, KEY_F12, KEYMAP_ANY_LEVEL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct keymap_choice choices[KEYMAP_CHOICES_MAX];

		assert_true(keymap_look_up(keymap_find(rows[i].map), rows[i].keysym, choices) > 0);
		if (choices[0].key != rows[i].key || choices[0].level != rows[i].level)
			fail_msg("%s: %x is at %u, level %u", rows[i].map, rows[i].keysym,
				 choices[0].key, choices[0].level);
	}
	assert_null(keymap_find("klingon"));
	/* Every printable character of ASCII can be typed on every layout. */
	for (const char *const *name = vnc_keymap_names(); *name; name++) {
		struct keymap_choice choices[KEYMAP_CHOICES_MAX];

		for (uint32_t c = ' '; c <= '~'; c++) {
			bool italian = strcmp(*name, "it") == 0 &&
				       (c == '`' || c == '~' || c == '{' || c == '}');

			if (!italian && keymap_look_up(keymap_find(*name), c, choices) == 0)
				fail_msg("%s has no '%c'", *name, (int)c);
		}
	}
}

static void scancodes(void **state)
{
	(void)state;
	assert_int_equal(key_from_scancode(0x1e), KEY_A);
	assert_int_equal(key_from_scancode(0x58), KEY_F12);
	assert_int_equal(key_from_scancode(0x56), KEY_102ND);
	assert_int_equal(key_from_scancode(0xc8), KEY_UP);
	assert_int_equal(key_from_scancode(0x9d), KEY_RIGHTCTRL);
	assert_int_equal(key_from_scancode(0), 0);
	assert_int_equal(key_from_scancode(0x55), 0);
	assert_int_equal(key_from_scancode(0xff), 0);
	assert_int_equal(key_from_scancode(UINT32_MAX), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(raw_is_exact),      cmocka_unit_test(zrle_is_exact),
		cmocka_unit_test(tight_is_exact),    cmocka_unit_test(text_is_small),
		cmocka_unit_test(digests),           cmocka_unit_test(keys_same_layout),
		cmocka_unit_test(keys_other_layout), cmocka_unit_test(keys_of_layouts),
		cmocka_unit_test(scancodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
