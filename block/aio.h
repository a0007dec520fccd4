// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Asynchronous transfers between files and pieces of memory: io_uring where the kernel allows it,
 * otherwise threads, behind one face. One struct aio serves a loop; every image shares it. An
 * operation is embedded in what it belongs to, so that nothing is allocated on the way of a
 * request. Under the machine lock.
 *
 * An operation moves in steps: a short transfer, a limit of the kernel or an alignment that
 * O_DIRECT does not take ends a step, and the next one goes on behind it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/list.h"

struct aio;
struct err;
struct loop;

/** An open file, with a second descriptor for transfers past the host's page cache. */
struct aio_file {
	int fd;
	int direct_fd;           /* with O_DIRECT; -1: none */
	uint32_t memory_align;   /* what direct_fd demands of addresses */
	uint32_t position_align; /* and of offsets and lengths */
};

enum aio_kind {
	AIO_READ,
	AIO_WRITE,
	AIO_WRITE_THROUGH, /* on stable storage when complete */
	AIO_SYNC,          /* fdatasync */
	AIO_PUNCH,         /* the host may have the space back; the range reads as zeros */
	AIO_ZERO,          /* the range reads as zeros, and keeps its space where that is cheap */
	AIO_CALL,          /* no transfer: 'call' runs on a thread, without the machine lock */
};

struct aio_op {
	enum aio_kind kind;
	const struct aio_file *file;
	uint64_t offset;         /* in the file */
	const struct iovec *iov; /* memory; with file, it stays untouched until 'complete' */
	unsigned iov_count;
	size_t skip;       /* bytes of 'iov' before the first that is moved */
	size_t bytes;      /* to move; the length of a range */
	bool avoid_direct; /* by the page cache, even where O_DIRECT would do */
	const void *owner; /* for aio_wait */
	/** AIO_CALL: touches only what it was handed; 0 or -errno. */
	int (*call)(struct aio_op *op);
	/** 0 or -errno; a read that meets the end of the file fails with -EIO. Never called from
	 * within aio_submit. */
	void (*complete)(struct aio_op *op, int result);
	/* private to aio */
	struct list_node node;
	size_t done;
	unsigned index; /* the entry of 'iov' that is next */
	size_t at;      /* and the bytes of it already moved */
	struct iovec piece;
	int result;
};

/** The loop's aio, made when the first asks for it; each acquire wants a release. NULL when out of
 * memory or descriptors. */
struct aio *aio_acquire(struct loop *loop);
/** The last one ends it; nothing is under way then. */
void aio_release(struct aio *aio);
/** Makes the rings (or the pool) that aio_submit needs, now: system calls that a sandbox forbids
 * later. 0 or -errno. */
int aio_prepare(struct aio *aio);
/** "io_uring", "threads" or, before aio_prepare, "none". */
const char *aio_backend_name(const struct aio *aio);

void aio_submit(struct aio *aio, struct aio_op *op);
/** Whether the whole of 'op' can go past the page cache: direct_fd is there, memory, offset and
 * lengths are aligned. */
bool aio_op_suits_direct(const struct aio_op *op);
/** Completes 'op' with 'result' from the loop, without a transfer. */
void aio_complete_later(struct aio *aio, struct aio_op *op, int result);
/** Waits for at least one operation of 'owner', which has one under way, and delivers those that
 * are complete. */
void aio_wait(struct aio *aio, const void *owner);

/** For tests: the next aio_prepare takes threads even where io_uring would work. Also
 * HVMDM_AIO=threads. */
void aio_force_threads(bool force);
