// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Option strings of the command line and of -device: "file=disk.img,if=ide,index=0". A doubled
 * comma is a literal comma; a word without '=' is the first, implied key if it comes first, else a
 * flag ("readonly" is "readonly=on", "nowait" is "wait=off").
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

struct opts_pair {
	char *key, *value; /* owned */
	bool used;         /* somebody asked for it */
};

struct opts {
	struct opts_pair *pairs;
	size_t count;
};

/** Parses 'text'; 'implied_key' (may be NULL) names a first word without '='. 0, -EINVAL or
 * -ENOMEM. */
int opts_parse(struct opts *opts, const char *text, const char *implied_key, struct err *err);
void opts_finish(struct opts *opts);

/** The last value given for 'key', or NULL; counts as used. The string belongs to 'opts'. */
const char *opts_get(struct opts *opts, const char *key);
/** As opts_get, with a default for a missing key. */
const char *opts_get_or(struct opts *opts, const char *key, const char *otherwise);
/** on/yes/true/1, off/no/false/0. *value stays as it is if the key is missing. 0 or -EINVAL. */
int opts_get_bool(struct opts *opts, const char *key, bool *value, struct err *err);
/** Decimal, 0x hexadecimal, in [low, high]. *value stays as it is if the key is missing. 0 or
 * -EINVAL. */
int opts_get_number(struct opts *opts, const char *key, uint64_t *value, uint64_t low,
		    uint64_t high, struct err *err);
/** As opts_get_number with a suffix b, K, M, G, T (powers of 1024); without one it counts 'unit'
 * bytes. */
int opts_get_size(struct opts *opts, const char *key, uint64_t *bytes, uint64_t unit,
		  struct err *err);
/** Adds or replaces a pair. 0 or -ENOMEM. */
int opts_set(struct opts *opts, const char *key, const char *value);
/** Refuses the first pair that nobody asked for: "unknown property 'foo'", with the nearest of
 * 'known' (may be NULL). 0 or -EINVAL. */
int opts_check_unused(const struct opts *opts, const char *const *known, struct err *err);

/** A whole string as a number or a size; the parsers behind the calls above. */
int opts_parse_number(const char *text, uint64_t *value);
int opts_parse_size(const char *text, uint64_t unit, uint64_t *bytes);
int opts_parse_bool(const char *text, bool *value);
