// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/opts.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

/** Copies up to the next single comma, undoubling the others; moves *text behind it. NULL when out
 * of memory. */
static char *take_word(const char **text)
{
	char *word = malloc(strlen(*text) + 1), *out = word;
	const char *in = *text;

	if (!word)
		return NULL;
	while (*in && !(in[0] == ',' && in[1] != ',')) {
		in += in[0] == ',';
		*out++ = *in++;
	}
	*out = '\0';
	*text = *in ? in + 1 : in;
	return word;
}

static int append_pair(struct opts *opts, const char *key, const char *value)
{
	struct opts_pair *pairs = realloc(opts->pairs, (opts->count + 1) * sizeof(*pairs));
	struct opts_pair *pair;

	if (!pairs)
		return -ENOMEM;
	opts->pairs = pairs;
	pair = &pairs[opts->count];
	*pair = (struct opts_pair){ .key = strdup(key), .value = strdup(value) };
	if (!pair->key || !pair->value) {
		free(pair->key);
		free(pair->value);
		return -ENOMEM;
	}
	opts->count++;
	return 0;
}

static int append_word(struct opts *opts, char *word, bool is_first, const char *implied_key)
{
	char *equals = strchr(word, '=');

	if (equals) {
		*equals = '\0';
		return append_pair(opts, word, equals + 1);
	}
	if (is_first && implied_key)
		return append_pair(opts, implied_key, word);
	if (strncmp(word, "no", 2) == 0 && word[2] && strcmp(word, "nodelay") != 0)
		return append_pair(opts, word + 2, "off");
	return append_pair(opts, word, "on");
}

int opts_parse(struct opts *opts, const char *text, const char *implied_key, struct err *err)
{
	const char *rest = text;
	int result = 0;

	*opts = (struct opts){ 0 };
	for (bool is_first = true; *rest && result == 0; is_first = false) {
		char *word = take_word(&rest);

		if (!word)
			result = -ENOMEM;
		else if (*word == '=')
			result = err_set(err, -EINVAL, "'%s' has a value without a name", text);
		else if (*word)
			result = append_word(opts, word, is_first, implied_key);
		free(word);
	}
	if (result == -ENOMEM)
		err_set_errno(err, result, "cannot parse '%s'", text);
	if (result < 0)
		opts_finish(opts);
	return result;
}

void opts_finish(struct opts *opts)
{
	for (size_t i = 0; i < opts->count; i++) {
		free(opts->pairs[i].key);
		free(opts->pairs[i].value);
	}
	free(opts->pairs);
	*opts = (struct opts){ 0 };
}

const char *opts_get(struct opts *opts, const char *key)
{
	const char *value = NULL;

	for (size_t i = 0; i < opts->count; i++) {
		if (strcmp(opts->pairs[i].key, key) == 0) {
			opts->pairs[i].used = true;
			value = opts->pairs[i].value;
		}
	}
	return value;
}

const char *opts_get_or(struct opts *opts, const char *key, const char *otherwise)
{
	const char *value = opts_get(opts, key);

	return value ? value : otherwise;
}

int opts_parse_bool(const char *text, bool *value)
{
	static const char *const words[] = { "off", "on", "no", "yes", "false", "true", "0", "1" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(text, words[i]) == 0) {
			*value = i % 2;
			return 0;
		}
	}
	return -EINVAL;
}

int opts_parse_number(const char *text, uint64_t *value)
{
	unsigned long long number;
	char *end;
	int base = text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? 16 : 10;

	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	number = strtoull(text, &end, base);
	if (errno || *end)
		return -EINVAL;
	*value = number;
	return 0;
}

int opts_parse_size(const char *text, uint64_t unit, uint64_t *bytes)
{
	static const char suffixes[] = "bkmgt";
	unsigned long long number;
	const char *suffix;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	number = strtoull(text, &end, text[0] == '0' && (text[1] | 32) == 'x' ? 16 : 10);
	if (errno)
		return -EINVAL;
	if (*end) {
		suffix = strchr(suffixes, tolower((unsigned char)*end));
		if (!suffix || end[1])
			return -EINVAL;
		unit = UINT64_C(1) << (10 * (suffix - suffixes));
	}
	if (__builtin_mul_overflow(number, unit, bytes))
		return -EINVAL;
	return 0;
}

int opts_get_bool(struct opts *opts, const char *key, bool *value, struct err *err)
{
	const char *text = opts_get(opts, key);

	if (text && opts_parse_bool(text, value) < 0)
		return err_set(err, -EINVAL, "'%s=%s': give on or off", key, text);
	return 0;
}

int opts_get_number(struct opts *opts, const char *key, uint64_t *value, uint64_t low,
		    uint64_t high, struct err *err)
{
	const char *text = opts_get(opts, key);
	uint64_t number;

	if (!text)
		return 0;
	if (opts_parse_number(text, &number) < 0 || number < low || number > high)
		return err_set(err, -EINVAL, "'%s=%s': give a number from %llu to %llu", key, text,
			       (unsigned long long)low, (unsigned long long)high);
	*value = number;
	return 0;
}

int opts_get_size(struct opts *opts, const char *key, uint64_t *bytes, uint64_t unit,
		  struct err *err)
{
	const char *text = opts_get(opts, key);

	if (text && opts_parse_size(text, unit, bytes) < 0)
		return err_set(err, -EINVAL, "'%s=%s': give a size such as 512M or 4G", key, text);
	return 0;
}

int opts_set(struct opts *opts, const char *key, const char *value)
{
	for (size_t i = 0; i < opts->count; i++) {
		if (strcmp(opts->pairs[i].key, key) == 0) {
			char *copy = strdup(value);

			if (!copy)
				return -ENOMEM;
			free(opts->pairs[i].value);
			opts->pairs[i].value = copy;
			return 0;
		}
	}
	return append_pair(opts, key, value);
}

int opts_check_unused(const struct opts *opts, const char *const *known, struct err *err)
{
	for (size_t i = 0; i < opts->count; i++) {
		const char *key = opts->pairs[i].key;
		const char *nearest = known ? err_nearest_word(key, known) : NULL;

		if (opts->pairs[i].used)
			continue;
		if (nearest)
			return err_set(err, -EINVAL, "unknown property '%s', did you mean '%s'?",
				       key, nearest);
		return err_set(err, -EINVAL, "unknown property '%s'", key);
	}
	return 0;
}
