// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/ide/cd_sector.h"

#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "hw/ide/atapi_regs.h"

/** A mode 1 sector's parts. */
enum {
	SYNC_BYTES = 12,
	HEADER_BYTES = 4,
	DATA_OFFSET = SYNC_BYTES + HEADER_BYTES,
	EDC_OFFSET = DATA_OFFSET + CD_SECTOR_BYTES,
	EDC_BYTES = 4,
	ZERO_BYTES = 8,
	P_OFFSET = EDC_OFFSET + EDC_BYTES + ZERO_BYTES,
	P_COLUMNS = 86, /* of bytes */
	P_ROWS = 24,
	Q_OFFSET = P_OFFSET + 2 * P_COLUMNS,
	Q_DIAGONALS = 52,
	Q_LENGTH = 43, /* words along a diagonal */
	EDC_ECC_BYTES = CD_RAW_BYTES - EDC_OFFSET,
	ECC_WORDS_BYTES = 2236, /* header to P parity: what Q covers */
	GF_POLYNOMIAL = 0x1d,   /* x^8 + x^4 + x^3 + x^2 + 1 */
};

static const uint32_t edc_polynomial_reversed = 0xd8018001;

uint16_t cd_sector_bytes(uint8_t fields)
{
	unsigned bytes = 0;

	if (fields & READ_CD_SYNC)
		bytes += SYNC_BYTES;
	if (fields & READ_CD_HEADER)
		bytes += HEADER_BYTES;
	if (fields & READ_CD_USER_DATA)
		bytes += CD_SECTOR_BYTES;
	if (fields & READ_CD_EDC_ECC)
		bytes += EDC_ECC_BYTES;
	return (uint16_t)bytes;
}

void cd_msf_from_lba(uint32_t lba, uint8_t msf[3])
{
	uint64_t frames = (uint64_t)lba + CD_PREGAP_FRAMES;

	msf[0] = (uint8_t)(frames / (60 * CD_FRAMES_PER_SECOND));
	msf[1] = (uint8_t)(frames / CD_FRAMES_PER_SECOND % 60);
	msf[2] = (uint8_t)(frames % CD_FRAMES_PER_SECOND);
}

/** The error detection code over sync, header and data: a CRC with bits in reverse. */
static uint32_t edc_of(const uint8_t *bytes, size_t count)
{
	uint32_t edc = 0;

	for (size_t i = 0; i < count; i++) {
		edc ^= bytes[i];
		for (unsigned bit = 0; bit < 8; bit++)
			edc = (edc >> 1) ^ ((edc & 1) ? edc_polynomial_reversed : 0u);
	}
	return edc;
}

static uint8_t gf_double(uint8_t value)
{
	return (uint8_t)(value << 1 ^ ((value & 0x80) ? GF_POLYNOMIAL : 0));
}

/** Division by alpha + 1, that is by 3, in GF(2^8). */
static uint8_t gf_third(uint8_t value)
{
	uint8_t quotient = 0, factor = 0xf4; /* 3 * f4h = 1 */

	for (unsigned bit = 0; bit < 8; bit++) {
		if (factor & BIT(bit))
			quotient ^= value;
		value = gf_double(value);
	}
	return quotient;
}

/**
 * The two parity bytes p0, p1 that make sum(v) = 0 and sum(v * alpha^(position from the end)) = 0
 * for the code word v0 … p0 p1, of which 'weighted' and 'plain' are the sums over the data.
 */
static void put_parity(uint8_t *first, uint8_t *second, uint8_t weighted, uint8_t plain)
{
	/* weighted counts the last datum as alpha^2: p0 * alpha + p1 = weighted, p0 + p1 = plain.
	 */
	*first = gf_third(weighted ^ plain);
	*second = *first ^ plain;
}

static void put_p_parity(uint8_t *sector)
{
	const uint8_t *covered = sector + SYNC_BYTES;

	for (unsigned column = 0; column < P_COLUMNS; column++) {
		uint8_t weighted = 0, plain = 0;

		for (unsigned row = 0; row < P_ROWS; row++) {
			uint8_t value = covered[row * P_COLUMNS + column];

			weighted = gf_double(weighted) ^ value;
			plain ^= value;
		}
		weighted = gf_double(gf_double(weighted));
		put_parity(&sector[P_OFFSET + column], &sector[P_OFFSET + P_COLUMNS + column],
			   weighted, plain);
	}
}

static void put_q_parity(uint8_t *sector)
{
	const uint8_t *covered = sector + SYNC_BYTES;

	for (unsigned diagonal = 0; diagonal < Q_DIAGONALS; diagonal++) {
		/* Even ones run over the low bytes of words, odd ones over the high bytes. */
		unsigned position = (diagonal >> 1) * P_COLUMNS + (diagonal & 1);
		uint8_t weighted = 0, plain = 0;

		for (unsigned i = 0; i < Q_LENGTH; i++) {
			weighted = gf_double(weighted) ^ covered[position];
			plain ^= covered[position];
			position += P_COLUMNS + 2;
			if (position >= ECC_WORDS_BYTES)
				position -= ECC_WORDS_BYTES;
		}
		weighted = gf_double(gf_double(weighted));
		put_parity(&sector[Q_OFFSET + diagonal], &sector[Q_OFFSET + Q_DIAGONALS + diagonal],
			   weighted, plain);
	}
}

static void build_whole(uint8_t *sector, const uint8_t *data, uint32_t lba)
{
	uint8_t msf[3];

	memset(sector, 0, CD_RAW_BYTES);
	memset(sector + 1, 0xff, SYNC_BYTES - 2);
	cd_msf_from_lba(lba, msf);
	for (unsigned i = 0; i < 3; i++)
		sector[SYNC_BYTES + i] = bcd_from_binary(msf[i]);
	sector[SYNC_BYTES + 3] = 1; /* mode */
	memcpy(sector + DATA_OFFSET, data, CD_SECTOR_BYTES);
	store_le32(sector + EDC_OFFSET, edc_of(sector, EDC_OFFSET));
	put_p_parity(sector);
	put_q_parity(sector);
}

static uint8_t *append(uint8_t *out, const uint8_t *part, size_t bytes)
{
	memcpy(out, part, bytes);
	return out + bytes;
}

uint32_t cd_sector_build(uint8_t *out, const uint8_t *data, uint32_t lba, uint8_t fields)
{
	uint8_t sector[CD_RAW_BYTES];

	build_whole(sector, data, lba);
	if (fields & READ_CD_SYNC)
		out = append(out, sector, SYNC_BYTES);
	if (fields & READ_CD_HEADER)
		out = append(out, sector + SYNC_BYTES, HEADER_BYTES);
	if (fields & READ_CD_USER_DATA)
		out = append(out, sector + DATA_OFFSET, CD_SECTOR_BYTES);
	if (fields & READ_CD_EDC_ECC)
		append(out, sector + EDC_OFFSET, EDC_ECC_BYTES);
	return cd_sector_bytes(fields);
}
