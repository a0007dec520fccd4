// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/ide/transfer.h"

#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "base/trace.h"
#include "hw/ide/ata.h"
#include "hw/ide/atapi.h"
#include "hw/ide/cd_sector.h"

static void feed(struct ide_channel *channel);
static void collect(struct ide_channel *channel, bool interrupt);

static struct ide_drive *active_drive(struct ide_channel *channel)
{
	return &channel->drives[channel->state->transfer.drive];
}

static bool is_packet(const struct ide_transfer *transfer)
{
	return transfer->opcode == ATA_CMD_PACKET;
}

/** The command's own copy of its parameters replaces that of the last one; a packet keeps what
 * PACKET has said. */
static struct ide_transfer *begin(struct ide_drive *drive, enum ide_job job, uint64_t lba,
				  uint32_t sectors)
{
	struct ide_transfer *transfer = &drive->channel->state->transfer;

	transfer->job = (uint8_t)job;
	transfer->drive = drive->unit;
	transfer->lba = lba;
	transfer->sectors = sectors;
	transfer->sector_bytes = transfer->host_sector_bytes = ATA_SECTOR_BYTES;
	transfer->host_bytes = 0;
	transfer->start = transfer->end = transfer->block_end = 0;
	transfer->flush = 0;
	transfer->raw_fields = 0;
	transfer->block_bytes = ATA_SECTOR_BYTES;
	return transfer;
}

static void set_busy(struct ide_drive *drive)
{
	drive->state->status = ATA_BSY | ATA_DRDY | ATA_DSC;
}

/** The end without an interrupt: PIO in, and a PRD table that was too short. */
static void end_quietly(struct ide_drive *drive)
{
	struct ide_transfer *transfer = &drive->channel->state->transfer;

	if (is_packet(transfer))
		drive->state->regs[ATAPI_REASON] = ATAPI_IO | ATAPI_COD;
	transfer->phase = IDE_IDLE;
	transfer->job = IDE_JOB_NONE;
	drive->state->status = ATA_DRDY | ATA_DSC;
}

void ide_finish(struct ide_drive *drive, uint8_t error)
{
	end_quietly(drive);
	drive->state->error = error;
	if (error)
		drive->state->status |= ATA_ERR;
	ide_raise_interrupt(drive);
}

/** Moved sectors are shown as ATA-3 has it: the last one's address, none left. */
static void show_last_sector(struct ide_drive *drive)
{
	const struct ide_transfer *transfer = &drive->channel->state->transfer;

	if (is_packet(transfer) || transfer->lba == 0)
		return;
	ata_store_address(drive, transfer->lba - 1);
	drive->state->regs[ATA_SECTOR_COUNT] = 0;
}

static void fail_disk(struct ide_drive *drive, int result)
{
	struct ide_channel *channel = drive->channel;
	const struct ide_transfer *transfer = &channel->state->transfer;
	bool reading = transfer->job == IDE_JOB_READ || transfer->job == IDE_JOB_READ_DMA;

	TRACE(ide, disk_error, "drive %u lba %llu error %d", drive->unit,
	      (unsigned long long)transfer->lba, -result);
	channel->bmdma.state->status &= (uint8_t)~BMDMA_ACTIVE;
	if (is_packet(transfer)) {
		atapi_disk_failed(drive, result);
		return;
	}
	if (transfer->job != IDE_JOB_FLUSH)
		ata_store_address(drive, transfer->lba);
	ide_finish(drive, reading && result == -EIO ? ATA_UNC : ATA_ABRT);
}

/* Block requests. */

static void sectors_moved(struct ide_channel *channel);

static void request_completed(struct block_request *request, int result)
{
	struct ide_channel *channel = container_of(request, struct ide_channel, request);
	struct ide_drive *drive;

	channel->in_flight = false;
	bmdma_release(&channel->bmdma);
	/* The drive has been reset meanwhile: nobody waits for this any more. */
	if (channel->request_generation != channel->generation)
		return;
	drive = active_drive(channel);
	if (result < 0)
		fail_disk(drive, result);
	else if (request->op == BLOCK_FLUSH)
		ide_finish(drive, 0);
	else
		sectors_moved(channel);
	if (channel->advance)
		channel->advance(channel);
}

static void start_request(struct ide_channel *channel, enum block_op op, const struct iovec *iov,
			  unsigned iov_count, uint32_t sectors)
{
	struct ide_transfer *transfer = &channel->state->transfer;
	struct ide_drive *drive = active_drive(channel);

	transfer->phase = IDE_ON_DISK;
	set_busy(drive);
	channel->request = (struct block_request){
		.op = op,
		.offset = op == BLOCK_FLUSH ? 0 : transfer->lba * transfer->sector_bytes,
		.iov = iov,
		.iov_count = iov_count,
		.length = op == BLOCK_DISCARD ? (uint64_t)sectors * ATA_SECTOR_BYTES : 0,
		.complete = request_completed,
	};
	list_init(&channel->request.node);
	channel->request.block = ide_drive_block(drive);
	channel->request_sectors = sectors;
	channel->request_generation = channel->generation;
	channel->in_flight = true;
	block_start(channel->request.block, &channel->request);
}

static void start_buffer_request(struct ide_channel *channel, enum block_op op, uint32_t offset,
				 uint32_t sectors)
{
	channel->buffer_iov = (struct iovec){
		.iov_base = channel->state->buffer + offset,
		.iov_len = (size_t)sectors * channel->state->transfer.sector_bytes,
	};
	start_request(channel, op, &channel->buffer_iov, 1, sectors);
}

/* From the image through the buffer to the host: PIO in, packet replies, raw CD sectors. */

/** Where in the buffer 'sectors' are read to: behind its content, or, if they are to be converted,
 * to its end. */
static uint32_t read_position(const struct ide_transfer *transfer, uint32_t sectors)
{
	if (transfer->host_sector_bytes == transfer->sector_bytes)
		return transfer->end;
	return IDE_BUFFER_BYTES - sectors * transfer->sector_bytes;
}

static void refill(struct ide_channel *channel)
{
	struct ide_transfer *transfer = &channel->state->transfer;
	uint8_t *buffer = channel->state->buffer;
	uint32_t left = transfer->end - transfer->start, widest, sectors;

	if (is_packet(transfer) && atapi_medium_was_changed(active_drive(channel))) {
		fail_disk(active_drive(channel), -ENOMEDIUM);
		return;
	}
	memmove(buffer, buffer + transfer->start, left);
	transfer->start = 0;
	transfer->end = left;
	widest = transfer->host_sector_bytes > transfer->sector_bytes ? transfer->host_sector_bytes
								      : transfer->sector_bytes;
	sectors = (uint32_t)min_u64(transfer->sectors, (IDE_BUFFER_BYTES - left) / widest);
	start_buffer_request(channel, BLOCK_READ, read_position(transfer, sectors), sectors);
}

/** Sectors that were read to the end of the buffer become what the host gets. */
static void convert_sectors(struct ide_channel *channel, uint32_t sectors)
{
	struct ide_transfer *transfer = &channel->state->transfer;
	uint8_t *buffer = channel->state->buffer;
	const uint8_t *from = buffer + read_position(transfer, sectors);
	uint8_t data[CD_SECTOR_BYTES];

	if (transfer->host_sector_bytes == transfer->sector_bytes) {
		transfer->end += sectors * transfer->sector_bytes;
		return;
	}
	for (uint32_t i = 0; i < sectors; i++) {
		memcpy(data, from + i * CD_SECTOR_BYTES, CD_SECTOR_BYTES);
		transfer->end += cd_sector_build(buffer + transfer->end, data,
						 (uint32_t)transfer->lba + i, transfer->raw_fields);
	}
}

static void present_block(struct ide_channel *channel)
{
	struct ide_transfer *transfer = &channel->state->transfer;
	struct ide_drive *drive = active_drive(channel);
	uint32_t available = transfer->end - transfer->start;
	uint32_t bytes = (uint32_t)min_u64(available, transfer->block_bytes);

	/* Only the last block of a packet's data may be odd (ATA/ATAPI-7 volume 1, 6.24.4). */
	if (bytes < available || transfer->sectors > 0)
		bytes &= ~1u;
	transfer->block_end = transfer->start + bytes;
	transfer->phase = IDE_DATA_IN;
	drive->state->status = ATA_DRDY | ATA_DSC | ATA_DRQ;
	if (is_packet(transfer)) {
		drive->state->regs[ATAPI_REASON] = ATAPI_IO;
		drive->state->regs[ATAPI_BYTE_COUNT_LOW] = (uint8_t)bytes;
		drive->state->regs[ATAPI_BYTE_COUNT_HIGH] = (uint8_t)(bytes >> 8);
	}
	ide_raise_interrupt(drive);
}

/** The bus master's part of feed: the buffer goes to guest memory. */
static void feed_dma(struct ide_channel *channel);

static void feed(struct ide_channel *channel)
{
	struct ide_transfer *transfer = &channel->state->transfer;
	uint32_t available = transfer->end - transfer->start;

	if (transfer->dma) {
		feed_dma(channel);
	} else if (available < transfer->block_bytes && transfer->sectors > 0) {
		refill(channel);
	} else if (available > 0) {
		present_block(channel);
	} else if (is_packet(transfer)) {
		ide_finish(active_drive(channel), 0);
	} else {
		if (transfer->job == IDE_JOB_READ)
			show_last_sector(active_drive(channel));
		end_quietly(active_drive(channel));
	}
}

/* From the host through the buffer to the image: PIO out. */

static void finish_write(struct ide_channel *channel)
{
	struct ide_drive *drive = active_drive(channel);

	show_last_sector(drive);
	if (channel->state->transfer.flush)
		start_request(channel, BLOCK_FLUSH, NULL, 0, 0);
	else
		ide_finish(drive, 0);
}

static void collect(struct ide_channel *channel, bool interrupt)
{
	struct ide_transfer *transfer = &channel->state->transfer;
	struct ide_drive *drive = active_drive(channel);
	uint32_t bytes = (uint32_t)min_u64(transfer->block_bytes, transfer->host_bytes);

	if (bytes == 0 || bytes > IDE_BUFFER_BYTES - transfer->end) {
		start_buffer_request(channel, BLOCK_WRITE, 0, transfer->end / ATA_SECTOR_BYTES);
		return;
	}
	transfer->host_bytes -= bytes;
	transfer->block_end = transfer->end + bytes;
	transfer->phase = IDE_DATA_OUT;
	drive->state->status = ATA_DRDY | ATA_DSC | ATA_DRQ;
	if (interrupt)
		ide_raise_interrupt(drive);
}

void ide_block_done(struct ide_channel *channel)
{
	struct ide_transfer *transfer = &channel->state->transfer;
	struct ide_drive *drive = active_drive(channel);

	set_busy(drive);
	switch (transfer->job) {
	case IDE_JOB_REPLY:
	case IDE_JOB_READ:
	case IDE_JOB_PACKET_REPLY:
		feed(channel);
		break;
	case IDE_JOB_WRITE:
		collect(channel, true);
		break;
	case IDE_JOB_TAKE:
		ata_data_taken(drive);
		break;
	case IDE_JOB_PACKET:
		memcpy(transfer->packet, channel->state->buffer, sizeof(transfer->packet));
		atapi_packet_received(drive);
		break;
	case IDE_JOB_PACKET_TAKE:
		atapi_list_received(drive, transfer->end);
		break;
	default:
		ide_finish(drive, ATA_ABRT);
		break;
	}
}

/* By bus master. */

static void end_table_short(struct ide_channel *channel)
{
	/* Neither active nor interrupt: "PRDs specified a smaller size than the IDE transfer size".
	 */
	channel->table_result = BMDMA_SHORT;
	channel->bmdma.state->status &= (uint8_t)~BMDMA_ACTIVE;
	end_quietly(active_drive(channel));
}

void ide_end_without_memory(struct ide_channel *channel)
{
	struct ide_drive *drive = active_drive(channel);

	if (is_packet(&channel->state->transfer))
		atapi_disk_failed(drive, -EFAULT);
	else
		ide_finish(drive, ATA_ABRT);
}

static void end_table_fault(struct ide_channel *channel)
{
	channel->table_result = BMDMA_FAULT;
	channel->bmdma.state->status &= (uint8_t)~BMDMA_ACTIVE;
	channel->bmdma.state->status |= BMDMA_ERROR;
	ide_end_without_memory(channel);
}

/** All data have been moved: the bus master stays active if the table has regions left. */
static void leave_bus(struct ide_channel *channel)
{
	if (bmdma_is_exhausted(&channel->bmdma))
		channel->bmdma.state->status &= (uint8_t)~BMDMA_ACTIVE;
}

static void feed_dma(struct ide_channel *channel)
{
	struct ide_transfer *transfer = &channel->state->transfer;
	enum bmdma_result result;
	size_t done;

	if (!bmdma_is_active(&channel->bmdma)) {
		transfer->phase = IDE_DMA_WAIT;
		return;
	}
	result = bmdma_copy(&channel->bmdma, channel->state->buffer + transfer->start,
			    transfer->end - transfer->start, true, &done);
	transfer->start += (uint32_t)done;
	if (result == BMDMA_FAULT) {
		end_table_fault(channel);
	} else if (result == BMDMA_SHORT) {
		end_table_short(channel);
	} else if (transfer->sectors > 0) {
		refill(channel);
	} else {
		leave_bus(channel);
		ide_finish(active_drive(channel), 0);
	}
}

/** Moves as many sectors as the next regions take, straight between image and guest memory. */
static void move_sectors(struct ide_channel *channel)
{
	struct ide_transfer *transfer = &channel->state->transfer;
	bool write = transfer->job == IDE_JOB_WRITE_DMA;
	enum bmdma_result result;
	size_t bytes;

	result = bmdma_gather(&channel->bmdma, (size_t)transfer->sectors * transfer->sector_bytes,
			      transfer->sector_bytes, !write, &bytes);
	if (result == BMDMA_FAULT || (result == BMDMA_OK && bytes == 0)) {
		/* The latter: regions so small that the vector does not hold one sector. */
		end_table_fault(channel);
		return;
	}
	if (bytes == 0) {
		end_table_short(channel);
		return;
	}
	channel->table_ended = result == BMDMA_SHORT;
	start_request(channel, write ? BLOCK_WRITE : BLOCK_READ, channel->bmdma.iov,
		      channel->bmdma.count, (uint32_t)(bytes / transfer->sector_bytes));
}

static void take_dma(struct ide_channel *channel)
{
	struct ide_transfer *transfer = &channel->state->transfer;
	enum bmdma_result result;
	size_t done;

	result = bmdma_copy(&channel->bmdma, channel->state->buffer, transfer->host_bytes, false,
			    &done);
	transfer->end = (uint32_t)done;
	if (result == BMDMA_FAULT) {
		end_table_fault(channel);
	} else if (result == BMDMA_SHORT) {
		end_table_short(channel);
	} else {
		leave_bus(channel);
		ata_data_taken(active_drive(channel));
	}
}

/** The controller was not given the bus: nothing is moved. Reading ends as if it had been, which is
 * what guests know. */
static void run_without_bus(struct ide_channel *channel)
{
	const struct ide_transfer *transfer = &channel->state->transfer;

	if (transfer->job == IDE_JOB_WRITE_DMA || transfer->job == IDE_JOB_TAKE_DMA)
		end_table_fault(channel);
	else
		ide_finish(active_drive(channel), 0);
}

void ide_run_dma(struct ide_channel *channel)
{
	struct ide_transfer *transfer = &channel->state->transfer;

	if (transfer->phase != IDE_DMA_WAIT || !bmdma_is_active(&channel->bmdma))
		return;
	if (!channel->bus_master_enabled) {
		run_without_bus(channel);
		return;
	}
	switch (transfer->job) {
	case IDE_JOB_READ_DMA:
	case IDE_JOB_WRITE_DMA:
	case IDE_JOB_PACKET_READ_DMA:
		move_sectors(channel);
		break;
	case IDE_JOB_TAKE_DMA:
		take_dma(channel);
		break;
	case IDE_JOB_PACKET_REPLY:
		feed_dma(channel);
		break;
	default:
		ide_finish(active_drive(channel), ATA_ABRT);
		break;
	}
}

static void dma_sectors_moved(struct ide_channel *channel)
{
	struct ide_transfer *transfer = &channel->state->transfer;

	if (transfer->sectors == 0) {
		leave_bus(channel);
		finish_write(channel); /* reading never asks for a flush */
	} else if (channel->table_ended) {
		end_table_short(channel);
	} else if (is_packet(transfer) && atapi_medium_was_changed(active_drive(channel))) {
		fail_disk(active_drive(channel), -ENOMEDIUM);
	} else {
		transfer->phase = IDE_DMA_WAIT;
		ide_run_dma(channel);
	}
}

/** A request for sectors has succeeded. */
static void sectors_moved(struct ide_channel *channel)
{
	struct ide_transfer *transfer = &channel->state->transfer;
	uint32_t sectors = channel->request_sectors;

	if (transfer->job == IDE_JOB_READ || transfer->job == IDE_JOB_PACKET_REPLY)
		convert_sectors(channel, sectors);
	transfer->lba += sectors;
	transfer->sectors -= sectors;
	switch (transfer->job) {
	case IDE_JOB_READ:
	case IDE_JOB_PACKET_REPLY:
		feed(channel);
		break;
	case IDE_JOB_WRITE:
		transfer->end = 0;
		if (transfer->sectors > 0)
			collect(channel, true);
		else
			finish_write(channel);
		break;
	case IDE_JOB_TRIM:
		ata_trim_go_on(active_drive(channel));
		break;
	default:
		dma_sectors_moved(channel);
		break;
	}
}

/* Starting. */

void ide_start_read(struct ide_drive *drive, uint64_t lba, uint32_t sectors, uint32_t block_bytes)
{
	begin(drive, IDE_JOB_READ, lba, sectors)->block_bytes = block_bytes;
	drive->channel->state->transfer.dma = 0;
	feed(drive->channel);
}

void ide_start_write(struct ide_drive *drive, uint64_t lba, uint32_t sectors, uint32_t block_bytes,
		     bool flush)
{
	struct ide_transfer *transfer = begin(drive, IDE_JOB_WRITE, lba, sectors);

	transfer->dma = 0;
	transfer->block_bytes = block_bytes;
	transfer->host_bytes = sectors * ATA_SECTOR_BYTES;
	transfer->flush = flush ? 1 : 0;
	collect(drive->channel, false);
}

void ide_start_dma(struct ide_drive *drive, uint64_t lba, uint32_t sectors, bool write, bool flush)
{
	struct ide_transfer *transfer =
		begin(drive, write ? IDE_JOB_WRITE_DMA : IDE_JOB_READ_DMA, lba, sectors);

	transfer->dma = 1;
	transfer->flush = flush ? 1 : 0;
	transfer->phase = IDE_DMA_WAIT;
	set_busy(drive);
	ide_run_dma(drive->channel);
}

void ide_start_reply(struct ide_drive *drive, uint32_t bytes)
{
	struct ide_transfer *transfer = begin(drive, IDE_JOB_REPLY, 0, 0);

	transfer->dma = 0;
	transfer->end = bytes;
	feed(drive->channel);
}

void ide_start_take(struct ide_drive *drive, uint32_t bytes, bool dma)
{
	struct ide_transfer *transfer = begin(drive, dma ? IDE_JOB_TAKE_DMA : IDE_JOB_TAKE, 0, 0);

	transfer->dma = dma ? 1 : 0;
	transfer->host_bytes = bytes;
	if (dma) {
		transfer->phase = IDE_DMA_WAIT;
		set_busy(drive);
		ide_run_dma(drive->channel);
	} else {
		transfer->block_bytes = bytes;
		collect(drive->channel, false);
	}
}

void ide_start_flush(struct ide_drive *drive)
{
	begin(drive, IDE_JOB_FLUSH, 0, 0)->dma = 0;
	start_request(drive->channel, BLOCK_FLUSH, NULL, 0, 0);
}

void ide_start_discard(struct ide_drive *drive, uint64_t lba, uint32_t sectors)
{
	struct ide_transfer *transfer = &drive->channel->state->transfer;

	transfer->job = IDE_JOB_TRIM;
	transfer->lba = lba;
	transfer->sectors = sectors;
	start_request(drive->channel, BLOCK_DISCARD, NULL, 0, sectors);
}

void ide_start_packet(struct ide_drive *drive, bool dma, uint32_t byte_count_limit)
{
	struct ide_transfer *transfer = begin(drive, IDE_JOB_PACKET, 0, 0);

	transfer->dma = dma ? 1 : 0;
	transfer->block_bytes = byte_count_limit;
	transfer->block_end = ATAPI_PACKET_BYTES;
	transfer->phase = IDE_DATA_OUT;
	drive->state->status = ATA_DRDY | ATA_DSC | ATA_DRQ;
	drive->state->regs[ATAPI_REASON] = ATAPI_COD;
}

/** As begin, for the data of a packet: the byte count limit stays. */
static struct ide_transfer *begin_packet_data(struct ide_drive *drive, enum ide_job job,
					      uint64_t lba, uint32_t sectors)
{
	uint32_t limit = drive->channel->state->transfer.block_bytes;
	struct ide_transfer *transfer = begin(drive, job, lba, sectors);

	transfer->block_bytes = limit;
	transfer->sector_bytes = transfer->host_sector_bytes = CD_SECTOR_BYTES;
	return transfer;
}

void ide_packet_reply(struct ide_drive *drive, uint32_t bytes)
{
	begin_packet_data(drive, IDE_JOB_PACKET_REPLY, 0, 0)->end = bytes;
	if (bytes == 0)
		ide_finish(drive, 0);
	else
		feed(drive->channel);
}

void ide_packet_read(struct ide_drive *drive, uint64_t lba, uint32_t sectors,
		     uint16_t host_sector_bytes, uint8_t fields)
{
	struct ide_transfer *transfer = &drive->channel->state->transfer;
	bool direct = transfer->dma && host_sector_bytes == CD_SECTOR_BYTES;

	begin_packet_data(drive, direct ? IDE_JOB_PACKET_READ_DMA : IDE_JOB_PACKET_REPLY, lba,
			  sectors);
	transfer->host_sector_bytes = host_sector_bytes;
	transfer->raw_fields = fields;
	set_busy(drive);
	if (!direct) {
		feed(drive->channel);
		return;
	}
	transfer->phase = IDE_DMA_WAIT;
	ide_run_dma(drive->channel);
}

void ide_packet_take(struct ide_drive *drive, uint32_t bytes)
{
	struct ide_transfer *transfer = begin_packet_data(drive, IDE_JOB_PACKET_TAKE, 0, 0);

	transfer->host_bytes = transfer->block_bytes = bytes;
	drive->state->regs[ATAPI_REASON] = 0;
	drive->state->regs[ATAPI_BYTE_COUNT_LOW] = (uint8_t)bytes;
	drive->state->regs[ATAPI_BYTE_COUNT_HIGH] = (uint8_t)(bytes >> 8);
	collect(drive->channel, true);
}

/* Restore. */

/** Whether all sectors have been written, and only the flush is left. */
static bool awaits_flush(const struct ide_transfer *transfer)
{
	return transfer->job == IDE_JOB_FLUSH || transfer->sectors == 0;
}

void ide_restart(struct ide_channel *channel)
{
	const struct ide_transfer *transfer = &channel->state->transfer;

	switch (transfer->job) {
	case IDE_JOB_READ:
	case IDE_JOB_PACKET_REPLY:
		refill(channel);
		break;
	case IDE_JOB_READ_DMA:
	case IDE_JOB_PACKET_READ_DMA:
		bmdma_go_back(&channel->bmdma);
		move_sectors(channel);
		break;
	case IDE_JOB_TRIM:
		start_request(channel, BLOCK_DISCARD, NULL, 0, transfer->sectors);
		break;
	default:
		if (awaits_flush(transfer)) {
			start_request(channel, BLOCK_FLUSH, NULL, 0, 0);
		} else if (transfer->job == IDE_JOB_WRITE_DMA) {
			bmdma_go_back(&channel->bmdma);
			move_sectors(channel);
		} else {
			start_buffer_request(channel, BLOCK_WRITE, 0,
					     transfer->end / ATA_SECTOR_BYTES);
		}
		break;
	}
}

/*
 * A disk keeps its size, so what is left of a command lies on it. A medium can have been changed
 * for a smaller one under a command that was checked before: what is left then fails when it is
 * asked of the medium.
 */
static bool sectors_are_valid(const struct ide_transfer *transfer, bool cdrom, uint64_t image_bytes)
{
	uint64_t limit = cdrom ? UINT64_C(1) << 32 : image_bytes / transfer->sector_bytes;

	return range_fits(transfer->lba, transfer->sectors, limit);
}

/** How the host gets sectors of a CD, by the packet. */
static bool raw_fields_are_valid(const struct ide_transfer *transfer)
{
	uint32_t bytes =
		transfer->raw_fields ? cd_sector_bytes(transfer->raw_fields) : CD_SECTOR_BYTES;

	return transfer->host_sector_bytes == bytes && bytes > 0;
}

/** What ide_restart relies on. */
static bool request_is_valid(const struct ide_transfer *transfer, bool cdrom, uint64_t image_bytes)
{
	bool packet = transfer->opcode == ATA_CMD_PACKET;
	uint16_t sector_bytes = packet ? CD_SECTOR_BYTES : ATA_SECTOR_BYTES;
	uint32_t left = transfer->end - transfer->start;

	if (transfer->job == IDE_JOB_FLUSH)
		return !cdrom && !packet;
	if (packet != cdrom || transfer->sector_bytes != sector_bytes ||
	    !sectors_are_valid(transfer, cdrom, image_bytes))
		return false;
	switch (transfer->job) {
	case IDE_JOB_READ:
		return !cdrom && !transfer->dma && transfer->sectors > 0 &&
		       transfer->host_sector_bytes == sector_bytes &&
		       transfer->start <= transfer->end && left < transfer->block_bytes;
	case IDE_JOB_PACKET_REPLY:
		return cdrom && transfer->sectors > 0 && raw_fields_are_valid(transfer) &&
		       transfer->start <= transfer->end && left < transfer->block_bytes;
	case IDE_JOB_WRITE:
		if (transfer->sectors == 0)
			return !cdrom && transfer->flush && transfer->end == 0;
		return !cdrom && !transfer->dma && transfer->end > 0 &&
		       transfer->end % ATA_SECTOR_BYTES == 0 &&
		       transfer->block_bytes % ATA_SECTOR_BYTES == 0 &&
		       (uint64_t)transfer->end + transfer->host_bytes ==
			       (uint64_t)transfer->sectors * ATA_SECTOR_BYTES;
	case IDE_JOB_WRITE_DMA:
		return !cdrom && transfer->dma && (transfer->sectors > 0 || transfer->flush);
	case IDE_JOB_READ_DMA:
		return !cdrom && transfer->dma && transfer->sectors > 0;
	case IDE_JOB_PACKET_READ_DMA:
		return cdrom && transfer->dma && transfer->sectors > 0;
	case IDE_JOB_TRIM:
		return !cdrom && transfer->sectors > 0 && transfer->start <= transfer->end;
	default:
		return false;
	}
}

bool ide_transfer_is_valid(const struct ide_transfer *transfer, bool cdrom, uint64_t image_bytes)
{
	bool packet = transfer->opcode == ATA_CMD_PACKET;
	uint16_t sector_bytes = packet ? CD_SECTOR_BYTES : ATA_SECTOR_BYTES;
	bool out = transfer->phase == IDE_DATA_OUT;

	if (transfer->phase == IDE_ON_DISK)
		return request_is_valid(transfer, cdrom, image_bytes);
	switch (transfer->job) {
	case IDE_JOB_REPLY:
		return !packet && transfer->phase == IDE_DATA_IN && transfer->sectors == 0;
	case IDE_JOB_READ:
		return !cdrom && !packet && !transfer->dma && transfer->phase == IDE_DATA_IN &&
		       transfer->sector_bytes == sector_bytes &&
		       transfer->host_sector_bytes == sector_bytes &&
		       sectors_are_valid(transfer, cdrom, image_bytes);
	case IDE_JOB_WRITE:
		/* What is in the buffer, in the block and still to come is what is to be written.
		 */
		return !cdrom && !packet && !transfer->dma && out &&
		       transfer->sector_bytes == sector_bytes &&
		       transfer->block_end % ATA_SECTOR_BYTES == 0 &&
		       transfer->block_bytes % ATA_SECTOR_BYTES == 0 &&
		       (uint64_t)transfer->block_end + transfer->host_bytes ==
			       (uint64_t)transfer->sectors * ATA_SECTOR_BYTES &&
		       sectors_are_valid(transfer, cdrom, image_bytes);
	case IDE_JOB_READ_DMA:
	case IDE_JOB_WRITE_DMA:
		return !cdrom && !packet && transfer->dma && transfer->phase == IDE_DMA_WAIT &&
		       transfer->sector_bytes == sector_bytes &&
		       sectors_are_valid(transfer, cdrom, image_bytes);
	case IDE_JOB_TAKE:
		return !cdrom && !packet && out && transfer->host_bytes == 0;
	case IDE_JOB_TAKE_DMA:
		return !cdrom && !packet && transfer->phase == IDE_DMA_WAIT &&
		       transfer->host_bytes <= IDE_BUFFER_BYTES;
	case IDE_JOB_PACKET:
		return cdrom && packet && out && transfer->block_end == ATAPI_PACKET_BYTES;
	case IDE_JOB_PACKET_TAKE:
		return cdrom && packet && out && transfer->host_bytes == 0;
	case IDE_JOB_PACKET_REPLY:
		return cdrom && packet && !out && transfer->start <= transfer->end &&
		       transfer->sector_bytes == sector_bytes && raw_fields_are_valid(transfer) &&
		       sectors_are_valid(transfer, cdrom, image_bytes);
	case IDE_JOB_PACKET_READ_DMA:
		return cdrom && packet && transfer->dma && transfer->phase == IDE_DMA_WAIT &&
		       transfer->sector_bytes == sector_bytes &&
		       sectors_are_valid(transfer, cdrom, image_bytes);
	default:
		return false;
	}
}
