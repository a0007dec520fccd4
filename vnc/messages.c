// SPDX-License-Identifier: GPL-2.0-or-later
/* What viewers say once they are in (RFC 6143 7.5). A message is looked at when all of it is there.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "vnc/server.h"

enum {
	PIXEL_FORMAT_BYTES = 20,
	ENCODINGS_HEADER_BYTES = 4,
	REQUEST_BYTES = 10,
	KEY_BYTES = 8,
	POINTER_BYTES = 6,
	CUT_TEXT_HEADER_BYTES = 8,
	DESKTOP_SIZE_HEADER_BYTES = 8,
	SCREEN_BYTES = 16,
	QEMU_KEY_BYTES = 12,

	MOTION_CENTRE = 0x7fff, /* of a pointer that reports differences */
	MAP_COLOURS = 256,
};

/* Pixel format */

/* Viewers that want indices into a colour map get three bits of red, three of green, two of blue.
 */
static void send_colour_map(struct viewer *viewer)
{
	struct outbuf out = { 0 };

	outbuf_put_u8(&out, RFB_SET_COLOUR_MAP);
	outbuf_put_u8(&out, 0);
	outbuf_put_be16(&out, 0);
	outbuf_put_be16(&out, MAP_COLOURS);
	for (unsigned i = 0; i < MAP_COLOURS; i++) {
		outbuf_put_be16(&out, (i >> 5) * 65535 / 7);
		outbuf_put_be16(&out, (i >> 2 & 7) * 65535 / 7);
		outbuf_put_be16(&out, (i & 3) * 65535 / 3);
	}
	if (!out.failed)
		viewer_send(viewer, out.bytes, outbuf_length(&out)); /* counted: it is a reply */
	outbuf_free(&out);
}

static const struct pixel_format mapped_format = {
	.bytes = 1,
	.depth = 8,
	.max = { 7, 7, 3 },
	.shift = { 5, 2, 0 },
};

static bool format_is_valid(const struct pixel_format *format)
{
	for (unsigned i = 0; i < 3; i++) {
		if (format->max[i] == 0 || format->shift[i] >= 8 * format->bytes ||
		    (uint64_t)format->max[i] << format->shift[i] >= BIT64(8 * format->bytes))
			return false;
	}
	return true;
}

static int set_pixel_format(struct viewer *viewer, const uint8_t *message)
{
	struct pixel_format format = {
		.bytes = message[4] / 8,
		.depth = message[5],
		.big_endian = message[6] != 0,
		.max = { load_be16(message + 8), load_be16(message + 10), load_be16(message + 12) },
		.shift = { message[14], message[15], message[16] },
	};

	if (message[4] != 8 && message[4] != 16 && message[4] != 32)
		return -1;
	if (!message[7]) {
		if (message[4] != 8)
			return -1;
		format = mapped_format;
		send_colour_map(viewer);
	}
	if (!format_is_valid(&format))
		return -1;
	viewer->format = format;
	viewer_mark_all(viewer);
	return PIXEL_FORMAT_BYTES;
}

/* Encodings */

static void forget_encodings(struct viewer *viewer)
{
	viewer->encoding = RFB_ENCODING_RAW;
	viewer->has_desktop_size = viewer->has_extended_size = false;
	viewer->has_cursor = viewer->has_position = false;
	viewer->has_motion = viewer->has_keys = viewer->has_leds = false;
}

static void note_encoding(struct viewer *viewer, enum rfb_encoding encoding)
{
	switch (encoding) {
	case RFB_ENCODING_TIGHT:
	case RFB_ENCODING_ZRLE:
		if (viewer->encoding == RFB_ENCODING_RAW) /* the first one is liked best */
			viewer->encoding = encoding;
		break;
	case RFB_ENCODING_DESKTOP_SIZE:
		viewer->has_desktop_size = true;
		break;
	case RFB_ENCODING_EXTENDED_DESKTOP_SIZE:
		viewer->has_extended_size = true;
		break;
	case RFB_ENCODING_CURSOR:
		viewer->has_cursor = true;
		break;
	case RFB_ENCODING_POINTER_POSITION:
		viewer->has_position = true;
		break;
	case RFB_ENCODING_QEMU_POINTER_MOTION:
		viewer->has_motion = true;
		break;
	case RFB_ENCODING_QEMU_KEY_EVENT:
		viewer->has_keys = true;
		break;
	case RFB_ENCODING_QEMU_LED_STATE:
		viewer->has_leds = true;
		break;
	default:
		break;
	}
}

static int set_encodings(struct viewer *viewer, const uint8_t *message)
{
	unsigned count = load_be16(message + 2);
	size_t bytes = ENCODINGS_HEADER_BYTES + 4 * (size_t)count;

	if (bytes > MESSAGE_BYTES_MAX)
		return -1;
	if (viewer->input_have < bytes)
		return 0;
	forget_encodings(viewer);
	for (unsigned i = 0; i < count; i++)
		note_encoding(viewer, (enum rfb_encoding)load_be32(message +
								   ENCODINGS_HEADER_BYTES + 4 * i));
	if (viewer->has_keys)
		viewer_send_mark(viewer, RFB_ENCODING_QEMU_KEY_EVENT);
	if (viewer->has_extended_size)
		viewer_send_size(viewer, RFB_SIZE_BY_SERVER, 0);
	viewer_send_motion(viewer, true);
	viewer_send_leds(viewer);
	viewer_send_cursor(viewer);
	return (int)bytes;
}

static int request_update(struct viewer *viewer, const uint8_t *message)
{
	bool incremental = message[1] != 0;

	if (!incremental)
		viewer_mark(viewer, load_be16(message + 2), load_be16(message + 4),
			    load_be16(message + 6), load_be16(message + 8));
	viewer->wants_update = true;
	return REQUEST_BYTES;
}

/* Keys and pointer */

static int key_event(struct viewer *viewer, const uint8_t *message)
{
	viewer->server->idle_frames = 0;
	keys_symbol(&viewer->keys, load_be32(message + 4), message[1] != 0);
	return KEY_BYTES;
}

static int qemu_message(struct viewer *viewer, const uint8_t *message)
{
	unsigned key;

	if (viewer->input_have < 2)
		return 0;
	if (message[1] != RFB_QEMU_KEY_EVENT)
		return -1;
	if (viewer->input_have < QEMU_KEY_BYTES)
		return 0;
	viewer->server->idle_frames = 0;
	key = key_from_scancode(load_be32(message + 8));
	if (key)
		keys_position(&viewer->keys, key, load_be16(message + 2) != 0);
	else
		keys_symbol(&viewer->keys, load_be32(message + 4), load_be16(message + 2) != 0);
	return QEMU_KEY_BYTES;
}

/* 'position' of 'size' pixels as 0 to INPUT_ABS_MAX; rounded up, so that the way back gives the
 * same pixel. */
static unsigned absolute(unsigned position, unsigned size)
{
	if (size < 2)
		return 0;
	if (position >= size)
		position = size - 1;
	return (position * INPUT_ABS_MAX + size - 2) / (size - 1);
}

static int pointer_event(struct viewer *viewer, const uint8_t *message)
{
	struct input *input = viewer->server->input;
	unsigned mask = message[1], pressed = mask & ~viewer->buttons;
	unsigned x = load_be16(message + 2), y = load_be16(message + 4);
	unsigned buttons = 0;
	int dz = 0;

	buttons |= mask & RFB_BUTTON_LEFT ? INPUT_BUTTON_LEFT : 0u;
	buttons |= mask & RFB_BUTTON_MIDDLE ? INPUT_BUTTON_MIDDLE : 0u;
	buttons |= mask & RFB_BUTTON_RIGHT ? INPUT_BUTTON_RIGHT : 0u;
	if (pressed & RFB_BUTTON_WHEEL_UP)
		dz++;
	if (pressed & RFB_BUTTON_WHEEL_DOWN)
		dz--;
	viewer->buttons = mask;
	viewer->server->idle_frames = 0;
	if (viewer->has_motion && !viewer->told_absolute)
		input_move(input, (int)x - MOTION_CENTRE, (int)y - MOTION_CENTRE, dz, buttons);
	else
		input_move_to(input, absolute(x, viewer->width), absolute(y, viewer->height),
			      viewer->width, viewer->height, dz, buttons);
	return POINTER_BYTES;
}

/* The rest */

void viewer_drop_cut(struct viewer *viewer)
{
	if (viewer->cut)
		explicit_bzero(viewer->cut, viewer->cut_bytes);
	free(viewer->cut);
	viewer->cut = NULL;
	viewer->cut_bytes = 0;
}

/* A text that is too long, or comes when memory has run out, takes the place of the last one all
 * the same: nobody shall type what he has not just copied. */
static int cut_text(struct viewer *viewer, const uint8_t *message)
{
	int32_t length = (int32_t)load_be32(message + 4);

	/* A negative one announces the extended clipboard, which nobody has offered. */
	if (length < 0 || length > CUT_TEXT_BYTES_MAX)
		return -1;
	viewer_drop_cut(viewer);
	server_set_clipboard(viewer->server, NULL, 0);
	viewer->skip = (uint32_t)length;
	if (length > 0 && length <= CLIPBOARD_BYTES_MAX)
		viewer->cut = malloc((size_t)length);
	return CUT_TEXT_HEADER_BYTES;
}

static int set_desktop_size(struct viewer *viewer, const uint8_t *message)
{
	size_t bytes = DESKTOP_SIZE_HEADER_BYTES + SCREEN_BYTES * (size_t)message[6];

	if (viewer->input_have < bytes)
		return 0;
	/* The guest chooses its resolution. */
	if (viewer->has_extended_size)
		viewer_send_size(viewer, RFB_SIZE_BY_THIS_CLIENT, RFB_SIZE_PROHIBITED);
	return (int)bytes;
}

static const struct {
	uint8_t type;
	uint8_t bytes; /* that must be there before 'handle' may look */
	int (*handle)(struct viewer *viewer, const uint8_t *message);
} messages[] = {
	{ RFB_SET_PIXEL_FORMAT, PIXEL_FORMAT_BYTES, set_pixel_format },
	{ RFB_SET_ENCODINGS, ENCODINGS_HEADER_BYTES, set_encodings },
	{ RFB_UPDATE_REQUEST, REQUEST_BYTES, request_update },
	{ RFB_KEY_EVENT, KEY_BYTES, key_event },
	{ RFB_POINTER_EVENT, POINTER_BYTES, pointer_event },
	{ RFB_CLIENT_CUT_TEXT, CUT_TEXT_HEADER_BYTES, cut_text },
	{ RFB_SET_DESKTOP_SIZE, DESKTOP_SIZE_HEADER_BYTES, set_desktop_size },
	{ RFB_QEMU, 2, qemu_message },
};

int viewer_handle_message(struct viewer *viewer)
{
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
		if (messages[i].type != viewer->input[0])
			continue;
		if (viewer->input_have < messages[i].bytes)
			return 0;
		return messages[i].handle(viewer, viewer->input);
	}
	return -1;
}
