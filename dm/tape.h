// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A recording of all that reaches the machine and of what it does (-record), and its replay
 * (-replay): docs/replay.md. Both are taps at the same places. While a guest runs, they write
 * records down; in a replay, what the machine does is compared with the next record, and what it
 * would have learnt from outside is taken from there. Everything happens under the machine lock, so
 * that there is one order. dm/replay.c brings the events.
 *
 * What runs on the loop without an event (a viewer's picture, a query) leaves no record.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dm/tape_record.h"

struct block;
struct block_options;
struct board;
struct chr;
struct clock_timer;
struct drive_plan;
struct err;
struct hv;
struct hv_client;
struct hv_config;
struct machine;
struct medium_slot;
struct net_port;
struct options;
struct ram_ops;
struct tape;
struct tape_reader;

enum tape_sizes {
	TAPE_DRIVES = 16, /* the board's by position, then floppy drives, then disks on USB */
	TAPE_FLOPPY = 10, /* the first of those */
	TAPE_USB = 12,    /* and of these */
	TAPE_MAX_DEPTH = 8,
	TAPE_MAX_ARGUMENTS = 256,
};

/** What the machine is told to do by those who run it, beside commands with arguments. */
enum tape_verb {
	TAPE_VERB_CONT,
	TAPE_VERB_STOP,
	TAPE_VERB_RESET,
	TAPE_VERB_POWERDOWN,
	TAPE_VERB_WAKEUP,
	TAPE_VERB_QUIT,
	TAPE_VERB_IO_ERROR,
	TAPE_VERB_COUNT,
};

/** The first difference between a recording and its replay. */
struct tape_difference {
	bool is_found;
	uint64_t event;    /* its number, from 1 */
	uint64_t position; /* of the record that was expected */
	int64_t time_ns;   /* guest time */
	char during[TAPE_TEXT_BYTES], expected[TAPE_TEXT_BYTES], came[TAPE_TEXT_BYTES];
};

/**
 * Makes the file of options->record, and writes what the machine is. Once the machine's own clock
 * and spaces are there, and nothing else. NULL and a sentence.
 */
struct tape *tape_create(struct machine *machine, struct err *err);
/**
 * For a replay: 'reader' (taken over, also on failure) gives the heads; options_parse has to see
 * the words of tape_arguments before a machine is made of it. NULL and a sentence.
 */
struct tape *tape_open(struct tape_reader *reader, struct err *err);
/** argv of the recorded machine, ended by NULL; argv[0] is "hvmdm". Valid until tape_destroy. */
char **tape_arguments(struct tape *tape, int *count);
/** What else the options must say, after they have been parsed. */
void tape_adjust_options(const struct tape *tape, struct options *options);
/** The machine that replays it. */
void tape_attach(struct tape *tape, struct machine *machine);
/** Ends a recording or a replay. NULL is ignored; the machine's devices are gone. */
void tape_destroy(struct tape *tape);

bool tape_is_replay(const struct tape *tape);
/** The core has been made: it is described, and tapped. Of a replay: the recorded one's likeness.
 */
void tape_set_core(struct tape *tape, struct hv *hv);
struct hv *tape_create_core(struct tape *tape, const struct hv_config *config,
			    const struct hv_client *client, struct err *err);
/** The machine is complete: the events begin. 0, or -EINVAL and a sentence: the machine is not the
 * recorded one. */
int tape_begin_events(struct tape *tape, struct err *err);
/** A recording ends in good order. */
void tape_end_events(struct tape *tape);

/*
 * Events and effects. 'tape' may be NULL where it says so. tape_begin and tape_end embrace what
 * happens at an event; within another, it is marked as an inner one.
 */
void tape_begin(struct tape *tape, const struct tape_record *event);
void tape_end(struct tape *tape);
void tape_effect(struct tape *tape, const struct tape_record *effect);
/** The value of a read; 'is_certain' is false if it may come from memory that the processor writes
 * by itself: it is not compared. */
void tape_value(struct tape *tape, uint64_t value, bool is_certain);
void tape_sum(struct tape *tape, const void *data, size_t length, bool is_certain);
/** Are we inside of an event? 'tape' may be NULL. */
bool tape_is_within(const struct tape *tape);
/** A verb begins; false: it belongs to another event, and has no end. 'tape' may be NULL. */
bool tape_verb_begins(struct tape *tape, enum tape_verb verb);
/** A command of control by that name, if it changes the machine. As tape_verb_begins. */
bool tape_command_begins(struct tape *tape, const char *name, const char *json);
/** What a chip asks of the machine. */
void tape_power(struct tape *tape, unsigned request);

/* Where things from outside come in. */
const struct ram_ops *tape_ram_ops(void); /* 'opaque' is the tape */
/** Opens a drive's image, or what the replay has in its place. NULL and a sentence. */
struct block *tape_open_drive(struct tape *tape, unsigned drive, const struct drive_plan *plan,
			      struct err *err);
/** Control has a medium for a drive, or an empty one. Where 'block' is NULL, in a replay, returned
 * is what takes its place. NULL and a sentence. */
struct block *tape_bring_medium(struct tape *tape, const struct medium_slot *slot,
				struct block *block, struct err *err);
/** It lies in the drive now. */
void tape_insert_medium(struct tape *tape, const struct medium_slot *slot);
/** A character port for a device: 'inner' is the machine's; NULL and a sentence. */
struct chr *tape_wrap_chr(struct tape *tape, struct chr *inner, struct err *err);
/** A card's wire: to the back end's port, which is NULL in a replay. 0 or -ENOMEM. */
int tape_connect_net(struct tape *tape, struct net_port *card, struct net_port *backend,
		     struct err *err);
/** A replay gets the changes of links that came of what was just done. */
void tape_net_links(struct tape *tape);

/* For dm/replay.c. */
/** The record that comes next, state already applied; NULL at the end. */
const struct tape_record *tape_peek(struct tape *tape);
void tape_advance(struct tape *tape);
/** Notes a difference, if it is the first. 'came' is for people. */
void tape_differs(struct tape *tape, const char *came);
const struct tape_difference *tape_difference(const struct tape *tape);
const char *tape_complaint(const struct tape *tape);
uint64_t tape_events(const struct tape *tape);
int64_t tape_time_ns(const struct tape *tape);
/** Executes what the next record says, which is an event: set by dm/replay.c. */
void tape_set_player(struct tape *tape, void (*play)(void *opaque), void *opaque);
/** The event that is being played. */
void tape_note_event(struct tape *tape, const struct tape_record *event);
/** Events of the ends. False: there is no such thing. */
bool tape_play_disk(struct tape *tape, const struct tape_record *event);
bool tape_play_chr(struct tape *tape, const struct tape_record *event);
bool tape_play_net(struct tape *tape, const struct tape_record *event);
bool tape_play_timer(struct tape *tape, const struct tape_record *event);
