// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Native command queueing: READ and WRITE FPDMA QUEUED (SATA 2.6, 13.6). Up to 32 commands move
 * data at a time, each with a request of its own, and end in any order. One that fails ends the
 * queue: the drive then takes no other until its log has been read (13.7).
 *
 *   PxCI -> ahci_queue_start -> registers frame, slot free -> move -> completed -> move ...
 *                            -> flush if it must -> device bits frame, PxSACT bit falls
 */
#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/trace.h"
#include "hw/ide/ahci_port.h"
#include "hw/ide/ahci_regs.h"
#include "hw/ide/ata.h"

bool ahci_is_queued(const struct ahci_port *port, const uint8_t *fis)
{
	return port->channel.drives[0].kind == IDE_DISK &&
	       fis[FIS_TYPE] == FIS_REGISTERS_TO_DRIVE && (fis[FIS_FLAGS] & FIS_IS_COMMAND) &&
	       (fis[FIS_COMMAND] == ATA_CMD_READ_FPDMA_QUEUED ||
		fis[FIS_COMMAND] == ATA_CMD_WRITE_FPDMA_QUEUED) &&
	       !(port->state->control & ATA_SRST);
}

bool ahci_queue_is_empty(const struct ahci_port *port)
{
	for (unsigned i = 0; i < AHCI_SLOTS; i++)
		if (port->state->slot_flags[i])
			return false;
	return true;
}

static unsigned number_of(const struct ahci_slot *slot)
{
	return (unsigned)(slot - slot->port->slots);
}

/* Frames. */

static void send_dma_setup(struct ahci_port *port, unsigned tag, bool to_host, uint32_t bytes)
{
	uint8_t fis[FIS_DMA_SETUP_BYTES] = { FIS_DMA_SETUP, to_host ? FIS_TO_HOST : 0 };

	fis[FIS_DMA_TAG] = (uint8_t)tag;
	store_le32(fis + FIS_DMA_BYTES, bytes);
	ahci_port_receive(port, AHCI_RECEIVED_DMA_SETUP, fis, sizeof(fis));
}

/** Says which commands are done, or that one has failed. */
static void send_device_bits(struct ahci_port *port, uint32_t done)
{
	struct ahci_port_state *state = port->state;
	const struct ide_drive_state *drive = ahci_port_drive(port)->state;
	uint8_t fis[FIS_DEVICE_BITS_BYTES] = { FIS_DEVICE_BITS, FIS_INTERRUPT };

	fis[FIS_STATUS] = drive->status & FIS_DEVICE_BITS_STATUS;
	fis[FIS_ERROR] = drive->error;
	store_le32(fis + FIS_ACTIVE, done);
	state->sact &= ~done;
	state->tfd = replace_bits(state->tfd, 0xff00 | FIS_DEVICE_BITS_STATUS,
				  (uint32_t)drive->error << 8 | drive->status);
	ahci_port_receive(port, AHCI_RECEIVED_DEVICE_BITS, fis, sizeof(fis));
	ahci_port_raise(port, AHCI_IS_SDBS);
}

/* Ends. */

static void forget_slot(struct ahci_port *port, unsigned number)
{
	struct ahci_port_state *state = port->state;

	state->slot_lba[number] = 0;
	state->slot_prdt[number] = 0;
	state->slot_sectors[number] = 0;
	state->slot_prds[number] = 0;
	state->slot_flags[number] = 0;
}

/** What is still on its way arrives, and nobody is told. */
static void forget_all(struct ahci_port *port)
{
	port->generation++;
	for (unsigned i = 0; i < AHCI_SLOTS; i++)
		forget_slot(port, i);
}

static void write_log(struct ide_drive_state *drive, unsigned tag, uint64_t lba)
{
	uint8_t *log = drive->queue_log;

	memset(log, 0, ATA_QUEUE_LOG_BYTES);
	log[ATA_QUEUE_LOG_TAG] = (uint8_t)tag;
	log[ATA_QUEUE_LOG_STATUS] = drive->status;
	log[ATA_QUEUE_LOG_ERROR] = drive->error;
	store_le(log + ATA_QUEUE_LOG_LBA_LOW, 3, lba);
	log[ATA_QUEUE_LOG_DEVICE] = ATA_DEVICE_LBA;
	store_le(log + ATA_QUEUE_LOG_LBA_LOW_EXT, 3, lba >> 24);
	drive->queue_failed = 1;
}

/** The drive ends its queue; one that has not been taken in is answered by its registers. */
static void fail(struct ahci_port *port, unsigned number, uint8_t error, uint64_t lba, bool taken)
{
	struct ide_drive_state *drive = ahci_port_drive(port)->state;

	TRACE(ahci, queue_error, "port %u tag %u lba %llu error %02x", port->number, number,
	      (unsigned long long)lba, error);
	forget_all(port);
	drive->status = ATA_DRDY | ATA_DSC | ATA_ERR;
	drive->error = error;
	write_log(drive, number, lba);
	port->state->stopped = 1;
	if (taken)
		send_device_bits(port, 0);
	else
		ahci_port_send_registers(port, true);
	ahci_port_raise(port, AHCI_IS_TFES);
}

static void complete(struct ahci_slot *slot)
{
	struct ahci_port *port = slot->port;
	unsigned number = number_of(slot);

	if (slot->walk.walk.marked)
		port->state->is |= AHCI_IS_DPS;
	forget_slot(port, number);
	send_device_bits(port, BIT(number));
}

/* Requests. */

static void completed(struct block_request *request, int result);

static void start_request(struct ahci_slot *slot, enum block_op op, uint32_t sectors)
{
	struct ahci_port *port = slot->port;

	slot->request = (struct block_request){
		.op = op,
		.offset = op == BLOCK_FLUSH ? 0 : slot->lba * ATA_SECTOR_BYTES,
		.iov = slot->bmdma.iov,
		.iov_count = op == BLOCK_FLUSH ? 0 : slot->bmdma.count,
		.complete = completed,
	};
	list_init(&slot->request.node);
	slot->request_sectors = sectors;
	slot->request_generation = port->generation;
	slot->in_flight = true;
	block_start(ahci_port_drive(port)->block, &slot->request);
}

/** Moves as many sectors as the vector holds. A table that is too short moves nothing. */
static void move(struct ahci_slot *slot)
{
	struct ahci_port *port = slot->port;
	bool write = port->state->slot_flags[number_of(slot)] & AHCI_SLOT_WRITE;
	enum bmdma_result result;
	size_t bytes;

	result = bmdma_gather(&slot->bmdma, (size_t)slot->sectors * ATA_SECTOR_BYTES,
			      ATA_SECTOR_BYTES, !write, &bytes);
	if (result == BMDMA_OK && bytes > 0) {
		start_request(slot, write ? BLOCK_WRITE : BLOCK_READ,
			      (uint32_t)(bytes / ATA_SECTOR_BYTES));
		return;
	}
	/* With BMDMA_OK: regions so small that the vector does not hold one sector. */
	bmdma_release(&slot->bmdma);
	port->state->is |= result == BMDMA_SHORT ? AHCI_IS_OFS : AHCI_IS_HBDS;
	fail(port, number_of(slot), ATA_ABRT, slot->lba, true);
}

/** Sectors have been moved or flushed: what follows. */
static void go_on(struct ahci_slot *slot)
{
	bool flush = slot->port->state->slot_flags[number_of(slot)] & AHCI_SLOT_FLUSH;

	if (slot->request.op == BLOCK_FLUSH) {
		complete(slot);
		return;
	}
	slot->lba += slot->request_sectors;
	slot->sectors -= slot->request_sectors;
	if (slot->sectors > 0)
		move(slot);
	else if (flush)
		start_request(slot, BLOCK_FLUSH, 0);
	else
		complete(slot);
}

static void completed(struct block_request *request, int result)
{
	struct ahci_slot *slot = container_of(request, struct ahci_slot, request);
	struct ahci_port *port = slot->port;

	slot->in_flight = false;
	bmdma_release(&slot->bmdma);
	/* The queue has ended meanwhile: nobody waits for this any more. */
	if (slot->request_generation != port->generation)
		return;
	if (result < 0)
		fail(port, number_of(slot),
		     request->op == BLOCK_READ && result == -EIO ? ATA_UNC : ATA_ABRT, slot->lba,
		     true);
	else
		go_on(slot);
	ahci_port_run(port);
}

/** From the slot's parameters in the state. */
static void begin(struct ahci_port *port, unsigned number)
{
	struct ahci_port_state *state = port->state;
	struct ahci_slot *slot = &port->slots[number];

	slot->lba = state->slot_lba[number];
	slot->sectors = state->slot_sectors[number];
	bmdma_init(&slot->bmdma, &slot->walk, port->ahci->ram);
	slot->bmdma.format = BMDMA_AHCI;
	slot->walk.prdt = state->slot_prdt[number];
	slot->walk.prds = state->slot_prds[number];
	move(slot);
}

/* Starting. */

/** Why the drive refuses the command; 0: it does not. */
static uint8_t check(struct ahci_port *port, unsigned number, const uint8_t *fis, uint64_t lba,
		     uint32_t sectors)
{
	const struct ide_drive *drive = ahci_port_drive(port);
	bool write = fis[FIS_COMMAND] == ATA_CMD_WRITE_FPDMA_QUEUED;

	/* The tag is the slot's number (AHCI 5.6.4.1), by which data find their table. */
	if (fis[FIS_COUNT] >> FIS_TAG_SHIFT != number || drive->state->queue_failed ||
	    port->slots[number].in_flight)
		return ATA_ABRT;
	if (!range_fits(lba, sectors, ata_total_sectors(drive)))
		return ATA_IDNF;
	if (write && block_is_read_only(drive->block))
		return ATA_ABRT | ATA_WP;
	return 0;
}

void ahci_queue_start(struct ahci_port *port, unsigned number, const uint8_t *fis, uint64_t prdt,
		      uint16_t prds)
{
	struct ahci_port_state *state = port->state;
	struct ide_drive_state *drive = ahci_port_drive(port)->state;
	bool write = fis[FIS_COMMAND] == ATA_CMD_WRITE_FPDMA_QUEUED;
	bool flush = write && ((fis[FIS_DEVICE] & FIS_FUA) || !drive->write_cache);
	uint64_t lba = load_le(fis + FIS_LBA_LOW, 3) | load_le(fis + FIS_LBA_LOW_EXT, 3) << 24;
	uint32_t sectors = (uint32_t)fis[FIS_FEATURES_EXT] << 8 | fis[FIS_FEATURES];
	uint8_t error;

	TRACE(ahci, queue, "port %u tag %u %s lba %llu sectors %u", port->number, number,
	      write ? "write" : "read", (unsigned long long)lba, sectors);
	sectors = sectors ? sectors : ATA_MAX_SECTORS_48;
	error = check(port, number, fis, lba, sectors);
	if (error) {
		fail(port, number, error, lba, false);
		return;
	}
	state->slot_lba[number] = lba;
	state->slot_sectors[number] = sectors;
	state->slot_prdt[number] = prdt;
	state->slot_prds[number] = prds;
	state->slot_flags[number] = (uint8_t)(AHCI_SLOT_ACTIVE | (write ? AHCI_SLOT_WRITE : 0) |
					      (flush ? AHCI_SLOT_FLUSH : 0));
	state->ci &= ~BIT(number);
	drive->status = ATA_DRDY | ATA_DSC;
	drive->error = 0;
	drive->power = ATA_POWER_ACTIVE;
	ahci_port_send_registers(port, false);
	send_dma_setup(port, number, !write, sectors * ATA_SECTOR_BYTES);
	begin(port, number);
}

/* Life. */

void ahci_queue_cancel(struct ahci_port *port)
{
	struct block *block = ahci_port_drive(port)->block;
	bool in_flight = false;

	for (unsigned i = 0; i < AHCI_SLOTS; i++)
		in_flight |= port->slots[i].in_flight;
	/* First the generation, then the wait, as of IDE's channel. */
	forget_all(port);
	if (!in_flight)
		return;
	block_cancel_held(block);
	block_drain(block);
	/* One may have failed and been held only now. */
	block_cancel_held(block);
}

void ahci_queue_resume(struct ahci_port *port)
{
	/* What this process has held is the image's to try again: block_retry. */
	for (unsigned i = 0; i < AHCI_SLOTS; i++)
		if (port->state->slot_flags[i] && !port->slots[i].in_flight)
			begin(port, i);
}

static bool slot_is_valid(const struct ahci_port *port, unsigned number)
{
	const struct ahci_port_state *state = port->state;
	const struct ide_drive *drive = &port->channel.drives[0];
	uint8_t flags = state->slot_flags[number];

	if (flags == 0)
		return true;
	return drive->kind == IDE_DISK && (flags & AHCI_SLOT_ACTIVE) &&
	       flags <= (AHCI_SLOT_ACTIVE | AHCI_SLOT_WRITE | AHCI_SLOT_FLUSH) &&
	       state->slot_prdt[number] % AHCI_CTBA_ALIGNMENT == 0 &&
	       state->slot_sectors[number] > 0 &&
	       state->slot_sectors[number] <= ATA_MAX_SECTORS_48 &&
	       range_fits(state->slot_lba[number], state->slot_sectors[number],
			  ata_total_sectors(drive)) &&
	       !((flags & AHCI_SLOT_WRITE) && block_is_read_only(drive->block));
}

bool ahci_queue_is_valid(const struct ahci_port *port)
{
	for (unsigned i = 0; i < AHCI_SLOTS; i++)
		if (!slot_is_valid(port, i))
			return false;
	return true;
}
