// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/usb/storage.h"

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
#include "hw/usb/scsi_disk.h"

/* --- Descriptors --- */

#define LOW(word)  ((word)&0xff)
#define HIGH(word) ((word) >> 8)

static const uint8_t device_descriptor[] = {
	18,          USB_DESCRIPTOR_DEVICE, 0x00,        0x02,         0, 0, 0, 64, /* USB 2.0 */
	LOW(0x0627), HIGH(0x0627),          LOW(0x0002), HIGH(0x0002), 0, 1, 1, 2,  3, 1,
};

/* Class 8, subclass 6 (SCSI transparent), protocol 0x50 (bulk-only). */
#define CONFIGURATION(packet)                                                                      \
	{                                                                                          \
		9, USB_DESCRIPTOR_CONFIGURATION, 32, 0, 1, 1, 0, 0x80, 50, 9,                      \
			USB_DESCRIPTOR_INTERFACE, 0, 0, 2, 8, 6, 0x50, 0, 7,                       \
			USB_DESCRIPTOR_ENDPOINT, STORAGE_IN_ADDRESS, 2, LOW(packet), HIGH(packet), \
			0, 7, USB_DESCRIPTOR_ENDPOINT, STORAGE_OUT, 2, LOW(packet), HIGH(packet),  \
			0                                                                          \
	}

static const uint8_t full_configuration[] = CONFIGURATION(STORAGE_FULL_PACKET);
static const uint8_t high_configuration[] = CONFIGURATION(STORAGE_HIGH_PACKET);

static struct usb_storage *storage_of(struct usb_device *device)
{
	return container_of(device, struct usb_storage, usb);
}

static struct ide_drive *drive_of(struct usb_storage *storage)
{
	return &storage->channel.drives[0];
}

static enum ide_phase drive_phase(const struct usb_storage *storage)
{
	return (enum ide_phase)storage->state.channel.transfer.phase;
}

static unsigned packet_bytes(const struct usb_storage *storage)
{
	return storage->state.usb.speed == USB_HIGH ? STORAGE_HIGH_PACKET : STORAGE_FULL_PACKET;
}

/* --- Commands --- */

/** A packet as the ATAPI drive takes it: the register, then twelve bytes. */
static void execute_packet(struct ide_drive *drive, const uint8_t *cdb)
{
	uint8_t *regs = drive->state->regs;

	regs[ATA_FEATURES] = 0;
	regs[ATAPI_BYTE_COUNT_LOW] = regs[ATAPI_BYTE_COUNT_HIGH] = 0; /* as much as it can */
	ata_execute(drive, ATA_CMD_PACKET);
	ide_write_data(drive->channel, cdb, ATAPI_PACKET_BYTES);
}

/** 6.2.1: valid in form; what the device cannot do with it is the command's to say. */
static bool is_valid_cbw(const uint8_t *data, unsigned length)
{
	return length == CBW_BYTES && load_le32(data + CBW_SIGNATURE) == STORAGE_CBW_SIGNATURE &&
	       !(data[CBW_FLAGS] & CBW_FLAGS_RESERVED) && data[CBW_LUN] == 0 &&
	       data[CBW_COMMAND_LENGTH] > 0 && data[CBW_COMMAND_LENGTH] <= CBW_COMMAND_MAX;
}

static int refuse(struct usb_storage *storage)
{
	storage->state.broken = true;
	usb_device_halt(&storage->usb, STORAGE_IN_ADDRESS);
	usb_device_halt(&storage->usb, STORAGE_OUT);
	return USB_STALL;
}

static int take_command(struct usb_storage *storage, const uint8_t *data, unsigned length)
{
	struct usb_storage_state *state = &storage->state;
	bool in = data[CBW_FLAGS] & CBW_FLAG_IN;
	uint8_t cdb[CBW_COMMAND_MAX] = { 0 };

	if (!is_valid_cbw(data, length))
		return refuse(storage);
	memcpy(cdb, data + CBW_COMMAND, data[CBW_COMMAND_LENGTH]);
	state->tag = load_le32(data + CBW_TAG);
	state->left = state->residue = load_le32(data + CBW_LENGTH);
	state->staged = 0;
	state->phase_error = false;
	state->phase = !state->left ? STORAGE_STATUS : in ? STORAGE_DATA_IN : STORAGE_DATA_OUT;
	TRACE(usb, storage_command, "opcode %02x length %u %s", cdb[0], state->left,
	      in ? "in" : "out");
	if (state->is_cdrom)
		execute_packet(drive_of(storage), cdb);
	else
		state->phase_error = !scsi_disk_execute(drive_of(storage), cdb, state->left, in,
							storage->removable);
	return CBW_BYTES;
}

/* --- Data to the host --- */

/** Puts what the drive has into the next packet, as long as it need not wait. */
static void stage(struct usb_storage *storage, unsigned wanted)
{
	struct usb_storage_state *state = &storage->state;

	while (state->staged < wanted && drive_phase(storage) == IDE_DATA_IN) {
		size_t count = ide_read_data(&storage->channel, state->packet + state->staged,
					     wanted - state->staged);

		if (count == 0)
			break;
		state->staged = (uint16_t)(state->staged + count);
		state->residue -= (uint32_t)count;
	}
}

/**
 * A short packet ends the stage, when the drive's data do within one. At the end of a packet, or
 * with no data at all, zeros follow (6.7.2, case 5): programs without a driver's care, a BIOS above
 * all, do not clear a stall.
 */
static int give_data(struct usb_storage *storage, uint8_t *data, unsigned room)
{
	struct usb_storage_state *state = &storage->state;
	unsigned wanted = (unsigned)min_u64(packet_bytes(storage), state->left), count;
	bool is_last;

	stage(storage, wanted);
	if (state->staged < wanted && drive_phase(storage) == IDE_ON_DISK)
		return USB_NAK;
	if (state->staged == 0) {
		memset(state->packet, 0, wanted);
		state->staged = (uint16_t)wanted;
	}
	is_last = state->staged < wanted;
	count = (unsigned)min_u64(room, min_u64(state->staged, wanted));
	memcpy(data, state->packet, count);
	state->staged = (uint16_t)(state->staged - count);
	memmove(state->packet, state->packet + count, state->staged);
	state->left -= count;
	if (state->left == 0 || (is_last && state->staged == 0))
		state->phase = STORAGE_STATUS;
	return (int)count;
}

/* --- Data from the host --- */

static int take_data(struct usb_storage *storage, const uint8_t *data, unsigned length)
{
	struct usb_storage_state *state = &storage->state;
	unsigned count = (unsigned)min_u64(length, state->left), used = 0;

	if (drive_phase(storage) == IDE_ON_DISK)
		return USB_NAK;
	while (used < count && drive_phase(storage) == IDE_DATA_OUT) {
		size_t taken = ide_write_data(&storage->channel, data + used, count - used);

		if (taken == 0)
			break;
		used += (unsigned)taken;
	}
	state->residue -= used;
	state->left -= count;
	if (state->left == 0 || length < packet_bytes(storage))
		state->phase = STORAGE_STATUS;
	return (int)length;
}

/* --- Status --- */

/** What the drive does at the end of the data stage without the host: writing and flushing. */
static bool must_wait(const struct usb_storage *storage)
{
	uint8_t job = storage->state.channel.transfer.job;

	return drive_phase(storage) == IDE_ON_DISK &&
	       (job == IDE_JOB_WRITE || job == IDE_JOB_FLUSH);
}

static uint8_t status_of(struct usb_storage *storage)
{
	struct ide_drive *drive = drive_of(storage);

	if (storage->state.phase_error)
		return STORAGE_PHASE_ERROR;
	if (!(drive->state->status & ATA_ERR))
		return STORAGE_PASSED;
	if (!storage->state.is_cdrom)
		scsi_disk_note_failure(drive);
	return STORAGE_FAILED;
}

static int give_status(struct usb_storage *storage, uint8_t *data, unsigned room)
{
	struct usb_storage_state *state = &storage->state;

	if (must_wait(storage))
		return USB_NAK;
	if (room < CSW_BYTES)
		return USB_BABBLE;
	/* It has or wants more than the host means to move. */
	if (drive_phase(storage) != IDE_IDLE) {
		ide_channel_cancel(&storage->channel);
		state->phase_error = true;
	}
	store_le32(data + CSW_SIGNATURE, STORAGE_CSW_SIGNATURE);
	store_le32(data + CSW_TAG, state->tag);
	store_le32(data + CSW_RESIDUE, state->residue);
	data[CSW_STATUS] = status_of(storage);
	state->phase = STORAGE_COMMAND;
	state->staged = 0;
	memset(state->packet, 0, sizeof(state->packet));
	return CSW_BYTES;
}

/* --- Endpoints --- */

static int storage_in(struct usb_device *device, unsigned endpoint, uint8_t *data, unsigned room)
{
	struct usb_storage *storage = storage_of(device);

	if (endpoint != STORAGE_IN)
		return USB_STALL;
	if (storage->state.broken)
		return refuse(storage);
	switch (storage->state.phase) {
	case STORAGE_COMMAND:
		return USB_NAK;
	case STORAGE_DATA_IN:
		return give_data(storage, data, room);
	case STORAGE_STATUS:
		return give_status(storage, data, room);
	default:
		return USB_STALL;
	}
}

static int storage_out(struct usb_device *device, unsigned endpoint, const uint8_t *data,
		       unsigned length)
{
	struct usb_storage *storage = storage_of(device);

	if (endpoint != STORAGE_OUT)
		return USB_STALL;
	if (storage->state.broken)
		return refuse(storage);
	switch (storage->state.phase) {
	case STORAGE_COMMAND:
		return take_command(storage, data, length);
	case STORAGE_DATA_OUT:
		return take_data(storage, data, length);
	default:
		return USB_STALL;
	}
}

static void drive_signals(void *opaque, unsigned number, bool level)
{
	struct usb_storage *storage = opaque;

	(void)number;
	if (!level)
		return;
	ide_lower_interrupt(drive_of(storage));
	usb_device_wakeup(&storage->usb);
}

/* --- Resets --- */

/** What is under way is waited for, and forgotten. */
static void reset_transport(struct usb_device *device)
{
	struct usb_storage *storage = storage_of(device);
	struct usb_storage_state *state = &storage->state;

	ide_reset_drive(drive_of(storage));
	state->phase = STORAGE_COMMAND;
	state->tag = state->left = state->residue = 0;
	state->staged = 0;
	state->phase_error = state->broken = false;
	memset(state->packet, 0, sizeof(state->packet));
}

static int storage_request(struct usb_device *device, uint16_t request, uint16_t value,
			   uint16_t index, uint8_t *data, uint16_t length)
{
	(void)value;
	(void)index;
	(void)length;
	switch (request) {
	case USB_STORAGE_GET_MAX_LUN:
		data[0] = 0;
		return 1;
	case USB_STORAGE_RESET: /* halted endpoints stay so: the host clears them next */
		reset_transport(device);
		return 0;
	default:
		return USB_STALL;
	}
}

/* --- Life --- */

static uint64_t image_bytes(const struct usb_storage *storage)
{
	const struct ide_drive *drive = &storage->channel.drives[0];

	return drive->kind == IDE_DISK ? block_size_bytes(drive->block) : 0;
}

static void storage_reset(void *self)
{
	struct usb_storage *storage = self;

	ide_channel_reset(&storage->channel);
	usb_device_reset(&storage->usb, USB_FULL);
	storage->state.image_bytes = image_bytes(storage);
	storage->state.is_cdrom = drive_of(storage)->kind == IDE_CDROM;
}

static void storage_quiesce(void *self)
{
	ide_channel_quiesce(&((struct usb_storage *)self)->channel);
}

static void storage_resume(void *self)
{
	ide_channel_resume(&((struct usb_storage *)self)->channel);
}

static void storage_before_save(void *self)
{
	ide_channel_before_save(&((struct usb_storage *)self)->channel);
}

static int check_image(const struct usb_storage *storage, struct err *err)
{
	const struct usb_storage_state *state = &storage->state;

	if (state->is_cdrom != (storage->channel.drives[0].kind == IDE_CDROM))
		return err_set(err, -EINVAL, "the saved guest has a %s on USB, this machine a %s",
			       state->is_cdrom ? "CD-ROM" : "disk",
			       state->is_cdrom ? "disk" : "CD-ROM");
	if (state->image_bytes != image_bytes(storage))
		return err_set(err, -EINVAL,
			       "a USB disk of the saved guest has %llu bytes, that of this machine "
			       "%llu: it is another disk, or its size was changed",
			       (unsigned long long)state->image_bytes,
			       (unsigned long long)image_bytes(storage));
	return 0;
}

/** The bridge moves data by PIO, with its only drive. */
static bool channel_is_valid(const struct ide_channel_state *channel)
{
	return !channel->selected && !channel->control && !channel->transfer.dma &&
	       !channel->transfer.drive && channel->transfer.phase != IDE_DMA_WAIT;
}

static int storage_after_load(void *self, struct err *err)
{
	struct usb_storage *storage = self;
	const struct usb_storage_state *state = &storage->state;

	if (check_image(storage, err) < 0)
		return -EINVAL;
	if (usb_device_check(&storage->usb) < 0 || state->phase >= STORAGE_PHASES ||
	    state->staged > STORAGE_HIGH_PACKET || state->left < state->staged ||
	    !channel_is_valid(&state->channel))
		return err_set(err, -EINVAL,
			       "the saved usb-storage holds values that it cannot have");
	return ide_channel_after_load(&storage->channel, err);
}

static void storage_finish(void *self)
{
	struct usb_storage *storage = self;
	struct ide_drive *drive = drive_of(storage);

	ide_channel_cancel(&storage->channel);
	if (drive->kind == IDE_CDROM)
		atapi_detach(drive);
	drive->kind = IDE_NONE;
}

static const struct state_field storage_fields[] = {
	STATE_STRUCT(struct usb_storage_state, channel, &ide_channel_state_table),
	STATE_INT(struct usb_storage_state, image_bytes),
	STATE_INT(struct usb_storage_state, tag),
	STATE_INT(struct usb_storage_state, left),
	STATE_INT(struct usb_storage_state, residue),
	STATE_INT(struct usb_storage_state, staged),
	STATE_STRUCT(struct usb_storage_state, usb, &usb_state_table),
	STATE_INT(struct usb_storage_state, phase),
	STATE_INT(struct usb_storage_state, phase_error),
	STATE_INT(struct usb_storage_state, broken),
	STATE_INT(struct usb_storage_state, is_cdrom),
	STATE_ARRAY(struct usb_storage_state, packet),
	STATE_ARRAY(struct usb_storage_state, reserved),
};
static STATE_TABLE(storage_table, usb_storage_state, storage_fields);

static const struct device_class storage_class = {
	.name = "usb-storage",
	.reset = storage_reset,
	.quiesce = storage_quiesce,
	.table = &storage_table,
	.state_offset = offsetof(struct usb_storage, state),
	.version = 1,
	.before_save = storage_before_save,
	.after_load = storage_after_load,
	.resume = storage_resume,
	.finish = storage_finish,
};

static int set_text(char *text, size_t bytes, const char *value, const char *what, struct err *err)
{
	if (strlen(value) >= bytes)
		return err_set(err, -EINVAL,
			       "the %s '%s' of a USB drive has more than %zu characters", what,
			       value, bytes - 1);
	memcpy(text, value, strlen(value) + 1);
	return 0;
}

static const char *or_default(const char *text, const char *otherwise)
{
	return text ? text : otherwise;
}

static int set_texts(struct ide_drive *drive, const struct usb_storage_config *config,
		     struct err *err)
{
	int result = set_text(drive->serial, sizeof(drive->serial),
			      or_default(config->serial, "000000000001"), "serial number", err);

	if (result == 0)
		result = set_text(drive->version, sizeof(drive->version),
				  or_default(config->version, "1.0"), "firmware version", err);
	if (result == 0)
		result = set_text(
			drive->model, sizeof(drive->model),
			or_default(config->model, config->slot ? "USB DVD-ROM" : "USB DISK"),
			"model", err);
	return result;
}

int usb_storage_init(struct usb_storage *storage, const struct usb_storage_config *config,
		     struct err *err)
{
	struct ide_drive *drive = drive_of(storage);

	memset(storage, 0, sizeof(*storage));
	irq_init(&storage->signal, drive_signals, storage, 0);
	ide_channel_init(&storage->channel, &storage->state.channel, NULL, &storage->signal,
			 "usb drive", "usb drive control");
	if (set_texts(drive, config, err) < 0)
		return -EINVAL;
	storage->removable = config->removable;
	drive->block = config->block;
	drive->slot = config->slot;
	drive->kind = config->slot ? IDE_CDROM : IDE_DISK;
	if (config->slot)
		atapi_attach(drive);
	storage->strings[0] = "hvmdm";
	storage->strings[1] = config->slot ? "hvmdm USB CD-ROM" : "hvmdm USB disk";
	storage->strings[2] = drive->serial;
	storage->class = (struct usb_class){
		.device = device_descriptor,
		.configuration = { full_configuration, high_configuration },
		.strings = storage->strings,
		.request = storage_request,
		.in = storage_in,
		.out = storage_out,
		.reset = reset_transport,
	};
	device_init(&storage->device, &storage_class, storage);
	usb_device_init(&storage->usb, &storage->class, &storage->state.usb);
	storage_reset(storage);
	return 0;
}
