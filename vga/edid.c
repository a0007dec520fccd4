// SPDX-License-Identifier: GPL-2.0-or-later
#include "vga/edid.h"

#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"

/* E-EDID A.2, section 3: offsets in the base block. */
enum edid_offset {
	EDID_HEADER = 0x00,
	EDID_MANUFACTURER = 0x08, /* three letters of five bits, big-endian */
	EDID_PRODUCT = 0x0a,
	EDID_SERIAL = 0x0c,
	EDID_WEEK = 0x10,
	EDID_YEAR = 0x11, /* since 1990 */
	EDID_VERSION = 0x12,
	EDID_REVISION = 0x13,
	EDID_INPUT = 0x14,
	EDID_WIDTH_CM = 0x15,
	EDID_HEIGHT_CM = 0x16,
	EDID_GAMMA = 0x17,
	EDID_FEATURES = 0x18,
	EDID_CHROMATICITY = 0x19,
	EDID_ESTABLISHED = 0x23,
	EDID_STANDARD = 0x26,
	EDID_DETAILED = 0x36,
	EDID_EXTENSIONS = 0x7e,
	EDID_CHECKSUM = 0x7f,
};

enum edid_values {
	EDID_STANDARD_COUNT = 8,
	EDID_DESCRIPTOR_BYTES = 18,
	EDID_INPUT_DIGITAL_8_BITS = 0xa0, /* interface not defined */
	EDID_GAMMA_2_2 = 120,
	EDID_FEATURES_SRGB_PREFERRED = 0x06, /* the first detailed timing is native */
	EDID_TAG_NAME = 0xfc,
	EDID_TAG_RANGE = 0xfd,
	EDID_TAG_DUMMY = 0x10,
	EDID_TIMING_DIGITAL = 0x1a, /* separate sync, vertical positive */
	EDID_DPI = 96,
};

/* A detailed timing of a digital display needs blanks that no beam has to bridge: CVT with reduced
 * blanking, 3.4. */
enum reduced_blanking {
	RB_H_BLANK = 160,
	RB_H_FRONT = 48,
	RB_H_SYNC = 32,
	RB_V_FRONT = 3,
	RB_V_SYNC = 6,
	RB_V_MIN_BLANK_US = 460,
};

static void put_manufacturer(uint8_t *to)
{
	const char *letters = "HVM";
	unsigned code = 0;

	for (unsigned i = 0; i < 3; i++)
		code = code << 5 | (unsigned)(letters[i] - '@');
	store_be16(to, (uint16_t)code);
}

/* Table 3.14: width / 8 - 31, then aspect ratio and rate - 60. */
static void put_standard_timings(uint8_t *to)
{
	enum {
		RATIO_16_10 = 0x00,
		RATIO_4_3 = 0x40,
		RATIO_5_4 = 0x80,
		RATIO_16_9 = 0xc0
	};
	static const struct {
		uint16_t width;
		uint8_t ratio;
	} timings[EDID_STANDARD_COUNT] = {
		{ 1280, RATIO_16_9 },  { 1280, RATIO_16_10 }, { 1280, RATIO_5_4 },
		{ 1440, RATIO_16_10 }, { 1600, RATIO_4_3 },   { 1680, RATIO_16_10 },
		{ 1920, RATIO_16_9 },  { 1920, RATIO_16_10 },
	};

	for (unsigned i = 0; i < EDID_STANDARD_COUNT; i++) {
		to[2 * i] = (uint8_t)(timings[i].width / 8 - 31);
		to[2 * i + 1] = timings[i].ratio;
	}
}

static unsigned millimetres(unsigned dots)
{
	return dots * 254 / (EDID_DPI * 10);
}

/* Lines of blanking so that it lasts at least 460 us at 60 Hz. */
static unsigned vertical_blank(unsigned height)
{
	unsigned field_us = 1000000 / 60;
	unsigned lines = RB_V_MIN_BLANK_US * height / (field_us - RB_V_MIN_BLANK_US) + 1;

	return (unsigned)max_u64(lines, RB_V_FRONT + RB_V_SYNC + 6);
}

/* Section 3.10.2. */
static void put_detailed_timing(uint8_t *to, unsigned width, unsigned height)
{
	unsigned blank = vertical_blank(height);
	unsigned clock_10khz = (width + RB_H_BLANK) * (height + blank) / 1000 * 60 / 10;
	unsigned width_mm = millimetres(width), height_mm = millimetres(height);

	store_le16(to, (uint16_t)min_u64(clock_10khz, 0xffff));
	to[2] = (uint8_t)width;
	to[3] = (uint8_t)RB_H_BLANK;
	to[4] = (uint8_t)(width >> 8 << 4 | RB_H_BLANK >> 8);
	to[5] = (uint8_t)height;
	to[6] = (uint8_t)blank;
	to[7] = (uint8_t)(height >> 8 << 4 | blank >> 8);
	to[8] = RB_H_FRONT;
	to[9] = RB_H_SYNC;
	to[10] = RB_V_FRONT << 4 | RB_V_SYNC;
	to[12] = (uint8_t)width_mm;
	to[13] = (uint8_t)height_mm;
	to[14] = (uint8_t)(width_mm >> 8 << 4 | height_mm >> 8);
	to[17] = EDID_TIMING_DIGITAL;
}

/* Section 3.10.3: text ends with a line feed and is padded with spaces. */
static void put_name(uint8_t *to, const char *name)
{
	size_t length = strnlen(name, 13);

	memset(to, 0, 5);
	to[3] = EDID_TAG_NAME;
	memset(to + 5, ' ', 13);
	memcpy(to + 5, name, length);
	if (length < 13)
		to[5 + length] = '\n';
}

/* 50 to 125 Hz, 30 to 160 kHz, 600 MHz; no secondary timing formula. */
static void put_range(uint8_t *to)
{
	static const uint8_t range[EDID_DESCRIPTOR_BYTES] = {
		0,   0,   0,   EDID_TAG_RANGE, 0, 50, 125, 30, 160, 60, 0x01, '\n', ' ', ' ', ' ',
		' ', ' ', ' ',
	};

	memcpy(to, range, sizeof(range));
}

void edid_build(const struct edid_config *config, uint8_t edid[EDID_BYTES])
{
	static const uint8_t header[8] = { 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00 };
	/* sRGB: the chromaticity of its primaries and white, section 3.7. */
	static const uint8_t srgb[10] = {
		0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54
	};
	/* 640x480, 800x600 and 1024x768 at 60 Hz, section 3.8. */
	static const uint8_t established[3] = { 0x21, 0x08, 0x00 };
	unsigned width = (unsigned)clamp_u64(config->width, 1, 4095);
	unsigned height = (unsigned)clamp_u64(config->height, 1, 4095);
	uint8_t sum = 0;

	memset(edid, 0, EDID_BYTES);
	memcpy(edid + EDID_HEADER, header, sizeof(header));
	put_manufacturer(edid + EDID_MANUFACTURER);
	store_le16(edid + EDID_PRODUCT, 0x1111);
	edid[EDID_YEAR] = 2026 - 1990;
	edid[EDID_VERSION] = 1;
	edid[EDID_REVISION] = 4;
	edid[EDID_INPUT] = EDID_INPUT_DIGITAL_8_BITS;
	edid[EDID_WIDTH_CM] = (uint8_t)(millimetres(width) / 10);
	edid[EDID_HEIGHT_CM] = (uint8_t)(millimetres(height) / 10);
	edid[EDID_GAMMA] = EDID_GAMMA_2_2;
	edid[EDID_FEATURES] = EDID_FEATURES_SRGB_PREFERRED;
	memcpy(edid + EDID_CHROMATICITY, srgb, sizeof(srgb));
	memcpy(edid + EDID_ESTABLISHED, established, sizeof(established));
	put_standard_timings(edid + EDID_STANDARD);
	put_detailed_timing(edid + EDID_DETAILED, width, height);
	put_range(edid + EDID_DETAILED + EDID_DESCRIPTOR_BYTES);
	put_name(edid + EDID_DETAILED + 2 * EDID_DESCRIPTOR_BYTES, config->name);
	edid[EDID_DETAILED + 3 * EDID_DESCRIPTOR_BYTES + 3] = EDID_TAG_DUMMY;
	for (unsigned i = 0; i < EDID_CHECKSUM; i++)
		sum = (uint8_t)(sum + edid[i]);
	edid[EDID_CHECKSUM] = (uint8_t)-sum;
}
