// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Makes events of what is seen of a guest from moment to moment: how far it has come, what it
 * moves, and what has become of it when it goes on no longer. It knows no connection and no clock
 * of its own: whoever looks hands over what he saw and when.
 *
 * Within how long trouble is named, from the first look that shows it:
 *
 *   panic, blue screen, nothing to boot from   at once
 *   restarting again and again                 at the OBSERVER_VAIN_RESTARTS-th restart in a row
 *                                              before which nothing was reached or written
 *   standing still                             OBSERVER_STALL_MS
 */
#pragma once

#include <regex.h>
#include <stdbool.h>
#include <stdint.h>

#include <json-c/json.h>

struct err;

enum {
	OBSERVER_STALL_MS = 30000,
	OBSERVER_VAIN_RESTARTS = 3,
	OBSERVER_SIGNS_MAX = 16,
	OBSERVER_SAID_MAX = 4096, /* bytes of an unfinished line */
};

/** How far a guest has come since it was started. */
enum observer_phase {
	OBSERVER_UNKNOWN,
	OBSERVER_FIRMWARE,
	OBSERVER_BOOT_LOADER,
	OBSERVER_KERNEL,
	OBSERVER_INSTALLER,
	OBSERVER_SYSTEM, /* asks who logs in */
	OBSERVER_PHASES,
};

/** What is seen at a moment. Numbers but 'ms' count up from the guest's start. */
struct observer_look {
	int64_t ms;
	const char *screen; /* lines; NULL: no text is seen */
	const char *said;   /* on the serial port since the last look; may be NULL */
	int64_t picture;    /* a checksum of the screen */
	int64_t cpu_ns;     /* 0: it cannot be told */
	int64_t waited_ns;  /* for a processor of a busy host; 0 if that cannot be told */
	int64_t exits;
	int64_t cd_read, disk_read, disk_written;
};

struct observer {
	void (*tell)(void *opaque, struct json_object *event);
	void *opaque;
	int64_t interval_ms; /* between events of progress */
	regex_t phases[OBSERVER_PHASES];
	regex_t signs[OBSERVER_SIGNS_MAX];
	regex_t stop_code;
	bool told[OBSERVER_SIGNS_MAX];
	enum observer_phase phase;
	char said[OBSERVER_SAID_MAX + 1];
	/* Restarts */
	unsigned vain_restarts;
	int64_t written_at_restart;
	/* Progress since the last event of it */
	bool looked;
	int64_t pictures[2]; /* of which the newer is the first */
	unsigned changes;
	struct observer_look last, reported;
	/* Standing still since then */
	struct observer_look still;
	bool is_stalled, is_paused;
};

/** 'tell' gets each event, which stays the observer's. 0, or -errno and a sentence. */
int observer_init(struct observer *observer, int64_t interval_ms,
		  void (*tell)(void *opaque, struct json_object *event), void *opaque,
		  struct err *err);
void observer_finish(struct observer *observer);

void observer_look(struct observer *observer, const struct observer_look *look);
/** An event of QMP, at 'ms'. */
void observer_event(struct observer *observer, int64_t ms, struct json_object *message);
