// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Commands that move data: sector by sector between disk and host, by DMA or by programmed I/O.
 *
 *     start -> next_sector -> on disk -> sector_read    -> to the host  -> step -> next_sector
 *                          -> from host -> write_sector -> sector_written -> step
 *
 * Each sector ends with 'step', which knows when it was the last: section 5.2, "Table 5-4" on the
 * address that the result reports.
 */
#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "base/trace.h"
#include "hw/floppy.h"

enum {
	UNIT_MASK = 0x03,
	OPCODE_MASK = 0x1f,
	/* Parameters of data commands, by their place. */
	PARAMETER_CYLINDER = 2,
	PARAMETER_HEAD = 3,
	PARAMETER_SECTOR = 4,
	PARAMETER_SIZE = 5,
	PARAMETER_LAST = 6,  /* EOT */
	PARAMETER_COUNT = 8, /* DTL, or SC of VERIFY */
	/* … and of FORMAT TRACK */
	FORMAT_SIZE = 2,
	FORMAT_SECTORS = 3,
	FORMAT_FILLER = 5,
};

static uint8_t opcode(const struct floppy_state *state)
{
	return state->command[0] & OPCODE_MASK;
}

static bool is_scan(uint8_t command)
{
	return command == FLOPPY_SCAN_EQUAL || command == FLOPPY_SCAN_LOW ||
	       command == FLOPPY_SCAN_HIGH;
}

static bool is_write(uint8_t command)
{
	return command == FLOPPY_WRITE || command == FLOPPY_WRITE_DELETED ||
	       command == FLOPPY_FORMAT_TRACK;
}

bool floppy_transfer_takes(const struct floppy *floppy)
{
	uint8_t command = opcode(&floppy->state);

	return is_write(command) || is_scan(command);
}

unsigned floppy_transfer_bytes(const struct floppy *floppy)
{
	return opcode(&floppy->state) == FLOPPY_FORMAT_TRACK ? FLOPPY_ID_BYTES
							     : FLOPPY_SECTOR_BYTES;
}

static bool by_dma(const struct floppy_state *state)
{
	return !(state->head_load & FLOPPY_NON_DMA);
}

static void fail(struct floppy *floppy, uint8_t st1, uint8_t st2)
{
	floppy->state.st1 |= st1;
	floppy->state.st2 |= st2;
	floppy_finish_transfer(floppy, FLOPPY_ST0_ABNORMAL);
}

/* --- The last sector, and the address behind it --- */

static void report_next(struct floppy_state *state)
{
	bool last = state->id.sector >= state->command[PARAMETER_LAST];
	bool both_sides = (state->command[0] & FLOPPY_COMMAND_MT) != 0;

	state->end = state->id;
	if (!last) {
		state->end.sector++;
		return;
	}
	state->end.sector = 1;
	if (both_sides)
		state->end.head ^= 1;
	if (!both_sides || state->id.head == 1)
		state->end.cylinder++;
}

static void next_sector(struct floppy *floppy);

static void end_well(struct floppy *floppy)
{
	report_next(&floppy->state);
	if (is_scan(opcode(&floppy->state)) && !(floppy->state.st2 & FLOPPY_ST2_SCAN_EQUAL))
		floppy->state.st2 |= FLOPPY_ST2_SCAN_FAILED;
	floppy_finish_transfer(floppy, 0);
}

/** Behind EOT: for those commands that are not ended by terminal count, the end. */
static void end_of_cylinder(struct floppy *floppy)
{
	uint8_t command = opcode(&floppy->state);

	if (command == FLOPPY_READ_TRACK || command == FLOPPY_VERIFY || is_scan(command)) {
		end_well(floppy);
		return;
	}
	report_next(&floppy->state);
	fail(floppy, FLOPPY_ST1_END, 0);
}

/** True if the sector done was the last that the host wants. */
static bool is_enough(struct floppy_state *state)
{
	bool counted = opcode(state) == FLOPPY_VERIFY && (state->command[1] & FLOPPY_VERIFY_COUNT);

	if (counted)
		return --state->sectors_left == 0;
	return state->terminal_count || (state->st2 & FLOPPY_ST2_SCAN_EQUAL);
}

static void step(struct floppy *floppy)
{
	struct floppy_state *state = &floppy->state;

	if (is_enough(state)) {
		end_well(floppy);
		return;
	}
	if (state->id.sector < state->command[PARAMETER_LAST]) {
		state->id.sector++;
	} else if ((state->command[0] & FLOPPY_COMMAND_MT) && state->id.head == 0) {
		state->id.head = 1;
		state->id.sector = 1;
		state->command[1] |= FLOPPY_ST0_HEAD;
	} else {
		end_of_cylinder(floppy);
		return;
	}
	next_sector(floppy);
}

static void step_format(struct floppy *floppy)
{
	struct floppy_state *state = &floppy->state;

	state->end = state->id;
	if (--state->sectors_left == 0 || state->terminal_count)
		floppy_finish_transfer(floppy, 0);
	else
		next_sector(floppy);
}

/* --- The disk --- */

/** Byte offset of the sector at 'id', which exists. */
static uint64_t sector_offset(const struct floppy *floppy, const struct floppy_drive *drive)
{
	const struct floppy_id *id = &floppy->state.id;
	const struct floppy_format *format = drive->format;
	uint64_t track = (uint64_t)id->cylinder * format->heads + id->head;

	return (track * format->sectors + id->sector - 1u) * FLOPPY_SECTOR_BYTES;
}

/** Looks for the sector under the heads. False, and the command has failed, if it is not there. */
static bool find_sector(struct floppy *floppy)
{
	struct floppy_state *state = &floppy->state;
	struct floppy_drive *drive = floppy_selected(floppy);
	const struct floppy_format *format = drive ? drive->format : NULL;
	uint8_t track = drive ? state->drives[state->command[1] & UNIT_MASK].track : 0;
	uint8_t head = (state->command[1] & FLOPPY_ST0_HEAD) != 0;

	state->end = state->id;
	if (!format || track >= format->tracks || head >= format->heads ||
	    (state->ccr & FLOPPY_RATE_MASK) != format->rate) {
		fail(floppy, FLOPPY_ST1_MISSING_MARK, 0);
		return false;
	}
	if (state->id.cylinder != track) {
		fail(floppy, FLOPPY_ST1_NO_DATA, FLOPPY_ST2_WRONG_CYLINDER);
		return false;
	}
	if (state->id.head != head || state->id.size != FLOPPY_SECTOR_512 ||
	    state->id.sector == 0 || state->id.sector > format->sectors ||
	    sector_offset(floppy, drive) >= block_size_bytes(drive->slot->block)) {
		fail(floppy, FLOPPY_ST1_NO_DATA, 0);
		return false;
	}
	return true;
}

static void disk_is_done(struct block_request *request, int result);

static void start_disk(struct floppy *floppy, enum block_op op)
{
	struct floppy_drive *drive = floppy_selected(floppy);

	floppy->state.wait = FLOPPY_WAIT_DISK;
	floppy->iov = (struct iovec){ floppy->state.buffer, FLOPPY_SECTOR_BYTES };
	floppy->request = (struct block_request){
		.op = op,
		.offset = sector_offset(floppy, drive),
		.iov = &floppy->iov,
		.iov_count = 1,
		.complete = disk_is_done,
	};
	floppy->in_flight = true;
	block_start(drive->slot->block, &floppy->request);
}

/* --- The host's side --- */

/** Bytes by DMA; fewer than asked for at terminal count. Nothing at all is an overrun. */
static bool move_by_dma(struct floppy *floppy, unsigned bytes, bool to_memory)
{
	struct isa_dma *dma = &floppy->wires.dma;
	size_t moved;

	dma->set_request(dma->opaque, FLOPPY_DMA_CHANNEL, true);
	moved = dma->transfer(dma->opaque, FLOPPY_DMA_CHANNEL, floppy->state.buffer, bytes,
			      to_memory);
	floppy->state.terminal_count = dma->is_done(dma->opaque, FLOPPY_DMA_CHANNEL);
	if (moved == 0 || (moved < bytes && !floppy->state.terminal_count)) {
		fail(floppy, FLOPPY_ST1_OVERRUN, 0);
		return false;
	}
	if (!to_memory)
		memset(floppy->state.buffer + moved, 0, bytes - moved);
	return true;
}

static void wait_for_host(struct floppy *floppy)
{
	floppy->state.wait = FLOPPY_WAIT_HOST;
	floppy->state.buffer_at = 0;
	floppy_interrupt(floppy);
}

/** A read sector lies in the buffer. */
static void give_sector(struct floppy *floppy)
{
	if (opcode(&floppy->state) == FLOPPY_VERIFY)
		step(floppy);
	else if (!by_dma(&floppy->state))
		wait_for_host(floppy);
	else if (move_by_dma(floppy, FLOPPY_SECTOR_BYTES, true))
		step(floppy);
}

/** Compares what the host sends, which lies in the buffer, with the disk's sector. */
static void compare(struct floppy *floppy, const uint8_t *disk)
{
	struct floppy_state *state = &floppy->state;
	uint8_t command = opcode(state);
	bool equal = true, fits = true;

	for (unsigned i = 0; i < FLOPPY_SECTOR_BYTES; i++) {
		uint8_t host = state->buffer[i];

		if (host == disk[i] || host == FLOPPY_SCAN_WILDCARD ||
		    disk[i] == FLOPPY_SCAN_WILDCARD)
			continue;
		equal = false;
		fits = fits && ((command == FLOPPY_SCAN_LOW && disk[i] < host) ||
				(command == FLOPPY_SCAN_HIGH && disk[i] > host));
	}
	if (equal) {
		state->st2 |= FLOPPY_ST2_SCAN_EQUAL;
	} else if (fits) {
		report_next(state);
		floppy_finish_transfer(floppy, 0);
		return;
	}
	step(floppy);
}

/** A sector to be compared has been read: the host's bytes come by DMA only. */
static void scan_sector(struct floppy *floppy)
{
	uint8_t disk[FLOPPY_SECTOR_BYTES];

	memcpy(disk, floppy->state.buffer, sizeof(disk));
	if (move_by_dma(floppy, FLOPPY_SECTOR_BYTES, false))
		compare(floppy, disk);
}

/** Four bytes of the host name the sector that the filler goes to. */
static void format_sector(struct floppy *floppy)
{
	struct floppy_state *state = &floppy->state;

	memcpy(&state->id, state->buffer, sizeof(state->id));
	if (!find_sector(floppy))
		return;
	memset(state->buffer, state->command[FORMAT_FILLER], FLOPPY_SECTOR_BYTES);
	start_disk(floppy, BLOCK_WRITE);
}

/** The host has given all of the buffer. */
static void take_sector(struct floppy *floppy)
{
	if (opcode(&floppy->state) == FLOPPY_FORMAT_TRACK)
		format_sector(floppy);
	else
		start_disk(floppy, BLOCK_WRITE);
}

void floppy_transfer_go_on(struct floppy *floppy)
{
	if (floppy_transfer_takes(floppy))
		take_sector(floppy);
	else
		step(floppy);
}

/* --- Sectors --- */

static void disk_is_done(struct block_request *request, int result)
{
	struct floppy *floppy = container_of(request, struct floppy, request);
	uint8_t command = opcode(&floppy->state);

	floppy->in_flight = false;
	if (floppy->state.wait != FLOPPY_WAIT_DISK)
		return;
	floppy->state.wait = FLOPPY_WAIT_NOTHING;
	if (result == -EROFS)
		fail(floppy, FLOPPY_ST1_NOT_WRITABLE, 0);
	else if (result < 0)
		fail(floppy, FLOPPY_ST1_DATA_ERROR, FLOPPY_ST2_DATA_ERROR);
	else if (command == FLOPPY_FORMAT_TRACK)
		step_format(floppy);
	else if (is_write(command))
		step(floppy);
	else if (is_scan(command))
		scan_sector(floppy);
	else
		give_sector(floppy);
}

static void next_sector(struct floppy *floppy)
{
	uint8_t command = opcode(&floppy->state);

	if (command != FLOPPY_FORMAT_TRACK && !find_sector(floppy))
		return;
	if (!is_write(command))
		start_disk(floppy, BLOCK_READ);
	else if (!by_dma(&floppy->state))
		wait_for_host(floppy);
	else if (move_by_dma(floppy, floppy_transfer_bytes(floppy), false))
		take_sector(floppy);
}

/** FORMAT TRACK lays out what the image has room for and nothing else. */
static void start_format(struct floppy *floppy)
{
	struct floppy_state *state = &floppy->state;
	struct floppy_drive *drive = floppy_selected(floppy);
	const struct floppy_format *format = drive ? drive->format : NULL;

	state->sectors_left = state->command[FORMAT_SECTORS];
	if (!format || state->command[FORMAT_SIZE] != FLOPPY_SECTOR_512 ||
	    state->sectors_left != format->sectors)
		fail(floppy, FLOPPY_ST1_MISSING_MARK, 0);
	else
		next_sector(floppy);
}

static bool is_refused(struct floppy *floppy)
{
	struct floppy_state *state = &floppy->state;
	struct floppy_drive *drive = floppy_selected(floppy);

	if (is_write(opcode(state)) && drive && !block_is_empty(drive->slot->block) &&
	    block_is_read_only(drive->slot->block)) {
		fail(floppy, FLOPPY_ST1_NOT_WRITABLE, 0);
		return true;
	}
	if (is_scan(opcode(state)) && !by_dma(state)) {
		fail(floppy, FLOPPY_ST1_OVERRUN, 0);
		return true;
	}
	return false;
}

void floppy_transfer_start(struct floppy *floppy)
{
	struct floppy_state *state = &floppy->state;
	unsigned unit = state->command[1] & UNIT_MASK;

	state->phase = FLOPPY_PHASE_EXECUTION;
	state->st1 = state->st2 = 0;
	state->terminal_count = false;
	state->id = (struct floppy_id){
		state->command[PARAMETER_CYLINDER],
		state->command[PARAMETER_HEAD],
		state->command[PARAMETER_SECTOR],
		state->command[PARAMETER_SIZE],
	};
	state->end = state->id;
	if (opcode(state) == FLOPPY_READ_TRACK)
		state->id.sector = 1;
	if (opcode(state) == FLOPPY_VERIFY)
		state->sectors_left = state->command[PARAMETER_COUNT];
	if (opcode(state) == FLOPPY_FORMAT_TRACK) {
		if (!is_refused(floppy))
			start_format(floppy);
		return;
	}
	if ((state->configure & FLOPPY_CONFIGURE_SEEK) && unit < FLOPPY_DRIVES) {
		state->drives[unit].track = (uint8_t)min_u64(state->id.cylinder, FLOPPY_MAX_TRACK);
		if (floppy_selected(floppy) &&
		    !block_is_empty(floppy_selected(floppy)->slot->block))
			state->drives[unit].is_changed = false;
	}
	if (!is_refused(floppy))
		next_sector(floppy);
}

void floppy_transfer_resume(struct floppy *floppy)
{
	if (find_sector(floppy))
		start_disk(floppy, is_write(opcode(&floppy->state)) ? BLOCK_WRITE : BLOCK_READ);
}

void floppy_transfer_cancel(struct floppy *floppy)
{
	if (!floppy->in_flight)
		return;
	/* Whatever completes from here on belongs to nobody. */
	floppy->state.wait = FLOPPY_WAIT_NOTHING;
	block_cancel_held(floppy->request.block);
	if (floppy->in_flight)
		block_drain(floppy->request.block);
}
