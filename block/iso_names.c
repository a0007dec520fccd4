// SPDX-License-Identifier: GPL-2.0-or-later
/* Names of files: those that people use, and the identifiers that ISO 9660 and Joliet record. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/utf8.h"
#include "block/iso_tree.h"

enum {
	MAX_ATTEMPTS = 20000, /* more than a directory of the host can have entries */
	FIRST_BEYOND_BMP = 0x10000,
	HIGH_SURROGATE = 0xd800,
	LOW_SURROGATE = 0xdc00,
	LAST_SURROGATE = 0xdfff,
	SURROGATE_BITS = 10,
	EXTENSION_MAX = 12, /* of names that we make */
};

void iso_put_both16(uint8_t *out, uint16_t value)
{
	store_le16(out, value);
	store_be16(out + 2, value);
}

void iso_put_both32(uint8_t *out, uint32_t value)
{
	store_le32(out, value);
	store_be32(out + 4, value);
}

void iso_put_time(uint8_t *out, time_t seconds)
{
	struct tm time = { 0 };

	/* The years that fit in a byte. */
	if (!gmtime_r(&seconds, &time) || time.tm_year < 0 || time.tm_year > UINT8_MAX)
		time = (struct tm){ .tm_year = 70, .tm_mday = 1 };
	out[0] = (uint8_t)time.tm_year;
	out[1] = (uint8_t)(time.tm_mon + 1);
	out[2] = (uint8_t)time.tm_mday;
	out[3] = (uint8_t)time.tm_hour;
	out[4] = (uint8_t)time.tm_min;
	out[5] = (uint8_t)(time.tm_sec > 59 ? 59 : time.tm_sec);
	out[6] = 0;
}

bool iso_names_match(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
			return false;
	return *a == *b;
}

/* Found ones */

uint32_t iso_next_utf16(const uint8_t *id, size_t bytes, size_t *at)
{
	uint32_t unit = load_be16(id + *at), low;

	*at += 2;
	if (unit < HIGH_SURROGATE || unit >= LOW_SURROGATE || *at + 2 > bytes)
		return unit;
	low = load_be16(id + *at);
	if (low < LOW_SURROGATE || low > LAST_SURROGATE)
		return unit;
	*at += 2;
	return FIRST_BEYOND_BMP + ((unit - HIGH_SURROGATE) << SURROGATE_BITS) +
	       (low - LOW_SURROGATE);
}

/** Takes the version (";1") and the dot of an empty extension away. */
static void trim_version(char *text)
{
	size_t length = strlen(text), digits = length;

	while (digits > 0 && isdigit((unsigned char)text[digits - 1]))
		digits--;
	if (digits > 0 && digits < length && text[digits - 1] == ';')
		text[digits - 1] = '\0';
	length = strlen(text);
	if (length > 1 && text[length - 1] == '.')
		text[length - 1] = '\0';
}

int iso_set_found_name(struct iso_tree *tree, struct iso_node *node, const uint8_t *record,
		       const char *name)
{
	const uint8_t *id = record + ISO_DR_ID;
	size_t bytes = record[ISO_DR_ID_LENGTH], length = 0;
	char text[256 * UTF8_MAX_BYTES];

	node->id_bytes = (uint8_t)min_size(bytes, ISO_MAX_ID_BYTES);
	memcpy(node->id, id, node->id_bytes);
	if (tree->kind == ISO_JOLIET) {
		for (size_t at = 0; at + 2 <= bytes;)
			length += utf8_put(iso_next_utf16(id, bytes, &at), text + length);
	} else {
		memcpy(text, id, bytes);
		length = bytes;
	}
	text[length] = '\0';
	if (!node->is_directory)
		trim_version(text);
	node->name = pool_copy(&tree->pool, name ? name : text, strlen(name ? name : text));
	return node->name ? 0 : -ENOMEM;
}

/* New ones */

static bool is_id_character(uint32_t character)
{
	return character > ' ' && character < 0x7f && !strchr("*/:;?\\.\"", (int)character);
}

/** As much of 'name' as fits: capitals, digits, and what else is safe in ASCII. */
static size_t map_part(char *out, size_t room, const char *name, const char *end)
{
	size_t length = 0;

	while (name < end && length < room) {
		uint32_t character = utf8_next(&name);

		out[length++] = is_id_character(character) ? (char)toupper((int)character) : '_';
	}
	return length;
}

/** NAME.EXT;1, or a directory's NAME; 'number', if any, ends the name. */
static void make_primary(struct iso_node *node, unsigned number)
{
	const char *name = node->name, *dot = strrchr(name, '.'), *end = name + strlen(name);
	char base[ISO_PRIMARY_ID_BYTES + 1], extension[EXTENSION_MAX + 1], tail[12] = "";
	size_t base_length, extension_length = 0, room = ISO_PRIMARY_ID_BYTES;

	if (node->is_directory || dot == name)
		dot = NULL;
	if (number)
		snprintf(tail, sizeof(tail), "_%u", number);
	if (dot)
		extension_length = map_part(extension, EXTENSION_MAX, dot + 1, end);
	/* Directories have no dot; files have one even without extension. */
	if (!node->is_directory)
		room -= 1 + extension_length;
	base_length = map_part(base, room - strlen(tail), name, dot ? dot : end);
	node->id_bytes =
		(uint8_t)snprintf((char *)node->id, sizeof(node->id), "%.*s%s%s%.*s%s",
				  (int)base_length, base, tail, node->is_directory ? "" : ".",
				  (int)extension_length, extension, node->is_directory ? "" : ";1");
}

size_t iso_put_utf16(uint8_t *out, uint32_t character)
{
	if (character < FIRST_BEYOND_BMP) {
		store_be16(out, (uint16_t)character);
		return 1;
	}
	character -= FIRST_BEYOND_BMP;
	store_be16(out, (uint16_t)(HIGH_SURROGATE + (character >> SURROGATE_BITS)));
	store_be16(out + 2, (uint16_t)(LOW_SURROGATE + (character & (BIT(SURROGATE_BITS) - 1))));
	return 2;
}

/** Units written; those that Joliet forbids become '_'. */
static size_t map_joliet(uint8_t *out, size_t room, const char *name, const char *end)
{
	size_t units = 0;

	while (name < end && units < room) {
		uint32_t character = utf8_next(&name);

		if (character < ' ' || character == UTF8_REPLACEMENT ||
		    (character < 0x7f && strchr("*/:;?\\", (int)character)))
			character = '_';
		if (character >= FIRST_BEYOND_BMP && units + 2 > room)
			break;
		units += iso_put_utf16(out + 2 * units, character);
	}
	return units;
}

static size_t put_ascii(uint8_t *out, const char *text)
{
	size_t units = 0;

	for (; *text; text++)
		store_be16(out + 2 * units++, (uint8_t)*text);
	return units;
}

static void make_joliet(struct iso_node *node, unsigned number)
{
	const char *name = node->name, *end = name + strlen(name), *dot = strrchr(name, '.');
	uint8_t extension[2 * EXTENSION_MAX];
	size_t units, extension_units = 0;
	char tail[12] = "";

	if (number)
		snprintf(tail, sizeof(tail), "_%u", number);
	if (node->is_directory || dot == name || (dot && end - dot > EXTENSION_MAX))
		dot = NULL;
	if (dot)
		extension_units = map_joliet(extension, EXTENSION_MAX, dot, end);
	units = map_joliet(node->id, ISO_JOLIET_ID_UNITS - extension_units - strlen(tail), name,
			   dot ? dot : end);
	units += put_ascii(node->id + 2 * units, tail);
	memcpy(node->id + 2 * units, extension, 2 * extension_units);
	units += extension_units;
	if (!node->is_directory)
		units += put_ascii(node->id + 2 * units, ";1");
	node->id_bytes = (uint8_t)(2 * units);
}

static bool has_id(const struct iso_node *directory, const struct iso_node *node)
{
	for (const struct iso_node *other = directory->first; other; other = other->next)
		if (other->id_bytes == node->id_bytes &&
		    memcmp(other->id, node->id, node->id_bytes) == 0)
			return true;
	return false;
}

int iso_make_id(const struct iso_tree *tree, const struct iso_node *directory,
		struct iso_node *node)
{
	for (unsigned number = 0; number < MAX_ATTEMPTS; number++) {
		if (tree->kind == ISO_JOLIET)
			make_joliet(node, number);
		else
			make_primary(node, number);
		if (!has_id(directory, node))
			return 0;
	}
	return -EEXIST;
}

/* Order: by name, by extension, each as if padded with spaces. */

struct id_parts {
	const uint8_t *name, *extension;
	size_t name_units, extension_units;
};

static uint32_t id_unit(const struct iso_tree *tree, const uint8_t *units, size_t index)
{
	return tree->kind == ISO_JOLIET ? load_be16(units + 2 * index) : units[index];
}

static struct id_parts split_id(const struct iso_tree *tree, const struct iso_node *node)
{
	size_t width = tree->kind == ISO_JOLIET ? 2 : 1, units = node->id_bytes / width, dot;
	struct id_parts parts = { .name = node->id };

	for (size_t i = 0; i < units; i++)
		if (id_unit(tree, node->id, i) == ';')
			units = i;
	for (dot = units; dot > 0 && id_unit(tree, node->id, dot - 1) != '.'; dot--)
		;
	parts.name_units = dot ? dot - 1 : units;
	parts.extension = node->id + width * (dot ? dot : units);
	parts.extension_units = dot ? units - dot : 0;
	return parts;
}

static int compare_padded(const struct iso_tree *tree, const uint8_t *a, size_t a_units,
			  const uint8_t *b, size_t b_units)
{
	for (size_t i = 0; i < a_units || i < b_units; i++) {
		uint32_t left = i < a_units ? id_unit(tree, a, i) : ' ';
		uint32_t right = i < b_units ? id_unit(tree, b, i) : ' ';

		if (left != right)
			return left < right ? -1 : 1;
	}
	return 0;
}

int iso_compare_ids(const struct iso_tree *tree, const struct iso_node *a, const struct iso_node *b)
{
	struct id_parts left = split_id(tree, a), right = split_id(tree, b);
	int order = compare_padded(tree, left.name, left.name_units, right.name, right.name_units);

	return order ? order
		     : compare_padded(tree, left.extension, left.extension_units, right.extension,
				      right.extension_units);
}

void iso_put_ucs2(uint8_t *out, size_t units, const char *text)
{
	size_t used = map_joliet(out, units, text, text + strlen(text));

	for (; used < units; used++)
		store_be16(out + 2 * used, ' ');
}
