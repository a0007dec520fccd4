// SPDX-License-Identifier: GPL-2.0-or-later
#include "vga/fonts.h"

#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "vga/characters.h"
#include "vga/glyphs.h"

/* --- A VGA BIOS --- */

enum {
	CODE_FULL_BLOCK = 0xdb,
	CODE_LEFT_BLOCK = 0xdd,
	CODE_RIGHT_BLOCK = 0xde,
	CODE_HARD_BLANK = 0xff,
};

static bool is_filled(const uint8_t *rows, unsigned height, uint8_t dots)
{
	for (unsigned i = 0; i < height; i++)
		if (rows[i] != dots)
			return false;
	return true;
}

static bool is_font(const uint8_t *at, unsigned height)
{
	return is_filled(at + CODE_FULL_BLOCK * height, height, 0xff) &&
	       is_filled(at + CODE_LEFT_BLOCK * height, height, 0xf0) &&
	       is_filled(at + CODE_RIGHT_BLOCK * height, height, 0x0f) &&
	       is_filled(at + CODE_HARD_BLANK * height, height, 0) && is_filled(at, height, 0) &&
	       is_filled(at + ' ' * height, height, 0) && !is_filled(at + 'A' * height, height, 0);
}

const uint8_t *font_find_in_rom(const uint8_t *rom, size_t bytes, unsigned height)
{
	size_t font_bytes = (size_t)FONT_CODES * height;

	for (size_t i = 0; rom && i + font_bytes <= bytes; i++)
		if (is_font(rom + i, height))
			return rom + i;
	return NULL;
}

static void add_codes(struct glyph_set *set, const uint8_t *font, unsigned height, unsigned first,
		      unsigned end)
{
	for (unsigned code = first; code < end; code++)
		glyph_set_add(set, font + (size_t)code * height, height,
			      vga_character((uint8_t)code));
}

void font_add_rom(struct glyph_set *set, const uint8_t *rom, size_t bytes)
{
	static const uint8_t heights[] = { 16, 14, 8 };

	for (size_t i = 0; i < ARRAY_SIZE(heights); i++) {
		const uint8_t *font = font_find_in_rom(rom, bytes, heights[i]);

		if (!font)
			continue;
		add_codes(set, font, heights[i], ' ', 0x7f); /* before others that look alike */
		add_codes(set, font, heights[i], 0, FONT_CODES);
	}
}

/* --- PFF2: sections of a name, a length and content, all big-endian ---
 * (GNU GRUB manual for developers, "PFF2 font file format").
 */

enum {
	SECTION_HEADER_BYTES = 8,
	INDEX_ENTRY_BYTES = 9, /* character, flags, where it is in the file */
	GLYPH_HEADER_BYTES = 10,
	LAST_CHARACTER = 0x25ff,
};

struct pff2 {
	const uint8_t *file, *index;
	size_t bytes, index_entries;
	unsigned ascent, descent;
};

static unsigned read_number(const uint8_t *content, size_t length)
{
	return length == 2 ? load_be16(content) : 0;
}

static void read_section(struct pff2 *font, const uint8_t *name, const uint8_t *content,
			 size_t length)
{
	if (memcmp(name, "CHIX", 4) == 0) {
		font->index = content;
		font->index_entries = length / INDEX_ENTRY_BYTES;
	} else if (memcmp(name, "ASCE", 4) == 0) {
		font->ascent = read_number(content, length);
	} else if (memcmp(name, "DESC", 4) == 0) {
		font->descent = read_number(content, length);
	}
}

static bool read_sections(struct pff2 *font)
{
	size_t at = 0;

	if (font->bytes < 12 || memcmp(font->file, "FILE\0\0\0\4PFF2", 12) != 0)
		return false;
	while (font->bytes - at >= SECTION_HEADER_BYTES) {
		const uint8_t *section = font->file + at;
		uint32_t length = load_be32(section + 4);

		at += SECTION_HEADER_BYTES;
		if (memcmp(section, "DATA", 4) == 0 || length > font->bytes - at)
			break;
		read_section(font, section, section + SECTION_HEADER_BYTES, length);
		at += length;
	}
	return font->index && font->ascent <= GLYPH_MAX_HEIGHT &&
	       font->descent <= GLYPH_MAX_HEIGHT - font->ascent;
}

static int read_offset(const uint8_t *bytes)
{
	return (int16_t)load_be16(bytes);
}

/** The bitmap is cut to its dots, without padding from row to row; its place in the cell is given
 * from the base line. */
static void add_glyph(struct glyph_set *set, const struct pff2 *font, uint32_t character,
		      uint32_t offset)
{
	const uint8_t *glyph = font->file + offset;
	uint8_t rows[GLYPH_MAX_HEIGHT] = { 0 };
	unsigned width, height;
	int left, top;

	if (offset > font->bytes || font->bytes - offset < GLYPH_HEADER_BYTES)
		return;
	width = load_be16(glyph);
	height = load_be16(glyph + 2);
	left = read_offset(glyph + 4);
	top = (int)font->ascent - read_offset(glyph + 6) - (int)height;
	if (width > GLYPH_WIDTH || height > GLYPH_MAX_HEIGHT || left < 0 || top < 0 ||
	    left + (int)width > GLYPH_WIDTH ||
	    top + (int)height > (int)(font->ascent + font->descent) ||
	    load_be16(glyph + 8) != GLYPH_WIDTH ||
	    font->bytes - offset - GLYPH_HEADER_BYTES < (width * height + 7) / 8)
		return;
	for (unsigned i = 0; i < width * height; i++)
		if (glyph[GLYPH_HEADER_BYTES + i / 8] & 0x80 >> i % 8)
			rows[(unsigned)top + i / width] |=
				(uint8_t)(0x80 >> ((unsigned)left + i % width));
	glyph_set_add(set, rows, font->ascent + font->descent, character);
}

static void add_range(struct glyph_set *set, const struct pff2 *font, uint32_t first, uint32_t last)
{
	for (size_t i = 0; i < font->index_entries; i++) {
		const uint8_t *entry = font->index + i * INDEX_ENTRY_BYTES;
		uint32_t character = load_be32(entry);

		if (character > last)
			break;                           /* they are sorted */
		if (character >= first && entry[4] == 0) /* not compressed */
			add_glyph(set, font, character, load_be32(entry + 5));
	}
}

void font_add_pff2(struct glyph_set *set, const uint8_t *file, size_t bytes)
{
	/* Many characters look alike; what stands on screens more often comes first. */
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{ 0x20, 0x7e },     /* ASCII */
		{ 0x2500, 0x25ff }, /* lines, blocks, shapes */
		{ 0xa0, 0x17f },    /* Latin */
		{ 0x370, 0x4ff },   /* Greek, Cyrillic */
		{ 0, LAST_CHARACTER },
	};
	struct pff2 font = { .file = file, .bytes = bytes };

	if (!file || !read_sections(&font))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		add_range(set, &font, ranges[i].first, ranges[i].last);
}
