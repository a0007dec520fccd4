// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Watching what a guest shows on its screen and says on its first serial port, for regular
 * expressions.
 */
#pragma once

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/qmp.h"

struct err;

enum {
	WAITING_POLL_MS = 100,
	PATTERNS_MAX = 64,
};

struct patterns {
	struct {
		regex_t regex;
		bool serial; /* else on the screen */
	} items[PATTERNS_MAX];
	unsigned count;
};

/** Adds an extended regular expression, in which ^ and $ match at lines. 0, or -EINVAL and a
 * sentence. */
int patterns_add(struct patterns *patterns, const char *regex, bool serial, struct err *err);
void patterns_finish(struct patterns *patterns);

/** What has been heard of a guest; starts as zeros but for 'qmp', ends by listener_finish. */
struct listener {
	struct qmp *qmp;
	char *said; /* by the serial port, since the last text found in it; owned */
	size_t length;
	int64_t next; /* byte of the serial port */
};

/**
 * Looks once. The number of the first pattern that is there, with the line that has it in *line for
 * the caller to free; -EAGAIN if none is; another -errno and a sentence. A text found on the serial
 * port is passed: it is not found again.
 */
int listener_look(struct listener *listener, const struct patterns *patterns, char **line,
		  struct err *err);
void listener_finish(struct listener *listener);

int64_t waiting_now_ms(void);
/** Lets WAITING_POLL_MS pass. */
void waiting_pause(void);

/** The lines of an answer of query-screen-text in one text; the caller frees it. */
char *waiting_join_lines(struct json_object *screen);

/** A member of an answer as a number, 0 if it is not there. */
int64_t waiting_number(struct json_object *object, const char *key);
