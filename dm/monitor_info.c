// SPDX-License-Identifier: GPL-2.0-or-later
/* What the monitor's "info" tells. */
#include <inttypes.h>
#include <string.h>

#include "block/medium.h"
#include "bus/device.h"
#include "bus/pci_bus.h"
#include "dm/board_pc.h"
#include "dm/chardevs.h"
#include "dm/control_internal.h"
#include "dm/options.h"
#include "dm/pci_classes.h"
#include "dm/version.h"
#include "vnc/vnc.h"

#define LINE(...) json_text_printf(out, __VA_ARGS__)

static void info_status(struct control_call *call, char *words, struct json_text *out)
{
	enum machine_status status = call->machine->status;

	(void)words;
	if (status == MACHINE_RUNNING)
		LINE("VM status: running\r\n");
	else if (status == MACHINE_PAUSED)
		LINE("VM status: paused\r\n");
	else
		LINE("VM status: paused (%s)\r\n", machine_status_name(status));
}

static void info_name(struct control_call *call, char *words, struct json_text *out)
{
	(void)words;
	if (call->machine->options->name)
		LINE("%s\r\n", call->machine->options->name);
}

static void info_uuid(struct control_call *call, char *words, struct json_text *out)
{
	char text[CONTROL_UUID_BYTES];

	(void)words;
	control_format_uuid(call->machine, text);
	LINE("%s\r\n", text);
}

static void info_version(struct control_call *call, char *words, struct json_text *out)
{
	(void)call;
	(void)words;
	LINE("hvmdm %s\r\n", HVMDM_VERSION);
}

static void info_kvm(struct control_call *call, char *words, struct json_text *out)
{
	struct hv_stats stats;

	(void)words;
	hv_get_stats(call->machine->hv, &stats);
	LINE("kvm support: %s\r\n",
	     call->machine->options->accel == ACCEL_KVM ? "enabled" : "disabled");
	LINE("exits: %" PRIu64 ", ports %" PRIu64 ", memory %" PRIu64 ", collected %" PRIu64 "\r\n",
	     stats.exits, stats.pio_exits, stats.mmio_exits, stats.coalesced);
}

static void info_xen(struct control_call *call, char *words, struct json_text *out)
{
	bool enabled = call->machine->options->accel == ACCEL_XEN;
	struct hv_stats stats;

	(void)words;
	hv_get_stats(call->machine->hv, &stats);
	LINE("xen support: %s\r\n", enabled ? "enabled" : "disabled");
	if (!enabled)
		return;
	LINE("requests: %" PRIu64 ", ports %" PRIu64 ", memory %" PRIu64 ", buffered %" PRIu64
	     "\r\n",
	     stats.exits, stats.pio_exits, stats.mmio_exits, stats.coalesced);
	LINE("guest RAM: %" PRIu64 " pieces held, %" PRIu64 " mapped, %" PRIu64
	     " invalidations\r\n",
	     stats.ram_held, stats.ram_mapped, stats.ram_invalidations);
}

static void print_function(struct pci_function *function, void *opaque)
{
	struct json_text *out = opaque;
	unsigned pin = pci_config_peek(function, PCI_INTERRUPT_PIN, 1);

	LINE("  Bus  0, device %3u, function %u:\r\n", function->slot, function->function);
	LINE("    %s: PCI device %04x:%04x\r\n",
	     pci_class_name(pci_config_peek(function, PCI_CLASS_DEVICE, 2)),
	     pci_config_peek(function, PCI_VENDOR_ID, 2),
	     pci_config_peek(function, PCI_DEVICE_ID, 2));
	LINE("      PCI subsystem %04x:%04x\r\n",
	     pci_config_peek(function, PCI_SUBSYSTEM_VENDOR_ID, 2),
	     pci_config_peek(function, PCI_SUBSYSTEM_ID, 2));
	if (pin)
		LINE("      IRQ %u, pin %c\r\n", pci_config_peek(function, PCI_INTERRUPT_LINE, 1),
		     (char)('A' + pin - 1));
	for (unsigned i = 0; i <= PCI_BAR_COUNT; i++) {
		const struct io_window *window = function->bars[i].window;
		bool is_io = function->bars[i].is_io;

		if (!window)
			continue;
		LINE("      BAR%u: %s ", i, is_io ? "I/O" : "32 bit memory");
		if (window->space)
			LINE("at 0x%0*" PRIx64 " [0x%0*" PRIx64 "].\r\n", is_io ? 4 : 8,
			     window->base, is_io ? 4 : 8, window->base + window->size - 1);
		else
			LINE("not mapped, 0x%" PRIx64 " bytes.\r\n", window->size);
	}
	LINE("      id \"%s\"\r\n", function->id ? function->id : "");
}

static void info_pci(struct control_call *call, char *words, struct json_text *out)
{
	(void)words;
	pci_bus_for_each(&call->machine->pci, print_function, out);
}

static void print_drive(const struct board_drive *drive, void *opaque)
{
	struct medium_slot *slot = drive->slot;
	struct json_text *out = opaque;

	if (out->length)
		LINE("\r\n");
	if (block_is_empty(drive->block))
		LINE("%s: [not inserted]\r\n", control_drive_name(drive));
	else
		LINE("%s: %s (%s%s)\r\n", control_drive_name(drive), block_filename(drive->block),
		     block_format(drive->block),
		     block_is_read_only(drive->block) ? ", read-only" : "");
	LINE("    Attached to:      %s\r\n", drive->id ? drive->id : drive->name);
	if (slot)
		LINE("    Removable device: %slocked, tray %s\r\n",
		     slot->is_locked(slot->opaque) ? "" : "not ",
		     slot->is_tray_open(slot->opaque) ? "open" : "closed");
}

static void info_block(struct control_call *call, char *words, struct json_text *out)
{
	struct json_text drives = { 0 };

	(void)words;
	if (call->machine->board)
		board_for_each_drive(call->machine->board, print_drive, &drives);
	if (drives.bytes)
		json_text_append(out, drives.bytes, drives.length);
	json_text_finish(&drives);
}

static void print_drive_stats(const struct board_drive *drive, void *opaque)
{
	struct json_text *out = opaque;
	struct block_stats stats;

	block_get_stats(drive->block, &stats);
	LINE("%s: rd_bytes=%" PRIu64 " wr_bytes=%" PRIu64 " rd_operations=%" PRIu64
	     " wr_operations=%" PRIu64 " flush_operations=%" PRIu64 "\r\n",
	     control_drive_name(drive), stats.read_bytes, stats.write_bytes, stats.reads,
	     stats.writes, stats.flushes);
}

static void info_blockstats(struct control_call *call, char *words, struct json_text *out)
{
	(void)words;
	if (call->machine->board)
		board_for_each_drive(call->machine->board, print_drive_stats, out);
}

static void info_chardev(struct control_call *call, char *words, struct json_text *out)
{
	struct chardev *chardev;

	(void)words;
	list_for_each(chardev, &call->machine->chardevs, struct chardev, node)
		LINE("%s: filename=%s\r\n", chardev->chr->label, chardev->chr->filename);
}

static void print_window(const struct io_window *window, void *opaque)
{
	struct json_text *out = opaque;

	LINE("    %016" PRIx64 "-%016" PRIx64 " (prio 0, %s): %s\r\n", window->base,
	     window->base + window->size - 1,
	     window->ops         ? "i/o"
	     : window->read_only ? "rom"
				 : "ram",
	     window->name);
}

static void print_space(const struct io_space *space, struct json_text *out)
{
	LINE("address-space: %s\r\n  %016x-%016" PRIx64 " (prio 0, i/o): %s\r\n", space->name, 0,
	     space->limit - 1, space->name);
	io_for_each(space, print_window, out);
}

static void info_mtree(struct control_call *call, char *words, struct json_text *out)
{
	(void)words;
	print_space(&call->machine->ports, out);
	LINE("\r\n");
	print_space(&call->machine->memory, out);
}

static void info_cpus(struct control_call *call, char *words, struct json_text *out)
{
	struct hv_cpu_info info;

	(void)words;
	for (unsigned cpu = 0; cpu < call->machine->options->max_cpus; cpu++) {
		if (!control_cpu_is_online(call->machine, cpu))
			continue;
		hv_cpu_info(call->machine->hv, cpu, &info);
		LINE("%c CPU #%u: thread_id=%d%s\r\n", cpu ? ' ' : '*', cpu, info.thread_id,
		     info.halted ? " (halted)" : "");
	}
}

static void print_registers(const struct hv_cpu_info *info, struct json_text *out)
{
	static const char *const names[16] = { "RAX", "RBX", "RCX", "RDX", "RSI", "RDI",
					       "RBP", "RSP", "R8 ", "R9 ", "R10", "R11",
					       "R12", "R13", "R14", "R15" };

	for (unsigned i = 0; i < 16; i++)
		LINE("%s=%016" PRIx64 "%s", names[i], info->gpr[i], i % 4 == 3 ? "\r\n" : " ");
	LINE("RIP=%016" PRIx64 " RFL=%08" PRIx64 " HLT=%d\r\n", info->rip, info->rflags,
	     info->halted);
	LINE("CS =%04x %016" PRIx64 " DS =%04x ES =%04x FS =%04x GS =%04x SS =%04x\r\n", info->cs,
	     info->cs_base, info->ds, info->es, info->fs, info->gs, info->ss);
	LINE("CR0=%08" PRIx64 " CR2=%016" PRIx64 " CR3=%016" PRIx64 " CR4=%08" PRIx64
	     " EFER=%016" PRIx64 "\r\n",
	     info->cr0, info->cr2, info->cr3, info->cr4, info->efer);
}

static void info_registers(struct control_call *call, char *words, struct json_text *out)
{
	struct hv_cpu_info info;

	(void)words;
	for (unsigned cpu = 0; cpu < call->machine->options->max_cpus; cpu++) {
		if (hv_cpu_info(call->machine->hv, cpu, &info) < 0 || !info.online)
			continue;
		LINE("CPU#%u\r\n", cpu);
		print_registers(&info, out);
	}
}

static void print_viewer(void *opaque, const struct vnc_client_info *info)
{
	struct json_text *out = opaque;

	LINE("  Client: %s:%s (%s)%s\r\n", info->address.host, info->address.service,
	     info->address.family, info->is_websocket ? " websocket" : "");
}

static void info_vnc(struct control_call *call, char *words, struct json_text *out)
{
	const struct vnc_server *server = call->machine->vnc;
	const struct vnc_address *address;

	(void)words;
	if (!server) {
		LINE("Server: disabled\r\n");
		return;
	}
	address = vnc_server_address(server);
	LINE("default:\r\n  Server: %s:%s (%s)\r\n    Auth: %s\r\n", address->host,
	     address->service, address->family, vnc_server_auth(server));
	vnc_server_for_each_client(server, print_viewer, out);
}

static void info_mice(struct control_call *call, char *words, struct json_text *out)
{
	struct input_sink *sink;
	unsigned number = 0;

	(void)words;
	list_for_each(sink, &call->machine->input.sinks, struct input_sink, node)
	{
		if (sink->move || sink->move_to)
			LINE("%c Mouse #%u: %s%s\r\n",
			     !sink->is_ready || sink->is_ready(sink->opaque) ? '*' : ' ', number++,
			     sink->name, sink->move_to ? " (absolute)" : "");
	}
}

static void info_network(struct control_call *call, char *words, struct json_text *out)
{
	(void)words;
	control_print_networks(call->machine, out);
}

static void info_usernet(struct control_call *call, char *words, struct json_text *out)
{
	(void)words;
	control_print_user_networks(call->machine, out);
}

static void info_usb(struct control_call *call, char *words, struct json_text *out)
{
	(void)words;
	control_print_usb(call->machine, out);
}

static void info_qtree(struct control_call *call, char *words, struct json_text *out)
{
	struct device *device;

	(void)words;
	LINE("bus: main-system-bus\r\n  type System\r\n");
	list_for_each(device, &call->machine->devices.head, struct device, node)
		LINE("  dev: %s, id \"\"\r\n", device->class->name);
}

const struct monitor_command monitor_info_commands[] = {
	{ "status", "", "does the guest run", info_status },
	{ "name", "", "its name", info_name },
	{ "uuid", "", "its UUID", info_uuid },
	{ "version", "", "the program's version", info_version },
	{ "kvm", "", "the hypervisor and its exits", info_kvm },
	{ "xen", "", "Xen and its requests", info_xen },
	{ "cpus", "", "processors", info_cpus },
	{ "registers", "", "their registers", info_registers },
	{ "pci", "", "PCI functions", info_pci },
	{ "block", "", "drives and what lies in them", info_block },
	{ "blockstats", "", "what they have transferred", info_blockstats },
	{ "chardev", "", "character devices", info_chardev },
	{ "network", "", "network cards and networks", info_network },
	{ "usernet", "", "connections of user-mode networks", info_usernet },
	{ "usb", "", "USB devices and their ports", info_usb },
	{ "mtree", "", "address spaces", info_mtree },
	{ "qtree", "", "devices", info_qtree },
	{ "vnc", "", "the VNC server", info_vnc },
	{ "mice", "", "pointing devices", info_mice },
	{ NULL, "", NULL, NULL },
};
