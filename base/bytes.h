// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Loads and stores of fixed width and byte order at any alignment, and of 1 to 8 little-endian
 * bytes.
 */
#pragma once

#include <endian.h>
#include <stdint.h>
#include <string.h>

#define BYTES_ACCESSORS(bits)                                        \
	static inline uint##bits##_t load_le##bits(const void *p)    \
	{                                                            \
		uint##bits##_t v;                                    \
		memcpy(&v, p, sizeof(v));                            \
		return le##bits##toh(v);                             \
	}                                                            \
	static inline uint##bits##_t load_be##bits(const void *p)    \
	{                                                            \
		uint##bits##_t v;                                    \
		memcpy(&v, p, sizeof(v));                            \
		return be##bits##toh(v);                             \
	}                                                            \
	static inline void store_le##bits(void *p, uint##bits##_t v) \
	{                                                            \
		v = htole##bits(v);                                  \
		memcpy(p, &v, sizeof(v));                            \
	}                                                            \
	static inline void store_be##bits(void *p, uint##bits##_t v) \
	{                                                            \
		v = htobe##bits(v);                                  \
		memcpy(p, &v, sizeof(v));                            \
	}

BYTES_ACCESSORS(16)
BYTES_ACCESSORS(32)
BYTES_ACCESSORS(64)

/** Reads 'size' (1 to 8) little-endian bytes. */
static inline uint64_t load_le(const void *p, unsigned size)
{
	const uint8_t *bytes = p;
	uint64_t value = 0;

	for (unsigned i = 0; i < size; i++)
		value |= (uint64_t)bytes[i] << (8 * i);
	return value;
}

/** Writes the low 'size' (1 to 8) bytes of 'value', little-endian. */
static inline void store_le(void *p, unsigned size, uint64_t value)
{
	uint8_t *bytes = p;

	for (unsigned i = 0; i < size; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
}
