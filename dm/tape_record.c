// SPDX-License-Identifier: GPL-2.0-or-later
#include "dm/tape_record.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
	BYTES_SHOWN = 16, /* of a blob */
	VARINT_MAX = 10,
};

struct row {
	const char *name;
	enum tape_kind kind;
	bool has_blob;
	const char *values[TAPE_MAX_VALUES + 1]; /* their names, ended by NULL */
};

static const struct row rows[TAPE_OP_COUNT] = {
	[TAPE_ARGUMENT] = { "argument", TAPE_KIND_HEAD, true, { NULL } },
	[TAPE_CORE] = { "core", TAPE_KIND_HEAD, true, { "caps", "reserved", "bytes" } },
	[TAPE_IMAGE] = { "image",
			 TAPE_KIND_HEAD,
			 true,
			 { "drive", "bytes", "sum", "readonly", "kept" } },
	[TAPE_OPTIONS] = { "options", TAPE_KIND_HEAD, false, { "start", "localtime" } },
	[TAPE_BEGIN] = { "begin", TAPE_KIND_HEAD, false, { NULL } },
	[TAPE_TIME] = { "time", TAPE_KIND_STATE, false, { "ns" } },
	[TAPE_RAM] = { "ram", TAPE_KIND_STATE, true, { "gpa" } },
	[TAPE_MEDIA] = { "media", TAPE_KIND_STATE, true, { "drive", "offset" } },
	[TAPE_IN] = { "in", TAPE_KIND_EVENT, false, { "port", "size" } },
	[TAPE_OUT] = { "out", TAPE_KIND_EVENT, false, { "port", "size", "value" } },
	[TAPE_INS] = { "ins", TAPE_KIND_EVENT, false, { "port", "size", "count" } },
	[TAPE_OUTS] = { "outs", TAPE_KIND_EVENT, true, { "port", "size" } },
	[TAPE_READ] = { "read", TAPE_KIND_EVENT, false, { "gpa", "size" } },
	[TAPE_WRITE] = { "write", TAPE_KIND_EVENT, false, { "gpa", "size", "value" } },
	[TAPE_CONFIG_READ] = { "config-read",
			       TAPE_KIND_EVENT,
			       false,
			       { "devfn", "offset", "size" } },
	[TAPE_CONFIG_WRITE] = { "config-write",
				TAPE_KIND_EVENT,
				false,
				{ "devfn", "offset", "size", "value" } },
	[TAPE_COLLECTED] = { "collected",
			     TAPE_KIND_EVENT,
			     false,
			     { "memory", "address", "size", "value" } },
	[TAPE_STORE] = { "store", TAPE_KIND_EVENT, true, { "gpa" } },
	[TAPE_LOAD] = { "load", TAPE_KIND_EVENT, false, { "gpa", "bytes" } },
	[TAPE_CORE_EVENT] = { "core-event", TAPE_KIND_EVENT, true, { "event" } },
	[TAPE_TIMER] = { "timer", TAPE_KIND_EVENT, false, { "deadline" } },
	[TAPE_KEY] = { "key", TAPE_KIND_EVENT, false, { "key", "down" } },
	[TAPE_MOVE] = { "move", TAPE_KIND_EVENT, false, { "dx", "dy", "dz", "buttons" } },
	[TAPE_MOVE_TO] = { "move-to",
			   TAPE_KIND_EVENT,
			   false,
			   { "x", "y", "width", "height", "dz", "buttons" } },
	[TAPE_CHR_IN] = { "serial-in", TAPE_KIND_EVENT, true, { "port" } },
	[TAPE_CHR_ROOM] = { "serial-room", TAPE_KIND_EVENT, false, { "port" } },
	[TAPE_CHR_EVENT] = { "serial-event", TAPE_KIND_EVENT, false, { "port", "event" } },
	[TAPE_NET_IN] = { "net-in", TAPE_KIND_EVENT, true, { "card" } },
	[TAPE_NET_ROOM] = { "net-room", TAPE_KIND_EVENT, false, { "card" } },
	[TAPE_NET_LINK] = { "net-link", TAPE_KIND_EVENT, false, { "card", "up" } },
	[TAPE_DISK_DONE] = { "disk-done",
			     TAPE_KIND_EVENT,
			     false,
			     { "drive", "request", "error", "sum" } },
	[TAPE_DISK_HELD] = { "disk-held", TAPE_KIND_EVENT, false, { "drive" } },
	[TAPE_COMMAND] = { "command", TAPE_KIND_EVENT, true, { NULL } },
	[TAPE_VERB] = { "verb", TAPE_KIND_EVENT, false, { "verb" } },
	[TAPE_REQUEST] = { "request", TAPE_KIND_EVENT, false, { "request" } },
	[TAPE_END] = { "end", TAPE_KIND_EVENT, false, { NULL } },
	[TAPE_VALUE] = { "value", TAPE_KIND_EFFECT, false, { "value" } },
	[TAPE_SUM] = { "sum", TAPE_KIND_EFFECT, false, { "sum", "bytes" } },
	[TAPE_WIRE] = { "interrupt", TAPE_KIND_EFFECT, false, { "gsi", "level" } },
	[TAPE_INTX] = { "intx", TAPE_KIND_EFFECT, false, { "slot", "pin", "level" } },
	[TAPE_LINK] = { "link", TAPE_KIND_EFFECT, false, { "link", "irq" } },
	[TAPE_PIT] = { "pit", TAPE_KIND_EFFECT, false, { "on" } },
	[TAPE_RAM_OPEN] = { "ram-open", TAPE_KIND_EFFECT, false, { "gpa", "bytes" } },
	[TAPE_RAM_CLOSE] = { "ram-close", TAPE_KIND_EFFECT, false, { "written", "sum" } },
	[TAPE_DISK_START] = { "disk-start",
			      TAPE_KIND_EFFECT,
			      false,
			      { "drive", "request", "op", "offset", "bytes", "sum" } },
	[TAPE_CHR_OUT] = { "serial-out", TAPE_KIND_EFFECT, true, { "port" } },
	[TAPE_NET_OUT] = { "net-out", TAPE_KIND_EFFECT, false, { "card", "bytes", "sum" } },
	[TAPE_POWER] = { "power", TAPE_KIND_EFFECT, false, { "request" } },
	[TAPE_TAKEN] = { "taken", TAPE_KIND_EFFECT, false, { "bytes" } },
	[TAPE_MEDIUM] = { "medium", TAPE_KIND_EFFECT, false, { "drive", "bytes", "readonly" } },
};

enum tape_kind tape_record_kind(enum tape_op op)
{
	return rows[op].kind;
}

static size_t put_number(uint8_t *bytes, uint64_t number)
{
	size_t length = 0;

	for (; number >= 0x80; number >>= 7)
		bytes[length++] = (uint8_t)(number | 0x80);
	bytes[length++] = (uint8_t)number;
	return length;
}

size_t tape_record_encode(const struct tape_record *record, uint8_t *bytes)
{
	const struct row *row = &rows[record->op];
	size_t length = 1;

	bytes[0] = (uint8_t)(record->op | (record->is_inner ? TAPE_INNER : 0));
	for (unsigned i = 0; i < TAPE_MAX_VALUES && row->values[i]; i++)
		length += put_number(bytes + length, record->values[i]);
	if (!row->has_blob)
		return length;
	assert(record->blob_bytes <= TAPE_MAX_BLOB);
	length += put_number(bytes + length, record->blob_bytes);
	if (record->blob_bytes)
		memcpy(bytes + length, record->blob, record->blob_bytes);
	return length + record->blob_bytes;
}

/** What is left to decode. */
struct cursor {
	const uint8_t *bytes;
	size_t length, at;
	int error; /* -EAGAIN: it ends here */
};

static uint64_t take_number(struct cursor *cursor)
{
	uint64_t number = 0;

	for (unsigned i = 0; i < VARINT_MAX && !cursor->error; i++) {
		uint8_t byte;

		if (cursor->at == cursor->length) {
			cursor->error = -EAGAIN;
			return 0;
		}
		byte = cursor->bytes[cursor->at++];
		if (i == VARINT_MAX - 1 && byte > 1)
			break; /* more than 64 bits */
		number |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (!(byte & 0x80))
			return number;
	}
	if (!cursor->error)
		cursor->error = -EINVAL;
	return 0;
}

static void take_blob(struct cursor *cursor, struct tape_record *record)
{
	uint64_t bytes = take_number(cursor);

	if (cursor->error)
		return;
	if (bytes > TAPE_MAX_BLOB)
		cursor->error = -EINVAL;
	else if (bytes > cursor->length - cursor->at)
		cursor->error = -EAGAIN;
	if (cursor->error)
		return;
	record->blob = cursor->bytes + cursor->at;
	record->blob_bytes = (size_t)bytes;
	cursor->at += record->blob_bytes;
}

int tape_record_decode(const uint8_t *bytes, size_t length, struct tape_record *record)
{
	struct cursor cursor = { .bytes = bytes, .length = length, .at = 1 };
	const struct row *row;

	*record = (struct tape_record){ 0 };
	if (!length)
		return 0;
	record->op = bytes[0] & ~TAPE_INNER;
	record->is_inner = (bytes[0] & TAPE_INNER) != 0;
	if (record->op >= TAPE_OP_COUNT || !rows[record->op].name)
		return -EINVAL;
	row = &rows[record->op];
	if (record->is_inner && row->kind != TAPE_KIND_EVENT)
		return -EINVAL;
	for (unsigned i = 0; i < TAPE_MAX_VALUES && row->values[i]; i++)
		record->values[i] = take_number(&cursor);
	if (row->has_blob)
		take_blob(&cursor, record);
	if (cursor.error)
		return cursor.error == -EAGAIN ? 0 : cursor.error;
	return (int)cursor.at;
}

bool tape_record_equal(const struct tape_record *a, const struct tape_record *b)
{
	return a->op == b->op && memcmp(a->values, b->values, sizeof(a->values)) == 0 &&
	       a->blob_bytes == b->blob_bytes &&
	       (!a->blob_bytes || memcmp(a->blob, b->blob, a->blob_bytes) == 0);
}

static bool is_text(const struct tape_record *record)
{
	for (size_t i = 0; i < record->blob_bytes; i++)
		if (record->blob[i] < ' ' || record->blob[i] > '~')
			return false;
	return record->blob_bytes > 0;
}

static int print_blob(const struct tape_record *record, char *text, size_t room)
{
	int length;

	if (is_text(record))
		return snprintf(text, room, " '%.*s'", (int)record->blob_bytes,
				(const char *)record->blob);
	length = snprintf(text, room, " %zu bytes", record->blob_bytes);
	for (size_t i = 0; i < record->blob_bytes && i < BYTES_SHOWN; i++)
		if (length >= 0 && (size_t)length < room)
			length += snprintf(text + length, room - (size_t)length, " %02x",
					   record->blob[i]);
	return length;
}

void tape_record_print(const struct tape_record *record, char text[TAPE_TEXT_BYTES])
{
	const struct row *row = &rows[record->op];
	size_t length;

	length = (size_t)snprintf(text, TAPE_TEXT_BYTES, "%s", row->name ? row->name : "nothing");
	for (unsigned i = 0; i < TAPE_MAX_VALUES && row->values[i]; i++)
		if (length < TAPE_TEXT_BYTES)
			length += (size_t)snprintf(text + length, TAPE_TEXT_BYTES - length,
						   " %s=%#llx", row->values[i],
						   (unsigned long long)record->values[i]);
	if (row->has_blob && length < TAPE_TEXT_BYTES)
		print_blob(record, text + length, TAPE_TEXT_BYTES - length);
}
