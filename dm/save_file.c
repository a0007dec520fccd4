// SPDX-License-Identifier: GPL-2.0-or-later
/* Where saved state goes to and comes from: descriptors and files, and whose the images are. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/log.h"
#include "base/opts.h"
#include "bus/state.h"
#include "dm/board_pc.h"
#include "dm/host_files.h"
#include "dm/machine.h"
#include "dm/options.h"
#include "dm/save.h"

/* Saving */

static int write_state(int fd, const struct state_writer *writer, struct err *err)
{
	int result = host_write_all(fd, writer->bytes, writer->length);

	return result < 0 ? err_set_errno(err, result, "cannot write the saved state") : 0;
}

/** A file that was there may be longer: what would be left of it is not ours. */
static int cut_off(int fd, struct err *err)
{
	struct stat status;

	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
		return 0;
	if (ftruncate(fd, lseek(fd, 0, SEEK_CUR)) < 0)
		return err_set_errno(err, -errno, "cannot write the saved state");
	return 0;
}

static int check_status(const struct machine *machine, struct err *err)
{
	switch (machine->status) {
	case MACHINE_SHUTDOWN:
	case MACHINE_INTERNAL_ERROR:
		return err_set(err, -EINVAL, "the guest has ended: there is nothing to save");
	case MACHINE_SUSPENDED:
		/* Xen's saved guest does not say that it sleeps: it would run on half awake. */
		if (machine->hv->caps.saves_guest)
			return err_set(err, -EINVAL,
				       "the guest sleeps: wake it (system_wakeup) before it is "
				       "saved");
		return 0;
	default:
		return 0;
	}
}

static int save_stopped(struct machine *machine, int fd, struct err *err)
{
	struct state_writer writer;
	int result = machine->board ? board_flush_disks(machine->board, err) : 0;

	if (result < 0)
		return result;
	state_writer_init(&writer);
	result = save_machine(machine, &writer, err);
	if (result == 0 && writer.length > SAVE_USUAL_BYTES)
		log_warning("the saved state has %zu bytes", writer.length);
	if (result == 0)
		result = cut_off(fd, err);
	if (result == 0)
		result = write_state(fd, &writer, err);
	state_writer_finish(&writer);
	if (result == 0 && hv_holds_processors(machine->hv))
		result = save_guest_write(machine, fd, err);
	return result;
}

int save_to_fd(struct machine *machine, int fd, bool gives_up, struct err *err)
{
	bool ran = machine->status == MACHINE_RUNNING;
	int result = check_status(machine, err);

	if (result < 0)
		return result;
	if (ran)
		machine_stop(machine);
	result = save_stopped(machine, fd, err);
	if (result == 0 && gives_up && !ran && machine->board) {
		result = board_claim_disks(machine->board, false, err);
		machine->gave_disks_up = true;
	}
	if (ran && machine_cont(machine, result < 0 ? NULL : err) < 0)
		return -EIO;
	return result;
}

int save_take_back(struct machine *machine, struct err *err)
{
	int result;

	if (!machine->gave_disks_up)
		return 0;
	result = board_claim_disks(machine->board, true, err);
	machine->gave_disks_up = result < 0;
	return result;
}

/* Loading */

int save_open(struct machine *machine, struct err *err)
{
	const char *incoming = machine->options->incoming;
	uint64_t number;

	if (!incoming)
		return 0;
	if (strncmp(incoming, "file:", 5) == 0) {
		machine->incoming_fd = host_open(incoming + 5, O_RDONLY, 0, err);
		return machine->incoming_fd < 0 ? machine->incoming_fd : 0;
	}
	if (opts_parse_number(incoming + strlen("fd:"), &number) < 0 || number > INT32_MAX ||
	    fcntl((int)number, F_GETFD) < 0)
		return err_set(err, -EBADF, "-incoming %s: no such descriptor is open", incoming);
	machine->incoming_fd = (int)number;
	return 0;
}

void save_close(struct machine *machine)
{
	if (machine->incoming_fd >= 0)
		close(machine->incoming_fd);
	machine->incoming_fd = -1;
}

/** Reads up to the end, or to 'most' bytes, into memory that grows; the caller frees it, whatever
 * the result. What was read before stays in front. */
static int read_up_to(int fd, size_t most, uint8_t **bytes, size_t *length, struct err *err)
{
	size_t capacity = *bytes ? *length : SAVE_USUAL_BYTES;
	ssize_t count = 1;

	if (!*bytes)
		*bytes = malloc(capacity);
	while (*bytes && count && *length < most) {
		if (*length == capacity) {
			uint8_t *grown = realloc(*bytes, capacity * 2);

			if (!grown)
				return err_set_errno(err, -ENOMEM, "cannot load the saved state");
			*bytes = grown;
			capacity *= 2;
		}
		count = read(fd, *bytes + *length, (capacity < most ? capacity : most) - *length);
		if (count < 0 && errno != EINTR)
			return err_set_errno(err, -errno, "cannot read the saved state");
		*length += count > 0 ? (size_t)count : 0;
	}
	if (!*bytes)
		return err_set_errno(err, -ENOMEM, "cannot load the saved state");
	if (*length >= SAVE_MAX_BYTES)
		return err_set(err, -EFBIG, "the saved state has more than %d MiB: it is none",
			       SAVE_MAX_BYTES >> 20);
	return 0;
}

/** The devices' stream: all that there is, or as much as its header says where memory follows. */
static int read_devices(struct machine *machine, uint8_t **bytes, size_t *length, struct err *err)
{
	size_t most = SAVE_MAX_BYTES;
	int result;

	if (hv_holds_processors(machine->hv)) {
		result = read_up_to(machine->incoming_fd, SAVE_HEADER_BYTES, bytes, length, err);
		if (result < 0)
			return result;
		/* What has no header of ours is refused by save_load, which says what it is. */
		most = *length < SAVE_HEADER_BYTES ? 0 : save_length(*bytes);
	}
	return read_up_to(machine->incoming_fd, most, bytes, length, err);
}

/** Memory first, since devices look at it; the core last, when they drive their wires. */
static int load_all(struct machine *machine, const uint8_t *bytes, size_t length, struct err *err)
{
	bool has_guest = hv_holds_processors(machine->hv) && length >= SAVE_HEADER_BYTES &&
			 save_length(bytes) == length;
	struct save_core core = { 0 };
	int result = 0;

	if (has_guest)
		result = save_guest_read(machine, machine->incoming_fd, &core, err);
	if (result == 0)
		result = save_load(machine, bytes, length, err);
	if (result == 0 && has_guest)
		result = hv_load(machine->hv, core.bytes, core.length, err);
	free(core.bytes);
	return result;
}

int save_load_incoming(struct machine *machine, struct err *err)
{
	uint8_t *bytes = NULL;
	size_t length = 0;
	int result;

	if (machine->incoming_fd < 0)
		return 0;
	result = read_devices(machine, &bytes, &length, err);
	lock_acquire(&machine->lock);
	if (result == 0)
		result = load_all(machine, bytes, length, err);
	lock_release(&machine->lock);
	save_close(machine);
	free(bytes);
	if (result < 0)
		err_prefix(err, "-incoming %s", machine->options->incoming);
	return result;
}
