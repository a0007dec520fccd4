// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * io_uring: one small ring. The kernel signals aio's event descriptor for each completion. What the
 * page cache holds is copied while the request is submitted, the rest by the kernel's own workers;
 * requests that find the ring full wait in a list.
 */
#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/trace.h"
#include "block/aio_backend.h"

enum {
	RING_ENTRIES = 32,
	/* A copy longer than this is left to a worker, so that the machine lock is not held for its
	 * length. */
	INLINE_BYTES_MAX = 256 * 1024,
};

struct uring {
	struct aio *aio;
	struct io_uring ring;
	unsigned in_flight;
	struct list_node waiting;
};

/*
 * A system call filter does not see what a ring carries: a ring that could open files or sockets
 * would be a way around it. This one carries what disks need, for ever.
 */
static int restrict_and_enable(struct io_uring *ring)
{
	static const uint8_t ops[] = { IORING_OP_READV, IORING_OP_WRITEV, IORING_OP_FSYNC,
				       IORING_OP_FALLOCATE };
	struct io_uring_restriction allowed[ARRAY_SIZE(ops) + 1] = { 0 };

	for (unsigned i = 0; i < ARRAY_SIZE(ops); i++) {
		allowed[i].opcode = IORING_RESTRICTION_SQE_OP;
		allowed[i].sqe_op = ops[i];
	}
	allowed[ARRAY_SIZE(ops)].opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED;
	allowed[ARRAY_SIZE(ops)].sqe_flags = IOSQE_ASYNC;
	/* liburing 2.3 declares functions for both and does not export them. */
	if (syscall(SYS_io_uring_register, ring->ring_fd, IORING_REGISTER_RESTRICTIONS, allowed,
		    ARRAY_SIZE(allowed)) < 0)
		return -errno;
	if (syscall(SYS_io_uring_register, ring->ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0) <
	    0)
		return -errno;
	return 0;
}

static void *uring_create(struct aio *aio)
{
	struct uring *uring = calloc(1, sizeof(*uring));
	int result;

	if (!uring)
		return NULL;
	uring->aio = aio;
	list_init(&uring->waiting);
	result = io_uring_queue_init(RING_ENTRIES, &uring->ring, IORING_SETUP_R_DISABLED);
	if (result < 0)
		goto refused;
	result = io_uring_register_eventfd(&uring->ring, aio_event_fd(aio));
	if (result == 0)
		result = restrict_and_enable(&uring->ring);
	if (result < 0) {
		io_uring_queue_exit(&uring->ring);
		goto refused;
	}
	io_uring_ring_dontfork(&uring->ring);
	return uring;

refused:
	TRACE(block, aio_uring_refused, "io_uring: error %d", -result);
	free(uring);
	return NULL;
}

static void uring_destroy(void *state)
{
	struct uring *uring = state;

	io_uring_queue_exit(&uring->ring);
	free(uring);
}

static void prepare_transfer(struct io_uring_sqe *sqe, const struct aio_op *op,
			     const struct aio_step *step)
{
	unsigned count = (unsigned)step->iov_count;

	if (op->kind == AIO_READ)
		io_uring_prep_readv(sqe, step->fd, step->iov, count, step->offset);
	else
		io_uring_prep_writev2(sqe, step->fd, step->iov, count, step->offset,
				      op->kind == AIO_WRITE_THROUGH ? RWF_DSYNC : 0);
	/* ext4 takes no buffered write without waiting: to try costs more than to leave it to a
	 * worker at once. */
	if (step->bytes > INLINE_BYTES_MAX || (op->kind != AIO_READ && !step->direct))
		io_uring_sqe_set_flags(sqe, IOSQE_ASYNC);
}

/* Fills one entry; false if the ring has no room. */
static bool queue_step(struct uring *uring, struct aio_op *op)
{
	struct aio_step step;
	struct io_uring_sqe *sqe;

	if (aio_op_is_transfer(op) && !aio_op_next_step(op, &step)) {
		op->result = -EINVAL;
		aio_op_ended(uring->aio, op, true);
		return true;
	}
	sqe = uring->in_flight < RING_ENTRIES ? io_uring_get_sqe(&uring->ring) : NULL;
	if (!sqe)
		return false;
	if (op->kind == AIO_SYNC)
		io_uring_prep_fsync(sqe, op->file->fd, IORING_FSYNC_DATASYNC);
	else if (!aio_op_is_transfer(op))
		io_uring_prep_fallocate(sqe, op->file->fd, aio_op_fallocate_mode(op),
					(off_t)op->offset, (off_t)op->bytes);
	else
		prepare_transfer(sqe, op, &step);
	io_uring_sqe_set_data(sqe, op);
	uring->in_flight++;
	return true;
}

static void submit_queued(struct uring *uring)
{
	int result;

	do
		result = io_uring_submit(&uring->ring);
	while (result == -EINTR);
	/* Short of memory: what stays in the ring goes with the next reap. */
	if (result < 0 && uring->in_flight == io_uring_sq_ready(&uring->ring))
		eventfd_write(aio_event_fd(uring->aio), 1);
}

static void uring_submit(void *state, struct aio_op *op)
{
	struct uring *uring = state;

	if (!list_is_empty(&uring->waiting) || !queue_step(uring, op))
		list_append(&uring->waiting, &op->node);
	submit_queued(uring);
}

static void take_completion(struct uring *uring, struct io_uring_cqe *cqe, bool wake)
{
	struct aio_op *op = io_uring_cqe_get_data(cqe);
	struct aio_step step = { 0 };
	int returned = cqe->res;

	io_uring_cqe_seen(&uring->ring, cqe);
	uring->in_flight--;
	if (aio_op_is_transfer(op))
		(void)aio_op_next_step(op, &step); /* the step that was submitted, derived again */
	if (aio_op_step_done(op, &step, returned))
		aio_op_ended(uring->aio, op, wake);
	else
		list_append(&uring->waiting, &op->node);
}

static void uring_reap(void *state, bool wait)
{
	struct uring *uring = state;
	struct io_uring_cqe *cqe;

	if (io_uring_sq_ready(&uring->ring) > 0)
		submit_queued(uring);
	if (wait && io_uring_wait_cqe(&uring->ring, &cqe) < 0)
		return;
	while (io_uring_peek_cqe(&uring->ring, &cqe) == 0)
		take_completion(uring, cqe, wait);
	while (!list_is_empty(&uring->waiting)) {
		struct aio_op *op = container_of(uring->waiting.next, struct aio_op, node);

		if (!queue_step(uring, op))
			break;
		list_remove(&op->node);
	}
	if (io_uring_sq_ready(&uring->ring) > 0)
		submit_queued(uring);
}

const struct aio_backend aio_uring = {
	.name = "io_uring",
	.create = uring_create,
	.destroy = uring_destroy,
	.submit = uring_submit,
	.reap = uring_reap,
};
