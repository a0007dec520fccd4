// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Types text into the guest at the guest's own pace, so that no key is lost:
 *
 *   - a key is given when the guest has taken the last from its keyboard (input_has_room);
 *   - while the BIOS collects keys (its ring at 40:1Eh fills), only when there is room in its ring;
 *   - every TYPIST_BREATH characters the guest is given time to work off what it has taken:
 *     until its processors have been idle for a moment, or TYPIST_BREATH_MAX_NS at most; a guest
 *     that was busy before anything was typed will not be idle after it, and gets
 *     TYPIST_BREATH_LOADED_NS;
 *   - nothing is typed while keys of another command are held down.
 *
 * Texts wait for one another. Under the machine lock.
 */
#pragma once

#include "base/clock.h"
#include "base/list.h"

struct err;
struct keymap;
struct machine;

enum {
	TYPIST_MAX_BYTES = 256 << 10, /* of one text */
	TYPIST_MAX_JOBS = 64,
	TYPIST_MAX_RATE = 10000, /* characters a second */
	TYPIST_BREATH = 64,
	TYPIST_QUEUE = 64, /* presses and releases of one character */
};

/** How to write what the guest's layout has no key for. */
enum typist_unicode {
	TYPIST_UNICODE_NONE,         /* not at all: the text is refused */
	TYPIST_UNICODE_ALT_NUMPAD,   /* Windows: Alt and 0, code on the number pad */
	TYPIST_UNICODE_CTRL_SHIFT_U, /* GTK, IBus: Ctrl+Shift+u, code in hex, Enter */
};

struct typist_options {
	enum typist_unicode unicode;
	unsigned rate; /* characters a second at most; 0: the guest's pace */
	const struct keymap
		*keymap; /* the layout that the guest has set; NULL: the configured one */
};

/** How far a text is, or was. */
struct typist_progress {
	unsigned id;
	uint64_t typed, characters;
	bool cancelled;
};

struct typist_key {
	uint8_t key;
	bool down;
};

struct typist {
	struct machine *machine;
	struct list_node jobs;
	unsigned job_count, last_id;
	/** A text has been typed, or was cancelled. May be NULL. */
	void (*ended)(void *opaque, const struct typist_progress *progress);
	/** Keys are held down for somebody else. May be NULL. */
	bool (*is_held)(void *opaque);
	void *opaque;
	struct clock_timer timer;
	bool stepping; /* guards against the hooks of what is typed */
	struct typist_key queue[TYPIST_QUEUE];
	unsigned queue_head, queue_count;
	unsigned held; /* enum typist_modifier: what is pressed for the text */
	int64_t not_before_ns;
	/* Breathing */
	unsigned since_breath;
	bool breathing;
	bool measures;   /* how busy the guest is before the first character */
	bool is_loaded;  /* it was */
	int64_t done_ns; /* when the last text ended */
	int64_t breath_start_ns, window_start_ns;
	uint64_t window_cpu_ns;
	/* The BIOS's ring */
	uint16_t bios_tail;
	bool bios_collects;
	int64_t bios_full_since_ns;
};

void typist_init(struct typist *typist, struct machine *machine,
		 void (*ended)(void *opaque, const struct typist_progress *progress),
		 bool (*is_held)(void *opaque), void *opaque);
/** Drops what has not been typed. */
void typist_finish(struct typist *typist);

/**
 * Queues 'text', UTF-8; newline is Enter, tab, backspace and escape are their keys, other control
 * characters Ctrl and a letter. Its number, or -EINVAL or -ENOSPC and a sentence; nothing of it is
 * typed then.
 */
int typist_type(struct typist *typist, const char *text, const struct typist_options *options,
		struct typist_progress *progress, struct err *err);
/** The text that is being typed. False if there is none. */
bool typist_progress(const struct typist *typist, struct typist_progress *progress);
/** Ends text 'id' (0: all) at once, with all keys up. False if there is none such. */
bool typist_cancel(struct typist *typist, unsigned id);
