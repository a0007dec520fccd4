// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ports of the SMBus host in the PIIX4's power management function. 82371AB data sheet (290562),
 * section 7.3.
 */
#pragma once

enum acpi_pm_smbus_port {
	SMBHSTSTS = 0x0, /* host status */
	SMBSLVSTS = 0x1, /* slave status */
	SMBHSTCNT = 0x2, /* host control */
	SMBHSTCMD = 0x3, /* command byte */
	SMBHSTADD = 0x4, /* slave address */
	SMBHSTDAT0 = 0x5,
	SMBHSTDAT1 = 0x6,
	SMBBLKDAT = 0x7,
	SMBSLVCNT = 0x8,
	SMBUS_PORT_COUNT = 0x10,
};

enum acpi_pm_smbus_status {
	SMBHSTSTS_INTERRUPT = 0x02, /* done */
	SMBHSTSTS_DEVICE_ERROR = 0x04,
	SMBHSTSTS_BUS_ERROR = 0x08,
	SMBHSTSTS_FAILED = 0x10,  /* killed */
	SMBHSTSTS_CLEARED = 0x1e, /* bits that a written one clears */
};

enum acpi_pm_smbus_control {
	SMBHSTCNT_INTERRUPT_ENABLE = 0x01,
	SMBHSTCNT_KILL = 0x02,
	SMBHSTCNT_PROTOCOL = 0x1c,
	SMBHSTCNT_START = 0x40, /* reads as zero */
	SMBHSTCNT_STORED = SMBHSTCNT_INTERRUPT_ENABLE | SMBHSTCNT_KILL | SMBHSTCNT_PROTOCOL,
	SMBSLVCNT_WRITABLE = 0x0d,
};
