// SPDX-License-Identifier: GPL-2.0-or-later
/* Blocks of memory as hex digits and base64 (RFC 4648 4), and text that grows. */
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "hv/qtest.h"

enum {
	TEXT_MIN_CAPACITY = 256,
	NO_DIGIT = 64, /* what is no base64 digit */
};

char *qtest_text_extend(struct qtest_text *text, size_t count, size_t limit)
{
	size_t needed = text->length + count, capacity = text->capacity;
	char *bytes = text->bytes;

	if (count > limit || needed > limit)
		return NULL;
	while (capacity < needed)
		capacity = capacity ? 2 * capacity : TEXT_MIN_CAPACITY;
	if (capacity != text->capacity) {
		bytes = realloc(text->bytes, capacity);
		if (!bytes)
			return NULL;
		text->bytes = bytes;
		text->capacity = capacity;
	}
	text->length = needed;
	return bytes + needed - count;
}

static int hex_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

bool qtest_decode_hex(const char *text, uint8_t *data, size_t length)
{
	size_t pairs = strlen(text) / 2;

	memset(data, 0, length);
	for (size_t i = 0; i < min_size(pairs, length); i++) {
		int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		data[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

void qtest_encode_hex(const uint8_t *data, size_t length, char *text)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < length; i++) {
		text[2 * i] = digits[data[i] >> 4];
		text[2 * i + 1] = digits[data[i] & 15];
	}
}

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static unsigned base64_digit(char digit)
{
	const char *found = digit ? strchr(base64_digits, digit) : NULL;

	return found ? (unsigned)(found - base64_digits) : NO_DIGIT;
}

bool qtest_decode_base64(const char *text, uint8_t *data, size_t length)
{
	unsigned bits = 0, value = 0;
	size_t done = 0;

	memset(data, 0, length);
	for (; *text && *text != '='; text++) {
		unsigned digit = base64_digit(*text);

		if (digit == NO_DIGIT)
			return false;
		value = (value << 6 | digit) & 0xffff;
		bits += 6;
		if (bits < 8)
			continue;
		bits -= 8;
		if (done < length)
			data[done++] = (uint8_t)(value >> bits);
	}
	return strspn(text, "=") == strlen(text);
}

size_t qtest_base64_length(size_t length)
{
	return (length + 2) / 3 * 4;
}

void qtest_encode_base64(const uint8_t *data, size_t length, char *text)
{
	for (size_t i = 0; i < length; i += 3) {
		size_t count = min_size(3, length - i);
		unsigned value = (unsigned)data[i] << 16;

		if (count > 1)
			value |= (unsigned)data[i + 1] << 8;
		if (count > 2)
			value |= data[i + 2];
		for (unsigned digit = 0; digit < 4; digit++)
			*text++ =
				digit > count ? '=' : base64_digits[value >> (18 - 6 * digit) & 63];
	}
}
