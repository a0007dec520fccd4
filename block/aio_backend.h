// SPDX-License-Identifier: GPL-2.0-or-later
/* Between aio.c and its two back ends. */
#pragma once

#include "block/aio.h"

struct aio_backend {
	const char *name;
	/** Returns the back end's own state, or NULL if the kernel refuses it. */
	void *(*create)(struct aio *aio);
	void (*destroy)(void *state);
	void (*submit)(void *state, struct aio_op *op);
	/** Hands what has ended to aio_op_ended; with 'wait', sleeps until something has. */
	void (*reap)(void *state, bool wait);
};

/** Whether 'op' moves data, in steps; all others are one system call. */
static inline bool aio_op_is_transfer(const struct aio_op *op)
{
	return op->kind == AIO_READ || op->kind == AIO_WRITE || op->kind == AIO_WRITE_THROUGH;
}

/** The mode of fallocate for AIO_PUNCH and AIO_ZERO. */
int aio_op_fallocate_mode(const struct aio_op *op);

/** One system call's worth of an operation. */
struct aio_step {
	int fd;
	const struct iovec *iov;
	int iov_count;
	uint64_t offset;
	size_t bytes;
	bool direct;
};

/** The next step of a read or write. False if 'iov' has ended: the operation is then to end with
 * -EINVAL. */
bool aio_op_next_step(struct aio_op *op, struct aio_step *step);
/** Takes what the system call returned. True if the operation has ended (op->result), false if it
 * wants its next step. */
bool aio_op_step_done(struct aio_op *op, const struct aio_step *step, int64_t returned);
/** Puts 'op' among those whose completion is to be delivered. From any thread; 'wake' the loop
 * unless it is reaping. */
void aio_op_ended(struct aio *aio, struct aio_op *op, bool wake);

struct loop *aio_loop(const struct aio *aio);
/** The descriptor whose becoming readable makes the loop reap. */
int aio_event_fd(const struct aio *aio);

extern const struct aio_backend aio_threads;
#ifdef HAVE_IO_URING
extern const struct aio_backend aio_uring;
#endif
