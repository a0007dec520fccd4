// SPDX-License-Identifier: GPL-2.0-or-later
#include "dm/tape_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/log.h"
#include "dm/host_files.h"

static const char magic[TAPE_MAGIC_BYTES + 1] = "HVMDMREC";

/* --- Writing --- */

enum {
	BUFFERS = 4,
};

struct buffer {
	uint8_t bytes[TAPE_CHUNK_MAX];
	size_t length;
};

struct tape_writer {
	int fd;
	char *path;
	struct buffer buffers[BUFFERS];
	unsigned filling; /* the buffer that takes records; the machine's */
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	unsigned writing, queued; /* the buffers from 'writing' on are the thread's */
	bool is_ending;
	/* The thread's alone. */
	bool has_failed;
	uint8_t stored[TAPE_CHUNK_HEADER_BYTES + TAPE_CHUNK_STORED_MAX];
};

static void write_chunk(struct tape_writer *writer, const struct buffer *buffer)
{
	uint8_t *header = writer->stored;
	uLongf stored = TAPE_CHUNK_STORED_MAX;
	int result;

	if (writer->has_failed)
		return;
	if (compress2(header + TAPE_CHUNK_HEADER_BYTES, &stored, buffer->bytes, buffer->length,
		      Z_BEST_SPEED) == Z_OK) {
		store_le32(header, (uint32_t)stored);
		store_le32(header + 4, (uint32_t)buffer->length);
		store_le32(header + 8, (uint32_t)crc32(0, buffer->bytes, (uInt)buffer->length));
		result = host_write_all(writer->fd, header, TAPE_CHUNK_HEADER_BYTES + stored);
	} else {
		result = -ENOMEM;
	}
	if (result < 0) {
		writer->has_failed = true;
		log_error("the recording '%s' ends here: %s", writer->path, strerror(-result));
	}
}

static void *write_chunks(void *opaque)
{
	struct tape_writer *writer = opaque;

	pthread_mutex_lock(&writer->mutex);
	while (writer->queued || !writer->is_ending) {
		struct buffer *buffer = &writer->buffers[writer->writing];

		if (!writer->queued) {
			pthread_cond_wait(&writer->changed, &writer->mutex);
			continue;
		}
		pthread_mutex_unlock(&writer->mutex);
		write_chunk(writer, buffer);
		pthread_mutex_lock(&writer->mutex);
		buffer->length = 0;
		writer->writing = (writer->writing + 1) % BUFFERS;
		writer->queued--;
		pthread_cond_broadcast(&writer->changed);
	}
	pthread_mutex_unlock(&writer->mutex);
	return NULL;
}

/** A file that holds something else is not written over by a slip of the finger. */
static int check_existing(int fd, const char *path, struct err *err)
{
	char start[TAPE_MAGIC_BYTES];
	ssize_t length = pread(fd, start, sizeof(start), 0);

	if (length == 0 ||
	    (length == (ssize_t)sizeof(start) && memcmp(start, magic, sizeof(start)) == 0))
		return 0;
	return err_set(err, -EEXIST, "'%s' is there and is no recording: it stays as it is", path);
}

static int open_for_writing(struct tape_writer *writer, struct err *err)
{
	uint8_t header[TAPE_HEADER_BYTES] = { 0 };
	int result;

	writer->fd = open(writer->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (writer->fd < 0)
		return err_set_errno(err, -errno, "cannot write the recording '%s'", writer->path);
	result = check_existing(writer->fd, writer->path, err);
	if (result < 0)
		return result;
	memcpy(header, magic, TAPE_MAGIC_BYTES);
	store_le32(header + TAPE_VERSION_AT, TAPE_VERSION);
	result = ftruncate(writer->fd, 0) < 0 ? -errno
					      : host_write_all(writer->fd, header, sizeof(header));
	if (result < 0)
		return err_set_errno(err, result, "cannot write the recording '%s'", writer->path);
	return 0;
}

struct tape_writer *tape_writer_create(const char *path, struct err *err)
{
	struct tape_writer *writer = calloc(1, sizeof(*writer));

	if (!writer || !(writer->path = strdup(path))) {
		err_set_errno(err, -ENOMEM, "cannot record");
		free(writer);
		return NULL;
	}
	pthread_mutex_init(&writer->mutex, NULL);
	pthread_cond_init(&writer->changed, NULL);
	if (open_for_writing(writer, err) < 0)
		goto failed;
	if (pthread_create(&writer->thread, NULL, write_chunks, writer) != 0) {
		err_set_errno(err, -EAGAIN, "cannot start the thread that records");
		goto failed;
	}
	return writer;

failed:
	if (writer->fd >= 0)
		close(writer->fd);
	free(writer->path);
	free(writer);
	return NULL;
}

uint8_t *tape_writer_room(struct tape_writer *writer)
{
	struct buffer *buffer = &writer->buffers[writer->filling];

	return buffer->bytes + buffer->length;
}

bool tape_writer_is_dirty(const struct tape_writer *writer)
{
	return writer->buffers[writer->filling].length > 0;
}

void tape_writer_flush(struct tape_writer *writer)
{
	if (!tape_writer_is_dirty(writer))
		return;
	pthread_mutex_lock(&writer->mutex);
	while (writer->queued == BUFFERS - 1)
		pthread_cond_wait(&writer->changed, &writer->mutex);
	writer->queued++;
	writer->filling = (writer->filling + 1) % BUFFERS;
	pthread_cond_broadcast(&writer->changed);
	pthread_mutex_unlock(&writer->mutex);
}

void tape_writer_commit(struct tape_writer *writer, size_t length)
{
	struct buffer *buffer = &writer->buffers[writer->filling];

	buffer->length += length;
	if (buffer->length >= TAPE_CHUNK_FULL)
		tape_writer_flush(writer);
}

void tape_writer_destroy(struct tape_writer *writer)
{
	if (!writer)
		return;
	tape_writer_flush(writer);
	pthread_mutex_lock(&writer->mutex);
	writer->is_ending = true;
	pthread_cond_broadcast(&writer->changed);
	pthread_mutex_unlock(&writer->mutex);
	pthread_join(writer->thread, NULL);
	pthread_cond_destroy(&writer->changed);
	pthread_mutex_destroy(&writer->mutex);
	close(writer->fd);
	free(writer->path);
	free(writer);
}

/* --- Reading --- */

struct tape_reader {
	int fd;               /* -1: all is there */
	const uint8_t *bytes; /* of the chunk at hand */
	size_t length, at;
	uint64_t before;   /* bytes of earlier chunks */
	uint64_t position; /* of the last record */
	const char *complaint;
	uint8_t *plain, *stored; /* owned */
};

/** How many of 'length' bytes the file still had, or -errno. */
static ssize_t read_all(int fd, uint8_t *bytes, size_t length)
{
	size_t done = 0;

	while (done < length) {
		ssize_t count = read(fd, bytes + done, length - done);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return -errno;
		if (count == 0)
			break;
		done += (size_t)count;
	}
	return (ssize_t)done;
}

static const char *uncompress_chunk(struct tape_reader *reader, size_t stored, size_t plain,
				    uint32_t sum)
{
	uLongf length = TAPE_CHUNK_MAX;

	if (uncompress(reader->plain, &length, reader->stored, (uLong)stored) != Z_OK ||
	    length != plain || (uint32_t)crc32(0, reader->plain, (uInt)plain) != sum)
		return "the recording is damaged";
	return NULL;
}

/** True if there is another chunk; else the complaint says why not, unless the tape ends here. */
static bool read_chunk(struct tape_reader *reader)
{
	uint8_t header[TAPE_CHUNK_HEADER_BYTES];
	ssize_t got = reader->fd >= 0 ? read_all(reader->fd, header, sizeof(header)) : 0;
	uint32_t stored, plain;

	if (got == 0)
		return false;
	reader->complaint = "the recording was cut off";
	if (got != (ssize_t)sizeof(header))
		return false;
	stored = load_le32(header);
	plain = load_le32(header + 4);
	if (stored > TAPE_CHUNK_STORED_MAX || plain > TAPE_CHUNK_MAX || !plain) {
		reader->complaint = "the recording is damaged";
		return false;
	}
	if (read_all(reader->fd, reader->stored, stored) != (ssize_t)stored)
		return false;
	reader->complaint = uncompress_chunk(reader, stored, plain, load_le32(header + 8));
	reader->before += reader->length;
	reader->bytes = reader->plain;
	reader->length = plain;
	reader->at = 0;
	return !reader->complaint;
}

static int open_for_reading(struct tape_reader *reader, const char *path, struct err *err)
{
	uint8_t header[TAPE_HEADER_BYTES];

	reader->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (reader->fd < 0)
		return err_set_errno(err, -errno, "cannot read the recording '%s'", path);
	if (read_all(reader->fd, header, sizeof(header)) != (ssize_t)sizeof(header) ||
	    memcmp(header, magic, TAPE_MAGIC_BYTES) != 0)
		return err_set(err, -EINVAL, "'%s' is no recording", path);
	if (load_le32(header + TAPE_VERSION_AT) != TAPE_VERSION)
		return err_set(err, -ENOTSUP,
			       "the recording '%s' is of version %u, this program knows %d", path,
			       load_le32(header + TAPE_VERSION_AT), TAPE_VERSION);
	return 0;
}

struct tape_reader *tape_reader_open(const char *path, struct err *err)
{
	struct tape_reader *reader = calloc(1, sizeof(*reader));

	if (reader) {
		reader->fd = -1;
		reader->plain = malloc(TAPE_CHUNK_MAX);
		reader->stored = malloc(TAPE_CHUNK_STORED_MAX);
	}
	if (!reader || !reader->plain || !reader->stored)
		err_set_errno(err, -ENOMEM, "cannot read the recording '%s'", path);
	else if (open_for_reading(reader, path, err) == 0)
		return reader;
	tape_reader_close(reader);
	return NULL;
}

struct tape_reader *tape_reader_open_bytes(const uint8_t *bytes, size_t length)
{
	struct tape_reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return NULL;
	reader->fd = -1;
	reader->bytes = bytes;
	reader->length = length;
	return reader;
}

void tape_reader_close(struct tape_reader *reader)
{
	if (!reader)
		return;
	if (reader->fd >= 0)
		close(reader->fd);
	free(reader->plain);
	free(reader->stored);
	free(reader);
}

bool tape_reader_next(struct tape_reader *reader, struct tape_record *record)
{
	int length;

	*record = (struct tape_record){ 0 };
	if (reader->complaint || (reader->at == reader->length && !read_chunk(reader)))
		return false;
	length =
		tape_record_decode(reader->bytes + reader->at, reader->length - reader->at, record);
	reader->position = reader->before + reader->at;
	if (length <= 0) {
		*record = (struct tape_record){ 0 };
		reader->complaint = "the recording holds a record that is none";
		return false;
	}
	reader->at += (size_t)length;
	return true;
}

const char *tape_reader_complaint(const struct tape_reader *reader)
{
	return reader->complaint;
}

uint64_t tape_reader_position(const struct tape_reader *reader)
{
	return reader->position;
}
