// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/acpi_pm.h"

#include <errno.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/trace.h"
#include "hw/acpi_pm_regs.h"
#include "hw/acpi_pm_smbus_regs.h"

static const struct pci_identity acpi_pm_identity = {
	.name = "Power management",
	.vendor = 0x8086,
	.device = 0x7113,
	.class = PCI_CLASS_OTHER_BRIDGE,
	.revision = 3, /* Linux takes older ones for chips with a broken C3 state */
	.interrupt_pin = 1,
};

/* Section 7.1: reset value, writable bits, bits cleared by writing one. */
static const struct reg_row acpi_pm_rows[] = {
	{ "PCICMD", PCI_COMMAND, 2, 0x0000, PCI_COMMAND_IO, 0 },
	{ "PMBA", PIIX4_PMBA, 4, 0x00000001, PMBA_BASE, 0 },
	{ "CNTA", PIIX4_CNTA, 4, 0, 0xffffffff, 0 },
	{ "CNTB", PIIX4_CNTB, 4, 0, 0xffffffff, 0 },
	{ "GPICTL", PIIX4_GPICTL, 4, 0, 0xffffffff, 0 },
	{ "DEVRESD", PIIX4_DEVRESD, 4, 0, 0x00ffffff, 0 },
	{ "DEVACTA", PIIX4_DEVACTA, 4, 0, 0xffffffff, 0 },
	{ "DEVACTB", PIIX4_DEVACTB, 4, DEVACTB_APMC_ENABLE, 0xffffffff, 0 },
	{ "DEVRESA", PIIX4_DEVRESA, 4, 0, 0xffffffff, 0 },
	{ "DEVRESB", PIIX4_DEVRESB, 4, 0, 0xffffffff, 0 },
	{ "DEVRESC", PIIX4_DEVRESC, 4, 0, 0xffffffff, 0 },
	{ "DEVRESE", PIIX4_DEVRESE, 4, 0, 0xffffffff, 0 },
	{ "DEVRESF", PIIX4_DEVRESF, 4, 0, 0xffffffff, 0 },
	{ "DEVRESG", PIIX4_DEVRESG, 4, 0, 0xffffffff, 0 },
	{ "DEVRESH", PIIX4_DEVRESH, 4, 0, 0xffffffff, 0 },
	{ "DEVRESI", PIIX4_DEVRESI, 4, 0, 0xffffffff, 0 },
	{ "DEVRESJ", PIIX4_DEVRESJ, 4, 0, 0xffffffff, 0 },
	{ "PMREGMISC", PIIX4_PMREGMISC, 1, 0, PMREGMISC_IO_ENABLE, 0 },
	{ "SMBBA", PIIX4_SMBBA, 4, 0x00000001, SMBBA_BASE, 0 },
	{ "SMBHSTCFG", PIIX4_SMBHSTCFG, 1, 0, 0x0f, 0 },
	{ "SMBSLVC", PIIX4_SMBSLVC, 1, 0, 0xff, 0 },
	{ "SMBSHDW1", PIIX4_SMBSHDW1, 1, 0, 0xff, 0 },
	{ "SMBSHDW2", PIIX4_SMBSHDW2, 1, 0, 0xff, 0 },
};

static const struct state_field acpi_pm_fields[] = {
	STATE_STRUCT(struct acpi_pm_state, pci, &pci_state_table),
	STATE_INT(struct acpi_pm_state, status),
	STATE_INT(struct acpi_pm_state, enable),
	STATE_INT(struct acpi_pm_state, control),
	STATE_INT(struct acpi_pm_state, apm_control),
	STATE_INT(struct acpi_pm_state, apm_status),
	STATE_INT(struct acpi_pm_state, suspended),
	STATE_ARRAY(struct acpi_pm_state, reserved),
	STATE_INT(struct acpi_pm_state, overflow_tick),
	STATE_STRUCT(struct acpi_pm_state, smbus, &acpi_pm_smbus_state_table),
};
STATE_TABLE(acpi_pm_state_table, acpi_pm_state, acpi_pm_fields);

/* --- The timer --- */

/* Whole seconds apart, so that nothing overflows in this millennium. */
static uint64_t ticks_from_ns(int64_t ns)
{
	uint64_t seconds = (uint64_t)(ns / NS_PER_SECOND), rest = (uint64_t)(ns % NS_PER_SECOND);

	return seconds * PM_TIMER_HZ + rest * PM_TIMER_HZ / (uint64_t)NS_PER_SECOND;
}

/* The first nanosecond of a tick. */
static int64_t ns_from_ticks(uint64_t ticks)
{
	uint64_t seconds = ticks / PM_TIMER_HZ, rest = ticks % PM_TIMER_HZ;
	uint64_t rest_ns = (rest * (uint64_t)NS_PER_SECOND + PM_TIMER_HZ - 1) / PM_TIMER_HZ;

	return (int64_t)(seconds * (uint64_t)NS_PER_SECOND + rest_ns);
}

static uint64_t acpi_pm_now(const struct acpi_pm *pm)
{
	return ticks_from_ns(clock_now_ns(pm->wires.clock));
}

/* The tick at which the top bit changes next. */
static uint64_t acpi_pm_next_overflow(const struct acpi_pm *pm)
{
	return (acpi_pm_now(pm) | (PM_TIMER_HALF - 1)) + 1;
}

static uint16_t acpi_pm_status(const struct acpi_pm *pm)
{
	bool overflowed = acpi_pm_now(pm) >= pm->state.overflow_tick;

	return (uint16_t)(pm->state.status | (overflowed ? PM1_TIMER : 0));
}

/* --- SCI --- */

static bool acpi_pm_sci_level(const struct acpi_pm *pm)
{
	bool event =
		pm->wires.has_events && (acpi_pm_status(pm) & pm->state.enable & PM1_ENABLES) != 0;

	return (pm->state.control & PM1_SCI_EN) && (event || pm->gpe.level);
}

/* After any change of events: the interrupt, and the alarm for an overflow that would interrupt. */
static void acpi_pm_update(struct acpi_pm *pm)
{
	const struct acpi_pm_state *state = &pm->state;

	irq_set(pm->wires.sci, acpi_pm_sci_level(pm));
	if (pm->wires.has_events && (state->control & PM1_SCI_EN) && (state->enable & PM1_TIMER) &&
	    !(acpi_pm_status(pm) & PM1_TIMER))
		clock_timer_set(&pm->timer, ns_from_ticks(state->overflow_tick));
	else
		clock_timer_cancel(&pm->timer);
}

static void acpi_pm_overflowed(void *opaque)
{
	acpi_pm_update(opaque);
}

static void acpi_pm_gpe_changed(void *opaque, unsigned number, bool level)
{
	(void)number;
	(void)level;
	acpi_pm_update(opaque);
}

struct irq_line *acpi_pm_gpe_input(struct acpi_pm *pm)
{
	return &pm->gpe;
}

/* --- Events from outside --- */

static const uint16_t event_bits[] = {
	[ACPI_PM_POWER_BUTTON] = PM1_POWER_BUTTON,
	[ACPI_PM_SLEEP_BUTTON] = PM1_SLEEP_BUTTON,
	[ACPI_PM_RTC_ALARM] = PM1_RTC,
	[ACPI_PM_HOST] = 0,
};

/* The buttons always wake, the clock if it was allowed to. */
static bool acpi_pm_wakes(const struct acpi_pm *pm, enum acpi_pm_event event)
{
	return pm->state.suspended &&
	       (event != ACPI_PM_RTC_ALARM || (pm->state.enable & PM1_RTC) != 0);
}

void acpi_pm_signal(struct acpi_pm *pm, enum acpi_pm_event event)
{
	TRACE(acpi_pm, signal, "event %u enable %04x", event, pm->state.enable);
	pm->state.status |= event_bits[event];
	acpi_pm_update(pm);
	if (acpi_pm_wakes(pm, event) && pm->wires.wake)
		pm->wires.wake(pm->wires.wake_opaque, event);
}

void acpi_pm_set_woken(struct acpi_pm *pm, enum acpi_pm_event event)
{
	pm->state.status |= (uint16_t)(PM1_WAKE | event_bits[event]);
	acpi_pm_update(pm);
}

/* --- PM ports --- */

static uint64_t acpi_pm_read(void *opaque, uint64_t offset, unsigned size)
{
	const struct acpi_pm *pm = opaque;
	uint8_t bytes[PM_PORT_COUNT + sizeof(uint64_t)] = { 0 };

	store_le16(bytes + PM1_STS, acpi_pm_status(pm));
	store_le16(bytes + PM1_EN, pm->state.enable);
	store_le16(bytes + PM1_CNT, pm->state.control);
	store_le32(bytes + PM_TMR, (uint32_t)(acpi_pm_now(pm) & PM_TIMER_MASK));
	return load_le(bytes + offset, size);
}

/* SLP_EN was written as one. */
static void acpi_pm_sleep(struct acpi_pm *pm)
{
	unsigned type = (unsigned)(pm->state.control & PM1_SLP_TYP) >> PM1_SLP_TYP_SHIFT;

	TRACE(acpi_pm, sleep, "type %u", type);
	switch (type) {
	case SLP_TYP_S5:
	case SLP_TYP_S4:
		power_request(pm->wires.power, POWER_OFF, "acpi");
		break;
	case SLP_TYP_S3:
		pm->state.suspended = true;
		power_request(pm->wires.power, POWER_SUSPEND, "acpi");
		break;
	default:
		break;
	}
}

static void acpi_pm_clear_status(struct acpi_pm *pm, uint16_t bits)
{
	if (bits & acpi_pm_status(pm) & PM1_TIMER)
		pm->state.overflow_tick = acpi_pm_next_overflow(pm);
	pm->state.status = (uint16_t)(pm->state.status & ~bits);
}

static void acpi_pm_write_control(struct acpi_pm *pm, uint16_t mask, uint16_t bits)
{
	mask &= PM1_CNT_STORED;
	pm->state.control = (uint16_t)replace_bits(pm->state.control, mask, bits);
	if (bits & PM1_SLP_EN)
		acpi_pm_sleep(pm);
}

/* A register's byte 'shift' bits up. All are words, and may be accessed by halves. */
static void acpi_pm_write_byte(struct acpi_pm *pm, uint64_t offset, uint8_t byte)
{
	unsigned shift = 8 * (offset & 1);
	uint16_t bits = (uint16_t)(byte << shift), mask = (uint16_t)(0xff << shift);

	switch (offset & ~UINT64_C(1)) {
	case PM1_STS:
		acpi_pm_clear_status(pm, bits);
		break;
	case PM1_EN:
		pm->state.enable =
			(uint16_t)replace_bits(pm->state.enable, mask & PM1_ENABLES, bits);
		break;
	case PM1_CNT:
		acpi_pm_write_control(pm, mask, bits);
		break;
	default:
		break;
	}
}

static void acpi_pm_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
	struct acpi_pm *pm = opaque;

	for (unsigned i = 0; i < size; i++)
		acpi_pm_write_byte(pm, offset + i, (uint8_t)(value >> (8 * i)));
	acpi_pm_update(pm);
}

static const struct io_ops acpi_pm_ops = {
	.read = acpi_pm_read,
	.write = acpi_pm_write,
	.peek = acpi_pm_read,
};

/* PM1 control alone. */
static uint64_t acpi_pm_read_control_only(void *opaque, uint64_t offset, unsigned size)
{
	return acpi_pm_read(opaque, PM1_CNT + offset, size);
}

static void acpi_pm_write_control_only(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
	acpi_pm_write(opaque, PM1_CNT + offset, value, size);
}

static const struct io_ops acpi_pm_control_ops = {
	.read = acpi_pm_read_control_only,
	.write = acpi_pm_write_control_only,
	.peek = acpi_pm_read_control_only,
};

/* --- APM ports --- */

static uint64_t acpi_pm_read_apm(void *opaque, uint64_t offset, unsigned size)
{
	const struct acpi_pm *pm = opaque;

	(void)size;
	return offset == APM_CONTROL ? pm->state.apm_control : pm->state.apm_status;
}

/* A write of APMC would raise an SMI; what its handler does for ACPI is done here. */
static void acpi_pm_write_apm(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
	struct acpi_pm *pm = opaque;

	(void)size;
	if (offset == APM_STATUS) {
		pm->state.apm_status = (uint8_t)value;
		return;
	}
	pm->state.apm_control = (uint8_t)value;
	if (value == APM_ACPI_ENABLE)
		pm->state.control |= PM1_SCI_EN;
	else if (value == APM_ACPI_DISABLE)
		pm->state.control = (uint16_t)(pm->state.control & ~PM1_SCI_EN);
	acpi_pm_update(pm);
}

static const struct io_ops acpi_pm_apm_ops = {
	.read = acpi_pm_read_apm,
	.write = acpi_pm_write_apm,
	.peek = acpi_pm_read_apm,
	.max_size = 1,
};

/* --- Configuration space --- */

/* Moves a window to 'base', or away if that is 0. A place that is taken leaves it unmapped until
 * the next write. */
static void acpi_pm_place(struct acpi_pm *pm, struct io_window *window, uint64_t base)
{
	if (window->space && window->base == base)
		return;
	io_unmap(window);
	if (base != 0)
		(void)io_map(pm->wires.ports, window, base);
}

static void acpi_pm_place_windows(struct acpi_pm *pm)
{
	const struct pci_function *function = &pm->function;
	uint32_t base = pci_config_peek(function, PIIX4_PMBA, 4) & PMBA_BASE;
	uint32_t smbus = pci_config_peek(function, PIIX4_SMBBA, 4) & SMBBA_BASE;

	if (!(pci_config_peek(function, PIIX4_PMREGMISC, 1) & PMREGMISC_IO_ENABLE))
		base = 0;
	if (!(pci_config_peek(function, PIIX4_SMBHSTCFG, 1) & SMBHSTCFG_ENABLE))
		smbus = 0;
	if (base != 0 && !pm->wires.has_events)
		base += PM1_CNT;
	acpi_pm_place(pm, &pm->registers, base);
	acpi_pm_place(pm, &pm->smbus.window, smbus);
}

static void acpi_pm_config_written(void *opaque, unsigned offset, unsigned size)
{
	(void)size;
	if (offset + size > PIIX4_PMBA)
		acpi_pm_place_windows(opaque);
}

/* --- Life --- */

static void acpi_pm_reset(void *self)
{
	struct acpi_pm *pm = self;
	struct acpi_pm_state *state = &pm->state;

	pci_function_reset(&pm->function);
	acpi_pm_smbus_reset(&pm->smbus);
	state->status = state->enable = state->control = 0;
	state->apm_control = state->apm_status = 0;
	state->suspended = false;
	state->overflow_tick = acpi_pm_next_overflow(pm);
	acpi_pm_place_windows(pm);
	acpi_pm_update(pm);
}

static bool acpi_pm_state_is_valid(const struct acpi_pm_state *state)
{
	return (state->status & ~(PM1_STATUSES & ~PM1_TIMER)) == 0 &&
	       (state->enable & ~PM1_ENABLES) == 0 && (state->control & ~PM1_CNT_STORED) == 0 &&
	       acpi_pm_smbus_is_valid(&state->smbus);
}

static int acpi_pm_after_load(void *self, struct err *err)
{
	struct acpi_pm *pm = self;

	if (!acpi_pm_state_is_valid(&pm->state))
		return err_set(err, -EINVAL, "power management registers have reserved bits set");
	pm->state.overflow_tick = min_u64(pm->state.overflow_tick, acpi_pm_next_overflow(pm));
	pci_function_update(&pm->function);
	acpi_pm_place_windows(pm);
	acpi_pm_update(pm);
	return 0;
}

static void acpi_pm_finish(void *self)
{
	struct acpi_pm *pm = self;

	clock_timer_cancel(&pm->timer);
	io_unmap(&pm->registers);
	io_unmap(&pm->smbus.window);
	io_unmap(&pm->apm);
	pci_bus_unplug(&pm->function);
}

static const struct device_class acpi_pm_class = {
	.name = "acpi-pm",
	.reset = acpi_pm_reset,
	.table = &acpi_pm_state_table,
	.state_offset = offsetof(struct acpi_pm, state),
	.version = 1,
	.after_load = acpi_pm_after_load,
	.finish = acpi_pm_finish,
};

static void acpi_pm_init_windows(struct acpi_pm *pm)
{
	if (pm->wires.has_events)
		io_window_init(&pm->registers, "acpi-pm", &acpi_pm_ops, pm, PM_PORT_COUNT);
	else
		io_window_init(&pm->registers, "acpi-pm-control", &acpi_pm_control_ops, pm,
			       PM1_CONTROL_BYTES);
	io_window_init(&pm->apm, "apm", &acpi_pm_apm_ops, pm, APM_PORT_COUNT);
}

int acpi_pm_init(struct acpi_pm *pm, const struct acpi_pm_wires *wires, struct err *err)
{
	int rc;

	*pm = (struct acpi_pm){ .wires = *wires };
	device_init(&pm->device, &acpi_pm_class, pm);
	irq_init(&pm->gpe, acpi_pm_gpe_changed, pm, 0);
	clock_timer_init(&pm->timer, wires->clock, acpi_pm_overflowed, pm);
	acpi_pm_smbus_init(&pm->smbus, &pm->state.smbus);
	acpi_pm_init_windows(pm);
	pci_function_init(&pm->function, &pm->state.pci, &acpi_pm_identity, acpi_pm_rows,
			  ARRAY_SIZE(acpi_pm_rows), pm);
	pm->function.config_written = acpi_pm_config_written;
	pm->state.overflow_tick = acpi_pm_next_overflow(pm);
	rc = pci_bus_plug(wires->bus, &pm->function, 1, 3, err);
	if (rc < 0)
		return rc;
	rc = io_map(wires->ports, &pm->apm, APM_PORT_BASE);
	if (rc < 0) {
		pci_bus_unplug(&pm->function);
		return err_set_errno(err, rc, "cannot map the APM ports");
	}
	return 0;
}
