// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Numbers of the RFB protocol: RFC 6143, and the community's rfbproto.rst for what came after it.
 */
#pragma once

enum rfb_limits {
	RFB_VERSION_BYTES = 12,
	RFB_CHALLENGE_BYTES = 16,
	RFB_UPDATE_HEADER_BYTES = 4,
	RFB_RECT_HEADER_BYTES = 12,
};

/* RFC 6143 7.1.2 */
enum rfb_security {
	RFB_SECURITY_INVALID = 0,
	RFB_SECURITY_NONE = 1,
	RFB_SECURITY_VNC = 2,
};

/* RFC 6143 7.5; the last three: rfbproto "QEMU Client Message", "SetDesktopSize" */
enum rfb_client_message {
	RFB_SET_PIXEL_FORMAT = 0,
	RFB_SET_ENCODINGS = 2,
	RFB_UPDATE_REQUEST = 3,
	RFB_KEY_EVENT = 4,
	RFB_POINTER_EVENT = 5,
	RFB_CLIENT_CUT_TEXT = 6,
	RFB_SET_DESKTOP_SIZE = 251,
	RFB_QEMU = 255,
};

enum rfb_qemu_message {
	RFB_QEMU_KEY_EVENT = 0,
};

/* RFC 6143 7.6 */
enum rfb_server_message {
	RFB_FRAMEBUFFER_UPDATE = 0,
	RFB_SET_COLOUR_MAP = 1,
};

enum rfb_encoding {
	RFB_ENCODING_RAW = 0,
	RFB_ENCODING_TIGHT = 7,
	RFB_ENCODING_ZRLE = 16,
	/* pseudo-encodings: what a viewer understands besides */
	RFB_ENCODING_DESKTOP_SIZE = -223,
	RFB_ENCODING_POINTER_POSITION = -232,
	RFB_ENCODING_CURSOR = -239,
	RFB_ENCODING_QEMU_POINTER_MOTION = -257,
	RFB_ENCODING_QEMU_KEY_EVENT = -258,
	RFB_ENCODING_QEMU_LED_STATE = -261,
	RFB_ENCODING_EXTENDED_DESKTOP_SIZE = -308,
};

/* Pointer event: mask of buttons */
enum rfb_button {
	RFB_BUTTON_LEFT = 1,
	RFB_BUTTON_MIDDLE = 2,
	RFB_BUTTON_RIGHT = 4,
	RFB_BUTTON_WHEEL_UP = 8,
	RFB_BUTTON_WHEEL_DOWN = 16,
};

/* ExtendedDesktopSize: why (x) and how it went (y) */
enum rfb_desktop_size {
	RFB_SIZE_BY_SERVER = 0,
	RFB_SIZE_BY_THIS_CLIENT = 1,
	RFB_SIZE_PROHIBITED = 1,
};

/* RFC 6143 7.7.6 */
enum rfb_zrle {
	RFB_ZRLE_TILE = 64,
	RFB_ZRLE_RAW = 0,
	RFB_ZRLE_SOLID = 1,
	RFB_ZRLE_PLAIN_RLE = 128,
	RFB_ZRLE_PALETTE_MAX = 16,
};

/* rfbproto "Tight Encoding": the control byte and what follows */
enum rfb_tight {
	RFB_TIGHT_STREAM_SHIFT = 4,
	RFB_TIGHT_EXPLICIT_FILTER = 0x40,
	RFB_TIGHT_FILL = 0x80,
	RFB_TIGHT_FILTER_PALETTE = 1,
	RFB_TIGHT_MIN_TO_COMPRESS = 12,
	RFB_TIGHT_WIDTH_MAX = 2048,
	RFB_TIGHT_PALETTE_MAX = 256,
};

/* RFC 6455 5.2 */
enum websocket_opcode {
	WEBSOCKET_CONTINUATION = 0,
	WEBSOCKET_BINARY = 2,
	WEBSOCKET_CLOSE = 8,
	WEBSOCKET_PING = 9,
	WEBSOCKET_PONG = 10,
};
