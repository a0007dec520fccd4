// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/aml.h"

#include <string.h>

enum {
	SEGMENT = 4,
	ONE_BYTE_LENGTH =
		0x3f, /* the longest PkgLength of one byte; more bytes add 8 bits each to 4 */
	PREFIX_SHIFT = 8,
};

void aml_opcode(struct blob *out, enum aml_opcode opcode)
{
	if (opcode >> PREFIX_SHIFT)
		blob_put_u8(out, (uint8_t)(opcode >> PREFIX_SHIFT));
	blob_put_u8(out, (uint8_t)opcode);
}

static void put_segment(struct blob *out, const char *segment, size_t length)
{
	uint8_t filled[SEGMENT] = { '_', '_', '_', '_' };

	memcpy(filled, segment, length < SEGMENT ? length : SEGMENT);
	blob_put(out, filled, SEGMENT);
}

void aml_path(struct blob *out, const char *path)
{
	unsigned segments = 1;

	if (*path == '\\')
		blob_put_u8(out, (uint8_t)*path++);
	if (!*path) {
		blob_put_u8(out, AML_ZERO);
		return;
	}
	for (const char *c = path; *c; c++)
		segments += *c == '.';
	if (segments == 2)
		aml_opcode(out, AML_DUAL_NAME);
	if (segments > 2) {
		aml_opcode(out, AML_MULTI_NAME);
		blob_put_u8(out, (uint8_t)segments);
	}
	while (segments--) {
		size_t length = strcspn(path, ".");

		put_segment(out, path, length);
		path += length + 1;
	}
}

void aml_integer(struct blob *out, uint32_t value)
{
	if (value <= 1) {
		aml_opcode(out, value ? AML_ONE : AML_ZERO);
	} else if (value <= UINT8_MAX) {
		aml_opcode(out, AML_BYTE);
		blob_put_u8(out, (uint8_t)value);
	} else if (value <= UINT16_MAX) {
		aml_opcode(out, AML_WORD);
		blob_put_le16(out, (uint16_t)value);
	} else {
		aml_opcode(out, AML_DWORD);
		blob_put_le32(out, value);
	}
}

struct aml_object aml_begin(struct blob *out, enum aml_opcode opcode)
{
	aml_opcode(out, opcode);
	return (struct aml_object){ out->length };
}

/** 18.2.4: the length counts its own bytes; the first says in its upper two bits how many follow.
 */
void aml_end(struct blob *out, struct aml_object object)
{
	size_t length, content = out->length - object.start;
	unsigned bytes = 1;
	uint8_t *at;

	if (content + 1 > ONE_BYTE_LENGTH) {
		bytes = 2;
		while (content + bytes >= (size_t)1 << (8 * bytes - 4))
			bytes++;
	}
	blob_put(out, NULL, bytes);
	if (out->arena->full)
		return;
	at = out->data + object.start;
	memmove(at + bytes, at, content);
	length = content + bytes;
	if (bytes == 1) {
		at[0] = (uint8_t)length;
		return;
	}
	at[0] = (uint8_t)((bytes - 1) << 6 | (length & 0xf));
	for (unsigned i = 1; i < bytes; i++)
		at[i] = (uint8_t)(length >> (8 * i - 4));
}

struct aml_object aml_begin_scope(struct blob *out, const char *path)
{
	struct aml_object scope = aml_begin(out, AML_SCOPE);

	aml_path(out, path);
	return scope;
}

struct aml_object aml_begin_method(struct blob *out, const char *name, unsigned arguments)
{
	struct aml_object method = aml_begin(out, AML_METHOD);

	aml_path(out, name);
	blob_put_u8(out, (uint8_t)arguments);
	return method;
}

struct aml_object aml_begin_package(struct blob *out, unsigned count)
{
	struct aml_object package = aml_begin(out, AML_PACKAGE);

	blob_put_u8(out, (uint8_t)count);
	return package;
}

void aml_name(struct blob *out, const char *path)
{
	aml_opcode(out, AML_NAME);
	aml_path(out, path);
}

void aml_buffer(struct blob *out, const void *bytes, size_t count)
{
	struct aml_object buffer = aml_begin(out, AML_BUFFER);

	aml_integer(out, (uint32_t)count);
	blob_put(out, bytes, count);
	aml_end(out, buffer);
}
