// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/err.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/bits.h"

int err_set(struct err *err, int code, const char *format, ...)
{
	va_list args;

	if (!err)
		return code;
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	return code;
}

int err_set_errno(struct err *err, int code, const char *format, ...)
{
	va_list args;
	size_t used;

	if (!err)
		return code;
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	used = strlen(err->text);
	snprintf(err->text + used, sizeof(err->text) - used, ": %s", strerror(-code));
	return code;
}

void err_prefix(struct err *err, const char *format, ...)
{
	char sentence[sizeof(err->text)];
	va_list args;
	size_t used;

	if (!err)
		return;
	memcpy(sentence, err->text, sizeof(sentence));
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	used = strlen(err->text);
	snprintf(err->text + used, sizeof(err->text) - used, ": %s", sentence);
}

enum {
	WORD_MAX = 48,
};

/** Edit distance with transpositions of neighbours (optimal string alignment). */
static unsigned word_distance(const char *a, const char *b)
{
	size_t rows = strnlen(a, WORD_MAX), columns = strnlen(b, WORD_MAX);
	unsigned cost[WORD_MAX + 1][WORD_MAX + 1];

	for (size_t i = 0; i <= rows; i++)
		cost[i][0] = (unsigned)i;
	for (size_t j = 0; j <= columns; j++)
		cost[0][j] = (unsigned)j;
	for (size_t i = 1; i <= rows; i++) {
		for (size_t j = 1; j <= columns; j++) {
			unsigned best = cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			best = (unsigned)min_u64(best, cost[i - 1][j] + 1);
			best = (unsigned)min_u64(best, cost[i][j - 1] + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				best = (unsigned)min_u64(best, cost[i - 2][j - 2] + 1);
			cost[i][j] = best;
		}
	}
	return cost[rows][columns];
}

const char *err_nearest_word(const char *word, const char *const *words)
{
	unsigned limit = (unsigned)strnlen(word, WORD_MAX) / 3 + 1;
	const char *nearest = NULL;

	for (; *words; words++) {
		unsigned distance = word_distance(word, *words);

		if (distance < limit || (distance == limit && !nearest)) {
			limit = distance;
			nearest = *words;
		}
	}
	return nearest;
}
