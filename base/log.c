// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"

enum {
	SITE_MESSAGES = 10,
	TOTAL_BYTES = 64 * 1024,
	LINE_BYTES = 512,
};

static const char *program_name = "hvmdm";
static uint64_t guest_bytes; /* charged in advance: a line's maximum each */

void log_set_name(const char *name)
{
	program_name = name;
}

void log_message(enum log_level level, const char *format, ...)
{
	static const char *const words[] = { "error: ", "warning: ", "" };
	char line[LINE_BYTES];
	va_list args;
	size_t used;

	used = (size_t)snprintf(line, sizeof(line), "%s: %s", program_name, words[level]);
	used = min_size(used, sizeof(line) - 2);
	va_start(args, format);
	vsnprintf(line + used, sizeof(line) - used - 1, format, args);
	va_end(args);
	/* What comes from a guest or peer must not move the terminal's cursor. */
	for (char *c = line; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	used = strlen(line);
	line[used++] = '\n';
	if (write(STDERR_FILENO, line, used) < 0)
		return; /* nowhere to complain */
}

bool log_limit_allows(struct log_limit *limit)
{
	uint32_t said = __atomic_fetch_add(&limit->said, 1, __ATOMIC_RELAXED);

	if (said >= SITE_MESSAGES) {
		__atomic_store_n(&limit->said, SITE_MESSAGES, __ATOMIC_RELAXED);
		return false;
	}
	return __atomic_fetch_add(&guest_bytes, 128, __ATOMIC_RELAXED) < TOTAL_BYTES;
}
