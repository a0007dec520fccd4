// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One port of the adapter: its registers, the link, the frames that it receives, and the engine
 * that fetches commands and plays the host to the drive's channel. Queued commands are in
 * ahci_queue.c.
 *
 *   ahci_port_run: the drive waits for the host? move a block between buffer and guest memory
 * (serve) the command is over? frame, interrupt, slot free (finish_command) another is issued and
 * may start? fetch (start_next) run again by   writes of PxCI and PxCMD, completions of block
 * requests (channel.advance, and of the queue), bus mastering switched on
 */
#pragma once

#include "hw/ide/ahci.h"

void ahci_port_init(struct ahci_port *port, struct ahci *ahci, unsigned number);

/** Power-on. */
void ahci_port_reset(struct ahci_port *port);
/** The adapter's reset: as power-on, but addresses of list and frames stay (10.4.3). */
void ahci_port_hba_reset(struct ahci_port *port);

/** The register at 'offset', 32 bits; no side effects. */
uint32_t ahci_port_read(const struct ahci_port *port, unsigned offset);
/** Writes the bits of 'mask' of the register at 'offset'. */
void ahci_port_write(struct ahci_port *port, unsigned offset, uint32_t value, uint32_t mask);

/** What PxIS shows. */
uint32_t ahci_port_interrupts(const struct ahci_port *port);

/** A drive has come or gone. */
void ahci_port_link_changed(struct ahci_port *port);

/** Goes on with whatever can be gone on with. */
void ahci_port_run(struct ahci_port *port);

/** Forgets all commands, after waiting for their requests. */
void ahci_port_cancel(struct ahci_port *port);
void ahci_port_quiesce(struct ahci_port *port);
void ahci_port_resume(struct ahci_port *port);
/** 0 or -EINVAL. */
int ahci_port_after_load(struct ahci_port *port, struct err *err);

/* For the queue. */

static inline struct ide_drive *ahci_port_drive(struct ahci_port *port)
{
	return &port->channel.drives[0];
}

/** Raises interrupts of PxIS. */
void ahci_port_raise(struct ahci_port *port, uint32_t interrupts);
/** Puts a frame that has come into memory. */
void ahci_port_receive(struct ahci_port *port, unsigned offset, const uint8_t *fis, size_t bytes);
/** The drive's registers come as a frame. */
void ahci_port_send_registers(struct ahci_port *port, bool interrupt);

/* The queue (ahci_queue.c). */

/** A fetched command frame is one for the queue. */
bool ahci_is_queued(const struct ahci_port *port, const uint8_t *fis);
/** Takes the command in 'slot' into the queue, or fails it. */
void ahci_queue_start(struct ahci_port *port, unsigned slot, const uint8_t *fis, uint64_t prdt,
		      uint16_t prds);
bool ahci_queue_is_empty(const struct ahci_port *port);
/** Forgets all queued commands, after waiting for their requests. */
void ahci_queue_cancel(struct ahci_port *port);
/** Begins commands again that were saved before they were done. */
void ahci_queue_resume(struct ahci_port *port);
/** The saved queue is one that commands could have made. */
bool ahci_queue_is_valid(const struct ahci_port *port);

/* The adapter (ahci.c). */

void ahci_update_irq(struct ahci *ahci);
bool ahci_may_reach_memory(const struct ahci *ahci);
