// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The argument list of a guest's device model: the one that libxl makes for the same
 * configuration, in the same order, except for what names the hypervisor and the sockets.
 */
#pragma once

#include <stdbool.h>

struct guest;
struct words;

struct arguments_place {
	const char *program;
	const char *directory; /* the guest's run directory, where its sockets are */
	const char *user;      /* for -runas, or NULL */
	bool paused;           /* processors wait for 'hvm unpause' */
};

/** Appends program and arguments to 'words'. */
void arguments_make(struct words *words, const struct guest *guest,
		    const struct arguments_place *place);
