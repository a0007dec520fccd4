// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/ide/channel.h"

#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/trace.h"
#include "block/medium.h"
#include "hw/ide/ata.h"
#include "hw/ide/atapi.h"
#include "hw/ide/transfer.h"

enum {
	COMMAND_WINDOW_BYTES = 8,
	CONTROL_WINDOW_BYTES = 1,
};

static const struct state_field drive_fields[] = {
	STATE_INT(struct ide_drive_state, sense_lba),
	STATE_INT(struct ide_drive_state, sense_asc),
	STATE_INT(struct ide_drive_state, cd_speed_kb),
	STATE_INT(struct ide_drive_state, cylinders),
	STATE_INT(struct ide_drive_state, heads),
	STATE_INT(struct ide_drive_state, sectors_per_track),
	STATE_ARRAY(struct ide_drive_state, regs),
	STATE_ARRAY(struct ide_drive_state, hob),
	STATE_INT(struct ide_drive_state, error),
	STATE_INT(struct ide_drive_state, status),
	STATE_INT(struct ide_drive_state, interrupt),
	STATE_INT(struct ide_drive_state, multiple),
	STATE_INT(struct ide_drive_state, transfer_mode),
	STATE_INT(struct ide_drive_state, power),
	STATE_INT(struct ide_drive_state, write_cache),
	STATE_INT(struct ide_drive_state, look_ahead),
	STATE_INT(struct ide_drive_state, smart),
	STATE_INT(struct ide_drive_state, sense_key),
	STATE_INT(struct ide_drive_state, sense_lba_valid),
	STATE_INT(struct ide_drive_state, attention),
	STATE_INT(struct ide_drive_state, tray_open),
	STATE_INT(struct ide_drive_state, locked),
	STATE_INT(struct ide_drive_state, event),
	STATE_INT(struct ide_drive_state, read_retries),
	STATE_INT(struct ide_drive_state, queue_failed),
	STATE_ARRAY(struct ide_drive_state, queue_log),
	STATE_ARRAY(struct ide_drive_state, reserved),
};
static STATE_TABLE(ide_drive_table, ide_drive_state, drive_fields);

static const struct state_field transfer_fields[] = {
	STATE_INT(struct ide_transfer, lba),
	STATE_INT(struct ide_transfer, sectors),
	STATE_INT(struct ide_transfer, host_bytes),
	STATE_INT(struct ide_transfer, start),
	STATE_INT(struct ide_transfer, end),
	STATE_INT(struct ide_transfer, block_end),
	STATE_INT(struct ide_transfer, block_bytes),
	STATE_INT(struct ide_transfer, sector_bytes),
	STATE_INT(struct ide_transfer, host_sector_bytes),
	STATE_INT(struct ide_transfer, phase),
	STATE_INT(struct ide_transfer, job),
	STATE_INT(struct ide_transfer, drive),
	STATE_INT(struct ide_transfer, opcode),
	STATE_INT(struct ide_transfer, dma),
	STATE_INT(struct ide_transfer, flush),
	STATE_INT(struct ide_transfer, addressing),
	STATE_INT(struct ide_transfer, raw_fields),
	STATE_ARRAY(struct ide_transfer, packet),
	STATE_ARRAY(struct ide_transfer, reserved),
};
static STATE_TABLE(ide_transfer_table, ide_transfer, transfer_fields);

static const struct state_field channel_fields[] = {
	STATE_STRUCT(struct ide_channel_state, transfer, &ide_transfer_table),
	STATE_STRUCTS(struct ide_channel_state, drives, &ide_drive_table),
	STATE_STRUCT(struct ide_channel_state, bmdma, &bmdma_state_table),
	STATE_INT(struct ide_channel_state, selected),
	STATE_INT(struct ide_channel_state, control),
	STATE_ARRAY(struct ide_channel_state, reserved),
	STATE_ARRAY(struct ide_channel_state, buffer),
};
STATE_TABLE(ide_channel_state_table, ide_channel_state, channel_fields);

struct block *ide_drive_block(const struct ide_drive *drive)
{
	return drive->kind == IDE_CDROM ? drive->slot->block : drive->block;
}

/* Interrupts. */

static void update_irq(struct ide_channel *channel)
{
	const struct ide_channel_state *state = channel->state;
	bool level = state->drives[state->selected].interrupt &&
		     !(state->control & (ATA_NIEN | ATA_SRST));

	/* The bus master's bit latches the rising edge, whatever raised it (PIIX3 2.3.6.2). */
	if (level && !channel->irq_level)
		channel->bmdma.state->status |= BMDMA_INTERRUPT;
	channel->irq_level = level;
	irq_set(channel->irq, level);
}

void ide_raise_interrupt(struct ide_drive *drive)
{
	drive->state->interrupt = 1;
	update_irq(drive->channel);
}

void ide_lower_interrupt(struct ide_drive *drive)
{
	drive->state->interrupt = 0;
	update_irq(drive->channel);
}

/* Resets. */

void ide_channel_cancel(struct ide_channel *channel)
{
	struct ide_transfer *transfer = &channel->state->transfer;

	/* First the generation, then the wait: the completion finds itself forgotten, and only then
	 * are registers cleared. */
	channel->generation++;
	if (channel->in_flight) {
		block_cancel_held(channel->request.block);
		block_drain(channel->request.block);
		/* It may have failed and been held only now. */
		block_cancel_held(channel->request.block);
	}
	*transfer = (struct ide_transfer){ 0 };
	channel->bmdma.state->status &= (uint8_t)~BMDMA_ACTIVE;
}

void ide_set_signature(struct ide_drive *drive)
{
	struct ide_drive_state *state = drive->state;
	bool packet = drive->kind == IDE_CDROM;

	memset(state->hob, 0, sizeof(state->hob));
	state->regs[ATA_FEATURES] = 0;
	state->regs[ATA_SECTOR_COUNT] = 1;
	state->regs[ATA_LBA_LOW] = 1;
	state->regs[ATA_LBA_MID] = packet ? ATA_SIGNATURE_PACKET_MID : 0;
	state->regs[ATA_LBA_HIGH] = packet ? ATA_SIGNATURE_PACKET_HIGH : 0;
	state->regs[ATA_DEVICE] &= ATA_DEVICE_DEV;
}

/** Registers and status as diagnostics leave them; a packet device shows no DRDY until it has been
 * spoken to. */
static void show_passed_diagnostics(struct ide_drive *drive)
{
	ide_set_signature(drive);
	drive->state->error = ATA_DIAGNOSTIC_PASSED;
	drive->state->status = drive->kind == IDE_DISK ? ATA_DRDY | ATA_DSC : 0;
	drive->state->interrupt = 0;
	drive->state->power = ATA_POWER_ACTIVE;
}

static void select_drive(struct ide_channel *channel, uint8_t device)
{
	for (unsigned i = 0; i < IDE_DRIVES; i++)
		channel->state->drives[i].regs[ATA_DEVICE] = device;
	channel->state->selected = (device & ATA_DEVICE_DEV) ? 1 : 0;
	update_irq(channel);
}

void ide_run_diagnostics(struct ide_channel *channel)
{
	select_drive(channel, 0);
	for (unsigned i = 0; i < IDE_DRIVES; i++)
		show_passed_diagnostics(&channel->drives[i]);
	update_irq(channel);
}

void ide_reset_drive(struct ide_drive *drive)
{
	if (drive->channel->state->transfer.drive == drive->unit)
		ide_channel_cancel(drive->channel);
	show_passed_diagnostics(drive);
	atapi_reset(drive);
	update_irq(drive->channel);
}

static void begin_software_reset(struct ide_channel *channel)
{
	ide_channel_cancel(channel);
	for (unsigned i = 0; i < IDE_DRIVES; i++) {
		channel->state->drives[i].status = ATA_BSY;
		channel->state->drives[i].interrupt = 0;
	}
}

static void end_software_reset(struct ide_channel *channel)
{
	ide_run_diagnostics(channel);
	for (unsigned i = 0; i < IDE_DRIVES; i++)
		if (channel->drives[i].kind == IDE_CDROM)
			atapi_reset(&channel->drives[i]);
}

void ide_channel_reset(struct ide_channel *channel)
{
	struct ide_channel_state *state = channel->state;

	ide_channel_cancel(channel);
	state->bmdma = (struct bmdma_state){ 0 };
	state->control = 0;
	for (unsigned i = 0; i < IDE_DRIVES; i++) {
		ata_reset_settings(&channel->drives[i]);
		atapi_power_on(&channel->drives[i]);
	}
	ide_run_diagnostics(channel);
}

/* Registers. */

static struct ide_drive *selected_drive(struct ide_channel *channel)
{
	return &channel->drives[channel->state->selected];
}

/** Who drives the bus when a register is read: device 0 answers for an absent device 1. NULL:
 * nobody. */
static const struct ide_drive *responder(const struct ide_channel *channel)
{
	const struct ide_drive *selected = &channel->drives[channel->state->selected];

	if (selected->kind != IDE_NONE)
		return selected;
	if (selected->unit == 1 && channel->drives[0].kind != IDE_NONE)
		return &channel->drives[0];
	return NULL;
}

static uint8_t peek_status(const struct ide_channel *channel)
{
	const struct ide_drive *selected = &channel->drives[channel->state->selected];

	return selected->kind == IDE_NONE ? 0 : selected->state->status;
}

static uint8_t peek_register(const struct ide_channel *channel, unsigned offset)
{
	const struct ide_drive *drive = responder(channel);
	bool previous = (channel->state->control & ATA_HOB) != 0;

	if (!drive)
		return 0;
	switch (offset) {
	case ATA_ERROR:
		return drive->state->error;
	case ATA_SECTOR_COUNT:
	case ATA_LBA_LOW:
	case ATA_LBA_MID:
	case ATA_LBA_HIGH:
		return previous ? drive->state->hob[offset] : drive->state->regs[offset];
	case ATA_DEVICE:
		return drive->state->regs[ATA_DEVICE] | ATA_DEVICE_OBSOLETE;
	case ATA_STATUS:
		return peek_status(channel);
	default:
		return 0xff;
	}
}

static void write_command(struct ide_channel *channel, uint8_t opcode)
{
	struct ide_drive *drive = selected_drive(channel);
	const struct ide_transfer *transfer = &channel->state->transfer;

	TRACE(ide, command, "drive %u opcode %02x", drive->unit, opcode);
	if (channel->state->control & ATA_SRST)
		return;
	if (opcode == ATA_CMD_DEVICE_RESET && drive->kind == IDE_CDROM) {
		ide_reset_drive(drive);
		return;
	}
	/* BSY or DRQ: undefined by the standard, ignored here. */
	if (transfer->phase != IDE_IDLE || channel->in_flight)
		return;
	if (opcode == ATA_CMD_EXECUTE_DIAGNOSTIC && drive->kind == IDE_NONE)
		drive = &channel->drives[drive->unit ^ 1];
	if (drive->kind == IDE_NONE)
		return;
	ide_lower_interrupt(drive);
	ata_execute(drive, opcode);
}

static void write_register(struct ide_channel *channel, unsigned offset, uint8_t value)
{
	channel->state->control &= (uint8_t)~ATA_HOB;
	switch (offset) {
	case ATA_FEATURES:
	case ATA_SECTOR_COUNT:
	case ATA_LBA_LOW:
	case ATA_LBA_MID:
	case ATA_LBA_HIGH:
		for (unsigned i = 0; i < IDE_DRIVES; i++) {
			struct ide_drive_state *drive = &channel->state->drives[i];

			drive->hob[offset] = drive->regs[offset];
			drive->regs[offset] = value;
		}
		break;
	case ATA_DEVICE:
		select_drive(channel, value);
		break;
	case ATA_COMMAND:
		write_command(channel, value);
		break;
	default:
		break;
	}
}

void ide_channel_write_control(struct ide_channel *channel, uint8_t value)
{
	uint8_t old = channel->state->control;

	channel->state->control = value;
	if ((value & ATA_SRST) && !(old & ATA_SRST))
		begin_software_reset(channel);
	else if (!(value & ATA_SRST) && (old & ATA_SRST))
		end_software_reset(channel);
	update_irq(channel);
}

/* The data port. */

/** True if the selected drive is the one that moves data in 'phase'. */
static bool moves_data(const struct ide_channel *channel, enum ide_phase phase)
{
	const struct ide_transfer *transfer = &channel->state->transfer;

	return transfer->phase == phase && transfer->drive == channel->state->selected;
}

size_t ide_read_data(struct ide_channel *channel, void *data, size_t bytes)
{
	struct ide_transfer *transfer = &channel->state->transfer;
	size_t count;

	if (!moves_data(channel, IDE_DATA_IN))
		return 0;
	count = min_size(bytes, transfer->block_end - transfer->start);
	memcpy(data, channel->state->buffer + transfer->start, count);
	transfer->start += (uint32_t)count;
	if (transfer->start == transfer->block_end)
		ide_block_done(channel);
	return count;
}

size_t ide_write_data(struct ide_channel *channel, const void *data, size_t bytes)
{
	struct ide_transfer *transfer = &channel->state->transfer;
	size_t count;

	if (!moves_data(channel, IDE_DATA_OUT))
		return 0;
	count = min_size(bytes, transfer->block_end - transfer->end);
	memcpy(channel->state->buffer + transfer->end, data, count);
	transfer->end += (uint32_t)count;
	if (transfer->end == transfer->block_end)
		ide_block_done(channel);
	return count;
}

/* Windows. */

static uint64_t command_read(void *opaque, uint64_t offset, unsigned size)
{
	struct ide_channel *channel = opaque;
	uint8_t bytes[8];

	memset(bytes, 0xff, sizeof(bytes));
	if (offset == ATA_DATA) {
		ide_read_data(channel, bytes, size);
		return load_le(bytes, size);
	}
	/* The other registers are eight bits wide: a wide access is several cycles. */
	for (unsigned i = 0; i < size && offset + i < COMMAND_WINDOW_BYTES; i++) {
		bytes[i] = peek_register(channel, (unsigned)offset + i);
		if (offset + i == ATA_STATUS)
			ide_lower_interrupt(selected_drive(channel));
	}
	return load_le(bytes, size);
}

static void command_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
	struct ide_channel *channel = opaque;
	uint8_t bytes[8];

	store_le(bytes, size, value);
	if (offset == ATA_DATA) {
		ide_write_data(channel, bytes, size);
		return;
	}
	for (unsigned i = 0; i < size && offset + i < COMMAND_WINDOW_BYTES; i++)
		write_register(channel, (unsigned)offset + i, bytes[i]);
}

static uint64_t command_peek(void *opaque, uint64_t offset, unsigned size)
{
	uint8_t bytes[8];

	memset(bytes, 0xff, sizeof(bytes));
	for (unsigned i = 0; i < size && offset + i < COMMAND_WINDOW_BYTES; i++)
		bytes[i] = peek_register(opaque, (unsigned)offset + i);
	return load_le(bytes, size);
}

static size_t command_read_block(void *opaque, uint64_t offset, void *data, unsigned size,
				 size_t count)
{
	struct ide_channel *channel = opaque;
	const struct ide_transfer *transfer = &channel->state->transfer;
	size_t left;

	if (offset != ATA_DATA || !moves_data(channel, IDE_DATA_IN))
		return 0;
	left = transfer->block_end - transfer->start;
	return ide_read_data(channel, data, min_size(count, left / size) * size) / size;
}

static size_t command_write_block(void *opaque, uint64_t offset, const void *data, unsigned size,
				  size_t count)
{
	struct ide_channel *channel = opaque;
	const struct ide_transfer *transfer = &channel->state->transfer;
	size_t left;

	if (offset != ATA_DATA || !moves_data(channel, IDE_DATA_OUT))
		return 0;
	left = transfer->block_end - transfer->end;
	return ide_write_data(channel, data, min_size(count, left / size) * size) / size;
}

static const struct io_ops command_ops = {
	.read = command_read,
	.write = command_write,
	.peek = command_peek,
	.read_block = command_read_block,
	.write_block = command_write_block,
	.max_size = 4,
};

static uint64_t control_read(void *opaque, uint64_t offset, unsigned size)
{
	(void)offset;
	(void)size;
	return peek_status(opaque);
}

static void control_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
	(void)offset;
	(void)size;
	ide_channel_write_control(opaque, (uint8_t)value);
}

static const struct io_ops control_ops = {
	.read = control_read,
	.write = control_write,
	.peek = control_read,
	.max_size = 1,
};

/* The bus master's registers. */

uint8_t ide_read_bmdma(const struct ide_channel *channel, unsigned offset)
{
	const struct bmdma_state *state = channel->bmdma.state;

	switch (offset) {
	case BMDMA_COMMAND:
		return state->command;
	case BMDMA_STATUS:
		return state->status;
	case BMDMA_PRDT:
	case BMDMA_PRDT + 1:
	case BMDMA_PRDT + 2:
	case BMDMA_PRDT + 3:
		return (uint8_t)(state->prdt >> 8 * (offset - BMDMA_PRDT));
	default:
		return 0xff;
	}
}

static void write_bmdma_command(struct ide_channel *channel, uint8_t value)
{
	struct bmdma *bmdma = &channel->bmdma;
	uint8_t old = bmdma->state->command;

	bmdma->state->command = value & (BMDMA_START | BMDMA_TO_MEMORY);
	if ((value & BMDMA_START) && !(old & BMDMA_START)) {
		bmdma_begin(bmdma);
		ide_run_dma(channel);
	} else if (!(value & BMDMA_START) && (old & BMDMA_START)) {
		/* What is on its way arrives; a command with more to move waits for the next START.
		 */
		bmdma->state->status &= (uint8_t)~BMDMA_ACTIVE;
		if (channel->in_flight)
			block_drain(channel->request.block);
	}
}

void ide_write_bmdma(struct ide_channel *channel, unsigned offset, uint8_t value)
{
	struct bmdma_state *state = channel->bmdma.state;
	unsigned shift = 8 * (offset - BMDMA_PRDT);

	switch (offset) {
	case BMDMA_COMMAND:
		write_bmdma_command(channel, value);
		break;
	case BMDMA_STATUS:
		state->status &= (uint8_t) ~(value & (BMDMA_ERROR | BMDMA_INTERRUPT));
		state->status = (uint8_t)replace_bits(state->status, BMDMA_DRIVES_CAPABLE, value);
		break;
	case BMDMA_PRDT:
	case BMDMA_PRDT + 1:
	case BMDMA_PRDT + 2:
	case BMDMA_PRDT + 3:
		state->prdt = replace_bits((uint32_t)state->prdt, 0xffu << shift,
					   (uint32_t)value << shift) &
			      ~3u;
		break;
	default:
		break;
	}
}

/* Life. */

void ide_channel_init(struct ide_channel *channel, struct ide_channel_state *state, struct ram *ram,
		      struct irq_line *irq, const char *command_name, const char *control_name)
{
	channel->state = state;
	channel->irq = irq;
	bmdma_init(&channel->bmdma, &state->bmdma, ram);
	io_window_init(&channel->command, command_name, &command_ops, channel,
		       COMMAND_WINDOW_BYTES);
	io_window_init(&channel->control, control_name, &control_ops, channel,
		       CONTROL_WINDOW_BYTES);
	for (uint8_t i = 0; i < IDE_DRIVES; i++)
		channel->drives[i] = (struct ide_drive){
			.state = &state->drives[i],
			.channel = channel,
			.unit = i,
		};
	ide_channel_reset(channel);
}

void ide_channel_quiesce(struct ide_channel *channel)
{
	/* A DMA command starts its next request when one completes, so this waits for all of them.
	 */
	if (channel->in_flight)
		block_drain(channel->request.block);
}

void ide_channel_before_save(struct ide_channel *channel)
{
	if (channel->state->transfer.phase == IDE_IDLE)
		memset(channel->state->buffer, 0, sizeof(channel->state->buffer));
}

void ide_channel_resume(struct ide_channel *channel)
{
	/* What this process has held is the image's to try again: block_retry. */
	if (channel->state->transfer.phase == IDE_ON_DISK && !channel->in_flight)
		ide_restart(channel);
}

static bool transfer_is_valid(const struct ide_channel *channel)
{
	const struct ide_transfer *transfer = &channel->state->transfer;
	bool cdrom;

	if (transfer->drive >= IDE_DRIVES || transfer->phase >= IDE_PHASES ||
	    transfer->job >= IDE_JOBS)
		return false;
	if (transfer->phase == IDE_IDLE)
		return transfer->job == IDE_JOB_NONE;
	if (channel->drives[transfer->drive].kind == IDE_NONE || transfer->job == IDE_JOB_NONE)
		return false;
	cdrom = channel->drives[transfer->drive].kind == IDE_CDROM;
	if (transfer->start > transfer->block_end || transfer->end > IDE_BUFFER_BYTES ||
	    transfer->block_end > IDE_BUFFER_BYTES || transfer->block_bytes == 0 ||
	    transfer->block_bytes > IDE_MAX_BURST_BYTES)
		return false;
	if (transfer->phase == IDE_DATA_IN && transfer->block_end > transfer->end)
		return false;
	if (transfer->phase == IDE_DATA_OUT && transfer->end >= transfer->block_end)
		return false;
	return ide_transfer_is_valid(
		transfer, cdrom,
		block_size_bytes(ide_drive_block(&channel->drives[transfer->drive])));
}

static bool drive_is_valid(const struct ide_drive *drive)
{
	const struct ide_drive_state *state = drive->state;

	return (state->multiple == 0 ||
		(state->multiple <= ATA_MAX_MULTIPLE && is_power_of_two(state->multiple))) &&
	       state->heads <= ATA_MAX_HEADS && state->sectors_per_track <= 255;
}

int ide_channel_after_load(struct ide_channel *channel, struct err *err)
{
	const struct ide_channel_state *state = channel->state;

	if (state->selected >= IDE_DRIVES || !bmdma_state_is_valid(&channel->bmdma) ||
	    !drive_is_valid(&channel->drives[0]) || !drive_is_valid(&channel->drives[1]) ||
	    !transfer_is_valid(channel))
		return err_set(err, -EINVAL, "the saved state of an IDE channel is damaged");
	channel->irq_level = state->drives[state->selected].interrupt &&
			     !(state->control & (ATA_NIEN | ATA_SRST));
	irq_set(channel->irq, channel->irq_level);
	/* A DMA command that waits needs no kick: START was set before it was saved, or the guest
	 * will set it. */
	return 0;
}
