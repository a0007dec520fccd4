// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A verb of the tool, as 'hvm VERB …' names it, and what verbs have in common.
 */
#pragma once

#include "base/err.h"
#include "tools/qmp.h"
#include "tools/registry.h"

enum verb_status {
	VERB_DONE = 0,
	VERB_FAILED = 1, /* a sentence on stderr says what and why */
	VERB_MISUSED = 2,
};

struct words;

struct verb {
	const char *name;
	const char *usage;   /* behind the name */
	const char *summary; /* one line */
	const char *details; /* more lines of help, or NULL */
	/* argv[0] is the verb's name. */
	int (*run)(const struct verb *verb, int argc, char **argv);
};

extern const struct verb verbs_create[], verbs_list[], verbs_power[], verbs_media[], verbs_screen[],
	verbs_text[], verbs_save[], verbs_wait[], verbs_events[], verbs_click[], verbs_install[],
	verbs_console[], verbs_disk[], verbs_usb[];

/** Prints "hvm: sentence". VERB_FAILED. */
int verb_fail(const struct err *err);
/** Prints the verb's usage on stderr. VERB_MISUSED. */
int verb_misuse(const struct verb *verb);

/** As registry_find; prints what is wrong. */
bool verb_find(struct instance *instance, const char *name_or_number);
/** Connects to a guest's device model; prints what is wrong. */
bool verb_connect(struct qmp *qmp, const char *name_or_number);
/** Connects, runs one command, ends the connection. VERB_DONE or VERB_FAILED. */
int verb_command(const char *name_or_number, const char *command, struct json_object *arguments);

/** Starts a guest whose state is read from 'fd', by the configuration at 'config' and the
 * assignments 'extra'. VERB_DONE or VERB_FAILED; verb_create.c. */
int guest_restore(const char *config, const struct words *extra, int fd, bool paused);
/** Runs this program with 'words' (a verb and what it wants). Its exit status. */
int verb_run(const struct words *words);
/** Ends a guest at once. VERB_DONE or VERB_FAILED; verb_power.c. */
int guest_destroy(const char *name_or_number);
/** Attaches the terminal to a guest's serial port; verb_console.c. */
int console_attach(const char *name_or_number, unsigned port);
/** Sends 'text' to a guest's serial port. VERB_DONE, or VERB_FAILED and a sentence; verb_console.c.
 */
int console_type(const char *name_or_number, unsigned port, const char *text);
/** Where a guest's screen is, as a viewer takes it; the caller frees it. NULL and a sentence. */
char *screen_find(struct qmp *qmp, struct err *err);
/** Starts a viewer in the background or instead of this process; verb_screen.c. */
int viewer_start(const char *name_or_number, bool background);
