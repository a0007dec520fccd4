// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The file of a tape: a magic number and chunks of whole records, each compressed by itself and
 * with a checksum, so that a file that was cut off anywhere reads up to there. Writing costs the
 * machine a copy: a thread of its own compresses and writes. What waits for it is bounded: who is
 * faster than the disk waits.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dm/tape_record.h"

struct err;
struct tape_writer;
struct tape_reader;

enum tape_file_layout {
	TAPE_MAGIC_BYTES = 8,
	TAPE_VERSION_AT = 8, /* all numbers are little-endian */
	TAPE_HEADER_BYTES = 16,
	TAPE_VERSION = 1,
	/* A chunk: bytes as stored, bytes of its records, CRC-32 of those */
	TAPE_CHUNK_HEADER_BYTES = 12,
	TAPE_CHUNK_FULL = 256 << 10, /* is written at this size */
	TAPE_CHUNK_MAX = TAPE_CHUNK_FULL + TAPE_MAX_RECORD,
	TAPE_CHUNK_STORED_MAX = TAPE_CHUNK_MAX + (TAPE_CHUNK_MAX >> 8) + 64,
};

/** Makes the file; one that is there is refused if it is no tape. NULL and a sentence. */
struct tape_writer *tape_writer_create(const char *path, struct err *err);
/** Room for one record. */
uint8_t *tape_writer_room(struct tape_writer *writer);
/** 'length' bytes of the room are a record. */
void tape_writer_commit(struct tape_writer *writer, size_t length);
/** True if there are records that nobody has been told to write. */
bool tape_writer_is_dirty(const struct tape_writer *writer);
/** Has them written, soon. */
void tape_writer_flush(struct tape_writer *writer);
/** Writes all and closes. NULL is ignored. */
void tape_writer_destroy(struct tape_writer *writer);

/** NULL and a sentence if the file cannot be read or is no tape of a version that is known. */
struct tape_reader *tape_reader_open(const char *path, struct err *err);
/** Reads 'length' bytes of records, borrowed: for tests. NULL without memory. */
struct tape_reader *tape_reader_open_bytes(const uint8_t *bytes, size_t length);
void tape_reader_close(struct tape_reader *reader);
/** The next record, valid until the next call. False at the end. */
bool tape_reader_next(struct tape_reader *reader, struct tape_record *record);
/** What is wrong with the tape: NULL, or words for a person once tape_reader_next has said false.
 */
const char *tape_reader_complaint(const struct tape_reader *reader);
/** Of the last record: from the first record's beginning, uncompressed. */
uint64_t tape_reader_position(const struct tape_reader *reader);
