// SPDX-License-Identifier: GPL-2.0-or-later
#include "vnc/digest.h"

#include <assert.h>
#include <string.h>

#include "base/bytes.h"

/* DES: FIPS 46-3. Tables number bits from 1, the most significant. */

static const uint8_t initial_permutation[64] = {
	58, 50, 42, 34, 26, 18, 10, 2,  60, 52, 44, 36, 28, 20, 12, 4,  62, 54, 46, 38, 30, 22,
	14, 6,  64, 56, 48, 40, 32, 24, 16, 8,  57, 49, 41, 33, 25, 17, 9,  1,  59, 51, 43, 35,
	27, 19, 11, 3,  61, 53, 45, 37, 29, 21, 13, 5,  63, 55, 47, 39, 31, 23, 15, 7,
};
static const uint8_t final_permutation[64] = {
	40, 8,  48, 16, 56, 24, 64, 32, 39, 7,  47, 15, 55, 23, 63, 31, 38, 6,  46, 14, 54, 22,
	62, 30, 37, 5,  45, 13, 53, 21, 61, 29, 36, 4,  44, 12, 52, 20, 60, 28, 35, 3,  43, 11,
	51, 19, 59, 27, 34, 2,  42, 10, 50, 18, 58, 26, 33, 1,  41, 9,  49, 17, 57, 25,
};
static const uint8_t expansion[48] = {
	32, 1,  2,  3,  4,  5,  4,  5,  6,  7,  8,  9,  8,  9,  10, 11,
	12, 13, 12, 13, 14, 15, 16, 17, 16, 17, 18, 19, 20, 21, 20, 21,
	22, 23, 24, 25, 24, 25, 26, 27, 28, 29, 28, 29, 30, 31, 32, 1,
};
static const uint8_t round_permutation[32] = {
	16, 7, 20, 21, 29, 12, 28, 17, 1,  15, 23, 26, 5,  18, 31, 10,
	2,  8, 24, 14, 32, 27, 3,  9,  19, 13, 30, 6,  22, 11, 4,  25,
};
static const uint8_t key_choice_1[56] = {
	57, 49, 41, 33, 25, 17, 9,  1,  58, 50, 42, 34, 26, 18, 10, 2,  59, 51, 43,
	35, 27, 19, 11, 3,  60, 52, 44, 36, 63, 55, 47, 39, 31, 23, 15, 7,  62, 54,
	46, 38, 30, 22, 14, 6,  61, 53, 45, 37, 29, 21, 13, 5,  28, 20, 12, 4,
};
static const uint8_t key_choice_2[48] = {
	14, 17, 11, 24, 1,  5,  3,  28, 15, 6,  21, 10, 23, 19, 12, 4,
	26, 8,  16, 7,  27, 20, 13, 2,  41, 52, 31, 37, 47, 55, 30, 40,
	51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32,
};
static const uint8_t key_shifts[16] = { 1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1 };
static const uint8_t substitution[8][64] = {
	{ 14, 4,  13, 1, 2,  15, 11, 8, 3, 10, 6, 12, 5,  9,  0,  7,  0,  15, 7,  4,  14, 2,
	  13, 1,  10, 6, 12, 11, 9,  5, 3, 8,  4, 1,  14, 8,  13, 6,  2,  11, 15, 12, 9,  7,
	  3,  10, 5,  0, 15, 12, 8,  2, 4, 9,  1, 7,  5,  11, 3,  14, 10, 0,  6,  13 },
	{ 15, 1,  8,  14, 6,  11, 3,  4, 9,  7,  2, 13, 12, 0,  5,  10, 3,  13, 4,  7, 15, 2,
	  8,  14, 12, 0,  1,  10, 6,  9, 11, 5,  0, 14, 7,  11, 10, 4,  13, 1,  5,  8, 12, 6,
	  9,  3,  2,  15, 13, 8,  10, 1, 3,  15, 4, 2,  11, 6,  7,  12, 0,  5,  14, 9 },
	{ 10, 0,  9,  14, 6, 3,  15, 5,  1,  13, 12, 7, 11, 4,  2,  8,  13, 7, 0,  9, 3, 4,
	  6,  10, 2,  8,  5, 14, 12, 11, 15, 1,  13, 6, 4,  9,  8,  15, 3,  0, 11, 1, 2, 12,
	  5,  10, 14, 7,  1, 10, 13, 0,  6,  9,  8,  7, 4,  15, 14, 3,  11, 5, 2,  12 },
	{ 7, 13, 14, 3, 0, 6,  9, 10, 1,  2, 8,  5, 11, 12, 4,  15, 13, 8,  11, 5, 6, 15,
	  0, 3,  4,  7, 2, 12, 1, 10, 14, 9, 10, 6, 9,  0,  12, 11, 7,  13, 15, 1, 3, 14,
	  5, 2,  8,  4, 3, 15, 0, 6,  10, 1, 13, 8, 9,  4,  5,  11, 12, 7,  2,  14 },
	{ 2,  12, 4, 1,  7,  10, 11, 6, 8, 5,  3, 15, 13, 0,  14, 9,  14, 11, 2,  12, 4,  7,
	  13, 1,  5, 0,  15, 10, 3,  9, 8, 6,  4, 2,  1,  11, 10, 13, 7,  8,  15, 9,  12, 5,
	  6,  3,  0, 14, 11, 8,  12, 7, 1, 14, 2, 13, 6,  15, 0,  9,  10, 4,  5,  3 },
	{ 12, 1,  10, 15, 9,  2,  6, 8,  0, 13, 3,  4,  14, 7,  5, 11, 10, 15, 4, 2, 7, 12,
	  9,  5,  6,  1,  13, 14, 0, 11, 3, 8,  9,  14, 15, 5,  2, 8,  12, 3,  7, 0, 4, 10,
	  1,  13, 11, 6,  4,  3,  2, 12, 9, 5,  15, 10, 11, 14, 1, 7,  6,  0,  8, 13 },
	{ 4, 11, 2,  14, 15, 0,  8,  13, 3, 12, 9,  7, 5,  10, 6,  1,  13, 0,  11, 7,  4, 9,
	  1, 10, 14, 3,  5,  12, 2,  15, 8, 6,  1,  4, 11, 13, 12, 3,  7,  14, 10, 15, 6, 8,
	  0, 5,  9,  2,  6,  11, 13, 8,  1, 4,  10, 7, 9,  5,  0,  15, 14, 2,  3,  12 },
	{ 13, 2, 8,  4, 6, 15, 11, 1,  10, 9,  3, 14, 5,  0,  12, 7,  1,  15, 13, 8, 10, 3,
	  7,  4, 12, 5, 6, 11, 0,  14, 9,  2,  7, 11, 4,  1,  9,  12, 14, 2,  0,  6, 10, 13,
	  15, 3, 5,  8, 2, 1,  14, 7,  4,  10, 8, 13, 15, 12, 9,  0,  3,  5,  6,  11 },
};

/* The bits of 'value' (of 'width' bits) that 'table' chooses, in its order. */
static uint64_t choose_bits(uint64_t value, unsigned width, const uint8_t *table, unsigned count)
{
	uint64_t chosen = 0;

	for (unsigned i = 0; i < count; i++)
		chosen = chosen << 1 | (value >> (width - table[i]) & 1);
	return chosen;
}

static uint32_t rotate_28(uint32_t half, unsigned by)
{
	return (half << by | half >> (28 - by)) & 0xfffffff;
}

static uint32_t des_round(uint32_t half, uint64_t round_key)
{
	uint64_t mixed = choose_bits(half, 32, expansion, 48) ^ round_key;
	uint32_t result = 0;

	for (unsigned box = 0; box < 8; box++) {
		unsigned six = mixed >> (42 - 6 * box) & 63;
		unsigned row = (six >> 4 & 2) | (six & 1), column = six >> 1 & 15;

		result = result << 4 | substitution[box][row * 16 + column];
	}
	return (uint32_t)choose_bits(result, 32, round_permutation, 32);
}

void des_encrypt(const uint8_t key[8], const uint8_t in[8], uint8_t out[8])
{
	uint64_t halves = choose_bits(load_be64(in), 64, initial_permutation, 64);
	uint64_t key_bits = choose_bits(load_be64(key), 64, key_choice_1, 56);
	uint32_t left = (uint32_t)(halves >> 32), right = (uint32_t)halves;
	uint32_t c = (uint32_t)(key_bits >> 28), d = key_bits & 0xfffffff;

	for (unsigned i = 0; i < 16; i++) {
		uint32_t next;

		c = rotate_28(c, key_shifts[i]);
		d = rotate_28(d, key_shifts[i]);
		next = left ^
		       des_round(right, choose_bits((uint64_t)c << 28 | d, 56, key_choice_2, 48));
		left = right;
		right = next;
	}
	store_be64(out, choose_bits((uint64_t)right << 32 | left, 64, final_permutation, 64));
}

/* VNC numbers the bits of each byte of the key the other way round. */
static uint8_t reverse_bits(uint8_t byte)
{
	uint8_t reversed = 0;

	for (unsigned i = 0; i < 8; i++)
		reversed = (uint8_t)(reversed | (byte >> i & 1) << (7 - i));
	return reversed;
}

void vnc_auth_response(const char *password, const uint8_t challenge[16], uint8_t response[16])
{
	uint8_t key[8] = { 0 };

	for (unsigned i = 0; i < 8 && password[i]; i++)
		key[i] = reverse_bits((uint8_t)password[i]);
	des_encrypt(key, challenge, response);
	des_encrypt(key, challenge + 8, response + 8);
}

/* SHA-1: FIPS 180-4 section 6.1 */

static uint32_t rotate_32(uint32_t value, unsigned by)
{
	return value << by | value >> (32 - by);
}

static void sha1_block(uint32_t state[5], const uint8_t block[64])
{
	uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
	uint32_t w[80];

	for (unsigned t = 0; t < 80; t++) {
		uint32_t f, k, next;

		w[t] = t < 16 ? load_be32(block + 4 * t)
			      : rotate_32(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
		f = t < 20   ? (b & c) | (~b & d)
		    : t < 40 ? b ^ c ^ d
		    : t < 60 ? (b & c) | (b & d) | (c & d)
			     : b ^ c ^ d;
		k = t < 20 ? 0x5a827999 : t < 40 ? 0x6ed9eba1 : t < 60 ? 0x8f1bbcdc : 0xca62c1d6;
		next = rotate_32(a, 5) + f + e + k + w[t];
		e = d;
		d = c;
		c = rotate_32(b, 30);
		b = a;
		a = next;
	}
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
	state[4] += e;
}

void sha1(const void *data, size_t length, uint8_t digest[SHA1_BYTES])
{
	uint32_t state[5] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 };
	uint8_t blocks[128] = { 0 };
	size_t total = length < 56 ? 64 : 128;

	assert(length <= 119);
	memcpy(blocks, data, length);
	blocks[length] = 0x80;
	store_be64(blocks + total - 8, length * 8);
	for (size_t at = 0; at < total; at += 64)
		sha1_block(state, blocks + at);
	for (unsigned i = 0; i < 5; i++)
		store_be32(digest + 4 * i, state[i]);
}

void base64_of_sha1(const uint8_t digest[SHA1_BYTES], char text[BASE64_SHA1_CHARS + 1])
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	/* 20 bytes are six groups of three, and two with one '=' behind. */
	for (unsigned i = 0; i < 7; i++) {
		uint32_t group = (uint32_t)digest[3 * i] << 16 | (uint32_t)digest[3 * i + 1] << 8;

		if (i < 6)
			group |= digest[3 * i + 2];
		for (unsigned n = 0; n < 4; n++)
			text[4 * i + n] = alphabet[group >> (18 - 6 * n) & 63];
	}
	text[BASE64_SHA1_CHARS - 1] = '=';
	text[BASE64_SHA1_CHARS] = '\0';
}
