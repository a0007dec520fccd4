// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/ide/piix_ide.h"

#include <assert.h>
#include <errno.h>

#include "base/bits.h"
#include "base/err.h"

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

int piix_ide_attach_disk(struct piix_ide *ide, unsigned channel, unsigned unit, struct block *block,
			 const struct ide_drive_config *config, struct err *err)
{
	struct ide_drive *drive = find_place(ide, channel, unit, err);
	int result;

	if (!drive)
		return -EEXIST;
	result = ide_drive_make_disk(drive, block, config, IDE_DRIVES * channel + unit, err);
	if (result == 0)
		ide_channel_reset(drive->channel);
	return result;
}

int piix_ide_attach_cdrom(struct piix_ide *ide, unsigned channel, unsigned unit,
			  struct medium_slot *slot, const struct ide_drive_config *config,
			  struct err *err)
{
	struct ide_drive *drive = find_place(ide, channel, unit, err);
	int result;

	if (!drive)
		return -EEXIST;
	result = ide_drive_make_cdrom(drive, slot, config, IDE_DRIVES * channel + unit, err);
	if (result == 0)
		ide_channel_reset(drive->channel);
	return result;
}

void piix_ide_detach(struct piix_ide *ide, unsigned channel, unsigned unit)
{
	struct ide_drive *drive = &ide->channels[channel].drives[unit];

	if (drive->kind == IDE_NONE)
		return;
	if (ide->channels[channel].state->transfer.drive == unit)
		ide_channel_cancel(&ide->channels[channel]);
	ide_lower_interrupt(drive);
	ide_drive_remove(drive);
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
