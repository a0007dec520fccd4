// SPDX-License-Identifier: GPL-2.0-or-later
/* Registers, phases, and the commands that move no data. */
#include "hw/floppy.h"

#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/trace.h"

/* Long enough for a guest to wait for the interrupt, as it would for a drive. */
#define MOMENT_NS (100 * NS_PER_US)

enum {
	RELATIVE_TRACKS_MAX = 255,
	COMMAND_OPCODE = 0x1f,
	UNIT_MASK = 0x03,
};

/* --- Interrupt and drives --- */

static void update_irq(struct floppy *floppy)
{
	irq_set(floppy->wires.irq,
		floppy->state.interrupt && (floppy->state.dor & FLOPPY_DOR_DMA_GATE));
}

static void set_interrupt(struct floppy *floppy, bool level)
{
	floppy->state.interrupt = level;
	update_irq(floppy);
}

void floppy_interrupt(struct floppy *floppy)
{
	set_interrupt(floppy, true);
}

static unsigned command_unit(const struct floppy_state *state)
{
	return state->command[1] & UNIT_MASK;
}

static struct floppy_drive *drive_of(struct floppy *floppy, unsigned unit)
{
	return unit < FLOPPY_DRIVES && floppy->drives[unit].slot ? &floppy->drives[unit] : NULL;
}

struct floppy_drive *floppy_selected(struct floppy *floppy)
{
	return drive_of(floppy, command_unit(&floppy->state));
}

/** Heads over track 'track', as far as the drive goes; a step pulse shows that the disk is the
 * drive's own. */
static void move_heads(struct floppy *floppy, unsigned unit, unsigned track)
{
	struct floppy_drive *drive = drive_of(floppy, unit);

	if (!drive)
		return;
	floppy->state.drives[unit].track = (uint8_t)min_u64(track, FLOPPY_MAX_TRACK);
	if (!block_is_empty(drive->slot->block))
		floppy->state.drives[unit].is_changed = false;
}

/* --- Phases --- */

static void expect_command(struct floppy *floppy)
{
	floppy->state.phase = FLOPPY_PHASE_COMMAND;
	floppy->state.wait = FLOPPY_WAIT_NOTHING;
	floppy->state.command_count = 0;
}

static void give_result(struct floppy *floppy, const uint8_t *bytes, unsigned count)
{
	struct floppy_state *state = &floppy->state;

	memcpy(state->result, bytes, count);
	state->result_count = (uint8_t)count;
	state->result_at = 0;
	state->phase = FLOPPY_PHASE_RESULT;
	state->wait = FLOPPY_WAIT_NOTHING;
}

static void give_byte(struct floppy *floppy, uint8_t byte)
{
	give_result(floppy, &byte, 1);
}

void floppy_finish_transfer(struct floppy *floppy, uint8_t st0)
{
	struct floppy_state *state = &floppy->state;
	const uint8_t bytes[] = {
		(uint8_t)(st0 | (state->command[1] & (FLOPPY_ST0_HEAD | UNIT_MASK))),
		state->st1,
		state->st2,
		state->end.cylinder,
		state->end.head,
		state->end.sector,
		state->end.size,
	};

	TRACE(floppy, result, "st0 %02x st1 %02x st2 %02x", bytes[0], bytes[1], bytes[2]);
	floppy->wires.dma.set_request(floppy->wires.dma.opaque, FLOPPY_DMA_CHANNEL, false);
	give_result(floppy, bytes, sizeof(bytes));
	floppy_interrupt(floppy);
}

static void wait_a_moment(struct floppy *floppy)
{
	floppy->state.phase = FLOPPY_PHASE_EXECUTION;
	floppy->state.wait = FLOPPY_WAIT_MOMENT;
	clock_timer_set(&floppy->timer, clock_now_ns(floppy->wires.clock) + MOMENT_NS);
}

/* --- Seeks: they go on beside other commands. --- */

static void end_seek(struct floppy *floppy, unsigned unit)
{
	struct floppy_state *state = &floppy->state;
	uint8_t st0 = (uint8_t)(FLOPPY_ST0_SEEK_END | unit);

	state->seeking &= (uint8_t)~BIT(unit);
	move_heads(floppy, unit, state->seek_target[unit]);
	/* Track 0 of no drive is not found. */
	if (!drive_of(floppy, unit) && state->seek_target[unit] == 0)
		st0 |= FLOPPY_ST0_ABNORMAL | FLOPPY_ST0_EQUIPMENT;
	state->sense[unit] = st0;
	state->sense_pending |= (uint8_t)BIT(unit);
	floppy_interrupt(floppy);
}

static void start_seek(struct floppy *floppy, unsigned unit, unsigned track)
{
	floppy->state.seeking |= (uint8_t)BIT(unit);
	floppy->state.seek_target[unit] = (uint8_t)track;
	expect_command(floppy);
	clock_timer_set(&floppy->timer, clock_now_ns(floppy->wires.clock) + MOMENT_NS);
}

static void run_seek(struct floppy *floppy)
{
	start_seek(floppy, command_unit(&floppy->state), floppy->state.command[2]);
}

static void run_recalibrate(struct floppy *floppy)
{
	start_seek(floppy, command_unit(&floppy->state), 0);
}

static void run_relative_seek(struct floppy *floppy)
{
	struct floppy_state *state = &floppy->state;
	unsigned unit = command_unit(state), steps = state->command[2];
	unsigned track = drive_of(floppy, unit) ? state->drives[unit].track : 0;

	if (state->command[0] & FLOPPY_RELATIVE_SEEK_IN)
		track = (unsigned)min_u64(track + steps, RELATIVE_TRACKS_MAX);
	else
		track = track > steps ? track - steps : 0;
	start_seek(floppy, unit, track);
}

/* --- Status and set-up --- */

static void run_sense_interrupt(struct floppy *floppy)
{
	struct floppy_state *state = &floppy->state;

	for (unsigned unit = 0; unit < FLOPPY_UNITS; unit++) {
		uint8_t track = drive_of(floppy, unit) ? state->drives[unit].track : 0;
		const uint8_t bytes[] = { state->sense[unit], track };

		if (!(state->sense_pending & BIT(unit)))
			continue;
		state->sense_pending &= (uint8_t)~BIT(unit);
		set_interrupt(floppy, false);
		give_result(floppy, bytes, sizeof(bytes));
		return;
	}
	give_byte(floppy, FLOPPY_ST0_INVALID);
}

static void run_sense_drive(struct floppy *floppy)
{
	const struct floppy_state *state = &floppy->state;
	struct floppy_drive *drive = floppy_selected(floppy);
	uint8_t st3 = state->command[1] & (FLOPPY_ST3_HEAD | UNIT_MASK);

	st3 |= FLOPPY_ST3_FIXED;
	if (drive && state->drives[command_unit(state)].track == 0)
		st3 |= FLOPPY_ST3_TRACK_0;
	if (drive && block_is_read_only(drive->slot->block))
		st3 |= FLOPPY_ST3_PROTECTED;
	give_byte(floppy, st3);
}

static void run_specify(struct floppy *floppy)
{
	floppy->state.step_rate = floppy->state.command[1];
	floppy->state.head_load = floppy->state.command[2];
	expect_command(floppy);
}

static void run_configure(struct floppy *floppy)
{
	floppy->state.configure = floppy->state.command[2];
	floppy->state.precompensation = floppy->state.command[3];
	expect_command(floppy);
}

/** The drive bits count only if OW is set. */
static void run_perpendicular(struct floppy *floppy)
{
	uint8_t byte = floppy->state.command[1];
	uint8_t mask = byte & FLOPPY_PERPENDICULAR_OW ? 0x3f : 0x03;

	floppy->state.perpendicular =
		(uint8_t)replace_bits(floppy->state.perpendicular, mask, byte);
	expect_command(floppy);
}

static void run_version(struct floppy *floppy)
{
	give_byte(floppy, FLOPPY_VERSION_ENHANCED);
}

static void run_lock(struct floppy *floppy)
{
	floppy->state.is_locked = (floppy->state.command[0] & FLOPPY_COMMAND_MT) != 0;
	give_byte(floppy, floppy->state.is_locked ? 0x10 : 0);
}

static void run_dump(struct floppy *floppy)
{
	const struct floppy_state *state = &floppy->state;
	const uint8_t bytes[FLOPPY_RESULT_BYTES] = {
		state->drives[0].track,
		state->drives[1].track,
		0,
		0,
		state->step_rate,
		state->head_load,
		state->end.sector,
		(uint8_t)((state->is_locked ? 0x80 : 0) | state->perpendicular),
		state->configure,
		state->precompensation,
	};

	give_result(floppy, bytes, sizeof(bytes));
}

/** The ID field that passes under the head next. */
static void end_read_id(struct floppy *floppy)
{
	struct floppy_state *state = &floppy->state;
	struct floppy_drive *drive = floppy_selected(floppy);
	const struct floppy_format *format = drive ? drive->format : NULL;
	uint8_t track = drive ? state->drives[command_unit(state)].track : 0;
	uint8_t head = (state->command[1] & FLOPPY_ST0_HEAD) != 0;

	state->st1 = state->st2 = 0;
	state->end = (struct floppy_id){ track, head, 1, FLOPPY_SECTOR_512 };
	if (format && track < format->tracks && head < format->heads &&
	    (state->ccr & FLOPPY_RATE_MASK) == format->rate) {
		floppy_finish_transfer(floppy, 0);
		return;
	}
	state->st1 = FLOPPY_ST1_MISSING_MARK;
	floppy_finish_transfer(floppy, FLOPPY_ST0_ABNORMAL);
}

/* --- Commands --- */

struct command {
	uint8_t mask, opcode;
	uint8_t count; /* bytes, with the first */
	const char *name;
	void (*run)(struct floppy *floppy);
};

/* Table 5-1. MT, MFM and SK are parameters of data commands. */
static const struct command commands[] = {
	{ 0x1f, FLOPPY_READ, 9, "read", floppy_transfer_start },
	{ 0x3f, FLOPPY_WRITE, 9, "write", floppy_transfer_start },
	{ 0xff, FLOPPY_SEEK, 3, "seek", run_seek },
	{ 0xff, FLOPPY_RECALIBRATE, 2, "recalibrate", run_recalibrate },
	{ 0xff, FLOPPY_SENSE_INTERRUPT, 1, "sense interrupt status", run_sense_interrupt },
	{ 0xbf, FLOPPY_READ_ID, 2, "read id", wait_a_moment },
	{ 0xff, FLOPPY_SPECIFY, 3, "specify", run_specify },
	{ 0xff, FLOPPY_SENSE_DRIVE, 2, "sense drive status", run_sense_drive },
	{ 0xbf, FLOPPY_FORMAT_TRACK, 6, "format track", floppy_transfer_start },
	{ 0x1f, FLOPPY_READ_DELETED, 9, "read deleted data", floppy_transfer_start },
	{ 0x3f, FLOPPY_WRITE_DELETED, 9, "write deleted data", floppy_transfer_start },
	{ 0x9f, FLOPPY_READ_TRACK, 9, "read track", floppy_transfer_start },
	{ 0x1f, FLOPPY_VERIFY, 9, "verify", floppy_transfer_start },
	{ 0x1f, FLOPPY_SCAN_EQUAL, 9, "scan equal", floppy_transfer_start },
	{ 0x1f, FLOPPY_SCAN_LOW, 9, "scan low or equal", floppy_transfer_start },
	{ 0x1f, FLOPPY_SCAN_HIGH, 9, "scan high or equal", floppy_transfer_start },
	{ 0xff, FLOPPY_VERSION, 1, "version", run_version },
	{ 0xff, FLOPPY_DUMP_REGISTERS, 1, "dumpreg", run_dump },
	{ 0xff, FLOPPY_CONFIGURE, 4, "configure", run_configure },
	{ 0xff, FLOPPY_PERPENDICULAR, 2, "perpendicular mode", run_perpendicular },
	{ 0x7f, FLOPPY_LOCK, 1, "lock", run_lock },
	{ 0xbf, FLOPPY_RELATIVE_SEEK, 3, "relative seek", run_relative_seek },
};

static const struct command *find_command(uint8_t byte)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if ((byte & commands[i].mask) == commands[i].opcode)
			return &commands[i];
	return NULL;
}

static void run_command(struct floppy *floppy, const struct command *command)
{
	TRACE(floppy, command, "%s unit %u", command->name, command_unit(&floppy->state));
	/* An interrupt that the last command left ends with the next; those of seeks are fetched by
	 * SENSE INTERRUPT STATUS. */
	if (command->run != run_sense_interrupt && !floppy->state.sense_pending)
		set_interrupt(floppy, false);
	command->run(floppy);
}

static void write_command(struct floppy *floppy, uint8_t byte)
{
	struct floppy_state *state = &floppy->state;
	const struct command *command =
		find_command(state->command_count ? state->command[0] : byte);

	if (!command) {
		TRACE(floppy, command, "%02x is none", byte);
		give_byte(floppy, FLOPPY_ST0_INVALID);
		return;
	}
	if (state->command_count == 0)
		memset(state->command, 0, sizeof(state->command));
	state->command[state->command_count++] = byte;
	if (state->command_count == command->count)
		run_command(floppy, command);
}

/* --- Registers --- */

static uint8_t read_msr(const struct floppy_state *state)
{
	uint8_t msr = state->seeking;

	switch (state->phase) {
	case FLOPPY_PHASE_COMMAND:
		if (!(state->dor & FLOPPY_DOR_NOT_RESET))
			return 0;
		return (uint8_t)(msr | FLOPPY_MSR_REQUEST |
				 (state->command_count ? FLOPPY_MSR_BUSY : 0));
	case FLOPPY_PHASE_RESULT:
		return msr | FLOPPY_MSR_BUSY | FLOPPY_MSR_REQUEST | FLOPPY_MSR_TO_HOST;
	default:
		return (uint8_t)(msr | FLOPPY_MSR_BUSY);
	}
}

/** In programmed I/O the execution phase asks for each byte. */
static uint8_t read_status(const struct floppy *floppy)
{
	uint8_t msr = read_msr(&floppy->state);

	if (floppy->state.wait != FLOPPY_WAIT_HOST)
		return msr;
	msr |= FLOPPY_MSR_NON_DMA | FLOPPY_MSR_REQUEST;
	return floppy_transfer_takes(floppy) ? msr : (uint8_t)(msr | FLOPPY_MSR_TO_HOST);
}

static uint8_t read_result(struct floppy *floppy)
{
	struct floppy_state *state = &floppy->state;
	uint8_t byte = state->result[state->result_at++];

	/* Data commands: the interrupt says that there is a result. */
	if (state->result_at == 1 && !state->sense_pending)
		set_interrupt(floppy, false);
	if (state->result_at == state->result_count)
		expect_command(floppy);
	return byte;
}

static void pass_host_byte(struct floppy *floppy)
{
	set_interrupt(floppy, false);
	if (++floppy->state.buffer_at < floppy_transfer_bytes(floppy))
		return;
	floppy->state.buffer_at = 0;
	floppy_transfer_go_on(floppy);
}

static uint8_t read_fifo(struct floppy *floppy)
{
	struct floppy_state *state = &floppy->state;
	uint8_t byte = 0xff;

	if (state->phase == FLOPPY_PHASE_RESULT)
		return read_result(floppy);
	if (state->wait == FLOPPY_WAIT_HOST && !floppy_transfer_takes(floppy)) {
		byte = state->buffer[state->buffer_at];
		pass_host_byte(floppy);
	}
	return byte;
}

static void write_fifo(struct floppy *floppy, uint8_t byte)
{
	struct floppy_state *state = &floppy->state;

	if (!(state->dor & FLOPPY_DOR_NOT_RESET))
		return;
	if (state->phase == FLOPPY_PHASE_COMMAND) {
		write_command(floppy, byte);
	} else if (state->wait == FLOPPY_WAIT_HOST && floppy_transfer_takes(floppy)) {
		state->buffer[state->buffer_at] = byte;
		pass_host_byte(floppy);
	}
}

/** Section 4: what a reset by DOR or DSR leaves is what LOCK guards, and the heads' places. */
static void soft_reset(struct floppy *floppy)
{
	struct floppy_state *state = &floppy->state;

	floppy_transfer_cancel(floppy);
	clock_timer_cancel(&floppy->timer);
	expect_command(floppy);
	state->seeking = state->sense_pending = 0;
	state->st1 = state->st2 = 0;
	set_interrupt(floppy, false);
	if (!state->is_locked) {
		state->configure = FLOPPY_CONFIGURE_DEFAULT;
		state->precompensation = 0;
	}
	state->perpendicular &= 0x3c;
}

/** Polling finds that all drives' ready lines have changed. */
static void leave_reset(struct floppy *floppy)
{
	struct floppy_state *state = &floppy->state;

	if (state->configure & FLOPPY_CONFIGURE_NO_POLL)
		return;
	for (unsigned unit = 0; unit < FLOPPY_UNITS; unit++)
		state->sense[unit] = (uint8_t)(FLOPPY_ST0_POLLING | unit);
	state->sense_pending = 0x0f;
	floppy_interrupt(floppy);
}

static void write_dor(struct floppy *floppy, uint8_t byte)
{
	uint8_t before = floppy->state.dor;

	floppy->state.dor = byte;
	if (before & ~byte & FLOPPY_DOR_NOT_RESET)
		soft_reset(floppy);
	if (~before & byte & FLOPPY_DOR_NOT_RESET)
		leave_reset(floppy);
	update_irq(floppy);
}

static void write_dsr(struct floppy *floppy, uint8_t byte)
{
	floppy->state.dsr = byte & (uint8_t)~FLOPPY_DSR_RESET;
	floppy->state.ccr = byte & FLOPPY_RATE_MASK;
	if (!(byte & FLOPPY_DSR_RESET))
		return;
	soft_reset(floppy);
	leave_reset(floppy);
}

static uint64_t floppy_read(void *opaque, uint64_t offset, unsigned size)
{
	struct floppy *floppy = opaque;

	(void)size;
	switch (offset) {
	case FLOPPY_DOR:
		return floppy->state.dor;
	case FLOPPY_TDR:
		return floppy->state.tdr;
	case FLOPPY_MSR:
		return read_status(floppy);
	case FLOPPY_FIFO:
		return read_fifo(floppy);
	default:
		return 0xff;
	}
}

static uint64_t floppy_peek(void *opaque, uint64_t offset, unsigned size)
{
	return offset == FLOPPY_FIFO ? 0xff : floppy_read(opaque, offset, size);
}

static void floppy_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
	struct floppy *floppy = opaque;
	uint8_t byte = (uint8_t)value;

	(void)size;
	switch (offset) {
	case FLOPPY_DOR:
		write_dor(floppy, byte);
		break;
	case FLOPPY_TDR:
		floppy->state.tdr = byte & 0x03;
		break;
	case FLOPPY_DSR:
		write_dsr(floppy, byte);
		break;
	case FLOPPY_FIFO:
		write_fifo(floppy, byte);
		break;
	default:
		break;
	}
}

static const struct io_ops floppy_ops = {
	.read = floppy_read,
	.write = floppy_write,
	.peek = floppy_peek,
	.max_size = 1,
};

/** The change line of the drive that DOR selects; of no drive it floats high. */
static uint64_t read_dir(void *opaque, uint64_t offset, unsigned size)
{
	const struct floppy *floppy = opaque;
	unsigned unit = floppy->state.dor & FLOPPY_DOR_DRIVE;

	(void)offset;
	(void)size;
	if (unit < FLOPPY_DRIVES && floppy->drives[unit].slot &&
	    !floppy->state.drives[unit].is_changed)
		return 0;
	return FLOPPY_DIR_CHANGED;
}

static void write_ccr(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
	struct floppy *floppy = opaque;

	(void)offset;
	(void)size;
	floppy->state.ccr = (uint8_t)value & FLOPPY_RATE_MASK;
}

static const struct io_ops floppy_change_ops = {
	.read = read_dir,
	.write = write_ccr,
	.peek = read_dir,
	.max_size = 1,
};

static void moment_is_over(void *opaque)
{
	struct floppy *floppy = opaque;

	for (unsigned unit = 0; unit < FLOPPY_UNITS; unit++)
		if (floppy->state.seeking & BIT(unit))
			end_seek(floppy, unit);
	if (floppy->state.wait == FLOPPY_WAIT_MOMENT)
		end_read_id(floppy);
}

/* --- Drives --- */

static bool floppy_eject_requested(void *opaque, bool force)
{
	(void)opaque;
	(void)force;
	return true;
}

static bool floppy_is_locked(void *opaque)
{
	(void)opaque;
	return false;
}

/** There is no tray: a drive without a disk is an open one. */
static bool floppy_is_open(void *opaque)
{
	const struct floppy_drive *drive = opaque;

	return block_is_empty(drive->slot->block);
}

static bool floppy_fits(void *opaque, uint64_t bytes)
{
	const struct floppy_drive *drive = opaque;
	const struct floppy_format *format = floppy_format_find(bytes);

	return format && floppy_kind_takes(drive->kind, format);
}

static void look_at_medium(struct floppy_drive *drive)
{
	drive->format = floppy_format_find(block_size_bytes(drive->slot->block));
	if (drive->format && !floppy_kind_takes(drive->kind, drive->format))
		drive->format = NULL;
}

static void floppy_medium_changed(void *opaque)
{
	struct floppy_drive *drive = opaque;
	struct floppy *floppy = drive->slot->device;
	unsigned unit = (unsigned)(drive - floppy->drives);

	look_at_medium(drive);
	floppy->state.drives[unit].is_changed = true;
}

void floppy_attach(struct floppy *floppy, unsigned unit, enum floppy_kind kind,
		   struct medium_slot *slot)
{
	struct floppy_drive *drive = &floppy->drives[unit];

	*drive = (struct floppy_drive){ .slot = slot, .kind = kind };
	slot->opaque = drive;
	slot->device = floppy;
	slot->eject_requested = floppy_eject_requested;
	slot->is_locked = floppy_is_locked;
	slot->is_tray_open = floppy_is_open;
	slot->fits = floppy_fits;
	slot->changed = floppy_medium_changed;
	look_at_medium(drive);
}

/* --- Life --- */

static void floppy_reset(void *self)
{
	struct floppy *floppy = self;

	floppy_transfer_cancel(floppy);
	clock_timer_cancel(&floppy->timer);
	memset(&floppy->state, 0, sizeof(floppy->state));
	floppy->state.configure = FLOPPY_CONFIGURE_DEFAULT;
	floppy->state.dsr = floppy->state.ccr = FLOPPY_RATE_250K;
	for (unsigned unit = 0; unit < FLOPPY_DRIVES; unit++)
		floppy->state.drives[unit].is_changed = true;
	update_irq(floppy);
}

static void floppy_quiesce(void *self)
{
	struct floppy *floppy = self;

	/* Each sector starts the next: all end here, but one that is held for want of space. */
	if (floppy->in_flight)
		block_drain(floppy->request.block);
}

static bool is_sane(const struct floppy *floppy)
{
	const struct floppy_state *state = &floppy->state;
	const struct command *command = find_command(state->command[0]);

	if (state->phase >= FLOPPY_PHASES || state->wait >= FLOPPY_WAITS || state->seeking > 0x0f ||
	    state->sense_pending > 0x0f || state->result_count > FLOPPY_RESULT_BYTES ||
	    state->buffer_at >= FLOPPY_SECTOR_BYTES)
		return false;
	for (unsigned unit = 0; unit < FLOPPY_DRIVES; unit++)
		if (state->drives[unit].track > FLOPPY_MAX_TRACK)
			return false;
	switch (state->phase) {
	case FLOPPY_PHASE_COMMAND:
		return state->wait == FLOPPY_WAIT_NOTHING &&
		       (state->command_count == 0 ||
			(command && state->command_count < command->count));
	case FLOPPY_PHASE_RESULT:
		return state->wait == FLOPPY_WAIT_NOTHING && state->result_at < state->result_count;
	default:
		break;
	}
	if (!command || state->command_count != command->count)
		return false;
	if (command->run == wait_a_moment)
		return state->wait == FLOPPY_WAIT_MOMENT;
	return command->run == floppy_transfer_start &&
	       (state->wait == FLOPPY_WAIT_DISK || state->wait == FLOPPY_WAIT_HOST) &&
	       state->buffer_at < floppy_transfer_bytes(floppy);
}

static int floppy_after_load(void *self, struct err *err)
{
	struct floppy *floppy = self;

	if (!is_sane(floppy))
		return err_set(err, -EINVAL,
			       "the saved floppy controller holds values that it cannot have");
	clock_timer_cancel(&floppy->timer);
	for (unsigned unit = 0; unit < FLOPPY_DRIVES; unit++)
		if (floppy->drives[unit].slot)
			look_at_medium(&floppy->drives[unit]);
	if (floppy->state.seeking || floppy->state.wait == FLOPPY_WAIT_MOMENT)
		clock_timer_set(&floppy->timer, clock_now_ns(floppy->wires.clock) + MOMENT_NS);
	if (floppy->state.wait == FLOPPY_WAIT_DISK)
		floppy_transfer_resume(floppy);
	update_irq(floppy);
	return 0;
}

static void floppy_finish(void *self)
{
	struct floppy *floppy = self;

	floppy_transfer_cancel(floppy);
	clock_timer_cancel(&floppy->timer);
	io_unmap(&floppy->window);
	io_unmap(&floppy->change);
}

static const struct state_field floppy_drive_fields[] = {
	STATE_INT(struct floppy_drive_state, track),
	STATE_INT(struct floppy_drive_state, is_changed),
};
static STATE_TABLE(floppy_drive_table, floppy_drive_state, floppy_drive_fields);

static const struct state_field floppy_id_fields[] = {
	STATE_INT(struct floppy_id, cylinder),
	STATE_INT(struct floppy_id, head),
	STATE_INT(struct floppy_id, sector),
	STATE_INT(struct floppy_id, size),
};
static STATE_TABLE(floppy_id_table, floppy_id, floppy_id_fields);

static const struct state_field floppy_fields[] = {
	STATE_STRUCTS(struct floppy_state, drives, &floppy_drive_table),
	STATE_STRUCT(struct floppy_state, id, &floppy_id_table),
	STATE_STRUCT(struct floppy_state, end, &floppy_id_table),
	STATE_INT(struct floppy_state, dor),
	STATE_INT(struct floppy_state, tdr),
	STATE_INT(struct floppy_state, dsr),
	STATE_INT(struct floppy_state, ccr),
	STATE_INT(struct floppy_state, phase),
	STATE_INT(struct floppy_state, wait),
	STATE_ARRAY(struct floppy_state, command),
	STATE_INT(struct floppy_state, command_count),
	STATE_ARRAY(struct floppy_state, result),
	STATE_INT(struct floppy_state, result_count),
	STATE_INT(struct floppy_state, result_at),
	STATE_ARRAY(struct floppy_state, sense),
	STATE_INT(struct floppy_state, sense_pending),
	STATE_INT(struct floppy_state, seeking),
	STATE_ARRAY(struct floppy_state, seek_target),
	STATE_INT(struct floppy_state, step_rate),
	STATE_INT(struct floppy_state, head_load),
	STATE_INT(struct floppy_state, configure),
	STATE_INT(struct floppy_state, precompensation),
	STATE_INT(struct floppy_state, perpendicular),
	STATE_INT(struct floppy_state, is_locked),
	STATE_INT(struct floppy_state, interrupt),
	STATE_INT(struct floppy_state, terminal_count),
	STATE_INT(struct floppy_state, st1),
	STATE_INT(struct floppy_state, st2),
	STATE_INT(struct floppy_state, sectors_left),
	STATE_ARRAY(struct floppy_state, buffer),
	STATE_INT(struct floppy_state, buffer_at),
	STATE_ARRAY(struct floppy_state, reserved),
};
static STATE_TABLE(floppy_table, floppy_state, floppy_fields);

static const struct device_class floppy_class = {
	.name = "i82077aa",
	.reset = floppy_reset,
	.quiesce = floppy_quiesce,
	.table = &floppy_table,
	.state_offset = offsetof(struct floppy, state),
	.version = 1,
	.after_load = floppy_after_load,
	.finish = floppy_finish,
};

int floppy_init(struct floppy *floppy, const struct floppy_wires *wires, struct err *err)
{
	*floppy = (struct floppy){ .wires = *wires };
	clock_timer_init(&floppy->timer, wires->clock, moment_is_over, floppy);
	device_init(&floppy->device, &floppy_class, floppy);
	io_window_init(&floppy->window, "floppy", &floppy_ops, floppy, FLOPPY_PORT_COUNT);
	io_window_init(&floppy->change, "floppy-change", &floppy_change_ops, floppy, 1);
	floppy_reset(floppy);
	if (io_map(wires->ports, &floppy->window, FLOPPY_BASE) < 0 ||
	    io_map(wires->ports, &floppy->change, FLOPPY_BASE + FLOPPY_DIR) < 0) {
		io_unmap(&floppy->window);
		return err_set(err, -EEXIST, "the ports of the floppy controller are taken");
	}
	return 0;
}
