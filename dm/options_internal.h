// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The words of the command line, in tables by what they speak of. Only for options*.c.
 */
#pragma once

#include "dm/options.h"

/** A word. Its handler gets the argument, or NULL if the word takes none; 0, or -errno and a
 * sentence. */
struct option_row {
	const char *name;     /* without its dash */
	const char *argument; /* for the help; NULL: takes none */
	const char *help;     /* NULL: accepted for others' sake, not shown */
	int (*apply)(struct options *options, const char *argument, struct err *err);
};

/* Each ends with an empty row. */
extern const struct option_row option_board_rows[], option_device_rows[], option_net_rows[],
	option_host_rows[];

/** Parses 'text' into a new entry of 'list'. */
int options_list_append(struct options_list *list, const char *text, const char *implied_key,
			struct err *err);
int options_words_append(struct options_words *words, const char *word, struct err *err);

/* Handlers that more than one table needs. */
int options_apply_ignored(struct options *options, const char *argument, struct err *err);

/* Handlers that only set a flag or keep a text. */
#define FLAG_OPTION(function, member)                                                       \
	static int function(struct options *options, const char *argument, struct err *err) \
	{                                                                                   \
		(void)argument;                                                             \
		(void)err;                                                                  \
		options->member = true;                                                     \
		return 0;                                                                   \
	}
#define TEXT_OPTION(function, member)                                                       \
	static int function(struct options *options, const char *argument, struct err *err) \
	{                                                                                   \
		(void)err;                                                                  \
		options->member = argument;                                                 \
		return 0;                                                                   \
	}
