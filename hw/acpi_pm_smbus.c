// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/acpi_pm_smbus.h"

#include "base/bits.h"
#include "hw/acpi_pm_smbus_regs.h"

static const struct state_field smbus_fields[] = {
	STATE_INT(struct acpi_pm_smbus_state, status),
	STATE_INT(struct acpi_pm_smbus_state, control),
	STATE_INT(struct acpi_pm_smbus_state, command),
	STATE_INT(struct acpi_pm_smbus_state, address),
	STATE_ARRAY(struct acpi_pm_smbus_state, data),
	STATE_INT(struct acpi_pm_smbus_state, slave_control),
};
STATE_TABLE(acpi_pm_smbus_state_table, acpi_pm_smbus_state, smbus_fields);

static uint64_t smbus_read(void *opaque, uint64_t offset, unsigned size)
{
	const struct acpi_pm_smbus_state *state = ((struct acpi_pm_smbus *)opaque)->state;

	(void)size;
	switch (offset) {
	case SMBHSTSTS:
		return state->status;
	case SMBHSTCNT:
		return state->control;
	case SMBHSTCMD:
		return state->command;
	case SMBHSTADD:
		return state->address;
	case SMBHSTDAT0:
		return state->data[0];
	case SMBHSTDAT1:
		return state->data[1];
	case SMBSLVCNT:
		return state->slave_control;
	default:
		return 0;
	}
}

/* KILL ends what runs with FAILED; nobody acknowledges any address. */
static void smbus_write_control(struct acpi_pm_smbus_state *state, uint8_t value)
{
	state->control = value & SMBHSTCNT_STORED;
	if (value & SMBHSTCNT_KILL)
		state->status |= SMBHSTSTS_FAILED;
	else if (value & SMBHSTCNT_START)
		state->status |= SMBHSTSTS_DEVICE_ERROR;
}

static void smbus_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
	struct acpi_pm_smbus_state *state = ((struct acpi_pm_smbus *)opaque)->state;
	uint8_t byte = (uint8_t)value;

	(void)size;
	switch (offset) {
	case SMBHSTSTS:
		state->status = (uint8_t)(state->status & ~(byte & SMBHSTSTS_CLEARED));
		break;
	case SMBHSTCNT:
		smbus_write_control(state, byte);
		break;
	case SMBHSTCMD:
		state->command = byte;
		break;
	case SMBHSTADD:
		state->address = byte;
		break;
	case SMBHSTDAT0:
		state->data[0] = byte;
		break;
	case SMBHSTDAT1:
		state->data[1] = byte;
		break;
	case SMBSLVCNT:
		state->slave_control = byte & SMBSLVCNT_WRITABLE;
		break;
	default:
		break;
	}
}

static const struct io_ops smbus_ops = {
	.read = smbus_read,
	.write = smbus_write,
	.peek = smbus_read,
	.max_size = 1,
};

void acpi_pm_smbus_reset(struct acpi_pm_smbus *smbus)
{
	*smbus->state = (struct acpi_pm_smbus_state){ 0 };
}

bool acpi_pm_smbus_is_valid(const struct acpi_pm_smbus_state *state)
{
	return (state->status & ~(SMBHSTSTS_FAILED | SMBHSTSTS_DEVICE_ERROR)) == 0 &&
	       (state->control & ~SMBHSTCNT_STORED) == 0 &&
	       (state->slave_control & ~SMBSLVCNT_WRITABLE) == 0;
}

void acpi_pm_smbus_init(struct acpi_pm_smbus *smbus, struct acpi_pm_smbus_state *state)
{
	smbus->state = state;
	acpi_pm_smbus_reset(smbus);
	io_window_init(&smbus->window, "smbus", &smbus_ops, smbus, SMBUS_PORT_COUNT);
}
