// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guest memory as devices use it. What they read is on the tape as it was when they mapped it,
 * once: as long as neither the guest nor a device has changed it, the replay has it already. Of the
 * pages that devices read in small pieces (descriptors, tables) a copy is kept to know that.
 */
#include <string.h>
#include <zlib.h>

#include "dm/machine.h"
#include "dm/tape_internal.h"
#include "hv/replay.h"

static struct tape_shadow *slot_of(struct tape *tape, uint64_t gpa)
{
	return &tape->shadows[gpa / TAPE_PAGE % TAPE_SHADOWS];
}

/** The shadow of the page at 'gpa', or NULL. */
static struct tape_shadow *find_shadow(struct tape *tape, uint64_t gpa)
{
	struct tape_shadow *shadow = slot_of(tape, gpa);

	return shadow->page == gpa / TAPE_PAGE + 1 ? shadow : NULL;
}

static bool is_known(const struct tape_shadow *shadow, const uint8_t *host, size_t at,
		     size_t length)
{
	for (size_t i = at; i < at + length; i++)
		if (!(shadow->known[i / 8] & BIT(i % 8)))
			return false;
	return memcmp(shadow->bytes + at, host, length) == 0;
}

static void learn(struct tape *tape, uint64_t gpa, const uint8_t *host, size_t length)
{
	struct tape_shadow *shadow = slot_of(tape, gpa);
	size_t at = gpa % TAPE_PAGE;

	if (shadow->page != gpa / TAPE_PAGE + 1) {
		memset(shadow->known, 0, sizeof(shadow->known));
		shadow->page = gpa / TAPE_PAGE + 1;
	}
	memcpy(shadow->bytes + at, host, length);
	for (size_t i = at; i < at + length; i++)
		shadow->known[i / 8] |= (uint8_t)BIT(i % 8);
}

static void forget(struct tape *tape, uint64_t gpa, size_t length)
{
	for (uint64_t at = gpa - gpa % TAPE_PAGE; at < gpa + length; at += TAPE_PAGE) {
		struct tape_shadow *shadow = find_shadow(tape, at);

		if (shadow)
			shadow->page = 0;
	}
}

void tape_ram_forget(struct tape *tape)
{
	for (unsigned i = 0; i < TAPE_SHADOWS; i++)
		tape->shadows[i].page = 0;
}

static void put_ram(struct tape *tape, uint64_t gpa, const uint8_t *host, size_t length)
{
	while (length) {
		size_t piece = min_size(length, TAPE_MAX_BLOB);

		tape_put(tape, &(struct tape_record){ .op = TAPE_RAM,
						      .values = { gpa },
						      .blob = host,
						      .blob_bytes = piece });
		gpa += piece;
		host += piece;
		length -= piece;
	}
}

/** A device reads: writes down what the replay does not know. */
static void note_reading(struct tape *tape, uint64_t gpa, const uint8_t *host, size_t length)
{
	while (length) {
		size_t at = gpa % TAPE_PAGE, piece = min_size(length, TAPE_PAGE - at);
		struct tape_shadow *shadow = find_shadow(tape, gpa);

		if (at == 0 && length >= TAPE_PAGE) {
			/* Data, rather than a table: it is new each time. */
			piece = length - length % TAPE_PAGE;
			forget(tape, gpa, piece);
			put_ram(tape, gpa, host, piece);
		} else if (!shadow || !is_known(shadow, host, at, piece)) {
			put_ram(tape, gpa, host, piece);
			learn(tape, gpa, host, piece);
		}
		gpa += piece;
		host += piece;
		length -= piece;
	}
}

static void note_opening(struct tape *tape, uint64_t gpa, const uint8_t *host, size_t length)
{
	tape_effect(tape, &(struct tape_record){ .op = TAPE_RAM_OPEN, .values = { gpa, length } });
	if (!tape->writer)
		return;
	if (tape->open_count == TAPE_OPEN_MAX)
		tape->open_is_full = true;
	else
		tape->open[tape->open_count++] = (struct tape_open_piece){ host, gpa, length };
}

/** The last mapping of 'host' ends: what lay there may be something else now. */
static void close_piece(struct tape *tape, const uint8_t *host, bool is_written)
{
	bool found = false;

	for (unsigned i = tape->open_count; i-- > 0;) {
		struct tape_open_piece *piece = &tape->open[i];

		if (piece->host != host)
			continue;
		forget(tape, piece->gpa, piece->length);
		*piece = tape->open[--tape->open_count];
		found = true;
		break;
	}
	if (tape->open_is_full || (is_written && !found))
		tape_ram_forget(tape);
	if (tape->open_count == 0)
		tape->open_is_full = false;
}

static void *map(void *opaque, uint64_t gpa, size_t *length, bool write)
{
	struct tape *tape = opaque;
	void *host = hv_ram_map(tape->machine->hv, gpa, length, write);

	if (!host || !tape->is_live)
		return host;
	/* Without an event, a reader serves the host's side; a writer is to be found out. */
	if (write)
		note_opening(tape, gpa, host, *length);
	else if (tape->depth > 0 && tape->writer)
		note_reading(tape, gpa, host, *length);
	return host;
}

static void unmap(void *opaque, void *host, size_t length, size_t written)
{
	struct tape *tape = opaque;

	if (tape->is_live && written) {
		uint64_t sum = written <= TAPE_SMALL_WRITE ? crc32(0, host, (uInt)written) : 0;

		tape_effect(tape, &(struct tape_record){ .op = TAPE_RAM_CLOSE,
							 .values = { written, sum } });
	}
	if (tape->writer && tape->is_live && (written || tape->open_count))
		close_piece(tape, host, written > 0);
	hv_ram_unmap(tape->machine->hv, host, length, written);
}

const struct ram_ops *tape_ram_ops(void)
{
	static const struct ram_ops ops = { .map = map, .unmap = unmap };

	return &ops;
}

bool tape_ram_apply(struct tape *tape, const struct tape_record *record)
{
	return tape->machine && hv_replay_set_ram(tape->machine->hv, record->values[0],
						  record->blob, record->blob_bytes);
}
