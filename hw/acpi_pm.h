// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Power management of the Intel 82371AB (PIIX4): PCI function 00:01.3, the fixed ACPI registers
 * (PM1 events and control, the power management timer), the APM ports by which an operating system
 * takes over, the system control interrupt (SCI), and an SMBus host with an empty bus. Soft off,
 * suspend to RAM and wake.
 *
 * The general-purpose events are not the PIIX4's: their block (hotplug.h) drives an input here.
 *
 * Not modelled: SMIs, device monitors and traps, throttling, the chip's own general-purpose pins;
 * their registers keep values in configuration space and read as zero among the ports.
 */
#pragma once

#include "base/clock.h"
#include "bus/device.h"
#include "bus/pci_bus.h"
#include "bus/power.h"
#include "hw/acpi_pm_smbus.h"

struct err;

/** What happens outside and the chip records; also what wakes a suspended machine. */
enum acpi_pm_event {
	ACPI_PM_POWER_BUTTON,
	ACPI_PM_SLEEP_BUTTON,
	ACPI_PM_RTC_ALARM,
	ACPI_PM_HOST, /* wake on the operator's request, without a status bit */
};

/** What the chip is wired to; all is borrowed, the struct itself is copied. */
struct acpi_pm_wires {
	struct pci_bus *bus; /* the chip plugs itself in as 00:01.3 */
	struct io_space *ports;
	struct clock *clock;
	struct power *power;
	struct irq_line *sci; /* active while high */
	/** The core has no PM1 event block and timer of its own. Otherwise only PM1 control is
	 * here. */
	bool has_events;
	/**
	 * 'event' is to wake the machine from S3. The machine resets the devices and then calls
	 * acpi_pm_set_woken. May be NULL.
	 */
	void (*wake)(void *opaque, enum acpi_pm_event event);
	void *wake_opaque;
};

struct acpi_pm_state {
	uint64_t overflow_tick; /* the timer's status bit is set from this tick on */
	uint16_t status;        /* PM1_STS but for the timer's bit */
	uint16_t enable;
	uint16_t control;
	uint8_t apm_control;
	uint8_t apm_status;
	bool suspended; /* S3 was asked for, and no reset has come yet */
	struct acpi_pm_smbus_state smbus;
	struct pci_state pci;
	uint8_t reserved[7]; /* zero */
};
extern const struct state_table acpi_pm_state_table;

struct acpi_pm {
	struct device device;
	struct acpi_pm_state state;
	struct pci_function function;
	struct io_window registers; /* all, or PM1 control alone */
	struct io_window apm;
	struct acpi_pm_smbus smbus;
	struct acpi_pm_wires wires;
	struct irq_line gpe;      /* input: an enabled general-purpose event is pending */
	struct clock_timer timer; /* runs only while the timer's event can interrupt */
};

/** Power-on state, plugged and mapped. 0, or -errno and a sentence. */
int acpi_pm_init(struct acpi_pm *pm, const struct acpi_pm_wires *wires, struct err *err);

/** The input for the general-purpose event block. May be asked for before acpi_pm_init, used only
 * after it. */
struct irq_line *acpi_pm_gpe_input(struct acpi_pm *pm);

/** Something happens: sets its status bit, interrupts or wakes if the guest has enabled that. */
void acpi_pm_signal(struct acpi_pm *pm, enum acpi_pm_event event);

/** The machine has come back from S3 by 'event'; called after the reset of all devices. */
void acpi_pm_set_woken(struct acpi_pm *pm, enum acpi_pm_event event);
