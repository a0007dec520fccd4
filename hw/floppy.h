// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * 82077AA floppy disk controller in AT mode, with two drives, at 3F0h to 3F5h and 3F7h, on
 * interrupt 6 and DMA channel 2.
 *
 * Modelled: all commands of the data sheet, by DMA and by programmed I/O; multi-track, implied
 * seeks, scanning, formatting, verify; reset with and without lock, polling interrupts; motors,
 * change line, write protection, data rates: a disk is read at its own rate only. Media are images
 * of the usual formats with sectors of 512 bytes (floppy_media.h).
 *
 * Not modelled: rotation and step times (a seek takes a moment, a sector what the host takes),
 * sectors of other sizes, deleted data marks (a mark that is written is an ordinary one), tapes,
 * status registers A and B, which AT mode hides. A drive without a disk reports a missing address
 * mark where a real one would wait for ever.
 *
 *                 last byte of a command            last byte of a result
 *     COMMAND  ------------------------------>  EXECUTION  --->  RESULT  ---> COMMAND
 *       ^   floppy_write_fifo, run_command           |     finish          read_fifo
 *       |                                            |
 *       +--------------------------------------------+  seeks, and commands without a result
 */
#pragma once

#include "base/clock.h"
#include "block/medium.h"
#include "bus/device.h"
#include "bus/io.h"
#include "bus/irq.h"
#include "bus/isa_dma.h"
#include "hw/floppy_media.h"
#include "hw/floppy_regs.h"

struct err;

enum {
	FLOPPY_BASE = 0x3f0,
	FLOPPY_IRQ = 6,
	FLOPPY_DMA_CHANNEL = 2,
	FLOPPY_DRIVES = 2,
	FLOPPY_UNITS = 4, /* that the chip can address */
	FLOPPY_COMMAND_BYTES = 9,
	FLOPPY_RESULT_BYTES = 10,
	FLOPPY_SECTOR_BYTES = 512,
	FLOPPY_ID_BYTES = 4, /* C, H, R, N */
	FLOPPY_MAX_TRACK = 85,
};

enum floppy_phase {
	FLOPPY_PHASE_COMMAND,
	FLOPPY_PHASE_EXECUTION,
	FLOPPY_PHASE_RESULT,
	FLOPPY_PHASES,
};

/** What the execution phase waits for. */
enum floppy_wait {
	FLOPPY_WAIT_NOTHING,
	FLOPPY_WAIT_MOMENT, /* then the command's result is ready */
	FLOPPY_WAIT_DISK,   /* the sector at 'id' is being read or written */
	FLOPPY_WAIT_HOST,   /* bytes by programmed I/O */
	FLOPPY_WAITS,
};

/** The address of a sector as its ID field has it. */
struct floppy_id {
	uint8_t cylinder, head, sector, size;
};

struct floppy_drive_state {
	uint8_t track;   /* under the heads */
	bool is_changed; /* the disk was, and no step pulse has come since */
};

/** What a guest can observe. */
struct floppy_state {
	uint16_t buffer_at; /* next byte of 'buffer' for or from the host */
	struct floppy_drive_state drives[FLOPPY_DRIVES];
	struct floppy_id id;  /* of the sector being moved */
	struct floppy_id end; /* what the result reports */
	uint8_t dor, tdr, dsr, ccr;
	uint8_t phase, wait;
	uint8_t command[FLOPPY_COMMAND_BYTES];
	uint8_t command_count;
	uint8_t result[FLOPPY_RESULT_BYTES];
	uint8_t result_count, result_at;
	uint8_t sense[FLOPPY_UNITS]; /* ST0 that SENSE INTERRUPT STATUS is to fetch */
	uint8_t sense_pending;       /* a bit a unit */
	uint8_t seeking;             /* a bit a unit */
	uint8_t seek_target[FLOPPY_UNITS];
	uint8_t step_rate, head_load; /* parameters of SPECIFY */
	uint8_t configure, precompensation, perpendicular;
	bool is_locked;
	bool interrupt;
	bool terminal_count;  /* the DMA controller has said: enough */
	uint8_t st1, st2;     /* of the command under way */
	uint8_t sectors_left; /* VERIFY with a count, FORMAT */
	uint8_t buffer[FLOPPY_SECTOR_BYTES];
	uint8_t reserved[1]; /* zero */
};

struct floppy_drive {
	struct medium_slot *slot; /* NULL: there is no such drive */
	enum floppy_kind kind;
	const struct floppy_format *format; /* of the disk in it, or NULL */
};

struct floppy_wires {
	struct io_space *ports;
	struct clock *clock;
	struct irq_line *irq;
	struct isa_dma dma;
};

struct floppy {
	struct device device;
	struct floppy_state state;
	struct io_window window, change; /* 3F0h to 3F5h, 3F7h */
	struct floppy_wires wires;
	struct floppy_drive drives[FLOPPY_DRIVES];
	struct clock_timer timer;
	struct block_request request;
	struct iovec iov;
	bool in_flight;
};

/** Power-on state, mapped, without drives. Wires are borrowed. 0, or -errno and a sentence. */
int floppy_init(struct floppy *floppy, const struct floppy_wires *wires, struct err *err);

/** Attaches drive 0 or 1 of 'kind'. 'slot', which stays the caller's, gets the drive's hooks; it
 * must outlive the chip. */
void floppy_attach(struct floppy *floppy, unsigned unit, enum floppy_kind kind,
		   struct medium_slot *slot);

/* Between floppy.c and floppy_transfer.c. */

/** The drive that the command under way is for; NULL if there is none. */
struct floppy_drive *floppy_selected(struct floppy *floppy);
/** Ends the execution phase with the seven bytes of data commands. */
void floppy_finish_transfer(struct floppy *floppy, uint8_t st0);
/** Raises the interrupt. */
void floppy_interrupt(struct floppy *floppy);
/** Starts READ, WRITE, SCAN, VERIFY, FORMAT and READ TRACK. */
void floppy_transfer_start(struct floppy *floppy);
/** The host has given or taken the last byte of the sector in the buffer, by programmed I/O. */
void floppy_transfer_go_on(struct floppy *floppy);
/** Starts the sector anew that was under way when the state was saved. */
void floppy_transfer_resume(struct floppy *floppy);
/** Forgets what is under way. */
void floppy_transfer_cancel(struct floppy *floppy);
/** True if the bytes come from the host. */
bool floppy_transfer_takes(const struct floppy *floppy);
/** Bytes of the buffer that the host gives or takes. */
unsigned floppy_transfer_bytes(const struct floppy *floppy);
