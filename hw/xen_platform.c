// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/xen_platform.h"

#include <errno.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/log.h"
#include "base/trace.h"

enum {
	BAR_IO = 0,
	BAR_MEMORY = 1,
};

static const struct pci_identity identity = {
	.name = "Xen platform device",
	.vendor = 0x5853,
	.device = 0x0001,
	.class = 0xff80,
	.revision = 1,
	.subsystem_vendor = 0x5853,
	.subsystem = 0x0001,
	.interrupt_pin = 1,
};

static const struct state_field xen_platform_fields[] = {
	STATE_INT(struct xen_platform_state, build),
	STATE_INT(struct xen_platform_state, product),
	STATE_INT(struct xen_platform_state, flags),
	STATE_INT(struct xen_platform_state, unplugged),
	STATE_STRUCT(struct xen_platform_state, pci, &pci_state_table),
	STATE_ARRAY(struct xen_platform_state, reserved),
};
STATE_TABLE(xen_platform_state_table, xen_platform_state, xen_platform_fields);

/* What the ports do */

static void set_flags(struct xen_platform *platform, uint8_t flags)
{
	bool was_locked = platform->state.flags & XEN_PLATFORM_ROM_LOCK;
	bool locked = flags & XEN_PLATFORM_ROM_LOCK;

	platform->state.flags = flags & XEN_PLATFORM_ROM_LOCK;
	if (locked != was_locked && platform->wires.lock_rom)
		platform->wires.lock_rom(platform->wires.opaque, locked);
}

static void unplug(struct xen_platform *platform, unsigned what)
{
	what &= XEN_UNPLUG_ALL;
	TRACE(xen_platform, unplug, "%x", what);
	platform->state.unplugged |= (uint8_t)what;
	if (what)
		platform->wires.unplug(platform->wires.opaque, what);
}

static void log_line(struct xen_platform *platform)
{
	if (platform->line_length)
		log_guest("the guest says: %.*s", (int)platform->line_length, platform->line);
	platform->line_length = 0;
}

static void log_character(struct xen_platform *platform, uint8_t character)
{
	if (character == '\n' || character == '\r') {
		log_line(platform);
		return;
	}
	platform->line[platform->line_length++] =
		(char)(character >= ' ' && character < 0x7f ? character : '?');
	if (platform->line_length == XEN_PLATFORM_LOG_BYTES)
		log_line(platform);
}

/* The fixed ports: what is meant depends on the width */

static uint64_t fixed_read(void *opaque, uint64_t offset, unsigned size)
{
	const struct xen_platform *platform = opaque;

	if (offset == XEN_PLATFORM_MAGIC && size == 2)
		return XEN_PLATFORM_MAGIC_VALUE;
	if (offset == XEN_PLATFORM_FLAGS && size == 1)
		return platform->state.flags;
	if (offset == XEN_PLATFORM_VERSION && size == 1)
		return XEN_PLATFORM_VERSION_VALUE;
	return ones(size);
}

static void write_byte(struct xen_platform *platform, uint64_t offset, uint8_t value)
{
	if (offset == XEN_PLATFORM_FLAGS)
		set_flags(platform, value);
	else if (offset == XEN_PLATFORM_LOG)
		log_character(platform, value);
}

static void write_word(struct xen_platform *platform, uint64_t offset, uint16_t value)
{
	if (offset == XEN_PLATFORM_UNPLUG)
		unplug(platform, value);
	else if (offset == XEN_PLATFORM_PRODUCT)
		platform->state.product = value;
}

static void fixed_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
	struct xen_platform *platform = opaque;

	if (size == 1)
		write_byte(platform, offset, (uint8_t)value);
	else if (size == 2)
		write_word(platform, offset, (uint16_t)value);
	else if (size == 4 && offset == XEN_PLATFORM_BUILD)
		platform->state.build = (uint32_t)value;
}

static const struct io_ops fixed_ops = {
	.read = fixed_read,
	.write = fixed_write,
	.peek = fixed_read,
};

/* The BARs */

static uint64_t bar_read(void *opaque, uint64_t offset, unsigned size)
{
	const struct xen_platform *platform = opaque;

	if (offset == XEN_PLATFORM_BAR_FLAGS && size == 1)
		return platform->state.flags;
	return ones(size);
}

static void write_bar_unplug(struct xen_platform *platform, uint64_t value)
{
	switch (value) {
	case XEN_PLATFORM_BAR_DISKS:
		unplug(platform, XEN_UNPLUG_DISKS);
		break;
	case XEN_PLATFORM_BAR_NICS:
		unplug(platform, XEN_UNPLUG_NICS);
		break;
	default:
		log_character(platform, (uint8_t)value);
		break;
	}
}

static void bar_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
	struct xen_platform *platform = opaque;

	if (offset == XEN_PLATFORM_BAR_FLAGS && size == 1)
		set_flags(platform, (uint8_t)value);
	else if (offset == XEN_PLATFORM_BAR_UNPLUG_ALL && value == 1)
		unplug(platform, XEN_UNPLUG_DISKS | XEN_UNPLUG_NICS);
	else if (offset == XEN_PLATFORM_BAR_UNPLUG)
		write_bar_unplug(platform, value);
}

static const struct io_ops bar_ops = {
	.read = bar_read,
	.write = bar_write,
	.peek = bar_read,
};

static uint64_t memory_read(void *opaque, uint64_t offset, unsigned size)
{
	(void)opaque;
	(void)offset;
	(void)size;
	return 0;
}

static const struct io_ops memory_ops = { .read = memory_read, .peek = memory_read };

/* Life */

static void xen_platform_reset(void *self)
{
	struct xen_platform *platform = self;

	set_flags(platform, 0);
	platform->state.build = 0;
	platform->state.product = 0;
	platform->line_length = 0;
	pci_function_reset(&platform->function);
}

static int xen_platform_after_load(void *self, struct err *err)
{
	struct xen_platform *platform = self;
	uint8_t flags = platform->state.flags;

	if (flags & ~XEN_PLATFORM_ROM_LOCK || platform->state.unplugged & ~XEN_UNPLUG_ALL)
		return err_set(err, -EINVAL, "the Xen platform device has reserved bits set");
	if (platform->wires.lock_rom)
		platform->wires.lock_rom(platform->wires.opaque, flags & XEN_PLATFORM_ROM_LOCK);
	pci_function_update(&platform->function);
	return 0;
}

/** Images that are closed do not come back, so this waits until everything has been loaded. */
static void xen_platform_loaded(void *self)
{
	struct xen_platform *platform = self;

	unplug(platform, platform->state.unplugged);
}

static void xen_platform_finish(void *self)
{
	struct xen_platform *platform = self;

	log_line(platform);
	io_unmap(&platform->fixed);
	pci_bus_unplug(&platform->function);
}

static const struct device_class xen_platform_class = {
	.name = "xen-platform",
	.reset = xen_platform_reset,
	.table = &xen_platform_state_table,
	.state_offset = offsetof(struct xen_platform, state),
	.version = 1,
	.after_load = xen_platform_after_load,
	.loaded = xen_platform_loaded,
	.finish = xen_platform_finish,
};

int xen_platform_init(struct xen_platform *platform, const struct xen_platform_wires *wires,
		      struct err *err)
{
	int result;

	*platform = (struct xen_platform){ .wires = *wires };
	device_init(&platform->device, &xen_platform_class, platform);
	io_window_init(&platform->fixed, "xen-platform-ports", &fixed_ops, platform,
		       XEN_PLATFORM_PORTS);
	io_window_init(&platform->io, "xen-platform-io", &bar_ops, platform, XEN_PLATFORM_IO_BYTES);
	io_window_init(&platform->memory, "xen-platform-memory", &memory_ops, platform,
		       XEN_PLATFORM_MEMORY_BYTES);
	pci_function_init(&platform->function, &platform->state.pci, &identity, NULL, 0, platform);
	pci_function_set_bar(&platform->function, BAR_IO, &platform->io, PCI_BAR_IO);
	pci_function_set_bar(&platform->function, BAR_MEMORY, &platform->memory, PCI_BAR_PREFETCH);
	result = pci_bus_plug(wires->bus, &platform->function, XEN_PLATFORM_SLOT, 0, err);
	if (result < 0)
		return result;
	result = io_map(wires->ports, &platform->fixed, XEN_PLATFORM_PORT);
	return result < 0 ? err_set_errno(err, result, "cannot map the Xen platform device's ports")
			  : 0;
}
