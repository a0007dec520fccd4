// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The data path of a channel. A command fills in struct ide_transfer by one of the calls below and
 * returns; what follows is driven by the data port, the bus master and completions of block
 * requests.
 *
 *   PIO in    ide_start_read, ide_start_reply
 *             feed: buffer short of a block? -> ON_DISK -> completion -> feed; else DATA_IN -> host
 * has read -> feed … done PIO out   ide_start_write, ide_start_take DATA_OUT -> block full -> room
 * and more to come? DATA_OUT : ON_DISK -> completion -> DATA_OUT … done DMA       ide_start_dma
 *             DMA_WAIT -> START -> regions mapped -> ON_DISK -> completion -> next regions … done
 */
#pragma once

#include "hw/ide/channel.h"

/** Reads 'sectors' from 'lba' by PIO, an interrupt every 'block_bytes'. The range has been checked.
 */
void ide_start_read(struct ide_drive *drive, uint64_t lba, uint32_t sectors, uint32_t block_bytes);
void ide_start_write(struct ide_drive *drive, uint64_t lba, uint32_t sectors, uint32_t block_bytes,
		     bool flush);
/** As above by bus master. */
void ide_start_dma(struct ide_drive *drive, uint64_t lba, uint32_t sectors, bool write, bool flush);
/** Gives the host the 'bytes' that the command has put into the channel's buffer. */
void ide_start_reply(struct ide_drive *drive, uint32_t bytes);
/** Takes 'bytes' from the host into the buffer, then calls ata_data_taken. */
void ide_start_take(struct ide_drive *drive, uint32_t bytes, bool dma);
void ide_start_flush(struct ide_drive *drive);
/** Tells the image that nobody needs these sectors, for TRIM; then calls ata_trim_go_on. */
void ide_start_discard(struct ide_drive *drive, uint64_t lba, uint32_t sectors);

/* PACKET. */
/** Awaits the packet; then atapi_packet_received is called. */
void ide_start_packet(struct ide_drive *drive, bool dma, uint32_t byte_count_limit);
/** The buffer's 'bytes', by PIO or DMA as PACKET has said. */
void ide_packet_reply(struct ide_drive *drive, uint32_t bytes);
/** Sectors of the medium, each as 'host_sector_bytes' (2048 or what READ CD's 'fields' make). */
void ide_packet_read(struct ide_drive *drive, uint64_t lba, uint32_t sectors,
		     uint16_t host_sector_bytes, uint8_t fields);
/** A parameter list of 'bytes'; then atapi_list_received is called. */
void ide_packet_take(struct ide_drive *drive, uint32_t bytes);

/** The end of a command: status, interrupt. Error bits other than 0 set ERR. */
void ide_finish(struct ide_drive *drive, uint8_t error);

/* Events. */
/** The host has taken or filled the present block. */
void ide_block_done(struct ide_channel *channel);
/** The bus master has been started, or a DMA command has become ready. */
void ide_run_dma(struct ide_channel *channel);

/** The host has no memory for the running command's data, or less than there are: it fails. Nothing
 * is under way. */
void ide_end_without_memory(struct ide_channel *channel);

/** After a load, in IDE_ON_DISK: starts the request that was under way. */
void ide_restart(struct ide_channel *channel);

/** True if a saved transfer, with its phase and buffer positions checked, fits the drive and its
 * image. */
bool ide_transfer_is_valid(const struct ide_transfer *transfer, bool cdrom, uint64_t image_bytes);
