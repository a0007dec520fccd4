// SPDX-License-Identifier: GPL-2.0-or-later
#include "dm/board_pc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/chr.h"
#include "base/err.h"
#include "dm/board_internal.h"
#include "dm/cards.h"
#include "dm/chardevs.h"
#include "dm/machine.h"
#include "dm/options.h"
#include "dm/tape.h"
#include "hw/i440fx_regs.h"

/* --- Wires --- */

static void drive_gsi(void *opaque, unsigned gsi, bool level)
{
	hv_set_irq(opaque, gsi, level);
}

static void route_link(void *opaque, unsigned link, unsigned isa_irq)
{
	hv_set_pci_link(opaque, link, isa_irq);
}

static void drive_core_intx(void *opaque, unsigned slot, unsigned pin, bool level)
{
	hv_set_pci_intx(opaque, slot, pin, level);
}

/** An input of the board's interrupt wire 'irq', for one ISA device. */
static struct irq_line *isa_irq(struct board *board, unsigned irq)
{
	return piix3_irq_input(&board->isa, irq);
}

/* --- The chips, in the order of the schematic --- */

static int init_bridges(struct board *board, struct err *err)
{
	struct machine *machine = board->machine;
	bool core_routes = machine->hv->caps.routes_pci;
	const struct pci_intx_sink core_sink = { machine->hv, drive_core_intx };
	const struct i440fx_wires host = {
		.bus = &machine->pci,
		.ports = &machine->ports,
		.power = &machine->power,
		.reset_control = piix3_reset_control(&board->isa),
		.ram_bytes = machine->ram.low_bytes + machine->ram.high_bytes,
		.pam_changed = machine->hv->caps.has_firmware ? NULL : memory_pam_changed,
		.pam_opaque = &board->memory,
	};
	const struct piix3_wires isa = {
		.bus = &machine->pci,
		.ports = &machine->ports,
		.power = &machine->power,
		.gsis = board->gsis,
		.set_link = core_routes ? route_link : NULL,
		.link_opaque = machine->hv,
		.link_rotation = core_routes ? 0 : BOARD_PIRQ_ROTATION,
		.has_elcr = !machine->hv->caps.can_run,
	};
	int result;

	for (unsigned gsi = 0; gsi < PIIX3_GSIS; gsi++)
		irq_init(&board->gsis[gsi], drive_gsi, machine->hv, gsi);
	machine->pci.intx = core_routes ? core_sink : piix3_intx_sink(&board->isa);
	result = i440fx_init(&board->host, &host, err);
	if (result == 0)
		result = piix3_init(&board->isa, &isa, err);
	device_add(&machine->devices, &board->host.device);
	device_add(&machine->devices, &board->isa.device);
	return result;
}

static void wake_machine(void *opaque, enum acpi_pm_event event)
{
	struct board *board = opaque;

	board->state.wake_event = (uint8_t)event;
	machine_wakeup(board->machine, NULL);
}

static int init_power(struct board *board, struct err *err)
{
	struct machine *machine = board->machine;
	const struct options *options = machine->options;
	const struct acpi_pm_wires pm = {
		.bus = &machine->pci,
		.ports = &machine->ports,
		.clock = &machine->clock,
		.power = &machine->power,
		.sci = isa_irq(board, BOARD_SCI),
		.has_events = !machine->hv->caps.has_pm_timer,
		.wake = wake_machine,
		.wake_opaque = board,
	};
	const struct hotplug_wires hotplug = {
		.ports = &machine->ports,
		.gpe = acpi_pm_gpe_input(&board->pm),
		.cpus = options->cpus,
		.max_cpus = options->max_cpus,
	};
	int result = port92_init(&board->port92, &machine->ports, &machine->power, err);

	if (result < 0)
		return result;
	device_add(&machine->devices, &board->port92.device);
	if (!options->acpi)
		return 0;
	result = acpi_pm_init(&board->pm, &pm, err);
	if (result == 0)
		result = hotplug_init(&board->hotplug, &hotplug, err);
	board->has_acpi = result == 0;
	if (board->has_acpi) {
		device_add(&machine->devices, &board->pm.device);
		device_add(&machine->devices, &board->hotplug.device);
	}
	return result;
}

static void rtc_alarm_came(void *opaque)
{
	struct board *board = opaque;

	if (board->has_acpi)
		acpi_pm_signal(&board->pm, ACPI_PM_RTC_ALARM);
}

/** The PIT leaves interrupt 0 to the HPET, or takes it back. */
static void hpet_legacy_changed(void *opaque, bool legacy)
{
	struct board *board = opaque;

	hv_set_pit_irq(board->machine->hv, !legacy);
}

/** Stands between the RTC and interrupt 8. Its own routes end at the I/O APIC pins that PCI shares.
 */
static int init_hpet(struct board *board, struct err *err)
{
	struct machine *machine = board->machine;
	struct hpet_wires wires = {
		.irq0 = isa_irq(board, 0),
		.irq8 = isa_irq(board, RTC_IRQ),
		.legacy_changed = hpet_legacy_changed,
		.opaque = board,
	};

	for (unsigned gsi = BOARD_FIRST_PCI_GSI; gsi < HPET_GSI_COUNT; gsi++)
		wires.gsi[gsi] = piix3_irq_input(&board->isa, gsi);
	hpet_init(&board->hpet, &machine->clock, &wires);
	board->has_hpet = true;
	device_add(&machine->devices, &board->hpet.device);
	if (io_map(&machine->memory, &board->hpet.window, BOARD_HPET_BASE) < 0)
		return err_set(err, -EEXIST, "the HPET's address is taken");
	return 0;
}

static int init_clocks(struct board *board, struct err *err)
{
	struct machine *machine = board->machine;
	const struct options *options = machine->options;
	const struct rtc_config rtc = {
		.offset_s = options->rtc_localtime ? rtc_local_offset_s() : 0,
		.base_ns = options->rtc_start_s == INT64_MIN ? 0
							     : options->rtc_start_s * NS_PER_SECOND,
		.follows_guest = options->rtc_follows_guest || options->rtc_start_s != INT64_MIN,
		.core_has_clock = machine->hv->caps.has_rtc,
		.alarm = rtc_alarm_came,
		.alarm_opaque = board,
	};
	bool has_hpet = options->hpet && !machine->hv->caps.has_hpet;
	int result = has_hpet ? init_hpet(board, err) : 0;

	rtc_init(&board->rtc, &machine->clock,
		 has_hpet ? &board->hpet.rtc : isa_irq(board, RTC_IRQ), &rtc);
	device_add(&machine->devices, &board->rtc.device);
	if (result == 0 && io_map(&machine->ports, &board->rtc.window, RTC_PORT) < 0)
		result = err_set(err, -EEXIST, "the ports of the RTC are taken");
	if (result == 0)
		result = dma_init(&board->dma, &machine->ports, &machine->ram, err);
	device_add(&machine->devices, &board->dma.device);
	return result;
}

static int init_keyboard(struct board *board, struct err *err)
{
	struct machine *machine = board->machine;

	ps2_init(&board->ps2, &machine->clock, isa_irq(board, PS2_KEYBOARD_IRQ),
		 isa_irq(board, PS2_MOUSE_IRQ), &machine->power, &machine->input);
	device_add(&machine->devices, &board->ps2.device);
	if (io_map(&machine->ports, &board->ps2.data, PS2_DATA_PORT) < 0 ||
	    io_map(&machine->ports, &board->ps2.command, PS2_COMMAND_PORT) < 0)
		return err_set(err, -EEXIST, "the keyboard controller's ports are taken");
	return 0;
}

/** A character port for a chip. */
static struct chr *board_take_chr(struct machine *machine, const char *spec, const char *label,
				  struct err *err)
{
	struct chr *chr = chardevs_take(machine, spec, label, err);

	return chr && machine->tape ? tape_wrap_chr(machine->tape, chr, err) : chr;
}

/** The character port of serial port 'index', or NULL if the board is to be without. */
static int open_serial(struct board *board, unsigned index, struct chr **chr, struct err *err)
{
	const struct options *options = board->machine->options;
	const char *spec = NULL;
	char label[16];

	*chr = NULL;
	if (index < options->serials.count)
		spec = options->serials.items[index];
	else if (index == 0 && !options->no_defaults)
		spec = options->nographic ? "stdio" : "null";
	if (!spec || strcmp(spec, "none") == 0)
		return 0;
	snprintf(label, sizeof(label), "serial%u", index);
	*chr = board_take_chr(board->machine, spec, label, err);
	return *chr ? 0 : -EINVAL;
}

static int init_serials(struct board *board, struct err *err)
{
	static const struct {
		uint16_t base;
		uint8_t irq;
	} ports[BOARD_SERIALS] = { { BOARD_SERIAL0, 4 }, { 0x2f8, 3 }, { 0x3e8, 4 }, { 0x2e8, 3 } };
	struct machine *machine = board->machine;

	for (unsigned i = 0; i < BOARD_SERIALS; i++) {
		struct serial *serial = &board->serials[i];
		struct chr *chr;

		if (open_serial(board, i, &chr, err) < 0)
			return -EINVAL;
		if (!chr)
			continue;
		if (chr_keep_history(chr) < 0)
			return err_set_errno(err, -ENOMEM, "serial%u", i);
		serial_init(serial, &machine->clock, isa_irq(board, ports[i].irq), chr);
		if (io_map(&machine->ports, &serial->window, ports[i].base) < 0)
			return err_set(err, -EEXIST, "ports of serial%u are taken", i);
		board->has_serial[i] = true;
		device_add(&machine->devices, &serial->device);
	}
	return 0;
}

struct chr *board_serial_chr(struct board *board, unsigned index)
{
	return index < BOARD_SERIALS && board->has_serial[index] ? board->serials[index].chr : NULL;
}

static int init_debug_port(struct board *board, struct err *err)
{
	struct machine *machine = board->machine;
	struct chr *chr;

	if (!machine->options->debugcon)
		return 0;
	chr = board_take_chr(machine, machine->options->debugcon, "debugcon", err);
	if (!chr || debug_port_init(&board->debug_port, &machine->ports, DEBUG_PORT, chr) < 0)
		return -EINVAL;
	device_add(&machine->devices, &board->debug_port.device);
	return 0;
}

/* --- The board as a device: what it keeps itself --- */

static void reset_itself(void *self)
{
	(void)self; /* it asks for resets, and is told before and after */
}

static int board_after_load(void *self, struct err *err)
{
	struct board *board = self;

	if (board->state.wake_event > ACPI_PM_HOST)
		return err_set(err, -EINVAL, "the saved board was woken by nothing that exists");
	/* Its boot order is that of the guest's next start. */
	if (board->firmware_arena)
		board_firmware_reset(board);
	return 0;
}

/** Processors that were plugged in are there, whatever the options say. */
static void board_loaded(void *self)
{
	struct board *board = self;
	struct hv *hv = board->machine->hv;
	struct hv_cpu_info info;

	for (unsigned i = 0; board->has_acpi && i < board->machine->options->max_cpus; i++) {
		bool online = hotplug_cpu_is_online(&board->hotplug, i);

		if (hv_cpu_info(hv, i, &info) == 0 && info.online != online)
			hv_cpu_set_online(hv, i, online, NULL);
	}
}

static const struct state_field board_fields[] = {
	STATE_INT(struct board_state, wake_event),
	STATE_ARRAY(struct board_state, sleeping_pam),
	STATE_INT(struct board_state, boot_once_used),
};
static STATE_TABLE(board_table, board_state, board_fields);

static const struct device_class board_class = {
	.name = "board",
	.reset = reset_itself,
	.table = &board_table,
	.state_offset = offsetof(struct board, state),
	.version = 1,
	.after_load = board_after_load,
	.loaded = board_loaded,
};

static int init_chips(struct board *board, struct err *err)
{
	int result;

	device_init(&board->device, &board_class, board);
	device_add(&board->machine->devices, &board->device);
	result = init_bridges(board, err);

	if (result == 0)
		result = init_clocks(board, err);
	if (result == 0)
		result = board_ide_init(board, isa_irq(board, IDE_PRIMARY_IRQ),
					isa_irq(board, IDE_SECONDARY_IRQ), err);
	if (result == 0)
		result = board_floppy_init(board, isa_irq(board, FLOPPY_IRQ), err);
	if (result == 0)
		result = init_power(board, err);
	if (result == 0)
		result = init_keyboard(board, err);
	/* Behind PS/2: input goes to the newest device that the guest has made ready. */
	if (result == 0)
		result = board_usb_init(board, err);
	if (result == 0)
		result = init_serials(board, err);
	if (result == 0)
		result = init_debug_port(board, err);
	if (result == 0 && board->machine->options->xen_platform)
		result = board_xen_init(board, err);
	if (result == 0)
		result = board_display_init(board, err);
	if (result == 0)
		result = cards_create_all(board->machine, err);
	if (result == 0 && !board->machine->hv->caps.has_firmware)
		result = board_firmware_init(board, err);
	else if (result == 0)
		board_cmos_init(board);
	return result;
}

/* --- Life --- */

struct board *board_create(struct machine *machine, struct err *err)
{
	struct board *board = calloc(1, sizeof(*board));

	if (!board) {
		err_set_errno(err, -ENOMEM, "cannot build the board");
		return NULL;
	}
	board->machine = machine;
	list_init(&board->usb.hosts);
	list_init(&board->usb.items);
	list_init(&board->usb.images);
	board_pv_disks_init(board);
	machine->board = board; /* for cards, which are plugged into it */
	if (init_chips(board, err) < 0) {
		machine->board = NULL;
		board_destroy(board);
		return NULL;
	}
	return board;
}

void board_destroy(struct board *board)
{
	board_pv_disks_finish(board);
	board_ide_finish(board);
	board_floppy_finish(board);
	device_finish_all(&board->machine->devices);
	board_usb_finish(board);
	payload_unmap(&board->bios);
	payload_unmap(&board->vga_rom);
	payload_unmap(&board->text_font);
	board_nics_finish(board);
	for (unsigned i = 0; i < BOARD_USER_ITEMS; i++)
		payload_unmap(&board->user_items[i]);
	free(board->firmware_arena);
	free(board);
}

void board_before_reset(struct board *board)
{
	board->state.boot_once_used = true;
}

void board_after_reset(struct board *board)
{
	if (board->firmware_arena)
		board_firmware_reset(board);
}

void board_announce_cpu(struct board *board, unsigned cpu, bool online)
{
	if (board->has_acpi)
		hotplug_set_cpu(&board->hotplug, cpu, online);
}

void board_press_power_button(struct board *board)
{
	if (board->has_acpi)
		acpi_pm_signal(&board->pm, ACPI_PM_POWER_BUTTON);
}

void board_prepare_wake(struct board *board)
{
	enum {
		CMOS_SHUTDOWN_STATUS = 0x0f,
		SHUTDOWN_RESUME = 0xfe, /* SeaBIOS: src/resume.c */
	};

	rtc_set_cmos(&board->rtc, CMOS_SHUTDOWN_STATUS, SHUTDOWN_RESUME);
	board->state.wake_event = ACPI_PM_HOST;
	for (unsigned i = 0; i < BOARD_PAM_REGISTERS; i++)
		board->state.sleeping_pam[i] = board->host.state.pci.config[I440FX_PAM0 + i];
}

void board_set_woken(struct board *board)
{
	struct pci_function *host = &board->host.function;

	/*
	 * SeaBIOS tells a wake-up from a reset by a variable in its shadow RAM, which it reads at
	 * the reset vector (src/romlayout.S, HaveRunPost): the attribute maps keep what they
	 * showed.
	 */
	for (unsigned i = 0; i < BOARD_PAM_REGISTERS; i++)
		pci_config_write(host, I440FX_PAM0 + i, board->state.sleeping_pam[i], 1);
	if (board->has_acpi)
		acpi_pm_set_woken(&board->pm, board->state.wake_event);
}
