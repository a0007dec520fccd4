// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The run directories of guests, which are the only registry of what runs on this host:
 *
 *   RUN/NAME/config    the configuration as it was read
 *            folder    where it was created
 *            cmdline   program and arguments, quoted for a shell
 *            pid       the device model's process
 *            keeper    the process that waits for its end
 *            log       what the device model says
 *            exit      why it ended, if it did not end well; or that the guest is preserved
 *            qmp, qmp-stat, vnc   sockets
 *
 * RUN is $HVM_RUN_DIR, else /run/hvmdm for root, else $XDG_RUNTIME_DIR/hvmdm.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct err;

enum instance_state {
	STATE_STARTING,
	STATE_RUNNING, /* the process is there; what the guest does is for QMP to say */
	STATE_ENDING,  /* the process is on its way out */
	STATE_CRASHED, /* the process has gone and left its directory behind */
};

/** A guest that has a run directory. */
struct instance {
	char *name, *directory; /* owned */
	pid_t pid;              /* 0: none (any more) */
	enum instance_state state;
	char *ended; /* owned; why it is STATE_CRASHED, or NULL */
};

struct instances {
	struct instance *items;
	size_t count;
};

/** The directory of all guests; the caller frees it. NULL and a sentence. */
char *registry_root(struct err *err);

/** Every guest, sorted by name. 0, or -errno and a sentence. No directory yet: no guests. */
int registry_list(struct instances *instances, struct err *err);
void registry_list_finish(struct instances *instances);

/** The guest of this name, or whose device model has this process number. 0, -ESRCH or another
 * -errno, and a sentence. */
int registry_find(struct instance *instance, const char *name_or_number, struct err *err);
void instance_finish(struct instance *instance);

/** Makes a new guest's directory. 0, -EEXIST if it is there, or another -errno; and a sentence. */
int registry_make(struct instance *instance, const char *name, struct err *err);
/** Removes the directory and the files in it. */
void registry_remove(const char *directory);

/** Files of a run directory. The paths and texts are the caller's to free. */
char *instance_path(const struct instance *instance, const char *file);
int registry_write(const char *directory, const char *file, const char *text, struct err *err);
char *registry_read(const char *directory, const char *file);
/** Says whether 'pid' is the keeper of what is in the directory now. */
bool registry_is_kept_by(const char *directory, pid_t pid);

/**
 * Ends the device model: asked first, then told, at last killed. A process that only looks like it
 * (a number used again) is left alone.
 */
void instance_kill(struct instance *instance);
/** Waits until the process has gone. False: it has not within 'timeout_ms' (-1: for ever). */
bool instance_wait(const struct instance *instance, int timeout_ms);
