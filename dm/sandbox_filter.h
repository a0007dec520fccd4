// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The system call filter: an allow-list for all threads, those to come included. A call that is not
 * in it fails with EPERM; one by another calling convention than the program's own kills the
 * process.
 */
#pragma once

struct err;

/** Loads the filter; there is no way back. 0, or -errno and a sentence. */
int sandbox_filter_load(struct err *err);
