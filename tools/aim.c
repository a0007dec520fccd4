// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/aim.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/utf8.h"

/* --- Text --- */

static unsigned count_characters(const char *text, size_t bytes)
{
	const char *end = text + bytes;
	unsigned count = 0;

	while (text < end && utf8_next(&text) != 0)
		count++;
	return count;
}

unsigned aim_find_text(struct json_object *screen, const char *text,
		       struct aim_place places[AIM_PLACES_MAX])
{
	struct json_object *lines = NULL;
	size_t length = strlen(text);
	unsigned count = 0;

	json_object_object_get_ex(screen, "lines", &lines);
	for (size_t y = 0; length && lines && y < json_object_array_length(lines); y++) {
		const char *line = json_object_get_string(json_object_array_get_idx(lines, y));
		const char *at = line;

		for (; (at = strstr(at, text)) != NULL; at += length) {
			if (count < AIM_PLACES_MAX)
				places[count] = (struct aim_place){
					.line = (unsigned)y,
					.column = count_characters(line, (size_t)(at - line)),
					.columns = count_characters(text, length),
				};
			count++;
		}
	}
	return count;
}

/* --- Pictures --- */

/** The next number of a header, 0 if there is none. */
static unsigned read_number(const uint8_t *bytes, size_t count, size_t *at)
{
	unsigned number = 0;

	while (*at < count && isspace(bytes[*at]))
		++*at;
	for (; *at < count && isdigit(bytes[*at]) && number <= AIM_MAX_SIDE; ++*at)
		number = number * 10 + (unsigned)(bytes[*at] - '0');
	return number;
}

int aim_read_ppm(struct aim_picture *picture, const uint8_t *bytes, size_t count, struct err *err)
{
	size_t at = 2, size;
	unsigned levels;

	*picture = (struct aim_picture){ 0 };
	if (count < at || memcmp(bytes, "P6", at) != 0)
		return err_set(err, -EINVAL, "the device model's picture cannot be read");
	picture->width = read_number(bytes, count, &at);
	picture->height = read_number(bytes, count, &at);
	levels = read_number(bytes, count, &at);
	size = (size_t)picture->width * picture->height * 3;
	if (!size || picture->width > AIM_MAX_SIDE || picture->height > AIM_MAX_SIDE ||
	    levels != 255 || count - at != size + 1)
		return err_set(err, -EINVAL, "the device model's picture cannot be read");
	picture->dots = malloc(size);
	if (!picture->dots)
		return err_set_errno(err, -ENOMEM, "cannot keep a picture");
	memcpy(picture->dots, bytes + at + 1, size);
	return 0;
}

void aim_picture_finish(struct aim_picture *picture)
{
	free(picture->dots);
	picture->dots = NULL;
}

static bool is_in(const struct aim_box *box, unsigned x, unsigned y)
{
	return x >= box->x && x - box->x < box->width && y >= box->y && y - box->y < box->height;
}

bool aim_find_change(const struct aim_picture *a, const struct aim_picture *b,
		     const struct aim_picture *c, const struct aim_box *but, struct aim_box *box)
{
	unsigned left = a->width, top = a->height, right = 0, bottom = 0;

	if (a->width != b->width || a->height != b->height || a->width != c->width ||
	    a->height != c->height)
		return false;
	for (unsigned y = 0; y < a->height; y++) {
		for (unsigned x = 0; x < a->width; x++) {
			size_t at = ((size_t)y * a->width + x) * 3;

			if (memcmp(a->dots + at, b->dots + at, 3) == 0 ||
			    memcmp(a->dots + at, c->dots + at, 3) != 0 || is_in(but, x, y))
				continue;
			left = x < left ? x : left;
			top = y < top ? y : top;
			right = x > right ? x : right;
			bottom = y > bottom ? y : bottom;
		}
	}
	if (left > right)
		return false;
	*box = (struct aim_box){ left, top, right - left + 1, bottom - top + 1 };
	return true;
}
