// SPDX-License-Identifier: GPL-2.0-or-later
#include "dm/control_json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	TEXT_MIN_CAPACITY = 256,
};

/** Makes room for 'count' bytes and the NUL behind them. */
static bool text_reserve(struct json_text *text, size_t count)
{
	size_t capacity = text->capacity ? text->capacity : TEXT_MIN_CAPACITY;
	char *bytes;

	while (capacity - text->length <= count)
		capacity *= 2;
	if (capacity == text->capacity)
		return true;
	bytes = realloc(text->bytes, capacity);
	if (!bytes) {
		text->failed = true;
		return false;
	}
	text->bytes = bytes;
	text->capacity = capacity;
	return true;
}

void json_text_append(struct json_text *text, const char *bytes, size_t count)
{
	if (!text_reserve(text, count))
		return;
	memcpy(text->bytes + text->length, bytes, count);
	text->length += count;
	text->bytes[text->length] = '\0';
}

void json_text_printf(struct json_text *text, const char *format, ...)
{
	va_list list;
	int length;

	va_start(list, format);
	length = vsnprintf(NULL, 0, format, list);
	va_end(list);
	if (length < 0 || !text_reserve(text, (size_t)length))
		return;
	va_start(list, format);
	vsnprintf(text->bytes + text->length, (size_t)length + 1, format, list);
	va_end(list);
	text->length += (size_t)length;
}

void json_text_finish(struct json_text *text)
{
	free(text->bytes);
	*text = (struct json_text){ 0 };
}

static void append_string(struct json_text *text, const char *string)
{
	json_text_append(text, string, strlen(string));
}

static void append_members(struct json_text *text, struct json_object *object)
{
	struct json_object_iterator member = json_object_iter_begin(object);
	struct json_object_iterator end = json_object_iter_end(object);
	const char *separator = "";

	append_string(text, "{");
	while (!json_object_iter_equal(&member, &end)) {
		struct json_object *key =
			json_object_new_string(json_object_iter_peek_name(&member));

		append_string(text, separator);
		json_text_append_value(text, key);
		json_object_put(key);
		append_string(text, ": ");
		json_text_append_value(text, json_object_iter_peek_value(&member));
		separator = ", ";
		json_object_iter_next(&member);
	}
	append_string(text, "}");
}

void json_text_append_value(struct json_text *text, struct json_object *value)
{
	size_t count;

	switch (json_object_get_type(value)) {
	case json_type_object:
		append_members(text, value);
		break;
	case json_type_array:
		count = json_object_array_length(value);
		append_string(text, "[");
		for (size_t i = 0; i < count; i++) {
			append_string(text, i ? ", " : "");
			json_text_append_value(text, json_object_array_get_idx(value, i));
		}
		append_string(text, "]");
		break;
	default:
		append_string(text, json_object_to_json_string_ext(
					    value, JSON_C_TO_STRING_PLAIN |
							   JSON_C_TO_STRING_NOSLASHESCAPE));
		break;
	}
}

struct json_object *json_add(struct json_object *object, const char *key, struct json_object *value)
{
	json_object_object_add(object, key, value);
	return object;
}

struct json_object *json_add_string(struct json_object *object, const char *key, const char *value)
{
	return json_add(object, key, json_object_new_string(value));
}

struct json_object *json_add_bool(struct json_object *object, const char *key, bool value)
{
	return json_add(object, key, json_object_new_boolean(value));
}

struct json_object *json_add_int(struct json_object *object, const char *key, int64_t value)
{
	return json_add(object, key, json_object_new_int64(value));
}
