// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/recipe.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/err.h"

#define RECIPE_SUFFIX ".recipe"

/* --- What a line may say --- */

static const struct {
	const char *name;
	unsigned least, most; /* words behind it */
	const char *usage;
} steps[] = {
	{ "expect", 1, 1, "REGEX" },
	{ "expect-serial", 1, 1, "REGEX" },
	{ "wait", 1, 1, "shutdown|reboot|idle|still" },
	{ "type", 1, 1, "TEXT" },
	{ "type-serial", 1, 1, "TEXT" },
	{ "key", 1, 64, "KEYS..." },
	{ "cd", 2, 2, "VDEV FILE|eject" },
	{ "floppy", 2, 2, "VDEV FILE|eject" },
	{ "screenshot", 1, 1, "NAME" },
	{ "milestone", 1, 1, "TEXT" },
	{ "timeout", 1, 1, "SECONDS" },
	{ "reset", 0, 0, "" },
};

static int check_step(const struct recipe_step *step, struct err *err)
{
	const char *names[ARRAY_SIZE(steps) + 3] = { "watch", "fail-on", NULL }, *nearest;
	unsigned given = (unsigned)step->words.count - 1;

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		names[i + 2] = steps[i].name;
		if (strcmp(step->words.items[0], steps[i].name) != 0)
			continue;
		if (given >= steps[i].least && given <= steps[i].most)
			return 0;
		return err_set(err, -EINVAL, "line %u: it is '%s %s'", step->line, steps[i].name,
			       steps[i].usage);
	}
	nearest = err_nearest_word(step->words.items[0], names);
	return err_set(err, -EINVAL, "line %u: there is no step '%s'%s%s%s", step->line,
		       step->words.items[0], nearest ? ", did you mean '" : "",
		       nearest ? nearest : "", nearest ? "'?" : "");
}

/* --- Words --- */

struct text {
	char *bytes;
	size_t length, capacity;
};

static void text_put(struct text *text, char byte)
{
	if (text->length + 1 >= text->capacity) {
		text->capacity = text->capacity ? 2 * text->capacity : 64;
		text->bytes = realloc(text->bytes, text->capacity);
		if (!text->bytes)
			abort();
	}
	text->bytes[text->length++] = byte;
	text->bytes[text->length] = '\0';
}

/** Puts what $NAME stands for. *at is behind the dollar, and is moved behind the name. */
static int put_value(struct text *text, const char **at, const struct words *values, unsigned line,
		     struct err *err)
{
	size_t length = 0;

	while (isalnum((unsigned char)(*at)[length]) || (*at)[length] == '_')
		length++;
	for (size_t i = 0; values && i < values->count && length; i++) {
		const char *value = values->items[i];

		if (strncmp(value, *at, length) != 0 || value[length] != '=')
			continue;
		for (const char *c = value + length + 1; *c; c++)
			text_put(text, *c);
		*at += length;
		return 0;
	}
	return err_set(err, -EINVAL, "line %u: $%.*s has no value: give --set %.*s=TEXT", line,
		       (int)length, *at, (int)length, *at);
}

/** In double quotes: \n, \t, \e, \\, \" and \$ stand for a character. */
static char escaped(char letter)
{
	switch (letter) {
	case 'n':
		return '\n';
	case 't':
		return '\t';
	case 'e':
		return '\033';
	default:
		return letter;
	}
}

/** One word at *at, with or without quotes. -EINVAL and a sentence if a quote is not closed. */
static int take_word(const char **at, struct text *text, const struct words *values, unsigned line,
		     struct err *err)
{
	char quote = '\0';

	text->length = 0;
	text_put(text, '\0');
	text->length = 0;
	for (; **at && (quote || !isspace((unsigned char)**at)); ++*at) {
		char c = **at;

		if (c == quote) {
			quote = '\0';
		} else if (!quote && (c == '"' || c == '\'')) {
			quote = c;
		} else if (quote == '"' && c == '\\' && (*at)[1] && strchr("nte\\\"$", (*at)[1])) {
			text_put(text, escaped(*++*at));
		} else if (quote != '\'' && c == '$' &&
			   (isalnum((unsigned char)(*at)[1]) || (*at)[1] == '_')) {
			++*at;
			if (put_value(text, at, values, line, err) < 0)
				return -EINVAL;
			--*at;
		} else {
			text_put(text, c);
		}
	}
	return quote ? err_set(err, -EINVAL, "line %u: a quote is not closed", line) : 0;
}

/** The words of a line. A '#' where a word would begin starts a comment. */
static int split(const char *line, unsigned number, const struct words *values, struct words *words,
		 struct err *err)
{
	struct text text = { 0 };
	int result = 0;

	for (;;) {
		line += strspn(line, " \t\r");
		if (*line == '\0' || *line == '#')
			break;
		result = take_word(&line, &text, values, number, err);
		if (result < 0)
			break;
		words_add(words, "%s", text.bytes);
	}
	free(text.bytes);
	return result;
}

/* --- Lines --- */

/** "watch [--serial] REGEX STEP..." and "fail-on [--serial] REGEX REASON". */
static int add_rule(struct recipe *recipe, const struct recipe_step *line, struct err *err)
{
	struct recipe_rule *rule = &recipe->rules[recipe->rule_count];
	const struct words *words = &line->words;
	bool is_failure = strcmp(words->items[0], "fail-on") == 0;
	bool serial = words->count > 1 && strcmp(words->items[1], "--serial") == 0;
	size_t first = serial ? 2 : 1;

	if (words->count < first + 2)
		return err_set(err, -EINVAL, "line %u: it is '%s [--serial] REGEX %s'", line->line,
			       words->items[0], is_failure ? "REASON" : "STEP...");
	if (recipe->rule_count == RECIPE_MAX_RULES)
		return err_set(err, -ENOSPC, "line %u: at most %d rules", line->line,
			       RECIPE_MAX_RULES);
	*rule = (struct recipe_rule){
		.line = line->line,
		.pattern = text_copy(words->items[first]),
		.serial = serial,
		.is_failure = is_failure,
		.step = { .line = line->line },
	};
	recipe->rule_count++;
	for (size_t i = first + 1; i < words->count; i++)
		words_add(&rule->step.words, "%s", words->items[i]);
	return is_failure ? 0 : check_step(&rule->step, err);
}

static void add_step(struct recipe *recipe, const struct recipe_step *step)
{
	recipe->steps = realloc(recipe->steps, (recipe->step_count + 1) * sizeof(*step));
	if (!recipe->steps)
		abort();
	recipe->steps[recipe->step_count++] = *step;
}

static int add_line(struct recipe *recipe, const char *text, unsigned number,
		    const struct words *values, struct err *err)
{
	struct recipe_step step = { .line = number };
	int result = split(text, number, values, &step.words, err);
	bool is_rule;

	if (result < 0 || step.words.count == 0) {
		words_finish(&step.words);
		return result;
	}
	is_rule = strcmp(step.words.items[0], "watch") == 0 ||
		  strcmp(step.words.items[0], "fail-on") == 0;
	result = is_rule ? add_rule(recipe, &step, err) : check_step(&step, err);
	if (result == 0 && !is_rule)
		add_step(recipe, &step);
	else
		words_finish(&step.words);
	return result;
}

int recipe_parse(struct recipe *recipe, const char *name, const char *text,
		 const struct words *values, struct err *err)
{
	char *copy = text_copy(text), *rest = copy, *line;
	unsigned number = 0;
	int result = 0;

	*recipe = (struct recipe){ .name = text_copy(name) };
	while (result == 0 && (line = strsep(&rest, "\n")) != NULL)
		result = add_line(recipe, line, ++number, values, err);
	free(copy);
	if (result < 0) {
		err_prefix(err, "%s", name);
		recipe_finish(recipe);
	}
	return result;
}

/** The whole file; NULL, and errno says why. The caller frees it. */
static char *read_file(const char *path)
{
	FILE *in = fopen(path, "re");
	char *text = in ? calloc(1, RECIPE_MAX_BYTES + 1) : NULL;
	bool failed;

	if (!in)
		return NULL;
	failed = !text || fread(text, 1, RECIPE_MAX_BYTES + 1, in) > RECIPE_MAX_BYTES || ferror(in);
	fclose(in);
	if (!failed)
		return text;
	free(text);
	errno = EFBIG;
	return NULL;
}

/** Beside this program in a source tree, or where recipes are installed. */
static char *read_shipped(const char *name)
{
	char self[4096], *path, *text = NULL;
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (length > 0) {
		self[length] = '\0';
		*strrchr(self, '/') = '\0';
		path = text_format("%s/../../recipes/%s" RECIPE_SUFFIX, self, name);
		text = read_file(path);
		free(path);
	}
	if (text)
		return text;
	path = text_format("%s/%s" RECIPE_SUFFIX, HVM_RECIPES_PATH, name);
	text = read_file(path);
	free(path);
	return text;
}

int recipe_read(struct recipe *recipe, const char *name, const struct words *values,
		struct err *err)
{
	bool is_plain = !strchr(name, '/') && access(name, F_OK) < 0;
	char *text = is_plain ? read_shipped(name) : read_file(name);
	int result;

	if (!text)
		return err_set_errno(err, -errno, "cannot read the recipe '%s'", name);
	result = recipe_parse(recipe, name, text, values, err);
	free(text);
	return result;
}

void recipe_finish(struct recipe *recipe)
{
	for (unsigned i = 0; i < recipe->step_count; i++)
		words_finish(&recipe->steps[i].words);
	for (unsigned i = 0; i < recipe->rule_count; i++) {
		free(recipe->rules[i].pattern);
		words_finish(&recipe->rules[i].step.words);
	}
	free(recipe->steps);
	free(recipe->name);
	*recipe = (struct recipe){ 0 };
}
