// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest's configuration file, read by the parser that xl uses (libxlutil). Here live the file,
 * its keys and the access to their values; what a key means is tools/guest.h's matter.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "tools/words.h"

struct err;
struct config;

enum {
	CONFIG_MAX_BYTES = 1 << 20, /* a larger file is not a configuration: an image, most likely
				     */
};

/**
 * Reads 'path' ("-": standard input) and then the assignments 'extra' ("memory=512"), which win.
 * A value among 'extra' that is no number, list or quoted string is taken as a string. NULL and a
 * sentence if it cannot be read or is malformed.
 */
struct config *config_read(const char *path, const struct words *extra, struct err *err);
void config_free(struct config *config);

/** The text as it was read, with the extra assignments behind it. */
const char *config_text(const struct config *config);
/** Each key that is set, once, in the file's order. */
const struct words *config_keys(const struct config *config);
bool config_has(const struct config *config, const char *key);

/**
 * A value, which stays the configuration's. 1 if the key is set, 0 if not (*value stays as it is),
 * or -EINVAL and a sentence if it has another form.
 */
int config_get_string(const struct config *config, const char *key, const char **value,
		      struct err *err);
int config_get_number(const struct config *config, const char *key, long low, long high,
		      long *value, struct err *err);
int config_get_bool(const struct config *config, const char *key, bool *value, struct err *err);
/** A list of strings, or one string as a list of one; appended to 'words'. */
int config_get_words(const struct config *config, const char *key, struct words *words,
		     struct err *err);
