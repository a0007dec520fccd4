// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/debug_port.h"

#include <string.h>

static uint64_t debug_port_read(void *opaque, uint64_t offset, unsigned size)
{
	(void)opaque;
	(void)offset;
	(void)size;
	return DEBUG_PORT_PRESENT;
}

static void debug_port_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
	struct debug_port *port = opaque;
	uint8_t byte = (uint8_t)value;

	(void)offset;
	(void)size;
	chr_write(port->chr, &byte, 1);
}

static size_t debug_port_write_block(void *opaque, uint64_t offset, const void *data, unsigned size,
				     size_t count)
{
	struct debug_port *port = opaque;

	(void)offset;
	if (size != 1)
		return 0;
	chr_write(port->chr, data, count);
	return count;
}

static const struct io_ops debug_port_ops = {
	.read = debug_port_read,
	.write = debug_port_write,
	.peek = debug_port_read,
	.write_block = debug_port_write_block,
	.max_size = 1,
};

static void debug_port_reset(void *self)
{
	(void)self;
}

static const struct device_class debug_port_class = {
	.name = "debug-port",
	.reset = debug_port_reset,
};

int debug_port_init(struct debug_port *port, struct io_space *ports, uint16_t base, struct chr *chr)
{
	memset(port, 0, sizeof(*port));
	port->chr = chr;
	device_init(&port->device, &debug_port_class, port);
	io_window_init(&port->window, "debug-port", &debug_port_ops, port, 1);
	return io_map(ports, &port->window, base);
}
