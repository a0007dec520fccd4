// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/ide/ahci_port.h"

#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/trace.h"
#include "hw/ide/ahci_regs.h"
#include "hw/ide/ata.h"
#include "hw/ide/transfer.h"

enum {
	LIST_ALIGNMENT = 1024,
	FRAMES_ALIGNMENT = 256,
	/* What is kept; the others show PxSERR. */
	INTERRUPTS_KEPT = AHCI_IS_DHRS | AHCI_IS_PSS | AHCI_IS_DSS | AHCI_IS_SDBS | AHCI_IS_DPS |
			  AHCI_IS_OFS | AHCI_IS_HBDS | AHCI_IS_HBFS | AHCI_IS_TFES,
};

/* Interrupts. */

uint32_t ahci_port_interrupts(const struct ahci_port *port)
{
	const struct ahci_port_state *state = port->state;

	return state->is | ((state->serr & AHCI_SERR_X) ? AHCI_IS_PCS : 0u) |
	       ((state->serr & AHCI_SERR_N) ? AHCI_IS_PRCS : 0u);
}

void ahci_port_raise(struct ahci_port *port, uint32_t interrupts)
{
	port->state->is |= interrupts;
	ahci_update_irq(port->ahci);
}

/** The adapter cannot go on: nothing is fetched until PxCMD.ST has fallen (6.1.1). */
static void stop_by_bus_error(struct ahci_port *port)
{
	port->state->stopped = 1;
	ahci_port_raise(port, AHCI_IS_HBFS);
}

/* Frames from the drive. */

void ahci_port_receive(struct ahci_port *port, unsigned offset, const uint8_t *fis, size_t bytes)
{
	struct ahci_port_state *state = port->state;

	if (!(state->cmd & AHCI_CMD_FRE) || !ahci_may_reach_memory(port->ahci))
		return;
	if (!ram_write(port->ahci->ram, state->frames + offset, fis, bytes))
		stop_by_bus_error(port);
}

static void show_status(struct ahci_port *port)
{
	const struct ide_drive_state *drive = ahci_port_drive(port)->state;

	port->state->tfd = (uint32_t)drive->error << 8 | drive->status;
}

/** What register frames and PIO setup frames have in common. */
static void put_registers(struct ahci_port *port, uint8_t *fis)
{
	const struct ide_drive_state *drive = ahci_port_drive(port)->state;

	fis[FIS_STATUS] = drive->status;
	fis[FIS_ERROR] = drive->error;
	fis[FIS_LBA_LOW] = drive->regs[ATA_LBA_LOW];
	fis[FIS_LBA_MID] = drive->regs[ATA_LBA_MID];
	fis[FIS_LBA_HIGH] = drive->regs[ATA_LBA_HIGH];
	fis[FIS_DEVICE] = drive->regs[ATA_DEVICE];
	fis[FIS_LBA_LOW_EXT] = drive->hob[ATA_LBA_LOW];
	fis[FIS_LBA_MID_EXT] = drive->hob[ATA_LBA_MID];
	fis[FIS_LBA_HIGH_EXT] = drive->hob[ATA_LBA_HIGH];
	fis[FIS_COUNT] = drive->regs[ATA_SECTOR_COUNT];
	fis[FIS_COUNT_EXT] = drive->hob[ATA_SECTOR_COUNT];
}

void ahci_port_send_registers(struct ahci_port *port, bool interrupt)
{
	uint8_t fis[FIS_REGISTERS_BYTES] = { FIS_REGISTERS, interrupt ? FIS_INTERRUPT : 0 };

	put_registers(port, fis);
	show_status(port);
	ahci_port_receive(port, AHCI_RECEIVED_REGISTERS, fis, sizeof(fis));
	if (interrupt)
		ahci_port_raise(port, AHCI_IS_DHRS);
}

/** A drive's first frame after a reset says who it is. */
static void send_signature(struct ahci_port *port)
{
	const uint8_t *regs = ahci_port_drive(port)->state->regs;

	port->state->signature_pending = 0;
	port->state->sig = (uint32_t)regs[ATA_LBA_HIGH] << 24 | (uint32_t)regs[ATA_LBA_MID] << 16 |
			   (uint32_t)regs[ATA_LBA_LOW] << 8 | regs[ATA_SECTOR_COUNT];
	ahci_port_send_registers(port, false);
}

/* Commands. */

void ahci_port_cancel(struct ahci_port *port)
{
	port->state->running = 0;
	ide_channel_cancel(&port->channel);
	ahci_queue_cancel(port);
}

/** Moves the present data block between the channel's buffer and what the command's header names.
 */
static enum bmdma_result move_block(struct ahci_port *port, uint32_t bytes)
{
	struct ide_channel *channel = &port->channel;
	struct ide_transfer *transfer = &channel->state->transfer;
	enum bmdma_result result = BMDMA_OK;
	size_t done;

	if (transfer->phase == IDE_DATA_IN) {
		result = bmdma_copy(&channel->bmdma, channel->state->buffer + transfer->start,
				    bytes, true, &done);
		transfer->start += bytes;
	} else if (transfer->job == IDE_JOB_PACKET && port->state->has_packet) {
		memcpy(channel->state->buffer + transfer->end, port->state->packet,
		       min_size(bytes, AHCI_PACKET_BYTES));
		transfer->end += bytes;
	} else {
		result = bmdma_copy(&channel->bmdma, channel->state->buffer + transfer->end, bytes,
				    false, &done);
		transfer->end += bytes;
	}
	return result;
}

/** The drive has a data block for the host, or wants one: a PIO setup frame goes before it. */
static void serve(struct ahci_port *port)
{
	struct ide_channel *channel = &port->channel;
	struct ide_transfer *transfer = &channel->state->transfer;
	struct ide_drive_state *drive = ahci_port_drive(port)->state;
	bool in = transfer->phase == IDE_DATA_IN, interrupt = drive->interrupt;
	uint32_t bytes = transfer->block_end - (in ? transfer->start : transfer->end);
	uint8_t fis[FIS_REGISTERS_BYTES] = { FIS_PIO_SETUP };

	fis[FIS_FLAGS] = (uint8_t)((in ? FIS_TO_HOST : 0) | (interrupt ? FIS_INTERRUPT : 0));
	put_registers(port, fis);
	store_le16(fis + FIS_PIO_BYTES, (uint16_t)bytes);
	drive->interrupt = 0;
	channel->table_result = move_block(port, bytes);
	if (channel->table_result == BMDMA_OK)
		ide_block_done(channel);
	else
		ide_end_without_memory(channel);
	fis[FIS_END_STATUS] = transfer->phase == IDE_IDLE ? drive->status : drive->status | ATA_BSY;
	ahci_port_receive(port, AHCI_RECEIVED_PIO_SETUP, fis, sizeof(fis));
	show_status(port);
	if (interrupt)
		ahci_port_raise(port, AHCI_IS_PSS);
}

static void write_moved_bytes(struct ahci_port *port)
{
	struct ahci_port_state *state = port->state;
	uint64_t header = state->list + (uint64_t)state->slot * AHCI_HEADER_BYTES;
	uint8_t bytes[4];

	store_le32(bytes, port->channel.bmdma.state->walk.moved);
	if (!ahci_may_reach_memory(port->ahci))
		return;
	if (!ram_write(port->ahci->ram, header + AHCI_HEADER_PRDBC, bytes, sizeof(bytes)))
		stop_by_bus_error(port);
}

/** The drive is done with the command; data that went in without an end frame say so themselves. */
static void finish_command(struct ahci_port *port)
{
	struct ahci_port_state *state = port->state;
	struct ide_channel *channel = &port->channel;
	struct ide_drive_state *drive = ahci_port_drive(port)->state;

	state->running = 0;
	if (channel->table_result == BMDMA_SHORT) {
		if (!(drive->status & ATA_ERR))
			ide_end_without_memory(channel);
		state->is |= AHCI_IS_OFS;
	} else if (channel->table_result == BMDMA_FAULT) {
		state->is |= AHCI_IS_HBDS;
	}
	if (channel->bmdma.state->walk.marked)
		state->is |= AHCI_IS_DPS;
	write_moved_bytes(port);
	if (drive->status & ATA_ERR) {
		state->is |= AHCI_IS_TFES;
		state->stopped = 1;
	} else {
		state->ci &= ~BIT(state->slot);
	}
	if (drive->interrupt)
		ahci_port_send_registers(port, true);
	else
		show_status(port);
	drive->interrupt = 0;
	ahci_update_irq(port->ahci);
}

/** A frame with the control register alone: SRST and its end. */
static void take_control(struct ahci_port *port, uint8_t control)
{
	struct ahci_port_state *state = port->state;
	bool was_reset = state->control & ATA_SRST, is_reset = control & ATA_SRST;

	state->control = control;
	if (is_reset && !was_reset)
		ahci_queue_cancel(port);
	ide_channel_write_control(&port->channel, control);
	state->ci &= ~BIT(state->slot);
	if (was_reset && !is_reset) {
		ahci_port_drive(port)->state->queue_failed = 0;
		send_signature(port);
	}
}

static void load_registers(struct ide_drive_state *drive, const uint8_t *fis)
{
	static const struct {
		uint8_t reg, field, hob;
	} rows[] = {
		{ ATA_FEATURES, FIS_FEATURES, FIS_FEATURES_EXT },
		{ ATA_SECTOR_COUNT, FIS_COUNT, FIS_COUNT_EXT },
		{ ATA_LBA_LOW, FIS_LBA_LOW, FIS_LBA_LOW_EXT },
		{ ATA_LBA_MID, FIS_LBA_MID, FIS_LBA_MID_EXT },
		{ ATA_LBA_HIGH, FIS_LBA_HIGH, FIS_LBA_HIGH_EXT },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		drive->regs[rows[i].reg] = fis[rows[i].field];
		drive->hob[rows[i].reg] = fis[rows[i].hob];
	}
	drive->regs[ATA_DEVICE] = fis[FIS_DEVICE] & (uint8_t)~ATA_DEVICE_DEV;
}

static void execute(struct ahci_port *port, uint8_t opcode)
{
	struct ide_drive *drive = ahci_port_drive(port);

	if (opcode == ATA_CMD_DEVICE_RESET && drive->kind == IDE_CDROM) {
		ide_reset_drive(drive);
		drive->state->interrupt = 1;
	} else {
		ata_execute(drive, opcode);
	}
}

static void start_command(struct ahci_port *port, const uint8_t *fis, uint64_t table, uint16_t prds)
{
	struct ahci_port_state *state = port->state;
	struct ide_channel *channel = &port->channel;
	struct ide_drive *drive = ahci_port_drive(port);

	if (fis[FIS_TYPE] == FIS_REGISTERS_TO_DRIVE && !(fis[FIS_FLAGS] & FIS_IS_COMMAND)) {
		take_control(port, fis[FIS_CONTROL]);
		return;
	}
	if (state->control & ATA_SRST) {
		/* Held in reset, the drive answers nothing: COMRESET or PxCMD.CLO end this. */
		state->tfd = ATA_BSY;
		return;
	}
	state->running = 1;
	channel->state->bmdma = (struct bmdma_state){
		.prdt = table + AHCI_TABLE_PRDT,
		.prds = prds,
	};
	bmdma_begin(&channel->bmdma);
	channel->table_result = BMDMA_OK;
	drive->state->interrupt = 0;
	load_registers(drive->state, fis);
	/* No drive knows other frames; on a cable it would not answer at all. */
	execute(port,
		fis[FIS_TYPE] == FIS_REGISTERS_TO_DRIVE ? fis[FIS_COMMAND] : (uint8_t)ATA_CMD_NOP);
	show_status(port);
}

/** Fetches the command in 'number', each part of it once, and starts it. False if it has to wait.
 */
static bool fetch(struct ahci_port *port, unsigned number)
{
	struct ahci_port_state *state = port->state;
	struct ram *ram = port->ahci->ram;
	uint8_t header[AHCI_HEADER_BYTES], fis[AHCI_FIS_BYTES];
	uint32_t flags;
	uint64_t table;
	bool queued;

	if (!ram_read(ram, state->list + (uint64_t)number * AHCI_HEADER_BYTES, header,
		      sizeof(header))) {
		stop_by_bus_error(port);
		return false;
	}
	flags = load_le32(header);
	table = align_down(load_le64(header + AHCI_HEADER_CTBA), AHCI_CTBA_ALIGNMENT);
	if (!ram_read(ram, table + AHCI_TABLE_FIS, fis, sizeof(fis)) ||
	    !ram_read(ram, table + AHCI_TABLE_PACKET, state->packet, sizeof(state->packet))) {
		stop_by_bus_error(port);
		return false;
	}
	queued = ahci_is_queued(port, fis);
	if (!queued && !ahci_queue_is_empty(port))
		return false;
	TRACE(ahci, command, "port %u slot %u opcode %02x", port->number, number, fis[FIS_COMMAND]);
	state->slot = (uint8_t)number;
	state->has_packet = (flags & AHCI_HEADER_ATAPI) ? 1 : 0;
	if (queued)
		ahci_queue_start(port, number, fis, table + AHCI_TABLE_PRDT,
				 (uint16_t)(flags >> AHCI_HEADER_PRDTL_SHIFT));
	else
		start_command(port, fis, table, (uint16_t)(flags >> AHCI_HEADER_PRDTL_SHIFT));
	return true;
}

static bool may_start(const struct ahci_port *port)
{
	const struct ahci_port_state *state = port->state;

	return state->ci && (state->cmd & AHCI_CMD_ST) && !state->stopped && !state->running &&
	       (state->ssts & AHCI_DET_MASK) == AHCI_DET_UP &&
	       !(state->tfd & (ATA_BSY | ATA_DRQ)) && ahci_may_reach_memory(port->ahci);
}

/** Slots take turns, from the one behind the last (5.3.2.3). */
static bool start_next(struct ahci_port *port)
{
	if (!may_start(port))
		return false;
	for (unsigned i = 1; i <= AHCI_SLOTS; i++) {
		unsigned number = (port->state->slot + i) % AHCI_SLOTS;

		if (port->state->ci & BIT(number))
			return fetch(port, number);
	}
	return false;
}

static bool wants_host(const struct ide_channel *channel)
{
	return channel->state->transfer.phase == IDE_DATA_IN ||
	       channel->state->transfer.phase == IDE_DATA_OUT;
}

void ahci_port_run(struct ahci_port *port)
{
	struct ahci_port_state *state = port->state;

	do {
		while (state->running && wants_host(&port->channel))
			serve(port);
		if (state->running && port->channel.state->transfer.phase == IDE_IDLE)
			finish_command(port);
	} while (start_next(port));
}

static void channel_advanced(struct ide_channel *channel)
{
	ahci_port_run(container_of(channel, struct ahci_port, channel));
}

/* The link. */

/** Power-on of the drive, but a tray stays where it is, and a medium that came is still news. */
static void reset_drive(struct ahci_port *port)
{
	struct ide_drive_state *drive = ahci_port_drive(port)->state, before = *drive;

	ahci_port_cancel(port);
	ide_channel_reset(&port->channel);
	port->state->control = 0;
	drive->tray_open = before.tray_open;
	drive->attention = before.attention;
	drive->event = before.event;
}

static void bring_link_down(struct ahci_port *port, uint32_t det)
{
	struct ahci_port_state *state = port->state;

	/* Commands that were issued are lost; the list is gone through again when ST has fallen. */
	state->stopped = state->cmd & AHCI_CMD_ST ? 1 : 0;
	state->ssts = det;
	state->sig = (uint32_t)AHCI_SIG_NONE;
	state->tfd = AHCI_TFD_NO_DRIVE;
	state->signature_pending = 0;
}

static void bring_link_up(struct ahci_port *port)
{
	struct ahci_port_state *state = port->state;
	uint32_t limit = state->sctl & AHCI_SPD_MASK;

	bring_link_down(port, AHCI_DET_NONE);
	reset_drive(port);
	if (ahci_port_drive(port)->kind == IDE_NONE)
		return;
	state->ssts =
		AHCI_DET_UP | AHCI_IPM_ACTIVE | (limit == AHCI_SPD_1 ? AHCI_SPD_1 : AHCI_SPD_2);
	state->serr |= AHCI_SERR_X | AHCI_SERR_N;
	state->signature_pending = 1;
	if (state->cmd & AHCI_CMD_FRE)
		send_signature(port);
	ahci_update_irq(port->ahci);
}

void ahci_port_link_changed(struct ahci_port *port)
{
	struct ahci_port_state *state = port->state;

	bring_link_up(port);
	state->serr |= AHCI_SERR_X | AHCI_SERR_N;
	ahci_update_irq(port->ahci);
}

/* Registers. */

static uint32_t read_command(const struct ahci_port_state *state)
{
	uint32_t value = state->cmd | AHCI_CMD_SUD | AHCI_CMD_POD;

	if (state->cmd & AHCI_CMD_FRE)
		value |= AHCI_CMD_FR;
	if (state->cmd & AHCI_CMD_ST)
		value |= AHCI_CMD_CR | (uint32_t)(state->slot % AHCI_SLOTS) << AHCI_CMD_CCS_SHIFT;
	return value;
}

uint32_t ahci_port_read(const struct ahci_port *port, unsigned offset)
{
	const struct ahci_port_state *state = port->state;

	switch (offset) {
	case AHCI_PXCLB:
		return (uint32_t)state->list;
	case AHCI_PXCLBU:
		return (uint32_t)(state->list >> 32);
	case AHCI_PXFB:
		return (uint32_t)state->frames;
	case AHCI_PXFBU:
		return (uint32_t)(state->frames >> 32);
	case AHCI_PXIS:
		return ahci_port_interrupts(port);
	case AHCI_PXIE:
		return state->ie;
	case AHCI_PXCMD:
		return read_command(state);
	case AHCI_PXTFD:
		return state->tfd;
	case AHCI_PXSIG:
		return state->sig;
	case AHCI_PXSSTS:
		return state->ssts;
	case AHCI_PXSCTL:
		return state->sctl;
	case AHCI_PXSERR:
		return state->serr;
	case AHCI_PXSACT:
		return state->sact;
	case AHCI_PXCI:
		return state->ci;
	default:
		return 0;
	}
}

/** Stops the engine: what was issued is forgotten (3.3.7, 3.3.13, 3.3.14). */
static void stop_engine(struct ahci_port *port)
{
	struct ahci_port_state *state = port->state;

	ahci_port_cancel(port);
	state->ci = 0;
	state->sact = 0;
	state->stopped = 0;
	state->slot = AHCI_SLOTS - 1;
}

static void write_command(struct ahci_port *port, uint32_t value, uint32_t mask)
{
	struct ahci_port_state *state = port->state;
	uint32_t old = state->cmd;

	state->cmd = replace_bits(old, mask & AHCI_CMD_WRITABLE, value);
	if ((old & AHCI_CMD_ST) && !(state->cmd & AHCI_CMD_ST))
		stop_engine(port);
	if ((value & AHCI_CMD_CLO) && !(old & AHCI_CMD_ST))
		state->tfd &= ~(uint32_t)(ATA_BSY | ATA_DRQ);
	if ((state->cmd & AHCI_CMD_FRE) && state->signature_pending)
		send_signature(port);
	ahci_port_run(port);
}

static void write_control(struct ahci_port *port, uint32_t value, uint32_t mask)
{
	struct ahci_port_state *state = port->state;
	uint32_t old = state->sctl & AHCI_DET_MASK, det;

	state->sctl = replace_bits(state->sctl, mask & AHCI_SCTL_MASK, value);
	det = state->sctl & AHCI_DET_MASK;
	if (det == old)
		return;
	if (det == AHCI_DET_NONE) {
		bring_link_up(port);
		return;
	}
	ahci_port_cancel(port);
	bring_link_down(port, det == AHCI_DET_OFF ? AHCI_DET_OFF : AHCI_DET_NONE);
}

static uint64_t replace_half(uint64_t address, bool high, uint32_t value, uint32_t mask,
			     uint32_t alignment)
{
	unsigned shift = high ? 32 : 0;
	uint64_t bits = (uint64_t)mask << shift;

	return align_down((address & ~bits) | ((uint64_t)value << shift & bits), alignment);
}

void ahci_port_write(struct ahci_port *port, unsigned offset, uint32_t value, uint32_t mask)
{
	struct ahci_port_state *state = port->state;

	value &= mask;
	switch (offset) {
	case AHCI_PXCLB:
	case AHCI_PXCLBU:
		state->list = replace_half(state->list, offset == AHCI_PXCLBU, value, mask,
					   LIST_ALIGNMENT);
		break;
	case AHCI_PXFB:
	case AHCI_PXFBU:
		state->frames = replace_half(state->frames, offset == AHCI_PXFBU, value, mask,
					     FRAMES_ALIGNMENT);
		break;
	case AHCI_PXIS:
		state->is &= ~value;
		ahci_update_irq(port->ahci);
		break;
	case AHCI_PXIE:
		state->ie = replace_bits(state->ie, mask & AHCI_IE_MASK, value);
		ahci_update_irq(port->ahci);
		break;
	case AHCI_PXCMD:
		write_command(port, value, mask);
		break;
	case AHCI_PXSCTL:
		write_control(port, value, mask);
		break;
	case AHCI_PXSERR:
		state->serr &= ~value;
		ahci_update_irq(port->ahci);
		break;
	case AHCI_PXSACT:
		if (state->cmd & AHCI_CMD_ST)
			state->sact |= value;
		break;
	case AHCI_PXCI:
		if (state->cmd & AHCI_CMD_ST)
			state->ci |= value;
		ahci_port_run(port);
		break;
	default:
		break;
	}
}

/* Life. */

void ahci_port_init(struct ahci_port *port, struct ahci *ahci, unsigned number)
{
	port->state = &ahci->state.ports[number];
	port->ahci = ahci;
	port->number = (uint8_t)number;
	/* Its registers are not mapped and its interrupt leads nowhere: frames stand for both. */
	ide_channel_init(&port->channel, &port->state->channel, ahci->ram, NULL, "ahci port",
			 "ahci port");
	port->channel.bmdma.format = BMDMA_AHCI;
	port->channel.advance = channel_advanced;
	port->channel.drives[0].sata = true;
	for (unsigned i = 0; i < AHCI_SLOTS; i++) {
		port->slots[i].port = port;
		bmdma_init(&port->slots[i].bmdma, &port->slots[i].walk, ahci->ram);
	}
}

void ahci_port_hba_reset(struct ahci_port *port)
{
	struct ahci_port_state *state = port->state;

	ahci_port_cancel(port);
	state->is = state->ie = state->cmd = state->sctl = state->serr = 0;
	state->sact = state->ci = 0;
	state->running = state->has_packet = 0;
	state->slot = AHCI_SLOTS - 1;
	memset(state->packet, 0, sizeof(state->packet));
	bring_link_up(port);
}

void ahci_port_reset(struct ahci_port *port)
{
	port->state->list = port->state->frames = 0;
	ahci_port_hba_reset(port);
}

void ahci_port_quiesce(struct ahci_port *port)
{
	struct ide_drive *drive = ahci_port_drive(port);

	/* A medium may have been changed under a command that reads the old one. What is issued
	 * starts as others end, so this waits for all of it. */
	ide_channel_quiesce(&port->channel);
	if (drive->kind != IDE_NONE)
		block_drain(ide_drive_block(drive));
}

void ahci_port_resume(struct ahci_port *port)
{
	ide_channel_resume(&port->channel);
	ahci_queue_resume(port);
	ahci_port_run(port);
}

static bool state_is_valid(const struct ahci_port *port)
{
	const struct ahci_port_state *state = port->state;
	bool is_up = (state->ssts & AHCI_DET_MASK) == AHCI_DET_UP;
	bool is_busy = state->channel.transfer.phase != IDE_IDLE;

	return state->list % LIST_ALIGNMENT == 0 && state->frames % FRAMES_ALIGNMENT == 0 &&
	       !(state->is & ~(uint32_t)INTERRUPTS_KEPT) && !(state->ie & ~AHCI_IE_MASK) &&
	       !(state->cmd & ~(uint32_t)AHCI_CMD_WRITABLE) &&
	       !(state->sctl & ~(uint32_t)AHCI_SCTL_MASK) &&
	       !(state->serr & ~(uint32_t)(AHCI_SERR_N | AHCI_SERR_X)) &&
	       state->slot < AHCI_SLOTS && state->running == is_busy && state->has_packet <= 1 &&
	       state->stopped <= 1 && state->signature_pending <= 1 &&
	       (!is_up || port->channel.drives[0].kind != IDE_NONE) &&
	       state->channel.selected == 0 && state->channel.transfer.drive == 0 &&
	       ahci_queue_is_valid(port);
}

int ahci_port_after_load(struct ahci_port *port, struct err *err)
{
	int result = ide_channel_after_load(&port->channel, err);

	if (result == 0 && !state_is_valid(port))
		return err_set(err, -EINVAL, "the saved state of AHCI port %u is damaged",
			       port->number);
	return result;
}
