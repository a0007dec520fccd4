// SPDX-License-Identifier: GPL-2.0-or-later
#include "dm/typist.h"

#include <errno.h>
#include <linux/input-event-codes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/input.h"
#include "base/utf8.h"
#include "dm/machine.h"
#include "dm/options.h"
#include "vnc/keymap.h"

enum typist_modifier {
	MODIFIER_SHIFT = 1,
	MODIFIER_ALTGR = 2,
	MODIFIER_CTRL = 4,
	MODIFIER_ALT = 8,
	MODIFIERS = 4,
};

enum {
	LED_CAPS = 4,
	STEP_BUDGET = 256, /* presses and releases in one go */
	/* BIOS data area: head and tail of the ring of keys, 16 words at 40:1Eh. */
	BDA_KEY_HEAD = 0x41a,
	BDA_RING_START = 0x1e,
	BDA_RING_END = 0x3e,
	BIOS_ENOUGH = 8, /* keys in the ring of 15 */
	CONTROL_CHARACTERS = 0x20,
};

#define TYPIST_POLL_NS          (5 * NS_PER_MS)
#define TYPIST_BREATH_MAX_NS    (250 * NS_PER_MS)
#define TYPIST_BREATH_LOADED_NS (100 * NS_PER_MS)
/* What the guest does so long after the last text is not about that any more. */
#define TYPIST_REST_NS          (NS_PER_SECOND)
#define TYPIST_MEASURE_NS       (20 * NS_PER_MS)
/* A core that cannot tell whether the guest is idle. */
#define TYPIST_BREATH_BLIND_NS  (50 * NS_PER_MS)
/* A ring that stays full is one that nobody reads any more. */
#define TYPIST_BIOS_MAX_NS      (2 * NS_PER_SECOND)

struct job {
	struct list_node node;
	struct typist_options options;
	struct typist_progress progress;
	const char *next; /* in 'text' */
	char text[];
};

static const uint8_t modifier_keys[MODIFIERS] = { KEY_LEFTSHIFT, KEY_RIGHTALT, KEY_LEFTCTRL,
						  KEY_LEFTALT };

static struct job *first_job(const struct typist *typist)
{
	return list_is_empty(&typist->jobs) ? NULL
					    : container_of(typist->jobs.next, struct job, node);
}

static const struct keymap *guest_keymap(const struct typist *typist)
{
	const char *name = typist->machine->options->keymap;
	const struct keymap *map = name ? keymap_find(name) : NULL;

	return map ? map : keymap_find("en-us");
}

/* --- From characters to keys --- */

static void queue_key(struct typist *typist, uint8_t key, bool down)
{
	if (typist->queue_count == TYPIST_QUEUE)
		return;
	typist->queue[(typist->queue_head + typist->queue_count++) % TYPIST_QUEUE] =
		(struct typist_key){ key, down };
}

/** Presses and releases modifiers until 'wanted' are down. */
static void queue_modifiers(struct typist *typist, unsigned wanted)
{
	for (unsigned i = 0; i < MODIFIERS; i++)
		if ((typist->held & ~wanted) >> i & 1)
			queue_key(typist, modifier_keys[i], false);
	for (unsigned i = 0; i < MODIFIERS; i++)
		if ((wanted & ~typist->held) >> i & 1)
			queue_key(typist, modifier_keys[i], true);
	typist->held = wanted;
}

static void queue_stroke(struct typist *typist, unsigned modifiers, uint8_t key)
{
	queue_modifiers(typist, modifiers);
	queue_key(typist, key, true);
	queue_key(typist, key, false);
}

static unsigned level_modifiers(const struct typist *typist, enum keymap_level level, bool letter)
{
	bool caps = letter && (typist->machine->input.leds & LED_CAPS);

	switch (level) {
	case KEYMAP_PLAIN:
		return caps ? MODIFIER_SHIFT : 0;
	case KEYMAP_SHIFT:
		return caps ? 0 : MODIFIER_SHIFT;
	case KEYMAP_ALTGR:
		return MODIFIER_ALTGR;
	default:
		return 0;
	}
}

/** The key of a control character: most have one of their own. 0: it is Ctrl and a letter. */
static uint8_t control_key(uint32_t character)
{
	switch (character) {
	case '\n':
	case '\r':
		return KEY_ENTER;
	case '\t':
		return KEY_TAB;
	case '\b':
		return KEY_BACKSPACE;
	case '\033':
		return KEY_ESC;
	default:
		return 0;
	}
}

/** The letter that Ctrl makes 'character' of, or 0. */
static uint32_t control_letter(uint32_t character)
{
	return character >= 1 && character <= 26 ? character - 1 + 'a' : 0;
}

static void queue_control(struct typist *typist, const struct keymap *map, uint32_t character)
{
	struct keymap_choice strokes[KEYMAP_STROKES_MAX];
	uint8_t key = control_key(character);

	if (key)
		queue_stroke(typist, 0, key);
	else if (keymap_spell(map, control_letter(character), strokes) == 1)
		queue_stroke(typist, MODIFIER_CTRL, (uint8_t)strokes[0].key);
}

/** Windows: Alt held, 0 and the decimal code on the number pad. */
static void queue_alt_numpad(struct typist *typist, uint32_t character)
{
	static const uint8_t pad[10] = { KEY_KP0, KEY_KP1, KEY_KP2, KEY_KP3, KEY_KP4,
					 KEY_KP5, KEY_KP6, KEY_KP7, KEY_KP8, KEY_KP9 };
	char digits[16];

	snprintf(digits, sizeof(digits), "0%u", character);
	for (const char *digit = digits; *digit; digit++)
		queue_stroke(typist, MODIFIER_ALT, pad[*digit - '0']);
	queue_modifiers(typist, 0);
}

/** GTK and IBus: Ctrl, Shift and u, the code in hex, Enter. */
static void queue_ctrl_shift_u(struct typist *typist, const struct keymap *map, uint32_t character)
{
	struct keymap_choice strokes[KEYMAP_STROKES_MAX];
	char digits[16];

	if (keymap_spell(map, 'u', strokes) == 1)
		queue_stroke(typist, MODIFIER_CTRL | MODIFIER_SHIFT, (uint8_t)strokes[0].key);
	snprintf(digits, sizeof(digits), "%x", character);
	for (const char *digit = digits; *digit; digit++)
		if (keymap_spell(map, (uint8_t)*digit, strokes) == 1)
			queue_stroke(typist, level_modifiers(typist, strokes[0].level, false),
				     (uint8_t)strokes[0].key);
	queue_stroke(typist, 0, KEY_ENTER);
}

static void queue_character(struct typist *typist, const struct job *job, uint32_t character)
{
	const struct keymap *map = job->options.keymap;
	struct keymap_choice strokes[KEYMAP_STROKES_MAX];
	unsigned count;

	if (character < CONTROL_CHARACTERS) {
		queue_control(typist, map, character);
		return;
	}
	count = keymap_spell(map, character, strokes);
	for (unsigned i = 0; i < count; i++)
		queue_stroke(typist,
			     level_modifiers(typist, strokes[i].level, keymap_is_letter(character)),
			     (uint8_t)strokes[i].key);
	if (count == 0 && job->options.unicode == TYPIST_UNICODE_ALT_NUMPAD)
		queue_alt_numpad(typist, character);
	else if (count == 0 && job->options.unicode == TYPIST_UNICODE_CTRL_SHIFT_U)
		queue_ctrl_shift_u(typist, map, character);
}

/* --- The guest's pace --- */

/** Head and tail of the BIOS's ring. False if what stands there is none. */
static bool read_bios_ring(struct typist *typist, uint16_t *head, uint16_t *tail)
{
	uint8_t words[4];

	if (!ram_read(&typist->machine->ram, BDA_KEY_HEAD, words, sizeof(words)))
		return false;
	*head = load_le16(words);
	*tail = load_le16(words + 2);
	return *head >= BDA_RING_START && *head < BDA_RING_END && !(*head & 1) &&
	       *tail >= BDA_RING_START && *tail < BDA_RING_END && !(*tail & 1);
}

/** True while the BIOS collects keys and has enough. */
static bool bios_is_behind(struct typist *typist, int64_t now)
{
	unsigned size = BDA_RING_END - BDA_RING_START;
	uint16_t head, tail;

	if (!read_bios_ring(typist, &head, &tail)) {
		typist->bios_collects = false;
		return false;
	}
	if (tail != typist->bios_tail)
		typist->bios_collects = true;
	typist->bios_tail = tail;
	if (!typist->bios_collects ||
	    (tail + size - head) % size < BIOS_ENOUGH * sizeof(uint16_t)) {
		typist->bios_full_since_ns = now;
		return false;
	}
	if (now - typist->bios_full_since_ns < TYPIST_BIOS_MAX_NS)
		return true;
	typist->bios_collects = false;
	return false;
}

static uint64_t guest_cpu_ns(const struct typist *typist)
{
	struct hv_stats stats = { 0 };

	hv_get_stats(typist->machine->hv, &stats);
	return stats.cpu_ns;
}

static void start_breath(struct typist *typist, int64_t now)
{
	typist->since_breath = 0;
	typist->breathing = true;
	typist->breath_start_ns = typist->window_start_ns = now;
	typist->window_cpu_ns = guest_cpu_ns(typist);
}

/** Looks at the guest before the first character of a text that follows none. */
static void start_measuring(struct typist *typist)
{
	int64_t now = clock_now_ns(&typist->machine->clock);

	if (now - typist->done_ns < TYPIST_REST_NS || guest_cpu_ns(typist) == 0)
		return;
	start_breath(typist, now);
	typist->measures = true;
}

/** True until it is known how busy the guest is by itself. */
static bool is_measuring(struct typist *typist, int64_t now)
{
	int64_t window = now - typist->window_start_ns;
	uint64_t used = guest_cpu_ns(typist) - typist->window_cpu_ns;

	if (window < TYPIST_MEASURE_NS)
		return true;
	typist->measures = false;
	typist->is_loaded = used > (uint64_t)window / 4 * 3;
	return false;
}

/** True while the guest works off what it has been given. */
static bool guest_is_busy(struct typist *typist, int64_t now)
{
	uint64_t cpu_ns = guest_cpu_ns(typist);
	int64_t window = now - typist->window_start_ns;
	uint64_t used = cpu_ns - typist->window_cpu_ns;
	int64_t limit = typist->is_loaded ? TYPIST_BREATH_LOADED_NS : TYPIST_BREATH_MAX_NS;

	if (typist->measures)
		return is_measuring(typist, now);
	if (cpu_ns == 0)
		return now - typist->breath_start_ns < TYPIST_BREATH_BLIND_NS;
	if (window < TYPIST_POLL_NS)
		return true;
	typist->window_start_ns = now;
	typist->window_cpu_ns = cpu_ns;
	/* Idle for a quarter of the window at least. */
	return used > (uint64_t)window / 4 * 3 && now - typist->breath_start_ns < limit;
}

/** True if the next key has to wait. */
static bool must_wait(struct typist *typist)
{
	int64_t now = clock_now_ns(&typist->machine->clock);

	if (!input_has_room(&typist->machine->input) || now < typist->not_before_ns ||
	    bios_is_behind(typist, now) || (typist->is_held && typist->is_held(typist->opaque)))
		return true;
	if (typist->since_breath >= TYPIST_BREATH)
		start_breath(typist, now);
	typist->breathing = typist->breathing && guest_is_busy(typist, now);
	return typist->breathing;
}

/* --- Typing --- */

static void end_job(struct typist *typist, struct job *job)
{
	const struct typist_progress progress = job->progress;

	list_remove(&job->node);
	typist->job_count--;
	typist->done_ns = clock_now_ns(&typist->machine->clock);
	free(job);
	if (typist->ended)
		typist->ended(typist->opaque, &progress);
}

/** Queues the keys of what comes next. False if there is nothing more. */
static bool take_character(struct typist *typist)
{
	struct job *job = first_job(typist);
	uint32_t character;

	if (!job)
		return false;
	character = utf8_next(&job->next);
	if (character == 0) {
		queue_modifiers(typist, 0);
		if (typist->queue_count == 0)
			end_job(typist, job);
		return true;
	}
	queue_character(typist, job, character);
	job->progress.typed++;
	typist->since_breath++;
	if (job->options.rate)
		typist->not_before_ns =
			clock_now_ns(&typist->machine->clock) + NS_PER_SECOND / job->options.rate;
	return true;
}

static void send_key(struct typist *typist)
{
	struct typist_key key = typist->queue[typist->queue_head];

	typist->queue_head = (typist->queue_head + 1) % TYPIST_QUEUE;
	typist->queue_count--;
	input_key(&typist->machine->input, key.key, key.down);
}

static bool is_done(const struct typist *typist)
{
	return typist->queue_count == 0 && list_is_empty(&typist->jobs);
}

/** Types until the guest has to do something about it; then it is woken by the keyboard, or looks
 * again. */
static void step(void *opaque)
{
	struct typist *typist = opaque;

	if (typist->stepping)
		return;
	typist->stepping = true;
	for (unsigned i = 0; i < STEP_BUDGET && !is_done(typist) && !must_wait(typist); i++) {
		if (typist->queue_count)
			send_key(typist);
		else
			take_character(typist);
	}
	typist->stepping = false;
	/* One that is set already will do: to set it at every key costs a call of the system each.
	 */
	if (!is_done(typist) && !clock_timer_is_pending(&typist->timer))
		clock_timer_set(&typist->timer,
				clock_now_ns(&typist->machine->clock) + TYPIST_POLL_NS);
}

void typist_init(struct typist *typist, struct machine *machine,
		 void (*ended)(void *opaque, const struct typist_progress *progress),
		 bool (*is_held)(void *opaque), void *opaque)
{
	*typist = (struct typist){
		.machine = machine,
		.ended = ended,
		.is_held = is_held,
		.opaque = opaque,
		.done_ns = -TYPIST_REST_NS,
	};
	list_init(&typist->jobs);
	clock_timer_init(&typist->timer, &machine->clock, step, typist);
	typist->timer.is_host = true;
	machine->input.keys_taken = step;
	machine->input.keys_taken_opaque = typist;
}

void typist_finish(struct typist *typist)
{
	typist->ended = NULL;
	while (first_job(typist))
		end_job(typist, first_job(typist));
	clock_timer_cancel(&typist->timer);
	typist->machine->input.keys_taken = NULL;
}

/** Counts the characters of 'text'. -EINVAL and a sentence if one cannot be typed. */
static int check_text(const char *text, const struct typist_options *options, uint64_t *characters,
		      struct err *err)
{
	const struct keymap *map = options->keymap;
	struct keymap_choice strokes[KEYMAP_STROKES_MAX];
	uint32_t character;

	for (*characters = 0; (character = utf8_next(&text)) != 0; ++*characters) {
		char bytes[UTF8_MAX_BYTES + 1] = { 0 };

		if (character < CONTROL_CHARACTERS
			    ? control_key(character) || control_letter(character)
			    : character != UTF8_REPLACEMENT &&
				      (options->unicode || keymap_spell(map, character, strokes)))
			continue;
		if (character >= CONTROL_CHARACTERS)
			utf8_put(character, bytes);
		return err_set(err, -EINVAL,
			       "character %llu, '%s' (U+%04X), has no key on the guest's layout: "
			       "say how to write it with unicode=alt-numpad or ctrl-shift-u",
			       (unsigned long long)*characters + 1, bytes, character);
	}
	return 0;
}

int typist_type(struct typist *typist, const char *text, const struct typist_options *wanted,
		struct typist_progress *progress, struct err *err)
{
	struct typist_options options = *wanted;
	size_t length = strlen(text);
	struct job *job;
	uint64_t characters;

	if (length > TYPIST_MAX_BYTES || typist->job_count == TYPIST_MAX_JOBS)
		return err_set(err, -ENOSPC, "a text has at most %d bytes, and %d can wait",
			       TYPIST_MAX_BYTES, TYPIST_MAX_JOBS);
	if (!options.keymap)
		options.keymap = guest_keymap(typist);
	if (check_text(text, &options, &characters, err) < 0)
		return -EINVAL;
	job = calloc(1, sizeof(*job) + length + 1);
	if (!job)
		return err_set_errno(err, -ENOMEM, "cannot keep the text");
	memcpy(job->text, text, length + 1);
	job->next = job->text;
	job->options = options;
	job->progress =
		(struct typist_progress){ .id = ++typist->last_id, .characters = characters };
	*progress = job->progress;
	list_append(&typist->jobs, &job->node);
	/* Not now: who asked learns the number before it is done. */
	if (++typist->job_count == 1) {
		start_measuring(typist);
		clock_timer_set(&typist->timer, clock_now_ns(&typist->machine->clock));
	}
	return 0;
}

bool typist_progress(const struct typist *typist, struct typist_progress *progress)
{
	const struct job *job = first_job(typist);

	if (job)
		*progress = job->progress;
	return job != NULL;
}

/** Lets every key go that the text has pressed, and forgets what was still to come of it. */
static void drop_keys(struct typist *typist)
{
	struct job *job = first_job(typist);

	/* The last character may not have arrived. */
	if (job->progress.typed &&
	    (typist->queue_count || !input_has_room(&typist->machine->input)))
		job->progress.typed--;
	for (unsigned i = 0; i < typist->queue_count; i++)
		input_key(&typist->machine->input,
			  typist->queue[(typist->queue_head + i) % TYPIST_QUEUE].key, false);
	for (unsigned i = 0; i < MODIFIERS; i++)
		if (typist->held >> i & 1)
			input_key(&typist->machine->input, modifier_keys[i], false);
	typist->queue_count = 0;
	typist->held = 0;
}

bool typist_cancel(struct typist *typist, unsigned id)
{
	bool found = false;
	struct job *job;

	list_for_each(job, &typist->jobs, struct job, node)
	{
		if (id && job->progress.id != id)
			continue;
		found = true;
		job->progress.cancelled = true;
		if (job == first_job(typist))
			drop_keys(typist);
		end_job(typist, job);
	}
	return found;
}
