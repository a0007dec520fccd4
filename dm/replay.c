// SPDX-License-Identifier: GPL-2.0-or-later
#include "dm/replay.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/log.h"
#include "dm/control_internal.h"
#include "dm/dispatch.h"
#include "dm/machine.h"
#include "dm/options.h"
#include "dm/sandbox.h"
#include "dm/tape.h"
#include "dm/tape_file.h"

enum {
	EXIT_UNPLAYABLE = 1,
	EXIT_DIFFERS = 2,
	IO_MAX_BYTES = TAPE_MAX_BLOB,
};

struct player {
	struct machine *machine;
	struct tape *tape;
	struct hv_client client;
};

/* Every function below gets an event of the tape, with its bytes copied, and the tape already
 * stands behind it. False: no machine could have met such an event. */

static bool is_size(uint64_t size, unsigned most)
{
	return size == 1 || size == 2 || size == 4 || (size == 8 && most == 8);
}

static bool play_port(struct player *player, const struct tape_record *event)
{
	uint64_t port = event->values[0], size = event->values[1];
	uint8_t data[8];

	if (!is_size(size, 4) || port > UINT16_MAX)
		return false;
	store_le(data, 8, event->values[2]);
	player->client.pio(player->machine, (uint16_t)port, event->op == TAPE_IN, (unsigned)size,
			   data, 1);
	return true;
}

static bool play_string(struct player *player, const struct tape_record *event)
{
	uint64_t port = event->values[0], size = event->values[1], bytes;
	bool is_read = event->op == TAPE_INS;
	uint8_t *data;

	if (!is_size(size, 4) || port > UINT16_MAX)
		return false;
	if (__builtin_mul_overflow(event->values[2], size, &bytes) || bytes > IO_MAX_BYTES)
		return false;
	if (!is_read)
		bytes = event->blob_bytes;
	if (bytes < size || bytes % size)
		return false;
	data = calloc(1, (size_t)bytes);
	if (!data)
		return false;
	if (!is_read)
		memcpy(data, event->blob, (size_t)bytes);
	player->client.pio(player->machine, (uint16_t)port, is_read, (unsigned)size, data,
			   (uint32_t)(bytes / size));
	free(data);
	return true;
}

static bool play_access(struct player *player, const struct tape_record *event)
{
	uint64_t size = event->values[1];
	uint8_t data[8];

	if (size < 1 || size > 8)
		return false;
	store_le(data, 8, event->values[2]);
	player->client.mmio(player->machine, event->values[0], event->op == TAPE_READ,
			    (unsigned)size, data);
	return true;
}

static bool play_config(struct player *player, const struct tape_record *event)
{
	uint64_t offset = event->values[1], size = event->values[2];
	uint8_t data[4];

	if (!is_size(size, 4) || offset > 4096 - size || event->values[0] > UINT16_MAX)
		return false;
	store_le(data, 4, event->values[3]);
	player->client.pci_config(player->machine, (uint32_t)event->values[0], (unsigned)offset,
				  event->op == TAPE_CONFIG_READ, (unsigned)size, data);
	return true;
}

static bool play_collected(struct player *player, const struct tape_record *event)
{
	uint64_t size = event->values[2];
	uint8_t data[8];

	if (size < 1 || size > 8)
		return false;
	store_le(data, 8, event->values[3]);
	player->client.collected(player->machine, event->values[0] != 0, event->values[1],
				 (unsigned)size, data);
	return true;
}

static bool play_memory(struct player *player, const struct tape_record *event)
{
	bool is_read = event->op == TAPE_LOAD;
	uint64_t bytes = is_read ? event->values[1] : event->blob_bytes;
	uint8_t *data;

	if (!bytes || bytes > IO_MAX_BYTES)
		return false;
	data = calloc(1, (size_t)bytes);
	if (!data)
		return false;
	if (!is_read)
		memcpy(data, event->blob, (size_t)bytes);
	player->client.memory(player->machine, event->values[0], is_read, data, (size_t)bytes);
	free(data);
	return true;
}

static bool play_core_event(struct player *player, const struct tape_record *event)
{
	if (event->values[0] > HV_FAILED)
		return false;
	player->client.event(player->machine, (enum hv_event)event->values[0],
			     "the recorded core could not go on");
	return true;
}

static bool play_input(struct player *player, const struct tape_record *event)
{
	struct input *input = &player->machine->input;
	const uint64_t *v = event->values;

	if (event->op == TAPE_KEY)
		input_key(input, (unsigned)v[0], v[1] != 0);
	else if (event->op == TAPE_MOVE)
		input_move(input, (int16_t)tape_to_signed(v[0]), (int16_t)tape_to_signed(v[1]),
			   (int8_t)tape_to_signed(v[2]), (unsigned)v[3]);
	else
		input_move_to(input, (unsigned)v[0], (unsigned)v[1], (uint16_t)v[2], (uint16_t)v[3],
			      (int8_t)tape_to_signed(v[4]), (unsigned)v[5]);
	return true;
}

static void run_command(struct machine *machine, char *words)
{
	struct control_call call = { .control = machine->control, .machine = machine };
	char *json = strchr(words, ' ');
	struct json_object *arguments;

	if (!json)
		return;
	*json++ = '\0';
	arguments = json_tokener_parse(json);
	if (arguments && json_object_is_type(arguments, json_type_object))
		control_run(&call, words, arguments);
	else
		json_object_put(arguments);
	json_object_put(call.result);
}

/** Only commands that a recording writes down are carried out. */
static bool play_command(struct player *player, const struct tape_record *event)
{
	char *words = strndup((const char *)event->blob, event->blob_bytes);
	char *name = words ? strndup(words, strcspn(words, " ")) : NULL;
	bool known = name && tape_command_begins(player->tape, name, "");

	if (known) {
		run_command(player->machine, words);
		tape_end(player->tape);
	}
	free(name);
	free(words);
	return known;
}

static bool play_verb(struct player *player, const struct tape_record *event)
{
	struct machine *machine = player->machine;

	switch (event->values[0]) {
	case TAPE_VERB_CONT:
		machine_cont(machine, NULL);
		return true;
	case TAPE_VERB_STOP:
		machine_stop(machine);
		return true;
	case TAPE_VERB_RESET:
		machine_reset(machine, "replay");
		return true;
	case TAPE_VERB_POWERDOWN:
		machine_powerdown(machine);
		return true;
	case TAPE_VERB_WAKEUP:
		machine_wakeup(machine, NULL);
		return true;
	case TAPE_VERB_QUIT:
		machine_quit(machine, "replay", 0);
		return true;
	default:
		return false;
	}
}

static bool play_disk(struct player *player, const struct tape_record *event)
{
	return tape_play_disk(player->tape, event);
}

static bool play_chr(struct player *player, const struct tape_record *event)
{
	return tape_play_chr(player->tape, event);
}

static bool play_net(struct player *player, const struct tape_record *event)
{
	return tape_play_net(player->tape, event);
}

static bool play_request(struct player *player, const struct tape_record *event)
{
	(void)event;
	return machine_replay_request(player->machine);
}

struct row {
	bool (*play)(struct player *player, const struct tape_record *event);
	bool takes_lock; /* a hook of the core, which takes the lock itself */
};

static const struct row rows[TAPE_OP_COUNT] = {
	[TAPE_IN] = { play_port, true },
	[TAPE_OUT] = { play_port, true },
	[TAPE_INS] = { play_string, true },
	[TAPE_OUTS] = { play_string, true },
	[TAPE_READ] = { play_access, true },
	[TAPE_WRITE] = { play_access, true },
	[TAPE_CONFIG_READ] = { play_config, true },
	[TAPE_CONFIG_WRITE] = { play_config, true },
	[TAPE_COLLECTED] = { play_collected, false },
	[TAPE_STORE] = { play_memory, true },
	[TAPE_LOAD] = { play_memory, true },
	[TAPE_CORE_EVENT] = { play_core_event, true },
	[TAPE_KEY] = { play_input, false },
	[TAPE_MOVE] = { play_input, false },
	[TAPE_MOVE_TO] = { play_input, false },
	[TAPE_CHR_IN] = { play_chr, false },
	[TAPE_CHR_ROOM] = { play_chr, false },
	[TAPE_CHR_EVENT] = { play_chr, false },
	[TAPE_NET_IN] = { play_net, false },
	[TAPE_NET_ROOM] = { play_net, false },
	[TAPE_NET_LINK] = { play_net, false },
	[TAPE_DISK_DONE] = { play_disk, false },
	[TAPE_COMMAND] = { play_command, false },
	[TAPE_VERB] = { play_verb, false },
	[TAPE_REQUEST] = { play_request, false },
};

static bool play_event(struct player *player, const struct tape_record *event)
{
	const struct row *row = &rows[event->op];
	bool played;

	if (!row->play)
		return false;
	if (row->takes_lock)
		lock_release(&player->machine->lock);
	played = row->play(player, event);
	if (row->takes_lock)
		lock_acquire(&player->machine->lock);
	return played;
}

/** Plays the next record, which is an event, with all that belongs to it. */
static void play(void *opaque)
{
	struct player *player = opaque;
	struct tape *tape = player->tape;
	struct tape_record event = *tape_peek(tape);
	uint8_t *blob = malloc(event.blob_bytes + 1);
	bool played = false;

	tape_note_event(tape, &event);
	if (blob) {
		if (event.blob_bytes)
			memcpy(blob, event.blob, event.blob_bytes);
		event.blob = blob;
		if (event.op == TAPE_TIMER) {
			played = tape_play_timer(tape, &event);
		} else {
			tape_advance(tape);
			played = play_event(player, &event);
		}
	}
	if (!played)
		tape_differs(tape, event.op == TAPE_DISK_HELD
					   ? "an error of the recording host's disk, which cannot "
					     "be replayed"
					   : "a machine to which this cannot happen");
	free(blob);
}

/** True while there is something to play. */
static bool stands_at_event(struct tape *tape)
{
	const struct tape_record *next = tape_peek(tape);

	if (!next || tape_difference(tape)->is_found)
		return false;
	if (next->op == TAPE_END && !next->is_inner)
		return false;
	if (tape_record_kind(next->op) == TAPE_KIND_EVENT && !next->is_inner)
		return true;
	tape_differs(tape, "nothing");
	return false;
}

enum replay_result replay_run(struct machine *machine)
{
	struct player player = { .machine = machine, .tape = machine->tape };
	const struct tape_record *last;

	dispatch_client(machine, &player.client);
	tape_set_player(player.tape, play, &player);
	lock_acquire(&machine->lock);
	while (stands_at_event(player.tape))
		play(&player);
	lock_release(&machine->lock);
	if (tape_difference(player.tape)->is_found)
		return REPLAY_DIFFERS;
	last = tape_peek(player.tape);
	return last && last->op == TAPE_END ? REPLAY_EQUAL : REPLAY_CUT_OFF;
}

/* --- The program --- */

static void print_report(const struct tape *tape, enum replay_result result, int64_t took_ns)
{
	const struct tape_difference *difference = tape_difference(tape);
	double guest_s = (double)tape_time_ns(tape) / 1e9;

	if (result == REPLAY_DIFFERS) {
		printf("difference at event %" PRIu64 ", record at byte %" PRIu64
		       ", guest time %.6f s\n"
		       "  during:   %s\n  recorded: %s\n  came:     %s\n",
		       difference->event, difference->position, guest_s, difference->during,
		       difference->expected, difference->came);
		return;
	}
	if (result == REPLAY_CUT_OFF)
		printf("%s: what there is of it is replayed\n",
		       tape_complaint(tape) ? tape_complaint(tape)
					    : "the recording has no end (the device model was "
					      "killed, or runs)");
	printf("no difference: %" PRIu64 " events, %.3f s of guest time, in %.3f s\n",
	       tape_events(tape), guest_s, (double)took_ns / 1e9);
}

/** What a replay's options say beside the recording's. */
static int finish_options(struct options *options, const struct options *given, struct tape *tape,
			  struct err *err)
{
	tape_adjust_options(tape, options);
	options->replay_writes = given->replay_writes;
	options->sandbox = given->sandbox;
	options->sandbox_chosen = given->sandbox_chosen;
	for (size_t i = 0; i < options->drives.count; i++) {
		struct opts *drive = &options->drives.items[i];
		const char *file = opts_get(drive, "file");
		const char *name = file ? strrchr(file, '/') : NULL;
		char path[4096];

		if (file && given->replay_images) {
			snprintf(path, sizeof(path), "%s/%s", given->replay_images,
				 name ? name + 1 : file);
			if (opts_set(drive, "file", path) < 0)
				return err_set_errno(err, -ENOMEM, "-replay");
		}
		/* What the guest writes is not to change an image that somebody may need. */
		if (file && !given->replay_writes &&
		    strcmp(opts_get_or(drive, "media", "disk"), "cdrom") != 0 &&
		    opts_set(drive, "snapshot", "on") < 0)
			return err_set_errno(err, -ENOMEM, "-replay");
	}
	return 0;
}

static struct machine *build(struct options *options, struct tape *tape, struct err *err)
{
	struct sandbox sandbox;
	struct machine *machine = NULL;

	if (sandbox_prepare(&sandbox, options, err) == 0)
		machine = machine_create(options, err);
	if (!machine || sandbox_enter(&sandbox, err) == 0)
		return machine;
	(void)tape;
	machine_destroy(machine);
	return NULL;
}

static int play_tape(struct tape *tape, const struct options *given, struct err *err)
{
	struct options options;
	struct machine *machine = NULL;
	enum replay_result result;
	int64_t began;
	int count, status = EXIT_UNPLAYABLE;
	char **words = tape_arguments(tape, &count);

	if (options_parse(&options, count, words, err) == OPTIONS_RUN &&
	    finish_options(&options, given, tape, err) == 0) {
		options.tape = tape;
		machine = build(&options, tape, err);
	}
	if (machine) {
		began = clock_host_ns();
		result = replay_run(machine);
		print_report(tape, result, clock_host_ns() - began);
		status = result == REPLAY_DIFFERS ? EXIT_DIFFERS : 0;
		machine_destroy(machine); /* and the tape */
	} else if (!options.tape) {
		tape_destroy(tape);
	}
	options_finish(&options);
	return status;
}

int replay_main(const struct options *options)
{
	struct err err = { 0 };
	struct tape_reader *reader = tape_reader_open(options->replay, &err);
	struct tape *tape = reader ? tape_open(reader, &err) : NULL;
	int status = tape ? play_tape(tape, options, &err) : EXIT_UNPLAYABLE;

	if (status == EXIT_UNPLAYABLE) {
		err_prefix(&err, "-replay %s", options->replay);
		log_error("%s", err.text);
	}
	return status;
}
