// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A read-only image put together from pieces: bytes kept in memory, files of the host, and an image
 * that lies below all of them. What no piece covers reads from the image below, or as zeros behind
 * its end. Nothing is copied but what is small, nothing is written.
 *
 * It is composed piece by piece in any order, then sealed, then read by a driver (block_open with
 * format "composed"), or by another process, to which it is handed as one descriptor: a socket in
 * which the pieces' descriptors wait.
 *
 * A file that is not any more as it was when it was added (size, time of change) fails to be read.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct block;
struct err;

enum {
	COMPOSED_MAX_FILES = 520,             /* those of a directory, memory, the image below */
	COMPOSED_MAX_MEMORY_BYTES = 96 << 20, /* directories of media, small files */
	COMPOSED_MAX_EXTENTS = 1 << 18,
	COMPOSED_NAME_BYTES = 64,
};

struct composed_file {
	int fd; /* owned */
	uint64_t bytes;
	struct timespec modified;
	bool is_checked; /* it must stay as it is */
	char name[COMPOSED_NAME_BYTES];
};

struct composed_extent {
	uint64_t start, bytes; /* in the image */
	uint64_t offset;       /* in the file */
	uint32_t file;
};

struct composed {
	struct composed_file *files;
	uint32_t file_count;
	struct composed_extent *extents; /* once sealed in order, without overlap */
	uint32_t extent_count;
	uint8_t *memory; /* until sealed */
	size_t memory_bytes;
	uint64_t below_bytes; /* of file COMPOSED_BELOW; 0: there is none */
	uint64_t size_bytes;  /* once sealed */
};

enum {
	COMPOSED_MEMORY, /* numbers of the first two files */
	COMPOSED_BELOW,
};

/** 0 or -ENOMEM. */
int composed_init(struct composed *composed);
void composed_finish(struct composed *composed);

/** The image below, whose descriptor is taken. */
void composed_set_below(struct composed *composed, int fd, uint64_t bytes);
/** Puts a copy of 'data' at 'start'. 0, or -errno and a sentence. */
int composed_add_memory(struct composed *composed, uint64_t start, const void *data, size_t bytes,
			struct err *err);
/** Puts 'bytes' of 'file', whose descriptor is taken on success, at 'start'. 0, or -errno and a
 * sentence. */
int composed_add_file(struct composed *composed, uint64_t start, const struct composed_file *file,
		      struct err *err);
/** Ends composing. 0, or -errno and a sentence: pieces overlap, for instance. */
int composed_seal(struct composed *composed, uint64_t size_bytes, struct err *err);

/** A descriptor from which composed_receive makes the same image, in another process too. -errno
 * and a sentence. */
int composed_send(const struct composed *composed, struct err *err);
/** Makes an image from what composed_send gave; 'fd' stays the caller's, and is of no use
 * afterwards. 0, or -errno and a sentence: what comes is not trusted. */
int composed_receive(struct composed *composed, int fd, struct err *err);

/** Makes 'block' read 'composed', which is taken over. 0, or -errno and a sentence. */
int composed_open(struct block *block, struct composed *composed, struct err *err);
