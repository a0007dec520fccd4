// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Saved state. A device's observable state is one struct; a table names its members. Records are
 * tagged by device and member name and versioned: a loader ignores members it does not know and
 * keeps reset values for missing ones. The loader is a parser of hostile input: it changes nothing
 * unless everything fits (docs/save-format.md).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/** One member: an unsigned or signed integer, bool, array of them, or raw bytes. Stored
 * little-endian. */
struct state_field {
	const char *name;
	uint32_t offset;
	uint32_t size;  /* of one element: 1, 2, 4 or 8 */
	uint32_t count; /* of elements */
	bool is_bool;
	const struct state_table *table; /* of the member, if it is a struct or an array of them */
};

struct state_table {
	const char *name;
	uint32_t struct_size;
	const struct state_field *fields;
	uint32_t field_count;
};

#define STATE_MEMBER(type, member) (((type *)0)->member)
#define STATE_IS_BOOL(expression)  _Generic((expression), bool : true, default : false)
#define STATE_COUNT(array)         ((uint32_t)(sizeof(array) / sizeof((array)[0])))

/* Rows of a table; 'type' is the whole type: STATE_INT(struct rtc_state, index). */
#define STATE_INT(type, member)                                         \
	{                                                               \
		.name = #member, .offset = offsetof(type, member),      \
		.size = sizeof(STATE_MEMBER(type, member)), .count = 1, \
		.is_bool = STATE_IS_BOOL(STATE_MEMBER(type, member))    \
	}
#define STATE_ARRAY(type, member)                                       \
	{                                                               \
		.name = #member, .offset = offsetof(type, member),      \
		.size = sizeof(STATE_MEMBER(type, member)[0]),          \
		.count = STATE_COUNT(STATE_MEMBER(type, member)),       \
		.is_bool = STATE_IS_BOOL(STATE_MEMBER(type, member)[0]) \
	}
#define STATE_STRUCT(type, member, member_table)                                                \
	{                                                                                       \
		.name = #member, .offset = offsetof(type, member),                              \
		.size = sizeof(STATE_MEMBER(type, member)), .count = 1, .table = (member_table) \
	}
#define STATE_STRUCTS(type, member, member_table)                                         \
	{                                                                                 \
		.name = #member, .offset = offsetof(type, member),                        \
		.size = sizeof(STATE_MEMBER(type, member)[0]),                            \
		.count = STATE_COUNT(STATE_MEMBER(type, member)), .table = (member_table) \
	}
/* 'tag' is the struct's tag: STATE_TABLE(rtc_state_table, rtc_state, rtc_fields). */
#define STATE_TABLE(identifier, tag, rows) \
	const struct state_table identifier = { #tag, sizeof(struct tag), rows, ARRAY_SIZE(rows) }

/** A growing byte stream for saving. */
struct state_writer {
	uint8_t *bytes;
	size_t length, capacity;
	bool failed; /* out of memory */
};

void state_writer_init(struct state_writer *writer);
void state_writer_finish(struct state_writer *writer);
/** Appends the record of one device. */
void state_save(struct state_writer *writer, const char *device, unsigned version,
		const struct state_table *table, const void *state);

/**
 * Loads the record of 'device' from a stream made by state_save calls into 'state', which holds
 * reset values. 0; -ENOENT if there is no such record; -EINVAL (and 'state' unchanged) if the
 * stream is damaged.
 */
int state_load(const void *stream, size_t length, const char *device,
	       const struct state_table *table, void *state, unsigned *version, struct err *err);

enum {
	STATE_NAME_BYTES = 256, /* of a record's name, with its end */
};

/** Steps through the records: the name of the one at *position, which moves behind it; 0 at the
 * start. False at the end. */
bool state_next(const void *stream, size_t length, size_t *position, char *name);

/** Checks the framing of a whole stream. 0 or -EINVAL. */
int state_check(const void *stream, size_t length, struct err *err);

/** The first byte of the struct that no field covers (padding counts: name it), or -1. */
int state_find_gap(const struct state_table *table);
