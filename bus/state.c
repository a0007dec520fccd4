// SPDX-License-Identifier: GPL-2.0-or-later
#include "bus/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"

/*
 * Stream: records one after another.
 *   record: 'D' 'E' 'V' '1', u32 body length, body
 *   body:   u8 name length, name, u32 version, fields to the end of the body
 *   field:  u8 name length, name, u8 element size (1, 2, 4, 8; 0: structs), u32 count, data
 *   data:   elements, little-endian; or for structs, count times: u32 length, fields
 * Of an array of bytes, zeros at the end are left out.
 */
enum {
	RECORD_MAGIC = 0x31564544, /* "DEV1" */
	RECORD_HEADER_BYTES = 8,
	NESTING_MAX = 8,
	COUNT_MAX = 1 << 20,
};

void state_writer_init(struct state_writer *writer)
{
	*writer = (struct state_writer){ 0 };
}

void state_writer_finish(struct state_writer *writer)
{
	free(writer->bytes);
	state_writer_init(writer);
}

static void put_bytes(struct state_writer *writer, const void *bytes, size_t count)
{
	if (writer->failed)
		return;
	if (count > writer->capacity - writer->length) {
		size_t capacity = (writer->capacity + count) * 2;
		uint8_t *grown = realloc(writer->bytes, capacity);

		if (!grown) {
			writer->failed = true;
			return;
		}
		writer->bytes = grown;
		writer->capacity = capacity;
	}
	memcpy(writer->bytes + writer->length, bytes, count);
	writer->length += count;
}

static void put_int(struct state_writer *writer, unsigned size, uint64_t value)
{
	uint8_t bytes[8];

	store_le(bytes, size, value);
	put_bytes(writer, bytes, size);
}

static void put_name(struct state_writer *writer, const char *name)
{
	size_t length = strnlen(name, UINT8_MAX);

	put_int(writer, 1, length);
	put_bytes(writer, name, length);
}

/** Reserves a u32 length and returns its position for end_length. */
static size_t begin_length(struct state_writer *writer)
{
	put_int(writer, 4, 0);
	return writer->length;
}

static void end_length(struct state_writer *writer, size_t start)
{
	if (!writer->failed)
		store_le32(writer->bytes + start - 4, (uint32_t)(writer->length - start));
}

static uint64_t load_element(const void *element, uint32_t size)
{
	uint64_t value = 0;

	/* Host order: the state lies in memory as the compiler laid it out. */
	switch (size) {
	case 1:
		return *(const uint8_t *)element;
	case 2:
		return *(const uint16_t *)element;
	case 4:
		return *(const uint32_t *)element;
	default:
		memcpy(&value, element, sizeof(value));
		return value;
	}
}

static void store_element(void *element, uint32_t size, uint64_t value)
{
	uint8_t narrow8 = (uint8_t)value;
	uint16_t narrow16 = (uint16_t)value;
	uint32_t narrow32 = (uint32_t)value;

	switch (size) {
	case 1:
		memcpy(element, &narrow8, 1);
		break;
	case 2:
		memcpy(element, &narrow16, 2);
		break;
	case 4:
		memcpy(element, &narrow32, 4);
		break;
	default:
		memcpy(element, &value, 8);
		break;
	}
}

static bool is_byte_array(const struct state_field *field)
{
	return !field->table && field->size == 1 && field->count > 1;
}

/** How many bytes of an array are worth saving: buffers are many KiB and mostly empty. */
static uint32_t used_bytes(const struct state_field *field, const uint8_t *member)
{
	uint32_t count = field->count;

	while (is_byte_array(field) && count && !member[count - 1])
		count--;
	return count;
}

static void save_fields(struct state_writer *writer, const struct state_table *table,
			const uint8_t *state)
{
	for (uint32_t i = 0; i < table->field_count; i++) {
		const struct state_field *field = &table->fields[i];
		const uint8_t *member = state + field->offset;
		uint32_t count = used_bytes(field, member);

		put_name(writer, field->name);
		put_int(writer, 1, field->table ? 0 : field->size);
		put_int(writer, 4, count);
		if (is_byte_array(field)) {
			put_bytes(writer, member, count);
			continue;
		}
		for (uint32_t n = 0; n < field->count; n++, member += field->size) {
			if (field->table) {
				size_t start = begin_length(writer);

				save_fields(writer, field->table, member);
				end_length(writer, start);
			} else {
				put_int(writer, field->size, load_element(member, field->size));
			}
		}
	}
}

void state_save(struct state_writer *writer, const char *device, unsigned version,
		const struct state_table *table, const void *state)
{
	size_t start;

	put_int(writer, 4, RECORD_MAGIC);
	start = begin_length(writer);
	put_name(writer, device);
	put_int(writer, 4, version);
	save_fields(writer, table, state);
	end_length(writer, start);
}

/** Takes 'length' bytes as a buffer of their own; false if there are fewer. */
static bool take_part(struct buf *from, size_t length, struct buf *part)
{
	if (length > buf_remaining(from))
		return false;
	buf_init(part, from->bytes + from->start, length);
	part->end = length;
	from->start += length;
	return true;
}

static bool take_name(struct buf *from, char *name)
{
	struct buf part;
	size_t length;

	if (buf_remaining(from) < 1)
		return false;
	length = (size_t)buf_take_le(from, 1);
	if (!take_part(from, length, &part))
		return false;
	buf_take(&part, name, length);
	name[length] = '\0';
	return true;
}

static const struct state_field *find_field(const struct state_table *table, const char *name)
{
	for (uint32_t i = 0; table && i < table->field_count; i++)
		if (strcmp(table->fields[i].name, name) == 0)
			return &table->fields[i];
	return NULL;
}

static bool load_fields(struct buf *from, const struct state_table *table, uint8_t *state,
			unsigned depth);

static bool load_structs(struct buf *from, const struct state_field *field, uint32_t count,
			 uint8_t *state, unsigned depth)
{
	for (uint32_t n = 0; n < count; n++) {
		bool known = field && n < field->count;
		struct buf part;

		if (buf_remaining(from) < 4 ||
		    !take_part(from, (size_t)buf_take_le(from, 4), &part))
			return false;
		if (!load_fields(&part, known ? field->table : NULL,
				 known ? state + field->offset + (size_t)n * field->size : NULL,
				 depth + 1))
			return false;
	}
	return true;
}

static bool load_elements(struct buf *from, const struct state_field *field, unsigned size,
			  uint32_t count, uint8_t *state)
{
	struct buf part;

	if (!take_part(from, (size_t)size * count, &part))
		return false;
	if (field && is_byte_array(field) && count < field->count)
		memset(state + field->offset + count, 0, field->count - count);
	if (field && size == 1 && field->size == 1 && !field->is_bool) {
		buf_take(&part, state + field->offset, min_size(count, field->count));
		return true;
	}
	for (uint32_t n = 0; field && n < count && n < field->count; n++) {
		uint64_t value = buf_take_le(&part, size);

		if (field->is_bool)
			value = value != 0;
		if (value & ~ones(field->size))
			return false;
		store_element(state + field->offset + (size_t)n * field->size, field->size, value);
	}
	return true;
}

/** Loads what is known of the fields in 'from'; with a NULL table it only checks their framing. */
static bool load_fields(struct buf *from, const struct state_table *table, uint8_t *state,
			unsigned depth)
{
	while (buf_remaining(from)) {
		const struct state_field *field;
		char name[UINT8_MAX + 1];
		unsigned size;
		uint32_t count;

		if (depth > NESTING_MAX || !take_name(from, name) || buf_remaining(from) < 5)
			return false;
		field = find_field(table, name);
		size = (unsigned)buf_take_le(from, 1);
		count = (uint32_t)buf_take_le(from, 4);
		if ((size & (size - 1)) || size > 8 || count > COUNT_MAX)
			return false;
		if (field && (field->table != NULL) != (size == 0))
			return false;
		if (size == 0 ? !load_structs(from, field, count, state, depth)
			      : !load_elements(from, field, size, count, state))
			return false;
	}
	return true;
}

/** Takes the next record of a stream; its name and version are taken, its fields are left in
 * 'body'. */
static bool take_record(struct buf *stream, struct buf *body, char *name, unsigned *version)
{
	if (buf_remaining(stream) < RECORD_HEADER_BYTES || buf_take_le(stream, 4) != RECORD_MAGIC ||
	    !take_part(stream, (size_t)buf_take_le(stream, 4), body))
		return false;
	if (!take_name(body, name) || buf_remaining(body) < 4)
		return false;
	*version = (unsigned)buf_take_le(body, 4);
	return true;
}

static void open_stream(struct buf *buf, const void *stream, size_t length)
{
	buf_init(buf, (uint8_t *)(uintptr_t)stream, length); /* only taken from */
	buf->end = length;
}

int state_check(const void *stream, size_t length, struct err *err)
{
	struct buf rest, body;
	char name[UINT8_MAX + 1];
	unsigned version;

	open_stream(&rest, stream, length);
	while (buf_remaining(&rest)) {
		size_t start = rest.start;

		if (!take_record(&rest, &body, name, &version) ||
		    !load_fields(&body, NULL, NULL, 0))
			return err_set(err, -EINVAL, "the saved state is damaged at byte %zu",
				       start);
	}
	return 0;
}

bool state_next(const void *stream, size_t length, size_t *position, char *name)
{
	struct buf rest, body;
	unsigned version;

	open_stream(&rest, stream, length);
	rest.start = *position;
	if (!buf_remaining(&rest) || !take_record(&rest, &body, name, &version))
		return false;
	*position = rest.start;
	return true;
}

int state_load(const void *stream, size_t length, const char *device,
	       const struct state_table *table, void *state, unsigned *version, struct err *err)
{
	struct buf rest, body;
	char name[UINT8_MAX + 1];
	uint8_t *loaded;
	bool fits;

	open_stream(&rest, stream, length);
	do {
		if (!buf_remaining(&rest))
			return -ENOENT;
		if (!take_record(&rest, &body, name, version))
			return err_set(err, -EINVAL, "the saved state is damaged");
	} while (strcmp(name, device) != 0);

	loaded = malloc(table->struct_size);
	if (!loaded)
		return err_set_errno(err, -ENOMEM, "cannot load %s", device);
	memcpy(loaded, state, table->struct_size);
	fits = load_fields(&body, table, loaded, 0);
	if (fits)
		memcpy(state, loaded, table->struct_size);
	free(loaded);
	return fits ? 0 : err_set(err, -EINVAL, "the saved state of %s is damaged", device);
}

static void mark_covered(const struct state_table *table, uint8_t *covered)
{
	for (uint32_t i = 0; i < table->field_count; i++) {
		const struct state_field *field = &table->fields[i];

		for (uint32_t n = 0; n < field->count; n++) {
			uint8_t *element = covered + field->offset + (size_t)n * field->size;

			if (field->table)
				mark_covered(field->table, element);
			else
				memset(element, 1, field->size);
		}
	}
}

int state_find_gap(const struct state_table *table)
{
	uint8_t *covered = calloc(1, table->struct_size);
	int gap = -1;

	if (!covered)
		return 0;
	mark_covered(table, covered);
	for (uint32_t i = 0; i < table->struct_size && gap < 0; i++)
		if (!covered[i])
			gap = (int)i;
	free(covered);
	return gap;
}
