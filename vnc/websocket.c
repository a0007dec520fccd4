// SPDX-License-Identifier: GPL-2.0-or-later
/* WebSocket (RFC 6455) around RFB, for viewers in browsers: the handshake, and frames both ways. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "vnc/digest.h"
#include "vnc/server.h"

enum {
	KEY_CHARS_MAX = 64,

	HEADER_FINAL = 0x80,
	HEADER_OPCODE = 0x0f,
	HEADER_MASKED = 0x80,
	HEADER_LENGTH = 0x7f,
	LENGTH_IN_16_BITS = 126,
	LENGTH_IN_64_BITS = 127,
};

/* The handshake */

/* The value of header 'name' (with its colon) in the lines of 'request', without blanks around it;
 * false if there is none. */
static bool find_header(const char *request, const char *name, char *value, size_t size)
{
	const char *line = request;
	size_t length;

	while ((line = strstr(line, "\r\n")) && line[2] != '\r') {
		line += 2;
		if (strncasecmp(line, name, strlen(name)) != 0)
			continue;
		line += strlen(name);
		line += strspn(line, " \t");
		length = strcspn(line, "\r\n");
		while (length > 0 && line[length - 1] == ' ')
			length--;
		if (length >= size)
			return false;
		memcpy(value, line, length);
		value[length] = '\0';
		return true;
	}
	return false;
}

static void answer_handshake(struct viewer *viewer, const char *key, bool binary)
{
	static const char magic[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	char joined[KEY_CHARS_MAX + sizeof(magic)], accept[BASE64_SHA1_CHARS + 1], answer[256];
	uint8_t digest[SHA1_BYTES];
	int length;

	length = snprintf(joined, sizeof(joined), "%s%s", key, magic);
	sha1(joined, (size_t)length, digest);
	base64_of_sha1(digest, accept);
	length = snprintf(answer, sizeof(answer),
			  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
			  "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n%s\r\n",
			  accept, binary ? "Sec-WebSocket-Protocol: binary\r\n" : "");
	viewer_send(viewer, answer, (size_t)length);
}

int websocket_handshake(struct viewer *viewer)
{
	char *text = (char *)viewer->input, key[KEY_CHARS_MAX], protocols[128];
	const char *end;
	bool binary;

	if (viewer->input_have >= VIEWER_INPUT_BYTES / 2 || memchr(text, '\0', viewer->input_have))
		return -1;
	text[viewer->input_have] = '\0';
	end = strstr(text, "\r\n\r\n");
	if (!end)
		return 0;
	/* A browser says nothing more before it has the answer. */
	if ((size_t)(end + 4 - text) != viewer->input_have ||
	    !find_header(text, "Sec-WebSocket-Key:", key, sizeof(key)))
		return -1;
	binary = find_header(text, "Sec-WebSocket-Protocol:", protocols, sizeof(protocols)) &&
		 strstr(protocols, "binary");
	answer_handshake(viewer, key, binary);
	viewer->info.is_websocket = true;
	viewer_greet(viewer);
	return (int)(end + 4 - text);
}

/* Frames */

unsigned websocket_header(uint8_t header[10], unsigned opcode, size_t count)
{
	header[0] = (uint8_t)(HEADER_FINAL | opcode);
	if (count < LENGTH_IN_16_BITS) {
		header[1] = (uint8_t)count;
		return 2;
	}
	if (count <= UINT16_MAX) {
		header[1] = LENGTH_IN_16_BITS;
		store_be16(header + 2, (uint16_t)count);
		return 4;
	}
	header[1] = LENGTH_IN_64_BITS;
	store_be64(header + 2, count);
	return 10;
}

static unsigned header_bytes(const struct websocket *websocket)
{
	unsigned length;

	if (websocket->header_have < 2)
		return 2;
	length = websocket->header[1] & HEADER_LENGTH;
	return 2 + (length == LENGTH_IN_16_BITS ? 2 : length == LENGTH_IN_64_BITS ? 8 : 0) + 4;
}

/* The header is whole. */
static bool begin_frame(struct websocket *websocket)
{
	unsigned length = websocket->header[1] & HEADER_LENGTH;

	websocket->opcode = websocket->header[0] & HEADER_OPCODE;
	websocket->payload_left = length;
	if (length == LENGTH_IN_16_BITS)
		websocket->payload_left = load_be16(websocket->header + 2);
	else if (length == LENGTH_IN_64_BITS)
		websocket->payload_left = load_be64(websocket->header + 2);
	websocket->mask_at = 0;
	websocket->control_have = 0;
	switch (websocket->opcode) {
	case WEBSOCKET_CONTINUATION:
	case WEBSOCKET_BINARY:
		return true;
	case WEBSOCKET_PING:
	case WEBSOCKET_PONG:
		return websocket->payload_left <= sizeof(websocket->control);
	default: /* text, or the end */
		return false;
	}
}

static void end_frame(struct viewer *viewer)
{
	struct websocket *websocket = &viewer->websocket;
	uint8_t frame[2 + sizeof(websocket->control)];

	websocket->header_have = 0;
	if (websocket->opcode != WEBSOCKET_PING)
		return;
	frame[0] = HEADER_FINAL | WEBSOCKET_PONG;
	frame[1] = (uint8_t)websocket->control_have;
	memcpy(frame + 2, websocket->control, websocket->control_have);
	viewer_send_frame(viewer, frame, 2 + (size_t)websocket->control_have);
}

static void take_payload(struct viewer *viewer, uint8_t byte)
{
	struct websocket *websocket = &viewer->websocket;
	const uint8_t *mask = websocket->header + header_bytes(websocket) - 4;

	byte ^= mask[websocket->mask_at++ % 4];
	if (websocket->opcode == WEBSOCKET_PING || websocket->opcode == WEBSOCKET_PONG)
		websocket->control[websocket->control_have++] = byte;
	else
		viewer->input[viewer->input_have++] = byte;
	if (--websocket->payload_left == 0)
		end_frame(viewer);
}

bool websocket_receive(struct viewer *viewer, const uint8_t *bytes, size_t count)
{
	struct websocket *websocket = &viewer->websocket;

	for (size_t i = 0; i < count; i++) {
		if (websocket->header_have < header_bytes(websocket)) {
			websocket->header[websocket->header_have++] = bytes[i];
			if (websocket->header_have == 2 && !(bytes[i] & HEADER_MASKED))
				return false; /* RFC 6455 5.1 */
			if (websocket->header_have < header_bytes(websocket))
				continue;
			if (!begin_frame(websocket))
				return false;
			if (websocket->payload_left == 0)
				end_frame(viewer);
			continue;
		}
		take_payload(viewer, bytes[i]);
	}
	return true;
}
