// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The SMBus host of the PIIX4, with an empty bus: every transaction ends at once with "no device
 * answered", so that drivers that look for memory modules and sensors find none without waiting.
 *
 * Not modelled: devices, block data, the slave side, interrupts.
 */
#pragma once

#include "bus/io.h"
#include "bus/state.h"

struct acpi_pm_smbus_state {
	uint8_t status;
	uint8_t control;
	uint8_t command;
	uint8_t address;
	uint8_t data[2];
	uint8_t slave_control;
};
extern const struct state_table acpi_pm_smbus_state_table;

struct acpi_pm_smbus {
	struct acpi_pm_smbus_state *state; /* in the owner's state struct */
	struct io_window window;           /* the owner maps it */
};

void acpi_pm_smbus_init(struct acpi_pm_smbus *smbus, struct acpi_pm_smbus_state *state);
void acpi_pm_smbus_reset(struct acpi_pm_smbus *smbus);
/** False if loaded values are none that register writes can produce. */
bool acpi_pm_smbus_is_valid(const struct acpi_pm_smbus_state *state);
