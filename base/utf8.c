// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/utf8.h"

#include <stdbool.h>

enum {
	LAST_CHARACTER = 0x10ffff,
	FIRST_SURROGATE = 0xd800,
	LAST_SURROGATE = 0xdfff,
	CONTINUATION_BITS = 6,
	CONTINUATION_MASK = 0x3f,
};

static bool is_character(uint32_t character)
{
	return character <= LAST_CHARACTER &&
	       !(character >= FIRST_SURROGATE && character <= LAST_SURROGATE);
}

/** How many bytes follow a first one, and the smallest character written so; -1: it is none. */
static int describe_first(uint8_t byte, uint32_t *character, uint32_t *smallest)
{
	static const struct {
		uint8_t mask, value;
		uint32_t smallest;
	} forms[] = { { 0x80, 0x00, 0 },
		      { 0xe0, 0xc0, 0x80 },
		      { 0xf0, 0xe0, 0x800 },
		      { 0xf8, 0xf0, 0x10000 } };

	for (int more = 0; more < UTF8_MAX_BYTES; more++) {
		if ((byte & forms[more].mask) != forms[more].value)
			continue;
		*character = byte & (uint8_t)~forms[more].mask;
		*smallest = forms[more].smallest;
		return more;
	}
	return -1;
}

uint32_t utf8_next(const char **text)
{
	const char *at = *text;
	uint32_t character = 0, smallest = 0;
	int more;

	if (*at == '\0')
		return 0;
	more = describe_first((uint8_t)*at++, &character, &smallest);
	*text = at;
	for (int i = 0; i < more; i++, at++) {
		if (((uint8_t)*at & 0xc0) != 0x80)
			return UTF8_REPLACEMENT;
		character = character << CONTINUATION_BITS | ((uint8_t)*at & CONTINUATION_MASK);
	}
	if (more < 0 || character < smallest || !is_character(character))
		return UTF8_REPLACEMENT;
	*text = at;
	return character;
}

size_t utf8_put(uint32_t character, char bytes[UTF8_MAX_BYTES])
{
	static const uint8_t firsts[UTF8_MAX_BYTES] = { 0x00, 0xc0, 0xe0, 0xf0 };
	unsigned more;

	if (!is_character(character))
		character = UTF8_REPLACEMENT;
	more = character >= 0x10000 ? 3 : character >= 0x800 ? 2 : character >= 0x80;
	for (unsigned i = more; i > 0; i--) {
		bytes[i] = (char)(0x80 | (character & CONTINUATION_MASK));
		character >>= CONTINUATION_BITS;
	}
	bytes[0] = (char)(firsts[more] | character);
	return more + 1;
}
