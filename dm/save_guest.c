// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The second part of a saved guest, where the core holds memory and processors (KVM): behind the
 * devices' stream. docs/save-format.md
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <zlib.h>
#include <zstd.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/err.h"
#include "dm/board_internal.h"
#include "dm/host_files.h"
#include "dm/machine.h"
#include "dm/save.h"

enum guest_layout {
	MAGIC_BYTES = 8,
	VERSION = 1,
	HEADER_BYTES = 16, /* magic, u32 version, u32 zero */
	RECORD_BYTES = 24, /* u32 kind, u32 zero, u64 offset, u32 length, u32 stored */
	CHUNK_BYTES = 1 << 20,
	CORE_MAX_BYTES = 16 << 20,
	FASTEST = 1, /* of zstd's levels */
};

/** Stored: never renumbered. */
enum guest_record {
	RECORD_END,      /* offset: number of records before it; a CRC-32 of all bytes before that
			    follows */
	RECORD_LOW_RAM,  /* a chunk of the RAM below 4 GiB, compressed by zstd */
	RECORD_HIGH_RAM, /* from 4 GiB on */
	RECORD_VIDEO_RAM,
	RECORD_CORE, /* processors and chips, hv_save's */
	RECORD_KINDS,
};

static const char magic[MAGIC_BYTES + 1] = "hvmdmRAM";

struct block_of_memory {
	uint8_t *host;
	uint64_t bytes;
};

/** Where a kind of memory lies; no bytes if this machine has none. */
static struct block_of_memory find_memory(struct machine *machine, enum guest_record kind)
{
	struct block_of_memory block = { 0 };
	uint64_t gpa = kind == RECORD_HIGH_RAM ? BIT64(32) : 0;
	size_t length;

	if (kind == RECORD_VIDEO_RAM && machine->board) {
		block.host = machine->board->video_ram.ram.host;
		block.bytes = machine->board->video_ram.ram.bytes;
	}
	if (kind == RECORD_VIDEO_RAM)
		return block;
	length = kind == RECORD_HIGH_RAM ? machine->ram.high_bytes : machine->ram.low_bytes;
	block.bytes = length;
	if (length)
		block.host = hv_ram_map(machine->hv, gpa, &length, true);
	return block;
}

/* --- Writing --- */

struct guest_writer {
	int fd;
	uint32_t checksum;
	uint64_t records;
	ZSTD_CCtx *compressor;
	uint8_t *buffer; /* RECORD_BYTES and a compressed chunk */
	size_t buffer_bytes;
};

static int put(struct guest_writer *writer, const uint8_t *bytes, size_t length, struct err *err)
{
	int result = host_write_all(writer->fd, bytes, length);

	writer->checksum = (uint32_t)crc32(writer->checksum, bytes, (uInt)length);
	return result < 0 ? err_set_errno(err, result, "cannot write the saved guest") : 0;
}

static void put_header(uint8_t *into, enum guest_record kind, uint64_t offset, size_t length,
		       size_t stored)
{
	store_le32(into, kind);
	store_le32(into + 4, 0);
	store_le64(into + 8, offset);
	store_le32(into + 16, (uint32_t)length);
	store_le32(into + 20, (uint32_t)stored);
}

static bool is_zero(const uint8_t *bytes, size_t length)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0;
}

static int write_chunk(struct guest_writer *writer, enum guest_record kind, uint64_t offset,
		       const uint8_t *bytes, size_t length, struct err *err)
{
	size_t stored;

	if (is_zero(bytes, length))
		return 0;
	stored = ZSTD_compressCCtx(writer->compressor, writer->buffer + RECORD_BYTES,
				   writer->buffer_bytes - RECORD_BYTES, bytes, length, FASTEST);
	if (ZSTD_isError(stored))
		return err_set(err, -EIO, "cannot compress the guest's memory: %s",
			       ZSTD_getErrorName(stored));
	put_header(writer->buffer, kind, offset, length, stored);
	writer->records++;
	return put(writer, writer->buffer, RECORD_BYTES + stored, err);
}

static int write_memory(struct machine *machine, struct guest_writer *writer,
			enum guest_record kind, struct err *err)
{
	struct block_of_memory block = find_memory(machine, kind);
	int result = 0;

	for (uint64_t at = 0; at < block.bytes && result == 0; at += CHUNK_BYTES) {
		uint64_t left = block.bytes - at;

		result = write_chunk(writer, kind, at, block.host + at,
				     left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES, err);
	}
	return result;
}

static int write_core(struct machine *machine, struct guest_writer *writer, struct err *err)
{
	uint8_t header[RECORD_BYTES], *bytes;
	size_t length;
	int result = hv_save(machine->hv, &bytes, &length, err);

	if (result < 0)
		return result;
	put_header(header, RECORD_CORE, 0, length, length);
	writer->records++;
	result = put(writer, header, sizeof(header), err);
	if (result == 0)
		result = put(writer, bytes, length, err);
	free(bytes);
	return result;
}

static int write_end(struct guest_writer *writer, struct err *err)
{
	uint8_t end[RECORD_BYTES], checksum[4];
	int result;

	put_header(end, RECORD_END, writer->records, 0, 0);
	result = put(writer, end, sizeof(end), err);
	store_le32(checksum, writer->checksum);
	return result < 0 ? result : put(writer, checksum, sizeof(checksum), err);
}

static int write_parts(struct machine *machine, struct guest_writer *writer, struct err *err)
{
	uint8_t header[HEADER_BYTES] = { 0 };
	int result;

	memcpy(header, magic, MAGIC_BYTES);
	store_le32(header + MAGIC_BYTES, VERSION);
	result = put(writer, header, sizeof(header), err);
	for (unsigned kind = RECORD_LOW_RAM; kind <= RECORD_VIDEO_RAM && result == 0; kind++)
		result = write_memory(machine, writer, kind, err);
	if (result == 0)
		result = write_core(machine, writer, err);
	return result < 0 ? result : write_end(writer, err);
}

int save_guest_write(struct machine *machine, int fd, struct err *err)
{
	struct guest_writer writer = {
		.fd = fd,
		.compressor = ZSTD_createCCtx(),
		.buffer_bytes = RECORD_BYTES + ZSTD_compressBound(CHUNK_BYTES),
	};
	int result;

	writer.buffer = malloc(writer.buffer_bytes);
	result = writer.compressor && writer.buffer
			 ? write_parts(machine, &writer, err)
			 : err_set_errno(err, -ENOMEM, "cannot save the guest's memory");
	ZSTD_freeCCtx(writer.compressor);
	free(writer.buffer);
	return result;
}

/* --- Reading --- */

struct guest_reader {
	int fd;
	uint32_t checksum;
	uint64_t records;
	uint8_t *buffer; /* a compressed chunk */
	size_t buffer_bytes;
	struct block_of_memory memory[RECORD_KINDS];
	uint64_t next[RECORD_KINDS]; /* where the next chunk of a kind may begin */
};

struct guest_record_header {
	uint32_t kind;
	uint64_t offset;
	size_t length, stored;
};

static int read_all(struct guest_reader *reader, uint8_t *bytes, size_t length, struct err *err)
{
	size_t done = 0;

	while (done < length) {
		ssize_t count = read(reader->fd, bytes + done, length - done);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return err_set_errno(err, -errno, "cannot read the saved guest");
		if (count == 0)
			return err_set(err, -EINVAL, "the saved guest is cut short");
		done += (size_t)count;
	}
	reader->checksum = (uint32_t)crc32(reader->checksum, bytes, (uInt)length);
	return 0;
}

static int refuse_damaged(struct err *err)
{
	return err_set(err, -EINVAL, "the saved guest is damaged");
}

static int read_record(struct guest_reader *reader, struct guest_record_header *record,
		       struct err *err)
{
	uint8_t bytes[RECORD_BYTES];
	int result = read_all(reader, bytes, sizeof(bytes), err);

	if (result < 0)
		return result;
	*record = (struct guest_record_header){
		.kind = load_le32(bytes),
		.offset = load_le64(bytes + 8),
		.length = load_le32(bytes + 16),
		.stored = load_le32(bytes + 20),
	};
	return 0;
}

static int read_chunk(struct guest_reader *reader, const struct guest_record_header *record,
		      struct err *err)
{
	const struct block_of_memory *memory = &reader->memory[record->kind];
	size_t length;
	int result;

	if (record->offset < reader->next[record->kind] || record->offset > memory->bytes ||
	    record->length > memory->bytes - record->offset || record->length > CHUNK_BYTES ||
	    record->stored > reader->buffer_bytes)
		return refuse_damaged(err);
	result = read_all(reader, reader->buffer, record->stored, err);
	if (result < 0)
		return result;
	length = ZSTD_decompress(memory->host + record->offset, record->length, reader->buffer,
				 record->stored);
	if (ZSTD_isError(length) || length != record->length)
		return refuse_damaged(err);
	reader->next[record->kind] = record->offset + record->length;
	return 0;
}

static int read_core(struct guest_reader *reader, const struct guest_record_header *record,
		     struct save_core *core, struct err *err)
{
	if (core->bytes || record->stored != record->length || record->length > CORE_MAX_BYTES ||
	    record->length == 0)
		return refuse_damaged(err);
	core->bytes = malloc(record->length);
	core->length = record->length;
	if (!core->bytes)
		return err_set_errno(err, -ENOMEM, "cannot load the saved guest");
	return read_all(reader, core->bytes, record->length, err);
}

static int read_end(struct guest_reader *reader, const struct guest_record_header *record,
		    struct err *err)
{
	uint32_t expected = reader->checksum;
	uint8_t checksum[4];
	int result = read_all(reader, checksum, sizeof(checksum), err);

	if (result < 0)
		return result;
	return record->offset == reader->records && load_le32(checksum) == expected
		       ? 0
		       : refuse_damaged(err);
}

static int read_records(struct guest_reader *reader, struct save_core *core, struct err *err)
{
	struct guest_record_header record;
	int result;

	for (;; reader->records++) {
		result = read_record(reader, &record, err);
		if (result == 0 && record.kind == RECORD_END)
			return read_end(reader, &record, err);
		if (result == 0 && record.kind >= RECORD_KINDS)
			result = refuse_damaged(err);
		else if (result == 0 && record.kind == RECORD_CORE)
			result = read_core(reader, &record, core, err);
		else if (result == 0)
			result = read_chunk(reader, &record, err);
		if (result < 0)
			return result;
	}
}

static int read_header(struct guest_reader *reader, struct err *err)
{
	uint8_t header[HEADER_BYTES];
	int result = read_all(reader, header, sizeof(header), err);

	if (result < 0)
		return result;
	if (memcmp(header, magic, MAGIC_BYTES) != 0)
		return err_set(err, -EINVAL,
			       "the guest's devices were saved without its memory: that is for "
			       "Xen, and cannot be gone on with under KVM");
	if (load_le32(header + MAGIC_BYTES) != VERSION)
		return err_set(err, -EINVAL, "a later hvmdm has saved this guest");
	return 0;
}

/** What is not in the file is zeros, whatever firmware has been put there since. */
static void clear_memory(const struct block_of_memory *memory)
{
	if (memory->bytes && madvise(memory->host, memory->bytes, MADV_DONTNEED) < 0)
		memset(memory->host, 0, memory->bytes);
}

int save_guest_read(struct machine *machine, int fd, struct save_core *core, struct err *err)
{
	struct guest_reader reader = {
		.fd = fd,
		.buffer_bytes = ZSTD_compressBound(CHUNK_BYTES),
	};
	int result = read_header(&reader, err);

	if (result < 0)
		return result;
	reader.buffer = malloc(reader.buffer_bytes);
	if (!reader.buffer)
		return err_set_errno(err, -ENOMEM, "cannot load the saved guest");
	for (unsigned kind = RECORD_LOW_RAM; kind <= RECORD_VIDEO_RAM; kind++) {
		reader.memory[kind] = find_memory(machine, kind);
		clear_memory(&reader.memory[kind]);
	}
	result = read_records(&reader, core, err);
	if (result == 0 && !core->bytes)
		result = refuse_damaged(err);
	free(reader.buffer);
	return result;
}
