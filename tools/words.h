// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A growing list of strings, ended by NULL so that it serves as an argument list. The tool is a
 * short-lived program: where memory runs out it says so and ends.
 */
#pragma once

#include <stddef.h>

struct words {
	char **items; /* NULL while the list is empty */
	size_t count;
};

void words_add(struct words *words, const char *format, ...) __attribute__((format(printf, 2, 3)));
void words_finish(struct words *words);

/** All items on one line, each quoted as a shell would need it. The caller frees it. */
char *words_quote(const struct words *words);

/** vasprintf and strdup that end the program where memory runs out. The caller frees the text. */
char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *text_copy(const char *text);
/** Prints a line that a guest has said: control characters, which would reach the terminal, as
 * dots. */
void text_print(const char *text);
