// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Images that no guest uses: made, described, checked, given snapshots, resized. For tools. The
 * format is always named by who asks; image_guess_format is for telling a person what a file seems
 * to be.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct block;
struct err;
struct loop;

struct image_create {
	const char *format;
	uint64_t size_bytes;
	const char *backing_file, *backing_format; /* NULL: none; qcow2 only */
	unsigned cluster_bits;                     /* 0: 16 */
	unsigned version;                          /* of qcow2; 0: 3 */
	bool fixed;                                /* vpc: all space at once */
};

/** Makes a new image; refuses to overwrite anything but an empty file. 0, or -errno and a sentence.
 */
int image_create(const char *filename, const struct image_create *options, struct loop *loop,
		 struct err *err);

/** Makes a new qcow2 image that holds the content of 'source' in compressed clusters. 'progress'
 * may be NULL. 0, or -errno and a sentence. */
int image_pack(const char *filename, const struct image_create *options, struct block *source,
	       void (*progress)(uint64_t done, uint64_t total), struct loop *loop, struct err *err);

struct image_info {
	char format[16];
	uint64_t size_bytes;
	uint64_t file_bytes, allocated_bytes; /* of the host's file */
	uint64_t cluster_bytes;               /* 0: has none */
	char backing_file[1024], backing_format[16];
	unsigned version;
	const char *compression;
	bool dirty, corrupt, lazy_refcounts;
	unsigned refcount_bits, snapshots;
};

/** Describes what can be told without claiming the image. 0, or -errno and a sentence. */
int image_get_info(const char *filename, const char *format, struct image_info *info,
		   struct loop *loop, struct err *err);
/** What a file looks like: a name of a format, "raw" if like nothing known. NULL and a sentence if
 * it cannot be read. */
const char *image_guess_format(const char *filename, struct err *err);

struct image_check {
	uint64_t errors; /* not to be trusted as it is */
	uint64_t leaks;  /* space that is lost, nothing else */
	uint64_t repaired;
	uint64_t total_clusters, allocated_clusters, compressed_clusters;
	uint64_t end_bytes; /* of what is used */
};

enum image_repair {
	IMAGE_REPAIR_NOTHING,
	IMAGE_REPAIR_LEAKS,
	IMAGE_REPAIR_ALL,
};

/** Checks an image that nobody writes. 0: 'check' says what was found (and is left, after
 * repairing); -ENOTSUP: the format has nothing to check; or -errno and a sentence. */
int image_check(const char *filename, const char *format, enum image_repair repair,
		struct image_check *check, struct loop *loop, struct err *err);

struct image_snapshot {
	char id[64], name[256];
	int64_t seconds;
	uint32_t nanoseconds;
	uint64_t disk_bytes, state_bytes, guest_ns;
};

/** Lists snapshots into '*snapshots', which the caller frees. Their number, or -errno and a
 * sentence. */
int image_list_snapshots(const char *filename, const char *format,
			 struct image_snapshot **snapshots, struct loop *loop, struct err *err);
enum image_snapshot_verb {
	IMAGE_SNAPSHOT_CREATE,
	IMAGE_SNAPSHOT_APPLY,
	IMAGE_SNAPSHOT_DELETE,
};
/** 'name' is an id or a name. 0, or -errno and a sentence. */
int image_snapshot(const char *filename, const char *format, enum image_snapshot_verb verb,
		   const char *name, struct loop *loop, struct err *err);

/** Larger only, except raw files with 'shrink'. 0, or -errno and a sentence. */
int image_resize(const char *filename, const char *format, uint64_t size_bytes, bool shrink,
		 struct loop *loop, struct err *err);
