// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the process gives up once everything is open and before the guest's first instruction:
 * its user, the file system, privileges to be gained, and the system calls it does not need.
 * docs/threat-model.md says against whom, and what is left. Two steps, because a mount namespace
 * belongs to a thread and those started from it: the first comes before any other thread.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct err;
struct options;

struct sandbox {
	bool confines;     /* -sandbox: all that is not -runas or -chroot */
	bool filters;      /* the system call filter, part of the former */
	bool demanded;     /* -sandbox on was said: there is no going on without the filter */
	bool has_mounts;   /* a mount namespace of its own */
	bool changes_user; /* to these: */
	bool must_change_user;
	uid_t uid;
	gid_t gid;
	const char *root; /* -chroot; NULL: an empty directory, where has_mounts */
	bool connects;    /* a network opens sockets as the guest asks for them */
	bool resolves;    /* it also reads the host's name servers, and this directory: */
	const char *tftp; /* or NULL */
};

/**
 * Looks up what is not to be found later. In the process that will run the guest, before it has a
 * second thread and opens what the guest needs. 0, or -errno and a sentence.
 */
int sandbox_prepare(struct sandbox *sandbox, const struct options *options, struct err *err);

/**
 * Gives everything up, for all threads. No file, socket or program can be opened afterwards. What
 * was asked for by name (-runas, -chroot, -sandbox on) and cannot be had is an error: -errno and a
 * sentence. For the rest, a warning says what the host refuses.
 */
int sandbox_enter(const struct sandbox *sandbox, struct err *err);

/** The same for a helper process that has all it needs and only waits: it keeps no right that the
 * others could want, asked for or not. */
int sandbox_enter_helper(const struct sandbox *sandbox, struct err *err);
