// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Disk images and media as drives see them: a size, and asynchronous requests that move data
 * between the image and pieces of guest memory. Requests of one drive may complete in any order, on
 * the loop, under the machine lock. An empty medium is a block device of its own kind
 * (block_create_empty), so that nobody holds NULL. What kind of image it is, somebody says: content
 * is never looked at to find out.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/list.h"
#include "block/aio.h"

struct clock;
struct err;
struct loop;
struct block;

enum block_op {
	BLOCK_READ,
	BLOCK_WRITE,
	BLOCK_FLUSH,        /* everything that completed before is on stable storage afterwards */
	BLOCK_DISCARD,      /* nobody needs the range any more; advice, where discarding is on */
	BLOCK_WRITE_ZEROES, /* the range reads as zeros, however the image says so */
};

/** Owned by the caller, and untouched by him, from block_start until 'complete'. */
struct block_request {
	enum block_op op;
	uint64_t offset;         /* bytes; a multiple of 512 for disks */
	const struct iovec *iov; /* guest memory or the caller's own */
	unsigned iov_count;
	uint64_t length; /* of a range to discard or zero, which has no memory */
	/** 'result' is 0 or -errno; on an error any part may have been done. Never called from
	 * within block_start. It may start requests, and close other images than its own. */
	void (*complete)(struct block_request *request, int result);
	/* private to block/ */
	struct list_node node;
	struct block *block;
	size_t skip; /* bytes of 'iov' before the first that is moved */
	size_t bytes;
	size_t done;
	uint32_t number; /* the gate's */
	struct aio_op io;
};

enum block_cache {
	BLOCK_CACHE_WRITEBACK,    /* default: the host's page cache; flush is fdatasync */
	BLOCK_CACHE_WRITETHROUGH, /* each write is flushed */
	BLOCK_CACHE_NONE,         /* O_DIRECT where the alignment of guest memory allows it */
	BLOCK_CACHE_DIRECTSYNC,
	BLOCK_CACHE_UNSAFE, /* flush does nothing */
};

/** What to do when the host fails a request (werror, rerror). */
enum block_error_action {
	BLOCK_ERROR_REPORT,
	BLOCK_ERROR_IGNORE,
	BLOCK_ERROR_STOP, /* hold the request, stop the machine; it is tried again by block_retry */
	BLOCK_ERROR_ENOSPC, /* stop on ENOSPC, else report */
};

struct block_options {
	const char *filename; /* or an already open descriptor: */
	int fd;               /* -1 if filename is to be opened; otherwise taken over */
	const char *format;   /* "raw", "qcow2", …; NULL is raw: images are never probed */
	const char *overlay;  /* a directory that lies over the CD image; NULL: none */
	bool read_only;
	bool snapshot;  /* writes go to a temporary overlay and are dropped at the end */
	bool is_floppy; /* a directory becomes a floppy disk */
	bool is_cdrom;  /* host drives are opened for reading media, sectors count 2048 bytes */
	bool discard;   /* BLOCK_DISCARD gives space back to the host; otherwise it does nothing */
	bool no_lock;   /* do not claim the image against other processes */
	enum block_cache cache;
	enum block_error_action write_error, read_error;
	size_t metadata_bytes; /* for an image's tables in memory; 0: what suits most */
};

struct block_stats {
	uint64_t read_bytes, write_bytes, reads, writes, flushes, errors;
};

enum block_limit {
	BLOCK_LIMIT_BPS_TOTAL, /* bytes a second */
	BLOCK_LIMIT_BPS_READ,
	BLOCK_LIMIT_BPS_WRITE,
	BLOCK_LIMIT_IOPS_TOTAL, /* requests a second */
	BLOCK_LIMIT_IOPS_READ,
	BLOCK_LIMIT_IOPS_WRITE,
	BLOCK_LIMITS,
};

/** What a drive may move. A total excludes the two beside it. */
struct block_throttle {
	struct block_limit_rate {
		uint64_t average;       /* a second; 0: not limited */
		uint64_t burst;         /* a second, for a while; 0: a tenth of a second's worth */
		uint64_t burst_seconds; /* that while; 0 is 1 */
	} limits[BLOCK_LIMITS];
	uint64_t operation_bytes; /* a request of more counts as several; 0: as one */
};
/** "bps-total" ... */
extern const char *const block_limit_names[BLOCK_LIMITS];

/** Opens an image, block device or host CD drive. NULL and a sentence that names the file and what
 * to do. */
struct block *block_open(const struct block_options *options, struct loop *loop, struct err *err);
/** A drive without a medium. Size 0, every request fails with -ENOMEDIUM. */
struct block *block_create_empty(struct loop *loop);
/**
 * An image of zeros in memory, which takes the place of one that is not at hand: its owner puts
 * what is known of it where block_memory points to. Reads are carried out by block_memory_fill, so
 * that this may be as late as their end. NULL and a sentence.
 */
struct block *block_create_memory(struct loop *loop, const char *name, uint64_t bytes,
				  bool read_only, struct err *err);
/** Its bytes; NULL: the image is of another kind. */
uint8_t *block_memory(struct block *block);
void block_memory_fill(struct block_request *request);
/** Waits for what is under way, cancels what is held, flushes, closes. NULL is ignored. */
void block_close(struct block *block);

bool block_is_empty(const struct block *block);
uint64_t block_size_bytes(const struct block *block);
bool block_is_read_only(const struct block *block);
const char *block_filename(const struct block *block);
const char *block_format(const struct block *block);
/** Whether what is read of a discarded range, old data or zeros, stays the same until it is
 * written.
 */
bool block_discard_is_deterministic(const struct block *block);
void block_get_stats(const struct block *block, struct block_stats *stats);

/**
 * Starts a request. It always completes, later, by 'complete'. Beyond the medium's end or with
 * lengths that are not whole sectors of 512 bytes it fails with -EINVAL, without a medium with
 * -ENOMEDIUM, writing to a read-only one with -EROFS.
 */
void block_start(struct block *block, struct block_request *request);

/**
 * Waits until no request is under way, without running other callbacks; completions are delivered
 * before it returns. Held requests (BLOCK_ERROR_STOP) stay held; those that wait for their limits
 * go at once.
 */
void block_drain(struct block *block);

/** Synchronous read for set-up, tools and tests. 0 or -errno. */
int block_read_now(struct block *block, uint64_t offset, void *data, size_t length);
/** Synchronous write for set-up, tools and tests. 0 or -errno. */
int block_write_now(struct block *block, uint64_t offset, const void *data, size_t length);
/** Synchronous flush: at exit and on unplug. 0 or -errno. */
int block_flush_now(struct block *block);

/** From here on BLOCK_DISCARD gives space back to the host. */
void block_allow_discard(struct block *block);
/** What is written to it is dropped at the end (snapshot). */
bool block_is_temporary(const struct block *block);
/**
 * Lets another process have the image, for a guest that moves there, or claims it again. Nothing
 * may be started in between. 0, or -errno and a sentence.
 */
int block_claim(struct block *block, bool claimed, struct err *err);

/** Stands between an image and its drive: a recording, or its replay. */
struct block_gate {
	void *opaque;
	/** A request has been started. */
	void (*started)(void *opaque, struct block_request *request);
	/** The image has finished with it: block_deliver is to be called, now or later. */
	void (*finished)(void *opaque, struct block_request *request, int result);
	/** Somebody waits for all requests: delivers one that was kept back. False: there is none.
	 */
	bool (*settle)(void *opaque);
	/** BLOCK_ERROR_STOP holds a request. */
	void (*held)(void *opaque, struct block_request *request);
};

/** 'gate' is borrowed; NULL takes it off. Nothing is under way. Synchronous requests go past it. */
void block_set_gate(struct block *block, const struct block_gate *gate);
/** Completes a request that the gate was given. */
void block_deliver(struct block_request *request, int result);
/** Waits until the image has finished with all requests, whatever the gate keeps back. */
void block_await(struct block *block);

/** Who is told that a request is held by BLOCK_ERROR_STOP; the machine stops then. */
void block_set_error_hook(struct block *block,
			  void (*stopped)(void *opaque, struct block *block, bool is_write,
					  int error),
			  void *opaque);
/**
 * Limits what the drive moves, by guest time; requests beyond that wait. All zeros: no limits, and
 * nothing left of them. 0, or -EINVAL or -ENOMEM and a sentence.
 */
int block_set_throttle(struct block *block, const struct block_throttle *limits,
		       struct clock *clock, struct err *err);
void block_get_throttle(const struct block *block, struct block_throttle *limits);

/** Tries held requests again: the machine goes on. */
void block_retry(struct block *block);
/** Completes held requests, and those that wait for their limits, with -ECANCELED, before it
 * returns: the drive is being reset. */
void block_cancel_held(struct block *block);
