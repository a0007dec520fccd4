// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/ide/piix_ide.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "hw/ide/atapi.h"

/** Configuration registers; 82371SB data sheet, 2.3. */
enum piix_ide_register {
	PIIX_IDETIM_PRIMARY = 0x40,
	PIIX_IDETIM_SECONDARY = 0x42,
	PIIX_SIDETIM = 0x44,
};

enum {
	BUS_MASTER_BAR = 4,
	BUS_MASTER_BYTES = 16,
};

static const struct pci_identity piix_ide_identity = {
	.name = "IDE",
	.vendor = 0x8086,
	.device = 0x7010,
	.class = PCI_CLASS_IDE,
	.prog_if = 0x80, /* bus master */
};

static const struct reg_row piix_ide_rows[] = {
	{ "IDETIM primary", PIIX_IDETIM_PRIMARY, 2, 0, 0xffff, 0 },
	{ "IDETIM secondary", PIIX_IDETIM_SECONDARY, 2, 0, 0xffff, 0 },
	{ "SIDETIM", PIIX_SIDETIM, 1, 0, 0xff, 0 },
};

static const struct channel_place {
	uint16_t command, control;
	const char *command_name, *control_name;
} places[IDE_CHANNELS] = {
	{ 0x1f0, 0x3f6, "ide0 command", "ide0 control" },
	{ 0x170, 0x376, "ide1 command", "ide1 control" },
};

/* The bus masters' window: eight bytes a channel, accessed as the host likes. */

static uint64_t bus_masters_read(void *opaque, uint64_t offset, unsigned size)
{
	const struct piix_ide *ide = opaque;
	uint64_t value = 0;

	for (unsigned i = 0; i < size; i++) {
		uint64_t at = offset + i;
		uint64_t byte = at < BUS_MASTER_BYTES
					? ide_read_bmdma(&ide->channels[at / BMDMA_REGISTER_COUNT],
							 at % BMDMA_REGISTER_COUNT)
					: 0xff;

		value |= byte << 8 * i;
	}
	return value;
}

static void bus_masters_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
	struct piix_ide *ide = opaque;

	for (unsigned i = 0; i < size; i++) {
		uint64_t at = offset + i;

		if (at < BUS_MASTER_BYTES)
			ide_write_bmdma(&ide->channels[at / BMDMA_REGISTER_COUNT],
					at % BMDMA_REGISTER_COUNT, (uint8_t)(value >> 8 * i));
	}
}

static const struct io_ops bus_masters_ops = {
	.read = bus_masters_read,
	.write = bus_masters_write,
	.peek = bus_masters_read,
	.max_size = 4,
};

static void update_bus_mastering(struct piix_ide *ide)
{
	for (unsigned i = 0; i < IDE_CHANNELS; i++)
		ide->channels[i].bus_master_enabled = pci_is_bus_master(&ide->function);
}

static void config_written(void *opaque, unsigned offset, unsigned size)
{
	(void)offset;
	(void)size;
	update_bus_mastering(opaque);
}

/* Lifecycle. */

static void reset(void *self)
{
	struct piix_ide *ide = self;

	/* The channels first: nothing may be on its way to guest memory when the rest changes. */
	for (unsigned i = 0; i < IDE_CHANNELS; i++)
		ide_channel_reset(&ide->channels[i]);
	pci_function_reset(&ide->function);
	update_bus_mastering(ide);
}

static void quiesce(void *self)
{
	struct piix_ide *ide = self;

	for (unsigned i = 0; i < IDE_CHANNELS; i++)
		ide_channel_quiesce(&ide->channels[i]);
}

static void resume(void *self)
{
	struct piix_ide *ide = self;

	for (unsigned i = 0; i < IDE_CHANNELS; i++)
		ide_channel_resume(&ide->channels[i]);
}

static void before_save(void *self)
{
	struct piix_ide *ide = self;

	for (unsigned i = 0; i < IDE_CHANNELS; i++)
		ide_channel_before_save(&ide->channels[i]);
}

static int after_load(void *self, struct err *err)
{
	struct piix_ide *ide = self;
	int result = 0;

	for (unsigned i = 0; i < IDE_CHANNELS && result == 0; i++)
		result = ide_channel_after_load(&ide->channels[i], err);
	if (result < 0)
		return result;
	pci_function_update(&ide->function);
	update_bus_mastering(ide);
	return 0;
}

static void finish(void *self)
{
	piix_ide_finish(self);
}

static const struct state_field piix_ide_fields[] = {
	STATE_STRUCTS(struct piix_ide_state, channels, &ide_channel_state_table),
	STATE_STRUCT(struct piix_ide_state, pci, &pci_state_table),
	STATE_ARRAY(struct piix_ide_state, reserved),
};
static STATE_TABLE(piix_ide_table, piix_ide_state, piix_ide_fields);

static const struct device_class piix_ide_class = {
	.name = "piix3-ide",
	.reset = reset,
	.quiesce = quiesce,
	.table = &piix_ide_table,
	.state_offset = offsetof(struct piix_ide, state),
	.version = 1,
	.before_save = before_save,
	.after_load = after_load,
	.resume = resume,
	.finish = finish,
};

static int map_channel(struct piix_ide *ide, struct io_space *ports, unsigned index,
		       struct err *err)
{
	int result = io_map(ports, &ide->channels[index].command, places[index].command);

	if (result == 0)
		result = io_map(ports, &ide->channels[index].control, places[index].control);
	if (result < 0)
		return err_set_errno(err, result, "cannot map the ports of IDE channel %u", index);
	return 0;
}

int piix_ide_init(struct piix_ide *ide, struct pci_bus *bus, int slot, unsigned number,
		  struct ram *ram, struct irq_line *irqs[IDE_CHANNELS], struct err *err)
{
	int result;

	for (unsigned i = 0; i < IDE_CHANNELS; i++)
		ide_channel_init(&ide->channels[i], &ide->state.channels[i], ram, irqs[i],
				 places[i].command_name, places[i].control_name);
	pci_function_init(&ide->function, &ide->state.pci, &piix_ide_identity, piix_ide_rows,
			  ARRAY_SIZE(piix_ide_rows), ide);
	ide->function.config_written = config_written;
	io_window_init(&ide->bus_masters, "ide bus masters", &bus_masters_ops, ide,
		       BUS_MASTER_BYTES);
	pci_function_set_bar(&ide->function, BUS_MASTER_BAR, &ide->bus_masters, PCI_BAR_IO);
	device_init(&ide->device, &piix_ide_class, ide);
	result = pci_bus_plug(bus, &ide->function, slot, number, err);
	for (unsigned i = 0; i < IDE_CHANNELS && result == 0; i++)
		result = map_channel(ide, bus->ports, i, err);
	if (result < 0)
		piix_ide_finish(ide);
	return result;
}

void piix_ide_finish(struct piix_ide *ide)
{
	for (unsigned i = 0; i < IDE_CHANNELS; i++) {
		struct ide_channel *channel = &ide->channels[i];

		for (unsigned unit = 0; unit < IDE_DRIVES; unit++)
			piix_ide_detach(ide, i, unit);
		io_unmap(&channel->command);
		io_unmap(&channel->control);
	}
	if (ide->function.bus)
		pci_bus_unplug(&ide->function);
}

/* Drives. */

static const struct ide_drive_config default_config;

static int set_text(char *text, size_t bytes, const char *value, const char *what, struct err *err)
{
	if (strlen(value) >= bytes)
		return err_set(err, -EINVAL,
			       "the %s '%s' of an IDE drive has more than %zu characters", what,
			       value, bytes - 1);
	memcpy(text, value, strlen(value) + 1);
	return 0;
}

static int set_texts(struct ide_drive *drive, const struct ide_drive_config *config,
		     const char *prefix, unsigned position, const char *model, struct err *err)
{
	char serial[IDE_SERIAL_CHARS + 1];
	int result;

	snprintf(serial, sizeof(serial), "%s%05u", prefix, position + 1);
	result = set_text(drive->serial, sizeof(drive->serial),
			  config->serial ? config->serial : serial, "serial number", err);
	if (result == 0)
		result = set_text(drive->version, sizeof(drive->version),
				  config->version ? config->version : "1.0", "firmware version",
				  err);
	if (result == 0)
		result = set_text(drive->model, sizeof(drive->model),
				  config->model ? config->model : model, "model", err);
	return result;
}

/** The free place, or NULL and a sentence. */
static struct ide_drive *find_place(struct piix_ide *ide, unsigned channel, unsigned unit,
				    struct err *err)
{
	struct ide_drive *drive;

	assert(channel < IDE_CHANNELS && unit < IDE_DRIVES);
	drive = &ide->channels[channel].drives[unit];
	if (drive->kind == IDE_NONE)
		return drive;
	err_set(err, -EEXIST,
		"IDE channel %u already has a drive %u; give the new one another index", channel,
		unit);
	return NULL;
}

static void power_on(struct ide_drive *drive, enum ide_kind kind)
{
	drive->kind = kind;
	ide_channel_reset(drive->channel);
}

int piix_ide_attach_disk(struct piix_ide *ide, unsigned channel, unsigned unit, struct block *block,
			 const struct ide_drive_config *config, struct err *err)
{
	struct ide_drive *drive = find_place(ide, channel, unit, err);
	const struct ide_geometry *geometry;
	int result;

	if (!drive)
		return -EEXIST;
	if (!config)
		config = &default_config;
	geometry = &config->geometry;
	if (geometry->cylinders == 0 && geometry->heads == 0 && geometry->sectors == 0)
		drive->geometry = ide_geometry_guess(block);
	else if (ide_geometry_is_valid(geometry))
		drive->geometry = *geometry;
	else
		return err_set(err, -EINVAL,
			       "a disk has 1 to 65535 cylinders, 1 to 16 heads, 1 to 255 sectors");
	if (config->has_translation)
		drive->geometry.translation = config->geometry.translation;
	else if (geometry->cylinders)
		drive->geometry.translation = ide_geometry_translation(geometry);
	result = set_texts(drive, config, "HD", IDE_DRIVES * channel + unit, "HVMDM HARDDISK", err);
	if (result < 0)
		return result;
	drive->wwn = config->wwn;
	drive->block = block;
	power_on(drive, IDE_DISK);
	return 0;
}

int piix_ide_attach_cdrom(struct piix_ide *ide, unsigned channel, unsigned unit,
			  struct medium_slot *slot, const struct ide_drive_config *config,
			  struct err *err)
{
	struct ide_drive *drive = find_place(ide, channel, unit, err);
	int result;

	if (!drive)
		return -EEXIST;
	if (!config)
		config = &default_config;
	result = set_texts(drive, config, "CD", IDE_DRIVES * channel + unit, "HVMDM DVD-ROM", err);
	if (result < 0)
		return result;
	drive->slot = slot;
	atapi_attach(drive);
	power_on(drive, IDE_CDROM);
	return 0;
}

void piix_ide_detach(struct piix_ide *ide, unsigned channel, unsigned unit)
{
	struct ide_drive *drive = &ide->channels[channel].drives[unit];

	if (drive->kind == IDE_NONE)
		return;
	if (ide->channels[channel].state->transfer.drive == unit)
		ide_channel_cancel(&ide->channels[channel]);
	if (drive->kind == IDE_CDROM)
		atapi_detach(drive);
	ide_lower_interrupt(drive);
	*drive = (struct ide_drive){
		.state = drive->state,
		.channel = drive->channel,
		.unit = drive->unit,
	};
}

void piix_ide_detach_disks(struct piix_ide *ide)
{
	for (unsigned i = 0; i < IDE_CHANNELS; i++)
		for (unsigned unit = 0; unit < IDE_DRIVES; unit++)
			if (ide->channels[i].drives[unit].kind == IDE_DISK)
				piix_ide_detach(ide, i, unit);
}

const struct ide_drive *piix_ide_drive(const struct piix_ide *ide, unsigned channel, unsigned unit)
{
	const struct ide_drive *drive = &ide->channels[channel].drives[unit];

	return drive->kind == IDE_NONE ? NULL : drive;
}
