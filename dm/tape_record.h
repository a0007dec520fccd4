// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What stands on a tape: records of one byte that says what it is, some numbers and perhaps bytes
 * (docs/replay.md). One table describes all of them: it writes, reads, compares and prints them.
 *
 * An event comes from outside (an access of a processor, a timer, a key, the end of a disk
 * request); the effects behind it are what came of it; state is what the machine reads that is not
 * the machine's (time, guest memory, media). A tape begins with heads, which describe the machine.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tape_op {
	TAPE_NOTHING,
	/* Heads */
	TAPE_ARGUMENT, /* a word of the command line, as far as it says what the machine is */
	TAPE_CORE,     /* the hypervisor core, and what it brings itself */
	TAPE_IMAGE,    /* a drive's image or medium */
	TAPE_OPTIONS,  /* what else the machine depends on */
	TAPE_BEGIN,    /* the machine is built, the first event follows */
	/* State */
	TAPE_TIME,  /* guest time has moved on to this */
	TAPE_RAM,   /* guest memory holds this where a device is about to read */
	TAPE_MEDIA, /* an image holds this where a drive has read */
	/* Events of the core */
	TAPE_IN,
	TAPE_OUT,
	TAPE_INS,
	TAPE_OUTS,
	TAPE_READ,
	TAPE_WRITE,
	TAPE_CONFIG_READ,
	TAPE_CONFIG_WRITE,
	TAPE_COLLECTED,
	TAPE_STORE, /* a test program writes registers as memory */
	TAPE_LOAD,
	TAPE_CORE_EVENT,
	/* Other events */
	TAPE_TIMER,
	TAPE_KEY,
	TAPE_MOVE,
	TAPE_MOVE_TO,
	TAPE_CHR_IN,
	TAPE_CHR_ROOM,
	TAPE_CHR_EVENT,
	TAPE_NET_IN,
	TAPE_NET_ROOM,
	TAPE_NET_LINK,
	TAPE_DISK_DONE,
	TAPE_DISK_HELD,
	TAPE_COMMAND,
	TAPE_VERB,
	TAPE_REQUEST, /* the machine carries out what a chip asked for */
	TAPE_END,
	/* Effects */
	TAPE_VALUE, /* what a read gave */
	TAPE_SUM,   /* what a read of many bytes gave */
	TAPE_WIRE,
	TAPE_INTX,
	TAPE_LINK,
	TAPE_PIT,
	TAPE_RAM_OPEN, /* a device is about to write guest memory */
	TAPE_RAM_CLOSE,
	TAPE_DISK_START,
	TAPE_CHR_OUT,
	TAPE_NET_OUT,
	TAPE_POWER,
	TAPE_TAKEN,  /* how much of what went out was taken, if not all */
	TAPE_MEDIUM, /* control puts this into a drive */
	TAPE_OP_COUNT,

	TAPE_INNER = 0x80, /* set in the byte of an event that comes within another */
};

enum tape_kind {
	TAPE_KIND_HEAD,
	TAPE_KIND_STATE,
	TAPE_KIND_EVENT,
	TAPE_KIND_EFFECT,
};

enum tape_limits {
	TAPE_MAX_VALUES = 6,
	TAPE_MAX_BLOB = 1 << 17,
	/* The longest record: its byte, its numbers, the length of its bytes and those. */
	TAPE_MAX_RECORD = 1 + (TAPE_MAX_VALUES + 1) * 10 + TAPE_MAX_BLOB,
	TAPE_TEXT_BYTES = 192,
};

struct tape_record {
	enum tape_op op;
	bool is_inner;
	uint64_t values[TAPE_MAX_VALUES];
	const uint8_t *blob; /* borrowed */
	size_t blob_bytes;
};

enum tape_kind tape_record_kind(enum tape_op op);

/** Negative numbers are stored with their sign in the lowest bit. */
static inline uint64_t tape_from_signed(int64_t value)
{
	return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
}

static inline int64_t tape_to_signed(uint64_t value)
{
	return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

/** Writes a record of at most TAPE_MAX_RECORD bytes; how many it took. */
size_t tape_record_encode(const struct tape_record *record, uint8_t *bytes);
/**
 * Reads one. How many bytes it took; 0: they end within it; -EINVAL: no record begins like this.
 * The record's blob points into 'bytes'.
 */
int tape_record_decode(const uint8_t *bytes, size_t length, struct tape_record *record);
bool tape_record_equal(const struct tape_record *a, const struct tape_record *b);
/** For people: "in port=0x1f7 size=1". */
void tape_record_print(const struct tape_record *record, char text[TAPE_TEXT_BYTES]);
