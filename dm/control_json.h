// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * JSON as the control protocol writes it: one line, a blank behind each colon and comma, so that
 * scripts which look for '"running": true' find it. Building objects in one expression.
 */
#pragma once

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

struct json_text {
	char *bytes; /* ended by NUL */
	size_t length, capacity;
	bool failed; /* out of memory: the text is not complete */
};

/** Appends 'value' (NULL is null) to 'text', which starts as zeros and ends by json_text_finish. */
void json_text_append_value(struct json_text *text, struct json_object *value);
void json_text_append(struct json_text *text, const char *bytes, size_t count);
void json_text_printf(struct json_text *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void json_text_finish(struct json_text *text);

/*
 * Adds a member and returns the object, so that calls nest: json_add_bool(json_object_new_object(),
 * "running", true). 'value' is taken over.
 */
struct json_object *json_add(struct json_object *object, const char *key,
			     struct json_object *value);
struct json_object *json_add_string(struct json_object *object, const char *key, const char *value);
struct json_object *json_add_bool(struct json_object *object, const char *key, bool value);
struct json_object *json_add_int(struct json_object *object, const char *key, int64_t value);
