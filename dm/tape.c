// SPDX-License-Identifier: GPL-2.0-or-later
/* Events, effects, time and heads; the rest is in tape_*.c. */
#include "dm/tape.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/err.h"
#include "base/loop.h"
#include "dm/control_json.h"
#include "dm/machine.h"
#include "dm/options.h"
#include "dm/tape_internal.h"
#include "hv/replay.h"
#include "hw/rtc.h"

#define FLUSH_NS NS_PER_SECOND

bool tape_is_replay(const struct tape *tape)
{
	return tape && !tape->writer;
}

bool tape_is_live(const struct tape *tape)
{
	return tape->is_live && !tape->difference.is_found;
}

bool tape_is_within(const struct tape *tape)
{
	return tape && tape->depth > 0;
}

/* --- Recording --- */

void tape_put(struct tape *tape, const struct tape_record *record)
{
	uint8_t *room = tape_writer_room(tape->writer);

	tape_writer_commit(tape->writer, tape_record_encode(record, room));
}

static void flush(void *opaque)
{
	struct tape *tape = opaque;

	tape->flush_is_due = false;
	tape_writer_flush(tape->writer);
}

/** What happened is on the disk a second later at the latest; while nothing happens, nothing is
 * written. */
static void flush_soon(struct tape *tape)
{
	if (tape->flush_is_due || !tape_writer_is_dirty(tape->writer))
		return;
	tape->flush_is_due = true;
	loop_timer_set(tape->flush, clock_host_ns() + FLUSH_NS);
}

/* --- Replaying --- */

const struct tape_record *tape_peek(struct tape *tape)
{
	return tape->has_next ? &tape->next : NULL;
}

static void apply_time(struct tape *tape, uint64_t moved_ns)
{
	if (moved_ns > (uint64_t)(INT64_MAX / 2 - tape->time_ns))
		return;
	tape->time_ns += (int64_t)moved_ns;
	if (tape->machine)
		clock_set(&tape->machine->clock, tape->time_ns);
}

static void apply_state(struct tape *tape, const struct tape_record *record)
{
	bool fits = true;

	if (record->op == TAPE_TIME)
		apply_time(tape, record->values[0]);
	else if (record->op == TAPE_RAM)
		fits = tape_ram_apply(tape, record);
	else
		fits = tape_drives_apply(tape, record);
	if (!fits)
		tape_differs(tape, "a machine without the memory or the drive for it");
}

void tape_advance(struct tape *tape)
{
	do {
		tape->has_next = tape_reader_next(tape->reader, &tape->next);
		if (tape->has_next && tape_record_kind(tape->next.op) == TAPE_KIND_STATE)
			apply_state(tape, &tape->next);
	} while (tape->has_next && tape_record_kind(tape->next.op) == TAPE_KIND_STATE &&
		 !tape->difference.is_found);
}

void tape_differs(struct tape *tape, const char *came)
{
	struct tape_difference *difference = &tape->difference;

	if (difference->is_found)
		return;
	*difference = (struct tape_difference){
		.is_found = true,
		.event = tape->events,
		.position = tape_reader_position(tape->reader),
		.time_ns = tape->time_ns,
	};
	tape_record_print(&tape->event, difference->during);
	tape_record_print(&tape->next, difference->expected);
	snprintf(difference->came, sizeof(difference->came), "%s", came);
}

static void compare(struct tape *tape, const struct tape_record *effect, bool is_certain)
{
	char text[TAPE_TEXT_BYTES];

	/* A recording that was cut off within an event says nothing about the rest of it. */
	if (!tape->has_next)
		return;
	if (is_certain ? tape_record_equal(&tape->next, effect) : tape->next.op == effect->op) {
		tape_advance(tape);
		return;
	}
	tape_record_print(effect, text);
	tape_differs(tape, text);
}

bool tape_inner_is(struct tape *tape, enum tape_op op)
{
	return tape_is_live(tape) && tape->has_next && tape->next.is_inner && tape->next.op == op;
}

void tape_play_inner(struct tape *tape)
{
	if (tape->depth >= TAPE_MAX_DEPTH)
		tape_differs(tape, "an event within too many others");
	else
		tape->play(tape->play_opaque);
}

/** The core may let other processors finish, or deliver what it has collected. */
static void play_core_events(void *opaque)
{
	struct tape *tape = opaque;

	while (tape_is_live(tape) && tape->has_next && tape->next.is_inner &&
	       tape->next.op >= TAPE_IN && tape->next.op <= TAPE_CORE_EVENT)
		tape_play_inner(tape);
}

void tape_note_event(struct tape *tape, const struct tape_record *event)
{
	tape->event = *event;
	tape->event.blob = NULL;
	tape->event.blob_bytes = 0;
	tape->events++;
}

void tape_set_player(struct tape *tape, void (*play)(void *opaque), void *opaque)
{
	tape->play = play;
	tape->play_opaque = opaque;
}

const struct tape_difference *tape_difference(const struct tape *tape)
{
	return &tape->difference;
}

const char *tape_complaint(const struct tape *tape)
{
	return tape_reader_complaint(tape->reader);
}

uint64_t tape_events(const struct tape *tape)
{
	return tape->events;
}

int64_t tape_time_ns(const struct tape *tape)
{
	return tape->time_ns;
}

/* --- Both --- */

void tape_begin(struct tape *tape, const struct tape_record *event)
{
	struct tape_record record = *event;

	record.is_inner = tape->depth++ > 0;
	if (!record.is_inner)
		tape->is_latched = false;
	if (tape->writer && tape->is_live)
		tape_put(tape, &record);
}

void tape_end(struct tape *tape)
{
	if (--tape->depth == 0 && tape->writer)
		flush_soon(tape);
}

static void put_effect(struct tape *tape, const struct tape_record *effect, bool is_certain)
{
	if (!tape_is_live(tape))
		return;
	if (tape->writer)
		tape_put(tape, effect);
	else
		compare(tape, effect, is_certain);
}

void tape_effect(struct tape *tape, const struct tape_record *effect)
{
	put_effect(tape, effect, true);
}

void tape_value(struct tape *tape, uint64_t value, bool is_certain)
{
	put_effect(tape, &(struct tape_record){ .op = TAPE_VALUE, .values = { value } },
		   is_certain);
}

void tape_sum(struct tape *tape, const void *data, size_t length, bool is_certain)
{
	put_effect(tape,
		   &(struct tape_record){ .op = TAPE_SUM,
					  .values = { crc32(0, data, (uInt)length), length } },
		   is_certain);
}

bool tape_verb_begins(struct tape *tape, enum tape_verb verb)
{
	if (!tape || !tape->is_live || tape->depth > 0)
		return false;
	tape_begin(tape, &(struct tape_record){ .op = TAPE_VERB, .values = { verb } });
	return true;
}

/** What changes the machine by other ways than those that have records of their own. */
static bool changes_machine(const char *name)
{
	static const char *const names[] = {
		"stop",
		"cont",
		"system_wakeup",
		"eject",
		"change",
		"blockdev-change-medium",
		"blockdev-open-tray",
		"blockdev-close-tray",
		"blockdev-remove-medium",
		"cpu-add",
		"device_add",
		"device_del",
		"set_link",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

bool tape_command_begins(struct tape *tape, const char *name, const char *json)
{
	char text[1024];
	int length;

	if (!tape || !tape->is_live || tape->depth > 0 || !changes_machine(name))
		return false;
	length = snprintf(text, sizeof(text), "%s %s", name, json);
	tape_begin(tape, &(struct tape_record){
				 .op = TAPE_COMMAND,
				 .blob = (const uint8_t *)text,
				 .blob_bytes = min_size((size_t)length, sizeof(text) - 1) });
	return true;
}

void tape_power(struct tape *tape, unsigned request)
{
	tape_effect(tape, &(struct tape_record){ .op = TAPE_POWER, .values = { request } });
}

/* --- Time --- */

/** Within an event, time stands still: what it is then is on the tape once. */
static int64_t read_time(void *opaque)
{
	struct tape *tape = opaque;
	int64_t now = tape->machine ? clock_own_ns(&tape->machine->clock) : 0;

	if (!tape->writer || !tape->is_live || tape->depth == 0)
		return now;
	if (tape->is_latched)
		return tape->time_ns;
	tape->is_latched = true;
	if (now > tape->time_ns) {
		tape_put(tape,
			 &(struct tape_record){ .op = TAPE_TIME,
						.values = { (uint64_t)(now - tape->time_ns) } });
		tape->time_ns = now;
	}
	return tape->time_ns;
}

static void fire_timer(void *opaque, struct clock_timer *timer)
{
	struct tape *tape = opaque;
	uint64_t deadline = tape_from_signed(timer->deadline_ns - tape->time_ns);

	if (timer->is_host) {
		timer->fire(timer->opaque);
		return;
	}
	tape_begin(tape, &(struct tape_record){ .op = TAPE_TIMER, .values = { deadline } });
	timer->fire(timer->opaque);
	tape_end(tape);
}

/** The recorded machine's next timer had this deadline; that of ours may have another. */
bool tape_play_timer(struct tape *tape, const struct tape_record *event)
{
	struct clock *clock = &tape->machine->clock;
	struct clock_timer *timer, *found = NULL;
	int64_t deadline;

	if (__builtin_add_overflow(tape->time_ns, tape_to_signed(event->values[0]), &deadline))
		return false;
	list_for_each(timer, &clock->timers, struct clock_timer, node)
	{
		if (timer->is_host)
			continue;
		found = timer;
		break;
	}
	if (!found || found->deadline_ns != deadline) {
		char text[TAPE_TEXT_BYTES];

		snprintf(text, sizeof(text), "%s timer, of %lld instead of %lld ns",
			 found ? "another" : "no", (long long)(found ? found->deadline_ns : 0),
			 (long long)deadline);
		tape_differs(tape, text);
		return true;
	}
	tape_advance(tape);
	list_remove(&found->node);
	tape_begin(tape, event);
	found->fire(found->opaque);
	tape_end(tape);
	return true;
}

/* --- Wires --- */

static void see_irq(void *opaque, unsigned gsi, bool level)
{
	tape_effect(opaque, &(struct tape_record){ .op = TAPE_WIRE, .values = { gsi, level } });
}

static void see_intx(void *opaque, unsigned slot, unsigned pin, bool level)
{
	tape_effect(opaque,
		    &(struct tape_record){ .op = TAPE_INTX, .values = { slot, pin, level } });
}

static void see_link(void *opaque, unsigned link, unsigned isa_irq)
{
	tape_effect(opaque, &(struct tape_record){ .op = TAPE_LINK, .values = { link, isa_irq } });
}

static void see_pit(void *opaque, bool on)
{
	tape_effect(opaque, &(struct tape_record){ .op = TAPE_PIT, .values = { on } });
}

/* --- Input --- */

static void key_begins(void *opaque, unsigned key, bool down)
{
	tape_begin(opaque, &(struct tape_record){ .op = TAPE_KEY, .values = { key, down } });
}

static void move_begins(void *opaque, int dx, int dy, int dz, unsigned buttons)
{
	tape_begin(opaque,
		   &(struct tape_record){ .op = TAPE_MOVE,
					  .values = { tape_from_signed(dx), tape_from_signed(dy),
						      tape_from_signed(dz), buttons } });
}

static void move_to_begins(void *opaque, unsigned x, unsigned y, unsigned width, unsigned height,
			   int dz, unsigned buttons)
{
	tape_begin(opaque, &(struct tape_record){ .op = TAPE_MOVE_TO,
						  .values = { x, y, width, height,
							      tape_from_signed(dz), buttons } });
}

static void input_ends(void *opaque)
{
	tape_end(opaque);
}

static void keys_taken(void *opaque)
{
	struct tape *tape = opaque;

	while (!tape->writer && (tape_inner_is(tape, TAPE_KEY) || tape_inner_is(tape, TAPE_MOVE) ||
				 tape_inner_is(tape, TAPE_MOVE_TO)))
		tape_play_inner(tape);
}

/* --- The core --- */

/** By bit of TAPE_CORE. */
static bool *find_cap(struct hv_caps *caps, unsigned bit)
{
	bool *const all[] = {
		&caps->has_rtc,     &caps->has_hpet,       &caps->has_pm_timer,
		&caps->routes_pci,  &caps->has_firmware,   &caps->can_run,
		&caps->maps_pieces, &caps->restarts_guest, &caps->saves_guest,
	};

	return bit < ARRAY_SIZE(all) ? all[bit] : NULL;
}

static void put_core(struct tape *tape, struct hv *hv)
{
	struct hv_caps caps = hv->caps;
	uint64_t bits = 0;

	for (unsigned i = 0; find_cap(&caps, i); i++)
		bits |= (uint64_t)*find_cap(&caps, i) << i;
	tape_put(tape,
		 &(struct tape_record){ .op = TAPE_CORE,
					.values = { bits, caps.reserved_gpa, caps.reserved_bytes },
					.blob = (const uint8_t *)hv->ops->name,
					.blob_bytes = strlen(hv->ops->name) });
}

static void copy_text(char text[TAPE_NAME_BYTES], const struct tape_record *record)
{
	size_t length = min_size(record->blob_bytes, TAPE_NAME_BYTES - 1);

	if (length)
		memcpy(text, record->blob, length);
	text[length] = '\0';
}

static void take_core(struct tape *tape, const struct tape_record *record)
{
	for (unsigned i = 0; find_cap(&tape->caps, i); i++)
		*find_cap(&tape->caps, i) = (record->values[0] >> i & 1) != 0;
	tape->caps.reserved_gpa = record->values[1];
	tape->caps.reserved_bytes = record->values[2];
	copy_text(tape->core_name, record);
}

void tape_set_core(struct tape *tape, struct hv *hv)
{
	if (tape->writer)
		put_core(tape, hv);
	hv->tap = &tape->hv_tap;
}

struct hv *tape_create_core(struct tape *tape, const struct hv_config *config,
			    const struct hv_client *client, struct err *err)
{
	const struct hv_replay_config replay = {
		.name = tape->core_name,
		.caps = tape->caps,
		.opaque = tape,
		.may_deliver = play_core_events,
	};

	return hv_replay_create(config, client, &replay, err);
}

/* --- Heads --- */

enum {
	ARGUMENT_DROPPED,
	ARGUMENT_KEPT,
};

/** Words of the command line that say what the machine is. What concerns the host's side (sockets,
 * logs, viewers) is not the machine's, and a recording from elsewhere is not to open it. */
static bool describes_machine(const char *option)
{
	static const char *const names[] = {
		"machine", "M",           "m",         "smp",        "cpu",       "name",
		"uuid",    "boot",        "L",         "bios",       "fw_cfg",    "no-fd-bootchk",
		"smbios",  "no-acpi",     "no-hpet",   "drive",      "hda",       "hdb",
		"hdc",     "hdd",         "fda",       "fdb",        "cdrom",     "device",
		"global",  "vga",         "usb",       "usbdevice",  "serial",    "nic",
		"netdev",  "net",         "debugcon",  "nodefaults", "no-reboot", "kernel",
		"accel",   "no-shutdown", "xen-domid", "nographic",  "initrd",    "append",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(option, names[i]) == 0)
			return true;
	return false;
}

static void put_argument(struct tape *tape, const char *word)
{
	tape_put(tape,
		 &(struct tape_record){ .op = TAPE_ARGUMENT,
					.blob = (const uint8_t *)word,
					.blob_bytes = min_size(strlen(word), TAPE_MAX_BLOB) });
}

/** Which words are options is known by their dash: an argument that has one, too, is kept with its
 * option. */
static void put_arguments(struct tape *tape, char **argv)
{
	int state = ARGUMENT_DROPPED;

	for (size_t i = 1; argv && argv[0] && argv[i]; i++) {
		const char *word = argv[i];

		if (word[0] == '-' && word[1])
			state = describes_machine(word + 1 + (word[1] == '-')) ? ARGUMENT_KEPT
									       : ARGUMENT_DROPPED;
		if (state == ARGUMENT_KEPT)
			put_argument(tape, word);
	}
}

static bool take_head(struct tape *tape, const struct tape_record *record)
{
	char *word;

	switch (record->op) {
	case TAPE_ARGUMENT:
		if (tape->argument_count >= TAPE_MAX_ARGUMENTS)
			return false;
		word = strndup((const char *)record->blob, record->blob_bytes);
		if (!word)
			return false;
		tape->arguments[tape->argument_count++] = word;
		return true;
	case TAPE_CORE:
		take_core(tape, record);
		return true;
	case TAPE_OPTIONS:
		tape->start_s = tape_to_signed(record->values[0]);
		return true;
	case TAPE_IMAGE:
	case TAPE_MEDIA:
		return tape_drives_head(tape, record);
	default:
		return false;
	}
}

static int read_heads(struct tape *tape, struct err *err)
{
	struct tape_record record;

	tape->arguments[tape->argument_count++] = strdup("hvmdm");
	while (tape_reader_next(tape->reader, &record)) {
		if (record.op == TAPE_BEGIN)
			return 0;
		if (!take_head(tape, &record))
			return err_set(err, -EINVAL,
				       "the recording begins with something else than a machine");
	}
	return err_set(err, -EINVAL, "%s",
		       tape_complaint(tape) ? tape_complaint(tape)
					    : "the recording ends before its machine is built");
}

char **tape_arguments(struct tape *tape, int *count)
{
	*count = tape->argument_count;
	return tape->arguments;
}

void tape_adjust_options(const struct tape *tape, struct options *options)
{
	options->rtc_start_s = tape->start_s;
	options->rtc_follows_guest = true;
	options->rtc_localtime = false;
	options->nographic = false;
	for (size_t i = 0; i < options->serials.count; i++)
		if (strcmp(options->serials.items[i], "none") != 0)
			options->serials.items[i] = "null";
	if (options->debugcon)
		options->debugcon = "null";
}

int tape_begin_events(struct tape *tape, struct err *err)
{
	tape->machine->clock.tap = &tape->clock_tap;
	tape->machine->input.tap = &tape->input_tap;
	if (tape->writer) {
		tape_put(tape, &(struct tape_record){ .op = TAPE_BEGIN });
		tape_writer_flush(tape->writer);
	}
	tape->is_live = true;
	if (tape->writer)
		tape_ends_begin(tape);
	for (unsigned i = 0; !tape->writer && i < TAPE_DRIVES; i++) {
		const struct tape_drive *drive = &tape->drives[i];

		if (drive->has_image && !drive->block)
			return err_set(err, -EINVAL,
				       "the recorded machine had a drive %u, this one has none", i);
	}
	if (!tape->writer)
		tape_advance(tape);
	return 0;
}

void tape_end_events(struct tape *tape)
{
	if (tape->writer && tape->is_live)
		tape_put(tape, &(struct tape_record){ .op = TAPE_END });
	tape->is_live = false;
}

/* --- Lifetime --- */

static struct tape *allocate(struct err *err)
{
	struct tape *tape = calloc(1, sizeof(*tape));

	if (tape)
		tape->shadows = calloc(TAPE_SHADOWS, sizeof(*tape->shadows));
	if (!tape || !tape->shadows) {
		err_set_errno(err, -ENOMEM, "recording");
		free(tape);
		return NULL;
	}
	tape->start_s = INT64_MIN;
	tape->clock_tap = (struct clock_tap){ tape, read_time, fire_timer };
	tape->hv_tap = (struct hv_tap){ tape, see_irq, see_intx, see_link, see_pit };
	tape->input_tap = (struct input_tap){ tape,           key_begins, move_begins,
					      move_to_begins, input_ends, keys_taken };
	tape_drives_init(tape);
	tape_ends_init(tape);
	return tape;
}

/** The clock of a recorded guest follows guest time, so that it tells the same in a replay. */
static void settle_start(struct tape *tape, struct options *options)
{
	int64_t start = options->rtc_start_s;

	if (start == INT64_MIN)
		start = clock_wall_ns() / NS_PER_SECOND;
	if (options->rtc_localtime)
		start += rtc_local_offset_s();
	tape->start_s = options->rtc_start_s = start;
	options->rtc_localtime = false;
	options->rtc_follows_guest = true;
	tape_put(tape, &(struct tape_record){ .op = TAPE_OPTIONS,
					      .values = { tape_from_signed(start) } });
}

struct tape *tape_create(struct machine *machine, struct err *err)
{
	struct tape *tape = allocate(err);

	if (!tape)
		return NULL;
	tape->machine = machine;
	tape->keeps_media = machine->options->record_media;
	tape->writer = tape_writer_create(machine->options->record, err);
	tape->flush = tape->writer ? loop_timer_create(machine->loop, flush, tape) : NULL;
	if (!tape->flush) {
		if (tape->writer)
			err_set_errno(err, -ENOMEM, "cannot set up timers");
		tape_destroy(tape);
		return NULL;
	}
	put_arguments(tape, machine->options->arguments);
	settle_start(tape, machine->options);
	return tape;
}

struct tape *tape_open(struct tape_reader *reader, struct err *err)
{
	struct tape *tape = allocate(err);

	if (!tape) {
		tape_reader_close(reader);
		return NULL;
	}
	tape->reader = reader;
	if (read_heads(tape, err) == 0)
		return tape;
	tape_destroy(tape);
	return NULL;
}

void tape_attach(struct tape *tape, struct machine *machine)
{
	tape->machine = machine;
}

void tape_destroy(struct tape *tape)
{
	if (!tape)
		return;
	if (tape->flush)
		loop_timer_destroy(tape->flush);
	tape_drives_finish(tape);
	tape_ends_finish(tape);
	tape_writer_destroy(tape->writer);
	tape_reader_close(tape->reader);
	for (int i = 0; i < tape->argument_count; i++)
		free(tape->arguments[i]);
	free(tape->shadows);
	free(tape);
}
