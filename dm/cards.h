// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Optional cards by name: what -device creates, with a line for -device help.
 */
#pragma once

#include <stddef.h>

struct board;
struct err;
struct machine;
struct options;
struct opts;

struct card {
	const char *name;
	const char *summary;
	const char *const *properties; /* that 'create' understands, ended by NULL */
	/** 0, or -errno and a sentence. NULL: the board makes it itself (disks, the default
	 * display). */
	int (*create)(struct machine *machine, struct opts *opts, struct err *err);
};

extern const struct card cards[];

/** The row of 'name', or NULL and a sentence with the nearest name. */
const struct card *cards_find(const char *name, struct err *err);

/** -EINVAL and a sentence if a -device option asks for what there is not: before anything is
 * opened. */
int cards_check_names(const struct options *options, struct err *err);

/** Creates what the -device options ask for and the board did not make itself. 0 or -errno. */
int cards_create_all(struct machine *machine, struct err *err);

/** Zeroed memory for a card, the machine's. NULL and a sentence. */
void *cards_alloc(struct machine *machine, size_t bytes, struct err *err);
/** Frees the cards' memory; their devices have been finished. */
void cards_free(struct machine *machine);

void cards_print_help(void);
void cards_print_trace_points(void);
