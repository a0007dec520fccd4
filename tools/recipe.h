// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An installation recipe: a text file of steps, one a line, which are verbs of hvm with the guest
 * left out, and of rules for what may come up while a step waits. hvm-recipe(5) describes it.
 */
#pragma once

#include <stdbool.h>

#include "tools/words.h"

struct err;

enum {
	RECIPE_MAX_BYTES = 1 << 20,
	RECIPE_MAX_RULES = 24,
};

struct recipe_step {
	unsigned line;      /* of the file, from 1 on */
	struct words words; /* without quotes: "expect", "login:" */
};

/** Carried out once, when 'pattern' is seen while a step expects something. */
struct recipe_rule {
	unsigned line;
	char *pattern;
	bool serial;
	bool is_failure; /* the installation has failed; 'step' is the reason */
	struct recipe_step step;
};

struct recipe {
	char *name; /* the file's; for messages */
	struct recipe_step *steps;
	unsigned step_count;
	struct recipe_rule rules[RECIPE_MAX_RULES];
	unsigned rule_count;
};

/** Parses 'text', with $NAME replaced by what 'values' ("NAME=text") have. 0, or -EINVAL and a
 * sentence with the line. */
int recipe_parse(struct recipe *recipe, const char *name, const char *text,
		 const struct words *values, struct err *err);
/** Reads a file, or one of those that are shipped, by its plain name. 0, or -errno and a sentence.
 */
int recipe_read(struct recipe *recipe, const char *name, const struct words *values,
		struct err *err);
void recipe_finish(struct recipe *recipe);
