// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/ide/ahci.h"

#include <assert.h>
#include <errno.h>

#include "base/bits.h"
#include "base/err.h"
#include "hw/ide/ahci_port.h"
#include "hw/ide/ahci_regs.h"

enum {
	AHCI_BAR = 5,
	PORTS_MASK = (1 << AHCI_PORTS) - 1,
};

static const struct pci_identity ahci_identity = {
	.name = "AHCI",
	.vendor = 0x8086,
	.device = 0x2922,
	.class = PCI_CLASS_SATA,
	.prog_if = 0x01, /* AHCI */
	.revision = 0x02,
	.interrupt_pin = 1,
};

bool ahci_may_reach_memory(const struct ahci *ahci)
{
	return pci_is_bus_master(&ahci->function);
}

/* Registers. */

void ahci_update_irq(struct ahci *ahci)
{
	struct ahci_state *state = &ahci->state;

	for (unsigned i = 0; i < AHCI_PORTS; i++)
		if (ahci_port_interrupts(&ahci->ports[i]) & state->ports[i].ie)
			state->is |= BIT(i);
	pci_set_intx(&ahci->function, (state->ghc & AHCI_GHC_IE) && state->is);
}

static uint32_t read_register(const struct ahci *ahci, unsigned offset)
{
	switch (offset) {
	case AHCI_CAP:
		return AHCI_CAP_S64A | AHCI_CAP_SNCQ | AHCI_CAP_SCLO | AHCI_CAP_SAM |
		       2u << AHCI_CAP_ISS_SHIFT | (AHCI_SLOTS - 1u) << AHCI_CAP_NCS_SHIFT |
		       (AHCI_PORTS - 1u) << AHCI_CAP_NP_SHIFT;
	case AHCI_GHC:
		return ahci->state.ghc | AHCI_GHC_AE;
	case AHCI_IS:
		return ahci->state.is;
	case AHCI_PI:
		return PORTS_MASK;
	case AHCI_VS:
		return AHCI_VERSION_1_3_1;
	default:
		return 0;
	}
}

/** All ports begin anew; afterwards interrupts are off (10.4.3). */
static void reset_adapter(struct ahci *ahci)
{
	ahci->state.ghc = 0;
	for (unsigned i = 0; i < AHCI_PORTS; i++)
		ahci_port_hba_reset(&ahci->ports[i]);
	ahci->state.is = 0;
	ahci_update_irq(ahci);
}

static void write_register(struct ahci *ahci, unsigned offset, uint32_t value, uint32_t mask)
{
	struct ahci_state *state = &ahci->state;

	switch (offset) {
	case AHCI_GHC:
		if (value & AHCI_GHC_HR)
			reset_adapter(ahci);
		else
			state->ghc = replace_bits(state->ghc, mask & AHCI_GHC_IE, value);
		ahci_update_irq(ahci);
		break;
	case AHCI_IS:
		/* What a port still has comes back at once (10.7.2.1). */
		state->is &= ~value;
		ahci_update_irq(ahci);
		break;
	default:
		break;
	}
}

/** The port whose registers are at 'offset', or NULL. */
static struct ahci_port *port_at(struct ahci *ahci, uint64_t offset)
{
	uint64_t number = (offset - AHCI_PORT_BASE) / AHCI_PORT_BYTES;

	return offset >= AHCI_PORT_BASE && number < AHCI_PORTS ? &ahci->ports[number] : NULL;
}

static uint64_t window_read(void *opaque, uint64_t offset, unsigned size)
{
	struct ahci *ahci = opaque;
	unsigned at = (unsigned)offset & ~3u, shift = 8 * ((unsigned)offset & 3u);
	struct ahci_port *port = port_at(ahci, at);
	uint32_t value =
		port ? ahci_port_read(port, at % AHCI_PORT_BYTES) : read_register(ahci, at);

	return (value >> shift) & ones(size);
}

/** Registers are 32 bits wide (3.): a narrower write leaves the other bits as they are. */
static void window_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
	struct ahci *ahci = opaque;
	unsigned at = (unsigned)offset & ~3u, shift = 8 * ((unsigned)offset & 3u);
	struct ahci_port *port = port_at(ahci, at);
	uint32_t mask = (uint32_t)(ones(size) << shift), bits = (uint32_t)(value << shift) & mask;

	if (port)
		ahci_port_write(port, at % AHCI_PORT_BYTES, bits, mask);
	else
		write_register(ahci, at, bits, mask);
}

static const struct io_ops window_ops = {
	.read = window_read,
	.write = window_write,
	.peek = window_read,
	.max_size = 4,
};

static void update_bus_mastering(struct ahci *ahci)
{
	for (unsigned i = 0; i < AHCI_PORTS; i++)
		ahci->ports[i].channel.bus_master_enabled = ahci_may_reach_memory(ahci);
}

static void config_written(void *opaque, unsigned offset, unsigned size)
{
	struct ahci *ahci = opaque;

	(void)offset;
	(void)size;
	update_bus_mastering(ahci);
	for (unsigned i = 0; i < AHCI_PORTS; i++)
		ahci_port_run(&ahci->ports[i]);
}

/* Lifecycle. */

static void reset(void *self)
{
	struct ahci *ahci = self;

	/* The ports first: nothing may be on its way to guest memory when the rest changes. */
	for (unsigned i = 0; i < AHCI_PORTS; i++)
		ahci_port_reset(&ahci->ports[i]);
	ahci->state.ghc = ahci->state.is = 0;
	pci_function_reset(&ahci->function);
	update_bus_mastering(ahci);
	ahci_update_irq(ahci);
}

static void quiesce(void *self)
{
	struct ahci *ahci = self;

	for (unsigned i = 0; i < AHCI_PORTS; i++)
		ahci_port_quiesce(&ahci->ports[i]);
}

static void resume(void *self)
{
	struct ahci *ahci = self;

	for (unsigned i = 0; i < AHCI_PORTS; i++)
		ahci_port_resume(&ahci->ports[i]);
}

static void before_save(void *self)
{
	struct ahci *ahci = self;

	for (unsigned i = 0; i < AHCI_PORTS; i++)
		ide_channel_before_save(&ahci->ports[i].channel);
}

static int after_load(void *self, struct err *err)
{
	struct ahci *ahci = self;
	int result = 0;

	for (unsigned i = 0; i < AHCI_PORTS && result == 0; i++)
		result = ahci_port_after_load(&ahci->ports[i], err);
	if (result == 0 && ((ahci->state.ghc & ~(uint32_t)AHCI_GHC_IE) ||
			    (ahci->state.is & ~(uint32_t)PORTS_MASK)))
		result = err_set(err, -EINVAL, "the saved state of the AHCI adapter is damaged");
	if (result < 0)
		return result;
	pci_function_update(&ahci->function);
	update_bus_mastering(ahci);
	ahci_update_irq(ahci);
	return 0;
}

static void finish(void *self)
{
	ahci_finish(self);
}

static const struct state_field ahci_port_fields[] = {
	STATE_STRUCT(struct ahci_port_state, channel, &ide_channel_state_table),
	STATE_ARRAY(struct ahci_port_state, slot_lba),
	STATE_ARRAY(struct ahci_port_state, slot_prdt),
	STATE_ARRAY(struct ahci_port_state, slot_sectors),
	STATE_ARRAY(struct ahci_port_state, slot_prds),
	STATE_ARRAY(struct ahci_port_state, slot_flags),
	STATE_INT(struct ahci_port_state, list),
	STATE_INT(struct ahci_port_state, frames),
	STATE_INT(struct ahci_port_state, is),
	STATE_INT(struct ahci_port_state, ie),
	STATE_INT(struct ahci_port_state, cmd),
	STATE_INT(struct ahci_port_state, tfd),
	STATE_INT(struct ahci_port_state, sig),
	STATE_INT(struct ahci_port_state, ssts),
	STATE_INT(struct ahci_port_state, sctl),
	STATE_INT(struct ahci_port_state, serr),
	STATE_INT(struct ahci_port_state, sact),
	STATE_INT(struct ahci_port_state, ci),
	STATE_ARRAY(struct ahci_port_state, packet),
	STATE_INT(struct ahci_port_state, running),
	STATE_INT(struct ahci_port_state, slot),
	STATE_INT(struct ahci_port_state, has_packet),
	STATE_INT(struct ahci_port_state, stopped),
	STATE_INT(struct ahci_port_state, signature_pending),
	STATE_INT(struct ahci_port_state, control),
	STATE_ARRAY(struct ahci_port_state, reserved),
};
static STATE_TABLE(ahci_port_table, ahci_port_state, ahci_port_fields);

static const struct state_field ahci_fields[] = {
	STATE_STRUCTS(struct ahci_state, ports, &ahci_port_table),
	STATE_INT(struct ahci_state, ghc),
	STATE_INT(struct ahci_state, is),
	STATE_STRUCT(struct ahci_state, pci, &pci_state_table),
	STATE_ARRAY(struct ahci_state, reserved),
};
static STATE_TABLE(ahci_table, ahci_state, ahci_fields);

static const struct device_class ahci_class = {
	.name = "ich9-ahci",
	.reset = reset,
	.quiesce = quiesce,
	.table = &ahci_table,
	.state_offset = offsetof(struct ahci, state),
	.version = 1,
	.before_save = before_save,
	.after_load = after_load,
	.resume = resume,
	.finish = finish,
};

int ahci_init(struct ahci *ahci, struct pci_bus *bus, int slot, struct ram *ram, struct err *err)
{
	int result;

	ahci->ram = ram;
	for (unsigned i = 0; i < AHCI_PORTS; i++)
		ahci_port_init(&ahci->ports[i], ahci, i);
	pci_function_init(&ahci->function, &ahci->state.pci, &ahci_identity, NULL, 0, ahci);
	ahci->function.config_written = config_written;
	io_window_init(&ahci->window, "ahci", &window_ops, ahci, AHCI_WINDOW_BYTES);
	pci_function_set_bar(&ahci->function, AHCI_BAR, &ahci->window, 0);
	device_init(&ahci->device, &ahci_class, ahci);
	result = pci_bus_plug(bus, &ahci->function, slot, 0, err);
	if (result == 0)
		reset(ahci);
	return result;
}

void ahci_finish(struct ahci *ahci)
{
	for (unsigned i = 0; i < AHCI_PORTS; i++)
		ahci_detach(ahci, i);
	if (ahci->function.bus)
		pci_bus_unplug(&ahci->function);
}

/* Drives. */

/** The drive of a free port, or NULL and a sentence. */
static struct ide_drive *find_place(struct ahci *ahci, unsigned port, struct err *err)
{
	struct ide_drive *drive;

	assert(port < AHCI_PORTS);
	drive = ahci_port_drive(&ahci->ports[port]);
	if (drive->kind == IDE_NONE)
		return drive;
	err_set(err, -EEXIST, "AHCI port %u already has a drive; give the new one another", port);
	return NULL;
}

int ahci_attach_disk(struct ahci *ahci, unsigned port, struct block *block,
		     const struct ide_drive_config *config, struct err *err)
{
	struct ide_drive *drive = find_place(ahci, port, err);
	int result;

	if (!drive)
		return -EEXIST;
	result = ide_drive_make_disk(drive, block, config, AHCI_FIRST_POSITION + port, err);
	if (result == 0)
		ahci_port_link_changed(&ahci->ports[port]);
	return result;
}

int ahci_attach_cdrom(struct ahci *ahci, unsigned port, struct medium_slot *slot,
		      const struct ide_drive_config *config, struct err *err)
{
	struct ide_drive *drive = find_place(ahci, port, err);
	int result;

	if (!drive)
		return -EEXIST;
	result = ide_drive_make_cdrom(drive, slot, config, AHCI_FIRST_POSITION + port, err);
	if (result == 0)
		ahci_port_link_changed(&ahci->ports[port]);
	return result;
}

void ahci_detach(struct ahci *ahci, unsigned port)
{
	struct ide_drive *drive = ahci_port_drive(&ahci->ports[port]);

	if (drive->kind == IDE_NONE)
		return;
	ahci_port_cancel(&ahci->ports[port]);
	ide_drive_remove(drive);
	ahci_port_link_changed(&ahci->ports[port]);
}

const struct ide_drive *ahci_drive(const struct ahci *ahci, unsigned port)
{
	const struct ide_drive *drive = &ahci->ports[port].channel.drives[0];

	return drive->kind == IDE_NONE ? NULL : drive;
}
