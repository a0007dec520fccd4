// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The SATA host bus adapter of the ICH9 (PCI 8086:2922) in AHCI mode: six ports with 32 command
 * slots each, disks with native command queues and ATAPI CD-ROMs behind them.
 *
 * Modelled: registers in BAR 5, command lists, received frames, PIO, DMA, PACKET and queued
 * commands, port and adapter resets, errors with READ LOG EXT. Drives and their commands are those
 * of IDE: each port has a channel with one drive (channel.h), for which it plays the host.
 *
 * Not modelled: IDE mode, index/data ports (BAR 4), message signalled interrupts, port
 * multipliers, staggered spin-up, power states of the link, enclosure management, command
 * completion coalescing, asynchronous notification. Resets take no time.
 */
#pragma once

#include "bus/device.h"
#include "bus/pci_bus.h"
#include "hw/ide/channel.h"
#include "hw/ide/drive.h"

enum {
	AHCI_PORTS = 6,
	AHCI_SLOTS = ATA_QUEUE_DEPTH,
	AHCI_FIS_BYTES = 20,
	AHCI_PACKET_BYTES = 16,
	AHCI_FIRST_POSITION = 4, /* of the drives, for default serial numbers: behind IDE's */
};

/** What a queued command moves; 'lba' and 'sectors' as they came. */
enum ahci_slot_flags {
	AHCI_SLOT_ACTIVE = 1, /* in the drive's queue */
	AHCI_SLOT_WRITE = 2,
	AHCI_SLOT_FLUSH = 4, /* ends only when its data are on stable storage */
};

struct ahci_port_state {
	struct ide_channel_state channel;
	/* Queued commands by slot: each one's own copy of its parameters. A command that was saved
	 * before it was done begins again. */
	uint64_t slot_lba[AHCI_SLOTS];
	uint64_t slot_prdt[AHCI_SLOTS];
	uint32_t slot_sectors[AHCI_SLOTS];
	uint16_t slot_prds[AHCI_SLOTS];
	uint8_t slot_flags[AHCI_SLOTS];
	uint64_t list, frames; /* PxCLB, PxFB */
	uint32_t is, ie, cmd, tfd, sig, ssts, sctl, serr, sact, ci;
	uint8_t packet[AHCI_PACKET_BYTES]; /* of the running command's table */
	uint8_t running;                   /* a command that is not queued is with the drive */
	uint8_t slot;                      /* of it, or of the last command */
	uint8_t has_packet;                /* the running command's header has the A bit */
	uint8_t stopped;                   /* by an error, until PxCMD.ST falls */
	uint8_t signature_pending;         /* a drive's first frame waits for PxCMD.FRE */
	uint8_t control;                   /* device control, as the last frame had it */
	uint8_t reserved[2];
};

struct ahci_state {
	struct ahci_port_state ports[AHCI_PORTS];
	uint32_t ghc, is;
	struct pci_state pci;
	uint8_t reserved[7];
};

struct ahci;
struct ahci_port;

/** A queued command under way. */
struct ahci_slot {
	struct ahci_port *port;
	struct block_request request;
	struct bmdma bmdma;
	struct bmdma_state walk;
	uint64_t lba; /* next sector to move */
	uint32_t sectors, request_sectors;
	uint32_t request_generation;
	bool in_flight;
};

struct ahci_port {
	struct ahci_port_state *state; /* in the adapter's state */
	struct ahci *ahci;
	struct ide_channel channel;
	struct ahci_slot slots[AHCI_SLOTS];
	uint32_t generation; /* of queued commands */
	uint8_t number;
};

struct ahci {
	struct ahci_state state;
	struct ahci_port ports[AHCI_PORTS];
	struct ram *ram; /* borrowed */
	struct pci_function function;
	struct io_window window;
	struct device device;
};

/**
 * Makes the adapter with nothing at its ports and plugs it into 'bus' at 'slot' (-1: any). Memory
 * is zeroed; all is borrowed. The owner adds ahci->device to its list. 0, or -errno and a
 * sentence.
 */
int ahci_init(struct ahci *ahci, struct pci_bus *bus, int slot, struct ram *ram, struct err *err);
/** Waits for requests and unplugs; images and slots stay the owner's. */
void ahci_finish(struct ahci *ahci);

/** Connects an image as a disk; 'config' may be NULL. -EEXIST if the port is taken, -EINVAL for
 * what no disk can have. */
int ahci_attach_disk(struct ahci *ahci, unsigned port, struct block *block,
		     const struct ide_drive_config *config, struct err *err);
/** Connects a slot as a CD-ROM drive; takes the drive's side of it. */
int ahci_attach_cdrom(struct ahci *ahci, unsigned port, struct medium_slot *slot,
		      const struct ide_drive_config *config, struct err *err);
/** Takes a drive out, after waiting for its requests; the guest sees the link fall. Nothing happens
 * if there is none. */
void ahci_detach(struct ahci *ahci, unsigned port);

/** The drive at a port, or NULL. */
const struct ide_drive *ahci_drive(const struct ahci *ahci, unsigned port);
