// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/words.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void end_without_memory(void)
{
	fputs("hvm: there is no memory left\n", stderr);
	exit(1);
}

static char *format_text(const char *format, va_list args)
{
	char *text = NULL;

	if (vasprintf(&text, format, args) < 0)
		end_without_memory();
	return text;
}

char *text_format(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = format_text(format, args);
	va_end(args);
	return text;
}

char *text_copy(const char *text)
{
	return text_format("%s", text);
}

void words_add(struct words *words, const char *format, ...)
{
	char **items = realloc(words->items, (words->count + 2) * sizeof(char *));
	va_list args;

	if (!items)
		end_without_memory();
	words->items = items;
	va_start(args, format);
	items[words->count++] = format_text(format, args);
	va_end(args);
	items[words->count] = NULL;
}

void words_finish(struct words *words)
{
	for (size_t i = 0; i < words->count; i++)
		free(words->items[i]);
	free(words->items);
	*words = (struct words){ 0 };
}

static void quote_word(FILE *out, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-_=+,.:/@%";

	if (*word && word[strspn(word, plain)] == '\0') {
		fputs(word, out);
		return;
	}
	fputc('\'', out);
	for (; *word; word++) {
		if (*word == '\'')
			fputs("'\\''", out);
		else
			fputc(*word, out);
	}
	fputc('\'', out);
}

char *words_quote(const struct words *words)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		end_without_memory();
	for (size_t i = 0; i < words->count; i++) {
		if (i > 0)
			fputc(' ', out);
		quote_word(out, words->items[i]);
	}
	if (fclose(out) != 0)
		end_without_memory();
	return text;
}

void text_print(const char *text)
{
	for (; *text; text++)
		putchar((unsigned char)*text < ' ' || *text == '\177' ? '.' : *text);
	putchar('\n');
}
