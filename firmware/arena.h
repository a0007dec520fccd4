// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The memory that the table builders write into: one block of the caller's, handed out front to
 * back, never freed singly. Running out is remembered; the builders go on harmlessly and the caller
 * looks once, at the end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena {
	uint8_t *bytes;
	size_t capacity;
	size_t used;
	bool full; /* something did not fit */
};

/** 'bytes' stays the caller's and must outlive all that is built in it. */
void arena_init(struct arena *arena, void *bytes, size_t capacity);

/** 'count' zeroed bytes whose offset in the arena is a multiple of 'alignment'; NULL if they do not
 * fit. */
void *arena_take(struct arena *arena, size_t count, size_t alignment);

/** A string of bytes that grows at the arena's end; nothing else may be taken while it grows. */
struct blob {
	struct arena *arena;
	uint8_t *data;
	size_t length;
};

/** Opens a blob whose data starts at a multiple of 64 in the arena. */
void blob_open(struct blob *blob, struct arena *arena);

/** Appends 'count' bytes, zeros if 'bytes' is NULL. Returns their offset in the blob. */
size_t blob_put(struct blob *blob, const void *bytes, size_t count);

/** Appends zeros up to a multiple of 'alignment'. */
void blob_align(struct blob *blob, size_t alignment);

/* Little-endian integers. */
void blob_put_u8(struct blob *blob, uint8_t value);
void blob_put_le16(struct blob *blob, uint16_t value);
void blob_put_le32(struct blob *blob, uint32_t value);
void blob_put_le64(struct blob *blob, uint64_t value);

/** Overwrites 'size' (1 to 8) bytes at 'offset', little-endian. Nothing happens behind the blob's
 * end. */
void blob_patch(struct blob *blob, size_t offset, unsigned size, uint64_t value);

/** The sum of bytes, modulo 256. */
uint8_t bytes_sum(const void *bytes, size_t count);
