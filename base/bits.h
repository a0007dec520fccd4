// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Small arithmetic and structure helpers that every floor uses. No state, no allocation.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BIT(n)        (1u << (n))
#define BIT64(n)      (UINT64_C(1) << (n))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/** The structure of type 'type' whose member 'member' lies at 'ptr'. */
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

/** A value whose low 8 * size bits are ones; size is 1 to 8 bytes. This is what an empty bus reads
 * as. */
static inline uint64_t ones(unsigned size)
{
	return size >= 8 ? UINT64_MAX : (UINT64_C(1) << (8 * size)) - 1;
}

static inline uint64_t align_down(uint64_t value, uint64_t alignment)
{
	return value & ~(alignment - 1);
}

/** Alignment is a power of two. */
static inline uint64_t align_up(uint64_t value, uint64_t alignment)
{
	return align_down(value + alignment - 1, alignment);
}

static inline bool is_power_of_two(uint64_t value)
{
	return value != 0 && (value & (value - 1)) == 0;
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline int64_t min_i64(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static inline int64_t max_i64(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static inline size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

static inline uint64_t clamp_u64(uint64_t value, uint64_t low, uint64_t high)
{
	return value < low ? low : value > high ? high : value;
}

/** True if [base, base + length) lies inside [0, limit), without overflow. */
static inline bool range_fits(uint64_t base, uint64_t length, uint64_t limit)
{
	return base <= limit && length <= limit - base;
}

/** 'value' with the bits of 'mask' taken from 'bits'. */
static inline uint32_t replace_bits(uint32_t value, uint32_t mask, uint32_t bits)
{
	return (value & ~mask) | (bits & mask);
}

/** Two decimal digits as binary coded decimal and back. Value is 0 to 99. */
static inline uint8_t bcd_from_binary(unsigned value)
{
	return (uint8_t)((value / 10 % 10) << 4 | value % 10);
}

static inline unsigned binary_from_bcd(uint8_t bcd)
{
	return (bcd >> 4) * 10u + (bcd & 15u);
}
