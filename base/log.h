// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The log is for the person who runs guests: stderr, one line a message, prefixed with program and
 * level. What a guest or peer can provoke goes through log_guest, which is limited per site and in
 * total.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum log_level {
	LOG_ERROR,
	LOG_WARNING,
	LOG_INFO,
};

/** Name put before each message; the pointer is kept. Default "hvmdm". */
void log_set_name(const char *name);

void log_message(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#define log_error(...)   log_message(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_message(LOG_WARNING, __VA_ARGS__)
#define log_info(...)    log_message(LOG_INFO, __VA_ARGS__)

/** How often one site may still speak; starts as zeros. */
struct log_limit {
	uint32_t said;
};

/** Says whether a site may speak: 10 times, and all sites together at most 64 KiB. Counts the call.
 */
bool log_limit_allows(struct log_limit *limit);

/** A message that a guest, viewer or peer can cause as often as it likes. */
#define log_guest(...)                                         \
	do {                                                   \
		static struct log_limit limit_;                \
		if (log_limit_allows(&limit_))                 \
			log_message(LOG_WARNING, __VA_ARGS__); \
	} while (0)
