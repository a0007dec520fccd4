// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files that control names while the guest runs. Behind the sandbox none can be opened any more:
 * who starts us passes descriptors instead (add-fd).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct err;

/**
 * Opens 'path' close-on-exec; 'mode' is for O_CREAT. The descriptor, or -errno and a sentence that
 * names the file; -EPERM behind the sandbox, with a sentence that says what to do instead.
 */
int host_open(const char *path, int flags, mode_t mode, struct err *err);

/** Writes all of it, at the position of 'fd'. 0 or -errno. */
int host_write_all(int fd, const void *bytes, size_t length);

/** From now on host_open refuses, or opens again: the sandbox is entered, a test is over. */
void host_forbid_files(bool forbidden);
bool host_files_are_forbidden(void);
