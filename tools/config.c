// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/config.h"

#include <ctype.h>
#include <errno.h>
#include <libxlutil.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

struct config {
	XLU_Config *xlu;
	char *text;
	struct words keys;
	/* What the parser says about a file or value goes here, not to the terminal. */
	FILE *report;
	char *report_text;
	size_t report_size;
};

/* Reading the text */

static char *read_all(FILE *file, const char *path, size_t *length, struct err *err)
{
	char *text = malloc(CONFIG_MAX_BYTES + 1);

	if (!text) {
		err_set_errno(err, -ENOMEM, "cannot read '%s'", path);
		return NULL;
	}
	*length = fread(text, 1, CONFIG_MAX_BYTES + 1, file);
	if (ferror(file))
		err_set_errno(err, -errno, "cannot read '%s'", path);
	else if (*length > CONFIG_MAX_BYTES)
		err_set(err, -EFBIG, "'%s' is too large to be a configuration file", path);
	else if (memchr(text, '\0', *length))
		err_set(err, -EINVAL, "'%s' is not a text file", path);
	else {
		text[*length] = '\0';
		return text;
	}
	free(text);
	return NULL;
}

/** How sentences call a file. */
static const char *call_file(const char *path)
{
	return strcmp(path, "-") == 0 ? "standard input" : path;
}

static char *read_file(const char *path, size_t *length, struct err *err)
{
	FILE *file;
	char *text;

	if (strcmp(path, "-") == 0)
		return read_all(stdin, call_file(path), length, err);
	file = fopen(path, "re");
	if (!file) {
		err_set_errno(err, -errno, "cannot read '%s'", path);
		return NULL;
	}
	text = read_all(file, path, length, err);
	fclose(file);
	return text;
}

static bool is_identifier(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)text[i]) && text[i] != '_')
			return false;
	return length > 0 && !isdigit((unsigned char)text[0]);
}

/** A value that the parser takes as it stands: quoted, a list, or a number. */
static bool is_literal(const char *value)
{
	size_t digits = strspn(value, "0123456789");

	return *value == '\'' || *value == '"' || *value == '[' ||
	       (digits > 0 && value[digits] == '\0');
}

static int append_assignment(FILE *out, const char *word, struct err *err)
{
	const char *equals = strchr(word, '=');
	size_t length = equals ? (size_t)(equals - word) : 0;

	while (length > 0 && word[length - 1] == ' ')
		length--;
	if (!equals || !is_identifier(word, length))
		return err_set(err, -EINVAL, "'%s' is not an assignment: write KEY=VALUE", word);
	for (equals++; *equals == ' '; equals++)
		;
	if (is_literal(equals)) {
		fprintf(out, "%.*s=%s\n", (int)length, word, equals);
		return 0;
	}
	if (strchr(equals, '\n'))
		return err_set(err, -EINVAL, "'%s' has more than one line", word);
	fprintf(out, "%.*s=\"", (int)length, word);
	for (; *equals; equals++)
		fprintf(out, "%s%c", *equals == '"' || *equals == '\\' ? "\\" : "", *equals);
	fputs("\"\n", out);
	return 0;
}

static char *compose_text(const char *path, const struct words *extra, struct err *err)
{
	size_t length = 0, size = 0;
	char *file_text = read_file(path, &length, err), *text = NULL;
	FILE *out;
	int result = 0;

	if (!file_text)
		return NULL;
	out = open_memstream(&text, &size);
	if (!out) {
		err_set_errno(err, -ENOMEM, "cannot read '%s'", path);
		free(file_text);
		return NULL;
	}
	fprintf(out, "%s%s", file_text, length > 0 && file_text[length - 1] != '\n' ? "\n" : "");
	for (size_t i = 0; extra && i < extra->count && result == 0; i++)
		result = append_assignment(out, extra->items[i], err);
	fclose(out);
	free(file_text);
	if (result == 0)
		return text;
	free(text);
	return NULL;
}

/* The keys. libxlutil answers for a key it is asked for, but does not say which there are. The text
 * has passed its grammar when this looks at it: KEY = VALUE, and KEY += VALUE, where a value is a
 * number, a quoted string without escapes across lines, or a list of values in brackets. */

/** Behind the string that starts at 'c' with its quote. */
static const char *skip_string(const char *c)
{
	char quote = *c++;

	while (*c && *c != quote)
		c += *c == '\\' && c[1] ? 2 : 1;
	return *c ? c + 1 : c;
}

static void add_key(struct words *keys, const char *start, size_t length)
{
	for (size_t i = 0; i < keys->count; i++)
		if (strlen(keys->items[i]) == length && strncmp(keys->items[i], start, length) == 0)
			return;
	words_add(keys, "%.*s", (int)length, start);
}

static void find_keys(const char *c, struct words *keys)
{
	const char *word = NULL;
	size_t length = 0, depth = 0;

	while (*c) {
		if (*c == '#') {
			c += strcspn(c, "\n");
		} else if (*c == '\'' || *c == '"') {
			c = skip_string(c);
		} else if (isalpha((unsigned char)*c) || *c == '_') {
			word = c;
			while (isalnum((unsigned char)*c) || *c == '_')
				c++;
			length = (size_t)(c - word);
		} else {
			if (*c == '[')
				depth++;
			else if (*c == ']' && depth > 0)
				depth--;
			else if (*c == '=' && depth == 0 && word)
				add_key(keys, word, length);
			c++;
		}
	}
}

/* The parser's words as one sentence: its first line, without the numbers of tokens. */

static void take_report(struct config *config, struct err *err, const char *otherwise)
{
	char *line;

	fflush(config->report);
	line = config->report_text;
	if (!line || !*line) {
		err_set(err, -EINVAL, "%s", otherwise);
		return;
	}
	line[strcspn(line, "\n")] = '\0';
	for (char *c = line; *c; c++)
		if (!isprint((unsigned char)*c))
			*c = '?';
	err_set(err, -EINVAL, "%s", line);
}

static bool open_report(struct config *config, const char *path)
{
	config->report = open_memstream(&config->report_text, &config->report_size);
	if (config->report)
		config->xlu = xlu_cfg_init(config->report, call_file(path));
	return config->xlu != NULL;
}

struct config *config_read(const char *path, const struct words *extra, struct err *err)
{
	struct config *config = calloc(1, sizeof(*config));

	if (!config || !open_report(config, path)) {
		err_set_errno(err, -ENOMEM, "cannot read '%s'", path);
		config_free(config);
		return NULL;
	}
	config->text = compose_text(path, extra, err);
	if (!config->text) {
		config_free(config);
		return NULL;
	}
	if (xlu_cfg_readdata(config->xlu, config->text, (int)strlen(config->text)) != 0) {
		take_report(config, err, "the file is malformed");
		config_free(config);
		return NULL;
	}
	find_keys(config->text, &config->keys);
	return config;
}

void config_free(struct config *config)
{
	if (!config)
		return;
	if (config->xlu)
		xlu_cfg_destroy(config->xlu);
	if (config->report)
		fclose(config->report);
	free(config->report_text);
	free(config->text);
	words_finish(&config->keys);
	free(config);
}

const char *config_text(const struct config *config)
{
	return config->text;
}

const struct words *config_keys(const struct config *config)
{
	return &config->keys;
}

bool config_has(const struct config *config, const char *key)
{
	const char *value;
	int result = xlu_cfg_get_string(config->xlu, key, &value, 1);

	return result != ESRCH;
}

int config_get_string(const struct config *config, const char *key, const char **value,
		      struct err *err)
{
	const char *text;
	int result = xlu_cfg_get_string(config->xlu, key, &text, 1);

	if (result == ESRCH)
		return 0;
	if (result != 0)
		return err_set(err, -EINVAL, "%s: a single value is wanted, not a list", key);
	*value = text;
	return 1;
}

int config_get_number(const struct config *config, const char *key, long low, long high,
		      long *value, struct err *err)
{
	const char *text = NULL;
	char *end = NULL;
	long number;
	int result = config_get_string(config, key, &text, err);

	if (result != 1)
		return result;
	errno = 0;
	number = strtol(text, &end, 0);
	if (errno != 0 || end == text || *end != '\0' || number < low || number > high)
		return err_set(err, -EINVAL, "%s = '%s': a number from %ld to %ld is wanted", key,
			       text, low, high);
	*value = number;
	return 1;
}

int config_get_bool(const struct config *config, const char *key, bool *value, struct err *err)
{
	static const char *const yes[] = { "1", "yes", "true", "on", "True", "y" };
	static const char *const no[] = { "0", "no", "false", "off", "False", "n", "" };
	const char *text = NULL;
	int result = config_get_string(config, key, &text, err);

	if (result != 1)
		return result;
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		if (strcmp(text, yes[i]) == 0) {
			*value = true;
			return 1;
		}
	}
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		if (strcmp(text, no[i]) == 0) {
			*value = false;
			return 1;
		}
	}
	return err_set(err, -EINVAL, "%s = '%s': 0 or 1 is wanted", key, text);
}

int config_get_words(const struct config *config, const char *key, struct words *words,
		     struct err *err)
{
	XLU_ConfigList *list = NULL;
	const char *text = NULL;
	int entries = 0, result = xlu_cfg_get_list(config->xlu, key, &list, &entries, 1);

	if (result == ESRCH)
		return 0;
	if (result != 0) {
		result = config_get_string(config, key, &text, err);
		if (result == 1)
			words_add(words, "%s", text);
		return result;
	}
	for (int i = 0; i < entries; i++) {
		text = xlu_cfg_get_listitem(list, i);
		if (!text)
			return err_set(err, -EINVAL, "%s: a list of strings is wanted", key);
		words_add(words, "%s", text);
	}
	return 1;
}
