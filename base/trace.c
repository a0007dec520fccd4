// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/trace.h"

#include <fnmatch.h>
#include <stdarg.h>

#include "base/clock.h"

/* The linker collects all points between these; both are NULL in a program without any. */
extern struct trace_point __start_trace_points[] __attribute__((weak));
extern struct trace_point __stop_trace_points[] __attribute__((weak));

static FILE *output;

void trace_set_output(FILE *file)
{
	output = file;
}

void trace_print(const struct trace_point *point, const char *format, ...)
{
	FILE *file = output ? output : stderr;
	char line[400];
	va_list args;
	int64_t now_ns = clock_host_ns();

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	fprintf(file, "%lld.%06lld %s %s\n", (long long)(now_ns / NS_PER_SECOND),
		(long long)(now_ns % NS_PER_SECOND / NS_PER_US), point->name, line);
}

unsigned trace_enable(const char *pattern, bool enabled)
{
	unsigned matches = 0;

	for (struct trace_point *p = __start_trace_points; p < __stop_trace_points; p++) {
		if (fnmatch(pattern, p->name, 0) == 0) {
			p->enabled = enabled;
			matches++;
		}
	}
	return matches;
}

void trace_for_each(void (*visit)(const struct trace_point *point, void *opaque), void *opaque)
{
	for (struct trace_point *p = __start_trace_points; p < __stop_trace_points; p++)
		visit(p, opaque);
}
