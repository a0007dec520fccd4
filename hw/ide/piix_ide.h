// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The IDE function of the PIIX3 (82371SB): two channels at the legacy ports, bus masters in BAR 4.
 *
 * Modelled: configuration registers IDETIM and SIDETIM, bus master IDE. Timings have no effect, and
 * neither have the decode enable bits of IDETIM: firmware sets them, and programs without firmware
 * expect the ports to be there. Not modelled: native mode (prog-if has no such bits on this chip).
 */
#pragma once

#include "bus/device.h"
#include "bus/pci_bus.h"
#include "hw/ide/channel.h"
#include "hw/ide/drive.h"

enum {
	IDE_CHANNELS = 2,
};

struct piix_ide_state {
	struct ide_channel_state channels[IDE_CHANNELS];
	struct pci_state pci;
	uint8_t reserved[7];
};

struct piix_ide {
	struct piix_ide_state state;
	struct ide_channel channels[IDE_CHANNELS];
	struct pci_function function;
	struct io_window bus_masters;
	struct device device;
};

/**
 * Makes the controller with empty channels, plugs it into 'bus' at 'slot' and 'number' and maps the
 * legacy ports in the bus' port space. 'irqs' are the wires of the channels: ISA 14 and 15. All are
 * borrowed. The owner adds ide->device to its list. 0 or -errno.
 */
int piix_ide_init(struct piix_ide *ide, struct pci_bus *bus, int slot, unsigned number,
		  struct ram *ram, struct irq_line *irqs[IDE_CHANNELS], struct err *err);
/** Waits for requests and unmaps; images and slots stay the owner's. */
void piix_ide_finish(struct piix_ide *ide);

/**
 * Connects an image as a disk; 'config' may be NULL. -EEXIST if the place is taken, -EINVAL for a
 * geometry that no disk can have or text that is too long.
 */
int piix_ide_attach_disk(struct piix_ide *ide, unsigned channel, unsigned unit, struct block *block,
			 const struct ide_drive_config *config, struct err *err);
/** Connects a slot as a CD-ROM drive; takes the drive's side of it. */
int piix_ide_attach_cdrom(struct piix_ide *ide, unsigned channel, unsigned unit,
			  struct medium_slot *slot, const struct ide_drive_config *config,
			  struct err *err);
/** Takes a drive out, after waiting for its requests. Nothing happens if there is none. */
void piix_ide_detach(struct piix_ide *ide, unsigned channel, unsigned unit);
/** Takes all disks out, not the CD-ROMs: the guest has drivers for better ones. */
void piix_ide_detach_disks(struct piix_ide *ide);

/** The drive at a place, or NULL: for CMOS (geometry) and monitors. */
const struct ide_drive *piix_ide_drive(const struct piix_ide *ide, unsigned channel, unsigned unit);
