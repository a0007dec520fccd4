// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One ATA channel: the register files of its two drives, selection, interrupt, resets, and the data
 * path between host, channel buffer, guest memory and image. Commands are in ata.c and atapi.c. A
 * port of AHCI has one with a single drive behind it, and plays the host for it.
 *
 * Modelled: both register files are written together and the selected one is read; device 0 answers
 * for an absent device 1 with status 0 (ATA/ATAPI-7 volume 2, 9.16); an empty channel, or an absent
 * device 0, reads as zeros, which BIOSes and systems take as "nobody there" at once. Resets take no
 * time. Not modelled: overlapped commands and queues; a command to one drive is ignored while the
 * other moves data.
 */
#pragma once

#include "block/block.h"
#include "bus/io.h"
#include "bus/irq.h"
#include "hw/ide/ata_regs.h"
#include "hw/ide/bmdma.h"
#include "hw/ide/geometry.h"

struct medium_slot;

enum {
	IDE_DRIVES = 2, /* of a channel */
	IDE_BUFFER_BYTES = 65536,
	IDE_MAX_BURST_BYTES = 32768, /* a data block of PACKET; the byte count limit may say more */
	IDE_SERIAL_CHARS = 20,
	IDE_VERSION_CHARS = 8,
	IDE_MODEL_CHARS = 40,
};

enum ide_kind {
	IDE_NONE,
	IDE_DISK,
	IDE_CDROM,
};

/** What a channel does. DISK is the only phase in which a block request is under way. */
enum ide_phase {
	IDE_IDLE,
	IDE_DATA_IN,  /* DRQ: the host reads the buffer's block */
	IDE_DATA_OUT, /* DRQ: the host fills the block */
	IDE_DMA_WAIT, /* a DMA command waits for the bus master to be started */
	IDE_ON_DISK,
	IDE_PHASES,
};

/** What the data belong to, and so what follows when they have been moved. */
enum ide_job {
	IDE_JOB_NONE,
	IDE_JOB_REPLY, /* the buffer holds all that the host gets */
	IDE_JOB_READ,  /* sectors, by PIO */
	IDE_JOB_WRITE,
	IDE_JOB_TAKE, /* the host's data are given to the command by its opcode */
	IDE_JOB_READ_DMA,
	IDE_JOB_WRITE_DMA,
	IDE_JOB_TAKE_DMA,
	IDE_JOB_FLUSH,
	IDE_JOB_PACKET,          /* twelve bytes of packet are awaited */
	IDE_JOB_PACKET_REPLY,    /* the buffer, then sectors if there are any */
	IDE_JOB_PACKET_READ_DMA, /* sectors straight into guest memory */
	IDE_JOB_PACKET_TAKE,     /* a parameter list */
	IDE_JOB_TRIM,            /* the buffer's ranges, one after the other, from 'start' on */
	IDE_JOBS,
};

struct ide_drive_state {
	/* The CD-ROM's, in atapi.c. */
	uint32_t sense_lba;
	uint16_t sense_asc;
	uint16_t cd_speed_kb;
	/* CHS translation in force; 0 sectors: none. */
	uint16_t cylinders, heads, sectors_per_track;
	uint8_t regs[ATA_REGISTER_COUNT]; /* as written; ATA_DEVICE too, data, error and status
					     unused */
	uint8_t hob[ATA_REGISTER_COUNT];  /* what was there before the last write */
	uint8_t error, status;
	uint8_t interrupt; /* INTRQ pending */
	uint8_t multiple;  /* sectors in a block of READ MULTIPLE, 0: not set */
	uint8_t transfer_mode;
	uint8_t power;
	uint8_t write_cache, look_ahead, smart;
	uint8_t sense_key;
	uint8_t sense_lba_valid;
	uint8_t attention; /* enum atapi_attention bits that wait to be reported */
	uint8_t tray_open, locked;
	uint8_t event;        /* media event that waits */
	uint8_t read_retries; /* of mode page 01h */
	/* SATA: an NCQ command has failed, and the log that says which waits to be read. */
	uint8_t queue_failed;
	uint8_t queue_log[ATA_QUEUE_LOG_BYTES];
	uint8_t reserved[3];
};

/** The running command's own copy of its parameters. */
struct ide_transfer {
	uint64_t lba;          /* next sector to move between image and buffer or guest memory */
	uint32_t sectors;      /* still to be moved there */
	uint32_t host_bytes;   /* still to come from the host */
	uint32_t start, end;   /* the buffer's content not yet moved on */
	uint32_t block_end;    /* of the present DRQ block, in the buffer */
	uint32_t block_bytes;  /* the most a DRQ block holds */
	uint16_t sector_bytes; /* in the image */
	uint16_t host_sector_bytes; /* as the host gets it: 2352 for raw CD sectors */
	uint8_t phase, job;
	uint8_t drive; /* whose command it is */
	uint8_t opcode;
	uint8_t dma;
	uint8_t flush;      /* the command ends only when its data are on stable storage */
	uint8_t addressing; /* enum ata_addressing, for results in the registers */
	uint8_t raw_fields; /* of READ CD */
	uint8_t packet[12];
	uint8_t reserved[8];
};

struct ide_channel_state {
	struct ide_transfer transfer;
	struct ide_drive_state drives[IDE_DRIVES];
	struct bmdma_state bmdma;
	uint8_t selected, control;
	uint8_t reserved[6];
	uint8_t buffer[IDE_BUFFER_BYTES];
};
extern const struct state_table ide_channel_state_table;

struct ide_channel;

struct ide_drive {
	struct ide_drive_state *state;
	struct ide_channel *channel;
	enum ide_kind kind;
	uint8_t unit;
	struct block *block;      /* of a disk; borrowed */
	struct medium_slot *slot; /* of a CD-ROM; borrowed */
	struct ide_geometry geometry;
	bool sata;    /* on a port of its own, with command queues */
	uint64_t wwn; /* 0: none */
	char serial[IDE_SERIAL_CHARS + 1], version[IDE_VERSION_CHARS + 1],
		model[IDE_MODEL_CHARS + 1];
};

struct ide_channel {
	struct ide_channel_state *state; /* in the controller's state */
	struct ide_drive drives[IDE_DRIVES];
	struct bmdma bmdma;
	struct io_window command, control; /* 1F0h to 1F7h, 3F6h */
	struct irq_line *irq;
	bool irq_level;
	bool bus_master_enabled; /* the controller may reach memory */
	/* The one block request, with what it needs to know when the drive has been reset
	 * meanwhile. */
	struct block_request request;
	struct iovec buffer_iov;
	uint32_t request_sectors;
	uint32_t generation, request_generation;
	bool in_flight;
	bool table_ended; /* the PRD table ended with what is in flight */
	/* For the host of a channel without registers; NULL: there are. */
	void (*advance)(struct ide_channel *channel); /* a request is done, and what follows */
	enum bmdma_result table_result; /* how the table of the last DMA command ended */
};

/** An empty channel in power-on state, its windows not mapped. All pointers are borrowed. */
void ide_channel_init(struct ide_channel *channel, struct ide_channel_state *state, struct ram *ram,
		      struct irq_line *irq, const char *command_name, const char *control_name);

/** Power-on: what is under way is waited for and forgotten. */
void ide_channel_reset(struct ide_channel *channel);

/** Waits for requests under way; a DMA command is brought to its end. */
void ide_channel_quiesce(struct ide_channel *channel);

/** Drops what the buffer still holds of transfers that are over. */
void ide_channel_before_save(struct ide_channel *channel);
/** Checks loaded state and derives the rest. 0 or -EINVAL. */
int ide_channel_after_load(struct ide_channel *channel, struct err *err);
/** Starts a request that was saved before it was done: held for a full disk, say. */
void ide_channel_resume(struct ide_channel *channel);

/* For commands (ata.c, atapi.c) and the data path (transfer.c). */

/** Forgets the running command, after waiting for its request. */
void ide_channel_cancel(struct ide_channel *channel);
/** Raises the drive's interrupt; it shows on the wire while the drive is selected and nIEN is
 * clear. */
void ide_raise_interrupt(struct ide_drive *drive);
void ide_lower_interrupt(struct ide_drive *drive);
/** Registers of a drive after reset or diagnostics: its signature. */
void ide_set_signature(struct ide_drive *drive);
/** Both drives pass their diagnostics (EXECUTE DIAGNOSTIC). */
void ide_run_diagnostics(struct ide_channel *channel);
/** DEVICE RESET of one packet device. */
void ide_reset_drive(struct ide_drive *drive);

/** Device control; SRST begins and ends a software reset. */
void ide_channel_write_control(struct ide_channel *channel, uint8_t value);

/** The image or medium now in the drive, never NULL for a drive that is there. */
struct block *ide_drive_block(const struct ide_drive *drive);

/** The data port: moves what the present block still has, or takes; returns the bytes. */
size_t ide_read_data(struct ide_channel *channel, void *data, size_t bytes);
size_t ide_write_data(struct ide_channel *channel, const void *data, size_t bytes);

/* Bus master registers, for the controller's window. */
uint8_t ide_read_bmdma(const struct ide_channel *channel, unsigned offset);
void ide_write_bmdma(struct ide_channel *channel, unsigned offset, uint8_t value);
