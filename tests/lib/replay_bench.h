// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Recordings for tests: made by a machine without processors, taken apart into their records, and
 * played to a machine that is built from them.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "dm/dispatch.h"
#include "dm/machine.h"
#include "dm/options.h"
#include "dm/replay.h"
#include "dm/tape.h"
#include "dm/tape_file.h"

enum {
	REPLAY_BENCH_WORDS = 64,
};

/** Records in memory, as tape_reader_open_bytes takes them. */
struct replay_bench_bytes {
	uint8_t *bytes;
	size_t length;
};

static inline void replay_bench_add(struct replay_bench_bytes *all,
				    const struct tape_record *record)
{
	all->bytes = realloc(all->bytes, all->length + TAPE_MAX_RECORD);
	if (!all->bytes)
		abort();
	all->length += tape_record_encode(record, all->bytes + all->length);
}

/** All records of a file, each changed by 'change' (NULL: none is) by its number from 0. */
static inline bool replay_bench_load(struct replay_bench_bytes *all, const char *path,
				     void (*change)(struct tape_record *record, unsigned number))
{
	struct err err = { 0 };
	struct tape_reader *reader = tape_reader_open(path, &err);
	struct tape_record record;
	bool is_whole;

	*all = (struct replay_bench_bytes){ 0 };
	if (!reader)
		return false;
	for (unsigned number = 0; tape_reader_next(reader, &record); number++) {
		if (change)
			change(&record, number);
		replay_bench_add(all, &record);
	}
	is_whole = tape_reader_complaint(reader) == NULL;
	tape_reader_close(reader);
	return is_whole;
}

struct replay_bench {
	struct options options;
	struct machine *machine;
	struct tape *tape; /* the machine's */
};

/** A machine for what 'reader' (taken over) holds. False and a sentence. */
static inline bool replay_bench_build(struct replay_bench *bench, struct tape_reader *reader,
				      struct err *err)
{
	char **words;
	int count;

	memset(bench, 0, sizeof(*bench));
	bench->tape = tape_open(reader, err);
	if (!bench->tape)
		return false;
	words = tape_arguments(bench->tape, &count);
	if (options_parse(&bench->options, count, words, err) == OPTIONS_RUN) {
		tape_adjust_options(bench->tape, &bench->options);
		bench->options.tape = bench->tape;
		bench->machine = machine_create(&bench->options, err);
	} else {
		tape_destroy(bench->tape);
	}
	if (!bench->machine)
		options_finish(&bench->options);
	return bench->machine != NULL;
}

static inline void replay_bench_finish(struct replay_bench *bench)
{
	machine_destroy(bench->machine);
	options_finish(&bench->options);
}
