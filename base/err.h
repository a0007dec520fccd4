// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The error sentence: control and configuration calls that fail say in one sentence what is wrong
 * and what to do.
 */
#pragma once

/** One sentence for a person, without a full stop or newline at its end. Empty if nothing failed.
 */
struct err {
	char text[320];
};

/**
 * Writes the sentence and returns 'code' (a negative errno), so that a failing function can end
 * with return err_set(err, -EINVAL, "..."). 'err' may be NULL: the sentence is then dropped.
 */
int err_set(struct err *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** As err_set, with ": " and the system's words for -code behind the sentence. */
int err_set_errno(struct err *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** Puts "prefix: " before the sentence that is there. */
void err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/**
 * The entry of 'words' (ended by NULL) that looks most like 'word', or NULL if none is close:
 * for "unknown option '-cdorm', did you mean '-cdrom'?".
 */
const char *err_nearest_word(const char *word, const char *const *words);
