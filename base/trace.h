// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tracing is for whoever works on the program: TRACE(ide, command, "drive %u opcode %02x", d, op).
 * A point costs one test of a byte while it is off. Points are switched on by pattern ("ide_*") at
 * run time (-trace).
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

struct trace_point {
	const char *name; /* "ide_command" */
	bool enabled;
};

/** Prints one line for 'point' to the trace output (stderr unless trace_set_output was called). */
void trace_print(const struct trace_point *point, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** Switches every point whose name matches the glob 'pattern'; returns how many there are. */
unsigned trace_enable(const char *pattern, bool enabled);

/** Calls 'visit' for each point, in the order of linking; a name may come more than once. */
void trace_for_each(void (*visit)(const struct trace_point *point, void *opaque), void *opaque);

/** Sends traces to 'file', which stays the caller's. */
void trace_set_output(FILE *file);

#ifdef HAVE_SYS_SDT_H
#include <sys/sdt.h>
#define TRACE_PROBE(group, event) DTRACE_PROBE(hvmdm, group##_##event)
#else
#define TRACE_PROBE(group, event) ((void)0)
#endif

#define TRACE(group, event, ...)                                                     \
	do {                                                                         \
		static struct trace_point point_                                     \
			__attribute__((section("trace_points"), used,                \
				       aligned(16))) = { #group "_" #event, false }; \
		TRACE_PROBE(group, event);                                           \
		if (__builtin_expect(point_.enabled, 0))                             \
			trace_print(&point_, __VA_ARGS__);                           \
	} while (0)
