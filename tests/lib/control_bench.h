// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A machine without a board, and a client of its control whose bytes come from the test and go into
 * a buffer.
 */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "base/chr.h"
#include "base/err.h"
#include "base/loop.h"
#include "dm/control.h"
#include "dm/machine.h"
#include "dm/options.h"

enum {
	CONTROL_BENCH_OUT = 1 << 20,
};

struct control_bench {
	struct options options;
	struct machine *machine;
	struct chr chr;
	bool is_stuck; /* the client reads nothing */
	size_t out_length;
	char out[CONTROL_BENCH_OUT]; /* the last bytes are dropped when it is full; ended by NUL */
};

static inline size_t control_bench_write(struct chr *chr, const void *bytes, size_t count)
{
	struct control_bench *bench = container_of(chr, struct control_bench, chr);
	size_t room = CONTROL_BENCH_OUT - 1 - bench->out_length;

	if (bench->is_stuck)
		return 0;
	memcpy(bench->out + bench->out_length, bytes, min_size(count, room));
	bench->out_length += min_size(count, room);
	bench->out[bench->out_length] = '\0';
	return count;
}

static inline void control_bench_forget(struct control_bench *bench)
{
	bench->out_length = 0;
	bench->out[0] = '\0';
}

/** False with a sentence in 'err'. Afterwards the machine lock is held. */
static inline bool control_bench_init(struct control_bench *bench, enum control_mode mode,
				      struct err *err)
{
	static const struct chr_ops ops = { .write = control_bench_write };
	static char label[] = "bench", filename[] = "memory";
	static char program[] = "hvmdm", option[] = "-machine", board[] = "none,accel=qtest";
	static char name_option[] = "-name", name[] = "bench";
	char *args[] = { program, option, board, name_option, name, NULL };

	memset(bench, 0, sizeof(*bench));
	if (options_parse(&bench->options, (int)ARRAY_SIZE(args) - 1, args, err) != OPTIONS_RUN)
		return false;
	bench->machine = machine_create(&bench->options, err);
	if (!bench->machine)
		return false;
	lock_acquire(&bench->machine->lock);
	bench->chr =
		(struct chr){ .ops = &ops, .label = label, .filename = filename, .open = true };
	return control_serve(bench->machine->control, &bench->chr, mode) == 0;
}

static inline void control_bench_finish(struct control_bench *bench)
{
	lock_release(&bench->machine->lock);
	machine_destroy(bench->machine);
	options_finish(&bench->options);
}

/** The client says 'count' bytes, in pieces of at most 'piece'. False if it is not listened to. */
static inline bool control_bench_say(struct control_bench *bench, const char *bytes, size_t count,
				     size_t piece)
{
	while (count) {
		const struct chr_client *client = &bench->chr.client;
		size_t room = client->can_receive ? client->can_receive(client->opaque) : 0;
		size_t part = min_size(min_size(piece, count), room);

		if (!part)
			return false;
		client->receive(client->opaque, (const uint8_t *)bytes, part);
		bytes += part;
		count -= part;
	}
	return true;
}
