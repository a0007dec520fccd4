// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * UTF-8 (RFC 3629): text from people and for them.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
	UTF8_MAX_BYTES = 4,
	UTF8_REPLACEMENT = 0xfffd, /* stands for what cannot be told */
};

/** The character at *text, which is moved behind it. 0 at the final NUL, which is not passed;
 * UTF8_REPLACEMENT, and one byte passed, for what is no UTF-8. */
uint32_t utf8_next(const char **text);
/** Writes 'character' without a final NUL; returns how many bytes. What is no character is written
 * as UTF8_REPLACEMENT. */
size_t utf8_put(uint32_t character, char bytes[UTF8_MAX_BYTES]);
