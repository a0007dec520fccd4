// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The system call filter: an allow-list for all threads, those to come included. A call that is not
 * in it fails with EPERM; one by another calling convention than the program's own kills the
 * process.
 */
#pragma once

#include <stdbool.h>

struct err;

/** What some machines need beyond the rest. */
struct sandbox_allowances {
	bool sockets; /* of the Internet, for streams and datagrams: to connect, to listen */
	bool files;   /* that are still to be seen, to be read */
};

/** Loads the filter; there is no way back. 0, or -errno and a sentence. */
int sandbox_filter_load(const struct sandbox_allowances *allowances, struct err *err);

/** That of a process with one thread which waits for a byte and then speaks to a driver once. */
int sandbox_filter_load_helper(struct err *err);
